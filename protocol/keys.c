#include "protocol/keys.h"

#include "common/cli.h"
#include "common/log.h"
#include "protocol/keys_internal.h"

#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

_Static_assert(crypto_sign_PUBLICKEYBYTES == KEY_BYTES, "Ed25519 public key");
_Static_assert(crypto_sign_BYTES == SIGNATURE_BYTES, "Ed25519 signature");
_Static_assert(crypto_sign_SECRETKEYBYTES == KEY_SIGN_SECRET_BYTES, "Ed25519 secret key");
_Static_assert(crypto_box_SEEDBYTES == KEY_BYTES && crypto_sign_SEEDBYTES == KEY_BYTES, "seeds");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES ==
                   LOCK_OVERHEAD,
               "nonce and tag");

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MAC_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES

static bool locking_failed; /* written once; worst of a race is a second warning */

enum err keys_start(void)
{
    static const struct rlimit none = {0, 0};
    struct rlimit locked;

    if (sodium_init() < 0)
        return err_set(ERR_INTERNAL, "libsodium does not start");
    /* A core file would hold keys and answers; so would what a debugger of the same user reads.  The limit alone does
     * not stop a core that is piped to a program (core_pattern); the flag does both. */
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set(ERR_INTERNAL, "core dumps cannot be switched off");
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < locked.rlim_max) {
        locked.rlim_cur = locked.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &locked); /* what it allows shows when the first key is made */
    }
    return OK;
}

bool keys_are_locked(void)
{
    return !locking_failed;
}

/* sodium_malloc() has tried, and says nothing when it may not. */
static void check_lock(void *p, size_t len)
{
    if (sodium_mlock(p, len) == 0 || locking_failed)
        return;
    locking_failed = true;
    log_warning("keys: this system lets no more memory be locked (RLIMIT_MEMLOCK; LimitMEMLOCK= of a service): keys "
                "could be written to the swap space; raise the limit, or use an encrypted swap or none");
}

/* ---- digests ---- */

/* BLAKE2b fails only on wrong lengths, which are constants here. */
static void hash(uint8_t out[DIGEST_BYTES], const uint8_t *key, const char *domain, struct bytes in)
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, key, key == NULL ? 0 : KEY_BYTES, DIGEST_BYTES);
    if (domain != NULL)
        (void)crypto_generichash_update(&state, (const uint8_t *)domain, strlen(domain) + 1);
    if (in.len > 0)
        (void)crypto_generichash_update(&state, in.p, in.len);
    (void)crypto_generichash_final(&state, out, DIGEST_BYTES);
    sodium_memzero(&state, sizeof(state));
}

void digest(uint8_t out[DIGEST_BYTES], struct bytes in)
{
    hash(out, NULL, NULL, in);
}

void digest_domain(uint8_t out[DIGEST_BYTES], const char *domain, struct bytes in)
{
    hash(out, NULL, domain, in);
}

void derive(uint8_t out[KEY_BYTES], const uint8_t key[KEY_BYTES], const char *domain, struct bytes context)
{
    hash(out, key, domain, context);
}

bool digest_equal(const uint8_t a[DIGEST_BYTES], const uint8_t b[DIGEST_BYTES])
{
    return sodium_memcmp(a, b, DIGEST_BYTES) == 0;
}

void random_bytes(void *out, size_t len)
{
    randombytes_buf(out, len);
}

void wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

/* ---- keys ---- */

struct key {
    enum key_kind kind;
    uint8_t public[KEY_BYTES];
    uint8_t secret[KEY_SIGN_SECRET_BYTES]; /* SIGN: all; others: the first 32 */
};

static struct key *key_alloc(enum key_kind kind)
{
    struct key *k = sodium_malloc(sizeof(*k));

    if (k != NULL) {
        check_lock(k, sizeof(*k));
        memset(k, 0, sizeof(*k));
        k->kind = kind;
    }
    return k;
}

/* From here on a stray write is a crash instead of another key. */
static enum err key_finish(struct key **out, struct key *k, int filled)
{
    if (filled != 0 || sodium_mprotect_readonly(k) != 0) {
        key_free(k);
        (void)err_set(ERR_INTERNAL, "a key cannot be made");
        return ERR_INTERNAL;
    }
    *out = k;
    return OK;
}

enum err key_from_seed(struct key **out, enum key_kind kind, const uint8_t seed[32])
{
    struct key *k = key_alloc(kind);
    int filled = -1;

    if (k == NULL) {
        (void)err_set(ERR_NOMEM, "no memory for a key");
        return ERR_NOMEM;
    }
    switch (kind) {
    case KEY_SIGN: filled = crypto_sign_seed_keypair(k->public, k->secret, seed); break;
    case KEY_SEAL:
    case KEY_CURVE: filled = crypto_box_seed_keypair(k->public, k->secret, seed); break;
    case KEY_SECRET:
        memcpy(k->secret, seed, KEY_BYTES);
        filled = 0;
        break;
    }
    return key_finish(out, k, filled);
}

enum err key_generate(struct key **out, enum key_kind kind)
{
    uint8_t seed[KEY_BYTES];
    enum err e;

    randombytes_buf(seed, sizeof(seed));
    e = key_from_seed(out, kind, seed);
    sodium_memzero(seed, sizeof(seed));
    return e;
}

enum err key_from_secret(struct key **out, enum key_kind kind, const uint8_t *secret)
{
    struct key *k;
    int filled;

    if (kind == KEY_SECRET)
        return key_from_seed(out, kind, secret);
    if (kind == KEY_SIGN) { /* the seed comes first; the public half must be the one that follows from it */
        enum err e = key_from_seed(out, kind, secret);

        if (e == OK && sodium_memcmp((*out)->secret, secret, KEY_SIGN_SECRET_BYTES) != 0) {
            key_free(*out);
            *out = NULL;
            return err_set(ERR_MALFORMED, "the two halves of a signing key do not belong together");
        }
        return e;
    }
    if ((k = key_alloc(kind)) == NULL)
        return err_set(ERR_NOMEM, "no memory for a key");
    memcpy(k->secret, secret, KEY_BYTES);
    filled = crypto_scalarmult_base(k->public, k->secret);
    return key_finish(out, k, filled);
}

void key_free(struct key *k)
{
    sodium_free(k); /* wipes; takes NULL */
}

enum key_kind key_kind(const struct key *k)
{
    return k->kind;
}

const uint8_t *key_public(const struct key *k)
{
    return k->kind == KEY_SECRET ? NULL : k->public;
}

const uint8_t *key_secret(const struct key *k)
{
    return k->secret;
}

enum err key_shared(uint8_t out[KEY_BYTES], const struct key *k, const uint8_t pk[KEY_BYTES])
{
    if (k->kind != KEY_SEAL && k->kind != KEY_CURVE)
        return err_set(ERR_INTERNAL, "a key of this kind has no shared secret with another");
    if (crypto_scalarmult(out, k->secret, pk) != 0) /* a point of low order */
        return err_set(ERR_AUTH, "the other side's public key is not usable");
    return OK;
}

/* ---- signatures ---- */

static void sign_update(crypto_sign_state *state, const char *domain, struct bytes a, struct bytes b)
{
    (void)crypto_sign_init(state);
    (void)crypto_sign_update(state, (const uint8_t *)domain, strlen(domain) + 1);
    if (a.len > 0)
        (void)crypto_sign_update(state, a.p, a.len);
    if (b.len > 0)
        (void)crypto_sign_update(state, b.p, b.len);
}

enum err key_sign(const struct key *k, const char *domain, struct bytes a, struct bytes b, uint8_t out[SIGNATURE_BYTES])
{
    crypto_sign_state state;

    if (k->kind != KEY_SIGN)
        return err_set(ERR_INTERNAL, "a key of this kind does not sign");
    sign_update(&state, domain, a, b);
    if (crypto_sign_final_create(&state, out, NULL, k->secret) != 0)
        return err_set(ERR_INTERNAL, "signing failed");
    return OK;
}

enum err key_verify(const uint8_t pk[KEY_BYTES], const char *domain, struct bytes a, struct bytes b,
                    const uint8_t sig[SIGNATURE_BYTES])
{
    crypto_sign_state state;
    uint8_t copy[SIGNATURE_BYTES]; /* libsodium 1.0.18 takes the signature without const */

    memcpy(copy, sig, sizeof(copy));
    sign_update(&state, domain, a, b);
    if (crypto_sign_final_verify(&state, copy, pk) != 0)
        return err_set(ERR_AUTH, _("the signature is wrong: forged, altered, or by another key"));
    return OK;
}

/* ---- closing small things ---- */

enum err lock_bytes(struct buf *out, const uint8_t key[KEY_BYTES], struct bytes ad, struct bytes plain)
{
    uint8_t *at = buf_grow(out, LOCK_OVERHEAD + plain.len);

    if (at == NULL)
        return err_set(buf_status(out), "no room for %zu locked bytes", LOCK_OVERHEAD + plain.len);
    randombytes_buf(at, NONCE_BYTES);
    if (crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE_BYTES, NULL, plain.p, plain.len, ad.p, ad.len, NULL, at,
                                                   key) != 0) {
        out->len -= LOCK_OVERHEAD + plain.len;
        return err_set(ERR_INTERNAL, "encryption failed");
    }
    return OK;
}

enum err unlock_bytes(struct buf *out, const uint8_t key[KEY_BYTES], struct bytes ad, struct bytes locked)
{
    size_t len;
    uint8_t *at;

    if (locked.len < LOCK_OVERHEAD)
        return err_set(ERR_AUTH, "%zu bytes are too few to have been locked: at least %u", locked.len, LOCK_OVERHEAD);
    len = locked.len - LOCK_OVERHEAD;
    if ((at = buf_grow(out, len)) == NULL)
        return err_set(buf_status(out), "no room for %zu unlocked bytes", len);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(at, NULL, NULL, locked.p + NONCE_BYTES, locked.len - NONCE_BYTES,
                                                   ad.p, ad.len, locked.p, key) != 0) {
        out->len -= len;
        return err_set(ERR_AUTH, _("locked bytes do not open: altered, or under another key"));
    }
    return OK;
}

/* Both public keys are part of the derivation, so that a box cannot be passed on under another ephemeral key. */
static enum err small_key(uint8_t out[KEY_BYTES], const struct key *own, const uint8_t other[KEY_BYTES],
                          const char *domain, const uint8_t ephemeral[KEY_BYTES], const uint8_t to[KEY_BYTES])
{
    uint8_t shared[KEY_BYTES];
    uint8_t context[2 * KEY_BYTES];
    enum err e = key_shared(shared, own, other);

    if (e == OK) {
        memcpy(context, ephemeral, KEY_BYTES);
        memcpy(context + KEY_BYTES, to, KEY_BYTES);
        derive(out, shared, domain, (struct bytes){context, sizeof(context)});
    }
    sodium_memzero(shared, sizeof(shared));
    return e;
}

enum err seal_small(struct buf *out, const uint8_t to[KEY_BYTES], const char *domain, struct bytes ad,
                    struct bytes plain)
{
    uint8_t k[KEY_BYTES] = {0};
    struct key *ephemeral = NULL;
    size_t before = out->len;
    enum err e = key_generate(&ephemeral, KEY_SEAL);

    if (e != OK)
        return e;
    if ((e = small_key(k, ephemeral, to, domain, ephemeral->public, to)) != OK)
        goto free_ephemeral;
    buf_put(out, ephemeral->public, KEY_BYTES);
    if ((e = lock_bytes(out, k, ad, plain)) != OK)
        out->len = before;
free_ephemeral:
    sodium_memzero(k, sizeof(k));
    key_free(ephemeral);
    return e;
}

enum err open_small(struct buf *out, const struct key *seal, const char *domain, struct bytes ad, struct bytes sealed)
{
    uint8_t k[KEY_BYTES] = {0};
    enum err e;

    if (sealed.len < KEY_BYTES + LOCK_OVERHEAD)
        return err_set(ERR_AUTH, "%zu bytes are too few to have been sealed: at least %u", sealed.len,
                       KEY_BYTES + LOCK_OVERHEAD);
    if (seal->kind != KEY_SEAL)
        return err_set(ERR_INTERNAL, "a key of this kind does not open what was sealed");
    e = small_key(k, seal, sealed.p, domain, sealed.p, seal->public);
    if (e == OK)
        e = unlock_bytes(out, k, ad, (struct bytes){sealed.p + KEY_BYTES, sealed.len - KEY_BYTES});
    sodium_memzero(k, sizeof(k));
    return e;
}
