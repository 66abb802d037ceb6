/* sync_internal.h: shared by sync*.c alone. */
#ifndef SVODKA_AGENT_SYNC_INTERNAL_H
#define SVODKA_AGENT_SYNC_INTERNAL_H

#include "agent/compare.h"
#include "agent/line.h"
#include "agent/link.h"
#include "agent/sync.h"

#define BAD_MAX      3u /* frames or objects that cannot be believed: then BYE */
#define GETS_AT_ONCE 4u
#define PARTING_MS   30000
#define STEP_MS      200

/* A batch that was (partly) sent in this meeting.  `base` is where its byte 0 would stand in the stream of all chunk
 * data: negative when it was resumed at the beginning. */
struct sent {
    uint64_t sequence;
    int64_t base, end;
    bool has_receipt;
};

/* An object on its way. */
struct fetching {
    bool is_active, is_missing;
    uint8_t digest[DIGEST_BYTES];
    uint32_t total;
    struct buf bytes;
};

/* A meeting that only compares (sync_compare.c). */
struct compare_run {
    struct compare_counts *counts;
    compare_say say;
    void *ctx;
    struct comparison *now; /* of the generation at hand */
};

/* One meeting. */
struct meeting {
    struct agent *a;
    struct sync_result *out;
    struct link *link;
    bool over_invitation;
    struct buf enrol; /* the sealed request, over an invitation's key */
    int64_t deadline_ms, progress_ms;

    bool has_welcome; /* since the last HELLO */
    bool is_open;     /* it was GO */
    bool has_bye;
    struct msg_welcome welcome; /* without its loans */
    bool has_error;
    struct msg_error error;
    unsigned bad, orders;
    unsigned words; /* since the last HELLO; */
    size_t word_bytes;
    bool more_words; /* another HELLO brings more */
    bool word_left;  /* one cannot be taken now: nothing behind it is waited for */

    struct generation gen;
    uint32_t credit;
    int64_t sent_total, acked_total;
    struct line line;
    struct sent *sent;
    size_t sent_count, sent_cap;
    struct fetching object;
    struct reconcile_plan *plan; /* while RECONCILE is under way */
    bool plan_moved, plan_complete;
    struct compare_run *compare; /* NULL: an ordinary meeting */
    uint64_t most;               /* bytes of batches that may be sent */
    double tokens;               /* sync.max_rate */
    int64_t tokens_ms;
    struct message message; /* the one that was received last */
};

/* Receives at most one message within `wait_ms` and acts on it.  OK also when none came.  ERR_DENIED: the hub sent
 * ERROR (m->error); ERR_NET: lost, or silent for too long; ERR_CANCELLED; ERR_IO, ERR_FULL...: what came could not be
 * kept. */
MUST_CHECK enum err meeting_pump(struct meeting *m, int64_t wait_ms);
MUST_CHECK enum err meeting_send(struct meeting *m, const struct message *out);
/* The hub moved us on: the silence begins anew. */
void meeting_progress(struct meeting *m);
/* Asks for the page of digests from number `from` on, and waits until one was taken (SPEC.md section 7). */
MUST_CHECK enum err meeting_ask_page(struct meeting *m, const struct generation *gen, uint64_t from);
struct sent *meeting_find_sent(struct meeting *m, uint64_t sequence);

/* Greets for every generation with something that is not archived, the lowest first, and does the work of each. */
MUST_CHECK enum err meeting_run(struct meeting *m);
/* Instead: greets once and asks what the hub holds of each generation. */
MUST_CHECK enum err meeting_compare(struct meeting *m);
/* HELLO for m->gen, until WELCOME. */
MUST_CHECK enum err meeting_greet(struct meeting *m);
/* A meeting at the first endpoint that answers; `compare` NULL: an ordinary one.  `most`: bytes of batches to be sent.
 */
MUST_CHECK enum err sync_endpoints(struct agent *a, const struct key *invitation, struct compare_run *compare,
                                   uint64_t most, struct sync_result *out);
/* The words that WELCOME announced: until all are here, or as many as come unasked.  *more: another HELLO brings the
 * rest. */
MUST_CHECK enum err meeting_wait_for_words(struct meeting *m, bool *more);
/* After WELCOME GO: objects (sync_objects.c), then batches (sync_batches.c), until every one has its receipt. */
MUST_CHECK enum err meeting_fetch(struct meeting *m);
MUST_CHECK enum err meeting_deliver(struct meeting *m);
/* Did the object that is being fetched come whole? */
void meeting_take_object(struct meeting *m, const struct msg_object *o);

#endif
