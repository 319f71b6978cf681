/* SPDX-License-Identifier: Apache-2.0 */
/* libfyaml's events into the tree of base/doc.h. */
#include <libfyaml.h>
#include <string.h>

#include "base/doc_internal.h"

enum { ANCHORS_MAX = 10000 };

/* An open sequence or mapping; its children gather here until it closes. */
struct frame {
    struct doc_node *node;
    struct fy_token *anchor; /* borrowed from `held` */
    struct fy_event *held;   /* the start event, kept while its anchor token is needed */
    const struct doc_node **children;
    size_t count, cap;
};

struct anchor {
    const char *name;
    size_t len;
    const struct doc_node *node;
};

struct reader {
    struct doc *doc;
    struct doc_limits limits;
    struct fy_parser *parser;
    struct fy_diag *diag;
    struct frame *frames;
    size_t depth, frame_cap;
    struct anchor *anchors;
    size_t anchor_count, anchor_cap;
    size_t nodes;
    const struct doc_node *root; /* of the open document */
    struct err *err;
};

/* ---- the tree ---- */

static struct frame *top(struct reader *r)
{
    return r->depth ? &r->frames[r->depth - 1] : NULL;
}

/* libfyaml's marks stand behind the quote and the '*'; a value that is left out stands at its key. */
static struct doc_node *new_node(struct reader *r, struct fy_event *e, enum doc_kind kind)
{
    struct doc_node *n = ARENA_NEW(r->doc->arena, struct doc_node);
    struct fy_token *token = fy_event_get_token(e);
    const struct fy_mark *m = token ? fy_event_start_mark(e) : NULL;
    const struct frame *f = top(r);

    n->file = r->doc->name;
    n->kind = kind;
    n->weight = 1;
    n->line = n->column = 1;
    if (m) {
        enum fy_scalar_style style = e->type == FYET_SCALAR ? fy_token_scalar_style(token) : FYSS_PLAIN;
        bool behind = e->type == FYET_ALIAS || style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
        n->line = (uint32_t)m->line + 1;
        n->column = (uint32_t)m->column + 1 - (behind && m->column > 0);
    } else if (f) {
        const struct doc_node *near = f->count ? f->children[f->count - 1] : f->node;
        n->line = near->line;
        n->column = near->column;
    }
    return n;
}

/* Counts what a node adds to the tree. */
static int count_nodes(struct reader *r, const struct doc_node *at, size_t weight, bool alias)
{
    if (weight > r->limits.nodes - r->nodes)
        return doc_fail(at, r->err, "%sthe document stands for more than %zu values",
                        alias ? "with its aliases expanded " : "", r->limits.nodes);
    r->nodes += weight;
    return 0;
}

static int name_anchor(struct reader *r, struct fy_token *token, const struct doc_node *node)
{
    struct anchor *a;
    const char *name;
    size_t len;

    if (!token)
        return 0;
    name = fy_token_get_text(token, &len);
    if (!name)
        return 0;
    if (r->anchor_count == ANCHORS_MAX)
        return doc_fail(node, r->err, "more than %d anchors", ANCHORS_MAX);
    GROW(r->anchors, r->anchor_cap, r->anchor_count + 1);
    a = &r->anchors[r->anchor_count++];
    a->name = arena_strndup(r->doc->arena, name, len);
    a->len = len;
    a->node = node;
    return 0;
}

/* Puts a finished node into the open collection, or makes it the document's root. */
static int place_node(struct reader *r, const struct doc_node *n)
{
    struct frame *f = top(r);

    if (!f) {
        r->root = n;
        return 0;
    }
    if (f->node->kind == DOC_MAPPING && f->count % 2 == 0 && n->kind != DOC_SCALAR) {
        char buf[DOC_FOUND_MAX];
        return doc_fail(n, r->err, "found %s as a key, expected a name", doc_found(n, buf));
    }
    GROW(f->children, f->cap, f->count + 1);
    f->children[f->count++] = n;
    if (n->weight > SIZE_MAX / 2 - f->node->weight)
        return doc_fail(n, r->err, "too many values");
    f->node->weight += n->weight;
    return 0;
}

/* `!!str` makes text; the other tags of YAML's core say what is there anyway; tags of one's own mean nothing here. */
static int read_tag(struct reader *r, struct fy_event *e, struct doc_node *n)
{
    static const char core[] = "tag:yaml.org,2002:";
    static const char *const harmless[] = {"str", "int", "float", "bool", "null", "map", "seq"};
    struct fy_token *token = fy_event_get_tag_token(e);
    const char *tag;
    char buf[DOC_FOUND_MAX];
    size_t len;

    if (!token || !(tag = fy_token_get_text(token, &len)) || (len == 1 && *tag == '!')) {
        n->quoted |= token != NULL;
        return 0;
    }
    if (len > strlen(core) && memcmp(tag, core, strlen(core)) == 0) {
        tag += strlen(core);
        len -= strlen(core);
    } else if (len > 2 && memcmp(tag, "!!", 2) == 0) {
        tag += 2;
        len -= 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (strlen(harmless[i]) == len && memcmp(tag, harmless[i], len) == 0) {
            n->quoted |= i == 0;
            return 0;
        }
    return doc_fail(n, r->err, "found the tag %s, expected a plain value", doc_quoted(tag, len, buf));
}

static bool is_null(const char *s, size_t n)
{
    return n == 0 || (n == 1 && *s == '~') ||
           (n == 4 && (!memcmp(s, "null", 4) || !memcmp(s, "Null", 4) || !memcmp(s, "NULL", 4)));
}

static int add_scalar(struct reader *r, struct fy_event *e)
{
    struct doc_node *n = new_node(r, e, DOC_SCALAR);
    struct fy_token *token = fy_event_get_token(e);
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : "";

    if (!text)
        return doc_fail(n, r->err, "found a value that cannot be read");
    n->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
    if (read_tag(r, e, n) < 0 || count_nodes(r, n, 1, false) < 0)
        return -1;
    if (memchr(text, '\0', len))
        return doc_fail(n, r->err, "found a NUL character in a text");
    if (!n->quoted && is_null(text, len) && !(top(r) && top(r)->node->kind == DOC_MAPPING && top(r)->count % 2 == 0)) {
        n->kind = DOC_NULL;
        text = "null";
        len = 4;
    }
    n->text = arena_strndup(r->doc->arena, text, len);
    n->len = len;
    if (name_anchor(r, fy_event_get_anchor_token(e), n) < 0)
        return -1;
    return place_node(r, n);
}

static int add_alias(struct reader *r, struct fy_event *e)
{
    struct doc_node *here = new_node(r, e, DOC_SCALAR);
    size_t len = 0;
    const char *name = e->alias.anchor ? fy_token_get_text(e->alias.anchor, &len) : NULL;
    char buf[DOC_FOUND_MAX];

    for (size_t i = r->anchor_count; name && i-- > 0;) {
        const struct anchor *a = &r->anchors[i];
        if (a->len != len || memcmp(a->name, name, len) != 0)
            continue;
        if (count_nodes(r, here, a->node->weight, true) < 0)
            return -1;
        return place_node(r, a->node);
    }
    return doc_fail(here, r->err, "found an alias to %s, which is no anchor before this place",
                    doc_quoted(name ? name : "", len, buf));
}

static int open_collection(struct reader *r, struct fy_event *e, enum doc_kind kind, bool *ret_kept)
{
    struct doc_node *n = new_node(r, e, kind);
    struct frame *f;

    if (r->depth == r->limits.depth)
        return doc_fail(n, r->err, "nested deeper than %u levels", r->limits.depth);
    if (read_tag(r, e, n) < 0 || count_nodes(r, n, 1, false) < 0)
        return -1;
    GROW(r->frames, r->frame_cap, r->depth + 1);
    f = &r->frames[r->depth++];
    *f = (struct frame){.node = n, .anchor = fy_event_get_anchor_token(e)};
    if (f->anchor) {
        f->held = e;
        *ret_kept = true;
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct doc_node *x = (*(const struct doc_entry *const *)a)->key;
    const struct doc_node *y = (*(const struct doc_entry *const *)b)->key;
    int d = strcmp(x->text, y->text);

    if (d)
        return d;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : (x->column > y->column) - (x->column < y->column);
}

static int check_duplicates(struct reader *r, const struct doc_node *n)
{
    cleanup_free const struct doc_entry **sorted = xcalloc(n->count, sizeof *sorted);
    char buf[DOC_FOUND_MAX];

    for (size_t i = 0; i < n->count; i++)
        sorted[i] = &n->entries[i];
    qsort(sorted, n->count, sizeof *sorted, by_key);
    for (size_t i = 1; i < n->count; i++) {
        const struct doc_node *first = sorted[i - 1]->key, *again = sorted[i]->key;
        if (strcmp(first->text, again->text) == 0)
            return doc_fail(again, r->err, "found the key %s again, the first one is at %u:%u",
                            doc_found(again, buf), first->line, first->column);
    }
    return 0;
}

static int close_collection(struct reader *r)
{
    struct frame *f = top(r);
    struct doc_node *n = f->node;
    struct arena *a = r->doc->arena;
    int rc = 0;

    if (n->kind == DOC_SEQUENCE) {
        const struct doc_node **items = ARENA_ARRAY(a, const struct doc_node *, f->count);
        if (f->count)
            memcpy(items, f->children, f->count * sizeof *items);
        n->items = items;
        n->count = f->count;
    } else {
        struct doc_entry *entries = ARENA_ARRAY(a, struct doc_entry, f->count / 2);
        for (size_t i = 0; i + 1 < f->count; i += 2)
            entries[i / 2] = (struct doc_entry){f->children[i], f->children[i + 1]};
        n->entries = entries;
        n->count = f->count / 2;
        rc = check_duplicates(r, n);
    }
    if (rc == 0)
        rc = name_anchor(r, f->anchor, n);
    if (f->held)
        fy_parser_event_free(r->parser, f->held);
    free(f->children);
    r->depth--;
    return rc < 0 ? rc : place_node(r, n);
}

static int end_document(struct reader *r, struct fy_event *e)
{
    struct doc *d = r->doc;

    if (!r->root) {
        struct doc_node *n = new_node(r, e, DOC_NULL);
        n->text = "null";
        n->len = 4;
        r->root = n;
    }
    if (d->count == r->limits.documents)
        return doc_fail(r->root, r->err, "found another document, expected %s",
                        d->count == 1 ? "one" : "fewer");
    GROW(d->roots, d->cap, d->count + 1);
    d->roots[d->count++] = r->root;
    r->root = NULL;
    r->anchor_count = 0;
    return 0;
}

static int take_event(struct reader *r, struct fy_event *e, bool *ret_kept)
{
    switch (e->type) {
    case FYET_SCALAR:
        return add_scalar(r, e);
    case FYET_ALIAS:
        return add_alias(r, e);
    case FYET_SEQUENCE_START:
        return open_collection(r, e, DOC_SEQUENCE, ret_kept);
    case FYET_MAPPING_START:
        return open_collection(r, e, DOC_MAPPING, ret_kept);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return close_collection(r);
    case FYET_DOCUMENT_END:
        return end_document(r, e);
    default:
        return 0;
    }
}

/* libfyaml's own complaint, the first it has. */
static int fail_syntax(struct reader *r)
{
    void *prev = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &prev);
    size_t line = 0, column = 0;

    if (e && e->line > 0) {
        line = (size_t)e->line;
        column = e->column > 0 ? (size_t)e->column : 1;
    } else {
        unsigned l, c;
        doc_place(r->doc, r->doc->size, &l, &c);
        line = l;
        column = c;
    }
    return doc_fail_at(r->doc, r->err, line, column, "%s", e && e->msg ? e->msg : "not valid YAML, or cut off");
}

static int read_events(struct reader *r)
{
    for (;;) {
        struct fy_event *e = fy_parser_parse(r->parser);
        bool kept = false;
        int rc;

        if (!e)
            return fy_parser_get_stream_error(r->parser) || r->depth || r->root ? fail_syntax(r) : 0;
        if (e->type == FYET_STREAM_END) {
            fy_parser_event_free(r->parser, e);
            return 0;
        }
        rc = take_event(r, e, &kept);
        if (!kept)
            fy_parser_event_free(r->parser, e);
        if (rc < 0)
            return rc;
    }
}

static int read_tree(struct reader *r)
{
    const char *name = r->doc->name, *text = r->doc->source;
    size_t n = strlen(name), size = r->doc->size;
    bool json = n > 5 && strcmp(name + n - 5, ".json") == 0;
    struct fy_diag_cfg quiet;
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DISABLE_DEPTH_LIMIT | FYPCF_DEFAULT_VERSION_1_2 |
                 (json ? FYPCF_JSON_FORCE : FYPCF_JSON_NONE)};
    int rc;

    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark says nothing in UTF-8 */
        text += 3;
        size -= 3;
    }
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    r->diag = cfg.diag = fy_diag_create(&quiet);
    fy_diag_set_collect_errors(r->diag, true);
    r->parser = fy_parser_create(&cfg);
    if (!r->diag || !r->parser)
        return err_set(r->err, ERR_OUTSIDE, "libfyaml did not start");
    if (fy_parser_set_string(r->parser, text, size) < 0)
        return fail_syntax(r);
    rc = read_events(r);
    while (r->depth) {
        struct frame *f = top(r);
        if (f->held)
            fy_parser_event_free(r->parser, f->held);
        free(f->children);
        r->depth--;
    }
    return rc;
}

int doc_read(struct doc *d, const struct doc_limits *limits, struct err *err)
{
    struct reader r = {.doc = d, .limits = *limits, .err = err};
    int rc = read_tree(&r);

    if (r.parser)
        fy_parser_destroy(r.parser);
    if (r.diag)
        fy_diag_destroy(r.diag);
    free(r.frames);
    free(r.anchors);
    return rc;
}
