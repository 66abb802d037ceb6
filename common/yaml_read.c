/* The table-driven checker over the tree that yaml.c builds. */
#include "common/yaml.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_MESSAGE   512u
#define MAX_SUGGESTED 128u /* keys or names that "did you mean" looks through */
#define NAME_BYTES    64u

bool yaml_is_nothing(const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || n->is_quoted)
        return false;
    return n->len == 0 || strcmp(n->text, "~") == 0 || strcasecmp(n->text, "null") == 0;
}

static void complain(const struct yaml_doc *d, const struct yaml_node *at, const char *field, const char *value,
                     struct report *r, const char *text)
{
    struct finding f = {.file = yaml_file(d), .field = field, .value = value};

    if (at != NULL) {
        if (at->is_refused)
            return;
        f.line = at->line;
        f.column = at->column;
    }
    report_add(r, &f, "%s", text);
}

void yaml_complain(const struct yaml_doc *d, const struct yaml_node *at, const char *field, struct report *r,
                   const char *fmt, ...)
{
    char text[MAX_MESSAGE];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    text[utf8_first_bad(text, strlen(text))] = '\0'; /* what vsnprintf() cut through */
    complain(d, at, field, at != NULL && at->kind == YAML_SCALAR && at->len > 0 ? at->text : NULL, r, text);
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (mapping->kind != YAML_MAPPING)
        return NULL;
    for (uint32_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->pairs[i].key->text, key) == 0)
            return mapping->pairs[i].value;
    return NULL;
}

/* What stands there, in the words of a person. */
static const char *found_text(const struct yaml_node *n)
{
    if (n->kind == YAML_SEQUENCE)
        return _("a list");
    if (n->kind == YAML_MAPPING)
        return _("a mapping");
    return n->len > 0 ? n->text : _("nothing");
}

static bool expected(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, struct report *r,
                     const char *text)
{
    complain(d, n, k->name, found_text(n), r, text);
    return false;
}

/* A scalar that says something. */
static bool is_said(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && !n->is_refused && !yaml_is_nothing(n);
}

bool yaml_is_name(const struct yaml_node *n)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";

    return is_said(n) && n->len <= NAME_BYTES && strchr(first, n->text[0]) != NULL && strspn(n->text, rest) == n->len;
}

/* One of the multiples a size or a duration is written in. */
struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"T", INT64_C(1) << 40},
                                         {"G", INT64_C(1) << 30},
                                         {"M", INT64_C(1) << 20},
                                         {"K", INT64_C(1) << 10},
                                         {"", 1},
                                         {NULL, 0}};
static const struct unit duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                             {"s", 1000},     {"ms", 1},      {NULL, 0}};

static const struct unit *units_of(enum yaml_want want)
{
    if (want == YAML_WANT_SIZE)
        return size_units;
    return want == YAML_WANT_DURATION ? duration_units : no_units;
}

/* Digits and a unit; a leading zero is refused, because YAML 1.1 would read 010 as eight. */
static bool parse_number(const char *text, const struct unit *units, int64_t *out)
{
    bool is_negative = *text == '-' && units == no_units;
    int64_t v = 0;

    if (is_negative)
        text++;
    if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *text - '0', &v))
            return false;
    while (units->name != NULL && strcmp(units->name, text) != 0)
        units++;
    if (units->name == NULL || __builtin_mul_overflow(v, units->factor, &v))
        return false;
    *out = is_negative ? -v : v;
    return true;
}

/* In the largest unit that divides it. */
static void format_number(char *out, size_t size, const struct unit *units, int64_t v)
{
    while (units[1].name != NULL && (v == 0 || v % units->factor != 0))
        units++;
    (void)snprintf(out, size, "%lld%s", (long long)(v / units->factor), units->name);
}

static const char *expected_number(enum yaml_want want)
{
    if (want == YAML_WANT_SIZE)
        return _("expected a size in bytes, such as 500, 64K, 1M or 2G");
    if (want == YAML_WANT_DURATION)
        return _("expected a duration, such as 500ms, 30s, 5m, 2h or 3d");
    return _("expected a whole number");
}

static bool read_number(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, int64_t *into,
                        struct report *r)
{
    const struct unit *units = units_of(k->want);
    char low[32], high[32], text[MAX_MESSAGE];
    int64_t v;

    if (!is_said(n) || (n->is_quoted && k->want == YAML_WANT_INTEGER) || !parse_number(n->text, units, &v))
        return expected(d, n, k, r, expected_number(k->want));
    if ((k->min != 0 || k->max != 0) && (v < k->min || v > k->max)) {
        format_number(low, sizeof(low), units, k->min);
        format_number(high, sizeof(high), units, k->max);
        if (k->max == INT64_MAX)
            (void)snprintf(text, sizeof(text), _("expected a value of at least %s"), low);
        else
            (void)snprintf(text, sizeof(text), _("expected a value from %s to %s"), low, high);
        return expected(d, n, k, r, text);
    }
    *into = v;
    return true;
}

static bool read_boolean(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, bool *into,
                         struct report *r)
{
    bool is_yes = strcasecmp(n->text, "true") == 0 || strcasecmp(n->text, "yes") == 0; /* of a list it is "" */
    bool is_no = strcasecmp(n->text, "false") == 0 || strcasecmp(n->text, "no") == 0;

    if (n->kind != YAML_SCALAR || n->is_quoted || (!is_yes && !is_no))
        return expected(d, n, k, r, _("expected yes or no (true or false), without quotes"));
    *into = is_yes;
    return true;
}

static bool read_date(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, int32_t *into,
                      struct report *r)
{
    if (!is_said(n))
        return expected(d, n, k, r, _("expected a date such as 2020-09-01"));
    if (date_parse(into, n->text, n->len) != OK)
        return expected(d, n, k, r, err_text());
    return true;
}

/* "one, two or three": as many as fit. */
static void list_names(char *out, size_t size, const char *const *names)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", i > 0 ? ", " : "", names[i]);
}

static bool read_enum(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, int *into,
                      struct report *r)
{
    char all[MAX_MESSAGE / 2], text[MAX_MESSAGE];
    const char *near;
    size_t count = 0;

    for (; k->names[count] != NULL; count++) {
        if (n->kind == YAML_SCALAR && strcmp(n->text, k->names[count]) == 0) {
            *into = (int)count;
            return true;
        }
    }
    list_names(all, sizeof(all), k->names);
    near = is_said(n) ? cli_nearest(n->text, k->names, count) : NULL;
    if (near != NULL)
        (void)snprintf(text, sizeof(text), _("expected one of: %s; did you mean \"%s\"?"), all, near);
    else
        (void)snprintf(text, sizeof(text), _("expected one of: %s"), all);
    return expected(d, n, k, r, text);
}

static bool read_label(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k,
                       struct yaml_label *into, struct report *r)
{
    static const struct yaml_key languages[] = {
        {.name = "ru", .want = YAML_WANT_TEXT, .offset = offsetof(struct yaml_label, ru)},
        {.name = "en", .want = YAML_WANT_TEXT, .offset = offsetof(struct yaml_label, en)},
        {.name = NULL}};
    struct yaml_label label = {.at = n};

    if (is_said(n))
        label.ru = label.en = n->text;
    else if (n->kind != YAML_MAPPING)
        return expected(d, n, k, r, _("expected a text, or a mapping with the keys ru and en"));
    else if (!yaml_read(d, n, languages, &label, r))
        return false;
    else if (label.ru == NULL && label.en == NULL)
        return expected(d, n, k, r, _("expected at least one of the keys ru and en"));
    *into = label;
    return true;
}

static bool read_text(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, const char **into,
                      struct report *r)
{
    if (!is_said(n))
        return expected(d, n, k, r, _("expected a text"));
    if (k->want == YAML_WANT_NAME && !yaml_is_name(n))
        return expected(d, n, k, r,
                        _("expected a name: at most 64 Latin letters, digits and _ . - beginning with a letter or _"));
    *into = n->text;
    return true;
}

static bool read_collection(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k,
                            const struct yaml_node **into, struct report *r)
{
    if (k->want == YAML_WANT_SEQUENCE && n->kind != YAML_SEQUENCE)
        return expected(d, n, k, r, _("expected a list"));
    if (k->want == YAML_WANT_MAPPING && n->kind != YAML_MAPPING)
        return expected(d, n, k, r, _("expected a mapping (key: value)"));
    *into = n;
    return true;
}

static bool read_value(const struct yaml_doc *d, const struct yaml_node *n, const struct yaml_key *k, void *into,
                       struct report *r)
{
    void *at = (char *)into + k->offset;

    if (n->is_refused)
        return false;
    switch (k->want) {
    case YAML_WANT_TEXT:
    case YAML_WANT_NAME: return read_text(d, n, k, at, r);
    case YAML_WANT_INTEGER:
    case YAML_WANT_SIZE:
    case YAML_WANT_DURATION: return read_number(d, n, k, at, r);
    case YAML_WANT_BOOLEAN: return read_boolean(d, n, k, at, r);
    case YAML_WANT_DATE: return read_date(d, n, k, at, r);
    case YAML_WANT_ENUM: return read_enum(d, n, k, at, r);
    case YAML_WANT_NODE:
    case YAML_WANT_SEQUENCE:
    case YAML_WANT_MAPPING: return read_collection(d, n, k, at, r);
    case YAML_WANT_LABEL: return read_label(d, n, k, at, r);
    }
    return false;
}

static void complain_unknown(const struct yaml_doc *d, const struct yaml_node *key, const struct yaml_key *table,
                             struct report *r)
{
    const char *names[MAX_SUGGESTED + 1];
    char all[MAX_MESSAGE / 2], text[MAX_MESSAGE];
    const char *near;
    size_t count = 0;

    for (; count < MAX_SUGGESTED && table[count].name != NULL; count++)
        names[count] = table[count].name;
    names[count] = NULL;
    near = cli_nearest(key->text, names, count);
    if (near != NULL)
        (void)snprintf(text, sizeof(text), _("unknown key; did you mean \"%s\"?"), near);
    else {
        list_names(all, sizeof(all), names);
        (void)snprintf(text, sizeof(text), _("unknown key; expected one of: %s"), all);
    }
    complain(d, key, key->text, NULL, r, text);
}

static bool read_pairs(const struct yaml_doc *d, const struct yaml_node *mapping, const struct yaml_key *table,
                       void *into, struct report *r)
{
    bool is_good = true;

    for (uint32_t i = 0; i < mapping->count; i++) {
        const struct yaml_pair *p = &mapping->pairs[i];
        const struct yaml_key *k = table;

        while (k->name != NULL && strcmp(k->name, p->key->text) != 0)
            k++;
        if (k->name == NULL) {
            complain_unknown(d, p->key, table, r);
            is_good = false;
        } else if (!read_value(d, p->value, k, into, r))
            is_good = false;
    }
    return is_good;
}

bool yaml_read(const struct yaml_doc *d, const struct yaml_node *mapping, const struct yaml_key *table, void *into,
               struct report *r)
{
    bool is_good = !yaml_is_flawed(d);

    if (mapping->kind == YAML_MAPPING)
        is_good = read_pairs(d, mapping, table, into, r) && is_good;
    else if (mapping->is_refused)
        return false;
    else if (!yaml_is_nothing(mapping)) {
        complain(d, mapping, NULL, found_text(mapping), r, _("expected a mapping (key: value)"));
        return false;
    }
    for (const struct yaml_key *k = table; k->name != NULL; k++) {
        if (k->required && yaml_get(mapping, k->name) == NULL) {
            complain(d, mapping, k->name, NULL, r, _("this key is required and missing"));
            is_good = false;
        }
    }
    return is_good;
}
