#include "hub/commands.h"

#include "common/clock.h"
#include "hub/ledger.h"
#include "hub/units.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 2000u /* of forms that a suggestion is looked for among */

const struct cli_command *command_named(const char *name)
{
    const struct cli_command *c = hub_commands;

    while (c->name != NULL && strcmp(c->name, name) != 0)
        c++;
    return c;
}

/* ---- options ---- */

/* "--name" or "--name=value" at `arg`: length of the name, else 0. */
static size_t option_length(const char *arg)
{
    return strncmp(arg, "--", 2) == 0 && arg[2] != '\0' ? strcspn(arg + 2, "=") : 0;
}

static bool takes_next(const struct cli_option *options, const char *arg)
{
    size_t len = option_length(arg);

    for (const struct cli_option *o = options; len > 0 && arg[2 + len] == '\0' && o->name != NULL; o++)
        if (strncmp(o->name, arg + 2, len) == 0 && o->name[len] == '\0')
            return o->value != NULL;
    return false;
}

enum err command_take_list(const struct cli_option *options, const char *name, int *argc, char **argv,
                           struct command_list *out)
{
    int kept = 1;
    int i = 1;

    while (i < *argc && strcmp(argv[i], "--") != 0) {
        size_t len = option_length(argv[i]);
        bool is_ours = len > 0 && strlen(name) == len && strncmp(argv[i] + 2, name, len) == 0;

        if (!is_ours) {
            bool both = takes_next(options, argv[i]) && i + 1 < *argc;

            argv[kept++] = argv[i++];
            if (both)
                argv[kept++] = argv[i++];
            continue;
        }
        if (out->count == COMMAND_LIST_MAX)
            return err_set(ERR_USAGE, _("--%s is given more than %u times"), name, COMMAND_LIST_MAX);
        if (argv[i][2 + len] == '=')
            out->items[out->count++] = argv[i++] + 3 + len;
        else if (i + 1 < *argc) {
            out->items[out->count++] = argv[i + 1];
            i += 2;
        } else
            return err_set(ERR_USAGE, _("--%s needs a value"), name);
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    *argc = kept;
    return OK;
}

enum err command_format(enum table_format *out, const char *text)
{
    *out = TABLE_TEXT;
    return text == NULL ? OK : table_format_parse(out, text);
}

enum err command_number(int64_t *out, const char *option, const char *text, int64_t min, int64_t max)
{
    char *end;
    long long n;

    if (text == NULL)
        return OK;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (text[0] == '\0' || *end != '\0' || errno != 0 || n < min || n > max)
        return err_set(ERR_USAGE, _("--%s: a whole number from %lld to %lld is expected (found: %s)"), option,
                       (long long)min, (long long)max, text);
    *out = n;
    return OK;
}

/* ---- the hub ---- */

enum err command_open(struct hub **out, const char *home_option, enum hub_access access)
{
    const char *home;
    enum err e;

    err_clear();
    if ((e = cli_home(home_option, &home)) != OK)
        return e;
    return hub_open(out, home, access);
}

int command_close(struct hub *h, enum err e, bool changed)
{
    int code = cli_fail(e);

    hub_close(h, changed && e == OK);
    return code;
}

int command_show(const char *name, int argc, char **argv, enum hub_access access,
                 enum err (*show)(struct hub *h, enum table_format f))
{
    const char *home = NULL, *format = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named(name), options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, access)) == OK)
        e = show(h, f);
    return command_close(h, e, false);
}

enum err command_begin(struct hub *h, struct store_txn **t)
{
    enum err e = store_begin_write(h->store, t);

    if (e == OK && (e = hub_reload(h, *t)) != OK) {
        store_abort(*t);
        *t = NULL;
    }
    return e;
}

enum err command_finish(struct hub *h, struct store_txn *t, enum err e)
{
    if (t == NULL)
        return e;
    if (e == OK)
        e = audit_sign(h, t);
    return ledger_end(h->ledger, t, e);
}

enum err command_note(struct hub *h, enum audit_action a, const char *subject, const char *fmt, ...)
{
    char detail[AUDIT_DETAIL_MAX + 1], who[80];
    struct store_txn *t = NULL;
    va_list ap;
    enum err e = store_begin_write(h->store, &t);

    if (e != OK)
        return e;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    command_user(who, sizeof(who));
    if ((e = hub_audit_do(h, t, who, a, subject, "%s", detail)) == OK && (e = audit_sign(h, t)) == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

enum err command_period(const struct hub *h, const char *text, struct period *out)
{
    return calendar_find(h->calendar, NULL, text, out);
}

static enum err nothing_like(const char *what, const char *typed, const char *const *names, size_t count)
{
    const char *near = cli_nearest(typed, names, count);

    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\"; did you mean \"%s\"?"), what, typed, near);
    return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\""), what, typed);
}

enum err command_unit(struct hub *h, const char *unit)
{
    struct store_txn *t = NULL;
    struct units *known = NULL;
    const char **names;
    size_t count;
    enum err e = store_begin_read(h->store, &t);

    if (e == OK)
        e = units_known(&known, h, t);
    store_abort(t);
    if (e != OK || units_has(known, unit)) {
        units_free(known);
        return e;
    }
    count = units_count(known);
    names = calloc(count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < count; i++)
        names[i] = units_at(known, i);
    e = names == NULL ? ERR_NOMEM : nothing_like(_("unit"), unit, names, count);
    free(names);
    units_free(known);
    return e;
}

enum err command_form(const struct hub *h, const char *id, const struct form **out)
{
    const char *names[NAMES_MAX];
    size_t count = 0;

    *out = hub_form_by_id(h, id);
    if (*out != NULL)
        return OK;
    for (size_t i = 0; i < h->form_count; i++) {
        if (strcmp(h->forms[i]->id, id) == 0) {
            *out = h->forms[i]; /* of a programme that does not use it any more */
            return OK;
        }
        if (count < NAMES_MAX)
            names[count++] = h->forms[i]->id;
    }
    return nothing_like(_("form"), id, names, count);
}

/* ---- what is shown ---- */

const char *command_state(enum participant_state s, enum table_format f)
{
    const char *name = "";

    switch (s) {
    case PARTICIPANT_INVITED: name = N_("invited"); break;
    case PARTICIPANT_ACTIVE: name = N_("active"); break;
    case PARTICIPANT_HELD: name = N_("held"); break;
    case PARTICIPANT_REVOKED: name = N_("revoked"); break;
    case PARTICIPANT_CLOSED: name = N_("closed"); break;
    }
    return f == TABLE_TEXT ? _(name) : name;
}

const char *command_standing(const struct participant *p, enum table_format f)
{
    const char *name;

    if (p->state != PARTICIPANT_INVITED)
        return command_state(p->state, f);
    name = registry_is_locked(p)                    ? N_("locked")
           : clock_wall_ms() > p->invite_expires_ms ? N_("expired")
                                                    : N_("invited");
    return f == TABLE_TEXT ? _(name) : name;
}

enum err command_school(const struct hub *h, const char *id, const struct participant **out)
{
    size_t count = registry_count(h->registry);
    const char **names;
    enum err e;

    *out = registry_by_id(h->registry, id);
    if (*out != NULL)
        return OK;
    names = calloc(count + 1, sizeof(*names));
    if (names == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        names[i] = registry_at(h->registry, i)->id;
    e = nothing_like(_("school"), id, names, count);
    free(names);
    return e;
}

void command_target(struct buf *out, const struct target *t)
{
    struct buf text;

    if (t == NULL)
        return;
    buf_init(&text, 256);
    if (t->yes)
        buf_put_str(&text, _("yes"));
    else
        target_put(&text, t);
    cli_localise(&text);
    buf_put_str(out, buf_cstr(&text));
    buf_fini(&text);
}

enum err command_print(struct table *t, enum table_format f, enum err e)
{
    if (e == OK)
        e = table_print(t, f, stdout);
    table_free(t);
    return e;
}

const char *command_internal(void)
{
    return _("For the office alone: small numbers are not hidden here; nothing of it may be published.");
}

void command_mark_internal(void)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s\n", command_internal());
}
