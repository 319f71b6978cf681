/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text.h"

#include "check.h"

TEST(width_counts_columns_not_bytes)
{
    CHECK_EQ(text_width(""), 0);
    CHECK_EQ(text_width("3g.40gb"), 7);
    CHECK_EQ(text_width("±0.02"), 5);
    CHECK_EQ(text_width("e\xcc\x81"), 1);          /* e with a combining acute */
    CHECK_EQ(text_width("\xe9\x9f\xb3\xe5\xa3\xb0"), 4); /* two CJK characters */
    CHECK_EQ(text_width("\xff\xfe"), 2);
}

TEST(broken_utf8_is_replaced_byte_by_byte)
{
    unsigned c;

    CHECK_EQ(text_decode("\xc3\xa9", &c), 2);
    CHECK_EQ(c, 0xe9);
    CHECK_EQ(text_decode("\xc0\xaf", &c), 1); /* overlong */
    CHECK_EQ(c, 0xfffd);
    CHECK_EQ(text_decode("\xed\xa0\x80", &c), 1); /* a surrogate */
    CHECK_EQ(text_decode("\xe2\x82", &c), 1); /* cut */
    CHECK_EQ(text_decode("", &c), 0);
}

TEST(control_characters_do_not_reach_the_terminal)
{
    cleanup_buf struct buf out;
    struct text_style style = {.color = true};

    buf_init(&out, 1000);
    text_put(&out, NULL, TEXT_BOLD, "a\033[2Jb\nc\xe2\x80\xae");
    CHECK_STR(buf_str(&out), "a?[2Jb?c?");
    buf_clear(&out);
    text_put(&out, &style, TEXT_BAD, "x");
    CHECK_STR(buf_str(&out), "\033[31mx\033[0m");
}

TEST(fit_cuts_with_an_ellipsis)
{
    cleanup_buf struct buf out;

    buf_init(&out, 1000);
    CHECK_EQ(text_fit(&out, "time-slicing", 12), 12);
    CHECK_EQ(text_fit(&out, "time-slicing", 6), 6);
    CHECK_EQ(text_fit(&out, "x", 0), 0);
    CHECK_STR(buf_str(&out), "time-slicingtime-…");
}

TEST(wrap_hangs_under_its_first_line)
{
    cleanup_buf struct buf out;
    struct text_style style = {.width = 20};

    buf_init(&out, 1000);
    text_wrap(&out, &style, TEXT_PLAIN, "why  ", "because it is so and averyveryverylongword stands alone");
    CHECK_STR(buf_str(&out), "why  because it is\n     so and\n     averyveryverylongword\n     stands alone\n");
}

TEST(escape_covers_text_and_attributes)
{
    cleanup_buf struct buf out;

    buf_init(&out, 1000);
    text_escape(&out, "<script>\"a\" & 'b'</script>\001\xff\n");
    CHECK_STR(buf_str(&out), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;\xef\xbf\xbd\xef\xbf\xbd\n");
}
