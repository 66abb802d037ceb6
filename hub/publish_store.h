/* publish_store.h: what left the office, kept for ever: the tables as they were handed out, signed, and what later
 * publications must take for known.
 *
 * The signed head (SIGNED_PUBLICATION) goes out beside the tables; it names nothing that they do not say themselves.
 * What the publication rests upon stays here: a digest of it in the head could be compared with guesses. */
#ifndef SVODKA_HUB_PUBLISH_STORE_H
#define SVODKA_HUB_PUBLISH_STORE_H

#include "common/table.h"
#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/publish.h"
#include "hub/returns.h"

#define PUBLICATION_SCHOOL_MAX 128u
#define PUBLICATION_BODY_MAX   (256u << 20)
#define PUBLICATION_COLUMNS    18u

/* What is signed. */
struct publication_head {
    char programme[FORM_NAME_MAX + 1], version[33];
    char period[PERIOD_ID_MAX + 1];
    char audience[8]; /* school, region, public */
    char school[PUBLICATION_SCHOOL_MAX + 1];
    uint64_t lines, shown;
    uint8_t csv[DIGEST_BYTES], json[DIGEST_BYTES];
};
/* What is kept of it. */
struct publication_row {
    uint64_t id; /* its entry in the journal */
    int64_t wall_ms;
    struct publication_head head;
    struct bytes object;   /* the signed head, a loan of the transaction */
    uint64_t snapshot_lsn; /* of the closed period */
    uint8_t body[DIGEST_BYTES];
    char by[RETURN_BY_MAX + 1];
    struct publication_summary summary; /* but for the time */
};

/* ---- the tables ---- */

struct publication_tables {
    struct buf rows; /* MessagePack: list of lists of PUBLICATION_COLUMNS texts */
    struct buf csv, json, memory;
};
void publication_tables_init(struct publication_tables *t);
void publication_tables_fini(struct publication_tables *t);
/* As docs/indicators.md has the columns; the same in every language. */
MUST_CHECK enum err publication_tables_make(struct publication_tables *out, const struct publication *p,
                                            const struct programme *prog, const struct period *period);
extern const struct table_column publication_columns[PUBLICATION_COLUMNS];
/* Calls `each` for every row. */
MUST_CHECK enum err publication_rows_each(struct bytes rows,
                                          enum err (*each)(void *ctx, const char *const cells[PUBLICATION_COLUMNS]),
                                          void *ctx);

/* ---- keeping ---- */

/* Signs, journals and keeps it; fills row->id, wall_ms, object (a loan of `object`) and digests of the head. */
MUST_CHECK enum err publication_keep(struct hub *h, struct store_txn *t, struct publication_row *row,
                                     const struct publication_tables *tables, struct buf *object);
/* In the order in which they were made. */
MUST_CHECK enum err publications_each(struct hub *h, struct store_txn *t,
                                      enum err (*each)(void *ctx, const struct publication_row *row), void *ctx);
/* The last of them; id 0: there is none. */
MUST_CHECK enum err publications_newest(struct hub *h, struct store_txn *t, struct publication_row *out);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err publication_get(struct hub *h, struct store_txn *t, uint64_t id, struct publication_row *out);
/* The last one of the same head (programme, period, audience, school) and snapshot.  ERR_NOT_FOUND. */
MUST_CHECK enum err publication_find(struct hub *h, struct store_txn *t, const struct publication_head *head,
                                     uint64_t snapshot_lsn, struct publication_row *out);
/* Its tables and memory, verified.  ERR_CORRUPT. */
MUST_CHECK enum err publication_read(struct store_txn *t, const struct publication_row *row,
                                     struct publication_tables *out);

/* ---- the bytes that are kept ---- */

/* A row of H_PUBLICATIONS.  ERR_CORRUPT: damaged, or not signed by this hub. */
MUST_CHECK enum err publication_row_get(struct publication_row *out, struct bytes key, struct bytes value,
                                        const struct hub *h);
/* What lies beside its entry: by digest the one that was kept, with the tables that were signed.  ERR_CORRUPT. */
MUST_CHECK enum err publication_body_open(struct publication_tables *out, const struct publication_row *row,
                                          struct bytes body);

/* ---- for the ledger's replay ---- */

MUST_CHECK enum err publication_replay(struct hub *h, struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m,
                                       size_t elements);
/* Is what lies beside the entry in `t` what was signed?  ERR_AUTH, ERR_CORRUPT, ERR_MALFORMED. */
MUST_CHECK enum err publication_check(struct hub *h, struct store_txn *t, uint64_t lsn);

#endif
