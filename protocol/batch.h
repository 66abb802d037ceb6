/* batch.h: a run of the queue, sealed and signed once: the same bytes on the wire, on a stick, in a mail and in the
 * ledger (SPEC.md section 4).  zstd stops here. */
#ifndef SVODKA_PROTOCOL_BATCH_H
#define SVODKA_PROTOCOL_BATCH_H

#include "protocol/record.h"

#define BATCH_MAX_SEALED   (512u << 10) /* whole batch, header and signature included */
#define BATCH_MAX_PLAIN    (4u << 20)   /* all sections together: columns, before zstd */
#define BATCH_MAX_RECORDS  65536u
#define BATCH_MAX_SECTIONS 16u
#define BATCH_MAX_RANGES   4096u       /* of records and voids together */
#define BATCH_MAX_HEADER   65535u      /* of the MessagePack header */
#define BATCH_MAX_UNPACKED (32u << 20) /* canonical bytes of all records together */
#define RETENTION_MAX      64u
#define SUITE_1            1u /* X25519, BLAKE2b, secretstream XChaCha20-Poly1305, Ed25519ph, zstd */

struct number_range {
    uint64_t first, count;
};
struct batch_section {
    char retention[RETENTION_MAX + 1];
    uint32_t records, plain_len, packed_len, sealed_len;
};
struct batch_header {
    uint8_t version, suite;
    uint8_t district[16];
    char participant[ID_MAX + 1];
    struct generation gen;
    uint64_t sequence;              /* from 1 in a generation */
    uint8_t previous[DIGEST_BYTES]; /* digest of batch sequence - 1; zeros for the first */
    uint8_t sign_key[KEY_BYTES], seal_key[KEY_BYTES], ephemeral[KEY_BYTES];
    int64_t closed_ms;           /* agent's clock; informative only */
    uint32_t range_count;        /* numbers of the records, ascending, disjoint; 0 only when there are voids */
    uint32_t void_count;         /* numbers that will never be used (answers' blocks), likewise */
    struct number_range *ranges; /* range_count, then void_count; owned: batch_header_fini() */
    uint32_t section_count;
    struct batch_section sections[BATCH_MAX_SECTIONS];
};
void batch_header_fini(struct batch_header *h);

/* ---- making (agent) ---- */
struct batch_maker;
struct batch_limits {
    size_t max_sealed, max_plain, max_records; /* 0: the constants above; never larger */
};
/* A maker keeps its memory from batch to batch, and learns how well its records pack. */
MUST_CHECK enum err batch_maker_new(struct batch_maker **out, const struct batch_limits *l);
void batch_maker_free(struct batch_maker *m);
void batch_maker_reset(struct batch_maker *m);
/* Numbers (from 1 to 2^63 - 1) ascending, records and voids together.  ERR_FULL: the record does not fit any more; the
 * maker is as before: seal, reset, add again.  Whether it still fits is judged by plain bytes and by what packing gave
 * in earlier batches; batch_maker_seal() then never exceeds max_sealed.  An empty maker takes any valid record.
 * ERR_MALFORMED: not a canonical record.  ERR_INVALID: number or retention class (a name of [A-Za-z0-9_.-]). */
MUST_CHECK enum err batch_maker_add(struct batch_maker *m, uint64_t number, const char *retention, struct bytes record);
/* These numbers will never be used.  They travel with the records before and after them.  ERR_FULL as above. */
MUST_CHECK enum err batch_maker_void(struct batch_maker *m, uint64_t first, uint64_t count);
uint32_t batch_maker_count(const struct batch_maker *m);
uint64_t batch_maker_last_number(const struct batch_maker *m);

struct batch_seal {
    uint8_t district[16];
    const char *participant;
    struct generation gen;
    uint64_t sequence;
    uint8_t previous[DIGEST_BYTES];
    const struct key *sign;     /* KEY_SIGN */
    uint8_t seal_to[KEY_BYTES]; /* the hub's sealing key */
    int64_t closed_ms;
    const struct key *ephemeral;   /* NULL: fresh (always, but in test vectors) */
    const uint8_t *stream_headers; /* test vectors: 24 bytes a section; NULL: random */
};
/* Appends the whole batch.  May take fewer records than were added when they pack badly: *taken says how many (in the
 * order added, at least 1); the caller starts the next batch after them: the first record not taken, and every void
 * added after it.  A batch of voids alone takes 0.  ERR_LIMIT: not even one record fits (limits below 160 KiB only).
 * On failure `out` is as before and the maker, too. */
MUST_CHECK enum err batch_maker_seal(struct batch_maker *m, const struct batch_seal *s, struct buf *out,
                                     uint32_t *taken);

/* ---- reading (gateway: parse and verify; core: all) ---- */
/* Sizes, magic, version, suite, header and lengths; nothing secret needed.  ERR_MALFORMED, ERR_LIMIT, ERR_VERSION. */
MUST_CHECK enum err batch_parse(struct batch_header *out, struct bytes batch);
/* What the first BATCH_PEEK_BYTES say, before the rest is there: fills version, suite, district, participant, gen and
 * sequence alone; there is nothing to free.  ERR_NOT_FOUND: too short to tell.  ERR_MALFORMED, ERR_VERSION. */
#define BATCH_PEEK_BYTES 96u
MUST_CHECK enum err batch_peek(struct batch_header *out, struct bytes beginning);
/* Everything before the first section, which ends at the length returned; as batch_parse(), but nothing is said about
 * what follows.  For what is kept of a batch. */
MUST_CHECK enum err batch_parse_clear(struct batch_header *out, struct bytes clear);
/* Length of that in a batch that was parsed. */
size_t batch_clear_len(struct bytes batch);
/* Ed25519ph by the key the caller's registry holds (not the header's; the two must be equal).  ERR_AUTH. */
MUST_CHECK enum err batch_verify(const struct batch_header *h, struct bytes batch, const uint8_t sign_key[KEY_BYTES]);
void batch_digest(uint8_t out[DIGEST_BYTES], struct bytes batch);

/* The sections' keys: by the hub's sealing secret, or unwrapped from the ledger. */
struct section_keys {
    uint8_t key[BATCH_MAX_SECTIONS][KEY_BYTES];
};
MUST_CHECK enum err batch_section_keys(struct section_keys *out, const struct batch_header *h, struct bytes batch,
                                       const struct key *seal);

/* An opened batch: its records in the order of their numbers.  Plain text: wiped when freed. */
struct batch_plain;
/* Opens all sections whole (or those whose bit is set in `mask`; ~0u: all), checks every length, block and record.
 * ERR_AUTH: a section does not open; ERR_MALFORMED: it opens, but is not what it should be. */
MUST_CHECK enum err batch_open(struct batch_plain **out, const struct batch_header *h, struct bytes batch,
                               const struct section_keys *keys, uint32_t mask);
/* What the ledger still has of a section: as it was sealed, or the records that are left of it, or nothing. */
struct batch_part {
    struct bytes sealed; /* with `key`; p NULL: not as it was sealed */
    const uint8_t *key;
    const struct bytes *records; /* in the order of their numbers; loans */
    const uint64_t *numbers;
    uint32_t count;
};
/* The same from parts, one for each section; numbers of the header may be missing where a section is not whole. */
MUST_CHECK enum err batch_open_parts(struct batch_plain **out, const struct batch_header *h,
                                     const struct batch_part parts[BATCH_MAX_SECTIONS]);
void batch_plain_free(struct batch_plain *p);
uint32_t batch_plain_count(const struct batch_plain *p);
/* Canonical bytes (a loan) and number of the i-th record, with the section it came in (the last two may be NULL). */
struct bytes batch_plain_record(const struct batch_plain *p, uint32_t i, uint64_t *number, uint32_t *section);
size_t batch_plain_bytes(const struct batch_plain *p); /* memory held, for caches */

#endif
