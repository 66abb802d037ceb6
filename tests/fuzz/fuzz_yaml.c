/* fuzz_yaml.c: any bytes as a YAML file: parsed, walked and checked against a table with every kind of value. */
#include "common/utf8.h"
#include "common/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What every tree promises; returns the number of nodes. */
static uint32_t walk(const struct yaml_node *n, uint32_t depth)
{
    uint32_t nodes = 1;

    must(depth <= YAML_MAX_DEPTH + 1 && n->line > 0 && n->column > 0);
    switch (n->kind) {
    case YAML_SCALAR: must(n->text[n->len] == '\0' && utf8_is_nfc(n->text, n->len) && n->count == 0); break;
    case YAML_SEQUENCE:
        for (uint32_t i = 0; i < n->count; i++)
            nodes += walk(n->items[i], depth + 1);
        break;
    case YAML_MAPPING:
        for (uint32_t i = 0; i < n->count; i++) {
            must(n->pairs[i].key->kind == YAML_SCALAR && n->pairs[i].key->len > 0);
            must(yaml_get(n, n->pairs[i].key->text) == n->pairs[i].value || strlen(n->pairs[i].key->text) == 0);
            nodes += walk(n->pairs[i].key, depth + 1) + walk(n->pairs[i].value, depth + 1);
        }
        break;
    }
    return nodes;
}

struct settings {
    const char *text, *name;
    int64_t number, size, duration;
    bool flag;
    int32_t date;
    int mode;
    const struct yaml_node *node, *list, *map;
    struct yaml_label label;
};

static const char *const modes[] = {"record", "rows", "answers", NULL};

#define AT(member) .offset = offsetof(struct settings, member)
static const struct yaml_key table[] = {{.name = "text", .want = YAML_WANT_TEXT, .required = true, AT(text)},
                                        {.name = "name", .want = YAML_WANT_NAME, AT(name)},
                                        {.name = "number", .want = YAML_WANT_INTEGER, AT(number), .min = -5, .max = 10},
                                        {.name = "size", .want = YAML_WANT_SIZE, AT(size), .min = 1, .max = INT64_MAX},
                                        {.name = "duration", .want = YAML_WANT_DURATION, AT(duration)},
                                        {.name = "flag", .want = YAML_WANT_BOOLEAN, AT(flag)},
                                        {.name = "date", .want = YAML_WANT_DATE, AT(date)},
                                        {.name = "mode", .want = YAML_WANT_ENUM, AT(mode), .names = modes},
                                        {.name = "node", .want = YAML_WANT_NODE, AT(node)},
                                        {.name = "list", .want = YAML_WANT_SEQUENCE, AT(list)},
                                        {.name = "map", .want = YAML_WANT_MAPPING, AT(map)},
                                        {.name = "label", .want = YAML_WANT_LABEL, AT(label)},
                                        {.name = NULL}};

static void check_settings(const struct settings *s, bool has_number)
{
    must(s->text != NULL);
    must(!has_number || (s->number >= -5 && s->number <= 10));
    must(s->size >= 0 && s->duration >= 0);
    must(s->mode >= 0 && s->mode < 3);
    must(s->list == NULL || s->list->kind == YAML_SEQUENCE);
    must(s->map == NULL || s->map->kind == YAML_MAPPING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s = {.text = NULL};
    struct report *r = NULL;
    struct yaml_doc *d = NULL;

    must(report_new(&r, 20) == OK);
    if (yaml_parse(&d, "fuzz.yaml", data, size, r) != OK) {
        must(d == NULL && report_errors(r) > 0 && err_text()[0] != '\0');
    } else {
        bool is_good;

        must(walk(yaml_root(d), 1) <= YAML_MAX_NODES);
        must(yaml_is_flawed(d) == (report_errors(r) > 0));
        is_good = yaml_read(d, yaml_root(d), table, &s, r);
        must(is_good == (report_errors(r) == 0));
        if (is_good)
            check_settings(&s, yaml_get(yaml_root(d), "number") != NULL);
    }
    yaml_free(d);
    report_free(r);
    return 0;
}
