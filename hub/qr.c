#include "hub/qr.h"

#include "protocol/keys.h"

#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

static void forget(QRcode *code)
{
    wipe(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
}

enum err qr_make(struct qr *out, const char *text)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    size_t count;

    memset(out, 0, sizeof(*out));
    if (code == NULL)
        return errno == ENOMEM ? ERR_NOMEM
                               : err_set(ERR_LIMIT, "a text of %zu bytes does not fit a QR code", strlen(text));
    count = (size_t)code->width * (size_t)code->width;
    if ((out->dark = malloc(count)) == NULL) {
        forget(code);
        return ERR_NOMEM;
    }
    out->width = (unsigned)code->width;
    for (size_t i = 0; i < count; i++)
        out->dark[i] = code->data[i] & 1u; /* the other bits say why */
    forget(code);
    return OK;
}

void qr_fini(struct qr *q)
{
    if (q->dark != NULL)
        wipe(q->dark, (size_t)q->width * q->width);
    free(q->dark);
    memset(q, 0, sizeof(*q));
}

bool qr_is_dark(const struct qr *q, int x, int y)
{
    int width = (int)q->width;

    return x >= 0 && y >= 0 && x < width && y < width && q->dark[(size_t)y * q->width + (size_t)x] != 0;
}
