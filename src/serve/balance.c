/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/balance.h"

#include <assert.h>

#include "base/mem.h"

static struct balance_replica *pick(struct balance *b)
{
    struct balance_replica *best = NULL;
    uint32_t least = 0;

    assert(b->count > 0);
    for (unsigned i = 0; i < b->count; i++) {
        struct balance_replica *r = &b->replicas[(b->next + i) % b->count];
        uint32_t load = r->load(r->server);
        if (!best || load < least) {
            best = r;
            least = load;
        }
    }
    b->next = (unsigned)(best - b->replicas + 1) % b->count;
    return best;
}

static void asr_open(struct asr_service *a, struct asr_stream *s)
{
    struct balance_replica *r = pick(CONTAINER_OF(a, struct balance, asr));

    s->replica = r->asr;
    r->asr->ops->open(r->asr, s);
}

static void asr_audio(struct asr_service *a, struct asr_stream *s, const struct audio *piece)
{
    struct asr_service *r = s->replica;

    (void)a;
    r->ops->audio(r, s, piece);
}

static void asr_finish(struct asr_service *a, struct asr_stream *s)
{
    struct asr_service *r = s->replica;

    (void)a;
    r->ops->finish(r, s);
}

static void asr_cancel(struct asr_service *a, struct asr_stream *s)
{
    struct asr_service *r = s->replica;

    (void)a;
    r->ops->cancel(r, s);
}

static const struct asr_service_ops asr_ops = {
    .open = asr_open, .audio = asr_audio, .finish = asr_finish, .cancel = asr_cancel};

/* The three request services differ in nothing but their types. */
#define REQUEST_SERVICE(kind)                                                             \
    static void kind##_submit(struct kind##_service *s, struct kind##_call *c)            \
    {                                                                                     \
        struct balance_replica *r = pick(CONTAINER_OF(s, struct balance, kind));          \
        c->replica = r->kind;                                                             \
        r->kind->ops->submit(r->kind, c);                                                 \
    }                                                                                     \
    static void kind##_cancel(struct kind##_service *s, struct kind##_call *c)            \
    {                                                                                     \
        struct kind##_service *r = c->replica;                                            \
        (void)s;                                                                          \
        r->ops->cancel(r, c);                                                             \
    }                                                                                     \
    static const struct kind##_service_ops kind##_ops = {.submit = kind##_submit, .cancel = kind##_cancel};

REQUEST_SERVICE(llm)
REQUEST_SERVICE(tts)
REQUEST_SERVICE(infer)

void balance_init(struct balance *b)
{
    *b = (struct balance){.asr = {&asr_ops}, .llm = {&llm_ops}, .tts = {&tts_ops}, .infer = {&infer_ops}};
}

void balance_add(struct balance *b, const struct balance_replica *r)
{
    assert(b->count < BALANCE_MAX);
    b->replicas[b->count++] = *r;
}
