#include "hub/commands.h"

#include "common/expr_json.h"
#include "common/log.h"
#include "common/service.h"
#include "hub/core.h"
#include "hub/lease.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- core, serve, gateway ---- */

int cmd_core(int argc, char **argv)
{
    const char *home = NULL, *ready = NULL, *verbose = NULL;
    const struct cli_command *c = command_named("core");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"ready-fd", 0, N_("N"), N_("write one byte to this descriptor when the core listens"), &ready},
        {"verbose", 'v', NULL, N_("log more"), &verbose},
        LAST_OPTION};
    int64_t fd = -1;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = cli_home(home, &home)) != OK || (e = command_number(&fd, "ready-fd", ready, 0, 1 << 20)) != OK)
        return cli_fail(e);
    log_init("svodka-hub", verbose != NULL ? LOG_INFO : LOG_NOTICE);
    service_start();
    e = core_run(home, (int)fd);
    service_stop();
    return cli_fail(e);
}

/* A home that cannot be opened, or is served already, is told at once instead of by children that die again and again.
 */
static enum err check_home(const char *home, char **exchange)
{
    struct hub *h = NULL;
    enum err e = hub_open(&h, home, HUB_READ);

    if (e == OK && lease_has_core(h->lease))
        e = err_set(ERR_BUSY, _("%s: a core is running there already"), home);
    if (e == OK && h->conf.gateway_folder != NULL && (*exchange = strdup(h->conf.gateway_folder)) == NULL)
        e = ERR_NOMEM;
    hub_close(h, false);
    return e;
}

int cmd_serve(int argc, char **argv)
{
    const char *home = NULL;
    const char *self = "svodka-hub";
    const struct cli_command *c = command_named("serve");
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    char *exchange = NULL;
    int code;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = cli_home(home, &home)) != OK || (e = check_home(home, &exchange)) != OK)
        return cli_fail(e);
    log_init("svodka-hub", LOG_NOTICE);
    service_start();
    code = cli_fail(hub_serve(home, exchange, self));
    service_stop();
    free(exchange);
    return code;
}

int cmd_gateway(int argc, char **argv)
{
    char program[FOLDER_PATH_MAX];
    enum err e = hub_gateway_program(program, "svodka-hub");

    (void)argc;
    if (e != OK)
        return cli_fail(e);
    argv[0] = program; /* its options are the gateway's own */
    (void)execv(program, argv);
    return cli_fail(err_errno(ERR_IO, errno, "%s", program));
}

/* ---- expr ---- */

/* "-1 + 2" and "-sum(${a})" are expressions and no options. */
static bool is_option(const char *arg)
{
    return strcmp(arg, "-h") == 0 || strcmp(arg, "--") == 0 ||
           (strncmp(arg, "--", 2) == 0 && arg[2] >= 'a' && arg[2] <= 'z' && strpbrk(arg, " (") == NULL);
}

int cmd_expr(int argc, char **argv)
{
    const char *values = NULL;
    const struct cli_command *c = command_named("expr");
    const struct cli_option options[] = {
        {"json", 0, N_("VALUES"), N_("what the names stand for: a JSON object"), &values}, LAST_OPTION};
    const char *expression = NULL;
    bool is_value = false; /* of --json */
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        if (expression == NULL && strcmp(argv[i], "--") == 0 && i + 1 < argc)
            expression = argv[++i];
        else if (expression == NULL && !is_value && !is_option(argv[i]))
            expression = argv[i];
        else
            argv[kept++] = argv[i];
        is_value = !is_value && strcmp(argv[i], "--json") == 0;
    }
    argv[kept] = NULL;
    if (cli_parse(c, options, kept, argv, expression != NULL ? 0 : 1, expression != NULL ? 0 : 1) < 0)
        return cli_exit_code();
    return cli_fail(expr_print(expression != NULL ? expression : argv[0], values, stdout));
}
