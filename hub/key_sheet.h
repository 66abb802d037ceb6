/* key_sheet.h: what is printed and put into the safe: the root key's sheet, and the page that says what goes into which
 * envelope.  In the language of the person at the terminal; nothing but the root's sheet holds a secret. */
#ifndef SVODKA_HUB_KEY_SHEET_H
#define SVODKA_HUB_KEY_SHEET_H

#include "protocol/key_paper.h"

#define SHEET_MAX (64u << 10)

enum sheet_form { SHEET_TEXT, SHEET_HTML };
struct sheet {
    const char *district;    /* its name */
    const char *date;        /* for people */
    const uint8_t *root;     /* public half */
    const uint8_t *recovery; /* public half; NULL: unknown */
    const uint8_t *seed;     /* the secret, KEY_BYTES: the root's sheet alone */
};
MUST_CHECK enum err sheet_root(struct buf *out, enum sheet_form f, const struct sheet *s);
MUST_CHECK enum err sheet_envelopes(struct buf *out, enum sheet_form f, const struct sheet *s);
/* By the file's name: .html or .htm, else text. */
enum sheet_form sheet_form_of(const char *path);

#endif
