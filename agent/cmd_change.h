/* cmd_change.h: correcting and withdrawing, for commands that do it in another one's name. */
#ifndef SVODKA_AGENT_CMD_CHANGE_H
#define SVODKA_AGENT_CMD_CHANGE_H

#include "agent/cmd_common.h"

struct change_command {
    const char *what; /* ID or FORM */
    const char *key, *period, *unit, *json, *reason, *filled_on, *entered_by, *by;
    const char *sets[REPEAT_MAX]; /* "FIELD=VALUE" */
    size_t set_count;
};
/* Queue it and print its id; mistakes are reported, and nothing was queued. */
MUST_CHECK enum err command_correct(struct agent *a, const struct change_command *cmd);
MUST_CHECK enum err command_retract(struct agent *a, const struct change_command *cmd);

#endif
