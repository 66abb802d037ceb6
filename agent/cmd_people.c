#include "agent/cmd_common.h"
#include "agent/people.h"

#include <stdlib.h>
#include <string.h>

struct person {
    const char *who, *code;
    char made[BOOK_CODE_MAX + 1];
};

static enum err list(const struct agent *a, enum table_format format)
{
    const struct table_column columns[] = {{"name", _("name"), TABLE_LEFT, false},
                                           {"code", _("sent as"), TABLE_LEFT, false}};
    struct table *t = NULL;
    struct book b;
    enum err e = book_read(a, NULL, BOOK_PEOPLE, &b);

    if (e == OK)
        e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; e == OK && i < b.count; i++)
        e = table_row(t, (const char *const[]){b.items[i].who, b.items[i].code});
    if (e == OK && b.count == 0 && format == TABLE_TEXT)
        (void)fprintf(stderr, "%s\n",
                      _("Nobody is in the list of those who enter. Write somebody in: svodka-agent people add NAME"));
    else if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    book_fini(&b);
    return e;
}

int cmd_people(int argc, char **argv)
{
    static const struct cli_command self = {
        "people", "",
        N_("Lists those who enter at this school. Their names stay here; the district sees the code alone."),
        cmd_people};
    const char *home = NULL, *format_name = NULL;
    const struct cli_option options[] = {OPTION_FORMAT(&format_name), OPTION_HOME(&home), OPTION_END};
    enum table_format format = TABLE_TEXT;
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK)
        e = list(a, format);
    agent_close(a);
    return cli_fail(e);
}

static enum err add(void *ctx, struct book *b)
{
    struct person *p = ctx;

    if (book_find_who(b, p->who) != NULL)
        return err_set(ERR_EXISTS, _("\"%.80s\" is in the list already"), p->who);
    if (p->code == NULL)
        book_free_code(b, 'P', p->made);
    else if (book_find(b, p->code) != NULL)
        return err_set(ERR_EXISTS, _("the code \"%.80s\" is somebody else's; choose another one"), p->code);
    p->code = p->code != NULL ? p->code : p->made;
    return book_put(b, p->code, p->who);
}

int cmd_people_add(int argc, char **argv)
{
    static const struct cli_command self = {"people add", "NAME [--code C]",
                                            N_("Writes somebody who enters at this school into the list. The name "
                                               "stays here; the code goes with what is sent."),
                                            cmd_people_add};
    struct person p = {.code = NULL};
    const char *home = NULL;
    const struct cli_option options[] = {
        {"code", 0, N_("C"), N_("role or code that is sent instead (else the next free one, P1, P2...)"), &p.code},
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    p.who = argv[0];
    if ((e = command_open(&a, home)) == OK && (e = book_change(a, BOOK_PEOPLE, add, &p)) == OK)
        (void)printf("%s\n", p.code);
    agent_close(a);
    return cli_fail(e);
}

static enum err take_out(void *ctx, struct book *b)
{
    const char *who = ctx;
    const struct book_entry *entry = book_find(b, who);

    if (entry == NULL && (entry = book_find_who(b, who)) == NULL)
        return err_set(ERR_NOT_FOUND, _("nobody is called \"%.80s\" in the list of those who enter here"), who);
    book_drop(b, entry->code);
    return OK;
}

int cmd_people_remove(int argc, char **argv)
{
    static const struct cli_command self = {
        "people remove", "NAME|CODE",
        N_("Takes somebody out of the list of those who enter. What was sent keeps the code."), cmd_people_remove};
    const char *home = NULL;
    const struct cli_option options[] = {OPTION_HOME(&home), OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_open(&a, home)) == OK)
        e = book_change(a, BOOK_PEOPLE, take_out, argv[0]);
    agent_close(a);
    return cli_fail(e);
}
