/* cli_internal.h: what the parts of cli share. */
#ifndef SVODKA_COMMON_CLI_INTERNAL_H
#define SVODKA_COMMON_CLI_INTERNAL_H

#include "common/cli.h"

/* The name given to cli_start(), for messages and usage lines. */
const char *cli_program(void);

/* "PROGRAM: sentence" on standard error, control characters as blanks. */
void cli_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* "  NAME   help" on `to`, help beginning in column `width` + 4 by terminal width. */
void cli_put_entry(FILE *to, const char *name, const char *help, size_t width);

#endif
