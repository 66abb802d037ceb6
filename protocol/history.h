/* history.h: a participant's own batch, given back to the computer that it has now (SPEC.md section 5.11, type 11): a
 * word that holds the batch as it was received, its sections' keys sealed to that computer, and what the hub keeps
 * apart of it. */
#ifndef SVODKA_PROTOCOL_HISTORY_H
#define SVODKA_PROTOCOL_HISTORY_H

#include "protocol/notice.h"

#define HISTORY_MAX_APART 1024u
struct history_apart {
    uint64_t number;
    unsigned standing; /* enum standing, or a later one */
    unsigned reason;   /* enum quarantine_reason, or a later one; 0: none */
};
struct history {
    struct word_head head;
    int64_t hub_ms;        /* when it was made */
    struct bytes batch;    /* as received; a loan */
    uint32_t section_mask; /* sections whose keys are here; the others were erased */
    uint32_t section_count;
    struct section_keys keys; /* a secret: history_fini() */
    uint32_t apart_count;
    struct history_apart *apart; /* by number; owned: history_fini() */
};
void history_fini(struct history *h);
/* `to`: the history key of the participant's computer (an X25519 public key).  ERR_INVALID: something that
 * history_open() would refuse. */
MUST_CHECK enum err history_make(struct buf *out, const struct history *h, const uint8_t to[KEY_BYTES],
                                 const struct key *hub_sign);
/* `own`: its secret.  ERR_AUTH: not the hub's, or sealed to another computer.  On failure *out is all zeros.  The
 * caller checks district and participant, of the word and of the batch's header. */
MUST_CHECK enum err history_open(struct history *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES],
                                 const struct key *own);

#endif
