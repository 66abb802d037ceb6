#include "hub/figures.h"

#include "common/clock.h"
#include "common/utf8.h"
#include "hub/home_internal.h"
#include "hub/registry_status.h"
#include "hub/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word's content: action u8 | publication u64 | part u32 | why it was taken back. */
#define CONTENT_BYTES 13u
enum action { ACTION_TELL = 1, ACTION_TAKE_BACK = 2 };

#define ROWS_MAX 100000u
/* H_META: "figures-back/PROGRAMME/PERIOD" -> u64: publications up to this one were taken back. */
#define BACK_KEY     "figures-back/%s/%s"
#define BACK_KEY_MAX (16u + FORM_NAME_MAX + PERIOD_ID_MAX)

/* ---- the publications for schools ---- */

struct rows {
    const struct figures_order *order;
    struct publication_row *at; /* without their objects; in the order in which they were made */
    size_t count, cap;
};

static bool is_ordered(const struct figures_order *o, const struct publication_row *r)
{
    return strcmp(r->head.audience, "school") == 0 &&
           (o->programme == NULL || strcmp(o->programme, r->head.programme) == 0) &&
           (o->period == NULL || strcmp(o->period, r->head.period) == 0);
}

static enum err add_row(void *ctx, const struct publication_row *row)
{
    struct rows *r = ctx;
    size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
    struct publication_row *grown;

    if (!is_ordered(r->order, row))
        return OK;
    if (r->count == ROWS_MAX)
        return err_set(ERR_LIMIT, "more than %u publications for schools", ROWS_MAX);
    if (r->count == r->cap) {
        if ((grown = realloc(r->at, cap * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        r->at = grown;
        r->cap = cap;
    }
    r->at[r->count] = *row;
    r->at[r->count++].object = bytes_of(NULL, 0);
    return OK;
}

static const struct publication_row *row_of(const struct rows *r, uint64_t id)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (r->at[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->count && r->at[low].id == id ? &r->at[low] : NULL;
}

static bool is_same_table(const struct publication_row *a, const struct publication_row *b)
{
    return strcmp(a->head.programme, b->head.programme) == 0 && strcmp(a->head.period, b->head.period) == 0;
}

/* ---- to whom ---- */

/* Schools alone: who speaks for every unit is the office. */
static bool is_school(const struct participant *p)
{
    return p->state != PARTICIPANT_CLOSED && !grant_is_of_all_units(&p->grant) && p->grant.unit_count > 0 &&
           grant_allows(&p->grant, "school", NULL);
}

/* Whose own figures a publication is to this participant; "": nobody's. */
static const char *unit_for(const struct participant *p, const struct publication_row *row)
{
    for (uint32_t i = 0; i < p->grant.unit_count; i++)
        if (strcmp(p->grant.units[i], row->head.school) == 0)
            return p->grant.units[i];
    return "";
}

/* ---- what was said last ---- */

struct last {
    const struct rows *rows;
    const struct participant *p;
    const struct publication_row *like; /* programme and period that are asked about */
    const char *unit;
    enum action action; /* 0: nothing was said */
    uint64_t id, serial;
};

static enum err note_last(void *ctx, uint64_t serial, enum word_kind kind, struct bytes content)
{
    struct last *l = ctx;
    const struct publication_row *row;

    if (kind != WORD_FIGURES || content.len < CONTENT_BYTES)
        return OK;
    row = row_of(l->rows, be64_get(content.p + 1));
    if (row == NULL || !is_same_table(row, l->like) || strcmp(unit_for(l->p, row), l->unit) != 0)
        return OK;
    l->action = (enum action)content.p[0];
    l->id = row->id;
    l->serial = serial;
    return OK;
}

static enum err find_last(struct store_txn *t, struct last *l)
{
    l->action = (enum action)0;
    l->id = l->serial = 0;
    return words_each_stored(t, l->p->index, note_last, l);
}

/* ---- saying it ---- */

static enum err say(struct hub *h, struct store_txn *t, const struct participant *p, enum action action, uint64_t id,
                    uint32_t part, const char *reason)
{
    struct buf content;
    uint64_t serial;
    enum err e;

    buf_init(&content, CONTENT_BYTES + NOTICE_TEXT_MAX);
    buf_put_u8(&content, (uint8_t)action);
    buf_put_u64(&content, id);
    buf_put_u32(&content, part);
    buf_put_str(&content, reason);
    if ((e = buf_status(&content)) == OK)
        e = words_add(h, t, p->index, WORD_FIGURES, bytes_of(content.data, content.len), &serial);
    buf_fini(&content);
    return e;
}

static enum err say_all(struct hub *h, struct store_txn *t, const struct participant *p,
                        const struct publication_row *row)
{
    struct figures_table *f = NULL;
    enum err e = figures_table_new(&f, h, t, row, unit_for(p, row));
    uint32_t parts = e == OK ? figures_table_parts(f) : 0;

    figures_table_free(f);
    for (uint32_t part = 1; part <= parts && e == OK; part++)
        e = say(h, t, p, ACTION_TELL, row->id, part, "");
    return e;
}

/* ---- what was taken back ---- */

static void back_key(char out[BACK_KEY_MAX], const struct publication_row *row)
{
    (void)snprintf(out, BACK_KEY_MAX, BACK_KEY, row->head.programme, row->head.period);
}

static enum err taken_back_upto(struct store_txn *t, const struct publication_row *row, uint64_t *id)
{
    struct bytes value;
    char key[BACK_KEY_MAX];
    enum err e;

    back_key(key, row);
    e = hub_meta_get(t, key, &value);
    *id = e == OK && value.len == 8 ? be64_get(value.p) : 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put_taken_back(struct store_txn *t, const struct publication_row *row, uint64_t id)
{
    uint8_t value[8];
    char key[BACK_KEY_MAX];

    back_key(key, row);
    be64_put(value, id);
    return hub_meta_put(t, key, bytes_of(value, sizeof(value)));
}

/* ---- telling ---- */

/* The newest publication of this table for the unit (""; any, of which the district's rows are told). */
static const struct publication_row *newest_for(const struct rows *r, const struct publication_row *like,
                                                const char *unit, uint64_t above)
{
    for (size_t n = r->count; n-- > 0 && r->at[n].id > above;)
        if (is_same_table(&r->at[n], like) && (unit[0] == '\0' || strcmp(r->at[n].head.school, unit) == 0))
            return &r->at[n];
    return NULL;
}

struct telling {
    struct hub *hub;
    struct store_txn *t;
    const struct rows *rows;
    const struct publication_row *like;
    uint64_t above; /* of the publications, those after this one */
    bool is_to_all; /* also to schools for which nothing was published */
    uint64_t told;
};

static enum err tell_as(struct telling *x, const struct participant *p, const struct publication_row *row,
                        const char *unit)
{
    struct last l = {.rows = x->rows, .p = p, .like = x->like, .unit = unit};
    enum err e = find_last(x->t, &l);

    if (e != OK || (l.action == ACTION_TELL && l.id == row->id))
        return e;
    x->told++;
    return say_all(x->hub, x->t, p, row);
}

static enum err tell_one(struct telling *x, const struct participant *p, const char *only)
{
    const struct publication_row *row;
    bool has_own = false;
    enum err e = OK;

    for (uint32_t i = 0; i < p->grant.unit_count && e == OK; i++) {
        const char *unit = p->grant.units[i];

        if ((only != NULL && strcmp(only, unit) != 0) || (row = newest_for(x->rows, x->like, unit, x->above)) == NULL)
            continue;
        has_own = true;
        e = tell_as(x, p, row, unit);
    }
    if (e != OK || has_own || only != NULL || (row = newest_for(x->rows, x->like, "", x->above)) == NULL)
        return e;
    return tell_as(x, p, row, "");
}

/* Each programme and period once: at its newest row, the oldest of these first. */
static enum err each_table(const struct rows *r, enum err (*each)(void *ctx, const struct publication_row *like),
                           void *ctx)
{
    size_t *tables = calloc(r->count + 1, sizeof(*tables));
    size_t count = 0;
    enum err e = tables == NULL ? ERR_NOMEM : OK;

    for (size_t n = r->count; n-- > 0 && e == OK;) {
        size_t k = count; /* the one found last is the likeliest */

        while (k > 0 && !is_same_table(&r->at[n], &r->at[tables[k - 1]]))
            k--;
        if (k == 0)
            tables[count++] = n;
    }
    while (count > 0 && e == OK)
        e = each(ctx, &r->at[tables[--count]]);
    free(tables);
    return e;
}

struct tell_work {
    struct telling telling;
    const char *unit;
    const struct participant *to; /* NULL: every school */
    bool again;
};

static enum err tell_table(void *ctx, const struct publication_row *like)
{
    struct tell_work *w = ctx;
    struct telling *x = &w->telling;
    const struct registry *all = x->hub->registry;
    enum err e = OK;

    x->like = like;
    x->above = 0;
    if (!w->again)
        e = taken_back_upto(x->t, like, &x->above);
    else if (w->unit == NULL)
        e = put_taken_back(x->t, like, 0);
    if (w->to != NULL)
        return e == OK ? tell_one(x, w->to, w->unit) : e;
    for (size_t i = 0; i < registry_count(all) && e == OK; i++)
        if (is_school(registry_at(all, i)))
            e = tell_one(x, registry_at(all, i), w->unit);
    return e;
}

static enum err tell(struct tell_work *w, const struct figures_order *o)
{
    struct rows rows = {.order = o};
    enum err e = publications_each(w->telling.hub, w->telling.t, add_row, &rows);

    w->telling.rows = &rows;
    w->unit = o->unit;
    if (e == OK)
        e = each_table(&rows, tell_table, w);
    w->telling.rows = NULL;
    free(rows.at);
    return e;
}

enum err figures_tell(struct hub *h, struct store_txn *t, const struct figures_order *o, bool again, uint64_t *told)
{
    struct tell_work w = {.telling = {.hub = h, .t = t}, .again = again};
    enum err e = tell(&w, o);

    *told = w.telling.told;
    return e;
}

enum err figures_tell_newcomer(struct hub *h, struct store_txn *t, const struct participant *p)
{
    static const struct figures_order all = {NULL, NULL, NULL};
    struct tell_work w = {.telling = {.hub = h, .t = t}, .to = p};

    return is_school(p) ? tell(&w, &all) : OK;
}

/* ---- each that was told something ---- */

struct visit {
    struct hub *hub;
    struct store_txn *t;
    const struct rows *rows;
    const char *unit; /* NULL: of all */
    enum err (*each)(void *ctx, const struct last *l);
    void *ctx;
};

static enum err visit_unit(struct visit *v, const struct participant *p, const struct publication_row *like,
                           const char *unit)
{
    struct last l = {.rows = v->rows, .p = p, .like = like, .unit = unit};
    enum err e;

    if (v->unit != NULL && strcmp(v->unit, unit) != 0)
        return OK;
    e = find_last(v->t, &l);
    return e == OK && l.action != 0 ? v->each(v->ctx, &l) : e;
}

static enum err visit_table(void *ctx, const struct publication_row *like)
{
    struct visit *v = ctx;
    const struct registry *all = v->hub->registry;
    enum err e = OK;

    for (size_t i = 0; i < registry_count(all) && e == OK; i++) {
        const struct participant *p = registry_at(all, i);

        for (uint32_t k = 0; k < p->grant.unit_count && e == OK; k++)
            e = visit_unit(v, p, like, p->grant.units[k]);
        if (e == OK)
            e = visit_unit(v, p, like, "");
    }
    return e;
}

static enum err visit_told(struct visit *v, const struct figures_order *o)
{
    struct rows rows = {.order = o};
    enum err e = publications_each(v->hub, v->t, add_row, &rows);

    v->rows = &rows;
    v->unit = o->unit;
    if (e == OK)
        e = each_table(&rows, visit_table, v);
    v->rows = NULL;
    free(rows.at);
    return e;
}

/* ---- taking back ---- */

struct backing {
    struct hub *hub;
    struct store_txn *t;
    const char *reason;
    bool is_all;
    uint64_t told;
};

static enum err take_one_back(void *ctx, const struct last *l)
{
    struct backing *b = ctx;
    enum err e = OK;

    if (l->action != ACTION_TELL)
        return OK;
    b->told++;
    if (b->is_all)
        e = put_taken_back(b->t, l->like, l->like->id);
    return e == OK ? say(b->hub, b->t, l->p, ACTION_TAKE_BACK, l->id, 1, b->reason) : e;
}

enum err figures_take_back(struct hub *h, struct store_txn *t, const struct figures_order *o, const char *reason,
                           uint64_t *told)
{
    struct backing b = {.hub = h, .t = t, .reason = reason, .is_all = o->unit == NULL};
    struct visit v = {.hub = h, .t = t, .each = take_one_back, .ctx = &b};
    enum err e = visit_told(&v, o);

    *told = b.told;
    return e == OK && b.told == 0 ? err_set(ERR_NOT_FOUND, "no school was told such a publication") : e;
}

/* ---- listing ---- */

struct listing {
    struct store_txn *t;
    enum err (*each)(void *ctx, const struct figures_told *x);
    void *ctx;
};

static enum err list_one(void *ctx, const struct last *l)
{
    struct listing *list = ctx;
    struct figures_told x = {
        .to = l->p, .row = row_of(l->rows, l->id), .unit = l->unit, .is_taken_back = l->action == ACTION_TAKE_BACK};
    uint64_t held;
    enum err e = words_noted(list->t, l->p->index, &held);

    x.is_received = held >= l->serial;
    return e == OK ? list->each(list->ctx, &x) : e;
}

enum err figures_each_told(struct hub *h, struct store_txn *t,
                           enum err (*each)(void *ctx, const struct figures_told *x), void *ctx)
{
    static const struct figures_order all = {NULL, NULL, NULL};
    struct listing list = {t, each, ctx};
    struct visit v = {.hub = h, .t = t, .each = list_one, .ctx = &list};

    return visit_told(&v, &all);
}

/* ---- the word ---- */

static enum err make_part(struct hub *h, struct store_txn *t, const struct participant *p,
                          const struct publication_row *row, struct bytes content, struct buf *plain)
{
    struct figures_table *f = NULL;
    char reason[NOTICE_TEXT_MAX + 1];
    struct figures part;
    enum err e = figures_table_new(&f, h, t, row, unit_for(p, row));
    bool is_back = content.p[0] == ACTION_TAKE_BACK;

    if (e == OK && (e = figures_table_part(f, is_back ? 1 : be32_get(content.p + 9), &part)) == OK) {
        if (is_back) {
            (void)snprintf(reason, sizeof(reason), "%.*s", (int)(content.len - CONTENT_BYTES),
                           (const char *)content.p + CONTENT_BYTES);
            part.state = FIGURES_WITHDRAWN;
            part.remark = reason;
            part.parts = 1;
            part.line_count = 0;
        }
        e = figures_write(plain, &part);
    }
    figures_table_free(f);
    return e;
}

enum err figures_make_word(struct hub *h, struct store_txn *t, const struct participant *p,
                           const struct word_head *head, struct bytes content, struct buf *out)
{
    const struct signer *to = registry_reader(p);
    struct publication_row row;
    struct buf plain;
    enum err e;

    if (to == NULL)
        return err_set(ERR_NOT_FOUND, "%s has no computer that figures could be sealed to", p->id);
    if (content.len < CONTENT_BYTES || content.len > CONTENT_BYTES + NOTICE_TEXT_MAX ||
        publication_get(h, t, be64_get(content.p + 1), &row) != OK)
        return err_set(ERR_CORRUPT, "word %llu to %s is damaged", (unsigned long long)head->serial, p->id);
    buf_init_secret(&plain, FIGURES_PLAIN_MAX);
    if ((e = make_part(h, t, p, &row, content, &plain)) == ERR_NOT_FOUND) /* no key is missing: it is */
        e = err_set(ERR_CORRUPT, "publication %llu is not there", (unsigned long long)row.id);
    if (e == OK)
        e = figures_make(out, head, clock_wall_ms(), bytes_of(plain.data, plain.len), to->history, h->sign);
    buf_fini(&plain);
    return e;
}
