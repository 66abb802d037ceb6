/* Reads a pack's calendar.yaml. */
#include "common/due.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define CHECKED_FIRST 2000 /* years in which the order of the days is tried out */
#define CHECKED_LAST  2060
#define CHECKED_MAX   200u /* periods of one series */

struct due_rules {
    struct yaml_doc *doc; /* the texts lie there */
    struct due_rule *items;
    size_t count;
};

static const char *const role_names[] = {"school", "office", "centre", NULL};
static const char *const after_names[] = {"start", "end", NULL};

/* ---- one rule as it is written ---- */

struct rule_keys {
    const char *form, *series, *source, *group;
    int who;
    const struct yaml_node *units, *opens, *due, *late_until, *periods;
    int32_t from, to;
    bool proposal;
    struct yaml_label note;
};
#define KEY(member) offsetof(struct rule_keys, member)
static const struct yaml_key rule_table[] = {{"form", YAML_WANT_NAME, true, KEY(form), 0, 0, NULL},
                                             {"series", YAML_WANT_NAME, false, KEY(series), 0, 0, NULL},
                                             {"who", YAML_WANT_ENUM, false, KEY(who), 0, 0, role_names},
                                             {"units", YAML_WANT_NODE, false, KEY(units), 0, 0, NULL},
                                             {"opens", YAML_WANT_NODE, false, KEY(opens), 0, 0, NULL},
                                             {"due", YAML_WANT_NODE, true, KEY(due), 0, 0, NULL},
                                             {"late_until", YAML_WANT_NODE, false, KEY(late_until), 0, 0, NULL},
                                             {"periods", YAML_WANT_SEQUENCE, false, KEY(periods), 0, 0, NULL},
                                             {"from", YAML_WANT_DATE, false, KEY(from), 0, 0, NULL},
                                             {"to", YAML_WANT_DATE, false, KEY(to), 0, 0, NULL},
                                             {"proposal", YAML_WANT_BOOLEAN, false, KEY(proposal), 0, 0, NULL},
                                             {"source", YAML_WANT_TEXT, false, KEY(source), 0, 0, NULL},
                                             {"note", YAML_WANT_LABEL, false, KEY(note), 0, 0, NULL},
                                             {"group", YAML_WANT_NAME, false, KEY(group), 0, 0, NULL},
                                             {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

struct reading {
    struct due_rules *rules;
    const struct yaml_doc *doc;
    const struct due_scope *scope;
    struct report *r;
    bool is_good;
};

#define WRONG(rd, at, field, ...) (yaml_complain((rd)->doc, at, field, (rd)->r, __VA_ARGS__), (rd)->is_good = false)

/* ---- a day ---- */

struct day_keys {
    int64_t days;
    int after;
    const char *on;
};
static const struct yaml_key day_table[] = {
    {"days", YAML_WANT_INTEGER, false, offsetof(struct day_keys, days), -DUE_MAX_DAYS, DUE_MAX_DAYS, NULL},
    {"after", YAML_WANT_ENUM, false, offsetof(struct day_keys, after), 0, 0, after_names},
    {"on", YAML_WANT_TEXT, false, offsetof(struct day_keys, on), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

/* "10-01": a day that every year has. */
static bool read_on(const char *text, struct due_day *out)
{
    char whole[16];
    int32_t date;
    int year;

    if (strlen(text) != 5)
        return false;
    (void)snprintf(whole, sizeof(whole), "2001-%s", text);
    if (date_parse(&date, whole, strlen(whole)) != OK)
        return false;
    date_to_civil(date, &year, &out->month, &out->day);
    out->kind = DUE_DAY_ON;
    return true;
}

static void read_day_mapping(struct reading *rd, const struct yaml_node *n, const char *key, struct due_day *out)
{
    struct day_keys k = {INT64_MIN, -1, NULL};

    if (!yaml_read(rd->doc, n, day_table, &k, rd->r)) {
        rd->is_good = false;
        return;
    }
    if (k.on != NULL ? k.days != INT64_MIN || k.after >= 0 : k.days == INT64_MIN || k.after < 0) {
        WRONG(rd, n, key, "%s", _("expected {days: 10, after: end} (or start), or {on: \"10-01\"}"));
        return;
    }
    if (k.on != NULL) {
        if (!read_on(k.on, out))
            WRONG(rd, yaml_get(n, "on"), "on", "%s", _("expected month and day in quotes, such as \"10-01\""));
        return;
    }
    out->kind = k.after == 0 ? DUE_DAY_START : DUE_DAY_END;
    out->days = (int32_t)k.days;
}

static void read_day(struct reading *rd, const struct yaml_node *n, const char *key, struct due_day *out)
{
    if (n == NULL)
        return;
    out->is_given = true;
    if (n->kind == YAML_MAPPING) {
        read_day_mapping(rd, n, key, out);
        return;
    }
    if (n->kind == YAML_SCALAR && date_parse(&out->date, n->text, n->len) == OK)
        out->kind = DUE_DAY_DATE;
    else
        WRONG(rd, n, key, "%s", _("expected a date such as 2020-10-01, or {days: 10, after: end}, or {on: \"10-01\"}"));
}

/* ---- who ---- */

struct units_keys {
    const struct yaml_node *kinds;
};
static const struct yaml_key units_table[] = {
    {"kinds", YAML_WANT_SEQUENCE, true, offsetof(struct units_keys, kinds), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

/* Texts of a list; false after a complaint. */
static bool read_texts(struct reading *rd, const struct yaml_node *list, const char *key, const char **out,
                       uint32_t most, uint32_t *count)
{
    if (list->count == 0 || list->count > most) {
        WRONG(rd, list, key, _("expected a list of 1 to %u texts"), most);
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *n = list->items[i];

        if (n->kind != YAML_SCALAR || n->len == 0) {
            WRONG(rd, n, key, _("expected a list of 1 to %u texts"), most);
            return false;
        }
        out[i] = n->text;
    }
    *count = list->count;
    return true;
}

static void read_units(struct reading *rd, const struct yaml_node *n, struct due_rule *rule)
{
    struct units_keys k = {NULL};

    if (n == NULL)
        return;
    rule->has_about = true;
    if (n->kind == YAML_SCALAR && strcmp(n->text, "all") == 0)
        rule->about = DUE_ABOUT_UNITS;
    else if (n->kind == YAML_SCALAR && strcmp(n->text, DUE_UNIT_DISTRICT) == 0)
        rule->about = DUE_ABOUT_DISTRICT;
    else if (n->kind != YAML_MAPPING)
        WRONG(rd, n, "units", "%s", _("expected all, district, or {kinds: [secondary, basic]}"));
    else if (!yaml_read(rd->doc, n, units_table, &k, rd->r))
        rd->is_good = false;
    else
        (void)read_texts(rd, k.kinds, "kinds", rule->kinds, DUE_MAX_KINDS, &rule->kind_count);
}

/* ---- against forms and calendar ---- */

static const struct form *find_form(const struct reading *rd, const struct yaml_node *item, const char *id)
{
    const char *names[256];
    size_t count = 0;
    const char *near;

    for (size_t i = 0; i < rd->scope->form_count; i++) {
        const struct form *f = rd->scope->forms[i];

        if (f == NULL)
            continue;
        if (strcmp(f->id, id) == 0)
            return f;
        if (count < sizeof(names) / sizeof(names[0]))
            names[count++] = f->id;
    }
    if ((near = cli_nearest(id, names, count)) != NULL)
        yaml_complain(rd->doc, yaml_get(item, "form"), "form", rd->r,
                      _("the programme has no form of this id; did you mean \"%s\"?"), near);
    else
        yaml_complain(rd->doc, yaml_get(item, "form"), "form", rd->r, "%s", _("the programme has no form of this id"));
    return NULL;
}

static void check_series(struct reading *rd, const struct yaml_node *item, const struct due_rule *rule,
                         const struct form *f)
{
    char all[CALENDAR_JOINED_MAX];

    if (rule->series == NULL)
        return;
    if (!calendar_has_series(rd->scope->calendar, rule->series)) {
        WRONG(rd, yaml_get(item, "series"), "series", "%s", _("the calendar has no series of this name"));
        return;
    }
    if (f == NULL)
        return;
    for (uint32_t i = 0; i < f->series_count; i++)
        if (strcmp(f->all_series[i], rule->series) == 0)
            return;
    calendar_join(all, f->all_series, f->series_count);
    WRONG(rd, yaml_get(item, "series"), "series", _("the form is due in the series %s"), all);
}

/* Nobody else may send it: what is asked of another role could never come. */
static void check_who(struct reading *rd, const struct yaml_node *item, const struct due_rule *rule,
                      const struct form *f)
{
    if (f != NULL && rule->who != NULL && strcmp(rule->who, f->role) != 0)
        WRONG(rd, yaml_get(item, "who"), "who", _("the form is one of the role %s"), f->role);
}

static void check_periods(struct reading *rd, const struct yaml_node *list, const struct due_rule *rule)
{
    struct period p;

    for (uint32_t i = 0; i < rule->period_count; i++)
        if (calendar_find(rd->scope->calendar, rule->series, rule->periods[i], &p) != OK ||
            strcmp(p.id, rule->periods[i]) != 0)
            WRONG(rd, list->items[i], "periods", "%s", err_text()[0] != '\0' ? err_text() : _("no such period"));
}

/* Opens, due, late_until in this order, in every period that comes up. */
static bool order_is_good(struct reading *rd, const struct yaml_node *item, const struct due_rule *rule,
                          const struct form *f, const struct period *p)
{
    char opens[11], due[11], until[11];
    struct due_days d;

    if (!due_rule_days(rule, f, p, &d))
        return true;
    date_format(opens, d.opens);
    date_format(due, d.due);
    date_format(until, d.late_until);
    if (d.opens > d.due)
        WRONG(rd, yaml_get(item, "due"), "due", _("in the period %s it would be due on %s and open on %s"), p->id, due,
              opens);
    else if (d.late_until < d.due)
        WRONG(rd, yaml_get(item, "late_until"), "late_until",
              _("in the period %s it would be due on %s and taken until %s"), p->id, due, until);
    return d.opens <= d.due && d.due <= d.late_until;
}

static void check_order(struct reading *rd, const struct yaml_node *item, const struct due_rule *rule,
                        const struct form *f, const char *series)
{
    struct period p;
    int32_t last = date_from_civil(CHECKED_LAST, 12, 31);
    unsigned count = 0;
    enum err e = calendar_next(rd->scope->calendar, series, date_from_civil(CHECKED_FIRST, 1, 1), &p);

    for (; e == OK && p.first <= last && count < CHECKED_MAX; count++) {
        struct period at = p;

        if (!order_is_good(rd, item, rule, f, &p))
            return;
        e = calendar_step(rd->scope->calendar, &at, 1, &p);
    }
}

static void check_days(struct reading *rd, const struct yaml_node *item, const struct due_rule *rule,
                       const struct form *f)
{
    bool has_date = (rule->opens.is_given && rule->opens.kind == DUE_DAY_DATE) || rule->due.kind == DUE_DAY_DATE ||
                    (rule->late_until.is_given && rule->late_until.kind == DUE_DAY_DATE);
    struct period p;

    if (rule->from > rule->to)
        WRONG(rd, yaml_get(item, "to"), "to", "%s", _("the last day is before the first; expected from <= to"));
    if (has_date && rule->period_count == 0)
        WRONG(rd, yaml_get(item, "due"), "due", "%s",
              _("a date is that of one period: say of which (periods: [...]), or write a rule that holds in each"));
    if (f == NULL || !rd->is_good)
        return;
    for (uint32_t i = 0; i < rule->period_count; i++)
        if (calendar_find(rd->scope->calendar, rule->series, rule->periods[i], &p) == OK &&
            !order_is_good(rd, item, rule, f, &p))
            return;
    if (rule->period_count > 0)
        return;
    for (uint32_t i = 0; i < f->series_count && rd->is_good; i++)
        if (rule->series == NULL || strcmp(rule->series, f->all_series[i]) == 0)
            check_order(rd, item, rule, f, f->all_series[i]);
}

/* A rule behind one that takes everything it could be about. */
static void warn_shadowed(const struct reading *rd, const struct yaml_node *item, const struct due_rule *rule)
{
    struct finding at = {
        .file = yaml_file(rd->doc), .line = item->line, .column = item->column, .field = "form", .is_warning = true};

    for (size_t i = 0; i < rd->rules->count; i++) {
        const struct due_rule *had = &rd->rules->items[i];

        if (strcmp(had->form, rule->form) != 0 || had->kind_count > 0 || had->period_count > 0 ||
            (had->series != NULL && (rule->series == NULL || strcmp(had->series, rule->series) != 0)) ||
            had->from > rule->from || had->to < rule->to || had->has_about != rule->has_about ||
            had->about != rule->about)
            continue;
        report_add(rd->r, &at, _("never used: the rule in line %u holds wherever this one does, and stands before it"),
                   had->line);
        return;
    }
}

static void read_rule(struct reading *rd, const struct yaml_node *item)
{
    struct rule_keys k = {.who = -1, .from = INT32_MIN, .to = INT32_MAX};
    struct due_rule *rule = &rd->rules->items[rd->rules->count];
    const struct form *f = NULL;
    bool was_good = rd->is_good;

    rd->is_good = true;
    if (!yaml_read(rd->doc, item, rule_table, &k, rd->r)) {
        rd->is_good = false;
        return;
    }
    *rule = (struct due_rule){.form = k.form,
                              .series = k.series,
                              .who = k.who >= 0 ? role_names[k.who] : NULL,
                              .from = k.from,
                              .to = k.to,
                              .is_proposal = k.proposal,
                              .source = k.source,
                              .note_ru = k.note.ru != NULL ? k.note.ru : k.note.en,
                              .note_en = k.note.en != NULL ? k.note.en : k.note.ru,
                              .group = k.group != NULL ? k.group : k.form,
                              .line = item->line};
    read_units(rd, k.units, rule);
    read_day(rd, k.opens, "opens", &rule->opens);
    read_day(rd, k.due, "due", &rule->due);
    read_day(rd, k.late_until, "late_until", &rule->late_until);
    if (k.periods != NULL && read_texts(rd, k.periods, "periods", rule->periods, DUE_MAX_PERIODS, &rule->period_count))
        check_periods(rd, k.periods, rule);
    if (rd->scope->forms != NULL && (f = find_form(rd, item, rule->form)) == NULL)
        rd->is_good = false;
    check_series(rd, item, rule, f);
    check_who(rd, item, rule, f);
    check_days(rd, item, rule, f);
    warn_shadowed(rd, item, rule);
    if (rd->is_good)
        rd->rules->count++;
    rd->is_good = rd->is_good && was_good;
}

/* ---- the file ---- */

struct file_keys {
    const struct yaml_node *calendar;
};
static const struct yaml_key file_table[] = {
    {"calendar", YAML_WANT_SEQUENCE, true, offsetof(struct file_keys, calendar), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

static enum err read_rules(struct reading *rd)
{
    struct file_keys k = {NULL};

    if (!yaml_read(rd->doc, yaml_root(rd->doc), file_table, &k, rd->r))
        return ERR_INVALID;
    if (k.calendar->count > DUE_MAX_RULES) {
        WRONG(rd, k.calendar, "calendar", _("at most %u rules"), DUE_MAX_RULES);
        return ERR_LIMIT;
    }
    if ((rd->rules->items = calloc((size_t)k.calendar->count + 1, sizeof(*rd->rules->items))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < k.calendar->count; i++)
        read_rule(rd, k.calendar->items[i]);
    return rd->is_good ? OK : ERR_INVALID;
}

enum err due_rules_read(struct due_rules **out, const char *file, const void *bytes, size_t len,
                        const struct due_scope *scope, struct report *r)
{
    struct due_rules *rules = calloc(1, sizeof(*rules));
    struct reading rd = {.rules = rules, .scope = scope, .r = r, .is_good = true};
    enum err e = rules == NULL ? ERR_NOMEM : yaml_parse(&rules->doc, file, bytes, len, r);

    if (e == OK) {
        rd.doc = rules->doc;
        e = read_rules(&rd);
    }
    if (e == OK)
        *out = rules;
    else
        due_rules_free(rules);
    return e;
}

void due_rules_free(struct due_rules *r)
{
    if (r == NULL)
        return;
    free(r->items);
    yaml_free(r->doc);
    free(r);
}

size_t due_rules_count(const struct due_rules *r)
{
    return r == NULL ? 0 : r->count;
}

const struct due_rule *due_rules_at(const struct due_rules *r, size_t i)
{
    return &r->items[i];
}
