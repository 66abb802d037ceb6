#include "common/store.h"

#include "common/cli.h"
#include "common/log.h"
#include "common/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DATA_FILE  "data.mdb"
#define LOCK_FILE  "lock.mdb"
#define NEW_FOLDER "new" /* inside the store's folder, while a store is being created */

/* Store format 1: named tables, LMDB's own byte order of keys, and in FORMAT_TABLE the key "format" with the number as
 * four bytes, big-endian.  To change it: raise the number and keep reading the old one. */
#define FORMAT_TABLE   ".store"
#define FORMAT_KEY     "format"
#define STORE_FORMAT   1u
#define MAX_READERS    254u
#define LOCK_FILE_SIZE 8192  /* less than LMDB makes it */
#define MIN_DATA_SIZE  8192u /* two meta pages; LMDB would quietly fill a shorter file with an empty store */
#define NEARLY_FULL    (1u << 20)
#define MIN_RESERVE    (256u << 10)
#define MAX_RESERVE    (64u << 20)

/* The stores this process has open.  A second handle on the same folder would, when closed, drop the locks of the
 * first, and other processes would overwrite what our readers see.  So the process keeps a list. */
static pthread_mutex_t open_stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;

uint64_t store_reserve_bytes(const struct store *s)
{
    uint64_t reserve = s->map_size / 16;

    return reserve < MIN_RESERVE ? MIN_RESERVE : reserve > MAX_RESERVE ? MAX_RESERVE : reserve;
}

/* A full disk reaches us as EIO when LMDB's write was cut short. */
static bool disk_is_full(const char *dir)
{
    struct statvfs v;
    fsblkcnt_t blocks;

    if (statvfs(dir, &v) != 0)
        return false;
    blocks = geteuid() == 0 ? v.f_bfree : v.f_bavail;
    return (uint64_t)blocks * v.f_frsize < NEARLY_FULL;
}

static enum err from_errno(const char *dir, int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return err_errno(ERR_FULL, code, _("The disk that holds %s is full; nothing was stored"), dir);
    case EIO:
        if (disk_is_full(dir))
            return err_set(ERR_FULL, _("The disk that holds %s is full; nothing was stored."), dir);
        return err_errno(ERR_IO, code, _("The disk refused to read or write %s; nothing was changed"), dir);
    case ENOMEM: return err_set(ERR_NOMEM, _("There is not enough memory for the store %s."), dir);
    case EACCES:
    case EPERM:
    case EROFS: return err_errno(ERR_DENIED, code, _("The store %s cannot be opened for writing"), dir);
    case EAGAIN:
    case EBUSY: return err_set(ERR_BUSY, _("Another process holds the store %s; try again."), dir);
    default: return err_errno(ERR_IO, code, _("The store %s cannot be used"), dir);
    }
}

enum err store_from_mdb(const struct store *s, int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return OK;
    case MDB_NOTFOUND: return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
        return err_set(ERR_FULL, _("The store %s has reached its size limit of %llu MiB; nothing was stored."), s->dir,
                       (unsigned long long)(s->map_size >> 20));
    case MDB_TXN_FULL:
        return err_set(ERR_LIMIT, _("One transaction on the store %s changes too much; divide it."), s->dir);
    case MDB_READERS_FULL:
        return err_set(ERR_BUSY, _("Too many readers have the store %s open (at most %u)."), s->dir, MAX_READERS);
    case MDB_MAP_RESIZED:
    case MDB_PANIC: return err_set(ERR_IO, _("The store %s must be opened again after an earlier error."), s->dir);
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return err_set(ERR_CORRUPT, _("The store %s is damaged (%s); nothing was changed. Restore a backup."), s->dir,
                       mdb_strerror(rc));
    default:
        if (rc > 0)
            return from_errno(s->dir, rc);
        return err_set(ERR_INTERNAL, _("The store %s was used wrongly: %s."), s->dir, mdb_strerror(rc));
    }
}

/* ---- The folder ---- */

static int fsync_retry(int fd)
{
    int rc;

    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* Makes the folder's entry in its parent durable. */
static enum err fsync_parent(const char *dir)
{
    char *parent = NULL;
    enum err e = OK;
    int fd;

    if (asprintf(&parent, "%s/..", dir) < 0)
        return err_set(ERR_NOMEM, _("There is not enough memory for the store %s."), dir);
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync_retry(fd) != 0)
        e = from_errno(dir, errno);
    if (fd >= 0)
        (void)close(fd);
    free(parent);
    return e;
}

static bool is_network_fs(const struct statfs *f)
{
    static const uint32_t magics[] = {
        NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
        FUSE_SUPER_MAGIC, V9FS_MAGIC,      AFS_SUPER_MAGIC,  CODA_SUPER_MAGIC,
    };

    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if ((uint32_t)f->f_type == magics[i])
            return true;
    return false;
}

struct folder {
    int fd;
    dev_t dev;
    ino_t ino;
};

static enum err check_folder(const struct store *s, struct folder *folder)
{
    struct statfs f;
    struct stat st;

    if (fstat(folder->fd, &st) != 0 || fstatfs(folder->fd, &f) != 0)
        return from_errno(s->dir, errno);
    if ((st.st_mode & 077) != 0)
        return err_set(ERR_DENIED,
                       _("Others may enter the folder %s (mode %03o, expected 700); run \"chmod 700\" on it."), s->dir,
                       (unsigned)st.st_mode & 0777u);
    if (is_network_fs(&f) && !s->allow_network_fs)
        return err_set(ERR_INVALID,
                       _("The folder %s is on a network or FUSE file system, where a store is not safe; "
                         "choose a folder on a local disk."),
                       s->dir);
    folder->dev = st.st_dev;
    folder->ino = st.st_ino;
    return OK;
}

/* Opens the folder and holds it against other processes that create, open or reopen the store right now.  LMDB locks
 * the lock file only, so our lock on the folder meets none of its. */
static enum err hold_folder(const struct store *s, struct folder *out)
{
    struct folder folder = {open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0};
    enum err e;
    int rc;

    if (folder.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(ERR_NOT_FOUND, _("There is no store in %s."), s->dir);
    if (folder.fd < 0)
        return from_errno(s->dir, errno);
    do
        rc = flock(folder.fd, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    e = rc != 0 ? from_errno(s->dir, errno) : check_folder(s, &folder);
    if (e != OK) {
        (void)close(folder.fd);
        return e;
    }
    *out = folder;
    return OK;
}

/* ERR_NOT_FOUND without a sentence when the file is not there. */
static enum err check_file(const struct store *s, int dirfd, const char *name, uint64_t *size)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ERR_NOT_FOUND : from_errno(s->dir, errno);
    if (!S_ISREG(st.st_mode))
        return err_set(ERR_DENIED, _("%s/%s is not a plain file."), s->dir, name);
    if ((st.st_mode & 077) != 0)
        return err_set(ERR_DENIED, _("Others may read %s/%s (mode %03o, expected 600); run \"chmod 600\" on it."),
                       s->dir, name, (unsigned)st.st_mode & 0777u);
    *size = (uint64_t)st.st_size;
    return OK;
}

/* ---- The environment ---- */

/* LMDB's map: the cap, or what the file has grown to, and the reserve above it. */
static enum err map_bytes(const struct store *s, uint64_t file_size, size_t *out)
{
    uint64_t base = s->map_size > file_size ? s->map_size : file_size;
    uint64_t map = base + store_reserve_bytes(s);

    if (map > SIZE_MAX / 2)
        return err_set(ERR_LIMIT, _("The size limit of the store %s is too large for this computer."), s->dir);
    *out = (size_t)map;
    return OK;
}

static enum err open_env(const struct store *s, const char *path, uint64_t file_size, MDB_env **out)
{
    /* Default flags but for a scratch store: each other one loses data. */
    unsigned flags = MDB_NOTLS | (s->is_scratch ? MDB_NOSYNC : 0u);
    MDB_env *env = NULL;
    size_t map = 0;
    enum err e = map_bytes(s, file_size, &map);
    int rc;
    int fd;

    if (e != OK)
        return e;
    if ((rc = mdb_env_create(&env)) != 0)
        return store_from_mdb(s, rc);
    if ((rc = mdb_env_set_mapsize(env, map)) != 0 || (rc = mdb_env_set_maxreaders(env, MAX_READERS)) != 0 ||
        (rc = mdb_env_set_maxdbs(env, STORE_MAX_TABLES + 1)) != 0 || (rc = mdb_env_open(env, path, flags, 0600)) != 0)
        goto close_env;
    /* A program started by this one must not inherit an open data file. */
    if ((rc = mdb_env_get_fd(env, &fd)) != 0)
        goto close_env;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        rc = errno;
        goto close_env;
    }
    *out = env;
    return OK;

close_env:
    mdb_env_close(env);
    return store_from_mdb(s, rc);
}

static int put_format(MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t number[4];
    char name[] = FORMAT_KEY;
    MDB_val key = {sizeof(name) - 1, name};
    MDB_val value = {sizeof(number), number};

    be32_put(number, STORE_FORMAT);
    return mdb_put(txn, dbi, &key, &value, 0);
}

static enum err check_format(const struct store *s, MDB_txn *txn)
{
    char name[] = FORMAT_KEY;
    MDB_val key = {sizeof(name) - 1, name};
    MDB_val value;
    MDB_dbi dbi;
    int rc;

    if ((rc = mdb_dbi_open(txn, FORMAT_TABLE, 0, &dbi)) == 0)
        rc = mdb_get(txn, dbi, &key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && value.mv_size != 4))
        return err_set(ERR_CORRUPT, _("The folder %s holds a database that is not ours; nothing was changed."), s->dir);
    if (rc != 0)
        return store_from_mdb(s, rc);
    if (be32_get(value.mv_data) != STORE_FORMAT)
        return err_set(ERR_VERSION, _("The store %s has format %u; this program knows format %u."), s->dir,
                       be32_get(value.mv_data), STORE_FORMAT);
    return OK;
}

/* *missing: how many of them are not there (and then not opened). */
static int open_handles(struct store *s, MDB_txn *txn, unsigned flags, unsigned *missing)
{
    int rc = 0;

    *missing = 0;
    for (unsigned i = 0; i < s->table_count && rc == 0; i++)
        if ((rc = mdb_dbi_open(txn, s->tables[i], flags, &s->dbi[i])) == MDB_NOTFOUND) {
            ++*missing;
            rc = 0;
        }
    return rc;
}

/* A handle lives only if the transaction that opened it commits, so all are opened in one. */
static enum err create_tables(struct store *s, MDB_env *env, bool is_new)
{
    MDB_txn *txn = NULL;
    MDB_dbi format;
    unsigned missing;
    int rc = mdb_txn_begin(env, NULL, 0, &txn);

    if (rc != 0)
        return store_from_mdb(s, rc);
    if (is_new && (rc = mdb_dbi_open(txn, FORMAT_TABLE, MDB_CREATE, &format)) == 0)
        rc = put_format(txn, format);
    if (rc == 0)
        rc = open_handles(s, txn, MDB_CREATE, &missing);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return store_from_mdb(s, rc);
    }
    return store_from_mdb(s, mdb_txn_commit(txn));
}

/* A table that an older program did not know is missing; but when there is a name that nobody gave, then a name was
 * damaged, and to create the table anew would hide all that is in it. */
static enum err check_names(const struct store *s, MDB_txn *txn, unsigned missing)
{
    MDB_stat stat;
    MDB_dbi names;
    int rc = mdb_dbi_open(txn, NULL, 0, &names);

    if (rc != 0 || (rc = mdb_stat(txn, names, &stat)) != 0)
        return store_from_mdb(s, rc);
    return stat.ms_entries == s->table_count - missing + 1 ? OK : store_from_mdb(s, MDB_CORRUPTED);
}

/* Tries a read transaction first: who only wants to look does not wait for another process's long import. */
static enum err open_tables(struct store *s, MDB_env *env)
{
    MDB_txn *txn = NULL;
    unsigned missing = 0;
    enum err e;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    if (rc != 0)
        return store_from_mdb(s, rc);
    e = check_format(s, txn);
    if (e == OK && (e = store_from_mdb(s, open_handles(s, txn, 0, &missing))) == OK && missing > 0)
        e = check_names(s, txn, missing);
    if (e == OK && missing == 0)
        return store_from_mdb(s, mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return e == OK ? create_tables(s, env, false) : e;
}

/* LMDB's lock file is sparse and mapped: on a full disk touching it would kill the process.  So its first pages get
 * their place before LMDB opens it (never later: closing our descriptor would drop LMDB's locks). */
static enum err reserve_lock_file(const struct store *s, int dirfd)
{
    int fd = openat(dirfd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum err e = OK;

    if (fd < 0)
        return from_errno(s->dir, errno);
    if (fallocate(fd, 0, 0, LOCK_FILE_SIZE) != 0 && (errno == ENOSPC || errno == EDQUOT))
        e = from_errno(s->dir, errno);
    (void)close(fd);
    return e;
}

/* Opens what is there into s->env. */
static enum err open_existing(struct store *s, int dirfd)
{
    MDB_env *env = NULL;
    MDB_envinfo info;
    MDB_stat stat;
    uint64_t size = 0;
    int dead = 0;
    enum err e = check_file(s, dirfd, LOCK_FILE, &size);

    if (e == OK || e == ERR_NOT_FOUND)
        e = check_file(s, dirfd, DATA_FILE, &size);
    if (e == ERR_NOT_FOUND)
        return err_set(ERR_NOT_FOUND, _("There is no store in %s."), s->dir);
    if (e != OK)
        return e;
    if (size < MIN_DATA_SIZE)
        return err_set(ERR_CORRUPT, _("The store %s is cut short; nothing was changed. Restore a backup."), s->dir);
    if ((e = reserve_lock_file(s, dirfd)) != OK || (e = open_env(s, s->dir, size, &env)) != OK)
        return e;
    store_guard_add(s, env);
    (void)mdb_env_info(env, &info);
    (void)mdb_env_stat(env, &stat);
    if (size < ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize && (e = store_check_short_file(s, env)) != OK)
        goto close_env;
    if ((e = open_tables(s, env)) != OK)
        goto close_env;
    if (mdb_reader_check(env, &dead) == 0 && dead > 0)
        log_notice("store %s: cleared %d readers of processes that are gone", s->dir, dead);
    store_guard_narrow(s, env);
    s->env = env;
    s->page_size = stat.ms_psize;
    return OK;

close_env:
    store_guard_remove(s);
    mdb_env_close(env);
    return e;
}

/* ---- Creating ---- */

static void remove_unfinished(int dirfd)
{
    (void)unlinkat(dirfd, NEW_FOLDER "/" DATA_FILE, 0);
    (void)unlinkat(dirfd, NEW_FOLDER "/" LOCK_FILE, 0);
    (void)unlinkat(dirfd, NEW_FOLDER, AT_REMOVEDIR);
}

static enum err write_new_store(struct store *s)
{
    MDB_env *env = NULL;
    char *path = NULL;
    enum err e;

    if (asprintf(&path, "%s/%s", s->dir, NEW_FOLDER) < 0)
        return from_errno(s->dir, ENOMEM);
    e = open_env(s, path, 0, &env);
    free(path);
    if (e != OK)
        return e;
    e = create_tables(s, env, true);
    mdb_env_close(env);
    return e;
}

/* LMDB's first writes are the only ones a crash can leave unreadable.  So they happen under another name, and the
 * data file appears by a rename when it is whole and on disk. */
static enum err create_store(struct store *s, int dirfd)
{
    enum err e;
    int fd;

    remove_unfinished(dirfd);
    if (mkdirat(dirfd, NEW_FOLDER, 0700) != 0)
        return from_errno(s->dir, errno);
    if ((e = write_new_store(s)) != OK)
        goto remove;
    fd = openat(dirfd, NEW_FOLDER "/" DATA_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync_retry(fd) != 0)
        e = from_errno(s->dir, errno);
    if (fd >= 0)
        (void)close(fd);
    if (e == OK && renameat(dirfd, NEW_FOLDER "/" DATA_FILE, dirfd, DATA_FILE) != 0)
        e = from_errno(s->dir, errno);
    if (e == OK && fsync_retry(dirfd) != 0)
        e = from_errno(s->dir, errno);
remove:
    remove_unfinished(dirfd);
    return e;
}

/* ---- Opening and closing ---- */

static void free_store(struct store *s)
{
    for (unsigned i = 0; i < s->table_count; i++)
        free(s->tables[i]);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->dir);
    free(s);
}

/* NULL: *why tells. */
static struct store *new_store(const char *dir, const struct store_options *o, enum err *why)
{
    struct store *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        *why = from_errno(dir, ENOMEM);
        return NULL;
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    s->pid = getpid();
    s->map_size = o->map_size != 0 ? o->map_size : sizeof(void *) >= 8 ? (uint64_t)4 << 30 : (uint64_t)1 << 30;
    s->allow_network_fs = o->allow_network_fs;
    s->is_scratch = o->is_scratch;
    if ((s->dir = strdup(dir)) == NULL)
        goto no_memory;
    for (unsigned i = 0; o->tables != NULL && o->tables[i] != NULL; i++) {
        if (i == STORE_MAX_TABLES) {
            *why = err_set(ERR_INTERNAL, _("The store %s is asked for more than %u tables."), dir, STORE_MAX_TABLES);
            free_store(s);
            return NULL;
        }
        if ((s->tables[i] = strdup(o->tables[i])) == NULL)
            goto no_memory;
        s->table_count++;
    }
    return s;

no_memory:
    *why = from_errno(dir, ENOMEM);
    free_store(s);
    return NULL;
}

static enum err refuse_second(const struct store *s)
{
    for (const struct store *other = open_stores; other != NULL; other = other->next)
        if (other->pid == s->pid && other->dev == s->dev && other->ino == s->ino) /* not what a parent has open */
            return err_set(ERR_BUSY, _("This program has the store %s open already."), s->dir);
    return OK;
}

/* open_stores_lock is held. */
static enum err open_or_create(struct store *s, bool must_exist)
{
    bool made_folder = false;
    uint64_t size;
    struct folder folder = {-1, 0, 0};
    enum err e;

    if (!must_exist && mkdir(s->dir, 0700) == 0)
        made_folder = true;
    else if (!must_exist && errno != EEXIST)
        return from_errno(s->dir, errno);
    if (made_folder && (e = fsync_parent(s->dir)) != OK)
        goto remove_folder;
    if ((e = hold_folder(s, &folder)) != OK)
        goto remove_folder;
    s->dev = folder.dev;
    s->ino = folder.ino;
    e = refuse_second(s);
    if (e == OK && !must_exist && (e = check_file(s, folder.fd, DATA_FILE, &size)) == ERR_NOT_FOUND)
        e = create_store(s, folder.fd);
    if (e == OK)
        e = open_existing(s, folder.fd);
    (void)close(folder.fd);
    if (e == OK)
        return OK;
remove_folder:
    if (made_folder)
        (void)rmdir(s->dir);
    return e;
}

enum err store_open(struct store **out, const char *dir, const struct store_options *o)
{
    enum err e = OK;
    struct store *s = new_store(dir, o, &e);

    if (s == NULL)
        return e;
    (void)pthread_mutex_lock(&open_stores_lock);
    if ((e = open_or_create(s, o->must_exist)) == OK) {
        s->next = open_stores;
        open_stores = s;
    }
    (void)pthread_mutex_unlock(&open_stores_lock);
    if (e != OK) {
        free_store(s);
        return e;
    }
    *out = s;
    return OK;
}

void store_close(struct store *s)
{
    if (s == NULL || getpid() != s->pid) /* a forked child must not touch LMDB: it would harm the parent's locks */
        return;
    (void)pthread_mutex_lock(&open_stores_lock);
    for (struct store **at = &open_stores; *at != NULL; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    store_guard_remove(s);
    if (s->env != NULL)
        mdb_env_close(s->env);
    (void)pthread_mutex_unlock(&open_stores_lock);
    free_store(s);
}

/* s->lock is held and nobody uses s->env. */
static enum err reopen(struct store *s)
{
    struct folder folder = {-1, 0, 0};
    enum err e;

    store_guard_remove(s);
    if (s->env != NULL)
        mdb_env_close(s->env);
    s->env = NULL;
    if ((e = hold_folder(s, &folder)) == OK) {
        if (s->dev != folder.dev || s->ino != folder.ino)
            e = err_set(ERR_IO, _("The folder %s was replaced by another while the store was open."), s->dir);
        else
            e = open_existing(s, folder.fd);
        (void)close(folder.fd);
    }
    if (e != OK) {
        log_error("store %s: cannot be opened again: %s", s->dir, err_text());
        return e;
    }
    log_warning("store %s: opened again; what was committed is there", s->dir);
    s->must_reopen = false;
    s->failed_commits = 0;
    return OK;
}

enum err store_enter(struct store *s)
{
    enum err e = OK;

    if (getpid() != s->pid)
        return err_set(ERR_INTERNAL, _("The store %s was opened before a fork; the child must open it itself."),
                       s->dir);
    (void)pthread_mutex_lock(&s->lock);
    if (s->must_reopen || s->env == NULL) {
        if (s->live > 0)
            e = err_set(ERR_BUSY, _("The store %s must be opened again, but other transactions are open; try again."),
                        s->dir);
        else
            e = reopen(s);
    }
    if (e == OK)
        s->live++;
    (void)pthread_mutex_unlock(&s->lock);
    return e;
}

void store_leave(struct store *s, int rc)
{
    (void)pthread_mutex_lock(&s->lock);
    s->live--;
    if (rc == MDB_PANIC || rc == MDB_MAP_RESIZED)
        s->must_reopen = true;
    (void)pthread_mutex_unlock(&s->lock);
}
