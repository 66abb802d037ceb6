/* bundle_internal.h: shared by bundle*.c alone. */
#ifndef SVODKA_PROTOCOL_BUNDLE_INTERNAL_H
#define SVODKA_PROTOCOL_BUNDLE_INTERNAL_H

#include "protocol/bundle.h"

#define BUNDLE_MAGIC      "SVDU"
#define BUNDLE_VERSION    1u
#define BUNDLE_HEAD       12u
#define BUNDLE_COUNT_AT   8u
#define BUNDLE_PART_HEAD  5u
#define BUNDLE_PART_EXTRA (BUNDLE_PART_HEAD + DIGEST_BYTES)
#define BUNDLE_LIST_BASE  1024u /* the list without its entries, generously */
#define BUNDLE_LIST_ENTRY 42u   /* one entry of it, at most */

/* One part as the list names it. */
struct bundle_entry {
    uint8_t kind;
    uint32_t length;
    uint8_t digest[DIGEST_BYTES];
};
struct bundle_list {
    struct bundle_about about;
    uint8_t head[DIGEST_BYTES];
    uint32_t count;
    struct bundle_entry *entries; /* room for BUNDLE_MAX_PARTS - 1; free() */
};
/* The list's entries grow as parts come. */
MUST_CHECK enum err bundle_list_add(struct bundle_list *l, const struct bundle_entry *e);
/* Appends the signed object. */
MUST_CHECK enum err bundle_list_make(struct buf *out, const struct bundle_list *l, const struct key *sign);
/* Verifies by `signer` and compares with what `l` holds (its entries, its head); fills l->about.  ERR_AUTH. */
MUST_CHECK enum err bundle_list_check(struct bundle_about *about, const struct bundle_list *l, struct bytes object,
                                      const uint8_t signer[KEY_BYTES]);
/* A sentence about what the medium said. */
MUST_CHECK enum err bundle_errno(int saved_errno, const char *path);

#endif
