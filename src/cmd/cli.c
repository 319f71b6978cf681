/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { OPTION_BASE = 256, OPTIONS_MAX = 64 };

struct cli_given {
    const struct cli_option *option;
    const char *value;
};

/* Order and wording are those of the help. */
const struct cli_option cli_common_options[] = {
    {.name = "file", .letter = 'f', .arg = "FILE", .repeatable = true, .help = "input file; - is standard input; may be repeated"},
    {.name = "format", .letter = 'o', .arg = "FORMAT", .help = "format of the result"},
    {.name = "out", .arg = "PATH", .help = "write the result to PATH instead of standard output"},
    {.name = "seed", .arg = "N", .help = "seed of all randomness (default 1); same seed, same bytes"},
    {.name = "quiet", .letter = 'q', .help = "no remarks and no progress on standard error"},
    {.name = "verbose", .letter = 'v', .help = "more remarks on standard error"},
    {.name = "color", .arg = "WHEN", .choices = "auto always never", .help = "colours in the result (default auto: on a terminal, unless NO_COLOR is set)"},
    {.name = "help", .letter = 'h', .help = "show this help"},
    {.name = "version", .help = "show the version"},
    {.name = NULL},
};

bool cli_has_common(const struct command *c, const struct cli_option *o)
{
    if (strcmp(o->name, "file") == 0)
        return c->common & CLI_FILE;
    if (strcmp(o->name, "format") == 0)
        return c->common & CLI_FORMAT;
    return true;
}

const char *cli_choices(const struct command *c, const struct cli_option *o)
{
    return o->letter == 'o' && o >= cli_common_options && strcmp(o->name, "format") == 0 ? c->formats : o->choices;
}

/* A command's options in getopt's form; value OPTION_BASE + i stands for option[i]. */
struct option_set {
    const struct cli_option *option[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 3];
    size_t count;
};

static void option_set_add(struct option_set *s, const struct cli_option *o)
{
    char *end = s->shorts + strlen(s->shorts);

    assert(s->count < OPTIONS_MAX);
    s->option[s->count] = o;
    s->longs[s->count] = (struct option){
        .name = o->name, .has_arg = o->arg ? required_argument : no_argument, .val = OPTION_BASE + (int)s->count};
    s->count++;
    if (o->letter) {
        *end++ = o->letter;
        if (o->arg)
            *end++ = ':';
        *end = '\0';
    }
}

static void option_set_fill(struct option_set *s, const struct command *c)
{
    memset(s, 0, sizeof *s);
    s->shorts[0] = ':'; /* a missing argument is told apart from an unknown option */
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        if (cli_has_common(c, o))
            option_set_add(s, o);
    for (const struct cli_option *o = c->options; o && o->name; o++)
        option_set_add(s, o);
}

static const struct cli_option *option_set_find(const struct option_set *s, int val)
{
    for (size_t i = 0; i < s->count; i++)
        if (val == OPTION_BASE + (int)i || (val < OPTION_BASE && s->option[i]->letter == val))
            return s->option[i];
    return NULL;
}

/* `word` is the argument that getopt refused, of which `letter` is the option if it is a short one. */
static int unknown_option(const struct option_set *s, const char *word, int letter, struct err *err)
{
    const char *names[OPTIONS_MAX + 1] = {NULL}, *near;
    cleanup_free char *name = NULL;
    size_t matches = 0;

    if (strncmp(word, "--", 2) != 0)
        return err_set(err, ERR_INPUT, "unknown option -%c", isprint(letter) ? letter : '?');
    name = xstrdup(word + 2);
    name[strcspn(name, "=")] = '\0';
    for (size_t i = 0; i < s->count; i++) {
        names[i] = s->option[i]->name;
        if (strcmp(names[i], name) == 0)
            return err_set(err, ERR_INPUT, "--%s takes no argument", name);
        matches += strncmp(names[i], name, strlen(name)) == 0;
    }
    if (matches > 1)
        return err_set(err, ERR_INPUT, "--%s is short for more than one option", name);
    near = str_nearest(name, names);
    if (near)
        return err_set(err, ERR_INPUT, "unknown option --%s, did you mean --%s?", name, near);
    return err_set(err, ERR_INPUT, "unknown option --%s", name);
}

static int bad_choice(const char *option, const char *value, const char *choices, struct err *err)
{
    return err_set(err, ERR_INPUT, "--%s: \"%s\", expected one of: %s", option, value, choices);
}

static int parse_int(const char *option, const char *text, int64_t lo, int64_t hi, int64_t *value, struct err *err)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 10);
    if (end == text || *end || isspace((unsigned char)*text) || errno || v < lo || v > hi)
        return err_set(err, ERR_INPUT, "--%s: \"%s\", expected a whole number from %lld to %lld", option, text, (long long)lo, (long long)hi);
    *value = v;
    return 0;
}

static int give(struct cli *cli, const struct cli_option *o, const char *value, struct err *err)
{
    for (size_t i = 0; i < cli->given_count && !o->repeatable; i++)
        if (cli->given[i].option == o && o->arg)
            return err_set(err, ERR_INPUT, "--%s is given twice", o->name);
    GROW(cli->given, cli->given_cap, cli->given_count + 1);
    cli->given[cli->given_count++] = (struct cli_given){o, value};
    return 0;
}

/* auto: as the terminal and NO_COLOR (no-color.org) say. */
static bool want_color(const char *when, const char *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (when && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return !out && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0) && isatty(STDOUT_FILENO);
}

/* Takes the common options out of what was given into their fields. */
static int take_common(struct cli *cli, struct err *err)
{
    const char *color = NULL;
    size_t kept = 0;
    int64_t seed = 1;

    for (size_t i = 0; i < cli->given_count; i++) {
        const struct cli_given *g = &cli->given[i];
        const char *name = g->option->name;

        if (g->option < cli_common_options || g->option >= cli_common_options + ARRAY_LEN(cli_common_options)) {
            cli->given[kept++] = *g;
        } else if (strcmp(name, "file") == 0) {
            cli->list[cli->file_count++] = g->value;
        } else if (strcmp(name, "format") == 0) {
            cli->format = g->value;
        } else if (strcmp(name, "out") == 0) {
            if (!*g->value)
                return err_set(err, ERR_INPUT, "--out: an empty path");
            cli->out = strcmp(g->value, "-") == 0 ? NULL : g->value;
        } else if (strcmp(name, "seed") == 0) {
            if (parse_int("seed", g->value, 0, INT64_MAX, &seed, err) < 0)
                return -1;
        } else if (strcmp(name, "color") == 0) {
            color = g->value;
        } else if (strcmp(name, "quiet") == 0) {
            cli->quiet = true;
        } else if (strcmp(name, "verbose") == 0) {
            cli->verbose = true;
        }
    }
    cli->given_count = kept;
    cli->seed = (uint64_t)seed;
    cli->color = want_color(color, cli->out);
    return 0;
}

static int check_operands(const struct cli *cli, struct err *err)
{
    const struct command *c = cli->command;

    if (cli->operand_count > c->max_operands && c->max_operands == 0)
        return err_set(err, ERR_INPUT, "takes no operand, found \"%s\"%s", cli->operands[0], c->common & CLI_FILE ? "; input is named with -f" : "");
    if (cli->operand_count > c->max_operands)
        return err_set(err, ERR_INPUT, "one operand too many: \"%s\"", cli->operands[c->max_operands]);
    if (cli->operand_count < c->min_operands)
        return err_set(err, ERR_INPUT, "missing operand: %s", c->operands);
    return 0;
}

int cli_parse(struct cli *cli, const struct command *command, int argc, char **argv, struct err *err)
{
    struct option_set set;
    int val;

    memset(cli, 0, sizeof *cli);
    cli->command = command;
    cli->list = xcalloc((size_t)argc * 2 + 1, sizeof *cli->list);
    option_set_fill(&set, command);
    optind = 0; /* glibc: start anew */
    opterr = 0;
    while ((val = getopt_long(argc, argv, set.shorts, set.longs, NULL)) != -1) {
        const struct cli_option *o;
        const char *choices;

        if (val == '?')
            return unknown_option(&set, argv[optind - 1], optopt, err);
        if (val == ':')
            return err_set(err, ERR_INPUT, "%s: its argument %s is missing", argv[optind - 1], option_set_find(&set, optopt)->arg);
        o = option_set_find(&set, val);
        if (strcmp(o->name, "help") == 0)
            return CLI_SHOW_HELP;
        if (strcmp(o->name, "version") == 0)
            return CLI_SHOW_VERSION;
        choices = cli_choices(command, o);
        if (choices && !str_in_list(optarg, choices))
            return bad_choice(o->name, optarg, choices, err);
        if (give(cli, o, optarg, err) < 0)
            return -1;
    }
    if (take_common(cli, err) < 0)
        return -1;
    cli->files = cli->list;
    cli->operands = cli->list + argc;
    for (int i = optind; i < argc; i++)
        cli->list[(size_t)argc + cli->operand_count++] = argv[i];
    if (!cli->format && command->formats) {
        cleanup_free char *first = xstrdup(command->formats);
        first[strcspn(first, " ")] = '\0';
        cli->default_format = TAKE(first);
        cli->format = cli->default_format;
    }
    return check_operands(cli, err) < 0 ? -1 : CLI_RUN;
}

void cli_done(struct cli *cli)
{
    free(cli->given);
    free(cli->list);
    free(cli->default_format);
    memset(cli, 0, sizeof *cli);
}

static void assert_declared(const struct command *c, const char *name)
{
    const struct cli_option *o = c->options;

    while (o && o->name && strcmp(o->name, name) != 0)
        o++;
    assert(o && o->name);
}

const char *cli_get_nth(const struct cli *cli, const char *name, size_t i)
{
    assert_declared(cli->command, name);
    for (size_t k = 0; k < cli->given_count; k++)
        if (strcmp(cli->given[k].option->name, name) == 0 && i-- == 0)
            return cli->given[k].value;
    return NULL;
}

const char *cli_get(const struct cli *cli, const char *name)
{
    return cli_get_nth(cli, name, 0);
}

size_t cli_count(const struct cli *cli, const char *name)
{
    size_t n = 0;

    assert_declared(cli->command, name);
    for (size_t i = 0; i < cli->given_count; i++)
        n += strcmp(cli->given[i].option->name, name) == 0;
    return n;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return cli_count(cli, name) > 0;
}

int cli_get_int(const struct cli *cli, const char *name, int64_t lo, int64_t hi, int64_t *value, struct err *err)
{
    const char *text = cli_get(cli, name);

    return text ? parse_int(name, text, lo, hi, value, err) : 0;
}

int cli_get_double(const struct cli *cli, const char *name, double lo, double hi, double *value, struct err *err)
{
    const char *text = cli_get(cli, name);
    char *end;
    double v;

    if (!text)
        return 0;
    v = strtod(text, &end);
    if (end == text || *end || isspace((unsigned char)*text) || !(v >= lo && v <= hi))
        return err_set(err, ERR_INPUT, "--%s: \"%s\", expected a number from %g to %g", name, text, lo, hi);
    *value = v;
    return 0;
}

int cli_output(struct cli *cli, const char *data, size_t n, struct err *err)
{
    if (cli->out)
        return file_write(cli->out, data, n, err);
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, data, n);
        if (done < 0 && errno == EPIPE)
            return 0;
        if (done < 0 && errno != EINTR)
            return err_set(err, ERR_OUTSIDE, "standard output: %s", strerror(errno));
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

__attribute__((format(printf, 1, 0))) static void remark(const char *fmt, va_list ap)
{
    fputs("snug: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void cli_note(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (!cli->quiet)
        remark(fmt, ap);
    va_end(ap);
}

void cli_detail(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (cli->verbose && !cli->quiet)
        remark(fmt, ap);
    va_end(ap);
}
