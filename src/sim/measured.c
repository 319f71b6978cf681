/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/measured.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/*
 * Defaults of what a table leaves open.
 *   audio of a TTS request   2.3 s: magpie_a100's first-audio and chunk times and rtfx close with it
 *   lengths of texts         where a row states its audio and not its texts: the public benchmark
 *                            behind the nf_tts tables draws equally from sentences, paragraphs and
 *                            pages of about 56, 306 and 1,060 to 1,170 characters, spoken at 17.9
 *                            characters/s; their shares are tilted to the row's mean
 *   lengths of speech        a judgement of read speech: median 5.8 s, nine of ten below 15.5 s
 */
static const double TTS_AUDIO = 2.3;
static const double LOAD_MOST = 10000; /* clients or requests/s of a row */
static const double TEXT[] = {3.1, 17.1, 59.5, 62.5, 65.5}, TEXT_WEIGHT[] = {3, 3, 1, 1, 1};
static const double SPEECH[] = {1.5, 2.3, 3.9, 5.8, 9.5, 15.5, 24, 32};
static const double SPEECH_AT[] = {0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 1};
static const double SPEECH_MEAN = 7.77; /* of these, linear between them */

/*
 * Prompt tokens of the 500 requests that AccelMark publishes as sharegpt_standard_v1 (@5797fc4).
 * Its tables state the distribution that was aimed at (p50 280, p99 2100), the requests sent were
 * shorter.
 */
static const double SHAREGPT[] = {64, 78, 106, 198, 355, 456, 578, 592};
static const double SHAREGPT_AT[] = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1};

#define AT(field) offsetof(struct level_result, field)

/* ---- words of a table ---- */

struct reader {
    const struct csv *t;
    const struct profile *p;
    struct catalog *gpus;
    const struct measured_options *o;
    struct arena *a;
    struct err *err;
    const char **notes;
    size_t note_count, note_cap;
    const char *config;
};

static void note(struct reader *r, const char *text)
{
    r->notes = xgrow(r->notes, &r->note_cap, r->note_count + 2, sizeof *r->notes);
    r->notes[r->note_count++] = text;
    r->notes[r->note_count] = NULL;
}

/* The decimal number at the beginning of `at`; it begins with a digit. */
static double leading_number(const char *at)
{
    double v = NAN;

    units_parse_real(at, strspn(at, "0123456789."), &v);
    return v;
}

/* The number after `word` in the config line, small words between: "ISL likely 200". NaN: none. */
static double number_after(const char *text, const char *word)
{
    const char *at = text;

    while ((at = strcasestr(at, word))) {
        at += strlen(word);
        for (int words = 0; words < 2; words++) {
            while (*at == ' ' || *at == '=' || *at == ':')
                at++;
            if (isdigit((unsigned char)*at))
                return leading_number(at);
            while (isalpha((unsigned char)*at))
                at++;
        }
    }
    return NAN;
}

/* The number before `word`: "50 requests/level". NaN: none. */
static double number_before(const char *text, const char *word)
{
    const char *at = strcasestr(text, word), *from;

    if (!at)
        return NAN;
    while (at > text && at[-1] == ' ')
        at--;
    from = at;
    while (from > text && isdigit((unsigned char)from[-1]))
        from--;
    return from < at ? leading_number(from) : NAN;
}

/* An option, else the table's meta line, else NaN. */
static double stated(struct reader *r, double option, const char *key)
{
    double v = NAN;

    if (option > 0)
        return option;
    if (csv_meta_number(r->t, key, &v, r->err) == 1 && !(v > 0 && v < 1e7))
        err_set(r->err, ERR_INPUT, "%s: # %s: found %g, expected a number above 0", csv_file(r->t), key, v);
    return v;
}

static double cell(const struct reader *r, size_t row, const char *column, struct err *err)
{
    int c = csv_column(r->t, column);
    double v = NAN;

    if (c >= 0)
        csv_number(r->t, row, (size_t)c, &v, err);
    return v;
}

static const char *text_cell(const struct reader *r, size_t row, const char *column)
{
    int c = csv_column(r->t, column);

    return c >= 0 ? csv_cell(r->t, row, (size_t)c) : NULL;
}

/* ---- which rows are the profile's ---- */

static void letters(char *to, size_t n, const char *s)
{
    size_t k = 0;

    for (; *s && k + 1 < n; s++)
        if (isalnum((unsigned char)*s))
            to[k++] = (char)tolower((unsigned char)*s);
    to[k] = 0;
}

static bool alike(const char *a, const char *b)
{
    char x[128], y[128];

    letters(x, sizeof x, a);
    letters(y, sizeof y, b);
    return strstr(x, y) || strstr(y, x);
}

static bool same_gpu(struct reader *r, const char *text)
{
    struct err ignored = {0};
    const struct gpu_model *a = catalog_find(r->gpus, text, &ignored), *b = catalog_find(r->gpus, r->p->gpu, &ignored);
    char family[32];

    if (a && b)
        return a == b;
    snprintf(family, sizeof family, "%.*s", (int)strcspn(r->p->gpu, "-"), r->p->gpu);
    return !a && alike(text, family);
}

static bool row_asked_for(const struct reader *r, size_t row)
{
    for (const char *const *w = r->o->where; w && *w; w++) {
        const char *eq = strchr(*w, '='), *value;
        char name[64];
        if (!eq)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(eq - *w), *w);
        value = text_cell(r, row, name);
        if (value && strcmp(value, eq + 1) != 0)
            return false;
    }
    return true;
}

static bool any_model_matches(const struct reader *r)
{
    for (size_t i = 0; i < csv_rows(r->t); i++) {
        const char *m = text_cell(r, i, "model");
        if (m && *m && alike(m, r->p->model))
            return true;
    }
    return false;
}

static const char *why_left_out(struct reader *r, size_t row, bool by_model)
{
    const char *gpu = text_cell(r, row, "gpu"), *framework = text_cell(r, row, "framework"),
               *model = text_cell(r, row, "model");

    if (!row_asked_for(r, row))
        return "not asked for";
    if (gpu && *gpu && !same_gpu(r, gpu))
        return "another GPU";
    if (framework && *framework && !alike(framework, r->p->engine))
        return "another engine";
    if (by_model && model && *model && !alike(model, r->p->model))
        return "another model";
    return NULL;
}

/* ---- the shape of the requests ---- */

/* "ISL p25/50/75/99 120/280/580/2100": quantiles, continued to 0 and 1. */
static bool quantiles_after(const char *text, const char *word, struct level_size *ret)
{
    const char *at = strcasestr(text, word), *values;
    double q[6];
    unsigned n = 0;

    if (!at)
        return false;
    at += strlen(word);
    while (*at == ' ')
        at++;
    if (*at != 'p')
        return false;
    values = strchr(at, ' ');
    for (at++; n < 6 && isdigit((unsigned char)*at); n++) {
        char *end;
        q[n] = strtod(at, &end) / 100;
        at = *end == '/' ? end + 1 : end;
    }
    if (n < 2 || !values)
        return false;
    *ret = (struct level_size){.count = n + 2};
    for (unsigned i = 0; i < n; i++) {
        char *end;
        ret->value[i + 1] = strtod(values, &end);
        ret->quantile[i + 1] = q[i];
        values = *end == '/' ? end + 1 : end;
    }
    ret->value[0] = ret->value[1] / 4;
    ret->value[n + 1] = ret->value[n] * 1.5;
    ret->quantile[n + 1] = 1;
    return true;
}

static struct level_size scaled(const double *v, const double *q, unsigned n, double factor)
{
    struct level_size s = {.count = n};

    for (unsigned i = 0; i < n; i++) {
        s.value[i] = v[i] * factor;
        s.quantile[i] = q[i];
    }
    return s;
}

static void llm_shape(struct reader *r, struct level *l)
{
    double isl = stated(r, r->o->isl, "isl"), osl = stated(r, r->o->osl, "osl");

    if (isl > 0) {
        l->input = level_constant(isl);
    } else if (strstr(r->config, "ShareGPT-GPT4")) {
        l->input = scaled(SHAREGPT, SHAREGPT_AT, ARRAY_LEN(SHAREGPT), 1);
        note(r, "prompt lengths of the published request list (p50 198, p99 578), not those the config line aims at");
    } else if (quantiles_after(r->config, "ISL", &l->input)) {
        note(r, "prompt lengths by the quantiles of the config line, linear between them");
    } else if ((isl = number_after(r->config, "ISL")) > 0) {
        l->input = level_constant(isl);
    } else {
        l->input = level_constant(200);
        note(r, "no prompt length stated: 200 tokens");
    }
    if (osl > 0) {
        l->output = level_constant(osl);
    } else if (quantiles_after(r->config, "OSL", &l->output)) {
        double most = number_after(r->config, "max");
        l->output.most = most > 0 ? most : 0;
        note(r, "answer lengths by the quantiles of the config line, linear between them");
    } else if ((osl = number_after(r->config, "OSL")) > 0) {
        l->output = level_constant(osl);
    } else {
        l->output = level_constant(200);
        note(r, "no answer length stated: 200 tokens");
    }
}

/* Audio a request of this row: stated, or what the row's own count says. */
static double row_audio(struct reader *r, size_t row, const struct level *l)
{
    double total = cell(r, row, "audio_s_generated", r->err), rtfx = cell(r, row, "rtfx", r->err),
           rate = cell(r, row, "req_per_s", r->err);

    if (total > 0 && l->requests > 0)
        return total / l->requests;
    return rtfx > 0 && rate > 0 ? rtfx / rate : NAN;
}

static void tts_shape(struct reader *r, size_t row, struct level *l, bool first)
{
    double audio = stated(r, r->o->audio_s, "audio_s"), measured = row_audio(r, row, l);

    if (measured > 0) {
        l->audio = level_tilted(TEXT, TEXT_WEIGHT, ARRAY_LEN(TEXT), measured);
        if (first)
            note(r, "audio per request as each row states it, its lengths those of sentences, paragraphs and pages");
        return;
    }
    l->audio = level_constant(audio > 0 ? audio : TTS_AUDIO);
    if (first && !(audio > 0))
        note(r, "no length of audio stated: 2.3 s a request");
}

static void asr_shape(struct reader *r, size_t row, struct level *l, bool first)
{
    const char *mode = text_cell(r, row, "mode");
    double audio = stated(r, r->o->audio_s, "audio_s"), measured = row_audio(r, row, l),
           chunk = stated(r, r->o->chunk_ms, "chunk_ms");

    if (!mode || !*mode)
        mode = r->config;
    l->offline = strncasecmp(mode, "offline", 7) == 0;
    if (!(chunk > 0))
        chunk = number_before(mode, "ms chunk");
    if (!(chunk > 0))
        chunk = number_before(r->config, "ms chunk");
    l->chunk = (chunk > 0 ? chunk : 160) / 1e3;
    if (audio > 0) {
        l->audio = level_constant(audio);
        return;
    }
    if (!l->offline)
        measured = NAN; /* paced in real time: rtfx is the number of streams */
    l->audio = scaled(SPEECH, SPEECH_AT, ARRAY_LEN(SPEECH), measured > 0 ? measured / SPEECH_MEAN : 1);
    if (first)
        note(r, measured > 0 ? "length of speech as each row states it, spread as read speech is"
                             : "no length of speech stated: 7.8 s, spread as read speech is");
}

/* ---- one row ---- */

/* A load in a cell; NaN for none, an error for one that nobody can have meant. */
static double load_cell(struct reader *r, size_t row, const char *column, double least)
{
    double v = cell(r, row, column, r->err);

    if (!isnan(v) && !(v >= least && v <= LOAD_MOST))
        csv_fail(r->t, row, (size_t)csv_column(r->t, column), r->err, "found %g, expected a load from %g to %g", v, least,
                 LOAD_MOST);
    return v;
}

static void read_load(struct reader *r, size_t row, struct measured_row *m)
{
    static const char *const names[] = {"concurrency", "client_concurrency", "streams", "pods"};
    double n = NAN, qps = load_cell(r, row, "target_qps", 0.001);

    for (size_t i = 0; i < ARRAY_LEN(names) && isnan(n); i++)
        n = load_cell(r, row, names[i], 1);
    if (isnan(n) && isnan(qps))
        n = number_after(r->config, "closed loop");
    if (!isnan(qps)) {
        m->level.qps = m->load = qps;
        m->label = arena_printf(r->a, "%g requests/s", qps);
        return;
    }
    n = n >= 1 && n <= LOAD_MOST ? n : 1; /* nothing said, or "one request at a time" */
    m->level.concurrency = (unsigned)n;
    m->load = n;
    m->label = arena_printf(r->a, "concurrency %u", m->level.concurrency);
}

/*
 * Requests of a level from what the fastest row counted: its audio / rtfx is its time, times its
 * rate. NaN: not told.
 */
static double counted_requests(struct reader *r)
{
    double best = 0, n = NAN;

    for (size_t i = 0; i < csv_rows(r->t); i++) {
        double audio = cell(r, i, "audio_s_generated", r->err), rtfx = cell(r, i, "rtfx", r->err),
               rate = cell(r, i, "req_per_s", r->err);
        if (audio > 0 && rtfx > 0 && rate > best) {
            best = rate;
            n = floor(audio / rtfx * rate + 0.5);
        }
    }
    return n;
}

static void read_requests(struct reader *r, struct measured_row *m, bool first)
{
    struct level *l = &m->level;
    double n = stated(r, r->o->requests, "requests");

    if (!(n > 0))
        n = number_before(r->config, " requests");
    if (!(n > 0))
        n = counted_requests(r);
    if (!(n > 0) && strstr(r->config, "3N iterations"))
        n = 3.0 * l->concurrency;
    if (n > 0) {
        l->requests = (unsigned)fmin(n, 1e6);
    } else {
        l->requests = l->concurrency > 5 ? 12 * l->concurrency : 60;
        l->steady = l->concurrency > 0;
        if (first)
            note(r, "no number of requests stated: 12 a worker, the first and the last of each not counted");
    }
    if (r->p->kind == PROFILE_LLM && l->concurrency > 0 && strstr(r->config, "offline")) {
        l->concurrency = l->requests; /* the engine has them all from the start */
        l->steady = false;
    }
}

static int read_place(struct reader *r, const char *gpu, struct level *l)
{
    struct err trouble = {0}; /* finding a GPU clears the error it is given */
    const struct gpu_model *m = catalog_find(r->gpus, r->p->gpu, &trouble);
    const char *mig = gpu ? strstr(gpu, "MIG ") : NULL;
    const char *sharing = r->o->sharing ? r->o->sharing : csv_meta(r->t, "sharing");
    double servers = stated(r, r->o->servers, "servers");
    char name[32];

    if (!m) {
        *r->err = trouble;
        return -1;
    }
    l->size = gpu_profile_size(m, NULL);
    if (mig) {
        const struct gpu_profile *p;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(mig + 4, " ,;"), mig + 4);
        p = gpu_profile_find(m, name, &trouble);
        if (!p) {
            *r->err = trouble;
            return -1;
        }
        l->size = gpu_profile_size(m, p);
    }
    if (!(servers > 0) && csv_column(r->t, "instance") < 0 && (strcasestr(r->config, "two instances") || strcasestr(r->config, "both instances")))
        servers = 2;
    l->servers = servers > 0 ? (unsigned)fmin(servers, LEVEL_SERVERS) : 1;
    l->separate = mig != NULL;
    l->mode = sharing && strcasecmp(sharing, "mps") == 0 ? SHARE_MPS : SHARE_TIME_SLICING;
    l->items = 1;
    return 0;
}

static void read_figures(struct reader *r, size_t row, struct measured_row *m)
{
    size_t n;
    const struct measured_column *columns = measured_columns(&n);

    for (size_t i = 0; i < n && m->count < MEASURED_FIGURES; i++) {
        struct measured_figure f = {columns[i].column, columns[i].measure, columns[i].offset, NAN};
        if (columns[i].kind != r->p->kind)
            continue;
        f.value = cell(r, row, f.column, r->err);
        if (!(f.value > 0))
            continue;
        if (r->p->kind == PROFILE_ASR && !m->level.offline && csv_column(r->t, "server_tail_ms") >= 0 &&
            f.offset != AT(tail) && f.offset != AT(rtfx))
            continue; /* of whole utterances in real time: the length of the speech */
        if (r->p->kind == PROFILE_ASR && !m->level.offline && f.offset == AT(rtfx))
            f.measure = MEASURE_OTHER; /* paced in real time: how many streams the client happened to hold */
        m->figures[m->count++] = f;
    }
}

static int read_row(struct reader *r, size_t row, struct measured_row *m, bool first)
{
    const char *gpu = text_cell(r, row, "gpu");

    m->line = csv_line(r->t, row);
    read_load(r, row, m);
    read_requests(r, m, first);
    if (r->err->kind != ERR_NONE)
        return -1;
    if (read_place(r, gpu && *gpu ? gpu : csv_meta(r->t, "gpu"), &m->level) < 0)
        return -1;
    switch (r->p->kind) {
    case PROFILE_LLM:
        if (first)
            llm_shape(r, &m->level);
        break;
    case PROFILE_TTS:
        tts_shape(r, row, &m->level, first);
        break;
    case PROFILE_ASR:
        asr_shape(r, row, &m->level, first);
        break;
    case PROFILE_INFER:
        break;
    }
    read_figures(r, row, m);
    return r->err->kind == ERR_NONE ? 0 : -1;
}

struct measured *measured_read(const struct csv *table, const struct profile *p, struct catalog *gpus,
                               const struct measured_options *options, struct arena *a, struct err *err)
{
    struct measured *m = ARENA_NEW(a, struct measured);
    struct reader r = {.t = table, .p = p, .gpus = gpus, .o = options, .a = a, .err = err};
    size_t left_out = 0;
    const char *why = NULL;
    bool by_model = false;

    err->kind = ERR_NONE;
    r.config = csv_meta(table, "config") ? csv_meta(table, "config") : "";
    by_model = any_model_matches(&r);
    if (csv_column(table, "model") >= 0 && !by_model)
        note(&r, arena_printf(a, "no row names %s: rows of all models are used", p->model));
    m->name = csv_file(table);
    m->rows = ARENA_ARRAY(a, struct measured_row, csv_rows(table) + 1);
    for (size_t i = 0; i < csv_rows(table); i++) {
        struct measured_row *row = &m->rows[m->count];
        const char *out = why_left_out(&r, i, by_model);
        if (out) {
            left_out++;
            why = out;
            continue;
        }
        *row = (struct measured_row){0};
        if (read_row(&r, i, row, m->count == 0) < 0) {
            free(r.notes);
            return NULL;
        }
        if (p->kind == PROFILE_LLM && m->count > 0) {
            row->level.input = m->rows[0].level.input;
            row->level.output = m->rows[0].level.output;
        }
        if (row->count > 0)
            m->count++;
    }
    if (left_out > 0)
        note(&r, arena_printf(a, "%zu rows left out (the last one: %s)", left_out, why));
    if (m->count == 0) {
        err_set(err, ERR_INPUT, "%s: no row states a figure of a%s %s profile for %s", m->name,
                p->kind == PROFILE_ASR || p->kind == PROFILE_LLM || p->kind == PROFILE_INFER ? "n" : "",
                profile_kind_name(p->kind), p->gpu);
        free(r.notes);
        return NULL;
    }
    m->notes = ARENA_ARRAY(a, const char *, r.note_count + 1);
    if (r.note_count > 0)
        memcpy((void *)(uintptr_t)m->notes, r.notes, r.note_count * sizeof *r.notes);
    free(r.notes);
    return m;
}
