/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/balance.h"

#include "base/mem.h"
#include "check.h"

/* A service that keeps what it is given. */
struct held {
    struct infer_service service;
    uint32_t count;
};

static void submit(struct infer_service *s, struct infer_call *c)
{
    (void)c;
    CONTAINER_OF(s, struct held, service)->count++;
}

static void cancel(struct infer_service *s, struct infer_call *c)
{
    (void)c;
    CONTAINER_OF(s, struct held, service)->count--;
}

static const struct infer_service_ops ops = {.submit = submit, .cancel = cancel};

static uint32_t load(void *server)
{
    return ((struct held *)server)->count;
}

static void setup(struct balance *b, struct held *h, unsigned n)
{
    balance_init(b);
    for (unsigned i = 0; i < n; i++) {
        h[i] = (struct held){.service = {&ops}};
        balance_add(b, &(struct balance_replica){.infer = &h[i].service, .load = load, .server = &h[i]});
    }
}

TEST(calls_go_to_the_least_loaded_and_a_cancel_follows_its_call)
{
    struct balance b;
    struct held h[3];
    struct infer_call c[9] = {0};

    setup(&b, h, 3);
    for (int i = 0; i < 9; i++)
        b.infer.ops->submit(&b.infer, &c[i]);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(h[i].count, 3);
    b.infer.ops->cancel(&b.infer, &c[4]);
    CHECK_EQ(h[1].count, 2);
    b.infer.ops->submit(&b.infer, &c[4]);
    CHECK_EQ(h[1].count, 3);
}

PROPERTY(loads_never_differ_by_more_than_one_without_cancels, 200)
{
    struct balance b;
    struct held h[8];
    struct infer_call c = {0};
    unsigned n = 1 + (unsigned)gen_size(g, 7);

    setup(&b, h, n);
    for (size_t i = gen_size(g, 100); i > 0; i--) {
        uint32_t least = UINT32_MAX, most = 0;
        b.infer.ops->submit(&b.infer, &c);
        for (unsigned k = 0; k < n; k++) {
            least = h[k].count < least ? h[k].count : least;
            most = h[k].count > most ? h[k].count : most;
        }
        CHECK_LE(most - least, 1);
    }
}
