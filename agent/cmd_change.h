/* cmd_change.h: correcting and withdrawing, for commands that do it in another one's name. */
#ifndef SVODKA_AGENT_CMD_CHANGE_H
#define SVODKA_AGENT_CMD_CHANGE_H

#include "agent/cmd_common.h"

struct change_command {
    const char *what; /* ID or FORM */
    const char *key, *period, *unit, *json, *reason, *filled_on, *entered_by, *by, *all;
    const char *sets[REPEAT_MAX]; /* "FIELD=VALUE" */
    size_t set_count;
};
/* Queue it and print its id; mistakes are reported, and nothing was queued. */
MUST_CHECK enum err command_correct(struct agent *a, const struct change_command *cmd);
MUST_CHECK enum err command_retract(struct agent *a, const struct change_command *cmd);

/* --reason is there, and no longer than a record holds.  ERR_USAGE. */
MUST_CHECK enum err change_check_reason(const struct change_command *cmd);
/* Withdraws all of a return, or nothing, and says how much it was.  ERR_NOT_FOUND: there is nothing. */
MUST_CHECK enum err change_retract_all(struct agent *a, const struct change_command *cmd);

#endif
