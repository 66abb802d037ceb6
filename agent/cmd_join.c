#include "agent/cmd_common.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

static void greet(const struct agent *a, const struct invitation *inv)
{
    char print[40];

    fingerprint(print, inv->root);
    (void)printf(_("This folder now belongs to %s (%s), invited by: %s\n"), a->grant->name, a->grant->participant,
                 a->directory->name);
    (void)printf(_("Fingerprint of the district's key: %s\n"), print);
    (void)printf("%s\n", _("Compare it with the sheet from the district. If it differs, stop and telephone them."));
    (void)printf(ngettext("%zu form is here; you can fill it in at once, also without a line.\n",
                          "%zu forms are here; you can fill them in at once, also without a line.\n", a->form_count),
                 a->form_count);
    if (inv->expires_ms < clock_wall_ms())
        (void)fprintf(stderr, "%s\n",
                      _("Note: by the clock of this computer the invitation has expired. Only the district decides; if "
                        "the first meeting is refused, ask for a new one."));
}

static enum err join(const char *path, const char *dir)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct agent *a = NULL;
    struct buf keep;
    void *text = NULL;
    size_t len = 0;
    enum err e;

    if (inv == NULL)
        return ERR_NOMEM;
    buf_init(&keep, INVITATION_MAX + 16);
    if ((e = cli_read_file(path, INVITATION_MAX, &text, &len)) != OK)
        goto done;
    if ((e = invitation_read(inv, &keep, bytes_of(text, len))) != OK) {
        e = err_prefix(e, "%s", path);
        goto done;
    }
    if ((e = agent_create(dir, inv)) == OK && (e = agent_open(&a, dir)) == OK)
        greet(a, inv);
    if (e == OK)
        e = command_show_code(a);
done:
    agent_close(a);
    if (text != NULL)
        wipe(text, len);
    free(text);
    wipe(inv, sizeof(*inv));
    free(inv);
    buf_wipe(&keep);
    return e;
}

int cmd_join(int argc, char **argv)
{
    static const struct cli_command self = {
        "join", "INVITE-FILE --home DIR",
        N_("Makes the agent's home out of the invitation file that the district gave: keys, forms and calendar. Work "
           "can begin at once; the district learns of it at the first meeting."),
        cmd_join};
    const char *home = NULL;
    const char *dir = NULL;
    const struct cli_option options[] = {
        {"home", 0, N_("DIR"), N_("the folder to make; it must not exist, or be empty"), &home}, OPTION_END};
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = cli_home(home, &dir)) != OK || (e = join(argv[0], dir)) != OK)
        return cli_fail(e);
    return 0;
}
