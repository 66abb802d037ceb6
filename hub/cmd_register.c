/* register: what the inspector asks for: what is held, about whom, why, on what basis, how long, who may see it, who
 * answers for it, where. */
#include "hub/commands.h"

#include "common/clock.h"
#include "common/html.h"
#include "hub/copies.h"
#include "hub/retention.h"
#include "hub/slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 4096u
#define HTML_MAX (16u << 20)
#define COLUMNS  11u

struct line {
    const struct form *form;
    uint64_t held;   /* that count now, erased ones left out */
    uint64_t frozen; /* that count, but were erased */
};

struct page {
    struct hub *hub;
    enum table_format format;
    struct table *table;
    struct buf *html; /* NULL: not wanted */
};

static const struct table_column *columns_of(void)
{
    static struct table_column columns[COLUMNS];
    const struct table_column fresh[COLUMNS] = {{"form", _("Form"), TABLE_LEFT, false},
                                                {"title", _("What is held"), TABLE_LEFT, false},
                                                {"about", _("About whom"), TABLE_LEFT, false},
                                                {"purpose", _("Purpose"), TABLE_LEFT, false},
                                                {"basis", _("Basis"), TABLE_LEFT, false},
                                                {"class", _("Class"), TABLE_LEFT, false},
                                                {"term_years", _("Term, years"), TABLE_RIGHT, true},
                                                {"held", _("Held"), TABLE_RIGHT, true},
                                                {"erased", _("Erased"), TABLE_RIGHT, true},
                                                {"access", _("Who has access"), TABLE_LEFT, false},
                                                {"where", _("Where, until when"), TABLE_LEFT, false}};

    memcpy(columns, fresh, sizeof(columns));
    return columns;
}

static enum err count_one(void *ctx, const struct submission *s)
{
    struct line *l = ctx;

    if (s->erased == NULL)
        l->held++;
    else
        l->frozen++;
    return OK;
}

static void append(char *out, const char *text)
{
    size_t at = strlen(out);

    if (text != NULL && text[0] != '\0' && at + strlen(text) + 3 < CELL_MAX)
        (void)snprintf(out + at, CELL_MAX - at, "%s%s", at > 0 ? ", " : "", text);
}

static const char *about(const struct form *f)
{
    switch (f->mode) {
    case FORM_RECORD: return f->is_about_district ? _("the district itself") : _("the school as a whole");
    case FORM_ROWS: return _("persons or things by a code that the school gave, a row for each");
    case FORM_ANSWERS: return _("anonymous answers, no person named");
    }
    return "";
}

/* Roles of the form's audience; the sender's own participants by number. */
static void put_access(const struct page *p, const struct form *f, char out[CELL_MAX])
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{FORM_FOR_OFFICE, N_("the district office")},
                 {FORM_FOR_CENTRE, N_("the methodical centre")},
                 {FORM_FOR_SCHOOL, N_("the school it is about")},
                 {FORM_FOR_REGION, N_("the region")},
                 {FORM_FOR_PUBLIC, N_("everybody")}};
    char senders[160];
    unsigned count = 0;

    for (size_t i = 0; i < registry_count(p->hub->registry); i++)
        if (grant_allows(&registry_at(p->hub->registry, i)->grant, f->role, NULL))
            count++;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if ((f->audience & words[i].bit) != 0)
            append(out, _(words[i].word));
    if (f->audience == 0)
        append(out, _("not said by the form: the district office"));
    (void)snprintf(senders, sizeof(senders), _("its senders (role %s): %u"), f->role, count);
    append(out, senders);
}

static void put_where(const struct form *f, char out[CELL_MAX])
{
    int32_t year = school_year_of(clock_today());
    char day[11];

    out[0] = '\0';
    append(out, _("the hub, locked; the sender's computer, locked"));
    if (f->retention_years == 0)
        append(out, _("no term is given"));
    else {
        char text[160];

        date_format(day, retention_due(year, f->retention_years) - 1);
        (void)snprintf(text, sizeof(text), _("what comes this school year: until %s"), day);
        append(out, text);
    }
}

static void html_row(struct buf *out, const char *tag, const char *const *cells)
{
    buf_put_str(out, "<tr>");
    for (size_t i = 0; i < COLUMNS; i++) {
        buf_printf(out, "<%s>", tag);
        html_put(out, cells[i]);
        buf_printf(out, "</%s>", tag);
    }
    buf_put_str(out, "</tr>\n");
}

static enum err put_form(const struct page *p, const struct line *l)
{
    const struct form *f = l->form;
    char years[16] = "", held[24], erased[24], access[CELL_MAX], where[CELL_MAX];
    const char *cells[COLUMNS] = {f->id,
                                  cli_pick(f->title_ru, f->title_en),
                                  about(f),
                                  f->purpose_ru == NULL ? "" : cli_pick(f->purpose_ru, f->purpose_en),
                                  f->basis_ru == NULL ? "" : cli_pick(f->basis_ru, f->basis_en),
                                  f->retention,
                                  years,
                                  held,
                                  erased,
                                  access,
                                  where};

    if (f->retention_years > 0)
        (void)snprintf(years, sizeof(years), "%u", f->retention_years);
    (void)snprintf(held, sizeof(held), "%" PRIu64, l->held);
    (void)snprintf(erased, sizeof(erased), "%" PRIu64, l->frozen);
    put_access(p, f, access);
    put_where(f, where);
    if (p->html != NULL)
        html_row(p->html, "td", cells);
    return table_row(p->table, cells);
}

static enum err put_forms(const struct page *p, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; i < p->hub->form_count && e == OK; i++) {
        struct line l = {.form = p->hub->forms[i]};

        if (!retention_is_newest(p->hub, l.form))
            continue;
        if ((e = ledger_each_standing(p->hub->ledger, t, l.form->id, NULL, NULL, count_one, &l)) == OK)
            e = put_form(p, &l);
    }
    return e;
}

/* ---- the page ---- */

static void begin_page(const struct page *p)
{
    const struct table_column *columns = columns_of();
    const char *titles[COLUMNS];
    char when[64];

    for (size_t i = 0; i < COLUMNS; i++)
        titles[i] = columns[i].title;
    buf_put_str(p->html, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>");
    html_put(p->html, _("Register of what is held"));
    buf_put_str(p->html, "</title>\n<style>body{font-family:serif;margin:1cm}table{border-collapse:collapse}"
                         "th,td{border:1px solid #888;padding:.2em .4em;vertical-align:top;text-align:left}"
                         "@page{size:A4 landscape}</style></head>\n<body><h1>");
    html_put(p->html, _("Register of what is held"));
    buf_put_str(p->html, "</h1>\n<p>");
    command_time(when, sizeof(when), clock_wall_ms(), TABLE_TEXT);
    html_put(p->html, p->hub->conf.name);
    buf_put_str(p->html, ", ");
    html_put(p->html, when);
    buf_put_str(p->html, "</p>\n<table>\n");
    html_row(p->html, "th", titles);
}

static void copy_line(void *ctx, const char *text)
{
    const struct page *p = ctx;

    if (p->format == TABLE_TEXT)
        (void)printf("  %s\n", text);
    if (p->html != NULL) {
        buf_put_str(p->html, "<li>");
        html_put(p->html, text);
        buf_put_str(p->html, "</li>\n");
    }
}

/* What was erased and is still there, in backups. */
static enum err say_backups(struct page *p, struct store_txn *t)
{
    const char *title = _("Backups that still hold what was erased");
    size_t count = 0;
    enum err e;

    if (p->format == TABLE_TEXT)
        (void)printf("\n%s:\n", title);
    if (p->html != NULL) {
        buf_put_str(p->html, "</table>\n<p>");
        html_put(p->html, title);
        buf_put_str(p->html, ":</p>\n<ul>\n");
    }
    e = copies_each(p->hub, t, copy_line, p, &count);
    if (e == OK && count == 0)
        copy_line(p, _("none that this hub made"));
    if (p->html != NULL)
        buf_put_str(p->html, "</ul>\n");
    return e;
}

static void say_operators(const struct page *p)
{
    struct buf list;

    buf_init(&list, 64u << 10);
    for (size_t i = 0; i < p->hub->conf.operator_count; i++)
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", p->hub->conf.operators[i]);
    if (p->hub->conf.operator_count == 0)
        buf_put_str(&list, _("nobody is named: list them in hub.yaml under operators:"));
    if (p->format == TABLE_TEXT)
        (void)printf("\n%s: %s\n", _("Who works with it and answers for it"), buf_cstr(&list));
    if (p->html != NULL) {
        buf_put_str(p->html, "<p>");
        html_put(p->html, _("Who works with it and answers for it"));
        buf_put_str(p->html, ": ");
        html_put(p->html, buf_cstr(&list));
        buf_put_str(p->html, "</p></body></html>\n");
    }
    buf_fini(&list);
}

static enum err make(struct hub *h, enum table_format f, const char *file)
{
    struct page p = {.hub = h, .format = f};
    struct store_txn *t = NULL;
    struct buf html;
    enum err e = table_new(&p.table, columns_of(), COLUMNS);

    buf_init(&html, HTML_MAX);
    if (file != NULL) {
        p.html = &html;
        begin_page(&p);
    }
    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = put_forms(&p, t);
    e = command_print(p.table, f, e);
    if (e == OK && (e = say_backups(&p, t)) == OK)
        say_operators(&p);
    store_abort(t);
    if (e == OK && file != NULL && (e = buf_status(&html)) == OK &&
        (e = cli_write_file(file, html.data, html.len, 0600, true)) == OK)
        (void)fprintf(stderr, _("To be printed: %s\n"), file);
    buf_fini(&html);
    return e;
}

int cmd_register(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *file = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         FORMAT_OPTION(&format),
                                         {"html", 0, N_("FILE"), N_("a page to be printed, too"), &file},
                                         LAST_OPTION};
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("register"), options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK)
        e = make(h, f, file);
    return command_close(h, e, false);
}
