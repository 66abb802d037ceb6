/* form_table_read.c: what stands in the ledger, unit by unit. */
#include "hub/form_table_internal.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/closing.h"
#include "hub/decode.h"
#include "hub/erased.h"
#include "hub/quarantine.h"
#include "hub/units.h"

#include <stdlib.h>
#include <string.h>

/* ---- units ---- */

static enum err unit_of(struct form_table *ft, const char *id, struct form_table_unit **out)
{
    struct form_table_unit *u;
    const char *name;

    for (size_t i = 0; i < ft->unit_count; i++) { /* what comes sorted by unit is found at once */
        size_t at = (ft->unit_last + i) % ft->unit_count;

        if (strcmp(ft->units[at].id, id) == 0) {
            ft->unit_last = at;
            *out = &ft->units[at];
            return OK;
        }
    }
    if (ft->unit_count == FORM_TABLE_MAX_UNITS)
        return err_set(ERR_LIMIT, _("the table would have more than %u units"), FORM_TABLE_MAX_UNITS);
    if (ft->unit_count == ft->unit_cap) {
        size_t cap = ft->unit_cap == 0 ? 64 : 2 * ft->unit_cap;

        if ((u = reallocarray(ft->units, cap, sizeof(*u))) == NULL)
            return ERR_NOMEM;
        ft->units = u;
        ft->unit_cap = cap;
    }
    u = &ft->units[ft->unit_count];
    memset(u, 0, sizeof(*u));
    if ((u->cells = calloc(ft->column_count + 1, sizeof(*u->cells))) == NULL)
        return ERR_NOMEM;
    (void)snprintf(u->id, sizeof(u->id), "%s", id);
    name = strcmp(id, UNIT_DISTRICT) == 0 ? _("the district itself") : roster_name(ft->roster, id);
    u->known_name = name == id ? NULL : name; /* `id` is somebody else's, and soon gone */
    ft->unit_last = ft->unit_count++;
    *out = u;
    return OK;
}

static enum err add_expected(struct form_table *ft, const struct hub *h)
{
    struct units *all = NULL;
    struct form_table_unit *u;
    enum err e = units_expected(&all, h, ft->roster, ft->form, &ft->period);

    for (size_t i = 0; e == OK && i < units_count(all); i++)
        if ((e = unit_of(ft, units_at(all, i), &u)) == OK)
            u->is_expected = true;
    units_free(all);
    return e;
}

static enum err take_state(void *ctx, const struct return_row *r)
{
    struct form_table *ft = ctx;
    struct form_table_unit *u;
    enum err e = unit_of(ft, r->unit, &u);

    if (e != OK)
        return e;
    u->has_state = true;
    u->state = r->state;
    u->cover = r->facts.cover;
    u->behalf.is_replaced = r->facts.behalf.is_replaced;
    u->is_nothing = r->facts.is_here && r->facts.submissions == 0;
    u->is_expected = r->state != RETURN_WAIVED;
    if (r->text[0] != '\0' && u->question == NULL && (u->question = strdup(r->text)) == NULL)
        return ERR_NOMEM;
    return OK;
}

/* ---- what was sent ---- */

struct reading {
    struct form_table *ft;
    struct decoder *decoder;
};

enum err form_table_add(struct form_table_cell *c, int64_t scaled)
{
    if (__builtin_add_overflow(c->sum, scaled, &c->sum))
        return err_set(ERR_LIMIT, _("a sum of the table is too large"));
    c->n++;
    return OK;
}

static enum err keep_words(struct form_table_cell *c, const char *text, const char *code)
{
    free(c->text);
    free(c->code);
    c->text = strdup(text);
    c->code = strdup(code);
    return c->text == NULL || c->code == NULL ? ERR_NOMEM : OK;
}

static enum err take_word(struct form_table_cell *c, const struct form_field *f, const struct value *v)
{
    struct buf text, code;
    enum err e;

    buf_init_secret(&text, 64u << 10);
    buf_init_secret(&code, 64u << 10);
    value_format(&code, f, v);
    value_show(&text, f, v);
    if ((e = buf_status(&text)) == OK && (e = buf_status(&code)) == OK)
        e = keep_words(c, buf_cstr(&text), buf_cstr(&code));
    if (e == OK && v->state == VALUE_PRESENT)
        c->n++;
    buf_fini(&text);
    buf_fini(&code);
    return e;
}

/* Is it the answer that the column counts?  By code: the lists of versions may differ. */
static bool is_chosen(const struct form_table_column *c, const struct form_field *was, const struct value *v)
{
    const char *code = c->field->choices->items[c->choice].code;
    int32_t at = choice_find(was->choices, code, strlen(code));

    if (at < 0)
        return false;
    return was->type == VALUE_SELECT_ONE ? v->as.i == at : at < 64 && (v->as.set >> at & 1) != 0;
}

/* Over the rows of a list, by the column's name: the lists of versions may differ. */
static enum err take_list(const struct form_table_column *c, struct form_table_cell *cell, const struct form_field *was,
                          const struct value *v)
{
    const struct value_rows *rows = &v->as.rows;
    uint32_t at = 0;
    enum err e = OK;

    while (at < was->column_count && strcmp(was->columns[at].name, c->inner->name) != 0)
        at++;
    if (at == was->column_count || at >= rows->columns || was->columns[at].type != c->inner->type ||
        was->columns[at].places != c->inner->places)
        return OK;
    for (uint32_t i = 0; i < rows->rows && e == OK; i++) {
        const struct value *in = &rows->cells[(size_t)i * rows->columns + at];

        if (in->state == VALUE_PRESENT)
            e = form_table_add(cell, in->as.i);
    }
    return e;
}

static enum err take_value(const struct form_table *ft, const struct form_table_column *c, struct form_table_cell *cell,
                           const struct form_field *was, const struct value *v)
{
    bool is_state = v->state == VALUE_NOT_KNOWN || v->state == VALUE_NOT_APPLICABLE;

    if (ft->form->mode == FORM_RECORD && is_state)
        return take_word(cell, was, v);
    if (v->state != VALUE_PRESENT)
        return OK;
    switch (c->kind) {
    case FORM_TABLE_WORD: return take_word(cell, was, v);
    case FORM_TABLE_NUMBER: return form_table_add(cell, v->as.i);
    case FORM_TABLE_SUM: return c->inner != NULL ? take_list(c, cell, was, v) : form_table_add(cell, v->as.i);
    case FORM_TABLE_ANSWERED: return form_table_add(cell, 1);
    case FORM_TABLE_COUNT: break;
    }
    if (was->type == VALUE_REPEAT)
        return form_table_add(cell, v->as.rows.rows);
    return form_table_add(cell, was->type == VALUE_BOOLEAN ? v->as.i : is_chosen(c, was, v) ? 1 : 0);
}

static enum err take_submission(void *ctx, const struct submission *s)
{
    struct reading *x = ctx;
    struct form_table *ft = x->ft;
    struct form_table_unit *u;
    const struct form *f;
    struct record r;
    enum err e;

    if (s->erased != NULL)
        return OK; /* take_erased() */
    if ((e = decoder_read(x->decoder, s->record, &r, &f)) != OK || (e = unit_of(ft, r.unit, &u)) != OK)
        return e;
    u->submissions++;
    return_behalf_count(&u->behalf, s, r.source);
    for (size_t i = 0; i < ft->column_count && e == OK; i++) {
        const struct form_table_column *c = &ft->columns[i];
        int32_t at = form_find_field(f, c->field->name, strlen(c->field->name));

        if (at >= 0 && (uint32_t)at < r.value_count && f->fields[at].type == c->field->type &&
            f->fields[at].places == c->field->places)
            e = take_value(ft, c, &u->cells[i], &f->fields[at], &r.values[at]);
    }
    return e;
}

struct erasing {
    struct form_table *ft;
    size_t unit;
};

static enum err take_erased(void *ctx, const struct submission *s)
{
    struct erasing *x = ctx;

    if (s->erased != NULL) {
        x->ft->units[x->unit].erased++;
        x->ft->units[x->unit].act = s->erased->act;
    }
    return OK;
}

static enum err take_apart(void *ctx, const char *unit)
{
    struct form_table_unit *u;
    enum err e = unit_of(ctx, unit, &u);

    if (e == OK)
        u->apart++;
    return e;
}

static enum err count_erased(void *ctx, const struct submission *s)
{
    *(uint64_t *)ctx += s->erased != NULL ? 1 : 0;
    return OK;
}

/* Who has nothing left but what was erased is listed, too. */
static enum err read_erased(struct form_table *ft, struct hub *h, struct store_txn *t)
{
    struct form_table_unit *u;
    struct units *known = NULL;
    uint64_t erased = 0;
    enum err e = ledger_each_standing(h->ledger, t, ft->form->id, NULL, ft->period.id, count_erased, &erased);

    if (e != OK || erased == 0)
        return e;
    e = units_known(&known, h, t);
    for (size_t i = 0; e == OK && i < units_count(known); i++) {
        struct return_facts facts;

        if ((e = returns_facts(h, t, ft->form->id, units_at(known, i), ft->period.id, &facts)) == OK &&
            facts.submissions > 0)
            e = unit_of(ft, units_at(known, i), &u);
    }
    units_free(known);
    for (size_t i = 0; i < ft->unit_count && e == OK; i++) {
        struct erasing erasing = {ft, i};

        e = ledger_each_standing(h->ledger, t, ft->form->id, ft->units[i].id, ft->period.id, take_erased, &erasing);
    }
    return e;
}

enum err form_table_read(struct form_table *ft, struct hub *h, struct store_txn *t, int32_t today)
{
    struct returns_query q = {.form = ft->form->id, .period = ft->period.id, .today = today, .with_closed = true};
    struct reading x = {.ft = ft};
    uint64_t lsn = 0;
    enum err e = add_expected(ft, h);

    if (e == OK && (e = returns_each(h, t, &q, take_state, ft)) == OK && (e = decoder_new(&x.decoder, h)) == OK)
        e = ledger_each_current(h->ledger, t, ft->form->id, NULL, ft->period.id, take_submission, &x);
    if (e == OK)
        e = quarantine_each_waiting(h, t, ft->form->id, ft->period.id, take_apart, ft);
    if (e == OK)
        e = read_erased(ft, h, t);
    if (e == OK)
        e = closing_is_closed(t, ft->period.id, "", &ft->is_closed, &lsn);
    decoder_free(x.decoder);
    return e;
}
