/* SPDX-License-Identifier: Apache-2.0 */
#include "report/run_dir.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/doc.h"
#include "base/file.h"
#include "report/comparison_json.h"
#include "report/output.h"

/* The turns of one run; written by the thread that runs it. */
struct turns {
    struct turns *next;
    const char *configuration, *load; /* borrowed from the scenario */
    unsigned repetition;
    struct buf lines;
};

struct run_dir {
    pthread_mutex_t lock; /* of the list */
    struct turns *list;   /* owned */
    struct buf turns, samples;
};

struct run_dir *run_dir_new(void)
{
    struct run_dir *d = xcalloc(1, sizeof *d);

    pthread_mutex_init(&d->lock, NULL);
    buf_init(&d->turns, BUF_MAX_OUTPUT);
    buf_init(&d->samples, BUF_MAX_OUTPUT);
    buf_puts(&d->turns, "configuration,load,repetition,user,number,fate,outcome,tokens,sentences,"
                        "underruns,stalled_ns,reply_ns");
    for (int i = 0; i < STAMP_COUNT; i++)
        buf_printf(&d->turns, ",%s_ns", turn_stamp_key((enum turn_stamp)i));
    buf_puts(&d->turns, "\n");
    buf_puts(&d->samples, "configuration,load,second,series,value\n");
    return d;
}

void run_dir_free(struct run_dir *d)
{
    if (!d)
        return;
    for (struct turns *t = d->list, *next; t; t = next) {
        next = t->next;
        buf_done(&t->lines);
        free(t);
    }
    buf_done(&d->turns);
    buf_done(&d->samples);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static const char *fate_name(enum turn_fate f)
{
    return f == FATE_COMPLETED ? "completed" : f == FATE_FAILED ? "failed" : "unfinished";
}

static void add_turn(void *arg, const struct turn_record *t)
{
    struct turns *list = arg;
    struct buf *out = &list->lines;

    buf_printf(out, "%s,%s,%u,%" PRIu32 ",%" PRIu32 ",%s,", list->configuration, list->load,
               list->repetition, t->user, t->number, fate_name(t->fate));
    output_csv_cell(out, t->fate == FATE_UNFINISHED ? "" : turn_outcome_text(t->outcome));
    buf_printf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%" PRId64, t->tokens,
               t->sentences, t->underruns, t->stalled, t->reply);
    for (int i = 0; i < STAMP_COUNT; i++) {
        buf_putc(out, ',');
        if (t->stamp[i] != TIME_NEVER)
            buf_printf(out, "%" PRId64, t->stamp[i]);
    }
    buf_putc(out, '\n');
}

turn_sink *run_dir_sink(void *run_dir, const char *configuration, const char *load,
                        unsigned repetition, void **ret_sink_arg)
{
    struct run_dir *d = run_dir;
    struct turns *t = xcalloc(1, sizeof *t);

    *t = (struct turns){.configuration = configuration, .load = load, .repetition = repetition};
    buf_init(&t->lines, BUF_MAX_OUTPUT);
    pthread_mutex_lock(&d->lock);
    t->next = d->list;
    d->list = t;
    pthread_mutex_unlock(&d->lock);
    *ret_sink_arg = t;
    return add_turn;
}

static void add_samples(struct buf *out, const char *configuration, const char *load,
                        const struct run_samples *s)
{
    for (size_t r = 0; r < s->rows; r++)
        for (size_t c = 0; c < s->columns; c++) {
            buf_printf(out, "%s,%s,%zu,", configuration, load, r + 1);
            output_csv_cell(out, s->names[c]);
            buf_putc(out, ',');
            output_double(out, s->values[r * s->columns + c]);
            buf_putc(out, '\n');
        }
}

void run_dir_each(void *run_dir, const char *configuration, const char *load, unsigned repetition,
                  const struct run *run)
{
    struct run_dir *d = run_dir;

    for (const struct turns *t = d->list; t; t = t->next)
        if (t->repetition == repetition && strcmp(t->configuration, configuration) == 0 &&
            strcmp(t->load, load) == 0)
            buf_add(&d->turns, buf_str(&t->lines), t->lines.len);
    add_samples(&d->samples, configuration, load, &run->samples);
}

static int write_one(const char *path, const char *name, const struct buf *b, struct err *err)
{
    cleanup_free char *file = xasprintf("%s/%s", path, name);

    if (buf_full(b))
        return err_set(err, ERR_OUTSIDE, "%s: longer than %d bytes", file, BUF_MAX_OUTPUT);
    return file_write(file, buf_str(b), b->len, err);
}

int run_dir_write(struct run_dir *d, const char *path, const struct comparison *c, struct err *err)
{
    cleanup_json json_t *tree = comparison_tree(c, COMPARISON_WALL | COMPARISON_HISTOGRAMS);
    cleanup_buf struct buf json = {.max = BUF_MAX_OUTPUT};

    json_object_set_new(tree, "snug", json_string(SNUG_VERSION));
    output_json(tree, &json);
    if (file_make_dir(path, err) < 0 || write_one(path, "turns.csv", &d->turns, err) < 0 ||
        write_one(path, "samples.csv", &d->samples, err) < 0)
        return -1;
    return write_one(path, "run.json", &json, err);
}

struct comparison *run_dir_read(const char *path, struct err *err)
{
    cleanup_free char *file = NULL;
    struct comparison *c = NULL;
    struct stat st;
    struct doc *doc;

    file = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? xasprintf("%s/run.json", path)
                                                       : xstrdup(path);
    doc = doc_open(file, NULL, err);
    if (doc)
        c = comparison_read(doc_root(doc, 0), err);
    doc_free(doc);
    return c;
}
