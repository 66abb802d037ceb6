/* erased.h: what stays of submissions whose content was destroyed: number, digest, slot (a keyed digest), what it
 * corrected or retracted, and the day it was filled in; no answer.  So the ledger still knows what was sent, counts
 * nothing twice, and can be replayed.
 *
 * And the residue: the submissions of a section that stay when only some of it is erased. */
#ifndef SVODKA_HUB_ERASED_H
#define SVODKA_HUB_ERASED_H

#include "hub/slot.h"
#include "protocol/batch.h"
#include "protocol/reconcile.h"

struct erased_place {
    uint8_t form[FORM_DIGEST_BYTES];
    char unit[ID_MAX + 1];
    char period[PERIOD_ID_MAX + 1];
};
struct erased_record {
    uint64_t number;
    uint64_t act; /* number of the act that erased it */
    uint8_t digest[RECORD_DIGEST_BYTES];
    bool is_readable;  /* it was a submission of a known form: what follows is set */
    bool was_current;  /* in its slot when it was erased, and it still counts: the slot is frozen */
    bool is_uncounted; /* was current, and its contribution was taken away */
    enum record_kind kind;
    uint32_t place; /* in places[] */
    int32_t filled_on;
    struct record_ref target; /* CORRECTION, RETRACTION */
    uint8_t slot[SLOT_BYTES]; /* but in a RETRACTION */
};
/* Of one section or of a whole batch; ascending numbers. */
struct erased_list {
    struct erased_place *places;
    struct erased_record *records;
    uint32_t place_count, record_count;
};
void erased_fini(struct erased_list *l);
/* Adds an empty record; *out is valid until the next. */
MUST_CHECK enum err erased_add(struct erased_list *l, struct erased_record **out);
MUST_CHECK enum err erased_place(struct erased_list *l, const uint8_t form[FORM_DIGEST_BYTES], const char *unit,
                                 const char *period, uint32_t *index);
/* Adds all of `from`, and puts the records in order. */
MUST_CHECK enum err erased_merge(struct erased_list *l, const struct erased_list *from);
/* NULL: it is not there. */
const struct erased_record *erased_find(const struct erased_list *l, uint64_t number);

void erased_put(struct buf *out, const struct erased_list *l);
/* Whole or not at all: ERR_MALFORMED.  erased_fini(). */
MUST_CHECK enum err erased_get(struct erased_list *out, struct bytes in);
/* The bytes by which an act vouches for one of them: the same wherever it is kept. */
void erased_vouch(struct buf *out, const struct erased_list *l, const struct erased_record *r);

/* Ascending numbers; bounded as a batch is. */
void residue_put(struct buf *out, uint64_t number, uint64_t last, struct bytes record);
/* Calls `each` for every record; whole or not at all is the caller's: nothing it was given may be used after an error.
 */
MUST_CHECK enum err residue_each(struct bytes in, enum err (*each)(void *ctx, uint64_t number, struct bytes record),
                                 void *ctx);

#endif
