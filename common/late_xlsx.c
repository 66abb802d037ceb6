#include "common/late_xlsx.h"

#include "common/late.h"

struct late_xlsx from_xlsx;

static const struct late_function functions[] = {
    LATE(from_xlsx, format_set_align),
    LATE(from_xlsx, format_set_bg_color),
    LATE(from_xlsx, format_set_bold),
    LATE(from_xlsx, format_set_border),
    LATE(from_xlsx, format_set_border_color),
    LATE(from_xlsx, format_set_font_color),
    LATE(from_xlsx, format_set_font_size),
    LATE(from_xlsx, format_set_num_format),
    LATE(from_xlsx, format_set_text_wrap),
    LATE(from_xlsx, format_set_unlocked),
    LATE(from_xlsx, lxw_strerror),
    LATE(from_xlsx, lxw_workbook_free),
    LATE(from_xlsx, workbook_add_format),
    LATE(from_xlsx, workbook_add_worksheet),
    LATE(from_xlsx, workbook_close),
    LATE(from_xlsx, workbook_define_name),
    LATE(from_xlsx, workbook_new_opt),
    LATE(from_xlsx, workbook_set_properties),
    LATE(from_xlsx, worksheet_data_validation_range),
    LATE(from_xlsx, worksheet_fit_to_pages),
    LATE(from_xlsx, worksheet_freeze_panes),
    LATE(from_xlsx, worksheet_hide),
    LATE(from_xlsx, worksheet_merge_range),
    LATE(from_xlsx, worksheet_print_across),
    LATE(from_xlsx, worksheet_protect),
    LATE(from_xlsx, worksheet_repeat_columns),
    LATE(from_xlsx, worksheet_repeat_rows),
    LATE(from_xlsx, worksheet_set_column),
    LATE(from_xlsx, worksheet_set_footer),
    LATE(from_xlsx, worksheet_set_landscape),
    LATE(from_xlsx, worksheet_set_margins),
    LATE(from_xlsx, worksheet_set_paper),
    LATE(from_xlsx, worksheet_set_print_scale),
    LATE(from_xlsx, worksheet_set_row),
    LATE(from_xlsx, worksheet_set_row_opt),
    LATE(from_xlsx, worksheet_write_blank),
    LATE(from_xlsx, worksheet_write_number),
    LATE(from_xlsx, worksheet_write_string),
};

enum err late_xlsx(void)
{
    static struct late_library library = {.file = SVODKA_SONAME_XLSXWRITER,
                                          .package = "libxlsxwriter4",
                                          .functions = functions,
                                          .count = sizeof(functions) / sizeof(functions[0])};

    return late_open(&library);
}
