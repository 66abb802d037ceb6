/* Erasing: content goes, what it added stays, and verify is clean before and after (invariants 2, 3, 5). */
#include "hub/ledger_erase.h"
#include "hub/storage_keys.h"
#include "ledger_fixture.h"

#include <dirent.h>
#include <sys/stat.h>

#define YEAR_MS (INT64_C(366) * 86400000)
#define MARKER  "Zhelezyaka-Marker" /* in keys of rows: what a pupil's name would be */

static struct act act;

static enum err try_erase(struct world *w, const struct erase_order *o)
{
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w->hub->store, &t));
    e = ledger_erase(w->hub, t, o, false, &act);
    if (e != OK) {
        store_abort(t);
        ledger_aborted(w->hub->ledger);
        return e;
    }
    finish_txn(w, t);
    return OK;
}

static void erase(struct world *w, const struct erase_order *o)
{
    MUST(try_erase(w, o));
    MUST(ledger_erase_keys(w->hub));
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
}

static struct erase_order whole_class(const char *retention)
{
    return (struct erase_order){
        .scope = ACT_CLASS, .retention = retention, .year = 2020, .by = "test", .order = "No. 1"};
}

static struct erase_order one_row(const char *key)
{
    return (struct erase_order){.scope = ACT_RETURN,
                                .form = "grades",
                                .unit = "gp",
                                .period = "2020-09",
                                .key = key,
                                .by = "test",
                                .order = "No. 2"};
}

/* Two deliveries of 2020/21 with corrections, retractions, quarantine, and the other class in the same batch. */
static void open_history(struct world *w, uint8_t head[DIGEST_BYTES])
{
    struct sub poll = {
        .gen = generation_of(1, 7), .number = 5, .form = "poll", .unit = "gp", .period = "2020-09", .value = 4};
    struct sub one[] = {grade(1, MARKER "-anna", 12), grade(2, "boris", 8), grade(3, "vera", 99), grade(4, "gleb", 20),
                        poll};
    struct sub two[] = {correction(6, 2, "boris", 9), retraction(7, 4), grade(8, MARKER "-dina", 15)};

    world_open(w);
    take_array(w, one, COUNT(one), 1, head, NULL);
    take_array(w, two, COUNT(two), 2, head, NULL);
    assert_int_equal(verify_bad(w), 0);
}

static void key_path(const struct world *w, const char *name, char out[FOLDER_PATH_MAX])
{
    (void)snprintf(out, FOLDER_PATH_MAX, "%s/hub/keys/storage/%s", w->dir, name);
}

static bool key_exists(const struct world *w, const char *name)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;

    key_path(w, name, path);
    return stat(path, &st) == 0;
}

static enum err count_them(void *ctx, const struct submission *s)
{
    (void)s;
    ++*(unsigned *)ctx;
    return OK;
}

static unsigned readable(struct world *w, const char *form)
{
    unsigned n = 0;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(ledger_each_current(w->hub->ledger, t, form, NULL, NULL, count_them, &n));
    store_abort(t);
    return n;
}

static unsigned standing(struct world *w, const char *form)
{
    unsigned n = 0;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(ledger_each_standing(w->hub->ledger, t, form, NULL, NULL, count_them, &n));
    store_abort(t);
    return n;
}

static enum err find(struct world *w, uint64_t number)
{
    struct record_ref ref = {generation_of(1, 7), number};
    struct submission s;
    struct store_txn *t;
    enum err e;

    MUST(store_begin_read(w->hub->store, &t));
    e = ledger_find(w->hub->ledger, t, w->of[0]->index, &ref, &s);
    store_abort(t);
    return e;
}

/* ---- a class of a year ---- */

static void an_erased_class_stays_in_the_sums_and_verify_is_clean(void **state)
{
    struct erase_order o = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct buf before, after;
    struct world w;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    open_history(&w, head);
    dump_table(&w, H_CELLS, &before);
    assert_true(key_exists(&w, "default-2020.key"));
    assert_int_equal(readable(&w, "grades"), 3);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &o);
    assert_int_equal(act.number, 1);
    assert_int_equal(act.submissions, 7);
    assert_int_equal(act.current, 3);
    assert_int_equal(act.batches, 2);
    assert_int_equal(act.form_count, 1);
    assert_false(key_exists(&w, "default-2020.key"));
    assert_true(key_exists(&w, "polls-2020.key"));
    assert_int_equal(readable(&w, "grades"), 0);
    assert_int_equal(standing(&w, "grades"), 3);
    assert_int_equal(readable(&w, "poll"), 1);
    assert_int_equal(find(&w, 1), ERR_ERASED);
    assert_int_equal(find(&w, 5), OK);
    dump_table(&w, H_CELLS, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(verify_bad(&w), 0);
    assert_int_equal(try_erase(&w, &o), ERR_NOT_FOUND); /* once */
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

static void what_is_sent_again_gets_its_receipt_and_what_follows_is_told(void **state)
{
    struct erase_order o = whole_class("default");
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 10)};
    struct sub two[] = {grade(4, "anna", 14), retraction(5, 2), correction(6, 3, "vera", 11), grade(7, "new", 5)};
    uint64_t verdicts[VERDICT_COUNT];
    uint8_t head[DIGEST_BYTES];
    struct sealed first;
    struct world w;

    (void)state;
    world_open(&w);
    seal_array(&w, one, COUNT(one), 1, NULL, &first);
    assert_int_equal(take(&w, &first, NULL), LEDGER_STORED);
    memcpy(head, first.digest, DIGEST_BYTES);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &o);
    assert_int_equal(take(&w, &first, NULL), LEDGER_AGAIN);
    take_array(&w, two, COUNT(two), 2, head, verdicts);
    assert_int_equal(verdicts[VERDICT_QUARANTINED], 3);
    assert_int_equal(verdicts[VERDICT_COUNTED], 1);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 4);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&first.bytes);
    world_close(&w);
}

/* A number that comes in another batch, after its content was erased: by its digest it is known. */
static void erased_submissions_are_known_again_by_their_digest(void **state)
{
    struct erase_order o = whole_class("default");
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 8)};
    struct sub again[] = {grade(1, "anna", 12), grade(2, "boris", 9), grade(3, "vera", 9)};
    uint64_t verdicts[VERDICT_COUNT];
    uint8_t head[DIGEST_BYTES];
    struct reconcile r;
    struct store_txn *t;
    struct buf bytes;
    struct world w;
    uint8_t expected[RECORD_DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, COUNT(one), 1, head, NULL);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &o);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_reconcile(w.hub->ledger, t, w.of[0]->index, &one[0].gen, 1, &r));
    store_abort(t);
    assert_int_equal(r.count, 2);
    buf_init(&bytes, RECORD_MAX);
    sub_encode(&w, &one[0], &bytes);
    record_digest(expected, bytes_of(bytes.data, bytes.len));
    assert_memory_equal(r.items[0].digest, expected, RECORD_DIGEST_BYTES);
    reconcile_fini(&r);
    take_array(&w, again, COUNT(again), 2, head, verdicts);
    assert_int_equal(verdicts[VERDICT_DUPLICATE], 1);
    assert_int_equal(verdicts[VERDICT_QUARANTINED], 1); /* other content */
    assert_int_equal(verdicts[VERDICT_COUNTED], 1);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&bytes);
    world_close(&w);
}

static void a_year_that_is_not_over_cannot_be_erased(void **state)
{
    struct erase_order o = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    open_history(&w, head);
    assert_int_equal(try_erase(&w, &o), ERR_DENIED);
    o.year = 2019;
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    assert_int_equal(try_erase(&w, &o), ERR_NOT_FOUND);
    assert_int_equal(readable(&w, "grades"), 3);
    world_close(&w);
}

/* A clock that went back: what comes is never under a key that was destroyed. */
static void what_comes_into_an_erased_year_lies_under_another_key(void **state)
{
    struct erase_order o = whole_class("default");
    struct sub late[] = {grade(9, "late", 5)};
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    open_history(&w, head);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &o);
    clock_test_set(SOME_MS);
    take_array(&w, late, COUNT(late), 3, head, NULL);
    assert_int_equal(find(&w, 9), OK);
    assert_false(key_exists(&w, "default-2020.key"));
    assert_true(key_exists(&w, "default-2021.key"));
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* ---- one person ---- */

static void one_persons_rows_go_and_all_others_stay(void **state)
{
    struct erase_order o = one_row("boris");
    uint8_t head[DIGEST_BYTES];
    struct buf before, after;
    struct world w;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    open_history(&w, head);
    dump_table(&w, H_CELLS, &before);
    erase(&w, &o);
    assert_int_equal(act.submissions, 2); /* the one that was corrected, too */
    assert_int_equal(act.current, 1);
    assert_int_equal(find(&w, 2), ERR_ERASED);
    assert_int_equal(find(&w, 6), ERR_ERASED);
    for (uint64_t n = 1; n <= 8; n++)
        if (n != 2 && n != 6)
            assert_int_equal(find(&w, n), OK);
    dump_table(&w, H_CELLS, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(verify_bad(&w), 0);
    assert_int_equal(try_erase(&w, &o), ERR_NOT_FOUND);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

static void one_after_another_and_then_the_class(void **state)
{
    struct erase_order anna = one_row(MARKER "-anna");
    struct erase_order gleb = one_row("gleb");
    struct erase_order all = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    open_history(&w, head);
    erase(&w, &anna);
    assert_int_equal(act.current, 1);
    erase(&w, &gleb);
    assert_int_equal(act.submissions, 2); /* with its retraction */
    assert_int_equal(act.current, 0);
    assert_int_equal(find(&w, 3), OK);
    assert_int_equal(verify_bad(&w), 0);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &all);
    assert_int_equal(act.number, 3);
    assert_int_equal(act.submissions, 4);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void uncounted_means_out_of_the_sums(void **state)
{
    struct erase_order o = one_row("boris");
    struct sub again[] = {grade(9, "boris", 7)};
    uint64_t verdicts[VERDICT_COUNT];
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    open_history(&w, head);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 3);
    o.is_uncounted = true;
    erase(&w, &o);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 2);
    assert_int_equal(standing(&w, "grades"), 2);
    take_array(&w, again, COUNT(again), 3, head, verdicts);
    assert_int_equal(verdicts[VERDICT_QUARANTINED], 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void one_submission_by_its_id(void **state)
{
    struct erase_order o = {.scope = ACT_SUBMISSION, .by = "test", .order = "No. 3"};
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    open_history(&w, head);
    o.participant = w.of[0]->index;
    o.ref = (struct record_ref){generation_of(1, 7), 5};
    erase(&w, &o);
    assert_string_equal(act.form, "poll");
    assert_int_equal(find(&w, 5), ERR_ERASED);
    assert_int_equal(act.current, 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* Who names the retraction means what it takes back, with what that had replaced. */
static void a_retraction_goes_with_all_versions_of_what_it_takes_back(void **state)
{
    struct erase_order o = {.scope = ACT_SUBMISSION, .by = "test", .order = "No. 4"};
    struct sub rows[] = {grade(1, "anna", 12), grade(2, "anna", 14), retraction(3, 2), grade(4, "boris", 9)};
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    world_open(&w);
    take_array(&w, rows, COUNT(rows), 1, head, NULL);
    o.participant = w.of[0]->index;
    o.ref = (struct record_ref){generation_of(1, 7), 3};
    erase(&w, &o);
    for (uint64_t number = 1; number <= 3; number++)
        assert_int_equal(find(&w, number), ERR_ERASED);
    assert_int_equal(find(&w, 4), OK);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* ---- cells are still a function of the ledger ---- */

static void rebuilt_cells_hold_what_was_frozen(void **state)
{
    struct erase_order o = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct buf before, after;
    struct store_txn *t;
    struct world w;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    open_history(&w, head);
    dump_table(&w, H_CELLS, &before);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &o);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_rebuild_cells(w.hub->ledger, t));
    finish_txn(&w, t);
    dump_table(&w, H_CELLS, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

/* ---- crashes ---- */

static void reopen(struct world *w)
{
    char home[128];

    intake_free(w->intake);
    w->intake = NULL;
    hub_close(w->hub, false);
    (void)snprintf(home, sizeof(home), "%s/hub", w->dir);
    MUST(hub_open(&w->hub, home, HUB_CORE));
    join_schools(w);
    renew_intake(w);
}

static void a_crash_before_the_commit_leaves_everything(void **state)
{
    struct erase_order o = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct store_txn *t;
    struct world w;

    (void)state;
    open_history(&w, head);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(ledger_erase(w.hub, t, &o, false, &act));
    store_abort(t);
    ledger_aborted(w.hub->ledger);
    reopen(&w);
    assert_true(key_exists(&w, "default-2020.key"));
    assert_int_equal(readable(&w, "grades"), 3);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_crash_after_the_commit_is_completed_at_the_next_opening(void **state)
{
    struct erase_order o = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct world w;

    (void)state;
    open_history(&w, head);
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    MUST(try_erase(&w, &o));
    assert_true(key_exists(&w, "default-2020.key"));
    reopen(&w);
    assert_false(key_exists(&w, "default-2020.key"));
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void read_file(const char *path, struct buf *out)
{
    uint8_t chunk[4096];
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_put(out, chunk, n);
    (void)fclose(f);
    assert_false(out->failed);
}

static void a_crash_before_a_key_was_pricked_is_completed_at_the_next_opening(void **state)
{
    struct erase_order o = one_row("boris");
    char path[FOLDER_PATH_MAX], old[FOLDER_PATH_MAX + 8];
    uint8_t head[DIGEST_BYTES];
    struct buf before, after;
    struct world w;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    open_history(&w, head);
    key_path(&w, "default-2020.key", path);
    read_file(path, &before);
    MUST(try_erase(&w, &o));
    (void)snprintf(old, sizeof(old), "%s.old", path);
    assert_int_equal(link(path, old), 0); /* it died after this step */
    reopen(&w);
    read_file(path, &after);
    assert_true(after.len > before.len);
    assert_int_not_equal(access(old, F_OK), 0);
    assert_int_equal(find(&w, 1), OK);
    assert_int_equal(find(&w, 2), ERR_ERASED);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

static void a_missing_or_wrong_key_stops_with_its_name(void **state)
{
    char home[128], path[FOLDER_PATH_MAX], away[FOLDER_PATH_MAX + 8];
    uint8_t head[DIGEST_BYTES];
    struct hub *h = NULL;
    struct world w;
    FILE *f;

    (void)state;
    open_history(&w, head);
    intake_free(w.intake);
    w.intake = NULL;
    hub_close(w.hub, false);
    w.hub = NULL;
    (void)snprintf(home, sizeof(home), "%s/hub", w.dir);
    key_path(&w, "default-2020.key", path);
    (void)snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(hub_open(&h, home, HUB_CORE), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "default-2020.key"));
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "svodka storage key 1\nnode 0 0000000000 0 %064d\n", 7);
    (void)fclose(f);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(hub_open(&h, home, HUB_CORE), ERR_DENIED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(hub_open(&h, home, HUB_CORE), ERR_INVALID);
    assert_non_null(strstr(err_text(), "default-2020.key"));
    assert_int_equal(rename(away, path), 0);
    MUST(hub_open(&w.hub, home, HUB_CORE));
    world_close(&w);
}

/* ---- nothing is left on the disk ---- */

/* Every place where a marker could lie: UTF-8 as it was typed, and UTF-16 as a spreadsheet would have it. */
static bool has_marker(const struct buf *b)
{
    char wide[2 * sizeof(MARKER)];
    size_t len = strlen(MARKER);

    if (b->len == 0) /* an empty file; its buffer is none */
        return false;
    for (size_t i = 0; i < len; i++) {
        wide[2 * i] = MARKER[i];
        wide[2 * i + 1] = '\0';
    }
    return memmem(b->data, b->len, MARKER, len) != NULL || memmem(b->data, b->len, wide, 2 * len) != NULL;
}

static void search_folder(const char *dir, unsigned *files)
{
    DIR *d = opendir(dir);

    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d)) != NULL;) {
        char path[FOLDER_PATH_MAX];
        struct stat st;

        if (f->d_name[0] == '.')
            continue;
        assert_true(snprintf(path, sizeof(path), "%s/%s", dir, f->d_name) < (int)sizeof(path));
        assert_int_equal(lstat(path, &st), 0);
        if (S_ISDIR(st.st_mode))
            search_folder(path, files);
        else if (S_ISREG(st.st_mode)) {
            struct buf bytes;

            buf_init(&bytes, 256u << 20);
            read_file(path, &bytes);
            if (has_marker(&bytes))
                fail_msg("%s holds an answer in clear", path);
            buf_fini(&bytes);
            ++*files;
        }
    }
    (void)closedir(d);
}

/* Whatever stored bytes were copied before, with all the keys that are left: the sealing keys among them. */
static void assert_does_not_open(struct world *w, uint64_t lsn, const struct buf *stored)
{
    struct stored_opened o;
    struct stored_batch s;
    struct batch_entry entry;
    struct store_txn *t;
    struct bytes bytes;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(journal_get(t, lsn, &bytes));
    MUST(batch_entry_get(&entry, lsn, bytes));
    MUST(stored_parse(&s, bytes_of(stored->data, stored->len)));
    for (uint32_t k = 0; k < s.header.section_count; k++)
        for (int32_t year = 2019; year < 2024; year++) {
            const struct stored_at at = {w->hub->storage_keys, lsn, year, entry.digest};

            if (strcmp(s.header.sections[k].retention, "default") == 0)
                assert_int_not_equal(stored_open(&o, &s, &at, 1u << k), OK);
        }
    stored_fini(&s);
    store_abort(t);
}

static void take_copy(struct world *w, uint64_t lsn, struct buf *out)
{
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(blob_get(t, lsn, out));
    store_abort(t);
}

/* Entry of the journal that brought the number. */
static uint64_t entry_of(struct world *w, uint64_t number)
{
    struct record_ref ref = {generation_of(1, 7), number};
    struct store_txn *t;
    uint64_t lsn;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(range_find(t, w->of[0]->index, &ref, &lsn));
    store_abort(t);
    return lsn;
}

static void after_an_erasure_no_byte_of_the_home_gives_an_answer(void **state)
{
    struct erase_order o = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct buf copy;
    unsigned files = 0;
    uint64_t lsn;
    struct world w;
    char home[128];

    (void)state;
    buf_init(&copy, STORED_MAX);
    open_history(&w, head);
    lsn = entry_of(&w, 1);
    take_copy(&w, lsn, &copy); /* as it would lie in a freed page of the store */
    clock_test_set(SOME_MS + 2 * YEAR_MS);
    erase(&w, &o);
    assert_does_not_open(&w, lsn, &copy);
    (void)snprintf(home, sizeof(home), "%s/hub", w.dir);
    search_folder(home, &files);
    assert_true(files > 5);
    buf_fini(&copy);
    world_close(&w);
}

/* Not even what one persons' section was before: the key of that version is gone, all others are there. */
static void the_page_from_before_a_single_erasure_does_not_open(void **state)
{
    struct erase_order o = one_row("boris");
    uint8_t head[DIGEST_BYTES];
    struct buf copy;
    uint64_t lsn;
    struct world w;

    (void)state;
    buf_init(&copy, STORED_MAX);
    open_history(&w, head);
    lsn = entry_of(&w, 1);
    take_copy(&w, lsn, &copy);
    erase(&w, &o);
    assert_does_not_open(&w, lsn, &copy);
    assert_int_equal(find(&w, 1), OK);
    buf_fini(&copy);
    world_close(&w);
}

/* ---- tampering ---- */

static void flip_blob(struct world *w, uint64_t lsn, size_t at)
{
    struct store_txn *t;
    struct bytes value;
    struct buf copy;
    uint8_t key[12] = {0};

    buf_init(&copy, 1 << 22);
    be64_put(key, lsn);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(store_get(t, H_BLOBS, bytes_of(key, sizeof(key)), &value));
    buf_put(&copy, value.p, value.len);
    assert_true(copy.len > 0);
    copy.data[at % copy.len] ^= 1;
    MUST(store_put(t, H_BLOBS, bytes_of(key, sizeof(key)), bytes_of(copy.data, copy.len)));
    finish_txn(w, t);
    ledger_forget(w->hub->ledger);
    buf_fini(&copy);
}

static uint64_t verify_silently(struct world *w)
{
    FILE *to = fopen("/dev/null", "w");
    uint64_t bad;

    assert_non_null(to);
    MUST(ledger_verify(w->hub, to, &bad));
    (void)fclose(to);
    return bad;
}

static void a_changed_byte_of_what_stayed_is_found(void **state)
{
    struct erase_order boris = one_row("boris");
    struct erase_order all = whole_class("default");
    uint8_t head[DIGEST_BYTES];
    struct buf stored;
    struct world w;

    (void)state;
    buf_init(&stored, STORED_MAX);
    open_history(&w, head);
    erase(&w, &boris);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t lsn = entry_of(&w, 1);
        size_t clear_len;

        buf_reset(&stored);
        take_copy(&w, lsn, &stored);
        clear_len = be32_get(stored.data + 6);
        for (size_t at = 10 + clear_len + SIGNATURE_BYTES; at < stored.len; at += 61) {
            flip_blob(&w, lsn, at);
            assert_true(verify_silently(&w) > 0);
            flip_blob(&w, lsn, at);
        }
        for (size_t at = 0; at < 40; at += 7) { /* what lies beside the act */
            flip_blob(&w, act.lsn, at);
            assert_true(verify_silently(&w) > 0);
            flip_blob(&w, act.lsn, at);
        }
        assert_int_equal(verify_bad(&w), 0);
        clock_test_set(SOME_MS + 2 * YEAR_MS);
        if (i == 0)
            erase(&w, &all);
    }
    buf_fini(&stored);
    world_close(&w);
}

/* ---- random histories ---- */

#define STEPS 60u

static unsigned pick(unsigned n)
{
    return (unsigned)draw(n);
}

static struct sub draw_sub(uint64_t number)
{
    static const char *const pupils[] = {"a", "b", "c", "d", "e", "f"};
    unsigned what = pick(8);
    struct sub s = grade(number, pupils[pick(6)], pick(21));

    if (what == 0 && number > 1)
        return retraction(number, 1 + pick((unsigned)number - 1));
    if (what == 1 && number > 1)
        return correction(number, 1 + pick((unsigned)number - 1), s.key, pick(21));
    if (what == 2)
        s.form = "card";
    if (what == 3)
        s.form = "poll";
    if (pick(6) == 0)
        s.value = 99; /* refused */
    s.period = pick(2) == 0 ? "2020-09" : "2020-10";
    return s;
}

static void erase_something(struct world *w)
{
    static const char *const pupils[] = {"a", "b", "c", "d", "e", "f"};
    struct erase_order o = one_row(pupils[pick(6)]);
    struct buf before, after;
    enum err e;

    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    o.is_uncounted = pick(4) == 0;
    if (pick(4) == 0) {
        o = whole_class(pick(2) == 0 ? "default" : "polls");
        o.year = 2020 + (int32_t)pick(3);
    }
    dump_table(w, H_CELLS, &before);
    e = try_erase(w, &o);
    assert_true(e == OK || e == ERR_NOT_FOUND || e == ERR_DENIED);
    if (e == OK) {
        MUST(ledger_erase_keys(w->hub));
        MUST(hub_reload(w->hub, NULL));
        join_schools(w);
        renew_intake(w);
        dump_table(w, H_CELLS, &after);
        if (!o.is_uncounted) {
            assert_int_equal(before.len, after.len);
            assert_memory_equal(before.data, after.data, before.len);
        }
    }
    buf_fini(&before);
    buf_fini(&after);
}

/* Invariants 3 and 5. */
static void any_history_with_erasures_is_recomputed_bit_for_bit(void **state)
{
    (void)state;
    draw_begin();
    for (unsigned round = 0; round < 3; round++) {
        uint8_t head[DIGEST_BYTES];
        uint64_t number = 1, sequence = 1;
        int64_t now = SOME_MS;
        struct world w;

        world_open(&w);
        for (unsigned step = 0; step < STEPS; step++) {
            struct sub subs[8];
            unsigned count = 1 + pick(8);

            if (pick(10) == 0)
                clock_test_set(now += YEAR_MS / 3);
            if (pick(5) == 0) {
                erase_something(&w);
                continue;
            }
            for (unsigned i = 0; i < count; i++)
                subs[i] = draw_sub(number++);
            take_array(&w, subs, count, sequence++, head, NULL);
        }
        assert_int_equal(verify_bad(&w), 0);
        reopen(&w);
        assert_int_equal(verify_bad(&w), 0);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erased_class_stays_in_the_sums_and_verify_is_clean),
        cmocka_unit_test(what_is_sent_again_gets_its_receipt_and_what_follows_is_told),
        cmocka_unit_test(erased_submissions_are_known_again_by_their_digest),
        cmocka_unit_test(a_year_that_is_not_over_cannot_be_erased),
        cmocka_unit_test(what_comes_into_an_erased_year_lies_under_another_key),
        cmocka_unit_test(one_persons_rows_go_and_all_others_stay),
        cmocka_unit_test(one_after_another_and_then_the_class),
        cmocka_unit_test(uncounted_means_out_of_the_sums),
        cmocka_unit_test(one_submission_by_its_id),
        cmocka_unit_test(a_retraction_goes_with_all_versions_of_what_it_takes_back),
        cmocka_unit_test(rebuilt_cells_hold_what_was_frozen),
        cmocka_unit_test(a_crash_before_the_commit_leaves_everything),
        cmocka_unit_test(a_crash_after_the_commit_is_completed_at_the_next_opening),
        cmocka_unit_test(a_crash_before_a_key_was_pricked_is_completed_at_the_next_opening),
        cmocka_unit_test(a_missing_or_wrong_key_stops_with_its_name),
        cmocka_unit_test(after_an_erasure_no_byte_of_the_home_gives_an_answer),
        cmocka_unit_test(the_page_from_before_a_single_erasure_does_not_open),
        cmocka_unit_test(a_changed_byte_of_what_stayed_is_found),
        cmocka_unit_test(any_history_with_erasures_is_recomputed_bit_for_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
