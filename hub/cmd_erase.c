/* erase: what is due, or what somebody may ask for, is destroyed; the act about it. */
#include "hub/cmd_erase.h"

#include "common/ask.h"
#include "common/clock.h"
#include "common/folder.h"
#include "hub/commands.h"
#include "hub/copies.h"
#include "hub/erase_again.h"
#include "hub/ledger_erase.h"
#include "hub/retention.h"
#include "hub/slot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct asked {
    struct hub *hub;
    const char *retention, *year, *submission, *form, *unit, *period, *key, *order, *uncount, *yes;
    const char *again; /* file of an act */
    struct erase_again of;
    struct erase_order o;
    struct period named;
    char who[80], key_text[FORM_MAX_TEXT + 1];
};

/* ---- what is meant ---- */

/* "2020" or "2020/21" */
static enum err read_year(const char *text, int32_t *year)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end != text + 4 || (*end != '\0' && *end != '/') || n < 1900 || n > 2999)
        return err_set(ERR_USAGE, _("--year: a school year is expected, as 2020/21 (found: %s)"), text);
    *year = (int32_t)n;
    return OK;
}

struct found {
    const struct asked *a;
    struct record_id_text wanted;
    uint32_t participant;
    struct record_ref ref;
    unsigned count;
};

static bool is_range_of(const struct found *f, struct bytes key, struct bytes value)
{
    struct record_ref first = record_ref_get(key.p + 4);
    const struct participant *who = registry_by_index(f->a->hub->registry, be32_get(key.p));
    const struct record_id_text *w = &f->wanted;

    return value.len == 16 && w->number >= first.number && w->number <= be64_get(value.p) &&
           (w->counter == 0 || w->counter == first.gen.counter) &&
           (!w->has_tag || memcmp(w->tag4, first.gen.tag, sizeof(w->tag4)) == 0) &&
           (w->participant[0] == '\0' || (who != NULL && strcmp(who->id, w->participant) == 0));
}

static enum err find_submission(struct asked *a, struct store_txn *t)
{
    struct found f = {.a = a};
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = record_id_parse(&f.wanted, a->submission);

    if (e != OK || (e = store_cursor_open(t, H_RANGES, &c)) != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        if (key.len != PLACE_KEY_BYTES || !is_range_of(&f, key, value))
            continue;
        f.participant = be32_get(key.p);
        f.ref = record_ref_get(key.p + 4);
        f.ref.number = f.wanted.number;
        f.count++;
    }
    store_cursor_close(c);
    if (e != ERR_NOT_FOUND)
        return e;
    if (f.count == 0)
        return err_set(ERR_NOT_FOUND, _("%s: no such submission was received"), a->submission);
    if (f.count > 1)
        return err_set(ERR_INVALID, _("%s stands for %u submissions; write the whole id"), a->submission, f.count);
    a->o.participant = f.participant;
    a->o.ref = f.ref;
    return OK;
}

static enum err find_return(struct asked *a)
{
    const struct form *f;
    enum err e;

    if ((e = command_form(a->hub, a->form, &f)) != OK ||
        (strcmp(a->unit, UNIT_DISTRICT) != 0 && (e = command_unit(a->hub, a->unit)) != OK) ||
        (e = form_period(f, a->hub->calendar, a->period, &a->named)) != OK)
        return e;
    if (a->key != NULL && f->mode != FORM_ROWS)
        return err_set(ERR_INVALID, _("--key: the form %s has no rows"), f->id);
    a->o.form = f->id;
    a->o.unit = a->unit;
    a->o.period = a->named.id;
    a->o.key = a->key;
    return OK;
}

static enum err no_class(struct asked *a, struct store_txn *t)
{
    uint64_t act;
    enum err e = storage_keys_act(t, a->retention, a->o.year, &act);

    if (e != OK || act == 0)
        return e;
    return err_set(ERR_NOT_FOUND, _("class %s of the school year %d was erased already, by act %llu"), a->retention,
                   (int)a->o.year, (unsigned long long)act);
}

/* What is due needs no order of its own: the term is its basis. */
static enum err find_class(struct asked *a, struct store_txn *t)
{
    struct retention_class of;
    bool is_due;
    enum err e;

    if ((e = read_year(a->year, &a->o.year)) != OK || (e = no_class(a, t)) != OK)
        return e;
    retention_class_of(&of, a->hub, a->retention);
    is_due = of.years > 0 && clock_today() >= retention_due(a->o.year, of.years);
    a->o.retention = a->retention;
    a->o.years = is_due ? of.years : 0;
    if (a->order == NULL && is_due)
        a->order = _("the term is over");
    if (a->order != NULL)
        return OK;
    return err_set(ERR_USAGE, of.years > 0
                                  ? _("the term is not over yet: --order says by whose order it is erased before")
                                  : _("no form gives a term for this class: --order says by whose order it is erased"));
}

/* What the act says, whatever is here of it. */
static enum err find_again(struct asked *a, struct store_txn *t)
{
    uint64_t act = 0;
    enum err e = OK;

    erase_again_order(&a->of, &a->o);
    a->order = a->of.order;
    if (a->o.scope == ACT_CLASS && (e = storage_keys_act(t, a->o.retention, a->o.year, &act)) == OK && act != 0)
        e = ERR_NOT_FOUND;
    return e;
}

static enum err find_what(struct asked *a, struct store_txn *t)
{
    a->o.by = a->who;
    if (a->again != NULL)
        return find_again(a, t);
    a->o.is_uncounted = a->uncount != NULL;
    switch (a->o.scope) {
    case ACT_CLASS: return find_class(a, t);
    case ACT_SUBMISSION: return find_submission(a, t);
    case ACT_RETURN: return find_return(a);
    }
    return ERR_INTERNAL;
}

/* A pupil's code need not stand in the list of processes. */
static enum err read_key(struct asked *a)
{
    void *bytes = NULL;
    size_t len = 0;
    enum err e;

    if (a->key == NULL || strcmp(a->key, "-") != 0)
        return OK;
    if ((e = cli_read_file("-", FORM_MAX_TEXT, &bytes, &len)) != OK)
        return e;
    while (len > 0 && (((char *)bytes)[len - 1] == '\n' || ((char *)bytes)[len - 1] == '\r'))
        len--;
    memcpy(a->key_text, bytes, len);
    a->key_text[len] = '\0';
    a->key = a->key_text;
    free(bytes);
    return OK;
}

static enum err check_asked(struct asked *a)
{
    bool of_return = a->form != NULL || a->unit != NULL || a->period != NULL || a->key != NULL;
    int ways = (a->retention != NULL) + (a->submission != NULL) + (of_return ? 1 : 0);

    if (a->again != NULL && (ways > 0 || a->order != NULL || a->uncount != NULL || a->year != NULL))
        return err_set(ERR_USAGE, _("--again: the act itself says what, and by whose order"));
    if (a->again != NULL)
        return OK;
    if (ways != 1)
        return err_set(ERR_USAGE, _("one of three is expected: CLASS --year Y, --submission ID, or --form F --unit U "
                                    "--period P [--key K]"));
    a->o.scope = a->retention != NULL ? ACT_CLASS : a->submission != NULL ? ACT_SUBMISSION : ACT_RETURN;
    if (a->o.scope == ACT_CLASS && a->year == NULL)
        return err_set(ERR_USAGE, _("--year is missing: which school year, as 2020/21?"));
    if (a->o.scope == ACT_CLASS && a->uncount != NULL)
        return err_set(ERR_USAGE, _("--uncount: only for single submissions and returns"));
    if (of_return && (a->form == NULL || a->unit == NULL || a->period == NULL))
        return err_set(ERR_USAGE, _("--form, --unit and --period belong together"));
    if (a->o.scope != ACT_CLASS && a->order == NULL)
        return err_set(ERR_USAGE, _("--order is missing: by whose order, or at whose request, number and date"));
    return read_key(a);
}

/* ---- doing it ---- */

static enum err write_one(const struct hub *h, uint64_t number, const char *ending, const struct buf *bytes)
{
    char name[64], path[FOLDER_PATH_MAX];
    enum err e;

    (void)snprintf(name, sizeof(name), ACT_FOLDER "/%" PRIu64 ".%s", number, ending);
    if ((e = buf_status(bytes)) != OK || (e = folder_path(path, h->dir, name)) != OK)
        return e;
    return cli_write_file(path, bytes->data, bytes->len, 0600, true);
}

static enum err make_folder(const struct hub *h)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, h->dir, ACT_FOLDER);

    return e == OK ? folder_ensure(path, 0700) : e;
}

/* A restored hub gives the numbers again: files of an act that it does not know may be all that is left of that act. */
static enum err put_aside(const struct hub *h, uint64_t number, struct bytes object)
{
    static const char *const endings[] = {"act", "csv", "html"};
    char name[64], path[FOLDER_PATH_MAX], aside[FOLDER_PATH_MAX];
    void *bytes = NULL;
    size_t len = 0;
    enum err e;

    (void)snprintf(name, sizeof(name), ACT_FOLDER "/%" PRIu64 ".act", number);
    if ((e = folder_path(path, h->dir, name)) != OK)
        return e;
    if (access(path, F_OK) != 0)
        return OK;
    if ((e = cli_read_file(path, SIGNED_MAX, &bytes, &len)) != OK)
        return e;
    if (len == object.len && memcmp(bytes, object.p, len) == 0)
        goto done;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]) && e == OK; i++) {
        (void)snprintf(name, sizeof(name), ACT_FOLDER "/%" PRIu64 ".%s", number, endings[i]);
        if ((e = folder_path(path, h->dir, name)) != OK)
            break;
        (void)snprintf(name, sizeof(name), ACT_FOLDER "/%" PRIu64 "-before.%s", number, endings[i]);
        if ((e = folder_path(aside, h->dir, name)) == OK && rename(path, aside) != 0 && errno != ENOENT)
            e = err_errno(ERR_IO, errno, "%s", aside);
    }
    if (e == OK)
        (void)fprintf(stderr, _("Files of another act %llu lay in %s/%s; they are called %llu-before.* now.\n"),
                      (unsigned long long)number, h->dir, ACT_FOLDER, (unsigned long long)number);
done:
    free(bytes);
    return e;
}

enum err act_write(struct hub *h, struct store_txn *t, uint64_t number)
{
    struct act *a = malloc(sizeof(*a));
    struct buf beside, extract, html, object;
    struct bytes loan = {NULL, 0};
    enum err e = a == NULL ? ERR_NOMEM : make_folder(h);

    buf_init(&beside, ACT_BESIDE_MAX);
    buf_init(&extract, ACT_BESIDE_MAX);
    buf_init(&html, 1u << 20);
    buf_init(&object, SIGNED_MAX);
    if (e == OK && (e = act_get(h, t, number, a, &loan)) == OK && (e = act_beside(t, a, &beside)) == OK &&
        (e = act_extract(h, t, a, bytes_of(beside.data, beside.len), &extract)) == OK &&
        (e = act_html(&html, h, t, a)) == OK && (e = put_aside(h, number, loan)) == OK) {
        buf_put(&object, loan.p, loan.len);
        if ((e = write_one(h, number, "html", &html)) == OK && (e = write_one(h, number, "csv", &extract)) == OK)
            e = write_one(h, number, "act", &object);
    }
    buf_fini(&object);
    buf_fini(&html);
    buf_fini(&extract);
    buf_fini(&beside);
    free(a);
    return e;
}

static enum err say_act(struct hub *h, struct store_txn *t, const struct act *a)
{
    struct buf text;
    enum err e;

    buf_init(&text, 1u << 20);
    if ((e = act_text(&text, h, t, a)) == OK)
        (void)fputs(buf_cstr(&text), stdout);
    buf_fini(&text);
    return e;
}

/* Whoever copied the hub before has what is, or would be, gone here. */
static enum err say_copies(struct store_txn *t, const struct act *a)
{
    char text[COPIES_LINE], until[11];
    struct copies c;
    enum err e = copies_of(&c, t, a);

    if (e != OK)
        return e;
    date_format(until, copies_until(a));
    if (c.left == 0)
        (void)fputs(_("No backup that this hub made holds it.\n"), stderr);
    else
        (void)fprintf(stderr,
                      ngettext("%zu backup of this hub still holds it, until it is destroyed:\n",
                               "%zu backups of this hub still hold it, until they are destroyed:\n",
                               (unsigned long)c.left),
                      c.left);
    for (size_t i = 0; i < c.count; i++)
        if (c.rows[i].destroyed_ms == 0) {
            copies_line(text, &c.rows[i], copies_until(a));
            (void)fprintf(stderr, "  %s\n", text);
        }
    if (c.left > 0)
        (void)fputs(
            _("First write a new backup; when one of these and all its copies are destroyed, say so: svodka-hub "
              "backup destroyed NUMBER\n"),
            stderr);
    (void)fprintf(
        stderr,
        _("Other copies of the hub, or of its keys, that were made before still hold it, too: destroy them by "
          "%s.\n"),
        until);
    copies_fini(&c);
    return OK;
}

static enum err confirm(struct asked *a, const struct act *would)
{
    struct store_txn *t = NULL;
    char number[32];
    bool yes = false;
    enum err e = store_begin_read(a->hub->store, &t);

    cli_format_count(number, sizeof(number), would->submissions);
    (void)fprintf(stderr, _("Submissions that would be erased for ever: %s.\n"), number);
    if (e == OK)
        e = say_copies(t, would);
    store_abort(t);
    if (e != OK)
        return e;
    if (a->yes != NULL)
        return OK;
    if (isatty(STDIN_FILENO) == 0)
        return err_set(ERR_USAGE, _("nothing was erased: without a terminal --yes is needed"));
    if ((e = ask_yes_no(_("Erase them? Nothing brings them back."), &yes)) != OK)
        return e;
    return yes ? OK : err_set(ERR_CANCELLED, _("nothing was erased"));
}

/* Tried out in a transaction that does not happen, so that the question can say how much it is about. */
static enum err rehearse(struct asked *a)
{
    struct act *would = malloc(sizeof(*would));
    struct store_txn *t = NULL;
    enum err e = would == NULL ? ERR_NOMEM : command_begin(a->hub, &t);

    if (e == OK && (e = find_what(a, t)) == OK) {
        a->o.order = a->order;
        e = ledger_erase(a->hub, t, &a->o, true, would);
    }
    store_abort(t);
    ledger_aborted(a->hub->ledger);
    if (e == OK)
        e = confirm(a, would);
    free(would);
    return e;
}

static enum err note_audit(struct asked *a, struct store_txn *t, const struct act *act)
{
    if (act->scope == ACT_CLASS)
        return hub_audit_do(a->hub, t, a->who, AUDIT_ERASE_CLASS, act->retention,
                            "year=%d\ncount=%" PRIu64 "\nact=%" PRIu64, (int)act->year, act->submissions, act->number);
    return hub_audit_do(a->hub, t, a->who, AUDIT_ERASE_RETURN, act->form,
                        "unit=%s\nperiod=%s\ncount=%" PRIu64 "\nact=%" PRIu64, act->unit, act->period, act->submissions,
                        act->number);
}

static enum err carry_out(struct asked *a, struct act *act)
{
    struct store_txn *t = NULL;
    enum err e = command_begin(a->hub, &t);

    if (e == OK && (e = find_what(a, t)) == OK && (e = ledger_erase(a->hub, t, &a->o, false, act)) == OK)
        e = note_audit(a, t, act);
    e = command_finish(a->hub, t, e);
    return e == OK ? ledger_erase_keys(a->hub) : e;
}

static enum err after(struct asked *a, const struct act *act)
{
    struct store_txn *t = NULL;
    bool is_over = false;
    enum err e = store_begin_read(a->hub->store, &t);

    if (e == OK && (e = act_write(a->hub, t, act->number)) == OK && act->scope == ACT_CLASS)
        e = retention_year_is_over(t, act->year, &is_over);
    if (e == OK && (e = say_act(a->hub, t, act)) == OK) {
        (void)printf(_("To be printed: %s/%s/%llu.html; the extract of the journal lies beside it.\n"), a->hub->dir,
                     ACT_FOLDER, (unsigned long long)act->number);
        e = say_copies(t, act);
    }
    store_abort(t);
    if (e == OK)
        (void)fprintf(
            stderr,
            _("Keep %llu.act and %llu.csv outside this computer as well: a hub that is restored from an older "
              "backup is told by them what to erase again (svodka-hub erase --again %llu.act).\n"),
            (unsigned long long)act->number, (unsigned long long)act->number, (unsigned long long)act->number);
    if (is_over)
        (void)fprintf(stderr,
                      _("Nothing of the school year %d is left: its sealing key (keys/seal-%d.key) can be retired.\n"),
                      (int)act->year, (int)act->year);
    return e;
}

static enum err erase(struct asked *a)
{
    struct act *act = calloc(1, sizeof(*act));
    enum err e = act == NULL ? ERR_NOMEM : rehearse(a);

    if (e == OK && (e = carry_out(a, act)) == OK)
        e = after(a, act);
    if (e == OK && a->again != NULL && act->submissions < a->of.act.submissions)
        (void)fprintf(stderr,
                      _("The act was about %llu submissions, of which %llu were here. What schools send again is to be "
                        "erased then: the same command does it.\n"),
                      (unsigned long long)a->of.act.submissions, (unsigned long long)act->submissions);
    free(act);
    return e;
}

/* Told by its files what a restored hub has forgotten that it had erased.  Any number of times. */
static enum err erase_again(struct asked *a)
{
    unsigned long long number;
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->hub->store, &t);

    if (e == OK)
        e = erase_again_read(&a->of, a->hub, t, a->again);
    store_abort(t);
    if (e != OK)
        return e;
    number = a->of.act.number;
    if (a->of.is_known)
        (void)printf(_("This hub knows act %llu: what it erased is erased here.\n"), number);
    else if ((e = erase(a)) == ERR_NOT_FOUND) {
        (void)printf(
            _("Nothing that act %llu erased is here: it was erased again already, or was not received (yet).\n"),
            number);
        e = OK;
    }
    erase_again_fini(&a->of);
    return e;
}

int cmd_erase(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    struct asked a = {0};
    const struct cli_command *c = command_named("erase");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        {"year", 0, N_("Y"), N_("the school year in which it was received, as 2020/21"), &a.year},
        {"order", 0, N_("TEXT"), N_("by whose order, or at whose request: number and date"), &a.order},
        {"reason", 0, N_("TEXT"), N_("the same"), &a.order},
        {"submission", 0, N_("ID"), N_("one submission, with all its versions"), &a.submission},
        {"form", 0, N_("F"), N_("a return: its form"), &a.form},
        {"unit", 0, N_("U"), N_("a return: its unit"), &a.unit},
        {"period", 0, N_("P"), N_("a return: its period"), &a.period},
        {"key", 0, N_("K"), N_("only the row with this key; - reads it from standard input"), &a.key},
        {"again", 0, N_("FILE"), N_("after a restore: what this act erased, by the file NUMBER.act"), &a.again},
        {"uncount", 0, NULL, N_("take it out of the sums, too"), &a.uncount},
        {"yes", 0, NULL, N_("do not ask"), &a.yes},
        LAST_OPTION};
    int n = cli_parse(c, options, argc, argv, 0, 1);
    enum table_format f;
    enum err e;

    if (n < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if (n == 0 && a.submission == NULL && a.form == NULL && a.year == NULL && a.again == NULL)
        return erase_list(home, f);
    a.retention = n > 0 ? argv[0] : NULL;
    if ((e = check_asked(&a)) != OK)
        return cli_fail(e);
    command_user(a.who, sizeof(a.who));
    if ((e = command_open(&a.hub, home, HUB_WRITE)) == OK)
        e = a.again != NULL ? erase_again(&a) : erase(&a);
    wipe(a.key_text, sizeof(a.key_text));
    return command_close(a.hub, e, true);
}
