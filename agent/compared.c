#include "agent/compared.h"

#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

struct compared {
    const struct agent *a;
    const struct form *form;
    const struct period *period;
    char unit[ID_MAX + 1];    /* whose history was read; "": none */
    struct earlier **history; /* of each comparison; NULL: nothing to compare with */
    struct value *values;
    struct buf key;
};

enum err compared_new(struct compared **out, const struct agent *a, const struct form *form,
                      const struct period *period)
{
    struct compared *c;

    *out = NULL;
    if (form->compare_count == 0)
        return OK;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return ERR_NOMEM;
    *c = (struct compared){.a = a, .form = form, .period = period};
    buf_init_secret(&c->key, (size_t)4 * FORM_MAX_TEXT);
    c->history = calloc(form->compare_count, sizeof(struct earlier *));
    c->values = calloc(form->compare_count, sizeof(*c->values));
    if (c->history == NULL || c->values == NULL) {
        compared_free(c);
        return ERR_NOMEM;
    }
    *out = c;
    return OK;
}

static void forget(struct compared *c)
{
    for (uint32_t i = 0; c->history != NULL && i < c->form->compare_count; i++) {
        earlier_free(c->history[i]);
        c->history[i] = NULL;
    }
    c->unit[0] = '\0';
}

void compared_free(struct compared *c)
{
    if (c == NULL)
        return;
    forget(c);
    free(c->history);
    free(c->values);
    buf_wipe(&c->key);
    free(c);
}

static enum err read_one(struct compared *c, const char *unit, uint32_t i)
{
    const struct form_compare *by = &c->form->compares[i];
    const struct form *other = agent_form(c->a, by->form);
    struct period p;
    enum err e;

    if (other == NULL || other->mode == FORM_ANSWERS)
        return OK;
    e = form_compare_period(by, other, c->a->calendar, c->period, &p);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    return earlier_read(&c->history[i], c->a, other, other->is_about_district ? UNIT_DISTRICT : unit, p.id);
}

static enum err turn_to(struct compared *c, const char *unit)
{
    enum err e = OK;

    if (strcmp(c->unit, unit) == 0)
        return OK;
    forget(c);
    for (uint32_t i = 0; i < c->form->compare_count && e == OK; i++)
        e = read_one(c, unit, i);
    if (e == OK)
        utf8_copy(c->unit, sizeof(c->unit), unit);
    else
        forget(c);
    return e;
}

static enum err find_one(struct compared *c, uint32_t i)
{
    const struct form_compare *by = &c->form->compares[i];
    const struct form *other = agent_form(c->a, by->form);
    const struct value *values;
    const struct form *of;
    enum err e;

    c->values[i] = (struct value){.state = VALUE_MISSING};
    if (c->history[i] == NULL)
        return OK;
    /* A form without rows has one answer for all of them. */
    e = earlier_values(c->history[i], other != NULL && other->key >= 0 ? buf_cstr(&c->key) : "", &values, &of);
    if (e == OK)
        form_compare_value(&c->values[i], by->field, of, values);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err compared_find(struct compared *c, const char *unit, const struct value *values, const struct value **out)
{
    enum err e = turn_to(c, unit);

    buf_reset(&c->key);
    queue_key_text(&c->key, c->form, values);
    if (e == OK)
        e = buf_status(&c->key);
    for (uint32_t i = 0; i < c->form->compare_count && e == OK; i++)
        e = find_one(c, i);
    if (e == OK)
        *out = c->values;
    return e;
}
