#include "agent/import_lists.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define FOLDED_MAX (16u << 10)
#define TEXT_MAX   512u /* of a cell, for messages */
#define KEY_COLUMN (-2)
#define NO_COLUMN  (-1)

struct list_row {
    uint32_t number;
    struct bytes key;
    uint32_t turn; /* of import_list_put(), the last that gave it; 0: none did */
};

struct import_list {
    const struct form *form;
    const struct form_field *field;
    const struct form_field *key; /* NULL: the form has one row */
    const char *sheet;
    int32_t *column_of; /* column of the sheet -> column of the list, KEY_COLUMN, NO_COLUMN */
    uint32_t width;
    struct list_row *rows;
    struct value *cells; /* rows x columns of the list */
    uint32_t count, cap;
    uint32_t turn;
    struct buf keep, keys; /* what values and keys point to: neither moves */
    struct buf folded;
};

struct list_reader {
    struct import_list *l;
    struct report *r;
    struct finding where;
    bool bad;
};

#define COMPLAIN(rd, ...)                                                                                              \
    do {                                                                                                               \
        (rd)->bad = true;                                                                                              \
        report_add((rd)->r, &(rd)->where, __VA_ARGS__);                                                                \
    } while (0)

/* ---- headings ---- */

static bool is_called(struct import_list *l, const struct form_field *f, struct bytes heading)
{
    const char *names[] = {f->name, f->label_ru, f->label_en};
    struct buf wanted;
    bool same = false;

    buf_reset(&l->folded);
    if (heading.len > FOLDED_MAX / 4 || utf8_put_folded(&l->folded, heading.p, heading.len) != OK)
        return false;
    buf_init(&wanted, FOLDED_MAX);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !same; i++) {
        buf_reset(&wanted);
        same = names[i] != NULL && utf8_put_folded(&wanted, names[i], strlen(names[i])) == OK &&
               strcmp(buf_cstr(&wanted), buf_cstr(&l->folded)) == 0;
    }
    buf_fini(&wanted);
    return same;
}

static int32_t column_called(struct import_list *l, struct bytes heading)
{
    if (l->key != NULL && is_called(l, l->key, heading))
        return KEY_COLUMN;
    for (uint32_t i = 0; i < l->field->column_count; i++)
        if (is_called(l, &l->field->columns[i], heading))
            return (int32_t)i;
    return NO_COLUMN;
}

static bool has_column(const struct import_list *l, int32_t column)
{
    for (uint32_t i = 0; i < l->width; i++)
        if (l->column_of[i] == column)
            return true;
    return false;
}

static enum err take_headings(struct list_reader *rd, const struct xlsx_row *row)
{
    struct import_list *l = rd->l;

    if ((l->column_of = calloc(row->count, sizeof(*l->column_of))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < row->count; i++) {
        int32_t column = row->cells[i].text.len > 0 ? column_called(l, row->cells[i].text) : NO_COLUMN;

        rd->where.column = i + 1;
        if (column == NO_COLUMN && row->cells[i].text.len > 0)
            COMPLAIN(rd, _("the list \"%s\" has no column with this name or label"), l->field->name);
        else if (column != NO_COLUMN && has_column(l, column))
            COMPLAIN(rd, "%s", _("this heading stands here twice"));
        l->column_of[l->width++] = column;
    }
    rd->where.column = 0;
    if (l->key != NULL && !has_column(l, KEY_COLUMN))
        COMPLAIN(rd, _("a column \"%s\" is missing: it says whose row each row is"), l->key->name);
    return OK;
}

/* A second row of headings, the labels below the names. */
static bool is_labels(struct import_list *l, const struct xlsx_row *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (row->cells[i].text.len > 0 && (i >= l->width || column_called(l, row->cells[i].text) != l->column_of[i]))
            return false;
    return true;
}

/* ---- rows ---- */

static enum err make_room(struct import_list *l)
{
    size_t columns = l->field->column_count;
    uint32_t cap = l->cap == 0 ? 64 : l->cap * 2;
    struct list_row *rows;
    struct value *cells;

    if (l->count == IMPORT_LIST_MAX_ROWS)
        return err_set(ERR_LIMIT, _("sheet \"%s\": more than %u rows"), l->sheet, IMPORT_LIST_MAX_ROWS);
    if (l->count < l->cap)
        return OK;
    if ((rows = realloc(l->rows, cap * sizeof(*rows))) == NULL)
        return ERR_NOMEM;
    l->rows = rows;
    if ((cells = realloc(l->cells, cap * columns * sizeof(*cells))) == NULL)
        return ERR_NOMEM;
    l->cells = cells;
    l->cap = cap;
    return OK;
}

static enum err take_key(struct import_list *l, struct bytes text, struct list_row *row)
{
    uint8_t *p = text.len > 0 ? buf_grow(&l->keys, text.len) : NULL;

    if (p != NULL)
        memcpy(p, text.p, text.len);
    row->key = bytes_of(p, p != NULL ? text.len : 0);
    return buf_status(&l->keys);
}

/* One cell into its value; what is wrong with it is told. */
static enum err take_cell(struct list_reader *rd, const struct form_field *f, const struct xlsx_cell *cell,
                          struct value *out)
{
    char value[TEXT_MAX];
    size_t len = cell->text.len < sizeof(value) - 1 ? cell->text.len : sizeof(value) - 1;
    char text[1024];
    enum err e;

    if (cell->fault == XLSX_FAULT_NONE) {
        e = value_parse(out, f, (const char *)cell->text.p, cell->text.len, &rd->l->keep);
        if (e != ERR_INVALID && e != ERR_MALFORMED)
            return e;
        (void)snprintf(text, sizeof(text), "%s", err_text());
    } else {
        (void)snprintf(text, sizeof(text), "%s", xlsx_fault_text(cell->fault));
    }
    memcpy(value, cell->text.p, len);
    value[len] = '\0';
    rd->where.field = f->name;
    rd->where.label = cli_pick(f->label_ru, f->label_en);
    rd->where.value = len > 0 ? value : NULL;
    COMPLAIN(rd, "%s", text);
    rd->where.field = rd->where.label = rd->where.value = NULL;
    return OK;
}

static enum err take_row(struct list_reader *rd, const struct xlsx_row *row)
{
    struct import_list *l = rd->l;
    struct list_row *kept;
    struct value *cells;
    enum err e = make_room(l);

    if (e != OK)
        return e;
    kept = &l->rows[l->count];
    cells = &l->cells[(size_t)l->count * l->field->column_count];
    *kept = (struct list_row){.number = row->number};
    for (uint32_t i = 0; i < l->field->column_count; i++)
        cells[i] = (struct value){.state = VALUE_MISSING};
    for (uint32_t i = 0; i < row->count && e == OK; i++) {
        const struct xlsx_cell *cell = &row->cells[i];

        rd->where.column = i + 1;
        if (i < l->width && l->column_of[i] == KEY_COLUMN && cell->fault == XLSX_FAULT_NONE)
            e = take_key(l, bytes_trimmed(cell->text), kept);
        else if (i < l->width && l->column_of[i] >= 0)
            e = take_cell(rd, &l->field->columns[l->column_of[i]], cell, &cells[l->column_of[i]]);
        else if (cell->text.len > 0)
            COMPLAIN(rd, "%s", _("this column has no heading, so it should be empty"));
    }
    rd->where.column = 0;
    if (e == OK && l->key != NULL && kept->key.len == 0)
        COMPLAIN(rd, _("the column \"%s\" must say whose row this is"), l->key->name);
    l->count++;
    return e;
}

/* ---- the sheet ---- */

static enum err read_rows(struct list_reader *rd, struct xlsx_rows *rows)
{
    bool seen_headings = false;
    bool seen_row = false;
    struct xlsx_row row;
    enum err e;

    while ((e = xlsx_rows_next(rows, &row)) == OK) {
        rd->where.line = row.number;
        if (!seen_headings) {
            e = take_headings(rd, &row);
            if (rd->bad)
                return ERR_INVALID;
        } else if (seen_row || !is_labels(rd->l, &row)) {
            e = take_row(rd, &row);
        }
        if (e != OK)
            return e;
        seen_row = seen_headings;
        seen_headings = true;
    }
    if (e == ERR_NOT_FOUND)
        e = OK;
    return e == OK && rd->bad ? ERR_INVALID : e;
}

enum err import_list_read(struct import_list **out, const struct form *f, uint32_t field, struct xlsx_book *b,
                          uint32_t sheet, const char *file, struct report *r)
{
    struct import_list *l = calloc(1, sizeof(*l));
    struct list_reader rd = {.l = l, .r = r, .where = {.file = file, .sheet = xlsx_book_sheet_name(b, sheet)}};
    struct xlsx_rows *rows = NULL;
    enum err e;

    if (l == NULL)
        return ERR_NOMEM;
    l->form = f;
    l->field = &f->fields[field];
    l->key = f->key >= 0 ? &f->fields[f->key] : NULL;
    l->sheet = xlsx_book_sheet_name(b, sheet);
    buf_init_secret(&l->keep, FORM_KEEP_MAX);
    buf_init_secret(&l->keys, FORM_KEEP_MAX);
    buf_init(&l->folded, FOLDED_MAX);
    if (buf_grow(&l->keys, FORM_KEEP_MAX) == NULL) /* so that it never moves */
        e = ERR_NOMEM;
    else if ((e = xlsx_rows_open(&rows, b, sheet)) == OK) {
        buf_reset(&l->keys);
        e = read_rows(&rd, rows);
    }
    xlsx_rows_close(rows);
    if (e != OK) {
        import_list_free(l);
        return e;
    }
    *out = l;
    return OK;
}

void import_list_free(struct import_list *l)
{
    if (l == NULL)
        return;
    if (l->cells != NULL)
        explicit_bzero(l->cells, (size_t)l->cap * l->field->column_count * sizeof(*l->cells));
    free(l->cells);
    free(l->rows);
    free(l->column_of);
    buf_wipe(&l->keep);
    buf_wipe(&l->keys);
    buf_fini(&l->folded);
    free(l);
}

const char *import_list_name(const struct import_list *l)
{
    return l->field->name;
}

bool import_list_is_anyones(const struct import_list *l)
{
    return l->key == NULL && l->count > 0;
}

bool import_list_is_key(struct import_list *l, struct bytes heading)
{
    return l->key != NULL && is_called(l, l->key, heading);
}

/* Rows of this key, counted, and noted as taken. */
static uint32_t take_rows(struct import_list *l, struct bytes key)
{
    uint32_t n = 0;

    l->turn++;
    for (uint32_t i = 0; i < l->count; i++) {
        struct list_row *row = &l->rows[i];

        if (l->key != NULL && (row->key.len != key.len || key.len == 0 || memcmp(row->key.p, key.p, key.len) != 0))
            continue;
        row->turn = l->turn;
        n++;
    }
    return n;
}

enum err import_list_put(struct import_list *l, struct bytes key, struct buf *out)
{
    size_t columns = l->field->column_count;
    struct value v = {.state = VALUE_PRESENT};
    uint32_t n = take_rows(l, bytes_trimmed(key));
    struct value *cells, *at;

    if (n == 0)
        return OK;
    if ((at = cells = calloc(n, columns * sizeof(*cells))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < l->count; i++)
        if (l->rows[i].turn == l->turn) {
            memcpy(at, &l->cells[columns * i], columns * sizeof(*cells));
            at += columns;
        }
    v.as.rows = (struct value_rows){cells, n, (uint32_t)columns};
    value_format(out, l->field, &v);
    explicit_bzero(cells, n * columns * sizeof(*cells));
    free(cells);
    return buf_status(out);
}

uint32_t import_list_row(const struct import_list *l, uint32_t n)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->rows[i].turn == l->turn && --n == 0)
            return l->rows[i].number;
    return 0;
}

uint32_t import_list_column(const struct import_list *l, const char *name)
{
    for (uint32_t i = 0; i < l->width; i++)
        if (l->column_of[i] >= 0 && strcmp(l->field->columns[l->column_of[i]].name, name) == 0)
            return i + 1;
    return 0;
}

const char *import_list_sheet(const struct import_list *l)
{
    return l->sheet;
}

bool import_list_tell_lost(const struct import_list *l, const char *file, struct report *r)
{
    struct finding f = {.file = file, .sheet = l->sheet};
    bool lost = false;

    for (uint32_t i = 0; i < l->count; i++) {
        char key[TEXT_MAX];
        size_t len = l->rows[i].key.len < sizeof(key) - 1 ? l->rows[i].key.len : sizeof(key) - 1;

        if (l->rows[i].turn != 0)
            continue;
        if (len > 0)
            memcpy(key, l->rows[i].key.p, len);
        key[len] = '\0';
        f.line = l->rows[i].number;
        f.value = len > 0 ? key : NULL;
        report_add(r, &f, "%s", _("the main sheet has no row with this key"));
        lost = true;
    }
    return lost;
}
