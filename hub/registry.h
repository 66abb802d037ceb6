/* registry.h: who may sign, and about what.  Read into memory at hub_open(); a lookup never touches the disk. */
#ifndef SVODKA_HUB_REGISTRY_H
#define SVODKA_HUB_REGISTRY_H

#include "hub/hub.h"
#include "hub/signers.h"
#include "protocol/message.h"
#include "protocol/ticket.h"

enum participant_state {
    PARTICIPANT_INVITED,
    PARTICIPANT_ACTIVE,
    PARTICIPANT_HELD,
    PARTICIPANT_REVOKED,
    PARTICIPANT_CLOSED
};

#define REGISTRY_TRIES     5u     /* wrong requests under one invitation */
#define REGISTRY_FROM_MAX  63u    /* bytes of a peer's address */
#define REGISTRY_FROM_FILE "file" /* instead of one */

struct participant {
    uint32_t index; /* for ever; with PARTICIPANT_STANDS_IN (slot.h) if it was added to enter for others */
    char id[ID_MAX + 1];
    struct grant grant;
    struct buf grant_object; /* as signed */
    enum participant_state state;
    char code[15]; /* only in the operator's process that made it: never stored */
    uint8_t mac_key[KEY_BYTES];
    uint8_t invite_curve[KEY_BYTES]; /* public key of the code; stays in the allowlist so that a used one is told so */
    int64_t invited_ms, invite_expires_ms, enrolled_ms;
    bool invite_used;
    int64_t last_seen_ms;                    /* last meeting; informative, stored at most once a minute */
    uint32_t tries;                          /* wrong ones under the open invitation */
    char joined_from[REGISTRY_FROM_MAX + 1]; /* "": before this was kept, or not joined */
    bool has_transcript;
    uint8_t transcript[DIGEST_BYTES]; /* of joining: what both screens show as six words */
    int64_t words_ms;                 /* when the office said that they are the same; 0: not compared */
    struct signer *signers;           /* its computers, the oldest first; the present one is the last */
    size_t signer_count;
};

MUST_CHECK enum err registry_load_in(struct registry **out, struct hub *h, struct store_txn *t);
void registry_free(struct registry *r);
size_t registry_count(const struct registry *r);
const struct participant *registry_at(const struct registry *r, size_t i);
const struct participant *registry_by_id(const struct registry *r, const char *id);
const struct participant *registry_by_index(const struct registry *r, uint32_t index);
/* Of the present computer, an earlier one, or an invitation's code (*is_invitation). */
const struct participant *registry_by_curve(const struct registry *r, const uint8_t curve[KEY_BYTES],
                                            bool *is_invitation);

struct school_add {
    const char *id, *name;
    const char *const *units;
    size_t unit_count; /* 0: the id itself is the unit; GRANT_ALL_UNITS alone: every unit */
    const char *const *roles;
    size_t role_count; /* 0: "school", or none with `behalf` */
    const char *const *behalf;
    size_t behalf_count;   /* roles for whose units it may enter what they gave on paper or by telephone */
    int64_t valid_days;    /* 0: conf.invitation_days */
    struct ticket *ticket; /* out: what the printed sheet holds, the code among it; NULL: no sheet */
};
/* Journals the decision, signs the grant without keys, and writes the invitation text.  ERR_EXISTS; ERR_INVALID: bad
 * id, or a unit and role that another participant speaks for already: who speaks for every unit is alone in its role.
 */
MUST_CHECK enum err registry_add(struct hub *h, struct store_txn *t, const struct school_add *a,
                                 struct buf *invitation);
/* Another invitation for one that has not joined yet; the one before is worth nothing any more.  `ticket` may be NULL.
 * ERR_NOT_FOUND; ERR_EXISTS: it has joined; ERR_DENIED: it is closed. */
MUST_CHECK enum err registry_invite(struct hub *h, struct store_txn *t, const char *id, int64_t days,
                                    struct buf *invitation, struct ticket *ticket);
/* Five wrong tries were made under its open invitation. */
bool registry_is_locked(const struct participant *p);

struct enrolment {
    const char *participant; /* whose invitation's curve key it came under, or whom a file names */
    struct bytes sealed;
    const char *from; /* the peer's address, or REGISTRY_FROM_FILE */
    const char *who;  /* for the audit: who of the office let it in; NULL: its own message did */
    /* what comes of it */
    struct buf *grant;          /* the signed grant is appended */
    enum message_error refusal; /* to send when anything but OK is returned */
    bool is_wrong_code;         /* sealed to this hub by somebody without the code: registry_wrong_try() */
    bool was_known;             /* the same keys again: our answer was lost, nothing changed */
};
/* Checks a request to join, binds the keys, signs the grant, journals.  Changes the registry in memory, too: when the
 * transaction is not committed, call hub_reload(). */
MUST_CHECK enum err registry_enrol(struct hub *h, struct store_txn *t, struct enrolment *x);
/* In a transaction of its own, after registry_enrol() said is_wrong_code: counts it; the fifth locks the invitation. */
MUST_CHECK enum err registry_wrong_try(struct hub *h, struct store_txn *t, const char *participant);
/* The office compared the six words by telephone.  ERR_NOT_FOUND, ERR_INVALID: nothing to compare. */
MUST_CHECK enum err registry_words_match(struct hub *h, struct store_txn *t, const char *participant, const char *who);
/* The hub has a new signing key: every grant is signed by it, under its next version. */
MUST_CHECK enum err registry_sign_all(struct hub *h, struct store_txn *t);
/* Every grant again with a version above any that was handed out: this hub was restored (backup.h). */
MUST_CHECK enum err registry_reissue(struct hub *h, struct store_txn *t);
/* A meeting took place. */
MUST_CHECK enum err registry_seen(struct hub *h, struct store_txn *t, const char *participant, int64_t wall_ms);

#endif
