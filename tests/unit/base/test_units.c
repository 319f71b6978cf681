/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include "base/mem.h"
#include "base/world.h"
#include "check.h"

struct number {
    const char *text;
    int64_t value; /* -1: refused */
};

TEST(durations)
{
    static const struct number cases[] = {
        {"250ms", 250 * NS_PER_MS}, {"2s", 2 * NS_PER_S}, {"1m30s", 90 * NS_PER_S}, {"1.5s", 1500 * NS_PER_MS}, {"0", 0},
        {"0s", 0}, {"1h", 3600 * NS_PER_S}, {"1d", 86400 * NS_PER_S}, {"20us", 20000}, {"900ns", 900}, {".5ms", 500000},
        {"1h2m3s4ms5us6ns", INT64_C(3723004005006)}, {"0.1s", 100 * NS_PER_MS}, {"1.024ms", 1024000},
        {"", -1}, {"5", -1}, {"s", -1}, {"-1s", -1}, {"1s1m", -1}, {"1s1s", -1}, {"1 s", -1}, {" 1s", -1}, {"1S", -1},
        {"1.2.3s", -1}, {"1e3s", -1}, {"999999999999h", -1}, {"nans", -1}, {"1ss", -1}, {"1sx", -1}, {"1s2", -1}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t v = -1;
        int rc = units_parse_duration(cases[i].text, strlen(cases[i].text), &v);
        if (v != cases[i].value || (rc < 0) != (v < 0))
            check_fail(__FILE__, __LINE__, "%s: %" PRId64, cases[i].text, v);
    }
}

TEST(memory)
{
    static const struct number cases[] = {
        {"9.6Gi", INT64_C(10307921510)}, {"40GiB", INT64_C(40) << 30}, {"512Mi", 512 << 20}, {"2GB", 2000000000}, {"1024", 1024},
        {"1024B", 1024}, {"1k", 1000}, {"1Ki", 1024}, {"80G", INT64_C(80000000000)}, {"0", 0}, {"1Ti", INT64_C(1) << 40},
        {"", -1}, {"Gi", -1}, {"-1Gi", -1}, {"1 Gi", -1}, {"1Gb", -1}, {"1gi", -1}, {"1GiBB", -1}, {"99999Pi", -1}, {"1e3", -1}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t v = -1;
        int rc = units_parse_memory(cases[i].text, strlen(cases[i].text), &v);
        if (v != cases[i].value || (rc < 0) != (v < 0))
            check_fail(__FILE__, __LINE__, "%s: %" PRId64, cases[i].text, v);
    }
}

TEST(plain_numbers)
{
    static const char *const bad[] = {"", "+", "-", ".", "e5", "1e", "1e+", "nan", "inf", "-inf", "0x10", "1_000", "1,5", " 1", "1 ", "1e999", "--1"};
    double v = 7;
    int64_t n;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (units_parse_real(bad[i], strlen(bad[i]), &v) == 0)
            check_fail(__FILE__, __LINE__, "%s is no number", bad[i]);
    CHECK_NEAR(v, 7, 0);
    CHECK_EQ(units_parse_real("-1.5e3", 6, &v), 0);
    CHECK_NEAR(v, -1500, 0);
    CHECK_EQ(units_parse_real(".5", 2, &v), 0);
    CHECK_NEAR(v, 0.5, 0);
    CHECK_EQ(units_parse_int("-42", 3, &n), 0);
    CHECK_EQ(n, -42);
    CHECK_EQ(units_parse_int("9223372036854775807", 19, &n), 0);
    CHECK_EQ(n, INT64_MAX);
    CHECK_EQ(units_parse_int("9223372036854775808", 19, &n), -1);
    CHECK_EQ(units_parse_int("4.0", 3, &n), -1);
}

TEST(for_people)
{
    char b[UNITS_MAX];

    CHECK_STR(units_duration(b, 0), "0 s");
    CHECK_STR(units_duration(b, 900), "900 ns");
    CHECK_STR(units_duration(b, 850000), "850 us");
    CHECK_STR(units_duration(b, 999700), "1.00 ms");
    CHECK_STR(units_duration(b, 168200000), "168 ms");
    CHECK_STR(units_duration(b, 999600000), "1.00 s");
    CHECK_STR(units_duration(b, 1520 * NS_PER_MS), "1.52 s");
    CHECK_STR(units_duration(b, 375 * NS_PER_S), "6 min 15 s");
    CHECK_STR(units_duration(b, 7500 * NS_PER_S), "2 h 5 min");
    CHECK_STR(units_memory(b, 512 << 20), "512 MiB");
    CHECK_STR(units_memory(b, INT64_C(10307921510)), "9.60 GiB");
    CHECK_STR(units_memory(b, 17), "17 B");
    CHECK_STR(units_count(b, 950), "950");
    CHECK_STR(units_count(b, 12345), "12.3 k");
    CHECK_STR(units_count(b, 4.56e6), "4.56 M");
    CHECK_STR(units_count(b, 999.6), "1.00 k");
    CHECK_STR(units_duration_exact(b, 90 * NS_PER_S), "1m30s");
    CHECK_STR(units_duration_exact(b, 250 * NS_PER_MS), "250ms");
}

PROPERTY(the_exact_form_reads_back, 1000)
{
    int64_t v = gen_range(g, 0, INT64_MAX / 4) >> rng_below(&g->rng, 60), again = -1;
    char b[UNITS_MAX];

    units_duration_exact(b, v);
    CHECK_EQ(units_parse_duration(b, strlen(b), &again), 0);
    CHECK_EQ(again, v);
}
