/* cmd_publish.h: what `publish` and its --list and --show share. */
#ifndef SVODKA_HUB_CMD_PUBLISH_H
#define SVODKA_HUB_CMD_PUBLISH_H

#include "common/table.h"
#include "hub/publish_store.h"

MUST_CHECK enum err publish_list(struct hub *h, enum table_format f);
MUST_CHECK enum err publish_show(struct hub *h, const char *id, const char *out_dir, enum table_format f);
/* One publication on stdout, for people with what the check found. */
MUST_CHECK enum err publish_print(const struct hub *h, const struct publication_row *row,
                                  const struct publication_tables *tables, enum table_format f);
/* DIR/PROGRAMME-PERIOD-AUDIENCE[-SCHOOL].csv, .json and .signed; what is there is replaced, and they are named. */
MUST_CHECK enum err publish_write(const char *dir, const struct publication_row *row,
                                  const struct publication_tables *tables);
/* How many lines, what is hidden, what was checked. */
void publish_say_summary(FILE *to, const struct publication_row *row);

#endif
