#include "hub/commands.h"

#include "common/clock.h"
#include "hub/cmd_programme.h"
#include "hub/form_change.h"
#include "hub/ledger_build.h"
#include "hub/programme.h"
#include "hub/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading and judging a pack ---- */

struct judged {
    struct pack pack;
    struct programme *programme;
    struct calendar *calendar; /* its own periods and those of all other programmes */
    struct due_rules *due;     /* NULL: no calendar.yaml */
    struct report *report;
};

static void judged_fini(struct judged *j)
{
    due_rules_free(j->due);
    programme_free(j->programme);
    calendar_free(j->calendar);
    pack_free(&j->pack);
    report_free(j->report);
}

static const char *file_of_form(const struct pack *p, const struct form *f)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->files[i].len == f->source.len && memcmp(p->files[i].bytes, f->source.p, f->source.len) == 0)
            return p->files[i].name;
    return f->id;
}

/* Another programme that goes on offering another version of the same form would split one series of answers in two. */
static void warn_of_others(const struct hub *h, const struct programme *own, const struct form *f, struct judged *j)
{
    struct finding at = {.file = file_of_form(&j->pack, f), .field = "version", .is_warning = true};

    for (size_t p = 0; p < h->programme_count; p++) {
        const struct programme *other = h->programmes[p];

        for (size_t i = 0; strcmp(other->id, own->id) != 0 && i < other->form_count; i++)
            if (strcmp(other->forms[i]->id, f->id) == 0 &&
                memcmp(other->forms[i]->digest, f->digest, FORM_DIGEST_BYTES) != 0)
                report_add(j->report, &at,
                           _("programme %s still offers version %s of form %s: load it again with this version"),
                           other->id, other->forms[i]->version, f->id);
    }
}

/* All versions of one form, the current one last: it is what the next one is compared with in the end. */
static enum err check_changes(const struct hub *h, struct judged *j)
{
    const struct form **known = calloc(h->form_count + 1, sizeof(struct form *));
    enum err worst = OK;

    if (known == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < j->programme->form_count && worst != ERR_NOMEM; i++) {
        const struct form *f = j->programme->forms[i];
        const struct form *current = hub_form_by_id(h, f->id);
        size_t count = 0;
        enum err e;

        for (size_t k = 0; k < h->form_count; k++)
            if (current == NULL || memcmp(h->forms[k]->digest, current->digest, FORM_DIGEST_BYTES) != 0)
                known[count++] = h->forms[k];
        if (current != NULL)
            known[count++] = current;
        if ((e = form_change_check(f, known, count, file_of_form(&j->pack, f), j->report)) != OK)
            worst = e;
        warn_of_others(h, j->programme, f, j);
    }
    free(known);
    return worst;
}

static bool is_told_of(const struct report *r, const char *file)
{
    for (size_t i = 0; i < report_kept(r); i++)
        if (report_at(r, i)->file != NULL && strcmp(report_at(r, i)->file, file) == 0)
            return true;
    return false;
}

/* The programme is wrong.  All mistakes are told in one pass, those of its calendar.yaml as well, as far as they do not
 * follow from others: forms are not looked up, and without its periods nothing is said.  Returns `e`. */
static enum err judge_calendar_too(struct judged *j, enum err e)
{
    enum err ignored;

    if (e == ERR_NOMEM || is_told_of(j->report, "periods.yaml") || is_told_of(j->report, "shared/periods.yaml") ||
        is_told_of(j->report, "calendar.yaml"))
        return e;
    ignored = hub_pack_due(&j->due, &j->pack, NULL, 0, j->calendar, j->report);
    (void)ignored;
    return e;
}

/* `h` NULL: the pack alone, without what a hub holds already. */
static enum err judge(struct judged *j, const struct hub *h, struct store_txn *t, const char *dir)
{
    char id[FORM_NAME_MAX + 1];
    enum err e;

    memset(j, 0, sizeof(*j));
    if ((e = report_new(&j->report, 0)) != OK || (e = pack_read_dir(&j->pack, dir, j->report)) != OK)
        return e;
    e = h == NULL ? calendar_new(&j->calendar)
                  : hub_calendar(t, pack_programme_id(&j->pack, id) ? id : NULL, &j->calendar);
    if (e != OK)
        return e;
    if ((e = programme_load(&j->programme, &j->pack, j->calendar, j->report)) != OK)
        return judge_calendar_too(j, e);
    retention_check(j->programme->forms, j->programme->form_count, j->report);
    if ((e = hub_pack_due(&j->due, &j->pack, j->programme->forms, j->programme->form_count, j->calendar, j->report)) !=
        OK)
        return e;
    return h == NULL ? OK : check_changes(h, j);
}

/* The pack's files under the name that the person gave. */
static void print_report(const struct report *r, const char *dir)
{
    struct report *shown = NULL;
    size_t more;

    if (r == NULL || report_new(&shown, 0) != OK)
        return;
    for (size_t i = 0; i < report_kept(r); i++) {
        struct finding f = *report_at(r, i);
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, f.file != NULL ? f.file : "");
        if (f.file == NULL || strcmp(f.file, dir) != 0)
            f.file = path;
        report_add(shown, &f, "%s", f.text);
    }
    (void)fflush(stdout);
    report_print(shown, stderr);
    report_free(shown);
    more = report_errors(r) + report_warnings(r) - report_kept(r);
    if (more > 0) {
        (void)fprintf(stderr, ngettext("... and %zu more like these.", "... and %zu more like these.", more), more);
        (void)fputc('\n', stderr);
    }
}

/* One last line after the mistakes. */
static enum err refused(const struct judged *j, enum err e)
{
    size_t n = j->report != NULL ? report_errors(j->report) : 0;

    if (e == OK || n == 0)
        return e;
    return err_set(
        e,
        ngettext("the pack has %zu mistake; nothing was changed", "the pack has %zu mistakes; nothing was changed", n),
        n);
}

static void say_contents(const struct programme *p, const struct due_rules *due)
{
    (void)printf(_("Forms: %zu, indicators: %zu, import maps: %zu.\n"), p->form_count, p->indicator_count,
                 p->map_count);
    if (due != NULL)
        (void)printf(_("Rules of the calendar: %zu.\n"), due_rules_count(due));
}

/* ---- programme load ---- */

#define RETRIES 5u

/* Judged, and its new cells built, from one look at the store: the core goes on receiving meanwhile. */
struct coming {
    struct judged judged;
    struct cell_build *build;
    uint64_t definitions; /* under which that was done */
};

static void coming_fini(struct coming *c)
{
    cell_build_free(c->build);
    judged_fini(&c->judged);
    memset(c, 0, sizeof(*c));
}

static enum err build(struct coming *c, struct store_txn *t)
{
    struct ledger_totals totals;
    char count[32];
    enum err e;

    if (!cell_build_is_needed(c->build))
        return OK;
    if ((e = ledger_totals(t, &totals)) != OK)
        return e;
    if (totals.counted > 0) {
        cli_format_count(count, sizeof(count), totals.counted);
        (void)fprintf(stderr, _("Computing the indicators anew from %s submissions ...\n"), count);
    }
    return cell_build_run(c->build, t);
}

/* Before anything is changed, in words. */
static enum err say_effect(const struct coming *c, struct hub *h, struct store_txn *t)
{
    struct programme_effect *effect = NULL;
    struct sheet sheet;
    enum err e = programme_effect_new(&effect, h, t, c->judged.programme, c->build);

    if (e != OK)
        return e;
    sheet_init(&sheet, TABLE_TEXT);
    if (!programme_effect_is_empty(effect))
        sheet_effect(&sheet, c->judged.programme, effect);
    programme_effect_free(effect);
    e = sheet_finish(&sheet);
    (void)fflush(stdout);
    return e;
}

/* `say`: what it would do, too. */
static enum err prepare(struct coming *c, struct hub *h, const char *dir, bool say)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    memset(c, 0, sizeof(*c));
    if (e != OK)
        return e;
    if ((e = hub_reload(h, t)) == OK)
        e = judge(&c->judged, h, t, dir);
    c->definitions = h->definitions_version;
    if (e == OK)
        e = cell_build_new(&c->build, h, c->judged.programme);
    if (e == OK && say && (e = say_effect(c, h, t)) == OK)
        e = retention_say_lost(h, t, c->build, c->judged.programme, stderr);
    if (e == OK)
        e = build(c, t);
    store_abort(t);
    return e;
}

/* What arrived since the look is in the journal: then the cells are computed again, and nothing can arrive any more. */
static enum err store_programme(struct hub *h, struct store_txn *t, const struct coming *c)
{
    const struct judged *j = &c->judged;
    bool is_current = false;
    char who[80];
    enum err e;

    if ((e = cell_build_is_current(c->build, t, &is_current)) != OK ||
        (!is_current && cell_build_is_needed(c->build) && (e = cell_build_run(c->build, t)) != OK) ||
        (e = cell_build_store(c->build, t)) != OK || (e = hub_add_programme(h, t, &j->pack, j->programme)) != OK)
        return e;
    if ((e = hub_reload(h, t)) != OK)
        return err_prefix(e, _("with this pack the hub's programmes do not fit together any more"));
    command_user(who, sizeof(who));
    return hub_audit_do(h, t, who, AUDIT_PROGRAMME_LOAD, j->programme->id, "version=%s", j->programme->version);
}

/* *again: another programme was loaded since the look. */
static enum err switch_over(struct hub *h, const struct coming *c, bool *again)
{
    struct store_txn *t = NULL;
    uint64_t definitions;
    enum err e = store_begin_write(h->store, &t);

    *again = false;
    if (e != OK)
        return e;
    if ((e = hub_definitions_version(t, &definitions)) == OK && definitions != c->definitions) {
        *again = true;
        store_abort(t);
        return OK;
    }
    if (e == OK)
        e = store_programme(h, t, c);
    return command_finish(h, t, e);
}

enum err command_load_pack(struct hub *h, const char *dir)
{
    struct coming c;
    bool again = true;
    enum err e = OK;

    for (unsigned i = 0; again; i++) {
        if (i == RETRIES)
            return err_set(ERR_BUSY, _("other programmes are being loaded all the time; try again later"));
        e = prepare(&c, h, dir, i == 0);
        if (e == OK)
            e = switch_over(h, &c, &again);
        if (e != OK || !again)
            break;
        coming_fini(&c);
    }
    print_report(c.judged.report, dir);
    if ((e = refused(&c.judged, e)) == OK) {
        const struct programme *p = c.judged.programme;

        (void)printf(_("Programme %s, version %s (%s) is loaded.\n"), p->id, p->version,
                     cli_pick(p->title_ru, p->title_en));
        say_contents(p, c.judged.due);
    }
    coming_fini(&c);
    return e;
}

int cmd_programme_load(int argc, char **argv)
{
    const char *home = NULL;
    const struct cli_command *c = command_named("programme load");
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = command_load_pack(h, argv[0]);
    return command_close(h, e, true);
}

/* ---- programme check ---- */

struct check_order {
    const char *dir, *year;
    enum table_format format;
};

/* Whose due dates are shown. */
static enum err check_year(const struct calendar *c, const char *text, struct period *out)
{
    return text != NULL ? calendar_find(c, "school_year", text, out)
                        : calendar_on(c, "school_year", clock_today(), out);
}

static enum err put_effect(struct sheet *s, struct hub *h, struct store_txn *t, const struct programme *p)
{
    struct programme_effect *effect = NULL;
    struct cell_build *build = NULL;
    enum err e = cell_build_new(&build, h, p);

    if (e == OK && (e = programme_effect_new(&effect, h, t, p, build)) == OK) {
        if (s->format == TABLE_TEXT)
            (void)putchar('\n');
        sheet_effect(s, p, effect);
        e = retention_say_lost(h, t, build, p, stderr);
    }
    programme_effect_free(effect);
    cell_build_free(build);
    return e;
}

static enum err show_check(struct hub *h, struct store_txn *t, const struct judged *j, const struct check_order *o)
{
    const struct programme *p = j->programme;
    struct period year;
    struct sheet sheet;
    enum err e = check_year(j->calendar, o->year, &year);

    if (e != OK)
        return e;
    if (o->format == TABLE_TEXT) {
        (void)printf(_("Nothing is wrong with programme %s, version %s (%s)."), p->id, p->version,
                     cli_pick(p->title_ru, p->title_en));
        (void)putchar('\n');
    }
    sheet_init(&sheet, o->format);
    sheet_summary(&sheet, p, j->due, j->calendar, &year);
    if (h != NULL)
        e = put_effect(&sheet, h, t, p);
    if (sheet.e == OK)
        sheet.e = e;
    return sheet_finish(&sheet);
}

static enum err check(struct hub *h, const struct check_order *o)
{
    struct store_txn *t = NULL;
    struct judged j;
    enum err e = h == NULL ? OK : store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    e = judge(&j, h, t, o->dir);
    print_report(j.report, o->dir);
    if ((e = refused(&j, e)) == OK)
        e = show_check(h, t, &j, o);
    store_abort(t);
    judged_fini(&j);
    return e;
}

int cmd_programme_check(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    struct check_order o = {NULL, NULL, TABLE_TEXT};
    const struct cli_command *c = command_named("programme check");
    const struct cli_option options[] = {
        {"year", 0, N_("YEAR"), N_("school year whose due dates are shown, as 2020/21 (default: the present one)"),
         &o.year},
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    o.dir = argv[0];
    if ((e = command_format(&o.format, format)) != OK)
        return cli_fail(e);
    /* Without a hub at hand, for instance where packs are written, the pack is judged alone. */
    if (cli_home(home, &home) != OK)
        (void)fprintf(stderr, "%s\n", _("No --home: the pack is checked alone, without what a hub holds already."));
    else if ((e = command_open(&h, home, HUB_READ)) != OK)
        return command_close(h, e, false);
    e = check(h, &o);
    return command_close(h, e, false);
}

/* ---- programme list ---- */

static enum err put_programme(struct table *t, const struct programme *p)
{
    char forms[24], indicators[24];
    const char *cells[] = {p->id, p->version, cli_pick(p->title_ru, p->title_en), forms, indicators};

    (void)snprintf(forms, sizeof(forms), "%zu", p->form_count);
    (void)snprintf(indicators, sizeof(indicators), "%zu", p->indicator_count);
    return table_row(t, cells);
}

static enum err list(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {{"programme", _("Programme"), TABLE_LEFT, false},
                                           {"version", _("Version"), TABLE_LEFT, false},
                                           {"title", _("Title"), TABLE_LEFT, false},
                                           {"forms", _("Forms"), TABLE_RIGHT, true},
                                           {"indicators", _("Indicators"), TABLE_RIGHT, true}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < h->programme_count && e == OK; i++)
        e = put_programme(t, h->programmes[i]);
    return command_print(t, f, e);
}

int cmd_programme_list(int argc, char **argv)
{
    return command_show("programme list", argc, argv, HUB_READ, list);
}
