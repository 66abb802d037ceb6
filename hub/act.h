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
#define ACT_COPIES_MAX 64u  /* backups that an act names; the newest */
#define ACT_NAME_MAX   255u /* of a backup's file, bytes */
#define ACT_COPY_DAYS  30u  /* of acts that do not say it */

enum act_scope {
    ACT_CLASS = 1,      /* a retention class of a school year, all of it */
    ACT_SUBMISSION = 2, /* one submission with all its versions */
    ACT_RETURN = 3      /* all submissions of a form, unit and period, or of one row of it */
};
struct act_form {
    char id[FORM_NAME_MAX + 1]; /* "": of no known form */
    uint64_t submissions;
};
struct act_copy { /* a backup that held it when it was erased */
    uint64_t number;
    int64_t made_ms;
    uint64_t lsn;                /* last entry that it holds */
    char name[ACT_NAME_MAX + 1]; /* of its file, without the folder */
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
    bool has_copies; /* false: an act of before; it has no list of backups, and its extract no numbers */
    uint64_t submissions, current, batches; /* erased; of these, counted then; batches touched */
    uint32_t form_count;
    struct act_form forms[ACT_FORMS_MAX];
    uint8_t extract[DIGEST_BYTES]; /* of the extract of the journal */
    uint8_t vouch[DIGEST_BYTES];   /* of what stayed of the erased submissions, and of what stands beside them */
    uint8_t beside[DIGEST_BYTES];
    uint64_t first_lsn; /* of the first entry touched; 0: not said */
    uint64_t copies_in_all;
    uint32_t copy_days; /* within which backups and copies made before it are to be destroyed */
    uint32_t copy_count;
    struct act_copy copies[ACT_COPIES_MAX];
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

/* The lines of the journal that it touched, as CSV: entry, received, participant, generation, batch, digest, school
 * year, section, submissions erased, and, unless a whole class went, their numbers ("4 7-9"): by these a hub restored
 * from an older backup erases the same again (erase_again.h). */
MUST_CHECK enum err act_extract(struct hub *h, struct store_txn *t, const struct act *a, struct bytes beside,
                                struct buf *out);
/* As things are now: which backups hold it still is read from the register of backups. */
MUST_CHECK enum err act_text(struct buf *out, struct hub *h, struct store_txn *t, const struct act *a);
MUST_CHECK enum err act_html(struct buf *out, struct hub *h, struct store_txn *t, const struct act *a);

#endif
