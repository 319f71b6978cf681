/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/share.h"

#include "base/mem.h"
#include "check.h"
#include "sim/virtual.h"

static const struct share_size WHOLE = {.sm = 1, .bandwidth = 1, .memory = INT64_C(80) << 30};

/* A client that submits the same step again and again. */
struct client {
    struct share_tenant *tenant;
    struct gpu_step step;
    uint64_t done;
    bool stop;
};

static void again(void *arg)
{
    struct client *c = arg;

    c->done++;
    if (!c->stop)
        share_submit(c->tenant, &c->step);
}

struct rig {
    struct virtual_world *v;
    struct share *share;
    struct client clients[8];
    size_t n;
};

static struct rig rig_new(enum share_mode mode, const struct share_size *size)
{
    struct rig r = {.v = virtual_new()};

    r.share = share_new(virtual_world(r.v), "gpu0", mode, size, &SHARE_TUNING_DEFAULT);
    return r;
}

static void rig_add(struct rig *r, struct gpu_step step)
{
    struct client *c = &r->clients[r->n++];
    struct err err = {0};

    c->step = step;
    c->tenant = share_attach(r->share, "client", 1 << 30, 1, again, c, &err);
    CHECK(c->tenant);
}

/* Mean time (s) of the first client's step when all of them submit without pause for 60 s. */
static double rig_run(struct rig *r)
{
    for (size_t i = 0; i < r->n; i++)
        share_submit(r->clients[i].tenant, &r->clients[i].step);
    while (virtual_step(r->v, 60 * NS_PER_S)) {
        const char *broken = share_check(r->share);
        if (broken)
            check_fail(__FILE__, __LINE__, "%s", broken);
    }
    return 60.0 / (double)r->clients[0].done;
}

static void rig_free(struct rig *r)
{
    share_free(r->share);
    virtual_free(r->v);
}

/* A kernel-bound step of 88 ms that fills half of the SMs: the YOLOS-small of the nos table. */
static const struct gpu_step HALF = {.floor = 80e6, .compute = 44e6};

TEST(alone_takes_host_plus_the_slower_of_launch_and_kernels)
{
    struct rig r = rig_new(SHARE_ALONE, &WHOLE);

    rig_add(&r, (struct gpu_step){.host = 1e6, .launch = 26e6, .floor = 12e6});
    CHECK_NEAR(rig_run(&r), 0.027, 1e-5);
    rig_free(&r);
}

TEST(time_slicing_of_equal_clients_takes_n_times_1_11)
{
    double one = gpu_step_duration(&HALF, &WHOLE) / 1e9;

    for (size_t n = 3; n <= 6; n++) {
        struct rig r = rig_new(SHARE_TIME_SLICING, &WHOLE);
        for (size_t i = 0; i < n; i++)
            rig_add(&r, HALF);
        CHECK_NEAR(rig_run(&r) / one / (double)n, 1.11, 0.03);
        rig_free(&r);
    }
}

TEST(an_idle_neighbour_costs_one_percent)
{
    struct rig r = rig_new(SHARE_TIME_SLICING, &WHOLE);
    double one = gpu_step_duration(&HALF, &WHOLE) / 1e9;

    rig_add(&r, HALF);
    rig_add(&r, HALF);
    r.n = 1;
    CHECK_NEAR(rig_run(&r) / one, 1.01, 0.003);
    rig_free(&r);
}

TEST(launch_bound_tenants_fit_into_each_others_gaps)
{
    struct rig r = rig_new(SHARE_TIME_SLICING, &WHOLE);

    rig_add(&r, (struct gpu_step){.launch = 26e6, .floor = 12e6});
    rig_add(&r, (struct gpu_step){.launch = 26e6, .floor = 12e6});
    CHECK_NEAR(rig_run(&r), 0.0263, 3e-4);
    rig_free(&r);
}

TEST(mps_shares_what_time_slicing_wastes)
{
    struct rig ts = rig_new(SHARE_TIME_SLICING, &WHOLE), mps = rig_new(SHARE_MPS, &WHOLE);

    for (int i = 0; i < 3; i++) {
        rig_add(&ts, HALF);
        rig_add(&mps, HALF);
    }
    CHECK(rig_run(&mps) < 0.8 * rig_run(&ts));
    rig_free(&ts);
    rig_free(&mps);
}

TEST(mps_tenants_of_unlike_needs_hardly_meet)
{
    struct rig unlike = rig_new(SHARE_MPS, &WHOLE), alike = rig_new(SHARE_MPS, &WHOLE);

    rig_add(&unlike, (struct gpu_step){.compute = 10e6, .memory = 2e6});
    rig_add(&unlike, (struct gpu_step){.compute = 2e6, .memory = 10e6});
    rig_add(&alike, (struct gpu_step){.compute = 10e6, .memory = 2e6});
    rig_add(&alike, (struct gpu_step){.compute = 10e6, .memory = 2e6});
    CHECK_NEAR(rig_run(&unlike), 0.0121, 3e-4);
    CHECK_NEAR(rig_run(&alike), 0.0201, 3e-4);
    rig_free(&unlike);
    rig_free(&alike);
}

/* A light tenant beside a saturating one: after its host part the GPU is the other's until the slice ends. */
static double light_tenant(int64_t timeslice)
{
    struct rig r = rig_new(SHARE_TIME_SLICING, &WHOLE);
    struct share_tuning tuning = SHARE_TUNING_DEFAULT;
    double s;

    share_free(r.share);
    tuning.timeslice = timeslice;
    r.share = share_new(virtual_world(r.v), "gpu0", SHARE_TIME_SLICING, &WHOLE, &tuning);
    rig_add(&r, (struct gpu_step){.host = 5e6, .floor = 0.5e6});
    rig_add(&r, (struct gpu_step){.floor = 40e6});
    s = rig_run(&r);
    rig_free(&r);
    return s;
}

TEST(a_longer_time_slice_makes_light_tenants_wait)
{
    CHECK_NEAR(light_tenant(1024 * NS_PER_US), 0.0066, 3e-4);  /* 5 host, 0.5 wait, 1 at half speed, the switch */
    CHECK_NEAR(light_tenant(10000 * NS_PER_US), 0.0105, 9e-4); /* 5 host, 4 to 5 wait, 1 at half speed */
}

TEST(memory_that_does_not_fit_is_refused_with_the_arithmetic)
{
    struct rig r = rig_new(SHARE_TIME_SLICING, &WHOLE);
    struct err err = {0};

    CHECK(share_attach(r.share, "llm", INT64_C(70) << 30, 1, again, NULL, &err));
    CHECK(!share_attach(r.share, "tts", INT64_C(14) << 30, 1, again, NULL, &err));
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, "tts does not fit: it needs 14.00 GiB, of 80.00 GiB 70.00 GiB are taken, 10.00 GiB are free");
    rig_free(&r);
}

/* Whatever the tenants do: invariants after every event, nothing lost, no step faster than alone. */
PROPERTY(any_mix_keeps_the_invariants, 300)
{
    struct rig r = rig_new(gen_bool(g) ? SHARE_MPS : SHARE_TIME_SLICING, &WHOLE);
    size_t n = 2 + gen_size(g, 5);

    for (size_t i = 0; i < n; i++)
        rig_add(&r, (struct gpu_step){gen_real(g, 0, 3e7) * gen_bool(g), gen_real(g, 0, 5e7) * gen_bool(g),
                                      gen_real(g, 0, 5e7), gen_real(g, 0, 5e7) * gen_bool(g),
                                      1e6 + gen_real(g, 0, 5e7), gen_real(g, 0, 1e7)});
    rig_run(&r);
    for (size_t i = 0; i < n; i++) {
        double alone = gpu_step_duration(&r.clients[i].step, &WHOLE);
        CHECK(r.clients[i].done > 0);
        CHECK(60e9 / (double)r.clients[i].done >= 0.999 * alone);
    }
    rig_free(&r);
}
