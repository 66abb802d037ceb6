#include "common/form_json.h"

#include "common/cli.h"
#include "common/form_internal.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 160u /* "repeat[1000].column" with both names at their longest */
#define NEAR_FIELDS    200u

/* What is being read. */
struct json_reader {
    struct buf *keep;
    struct report *r;
    struct finding where;
    bool bad;
    enum err e; /* no memory, or `keep` is full: stop */
};

/* ---- before jansson ---- */

/* jansson recurses: nesting is bounded before it sees the text.  The line where it gets too deep; 0: nowhere. */
static uint32_t line_too_deep(const char *text, size_t len)
{
    size_t depth = 0;
    uint32_t line = 1;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        line += text[i] == '\n';
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > FORM_JSON_MAX_DEPTH)
                return line;
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

/* jansson's word in ours: its own is English, and speaks to programmers. */
static const char *reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8: return _("the text is not valid UTF-8; save the file as UTF-8");
    case json_error_premature_end_of_input: return _("the text ends too early: a bracket or a quote is not closed");
    case json_error_end_of_input_expected: return _("something stands after the last closing bracket");
    case json_error_duplicate_key: return _("a key is given twice");
    case json_error_null_character:
    case json_error_null_byte_in_key: return _("a text must not hold the character \\u0000");
    case json_error_numeric_overflow: return _("the number is too large");
    case json_error_invalid_syntax: return _("a bracket, a comma, a colon or a quote is missing or too many");
    default: return error->text;
    }
}

/* "... near 'TEXT'": what jansson stumbled over, or NULL. */
static const char *found_by(char text[JSON_ERROR_TEXT_LENGTH])
{
    char *near = strstr(text, " near '");
    size_t len;

    if (near == NULL)
        return NULL;
    near += strlen(" near '");
    len = strlen(near);
    if (len > 0 && near[len - 1] == '\'')
        near[len - 1] = '\0';
    return near;
}

static enum err parse(json_t **out, const char *text, size_t len, struct report *r)
{
    struct finding where = {0};
    json_error_t error;
    json_t *root;

    if (len > FORM_JSON_MAX_BYTES) {
        report_add(r, &where, _("the JSON has %zu bytes: at most %u were expected"), len, FORM_JSON_MAX_BYTES);
        return ERR_LIMIT;
    }
    if ((where.line = line_too_deep(text, len)) > 0) {
        report_add(r, &where, _("the JSON nests deeper than %u levels"), FORM_JSON_MAX_DEPTH);
        return ERR_LIMIT;
    }
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        where.line = error.line > 0 ? (uint32_t)error.line : 0;
        where.column = error.column > 0 ? (uint32_t)error.column : 0;
        where.value = found_by(error.text);
        report_add(r, &where, _("not JSON: %s"), reason_of(&error));
        return json_error_code(&error) == json_error_out_of_memory ? ERR_NOMEM : ERR_MALFORMED;
    }
    *out = root;
    return OK;
}

/* ---- one value ---- */

static const char *expected_of(enum value_type type)
{
    switch (type) {
    case VALUE_INTEGER: return _("expected a whole number, for example 12");
    case VALUE_DECIMAL: return _("expected a number, for example 12.5");
    case VALUE_TEXT: return _("expected a text in quotes");
    case VALUE_DATE: return _("expected a date in quotes, for example \"2020-09-01\"");
    case VALUE_BOOLEAN: return _("expected true or false");
    case VALUE_SELECT_ONE: return _("expected the code of a choice in quotes");
    case VALUE_SELECT_MULTIPLE: return _("expected a list of codes of choices, for example [\"a\", \"b\"]");
    case VALUE_REPEAT: return _("expected a list of objects, one a row");
    }
    return "";
}

static void complain(struct json_reader *j, const char *path, const json_t *found, const char *text)
{
    struct finding where = j->where;
    char *dump = found == NULL ? NULL : json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);

    j->bad = true;
    where.field = path;
    where.value = dump;
    report_add(j->r, &where, "%s", text);
    free(dump);
}

static enum err wrong_type(const struct form_field *f)
{
    return err_set(ERR_INVALID, "%s", expected_of(f->type));
}

/* A double is taken for a decimal only if it is the very double nearest to one: 3.505 is not 3.50. */
static enum err read_real(struct value *out, const struct form_field *f, double number)
{
    double scale = 1;
    double scaled;

    for (unsigned i = 0; i < f->places; i++)
        scale *= 10;
    scaled = nearbyint(number * scale);
    if (!(fabs(scaled) <= (double)FORM_NUMBER_MAX))
        return err_set(ERR_INVALID, _("the number is too large: at most 15 digits were expected"));
    if (scaled / scale != number)
        return err_set(ERR_INVALID,
                       ngettext("expected at most %u digit after the point",
                                "expected at most %u digits after the point", f->places),
                       f->places);
    *out = (struct value){.state = VALUE_PRESENT, .as.i = (int64_t)scaled};
    return OK;
}

static enum err read_text(struct value *out, const struct form_field *f, const char *text, size_t len, struct buf *keep)
{
    int64_t number;
    int32_t days;
    enum err e;

    if (f->type == VALUE_TEXT)
        return value_keep_text(out, text, len, keep);
    if (len == 0)
        return OK;
    if (f->type == VALUE_SELECT_ONE) {
        if ((number = field_choice(f, text, len)) < 0)
            return refuse_choice(f, text, len);
    } else if (f->type == VALUE_DATE) {
        if (date_parse(&days, text, len) != OK)
            return ERR_INVALID;
        number = days;
    } else if (f->type == VALUE_DECIMAL) {
        if ((e = decimal_parse(&number, text, len, f->places)) != OK)
            return e == ERR_NOMEM ? e : ERR_INVALID;
        if (number < f->min || number > f->max)
            return err_set(ERR_INVALID, _("the number is too large: at most 15 digits were expected"));
    } else {
        return wrong_type(f);
    }
    *out = (struct value){.state = VALUE_PRESENT, .as.i = number};
    return OK;
}

static enum err read_integer(struct value *out, const struct form_field *f, json_int_t number, struct buf *keep)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, number);
    int64_t scaled;

    if (f->type == VALUE_SELECT_ONE)
        return read_text(out, f, text, (size_t)len, keep);
    if (f->type != VALUE_INTEGER && f->type != VALUE_DECIMAL)
        return wrong_type(f);
    if (decimal_parse(&scaled, text, (size_t)len, f->places) != OK || scaled < f->min || scaled > f->max)
        return err_set(ERR_INVALID, _("the number is too large: at most 15 digits were expected"));
    *out = (struct value){.state = VALUE_PRESENT, .as.i = scaled};
    return OK;
}

static enum err read_set(struct value *out, const struct form_field *f, const json_t *list)
{
    uint64_t set = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        int32_t number;

        if (!json_is_string(item))
            return wrong_type(f);
        number = field_choice(f, json_string_value(item), json_string_length(item));
        if (number < 0 || number >= (int32_t)VALUE_MAX_CHOICES_MULTIPLE)
            return refuse_choice(f, json_string_value(item), json_string_length(item));
        set |= UINT64_C(1) << number;
    }
    if (set != 0)
        *out = (struct value){.state = VALUE_PRESENT, .as.set = set};
    return OK;
}

/* {"?": "unknown"} or {"?": "na"} */
static enum err read_state(struct value *out, const struct form_field *f, const json_t *object)
{
    const char *word = json_string_value(json_object_get(object, "?"));

    if (word == NULL || json_object_size(object) != 1)
        return wrong_type(f);
    if (strcmp(word, "unknown") == 0)
        out->state = VALUE_NOT_KNOWN;
    else if (strcmp(word, "na") == 0)
        out->state = VALUE_NOT_APPLICABLE;
    else
        return err_set(ERR_INVALID, _("expected {\"?\": \"unknown\"} or {\"?\": \"na\"}"));
    return OK;
}

/* All but the rows of repeats.  `out` is MISSING on entry. */
static enum err read_value(struct value *out, const struct form_field *f, const json_t *v, struct buf *keep)
{
    switch (json_typeof(v)) {
    case JSON_NULL: return OK;
    case JSON_OBJECT: return read_state(out, f, v);
    case JSON_ARRAY: return f->type == VALUE_SELECT_MULTIPLE ? read_set(out, f, v) : wrong_type(f);
    case JSON_STRING: return read_text(out, f, json_string_value(v), json_string_length(v), keep);
    case JSON_INTEGER: return read_integer(out, f, json_integer_value(v), keep);
    case JSON_REAL: return f->type == VALUE_DECIMAL ? read_real(out, f, json_real_value(v)) : wrong_type(f);
    case JSON_TRUE:
    case JSON_FALSE:
        if (f->type != VALUE_BOOLEAN)
            return wrong_type(f);
        *out = (struct value){.state = VALUE_PRESENT, .as.i = json_is_true(v) ? 1 : 0};
        return OK;
    }
    return wrong_type(f);
}

/* ---- rows and objects ---- */

static void read_field(struct json_reader *j, struct value *out, const struct form_field *f, const json_t *v,
                       const char *path)
{
    enum err e = read_value(out, f, v, j->keep);

    if (e == ERR_NOMEM || e == ERR_LIMIT)
        j->e = e;
    if (e != OK) {
        *out = (struct value){.state = VALUE_MISSING};
        complain(j, path, v, err_text());
    }
}

static const struct form_field *find_column(const struct form_field *f, const char *name)
{
    for (uint32_t i = 0; i < f->column_count; i++)
        if (strcmp(f->columns[i].name, name) == 0)
            return &f->columns[i];
    return NULL;
}

static void complain_of_name(struct json_reader *j, const char *path, const char *name, const struct form_field *fields,
                             uint32_t count)
{
    const char *names[NEAR_FIELDS];
    const char *near;
    char text[256];
    uint32_t n = count < NEAR_FIELDS ? count : NEAR_FIELDS;

    for (uint32_t i = 0; i < n; i++)
        names[i] = fields[i].name;
    near = cli_nearest(name, names, n);
    if (near != NULL)
        (void)snprintf(text, sizeof(text), _("the form has no such field; did you mean \"%s\"?"), near);
    else
        (void)snprintf(text, sizeof(text), "%s", _("the form has no such field"));
    complain(j, path, NULL, text);
}

static void read_row(struct json_reader *j, struct value *cells, const struct form_field *f, json_t *row, size_t number)
{
    char path[PATH_MAX_BYTES];
    const char *key;
    json_t *v;

    if (!json_is_object(row)) {
        (void)snprintf(path, sizeof(path), "%s[%zu]", f->name, number + 1);
        complain(j, path, row, _("expected an object, the fields of one row"));
        return;
    }
    json_object_foreach(row, key, v)
    {
        const struct form_field *c = find_column(f, key);

        (void)snprintf(path, sizeof(path), "%s[%zu].%.64s", f->name, number + 1, key);
        if (c == NULL)
            complain_of_name(j, path, key, f->columns, f->column_count);
        else
            read_field(j, &cells[c - f->columns], c, v, path);
    }
}

static void read_rows(struct json_reader *j, struct value *out, const struct form_field *f, const json_t *list)
{
    size_t rows = json_array_size(list);
    struct value *cells;
    char text[128];

    if (rows == 0)
        return;
    if (rows > FORM_MAX_ROWS) {
        (void)snprintf(text, sizeof(text), _("%zu rows are too many: expected at most %u"), rows, FORM_MAX_ROWS);
        complain(j, f->name, NULL, text);
        return;
    }
    cells = keep_alloc(j->keep, rows * f->column_count * sizeof(*cells));
    if (cells == NULL) {
        j->e = j->keep->failed ? ERR_NOMEM : ERR_LIMIT;
        complain(j, f->name, NULL, err_text());
        return;
    }
    for (size_t i = 0; i < rows * f->column_count; i++)
        cells[i] = (struct value){.state = VALUE_MISSING};
    for (size_t i = 0; i < rows && j->e == OK; i++)
        read_row(j, &cells[i * f->column_count], f, json_array_get(list, i), i);
    *out = (struct value){.state = VALUE_PRESENT, .as.rows = {cells, (uint32_t)rows, f->column_count}};
}

enum err form_values_from_json(const struct form *f, const void *text, size_t len, struct value *values,
                               struct buf *keep, struct report *r)
{
    struct json_reader j = {.keep = keep, .r = r};
    json_t *root;
    const char *key;
    json_t *v;
    enum err e;

    for (uint32_t i = 0; i < f->field_count; i++)
        values[i] = (struct value){.state = VALUE_MISSING};
    if ((e = parse(&root, text, len, r)) != OK)
        return e;
    if (!json_is_object(root))
        complain(&j, NULL, NULL, _("expected an object, {\"field\": value, ...}"));
    json_object_foreach(root, key, v)
    {
        int32_t i = form_find_field(f, key, strlen(key));

        if (i < 0)
            complain_of_name(&j, key, key, f->fields, f->field_count);
        else if (f->fields[i].type == VALUE_REPEAT && json_is_array(v))
            read_rows(&j, &values[i], &f->fields[i], v);
        else
            read_field(&j, &values[i], &f->fields[i], v, key);
        if (j.e != OK)
            break;
    }
    json_decref(root);
    if (j.e != OK)
        return j.e;
    return j.bad ? ERR_INVALID : OK;
}

enum err rows_from_json(struct value *out, const struct form_field *f, const char *text, size_t len, struct buf *keep)
{
    struct json_reader j = {.keep = keep};
    json_t *root;

    if (parse(&root, text, len, NULL) != OK)
        return ERR_INVALID;
    if (json_is_array(root))
        read_rows(&j, out, f, root);
    else
        complain(&j, NULL, NULL, expected_of(VALUE_REPEAT));
    json_decref(root);
    if (j.e != OK)
        return j.e;
    return j.bad ? ERR_INVALID : OK;
}

/* ---- writing ---- */

static void put_string(struct buf *out, const uint8_t *text, size_t len)
{
    buf_put_u8(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            buf_put_u8(out, '\\');
            buf_put_u8(out, text[i]);
        } else if (text[i] < 0x20) {
            buf_printf(out, "\\u%04x", (unsigned)text[i]);
        } else {
            buf_put_u8(out, text[i]);
        }
    }
    buf_put_u8(out, '"');
}

static void put_code(struct buf *out, const struct form_field *f, int64_t choice)
{
    const char *code = choice >= 0 && choice < f->choices->count ? f->choices->items[choice].code : "";

    put_string(out, (const uint8_t *)code, strlen(code));
}

static void put_set(struct buf *out, const struct form_field *f, uint64_t set)
{
    const char *separator = "";

    buf_put_u8(out, '[');
    for (uint32_t i = 0; i < f->choices->count && i < VALUE_MAX_CHOICES_MULTIPLE; i++) {
        if ((set >> i & 1) == 0)
            continue;
        buf_put_str(out, separator);
        put_code(out, f, i);
        separator = ", ";
    }
    buf_put_u8(out, ']');
}

static void put_value(struct buf *out, const struct form_field *f, const struct value *v)
{
    if (v->state == VALUE_NOT_KNOWN) {
        buf_put_str(out, "{\"?\": \"unknown\"}");
        return;
    }
    if (v->state == VALUE_NOT_APPLICABLE) {
        buf_put_str(out, "{\"?\": \"na\"}");
        return;
    }
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_BOOLEAN: value_format(out, f, v); break;
    case VALUE_DATE:
        buf_put_u8(out, '"');
        value_format(out, f, v);
        buf_put_u8(out, '"');
        break;
    case VALUE_SELECT_ONE: put_code(out, f, v->as.i); break;
    case VALUE_TEXT: put_string(out, v->as.text.p, v->as.text.len); break;
    case VALUE_SELECT_MULTIPLE: put_set(out, f, v->as.set); break;
    case VALUE_REPEAT: rows_to_json(out, f, v); break;
    }
}

static void put_object(struct buf *out, const struct form_field *fields, uint32_t count, const struct value *values)
{
    const char *separator = "";

    buf_put_u8(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].state == VALUE_MISSING || values[i].state == VALUE_NOT_ASKED)
            continue;
        buf_put_str(out, separator);
        put_string(out, (const uint8_t *)fields[i].name, strlen(fields[i].name));
        buf_put_str(out, ": ");
        put_value(out, &fields[i], &values[i]);
        separator = ", ";
    }
    buf_put_u8(out, '}');
}

void rows_to_json(struct buf *out, const struct form_field *f, const struct value *v)
{
    uint32_t columns = v->as.rows.columns < f->column_count ? v->as.rows.columns : f->column_count;

    buf_put_u8(out, '[');
    for (uint32_t i = 0; i < v->as.rows.rows; i++) {
        if (i > 0)
            buf_put_str(out, ", ");
        put_object(out, f->columns, columns, &v->as.rows.cells[(size_t)i * v->as.rows.columns]);
    }
    buf_put_u8(out, ']');
}

void form_values_to_json(const struct form *f, const struct value *values, struct buf *out)
{
    put_object(out, f->fields, f->field_count, values);
}
