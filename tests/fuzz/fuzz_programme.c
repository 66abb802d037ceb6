/* fuzz_programme.c: any bytes as a pack: programme.yaml, a form, periods.yaml, variables.yaml, apart by zero bytes;
 * what is left out is taken from a good pack.  What loads is compiled and evaluated over made-up answers; it must not
 * disagree with itself.  The form is also judged as a new version of the good one. */
#include "hub/cells.h"
#include "hub/form_change.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_VALUES 64u
#define ROWS       3u

static const char good_programme[] =
    "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n"
    "  - {id: A, name: A, form: f, kind: mean, value: \"${d}\", places: 2, breakdown: s}\n";
static const char good_form[] = "form: f\nversion: \"1\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: month\n"
                                "choices:\n  sex:\n    - {code: F, label: {ru: ж, en: f}}\n"
                                "    - {code: M, label: {ru: м, en: m}}\nsurvey:\n"
                                "  - {type: text, name: who, label: Who, required: true}\n"
                                "  - {type: integer, name: a, label: A}\n"
                                "  - {type: decimal, name: d, places: 3, label: D}\n"
                                "  - {type: select_one sex, name: s, label: S}\n"
                                "  - type: repeat\n    name: rows\n    label: R\n    survey:\n"
                                "      - {type: text, name: code, label: C}\n"
                                "      - {type: integer, name: n, label: N}\n";
static const char good_variables[] =
    "variables:\n"
    "  - {id: v, kind: values, form: f, value: \"${a}\"}\n"
    "  - {id: k, kind: keys, form: f, rows: rows, key: \"${code}\"}\n"
    "  - {id: p, kind: pairs, form: f, rows: rows, key: \"${code}\", order: \"${n}\", value: \"${n}\"}\n"
    "  - {id: r, kind: relations, form: f, rows: rows, key: \"${code}\", partner: \"'x'\"}\n";

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The next part of the input; NULL: there is none. */
static struct pack_file next_part(const char *name, const uint8_t **at, const uint8_t *end, const char *otherwise)
{
    struct pack_file f = {(char *)(uintptr_t)name, (void *)(uintptr_t)otherwise, strlen(otherwise)};
    const uint8_t *zero;

    if (*at == NULL)
        return f;
    zero = memchr(*at, 0, (size_t)(end - *at));
    f.bytes = (void *)(uintptr_t)*at;
    f.len = (size_t)((zero != NULL ? zero : end) - *at);
    *at = zero != NULL ? zero + 1 : NULL;
    return f;
}

static struct value some_value(const struct form_field *f, uint32_t seed)
{
    struct value v = {.state = seed % 5 == 0 ? VALUE_MISSING : VALUE_PRESENT};

    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_DATE: v.as.i = (int64_t)seed % 5000 - 500; break;
    case VALUE_BOOLEAN: v.as.i = seed & 1; break;
    case VALUE_TEXT: v.as.text = (struct bytes){(const uint8_t *)"answer", 1 + seed % 6}; break;
    case VALUE_SELECT_ONE: v.as.i = seed % f->choices->count; break;
    case VALUE_SELECT_MULTIPLE: v.as.set = UINT64_C(1) << (seed % f->choices->count); break;
    case VALUE_REPEAT: v.state = VALUE_MISSING; break; /* see fill_rows() */
    }
    return v;
}

static void fill_rows(struct value *out, struct value *cells, const struct form_field *f, uint32_t seed)
{
    if (f->column_count == 0 || f->column_count > MAX_VALUES)
        return;
    for (uint32_t i = 0; i < ROWS * f->column_count; i++)
        cells[i] = some_value(&f->columns[i % f->column_count], seed + i * 7);
    *out = (struct value){.as.rows = {cells, ROWS, f->column_count}};
}

static void evaluate_form(struct variable_eval *ev, struct cell_sums *sums, const struct form *f, uint32_t seed)
{
    static struct value values[MAX_VALUES];
    static struct value cells[ROWS * MAX_VALUES];
    struct record r = {.values = values, .value_count = f->field_count, .unit = "u", .filled_on = 18000};
    uint32_t place;
    bool is_new;

    if (f->field_count > MAX_VALUES)
        return;
    for (uint32_t i = 0; i < f->field_count; i++) {
        values[i] = some_value(&f->fields[i], seed + i);
        if (f->fields[i].type == VALUE_REPEAT)
            fill_rows(&values[i], cells, &f->fields[i], seed + i);
    }
    must(places_index(cell_sums_places(sums), f, "u", "p", &place, &is_new) == OK);
    must(cell_sums_record(sums, ev, place, &r, 1) == OK);
}

static void evaluate(struct programme *p, uint32_t seed)
{
    struct hub hub = {.forms = p->forms, .form_count = p->form_count, .programmes = &p, .programme_count = 1};
    struct variable_eval *ev = NULL;
    struct cell_sums *sums = NULL;

    must(keys_start() == OK && key_generate(&hub.storage, KEY_SECRET) == OK);
    must(variable_eval_new(&ev, &hub, NULL, NULL) == OK && cell_sums_new(&sums) == OK);
    for (size_t f = 0; f < p->form_count; f++)
        evaluate_form(ev, sums, p->forms[f], seed);
    cell_sums_free(sums);
    variable_eval_free(ev);
    key_free(hub.storage);
}

static void judge_change(const struct programme *p)
{
    struct report *r = NULL;
    struct form *old = NULL;
    const struct form *known[1];

    must(form_load(&old, "old", good_form, strlen(good_form), NULL) == OK && report_new(&r, 0) == OK);
    known[0] = old;
    for (size_t i = 0; i < p->form_count; i++) {
        size_t before = report_errors(r);
        enum err e = form_change_check(p->forms[i], known, 1, "forms/f.yaml", r);

        must((e == OK) == (report_errors(r) == before));
    }
    form_free(old);
    report_free(r);
}

static struct programme *load(const struct pack *pack, size_t *errors)
{
    struct programme *p = NULL;
    struct calendar *c = NULL;
    struct report *r = NULL;
    enum err e;

    must(calendar_new(&c) == OK && report_new(&r, 50) == OK);
    e = programme_load(&p, pack, c, r);
    must((e == OK) == (p != NULL));
    must((e == OK) == (report_errors(r) == 0));
    *errors = report_errors(r);
    calendar_free(c);
    report_free(r);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *end = data + size;
    struct pack_file files[4];
    struct pack pack = {files, 2};
    struct programme *p, *again;
    size_t errors, same;
    char id[FORM_NAME_MAX + 1];

    if (size == 0)
        return 0;
    files[0] = next_part("programme.yaml", &at, end, good_programme);
    files[1] = next_part("forms/f.yaml", &at, end, good_form);
    if (at != NULL)
        files[pack.count++] = next_part("periods.yaml", &at, end, "");
    files[pack.count++] = next_part("variables.yaml", &at, end, good_variables);
    (void)pack_programme_id(&pack, id);
    p = load(&pack, &errors);
    again = load(&pack, &same);
    must(errors == same && (p == NULL) == (again == NULL));
    if (p != NULL) {
        must(strcmp(p->id, id) == 0 && p->indicator_count == again->indicator_count &&
             p->variable_count == again->variable_count);
        for (size_t i = 0; i < p->indicator_count; i++)
            must(memcmp(p->indicators[i]->digest, again->indicators[i]->digest, VARIABLE_DIGEST_BYTES) == 0);
        for (size_t i = 0; i < p->variable_count; i++)
            must(memcmp(p->variables[i]->digest, again->variables[i]->digest, VARIABLE_DIGEST_BYTES) == 0);
        evaluate(p, (uint32_t)size);
        judge_change(p);
    }
    programme_free(p);
    programme_free(again);
    return 0;
}
