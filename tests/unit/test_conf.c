/* test_conf.c: a configuration is taken whole, or its first mistake is named with how many more there are
 * (invariant 9). */
#include "common/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct settings {
    const char *hub;
    int64_t queue_max_bytes;
    bool padding;
};

static const struct yaml_key table[] = {
    {.name = "hub", .want = YAML_WANT_TEXT, .offset = offsetof(struct settings, hub)},
    {.name = "queue_max_bytes",
     .want = YAML_WANT_SIZE,
     .offset = offsetof(struct settings, queue_max_bytes),
     .min = 1 << 20,
     .max = INT64_C(1) << 40},
    {.name = "padding", .want = YAML_WANT_BOOLEAN, .offset = offsetof(struct settings, padding)},
    {.name = NULL}};

static char folder[64];
static char path[96];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/svodka-conf-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/agent.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static enum err load(const char *text, struct settings *s, struct yaml_doc **keep)
{
    write_file(text, strlen(text));
    return conf_load(path, table, s, false, keep);
}

static void a_right_file_changes_what_it_names_and_nothing_else(void **state)
{
    struct settings s = {.hub = "default", .queue_max_bytes = 5, .padding = false};
    struct yaml_doc *keep = NULL;

    (void)state;
    assert_int_equal(load("hub: tcp://hub:7000\npadding: yes\n", &s, &keep), OK);
    assert_string_equal(s.hub, "tcp://hub:7000");
    assert_true(s.padding);
    assert_int_equal(s.queue_max_bytes, 5);
    yaml_free(keep);
}

static void an_empty_file_keeps_all_defaults(void **state)
{
    struct settings s = {.hub = "default"};
    struct yaml_doc *keep = NULL;

    (void)state;
    assert_int_equal(load("# all as delivered\n", &s, &keep), OK);
    assert_string_equal(s.hub, "default");
    yaml_free(keep);
}

static void a_missing_file_is_allowed_only_where_the_caller_says_so(void **state)
{
    struct settings s = {.hub = "default"};
    struct yaml_doc *keep = (struct yaml_doc *)&s;

    (void)state;
    (void)unlink(path);
    assert_int_equal(conf_load(path, table, &s, false, &keep), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), path));
    assert_ptr_equal(keep, &s);
    assert_int_equal(conf_load(path, table, &s, true, &keep), OK);
    assert_null(keep);
    assert_string_equal(s.hub, "default");
}

static void the_first_mistake_is_named_and_the_others_counted(void **state)
{
    struct settings s = {.hub = NULL};
    struct yaml_doc *keep = NULL;
    char expected[256];

    (void)state;
    assert_int_equal(load("hub: h\nqueue_max_bytes: 5\n", &s, &keep), ERR_INVALID);
    (void)snprintf(expected, sizeof(expected), "%s:2:18: queue_max_bytes: expected a value from 1M to 1T (found: 5)",
                   path);
    assert_string_equal(err_text(), expected);
    assert_int_equal(load("queue_max_bytes: 5\npading: no\n", &s, &keep), ERR_INVALID);
    assert_non_null(strstr(err_text(), "(found: 5) (and 1 more mistake)"));
    assert_int_equal(load("queue_max_bytes: 5\npading: no\nhub: [a]\n", &s, &keep), ERR_INVALID);
    assert_non_null(strstr(err_text(), "(and 2 more mistakes)"));
    assert_int_equal(load("pading: no\n", &s, &keep), ERR_INVALID);
    assert_non_null(strstr(err_text(), ":1:1: pading: unknown key; did you mean \"padding\"?"));
    assert_null(keep);
}

static void many_mistakes_are_all_counted(void **state)
{
    struct settings s = {.hub = NULL};
    struct yaml_doc *keep = NULL;
    char text[1024] = "";

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "key%u: 1\n", i);
    assert_int_equal(load(text, &s, &keep), ERR_INVALID);
    assert_non_null(strstr(err_text(), "(and 49 more mistakes)"));
}

static void a_syntax_mistake_is_named_in_the_same_way(void **state)
{
    struct settings s = {.hub = NULL};
    struct yaml_doc *keep = NULL;

    (void)state;
    assert_int_equal(load("hub: 'tcp\n", &s, &keep), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "agent.yaml:1:6: not valid YAML: "));
    assert_null(keep);
}

static void what_is_too_large_or_no_file_is_refused(void **state)
{
    struct settings s = {.hub = NULL};
    struct yaml_doc *keep = NULL;
    char *text = malloc(CONF_MAX_BYTES + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '#', CONF_MAX_BYTES + 1);
    write_file(text, CONF_MAX_BYTES + 1);
    free(text);
    assert_int_equal(conf_load(path, table, &s, true, &keep), ERR_LIMIT);
    assert_int_not_equal(conf_load(folder, table, &s, true, &keep), OK);
    assert_null(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_file_changes_what_it_names_and_nothing_else),
        cmocka_unit_test(an_empty_file_keeps_all_defaults),
        cmocka_unit_test(a_missing_file_is_allowed_only_where_the_caller_says_so),
        cmocka_unit_test(the_first_mistake_is_named_and_the_others_counted),
        cmocka_unit_test(many_mistakes_are_all_counted),
        cmocka_unit_test(a_syntax_mistake_is_named_in_the_same_way),
        cmocka_unit_test(what_is_too_large_or_no_file_is_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
