#include "common/cli.h"

#include "common/cli_internal.h"
#include "common/utf8.h"

#include <getopt.h>
#include <string.h>

#define MAX_OPTIONS  48
#define MAX_LABEL    96u
#define FIRST_VALUE  256 /* getopt's code of options[0]: above every letter */
#define HELP_VALUE   (FIRST_VALUE + MAX_OPTIONS)
#define HELP_COLUMNS 30u /* widest option label that help stands beside */

static int exit_code;

int cli_exit_code(void)
{
    return exit_code;
}

static int wrong(const struct cli_command *c)
{
    (void)fprintf(stderr, _("\"%s %s --help\" explains this command.\n"), cli_program(), c->name);
    exit_code = 2;
    return -1;
}

/* ---- --help ---- */

static void put_label(char label[MAX_LABEL], const struct cli_option *o)
{
    char letter[5] = "    ";

    if (o->letter != 0)
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    (void)snprintf(label, MAX_LABEL, "%s--%s%s%s", letter, o->name, o->value != NULL ? " " : "",
                   o->value != NULL ? _(o->value) : "");
}

static void put_help(const struct cli_command *c, const struct cli_option *options)
{
    static const struct cli_option help = {"help", 'h', NULL, N_("show this help"), NULL};
    char label[MAX_LABEL];
    size_t width = 10;

    (void)printf(_("Usage: %s %s %s\n"), cli_program(), c->name, c->args != NULL ? c->args : "");
    (void)printf("\n%s\n\n%s\n", _(c->help), _("Options:"));
    for (const struct cli_option *o = options; o->name != NULL; o++) {
        put_label(label, o);
        if (utf8_width(label) > width && utf8_width(label) <= HELP_COLUMNS)
            width = utf8_width(label);
    }
    for (const struct cli_option *o = options; o->name != NULL; o++) {
        put_label(label, o);
        cli_put_entry(stdout, label, _(o->help), width);
    }
    put_label(label, &help);
    cli_put_entry(stdout, label, _(help.help), width);
    exit_code = 0;
}

/* ---- mistakes ---- */

static int unknown_option(const struct cli_command *c, const struct cli_option *options, const char *typed)
{
    const char *names[MAX_OPTIONS];
    const char *equals = strchr(typed, '=');
    const char *near;
    char name[MAX_LABEL];
    size_t count = 0;

    (void)snprintf(name, sizeof(name), "%.*s", equals != NULL ? (int)(equals - typed) : (int)strlen(typed), typed);
    for (const struct cli_option *o = options; o->name != NULL; o++)
        names[count++] = o->name;
    near = cli_nearest(name + strspn(name, "-"), names, count);
    if (near != NULL)
        cli_say(_("unknown option %s; did you mean --%s?"), name, near);
    else
        cli_say(_("unknown option %s"), name);
    return wrong(c);
}

static int bad_option(const struct cli_command *c, const struct cli_option *options, const char *typed)
{
    if (optopt == 0) /* a long name, unknown or short for several */
        return unknown_option(c, options, typed);
    if (optopt >= FIRST_VALUE) {
        cli_say(_("the option --%s takes no value"),
                optopt == HELP_VALUE ? "help" : options[optopt - FIRST_VALUE].name);
        return wrong(c);
    }
    cli_say(_("unknown option -%c"), optopt);
    return wrong(c);
}

static const struct cli_option *find_option(const struct cli_option *options, int code)
{
    for (const struct cli_option *o = options; o->name != NULL; o++)
        if (code == FIRST_VALUE + (int)(o - options) || (o->letter != 0 && code == o->letter))
            return o;
    return NULL;
}

static int value_missing(const struct cli_command *c, const struct cli_option *options)
{
    const struct cli_option *o = find_option(options, optopt);

    if (o != NULL)
        cli_say(_("the option --%s needs a value: %s"), o->name, o->value != NULL ? _(o->value) : "");
    return wrong(c);
}

/* Word processors turn two hyphens into a dash, and people copy commands out of letters. */
static bool begins_with_dash(const char *text)
{
    return strncmp(text, "\xE2\x80\x93", 3) == 0 || strncmp(text, "\xE2\x80\x94", 3) == 0;
}

static int check_positionals(const struct cli_command *c, char **argv, int count, int min, int max)
{
    for (int i = 0; i < count; i++)
        if (begins_with_dash(argv[i])) {
            cli_say(_("\"%s\" begins with a long dash; an option begins with two hyphens"), argv[i]);
            return wrong(c);
        }
    if (count < min) {
        cli_say(_("something is missing; expected: %s %s"), c->name, c->args != NULL ? c->args : "");
        return wrong(c);
    }
    if (max >= 0 && count > max) {
        cli_say(_("\"%s\" is one argument too many; expected: %s %s"), argv[max], c->name,
                c->args != NULL ? c->args : "");
        return wrong(c);
    }
    return count;
}

/* ---- parsing ---- */

static void prepare(const struct cli_option *options, struct option *longs, char *letters)
{
    size_t n = 0;
    size_t l = 0;

    letters[l++] = ':'; /* tells a missing value from an unknown option */
    for (const struct cli_option *o = options; o->name != NULL && n < MAX_OPTIONS; o++, n++) {
        longs[n] =
            (struct option){o->name, o->value != NULL ? required_argument : no_argument, NULL, FIRST_VALUE + (int)n};
        if (o->letter != 0) {
            letters[l++] = o->letter;
            if (o->value != NULL)
                letters[l++] = ':';
        }
    }
    longs[n] = (struct option){"help", no_argument, NULL, HELP_VALUE};
    letters[l++] = 'h';
    letters[l] = '\0';
}

int cli_parse(const struct cli_command *c, const struct cli_option *options, int argc, char **argv, int min, int max)
{
    struct option longs[MAX_OPTIONS + 2] = {{0}};
    char letters[2 * MAX_OPTIONS + 3];
    int code;
    int count;

    prepare(options, longs, letters);
    exit_code = 0;
    opterr = 0;
    optind = 0; /* glibc: begin anew, also after an earlier command line of the same process */
    optopt = 0;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct cli_option *o = find_option(options, code);

        if (o != NULL) {
            if (o->text != NULL)
                *o->text = o->value != NULL ? optarg : "1";
        } else if (code == HELP_VALUE || code == 'h') {
            put_help(c, options);
            return -1;
        } else {
            return code == ':' ? value_missing(c, options) : bad_option(c, options, argv[optind - 1]);
        }
        optopt = 0;
    }
    count = argc - optind;
    memmove(argv, argv + optind, (size_t)count * sizeof(*argv));
    return check_positionals(c, argv, count, min, max);
}
