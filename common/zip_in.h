/* zip_in.h: the parts of a ZIP archive that lies in memory, unpacked piece by piece.  libzip stops here and at
 * zip_edit.h.
 *
 * The archive is hostile: how many entries it has is known before libzip sees it, and a part gives at most so many
 * bytes, whatever it says of itself.  Nothing is ever written to the disk. */
#ifndef SVODKA_COMMON_ZIP_IN_H
#define SVODKA_COMMON_ZIP_IN_H

#include "common/buf.h"

#define ZIP_IN_MAX_BYTES   (64u << 20) /* of the archive */
#define ZIP_IN_MAX_ENTRIES 4096u
#define ZIP_IN_MAX_PART    (UINT64_C(1) << 30) /* unpacked */
#define ZIP_IN_MAX_RATIO   256u                /* a part may unpack to so many times its size ... */
#define ZIP_IN_FREE        (16u << 20)         /* ... beyond these bytes */

struct zip_in;
struct zip_part;

/* `bytes` is lent until zip_in_close().  ERR_MALFORMED: no archive, cut off, or two entries of one name; ERR_LIMIT. */
MUST_CHECK enum err zip_in_open(struct zip_in **out, struct bytes bytes);
void zip_in_close(struct zip_in *z); /* NULL does nothing */

/* Names are compared without regard to the case of ASCII letters. */
bool zip_in_has(const struct zip_in *z, const char *name);
bool zip_in_is_encrypted(const struct zip_in *z); /* any of its entries */

/* ERR_NOT_FOUND: there is no such part. */
MUST_CHECK enum err zip_part_open(struct zip_part **out, struct zip_in *z, const char *name);
void zip_part_close(struct zip_part *p); /* NULL does nothing */
/* *got 0: the end, and its checksum was right.  ERR_MALFORMED: damaged; ERR_LIMIT: it unpacks to too much. */
MUST_CHECK enum err zip_part_read(struct zip_part *p, void *to, size_t size, size_t *got);
uint64_t zip_part_offset(const struct zip_part *p); /* unpacked so far */
uint64_t zip_part_size(const struct zip_part *p);   /* as the archive says: for progress alone */

#endif
