/* SPDX-License-Identifier: Apache-2.0 */
#include "reproduction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "check.h"

static const char PAGE[] = "docs/reproduction.md";
static const char FIRST[] = "<!-- generated: ", LAST[] = "<!-- end -->";

/* Copies the page with every table between its marks made anew. */
static void regenerate(struct study *t, const char *page, struct buf *out)
{
    const char *from, *to;
    char name[64];
    struct err err = {0};

    while ((from = strstr(page, FIRST))) {
        size_t n = strcspn(from + strlen(FIRST), "-");
        CHECK(n > 1 && n < sizeof name);
        memcpy(name, from + strlen(FIRST), n);
        name[n - 1] = '\0'; /* the blank before the mark's end */
        CHECK((from = strchr(from, '\n')) && (to = strstr(from, LAST)));
        buf_add(out, page, (size_t)(from + 1 - page));
        if (!study_table(t, name, out, &err))
            check_fail(__FILE__, __LINE__, "%s: %s", name, err.msg);
        page = to;
    }
    buf_puts(out, page);
}

/* docs/reproduction.md holds what the program says now; SNUG_UPDATE=1 writes it anew. */
TEST(the_document_is_what_the_program_says)
{
    struct err err = {0};
    struct study *t = study_new(&err);
    cleanup_buf struct buf old = {.max = 1 << 20}, fresh = {.max = 1 << 20};

    if (!t || file_read(PAGE, &old, &err) < 0)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    regenerate(t, buf_str(&old), &fresh);
    study_free(t);
    if (getenv("SNUG_UPDATE")) {
        FILE *f = fopen(PAGE, "w");
        CHECK(f);
        fputs(buf_str(&fresh), f);
        CHECK_EQ(fclose(f), 0);
        return;
    }
    if (strcmp(buf_str(&old), buf_str(&fresh)) != 0)
        check_fail(__FILE__, __LINE__, "%s is out of date; SNUG_UPDATE=1 %s writes it anew", PAGE,
                   "build/release/tests/test-report-reproduction");
}
