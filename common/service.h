/* service.h: what the service manager that started this process is told: ready, alive, at what, ending.
 *
 * The protocol is systemd's (sd_notify(3), "Type=notify" and "WatchdogSec="): one datagram of lines NAME=VALUE to the
 * socket named in NOTIFY_SOCKET.  Spoken here by ourselves: libsystemd would bring five more libraries into the two
 * processes that strangers' bytes reach, for one sendto().  Without NOTIFY_SOCKET every call does nothing.
 *
 * The watchdog is fed by service_alive() and by nothing else, and only the loop that does the work calls it: a loop
 * that is stuck stops feeding, and the manager kills the process and starts it again.
 *
 * One thread uses this, the one that called service_start(). */
#ifndef SVODKA_COMMON_SERVICE_H
#define SVODKA_COMMON_SERVICE_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVICE_STATUS_MAX 240u /* bytes of a status; what is longer is cut */

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment: no child speaks for us.
 * Before any thread is started.  A socket that cannot be used is logged, and nobody is told anything. */
void service_start(void);
void service_stop(void); /* closes what service_start() opened */

/* From now on the work is done: sockets are bound.  Once. */
void service_ready(void);
/* What it is at, in words, for people (`systemctl status`); sent when it differs from the last one. */
void service_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The loop has come round: feeds the watchdog when a third of its time is over since the last time. */
void service_alive(void);
/* How long a loop may wait that would wait `wait_ms` (-1: for ever), so as not to be taken for stuck. */
int service_wait_ms(int wait_ms);
/* The watchdog's time in milliseconds; 0: there is none. */
int64_t service_watchdog_ms(void);
/* It was asked to end, and does. */
void service_stopping(void);

#endif
