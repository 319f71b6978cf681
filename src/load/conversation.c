/* SPDX-License-Identifier: Apache-2.0 */
#include "load/conversation.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "base/world.h"

/*
 * Sources.
 * speech           the published test's three recordings: 4.77, 4.83, 5.54 s less 0.79, 1.05, 1.50 s
 *                  of trailing silence are 3.98, 3.78, 4.04 s of speech; its spread of 0.3 is a
 *                  judgement (people vary more than three files)
 * chars_per_s      150 words/min of 6 characters with the space
 * reply            the one public raw result: LLM total 0.661 s, first token 0.051 s, an 8B model on an
 *                  A100 at 10 to 12 ms a token: 50 to 60 tokens; its spread is a judgement
 * chars_per_token  what OpenAI and Meta state for English, about 4
 * system, history  a judgement: a short instruction, some ten turns; the published pipeline sends no
 *                  history
 */
const struct conversation_spec CONVERSATION_DEFAULT = {
    .speech = {.mean = 3.9, .cv = 0.3, .min = 0.5, .max = 20},
    .chars_per_s = 15,
    .reply = {.mean = 60, .cv = 0.5, .min = 5, .max = 512},
    .max_tokens = 512,
    .chars_per_token = 4,
    .system_tokens = 150,
    .history_tokens = 1000,
    .prefix_cached = 0,
    .decimals = 0.05,
    .abbreviations = 0.05,
};

double spread_draw(const struct spread *s, struct rng *rng)
{
    double v = rng_lognormal(rng, s->mean, s->cv);

    if (s->cv <= 0)
        return s->mean;
    return fmin(fmax(v, s->min), s->max);
}

static int out_of_range(const char *where, const char *field, double v, double lo, double hi, struct err *err)
{
    if (v >= lo && v <= hi)
        return 0;
    return err_set(err, ERR_INPUT, "%s: %s: %.9g, expected %.9g to %.9g", where, field, v, lo, hi);
}

static int check_spread(const char *where, const char *field, const struct spread *s, double lo,
                        double hi, struct err *err)
{
    if (out_of_range(where, field, s->mean, lo, hi, err) || out_of_range(where, field, s->cv, 0, 10, err))
        return -1;
    if (s->cv > 0 && !(s->min >= 0 && s->min <= s->mean && s->mean <= s->max && s->max <= hi))
        return err_set(err, ERR_INPUT, "%s: %s: min %.9g, mean %.9g, max %.9g, expected min <= mean <= max <= %.9g", where,
                       field, s->min, s->mean, s->max, hi);
    return 0;
}

int conversation_check(const struct conversation_spec *s, const char *where, struct err *err)
{
    if ((s->speech.mean != 0 && check_spread(where, "speech", &s->speech, 0.1, 600, err)) ||
        out_of_range(where, "chars_per_s", s->chars_per_s, 1, 100, err) ||
        check_spread(where, "reply", &s->reply, 1, CONVERSATION_MAX_TOKENS, err) ||
        out_of_range(where, "max_tokens", s->max_tokens, 1, CONVERSATION_MAX_TOKENS, err) ||
        out_of_range(where, "chars_per_token", s->chars_per_token, 1, 20, err) ||
        out_of_range(where, "system_tokens", s->system_tokens, 0, 1e6, err) ||
        out_of_range(where, "history_tokens", s->history_tokens, 0, 1e6, err) ||
        out_of_range(where, "prefix_cached", s->prefix_cached, 0, 1, err) ||
        out_of_range(where, "decimals", s->decimals, 0, 1, err) ||
        out_of_range(where, "abbreviations", s->abbreviations, 0, 1 - s->decimals, err))
        return -1;
    return 0;
}

/* ---- the stock ---- */

/* A sentence of a reply begins with a space, which the first one of a reply leaves out. */
struct sentence {
    const char *text;
    const uint32_t *end; /* of its tokens */
    uint32_t len, tokens;
};

enum kind { PLAIN, DECIMALS, ABBREVIATIONS, QUESTIONS, KINDS };

struct stock {
    struct arena *arena;
    struct sentence *of[KINDS];
    size_t count[KINDS];
};

enum { TOKEN_MAX = 7 }; /* bytes; with it the stock has 4.2 characters a token */

/* Where the token that begins at p ends: a word with the space before it, a number, or one other character. */
static const char *token_end(const char *p, const char *end)
{
    const char *q = p;

    if (q < end && *q == ' ')
        q++;
    if (q < end && isdigit((unsigned char)*q)) {
        while (q < end && isdigit((unsigned char)*q))
            q++;
    } else if (q < end && (isalpha((unsigned char)*q) || *q == '\'')) {
        while (q < end && (isalpha((unsigned char)*q) || *q == '\''))
            q++;
    } else if (q < end) {
        q++;
    }
    if (q - p > TOKEN_MAX) /* long words fall into near-equal parts */
        q = p + ((q - p) + (q - p + TOKEN_MAX - 1) / TOKEN_MAX - 1) / ((q - p + TOKEN_MAX - 1) / TOKEN_MAX);
    return q;
}

static void add_sentence(struct stock *s, enum kind kind, struct sentence *to, const char *line, size_t n)
{
    char *text = arena_alloc(s->arena, n + 2);
    const char *p = text, *end;
    uint32_t *ends = ARENA_ARRAY(s->arena, uint32_t, n + 1);

    text[0] = ' ';
    memcpy(text + 1, line, n);
    end = text + n + 1;
    *to = (struct sentence){.text = text, .end = ends, .len = (uint32_t)n + 1};
    while (p < end) {
        p = token_end(p, end);
        ends[to->tokens++] = (uint32_t)(p - text);
    }
    s->count[kind]++;
}

static void add_file(struct stock *s, enum kind kind, const char *data)
{
    size_t lines = 0;

    for (const char *p = data; *p; p++)
        lines += *p == '\n';
    s->of[kind] = ARENA_ARRAY(s->arena, struct sentence, lines + 1);
    for (const char *p = data; *p;) {
        size_t n = strcspn(p, "\n");
        if (n > 0)
            add_sentence(s, kind, &s->of[kind][s->count[kind]], p, n);
        p += n + (p[n] == '\n');
    }
}

struct stock *stock_new(void)
{
    static const char *const path[KINDS] = {"texts/plain.txt", "texts/decimals.txt", "texts/abbreviations.txt",
                                            "texts/questions.txt"};
    struct arena *a = arena_new();
    struct stock *s = ARENA_NEW(a, struct stock);

    s->arena = a;
    for (const struct embedded_file *f = embedded_files; f->path; f++)
        for (int k = 0; k < KINDS; k++)
            if (strcmp(f->path, path[k]) == 0)
                add_file(s, (enum kind)k, f->data);
    return s;
}

void stock_free(struct stock *s)
{
    if (s)
        arena_free(s->arena);
}

size_t stock_sentences(const struct stock *s)
{
    return s->count[PLAIN] + s->count[DECIMALS] + s->count[ABBREVIATIONS];
}

/* ---- scripts ---- */

struct writer {
    char *text;
    uint32_t *end;
    uint32_t len, tokens, wanted;
};

static void append(struct writer *w, const struct sentence *s)
{
    uint32_t skip = w->len == 0, n = s->tokens, base = w->len - skip;

    if (n > w->wanted - w->tokens)
        n = w->wanted - w->tokens;
    memcpy(w->text + w->len, s->text + skip, s->end[n - 1] - skip);
    for (uint32_t i = 0; i < n; i++)
        w->end[w->tokens + i] = base + s->end[i];
    w->tokens += n;
    w->len = base + s->end[n - 1];
}

/* Whole sentences until there are enough tokens; the one that is cut gets a full stop as its last token. */
static void write_script(struct writer *w, const struct stock *stock, double decimals,
                         double abbreviations, struct rng *rng)
{
    uint32_t last;

    while (w->tokens < w->wanted) {
        double u = rng_unit(rng);
        enum kind k = u < decimals ? DECIMALS : u < decimals + abbreviations ? ABBREVIATIONS : PLAIN;
        append(w, &stock->of[k][rng_below(rng, stock->count[k])]);
    }
    if (w->tokens < 2)
        return;
    last = w->end[w->tokens - 2];
    if (ispunct((unsigned char)w->text[last - 1]) || w->text[w->len - 1] == '.')
        return;
    w->text[last] = '.';
    w->len = w->end[w->tokens - 1] = last + 1;
}

struct script *stock_script(const struct stock *s, uint32_t tokens, uint64_t key)
{
    struct script *script = xmalloc(sizeof *script + tokens * (sizeof(uint32_t) + TOKEN_MAX) + 1);
    uint32_t *end = (uint32_t *)(void *)(script + 1);
    struct writer w = {.text = (char *)(end + tokens), .end = end, .wanted = tokens};
    struct rng rng;

    rng_init(&rng, 0, key);
    write_script(&w, s, 0.05, 0.05, &rng);
    w.text[w.len] = '\0';
    *script = (struct script){.text = w.text, .end = w.end, .tokens = w.tokens};
    return script;
}

void stock_script_free(struct script *s)
{
    free(s);
}

/* ---- a user's conversation ---- */

/* What is typed is as long as what would be said in so many seconds. */
static const double TYPED_S = 4;

struct conversation {
    struct conversation_spec spec;
    const struct stock *stock;
    uint64_t seed;
    uint32_t user;
    uint32_t history; /* tokens said so far, at most history_tokens */
    uint32_t longest; /* tokens of a reply */
    uint32_t heard_max;
    struct script reply;
    char *heard; /* owned: the transcript */
    char *text;  /* owned: the reply */
    uint32_t *end; /* owned */
};

struct conversation *conversation_new(const struct conversation_spec *spec,
                                      const struct stock *stock, uint64_t seed, uint32_t user)
{
    struct conversation *c = xcalloc(1, sizeof *c);
    double longest = spec->reply.cv > 0 ? spec->reply.max : spec->reply.mean;
    double speech = spec->speech.mean == 0 ? TYPED_S : spec->speech.cv > 0 ? spec->speech.max : spec->speech.mean;

    c->spec = *spec;
    c->stock = stock;
    c->seed = seed;
    c->user = user;
    c->longest = (uint32_t)fmax(1, fmin(ceil(longest), spec->max_tokens));
    c->heard_max = (uint32_t)(speech * spec->chars_per_s) + 1;
    c->heard = xmalloc(c->heard_max + 1);
    c->text = xmalloc((size_t)c->longest * TOKEN_MAX + 1);
    c->end = xcalloc(c->longest, sizeof *c->end);
    return c;
}

void conversation_free(struct conversation *c)
{
    if (!c)
        return;
    free(c->heard);
    free(c->text);
    free(c->end);
    free(c);
}

void conversation_restart(struct conversation *c, uint32_t user)
{
    c->user = user;
    c->history = 0;
}

void conversation_rng(const struct conversation *c, uint32_t turn, uint32_t what, struct rng *ret)
{
    rng_init(ret, c->seed, rng_mix(rng_mix(c->user, turn), what));
}

/* Stock questions one after the other until the time is filled; a transcript has neither case nor stops. */
static uint32_t write_heard(struct conversation *c, double speech, struct rng *rng)
{
    uint32_t want = (uint32_t)fmin(speech * c->spec.chars_per_s + 0.5, c->heard_max), len = 0;

    if (want < 1)
        want = 1;
    while (len < want) {
        const struct sentence *s = &c->stock->of[QUESTIONS][rng_below(rng, c->stock->count[QUESTIONS])];
        uint32_t skip = len == 0, n = s->len - skip;
        if (n > want - len)
            n = want - len;
        memcpy(c->heard + len, s->text + skip, n);
        len += n;
    }
    if (len > 1 && c->heard[len - 1] == ' ')
        len--;
    c->heard[len] = '\0';
    return len;
}

void conversation_turn(struct conversation *c, uint32_t turn, struct utterance *ret)
{
    conversation_turn_sized(c, turn, 0, 0, ret);
}

void conversation_turn_sized(struct conversation *c, uint32_t turn, uint32_t prompt, uint32_t reply,
                             struct utterance *ret)
{
    const struct conversation_spec *s = &c->spec;
    struct writer w = {.text = c->text, .end = c->end};
    struct rng rng;
    bool typed = s->speech.mean == 0;
    double speech, length;
    uint32_t chars, said, prefix;

    conversation_rng(c, turn, 0, &rng);
    speech = typed ? 0 : spread_draw(&s->speech, &rng);
    length = spread_draw(&s->reply, &rng) + 0.5;
    w.wanted = (uint32_t)fmin(fmax(1, reply ? reply : length), c->longest);
    chars = write_heard(c, typed ? TYPED_S : speech, &rng);
    write_script(&w, c->stock, s->decimals, s->abbreviations, &rng);
    c->text[w.len] = '\0';
    c->reply = (struct script){.text = c->text, .end = c->end, .tokens = w.tokens};

    said = (uint32_t)ceil(chars / s->chars_per_token);
    prefix = s->system_tokens + c->history;
    *ret = (struct utterance){
        .speech = (int64_t)(speech * 1e9),
        .text = c->heard,
        .prompt_tokens = prompt ? prompt : prefix + said,
        .cached_tokens = (uint32_t)((prompt ? prompt : prefix) * s->prefix_cached),
        .max_tokens = typed && reply ? reply : s->max_tokens,
        .reply = typed && reply ? NULL : &c->reply,
    };
    c->history += said + w.tokens;
    if (c->history > s->history_tokens)
        c->history = s->history_tokens;
}
