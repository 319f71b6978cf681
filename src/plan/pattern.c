/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/pattern.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { PRICES_MAX = 8, ROUNDS = 600, MIXES_KEPT = 4000 };
static const double TINY = 1e-9; /* of a rate: 1199.9999999 requests/s meet 1200 */

/* One minimal mix of an item's options. */
struct mix {
    int64_t use[BOUND_FACES_MAX];
    int64_t count[PATTERN_OPTIONS_MAX];
    double priced; /* at the best prices */
};

struct choice {
    struct mix *at; /* owned */
    size_t n, cap;
    size_t item;
};

struct search {
    const struct bound_face *faces;
    size_t face_count;
    struct choice *choices;
    size_t n;
    double prices[PRICES_MAX][BOUND_FACES_MAX];
    size_t price_count;
    double (*rest)[PRICES_MAX];        /* by depth: the least priced use of all later items */
    int64_t (*least)[BOUND_FACES_MAX]; /* by depth: the least use of each face by all later items */
    size_t *taken;                     /* by depth: the mix */
    int64_t gpus, nodes, node_limit;
};

static bool dominates(const int64_t *a, const int64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] > b[i])
            return false;
    return true;
}

static void add_mix(struct choice *c, const struct mix *m, size_t faces)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++)
        if (dominates(c->at[i].use, m->use, faces))
            return;
    for (size_t i = 0; i < c->n; i++)
        if (!dominates(m->use, c->at[i].use, faces))
            c->at[kept++] = c->at[i];
    c->n = kept;
    GROW(c->at, c->cap, c->n + 1);
    c->at[c->n++] = *m;
}

static double priced(const double *price, const int64_t *use, size_t n)
{
    double sum = 0;

    for (size_t f = 0; f < n; f++)
        sum += price[f] * (double)use[f];
    return sum;
}

static const struct mix *cheapest(const struct choice *c, const double *price, size_t n)
{
    const struct mix *best = &c->at[0];
    double least = priced(price, best->use, n);

    for (size_t i = 1; i < c->n; i++) {
        double v = priced(price, c->at[i].use, n);
        if (v < least) {
            least = v;
            best = &c->at[i];
        }
    }
    return best;
}

/*
 * Prices of the faces that make the bound large: a face's price times its capacity is its share of one GPU.
 * Multiplicative steps along the subgradient of the relaxation in which instances may be fractions; any prices give a
 * true bound.
 */
static double find_prices(struct search *s, const struct pattern_item *items, size_t n)
{
    double share[BOUND_FACES_MAX], best = -1, best_price[BOUND_FACES_MAX] = {0};

    for (size_t f = 0; f < s->face_count; f++)
        share[f] = 1.0 / (double)s->face_count;
    for (int round = 0; round < ROUNDS; round++) {
        double price[BOUND_FACES_MAX], use[BOUND_FACES_MAX] = {0}, value = 0, top = 0, sum = 0;
        for (size_t f = 0; f < s->face_count; f++)
            price[f] = share[f] / s->faces[f].capacity;
        for (size_t i = 0; i < n; i++) {
            double least = HUGE_VAL;
            size_t at = 0;
            for (size_t o = 0; o < items[i].option_count; o++) {
                double c = 0;
                for (size_t f = 0; f < s->face_count; f++)
                    c += price[f] * s->faces[f].weight[items[i].options[o].profile];
                if (c / items[i].options[o].gives < least) {
                    least = c / items[i].options[o].gives;
                    at = o;
                }
            }
            if (items[i].need <= 0)
                continue;
            value += least * items[i].need;
            for (size_t f = 0; f < s->face_count; f++)
                use[f] += items[i].need / items[i].options[at].gives *
                          s->faces[f].weight[items[i].options[at].profile] / s->faces[f].capacity;
        }
        if (value > best) {
            best = value;
            memcpy(best_price, price, sizeof price);
        }
        for (size_t f = 0; f < s->face_count; f++)
            top = fmax(top, use[f]);
        if (top <= 0)
            break;
        for (size_t f = 0; f < s->face_count; f++) {
            share[f] *= 1 + 0.5 / (1 + round / 20.0) * (use[f] / top - 1);
            share[f] = fmax(share[f], 1e-12);
            sum += share[f];
        }
        for (size_t f = 0; f < s->face_count; f++)
            share[f] /= sum;
    }
    memcpy(s->prices[0], best_price, sizeof best_price);
    s->price_count = 1;
    return best;
}

/* The mixes of one item whose price is at most `limit`. */
struct mixer {
    const struct pattern_item *item;
    const struct bound_face *faces;
    size_t face_count;
    double price[PATTERN_OPTIONS_MAX];    /* of one instance */
    double rate[PATTERN_OPTIONS_MAX + 1]; /* the least price of one unit of need, from this option on */
    double limit;
    struct choice *out; /* NULL: only the least price is wanted */
    size_t looked_at, most;
};

/*
 * All minimal mixes within the limit: every option but the last takes 0.. as many as still needed, the last one what
 * is left. Without `out` the limit falls to the best found.
 */
static bool enumerate(struct mixer *x, size_t option, double left, struct mix *m)
{
    const struct pattern_option *o = &x->item->options[option];
    bool last = option + 1 == x->item->option_count;
    double slack = TINY * x->item->need;
    int64_t most = left <= slack ? 0 : (int64_t)ceil((left - slack) / o->gives);

    for (int64_t k = most; k >= (last ? most : 0); k--) {
        struct mix next = *m;
        double rest = left - (double)k * o->gives;
        next.count[option] = k;
        next.priced += (double)k * x->price[option];
        if (++x->looked_at > x->most || (x->out && x->out->n > MIXES_KEPT))
            return false;
        if (next.priced + (rest > slack ? (rest - slack) * x->rate[option + 1] : 0) > x->limit)
            continue;
        for (size_t f = 0; f < x->face_count; f++)
            next.use[f] += k * x->faces[f].weight[o->profile];
        if (!last) {
            if (!enumerate(x, option + 1, rest, &next))
                return false;
        } else if (x->out) {
            add_mix(x->out, &next, x->face_count);
        } else {
            x->limit = next.priced;
        }
    }
    return true;
}

static struct mixer mixer_for(const struct search *s, const struct pattern_item *item, size_t most)
{
    struct mixer x = {.item = item, .faces = s->faces, .face_count = s->face_count, .limit = HUGE_VAL, .most = most};

    x.rate[item->option_count] = HUGE_VAL;
    for (size_t o = item->option_count; o-- > 0;) {
        for (size_t f = 0; f < s->face_count; f++)
            x.price[o] += s->prices[0][f] * s->faces[f].weight[item->options[o].profile];
        x.rate[o] = fmin(x.rate[o + 1], x.price[o] / item->options[o].gives);
    }
    return x;
}

/* Which mix comes first: by price, then by what it uses, so that the order is the same everywhere. */
static int mix_order(const void *a, const void *b)
{
    const struct mix *x = a, *y = b;

    if (x->priced != y->priced)
        return x->priced < y->priced ? -1 : 1;
    for (size_t f = 0; f < BOUND_FACES_MAX; f++)
        if (x->use[f] != y->use[f])
            return x->use[f] < y->use[f] ? -1 : 1;
    return 0;
}

/* The items with the most to choose from come last: they close the gaps. */
static int choice_order(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    int64_t ux = x->n ? x->at[0].use[0] + x->at[0].use[BOUND_FACES_MAX - 1] : 0;
    int64_t uy = y->n ? y->at[0].use[0] + y->at[0].use[BOUND_FACES_MAX - 1] : 0;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    if (ux != uy)
        return ux > uy ? -1 : 1;
    return x->item < y->item ? -1 : 1;
}

static void prepare(struct search *s)
{
    s->price_count = 1;
    for (size_t f = 0; f < s->face_count && s->price_count < PRICES_MAX; f++) {
        double *p = s->prices[s->price_count++];
        memset(p, 0, sizeof s->prices[0]);
        p[f] = 1.0 / s->faces[f].capacity;
    }
    for (size_t i = 0; i < s->n; i++) {
        struct choice *c = &s->choices[i];
        for (size_t k = 0; k < c->n; k++)
            c->at[k].priced = priced(s->prices[0], c->at[k].use, s->face_count);
        qsort(c->at, c->n, sizeof c->at[0], mix_order);
    }
    qsort(s->choices, s->n, sizeof s->choices[0], choice_order);
    for (size_t i = s->n; i-- > 0;) {
        for (size_t p = 0; p < s->price_count; p++) {
            const struct mix *m = cheapest(&s->choices[i], s->prices[p], s->face_count);
            s->rest[i][p] = s->rest[i + 1][p] + priced(s->prices[p], m->use, s->face_count);
        }
        for (size_t f = 0; f < s->face_count; f++) {
            int64_t least = INT64_MAX;
            for (size_t k = 0; k < s->choices[i].n; k++)
                least = s->choices[i].at[k].use[f] < least ? s->choices[i].at[k].use[f] : least;
            s->least[i][f] = s->least[i + 1][f] + least;
        }
    }
}

/* 1 found, 0 there is none, -1 out of nodes */
static int descend(struct search *s, size_t depth, const int64_t *used)
{
    double gpus = (double)s->gpus * (1 + 1e-9) + 1e-6;

    if (depth == s->n)
        return 1;
    if (++s->nodes > s->node_limit)
        return -1;
    for (size_t k = 0; k < s->choices[depth].n; k++) {
        const struct mix *m = &s->choices[depth].at[k];
        int64_t next[BOUND_FACES_MAX] = {0};
        bool ok = true;
        for (size_t f = 0; f < s->face_count; f++) {
            next[f] = used[f] + m->use[f];
            ok = ok && next[f] + s->least[depth + 1][f] <= s->gpus * s->faces[f].capacity;
        }
        for (size_t p = 0; ok && p < s->price_count; p++) {
            ok = priced(s->prices[p], next, s->face_count) + s->rest[depth + 1][p] <= gpus;
            if (!ok && p == 0)
                return 0; /* mixes come by this price: the later ones are no better */
        }
        if (!ok)
            continue;
        s->taken[depth] = k;
        int found = descend(s, depth + 1, next);
        if (found != 0)
            return found;
    }
    return 0;
}

static void keep_solution(const struct search *s, struct pattern_result *r, const struct pattern_item *items)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct choice *c = &s->choices[i];
        memcpy(r->counts[c->item], c->at[s->taken[i]].count, sizeof r->counts[0]);
        for (size_t o = 0; o < items[c->item].option_count; o++)
            r->total[items[c->item].options[o].profile] += r->counts[c->item][o];
    }
}

/* The GPUs that the mixes taken need. */
static int64_t needed(const struct search *s)
{
    int64_t use[BOUND_FACES_MAX] = {0}, gpus = 0;

    for (size_t i = 0; i < s->n; i++)
        for (size_t f = 0; f < s->face_count; f++)
            use[f] += s->choices[i].at[s->taken[i]].use[f];
    for (size_t f = 0; f < s->face_count; f++) {
        int64_t need = (use[f] + s->faces[f].capacity - 1) / s->faces[f].capacity;
        gpus = need > gpus ? need : gpus;
    }
    return gpus;
}

/* The mixes of all items that a plan with so many GPUs could use: by price no more than `room` above the item's
 * least. */
static bool list_mixes(struct search *s, const struct pattern_item *items, const double *least, double room,
                       size_t most)
{
    for (size_t i = 0; i < s->n; i++) {
        struct choice *c = &s->choices[i];
        const struct pattern_item *item = &items[c->item];
        struct mixer x = mixer_for(s, item, most);
        struct mix none = {.priced = 0};
        c->n = 0;
        x.out = c;
        x.limit = least[c->item] + room;
        if (!enumerate(&x, 0, item->need, &none) || c->n == 0)
            return false;
    }
    return true;
}

/*
 * GPU counts from the bound up: reduced-price fixing makes the lists of mixes short (a plan with G GPUs has room
 * G - bound for all items together), and a search over them that finds nothing is a proof for that count.
 */
static bool run(struct search *s, const struct pattern_item *items, const double *least, double bound, size_t most,
                struct pattern_result *ret)
{
    static const int64_t zero[BOUND_FACES_MAX];
    int64_t first;

    ret->bound = first = (int64_t)ceil(bound * (1 - 1e-12) - 1e-6);
    ret->proven = true;
    for (s->gpus = ret->bound; s->gpus <= first + 3 + first / 20; s->gpus++) {
        double room = (double)s->gpus - bound + 1e-6;
        bool all = list_mixes(s, items, least, room, most);
        int found;
        /* Too many: the best of them, for a plan without a proof. */
        for (double r = room / 4; !all && r > room / 1000 && !list_mixes(s, items, least, r, most); r /= 4)
            ;
        for (size_t i = 0; i < s->n; i++)
            if (s->choices[i].n == 0)
                return false;
        prepare(s);
        s->nodes = 0;
        found = descend(s, 0, zero);
        ret->nodes += s->nodes;
        if (found == 1) {
            ret->gpus = needed(s);
            ret->proven = ret->bound >= ret->gpus;
            keep_solution(s, ret, items);
            return true;
        }
        if (found == 0 && all && ret->proven)
            ret->bound = s->gpus + 1;
        else
            ret->proven = false;
    }
    return false;
}

int pattern_solve(const struct gpu_model *m, const struct pattern_item *items, size_t n,
                  const struct pattern_limits *limits, struct pattern_result *ret)
{
    struct bound_face faces[BOUND_FACES_MAX];
    struct search s = {.faces = faces, .node_limit = limits && limits->nodes ? limits->nodes : 4000000};
    size_t most = limits && limits->mixes ? limits->mixes : 1000000;
    double bound = 0, *least = xcalloc(n + 1, sizeof *least);
    uint32_t mask = 0;
    bool ok = true;

    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < items[i].option_count; o++)
            mask |= UINT32_C(1) << items[i].options[o].profile;
    s.face_count = bound_faces(m, mask, faces);
    s.choices = xcalloc(n + 1, sizeof *s.choices);
    s.rest = xcalloc(n + 1, sizeof *s.rest);
    s.least = xcalloc(n + 1, sizeof *s.least);
    s.taken = xcalloc(n + 1, sizeof *s.taken);
    if (s.face_count)
        find_prices(&s, items, n);
    else
        ok = mask == 0;
    for (size_t i = 0; i < n && ok; i++) {
        struct mixer x;
        struct mix none = {.priced = 0};
        if (items[i].need <= 0)
            continue;
        s.choices[s.n++].item = i;
        x = mixer_for(&s, &items[i], most);
        ok = items[i].option_count > 0 && enumerate(&x, 0, items[i].need, &none);
        least[i] = x.limit;
        bound += x.limit;
    }
    *ret = (struct pattern_result){.counts = ok ? xcalloc(n + 1, sizeof *ret->counts) : NULL};
    ok = ok && run(&s, items, least, bound, most, ret);
    if (!ok)
        pattern_result_done(ret);
    for (size_t i = 0; i <= n; i++)
        free(s.choices[i].at);
    free(s.choices);
    free(s.rest);
    free(s.least);
    free(s.taken);
    free(least);
    return ok ? 0 : 1;
}

void pattern_result_done(struct pattern_result *r)
{
    free(r->counts);
    *r = (struct pattern_result){.counts = NULL};
}

static void count_profiles(const struct layout *l, int64_t ret[GPU_PROFILES_MAX])
{
    memset(ret, 0, sizeof(int64_t) * GPU_PROFILES_MAX);
    for (size_t i = 0; i < l->n; i++)
        ret[l->at[i].profile->index]++;
}

/* What is left of a demand after `times` GPUs of a layout. */
static void subtract(const int64_t *demand, const int64_t *count, int64_t times, int64_t *ret)
{
    for (size_t i = 0; i < GPU_PROFILES_MAX; i++) {
        int64_t d = demand[i] - times * count[i];
        ret[i] = d > 0 ? d : 0;
    }
}

size_t pattern_layouts(const struct gpu_model *m, const int64_t demand[GPU_PROFILES_MAX], int64_t gpus,
                       struct pattern_use **ret)
{
    struct bound_face faces[BOUND_FACES_MAX];
    struct layout_list list = {0};
    int64_t left[GPU_PROFILES_MAX];
    uint32_t mask = 0;
    size_t face_count, n = 0, cap = 0;

    *ret = NULL;
    memcpy(left, demand, sizeof left);
    for (size_t i = 0; i < m->profile_count; i++)
        if (demand[i] > 0)
            mask |= UINT32_C(1) << i;
    face_count = bound_faces(m, mask, faces);
    if (!mask || !face_count)
        return 0;
    layout_list(m, mask, LAYOUT_PARETO, &list);
    /* The closed form says whether what is left still fits the GPUs that are left, so peeling never goes wrong. */
    for (size_t p = 0; p < list.n; p++) {
        int64_t count[GPU_PROFILES_MAX], after[GPU_PROFILES_MAX], times = 0;
        count_profiles(&list.at[p], count);
        for (int64_t step = gpus; step > 0; step /= 2)
            for (; times + step <= gpus; times += step) {
                bool useful = false;
                for (size_t i = 0; i < m->profile_count; i++)
                    useful = useful || left[i] > (times + step - 1) * count[i] * (count[i] > 0);
                subtract(left, count, times + step, after);
                if (!useful || bound_gpus(faces, face_count, after, NULL) > gpus - times - step)
                    break;
            }
        if (times == 0)
            continue;
        subtract(left, count, times, after);
        memcpy(left, after, sizeof left);
        gpus -= times;
        GROW(*ret, cap, n + 1);
        (*ret)[n++] = (struct pattern_use){list.at[p], times};
    }
    layout_list_done(&list);
    return n;
}
