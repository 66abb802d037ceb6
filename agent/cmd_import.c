#include "agent/cmd_session.h"

#include "agent/import.h"
#include "agent/import_marked.h"
#include "agent/people.h"
#include "common/ask.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SHOWN_FINDINGS  100u /* one screen more than anybody reads; the rest is counted */
#define MARKED_FINDINGS 1000u

struct import_command {
    const char *period, *unit, *csv, *map, *replace, *accept_valid, *delimiter, *encoding, *filled_on, *entered_by;
    const char *unit_column, *xlsx, *sheet, *form, *session, *again, *marked, *preview, *behalf, *by;
};

/* ---- options ---- */

static enum err read_delimiter(const char *text, char *out)
{
    if (text == NULL)
        return OK;
    if (strcasecmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        *out = '\t';
    else if (strlen(text) == 1)
        *out = text[0];
    else
        return err_set(ERR_USAGE, _("--delimiter: one character, or the word tab, was expected"));
    return OK;
}

static enum err read_encoding(const char *text, enum csv_encoding *out)
{
    static const struct {
        const char *name;
        enum csv_encoding encoding;
    } names[] = {{"auto", CSV_ENCODING_AUTO},  {"utf-8", CSV_UTF8},    {"utf8", CSV_UTF8},
                 {"windows-1251", CSV_CP1251}, {"cp1251", CSV_CP1251}, {"1251", CSV_CP1251}};

    if (text == NULL)
        return OK;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(text, names[i].name) == 0) {
            *out = names[i].encoding;
            return OK;
        }
    return err_set(ERR_USAGE, _("--encoding: auto, utf-8 or windows-1251 was expected"));
}

/* ---- the map: a file, or the name of one that the programme brought ---- */

static bool looks_like_file(const char *map)
{
    const char *dot = strrchr(map, '.');

    return strchr(map, '/') != NULL || (dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

static enum err no_such_map(const struct agent *a, const char *name)
{
    const char *names[DIRECTORY_MAX_FORMS];
    const char *near;
    size_t count = 0;

    for (uint32_t i = 0; i < a->directory->object_count; i++)
        if (a->directory->objects[i].kind == OBJECT_MAP && a->directory->objects[i].is_current)
            names[count++] = a->directory->objects[i].name;
    near = cli_nearest(name, names, count);
    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no map \"%.80s\"; did you mean \"%s\"?"), name, near);
    return err_set(ERR_NOT_FOUND,
                   _("there is no map \"%.80s\": neither a file nor one that the programme brought (these have come: "
                     "%zu)"),
                   name, count);
}

static enum err load_map(const struct agent *a, const struct form *f, const char *map, struct report *r,
                         struct import_map **out)
{
    struct buf held;
    void *file = NULL;
    size_t len = 0;
    enum err e = ERR_NOT_FOUND;

    buf_init(&held, IMPORT_MAP_MAX_BYTES + 1);
    if (!looks_like_file(map))
        e = agent_map(a, map, &held);
    if (e == ERR_NOT_FOUND && (looks_like_file(map) || access(map, F_OK) == 0))
        e = cli_read_file(map, IMPORT_MAP_MAX_BYTES, &file, &len);
    else if (e == ERR_NOT_FOUND)
        e = no_such_map(a, map);
    if (e == OK)
        e = file != NULL ? import_map_load(out, f, map, file, len, r)
                         : import_map_load(out, f, map, held.data, held.len, r);
    free(file);
    buf_fini(&held);
    return e;
}

/* ---- what is said afterwards ---- */

static void say_queued(const struct agent *a, const struct import_result *res)
{
    char first[RECORD_ID_TEXT];
    char last[RECORD_ID_TEXT];

    record_id_format(first, a->grant->participant, &res->first);
    record_id_format(last, a->grant->participant, &res->last);
    if (res->queued == 1)
        (void)printf(_("1 submission queued: %s\n"), first);
    else
        (void)printf(ngettext("%llu submission queued: %s to %s\n", "%llu submissions queued: %s to %s\n",
                              (unsigned long)res->queued),
                     (unsigned long long)res->queued, first, last);
}

/* Without numbers: there is nothing to find an answer by. */
static void say_taken_in(const struct session *s, const struct import_result *res)
{
    char count[SESSION_COUNT_TEXT];

    command_session_count(count, s);
    (void)printf(ngettext("%llu answer accepted. Session \"%s\": %s\n", "%llu answers accepted. Session \"%s\": %s\n",
                          (unsigned long)res->queued),
                 (unsigned long long)res->queued, s->word.name, count);
    command_session_warn(s);
}

static void say_result(const struct agent *a, const struct import_command *cmd, const struct session *session,
                       const struct import_result *res)
{
    if (session != NULL)
        say_taken_in(session, res);
    else
        say_queued(a, res);
    if (res->retracted > 0)
        (void)printf(ngettext("%llu submission retracted: its key is no longer in the list\n",
                              "%llu submissions retracted: their keys are no longer in the list\n",
                              (unsigned long)res->retracted),
                     (unsigned long long)res->retracted);
    if (res->totals > 0)
        (void)printf(
            ngettext("%llu row of totals left out\n", "%llu rows of totals left out\n", (unsigned long)res->totals),
            (unsigned long long)res->totals);
    if (res->refused > 0)
        (void)printf(ngettext("%llu row refused, see %s\n", "%llu rows refused, see %s\n", (unsigned long)res->refused),
                     (unsigned long long)res->refused, cmd->accept_valid);
    if (res->refused > 0)
        (void)fprintf(stderr,
                      _("%s holds answers as they stood in your table, readable by you alone and not encrypted: delete "
                        "it once its rows are imported, as you do with the table itself.\n"),
                      cmd->accept_valid);
}

static enum err say_nothing_queued(const struct import_result *res)
{
    if (res->refused == 0)
        return err_set(ERR_INVALID, "%s", _("nothing was queued; put the file right and import it again"));
    return err_set(ERR_INVALID,
                   ngettext("nothing was queued: %llu row of %llu has mistakes; put them right and import the file "
                            "again, or take the good rows with --accept-valid FILE",
                            "nothing was queued: %llu rows of %llu have mistakes; put them right and import the file "
                            "again, or take the good rows with --accept-valid FILE",
                            (unsigned long)res->refused),
                   (unsigned long long)res->refused, (unsigned long long)res->rows);
}

/* The workbook as a copy that shows what is wrong.  That it cannot be made is said, and changes nothing else. */
static void show_in_copy(const struct import_command *cmd, struct book_source *w, const struct report *r)
{
    char path[MARKED_PATH_MAX];
    enum err e = w != NULL && report_errors(r) > 0 ? marked_write(book_source_book(w), cmd->xlsx, cmd->marked, r, path)
                                                   : ERR_NOT_FOUND;

    if (e == OK)
        (void)fprintf(stderr,
                      _("%s is a copy of your workbook in which the wrong cells are red and say in a comment what is "
                        "wrong. Put them right there and import that file.\n"),
                      path);
    else if (e != ERR_NOT_FOUND)
        (void)fprintf(stderr, _("A copy with the wrong cells marked was not written: %s\n"),
                      e == ERR_NOMEM ? _("not enough memory") : err_text());
}

/* ---- a workbook of ours knows what it is for ---- */

/* What was not said on the command line comes from the workbook. */
static void take_claims(const struct book_source_claims *claims, struct import_command *cmd)
{
    if (cmd->form == NULL)
        cmd->form = claims->form;
    if (cmd->period == NULL)
        cmd->period = claims->period;
}

static enum err check_period(const struct agent *a, const struct form *f, const char *said, const char *claimed)
{
    struct period wanted, made_for;
    enum err e = form_period(f, a->calendar, said, &wanted);

    if (e != OK || form_period(f, a->calendar, claimed, &made_for) != OK || strcmp(wanted.id, made_for.id) == 0)
        return e;
    return err_set(ERR_INVALID,
                   _("the workbook was made for the period %s, not for %s; nothing was queued. Take its own period, or "
                     "a workbook for the other one (svodka-agent forms %s --template FILE.xlsx)"),
                   made_for.id, wanted.id, f->id);
}

static bool is_digest_of(const struct form *f, const char *hex)
{
    char own[2 * FORM_DIGEST_BYTES + 1];

    for (size_t i = 0; i < FORM_DIGEST_BYTES; i++)
        (void)snprintf(own + 2 * i, 3, "%02x", f->digest[i]);
    return strcmp(own, hex) == 0;
}

/* What was said must be what the workbook was made for. */
static enum err check_claims(const struct agent *a, const struct form *f, const struct book_source_claims *claims,
                             const struct import_command *cmd)
{
    if (claims->form != NULL && strcmp(claims->form, f->id) != 0)
        return err_set(ERR_INVALID,
                       _("the workbook was made for the form \"%.80s\", not for \"%s\"; nothing was queued"),
                       claims->form, f->id);
    if (claims->unit != NULL && cmd->unit != NULL && strcmp(claims->unit, cmd->unit) != 0)
        return err_set(ERR_INVALID,
                       _("the workbook was made for the unit \"%.80s\", not for \"%s\"; nothing was queued"),
                       claims->unit, cmd->unit);
    if (claims->version != NULL && !is_digest_of(f, claims->version))
        (void)fputs(_("The workbook was made for another version of the form than the one in use now. If columns are "
                      "missing, take a new workbook.\n"),
                    stderr);
    return claims->period != NULL ? check_period(a, f, cmd->period, claims->period) : OK;
}

/* ---- the work ---- */

/* In a workbook more can be shown than is printed. */
static enum err new_report(struct report **out, bool is_workbook)
{
    enum err e = report_new(out, is_workbook ? MARKED_FINDINGS : SHOWN_FINDINGS);

    if (e == OK)
        report_set_shown(*out, SHOWN_FINDINGS);
    return e;
}

/* One way through the table. */
struct pass {
    struct agent *a;
    struct capture *c;
    const struct import_command *cmd;
    const struct csv_options *csv;
    struct book_source *w; /* NULL: a CSV file */
    struct import_options *o;
    struct report *r;
    bool is_again; /* what is wrong and unusual was told before */
    struct import_result res;
};

static enum err import_rows(struct pass *p, struct import_source *source)
{
    enum err e = import_run(p->a, p->c, source, p->o, p->r, &p->res);

    if (e != OK || !p->is_again)
        command_report(p->r);
    if (e == OK && !p->o->preview_only) {
        say_result(p->a, p->cmd, p->o->session, &p->res);
        command_return_changed(p->a, capture_form(p->c), p->o->unit_heading == NULL ? capture_unit(p->c) : NULL,
                               capture_period(p->c)->id);
    } else if (e == ERR_INVALID) {
        show_in_copy(p->cmd, p->w, p->r);
        e = say_nothing_queued(&p->res);
    } else if (e == ERR_EXISTS && p->o->session != NULL)
        e = err_set(
            e,
            _("a sheet with these very answers is in the session \"%s\" already; nothing was taken in. If it is "
              "another sheet that happens to be the same, import it with --again"),
            p->o->session->word.name);
    return e;
}

static enum err import_book(struct pass *p)
{
    struct import_source *rows = NULL;
    enum err e = book_source_lists(p->w, capture_form(p->c), p->r);

    p->o->delimiter = ';';
    if (e == ERR_INVALID) {
        command_report(p->r);
        show_in_copy(p->cmd, p->w, p->r);
        return err_set(e, "%s", _("nothing was queued; put the file right and import it again"));
    }
    if (e == OK)
        e = book_source_rows(&rows, p->w, p->cmd->sheet);
    return e == OK ? import_rows(p, rows) : e;
}

static enum err import_table(struct pass *p)
{
    struct csv_source *source = NULL;
    enum err e;

    if (p->w != NULL)
        return import_book(p);
    if ((e = csv_source_open(&source, p->cmd->csv, p->csv)) == OK) {
        p->o->delimiter = csv_source_delimiter(source);
        e = import_rows(p, csv_source_rows(source));
    }
    csv_source_close(source);
    return e;
}

/* ---- what will change ---- */

static void print_preview(void *ctx, const struct import_preview *preview)
{
    const struct pass *p = ctx;

    import_preview_print(preview, p->o->replace, p->cmd->preview != NULL ? stdout : stderr);
}

static void print_summary(void *ctx, const struct import_preview *preview)
{
    const struct pass *p = ctx;

    import_preview_summary(preview, p->o->replace, stderr);
}

/* The table once more, this time to be queued: nobody else waits for the queue while a person thinks. */
static enum err import_agreed(const struct pass *first)
{
    struct import_options o = *first->o;
    struct pass p = *first;
    enum err e;

    o.preview_only = false;
    o.say_preview = NULL;
    o.expected = first->res.table;
    p.o = &o;
    p.is_again = true;
    p.w = NULL;
    p.r = NULL;
    if ((e = new_report(&p.r, first->w != NULL)) == OK &&
        (first->w == NULL || (e = book_source_open(&p.w, p.cmd->xlsx)) == OK))
        e = import_table(&p);
    book_source_close(p.w);
    report_free(p.r);
    return e;
}

static enum err import_with_preview(struct pass *p)
{
    bool asks = p->cmd->preview == NULL && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    bool agreed = false;
    enum err e;

    p->o->preview_only = asks || p->cmd->preview != NULL;
    p->o->say_preview = p->o->preview_only ? print_preview : print_summary;
    p->o->say_ctx = p;
    if ((e = import_table(p)) != OK || !p->o->preview_only)
        return e;
    if (asks && (e = ask_yes_no(_("Queue this?"), &agreed)) != OK)
        return e;
    if (agreed)
        return import_agreed(p);
    if (asks)
        return err_set(ERR_CANCELLED, "%s", _("nothing was queued"));
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s\n", _("This was a preview: nothing was queued."));
    return OK;
}

/* The map, and what it says about units. */
static enum err read_map(const struct agent *a, const struct form *f, const struct import_command *cmd,
                         struct report *r, struct import_map **map, struct import_options *o)
{
    enum err e = cmd->map == NULL ? OK : load_map(a, f, cmd->map, r, map);

    if (e != OK) {
        command_report(r);
        return e != ERR_INVALID ? e : err_set(e, _("the map %s is not right; nothing was queued"), cmd->map);
    }
    o->map = *map;
    o->unit_heading = cmd->unit_column != NULL ? cmd->unit_column : import_map_unit(*map);
    o->unit_prefix = import_map_unit_prefix(*map);
    if (o->unit_heading == NULL || cmd->unit == NULL)
        return OK;
    return err_set(ERR_USAGE, _("the column \"%s\" names the unit of each row, so --unit does not go with it"),
                   o->unit_heading);
}

/* The session that anonymous answers go into, if there is one. */
static enum err take_session(struct agent *a, struct capture *c, const struct import_command *cmd,
                             struct session *session, struct import_options *io)
{
    bool has = false;
    enum err e;

    if (io->unit_heading != NULL)
        return cmd->session == NULL
                   ? OK
                   : err_set(ERR_USAGE, "%s",
                             _("a session is of one unit, so --session does not go with a column of units"));
    if ((e = command_choose_session(a, c, cmd->session, cmd->filled_on, session, &has)) == OK && has) {
        io->session = session;
        io->again = cmd->again != NULL;
    }
    return e;
}

/* Anonymous answers have no name with them. */
static enum err take_name(const struct agent *a, const struct import_command *cmd, char *code,
                          struct capture_options *o)
{
    return o->form->mode == FORM_ANSWERS ? OK : people_by(a, cmd->by, cmd->preview == NULL, code, &o->entered_by);
}

static enum err import_into(struct agent *a, struct import_command *cmd, const struct csv_options *csv,
                            struct book_source *w)
{
    struct capture_options o = {
        .period = cmd->period, .filled_on = cmd->filled_on, .entered_by = cmd->entered_by, .source = SOURCE_IMPORT};
    struct import_options io = {.replace = cmd->replace != NULL, .refused_path = cmd->accept_valid};
    char code[RECORD_ENTERED_BY_MAX + 1];
    struct session session;
    struct import_map *map = NULL;
    struct capture *c = NULL;
    struct report *r = NULL;
    enum err e;

    if ((e = command_source(cmd->behalf, &o.source)) == OK && (e = command_form(a, cmd->form, &o.form)) == OK &&
        (e = new_report(&r, w != NULL)) == OK &&
        (w == NULL || (e = check_claims(a, o.form, book_source_claims(w), cmd)) == OK) &&
        (e = read_map(a, o.form, cmd, r, &map, &io)) == OK && (e = take_name(a, cmd, code, &o)) == OK) {
        o.many_units = io.unit_heading != NULL;
        o.unit = cmd->unit;
        if (o.unit == NULL && !o.many_units && w != NULL)
            o.unit = book_source_claims(w)->unit;
        if ((e = capture_open(&c, a, &o)) == OK && (e = take_session(a, c, cmd, &session, &io)) == OK)
            e = import_with_preview(
                &(struct pass){.a = a, .c = c, .cmd = cmd, .csv = csv, .w = w, .o = &io, .r = r, .is_again = false});
    }
    report_free(r);
    capture_close(c);
    import_map_free(map);
    return e;
}

static enum err check_usage(const struct import_command *cmd)
{
    if ((cmd->csv != NULL) == (cmd->xlsx != NULL) || (cmd->csv != NULL && cmd->period == NULL))
        return err_set(ERR_USAGE, _("import needs --period P and either --csv FILE or --xlsx FILE"));
    if (cmd->csv != NULL && cmd->form == NULL)
        return err_set(ERR_USAGE, _("import needs to know the form: import FORM --period P --csv FILE"));
    if (cmd->csv != NULL && cmd->sheet != NULL)
        return err_set(ERR_USAGE, _("--sheet is for workbooks (--xlsx)"));
    if (cmd->csv != NULL && cmd->marked != NULL)
        return err_set(ERR_USAGE, _("--marked is for workbooks (--xlsx)"));
    if (cmd->xlsx != NULL && (cmd->delimiter != NULL || cmd->encoding != NULL))
        return err_set(ERR_USAGE, _("--delimiter and --encoding are for CSV files; a workbook needs neither"));
    return OK;
}

static enum err run_import(const char *home, struct import_command *cmd)
{
    struct csv_options csv = {.delimiter = 0};
    struct book_source *w = NULL;
    struct agent *a = NULL;
    enum err e;

    if ((e = check_usage(cmd)) != OK || (e = read_delimiter(cmd->delimiter, &csv.delimiter)) != OK ||
        (e = read_encoding(cmd->encoding, &csv.encoding)) != OK)
        return e;
    if (cmd->xlsx != NULL) {
        if ((e = book_source_open(&w, cmd->xlsx)) != OK)
            return e;
        take_claims(book_source_claims(w), cmd);
    }
    if (cmd->form == NULL || cmd->period == NULL)
        e = err_set(ERR_USAGE, "%s",
                    _("the workbook does not say what it is for: import FORM --period P --xlsx FILE was expected"));
    else if ((e = command_open(&a, home)) == OK)
        e = import_into(a, cmd, &csv, w);
    book_source_close(w); /* its lists refer to a form of the agent's */
    agent_close(a);
    return e;
}

int cmd_import(int argc, char **argv)
{
    static const struct cli_command self = {
        "import",
        "FORM --period P (--csv FILE | --xlsx FILE [--sheet NAME]) [--map MAP] [--replace] [--accept-valid FILE]",
        N_("Checks a whole table and queues its rows: all of them, or none if anything is wrong. The first row holds "
           "headings: names or labels of fields, or what a map translates (docs/import.md). A workbook that was made "
           "by forms --template says itself which form and period it is for: both may be left out."),
        cmd_import};
    struct import_command cmd = {.period = NULL};
    const char *home = NULL;
    int count;
    const struct cli_option options[] = {
        OPTION_PERIOD(&cmd.period),
        {"csv", 0, N_("FILE"), N_("the table"), &cmd.csv},
        {"xlsx", 0, N_("FILE"), N_("the table, in a workbook"), &cmd.xlsx},
        {"sheet", 0, N_("NAME"), N_("the sheet of the workbook (else its only one)"), &cmd.sheet},
        {"marked", 0, N_("FILE"), N_("where a copy with the wrong cells marked goes (else beside the workbook)"),
         &cmd.marked},
        {"map", 'm', N_("MAP"), N_("headings to fields, words to choices: a file, or a name from the programme"),
         &cmd.map},
        {"preview", 0, NULL, N_("say what would change, and queue nothing"), &cmd.preview},
        {"replace", 0, NULL, N_("this is the whole list: retract the keys it does not have"), &cmd.replace},
        {"accept-valid", 0, N_("FILE"), N_("queue the good rows and write the others to this new file"),
         &cmd.accept_valid},
        OPTION_UNIT(&cmd.unit),
        {"unit-column", 0, N_("HEADING"), N_("the column that names the unit of each row"), &cmd.unit_column},
        {"delimiter", 0, N_("C"), N_("what stands between cells (else found out: ; , or tab)"), &cmd.delimiter},
        {"encoding", 0, N_("E"), N_("utf-8 or windows-1251 (else found out)"), &cmd.encoding},
        {"session", 0, N_("NAME"), N_("of anonymous answers: the session they go into"), &cmd.session},
        {"again", 0, NULL, N_("the same sheet is in the session already, and this one is another"), &cmd.again},
        {"filled-on", 0, N_("DATE"), N_("the day it was filled in (else today)"), &cmd.filled_on},
        {"entered-by", 0, N_("WHO"), N_("role or local code of the one who enters it"), &cmd.entered_by},
        OPTION_BY(&cmd.by),
        OPTION_BEHALF(&cmd.behalf),
        OPTION_HOME(&home),
        OPTION_END};

    if ((count = cli_parse(&self, options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    cmd.form = count > 0 ? argv[0] : NULL;
    return cli_fail(run_import(home, &cmd));
}
