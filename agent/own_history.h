/* own_history.h: what this school sent from an earlier computer and the district gives back, sealed to this one
 * (SPEC.md section 5.11, type 11).  It is kept like everything that was received: listed, shown, corrected, and not
 * sent again. */
#ifndef SVODKA_AGENT_OWN_HISTORY_H
#define SVODKA_AGENT_OWN_HISTORY_H

#include "agent/home.h"
#include "protocol/history.h"

/* A page, opened: the slow part, before a write transaction begins. */
struct own_page;
/* The signature of `object` as a word was checked before, by `hub_sign`.  ERR_NOT_FOUND: it is sealed to a key that is
 * not here.  ERR_AUTH, ERR_MALFORMED, ERR_LIMIT: what is in it is not this school's. */
MUST_CHECK enum err own_page_open(struct own_page **out, const struct agent *a, struct bytes object,
                                  const uint8_t hub_sign[KEY_BYTES]);
/* Stores it inside the word's transaction.  What this very computer sent is not taken. */
MUST_CHECK enum err own_page_take(struct agent *a, struct store_txn *t, const struct own_page *p);
void own_page_free(struct own_page *p);

/* A form's version that history needs, though nobody is asked for it any more. */
MUST_CHECK enum err own_history_wants(struct store_txn *t, const uint8_t form[DIGEST_BYTES], bool *is_wanted);

#endif
