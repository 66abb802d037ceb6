#include "agent/compare.h"

#include "agent/standing.h"
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparison {
    const struct agent *a;
    struct generation gen;
    compare_say say;
    void *ctx;
    struct queue_reader *reader;
    struct queue_item own; /* the next one that was not looked at */
    bool has_own;
    uint64_t first_own; /* number of the oldest one here; 0: none */
    uint64_t next, held_last;
    bool has_page;
    struct compare_counts counts;
};

static enum err step(struct comparison *c)
{
    enum err e = queue_reader_next(c->reader, &c->own);

    c->has_own = e == OK && generation_compare(&c->own.ref.gen, &c->gen) == 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err comparison_new(struct comparison **out, const struct agent *a, const struct generation *gen, compare_say say,
                        void *ctx)
{
    struct comparison *c = calloc(1, sizeof(*c));
    struct record_ref from = {*gen, 1};
    enum err e;

    if (c == NULL)
        return ERR_NOMEM;
    c->a = a;
    c->gen = *gen;
    c->say = say;
    c->ctx = ctx;
    c->next = 1;
    if ((e = queue_reader_open(&c->reader, a, &from)) != OK || (e = step(c)) != OK) {
        comparison_free(c);
        return e;
    }
    c->first_own = c->has_own ? c->own.ref.number : 0;
    *out = c;
    return OK;
}

void comparison_free(struct comparison *c)
{
    if (c == NULL)
        return;
    queue_reader_close(c->reader);
    free(c);
}

const struct generation *comparison_generation(const struct comparison *c)
{
    return &c->gen;
}

uint64_t comparison_next(const struct comparison *c)
{
    return c->next;
}

void comparison_counts(const struct comparison *c, struct compare_counts *out)
{
    out->equal += c->counts.equal;
    out->waiting += c->counts.waiting;
    out->gone += c->counts.gone;
    out->quarantined += c->counts.quarantined;
    out->rejected += c->counts.rejected;
    out->erased += c->counts.erased;
    out->differences += c->counts.differences;
}

/* ---- words ---- */

static void tell(struct comparison *c, const struct record_ref *ref, bool is_difference, const char *what)
{
    const struct form *form;
    char name[400];
    char text[STANDING_TEXT + 512];

    submission_name(c->a, ref, name, sizeof(name), &form);
    (void)snprintf(text, sizeof(text), "%s: %s", name, what);
    c->counts.differences += is_difference;
    c->say(c->ctx, is_difference, text);
}

/* What the hub said of it that is not "counted"; *is_explained: it has the parcel, but could not read it, or has
 * destroyed what was in it: that the submission itself is not there is no difference. */
static enum err tell_standing(struct comparison *c, const struct record_ref *ref, bool *is_explained)
{
    struct standing_row row;
    const struct form *form;
    char name[400];
    char why[STANDING_TEXT];
    char text[STANDING_TEXT + 100];
    enum err e = standing_get(c->a, NULL, ref, &row);

    *is_explained = false;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    *is_explained = (row.standing == STANDING_QUARANTINED && row.why.reason == QUARANTINE_UNREADABLE) ||
                    row.standing == STANDING_ERASED;
    c->counts.quarantined += row.standing == STANDING_QUARANTINED;
    c->counts.rejected += row.standing == STANDING_REJECTED;
    c->counts.erased += row.standing == STANDING_ERASED;
    if (row.standing != STANDING_QUARANTINED && row.standing != STANDING_REJECTED && row.standing != STANDING_ERASED)
        return OK;
    submission_name(c->a, ref, name, sizeof(name), &form);
    standing_why(why, &row, form);
    (void)snprintf(text, sizeof(text), "%s%s%s", standing_word(row.standing),
                   why[0] == '\0'                    ? ""
                   : row.standing == STANDING_ERASED ? " "
                                                     : ": ",
                   why);
    tell(c, ref, false, text);
    return OK;
}

/* ---- side by side ---- */

/* The hub does not hold the one at hand. */
static enum err own_alone(struct comparison *c)
{
    bool is_explained;
    enum err e;

    if (c->own.state == RECORD_WAITING || c->own.state == RECORD_SEALED) {
        c->counts.waiting++;
        return step(c);
    }
    if ((e = tell_standing(c, &c->own.ref, &is_explained)) != OK)
        return e;
    if (!is_explained)
        tell(c, &c->own.ref, true, _("the district does not hold it, although it confirmed it"));
    return step(c);
}

static enum err hub_alone(struct comparison *c, uint64_t number)
{
    struct record_ref ref = {c->gen, number};
    bool is_explained;
    enum err e = tell_standing(c, &ref, &is_explained);

    if (e != OK)
        return e;
    if (c->first_own == 0 || number < c->first_own || (e = queue_find_past(c->a, &ref)) == OK)
        c->counts.gone++; /* its copy here was destroyed after its time, or this is another computer of the school */
    else if (e == ERR_NOT_FOUND)
        tell(c, &ref, true, _("the district holds it, this computer does not"));
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err both(struct comparison *c, const struct reconcile_item *item)
{
    uint8_t own[RECORD_DIGEST_BYTES];
    bool is_explained;
    enum err e;

    record_digest(own, c->own.record);
    if (memcmp(own, item->digest, sizeof(own)) == 0) {
        c->counts.equal++;
        e = tell_standing(c, &c->own.ref, &is_explained);
    } else {
        tell(c, &c->own.ref, true, _("the district holds something else under this number"));
        e = OK;
    }
    return e == OK ? step(c) : e;
}

static enum err walk(struct comparison *c, const struct reconcile *r, bool is_last)
{
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < r->count; i++) {
        while (e == OK && c->has_own && c->own.ref.number < r->items[i].number)
            e = own_alone(c);
        if (e == OK && c->has_own && c->own.ref.number == r->items[i].number)
            e = both(c, &r->items[i]);
        else if (e == OK)
            e = hub_alone(c, r->items[i].number);
    }
    while (e == OK && c->has_own && (is_last || c->own.ref.number <= r->last))
        e = own_alone(c);
    return e;
}

enum err comparison_feed(struct comparison *c, struct bytes object, bool *is_complete)
{
    struct reconcile r;
    enum err e = reconcile_open(&r, object, c->a->directory->hub_sign);

    if (e != OK)
        return e;
    if (memcmp(r.district, c->a->directory->district, sizeof(r.district)) != 0 ||
        strcmp(r.participant, c->a->grant->participant) != 0 || generation_compare(&r.gen, &c->gen) != 0 ||
        r.first != c->next)
        e = err_set(ERR_AUTH, _("the hub's answer about what it holds is not about this queue"));
    else if (c->has_page && r.held_last_number < c->held_last)
        e = err_set(ERR_AUTH, _("the hub's answer about what it holds changed from page to page"));
    if (e == OK) {
        c->has_page = true;
        c->held_last = r.held_last_number;
        *is_complete = r.last >= r.held_last_number;
        e = walk(c, &r, *is_complete);
        c->next = r.last + 1;
    }
    reconcile_fini(&r);
    return e;
}
