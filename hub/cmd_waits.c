/* waits: a school without a line reads out the code of a return that waits there (protocol/phone_code.h). */
#include "hub/commands.h"

#include "common/clock.h"
#include "common/utf8.h"
#include "hub/excuse.h"
#include "protocol/phone_code.h"

#include <stdio.h>
#include <string.h>

#define DAYS_AROUND 1 /* calls shortly after midnight, and clocks that are a little off */

struct call {
    const struct participant *from;
    struct phone_code code;
    int32_t day;   /* of the call */
    int32_t slack; /* days before and after that are tried, too */
    uint8_t keys[HUB_MAX_SEAL_KEYS][KEY_BYTES];
    size_t key_count;
    bool is_found, is_here;
    struct excuse found;
};

/* With the key that the school's present computer has told, and each sealing key that it may know. */
static enum err make_keys(const struct hub *h, struct call *c)
{
    static const uint8_t none[KEY_BYTES];
    const struct participant *p = c->from;
    const struct signer *s = p->signer_count == 0 ? NULL : &p->signers[p->signer_count - 1];
    enum err e = OK;

    if (s == NULL || s->until_lsn != 0 || memcmp(s->history, none, KEY_BYTES) == 0)
        return err_set(ERR_NOT_FOUND, _("no computer of %s has joined yet: its code cannot be checked"), p->id);
    for (size_t i = 0; i < h->seal_count && e == OK; i++)
        if (h->seal[i] != NULL)
            e = phone_key(c->keys[c->key_count++], h->seal[i], s->history, s->history, key_public(h->seal[i]));
    return e;
}

static bool fits(const struct call *c, const struct return_row *r, int32_t day)
{
    const struct phone_return about = {c->from->id, r->form->id, r->unit, r->period->id, day};

    for (size_t i = 0; i < c->key_count; i++)
        if (phone_code_fits(&c->code, c->keys[i], &about))
            return true;
    return false;
}

static enum err try_return(void *ctx, const struct return_row *r)
{
    struct call *c = ctx;

    if (c->is_found || !grant_allows(&c->from->grant, r->form->role, r->unit))
        return OK;
    for (int32_t day = c->day - c->slack; day <= c->day + c->slack && !c->is_found; day++) {
        if (!fits(c, r, day))
            continue;
        c->is_found = true;
        c->is_here = r->facts.is_here;
        c->found = (struct excuse){.kind = EXCUSE_CALL, .day = day, .count = c->code.count};
        (void)snprintf(c->found.form, sizeof(c->found.form), "%s", r->form->id);
        (void)snprintf(c->found.unit, sizeof(c->found.unit), "%s", r->unit);
        (void)snprintf(c->found.period, sizeof(c->found.period), "%s", r->period->id);
    }
    return OK;
}

static enum err find(struct hub *h, struct store_txn *t, struct call *c)
{
    const struct returns_query q = {.today = c->day, .with_closed = true};
    char day[40];
    enum err e = make_keys(h, c);

    if (e == OK)
        e = returns_each(h, t, &q, try_return, c);
    if (e != OK || c->is_found)
        return e;
    cli_format_date(day, sizeof(day), c->day);
    return err_set(ERR_NOT_FOUND,
                   _("the code is not one of %s for a return that is asked of it, made on %s: is it the right school, "
                     "and was the code shown today? (--day DATE for another day)"),
                   c->from->grant.name, day);
}

static enum err note_in(struct hub *h, struct store_txn *t, struct call *c, const char *by)
{
    char who[80], day[11];
    enum err e = find(h, t, c);

    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    utf8_copy(c->found.by, sizeof(c->found.by), by != NULL ? by : who);
    date_format(day, c->found.day);
    if ((e = excuse_decide(h, t, &c->found)) != OK)
        return e;
    return hub_audit_do(h, t, who, AUDIT_RETURN_CALL, c->from->id, "form=%s\nunit=%s\nperiod=%s\nmade=%s\ncount=%llu",
                        c->found.form, c->found.unit, c->found.period, day, (unsigned long long)c->found.count);
}

static void say(const struct hub *h, const struct call *c)
{
    const struct form *f = hub_form_by_id(h, c->found.form);
    char day[40];

    cli_format_date(day, sizeof(day), c->found.day);
    (void)printf(ngettext("%s: on %s %u entry waited at the school: %s, %s (%s).\n",
                          "%s: on %s %u entries waited at the school: %s, %s (%s).\n", c->code.count),
                 c->from->grant.name, day, c->code.count,
                 f == NULL ? c->found.form : cli_pick(f->title_ru, f->title_en), c->found.period, c->found.unit);
    if (c->is_here)
        (void)printf("%s\n", _("Something of this return is here already; more is on its way."));
}

int cmd_waits(int argc, char **argv)
{
    const char *home = NULL, *day = NULL, *by = NULL;
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"day", 0, N_("DATE"), N_("the day on which the code was shown at the school (default: today)"), &day},
        {"by", 0, N_("NAME"), N_("who took the call (default: the account)"), &by},
        LAST_OPTION};
    struct call c = {.day = clock_today(), .slack = DAYS_AROUND};
    struct store_txn *t = NULL;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("waits"), options, argc, argv, 2, 2) < 0)
        return cli_exit_code();
    if (day != NULL && date_parse_local(&c.day, day, strlen(day)) != OK)
        return cli_fail(
            err_set(ERR_USAGE, _("--day: \"%.40s\" is not a date; expected one like 2020-09-01 or 01.09.2020"), day));
    if (by != NULL && strlen(by) > RETURN_BY_MAX)
        return cli_fail(err_set(ERR_USAGE, _("the name of who says it is longer than %u bytes"), RETURN_BY_MAX));
    if (day != NULL)
        c.slack = 0;
    if ((e = phone_code_read(&c.code, argv[1])) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = command_begin(h, &t)) == OK) {
        if ((e = command_school(h, argv[0], &c.from)) == OK)
            e = note_in(h, t, &c, by);
        if ((e = command_finish(h, t, e)) == OK)
            say(h, &c);
    }
    wipe(c.keys, sizeof(c.keys));
    return command_close(h, e, true);
}
