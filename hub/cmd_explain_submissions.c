/* The submissions behind a sum, and the proof that the stored cells are made of them and of nothing else. */
#include "hub/explain.h"

#include "hub/decode.h"
#include "hub/ledger.h"
#include "hub/ledger_erase.h"
#include "hub/returns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 4096u
#define GATHER_MAX  (512u << 20)

bool explain_is_of_submissions(const struct indicator *i)
{
    return i->numerator.source != NULL || i->numerator.count > 0;
}

/* ---- which variables, forms and periods ---- */

struct source {
    const char *form;
    struct period period;
    bool counts; /* else it is looked at for the comparison alone: another clause has the period, or the form */
};
/* What one submission added to one cell. */
struct gathered {
    uint32_t variable;
    uint32_t part, part_len; /* in `text` */
    char unit[ID_MAX + 1];
    char period[PERIOD_ID_MAX + 1];
    i128 sum;
    int64_t n;
};
/* The first period of a form in which a unit was found: sources come latest first where that matters. */
struct latest {
    const char *form;
    char unit[ID_MAX + 1];
    char period[PERIOD_ID_MAX + 1];
};
/* What one act holds of a unit and period. */
struct frozen_group {
    uint64_t act;
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    i128 numerator, denominator;
    uint64_t codes;
    bool is_found;
};
struct behind {
    struct explain *x;
    struct frozen_group *frozen;
    size_t frozen_count;
    uint32_t variables[128]; /* of its terms, each digest once */
    size_t variable_count;
    struct source *sources;
    size_t source_count;
    const struct source *at; /* being walked */
    struct decoder *decoder;
    struct variable_eval *eval;
    struct buf gathered, text;
    unsigned places; /* of numerator and denominator */
    char (*not_eligible)[ID_MAX + 1];
    size_t not_eligible_count;
    struct latest *latest; /* of each unit: the period that `last` has taken, for each form */
    size_t latest_count;
    bool has_last;
    /* of the submission at hand */
    i128 numerator, denominator;
    uint64_t codes;
    const char *unit, *period;
    bool is_found;
};

static const struct variable *variable_at(const struct behind *b, size_t k)
{
    return b->x->programme->variables[b->variables[k]];
}

static uint32_t index_of(const struct behind *b, const uint8_t *digest)
{
    for (size_t k = 0; k < b->variable_count; k++)
        if (memcmp(variable_at(b, k)->digest, digest, VARIABLE_DIGEST_BYTES) == 0)
            return (uint32_t)k;
    return UINT32_MAX;
}

static unsigned term_places(const struct programme *p, const struct linear_term *t)
{
    const struct variable *v = p->variables[t->variable];

    return t->stat == STAT_VALUE && (v->kind == VARIABLE_SUM || v->kind == VARIABLE_VALUES) ? v->places : 0;
}

static void add_terms(struct behind *b, const struct linear *l)
{
    const struct programme *p = b->x->programme;

    for (uint32_t i = 0; i < l->count; i++) {
        const struct linear_term *t = &l->terms[i];

        if (term_places(p, t) > b->places)
            b->places = term_places(p, t);
        b->has_last |= p->variables[t->variable]->time == TIME_LAST || p->variables[t->variable]->time == TIME_WITHIN;
        if (index_of(b, p->variables[t->variable]->digest) == UINT32_MAX &&
            b->variable_count < sizeof(b->variables) / sizeof(b->variables[0]))
            b->variables[b->variable_count++] = t->variable;
    }
}

static enum err add_source(struct behind *b, const char *form, const struct period *period, bool counts)
{
    for (size_t i = 0; i < b->source_count; i++)
        if (strcmp(b->sources[i].form, form) == 0 && strcmp(b->sources[i].period.id, period->id) == 0) {
            b->sources[i].counts |= counts;
            return OK;
        }
    if (b->source_count == SOURCES_MAX)
        return err_set(ERR_LIMIT, _("more than %u forms and periods are behind it"), SOURCES_MAX);
    b->sources[b->source_count++] = (struct source){form, *period, counts};
    return OK;
}

static enum err take_source(void *ctx, const char *form_id, const struct period *period)
{
    return add_source(ctx, form_id, period, true);
}

static bool is_period_of(const struct behind *b, const struct variable *v, const char *period)
{
    for (size_t i = 0; i < b->source_count; i++)
        for (uint32_t c = 0; c < v->clause_count; c++)
            if (strcmp(b->sources[i].form, v->clauses[c].form) == 0 && strcmp(b->sources[i].period.id, period) == 0)
                return true;
    return false;
}

/* Cells of one variable and period hold what all its clauses gave: where one of its forms is looked at, all are. */
static enum err complete_sources(struct behind *b)
{
    size_t before;
    enum err e = OK;

    do {
        before = b->source_count;
        for (size_t k = 0; k < b->variable_count; k++) {
            const struct variable *v = variable_at(b, k);

            for (size_t i = 0; i < before && e == OK; i++)
                for (uint32_t c = 0; c < v->clause_count && e == OK && is_period_of(b, v, b->sources[i].period.id); c++)
                    e = add_source(b, v->clauses[c].form, &b->sources[i].period, false);
        }
    } while (e == OK && b->source_count > before);
    return e;
}

static enum err list_sources(struct behind *b)
{
    struct explain *x = b->x;
    enum err e = OK;

    if ((b->sources = calloc(SOURCES_MAX, sizeof(*b->sources))) == NULL)
        return ERR_NOMEM;
    for (size_t k = 0; k < b->variable_count && e == OK; k++)
        e = evaluation_sources(x->e, x->programme, b->variables[k], &x->period, take_source, b);
    return e == OK ? complete_sources(b) : e;
}

static bool is_needed(const void *ctx, const struct variable *v)
{
    return index_of(ctx, v->digest) != UINT32_MAX;
}

/* ---- the submissions ---- */

static i128 power10(unsigned places)
{
    i128 p = 1;

    while (places-- > 0)
        p *= 10;
    return p;
}

static void add_linear(const struct behind *b, const struct linear *l, uint32_t variable, const struct contribution *c,
                       i128 *to)
{
    const struct programme *p = b->x->programme;
    const uint8_t *digest = p->variables[variable]->digest;

    for (uint32_t i = 0; i < l->count; i++) {
        const struct linear_term *t = &l->terms[i];

        if (memcmp(p->variables[t->variable]->digest, digest, VARIABLE_DIGEST_BYTES) == 0)
            *to += (t->stat == STAT_N ? (i128)c->n : c->sum) * t->coefficient * power10(b->places - term_places(p, t));
    }
}

static enum err gather(struct behind *b, uint32_t k, struct bytes part, const struct contribution *c)
{
    struct gathered g = {
        .variable = k, .part = (uint32_t)b->text.len, .part_len = (uint32_t)part.len, .sum = c->sum, .n = c->n};

    (void)snprintf(g.unit, sizeof(g.unit), "%s", b->unit);
    (void)snprintf(g.period, sizeof(g.period), "%s", b->period);
    if (part.len > 0)
        buf_put(&b->text, part.p, part.len);
    buf_put(&b->gathered, &g, sizeof(g));
    return b->text.failed ? buf_status(&b->text) : buf_status(&b->gathered);
}

static enum err take_contribution(void *ctx, const struct variable *v, struct bytes part, const struct contribution *c)
{
    struct behind *b = ctx;
    uint32_t k = index_of(b, v->digest);
    const char *wanted = b->x->part;

    if (k == UINT32_MAX || part_is_presence(part))
        return OK;
    if (v->kind != VARIABLE_SUM) {
        b->is_found = true;
        b->codes++;
    } else if (part.len == strlen(wanted) && memcmp(part.p, wanted, part.len) == 0) {
        b->is_found = true;
        add_linear(b, &b->x->indicator->numerator, b->variables[k], c, &b->numerator);
        add_linear(b, &b->x->indicator->denominator, b->variables[k], c, &b->denominator);
    }
    return gather(b, k, part, c);
}

static void put_exact(struct buf *out, i128 v, unsigned places)
{
    struct result r = {.state = RESULT_OK, .has_fraction = true, .numerator = v, .fraction_places = places};

    result_put_numerator(out, &r);
}

static enum err put_row(struct behind *b, const char *id, const char *received, const struct record *r,
                        const char *source)
{
    struct explain *x = b->x;
    char codes[24];
    struct buf above, below;
    const char *cells[] = {id, r->unit, r->period, received, NULL, NULL, codes, source};
    enum err e;

    buf_init(&above, 256);
    buf_init(&below, 256);
    put_exact(&above, b->numerator, b->places);
    if (x->indicator->denominator.count > 0)
        put_exact(&below, b->denominator, b->places);
    (void)snprintf(codes, sizeof(codes), "%llu", (unsigned long long)b->codes);
    if (b->codes == 0) {
        codes[0] = '\0';
    } else { /* what it adds cannot be said of one submission alone */
        buf_reset(&above);
        buf_reset(&below);
    }
    cells[4] = buf_cstr(&above);
    cells[5] = buf_cstr(&below);
    e = table_row(x->table, cells);
    buf_fini(&above);
    buf_fini(&below);
    return e;
}

static enum err put_submission(struct behind *b, const struct submission *s, const struct record *r)
{
    const struct participant *p = registry_by_index(b->x->hub->registry, s->participant);
    char id[RECORD_ID_TEXT], received[64];
    int64_t ms;
    enum err e = ledger_time(b->x->t, s->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(id, p == NULL ? "?" : p->id, &s->ref);
    command_time(received, sizeof(received), ms, b->x->format);
    return put_row(b, id, received, r,
                   b->x->format == TABLE_TEXT ? return_behalf_word(s->participant, r->source) : source_name(r->source));
}

/* Does the unit take part in the district's value? */
static bool takes_part(const struct behind *b, const char *unit)
{
    const struct roster *r = evaluation_roster(b->x->e);
    const struct period *p = &b->at->period;

    if (b->x->unit != NULL || strcmp(unit, UNIT_DISTRICT) == 0)
        return true;
    for (size_t i = 0; i < b->not_eligible_count; i++)
        if (strcmp(b->not_eligible[i], unit) == 0)
            return false;
    return !roster_is_entered(r) || roster_is_active(r, unit, p->first, p->last);
}

/* With `last` only the latest period of a unit counts. */
static enum err is_latest(struct behind *b, const char *unit, bool *out)
{
    struct latest *grown;

    *out = true;
    if (!b->has_last)
        return OK;
    for (size_t i = 0; i < b->latest_count; i++)
        if (strcmp(b->latest[i].form, b->at->form) == 0 && strcmp(b->latest[i].unit, unit) == 0) {
            *out = strcmp(b->latest[i].period, b->at->period.id) == 0;
            return OK;
        }
    if ((grown = reallocarray(b->latest, b->latest_count + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    b->latest = grown;
    grown[b->latest_count].form = b->at->form;
    (void)snprintf(grown[b->latest_count].unit, sizeof(grown[0].unit), "%s", unit);
    (void)snprintf(grown[b->latest_count++].period, sizeof(grown[0].period), "%s", b->at->period.id);
    return OK;
}

static enum err take_submission(void *ctx, const struct submission *s)
{
    struct behind *b = ctx;
    const struct form *f;
    struct record r;
    enum err e = decoder_read(b->decoder, s->record, &r, &f);

    b->is_found = false;
    b->numerator = b->denominator = 0;
    b->codes = 0;
    if (e != OK)
        return e;
    b->unit = r.unit;
    b->period = r.period;
    e = variable_eval_record(b->eval, f, r.unit, r.values, r.value_count, r.filled_on, take_contribution, b);
    if (e != OK || !b->at->counts)
        return e;
    if (b->is_found && (e = is_latest(b, r.unit, &b->is_found)) != OK)
        return e;
    if (!b->is_found || !takes_part(b, r.unit)) {
        b->x->others++;
        return OK;
    }
    b->x->behind++;
    return put_submission(b, s, &r);
}

/* ---- the stored cells ---- */

struct comparing {
    struct behind *b;
    uint32_t variable;
    const struct period *period;
    size_t next; /* of those gathered, sorted and added up */
    bool differs;
};

static int compare_parts(struct bytes x, struct bytes y)
{
    size_t len = x.len < y.len ? x.len : y.len;
    int order = len > 0 ? memcmp(x.p, y.p, len) : 0;

    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static int by_cell(const void *one, const void *other, void *text)
{
    const struct gathered *x = one;
    const struct gathered *y = other;
    const uint8_t *all = text;
    int order;

    if (x->variable != y->variable)
        return x->variable < y->variable ? -1 : 1;
    if ((order = strcmp(x->period, y->period)) != 0 || (order = strcmp(x->unit, y->unit)) != 0)
        return order;
    return compare_parts(bytes_of(all + x->part, x->part_len), bytes_of(all + y->part, y->part_len));
}

/* Sorted, one for each cell, none that come to nothing. */
static void add_up(struct behind *b)
{
    struct gathered *all = (struct gathered *)(void *)b->gathered.data;
    size_t count = b->gathered.len / sizeof(*all);
    size_t kept = 0;

    if (count > 1)
        qsort_r(all, count, sizeof(*all), by_cell, b->text.data);
    for (size_t i = 0; i < count;) {
        struct gathered sum = all[i];

        for (i++; i < count && by_cell(&sum, &all[i], b->text.data) == 0; i++) {
            sum.sum += all[i].sum;
            sum.n += all[i].n;
        }
        if (sum.sum != 0 || sum.n != 0)
            all[kept++] = sum;
    }
    b->gathered.len = kept * sizeof(*all);
}

static enum err count_stored(void *ctx, const char *unit, struct bytes part, const struct cell *c)
{
    struct comparing *m = ctx;
    const struct gathered *all = (const struct gathered *)(const void *)m->b->gathered.data;
    size_t count = m->b->gathered.len / sizeof(*all);
    size_t from = 0, to = count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct gathered *g = &all[middle];
        int order =
            g->variable != m->variable ? (g->variable < m->variable ? -1 : 1) : strcmp(g->period, m->period->id);

        if (order == 0)
            order = strcmp(g->unit, unit);
        if (order == 0)
            order = compare_parts(bytes_of(m->b->text.data + g->part, g->part_len), part);
        if (order == 0) {
            m->differs |= g->sum != c->sum || (uint64_t)g->n != c->n;
            m->next++;
            return OK;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    m->differs = true; /* a cell that no submission stands behind */
    return OK;
}

/* Each stored cell has its submissions, and all that was gathered is stored. */
static enum err compare_cells(struct behind *b)
{
    struct comparing m = {.b = b};
    enum err e = OK;

    add_up(b);
    for (size_t k = 0; k < b->variable_count && e == OK; k++) {
        m.variable = (uint32_t)k;
        for (size_t i = 0; i < b->source_count && e == OK; i++) {
            bool came_before = false;

            for (size_t j = 0; j < i && !came_before; j++)
                came_before = strcmp(b->sources[j].period.id, b->sources[i].period.id) == 0;
            m.period = &b->sources[i].period;
            if (!came_before && is_period_of(b, variable_at(b, k), m.period->id))
                e = evaluation_cells(b->x->e, b->x->programme, b->variables[k], b->x->unit, m.period, count_stored, &m);
        }
    }
    if (e == OK && (m.differs || m.next != b->gathered.len / sizeof(struct gathered)))
        e = err_set(ERR_CORRUPT, _("the stored number and its submissions differ; run svodka-hub verify"));
    return e;
}

/* ---- what was erased: its act still has what it added ---- */

static struct frozen_group *group_of(struct behind *b, uint64_t act, const struct cell_at *at)
{
    struct frozen_group *g;

    for (size_t i = 0; i < b->frozen_count; i++)
        if (b->frozen[i].act == act && strcmp(b->frozen[i].unit, at->unit) == 0 &&
            strcmp(b->frozen[i].period, at->period) == 0)
            return &b->frozen[i];
    if ((g = reallocarray(b->frozen, b->frozen_count + 1, sizeof(*g))) == NULL)
        return NULL;
    b->frozen = g;
    g = &b->frozen[b->frozen_count++];
    memset(g, 0, sizeof(*g));
    g->act = act;
    (void)snprintf(g->unit, sizeof(g->unit), "%s", at->unit);
    (void)snprintf(g->period, sizeof(g->period), "%s", at->period);
    return g;
}

static enum err take_frozen(void *ctx, uint64_t act, const struct cell_at *at, const struct cell *c)
{
    struct behind *b = ctx;
    const struct contribution sum = {c->sum, (int64_t)c->n};
    uint32_t k = index_of(b, at->digest);
    struct frozen_group *g;
    enum err e;

    if (k == UINT32_MAX || (b->x->unit != NULL && strcmp(b->x->unit, at->unit) != 0) ||
        !is_period_of(b, variable_at(b, k), at->period))
        return OK;
    if ((g = group_of(b, act, at)) == NULL)
        return ERR_NOMEM;
    b->unit = g->unit;
    b->period = g->period;
    b->numerator = b->denominator = 0;
    b->codes = 0;
    b->is_found = false;
    if ((e = take_contribution(b, variable_at(b, k), at->part, &sum)) != OK)
        return e;
    g->numerator += b->numerator;
    g->denominator += b->denominator;
    g->codes += b->codes;
    g->is_found |= b->is_found;
    return OK;
}

static enum err put_frozen(struct behind *b, const struct frozen_group *g)
{
    char name[96];
    struct record r = {.kind = RECORD_NEW};

    (void)snprintf(name, sizeof(name), _("erased under act %llu"), (unsigned long long)g->act);
    memcpy(r.unit, g->unit, sizeof(r.unit));
    memcpy(r.period, g->period, sizeof(g->period));
    b->numerator = g->numerator;
    b->denominator = g->denominator;
    b->codes = g->codes;
    return put_row(b, name, "", &r, "");
}

static enum err walk_frozen(struct behind *b)
{
    enum err e = ledger_each_frozen(b->x->hub, b->x->t, take_frozen, b);

    for (size_t i = 0; i < b->frozen_count && e == OK; i++) {
        const struct frozen_group *g = &b->frozen[i];
        bool counts = false;

        for (size_t k = 0; k < b->source_count; k++)
            if (b->sources[k].counts && strcmp(b->sources[k].period.id, g->period) == 0) {
                b->at = &b->sources[k];
                counts = true;
            }
        if (counts && g->is_found && takes_part(b, g->unit))
            e = put_frozen(b, g);
    }
    return e;
}

/* ---- all of it ---- */

static enum err take_ineligible(void *ctx, const struct indicator_line *l)
{
    struct behind *b = ctx;
    char(*grown)[ID_MAX + 1];

    if (l->index != b->x->index || !result_is_not_eligible(&l->result))
        return OK;
    if ((grown = reallocarray(b->not_eligible, b->not_eligible_count + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    b->not_eligible = grown;
    (void)snprintf(grown[b->not_eligible_count++], sizeof(*grown), "%s", l->unit);
    return OK;
}

static enum err list_ineligible(struct behind *b)
{
    const struct indicator_query q = {.programme = b->x->programme->id,
                                      .period = b->x->period.id,
                                      .indicator = b->x->indicator->id,
                                      .level = LEVEL_UNIT,
                                      .with_hidden = true};

    return b->x->unit != NULL ? OK : evaluation_lines(b->x->e, &q, take_ineligible, b);
}

static enum err walk(struct behind *b)
{
    enum err e = OK;

    for (size_t i = 0; i < b->source_count && e == OK; i++) {
        b->at = &b->sources[i];
        e = ledger_each_current(b->x->hub->ledger, b->x->t, b->at->form, b->x->unit, b->at->period.id, take_submission,
                                b);
    }
    return e;
}

enum err explain_submissions(struct explain *x)
{
    struct behind b = {.x = x};
    enum err e;

    buf_init(&b.gathered, GATHER_MAX);
    buf_init(&b.text, GATHER_MAX);
    add_terms(&b, &x->indicator->numerator);
    add_terms(&b, &x->indicator->denominator);
    if ((e = list_sources(&b)) == OK && (e = list_ineligible(&b)) == OK &&
        (e = decoder_new(&b.decoder, x->hub)) == OK && (e = variable_eval_new(&b.eval, x->hub, is_needed, &b)) == OK &&
        (e = walk(&b)) == OK && (e = walk_frozen(&b)) == OK)
        e = compare_cells(&b);
    variable_eval_free(b.eval);
    decoder_free(b.decoder);
    free(b.sources);
    free(b.not_eligible);
    free(b.latest);
    free(b.frozen);
    buf_fini(&b.gathered);
    buf_fini(&b.text);
    return e;
}
