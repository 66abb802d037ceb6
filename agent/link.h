/* link.h: the agent's end of one connection to a hub: libzmq stops here.
 *
 * One socket, one attempt: a link that is refused or lost is closed and never used again; when to try anew is the
 * caller's matter (schedule.h).  Used by one thread.  A success of the library means nothing by itself; what the
 * connection is worth is told by its events, so that a refused key, a wrong port and a dead line each have their own
 * sentence at once. */
#ifndef SVODKA_AGENT_LINK_H
#define SVODKA_AGENT_LINK_H

#include "protocol/message.h"

#include <signal.h>

struct link;
struct link_options {
    const char *url;           /* tcp://HOST:PORT; all addresses of HOST are tried in turn */
    const char *proxy;         /* tcp://HOST:PORT of a SOCKS5 proxy, which then looks HOST up; "" or NULL: none */
    const uint8_t *server_key; /* the hub's CURVE key */
    const struct key *curve;   /* ours, or the invitation's */
    int64_t connect_ms;        /* to resolve the name; then for each address */
    int64_t handshake_ms;
    const volatile sig_atomic_t *cancelled; /* looked at several times a second; NULL: nobody cancels */
};

/* Returns when the hub has let us in.  With a sentence for people:
 * ERR_DENIED: the hub does not know this key.  ERR_MALFORMED: something else than this hub answers there.
 * ERR_NET: cannot be reached.  ERR_CANCELLED. */
MUST_CHECK enum err link_open(struct link **out, const struct link_options *o);
void link_close(struct link *l); /* NULL does nothing */
/* Hands one message to the library, which holds at most what credit allows.  ERR_NET: the connection is lost. */
MUST_CHECK enum err link_send(struct link *l, const struct message *m);
/* The next frame (at most MESSAGE_MAX_DOWN), a loan until the next call.  ERR_NOT_FOUND: none came within `wait_ms`.
 * ERR_NET: the connection is lost.  ERR_CANCELLED. */
MUST_CHECK enum err link_receive(struct link *l, int64_t wait_ms, struct bytes *frame);

#endif
