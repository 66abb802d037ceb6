/* verify: clean after every kind of submission, and dirty after every kind of tampering (invariant 5). */
#include "ledger_fixture.h"

/* A hub in which every table has something in it. */
static void open_full(struct world *w)
{
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 99), grade(4, "gleb", 20)};
    struct sub two[] = {correction(5, 2, "boris", 9), retraction(6, 4), grade(7, "dina", 15)};
    uint8_t head[DIGEST_BYTES];

    world_open(w);
    take_array(w, one, COUNT(one), 1, head, NULL);
    take_array(w, two, COUNT(two), 2, head, NULL);
    assert_int_equal(verify_bad(w), 0);
}

/* Changes one byte of the value of the first key at or after `from`. */
static void flip_value(struct world *w, unsigned table, struct bytes from, size_t at)
{
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key;
    struct bytes value;
    struct buf copy;
    struct buf copied_key;

    buf_init(&copy, 1 << 22);
    buf_init(&copied_key, STORE_KEY_MAX);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_cursor_open(t, table, &c));
    MUST(store_seek(c, from, &key, &value));
    buf_put(&copy, value.p, value.len);
    buf_put(&copied_key, key.p, key.len);
    store_cursor_close(c);
    assert_true(at < copy.len);
    copy.data[at] ^= 1;
    MUST(store_put(t, table, bytes_of(copied_key.data, copied_key.len), bytes_of(copy.data, copy.len)));
    MUST(store_commit(t));
    buf_fini(&copy);
    buf_fini(&copied_key);
    ledger_committed(w->hub->ledger);
}

static uint64_t verify_quietly(struct world *w, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    uint64_t bad;

    assert_non_null(to);
    MUST(ledger_verify(w->hub, to, &bad));
    (void)fclose(to);
    if (bad > 0 && strstr(text, expected) == NULL)
        fail_msg("not said: %s; but: %s", expected, text);
    free(text);
    return bad;
}

static void delete_first(struct world *w, unsigned table)
{
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key;
    struct bytes value;
    uint8_t copy[STORE_KEY_MAX];
    size_t len;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_cursor_open(t, table, &c));
    MUST(store_seek(c, bytes_of("", 0), &key, &value));
    len = key.len;
    memcpy(copy, key.p, len);
    store_cursor_close(c);
    MUST(store_delete(t, table, bytes_of(copy, len)));
    MUST(store_commit(t));
}

static void a_changed_row_of_any_table_is_found(void **state)
{
    static const struct {
        unsigned table;
        const char *text;
    } cases[] = {{H_CELLS, "cells"},
                 {H_RANGES, "received numbers"},
                 {H_DEAD, "corrected and retracted"},
                 {H_CURRENT, "current submissions"},
                 {H_QUARANTINE, "quarantine"},
                 {H_BATCHES, ""}};
    struct world w;

    (void)state;
    open_full(&w);
    for (size_t i = 0; i < COUNT(cases); i++) {
        flip_value(&w, cases[i].table, bytes_of("", 0), 8);
        assert_true(verify_quietly(&w, cases[i].text) > 0);
        flip_value(&w, cases[i].table, bytes_of("", 0), 8);
        assert_int_equal(verify_bad(&w), 0);
    }
    world_close(&w);
}

static void a_missing_or_an_added_row_is_found(void **state)
{
    static const unsigned tables[] = {H_SLOTS, H_CELLS, H_CURRENT};
    struct store_txn *t;
    struct world w;

    (void)state;
    for (size_t i = 0; i < COUNT(tables); i++) {
        open_full(&w);
        delete_first(&w, tables[i]);
        assert_true(verify_quietly(&w, "but is not stored") == 1);
        world_close(&w);
    }
    open_full(&w);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_put(t, H_CELLS, bytes_of("0123456789abcdefgp\0002020-09", 27), bytes_of("x", 1)));
    MUST(store_put(t, H_CELLS, bytes_of("short", 5), bytes_of("x", 1)));
    MUST(store_put(t, H_SLOTS, bytes_of("short", 5), bytes_of("", 0)));
    MUST(store_put(t, H_DEAD, bytes_of("short", 5), bytes_of("", 0)));
    MUST(store_put(t, H_CURRENT, bytes_of("short", 5), bytes_of("", 0)));
    MUST(store_commit(t));
    assert_int_equal(verify_quietly(&w, "does not follow from the journal"), 5);
    world_close(&w);
}

static uint64_t last_entry(const struct world *w)
{
    struct journal_head head;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(journal_head(t, &head));
    store_abort(t);
    return head.lsn;
}

/* Any byte of any entry; also of the last, which nothing follows. */
static void a_flipped_byte_anywhere_in_the_journal_is_found(void **state)
{
    struct world w;
    uint64_t last;

    (void)state;
    open_full(&w);
    last = last_entry(&w);
    for (uint64_t lsn = 1; lsn <= last; lsn++) {
        struct store_txn *t;
        struct bytes entry;
        uint8_t key[8];
        size_t len;

        MUST(store_begin_read(w.hub->store, &t));
        MUST(journal_get(t, lsn, &entry));
        len = entry.len;
        store_abort(t);
        be64_put(key, lsn);
        for (size_t at = 0; at < len; at += 1 + len / 12) {
            flip_value(&w, H_JOURNAL, bytes_of(key, 8), at);
            assert_true(verify_quietly(&w, "") > 0);
            flip_value(&w, H_JOURNAL, bytes_of(key, 8), at);
        }
    }
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_flipped_byte_of_a_batch_is_found(void **state)
{
    struct world w;

    (void)state;
    open_full(&w);
    for (size_t at = 0; at < 400; at += 37) {
        flip_value(&w, H_BLOBS, bytes_of("", 0), at);
        assert_true(verify_quietly(&w, "are not those that were received") > 0);
        flip_value(&w, H_BLOBS, bytes_of("", 0), at);
    }
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_changed_receipt_is_found(void **state)
{
    struct world w;

    (void)state;
    open_full(&w);
    for (size_t at = 45; at < 250; at += 20) {
        flip_value(&w, H_BATCHES, bytes_of("", 0), at);
        assert_true(verify_quietly(&w, "") > 0);
        flip_value(&w, H_BATCHES, bytes_of("", 0), at);
    }
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_missing_entry_or_blob_is_found(void **state)
{
    struct store_txn *t;
    struct world w;
    uint8_t key[8];

    (void)state;
    open_full(&w);
    delete_first(&w, H_BLOBS);
    assert_true(verify_quietly(&w, "") > 0);
    world_close(&w);
    open_full(&w);
    be64_put(key, last_entry(&w) - 1);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_delete(t, H_JOURNAL, bytes_of(key, 8)));
    MUST(store_commit(t));
    assert_true(verify_quietly(&w, "it is missing") > 0);
    world_close(&w);
    open_full(&w);
    be64_put(key, last_entry(&w));
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_delete(t, H_JOURNAL, bytes_of(key, 8)));
    MUST(store_commit(t));
    assert_true(verify_quietly(&w, "it is missing") > 0);
    world_close(&w);
}

static void a_damaged_head_is_found(void **state)
{
    static const char head[] = "ledger-head";
    struct world w;

    (void)state;
    open_full(&w);
    for (size_t at = 0; at < 40; at += 7) { /* the first byte: it promises 2^56 entries */
        flip_value(&w, H_META, bytes_of(head, sizeof(head) - 1), at);
        assert_true(verify_quietly(&w, at == 7 ? "it is missing" : "the journal does not end where its head says") > 0);
        flip_value(&w, H_META, bytes_of(head, sizeof(head) - 1), at);
    }
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void decisions_of_other_kinds_and_growth_do_not_disturb(void **state)
{
    struct sub more[] = {grade(8, "egor", 3)};
    struct ledger_chain c;
    struct store_txn *t;
    struct buf payload;
    struct world w;
    struct sealed s;
    uint8_t found[DIGEST_BYTES];
    uint64_t lsn;

    (void)state;
    open_full(&w);
    buf_init(&payload, 64);
    mp_put_cstr(&payload, "2020-09");
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_decide(w.hub->ledger, t, JOURNAL_FACT, bytes_of(payload.data, payload.len), 1, &lsn));
    MUST(ledger_chain(t, w.of[0]->index, &more[0].gen, &c));
    MUST(ledger_batch(t, w.of[0]->index, &more[0].gen, c.held_last, found, NULL));
    finish_txn(&w, t);
    seal_array(&w, more, 1, c.held_last + 1, found, &s);
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    buf_fini(&payload);
    world_close(&w);
}

/* What intake judged by the definitions of that day stands: later forms, rights and periods do not change the past. */
static void later_rights_and_states_do_not_change_the_past(void **state)
{
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 8)};
    struct sub two[] = {grade(3, "vera", 5)};
    struct world w;
    struct participant *p;
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    one[1].unit = "ms"; /* not its own */
    take_array(&w, one, 2, 1, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    p = (struct participant *)(uintptr_t)w.of[0];
    p->state = PARTICIPANT_HELD;
    take_array(&w, two, 1, 2, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 1);
    assert_int_equal(verify_bad(&w), 0);
    p->state = PARTICIPANT_REVOKED;
    (void)snprintf(p->grant.units[0], sizeof(p->grant.units[0]), "ms");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void only_one_check_runs_at_a_time_and_leftovers_are_taken_over(void **state)
{
    struct world w;
    char path[FOLDER_PATH_MAX];
    char leftover[FOLDER_PATH_MAX];
    FILE *f;

    (void)state;
    open_full(&w);
    MUST(folder_path(path, w.hub->dir, "verify.tmp"));
    MUST(folder_make(w.hub->dir, "verify.tmp"));
    MUST(folder_make(path, "store"));
    MUST(folder_path(leftover, path, "store/data.mdb"));
    f = fopen(leftover, "w");
    assert_non_null(f);
    (void)fputs("half a store", f);
    (void)fclose(f);
    assert_int_equal(verify_bad(&w), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_row_of_any_table_is_found),
        cmocka_unit_test(a_missing_or_an_added_row_is_found),
        cmocka_unit_test(a_flipped_byte_anywhere_in_the_journal_is_found),
        cmocka_unit_test(a_flipped_byte_of_a_batch_is_found),
        cmocka_unit_test(a_changed_receipt_is_found),
        cmocka_unit_test(a_missing_entry_or_blob_is_found),
        cmocka_unit_test(a_damaged_head_is_found),
        cmocka_unit_test(decisions_of_other_kinds_and_growth_do_not_disturb),
        cmocka_unit_test(later_rights_and_states_do_not_change_the_past),
        cmocka_unit_test(only_one_check_runs_at_a_time_and_leftovers_are_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
