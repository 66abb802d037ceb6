/* test_audit.c: the audit is a chain with signed heads: whatever is taken out, put in, altered or moved is named, by
 * the hub and by somebody who has nothing but the exported file and the root's fingerprint (invariant 6). */
#include "hub/audit.h"

#include "common/clock.h"
#include "common/folder.h"
#include "hub/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SOME_MS INT64_C(1600000000000)

static char dir[64], home[128];
static struct hub *hub;
static char faults[8192];

static int make_home(void **state)
{
    static const char *const urls[] = {"tcp://127.0.0.1:4780"};
    struct hub_init init = {.name = "Район", .listen = urls, .listen_count = 1};

    (void)state;
    if (keys_start() != OK)
        return -1;
    clock_test_set(SOME_MS);
    (void)snprintf(dir, sizeof(dir), "/tmp/svodka-audit-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(home, sizeof(home), "%s/home", dir);
    return hub_create(home, &init) == OK && hub_open(&hub, home, HUB_WRITE) == OK ? 0 : -1;
}

static int remove_home(void **state)
{
    (void)state;
    hub_close(hub, false);
    hub = NULL;
    clock_test_real();
    folder_remove(dir);
    return 0;
}

static struct store_txn *writing(void)
{
    struct store_txn *t;

    assert_int_equal(store_begin_write(hub->store, &t), OK);
    return t;
}

/* `count` entries, numbered in their subject. */
static void add_entries(unsigned count, bool sign)
{
    struct store_txn *t = writing();
    char subject[16];

    for (unsigned i = 1; i <= count; i++) {
        (void)snprintf(subject, sizeof(subject), "s%u", i);
        assert_int_equal(
            hub_audit_do(hub, t, "office:anna", AUDIT_VIEW_EXPLAIN, subject, "period=%s\nunit=%s", "2020", ""), OK);
    }
    if (sign)
        assert_int_equal(audit_sign(hub, t), OK);
    assert_int_equal(store_commit(t), OK);
}

static void say(void *ctx, const char *text)
{
    size_t at = strlen(faults);

    (void)ctx;
    (void)snprintf(faults + at, sizeof(faults) - at, "%s\n", text);
}

static uint64_t verify(void)
{
    struct audit_totals n;

    faults[0] = '\0';
    assert_int_equal(audit_verify(hub, say, NULL, &n), OK);
    return n.bad;
}

static void check_says(const char *part)
{
    assert_true(verify() > 0);
    if (strstr(faults, part) == NULL)
        fail_msg("expected: %s\nsaid: %s", part, faults);
}

static void get_entry(uint64_t number, struct audit_entry *out)
{
    struct store_txn *t;
    struct bytes value;
    uint8_t key[8];

    be64_put(key, number);
    assert_int_equal(store_begin_read(hub->store, &t), OK);
    assert_int_equal(store_get(t, H_AUDIT, bytes_of(key, 8), &value), OK);
    assert_int_equal(audit_entry_decode(out, number, value), OK);
    store_abort(t);
}

static void put_entry(const struct audit_entry *e)
{
    struct store_txn *t = writing();
    struct buf b;
    uint8_t key[8];

    be64_put(key, e->number);
    buf_init(&b, AUDIT_ENTRY_MAX);
    assert_int_equal(audit_entry_encode(&b, e), OK);
    assert_int_equal(store_put(t, H_AUDIT, bytes_of(key, 8), bytes_of(b.data, b.len)), OK);
    assert_int_equal(store_commit(t), OK);
    buf_fini(&b);
}

static void remove_row(unsigned table, uint64_t number)
{
    struct store_txn *t = writing();
    uint8_t key[8];

    be64_put(key, number);
    assert_int_equal(store_delete(t, table, bytes_of(key, 8)), OK);
    assert_int_equal(store_commit(t), OK);
}

static void a_fresh_hub_begins_its_audit_and_signs_it(void **state)
{
    struct audit_entry e;
    struct audit_totals n;

    (void)state;
    get_entry(1, &e);
    assert_string_equal(e.code, "hub.init");
    assert_int_equal(e.wall_ms, SOME_MS);
    assert_int_equal(audit_verify(hub, say, NULL, &n), OK);
    assert_int_equal(n.bad, 0);
    assert_int_equal(n.signed_number, 1);
}

static void entries_follow_from_each_other(void **state)
{
    struct audit_entry e;
    struct audit_totals n;

    (void)state;
    add_entries(200, true);
    get_entry(201, &e);
    assert_string_equal(e.who, "office:anna");
    assert_string_equal(e.subject, "s200");
    assert_string_equal(e.detail, "period=2020\nunit=");
    assert_int_equal(audit_verify(hub, say, NULL, &n), OK);
    assert_int_equal(n.bad, 0);
    assert_int_equal(n.entries, 201);
    assert_int_equal(n.heads, 5); /* 1, 64, 128, 192, 201 */
    assert_int_equal(n.signed_number, 201);
}

static void what_stands_behind_the_last_head_is_not_called_signed(void **state)
{
    struct audit_totals n;

    (void)state;
    add_entries(3, false);
    assert_int_equal(audit_verify(hub, say, NULL, &n), OK);
    assert_int_equal(n.bad, 0);
    assert_int_equal(n.signed_number, 1);
}

static void a_gap_is_named(void **state)
{
    (void)state;
    add_entries(10, true);
    remove_row(H_AUDIT, 5);
    check_says("entry 5 is missing");
    remove_row(H_AUDIT, 6);
    check_says("entries 5 to 6 are missing");
}

static void a_removed_end_is_named_by_the_head_that_signed_it(void **state)
{
    (void)state;
    add_entries(10, true);
    remove_row(H_AUDIT, 11);
    remove_row(H_AUDIT, 10);
    check_says("the end is missing: entries 10 to 11");
}

static void a_removed_beginning_is_named(void **state)
{
    (void)state;
    add_entries(3, true);
    remove_row(H_AUDIT, 1);
    check_says("entry 1 is missing");
}

static void an_altered_entry_is_named(void **state)
{
    struct audit_entry e;

    (void)state;
    add_entries(10, true);
    get_entry(5, &e);
    (void)snprintf(e.who, sizeof(e.who), "office:boris");
    put_entry(&e);
    check_says("entry 6 does not follow from the one before it");
}

static void the_altered_last_entry_is_named_by_its_head(void **state)
{
    struct audit_entry e;

    (void)state;
    add_entries(10, true);
    get_entry(11, &e);
    e.wall_ms++;
    put_entry(&e);
    check_says("entry 11 is not what was signed");
}

/* Somebody who can write into the store but has no signing key computes the whole chain anew. */
static void a_chain_made_anew_is_named_by_the_first_head_behind_it(void **state)
{
    struct audit_entry e;
    uint8_t before[DIGEST_BYTES];
    struct buf b;

    (void)state;
    add_entries(100, true);
    get_entry(70, &e);
    (void)snprintf(e.subject, sizeof(e.subject), "somebody else");
    put_entry(&e);
    for (uint64_t i = 71; i <= 101; i++) {
        buf_init(&b, AUDIT_ENTRY_MAX);
        assert_int_equal(audit_entry_encode(&b, &e), OK);
        audit_entry_digest(before, e.number, bytes_of(b.data, b.len));
        buf_fini(&b);
        get_entry(i, &e);
        memcpy(e.before, before, DIGEST_BYTES);
        put_entry(&e);
    }
    check_says("entry 101 is not what was signed on");
    assert_non_null(strstr(faults, "an entry after 64 was altered"));
    assert_null(strstr(faults, "does not follow"));
}

static void a_head_that_must_be_there_and_is_not_is_named(void **state)
{
    (void)state;
    add_entries(100, true);
    remove_row(H_AUDIT_HEADS, 64);
    check_says("the signed head of entry 64 is missing");
}

static void a_head_by_another_key_counts_for_nothing(void **state)
{
    struct audit_head h = {.number = 1, .wall_ms = SOME_MS};
    struct store_txn *t;
    struct key *other;
    struct bytes value;
    struct buf b;
    uint8_t key[8];

    (void)state;
    be64_put(key, 1);
    memcpy(h.district, hub->district, sizeof(h.district));
    assert_int_equal(store_begin_read(hub->store, &t), OK);
    assert_int_equal(store_get(t, H_AUDIT, bytes_of(key, 8), &value), OK);
    audit_entry_digest(h.digest, 1, value);
    store_abort(t);
    assert_int_equal(key_generate(&other, KEY_SIGN), OK);
    buf_init(&b, AUDIT_HEAD_MAX);
    assert_int_equal(audit_head_make(&b, &h, other), OK);
    t = writing();
    assert_int_equal(store_put(t, H_AUDIT_HEADS, bytes_of(key, 8), bytes_of(b.data, b.len)), OK);
    assert_int_equal(store_commit(t), OK);
    check_says("the head of entry 1 is not signed by this hub");
    buf_fini(&b);
    key_free(other);
}

static void a_damaged_entry_is_named_and_the_rest_is_checked(void **state)
{
    static const uint8_t junk[] = {0x93, 0x01, 0xC1};
    struct store_txn *t;
    uint8_t key[8];

    (void)state;
    add_entries(10, true);
    be64_put(key, 4);
    t = writing();
    assert_int_equal(store_put(t, H_AUDIT, bytes_of(key, 8), bytes_of(junk, sizeof(junk))), OK);
    assert_int_equal(store_commit(t), OK);
    check_says("entry 4 cannot be read");
    assert_null(strstr(faults, "entry 11"));
}

/* ---- what is in an entry ---- */

static void text_from_outside_cannot_forge_lines_or_break_utf8(void **state)
{
    struct store_txn *t = writing();
    struct audit_entry e;

    (void)state;
    assert_int_equal(hub_audit_do(hub, t, "office:a\nb", AUDIT_SCHOOL_INVITE, "x\ny\x01z", "version=%s", "1\xFF"), OK);
    assert_int_equal(hub_audit_do(hub, t, "", AUDIT_KEY_ROTATE, NULL, "number=%d\rx", 5), OK);
    assert_int_equal(store_commit(t), OK);
    get_entry(2, &e);
    assert_string_equal(e.who, "office:a b");
    assert_string_equal(e.subject, "x y z");
    assert_string_equal(e.detail, "version=1");
    get_entry(3, &e);
    assert_string_equal(e.who, "?");
    assert_string_equal(e.code, "key.rotate");
    assert_string_equal(e.subject, "");
    assert_string_equal(e.detail, "number=5 x");
    assert_int_equal(verify(), 0);
}

static void what_is_too_long_is_cut_and_still_kept(void **state)
{
    static char longer[4000];
    struct store_txn *t = writing();
    struct audit_entry e;

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    assert_int_equal(hub_audit_do(hub, t, longer, AUDIT_SCHOOL_INVITE, longer, "%s", longer), OK);
    assert_int_equal(store_commit(t), OK);
    get_entry(2, &e);
    assert_int_equal(strlen(e.who), AUDIT_WHO_MAX);
    assert_int_equal(strlen(e.detail), AUDIT_DETAIL_MAX);
}

static void details_are_read_in_words_and_what_is_empty_is_left_out(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    audit_put_detail(&b, "period=2020\nunit=\nnew-name=a=b\nby=");
    assert_string_equal(buf_cstr(&b), "period: 2020; new-name: a=b");
    buf_reset(&b);
    audit_put_detail(&b, "whole=no\nagain=yes\nno name");
    assert_string_equal(buf_cstr(&b), "whole: no; again: yes; no name");
    buf_fini(&b);
    assert_string_equal(audit_words("no.such"), "no.such");
    assert_string_equal(audit_code(AUDIT_ACTIONS), "");
    for (unsigned a = 0; a < AUDIT_ACTIONS; a++) {
        assert_non_null(audit_code((enum audit_action)a));
        assert_true(strlen(audit_code((enum audit_action)a)) <= AUDIT_CODE_MAX);
        assert_string_not_equal(audit_words(audit_code((enum audit_action)a)), audit_code((enum audit_action)a));
        for (unsigned b2 = 0; b2 < a; b2++)
            assert_string_not_equal(audit_code((enum audit_action)a), audit_code((enum audit_action)b2));
    }
}

static void an_aborted_action_leaves_no_entry(void **state)
{
    struct store_txn *t = writing();
    uint64_t last;

    (void)state;
    assert_int_equal(hub_audit_do(hub, t, "office:anna", AUDIT_KEY_ROTATE, "sign", "%s", ""), OK);
    store_abort(t);
    assert_int_equal(store_begin_read(hub->store, &t), OK);
    assert_int_equal(audit_last(t, &last), OK);
    assert_int_equal(last, 1);
    store_abort(t);
}

/* ---- the file ---- */

static void export_all(struct buf *out)
{
    struct store_txn *t;
    uint64_t entries;

    buf_init(out, AUDIT_FILE_MAX);
    assert_int_equal(store_begin_read(hub->store, &t), OK);
    assert_int_equal(audit_export(hub, t, out, &entries), OK);
    store_abort(t);
}

static uint64_t check_file(const struct buf *file, enum err *e)
{
    struct audit_file_head head;
    struct audit_check *c;
    struct audit_totals n = {.bad = 99};

    faults[0] = '\0';
    if ((*e = audit_file_read(&head, bytes_of(file->data, file->len), NULL, NULL)) != OK)
        return 99;
    assert_int_equal(audit_check_new(&c, head.district, head.root, say, NULL), OK);
    *e = audit_file_read(&head, bytes_of(file->data, file->len), audit_check_row, c);
    audit_check_end(c, &n);
    return n.bad;
}

static void an_exported_audit_is_checked_without_the_hub(void **state)
{
    struct buf file;
    enum err e;

    (void)state;
    add_entries(150, true);
    export_all(&file);
    assert_int_equal(check_file(&file, &e), 0);
    assert_int_equal(e, OK);
    buf_fini(&file);
}

static void a_cut_or_altered_file_is_refused_at_every_byte(void **state)
{
    struct buf file;
    enum err e;

    (void)state;
    add_entries(2, true);
    export_all(&file);
    for (size_t len = 0; len < file.len; len++) {
        struct buf cut = {.data = file.data, .len = len};

        (void)check_file(&cut, &e);
        assert_int_equal(e, ERR_MALFORMED);
    }
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        assert_true(check_file(&file, &e) > 0);
        assert_true(e == ERR_MALFORMED || (i == 4 && e == ERR_VERSION));
        file.data[i] ^= 1;
    }
    buf_fini(&file);
}

/* The digest at the end is no signature: whoever alters the file can put a right one there.  The heads cannot be. */
static void a_file_altered_with_care_is_found_by_its_heads(void **state)
{
    struct buf file;
    uint8_t *at, *root;
    enum err e;

    (void)state;
    add_entries(2, true);
    export_all(&file);
    at = memmem(file.data, file.len, "office:anna", 11);
    assert_non_null(at);
    at[7] = 'b';
    digest(file.data + file.len - DIGEST_BYTES, bytes_of(file.data, file.len - DIGEST_BYTES));
    assert_true(check_file(&file, &e) > 0);
    assert_int_equal(e, OK);
    at[7] = 'a';
    root = file.data + 5 + DISTRICT_BYTES; /* another root: then no certificate holds */
    root[0] ^= 1;
    digest(file.data + file.len - DIGEST_BYTES, bytes_of(file.data, file.len - DIGEST_BYTES));
    assert_true(check_file(&file, &e) > 0);
    assert_non_null(strstr(faults, "not by this hub's root key"));
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fresh_hub_begins_its_audit_and_signs_it, make_home, remove_home),
        cmocka_unit_test_setup_teardown(entries_follow_from_each_other, make_home, remove_home),
        cmocka_unit_test_setup_teardown(what_stands_behind_the_last_head_is_not_called_signed, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_gap_is_named, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_removed_end_is_named_by_the_head_that_signed_it, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_removed_beginning_is_named, make_home, remove_home),
        cmocka_unit_test_setup_teardown(an_altered_entry_is_named, make_home, remove_home),
        cmocka_unit_test_setup_teardown(the_altered_last_entry_is_named_by_its_head, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_chain_made_anew_is_named_by_the_first_head_behind_it, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_head_that_must_be_there_and_is_not_is_named, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_head_by_another_key_counts_for_nothing, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_damaged_entry_is_named_and_the_rest_is_checked, make_home, remove_home),
        cmocka_unit_test_setup_teardown(text_from_outside_cannot_forge_lines_or_break_utf8, make_home, remove_home),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_cut_and_still_kept, make_home, remove_home),
        cmocka_unit_test_setup_teardown(details_are_read_in_words_and_what_is_empty_is_left_out, make_home,
                                        remove_home),
        cmocka_unit_test_setup_teardown(an_aborted_action_leaves_no_entry, make_home, remove_home),
        cmocka_unit_test_setup_teardown(an_exported_audit_is_checked_without_the_hub, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_cut_or_altered_file_is_refused_at_every_byte, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_file_altered_with_care_is_found_by_its_heads, make_home, remove_home),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
