/* cover.h: the cover of a return (SPEC.md section 3.2), one of the built-in forms (builtin.h): what a school says about
 * all its submissions of a form, unit and period together.  The cover's unit and period are the return's; who may send
 * the form may send its cover. */
#ifndef SVODKA_PROTOCOL_COVER_H
#define SVODKA_PROTOCOL_COVER_H

#include "common/form.h"
#include "protocol/reconcile.h"

#define COVER_FORM       "return-cover" /* no other form may have this id */
#define COVER_NAME_MAX   100u           /* characters of a name */
#define COVER_REASON_MAX 250u           /* characters */
/* As texts with their NUL. */
#define COVER_NAME_BYTES   (4u * COVER_NAME_MAX + 1u)
#define COVER_REASON_BYTES (4u * COVER_REASON_MAX + 1u)

extern const char cover_yaml[];

/* Its fields, in their order. */
enum cover_field {
    COVER_OF,
    COVER_STATE,
    COVER_ROWS,
    COVER_DIGEST,
    COVER_ENTERED_BY,
    COVER_APPROVED_BY,
    COVER_APPROVED_ON,
    COVER_REASON,
    COVER_FIELDS
};
/* Indices of the choices. */
enum cover_state { COVER_COMPLETE, COVER_PARTIAL, COVER_NOTHING, COVER_STATES };
const char *cover_state_name(enum cover_state s); /* "complete", "partial", "nothing" */
const char *cover_state_word(enum cover_state s); /* for people, translated */

/* Texts are loans; len 0: not said. */
struct cover {
    struct bytes of; /* id of the form */
    enum cover_state state;
    uint64_t rows;
    uint8_t digest[DIGEST_BYTES]; /* return_digest() */
    struct bytes entered_by, approved_by, reason;
    bool has_approved_on;
    int32_t approved_on;
};
/* False: not all of it is there. */
bool cover_read(struct cover *out, const struct value *values, uint32_t count);
#define COVER_HEX (2u * DIGEST_BYTES + 1u)
/* A text of it with its NUL; what does not fit into `size` bytes is cut between two letters. */
void cover_text(char *out, size_t size, struct bytes text);
/* Loans of `c` and `hex`. */
void cover_write(const struct cover *c, char hex[COVER_HEX], struct value values[COVER_FIELDS]);

/* What ties a cover, and the paper with it, to the submissions: it covers the record digest of each current one, in
 * whatever order they are given; `digests` is put in order. */
void return_digest(uint8_t out[DIGEST_BYTES], uint8_t (*digests)[RECORD_DIGEST_BYTES], size_t count);
/* For paper: "0a1b 2c3d …", sixteen groups. */
#define RETURN_DIGEST_TEXT (2u * DIGEST_BYTES + DIGEST_BYTES / 2u)
void return_digest_format(char out[RETURN_DIGEST_TEXT], const uint8_t digest[DIGEST_BYTES]);

#endif
