#include "hub/roster_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

void roster_free(struct roster *r)
{
    if (r == NULL)
        return;
    free(r->rows);
    free(r->units);
    free(r->leavers);
    buf_fini(&r->texts);
    free(r);
}

bool roster_is_entered(const struct roster *r)
{
    return r->is_entered;
}

size_t roster_count(const struct roster *r)
{
    return r->unit_count;
}

const char *roster_unit_at(const struct roster *r, size_t i)
{
    return roster_text(r, r->rows[r->units[i].first_row].unit);
}

static const struct roster_unit *find(const struct roster *r, const char *unit)
{
    size_t low = 0;
    size_t high = r->unit_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(roster_unit_at(r, mid), unit);

        if (order == 0)
            return &r->units[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool roster_has(const struct roster *r, const char *unit)
{
    return find(r, unit) != NULL;
}

static const struct roster_row *newest(const struct roster *r, const struct roster_unit *u)
{
    return &r->rows[u->first_row + u->row_count - 1];
}

/* Index among all rows of the last one that has begun by the day; -1: none has. */
static int64_t row_by(const struct roster *r, const struct roster_unit *u, int32_t day)
{
    for (uint32_t i = u->row_count; i > 0; i--)
        if (r->rows[u->first_row + i - 1].begins <= day)
            return (int64_t)u->first_row + i - 1;
    return -1;
}

/* ---- facts ---- */

static const char *text_or_null(const struct roster *r, uint32_t offset)
{
    return offset == ROSTER_NO_TEXT ? NULL : roster_text(r, offset);
}

static const char *name_of(const struct roster *r, const struct roster_row *row)
{
    return roster_text(r, row->name != ROSTER_NO_TEXT ? row->name : row->unit);
}

const char *roster_name(const struct roster *r, const char *unit)
{
    const struct roster_unit *u = find(r, unit);

    return u == NULL ? unit : name_of(r, newest(r, u));
}

bool roster_facts(const struct roster *r, const char *unit, int32_t first, int32_t last, struct roster_facts *out)
{
    const struct roster_unit *u = find(r, unit);
    int64_t at = u == NULL ? -1 : row_by(r, u, last);
    const struct roster_row *row;

    (void)first; /* which row holds follows from the last day alone */
    if (at < 0)
        return false;
    row = &r->rows[at];
    *out = (struct roster_facts){
        .name = name_of(r, row),
        .kind = text_or_null(r, row->kind),
        .settlement = text_or_null(r, row->settlement),
        .status = (enum roster_status)row->status,
        .since = row->since,
        .until = row->until,
        .successor = text_or_null(r, row->successor),
        .branch_of = text_or_null(r, row->branch_of),
        .small = (enum roster_answer)row->small,
        .remote = (enum roster_answer)row->remote,
    };
    return true;
}

/* What ended without a day ended as its row began: the days before are judged by the row before, if there is one. */
static bool was_there(const struct roster *r, const struct roster_unit *u, int64_t at, int32_t first, int32_t last)
{
    for (; at >= (int64_t)u->first_row; at--) {
        const struct roster_row *row = &r->rows[at];

        if (row->since > last)
            return false;
        if (row->until != INT32_MAX || row->status == ROSTER_ACTIVE)
            return row->until >= first;
        if (row->begins <= first)
            return false;
        last = row->begins - 1;
    }
    return false;
}

bool roster_is_active(const struct roster *r, const char *unit, int32_t first, int32_t last)
{
    const struct roster_unit *u = find(r, unit);

    return u != NULL && was_there(r, u, row_by(r, u, last), first, last);
}

/* ---- who went over into whom ---- */

/* ROSTER_NO_TEXT: none by that day. */
static uint32_t successor_by(const struct roster *r, const struct roster_unit *u, int32_t day)
{
    int64_t at = row_by(r, u, day);

    return at < 0 || was_there(r, u, at, day, day) ? ROSTER_NO_TEXT : r->rows[at].successor;
}

const char *roster_successor(const struct roster *r, const char *unit, int32_t day)
{
    const struct roster_unit *u = find(r, unit);

    return u == NULL ? NULL : text_or_null(r, successor_by(r, u, day));
}

/* A circle that does not hold `unit` is walked until the limit. */
static bool leads_to(const struct roster *r, const struct roster_unit *from, const char *unit, int32_t day)
{
    for (unsigned steps = 0; from != NULL && steps < ROSTER_MAX_CHAIN; steps++) {
        uint32_t next = successor_by(r, from, day);

        if (next == ROSTER_NO_TEXT)
            return false;
        if (strcmp(roster_text(r, next), unit) == 0)
            return true;
        from = find(r, roster_text(r, next));
    }
    return false;
}

enum err roster_each_predecessor(const struct roster *r, const char *unit, int32_t day,
                                 enum err (*each)(void *ctx, const char *predecessor), void *ctx)
{
    enum err e = OK;

    for (size_t i = 0; i < r->leaver_count && e == OK; i++) {
        const char *id = roster_unit_at(r, r->leavers[i]);

        if (strcmp(id, unit) != 0 && leads_to(r, &r->units[r->leavers[i]], unit, day))
            e = each(ctx, id);
    }
    return e;
}

/* ---- what should be put right ---- */

/* By the newest rows: the first unit of the circle by id tells it. */
static bool begins_circle(const struct roster *r, const struct roster_unit *u)
{
    const char *self = roster_text(r, newest(r, u)->unit);
    const struct roster_unit *at = u;

    for (unsigned steps = 0; steps < ROSTER_MAX_CHAIN; steps++) {
        uint32_t next = newest(r, at)->successor;
        int order = next == ROSTER_NO_TEXT ? -1 : strcmp(roster_text(r, next), self);

        if (order == 0)
            return true;
        if (order < 0 || (at = find(r, roster_text(r, next))) == NULL)
            return false;
    }
    return false;
}

static void check_named(const struct roster *r, struct report *report, const char *unit, uint32_t named,
                        const char *text)
{
    struct finding f = {.field = unit, .value = roster_text(r, named), .is_warning = true};

    if (named != ROSTER_NO_TEXT && find(r, roster_text(r, named)) == NULL)
        report_add(report, &f, "%s", text);
}

void roster_check(const struct roster *r, struct report *report)
{
    for (size_t i = 0; i < r->unit_count; i++) {
        const struct roster_row *row = newest(r, &r->units[i]);
        struct finding f = {.field = roster_unit_at(r, i), .is_warning = true};

        check_named(r, report, f.field, row->successor, _("its successor is not in the roster"));
        check_named(r, report, f.field, row->branch_of, _("the school that it is a branch of is not in the roster"));
        f.value = roster_text(r, row->successor);
        if (begins_circle(r, &r->units[i]))
            report_add(report, &f, "%s", _("its successors lead back to itself"));
    }
}
