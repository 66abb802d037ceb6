/* phone_code.h: what waits at a school, read out over the telephone (SPEC.md section 5.12): eight letters for one
 * return, "ABCD-EFGH", that only the school's own computer can make and only its hub can check.
 *
 *   letters 1 to 7: 35 bits, high ones first: count 10 | MAC 25
 *   count = how many submissions wait; 1023: so many or more
 *   MAC   = first 25 bits of KD(phone key, "svodka phone code v1", participant 0 form 0 unit 0 period 0 day count)
 *   phone key = KD(DH(history key, sealing key), "svodka phone key v1", history public || sealing public)
 *   letter 8: first 5 bits of HD("svodka phone check v1", the 7 letters): tells a letter that was misheard
 *
 * It proves that the computer which joined as this school made it, on that day, for that many submissions of that
 * return.  It proves nothing of what they say. */
#ifndef SVODKA_PROTOCOL_PHONE_CODE_H
#define SVODKA_PROTOCOL_PHONE_CODE_H

#include "protocol/record.h"

#define PHONE_CODE_CHARS 9u /* with the hyphen */
#define PHONE_COUNT_MAX  1023u

/* What both sides share: `own` is one's own secret half (of the history key or of a sealing key), `other` the other
 * side's public half; `history` and `seal` are the two public halves.  ERR_AUTH: `other` is unusable. */
MUST_CHECK enum err phone_key(uint8_t out[KEY_BYTES], const struct key *own, const uint8_t other[KEY_BYTES],
                              const uint8_t history[KEY_BYTES], const uint8_t seal[KEY_BYTES]);

/* The return that is meant. */
struct phone_return {
    const char *participant, *form, *unit, *period; /* ids */
    int32_t day;                                    /* by the calendar of the school's computer */
};
/* `count` from 1; more than PHONE_COUNT_MAX is that. */
void phone_code_make(char out[PHONE_CODE_CHARS + 1], const uint8_t key[KEY_BYTES], const struct phone_return *r,
                     uint64_t count);

struct phone_code {
    uint32_t count;
    uint32_t mac;
};
/* As typed: any case, hyphens and blanks, Cyrillic look-alikes.  ERR_MALFORMED: not eight letters of the alphabet, or a
 * count of none; ERR_AUTH: a letter is wrong. */
MUST_CHECK enum err phone_code_read(struct phone_code *out, const char *typed);
bool phone_code_fits(const struct phone_code *c, const uint8_t key[KEY_BYTES], const struct phone_return *r);

#endif
