#include "protocol/key_stream.h"

#include "common/cli.h"
#include "protocol/keys_internal.h"

#include <sodium.h>
#include <stdlib.h>

_Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == KEY_STREAM_HEAD, "stream head");
_Static_assert(crypto_secretstream_xchacha20poly1305_ABYTES == KEY_STREAM_EXTRA, "bytes a chunk grows by");

struct key_stream {
    crypto_secretstream_xchacha20poly1305_state state;
    uint64_t index;
    bool is_over;
};

enum err key_agree(uint8_t out[KEY_BYTES], const struct key *own, const uint8_t other[KEY_BYTES], const char *domain,
                   struct bytes context)
{
    uint8_t shared[KEY_BYTES];
    enum err e = key_shared(shared, own, other);

    if (e == OK)
        derive(out, shared, domain, context);
    sodium_memzero(shared, sizeof(shared));
    return e;
}

static enum err stream_new(struct key_stream **out)
{
    struct key_stream *s = sodium_malloc(sizeof(*s));

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a key");
    sodium_memzero(s, sizeof(*s));
    *out = s;
    return OK;
}

enum err key_stream_seal(struct key_stream **out, const uint8_t key[KEY_BYTES], uint8_t head[KEY_STREAM_HEAD])
{
    enum err e = stream_new(out);

    if (e == OK && crypto_secretstream_xchacha20poly1305_init_push(&(*out)->state, head, key) != 0)
        e = err_set(ERR_INTERNAL, "a stream cannot be begun");
    return e;
}

enum err key_stream_open(struct key_stream **out, const uint8_t key[KEY_BYTES], const uint8_t head[KEY_STREAM_HEAD])
{
    enum err e = stream_new(out);

    if (e == OK && crypto_secretstream_xchacha20poly1305_init_pull(&(*out)->state, head, key) != 0)
        e = err_set(ERR_AUTH, _("it does not open: altered, cut short, or made for another key"));
    return e;
}

enum err key_stream_push(struct key_stream *s, struct bytes plain, bool is_last, struct buf *out)
{
    uint8_t *at = buf_grow(out, plain.len + KEY_STREAM_EXTRA);
    uint8_t place[8];

    if (at == NULL)
        return buf_status(out);
    be64_put(place, s->index++);
    if (crypto_secretstream_xchacha20poly1305_push(&s->state, at, NULL, plain.p, plain.len, place, sizeof(place),
                                                   is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                                           : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE) != 0)
        return err_set(ERR_INTERNAL, "a chunk cannot be encrypted");
    return OK;
}

enum err key_stream_pull(struct key_stream *s, struct bytes sealed, struct buf *out, bool *is_last)
{
    uint8_t place[8];
    uint8_t tag = 0;
    uint8_t *at = NULL;

    if (sealed.len >= KEY_STREAM_EXTRA && !s->is_over) {
        at = buf_grow(out, sealed.len - KEY_STREAM_EXTRA);
        if (at == NULL && sealed.len > KEY_STREAM_EXTRA)
            return buf_status(out);
        be64_put(place, s->index++);
        if (crypto_secretstream_xchacha20poly1305_pull(&s->state, at, NULL, &tag, sealed.p, sealed.len, place,
                                                       sizeof(place)) == 0 &&
            (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL ||
             tag == crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)) {
            *is_last = s->is_over = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
            return OK;
        }
        out->len -= sealed.len - KEY_STREAM_EXTRA;
    }
    s->is_over = true;
    return err_set(ERR_AUTH, _("it does not open: altered, cut short, or made for another key"));
}

void key_stream_free(struct key_stream *s)
{
    sodium_free(s); /* wipes; takes NULL */
}

/* ---- the digest of a long text ---- */

struct digest_stream {
    crypto_generichash_state state;
};

enum err digest_stream_new(struct digest_stream **out)
{
    void *at = NULL;

    /* libsodium asks for 64 bytes' alignment. */
    if (posix_memalign(&at, 64, sizeof(struct digest_stream)) != 0)
        return err_set(ERR_NOMEM, "no memory for a digest");
    *out = at;
    (void)crypto_generichash_init(&(*out)->state, NULL, 0, DIGEST_BYTES);
    return OK;
}

void digest_stream_add(struct digest_stream *s, struct bytes in)
{
    if (in.len > 0)
        (void)crypto_generichash_update(&s->state, in.p, in.len);
}

void digest_stream_end(struct digest_stream *s, uint8_t out[DIGEST_BYTES])
{
    (void)crypto_generichash_final(&s->state, out, DIGEST_BYTES);
}

void digest_stream_free(struct digest_stream *s)
{
    free(s);
}
