/* sync_days.h: sync.days and sync.holidays of agent.yaml: in which nights nothing is sent by itself.  A night has the
 * day on which its window begins.  Zeros: every night. */
#ifndef SVODKA_AGENT_SYNC_DAYS_H
#define SVODKA_AGENT_SYNC_DAYS_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYNC_HOLIDAYS_MAX 64u

struct sync_holiday {
    bool is_yearly;
    int32_t from, to; /* days since 1970, or of each year month * 100 + day; both included */
};
struct sync_days {
    uint8_t off; /* bits, Monday 0 */
    uint32_t count;
    struct sync_holiday holidays[SYNC_HOLIDAYS_MAX];
};

/* "mon-fri", "пн, ср-пт": the days on which it is sent; at least one.  ERR_INVALID, with a sentence. */
MUST_CHECK enum err sync_days_read(struct sync_days *d, const char *text);
/* "12-28..01-08, 2021-05-03..2021-05-10, 03-08": days without.  ERR_INVALID, ERR_LIMIT, with a sentence. */
MUST_CHECK enum err sync_holidays_read(struct sync_days *d, const char *text);
bool sync_days_has(const struct sync_days *d, int32_t day);

#endif
