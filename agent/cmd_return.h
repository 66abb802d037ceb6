/* cmd_return.h: shared by the cmd_return*.c files alone. */
#ifndef SVODKA_AGENT_CMD_RETURN_H
#define SVODKA_AGENT_CMD_RETURN_H

#include "agent/cmd_common.h"
#include "agent/own_return.h"

/* What people call it: the form's title, whose it is, the period's label. */
#define RETURN_NAME 768u
void return_name(const struct agent *a, const struct own_return *r, char out[RETURN_NAME]);

/* One of its submissions, decoded: loans of the return and of `space`, until its next use. */
MUST_CHECK enum err return_decode(const struct agent *a, struct record_space *space, const struct return_line *l,
                                  struct record *out, const struct form **form);

/* How much of it was entered on behalf of the unit: "From paper: 3. By telephone: 1."; "": nothing. */
#define RETURN_BEHALF 256u
MUST_CHECK enum err return_behalf(const struct own_return *r, char out[RETURN_BEHALF]);

/* Writes the page or the workbook that is printed and signed.  ERR_EXISTS: never over another file. */
MUST_CHECK enum err return_print(const struct agent *a, const struct own_return *r, const char *path);

#endif
