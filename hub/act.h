/* act.h: the office's word that something was erased, numbered from 1, signed (SIGNED_ACT), in the journal as an entry
 * (JOURNAL_ERASE: the signed act alone) and kept for ever.  It names no person: what, when, by whose order, how many.
 *
 * Beside the entry lies what it rests upon: which sections were touched, and what the erased submissions that counted
 * had contributed, cell by cell; the act has the digest. */
#ifndef SVODKA_HUB_ACT_H
#define SVODKA_HUB_ACT_H

#include "hub/cells.h"
#include "hub/ledger.h"
#include "hub/returns.h"

#define ACT_ORDER_MAX  1000u /* bytes */
#define ACT_FORMS_MAX  256u
#define ACT_BESIDE_MAX (256u << 20)

enum act_scope {
    ACT_CLASS = 1,      /* a retention class of a school year, all of it */
    ACT_SUBMISSION = 2, /* one submission with all its versions */
    ACT_RETURN = 3      /* all submissions of a form, unit and period, or of one row of it */
};
struct act_form {
    char id[FORM_NAME_MAX + 1]; /* "": of no known form */
    uint64_t submissions;
};
struct act {
    uint64_t number;
    uint64_t lsn; /* not in its bytes: of its entry */
    int64_t wall_ms;
    char by[RETURN_BY_MAX + 1];
    enum act_scope scope;
    char retention[RETENTION_MAX + 1]; /* ACT_CLASS */
    int32_t year;
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1]; /* the others */
    char order[ACT_ORDER_MAX + 1];
    uint32_t years; /* term in years after the school year; 0: none was given */
    bool is_uncounted;
    uint64_t submissions, current, batches; /* erased; of these, counted then; batches touched */
    uint32_t form_count;
    struct act_form forms[ACT_FORMS_MAX];
    uint8_t extract[DIGEST_BYTES]; /* of the extract of the journal */
    uint8_t vouch[DIGEST_BYTES];   /* of what stayed of the erased submissions, and of what stands beside them */
    uint8_t beside[DIGEST_BYTES];
};

MUST_CHECK enum err act_make(struct buf *out, const struct act *a, const struct hub *h);
/* ERR_AUTH, ERR_MALFORMED. */
MUST_CHECK enum err act_open(struct act *out, struct bytes object, const struct hub *h);
/* By number: out->lsn is set; `object` (NULL: not wanted) is a loan of the transaction.  ERR_NOT_FOUND. */
MUST_CHECK enum err act_get(struct hub *h, struct store_txn *t, uint64_t number, struct act *out, struct bytes *object);
uint64_t act_count(struct store_txn *t);

/* ---- what lies beside ---- */

struct act_touched {
    uint64_t lsn;
    uint32_t section;
    uint32_t erased; /* submissions */
};
/* Whole or not at all is checked first: ERR_MALFORMED before anything was called.  Either may be NULL. */
MUST_CHECK enum err act_beside_each(struct bytes in, enum err (*touched)(void *ctx, const struct act_touched *s),
                                    enum err (*cell)(void *ctx, struct bytes key, const struct cell *c), void *ctx);
/* Verified against the act.  ERR_CORRUPT. */
MUST_CHECK enum err act_beside(struct store_txn *t, const struct act *a, struct buf *out);

/* ---- for people (act_print.c) ---- */

/* The lines of the journal that it touched, as CSV: entry, received, participant, generation, batch, digest,
 * submissions erased. */
MUST_CHECK enum err act_extract(struct hub *h, struct store_txn *t, struct bytes beside, struct buf *out);
void act_text(struct buf *out, struct hub *h, const struct act *a);
void act_html(struct buf *out, struct hub *h, const struct act *a);

#endif
