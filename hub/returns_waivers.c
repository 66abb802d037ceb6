/* Waivers and extensions: decided at the hub (excuse.h), or entered by the office in a form of the name `waiver`
 * (docs/calendar.md), about the school. */
#include "hub/returns_internal.h"

#include "hub/decode.h"
#include "hub/excuse.h"

#include <stdlib.h>
#include <string.h>

#define WAIVERS_MAX 100000u

struct loading {
    struct waivers *out;
    struct decoder *decoder;
};

static const struct value *value_of(const struct form *f, const struct record *r, const char *name,
                                    enum value_type type)
{
    int32_t i = form_find_field(f, name, strlen(name));

    if (i < 0 || (uint32_t)i >= r->value_count || f->fields[i].type != type || r->values[i].state != VALUE_PRESENT)
        return NULL;
    return &r->values[i];
}

static bool kind_is(const struct form *f, const struct record *r, const char *code)
{
    const struct value *v = value_of(f, r, "kind", VALUE_SELECT_ONE);
    int32_t i = form_find_field(f, "kind", strlen("kind"));
    const struct choice_list *choices = i < 0 ? NULL : f->fields[i].choices;

    return v != NULL && choices != NULL && v->as.i >= 0 && v->as.i < (int64_t)choices->count &&
           strcmp(choices->items[v->as.i].code, code) == 0;
}

static enum err add(struct waivers *w, const struct waiver *one)
{
    if (w->count == w->cap) {
        size_t cap = w->cap == 0 ? 32 : 2 * w->cap;
        struct waiver *grown = w->cap >= WAIVERS_MAX ? NULL : realloc(w->items, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        w->items = grown;
        w->cap = cap;
    }
    w->items[w->count++] = *one;
    return OK;
}

static enum err load_one(void *ctx, const struct submission *s)
{
    struct loading *l = ctx;
    const struct value *form, *until, *reason;
    struct waiver w = {.until = 0};
    const struct form *f;
    struct record r;
    enum err e = decoder_read(l->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "a waiver");
    form = value_of(f, &r, "form", VALUE_TEXT);
    until = value_of(f, &r, "until", VALUE_DATE);
    reason = value_of(f, &r, "reason", VALUE_TEXT);
    w.is_extension = kind_is(f, &r, "extension");
    if (form == NULL || form->as.text.len > FORM_NAME_MAX ||
        (w.is_extension ? until == NULL : !kind_is(f, &r, "waiver")))
        return OK;
    memcpy(w.form, form->as.text.p, form->as.text.len);
    memcpy(w.unit, r.unit, sizeof(w.unit));
    memcpy(w.period, r.period, sizeof(w.period));
    if (w.is_extension)
        w.until = (int32_t)until->as.i;
    w.reason = reason == NULL ? strdup("") : strndup((const char *)reason->as.text.p, reason->as.text.len);
    if (w.reason == NULL)
        return ERR_NOMEM;
    if ((e = add(l->out, &w)) != OK)
        free(w.reason);
    return e;
}

static enum err load_decision(void *ctx, const struct excuse *x)
{
    struct waiver w = {.is_extension = x->kind == EXCUSE_EXTENSION, .until = x->day};
    enum err e;

    if (x->kind == EXCUSE_CALL)
        return OK;
    memcpy(w.form, x->form, sizeof(w.form));
    memcpy(w.unit, x->unit, sizeof(w.unit));
    memcpy(w.period, x->period, sizeof(w.period));
    if ((w.reason = strdup(x->reason)) == NULL)
        return ERR_NOMEM;
    if ((e = add(ctx, &w)) != OK)
        free(w.reason);
    return e;
}

enum err waivers_load(struct waivers *out, struct hub *h, struct store_txn *t)
{
    struct loading l = {.out = out};
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = decoder_new(&l.decoder, h)) != OK)
        return e;
    if ((e = excuse_each(t, load_decision, out)) == OK)
        e = ledger_each_current(h->ledger, t, WAIVER_FORM, NULL, NULL, load_one, &l);
    decoder_free(l.decoder);
    if (e != OK)
        waivers_fini(out);
    return e;
}

void waivers_fini(struct waivers *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->items[i].reason);
    free(w->items);
    memset(w, 0, sizeof(*w));
}

const struct waiver *waivers_find(const struct waivers *w, const char *form, const char *unit, const char *period)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->items[i].form, form) == 0 && strcmp(w->items[i].unit, unit) == 0 &&
            strcmp(w->items[i].period, period) == 0)
            return &w->items[i];
    return NULL;
}
