#include "agent/import_map.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "protocol/record.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 20000u
#define FOLDED_MAX  (16u << 10)
#define NEAR_FIELDS 200u
#define KEEP_MAX    (1u << 20)

enum entry_kind { ENTRY_COLUMN, ENTRY_IGNORE, ENTRY_CONST, ENTRY_WORD, ENTRY_TOTAL, ENTRY_EMPTY, ENTRY_OF_WHICH };

/* One line of the map.  Texts are owned. */
struct entry {
    enum entry_kind kind;
    int32_t field; /* COLUMN, CONST, WORD, OF_WHICH */
    int32_t other; /* OF_WHICH: who gets the number in brackets */
    char *folded;  /* heading, word or beginning; CONST: NULL */
    char *text;    /* COLUMN: the heading as written; CONST, WORD: what it stands for */
};

struct import_map {
    struct entry *entries;
    size_t count, cap;
    char *unit, *unit_prefix; /* NULL: not given */
    uint32_t heading_rows;
};

struct map_raw {
    const char *map, *form, *unit, *unit_prefix;
    struct yaml_label title;
    const struct yaml_node *columns, *constants, *values, *ignore, *totals, *empty, *of_which;
    int64_t heading_rows;
};

static const struct yaml_key MAP_KEYS[] = {
    {"map", YAML_WANT_NAME, false, offsetof(struct map_raw, map), 0, 0, NULL},
    {"form", YAML_WANT_NAME, true, offsetof(struct map_raw, form), 0, 0, NULL},
    {"title", YAML_WANT_LABEL, false, offsetof(struct map_raw, title), 0, 0, NULL},
    {"columns", YAML_WANT_MAPPING, false, offsetof(struct map_raw, columns), 0, 0, NULL},
    {"const", YAML_WANT_MAPPING, false, offsetof(struct map_raw, constants), 0, 0, NULL},
    {"values", YAML_WANT_MAPPING, false, offsetof(struct map_raw, values), 0, 0, NULL},
    {"ignore", YAML_WANT_SEQUENCE, false, offsetof(struct map_raw, ignore), 0, 0, NULL},
    {"totals", YAML_WANT_SEQUENCE, false, offsetof(struct map_raw, totals), 0, 0, NULL},
    {"empty", YAML_WANT_SEQUENCE, false, offsetof(struct map_raw, empty), 0, 0, NULL},
    {"of_which", YAML_WANT_MAPPING, false, offsetof(struct map_raw, of_which), 0, 0, NULL},
    {"heading_rows", YAML_WANT_INTEGER, false, offsetof(struct map_raw, heading_rows), 1, IMPORT_MAP_MAX_HEADING_ROWS,
     NULL},
    {"unit", YAML_WANT_TEXT, false, offsetof(struct map_raw, unit), 0, 0, NULL},
    {"unit_prefix", YAML_WANT_TEXT, false, offsetof(struct map_raw, unit_prefix), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

/* A map being read. */
struct map_reader {
    struct import_map *m;
    const struct form *form;
    const struct yaml_doc *doc;
    struct report *r;
    struct buf keep; /* for value_parse() */
    bool bad;
    enum err e; /* no memory */
};

#define COMPLAIN(rd, at, field, ...)                                                                                   \
    do {                                                                                                               \
        (rd)->bad = true;                                                                                              \
        yaml_complain((rd)->doc, at, field, (rd)->r, __VA_ARGS__);                                                     \
    } while (0)

/* ---- entries ---- */

static char *fold(const char *text, size_t len, enum err *e)
{
    struct buf b;
    char *copy = NULL;

    buf_init(&b, FOLDED_MAX);
    if ((*e = utf8_put_folded(&b, text, len)) == OK && (*e = buf_status(&b)) == OK &&
        (copy = strdup(buf_cstr(&b))) == NULL)
        *e = ERR_NOMEM;
    buf_fini(&b);
    return copy;
}

static void add_entry(struct map_reader *rd, struct entry entry, const struct yaml_node *at)
{
    struct import_map *m = rd->m;

    if (m->count == m->cap) {
        size_t cap = m->cap == 0 ? 32 : m->cap * 2;
        struct entry *grown = m->count < MAX_ENTRIES ? realloc(m->entries, cap * sizeof(*grown)) : NULL;

        if (grown == NULL) {
            if (m->count >= MAX_ENTRIES)
                COMPLAIN(rd, at, NULL, _("the map has more than %u lines"), MAX_ENTRIES);
            else
                rd->e = ERR_NOMEM;
            free(entry.folded);
            free(entry.text);
            return;
        }
        m->entries = grown;
        m->cap = cap;
    }
    m->entries[m->count++] = entry;
}

static const struct entry *find_entry(const struct import_map *m, enum entry_kind kind, int32_t field,
                                      const char *folded)
{
    for (size_t i = 0; m != NULL && i < m->count; i++) {
        const struct entry *x = &m->entries[i];

        if (x->kind == kind && (field < 0 || x->field == field) && (folded == NULL || strcmp(x->folded, folded) == 0))
            return x;
    }
    return NULL;
}

/* Adds a line with the folded text of `key` and a copy of `text`. */
static void take_entry(struct map_reader *rd, enum entry_kind kind, int32_t field, const struct yaml_node *key,
                       const char *text)
{
    struct entry entry = {.kind = kind, .field = field};

    if (key != NULL && (entry.folded = fold(key->text, key->len, &rd->e)) == NULL) {
        if (rd->e != ERR_NOMEM) {
            COMPLAIN(rd, key, NULL, "%s", _("the text is too long"));
            rd->e = OK;
        }
        return;
    }
    if ((kind == ENTRY_COLUMN || kind == ENTRY_WORD) &&
        find_entry(rd->m, kind, kind == ENTRY_WORD ? field : -1, entry.folded) != NULL) {
        COMPLAIN(rd, key, NULL, "%s", _("the same text stands here twice (case and blanks do not count)"));
        free(entry.folded);
        return;
    }
    if (text != NULL && (entry.text = strdup(text)) == NULL) {
        free(entry.folded);
        rd->e = ERR_NOMEM;
        return;
    }
    add_entry(rd, entry, key);
}

/* ---- the sections ---- */

/* A field that a row may fill; -1 after a complaint at `at`. */
static int32_t field_at(struct map_reader *rd, const struct yaml_node *at)
{
    const char *names[NEAR_FIELDS];
    const struct form *f = rd->form;
    uint32_t count = f->field_count < NEAR_FIELDS ? f->field_count : NEAR_FIELDS;
    const char *near;
    int32_t field;

    if (at->kind != YAML_SCALAR || at->len == 0) {
        COMPLAIN(rd, at, NULL, "%s", _("the name of a field was expected"));
        return -1;
    }
    if ((field = form_find_field(f, at->text, at->len)) >= 0) {
        if (!f->fields[field].is_calculated && !f->fields[field].is_read_only)
            return field;
        COMPLAIN(rd, at, at->text, "%s", _("nobody fills this field in: the form does it itself"));
        return -1;
    }
    for (uint32_t i = 0; i < count; i++)
        names[i] = f->fields[i].name;
    near = cli_nearest(at->text, names, count);
    if (near != NULL)
        COMPLAIN(rd, at, at->text, _("the form \"%s\" has no such field; did you mean \"%s\"?"), f->id, near);
    else
        COMPLAIN(rd, at, at->text, _("the form \"%s\" has no such field"), f->id);
    return -1;
}

static bool is_text(struct map_reader *rd, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR && n->len > 0)
        return true;
    COMPLAIN(rd, n, NULL, "%s", _("a text was expected"));
    return false;
}

static void read_columns(struct map_reader *rd, const struct yaml_node *columns)
{
    for (uint32_t i = 0; columns != NULL && i < columns->count; i++) {
        const struct yaml_pair *p = &columns->pairs[i];
        int32_t field = is_text(rd, p->key) ? field_at(rd, p->value) : -1;

        if (field >= 0 && find_entry(rd->m, ENTRY_COLUMN, field, NULL) != NULL)
            COMPLAIN(rd, p->value, p->value->text, "%s", _("two columns are given to this field"));
        else if (field >= 0)
            take_entry(rd, ENTRY_COLUMN, field, p->key, p->key->text);
    }
}

/* The text must be a value of the field: better a complaint now than in every row. */
static bool suits(struct map_reader *rd, int32_t field, const struct yaml_node *n)
{
    struct value v;

    if (!is_text(rd, n))
        return false;
    buf_reset(&rd->keep);
    if (value_parse(&v, &rd->form->fields[field], n->text, n->len, &rd->keep) == OK)
        return true;
    COMPLAIN(rd, n, rd->form->fields[field].name, "%s", err_text());
    return false;
}

static void read_constants(struct map_reader *rd, const struct yaml_node *constants)
{
    for (uint32_t i = 0; constants != NULL && i < constants->count; i++) {
        const struct yaml_pair *p = &constants->pairs[i];
        int32_t field = field_at(rd, p->key);

        if (field >= 0 && find_entry(rd->m, ENTRY_COLUMN, field, NULL) != NULL)
            COMPLAIN(rd, p->key, p->key->text, "%s", _("this field has a column already"));
        else if (field >= 0 && suits(rd, field, p->value))
            take_entry(rd, ENTRY_CONST, field, NULL, p->value->text);
    }
}

static void read_words(struct map_reader *rd, const struct yaml_node *values)
{
    for (uint32_t i = 0; values != NULL && i < values->count; i++) {
        const struct yaml_node *words = values->pairs[i].value;
        int32_t field = field_at(rd, values->pairs[i].key);

        if (field >= 0 && words->kind != YAML_MAPPING) {
            COMPLAIN(rd, words, values->pairs[i].key->text, "%s",
                     _("a mapping from the words in the cells to what they stand for was expected"));
            continue;
        }
        for (uint32_t k = 0; field >= 0 && k < words->count; k++)
            if (suits(rd, field, words->pairs[k].value))
                take_entry(rd, ENTRY_WORD, field, words->pairs[k].key, words->pairs[k].value->text);
    }
}

static void read_list(struct map_reader *rd, const struct yaml_node *list, enum entry_kind kind)
{
    for (uint32_t i = 0; list != NULL && i < list->count; i++)
        if (is_text(rd, list->items[i]))
            take_entry(rd, kind, -1, list->items[i], NULL);
}

static bool is_number(const struct form_field *f)
{
    return f->type == VALUE_INTEGER || f->type == VALUE_DECIMAL;
}

static bool is_in_brackets(const struct import_map *m, int32_t field)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].kind == ENTRY_OF_WHICH && m->entries[i].other == field)
            return true;
    return false;
}

static void read_of_which(struct map_reader *rd, const struct yaml_node *pairs)
{
    for (uint32_t i = 0; pairs != NULL && i < pairs->count; i++) {
        const struct yaml_pair *p = &pairs->pairs[i];
        int32_t field = field_at(rd, p->key);
        int32_t other = field_at(rd, p->value);

        if (field < 0 || other < 0)
            continue;
        if (!is_number(&rd->form->fields[field]) || !is_number(&rd->form->fields[other]) || field == other)
            COMPLAIN(rd, p->value, p->value->text, "%s", _("two different fields for numbers were expected"));
        else if (find_entry(rd->m, ENTRY_COLUMN, other, NULL) != NULL || is_in_brackets(rd->m, other) ||
                 import_map_const(rd->m, (uint32_t)other) != NULL)
            COMPLAIN(rd, p->value, p->value->text, "%s", _("this field has a column already"));
        else
            add_entry(rd, (struct entry){.kind = ENTRY_OF_WHICH, .field = field, .other = other}, p->key);
    }
}

/* A heading that is taken and ignored at once is a slip. */
static void check_ignored(struct map_reader *rd, const struct yaml_node *ignore)
{
    for (size_t i = 0; i < rd->m->count; i++)
        if (rd->m->entries[i].kind == ENTRY_IGNORE &&
            find_entry(rd->m, ENTRY_COLUMN, -1, rd->m->entries[i].folded) != NULL)
            COMPLAIN(rd, ignore, rd->m->entries[i].folded, "%s", _("this heading is both taken and ignored"));
}

/* Room must be left for at least one more character of the id. */
static void read_unit(struct map_reader *rd, const struct yaml_node *root, const struct map_raw *raw)
{
    struct import_map *m = rd->m;

    if (raw->unit_prefix != NULL && (!id_is_valid(raw->unit_prefix) || strlen(raw->unit_prefix) >= ID_MAX))
        COMPLAIN(rd, yaml_get(root, "unit_prefix"), "unit_prefix",
                 _("the beginning of ids was expected: fewer than %u letters A-Z a-z, digits, '-' and '_'"), ID_MAX);
    if ((raw->unit != NULL && (m->unit = strdup(raw->unit)) == NULL) ||
        (raw->unit_prefix != NULL && (m->unit_prefix = strdup(raw->unit_prefix)) == NULL))
        rd->e = ERR_NOMEM;
}

static void read_map(struct map_reader *rd)
{
    const struct yaml_node *root = yaml_root(rd->doc);
    struct map_raw raw = {.map = NULL};

    if (!yaml_read(rd->doc, root, MAP_KEYS, &raw, rd->r)) {
        rd->bad = true;
        return;
    }
    if (strcmp(raw.form, rd->form->id) != 0) {
        COMPLAIN(rd, yaml_get(root, "form"), "form", _("the map is for another form than \"%s\""), rd->form->id);
        return;
    }
    read_unit(rd, root, &raw);
    read_columns(rd, raw.columns);
    read_constants(rd, raw.constants);
    read_words(rd, raw.values);
    read_list(rd, raw.ignore, ENTRY_IGNORE);
    read_list(rd, raw.totals, ENTRY_TOTAL);
    read_list(rd, raw.empty, ENTRY_EMPTY);
    read_of_which(rd, raw.of_which);
    rd->m->heading_rows = raw.heading_rows > 0 ? (uint32_t)raw.heading_rows : 1;
    if (raw.ignore != NULL)
        check_ignored(rd, raw.ignore);
}

enum err import_map_load(struct import_map **out, const struct form *f, const char *file, const void *bytes, size_t len,
                         struct report *r)
{
    struct map_reader rd = {.form = f, .r = r};
    struct yaml_doc *doc = NULL;
    enum err e;

    if (len > IMPORT_MAP_MAX_BYTES)
        return err_set(ERR_LIMIT, _("%s: a map has at most %u bytes"), file, IMPORT_MAP_MAX_BYTES);
    if ((e = yaml_parse(&doc, file, bytes, len, r)) != OK)
        return e;
    rd.doc = doc;
    buf_init(&rd.keep, KEEP_MAX);
    if ((rd.m = calloc(1, sizeof(*rd.m))) == NULL)
        rd.e = ERR_NOMEM;
    else
        read_map(&rd);
    e = rd.e != OK ? rd.e : rd.bad ? ERR_INVALID : OK;
    if (e == OK)
        *out = rd.m;
    else
        import_map_free(rd.m);
    buf_fini(&rd.keep);
    yaml_free(doc);
    return e;
}

void import_map_free(struct import_map *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->count; i++) {
        free(m->entries[i].folded);
        free(m->entries[i].text);
    }
    free(m->entries);
    free(m->unit);
    free(m->unit_prefix);
    free(m);
}

/* ---- asking ---- */

int32_t import_map_heading(const struct import_map *m, const char *folded)
{
    const struct entry *x = find_entry(m, ENTRY_COLUMN, -1, folded);

    if (x != NULL)
        return x->field;
    return find_entry(m, ENTRY_IGNORE, -1, folded) != NULL ? IMPORT_MAP_IGNORED : IMPORT_MAP_UNKNOWN;
}

const char *import_map_expected(const struct import_map *m, size_t *i, const char **folded)
{
    for (; m != NULL && *i < m->count; (*i)++) {
        const struct entry *x = &m->entries[*i];

        if (x->kind != ENTRY_COLUMN)
            continue;
        (*i)++;
        *folded = x->folded;
        return x->text;
    }
    return NULL;
}

const char *import_map_const(const struct import_map *m, uint32_t field)
{
    const struct entry *x = find_entry(m, ENTRY_CONST, (int32_t)field, NULL);

    return x != NULL ? x->text : NULL;
}

const char *import_map_word(const struct import_map *m, uint32_t field, const char *folded)
{
    const struct entry *x = find_entry(m, ENTRY_WORD, (int32_t)field, folded);

    return x != NULL ? x->text : NULL;
}

bool import_map_is_empty(const struct import_map *m, const char *folded)
{
    return find_entry(m, ENTRY_EMPTY, -1, folded) != NULL;
}

int32_t import_map_of_which(const struct import_map *m, uint32_t field)
{
    const struct entry *x = find_entry(m, ENTRY_OF_WHICH, (int32_t)field, NULL);

    return x != NULL ? x->other : -1;
}

uint32_t import_map_heading_rows(const struct import_map *m)
{
    return m != NULL ? m->heading_rows : 1;
}

bool import_map_has_words(const struct import_map *m, uint32_t field)
{
    return find_entry(m, ENTRY_WORD, (int32_t)field, NULL) != NULL || find_entry(m, ENTRY_EMPTY, -1, NULL) != NULL;
}

const char *import_map_unit(const struct import_map *m)
{
    return m != NULL ? m->unit : NULL;
}

const char *import_map_unit_prefix(const struct import_map *m)
{
    return m != NULL ? m->unit_prefix : NULL;
}

const char *import_map_total(const struct import_map *m, size_t i)
{
    for (size_t k = 0; m != NULL && k < m->count; k++)
        if (m->entries[k].kind == ENTRY_TOTAL && i-- == 0)
            return m->entries[k].folded;
    return NULL;
}
