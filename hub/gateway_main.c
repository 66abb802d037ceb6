/* svodka-hub-gateway: the hub's network process (gateway.h).  `svodka-hub serve` starts it; under systemd it is a
 * service of its own. */
#include "common/cli.h"
#include "common/log.h"
#include "common/service.h"
#include "hub/gateway.h"
#include "protocol/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int run(int argc, char **argv)
{
    static const struct cli_command self = {"", "--home DIR | --exchange DIR [--ready-fd N] [--verbose]",
                                            N_("The network process of a hub: lets agents in and hands their batches "
                                               "to the core."),
                                            run};
    const char *home = NULL;
    const char *exchange = NULL;
    const char *ready = NULL;
    const char *verbose = NULL;
    const struct cli_option options[] = {
        {"home", 0, N_("DIR"), N_("the hub's home (default: SVODKA_HOME)"), &home},
        {"exchange", 0, N_("DIR"), N_("the folder shared with a core of another user (gateway.folder in hub.yaml)"),
         &exchange},
        {"ready-fd", 0, N_("N"), N_("write one byte to this descriptor when agents can come"), &ready},
        {"verbose", 'v', NULL, N_("log more"), &verbose},
        {NULL, 0, NULL, NULL, NULL}};
    const char *dir = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if (exchange != NULL && home != NULL)
        return cli_fail(err_set(ERR_USAGE, _("--home and --exchange do not go together")));
    if (exchange == NULL && (e = cli_home(home, &dir)) != OK)
        return cli_fail(e);
    if (exchange != NULL)
        (void)umask(027); /* the core's user reads and removes what is in the spool */
    log_init("svodka-hub", verbose != NULL ? LOG_INFO : LOG_NOTICE);
    service_start();
    if ((e = keys_start()) == OK)
        e = gateway_run(dir, exchange, ready != NULL ? (int)strtol(ready, NULL, 10) : -1);
    service_stop();
    return cli_fail(e);
}

int main(int argc, char **argv)
{
    cli_start("svodka-hub-gateway");
    return run(argc, argv);
}
