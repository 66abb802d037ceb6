/* proposals.h: questions that the forms' soft checks (`warning`) propose: what stands in the ledger and is unlikely.
 * Nothing of it is stored, and nothing is sent without the operator's word: a proposal becomes a question by
 * questions_ask(). */
#ifndef SVODKA_HUB_PROPOSALS_H
#define SVODKA_HUB_PROPOSALS_H

#include "hub/questions.h"

#define PROPOSALS_MAX 100000u

/* NULL: any. */
struct proposal_filter {
    const char *form, *unit, *period; /* ids */
};
struct proposal {
    uint64_t number; /* the same as long as the submission stands; two may share one */
    const struct form *form;
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    uint32_t participant;
    struct record_ref ref;
    char field[FORM_NAME_MAX + 1];
    char *key, *value, *remark, *text; /* never NULL; the remark is what the school wrote beside the value */
};
struct proposal_list {
    struct proposal *items;
    size_t count, cap;
};
/* All that a soft check says of current submissions, sorted by form, unit and period.  `all` false: without what was
 * asked already, and without returns that the office has accepted as they are.  ERR_LIMIT: too many. */
MUST_CHECK enum err proposals_find(struct hub *h, struct store_txn *t, const struct proposal_filter *f, bool all,
                                   struct proposal_list *out);
void proposal_list_fini(struct proposal_list *l);

#endif
