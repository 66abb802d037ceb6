#include "common/log.h"

#include "common/clock.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static const char *who_logs = "svodka";
static enum log_level max_level = LOG_NOTICE;
static bool under_journal;

void log_init(const char *who, enum log_level level)
{
    who_logs = who;
    max_level = level;
    under_journal = getenv("JOURNAL_STREAM") != NULL;
}

static int put_prefix(char *line, size_t size, enum log_level level)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    char stamp[32];

    if (under_journal)
        return snprintf(line, size, "<%d>%s: ", (int)level, who_logs);
    if (localtime_r(&now, &tm) == NULL || strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        stamp[0] = '\0';
    return snprintf(line, size, "%s %s: ", stamp, who_logs);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    size_t len;
    va_list ap;
    int n;

    if (level > max_level)
        return;
    n = put_prefix(line, sizeof(line), level);
    len = n < 0 ? 0 : (size_t)n;
    va_start(ap, fmt);
    n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
    va_end(ap);
    len += n < 0 ? 0 : (size_t)n;
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    for (size_t i = 0; i < len; i++) /* one event, one line, whatever a peer sent */
        if (line[i] == '\n' || line[i] == '\r' || line[i] == '\033')
            line[i] = ' ';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0) {
        /* nobody is left to tell */
    }
}
