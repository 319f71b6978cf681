/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/names.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One or more digits, at most four. */
static const char *read_number(const char *s, int *ret)
{
    int n = 0, digits = 0;

    while (isdigit((unsigned char)*s) && digits++ < 4)
        n = 10 * n + (*s++ - '0');
    *ret = n;
    return digits > 0 && !isdigit((unsigned char)*s) ? s : NULL;
}

static bool read_attributes(const char *s, char ret[12])
{
    static const char *const known[] = {"me", "gfx", "me.all"};

    ret[0] = '\0';
    if (*s == '\0')
        return true;
    if (strcasecmp(s, "-me") == 0) {
        memcpy(ret, "-me", 4);
        return true;
    }
    if (*s != '+' && *s != '.')
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcasecmp(s + 1, known[i]) == 0) {
            memcpy(ret, known[i], strlen(known[i]) + 1);
            return true;
        }
    }
    return false;
}

bool profile_name_parse(const char *text, struct profile_name *ret)
{
    static const char *const prefixes[] = {"nvidia.com/mig-", "mig-", "mig "};
    const char *s = text;

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncasecmp(s, prefixes[i], strlen(prefixes[i])) == 0) {
            s += strlen(prefixes[i]);
            break;
        }
    }
    s = read_number(s, &ret->compute);
    if (!s || tolower((unsigned char)s[0]) != 'g' || s[1] != '.')
        return false;
    s = read_number(s + 2, &ret->gb);
    return s && strncasecmp(s, "gb", 2) == 0 && read_attributes(s + 2, ret->attributes);
}

int profile_name_gb(int64_t profile_mib, int64_t total_mib)
{
    double eighths = ceil(8.0 * (double)profile_mib / (double)total_mib);
    int64_t total_gib = (total_mib + 1023) / 1024;

    return (int)round(eighths / 8 * (double)total_gib);
}

bool profile_name_near(const struct profile_name *a, const struct profile_name *b)
{
    int gap = abs(a->gb - b->gb);

    return a->compute == b->compute && strcmp(a->attributes, b->attributes) == 0 &&
           (gap <= 1 || 100 * gap <= 3 * b->gb);
}

void gpu_name_plain(const char *name, char *ret, size_t n)
{
    size_t len = 0;
    char *cut;

    for (const char *s = name; *s && len + 1 < n; s++) {
        if (isalnum((unsigned char)*s) || *s == '.')
            ret[len++] = (char)tolower((unsigned char)*s);
        else if (len > 0 && ret[len - 1] != '-')
            ret[len++] = '-';
    }
    while (len > 0 && ret[len - 1] == '-')
        len--;
    ret[len] = '\0';
    if (strncmp(ret, "nvidia-", 7) == 0)
        memmove(ret, ret + 7, strlen(ret + 7) + 1);
    if ((cut = strstr(ret, "-mig-")))
        *cut = '\0';
    len = strlen(ret);
    if (len > 7 && strcmp(ret + len - 7, "-shared") == 0)
        ret[len - 7] = '\0';
}

unsigned name_distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t la = strlen(a), lb = strlen(b);

    if (la > 63 || lb > 63)
        return 64;
    for (size_t j = 0; j <= lb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[lb];
}
