#include "hub/indicators_internal.h"

#include "common/cli.h"
#include "common/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMME_FILE       "programme.yaml"
#define PERIODS_FILE         "periods.yaml"
#define INDICATORS_MAX       2000u
#define INDICATOR_MAX_PLACES 6

static const struct pack_file *pack_find(const struct pack *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->files[i].name, name) == 0)
            return &p->files[i];
    return NULL;
}

bool pack_programme_id(const struct pack *p, char out[FORM_NAME_MAX + 1])
{
    const struct pack_file *f = pack_find(p, PROGRAMME_FILE);
    const struct yaml_node *id;
    struct yaml_doc *d = NULL;
    bool is_there;

    out[0] = '\0';
    if (f == NULL || yaml_parse(&d, f->name, f->bytes, f->len, NULL) != OK)
        return false;
    id = yaml_get(yaml_root(d), "programme");
    is_there = id != NULL && id->kind == YAML_SCALAR && id->len > 0 && id->len <= FORM_NAME_MAX;
    if (is_there)
        (void)snprintf(out, FORM_NAME_MAX + 1, "%s", id->text);
    yaml_free(d);
    return is_there;
}

/* ---- loading ---- */

struct loader {
    struct programme *prog;
    const struct pack *pack;
    struct report *r;
    struct yaml_doc *doc;            /* programme.yaml; NULL: it does not parse */
    const struct pack_file **origin; /* of each form of the programme */
    bool has_broken_form;            /* one that did not load: what it is called is not known */
};

struct top_keys {
    const char *programme, *version;
    struct yaml_label title;
    const struct yaml_node *indicators;
};
static const struct yaml_key top_table[] = {
    {"programme", YAML_WANT_NAME, true, offsetof(struct top_keys, programme), 0, 0, NULL},
    {"version", YAML_WANT_TEXT, true, offsetof(struct top_keys, version), 0, 0, NULL},
    {"title", YAML_WANT_LABEL, true, offsetof(struct top_keys, title), 0, 0, NULL},
    {"indicators", YAML_WANT_SEQUENCE, true, offsetof(struct top_keys, indicators), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

struct indicator_keys {
    const char *id, *form;
    struct yaml_label name, unit;
    int kind;
    const struct yaml_node *where, *condition, *value, *breakdown;
    int64_t places, shown;
};
#define KEY(member) offsetof(struct indicator_keys, member)
static const struct yaml_key indicator_table[] = {
    {"id", YAML_WANT_NAME, true, KEY(id), 0, 0, NULL},
    {"name", YAML_WANT_LABEL, true, KEY(name), 0, 0, NULL},
    {"unit", YAML_WANT_LABEL, false, KEY(unit), 0, 0, NULL},
    {"form", YAML_WANT_NAME, true, KEY(form), 0, 0, NULL},
    {"kind", YAML_WANT_ENUM, true, KEY(kind), 0, 0, indicator_kind_names},
    {"where", YAML_WANT_NODE, false, KEY(where), 0, 0, NULL},
    {"condition", YAML_WANT_NODE, false, KEY(condition), 0, 0, NULL},
    {"value", YAML_WANT_NODE, false, KEY(value), 0, 0, NULL},
    {"breakdown", YAML_WANT_NODE, false, KEY(breakdown), 0, 0, NULL},
    {"places", YAML_WANT_INTEGER, false, KEY(places), 0, INDICATOR_MAX_PLACES, NULL},
    {"shown", YAML_WANT_INTEGER, false, KEY(shown), 0, INDICATOR_MAX_PLACES, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

static const struct form *find_form(const struct programme *p, const char *id)
{
    for (size_t i = 0; i < p->form_count; i++)
        if (p->forms[i] != NULL && strcmp(p->forms[i]->id, id) == 0)
            return p->forms[i];
    return NULL;
}

/* A scalar, or a complaint.  NULL node: NULL text. */
static bool scalar_text(struct loader *l, const struct yaml_node *n, const char *key, const char **out)
{
    *out = NULL;
    if (n == NULL)
        return true;
    if (n->kind != YAML_SCALAR || n->len == 0) {
        yaml_complain(l->doc, n, key, l->r, "%s", _("a text is expected"));
        return false;
    }
    *out = n->text;
    return true;
}

static bool check_clauses(struct loader *l, const struct yaml_node *at, const struct indicator_keys *k,
                          const struct indicator_kind *kind)
{
    bool good = true;

    if (kind->needs_condition != (k->condition != NULL)) {
        yaml_complain(l->doc, k->condition != NULL ? k->condition : at, "condition", l->r,
                      kind->needs_condition ? _("kind '%s' needs a condition") : _("kind '%s' has no condition"),
                      kind->name);
        good = false;
    }
    if (kind->needs_value != (k->value != NULL)) {
        yaml_complain(l->doc, k->value != NULL ? k->value : at, "value", l->r,
                      kind->needs_value ? _("kind '%s' needs a value") : _("kind '%s' has no value"), kind->name);
        good = false;
    }
    return good;
}

struct complaint {
    struct loader *l;
    const struct indicator_keys *keys;
};

/* The column, in code points, where the text of a scalar begins in its line; 0: it does not stand there as it is (with
 * escapes, or folded over lines). */
static uint32_t text_column(const struct pack_file *f, const struct yaml_node *n)
{
    const uint8_t *p = f->bytes;
    const uint8_t *end = p + f->len;

    for (uint32_t line = 1; line < n->line && p != NULL; line++) {
        p = memchr(p, '\n', (size_t)(end - p));
        p = p == NULL ? NULL : p + 1;
    }
    if (p == NULL)
        return 0;
    if (n->line == 1 && end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    for (uint32_t column = 1; column < n->column && p < end; column++)
        for (p++; p < end && (*p & 0xC0u) == 0x80u; p++)
            ;
    for (uint32_t quotes = 0; quotes < 2; quotes++)
        if ((size_t)(end - p) > quotes && n->len <= (size_t)(end - p) - quotes &&
            memcmp(p + quotes, n->text, n->len) == 0)
            return n->column + quotes;
    return 0;
}

static void complain_code(void *ctx, const char *key, const struct expr_error *error)
{
    struct complaint *c = ctx;
    const struct indicator_keys *k = c->keys;
    const struct yaml_node *at = strcmp(key, "where") == 0       ? k->where
                                 : strcmp(key, "condition") == 0 ? k->condition
                                 : strcmp(key, "value") == 0     ? k->value
                                                                 : k->breakdown;
    struct finding f = {.file = yaml_file(c->l->doc), .line = at->line, .column = at->column, .field = k->id};
    uint32_t column = text_column(pack_find(c->l->pack, PROGRAMME_FILE), at);

    if (column > 0 && error->column > 0) {
        f.column = column + error->column - 1;
        report_add(c->l->r, &f, "%s: %s", key, error->text);
    } else {
        report_add(c->l->r, &f, _("%s, character %u of the expression: %s"), key, error->column, error->text);
    }
}

/* The clauses as an operator reads them in `explain`, in one language; also what the digest is over. */
static char *definition_text(const struct indicator *i, bool russian)
{
    struct buf b;
    char *text;

    buf_init(&b, 64 << 10);
    buf_printf(&b, "%s %s, %s %s", russian ? "вид" : "kind", i->kind->name, russian ? "форма" : "form", i->form);
    if (i->where != NULL)
        buf_printf(&b, "; %s: %s", russian ? "среди" : "where", i->where);
    if (i->condition != NULL)
        buf_printf(&b, "; %s: %s", russian ? "условие" : "condition", i->condition);
    if (i->value != NULL)
        buf_printf(&b, "; %s: %s", russian ? "значение" : "value", i->value);
    if (i->breakdown != NULL)
        buf_printf(&b, "; %s: %s", russian ? "в разрезе" : "breakdown", i->breakdown);
    if (i->places > 0)
        buf_printf(&b, "; %s: %u", russian ? "знаков" : "places", i->places);
    text = b.failed ? NULL : strdup(buf_cstr(&b));
    buf_fini(&b);
    return text;
}

/* Same programme, id and clauses: same cells.  Names and units of measure may be reworded freely. */
static void set_digest(struct indicator *i, const char *programme)
{
    struct buf b;
    uint8_t whole[DIGEST_BYTES];

    buf_init(&b, 64 << 10);
    mp_put_cstr(&b, programme);
    mp_put_cstr(&b, i->id);
    mp_put_cstr(&b, i->definition_en);
    digest_domain(whole, "svodka indicator v1", bytes_of(b.data, b.len));
    memcpy(i->digest, whole, sizeof(i->digest));
    buf_fini(&b);
}

static void indicator_free(struct indicator *i)
{
    if (i == NULL)
        return;
    free(i->definition_ru);
    free(i->definition_en);
    free(i);
}

static enum err fill_indicator(struct loader *l, struct indicator *i, const struct yaml_node *at,
                               const struct indicator_keys *k)
{
    struct complaint c = {l, k};
    struct indicator_code code;
    const struct form *f = find_form(l->prog, k->form);
    const struct form_versions versions = {f, NULL, 0};
    bool good = check_clauses(l, at, k, i->kind);
    enum err e;

    good = scalar_text(l, k->where, "where", &i->where) && good;
    good = scalar_text(l, k->condition, "condition", &i->condition) && good;
    good = scalar_text(l, k->value, "value", &i->value) && good;
    good = scalar_text(l, k->breakdown, "breakdown", &i->breakdown) && good;
    if (f == NULL && !l->has_broken_form) /* else it is probably that one, whose own mistakes are told */
        yaml_complain(l->doc, yaml_get(at, "form"), "form", l->r, _("the pack has no form '%s' in forms/"), k->form);
    if (f == NULL || !good)
        return OK; /* the report holds it */
    e = indicator_compile(&code, i, &versions, complain_code, &c);
    if (e == OK)
        indicator_code_fini(&code);
    else if (e != ERR_INVALID)
        return e;
    i->definition_ru = definition_text(i, true);
    i->definition_en = definition_text(i, false);
    if (i->definition_ru == NULL || i->definition_en == NULL)
        return ERR_NOMEM;
    set_digest(i, l->prog->id);
    return OK;
}

static enum err read_indicator(struct loader *l, const struct yaml_node *at)
{
    struct indicator_keys k = {.shown = 1};
    struct indicator *i;
    enum err e;

    if (at->kind != YAML_MAPPING) {
        yaml_complain(l->doc, at, "indicators", l->r, "%s", _("an indicator is a mapping: id, name, form, kind ..."));
        return OK;
    }
    if (!yaml_read(l->doc, at, indicator_table, &k, l->r))
        return OK;
    for (size_t n = 0; n < l->prog->indicator_count; n++)
        if (l->prog->indicators[n] != NULL && strcmp(l->prog->indicators[n]->id, k.id) == 0) {
            yaml_complain(l->doc, yaml_get(at, "id"), "id", l->r, _("indicator '%s' stands here twice"), k.id);
            return OK;
        }
    if ((i = calloc(1, sizeof(*i))) == NULL)
        return ERR_NOMEM;
    (void)snprintf(i->id, sizeof(i->id), "%s", k.id);
    i->kind = indicator_kind_at((size_t)k.kind);
    i->name_ru = k.name.ru != NULL ? k.name.ru : k.name.en;
    i->name_en = k.name.en != NULL ? k.name.en : k.name.ru;
    i->unit_ru = k.unit.ru != NULL ? k.unit.ru : k.unit.en;
    i->unit_en = k.unit.en != NULL ? k.unit.en : k.unit.ru;
    i->form = k.form;
    i->places = (unsigned)k.places;
    i->shown = (unsigned)k.shown;
    l->prog->indicators[l->prog->indicator_count++] = i;
    e = fill_indicator(l, i, at, &k);
    return e;
}

/* ---- the other files ---- */

/* A mistake at a key of a file's top mapping (when a list stands there: at its item `item`), or at the file's
 * beginning. */
static void complain_at_key(struct loader *l, const struct pack_file *file, const char *key, uint32_t item,
                            const char *text)
{
    struct finding f = {.file = file->name, .line = 1, .column = 1, .field = key};
    struct yaml_doc *d = NULL;
    const struct yaml_node *at = NULL;

    if (yaml_parse(&d, file->name, file->bytes, file->len, NULL) == OK)
        at = yaml_get(yaml_root(d), key);
    if (at != NULL && at->kind == YAML_SEQUENCE && item < at->count)
        at = at->items[item];
    if (at != NULL) {
        f.line = at->line;
        f.column = at->column;
        f.value = at->kind == YAML_SCALAR ? at->text : NULL;
    }
    report_add(l->r, &f, "%s", text);
    yaml_free(d);
}

static enum err read_form(struct loader *l, const struct pack_file *f)
{
    struct form *form = NULL;
    enum err e = form_load(&form, f->name, f->bytes, f->len, l->r);

    l->has_broken_form = l->has_broken_form || e != OK;
    if (e != OK)
        return e == ERR_NOMEM ? e : OK; /* the report holds it */
    if (find_form(l->prog, form->id) != NULL) {
        complain_at_key(l, f, "form", 0, _("this form stands in another file of the pack already"));
        form_free(form);
        return OK;
    }
    l->origin[l->prog->form_count] = f;
    l->prog->forms[l->prog->form_count++] = form;
    return OK;
}

/* Maps are read at the school; here only what would make them useless. */
static enum err read_map(struct loader *l, const struct pack_file *f)
{
    struct finding at = {.file = f->name, .line = 1, .column = 1};
    struct yaml_doc *d = NULL;
    enum err e;

    if (f->len == 0) {
        report_add(l->r, &at, "%s", _("the file is empty"));
        return OK;
    }
    if (strlen(f->name) > strlen("maps/.yaml") + FORM_NAME_MAX) {
        report_add(l->r, &at, _("a file name of at most %u bytes before .yaml is expected"), FORM_NAME_MAX);
        return OK;
    }
    e = yaml_parse(&d, f->name, f->bytes, f->len, l->r);
    yaml_free(d);
    if (e != OK)
        return e == ERR_NOMEM ? e : OK;
    l->prog->maps[l->prog->map_count] = strdup(f->name);
    return l->prog->maps[l->prog->map_count] != NULL && ++l->prog->map_count > 0 ? OK : ERR_NOMEM;
}

static enum err read_files(struct loader *l)
{
    size_t forms = 0;
    enum err e = OK;

    l->prog->forms = calloc(l->pack->count + 1, sizeof(struct form *));
    l->prog->maps = calloc(l->pack->count + 1, sizeof(char *));
    l->origin = calloc(l->pack->count + 1, sizeof(struct pack_file *));
    if (l->prog->forms == NULL || l->prog->maps == NULL || l->origin == NULL)
        return ERR_NOMEM;
    for (size_t n = 0; n < l->pack->count && e == OK; n++) {
        const struct pack_file *f = &l->pack->files[n];

        if (strncmp(f->name, "maps/", 5) == 0) {
            e = read_map(l, f);
        } else if (strncmp(f->name, "forms/", 6) == 0) {
            forms++;
            e = read_form(l, f);
        }
    }
    if (e == OK && forms == 0) {
        struct finding none = {.file = "forms/"};

        report_add(l->r, &none, "%s", _("the pack has no form: at least one forms/*.yaml is expected"));
    }
    return e;
}

struct periods_keys {
    const struct yaml_node *periods;
};
static const struct yaml_key periods_table[] = {
    {"periods", YAML_WANT_SEQUENCE, true, offsetof(struct periods_keys, periods), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

enum err programme_periods(const struct pack *p, struct calendar *calendar, struct report *r)
{
    const struct pack_file *f = pack_find(p, PERIODS_FILE);
    struct periods_keys k = {NULL};
    struct yaml_doc *d = NULL;
    enum err e;

    if (f == NULL)
        return OK;
    if ((e = yaml_parse(&d, f->name, f->bytes, f->len, r)) == OK &&
        (!yaml_read(d, yaml_root(d), periods_table, &k, r) || !calendar_read(calendar, d, k.periods, r)))
        e = ERR_INVALID;
    yaml_free(d);
    return e;
}

static void check_series(struct loader *l, const struct calendar *calendar)
{
    for (size_t i = 0; i < l->prog->form_count; i++) {
        const struct form *f = l->prog->forms[i];

        for (uint32_t k = 0; f != NULL && k < f->series_count; k++)
            if (!calendar_has_series(calendar, f->all_series[k]))
                complain_at_key(l, l->origin[i], "period", k,
                                _("no such series of periods: neither predefined nor in periods.yaml"));
    }
}

/* ---- programme.yaml ---- */

static void read_top(struct loader *l, struct top_keys *k)
{
    struct programme *p = l->prog;

    (void)yaml_read(l->doc, yaml_root(l->doc), top_table, k, l->r); /* its mistakes are in the report */
    if (k->programme != NULL)
        (void)snprintf(p->id, sizeof(p->id), "%s", k->programme);
    if (k->version != NULL && (k->version[0] == '\0' || strlen(k->version) >= sizeof(p->version)))
        yaml_complain(l->doc, yaml_get(yaml_root(l->doc), "version"), "version", l->r,
                      _("a version of 1 to %zu bytes is expected"), sizeof(p->version) - 1);
    else if (k->version != NULL)
        (void)snprintf(p->version, sizeof(p->version), "%s", k->version);
    p->title_ru = k->title.ru != NULL ? k->title.ru : k->title.en;
    p->title_en = k->title.en != NULL ? k->title.en : k->title.ru;
}

static enum err read_indicators(struct loader *l, const struct yaml_node *list)
{
    enum err e = OK;

    if (list->count > INDICATORS_MAX) {
        yaml_complain(l->doc, list, "indicators", l->r, _("%u indicators are too many: at most %u are expected"),
                      list->count, INDICATORS_MAX);
        return OK;
    }
    l->prog->indicators = calloc((size_t)list->count + 1, sizeof(struct indicator *));
    if (l->prog->indicators == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < list->count && e == OK; i++)
        e = read_indicator(l, list->items[i]);
    return e;
}

/* Everything is read whatever was wrong before, so that all mistakes show in one pass. */
static enum err read_programme(struct loader *l, struct calendar *calendar)
{
    const struct pack_file *f = pack_find(l->pack, PROGRAMME_FILE);
    struct top_keys k = {NULL, NULL, {NULL, NULL, NULL}, NULL};
    struct finding none = {.file = PROGRAMME_FILE};
    enum err e = OK;

    if (f == NULL)
        report_add(l->r, &none, "%s", _("the pack has no such file"));
    else if ((e = yaml_parse(&l->doc, f->name, f->bytes, f->len, l->r)) == OK)
        read_top(l, &k);
    l->prog->doc = l->doc;
    if (e == ERR_NOMEM || (e = read_files(l)) != OK)
        return e;
    if ((e = programme_periods(l->pack, calendar, l->r)) == ERR_NOMEM)
        return e;
    if (e == OK)
        check_series(l, calendar);
    return k.indicators == NULL ? OK : read_indicators(l, k.indicators);
}

enum err programme_load(struct programme **out, const struct pack *p, struct calendar *calendar, struct report *r)
{
    struct loader l = {calloc(1, sizeof(struct programme)), p, r, NULL, NULL, false};
    size_t before = report_errors(r);
    size_t mistakes;
    enum err e;

    if (l.prog == NULL)
        return ERR_NOMEM;
    e = read_programme(&l, calendar);
    free(l.origin);
    mistakes = report_errors(r) - before;
    if (e == OK && mistakes > 0)
        e = err_set(ERR_INVALID, ngettext("the pack has %zu mistake", "the pack has %zu mistakes", mistakes), mistakes);
    if (e != OK) {
        programme_free(l.prog);
        return e;
    }
    *out = l.prog;
    return OK;
}

void programme_free(struct programme *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->indicator_count; i++)
        indicator_free(p->indicators[i]);
    for (size_t i = 0; i < p->form_count; i++)
        form_free(p->forms[i]);
    for (size_t i = 0; i < p->map_count; i++)
        free(p->maps[i]);
    free(p->indicators);
    free(p->forms);
    free(p->maps);
    yaml_free(p->doc);
    free(p);
}
