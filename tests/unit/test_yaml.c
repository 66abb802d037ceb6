/* test_yaml.c: what a wrong file is told, to the column, and that all of it is told at once (invariants 8 and 9). */
#include "common/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One document and what was said about it. */
struct reading {
    struct yaml_doc *doc;
    struct report *r;
    enum err e;
};

static struct reading parse_bytes(const void *bytes, size_t len)
{
    struct reading x = {.doc = NULL};

    assert_int_equal(report_new(&x.r, 0), OK);
    x.e = yaml_parse(&x.doc, "form.yaml", bytes, len, x.r);
    assert_true((x.e == OK) == (x.doc != NULL));
    return x;
}

static struct reading parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void finish(struct reading *x)
{
    yaml_free(x->doc);
    report_free(x->r);
}

/* Finding number `i`: its place, its key (NULL: none) and a part of its sentence. */
static void assert_finding(const struct reading *x, size_t i, uint32_t line, uint32_t column, const char *field,
                           const char *part)
{
    const struct finding *f;

    if (i >= report_kept(x->r))
        fail_msg("finding %zu is missing: %s", i, part);
    f = report_at(x->r, i);
    if (f->line != line || f->column != column || strstr(f->text, part) == NULL)
        fail_msg("expected %u:%u \"%s\"; found %u:%u \"%s\"", line, column, part, f->line, f->column, f->text);
    assert_string_equal(f->file, "form.yaml");
    if (field == NULL)
        assert_null(f->field);
    else
        assert_string_equal(f->field, field);
}

static void assert_found_value(const struct reading *x, size_t i, const char *value)
{
    assert_non_null(report_at(x->r, i)->value);
    assert_string_equal(report_at(x->r, i)->value, value);
}

/* ---- trees ---- */

static void a_tree_comes_out_with_its_marks(void **state)
{
    struct reading x = parse("title: Паспорт\n"
                             "имя: 'да'\n"
                             "fields:\n"
                             "  - {name: a, type: integer}\n"
                             "  - name: b\n"
                             "empty: []\n");
    const struct yaml_node *root, *n;

    (void)state;
    assert_int_equal(x.e, OK);
    assert_false(yaml_is_flawed(x.doc));
    assert_string_equal(yaml_file(x.doc), "form.yaml");
    root = yaml_root(x.doc);
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->count, 4);
    assert_string_equal(root->pairs[0].key->text, "title");
    n = yaml_get(root, "title");
    assert_string_equal(n->text, "Паспорт");
    assert_int_equal(n->len, strlen("Паспорт"));
    assert_int_equal(n->line, 1);
    assert_int_equal(n->column, 8);
    assert_false(n->is_quoted);
    n = yaml_get(root, "имя");
    assert_true(n->is_quoted);
    assert_int_equal(n->column, 6); /* code points, not bytes */
    n = yaml_get(root, "fields");
    assert_int_equal(n->kind, YAML_SEQUENCE);
    assert_int_equal(n->count, 2);
    n = yaml_get(n->items[1], "name");
    assert_string_equal(n->text, "b");
    assert_int_equal(n->line, 5);
    assert_int_equal(n->column, 11);
    assert_int_equal(yaml_get(root, "empty")->count, 0);
    assert_null(yaml_get(root, "nothing"));
    assert_null(yaml_get(n, "a scalar has no keys"));
    finish(&x);
}

static void text_is_normalised_once_and_for_all(void **state)
{
    /* и + combining breve, e + combining acute; in a key as well */
    struct reading x = parse("\xD0\xB8\xCC\x86: caf\x65\xCC\x81\n");

    (void)state;
    assert_int_equal(x.e, OK);
    assert_non_null(yaml_get(yaml_root(x.doc), "\xD0\xB9"));
    assert_string_equal(yaml_get(yaml_root(x.doc), "\xD0\xB9")->text, "caf\xC3\xA9");
    finish(&x);
}

static void keys_that_become_equal_by_normalising_are_given_twice(void **state)
{
    struct reading x = parse("\xD0\xB8\xCC\x86: 1\n\xD0\xB9: 2\n");

    (void)state;
    assert_int_equal(x.e, OK);
    assert_true(yaml_is_flawed(x.doc));
    assert_finding(&x, 0, 2, 1, "\xD0\xB9", "given twice");
    finish(&x);
}

static void the_bytes_may_go_after_parsing(void **state)
{
    char *bytes = strdup("a: text\n");
    struct reading x = parse(bytes);

    (void)state;
    memset(bytes, 'x', strlen(bytes));
    free(bytes);
    assert_string_equal(yaml_get(yaml_root(x.doc), "a")->text, "text");
    finish(&x);
}

static void a_windows_file_reads_like_any_other(void **state)
{
    struct reading x = parse("\xEF\xBB\xBF"
                             "a: 1\r\nb: 2\r\n");

    (void)state;
    assert_int_equal(x.e, OK);
    assert_false(yaml_is_flawed(x.doc));
    assert_int_equal(yaml_get(yaml_root(x.doc), "a")->column, 4);
    assert_int_equal(yaml_get(yaml_root(x.doc), "b")->line, 2);
    assert_string_equal(yaml_get(yaml_root(x.doc), "b")->text, "2");
    finish(&x);
}

static void an_empty_file_is_an_empty_mapping(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# nothing yet\n", "---\n", "\xEF\xBB\xBF", "~", "null"};
    static const struct yaml_key none[] = {{.name = NULL}};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct reading x = parse(texts[i]);

        assert_int_equal(x.e, OK);
        assert_true(yaml_is_nothing(yaml_root(x.doc)));
        assert_true(yaml_read(x.doc, yaml_root(x.doc), none, NULL, x.r));
        assert_int_equal(report_errors(x.r), 0);
        finish(&x);
    }
}

/* ---- mistakes of syntax ---- */

static void a_syntax_mistake_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *part;
    } cases[] = {
        {"a: 1\nb: c: d\n", 2, 5, "put a text that holds ': ' in quotes"},
        {"имя: а: б\n", 1, 7, "put a text that holds ': ' in quotes"},
        {"a: 1\n  b: 2\n", 2, 4, "check the indentation"},
        {"a:\n  - x\n b: 1\n", 3, 2, "a key is expected here"},
        {"a: 1\n- b\n", 2, 1, "a key is expected here"},
        {"- a\nb: 1\n", 2, 1, "an item with '-' is expected here"},
        {"a: - b\n", 1, 4, "an item with '-' is not expected here"},
        {"a: 1\nbcd\ne: 2\n", 2, 1, "a ':' is expected after this key"},
        {"a: 1\nb: \"open\nc: 2\n", 2, 4, "never closed"},
        {"a: 'open\n---\n'", 1, 4, "never closed"},
        {"a: [1, 2\nb: 3\n", 2, 2, "a ',' or ']' is expected"},
        {"a: {b: 1, c\nd: 3\n", 2, 2, "a ',' or '}' is expected"},
        {"a: [1 2\n", 2, 1, "a ',' or ']' is expected"},
        {"a: @home\n", 1, 4, "cannot begin with this character"},
        {"a: `x`\n", 1, 4, "cannot begin with this character"},
        {"a: \"C:\\path\"\n", 1, 7, "an unknown \\ sequence"},
        {"a: \"\\x1\"\n", 1, 7, "hexadecimal"},
        {"a: \"\\uD800\"\n", 1, 7, "not a Unicode character"},
        {"a: b\x01\n", 1, 5, "control character"},
        {"a: 1\r\nb: \x7F\n", 2, 4, "control character"},
        {"a: 1\n...\nb: 2\n", 3, 1, "goes on after its end"},
        {"a: |x\n  b\n", 1, 5, "the line is expected to end here"},
        {"a: !x!y b\n", 1, 4, "tags"},
        {"%TAG !e! tag:e,2020:\n---\na: 1\n", 1, 1, "directives"},
        {"a: *\n", 1, 5, "alphabetic"}, /* rare: in libyaml's own words */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reading x = parse(cases[i].text);
        char place[32];

        if (x.e != ERR_MALFORMED)
            fail_msg("\"%s\": %s", cases[i].text, err_name(x.e));
        assert_finding(&x, 0, cases[i].line, cases[i].column, NULL, cases[i].part);
        (void)snprintf(place, sizeof(place), "form.yaml:%u:%u: ", cases[i].line, cases[i].column);
        if (strncmp(err_text(), place, strlen(place)) != 0)
            fail_msg("err_text() is \"%s\"", err_text());
        finish(&x);
    }
}

static void every_tab_in_the_indentation_is_named(void **state)
{
    struct reading x = parse("a: 1\n\tb: 2\n  \tc:\td # only this tab may stay\n\r\td: 3\n");

    (void)state;
    assert_int_equal(x.e, ERR_MALFORMED);
    assert_int_equal(report_errors(x.r), 3);
    assert_finding(&x, 0, 2, 1, NULL, "use spaces");
    assert_finding(&x, 1, 3, 3, NULL, "use spaces");
    assert_finding(&x, 2, 5, 1, NULL, "use spaces");
    finish(&x);
}

static void a_tab_in_the_place_of_a_value_is_called_a_tab(void **state)
{
    struct reading x = parse("a:\n  -\tb: 1\n");

    (void)state;
    assert_int_equal(x.e, ERR_MALFORMED);
    assert_finding(&x, 0, 2, 4, NULL, "a tab in the indentation");
    finish(&x);
}

static void a_tab_between_key_and_value_is_only_a_blank(void **state)
{
    struct reading x = parse("a:\tb\n");

    (void)state;
    assert_int_equal(x.e, OK);
    assert_string_equal(yaml_get(yaml_root(x.doc), "a")->text, "b");
    finish(&x);
}

static void bytes_that_are_not_utf8_are_named(void **state)
{
    struct reading x = parse("a: б\nв: г\xE3\n");

    (void)state;
    assert_int_equal(x.e, ERR_MALFORMED);
    assert_int_equal(report_errors(x.r), 1);
    assert_finding(&x, 0, 2, 5, NULL, "not UTF-8");
    finish(&x);
}

static void utf16_is_not_utf8(void **state)
{
    struct reading x = parse_bytes("\xFF\xFE\x61\x00\x3A\x00\x20\x00\x31\x00", 10);

    (void)state;
    assert_int_equal(x.e, ERR_MALFORMED);
    assert_finding(&x, 0, 1, 1, NULL, "not UTF-8");
    finish(&x);
}

/* ---- what YAML has and we do not ---- */

static void everything_refused_is_named_in_one_pass(void **state)
{
    struct reading x = parse("a: &x 1\n"
                             "b: *x\n"
                             "c: !!int 3\n"
                             "d: ! e\n"
                             "a: 2\n"
                             "? [k]\n"
                             ": 4\n"
                             "g: {x: 1, x: 2}\n"
                             "h: &y [1]\n"
                             "i: !z {}\n"
                             "j: \"\\0\"\n"
                             "*x : 5\n"
                             "---\n"
                             "k: 1\n");

    (void)state;
    assert_int_equal(x.e, OK);
    assert_true(yaml_is_flawed(x.doc));
    assert_finding(&x, 0, 1, 4, NULL, "leave out &x");
    assert_finding(&x, 1, 2, 4, NULL, "instead of *x");
    assert_finding(&x, 2, 3, 4, NULL, "tags");
    assert_found_value(&x, 2, "tag:yaml.org,2002:int");
    assert_finding(&x, 3, 4, 4, NULL, "tags");
    assert_finding(&x, 4, 8, 11, "x", "it stands in line 8 already");
    assert_finding(&x, 5, 9, 4, NULL, "leave out &y");
    assert_finding(&x, 6, 10, 4, NULL, "tags");
    assert_finding(&x, 7, 11, 4, NULL, "control character");
    assert_finding(&x, 8, 12, 1, NULL, "instead of *x");
    assert_finding(&x, 9, 6, 3, NULL, "a key must be a text");
    assert_finding(&x, 10, 5, 1, "a", "it stands in line 1 already");
    assert_finding(&x, 11, 13, 1, NULL, "a second document");
    assert_int_equal(report_errors(x.r), 12);
    assert_string_equal(yaml_get(yaml_root(x.doc), "a")->text, "1"); /* the first one is kept */
    finish(&x);
}

static void an_empty_key_is_refused(void **state)
{
    struct reading x = parse("---\n'': 1\n");

    (void)state;
    assert_int_equal(x.e, OK);
    assert_true(yaml_is_flawed(x.doc));
    assert_finding(&x, 0, 2, 1, NULL, "a key is expected before the ':'");
    finish(&x);
}

static void a_key_given_three_times_is_named_twice(void **state)
{
    struct reading x = parse("a: 1\nb: 1\na: 2\nb: 2\na: 3\n");

    (void)state;
    assert_int_equal(report_errors(x.r), 3);
    assert_finding(&x, 0, 3, 1, "a", "line 1");
    assert_finding(&x, 1, 4, 1, "b", "line 2");
    assert_finding(&x, 2, 5, 1, "a", "line 1");
    finish(&x);
}

static void without_a_report_the_first_mistake_is_in_the_sentence(void **state)
{
    struct yaml_doc *d = NULL;

    (void)state;
    assert_int_equal(yaml_parse(&d, "form.yaml", "a: 1\na: 2\nb: [\n", 15, NULL), ERR_MALFORMED);
    assert_null(d);
    assert_non_null(strstr(err_text(), "form.yaml"));
    assert_int_equal(yaml_parse(&d, "form.yaml", "b: 1\na: 1\na: 2\na: 3\n", 20, NULL), OK);
    assert_true(yaml_is_flawed(d));
    assert_non_null(strstr(err_text(), "3:1"));
    yaml_free(d);
}

/* ---- limits ---- */

static char *repeated(const char *part, size_t times)
{
    size_t len = strlen(part);
    char *all = malloc(len * times + 1);

    assert_non_null(all);
    for (size_t i = 0; i < times; i++)
        memcpy(all + i * len, part, len);
    all[len * times] = '\0';
    return all;
}

static void too_many_bytes_are_refused_before_they_are_read(void **state)
{
    char *text = repeated("#", YAML_MAX_BYTES + 1);
    struct reading x = parse(text);

    (void)state;
    assert_int_equal(x.e, ERR_LIMIT);
    assert_finding(&x, 0, 0, 0, NULL, "too large");
    finish(&x);
    text[YAML_MAX_BYTES] = '\0';
    x = parse(text);
    assert_int_equal(x.e, OK);
    finish(&x);
    free(text);
}

static void too_deep_a_tree_is_refused_where_it_gets_too_deep(void **state)
{
    char *text = repeated("[", 4u << 20);
    struct reading x = parse(text);

    (void)state;
    assert_int_equal(x.e, ERR_LIMIT);
    assert_finding(&x, 0, 1, YAML_MAX_DEPTH + 1, NULL, "at most 32 levels");
    finish(&x);
    text[YAML_MAX_DEPTH] = '\0';
    memset(text + YAML_MAX_DEPTH / 2, ']', YAML_MAX_DEPTH / 2);
    x = parse(text);
    assert_int_equal(x.e, OK);
    finish(&x);
    free(text);
}

static void too_many_nodes_are_refused(void **state)
{
    char *text = repeated("- a\n", YAML_MAX_NODES); /* and the list itself is a node */
    struct reading x = parse(text);

    (void)state;
    assert_int_equal(x.e, ERR_LIMIT);
    assert_finding(&x, 0, YAML_MAX_NODES, 3, NULL, "at most 200000 values");
    finish(&x);
    text[4 * (YAML_MAX_NODES - 1)] = '\0';
    x = parse(text);
    assert_int_equal(x.e, OK);
    assert_int_equal(yaml_root(x.doc)->count, YAML_MAX_NODES - 1);
    finish(&x);
    free(text);
}

static void many_equal_keys_do_not_take_quadratic_time(void **state)
{
    char *text = repeated("a: 1\n", YAML_MAX_NODES / 2 - 1);
    struct reading x = parse(text);

    (void)state;
    assert_int_equal(x.e, OK);
    assert_int_equal(report_errors(x.r), YAML_MAX_NODES / 2 - 2);
    assert_int_equal(yaml_root(x.doc)->count, 1);
    finish(&x);
    free(text);
}

static void four_megabytes_of_directives_take_no_longer_than_anything_else(void **state)
{
    char *text = repeated("%TAG !a! b\n", YAML_MAX_BYTES / 11);
    struct reading x = parse(text);

    (void)state;
    assert_int_equal(x.e, ERR_MALFORMED);
    assert_int_equal(report_errors(x.r), YAML_MAX_BYTES / 11);
    assert_finding(&x, 0, 1, 1, NULL, "directives");
    finish(&x);
    free(text);
}

/* ---- the table-driven checker ---- */

static const char *const modes[] = {"record", "rows", "answers", NULL};

struct settings {
    const char *text, *name;
    int64_t number, size, duration, many;
    bool flag;
    int32_t date;
    int mode;
    const struct yaml_node *node, *list, *map;
    struct yaml_label label;
};

#define AT(member) .offset = offsetof(struct settings, member)
static const struct yaml_key table[] = {
    {.name = "text", .want = YAML_WANT_TEXT, AT(text)},
    {.name = "name", .want = YAML_WANT_NAME, .required = true, AT(name)},
    {.name = "number", .want = YAML_WANT_INTEGER, AT(number), .min = -5, .max = 10},
    {.name = "many", .want = YAML_WANT_INTEGER, AT(many), .min = 1, .max = INT64_MAX},
    {.name = "size", .want = YAML_WANT_SIZE, AT(size), .min = 64 << 10, .max = INT64_C(2) << 40},
    {.name = "duration", .want = YAML_WANT_DURATION, AT(duration), .min = 500, .max = 86400000},
    {.name = "flag", .want = YAML_WANT_BOOLEAN, AT(flag)},
    {.name = "date", .want = YAML_WANT_DATE, AT(date)},
    {.name = "mode", .want = YAML_WANT_ENUM, AT(mode), .names = modes},
    {.name = "node", .want = YAML_WANT_NODE, AT(node)},
    {.name = "list", .want = YAML_WANT_SEQUENCE, AT(list)},
    {.name = "map", .want = YAML_WANT_MAPPING, AT(map)},
    {.name = "label", .want = YAML_WANT_LABEL, AT(label)},
    {.name = NULL}};

static bool read_settings(struct reading *x, const char *text, struct settings *s)
{
    memset(s, 0, sizeof(*s));
    *x = parse(text);
    assert_int_equal(x->e, OK);
    return yaml_read(x->doc, yaml_root(x->doc), table, s, x->r);
}

static void a_right_mapping_fills_the_struct(void **state)
{
    struct settings s;
    struct reading x;

    (void)state;
    assert_true(read_settings(&x,
                              "text: да\nname: f-pass.v2\nnumber: -5\nmany: 9223372036854775807\nsize: 2T\n"
                              "duration: 500ms\nflag: Yes\ndate: 2020-09-01\nmode: rows\nnode: ~\nlist: [1]\n"
                              "map: {a: b}\nlabel: {ru: Школа, en: School}\n",
                              &s));
    assert_int_equal(report_errors(x.r), 0);
    assert_string_equal(s.text, "да");
    assert_string_equal(s.name, "f-pass.v2");
    assert_int_equal(s.number, -5);
    assert_true(s.many == INT64_MAX);
    assert_true(s.size == INT64_C(2) << 40);
    assert_int_equal(s.duration, 500);
    assert_true(s.flag);
    assert_int_equal(s.date, date_from_civil(2020, 9, 1));
    assert_int_equal(s.mode, 1);
    assert_true(yaml_is_nothing(s.node));
    assert_int_equal(s.list->count, 1);
    assert_int_equal(s.map->count, 1);
    assert_string_equal(s.label.ru, "Школа");
    assert_string_equal(s.label.en, "School");
    assert_int_equal(s.label.at->line, 13);
    finish(&x);
}

static void an_absent_key_leaves_the_default(void **state)
{
    struct settings s = {.number = 7, .flag = true};
    struct reading x = parse("name: a\n");

    (void)state;
    assert_true(yaml_read(x.doc, yaml_root(x.doc), table, &s, x.r));
    assert_int_equal(s.number, 7);
    assert_true(s.flag);
    assert_null(s.label.ru);
    finish(&x);
}

static void one_text_is_the_label_of_both_languages(void **state)
{
    struct settings s;
    struct reading x;

    (void)state;
    assert_true(read_settings(&x, "name: a\nlabel: Школа\n", &s));
    assert_string_equal(s.label.ru, "Школа");
    assert_string_equal(s.label.en, "Школа");
    finish(&x);
    assert_true(read_settings(&x, "name: a\nlabel: {en: School}\n", &s));
    assert_null(s.label.ru);
    assert_string_equal(s.label.en, "School");
    finish(&x);
}

static void quotes_make_a_text_of_anything(void **state)
{
    struct settings s;
    struct reading x;

    (void)state;
    assert_true(read_settings(&x, "name: \"null\"\ntext: ''\nsize: '64K'\ndate: \"2020-09-01\"\nmode: 'rows'\n", &s));
    assert_string_equal(s.name, "null");
    assert_string_equal(s.text, "");
    assert_int_equal(s.size, 65536);
    finish(&x);
}

static void every_mistake_of_a_mapping_is_named_in_one_pass(void **state)
{
    struct settings s;
    struct reading x;

    (void)state;
    assert_false(read_settings(&x,
                               "text: [a]\n"         /* 1 */
                               "number: ten\n"       /* 2 */
                               "many: 0\n"           /* 3 */
                               "size: 1K\n"          /* 4 */
                               "duration: 30\n"      /* 5 */
                               "flag: 'yes'\n"       /* 6 */
                               "date: 2020-02-30\n"  /* 7 */
                               "mode: recrod\n"      /* 8 */
                               "list: {}\n"          /* 9 */
                               "map: text\n"         /* 10 */
                               "label: [Школа]\n"    /* 11 */
                               "lable: Школа\n"      /* 12 */
                               "совсем другое: 1\n", /* 13 */
                               &s));
    assert_finding(&x, 0, 1, 7, "text", "expected a text");
    assert_found_value(&x, 0, "a list");
    assert_finding(&x, 1, 2, 9, "number", "expected a whole number");
    assert_found_value(&x, 1, "ten");
    assert_finding(&x, 2, 3, 7, "many", "at least 1");
    assert_finding(&x, 3, 4, 7, "size", "from 64K to 2T");
    assert_finding(&x, 4, 5, 11, "duration", "such as 500ms");
    assert_finding(&x, 5, 6, 7, "flag", "without quotes");
    assert_finding(&x, 6, 7, 7, "date", "2020-02-30");
    assert_finding(&x, 7, 8, 7, "mode", "one of: record, rows, answers; did you mean \"record\"");
    assert_finding(&x, 8, 9, 7, "list", "expected a list");
    assert_found_value(&x, 8, "a mapping");
    assert_finding(&x, 9, 10, 6, "map", "expected a mapping");
    assert_finding(&x, 10, 11, 8, "label", "keys ru and en");
    assert_finding(&x, 11, 12, 1, "lable", "did you mean \"label\"");
    assert_finding(&x, 12, 13, 1, "совсем другое", "one of: text, name, number");
    assert_finding(&x, 13, 1, 1, "name", "required");
    assert_int_equal(report_errors(x.r), 14);
    finish(&x);
}

static void a_wrong_scalar_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *field, *part;
    } cases[] = {
        {"number: 11", "number", "from -5 to 10"},
        {"number: -6", "number", "from -5 to 10"},
        {"number: '5'", "number", "a whole number"},
        {"number: 010", "number", "a whole number"},
        {"number: 0x5", "number", "a whole number"},
        {"number: 5.0", "number", "a whole number"},
        {"number: 5K", "number", "a whole number"},
        {"number: 99999999999999999999", "number", "a whole number"},
        {"number: --5", "number", "a whole number"},
        {"number:", "number", "a whole number"},
        {"size: -64K", "size", "a size in bytes"},
        {"size: 64 KiB", "size", "a size in bytes"},
        {"size: 9999999999G", "size", "a size in bytes"},
        {"size: 3T", "size", "from 64K to 2T"},
        {"duration: 100ms", "duration", "from 500ms to 1d"},
        {"duration: 2d", "duration", "from 500ms to 1d"},
        {"duration: 1h30m", "duration", "a duration"},
        {"flag: 1", "flag", "yes or no"},
        {"flag: ~", "flag", "yes or no"},
        {"flag: [yes]", "flag", "yes or no"},
        {"date: 01.09.2020", "date", "such as 2020-09-01"},
        {"date: ", "date", "such as 2020-09-01"},
        {"mode: 7", "mode", "one of: record, rows, answers"},
        {"mode: {}", "mode", "one of: record, rows, answers"},
        {"text: null", "text", "expected a text"},
        {"text: {a: b}", "text", "expected a text"},
        {"label: ~", "label", "keys ru and en"},
        {"label: {}", "label", "at least one"},
        {"label: {de: Schule, en: School}", "de", "unknown key"},
        {"label: {ru: []}", "ru", "expected a text"},
        {"name: 1a", "name", "expected a name"},
        {"name: 'имя'", "name", "expected a name"},
        {"name: a b", "name", "expected a name"},
        {"name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "name", "at most 64"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        struct settings s;
        struct reading x;

        (void)snprintf(text, sizeof(text), "%s%s\n", strncmp(cases[i].text, "name", 4) == 0 ? "" : "name: a\n",
                       cases[i].text);
        if (read_settings(&x, text, &s))
            fail_msg("\"%s\" was taken", text);
        assert_int_equal(report_errors(x.r), 1);
        assert_string_equal(report_at(x.r, 0)->field, cases[i].field);
        if (strstr(report_at(x.r, 0)->text, cases[i].part) == NULL)
            fail_msg("\"%s\": \"%s\"", text, report_at(x.r, 0)->text);
        finish(&x);
    }
}

static void a_flawed_document_is_never_read_as_right(void **state)
{
    struct settings s;
    struct reading x;

    (void)state;
    assert_false(read_settings(&x, "name: a\nname: b\n", &s));
    assert_int_equal(report_errors(x.r), 1);
    finish(&x);
    assert_false(read_settings(&x, "name: &n a\ntext: *n\nsize: *n\nnumber: x\n", &s));
    assert_int_equal(report_errors(x.r), 4); /* the aliases are not called wrong sizes as well */
    finish(&x);
    assert_false(read_settings(&x, "*n : 1\n", &s));
    finish(&x);
}

static void what_is_no_mapping_is_not_read(void **state)
{
    struct settings s;
    struct reading x;

    (void)state;
    assert_false(read_settings(&x, "- name: a\n", &s));
    assert_finding(&x, 0, 1, 1, NULL, "expected a mapping");
    finish(&x);
    assert_false(read_settings(&x, "just words\n", &s));
    assert_finding(&x, 0, 1, 1, NULL, "expected a mapping");
    assert_found_value(&x, 0, "just words");
    finish(&x);
    assert_false(read_settings(&x, "*alias\n", &s));
    assert_int_equal(report_errors(x.r), 1);
    finish(&x);
}

static void a_caller_can_complain_about_a_node(void **state)
{
    struct reading x = parse("a: value\nb: []\nc: *x\n");
    const struct yaml_node *root = yaml_root(x.doc);
    char *long_text = repeated("щ", 1000);

    (void)state;
    yaml_complain(x.doc, yaml_get(root, "a"), "a", x.r, "no field is called %s", "value");
    assert_finding(&x, 1, 1, 4, "a", "no field is called value");
    assert_found_value(&x, 1, "value");
    yaml_complain(x.doc, yaml_get(root, "b"), NULL, x.r, "x%s", long_text);
    assert_finding(&x, 2, 2, 4, NULL, "xщщщ");
    assert_null(report_at(x.r, 2)->value);
    yaml_complain(x.doc, NULL, NULL, x.r, "of the whole file");
    assert_finding(&x, 3, 0, 0, NULL, "of the whole file");
    yaml_complain(x.doc, yaml_get(root, "c"), "c", x.r, "silent: the alias is known already");
    assert_int_equal(report_errors(x.r), 4);
    free(long_text);
    finish(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_comes_out_with_its_marks),
        cmocka_unit_test(text_is_normalised_once_and_for_all),
        cmocka_unit_test(keys_that_become_equal_by_normalising_are_given_twice),
        cmocka_unit_test(the_bytes_may_go_after_parsing),
        cmocka_unit_test(a_windows_file_reads_like_any_other),
        cmocka_unit_test(an_empty_file_is_an_empty_mapping),
        cmocka_unit_test(a_syntax_mistake_is_named_with_its_place),
        cmocka_unit_test(every_tab_in_the_indentation_is_named),
        cmocka_unit_test(a_tab_in_the_place_of_a_value_is_called_a_tab),
        cmocka_unit_test(a_tab_between_key_and_value_is_only_a_blank),
        cmocka_unit_test(bytes_that_are_not_utf8_are_named),
        cmocka_unit_test(utf16_is_not_utf8),
        cmocka_unit_test(everything_refused_is_named_in_one_pass),
        cmocka_unit_test(an_empty_key_is_refused),
        cmocka_unit_test(a_key_given_three_times_is_named_twice),
        cmocka_unit_test(without_a_report_the_first_mistake_is_in_the_sentence),
        cmocka_unit_test(too_many_bytes_are_refused_before_they_are_read),
        cmocka_unit_test(too_deep_a_tree_is_refused_where_it_gets_too_deep),
        cmocka_unit_test(too_many_nodes_are_refused),
        cmocka_unit_test(many_equal_keys_do_not_take_quadratic_time),
        cmocka_unit_test(four_megabytes_of_directives_take_no_longer_than_anything_else),
        cmocka_unit_test(a_right_mapping_fills_the_struct),
        cmocka_unit_test(an_absent_key_leaves_the_default),
        cmocka_unit_test(one_text_is_the_label_of_both_languages),
        cmocka_unit_test(quotes_make_a_text_of_anything),
        cmocka_unit_test(every_mistake_of_a_mapping_is_named_in_one_pass),
        cmocka_unit_test(a_wrong_scalar_is_refused),
        cmocka_unit_test(a_flawed_document_is_never_read_as_right),
        cmocka_unit_test(what_is_no_mapping_is_not_read),
        cmocka_unit_test(a_caller_can_complain_about_a_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
