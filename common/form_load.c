#include "common/form_internal.h"

#include "common/cli.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MAX     64u
#define MODE_UNKNOWN (-1) /* not given, or none of the three */

struct top_raw {
    const char *id, *version, *role, *key, *retention;
    int mode, about, drafts;
    struct yaml_label title, purpose, basis;
    const struct yaml_node *period, *choices, *survey, *audience, *compare;
    int64_t retention_years;
};

static const char *const MODES[] = {"record", "rows", "answers", NULL};
static const char *const ABOUT[] = {"unit", "district", NULL};
static const char *const DRAFTS[] = {"keep", "period", NULL};

static const struct yaml_key TOP_KEYS[] = {
    {"form", YAML_WANT_NAME, true, offsetof(struct top_raw, id), 0, 0, NULL},
    {"version", YAML_WANT_TEXT, true, offsetof(struct top_raw, version), 0, 0, NULL},
    {"title", YAML_WANT_LABEL, true, offsetof(struct top_raw, title), 0, 0, NULL},
    {"mode", YAML_WANT_ENUM, true, offsetof(struct top_raw, mode), 0, 0, MODES},
    {"about", YAML_WANT_ENUM, false, offsetof(struct top_raw, about), 0, 0, ABOUT},
    {"role", YAML_WANT_NAME, false, offsetof(struct top_raw, role), 0, 0, NULL},
    {"period", YAML_WANT_NODE, true, offsetof(struct top_raw, period), 0, 0, NULL},
    {"key", YAML_WANT_NAME, false, offsetof(struct top_raw, key), 0, 0, NULL},
    {"retention", YAML_WANT_NAME, false, offsetof(struct top_raw, retention), 0, 0, NULL},
    {"retention_years", YAML_WANT_INTEGER, false, offsetof(struct top_raw, retention_years), 1, FORM_MAX_YEARS, NULL},
    {"drafts", YAML_WANT_ENUM, false, offsetof(struct top_raw, drafts), 0, 0, DRAFTS},
    {"audience", YAML_WANT_SEQUENCE, false, offsetof(struct top_raw, audience), 0, 0, NULL},
    {"purpose", YAML_WANT_LABEL, false, offsetof(struct top_raw, purpose), 0, 0, NULL},
    {"basis", YAML_WANT_LABEL, false, offsetof(struct top_raw, basis), 0, 0, NULL},
    {"choices", YAML_WANT_MAPPING, false, offsetof(struct top_raw, choices), 0, 0, NULL},
    {"compare", YAML_WANT_SEQUENCE, false, offsetof(struct top_raw, compare), 0, 0, NULL},
    {"survey", YAML_WANT_SEQUENCE, true, offsetof(struct top_raw, survey), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

struct choice_raw {
    const char *code;
    struct yaml_label label;
};

static const struct yaml_key CHOICE_KEYS[] = {
    {"code", YAML_WANT_TEXT, true, offsetof(struct choice_raw, code), 0, 0, NULL},
    {"label", YAML_WANT_LABEL, false, offsetof(struct choice_raw, label), 0, 0, NULL},
    {NULL, YAML_WANT_NODE, false, 0, 0, 0, NULL},
};

/* ---- small helpers ---- */

/* Both languages, each from the other when only one is given. */
void form_label(const char **ru, const char **en, const struct yaml_label *from, const char *fallback)
{
    *ru = from->ru != NULL ? from->ru : from->en;
    *en = from->en != NULL ? from->en : from->ru;
    if (*ru == NULL)
        *ru = *en = fallback;
}

/* A code is one word in a cell, on the command line and in an expression. */
static bool code_is_valid(const char *code)
{
    size_t len = strlen(code);

    if (len == 0 || len > CODE_MAX || code[0] == '?')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)code[i] <= ' ' || code[i] == 0x7F || strchr(",;'\"", code[i]) != NULL)
            return false;
    return true;
}

const struct yaml_node *form_value_node(const struct yaml_node *mapping, const char *key)
{
    const struct yaml_node *n = yaml_get(mapping, key);

    return n != NULL ? n : mapping;
}

/* Short texts that live in arrays of struct form. */
static void copy_short(struct loader *l, const struct yaml_node *root, const char *key, char *out, size_t size,
                       const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        COMPLAIN(l, form_value_node(root, key), key, _("too long: at most %zu bytes were expected"), size - 1);
    else
        memcpy(out, text, len + 1);
}

/* ---- choices ---- */

static void read_choice(struct loader *l, struct choice *into, const struct yaml_node *at, const char *list)
{
    struct choice_raw raw = {0};

    *into = (struct choice){"", NULL, NULL};
    if (!yaml_read(l->doc, at, CHOICE_KEYS, &raw, l->r)) {
        l->bad = true;
        return;
    }
    if (!code_is_valid(raw.code)) {
        COMPLAIN(l, form_value_node(at, "code"), list,
                 _("\"%.80s\" cannot be a code: one word of at most %u bytes was expected, without blanks, commas, "
                   "semicolons, quotes or a leading \"?\""),
                 raw.code, CODE_MAX);
        return;
    }
    into->code = raw.code;
    form_label(&into->label_ru, &into->label_en, &raw.label, NULL);
}

static void read_list(struct loader *l, uint32_t number, const struct yaml_pair *pair)
{
    const char *name = pair->key->text;
    const struct yaml_node *seq = pair->value;
    struct choice_list *list = &l->lists[number];
    struct choice *items;
    struct text_index seen;
    struct form_choice_index *index = NULL;

    list->name = name;
    if (seq->kind != YAML_SEQUENCE || seq->count == 0) {
        COMPLAIN(l, seq, name, _("a list of choices was expected, each {code: ..., label: ...}"));
        return;
    }
    if (seq->count > FORM_MAX_CHOICES) {
        COMPLAIN(l, seq, name, _("%u choices are too many: at most %u were expected"), seq->count, FORM_MAX_CHOICES);
        return;
    }
    items = pool_array(&l->impl->pool, seq->count, sizeof(*items));
    if (items == NULL || index_init(&seen, &l->impl->pool, seq->count) != OK) {
        l->e = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < seq->count; i++) {
        read_choice(l, &items[i], seq->items[i], name);
        if (items[i].code[0] != '\0' &&
            index_add(&seen, items[i].code, strlen(items[i].code), (int32_t)i) != (int32_t)i)
            COMPLAIN(l, seq->items[i], name, _("the code \"%s\" stands in this list twice"), items[i].code);
    }
    list->items = items;
    list->count = seq->count;
    if (!l->bad && choice_index_new(&index, &l->impl->pool, list) != OK)
        l->e = ERR_NOMEM;
    l->list_indexes[number] = index;
}

static void read_choices(struct loader *l, const struct yaml_node *choices)
{
    struct pool *p = &l->impl->pool;
    uint32_t count = choices == NULL ? 0 : choices->count;

    l->lists = pool_array(p, count, sizeof(*l->lists));
    l->list_indexes = pool_array(p, count, sizeof(struct form_choice_index *));
    if (l->lists == NULL || l->list_indexes == NULL || index_init(&l->list_names, p, count) != OK) {
        l->e = ERR_NOMEM;
        return;
    }
    l->list_count = count;
    for (uint32_t i = 0; i < count && l->e == OK; i++) {
        const struct yaml_node *key = choices->pairs[i].key;

        (void)index_add(&l->list_names, key->text, key->len, (int32_t)i);
        read_list(l, i, &choices->pairs[i]);
    }
}

/* ---- drafts to the form ---- */

/* Fields of the top level stand together, and so do the columns of each repeat. */
static void place_fields(struct loader *l)
{
    struct form_impl *m = l->impl;
    struct form_field *top = pool_array(&m->pool, l->top_count, sizeof(*top));
    struct form_field *columns = pool_array(&m->pool, l->field_count - l->top_count, sizeof(*columns));
    uint32_t tops = 0;

    m->nodes = pool_array(&m->pool, l->field_count, sizeof(*m->nodes));
    m->top = pool_array(&m->pool, l->top_count, sizeof(*m->top));
    if (top == NULL || columns == NULL || m->nodes == NULL || m->top == NULL ||
        index_init(&m->names, &m->pool, l->field_count) != OK) {
        l->e = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < l->field_count; i++) {
        struct field_draft *d = &l->fields[i];
        struct form_node *n = &m->nodes[i];

        d->field = d->repeat >= 0 ? columns++ : &top[tops];
        *d->field = d->f;
        *n = (struct form_node){.field = d->field, .repeat = -1, .index = tops, .condition = -1};
        if (d->repeat >= 0) {
            struct form_field *repeat = &top[tops - 1]; /* its columns follow it */

            n->repeat = (int32_t)(tops - 1);
            n->index = repeat->column_count++;
            if (repeat->columns == NULL)
                repeat->columns = d->field;
        } else {
            m->top[tops++] = i;
        }
        if (index_add(&m->names, d->f.name, strlen(d->f.name), (int32_t)i) != (int32_t)i)
            COMPLAIN(l, form_value_node(d->at, "name"), d->f.name, _("another field has this name, on line %u"),
                     m->nodes[index_find(&m->names, d->f.name, strlen(d->f.name))].field->line);
    }
    m->node_count = l->field_count;
    m->form.fields = top;
    m->form.field_count = l->top_count;
}

/* Defaults are parsed as if a person had typed them. */
static void read_default(struct loader *l, const struct field_draft *d)
{
    const struct yaml_node *n = d->default_value;
    struct value *v;
    struct buf keep;

    if (n == NULL)
        return;
    if (n->kind != YAML_SCALAR) {
        COMPLAIN(l, n, d->f.name, _("a single value was expected as the default"));
        return;
    }
    buf_init(&keep, 4 * (size_t)FORM_MAX_TEXT);
    v = pool_alloc(&l->impl->pool, sizeof(*v));
    if (v == NULL)
        l->e = ERR_NOMEM;
    else if (value_parse(v, d->field, n->text, n->len, &keep) != OK)
        COMPLAIN(l, n, d->f.name, _("the default does not fit the field: %s"), err_text());
    else if (v->state == VALUE_PRESENT) {
        if (d->f.type == VALUE_TEXT &&
            (v->as.text.p = (uint8_t *)pool_text(&l->impl->pool, v->as.text.p, v->as.text.len)) == NULL)
            l->e = ERR_NOMEM;
        d->field->default_value = v;
    }
    buf_fini(&keep);
}

/* The key tells the rows of a return apart: it must always be there, and never follow from other answers. */
static void set_key(struct loader *l, const struct yaml_node *root, const char *key)
{
    struct form *f = &l->impl->form;
    const struct yaml_node *at = form_value_node(root, "key");
    const struct field_draft *d;
    int32_t number;

    f->key = -1;
    if (key == NULL) {
        if (f->mode == FORM_ROWS)
            COMPLAIN(l, root, "key", _("\"key\" is missing: a form in rows needs the field that tells its rows apart"));
        return;
    }
    if (f->mode != FORM_ROWS) {
        COMPLAIN(l, at, "key", _("\"key\" has a meaning only with \"mode: rows\""));
        return;
    }
    number = index_find(&l->impl->names, key, strlen(key));
    if (number < 0 || l->fields[number].repeat >= 0) {
        COMPLAIN(l, at, "key", _("no field of the form is called \"%s\""), key);
        return;
    }
    d = &l->fields[number];
    if (d->f.type != VALUE_TEXT && d->f.type != VALUE_INTEGER && d->f.type != VALUE_SELECT_ONE)
        COMPLAIN(l, at, "key", _("the key \"%s\" must be a text, integer or select_one field"), key);
    if (d->relevant != NULL || d->group >= 0 || d->calculation != NULL || d->f.allows_unknown ||
        d->f.allows_inapplicable || (!d->f.is_required && yaml_get(d->at, "required") != NULL))
        COMPLAIN(l, at, "key",
                 _("the key \"%s\" must always be answered: no group, relevant, calculation, allow or \"required\" "
                   "other than true was expected"),
                 key);
    d->field->is_required = true;
    f->key = (int32_t)l->impl->nodes[number].index;
}

/* One series, or a list of them. */
static void set_series(struct loader *l, const struct yaml_node *period)
{
    struct form *f = &l->impl->form;
    const struct yaml_node *const *items = period->kind == YAML_SEQUENCE ? period->items : &period;
    uint32_t count = period->kind == YAML_SEQUENCE ? period->count : 1;
    const char **names;

    if (count == 0 || count > FORM_MAX_SERIES) {
        COMPLAIN(l, period, "period", _("a list of 1 to %u series of periods was expected"), FORM_MAX_SERIES);
        return;
    }
    if ((names = pool_array(&l->impl->pool, count, sizeof(*names))) == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!yaml_is_name(items[i])) {
            COMPLAIN(l, items[i], "period", "%s", _("the name of a series of periods was expected, or a list of them"));
            return;
        }
        names[i] = items[i]->text;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(names[k], names[i]) == 0)
                COMPLAIN(l, items[i], "period", _("the series \"%s\" stands in this list twice"), names[i]);
    }
    f->series = names[0];
    f->all_series = names;
    f->series_count = count;
}

/* Words in the order of enum form_audience. */
static const char *const AUDIENCE[] = {"office", "centre", "school", "region", "public"};
#define AUDIENCES (sizeof(AUDIENCE) / sizeof(AUDIENCE[0]))

static void set_audience(struct loader *l, const struct yaml_node *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *n = list->items[i];
        uint32_t bit = 0;

        while (bit < AUDIENCES && (n->kind != YAML_SCALAR || strcmp(n->text, AUDIENCE[bit]) != 0))
            bit++;
        if (bit == AUDIENCES)
            COMPLAIN(l, n, "audience", "%s", _("office, centre, school, region or public was expected"));
        else if ((l->impl->form.audience & 1u << bit) != 0)
            COMPLAIN(l, n, "audience", _("\"%s\" stands in this list twice"), n->text);
        else
            l->impl->form.audience |= 1u << bit;
    }
    if (list->count == 0) /* nobody would be a form that no one may work with */
        COMPLAIN(l, list, "audience", "%s", _("at least one was expected: office, centre, school, region or public"));
}

static void set_head(struct loader *l, const struct yaml_node *root, const struct top_raw *raw)
{
    struct form *f = &l->impl->form;

    copy_short(l, root, "form", f->id, sizeof(f->id), raw->id);
    copy_short(l, root, "version", f->version, sizeof(f->version), raw->version);
    copy_short(l, root, "role", f->role, sizeof(f->role), raw->role);
    if (raw->version[0] == '\0' || strspn(raw->version, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                        "0123456789._-") != strlen(raw->version))
        COMPLAIN(
            l, form_value_node(root, "version"), "version",
            _("a version of Latin letters, digits, \".\", \"_\" and \"-\" was expected, for example 1 or 2024-09"));
    f->mode = raw->mode == MODE_UNKNOWN ? FORM_RECORD : (enum form_mode)raw->mode;
    f->is_about_district = strcmp(ABOUT[raw->about], "district") == 0;
    set_series(l, raw->period);
    f->retention = raw->retention;
    f->retention_years = (uint32_t)raw->retention_years;
    f->drafts_end = strcmp(DRAFTS[raw->drafts], "period") == 0;
    if (raw->audience != NULL)
        set_audience(l, raw->audience);
    form_label(&f->title_ru, &f->title_en, &raw->title, raw->id);
    form_label(&f->purpose_ru, &f->purpose_en, &raw->purpose, NULL);
    form_label(&f->basis_ru, &f->basis_en, &raw->basis, NULL);
}

static void read_form(struct loader *l, const struct yaml_node *root)
{
    struct top_raw raw = {.role = "school", .retention = "default", .mode = MODE_UNKNOWN};

    if (!yaml_read(l->doc, root, TOP_KEYS, &raw, l->r))
        l->bad = true;
    if (root->kind != YAML_MAPPING)
        return;
    if (raw.id != NULL && raw.version != NULL && raw.period != NULL)
        set_head(l, root, &raw);
    read_choices(l, raw.choices);
    if (l->e != OK || raw.survey == NULL)
        return;
    form_read_survey(l, raw.survey, -1, -1);
    if (l->e != OK)
        return;
    if (l->field_count > FORM_MAX_FIELDS) {
        COMPLAIN(l, raw.survey, "survey", _("too many fields: at most %u were expected, repeats' fields included"),
                 FORM_MAX_FIELDS);
        return;
    }
    if (l->top_count == 0) {
        if (!l->bad) /* else it is only what comes of another mistake */
            COMPLAIN(l, raw.survey, "survey", _("a form needs at least one field"));
        return;
    }
    place_fields(l);
    if (l->e == OK)
        form_read_compares(l, raw.compare);
    for (uint32_t i = 0; i < l->field_count && l->e == OK; i++)
        read_default(l, &l->fields[i]);
    if (l->e != OK)
        return;
    if (raw.mode != MODE_UNKNOWN) /* else nobody can say what the key should be */
        set_key(l, root, raw.key);
    form_compile(l);
}

/* ---- the form as a whole ---- */

static enum err keep_source(struct form_impl *m, const void *bytes, size_t len)
{
    char *copy = pool_text(&m->pool, bytes, len);

    if (copy == NULL)
        return ERR_NOMEM;
    m->form.source = (struct bytes){(const uint8_t *)copy, len};
    if (crypto_generichash(m->form.digest, FORM_DIGEST_BYTES, bytes, len, NULL, 0) != 0)
        return err_set(ERR_INTERNAL, "the form's digest could not be computed");
    return OK;
}

enum err form_load(struct form **out, const char *file, const void *bytes, size_t len, struct report *r)
{
    struct form_impl *m;
    struct loader l = {.r = r};
    enum err e;

    if (file == NULL)
        file = "form";
    if (len > FORM_MAX_BYTES) {
        report_add(r, &(struct finding){.file = file}, _("the form has %zu bytes: at most %u were expected"), len,
                   FORM_MAX_BYTES);
        return err_set(ERR_LIMIT, _("%s: the form has %zu bytes: at most %u were expected"), file, len, FORM_MAX_BYTES);
    }
    if ((m = calloc(1, sizeof(*m))) == NULL)
        return ERR_NOMEM;
    if ((e = keep_source(m, bytes, len)) != OK || (e = yaml_parse(&m->doc, file, bytes, len, r)) != OK)
        goto free_form;
    l.impl = m;
    l.doc = m->doc;
    read_form(&l, yaml_root(m->doc));
    if ((e = l.e) != OK)
        goto free_form;
    if (l.bad) {
        e = r == NULL ? ERR_INVALID
                      : err_set(ERR_INVALID,
                                ngettext("%s: the form has %zu mistake", "%s: the form has %zu mistakes",
                                         (unsigned long)report_errors(r)),
                                file, report_errors(r));
        goto free_form;
    }
    *out = &m->form;
    return OK;
free_form:
    form_free(&m->form);
    return e;
}

void form_free(struct form *f)
{
    struct form_impl *m = (struct form_impl *)(void *)f;

    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->expr_count; i++)
        expr_free(m->exprs[i]);
    yaml_free(m->doc);
    pool_free(&m->pool);
    free(m);
}

int32_t form_same_field(const struct form_field *of, const struct form_field *in, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(in[i].name, of->name) == 0)
            return in[i].type == of->type ? (int32_t)i : -1;
    return -1;
}

int32_t form_find_field(const struct form *f, const char *name, size_t len)
{
    const struct form_impl *m = form_impl_of(f);
    int32_t number = index_find(&m->names, name, len);

    return number < 0 || m->nodes[number].repeat >= 0 ? -1 : (int32_t)m->nodes[number].index;
}
