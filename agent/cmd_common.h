/* cmd_common.h: what the agent's commands share: opening the home, finding a form, repeated options. */
#ifndef SVODKA_AGENT_CMD_COMMON_H
#define SVODKA_AGENT_CMD_COMMON_H

#include "agent/capture.h"
#include "agent/commands.h"
#include "common/cli.h"
#include "common/table.h"

/* Options as most commands have them; `text` is where the value goes. */
#define OPTION_HOME(text)                                                                                              \
    {                                                                                                                  \
        "home", 0, N_("DIR"), N_("the agent's folder (else SVODKA_HOME)"), text                                        \
    }
#define OPTION_FORMAT(text)                                                                                            \
    {                                                                                                                  \
        "format", 0, N_("FORMAT"), N_("table, csv or json"), text                                                      \
    }
#define OPTION_PERIOD(text)                                                                                            \
    {                                                                                                                  \
        "period", 'p', N_("P"), N_("period: its id or its label"), text                                                \
    }
#define OPTION_UNIT(text)                                                                                              \
    {                                                                                                                  \
        "unit", 'u', N_("U"), N_("unit that this is about (else your own)"), text                                      \
    }
#define OPTION_BY(text)                                                                                                \
    {                                                                                                                  \
        "by", 0, N_("NAME"), N_("who enters it: of the list of svodka-agent people; the name stays here"), text        \
    }
#define OPTION_BEHALF(text)                                                                                            \
    {                                                                                                                  \
        "on-behalf", 0, N_("HOW"), N_("these are another's words, as given on paper or by phone: paper, phone"), text  \
    }
#define OPTION_END                                                                                                     \
    {                                                                                                                  \
        NULL, 0, NULL, NULL, NULL                                                                                      \
    }

/* Opens the home of --home or SVODKA_HOME and warns on stderr about what may need somebody's hand. */
MUST_CHECK enum err command_open(struct agent **out, const char *home);
/* The n-th form held, if it is one that is filled in here: offered now, and of a role that the grant names.  NULL. */
const struct form *command_own_form(const struct agent *a, size_t n);
/* The current version; ERR_NOT_FOUND with a suggestion. */
MUST_CHECK enum err command_form(const struct agent *a, const char *id, const struct form **out);
/* Of --on-behalf; NULL leaves *out as it is.  ERR_USAGE. */
MUST_CHECK enum err command_source(const char *behalf, enum record_source *out);
/* NULL is TABLE_TEXT. */
MUST_CHECK enum err command_format(enum table_format *out, const char *name);

/* All values of an option that may be given several times ("--set a=1 --set b=2"), in order; loans from argv.  Call it
 * before cli_parse(), which only keeps the last one.  ERR_USAGE: more than `max`. */
#define REPEAT_MAX 1000u
MUST_CHECK enum err command_repeated(int argc, char **argv, const char *name, const char **out, size_t max,
                                     size_t *count);
/* "FIELD=VALUE": the top-level field's index, and the value.  ERR_USAGE. */
MUST_CHECK enum err command_field(const struct form *f, const char *text, uint32_t *field, const char **value);
/* "--remark FIELD=TEXT" to remarks in the order of fields; `out` has room for one a field. */
MUST_CHECK enum err command_remarks(const struct form *f, const char *const *texts, size_t count,
                                    struct record_remark *out, uint32_t *remark_count);

/* Prints findings on stderr; then "nothing was queued" and the like is the caller's. */
void command_report(const struct report *r);

/* After something was queued: if a return (`unit` NULL: of any unit) was marked and is another one now, says so on
 * stderr, and what to do (cmd_return.c).  What was queued stays whatever happens here. */
void command_return_changed(const struct agent *a, const struct form *form, const char *unit, const char *period);

/* What was just queued is urgent: a running svodka-agent run sends at once. */
MUST_CHECK enum err command_urgent(struct agent *a);

/* Makes a new recovery code and shows it, this once (cmd_backup.c). */
MUST_CHECK enum err command_show_code(struct agent *a);

const char *word_of_mode(enum form_mode m);
const char *word_of_kind(enum record_kind k);
const char *word_of_state(enum record_state s);

#endif
