/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/profile.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define ENTRY(type, field, key, unit, lo, hi, otherwise, text) \
    {key, text, unit, lo, hi, otherwise, offsetof(struct type, field)},
#define LLM_ENTRY(field, ...) ENTRY(llm_params, field, __VA_ARGS__)
#define TTS_ENTRY(field, ...) ENTRY(tts_params, field, __VA_ARGS__)
#define ASR_ENTRY(field, ...) ENTRY(asr_params, field, __VA_ARGS__)
#define INFER_ENTRY(field, ...) ENTRY(infer_params, field, __VA_ARGS__)

static const struct profile_param llm_list[] = {LLM_PARAMS(LLM_ENTRY)};
static const struct profile_param tts_list[] = {TTS_PARAMS(TTS_ENTRY)};
static const struct profile_param asr_list[] = {ASR_PARAMS(ASR_ENTRY)};
static const struct profile_param infer_list[] = {INFER_PARAMS(INFER_ENTRY)};
_Static_assert(ARRAY_LEN(llm_list) <= PROFILE_PARAMS_MAX && ARRAY_LEN(tts_list) <= PROFILE_PARAMS_MAX &&
                   ARRAY_LEN(asr_list) <= PROFILE_PARAMS_MAX && ARRAY_LEN(infer_list) <= PROFILE_PARAMS_MAX,
               "PROFILE_PARAMS_MAX is too small");

static const char *const KINDS[] = {"asr", "llm", "tts", "infer", NULL};

const char *profile_kind_name(enum profile_kind kind)
{
    return KINDS[kind];
}

const struct profile_param *profile_params(enum profile_kind kind, size_t *ret_count)
{
    switch (kind) {
    case PROFILE_ASR:
        *ret_count = ARRAY_LEN(asr_list);
        return asr_list;
    case PROFILE_LLM:
        *ret_count = ARRAY_LEN(llm_list);
        return llm_list;
    case PROFILE_TTS:
        *ret_count = ARRAY_LEN(tts_list);
        return tts_list;
    case PROFILE_INFER:
        break;
    }
    *ret_count = ARRAY_LEN(infer_list);
    return infer_list;
}

double *profile_param_at(struct profile *p, const struct profile_param *q)
{
    return (double *)(void *)((char *)&p->asr + q->offset); /* the union's members begin together */
}

static int find_param(const struct profile *p, const char *key)
{
    size_t n;
    const struct profile_param *list = profile_params(p->kind, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].key, key) == 0)
            return (int)i;
    return -1;
}

double *profile_number(struct profile *p, const char *key)
{
    size_t n;
    int i = find_param(p, key);

    return i < 0 ? NULL : profile_param_at(p, &profile_params(p->kind, &n)[i]);
}

void profile_set(struct profile *p, const char *key, double value, const char *source, bool assumed)
{
    int i = find_param(p, key);

    assert(i >= 0);
    *profile_number(p, key) = value;
    free(p->origin[i].source);
    p->origin[i].source = source ? xstrdup(source) : NULL;
    p->origin[i].assumed = assumed;
    p->origin[i].given = true;
}

static char *copy_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

struct profile *profile_copy(const struct profile *p)
{
    struct profile *q = xcalloc(1, sizeof *q);

    *q = *p;
    q->name = xstrdup(p->name);
    q->model = xstrdup(p->model);
    q->gpu = xstrdup(p->gpu);
    q->engine = xstrdup(p->engine);
    q->precision = xstrdup(p->precision);
    q->valid = xstrdup(p->valid);
    q->path = xstrdup(p->path);
    for (size_t i = 0; i < PROFILE_PARAMS_MAX; i++)
        q->origin[i].source = copy_or_null(p->origin[i].source);
    q->need_origin.source = copy_or_null(p->need_origin.source);
    q->reserve_origin.source = copy_or_null(p->reserve_origin.source);
    return q;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    free(p->name);
    free(p->model);
    free(p->gpu);
    free(p->engine);
    free(p->precision);
    free(p->valid);
    free(p->path);
    for (size_t i = 0; i < PROFILE_PARAMS_MAX; i++)
        free(p->origin[i].source);
    free(p->need_origin.source);
    free(p->reserve_origin.source);
    free(p);
}
