/* command_text.h: how the commands write a person, a time and a value.  Apart from commands.h because sheets, acts and
 * summaries, which no command has to print, write them alike: they need no command for it. */
#ifndef SVODKA_HUB_COMMAND_TEXT_H
#define SVODKA_HUB_COMMAND_TEXT_H

#include "common/table.h"
#include "hub/evaluate.h"

/* Who works here, for the audit: "office:NAME" of the account that logged in, also behind sudo -u. */
void command_user(char *out, size_t size);
/* For people by language, for programs ISO 8601 in UTC; "" for 0. */
void command_time(char *out, size_t size, int64_t wall_ms, enum table_format f);
/* A value for people, rounded, with its unit of measure: "34,5 %", "yes", the name of a class; of RESULT_OK alone. */
void command_value(struct buf *out, const struct indicator *i, const struct result *r);
/* What it is a part of: "34 / 100"; of RESULT_OK alone; "" where there is no denominator. */
void command_fraction(struct buf *out, const struct indicator *i, const struct result *r);
/* "below the target"; "" where there is none. */
const char *command_target_word(enum target_status s);

#endif
