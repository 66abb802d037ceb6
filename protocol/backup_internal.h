/* backup_internal.h: shared by backup_*.c alone. */
#ifndef SVODKA_PROTOCOL_BACKUP_INTERNAL_H
#define SVODKA_PROTOCOL_BACKUP_INTERNAL_H

#include "protocol/backup.h"
#include "protocol/key_stream.h"

#define BACKUP_MAGIC  "SVDK"
#define BACKUP_FIXED  9u /* before the signed head */
#define BACKUP_DOMAIN "svodka backup v1 key"
#define BACKUP_CHUNK  65536u
#define BACKUP_ZSTD   3
#define BACKUP_WINDOW 20 /* log2 of the bytes a reader must keep */

MUST_CHECK enum err backup_head_make(struct buf *out, const struct backup_head *h, const struct key *sign);
MUST_CHECK enum err backup_head_read(struct backup_head *out, struct bytes object);

#endif
