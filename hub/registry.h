/* registry.h: who may sign, and about what.  Read into memory at hub_open(); a lookup never touches the disk. */
#ifndef SVODKA_HUB_REGISTRY_H
#define SVODKA_HUB_REGISTRY_H

#include "hub/hub.h"
#include "protocol/message.h"

enum participant_state {
    PARTICIPANT_INVITED,
    PARTICIPANT_ACTIVE,
    PARTICIPANT_HELD,
    PARTICIPANT_REVOKED,
    PARTICIPANT_CLOSED
};

struct participant {
    uint32_t index; /* for ever */
    char id[ID_MAX + 1];
    struct grant grant;
    struct buf grant_object; /* as signed */
    enum participant_state state;
    char code[15]; /* only in the operator's process that made it: never stored */
    uint8_t mac_key[KEY_BYTES];
    uint8_t invite_curve[KEY_BYTES]; /* public key of the code; stays in the allowlist so that a used one is told so */
    int64_t invited_ms, invite_expires_ms, enrolled_ms;
    bool invite_used;
    int64_t last_seen_ms; /* last meeting; informative, stored at most once a minute */
};

MUST_CHECK enum err registry_load_in(struct registry **out, struct hub *h, struct store_txn *t);
void registry_free(struct registry *r);
size_t registry_count(const struct registry *r);
const struct participant *registry_at(const struct registry *r, size_t i);
const struct participant *registry_by_id(const struct registry *r, const char *id);
const struct participant *registry_by_index(const struct registry *r, uint32_t index);
/* *is_invitation: the key is that of an invitation's code. */
const struct participant *registry_by_curve(const struct registry *r, const uint8_t curve[KEY_BYTES],
                                            bool *is_invitation);

struct school_add {
    const char *id, *name;
    const char *const *units;
    size_t unit_count; /* 0: the id itself is the unit; GRANT_ALL_UNITS alone: every unit */
    const char *const *roles;
    size_t role_count;  /* 0: "school" */
    int64_t valid_days; /* 0: conf.invitation_days */
};
/* Journals the decision, signs the grant without keys, and writes the invitation text.  ERR_EXISTS; ERR_INVALID: bad
 * id, or a unit and role that another participant speaks for already: who speaks for every unit is alone in its role.
 */
MUST_CHECK enum err registry_add(struct hub *h, struct store_txn *t, const struct school_add *a,
                                 struct buf *invitation);
/* An enrolment request of the participant whose invitation's curve key it came under (or that a file names): checks it,
 * binds the keys, signs the grant, journals.  The same keys again (our answer was lost): the same grant.
 * *refusal: the error to send when it returns anything but OK.  Changes the registry in memory, too: when the
 * transaction is not committed, call hub_reload(). */
MUST_CHECK enum err registry_enrol(struct hub *h, struct store_txn *t, const char *participant, struct bytes sealed,
                                   struct buf *grant_object, enum message_error *refusal);
/* The hub has a new signing key: every grant is signed by it, under its next version. */
MUST_CHECK enum err registry_sign_all(struct hub *h, struct store_txn *t);
/* A meeting took place. */
MUST_CHECK enum err registry_seen(struct hub *h, struct store_txn *t, const char *participant, int64_t wall_ms);

#endif
