/* cmd_erase.h: shared by the cmd_erase*.c files alone. */
#ifndef SVODKA_HUB_CMD_ERASE_H
#define SVODKA_HUB_CMD_ERASE_H

#include "common/table.h"
#include "hub/act.h"

#define ACT_FOLDER "acts" /* in the home: NUMBER.html for people, .csv the extract, .act signed */

/* `erase` without arguments: what there is, and what is due.  Returns the exit code. */
int erase_list(const char *home, enum table_format f);
/* HOME/acts/NUMBER.*, written again. */
MUST_CHECK enum err act_write(struct hub *h, struct store_txn *t, uint64_t number);

#endif
