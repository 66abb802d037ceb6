#include "common/table.h"

#include "common/cli.h"
#include "common/csv.h"
#include "common/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (512u << 20) /* of all cells of one listing */
#define GAP       "  "

struct table {
    const struct table_column *columns;
    size_t count;
    struct buf text;  /* cells one after another, each with its NUL */
    size_t *starts;   /* of each cell in `text`, row by row */
    size_t rows, cap; /* cap: rows that `starts` has room for */
};

enum err table_new(struct table **out, const struct table_column *columns, size_t count)
{
    struct table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return err_set(ERR_NOMEM, _("not enough memory"));
    t->columns = columns;
    t->count = count;
    buf_init_secret(&t->text, MAX_BYTES);
    *out = t;
    return OK;
}

void table_free(struct table *t)
{
    if (t == NULL)
        return;
    buf_wipe(&t->text);
    free(t->starts);
    free(t);
}

static enum err reserve_row(struct table *t)
{
    size_t cap = t->cap == 0 ? 64 : t->cap * 2;
    size_t *grown;

    if (t->rows < t->cap)
        return OK;
    grown = reallocarray(t->starts, cap, t->count * sizeof(*grown));
    if (grown == NULL)
        return err_set(ERR_NOMEM, _("not enough memory"));
    t->starts = grown;
    t->cap = cap;
    return OK;
}

enum err table_row(struct table *t, const char *const *cells)
{
    size_t before = t->text.len;
    enum err e = reserve_row(t);

    if (e != OK)
        return e;
    for (size_t i = 0; i < t->count; i++) {
        const char *text = cells[i] != NULL ? cells[i] : "";

        t->starts[t->rows * t->count + i] = t->text.len;
        buf_put(&t->text, text, strlen(text) + 1);
    }
    e = buf_status(&t->text);
    if (e != OK) {
        t->text.len = before; /* the row as a whole or not at all */
        t->text.failed = false;
        return err_set(e, _("the listing is too long to be shown"));
    }
    t->rows++;
    return OK;
}

static const char *cell_at(const struct table *t, size_t row, size_t column)
{
    return (const char *)t->text.data + t->starts[row * t->count + column];
}

/* ---- for a terminal ---- */

/* Control characters, of both sets, become blanks: what a school typed must not steer the operator's terminal. */
static void put_shown(struct buf *line, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    for (; *p != '\0'; p++) {
        if (p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F)
            buf_put_u8(line, ' '), p++;
        else
            buf_put_u8(line, *p < 0x20 || *p == 0x7F ? ' ' : *p);
    }
}

static enum err shown_width(struct buf *scratch, const char *text, size_t *width)
{
    buf_reset(scratch);
    put_shown(scratch, text);
    *width = utf8_width(buf_cstr(scratch));
    return buf_status(scratch);
}

static void put_blanks(struct buf *line, size_t n)
{
    while (n-- > 0)
        buf_put_u8(line, ' ');
}

/* One cell padded to `width`; the last of a line only where the text stands on the right. */
static void put_padded(struct buf *line, const char *text, size_t own, size_t width, enum table_align align, bool last)
{
    size_t blanks = own < width ? width - own : 0;

    if (align == TABLE_RIGHT)
        put_blanks(line, blanks);
    put_shown(line, text);
    if (align == TABLE_LEFT && !last)
        put_blanks(line, blanks);
    if (!last)
        buf_put_str(line, GAP);
}

static enum err find_widths(const struct table *t, struct buf *scratch, size_t *widths)
{
    for (size_t i = 0; i < t->count; i++) {
        enum err e = shown_width(scratch, t->columns[i].title, &widths[i]);

        for (size_t r = 0; e == OK && r < t->rows; r++) {
            size_t width;

            e = shown_width(scratch, cell_at(t, r, i), &width);
            if (width > widths[i])
                widths[i] = width;
        }
        if (e != OK)
            return e;
    }
    return OK;
}

static void put_text_line(const struct table *t, const char *const *cells, const size_t *widths, struct buf *scratch,
                          struct buf *line)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t own;

        if (shown_width(scratch, cells[i], &own) != OK) {
            line->failed = true;
            return;
        }
        put_padded(line, cells[i], own, widths[i], t->columns[i].align, i + 1 == t->count);
    }
    while (line->len > 0 && line->data[line->len - 1] == ' ')
        line->len--;
    buf_put_u8(line, '\n');
}

/* ---- for programs ---- */

static void put_csv_line(const struct table *t, const char *const *cells, bool is_heading, struct buf *line)
{
    for (size_t i = 0; i < t->count; i++) {
        if (i > 0)
            buf_put_u8(line, ',');
        csv_put_cell(line, ',', cells[i], strlen(cells[i]), !is_heading && !t->columns[i].is_number);
    }
    buf_put_u8(line, '\n');
}

static const char *skip_digits(const char *s)
{
    while (*s >= '0' && *s <= '9')
        s++;
    return s;
}

/* Numbers are printed as their exact digits, never through a double; so the text must be what JSON calls a number. */
static bool is_json_number(const char *s)
{
    const char *digits;

    if (*s == '-')
        s++;
    digits = s;
    s = skip_digits(s);
    if (s == digits || (*digits == '0' && s - digits > 1))
        return false;
    if (*s == '.') {
        digits = ++s;
        s = skip_digits(s);
        if (s == digits)
            return false;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-')
            s++;
        digits = s;
        s = skip_digits(s);
        if (s == digits)
            return false;
    }
    return *s == '\0';
}

static int append(const char *bytes, size_t len, void *to)
{
    buf_put(to, bytes, len);
    return ((struct buf *)to)->failed ? -1 : 0;
}

static void put_json_string(struct buf *line, const char *text)
{
    json_t *s = json_string(text);

    if (s == NULL || json_dump_callback(s, append, line, JSON_ENCODE_ANY) != 0)
        line->failed = true;
    json_decref(s);
}

static void put_json_value(struct buf *line, const struct table_column *column, const char *text)
{
    if (column->is_number && text[0] == '\0')
        buf_put_str(line, "null");
    else if (column->is_number && is_json_number(text))
        buf_put_str(line, text);
    else
        put_json_string(line, text);
}

static void put_json_line(const struct table *t, const char *const *cells, bool is_first, struct buf *line)
{
    buf_put_str(line, is_first ? "\n  {" : ",\n  {");
    for (size_t i = 0; i < t->count; i++) {
        if (i > 0)
            buf_put_str(line, ", ");
        put_json_string(line, t->columns[i].name);
        buf_put_str(line, ": ");
        put_json_value(line, &t->columns[i], cells[i]);
    }
    buf_put_u8(line, '}');
}

/* ---- printing ---- */

/* What one printing needs besides the table. */
struct printer {
    const struct table *t;
    enum table_format format;
    size_t *widths;
    const char **cells;
    struct buf scratch, line;
};

static enum err flush_line(struct printer *p, FILE *to)
{
    if (p->line.failed)
        return err_set(ERR_INVALID, _("the listing cannot be printed: a cell is not valid UTF-8 or too long"));
    (void)fwrite(p->line.data, 1, p->line.len, to);
    buf_reset(&p->line);
    if (ferror(to))
        return err_set(ERR_IO, _("the listing cannot be written out"));
    return OK;
}

static void put_heading(struct printer *p)
{
    const struct table *t = p->t;

    for (size_t i = 0; i < t->count; i++)
        p->cells[i] = p->format == TABLE_TEXT ? t->columns[i].title : t->columns[i].name;
    switch (p->format) {
    case TABLE_TEXT: put_text_line(t, p->cells, p->widths, &p->scratch, &p->line); break;
    case TABLE_CSV: put_csv_line(t, p->cells, true, &p->line); break;
    case TABLE_JSON: buf_put_u8(&p->line, '['); break;
    }
}

static void put_row(struct printer *p, size_t row)
{
    for (size_t i = 0; i < p->t->count; i++)
        p->cells[i] = cell_at(p->t, row, i);
    switch (p->format) {
    case TABLE_TEXT: put_text_line(p->t, p->cells, p->widths, &p->scratch, &p->line); break;
    case TABLE_CSV: put_csv_line(p->t, p->cells, false, &p->line); break;
    case TABLE_JSON: put_json_line(p->t, p->cells, row == 0, &p->line); break;
    }
}

static enum err print_lines(struct printer *p, FILE *to)
{
    enum err e = p->format == TABLE_TEXT ? find_widths(p->t, &p->scratch, p->widths) : OK;

    if (e == OK) {
        put_heading(p);
        e = flush_line(p, to);
    }
    for (size_t r = 0; e == OK && r < p->t->rows; r++) {
        put_row(p, r);
        e = flush_line(p, to);
    }
    if (e == OK && p->format == TABLE_JSON) {
        buf_put_str(&p->line, p->t->rows > 0 ? "\n]\n" : "]\n");
        e = flush_line(p, to);
    }
    return e;
}

enum err table_print(const struct table *t, enum table_format f, FILE *to)
{
    size_t *widths = calloc(t->count, sizeof(*widths));
    const char **cells = calloc(t->count, sizeof(*cells));
    struct printer p = {.t = t, .format = f, .widths = widths, .cells = cells};
    enum err e = ERR_NOMEM;

    buf_init_secret(&p.scratch, MAX_BYTES);
    buf_init_secret(&p.line, MAX_BYTES);
    if (widths != NULL && cells != NULL)
        e = print_lines(&p, to);
    else
        (void)err_set(e, _("not enough memory"));
    free(cells);
    free(widths);
    buf_wipe(&p.line);
    buf_wipe(&p.scratch);
    if (e == OK && fflush(to) != 0)
        e = err_set(ERR_IO, _("the listing cannot be written out"));
    return e;
}

enum err table_format_parse(enum table_format *out, const char *name)
{
    static const char *const names[] = {[TABLE_TEXT] = "table", [TABLE_CSV] = "csv", [TABLE_JSON] = "json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum table_format)i;
            return OK;
        }
    return err_set(ERR_USAGE, _("unknown format \"%s\"; expected table, csv or json"), name);
}
