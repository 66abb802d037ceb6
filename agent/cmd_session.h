/* cmd_session.h: what the commands about anonymous answers share. */
#ifndef SVODKA_AGENT_CMD_SESSION_H
#define SVODKA_AGENT_CMD_SESSION_H

#include "agent/cmd_common.h"
#include "agent/session.h"

/* Which one is meant on the command line. */
struct session_choice {
    const char *name, *form, *period, *unit;
};
#define OPTION_CHOICE_FORM(c)                                                                                          \
    {                                                                                                                  \
        "form", 'f', N_("FORM"), N_("its questionnaire, where several have a session of this name"), &(c)->form        \
    }
MUST_CHECK enum err command_find_session(const struct agent *a, const struct session_choice *c, struct session *out);

/* The session that answers of this capture go into: `name`, or (NULL) the only one that is open for its form, unit and
 * period, which is told on stderr; then the capture has the session's day.  *has false: there is none, and none was
 * named.  ERR_USAGE: several are open, or the form has none; ERR_NOT_FOUND, ERR_DENIED. */
MUST_CHECK enum err command_choose_session(const struct agent *a, struct capture *c, const char *name,
                                           const char *filled_on, struct session *out, bool *has);
/* How many there are of how many; more than expected is a warning, on stderr. */
#define SESSION_COUNT_TEXT 80u
void command_session_count(char out[SESSION_COUNT_TEXT], const struct session *s);
void command_session_warn(const struct session *s);
/* What who types can see and what nobody can, on stderr. */
void command_session_explain(void);

#endif
