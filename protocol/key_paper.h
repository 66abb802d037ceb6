/* key_paper.h: a key's 32 bytes as they are printed, kept in a safe for years, and typed in again by a person.
 *
 * Four rows of sixteen letters in groups of four.  A row holds eight bytes of the key and two that check them and the
 * row's place, so that a mistake is found in its row, and mostly in its group (SPEC.md 5.1). */
#ifndef SVODKA_PROTOCOL_KEY_PAPER_H
#define SVODKA_PROTOCOL_KEY_PAPER_H

#include "protocol/keys.h"

#define PAPER_ROWS     4u
#define PAPER_ROW_TEXT 20u    /* "7K2M-QX4T-..." and its NUL */
#define PAPER_ROW_SEED 8u     /* bytes of the key in one row */
#define PAPER_TEXT_MAX 16384u /* of what is read back: a printed sheet's file with all its words */

void paper_row(char out[PAPER_ROW_TEXT], unsigned row, const uint8_t seed[KEY_BYTES]); /* row: 0 to 3 */

/* One row as it was typed: any case, blanks or hyphens or none, O for 0, I and L for 1, Cyrillic look-alikes.
 * ERR_MALFORMED with a sentence that says what is wrong, and where as far as it can be told. */
MUST_CHECK enum err paper_read_row(uint8_t out[PAPER_ROW_SEED], unsigned row, const char *typed);
/* All rows out of a text: the lines that begin with "1:" to "4:", or, when no line does, the lines that are not empty.
 * `text` is wiped as it is read.  ERR_MALFORMED as above; then *seed is wiped, too. */
MUST_CHECK enum err paper_read(uint8_t seed[KEY_BYTES], char *text);

#endif
