/* waits: what waits here, return by return, each with the code that is read out over the telephone when there is no
 * line. */
#include "agent/cmd_common.h"

#include "common/clock.h"
#include "protocol/builtin.h"
#include "protocol/cover.h"
#include "protocol/phone_code.h"

#include <stdlib.h>
#include <string.h>

#define RETURNS_MAX 10000u

struct waiting {
    char form[FORM_NAME_MAX + 1];
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    uint64_t count;
};
struct waits {
    struct waiting *items;
    size_t count, cap;
};

static enum err grow(struct waits *w)
{
    size_t cap = w->cap == 0 ? 16 : 2 * w->cap;
    struct waiting *grown;

    if (w->count < w->cap)
        return OK;
    if (w->count >= RETURNS_MAX)
        return err_set(ERR_LIMIT, _("more than %u returns wait"), RETURNS_MAX);
    if ((grown = reallocarray(w->items, cap, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    w->items = grown;
    w->cap = cap;
    return OK;
}

/* The form whose return it belongs to; false: it belongs to none. */
static bool form_of(const struct queue_submission *s, char out[FORM_NAME_MAX + 1])
{
    struct cover c;

    if (s->form == NULL)
        return false;
    if (!builtin_is_any(s->form)) {
        (void)snprintf(out, FORM_NAME_MAX + 1, "%s", s->form->id);
        return true;
    }
    if (!builtin_is(s->form, BUILTIN_COVER) || s->record->values == NULL ||
        !cover_read(&c, s->record->values, s->record->value_count) || c.of.len > FORM_NAME_MAX)
        return false;
    cover_text(out, FORM_NAME_MAX + 1, c.of);
    return true;
}

static enum err take(void *ctx, const struct queue_submission *s)
{
    char form[FORM_NAME_MAX + 1];
    struct waits *w = ctx;
    size_t i = 0;
    enum err e;

    if ((s->state != RECORD_WAITING && s->state != RECORD_SEALED) || !form_of(s, form))
        return OK;
    while (i < w->count && (strcmp(w->items[i].form, form) != 0 || strcmp(w->items[i].unit, s->record->unit) != 0 ||
                            strcmp(w->items[i].period, s->record->period) != 0))
        i++;
    if (i == w->count) {
        if ((e = grow(w)) != OK)
            return e;
        memset(&w->items[i], 0, sizeof(w->items[i]));
        memcpy(w->items[i].form, form, sizeof(form));
        memcpy(w->items[i].unit, s->record->unit, sizeof(w->items[i].unit));
        memcpy(w->items[i].period, s->record->period, sizeof(w->items[i].period));
        w->count++;
    }
    w->items[i].count++;
    return OK;
}

static enum err put_line(struct table *t, const struct agent *a, const uint8_t *key, const struct waiting *w,
                         enum table_format f)
{
    const struct phone_return r = {a->grant->participant, w->form, w->unit, w->period, clock_today()};
    const struct form *form = agent_form(a, w->form);
    char code[PHONE_CODE_CHARS + 1] = "", count[32];
    struct period p;
    const char *cells[] = {w->form, w->unit, w->period, count, code};

    if (key != NULL)
        phone_code_make(code, key, &r, w->count);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)w->count);
    if (f == TABLE_TEXT && form != NULL)
        cells[0] = cli_pick(form->title_ru, form->title_en);
    if (f == TABLE_TEXT && calendar_find(a->calendar, NULL, w->period, &p) == OK)
        cells[2] = cli_pick(p.label_ru, p.label_en);
    return table_row(t, cells);
}

/* NULL in *key: the district does not know this computer yet, so that nothing could be checked there. */
static enum err make_key(const struct agent *a, uint8_t raw[KEY_BYTES], const uint8_t **key)
{
    uint8_t seal[KEY_BYTES];
    enum err e;

    *key = NULL;
    if (a->history_key == NULL || !agent_is_enrolled(a))
        return OK;
    if ((e = directory_current_seal_key(a->directory, seal)) != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = phone_key(raw, a->history_key, seal, key_public(a->history_key), seal)) == OK)
        *key = raw;
    return e;
}

static void explain(const struct waits *w, bool has_codes)
{
    if (w->count == 0)
        (void)printf("%s\n", _("Nothing waits here."));
    else if (has_codes)
        (void)printf("%s\n", _("No line? Call the district and read out the code of the return. It is good today and "
                               "for this number of entries; it does not replace sending them."));
    else
        (void)printf("%s\n", _("The district does not know this computer yet, so there are no codes: say by telephone "
                               "what waits, and send it by line or by stick as soon as you can."));
}

static enum err show(const struct agent *a, enum table_format f)
{
    const struct table_column columns[] = {{"form", _("Form"), TABLE_LEFT, false},
                                           {"unit", _("unit"), TABLE_LEFT, false},
                                           {"period", _("period"), TABLE_LEFT, false},
                                           {"waiting", _("entries"), TABLE_RIGHT, true},
                                           {"code", _("code for the telephone"), TABLE_LEFT, false}};
    struct queue_filter any = {NULL, NULL, NULL};
    const uint8_t *key = NULL;
    uint8_t raw[KEY_BYTES];
    struct table *t = NULL;
    struct waits w = {.count = 0};
    enum err e = make_key(a, raw, &key);

    if (e == OK && (e = queue_each(a, &any, take, &w)) == OK)
        e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < w.count && e == OK; i++)
        e = put_line(t, a, key, &w.items[i], f);
    if (e == OK && (f != TABLE_TEXT || w.count > 0))
        e = table_print(t, f, stdout);
    if (e == OK && f == TABLE_TEXT)
        explain(&w, key != NULL);
    table_free(t);
    free(w.items);
    wipe(raw, sizeof(raw));
    return e;
}

int cmd_waits(int argc, char **argv)
{
    static const struct cli_command self = {
        "waits", "",
        N_("Shows what waits to be sent, return by return, each with a short code that can be read out to the district "
           "over the telephone when there is no line."),
        cmd_waits};
    const char *home = NULL, *format_name = NULL;
    const struct cli_option options[] = {OPTION_FORMAT(&format_name), OPTION_HOME(&home), OPTION_END};
    enum table_format format;
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&format, format_name)) == OK && (e = command_open(&a, home)) == OK)
        e = show(a, format);
    agent_close(a);
    return cli_fail(e);
}
