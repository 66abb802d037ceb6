/* codes: who stands behind each code of a form's rows. */
#include "agent/cmd_codes.h"

#include "agent/due_list.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

enum err command_codes_of(struct agent *a, const char *form_id, const char *unit, const struct form **form,
                          char out[ID_MAX + 1])
{
    const struct grant *g = a->grant;
    enum err e = command_form(a, form_id, form);

    if (e != OK)
        return e;
    if ((*form)->key < 0 || (*form)->mode == FORM_ANSWERS)
        return err_set(ERR_USAGE, _("the form \"%s\" has no rows with codes"), (*form)->id);
    if (unit == NULL)
        unit = due_unit(a, *form);
    if (!grant_allows(g, NULL, unit))
        return err_set(ERR_DENIED, _("\"%s\" has no right to report about \"%.80s\"; the district can give it"),
                       g->participant, unit);
    utf8_copy(out, ID_MAX + 1, unit);
    return OK;
}

static enum err put_line(struct table *t, const struct code_list *l, const struct code_line *line,
                         enum table_format format)
{
    const struct book_entry *entry = book_find(&l->book, line->code);
    const struct period *first = &l->periods[line->first], *last = &l->periods[line->last];
    const char *cells[] = {line->code, entry != NULL ? entry->who : "", "", "", ""};

    if (line->count > 0) {
        cells[2] = format == TABLE_TEXT ? cli_pick(first->label_ru, first->label_en) : first->id;
        cells[3] = format == TABLE_TEXT ? cli_pick(last->label_ru, last->label_en) : last->id;
        cells[4] = format == TABLE_TEXT && line->last + 1 < l->period_count ? _("not in the latest table") : "";
    }
    return table_row(t, cells);
}

static enum err list(struct agent *a, const char *form_id, const char *unit, enum table_format format)
{
    const struct table_column columns[] = {{"code", _("code"), TABLE_LEFT, false},
                                           {"who", _("who"), TABLE_LEFT, false},
                                           {"first", _("since"), TABLE_LEFT, false},
                                           {"last", _("until"), TABLE_LEFT, false},
                                           {"note", _("note"), TABLE_LEFT, false}};
    const struct form *form = NULL;
    struct code_list *l = NULL;
    struct table *t = NULL;
    char of[ID_MAX + 1];
    enum err e = command_codes_of(a, form_id, unit, &form, of);

    if (e == OK && (e = code_list_read(&l, a, form, of)) == OK)
        e = table_new(&t, columns, format == TABLE_TEXT ? 5 : 4);
    for (size_t i = 0; e == OK && i < l->count; i++)
        e = put_line(t, l, &l->lines[i], format);
    if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    code_list_free(l);
    return e;
}

int cmd_codes(int argc, char **argv)
{
    static const struct cli_command self = {
        "codes", "FORM [--unit U]",
        N_("Lists the codes of a form's rows, since when and until when each stands, and who it is. Who it is stays at "
           "this school."),
        cmd_codes};
    const char *home = NULL, *format_name = NULL, *unit = NULL;
    const struct cli_option options[] = {OPTION_UNIT(&unit), OPTION_FORMAT(&format_name), OPTION_HOME(&home),
                                         OPTION_END};
    enum table_format format = TABLE_TEXT;
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK)
        e = list(a, argv[0], unit, format);
    agent_close(a);
    return cli_fail(e);
}

/* ---- who it is ---- */

static enum err write_in(void *ctx, struct book *b)
{
    const char *const *words = ctx; /* code, who */

    if (words[1][0] == '\0') {
        book_drop(b, words[0]);
        return OK;
    }
    return book_put(b, words[0], words[1]);
}

int cmd_codes_name(int argc, char **argv)
{
    static const struct cli_command self = {
        "codes name", "FORM CODE NAME [--unit U]",
        N_("Writes down who stands behind a code (an empty name: forgets it). It stays at this school, locked."),
        cmd_codes_name};
    const char *home = NULL, *unit = NULL;
    const struct cli_option options[] = {OPTION_UNIT(&unit), OPTION_HOME(&home), OPTION_END};
    const struct form *form = NULL;
    const char *words[2];
    char of[ID_MAX + 1], name[BOOK_NAME_MAX];
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 3, 3) < 0)
        return cli_exit_code();
    words[0] = argv[1];
    words[1] = argv[2];
    if ((e = command_open(&a, home)) == OK && (e = command_codes_of(a, argv[0], unit, &form, of)) == OK)
        e = book_change(a, book_of_form(name, form->id, of), write_in, words);
    agent_close(a);
    return cli_fail(e);
}
