/* A sheet of a workbook as rows for the importer. */
#include "agent/import.h"
#include "agent/import_lists.h"

#include "common/cli.h"
#include "common/xlsx_read.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_MAX  512u
#define NAMES_MAX  600u
#define CLAIM_ROWS 200u
#define MAX_LISTS  64u
#define LIST_TEXT  (8u << 20) /* of one row's list */
#define NO_COLUMN  UINT32_MAX

/* A list of the form and the sheet that is said to have it. */
struct list_claim {
    char *field, *sheet;
    struct import_list *list; /* NULL: not read */
    struct buf text;          /* of the row at hand */
};

struct book_source {
    const char *path;
    struct xlsx_book *book;
    struct xlsx_rows *rows;
    struct import_source source;
    struct book_source_claims claims;
    char *kept[5]; /* what the claims point to */
    struct list_claim lists[MAX_LISTS];
    uint32_t list_count;
    uint32_t width, key_column; /* of the headings, when there are lists: their columns follow */
    bool has_one_row;
    bool seen_headings;
    bool seen_row; /* of a form that is lists alone */
    struct bytes *cells, *spread;
    const char **faults;
    uint32_t widest;                        /* cells of the widest row so far: later ones are filled up to it */
    uint32_t hidden_rows, first_hidden_row; /* which were read all the same */
};

/* ---- what our own workbooks say of themselves ---- */

static enum err keep_claim(struct book_source *w, const struct xlsx_row *row)
{
    static const char *const keys[] = {"form", "version", "unit", "period", "sheet"};
    const char **out[] = {&w->claims.form, &w->claims.version, &w->claims.unit, &w->claims.period, &w->claims.sheet};

    if (row->count < 2 || row->cells[1].text.len == 0 || row->cells[1].text.len > CLAIM_MAX)
        return OK;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct bytes key = row->cells[0].text;

        if (*out[i] != NULL || key.len != strlen(keys[i]) || memcmp(key.p, keys[i], key.len) != 0)
            continue;
        if ((w->kept[i] = strndup((const char *)row->cells[1].text.p, row->cells[1].text.len)) == NULL)
            return ERR_NOMEM;
        *out[i] = w->kept[i];
    }
    return OK;
}

/* "sheet:LIST" with the name of its sheet. */
static enum err keep_list(struct book_source *w, const struct xlsx_row *row)
{
    static const char prefix[] = "sheet:";
    const size_t skip = sizeof(prefix) - 1;
    struct list_claim *x = &w->lists[w->list_count];
    struct bytes key = row->count > 1 ? row->cells[0].text : bytes_of("", 0);

    if (key.len <= skip || key.len > CLAIM_MAX || memcmp(key.p, prefix, skip) != 0 || row->cells[1].text.len == 0 ||
        row->cells[1].text.len > CLAIM_MAX || w->list_count == MAX_LISTS)
        return OK;
    w->list_count++;
    buf_init_secret(&x->text, LIST_TEXT);
    x->field = strndup((const char *)key.p + skip, key.len - skip);
    x->sheet = strndup((const char *)row->cells[1].text.p, row->cells[1].text.len);
    return x->field == NULL || x->sheet == NULL ? ERR_NOMEM : OK;
}

static enum err read_claims(struct book_source *w)
{
    int32_t sheet = xlsx_book_find_sheet(w->book, WORKBOOK_CLAIMS);
    struct xlsx_rows *rows = NULL;
    struct xlsx_row row;
    enum err e;

    if (sheet < 0)
        return OK;
    e = xlsx_rows_open(&rows, w->book, (uint32_t)sheet);
    for (uint32_t i = 0; e == OK && i < CLAIM_ROWS; i++)
        if ((e = xlsx_rows_next(rows, &row)) == OK)
            e = keep_claim(w, &row) == OK ? keep_list(w, &row) : ERR_NOMEM;
    xlsx_rows_close(rows);
    return e == ERR_NOT_FOUND ? OK : e;
}

const struct book_source_claims *book_source_claims(const struct book_source *w)
{
    return &w->claims;
}

struct xlsx_book *book_source_book(struct book_source *w)
{
    return w->book;
}

/* ---- opening ---- */

enum err book_source_open(struct book_source **out, const char *path)
{
    struct book_source *w;
    void *bytes = NULL;
    size_t len = 0;
    enum err e = cli_read_file(path, XLSX_READ_MAX_BYTES, &bytes, &len);

    if (e != OK)
        return e;
    if ((w = calloc(1, sizeof(*w))) == NULL) {
        free(bytes);
        return ERR_NOMEM;
    }
    w->path = path;
    w->seen_headings = true; /* only lists need them */
    if ((e = xlsx_book_open(&w->book, bytes, len)) == OK)
        e = read_claims(w);
    if (e != OK) {
        book_source_close(w);
        return err_prefix(e, "%s", path);
    }
    *out = w;
    return OK;
}

void book_source_close(struct book_source *w)
{
    if (w == NULL)
        return;
    xlsx_rows_close(w->rows);
    xlsx_book_close(w->book);
    for (size_t i = 0; i < sizeof(w->kept) / sizeof(w->kept[0]); i++)
        free(w->kept[i]);
    for (uint32_t i = 0; i < w->list_count; i++) {
        free(w->lists[i].field);
        free(w->lists[i].sheet);
        import_list_free(w->lists[i].list);
        buf_wipe(&w->lists[i].text);
    }
    free(w->cells);
    free(w->spread);
    free(w->faults);
    free(w);
}

/* ---- which sheet ---- */

static void name_sheets(const struct book_source *w, char out[NAMES_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < xlsx_book_sheets(w->book); i++) {
        int n;

        if (xlsx_book_sheet_is_hidden(w->book, i))
            continue;
        n = snprintf(out + len, NAMES_MAX - len, "%s\"%s\"", len > 0 ? ", " : "", xlsx_book_sheet_name(w->book, i));
        if (n < 0 || len + (size_t)n >= NAMES_MAX) { /* the rest goes unnamed */
            out[len] = '\0';
            break;
        }
        len += (size_t)n;
    }
}

static enum err named_sheet(const struct book_source *w, const char *name, uint32_t *out)
{
    int32_t found = xlsx_book_find_sheet(w->book, name);
    char names[NAMES_MAX];

    if (found >= 0) {
        *out = (uint32_t)found;
        return OK;
    }
    name_sheets(w, names);
    return err_set(ERR_NOT_FOUND, _("%s: there is no sheet \"%.80s\"; there are: %s"), w->path, name, names);
}

static enum err choose_sheet(const struct book_source *w, uint32_t *out)
{
    uint32_t visible = 0;
    char names[NAMES_MAX];

    for (uint32_t i = xlsx_book_sheets(w->book); i-- > 0;)
        if (!xlsx_book_sheet_is_hidden(w->book, i)) {
            visible++;
            *out = i;
        }
    if (visible == 1)
        return OK;
    if (visible == 0)
        return err_set(ERR_USAGE, _("%s: all sheets are hidden; say which one is meant: --sheet NAME"), w->path);
    name_sheets(w, names);
    return err_set(ERR_USAGE, _("%s: there are several sheets; say which one is meant: --sheet NAME (%s)"), w->path,
                   names);
}

/* ---- lists ---- */

enum err book_source_lists(struct book_source *w, const struct form *f, struct report *r)
{
    uint32_t kept = 0;
    enum err e = OK;
    bool bad = false;

    for (uint32_t i = 0; i < w->list_count; i++) {
        struct list_claim *x = &w->lists[i];
        int32_t field = form_find_field(f, x->field, strlen(x->field));
        int32_t sheet = xlsx_book_find_sheet(w->book, x->sheet);

        if (field < 0 || f->fields[field].type != VALUE_REPEAT || sheet < 0)
            continue; /* the form of today has no such list, or somebody has deleted its sheet */
        e = import_list_read(&x->list, f, (uint32_t)field, w->book, (uint32_t)sheet, w->path, r);
        if (e == ERR_MALFORMED || e == ERR_LIMIT)
            return err_prefix(e, "%s", w->path);
        if (e != OK && e != ERR_INVALID)
            return e;
        bad = bad || e != OK;
        kept += e == OK;
        w->has_one_row = w->has_one_row || (e == OK && import_list_is_anyones(x->list));
    }
    w->seen_headings = kept == 0;
    return bad ? ERR_INVALID : OK;
}

/* What stands in the list's cell of this row: its name in the row of headings, below it the list's rows. */
static enum err list_text(struct book_source *w, struct list_claim *x, const struct xlsx_row *row, bool is_heading,
                          struct bytes *out)
{
    enum err e;

    buf_reset(&x->text);
    if (is_heading) {
        buf_put_str(&x->text, import_list_name(x->list));
    } else {
        bool has_key = w->key_column < row->count;

        e = import_list_put(x->list, has_key ? row->cells[w->key_column].text : bytes_of("", 0), &x->text);
        if (e != OK)
            return e == ERR_LIMIT ? err_set(e, _("row %u: the list of this row is too long"), row->number) : e;
    }
    *out = bytes_of(x->text.data, x->text.len);
    return buf_status(&x->text);
}

static void find_key(struct book_source *w, const struct xlsx_row *row, struct import_list *l)
{
    for (uint32_t i = 0; i < row->count && w->key_column == NO_COLUMN; i++)
        if (import_list_is_key(l, row->cells[i].text))
            w->key_column = i;
}

/* Puts the lists' cells behind those of the headings. */
static enum err add_lists(struct book_source *w, const struct xlsx_row *row, uint32_t *lists)
{
    bool is_heading = !w->seen_headings;
    enum err e = OK;

    *lists = 0;
    if (is_heading) {
        w->width = row->count;
        w->key_column = NO_COLUMN;
    }
    for (uint32_t i = 0; i < w->list_count && e == OK; i++) {
        if (w->lists[i].list == NULL)
            continue;
        if (is_heading)
            find_key(w, row, w->lists[i].list);
        if (w->width + *lists == CSV_MAX_COLUMNS)
            return err_set(ERR_LIMIT, _("row %u: more than %u columns"), row->number, CSV_MAX_COLUMNS);
        e = list_text(w, &w->lists[i], row, is_heading, &w->cells[w->width + *lists]);
        w->spread[w->width + *lists] = w->cells[w->width + *lists];
        w->faults[w->width + (*lists)++] = NULL;
    }
    w->seen_headings = true;
    return e;
}

static const char *first_list_sheet(const struct book_source *w)
{
    for (uint32_t i = 0; i < w->list_count; i++)
        if (w->lists[i].list != NULL)
            return w->lists[i].sheet;
    return "";
}

/* ---- rows ---- */

static enum err too_wide(const struct xlsx_row *row)
{
    return err_set(ERR_LIMIT, _("row %u: more than %u columns"), row->number, CSV_MAX_COLUMNS);
}

static bool is_blank(const struct xlsx_cell *cell)
{
    for (size_t i = 0; i < cell->text.len; i++)
        if (cell->text.p[i] != ' ' && cell->text.p[i] != '\t')
            return false;
    return cell->fault == XLSX_FAULT_NONE || cell->fault == XLSX_FAULT_COVERED;
}

static bool is_blank_row(const struct xlsx_row *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (!is_blank(&row->cells[i]))
            return false;
    return true;
}

/* A heading over merged columns is the first one's; what lies under it is empty, not the same once more. */
static struct bytes text_of(const struct xlsx_cell *cell)
{
    return cell->fault == XLSX_FAULT_COVERED ? bytes_of("", 0) : cell->text;
}

static enum err next_row(void *ctx, struct csv_row *out)
{
    struct book_source *w = ctx;
    struct xlsx_row row;
    uint32_t lists;
    enum err e;

    do {
        if ((e = xlsx_rows_next(w->rows, &row)) != OK)
            return e;
    } while (is_blank_row(&row));
    if ((e = add_lists(w, &row, &lists)) != OK)
        return e;
    if (row.count + lists > CSV_MAX_COLUMNS)
        return too_wide(&row);
    if (row.count > w->widest)
        w->widest = row.count;
    for (uint32_t i = 0; i < w->widest; i++) {
        uint32_t at = lists > 0 && i >= w->width ? i + lists : i;
        bool is_there = i < row.count;

        w->cells[at] = is_there ? text_of(&row.cells[i]) : bytes_of("", 0);
        w->spread[at] = is_there ? row.cells[i].text : bytes_of("", 0);
        w->faults[at] = is_there && row.cells[i].fault != XLSX_FAULT_NONE ? xlsx_fault_text(row.cells[i].fault) : NULL;
    }
    if (row.is_hidden && w->hidden_rows++ == 0)
        w->first_hidden_row = row.number;
    *out = (struct csv_row){row.number, w->widest + lists, w->cells, w->faults, w->spread};
    return OK;
}

/* A form that is lists alone has no sheet for the rest: a row of headings, and one below it. */
static enum err next_of_lists(void *ctx, struct csv_row *out)
{
    static const struct xlsx_row empty = {.number = 1};
    struct book_source *w = ctx;
    uint32_t lists = 0;
    bool is_heading = !w->seen_headings;
    enum err e;

    if (!is_heading && w->seen_row)
        return ERR_NOT_FOUND;
    if ((e = add_lists(w, &empty, &lists)) != OK)
        return e;
    w->seen_row = !is_heading;
    *out = (struct csv_row){is_heading ? 1 : 2, lists, w->cells, w->faults, w->cells};
    return OK;
}

static void place(void *ctx, const char *list, size_t len, uint32_t n, struct finding *f)
{
    struct book_source *w = ctx;
    const char *column;

    for (uint32_t i = 0; i < w->list_count; i++) {
        const struct import_list *l = w->lists[i].list;

        if (l == NULL || strlen(import_list_name(l)) != len || memcmp(import_list_name(l), list, len) != 0)
            continue;
        f->sheet = import_list_sheet(l);
        f->line = import_list_row(l, n);
        if (f->field != NULL && (column = strstr(f->field, "].")) != NULL)
            f->column = import_list_column(l, column + 2);
    }
}

static uint64_t offset(void *ctx)
{
    return xlsx_rows_offset(((struct book_source *)ctx)->rows);
}

/* What nobody saw on the screen was taken all the same: whoever hid it may have meant otherwise. */
static enum err notes(void *ctx, struct report *r)
{
    struct book_source *w = ctx;
    bool lost = false;
    struct finding f = {.file = w->path, .line = w->first_hidden_row, .is_warning = true};

    if (w->hidden_rows > 0)
        report_add(r, &f,
                   ngettext("%u row of the table is hidden in the workbook; it is read like the others",
                            "%u rows of the table are hidden in the workbook; they are read like the others",
                            w->hidden_rows),
                   w->hidden_rows);
    f.line = 0;
    for (uint32_t i = 0; w->rows != NULL && i < w->widest; i++)
        if (xlsx_rows_column_is_hidden(w->rows, i)) {
            char cell[REPORT_CELL_MAX];

            report_cell_name(cell, i + 1, 1);
            cell[strlen(cell) - 1] = '\0'; /* the column's letters alone */
            report_add(r, &f, _("column %s is hidden in the workbook; it is read like the others"), cell);
        }
    for (uint32_t i = 0; i < w->list_count; i++)
        if (w->lists[i].list != NULL && import_list_tell_lost(w->lists[i].list, w->path, r))
            lost = true;
    return lost ? ERR_INVALID : OK;
}

enum err book_source_rows(struct import_source **out, struct book_source *w, const char *sheet)
{
    uint32_t i = 0;
    enum err e;

    if (sheet == NULL)
        sheet = w->claims.sheet;
    w->cells = calloc(CSV_MAX_COLUMNS, sizeof(*w->cells));
    w->spread = calloc(CSV_MAX_COLUMNS, sizeof(*w->spread));
    w->faults = calloc(CSV_MAX_COLUMNS, sizeof(*w->faults));
    if (w->cells == NULL || w->spread == NULL || w->faults == NULL)
        return ERR_NOMEM;
    if (sheet == NULL && !w->seen_headings) {
        w->source = (struct import_source){.name = w->path,
                                           .ctx = w,
                                           .next = next_of_lists,
                                           .sheet = first_list_sheet(w),
                                           .notes = notes,
                                           .place = place};
        *out = &w->source;
        return OK;
    }
    e = sheet != NULL ? named_sheet(w, sheet, &i) : choose_sheet(w, &i);
    if (e != OK)
        return e;
    if ((e = xlsx_rows_open(&w->rows, w->book, i)) != OK)
        return err_prefix(e, "%s", w->path);
    w->source = (struct import_source){.name = w->path,
                                       .ctx = w,
                                       .next = next_row,
                                       .offset = offset,
                                       .size = xlsx_rows_size(w->rows),
                                       .sheet = xlsx_book_sheet_name(w->book, i),
                                       .notes = notes};
    if (!w->seen_headings)
        w->source.place = place;
    w->source.has_one_row = w->has_one_row;
    *out = &w->source;
    return OK;
}
