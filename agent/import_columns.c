#include "agent/import_columns.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX    (1u << 20) /* texts of one row; a record has at most 64 KiB */
#define FOLDED_MAX  (16u << 10)
#define NEAR_NAMES  600u
#define NO_FIELD    (-1)
#define MEMO_SLOTS  64u
#define MEMO_TEXT   15u /* longer cells are read anew each time */
#define MEMO_IN_USE 0x80u

/* What a short cell of the column meant the last time.  Answers are few and come again and again: a lookup by the
 * cell's bytes stands for trimming, folding and searching them. */
struct memo_slot {
    uint64_t text[2]; /* the bytes, then MEMO_IN_USE | their number in the last one */
    struct value value;
};

struct column {
    int32_t field;          /* NO_FIELD: ignored, or without heading */
    bool is_blank;          /* without heading: its cells must be empty */
    bool has_words;         /* the map translates its cells */
    struct memo_slot *memo; /* NULL: texts and repeats, which live in `keep` */
};

struct import_columns {
    const struct form *form;
    const struct import_map *map;
    const char *file;
    struct column *columns;
    uint32_t count;
    uint32_t unit;        /* column from 1, 0: none */
    uint32_t *number_of;  /* field -> column from 1, 0: none */
    struct value *filled; /* what has no column */
    uint8_t *failed;      /* field -> its cell failed in the row read last */
    struct buf keep, keep_filled, folded;
};

void cell_text(char out[CELL_TEXT_MAX], struct bytes cell)
{
    size_t len = cell.len < CELL_TEXT_MAX - 1 ? cell.len : CELL_TEXT_MAX - 1;

    if (len > 0)
        memcpy(out, cell.p, len);
    out[len] = '\0';
}

/* "" when the text is too long to be a heading or a word. */
static const char *fold(struct import_columns *c, struct bytes text)
{
    buf_reset(&c->folded);
    if (text.len > FOLDED_MAX / 4 || utf8_put_folded(&c->folded, text.p, text.len) != OK)
        buf_reset(&c->folded);
    return buf_cstr(&c->folded);
}

static bool folds_to(const char *text, const char *folded)
{
    struct buf b;
    bool is_same;

    buf_init(&b, FOLDED_MAX);
    is_same = utf8_put_folded(&b, text, strlen(text)) == OK && strcmp(buf_cstr(&b), folded) == 0;
    buf_fini(&b);
    return is_same;
}

/* ---- headings ---- */

struct binding {
    struct import_columns *c;
    const char *unit_heading; /* NULL: none */
    struct report *r;
    struct finding where;
    bool bad;
};

#define COMPLAIN(b, ...)                                                                                               \
    do {                                                                                                               \
        (b)->bad = true;                                                                                               \
        report_add((b)->r, &(b)->where, __VA_ARGS__);                                                                  \
    } while (0)

#define SEVERAL (-3)

/* By name, else by a label in either language; SEVERAL: two fields have this label. */
static int32_t field_by_words(const struct form *f, struct bytes heading, const char *folded)
{
    int32_t found = form_find_field(f, (const char *)heading.p, heading.len);

    for (uint32_t i = 0; found < 0 && i < f->field_count; i++)
        if (folds_to(f->fields[i].name, folded))
            return (int32_t)i;
    for (uint32_t i = 0; found < 0 && i < f->field_count; i++) {
        if (!folds_to(f->fields[i].label_ru, folded) && !folds_to(f->fields[i].label_en, folded))
            continue;
        for (uint32_t k = i + 1; k < f->field_count; k++)
            if (folds_to(f->fields[k].label_ru, folded) || folds_to(f->fields[k].label_en, folded))
                return SEVERAL;
        return (int32_t)i;
    }
    return found;
}

uint32_t import_columns_known(const struct form *f, const struct import_map *m, const char *unit_heading,
                              const struct csv_row *row, uint32_t *of)
{
    struct buf folded;
    uint32_t known = 0;

    *of = 0;
    buf_init(&folded, FOLDED_MAX);
    for (uint32_t i = 0; i < row->count; i++) {
        struct bytes cell = row->cells[i];

        buf_reset(&folded);
        if (cell.len == 0 || cell.len > FOLDED_MAX / 4 || utf8_put_folded(&folded, cell.p, cell.len) != OK ||
            buf_cstr(&folded)[0] == '\0')
            continue;
        ++*of;
        known += import_map_heading(m, buf_cstr(&folded)) != IMPORT_MAP_UNKNOWN ||
                 (unit_heading != NULL && folds_to(unit_heading, buf_cstr(&folded))) ||
                 field_by_words(f, cell, buf_cstr(&folded)) != NO_FIELD;
    }
    buf_fini(&folded);
    return known;
}

static const char *near_field(const struct form *f, const char *heading)
{
    const char *names[NEAR_NAMES];
    size_t count = 0;

    for (uint32_t i = 0; i < f->field_count && count + 3 <= NEAR_NAMES; i++) {
        if (f->fields[i].is_calculated)
            continue;
        names[count++] = f->fields[i].name;
        names[count++] = f->fields[i].label_ru;
        names[count++] = f->fields[i].label_en;
    }
    return cli_nearest(heading, names, count);
}

static void complain_of_heading(struct binding *b, int32_t found, const char *heading)
{
    const char *near;

    if (found == SEVERAL) {
        COMPLAIN(b, "%s", _("several fields have this label; put the name of the field there, or use a map"));
        return;
    }
    near = near_field(b->c->form, heading);
    if (near != NULL)
        COMPLAIN(b, _("the form \"%s\" has no field with this name or label; did you mean \"%s\"?"), b->c->form->id,
                 near);
    else
        COMPLAIN(b,
                 _("the form \"%s\" has no field with this name or label; a map can give the column a field or have "
                   "it ignored"),
                 b->c->form->id);
}

/* May a column fill this field? */
static bool is_free(struct binding *b, uint32_t field)
{
    const struct form_field *f = &b->c->form->fields[field];

    if (f->is_calculated || f->is_read_only)
        COMPLAIN(b, _("the form fills in \"%s\" itself; remove the column, or have a map ignore it"), f->name);
    else if (import_map_const(b->c->map, field) != NULL)
        COMPLAIN(b, _("the map gives \"%s\" the same value in every row; have it ignore the column"), f->name);
    else if (b->c->number_of[field] != 0)
        COMPLAIN(b, _("the column %u is for \"%s\" already"), b->c->number_of[field], f->name);
    else
        return true;
    return false;
}

static void bind_unit(struct binding *b, uint32_t i)
{
    if (b->c->unit != 0)
        COMPLAIN(b, _("the column %u names the units already"), b->c->unit);
    else
        b->c->unit = i + 1;
}

static void bind_heading(struct binding *b, uint32_t i, struct bytes heading)
{
    struct import_columns *c = b->c;
    const char *folded = fold(c, heading);
    bool is_unit = b->unit_heading != NULL && folds_to(b->unit_heading, folded);
    char text[CELL_TEXT_MAX];
    int32_t found;

    c->columns[i].field = NO_FIELD;
    if (folded[0] == '\0') {
        c->columns[i].is_blank = true;
        return;
    }
    cell_text(text, heading);
    found = import_map_heading(c->map, folded);
    if (found == IMPORT_MAP_UNKNOWN)
        found = field_by_words(c->form, heading, folded);
    else if (found == IMPORT_MAP_IGNORED && !is_unit)
        return;
    b->where.column = i + 1;
    b->where.field = text;
    if (is_unit)
        bind_unit(b, i);
    if (found < 0 && !is_unit) { /* no field has to be there for the units */
        complain_of_heading(b, found, text);
    } else if (found >= 0 && is_free(b, (uint32_t)found)) {
        c->columns[i].field = found;
        c->number_of[found] = i + 1;
    }
    b->where.field = NULL; /* it was this heading's */
}

/* ---- what the headings lack ---- */

static bool has_heading(struct import_columns *c, const struct csv_row *headings, const char *folded)
{
    for (uint32_t i = 0; i < headings->count; i++)
        if (strcmp(fold(c, headings->cells[i]), folded) == 0)
            return true;
    return false;
}

static void check_unit(struct binding *b)
{
    b->where.column = 0;
    b->where.field = b->unit_heading;
    if (b->unit_heading != NULL && b->c->unit == 0)
        COMPLAIN(b, "%s", _("this column should name the unit of each row, but the file has none with this heading"));
}

static void check_expected(struct binding *b, const struct csv_row *headings)
{
    const char *folded = NULL;
    const char *heading;
    size_t i = 0;

    b->where.column = 0;
    while ((heading = import_map_expected(b->c->map, &i, &folded)) != NULL) {
        b->where.field = heading;
        if (!has_heading(b->c, headings, folded))
            COMPLAIN(b, "%s", _("the map expects a column with this heading, but the file has none"));
    }
}

/* Said once, not in every row. */
static void check_required(struct binding *b)
{
    const struct form *f = b->c->form;

    for (uint32_t i = 0; i < f->field_count; i++) {
        const struct form_field *x = &f->fields[i];

        b->where.field = x->name;
        if (b->c->number_of[i] == 0 && x->is_required && x->relevant == NULL && !x->is_calculated &&
            x->default_value == NULL && import_map_const(b->c->map, i) == NULL)
            COMPLAIN(b, _("the form requires this field (%s), but the file has no column for it"),
                     cli_pick(x->label_ru, x->label_en));
    }
}

/* ---- making ---- */

static enum err fill_rest(struct import_columns *c)
{
    enum err e = OK;

    for (uint32_t i = 0; i < c->form->field_count && e == OK; i++) {
        const char *text = import_map_const(c->map, i);
        const struct form_field *f = &c->form->fields[i];

        c->filled[i] = (struct value){.state = VALUE_MISSING};
        if (text != NULL)
            e = value_parse(&c->filled[i], f, text, strlen(text), &c->keep_filled);
        else if (c->number_of[i] == 0 && f->default_value != NULL)
            c->filled[i] = *f->default_value;
    }
    return e;
}

static enum err make_memos(struct import_columns *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct column *x = &c->columns[i];
        enum value_type type;

        if (x->field == NO_FIELD)
            continue;
        type = c->form->fields[x->field].type;
        x->has_words = import_map_has_words(c->map, (uint32_t)x->field);
        if (type != VALUE_TEXT && type != VALUE_REPEAT && (x->memo = calloc(MEMO_SLOTS, sizeof(*x->memo))) == NULL)
            return ERR_NOMEM;
    }
    return OK;
}

static enum err allocate(struct import_columns *c, uint32_t count)
{
    size_t fields = c->form->field_count;

    c->count = count;
    c->columns = calloc(count, sizeof(*c->columns));
    c->number_of = calloc(fields + 1, sizeof(*c->number_of));
    c->filled = calloc(fields + 1, sizeof(*c->filled));
    c->failed = calloc(fields + 1, 1);
    buf_init_secret(&c->keep, KEEP_MAX);
    buf_init_secret(&c->keep_filled, KEEP_MAX);
    buf_init(&c->folded, FOLDED_MAX);
    return c->columns == NULL || c->number_of == NULL || c->filled == NULL || c->failed == NULL ? ERR_NOMEM : OK;
}

enum err import_columns_bind(struct import_columns **out, const struct form *f, const struct import_map *m,
                             const char *unit_heading, const struct csv_row *headings, const char *file,
                             struct report *r)
{
    struct import_columns *c = calloc(1, sizeof(*c));
    struct binding b = {.c = c, .unit_heading = unit_heading, .r = r, .where = {.file = file, .line = headings->line}};
    enum err e;

    if (c == NULL)
        return ERR_NOMEM;
    c->form = f;
    c->map = m;
    c->file = file;
    if ((e = allocate(c, headings->count)) == OK) {
        for (uint32_t i = 0; i < headings->count; i++)
            bind_heading(&b, i, headings->cells[i]);
        check_unit(&b);
        check_expected(&b, headings);
        if (!b.bad) /* a heading that was not understood may be the one that is missing */
            check_required(&b);
        e = b.bad ? ERR_INVALID : fill_rest(c);
    }
    if (e == OK)
        e = make_memos(c);
    if (e != OK) {
        import_columns_free(c);
        return e;
    }
    *out = c;
    return OK;
}

void import_columns_free(struct import_columns *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; c->columns != NULL && i < c->count; i++)
        free(c->columns[i].memo);
    free(c->columns);
    free(c->number_of);
    free(c->filled);
    free(c->failed);
    buf_wipe(&c->keep);
    buf_wipe(&c->keep_filled);
    buf_fini(&c->folded);
    free(c);
}

bool import_columns_is_labels(struct import_columns *c, const struct csv_row *row)
{
    bool has_label = false;

    for (uint32_t i = 0; i < row->count && i < c->count; i++) {
        struct bytes cell = row->cells[i];
        const struct form_field *f;
        const char *folded;

        if (cell.len == 0 || c->columns[i].field == NO_FIELD ||
            c->form->fields[c->columns[i].field].type == VALUE_REPEAT)
            continue;
        if (cell.len > 1 && cell.p[0] == '\'') /* a template's guard before a label that looks like a formula */
            cell = bytes_of(cell.p + 1, cell.len - 1);
        f = &c->form->fields[c->columns[i].field];
        folded = fold(c, cell);
        if (!folds_to(f->label_ru, folded) && !folds_to(f->label_en, folded) && !folds_to(f->name, folded))
            return false;
        has_label = true;
    }
    return has_label;
}

/* ---- cells ---- */

static inline struct memo_slot *memo_slot(const struct column *x, struct bytes cell, uint64_t text[2])
{
    uint8_t raw[2 * sizeof(uint64_t)] = {0};
    uint64_t hash;

    memcpy(raw, cell.p, cell.len);
    raw[MEMO_TEXT] = (uint8_t)(MEMO_IN_USE | cell.len);
    memcpy(text, raw, sizeof(raw));
    hash = (text[0] ^ text[1]) * UINT64_C(0x9E3779B97F4A7C15);
    return &x->memo[hash >> 58];
}

static enum err parse_cell(struct import_columns *c, const struct column *x, struct bytes cell, struct value *out)
{
    const struct form_field *f = &c->form->fields[x->field];
    const char *word = x->has_words ? import_map_word(c->map, (uint32_t)x->field, fold(c, cell)) : NULL;

    if (word != NULL)
        return value_parse(out, f, word, strlen(word), &c->keep);
    return value_parse(out, f, (const char *)cell.p, cell.len, &c->keep);
}

static enum err read_cell(struct import_columns *c, const struct column *x, struct bytes cell, struct value *out)
{
    struct memo_slot *slot;
    uint64_t text[2];
    enum err e;

    if (x->memo == NULL || cell.len > MEMO_TEXT)
        return parse_cell(c, x, cell, out);
    slot = memo_slot(x, cell, text);
    if (slot->text[0] == text[0] && slot->text[1] == text[1]) {
        *out = slot->value;
        return OK;
    }
    if ((e = parse_cell(c, x, cell, out)) == OK) {
        slot->text[0] = text[0];
        slot->text[1] = text[1];
        slot->value = *out;
    }
    return e;
}

static void tell_cell(struct import_columns *c, const struct csv_row *row, uint32_t i, const char *field,
                      const char *what, struct report *r)
{
    char value[CELL_TEXT_MAX];
    struct finding f = {.file = c->file, .line = row->line, .column = i + 1, .field = field, .value = value};

    cell_text(value, row->cells[i]);
    if (value[0] == '\0')
        f.value = NULL; /* nothing was found */
    report_add(r, &f, "%s", what);
}

static bool is_blank(struct bytes cell)
{
    for (size_t i = 0; i < cell.len; i++)
        if (cell.p[i] != ' ' && cell.p[i] != '\t')
            return false;
    return true;
}

/* Spreadsheets leave empty cells at the end of a row; anything else that has no heading is a mistake. */
static bool is_right_shape(const struct import_columns *c, const struct csv_row *row, struct report *r)
{
    struct finding f = {.file = c->file, .line = row->line};
    uint32_t used = row->count;

    while (used > c->count && is_blank(row->cells[used - 1]))
        used--;
    if (used > c->count || row->count < c->count) {
        report_add(r, &f,
                   ngettext("the row has %u cell, but the number of headings is %u",
                            "the row has %u cells, but the number of headings is %u", used),
                   used, c->count);
        return false;
    }
    return true;
}

enum err import_columns_read(struct import_columns *c, const struct csv_row *row, struct value *values,
                             struct report *r)
{
    bool bad = false;

    memset(c->failed, 0, c->form->field_count);
    if (!is_right_shape(c, row, r))
        return ERR_MALFORMED;
    buf_reset(&c->keep);
    memcpy(values, c->filled, c->form->field_count * sizeof(*values));
    for (uint32_t i = 0; i < c->count; i++) {
        const struct column *x = &c->columns[i];
        enum err e;

        if (x->field == NO_FIELD) {
            if (x->is_blank && !is_blank(row->cells[i])) {
                bad = true;
                tell_cell(c, row, i, NULL, _("this column has no heading, so it should be empty"), r);
            }
            continue;
        }
        if (row->faults != NULL && row->faults[i] != NULL)
            e = err_set(ERR_INVALID, "%s", row->faults[i]);
        else if ((e = read_cell(c, x, row->cells[i], &values[x->field])) == OK)
            continue;
        if (e == ERR_NOMEM)
            return e;
        bad = true;
        c->failed[x->field] = 1;
        values[x->field] = (struct value){.state = VALUE_MISSING};
        tell_cell(c, row, i, c->form->fields[x->field].name, err_text(), r);
    }
    return bad ? ERR_INVALID : OK;
}

bool import_columns_failed(const struct import_columns *c, uint32_t field)
{
    return c->failed[field] != 0;
}

uint32_t import_columns_number(const struct import_columns *c, uint32_t field)
{
    return c->number_of[field];
}

uint32_t import_columns_unit(const struct import_columns *c)
{
    return c->unit;
}
