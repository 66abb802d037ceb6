#include "agent/people.h"

#include "common/ask.h"
#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 50u /* beyond it nobody reads a list: --by NAME */

struct addition {
    const char *who;
    char code[BOOK_CODE_MAX + 1];
};

static enum err add(void *ctx, struct book *b)
{
    struct addition *x = ctx;

    book_free_code(b, 'P', x->code);
    return book_put(b, x->code, x->who);
}

static enum err offer_to_add(const struct agent *a, const char *by, char code[RECORD_ENTERED_BY_MAX + 1])
{
    struct addition x = {.who = by};
    char question[BOOK_WHO_MAX + 256];
    bool yes = false;
    enum err e;

    if (isatty(STDIN_FILENO) == 0 || strlen(by) > BOOK_WHO_MAX)
        return err_set(ERR_NOT_FOUND,
                       _("nobody is called \"%.80s\" in the list of those who enter here; write the name in: "
                         "svodka-agent people add NAME"),
                       by);
    (void)snprintf(
        question, sizeof(question),
        _("\"%s\" is not in the list of those who enter here. Write the name in? (It stays at this school.)"), by);
    if ((e = ask_yes_no(question, &yes)) != OK)
        return e;
    if (!yes)
        return err_set(ERR_CANCELLED, "%s", _("stopped; nothing was written in"));
    if ((e = book_change(a, BOOK_PEOPLE, add, &x)) == OK)
        utf8_copy(code, RECORD_ENTERED_BY_MAX + 1, x.code);
    return e;
}

static enum err choose(const struct book *b, char code[RECORD_ENTERED_BY_MAX + 1])
{
    const char *labels[SHOWN_MAX];
    size_t chosen = 0;
    enum err e;

    for (size_t i = 0; i < b->count; i++)
        labels[i] = b->items[i].who;
    e = ask_choice(_("Who enters this? (Enter: not said)"), labels, b->count, true, &chosen);
    if (e == OK)
        utf8_copy(code, RECORD_ENTERED_BY_MAX + 1, b->items[chosen].code);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err people_choose(const struct agent *a, const char *by, char code[RECORD_ENTERED_BY_MAX + 1])
{
    const struct book_entry *entry;
    struct book b;
    enum err e = book_read(a, NULL, BOOK_PEOPLE, &b);

    code[0] = '\0';
    if (e == OK && by != NULL) {
        if ((entry = book_find(&b, by)) == NULL)
            entry = book_find_who(&b, by);
        if (entry != NULL)
            utf8_copy(code, RECORD_ENTERED_BY_MAX + 1, entry->code);
        else
            e = offer_to_add(a, by, code);
    } else if (e == OK && b.count > 0 && b.count <= SHOWN_MAX && isatty(STDIN_FILENO) != 0) {
        e = choose(&b, code);
    }
    book_fini(&b);
    return e;
}

enum err people_by(const struct agent *a, const char *by, bool ask, char code[RECORD_ENTERED_BY_MAX + 1],
                   const char **entered_by)
{
    enum err e;

    if (by != NULL && *entered_by != NULL)
        return err_set(ERR_USAGE, "%s",
                       _("--by is a name of the list, --entered-by what is to be sent: use one of the two"));
    if (by == NULL && (!ask || *entered_by != NULL))
        return OK;
    if ((e = people_choose(a, by, code)) == OK && code[0] != '\0')
        *entered_by = code;
    return e;
}

enum err people_name(const struct agent *a, const char *code, char out[BOOK_WHO_MAX + 1])
{
    const struct book_entry *entry;
    struct book b;
    enum err e = book_read(a, NULL, BOOK_PEOPLE, &b);

    if (e != OK)
        return e;
    entry = book_find(&b, code);
    utf8_copy(out, BOOK_WHO_MAX + 1, entry != NULL ? entry->who : code);
    book_fini(&b);
    return OK;
}
