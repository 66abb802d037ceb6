#include "protocol/keys.h"

#include "common/cli.h"
#include "protocol/keys_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key file is text:
 *   svodka key 1
 *   kind: sign
 *   name: hub signing key
 *   public: <64 hex digits>        not for symmetric keys; for people, checked on reading
 *   secret: <64 or 128 hex digits>
 * To change the format: raise the number and keep this reader. */
#define FIRST_LINE   "svodka key 1"
#define FILE_MAX     1024u
#define NAME_MAX_LEN 200u
#define KIND_COUNT   4u

static const char *const kind_names[KIND_COUNT + 1] = {NULL, "sign", "seal", "curve", "secret"};

static size_t secret_len(enum key_kind kind)
{
    return kind == KEY_SIGN ? KEY_SIGN_SECRET_BYTES : KEY_BYTES;
}

enum err key_write(const struct key *k, const char *path, const char *name)
{
    enum key_kind kind = key_kind(k);
    char hex[2 * KEY_SIGN_SECRET_BYTES + 1];
    struct buf text;
    enum err e;

    if (strlen(name) > NAME_MAX_LEN || strchr(name, '\n') != NULL)
        return err_set(ERR_INTERNAL, "a key's name is one line of at most %u bytes", NAME_MAX_LEN);
    buf_init_secret(&text, FILE_MAX);
    (void)buf_grow(&text, FILE_MAX); /* at once, so that no half of the secret is left behind in a smaller buffer */
    text.len = 0;
    buf_printf(&text, "%s\nkind: %s\nname: %s\n", FIRST_LINE, kind_names[kind], name);
    if (key_public(k) != NULL)
        buf_printf(&text, "public: %s\n", sodium_bin2hex(hex, sizeof(hex), key_public(k), KEY_BYTES));
    buf_put_str(&text, "secret: ");
    buf_put_str(&text, sodium_bin2hex(hex, sizeof(hex), key_secret(k), secret_len(kind)));
    buf_put_str(&text, "\n");
    e = buf_status(&text);
    if (e == OK)
        e = cli_write_file(path, text.data, text.len, 0600, false);
    sodium_memzero(hex, sizeof(hex));
    buf_wipe(&text);
    return e;
}

/* ---- reading ---- */

static bool credentials_in_use;

void key_use_credentials(bool use)
{
    credentials_in_use = use;
}

const char *key_credentials(void)
{
    const char *dir = credentials_in_use ? getenv("CREDENTIALS_DIRECTORY") : NULL;

    return dir != NULL && dir[0] == '/' ? dir : NULL;
}

/* The credential that stands for this file, if the manager has given us one. */
static bool find_credential(char *out, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dir = key_credentials();
    struct stat st;
    int n;

    if (dir == NULL)
        return false;
    n = snprintf(out, size, "%s/%s%s", dir, KEY_CREDENTIAL_PREFIX, slash == NULL ? path : slash + 1);
    return n > 0 && (size_t)n < size && lstat(out, &st) == 0;
}

/* `allowed`: what of the mode's bits for group and others may be set. */
static enum err read_text(const char *path, mode_t allowed, char text[FILE_MAX + 1])
{
    struct stat st;
    size_t len = 0;
    enum err e = OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_errno(errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, errno,
                         _("%s: the key file cannot be opened"), path);
    if (fstat(fd, &st) != 0)
        e = err_errno(ERR_IO, errno, _("%s: the key file cannot be read"), path);
    else if (!S_ISREG(st.st_mode))
        e = err_set(ERR_MALFORMED, _("%s: this is not a key file"), path);
    else if ((st.st_mode & (S_IRWXG | S_IRWXO) & ~allowed) != 0)
        e = err_set(ERR_DENIED, _("%s: other users may read this key file; correct it with: chmod 600 %s"), path, path);
    while (e == OK && len < FILE_MAX) {
        ssize_t n = read(fd, text + len, FILE_MAX - len);

        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            e = err_errno(ERR_IO, errno, _("%s: the key file cannot be read"), path);
    }
    text[len] = '\0';
    (void)close(fd);
    return e;
}

/* The value of "NAME: VALUE" on the next line, or NULL.  *text moves on. */
static char *take_line(char **text, const char *name)
{
    char *at = *text;
    char *end = strchr(at, '\n');
    size_t len = strlen(name);

    if (end == NULL || strncmp(at, name, len) != 0)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return at + len;
}

static bool from_hex(uint8_t *out, size_t len, const char *hex)
{
    size_t got;

    return strlen(hex) == 2 * len && sodium_hex2bin(out, len, hex, 2 * len, NULL, &got, NULL) == 0 && got == len;
}

/* 0: not a key file. */
static unsigned parse_text(char *text, uint8_t public[KEY_BYTES], uint8_t secret[KEY_SIGN_SECRET_BYTES])
{
    char *first = take_line(&text, "");
    char *kind = take_line(&text, "kind: ");
    char *line;
    unsigned i;

    if (first == NULL || strcmp(first, FIRST_LINE) != 0 || kind == NULL || take_line(&text, "name: ") == NULL)
        return 0;
    for (i = 1; i <= KIND_COUNT && strcmp(kind, kind_names[i]) != 0; i++)
        ;
    if (i > KIND_COUNT)
        return 0;
    if (i != KEY_SECRET && ((line = take_line(&text, "public: ")) == NULL || !from_hex(public, KEY_BYTES, line)))
        return 0;
    line = take_line(&text, "secret: ");
    if (line == NULL || *text != '\0' || !from_hex(secret, secret_len((enum key_kind)i), line))
        return 0;
    return i;
}

enum err key_read(struct key **out, const char *path, enum key_kind kind)
{
    uint8_t secret[KEY_SIGN_SECRET_BYTES];
    uint8_t public[KEY_BYTES];
    char text[FILE_MAX + 1];
    char credential[PATH_MAX];
    struct key *k = NULL;
    unsigned found = 0;
    enum err e;

    e = read_text(path, 0, text);
    /* The file comes first: a key that was changed is one, and the old credential still there until somebody replaces
     * it. The manager lets the service's user in by an access list, which shows as the group's right to read. */
    if (e == ERR_NOT_FOUND && find_credential(credential, sizeof(credential), path)) {
        path = credential;
        e = read_text(path, S_IRGRP, text);
    }

    if (e != OK)
        goto wipe_text;
    if ((found = parse_text(text, public, secret)) == 0)
        e = err_set(ERR_MALFORMED, _("%s: this is not a key file of this program, or it is damaged"), path);
    else if (found != kind)
        e = err_set(ERR_INVALID, _("%s: a key of kind \"%s\" is expected here, this one is \"%s\""), path,
                    kind_names[kind], kind_names[found]);
    else if ((e = key_from_secret(&k, kind, secret)) == ERR_MALFORMED ||
             (e == OK && kind != KEY_SECRET && memcmp(key_public(k), public, KEY_BYTES) != 0))
        e = err_set(ERR_MALFORMED, _("%s: the key file is damaged: its two halves do not belong together"), path);
    if (e == OK)
        *out = k;
    else
        key_free(k);
    sodium_memzero(secret, sizeof(secret));
wipe_text:
    sodium_memzero(text, sizeof(text));
    return e;
}
