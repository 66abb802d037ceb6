#include "common/xlsx_write_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <string.h>

#define LISTS_SHEET "_lists"
#define TITLE_MAX   32u /* UTF-16 units of a rule's titles */

static void list_name(char out[32], uint32_t list)
{
    (void)snprintf(out, 32, "svodka_list_%u", list + 1);
}

uint32_t xlsx_list(struct xlsx *x, const char *const *texts, uint32_t count)
{
    char first[XLSX_CELL_MAX], last[XLSX_CELL_MAX], name[32], place[256];
    uint32_t list = x->list_count;

    if (x->failed != OK || count == 0)
        return 0;
    if (x->lists == NULL && (x->lists = xlsx_sheet(x, LISTS_SHEET)) == NULL)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        xlsx_text(x->lists, i, list, XLSX_CODE, texts[i]);
    xlsx_cell_name(first, 0, list, true);
    xlsx_cell_name(last, count - 1, list, true);
    list_name(name, list);
    (void)snprintf(place, sizeof(place), "='%s'!%s:%s", x->lists->name, first, last);
    xlsx_check(x, from_xlsx.workbook_define_name(x->book, name, place));
    x->list_count++;
    return list;
}

/* Cut to `max` code points, the last of which then is an ellipsis. */
static char *message_of(const char *text, size_t max, char out[4 * XLSX_MAX_MESSAGE + 4])
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (len == 0)
        return NULL;
    if (xlsx_units(text, len) <= max)
        utf8_copy(out, (size_t)4 * XLSX_MAX_MESSAGE + 4, text);
    else
        (void)snprintf(out, (size_t)4 * XLSX_MAX_MESSAGE + 4, "%.*s…", (int)xlsx_cut(text, max - 1), text);
    return out;
}

static bool set_limits(lxw_data_validation *v, const struct xlsx_rule *r, char formula[XLSX_MAX_FORMULA + 2])
{
    v->criteria = LXW_VALIDATION_CRITERIA_BETWEEN;
    v->minimum_number = r->least;
    v->maximum_number = r->most;
    switch (r->kind) {
    case XLSX_ANY: v->validate = LXW_VALIDATION_TYPE_ANY; break;
    case XLSX_WHOLE: v->validate = LXW_VALIDATION_TYPE_INTEGER; break;
    case XLSX_REAL: v->validate = LXW_VALIDATION_TYPE_DECIMAL; break;
    case XLSX_LENGTH: v->validate = LXW_VALIDATION_TYPE_LENGTH; break;
    case XLSX_DAY:
        v->validate = LXW_VALIDATION_TYPE_DATE_NUMBER;
        v->minimum_number += EXCEL_EPOCH;
        v->maximum_number += EXCEL_EPOCH;
        break;
    case XLSX_LIST:
        v->validate = LXW_VALIDATION_TYPE_LIST_FORMULA;
        formula[0] = '=';
        list_name(formula + 1, r->list);
        v->value_formula = formula;
        break;
    case XLSX_FORMULA:
        if (strlen(r->formula) > XLSX_MAX_FORMULA - 1)
            return false;
        v->validate = LXW_VALIDATION_TYPE_CUSTOM_FORMULA;
        (void)snprintf(formula, XLSX_MAX_FORMULA + 2, "=%s", r->formula);
        v->value_formula = formula;
        break;
    }
    return true;
}

void xlsx_rule(struct xlsx_sheet *s, uint32_t row, uint32_t column, uint32_t last_row, uint32_t last_column,
               const struct xlsx_rule *r)
{
    lxw_data_validation v = {.ignore_blank = LXW_VALIDATION_ON,
                             .show_input = LXW_VALIDATION_ON,
                             .show_error = LXW_VALIDATION_ON,
                             .error_type = LXW_VALIDATION_ERROR_TYPE_STOP,
                             .dropdown = LXW_VALIDATION_ON};
    char formula[XLSX_MAX_FORMULA + 2];
    char texts[4][4 * XLSX_MAX_MESSAGE + 4];

    if (!xlsx_is_usable(s) || !xlsx_is_inside(s, last_row, last_column))
        return;
    if (!set_limits(&v, r, formula)) {
        xlsx_fail(s->x, err_set(ERR_LIMIT, _("a rule of the sheet \"%s\" is longer than Excel takes"), s->name));
        return;
    }
    v.input_title = message_of(r->hint_title, TITLE_MAX, texts[0]);
    v.input_message = message_of(r->hint, XLSX_MAX_MESSAGE, texts[1]);
    v.error_title = message_of(r->message_title, TITLE_MAX, texts[2]);
    v.error_message = message_of(r->message, XLSX_MAX_MESSAGE, texts[3]);
    xlsx_check(s->x, from_xlsx.worksheet_data_validation_range(s->sheet, row, (lxw_col_t)column, last_row,
                                                               (lxw_col_t)last_column, &v));
}
