/* svodka-hub night --alert: tells by the operator's command what needs attention, each thing once a day
 * (docs/night.md).
 *
 * The home is open only while something is read from it or written into it: the command may take its time, and the
 * hub goes on meanwhile. */
#include "hub/cmd_night.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/value.h"
#include "hub/alert.h"
#include "hub/quarantine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THINGS_MAX 4096u /* told in one message; the text says when there are more */
#define TEXT_MAX   (1u << 20)
#define ENV_COUNT  10u
#define ENV_BYTES  320u
#define MINUTE_MS  60000

struct alert {
    struct night *n;
    int64_t now_ms;
    char (*things)[ALERT_THING_MAX + 1]; /* to be told now */
    size_t count, cap;
    struct buf text;
    const char *heading; /* under which the last one stands */
    uint64_t silent, refused, bad_batches, down_ms, free_bytes, left_out;
    char env[ENV_COUNT][ENV_BYTES];
    size_t env_count;
};

/* ---- one thing ---- */

static enum err remember(struct alert *a, const char *thing)
{
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : 2 * a->cap;
        void *grown = realloc(a->things, cap * sizeof(*a->things));

        if (grown == NULL)
            return ERR_NOMEM;
        a->things = grown;
        a->cap = cap;
    }
    (void)snprintf(a->things[a->count++], sizeof(*a->things), "%s", thing);
    return OK;
}

/* Unless it was told lately.  `heading` NULL: the line stands alone. */
static enum err put_thing(struct alert *a, const char *thing, const char *heading, const char *line)
{
    bool was_told = false;
    enum err e = alert_was_told(a->n->t, thing, a->now_ms, &was_told);

    if (e != OK || was_told)
        return e;
    if (a->count == THINGS_MAX) {
        a->left_out++;
        return OK;
    }
    if ((e = remember(a, thing)) != OK)
        return e;
    if (heading != NULL && a->heading != heading)
        buf_printf(&a->text, "\n%s\n", heading);
    a->heading = heading;
    buf_printf(&a->text, "%s%s\n", heading != NULL ? "  " : "\n", line);
    return OK;
}

/* ---- what needs attention ---- */

static enum err put_down(struct alert *a)
{
    const struct night *n = a->n;
    char thing[ALERT_THING_MAX], line[512], from[64], to[64];
    enum err e = OK;

    if (!n->is_known) {
        (void)snprintf(thing, sizeof(thing), "unknown/%ld", (long)n->day);
        return put_thing(a, thing, NULL, _("The hub was not running that night, or it is too long ago."));
    }
    for (size_t i = 0; e == OK && i < n->down_count; i++) {
        a->down_ms += (uint64_t)(n->down[i].to_ms - n->down[i].from_ms);
        cli_format_minute(from, sizeof(from), n->down[i].from_ms);
        cli_format_minute(to, sizeof(to), n->down[i].to_ms);
        (void)snprintf(thing, sizeof(thing), "down/%lld", (long long)n->down[i].from_ms);
        (void)snprintf(line, sizeof(line), _("The hub was not running from %s to %s."), from, to);
        e = put_thing(a, thing, NULL, line);
    }
    return e;
}

static enum err put_room(struct alert *a)
{
    char line[256], left[32];
    bool is_little = false;
    enum err e = night_room(a->n, &is_little, &a->free_bytes);

    if (e != OK || !is_little)
        return e;
    cli_format_bytes(left, sizeof(left), a->free_bytes);
    (void)snprintf(line, sizeof(line), _("Little room is left: %s (svodka-hub doctor says where)."), left);
    return put_thing(a, "room", NULL, line);
}

static enum err put_silent(struct alert *a, const struct night_school *s, const char *heading)
{
    int64_t days = night_days_silent(a->n, s);
    char thing[ALERT_THING_MAX], line[512], since[256];

    if (days < a->n->silent_days)
        return OK;
    a->silent++;
    night_put_silence(since, sizeof(since), s, days);
    (void)snprintf(thing, sizeof(thing), "silent/%s", s->p->id);
    (void)snprintf(line, sizeof(line), "%s  %s: %s", s->p->id, s->p->grant.name, since);
    return put_thing(a, thing, heading, line);
}

static enum err put_refused(struct alert *a, const struct night_school *s, const char *heading)
{
    char thing[ALERT_THING_MAX], line[768];

    if (s->row.refused == 0)
        return OK;
    a->refused++;
    (void)snprintf(thing, sizeof(thing), "refused/%s/%s", s->p->id, message_error_name(s->row.refusal));
    (void)snprintf(line, sizeof(line), "%s  %s: %s", s->p->id, s->p->grant.name, night_refusal_word(s->row.refusal));
    return put_thing(a, thing, heading, line);
}

static enum err put_bad_batches(struct alert *a, const struct night_school *s, const char *heading)
{
    char thing[ALERT_THING_MAX], line[768];

    if (s->row.bad_batches == 0)
        return OK;
    a->bad_batches += s->row.bad_batches;
    (void)snprintf(thing, sizeof(thing), "parcel/%s/%s", s->p->id, message_error_name(s->row.bad_batch));
    (void)snprintf(line, sizeof(line), "%s  %s: %llu (%s)", s->p->id, s->p->grant.name,
                   (unsigned long long)s->row.bad_batches, night_refusal_word(s->row.bad_batch));
    return put_thing(a, thing, heading, line);
}

static enum err put_schools(struct alert *a)
{
    const struct {
        enum err (*put)(struct alert *a, const struct night_school *s, const char *heading);
        const char *heading;
    } parts[] = {{put_silent, _("Have not come for days:")},
                 {put_refused, _("Knocked and were turned away:")},
                 {put_bad_batches, _("Parcels turned away:")}};
    enum err e = OK;

    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
        for (size_t i = 0; e == OK && i < a->n->count; i++)
            e = parts[k].put(a, &a->n->schools[i], parts[k].heading);
    return e;
}

/* ---- the message ---- */

static void put_env(struct alert *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void put_env(struct alert *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(a->env[a->env_count++], ENV_BYTES, fmt, ap);
    va_end(ap);
}

static void fill_env(struct alert *a, const struct night_totals *sum)
{
    char day[11];

    date_format(day, a->n->day);
    put_env(a, "SVODKA_DISTRICT=%s", a->n->hub->conf.name);
    put_env(a, "SVODKA_NIGHT=%s", day);
    put_env(a, "SVODKA_EXPECTED=%llu", (unsigned long long)sum->expected);
    put_env(a, "SVODKA_CAME=%llu", (unsigned long long)sum->came);
    put_env(a, "SVODKA_SILENT=%llu", (unsigned long long)a->silent);
    put_env(a, "SVODKA_REFUSED=%llu", (unsigned long long)a->refused);
    put_env(a, "SVODKA_REFUSED_BATCHES=%llu", (unsigned long long)a->bad_batches);
    put_env(a, "SVODKA_DOWN_MINUTES=%llu", (unsigned long long)a->down_ms / MINUTE_MS);
    put_env(a, "SVODKA_FREE_BYTES=%llu", (unsigned long long)a->free_bytes);
    put_env(a, "SVODKA_NEW=%zu", a->count);
}

static enum err put_end(struct alert *a, const struct night_totals *sum)
{
    const struct quarantine_filter f = {.waits = true};
    struct quarantine_list l;
    enum err e;

    if (a->left_out > 0)
        buf_printf(&a->text, _("\n... and %llu more of this kind: svodka-hub night\n"),
                   (unsigned long long)a->left_out);
    buf_printf(&a->text, _("\nCame that night: %llu of %llu.\n"), (unsigned long long)sum->came,
               (unsigned long long)sum->expected);
    if ((e = quarantine_find(a->n->hub, a->n->t, &f, &l)) != OK)
        return e;
    if (l.count > 0)
        buf_printf(&a->text, _("Waits in quarantine: %zu (svodka-hub quarantine list).\n"), l.count);
    quarantine_list_fini(&l);
    buf_printf(&a->text, "%s\n", _("All of it: svodka-hub night; what to do: svodka-hub doctor."));
    return buf_status(&a->text);
}

static enum err compose(struct alert *a)
{
    struct night_totals sum;
    char day[64];
    enum err e = night_gather(a->n);

    if (e != OK)
        return e;
    cli_format_date(day, sizeof(day), a->n->day);
    buf_printf(&a->text, _("%s: the night to %s\n"), a->n->hub->conf.name, day);
    night_totals(a->n, &sum);
    if ((e = put_down(a)) == OK && (e = put_room(a)) == OK && (e = put_schools(a)) == OK)
        e = put_end(a, &sum);
    fill_env(a, &sum);
    return e;
}

/* ---- telling ---- */

static enum err tell(struct alert *a, const struct hub_conf *conf)
{
    const char *env[ENV_COUNT + 1] = {NULL};
    struct alert_command c = {
        .argv = conf->alert, .env = env, .text = bytes_of(a->text.data, a->text.len), .limit_ms = conf->alert_limit_ms};

    for (size_t i = 0; i < a->env_count; i++)
        env[i] = a->env[i];
    return alert_run(&c);
}

static enum err note_told(const struct alert *a, struct store_txn *t)
{
    enum err e = alert_prune(t, a->now_ms);

    for (size_t i = 0; e == OK && i < a->count; i++)
        e = alert_note_told(t, a->things[i], a->now_ms);
    return e;
}

/* On a full disk nothing can be noted; then it is told once more, and that is the smaller evil. */
static void keep_told(const struct alert *a, const char *home)
{
    struct store_txn *t = NULL;
    struct hub *h = NULL;
    enum err e = command_open(&h, home, HUB_WRITE);

    if (e == OK && (e = store_begin_write(h->store, &t)) == OK) {
        store_use_reserve(t);
        if ((e = note_told(a, t)) == OK) {
            e = store_commit(t);
            t = NULL;
        }
        store_abort(t);
    }
    if (e != OK)
        log_warning("night: what was told could not be noted, and may be told again: %s", err_text());
    hub_close(h, false);
}

/* What was read from hub.yaml goes with the home: the command is kept beyond that. */
static enum err keep_command(struct hub_conf *to, const struct hub_conf *from)
{
    to->alert_limit_ms = from->alert_limit_ms;
    for (size_t i = 0; from->alert[i] != NULL; i++)
        if ((to->alert[i] = strdup(from->alert[i])) == NULL)
            return ERR_NOMEM;
    return OK;
}

static enum err look(struct alert *a, struct hub_conf *command, const char *home)
{
    struct night *n = a->n;
    enum err e = command_open(&n->hub, home, HUB_READ);

    if (e == OK) {
        night_ask_core(n->hub);
        if ((e = store_begin_read(n->hub->store, &n->t)) == OK)
            e = compose(a);
        store_abort(n->t);
        n->t = NULL;
    }
    if (e == OK)
        e = keep_command(command, &n->hub->conf);
    hub_close(n->hub, false);
    n->hub = NULL;
    free(n->schools);
    n->schools = NULL;
    return e;
}

int night_alert(struct night *n, const char *home)
{
    struct hub_conf command = {.name = NULL};
    struct alert a = {.n = n, .now_ms = clock_wall_ms()};
    enum err e;

    buf_init(&a.text, TEXT_MAX);
    if ((e = look(&a, &command, home)) == OK && a.count > 0 && command.alert[0] == NULL) {
        (void)fwrite(a.text.data, 1, a.text.len, stdout);
    } else if (e == OK && a.count > 0 && (e = tell(&a, &command)) == OK) {
        keep_told(&a, home);
        log_notice("night: told by %s: %zu", command.alert[0], a.count);
    }
    for (size_t i = 0; command.alert[i] != NULL; i++)
        free((void *)(uintptr_t)command.alert[i]);
    free(a.things);
    buf_fini(&a.text);
    return cli_fail(e);
}
