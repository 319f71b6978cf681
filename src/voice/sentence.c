/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/sentence.h"

#include <string.h>
#include <strings.h>

/* Words before a full stop that seldom end a sentence. Those with stops inside are listed with them. */
static const char *const abbreviations[] = {
    "al",  "approx", "apt", "art", "ave", "blvd", "ca",  "capt", "cf",   "ch",   "co",   "col", "corp", "cpl", "dept", "dr",
    "e.g", "ed",     "eq",  "esp", "est", "fig",  "figs", "gen", "gov",  "hon",  "i.e",  "inc", "jr",   "lt",  "ltd",  "m",
    "maj", "max",    "messrs", "min", "mr", "mrs", "ms", "mt",  "no",   "nos",  "op",   "p",   "pp",   "prof", "rep", "rev",
    "sec", "sen",    "sgt", "sr",  "st",  "vol",  "vs",  "viz",
};

void sentence_init(struct sentence_cutter *c, enum sentence_rule rule, size_t min, size_t max)
{
    *c = (struct sentence_cutter){.rule = rule, .min = min, .max = max < 1 ? 1 : max};
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool stop(char c)
{
    return c == '.' || c == '!' || c == '?';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* Bytes of a danda (U+0964, U+0965) or ideographic stop (U+3002, U+FF01, U+FF1F) or ellipsis (U+2026) at s; 0: none. */
static size_t wide_stop(const char *s, size_t n)
{
    static const char *const stops[] = {"\u0964", "\u0965", "\u3002", "\uff01", "\uff1f"};

    if (!(*s & 0x80) || n < 3)
        return 0;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        if (memcmp(s, stops[i], 3) == 0)
            return 3;
    return 0;
}

/* Bytes of a closing quote or bracket at s; 0: none. */
static size_t closer(const char *s, size_t n)
{
    if (n >= 1 && (*s == '"' || *s == '\'' || *s == ')' || *s == ']' || *s == '}' || *s == '*'))
        return 1;
    if (n >= 3 && (memcmp(s, "\u201d", 3) == 0 || memcmp(s, "\u2019", 3) == 0))
        return 3;
    return n >= 2 && memcmp(s, "\u00bb", 2) == 0 ? 2 : 0;
}

/* Is the full stop at text[i] part of an abbreviation, an initial or a numbering? */
static bool abbreviated(const char *text, size_t start, size_t i)
{
    size_t w = i;
    bool digits = true, dotted = false;

    while (w > start && !blank(text[w - 1]) && !strchr("(\"'[", text[w - 1])) {
        w--;
        digits = digits && digit(text[w]);
        dotted = dotted || text[w] == '.';
    }
    if (w == i)
        return false;
    if (i - w == 1 && letter(text[w]) && text[w] != 'I')
        return true; /* an initial */
    if (digits && i - w <= 2) { /* "1. First" at the beginning */
        size_t k = w;
        while (k > start && blank(text[k - 1]))
            k--;
        return k == start;
    }
    if (dotted) { /* U.S., a.m., e.g.: single letters between stops */
        bool singles = true;
        for (size_t k = w; k < i; k++)
            singles = singles && ((k - w) % 2 ? text[k] == '.' : letter(text[k]));
        if (singles)
            return true;
    }
    for (size_t k = 0; k < sizeof abbreviations / sizeof abbreviations[0]; k++)
        if (strlen(abbreviations[k]) == i - w && strncasecmp(abbreviations[k], text + w, i - w) == 0)
            return true;
    return false;
}

/* The place without the white space around it; false when nothing is left. */
static bool trimmed(const char *text, size_t from, size_t end, size_t *ret_from, size_t *ret_n)
{
    while (from < end && blank(text[from]))
        from++;
    while (end > from && blank(text[end - 1]))
        end--;
    *ret_from = from;
    *ret_n = end - from;
    return end > from;
}

/* Where a sentence that must not grow beyond `limit` is cut. */
static size_t forced_cut(const char *text, size_t start, size_t limit)
{
    size_t space = 0, comma = 0, i;

    for (i = start; i < limit; i++) {
        if (blank(text[i]))
            space = i;
        else if (strchr(",;:", text[i]) && i + 1 < limit && blank(text[i + 1]))
            comma = i + 1;
    }
    if (comma > start + (limit - start) / 3)
        return comma;
    if (space > start)
        return space;
    for (i = limit; i > start + 1 && (text[i] & 0xc0) == 0x80;) /* not within a character */
        i--;
    return i;
}

enum end_kind { NO_END, END, UNKNOWN };

/*
 * Is there an end at text[i]? END: the sentence ends before *ret_end. UNKNOWN: it depends on what follows. Whether it is
 * over makes the end of the text as good as white space.
 */
static enum end_kind end_at(const char *text, size_t start, size_t i, size_t n, bool over, size_t *ret_end)
{
    size_t e = i, wide = wide_stop(text + i, n - i), more;
    bool strong = false;

    if (text[i] == '\n') {
        *ret_end = i;
        return END;
    }
    if (wide == 0 && !stop(text[i]))
        return (text[i] & 0x80) && n - i < 3 && !over ? UNKNOWN : NO_END;
    for (; e < n && stop(text[e]); e++)
        strong = strong || text[e] != '.' || e > i;
    e += wide;
    while ((more = closer(text + e, n - e)) > 0)
        e += more;
    *ret_end = e;
    if (e >= n || ((text[e] & 0x80) && n - e < 3)) /* more stops, a closing quote, or the rest of one may follow */
        return over ? END : UNKNOWN;
    if (wide)
        return END;
    if (!blank(text[e]))
        return NO_END;
    if (!strong && e == i + 1 && abbreviated(text, start, i))
        return NO_END;
    return END;
}

static bool next_full(struct sentence_cutter *c, const char *text, size_t n, bool over, size_t *ret_from, size_t *ret_n)
{
    size_t i = c->scan > c->start ? c->scan : c->start, limit, end, cut;

    while (c->start < n && blank(text[c->start])) { /* the limit counts from the first character that is spoken */
        c->start++;
        i = i > c->start ? i : c->start;
    }
    limit = c->start + c->max;
    for (; i < n && i < limit; i++) {
        enum end_kind kind = end_at(text, c->start, i, n, over, &end);
        if (kind == UNKNOWN) {
            c->scan = i;
            return false;
        }
        if (kind == NO_END)
            continue;
        if (end - c->start < c->min || end > limit) {
            i = end > i + 1 ? end - 1 : i;
            continue;
        }
        cut = c->start;
        c->start = c->scan = end;
        return trimmed(text, cut, end, ret_from, ret_n);
    }
    c->scan = i;
    if (n > limit) {
        cut = c->start;
        c->start = c->scan = forced_cut(text, c->start, limit);
        return trimmed(text, cut, c->start, ret_from, ret_n);
    }
    if (!over || c->start >= n)
        return false;
    cut = c->start;
    c->start = c->scan = n;
    return trimmed(text, cut, n, ret_from, ret_n);
}

static bool next_naive(struct sentence_cutter *c, const char *text, size_t n, bool over, size_t *ret_from, size_t *ret_n)
{
    size_t from = c->start;

    while (c->scan < n) {
        size_t wide = wide_stop(text + c->scan, n - c->scan);
        bool end = wide || strchr(".?!\n", text[c->scan]);
        if (!wide && (text[c->scan] & 0x80) && n - c->scan < 3 && !over)
            return false; /* the rest of a danda may follow */
        c->scan += wide ? wide : 1;
        if (!end)
            continue;
        c->start = c->scan;
        if (trimmed(text, from, c->start, ret_from, ret_n))
            return true;
        from = c->start;
    }
    if (!over)
        return false;
    c->start = n;
    return trimmed(text, from, n, ret_from, ret_n);
}

bool sentence_next(struct sentence_cutter *c, const char *text, size_t n, bool over, size_t *ret_from, size_t *ret_n)
{
    return c->rule == SENTENCE_NAIVE ? next_naive(c, text, n, over, ret_from, ret_n)
                                     : next_full(c, text, n, over, ret_from, ret_n);
}
