/* verify: is everything whole that is stored here, and does the hub hold the same? */
#include "agent/cmd_common.h"

#include "agent/compare.h"
#include "agent/session.h"

#include <stdio.h>

static enum err count_submissions(const struct agent *a, unsigned long long *count)
{
    struct queue_reader *r = NULL;
    struct queue_item item;
    enum err e = queue_reader_open(&r, a, NULL);

    while (e == OK && (e = queue_reader_next(r, &item)) == OK)
        (*count)++;
    queue_reader_close(r);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err verify(const struct agent *a)
{
    struct queue_status st;
    unsigned long long count = 0;
    uint64_t bad = 0;
    enum err e = queue_verify(a, stdout, &bad);

    if (e != OK || (e = session_verify(a, stdout, &bad)) != OK || (e = queue_status(a, &st)) != OK ||
        (bad == 0 && (e = count_submissions(a, &count)) != OK))
        return e;
    if (bad > 0)
        return err_set(ERR_CORRUPT,
                       ngettext("%llu thing is not as it should be; do not delete anything, tell the district",
                                "%llu things are not as they should be; do not delete anything, tell the district",
                                (unsigned long)bad),
                       (unsigned long long)bad);
    (void)printf(_("all is well: %llu submissions up to number %llu\n"), count, (unsigned long long)st.last_number);
    return OK;
}

/* ---- with the hub ---- */

#define LINES_MAX 300u

struct saying {
    uint64_t lines;
};

static void say(void *ctx, bool is_difference, const char *text)
{
    struct saying *x = ctx;

    if (x->lines++ < LINES_MAX || is_difference)
        (void)printf("%s\n", text);
}

static enum err verify_with_hub(struct agent *a)
{
    struct compare_counts n = {.equal = 0};
    struct saying x = {.lines = 0};
    char text[5][32];
    enum err e = sync_compare(a, &n, say, &x);

    if (e != OK)
        return e;
    if (x.lines > LINES_MAX)
        (void)printf(_("... and more; svodka-agent history shows them all.\n"));
    cli_format_count(text[0], sizeof(text[0]), n.equal);
    cli_format_count(text[1], sizeof(text[1]), n.quarantined);
    cli_format_count(text[2], sizeof(text[2]), n.rejected);
    cli_format_count(text[3], sizeof(text[3]), n.erased);
    cli_format_count(text[4], sizeof(text[4]), n.waiting);
    (void)printf(
        _("The district holds %s submissions exactly as they are here; of these it keeps apart %s, has rejected "
          "%s and erased %s. Not confirmed yet: %s.\n"),
        text[0], text[1], text[2], text[3], text[4]);
    if (n.gone > 0) {
        cli_format_count(text[0], sizeof(text[0]), n.gone);
        (void)printf(_("Of older ones it holds %s more, of which this computer keeps no copy.\n"), text[0]);
    }
    if (n.differences == 0)
        return OK;
    return err_set(ERR_CORRUPT,
                   ngettext("%llu submission differs from what the district holds; do not delete anything, tell the "
                            "district",
                            "%llu submissions differ from what the district holds; do not delete anything, tell the "
                            "district",
                            (unsigned long)n.differences),
                   (unsigned long long)n.differences);
}

int cmd_verify(int argc, char **argv)
{
    static const struct cli_command self = {
        "verify", "[--with-hub]",
        N_("Checks that every submission opens, that what was sent is kept unchanged, and that every receipt is the "
           "district's; with the hub, that it holds the same."),
        cmd_verify};
    const char *home = NULL, *with_hub = NULL;
    const struct cli_option options[] = {
        {"with-hub", 0, NULL, N_("also ask the hub what it holds, and compare"), &with_hub},
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_open(&a, home)) == OK && (e = verify(a)) == OK && with_hub != NULL)
        e = verify_with_hub(a);
    agent_close(a);
    return cli_fail(e);
}
