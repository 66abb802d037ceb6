/* cmd_publish.h: what `publish` and its --list, --show, --told and --withdraw share. */
#ifndef SVODKA_HUB_CMD_PUBLISH_H
#define SVODKA_HUB_CMD_PUBLISH_H

#include "common/table.h"
#include "hub/figures.h"
#include "hub/publish_store.h"
#include "hub/units.h"

MUST_CHECK enum err publish_list(struct hub *h, enum table_format f);
MUST_CHECK enum err publish_show(struct hub *h, const char *id, const char *out_dir, enum table_format f);
/* What each school was told last, and whether it has it. */
MUST_CHECK enum err publish_told(struct hub *h, enum table_format f);
/* Tells schools what was published before, in a transaction of its own. */
MUST_CHECK enum err publish_tell(struct hub *h, const struct figures_order *o);
/* How many schools get something; nothing when none does. */
void publish_say_told(uint64_t told);
/* Who is not in it, because it came after the period was closed; not empty. */
void publish_say_late(const struct units *late, bool is_for_schools);
MUST_CHECK enum err publish_withdraw(struct hub *h, const struct figures_order *o, const char *reason);
/* One publication on stdout, for people with what the check found. */
MUST_CHECK enum err publish_print(const struct hub *h, const struct publication_row *row,
                                  const struct publication_tables *tables, enum table_format f);
/* DIR/PROGRAMME-PERIOD-AUDIENCE[-SCHOOL].csv, .json and .signed; what is there is replaced, and they are named. */
MUST_CHECK enum err publish_write(const char *dir, const struct publication_row *row,
                                  const struct publication_tables *tables);
/* How many lines, what is hidden, what was checked. */
void publish_say_summary(FILE *to, const struct publication_row *row);

#endif
