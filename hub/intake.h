/* intake.h: what an intake worker does with a batch: check, open, decode, validate, evaluate.  A pure function of the
 * batch and the definitions: no store, no clock, no state between batches.  Many workers may run at once, each with its
 * own struct intake. */
#ifndef SVODKA_HUB_INTAKE_H
#define SVODKA_HUB_INTAKE_H

#include "hub/ledger.h"
#include "hub/registry.h"

struct intake;
/* `h` stays unchanged while the intake exists (the core rebuilds its intakes after a reload). */
MUST_CHECK enum err intake_new(struct intake **out, const struct hub *h);
void intake_free(struct intake *i);

/* Order of checks (SPEC.md 4.5): size, magic, version, district, participant known and joined, signature (a
 * batch sealed to no key of this hub's comes out with is_unopenable set: the ledger refuses it for good), then opening,
 * decoding, rights, period, form_check, variables.  `from` is the participant that the connection (or file) belongs to.
 * A batch that fails before "opening" is refused: *refusal says why (ERR_AUTH, ERR_DENIED, ERR_MALFORMED...).  What
 * fails later is quarantined record by record inside *out: all of it when the participant is held, revoked or closed
 * (whether such a one is let in at all is the caller's choice).  A reason in words never repeats an answer. */
MUST_CHECK enum err intake_prepare(struct intake *i, const struct participant *from, struct bytes batch,
                                   struct prepared **out, enum message_error *refusal);
void prepared_free(struct prepared *p);

#endif
