/* carry_internal.h: shared by carry*.c alone. */
#ifndef SVODKA_HUB_CARRY_INTERNAL_H
#define SVODKA_HUB_CARRY_INTERNAL_H

#include "hub/carry.h"
#include "hub/intake.h"
#include "hub/prepared.h"

#define CARRY_GROUP 4u /* batches in one transaction */

/* A greeting, believed when the file's list verifies. */
struct carry_claim {
    struct generation gen;
    uint64_t receipted, archived, last_sealed, waiting_records, words_held;
    bool takes_words;
    unsigned words_known;
    uint8_t head[DIGEST_BYTES];
};

struct carry_reading {
    struct hub *hub;
    struct carry *into;
    const struct carry_host *host;
    struct bundle_reader *file;
    struct carry_file result;
    struct carry_school *school; /* NULL until a part names it */
    struct intake *intake;
    uint64_t intake_serial;
    struct prepared *group[CARRY_GROUP];
    size_t group_count;
    struct carry_claim *claims;
    size_t claim_count;
    struct bundle_held *held;
    uint64_t damaged;
    bool is_foreign, is_done;
};

/* Notes a sentence: err_text(). */
void carry_problem(struct carry_reading *r);
struct carry_school *carry_school_of(struct carry *c, const char *id); /* NULL: no memory */
/* The entry of a generation, new with above = UINT64_MAX; NULL: no memory, or too many. */
struct carry_generation *carry_generation_of(struct carry_school *s, const struct generation *gen);

/* carry_batches.c: intake, and the ledger in groups. */
MUST_CHECK enum err carry_batch(struct carry_reading *r, struct bytes batch);
MUST_CHECK enum err carry_commit(struct carry_reading *r);

#endif
