/* ledger_scratch.h: a store of its own in a folder of the hub's home, for what is computed beside the living one.  It
 * goes when it is closed; what a killed process left is taken over and emptied. */
#ifndef SVODKA_HUB_LEDGER_SCRATCH_H
#define SVODKA_HUB_LEDGER_SCRATCH_H

#include "common/folder.h"
#include "hub/hub.h"

struct scratch {
    struct store *store; /* NULL: not open */
    char path[FOLDER_PATH_MAX];
    int fd;
};
/* All tables of the hub, empty.  ERR_BUSY with the words `busy`: another process is at it. */
MUST_CHECK enum err scratch_open(struct scratch *s, const struct hub *h, const char *name, const char *busy);
void scratch_close(struct scratch *s); /* of one that is not open: nothing */

#endif
