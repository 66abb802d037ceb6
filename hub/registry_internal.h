/* registry_internal.h: shared by registry*.c alone. */
#ifndef SVODKA_HUB_REGISTRY_INTERNAL_H
#define SVODKA_HUB_REGISTRY_INTERNAL_H

#include "hub/registry.h"

#define DAY_MS             (INT64_C(86400) * 1000)
#define GRANT_DAYS         400
#define REGISTRY_ENTRY_MAX (256u << 10)

struct registry {
    struct participant **items; /* by id */
    size_t count;
};

/* NULL: not there. */
struct participant *registry_find(const struct registry *r, const char *id);
void participant_free(struct participant *p); /* wipes; NULL does nothing */
/* Stores what is in memory. */
MUST_CHECK enum err registry_put(struct hub *h, struct store_txn *t, const struct participant *p);
/* Signs the grant as it stands, with a version that is one greater, into p->grant_object, and stores. */
MUST_CHECK enum err registry_sign(struct hub *h, struct store_txn *t, struct participant *p);
/* The same, and journals the deed with it. */
MUST_CHECK enum err registry_decide(struct hub *h, struct store_txn *t, struct participant *p,
                                    enum participant_deed deed, const char *reason, const struct suspect_from *from,
                                    size_t from_count);
/* Its computers, as the transaction sees them. */
MUST_CHECK enum err registry_read_signers(struct store_txn *t, struct participant *p);
/* A fresh code in p->code, with the keys that follow from it: whatever was open before is not any more.  `valid_days`
 * 0: as hub.yaml says.  ERR_NOMEM. */
MUST_CHECK enum err registry_new_code(const struct hub *h, struct participant *p, int64_t valid_days);
/* The invitation file of p->code: everything that a computer needs to join, with that grant. */
MUST_CHECK enum err registry_write_invitation(struct hub *h, struct store_txn *t, const struct participant *p,
                                              struct bytes grant, struct buf *out);
/* The sheet of p->code. */
void registry_ticket(const struct hub *h, const struct participant *p, struct ticket *out);

#endif
