/* suspects.h: the operator's word about counted parcels that are doubted since a revocation (ledger_doubt.h), as it is
 * given: some of them named, decided in the journal, told to the schools in words, written into the audit. */
#ifndef SVODKA_HUB_SUSPECTS_H
#define SVODKA_HUB_SUSPECTS_H

#include "hub/ledger_doubt.h"

struct suspect_list {
    struct suspect *items; /* in the order of numberings and parcels */
    size_t count, cap;
};
/* Doubted parcels of a participant: `which` is "all", a parcel's number, or NUMBERING/NUMBER as the list shows them.
 * ERR_NOT_FOUND: there is none such; ERR_INVALID: it stands for several. */
MUST_CHECK enum err suspects_named(struct hub *h, struct store_txn *t, uint32_t participant, const char *which,
                                   struct suspect_list *out);
void suspect_list_fini(struct suspect_list *l);

#define SUSPECT_NUMBERING 32u
/* "2.07010203": how a numbering is shown. */
void suspect_numbering(char out[SUSPECT_NUMBERING], const struct generation *gen);

/* Takes the parcels of `d` out of the numbers, tells every school whose submissions stand otherwise now, and writes the
 * audit.  `who`: for the audit; `word`: why, 1 to RECEIPT_TEXT_MAX bytes, which the school reads.  *out:
 * doubt_outcome_fini(), after OK.  ERR_INVALID: the word. */
MUST_CHECK enum err suspects_take_out(struct hub *h, struct store_txn *t, const char *who, struct doubt *d,
                                      const struct suspect_list *l, const char *word, struct doubt_outcome *out);
/* They are believed; nothing else changes.  `word` may be "". */
MUST_CHECK enum err suspects_keep(struct hub *h, struct store_txn *t, const char *who, struct doubt *d,
                                  const struct suspect_list *l, const char *word);

#endif
