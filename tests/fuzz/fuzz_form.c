/* fuzz_form.c: any bytes as a form.  What loads is walked, completed and checked with made-up answers; it must never
 * disagree with itself. */
#include "common/form.h"
#include "common/form_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void walk_field(const struct form_field *f)
{
    must(f->name[0] != '\0' && f->label_ru != NULL && f->label_en != NULL);
    must(f->places <= VALUE_MAX_PLACES && (f->type == VALUE_DECIMAL || f->places == 0));
    must((f->type == VALUE_SELECT_ONE || f->type == VALUE_SELECT_MULTIPLE) == (f->choices != NULL));
    must((f->type == VALUE_REPEAT) == (f->column_count > 0));
    must(f->is_calculated == (f->calculation != NULL));
    for (uint32_t i = 0; i < f->column_count; i++)
        walk_field(&f->columns[i]);
}

static struct value some_value(const struct form_field *f, uint32_t seed)
{
    struct value v = {.state = seed % 4 == 0 ? VALUE_MISSING : VALUE_PRESENT};

    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_DATE: v.as.i = (int64_t)seed % 50 - 5; break;
    case VALUE_BOOLEAN: v.as.i = seed & 1; break;
    case VALUE_TEXT: v.as.text = (struct bytes){(const uint8_t *)"answer", 1 + seed % 6}; break;
    case VALUE_SELECT_ONE: v.as.i = seed % f->choices->count; break;
    case VALUE_SELECT_MULTIPLE: v.as.set = UINT64_C(1) << (seed % f->choices->count); break;
    case VALUE_REPEAT: v.state = VALUE_MISSING; break; /* its rows come from the caller */
    }
    return v;
}

static struct value *some_rows(const struct form_field *f, struct value *v, uint32_t seed)
{
    uint32_t count = 2 * f->column_count;
    struct value *cells = calloc(count, sizeof(*cells));

    must(cells != NULL);
    for (uint32_t i = 0; i < count; i++)
        cells[i] = some_value(&f->columns[i % f->column_count], seed + i);
    *v = (struct value){.state = VALUE_PRESENT, .as.rows = {cells, 2, f->column_count}};
    return cells;
}

/* What form_complete() gives, form_check() refuses for no other reason than the form's own rules; and what is written
 * as JSON comes back the same. */
static void fill(const struct form *f, struct form_checker *c, uint32_t seed)
{
    struct value *values = calloc(f->field_count, sizeof(*values));
    struct value *again = calloc(f->field_count, sizeof(*again));
    struct value **rows = calloc(f->field_count, sizeof(struct value *));
    struct buf keep, one, two;

    must(values != NULL && again != NULL && rows != NULL);
    buf_init(&keep, 4u << 20);
    buf_init(&one, 4u << 20);
    buf_init(&two, 4u << 20);
    for (uint32_t i = 0; i < f->field_count; i++) {
        values[i] = some_value(&f->fields[i], seed + i);
        if (f->fields[i].type == VALUE_REPEAT)
            rows[i] = some_rows(&f->fields[i], &values[i], seed);
    }
    if (form_complete(f, c, values, 18506, true) == OK) {
        (void)!form_check(f, c, values, f->field_count, 18506, NULL, NULL);
        form_values_to_json(f, values, &one);
        must(form_values_from_json(f, one.data, one.len, again, &keep, NULL) == OK);
        form_values_to_json(f, again, &two);
        must(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
    }
    for (uint32_t i = 0; i < f->field_count; i++)
        free(rows[i]);
    buf_fini(&keep);
    buf_fini(&one);
    buf_fini(&two);
    free(rows);
    free(again);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form *f = NULL;
    struct report *r = NULL;
    struct form_checker *c = NULL;
    enum err e;

    must(report_new(&r, 20) == OK && form_checker_new(&c) == OK);
    e = form_load(&f, "fuzz.yaml", data, size, r);
    must((e == OK) == (f != NULL) && (e == OK) == (report_errors(r) == 0));
    if (e == OK) {
        must(f->source.len == size && memcmp(f->source.p, data, size) == 0);
        must(f->field_count > 0 && (f->mode == FORM_ROWS) == (f->key >= 0));
        for (uint32_t i = 0; i < f->field_count; i++) {
            walk_field(&f->fields[i]);
            must(form_find_field(f, f->fields[i].name, strlen(f->fields[i].name)) == (int32_t)i);
        }
        for (uint32_t seed = 1; seed < 4; seed++)
            fill(f, c, seed);
    }
    form_free(f);
    form_checker_free(c);
    report_free(r);
    return 0;
}
