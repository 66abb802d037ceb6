/* A hub's programmes, roster and cells. */
#include "hub/evaluate_internal.h"

#include "hub/cells.h"
#include "hub/units.h"

#include <stdlib.h>
#include <string.h>

/* What an evaluation of a hub holds besides. */
struct of_hub {
    struct store_txn *t;
    struct roster *roster;
    const char **ids;
    struct units **expected; /* their texts, while nobody has entered a roster: of each form */
    size_t expected_count;
    struct cell_source source;
    const struct units *without; /* NULL: with all of them */
};

static void of_hub_free(void *p)
{
    struct of_hub *o = p;

    if (o == NULL)
        return;
    roster_free(o->roster);
    for (size_t i = 0; i < o->expected_count; i++)
        units_free(o->expected[i]);
    free(o->expected);
    free(o->ids);
    free(o);
}

/* ---- the living cells ---- */

static enum err each_living(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                            enum err (*each)(void *to, const char *unit, const char *period, struct bytes part,
                                             const struct cell *c),
                            void *to)
{
    const struct of_hub *o = ctx;
    struct store_cursor *cursor = NULL;
    struct bytes key, value;
    struct cell_at at;
    struct cell c;
    enum err e = store_cursor_open(o->t, H_CELLS, &cursor);

    if (e != OK)
        return e;
    for (e = store_seek(cursor, bytes_of(digest, VARIABLE_DIGEST_BYTES), &key, &value);
         e == OK && key.len >= VARIABLE_DIGEST_BYTES && memcmp(key.p, digest, VARIABLE_DIGEST_BYTES) == 0;
         e = store_next(cursor, &key, &value)) {
        if ((e = cell_key_read(&at, key)) != OK || (e = cell_get(&c, value)) != OK ||
            (e = each(to, at.unit, at.period, at.part, &c)) != OK)
            break;
    }
    store_cursor_close(cursor);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- all but those of some units ---- */

struct sieve {
    const struct units *without;
    enum err (*each)(void *to, const char *unit, const char *period, struct bytes part, const struct cell *c);
    void *to;
};

static enum err let_through(void *to, const char *unit, const char *period, struct bytes part, const struct cell *c)
{
    const struct sieve *s = to;

    return units_has(s->without, unit) ? OK : s->each(s->to, unit, period, part, c);
}

static enum err each_other(void *ctx, const uint8_t digest[VARIABLE_DIGEST_BYTES],
                           enum err (*each)(void *to, const char *unit, const char *period, struct bytes part,
                                            const struct cell *c),
                           void *to)
{
    const struct of_hub *o = ctx;
    struct sieve s = {o->without, each, to};

    return o->source.each_cell(o->source.ctx, digest, let_through, &s);
}

/* ---- the roster ---- */

static bool is_active(const void *ctx, const char *unit, int32_t first, int32_t last)
{
    const struct of_hub *o = ctx;

    return roster_is_active(o->roster, unit, first, last);
}

static enum err each_predecessor(const void *ctx, const char *unit, int32_t by_day,
                                 enum err (*each)(void *to, const char *predecessor), void *to)
{
    const struct of_hub *o = ctx;

    return roster_each_predecessor(o->roster, unit, by_day, each, to);
}

/* Of several programmes with the same form, one is enough. */
static bool is_asked(const struct hub *h, const struct programme *p, const struct form *f)
{
    if (f->is_about_district || hub_form_by_id(h, f->id) != f)
        return false;
    for (size_t v = 0; v < p->variable_count; v++)
        for (uint32_t c = 0; c < p->variables[v]->clause_count; c++)
            if (strcmp(p->variables[v]->clauses[c].form, f->id) == 0)
                return true;
    return false;
}

static enum err add_expected(struct of_hub *o, struct hub *h, const struct form *f, size_t *count)
{
    struct units *u = NULL;
    const char **grown;
    enum err e = units_expected(&u, h, o->roster, f, NULL);

    if (e != OK)
        return e;
    o->expected[o->expected_count++] = u;
    if ((grown = reallocarray(o->ids, *count + units_count(u) + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    o->ids = grown;
    for (size_t i = 0; i < units_count(u); i++)
        o->ids[(*count)++] = units_at(u, i);
    return OK;
}

/* Nobody has entered a roster: of whom one of the forms is expected. */
static enum err list_expected(struct of_hub *o, struct hub *h, size_t *count)
{
    size_t forms = 0;
    enum err e = OK;

    for (size_t p = 0; p < h->programme_count; p++)
        forms += h->programmes[p]->form_count;
    if ((o->expected = calloc(forms + 1, sizeof(struct units *))) == NULL)
        return ERR_NOMEM;
    for (size_t p = 0; p < h->programme_count; p++)
        for (size_t f = 0; f < h->programmes[p]->form_count && e == OK; f++)
            if (is_asked(h, h->programmes[p], h->programmes[p]->forms[f]))
                e = add_expected(o, h, h->programmes[p]->forms[f], count);
    return e;
}

static enum err list_entered(struct of_hub *o, size_t *count)
{
    if ((o->ids = calloc(roster_count(o->roster) + 1, sizeof(*o->ids))) == NULL)
        return ERR_NOMEM;
    while (*count < roster_count(o->roster)) {
        o->ids[*count] = roster_unit_at(o->roster, *count);
        (*count)++;
    }
    return OK;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err list_ids(struct of_hub *o, struct hub *h, struct unit_facts *out)
{
    bool is_entered = roster_is_entered(o->roster);
    size_t count = 0;
    size_t kept = 0;
    enum err e = is_entered ? list_entered(o, &count) : list_expected(o, h, &count);

    if (e == OK && count > 1)
        qsort(o->ids, count, sizeof(*o->ids), by_id);
    for (size_t i = 0; e == OK && i < count; i++) /* several forms are expected of the same */
        if ((kept == 0 || strcmp(o->ids[kept - 1], o->ids[i]) != 0) &&
            (o->without == NULL || !units_has(o->without, o->ids[i])))
            o->ids[kept++] = o->ids[i];
    *out = (struct unit_facts){o, o->ids, kept, is_entered, is_active, each_predecessor};
    return e;
}

enum err evaluation_new(struct evaluation **out, struct hub *h, struct store_txn *t, const struct cell_source *source)
{
    return evaluation_new_without(out, h, t, source, NULL);
}

enum err evaluation_new_without(struct evaluation **out, struct hub *h, struct store_txn *t,
                                const struct cell_source *source, const struct units *without)
{
    struct of_hub *o = calloc(1, sizeof(*o));
    struct evaluation_world w = {
        .programmes = h->programmes, .programme_count = h->programme_count, .calendar = h->calendar};
    enum err e;

    if (o == NULL)
        return ERR_NOMEM;
    o->t = t;
    o->without = without;
    o->source = source != NULL ? *source : (struct cell_source){each_living, o};
    w.source = without != NULL ? (struct cell_source){each_other, o} : o->source;
    if ((e = roster_load(&o->roster, h, t)) == OK && (e = list_ids(o, h, &w.units)) == OK)
        e = evaluation_make(out, &w);
    if (e != OK) {
        of_hub_free(o);
        return e;
    }
    (*out)->hub = o;
    (*out)->hub_free = of_hub_free;
    (*out)->roster = o->roster;
    return OK;
}
