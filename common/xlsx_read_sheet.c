/* The rows of one sheet, as the XML comes by. */
#include "common/xlsx_read_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SPAN_COLUMNS 1024u /* <col> elements */

struct span {
    uint32_t from, to;
};
/* A cell of the row at hand: its text in `text`, from `at`. */
struct draft {
    size_t at, len;
    enum xlsx_fault fault;
};

enum cell_type { CELL_NUMBER, CELL_SHARED, CELL_INLINE, CELL_STRING, CELL_BOOLEAN, CELL_ERROR, CELL_ISO_DATE };

struct xlsx_rows {
    struct xlsx_book *b;
    struct xml_in *xml;
    bool is_scan;        /* looks for merged cells and hidden columns alone */
    struct book_area *merged; /* by top */
    uint32_t merged_count, merged_cap, merged_from;
    struct span *hidden;
    uint32_t hidden_count, hidden_cap;

    bool in_data, in_row, in_cell, in_inline, in_text;
    uint32_t phonetic;
    uint32_t number; /* of the row at hand */
    bool row_is_hidden;
    uint32_t column; /* of the cell at hand, from 1 */
    enum cell_type type;
    struct xlsx_format format;
    bool has_formula, has_value;
    struct buf value; /* of the cell at hand, as it stands */
    struct buf text;  /* of the row's cells */
    struct draft *drafts;
    uint32_t drafts_cap, count, used; /* used: up to the last that is not empty */
    struct xlsx_cell *cells;
};

/* ---- places ---- */

size_t book_read_place(const char *text, uint32_t *row, uint32_t *column)
{
    const char *p = text;
    uint32_t c = 0, r = 0;

    p += *p == '$';
    for (; (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'); p++) {
        c = c * 26 + (uint32_t)((*p & 0x1F));
        if (c > XLSX_READ_MAX_COLUMN)
            return 0;
    }
    p += *p == '$';
    for (; *p >= '0' && *p <= '9'; p++) {
        r = r * 10 + (uint32_t)(*p - '0');
        if (r > XLSX_READ_MAX_ROW)
            return 0;
    }
    if (c == 0 || r == 0)
        return 0;
    *row = r;
    *column = c;
    return (size_t)(p - text);
}

bool book_read_area(const char *text, struct book_area *a)
{
    size_t len = text != NULL ? book_read_place(text, &a->top, &a->left) : 0;

    if (len == 0 || text[len] != ':')
        return false;
    text += len + 1;
    len = book_read_place(text, &a->bottom, &a->right);
    return len > 0 && text[len] == '\0' && a->top <= a->bottom && a->left <= a->right;
}

/* ---- the scan ---- */

static enum err scan_start(struct xlsx_rows *r, const char *name, const char *const *attributes)
{
    uint32_t from = 0, to = 0;
    struct book_area a;
    enum err e;

    if (strcmp(name, "mergeCell") == 0) {
        if (!book_read_area(xml_in_attribute(attributes, "ref"), &a))
            return book_malformed();
        if ((e = book_grow((void *)&r->merged, sizeof(a), r->merged_count, &r->merged_cap, XLSX_READ_MAX_MERGED)) == OK)
            r->merged[r->merged_count++] = a;
        return e;
    }
    if (strcmp(name, "col") != 0 || !book_is_true(xml_in_attribute(attributes, "hidden")) ||
        !book_read_u32(xml_in_attribute(attributes, "min"), XLSX_READ_MAX_COLUMN, &from) ||
        !book_read_u32(xml_in_attribute(attributes, "max"), XLSX_READ_MAX_COLUMN, &to))
        return OK;
    if ((e = book_grow((void *)&r->hidden, sizeof(*r->hidden), r->hidden_count, &r->hidden_cap, MAX_SPAN_COLUMNS)) ==
        OK)
        r->hidden[r->hidden_count++] = (struct span){from, to};
    return e;
}

/* ---- cells ---- */

static enum err row_too_long(const struct xlsx_rows *r)
{
    return err_set(ERR_LIMIT, _("row %u is longer than %u MiB"), r->number, XLSX_READ_MAX_ROW_BYTES >> 20);
}

static enum err begin_row(struct xlsx_rows *r, const char *const *attributes)
{
    const char *text = xml_in_attribute(attributes, "r");
    uint32_t number = r->number + 1;

    if ((text != NULL && !book_read_u32(text, XLSX_READ_MAX_ROW, &number)) || number <= r->number ||
        number > XLSX_READ_MAX_ROW)
        return book_malformed();
    r->number = number;
    r->row_is_hidden = book_is_true(xml_in_attribute(attributes, "hidden"));
    r->in_row = true;
    r->column = r->count = r->used = 0;
    buf_reset(&r->text);
    return OK;
}

static enum cell_type type_of(const char *t)
{
    static const struct {
        const char *name;
        enum cell_type type;
    } types[] = {{"s", CELL_SHARED},  {"inlineStr", CELL_INLINE}, {"str", CELL_STRING},
                 {"b", CELL_BOOLEAN}, {"e", CELL_ERROR},          {"d", CELL_ISO_DATE}};

    for (size_t i = 0; t != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, t) == 0)
            return types[i].type;
    return CELL_NUMBER;
}

static enum err begin_cell(struct xlsx_rows *r, const char *const *attributes)
{
    const char *place = xml_in_attribute(attributes, "r");
    uint32_t row = r->number;
    uint32_t column = r->column + 1;
    uint32_t style = 0;
    size_t len = place != NULL ? book_read_place(place, &row, &column) : 0;

    if ((place != NULL && (len == 0 || place[len] != '\0')) || row != r->number || column <= r->column ||
        column > XLSX_READ_MAX_COLUMN)
        return book_malformed();
    r->column = column;
    r->type = type_of(xml_in_attribute(attributes, "t"));
    (void)book_read_u32(xml_in_attribute(attributes, "s"), UINT32_MAX, &style);
    r->format = style < r->b->format_count ? r->b->formats[style] : xlsx_format_builtin(0);
    r->in_cell = true;
    r->has_formula = r->has_value = false;
    buf_reset(&r->value);
    return OK;
}

static enum err put_number(struct xlsx_rows *r, struct draft *d)
{
    enum err e = xlsx_number_put(&r->text, (const char *)r->value.data, r->value.len, r->format, r->b->is_1904);

    if (e == OK)
        return OK;
    d->fault = e == ERR_INVALID ? XLSX_FAULT_NO_DAY : XLSX_FAULT_NO_NUMBER;
    buf_put(&r->text, r->value.data, r->value.len);
    return OK;
}

static enum err put_shared(struct xlsx_rows *r)
{
    struct bytes text;
    uint32_t i;
    enum err e;

    if (!book_read_u32(buf_cstr(&r->value), XLSX_READ_MAX_STRINGS, &i))
        return book_malformed();
    if ((e = book_string(r->b, i, &text)) == OK && text.len > 0)
        buf_put(&r->text, text.p, text.len);
    return e;
}

static void put_iso_date(struct xlsx_rows *r)
{
    const char *text = buf_cstr(&r->value);
    char *t = strchr(text, 'T');

    if (t != NULL && (strncmp(t, "T00:00:00", 9) == 0 || r->format.shown == XLSX_SHOWN_DATE))
        *t = '\0';
    else if (t != NULL)
        *t = ' ';
    buf_put_str(&r->text, text);
}

static enum err put_value(struct xlsx_rows *r, struct draft *d)
{
    if (r->value.len == 0) { /* "" is a formula's result, too; none at all is not */
        if (r->has_formula && !r->has_value)
            d->fault = XLSX_FAULT_NO_RESULT;
        return OK;
    }
    switch (r->type) {
    case CELL_NUMBER: return put_number(r, d);
    case CELL_SHARED: return put_shared(r);
    case CELL_INLINE:
    case CELL_STRING: book_put_unescaped(&r->text, bytes_of(r->value.data, r->value.len)); return OK;
    case CELL_BOOLEAN: buf_put_str(&r->text, r->value.data[0] == '1' ? "true" : "false"); return OK;
    case CELL_ERROR:
        d->fault = XLSX_FAULT_ERROR;
        buf_put(&r->text, r->value.data, r->value.len);
        return OK;
    case CELL_ISO_DATE: put_iso_date(r); return OK;
    }
    return OK;
}

/* Makes the drafts reach to `count`; those between are empty. */
static enum err reach(struct xlsx_rows *r, uint32_t count)
{
    while (r->count < count) {
        enum err e = book_grow((void *)&r->drafts, sizeof(*r->drafts), r->count, &r->drafts_cap, XLSX_READ_MAX_COLUMN);

        if (e != OK)
            return e;
        r->drafts[r->count++] = (struct draft){.at = r->text.len};
    }
    return OK;
}

static enum err end_cell(struct xlsx_rows *r)
{
    struct draft d = {.at = r->text.len};
    enum err e;

    r->in_cell = false;
    if ((e = put_value(r, &d)) != OK)
        return e;
    d.len = r->text.len - d.at;
    if ((e = buf_status(&r->text)) != OK)
        return e == ERR_LIMIT ? row_too_long(r) : e;
    if (d.len == 0 && d.fault == XLSX_FAULT_NONE) /* a frame or a colour alone */
        return OK;
    if ((e = reach(r, r->column)) == OK) {
        r->drafts[r->column - 1] = d;
        r->used = r->column;
    }
    return e;
}

/* ---- elements ---- */

static enum err row_start(struct xlsx_rows *r, const char *name, const char *const *attributes)
{
    if (strcmp(name, "sheetData") == 0)
        r->in_data = true;
    else if (r->in_data && !r->in_row && strcmp(name, "row") == 0)
        return begin_row(r, attributes);
    else if (r->in_row && !r->in_cell && strcmp(name, "c") == 0)
        return begin_cell(r, attributes);
    else if (!r->in_cell)
        return OK;
    else if (strcmp(name, "f") == 0)
        r->has_formula = true;
    else if (strcmp(name, "is") == 0)
        r->in_inline = true;
    else if (strcmp(name, "rPh") == 0)
        r->phonetic++;
    else if (strcmp(name, "v") == 0 || (strcmp(name, "t") == 0 && r->in_inline && r->phonetic == 0))
        r->in_text = r->has_value = true;
    return OK;
}

static enum err on_start(void *ctx, const char *name, const char *const *attributes)
{
    struct xlsx_rows *r = ctx;

    return r->is_scan ? scan_start(r, name, attributes) : row_start(r, name, attributes);
}

static enum err on_end(void *ctx, const char *name)
{
    struct xlsx_rows *r = ctx;

    if (r->is_scan)
        return OK;
    if (r->in_cell) {
        if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
            r->in_text = false;
        else if (strcmp(name, "is") == 0)
            r->in_inline = false;
        else if (strcmp(name, "rPh") == 0 && r->phonetic > 0)
            r->phonetic--;
        else if (strcmp(name, "c") == 0)
            return end_cell(r);
    } else if (r->in_row && strcmp(name, "row") == 0) {
        r->in_row = false;
        if (r->used > 0)
            xml_in_pause(r->xml);
    } else if (strcmp(name, "sheetData") == 0) {
        r->in_data = false;
    }
    return OK;
}

static enum err on_text(void *ctx, const char *text, size_t len)
{
    struct xlsx_rows *r = ctx;

    if (r->is_scan || !r->in_text)
        return OK;
    buf_put(&r->value, text, len);
    if (buf_status(&r->value) == ERR_LIMIT)
        return err_set(ERR_LIMIT, _("row %u: the text of a cell is longer than %u KiB"), r->number,
                       XLSX_READ_MAX_CELL >> 10);
    return buf_status(&r->value);
}

/* ---- opening ---- */

static enum err start(struct xlsx_rows *r, uint32_t sheet)
{
    static const struct xml_in_calls calls = {on_start, on_end, on_text};
    struct zip_part *part = NULL;
    enum err e = zip_part_open(&part, r->b->zip, r->b->sheets[sheet].part);

    if (e != OK)
        return e == ERR_NOT_FOUND ? book_malformed() : e;
    return xml_in_open(&r->xml, part, &calls, r);
}

static int by_top(const void *a, const void *b)
{
    const struct book_area *x = a;
    const struct book_area *y = b;

    return x->top < y->top ? -1 : x->top > y->top;
}

static enum err scan(struct xlsx_rows *r, uint32_t sheet)
{
    enum err e = start(r, sheet);

    r->is_scan = true;
    while (e == OK)
        e = xml_in_run(r->xml);
    r->is_scan = false;
    xml_in_close(r->xml);
    r->xml = NULL;
    if (r->merged_count > 0)
        qsort(r->merged, r->merged_count, sizeof(*r->merged), by_top);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err xlsx_rows_open(struct xlsx_rows **out, struct xlsx_book *b, uint32_t sheet)
{
    struct xlsx_rows *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    r->b = b;
    buf_init_secret(&r->value, XLSX_READ_MAX_CELL);
    buf_init_secret(&r->text, XLSX_READ_MAX_ROW_BYTES);
    if ((r->cells = calloc(XLSX_READ_MAX_COLUMN, sizeof(*r->cells))) == NULL)
        e = ERR_NOMEM;
    else if ((e = scan(r, sheet)) == OK)
        e = start(r, sheet);
    if (e != OK) {
        xlsx_rows_close(r);
        return e;
    }
    *out = r;
    return OK;
}

void xlsx_rows_close(struct xlsx_rows *r)
{
    if (r == NULL)
        return;
    xml_in_close(r->xml);
    buf_wipe(&r->value);
    buf_wipe(&r->text);
    free(r->drafts);
    free(r->cells);
    free(r->merged);
    free(r->hidden);
    free(r);
}

/* ---- a row ---- */

/* Cells of the row under a merged one, without it: its text is theirs as far as it stands in this row. */
static enum err cover(struct xlsx_rows *r, const struct book_area *a, uint32_t edge)
{
    struct draft first = {.fault = XLSX_FAULT_NONE};
    uint32_t right = a->right < edge ? a->right : edge;
    enum err e;

    if (a->left > edge)
        return OK;
    if ((e = reach(r, right)) != OK)
        return e;
    if (a->top == r->number)
        first = r->drafts[a->left - 1];
    for (uint32_t c = a->left; c <= right; c++) {
        if (a->top == r->number && c == a->left)
            continue;
        r->drafts[c - 1] = (struct draft){first.at, first.len, XLSX_FAULT_COVERED};
        if (c > r->used)
            r->used = c;
    }
    return OK;
}

/* Merged cells may reach the end of the sheet: beyond the widest text they mean nothing. */
static enum err cover_row(struct xlsx_rows *r)
{
    uint32_t edge = 0;
    uint32_t width = 0; /* of all merged cells in this row: they cannot lie over each other */
    enum err e = OK;

    while (r->merged_from < r->merged_count && r->merged[r->merged_from].bottom < r->number)
        r->merged_from++;
    for (uint32_t i = r->merged_from; i < r->merged_count && r->merged[i].top <= r->number; i++)
        if (r->merged[i].bottom >= r->number) {
            edge = r->merged[i].right > edge ? r->merged[i].right : edge;
            width += r->merged[i].right - r->merged[i].left + 1;
            if (width > XLSX_READ_MAX_COLUMN)
                return book_malformed();
        }
    if (edge > r->used + XLSX_READ_MAX_COLUMN / 64)
        edge = r->used;
    for (uint32_t i = r->merged_from; i < r->merged_count && r->merged[i].top <= r->number && e == OK; i++)
        if (r->merged[i].bottom >= r->number)
            e = cover(r, &r->merged[i], edge);
    return e;
}

static enum err finish_row(struct xlsx_rows *r, struct xlsx_row *row)
{
    enum err e = cover_row(r);

    if (e != OK)
        return e;
    for (uint32_t i = 0; i < r->used; i++) {
        const struct draft *d = &r->drafts[i];

        r->cells[i].text = d->len > 0 ? bytes_of(r->text.data + d->at, d->len) : bytes_of("", 0);
        r->cells[i].fault = d->fault;
    }
    *row = (struct xlsx_row){r->number, r->used, r->row_is_hidden, r->cells};
    return OK;
}

enum err xlsx_rows_next(struct xlsx_rows *r, struct xlsx_row *row)
{
    enum err e = xml_in_run(r->xml);

    return e == OK ? finish_row(r, row) : e;
}

bool xlsx_rows_column_is_hidden(const struct xlsx_rows *r, uint32_t column)
{
    for (uint32_t i = 0; i < r->hidden_count; i++)
        if (column + 1 >= r->hidden[i].from && column + 1 <= r->hidden[i].to)
            return true;
    return false;
}

uint64_t xlsx_rows_offset(const struct xlsx_rows *r)
{
    return zip_part_offset(xml_in_part(r->xml));
}

uint64_t xlsx_rows_size(const struct xlsx_rows *r)
{
    return zip_part_size(xml_in_part(r->xml));
}
