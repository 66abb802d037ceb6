/* store.h: ordered keys on disk, one writer, many readers.  LMDB is inside and goes no further.
 *
 * Promises: default flags (a commit that returned OK survives kill -9 and power loss; a scratch store's does not); a
 * fresh store appears whole or not at all; opening one folder twice in a process is refused (ERR_BUSY); network file
 * systems are refused unless forced; files are 0600 in a 0700 folder; stale readers are cleared at open and by
 * store_maintain().
 * A store may be used by several processes and threads; a transaction belongs to the thread that began it.
 * Keys are 1 to 511 bytes, compared as bytes.  Values: keep them at most 2,000 bytes or just under n x 4,096 - 16.
 * Source of the traps avoided: docs/design.md, "What LMDB asks of us". */
#ifndef SVODKA_COMMON_STORE_H
#define SVODKA_COMMON_STORE_H

#include "common/buf.h"

#define STORE_KEY_MAX    511u
#define STORE_MAX_TABLES 40u

struct store;
struct store_txn;
struct store_cursor;

struct store_options {
    const char *const *tables; /* NULL-terminated names; all are opened (created) once, at open */
    uint64_t map_size;         /* a cap, not a reservation; 0: 4 GiB on 64 bit, 1 GiB on 32 bit */
    bool must_exist;           /* ERR_NOT_FOUND instead of creating */
    bool allow_network_fs;
    bool is_scratch; /* for what is thrown away when it is closed, and for nothing else: commits do not wait for the
                        disk, and after a power loss the store may be unreadable */
};

/* On failure *out is untouched.  ERR_CORRUPT: there is a store, but it does not open: nothing was changed.
 * ERR_BUSY: this process has it open already.  ERR_DENIED: wrong modes (group or others may read).
 * ERR_INVALID: a network or FUSE file system.  ERR_VERSION: a format of a later program.
 * After a fork the child cannot use it (ERR_INTERNAL; close does nothing there): it opens its own, or execs. */
MUST_CHECK enum err store_open(struct store **out, const char *dir, const struct store_options *o);
void store_close(struct store *s);

/* A writer waits for other writers (of all processes).  ERR_IO after a failed commit: the transaction did not
 * happen; begin again from the source.  When LMDB panics, or two commits in a row fail by the disk, the store reopens
 * itself at the next begin; ERR_BUSY then: other transactions of this process must end first.
 * A thread has at most one write transaction; keep it under 100,000 puts or 128 MiB where you can, and reads short:
 * what an open read can see is not reused, and the file grows. */
MUST_CHECK enum err store_begin_read(struct store *s, struct store_txn **out);
MUST_CHECK enum err store_begin_write(struct store *s, struct store_txn **out);
/* Ends it whatever it returns.  ERR_FULL: disk (statvfs says so) or map. */
MUST_CHECK enum err store_commit(struct store_txn *t);
void store_abort(struct store_txn *t); /* NULL does nothing; also ends a read */
/* When the file has reached the map's cap, or the disk has less than 1 MiB left, and little is free inside the file,
 * puts give ERR_FULL and only deletes go on, so that a full store can always be emptied.  This call lets the puts of
 * one write transaction use that last room too: for what frees more than it adds (a receipt, an erasure).
 * ERR_FULL from a transaction without ordinary puts: begin it again once, the store has made more room. */
void store_use_reserve(struct store_txn *t);

/* `table` is the index in store_options.tables.  Values are loans until the transaction's next write or end. */
MUST_CHECK enum err store_get(struct store_txn *t, unsigned table, struct bytes key, struct bytes *value);
/* After ERR_FULL the transaction can only be aborted. */
MUST_CHECK enum err store_put(struct store_txn *t, unsigned table, struct bytes key, struct bytes value);
/* The same for keys that only rise: ERR_INVALID when the key is not above the last one. */
MUST_CHECK enum err store_append(struct store_txn *t, unsigned table, struct bytes key, struct bytes value);
MUST_CHECK enum err store_delete(struct store_txn *t, unsigned table, struct bytes key); /* ERR_NOT_FOUND */
MUST_CHECK enum err store_clear(struct store_txn *t, unsigned table);
uint64_t store_count(struct store_txn *t, unsigned table);

/* In key order.  In a write transaction do not change the table while a cursor is on it.  A fresh cursor's next is the
 * first key and its prev the last.  Past either end next (prev) stays ERR_NOT_FOUND and prev (next) turns round.
 * The end of the transaction ends its cursors; they must still be closed. */
MUST_CHECK enum err store_cursor_open(struct store_txn *t, unsigned table, struct store_cursor **out);
void store_cursor_close(struct store_cursor *c);
/* First key >= from (len 0: the very first).  ERR_NOT_FOUND: none. */
MUST_CHECK enum err store_seek(struct store_cursor *c, struct bytes from, struct bytes *key, struct bytes *value);
MUST_CHECK enum err store_next(struct store_cursor *c, struct bytes *key, struct bytes *value);
MUST_CHECK enum err store_prev(struct store_cursor *c, struct bytes *key, struct bytes *value);
MUST_CHECK enum err store_last(struct store_cursor *c, struct bytes *key, struct bytes *value);
/* Greatest key below `before`. */
MUST_CHECK enum err store_seek_before(struct store_cursor *c, struct bytes before, struct bytes *key,
                                      struct bytes *value);

struct store_usage {
    uint64_t used_bytes; /* without the free pages inside the file */
    uint64_t map_bytes;  /* the cap */
    uint64_t disk_free_bytes;
    unsigned readers;    /* transactions that read right now, of all processes */
    uint64_t reader_lag; /* commits since the oldest of them began; what it pins cannot be reused */
};
MUST_CHECK enum err store_usage(struct store *s, struct store_usage *out);
/* Clears dead readers and warns of one that takes too long; call at start and every minute. */
void store_maintain(struct store *s);

#endif
