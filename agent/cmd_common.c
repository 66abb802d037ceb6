#include "agent/cmd_common.h"

#include "agent/run.h"
#include "agent/schedule.h"
#include "agent/today.h"
#include "common/clock.h"
#include "common/report.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)

static void warn(const char *text)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s\n", text);
}

/* None of this stops anybody's work. */
static void warn_about_grant(const struct agent *a)
{
    switch (a->grant->status) {
    case GRANT_ACTIVE: break;
    case GRANT_HELD:
        warn(_("Note: the district has put this participant on hold. What you enter is kept here and waits."));
        break;
    case GRANT_REVOKED:
        warn(_("Note: the district has revoked this participant's access. What you enter is kept here; ask the "
               "district for a new invitation."));
        break;
    case GRANT_CLOSED:
        warn(_("Note: the district has closed this participant. What you enter is kept here; ask the district."));
        break;
    }
}

/* A dead clock battery: days and times would be wrong without anybody noticing. */
static void warn_about_clock(const struct agent *a)
{
    struct queue_clock c;
    struct today today;
    char text[640], clock[32], day[64];

    if (queue_clock(a, NULL, &c) != OK || agent_today(a, &today) != OK)
        return;
    cli_format_day(clock, sizeof(clock), clock_wall_ms());
    cli_format_date(day, sizeof(day), today.day);
    if (today.is_guess) {
        (void)snprintf(text, sizeof(text),
                       _("Note: by the clock of this computer it is %s, and that is wrong or was when the district was "
                         "met last. Nobody knows by how much: \"filled on\" is %s unless you say it (--filled-on). Set "
                         "the clock."),
                       clock, day);
        warn(text);
    } else if (c.has_offset && (c.offset_ms > DAY_MS || c.offset_ms < -DAY_MS))
        warn(_("Note: at the last meeting the clock of this computer was off by more than a day from the district's. "
               "Check its date; until then \"filled on\" is reckoned by the district's clock."));
}

enum err command_urgent(struct agent *a)
{
    char why[512];
    enum err e = schedule_urgent(a);

    if (e != OK) {
        (void)snprintf(why, sizeof(why), "%s", err_text());
        return err_set(e, _("it is queued, but goes no sooner than the rest: %s"), why);
    }
    if (run_nudge(a->dir) != OK)
        warn(_("svodka-agent run is not at work here: it goes at once with svodka-agent sync"));
    return OK;
}

enum err command_open(struct agent **out, const char *home)
{
    const char *dir = NULL;
    enum err e = cli_home(home, &dir);

    if (e != OK || (e = agent_open(out, dir)) != OK)
        return e;
    warn_about_grant(*out);
    warn_about_clock(*out);
    return OK;
}

/* Listed in the directory, but its text has not come yet. */
static bool is_on_its_way(const struct agent *a, const char *id)
{
    for (uint32_t i = 0; i < a->directory->object_count; i++) {
        const struct directory_object *o = &a->directory->objects[i];

        if (o->kind == OBJECT_FORM && o->is_current && strcmp(o->name, id) == 0)
            return true;
    }
    return false;
}

/* Once it was asked for, now it is not; whoever asks has no current version at hand. */
static bool is_withdrawn(const struct agent *a, const char *id)
{
    for (uint32_t i = 0; i < a->directory->object_count; i++)
        if (a->directory->objects[i].kind == OBJECT_FORM && strcmp(a->directory->objects[i].name, id) == 0)
            return true;
    return false;
}

const struct form *command_own_form(const struct agent *a, size_t n)
{
    const struct form *f = a->forms[n].is_offered ? agent_form_at(a, n) : NULL;

    return f != NULL && grant_allows(a->grant, f->role, NULL) ? f : NULL;
}

enum err command_form(const struct agent *a, const char *id, const struct form **out)
{
    const char *names[DIRECTORY_MAX_FORMS];
    const char *near;
    size_t count = 0;

    if ((*out = agent_form(a, id)) != NULL)
        return OK;
    if (is_on_its_way(a, id))
        return err_set(ERR_NOT_FOUND, _("the form \"%.80s\" comes with the next meeting: run svodka-agent sync"), id);
    if (is_withdrawn(a, id))
        return err_set(ERR_NOT_FOUND,
                       _("the district has withdrawn the form \"%.80s\": nothing new is filled in; what waits here is "
                         "sent and accepted all the same"),
                       id);
    for (size_t i = 0; i < a->form_count && count < DIRECTORY_MAX_FORMS; i++)
        if (a->forms[i].is_offered)
            names[count++] = a->forms[i].object->name;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], id) == 0)
            return err_set(ERR_VERSION,
                           _("this program cannot read the form \"%.80s\", a newer one can: ask the district for it. "
                             "All other forms work as before"),
                           id);
    near = cli_nearest(id, names, count);
    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no form \"%.80s\"; did you mean \"%s\"?"), id, near);
    return err_set(ERR_NOT_FOUND, _("there is no form \"%.80s\"; svodka-agent forms lists them all"), id);
}

enum err command_source(const char *behalf, enum record_source *out)
{
    if (behalf == NULL)
        return OK;
    if (strcmp(behalf, "paper") == 0)
        *out = SOURCE_PAPER;
    else if (strcmp(behalf, "phone") == 0)
        *out = SOURCE_PHONE;
    else
        return err_set(ERR_USAGE, _("--on-behalf: paper or phone was expected"));
    return OK;
}

enum err command_format(enum table_format *out, const char *name)
{
    *out = TABLE_TEXT;
    return name == NULL ? OK : table_format_parse(out, name);
}

/* ---- options that may be repeated ---- */

enum err command_repeated(int argc, char **argv, const char *name, const char **out, size_t max, size_t *count)
{
    size_t len = strlen(name);

    *count = 0;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *value;

        if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, name, len) != 0)
            continue;
        if (argv[i][2 + len] == '=')
            value = argv[i] + 3 + len;
        else if (argv[i][2 + len] == '\0' && i + 1 < argc)
            value = argv[++i];
        else
            continue;
        if (*count == max)
            return err_set(ERR_USAGE, _("--%s is given more than %zu times"), name, max);
        out[(*count)++] = value;
    }
    return OK;
}

enum err command_field(const struct form *f, const char *text, uint32_t *field, const char **value)
{
    const char *names[FORM_MAX_FIELDS];
    const char *equals = strchr(text, '=');
    const char *near;
    char name[4 * FORM_NAME_MAX + 1];
    int32_t found;

    if (equals == NULL || equals == text)
        return err_set(ERR_USAGE, _("\"%.80s\": FIELD=VALUE was expected"), text);
    (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    if ((found = form_find_field_said(f, text, (size_t)(equals - text))) == FORM_FIELD_SEVERAL)
        return err_set(ERR_USAGE, _("the form \"%s\" has several fields \"%s\": say its name"), f->id, name);
    if (found < 0) {
        for (uint32_t i = 0; i < f->field_count; i++)
            names[i] = f->fields[i].name;
        near = cli_nearest(name, names, f->field_count);
        if (near != NULL)
            return err_set(ERR_USAGE, _("the form \"%s\" has no field \"%s\"; did you mean \"%s\"?"), f->id, name,
                           near);
        return err_set(ERR_USAGE, _("the form \"%s\" has no field \"%s\""), f->id, name);
    }
    *field = (uint32_t)found;
    *value = equals + 1;
    return OK;
}

static int by_field(const void *a, const void *b)
{
    const struct record_remark *x = a;
    const struct record_remark *y = b;

    return x->field < y->field ? -1 : x->field > y->field;
}

enum err command_remarks(const struct form *f, const char *const *texts, size_t count, struct record_remark *out,
                         uint32_t *remark_count)
{
    *remark_count = 0;
    if (count > f->field_count)
        return err_set(ERR_USAGE, "%s", _("there are more remarks than fields"));
    for (size_t i = 0; i < count; i++) {
        const char *text = NULL;
        enum err e = command_field(f, texts[i], &out[i].field, &text);

        if (e != OK)
            return e;
        out[i].text = bytes_of(text, strlen(text));
        if (out[i].text.len < 1 || out[i].text.len > RECORD_REMARK_MAX)
            return err_set(ERR_USAGE, _("a remark has 1 to %u bytes (half as many Russian letters)"),
                           RECORD_REMARK_MAX);
    }
    if (count > 0)
        qsort(out, count, sizeof(*out), by_field);
    for (size_t i = 1; i < count; i++)
        if (out[i].field == out[i - 1].field)
            return err_set(ERR_USAGE, _("two remarks on the field \"%s\""), f->fields[out[i].field].name);
    *remark_count = (uint32_t)count;
    return OK;
}

/* ---- words ---- */

void command_report(const struct report *r)
{
    (void)fflush(stdout);
    report_print(r, stderr);
}

const char *word_of_mode(enum form_mode m)
{
    switch (m) {
    case FORM_RECORD: return _("one record");
    case FORM_ROWS: return _("rows by key");
    case FORM_ANSWERS: return _("anonymous answers");
    }
    return "";
}

const char *word_of_kind(enum record_kind k)
{
    switch (k) {
    case RECORD_NEW: return _("new");
    case RECORD_CORRECTION: return _("correction");
    case RECORD_RETRACTION: return _("retraction");
    }
    return "";
}

const char *word_of_state(enum record_state s)
{
    switch (s) {
    case RECORD_WAITING: return _("waits");
    case RECORD_SEALED: return _("packed to be sent");
    case RECORD_STORED: return _("received by the district");
    case RECORD_ARCHIVED: return _("in the district's archive");
    }
    return "";
}
