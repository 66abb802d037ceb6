#include "hub/recovery.h"

#include "common/cli.h"
#include "common/folder.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE     "svodka recovery key 1\n"
#define LOCKED_LINE    "svodka locked key 1\n"
#define FILE_MAX       4096u
#define PASSPHRASE_MAX 1024u
#define ROOT_SECRET    64u
#define LOCKED_BYTES   (ROOT_SECRET + LOCK_OVERHEAD)

enum err recovery_from_root(struct key **out, const struct key *root, const uint8_t district[DISTRICT_BYTES])
{
    uint8_t seed[KEY_BYTES];
    enum err e;

    /* A signing secret begins with its seed. */
    derive(seed, key_secret(root), "svodka recovery v1", bytes_of(district, DISTRICT_BYTES));
    e = key_from_seed(out, KEY_SEAL, seed);
    wipe(seed, sizeof(seed));
    return e;
}

enum err recovery_write(const char *home, const struct key *root, const uint8_t district[DISTRICT_BYTES])
{
    char path[FOLDER_PATH_MAX];
    char hex[2 * KEY_BYTES + 1];
    char text[sizeof(FIRST_LINE) + sizeof(hex) + 1];
    struct key *k = NULL;
    enum err e = folder_path(path, home, RECOVERY_FILE);

    if (e != OK || (e = recovery_from_root(&k, root, district)) != OK)
        return e;
    (void)snprintf(text, sizeof(text), FIRST_LINE "%s\n", sodium_bin2hex(hex, sizeof(hex), key_public(k), KEY_BYTES));
    key_free(k);
    return cli_write_file(path, text, strlen(text), 0600, true);
}

enum err recovery_read(const char *home, uint8_t out[KEY_BYTES])
{
    char path[FOLDER_PATH_MAX];
    void *text = NULL;
    size_t len = 0;
    size_t got = 0;
    enum err e = folder_path(path, home, RECOVERY_FILE);

    if (e != OK)
        return e;
    if ((e = cli_read_file(path, FILE_MAX, &text, &len)) == ERR_NOT_FOUND)
        return err_set(e, _("%s is missing: without it no backup can be encrypted (nothing was changed)"), path);
    if (e == OK && (len != sizeof(FIRST_LINE) - 1 + (size_t)2 * KEY_BYTES + 1 ||
                    memcmp(text, FIRST_LINE, sizeof(FIRST_LINE) - 1) != 0 ||
                    sodium_hex2bin(out, KEY_BYTES, (const char *)text + sizeof(FIRST_LINE) - 1, (size_t)2 * KEY_BYTES,
                                   NULL, &got, NULL) != 0 ||
                    got != KEY_BYTES))
        e = err_set(ERR_MALFORMED, _("%s: this is not a recovery key of this program, or it is damaged"), path);
    free(text);
    return e;
}

/* ---- the root ---- */

/* One line of hex into exactly `len` bytes; *text moves behind it. */
static bool take_hex(const char **text, uint8_t *out, size_t len)
{
    const char *end = strchr(*text, '\n');
    size_t got = 0;

    if (end == NULL || (size_t)(end - *text) != 2 * len ||
        sodium_hex2bin(out, len, *text, 2 * len, NULL, &got, NULL) != 0 || got != len)
        return false;
    *text = end + 1;
    return true;
}

struct locked_root {
    unsigned long long ops, mem;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t bytes[LOCKED_BYTES];
};

static bool parse_locked(struct locked_root *out, const char *text)
{
    int used = 0;

    text += sizeof(LOCKED_LINE) - 1;
    /* NOLINTNEXTLINE(cert-err34-c): ranges are checked below */
    if (sscanf(text, "argon2id13 ops %20llu mem %20llu%n", &out->ops, &out->mem, &used) != 2 || text[used] != '\n')
        return false;
    text += used + 1;
    return out->ops >= crypto_pwhash_OPSLIMIT_MIN && out->ops <= 64 && out->mem >= crypto_pwhash_MEMLIMIT_MIN &&
           out->mem <= (UINT64_C(4) << 30) && take_hex(&text, out->salt, sizeof(out->salt)) &&
           take_hex(&text, out->bytes, sizeof(out->bytes)) && *text == '\0';
}

static enum err unlock_root(struct key **out, const struct locked_root *r, const char *path, const char *pass_file)
{
    uint8_t wrapping[KEY_BYTES];
    struct buf plain;
    void *pass = NULL;
    size_t len = 0;
    size_t read_len = 0;
    enum err e = cli_read_file(pass_file, PASSPHRASE_MAX, &pass, &read_len);

    if (e != OK)
        return e;
    buf_init(&plain, ROOT_SECRET);
    for (len = read_len; len > 0 && (((char *)pass)[len - 1] == '\n' || ((char *)pass)[len - 1] == '\r'); len--)
        ;
    if (crypto_pwhash(wrapping, sizeof(wrapping), pass, len, r->salt, r->ops, (size_t)r->mem,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        e = err_set(ERR_NOMEM, _("%u MiB of memory are needed to unlock the root key"), (unsigned)(r->mem >> 20));
    else if (unlock_bytes(&plain, wrapping, bytes_of("root", 4), bytes_of(r->bytes, sizeof(r->bytes))) != OK ||
             plain.len != ROOT_SECRET)
        e = err_set(ERR_AUTH, _("%s: the passphrase in %s does not open it"), path, pass_file);
    else
        e = key_from_seed(out, KEY_SIGN, plain.data);
    wipe(wrapping, sizeof(wrapping));
    wipe(pass, read_len);
    free(pass);
    buf_wipe(&plain);
    return e;
}

enum err root_read(struct key **out, const char *path, const char *passphrase_file)
{
    struct locked_root locked;
    void *text = NULL;
    size_t len = 0;
    enum err e = cli_read_file(path, FILE_MAX, &text, &len);

    if (e != OK)
        return e;
    if (len < sizeof(LOCKED_LINE) - 1 || memcmp(text, LOCKED_LINE, sizeof(LOCKED_LINE) - 1) != 0)
        e = key_read(out, path, KEY_SIGN);
    else if (!parse_locked(&locked, text))
        e = err_set(ERR_MALFORMED, _("%s: this is not a root key of this program, or it is damaged"), path);
    else if (passphrase_file == NULL)
        e = err_set(ERR_USAGE, _("%s is locked: say with --root-passphrase-file where its passphrase is"), path);
    else
        e = unlock_root(out, &locked, path, passphrase_file);
    wipe(text, len);
    free(text);
    return e;
}
