#include "common/store.h"

#include "common/cli.h"
#include "common/log.h"
#include "common/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Two commits in a row that fail by the disk: what LMDB believes is no longer taken for granted. */
#define FAILED_COMMITS_BEFORE_REOPEN 2u
#define LONG_READ                    1000u      /* commits */
#define DISK_KEPT_FREE               (1u << 20) /* below it only deletes and what may use the reserve go on */

struct store_txn {
    struct store *store;
    MDB_txn *txn;
    struct store_cursor *cursors;
    bool is_write;
    bool may_use_reserve;
    int no_room;     /* LMDB's word for what is full, or 0: then only deletes and the reserve's users go on */
    bool has_put;    /* into the ordinary room, not the reserve */
    enum err failed; /* the first error that spoiled the transaction; it can only be aborted */
    int failed_rc;   /* the same in LMDB's words */
};

enum cursor_place { CURSOR_FRESH, CURSOR_ON, CURSOR_BEFORE_FIRST, CURSOR_AFTER_LAST };

struct store_cursor {
    struct store_txn *txn; /* NULL: the transaction has ended */
    struct store_cursor *prev, *next;
    MDB_cursor *cursor;
    enum cursor_place place;
};

/* LMDB's struct has no const, but it does not write through a key or a value it is given. */
static MDB_val to_val(struct bytes b)
{
    static const uint8_t nothing;
    union {
        const void *loan;
        void *lmdb;
    } p = {b.len == 0 ? &nothing : b.p};
    MDB_val v = {b.len, p.lmdb};

    return v;
}

static struct bytes from_val(const MDB_val *v)
{
    return bytes_of(v->mv_data, v->mv_size);
}

/* ---- Transactions ---- */

/* LMDB shows its list of free pages to readers only. */
static int count_free_pages(MDB_env *env, uint64_t *pages)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    uint64_t sum = 0;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    if (rc != 0)
        return rc;
    if ((rc = mdb_cursor_open(txn, 0, &cursor)) == 0) {
        while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
            size_t count = 0;

            if (value.mv_size >= sizeof(count))
                memcpy(&count, value.mv_data, sizeof(count));
            sum += count;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    *pages = sum;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Is there room for more than deletes?  Not when the disk is as good as full or the file stands at the cap, unless
 * enough pages inside the file are free.  Deleting must stay possible, and LMDB needs fresh pages even for that. */
static int look_at_room(const struct store *s, int *no_room)
{
    uint64_t wanted = 0; /* free bytes inside the file */
    uint64_t free_pages = 0;
    MDB_envinfo info;
    struct statvfs v;
    int rc = mdb_env_info(s->env, &info);
    int full = 0;

    if (statvfs(s->dir, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < DISK_KEPT_FREE) {
        full = ENOSPC;
        wanted = DISK_KEPT_FREE;
    }
    if (rc == 0 && info.me_last_pgno + 1 >= s->map_size / s->page_size) {
        full = MDB_MAP_FULL;
        wanted = store_reserve_bytes(s);
    }
    if (rc == 0 && full != 0)
        rc = count_free_pages(s->env, &free_pages);
    *no_room = free_pages * s->page_size < wanted ? full : 0;
    return rc;
}

/* LMDB would wait for itself for ever. */
static enum err refuse_second_writer(struct store *s)
{
    bool is_mine;

    (void)pthread_mutex_lock(&s->lock);
    is_mine = s->has_writer && pthread_equal(s->writer, pthread_self());
    (void)pthread_mutex_unlock(&s->lock);
    return is_mine ? err_set(ERR_INTERNAL, _("This thread is writing to the store %s already."), s->dir) : OK;
}

static int begin_mdb(struct store_txn *t)
{
    struct store *s = t->store;
    int rc = mdb_txn_begin(s->env, NULL, t->is_write ? 0 : MDB_RDONLY, &t->txn);

    if (rc != 0 || !t->is_write)
        return rc;
    if ((rc = look_at_room(s, &t->no_room)) != 0) {
        mdb_txn_abort(t->txn);
        return rc;
    }
    (void)pthread_mutex_lock(&s->lock);
    s->has_writer = true;
    s->writer = pthread_self();
    (void)pthread_mutex_unlock(&s->lock);
    return 0;
}

static enum err begin(struct store *s, bool is_write, struct store_txn **out)
{
    struct store_txn *t;
    enum err e;
    int rc;

    if (is_write && (e = refuse_second_writer(s)) != OK)
        return e;
    if ((t = calloc(1, sizeof(*t))) == NULL)
        return store_from_mdb(s, ENOMEM);
    t->store = s;
    t->is_write = is_write;
    for (bool is_second = false;; is_second = true) {
        if ((e = store_enter(s)) != OK)
            goto free_txn;
        if ((rc = begin_mdb(t)) == 0)
            break;
        store_leave(s, rc);
        if ((rc == MDB_PANIC || rc == MDB_MAP_RESIZED) && !is_second)
            continue; /* entering again reopens it */
        e = store_from_mdb(s, rc);
        goto free_txn;
    }
    *out = t;
    return OK;

free_txn:
    free(t);
    return e;
}

enum err store_begin_read(struct store *s, struct store_txn **out)
{
    return begin(s, false, out);
}

enum err store_begin_write(struct store *s, struct store_txn **out)
{
    return begin(s, true, out);
}

void store_use_reserve(struct store_txn *t)
{
    t->may_use_reserve = true;
}

/* LMDB frees a write transaction's cursors with it, a read transaction's not: ours all end here. */
static void end_cursors(struct store_txn *t)
{
    for (struct store_cursor *c = t->cursors; c != NULL; c = c->next) {
        mdb_cursor_close(c->cursor);
        c->cursor = NULL;
        c->txn = NULL;
    }
    t->cursors = NULL;
}

/* While LMDB's own lock is still held: afterwards the mark may be the next writer's. */
static void unmark_writer(const struct store_txn *t)
{
    struct store *s = t->store;

    if (!t->is_write)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->has_writer = false;
    (void)pthread_mutex_unlock(&s->lock);
}

/* What LMDB's last word about a write transaction means for the next one. */
static void note_outcome(const struct store_txn *t, int rc, enum err e, bool is_commit)
{
    struct store *s = t->store;

    (void)pthread_mutex_lock(&s->lock);
    if (rc == 0 && is_commit)
        s->failed_commits = 0;
    else if (e == ERR_IO)
        s->failed_commits++;
    /* After MDB_MAP_FULL the store opens again with more room: deleting must always be possible. */
    if (s->failed_commits >= FAILED_COMMITS_BEFORE_REOPEN || (rc == MDB_MAP_FULL && !t->has_put))
        s->must_reopen = true;
    (void)pthread_mutex_unlock(&s->lock);
}

enum err store_commit(struct store_txn *t)
{
    struct store *s = t->store;
    enum err e = t->failed;
    int rc;

    if (getpid() != s->pid)
        return store_enter(s); /* says why not; the transaction is the parent's */
    if (e != OK || !t->is_write) {
        store_abort(t);
        return e;
    }
    end_cursors(t);
    unmark_writer(t);
    rc = mdb_txn_commit(t->txn);
    e = store_from_mdb(s, rc);
    note_outcome(t, rc, e, true);
    store_leave(s, rc);
    free(t);
    return e;
}

void store_abort(struct store_txn *t)
{
    if (t == NULL || getpid() != t->store->pid)
        return;
    end_cursors(t);
    unmark_writer(t);
    mdb_txn_abort(t->txn);
    note_outcome(t, t->failed_rc, t->failed, false);
    store_leave(t->store, t->failed_rc);
    free(t);
}

/* ---- Records ---- */

/* After any other error than these LMDB lets a transaction only be aborted. */
static enum err check_change(struct store_txn *t, int rc)
{
    enum err e = store_from_mdb(t->store, rc);

    if (rc != 0 && rc != MDB_NOTFOUND && rc != MDB_KEYEXIST && t->failed == OK) {
        t->failed = e;
        t->failed_rc = rc;
    }
    return e;
}

static enum err check_key(const struct store_txn *t, struct bytes key)
{
    if (key.len == 0)
        return err_set(ERR_INVALID, _("An empty key is not allowed in the store %s."), t->store->dir);
    if (key.len > STORE_KEY_MAX)
        return err_set(ERR_LIMIT, _("A key of %zu bytes is too long for the store %s (at most %u)."), key.len,
                       t->store->dir, STORE_KEY_MAX);
    return OK;
}

enum err store_get(struct store_txn *t, unsigned table, struct bytes key, struct bytes *value)
{
    MDB_val k = to_val(key);
    MDB_val v;
    enum err e;
    int rc;

    assert(table < t->store->table_count);
    if ((e = t->failed) != OK || (e = check_key(t, key)) != OK)
        return e;
    if ((rc = mdb_get(t->txn, t->store->dbi[table], &k, &v)) != 0)
        return store_from_mdb(t->store, rc);
    *value = from_val(&v);
    return OK;
}

static enum err put(struct store_txn *t, unsigned table, struct bytes key, struct bytes value, unsigned flags)
{
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);
    enum err e;
    int rc;

    assert(t->is_write && table < t->store->table_count);
    if ((e = t->failed) != OK || (e = check_key(t, key)) != OK)
        return e;
    if (value.len > UINT32_MAX)
        return err_set(ERR_LIMIT, _("A value of %zu bytes is too long for the store %s."), value.len, t->store->dir);
    if (t->no_room != 0 && !t->may_use_reserve)
        return t->failed = store_from_mdb(t->store, t->no_room);
    if (!t->may_use_reserve)
        t->has_put = true;
    rc = mdb_put(t->txn, t->store->dbi[table], &k, &v, flags);
    if (rc == MDB_KEYEXIST)
        return err_set(ERR_INVALID, _("A key was to be appended to the store %s, but does not stand after the last."),
                       t->store->dir);
    return check_change(t, rc);
}

enum err store_put(struct store_txn *t, unsigned table, struct bytes key, struct bytes value)
{
    return put(t, table, key, value, 0);
}

enum err store_append(struct store_txn *t, unsigned table, struct bytes key, struct bytes value)
{
    return put(t, table, key, value, MDB_APPEND);
}

enum err store_delete(struct store_txn *t, unsigned table, struct bytes key)
{
    MDB_val k = to_val(key);
    enum err e;

    assert(t->is_write && table < t->store->table_count);
    if ((e = t->failed) != OK || (e = check_key(t, key)) != OK)
        return e;
    return check_change(t, mdb_del(t->txn, t->store->dbi[table], &k, NULL));
}

enum err store_clear(struct store_txn *t, unsigned table)
{
    assert(t->is_write && table < t->store->table_count);
    if (t->failed != OK)
        return t->failed;
    return check_change(t, mdb_drop(t->txn, t->store->dbi[table], 0));
}

uint64_t store_count(struct store_txn *t, unsigned table)
{
    MDB_stat stat;

    assert(table < t->store->table_count);
    if (t->failed != OK || mdb_stat(t->txn, t->store->dbi[table], &stat) != 0)
        return 0;
    return stat.ms_entries;
}

/* ---- Cursors ---- */

enum err store_cursor_open(struct store_txn *t, unsigned table, struct store_cursor **out)
{
    struct store_cursor *c;
    int rc;

    assert(table < t->store->table_count);
    if (t->failed != OK)
        return t->failed;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return store_from_mdb(t->store, ENOMEM);
    if ((rc = mdb_cursor_open(t->txn, t->store->dbi[table], &c->cursor)) != 0) {
        free(c);
        return store_from_mdb(t->store, rc);
    }
    c->txn = t;
    c->next = t->cursors;
    if (c->next != NULL)
        c->next->prev = c;
    t->cursors = c;
    *out = c;
    return OK;
}

void store_cursor_close(struct store_cursor *c)
{
    if (c == NULL)
        return;
    if (c->txn != NULL) {
        if (c->prev != NULL)
            c->prev->next = c->next;
        else
            c->txn->cursors = c->next;
        if (c->next != NULL)
            c->next->prev = c->prev;
        mdb_cursor_close(c->cursor);
    }
    free(c);
}

/* `if_none`: where the cursor stands when LMDB finds nothing that way. */
static enum err move(struct store_cursor *c, MDB_cursor_op op, MDB_val *k, struct bytes *key, struct bytes *value,
                     enum cursor_place if_none)
{
    MDB_val v;
    int rc;

    if (c->txn == NULL)
        return err_set(ERR_INTERNAL, _("A cursor was used after its transaction had ended."));
    if (c->txn->failed != OK)
        return c->txn->failed;
    rc = mdb_cursor_get(c->cursor, k, &v, op);
    if (rc == 0) {
        c->place = CURSOR_ON;
        *key = from_val(k);
        *value = from_val(&v);
        return OK;
    }
    c->place = if_none;
    return store_from_mdb(c->txn->store, rc);
}

enum err store_seek(struct store_cursor *c, struct bytes from, struct bytes *key, struct bytes *value)
{
    MDB_val k = to_val(from);

    if (from.len > STORE_KEY_MAX)
        return err_set(ERR_LIMIT, _("A key of %zu bytes is too long for a store (at most %u)."), from.len,
                       STORE_KEY_MAX);
    return move(c, from.len == 0 ? MDB_FIRST : MDB_SET_RANGE, &k, key, value, CURSOR_AFTER_LAST);
}

enum err store_next(struct store_cursor *c, struct bytes *key, struct bytes *value)
{
    MDB_val k = {0, NULL};

    switch (c->place) {
    case CURSOR_ON: return move(c, MDB_NEXT, &k, key, value, CURSOR_AFTER_LAST);
    case CURSOR_FRESH:
    case CURSOR_BEFORE_FIRST: return move(c, MDB_FIRST, &k, key, value, CURSOR_AFTER_LAST);
    case CURSOR_AFTER_LAST: return ERR_NOT_FOUND;
    }
    return ERR_INTERNAL;
}

enum err store_prev(struct store_cursor *c, struct bytes *key, struct bytes *value)
{
    MDB_val k = {0, NULL};

    switch (c->place) {
    case CURSOR_ON: return move(c, MDB_PREV, &k, key, value, CURSOR_BEFORE_FIRST);
    case CURSOR_FRESH:
    case CURSOR_AFTER_LAST: return store_last(c, key, value);
    case CURSOR_BEFORE_FIRST: return ERR_NOT_FOUND;
    }
    return ERR_INTERNAL;
}

enum err store_last(struct store_cursor *c, struct bytes *key, struct bytes *value)
{
    MDB_val k = {0, NULL};

    return move(c, MDB_LAST, &k, key, value, CURSOR_BEFORE_FIRST);
}

enum err store_seek_before(struct store_cursor *c, struct bytes before, struct bytes *key, struct bytes *value)
{
    MDB_val k = {0, NULL};
    struct bytes at;
    struct bytes unused;
    enum err e;

    if (before.len == 0) {
        c->place = CURSOR_BEFORE_FIRST;
        return ERR_NOT_FOUND;
    }
    if ((e = store_seek(c, before, &at, &unused)) == ERR_NOT_FOUND)
        return store_last(c, key, value);
    if (e != OK)
        return e;
    return move(c, MDB_PREV, &k, key, value, CURSOR_BEFORE_FIRST);
}

/* ---- Looking after it ---- */

struct reader_sum {
    unsigned count;
    uint64_t oldest; /* transaction */
};

/* LMDB offers its reader table as lines only: "pid thread txnid", the last a "-" between two reads. */
static int add_reader(const char *line, void *cookie)
{
    struct reader_sum *sum = cookie;
    unsigned long long txnid;
    char *end;
    char *txnid_end;

    (void)strtol(line, &end, 10);
    if (end == line) /* the heading */
        return 0;
    (void)strtoull(end, &end, 16);
    txnid = strtoull(end, &txnid_end, 10);
    if (txnid_end != end && strchr(end, '-') == NULL) {
        sum->count++;
        if (txnid < sum->oldest)
            sum->oldest = txnid;
    }
    return 0;
}

/* How many read right now, and how many commits ago the oldest of them began. */
static void look_at_readers(const struct store *s, unsigned *count, uint64_t *lag)
{
    struct reader_sum readers = {0, UINT64_MAX};
    MDB_envinfo info;

    *count = 0;
    *lag = 0;
    if (mdb_reader_list(s->env, add_reader, &readers) < 0 || mdb_env_info(s->env, &info) != 0)
        return;
    *count = readers.count;
    if (readers.count > 0 && info.me_last_txnid > readers.oldest)
        *lag = info.me_last_txnid - readers.oldest;
}

enum err store_usage(struct store *s, struct store_usage *out)
{
    struct store_usage usage = {0};
    struct statvfs v;
    MDB_envinfo info;
    uint64_t free_pages = 0;
    enum err e = store_enter(s);
    int rc;

    if (e != OK)
        return e;
    if ((rc = count_free_pages(s->env, &free_pages)) != 0 || (rc = mdb_env_info(s->env, &info)) != 0)
        goto leave;
    if (statvfs(s->dir, &v) != 0) {
        rc = errno;
        goto leave;
    }
    usage.used_bytes = (info.me_last_pgno + 1 - free_pages) * s->page_size;
    usage.map_bytes = s->map_size;
    usage.disk_free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    look_at_readers(s, &usage.readers, &usage.reader_lag);
    *out = usage;
leave:
    e = store_from_mdb(s, rc);
    store_leave(s, rc);
    return e;
}

void store_maintain(struct store *s)
{
    uint64_t lag = 0;
    unsigned readers = 0;
    int dead = 0;

    if (store_enter(s) != OK) {
        log_warning("store %s: not looked after: %s", s->dir, err_text());
        return;
    }
    if (mdb_reader_check(s->env, &dead) == 0 && dead > 0)
        log_notice("store %s: cleared %d readers of processes that are gone", s->dir, dead);
    look_at_readers(s, &readers, &lag);
    if (lag > LONG_READ)
        log_warning("store %s: a reader has been at it for %llu commits; until it ends the file grows", s->dir,
                    (unsigned long long)lag);
    store_leave(s, 0);
}
