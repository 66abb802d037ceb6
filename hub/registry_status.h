/* registry_status.h: how a participant and each of its computers stand, and the operator's words that change it.
 *
 *                 hold                    revoke
 *     active ────────────► held ─────────────────► revoked ── rekey, and a new computer joins ──► active
 *        │  ◄──────────── │                          ▲
 *        │    release     │ close                    │ revoke
 *        ├────────────────┴────► closed              │
 *        └───────────────────────────────────────────┘
 *
 * Each of these is one decision: the registry, a fresh grant (version + 1), the journal and the audit in `t`, or
 * nothing; rights are judged anew from its commit on (hub_raise_definitions()).  They change the registry in memory,
 * too: when `t` is not committed, call hub_reload().  ERR_NOT_FOUND: no such participant; ERR_INVALID: it does not
 * stand so that this could be done, in words. */
#ifndef SVODKA_HUB_REGISTRY_STATUS_H
#define SVODKA_HUB_REGISTRY_STATUS_H

#include "hub/registry.h"

/* The computer of a transport or a signing key; NULL: none of this participant. */
const struct signer *registry_signer_by_curve(const struct participant *p, const uint8_t curve[KEY_BYTES]);
const struct signer *registry_signer_by_key(const struct participant *p, const uint8_t sign[KEY_BYTES]);
/* How what this computer (NULL: none is known) sends is taken now: ACTIVE and CLOSED: judged and counted; HELD and
 * REVOKED: kept apart for the operator's word.  An earlier computer and one of a closed participant give what they
 * have (CLOSED) until they say that nothing waits; one that was lost, or has said so, is REVOKED. */
enum participant_state registry_standing(const struct participant *p, const struct signer *s);
/* False for the computer that another one replaced. */
bool registry_is_present(const struct participant *p, const struct signer *s);

/* Its present computer, if what is for it alone can be sealed to it; NULL. */
const struct signer *registry_reader(const struct participant *p);

/* Who decides, for the audit; `reason` for the journal alone (it may name people). */
struct status_word {
    const char *id, *who, *reason;
};
MUST_CHECK enum err registry_hold(struct hub *h, struct store_txn *t, const struct status_word *w);
MUST_CHECK enum err registry_release(struct hub *h, struct store_txn *t, const struct status_word *w);
MUST_CHECK enum err registry_close(struct hub *h, struct store_txn *t, const struct status_word *w);

/* Batches that are counted already and not believed any more: */
struct revoke_from {
    uint64_t sequence; /* from this one on in the newest generation, and all newer ones; 0: not said */
    int64_t since_ms;  /* received at or after this moment by the hub's clock; 0: not said */
};
/* *suspects: batches that were marked. */
MUST_CHECK enum err registry_revoke(struct hub *h, struct store_txn *t, const struct status_word *w,
                                    const struct revoke_from *from, uint64_t *suspects);
/* The computer has said that nothing waits there any more: what comes later is kept apart. */
MUST_CHECK enum err registry_finish(struct hub *h, struct store_txn *t, const char *id, const uint8_t sign[KEY_BYTES]);

/* ---- a new computer (registry_rekey.c) ---- */

struct rekey {
    bool is_lost;       /* the old computer is in other hands, or may be: revoked at once */
    int64_t valid_days; /* 0: conf.invitation_days */
};
/* A new invitation, written to `invitation`, and what stands on its sheet (NULL: not wanted; a secret); the old one, if
 * it is open, is void.  The present computer is replaced when the new one joins. */
MUST_CHECK enum err registry_rekey(struct hub *h, struct store_txn *t, const struct status_word *w,
                                   const struct rekey *r, struct buf *invitation, struct ticket *ticket);
/* Appends the grant that goes with a participant's open invitation: without keys, and with the counter that a new
 * computer's numbering begins with. */
MUST_CHECK enum err registry_invitation_grant(struct hub *h, struct store_txn *t, const struct participant *p,
                                              struct buf *out);
/* What its own history is sealed to, from now on. */
MUST_CHECK enum err registry_take_history_key(struct hub *h, struct store_txn *t, const struct participant *p,
                                              const uint8_t key[KEY_BYTES]);
/* A new computer joins: the present one, if there is one, gets its last grant, which says "revoked". */
MUST_CHECK enum err registry_supersede(struct hub *h, struct store_txn *t, struct participant *p);

#endif
