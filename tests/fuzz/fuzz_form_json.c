/* fuzz_form_json.c: any bytes as the answers of a form with every type of field, and as typed cells.  What is read is
 * written, read again and written the same; completed and checked, nothing breaks. */
#include "common/form.h"
#include "common/form_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 10u

static const char FORM[] = "form: fuzz\nversion: \"1\"\ntitle: T\nmode: record\nperiod: month\n"
                           "choices:\n  l: [{code: a, label: Альфа}, {code: b, label: Beta two}, {code: \"3\"}]\n"
                           "survey:\n"
                           "  - {type: integer, name: i, constraint: . > 5, allow: [unknown]}\n"
                           "  - {type: decimal, name: d, required: true}\n"
                           "  - {type: text, name: t, relevant: \"${i} > 3\"}\n"
                           "  - {type: date, name: y, constraint: . <= today()}\n"
                           "  - {type: boolean, name: b}\n"
                           "  - {type: select_one l, name: o}\n"
                           "  - {type: select_multiple l, name: m, constraint: \"count-selected(.) < 3\"}\n"
                           "  - {type: repeat, name: r, survey: [{type: integer, name: x}, {type: text, name: z}]}\n"
                           "  - {type: calculate, name: c, calculation: \"${d} div ${i} + sum(${x})\"}\n"
                           "  - {type: calculate, name: k, value: text, calculation: \"concat(${t}, ${o})\"}\n";

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct form *the_form(void)
{
    static struct form *f; /* for all inputs: a loaded form never changes */

    if (f == NULL)
        must(form_load(&f, "fuzz.yaml", FORM, strlen(FORM), NULL) == OK && f->field_count == FIELDS);
    return f;
}

static void read_answers(const struct form *f, const uint8_t *data, size_t size)
{
    struct value values[FIELDS], again[FIELDS];
    struct form_checker *c = NULL;
    struct report *r = NULL;
    struct buf keep, one, two;

    must(report_new(&r, 20) == OK && form_checker_new(&c) == OK);
    buf_init(&keep, 1u << 20);
    buf_init(&one, 8u << 20);
    buf_init(&two, 8u << 20);
    if (form_values_from_json(f, data, size, values, &keep, r) == OK) {
        must(report_errors(r) == 0);
        form_values_to_json(f, values, &one);
        if (one.len <= FORM_JSON_MAX_BYTES) { /* escapes may make it longer than what was read */
            buf_reset(&keep);
            must(form_values_from_json(f, one.data, one.len, again, &keep, r) == OK);
            form_values_to_json(f, again, &two);
            must(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
            if (form_complete(f, c, again, 18506, true) == OK) {
                bool is_right = form_check(f, c, again, FIELDS, 18506, NULL, NULL) == OK;

                must((form_check(f, c, again, FIELDS, 18506, NULL, r) == OK) == is_right);
                must(is_right == (report_errors(r) == 0));
            }
        }
    } else {
        must(report_errors(r) > 0);
    }
    buf_fini(&keep);
    buf_fini(&one);
    buf_fini(&two);
    form_checker_free(c);
    report_free(r);
}

/* The bytes as a cell of each field: what is taken is shown in a way that is taken for the same. */
static void read_cells(const struct form *f, const uint8_t *data, size_t size)
{
    struct buf keep, shown, again;

    buf_init(&keep, 1u << 20);
    buf_init(&shown, 8u << 20);
    buf_init(&again, 8u << 20);
    for (uint32_t i = 0; i < FIELDS; i++) {
        const struct form_field *field = &f->fields[i];
        struct value v;

        buf_reset(&keep);
        buf_reset(&shown);
        buf_reset(&again);
        if (value_parse(&v, field, (const char *)data, size, &keep) != OK)
            continue;
        value_format(&shown, field, &v);
        if (field->type == VALUE_REPEAT && shown.len > FORM_JSON_MAX_BYTES)
            continue;
        must(value_parse(&v, field, buf_cstr(&shown), shown.len, &keep) == OK);
        value_format(&again, field, &v);
        must(shown.len == again.len && memcmp(buf_cstr(&shown), buf_cstr(&again), shown.len) == 0);
    }
    buf_fini(&keep);
    buf_fini(&shown);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct form *f = the_form();

    read_answers(f, data, size);
    read_cells(f, data, size);
    return 0;
}
