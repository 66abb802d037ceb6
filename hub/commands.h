/* commands.h: the commands of svodka-hub, and what they share.  Each cmd_ function is one command: it parses its own
 * options, opens the hub, does its work in one transaction, closes, and returns the exit code (design section 9). */
#ifndef SVODKA_HUB_COMMANDS_H
#define SVODKA_HUB_COMMANDS_H

#include "common/cli.h"
#include "common/table.h"
#include "hub/audit.h"
#include "hub/command_text.h"
#include "hub/evaluate.h"
#include "hub/hub.h"
#include "hub/registry.h"

extern const struct cli_command hub_commands[]; /* ends with a NULL name */

int cmd_init(int argc, char **argv);
int cmd_programme_load(int argc, char **argv);
int cmd_programme_check(int argc, char **argv);
int cmd_programme_list(int argc, char **argv);
int cmd_programme_next_year(int argc, char **argv);
int cmd_school_add(int argc, char **argv);
int cmd_school_list(int argc, char **argv);
int cmd_school_hold(int argc, char **argv);
int cmd_school_release(int argc, char **argv);
int cmd_school_revoke(int argc, char **argv);
int cmd_school_rekey(int argc, char **argv);
int cmd_school_close(int argc, char **argv);
int cmd_school_suspects(int argc, char **argv);
int cmd_school_invite(int argc, char **argv);
int cmd_school_show(int argc, char **argv);
int cmd_school_check(int argc, char **argv);
int cmd_school_accept(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_night(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_indicators(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_form_table(int argc, char **argv);
int cmd_export_submissions(int argc, char **argv);
int cmd_comment(int argc, char **argv);
int cmd_comment_list(int argc, char **argv);
int cmd_completeness(int argc, char **argv);
int cmd_period_close(int argc, char **argv);
int cmd_period_reopen(int argc, char **argv);
int cmd_period_list(int argc, char **argv);
int cmd_publish(int argc, char **argv);
int cmd_checkpoint(int argc, char **argv);
int cmd_accept(int argc, char **argv);
int cmd_reminder(int argc, char **argv);
int cmd_waive(int argc, char **argv);
int cmd_waive_list(int argc, char **argv);
int cmd_extend(int argc, char **argv);
int cmd_waits(int argc, char **argv);
int cmd_question(int argc, char **argv);
int cmd_question_list(int argc, char **argv);
int cmd_question_send(int argc, char **argv);
int cmd_quarantine_list(int argc, char **argv);
int cmd_quarantine_show(int argc, char **argv);
int cmd_quarantine_release(int argc, char **argv);
int cmd_quarantine_reject(int argc, char **argv);
int cmd_key_list(int argc, char **argv);
int cmd_key_rotate(int argc, char **argv);
int cmd_key_lost(int argc, char **argv);
int cmd_key_export(int argc, char **argv);
int cmd_key_restore(int argc, char **argv);
int cmd_receipt_check(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_erase(int argc, char **argv);
int cmd_erase_list(int argc, char **argv);
int cmd_erase_act(int argc, char **argv);
int cmd_register(int argc, char **argv);
int cmd_bundle_read(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_backup_list(int argc, char **argv);
int cmd_backup_confirm(int argc, char **argv);
int cmd_backup_destroyed(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_audit_export(int argc, char **argv);
int cmd_audit_check(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_expr(int argc, char **argv);
int cmd_core(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_gateway(int argc, char **argv);

/* The table's entry of a command, for cli_parse(). */
const struct cli_command *command_named(const char *name);

/* ---- options ---- */

#define HOME_OPTION(text)                                                                                              \
    {                                                                                                                  \
        "home", 0, N_("DIR"), N_("the hub's folder (default: the variable SVODKA_HOME)"), text                         \
    }
#define FORMAT_OPTION(text)                                                                                            \
    {                                                                                                                  \
        "format", 0, N_("FORMAT"), N_("table (default), csv or json"), text                                            \
    }
#define LAST_OPTION                                                                                                    \
    {                                                                                                                  \
        NULL, 0, NULL, NULL, NULL                                                                                      \
    }

/* An option that may be given several times: takes "--NAME VALUE" and "--NAME=VALUE" out of argv before cli_parse(),
 * which knows them by the same table (for --help, and to tell an option's value from an option).
 * ERR_USAGE: without a value, or too many. */
#define COMMAND_LIST_MAX 512u
struct command_list {
    const char *items[COMMAND_LIST_MAX];
    size_t count;
};
MUST_CHECK enum err command_take_list(const struct cli_option *options, const char *name, int *argc, char **argv,
                                      struct command_list *out);
/* NULL is TABLE_TEXT. */
MUST_CHECK enum err command_format(enum table_format *out, const char *text);
/* Decimal number of an option; NULL leaves *out as it is.  ERR_USAGE. */
MUST_CHECK enum err command_number(int64_t *out, const char *option, const char *text, int64_t min, int64_t max);

/* ---- the hub ---- */

MUST_CHECK enum err command_open(struct hub **out, const char *home_option, enum hub_access access);
/* Says what went wrong, if anything did, closes, and returns the exit code. */
int command_close(struct hub *h, enum err e, bool changed);
/* A whole command that takes --home and --format alone: opens, calls `show`, closes; returns the exit code. */
int command_show(const char *name, int argc, char **argv, enum hub_access access,
                 enum err (*show)(struct hub *h, enum table_format f));
/* A write transaction over the newest definitions and registry, which another command may have changed meanwhile. */
MUST_CHECK enum err command_begin(struct hub *h, struct store_txn **t);
/* Ends it: signs the audit and commits when `e` is OK.  Returns `e`, or what the commit said. */
MUST_CHECK enum err command_finish(struct hub *h, struct store_txn *t, enum err e);

/* One entry in the audit, in a transaction of its own, signed: before something is shown or written out, so that
 * nothing leaves without it. */
MUST_CHECK enum err command_note(struct hub *h, enum audit_action a, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* A period, whatever its series, that the person named by id or label; ERR_NOT_FOUND with what is near. */
MUST_CHECK enum err command_period(const struct hub *h, const char *text, struct period *out);
/* The unit is known (units.h); ERR_NOT_FOUND with a suggestion. */
MUST_CHECK enum err command_unit(struct hub *h, const char *unit);
/* A form that is loaded, by id; ERR_NOT_FOUND with a suggestion. */
MUST_CHECK enum err command_form(const struct hub *h, const char *id, const struct form **out);
/* `programme load DIR`, but for opening and closing the hub: judges, prints what is wrong, loads, says so. */
MUST_CHECK enum err command_load_pack(struct hub *h, const char *dir);

/* ---- what is shown ---- */

/* For people by language, for programs the stable English word. */
const char *command_state(enum participant_state s, enum table_format f);
/* Why something is kept apart, for people. */
const char *command_reason(enum quarantine_reason r);
/* The same, but of an invitation that nobody can use any more: locked, expired. */
const char *command_standing(const struct participant *p, enum table_format f);
/* A participant by id; ERR_NOT_FOUND with a suggestion. */
MUST_CHECK enum err command_school(const struct hub *h, const char *id, const struct participant **out);
/* A target as it is written, "yes" in words; NULL: nothing. */
void command_target(struct buf *out, const struct target *t);
/* Prints and frees the table, unless `e` is an error already. */
MUST_CHECK enum err command_print(struct table *t, enum table_format f, enum err e);
/* "of the office alone": on stderr before every view that `publish` did not make (invariant 7). */
void command_mark_internal(void);
/* The same sentence, for what is printed on paper. */
const char *command_internal(void);

#endif
