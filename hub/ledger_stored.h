/* ledger_stored.h: how a batch lies in H_BLOBS.  Its clear part and its signature as they are; each sealed section,
 * with its section key beside it, locked once more under the storage key of its retention class and school year
 * (storage_keys.h): without that neither the sealing key of the hub nor anything else opens it.  Reading gives back the
 * very bytes that were received.
 *
 * Of a section of which something was erased there is a list of what is gone (erased.h) and the rest of its records,
 * locked under the section's next storage key.
 *
 *   "SVDL" | version 1 | sections u8 | clear length u32 | clear part | signature 64 | each section:
 *       1 | length u32 | Lock(leaf, place, section key) | Lock(leaf, place, sealed section)
 *       2 | length u32 | version u32 | list length u32 | list | Lock(leaf of the version, place, residue), or nothing
 *
 * place: digest of the batch 32 | section u32 | version u32 | what it is u8. */
#ifndef SVODKA_HUB_LEDGER_STORED_H
#define SVODKA_HUB_LEDGER_STORED_H

#include "hub/erased.h"
#include "hub/hub.h"

/* "SVDL", version, sections, clear length: what stands before the clear part. */
#define STORED_HEAD_BYTES 10u
#define STORED_MAX        (BATCH_MAX_UNPACKED + (16u << 20)) /* a residue is not packed */

/* Where a batch lies: what its storage keys and the locks depend on. */
struct stored_at {
    struct storage_keys *keys;
    uint64_t lsn;
    int32_t school_year;
    const uint8_t *digest; /* of the batch as received */
};

/* Appends what lies in the store.  The storage keys must be there (storage_keys_need()). */
MUST_CHECK enum err stored_make(struct buf *out, const struct stored_at *at, const struct batch_header *h,
                                struct bytes batch, const struct section_keys *keys);

struct stored_section {
    bool is_whole;
    struct bytes body;    /* whole: both locks */
    uint32_t version;     /* not whole: */
    struct bytes list;    /* erased_get() */
    struct bytes residue; /* locked; len 0: nothing is left */
};
/* Loans of the bytes, but for the header. */
struct stored_batch {
    struct bytes clear, signature;
    struct batch_header header;
    struct stored_section sections[BATCH_MAX_SECTIONS];
};
/* ERR_MALFORMED; stored_fini(). */
MUST_CHECK enum err stored_parse(struct stored_batch *out, struct bytes in);
void stored_fini(struct stored_batch *s);

/* Opened: the outer locks alone. */
struct stored_opened {
    bool is_whole;
    struct buf raw; /* whole: the batch as it was received */
    struct section_keys keys;
    struct batch_part parts[BATCH_MAX_SECTIONS];
    struct erased_list erased; /* of all sections */
    struct buf residue;
    struct bytes *records;
    uint64_t *numbers;
    uint32_t record_count, record_room;
};
/* Sections whose bit is not set in `mask` are left out (~0u: none).  ERR_ERASED: a storage key is destroyed that should
 * not be; ERR_NOT_FOUND: it is missing; ERR_AUTH, ERR_MALFORMED: the bytes are not those that were stored.  Loans of
 * `s` and itself; stored_opened_fini() wipes. */
MUST_CHECK enum err stored_open(struct stored_opened *out, const struct stored_batch *s, const struct stored_at *at,
                                uint32_t mask);
void stored_opened_fini(struct stored_opened *o);

/* ---- erasing (ledger_erase.c) ---- */

/* In place of a section: what is gone, and what is left (len 0: nothing) under the storage key of `version`. */
struct stored_rest {
    const struct erased_list *list;
    struct bytes residue;
    uint32_t version;
};
/* Appends `s` with these sections replaced (NULL: as it was). */
MUST_CHECK enum err stored_replace(struct buf *out, const struct stored_batch *s, const struct stored_at *at,
                                   const struct stored_rest *const rest[BATCH_MAX_SECTIONS]);

/* ---- rows of a batch of which not all is there ---- */

/* Row numbers count all records that the batch ever had, in the order of their numbers. */
struct holes {
    struct erased_list list;
    struct number_range *ranges;
    uint32_t range_count, total;
};
/* Takes the list.  ERR_NOMEM. */
MUST_CHECK enum err holes_new(struct holes **out, struct erased_list *list, const struct batch_header *h);
void holes_free(struct holes *h); /* NULL does nothing */
/* 0: there is no such row. */
uint64_t holes_number(const struct holes *h, uint32_t row);
MUST_CHECK enum err holes_row(const struct holes *h, uint64_t number, uint32_t *row); /* ERR_NOT_FOUND */

#endif
