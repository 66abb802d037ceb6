#include "common/xlsx_write_internal.h"

#define A4           9
#define FOOTER_UNITS 100u /* Excel takes 255, and each & counts twice */

static void set_page(struct xlsx_sheet *s, uint32_t rows)
{
    from_xlsx.worksheet_set_landscape(s->sheet);
    from_xlsx.worksheet_set_paper(s->sheet, A4);
    from_xlsx.worksheet_set_margins(s->sheet, 0.4, 0.4, 0.5, 0.6);
    xlsx_footer(s, "");
    if (rows > 0)
        xlsx_check(s->x, from_xlsx.worksheet_repeat_rows(s->sheet, 0, rows - 1));
}

void xlsx_print_wide(struct xlsx_sheet *s, uint32_t rows)
{
    if (!xlsx_is_usable(s))
        return;
    set_page(s, rows);
    from_xlsx.worksheet_fit_to_pages(s->sheet, 1, 0);
}

void xlsx_print_many(struct xlsx_sheet *s, uint32_t columns)
{
    if (!xlsx_is_usable(s))
        return;
    set_page(s, 0);
    from_xlsx.worksheet_set_print_scale(s->sheet, 70);
    from_xlsx.worksheet_print_across(s->sheet); /* the columns of the same units one after the other */
    if (columns > 0) /* rows as well would be a list of two ranges, which Gnumeric complains of */
        xlsx_check(s->x, from_xlsx.worksheet_repeat_columns(s->sheet, 0, (lxw_col_t)(columns - 1)));
}

void xlsx_footer(struct xlsx_sheet *s, const char *text)
{
    struct buf all;

    if (!xlsx_is_usable(s))
        return;
    if (text[0] != '\0')
        s->has_footer = true;
    else if (s->has_footer)
        return; /* a text was said before */
    buf_init(&all, 4096);
    buf_put_str(&all, "&L");
    for (size_t i = 0, len = xlsx_cut(text, FOOTER_UNITS); i < len; i++) {
        if (text[i] == '&') /* begins an order to Excel */
            buf_put_u8(&all, '&');
        buf_put_u8(&all, (uint8_t)text[i] < 0x20 ? (uint8_t)' ' : (uint8_t)text[i]);
    }
    buf_put_str(&all, "&R&P / &N");
    xlsx_check(s->x, from_xlsx.worksheet_set_footer(s->sheet, buf_cstr(&all)));
    buf_fini(&all);
}
