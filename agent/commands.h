/* commands.h: the agent's commands: what main.c lists and cmd_*.c do.  Each returns the exit code. */
#ifndef SVODKA_AGENT_COMMANDS_H
#define SVODKA_AGENT_COMMANDS_H

int cmd_join(int argc, char **argv);
int cmd_forms(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_session_open(int argc, char **argv);
int cmd_session_list(int argc, char **argv);
int cmd_session_show(int argc, char **argv);
int cmd_session_close(int argc, char **argv);
int cmd_session_withdraw(int argc, char **argv);
int cmd_correct(int argc, char **argv);
int cmd_retract(int argc, char **argv);
int cmd_queue(int argc, char **argv);
int cmd_waits(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_indicators(int argc, char **argv);
int cmd_questions(int argc, char **argv);
int cmd_answer(int argc, char **argv);
int cmd_return(int argc, char **argv);
int cmd_handover(int argc, char **argv);
int cmd_codes(int argc, char **argv);
int cmd_codes_name(int argc, char **argv);
int cmd_codes_rename(int argc, char **argv);
int cmd_codes_merge(int argc, char **argv);
int cmd_people(int argc, char **argv);
int cmd_people_add(int argc, char **argv);
int cmd_people_remove(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_receipt(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_sync(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_bundle_write(int argc, char **argv);
int cmd_bundle_receipt(int argc, char **argv);

#endif
