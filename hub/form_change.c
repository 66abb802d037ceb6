#include "hub/form_change.h"

#include "common/cli.h"

#include <string.h>

/* Places in the YAML come from its tree: a loaded form does not keep them. */
struct change {
    const struct form *fresh, *old;
    struct yaml_doc *doc; /* of `fresh` */
    const char *file;
    struct report *r;
    size_t before; /* errors in the report */
};

/* ---- where it stands ---- */

static bool is_text(const struct yaml_node *n, const char *text)
{
    return n != NULL && n->kind == YAML_SCALAR && strcmp(n->text, text) == 0;
}

/* The mapping of a field, also inside groups and repeats; at most as deep as a form may be. */
static const struct yaml_node *find_field(const struct yaml_node *list, const char *name)
{
    for (uint32_t i = 0; list != NULL && list->kind == YAML_SEQUENCE && i < list->count; i++) {
        const struct yaml_node *inside;

        if (is_text(yaml_get(list->items[i], "name"), name))
            return list->items[i];
        if ((inside = find_field(yaml_get(list->items[i], "survey"), name)) != NULL)
            return inside;
    }
    return NULL;
}

static const struct yaml_node *find_choice(const struct change *c, const char *list, const char *code)
{
    const struct yaml_node *choices = yaml_get(yaml_root(c->doc), "choices");
    const struct yaml_node *items = choices == NULL ? NULL : yaml_get(choices, list);

    for (uint32_t i = 0; items != NULL && items->kind == YAML_SEQUENCE && i < items->count; i++)
        if (is_text(yaml_get(items->items[i], "code"), code))
            return items->items[i];
    return items;
}

static struct finding place_of(const struct change *c, const struct yaml_node *at, const char *field)
{
    struct finding f = {.file = c->file, .field = field};

    if (at == NULL)
        at = yaml_root(c->doc);
    f.line = at->line;
    f.column = at->column;
    return f;
}

/* ---- choices ---- */

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* What differs in the middle is at most a third: a slip of the pen was put right, or a word added. */
static bool is_near(const char *a, const char *b)
{
    size_t a_len = a == NULL ? 0 : strlen(a);
    size_t b_len = b == NULL ? 0 : strlen(b);
    size_t shorter = a_len < b_len ? a_len : b_len;
    size_t longer = a_len < b_len ? b_len : a_len;
    size_t head = 0;
    size_t tail = 0;

    while (head < shorter && a[head] == b[head])
        head++;
    while (tail < shorter - head && a[a_len - 1 - tail] == b[b_len - 1 - tail])
        tail++;
    return shorter > 0 && longer - head - tail <= longer / 3;
}

static const char *shown_label(const struct choice *c)
{
    const char *label = cli_pick(c->label_ru, c->label_en);

    return label != NULL ? label : c->code;
}

/* The code that had this label in the version before. */
static const struct choice *had_label(const struct choice_list *old, const struct choice *fresh)
{
    for (uint32_t i = 0; i < old->count; i++)
        if (strcmp(old->items[i].code, fresh->code) != 0 &&
            (is_same(old->items[i].label_ru, fresh->label_ru) || is_same(old->items[i].label_en, fresh->label_en)))
            return &old->items[i];
    return NULL;
}

/* Labels are all that says what a code means: one language that stays vouches for the other. */
static void compare_choice(const struct change *c, const char *field, const struct choice_list *old,
                           const struct choice_list *fresh, uint32_t i)
{
    const struct choice *now = &fresh->items[i];
    int32_t at = choice_find(old, now->code, strlen(now->code));
    const struct choice *then = at < 0 ? NULL : &old->items[at];
    struct finding f = place_of(c, find_choice(c, fresh->name, now->code), field);
    const struct choice *moved;

    if (then == NULL || is_same(then->label_ru, now->label_ru) || is_same(then->label_en, now->label_en) ||
        (then->label_ru == NULL && then->label_en == NULL))
        return;
    if ((moved = had_label(old, now)) != NULL) {
        report_add(
            c->r, &f,
            _("choice '%s' takes the label of choice '%s' in version %s: a code keeps its meaning for ever; give a "
              "new meaning a new code"),
            now->code, moved->code, c->old->version);
    } else if (is_near(then->label_ru, now->label_ru) || is_near(then->label_en, now->label_en)) {
        f.is_warning = true;
        report_add(c->r, &f,
                   _("choice '%s' is reworded: \"%s\" was \"%s\" in version %s; its meaning must be the same"),
                   now->code, shown_label(now), shown_label(then), c->old->version);
    } else {
        report_add(
            c->r, &f,
            _("choice '%s' was \"%s\" in version %s and is \"%s\" now: a code keeps its meaning for ever; give a new "
              "meaning a new code"),
            now->code, shown_label(then), c->old->version, shown_label(now));
    }
}

/* ---- fields ---- */

static const char *type_name(enum value_type t)
{
    switch (t) {
    case VALUE_INTEGER: return "integer";
    case VALUE_DECIMAL: return "decimal";
    case VALUE_TEXT: return "text";
    case VALUE_DATE: return "date";
    case VALUE_BOOLEAN: return "boolean";
    case VALUE_SELECT_ONE: return "select_one";
    case VALUE_SELECT_MULTIPLE: return "select_multiple";
    case VALUE_REPEAT: return "repeat";
    }
    return "?";
}

static const struct form_field *find_by_name(const struct form_field *fields, uint32_t count, const char *name)
{
    for (uint32_t i = 0; name != NULL && i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static bool compare_field(const struct change *c, const struct form_field *old, const struct form_field *now)
{
    const struct yaml_node *at = find_field(yaml_get(yaml_root(c->doc), "survey"), now->name);
    const struct yaml_node *type = at == NULL ? NULL : yaml_get(at, old->type != now->type ? "type" : "places");
    struct finding f = place_of(c, type != NULL ? type : at, now->name);
    size_t before = report_errors(c->r);

    if (old->type != now->type)
        report_add(c->r, &f, _("the type is %s now and was %s in version %s: give a new field a new name"),
                   type_name(now->type), type_name(old->type), c->old->version);
    else if (old->type == VALUE_DECIMAL && old->places != now->places)
        report_add(c->r, &f, _("%u decimal places now, %u in version %s: give a new field a new name"), now->places,
                   old->places, c->old->version);
    else if (old->choices != NULL && now->choices != NULL)
        for (uint32_t i = 0; i < now->choices->count; i++)
            compare_choice(c, now->name, old->choices, now->choices, i);
    return report_errors(c->r) > before;
}

/* False: something is wrong, and comparing with still older versions would only say it again. */
static bool compare_fields(const struct change *c, const struct form_field *old, uint32_t old_count,
                           const struct form_field *now, uint32_t now_count)
{
    bool good = true;

    for (uint32_t i = 0; i < now_count; i++) {
        const struct form_field *before = find_by_name(old, old_count, now[i].name);

        if (before == NULL)
            before = find_by_name(old, old_count, now[i].was);
        if (before == NULL)
            continue;
        if (compare_field(c, before, &now[i]) ||
            (now[i].type == VALUE_REPEAT &&
             !compare_fields(c, before->columns, before->column_count, now[i].columns, now[i].column_count)))
            good = false;
    }
    return good;
}

static void warn_of_gone(const struct change *c)
{
    for (uint32_t i = 0; i < c->old->field_count; i++) {
        const char *name = c->old->fields[i].name;
        struct finding f = place_of(c, yaml_get(yaml_root(c->doc), "survey"), name);
        bool is_there = find_by_name(c->fresh->fields, c->fresh->field_count, name) != NULL;

        for (uint32_t k = 0; k < c->fresh->field_count; k++)
            is_there = is_there || is_same(c->fresh->fields[k].was, name);
        f.is_warning = true;
        if (!is_there)
            report_add(c->r, &f,
                       _("this field of version %s is gone; if it only has another name now, say there was: %s"),
                       c->old->version, name);
    }
}

/* ---- versions ---- */

static bool compare_heads(const struct change *c)
{
    const struct yaml_node *root = yaml_root(c->doc);
    const struct form *old = c->old;
    struct finding version = place_of(c, yaml_get(root, "version"), "version");
    struct finding mode = place_of(c, yaml_get(root, "mode"), "mode");
    struct finding key = place_of(c, yaml_get(root, "key"), "key");
    struct finding about = place_of(c, yaml_get(root, "about"), "about");
    const char *key_name = c->fresh->key < 0 ? "" : c->fresh->fields[c->fresh->key].name;
    const char *key_was = c->fresh->key < 0 ? NULL : c->fresh->fields[c->fresh->key].was;

    if (strcmp(old->version, c->fresh->version) == 0)
        report_add(c->r, &version, _("version %s of form %s is loaded already with other content: raise the version"),
                   old->version, old->id);
    if (old->mode != c->fresh->mode) {
        report_add(c->r, &mode, _("version %s has another mode: a form keeps it; give a new form a new id"),
                   old->version);
        return false;
    }
    if (old->is_about_district != c->fresh->is_about_district) {
        report_add(c->r, &about,
                   _("version %s is about another kind of unit: a form keeps it; give a new form a new id"),
                   old->version);
        return false;
    }
    if (old->key >= 0 && !is_same(old->fields[old->key].name, key_name) &&
        !is_same(old->fields[old->key].name, key_was)) {
        report_add(c->r, &key, _("the key of version %s is '%s': a form keeps it; give a new form a new id"),
                   old->version, old->fields[old->key].name);
        return false;
    }
    return true;
}

enum err form_change_check(const struct form *fresh, const struct form *const *known, size_t count, const char *file,
                           struct report *r)
{
    struct change c = {.fresh = fresh, .file = file, .r = r, .before = report_errors(r)};
    const struct form *newest = NULL;
    bool good = true;
    enum err e;

    for (size_t i = 0; i < count; i++)
        if (memcmp(known[i]->digest, fresh->digest, FORM_DIGEST_BYTES) == 0)
            return OK;
    if ((e = yaml_parse(&c.doc, file, fresh->source.p, fresh->source.len, r)) != OK)
        return e;
    for (size_t i = 0; i < count && good; i++) {
        if (strcmp(known[i]->id, fresh->id) != 0)
            continue;
        c.old = newest = known[i];
        good = compare_heads(&c) &&
               compare_fields(&c, known[i]->fields, known[i]->field_count, fresh->fields, fresh->field_count);
    }
    if (newest != NULL && good)
        warn_of_gone(&c);
    yaml_free(c.doc);
    return report_errors(r) > c.before ? ERR_INVALID : OK;
}
