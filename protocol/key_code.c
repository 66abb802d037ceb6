#include "protocol/keys.h"

#include "common/cli.h"

#include <sodium.h>
#include <string.h>

#define STRETCH_OPS 3u
#define STRETCH_MEM ((size_t)8 << 20)

enum err code_stretch(uint8_t out[KEY_BYTES], const char *code, const uint8_t print[FINGERPRINT_BYTES])
{
    uint8_t salt[DIGEST_BYTES];

    _Static_assert(crypto_pwhash_argon2id_SALTBYTES <= DIGEST_BYTES, "the salt is the beginning of a digest");
    digest_domain(salt, "svodka invitation salt v1", bytes_of(print, FINGERPRINT_BYTES));
    if (crypto_pwhash_argon2id(out, KEY_BYTES, code, strlen(code), salt, STRETCH_OPS, STRETCH_MEM,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return err_set(ERR_NOMEM, _("%u MiB of memory are needed to work with the invitation's code"),
                       (unsigned)(STRETCH_MEM >> 20));
    return OK;
}

bool fingerprint_equal(const uint8_t a[FINGERPRINT_BYTES], const uint8_t b[FINGERPRINT_BYTES])
{
    return sodium_memcmp(a, b, FINGERPRINT_BYTES) == 0;
}
