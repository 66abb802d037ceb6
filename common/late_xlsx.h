/* late_xlsx.h: libxlsxwriter, opened when the first workbook is made (late.h); for xlsx_write*.c alone. */
#ifndef SVODKA_COMMON_LATE_XLSX_H
#define SVODKA_COMMON_LATE_XLSX_H

#include "common/err.h"

#include <xlsxwriter.h>

struct late_xlsx {
    __typeof__(&format_set_align) format_set_align;
    __typeof__(&format_set_bg_color) format_set_bg_color;
    __typeof__(&format_set_bold) format_set_bold;
    __typeof__(&format_set_border) format_set_border;
    __typeof__(&format_set_border_color) format_set_border_color;
    __typeof__(&format_set_font_color) format_set_font_color;
    __typeof__(&format_set_font_size) format_set_font_size;
    __typeof__(&format_set_num_format) format_set_num_format;
    __typeof__(&format_set_text_wrap) format_set_text_wrap;
    __typeof__(&format_set_unlocked) format_set_unlocked;
    __typeof__(&lxw_strerror) lxw_strerror;
    __typeof__(&lxw_workbook_free) lxw_workbook_free;
    __typeof__(&workbook_add_format) workbook_add_format;
    __typeof__(&workbook_add_worksheet) workbook_add_worksheet;
    __typeof__(&workbook_close) workbook_close;
    __typeof__(&workbook_define_name) workbook_define_name;
    __typeof__(&workbook_new_opt) workbook_new_opt;
    __typeof__(&workbook_set_properties) workbook_set_properties;
    __typeof__(&worksheet_data_validation_range) worksheet_data_validation_range;
    __typeof__(&worksheet_fit_to_pages) worksheet_fit_to_pages;
    __typeof__(&worksheet_freeze_panes) worksheet_freeze_panes;
    __typeof__(&worksheet_hide) worksheet_hide;
    __typeof__(&worksheet_merge_range) worksheet_merge_range;
    __typeof__(&worksheet_print_across) worksheet_print_across;
    __typeof__(&worksheet_protect) worksheet_protect;
    __typeof__(&worksheet_repeat_columns) worksheet_repeat_columns;
    __typeof__(&worksheet_repeat_rows) worksheet_repeat_rows;
    __typeof__(&worksheet_set_column) worksheet_set_column;
    __typeof__(&worksheet_set_footer) worksheet_set_footer;
    __typeof__(&worksheet_set_landscape) worksheet_set_landscape;
    __typeof__(&worksheet_set_margins) worksheet_set_margins;
    __typeof__(&worksheet_set_paper) worksheet_set_paper;
    __typeof__(&worksheet_set_print_scale) worksheet_set_print_scale;
    __typeof__(&worksheet_set_row) worksheet_set_row;
    __typeof__(&worksheet_set_row_opt) worksheet_set_row_opt;
    __typeof__(&worksheet_write_blank) worksheet_write_blank;
    __typeof__(&worksheet_write_number) worksheet_write_number;
    __typeof__(&worksheet_write_string) worksheet_write_string;
};

extern struct late_xlsx from_xlsx; /* filled by the first late_xlsx() that said OK */

MUST_CHECK enum err late_xlsx(void);

#endif
