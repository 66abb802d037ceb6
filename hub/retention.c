#include "hub/retention.h"

#include "common/cli.h"
#include "hub/ledger_erase.h"
#include "hub/ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- classes and terms ---- */

static bool names_class(const struct form *f, const char *retention)
{
    if (strcmp(f->retention, retention) == 0)
        return true;
    for (uint32_t i = 0; i < f->field_count; i++)
        if (f->fields[i].retention != NULL && strcmp(f->fields[i].retention, retention) == 0)
            return true;
    return false;
}

bool retention_is_newest(const struct hub *h, const struct form *f)
{
    const struct form *newest = hub_form_by_id(h, f->id); /* a copy of the programme's own */

    return newest != NULL && memcmp(newest->digest, f->digest, FORM_DIGEST_BYTES) == 0;
}

void retention_class_of(struct retention_class *out, const struct hub *h, const char *retention)
{
    bool is_first = true;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < h->form_count; i++) {
        const struct form *f = h->forms[i];

        if (!retention_is_newest(h, f) || !names_class(f, retention))
            continue;
        out->differs |= !is_first && out->years != f->retention_years;
        is_first = false;
        if (f->retention_years > out->years)
            out->years = f->retention_years;
        if (out->form_count < RETENTION_FORMS_MAX)
            out->forms[out->form_count++] = f;
    }
}

int32_t retention_due(int32_t year, uint32_t years)
{
    return date_from_civil(year + 1 + (int)years, 9, 1);
}

void retention_check(struct form *const *forms, size_t count, struct report *r)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct finding at = {.is_warning = true};

            if (strcmp(forms[i]->id, forms[k]->id) == 0 || strcmp(forms[i]->retention, forms[k]->retention) != 0 ||
                forms[i]->retention_years == forms[k]->retention_years)
                continue;
            report_add(r, &at,
                       _("form %s is kept for %u years and form %s for %u, but both are of the retention class %s: the "
                         "longer term holds for both"),
                       forms[i]->id, forms[i]->retention_years, forms[k]->id, forms[k]->retention_years,
                       forms[i]->retention);
            break;
        }
}

/* ---- what was received ---- */

struct counted {
    char retention[RETENTION_MAX + 1];
    int32_t year;
    uint64_t submissions, first_lsn;
};
struct counting {
    struct counted *items;
    size_t count;
};

/* The clear part alone, which mostly lies in the first chunk. */
static enum err header_of(struct store_txn *t, uint64_t lsn, struct batch_header *out)
{
    struct stored_batch s;
    struct bytes value;
    struct buf raw;
    uint8_t key[12] = {0};
    uint32_t clear_len;
    enum err e;

    be64_put(key, lsn);
    if ((e = store_get(t, H_BLOBS, bytes_of(key, sizeof(key)), &value)) != OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    clear_len = value.len < STORED_HEAD_BYTES ? 0 : be32_get(value.p + STORED_HEAD_BYTES - 4);
    if (clear_len > 0 && clear_len <= value.len - STORED_HEAD_BYTES)
        return batch_parse_clear(out, bytes_of(value.p + STORED_HEAD_BYTES, clear_len));
    buf_init(&raw, STORED_MAX);
    if ((e = stored_get(t, lsn, &raw, &s)) == OK)
        *out = s.header;
    buf_fini(&raw);
    return e;
}

static enum err count_section(struct counting *c, const struct batch_section *s, int32_t year, uint64_t lsn)
{
    struct counted *grown;

    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].year == year && strcmp(c->items[i].retention, s->retention) == 0) {
            c->items[i].submissions += s->records;
            return OK;
        }
    if ((grown = reallocarray(c->items, c->count + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    c->items = grown;
    grown = &c->items[c->count++];
    (void)snprintf(grown->retention, sizeof(grown->retention), "%s", s->retention);
    grown->year = year;
    grown->submissions = s->records;
    grown->first_lsn = lsn;
    return OK;
}

static enum err count_all(struct store_txn *t, struct counting *c)
{
    struct journal_head head;
    enum err e = journal_head(t, &head);

    for (uint64_t lsn = 1; e == OK && lsn <= head.lsn; lsn++) {
        struct batch_header h;
        struct batch_entry entry;
        struct bytes bytes;

        if ((e = journal_get(t, lsn, &bytes)) != OK || batch_entry_get(&entry, lsn, bytes) != OK)
            continue;
        if ((e = header_of(t, lsn, &h)) != OK)
            break;
        for (uint32_t k = 0; k < h.section_count && e == OK; k++)
            e = count_section(c, &h.sections[k], entry.school_year, lsn);
        batch_header_fini(&h);
        cli_progress(_("Looking through the journal"), lsn, head.lsn);
    }
    cli_progress_end();
    return e;
}

struct listing {
    struct hub *hub;
    int32_t today;
    struct counting counted;
    enum err (*each)(void *ctx, const struct retention_row *r);
    void *ctx;
};

static enum err list_key(void *ctx, const struct storage_row *key)
{
    const struct listing *l = ctx;
    struct retention_row r = {.key = *key};

    retention_class_of(&r.of, l->hub, key->retention);
    if (r.of.years > 0)
        r.due = retention_due(key->year, r.of.years);
    if (key->act != 0)
        r.state = RETENTION_ERASED;
    else if (r.of.years == 0)
        r.state = RETENTION_NO_TERM;
    else
        r.state = l->today >= r.due ? RETENTION_DUE : RETENTION_KEPT;
    for (size_t i = 0; i < l->counted.count; i++)
        if (l->counted.items[i].year == key->year && strcmp(l->counted.items[i].retention, key->retention) == 0) {
            r.submissions = l->counted.items[i].submissions;
            r.first_lsn = l->counted.items[i].first_lsn;
        }
    return l->each(l->ctx, &r);
}

enum err retention_each(struct hub *h, struct store_txn *t, int32_t today,
                        enum err (*each)(void *ctx, const struct retention_row *r), void *ctx)
{
    struct listing l = {.hub = h, .today = today, .each = each, .ctx = ctx};
    enum err e = count_all(t, &l.counted);

    if (e == OK)
        e = storage_keys_each(t, list_key, &l);
    free(l.counted.items);
    return e;
}

struct year_left {
    int32_t year;
    bool any;
};

static enum err look_at_key(void *ctx, const struct storage_row *key)
{
    struct year_left *y = ctx;

    y->any |= key->year == y->year && key->act == 0;
    return OK;
}

enum err retention_year_is_over(struct store_txn *t, int32_t year, bool *is_over)
{
    struct year_left y = {year, false};
    enum err e = storage_keys_each(t, look_at_key, &y);

    *is_over = !y.any;
    return e;
}

/* ---- new definitions over what is gone ---- */

static enum err say_form(struct store_txn *t, const char *what, const char *form, FILE *to)
{
    char last[PERIOD_ID_MAX + 1] = "";
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    size_t len = strlen(form) + 1;
    enum err e = store_cursor_open(t, H_FROZEN, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of(form, len), &key, &value);
         e == OK && key.len > len && memcmp(key.p, form, len) == 0; e = store_next(c, &key, &value)) {
        const char *unit = (const char *)key.p + len;
        const char *period = unit + strnlen(unit, key.len - len) + 1;

        if (period >= (const char *)key.p + key.len || value.len != 8 || strcmp(period, last) == 0)
            continue;
        (void)snprintf(last, sizeof(last), "%s", period);
        (void)fprintf(to, _("%s: what was erased under act %llu cannot be counted any more: form %s, period %s\n"),
                      what, (unsigned long long)be64_get(value.p), form, period);
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err retention_say_lost(struct hub *h, struct store_txn *t, const struct cell_build *b,
                            const struct programme *fresh, FILE *to)
{
    enum err e = OK;

    if (store_count(t, H_FROZEN) == 0)
        return OK;
    for (size_t i = 0; i < fresh->variable_count && e == OK; i++) {
        const struct variable *v = fresh->variables[i];
        bool has = true;

        if (!cell_build_has(b, v) || (e = ledger_has_frozen(h, t, v->digest, &has)) != OK || has)
            continue;
        for (uint32_t k = 0; k < v->clause_count && e == OK; k++)
            e = say_form(t, v->id, v->clauses[k].form, to);
    }
    return e;
}
