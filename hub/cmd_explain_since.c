/* What became of a value since its period was closed, and the submissions that came after. */
#include "hub/explain.h"

#include "hub/decode.h"
#include "hub/ledger.h"
#include "hub/snapshot_take.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 20u /* submissions that are named; more are counted */

struct frozen {
    char unit[ID_MAX + 1]; /* "": the municipality */
    struct result result;
    bool has_changed;
};

struct since {
    struct explain *x;
    FILE *to;
    struct frozen *lines; /* of this indicator and breakdown */
    size_t count;
    bool of_units; /* some unit's own value changed */
    struct decoder *decoder;
    uint64_t after; /* the newest entry that the snapshot saw */
    uint64_t found;
};

static const char *said(const struct explain *x, const struct result *r, struct buf *out)
{
    if (r->state != RESULT_OK)
        return _("no value");
    command_value(out, x->indicator, r);
    return buf_cstr(out);
}

/* ---- then and now ---- */

static enum err take_frozen(void *ctx, const struct snapshot_line *l)
{
    struct since *s = ctx;
    const struct explain *x = s->x;
    struct frozen *grown;

    if (strcmp(l->programme, x->programme->id) != 0 || strcmp(l->indicator, x->indicator->id) != 0 ||
        strcmp(l->breakdown, x->breakdown) != 0)
        return OK;
    if ((grown = reallocarray(s->lines, s->count + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    s->lines = grown;
    grown[s->count] = (struct frozen){.result = {.state = l->is_ok ? RESULT_OK : RESULT_NO_DATA, .value = l->value}};
    (void)snprintf(grown[s->count++].unit, sizeof(grown->unit), "%s", l->is_municipality ? "" : l->unit);
    return OK;
}

static struct frozen *find_frozen(struct since *s, const char *unit)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->lines[i].unit, unit) == 0)
            return &s->lines[i];
    return NULL;
}

static bool differs(const struct result *then, const struct result *now)
{
    return then->state != now->state || (now->state == RESULT_OK && then->value != now->value);
}

static enum err say_changed_unit(void *ctx, const struct indicator_line *l)
{
    struct since *s = ctx;
    struct frozen *then = l->level == LEVEL_UNIT ? find_frozen(s, l->unit) : NULL;
    struct buf before, now;

    if (then == NULL || l->index != s->x->index || strcmp(l->breakdown, s->x->breakdown) != 0 ||
        !differs(&then->result, &l->result))
        return OK;
    then->has_changed = s->of_units = true;
    buf_init(&before, 256);
    buf_init(&now, 256);
    (void)fprintf(s->to, "  %s: %s → %s\n", roster_name(evaluation_roster(s->x->e), l->unit),
                  said(s->x, &then->result, &before), said(s->x, &l->result, &now));
    buf_fini(&before);
    buf_fini(&now);
    return OK;
}

/* ---- what came ---- */

static enum err take_submission(void *ctx, const struct submission *sub)
{
    struct since *s = ctx;
    const struct explain *x = s->x;
    const struct participant *p = registry_by_index(x->hub->registry, sub->participant);
    const struct frozen *unit;
    struct period period;
    const struct form *f;
    struct record r;
    char id[RECORD_ID_TEXT], when[64];
    int64_t ms;
    enum err e;

    if (sub->lsn <= s->after)
        return OK;
    if ((e = decoder_read(s->decoder, sub->record, &r, &f)) != OK)
        return e;
    unit = find_frozen(s, r.unit);
    if (s->of_units && (unit == NULL || !unit->has_changed))
        return OK;
    if (calendar_find(x->hub->calendar, NULL, r.period, &period) == OK && period.first > x->period.last)
        return OK; /* of a time that this value knows nothing of */
    if (++s->found > NAMED_MAX)
        return OK;
    if ((e = ledger_time(x->t, sub->lsn, &ms)) != OK)
        return e;
    record_id_format(id, p == NULL ? "?" : p->id, &sub->ref);
    command_time(when, sizeof(when), ms, TABLE_TEXT);
    (void)fprintf(s->to,
                  r.kind == RECORD_CORRECTION ? _("  correction from %s, %s, received %s (%s)\n")
                                              : _("  submission from %s, %s, received %s (%s)\n"),
                  roster_name(evaluation_roster(x->e), r.unit), f->id, when, id);
    return OK;
}

static enum err say_submissions(struct since *s)
{
    struct explain *x = s->x;
    enum err e = decoder_new(&s->decoder, x->hub);

    for (size_t i = 0; i < x->hub->form_count && e == OK; i++) {
        const char *form = x->hub->forms[i]->id;
        bool reads = false, came_before = false;

        for (size_t j = 0; j < i && !came_before; j++) /* each version is listed by itself */
            came_before = strcmp(x->hub->forms[j]->id, form) == 0;
        if (came_before || (e = indicator_reads_forms(x->programme, x->index, &form, 1, &reads)) != OK || !reads)
            continue;
        e = ledger_each_current(x->hub->ledger, x->t, form, x->unit, NULL, take_submission, s);
    }
    if (e == OK && s->found > NAMED_MAX)
        (void)fprintf(s->to, _("  and more: %llu\n"), (unsigned long long)(s->found - NAMED_MAX));
    if (e == OK && s->found == 0)
        (void)fprintf(s->to, "  %s\n",
                      _("no submission came: one was withdrawn, or the roster or the definition changed"));
    decoder_free(s->decoder);
    return e;
}

/* ---- all of it ---- */

static enum err say_change(struct since *s, const struct frozen *then, const char *when)
{
    const struct explain *x = s->x;
    const struct indicator_query q = {
        .programme = x->programme->id, .period = x->period.id, .indicator = x->indicator->id, .level = LEVEL_UNIT};
    struct buf before, now;
    enum err e;

    buf_init(&before, 256);
    buf_init(&now, 256);
    (void)fprintf(s->to, _("When the period was closed, %s: %s; now: %s. Since then:\n"), when,
                  said(x, &then->result, &before), said(x, &x->result, &now));
    buf_fini(&before);
    buf_fini(&now);
    e = x->unit == NULL ? evaluation_lines(x->e, &q, say_changed_unit, s) : OK;
    return e == OK ? say_submissions(s) : e;
}

enum err explain_since(struct explain *x, FILE *to)
{
    struct since s = {.x = x, .to = to};
    const struct frozen *then;
    struct snapshot_head head;
    char when[64];
    enum err e = snapshot_each(x->hub, x->t, x->period.id, NULL, &head, take_frozen, &s);

    if (e == ERR_NOT_FOUND) {
        err_clear();
        return OK;
    }
    then = e == OK ? find_frozen(&s, x->unit != NULL ? x->unit : "") : NULL;
    if (then != NULL) {
        s.after = head.head_lsn;
        command_time(when, sizeof(when), head.wall_ms, TABLE_TEXT);
        if (differs(&then->result, &x->result))
            e = say_change(&s, then, when);
        else
            (void)fprintf(to, _("The same as when the period was closed, %s.\n"), when);
    }
    free(s.lines);
    return e;
}
