/* proof_show.h: `receipt check FILE`, of both programs. */
#ifndef SVODKA_PROTOCOL_PROOF_SHOW_H
#define SVODKA_PROTOCOL_PROOF_SHOW_H

#include "common/table.h"
#include "protocol/proof.h"

/* Checks the file and prints what it proves, a row a submission; nothing but an error when anything in it is not as it
 * should be. */
MUST_CHECK enum err proof_show(const char *path, const char *root_fingerprint, enum table_format format);

#endif
