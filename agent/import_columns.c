#include "agent/import_columns_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX   (1u << 20) /* texts of one row; a record has at most 64 KiB */
#define FOLDED_MAX COLUMNS_FOLDED_MAX
#define NEAR_NAMES 600u

void cell_text(char out[CELL_TEXT_MAX], struct bytes cell)
{
    size_t len = cell.len < CELL_TEXT_MAX - 1 ? cell.len : CELL_TEXT_MAX - 1;

    if (len > 0)
        memcpy(out, cell.p, len);
    out[len] = '\0';
}

const char *columns_fold(struct import_columns *c, struct bytes text)
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
                 form_find_field_said(f, (const char *)cell.p, cell.len) != NO_FIELD;
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

    if (found == FORM_FIELD_SEVERAL) {
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
    const char *folded = columns_fold(c, heading);
    bool is_unit = b->unit_heading != NULL && folds_to(b->unit_heading, folded);
    char text[CELL_TEXT_MAX];
    int32_t found;

    c->columns[i].field = c->columns[i].of_which = NO_FIELD;
    if (folded[0] == '\0') {
        c->columns[i].is_blank = true;
        return;
    }
    cell_text(text, heading);
    found = import_map_heading(c->map, folded);
    if (found == IMPORT_MAP_UNKNOWN)
        found = form_find_field_said(c->form, (const char *)heading.p, heading.len);
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
        if (strcmp(columns_fold(c, headings->cells[i]), folded) == 0)
            return true;
    return false;
}

/* The number in brackets of a column's cells is another field's; a column of its own would contradict it. */
static void bind_of_which(struct binding *b)
{
    struct import_columns *c = b->c;

    for (uint32_t i = 0; i < c->count; i++) {
        int32_t other =
            c->columns[i].field != NO_FIELD ? import_map_of_which(c->map, (uint32_t)c->columns[i].field) : -1;

        if (other < 0)
            continue;
        b->where.column = c->number_of[other];
        b->where.field = c->form->fields[other].name;
        if (c->number_of[other] != 0)
            COMPLAIN(b, _("the map takes this field from the brackets in the column %u; have it ignore this column"),
                     i + 1);
        else
            c->number_of[other] = i + 1;
        c->columns[i].of_which = other;
    }
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
        if (type != VALUE_TEXT && type != VALUE_REPEAT && x->of_which == NO_FIELD &&
            (x->memo = calloc(MEMO_SLOTS, sizeof(*x->memo))) == NULL)
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
        bind_of_which(&b);
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
        folded = columns_fold(c, cell);
        if (!folds_to(f->label_ru, folded) && !folds_to(f->label_en, folded) && !folds_to(f->name, folded))
            return false;
        has_label = true;
    }
    return has_label;
}

uint32_t import_columns_number(const struct import_columns *c, uint32_t field)
{
    return c->number_of[field];
}

uint32_t import_columns_unit(const struct import_columns *c)
{
    return c->unit;
}
