/* svodka-hub: the district's program.  The commands are in cmd_*.c; libzmq is in svodka-hub-gateway alone. */
#include "hub/commands.h"
#include "protocol/keys.h"

int main(int argc, char **argv)
{
    enum err e;

    cli_start("svodka-hub");
    if ((e = keys_start()) != OK)
        return cli_fail(e);
    return cli_dispatch("svodka-hub", hub_commands, argc, argv);
}
