/* cmd_codes.h: what the commands about codes share. */
#ifndef SVODKA_AGENT_CMD_CODES_H
#define SVODKA_AGENT_CMD_CODES_H

#include "agent/cmd_common.h"
#include "agent/code_list.h"

/* The form, which has rows with a key, and the unit that is meant (`unit` NULL: our own).  ERR_USAGE, ERR_DENIED. */
MUST_CHECK enum err command_codes_of(struct agent *a, const char *form_id, const char *unit, const struct form **form,
                                     char out[ID_MAX + 1]);

#endif
