/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/sentence.h"

#include <string.h>

#include "base/mem.h"

/* Bounds of looking ahead, so that no text makes a decision wait, or cost, without end. */
enum { STOPS_MAX = 16, BLANKS_MAX = 8, WORD_MAX = 10 };

/* Never the end of a sentence. Single letters with stops inside (e.g., U.S.) go by rule. */
static const char *const titles[] = {
    "al",  "approx", "ca",   "capt", "cf",  "col", "cpl", "dept",   "dr", "e.g",
    "esp", "gen",    "gov",  "hon",  "i.e", "lt",  "maj", "messrs", "mr", "mrs",
    "ms",  "mt",     "prof", "rep",  "rev", "sen", "sgt", "viz",    "vs",
};

/* Abbreviations only before a number. */
static const char *const numbered[] = {
    "apr",  "apt", "art", "aug", "ch",  "dec", "eq",  "feb",  "fig",
    "figs", "jan", "jul", "jun", "mar", "max", "min", "no",   "nos",
    "nov",  "oct", "op",  "p",   "pp",  "sec", "sep", "sept", "vol",
};

/* They may end a sentence; the next word tells. */
static const char *const either[] = {
    "ave", "blvd", "co", "corp", "ed", "est", "inc", "jr", "ltd", "m.d", "ph.d", "rd", "sr", "st",
};

/* Words that begin sentences and seldom names. */
static const char *const openers[] = {
    "a",       "after", "all",   "also", "an",    "and",  "as",    "at",    "before", "both",
    "but",     "by",    "each",  "for",  "from",  "he",   "her",   "here",  "his",    "how",
    "however", "i",     "if",    "in",   "is",    "it",   "its",   "let",   "many",   "most",
    "my",      "no",    "not",   "now",  "on",    "one",  "or",    "our",   "please", "she",
    "so",      "some",  "that",  "the",  "their", "then", "there", "these", "they",   "this",
    "those",   "to",    "today", "we",   "what",  "when", "where", "while", "who",    "why",
    "with",    "yes",   "you",   "your",
};

void sentence_init(struct sentence_cutter *c, enum sentence_rule rule, size_t min, size_t max)
{
    *c = (struct sentence_cutter){.rule = rule, .min = min, .max = max < 1 ? 1 : max};
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool letter(char c)
{
    return lower(c) || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static bool stop(char c)
{
    return c == '.' || c == '!' || c == '?';
}

/* May a sentence end at this byte? The others cost nothing. */
static bool candidate(char c)
{
    static const bool table[256] = {['.'] = true,  ['!'] = true,  ['?'] = true, ['\n'] = true,
                                    [0xe0] = true, [0xe3] = true, [0xef] = true};

    return table[(unsigned char)c];
}

/* Bytes of a danda or ideographic stop at s; 0: none. */
static size_t wide_stop(const char *s, size_t n)
{
    static const char stops[][4] = {"\u0964", "\u0965", "\u3002", "\uff01", "\uff1f"};

    if (n < 3 || !(*s & 0x80))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(stops); i++)
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

/* What may stand before a word without being part of it. */
static bool opening(char c)
{
    return c == '(' || c == '"' || c == '\'' || c == '[' || c == '*';
}

/* Is the word, its capitals made small, in the sorted list? */
static bool listed(const char *const *list, size_t count, const char *word, size_t n)
{
    char small[WORD_MAX + 1];
    size_t lo = 0, hi = count;

    if (n > WORD_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        small[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
    small[n] = '\0';
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = strcmp(list[mid], small);
        if (order == 0)
            return true;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}
#define LISTED(list, word, n) listed((list), ARRAY_LEN(list), (word), (n))

enum end_kind { NO_END, END, UNKNOWN };

/* Does the word at text[k] begin sentences? */
static enum end_kind by_next_word(const char *text, size_t k, size_t n, bool over)
{
    size_t e = k;

    while (e < n && e - k <= WORD_MAX && letter(text[e]))
        e++;
    if (e >= n && e - k <= WORD_MAX && !over)
        return UNKNOWN;
    return LISTED(openers, text + k, e - k) ? END : NO_END;
}

/* Single letters between stops: U.S, a.m, p.m */
static bool dotted(const char *word, size_t n)
{
    if (n < 3 || n % 2 == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (i % 2 ? word[i] != '.' : !letter(word[i]))
            return false;
    return true;
}

/* Nothing but white space before text[w] in its sentence or its line. */
static bool begins_line(const char *text, size_t start, size_t w)
{
    while (w > start && blank(text[w - 1]) && text[w - 1] != '\n')
        w--;
    return w == start || text[w - 1] == '\n';
}

/* A single full stop at text[i] with white space behind it; the next word begins at text[k]. */
static enum end_kind by_word_before(const char *text, size_t start, size_t i, size_t k, size_t n,
                                    bool over)
{
    size_t w = i, len;
    bool digits = true;

    while (w > start && i - w <= WORD_MAX && !blank(text[w - 1]) &&
           !opening(text[w - 1])) {
        w--;
        digits = digits && digit(text[w]);
    }
    len = i - w;
    if (len == 0 || len > WORD_MAX)
        return END;
    if (digits && len <= 2 && begins_line(text, start, w))
        return NO_END;
    if (LISTED(titles, text + w, len))
        return NO_END;
    if (LISTED(numbered, text + w, len))
        return digit(text[k]) ? NO_END : END;
    if ((len == 1 && letter(text[w]) && text[w] != 'I') || dotted(text + w, len) ||
        LISTED(either, text + w, len))
        return by_next_word(text, k, n, over);
    return END;
}

/*
 * The stops at text[i] end before text[e], where white space begins: does the sentence end there?
 */
static enum end_kind by_context(const char *text, size_t start, size_t i, size_t e, size_t n,
                                bool over)
{
    bool plain = true, closed = closer(text + e - 1, 1) || (text[e - 1] & 0x80);
    size_t k = e;

    for (size_t s = i; s < e; s++)
        plain = plain && text[s] == '.';
    if (!plain && !closed)
        return END; /* ? or !, and nothing to be told of it */
    while (k < n && k - e < BLANKS_MAX && blank(text[k]) && text[k] != '\n')
        k++;
    if (k >= n)
        return over ? END : UNKNOWN;
    if (blank(text[k]))
        return END; /* a line break, or much space */
    if (lower(text[k]))
        return NO_END;
    return plain && e == i + 1 ? by_word_before(text, start, i, k, n, over) : END;
}

/*
 * Is there an end at text[i], a candidate? END: the sentence ends before *ret_end. UNKNOWN: it
 * depends on what follows. Whether it is over makes the end of the text as good as white space.
 */
static enum end_kind end_at(const char *text, size_t start, size_t i, size_t n, bool over,
                            size_t *ret_end)
{
    size_t e = i, wide = wide_stop(text + i, n - i), more;

    *ret_end = i;
    if (text[i] == '\n')
        return END;
    if (wide == 0 && !stop(text[i]))
        return n - i < 3 && !over ? UNKNOWN : NO_END;
    while (e < n && e - i < STOPS_MAX && stop(text[e]))
        e++;
    e += wide;
    while (e - i < STOPS_MAX && (more = closer(text + e, n - e)) > 0)
        e += more;
    *ret_end = e;
    if (e >= n || ((text[e] & 0x80) &&
                   n - e < 3)) /* more stops, a closing quote, or the rest of one may follow */
        return over ? END : UNKNOWN;
    if (wide)
        return END;
    return blank(text[e]) ? by_context(text, start, i, e, n, over) : NO_END;
}

/* Something to say: a letter or a digit. */
static bool speakable(const char *text, size_t from, size_t end)
{
    for (; from < end; from++)
        if (letter(text[from]) || digit(text[from]))
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
        else if ((text[i] == ',' || text[i] == ';' || text[i] == ':') && i + 1 < limit &&
                 blank(text[i + 1]))
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

static bool next_full(struct sentence_cutter *c, const char *text, size_t n, bool over,
                      size_t *ret_from, size_t *ret_n)
{
    size_t i = c->scan > c->start ? c->scan : c->start, limit, end, cut;

    while (c->start < n &&
           blank(text[c->start])) { /* the limit counts from the first character that is spoken */
        c->start++;
        i = i > c->start ? i : c->start;
    }
    limit = c->start + c->max;
    for (; i < n && i < limit; i++) {
        enum end_kind kind = candidate(text[i]) ? end_at(text, c->start, i, n, over, &end) : NO_END;
        if (kind == UNKNOWN) {
            c->scan = i;
            return false;
        }
        if (kind == NO_END)
            continue;
        if (end - c->start < c->min || end > limit || !speakable(text, c->start, end)) {
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
    return speakable(text, cut, n) && trimmed(text, cut, n, ret_from, ret_n);
}

static bool next_naive(struct sentence_cutter *c, const char *text, size_t n, bool over,
                       size_t *ret_from, size_t *ret_n)
{
    size_t from = c->start;

    while (c->scan < n) {
        size_t wide = wide_stop(text + c->scan, n - c->scan);
        bool end = wide || stop(text[c->scan]) || text[c->scan] == '\n';
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

bool sentence_next(struct sentence_cutter *c, const char *text, size_t n, bool over,
                   size_t *ret_from, size_t *ret_n)
{
    return c->rule == SENTENCE_NAIVE ? next_naive(c, text, n, over, ret_from, ret_n)
                                     : next_full(c, text, n, over, ret_from, ret_n);
}
