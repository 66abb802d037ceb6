#include "common/xlsx_fill.h"

#include "common/cli.h"
#include "common/report.h"
#include "common/value.h"
#include "common/xlsx_read_internal.h"
#include "common/xml_edit.h"
#include "common/zip_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STYLE_MAX   10u /* digits of its number */
#define COLUMNS_MAX 4096u
#define CONTENT_MAX (32u << 20)

/* Columns of the sheet with a style of their own. */
struct column_style {
    uint32_t from, to;
    char style[STYLE_MAX + 1];
};

/* A sheet being gone through. */
struct filler {
    struct xml_edit x;
    const struct xlsx_book *book;
    const struct xlsx_fill_cell *cells; /* of this sheet */
    size_t next, count;
    size_t bad; /* count: none */
    struct column_style *columns;
    uint32_t column_count, column_cap;
    uint32_t row, column;          /* at hand */
    char row_style[STYLE_MAX + 1]; /* "": none */
    bool has_data, in_data, in_row, in_cell, in_ours, is_formula, is_changed;
    bool row_is_done, data_is_done; /* filled as one tag: its end adds nothing */
    struct buf content;
};

bool xlsx_cell_parse(const char *text, uint32_t *row, uint32_t *column)
{
    size_t len = book_read_place(text, row, column);

    return len > 0 && text[len] == '\0';
}

/* ---- what stands in a cell ---- */

/* Never markup; control characters become blanks. */
static void put_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': buf_put_str(out, "&amp;"); break;
        case '<': buf_put_str(out, "&lt;"); break;
        case '>': buf_put_str(out, "&gt;"); break;
        default: buf_put_u8(out, (uint8_t)*text < 0x20 && *text != '\n' ? ' ' : (uint8_t)*text); break;
        }
    }
}

static void put_number(struct buf *out, const struct xlsx_fill_cell *c, bool shows_percent)
{
    decimal_format(out, c->scaled, c->places + (c->is_percent && shows_percent ? 2 : 0));
}

static bool shows_percent(const struct filler *f, const char *style)
{
    uint32_t i = 0;

    return book_read_u32(style, UINT32_MAX, &i) && i < f->book->format_count &&
           f->book->formats[i].shown == XLSX_SHOWN_PERCENT;
}

/* What stands between <c> and </c>. */
static void put_content(struct filler *f, struct buf *out, const struct xlsx_fill_cell *c, const char *style)
{
    const char *p = f->x.prefix;

    if (c->is_number) {
        buf_printf(out, "<%sv>", p);
        put_number(out, c, style != NULL && shows_percent(f, style));
        buf_printf(out, "</%sv>", p);
    } else if (c->text[0] != '\0') {
        buf_printf(out, "<%sis><%st xml:space=\"preserve\">", p, p);
        put_escaped(out, c->text);
        buf_printf(out, "</%st></%sis>", p, p);
    }
}

static const char *type_of(const struct xlsx_fill_cell *c)
{
    return c->is_number || c->text[0] == '\0' ? NULL : "inlineStr";
}

static const char *style_for_new(const struct filler *f, uint32_t column)
{
    if (f->row_style[0] != '\0')
        return f->row_style;
    for (uint32_t i = 0; i < f->column_count; i++)
        if (column >= f->columns[i].from && column <= f->columns[i].to)
            return f->columns[i].style;
    return NULL;
}

static void put_new_cell(struct filler *f, struct buf *out, const struct xlsx_fill_cell *c)
{
    const char *style = style_for_new(f, c->column);
    char name[REPORT_CELL_MAX];

    report_cell_name(name, c->column, c->row);
    buf_printf(out, "<%sc r=\"%s\"", f->x.prefix, name);
    if (style != NULL)
        buf_printf(out, " s=\"%s\"", style);
    if (type_of(c) != NULL)
        buf_printf(out, " t=\"%s\"", type_of(c));
    buf_put_u8(out, '>');
    put_content(f, out, c, style);
    buf_printf(out, "</%sc>", f->x.prefix);
}

/* ---- what is not there yet ---- */

static bool waits(const struct filler *f, uint32_t row)
{
    return f->next < f->count && f->cells[f->next].row <= row;
}

/* Cells of the row left of `column`. */
static void put_cells_before(struct filler *f, struct buf *out, uint32_t row, uint32_t column)
{
    for (; waits(f, row) && f->cells[f->next].column < column; f->next++)
        put_new_cell(f, out, &f->cells[f->next]);
}

/* Whole rows above `row`. */
static void put_rows_before(struct filler *f, struct buf *out, uint32_t row)
{
    f->row_style[0] = '\0';
    while (f->next < f->count && f->cells[f->next].row < row) {
        uint32_t n = f->cells[f->next].row;

        buf_printf(out, "<%srow r=\"%u\">", f->x.prefix, n);
        put_cells_before(f, out, n, UINT32_MAX);
        buf_printf(out, "</%srow>", f->x.prefix);
    }
}

/* ---- going through ---- */

static enum err take_column(struct filler *f, const char *const *attributes)
{
    const char *style = xml_in_attribute(attributes, "style");
    struct column_style c;
    enum err e;

    if (style == NULL || strlen(style) > STYLE_MAX ||
        !book_read_u32(xml_in_attribute(attributes, "min"), XLSX_READ_MAX_COLUMN, &c.from) ||
        !book_read_u32(xml_in_attribute(attributes, "max"), XLSX_READ_MAX_COLUMN, &c.to))
        return OK;
    if ((e = book_grow((void *)&f->columns, sizeof(c), f->column_count, &f->column_cap, COLUMNS_MAX)) != OK)
        return e;
    (void)snprintf(c.style, sizeof(c.style), "%s", style);
    f->columns[f->column_count++] = c;
    return OK;
}

static enum err start_row(struct filler *f, const char *const *attributes)
{
    const char *style = xml_in_attribute(attributes, "s");
    const char *is_styled = xml_in_attribute(attributes, "customFormat");
    static const struct xml_attribute without[] = {{"spans", NULL}};
    uint32_t n = f->row + 1;

    if (f->in_row || (xml_in_attribute(attributes, "r") != NULL &&
                      (!book_read_u32(xml_in_attribute(attributes, "r"), XLSX_READ_MAX_ROW, &n) || n <= f->row)))
        return book_malformed();
    f->in_row = true;
    if (waits(f, n - 1)) {
        xml_edit_copy_before(&f->x);
        put_rows_before(f, &f->x.out, n);
        f->is_changed = true;
    }
    f->row = n;
    f->column = 0;
    f->row_style[0] = '\0';
    if (style != NULL && is_styled != NULL && book_is_true(is_styled) && strlen(style) <= STYLE_MAX)
        (void)snprintf(f->row_style, sizeof(f->row_style), "%s", style);
    f->row_is_done = xml_edit_is_closed(xml_edit_tag(&f->x));
    if (!waits(f, n))
        return OK;
    f->is_changed = true;
    if (!f->row_is_done) {
        xml_edit_change(&f->x, without, 1);
        return OK;
    }
    buf_reset(&f->content);
    put_cells_before(f, &f->content, n, UINT32_MAX);
    xml_edit_fill(&f->x, without, 1, bytes_of(f->content.data, f->content.len));
    return OK;
}

static void end_row(struct filler *f)
{
    if (!f->row_is_done && waits(f, f->row)) {
        xml_edit_copy_before(&f->x);
        put_cells_before(f, &f->x.out, f->row, UINT32_MAX);
    }
}

static enum err start_cell(struct filler *f, const char *const *attributes)
{
    const char *style = xml_in_attribute(attributes, "s");
    const char *ref = xml_in_attribute(attributes, "r");
    const struct xlsx_fill_cell *c;
    struct xml_attribute set[] = {{"t", NULL}};
    uint32_t row = f->row, column = f->column + 1;

    if (!f->in_row || f->in_cell || column > XLSX_READ_MAX_COLUMN)
        return book_malformed();
    f->in_cell = true;
    if (ref != NULL && (!xlsx_cell_parse(ref, &row, &column) || row != f->row || column <= f->column))
        return book_malformed();
    f->column = column;
    f->is_formula = false;
    if (waits(f, f->row) && f->cells[f->next].column < column) {
        xml_edit_copy_before(&f->x);
        put_cells_before(f, &f->x.out, f->row, column);
    }
    if (!waits(f, f->row) || f->cells[f->next].column != column)
        return OK;
    c = &f->cells[f->next++];
    set[0].value = type_of(c);
    buf_reset(&f->content);
    put_content(f, &f->content, c, style);
    if (xml_edit_is_closed(xml_edit_tag(&f->x))) {
        xml_edit_fill(&f->x, set, 1, bytes_of(f->content.data, f->content.len));
        return OK;
    }
    xml_edit_change(&f->x, set, 1);
    buf_put(&f->x.out, f->content.data, f->content.len);
    f->in_ours = true;
    return OK;
}

/* Of a cell that is filled nothing stays; of a formula what it had come to goes. */
static enum err start_in_cell(struct filler *f, const char *name)
{
    if (f->in_ours && strcmp(name, "f") == 0) {
        f->bad = f->next - 1;
        return err_set(ERR_INVALID, _("the cell holds a formula of the template; the map must name another"));
    }
    if (f->in_ours) {
        xml_edit_drop(&f->x);
    } else if (strcmp(name, "f") == 0) {
        f->is_formula = true;
    } else if (f->is_formula && strcmp(name, "v") == 0) {
        xml_edit_copy_before(&f->x);
        xml_edit_drop(&f->x);
        f->is_changed = true;
    }
    return OK;
}

static enum err start_data(struct filler *f)
{
    if (f->has_data)
        return book_malformed();
    f->has_data = f->in_data = true;
    f->data_is_done = xml_edit_is_closed(xml_edit_tag(&f->x));
    if (!f->data_is_done || f->count == 0)
        return OK;
    buf_reset(&f->content);
    put_rows_before(f, &f->content, UINT32_MAX);
    xml_edit_fill(&f->x, NULL, 0, bytes_of(f->content.data, f->content.len));
    f->is_changed = true;
    return OK;
}

/* A cell covered by others is seen by nobody. */
static enum err check_merged(struct filler *f, const char *ref)
{
    struct book_area a;

    for (size_t i = 0; book_read_area(ref, &a) && i < f->count; i++) {
        const struct xlsx_fill_cell *c = &f->cells[i];

        if (c->row >= a.top && c->row <= a.bottom && c->column >= a.left && c->column <= a.right &&
            (c->row != a.top || c->column != a.left)) {
            f->bad = i;
            return err_set(ERR_INVALID,
                           _("the cell lies inside the merged cells %s; the map must name the first of them"), ref);
        }
    }
    return OK;
}

static enum err on_start(void *ctx, const char *name, const char *const *attributes)
{
    struct filler *f = ctx;

    if (!f->in_data) {
        if (strcmp(name, "col") == 0)
            return take_column(f, attributes);
        if (strcmp(name, "sheetData") == 0)
            return start_data(f);
        if (strcmp(name, "mergeCell") == 0)
            return check_merged(f, xml_in_attribute(attributes, "ref"));
        return OK;
    }
    if (strcmp(name, "row") == 0)
        return start_row(f, attributes);
    return strcmp(name, "c") == 0 ? start_cell(f, attributes) : start_in_cell(f, name);
}

static enum err on_end(void *ctx, const char *name)
{
    struct filler *f = ctx;

    if (!f->in_data)
        return OK;
    if (strcmp(name, "sheetData") == 0) {
        f->in_data = false;
        if (!f->data_is_done && f->next < f->count) {
            xml_edit_copy_before(&f->x);
            put_rows_before(f, &f->x.out, UINT32_MAX);
            f->is_changed = true;
        }
    } else if (strcmp(name, "row") == 0) {
        end_row(f);
        f->in_row = false;
    } else if (strcmp(name, "c") == 0) {
        f->in_cell = f->in_ours = f->is_formula = false;
    } else if (f->in_ours || (f->is_formula && strcmp(name, "v") == 0)) {
        xml_edit_drop(&f->x);
    }
    return OK;
}

static enum err fill_sheet(struct xlsx_book *b, uint32_t sheet, struct filler *f, struct zip_edit *zip)
{
    static const struct xml_in_calls calls = {on_start, on_end, NULL};
    enum err e;

    f->book = b;
    f->bad = f->count;
    buf_init(&f->content, CONTENT_MAX);
    if ((e = xml_edit_open(&f->x, b->zip, b->sheets[sheet].part)) == OK && (e = xml_edit_run(&f->x, &calls, f)) == OK &&
        f->next < f->count)
        e = book_malformed();
    if (e == OK && f->is_changed && (e = xml_edit_finish(&f->x)) == OK && (e = buf_status(&f->content)) == OK)
        e = zip_edit_put(zip, b->sheets[sheet].part, bytes_of(f->x.out.data, f->x.out.len));
    xml_edit_close(&f->x);
    buf_wipe(&f->content);
    free(f->columns);
    return e;
}

/* ---- the list of sheets: everything is to be computed anew ---- */

struct recount {
    struct xml_edit x;
    unsigned depth;
    bool is_done;
};

/* What may only stand behind <calcPr>. */
static bool is_behind(const char *name)
{
    static const char *const names[] = {"oleSize",        "customWorkbookViews", "pivotCaches",
                                        "smartTagPr",     "smartTagTypes",       "webPublishing",
                                        "fileRecoveryPr", "webPublishObjects",   "extLst"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void put_recount(struct recount *r)
{
    xml_edit_copy_before(&r->x);
    buf_printf(&r->x.out, "<%scalcPr fullCalcOnLoad=\"1\"/>", r->x.prefix);
    r->is_done = true;
}

static enum err recount_start(void *ctx, const char *name, const char *const *attributes)
{
    static const struct xml_attribute set[] = {{"fullCalcOnLoad", "1"}};
    struct recount *r = ctx;

    (void)attributes;
    if (r->depth++ != 1 || r->is_done)
        return OK;
    if (strcmp(name, "calcPr") == 0) {
        xml_edit_change(&r->x, set, 1);
        r->is_done = true;
    } else if (is_behind(name)) {
        put_recount(r);
    }
    return OK;
}

static enum err recount_end(void *ctx, const char *name)
{
    struct recount *r = ctx;

    (void)name;
    if (--r->depth == 0 && !r->is_done)
        put_recount(r);
    return OK;
}

static enum err set_recount(const struct xlsx_book *b, struct zip_edit *zip)
{
    static const struct xml_in_calls calls = {recount_start, recount_end, NULL};
    struct recount r = {.is_done = false};
    enum err e = xml_edit_open(&r.x, b->zip, b->part);

    if (e == OK && (e = xml_edit_run(&r.x, &calls, &r)) == OK && (e = xml_edit_finish(&r.x)) == OK)
        e = zip_edit_put(zip, b->part, bytes_of(r.x.out.data, r.x.out.len));
    xml_edit_close(&r.x);
    return e;
}

enum err xlsx_fill(struct xlsx_book *b, const struct xlsx_fill_cell *cells, size_t count, struct buf *out, size_t *bad)
{
    struct zip_edit *zip = NULL;
    size_t at = 0;
    enum err e = zip_edit_open(&zip, bytes_of(b->bytes, b->len));

    for (uint32_t sheet = 0; sheet < b->sheet_count && e == OK; sheet++) {
        struct filler f = {.cells = cells + at};

        while (at + f.count < count && cells[at + f.count].sheet == sheet)
            f.count++;
        e = fill_sheet(b, sheet, &f, zip);
        if (e == ERR_INVALID)
            *bad = at + f.bad;
        at += f.count;
    }
    if (e == OK && (e = set_recount(b, zip)) == OK)
        e = zip_edit_finish(zip, out);
    zip_edit_close(zip);
    return e;
}
