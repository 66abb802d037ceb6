/* log.h: one line per event on standard error: what happened, to which school or batch, what comes next.
 * Never an answer, a code or a key.  Under a service manager (JOURNAL_STREAM set) lines start with a syslog "<n>"
 * priority; on a terminal or in a file with date and time.  Safe from any thread: one write(2) per line. */
#ifndef SVODKA_COMMON_LOG_H
#define SVODKA_COMMON_LOG_H

#include "common/err.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

/* Lines above `level` are dropped.  `who` ("core", "gateway", "agent") stands before every line; not copied. */
void log_init(const char *who, enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif
