/* programme_kinds.c: the keys of each kind, and which function makes it.  A new kind is one row here. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <string.h>

const char *const indicator_kind_names[] = {"count",   "sum",       "mean",     "share", "ratio", "survey",
                                            "units",   "change",    "formula",  "index", "class", "gap",
                                            "history", "execution", "progress", NULL};

static const char *const against_names[] = {"previous", "last_year", "last_known", "base", NULL};
static const char *const missing_names[] = {"none", "reweight", NULL};

#define KEY(member) offsetof(struct indicator_keys, k.member)
const struct yaml_key kind_table[] = {{"form", YAML_WANT_NAME, false, KEY(form), 0, 0, NULL},
                                      {"rows", YAML_WANT_NAME, false, KEY(rows), 0, 0, NULL},
                                      {"where", YAML_WANT_NODE, false, KEY(where), 0, 0, NULL},
                                      {"value", YAML_WANT_NODE, false, KEY(value), 0, 0, NULL},
                                      {"condition", YAML_WANT_NODE, false, KEY(condition), 0, 0, NULL},
                                      {"breakdown", YAML_WANT_NODE, false, KEY(breakdown), 0, 0, NULL},
                                      {"places", YAML_WANT_INTEGER, false, KEY(places), 0, PLACES_MAX, NULL},
                                      {"numerator", YAML_WANT_NODE, false, KEY(numerator), 0, 0, NULL},
                                      {"denominator", YAML_WANT_NODE, false, KEY(denominator), 0, 0, NULL},
                                      {"times", YAML_WANT_NODE, false, KEY(times), 0, 0, NULL},
                                      {"items", YAML_WANT_NODE, false, KEY(items), 0, 0, NULL},
                                      {"scale", YAML_WANT_NODE, false, KEY(scale), 0, 0, NULL},
                                      {"positive", YAML_WANT_NODE, false, KEY(positive), 0, 0, NULL},
                                      {"reversed", YAML_WANT_NODE, false, KEY(reversed), 0, 0, NULL},
                                      {"together", YAML_WANT_BOOLEAN, false, KEY(together), 0, 0, NULL},
                                      {"as", YAML_WANT_NODE, false, KEY(as), 0, 0, NULL},
                                      {"among", YAML_WANT_NODE, false, KEY(among), 0, 0, NULL},
                                      {"of", YAML_WANT_NODE, false, KEY(of), 0, 0, NULL},
                                      {"against", YAML_WANT_ENUM, false, KEY(against), 0, 0, against_names},
                                      {"components", YAML_WANT_SEQUENCE, false, KEY(components), 0, 0, NULL},
                                      {"missing", YAML_WANT_ENUM, false, KEY(missing), 0, 0, missing_names},
                                      {"classes", YAML_WANT_SEQUENCE, false, KEY(classes), 0, 0, NULL},
                                      {"group", YAML_WANT_NODE, false, KEY(group), 0, 0, NULL},
                                      {"last", YAML_WANT_INTEGER, false, KEY(last), 1, HISTORY_MAX, NULL},
                                      {"at_least", YAML_WANT_INTEGER, false, KEY(at_least), 1, HISTORY_MAX, NULL},
                                      {"at_most", YAML_WANT_INTEGER, false, KEY(at_most), 1, HISTORY_MAX, NULL},
                                      {"observed", YAML_WANT_INTEGER, false, KEY(observed), 1, HISTORY_MAX, NULL},
                                      {"done", YAML_WANT_NAME, false, KEY(done), 0, 0, NULL},
                                      {"excluded", YAML_WANT_NAME, false, KEY(excluded), 0, 0, NULL},
                                      {"plan", YAML_WANT_NAME, false, KEY(plan), 0, 0, NULL}};
#undef KEY
const size_t kind_table_count = sizeof(kind_table) / sizeof(kind_table[0]);

/* Texts of keys, apart by blanks, with `!` before those that are needed. */
static const struct rule {
    enum indicator_kind kind;
    bool of_form; /* the kind over one form, and not that over variables */
    const char *keys;
    void (*make)(struct loader *l, struct draft *d);
} rules[] = {
    {KIND_COUNT, true, "!form rows where breakdown places", make_of_form},
    {KIND_SUM, true, "!form rows where !value breakdown places", make_of_form},
    {KIND_MEAN, true, "!form rows where !value breakdown places", make_of_form},
    {KIND_SHARE, true, "!form rows where !condition breakdown places", make_of_form},
    {KIND_SUM, false, "!value breakdown", make_linear},
    {KIND_SHARE, false, "!numerator !denominator breakdown", make_linear},
    {KIND_RATIO, false, "!numerator !denominator times breakdown", make_linear},
    {KIND_SURVEY, true, "!form !items scale positive reversed where together as", make_survey},
    {KIND_UNITS, false, "!condition among as", make_units},
    {KIND_CHANGE, false, "!of !against as", make_change},
    {KIND_FORMULA, false, "!value as", make_formula},
    {KIND_INDEX, false, "!components missing", make_index},
    {KIND_CLASS, false, "!classes", make_class},
    {KIND_GAP, false, "!of group as", make_gap},
    {KIND_HISTORY, false, "condition of !last at_least at_most observed as", make_history},
    {KIND_EXECUTION, false, "!done excluded as", make_execution},
    {KIND_PROGRESS, false, "!plan of", make_progress},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

bool kind_is_key(const char *key)
{
    for (size_t i = 0; i < kind_table_count; i++)
        if (strcmp(kind_table[i].name, key) == 0)
            return true;
    return false;
}

/* Does the rule's list have this key?  `*needed`: with a `!`. */
static bool rule_has(const struct rule *rule, const char *key, bool *needed)
{
    size_t len = strlen(key);

    for (const char *p = rule->keys; *p != '\0'; p += strspn(p, " ")) {
        size_t word = strcspn(p, " ");
        bool bang = *p == '!';

        if (word == len + (bang ? 1 : 0) && strncmp(p + (bang ? 1 : 0), key, len) == 0) {
            *needed = bang;
            return true;
        }
        p += word;
    }
    *needed = false;
    return false;
}

/* Where a kind has both, `form` decides. */
static const struct rule *rule_of(const struct draft *d)
{
    bool of_form = d->keys.k.form != NULL;
    const struct rule *found = NULL;

    for (size_t i = 0; i < RULES; i++)
        if (rules[i].kind == (enum indicator_kind)d->keys.kind && (found == NULL || rules[i].of_form == of_form))
            found = &rules[i];
    return found;
}

static void list_keys(const struct rule *rule, char *out, size_t size)
{
    size_t at = 0;

    for (const char *p = rule->keys; *p != '\0' && at + 1 < size; p++)
        if (*p != '!')
            out[at++] = *p;
    out[at] = '\0';
}

static bool check_keys(struct loader *l, const struct draft *d, const struct rule *rule)
{
    const struct yaml_node *at = d->keys.k.at;
    const char *kind = indicator_kind_names[d->keys.kind];
    char has[128];
    bool good = true;
    bool needed;

    list_keys(rule, has, sizeof(has));
    for (uint32_t i = 0; i < at->count; i++) {
        const struct yaml_node *key = at->pairs[i].key;

        if (!kind_is_key(key->text) || rule_has(rule, key->text, &needed))
            continue;
        loader_complain(l, &l->programme, key, key->text, _("kind '%s' has no such key; it has: %s"), kind, has);
        good = false;
    }
    for (size_t i = 0; i < kind_table_count; i++) {
        const char *key = kind_table[i].name;

        if (!rule_has(rule, key, &needed) || !needed || yaml_get(at, key) != NULL)
            continue;
        loader_complain(l, &l->programme, d->at, key, _("kind '%s' needs this key"), kind);
        good = false;
    }
    return good;
}

/* What a kind says about the level itself. */
static bool set_level(struct loader *l, struct draft *d)
{
    struct indicator *i = d->i;
    bool is_rollup_good = d->keys.rollup <= 1;

    if (i->kind != KIND_GAP)
        return true;
    i->levels = LEVELS_MUNICIPALITY;
    i->rollup = d->keys.rollup < 0 ? ROLLUP_MEAN : i->rollup;
    if (d->keys.level == (int)LEVELS_UNIT)
        loader_complain(l, &l->programme, draft_key(d, "level"), "level", "%s",
                        _("a gap is a value of the district alone"));
    if (!is_rollup_good)
        loader_complain(l, &l->programme, draft_key(d, "rollup"), "rollup", "%s",
                        _("a gap is between values that are pooled, or between their mean"));
    return d->keys.level != (int)LEVELS_UNIT && is_rollup_good;
}

bool kind_check(struct loader *l, struct draft *d)
{
    const struct rule *rule;
    bool good;

    if (d->keys.kind < 0) {
        if (yaml_get(d->at, "kind") == NULL) /* else what is wrong with it was told */
            loader_complain(l, &l->programme, d->at, "kind", "%s", _("this key is required and missing"));
        return false;
    }
    rule = rule_of(d);
    good = check_keys(l, d, rule);
    return set_level(l, d) && good;
}

void kind_make(struct loader *l, struct draft *d)
{
    rule_of(d)->make(l, d);
}

int make_as(struct loader *l, const struct draft *d, const char *const *names, int otherwise)
{
    const struct yaml_node *n = d->keys.k.as;
    char all[128];
    size_t at = 0;

    if (n == NULL)
        return otherwise;
    for (int i = 0; names[i] != NULL; i++)
        if (n->kind == YAML_SCALAR && strcmp(n->text, names[i]) == 0)
            return i;
    for (int i = 0; names[i] != NULL && at < sizeof(all); i++)
        at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", i > 0 ? ", " : "", names[i]);
    loader_complain(l, &l->programme, n, "as", _("expected one of: %s"), all);
    return -1;
}
