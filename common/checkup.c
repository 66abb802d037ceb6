#include "common/checkup.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 256u
#define COLUMNS      5u
#define LINE_TEXT    1000

struct line {
    enum checkup_state state;
    char *name, *title, *found, *advice;
};
struct checkup {
    enum table_format format;
    struct line lines[FINDINGS_MAX];
    size_t count;
    enum err e; /* sticky */
};

enum err checkup_new(struct checkup **out, enum table_format format)
{
    struct checkup *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return ERR_NOMEM;
    c->format = format;
    *out = c;
    return OK;
}

void checkup_free(struct checkup *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->lines[i].name);
        free(c->lines[i].title);
        free(c->lines[i].found);
        free(c->lines[i].advice);
    }
    free(c);
}

void checkup_add(struct checkup *c, const char *name, enum checkup_state state, const char *title, const char *found,
                 const char *advice)
{
    struct line *l;

    if (c->count == FINDINGS_MAX)
        return;
    l = &c->lines[c->count++];
    l->state = state;
    l->name = strdup(name);
    l->title = strdup(title);
    l->found = strdup(found);
    l->advice = strdup(advice);
    if (l->name == NULL || l->title == NULL || l->found == NULL || l->advice == NULL)
        c->e = ERR_NOMEM;
}

static const char *word_of(enum checkup_state s, enum table_format f)
{
    const char *const names[] = {"ok", "attention", "wrong"};
    const char *const words[] = {_("in order"), _("look at it"), _("WRONG")};

    return f == TABLE_TEXT ? words[s] : names[s];
}

/* For people what is to be done stands below what was found: a terminal is not so wide. */
static enum err put_text(const struct checkup *c, struct table *t, const struct line *l)
{
    char text[2 * LINE_TEXT];
    const char *const first[] = {word_of(l->state, c->format), text};
    const char *const second[] = {"", text};
    enum err e;

    (void)snprintf(text, sizeof(text), "%.*s: %.*s", LINE_TEXT / 2, l->title, LINE_TEXT, l->found);
    if ((e = table_row(t, first)) != OK || l->advice[0] == '\0')
        return e;
    (void)snprintf(text, sizeof(text), "→ %.*s", LINE_TEXT, l->advice);
    return table_row(t, second);
}

static enum err put_lines(const struct checkup *c, struct table *t, enum checkup_state state)
{
    enum err e = OK;

    for (size_t i = 0; i < c->count && e == OK; i++) {
        const struct line *l = &c->lines[i];
        const char *const cells[COLUMNS] = {l->name, word_of(l->state, c->format), l->title, l->found, l->advice};

        if (l->state == state)
            e = c->format == TABLE_TEXT ? put_text(c, t, l) : table_row(t, cells);
    }
    return e;
}

static void sum_up(const struct checkup *c, enum checkup_state worst)
{
    size_t counts[CHECKUP_WRONG + 1] = {0};

    for (size_t i = 0; i < c->count; i++)
        counts[c->lines[i].state]++;
    if (worst == CHECKUP_OK)
        (void)printf("\n%s\n", _("All is in order."));
    else
        (void)printf(_("\nWrong: %zu. To be looked at: %zu. In order: %zu.\n"), counts[CHECKUP_WRONG],
                     counts[CHECKUP_ATTENTION], counts[CHECKUP_OK]);
}

enum err checkup_end(struct checkup *c, enum checkup_state *worst)
{
    static const struct table_column program_columns[COLUMNS] = {{"item", "item", TABLE_LEFT, false},
                                                                 {"state", "state", TABLE_LEFT, false},
                                                                 {"title", "title", TABLE_LEFT, false},
                                                                 {"found", "found", TABLE_LEFT, false},
                                                                 {"advice", "advice", TABLE_LEFT, false}};
    const struct table_column text_columns[] = {{"state", _("State"), TABLE_LEFT, false},
                                                {"found", _("What was looked at"), TABLE_LEFT, false}};
    bool is_text = c->format == TABLE_TEXT;
    struct table *t = NULL;
    enum err e = c->e;

    *worst = CHECKUP_OK;
    for (size_t i = 0; i < c->count; i++)
        if (c->lines[i].state > *worst)
            *worst = c->lines[i].state;
    if (e == OK)
        e = is_text ? table_new(&t, text_columns, 2) : table_new(&t, program_columns, COLUMNS);
    for (int s = CHECKUP_WRONG; e == OK && s >= CHECKUP_OK; s--)
        e = put_lines(c, t, (enum checkup_state)s);
    if (e == OK)
        e = table_print(t, c->format, stdout);
    if (e == OK && is_text)
        sum_up(c, *worst);
    table_free(t);
    return e;
}
