/* notice.h: words: signed objects by which the hub tells one participant what it decided after a batch's receipt
 * (SPEC.md section 5.11).  All words of a participant, whatever their type, are one series of rising serials; each
 * names the one before it, so that none is skipped.  A notice is the word about submissions: what they count as now. */
#ifndef SVODKA_PROTOCOL_NOTICE_H
#define SVODKA_PROTOCOL_NOTICE_H

#include "protocol/receipt.h"

/* The first four fields of every word. */
struct word_head {
    uint8_t district[16];
    char participant[ID_MAX + 1];
    uint64_t serial;   /* from 1 */
    uint64_t previous; /* serial of the word before it, 0: none */
};
#define WORD_HEAD_FIELDS 4u
/* For the modules of the types of words: after mp_put_array() and fields_begin(). */
void word_head_put(struct buf *b, const struct word_head *h);
void word_head_read(struct mp *m, struct word_head *out);
/* Type (signed_type) and head of any word, its signature checked.  ERR_VERSION: no word, or of a type that this program
 * does not know. */
MUST_CHECK enum err word_open_head(struct word_head *out, enum signed_type *type, struct bytes object,
                                   const uint8_t hub_sign[KEY_BYTES]);

/* Why it was said.  Others may follow (up to 255): such a notice is shown by its text and its standings. */
enum notice_kind {
    NOTICE_RELEASED = 1,     /* the operator let submissions out of the quarantine; standings say what became of them */
    NOTICE_REJECTED = 2,     /* ... or decided that they will never count */
    NOTICE_HELD = 3,         /* submissions are kept apart; those of a receipt that were too many to be named there */
    NOTICE_ERASED = 4,       /* their content was erased at the hub */
    NOTICE_QUESTION = 5,     /* the office asks about a return: `about` says which, the text what */
    NOTICE_CORRECTED = 6,    /* what waited in quarantine needs nobody's word: the school has corrected it */
    NOTICE_ACCEPTED = 7,     /* the office has accepted a return, and with it what it asked about it before */
    NOTICE_EXCUSED = 8,      /* the office does without a return, or gives it another day (`due`); the text says why */
    NOTICE_EXCUSE_ENDED = 9, /* ... and takes that back */
    NOTICE_NEWER = 10        /* in the place of a word of a type that the agent does not know */
};
/* What a submission counts as.  The first four are verdicts (receipt.h).  Others may follow, up to 255. */
enum standing {
    STANDING_COUNTED = 0,
    STANDING_SUPERSEDED = 1,
    STANDING_DUPLICATE = 2,
    STANDING_QUARANTINED = 3,
    STANDING_REJECTED = 4,
    STANDING_ERASED = 5,
    STANDING_CORRECTED = 6 /* it was in quarantine, and the school sent a correction */
};

#define NOTICE_MAX_ENTRIES 1024u
struct notice_entry {
    struct record_ref ref;
    unsigned standing;  /* enum standing, or a later one */
    struct refusal why; /* reason 0: none; the text is the operator's own, in any language */
    uint64_t act;       /* ERASED: number of the act under which the hub destroyed it; 0: not said */
};
/* The return that a question or an acceptance is about. */
enum notice_scope {
    SCOPE_RETURN = 1,    /* all of it, as it was when `target` was its newest submission */
    SCOPE_SUBMISSION = 2 /* `target` alone */
};
struct notice_return {
    char form[FORM_NAME_MAX + 1];
    char unit[ID_MAX + 1], period[33];
    uint64_t question;             /* its number; 0: none */
    char field[FORM_NAME_MAX + 1]; /* ""; no one field */
    bool has_due;
    int32_t due;     /* a day */
    unsigned scope;  /* enum notice_scope, or a later one */
    bool has_target; /* false: what was asked about came from another participant, or names nobody's answers */
    struct record_ref target;
};
#define NOTICE_TEXT_MAX 1000u
struct notice {
    struct word_head head;
    int64_t hub_ms;
    unsigned kind;                  /* enum notice_kind, or a later one */
    char text[NOTICE_TEXT_MAX + 1]; /* of the operator, for people; or "" */
    uint32_t entry_count;
    struct notice_entry *entries; /* owned: notice_fini() */
    bool has_about;
    struct notice_return about; /* kinds QUESTION, ACCEPTED, EXCUSED, EXCUSE_ENDED */
};
void notice_fini(struct notice *n);
/* ERR_INVALID: something in `n` that notice_open() would refuse. */
MUST_CHECK enum err notice_make(struct buf *out, const struct notice *n, const struct key *hub_sign);
/* On failure *out is all zeros.  The caller checks district and participant. */
MUST_CHECK enum err notice_open(struct notice *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES]);

/* What is the same whoever signs it and whatever its serial: fields 4 to the last, for the hub's store.  The
 * last one, `about`, is only there when it is said. */
void notice_put_body(struct buf *b, const struct notice *n);
/* A word out of such a body. */
MUST_CHECK enum err notice_make_of(struct buf *out, const struct word_head *h, struct bytes body,
                                   const struct key *hub_sign);

const char *standing_name(unsigned standing); /* "counted" ..., "other" */

#endif
