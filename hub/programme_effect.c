#include "hub/programme_effect.h"

#include "common/cli.h"
#include "hub/reads.h"
#include "hub/units.h"
#include "hub/variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static bool names_have(const struct effect_names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i], name) == 0)
            return true;
    return false;
}

static enum err names_add(struct effect_names *n, const char *name)
{
    const char **grown;

    if (names_have(n, name))
        return OK;
    if ((n->count & (n->count - 1)) == 0) {
        if ((grown = realloc(n->items, (n->count == 0 ? 1 : 2 * n->count) * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        n->items = grown;
    }
    n->items[n->count++] = name;
    return OK;
}

/* A name that is made here; NULL: no memory. */
static const char *keep_text(struct programme_effect *f, char *text)
{
    char **grown = realloc(f->texts, (f->text_count + 1) * sizeof(*grown));

    if (text == NULL || grown == NULL) {
        free(text);
        if (grown != NULL)
            f->texts = grown;
        return NULL;
    }
    f->texts = grown;
    return f->texts[f->text_count++] = text;
}

/* ---- fields ---- */

static bool has_field(const struct form_field *fields, uint32_t count, const char *name)
{
    for (uint32_t i = 0; name != NULL && i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

static const struct form_field *old_field(const struct form_field *fields, uint32_t count, const struct form_field *now)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, now->name) == 0 ||
            (now->was != NULL && !has_field(fields, count, now->name) && strcmp(fields[i].name, now->was) == 0))
            return &fields[i];
    return NULL;
}

/* What a person would have to be asked; what is calculated is not. */
static enum err find_new_fields(struct programme_effect *f, struct effect_version *v, const struct form *fresh)
{
    enum err e = OK;

    for (uint32_t i = 0; i < fresh->field_count && e == OK; i++) {
        const struct form_field *now = &fresh->fields[i];
        const struct form_field *old = old_field(v->form->fields, v->form->field_count, now);

        if (old == NULL && !now->is_calculated)
            e = names_add(&v->new_fields, now->name);
        for (uint32_t c = 0; old != NULL && c < now->column_count && e == OK; c++)
            if (old_field(old->columns, old->column_count, &now->columns[c]) == NULL &&
                !now->columns[c].is_calculated) {
                char text[2 * FORM_NAME_MAX + 2];
                const char *kept;

                (void)snprintf(text, sizeof(text), "%s.%s", now->name, now->columns[c].name);
                e = (kept = keep_text(f, strdup(text))) == NULL ? ERR_NOMEM : names_add(&v->new_fields, kept);
            }
    }
    return e;
}

/* ---- who has answered ---- */

struct counting {
    struct effect_form *of;
    const struct hub *hub;
    char (*last_unit)[ID_MAX + 1]; /* of each version: submissions come sorted by unit */
    uint64_t done;
};

static enum err count_submission(void *ctx, const struct submission *s)
{
    struct counting *c = ctx;
    struct record head;
    enum err e = record_decode_head(&head, s->record);

    cli_progress(_("Reading the submissions"), ++c->done, 0);
    for (size_t i = 0; e == OK && i < c->of->version_count; i++) {
        struct effect_version *v = &c->of->versions[i];

        if (memcmp(v->form->digest, head.form, FORM_DIGEST_BYTES) != 0)
            continue;
        v->submissions++;
        if (v->units == 0 || strcmp(c->last_unit[i], head.unit) != 0)
            v->units++;
        (void)snprintf(c->last_unit[i], sizeof(c->last_unit[i]), "%s", head.unit);
    }
    return e;
}

static enum err list_versions(struct effect_form *of, const struct hub *h)
{
    if ((of->versions = calloc(h->form_count + 1, sizeof(*of->versions))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < h->form_count; i++)
        if (strcmp(h->forms[i]->id, of->fresh->id) == 0)
            of->versions[of->version_count++].form = h->forms[i];
    return OK;
}

static int by_version(const void *a, const void *b)
{
    const struct effect_version *x = a;
    const struct effect_version *y = b;

    return strverscmp(x->form->version, y->form->version);
}

/* Versions that nobody has answered are of no interest. */
static void drop_unanswered(struct effect_form *of)
{
    size_t kept = 0;

    for (size_t i = 0; i < of->version_count; i++)
        if (of->versions[i].submissions > 0)
            of->versions[kept++] = of->versions[i];
    of->version_count = kept;
    qsort(of->versions, kept, sizeof(*of->versions), by_version);
}

static enum err count_units(struct effect_form *of, struct hub *h, struct store_txn *t)
{
    struct counting c = {.of = of, .hub = h};
    struct roster *roster = NULL;
    struct units *expected = NULL;
    enum err e;

    if ((c.last_unit = calloc(of->version_count + 1, sizeof(*c.last_unit))) == NULL)
        return ERR_NOMEM;
    e = ledger_each_current(h->ledger, t, of->fresh->id, NULL, NULL, count_submission, &c);
    cli_progress_end();
    free(c.last_unit);
    if (e != OK)
        return e;
    drop_unanswered(of);
    if ((e = roster_load(&roster, h, t)) == OK && (e = units_expected(&expected, h, roster, of->fresh, NULL)) == OK)
        of->expected = units_count(expected);
    units_free(expected);
    roster_free(roster);
    return e;
}

/* ---- what their answers cannot give ---- */

struct reading {
    const struct programme *p;
    struct reads reads;
    struct form **forms; /* all versions, the coming ones included */
    size_t form_count;
    bool *lacks; /* of each variable: the version at hand cannot give it */
};

static enum err compiles(const struct reading *r, const struct variable *v, uint32_t clause, const struct form *at,
                         bool *out)
{
    struct form_versions versions = {at, r->forms, r->form_count};
    struct variable_code *code = NULL;
    enum err e = variable_compile(&code, v, clause, &versions, NULL, NULL);

    *out = e == OK;
    variable_code_free(code);
    return e == ERR_INVALID ? OK : e;
}

static enum err find_lacking(struct reading *r, const struct form *old)
{
    enum err e = OK;

    for (size_t i = 0; i < r->p->variable_count && e == OK; i++) {
        const struct variable *v = r->p->variables[i];

        r->lacks[i] = false;
        for (uint32_t c = 0; c < v->clause_count && e == OK; c++) {
            bool good = true;

            if (strcmp(v->clauses[c].form, old->id) == 0)
                e = compiles(r, v, c, old, &good);
            r->lacks[i] = r->lacks[i] || !good;
        }
    }
    return e;
}

static enum err find_without_data(struct reading *r, struct effect_version *v)
{
    enum err e = find_lacking(r, v->form);

    for (uint32_t i = 0; i < r->p->indicator_count && e == OK; i++) {
        bool lacks = false;

        if (r->p->indicators[i]->is_hidden)
            continue;
        reads_find(&r->reads, i);
        for (size_t k = 0; k < r->p->variable_count; k++)
            lacks = lacks || (r->reads.variables[k] && r->lacks[k]);
        if (lacks)
            e = names_add(&v->without_data, r->p->indicators[i]->id);
    }
    return e;
}

static enum err reading_init(struct reading *r, const struct hub *h, const struct programme *fresh)
{
    enum err e = reads_init(&r->reads, fresh);

    r->p = fresh;
    r->lacks = calloc(fresh->variable_count + 1, sizeof(bool));
    r->forms = calloc(h->form_count + fresh->form_count + 1, sizeof(struct form *));
    if (r->lacks == NULL || r->forms == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < h->form_count; i++)
        r->forms[r->form_count++] = h->forms[i];
    for (size_t i = 0; i < fresh->form_count; i++)
        if (hub_form(h, fresh->forms[i]->digest) == NULL)
            r->forms[r->form_count++] = fresh->forms[i];
    return e;
}

static void reading_fini(struct reading *r)
{
    reads_fini(&r->reads);
    free(r->lacks);
    free(r->forms);
}

/* ---- forms ---- */

static enum err add_form(struct programme_effect *f, struct reading *r, struct hub *h, struct store_txn *t,
                         const struct form *fresh)
{
    struct effect_form *of = &f->forms[f->form_count++];
    enum err e;

    of->fresh = fresh;
    if ((e = list_versions(of, h)) != OK || (e = count_units(of, h, t)) != OK)
        return e;
    for (size_t i = 0; i < of->version_count && e == OK; i++)
        if ((e = find_new_fields(f, &of->versions[i], fresh)) == OK)
            e = find_without_data(r, &of->versions[i]);
    return e;
}

static enum err add_forms(struct programme_effect *f, struct hub *h, struct store_txn *t, const struct programme *fresh)
{
    struct reading r = {0};
    enum err e = reading_init(&r, h, fresh);

    if (e == OK && (f->forms = calloc(fresh->form_count + 1, sizeof(*f->forms))) == NULL)
        e = ERR_NOMEM;
    for (size_t i = 0; i < fresh->form_count && e == OK; i++)
        if (hub_form(h, fresh->forms[i]->digest) == NULL && hub_form_by_id(h, fresh->forms[i]->id) != NULL)
            e = add_form(f, &r, h, t, fresh->forms[i]);
    reading_fini(&r);
    return e;
}

/* ---- indicators ---- */

static bool is_listed(const struct programme *p, const char *id)
{
    for (size_t i = 0; i < p->indicator_count; i++)
        if (strcmp(p->indicators[i]->id, id) == 0 && !p->indicators[i]->is_hidden)
            return true;
    return false;
}

/* The next definition of the id from *at on, whatever its part; NULL: none. */
static const struct indicator *next_of(const struct programme *p, const char *id, size_t *at)
{
    while (*at < p->indicator_count) {
        const struct indicator *i = p->indicators[(*at)++];

        if (strcmp(i->id, id) == 0)
            return i;
    }
    return NULL;
}

/* All its definitions, in their order. */
static bool is_same(const struct programme *a, const struct programme *b, const char *id)
{
    size_t at_a = 0, at_b = 0;

    for (;;) {
        const struct indicator *x = next_of(a, id, &at_a);
        const struct indicator *y = next_of(b, id, &at_b);

        if (x == NULL || y == NULL)
            return x == y;
        if (memcmp(x->digest, y->digest, sizeof(x->digest)) != 0)
            return false;
    }
}

static bool is_same_variable(const struct programme *old, const struct variable *v)
{
    int32_t at = programme_find_variable(old, v->id);

    return at >= 0 && memcmp(old->variables[at]->digest, v->digest, VARIABLE_DIGEST_BYTES) == 0;
}

struct comparison {
    const struct programme *old;
    struct reads reads;
    bool *differs; /* of each indicator: its id had other definitions, or none */
};

/* Something below it changed: a variable, or another indicator. */
static bool reads_changed(struct comparison *c, uint32_t index)
{
    struct reads *r = &c->reads;

    reads_find(r, index);
    for (size_t i = 0; i < r->p->variable_count; i++)
        if (r->variables[i] && !is_same_variable(c->old, r->p->variables[i]))
            return true;
    for (size_t i = 0; i < r->p->indicator_count; i++)
        if (r->indicators[i] && c->differs[i])
            return true;
    return false;
}

static enum err compare_one(struct programme_effect *f, struct comparison *c, uint32_t i)
{
    const struct indicator *now = c->reads.p->indicators[i];

    if (now->is_hidden)
        return OK;
    if (!is_listed(c->old, now->id))
        return names_add(&f->added, now->id);
    if (c->differs[i])
        return names_add(&f->changed, now->id);
    return reads_changed(c, i) ? names_add(&f->touched, now->id) : OK;
}

/* Of a programme that is new, everything is. */
static enum err compare_indicators(struct programme_effect *f, const struct programme *fresh)
{
    struct comparison c = {.old = f->old};
    enum err e;

    if (f->old == NULL)
        return OK;
    e = reads_init(&c.reads, fresh);
    if (e == OK && (c.differs = calloc(fresh->indicator_count + 1, sizeof(bool))) == NULL)
        e = ERR_NOMEM;
    for (size_t i = 0; i < fresh->indicator_count && e == OK; i++)
        c.differs[i] = !is_same(fresh, f->old, fresh->indicators[i]->id);
    for (uint32_t i = 0; i < fresh->indicator_count && e == OK; i++)
        e = compare_one(f, &c, i);
    for (size_t i = 0; i < f->old->indicator_count && e == OK; i++)
        if (!f->old->indicators[i]->is_hidden && !is_listed(fresh, f->old->indicators[i]->id))
            e = names_add(&f->removed, f->old->indicators[i]->id);
    free(c.differs);
    reads_fini(&c.reads);
    return e;
}

/* ---- all of it ---- */

static enum err find_effect(struct programme_effect *f, struct hub *h, struct store_txn *t,
                            const struct programme *fresh, struct cell_build *b)
{
    enum err e;

    for (size_t i = 0; i < h->programme_count; i++)
        if (strcmp(h->programmes[i]->id, fresh->id) == 0)
            f->old = h->programmes[i];
    if ((e = add_forms(f, h, t, fresh)) != OK || (e = compare_indicators(f, fresh)) != OK ||
        (e = cell_build_size(b, t, &f->definitions, &f->submissions)) != OK)
        return e;
    for (size_t i = 0; i < fresh->variable_count && e == OK; i++)
        if (cell_build_has(b, fresh->variables[i]))
            e = names_add(&f->built, fresh->variables[i]->id);
    return e;
}

enum err programme_effect_new(struct programme_effect **out, struct hub *h, struct store_txn *t,
                              const struct programme *fresh, struct cell_build *b)
{
    struct programme_effect *f = calloc(1, sizeof(*f));
    enum err e = f == NULL ? ERR_NOMEM : find_effect(f, h, t, fresh, b);

    if (e == OK)
        *out = f;
    else
        programme_effect_free(f);
    return e;
}

void programme_effect_free(struct programme_effect *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->form_count; i++) {
        for (size_t k = 0; k < f->forms[i].version_count; k++) {
            free(f->forms[i].versions[k].new_fields.items);
            free(f->forms[i].versions[k].without_data.items);
        }
        free(f->forms[i].versions);
    }
    free(f->forms);
    free(f->added.items);
    free(f->removed.items);
    free(f->changed.items);
    free(f->touched.items);
    free(f->built.items);
    for (size_t i = 0; i < f->text_count; i++)
        free(f->texts[i]);
    free(f->texts);
    free(f);
}

bool programme_effect_is_empty(const struct programme_effect *f)
{
    return f->old == NULL && f->form_count == 0 && (f->definitions == 0 || f->submissions == 0);
}
