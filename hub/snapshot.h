/* snapshot.h: every value of a closed period, frozen: what was published and decided upon can be read for ever,
 * whatever comes later.
 *
 * The lines are one canonical MessagePack list, kept beside the entry of the journal that closed the period; their
 * digest stands in a head that the hub's signing key has signed (SIGNED_SNAPSHOT), in the same entry. */
#ifndef SVODKA_HUB_SNAPSHOT_H
#define SVODKA_HUB_SNAPSHOT_H

#include "hub/ledger.h"

#define SNAPSHOT_MAX          (64u << 20) /* bytes of all lines */
#define SNAPSHOT_TEXT_MAX     1000u
#define SNAPSHOT_DIGEST_BYTES 16u

typedef __int128 snapshot_int;

/* One line of `svodka-hub indicators` (evaluate.h: struct indicator_line), of the period that was closed.  Texts are
 * never NULL. */
struct snapshot_line {
    snapshot_int value;                  /* times 1,000,000 */
    snapshot_int numerator, denominator; /* times 10^places */
    const char *programme, *version;
    const char *indicator, *part; /* id; as the pack says it */
    const char *unit;             /* "" for the municipality */
    const char *breakdown;
    const char *target;            /* as written: 30-50; "": none */
    const char *target_status;     /* within ...; "" */
    const char *unit_ru, *unit_en; /* of measure */
    const char *why_not;           /* no data: why; "" */
    const char *used;              /* id of an earlier period that was taken; "" */
    uint64_t n, reported, expected, excluded;
    unsigned places;
    unsigned shown; /* places on a terminal */
    uint32_t class_index;
    uint8_t definition[SNAPSHOT_DIGEST_BYTES]; /* digest of the indicator as it was computed */
    bool is_municipality;
    bool is_ok; /* false: no data; then value, numerator and denominator are 0 */
    bool has_fraction, has_denominator;
    bool is_reweighted;
};

/* ---- writing ---- */

struct snapshot_writer {
    struct buf lines;
    uint64_t count;
};
void snapshot_writer_init(struct snapshot_writer *w);
void snapshot_writer_fini(struct snapshot_writer *w);
/* In the order in which evaluation_lines() gives them.  ERR_LIMIT: more than SNAPSHOT_MAX. */
MUST_CHECK enum err snapshot_add(struct snapshot_writer *w, const struct snapshot_line *l);

/* What is signed. */
struct snapshot_head {
    char period[PERIOD_ID_MAX + 1];
    char group[FORM_NAME_MAX + 1]; /* "": all forms */
    int64_t wall_ms;
    uint64_t head_lsn; /* the newest entry of the journal that it saw */
    uint64_t lines, length;
    uint8_t digest[DIGEST_BYTES];
    bool is_forced;
    uint64_t missing; /* returns that were not here */
};
/* The list of all lines, as it is kept (appended to `list`), and the signed head over it (appended to `object`); fills
 * lines, length and digest of the head. */
MUST_CHECK enum err snapshot_seal(const struct snapshot_writer *w, struct snapshot_head *head, const struct hub *h,
                                  struct buf *list, struct buf *object);

/* ---- reading ---- */

/* ERR_AUTH: not by the hub's key, or of another district; ERR_MALFORMED. */
MUST_CHECK enum err snapshot_head_open(struct snapshot_head *out, struct bytes object, const struct hub *h);
/* All lines in order; texts are loans of `list`.  ERR_CORRUPT: the list is not the one that was signed.  A callback
 * that returns anything but OK ends it. */
MUST_CHECK enum err snapshot_read(const struct snapshot_head *head, struct bytes list,
                                  enum err (*each)(void *ctx, const struct snapshot_line *l), void *ctx);
/* The same from the store: the last snapshot of the period and group (NULL: all forms; when that was never closed, and
 * exactly one group was, that one).  `head` may be NULL.  ERR_NOT_FOUND: never closed. */
MUST_CHECK enum err snapshot_each(struct hub *h, struct store_txn *t, const char *period, const char *group,
                                  struct snapshot_head *head,
                                  enum err (*each)(void *ctx, const struct snapshot_line *l), void *ctx);

#endif
