/* test_home.c: an agent's home: made whole or not at all, refused with a sentence when something is not as it should be
 * (invariant 9), and changed only by what the hub signed (invariant 6). */
#include "agent_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Opening fails like this; `%s` in the text is the home. */
static void assert_opens_with(struct school *s, enum err e, const char *text)
{
    struct agent *a = NULL;
    const char *found = err_text();

    assert_int_equal(agent_open(&a, s->home), e);
    assert_null(a);
    found = err_text();
    if (strstr(found, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, found);
}

static void close_home(struct school *s)
{
    agent_close(s->a);
    s->a = NULL;
}

static void home_path(const struct school *s, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/%s", s->home, name);
}

/* ---- joining ---- */

static void a_new_home_holds_what_the_invitation_brought(void **state)
{
    struct school *s = *state;
    struct buf map;

    assert_false(agent_is_enrolled(s->a));
    assert_string_equal(s->a->code, TEST_CODE);
    assert_int_equal(s->a->form_count, 5);
    assert_non_null(agent_form(s->a, "family"));
    assert_null(agent_form(s->a, "famly"));
    assert_true(calendar_has_series(s->a->calendar, "grade_period"));
    assert_int_equal(s->a->gen.counter, 1);
    buf_init(&map, DIRECTORY_OBJECT_MAX);
    assert_int_equal(agent_map(s->a, "family", &map), OK);
    assert_non_null(strstr(buf_cstr(&map), "form: family"));
    assert_int_equal(agent_map(s->a, "famly", &map), ERR_NOT_FOUND);
    buf_fini(&map);
}

static void a_folder_in_use_is_not_taken(void **state)
{
    struct school *s = *state;
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct buf keep;

    assert_non_null(inv);
    buf_init(&keep, INVITATION_MAX);
    assert_int_equal(invitation_read(inv, &keep, view(&s->invitation_text)), OK);
    assert_int_equal(agent_create(s->home, inv), ERR_EXISTS);
    assert_non_null(strstr(err_text(), "exists and is not empty; choose another folder"));
    buf_fini(&keep);
    free(inv);
}

/* ---- homes that do not open ---- */

static void what_is_no_home_says_how_to_make_one(void **state)
{
    struct school *s = *state;
    struct agent *a = NULL;

    assert_int_equal(agent_open(&a, s->dir), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), " is not the home of an agent (no agent.yaml in it); make one with: "
                                       "svodka-agent join INVITATION --home "));
}

static void a_missing_key_file_is_named(void **state)
{
    static const char *const files[] = {"keys/sign.key", "keys/curve.key", "keys/home.key"};
    struct school *s = *state;

    close_home(s);
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        char aside[256];

        home_path(s, files[i], path);
        home_path(s, "aside", aside);
        assert_int_equal(rename(path, aside), 0);
        assert_opens_with(s, ERR_NOT_FOUND, files[i]);
        assert_opens_with(s, ERR_NOT_FOUND, "put it back from the copy of this folder");
        assert_int_equal(rename(aside, path), 0);
    }
}

static void a_missing_part_of_a_home_is_named(void **state)
{
    static const char *const parts[] = {"agent.yaml", "keys", "store", "store/data.mdb"};
    struct school *s = *state;

    close_home(s);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char path[256];
        char aside[256];
        char text[300];

        home_path(s, parts[i], path);
        home_path(s, "aside", aside);
        (void)snprintf(text, sizeof(text), "%s is missing", path);
        assert_int_equal(rename(path, aside), 0);
        assert_opens_with(s, ERR_NOT_FOUND, text);
        assert_opens_with(s, ERR_NOT_FOUND, "put it back");
        assert_int_equal(rename(aside, path), 0);
    }
    assert_int_equal(agent_open(&s->a, s->home), OK);
}

static void files_that_others_may_read_are_refused(void **state)
{
    struct school *s = *state;
    char path[256];

    close_home(s);
    assert_int_equal(chmod(s->home, 0755), 0);
    assert_opens_with(s, ERR_DENIED, "other users of this computer may look into it; run: chmod 700 ");
    assert_int_equal(chmod(s->home, 0700), 0);
    home_path(s, "keys", path);
    assert_int_equal(chmod(path, 0750), 0);
    assert_opens_with(s, ERR_DENIED, "/keys: other users of this computer may look into it; run: chmod 700 ");
    assert_int_equal(chmod(path, 0700), 0);
    home_path(s, "keys/home.key", path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_opens_with(s, ERR_DENIED, "keys/home.key");
    assert_int_equal(chmod(path, 0600), 0);
    home_path(s, "store", path);
    assert_int_equal(chmod(path, 0755), 0);
    assert_opens_with(s, ERR_DENIED, "store");
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(agent_open(&s->a, s->home), OK);
}

static void a_key_of_another_home_is_noticed_before_anything_is_written(void **state)
{
    static const struct {
        const char *file;
        enum key_kind kind;
    } keys[] = {{"keys/curve.key", KEY_CURVE}, {"keys/sign.key", KEY_SIGN}, {"keys/home.key", KEY_SECRET}};
    struct school *s = *state;

    enrol(s); /* the code, locked under the home's key, is gone */
    close_home(s);
    for (size_t i = 0; i < 3; i++) {
        struct key *k = NULL;
        char path[256];
        char text[512];

        home_path(s, keys[i].file, path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(key_generate(&k, keys[i].kind), OK);
        assert_int_equal(key_write(k, path, keys[i].file), OK);
        key_free(k);
        (void)snprintf(text, sizeof(text),
                       "%s is not the key of this home; put back the file that was made with it "
                       "(nothing was changed)",
                       path);
        assert_opens_with(s, ERR_CORRUPT, text);
    }
}

static void a_damaged_store_is_said_to_be_damaged(void **state)
{
    struct school *s = *state;
    char path[256];
    int fd;

    close_home(s);
    home_path(s, "store/data.mdb", path);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "rubbish", 7), 7);
    close(fd);
    assert_opens_with(s, ERR_CORRUPT, "store");
}

static void a_store_without_the_directory_is_refused(void **state)
{
    struct school *s = *state;
    struct store_txn *t = NULL;

    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(store_delete(t, T_META, bytes_of("directory", 9)), OK);
    assert_int_equal(store_commit(t), OK);
    close_home(s);
    assert_opens_with(s, ERR_CORRUPT,
                      ": the store does not hold the hub's directory; it was not made by svodka-agent join");
}

static void a_changed_directory_is_noticed(void **state) /* invariant 6 */
{
    struct school *s = *state;
    struct buf object;

    buf_init(&object, SIGNED_MAX);
    assert_int_equal(agent_meta_get(s->a, NULL, "directory", &object), OK);
    object.data[object.len / 2] ^= 1;
    assert_int_equal(agent_meta_put(s->a, NULL, "directory", view(&object)), OK);
    buf_fini(&object);
    close_home(s);
    assert_opens_with(s, ERR_CORRUPT, ": the stored directory or grant is damaged (");
}

static void settings_with_mistakes_stop_the_start(void **state)
{
    struct school *s = *state;
    char path[256];

    close_home(s);
    home_path(s, "agent.yaml", path);
    assert_int_equal(cli_write_file(path, "sync.windw: \"01:00-05:00\"\n", 26, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID, "agent.yaml:1:1");
    assert_int_equal(cli_write_file(path, "store.keep_days: 3\n", 19, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID, "store.keep_days");
    assert_int_equal(cli_write_file(path, "sync.window: \"25:00-05:00\"\n", 27, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID,
                      "agent.yaml: sync.window: '25:00-05:00': HH:MM-HH:MM is expected, such as 01:00-05:00");
    assert_int_equal(cli_write_file(path, "sync.days: mo-fr\n", 17, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID, "agent.yaml: sync.days: 'mo-fr': days of the week are expected");
    assert_int_equal(cli_write_file(path, "sync.holidays: summer\n", 22, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID, "agent.yaml: sync.holidays: 'summer': days are expected");
    assert_int_equal(cli_write_file(path, "sync.time_zone: MSK\n", 20, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID, "agent.yaml: sync.time_zone: \"MSK\" is no time zone that this system knows");
    assert_int_equal(cli_write_file(path, "sync.max_bytes_per_night: 1K\n", 29, 0600, true), OK);
    assert_opens_with(s, ERR_INVALID, "agent.yaml: sync.max_bytes_per_night: at least 65536 is expected");
}

static void the_settings_of_the_night_are_read(void **state)
{
    static const char text[] = "sync.window: \"22:30-04:00\"\nsync.days: mon-fri\nsync.holidays: 06-15..08-20, 03-08\n"
                               "sync.time_zone: Asia/Omsk\nsync.max_bytes_per_night: 2M\n";
    struct school *s = *state;
    char path[256];

    close_home(s);
    home_path(s, "agent.yaml", path);
    assert_int_equal(cli_write_file(path, text, sizeof(text) - 1, 0600, true), OK);
    assert_int_equal(agent_open(&s->a, s->home), OK);
    assert_int_equal(s->a->conf.window_from_min, 1350);
    assert_int_equal(s->a->conf.days.off, 0x60);
    assert_int_equal(s->a->conf.days.count, 2);
    assert_int_equal(s->a->conf.max_night, 2 << 20);
    assert_int_equal(zone_at(s->a->conf.zone, 0).minute, 360);
}

/* ---- what the hub says ---- */

static void a_grant_with_our_keys_enrols_and_forgets_the_code(void **state)
{
    struct school *s = *state;

    enrol(s);
    assert_true(agent_is_enrolled(s->a));
    assert_string_equal(s->a->code, "");
    reopen(s);
    assert_true(agent_is_enrolled(s->a));
    assert_string_equal(s->a->code, "");
}

static void older_or_foreign_objects_are_not_taken(void **state) /* invariant 6 */
{
    struct school *s = *state;

    s->directory.version = 5;
    s->grant.version = 5;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), OK);
    s->directory.version = 4;
    s->grant.version = 4;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), ERR_VERSION);
    assert_string_equal(err_text(), "the hub offered an older directory than the one held; it was not taken");
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), ERR_VERSION);
    s->grant.version = 6;
    (void)snprintf(s->grant.participant, sizeof(s->grant.participant), "ms");
    sign_district(s);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), ERR_AUTH);
    assert_string_equal(err_text(), "the grant is another participant's");
    s->directory.version = 6;
    s->directory.district[0] ^= 1; /* of the same root */
    sign_district(s);
    s->directory.district[0] ^= 1;
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), ERR_AUTH);
    assert_int_equal(s->a->directory->version, 5);
    assert_int_equal(s->a->grant->version, 5);
}

/* Invariant 2: an answer for the computer that came after this one must not end this one's membership, or what waits
 * here could never be sent. */
static void a_grant_with_another_computers_keys_is_not_taken(void **state)
{
    struct school *s = *state;

    memcpy(s->grant.sign_key, key_public(s->a->sign), KEY_BYTES);
    memcpy(s->grant.curve_key, key_public(s->a->curve), KEY_BYTES);
    s->grant.version = 5;
    sign_district(s);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), OK);
    s->grant.version = 6;
    s->grant.sign_key[0] ^= 1;
    sign_district(s);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), ERR_DENIED);
    assert_non_null(strstr(err_text(), "another computer"));
    s->grant.sign_key[0] ^= 1;
    s->grant.curve_key[0] ^= 1;
    sign_district(s);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), ERR_DENIED);
    assert_true(agent_is_enrolled(s->a));
    assert_int_equal(s->a->grant->version, 5);
    reopen(s);
    assert_true(agent_is_enrolled(s->a));
}

static void a_form_that_only_a_newer_program_reads_stops_no_other(void **state) /* invariant 2 */
{
    static const char text[] = "form: later\nversion: \"1\"\ntitle: {ru: Потом, en: Later}\nmode: holographic\n";
    struct school *s = *state;
    struct directory_object *o = &s->directory.objects[s->directory.object_count++];
    struct bytes source = bytes_of(text, strlen(text));
    size_t held;

    *o = (struct directory_object){
        .kind = OBJECT_FORM, .name = "later", .version = "1", .size = (uint32_t)source.len, .is_current = true};
    digest(o->digest, source);
    s->directory.version = 2;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
    assert_int_equal(agent_take_object(s->a, o->digest, source), OK);
    reopen(s);
    held = s->a->form_count;
    assert_int_equal(held, 6);
    assert_null(agent_form(s->a, "later"));
    assert_null(agent_form_by_digest(s->a, o->digest));
    assert_string_equal(s->a->forms[held - 1].object->name, "later");
    assert_null(agent_form_at(s->a, held - 1));
    assert_non_null(agent_form(s->a, "family"));
}

static void a_new_form_version_takes_the_place_of_the_old_one(void **state)
{
    struct school *s = *state;
    const struct form *old = agent_form(s->a, "grades-por");
    struct directory_object missing;
    struct buf text;
    char *at;
    uint8_t old_digest[DIGEST_BYTES];
    uint8_t name[DIGEST_BYTES];

    memcpy(old_digest, old->digest, sizeof(old_digest));
    buf_init(&text, FORM_MAX_BYTES);
    buf_put(&text, old->source.p, old->source.len);
    at = strstr((char *)(uintptr_t)buf_cstr(&text), "version: \"1\"");
    assert_non_null(at);
    at[10] = '2';
    digest(name, view(&text));
    for (uint32_t i = 0; i < s->directory.object_count; i++)
        if (strcmp(s->directory.objects[i].name, "grades-por") == 0)
            s->directory.objects[i].is_current = false;
    s->directory.objects[s->directory.object_count] = (struct directory_object){
        .kind = OBJECT_FORM, .name = "grades-por", .version = "2", .size = (uint32_t)text.len, .is_current = true};
    memcpy(s->directory.objects[s->directory.object_count++].digest, name, sizeof(name));
    s->directory.version = 2;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
    assert_string_equal(agent_form(s->a, "grades-por")->version, "1"); /* until its text has come */
    assert_int_equal(agent_missing_object(s->a, 0, &missing), OK);
    assert_memory_equal(missing.digest, name, sizeof(name));
    assert_int_equal(agent_missing_object(s->a, 1, &missing), ERR_NOT_FOUND);
    assert_int_equal(agent_take_object(s->a, name, bytes_of("rubbish", 7)), ERR_INVALID);
    assert_int_equal(agent_take_object(s->a, name, view(&text)), OK);
    assert_string_equal(agent_form(s->a, "grades-por")->version, "2");
    assert_non_null(agent_form_by_digest(s->a, old_digest)); /* the old one stays readable */
    buf_fini(&text);
}

static void forget(void *ctx, int64_t wall_ms, const char *text)
{
    struct buf *out = ctx;

    buf_printf(out, "%lld %s\n", (long long)wall_ms, text);
}

static void messages_wait_until_they_are_read(void **state)
{
    struct school *s = *state;
    struct buf text;

    agent_tell(s->a, "first %d", 1);
    agent_tell(s->a, "второе");
    reopen(s);
    buf_init(&text, 4096);
    assert_int_equal(agent_each_event(s->a, true, forget, &text), OK);
    assert_string_equal(buf_cstr(&text), "1606032000000 first 1\n1606032000000 второе\n");
    buf_reset(&text);
    assert_int_equal(agent_each_event(s->a, false, forget, &text), OK);
    assert_string_equal(buf_cstr(&text), "");
    buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_home_holds_what_the_invitation_brought),
        TEST(a_folder_in_use_is_not_taken),
        TEST(what_is_no_home_says_how_to_make_one),
        TEST(a_missing_key_file_is_named),
        TEST(a_missing_part_of_a_home_is_named),
        TEST(files_that_others_may_read_are_refused),
        TEST(a_key_of_another_home_is_noticed_before_anything_is_written),
        TEST(a_damaged_store_is_said_to_be_damaged),
        TEST(a_store_without_the_directory_is_refused),
        TEST(a_changed_directory_is_noticed),
        TEST(settings_with_mistakes_stop_the_start),
        TEST(the_settings_of_the_night_are_read),
        TEST(a_grant_with_our_keys_enrols_and_forgets_the_code),
        TEST(older_or_foreign_objects_are_not_taken),
        TEST(a_grant_with_another_computers_keys_is_not_taken),
        TEST(a_form_that_only_a_newer_program_reads_stops_no_other),
        TEST(a_new_form_version_takes_the_place_of_the_old_one),
        TEST(messages_wait_until_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
