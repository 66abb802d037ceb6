#include "hub/copies.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

/* What the question "does it hold that?" needs of an act. */
struct span {
    uint64_t number, lsn, first; /* lsn 0: it is being made */
    int64_t wall_ms;
    int32_t until;
};

int32_t copies_until(const struct act *a)
{
    return (int32_t)(a->wall_ms / DAY_MS) + (int32_t)a->copy_days;
}

static enum err find_first(void *ctx, const struct act_touched *s)
{
    uint64_t *first = ctx;

    if (*first == 0 || s->lsn < *first)
        *first = s->lsn;
    return OK;
}

/* An act of an earlier program does not say it. */
static enum err first_touched(struct store_txn *t, const struct act *a, uint64_t *out)
{
    struct buf beside;
    enum err e;

    *out = a->first_lsn;
    if (a->has_copies || a->lsn == 0)
        return OK;
    buf_init(&beside, ACT_BESIDE_MAX);
    if ((e = act_beside(t, a, &beside)) == OK)
        e = act_beside_each(bytes_of(beside.data, beside.len), find_first, NULL, out);
    buf_fini(&beside);
    return e;
}

static enum err span_of(struct span *out, struct store_txn *t, const struct act *a)
{
    *out = (struct span){.number = a->number, .lsn = a->lsn, .wall_ms = a->wall_ms, .until = copies_until(a)};
    return first_touched(t, a, &out->first);
}

static enum err holds(const struct span *s, struct store_txn *t, const struct archive_row *row, bool *out)
{
    bool is_ours;
    enum err e = archive_is_ours(t, row->lsn, row->chain, &is_ours);

    if (is_ours)
        *out = row->lsn >= s->first && (s->lsn == 0 || row->lsn < s->lsn);
    else
        *out = row->made_ms < s->wall_ms;
    *out &= row->destroyed_ms == 0 || row->destroyed_ms >= s->wall_ms; /* gone before: it does not matter */
    return e;
}

/* ---- of one act ---- */

struct gathering {
    struct copies *out;
    struct store_txn *t;
    struct span span;
};

static enum err gather(void *ctx, const struct archive_row *row)
{
    struct gathering *g = ctx;
    struct archive_row *grown;
    bool is_holder;
    enum err e = holds(&g->span, g->t, row, &is_holder);

    if (e != OK || !is_holder)
        return e;
    if ((grown = reallocarray(g->out->rows, g->out->count + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    g->out->rows = grown;
    grown[g->out->count++] = *row;
    g->out->left += row->destroyed_ms == 0;
    return OK;
}

enum err copies_of(struct copies *out, struct store_txn *t, const struct act *a)
{
    struct gathering g = {.out = out, .t = t};
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = span_of(&g.span, t, a)) == OK && (e = archive_each(t, gather, &g)) != OK)
        copies_fini(out);
    return e;
}

void copies_fini(struct copies *c)
{
    free(c->rows);
    memset(c, 0, sizeof(*c));
}

enum err copies_note(struct store_txn *t, struct act *a)
{
    struct copies c;
    enum err e = copies_of(&c, t, a);
    size_t from = e == OK && c.count > ACT_COPIES_MAX ? c.count - ACT_COPIES_MAX : 0;

    if (e != OK)
        return e;
    a->has_copies = true;
    a->copies_in_all = c.count;
    a->copy_count = (uint32_t)(c.count - from);
    for (size_t i = from; i < c.count; i++) {
        struct act_copy *to = &a->copies[i - from];
        const char *slash = strrchr(c.rows[i].path, '/');

        to->number = c.rows[i].number;
        to->made_ms = c.rows[i].made_ms;
        to->lsn = c.rows[i].lsn;
        utf8_copy(to->name, sizeof(to->name), slash == NULL ? c.rows[i].path : slash + 1);
    }
    copies_fini(&c);
    return OK;
}

void copies_line(char out[COPIES_LINE], const struct archive_row *row, int32_t until)
{
    char made[64], day[16];
    unsigned long long number = row->number;

    cli_format_time(made, sizeof(made), row->made_ms);
    if (row->destroyed_ms != 0) {
        cli_format_day(day, sizeof(day), row->destroyed_ms);
        (void)snprintf(out, COPIES_LINE, _("No. %llu of %s, %s: said to be destroyed on %s"), number, made, row->path,
                       day);
        return;
    }
    date_format(day, until);
    if (clock_today() > until)
        (void)snprintf(out, COPIES_LINE,
                       _("No. %llu of %s, %s: was to be destroyed by %s, and nobody said that it was"), number, made,
                       row->path, day);
    else
        (void)snprintf(out, COPIES_LINE, _("No. %llu of %s, %s: destroy it by %s"), number, made, row->path, day);
}

/* ---- of all acts ---- */

struct copies_acts {
    struct span *items;
    size_t count;
};

enum err copies_acts_load(struct copies_acts **out, struct hub *h, struct store_txn *t)
{
    uint64_t count = act_count(t);
    struct copies_acts *c = calloc(1, sizeof(*c));
    struct act *a = malloc(sizeof(*a));
    enum err e = OK;

    if (c == NULL || a == NULL || (c->items = calloc(count + 1, sizeof(*c->items))) == NULL)
        e = ERR_NOMEM;
    for (uint64_t n = 1; e == OK && n <= count; n++)
        if ((e = act_get(h, t, n, a, NULL)) == OK)
            e = span_of(&c->items[c->count++], t, a);
    free(a);
    if (e == OK)
        *out = c;
    else
        copies_acts_free(c);
    return e;
}

void copies_acts_free(struct copies_acts *c)
{
    if (c == NULL)
        return;
    free(c->items);
    free(c);
}

/* "1 3-5"; where there is no more room, "..." */
static void put_range(char out[COPIES_ACTS], uint64_t first, uint64_t last)
{
    size_t at = strlen(out);
    const char *blank = at > 0 ? " " : "";

    if (at + 48 > COPIES_ACTS) {
        if (strstr(out, "...") == NULL)
            (void)snprintf(out + at, COPIES_ACTS - at, " ...");
    } else if (first == last)
        (void)snprintf(out + at, COPIES_ACTS - at, "%s%llu", blank, (unsigned long long)first);
    else
        (void)snprintf(out + at, COPIES_ACTS - at, "%s%llu-%llu", blank, (unsigned long long)first,
                       (unsigned long long)last);
}

enum err copies_acts_of(const struct copies_acts *c, struct store_txn *t, const struct archive_row *row,
                        char out[COPIES_ACTS], int32_t *until)
{
    uint64_t first = 0;
    uint64_t last = 0;
    enum err e = OK;

    out[0] = '\0';
    *until = 0;
    for (size_t i = 0; e == OK && row->destroyed_ms == 0 && i < c->count; i++) {
        const struct span *s = &c->items[i];
        bool is_holder = false;

        if ((e = holds(s, t, row, &is_holder)) != OK || !is_holder)
            continue;
        if (*until == 0 || s->until < *until)
            *until = s->until;
        if (first != 0 && s->number != last + 1) {
            put_range(out, first, last);
            first = 0;
        }
        first = first == 0 ? s->number : first;
        last = s->number;
    }
    if (e == OK && first != 0)
        put_range(out, first, last);
    return e;
}

struct telling {
    struct copies_acts *acts;
    struct store_txn *t;
    void (*line)(void *ctx, const char *text);
    void *ctx;
    size_t count;
};

static enum err tell(void *ctx, const struct archive_row *row)
{
    struct telling *x = ctx;
    char acts[COPIES_ACTS], text[COPIES_LINE], whole[COPIES_LINE + COPIES_ACTS + 100];
    int32_t until;
    enum err e = copies_acts_of(x->acts, x->t, row, acts, &until);

    if (e != OK || acts[0] == '\0')
        return e;
    copies_line(text, row, until);
    (void)snprintf(whole, sizeof(whole), _("%s (holds what was erased under act %s)"), text, acts);
    x->line(x->ctx, whole);
    x->count++;
    return OK;
}

enum err copies_each(struct hub *h, struct store_txn *t, void (*line)(void *ctx, const char *text), void *ctx,
                     size_t *count)
{
    struct telling x = {.t = t, .line = line, .ctx = ctx};
    enum err e = copies_acts_load(&x.acts, h, t);

    if (e == OK)
        e = archive_each(t, tell, &x);
    copies_acts_free(x.acts);
    *count = x.count;
    return e;
}
