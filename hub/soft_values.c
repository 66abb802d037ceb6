#include "hub/soft_values.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/decode.h"
#include "hub/ledger.h"
#include "protocol/builtin.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX       ((size_t)4 * FORM_MAX_TEXT + 256u)
#define ENTRY_DIGEST  16u
#define ENTRIES_BYTES ((size_t)SOFT_VALUES_MAX * sizeof(struct entry))
#define SOURCES_MAX   256u

/* One number that stands in the ledger. */
struct entry {
    uint8_t of[ENTRY_DIGEST]; /* unit, period and key */
    struct value value;
};

/* A field of a form that something is compared with. */
struct source {
    const char *form, *field;       /* loans from the version that names them */
    char period[PERIOD_ID_MAX + 1]; /* "": all */
    struct entry *entries;          /* sorted */
    size_t count;
};

struct soft_values {
    struct hub *h;
    struct source sources[SOURCES_MAX];
    size_t count, total;
    struct value values[FORM_MAX_COMPARES];
    struct period period; /* looked up last */
    struct buf key, entries;
    struct decoder *decoder;
    const struct source *reading;
};

void soft_values_free(struct soft_values *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        free(c->sources[i].entries);
    decoder_free(c->decoder);
    buf_wipe(&c->key);
    buf_wipe(&c->entries);
    free(c);
}

static enum err entry_of(struct soft_values *c, const char *unit, const char *period, const struct form *f,
                         const struct value *values, uint8_t out[ENTRY_DIGEST])
{
    uint8_t whole[DIGEST_BYTES];
    enum err e;

    buf_reset(&c->key);
    buf_put(&c->key, unit, strlen(unit) + 1);
    buf_put(&c->key, period, strlen(period) + 1);
    if (f != NULL && f->key >= 0)
        value_format(&c->key, &f->fields[f->key], &values[f->key]);
    if ((e = buf_status(&c->key)) != OK)
        return e;
    digest(whole, bytes_of(c->key.data, c->key.len));
    memcpy(out, whole, ENTRY_DIGEST);
    return OK;
}

/* ---- reading ---- */

static enum err take(void *ctx, const struct submission *s)
{
    struct soft_values *c = ctx;
    struct entry n;
    const struct form *f;
    struct record r;
    enum err e = decoder_read(c->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "a current submission");
    form_compare_value(&n.value, c->reading->field, f, r.values);
    if (n.value.state != VALUE_PRESENT)
        return OK;
    if (++c->total > SOFT_VALUES_MAX)
        return err_set(ERR_LIMIT, _("more than %u earlier values: name a form, a unit or a period"), SOFT_VALUES_MAX);
    if ((e = entry_of(c, r.unit, r.period, f, r.values, n.of)) != OK)
        return e;
    buf_put(&c->entries, &n, sizeof(n));
    return buf_status(&c->entries);
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(((const struct entry *)a)->of, ((const struct entry *)b)->of, ENTRY_DIGEST);
}

static enum err read_source(struct soft_values *c, struct store_txn *t, struct source *s, const char *unit)
{
    const struct form *f = hub_form_by_id(c->h, s->form);
    enum err e;

    if (f == NULL || f->mode == FORM_ANSWERS)
        return OK;
    c->reading = s;
    buf_reset(&c->entries);
    e = ledger_each_current(c->h->ledger, t, s->form, f->is_about_district ? UNIT_DISTRICT : unit,
                            s->period[0] != '\0' ? s->period : NULL, take, c);
    s->count = c->entries.len / sizeof(struct entry);
    if (e != OK || s->count == 0)
        return e;
    if ((s->entries = malloc(c->entries.len)) == NULL)
        return ERR_NOMEM;
    memcpy(s->entries, c->entries.data, c->entries.len);
    qsort(s->entries, s->count, sizeof(*s->entries), by_digest);
    return OK;
}

static const struct source *find_source(const struct soft_values *c, const struct form_compare *by, const char *period)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->sources[i].form, by->form) == 0 && strcmp(c->sources[i].field, by->field) == 0 &&
            (c->sources[i].period[0] == '\0' || strcmp(c->sources[i].period, period) == 0))
            return &c->sources[i];
    return NULL;
}

static enum err compared_period(struct soft_values *c, const struct form_compare *by, const char *of,
                                struct period *out)
{
    const struct form *other = hub_form_by_id(c->h, by->form);
    enum err e = OK;

    if (strcmp(c->period.id, of) != 0)
        e = calendar_find(c->h->calendar, NULL, of, &c->period);
    if (e == OK)
        e = other == NULL ? ERR_NOT_FOUND : form_compare_period(by, other, c->h->calendar, &c->period, out);
    return e;
}

static enum err add_source(struct soft_values *c, struct store_txn *t, const struct form_compare *by, const char *unit,
                           const char *period)
{
    struct period p = {.id = ""};
    struct source *s;
    enum err e = period == NULL ? OK : compared_period(c, by, period, &p);

    if (e != OK || find_source(c, by, p.id) != NULL)
        return e == ERR_NOT_FOUND ? OK : e;
    if (c->count == SOURCES_MAX)
        return err_set(ERR_LIMIT, _("the versions of a form compare more than %u fields"), SOURCES_MAX);
    s = &c->sources[c->count++];
    *s = (struct source){.form = by->form, .field = by->field};
    utf8_copy(s->period, sizeof(s->period), p.id);
    return read_source(c, t, s, unit);
}

static bool compares(const struct hub *h, const char *form)
{
    for (size_t i = 0; i < h->form_count; i++)
        if (strcmp(h->forms[i]->id, form) == 0 && h->forms[i]->compare_count > 0)
            return true;
    return false;
}

enum err soft_values_read(struct soft_values **out, struct hub *h, struct store_txn *t, const char *form,
                          const char *unit, const char *period)
{
    struct soft_values *c;
    enum err e;

    *out = NULL;
    if (!compares(h, form))
        return OK;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return ERR_NOMEM;
    c->h = h;
    buf_init_secret(&c->key, KEY_MAX);
    buf_init_secret(&c->entries, ENTRIES_BYTES);
    e = decoder_new(&c->decoder, h);
    for (size_t i = 0; i < h->form_count && e == OK; i++)
        for (uint32_t k = 0; strcmp(h->forms[i]->id, form) == 0 && k < h->forms[i]->compare_count && e == OK; k++)
            e = add_source(c, t, &h->forms[i]->compares[k], unit, period);
    if (e == OK)
        *out = c;
    else
        soft_values_free(c);
    return e;
}

/* ---- finding ---- */

static void look_up(const struct source *s, const uint8_t of[ENTRY_DIGEST], struct value *out)
{
    struct entry wanted = {.value.state = VALUE_MISSING};
    const struct entry *found;

    if (s == NULL || s->count == 0)
        return;
    memcpy(wanted.of, of, ENTRY_DIGEST);
    found = bsearch(&wanted, s->entries, s->count, sizeof(wanted), by_digest);
    if (found == NULL || (found > s->entries && by_digest(found - 1, found) == 0) ||
        (found + 1 < s->entries + s->count && by_digest(found + 1, found) == 0))
        return;
    *out = found->value;
}

static enum err find_one(struct soft_values *c, const struct form *f, uint32_t i, const struct record *r)
{
    const struct form_compare *by = &f->compares[i];
    const struct form *other = hub_form_by_id(c->h, by->form);
    uint8_t of[ENTRY_DIGEST];
    struct period p;
    enum err e = compared_period(c, by, r->period, &p);

    c->values[i] = (struct value){.state = VALUE_MISSING};
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    /* A form without rows has one answer for all of them. */
    e = entry_of(c, other->is_about_district ? UNIT_DISTRICT : r->unit, p.id, other->key >= 0 ? f : NULL, r->values,
                 of);
    if (e == OK)
        look_up(find_source(c, by, p.id), of, &c->values[i]);
    return e;
}

enum err soft_values_find(struct soft_values *c, const struct form *f, const struct record *r, const struct value **out)
{
    enum err e = OK;

    *out = NULL;
    if (c == NULL || f->compare_count == 0)
        return OK;
    for (uint32_t i = 0; i < f->compare_count && e == OK; i++)
        e = find_one(c, f, i, r);
    if (e == OK)
        *out = c->values;
    return e;
}
