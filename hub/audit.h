/* audit.h: who did what, when, about whom: a chain of entries in the hub's store, its head signed at intervals, checked
 * here and, from an exported file, without the hub (docs/audit.md has every byte).
 *
 * An entry names accounts of the office, participants, units, forms, periods, numbers.  It never holds an answer, a
 * person whom an answer is about, or a text that somebody typed: those stand in the journal, encrypted or erasable.
 * What was done is a code and named arguments, so that each reader sees them in the language of the reader.
 *
 * Invariants: (a) entries are numbered from 1 without holes; each holds the digest of the one before it, the first one
 * that of the district; (b) no transaction that writes an entry commits more than AUDIT_SIGN_EVERY entries away from a
 * signed head; a command signs before it commits, the core within a minute. */
#ifndef SVODKA_HUB_AUDIT_H
#define SVODKA_HUB_AUDIT_H

#include "hub/hub.h"

#define AUDIT_WHO_MAX     255u
#define AUDIT_CODE_MAX    32u
#define AUDIT_SUBJECT_MAX 255u
#define AUDIT_DETAIL_MAX  1000u
#define AUDIT_ENTRY_MAX   2048u /* bytes of one entry */
#define AUDIT_HEAD_MAX    512u  /* bytes of one signed head */
#define AUDIT_SIGN_EVERY  64u

/* The code in the log is the lower-case name with the first '_' as '.': audit_code().  Never renumber, never rename:
 * only add at the end of a group. */
enum audit_action {
    AUDIT_HUB_INIT,
    AUDIT_SCHOOL_INVITE,
    AUDIT_SCHOOL_ENROL,
    AUDIT_SCHOOL_HOLD,
    AUDIT_SCHOOL_RELEASE,
    AUDIT_SCHOOL_REVOKE,
    AUDIT_SCHOOL_REKEY,
    AUDIT_SCHOOL_CLOSE,
    AUDIT_SCHOOL_HISTORIES, /* two histories met */
    AUDIT_SCHOOL_FINISH,    /* an earlier computer, or one of a closed school, has given all it had */
    AUDIT_SCHOOL_TRY,       /* a wrong code under an open invitation */
    AUDIT_SCHOOL_LOCK,      /* one too many: the invitation is locked */
    AUDIT_SCHOOL_WORDS,     /* the six words were compared */
    AUDIT_SCHOOL_TAKEOUT,   /* counted parcels that were doubted: out of the numbers */
    AUDIT_SCHOOL_KEEP,      /* ... believed */
    AUDIT_PROGRAMME_LOAD,
    AUDIT_RETURN_ACCEPT,
    AUDIT_RETURN_QUESTION,
    AUDIT_RETURN_WAIVE,
    AUDIT_RETURN_EXTEND,
    AUDIT_RETURN_UNDO, /* a waiver or an extension is taken back */
    AUDIT_RETURN_CALL, /* what waits at a school, by the code it read out */
    AUDIT_PERIOD_CLOSE,
    AUDIT_PERIOD_REOPEN,
    AUDIT_PUBLISH_MAKE,
    AUDIT_PUBLISH_OUT,      /* written out again */
    AUDIT_PUBLISH_WITHDRAW, /* schools were told that it holds no more */
    AUDIT_CHECKPOINT_FORGET,
    AUDIT_QUARANTINE_RELEASE,
    AUDIT_QUARANTINE_REJECT,
    AUDIT_VIEW_INDICATORS,
    AUDIT_VIEW_EXPLAIN,
    AUDIT_VIEW_QUARANTINE,
    AUDIT_VIEW_QUESTIONS,
    AUDIT_VIEW_TABLE,
    AUDIT_EXPORT_SUBMISSIONS,
    AUDIT_EXPORT_AUDIT,
    AUDIT_KEY_ROTATE,
    AUDIT_KEY_EXPORT,
    AUDIT_KEY_LOST,
    AUDIT_KEY_DESTROY,
    AUDIT_KEY_FOUND, /* a sealing key was put into keys/: a lost one, or one that the hub did not know */
    AUDIT_KEY_RESTORE,
    AUDIT_BACKUP_WRITE,
    AUDIT_BACKUP_CHECK, /* one that the register did not hold, or now on another disk */
    AUDIT_BACKUP_CONFIRM,
    AUDIT_BACKUP_RESTORE,
    AUDIT_BACKUP_DESTROYED, /* the operator's word */
    AUDIT_ERASE_CLASS,
    AUDIT_ERASE_RETURN,
    AUDIT_BUNDLE_READ,
    AUDIT_COMMENT_WRITE,
    AUDIT_COMMENT_REMOVE,
    AUDIT_ACTIONS
};
/* "school.invite"; a constant. */
const char *audit_code(enum audit_action a);
/* For people, in their language; a code that this program does not know as it is. */
const char *audit_words(const char *code);
/* Appends the details for people, names translated: "period: 2020/21; unit: school-07". */
void audit_put_detail(struct buf *out, const char *detail);

struct audit_entry {
    uint64_t number;
    int64_t wall_ms;
    char who[AUDIT_WHO_MAX + 1];         /* "office:anna", "core", a participant's id */
    char code[AUDIT_CODE_MAX + 1];       /* what was done */
    char subject[AUDIT_SUBJECT_MAX + 1]; /* about whom or what: an id; "": nothing */
    char detail[AUDIT_DETAIL_MAX + 1];   /* lines NAME=VALUE */
    uint8_t before[DIGEST_BYTES];
};
struct audit_head {
    uint8_t district[DISTRICT_BYTES];
    uint64_t number;
    uint8_t digest[DIGEST_BYTES]; /* of entry `number` */
    int64_t wall_ms;
};

/* ---- bytes (audit_entry.c) ---- */
MUST_CHECK enum err audit_entry_encode(struct buf *out, const struct audit_entry *e);
/* Bounded, whole or not at all.  ERR_MALFORMED, ERR_VERSION. */
MUST_CHECK enum err audit_entry_decode(struct audit_entry *out, uint64_t number, struct bytes value);
void audit_entry_digest(uint8_t out[DIGEST_BYTES], uint64_t number, struct bytes value);
/* What the first entry holds as the digest of the one before it. */
void audit_start(uint8_t out[DIGEST_BYTES], const uint8_t district[DISTRICT_BYTES]);
MUST_CHECK enum err audit_head_make(struct buf *out, const struct audit_head *h, const struct key *sign);
/* ERR_AUTH unless by `signer`; NULL: by whatever key it names. */
MUST_CHECK enum err audit_head_open(struct audit_head *out, struct bytes object, const uint8_t *signer);

/* ---- writing (audit.c) ---- */

/* One entry, in the transaction of what it tells.  `fmt` makes the details: "period=%s\nunit=%s"; an argument without a
 * value may be left empty.  Line breaks and other control characters inside a value become blanks if they come through
 * audit_value().  When it fails, what it tells must not happen. */
MUST_CHECK enum err hub_audit_do(struct hub *h, struct store_txn *t, const char *who, enum audit_action a,
                                 const char *subject, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* Signs the newest entry, unless it is signed. */
MUST_CHECK enum err audit_sign(struct hub *h, struct store_txn *t);

MUST_CHECK enum err audit_is_signed(struct store_txn *t, bool *is_signed);

/* ---- reading ---- */

/* Each row of the log in the order of numbers: heads after their entry, certificates first.  `key` as stored; an error
 * of `each` ends the walk and is returned. */
enum audit_row { AUDIT_ROW_CERTIFICATE = 1, AUDIT_ROW_ENTRY = 2, AUDIT_ROW_HEAD = 3 };
typedef enum err (*audit_each)(void *ctx, enum audit_row kind, uint64_t number, struct bytes bytes);
MUST_CHECK enum err audit_walk(struct store_txn *t, uint64_t from, audit_each each, void *ctx);
/* Number of the newest entry; 0: none. */
MUST_CHECK enum err audit_last(struct store_txn *t, uint64_t *number);

/* ---- checking (audit_check.c) ---- */

struct audit_check;
/* `say` gets each fault as a sentence.  `root` is the key that certifies. */
MUST_CHECK enum err audit_check_new(struct audit_check **out, const uint8_t district[DISTRICT_BYTES],
                                    const uint8_t root[KEY_BYTES], void (*say)(void *ctx, const char *text), void *ctx);
/* An audit_each: rows in the order of audit_walk(). */
enum err audit_check_row(void *check, enum audit_row kind, uint64_t number, struct bytes bytes);
struct audit_totals {
    uint64_t entries, heads, bad;
    uint64_t signed_number; /* the newest entry that a good head covers */
    int64_t signed_ms;
    uint8_t signed_digest[DIGEST_BYTES];
};
/* Says what is missing at the end, then frees. */
void audit_check_end(struct audit_check *c, struct audit_totals *out);
/* The log in the store. */
MUST_CHECK enum err audit_verify(struct hub *h, void (*say)(void *ctx, const char *text), void *ctx,
                                 struct audit_totals *out);

/* ---- the exported file (audit_file.c) ---- */

#define AUDIT_FILE_MAX (1u << 30)
/* Everything, for somebody who has only the root's fingerprint.  `out` ceiling: AUDIT_FILE_MAX. */
MUST_CHECK enum err audit_export(struct hub *h, struct store_txn *t, struct buf *out, uint64_t *entries);
struct audit_file_head {
    uint8_t district[DISTRICT_BYTES], root[KEY_BYTES];
};
/* ERR_MALFORMED (not such a file, damaged, or cut off), ERR_VERSION; an error of `each`.  Nothing is verified here. */
MUST_CHECK enum err audit_file_read(struct audit_file_head *out, struct bytes file, audit_each each, void *ctx);

#endif
