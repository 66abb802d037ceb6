/* record.h: one submission as canonical MessagePack (SPEC.md section 3): a flat array of RECORD_HEAD elements followed
 * by the form's values.  A record never holds its own number; the batch and the stores do. */
#ifndef SVODKA_PROTOCOL_RECORD_H
#define SVODKA_PROTOCOL_RECORD_H

#include "common/form.h"
#include "protocol/keys.h"
#include "protocol/mp.h"

#define ID_MAX                32u         /* participant and unit ids: [A-Za-z0-9_-] */
#define RECORD_MAX            (64u << 10) /* bytes of one record */
#define RECORD_HEAD           15u         /* elements before the values */
#define RECORD_FORMAT         1u
#define RECORD_REASON_MAX     500u
#define RECORD_ENTERED_BY_MAX 64u
#define RECORD_REMARK_MAX     500u
#define TAG_BYTES             8u

/* A queue's birth. */
struct generation {
    uint32_t counter; /* from 1 */
    uint8_t tag[TAG_BYTES];
};
/* A submission of a known participant. */
struct record_ref {
    struct generation gen;
    uint64_t number; /* from 1 */
};
/* "Later" (design section 5): counter, tag, number. */
int record_ref_compare(const struct record_ref *a, const struct record_ref *b);
int generation_compare(const struct generation *a, const struct generation *b);
#define RECORD_REF_BYTES 20u /* counter u32 | tag 8 | number u64, big-endian: sorts as record_ref_compare() */
void record_ref_put(uint8_t out[RECORD_REF_BYTES], const struct record_ref *r);
struct record_ref record_ref_get(const uint8_t in[RECORD_REF_BYTES]);
/* "gp/1.5f3a9c0e/17".  `out` of at least 80 bytes. */
#define RECORD_ID_TEXT 80u
void record_id_format(char *out, const char *participant, const struct record_ref *r);
/* What a person typed: "PARTICIPANT/COUNTER[.TAG4]/NUMBER", "COUNTER/NUMBER" or "NUMBER"; tells which parts were given.
 * ERR_MALFORMED. */
struct record_id_text {
    char participant[ID_MAX + 1]; /* "": not given */
    uint32_t counter;             /* 0: not given */
    uint8_t tag4[4];
    bool has_tag;
    uint64_t number;
};
MUST_CHECK enum err record_id_parse(struct record_id_text *out, const char *text);

bool id_is_valid(const char *id); /* participant or unit */
#define UNIT_DISTRICT "district"  /* the unit that is the municipality itself */

enum record_kind { RECORD_NEW = 0, RECORD_CORRECTION = 1, RECORD_RETRACTION = 2 };
enum record_source { SOURCE_OWN = 0, SOURCE_PAPER = 1, SOURCE_PHONE = 2, SOURCE_IMPORT = 3 };
/* Somebody else's words, as they were given on paper or by telephone. */
bool source_is_behalf(enum record_source s);
const char *source_name(enum record_source s); /* for programs: "own", "paper", "phone", "imported" */

struct record_remark {
    uint32_t field; /* index of the top-level field */
    struct bytes text;
};

struct record {
    uint8_t form[FORM_DIGEST_BYTES];
    char unit[ID_MAX + 1];
    char period[33];
    int32_t filled_on;       /* days */
    bool has_time;           /* false in anonymous answers */
    int64_t made_ms;         /* agent's wall clock, within the years 1 to 9999 as offset_ms */
    bool has_offset;         /* agent knew how far its clock is off; only with has_time */
    int64_t offset_ms;       /* hub's clock minus agent's, from the last signed receipt */
    struct bytes entered_by; /* role or local code; may be empty */
    enum record_source source;
    enum record_kind kind;
    struct record_ref target; /* CORRECTION, RETRACTION */
    struct bytes reason;      /* required there; else empty */
    uint8_t tag[TAG_BYTES];   /* of the process run, or fresh per record (answers) */
    uint32_t ordinal;         /* with tag: no two records of a participant are equal */
    const struct record_remark *remarks;
    uint32_t remark_count;
    const struct value *values; /* RETRACTION: none */
    uint32_t value_count;
};

/* Appends the canonical bytes.  `form` gives the types; values must have passed form_check().
 * ERR_LIMIT: > 64 KiB, and ERR_INVALID: a part of the head breaks its rule (id, lengths, target); `out` is as before.
 */
MUST_CHECK enum err record_encode(struct buf *out, const struct record *r, const struct form *form);

/* Memory that decoding fills and the record borrows from; reused, one per thread. */
struct record_space;
MUST_CHECK enum err record_space_new(struct record_space **out);
void record_space_free(struct record_space *s);

/* Head only: values are left out (value_count says how many elements follow), remarks are left out; neither is checked.
 * Texts are loans from `in`.  ERR_MALFORMED, ERR_LIMIT, ERR_VERSION; err_text() names the element. */
MUST_CHECK enum err record_decode_head(struct record *out, struct bytes in);
/* All of it, by the form's types; strings are loans from `in`, the rest from `space` until its next use.
 * Checks: canonical, all input used, field count and types as the form says, choices and bits in range, NFC not
 * required (the agent's duty), text limits.  form_check() comes after.
 * ERR_INVALID: `form` is not the one the record names. */
MUST_CHECK enum err record_decode(struct record *out, struct record_space *space, struct bytes in,
                                  const struct form *form);

#endif
