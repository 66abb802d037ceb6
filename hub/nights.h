/* nights.h: what the hub remembers of each night, so that the morning can tell who came and who did not.
 *
 * A night lasts from noon to noon, local time, and has the name of the day that it ends on.  What came is in the
 * journal (ledger_arrivals.h); here is what leaves no trace there: meetings, also those in which nothing was sent, what
 * was turned away and why, and when the hub was running.  It is kept for `night.keep_days`; no figure rests on it. */
#ifndef SVODKA_HUB_NIGHTS_H
#define SVODKA_HUB_NIGHTS_H

#include "hub/hub.h"
#include "protocol/message.h"

int32_t night_of(int64_t wall_ms);                              /* as days since 1970 */
void night_span(int32_t day, int64_t *from_ms, int64_t *to_ms); /* noon to noon: 23 or 25 hours now and then */

/* A school's night. */
struct night_row {
    uint32_t participant;       /* index, from 1 */
    int64_t first_ms, last_ms;  /* of its meetings; 0: there was none */
    uint64_t greetings;         /* in which it was let in */
    uint64_t refused;           /* ... and was not */
    enum message_error refusal; /* the last reason for that */
    uint64_t bad_batches;       /* that were turned away */
    enum message_error bad_batch;
};
/* Adds to what is kept of that participant's night. */
MUST_CHECK enum err night_add(struct store_txn *t, int32_t day, const struct night_row *r);
/* By participant.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err night_each(struct store_txn *t, int32_t day, enum err (*each)(void *ctx, const struct night_row *r),
                               void *ctx);

/* When the hub's core was at work: at most NIGHT_RUNS_MAX stretches in a night, of which the last ones are kept. */
#define NIGHT_RUNS_MAX 64u
struct night_run {
    int64_t from_ms, to_ms;
};
/* The run that began then is still at work at `to_ms`. */
MUST_CHECK enum err night_note_run(struct store_txn *t, int32_t day, const struct night_run *r);
/* ERR_NOT_FOUND: it never ran that night. */
MUST_CHECK enum err night_runs(struct store_txn *t, int32_t day, struct night_run out[NIGHT_RUNS_MAX], size_t *count);

/* Forgets the nights before that day. */
MUST_CHECK enum err night_prune(struct store_txn *t, int32_t before);

#endif
