/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/world.h"

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of the decimal number at s: digits with at most one point, an exponent if wanted; 0: none. */
static size_t number_length(const char *s, size_t n, bool exponent)
{
    size_t i = 0, digits = 0;

    for (; i < n && digit(s[i]); i++)
        digits++;
    if (i < n && s[i] == '.')
        for (i++; i < n && digit(s[i]); i++)
            digits++;
    if (!digits)
        return 0;
    if (exponent && i < n && (s[i] == 'e' || s[i] == 'E')) {
        size_t k = i + 1;
        if (k < n && (s[k] == '+' || s[k] == '-'))
            k++;
        if (k < n && digit(s[k])) {
            while (k < n && digit(s[k]))
                k++;
            i = k;
        }
    }
    return i;
}

/* strtod wants a NUL, and the process's locale is "C": nobody calls setlocale(). */
static double number_value(const char *s, size_t n)
{
    char buf[64];

    if (n >= sizeof buf)
        return NAN;
    memcpy(buf, s, n);
    buf[n] = '\0';
    return strtod(buf, NULL);
}

int units_parse_real(const char *s, size_t n, double *ret)
{
    size_t sign = n && (*s == '-' || *s == '+');
    double v;

    if (n == sign || number_length(s + sign, n - sign, true) != n - sign)
        return -1;
    v = number_value(s + sign, n - sign);
    if (!isfinite(v))
        return -1;
    *ret = *s == '-' ? -v : v;
    return 0;
}

int units_parse_int(const char *s, size_t n, int64_t *ret)
{
    bool negative = n && *s == '-';
    uint64_t v = 0;

    if (n == (size_t)negative || n > 20)
        return -1;
    for (size_t i = negative; i < n; i++) {
        if (!digit(s[i]))
            return -1;
        if (v > (UINT64_MAX - 9) / 10)
            return -1;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    if (v > (uint64_t)INT64_MAX)
        return -1;
    *ret = negative ? -(int64_t)v : (int64_t)v;
    return 0;
}

struct unit {
    const char *name;
    double size;
};

/*
 * A decimal number times a unit, rounded to an integer, exactly where the result is one: 64-bit mantissa
 * (long double) arithmetic covers what people write with up to 18 digits.
 */
static int scaled(const char *s, size_t n, double unit, int64_t *ret)
{
    long double v = 0, scale = 1;
    bool point = false;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.') {
            point = true;
            continue;
        }
        if (scale > 1e17L)
            continue;
        v = v * 10 + (s[i] - '0');
        if (v > 1e19L)
            return -1;
        if (point)
            scale *= 10;
    }
    v = v * (long double)unit / scale;
    if (v >= 9.2e18L)
        return -1;
    *ret = (int64_t)(v + 0.5L);
    return 0;
}

int units_parse_duration(const char *s, size_t n, int64_t *ret_ns)
{
    static const struct unit units[] = {{"d", 86400e9}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9},
                                        {"ms", 1e6},    {"us", 1e3},   {"ns", 1}};
    int64_t sum = 0, part;
    size_t next = 0; /* units must fall */

    if (n == 1 && *s == '0') {
        *ret_ns = 0;
        return 0;
    }
    if (!n)
        return -1;
    while (n) {
        size_t len = number_length(s, n, false), ulen = 0, k;
        while (len + ulen < n && s[len + ulen] >= 'a' && s[len + ulen] <= 'z')
            ulen++;
        if (!len || !ulen)
            return -1;
        for (k = next; k < ARRAY_LEN(units); k++)
            if (strlen(units[k].name) == ulen && memcmp(units[k].name, s + len, ulen) == 0)
                break;
        if (k == ARRAY_LEN(units) || scaled(s, len, units[k].size, &part) < 0 || part > INT64_MAX / 2 - sum)
            return -1;
        sum += part;
        next = k + 1;
        s += len + ulen;
        n -= len + ulen;
    }
    *ret_ns = sum;
    return 0;
}

int units_parse_memory(const char *s, size_t n, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},      {"B", 1},
        {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824}, {"Ti", 1099511627776}, {"Pi", 1125899906842624},
        {"k", 1e3},   {"K", 1e3},      {"M", 1e6},         {"G", 1e9},            {"T", 1e12},
        {"P", 1e15}};
    size_t len = number_length(s, n, false), ulen = n - len;

    if (!len)
        return -1;
    if (ulen > 1 && s[n - 1] == 'B')
        ulen--;
    for (size_t k = 0; k < ARRAY_LEN(units); k++)
        if (strlen(units[k].name) == ulen && memcmp(units[k].name, s + len, ulen) == 0)
            return scaled(s, len, units[k].size, ret_bytes);
    return -1;
}

/* Three significant digits without an exponent. */
static void three_digits(char *buf, double v, const char *unit)
{
    int decimals = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;

    snprintf(buf, UNITS_MAX, "%.*f%s%s", decimals, v, *unit ? " " : "", unit);
}

static void two_parts(char *buf, int64_t count, const char *big, int64_t rest, const char *small)
{
    if (rest)
        snprintf(buf, UNITS_MAX, "%lld %s %lld %s", (long long)count, big, (long long)rest, small);
    else
        snprintf(buf, UNITS_MAX, "%lld %s", (long long)count, big);
}

char *units_duration(char buf[UNITS_MAX], int64_t ns)
{
    int64_t s = ns < INT64_MAX - NS_PER_S ? (ns + NS_PER_S / 2) / NS_PER_S : ns / NS_PER_S;

    if (ns < 0)
        snprintf(buf, UNITS_MAX, "%.3g s", (double)ns / 1e9);
    else if (ns == 0)
        snprintf(buf, UNITS_MAX, "0 s");
    else if (ns < NS_PER_US)
        snprintf(buf, UNITS_MAX, "%lld ns", (long long)ns);
    else if (ns < 999500)
        three_digits(buf, (double)ns / 1e3, "us");
    else if (ns < 999500000)
        three_digits(buf, (double)ns / 1e6, "ms");
    else if (ns < 100 * NS_PER_S)
        three_digits(buf, (double)ns / 1e9, "s");
    else if (s < 3600)
        two_parts(buf, s / 60, "min", s % 60, "s");
    else
        two_parts(buf, s / 3600, "h", s % 3600 / 60, "min");
    return buf;
}

char *units_memory(char buf[UNITS_MAX], int64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)bytes;
    size_t i = 0;

    while (v >= 1023.5 && i + 1 < ARRAY_LEN(names)) {
        v /= 1024;
        i++;
    }
    if (i == 0)
        snprintf(buf, UNITS_MAX, "%lld B", (long long)bytes);
    else
        three_digits(buf, v, names[i]);
    return buf;
}

char *units_count(char buf[UNITS_MAX], double n)
{
    static const char *const names[] = {"", "k", "M", "G", "T"};
    size_t i = 0;

    if (!isfinite(n)) {
        snprintf(buf, UNITS_MAX, "-");
        return buf;
    }
    while (fabs(n) >= 999.5 && i + 1 < ARRAY_LEN(names)) {
        n /= 1000;
        i++;
    }
    if (i == 0 && n == floor(n))
        snprintf(buf, UNITS_MAX, "%.0f", n);
    else if (n < 0)
        snprintf(buf, UNITS_MAX, "%.3g%s%s", n, i ? " " : "", names[i]);
    else
        three_digits(buf, n, names[i]);
    return buf;
}

char *units_duration_exact(char buf[UNITS_MAX], int64_t ns)
{
    static const struct {
        const char *name;
        int64_t size;
    } units[] = {{"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S}, {"ms", NS_PER_MS}, {"us", NS_PER_US}, {"ns", 1}};
    size_t n = 0;

    if (ns <= 0) {
        snprintf(buf, UNITS_MAX, "0");
        return buf;
    }
    for (size_t i = 0; i < ARRAY_LEN(units) && ns; i++) {
        if (ns >= units[i].size)
            n += (size_t)snprintf(buf + n, UNITS_MAX - n, "%lld%s", (long long)(ns / units[i].size), units[i].name);
        ns %= units[i].size;
    }
    return buf;
}
