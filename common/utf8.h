/* utf8.h: what text may be, and how wide it stands on a terminal.  utf8proc and iconv stop here. */
#ifndef SVODKA_COMMON_UTF8_H
#define SVODKA_COMMON_UTF8_H

#include "common/buf.h"

/* True when the bytes are well-formed UTF-8 (no surrogates, no over-long forms, at most U+10FFFF). */
bool utf8_is_valid(const void *bytes, size_t len);
/* Offset of the first byte that is not part of well-formed UTF-8; `len` when all is well. */
size_t utf8_first_bad(const void *bytes, size_t len);
/* True when it is already NFC (quick check first: ASCII and most Cyrillic cost one pass). */
bool utf8_is_nfc(const void *bytes, size_t len);
/* Appends the NFC form of valid UTF-8.  ERR_MALFORMED: not UTF-8. */
MUST_CHECK enum err utf8_put_nfc(struct buf *out, const void *bytes, size_t len);
/* Appends Windows-1251 as UTF-8.  ERR_MALFORMED: the byte 0x98, which that code page does not have. */
MUST_CHECK enum err utf8_put_cp1251(struct buf *out, const void *bytes, size_t len);
/* Copies a valid text with its NUL; what does not fit into `size` bytes is cut between two code points. */
void utf8_copy(char *out, size_t size, const char *text);
/* Columns on a terminal (East Asian wide = 2, combining = 0, control = 0). */
size_t utf8_width(const char *s);
/* Code points of valid UTF-8. */
size_t utf8_count(const void *bytes, size_t len);
/* Lower-case copy for comparing headings and names: NFC, case-folded, blanks collapsed and trimmed. */
MUST_CHECK enum err utf8_put_folded(struct buf *out, const void *bytes, size_t len);

#endif
