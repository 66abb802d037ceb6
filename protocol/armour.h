/* armour.h: a file that people carry or send by e-mail: a few lines for them, then the bytes as base64, then a check
 * (SPEC.md section 5.6.1).  What mail programs do to a text (quoting, blank lines, other line ends, words before and
 * after) is borne where nothing is lost.  Changed bytes are noticed; who made the file is not this layer's
 * matter: what is inside is signed or sealed. */
#ifndef SVODKA_PROTOCOL_ARMOUR_H
#define SVODKA_PROTOCOL_ARMOUR_H

#include "common/buf.h"

/* One kind of file.  Static. */
struct armour {
    const char *name;   /* one lower-case word; first line "svodka NAME 1" */
    const char *domain; /* of the check */
    const char *wrong;  /* N_(): a sentence for a text without that line, "This is not ..." */
    size_t max;         /* bytes of the text */
};

/* A line for people: label and value, control characters as blanks, so that a name cannot end its line. */
void armour_note(struct buf *notes, const char *label, const char *value);
/* Appends the text: `notes` are the lines made by armour_note().  ERR_LIMIT: larger than k->max; `text` is then as
 * before. */
MUST_CHECK enum err armour_write(struct buf *text, const struct armour *k, struct bytes notes, struct bytes body);
/* Empties `body` (secrets may be in it: the caller wipes) and fills it.  ERR_MALFORMED: not such a file, cut off, or
 * changed on its way; ERR_VERSION: of a newer program; ERR_LIMIT: too large.  Each with a sentence for people. */
MUST_CHECK enum err armour_read(struct buf *body, const struct armour *k, struct bytes text);
/* Is there a first line of this kind?  To tell files apart. */
bool armour_is(const struct armour *k, struct bytes text);

#endif
