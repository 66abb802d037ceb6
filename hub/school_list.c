#include "hub/school_list.h"

#include "common/cli.h"
#include "common/csv.h"
#include "common/utf8.h"
#include "common/xlsx_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum column { COLUMN_ID, COLUMN_NAME, COLUMN_UNITS, COLUMNS };

/* As people head such a column, in lower and upper case, and as the form `roster` does. */
static const char *const headings[COLUMNS][12] = {
    {"id", "ID", "Id", "unit_id", "код", "Код", "код школы", "Код школы", "обозначение", "Обозначение", NULL},
    {"name", "Name", "название", "Название", "наименование", "Наименование", "Школа", NULL},
    {"units", "Units", "организации", "Организации", "подразделения", "Подразделения", NULL, NULL}};

struct reading {
    struct school_list *out;
    const char *path, *sheet;
    struct report *r;
    bool has_headings;
    int32_t at[COLUMNS]; /* its column, -1: none */
    size_t mistakes;
};

struct cells {
    uint32_t line, count;
    const struct bytes *text;
    const char *const *faults; /* or NULL; NULL of a cell: none */
};

#define COMPLAIN(x, where, ...) (report_add((x)->r, where, __VA_ARGS__), (x)->mistakes++)

static struct bytes trimmed(struct bytes b)
{
    while (b.len > 0 && strchr(" \t\r\n", b.p[0]) != NULL)
        b = bytes_of(b.p + 1, b.len - 1);
    while (b.len > 0 && strchr(" \t\r\n", b.p[b.len - 1]) != NULL)
        b.len--;
    return b;
}

static struct finding place(const struct reading *x, const struct cells *row, int32_t column)
{
    return (struct finding){.file = x->path,
                            .sheet = x->sheet,
                            .line = row->line,
                            .column = column < 0 ? 0 : (uint32_t)column + 1,
                            .field = NULL};
}

/* ---- the headings ---- */

static bool is_heading(struct bytes cell, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strlen(*names) == cell.len && memcmp(*names, cell.p, cell.len) == 0)
            return true;
    return false;
}

static void take_heading(struct reading *x, const struct cells *row, uint32_t i)
{
    struct bytes cell = trimmed(row->text[i]);
    struct finding where = place(x, row, (int32_t)i);
    char text[120];

    for (unsigned k = 0; k < COLUMNS; k++) {
        if (!is_heading(cell, headings[k]))
            continue;
        if (x->at[k] >= 0)
            COMPLAIN(x, &where, "%s", _("this column is there twice"));
        x->at[k] = (int32_t)i;
        return;
    }
    if (cell.len == 0)
        return;
    (void)snprintf(text, sizeof(text), "%.*s", (int)(cell.len > 100 ? 100 : cell.len), (const char *)cell.p);
    where.is_warning = true;
    where.value = text;
    report_add(x->r, &where, "%s", _("this column is not read"));
}

static bool has_heading(const struct cells *row, enum column k)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (is_heading(trimmed(row->text[i]), headings[k]))
            return true;
    return false;
}

/* A title and the like may stand above them. */
static void take_headings(struct reading *x, const struct cells *row)
{
    x->has_headings = has_heading(row, COLUMN_ID) && has_heading(row, COLUMN_NAME);
    if (!x->has_headings)
        return;
    for (unsigned k = 0; k < COLUMNS; k++)
        x->at[k] = -1;
    for (uint32_t i = 0; i < row->count; i++)
        take_heading(x, row, i);
}

/* ---- a school ---- */

/* The cell of a column, trimmed; empty when there is none. */
static struct bytes cell_of(const struct reading *x, const struct cells *row, enum column k)
{
    int32_t i = x->at[k];

    return i < 0 || (uint32_t)i >= row->count ? bytes_of("", 0) : trimmed(row->text[i]);
}

/* A workbook's cell that cannot be taken, whatever it says. */
static void complain_faults(struct reading *x, const struct cells *row)
{
    for (unsigned k = 0; k < COLUMNS && row->faults != NULL; k++) {
        int32_t i = x->at[k];
        struct finding where = place(x, row, i);

        if (i >= 0 && (uint32_t)i < row->count && row->faults[i] != NULL)
            COMPLAIN(x, &where, "%s", row->faults[i]);
    }
}

static bool take_id(struct reading *x, const struct cells *row, int32_t column, struct bytes cell, char out[ID_MAX + 1])
{
    struct finding where = place(x, row, column);
    char text[ID_MAX + 2];

    (void)snprintf(text, sizeof(text), "%.*s", (int)(cell.len > ID_MAX ? ID_MAX + 1 : cell.len), (const char *)cell.p);
    where.value = text;
    if (!id_is_valid(text)) {
        COMPLAIN(x, &where, _("1 to %u letters A-Z a-z, digits, '-' and '_' are expected"), ID_MAX);
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static void take_name(struct reading *x, const struct cells *row, struct school_row *to)
{
    struct bytes cell = cell_of(x, row, COLUMN_NAME);
    struct finding where = place(x, row, x->at[COLUMN_NAME]);

    if (cell.len == 0 || cell.len > NAME_MAX_BYTES || !utf8_is_valid((const char *)cell.p, cell.len))
        COMPLAIN(x, &where, _("a name of 1 to %u bytes is expected"), NAME_MAX_BYTES);
    else
        memcpy(to->name, cell.p, cell.len);
}

/* Several with blanks, commas or semicolons between them. */
static enum err take_units(struct reading *x, const struct cells *row, struct school_row *to)
{
    struct bytes cell = cell_of(x, row, COLUMN_UNITS);
    size_t from = 0;

    while (from < cell.len) {
        size_t end = from;
        char(*grown)[ID_MAX + 1];

        while (end < cell.len && strchr(" ,;\n", cell.p[end]) == NULL)
            end++;
        if (end > from && to->unit_count == GRANT_MAX_UNITS) {
            struct finding where = place(x, row, x->at[COLUMN_UNITS]);

            COMPLAIN(x, &where, _("at most %u units"), GRANT_MAX_UNITS);
            return OK;
        }
        if (end > from) {
            if ((grown = reallocarray(to->units, to->unit_count + 1, sizeof(*grown))) == NULL)
                return ERR_NOMEM;
            to->units = grown;
            if (take_id(x, row, x->at[COLUMN_UNITS], bytes_of(cell.p + from, end - from), grown[to->unit_count]))
                to->unit_count++;
        }
        from = end + 1;
    }
    return OK;
}

static enum err add(struct school_list *l, struct school_row **out)
{
    if (l->count == SCHOOL_LIST_MAX)
        return err_set(ERR_LIMIT, _("more than %u schools in one table"), SCHOOL_LIST_MAX);
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 32 : 2 * l->cap;
        struct school_row *grown = reallocarray(l->rows, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->rows = grown;
        l->cap = cap;
    }
    *out = &l->rows[l->count++];
    memset(*out, 0, sizeof(**out));
    return OK;
}

static enum err take_row(struct reading *x, const struct cells *row)
{
    struct school_row *to = NULL;
    enum err e;

    if (!x->has_headings) {
        take_headings(x, row);
        return OK;
    }
    if (has_heading(row, COLUMN_ID) && has_heading(row, COLUMN_NAME))
        return OK; /* names in one row, labels in the next: a template of ours */
    if (cell_of(x, row, COLUMN_ID).len + cell_of(x, row, COLUMN_NAME).len == 0)
        return OK; /* a total, a remark below */
    if ((e = add(x->out, &to)) != OK)
        return e;
    to->line = row->line;
    complain_faults(x, row);
    if (take_id(x, row, x->at[COLUMN_ID], cell_of(x, row, COLUMN_ID), to->id))
        for (size_t i = 0; i + 1 < x->out->count; i++)
            if (strcmp(x->out->rows[i].id, to->id) == 0) {
                struct finding where = place(x, row, x->at[COLUMN_ID]);

                where.value = to->id;
                COMPLAIN(x, &where, _("this id stands in row %u already"), x->out->rows[i].line);
            }
    take_name(x, row, to);
    return take_units(x, row, to);
}

/* ---- the two kinds of files ---- */

static enum err read_csv(struct reading *x)
{
    const struct csv_options options = {.delimiter = 0};
    FILE *from = fopen(x->path, "re");
    struct csv *c = NULL;
    struct csv_row row;
    enum err e;

    if (from == NULL)
        return err_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "%s", x->path);
    if ((e = csv_open(&c, from, &options)) == OK)
        while (e == OK && (e = csv_next(c, &row)) == OK)
            e = take_row(x, &(struct cells){row.line, row.count, row.cells, NULL});
    csv_close(c);
    (void)fclose(from);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err take_sheet_row(struct reading *x, const struct xlsx_row *row)
{
    const char **faults = calloc(row->count + 1, sizeof(*faults));
    struct bytes *text = calloc(row->count + 1, sizeof(*text));
    enum err e = ERR_NOMEM;

    if (faults != NULL && text != NULL) {
        for (uint32_t i = 0; i < row->count; i++) {
            text[i] = row->cells[i].text;
            if (row->cells[i].fault != XLSX_FAULT_NONE)
                faults[i] = xlsx_fault_text(row->cells[i].fault);
        }
        e = take_row(x, &(struct cells){row->number, row->count, text, faults});
    }
    free(faults);
    free(text);
    return e;
}

/* Of several sheets the first that is not hidden. */
static enum err read_sheet(struct reading *x, struct xlsx_book *b)
{
    struct xlsx_rows *rows = NULL;
    struct xlsx_row row;
    uint32_t sheet = 0;
    enum err e;

    while (sheet < xlsx_book_sheets(b) && xlsx_book_sheet_is_hidden(b, sheet))
        sheet++;
    if (sheet == xlsx_book_sheets(b))
        return err_set(ERR_INVALID, _("%s: the workbook has no sheet that is not hidden"), x->path);
    x->sheet = xlsx_book_sheet_name(b, sheet);
    if ((e = xlsx_rows_open(&rows, b, sheet)) == OK)
        while (e == OK && (e = xlsx_rows_next(rows, &row)) == OK)
            e = take_sheet_row(x, &row);
    xlsx_rows_close(rows);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err read_xlsx(struct reading *x)
{
    struct xlsx_book *b = NULL;
    void *bytes = NULL;
    size_t len = 0;
    enum err e = cli_read_file(x->path, XLSX_READ_MAX_BYTES, &bytes, &len);

    if (e != OK || (e = xlsx_book_open(&b, bytes, len)) != OK)
        return err_prefix(e, "%s", x->path);
    e = read_sheet(x, b);
    xlsx_book_close(b);
    return e;
}

enum err school_list_read(struct school_list *out, const char *path, struct report *r)
{
    struct reading x = {.out = out, .path = path, .r = r};
    size_t len = strlen(path);
    enum err e;

    memset(out, 0, sizeof(*out));
    e = len > 5 && strcmp(path + len - 5, ".xlsx") == 0 ? read_xlsx(&x) : read_csv(&x);
    if (e == OK && !x.has_headings)
        e = err_set(ERR_INVALID, _("%s: no row has the headings id and name"), path);
    else if (e == OK && x.mistakes > 0)
        e = err_set(ERR_INVALID, _("%s: no school was added; put the table right and try again"), path);
    else if (e == OK && out->count == 0)
        e = err_set(ERR_INVALID, _("%s: there is no school in it"), path);
    if (e != OK)
        school_list_fini(out);
    return e;
}

void school_list_fini(struct school_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->rows[i].units);
    free(l->rows);
    memset(l, 0, sizeof(*l));
}
