/* core.h: the hub's core process: no network socket, no libzmq; the only one that opens batches.
 *
 * One thread (core.c) polls core.sock, operator.sock, the workers' eventfd and signals, applies prepared batches to the
 * ledger (group commit) and answers meetings; workers (core_intake.c) turn batches into prepared ones.  Definitions and
 * registry change only while the workers are idle. */
#ifndef SVODKA_HUB_CORE_H
#define SVODKA_HUB_CORE_H

#include "common/folder.h"

/* Runs until SIGTERM or SIGINT; ready_fd (or -1) gets one byte when both sockets listen. */
MUST_CHECK enum err core_run(const char *home, int ready_fd);
/* Gateway and core as children; restarts either when it dies, with growing pauses; ends both in order.  While agents
 * can come run/ready is there, with this process's number in it; the first time it also says so on standard error.
 * `exchange`: gateway.folder of hub.yaml, or NULL.  ERR_BUSY: another one serves this home.  ERR_INVALID: one of the
 * two could not even start. */
MUST_CHECK enum err hub_serve(const char *home, const char *exchange, const char *self);
/* The path of svodka-hub-gateway: in the folder SVODKA_LIBEXEC when that is set; else beside `self` (argv[0]), else in
 * the installed libexec folder.  ERR_NOT_FOUND. */
MUST_CHECK enum err hub_gateway_program(char out[FOLDER_PATH_MAX], const char *self);

#endif
