/* home_internal.h: shared by home*.c alone. */
#ifndef SVODKA_AGENT_HOME_INTERNAL_H
#define SVODKA_AGENT_HOME_INTERNAL_H

#include "agent/home.h"

extern const char *const agent_tables[AGENT_TABLES + 1];

MUST_CHECK enum err agent_conf_load(struct agent_conf *out, const char *dir);
/* Forms, calendar: from T_OBJECTS into memory, by the directory. */
MUST_CHECK enum err agent_load_objects(struct agent *a);
void agent_free_objects(struct agent *a);
MUST_CHECK enum err agent_forget_code(struct agent *a);
MUST_CHECK enum err agent_load_signers(struct agent *a);
/* The hub signs by another key from now on: what this one signed stays verifiable. */
MUST_CHECK enum err agent_keep_signer(struct agent *a, struct store_txn *t, const uint8_t key[KEY_BYTES]);

#endif
