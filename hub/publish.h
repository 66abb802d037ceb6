/* publish.h: what may leave the office about a closed period (invariant 7: nobody recognisable).
 *
 * publication_make() takes the lines of one programme and period, as they are evaluated, and one audience; hides what
 * the programme's rules hide (docs/publication.md), hides more until nothing of it follows from what is shown, from
 * earlier publications, or from what a school knows of itself, and proves that.  It reads no store and keeps nothing;
 * publish_store.h does.
 *
 * The answer depends on lines, rules and earlier publications alone.  A publication is used by one thread. */
#ifndef SVODKA_HUB_PUBLISH_H
#define SVODKA_HUB_PUBLISH_H

#include "hub/evaluate.h"

/* One of the audience's bits. */
struct publication_order {
    const struct programme *programme;
    const struct period *period;
    unsigned audience; /* AUDIENCE_SCHOOL, AUDIENCE_REGION, AUDIENCE_PUBLIC */
};

enum published_state { PUBLISHED_OK, PUBLISHED_NO_DATA, PUBLISHED_SUPPRESSED };
extern const char *const published_state_names[]; /* ok, no-data, suppressed */

/* What stands instead of a number that is hidden; "" otherwise. */
#define CLASS_LOW      "low"
#define CLASS_MIDDLE   "middle"
#define CLASS_HIGH     "high"
#define CLASS_FEW      "fewer-than-5"
#define RESTRICTED_FEW 5

struct published_line {
    const struct indicator *indicator;
    const char *unit; /* "" for the municipality */
    const char *breakdown;
    enum published_state state;
    const char *class_code;      /* of a hidden number; "" */
    const struct result *result; /* of PUBLISHED_OK alone may be shown */
    const struct target *target; /* NULL: none */
    enum target_status status;
    bool is_own; /* of the school that it is for, complete */
};

struct publication_summary {
    uint32_t lines;   /* listed */
    uint32_t shown;   /* of them, with a value */
    uint32_t no_data; /* ... nobody gave any */
    uint32_t primary; /* ... hidden by a rule */
    uint32_t inputs;  /* ... because something that they are computed from is hidden */
    uint32_t extra;   /* ... hidden in addition */
    uint32_t targets; /* what must stay uncertain */
    uint32_t readers; /* schools as readers who know their own numbers, besides everybody */
    uint32_t earlier; /* lines of earlier publications that bear on this one */
    uint64_t milliseconds;
};

/* What a reader of earlier publications knows: bytes that publication_memory() made. */
struct publication_memory {
    const char *name; /* how it is named to people */
    struct bytes bytes;
};

struct publication;
/* `earlier`: all that anybody may have read, any audience; loans until the call returns.
 * ERR_DENIED: something that must be hidden follows from earlier publications; err_text() says what and from which.
 * ERR_LIMIT: too large, or too slow; nothing was proved.  ERR_CORRUPT: a memory is damaged.  On failure *out is
 * untouched. */
MUST_CHECK enum err publication_make(struct publication **out, struct evaluation *e, const struct publication_order *o,
                                     const struct publication_memory *earlier, size_t count);
void publication_free(struct publication *p); /* NULL does nothing */

/* Of AUDIENCE_SCHOOL: adds the school's own lines, complete but for surveys, in place of another's (NULL: nobody's).
 * What all schools read of the district is the same. */
void publication_choose_school(struct publication *p, const char *school);
/* All units that have lines, in order of their first one.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err publication_each_school(const struct publication *p,
                                            enum err (*each)(void *ctx, const char *school), void *ctx);

const struct publication_summary *publication_summary(const struct publication *p);
/* In the order of `svodka-hub indicators`. */
size_t publication_count(const struct publication *p);
struct published_line publication_at(const struct publication *p, size_t i);
/* What later publications must take for known: kept at the hub, because it names hidden quantities.  Appended. */
MUST_CHECK enum err publication_memory(const struct publication *p, struct buf *out);

#endif
