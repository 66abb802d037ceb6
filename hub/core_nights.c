/* What leaves no trace in the journal is gathered in memory and written once a minute, in one transaction for all: a
 * school that is turned away a thousand times costs the disk nothing more.  A crash forgets at most that minute. */
#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "hub/nights.h"

#include <stdlib.h>

#define FLUSH_MS  60000
#define NOTED_MAX 4096u /* schools between two writes; then they are written at once */

static struct night_row *row_of(struct core *c, uint32_t participant)
{
    struct core_nights *n = &c->nights;
    int32_t day = night_of(clock_wall_ms());

    if (n->count == NOTED_MAX ||
        (n->count > 0 && n->day != day)) /* it has struck noon: those are of the night before */
        core_nights_flush(c);
    n->day = day;
    for (size_t i = 0; i < n->count; i++)
        if (n->rows[i].participant == participant)
            return &n->rows[i];
    if (n->count == n->cap) {
        size_t cap = n->cap == 0 ? 64 : 2 * n->cap;
        struct night_row *grown = realloc(n->rows, cap * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        n->rows = grown;
        n->cap = cap;
    }
    n->rows[n->count] = (struct night_row){.participant = participant};
    return &n->rows[n->count++];
}

void core_nights_met(struct core *c, uint32_t participant)
{
    struct night_row *r = row_of(c, participant);

    if (r == NULL)
        return;
    r->last_ms = clock_wall_ms();
    if (r->first_ms == 0)
        r->first_ms = r->last_ms;
    r->greetings++;
}

void core_nights_refused(struct core *c, uint32_t participant, enum message_error why)
{
    struct night_row *r = row_of(c, participant);

    if (r == NULL)
        return;
    r->refused++;
    r->refusal = why;
}

void core_nights_bad_batch(struct core *c, uint32_t participant, enum message_error why)
{
    struct night_row *r = row_of(c, participant);

    if (r == NULL)
        return;
    r->bad_batches++;
    r->bad_batch = why;
}

static enum err write_all(struct core *c, struct store_txn *t, int32_t day, int64_t now)
{
    struct core_nights *n = &c->nights;
    struct night_run run = {n->run_ms, now};
    int64_t from, to;
    enum err e = OK;

    night_span(day, &from, &to);
    if (run.from_ms < from)
        run.from_ms = from;
    for (size_t i = 0; e == OK && i < n->count; i++)
        e = night_add(t, n->day, &n->rows[i]);
    if (e == OK && run.from_ms <= now)
        e = night_note_run(t, day, &run);
    if (e == OK && n->pruned != day)
        e = night_prune(t, day - (int32_t)c->hub->conf.night_days);
    return e;
}

void core_nights_flush(struct core *c)
{
    struct core_nights *n = &c->nights;
    int64_t now = clock_wall_ms();
    int32_t day = night_of(now);
    struct store_txn *t = NULL;
    enum err e;

    if (n->run_ms == 0 || now < n->run_ms) /* it has just begun, or the clock was put back */
        n->run_ms = now;
    n->flushed_ms = clock_mono_ms();
    if ((e = store_begin_write(c->hub->store, &t)) == OK && (e = write_all(c, t, day, now)) == OK) {
        e = store_commit(t);
        t = NULL;
    }
    store_abort(t);
    if (e == OK) {
        n->count = 0;
        n->pruned = day;
    } else
        log_warning("core: the night's notes could not be kept: %s", err_text());
    if (n->count == NOTED_MAX)
        n->count = 0; /* the disk takes nothing: there are greater worries */
}

void core_nights(struct core *c)
{
    if (c->nights.run_ms == 0 || clock_mono_ms() - c->nights.flushed_ms >= FLUSH_MS)
        core_nights_flush(c);
}

void core_nights_fini(struct core *c)
{
    core_nights_flush(c);
    free(c->nights.rows);
    c->nights.rows = NULL;
    c->nights.count = c->nights.cap = 0;
}
