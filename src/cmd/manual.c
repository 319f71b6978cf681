/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/manual.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

enum { WIDTH = 80, HELP_COLUMN = 26 };

static const char about[] =
    "snug puts underused GPU models together. It plans which models can share a GPU and how (alone, a MIG slice, MPS, a "
    "time slice), and proves the plan with a load test that can be trusted. This program runs on emulated GPUs in "
    "virtual time; it needs no GPU.";

/* docs/errors.md says the same at length. */
static const struct {
    const char *status, *text;
} statuses[] = {
    {"0", "done, and the answer is yes"},
    {"1", "done, and the answer is no: an objective is missed, a verdict is lost, a table lies outside its bars"},
    {"2", "bad usage or bad input; nothing was changed"},
    {"3", "something outside is missing or refused: a file, a permission"},
    {"4", "the measurement is invalid: an audit failed and the number is withheld"},
    {"130", "interrupted; what was measured is kept"},
};

/* Writes the first `n` bytes of text in lines of WIDTH, from `column` on, further lines indented by `indent`. */
static void wrap(struct buf *b, const char *text, size_t n, size_t column, size_t indent)
{
    const char *end = text + n;
    bool first = true;

    while (text < end) {
        size_t len = 0;

        while (text < end && isspace((unsigned char)*text))
            text++;
        while (text + len < end && !isspace((unsigned char)text[len]))
            len++;
        if (len == 0)
            break;
        if (!first && column + 1 + len > WIDTH) {
            buf_printf(b, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            buf_putc(b, ' ');
            column++;
        }
        buf_add(b, text, len);
        column += len;
        text += len;
        first = false;
    }
    buf_putc(b, '\n');
}

/* Calls visit() for every paragraph; `kept` ones start with a space and keep their lines. */
static void paragraphs(struct buf *b, const char *text,
                       void (*visit)(struct buf *b, const char *p, size_t n, bool kept, bool first))
{
    bool first = true;

    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t n = end ? (size_t)(end - text) : strlen(text);

        visit(b, text, n, *text == ' ', first);
        first = false;
        text += n;
        text += strspn(text, "\n");
    }
}

static void help_paragraph(struct buf *b, const char *p, size_t n, bool kept, bool first)
{
    buf_putc(b, '\n');
    if (kept) {
        buf_add(b, p, n);
        buf_putc(b, '\n');
    } else {
        wrap(b, p, n, 0, 0);
    }
}

static void option_help_text(struct buf *b, const struct command *c, const struct cli_option *o)
{
    const char *choices = cli_choices(c, o);

    buf_puts(b, o->help);
    if (!choices)
        return;
    buf_puts(b, choices == c->formats || !strchr(choices, ' ') ? ": " : "; one of ");
    for (const char *p = choices; *p; p++)
        buf_puts(b, *p == ' ' ? ", " : (char[]){*p, '\0'});
    if (choices == c->formats)
        buf_printf(b, " (default %.*s)", (int)strcspn(choices, " "), choices);
}

static void help_option(struct buf *b, const struct command *c, const struct cli_option *o)
{
    size_t start = b->len, used;
    cleanup_buf struct buf text;

    if (o->letter)
        buf_printf(b, "  -%c, --%s", o->letter, o->name);
    else
        buf_printf(b, "      --%s", o->name);
    if (o->arg)
        buf_printf(b, " %s", o->arg);
    used = b->len - start;
    if (used + 2 > HELP_COLUMN)
        buf_printf(b, "\n%*s", HELP_COLUMN, "");
    else
        buf_printf(b, "%*s", (int)(HELP_COLUMN - used), "");
    buf_init(&text, BUF_MAX_OUTPUT);
    option_help_text(&text, c, o);
    wrap(b, buf_str(&text), text.len, HELP_COLUMN, HELP_COLUMN);
}

void manual_version(struct buf *b, const struct command *c)
{
    buf_puts(b, "snug " SNUG_VERSION "\n");
}

void manual_overview(struct buf *b, const struct command *c)
{
    buf_puts(b, "Usage: snug COMMAND [OPTION]...\n\n");
    wrap(b, about, strlen(about), 0, 0);
    buf_puts(b, "\nCommands:\n");
    for (const struct command *const *p = cli_commands; *p; p++) {
        buf_printf(b, "  %-12s", (*p)->name);
        wrap(b, (*p)->summary, strlen((*p)->summary), 14, 14);
    }
    buf_puts(b, "\n'snug COMMAND --help' shows a command's options and examples, 'man snug' the manual.\n");
}

static void synopsis(struct buf *b, const struct command *c, const char *lead)
{
    buf_printf(b, "%ssnug %s [OPTION]...", lead, c->name);
    if (c->operands)
        buf_printf(b, " %s", c->operands);
    buf_putc(b, '\n');
}

void manual_help(struct buf *b, const struct command *c)
{
    synopsis(b, c, "Usage: ");
    buf_printf(b, "%c%s.\n", toupper((unsigned char)c->summary[0]), c->summary + 1);
    paragraphs(b, c->description, help_paragraph);
    if (c->options && c->options->name) {
        buf_puts(b, "\nOptions:\n");
        for (const struct cli_option *o = c->options; o->name; o++)
            help_option(b, c, o);
    }
    buf_puts(b, "\nCommon options:\n");
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        if (cli_has_common(c, o))
            help_option(b, c, o);
    if (c->examples)
        buf_puts(b, "\nExamples:\n");
    for (const struct cli_example *e = c->examples; e && e->line; e++)
        buf_printf(b, "  %s\n      %s\n", e->line, e->says);
}

/* Text in roff: backslashes and dashes escaped, no line that would be read as a request. */
static void roff(struct buf *b, const char *text, size_t n)
{
    bool line_start = true;

    for (size_t i = 0; i < n; i++) {
        if (line_start && (text[i] == '.' || text[i] == '\''))
            buf_puts(b, "\\&");
        line_start = text[i] == '\n';
        if (text[i] == '\\')
            buf_puts(b, "\\e");
        else if (text[i] == '-')
            buf_puts(b, "\\-");
        else
            buf_putc(b, text[i]);
    }
}

static void roff_str(struct buf *b, const char *text)
{
    roff(b, text, strlen(text));
}

/* Running text, a sentence a line as roff wants it, long lines broken at spaces. */
static void roff_text(struct buf *b, const char *text, size_t n)
{
    cleanup_buf struct buf lines;

    buf_init(&lines, BUF_MAX_OUTPUT);
    while (n > 0) {
        size_t len = 0;

        while (len < n && !(text[len] == '.' && len + 1 < n && isspace((unsigned char)text[len + 1])))
            len++;
        len += len < n;
        buf_clear(&lines);
        wrap(&lines, text, len, 0, 0);
        roff(b, buf_str(&lines), lines.len);
        text += len;
        n -= len;
        while (n > 0 && isspace((unsigned char)*text)) {
            text++;
            n--;
        }
    }
}

static void roff_kept(struct buf *b, const char *p, size_t n)
{
    buf_puts(b, ".nf\n");
    roff(b, p, n);
    buf_puts(b, "\n.fi\n");
}

static void roff_paragraph(struct buf *b, const char *p, size_t n, bool kept, bool first)
{
    if (!first)
        buf_puts(b, ".PP\n");
    if (kept)
        roff_kept(b, p, n);
    else
        roff_text(b, p, n);
}

static void roff_option(struct buf *b, const struct command *c, const struct cli_option *o)
{
    cleanup_buf struct buf text;

    buf_puts(b, ".TP\n");
    if (o->letter)
        buf_printf(b, "\\fB\\-%c\\fR, ", o->letter);
    buf_puts(b, "\\fB\\-\\-");
    roff_str(b, o->name);
    buf_puts(b, "\\fR");
    if (o->arg)
        buf_printf(b, " \\fI%s\\fR", o->arg);
    buf_putc(b, '\n');
    buf_init(&text, BUF_MAX_OUTPUT);
    option_help_text(&text, c, o);
    roff_text(b, buf_str(&text), text.len);
}

static void roff_title(struct buf *b, const char *command, const char *summary)
{
    buf_puts(b, command ? ".TH SNUG\\-" : ".TH SNUG");
    for (size_t i = 0; command && command[i]; i++)
        buf_putc(b, (char)toupper((unsigned char)command[i]));
    buf_puts(b, " 1 " SNUG_DATE " \"snug " SNUG_VERSION "\" \"snug manual\"\n.SH NAME\nsnug");
    if (command)
        buf_printf(b, "\\-%s", command);
    buf_puts(b, " \\- ");
    roff_str(b, summary);
    buf_putc(b, '\n');
}

static void roff_statuses(struct buf *b)
{
    buf_puts(b, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        buf_printf(b, ".TP\n.B %s\n", statuses[i].status);
        roff_text(b, statuses[i].text, strlen(statuses[i].text));
    }
}

static void roff_main(struct buf *b)
{
    roff_title(b, NULL, "puts underused GPU models together");
    buf_puts(b, ".SH SYNOPSIS\n.B snug\n.I COMMAND\n[\\fIOPTION\\fR]...\n.SH DESCRIPTION\n");
    roff_text(b, about, strlen(about));
    buf_puts(b, ".SH COMMANDS\n");
    for (const struct command *const *c = cli_commands; *c; c++) {
        buf_printf(b, ".TP\n.BR snug\\-%s (1)\n", (*c)->name);
        roff_text(b, (*c)->summary, strlen((*c)->summary));
    }
    buf_puts(b, ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nWhen set and not empty, no colours unless \\fB\\-\\-color always\\fR asks for them.\n");
    roff_statuses(b);
    buf_puts(b, ".SH SEE ALSO\n");
    for (const struct command *const *c = cli_commands; *c; c++)
        buf_printf(b, ".BR snug\\-%s (1)%s\n", (*c)->name, c[1] ? " ," : "");
}

void manual_roff(struct buf *b, const struct command *c)
{
    if (!c) {
        roff_main(b);
        return;
    }
    roff_title(b, c->name, c->summary);
    buf_printf(b, ".SH SYNOPSIS\n.B snug %s\n[\\fIOPTION\\fR]...\n", c->name);
    if (c->operands) {
        roff_str(b, c->operands);
        buf_putc(b, '\n');
    }
    buf_puts(b, ".SH DESCRIPTION\n");
    paragraphs(b, c->description, roff_paragraph);
    buf_puts(b, ".SH OPTIONS\n");
    for (const struct cli_option *o = c->options; o && o->name; o++)
        roff_option(b, c, o);
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        if (cli_has_common(c, o))
            roff_option(b, c, o);
    roff_statuses(b);
    if (c->examples)
        buf_puts(b, ".SH EXAMPLES\n");
    for (const struct cli_example *e = c->examples; e && e->line; e++) {
        buf_puts(b, ".TP\n.B ");
        roff_str(b, e->line);
        buf_putc(b, '\n');
        roff_text(b, e->says, strlen(e->says));
    }
    buf_puts(b, ".SH SEE ALSO\n.BR snug (1)\n");
}

static void bash_option_names(struct buf *b, const struct command *c, const struct cli_option *o)
{
    for (; o && o->name; o++) {
        if (c && o >= cli_common_options && o < cli_common_options + 32 && !cli_has_common(c, o))
            continue;
        buf_printf(b, "--%s ", o->name);
        if (o->letter)
            buf_printf(b, "-%c ", o->letter);
    }
}

/* A case of the word before: what an option's argument may be. Without choices files are offered. */
static void bash_choices(struct buf *b, const struct command *c, const struct cli_option *o)
{
    for (; o && o->name; o++) {
        const char *choices = cli_choices(c, o);

        if (!o->arg || !choices)
            continue;
        buf_printf(b, "        %s:--%s", c->name, o->name);
        if (o->letter)
            buf_printf(b, "|%s:-%c", c->name, o->letter);
        buf_printf(b, ") words='%s' ;;\n", choices);
    }
}

void manual_bash(struct buf *b)
{
    buf_puts(b, "# SPDX-License-Identifier: Apache-2.0\n# bash completion for snug " SNUG_VERSION ", written by 'snug help --completion bash'\n");
    buf_puts(b, "_snug()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} words=\n    local commands='");
    for (const struct command *const *c = cli_commands; *c; c++)
        buf_printf(b, "%s%s", (*c)->name, c[1] ? " " : "");
    buf_puts(b, "'\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"$commands --help --version\"\n    else\n"
                "        case ${COMP_WORDS[1]}:${COMP_WORDS[COMP_CWORD-1]} in\n");
    for (const struct command *const *c = cli_commands; *c; c++) {
        bash_choices(b, *c, (*c)->options);
        bash_choices(b, *c, cli_common_options);
    }
    buf_puts(b, "        esac\n        if [ -z \"$words\" ] && [ \"${COMP_WORDS[1]}\" = help ]; then\n            words=$commands\n        fi\n"
                "        if [ \"${word:0:1}\" = - ]; then\n            case ${COMP_WORDS[1]} in\n");
    for (const struct command *const *c = cli_commands; *c; c++) {
        buf_printf(b, "            %s) words='", (*c)->name);
        bash_option_names(b, *c, (*c)->options);
        bash_option_names(b, *c, cli_common_options);
        buf_puts(b, "' ;;\n");
    }
    buf_puts(b, "            esac\n        fi\n    fi\n"
                "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                "    [ -n \"$words\" ] || mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n}\n"
                "complete -o filenames -F _snug snug\n");
}
