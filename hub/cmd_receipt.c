/* receipt check: what a school's receipt proves, for anyone with the root's fingerprint.  Opens no home. */
#include "hub/commands.h"

#include "protocol/proof_show.h"

int cmd_receipt_check(int argc, char **argv)
{
    const char *root = NULL, *format = NULL;
    const struct cli_command *c = command_named("receipt check");
    const struct cli_option options[] = {
        {"root", 0, N_("FINGERPRINT"), N_("of the district's root key, as invitations show it"), &root},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    enum table_format f;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (root == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--root is missing: the fingerprint of the district's root key")));
    if ((e = command_format(&f, format)) == OK)
        e = proof_show(argv[0], root, f);
    return cli_fail(e);
}
