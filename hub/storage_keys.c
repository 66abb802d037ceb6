#include "hub/storage_keys_internal.h"

#include "common/cli.h"
#include "common/folder.h"
#include "hub/hub.h"
#include "hub/key_destroy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MARK_DOMAIN "svodka storage mark v1"
#define ROW_KEY_MAX (RETENTION_MAX + 1u + 4u)
#define ROW_MAX     (64u + STORAGE_MAX_PRICKS * 9u)
#define KEYS_MAX    4096u
#define PART_WORD   ".part-" /* what cli_write_file() was writing when it was killed */

struct cached {
    char retention[RETENTION_MAX + 1];
    int32_t year;
    struct storage_tree tree;
};

struct storage_keys {
    const char *home;
    const struct key *master;
    pthread_mutex_t lock; /* of the cache */
    struct cached *list;
    size_t count;
};

enum err storage_keys_new(struct storage_keys **out, const char *home, const struct key *master)
{
    struct storage_keys *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return ERR_NOMEM;
    s->home = home;
    s->master = master;
    (void)pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return OK;
}

static void drop_cached(struct storage_keys *s)
{
    for (size_t i = 0; i < s->count; i++)
        storage_tree_fini(&s->list[i].tree);
    s->count = 0;
}

void storage_keys_free(struct storage_keys *s)
{
    if (s == NULL)
        return;
    drop_cached(s);
    free(s->list);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

void storage_keys_forget(struct storage_keys *s)
{
    (void)pthread_mutex_lock(&s->lock);
    drop_cached(s);
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- what the store knows ---- */

struct row {
    uint8_t mark[DIGEST_BYTES];
    uint64_t act;
    size_t prick_count;
    uint64_t pricks[STORAGE_MAX_PRICKS]; /* of the last act: the file follows after the commit */
};

static struct bytes row_key(uint8_t raw[ROW_KEY_MAX], const char *retention, int32_t year)
{
    size_t len = strnlen(retention, RETENTION_MAX);

    memcpy(raw, retention, len);
    raw[len] = 0;
    be32_put(raw + len + 1, (uint32_t)year ^ (UINT32_C(1) << 31));
    return bytes_of(raw, len + 5);
}

static enum err read_row(struct row *out, struct bytes value)
{
    struct mp m = mp_of(value);

    (void)mp_array(&m, 3, 3);
    mp_bin_exact(&m, out->mark, DIGEST_BYTES);
    out->act = mp_uint(&m, UINT64_MAX);
    out->prick_count = mp_array(&m, 0, STORAGE_MAX_PRICKS);
    for (size_t i = 0; i < out->prick_count; i++)
        out->pricks[i] = mp_uint(&m, UINT64_MAX);
    return mp_done(&m) ? OK : err_set(ERR_CORRUPT, "an entry of the storage keys is damaged");
}

static enum err get_row(struct store_txn *t, const char *retention, int32_t year, struct row *out)
{
    uint8_t raw[ROW_KEY_MAX];
    struct bytes value;
    enum err e = store_get(t, H_STORAGE, row_key(raw, retention, year), &value);

    return e == OK ? read_row(out, value) : e;
}

static enum err put_row(struct store_txn *t, const char *retention, int32_t year, const struct row *r)
{
    uint8_t raw[ROW_KEY_MAX];
    struct buf value;
    enum err e;

    buf_init(&value, ROW_MAX);
    mp_put_array(&value, 3);
    mp_put_bin(&value, r->mark, DIGEST_BYTES);
    mp_put_uint(&value, r->act);
    mp_put_array(&value, r->prick_count);
    for (size_t i = 0; i < r->prick_count; i++)
        mp_put_uint(&value, r->pricks[i]);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_STORAGE, row_key(raw, retention, year), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

/* ERR_NOT_FOUND: there is no such key. */
static enum err get_act(struct store_txn *t, const char *retention, int32_t year, uint64_t *act)
{
    uint8_t raw[ROW_KEY_MAX];
    uint8_t mark[DIGEST_BYTES];
    struct bytes value;
    struct mp m;
    enum err e = store_get(t, H_STORAGE, row_key(raw, retention, year), &value);

    *act = 0;
    if (e != OK)
        return e;
    m = mp_of(value);
    (void)mp_array(&m, 3, 3);
    mp_bin_exact(&m, mark, DIGEST_BYTES);
    *act = mp_uint(&m, UINT64_MAX);
    return m.failed ? err_set(ERR_CORRUPT, "an entry of the storage keys is damaged") : OK;
}

enum err storage_keys_act(struct store_txn *t, const char *retention, int32_t year, uint64_t *act)
{
    enum err e = get_act(t, retention, year, act);

    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err walk_rows(struct store_txn *t, enum err (*each)(void *ctx, const struct storage_row *at, struct row *r),
                          void *ctx)
{
    struct store_cursor *c = NULL;
    struct row *r = malloc(sizeof(*r));
    struct bytes key;
    struct bytes value;
    enum err inner = OK;
    enum err e = r == NULL ? ERR_NOMEM : store_cursor_open(t, H_STORAGE, &c);

    if (e == OK)
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && inner == OK;
             e = store_next(c, &key, &value)) {
            struct storage_row at = {.retention = ""};
            const uint8_t *nul = memchr(key.p, 0, key.len);

            if (nul == NULL || (size_t)(nul - key.p) > RETENTION_MAX || key.p + key.len != nul + 5) {
                inner = err_set(ERR_CORRUPT, "an entry of the storage keys is damaged");
                break;
            }
            memcpy(at.retention, key.p, (size_t)(nul - key.p));
            at.year = (int32_t)(be32_get(nul + 1) ^ (UINT32_C(1) << 31));
            if ((inner = read_row(r, value)) != OK)
                break;
            at.act = r->act;
            inner = each(ctx, &at, r);
        }
    store_cursor_close(c);
    free(r);
    if (inner != OK)
        return inner;
    return e == ERR_NOT_FOUND ? OK : e;
}

struct public_walk {
    enum err (*each)(void *ctx, const struct storage_row *r);
    void *ctx;
};

static enum err public_row(void *ctx, const struct storage_row *at, struct row *r)
{
    const struct public_walk *w = ctx;

    (void)r;
    return w->each(w->ctx, at);
}

enum err storage_keys_each(struct store_txn *t, enum err (*each)(void *ctx, const struct storage_row *r), void *ctx)
{
    struct public_walk w = {each, ctx};

    return walk_rows(t, public_row, &w);
}

/* Whose it is, and every node of it. */
static enum err make_mark(const struct storage_keys *s, const char *retention, int32_t year,
                          const struct storage_tree *tree, uint8_t mark[DIGEST_BYTES])
{
    struct buf all;
    enum err e;

    buf_init(&all, ROW_KEY_MAX + tree->count * (sizeof(struct storage_node) + 8));
    (void)buf_grow(&all, all.max); /* at once, so that no half of it is left behind */
    all.len = 0;
    buf_put(&all, retention, strlen(retention) + 1);
    buf_put_u32(&all, (uint32_t)year);
    for (size_t i = 0; i < tree->count; i++) {
        buf_put_u64(&all, tree->nodes[i].first);
        buf_put_u32(&all, tree->nodes[i].depth);
        buf_put_u32(&all, tree->nodes[i].version);
        buf_put(&all, tree->nodes[i].secret, KEY_BYTES);
    }
    if ((e = buf_status(&all)) == OK)
        derive(mark, key_secret(s->master), MARK_DOMAIN, bytes_of(all.data, all.len));
    buf_wipe(&all);
    return e;
}

/* ---- one process at a time changes the files ---- */

static enum err lock_folder(const struct storage_keys *s, int *fd)
{
    char path[FOLDER_PATH_MAX];
    enum err e;

    *fd = -1;
    if ((e = storage_file_folder(s->home)) != OK || (e = folder_path(path, s->home, "keys/" STORAGE_FOLDER)) != OK)
        return e;
    if ((*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return err_errno(ERR_IO, errno, "%s", path);
    while (flock(*fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return err_errno(ERR_IO, errno, "%s", path);
    return OK;
}

static void unlock_folder(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* Half-written files hold whole keys. */
static enum err remove_parts(const struct storage_keys *s)
{
    char dir[FOLDER_PATH_MAX];
    char path[FOLDER_PATH_MAX];
    DIR *d;
    enum err e = folder_path(dir, s->home, "keys/" STORAGE_FOLDER);

    if (e != OK)
        return e;
    if ((d = opendir(dir)) == NULL)
        return err_errno(ERR_IO, errno, "%s", dir);
    for (struct dirent *f; e == OK && (f = readdir(d)) != NULL;)
        if (strstr(f->d_name, PART_WORD) != NULL && (e = folder_path(path, dir, f->d_name)) == OK)
            e = key_file_destroy(path);
    (void)closedir(d);
    return e;
}

/* ---- opening ---- */

static enum err wrong_key(const char *path)
{
    return err_set(ERR_INVALID,
                   _("%s is not the key that the ledger was written with (nothing was changed): put the right one back "
                     "from the recovery copy"),
                   path);
}

/* The file may be the one before the last act: then the act is carried out now. */
static enum err settle(const struct storage_keys *s, const char *path, const struct storage_row *at,
                       const struct row *r, const struct storage_tree *tree)
{
    struct storage_tree less = {NULL, 0};
    uint8_t mark[DIGEST_BYTES];
    enum err e = make_mark(s, at->retention, at->year, tree, mark);

    if (e != OK || digest_equal(mark, r->mark))
        return e == OK ? storage_file_tidy(path) : e;
    if (r->prick_count == 0 || storage_tree_prick(&less, tree, r->pricks, r->prick_count) != OK)
        return wrong_key(path);
    if ((e = make_mark(s, at->retention, at->year, &less, mark)) == OK)
        e = digest_equal(mark, r->mark) ? storage_file_replace(path, &less) : wrong_key(path);
    storage_tree_fini(&less);
    return e;
}

static enum err check_row(void *ctx, const struct storage_row *at, struct row *r)
{
    const struct storage_keys *s = ctx;
    struct storage_tree tree = {NULL, 0};
    char path[FOLDER_PATH_MAX];
    enum err e = storage_file_path(path, s->home, at->retention, at->year);

    if (e != OK)
        return e;
    if (r->act != 0)
        return (e = storage_file_tidy(path)) == OK ? key_file_destroy(path) : e;
    if ((e = storage_file_read(&tree, path)) == ERR_NOT_FOUND)
        return err_set(ERR_NOT_FOUND,
                       _("%s: the key file is missing (nothing was changed): put it back from the recovery copy; "
                         "without it nothing "
                         "of that class and year can be read"),
                       path);
    if (e == OK)
        e = settle(s, path, at, r, &tree);
    storage_tree_fini(&tree);
    return e;
}

enum err storage_keys_check(struct storage_keys *s, struct store_txn *t)
{
    int fd = -1;
    enum err e = lock_folder(s, &fd);

    if (e == OK && (e = remove_parts(s)) == OK)
        e = walk_rows(t, check_row, s);
    unlock_folder(fd);
    storage_keys_forget(s);
    return e;
}

/* ---- the cache ---- */

static struct cached *find(struct storage_keys *s, const char *retention, int32_t year)
{
    for (size_t i = s->count; i-- > 0;)
        if (s->list[i].year == year && strcmp(s->list[i].retention, retention) == 0)
            return &s->list[i];
    return NULL;
}

/* Takes the tree. */
static enum err keep(struct storage_keys *s, const char *retention, int32_t year, struct storage_tree *tree)
{
    struct cached *grown;

    if (s->count == KEYS_MAX)
        return err_set(ERR_LIMIT, "more than %u storage keys", KEYS_MAX);
    if ((grown = reallocarray(s->list, s->count + 1, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    s->list = grown;
    s->list[s->count] = (struct cached){.year = year, .tree = *tree};
    (void)snprintf(s->list[s->count].retention, sizeof(s->list[0].retention), "%s", retention);
    s->count++;
    *tree = (struct storage_tree){NULL, 0};
    return OK;
}

/* With the lock held. */
static enum err load(struct storage_keys *s, const char *retention, int32_t year, struct cached **out)
{
    struct storage_tree tree = {NULL, 0};
    char path[FOLDER_PATH_MAX];
    enum err e;

    if ((*out = find(s, retention, year)) != NULL)
        return OK;
    if ((e = storage_file_path(path, s->home, retention, year)) == OK && (e = storage_file_read(&tree, path)) == OK &&
        (e = keep(s, retention, year, &tree)) == OK)
        *out = &s->list[s->count - 1];
    storage_tree_fini(&tree);
    return e;
}

enum err storage_keys_leaf(struct storage_keys *s, const char *retention, int32_t year, uint64_t lsn, uint32_t version,
                           uint8_t out[KEY_BYTES])
{
    struct cached *c;
    enum err e;

    (void)pthread_mutex_lock(&s->lock);
    if ((e = load(s, retention, year, &c)) == OK)
        e = storage_tree_leaf(&c->tree, lsn, version, out);
    (void)pthread_mutex_unlock(&s->lock);
    return e;
}

/* ---- making ---- */

/* A file without a row is left from a transaction that did not happen: as good as a new one. */
static enum err make_file(struct storage_keys *s, const char *retention, int32_t year, uint8_t mark[DIGEST_BYTES])
{
    struct storage_tree tree = {NULL, 0};
    char path[FOLDER_PATH_MAX];
    int fd = -1;
    enum err e;

    if ((e = lock_folder(s, &fd)) == OK && (e = storage_file_path(path, s->home, retention, year)) == OK &&
        (e = storage_tree_new(&tree)) == OK && (e = storage_file_write(path, &tree)) == ERR_EXISTS) {
        storage_tree_fini(&tree);
        e = storage_file_read(&tree, path);
    }
    if (e == OK)
        e = make_mark(s, retention, year, &tree, mark);
    storage_tree_fini(&tree);
    unlock_folder(fd);
    return e;
}

static enum err make(struct storage_keys *s, struct store_txn *t, const char *retention, int32_t year)
{
    struct row *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    if ((e = make_file(s, retention, year, r->mark)) == OK)
        e = put_row(t, retention, year, r);
    free(r);
    return e;
}

enum err storage_keys_need(struct storage_keys *s, struct store_txn *t, const char *retention, int32_t year)
{
    uint64_t act;
    enum err e = get_act(t, retention, year, &act);

    if (e == ERR_NOT_FOUND)
        return make(s, t, retention, year);
    if (e == OK && act != 0)
        return err_set(ERR_ERASED, "class %s, school year %d: its storage key was destroyed", retention, (int)year);
    return e;
}

/* ---- erasing ---- */

enum err storage_keys_erase(struct store_txn *t, const char *retention, int32_t year, uint64_t act)
{
    struct row *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    if ((e = get_row(t, retention, year, r)) == OK) {
        r->act = act;
        r->prick_count = 0;
        memset(r->mark, 0, sizeof(r->mark));
        e = put_row(t, retention, year, r);
    }
    free(r);
    return e;
}

enum err storage_keys_prick(struct storage_keys *s, struct store_txn *t, const char *retention, int32_t year,
                            const uint64_t *lsn, size_t count)
{
    struct storage_tree less = {NULL, 0};
    struct row *r = calloc(1, sizeof(*r));
    struct cached *c;
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    if (count > STORAGE_MAX_PRICKS)
        e = err_set(ERR_LIMIT, _("more than %u batches are touched at once: erase the whole class and year"),
                    STORAGE_MAX_PRICKS);
    else
        e = get_row(t, retention, year, r);
    (void)pthread_mutex_lock(&s->lock);
    if (e == OK && (e = load(s, retention, year, &c)) == OK &&
        (e = storage_tree_prick(&less, &c->tree, lsn, count)) == ERR_LIMIT)
        e = err_set(ERR_LIMIT,
                    _("too much of class %s, school year %d was erased singly: erase the whole class and "
                      "year"),
                    retention, (int)year);
    (void)pthread_mutex_unlock(&s->lock);
    if (e == OK && (e = make_mark(s, retention, year, &less, r->mark)) == OK) {
        r->prick_count = count;
        memcpy(r->pricks, lsn, count * sizeof(*lsn));
        e = put_row(t, retention, year, r);
    }
    storage_tree_fini(&less);
    free(r);
    return e;
}
