/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/workers.h"

#include "check.h"

static int order[64], granted;

struct holder {
    struct worker_wait wait;
    int number;
};

static void got(struct worker_wait *w)
{
    order[granted++] = ((struct holder *)(void *)w)->number; /* wait is its first member */
}

TEST(workers_are_given_in_order_and_taken_back)
{
    struct holder h[5];
    struct workers p;

    granted = 0;
    workers_init(&p, 2);
    for (int i = 0; i < 5; i++) {
        h[i] = (struct holder){.wait.granted = got, .number = i};
        workers_take(&p, &h[i].wait);
    }
    CHECK_EQ(granted, 2);
    workers_leave(&p, &h[3].wait); /* the queue */
    workers_leave(&p, &h[1].wait);
    workers_leave(&p, &h[0].wait);
    CHECK_EQ(granted, 2);
    workers_serve(&p);
    CHECK_EQ(granted, 4);
    CHECK_EQ(order[2], 2);
    CHECK_EQ(order[3], 4);
    workers_leave(&p, &h[2].wait);
    workers_leave(&p, &h[4].wait);
    workers_leave(&p, &h[4].wait);
    workers_serve(&p);
    CHECK_EQ(granted, 4);
    CHECK_EQ(p.taken, 0);
}
