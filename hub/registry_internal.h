/* registry_internal.h: shared by registry*.c, and by what else decides about participants inside the hub. */
#ifndef SVODKA_HUB_REGISTRY_INTERNAL_H
#define SVODKA_HUB_REGISTRY_INTERNAL_H

#include "hub/registry.h"

#define REGISTRY_DAY_MS     (INT64_C(86400) * 1000)
#define REGISTRY_GRANT_DAYS 400
#define REGISTRY_ENTRY_MAX  (256u << 10)

struct registry {
    struct participant **items; /* by id */
    size_t count;
};

/* NULL: not there. */
struct participant *registry_find(const struct registry *r, const char *id);
void participant_free(struct participant *p); /* wipes; NULL does nothing */
/* As it is in memory, into the store. */
MUST_CHECK enum err registry_put(struct hub *h, struct store_txn *t, const struct participant *p);
/* Signs p->grant anew, stores the participant, and journals the decision in a word ("invited"). */
MUST_CHECK enum err registry_sign(struct hub *h, struct store_txn *t, struct participant *p, const char *what);
/* A fresh code in p->code, with the keys that follow from it: whatever was open before is not any more.  `days` 0: as
 * hub.yaml says. */
MUST_CHECK enum err registry_new_code(struct hub *h, struct participant *p, int64_t days);
/* Appends the invitation file of p->code with everything the directory lists as current. */
MUST_CHECK enum err registry_invitation(struct hub *h, struct store_txn *t, const struct participant *p,
                                        struct bytes grant, struct buf *out);
/* ---- registry_status.c, registry_rekey.c ---- */

/* The grant as it stands, with a version that is one greater, signed and stored; and with the deed in the journal. */
MUST_CHECK enum err registry_renew(struct hub *h, struct store_txn *t, struct participant *p);
MUST_CHECK enum err registry_decide(struct hub *h, struct store_txn *t, struct participant *p,
                                    enum participant_deed deed, const char *reason, const struct suspect_from *from,
                                    size_t from_count);
/* Its computers, as the transaction sees them. */
MUST_CHECK enum err registry_read_signers(struct store_txn *t, struct participant *p);
/* The sheet of p->code. */
void registry_ticket(const struct hub *h, const struct participant *p, struct ticket *out);

#endif
