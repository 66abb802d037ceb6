/* test_hub.c: a hub's home is made whole or not at all, and one that is damaged, open to others or incomplete is named
 * with what to do (invariants 6 and 9). */
#include "hub/hub.h"

#include "common/clock.h"
#include "common/folder.h"
#include "hub/audit.h"
#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/registry.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SOME_MS INT64_C(1600000000000) /* September 2020 */

static char dir[64];
static char home[128];

static int make_dir(void **state)
{
    (void)state;
    if (keys_start() != OK)
        return -1;
    clock_test_set(SOME_MS);
    (void)snprintf(dir, sizeof(dir), "/tmp/svodka-hub-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(home, sizeof(home), "%s/home", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    clock_test_real();
    folder_remove(dir);
    return 0;
}

static const char *const one_url[] = {"tcp://127.0.0.1:4780"};

static enum err create(void)
{
    struct hub_init init = {.name = "Район «Север»", .listen = one_url, .listen_count = 1};

    return hub_create(home, &init);
}

static int make_home(void **state)
{
    return make_dir(state) == 0 && create() == OK ? 0 : -1;
}

static const char *in_home(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(in_home(name), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static bool said(const char *part)
{
    if (strstr(err_text(), part) != NULL)
        return true;
    print_message("\"%s\" is not in: %s\n", part, err_text());
    return false;
}

/* Opens and closes; what went wrong. */
static enum err visit(void)
{
    struct hub *h = NULL;
    enum err e = hub_open(&h, home, HUB_READ);

    if (e == OK)
        hub_close(h, false);
    else
        assert_null(h);
    return e;
}

/* ---- making ---- */

static void a_fresh_hub_opens_and_knows_who_it_is(void **state)
{
    struct hub *h = NULL;
    struct stat st;
    static const char *const keys[] = {"root.key",      "recovery.pub", "sign.key",
                                       "seal-2020.key", "storage.key",  "curve.key"};

    (void)state;
    assert_int_equal(create(), OK);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "keys/%s", keys[i]);
        assert_int_equal(stat(in_home(name), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_int_equal(hub_open(&h, home, HUB_CORE), OK);
    assert_string_equal(h->conf.name, "Район «Север»");
    assert_int_equal(h->conf.listen_count, 1);
    assert_int_equal(h->directory->version, 1);
    assert_string_equal(h->directory->endpoints[0].url, one_url[0]);
    assert_memory_equal(h->directory->root, h->root, KEY_BYTES);
    assert_int_equal(h->seal_year[0], 2020);
    assert_int_equal(h->form_count, 0);
    assert_int_equal(registry_count(h->registry), 0);
    hub_close(h, false);
    hub_close(NULL, false);
}

static void no_home_is_made_over_something_else(void **state)
{
    (void)state;
    assert_int_equal(create(), OK);
    assert_int_equal(create(), ERR_EXISTS);
    assert_int_equal(visit(), OK);
}

static void a_home_is_made_whole_or_not_at_all(void **state)
{
    static const char *const bad[] = {"tcp://127.0.0.1"};
    struct hub_init init = {.name = "X", .listen = bad, .listen_count = 1};
    struct stat st;

    (void)state;
    assert_int_equal(hub_create(home, &init), ERR_INVALID);
    assert_int_equal(stat(home, &st), -1);
    assert_int_equal(rmdir(dir), 0); /* nothing lies about */
}

static void names_and_addresses_are_judged_before_anything_is_made(void **state)
{
    static const char *const wild[] = {"tcp://0.0.0.0:4780"};
    struct hub_init init = {.name = "", .listen = one_url, .listen_count = 1};

    (void)state;
    assert_int_equal(hub_create(home, &init), ERR_INVALID);
    init.name = "two\nlines";
    assert_int_equal(hub_create(home, &init), ERR_INVALID);
    assert_true(said("one line"));
    init.name = "\xff";
    assert_int_equal(hub_create(home, &init), ERR_INVALID);
    init.name = "X";
    init.listen_count = 0;
    assert_int_equal(hub_create(home, &init), ERR_INVALID);
    init.listen = wild;
    init.listen_count = 1;
    assert_int_equal(hub_create(home, &init), ERR_INVALID);
    assert_true(said("--announce"));
    init.announce = one_url;
    init.announce_count = 1;
    assert_int_equal(hub_create(home, &init), OK);
    assert_int_equal(visit(), OK);
}

static void an_address_is_tcp_host_and_port(void **state)
{
    static const char *const good[] = {"tcp://192.0.2.1:1", "tcp://hub.example.org:65535", "tcp://[2001:db8::1]:4780",
                                       "tcp://*:4780"};
    static const char *const bad[] = {"",           "tcp://",        "tcp://host",   "tcp://:4780",
                                      "tcp://h:0",  "tcp://h:65536", "udp://h:1",    "tcp://h:12x",
                                      "tcp://h:",   "tcp://a b:1",   "tcp://[zz]:1", "tcp://h:99999999999999999999",
                                      "tcp://**:1", "tcp://a\"\n:1"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(hub_url_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (hub_url_is_valid(bad[i]))
            fail_msg("\"%s\" passed", bad[i]);
    assert_true(hub_url_is_wildcard("tcp://*:4780"));
    assert_true(hub_url_is_wildcard("tcp://[::]:4780"));
    assert_false(hub_url_is_wildcard("tcp://10.0.0.0:4780"));
    assert_false(hub_url_is_wildcard("nonsense"));
}

static void a_passphrase_locks_the_root_key(void **state)
{
    static const struct passphrase words = {"a long enough passphrase", 24};
    static const struct passphrase other = {"another long passphrase", 23};
    struct hub_init init = {.name = "X", .listen = one_url, .listen_count = 1, .root_passphrase = &words};
    struct key *root = NULL;
    struct stat st;

    (void)state;
    assert_int_equal(hub_create(home, &init), OK);
    assert_int_equal(stat(in_home("keys/root.key"), &st), -1);
    assert_int_equal(root_key_unlock(&root, in_home("keys/root.key.locked"), &other), ERR_AUTH);
    assert_null(root);
    assert_int_equal(root_key_unlock(&root, in_home("keys/root.key.locked"), &words), OK);
    key_free(root);
    assert_int_equal(visit(), OK);
    assert_int_equal(unlink(in_home("keys/root.key.locked")), 0);
    assert_int_equal(visit(), OK); /* the hub does not need it from day to day */
}

/* ---- what is wrong with a home ---- */

static void another_folder_is_no_home(void **state)
{
    struct hub *h = NULL;

    (void)state;
    assert_int_equal(hub_open(&h, dir, HUB_READ), ERR_NOT_FOUND);
    assert_true(said("svodka-hub init"));
    assert_int_equal(hub_open(&h, "/tmp/svodka-there-is-no-such-folder", HUB_READ), ERR_NOT_FOUND);
    assert_null(h);
}

static void a_home_that_others_may_touch_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(home, 0770), 0);
    assert_int_equal(visit(), ERR_DENIED);
    assert_true(said("chmod 700"));
    assert_int_equal(chmod(home, 0700), 0);
    assert_int_equal(chmod(in_home("keys"), 0750), 0);
    assert_int_equal(visit(), ERR_DENIED);
    assert_true(said("chmod 700"));
    assert_int_equal(chmod(in_home("keys"), 0700), 0);
    assert_int_equal(chmod(in_home("keys/sign.key"), 0644), 0);
    assert_int_equal(visit(), ERR_DENIED);
    assert_true(said("sign.key"));
    assert_int_equal(chmod(in_home("keys/sign.key"), 0600), 0);
    assert_int_equal(chmod(in_home("store/data.mdb"), 0644), 0);
    assert_int_equal(visit(), ERR_DENIED);
    assert_int_equal(chmod(in_home("store/data.mdb"), 0600), 0);
    assert_int_equal(visit(), OK);
}

static void a_missing_key_is_named(void **state)
{
    static const char *const keys[] = {"keys/sign.key", "keys/storage.key", "keys/curve.key", "keys/seal-2020.key"};
    char away[160];

    (void)state;
    (void)snprintf(away, sizeof(away), "%s/away", dir);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(rename(in_home(keys[i]), away), 0);
        assert_int_equal(visit(), ERR_NOT_FOUND);
        assert_true(said(strchr(keys[i], '/') + 1));
        assert_true(said("back from the recovery copy"));
        assert_int_equal(rename(away, in_home(keys[i])), 0);
    }
    assert_int_equal(visit(), OK);
    assert_int_equal(rename(in_home("keys"), away), 0);
    assert_int_equal(visit(), ERR_NOT_FOUND);
}

static void write_fresh_key(const char *name, enum key_kind kind)
{
    struct key *k = NULL;

    assert_int_equal(key_generate(&k, kind), OK);
    assert_int_equal(key_write(k, in_home(name), "another hub's"), OK);
    key_free(k);
}

static void a_key_of_another_kind_or_hub_is_refused(void **state)
{
    static const struct {
        const char *file;
        enum key_kind right, wrong;
    } keys[] = {{"keys/sign.key", KEY_SIGN, KEY_CURVE},
                {"keys/storage.key", KEY_SECRET, KEY_SIGN},
                {"keys/seal-2020.key", KEY_SEAL, KEY_CURVE},
                {"keys/curve.key", KEY_CURVE, KEY_SEAL}};
    char away[160];

    (void)state;
    (void)snprintf(away, sizeof(away), "%s/away", dir);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(rename(in_home(keys[i].file), away), 0);
        write_fresh_key(keys[i].file, keys[i].wrong);
        assert_int_equal(visit(), ERR_INVALID);
        assert_true(said(keys[i].file));
        assert_int_equal(unlink(in_home(keys[i].file)), 0);
        write_fresh_key(keys[i].file, keys[i].right);
        assert_int_equal(visit(), ERR_INVALID);
        assert_true(said(keys[i].file));
        assert_true(said("key of this hub"));
        assert_int_equal(unlink(in_home(keys[i].file)), 0);
        assert_int_equal(rename(away, in_home(keys[i].file)), 0);
    }
    assert_int_equal(visit(), OK);
}

/* Batches may still come that were sealed to it: the hub must not serve as if it had been given up. */
static void a_sealing_key_of_an_earlier_year_must_be_there(void **state)
{
    struct hub *h = NULL;

    (void)state;
    write_fresh_key("keys/seal-2021.key", KEY_SEAL);
    assert_int_equal(hub_open(&h, home, HUB_CORE), OK); /* which tells the schools */
    assert_int_equal(h->directory->seal_key_count, 2);
    hub_close(h, false);
    assert_int_equal(unlink(in_home("keys/seal-2020.key")), 0);
    assert_int_equal(visit(), ERR_NOT_FOUND);
    assert_true(said("keys/seal-2020.key: the key file is missing"));
}

static void a_damaged_store_is_told_from_a_missing_one(void **state)
{
    FILE *f;

    (void)state;
    f = fopen(in_home("store/data.mdb"), "r+");
    assert_non_null(f);
    for (int i = 0; i < 8192; i++)
        (void)fputc(0x5a, f);
    (void)fclose(f);
    assert_int_equal(visit(), ERR_CORRUPT);
    assert_true(said("store"));
    assert_int_equal(unlink(in_home("store/data.mdb")), 0);
    assert_int_equal(visit(), ERR_NOT_FOUND);
}

static void forget_meta(const char *key)
{
    struct store_txn *t;
    struct hub *h = NULL;

    assert_int_equal(hub_open(&h, home, HUB_WRITE), OK);
    assert_int_equal(store_begin_write(h->store, &t), OK);
    assert_int_equal(store_delete(t, H_META, bytes_of(key, strlen(key))), OK);
    assert_int_equal(store_commit(t), OK);
    hub_close(h, false);
}

static void a_store_without_its_identity_is_damaged(void **state)
{
    static const char *const keys[] = {"directory", "root", "district", "storage-mark"};

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        forget_meta(keys[i]);
        assert_int_equal(visit(), ERR_CORRUPT);
        assert_true(said(keys[i]));
        folder_remove(home);
        assert_int_equal(create(), OK);
    }
}

static void each_mistake_in_hub_yaml_is_named_by_line(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"name: X\n", "listen"},
        {"listen: [tcp://h:1]\n", "name"},
        {"name: X\nlisten: []\n", "hub.yaml:2"},
        {"name: X\nlisten: [tcp://h]\n", "hub.yaml:2:10"},
        {"name: X\nlisten: [tcp://h:1]\nannounce: [[a]]\n", "hub.yaml:3"},
        {"name: X\nlisten: [\"tcp://*:1\"]\n", "announce"},
        {"name: \"\"\nlisten: [tcp://h:1]\n", "name"},
        {"name: X\nlisten: [tcp://h:1]\nintake.workers: 0\n", "intake.workers"},
        {"name: X\nlisten: [tcp://h:1]\ngateway.slot: 3\n", "gateway.slots"},
        {"name: X\nlisten: [tcp://h:1]\nintake.group: 5 minutes\n", ":3:"},
        {"name: X\nlisten: [tcp://h:1]\ngateway.credit: 4K\n", "gateway.credit: at least gateway.chunk (65536 bytes)"},
        {"name: X\n\tlisten: 1\n", "tab"},
        {"name: [X\n", "hub.yaml"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum err e;

        write_text("hub.yaml", cases[i].text);
        e = visit();
        if (e != ERR_INVALID && e != ERR_MALFORMED)
            fail_msg("%s: %s", cases[i].text, err_name(e));
        assert_true(said(cases[i].said));
    }
}

/* ---- the directory ---- */

static void new_addresses_reach_the_schools_when_the_core_starts(void **state)
{
    struct hub *h = NULL;

    (void)state;
    assert_int_equal(hub_open(&h, home, HUB_READ), OK);
    assert_false(hub_directory_is_stale(h));
    hub_close(h, false);
    write_text("hub.yaml", "name: \"Новое имя\"\nlisten: [\"tcp://*:4780\"]\nannounce: [tcp://192.0.2.7:4780]\n");
    assert_int_equal(hub_open(&h, home, HUB_READ), OK);
    assert_true(hub_directory_is_stale(h));
    assert_int_equal(h->directory->version, 1); /* a command that only reads changes nothing */
    hub_close(h, false);
    assert_int_equal(hub_open(&h, home, HUB_CORE), OK);
    assert_int_equal(h->directory->version, 2);
    assert_string_equal(h->directory->endpoints[0].url, "tcp://192.0.2.7:4780");
    assert_string_equal(h->directory->name, "Новое имя");
    assert_false(hub_directory_is_stale(h));
    /* Half of its 180 days are over: time for a fresh one. */
    clock_test_set(SOME_MS + 91 * INT64_C(86400000));
    assert_true(hub_directory_is_stale(h));
    hub_close(h, false);
}

/* ---- reloading, objects, audit ---- */

static const char programme_yaml[] = "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n"
                                     "  - {id: N-1, name: N, form: f, kind: count}\n";
static const char form_yaml[] = "form: f\nversion: \"1\"\ntitle: F\nmode: record\nrole: school\nperiod: stage\n"
                                "survey:\n  - {type: integer, name: a, label: A}\n";
static const char periods_yaml[] = "periods:\n  - series: stage\n    periods:\n"
                                   "      - {id: one, from: 2020-09-01, to: 2020-10-31}\n";

static void file_of(struct pack_file *f, const char *name, const char *text)
{
    *f = (struct pack_file){(char *)(uintptr_t)name, (void *)(uintptr_t)text, strlen(text)};
}

/* Programme `id`, whose form is due in a series that only programme p gives. */
static enum err load_into(struct hub *h, struct store_txn *t, const char *programme, const char *form, bool has_periods)
{
    struct pack_file files[3];
    struct pack pack = {files, has_periods ? 3 : 2};
    struct programme *p = NULL;
    struct calendar *c = NULL;
    struct report *r = NULL;
    char id[FORM_NAME_MAX + 1];
    enum err e;

    file_of(&files[0], "programme.yaml", programme);
    file_of(&files[1], "forms/f.yaml", form);
    file_of(&files[2], "periods.yaml", periods_yaml);
    assert_true(pack_programme_id(&pack, id));
    assert_int_equal(report_new(&r, 0), OK);
    assert_int_equal(hub_calendar(t, id, &c), OK);
    if ((e = programme_load(&p, &pack, c, r)) != OK)
        report_print(r, stderr);
    else
        e = hub_add_programme(h, t, &pack, p);
    programme_free(p);
    calendar_free(c);
    report_free(r);
    return e;
}

static void what_a_transaction_did_not_commit_is_gone_after_a_reload(void **state)
{
    struct hub *h = NULL;
    struct store_txn *t;
    uint64_t version;

    (void)state;
    assert_int_equal(hub_open(&h, home, HUB_WRITE), OK);
    assert_int_equal(store_begin_write(h->store, &t), OK);
    assert_int_equal(load_into(h, t, programme_yaml, form_yaml, true), OK);
    assert_int_equal(hub_reload(h, t), OK);
    assert_int_equal(h->programme_count, 1);
    assert_non_null(hub_form_by_id(h, "f"));
    assert_int_equal(h->directory->object_count, 2); /* the form and the calendar */
    store_abort(t);
    ledger_aborted(h->ledger);
    assert_int_equal(hub_reload(h, NULL), OK);
    assert_int_equal(h->programme_count, 0);
    assert_null(hub_form_by_id(h, "f"));
    assert_int_equal(store_begin_read(h->store, &t), OK);
    assert_int_equal(hub_definitions_version(t, &version), OK);
    assert_int_equal(version, 0);
    store_abort(t);
    hub_close(h, false);
}

static void a_form_may_be_due_in_a_series_of_another_programme(void **state)
{
    static const char other_yaml[] = "programme: a\nversion: \"1\"\ntitle: A\nindicators: []\n";
    static const char g_yaml[] = "form: g\nversion: \"1\"\ntitle: G\nmode: record\nrole: school\nperiod: stage\n"
                                 "survey:\n  - {type: integer, name: a, label: A}\n";
    struct hub *h = NULL;
    struct store_txn *t;
    enum object_kind kind;
    struct bytes object;

    (void)state;
    assert_int_equal(hub_open(&h, home, HUB_WRITE), OK);
    assert_int_equal(store_begin_write(h->store, &t), OK);
    assert_int_equal(load_into(h, t, programme_yaml, form_yaml, true), OK);
    /* "a" stands before "p" in the store, and its form needs the series of "p". */
    assert_int_equal(load_into(h, t, other_yaml, g_yaml, false), OK);
    assert_int_equal(store_commit(t), OK);
    ledger_committed(h->ledger);
    hub_close(h, true);
    assert_int_equal(hub_open(&h, home, HUB_READ), OK);
    assert_int_equal(h->programme_count, 2);
    assert_int_equal(h->definitions_version, 2);
    assert_int_equal(store_begin_read(h->store, &t), OK);
    assert_int_equal(hub_object(t, hub_form_by_id(h, "g")->digest, &kind, &object), OK);
    assert_int_equal(kind, OBJECT_FORM);
    assert_int_equal(object.len, sizeof(g_yaml) - 1);
    assert_int_equal(hub_object(t, (const uint8_t *)"01234567890123456789012345678901", &kind, &object), ERR_NOT_FOUND);
    store_abort(t);
    hub_close(h, false);
}

/* Invariant 5: a hub that lost a file of a programme must not go on without its indicators. */
static void a_programme_that_lost_a_file_is_damage_and_not_the_end_of_the_list(void **state)
{
    struct hub *h = NULL;
    struct store_txn *t;

    (void)state;
    for (int is_periods = 0; is_periods < 2; is_periods++) {
        uint8_t lost[DIGEST_BYTES];

        assert_int_equal(hub_open(&h, home, HUB_WRITE), OK);
        assert_int_equal(store_begin_write(h->store, &t), OK);
        assert_int_equal(load_into(h, t, programme_yaml, form_yaml, true), OK);
        digest(lost, is_periods != 0 ? bytes_of(periods_yaml, strlen(periods_yaml))
                                     : bytes_of(programme_yaml, strlen(programme_yaml)));
        assert_int_equal(store_delete(t, H_OBJECTS, bytes_of(lost, sizeof(lost))), OK);
        assert_int_equal(store_commit(t), OK);
        ledger_committed(h->ledger);
        hub_close(h, false);
        assert_int_equal(visit(), ERR_CORRUPT);
        assert_true(said("is missing from the hub's store"));
        folder_remove(home);
        assert_int_equal(create(), OK);
    }
}

static void the_audit_keeps_who_did_what_in_order(void **state)
{
    struct hub *h = NULL;
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key, value;

    (void)state;
    assert_int_equal(hub_open(&h, home, HUB_WRITE), OK);
    assert_int_equal(store_begin_write(h->store, &t), OK);
    assert_int_equal(hub_audit_do(h, t, "office:anna", AUDIT_VIEW_EXPLAIN, "quality", "count=%d", 3), OK);
    assert_int_equal(hub_audit_do(h, t, "office:anna", AUDIT_VIEW_EXPLAIN, "quality", "%s", ""), OK);
    assert_int_equal(store_count(t, H_AUDIT), 3); /* the first one says that the hub was made */
    assert_int_equal(store_cursor_open(t, H_AUDIT, &c), OK);
    assert_int_equal(store_seek(c, bytes_of("", 0), &key, &value), OK);
    assert_int_equal(be64_get(key.p), 1);
    assert_int_equal(store_next(c, &key, &value), OK);
    assert_int_equal(be64_get(key.p), 2);
    assert_non_null(memmem(value.p, value.len, "view.explain", 12));
    assert_non_null(memmem(value.p, value.len, "count=3", 7));
    store_cursor_close(c);
    store_abort(t);
    hub_close(h, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fresh_hub_opens_and_knows_who_it_is, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(no_home_is_made_over_something_else, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_home_is_made_whole_or_not_at_all, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(names_and_addresses_are_judged_before_anything_is_made, make_dir, remove_dir),
        cmocka_unit_test(an_address_is_tcp_host_and_port),
        cmocka_unit_test_setup_teardown(a_passphrase_locks_the_root_key, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(another_folder_is_no_home, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_home_that_others_may_touch_is_refused, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(a_missing_key_is_named, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(a_key_of_another_kind_or_hub_is_refused, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(a_sealing_key_of_an_earlier_year_must_be_there, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(a_damaged_store_is_told_from_a_missing_one, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(a_store_without_its_identity_is_damaged, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(each_mistake_in_hub_yaml_is_named_by_line, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(new_addresses_reach_the_schools_when_the_core_starts, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(what_a_transaction_did_not_commit_is_gone_after_a_reload, make_home,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_form_may_be_due_in_a_series_of_another_programme, make_home, remove_dir),
        cmocka_unit_test_setup_teardown(a_programme_that_lost_a_file_is_damage_and_not_the_end_of_the_list, make_home,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(the_audit_keeps_who_did_what_in_order, make_home, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
