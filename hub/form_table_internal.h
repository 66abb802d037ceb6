/* form_table_internal.h: shared by form_table*.c alone. */
#ifndef SVODKA_HUB_FORM_TABLE_INTERNAL_H
#define SVODKA_HUB_FORM_TABLE_INTERNAL_H

#include "hub/form_table.h"

/* ---- form_table_columns.c ---- */

MUST_CHECK enum err form_table_add_columns(struct form_table *ft);

/* ---- form_table_read.c ---- */

/* All units with what stands there of them. */
MUST_CHECK enum err form_table_read(struct form_table *ft, struct hub *h, struct store_txn *t, int32_t today);
/* ERR_LIMIT: more than 64 bits. */
MUST_CHECK enum err form_table_add(struct form_table_cell *c, int64_t scaled);

#endif
