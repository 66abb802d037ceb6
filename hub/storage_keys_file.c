/* The file of a storage key: text, "svodka storage key 1", then for each node "node DEPTH FIRST VERSION HEX". */
#include "hub/storage_keys_internal.h"

#include "common/cli.h"
#include "common/folder.h"
#include "hub/key_destroy.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "svodka storage key 1\n"
#define LINE_MAX_  128u
#define FILE_MAX   ((size_t)NODES_MAX * LINE_MAX_)
#define OLD_SUFFIX ".old" /* the tree before, on its way out */

enum err storage_file_path(char *out, const char *home, const char *retention, int32_t year)
{
    char name[sizeof("keys/" STORAGE_FOLDER "/-.key") + RETENTION_MAX + 12];

    (void)snprintf(name, sizeof(name), "keys/" STORAGE_FOLDER "/%s-%d.key", retention, (int)year);
    return folder_path(out, home, name);
}

enum err storage_file_folder(const char *home)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;
    enum err e = folder_path(path, home, "keys/" STORAGE_FOLDER);

    if (e != OK || (e = folder_ensure(path, 0700)) != OK)
        return e;
    if (stat(path, &st) != 0)
        return err_errno(ERR_IO, errno, "%s", path);
    if ((st.st_mode & 077) != 0)
        return err_set(ERR_DENIED, _("%s: others may look into the folder of the keys; run: chmod 700 %s"), path, path);
    return OK;
}

/* ---- writing ---- */

static enum err write_tree(const char *path, const struct storage_tree *t, bool may_exist)
{
    char hex[2 * KEY_BYTES + 1];
    struct buf text;
    enum err e;

    buf_init(&text, FILE_MAX);
    (void)buf_grow(&text, sizeof(FIRST_LINE) + t->count * LINE_MAX_); /* at once: no half of it in a smaller buffer */
    text.len = 0;
    buf_put_str(&text, FIRST_LINE);
    for (size_t i = 0; i < t->count; i++) {
        const struct storage_node *n = &t->nodes[i];

        buf_printf(&text, "node %u %010llx %u %s\n", n->depth, (unsigned long long)n->first, n->version,
                   sodium_bin2hex(hex, sizeof(hex), n->secret, KEY_BYTES));
    }
    if ((e = buf_status(&text)) == OK)
        e = cli_write_file(path, text.data, text.len, 0600, may_exist);
    wipe(hex, sizeof(hex));
    buf_wipe(&text);
    return e;
}

enum err storage_file_write(const char *path, const struct storage_tree *t)
{
    return write_tree(path, t, false);
}

/* ---- reading ---- */

static enum err damaged(const char *path)
{
    return err_set(ERR_MALFORMED, _("%s: this is not a key file of this program, or it is damaged"), path);
}

/* "NUMBER " at *text in the given base, at most `max`. */
static bool take_number(const char **text, int base, uint64_t max, uint64_t *out)
{
    char *end;

    if ((**text < '0' || **text > '9') && (base != 16 || **text < 'a' || **text > 'f'))
        return false;
    errno = 0;
    *out = strtoull(*text, &end, base);
    if (errno != 0 || *out > max || *end != ' ')
        return false;
    *text = end + 1;
    return true;
}

static bool take_node(const char **text, struct storage_node *n)
{
    static const char word[] = "node ";
    uint64_t depth;
    uint64_t version;
    size_t got = 0;
    const char *end;

    if (strncmp(*text, word, sizeof(word) - 1) != 0)
        return false;
    *text += sizeof(word) - 1;
    if (!take_number(text, 10, LSN_BITS, &depth) || !take_number(text, 16, UINT64_MAX, &n->first) ||
        !take_number(text, 10, UINT32_MAX, &version) || (end = strchr(*text, '\n')) == NULL ||
        end - *text != (ptrdiff_t)(2 * KEY_BYTES) ||
        sodium_hex2bin(n->secret, KEY_BYTES, *text, 2 * (size_t)KEY_BYTES, NULL, &got, NULL) != 0 || got != KEY_BYTES)
        return false;
    n->depth = (uint32_t)depth;
    n->version = (uint32_t)version;
    *text = end + 1;
    return true;
}

static enum err parse(struct storage_tree *out, const char *path, const char *text)
{
    size_t lines = 0;
    enum err e;

    for (const char *c = text; (c = strchr(c, '\n')) != NULL; c++)
        lines++;
    if (strncmp(text, FIRST_LINE, sizeof(FIRST_LINE) - 1) != 0 || lines < 2)
        return damaged(path);
    text += sizeof(FIRST_LINE) - 1;
    if ((e = storage_tree_of(out, lines - 1)) != OK)
        return e;
    for (size_t i = 0; i < out->count; i++)
        if (!take_node(&text, &out->nodes[i])) {
            storage_tree_fini(out);
            return damaged(path);
        }
    if (*text == '\0' && storage_tree_is_good(out))
        return OK;
    storage_tree_fini(out);
    return damaged(path);
}

static enum err read_text(const char *path, char **text, size_t *len)
{
    struct stat st;
    enum err e = OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    *text = NULL;
    *len = 0;
    if (fd < 0)
        return err_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, _("%s: the key file cannot be opened"), path);
    if (fstat(fd, &st) != 0)
        e = err_errno(ERR_IO, errno, _("%s: the key file cannot be read"), path);
    else if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX)
        e = damaged(path);
    else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        e = err_set(ERR_DENIED, _("%s: other users may read this key file; correct it with: chmod 600 %s"), path, path);
    else if ((*text = calloc(1, (size_t)st.st_size + 1)) == NULL)
        e = ERR_NOMEM;
    while (e == OK && *len < (size_t)st.st_size) {
        ssize_t n = read(fd, *text + *len, (size_t)st.st_size - *len);

        if (n == 0)
            break;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            e = err_errno(ERR_IO, errno, _("%s: the key file cannot be read"), path);
    }
    if (*text != NULL)
        (*text)[*len] = '\0';
    (void)close(fd);
    return e;
}

enum err storage_file_read(struct storage_tree *out, const char *path)
{
    char *text;
    size_t len;
    enum err e = read_text(path, &text, &len);

    if (e == OK)
        e = strlen(text) == len ? parse(out, path, text) : damaged(path);
    if (text != NULL)
        wipe(text, len);
    free(text);
    return e;
}

/* ---- replacing ---- */

static enum err old_path(char out[FOLDER_PATH_MAX], const char *path)
{
    int n = snprintf(out, FOLDER_PATH_MAX, "%s" OLD_SUFFIX, path);

    return n > 0 && n < (int)FOLDER_PATH_MAX ? OK : err_set(ERR_LIMIT, "%s: the path is too long", path);
}

/* As long as the old file has its own name too, it is not another file whose bytes may go. */
enum err storage_file_tidy(const char *path)
{
    char old[FOLDER_PATH_MAX];
    struct stat a;
    struct stat b;
    enum err e = old_path(old, path);

    if (e != OK || lstat(old, &b) != 0)
        return e;
    if (stat(path, &a) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return unlink(old) == 0 ? folder_sync_of(path) : err_errno(ERR_IO, errno, "%s", old);
    return key_file_destroy(old);
}

/* The key has a name at every moment: old and new trade places by one rename. */
enum err storage_file_replace(const char *path, const struct storage_tree *t)
{
    char old[FOLDER_PATH_MAX];
    enum err e;

    if ((e = old_path(old, path)) != OK || (e = storage_file_tidy(path)) != OK)
        return e;
    if (link(path, old) != 0)
        return err_errno(ERR_IO, errno, _("%s: the key file cannot be replaced"), path);
    if ((e = folder_sync_of(path)) != OK || (e = write_tree(path, t, true)) != OK)
        return e;
    return storage_file_tidy(path);
}
