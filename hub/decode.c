#include "hub/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
    const struct hub *hub;
    struct record_space *space;
    const struct form *last; /* most records are of the same form as the one before */
};

enum err decoder_new(struct decoder **out, const struct hub *h)
{
    struct decoder *d = calloc(1, sizeof(*d));
    enum err e;

    if (d == NULL)
        return ERR_NOMEM;
    d->hub = h;
    if ((e = record_space_new(&d->space)) != OK) {
        free(d);
        return e;
    }
    *out = d;
    return OK;
}

void decoder_free(struct decoder *d)
{
    if (d == NULL)
        return;
    record_space_free(d->space);
    free(d);
}

void decoder_forget(struct decoder *d)
{
    d->last = NULL;
}

/* Version and form digest stand first (SPEC.md section 3); record_decode() checks them again. */
static bool peek_form(struct bytes in, uint8_t digest[FORM_DIGEST_BYTES])
{
    struct mp m = mp_of(in);

    (void)mp_array(&m, RECORD_HEAD, RECORD_HEAD + FORM_MAX_FIELDS);
    (void)mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, digest, FORM_DIGEST_BYTES);
    return !m.failed;
}

enum err decoder_read(struct decoder *d, struct bytes in, struct record *out, const struct form **form)
{
    uint8_t digest[FORM_DIGEST_BYTES];
    enum err e;

    if (!peek_form(in, digest)) {
        e = record_decode_head(out, in); /* says what is wrong */
        return e != OK ? e : err_set(ERR_MALFORMED, "the record names no form");
    }
    if (d->last == NULL || memcmp(d->last->digest, digest, sizeof(digest)) != 0) {
        const struct form *f = hub_form(d->hub, digest);

        if (f == NULL)
            return err_set(ERR_NOT_FOUND, "the form %02x%02x%02x%02x... is not known to this hub", digest[0], digest[1],
                           digest[2], digest[3]);
        d->last = f;
    }
    *form = d->last;
    return record_decode(out, d->space, in, d->last);
}

bool record_names_earlier(struct bytes in, const struct record_ref *own, struct record *out)
{
    return record_decode_head(out, in) == OK && out->kind != RECORD_NEW && record_ref_compare(&out->target, own) < 0;
}
