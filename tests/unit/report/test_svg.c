/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg.h"

#include <math.h>

#include "check.h"

TEST(numbers_have_two_decimals_at_most)
{
    cleanup_buf struct buf out;
    const double v[] = {0, -0.0, 1, -1.5, 3.14159, -0.001, 1e300, NAN, INFINITY, 0.05, 99.999};

    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        svg_number(&out, v[i]);
        buf_putc(&out, ' ');
    }
    CHECK_STR(buf_str(&out), "0 0 1 -1.5 3.14 0 0 0 0 0.05 100 ");
}

TEST(a_picture_is_whole_and_escaped)
{
    cleanup_buf struct buf out;
    struct svg s;

    buf_init(&out, 10000);
    svg_begin(&s, &out, 100, 50, "a \"b\"", NULL);
    svg_attr(&s, "rx", "2");
    svg_rect(&s, 1, 2, -3, 4, "x", "<t>");
    svg_group_at(&s, 5, 6, "g", NULL);
    svg_path(&s, "p", "tip");
    svg_move(&s, 0, 0);
    svg_to(&s, 1, 1);
    svg_across(&s, 3);
    svg_down(&s, 4);
    svg_close(&s);
    svg_path_end(&s);
    svg_textf(&s, 0, 0, NULL, "%s", "</svg>");
    svg_end(&s);
    CHECK_STR(buf_str(&out),
              "<svg viewBox=\"0 0 100 50\" role=\"img\" aria-label=\"a &quot;b&quot;\">\n"
              "<rect class=\"x\" rx=\"2\" x=\"1\" y=\"2\" width=\"0\" height=\"4\"><title>&lt;t&gt;</title></rect>\n"
              "<g class=\"g\" transform=\"translate(5 6)\">\n"
              "<path class=\"p\" d=\"M0 0L1 1H3V4Z\"><title>tip</title></path>\n"
              "<text x=\"0\" y=\"0\">&lt;/svg&gt;</text>\n"
              "</g>\n</svg>\n");
}
