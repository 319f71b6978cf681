/* SPDX-License-Identifier: Apache-2.0 */
#include "report/draw_layout.h"

#include <stdio.h>

#include "check.h"

static size_t count(const char *text, const char *part)
{
    size_t n = 0;

    for (const char *s = strstr(text, part); s; s = strstr(s + 1, part))
        n++;
    return n;
}

TEST(every_instance_is_as_wide_as_its_slices)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    cleanup_buf struct buf out = {.max = 1 << 20};
    const struct gpu_model *m = catalog_find(c, "A100-SXM4-80GB", &err);
    struct layout l = {.at = {{gpu_profile_find(m, "3g.40gb", &err), 0},
                              {gpu_profile_find(m, "1g.10gb", &err), 5}},
                       .n = 2};
    struct svg s;

    svg_begin(&s, &out, 800, 40, "test", NULL);
    draw_layout(&s, 0, 0, 800, 40, m, &l, NULL, NULL);
    svg_end(&s);
    CHECK_CONTAINS(buf_str(&out), "x=\"1\" y=\"0\" width=\"398\"");
    CHECK_CONTAINS(buf_str(&out), "x=\"501\" y=\"0\" width=\"98\"");
    CHECK_CONTAINS(buf_str(&out), "3g.40gb@0: memory slices 0 to 3, 42 SMs, 39.25 GiB");
    CHECK_CONTAINS(buf_str(&out), "1g.10gb@5: memory slice 5, 14 SMs, 9.50 GiB");
    CHECK_EQ(count(buf_str(&out), "gi-free"), 2); /* slice 4, slices 6 and 7 */
}

/* Whatever the list: one rectangle an instance, no name wider than its box, a picture that ends. */
TEST(draws_every_layout_of_every_gpu)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);

    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, &err);
        cleanup_layout_list struct layout_list l = {0};
        cleanup_buf struct buf out = {.max = 1 << 24};
        size_t instances = 0;
        layout_list(m, gpu_profiles_all(m), LAYOUT_PARETO, &l);
        if (l.n == 0)
            continue;
        draw_layouts(m, &l, m->title, &out);
        for (size_t k = 0; k < l.n; k++)
            instances += l.at[k].n;
        CHECK(!buf_full(&out));
        CHECK_EQ(count(buf_str(&out), "class=\"gi-1") + count(buf_str(&out), "class=\"gi-2") +
                     count(buf_str(&out), "class=\"gi-3") + count(buf_str(&out), "class=\"gi-4") +
                     count(buf_str(&out), "class=\"gi-7"),
                 instances);
        CHECK_CONTAINS(buf_str(&out), "</svg>");
    }
}
