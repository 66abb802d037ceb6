/* session_internal.h: rows of T_SESSIONS, for session*.c alone.
 *
 * "s" | id                -> locked: the session (session.c)
 * "b" | id                -> locked: records that wait in it: (length u32 | bytes) each
 * "a" | id | digest 16    -> nothing, or the id (20 bytes) under which the hub holds it: an answer that has left
 * "m" | id | mark 16      -> nothing: a sheet that was taken in; until the session is closed
 * Keys sort by what nobody can guess, so their order tells nothing. */
#ifndef SVODKA_AGENT_SESSION_INTERNAL_H
#define SVODKA_AGENT_SESSION_INTERNAL_H

#include "agent/session.h"

enum session_row { ROW_SESSION = 's', ROW_BLOCK = 'b', ROW_ANSWER = 'a', ROW_MARK = 'm' };
#define ROW_TAIL    16u /* digest, mark */
#define ROW_KEY_MAX (1u + SESSION_ID_BYTES + ROW_TAIL)

/* `tail` NULL: none. */
struct bytes session_key(uint8_t raw[ROW_KEY_MAX], enum session_row kind, const uint8_t id[SESSION_ID_BYTES],
                         const uint8_t *tail);
MUST_CHECK enum err session_row_get(const struct agent *a, struct store_txn *t, const uint8_t id[SESSION_ID_BYTES],
                                    struct session *out);
MUST_CHECK enum err session_row_put(const struct agent *a, struct store_txn *t, const struct session *s);
/* The next one after `after` (NULL: the first).  ERR_NOT_FOUND. */
MUST_CHECK enum err session_row_next(const struct agent *a, struct store_txn *t, const uint8_t *after,
                                     struct session *out);
/* Appends what waits to the pool. */
MUST_CHECK enum err session_block_get(const struct agent *a, struct store_txn *t, const uint8_t id[SESSION_ID_BYTES],
                                      struct session_pool *out);
/* An empty pool: no row. */
MUST_CHECK enum err session_block_put(const struct agent *a, struct store_txn *t, const uint8_t id[SESSION_ID_BYTES],
                                      const struct session_pool *p);
/* All rows of a kind of this session, in the order of their keys; not to be changed meanwhile. */
MUST_CHECK enum err session_rows_each(struct store_txn *t, enum session_row kind, const uint8_t id[SESSION_ID_BYTES],
                                      enum err (*each)(void *ctx, const uint8_t *tail, struct bytes value), void *ctx);
MUST_CHECK enum err session_rows_drop(struct store_txn *t, enum session_row kind, const uint8_t id[SESSION_ID_BYTES]);

/* The records of a pool one by one, from *at = 0 on; false: no more. */
bool session_pool_next(const struct session_pool *p, size_t *at, struct bytes *record);
/* The places of the pool's records in a random order, each as likely as any other; free(). */
MUST_CHECK enum err session_pool_shuffled(const struct session_pool *p, struct bytes **out);

/* The session's word to the office, staged. */
MUST_CHECK enum err session_say(struct agent *a, struct queue_writer *w, const struct session *s,
                                const struct session_by *by);
/* As it stands in the store now. */
MUST_CHECK enum err session_read_again(const struct agent *a, struct session *s);

#endif
