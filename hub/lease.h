/* lease.h: how a command comes into a hub's home: beside a running core, or alone.
 *
 * operator.sock is SOCK_SEQPACKET; each packet is a short text.  The core checks the peer's user (its own, or root).
 *   command -> core   "lease"     core -> command  "ok"            the connection is the lease: it ends with it
 *   command -> core   "changed"   core -> command  "ok" | "error TEXT"   after the core has loaded everything again
 *   command -> core   "status"    core -> command  JSON text (core.h)
 */
#ifndef SVODKA_HUB_LEASE_H
#define SVODKA_HUB_LEASE_H

#include "common/buf.h"

#include <sys/types.h>

#define LEASE_MAX_PACKET (64u << 10)

struct lease;
/* Beside a running core, or with home.lock shared among commands when there is none; `exclusive` (the core itself)
 * takes home.lock alone, waiting at most ten seconds.  ERR_BUSY, ERR_DENIED. */
MUST_CHECK enum err lease_take(struct lease **out, const char *home, bool exclusive);
bool lease_has_core(const struct lease *l);
/* One question to the core and its answer.  ERR_NET: the core went away. */
MUST_CHECK enum err lease_ask(struct lease *l, const char *question, struct buf *answer);
void lease_end(struct lease *l);

/* The core's end: binds operator.sock (0600) in the home; the caller accepts.  And the check of a peer's user. */
MUST_CHECK enum err lease_listen(const char *home, int *fd);
bool lease_peer_is_ours(int fd);
bool lease_peer_is(int fd, uid_t other); /* or `other` */
/* core.sock: in run/ (0600); with users of their own for core and gateway in the folder `exchange` that they share, for
 * its group too (0660).  Connecting, the one who listens must be of our user, root, or the owner of that folder into
 * which nobody else may write: the gateway takes its key from there. */
MUST_CHECK enum err link_listen(const char *home, const char *exchange, int *fd);
MUST_CHECK enum err link_connect(const char *home, const char *exchange, int *fd);
/* The same two for any socket of run/. */
MUST_CHECK enum err local_listen(const char *home, const char *name, int *fd);
MUST_CHECK enum err local_connect(const char *home, const char *name, int *fd);

#endif
