/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include "check.h"

TEST(columns_align_and_lines_have_no_trailing_spaces)
{
    cleanup_table struct table *t = table_new();
    cleanup_buf struct buf out;

    buf_init(&out, 10000);
    table_column(t, "name", TABLE_LEFT);
    table_column(t, "per GPU\nturns/s", TABLE_RIGHT);
    table_column(t, "note", TABLE_LEFT);
    table_print(t, NULL, &out);
    CHECK_STR(buf_str(&out), "");
    table_cell(t, "mig");
    table_cellf(t, "%.2f ±0.01", 1.0);
    table_cell(t, "");
    table_rule(t);
    table_cell(t, "time-slicing");
    table_cell(t, NULL);
    table_cell(t, "x");
    table_print(t, NULL, &out);
    CHECK_STR(buf_str(&out), "                 per GPU\n"
                             "name             turns/s  note\n"
                             "mig           1.00 ±0.01\n"
                             "\n"
                             "time-slicing           -  x\n");
}

TEST(a_narrow_terminal_shrinks_and_wraps_what_may)
{
    cleanup_table struct table *t = table_new();
    cleanup_buf struct buf out;
    struct text_style style = {.width = 30};

    buf_init(&out, 10000);
    table_column(t, "configuration", TABLE_SHRINK);
    table_column(t, "n", TABLE_RIGHT);
    table_column(t, "says", TABLE_WRAP);
    table_cell(t, "a-configuration-with-a-long-name");
    table_cell(t, "12");
    table_cell(t, "words that go on and on");
    table_print_indented(t, &style, 2, &out);
    CHECK_STR(buf_str(&out), "  configurat…   n  says\n"
                             "  a-configur…  12  words that\n"
                             "                   go on and\n"
                             "                   on\n");
}
