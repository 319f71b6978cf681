/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void close_fd(int *fd)
{
    if (*fd > STDERR_FILENO)
        close(*fd);
}
#define cleanup_fd __attribute__((cleanup(close_fd)))

int file_read(const char *path, struct buf *b, struct err *err)
{
    cleanup_fd int fd = -1;
    char chunk[65536];
    struct stat st;
    ssize_t n;

    if (strcmp(path, "-") == 0) {
        fd = STDIN_FILENO;
        path = "standard input";
    } else {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_set(err, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && (size_t)st.st_size > b->max - b->len)
        return err_set(err, ERR_INPUT, "%s: %lld bytes long, at most %zu are read", path, (long long)st.st_size, b->max);
    for (;;) {
        n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, errno == EISDIR ? ERR_INPUT : ERR_OUTSIDE, "%s: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        buf_add(b, chunk, (size_t)n);
        if (buf_full(b))
            return err_set(err, ERR_INPUT, "%s: longer than %zu bytes, the most that is read", path, b->max);
    }
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        data += done;
        n -= (size_t)done;
    }
    return 0;
}

static int write_directly(const char *path, const void *data, size_t n, struct err *err)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write_all(fd, data, n) < 0)
        return err_set(err, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
    return 0;
}

/* The mode that open(2) would have given a new file. */
static mode_t new_file_mode(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return 0666 & ~mask;
}

int file_write(const char *path, const void *data, size_t n, struct err *err)
{
    cleanup_free char *temporary = NULL;
    cleanup_fd int fd = -1;
    struct stat st;
    bool exists = stat(path, &st) == 0;

    if (exists && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return write_directly(path, data, n, err);
    temporary = xasprintf("%s.XXXXXX", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
    if (write_all(fd, data, n) < 0 || fchmod(fd, exists ? st.st_mode & 07777 : new_file_mode()) < 0 ||
        rename(temporary, path) < 0) {
        err_set(err, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
        unlink(temporary);
        return -1;
    }
    return 0;
}

int file_make_dir(const char *path, struct err *err)
{
    cleanup_free char *part = xstrdup(path);
    struct stat st;

    for (char *p = part + 1; *part; p++) {
        char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, 0777) < 0 && !(errno == EEXIST && stat(part, &st) == 0 && S_ISDIR(st.st_mode)))
            return err_set(err, ERR_OUTSIDE, "%s: %s", part, strerror(errno));
        *p = c;
        if (c == '\0')
            return 0;
    }
    return err_set(err, ERR_OUTSIDE, "an empty directory name");
}
