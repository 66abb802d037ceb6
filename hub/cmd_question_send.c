/* question list --proposed, question send: what the forms' soft checks propose, and the operator's word to send it. */
#include "hub/cmd_question.h"

#include "common/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static enum err put_proposal(struct table *t, const struct proposal *p, enum table_format f)
{
    int32_t i = form_find_field(p->form, p->field, strlen(p->field));
    const struct form_field *field = i < 0 ? NULL : &p->form->fields[i];
    bool is_text = f == TABLE_TEXT;
    char number[24];
    const char *cells[] = {number,
                           is_text ? cli_pick(p->form->title_ru, p->form->title_en) : p->form->id,
                           p->unit,
                           p->period,
                           is_text && field != NULL ? cli_pick(field->label_ru, field->label_en) : p->field,
                           p->key,
                           p->value,
                           p->text,
                           p->remark};

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)p->number);
    return table_row(t, cells);
}

enum err question_show_proposed(struct hub *h, const struct proposal_filter *filter, enum table_format f)
{
    const struct table_column columns[] = {{"proposal", _("Proposal"), TABLE_RIGHT, true},
                                           {"form", _("Form"), TABLE_LEFT, false},
                                           {"unit", _("Unit"), TABLE_LEFT, false},
                                           {"period", _("Period"), TABLE_LEFT, false},
                                           {"field", _("Field"), TABLE_LEFT, false},
                                           {"key", _("Row"), TABLE_LEFT, false},
                                           {"value", _("Value"), TABLE_LEFT, false},
                                           {"text", _("What is asked"), TABLE_LEFT, false},
                                           {"remark", _("The school says"), TABLE_LEFT, false}};
    struct store_txn *t = NULL;
    struct proposal_list l = {NULL, 0, 0};
    struct table *rows = NULL;
    enum err e = table_new(&rows, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = proposals_find(h, t, filter, false, &l);
    store_abort(t);
    for (size_t i = 0; e == OK && i < l.count; i++)
        e = put_proposal(rows, &l.items[i], f);
    e = command_print(rows, f, e);
    if (e == OK && f == TABLE_TEXT && l.count > 0)
        (void)printf("%s\n", _("Nothing of it is sent before you say so: svodka-hub question send PROPOSAL|all."));
    proposal_list_fini(&l);
    return e;
}

/* ---- sending ---- */

struct send_options {
    const char *which, *period, *due, *by;
    struct proposal_filter filter;
};

/* 0: all of them. */
static enum err read_which(const char *text, uint64_t *number)
{
    char *end;

    *number = 0;
    if (strcmp(text, "all") == 0)
        return OK;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9' && *number > 0)
        return OK;
    return err_set(ERR_USAGE,
                   _("\"%.40s\" is neither \"all\" nor the number of a proposal; svodka-hub question list --proposed "
                     "lists them"),
                   text);
}

static enum err send_one(struct hub *h, struct store_txn *t, const struct send_options *o, const struct proposal *p)
{
    char who[80], text[RETURN_TEXT_MAX + 1];
    struct question_ask a = {.form = p->form, .unit = p->unit, .period = p->period, .text = text};
    struct question q;
    enum err e = question_read_due(o->due, &a);

    command_user(who, sizeof(who));
    utf8_copy(text, sizeof(text), p->text); /* a form's sentence may be longer */
    a.by = o->by != NULL ? o->by : who;
    a.field = p->field[0] != '\0' && form_find_field(p->form, p->field, strlen(p->field)) >= 0 ? p->field : NULL;
    a.key = p->form->key >= 0 ? p->key : NULL;
    if (e == OK && (e = questions_ask(h, t, &a, &q)) == OK)
        e = question_note(h, t, who, o->by, &q);
    return e;
}

/* A number is short enough to be typed, so that two may share one; a filter then tells them apart. */
static enum err check_number(const struct proposal_list *l, uint64_t number)
{
    size_t found = 0;

    for (size_t i = 0; i < l->count; i++)
        found += l->items[i].number == number;
    if (found == 0)
        return err_set(ERR_NOT_FOUND,
                       _("there is no proposal %llu (any more); svodka-hub question list --proposed lists "
                         "them"),
                       (unsigned long long)number);
    if (found > 1)
        return err_set(ERR_INVALID,
                       _("%zu proposals have the number %llu: say which by --form, --unit or --period, or ask by "
                         "svodka-hub question"),
                       found, (unsigned long long)number);
    return OK;
}

static enum err send_in(struct hub *h, struct store_txn *t, const struct send_options *o, uint64_t number,
                        uint64_t *sent)
{
    struct proposal_filter filter = o->filter;
    struct proposal_list l;
    struct period period;
    enum err e = OK;

    *sent = 0;
    if (o->period != NULL && (e = command_period(h, o->period, &period)) == OK)
        filter.period = period.id;
    if (e != OK || (e = proposals_find(h, t, &filter, false, &l)) != OK)
        return e;
    if (number != 0)
        e = check_number(&l, number);
    for (size_t i = 0; e == OK && i < l.count; i++) {
        if (number != 0 && l.items[i].number != number)
            continue;
        if ((e = send_one(h, t, o, &l.items[i])) == OK)
            ++*sent;
    }
    proposal_list_fini(&l);
    return e;
}

static enum err send(struct hub *h, const struct send_options *o, uint64_t number)
{
    struct store_txn *t = NULL;
    uint64_t sent = 0;
    enum err e = command_begin(h, &t);

    if (e == OK)
        e = command_finish(h, t, send_in(h, t, o, number, &sent));
    if (e == OK)
        (void)printf(ngettext("%llu question goes to the schools with the next meeting or file.\n",
                              "%llu questions go to the schools with the next meeting or file.\n", (unsigned long)sent),
                     (unsigned long long)sent);
    return e;
}

int cmd_question_send(int argc, char **argv)
{
    struct send_options o = {.which = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         {"form", 0, N_("F"), N_("only this form"), &o.filter.form},
                                         {"unit", 'u', N_("U"), N_("only this unit"), &o.filter.unit},
                                         {"period", 'p', N_("P"), N_("only this period"), &o.period},
                                         {"due", 0, N_("DATE"), N_("until when an answer is expected"), &o.due},
                                         {"by", 0, N_("NAME"), N_("who says so (default: who runs this)"), &o.by},
                                         LAST_OPTION};
    struct hub *h = NULL;
    uint64_t number;
    enum err e;

    if (cli_parse(command_named("question send"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = read_which(argv[0], &number)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = send(h, &o, number);
    return command_close(h, e, true);
}
