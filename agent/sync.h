/* sync.h: one pass: seal what waits, meet the hub (SPEC.md section 6), take what it says, send what it lacks. */
#ifndef SVODKA_AGENT_SYNC_H
#define SVODKA_AGENT_SYNC_H

#include "agent/queue.h"
#include "protocol/message.h"

#define SYNC_TEXT 1024u /* what err_text() can hold */

/* What HELLO says of one generation; `enrol`: the request of a school that has not joined yet, or empty (a loan).
 * *h must be zeros. */
MUST_CHECK enum err sync_hello(const struct agent *a, const struct generation *gen, struct bytes enrol,
                               struct msg_hello *h);

enum sync_outcome {
    SYNC_COMPLETE,    /* the hub has everything that was sealed, and said so */
    SYNC_LATER,       /* it asked to come back in later_seconds */
    SYNC_REFUSED,     /* it answered with `refusal` */
    SYNC_KEY_REFUSED, /* it does not know this computer's key */
    SYNC_NO_HUB,      /* something else answers there */
    SYNC_UNREACHABLE, /* nothing answers, or the line was lost */
    SYNC_LOCKED,      /* another svodka-agent of this home syncs right now */
    SYNC_FAILED       /* something here: disk, memory, a stop */
};

/* Where the hub is looked for, in this order: at sync.address with each key that the directory names, then at the
 * directory's addresses.  Returns how many. */
#define SYNC_ADDRESSES_MAX (2 * DIRECTORY_MAX_ENDPOINTS)
uint32_t sync_addresses(const struct agent *a, struct directory_endpoint list[SYNC_ADDRESSES_MAX]);

/* What happened; all counts are of this pass. */
struct sync_result {
    enum sync_outcome outcome;
    enum message_error refusal; /* with SYNC_REFUSED, and with LATER when the hub was busy or full; else 0 */
    uint32_t later_seconds;
    bool joined;                                    /* the invitation was redeemed */
    uint64_t sealed;                                /* batches made of what waited */
    uint64_t batches, records, bytes;               /* sent; bytes without those that the hub had already */
    uint64_t resumed;                               /* batches that went on where a lost line had left them ... */
    uint64_t resumed_sequence;                      /* ... the last of them, and where */
    uint32_t resumed_offset;                        /* ... */
    uint64_t receipts;                              /* taken */
    uint64_t verdicts[VERDICT_COUNT];               /* of the records in them */
    uint64_t refused_batches;                       /* receipts that say refused */
    uint64_t words;                                 /* what the hub decided later, taken */
    uint64_t objects;                               /* forms, calendars, maps fetched */
    bool new_directory, new_grant;                  /* ... */
    uint64_t reconciled, already_there, renumbered; /* two histories met; records dropped, and given new numbers */
    uint64_t left;                                  /* batches still without a receipt */
    uint64_t expired;                               /* archived batches destroyed after their time */
    bool limited;                                   /* COMPLETE, but for what was more than `most` */
};

/* With a sentence for people when it is not OK.  OK goes with SYNC_COMPLETE, ERR_BUSY with LATER and LOCKED, ERR_DENIED
 * with REFUSED and KEY_REFUSED, ERR_MALFORMED with NO_HUB, ERR_NET with UNREACHABLE.  Whatever it returns, nothing is
 * lost, and what was received is kept (invariant 2). */
MUST_CHECK enum err sync_once(struct agent *a, struct sync_result *out);
/* The same, but not more than so many bytes of batches are sent: the rest goes on from there in another meeting. */
MUST_CHECK enum err sync_once_within(struct agent *a, uint64_t most, struct sync_result *out);
/* What people are told when the hub refuses: always an error, with the sentence. */
MUST_CHECK enum err sync_explain(const struct msg_error *error);
/* From a signal handler: the pass under way and all later ones of this process end soon, with ERR_CANCELLED. */
void sync_cancel(void);

/* A result as bytes, for whoever asked a running `run`.  ERR_MALFORMED. */
MUST_CHECK enum err sync_result_encode(struct buf *out, const struct sync_result *r, const char *text);
MUST_CHECK enum err sync_result_decode(struct sync_result *out, char text[SYNC_TEXT], struct bytes in);

#endif
