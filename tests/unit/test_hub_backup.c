/* The hub in one file and back, and receipts that say "archived" (invariants 2, 3, 5). */
#include "ledger_fixture.h"

#include "hub/backup.h"
#include "hub/recovery.h"

struct bench {
    struct world w;
    struct key *root;
    char file[96], home2[96];
    uint8_t head[DIGEST_BYTES]; /* of the last batch */
};

static void open_bench(struct bench *b)
{
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 99)};
    char path[FOLDER_PATH_MAX];

    memset(b, 0, sizeof(*b));
    world_open(&b->w);
    take_array(&b->w, one, COUNT(one), 1, b->head, NULL);
    (void)snprintf(b->file, sizeof(b->file), "%s/hub.svdk", b->w.dir);
    (void)snprintf(b->home2, sizeof(b->home2), "%s/hub2", b->w.dir);
    MUST(folder_path(path, b->w.hub->dir, "keys/root.key"));
    MUST(key_read(&b->root, path, KEY_SIGN));
}

static void close_bench(struct bench *b)
{
    key_free(b->root);
    world_close(&b->w);
}

static void one_more_batch(struct bench *b, uint64_t sequence)
{
    struct sub two[] = {grade(2 + 2 * sequence, "dina", 15), grade(3 + 2 * sequence, "egor", 3)};

    take_array(&b->w, two, COUNT(two), sequence, b->head, NULL);
}

static void back_up(struct bench *b, struct archive_row *row)
{
    struct store_txn *t;

    MUST(backup_write(b->w.hub, b->file, row));
    MUST(store_begin_write(b->w.hub->store, &t));
    MUST(archive_put(t, row));
    MUST(store_commit(t));
}

static enum err confirm(struct bench *b, struct archive_row *row)
{
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(b->w.hub->store, &t));
    if ((e = archive_confirm(b->w.hub, t, row, ARCHIVE_OPERATOR)) != OK) {
        store_abort(t);
        ledger_aborted(b->w.hub->ledger);
        return e;
    }
    finish_txn(&b->w, t);
    return OK;
}

static void same_table(struct bench *b, struct world *other, unsigned table)
{
    struct buf x, y;

    buf_init(&x, 1 << 24);
    buf_init(&y, 1 << 24);
    dump_table(&b->w, table, &x);
    dump_table(other, table, &y);
    assert_true(x.len > 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_fini(&x);
    buf_fini(&y);
}

static void a_hub_comes_back_as_it_was_and_hands_out_greater_versions(void **state)
{
    struct bench b;
    struct world two = {.hub = NULL};
    struct archive_row row;
    struct backup_head head;
    uint64_t acts = 77;
    uint64_t directory_before;

    (void)state;
    open_bench(&b);
    directory_before = b.w.hub->directory->version;
    back_up(&b, &row);
    MUST(backup_restore_hub(b.file, b.home2, b.root, "office:anna", &head, &acts));
    assert_int_equal(acts, 0);
    assert_int_equal(head.lsn, row.lsn);
    MUST(hub_open(&two.hub, b.home2, HUB_CORE));
    same_table(&b, &two, H_BATCHES);
    same_table(&b, &two, H_CELLS);
    same_table(&b, &two, H_CURRENT);
    same_table(&b, &two, H_BLOBS);
    same_table(&b, &two, H_OBJECTS);
    assert_int_equal(verify_bad(&two), 0);
    /* By seconds: above all that a hub hands out in steps of one. */
    assert_true(two.hub->directory->version > directory_before + 1000000);
    for (size_t i = 0; i < registry_count(two.hub->registry); i++)
        assert_true(registry_at(two.hub->registry, i)->grant.version > 1000000);
    hub_close(two.hub, false);
    close_bench(&b);
}

static void versions_jump_again_when_the_same_backup_is_restored_twice(void **state)
{
    uint64_t first;

    (void)state;
    clock_test_set(SOME_MS);
    first = backup_version_after(12);
    clock_test_set(SOME_MS + 60000);
    assert_true(backup_version_after(12) > first + 50); /* the first restored hub made some of its own */
    clock_test_set(1000);                               /* a dead clock */
    assert_true(backup_version_after(12) >= 1000000);
    clock_test_real();
}

static void no_root_key_is_in_a_backup(void **state)
{
    struct bench b;
    struct archive_row row;
    struct backup_head head;
    uint64_t acts = 77;
    struct key *k = NULL;
    char path[FOLDER_PATH_MAX];

    (void)state;
    open_bench(&b);
    back_up(&b, &row);
    MUST(backup_restore_hub(b.file, b.home2, b.root, "office:anna", &head, &acts));
    MUST(folder_path(path, b.home2, "keys/root.key"));
    assert_int_equal(key_read(&k, path, KEY_SIGN), ERR_NOT_FOUND);
    close_bench(&b);
}

static void another_districts_root_restores_nothing(void **state)
{
    struct bench b;
    struct archive_row row;
    struct backup_head head;
    uint64_t acts = 77;
    struct key *other = NULL;

    (void)state;
    open_bench(&b);
    back_up(&b, &row);
    MUST(key_generate(&other, KEY_SIGN));
    assert_int_equal(backup_restore_hub(b.file, b.home2, other, "office:anna", &head, &acts), ERR_AUTH);
    assert_int_equal(access(b.home2, F_OK), -1);
    key_free(other);
    close_bench(&b);
}

/* A byte of the journal, or of what lies beside it, was changed on the hub's disk: the backup would keep the damage. */
static void change_first(struct bench *b, unsigned table, size_t at)
{
    struct store_txn *t;
    struct store_cursor *c;
    struct bytes key, value;
    struct buf copy, name;

    buf_init(&copy, 1 << 22);
    buf_init(&name, STORE_KEY_MAX);
    MUST(store_begin_write(b->w.hub->store, &t));
    MUST(store_cursor_open(t, table, &c));
    MUST(store_seek(c, bytes_of("", 0), &key, &value));
    buf_put(&copy, value.p, value.len);
    buf_put(&name, key.p, key.len);
    store_cursor_close(c);
    copy.data[at] ^= 1;
    MUST(store_put(t, table, bytes_of(name.data, name.len), bytes_of(copy.data, copy.len)));
    MUST(store_commit(t));
    buf_fini(&copy);
    buf_fini(&name);
}

static void a_damaged_ledger_gives_no_backup(void **state)
{
    static const struct {
        unsigned table;
        size_t at;
    } cases[] = {{H_JOURNAL, 20}, {H_BLOBS, 100}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct archive_row row;

        open_bench(&b);
        change_first(&b, cases[i].table, cases[i].at);
        assert_int_equal(backup_write(b.w.hub, b.file, &row), ERR_CORRUPT);
        assert_int_equal(access(b.file, F_OK), -1);
        close_bench(&b);
    }
}

static void a_backup_that_does_not_fit_this_program_leaves_nothing(void **state)
{
    struct bench b;
    struct backup_writer *w = NULL;
    struct backup_written written;
    struct backup_reader *r = NULL;
    struct archive_row row;
    struct backup_head head, again;
    uint64_t acts = 77;

    (void)state;
    open_bench(&b);
    back_up(&b, &row);
    MUST(backup_open(&r, b.file));
    head = *backup_head(r);
    backup_close(r);
    assert_int_equal(remove(b.file), 0);
    /* Well signed and encrypted, and empty. */
    MUST(backup_begin(&w, b.file, &head, b.w.hub->sign, false));
    MUST(backup_finish(w, &written));
    assert_int_equal(backup_restore_hub(b.file, b.home2, b.root, "office:anna", &again, &acts), ERR_CORRUPT);
    assert_int_equal(access(b.home2, F_OK), -1);
    close_bench(&b);
}

/* ---- archived ---- */

struct got {
    unsigned count;
    uint64_t last;
    const struct hub *h;
};

static enum err get_receipt(void *ctx, uint64_t sequence, struct bytes object)
{
    struct got *g = ctx;
    struct receipt r;

    MUST(receipt_open(&r, object, key_public(g->h->sign)));
    assert_int_equal(r.state, RECEIPT_ARCHIVED);
    assert_int_equal(r.sequence, sequence);
    assert_int_equal(r.hub_ms, clock_wall_ms());
    g->count++;
    g->last = sequence;
    receipt_fini(&r);
    return OK;
}

static struct got archived_receipts(struct bench *b, uint64_t above, unsigned most)
{
    struct generation gen = generation_of(1, 7);
    struct got g = {.h = b->w.hub};
    struct store_txn *t;

    MUST(store_begin_read(b->w.hub->store, &t));
    MUST(archive_each_receipt(b->w.hub, t, 1, &gen, above, most, get_receipt, &g));
    store_abort(t);
    return g;
}

static void only_what_a_confirmed_backup_holds_is_archived(void **state) /* invariant 2 */
{
    struct bench b;
    struct archive_row row;

    (void)state;
    open_bench(&b);
    one_more_batch(&b, 2);
    back_up(&b, &row);
    one_more_batch(&b, 3);
    assert_int_equal(archived_receipts(&b, 0, 100).count, 0); /* written, but nobody knows that it is safe */
    MUST(confirm(&b, &row));
    clock_test_set(SOME_MS + 86400000);
    assert_int_equal(archived_receipts(&b, 0, 100).count, 2);
    assert_int_equal(archived_receipts(&b, 0, 100).last, 2); /* the third came after it */
    assert_int_equal(archived_receipts(&b, 1, 100).count, 1);
    assert_int_equal(archived_receipts(&b, 0, 1).last, 1);
    assert_int_equal(verify_bad(&b.w), 0);
    close_bench(&b);
}

/* The numbers of entries are given again after a restore: a backup of the history that was given up says nothing about
 * the new one. */
static void a_backup_of_another_history_archives_nothing(void **state)
{
    struct bench b;
    struct archive_row row;

    (void)state;
    open_bench(&b);
    back_up(&b, &row);
    row.chain[0] ^= 1;
    assert_int_equal(confirm(&b, &row), ERR_INVALID);
    row.chain[0] ^= 1;
    row.lsn++;
    assert_int_equal(confirm(&b, &row), ERR_INVALID);
    assert_int_equal(archived_receipts(&b, 0, 100).count, 0);
    close_bench(&b);
}

static void verify_finds_a_mark_that_the_journal_does_not_bear_out(void **state) /* invariant 5 */
{
    struct bench b;
    struct archive_row row;
    struct store_txn *t;
    uint8_t raw[8];
    char *text = NULL;
    size_t len = 0;
    uint64_t bad = 0;
    FILE *to;

    (void)state;
    open_bench(&b);
    back_up(&b, &row);
    MUST(confirm(&b, &row));
    be64_put(raw, row.lsn + 1);
    MUST(store_begin_write(b.w.hub->store, &t));
    MUST(store_put(t, H_META, bytes_of("archived", 8), bytes_of(raw, 8)));
    MUST(store_commit(t));
    to = open_memstream(&text, &len);
    MUST(ledger_verify(b.w.hub, to, &bad));
    (void)fclose(to);
    assert_int_equal(bad, 1);
    assert_non_null(strstr(text, "backups: entries up to"));
    free(text);
    close_bench(&b);
}

static void the_register_finds_by_number_file_and_day(void **state)
{
    struct bench b;
    struct archive_row row, found;
    struct store_txn *t;

    (void)state;
    open_bench(&b);
    back_up(&b, &row);
    MUST(store_begin_read(b.w.hub->store, &t));
    MUST(archive_find(t, "1", &found));
    assert_string_equal(found.path, b.file);
    MUST(archive_find(t, b.file, &found));
    MUST(archive_find(t, "2020-09-13", &found));
    assert_int_equal(archive_find(t, "2020-09-14", &found), ERR_NOT_FOUND);
    MUST(archive_find_digest(t, row.digest, &found));
    row.digest[0] ^= 1;
    assert_int_equal(archive_find_digest(t, row.digest, &found), ERR_NOT_FOUND);
    store_abort(t);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub_comes_back_as_it_was_and_hands_out_greater_versions),
        cmocka_unit_test(versions_jump_again_when_the_same_backup_is_restored_twice),
        cmocka_unit_test(no_root_key_is_in_a_backup),
        cmocka_unit_test(another_districts_root_restores_nothing),
        cmocka_unit_test(a_damaged_ledger_gives_no_backup),
        cmocka_unit_test(a_backup_that_does_not_fit_this_program_leaves_nothing),
        cmocka_unit_test(only_what_a_confirmed_backup_holds_is_archived),
        cmocka_unit_test(a_backup_of_another_history_archives_nothing),
        cmocka_unit_test(verify_finds_a_mark_that_the_journal_does_not_bear_out),
        cmocka_unit_test(the_register_finds_by_number_file_and_day),
    };

    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
