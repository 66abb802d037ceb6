#include "hub/commands.h"

#include "common/clock.h"
#include "hub/checkpoint.h"

#include <stdio.h>

static void say_mark(const struct checkpoint_mark *m)
{
    char cells[32], changed[32];

    cli_format_count(cells, sizeof(cells), m->cells);
    cli_format_count(changed, sizeof(changed), m->changed);
    (void)printf(_("The checkpoint of today is made: cells %s, changed since the one before %s.\n"), cells, changed);
}

static enum err make(struct hub *h)
{
    struct checkpoint *c = NULL;
    bool done = false;
    enum err e = checkpoint_begin(&c, h, clock_today());

    if (e == ERR_EXISTS) {
        (void)printf("%s.\n", err_text());
        return OK;
    }
    while (e == OK && !done)
        e = checkpoint_step(c, &done);
    if (e == OK)
        say_mark(checkpoint_result(c));
    checkpoint_free(c);
    return e;
}

static enum err forget(struct hub *h)
{
    struct store_txn *t = NULL;
    unsigned count = 0;
    char who[80];
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    if ((e = checkpoint_forget_later(h, t, clock_today(), &count)) == OK && count > 0) {
        command_user(who, sizeof(who));
        e = hub_audit_do(h, t, who, AUDIT_CHECKPOINT_FORGET, "", "count=%u", count);
    }
    if ((e = command_finish(h, t, e)) == OK)
        (void)printf(_("Checkpoints of later days, forgotten: %u.\n"), count);
    return e;
}

int cmd_checkpoint(int argc, char **argv)
{
    const char *home = NULL, *later = NULL;
    const struct cli_command *c = command_named("checkpoint");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"forget-later", 0, NULL, N_("first forget those of later days, which a wrong clock has made"), &later},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && later != NULL)
        e = forget(h);
    if (e == OK)
        e = make(h);
    return command_close(h, e, false);
}
