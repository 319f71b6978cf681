/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include "base/buf.h"
#include "base/err.h"
#include "check.h"

TEST(arena_gives_zeroed_memory_of_any_size)
{
    cleanup_arena struct arena *a = arena_new();

    for (size_t n = 1; n < 100000; n *= 3) {
        char *p = arena_alloc(a, n);
        for (size_t i = 0; i < n; i++)
            CHECK_EQ(p[i], 0);
        memset(p, 0xff, n);
    }
    CHECK_STR(arena_printf(a, "%s-%d", "x", 7), "x-7");
}

TEST(buf_stops_at_its_maximum)
{
    cleanup_buf struct buf b;

    buf_init(&b, 10);
    buf_puts(&b, "12345");
    buf_printf(&b, "%d", 67890);
    CHECK_STR(buf_str(&b), "1234567890");
    CHECK(!buf_full(&b));
    buf_putc(&b, 'x');
    CHECK(buf_full(&b));
    CHECK_STR(buf_str(&b), "1234567890");
}

TEST(err_wrap_adds_context_in_front)
{
    struct err e = {0};

    CHECK_EQ(err_set(&e, ERR_INPUT, "bad %d", 3), -1);
    err_wrap(&e, "file %s", "x.yaml");
    CHECK_STR(e.msg, "file x.yaml: bad 3");
    CHECK_EQ(e.kind, ERR_INPUT);
}
