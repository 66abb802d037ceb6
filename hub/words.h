/* words.h: what the hub decided after a batch's receipt and tells a participant: for each a rising series of signed
 * words (SPEC.md section 5.11), kept until the end, sent above what HELLO says is held, by wire and in files alike.
 *
 * Words follow from decisions of the journal: `verify` neither makes nor compares them.  What is stored is not signed:
 * a word is signed when it leaves, by the key of that day. */
#ifndef SVODKA_HUB_WORDS_H
#define SVODKA_HUB_WORDS_H

#include "hub/hub.h"
#include "protocol/message.h"
#include "protocol/notice.h"

enum word_kind { WORD_NOTICE = SIGNED_NOTICE, WORD_HISTORY = SIGNED_HISTORY, WORD_FIGURES = SIGNED_FIGURES };

/* One more word, in the same transaction as the decision that it tells.  Content of a notice: notice_put_body(). */
MUST_CHECK enum err words_add(struct hub *h, struct store_txn *t, uint32_t participant, enum word_kind kind,
                              struct bytes content, uint64_t *serial);
/* A notice about any number of submissions: as many words as it takes; none when there are no entries and no text.
 * `text`: of the operator, or "".  Entries are a loan. */
MUST_CHECK enum err words_notice(struct hub *h, struct store_txn *t, uint32_t participant, enum notice_kind kind,
                                 const char *text, const struct notice_entry *entries, size_t count);

/* Which words: those above a serial, `most` of them at most.  In the place of one of a type greater than `known` a
 * notice stands (NOTICE_NEWER). */
struct words_wanted {
    uint32_t participant;
    uint64_t above;
    unsigned most, known;
};
/* Signed objects of a participant's words, lowest first; loans until the call returns.  A callback that returns
 * anything but OK ends it. */
MUST_CHECK enum err words_each(struct hub *h, struct store_txn *t, const struct words_wanted *w,
                               enum err (*each)(void *ctx, uint64_t serial, struct bytes object), void *ctx);
/* The same as they are stored: not made, not signed. */
MUST_CHECK enum err words_each_stored(struct store_txn *t, uint32_t participant,
                                      enum err (*each)(void *ctx, uint64_t serial, enum word_kind kind,
                                                       struct bytes content),
                                      void *ctx);
/* A computer of the participant says that it has all words up to this one, and knows all their types. */
MUST_CHECK enum err words_note_held(struct store_txn *t, uint32_t participant, uint64_t held);
/* The greatest of those; 0: none. */
MUST_CHECK enum err words_noted(struct store_txn *t, uint32_t participant, uint64_t *held);
/* Serial of a participant's last word; 0: none. */
MUST_CHECK enum err words_last(struct store_txn *t, uint32_t participant, uint64_t *serial);

/* Before words are sent: if the participant holds words that this hub never said, the hub went back to an old copy.
 * Then all that it has said since the beginning gets serials above that one, in its order, and is told again: each word
 * is about what is so now.  In a transaction of its own, for which none may be open; none that writes without need. */
MUST_CHECK enum err words_raise(struct hub *h, uint32_t participant, uint64_t held);
/* The store was made from a backup: words added from now on have serials that nobody can hold. */
MUST_CHECK enum err words_restart(struct store_txn *t);

#endif
