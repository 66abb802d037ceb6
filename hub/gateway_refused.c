#include "hub/gateway_internal.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>

#define EVERY_MS 10000 /* one more line for each of these */
#define LINE_MAX 400u

/* Strangers may refuse themselves thousands of times a second: the log is for people, and the disk is not theirs. */
void gateway_refused(struct gateway *g, const char *fmt, ...)
{
    int64_t now = clock_mono_ms();
    int64_t most = (int64_t)g->limits.log_refused;
    int64_t earned = (now - g->refused_ms) / EVERY_MS;
    char line[LINE_MAX];
    va_list ap;

    if (g->refused_ms == 0) {
        g->refused_ms = now;
        g->refused_left = most;
    } else if (earned > 0) {
        g->refused_ms += earned * EVERY_MS;
        g->refused_left = g->refused_left + earned > most ? most : g->refused_left + earned;
    }
    if (g->refused_left == 0) {
        g->refused_silent++;
        return;
    }
    g->refused_left--;
    if (g->refused_silent > 0)
        log_notice("gateway: %llu more were refused, and not written down one by one",
                   (unsigned long long)g->refused_silent);
    g->refused_silent = 0;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    log_notice("gateway: %s", line);
}
