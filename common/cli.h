/* cli.h: what the two programs share on the command line: locale, subcommand table, options, asking, progress.
 * Exit 0 on success, 1 on failure, 2 on wrong usage; results on stdout, messages on stderr. */
#ifndef SVODKA_COMMON_CLI_H
#define SVODKA_COMMON_CLI_H

#include "common/err.h"

#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define _(text)  gettext(text)
#define N_(text) (text)

struct cli_option {
    const char *name;  /* long name without dashes */
    char letter;       /* or 0 */
    const char *value; /* placeholder (translated by the table: FILE, N); NULL: a flag */
    const char *help;  /* N_() */
    const char **text; /* where the value goes (flags: "1"); may be NULL for value-less help entries */
};
struct cli_command {
    const char *name;                  /* "school add": one or two words */
    const char *args;                  /* "ID --name NAME --invite FILE", for the usage line */
    const char *help;                  /* N_(): one line */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};
/* Table ends with a NULL name. */

/* Language, text domain "svodka" (folder from SVODKA_LOCALEDIR, else the installed one), umask 077, SIGPIPE ignored.
 * The language is Russian or English: the first of the two in LANGUAGE, else in LC_ALL, LC_MESSAGES or LANG; the system
 * need not have that locale.  Text is UTF-8 always and numbers keep their decimal point.  `program` is not copied. */
void cli_start(const char *program);
/* True for Russian messages: which of label_ru / label_en to show. */
bool cli_is_russian(void);
/* The label of the current language. */
const char *cli_pick(const char *ru, const char *en);

/* Finds and runs the command; --help, --version, unknown command with a suggestion (exit 2).  `--home DIR` may also
 * stand before the command.  Returns the exit code. */
int cli_dispatch(const char *program, const struct cli_command *table, int argc, char **argv);

/* Reads options of one command by getopt_long, in any order with the positional arguments, which afterwards stand in
 * argv[0] to argv[n - 1].  Returns the number of positionals, or -1 after it printed usage or the mistake: then return
 * cli_exit_code().
 * --help prints usage from `c` and the table.  `min`/`max` positionals are checked (max < 0: any). */
int cli_parse(const struct cli_command *c, const struct cli_option *options, int argc, char **argv, int min, int max);
int cli_exit_code(void); /* of the last cli_parse() that returned -1: 0 after --help, else 2 */

/* Prints "PROGRAM: err_text()" on stderr, control characters as blanks, and returns the exit code of `e` (0, 1 or 2).
 */
int cli_fail(enum err e);

/* --home, SVODKA_HOME, or ERR_USAGE with a sentence. */
MUST_CHECK enum err cli_home(const char *option, const char **home);

/* Nearest of `names` to what was typed, or NULL: "did you mean". */
const char *cli_nearest(const char *typed, const char *const *names, size_t count);

/* Progress on a terminal's stderr: "text 45 %", at most ten times a second; nothing when it is not a terminal. */
void cli_progress(const char *what, uint64_t done, uint64_t total);
void cli_progress_end(void);

/* Numbers and times for people by language: 12 345 / 12,345; 1 сентября 2020, 14:05 / 1 Sep 2020, 14:05 (local time);
 * 1,5 МБ / 1.5 MiB. */
void cli_format_count(char *out, size_t size, uint64_t n);
void cli_format_time(char *out, size_t size, int64_t wall_ms);
/* Local time, alike in both languages: 2020-09-01 14:05, 2020-09-01.  "" when it cannot be told. */
void cli_format_minute(char *out, size_t size, int64_t wall_ms);
void cli_format_day(char *out, size_t size, int64_t wall_ms);
/* A day of a form or a calendar, in words: "5 октября 2020", "5 Oct 2020". */
void cli_format_date(char *out, size_t size, int32_t day);
/* For machines: 2020-09-01T11:05:00Z. */
void cli_format_utc(char *out, size_t size, int64_t wall_ms);
void cli_format_bytes(char *out, size_t size, uint64_t bytes);
/* A number as a program writes it becomes one for people: 34.5 is 34,5 in Russian. */
struct buf;
void cli_localise(struct buf *number);

/* Whole file into memory, at most `max` bytes (more: ERR_LIMIT); "-" is stdin.  free() it; a NUL follows that is not
 * counted.  err_text() names the file. */
MUST_CHECK enum err cli_read_file(const char *path, size_t max, void **bytes, size_t *len);
/* Written whole or not at all: temporary name beside it, fsync, rename, fsync of the folder.  ERR_EXISTS unless
 * `may_exist`; ERR_NOT_FOUND: no such folder; ERR_FULL: no room.  File systems without modes (a stick) ignore `mode`.
 */
MUST_CHECK enum err cli_write_file(const char *path, const void *bytes, size_t len, unsigned mode, bool may_exist);

#endif
