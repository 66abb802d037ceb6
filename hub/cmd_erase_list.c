/* erase list, erase act: what is kept and until when; what was erased. */
#include "hub/cmd_erase.h"

#include "common/clock.h"
#include "hub/commands.h"
#include "hub/copies.h"
#include "hub/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 2048u

struct listing {
    struct hub *hub;
    struct store_txn *t;
    struct table *table;
    enum table_format format;
};

static const char *state_word(const struct retention_row *r, enum table_format f, char *out, size_t size)
{
    static const char *const names[] = {"no-term", "kept", "due", "erased"};

    if (f != TABLE_TEXT)
        return names[r->state];
    switch (r->state) {
    case RETENTION_NO_TERM: return _("no term is given");
    case RETENTION_KEPT: return _("kept");
    case RETENTION_DUE: return _("due");
    case RETENTION_ERASED:
        (void)snprintf(out, size, _("erased under act %llu"), (unsigned long long)r->key.act);
        return out;
    }
    return "";
}

static void join(char *out, size_t size, const char *text)
{
    size_t at = strlen(out);

    if (text != NULL && text[0] != '\0' && strstr(out, text) == NULL && at + strlen(text) + 3 < size)
        (void)snprintf(out + at, size - at, "%s%s", at > 0 ? ", " : "", text);
}

#define NUMBERS_MAX 64u

/* Numbers of the backups that hold what is kept, or was erased, there: "1 2 3". */
static enum err put_backups(const struct listing *l, const struct retention_row *r, char out[NUMBERS_MAX])
{
    struct act *a = calloc(1, sizeof(*a));
    struct copies c = {NULL, 0, 0};
    enum err e = a == NULL ? ERR_NOMEM : OK;

    out[0] = '\0';
    if (e == OK && r->key.act != 0)
        e = act_get(l->hub, l->t, r->key.act, a, NULL);
    else if (e == OK) { /* as if it were erased now */
        a->has_copies = true;
        a->first_lsn = r->first_lsn;
        a->wall_ms = clock_wall_ms();
    }
    if (e == OK && r->first_lsn != 0 && (e = copies_of(&c, l->t, a)) == OK) {
        for (size_t i = 0; i < c.count; i++) {
            size_t at = strlen(out);

            if (c.rows[i].destroyed_ms != 0)
                continue;
            if (at + 32 > NUMBERS_MAX) {
                (void)snprintf(out + at, NUMBERS_MAX - at, " ...");
                break;
            }
            (void)snprintf(out + at, NUMBERS_MAX - at, "%s%llu", at > 0 ? " " : "",
                           (unsigned long long)c.rows[i].number);
        }
        copies_fini(&c);
    }
    free(a);
    return e;
}

static enum err put_class(void *ctx, const struct retention_row *r)
{
    const struct listing *l = ctx;
    char backups[NUMBERS_MAX];
    char year[16], forms[CELL_MAX] = "", purpose[CELL_MAX] = "", count[32], until[11] = "", since[11] = "",
                   act[24] = "", word[128];
    const char *cells[] = {
        r->key.retention, year, forms, count, purpose, until, since, state_word(r, l->format, word, sizeof(word)), act,
        backups};
    enum err e = put_backups(l, r, backups);

    if (e != OK)
        return e;
    (void)snprintf(year, sizeof(year), "%d/%02d", (int)r->key.year, (int)((r->key.year + 1) % 100));
    for (size_t i = 0; i < r->of.form_count; i++) {
        join(forms, sizeof(forms), r->of.forms[i]->id);
        if (r->of.forms[i]->purpose_ru != NULL)
            join(purpose, sizeof(purpose), cli_pick(r->of.forms[i]->purpose_ru, r->of.forms[i]->purpose_en));
    }
    if (l->format == TABLE_TEXT)
        cli_format_count(count, sizeof(count), r->submissions);
    else
        (void)snprintf(count, sizeof(count), "%" PRIu64, r->submissions);
    if (r->of.years > 0)
        date_format(until, r->due - 1);
    if (r->state == RETENTION_DUE)
        date_format(since, r->due);
    if (r->key.act != 0)
        (void)snprintf(act, sizeof(act), "%" PRIu64, r->key.act);
    return table_row(l->table, cells);
}

static enum err list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {{"class", _("Class"), TABLE_LEFT, false},
                                           {"year", _("School year"), TABLE_LEFT, false},
                                           {"forms", _("Forms"), TABLE_LEFT, false},
                                           {"submissions", _("Submissions"), TABLE_RIGHT, true},
                                           {"purpose", _("Purpose"), TABLE_LEFT, false},
                                           {"until", _("Kept until"), TABLE_LEFT, false},
                                           {"due_since", _("Due since"), TABLE_LEFT, false},
                                           {"state", _("State"), TABLE_LEFT, false},
                                           {"act", _("Act"), TABLE_RIGHT, true},
                                           {"backups", _("Backups that hold it"), TABLE_LEFT, false}};
    struct listing l = {.hub = h, .format = f};
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &l.t)) == OK)
        e = retention_each(h, l.t, clock_today(), put_class, &l);
    store_abort(l.t);
    return command_print(l.table, f, e);
}

int erase_list(const char *home, enum table_format f)
{
    struct hub *h = NULL;
    enum err e = command_open(&h, home, HUB_READ);

    if (e == OK)
        e = list(h, f);
    return command_close(h, e, false);
}

int cmd_erase_list(int argc, char **argv)
{
    return command_show("erase list", argc, argv, HUB_READ, list);
}

/* ---- acts ---- */

static enum err put_act_row(struct table *table, const struct act *a, enum table_format f)
{
    char number[24], when[64], what[256], submissions[24], current[24];
    const char *cells[] = {number, when, a->by, what, submissions, current, a->order};

    (void)snprintf(number, sizeof(number), "%" PRIu64, a->number);
    command_time(when, sizeof(when), a->wall_ms, f);
    if (a->scope == ACT_CLASS)
        (void)snprintf(what, sizeof(what), "%s %d/%02d", a->retention, (int)a->year, (int)((a->year + 1) % 100));
    else
        (void)snprintf(what, sizeof(what), "%s, %s, %s", a->form, a->unit, a->period);
    (void)snprintf(submissions, sizeof(submissions), "%" PRIu64, a->submissions);
    (void)snprintf(current, sizeof(current), "%" PRIu64, a->current);
    return table_row(table, cells);
}

static enum err list_acts(struct hub *h, struct store_txn *t, enum table_format f)
{
    const struct table_column columns[] = {{"act", _("Act"), TABLE_RIGHT, true},
                                           {"time", _("Erased on"), TABLE_LEFT, false},
                                           {"by", _("By"), TABLE_LEFT, false},
                                           {"what", _("What"), TABLE_LEFT, false},
                                           {"submissions", _("Submissions"), TABLE_RIGHT, true},
                                           {"current", _("Were in the sums"), TABLE_RIGHT, true},
                                           {"order", _("Order"), TABLE_LEFT, false}};
    struct act *a = malloc(sizeof(*a));
    struct table *table = NULL;
    enum err e = a == NULL ? ERR_NOMEM : table_new(&table, columns, sizeof(columns) / sizeof(columns[0]));

    for (uint64_t n = 1; e == OK && n <= act_count(t); n++)
        if ((e = act_get(h, t, n, a, NULL)) == OK)
            e = put_act_row(table, a, f);
    free(a);
    return command_print(table, f, e);
}

static enum err show_act(struct hub *h, struct store_txn *t, uint64_t number)
{
    struct act *a = malloc(sizeof(*a));
    struct buf text;
    enum err e = a == NULL ? ERR_NOMEM : act_get(h, t, number, a, NULL);

    buf_init(&text, 1u << 20);
    if (e == ERR_NOT_FOUND)
        e = err_set(e, _("there is no act %llu"), (unsigned long long)number);
    if (e == OK && (e = act_write(h, t, number)) == OK && (e = act_text(&text, h, t, a)) == OK) {
        (void)fputs(buf_cstr(&text), stdout);
        (void)printf(_("To be printed: %s/%s/%llu.html; the extract of the journal lies beside it.\n"), h->dir,
                     ACT_FOLDER, (unsigned long long)number);
    }
    buf_fini(&text);
    free(a);
    return e;
}

int cmd_erase_act(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    int n = cli_parse(command_named("erase act"), options, argc, argv, 0, 1);
    struct store_txn *t = NULL;
    struct hub *h = NULL;
    enum table_format f;
    int64_t number = 0;
    enum err e;

    if (n < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK ||
        (n > 0 && (e = command_number(&number, "act", argv[0], 1, INT64_MAX)) != OK))
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = n > 0 ? show_act(h, t, (uint64_t)number) : list_acts(h, t, f);
    store_abort(t);
    return command_close(h, e, false);
}
