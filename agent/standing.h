/* standing.h: what a submission counts as at the district, as far as it said anything but "counted": by the refusals of
 * a receipt, and later by words (word.h).  Kept with the submission, destroyed with it; locked at rest. */
#ifndef SVODKA_AGENT_STANDING_H
#define SVODKA_AGENT_STANDING_H

#include "agent/home.h"
#include "protocol/notice.h"

struct standing_row {
    unsigned standing;  /* enum standing, or a later one */
    int64_t hub_ms;     /* when the hub said so */
    struct refusal why; /* reason 0: none; in a word the text is the operator's */
    uint64_t act;       /* ERASED: the district's act; 0: not said */
};
/* ERR_NOT_FOUND: nothing was said about it.  `t` NULL: own transaction. */
MUST_CHECK enum err standing_get(const struct agent *a, struct store_txn *t, const struct record_ref *ref,
                                 struct standing_row *out);
/* Unless something later was said about it already: receipts and words come in any order. */
MUST_CHECK enum err standing_put(const struct agent *a, struct store_txn *t, const struct record_ref *ref,
                                 const struct standing_row *row);
/* Of all submissions of the generation from `first` to `last`: their content is gone.  What is destroyed at the
 * district as well stays said: a receipt without it would look like a loss. */
MUST_CHECK enum err standing_forget(const struct agent *a, struct store_txn *t, const struct generation *gen,
                                    uint64_t first, uint64_t last);

struct standing_counts {
    uint64_t quarantined, rejected, erased;
};
MUST_CHECK enum err standing_count(const struct agent *a, struct store_txn *t, struct standing_counts *out);

/* What the district destroyed, act by act, in the order of its time; several acts of one number are acts of a hub that
 * went back.  *count at most STANDING_ACTS_MAX: the newest. */
struct standing_act {
    uint64_t act; /* 0: not said */
    int64_t hub_ms;
    uint64_t submissions;
};
#define STANDING_ACTS_MAX 64u
MUST_CHECK enum err standing_acts(const struct agent *a, struct standing_act out[STANDING_ACTS_MAX], size_t *count);

/* ---- for people ---- */

#define STANDING_TEXT 1400u
/* "counted", "put aside by the district", ...; a later hub's: "changed by the district". */
const char *standing_word(unsigned standing);
/* Why, in one sentence: the reason and the detail, or the operator's words; "" for none.  `f`: its form, or NULL. */
void standing_why(char out[STANDING_TEXT], const struct standing_row *row, const struct form *f);

/* What a person calls it: the form's title, period, the key of its row, and the id that commands take. */
void submission_name(const struct agent *a, const struct record_ref *ref, char *out, size_t size,
                     const struct form **form);

/* Messages for the school (agent_each_event()), kept as codes and put into words when they are read, in the language of
 * who reads.  Of one letter STANDING_TOLD submissions are told one by one, of the others how many there are. */
#define STANDING_TOLD        20u
#define STANDING_TOLD_ERASED 3u /* of what was destroyed there: nothing is to be done about it */
MUST_CHECK enum err standing_tell(struct agent *a, struct store_txn *t, const struct record_ref *ref,
                                  const struct standing_row *row);
MUST_CHECK enum err standing_tell_more(struct agent *a, struct store_txn *t, uint64_t more);
/* A question of the district has come; a return was accepted (questions.h). */
MUST_CHECK enum err standing_tell_question(struct agent *a, struct store_txn *t, uint64_t number);
MUST_CHECK enum err standing_tell_accepted(struct agent *a, struct store_txn *t, const struct notice_return *r);
/* A return is due on another day, or not at all (excused.h). */
MUST_CHECK enum err standing_tell_excused(struct agent *a, struct store_txn *t, const struct notice_return *r);
/* The operator's own words. */
MUST_CHECK enum err standing_tell_text(struct agent *a, struct store_txn *t, const char *text);
/* Of what was published (figures.h): the first byte; the rest is figures_message()'s. */
#define STANDING_FIGURES 7u
/* In words; false: it is none of these messages. */
#define STANDING_MESSAGE 2400u
bool standing_message(const struct agent *a, struct bytes event, char out[STANDING_MESSAGE]);

#endif
