/* compare.h: do this computer and the hub hold the same?  Page by page of what the hub signed that it holds (SPEC.md
 * 7.3, last paragraph), against the queue; nothing is changed. */
#ifndef SVODKA_AGENT_COMPARE_H
#define SVODKA_AGENT_COMPARE_H

#include "agent/queue.h"

struct compare_counts {
    uint64_t equal;       /* the hub holds them, byte for byte */
    uint64_t waiting;     /* not confirmed yet */
    uint64_t gone;        /* the hub holds them; ours were destroyed after their time */
    uint64_t quarantined; /* of those held: kept apart, rejected, erased at the hub, by its own word */
    uint64_t rejected, erased;
    uint64_t differences;
};
/* One line: a difference, or what the hub does not count. */
typedef void (*compare_say)(void *ctx, bool is_difference, const char *text);

struct comparison;
/* Of one generation, from its first number on. */
MUST_CHECK enum err comparison_new(struct comparison **out, const struct agent *a, const struct generation *gen,
                                   compare_say say, void *ctx);
void comparison_free(struct comparison *c);
const struct generation *comparison_generation(const struct comparison *c);
uint64_t comparison_next(const struct comparison *c); /* number to ask from */
/* One page, in order, by wire or from a file.  ERR_AUTH, ERR_MALFORMED...: not to be believed; ask again or stop. */
MUST_CHECK enum err comparison_feed(struct comparison *c, struct bytes object, bool *is_complete);
/* After the last page: adds to *out. */
void comparison_counts(const struct comparison *c, struct compare_counts *out);

/* Meets the hub and compares all generations.  OK: *out says what was found. */
MUST_CHECK enum err sync_compare(struct agent *a, struct compare_counts *out, compare_say say, void *ctx);

#endif
