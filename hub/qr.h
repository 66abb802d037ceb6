/* qr.h: a text as the squares of a QR code; libqrencode stops here. */
#ifndef SVODKA_HUB_QR_H
#define SVODKA_HUB_QR_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define QR_QUIET 4u /* modules of white on every side that a reader needs */

struct qr {
    unsigned width; /* modules, without the quiet zone */
    uint8_t *dark;  /* width * width: 1 is dark */
};
/* Error correction M.  ERR_LIMIT: the text does not fit; ERR_NOMEM. */
MUST_CHECK enum err qr_make(struct qr *out, const char *text);
void qr_fini(struct qr *q); /* wipes: what it shows may be a code */
/* Also outside of the code, where everything is white. */
bool qr_is_dark(const struct qr *q, int x, int y);

#endif
