#include "protocol/backup_store.h"

#include "common/cli.h"
#include "common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX   4u
#define GROUP_ROWS  20000u
#define GROUP_BYTES (32u << 20)

/* ---- out of a home ---- */

enum err backup_save_file(struct backup_writer *w, const char *home, const char *name)
{
    char path[FOLDER_PATH_MAX];
    void *content = NULL;
    size_t len = 0;
    enum err e = folder_path(path, home, name);

    if (e == OK && (e = cli_read_file(path, BACKUP_FILE_MAX, &content, &len)) == OK) {
        e = backup_put_file(w, name, bytes_of(content, len));
        wipe(content, len);
    }
    free(content);
    return e;
}

static int without_dots(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static enum err save_entry(struct backup_writer *w, const char *home, const char *name,
                           bool (*is_left_out)(const char *name), unsigned depth);

static enum err save_folder(struct backup_writer *w, const char *home, const char *name,
                            bool (*is_left_out)(const char *name), unsigned depth)
{
    char path[FOLDER_PATH_MAX];
    struct dirent **list = NULL;
    enum err e = folder_path(path, home, name);
    int count;

    if (e != OK)
        return e;
    if (depth == DEPTH_MAX)
        return err_set(ERR_LIMIT, _("%s: folders inside folders, more than %u deep"), path, DEPTH_MAX);
    count = scandir(path, &list, without_dots, alphasort);
    if (count < 0)
        return err_errno(ERR_IO, errno, "%s", path);
    for (int i = 0; i < count; i++) {
        char inside[FOLDER_PATH_MAX];

        if (e == OK && (e = folder_path(inside, name, list[i]->d_name)) == OK)
            e = save_entry(w, home, inside, is_left_out, depth);
        free(list[i]);
    }
    free(list);
    return e;
}

static enum err save_entry(struct backup_writer *w, const char *home, const char *name,
                           bool (*is_left_out)(const char *name), unsigned depth)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;
    enum err e = folder_path(path, home, name);

    if (e != OK || (is_left_out != NULL && is_left_out(name)))
        return e;
    if (lstat(path, &st) != 0)
        return err_errno(ERR_IO, errno, "%s", path);
    if (S_ISDIR(st.st_mode))
        return save_folder(w, home, name, is_left_out, depth + 1);
    if (!S_ISREG(st.st_mode))
        return err_set(ERR_INVALID, _("%s: neither a file nor a folder; it cannot be part of a backup"), path);
    return backup_save_file(w, home, name);
}

enum err backup_save_folder(struct backup_writer *w, const char *home, const char *name,
                            bool (*is_left_out)(const char *name))
{
    return save_folder(w, home, name, is_left_out, 0);
}

enum err backup_save_table(struct backup_writer *w, struct store_txn *t, unsigned table)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err put = OK;
    enum err e = store_cursor_open(t, table, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        if ((put = backup_put_row(w, (uint8_t)table, key, value)) != OK)
            break;
    store_cursor_close(c);
    if (put != OK)
        return put;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- into a home ---- */

struct target {
    const char *home;
    struct store *store;
    const char *const *names;
    int16_t table[256]; /* of the backup -> of the store; -1: not named */
    struct store_txn *t;
    size_t rows, bytes;
};

static enum err make_folders(const char *home, const char *name)
{
    char inside[FOLDER_PATH_MAX];
    char path[FOLDER_PATH_MAX];
    enum err e = OK;

    for (const char *slash = strchr(name, '/'); e == OK && slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(inside, sizeof(inside), "%.*s", (int)(slash - name), name);
        e = folder_path(path, home, inside);
        if (e == OK)
            e = folder_ensure(path, 0700);
    }
    return e;
}

static enum err put_file(const struct target *to, const struct backup_item *i)
{
    char path[FOLDER_PATH_MAX];
    enum err e;

    if (!backup_name_is_safe(i->name))
        return err_set(ERR_VERSION, _("the backup holds a file %s, which this program does not know"), i->name);
    if ((e = make_folders(to->home, i->name)) == OK && (e = folder_path(path, to->home, i->name)) == OK)
        e = cli_write_file(path, i->value.p, i->value.len, 0600, false);
    return e;
}

static enum err name_table(struct target *to, const struct backup_item *i)
{
    for (int16_t k = 0; to->names[k] != NULL; k++)
        if (strcmp(to->names[k], i->name) == 0) {
            to->table[i->table] = k;
            return OK;
        }
    return err_set(
        ERR_VERSION,
        _("the backup holds \"%s\", which this program does not know: it was made by a later one; take that"), i->name);
}

static enum err commit(struct target *to)
{
    struct store_txn *t = to->t;

    to->t = NULL;
    to->rows = to->bytes = 0;
    return t == NULL ? OK : store_commit(t);
}

static enum err put_row(struct target *to, const struct backup_item *i)
{
    enum err e = OK;

    if (to->t == NULL && (e = store_begin_write(to->store, &to->t)) != OK)
        return e;
    if ((e = store_put(to->t, (unsigned)to->table[i->table], i->key, i->value)) != OK)
        return e;
    to->rows++;
    to->bytes += i->key.len + i->value.len;
    return to->rows >= GROUP_ROWS || to->bytes >= GROUP_BYTES ? commit(to) : OK;
}

static enum err put_item(struct target *to, const struct backup_item *i)
{
    switch (i->kind) {
    case BACKUP_TABLE: return name_table(to, i);
    case BACKUP_FILE: return put_file(to, i);
    case BACKUP_ROW: return put_row(to, i);
    case BACKUP_END: break;
    }
    return OK;
}

enum err backup_restore(struct backup_reader *r, const char *home, struct store *s, const char *const *names,
                        void (*progress)(const struct backup_reader *r))
{
    struct backup_item *item = malloc(sizeof(*item));
    struct target to = {.home = home, .store = s, .names = names};
    enum err put = OK; /* kept apart: its "not found" must never be taken for the end */
    enum err e = item == NULL ? ERR_NOMEM : OK;

    for (size_t i = 0; i < sizeof(to.table) / sizeof(to.table[0]); i++)
        to.table[i] = -1;
    while (e == OK && put == OK && (e = backup_next(r, item)) == OK) {
        put = put_item(&to, item);
        if (progress != NULL)
            progress(r);
    }
    free(item);
    if (put == OK && e == ERR_NOT_FOUND)
        return commit(&to);
    store_abort(to.t);
    return put != OK ? put : e;
}
