#include "common/cli.h"

#include "common/cli_internal.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#ifndef SVODKA_VERSION
#define SVODKA_VERSION "0.1.0"
#endif

#define MAX_COMMANDS 64u
#define MAX_NAME     64u

void cli_put_entry(FILE *to, const char *name, const char *help, size_t width)
{
    size_t own = utf8_width(name);

    if (own > width) /* too long to stand beside: help goes to the next line */
        (void)fprintf(to, "  %s\n  %*s  %s\n", name, (int)width, "", help);
    else
        (void)fprintf(to, "  %s%*s  %s\n", name, (int)(width - own), "", help);
}

/* True for "school" and "school add" when the group is "school". */
static bool is_in_group(const char *name, const char *group)
{
    size_t len = strlen(group);

    return strncmp(name, group, len) == 0 && (name[len] == '\0' || name[len] == ' ');
}

/* Every command, or those of one group. */
static void put_commands(FILE *to, const struct cli_command *table, const char *group)
{
    size_t width = 0;

    for (const struct cli_command *c = table; c->name != NULL; c++)
        if ((group == NULL || is_in_group(c->name, group)) && strlen(c->name) > width)
            width = strlen(c->name);
    (void)fprintf(to, "%s\n", _("Commands:"));
    for (const struct cli_command *c = table; c->name != NULL; c++)
        if (group == NULL || is_in_group(c->name, group))
            cli_put_entry(to, c->name, _(c->help), width);
}

static void put_usage(FILE *to, const char *program, const struct cli_command *table, const char *group)
{
    if (group == NULL)
        (void)fprintf(to, _("Usage: %s COMMAND [OPTION]... [ARGUMENT]...\n"), program);
    else
        (void)fprintf(to, _("Usage: %s %s COMMAND [OPTION]... [ARGUMENT]...\n"), program, group);
    (void)fputc('\n', to);
    put_commands(to, table, group);
    (void)fprintf(to, "\n");
    (void)fprintf(to, _("\"%s COMMAND --help\" explains one command.\n"), program);
}

static const struct cli_command *find_command(const struct cli_command *table, const char *name)
{
    for (const struct cli_command *c = table; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static bool group_exists(const struct cli_command *table, const char *word)
{
    for (const struct cli_command *c = table; c->name != NULL; c++)
        if (is_in_group(c->name, word))
            return true;
    return false;
}

static int unknown_command(const char *program, const struct cli_command *table, const char *typed)
{
    const char *names[MAX_COMMANDS];
    const char *near;
    char first[MAX_NAME];
    size_t count = 0;

    for (const struct cli_command *c = table; c->name != NULL && count < MAX_COMMANDS; c++)
        names[count++] = c->name;
    if ((near = cli_nearest(typed, names, count)) == NULL) { /* "acept soc": what follows is not of the command */
        (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(typed, " "), typed);
        near = cli_nearest(first, names, count);
    }
    if (near != NULL)
        cli_say(_("unknown command \"%s\"; did you mean \"%s\"?"), typed, near);
    else
        cli_say(_("unknown command \"%s\"; \"%s --help\" lists all commands"), typed, program);
    return 2;
}

/* `typed` is the first word, or the first two, of a command that does not exist. */
static int no_such_command(const char *program, const struct cli_command *table, const char *word, const char *next,
                           const char *both)
{
    if (!group_exists(table, word))
        return unknown_command(program, table, next != NULL && next[0] != '-' && strchr(both, ' ') ? both : word);
    if (next != NULL && (strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0)) {
        put_usage(stdout, program, table, word);
        return 0;
    }
    if (next != NULL && next[0] != '-')
        return unknown_command(program, table, both);
    cli_say(_("\"%s\" needs a second word"), word);
    put_commands(stderr, table, word);
    return 2;
}

/* argv[0] is the command's first word. */
static int run_command(const char *program, const struct cli_command *table, int argc, char **argv)
{
    const char *next = argc > 1 ? argv[1] : NULL;
    const struct cli_command *c;
    char name[MAX_NAME]; /* becomes argv[0] of the command */
    char both[MAX_NAME];
    int words = 2;

    (void)snprintf(name, sizeof(name), "%s", argv[0]);
    (void)snprintf(both, sizeof(both), "%s %s", argv[0], next != NULL ? next : "");
    c = next != NULL ? find_command(table, both) : NULL;
    if (c != NULL) {
        memcpy(name, both, sizeof(name));
    } else {
        words = 1;
        c = find_command(table, name);
    }
    if (c == NULL)
        return no_such_command(program, table, argv[0], next, both);
    argv[words - 1] = name;
    return c->run(argc - (words - 1), argv + (words - 1));
}

/* "help", "help school", "help school add". */
static int run_help(const char *program, const struct cli_command *table, int argc, char **argv)
{
    char first[MAX_NAME];
    char second[MAX_NAME];
    char help[] = "--help";
    char *asked[4] = {first, NULL, NULL, NULL};
    int n = 1;

    if (argc < 2) {
        put_usage(stdout, program, table, NULL);
        return 0;
    }
    (void)snprintf(first, sizeof(first), "%s", argv[1]);
    if (argc > 2) {
        (void)snprintf(second, sizeof(second), "%s", argv[2]);
        asked[n++] = second;
    }
    asked[n++] = help;
    return run_command(program, table, n, asked);
}

/* `--home DIR` before the command: as if SVODKA_HOME were set.  Returns how many words it took, 0 if it is not there.
 */
static int take_home(int argc, char **argv)
{
    static const char option[] = "--home";
    const char *dir = NULL;
    int words = 0;

    if (argc > 2 && strcmp(argv[1], option) == 0) {
        dir = argv[2];
        words = 2;
    } else if (argc > 1 && strncmp(argv[1], "--home=", sizeof(option)) == 0) {
        dir = argv[1] + sizeof(option);
        words = 1;
    }
    if (dir != NULL)
        (void)setenv("SVODKA_HOME", dir, 1);
    return words;
}

int cli_dispatch(const char *program, const struct cli_command *table, int argc, char **argv)
{
    int home = take_home(argc, argv);

    argc -= home;
    argv += home;
    if (argc < 2) {
        put_usage(stderr, program, table, NULL);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("%s %s\n", program, SVODKA_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run_help(program, table, 1, argv);
    if (strcmp(argv[1], "help") == 0 && find_command(table, "help") == NULL)
        return run_help(program, table, argc - 1, argv + 1);
    if (argv[1][0] == '-') {
        cli_say(_("the command comes before its options; \"%s --help\" lists all commands"), program);
        return 2;
    }
    return run_command(program, table, argc - 1, argv + 1);
}
