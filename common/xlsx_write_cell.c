#include "common/xlsx_write_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <math.h>
#include <string.h>

#define WIDTH_MIN   8.0
#define WIDTH_MAX   40.0
#define LINE_POINTS 15.0

/* ---- styles ---- */

static void frame(lxw_format *f, enum xlsx_style style)
{
    from_xlsx.format_set_border(f, LXW_BORDER_THIN);
    from_xlsx.format_set_border_color(f, 0xA6A6A6);
    from_xlsx.format_set_align(f, LXW_ALIGN_VERTICAL_TOP);
    from_xlsx.format_set_text_wrap(f);
    if (style == XLSX_TOTAL)
        from_xlsx.format_set_bold(f);
    if (style == XLSX_GOOD)
        from_xlsx.format_set_bg_color(f, 0xD9EAD3);
    if (style == XLSX_BAD)
        from_xlsx.format_set_bg_color(f, 0xF4CCCC);
    if (style == XLSX_UNSURE)
        from_xlsx.format_set_bg_color(f, 0xFFF2CC);
}

static void paint(lxw_format *f, enum xlsx_style style)
{
    switch (style) {
    case XLSX_TITLE:
        from_xlsx.format_set_bold(f);
        from_xlsx.format_set_font_size(f, 14);
        break;
    case XLSX_HEADING:
    case XLSX_REQUIRED:
        from_xlsx.format_set_bold(f);
        from_xlsx.format_set_text_wrap(f);
        from_xlsx.format_set_align(f, LXW_ALIGN_CENTER);
        from_xlsx.format_set_align(f, LXW_ALIGN_VERTICAL_CENTER);
        from_xlsx.format_set_border(f, LXW_BORDER_THIN);
        from_xlsx.format_set_border_color(f, 0xA6A6A6);
        from_xlsx.format_set_bg_color(f, style == XLSX_HEADING ? 0xE7E6E6 : 0xCFE2F3);
        break;
    case XLSX_CODE:
        from_xlsx.format_set_font_size(f, 8);
        from_xlsx.format_set_font_color(f, 0x7F7F7F);
        from_xlsx.format_set_align(f, LXW_ALIGN_CENTER);
        break;
    case XLSX_NOTE: from_xlsx.format_set_font_color(f, 0x595959); break;
    case XLSX_CELL:
    case XLSX_TOTAL:
    case XLSX_GOOD:
    case XLSX_BAD:
    case XLSX_UNSURE: frame(f, style); break;
    case XLSX_GROUP:
        frame(f, style);
        from_xlsx.format_set_bold(f);
        from_xlsx.format_set_bg_color(f, 0xF3F3F3);
        break;
    case XLSX_REMARK:
        from_xlsx.format_set_text_wrap(f);
        from_xlsx.format_set_align(f, LXW_ALIGN_VERTICAL_TOP);
        break;
    case XLSX_INPUT: from_xlsx.format_set_unlocked(f); break;
    case XLSX_PLAIN:
    case XLSX_STYLES: break;
    }
}

/* Made when first used.  NULL: no memory; the workbook has failed. */
lxw_format *xlsx_format(struct xlsx *x, enum xlsx_style style, uint32_t number)
{
    lxw_format **f = &x->formats[style][number];
    char places[16] = "0";

    if (*f != NULL)
        return *f;
    if ((*f = from_xlsx.workbook_add_format(x->book)) == NULL) {
        xlsx_fail(x, err_set(ERR_NOMEM, _("no memory for a workbook")));
        return NULL;
    }
    paint(*f, style);
    if (number == FORMAT_TEXT) {
        from_xlsx.format_set_num_format(*f, "@");
    } else if (number == FORMAT_DATE) {
        from_xlsx.format_set_num_format(*f, "dd.mm.yyyy");
    } else if (number > FORMAT_PLACES) {
        (void)snprintf(places, sizeof(places), "0.%0*d", (int)(number - FORMAT_PLACES), 0);
        from_xlsx.format_set_num_format(*f, places);
    } else if (number == FORMAT_PLACES) {
        from_xlsx.format_set_num_format(*f, places);
    }
    return *f;
}

static uint32_t format_number(enum xlsx_kind kind, unsigned places)
{
    switch (kind) {
    case XLSX_GENERAL: return FORMAT_GENERAL;
    case XLSX_TEXT: return FORMAT_TEXT;
    case XLSX_DATE: return FORMAT_DATE;
    case XLSX_NUMBER: break;
    }
    return FORMAT_PLACES + (places > VALUE_MAX_PLACES ? VALUE_MAX_PLACES : places);
}

/* ---- columns ---- */

/* Room for one more column, zeroed; NULL: the workbook has failed. */
static uint8_t *column_item(struct xlsx_sheet *s, struct buf *b, uint32_t column, size_t size)
{
    size_t need = (column + 1u) * size;

    if (b->len < need) {
        size_t more = need - b->len;
        uint8_t *fresh = buf_grow(b, more);

        if (fresh == NULL) {
            xlsx_fail(s->x, err_set(ERR_NOMEM, _("no memory for a workbook")));
            return NULL;
        }
        memset(fresh, 0, more);
    }
    return b->data + column * size;
}

static double width_of(const struct xlsx_sheet *s, uint32_t column)
{
    double w = 0;

    if ((column + 1u) * sizeof(w) <= s->widths.len)
        memcpy(&w, s->widths.data + column * sizeof(w), sizeof(w));
    return w;
}

/* Said widths are negative, so that no text moves them. */
static void put_width(struct xlsx_sheet *s, uint32_t column, double w)
{
    uint8_t *at = column_item(s, &s->widths, column, sizeof(w));

    if (at != NULL)
        memcpy(at, &w, sizeof(w));
}

static void widen(struct xlsx_sheet *s, uint32_t column, const char *text)
{
    double had = width_of(s, column);
    double w = (double)utf8_width(text) * 1.1 + 2; /* Cyrillic letters are broader than the digits that Excel counts */

    if (had >= 0 && w > had)
        put_width(s, column, w > WIDTH_MAX ? WIDTH_MAX : w);
}

void xlsx_width(struct xlsx_sheet *s, uint32_t column, double characters)
{
    if (xlsx_is_usable(s) && xlsx_is_inside(s, 0, column))
        put_width(s, column, -characters);
}

void xlsx_open_column(struct xlsx_sheet *s, uint32_t column, enum xlsx_kind kind, unsigned places)
{
    uint8_t *at;

    if (xlsx_is_usable(s) && xlsx_is_inside(s, 0, column) && (at = column_item(s, &s->kinds, column, 1)) != NULL)
        *at = (uint8_t)(1 + format_number(kind, places));
}

void xlsx_set_columns(struct xlsx_sheet *s)
{
    size_t widths = s->widths.len / sizeof(double);
    size_t count = widths > s->kinds.len ? widths : s->kinds.len;

    for (uint32_t i = 0; i < count && xlsx_is_usable(s); i++) {
        double w = fabs(width_of(s, i));
        uint8_t kind = i < s->kinds.len ? s->kinds.data[i] : 0;

        if (w < WIDTH_MIN && width_of(s, i) >= 0)
            w = WIDTH_MIN;
        xlsx_check(s->x, from_xlsx.worksheet_set_column(s->sheet, (lxw_col_t)i, (lxw_col_t)i, w,
                                                        kind == 0 ? NULL : xlsx_format(s->x, XLSX_INPUT, kind - 1u)));
    }
}

/* ---- cells ---- */

/* Whoever reads a workbook takes _x0041_ for an A, so a text that has this has _x005F_ for its underline. */
static void put_escaped(struct buf *b, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (p[0] == '_' && p[1] == 'x' && strspn(p + 2, "0123456789abcdefABCDEF") >= 4 && p[6] == '_')
            buf_put_str(b, "_x005F");
        buf_put_u8(b, (uint8_t)*p);
    }
}

/* Over the cells beside it, or by xlsx_span(). */
static bool runs_on(enum xlsx_style style)
{
    return style == XLSX_TITLE || style == XLSX_NOTE || style == XLSX_PLAIN || style == XLSX_GROUP ||
           style == XLSX_REMARK;
}

void xlsx_text(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_style style, const char *text)
{
    char cell[XLSX_CELL_MAX];
    const char *clean;
    size_t len = strlen(text);
    struct buf *b;

    if (!xlsx_is_usable(s) || !xlsx_is_inside(s, row, column))
        return;
    b = &s->x->text;
    buf_reset(b);
    put_escaped(b, text);
    clean = buf_cstr(b);
    if (b->failed || xlsx_units(text, len) > XLSX_MAX_TEXT) {
        xlsx_cell_name(cell, row, column, false);
        xlsx_fail(s->x, err_set(ERR_LIMIT,
                                _("sheet \"%s\", cell %s: the text is longer than the %u characters that Excel takes"),
                                s->name, cell, XLSX_MAX_TEXT));
        return;
    }
    for (size_t i = 0; i < b->len; i++)
        if ((b->data[i] < 0x20 && b->data[i] != '\n' && b->data[i] != '\t') || b->data[i] == 0x7F)
            b->data[i] = ' ';
    if (!runs_on(style))
        widen(s, column, clean);
    xlsx_check(s->x, from_xlsx.worksheet_write_string(
                         s->sheet, row, (lxw_col_t)column, clean,
                         xlsx_format(s->x, style, style == XLSX_INPUT ? FORMAT_TEXT : FORMAT_GENERAL)));
}

void xlsx_span(struct xlsx_sheet *s, uint32_t row, uint32_t column, uint32_t last_column, enum xlsx_style style,
               const char *text)
{
    if (!xlsx_is_usable(s) || !xlsx_is_inside(s, row, last_column))
        return;
    if (last_column > column)
        xlsx_check(s->x, from_xlsx.worksheet_merge_range(s->sheet, row, (lxw_col_t)column, row, (lxw_col_t)last_column,
                                                         "", xlsx_format(s->x, style, FORMAT_GENERAL)));
    xlsx_text(s, row, column, style, text);
}

void xlsx_decimal(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_style style, int64_t scaled,
                  unsigned places)
{
    struct buf shown;

    if (!xlsx_is_usable(s) || !xlsx_is_inside(s, row, column))
        return;
    buf_init(&shown, 64);
    decimal_format(&shown, scaled, places);
    widen(s, column, buf_cstr(&shown));
    xlsx_check(s->x,
               from_xlsx.worksheet_write_number(s->sheet, row, (lxw_col_t)column, (double)scaled / pow(10, places),
                                                xlsx_format(s->x, style, format_number(XLSX_NUMBER, places))));
    buf_fini(&shown);
}

void xlsx_date(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_style style, int32_t day)
{
    char text[11];

    if (!xlsx_is_usable(s) || !xlsx_is_inside(s, row, column))
        return;
    date_format(text, day);
    widen(s, column, text);
    if (day < EXCEL_FIRST_DAY || day > DATE_MAX) {
        xlsx_text(s, row, column, style, text);
        return;
    }
    xlsx_check(s->x, from_xlsx.worksheet_write_number(s->sheet, row, (lxw_col_t)column, (double)day + EXCEL_EPOCH,
                                                      xlsx_format(s->x, style, FORMAT_DATE)));
}

void xlsx_blank(struct xlsx_sheet *s, uint32_t row, uint32_t column, enum xlsx_kind kind, unsigned places)
{
    if (xlsx_is_usable(s) && xlsx_is_inside(s, row, column))
        xlsx_check(s->x, from_xlsx.worksheet_write_blank(s->sheet, row, (lxw_col_t)column,
                                                         xlsx_format(s->x, XLSX_INPUT, format_number(kind, places))));
}

void xlsx_cell_name(char out[XLSX_CELL_MAX], uint32_t row, uint32_t column, bool is_fixed)
{
    char letters[4] = "";
    size_t n = sizeof(letters) - 1;
    const char *fixed = is_fixed ? "$" : "";

    for (uint32_t c = column + 1; c > 0 && n > 0; c = (c - 1) / 26)
        letters[--n] = (char)('A' + (c - 1) % 26);
    (void)snprintf(out, XLSX_CELL_MAX, "%s%.3s%s%u", fixed, letters + n, fixed, row + 1);
}

/* ---- the sheet as a whole ---- */

/* Excel counts a width in digits of its font: bold Cyrillic letters are a fifth broader, and there is a margin. */
#define LETTER 1.2
#define MARGIN 1.5

/* The next word and what parts it from the one after; its width in letters. */
static size_t next_word(const char **at)
{
    size_t len = strcspn(*at, " \n");
    char word[256];

    (void)snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), *at);
    *at += len;
    *at += strspn(*at, " \n");
    return utf8_width(word);
}

double xlsx_longest_word(const char *text)
{
    size_t longest = 0;

    while (*text != '\0') {
        size_t w = next_word(&text);

        longest = w > longest ? w : longest;
    }
    return (double)longest * LETTER + MARGIN;
}

unsigned xlsx_wrapped(const char *text, double characters)
{
    double room = characters > MARGIN + LETTER ? characters - MARGIN : LETTER;
    unsigned lines = 1;
    double used = 0;

    while (*text != '\0') {
        double w = (double)next_word(&text) * LETTER;

        if (used > 0 && used + LETTER + w > room) {
            lines++;
            used = 0;
        }
        used += used > 0 ? LETTER + w : w;
        while (used > room) { /* a word that is broken */
            used -= room;
            lines++;
        }
    }
    return lines;
}

void xlsx_lines(struct xlsx_sheet *s, uint32_t row, unsigned lines)
{
    if (xlsx_is_usable(s) && xlsx_is_inside(s, row, 0))
        xlsx_check(s->x, from_xlsx.worksheet_set_row(s->sheet, row, lines * LINE_POINTS, NULL));
}

void xlsx_hide_row(struct xlsx_sheet *s, uint32_t row)
{
    lxw_row_col_options options = {.hidden = LXW_TRUE};

    if (xlsx_is_usable(s) && xlsx_is_inside(s, row, 0))
        xlsx_check(s->x, from_xlsx.worksheet_set_row_opt(s->sheet, row, LXW_DEF_ROW_HEIGHT, NULL, &options));
}

void xlsx_freeze(struct xlsx_sheet *s, uint32_t row, uint32_t column)
{
    if (xlsx_is_usable(s))
        from_xlsx.worksheet_freeze_panes(s->sheet, row, (lxw_col_t)column);
}

void xlsx_protect(struct xlsx_sheet *s)
{
    lxw_protection allowed = {
        .format_cells = LXW_TRUE, .format_columns = LXW_TRUE, .format_rows = LXW_TRUE, .sort = LXW_TRUE};

    if (xlsx_is_usable(s))
        from_xlsx.worksheet_protect(s->sheet, NULL, &allowed);
}

void xlsx_hide(struct xlsx_sheet *s)
{
    if (xlsx_is_usable(s))
        from_xlsx.worksheet_hide(s->sheet);
}
