#include "agent/handover.h"

#include "agent/cmd_sheet.h"
#include "agent/code_list.h"
#include "agent/draft.h"
#include "agent/due_list.h"
#include "agent/excused.h"
#include "agent/questions.h"
#include "agent/session.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 6u
#define DAYS_AHEAD  60

/* Where it goes: tables and lines, the same on the terminal and on paper. */
struct output {
    struct agent *a;
    struct handout *page; /* NULL: the terminal */
    struct table *t;
    struct table_column columns[COLUMNS_MAX];
    size_t count;
    uint64_t rows;
};

/* ---- one section ---- */

static enum err begin(struct output *o, const char *title, const char *const *headings, size_t count)
{
    struct handout_column columns[COLUMNS_MAX] = {{NULL, 0, false}};

    o->count = count;
    o->rows = 0;
    for (size_t i = 0; i < count; i++) {
        o->columns[i] = (struct table_column){"", headings[i], TABLE_LEFT, false};
        columns[i] = (struct handout_column){headings[i], i == 0 ? 36 : 22, false};
    }
    if (o->page == NULL) {
        (void)printf("\n== %s ==\n", title);
        return table_new(&o->t, o->columns, count);
    }
    handout_heading(o->page, title);
    handout_table(o->page, columns, count);
    return OK;
}

static enum err row(struct output *o, const char *const cells[COLUMNS_MAX])
{
    o->rows++;
    if (o->page == NULL)
        return table_row(o->t, cells);
    handout_row(o->page);
    for (size_t i = 0; i < o->count && i < COLUMNS_MAX; i++)
        handout_text(o->page, HANDOUT_CELL, cells[i] != NULL ? cells[i] : "");
    return OK;
}

/* `nothing`: what is said of an empty section. */
static enum err end(struct output *o, const char *nothing)
{
    enum err e = OK;

    if (o->page == NULL && o->rows > 0)
        e = table_print(o->t, TABLE_TEXT, stdout);
    else if (o->page == NULL)
        (void)printf("%s\n", nothing);
    else if (o->rows == 0)
        handout_span(o->page, nothing);
    table_free(o->t);
    o->t = NULL;
    return e;
}

static void line(struct output *o, const char *text)
{
    if (o->page == NULL)
        (void)printf("%s\n", text);
    else
        handout_line(o->page, text);
}

static const char *title_of(const struct agent *a, const char *form)
{
    const struct form *f = agent_form(a, form);

    return f != NULL ? cli_pick(f->title_ru, f->title_en) : form;
}

/* ---- what is due ---- */

static enum err put_due_line(struct output *o, const struct due_line *l)
{
    char due[EXCUSED_DAY] = "", late[EXCUSED_DAY] = "", accepted[11], entered[32];
    const char *marked = "";
    struct buf why; /* nobody reads it here: `forms` says it */
    enum err e = due_line_accepted(o->a, l, accepted);

    if (e != OK || (e = due_line_marked(o->a, l, true, &marked)) != OK)
        return e;
    if (l->rule != NULL)
        date_format(due, l->days.due);
    buf_init(&why, 4096);
    e = excused_put(o->a, l->form->id, due_unit(o->a, l->form), l->period.id, due, late, &why);
    buf_fini(&why);
    if (e != OK)
        return e;
    cli_format_count(entered, sizeof(entered), l->entered);
    return row(o, (const char *const[COLUMNS_MAX]){cli_pick(l->form->title_ru, l->form->title_en),
                                                   cli_pick(l->period.label_ru, l->period.label_en), due, entered,
                                                   marked, accepted});
}

/* What is due first comes first; what the calendar gives no day for, last. */
static int by_day(const void *a, const void *b)
{
    const struct due_line *x = a, *y = b;
    int order = (x->rule == NULL) - (y->rule == NULL);

    return order != 0 || x->rule == NULL ? order : (x->days.due > y->days.due) - (x->days.due < y->days.due);
}

static enum err put_due(struct output *o)
{
    const char *const headings[] = {_("form"),    _("period"),        _("due on"),
                                    _("entered"), _("the return is"), _("accepted on")};
    struct due_list d;
    enum err e = due_list_read(&d, o->a, DAYS_AHEAD);

    if (e == OK && d.count > 1)
        qsort(d.lines, d.count, sizeof(*d.lines), by_day);
    if (e == OK)
        e = begin(o, _("What is due now and in the next two months"), headings, 6);
    for (size_t i = 0; i < d.count && e == OK; i++)
        if (d.lines[i].period.id[0] != '\0')
            e = put_due_line(o, &d.lines[i]);
    if (e == OK)
        e = end(o, _("nothing"));
    due_list_fini(&d);
    return e;
}

/* ---- what was sent, what is open ---- */

static enum err put_number(struct output *o, const char *what, uint64_t n)
{
    char text[32];

    cli_format_count(text, sizeof(text), n);
    return row(o, (const char *const[COLUMNS_MAX]){what, text});
}

static enum err put_sent(struct output *o)
{
    const char *const headings[] = {_("what"), _("how many")};
    struct queue_status st;
    char last[64] = "";
    enum err e = queue_status(o->a, &st);

    if (e != OK || (e = begin(o, _("What was sent and confirmed"), headings, 2)) != OK)
        return e;
    if (st.last_receipt_ms != 0)
        cli_format_time(last, sizeof(last), st.last_receipt_ms);
    if ((e = put_number(o, _("submissions that wait"), st.waiting)) != OK ||
        (e = put_number(o, _("packed to be sent"), st.sealed)) != OK ||
        (e = put_number(o, _("received by the district"), st.stored)) != OK ||
        (e = put_number(o, _("in the district's archive"), st.archived)) != OK ||
        (e = put_number(o, _("kept apart by the district"), st.refused)) != OK ||
        (e = put_number(o, _("rejected by the district"), st.rejected)) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("last word from the district"), last})) != OK)
        return e;
    return end(o, "");
}

static enum err put_questions(struct output *o)
{
    const char *const headings[] = {_("question"), _("about"), _("field"), _("asked"), _("answer until")};
    struct asked_list l;
    enum err e = questions_list(o->a, &l);

    if (e != OK || (e = begin(o, _("Questions of the district without an answer"), headings, 5)) != OK)
        return e;
    for (size_t i = 0; i < l.count && e == OK; i++) {
        const struct asked *q = &l.items[i];
        char number[32], name[ASKED_NAME], field[ASKED_NAME], due[11] = "";

        if (q->state != ASKED_OPEN)
            continue;
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)q->about.question);
        asked_name(o->a, &q->about, name);
        asked_field(o->a, &q->about, field);
        if (q->about.has_due)
            date_format(due, q->about.due);
        e = row(o, (const char *const[COLUMNS_MAX]){number, name, field, q->text, due});
    }
    asked_list_fini(&l);
    return e == OK ? end(o, _("none")) : e;
}

static enum err put_draft(void *ctx, const char *form, const char *unit, const char *period, int64_t saved_ms)
{
    struct output *o = ctx;
    struct period p;
    char saved[64];

    cli_format_time(saved, sizeof(saved), saved_ms);
    if (calendar_find(o->a->calendar, NULL, period, &p) == OK)
        period = cli_pick(p.label_ru, p.label_en);
    return row(o, (const char *const[COLUMNS_MAX]){_("draft"), title_of(o->a, form), unit, period, saved});
}

static enum err put_begun(struct output *o)
{
    static const struct session_filter open = {.open_only = true};
    const char *const headings[] = {_("what"), _("form"), _("unit"), _("period"), _("how far")};
    struct session_list l = {NULL, 0};
    enum err e = begin(o, _("What was begun and not finished"), headings, 5);

    if (e == OK && (e = draft_each(o->a, put_draft, o)) == OK)
        e = session_list(o->a, &open, &l);
    for (size_t i = 0; i < l.count && e == OK; i++) {
        const struct session *s = &l.items[i];
        char title[SESSION_NAME_MAX + 64], count[64];

        (void)snprintf(title, sizeof(title), _("session %s is open"), s->word.name);
        (void)snprintf(count, sizeof(count), ngettext("%u answer is in", "%u answers are in", s->word.entered),
                       s->word.entered);
        e = row(o, (const char *const[COLUMNS_MAX]){title, title_of(o->a, s->word.form), s->unit, s->period, count});
    }
    session_list_fini(&l);
    return e == OK ? end(o, _("nothing")) : e;
}

/* ---- who is who ---- */

static enum err put_people(struct output *o)
{
    const char *const headings[] = {_("name"), _("sent as")};
    struct book b;
    enum err e = book_read(o->a, NULL, BOOK_PEOPLE, &b);

    if (e == OK)
        e = begin(o, _("Those who enter here"), headings, 2);
    for (size_t i = 0; i < b.count && e == OK; i++)
        e = row(o, (const char *const[COLUMNS_MAX]){b.items[i].who, b.items[i].code});
    book_fini(&b);
    return e == OK ? end(o, _("nobody is in the list")) : e;
}

static enum err put_codes_of(struct output *o, const struct form *f, const char *unit)
{
    const char *const headings[] = {_("code"), _("who"), _("since"), _("until")};
    char title[512];
    struct code_list *l = NULL;
    enum err e = code_list_read(&l, o->a, f, unit);

    (void)snprintf(title, sizeof(title), _("Codes: %s, %s"), cli_pick(f->title_ru, f->title_en), unit);
    if (e == OK)
        e = begin(o, title, headings, 4);
    for (size_t i = 0; e == OK && i < l->count; i++) {
        const struct code_line *c = &l->lines[i];
        const struct book_entry *entry = book_find(&l->book, c->code);
        const struct period *first = &l->periods[c->first], *last = &l->periods[c->last];

        e = row(o, (const char *const[COLUMNS_MAX]){c->code, entry != NULL ? entry->who : "",
                                                    c->count > 0 ? cli_pick(first->label_ru, first->label_en) : "",
                                                    c->count > 0 ? cli_pick(last->label_ru, last->label_en) : ""});
    }
    code_list_free(l);
    return e == OK ? end(o, "") : e;
}

/* Forms for which somebody wrote down who is who. */
static enum err put_codes(struct output *o)
{
    const struct grant *g = o->a->grant;
    char name[BOOK_NAME_MAX];
    enum err e = OK;

    for (size_t i = 0; i < o->a->form_count && e == OK; i++) {
        const struct form *f = command_own_form(o->a, i);

        for (uint32_t u = 0; f != NULL && f->key >= 0 && u < g->unit_count && e == OK; u++) {
            struct book b;

            e = book_read(o->a, NULL, book_of_form(name, f->id, g->units[u]), &b);
            if (e == OK && b.count > 0)
                e = put_codes_of(o, f, g->units[u]);
            book_fini(&b);
        }
    }
    return e;
}

/* ---- keys, copies, the district ---- */

static enum err put_keys(struct output *o)
{
    const char *const headings[] = {_("what"), _("value")};
    struct self_copy_risk risk;
    char text[SHEET_RISK_TEXT], print[FINGERPRINT_CHARS + 1];
    enum err e = sheet_risk(o->a, text, &risk);

    if (e != OK || (e = begin(o, _("Keys, copies and the district"), headings, 2)) != OK)
        return e;
    fingerprint(print, key_public(o->a->sign));
    if ((e = row(o, (const char *const[COLUMNS_MAX]){_("folder on this computer"), o->a->dir})) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("if this computer died now, you would lose"), text})) != OK ||
        (e = row(o,
                 (const char *const[COLUMNS_MAX]){
                     _("recovery code of the copies"),
                     risk.has_code ? _("was made, and shown once: on paper, in the safe: ____________")
                                   : _("there is none yet: svodka-agent backup --new-code")})) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("where the last copy is"), "____________"})) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("fingerprint of this computer's key"), print})) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("district"), o->a->directory->name})) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("participant"), o->a->grant->participant})) != OK ||
        (e = row(o, (const char *const[COLUMNS_MAX]){_("whom to call there"), "____________"})) != OK)
        return e;
    return end(o, "");
}

static void put_first_steps(struct output *o)
{
    line(o,
         _("First: svodka-agent status (how things stand), svodka-agent forms (what is due), svodka-agent sync (send "
           "and fetch)."));
    line(o, _("Handed over: ____________    Taken over: ____________    Day: ____________"));
}

enum err handover_write(struct agent *a, struct handout *page, bool has_names)
{
    struct output o = {.a = a, .page = page};
    enum err e;

    if (page == NULL)
        (void)printf("%s, %s\n", a->grant->name, a->directory->name);
    if ((e = put_due(&o)) == OK && (e = put_sent(&o)) == OK && (e = put_questions(&o)) == OK &&
        (e = put_begun(&o)) == OK && (!has_names || ((e = put_people(&o)) == OK && (e = put_codes(&o)) == OK)) &&
        (e = put_keys(&o)) == OK) {
        if (page == NULL)
            (void)fputc('\n', stdout);
        put_first_steps(&o);
    }
    table_free(o.t);
    return e;
}
