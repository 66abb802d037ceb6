/* cmd_question.h: shared by the commands about questions. */
#ifndef SVODKA_HUB_CMD_QUESTION_H
#define SVODKA_HUB_CMD_QUESTION_H

#include "hub/commands.h"
#include "hub/proposals.h"

/* What the forms' soft checks propose, as a table. */
MUST_CHECK enum err question_show_proposed(struct hub *h, const struct proposal_filter *filter, enum table_format f);
/* "--due": NULL is none.  ERR_USAGE. */
MUST_CHECK enum err question_read_due(const char *text, struct question_ask *a);
/* The entry in the audit: neither the key nor the text, which may be about a person. */
MUST_CHECK enum err question_note(struct hub *h, struct store_txn *t, const char *who, const char *by,
                                  const struct question *q);

#endif
