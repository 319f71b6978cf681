/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run.h"

#include "make_scenario.h"

static struct run *run_it(const struct scenario *s, const char *configuration, const char *load, uint64_t seed)
{
    struct err err = {0};
    struct stock *stock = stock_new();
    struct run_spec spec = {.scenario = s, .stock = stock, .seed = seed, .check = true};
    struct run *r;

    spec.configuration = scenario_find_configuration(s, configuration, &err);
    spec.load = scenario_find_load(s, load, &err);
    CHECK(spec.configuration && spec.load);
    r = run_new(&spec, &err);
    if (!r)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    stock_free(stock);
    return r;
}

TEST(light_load_of_the_voice_scenario_completes)
{
    struct scenario *s = make_voice_scenario();
    struct run *r = run_it(s, "mig", "light", 1);
    const struct turn_counts *c = recorder_counts(r->recorder);

    CHECK(c->completed > 30);
    CHECK_EQ(c->failed, 0);
    CHECK_EQ(c->started, c->completed + c->unfinished);
    run_free(r);
    scenario_free(s);
}

/* Invariants after every event (run_spec.check), accounts at the end, and nothing left in flight. */
PROPERTY(random_scenarios_keep_every_invariant, 2000)
{
    struct scenario *s = make_random_scenario(g);
    struct run *r = run_it(s, "random", "random", rng_next(&g->rng));
    const struct turn_counts *c = recorder_counts(r->recorder);

    CHECK_EQ(c->started, c->completed + c->failed + c->unfinished);
    run_free(r);
    scenario_free(s);
}
