/* fuzz_programme.c: any bytes as a pack: programme.yaml, a form, periods.yaml, apart by zero bytes; what is left out is
 * taken from a good pack.  What loads is compiled, evaluated over made-up answers and shown; it must not disagree with
 * itself.  The form is also judged as a new version of the good one. */
#include "hub/form_change.h"
#include "hub/indicators_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_VALUES 64u

static const char good_programme[] =
    "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n"
    "  - {id: A, name: A, form: f, kind: mean, value: \"${d}\", places: 2, breakdown: s}\n";
static const char good_form[] = "form: f\nversion: \"1\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: month\n"
                                "choices:\n  sex:\n    - {code: F, label: {ru: ж, en: f}}\n"
                                "    - {code: M, label: {ru: м, en: m}}\nsurvey:\n"
                                "  - {type: text, name: who, label: Who, required: true}\n"
                                "  - {type: integer, name: a, label: A}\n"
                                "  - {type: decimal, name: d, places: 3, label: D}\n"
                                "  - {type: select_one sex, name: s, label: S}\n";

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
    case VALUE_REPEAT: v.state = VALUE_MISSING; break;
    }
    return v;
}

struct sums {
    const struct indicator *last;
    struct cell cell;
    uint64_t calls;
};

static enum err add_up(void *ctx, const struct indicator *i, const char *breakdown, const struct contribution *c)
{
    struct sums *s = ctx;
    struct buf text;

    s->calls++;
    must(c->n == 1 && c->denominator == 1);
    s->cell.numerator += c->numerator;
    s->cell.denominator += c->denominator;
    s->cell.n += (uint64_t)c->n;
    s->last = i;
    must(breakdown[0] == '\0' || strchr(breakdown, '=') != NULL);
    buf_init(&text, 4096);
    must(indicator_value(i, &s->cell, &text) && text.len > 0);
    indicator_numerator(i, &s->cell, &text);
    indicator_denominator(i, &s->cell, &text);
    must(!text.failed);
    buf_fini(&text);
    return OK;
}

static void evaluate(struct programme *p, uint32_t seed)
{
    struct hub hub = {.forms = p->forms, .form_count = p->form_count, .programmes = &p, .programme_count = 1};
    struct indicator_eval *ev = NULL;
    struct sums s = {0};

    must(indicator_eval_new(&ev, &hub) == OK);
    for (size_t f = 0; f < p->form_count; f++) {
        struct value values[MAX_VALUES];
        uint32_t count = p->forms[f]->field_count;

        if (count > MAX_VALUES)
            continue;
        for (uint32_t i = 0; i < count; i++)
            values[i] = some_value(&p->forms[f]->fields[i], seed + i);
        must(indicator_eval_record(ev, p->forms[f], values, count, 18000, add_up, &s) == OK);
    }
    indicator_eval_free(ev);
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
    struct pack_file files[3];
    struct pack pack = {files, 2};
    struct programme *p, *again;
    size_t errors, same;
    char id[FORM_NAME_MAX + 1];

    if (size == 0)
        return 0;
    files[0] = next_part("programme.yaml", &at, end, good_programme);
    files[1] = next_part("forms/f.yaml", &at, end, good_form);
    if (at != NULL) {
        files[2] = next_part("periods.yaml", &at, end, "");
        pack.count = 3;
    }
    (void)pack_programme_id(&pack, id);
    p = load(&pack, &errors);
    again = load(&pack, &same);
    must(errors == same && (p == NULL) == (again == NULL));
    if (p != NULL) {
        must(strcmp(p->id, id) == 0 && p->indicator_count == again->indicator_count);
        for (size_t i = 0; i < p->indicator_count; i++)
            must(memcmp(p->indicators[i]->digest, again->indicators[i]->digest, INDICATOR_DIGEST_BYTES) == 0);
        evaluate(p, (uint32_t)size);
        judge_change(p);
    }
    programme_free(p);
    programme_free(again);
    return 0;
}
