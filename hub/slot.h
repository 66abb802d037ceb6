/* slot.h: the place a submission takes: (form id, unit, period[, row key]).  Of all value submissions of one slot only
 * the greatest is current (by participant, as slot_compare() says, then generation, then number).  In mode `answers`
 * each submission has a slot of its own, known by its bytes and not by its number: two copies of one queue may send the
 * same answer under two numbers (SPEC.md section 7.2), and it is one answer all the same.
 *
 * The digest is keyed (the key is derived from the hub's storage key), so that a row key, such as a pupil's code, can
 * neither be read in the store nor be guessed from it. */
#ifndef SVODKA_HUB_SLOT_H
#define SVODKA_HUB_SLOT_H

#include "protocol/record.h"

#define SLOT_BYTES 24u

struct slot_key {
    uint8_t bytes[KEY_BYTES];
};
void slot_key_derive(struct slot_key *out, const struct key *storage);
void slot_key_fini(struct slot_key *k);

/* `r` is a value submission of form `f`, decoded from `record`.  In mode `answers` alone participant and record are
 * read. */
void slot_of(uint8_t out[SLOT_BYTES], const struct slot_key *k, const struct form *f, uint32_t participant,
             struct bytes record, const struct record *r);

/* ---- rows of the tables ---- */

/* participant index u32 | counter u32 | tag 8 | number or sequence u64: keys of batches, ranges, dead, quarantine. */
#define PLACE_KEY_BYTES (4u + RECORD_REF_BYTES)
#define GEN_KEY_BYTES   (4u + 4u + TAG_BYTES)
void place_key_put(uint8_t out[PLACE_KEY_BYTES], uint32_t participant, const struct generation *gen, uint64_t number);

/* Value in H_CURRENT. */
struct slot_current {
    uint32_t participant;
    struct record_ref ref;
    uint64_t lsn;
    uint32_t row;
    bool is_dead;   /* the greatest one was corrected or retracted: the slot is empty, nothing older revives */
    bool is_frozen; /* what stands here was erased: nothing comes after it */
};
#define SLOT_CURRENT_BYTES 37u
void slot_current_put(uint8_t out[SLOT_CURRENT_BYTES], const struct slot_current *c);
MUST_CHECK enum err slot_current_get(struct slot_current *out, struct bytes in); /* ERR_CORRUPT */
/* In the index of a participant that enters what others told it (registry.h): in a slot its word is less than that of
 * anybody who speaks for himself, whichever came first.  An index is for ever, and so is that order. */
#define PARTICIPANT_STANDS_IN 0x80000000u
/* Order of submissions in one slot. */
int slot_compare(uint32_t participant_a, const struct record_ref *a, uint32_t participant_b,
                 const struct record_ref *b);

/* Key in H_SLOTS: form id 0 unit 0 period 0 digest.  Returns its length. */
#define SLOT_LIST_KEY_MAX (FORM_NAME_MAX + 1u + ID_MAX + 1u + 33u + SLOT_BYTES)
size_t slot_list_key(uint8_t out[SLOT_LIST_KEY_MAX], const char *form_id, const char *unit, const char *period,
                     const uint8_t slot[SLOT_BYTES]);
/* Parts of such a key, as loans. */
struct slot_list_entry {
    const char *form_id, *unit, *period;
    const uint8_t *slot;
    size_t group_len; /* bytes before the digest: equal for one form, unit and period */
};
MUST_CHECK enum err slot_list_read(struct slot_list_entry *out, struct bytes key); /* ERR_CORRUPT */

#endif
