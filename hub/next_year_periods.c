/* The periods of a pack's own series, a year later, written behind those that are there. */
#include "hub/next_year_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_DAYS  366
#define ROUNDS_MAX 30 /* years that are made up for at once */
#define NOT_GIVEN  INT32_MIN

/* One period, as it is or will be written. */
struct entry {
    char id[PERIOD_ID_MAX + 8];
    char label_ru[128], label_en[128]; /* "": none */
    int32_t from, to;
    bool is_on;
};

struct series {
    const char *name;
    struct entry *items;
    size_t count, cap;
    size_t given; /* those that the file has */
};

/* ---- reading: the file has been loaded before, so that what is odd is only passed over ---- */

static void copy_text(char *out, size_t size, const struct yaml_node *n)
{
    out[0] = '\0';
    if (n != NULL && n->kind == YAML_SCALAR)
        (void)snprintf(out, size, "%s", n->text);
}

static int32_t read_day(const struct yaml_node *n)
{
    int32_t day;

    return n != NULL && n->kind == YAML_SCALAR && date_parse(&day, n->text, n->len) == OK ? day : NOT_GIVEN;
}

static bool read_entry(struct entry *e, const struct yaml_node *n)
{
    const struct yaml_node *label = yaml_get(n, "label");
    int32_t on = read_day(yaml_get(n, "on"));

    memset(e, 0, sizeof(*e));
    copy_text(e->id, sizeof(e->id), yaml_get(n, "id"));
    if (label != NULL && label->kind == YAML_MAPPING) {
        copy_text(e->label_ru, sizeof(e->label_ru), yaml_get(label, "ru"));
        copy_text(e->label_en, sizeof(e->label_en), yaml_get(label, "en"));
    } else {
        copy_text(e->label_ru, sizeof(e->label_ru), label);
        copy_text(e->label_en, sizeof(e->label_en), label);
    }
    e->is_on = on != NOT_GIVEN;
    e->from = e->is_on ? on : read_day(yaml_get(n, "from"));
    e->to = e->is_on ? on : read_day(yaml_get(n, "to"));
    return e->id[0] != '\0' && e->from != NOT_GIVEN && e->to != NOT_GIVEN;
}

static enum err add(struct series *s, const struct entry *e)
{
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 32 : 2 * s->cap;
        struct entry *grown = realloc(s->items, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        s->items = grown;
        s->cap = cap;
    }
    s->items[s->count++] = *e;
    return OK;
}

/* All entries of one series: it may stand in several places, as those that were added before do. */
static enum err read_series(struct series *s, const struct yaml_node *list, const char *name)
{
    struct entry one;
    enum err e = OK;

    memset(s, 0, sizeof(*s));
    s->name = name;
    for (uint32_t i = 0; i < list->count && e == OK; i++) {
        const struct yaml_node *at = yaml_get(list->items[i], "series");
        const struct yaml_node *periods = yaml_get(list->items[i], "periods");

        if (at == NULL || at->kind != YAML_SCALAR || strcmp(at->text, name) != 0 || periods == NULL)
            continue;
        for (uint32_t k = 0; k < periods->count && e == OK; k++)
            if (read_entry(&one, periods->items[k]))
                e = add(s, &one);
    }
    s->given = s->count;
    return e;
}

static bool is_first_of_series(const struct yaml_node *list, uint32_t i, const char *name)
{
    for (uint32_t k = 0; k < i; k++) {
        const struct yaml_node *at = yaml_get(list->items[k], "series");

        if (at != NULL && at->kind == YAML_SCALAR && strcmp(at->text, name) == 0)
            return false;
    }
    return true;
}

/* ---- a year later ---- */

static bool has_id(const struct series *s, const char *id)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->items[i].id, id) == 0)
            return true;
    return false;
}

static bool shift_into(char *out, size_t size, const char *text)
{
    struct buf b;
    bool found;

    buf_init(&b, size - 1);
    found = shift_text(&b, text);
    (void)snprintf(out, size, "%s", buf_cstr(&b));
    found = found && !b.failed;
    buf_fini(&b);
    return found;
}

/* False: it is not one that comes again each year. */
static bool shift_entry(struct entry *out, const struct entry *in)
{
    memset(out, 0, sizeof(*out));
    if (in->to - in->from > YEAR_DAYS || !shift_into(out->id, sizeof(out->id), in->id) ||
        strlen(out->id) > PERIOD_ID_MAX)
        return false;
    (void)shift_into(out->label_ru, sizeof(out->label_ru), in->label_ru);
    (void)shift_into(out->label_en, sizeof(out->label_en), in->label_en);
    out->is_on = in->is_on;
    out->from = shift_day(in->from);
    out->to = shift_day(in->to);
    return true;
}

/* Those of the last twelve months of the series, a year later, as far as they begin within the year to prepare. */
static enum err shift_once(const struct next_year *n, struct series *s, size_t *made)
{
    size_t count = s->count;
    int32_t newest = INT32_MIN;
    struct entry later;
    enum err e = OK;

    *made = 0;
    for (size_t i = 0; i < count; i++)
        if (s->items[i].from > newest)
            newest = s->items[i].from;
    for (size_t i = 0; i < count && e == OK; i++) {
        if (shift_day(s->items[i].from) <= newest || !shift_entry(&later, &s->items[i]) || later.from > n->last_day ||
            has_id(s, later.id))
            continue;
        e = add(s, &later);
        ++*made;
    }
    return e;
}

static bool is_yearly(const struct series *s)
{
    struct entry later;

    for (size_t i = 0; i < s->count; i++)
        if (shift_entry(&later, &s->items[i]))
            return true;
    return false;
}

/* ---- writing ---- */

static void put_quoted(struct buf *out, const char *text)
{
    buf_put_u8(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_put_u8(out, '\\');
        buf_put_u8(out, (uint8_t)*text);
    }
    buf_put_u8(out, '"');
}

static void put_entry(struct buf *out, const char *indent, const struct entry *e)
{
    char from[11], to[11];

    date_format(from, e->from);
    date_format(to, e->to);
    buf_printf(out, "%s    - {id: ", indent);
    put_quoted(out, e->id);
    if (e->is_on)
        buf_printf(out, ", on: %s", from);
    else
        buf_printf(out, ", from: %s, to: %s", from, to);
    if (e->label_ru[0] != '\0' || e->label_en[0] != '\0') {
        buf_put_str(out, ", label: {ru: ");
        put_quoted(out, e->label_ru[0] != '\0' ? e->label_ru : e->label_en);
        buf_put_str(out, ", en: ");
        put_quoted(out, e->label_en[0] != '\0' ? e->label_en : e->label_ru);
        buf_put_u8(out, '}');
    }
    buf_put_str(out, "}\n");
}

static void put_series(const struct next_year *n, struct buf *out, const char *indent, const struct series *s)
{
    buf_printf(out, "%s- series: %s\n%s  periods:\n", indent, s->name, indent);
    for (size_t i = s->given; i < s->count; i++) {
        put_entry(out, indent, &s->items[i]);
        next_year_tell(n, NEXT_MADE, _("series %s: period %s"), s->name, s->items[i].id);
    }
}

/* The blanks before the dashes of the list, which must be the last thing in the file. */
static enum err find_indent(const struct pack_file *f, const struct yaml_doc *d, char indent[32])
{
    const struct yaml_node *root = yaml_root(d);
    const struct yaml_node *list = yaml_get(root, "periods");
    const char *text = f->bytes;
    size_t at = 0;
    size_t len = 0;

    if (list == NULL || list->kind != YAML_SEQUENCE || list->count == 0 || root->pairs[root->count - 1].value != list)
        return err_set(ERR_INVALID, _("%s: `periods:` must be the last key, to be continued"), f->name);
    for (uint32_t line = 1; line < list->items[0]->line && at < f->len; at++)
        line += text[at] == '\n';
    while (at + len < f->len && text[at + len] == ' ' && len < 31)
        len++;
    if (at + len >= f->len || text[at + len] != '-')
        return err_set(ERR_INVALID,
                       _("%s:%u: each series must begin with a dash on a line of its own, to be continued"), f->name,
                       list->items[0]->line);
    memset(indent, ' ', len);
    indent[len] = '\0';
    return OK;
}

static enum err one_series(const struct next_year *n, const struct yaml_node *list, const char *name,
                           const char *indent, struct buf *out)
{
    struct series s;
    size_t made = 1;
    enum err e = read_series(&s, list, name);

    if (e == OK && !is_yearly(&s))
        next_year_tell(n, NEXT_LEFT, _("series %s: its periods are not those of a year"), name);
    for (unsigned i = 0; i < ROUNDS_MAX && made > 0 && e == OK; i++)
        e = shift_once(n, &s, &made);
    if (e == OK && s.count > s.given)
        put_series(n, out, indent, &s);
    free(s.items);
    return e;
}

static enum err continue_file(const struct next_year *n, struct pack_file *f, const struct yaml_doc *d)
{
    const struct yaml_node *list = yaml_get(yaml_root(d), "periods");
    char indent[32];
    struct buf out, whole;
    enum err e = find_indent(f, d, indent);

    if (e != OK)
        return e;
    buf_init(&out, YAML_MAX_BYTES);
    buf_init(&whole, YAML_MAX_BYTES);
    for (uint32_t i = 0; i < list->count && e == OK; i++) {
        const struct yaml_node *name = yaml_get(list->items[i], "series");

        if (name != NULL && name->kind == YAML_SCALAR && is_first_of_series(list, i, name->text))
            e = one_series(n, list, name->text, indent, &out);
    }
    if (e == OK && out.len > 0) {
        buf_put(&whole, f->bytes, f->len);
        if (f->len > 0 && ((const char *)f->bytes)[f->len - 1] != '\n')
            buf_put_u8(&whole, '\n');
        buf_put(&whole, out.data, out.len);
        if ((e = buf_status(&out)) == OK && (e = buf_status(&whole)) == OK)
            e = next_year_replace(f, &whole);
    }
    buf_fini(&whole);
    buf_fini(&out);
    return e;
}

enum err next_year_periods(const struct next_year *n, const char *file)
{
    struct pack_file *f = NULL;
    struct yaml_doc *d = NULL;
    enum err e = next_year_parse(n, file, &d);

    for (size_t i = 0; i < n->pack->count; i++)
        if (strcmp(n->pack->files[i].name, file) == 0)
            f = &n->pack->files[i];
    if (e == OK && d != NULL && f != NULL)
        e = continue_file(n, f, d);
    yaml_free(d);
    return e;
}
