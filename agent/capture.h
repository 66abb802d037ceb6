/* capture.h: the one place where checked values become a record of the queue.  A capture is bound to a form, a unit and
 * a period and serves any number of submissions; it is used by one thread. */
#ifndef SVODKA_AGENT_CAPTURE_H
#define SVODKA_AGENT_CAPTURE_H

#include "agent/queue.h"
#include "protocol/reconcile.h"

struct capture_options {
    const struct form *form; /* the version; outlives the capture */
    /* NULL: for a form about the district UNIT_DISTRICT; else our own id if the grant names it, else the only unit that
     * it names. */
    const char *unit;
    bool many_units;        /* each record says its own: capture_turn_to() before every capture_put() */
    const char *period;     /* id, or a label as people write it */
    const char *filled_on;  /* a date; NULL: today */
    const char *entered_by; /* role or local code; NULL: not said */
    enum record_source source;
    bool only_looks; /* nothing will be captured: it need not be said whose words it would be */
};

struct capture;
/* ERR_DENIED: the grant gives no right to this form or unit; ERR_USAGE: only to enter it on behalf of others, and
 * `source` does not say how they gave it; ERR_NOT_FOUND: no such period of the form's series; ERR_USAGE: several units
 * are possible and none was named, or a unit, date or text that cannot be. */
MUST_CHECK enum err capture_open(struct capture **out, struct agent *a, const struct capture_options *o);
void capture_close(struct capture *c); /* NULL does nothing */
/* What follows is about this unit.  ERR_DENIED: the grant gives no right to it; ERR_USAGE: it cannot be one. */
MUST_CHECK enum err capture_turn_to(struct capture *c, const char *unit);

const struct form *capture_form(const struct capture *c);
const char *capture_unit(const struct capture *c);
const struct period *capture_period(const struct capture *c);

/* Fills what follows from the answers, then judges them: form_complete() and form_check().  `values` has all fields of
 * the form.  Mistakes and warnings go to `r`, with `where` (or NULL); ERR_INVALID if any of them is a mistake. */
MUST_CHECK enum err capture_judge(struct capture *c, struct value *values, bool drop_irrelevant,
                                  const struct finding *where, struct report *r);
/* What the soft checks of these answers are compared with (form_checker_compare()), by this computer's own history: a
 * loan until the next call; NULL: the form compares nothing. */
MUST_CHECK enum err capture_compared(struct capture *c, const struct value *values, const struct value **out);
/* form_complete() alone: relevance and calculations of answers that are not yet whole. */
MUST_CHECK enum err capture_complete(struct capture *c, struct value *values);

/* What a record is besides its values; zeros: a new submission. */
struct capture_deed {
    enum record_kind kind;
    struct record_ref target; /* CORRECTION, RETRACTION */
    const char *reason;
    const struct record_remark *remarks; /* ascending fields */
    uint32_t remark_count;
    bool of_session; /* an anonymous answer may be retracted with all others of its session alone (session.h) */
};
/* Answers of one session have one day, so that it does not tell them apart. */
void capture_set_day(struct capture *c, int32_t day);
int32_t capture_day(const struct capture *c);
/* The bytes of one record, a loan until the next call; `deed` NULL: new.  What capture_put() says. */
MUST_CHECK enum err capture_encode(struct capture *c, const struct value *values, const struct capture_deed *deed,
                                   struct bytes *out);
/* Digest of what was answered, the same for equal answers: never to be stored, or sent, as it is. */
MUST_CHECK enum err capture_likeness(struct capture *c, const struct value *values, uint8_t out[RECORD_DIGEST_BYTES]);
/* Stages one record in the writer.  `values`: judged good; RETRACTION: NULL.  Anonymous answers get no time, no name of
 * who entered them and a random tag each.  ERR_LIMIT: larger than a record may be; the writer is as before. */
MUST_CHECK enum err capture_put(struct capture *c, struct queue_writer *w, const struct value *values,
                                const struct capture_deed *deed, uint64_t *number);
/* Opens a writer, stages the one record and commits: after OK it survives power loss. */
MUST_CHECK enum err capture_one(struct capture *c, const struct value *values, const struct capture_deed *deed,
                                struct record_ref *out);

#endif
