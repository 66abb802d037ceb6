#include "common/cli.h"

#include "common/cli_internal.h"
#include "common/installed.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef SVODKA_LOCALEDIR_DEFAULT
#define SVODKA_LOCALEDIR_DEFAULT "/usr/local/share/locale"
#endif

#ifndef SVODKA_LOCALE_FOLDER
#define SVODKA_LOCALE_FOLDER "share/locale"
#endif

#define DOMAIN "svodka"

static const char *program_name = "svodka";
static bool russian;

/* ---- language ---- */

static const char *env_or_null(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* What POSIX lets decide the language of messages, or NULL when nothing is said. */
static const char *wanted_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *value = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && value == NULL; i++)
        value = env_or_null(names[i]);
    return value;
}

static bool is_language(const char *name, const char *code)
{
    size_t len = strlen(code);

    return strncmp(name, code, len) == 0 && (name[len] == '\0' || strchr("_.@:", name[len]) != NULL);
}

/* LANGUAGE is a list; the first language in it that we have decides. */
static bool list_wants_russian(const char *list)
{
    while (list != NULL) {
        if (is_language(list, "ru"))
            return true;
        if (is_language(list, "en") || is_language(list, "C") || is_language(list, "POSIX"))
            return false;
        list = strchr(list, ':');
        if (list != NULL)
            list++;
    }
    return false;
}

static bool wants_russian(void)
{
    const char *locale = wanted_locale();
    const char *list = env_or_null("LANGUAGE");

    if (locale != NULL && (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0))
        return false; /* asked for plainly, by a script: LANGUAGE has no say, as everywhere in gettext */
    return list != NULL ? list_wants_russian(list) : locale != NULL && is_language(locale, "ru");
}

/* A minimal system has only C, POSIX and C.UTF-8, whatever LANG says.  gettext reads LANGUAGE in C.UTF-8 but not in C,
 * so C.UTF-8 carries any language for which no locale is installed. */
static void set_locale(void)
{
    const char *messages;

    russian = wants_russian();
    if (setlocale(LC_ALL, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    messages = setlocale(LC_MESSAGES, NULL);
    if (russian && (messages == NULL || strcmp(messages, "C") == 0 || strcmp(messages, "POSIX") == 0))
        (void)setlocale(LC_MESSAGES, "C.UTF-8");
    (void)setlocale(LC_NUMERIC, "C");
    (void)setenv("LANGUAGE", russian ? "ru" : "en", 1);
}

void cli_start(const char *program)
{
    const char *dir = env_or_null("SVODKA_LOCALEDIR");
    char installed[FOLDER_PATH_MAX];

    if (dir == NULL && installed_path(installed, SVODKA_LOCALE_FOLDER) == OK)
        dir = installed;
    program_name = program;
    set_locale();
    (void)bindtextdomain(DOMAIN, dir != NULL ? dir : SVODKA_LOCALEDIR_DEFAULT);
    (void)bind_textdomain_codeset(DOMAIN, "UTF-8");
    (void)textdomain(DOMAIN);
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool cli_is_russian(void)
{
    return russian;
}

const char *cli_pick(const char *ru, const char *en)
{
    const char *first = russian ? ru : en;

    return first != NULL ? first : russian ? en : ru;
}

/* ---- messages ---- */

const char *cli_program(void)
{
    return program_name;
}

void cli_say(const char *fmt, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *p = text; *p != '\0'; p++) /* a file or a peer may have put them there */
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = ' ';
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: %s\n", program_name, text);
}

int cli_fail(enum err e)
{
    if (e == OK)
        return 0;
    if (err_text()[0] != '\0')
        cli_say("%s", err_text());
    else
        cli_say(_("the operation failed (%s)"), err_name(e));
    return e == ERR_USAGE ? 2 : 1;
}

enum err cli_home(const char *option, const char **home)
{
    const char *found = option != NULL && option[0] != '\0' ? option : env_or_null("SVODKA_HOME");

    if (found == NULL)
        return err_set(ERR_USAGE, _("say which folder to work in: --home DIR, or the variable SVODKA_HOME"));
    *home = found;
    return OK;
}

/* ---- "did you mean" ---- */

#define NEAREST_MAX 64u

/* Edit distance where a swap of neighbours counts once; names are short, so three rows are enough and fixed. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NEAREST_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        const size_t *earlier = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);

            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *cli_nearest(const char *typed, const char *const *names, size_t count)
{
    size_t len = strlen(typed);
    size_t allowed = (len + 2) / 3; /* about one slip in three characters; beyond that a suggestion only misleads */
    const char *best = NULL;

    if (len == 0 || len > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_len = strlen(names[i]);
        size_t d;

        if (name_len > NEAREST_MAX)
            continue;
        d = distance(typed, len, names[i], name_len);
        if (len >= 3 && name_len > len && strncmp(names[i], typed, len) == 0)
            d = d < 2 ? d : 1; /* the beginning of a name, broken off */
        if (d <= allowed && d < (name_len > len ? name_len : len)) {
            allowed = d == 0 ? 0 : d - 1;
            best = names[i];
            if (d == 0)
                break;
        }
    }
    return best;
}
