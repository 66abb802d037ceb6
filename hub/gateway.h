/* gateway.h: the hub's network process: owns the sockets, lets in only whom the core names, admits, grants credit,
 * collects batches and hands them on.  It holds no key that opens a batch or signs anything, and may be killed at any
 * time: nothing that was promised to anyone is in it.
 *
 * One thread (besides libzmq's): gateway.c polls the ROUTER, the ZAP socket, core.sock and signals.  A meeting
 * (SPEC.md section 6) occupies one of `slots`; whoever finds none gets WELCOME LATER at once. */
#ifndef SVODKA_HUB_GATEWAY_H
#define SVODKA_HUB_GATEWAY_H

#include "common/err.h"

/* Waits for the core, listens where the core says, serves until SIGTERM or SIGINT.  ready_fd (or -1) gets one byte when
 * the sockets listen and the self-test was refused as it must be.  ERR_VERSION: the core names other addresses now:
 * start again. */
/* `exchange`: the folder shared with a core of another user, which holds core.sock and spool/; then `home` is not
 * looked at.  NULL: both are in the home.  No file of keys/ is read: the core sends the one key that is needed. */
MUST_CHECK enum err gateway_run(const char *home, const char *exchange, int ready_fd);

#endif
