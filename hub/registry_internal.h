/* registry_internal.h: shared by registry.c, registry_status.c and registry_rekey.c alone. */
#ifndef SVODKA_HUB_REGISTRY_INTERNAL_H
#define SVODKA_HUB_REGISTRY_INTERNAL_H

#include "hub/registry.h"

#define DAY_MS     (INT64_C(86400) * 1000)
#define GRANT_DAYS 400

struct participant *registry_find(const struct registry *r, const char *id);
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
/* A fresh code: its keys into `p`. */
MUST_CHECK enum err registry_new_code(const struct hub *h, struct participant *p, int64_t valid_days);
/* Everything that a computer needs to join, with that grant. */
MUST_CHECK enum err registry_write_invitation(struct hub *h, struct store_txn *t, const struct participant *p,
                                              struct bytes grant, struct buf *out);

#endif
