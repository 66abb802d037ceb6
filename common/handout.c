#include "common/handout.h"

#include "common/cli.h"
#include "common/html.h"
#include "common/value.h"
#include "common/xlsx_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_ON_PAPER 12u /* of A4, lying */
#define COLUMNS_WIDE     9u  /* from this many on in smaller letters */
#define WIDTH_MIN        10.0
#define WIDTH_MAX        26.0
#define FIRST_WIDTH      36.0
#define NOTE_WIDTH       140.0 /* a note of a workbook reaches over so much of its table */

struct handout {
    char *path, *mark;
    struct xlsx *book; /* NULL: a page */
    struct xlsx_sheet *sheet;
    uint32_t row, column;
    uint32_t columns;      /* of the table, or of the widest before */
    bool has_table;        /* this sheet: what is repeated and stays in view is known */
    double width;          /* of the table's columns together */
    uint32_t note_columns; /* that a note reaches over; 0: no table yet */
    double note_width;
    struct buf page;
    bool in_table, in_row, in_sheet;
    bool *is_number; /* of the table's columns */
    double *widths;  /* of a workbook: of this sheet's columns, width_count of them */
    size_t width_count;
    unsigned lines; /* that the row needs */
};

static const char style[] =
    "body{font:10pt/1.3 sans-serif;margin:8mm}h1{font-size:15pt;margin:0 0 1mm}h2{font-size:11pt;margin:4mm 0 "
    "0;break-after:avoid}p{margin:.7mm 0}"
    "section+section{break-before:page;margin-top:10mm}"
    "table{border-collapse:collapse;margin:3mm 0}thead{display:table-header-group}tr{break-inside:avoid}"
    "th,td{border:1px solid #999;padding:.6mm 1.4mm;vertical-align:top;text-align:left;overflow-wrap:break-word}"
    "th{background:#e7e6e6;vertical-align:middle;hyphens:auto}td.n{text-align:right}"
    "tr.span th{background:#f3f3f3}.total{font-weight:bold}"
    ".good{background:#d9ead3}.bad{background:#f4cccc}.unsure{background:#fff2cc}"
    "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    ".mark{font-style:italic;color:#555}.wide{font-size:8pt}"
    ".paper,.paper>*>tr>td{border:0;padding:0;margin:0}.paper>tbody>tr{break-inside:auto}"
    ".paper>tfoot td{font-size:8pt;color:#555;padding-top:2mm}@media screen{.paper>tfoot{display:none}}"
    "@media print{body{margin:0}}@page{size:A4 landscape;margin:10mm}";

static bool ends_in(const char *path, const char *suffix)
{
    size_t len = strlen(path), tail = strlen(suffix);

    return len > tail && strcasecmp(path + len - tail, suffix) == 0;
}

static bool is_page(const char *path)
{
    return ends_in(path, ".html") || ends_in(path, ".htm");
}

enum err handout_names(const char *xlsx, const char *html)
{
    if (xlsx != NULL && !ends_in(xlsx, ".xlsx"))
        return err_set(ERR_USAGE, _("--xlsx: a name ending in .xlsx was expected (found: %s)"), xlsx);
    if (html != NULL && !is_page(html))
        return err_set(ERR_USAGE, _("--html: a name ending in .html was expected (found: %s)"), html);
    return OK;
}

static void put_element(struct handout *o, const char *before, const char *text, const char *after)
{
    buf_put_str(&o->page, before);
    html_put(&o->page, text);
    buf_put_str(&o->page, after);
}

static void begin_page(struct handout *o, const char *title)
{
    buf_printf(&o->page, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n<title>",
               cli_pick("ru", "en"));
    html_put(&o->page, title);
    buf_printf(&o->page, "</title>\n<style>%s</style></head>\n<body>\n", style);
    if (o->mark != NULL) /* a table's foot is the one thing that browsers repeat on each side, and keep room for */
        put_element(o, "<table class=\"paper\"><tfoot><tr><td>", o->mark, "</td></tr></tfoot><tbody><tr><td>\n");
}

enum err handout_new(struct handout **out, const char *path, const char *title, const char *mark, int32_t day)
{
    struct handout *o;
    enum err e = OK;

    if (!is_page(path) && !ends_in(path, ".xlsx"))
        return err_set(ERR_USAGE, _("%s: a name ending in .xlsx or .html was expected"), path);
    if ((o = calloc(1, sizeof(*o))) == NULL)
        return ERR_NOMEM;
    buf_init_secret(&o->page, HANDOUT_MAX_BYTES);
    if ((o->path = strdup(path)) == NULL || (mark != NULL && (o->mark = strdup(mark)) == NULL))
        e = ERR_NOMEM;
    else if (is_page(path))
        begin_page(o, title);
    else
        e = xlsx_new(&o->book, title, day);
    if (e != OK) {
        handout_free(o);
        return e;
    }
    *out = o;
    return OK;
}

void handout_free(struct handout *o)
{
    if (o == NULL)
        return;
    xlsx_free(o->book);
    buf_fini(&o->page);
    free(o->is_number);
    free(o->widths);
    free(o->path);
    free(o->mark);
    free(o);
}

size_t handout_columns_at_once(const struct handout *o)
{
    return o->book != NULL ? XLSX_MAX_COLUMNS : COLUMNS_ON_PAPER;
}

/* ---- what is open is closed ---- */

static void end_row(struct handout *o)
{
    if (!o->in_row)
        return;
    if (o->book == NULL)
        buf_put_str(&o->page, "</tr>\n");
    else if (o->lines > 1) /* not every program finds the height of a row by itself */
        xlsx_lines(o->sheet, o->row, o->lines);
    o->row++;
    o->column = 0;
    o->in_row = false;
}

static void end_table(struct handout *o)
{
    end_row(o);
    if (!o->in_table)
        return;
    if (o->book == NULL)
        buf_put_str(&o->page, "</tbody></table>\n");
    o->row++;
    o->in_table = false;
}

static void end_sheet(struct handout *o)
{
    end_table(o);
    if (o->in_sheet && o->book == NULL)
        buf_put_str(&o->page, "</section>\n");
    o->in_sheet = false;
}

/* ---- sheets, lines, tables ---- */

void handout_sheet(struct handout *o, const char *name, const char *title)
{
    end_sheet(o);
    o->in_sheet = true;
    o->has_table = false;
    o->width_count = 0;
    o->row = o->column = o->columns = o->note_columns = 0;
    if (o->book == NULL) {
        put_element(o, "<section>\n<h1>", title, "</h1>\n");
        if (o->mark != NULL)
            put_element(o, "<p class=\"mark\">", o->mark, "</p>\n");
        return;
    }
    o->sheet = xlsx_sheet(o->book, name);
    xlsx_text(o->sheet, o->row++, 0, XLSX_TITLE, title);
    if (o->mark != NULL) {
        xlsx_text(o->sheet, o->row++, 0, XLSX_NOTE, o->mark);
        xlsx_footer(o->sheet, o->mark);
    }
}

void handout_line(struct handout *o, const char *text)
{
    end_table(o);
    if (o->book == NULL) {
        put_element(o, "<p>", text, "</p>\n");
    } else if (o->note_columns == 0) {
        xlsx_text(o->sheet, o->row++, 0, XLSX_PLAIN, text);
    } else {
        xlsx_lines(o->sheet, o->row, xlsx_wrapped(text, o->note_width));
        xlsx_span(o->sheet, o->row++, 0, o->note_columns - 1, XLSX_REMARK, text);
    }
}

void handout_heading(struct handout *o, const char *text)
{
    end_table(o);
    if (o->book == NULL)
        put_element(o, "<h2>", text, "</h2>\n");
    else
        xlsx_text(o->sheet, o->row++, 0, XLSX_TITLE, text);
}

static double width_of(const struct handout_column *c, size_t number)
{
    double w = xlsx_longest_word(c->title);

    if (c->width > 0) /* a word of a heading is not broken */
        return w <= c->width ? c->width : w > WIDTH_MAX ? WIDTH_MAX : w;
    if (number == 0)
        return FIRST_WIDTH;
    return w < WIDTH_MIN ? WIDTH_MIN : w > WIDTH_MAX ? WIDTH_MAX : w;
}

/* Tables below each other share their columns: none gets narrower. */
static double width_at(const struct handout *o, const struct handout_column *c, size_t number)
{
    double w = width_of(c, number);

    return number < o->width_count && o->widths[number] > w ? o->widths[number] : w;
}

static void put_book_heads(struct handout *o, const struct handout_column *columns, size_t count)
{
    unsigned lines = 1;

    o->width = o->note_width = 0;
    o->note_columns = 0;
    for (size_t i = 0; i < count; i++) {
        double w = width_at(o, &columns[i], i);
        unsigned n = xlsx_wrapped(columns[i].title, w);

        lines = n > lines ? n : lines;
        o->width += w;
        o->widths[i] = w;
        if (i == 0 || (o->width <= NOTE_WIDTH && o->note_columns == i)) {
            o->note_columns++;
            o->note_width = o->width;
        }
        xlsx_text(o->sheet, o->row, (uint32_t)i, XLSX_HEADING, columns[i].title);
        xlsx_width(o->sheet, (uint32_t)i, w);
    }
    o->width_count = count > o->width_count ? count : o->width_count;
    xlsx_lines(o->sheet, o->row++, lines);
    if (o->has_table)
        return;
    o->has_table = true;
    xlsx_freeze(o->sheet, o->row, 1);
    if (o->width <= XLSX_PAGE_WIDTH)
        xlsx_print_wide(o->sheet, o->row);
    else
        xlsx_print_many(o->sheet, 1);
}

void handout_table(struct handout *o, const struct handout_column *columns, size_t count)
{
    bool *kinds = reallocarray(o->is_number, count + 1, sizeof(*kinds));
    double *widths = reallocarray(o->widths, (count > o->width_count ? count : o->width_count) + 1, sizeof(*widths));

    end_table(o);
    o->is_number = kinds != NULL ? kinds : o->is_number;
    o->widths = widths != NULL ? widths : o->widths;
    o->columns = (uint32_t)count;
    o->in_table = true;
    if (kinds == NULL || widths == NULL) {
        o->page.failed = true; /* of a workbook, too: handout_save() looks */
        o->columns = 0;
        return;
    }
    for (size_t i = 0; i < count; i++)
        kinds[i] = columns[i].is_number;
    if (o->book != NULL) {
        put_book_heads(o, columns, count);
        return;
    }
    buf_put_str(&o->page, count >= COLUMNS_WIDE ? "<table class=\"wide\"><thead><tr>" : "<table><thead><tr>");
    for (size_t i = 0; i < count; i++)
        put_element(o, "<th>", columns[i].title, "</th>");
    buf_put_str(&o->page, "</tr></thead><tbody>\n");
}

void handout_span(struct handout *o, const char *text)
{
    end_row(o);
    if (o->book == NULL) {
        buf_printf(&o->page, "<tr class=\"span\"><th colspan=\"%u\">", o->columns);
        put_element(o, "", text, "</th></tr>\n");
        return;
    }
    xlsx_lines(o->sheet, o->row, xlsx_wrapped(text, o->width));
    xlsx_span(o->sheet, o->row++, 0, o->columns > 0 ? o->columns - 1 : 0, XLSX_GROUP, text);
}

/* ---- cells ---- */

void handout_row(struct handout *o)
{
    end_row(o);
    o->in_row = true;
    o->lines = 1;
    if (o->book == NULL)
        buf_put_str(&o->page, "<tr>");
}

static enum xlsx_style style_of(enum handout_look look)
{
    static const enum xlsx_style styles[] = {[HANDOUT_CELL] = XLSX_CELL,
                                             [HANDOUT_TOTAL] = XLSX_TOTAL,
                                             [HANDOUT_GOOD] = XLSX_GOOD,
                                             [HANDOUT_BAD] = XLSX_BAD,
                                             [HANDOUT_UNSURE] = XLSX_UNSURE};

    return styles[look];
}

static void put_page_cell(struct handout *o, enum handout_look look, const char *text)
{
    static const char *const classes[] = {[HANDOUT_CELL] = "",
                                          [HANDOUT_TOTAL] = " total",
                                          [HANDOUT_GOOD] = " good",
                                          [HANDOUT_BAD] = " bad",
                                          [HANDOUT_UNSURE] = " unsure"};
    bool is_number = o->column < o->columns && o->is_number[o->column];

    if (is_number || look != HANDOUT_CELL)
        buf_printf(&o->page, "<td class=\"%s%s\">", is_number ? "n" : "", classes[look]);
    else
        buf_put_str(&o->page, "<td>");
    put_element(o, "", text, "</td>");
}

void handout_text(struct handout *o, enum handout_look look, const char *text)
{
    if (o->book == NULL) {
        put_page_cell(o, look, text);
    } else {
        unsigned n = o->column < o->columns ? xlsx_wrapped(text, o->widths[o->column]) : 1;

        o->lines = n > o->lines ? n : o->lines;
        xlsx_text(o->sheet, o->row, o->column, style_of(look), text);
    }
    o->column++;
}

void handout_number(struct handout *o, enum handout_look look, int64_t scaled, unsigned places)
{
    struct buf shown;

    if (o->book != NULL) {
        xlsx_decimal(o->sheet, o->row, o->column++, style_of(look), scaled, places);
        return;
    }
    buf_init(&shown, 64);
    decimal_format(&shown, scaled, places);
    cli_localise(&shown);
    put_page_cell(o, look, buf_cstr(&shown));
    buf_fini(&shown);
    o->column++;
}

enum err handout_save(struct handout *o)
{
    enum err e;

    end_sheet(o);
    if (o->page.failed)
        return o->page.over_max
                   ? err_set(ERR_LIMIT, _("%s: it would be larger than %u MiB"), o->path, HANDOUT_MAX_BYTES >> 20)
                   : ERR_NOMEM;
    if (o->book != NULL)
        return xlsx_save(o->book, o->path, false);
    buf_put_str(&o->page, o->mark != NULL ? "</td></tr></tbody></table></body></html>\n" : "</body></html>\n");
    if ((e = buf_status(&o->page)) != OK)
        return e;
    return cli_write_file(o->path, o->page.data, o->page.len, 0600, false);
}
