/* excuse.h: what the office decided, or was told by telephone, about a return that is not here: it does without it, it
 * gives another day, or the school has read out the code of what waits there (protocol/phone_code.h).  Entries of the
 * journal, done again by `verify`; the sender is told of the first two in a word (SPEC.md section 5.11).
 *
 * Of each return the last decision is kept, and the last call. */
#ifndef SVODKA_HUB_EXCUSE_H
#define SVODKA_HUB_EXCUSE_H

#include "hub/ledger.h"
#include "hub/returns.h"

enum excuse_kind {
    EXCUSE_WAIVER = 1,    /* the office does without it */
    EXCUSE_EXTENSION = 2, /* due on `day` instead */
    EXCUSE_NONE = 3,      /* the decision before is taken back */
    EXCUSE_CALL = 4       /* `count` submissions wait at the school, on its word of `day` */
};
const char *excuse_kind_name(enum excuse_kind k); /* "waiver", "extension", "call": for programs */
const char *excuse_kind_word(enum excuse_kind k); /* translated */

struct excuse {
    enum excuse_kind kind;
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    int32_t day;    /* EXTENSION, CALL */
    uint64_t count; /* CALL */
    char by[RETURN_BY_MAX + 1];
    char reason[RETURN_TEXT_MAX + 1]; /* EXTENSION, WAIVER */
    uint64_t lsn;                     /* of the entry, and when it was made */
    int64_t wall_ms;
};

/* Journals and stores it, and tells whoever sends the form about the unit; fills lsn and wall_ms.
 * ERR_NOT_FOUND: NONE, and there is no decision. */
MUST_CHECK enum err excuse_decide(struct hub *h, struct store_txn *t, struct excuse *x);
/* The last decision (`is_call` false) or the last call about a return.  ERR_NOT_FOUND; ERR_CORRUPT. */
MUST_CHECK enum err excuse_get(struct store_txn *t, bool is_call, const char *form, const char *unit,
                               const char *period, struct excuse *out);
/* All of both, by form, unit and period. */
MUST_CHECK enum err excuse_each(struct store_txn *t, enum err (*each)(void *ctx, const struct excuse *x), void *ctx);
/* For the ledger's replay: does again what the entry says; `m` stands at the payload.  ERR_MALFORMED. */
MUST_CHECK enum err excuse_replay(struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m, size_t elements);

#endif
