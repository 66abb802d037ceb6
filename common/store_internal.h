/* store_internal.h: what store.c (folder, creation, opening) and store_txn.c (transactions, records) share. */
#ifndef SVODKA_COMMON_STORE_INTERNAL_H
#define SVODKA_COMMON_STORE_INTERNAL_H

#include "common/store.h"

#include <lmdb.h>
#include <pthread.h>
#include <sys/types.h>

struct store {
    struct store *next; /* in the process's list of open stores */
    char *dir;
    dev_t dev; /* of the folder: whatever path leads to it, it is the same store */
    ino_t ino;
    pid_t pid; /* that opened it */
    char *tables[STORE_MAX_TABLES];
    unsigned table_count;
    uint64_t map_size; /* the cap the caller knows; LMDB's map is larger by the reserve */
    bool allow_network_fs;
    bool is_scratch;

    pthread_mutex_t lock; /* guards what follows; never held while LMDB waits for another writer */
    MDB_env *env;         /* NULL when reopening failed; the next begin tries again */
    MDB_dbi dbi[STORE_MAX_TABLES];
    unsigned page_size;
    unsigned live; /* users of env: it is not closed under them */
    bool must_reopen;
    unsigned failed_commits; /* in a row, by input/output errors */
    bool has_writer;
    pthread_t writer;
};

/* Room above the cap that only deletes and store_use_reserve() may fill: LMDB needs free pages even to delete. */
uint64_t store_reserve_bytes(const struct store *s);

/* Counts a user of s->env, reopening it first when an earlier error asks for that; store_leave() ends the use.
 * `rc` is LMDB's word about what was tried: MDB_PANIC and MDB_MAP_RESIZED ask for reopening. */
MUST_CHECK enum err store_enter(struct store *s);
void store_leave(struct store *s, int rc);

/* store_damage.c: from here on a fault ends the process with a sentence and exit code 1: while the store is being
 * opened any fault, afterwards one inside the mapped file. */
void store_guard_add(const struct store *s, MDB_env *env);
void store_guard_narrow(const struct store *s, MDB_env *env);
void store_guard_remove(const struct store *s); /* before the environment is closed */

/* For a data file shorter than its last page.  ERR_CORRUPT: it was cut. */
MUST_CHECK enum err store_check_short_file(const struct store *s, MDB_env *env);

/* The one place where LMDB's codes become ours, with their sentence (none for ERR_NOT_FOUND: it is no mishap). */
enum err store_from_mdb(const struct store *s, int rc);

#endif
