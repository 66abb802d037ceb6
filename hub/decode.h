/* decode.h: a record's bytes to a submission by the form it names, for intake and ledger. */
#ifndef SVODKA_HUB_DECODE_H
#define SVODKA_HUB_DECODE_H

#include "hub/hub.h"

struct decoder;
/* `h` is read at every call: tell decoder_forget() when its forms changed. */
MUST_CHECK enum err decoder_new(struct decoder **out, const struct hub *h);
void decoder_free(struct decoder *d);
void decoder_forget(struct decoder *d);
/* Everything in *out is a loan from `in` and the decoder, until its next use.
 * ERR_NOT_FOUND: the hub does not know the form.  ERR_NOMEM.  Anything else: the bytes are not what they should be. */
MUST_CHECK enum err decoder_read(struct decoder *d, struct bytes in, struct record *out, const struct form **form);

/* Is it a correction or retraction of something that stands before it?  By its head alone, whatever its form; then
 * `out` holds the head. */
bool record_names_earlier(struct bytes in, const struct record_ref *own, struct record *out);

#endif
