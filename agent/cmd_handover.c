#include "agent/cmd_common.h"
#include "agent/handover.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

static enum err print(struct agent *a, const char *path, bool has_names)
{
    struct handout *page = NULL;
    char title[512], today[11];
    enum err e;

    date_format(today, clock_today());
    (void)snprintf(title, sizeof(title), _("Handover: %s, %s"), a->grant->name, today);
    e = handout_new(&page, path, title, has_names ? _("For this school alone: it has names") : NULL, clock_today());
    if (e != OK)
        return e;
    handout_sheet(page, _("handover"), title);
    if ((e = handover_write(a, page, has_names)) == OK && (e = handout_save(page)) == OK)
        (void)printf(_("%s: print it, sign it, put it with the invitation sheet\n"), path);
    handout_free(page);
    return e;
}

int cmd_handover(int argc, char **argv)
{
    static const struct cli_command self = {
        "handover", "[--print FILE.html|FILE.xlsx] [--without-names]",
        N_("What a new deputy head must know: what is due, what was sent, what is open, who is who, keys and copies."),
        cmd_handover};
    const char *home = NULL, *path = NULL, *without = NULL;
    const struct cli_option options[] = {
        {"print", 0, N_("FILE"), N_("a page to print (.html) or a workbook (.xlsx)"), &path},
        {"without-names", 0, NULL, N_("leave out those who enter and the local codes"), &without},
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_open(&a, home)) == OK)
        e = path != NULL ? print(a, path, without == NULL) : handover_write(a, NULL, without == NULL);
    agent_close(a);
    return cli_fail(e);
}
