/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "check.h"

/* A fresh directory, in which every test leaves nothing behind. */
static char *fresh_dir(void)
{
    char *dir = xstrdup("/tmp/snug-file-XXXXXX");

    CHECK(mkdtemp(dir) != NULL);
    return dir;
}

static size_t entries(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    CHECK(d != NULL);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

TEST(what_is_written_is_read)
{
    struct err err = {.kind = ERR_NONE};
    cleanup_free char *dir = fresh_dir(), *path = xasprintf("%s/a", dir);
    cleanup_buf struct buf b;
    struct stat st;

    buf_init(&b, 1000);
    CHECK_EQ(file_write(path, "one\0two", 7, &err), 0);
    CHECK_EQ(file_write(path, "three\0four", 10, &err), 0);
    CHECK_EQ(chmod(path, 0600), 0);
    CHECK_EQ(file_write(path, "five\0six", 8, &err), 0);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(file_read(path, &b, &err), 0);
    CHECK_EQ(b.len, 8);
    CHECK(memcmp(b.data, "five\0six", 8) == 0);
    CHECK_EQ(entries(dir), 1);
    unlink(path);
    rmdir(dir);
}

TEST(a_failed_write_leaves_nothing)
{
    struct err err = {.kind = ERR_NONE};
    cleanup_free char *dir = fresh_dir(), *missing = xasprintf("%s/no/such", dir), *sub = xasprintf("%s/sub", dir);

    CHECK_EQ(file_write(missing, "x", 1, &err), -1);
    CHECK_EQ(err.kind, ERR_OUTSIDE);
    CHECK_CONTAINS(err.msg, missing);
    CHECK_EQ(file_make_dir(sub, &err), 0);
    CHECK_EQ(file_write(sub, "x", 1, &err), -1);
    CHECK_EQ(entries(dir), 1);
    CHECK_EQ(file_write("/dev/full", "x", 1, &err), -1);
    CHECK_CONTAINS(err.msg, "No space left");
    CHECK_EQ(file_write("/dev/null", "x", 1, &err), 0);
    rmdir(sub);
    rmdir(dir);
}

TEST(too_much_and_too_little_to_read)
{
    struct err err = {.kind = ERR_NONE};
    cleanup_buf struct buf b;

    buf_init(&b, 1000);
    CHECK_EQ(file_read("/dev/zero", &b, &err), -1);
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, "1000 bytes");
    CHECK_EQ(file_read("/tmp", &b, &err), -1);
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_EQ(file_read("/nonexistent/file", &b, &err), -1);
    CHECK_EQ(err.kind, ERR_OUTSIDE);
}

TEST(directories_are_made_with_their_parents)
{
    struct err err = {.kind = ERR_NONE};
    cleanup_free char *dir = fresh_dir(), *deep = xasprintf("%s/a/b/c", dir), *file = xasprintf("%s/f", dir);
    cleanup_free char *below_file = xasprintf("%s/f/x", dir), *rm = xasprintf("rm -r %s", dir);

    CHECK_EQ(file_make_dir(deep, &err), 0);
    CHECK_EQ(file_make_dir(deep, &err), 0);
    CHECK_EQ(access(deep, W_OK), 0);
    CHECK_EQ(file_write(file, "x", 1, &err), 0);
    CHECK_EQ(file_make_dir(below_file, &err), -1);
    CHECK_EQ(file_make_dir(file, &err), -1);
    CHECK_EQ(file_make_dir("", &err), -1);
    CHECK_EQ(system(rm), 0);
}
