/* form_compare.c: what the warnings of a form are compared with besides its own answers: the same form earlier, or
 * another form of the same unit. */
#include "common/form_internal.h"

#include "common/cli.h"

#include <string.h>

struct compare_raw {
    const char *name, *form, *field;
    int when;
    struct yaml_label label;
};
#define WHEN_UNKNOWN (-1)

static const char *const WHENS[] = {"same", "previous", "year_before", NULL};
static const struct yaml_key COMPARE_KEYS[] = {
    {"name", YAML_WANT_NAME, true, offsetof(struct compare_raw, name), 0, 0, NULL},
    {"form", YAML_WANT_NAME, false, offsetof(struct compare_raw, form), 0, 0, NULL},
    {"field", YAML_WANT_NAME, true, offsetof(struct compare_raw, field), 0, 0, NULL},
    {"when", YAML_WANT_ENUM, false, offsetof(struct compare_raw, when), 0, 0, WHENS},
    {"label", YAML_WANT_LABEL, false, offsetof(struct compare_raw, label), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

bool form_is_compared(const struct form_field *f)
{
    return f->type == VALUE_INTEGER || f->type == VALUE_DECIMAL;
}

/* ---- reading ---- */

static bool name_is_free(const struct loader *l, const char *name)
{
    const struct form *f = &l->impl->form;

    for (uint32_t i = 0; i < f->compare_count; i++)
        if (strcmp(f->compares[i].name, name) == 0)
            return false;
    return index_find(&l->impl->names, name, strlen(name)) < 0;
}

static void check_own_field(struct loader *l, const struct yaml_node *at, const struct compare_raw *raw)
{
    const struct form *f = &l->impl->form;
    int32_t i = form_find_field(f, raw->field, strlen(raw->field));

    if (i < 0)
        COMPLAIN(l, form_value_node(at, "field"), "compare",
                 _("the form has no field \"%s\" outside its repeats: only such a field can be compared"), raw->field);
    else if (!form_is_compared(&f->fields[i]))
        COMPLAIN(l, form_value_node(at, "field"), "compare", _("\"%s\" is no number: only numbers are compared"),
                 raw->field);
}

static void read_one(struct loader *l, struct form_compare *into, const struct yaml_node *at)
{
    struct compare_raw raw = {.when = WHEN_UNKNOWN};
    const struct form *f = &l->impl->form;
    bool is_own;

    if (!yaml_read(l->doc, at, COMPARE_KEYS, &raw, l->r)) {
        l->bad = true;
        return;
    }
    is_own = raw.form == NULL || strcmp(raw.form, f->id) == 0;
    if (!name_is_free(l, raw.name)) {
        COMPLAIN(l, form_value_node(at, "name"), "compare", _("there is a field or a comparison of this name already"));
        return;
    }
    if (is_own && (raw.when == WHEN_UNKNOWN || raw.when == (int)COMPARE_SAME))
        COMPLAIN(l, at, "compare",
                 _("a form is compared with itself of another time: expected when: previous or "
                   "when: year_before, or form: and another form"));
    if (is_own)
        check_own_field(l, at, &raw);
    *into = (struct form_compare){.name = raw.name,
                                  .form = is_own ? f->id : raw.form,
                                  .field = raw.field,
                                  .when = raw.when == WHEN_UNKNOWN ? COMPARE_SAME : (enum form_when)raw.when};
    form_label(&into->label_ru, &into->label_en, &raw.label, NULL);
    l->impl->form.compare_count++;
}

void form_read_compares(struct loader *l, const struct yaml_node *list)
{
    struct form *f = &l->impl->form;
    struct form_compare *items;

    if (list == NULL)
        return;
    if (list->count > FORM_MAX_COMPARES) {
        COMPLAIN(l, list, "compare", _("too many: at most %u were expected"), FORM_MAX_COMPARES);
        return;
    }
    if (f->mode == FORM_ANSWERS) {
        COMPLAIN(l, list, "compare", _("anonymous answers are compared with nothing: nobody knows whose they are"));
        return;
    }
    if ((items = pool_array(&l->impl->pool, list->count, sizeof(*items))) == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    f->compares = items;
    for (uint32_t i = 0; i < list->count; i++)
        read_one(l, &items[f->compare_count], list->items[i]);
}

bool form_find_compare(const struct form *f, const char *name, size_t len, struct expr_symbol *out)
{
    for (uint32_t i = 0; i < f->compare_count; i++)
        if (strlen(f->compares[i].name) == len && memcmp(f->compares[i].name, name, len) == 0) {
            *out = (struct expr_symbol){
                .type = VALUE_DECIMAL, .places = FORM_COMPARE_PLACES, .repeat = -1, .index = f->field_count + i};
            return true;
        }
    return false;
}

/* ---- judging ---- */

void form_checker_compare(struct form_checker *c, const struct form *f, const struct value *values)
{
    c->compared_form = f;
    c->compared = values;
}

bool checker_can_warn(const struct form_checker *c, const struct form *f, const struct expr *warning)
{
    for (uint32_t i = 0; i < f->compare_count; i++)
        if (expr_uses(warning, f->field_count + i) &&
            (c->compared_form != f || c->compared == NULL || c->compared[i].state != VALUE_PRESENT))
            return false;
    return true;
}

/* ---- what is compared ---- */

static enum err base_period(const struct form *other, const struct calendar *c, const struct period *p,
                            struct period *out)
{
    for (uint32_t i = 0; i < other->series_count; i++)
        if (strcmp(other->all_series[i], p->series) == 0) {
            *out = *p;
            return OK;
        }
    for (uint32_t i = 0; i < other->series_count; i++)
        if (calendar_on(c, other->all_series[i], p->last, out) == OK)
            return OK;
    return ERR_NOT_FOUND;
}

enum err form_compare_period(const struct form_compare *by, const struct form *other, const struct calendar *c,
                             const struct period *p, struct period *out)
{
    struct period base;
    enum err e = base_period(other, c, p, &base);

    if (e != OK)
        return e;
    switch (by->when) {
    case COMPARE_SAME: *out = base; return OK;
    case COMPARE_PREVIOUS: return calendar_step(c, &base, -1, out);
    case COMPARE_YEAR_BEFORE: return calendar_year_before(c, &base, out);
    }
    return ERR_NOT_FOUND;
}

void form_compare_value(struct value *out, const char *field, const struct form *of, const struct value *values)
{
    int32_t i = form_find_field(of, field, strlen(field));
    int64_t scaled;

    *out = (struct value){.state = VALUE_MISSING};
    if (i < 0 || !form_is_compared(&of->fields[i]) || values[i].state != VALUE_PRESENT)
        return;
    scaled = values[i].as.i;
    for (unsigned p = of->fields[i].type == VALUE_DECIMAL ? of->fields[i].places : 0; p < FORM_COMPARE_PLACES; p++)
        if (__builtin_mul_overflow(scaled, (int64_t)10, &scaled))
            return;
    for (unsigned p = FORM_COMPARE_PLACES; of->fields[i].type == VALUE_DECIMAL && p < of->fields[i].places; p++)
        scaled /= 10;
    *out = (struct value){.state = VALUE_PRESENT, .as.i = scaled};
}
