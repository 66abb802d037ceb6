/* six_words.h: what two people compare over the telephone: 72 bits of a digest as six pronounceable words of two
 * syllables, the same sounds in Cyrillic and in Latin letters (SPEC.md section 5.7.1).  A vowel that is misheard
 * (а and о, е and и) costs one bit of a syllable: 60 bits remain. */
#ifndef SVODKA_PROTOCOL_SIX_WORDS_H
#define SVODKA_PROTOCOL_SIX_WORDS_H

#include "protocol/keys.h"

#define SIX_WORDS_MAX 128u /* bytes of the text and its NUL */

/* "бавило дорефа ...", or "bavilo ...": the first 72 bits of `d`. */
void six_words(char out[SIX_WORDS_MAX], const uint8_t d[DIGEST_BYTES], bool is_cyrillic);

#endif
