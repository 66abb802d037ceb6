/* cmd_change.h: shared by cmd_change.c and cmd_retract_all.c alone. */
#ifndef SVODKA_AGENT_CMD_CHANGE_H
#define SVODKA_AGENT_CMD_CHANGE_H

#include "agent/cmd_common.h"

struct change_command {
    const char *what; /* ID or FORM */
    const char *key, *period, *unit, *json, *reason, *filled_on, *entered_by, *all;
    const char *sets[REPEAT_MAX];
    size_t set_count;
};

/* --reason is there, and no longer than a record holds.  ERR_USAGE. */
MUST_CHECK enum err change_check_reason(const struct change_command *cmd);
/* Withdraws all of a return, or nothing, and says how much it was.  ERR_NOT_FOUND: there is nothing. */
MUST_CHECK enum err change_retract_all(struct agent *a, const struct change_command *cmd);

#endif
