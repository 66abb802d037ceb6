/* resolve.h: names to addresses without letting a dead resolver hold anybody up: libzmq would ask in its own thread,
 * again at every attempt, and take the first address only. */
#ifndef SVODKA_AGENT_RESOLVE_H
#define SVODKA_AGENT_RESOLVE_H

#include "common/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define RESOLVE_MAX      16u
#define RESOLVE_URL_MAX  96u
#define RESOLVE_HOST_MAX 128u

struct resolved {
    char place[RESOLVE_HOST_MAX + 8]; /* "HOST:PORT" as the url has it, for people */
    unsigned count;
    char urls[RESOLVE_MAX][RESOLVE_URL_MAX]; /* tcp://ADDRESS:PORT */
};

/* What was sent and is not even acknowledged by the other end's TCP for so long is not going to be: the line has died,
 * or the provider has forgotten the connection.  Above what the retransmissions of round trips of seconds need. */
#define RESOLVE_UNACKED_MS 45000

struct resolved_parts {
    char host[RESOLVE_HOST_MAX + 1]; /* of an address in brackets without them */
    char port[8];
};

/* "tcp://HOST:PORT" or "tcp://[ADDRESS]:PORT"; false: neither. */
bool resolve_split(struct resolved_parts *out, const char *url);
/* The numeric address of the parts, as one of resolved.urls has it; false: a name. */
bool resolve_address(struct sockaddr_storage *out, socklen_t *len, const struct resolved_parts *parts);
/* ERR_MALFORMED: not tcp://HOST:PORT.  ERR_NET: no such name, or no answer within `wait_ms`.  ERR_CANCELLED. */
MUST_CHECK enum err resolve_url(struct resolved *out, const char *url, int64_t wait_ms,
                                const volatile sig_atomic_t *cancelled);

#endif
