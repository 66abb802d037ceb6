/* word.h: what the district decided after a receipt and tells in signed words (SPEC.md section 5.11), by wire or in a
 * file.  Taken in order and without holes, once; what they say is kept in standing.h and told to the person. */
#ifndef SVODKA_AGENT_WORD_H
#define SVODKA_AGENT_WORD_H

#include "agent/home.h"
#include "protocol/notice.h"

/* Verifies a word, does what it says, and remembers its serial, in one transaction.  Again: OK, and nothing happens.
 * ERR_NOT_FOUND: a word before it has not come yet; it was dropped, and comes again.  ERR_VERSION: of a type that this
 * program does not know.  ERR_AUTH, ERR_MALFORMED, ERR_LIMIT: not the hub's, not for us, not a word.  History that no
 * key here opens is put aside (aside.h), and is OK. */
MUST_CHECK enum err agent_take_word(struct agent *a, struct bytes object);
/* Serial of the last word taken; 0: none.  For HELLO. */
MUST_CHECK enum err agent_words_held(const struct agent *a, struct store_txn *t, uint64_t *serial);

#endif
