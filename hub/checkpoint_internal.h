/* checkpoint_internal.h: shared by checkpoint.c (making) and checkpoint_read.c (reading, checking). */
#ifndef SVODKA_HUB_CHECKPOINT_INTERNAL_H
#define SVODKA_HUB_CHECKPOINT_INTERNAL_H

#include "hub/checkpoint.h"

/* One entry of the history more under the digest. */
void history_fold(uint8_t digest_io[DIGEST_BYTES], struct bytes key, struct bytes value);
/* Splits a key of H_HISTORY.  ERR_CORRUPT. */
MUST_CHECK enum err history_key_read(struct bytes key, struct bytes *cell, int32_t *day);
/* Its length; 0: the cell's key is too long. */
size_t history_key(uint8_t out[STORE_KEY_MAX], struct bytes cell, int32_t day);

int bytes_compare(struct bytes a, struct bytes b);

/* Journal and table: signs the mark's head, writes both, and sets mark->lsn. */
MUST_CHECK enum err mark_write(struct hub *h, struct store_txn *t, struct checkpoint_mark *mark);
/* By day; ERR_NOT_FOUND. */
MUST_CHECK enum err mark_last(struct store_txn *t, struct checkpoint_mark *out);

#endif
