#include "common/yaml.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define FIRST_CHUNK 4096u
#define LAST_CHUNK  (256u << 10)
#define MAX_MESSAGE 512u

/* All nodes and texts of a document live in a list of chunks and go together. */
struct chunk {
    struct chunk *next;
    size_t used, cap;
    max_align_t bytes[];
};

struct yaml_doc {
    struct chunk *chunks; /* the newest first */
    const char *file;
    const struct yaml_node *root;
    bool is_flawed;
};

/* A collection that is still open. */
struct level {
    struct yaml_node *node;
    uint32_t base; /* its first child in `pending` */
};

struct builder {
    struct yaml_doc *doc;
    struct report *report;
    const uint8_t *bytes; /* the file without its byte order mark */
    size_t len;
    struct yaml_node **pending; /* children of the open collections, one after the other */
    uint32_t pending_count, pending_cap;
    struct level levels[YAML_MAX_DEPTH];
    uint32_t depth;
    uint32_t nodes;
    struct buf nfc;
    bool is_done;
};

static void *arena_take(struct yaml_doc *d, size_t size)
{
    size_t need = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    struct chunk *c = d->chunks;
    void *at;

    if (c == NULL || need > c->cap - c->used) {
        size_t cap = c == NULL ? FIRST_CHUNK : c->cap * 2;

        if (cap > LAST_CHUNK)
            cap = LAST_CHUNK;
        if (cap < need)
            cap = need;
        if ((c = malloc(sizeof(*c) + cap)) == NULL)
            return NULL;
        c->next = d->chunks;
        c->used = 0;
        c->cap = cap;
        d->chunks = c;
    }
    at = (uint8_t *)c->bytes + c->used;
    c->used += need;
    return at;
}

static const char *arena_text(struct yaml_doc *d, const void *bytes, size_t len)
{
    char *copy = arena_take(d, len + 1);

    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

/* The one place where a mistake of the structure is said. */
static void complain(struct builder *b, uint32_t line, uint32_t column, const char *field, const char *value,
                     const char *fmt, ...) PRINTF_LIKE(6, 7);

static void complain(struct builder *b, uint32_t line, uint32_t column, const char *field, const char *value,
                     const char *fmt, ...)
{
    struct finding f = {.file = b->doc->file, .line = line, .column = column, .field = field, .value = value};
    char text[MAX_MESSAGE];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    text[utf8_first_bad(text, strlen(text))] = '\0'; /* what vsnprintf() cut through */
    if (b->report != NULL || !b->doc->is_flawed)
        report_add(b->report, &f, "%s", text);
    if (b->report != NULL && !b->doc->is_flawed) /* the first one is the one worth a sentence */
        (void)err_set(ERR_MALFORMED, "%s:%u:%u: %s", b->doc->file, line, column, text);
    b->doc->is_flawed = true;
}

static uint32_t line_of(const yaml_mark_t *m)
{
    return (uint32_t)m->line + 1;
}

static uint32_t column_of(const yaml_mark_t *m)
{
    return (uint32_t)m->column + 1;
}

/* Where a byte of the file stands; everything before it is UTF-8. */
static void position_of(const struct builder *b, size_t offset, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < b->len; i++) {
        uint8_t c = b->bytes[i];

        if (c == '\n' || (c == '\r' && (i + 1 == b->len || b->bytes[i + 1] != '\n'))) {
            (*line)++;
            *column = 1;
        } else if ((c & 0xC0u) != 0x80u)
            (*column)++;
    }
}

static enum err check_utf8(struct builder *b)
{
    size_t bad = utf8_first_bad(b->bytes, b->len);
    uint32_t line, column;

    if (bad == b->len)
        return OK;
    position_of(b, bad, &line, &column);
    complain(b, line, column, NULL, NULL, _("the text is not UTF-8 from here on; save the file as UTF-8"));
    return ERR_MALFORMED;
}

/* What libyaml would take badly: it stops at the first tab with "cannot start any token", where an editor that writes
 * one has written many; and it compares each %TAG directive with all before it, which 4 MiB of them turn into hours. */
static enum err check_lines(struct builder *b)
{
    bool in_indentation = true;
    enum err e = OK;
    uint32_t line = 1, column = 1;

    for (size_t i = 0; i < b->len; i++, column++) {
        uint8_t c = b->bytes[i];

        if (in_indentation && c == '\t') {
            complain(b, line, column, NULL, NULL, _("a tab in the indentation; use spaces"));
            e = ERR_MALFORMED;
        }
        if (column == 1 && c == '%') {
            complain(b, line, column, NULL, NULL,
                     _("directives (%%YAML, %%TAG) are not used here; leave out the line, or put a text in quotes"));
            e = ERR_MALFORMED;
        }
        if (c == '\n' || (c == '\r' && (i + 1 == b->len || b->bytes[i + 1] != '\n'))) {
            line++;
            column = 0;
            in_indentation = true;
        } else if (c != ' ') /* a tab is named once a line */
            in_indentation = false;
    }
    return e;
}

/* What libyaml says, and what a person can do about it. */
static const struct {
    const char *problem, *text;
} syntax_texts[] = {
    {"found character that cannot start any token",
     N_("a text cannot begin with this character; put the text in quotes")},
    {"mapping values are not allowed in this context",
     N_("a ':' is not expected here; put a text that holds ': ' in quotes, or check the indentation")},
    {"mapping keys are not allowed in this context", N_("a key is not expected here; check the indentation")},
    {"block sequence entries are not allowed in this context",
     N_("an item with '-' is not expected here; begin it on a line of its own")},
    {"could not find expected ':'", N_("a ':' is expected after this key")},
    {"did not find expected key", N_("a key is expected here; check the indentation and the quotes above")},
    {"did not find expected '-' indicator", N_("an item with '-' is expected here; check the indentation")},
    {"did not find expected ',' or ']'", N_("a ',' or ']' is expected here, to go on with the list in brackets")},
    {"did not find expected ',' or '}'", N_("a ',' or '}' is expected here, to go on with the mapping in braces")},
    {"did not find expected node content", N_("a value is expected here")},
    {"found unexpected end of stream", N_("the quotes that open here are never closed")},
    {"found unexpected document indicator", N_("the quotes that open here are never closed")},
    {"found unknown escape character", N_("an unknown \\ sequence in double quotes; use single quotes or write \\\\")},
    {"did not find expected hexdecimal number", N_("hexadecimal digits are expected in this \\ sequence")},
    {"found invalid Unicode character escape code", N_("this \\ sequence is not a Unicode character")},
    {"found a tab character that violates indentation", N_("a tab in the indentation; use spaces")},
    {"found a tab character where an indentation space is expected", N_("a tab in the indentation; use spaces")},
    {"did not find expected <document start>", N_("the text goes on after its end; check the indentation")},
    {"did not find expected comment or line break", N_("the line is expected to end here")},
    {"found undefined tag handle", N_("tags (!name) are not used here; leave it out")},
    {"control characters are not allowed", N_("a control character, which a text file cannot hold")},
};

static const char *syntax_text(const char *problem)
{
    for (size_t i = 0; i < sizeof(syntax_texts) / sizeof(syntax_texts[0]); i++)
        if (strcmp(syntax_texts[i].problem, problem) == 0)
            return _(syntax_texts[i].text);
    return problem;
}

static enum err syntax_mistake(struct builder *b, const yaml_parser_t *p)
{
    const char *problem = p->problem != NULL ? p->problem : "";
    const char *text = syntax_text(problem);
    const yaml_mark_t *mark = &p->problem_mark;
    uint32_t line, column;

    if (p->error == YAML_MEMORY_ERROR)
        return ERR_NOMEM;
    if (p->error == YAML_READER_ERROR)
        position_of(b, p->problem_offset, &line, &column);
    else {
        /* Quotes that never close and keys without ':' are mistakes of their beginning, not of the text after them. */
        if (p->context != NULL && (strncmp(problem, "found unexpected", strlen("found unexpected")) == 0 ||
                                   strcmp(problem, "could not find expected ':'") == 0))
            mark = &p->context_mark;
        line = line_of(mark);
        column = column_of(mark);
        if (strcmp(problem, "found character that cannot start any token") == 0 && *p->buffer.pointer == '\t')
            text = _("a tab in the indentation; use spaces");
    }
    complain(b, line, column, NULL, NULL, _("not valid YAML: %s"), text);
    return ERR_MALFORMED;
}

static enum err push_pending(struct builder *b, struct yaml_node *n)
{
    if (b->pending_count == b->pending_cap) {
        uint32_t cap = b->pending_cap == 0 ? 64 : b->pending_cap * 2;
        struct yaml_node **grown = realloc(b->pending, cap * sizeof(struct yaml_node *));

        if (grown == NULL)
            return ERR_NOMEM;
        b->pending = grown;
        b->pending_cap = cap;
    }
    b->pending[b->pending_count++] = n;
    return OK;
}

/* A fresh node, hung under the open collection; the first one is the root. */
static enum err add_node(struct builder *b, enum yaml_kind kind, const yaml_mark_t *mark, struct yaml_node **out)
{
    struct yaml_node *n;

    if (b->nodes == YAML_MAX_NODES) {
        complain(b, line_of(mark), column_of(mark), NULL, NULL, _("the file is too long: at most %u values"),
                 YAML_MAX_NODES);
        return ERR_LIMIT;
    }
    b->nodes++;
    if ((n = arena_take(b->doc, sizeof(*n))) == NULL)
        return ERR_NOMEM;
    *n = (struct yaml_node){.kind = kind, .line = line_of(mark), .column = column_of(mark), .text = ""};
    *out = n;
    if (b->depth == 0) {
        b->doc->root = n;
        return OK;
    }
    return push_pending(b, n);
}

static void refuse_anchor(struct builder *b, const yaml_event_t *ev, const yaml_char_t *anchor)
{
    if (anchor != NULL)
        complain(b, line_of(&ev->start_mark), column_of(&ev->start_mark), NULL, NULL,
                 _("anchors are not used here: leave out &%s and write the value in full where it is meant"),
                 (const char *)anchor);
}

static void refuse_tag(struct builder *b, const yaml_event_t *ev, const yaml_char_t *tag)
{
    if (tag != NULL)
        complain(b, line_of(&ev->start_mark), column_of(&ev->start_mark), NULL, (const char *)tag,
                 _("tags (!name) are not used here; leave it out"));
}

static bool holds_control(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7F)
            return true;
    return false;
}

static enum err set_text(struct builder *b, struct yaml_node *n, const uint8_t *text, size_t len)
{
    enum err e;

    if (holds_control(text, len))
        complain(b, n->line, n->column, NULL, NULL, _("a control character in the text"));
    if (!utf8_is_nfc(text, len)) {
        buf_reset(&b->nfc);
        if ((e = utf8_put_nfc(&b->nfc, text, len)) != OK) {
            complain(b, n->line, n->column, NULL, NULL, "%s", err_text());
            return e;
        }
        text = b->nfc.data;
        len = b->nfc.len;
    }
    n->len = len;
    n->text = arena_text(b->doc, text, len);
    return n->text == NULL ? ERR_NOMEM : OK;
}

static enum err on_scalar(struct builder *b, const yaml_event_t *ev)
{
    bool is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_node *n;
    enum err e;

    refuse_anchor(b, ev, ev->data.scalar.anchor);
    refuse_tag(b, ev, ev->data.scalar.tag);
    if ((e = add_node(b, YAML_SCALAR, &ev->start_mark, &n)) != OK)
        return e;
    n->is_quoted = !is_plain;
    return set_text(b, n, ev->data.scalar.value, ev->data.scalar.length);
}

static enum err on_alias(struct builder *b, const yaml_event_t *ev)
{
    struct yaml_node *n;
    enum err e;

    complain(b, line_of(&ev->start_mark), column_of(&ev->start_mark), NULL, NULL,
             _("aliases are not used here: write the value in full instead of *%s"),
             (const char *)ev->data.alias.anchor);
    if ((e = add_node(b, YAML_SCALAR, &ev->start_mark, &n)) == OK)
        n->is_refused = true;
    return e;
}

static enum err open_level(struct builder *b, enum yaml_kind kind, const yaml_event_t *ev)
{
    struct yaml_node *n;
    enum err e;

    if (b->depth == YAML_MAX_DEPTH) {
        complain(b, line_of(&ev->start_mark), column_of(&ev->start_mark), NULL, NULL,
                 _("nested too deeply: at most %u levels"), YAML_MAX_DEPTH);
        return ERR_LIMIT;
    }
    if ((e = add_node(b, kind, &ev->start_mark, &n)) != OK)
        return e;
    b->levels[b->depth++] = (struct level){n, b->pending_count};
    return OK;
}

static enum err close_sequence(struct builder *b, const struct level *l)
{
    uint32_t count = b->pending_count - l->base;
    const struct yaml_node **items = arena_take(b->doc, count * sizeof(struct yaml_node *));

    if (items == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        items[i] = b->pending[l->base + i];
    l->node->items = items;
    l->node->count = count;
    return OK;
}

/* For finding keys given twice in n log n: a hostile mapping has 100,000 of them. */
struct seen_key {
    const struct yaml_node *key;
    uint32_t at;
    uint32_t first; /* index of the first key with this text; itself, when it is that */
};

static int by_text(const void *a, const void *b)
{
    const struct seen_key *x = a;
    const struct seen_key *y = b;
    int order = strcmp(x->key->text, y->key->text);

    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static int by_place(const void *a, const void *b)
{
    const struct seen_key *x = a;
    const struct seen_key *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

/* Drops pairs whose key was there before, and says so in the order of the file. */
static enum err drop_repeated(struct builder *b, struct yaml_pair *pairs, uint32_t *count)
{
    struct seen_key *seen = malloc((*count + 1) * sizeof(*seen));
    uint32_t kept = 0;

    if (seen == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < *count; i++)
        seen[i] = (struct seen_key){pairs[i].key, i, i};
    qsort(seen, *count, sizeof(*seen), by_text);
    for (uint32_t i = 1; i < *count; i++)
        if (strcmp(seen[i].key->text, seen[i - 1].key->text) == 0)
            seen[i].first = seen[i - 1].first;
    qsort(seen, *count, sizeof(*seen), by_place);
    for (uint32_t i = 0; i < *count; i++) {
        if (seen[i].first == i)
            pairs[kept++] = pairs[i];
        else
            complain(b, seen[i].key->line, seen[i].key->column, seen[i].key->text, NULL,
                     _("this key is given twice; it stands in line %u already"), seen[seen[i].first].key->line);
    }
    *count = kept;
    free(seen);
    return OK;
}

static bool key_is_good(struct builder *b, const struct yaml_node *key)
{
    if (key->is_refused)
        return false;
    if (key->kind == YAML_SCALAR && key->len > 0)
        return true;
    if (key->kind == YAML_SCALAR)
        complain(b, key->line, key->column, NULL, NULL, _("a key is expected before the ':'"));
    else
        complain(b, key->line, key->column, NULL, NULL, _("a key must be a text, not a list or a mapping"));
    return false;
}

static enum err close_mapping(struct builder *b, const struct level *l)
{
    uint32_t count = (b->pending_count - l->base) / 2;
    struct yaml_pair *pairs = arena_take(b->doc, count * sizeof(*pairs));
    uint32_t kept = 0;
    enum err e;

    if (pairs == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const struct yaml_node *key = b->pending[l->base + 2 * i];

        if (key_is_good(b, key))
            pairs[kept++] = (struct yaml_pair){key, b->pending[l->base + 2 * i + 1]};
    }
    e = drop_repeated(b, pairs, &kept);
    l->node->pairs = pairs;
    l->node->count = kept;
    return e;
}

static enum err close_level(struct builder *b)
{
    const struct level *l = &b->levels[--b->depth];
    enum err e = l->node->kind == YAML_SEQUENCE ? close_sequence(b, l) : close_mapping(b, l);

    b->pending_count = l->base;
    return e;
}

static enum err on_document(struct builder *b, const yaml_event_t *ev)
{
    uint32_t line = line_of(&ev->start_mark);
    uint32_t column = column_of(&ev->start_mark);

    if (b->doc->root != NULL) {
        complain(b, line, column, NULL, NULL, _("a second document begins here; a file holds one"));
        b->is_done = true;
    }
    return OK;
}

static enum err on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: return OK;
    case YAML_STREAM_END_EVENT: b->is_done = true; return OK;
    case YAML_DOCUMENT_START_EVENT: return on_document(b, ev);
    case YAML_ALIAS_EVENT: return on_alias(b, ev);
    case YAML_SCALAR_EVENT: return on_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        refuse_anchor(b, ev, ev->data.sequence_start.anchor);
        refuse_tag(b, ev, ev->data.sequence_start.tag);
        return open_level(b, YAML_SEQUENCE, ev);
    case YAML_MAPPING_START_EVENT:
        refuse_anchor(b, ev, ev->data.mapping_start.anchor);
        refuse_tag(b, ev, ev->data.mapping_start.tag);
        return open_level(b, YAML_MAPPING, ev);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_level(b);
    }
    return ERR_INTERNAL;
}

static enum err build_tree(struct builder *b)
{
    static const yaml_mark_t beginning = {0, 0, 0};
    struct yaml_node *empty;
    yaml_parser_t parser;
    yaml_event_t ev;
    enum err e = OK;

    if (!yaml_parser_initialize(&parser))
        return ERR_NOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, b->bytes, b->len);
    while (e == OK && !b->is_done) {
        if (!yaml_parser_parse(&parser, &ev)) {
            e = syntax_mistake(b, &parser);
            break;
        }
        e = on_event(b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    if (e == OK && b->doc->root == NULL)
        e = add_node(b, YAML_SCALAR, &beginning, &empty);
    return e;
}

static enum err parse_into(struct builder *b)
{
    enum err e;

    if (b->len >= 3 && memcmp(b->bytes, "\xEF\xBB\xBF", 3) == 0) { /* Windows editors write it */
        b->bytes += 3;
        b->len -= 3;
    }
    if (b->len > YAML_MAX_BYTES) {
        complain(b, 0, 0, NULL, NULL, _("the file is too large: at most %u bytes"), YAML_MAX_BYTES);
        return ERR_LIMIT;
    }
    if ((e = check_utf8(b)) != OK || (e = check_lines(b)) != OK)
        return e;
    return build_tree(b);
}

enum err yaml_parse(struct yaml_doc **out, const char *file, const void *bytes, size_t len, struct report *r)
{
    struct builder b = {.report = r, .bytes = bytes, .len = len};
    enum err e = ERR_NOMEM;

    if ((b.doc = calloc(1, sizeof(*b.doc))) == NULL)
        return ERR_NOMEM;
    buf_init(&b.nfc, 4 * (size_t)YAML_MAX_BYTES); /* NFC makes at most three bytes of one */
    b.doc->file = arena_text(b.doc, file, strlen(file));
    if (b.doc->file != NULL)
        e = parse_into(&b);
    free(b.pending);
    buf_fini(&b.nfc);
    if (e != OK) {
        yaml_free(b.doc);
        return e;
    }
    *out = b.doc;
    return OK;
}

void yaml_free(struct yaml_doc *d)
{
    if (d == NULL)
        return;
    for (struct chunk *c = d->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    free(d);
}

const struct yaml_node *yaml_root(const struct yaml_doc *d)
{
    return d->root;
}

const char *yaml_file(const struct yaml_doc *d)
{
    return d->file;
}

bool yaml_is_flawed(const struct yaml_doc *d)
{
    return d->is_flawed;
}
