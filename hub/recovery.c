#include "hub/recovery.h"

#include "common/cli.h"
#include "common/folder.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISTRICT   16u
#define FIRST_LINE "svodka recovery key 1\n"
#define DOMAIN     "svodka recovery key v1"
#define FILE_NAME  "keys/recovery.pub"
#define FILE_MAX   512u

enum err recovery_key_from_root(struct key **out, const struct key *root, const uint8_t district[16])
{
    uint8_t seed[KEY_BYTES];
    enum err e;

    /* The first half of an Ed25519 secret key is its seed. */
    derive(seed, key_secret(root), "svodka recovery v1", bytes_of(district, DISTRICT));
    e = key_from_seed(out, KEY_SEAL, seed);
    wipe(seed, sizeof(seed));
    return e;
}

static enum err make_text(struct buf *text, const struct key *root, const struct key *recovery,
                          const uint8_t district[16])
{
    uint8_t signature[SIGNATURE_BYTES];
    char hex[2 * SIGNATURE_BYTES + 1];
    enum err e =
        key_sign(root, DOMAIN, bytes_of(district, DISTRICT), bytes_of(key_public(recovery), KEY_BYTES), signature);

    if (e != OK)
        return e;
    buf_printf(text, FIRST_LINE "public: %s\n", sodium_bin2hex(hex, sizeof(hex), key_public(recovery), KEY_BYTES));
    buf_printf(text, "signature: %s\n", sodium_bin2hex(hex, sizeof(hex), signature, sizeof(signature)));
    return buf_status(text);
}

enum err recovery_write(const char *home, const struct key *root, const uint8_t district[16])
{
    struct key *recovery = NULL;
    char path[FOLDER_PATH_MAX];
    struct buf text;
    enum err e = folder_path(path, home, FILE_NAME);

    buf_init(&text, FILE_MAX);
    if (e == OK && (e = recovery_key_from_root(&recovery, root, district)) == OK &&
        (e = make_text(&text, root, recovery, district)) == OK)
        e = cli_write_file(path, text.data, text.len, 0600, true);
    buf_fini(&text);
    key_free(recovery);
    return e;
}

static bool take(const char **at, const char *word, uint8_t *out, size_t len)
{
    const char *end = NULL;
    size_t got = 0;

    if (strncmp(*at, word, strlen(word)) != 0)
        return false;
    *at += strlen(word);
    if (sodium_hex2bin(out, len, *at, strnlen(*at, 2 * len), NULL, &got, &end) != 0 || got != len ||
        end != *at + 2 * len || *end != '\n')
        return false;
    *at = end + 1;
    return true;
}

enum err recovery_parse(uint8_t out[KEY_BYTES], const char *text, size_t len, const uint8_t root[KEY_BYTES],
                        const uint8_t district[16])
{
    uint8_t signature[SIGNATURE_BYTES];
    char copy[FILE_MAX + 1] = "";
    const char *at = copy;

    if (len <= FILE_MAX)
        memcpy(copy, text, len);
    if (!(strncmp(at, FIRST_LINE, strlen(FIRST_LINE)) == 0 && (at += strlen(FIRST_LINE), true) &&
          take(&at, "public: ", out, KEY_BYTES) && take(&at, "signature: ", signature, sizeof(signature)) &&
          at == copy + len))
        return err_set(ERR_MALFORMED, _("this is not a recovery key, or it is damaged"));
    if (key_verify(root, DOMAIN, bytes_of(district, DISTRICT), bytes_of(out, KEY_BYTES), signature) != OK)
        return err_set(ERR_AUTH, _("this recovery key is not signed by the district's root key"));
    return OK;
}

enum err recovery_public(uint8_t out[KEY_BYTES], const char *home, const uint8_t root[KEY_BYTES],
                         const uint8_t district[16])
{
    char path[FOLDER_PATH_MAX];
    void *text = NULL;
    size_t len = 0;
    enum err e = folder_path(path, home, FILE_NAME);

    if (e != OK || (e = cli_read_file(path, FILE_MAX, &text, &len)) != OK)
        return e;
    e = recovery_parse(out, text, len, root, district);
    free(text);
    return e == OK ? OK
                   : err_set(e,
                             _("%s: %s (nothing was encrypted to it): put it back from the recovery copy, or open the "
                               "root key once: svodka-hub key restore root"),
                             path, err_text());
}
