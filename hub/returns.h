/* returns.h: which return stands how.  A return is all submissions of one form, unit and period.  Nobody presses a
 * button for it: its state follows from what is current in the ledger, from who should report (roster, registry), from
 * the calendar (common/due.h), from the office's waivers, and from its word about a return that is here
 * (docs/calendar.md).
 *
 * Filled on and received on are kept apart: a late line is not late work. */
#ifndef SVODKA_HUB_RETURNS_H
#define SVODKA_HUB_RETURNS_H

#include "hub/ledger.h"
#include "hub/registry.h"
#include "protocol/cover.h"

enum return_state {
    RETURN_NOT_DUE,    /* not open yet */
    RETURN_DUE,        /* open, and nothing is here */
    RETURN_WAITING,    /* nothing is here, and its sender had something to send when it last said hello, or by phone */
    RETURN_RECEIVED,   /* here, filled in by the due day, whenever it arrived */
    RETURN_ACCEPTED,   /* the office has accepted what is here now */
    RETURN_QUESTIONED, /* the office has asked back about what is here now */
    RETURN_LATE,       /* the due day is over: not here yet and still taken; or here, and filled in after it */
    RETURN_MISSING,    /* not here, and late_until is over */
    RETURN_WAIVED,     /* not asked for, by a word of the office with a reason */
    RETURN_STATES
};
/* "not-due", "due", ...: for programs. */
const char *return_state_name(enum return_state s);
/* For people, translated. */
const char *return_state_word(enum return_state s);

#define RETURN_MARK_BYTES 16u
#define RETURN_TEXT_MAX   1000u /* bytes of a question */
#define RETURN_BY_MAX     64u

/* What the school says of a return as a whole (protocol/cover.h), held against what is here of it.  Covers and rows
 * come in any order. */
enum cover_match {
    COVER_SAME,
    COVER_FEWER,  /* rows_here of rows are here */
    COVER_DIFFERS /* other rows are here than those that were marked and approved */
};
struct return_cover {
    bool is_here;   /* else nothing below is set */
    bool is_behalf; /* the office marked it for the unit */
    enum cover_state state;
    uint64_t rows;      /* that the cover is about */
    uint64_t rows_here; /* of the same sender */
    enum cover_match match;
    char approved_by[COVER_NAME_BYTES]; /* "": nobody */
    bool has_approved_on;
    int32_t approved_on;
};
/* For programs: "same", "fewer", "differs"; "" without a cover. */
const char *return_cover_match(const struct return_cover *c);
/* Appends what people should know of it, in words: "partial; approved by ...; 2 of 3 rows are here". */
void return_cover_say(struct buf *out, const struct return_cover *c);

/* What the office entered for the unit, from paper or by telephone (PARTICIPANT_STANDS_IN, slot.h). */
struct return_behalf {
    uint64_t total;        /* of the current submissions */
    uint64_t paper, phone; /* of these, as far as it is still known */
    bool is_replaced;      /* none of them counts any more: what the unit's own sender sent took its place */
};
/* Counts one of the current ones; `source` of its head. */
void return_behalf_count(struct return_behalf *b, const struct submission *s, enum record_source source);
/* Of one submission, for people: "entered by the office from paper"; "": its sender's own. */
const char *return_behalf_word(uint32_t participant, enum record_source source);
/* For programs: "paper", "phone", "mixed", "part" (of its `submissions`), "replaced"; "": nothing of the kind. */
const char *return_behalf_name(const struct return_behalf *b, uint64_t submissions);
/* Appends the same in words. */
void return_behalf_say(struct buf *out, const struct return_behalf *b, uint64_t submissions);

/* What is here of a return: submissions, or the school's word that there is nothing to report.  A correction counts
 * with the day and the time of what it corrects. */
struct return_facts {
    struct return_cover cover;
    struct return_behalf behalf; /* is_replaced: by returns_each() alone */
    bool is_here;                /* else nothing below is set */
    uint64_t submissions;        /* current ones; 0: nothing to report */
    int32_t filled_on;           /* the newest day */
    uint64_t first_lsn, last_lsn;
    int64_t first_ms, last_ms;       /* received: the first, and the newest change */
    uint8_t mark[RETURN_MARK_BYTES]; /* changes with every change of what is here */
};
MUST_CHECK enum err returns_facts(struct hub *h, struct store_txn *t, const char *form, const char *unit,
                                  const char *period, struct return_facts *out);

struct return_row {
    const struct form *form; /* its newest version */
    const struct due_rule *rule;
    const struct period *period;
    const char *unit; /* UNIT_DISTRICT: the district's own return */
    enum return_state state;
    struct due_days days; /* with the extension, if there is one */
    bool is_extended;
    struct return_facts facts;
    bool is_on_time;     /* here, and filled in by the due day */
    bool is_overdue;     /* not here, and the due day is over */
    bool is_after_close; /* it came, or changed, after its period was closed */
    const char *text;    /* reason of a waiver or an extension, or the question; "" */
    const char *by;      /* who accepted or questioned; "" */
    bool is_called;      /* WAITING: the school has said so by telephone, and not only by a greeting */
    int32_t called_on;
    uint64_t called_count;
};
struct returns_query {
    const char *form, *unit, *period, *group; /* ids; NULL: all */
    int32_t today;
    bool with_closed; /* else, without a period: only what is not closed */
};
/* Calls `each` for every return that is asked for: of the period, or, without one, of all periods that were open at
 * some time in the year up to today.  In the order of calendars and rules, then periods, then units; loans until it
 * returns. A callback that returns anything but OK ends it; it must not call the ledger. */
MUST_CHECK enum err returns_each(struct hub *h, struct store_txn *t, const struct returns_query *q,
                                 enum err (*each)(void *ctx, const struct return_row *r), void *ctx);

/* Added up. */
struct returns_counts {
    uint64_t by_state[RETURN_STATES];
    uint64_t due;      /* open and not waived: what should be here by and by */
    uint64_t received; /* of these: here, whatever its state */
    uint64_t on_time;  /* of these: filled in by the due day */
    uint64_t late;     /* here, but filled in after the due day, or come after the period was closed */
    uint64_t missing;  /* not here, and the due day is over */
};
void returns_count(struct returns_counts *c, const struct return_row *r);
/* `period` by id. */
MUST_CHECK enum err returns_counts(struct hub *h, struct store_txn *t, const char *form, const char *period,
                                   struct returns_counts *out);

/* ---- the office's word ---- */

enum return_word { WORD_ACCEPTED, WORD_QUESTIONED };
struct return_decision {
    enum return_word word;
    uint64_t lsn;
    int64_t wall_ms;
    char by[RETURN_BY_MAX + 1];
    char text[RETURN_TEXT_MAX + 1];
    uint8_t mark[RETURN_MARK_BYTES];
};
struct question;
/* Journals it.  It holds until what is here of the return changes.  `asked`: what a question to a school says besides
 * (questions.h), whose row is stored, too; NULL: none.  An acceptance settles the questions before it.  ERR_NOT_FOUND:
 * nothing is here; ERR_LIMIT: `by` or `text` is too long. */
MUST_CHECK enum err returns_decide(struct hub *h, struct store_txn *t, enum return_word word, const char *form,
                                   const char *unit, const char *period, const char *by, const char *text,
                                   struct question *asked);
/* ERR_NOT_FOUND: the office has not said anything. */
MUST_CHECK enum err returns_decision(struct store_txn *t, const char *form, const char *unit, const char *period,
                                     struct return_decision *out);
/* For the ledger's replay: does again what the entry says; `m` stands at the payload.  ERR_MALFORMED. */
MUST_CHECK enum err returns_replay(struct store_txn *t, enum journal_type type, uint64_t lsn, int64_t wall_ms,
                                   struct mp *m, size_t elements);

/* ---- what waits at a school ---- */

/* Of a participant's last HELLO; by H_GREETINGS. */
struct greeting_note {
    int64_t wall_ms;
    struct generation gen;
    uint64_t last_sealed;       /* the greatest batch it ever sealed in this generation */
    uint64_t bytes, records;    /* not receipted then */
    uint64_t directory_version; /* that it knew then; 0: not noted */
    uint64_t receipted;         /* every batch up to this one had a receipt, or was given up and sealed again */
};
MUST_CHECK enum err greeting_put(struct store_txn *t, uint32_t participant, const struct greeting_note *g);
/* ERR_NOT_FOUND: it never said hello. */
MUST_CHECK enum err greeting_get(struct store_txn *t, uint32_t participant, struct greeting_note *out);
/* Batches that it had sealed then and that are not here yet, by whatever way they may come; 0: none. */
MUST_CHECK enum err greeting_missing(struct store_txn *t, uint32_t participant, const struct greeting_note *g,
                                     uint64_t *batches);

#endif
