/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_table.h"

#include "check.h"
#include "fixture_comparison.h"
#include "golden.h"

static char *printed(unsigned flags, const struct text_style *style)
{
    struct comparison *c = fixture_comparison(flags);
    struct buf out = {.max = BUF_MAX_OUTPUT};

    comparison_table(c, style, &out);
    comparison_free(c);
    CHECK(out.data);
    return out.data;
}

/* No line is wider than it may be, none ends in spaces, nothing in it moves a cursor or is "nan".
 */
static void check_lines(const char *text, size_t width)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        cleanup_free char *one = xasprintf("%.*s", (int)n, line);
        if (text_width(one) > width)
            check_fail(__FILE__, __LINE__, "%zu columns: \"%s\"", text_width(one), one);
        if (n && line[n - 1] == ' ')
            check_fail(__FILE__, __LINE__, "trailing space: \"%s\"", one);
        line += n + (line[n] == '\n');
    }
    CHECK(!strchr(text, '\033'));
    CHECK(!strstr(text, "nan"));
    CHECK(!strstr(text, "(null)"));
}

TEST(eight_configurations_look_like_this)
{
    cleanup_free char *text = printed(0, NULL);

    check_lines(text, TEXT_COLUMNS);
    check_golden("comparison_table.txt", text);
}

TEST(one_configuration_has_no_verdict)
{
    cleanup_free char *text = printed(FIXTURE_ONE, NULL);

    check_lines(text, TEXT_COLUMNS);
    check_golden("comparison_table_one.txt", text);
    CHECK(!strstr(text, "verdict"));
}

TEST(every_kind_of_comparison_fits)
{
    static const unsigned kinds[] = {0,
                                     FIXTURE_ONE,
                                     FIXTURE_EMPTY,
                                     FIXTURE_NAN,
                                     FIXTURE_EVEN,
                                     FIXTURE_INVALID,
                                     FIXTURE_HOSTILE,
                                     FIXTURE_NO_HEADROOM | FIXTURE_NO_PRICE,
                                     FIXTURE_NAN | FIXTURE_INVALID | FIXTURE_HOSTILE};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        cleanup_free char *text = printed(kinds[i], NULL);
        check_lines(text, TEXT_COLUMNS);
    }
}

/* What limits a configuration is the point of its row: no column may cut it to a stump. */
TEST(what_limits_can_be_read)
{
    cleanup_free char *text = printed(0, NULL);

    CHECK_CONTAINS(text, "gateway CPU");
    CHECK_CONTAINS(text, "GPU 0 3g.40gb");
}

TEST(an_invalid_load_shows_no_throughput)
{
    cleanup_free char *text = printed(FIXTURE_INVALID, NULL);

    CHECK_CONTAINS(text, "INVALID");
    CHECK_CONTAINS(text, "steady_state");
    CHECK_CONTAINS(text, "throughput changed by -31.0 %");
    CHECK(!strstr(text, "±"));
    CHECK(!strstr(text, "99.93"));
}

TEST(colour_only_where_it_is_asked_for)
{
    cleanup_free char *plain = printed(0, NULL),
                      *painted = printed(0, &(struct text_style){.color = true});

    CHECK(!strchr(plain, '\033'));
    CHECK(strchr(painted, '\033'));
}
