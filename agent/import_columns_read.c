/* From cells to values. */
#include "agent/import_columns_internal.h"

#include "common/cli.h"

#include <string.h>

#define MEMO_TEXT   15u /* longer cells are read anew each time */
#define MEMO_IN_USE 0x80u

static inline struct memo_slot *memo_slot(const struct column *x, struct bytes cell, uint64_t text[2])
{
    uint8_t raw[2 * sizeof(uint64_t)] = {0};
    uint64_t hash;

    memcpy(raw, cell.p, cell.len);
    raw[MEMO_TEXT] = (uint8_t)(MEMO_IN_USE | cell.len);
    memcpy(text, raw, sizeof(raw));
    hash = (text[0] ^ text[1]) * UINT64_C(0x9E3779B97F4A7C15);
    return &x->memo[hash >> 58];
}

static enum err parse_as(struct import_columns *c, int32_t field, bool has_words, struct bytes cell, struct value *out)
{
    const struct form_field *f = &c->form->fields[field];
    const char *folded = has_words ? columns_fold(c, cell) : NULL;
    const char *word = has_words ? import_map_word(c->map, (uint32_t)field, folded) : NULL;

    if (word != NULL)
        return value_parse(out, f, word, strlen(word), &c->keep);
    if (has_words && import_map_is_empty(c->map, folded))
        cell = bytes_of("", 0);
    return value_parse(out, f, (const char *)cell.p, cell.len, &c->keep);
}

static enum err parse_cell(struct import_columns *c, const struct column *x, struct bytes cell, struct value *out)
{
    return parse_as(c, x->field, x->has_words, cell, out);
}

/* ---- "7 (из них 2)" ---- */

static bool is_of_number(uint8_t b)
{
    return (b >= '0' && b <= '9') || b == '.' || b == ',';
}

/* The one number among the words in the brackets that end the cell; false: there are no such brackets. */
static bool split(struct bytes cell, struct bytes *before, struct bytes *number)
{
    size_t open, end = cell.len, first, last;

    while (end > 0 && (cell.p[end - 1] == ' ' || cell.p[end - 1] == '\t'))
        end--;
    for (open = 0; open < end && cell.p[open] != '('; open++)
        continue;
    if (open == end || cell.p[end - 1] != ')')
        return false;
    for (first = open + 1; first < end && (cell.p[first] < '0' || cell.p[first] > '9'); first++)
        continue;
    for (last = first; last < end && is_of_number(cell.p[last]); last++)
        continue;
    while (last > first && (cell.p[last - 1] == '.' || cell.p[last - 1] == ','))
        last--; /* those of the sentence */
    for (size_t i = last; i < end; i++)
        if (cell.p[i] >= '0' && cell.p[i] <= '9')
            return false;
    *before = bytes_of(cell.p, open);
    *number = bytes_of(cell.p + first, last - first);
    return last > first && cell.p[first - 1] != '-';
}

/* Without brackets nothing is said of the other field. */
static enum err read_both(struct import_columns *c, const struct column *x, struct bytes cell, struct value *out,
                          struct value *other)
{
    bool has_words = import_map_has_words(c->map, (uint32_t)x->of_which);
    struct bytes before, number;
    enum err e;

    *other = (struct value){.state = VALUE_MISSING};
    if (!split(cell, &before, &number))
        return parse_cell(c, x, cell, out);
    if ((e = parse_cell(c, x, before, out)) == OK)
        e = parse_as(c, x->of_which, has_words, number, other);
    if (e == OK && out->state == VALUE_MISSING)
        return err_set(ERR_INVALID, "%s", _("a number was expected before the brackets"));
    return e;
}

/* ---- a row ---- */

static enum err read_cell(struct import_columns *c, const struct column *x, struct bytes cell, struct value *out)
{
    struct memo_slot *slot;
    uint64_t text[2];
    enum err e;

    if (x->memo == NULL || cell.len > MEMO_TEXT)
        return parse_cell(c, x, cell, out);
    slot = memo_slot(x, cell, text);
    if (slot->text[0] == text[0] && slot->text[1] == text[1]) {
        *out = slot->value;
        return OK;
    }
    if ((e = parse_cell(c, x, cell, out)) == OK) {
        slot->text[0] = text[0];
        slot->text[1] = text[1];
        slot->value = *out;
    }
    return e;
}

static void tell_cell(struct import_columns *c, const struct csv_row *row, uint32_t i, const char *field,
                      const char *what, struct report *r)
{
    char value[CELL_TEXT_MAX];
    struct finding f = {.file = c->file, .line = row->line, .column = i + 1, .field = field, .value = value};

    cell_text(value, row->cells[i]);
    if (value[0] == '\0')
        f.value = NULL; /* nothing was found */
    report_add(r, &f, "%s", what);
}

static bool is_blank(struct bytes cell)
{
    for (size_t i = 0; i < cell.len; i++)
        if (cell.p[i] != ' ' && cell.p[i] != '\t')
            return false;
    return true;
}

/* Spreadsheets leave empty cells at the end of a row; anything else that has no heading is a mistake. */
static bool is_right_shape(const struct import_columns *c, const struct csv_row *row, struct report *r)
{
    struct finding f = {.file = c->file, .line = row->line};
    uint32_t used = row->count;

    while (used > c->count && is_blank(row->cells[used - 1]))
        used--;
    if (used > c->count || row->count < c->count) {
        report_add(r, &f,
                   ngettext("the row has %u cell, but the number of headings is %u",
                            "the row has %u cells, but the number of headings is %u", used),
                   used, c->count);
        return false;
    }
    return true;
}

static enum err take_cell(struct import_columns *c, const struct csv_row *row, uint32_t i, struct value *values)
{
    const struct column *x = &c->columns[i];
    enum err e;

    if (row->faults != NULL && row->faults[i] != NULL)
        e = err_set(ERR_INVALID, "%s", row->faults[i]);
    else if (x->of_which != NO_FIELD)
        e = read_both(c, x, row->cells[i], &values[x->field], &values[x->of_which]);
    else
        e = read_cell(c, x, row->cells[i], &values[x->field]);
    if (e == OK || e == ERR_NOMEM)
        return e;
    c->failed[x->field] = 1;
    values[x->field] = (struct value){.state = VALUE_MISSING};
    if (x->of_which != NO_FIELD) {
        c->failed[x->of_which] = 1;
        values[x->of_which] = (struct value){.state = VALUE_MISSING};
    }
    return e;
}

enum err import_columns_read(struct import_columns *c, const struct csv_row *row, struct value *values,
                             struct report *r)
{
    bool bad = false;

    memset(c->failed, 0, c->form->field_count);
    if (!is_right_shape(c, row, r))
        return ERR_MALFORMED;
    buf_reset(&c->keep);
    memcpy(values, c->filled, c->form->field_count * sizeof(*values));
    for (uint32_t i = 0; i < c->count; i++) {
        const struct column *x = &c->columns[i];
        enum err e;

        if (x->field == NO_FIELD) {
            if (x->is_blank && !is_blank(row->cells[i])) {
                bad = true;
                tell_cell(c, row, i, NULL, _("this column has no heading, so it should be empty"), r);
            }
            continue;
        }
        if ((e = take_cell(c, row, i, values)) == OK)
            continue;
        if (e == ERR_NOMEM)
            return e;
        bad = true;
        tell_cell(c, row, i, c->form->fields[x->field].name, err_text(), r);
    }
    return bad ? ERR_INVALID : OK;
}

bool import_columns_failed(const struct import_columns *c, uint32_t field)
{
    return c->failed[field] != 0;
}
