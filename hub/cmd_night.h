/* cmd_night.h: what `svodka-hub night` knows of a night; shared by cmd_night*.c alone. */
#ifndef SVODKA_HUB_CMD_NIGHT_H
#define SVODKA_HUB_CMD_NIGHT_H

#include "hub/commands.h"

#include "hub/nights.h"
#include "hub/registry.h"

struct night_school {
    const struct participant *p;
    struct night_row row;
    uint64_t batches, submissions, bytes, quarantined;
};
struct night {
    struct hub *hub;
    struct store_txn *t;
    enum table_format format;
    struct table *table;
    int32_t day;
    int64_t from_ms, to_ms; /* to: this very moment, if the night is not over */
    int64_t silent_days;
    struct night_school *schools; /* by index in the registry */
    size_t count;
    struct night_run down[NIGHT_RUNS_MAX + 1];
    size_t down_count;
    bool is_known; /* something was noted of that night */
    bool needs_attention;
};
enum night_standing { CAME, CAME_BY_FILE, TURNED_AWAY, SILENT, NOT_EXPECTED };

/* cmd_night_look.c: reads all of the night that n->day, from_ms and to_ms name. */
MUST_CHECK enum err night_gather(struct night *n);
enum night_standing night_standing_of(const struct night *n, const struct night_school *s);
/* Whole days since it was seen last, at the end of the night; -1: it came, or this is an old night. */
int64_t night_days_silent(const struct night *n, const struct night_school *s);
/* Why the hub said no, for the operator. */
const char *night_refusal_word(enum message_error why);
/* "seen last on DAY, N days ago"; `days` from night_days_silent(). */
void night_put_silence(char *out, size_t size, const struct night_school *s, int64_t days);
struct night_totals {
    uint64_t came, expected, submissions, bytes;
};
void night_totals(const struct night *n, struct night_totals *out);
/* Little is left of the disk, or of what the store may grow to. */
MUST_CHECK enum err night_room(const struct night *n, bool *is_little, uint64_t *bytes);

/* cmd_night_alert.c: --alert: runs night.alert when there is something that was not told lately.  Opens the home
 * itself; returns the exit code. */
int night_alert(struct night *n, const char *home);
/* cmd_night.c: what the core holds in memory, first; without an answer the last minute may be missing. */
void night_ask_core(const struct hub *h);

#endif
