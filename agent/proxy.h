/* proxy.h: a way to the hub through a SOCKS5 proxy (RFC 1928, without a password).
 *
 * libzmq has a SOCKS client of its own, but it ends the whole process when a proxy refuses or cannot be reached (its
 * epoll is asked to forget a socket twice).  So the connection to the proxy is made here, and a thread carries bytes
 * between it and one local connection on 127.0.0.1.  Who stands there sees what any router sees: CURVE is inside. */
#ifndef SVODKA_AGENT_PROXY_H
#define SVODKA_AGENT_PROXY_H

#include "common/err.h"

#include <signal.h>
#include <stdint.h>

#define PROXY_URL_MAX 64u

struct proxy;

/* Asks the proxy at `url` (tcp://HOST:PORT; all addresses of HOST in turn) for a connection to `target`
 * (tcp://HOST:PORT), whose name the proxy looks up: behind one there is often nobody else who can.  Each step within
 * `wait_ms`.  *local is then where to connect to, once, within a minute.
 * With a sentence that names the proxy.  ERR_NET: it cannot be reached, or cannot reach the hub; ERR_DENIED: it does
 * not let us through; ERR_MALFORMED: something else answers there; ERR_CANCELLED. */
MUST_CHECK enum err proxy_open(struct proxy **out, char local[PROXY_URL_MAX], const char *url, const char *target,
                               int64_t wait_ms, const volatile sig_atomic_t *cancelled);
/* Ends both connections.  NULL does nothing. */
void proxy_close(struct proxy *p);

#endif
