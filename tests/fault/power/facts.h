/* facts.h: what was promised to somebody, and when (by the tape): it must be there from then on, whenever the power
 * goes. */
#ifndef SVODKA_TESTS_FAULT_POWER_FACTS_H
#define SVODKA_TESTS_FAULT_POWER_FACTS_H

#include "agent/queue.h"
#include "hub/hub.h"

#define FACT_NAME 96u

/* What loses its power together, and lies under that name in the watched folder. */
enum part { PART_HUB, PART_SCHOOL, PART_HUB_AGAIN, PART_SCHOOL_AGAIN, PART_STICK, PART_COPIES, PART_COUNT };
extern const char *const part_names[PART_COUNT];

enum fact_kind {
    FACT_MADE,    /* hub, school: the home is there, and opens */
    FACT_JOINED,  /* school: the grant names its keys */
    FACT_RECORD,  /* school: submission `number` has these bytes */
    FACT_BATCH,   /* school: batch `number`, of which the hub may have seen something, has these bytes */
    FACT_RECEIPT, /* school: batch `number` is at least so far */
    FACT_DRAFT,   /* school: the draft is that of step `number`, or a later one */
    FACT_ENTRY,   /* hub: the journal has this entry `number` */
    FACT_STORED,  /* hub: the batch whose receipt was handed out is held */
    FACT_FILE,    /* stick, copies: a file of that name, with these bytes */
    FACT_GONE,    /* hub: no file below the home has `name` in it: an erased key */
};
struct fact {
    enum fact_kind kind;
    enum part part;
    size_t moment; /* events that had returned */
    size_t until;  /* from this one on it is not promised any more */
    struct generation gen;
    uint64_t number;
    uint8_t digest[DIGEST_BYTES];
    char name[FACT_NAME];
};
/* From now on; `until` is set. */
void fact_add(struct fact f);
void fact_add_bytes(struct fact f, struct bytes bytes); /* with their digest */
/* Facts of this kind of this part are promised no more. */
void fact_end(enum part part, enum fact_kind kind);
size_t fact_count(void);
/* How many of that part are promised at `moment`: a number that names the promises. */
size_t facts_promised(enum part part, size_t moment);

/* Is all that was promised at `moment` there?  NULL, or what is missing (in a buffer of its own). */
const char *facts_missing_school(struct agent *a, enum part part, size_t moment);
const char *facts_missing_hub(struct hub *h, enum part part, size_t moment);
/* Nothing that was destroyed is left in the home, before anybody opens it. */
const char *facts_secret_left(enum part part, const char *home, size_t moment);
/* Files of a part in `folder`: whole or not there; what was promised is there. */
const char *facts_missing_files(enum part part, const char *folder, size_t moment);
bool fact_is_promised(enum part part, enum fact_kind kind, size_t moment);

#endif
