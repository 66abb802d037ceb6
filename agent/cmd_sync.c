#include "agent/cmd_common.h"
#include "agent/run.h"
#include "agent/schedule.h"
#include "common/log.h"
#include "common/service.h"

#include <stdio.h>

/* ---- what happened, in plain words ---- */

static const char *count_text(char out[32], uint64_t n)
{
    cli_format_count(out, 32, n);
    return out;
}

static void print_sent(const struct sync_result *r)
{
    char records[32];
    char batches[32];
    char bytes[32];

    if (r->batches == 0)
        return;
    cli_format_bytes(bytes, sizeof(bytes), r->bytes);
    (void)printf(_("Sent: submissions: %s, batches: %s (%s).\n"), count_text(records, r->records),
                 count_text(batches, r->batches), bytes);
    if (r->resumed > 0)
        (void)printf(_("Batch %llu went on at byte %u, where the line was lost before.\n"),
                     (unsigned long long)r->resumed_sequence, r->resumed_offset);
}

static void print_receipts(const struct sync_result *r)
{
    char n[4][32];
    char all[32];

    if (r->receipts == 0)
        return;
    (void)printf(_("Confirmed by the district: batches: %s; counted: %s, replaced by something later: %s, there "
                   "already: %s, kept apart: %s.\n"),
                 count_text(all, r->receipts), count_text(n[0], r->verdicts[VERDICT_COUNTED]),
                 count_text(n[1], r->verdicts[VERDICT_SUPERSEDED]), count_text(n[2], r->verdicts[VERDICT_DUPLICATE]),
                 count_text(n[3], r->verdicts[VERDICT_QUARANTINED]));
    if (r->verdicts[VERDICT_QUARANTINED] > 0)
        (void)printf("%s\n", _("\"svodka-agent status\" says why something was kept apart."));
    if (r->refused_batches > 0)
        (void)printf(_("Batches that the district could not accept: %s; call the district office.\n"),
                     count_text(all, r->refused_batches));
}

static void print_news(const struct sync_result *r)
{
    char n[2][32];

    if (r->joined)
        (void)printf("%s\n", _("This computer has joined the district."));
    if (r->objects > 0)
        (void)printf(_("New forms, calendars and tables fetched: %s.\n"), count_text(n[0], r->objects));
    if (r->words > 0)
        (void)printf(_("Letters of the district about what was sent before: %s; \"svodka-agent status\" shows them.\n"),
                     count_text(n[0], r->words));
    if (r->reconciled > 0)
        (void)printf(_("The district held newer work of this school than this computer did (a restored copy, or two "
                       "computers with the same data). Nothing is lost. There already: %s; sent under new numbers: "
                       "%s.\n"),
                     count_text(n[0], r->already_there), count_text(n[1], r->renumbered));
}

static void print_result(const struct sync_result *r)
{
    char left[32];

    print_news(r);
    print_sent(r);
    print_receipts(r);
    if (r->outcome == SYNC_COMPLETE && r->batches == 0 && r->receipts == 0)
        (void)printf("%s\n", _("Nothing waited: the district has everything."));
    if (r->limited)
        (void)printf("%s\n", _("As much was sent as sync.max_bytes_per_night allows; the rest goes another night."));
    if (r->left > 0)
        (void)printf(_("Batches that still wait for the district's confirmation: %s.\n"), count_text(left, r->left));
}

static enum err error_of(const struct sync_result *r, const char *text)
{
    return r->outcome == SYNC_COMPLETE ? OK : err_set(ERR_NET, "%s", text);
}

/* ---- sync ---- */

static enum err ask_runner(const struct agent *a, struct sync_result *r)
{
    char text[SYNC_TEXT];
    enum err e;

    (void)fprintf(stderr, "%s\n", _("svodka-agent run is syncing right now; it is asked for one more pass."));
    e = run_ask(a->dir, r, text);
    if (e == ERR_NOT_FOUND)
        return err_set(ERR_BUSY, _("another svodka-agent is syncing right now; try again in a minute"));
    return e == OK ? error_of(r, text) : e;
}

int cmd_sync(int argc, char **argv)
{
    static const struct cli_command self = {"sync", "[--home DIR]", N_("send what waits and fetch what is new, once"),
                                            cmd_sync};
    const char *home = NULL;
    const char *verbose = NULL;
    const struct cli_option options[] = {
        OPTION_HOME(&home), {"verbose", 'v', NULL, N_("tell more on the way"), &verbose}, OPTION_END};
    struct sync_result *r = NULL;
    struct schedule_state state;
    struct agent *a = NULL;
    struct sync_result result;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if (verbose != NULL)
        log_init("agent", LOG_INFO);
    if ((e = command_open(&a, home)) != OK)
        return cli_fail(e);
    if ((e = schedule_load(a, &state)) != OK) {
        agent_close(a);
        return cli_fail(e);
    }
    r = &result;
    e = sync_once(a, r);
    if (r->outcome == SYNC_LOCKED) {
        e = ask_runner(a, r);
    } else {
        char text[SYNC_TEXT];

        (void)snprintf(text, sizeof(text), "%s", err_text());
        if (e != ERR_CANCELLED && schedule_note(a, r, &state) != OK)
            log_warning("sync: %s", err_text());
        if (e != OK)
            (void)err_set(e, "%s", text);
    }
    print_result(r);
    agent_close(a);
    return cli_fail(e);
}

/* ---- run ---- */

int cmd_run(int argc, char **argv)
{
    static const struct cli_command self = {"run", "[--home DIR]", N_("stay and sync at the agreed hours"), cmd_run};
    const char *home = NULL;
    const char *verbose = NULL;
    const struct cli_option options[] = {
        OPTION_HOME(&home), {"verbose", 'v', NULL, N_("tell more on the way"), &verbose}, OPTION_END};
    const char *dir = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    log_init("agent", verbose != NULL ? LOG_INFO : LOG_NOTICE);
    service_start();
    if ((e = cli_home(home, &dir)) == OK)
        e = run_home(dir);
    service_stop();
    return cli_fail(e);
}
