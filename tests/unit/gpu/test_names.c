/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/names.h"

#include "check.h"

static void check_name(const char *text, int compute, int gb, const char *attributes)
{
    struct profile_name n;

    CHECK(profile_name_parse(text, &n));
    CHECK_EQ(n.compute, compute);
    CHECK_EQ(n.gb, gb);
    CHECK_STR(n.attributes, attributes);
}

TEST(reads_profiles_as_tools_write_them)
{
    check_name("3g.40gb", 3, 40, "");
    check_name("MIG 1g.10gb", 1, 10, "");
    check_name("1G.10GB+ME", 1, 10, "me");
    check_name("nvidia.com/mig-1g.10gb.me", 1, 10, "me");
    check_name("1g.24gb+me.all", 1, 24, "me.all");
    check_name("1g.24gb-me", 1, 24, "-me");
    check_name("2g.48gb+gfx", 2, 48, "gfx");
    check_name("7g.141gb", 7, 141, "");
}

TEST(refuses_what_is_no_profile)
{
    static const char *const bad[] = {
        "",         "3g",         "3g.40",    "g.40gb",     "3g.gb",       "1c.3g.40gb", "3g.40gb+",
        "3g.40gbx", "3g.40gb+xx", "-3g.40gb", "3g.99999gb", "3g.40gb -me", "3 g.40gb",   "mig-"};
    struct profile_name n;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!profile_name_parse(bad[i], &n));
}

TEST(one_profile_under_two_drivers)
{
    struct profile_name a = {7, 79, ""}, b = {7, 80, ""}, c = {7, 189, ""}, d = {7, 186, ""},
                        e = {1, 10, ""}, f = {1, 20, ""};

    CHECK(profile_name_near(&a, &b));
    CHECK(profile_name_near(&c, &d));
    CHECK(!profile_name_near(&e, &f));
    CHECK(!profile_name_near(&a, &(struct profile_name){7, 79, "me"}));
}

TEST(memory_in_a_name_is_eighths_of_the_whole)
{
    CHECK_EQ(profile_name_gb(9984, 81559), 10); /* H100 1g.10gb */
    CHECK_EQ(profile_name_gb(40448, 81559), 40); /* 3g.40gb: 39.5 GiB */
    CHECK_EQ(profile_name_gb(5952, 24576), 6); /* A30 1g.6gb */
    CHECK_EQ(profile_name_gb(4864, 40537), 5); /* A100 1g.5gb: 4.75 GiB */
    CHECK_EQ(profile_name_gb(22528, 189471), 23); /* GB200, August 2025 */
}

TEST(product_names_in_their_plain_form)
{
    char s[96];

    gpu_name_plain("NVIDIA-A100-SXM4-80GB-MIG-3g.40gb", s, sizeof s);
    CHECK_STR(s, "a100-sxm4-80gb");
    gpu_name_plain("NVIDIA-A100-SXM4-80GB-SHARED", s, sizeof s);
    CHECK_STR(s, "a100-sxm4-80gb");
    gpu_name_plain("NVIDIA-A100-SXM4-80GB-MIG-3g.40gb-SHARED", s, sizeof s);
    CHECK_STR(s, "a100-sxm4-80gb");
    gpu_name_plain(" NVIDIA H100 80GB  HBM3 ", s, sizeof s);
    CHECK_STR(s, "h100-80gb-hbm3");
    gpu_name_plain("", s, sizeof s);
    CHECK_STR(s, "");
    gpu_name_plain("abcdef", s, 4);
    CHECK_STR(s, "abc");
}

TEST(distance_counts_edits)
{
    CHECK_EQ(name_distance("", ""), 0);
    CHECK_EQ(name_distance("a100", "a10"), 1);
    CHECK_EQ(name_distance("kitten", "sitting"), 3);
    CHECK_EQ(name_distance("", "abc"), 3);
}
