/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over its committed corpus without libFuzzer: every file whole, cut at 16 places, and
 * with single bits turned. One TAP line a file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From a copy of its own, so that a sanitizer sees one byte beyond the end. */
static void run(const char *data, size_t size)
{
    uint8_t *copy = xmalloc(size);

    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_variants(struct buf *b)
{
    run(b->data, b->len);
    for (size_t cut = 0; cut < 16 && b->len; cut++)
        run(b->data, b->len * cut / 16);
    for (size_t i = 0; i < 32 && b->len; i++) {
        size_t at = b->len * i / 32;
        b->data[at] = (char)(b->data[at] ^ (1 << (i % 8)));
        run(b->data, b->len);
        b->data[at] = (char)(b->data[at] ^ (1 << (i % 8)));
    }
}

int main(int argc, char **argv)
{
    struct dirent **entry;
    int n, files = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    n = argc == 2 ? scandir(argv[1], &entry, NULL, alphasort) : -1;
    if (n < 0) {
        printf("Bail out! no corpus\n");
        return 1;
    }
    for (int i = 0; i < n; i++)
        files += entry[i]->d_name[0] != '.';
    printf("1..%d\n", files);
    for (int i = 0, number = 0; i < n; i++) {
        struct err err = {.kind = ERR_NONE};
        cleanup_free char *path = xasprintf("%s/%s", argv[1], entry[i]->d_name);
        cleanup_buf struct buf b;

        buf_init(&b, FILE_MAX_INPUT);
        if (entry[i]->d_name[0] != '.') {
            bool ok = file_read(path, &b, &err) == 0;
            if (ok)
                run_variants(&b);
            failed |= !ok;
            printf("%s %d - %s\n%s%s", ok ? "ok" : "not ok", ++number, entry[i]->d_name, err.msg, *err.msg ? "\n" : "");
        }
        free(entry[i]);
    }
    free(entry);
    return failed;
}
