/* Reads the roster from the ledger. */
#include "hub/roster_internal.h"

#include "hub/decode.h"
#include "hub/ledger.h"
#include "hub/registry.h"
#include "hub/units.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX (64u << 20)
#define FACT_MAX  ((size_t)FORM_MAX_TEXT * 2)

enum fact {
    FACT_UNIT,
    FACT_NAME,
    FACT_KIND,
    FACT_SETTLEMENT,
    FACT_STATUS,
    FACT_SINCE,
    FACT_UNTIL,
    FACT_SUCCESSOR,
    FACT_BRANCH_OF,
    FACT_SMALL,
    FACT_REMOTE,
    FACT_COUNT
};
static const char *const fact_names[FACT_COUNT] = {"unit_id", "name",      "kind",      "settlement", "status", "since",
                                                   "until",   "successor", "branch_of", "small",      "remote"};

struct reader {
    struct roster *r;
    const struct hub *hub;
    struct decoder *decoder;
    const struct form *form;    /* the version that `at` is of */
    int32_t at[FACT_COUNT];     /* field of each fact; -1: the version does not have it */
    const struct value *values; /* of the row at hand */
    struct buf text;            /* one fact */
};

/* ---- one row ---- */

static bool suits(enum fact fact, enum value_type type)
{
    switch (fact) {
    case FACT_SINCE:
    case FACT_UNTIL: return type == VALUE_DATE;
    case FACT_SMALL:
    case FACT_REMOTE: return type == VALUE_BOOLEAN;
    default: return type == VALUE_TEXT || type == VALUE_SELECT_ONE || type == VALUE_INTEGER;
    }
}

static void find_facts(struct reader *rd, const struct form *f)
{
    if (f == rd->form)
        return;
    rd->form = f;
    for (unsigned i = 0; i < FACT_COUNT; i++) {
        rd->at[i] = form_find_field(f, fact_names[i], strlen(fact_names[i]));
        if (rd->at[i] >= 0 && !suits((enum fact)i, f->fields[rd->at[i]].type))
            rd->at[i] = -1;
    }
}

/* NULL: not known. */
static const struct value *value_of(const struct reader *rd, enum fact fact)
{
    const struct value *v = rd->at[fact] < 0 ? NULL : &rd->values[rd->at[fact]];

    return v != NULL && v->state == VALUE_PRESENT ? v : NULL;
}

/* As text, in rd->text; "" when it is not known. */
static const char *text_of(struct reader *rd, enum fact fact)
{
    const struct value *v = value_of(rd, fact);

    buf_reset(&rd->text);
    if (v != NULL)
        value_format(&rd->text, &rd->form->fields[rd->at[fact]], v);
    return buf_cstr(&rd->text);
}

static uint32_t keep(struct roster *r, const char *text)
{
    uint32_t at = (uint32_t)r->texts.len;

    if (text[0] == '\0')
        return ROSTER_NO_TEXT;
    buf_put(&r->texts, text, strlen(text) + 1);
    return at;
}

static int32_t day_of(const struct reader *rd, enum fact fact, int32_t otherwise)
{
    const struct value *v = value_of(rd, fact);

    return v == NULL ? otherwise : (int32_t)v->as.i;
}

static uint8_t answer_of(const struct reader *rd, enum fact fact)
{
    const struct value *v = value_of(rd, fact);

    if (v == NULL)
        return ROSTER_UNKNOWN;
    return v->as.i != 0 ? ROSTER_YES : ROSTER_NO;
}

static uint8_t status_of(struct reader *rd)
{
    const char *code = text_of(rd, FACT_STATUS);

    if (strcmp(code, "closed") == 0)
        return ROSTER_CLOSED;
    return strcmp(code, "merged") == 0 ? ROSTER_MERGED : ROSTER_ACTIVE;
}

static struct roster_row *new_row(struct roster *r)
{
    if (r->row_count == r->row_cap) {
        size_t cap = r->row_cap == 0 ? 64 : r->row_cap * 2;
        struct roster_row *grown = cap > UINT32_MAX ? NULL : reallocarray(r->rows, cap, sizeof(*grown));

        if (grown == NULL)
            return NULL;
        r->rows = grown;
        r->row_cap = cap;
    }
    return &r->rows[r->row_count];
}

static enum err add_row(struct reader *rd, int32_t begins)
{
    struct roster *r = rd->r;
    struct roster_row *row = new_row(r);

    if (row == NULL)
        return ERR_NOMEM;
    *row = (struct roster_row){.begins = begins, .order = (uint32_t)r->row_count};
    row->unit = keep(r, text_of(rd, FACT_UNIT));
    row->name = keep(r, text_of(rd, FACT_NAME));
    row->kind = keep(r, text_of(rd, FACT_KIND));
    row->settlement = keep(r, text_of(rd, FACT_SETTLEMENT));
    row->successor = keep(r, text_of(rd, FACT_SUCCESSOR));
    row->branch_of = keep(r, text_of(rd, FACT_BRANCH_OF));
    row->status = status_of(rd);
    row->since = day_of(rd, FACT_SINCE, INT32_MIN);
    row->until = day_of(rd, FACT_UNTIL, INT32_MAX);
    row->small = answer_of(rd, FACT_SMALL);
    row->remote = answer_of(rd, FACT_REMOTE);
    r->row_count++;
    return buf_status(&r->texts);
}

/* A row about no unit that could ever report, or of a period that no programme gives any more, says nothing. */
static enum err take_row(void *ctx, const struct submission *s)
{
    struct reader *rd = ctx;
    const struct form *f;
    struct period period;
    struct record r;
    enum err e = decoder_read(rd->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "a row of the roster");
    find_facts(rd, f);
    rd->values = r.values;
    if (r.values == NULL || !id_is_valid(text_of(rd, FACT_UNIT)) ||
        calendar_find(rd->hub->calendar, NULL, r.period, &period) != OK)
        return OK;
    return add_row(rd, period.first);
}

static enum err read_rows(struct roster *r, struct hub *h, struct store_txn *t)
{
    struct reader rd = {.r = r, .hub = h};
    enum err e = decoder_new(&rd.decoder, h);

    if (e != OK)
        return e;
    buf_init(&rd.text, FACT_MAX);
    e = ledger_each_current(h->ledger, t, ROSTER_FORM, UNIT_DISTRICT, NULL, take_row, &rd);
    buf_fini(&rd.text);
    decoder_free(rd.decoder);
    return e;
}

/* ---- without a roster ---- */

/* What stands in the rows was sorted by units_named(). */
static struct roster_row *row_of(struct roster *r, const char *unit)
{
    for (size_t low = 0, high = r->row_count; low < high;) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(roster_text(r, r->rows[mid].unit), unit);

        if (order == 0)
            return &r->rows[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* Units of a participant that is closed are closed, unless another one speaks for them. */
static void mark_granted(struct roster *r, const struct participant *p)
{
    for (uint32_t u = 0; u < p->grant.unit_count; u++) {
        struct roster_row *row = row_of(r, p->grant.units[u]);

        if (row == NULL)
            continue;
        row->status = p->state == PARTICIPANT_CLOSED ? ROSTER_CLOSED : ROSTER_ACTIVE;
        if (strcmp(p->grant.units[u], p->id) == 0 || p->grant.unit_count == 1)
            row->name = keep(r, p->grant.name);
    }
}

static enum err take_named(struct roster *r, struct hub *h, struct store_txn *t)
{
    struct units *named = NULL;
    enum err e = units_named(&named, h, t);

    for (size_t i = 0; e == OK && i < units_count(named); i++) {
        struct roster_row *row = strcmp(units_at(named, i), UNIT_DISTRICT) == 0 ? NULL : new_row(r);

        if (row == NULL) {
            e = strcmp(units_at(named, i), UNIT_DISTRICT) == 0 ? OK : ERR_NOMEM;
            continue;
        }
        *row = (struct roster_row){.begins = INT32_MIN, .since = INT32_MIN, .until = INT32_MAX};
        row->unit = keep(r, units_at(named, i));
        r->row_count++;
    }
    units_free(named);
    for (int open = 0; e == OK && open <= 1; open++)
        for (size_t i = 0; i < registry_count(h->registry); i++)
            if ((registry_at(h->registry, i)->state != PARTICIPANT_CLOSED) == (open == 1))
                mark_granted(r, registry_at(h->registry, i));
    return e == OK ? buf_status(&r->texts) : e;
}

/* ---- in order ---- */

static int by_unit_then_time(const void *a, const void *b, void *ctx)
{
    const struct roster_row *x = a;
    const struct roster_row *y = b;
    int order = strcmp(roster_text(ctx, x->unit), roster_text(ctx, y->unit));

    if (order == 0)
        order = (x->begins > y->begins) - (x->begins < y->begins);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static enum err index_units(struct roster *r)
{
    if (r->row_count > 0)
        qsort_r(r->rows, r->row_count, sizeof(*r->rows), by_unit_then_time, r);
    r->units = calloc(r->row_count + 1, sizeof(*r->units));
    r->leavers = calloc(r->row_count + 1, sizeof(*r->leavers));
    if (r->units == NULL || r->leavers == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->row_count; i++) {
        bool is_new = i == 0 || strcmp(roster_text(r, r->rows[i - 1].unit), roster_text(r, r->rows[i].unit)) != 0;
        uint32_t unit;

        if (is_new)
            r->units[r->unit_count++].first_row = (uint32_t)i;
        unit = (uint32_t)r->unit_count - 1;
        r->units[unit].row_count++;
        if (r->rows[i].successor != ROSTER_NO_TEXT && (r->leaver_count == 0 || r->leavers[r->leaver_count - 1] != unit))
            r->leavers[r->leaver_count++] = unit;
    }
    return OK;
}

enum err roster_load(struct roster **out, struct hub *h, struct store_txn *t)
{
    struct roster *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    buf_init(&r->texts, TEXTS_MAX);
    buf_put_u8(&r->texts, 0); /* the empty text */
    if ((e = read_rows(r, h, t)) == OK) {
        r->is_entered = r->row_count > 0;
        if (!r->is_entered)
            e = take_named(r, h, t);
    }
    if (e == OK)
        e = index_units(r);
    if (e != OK) {
        roster_free(r);
        return e;
    }
    *out = r;
    return OK;
}
