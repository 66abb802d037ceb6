/* publish: the only door out (invariant 7). */
#include "hub/cmd_publish.h"

#include "hub/closing.h"
#include "hub/commands.h"
#include "hub/publish_snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EARLIER_MAX 2000u /* publications that are read together with a new one */

static const struct {
    const char *name;
    unsigned bit;
} audiences[] = {{"school", AUDIENCE_SCHOOL}, {"region", AUDIENCE_REGION}, {"public", AUDIENCE_PUBLIC}};

/* ---- what was asked ---- */

struct asked {
    const char *audience_name, *programme, *school, *out_dir, *by;
    unsigned audience;
    enum table_format format;
    struct period period;
    unsigned made;      /* publications, new or known */
    uint64_t told;      /* schools' units */
    struct units *late; /* that came after the period was closed */
};

static const char *audience_word(unsigned audience)
{
    return audience == AUDIENCE_SCHOOL ? _("schools") : audience == AUDIENCE_REGION ? _("the region") : _("the public");
}

static enum err read_audience(struct asked *a)
{
    for (size_t i = 0; a->audience_name != NULL && i < sizeof(audiences) / sizeof(audiences[0]); i++)
        if (strcmp(audiences[i].name, a->audience_name) == 0) {
            a->audience = audiences[i].bit;
            return OK;
        }
    return err_set(ERR_USAGE, _("--for: school, region or public is expected (found: %s)"),
                   a->audience_name == NULL ? "" : a->audience_name);
}

static enum err check_asked(struct hub *h, struct asked *a, const char *period)
{
    enum err e = command_period(h, period, &a->period);

    if (e == OK && a->school != NULL && a->audience != AUDIENCE_SCHOOL)
        return err_set(ERR_USAGE, _("--school goes with --for school alone"));
    if (e == OK && a->school != NULL)
        e = command_unit(h, a->school);
    if (e != OK || a->programme == NULL)
        return e;
    for (size_t i = 0; i < h->programme_count; i++)
        if (strcmp(h->programmes[i]->id, a->programme) == 0)
            return OK;
    return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\""), _("programme"), a->programme);
}

/* ---- what was published before ---- */

struct past {
    struct hub *hub;
    struct store_txn *t;
    struct publication_memory *memories;
    struct buf *bytes;
    char (*names)[48];
    size_t count;
    uint64_t last; /* the newest */
};

static void past_free(struct past *p)
{
    for (size_t i = 0; i < p->count; i++)
        buf_fini(&p->bytes[i]);
    free(p->bytes);
    free(p->names);
    free(p->memories);
}

/* What all schools were told of the district was kept once for each of them. */
static bool is_known(const struct past *p, const struct buf *memory)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->bytes[i].len == memory->len && memcmp(p->bytes[i].data, memory->data, memory->len) == 0)
            return true;
    return false;
}

static enum err remember(void *ctx, const struct publication_row *row)
{
    struct past *p = ctx;
    struct publication_tables tables;
    enum err e;

    p->last = row->id;
    publication_tables_init(&tables);
    if ((e = publication_read(p->t, row, &tables)) == OK && !is_known(p, &tables.memory)) {
        if (p->count == EARLIER_MAX)
            e = err_set(ERR_LIMIT, _("more than %u different publications are to be checked together"), EARLIER_MAX);
        else {
            (void)snprintf(p->names[p->count], sizeof(p->names[0]), "publication %llu",
                           (unsigned long long)row->id); /* untranslated: names decide ties */
            p->bytes[p->count] = tables.memory;
            buf_init(&tables.memory, 0);
            p->memories[p->count] = (struct publication_memory){
                p->names[p->count], bytes_of(p->bytes[p->count].data, p->bytes[p->count].len)};
            p->count++;
        }
    }
    publication_tables_fini(&tables);
    return e;
}

static enum err past_read(struct past *p, struct hub *h, struct store_txn *t)
{
    p->hub = h;
    p->t = t;
    p->memories = calloc(EARLIER_MAX, sizeof(*p->memories));
    p->bytes = calloc(EARLIER_MAX, sizeof(*p->bytes));
    p->names = calloc(EARLIER_MAX, sizeof(*p->names));
    if (p->memories == NULL || p->bytes == NULL || p->names == NULL)
        return ERR_NOMEM;
    return publications_each(h, t, remember, p);
}

/* ---- is it closed? ---- */

static enum err closed_since(struct store_txn *t, const struct period *period, uint64_t *snapshot_lsn)
{
    struct closing c;
    enum err e = closing_get(t, period->id, "", &c);

    if (e == ERR_NOT_FOUND || (e == OK && !c.is_closed))
        return err_set(ERR_DENIED,
                       _("the period %s is not closed: only what was closed is published, because two views "
                         "a day apart would show one child's answer; svodka-hub period close %s"),
                       period->id, period->id);
    *snapshot_lsn = c.snapshot_lsn;
    return e;
}

/* ---- one publication ---- */

struct work {
    struct hub *hub;
    struct asked *asked;
    const struct programme *programme;
    uint64_t snapshot_lsn, last;
    struct publication *publication;
    struct store_txn *t; /* that it is kept in */
    const char *who;
};

static void fill_head(const struct work *w, const char *school, struct publication_head *head)
{
    memset(head, 0, sizeof(*head));
    (void)snprintf(head->programme, sizeof(head->programme), "%s", w->programme->id);
    (void)snprintf(head->version, sizeof(head->version), "%s", w->programme->version);
    (void)snprintf(head->period, sizeof(head->period), "%s", w->asked->period.id);
    (void)snprintf(head->audience, sizeof(head->audience), "%s", w->asked->audience_name);
    (void)snprintf(head->school, sizeof(head->school), "%s", school == NULL ? "" : school);
}

static enum err hand_out(const struct work *w, const struct publication_row *row,
                         const struct publication_tables *tables)
{
    bool is_one = w->asked->audience != AUDIENCE_SCHOOL || w->asked->school != NULL;
    enum err e = OK;

    w->asked->made++;
    (void)fprintf(stderr, _("publication %llu: %s, %s, for %s%s%s\n"), (unsigned long long)row->id, row->head.programme,
                  row->head.period, row->head.audience, row->head.school[0] != '\0' ? " " : "", row->head.school);
    if (w->asked->out_dir != NULL)
        e = publish_write(w->asked->out_dir, row, tables);
    if (e == OK && is_one)
        return publish_print(w->hub, row, tables, w->asked->format);
    if (e == OK)
        publish_say_summary(stdout, row);
    return e;
}

static enum err hand_out_row(const struct work *w, struct store_txn *t, const struct publication_row *row)
{
    struct publication_tables tables;
    enum err e;

    publication_tables_init(&tables);
    if ((e = publication_read(t, row, &tables)) == OK)
        e = hand_out(w, row, &tables);
    publication_tables_fini(&tables);
    return e;
}

/* As it is kept: what was made before this closing's end is not made again, but it leaves the office once more. */
static enum err hand_out_again(const struct work *w, struct store_txn *t, bool *found)
{
    struct publication_head head;
    struct publication_row row;
    enum err e;

    fill_head(w, w->asked->school, &head);
    e = publication_find(w->hub, t, &head, w->snapshot_lsn, &row);
    *found = e == OK;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    e = command_note(w->hub, AUDIT_PUBLISH_OUT, head.programme, "number=%llu", (unsigned long long)row.id);
    return e == OK ? hand_out_row(w, t, &row) : e;
}

static enum err hand_out_kept(const struct work *w, struct store_txn *t, const char *school)
{
    struct publication_head head;
    struct publication_row row;
    enum err e;

    fill_head(w, school, &head);
    if ((e = publication_find(w->hub, t, &head, w->snapshot_lsn, &row)) != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    return hand_out_row(w, t, &row);
}

static bool is_wanted(const struct work *w, const char *school)
{
    return w->asked->school == NULL || strcmp(school, w->asked->school) == 0;
}

static enum err keep_one(void *ctx, const char *school)
{
    struct work *w = ctx;
    struct publication_tables tables;
    struct publication_row row;
    struct buf object;
    enum err e;

    memset(&row, 0, sizeof(row));
    fill_head(w, school, &row.head);
    if (school != NULL && !is_wanted(w, school))
        return OK;
    if ((e = publication_find(w->hub, w->t, &row.head, w->snapshot_lsn, &row)) == OK) /* handed out once more */
        return hub_audit_do(w->hub, w->t, w->who, AUDIT_PUBLISH_OUT, row.head.programme, "number=%llu",
                            (unsigned long long)row.id);
    if (e != ERR_NOT_FOUND)
        return e;
    publication_tables_init(&tables);
    buf_init(&object, SIGNED_MAX);
    publication_choose_school(w->publication, school);
    row.snapshot_lsn = w->snapshot_lsn;
    row.summary = *publication_summary(w->publication);
    (void)snprintf(row.by, sizeof(row.by), "%.64s", w->asked->by != NULL ? w->asked->by : w->who);
    if ((e = publication_tables_make(&tables, w->publication, w->programme, &w->asked->period)) == OK &&
        (e = publication_keep(w->hub, w->t, &row, &tables, &object)) == OK)
        e = hub_audit_do(w->hub, w->t, w->who, AUDIT_PUBLISH_MAKE, row.head.programme,
                         "period=%s\naudience=%s\nschool=%s\nnumber=%llu", row.head.period, row.head.audience,
                         school == NULL ? "" : school, (unsigned long long)row.id);
    buf_fini(&object);
    publication_tables_fini(&tables);
    return e;
}

/* Between reading and keeping others may have worked: then what was checked is not what is there. */
static enum err is_as_checked(const struct work *w)
{
    struct publication_row last;
    uint64_t snapshot_lsn = 0, definitions = 0;
    enum err e = closed_since(w->t, &w->asked->period, &snapshot_lsn);

    if (e != OK || (e = publications_newest(w->hub, w->t, &last)) != OK ||
        (e = hub_definitions_version(w->t, &definitions)) != OK)
        return e;
    if (snapshot_lsn != w->snapshot_lsn || last.id != w->last || definitions != w->hub->definitions_version)
        return err_set(ERR_BUSY, _("something else was loaded, closed or published meanwhile; run it again"));
    return OK;
}

static struct figures_order order_of(const struct work *w)
{
    return (struct figures_order){w->programme->id, w->asked->period.id, w->asked->school};
}

/* In one transaction with the decision that it is about. */
static enum err keep_and_tell(struct work *w)
{
    const struct figures_order o = order_of(w);
    uint64_t told = 0;
    enum err e = publication_each_school(w->publication, keep_one, w);

    if (e == OK)
        e = figures_tell(w->hub, w->t, &o, true, &told);
    w->asked->told += told;
    return e;
}

/* Definitions are not read anew: the publication speaks of those that it was made with. */
static enum err keep(struct work *w)
{
    enum err e = store_begin_write(w->hub->store, &w->t);

    if (e == OK && (e = is_as_checked(w)) == OK)
        e = w->asked->audience == AUDIENCE_SCHOOL ? keep_and_tell(w) : keep_one(w, NULL);
    return command_finish(w->hub, w->t, e);
}

/* Of its own there is nothing to publish; what was published for the others reaches it by itself. */
static enum err note_late(struct asked *a, const struct units *late)
{
    enum err e = a->late != NULL ? OK : units_new(&a->late);

    if (e == OK && a->school != NULL && units_has(late, a->school))
        return err_set(ERR_NOT_FOUND,
                       _("%s came after the period %s was closed: there is nothing of its own to publish. It gets the "
                         "district's values once the period is published for all schools (without --school)"),
                       a->school, a->period.id);
    for (size_t i = 0; i < units_count(late) && e == OK; i++)
        e = units_put(a->late, units_at(late, i));
    return e;
}

static enum err make(struct work *w, struct store_txn *t, struct past *past)
{
    const struct publication_order o = {w->programme, &w->asked->period, w->asked->audience};
    struct evaluation *e = NULL;
    struct units *late = NULL;
    enum err err = snapshot_evaluation(&e, &late, w->hub, t, w->programme, &w->asked->period);

    if (err == OK && late != NULL)
        err = note_late(w->asked, late);
    if (err == OK && (err = past_read(past, w->hub, t)) == OK)
        err = publication_make(&w->publication, e, &o, past->memories, past->count);
    evaluation_free(e);
    units_free(late);
    w->last = past->last;
    return err;
}

static enum err hand_out_to_school(void *ctx, const char *school)
{
    struct work *w = ctx;

    return is_wanted(w, school) ? hand_out_kept(w, w->t, school) : OK;
}

/* Only what is kept goes out. */
static enum err hand_out_all(struct work *w)
{
    enum err e = store_begin_read(w->hub->store, &w->t);

    if (e == OK)
        e = w->asked->audience == AUDIENCE_SCHOOL ? publication_each_school(w->publication, hand_out_to_school, w)
                                                  : hand_out_kept(w, w->t, NULL);
    store_abort(w->t);
    return e;
}

static enum err publish_programme(struct hub *h, struct asked *a, const struct programme *prog, const char *who)
{
    struct work w = {.hub = h, .asked = a, .programme = prog, .who = who};
    struct past past = {0};
    struct store_txn *t = NULL;
    bool found = false;
    enum err e = store_begin_read(h->store, &t);

    if (e == OK && (e = closed_since(t, &a->period, &w.snapshot_lsn)) == OK &&
        (a->audience != AUDIENCE_SCHOOL || a->school != NULL))
        e = hand_out_again(&w, t, &found);
    if (e == OK && found)
        (void)fprintf(stderr, _("It was published before; this is the same again.\n"));
    if (e == OK && !found)
        e = make(&w, t, &past);
    store_abort(t);
    if (e == OK && !found && (a->audience == AUDIENCE_SCHOOL || publication_summary(w.publication)->lines > 0) &&
        (e = keep(&w)) == OK)
        e = hand_out_all(&w);
    if (e == OK && found && a->audience == AUDIENCE_SCHOOL) {
        const struct figures_order o = order_of(&w);

        e = publish_tell(h, &o);
    }
    publication_free(w.publication);
    past_free(&past);
    return e;
}

static enum err publish(struct hub *h, struct asked *a, const char *period)
{
    char who[80];
    enum err e = check_asked(h, a, period);

    command_user(who, sizeof(who));
    for (size_t i = 0; i < h->programme_count && e == OK; i++)
        if (a->programme == NULL || strcmp(a->programme, h->programmes[i]->id) == 0)
            e = publish_programme(h, a, h->programmes[i], who);
    if (e == OK && a->late != NULL)
        publish_say_late(a->late, a->audience == AUDIENCE_SCHOOL);
    if (e == OK)
        publish_say_told(a->told);
    if (e == OK && a->made == 0)
        e = err_set(ERR_NOT_FOUND, _("no indicator of the period %s is meant for that: %s"), a->period.id,
                    audience_word(a->audience));
    return e;
}

/* It goes to schools alone: whoever else has it was handed it. */
static enum err withdraw(struct hub *h, struct asked *a, const char *period, const char *reason)
{
    struct figures_order o = {a->programme, NULL, a->school};
    enum err e;

    if (a->audience != AUDIENCE_SCHOOL)
        return err_set(ERR_USAGE, _("--withdraw goes with --for school alone: ask others for what they were handed"));
    if ((e = check_asked(h, a, period)) != OK)
        return e;
    o.period = a->period.id;
    return publish_withdraw(h, &o, reason);
}

int cmd_publish(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *list = NULL, *show = NULL, *told = NULL, *back = NULL, *reason = NULL;
    struct asked a = {.made = 0};
    const struct cli_command *c = command_named("publish");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"for", 0, N_("AUDIENCE"), N_("school, region or public"), &a.audience_name},
        {"programme", 'P', N_("P"), N_("only this programme"), &a.programme},
        {"school", 0, N_("UNIT"), N_("with --for school: this one; left out: all"), &a.school},
        {"out", 'o', N_("DIR"), N_("write CSV, JSON and the signature into this folder"), &a.out_dir},
        {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &a.by},
        {"list", 'l', NULL, N_("what was published so far"), &list},
        {"show", 's', N_("NUMBER"), N_("one of those, as it was published"), &show},
        {"told", 0, NULL, N_("what each school was told of it, and whether it has it"), &told},
        {"withdraw", 0, NULL, N_("with --for school: tell them that it holds no more"), &back},
        {"reason", 0, N_("TEXT"), N_("with --withdraw: why, for the schools"), &reason},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    bool is_reading;
    struct hub *h = NULL;
    int positionals = cli_parse(c, options, argc, argv, 0, 1);
    enum err e;

    if (positionals < 0)
        return cli_exit_code();
    is_reading = list != NULL || show != NULL || told != NULL;
    if (is_reading != (positionals == 0))
        return cli_fail(err_set(ERR_USAGE, is_reading ? _("--list, --show and --told take no period")
                                                      : _("which closed period? (svodka-hub period list)")));
    if ((e = command_format(&a.format, format)) != OK || (!is_reading && (e = read_audience(&a)) != OK))
        return cli_fail(e);
    if ((e = command_open(&h, home, is_reading ? HUB_READ : HUB_WRITE)) == OK)
        e = list != NULL   ? publish_list(h, a.format)
            : show != NULL ? publish_show(h, show, a.out_dir, a.format)
            : told != NULL ? publish_told(h, a.format)
            : back != NULL ? withdraw(h, &a, argv[0], reason)
                           : publish(h, &a, argv[0]);
    units_free(a.late);
    return command_close(h, e, !is_reading);
}
