/* zone.h: a time zone by its IANA name ("Asia/Yekaterinburg"), read from the system's time zone database (TZif, RFC
 * 8536) beside the process's own: neither TZ nor anything else that threads share is touched.  A zone is never changed
 * once it is open. */
#ifndef SVODKA_COMMON_ZONE_H
#define SVODKA_COMMON_ZONE_H

#include "common/buf.h"
#include "common/err.h"

#define ZONE_FILE_MAX (64u << 10)
#define ZONE_DAY_MIN  1440

struct zone;
/* With a sentence: ERR_INVALID: no name of a zone, or the system knows none of it; ERR_MALFORMED: its file cannot be
 * read; ERR_NOT_FOUND: this system has no such database. */
MUST_CHECK enum err zone_open(struct zone **out, const char *name);
void zone_free(struct zone *z); /* NULL does nothing */
/* The bytes of such a file, whole or not at all.  ERR_MALFORMED. */
MUST_CHECK enum err zone_decode(struct zone **out, struct bytes file);

/* What clocks there show.  `z` NULL, here and below: the process's own time zone. */
struct zone_time {
    int32_t day;    /* since 1970-01-01 */
    int32_t minute; /* of the day */
};
struct zone_time zone_at(const struct zone *z, int64_t wall_ms);
/* When clocks there show `minute` of `day`.  Of a minute that comes twice the first; what is left out when clocks are
 * put on comes as much later. */
int64_t zone_moment(const struct zone *z, int32_t day, int32_t minute);

#endif
