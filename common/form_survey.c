/* form_survey.c: the items of `survey:` to drafts of fields, groups and notes. */
#include "common/form_internal.h"

#include "common/cli.h"

#include <string.h>

/* What an item of the survey can be; a mask says which keys suit which. */
enum {
    KIND_VALUE = 1, /* integer, text, date, boolean */
    KIND_DECIMAL = 2,
    KIND_SELECT = 4,
    KIND_CALCULATE = 8,
    KIND_NOTE = 16,
    KIND_GROUP = 32,
    KIND_REPEAT = 64,
    KIND_FIELD = KIND_VALUE | KIND_DECIMAL | KIND_SELECT,
    KIND_ALL = 127
};

static const struct type_name {
    const char *name;
    unsigned kind;
    enum value_type type;
} TYPES[] = {
    {"integer", KIND_VALUE, VALUE_INTEGER},
    {"decimal", KIND_DECIMAL, VALUE_DECIMAL},
    {"text", KIND_VALUE, VALUE_TEXT},
    {"date", KIND_VALUE, VALUE_DATE},
    {"boolean", KIND_VALUE, VALUE_BOOLEAN},
    {"select_one", KIND_SELECT, VALUE_SELECT_ONE},
    {"select_multiple", KIND_SELECT, VALUE_SELECT_MULTIPLE},
    {"calculate", KIND_CALCULATE, VALUE_DECIMAL},
    {"note", KIND_NOTE, VALUE_TEXT},
    {"group", KIND_GROUP, VALUE_TEXT},
    {"repeat", KIND_REPEAT, VALUE_REPEAT},
};
#define TYPE_COUNT (sizeof(TYPES) / sizeof(TYPES[0]))

static const struct {
    const char *key;
    unsigned kinds;
} KEY_KINDS[] = {
    {"required", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"required_message", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"constraint", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"constraint_message", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"warning", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"warning_message", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"compare_warning", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"compare_message", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"calculation", KIND_FIELD | KIND_CALCULATE},
    {"value", KIND_CALCULATE},
    {"default", KIND_FIELD},
    {"read_only", KIND_FIELD | KIND_REPEAT},
    {"places", KIND_DECIMAL | KIND_CALCULATE},
    {"total", KIND_VALUE | KIND_DECIMAL | KIND_CALCULATE},
    {"retention", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"was", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"allow", KIND_FIELD | KIND_REPEAT},
    {"hint", KIND_FIELD | KIND_CALCULATE | KIND_REPEAT},
    {"survey", KIND_GROUP | KIND_REPEAT},
};

enum { CALC_INTEGER, CALC_DECIMAL, CALC_TEXT, CALC_BOOLEAN, CALC_DATE };
static const char *const CALC_VALUES[] = {"integer", "decimal", "text", "boolean", "date", NULL};
static const enum value_type CALC_TYPES[] = {VALUE_INTEGER, VALUE_DECIMAL, VALUE_TEXT, VALUE_BOOLEAN, VALUE_DATE};

static const char *const TOTALS[] = {"none", "sum", NULL};
#define TOTAL_NOT_SAID (-1)

struct item_raw {
    const char *type, *name, *retention, *was;
    struct yaml_label label, hint, required_message, constraint_message, warning_message, compare_message;
    const struct yaml_node *required, *relevant, *constraint, *warning, *compare_warning, *calculation, *default_value,
        *allow, *survey;
    int64_t places;
    int value, total;
    bool read_only;
};

static const struct yaml_key ITEM_KEYS[] = {
    {"type", YAML_WANT_TEXT, true, offsetof(struct item_raw, type), 0, 0, NULL},
    {"name", YAML_WANT_NAME, false, offsetof(struct item_raw, name), 0, 0, NULL},
    {"label", YAML_WANT_LABEL, false, offsetof(struct item_raw, label), 0, 0, NULL},
    {"hint", YAML_WANT_LABEL, false, offsetof(struct item_raw, hint), 0, 0, NULL},
    {"required", YAML_WANT_NODE, false, offsetof(struct item_raw, required), 0, 0, NULL},
    {"required_message", YAML_WANT_LABEL, false, offsetof(struct item_raw, required_message), 0, 0, NULL},
    {"relevant", YAML_WANT_NODE, false, offsetof(struct item_raw, relevant), 0, 0, NULL},
    {"constraint", YAML_WANT_NODE, false, offsetof(struct item_raw, constraint), 0, 0, NULL},
    {"constraint_message", YAML_WANT_LABEL, false, offsetof(struct item_raw, constraint_message), 0, 0, NULL},
    {"warning", YAML_WANT_NODE, false, offsetof(struct item_raw, warning), 0, 0, NULL},
    {"warning_message", YAML_WANT_LABEL, false, offsetof(struct item_raw, warning_message), 0, 0, NULL},
    {"compare_warning", YAML_WANT_NODE, false, offsetof(struct item_raw, compare_warning), 0, 0, NULL},
    {"compare_message", YAML_WANT_LABEL, false, offsetof(struct item_raw, compare_message), 0, 0, NULL},
    {"calculation", YAML_WANT_NODE, false, offsetof(struct item_raw, calculation), 0, 0, NULL},
    {"value", YAML_WANT_ENUM, false, offsetof(struct item_raw, value), 0, 0, CALC_VALUES},
    {"default", YAML_WANT_NODE, false, offsetof(struct item_raw, default_value), 0, 0, NULL},
    {"read_only", YAML_WANT_BOOLEAN, false, offsetof(struct item_raw, read_only), 0, 0, NULL},
    {"places", YAML_WANT_INTEGER, false, offsetof(struct item_raw, places), 0, VALUE_MAX_PLACES, NULL},
    {"total", YAML_WANT_ENUM, false, offsetof(struct item_raw, total), 0, 0, TOTALS},
    {"retention", YAML_WANT_NAME, false, offsetof(struct item_raw, retention), 0, 0, NULL},
    {"was", YAML_WANT_NAME, false, offsetof(struct item_raw, was), 0, 0, NULL},
    {"allow", YAML_WANT_SEQUENCE, false, offsetof(struct item_raw, allow), 0, 0, NULL},
    {"survey", YAML_WANT_SEQUENCE, false, offsetof(struct item_raw, survey), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

/* "select_one LIST": the type, and what follows it. */
static const struct type_name *split_type(const char *text, const char **list, size_t *list_len)
{
    size_t len = strcspn(text, " \t");

    *list = text + len + strspn(text + len, " \t");
    *list_len = strlen(*list);
    while (*list_len > 0 && strchr(" \t", (*list)[*list_len - 1]) != NULL)
        --*list_len;
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strlen(TYPES[i].name) == len && memcmp(TYPES[i].name, text, len) == 0)
            return &TYPES[i];
    return NULL;
}

static void complain_of_type(struct loader *l, const struct yaml_node *at, const struct item_raw *raw)
{
    const char *names[TYPE_COUNT];
    const char *near;

    for (size_t i = 0; i < TYPE_COUNT; i++)
        names[i] = TYPES[i].name;
    near = cli_nearest(raw->type, names, TYPE_COUNT);
    if (near != NULL)
        COMPLAIN(l, form_value_node(at, "type"), raw->name, _("no such type: \"%.60s\"; did you mean \"%s\"?"),
                 raw->type, near);
    else
        COMPLAIN(l, form_value_node(at, "type"), raw->name,
                 _("no such type: \"%.60s\"; integer, decimal, text, date, boolean, select_one LIST, select_multiple "
                   "LIST, calculate, note, group or repeat was expected"),
                 raw->type);
}

static void refuse_unsuitable_keys(struct loader *l, const struct yaml_node *at, const struct item_raw *raw,
                                   const struct type_name *type)
{
    for (size_t i = 0; i < sizeof(KEY_KINDS) / sizeof(KEY_KINDS[0]); i++) {
        const struct yaml_node *n = yaml_get(at, KEY_KINDS[i].key);

        if (n != NULL && (KEY_KINDS[i].kinds & type->kind) == 0)
            COMPLAIN(l, n, raw->name, _("\"%s\" has no meaning for an item of type %s"), KEY_KINDS[i].key, type->name);
    }
}

/* False, and a plain text in its place, when the list is not there. */
static bool set_choices(struct loader *l, struct form_field *f, const struct yaml_node *at, const char *list,
                        size_t len)
{
    int32_t number = len == 0 ? INDEX_NONE : index_find(&l->list_names, list, len);

    if (number < 0) {
        if (len == 0)
            COMPLAIN(l, form_value_node(at, "type"), f->name,
                     _("the name of a list of choices was expected after the type, for example select_one yes_no"));
        else
            COMPLAIN(l, form_value_node(at, "type"), f->name, _("no list of choices is called \"%.*s\""), (int)len,
                     list);
        f->type = VALUE_TEXT;
        return false;
    }
    f->choices = &l->lists[number];
    f->choice_index = l->list_indexes[number];
    if (f->type == VALUE_SELECT_MULTIPLE && f->choices->count > VALUE_MAX_CHOICES_MULTIPLE)
        COMPLAIN(l, form_value_node(at, "type"), f->name,
                 _("the list \"%s\" has %u choices: at most %u were expected for select_multiple"), f->choices->name,
                 f->choices->count, VALUE_MAX_CHOICES_MULTIPLE);
    return true;
}

static void read_allow(struct loader *l, struct form_field *f, const struct yaml_node *allow)
{
    for (uint32_t i = 0; allow != NULL && i < allow->count; i++) {
        const struct yaml_node *n = allow->items[i];

        if (n->kind == YAML_SCALAR && strcmp(n->text, "unknown") == 0)
            f->allows_unknown = true;
        else if (n->kind == YAML_SCALAR && strcmp(n->text, "na") == 0)
            f->allows_inapplicable = true;
        else
            COMPLAIN(l, n, f->name, _("\"unknown\" or \"na\" was expected"));
    }
}

/* `required` is a boolean or a rule. */
static const struct yaml_node *read_required(struct form_field *f, const struct yaml_node *n)
{
    if (n == NULL || yaml_is_nothing(n))
        return n;
    if (n->kind == YAML_SCALAR && !n->is_quoted) {
        if (strcmp(n->text, "true") == 0 || strcmp(n->text, "yes") == 0) {
            f->is_required = true;
            return NULL;
        }
        if (strcmp(n->text, "false") == 0 || strcmp(n->text, "no") == 0)
            return NULL;
    }
    return n;
}

static void set_type(struct loader *l, struct field_draft *d, const struct item_raw *raw, const struct type_name *type,
                     const char *list, size_t list_len)
{
    struct form_field *f = &d->f;

    f->type = type->type;
    if (type->kind == KIND_CALCULATE)
        f->type = CALC_TYPES[raw->value];
    if (type->kind == KIND_SELECT)
        (void)set_choices(l, f, d->at, list, list_len);
    else if (list_len > 0)
        COMPLAIN(l, form_value_node(d->at, "type"), f->name, _("nothing was expected after the type %s"), type->name);
    if (f->type == VALUE_DECIMAL)
        f->places = (uint8_t)raw->places;
    else if (type->kind == KIND_CALCULATE && yaml_get(d->at, "places") != NULL)
        COMPLAIN(l, form_value_node(d->at, "places"), f->name,
                 _("\"places\" has a meaning only with \"value: decimal\""));
    f->min = -FORM_NUMBER_MAX;
    f->max = FORM_NUMBER_MAX;
    f->is_calculated = raw->calculation != NULL;
    f->is_read_only = raw->read_only || f->is_calculated;
    if (type->kind == KIND_CALCULATE && raw->calculation == NULL)
        COMPLAIN(l, d->at, f->name, _("\"calculation\" is missing: a field of type calculate needs one"));
    if (f->is_calculated && raw->default_value != NULL)
        COMPLAIN(l, raw->default_value, f->name, _("a calculated field cannot have a default"));
    if (f->is_calculated && raw->allow != NULL)
        COMPLAIN(l, raw->allow, f->name, _("a calculated field cannot be answered with a state"));
}

/* A number of a form that is filled in once is added up over the units unless the form says otherwise; what stands in
 * rows may overlap ("all subjects" beside each subject) and is added only where the form says so. */
static void set_total(struct loader *l, struct field_draft *d, const struct item_raw *raw, int32_t repeat)
{
    bool is_number = d->f.type == VALUE_INTEGER || d->f.type == VALUE_DECIMAL;

    if (raw->total != TOTAL_NOT_SAID && !is_number)
        COMPLAIN(l, form_value_node(d->at, "total"), d->f.name, _("\"total\" has a meaning only for a number"));
    if (raw->total == TOTAL_NOT_SAID)
        d->f.is_added = is_number && repeat < 0 && l->impl->form.mode == FORM_RECORD;
    else
        d->f.is_added = is_number && raw->total == 1;
}

static void add_field(struct loader *l, const struct yaml_node *at, const struct item_raw *raw,
                      const struct type_name *type, int32_t group, int32_t repeat)
{
    struct field_draft *d = pool_more(&l->impl->pool, l->fields, l->field_count, &l->field_cap, sizeof(*d));
    struct form_field *f;
    const char *list;
    size_t list_len;

    if (d == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    l->fields = d;
    d += l->field_count++;
    *d = (struct field_draft){.at = at, .group = group, .repeat = repeat};
    f = &d->f;
    f->name = raw->name;
    f->was = raw->was;
    f->line = at->line;
    f->retention = raw->retention;
    form_label(&f->label_ru, &f->label_en, &raw->label, raw->name);
    form_label(&f->hint_ru, &f->hint_en, &raw->hint, NULL);
    form_label(&f->required_message_ru, &f->required_message_en, &raw->required_message, NULL);
    form_label(&f->constraint_message_ru, &f->constraint_message_en, &raw->constraint_message, NULL);
    form_label(&f->warning_message_ru, &f->warning_message_en, &raw->warning_message, NULL);
    form_label(&f->compare_message_ru, &f->compare_message_en, &raw->compare_message, NULL);
    for (int32_t g = group; g >= 0 && f->group_ru == NULL; g = l->groups[g].parent) {
        f->group_ru = l->groups[g].ru;
        f->group_en = l->groups[g].en;
    }
    (void)split_type(raw->type, &list, &list_len);
    set_type(l, d, raw, type, list, list_len);
    set_total(l, d, raw, repeat);
    read_allow(l, f, raw->allow);
    d->required = read_required(f, raw->required);
    d->relevant = raw->relevant;
    d->constraint = raw->constraint;
    d->warning = raw->warning;
    d->compare_warning = raw->compare_warning;
    d->calculation = raw->calculation;
    d->default_value = raw->default_value;
    if (repeat < 0)
        l->top_count++;
}

static void add_note(struct loader *l, const struct yaml_node *at, const struct item_raw *raw, int32_t group,
                     int32_t repeat)
{
    struct note_draft *n = pool_more(&l->impl->pool, l->notes, l->note_count, &l->note_cap, sizeof(*n));

    if (n == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    l->notes = n;
    if (raw->label.ru == NULL && raw->label.en == NULL) {
        COMPLAIN(l, at, raw->name, _("\"label\" is missing: it is the text of the note"));
        return;
    }
    if (repeat >= 0) {
        COMPLAIN(l, at, raw->name, _("a note cannot stand inside a repeat: put it before the repeat"));
        return;
    }
    n += l->note_count++;
    *n = (struct note_draft){.at = at, .group = group, .relevant = raw->relevant};
    n->note.before = l->top_count;
    form_label(&n->note.text_ru, &n->note.text_en, &raw->label, "");
}

static int32_t add_group(struct loader *l, const struct item_raw *raw, int32_t parent)
{
    struct group_draft *g = pool_more(&l->impl->pool, l->groups, l->group_count, &l->group_cap, sizeof(*g));

    if (g == NULL) {
        l->e = ERR_NOMEM;
        return parent;
    }
    l->groups = g;
    g += l->group_count;
    *g = (struct group_draft){.parent = parent, .relevant = raw->relevant};
    form_label(&g->ru, &g->en, &raw->label, NULL);
    return (int32_t)l->group_count++;
}

static void read_repeat(struct loader *l, const struct yaml_node *at, const struct item_raw *raw,
                        const struct type_name *type, int32_t group, int32_t repeat)
{
    uint32_t number = l->field_count;

    if (repeat >= 0) {
        COMPLAIN(l, at, raw->name, _("a repeat cannot stand inside a repeat: keep one row for each inner row instead"));
        return;
    }
    add_field(l, at, raw, type, group, -1);
    if (l->e != OK)
        return;
    form_read_survey(l, raw->survey, -1, (int32_t)number); /* groups around the repeat hold for it as a whole */
    if (l->e == OK && l->field_count == number + 1 && !l->bad)
        COMPLAIN(l, raw->survey, raw->name, _("a repeat needs at least one field"));
}

/* Groups nest no deeper than YAML_MAX_DEPTH allows, and so does this. */
static void read_item(struct loader *l, const struct yaml_node *at, int32_t group, int32_t repeat)
{
    struct item_raw raw = {.places = 2, .value = CALC_DECIMAL, .total = TOTAL_NOT_SAID};
    const struct type_name *type;
    const char *list;
    size_t list_len;

    if (!yaml_read(l->doc, at, ITEM_KEYS, &raw, l->r))
        l->bad = true;
    if (raw.type == NULL)
        return;
    if ((type = split_type(raw.type, &list, &list_len)) == NULL) {
        complain_of_type(l, at, &raw);
        return;
    }
    refuse_unsuitable_keys(l, at, &raw, type);
    if ((type->kind & (KIND_GROUP | KIND_REPEAT)) != 0 && raw.survey == NULL) {
        COMPLAIN(l, at, raw.name, _("\"survey\" is missing: the fields of the %s"), type->name);
        return;
    }
    if ((type->kind & (KIND_GROUP | KIND_NOTE)) == 0 && raw.name == NULL) {
        if (yaml_get(at, "name") == NULL)
            COMPLAIN(l, at, NULL, _("\"name\" is missing: every field needs one"));
        return;
    }
    if (type->kind == KIND_GROUP)
        form_read_survey(l, raw.survey, add_group(l, &raw, group), repeat);
    else if (type->kind == KIND_REPEAT)
        read_repeat(l, at, &raw, type, group, repeat);
    else if (type->kind == KIND_NOTE)
        add_note(l, at, &raw, group, repeat);
    else
        add_field(l, at, &raw, type, group, repeat);
}

void form_read_survey(struct loader *l, const struct yaml_node *survey, int32_t group, int32_t repeat)
{
    for (uint32_t i = 0; i < survey->count && l->e == OK; i++) {
        if (l->field_count > FORM_MAX_FIELDS)
            return; /* form_load() says so, once */
        read_item(l, survey->items[i], group, repeat);
    }
}
