#include "hub/root_key.h"

#include "common/ask.h"
#include "common/cli.h"
#include "common/folder.h"
#include "common/log.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_LINE   "svodka locked key 1\n"
#define SECRET_BYTES 64u
#define MEM_LEAST    (UINT64_C(8) << 20)

_Static_assert(crypto_pwhash_SALTBYTES == sizeof(((struct root_locked *)0)->salt), "salt");

/* ---- the passphrase ---- */

void passphrase_wipe(struct passphrase *p)
{
    wipe(p, sizeof(*p));
}

static enum err read_passphrase(struct passphrase *out, const char *file)
{
    void *bytes = NULL;
    size_t len = 0;
    enum err e = cli_read_file(file, PASSPHRASE_MAX, &bytes, &len);

    if (e != OK)
        return e;
    memcpy(out->text, bytes, len);
    wipe(bytes, len);
    free(bytes);
    while (len > 0 && (out->text[len - 1] == '\n' || out->text[len - 1] == '\r'))
        len--;
    out->text[len] = '\0';
    out->len = len;
    return OK;
}

static enum err ask_passphrase(struct passphrase *out, bool is_new)
{
    struct passphrase again = {.len = 0};
    enum err e = ask_secret(is_new ? _("Passphrase for the root key (several words that belong to nobody):")
                                   : _("Passphrase of the root key:"),
                            out->text, sizeof(out->text));

    if (e != OK)
        return e;
    out->len = strlen(out->text);
    if (!is_new || out->len < PASSPHRASE_MIN)
        return OK;
    e = ask_secret(_("Once more, so that no slip of a finger locks it for ever:"), again.text, sizeof(again.text));
    if (e == OK && strcmp(out->text, again.text) != 0)
        e = err_set(ERR_INVALID, _("the two passphrases differ; nothing was made"));
    passphrase_wipe(&again);
    return e;
}

enum err passphrase_get(struct passphrase *out, const char *file, bool is_new)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    e = file != NULL ? read_passphrase(out, file) : ask_passphrase(out, is_new);
    if (e == OK && is_new && out->len < PASSPHRASE_MIN)
        e = file != NULL
                ? err_set(ERR_INVALID, _("%s: a passphrase of at least %u bytes is expected"), file, PASSPHRASE_MIN)
                : err_set(ERR_INVALID, _("a passphrase of at least %u bytes is expected"), PASSPHRASE_MIN);
    if (e != OK)
        passphrase_wipe(out);
    return e;
}

/* ---- the locked file ---- */

struct strength {
    uint64_t ops, mem;
};

static bool stretch(uint8_t out[KEY_BYTES], const struct passphrase *p, const uint8_t *salt, const struct strength *s)
{
    return crypto_pwhash(out, KEY_BYTES, p->text, p->len, salt, s->ops, (size_t)s->mem, crypto_pwhash_ALG_ARGON2ID13) ==
           0;
}

/* A computer too small for the usual strength takes the lesser one, and is told. */
static enum err stretch_new(uint8_t out[KEY_BYTES], const struct passphrase *p, const uint8_t *salt,
                            struct strength *used)
{
    static const struct strength strengths[] = {
        {crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE},
        {crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE}};

    for (size_t i = 0; i < sizeof(strengths) / sizeof(strengths[0]); i++) {
        if (i > 0)
            log_warning(
                _("%u MiB of memory are not free: the root key is locked with %u MiB; take a longer passphrase"),
                (unsigned)(used->mem >> 20), (unsigned)(strengths[i].mem >> 20));
        *used = strengths[i];
        if (stretch(out, p, salt, used))
            return OK;
    }
    return err_set(ERR_NOMEM, _("%u MiB of memory are needed to lock the root key"), (unsigned)(used->mem >> 20));
}

static enum err make_text(struct buf *text, const struct key *root, const struct passphrase *p)
{
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t wrapping[KEY_BYTES];
    char hex[2 * (SECRET_BYTES + LOCK_OVERHEAD) + 1];
    struct strength used;
    struct buf locked;
    enum err e;

    random_bytes(salt, sizeof(salt));
    if ((e = stretch_new(wrapping, p, salt, &used)) != OK)
        return e;
    buf_init(&locked, SECRET_BYTES + LOCK_OVERHEAD);
    e = lock_bytes(&locked, wrapping, bytes_of("root", 4), bytes_of(key_secret(root), SECRET_BYTES));
    wipe(wrapping, sizeof(wrapping));
    if (e == OK) {
        buf_printf(text, FIRST_LINE "argon2id13 ops %llu mem %llu\n", (unsigned long long)used.ops,
                   (unsigned long long)used.mem);
        buf_printf(text, "%s\n", sodium_bin2hex(hex, sizeof(hex), salt, sizeof(salt)));
        buf_printf(text, "%s\n", sodium_bin2hex(hex, sizeof(hex), locked.data, locked.len));
        e = buf_status(text);
    }
    buf_fini(&locked);
    return e;
}

/* "WORD 123" at *at: the number.  Decimal without sign, at most twelve digits. */
static bool take_number(const char **at, const char *word, uint64_t *out)
{
    size_t len = strlen(word);
    size_t digits;

    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    digits = strspn(*at, "0123456789");
    *out = 0;
    for (size_t i = 0; i < digits && digits <= 12; i++)
        *out = *out * 10 + (uint64_t)((*at)[i] - '0');
    *at += digits;
    return digits >= 1 && digits <= 12;
}

static bool take_hex(const char **at, uint8_t *out, size_t len)
{
    size_t got = 0;
    const char *end = NULL;

    if (sodium_hex2bin(out, len, *at, strnlen(*at, 2 * len), NULL, &got, &end) != 0 || got != len ||
        end != *at + 2 * len || *end != '\n')
        return false;
    *at = end + 1;
    return true;
}

enum err root_locked_parse(struct root_locked *out, const char *text, size_t len)
{
    char copy[ROOT_LOCKED_MAX + 1];
    const char *at = copy;
    bool is_good = len <= ROOT_LOCKED_MAX && memchr(text, '\0', len) == NULL;

    memset(out, 0, sizeof(*out));
    if (is_good) {
        memcpy(copy, text, len);
        copy[len] = '\0';
        is_good = strncmp(at, FIRST_LINE, strlen(FIRST_LINE)) == 0;
        at += is_good ? strlen(FIRST_LINE) : 0;
    }
    is_good = is_good && take_number(&at, "argon2id13 ops ", &out->ops) && take_number(&at, " mem ", &out->mem) &&
              *at++ == '\n' && take_hex(&at, out->salt, sizeof(out->salt)) &&
              take_hex(&at, out->locked, sizeof(out->locked)) && *at == '\0';
    if (!is_good || out->ops == 0)
        return err_set(ERR_MALFORMED, _("this is not a locked key of this program, or it is damaged"));
    if (out->ops > ROOT_OPS_MAX || out->mem > ROOT_MEM_MAX || out->mem < MEM_LEAST)
        return err_set(ERR_LIMIT,
                       _("the locked key asks for %llu rounds in %llu MiB of memory; at most %u in %u are allowed"),
                       (unsigned long long)out->ops, (unsigned long long)(out->mem >> 20), ROOT_OPS_MAX,
                       (unsigned)(ROOT_MEM_MAX >> 20));
    return OK;
}

static enum err open_locked(struct key **out, const struct root_locked *l, const struct passphrase *p)
{
    const struct strength s = {l->ops, l->mem};
    uint8_t wrapping[KEY_BYTES];
    struct buf secret;
    struct key *k = NULL;
    enum err e;

    if (!stretch(wrapping, p, l->salt, &s))
        return err_set(ERR_NOMEM, _("%u MiB of memory are needed to open the root key"), (unsigned)(l->mem >> 20));
    buf_init(&secret, SECRET_BYTES);
    e = unlock_bytes(&secret, wrapping, bytes_of("root", 4), bytes_of(l->locked, sizeof(l->locked)));
    wipe(wrapping, sizeof(wrapping));
    if (e == ERR_AUTH)
        e = err_set(e, _("the passphrase is wrong, or the file is damaged"));
    if (e == OK) /* the seed comes first; the second half must be the one that follows from it */
        e = key_from_seed(&k, KEY_SIGN, secret.data);
    if (e == OK && sodium_memcmp(key_secret(k), secret.data, SECRET_BYTES) != 0)
        e = err_set(ERR_MALFORMED, _("the two halves of the key do not belong together"));
    buf_wipe(&secret);
    if (e == OK)
        *out = k;
    else
        key_free(k);
    return e;
}

enum err root_key_unlock(struct key **out, const char *path, const struct passphrase *p)
{
    struct root_locked l;
    struct stat st;
    void *text = NULL;
    size_t len = 0;
    enum err e;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        log_warning(_("%s: others on this computer may read the locked root key; run: chmod 600 %s"), path, path);
    if ((e = cli_read_file(path, ROOT_LOCKED_MAX, &text, &len)) != OK)
        return e;
    if ((e = root_locked_parse(&l, text, len)) == OK)
        e = open_locked(out, &l, p);
    free(text);
    return e == OK || e == ERR_NOMEM ? e : err_prefix(e, "%s", path);
}

enum err root_key_lock(const struct key *root, const char *path, const struct passphrase *p)
{
    struct key *again = NULL;
    struct buf text;
    enum err e;

    buf_init(&text, ROOT_LOCKED_MAX);
    if ((e = make_text(&text, root, p)) == OK)
        e = cli_write_file(path, text.data, text.len, 0600, false);
    buf_fini(&text);
    if (e == OK && (e = root_key_unlock(&again, path, p)) == OK &&
        sodium_memcmp(key_secret(again), key_secret(root), SECRET_BYTES) != 0)
        e = err_set(ERR_IO, _("%s: what was written is not what can be read"), path);
    key_free(again);
    return e;
}

/* ---- opening ---- */

static bool is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

enum err root_key_path(char *out, size_t size, const char *home)
{
    static const char *const names[] = {"keys/root.key", "keys/root.key.locked"};
    char path[FOLDER_PATH_MAX];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        enum err e = folder_path(path, home, names[i]);

        if (e != OK)
            return e;
        if (is_there(path)) {
            (void)snprintf(out, size, "%s", path);
            return OK;
        }
    }
    return err_set(
        ERR_NOT_FOUND,
        _("the root key is not in %s/keys, and should not be: take the stick or the sheet out of its envelope "
          "and say --root FILE (a sheet is typed in with: svodka-hub key restore root)"),
        home);
}

/* Which of the two it is says its first line. */
static enum err is_locked_file(const char *path, bool *is_locked)
{
    void *text = NULL;
    size_t len = 0;
    enum err e = cli_read_file(path, ROOT_LOCKED_MAX, &text, &len);

    if (e != OK)
        return e;
    *is_locked = len >= strlen(FIRST_LINE) && memcmp(text, FIRST_LINE, strlen(FIRST_LINE)) == 0;
    wipe(text, len);
    free(text);
    return OK;
}

enum err root_key_open(struct key **out, const char *path, const char *passphrase_file, const uint8_t *expected)
{
    struct passphrase p;
    struct key *k = NULL;
    bool is_locked = false;
    enum err e = is_locked_file(path, &is_locked);

    if (e == OK && !is_locked)
        e = key_read(&k, path, KEY_SIGN);
    else if (e == OK && (e = passphrase_get(&p, passphrase_file, false)) == OK) {
        e = root_key_unlock(&k, path, &p);
        passphrase_wipe(&p);
    }
    if (e == OK && expected != NULL && memcmp(key_public(k), expected, KEY_BYTES) != 0)
        e = err_set(ERR_INVALID, _("%s: this root key is another district's"), path);
    if (e == OK)
        *out = k;
    else
        key_free(k);
    return e;
}
