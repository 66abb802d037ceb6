/* test_queue.c: the school's queue: invariants 1, 2, 3 and 4 of docs/design.md as far as the school keeps them. */
#include "agent/compare.h"
#include "agent/queue_internal.h"
#include "agent/queue_proof.h"
#include "agent/terms.h"
#include "agent_fixture.h"

#include "common/form_rule.h"

#include <dlfcn.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/wait.h>

#define DAY_MS INT64_C(86400000)

/* ---- helpers ---- */

static struct capture *grades(struct school *s)
{
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    struct capture *c = NULL;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    return c;
}

static unsigned mixed(unsigned n)
{
    n *= 0x9E3779B1u;
    n = (n ^ n >> 15) * 0x85EBCA6Bu;
    return n ^ n >> 13;
}

static void row_values(const struct form *f, struct value *values, char key[24], unsigned n)
{
    (void)snprintf(key, 24, "p-%u", n);
    for (uint32_t i = 0; i < f->field_count; i++)
        values[i].state = VALUE_MISSING;
    values[0] = (struct value){.state = VALUE_PRESENT, .as.text = bytes_of(key, strlen(key))};
    values[1] = (struct value){.state = VALUE_PRESENT, .as.i = mixed(n) % 21};
    values[2] = (struct value){.state = VALUE_PRESENT, .as.i = mixed(n + 7) % 94};
}

/* Stages `count` rows; returns the last number. */
static uint64_t add_rows(struct capture *c, struct queue_writer *w, unsigned first, unsigned count)
{
    struct value values[8];
    uint64_t number = 0;
    char key[24];

    for (unsigned n = first; n < first + count; n++) {
        row_values(capture_form(c), values, key, n);
        assert_int_equal(capture_judge(c, values, false, NULL, NULL), OK);
        assert_int_equal(capture_put(c, w, values, NULL, &number), OK);
    }
    return number;
}

static uint64_t put_rows(struct school *s, unsigned first, unsigned count)
{
    struct capture *c = grades(s);
    struct queue_writer *w = NULL;
    uint64_t last;

    assert_int_equal(queue_writer_open(&w, s->a), OK);
    last = add_rows(c, w, first, count);
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    capture_close(c);
    return last;
}

/* Records of some 600 bytes: a few thousand are more than one transaction takes. */
static enum err add_large(struct capture *c, struct queue_writer *w, unsigned count)
{
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .target = {{1, {0}}, 1}};
    char reason[RECORD_REASON_MAX + 1];
    uint64_t number;
    enum err e = OK;

    memset(reason, 'r', RECORD_REASON_MAX);
    reason[RECORD_REASON_MAX] = '\0';
    deed.reason = reason;
    for (unsigned i = 0; i < count && e == OK; i++)
        e = capture_put(c, w, NULL, &deed, &number);
    return e;
}

static uint64_t stored_pages(struct school *s)
{
    struct store_txn *t = NULL;
    uint64_t count;

    assert_int_equal(store_begin_read(s->a->store, &t), OK);
    count = store_count(t, T_PAGES);
    store_abort(t);
    return count;
}

static uint64_t readable(struct school *s)
{
    struct queue_reader *r = NULL;
    struct queue_item item;
    uint64_t count = 0;
    enum err e;

    assert_int_equal(queue_reader_open(&r, s->a, NULL), OK);
    while ((e = queue_reader_next(r, &item)) == OK)
        count++;
    assert_int_equal(e, ERR_NOT_FOUND);
    queue_reader_close(r);
    return count;
}

static void assert_verifies(struct school *s)
{
    uint64_t bad = 99;

    assert_int_equal(queue_verify(s->a, stderr, &bad), OK);
    assert_int_equal(bad, 0);
}

static struct batch_state batch_at(struct school *s, uint64_t sequence)
{
    struct batch_state b;

    assert_int_equal(queue_batch(s->a, &s->a->gen, sequence, &b), OK);
    assert_int_equal(b.sequence, sequence);
    return b;
}

/* What the hub says of the batch's submissions one by one. */
static void fill_root(struct school *s, const struct batch_state *b, struct receipt *r)
{
    struct record_tree tree;
    struct buf record;
    uint32_t count = 0;

    buf_init(&record, RECORD_MAX);
    assert_int_equal(record_tree_init(&tree, b->records), OK);
    for (uint64_t n = b->first_number; n <= b->last_number && count < b->records; n++) {
        struct record_ref ref = {b->gen, n};
        uint8_t d[DIGEST_BYTES];

        buf_reset(&record);
        if (queue_get(s->a, &ref, &record) != OK)
            continue;
        digest(d, view(&record));
        record_tree_leaf(tree.nodes[count++], n, d);
    }
    r->has_records = count == b->records;
    if (r->has_records) {
        record_tree_build(&tree);
        record_tree_root(&tree, r->records);
    }
    record_tree_fini(&tree);
    buf_fini(&record);
}

static void fill_receipt(struct school *s, const struct batch_state *b, enum receipt_state state, int64_t hub_ms,
                         struct receipt *r)
{
    *r = (struct receipt){.gen = b->gen,
                          .sequence = b->sequence,
                          .state = state,
                          .hub_ms = hub_ms,
                          .ledger_number = 40 + b->sequence,
                          .directory_version = 1};
    memcpy(r->district, s->directory.district, sizeof(r->district));
    (void)snprintf(r->participant, sizeof(r->participant), "gp");
    memcpy(r->batch, b->digest, sizeof(r->batch));
    r->verdicts[VERDICT_COUNTED] = b->records;
    fill_root(s, b, r);
}

static enum err take(struct school *s, const struct receipt *r, const struct key *sign)
{
    struct buf object;
    enum err e;

    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, r, sign), OK);
    e = queue_take_receipt(s->a, view(&object));
    buf_fini(&object);
    return e;
}

static enum err receive(struct school *s, uint64_t sequence, enum receipt_state state, int64_t hub_ms)
{
    struct batch_state b = batch_at(s, sequence);
    struct receipt r;

    fill_receipt(s, &b, state, hub_ms, &r);
    return take(s, &r, s->hub);
}

static struct queue_status status(struct school *s)
{
    struct queue_status st;

    assert_int_equal(queue_status(s->a, &st), OK);
    return st;
}

/* ---- all or nothing ---- */

static void committed_records_are_there_after_a_restart(void **state) /* invariant 1 */
{
    struct school *s = *state;

    assert_int_equal(put_rows(s, 1, 3), 3);
    reopen(s);
    assert_int_equal(put_rows(s, 4, 2), 5);
    reopen(s);
    assert_int_equal(readable(s), 5);
    assert_int_equal(status(s).last_number, 5);
    assert_verifies(s);
}

static void without_commit_nothing_was_ever_there(void **state) /* invariant 4 */
{
    struct school *s = *state;
    struct queue_writer *w = NULL;
    struct capture *c = grades(s);

    put_rows(s, 1, 2);
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    assert_int_equal(add_rows(c, w, 3, 10), 12);
    queue_writer_close(w);
    assert_int_equal(readable(s), 2);
    assert_int_equal(put_rows(s, 3, 1), 3);
    capture_close(c);
    assert_verifies(s);
}

static void pages_staged_in_earlier_transactions_vanish_with_their_writer(void **state) /* invariant 4 */
{
    struct school *s = *state;
    struct queue_writer *w = NULL;
    struct capture *c = grades(s);

    put_rows(s, 1, 2);
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    assert_int_equal(add_large(c, w, 6000), OK);
    assert_true(stored_pages(s) > 100); /* durable, but not part of the queue */
    assert_int_equal(readable(s), 2);
    queue_writer_close(w);
    assert_int_equal(stored_pages(s), 1);
    assert_int_equal(put_rows(s, 3, 1), 3);
    capture_close(c);
    assert_verifies(s);
}

static void a_large_import_becomes_visible_as_a_whole(void **state)
{
    struct school *s = *state;
    struct queue_writer *w = NULL;
    struct capture *c = grades(s);

    assert_int_equal(queue_writer_open(&w, s->a), OK);
    assert_int_equal(add_large(c, w, 6000), OK);
    assert_int_equal(readable(s), 0);
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    assert_int_equal(readable(s), 6000);
    capture_close(c);
    assert_verifies(s);
}

static void a_second_writer_waits_for_the_first(void **state)
{
    struct school *s = *state;
    struct queue_writer *w = NULL;
    int lock = -1;

    assert_int_equal(queue_writer_open(&w, s->a), OK);
    assert_int_equal(agent_lock(s->a, "queue.lock", &lock), ERR_BUSY);
    queue_writer_close(w);
    assert_int_equal(agent_lock(s->a, "queue.lock", &lock), OK);
    agent_unlock(lock);
}

static void a_nearly_full_disk_refuses_and_keeps_what_was(void **state) /* invariants 2 and 8 */
{
    struct school *s = *state;
    struct queue_writer *w = NULL;

    put_rows(s, 1, 2);
    s->a->conf.disk_reserve = INT64_MAX;
    assert_int_equal(queue_writer_open(&w, s->a), ERR_FULL);
    assert_non_null(strstr(err_text(), "the disk is nearly full: "));
    assert_non_null(strstr(err_text(), "Nothing of this was stored, what was stored before is safe"));
    s->a->conf.disk_reserve = 0;
    assert_int_equal(readable(s), 2);
    assert_int_equal(put_rows(s, 3, 1), 3);
}

static void a_full_map_refuses_the_whole_import_and_keeps_what_was(void **state) /* invariants 2, 4, 8 */
{
    struct school *s = *state;
    struct queue_writer *w = NULL;
    struct capture *c;
    char path[256];
    enum err e;

    put_rows(s, 1, 2);
    school_path(path, s, "home/agent.yaml");
    assert_int_equal(cli_write_file(path, "store.map_size: 4M\n", 19, 0600, true), OK);
    reopen(s);
    c = grades(s);
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    if ((e = add_large(c, w, 20000)) == OK)
        e = queue_writer_commit(w);
    assert_int_equal(e, ERR_FULL);
    assert_int_equal(add_large(c, w, 1), ERR_FULL); /* the writer stays refused */
    queue_writer_close(w);
    capture_close(c);
    assert_int_equal(readable(s), 2);
    assert_int_equal(stored_pages(s), 1);
    assert_int_equal(put_rows(s, 3, 1), 3);
    assert_verifies(s);
}

/* ---- kill -9 ---- */

/* Queues in runs of random length and tells each acknowledged number through the pipe, until it is killed. */
static void write_until_killed(const char *home, int to)
{
    struct school s = {.a = NULL};
    struct capture *c;
    unsigned n = 1;

    if (agent_open(&s.a, home) != OK)
        _exit(1);
    c = grades(&s);
    for (;;) {
        struct queue_writer *w = NULL;
        uint64_t last;

        if (queue_writer_open(&w, s.a) != OK)
            _exit(2);
        last = add_rows(c, w, n, 1 + n % 37);
        n += 1 + n % 37;
        if (queue_writer_commit(w) != OK)
            _exit(3);
        queue_writer_close(w);
        if (write(to, &last, sizeof(last)) != (ssize_t)sizeof(last))
            _exit(4);
    }
}

static void what_was_acknowledged_survives_kill_9(void **state) /* invariant 1 */
{
    struct school *s = *state;
    unsigned seed = (unsigned)getpid();

    print_message("seed %u\n", seed);
    for (int round = 0; round < 8; round++) {
        int pipe_ends[2];
        uint64_t acknowledged = 0;
        uint64_t last;
        pid_t child;
        int how;

        agent_close(s->a);
        s->a = NULL;
        assert_int_equal(pipe(pipe_ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(pipe_ends[0]);
            write_until_killed(s->home, pipe_ends[1]);
        }
        (void)close(pipe_ends[1]);
        for (unsigned i = 0, many = 1 + (unsigned)rand_r(&seed) % 30; i < many; i++) {
            assert_int_equal(read(pipe_ends[0], &last, sizeof(last)), sizeof(last));
            acknowledged = last;
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        while (read(pipe_ends[0], &last, sizeof(last)) == (ssize_t)sizeof(last))
            acknowledged = last;
        (void)close(pipe_ends[0]);
        assert_int_equal(agent_open(&s->a, s->home), OK);
        assert_true(status(s).last_number >= acknowledged);
        assert_int_equal(readable(s), status(s).last_number); /* each once: invariant 3 */
        assert_verifies(s);
    }
}

static void stage_and_hang(const char *home, int to)
{
    struct school s = {.a = NULL};
    struct queue_writer *w = NULL;

    if (agent_open(&s.a, home) != OK || queue_writer_open(&w, s.a) != OK || add_large(grades(&s), w, 6000) != OK ||
        write(to, "x", 1) != 1)
        _exit(1);
    for (;;)
        (void)pause();
}

static void an_import_killed_half_way_leaves_nothing(void **state) /* invariant 4 */
{
    struct school *s = *state;
    int pipe_ends[2];
    pid_t child;
    char ready;

    put_rows(s, 1, 5);
    agent_close(s->a);
    s->a = NULL;
    assert_int_equal(pipe(pipe_ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        stage_and_hang(s->home, pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &ready, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    assert_int_equal(agent_open(&s->a, s->home), OK);
    assert_true(stored_pages(s) > 100);
    assert_int_equal(readable(s), 5);
    assert_verifies(s);
    assert_int_equal(put_rows(s, 6, 1), 6); /* the next writer clears them away */
    assert_int_equal(stored_pages(s), 2);
    assert_verifies(s);
}

/* ---- reading ---- */

static void a_reader_begins_inside_a_page(void **state)
{
    struct school *s = *state;
    struct queue_reader *r = NULL;
    struct queue_item item;
    struct record_ref from;

    put_rows(s, 1, 500);
    from = (struct record_ref){s->a->gen, 333};
    assert_int_equal(queue_reader_open(&r, s->a, &from), OK);
    for (uint64_t n = 333; n <= 500; n++) {
        assert_int_equal(queue_reader_next(r, &item), OK);
        assert_int_equal(item.ref.number, n);
        assert_int_equal(item.state, RECORD_WAITING);
    }
    assert_int_equal(queue_reader_next(r, &item), ERR_NOT_FOUND);
    queue_reader_close(r);
}

static void an_id_is_understood_in_every_length(void **state)
{
    struct school *s = *state;
    struct record_ref ref;
    char id[RECORD_ID_TEXT];

    put_rows(s, 1, 3);
    ref = (struct record_ref){s->a->gen, 2};
    record_id_format(id, "gp", &ref);
    assert_int_equal(queue_resolve(s->a, id, &ref), OK);
    assert_int_equal(queue_resolve(s->a, "1/2", &ref), OK);
    assert_int_equal(queue_resolve(s->a, "2", &ref), OK);
    assert_int_equal(ref.number, 2);
    assert_int_equal(queue_resolve(s->a, "4", &ref), ERR_NOT_FOUND);
    assert_string_equal(err_text(), "this queue has no submission 4");
    assert_int_equal(queue_resolve(s->a, "ms/1/2", &ref), ERR_NOT_FOUND);
    assert_string_equal(err_text(), "ms/1/2 is a submission of \"ms\", but this queue is of \"gp\"");
    assert_int_equal(queue_resolve(s->a, "0", &ref), ERR_MALFORMED);
}

static void the_current_submission_of_a_slot_is_the_last_that_nothing_names(void **state)
{
    struct school *s = *state;
    struct queue_filter slot = {"grades-por", "gp", "P1"};
    struct capture *c = grades(s);
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = "left"};
    struct record_ref ref;

    assert_int_equal(queue_find_current(s->a, &slot, "p-1", &ref), ERR_NOT_FOUND);
    put_rows(s, 1, 2);
    put_rows(s, 1, 1); /* the same pupil again: number 3 */
    assert_int_equal(queue_find_current(s->a, &slot, "p-1", &ref), OK);
    assert_int_equal(ref.number, 3);
    deed.target = ref;
    assert_int_equal(capture_one(c, NULL, &deed, &ref), OK);
    /* Retracted: the slot is empty and nothing older revives. */
    assert_int_equal(queue_find_current(s->a, &slot, "p-1", &ref), ERR_NOT_FOUND);
    assert_int_equal(queue_find_current(s->a, &slot, "p-2", &ref), OK);
    assert_int_equal(ref.number, 2);
    slot.unit = "gp-branch";
    assert_int_equal(queue_find_current(s->a, &slot, "p-2", &ref), ERR_NOT_FOUND);
    capture_close(c);
}

/* ---- sealing ---- */

/* What the hub sees of a batch: returns the number of records. */
static uint32_t open_as_hub(struct school *s, const struct batch_state *b)
{
    struct batch_header *h = calloc(1, sizeof(*h));
    struct batch_plain *plain = NULL;
    struct section_keys keys;
    struct buf bytes;
    uint32_t count;
    uint64_t number;

    assert_non_null(h);
    buf_init(&bytes, BATCH_MAX_SEALED);
    assert_int_equal(queue_batch_bytes(s->a, b, 0, b->length, &bytes), OK);
    assert_int_equal(bytes.len, b->length);
    assert_int_equal(batch_parse(h, view(&bytes)), OK);
    assert_int_equal(batch_verify(h, view(&bytes), key_public(s->a->sign)), OK);
    assert_int_equal(batch_section_keys(&keys, h, view(&bytes), s->seal), OK);
    assert_int_equal(batch_open(&plain, h, view(&bytes), &keys, ~0u), OK);
    count = batch_plain_count(plain);
    (void)batch_plain_record(plain, 0, &number, NULL);
    assert_int_equal(number, b->first_number);
    (void)batch_plain_record(plain, count - 1, &number, NULL);
    assert_int_equal(number, b->last_number);
    batch_plain_free(plain);
    batch_header_fini(h);
    free(h);
    buf_fini(&bytes);
    return count;
}

static void a_batch_is_sealed_once_and_stays_the_same(void **state) /* invariant 3 */
{
    struct school *s = *state;
    struct batch_state before;
    struct batch_state after;
    struct queue_chain chain;
    uint64_t sealed;

    put_rows(s, 1, 700);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    before = batch_at(s, 1);
    assert_int_equal(before.first_number, 1);
    assert_int_equal(before.last_number, 700);
    assert_int_equal(open_as_hub(s, &before), 700);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 0);
    reopen(s);
    after = batch_at(s, 1);
    assert_memory_equal(before.digest, after.digest, DIGEST_BYTES);
    put_rows(s, 701, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    assert_int_equal(queue_chain(s->a, &s->a->gen, &chain), OK);
    assert_int_equal(chain.first_held, 1);
    assert_int_equal(chain.last_sealed, 2);
    assert_int_equal(chain.receipted, 0);
    assert_int_equal(status(s).sealed, 701);
    assert_int_equal(status(s).batches_open, 2);
    assert_verifies(s);
}

/* In front of LMDB's: who seals meets another that was quicker, between reading and storing. */
static struct school *quicker;

int mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
    static int (*real)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);
    struct school *s = (flags & MDB_RDONLY) != 0 ? NULL : quicker;
    struct store_txn *t = NULL;
    struct gen_row row;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "mdb_txn_begin");
    if (s != NULL) {
        quicker = NULL;
        assert_int_equal(store_begin_write(s->a->store, &t), OK);
        assert_int_equal(gen_row_get(t, &s->a->gen, &row), OK);
        row.sequence++;
        assert_int_equal(gen_row_put(t, &row), OK);
        assert_int_equal(store_commit(t), OK);
    }
    return real(env, parent, flags, txn);
}

static void two_that_seal_at_once_seal_nothing_twice(void **state) /* invariant 3 */
{
    struct school *s = *state;
    struct batch_state b;
    uint64_t sealed;

    put_rows(s, 1, 5);
    quicker = s;
    assert_int_equal(queue_seal(s->a, &sealed), ERR_BUSY);
    assert_null(quicker);
    assert_int_equal(queue_batch(s->a, &s->a->gen, 1, &b), ERR_NOT_FOUND);
}

/* Between two transactions of a writer a sync may seal what was queued before. */
static void sealing_while_records_are_staged_is_not_forgotten(void **state) /* invariant 3 */
{
    struct school *s = *state;
    struct queue_writer *w = NULL;
    struct capture *c = grades(s);
    uint64_t pages;
    uint64_t sealed;

    put_rows(s, 1, 10);
    pages = stored_pages(s);
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    while (stored_pages(s) == pages) /* until a first transaction of staged pages is through */
        assert_int_equal(add_large(c, w, 1), OK);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    assert_int_equal(batch_at(s, 1).last_number, 10);
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    capture_close(c);
    assert_int_equal(status(s).sealed, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(batch_at(s, 2).first_number, 11);
    assert_verifies(s);
}

static void limits_of_the_settings_split_batches(void **state)
{
    struct school *s = *state;
    uint64_t sealed;
    uint32_t count = 0;

    put_rows(s, 1, 1000);
    s->a->conf.batch_records = 300;
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 4);
    for (uint64_t q = 1; q <= sealed; q++) {
        struct batch_state b = batch_at(s, q);

        count += open_as_hub(s, &b);
    }
    assert_int_equal(count, 1000);
    assert_verifies(s);
}

static void parts_of_a_batch_make_the_whole(void **state)
{
    struct school *s = *state;
    struct batch_state b;
    struct buf whole;
    struct buf parts;
    uint64_t sealed;

    put_rows(s, 1, 40000);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    b = batch_at(s, 1);
    assert_true(b.length > AGENT_CHUNK_BYTES);
    buf_init(&whole, BATCH_MAX_SEALED);
    buf_init(&parts, BATCH_MAX_SEALED);
    assert_int_equal(queue_batch_bytes(s->a, &b, 0, b.length, &whole), OK);
    for (uint32_t at = 0; at < b.length; at += 10007)
        assert_int_equal(queue_batch_bytes(s->a, &b, at, 10007, &parts), OK);
    assert_int_equal(whole.len, parts.len);
    assert_memory_equal(whole.data, parts.data, whole.len);
    buf_fini(&whole);
    buf_fini(&parts);
}

/* ---- receipts ---- */

static enum err receipt_of(struct school *s, const struct record_ref *ref, struct receipt *out)
{
    struct queue_proof p;
    struct proof_record at;
    enum err e = queue_proof_of(s->a, ref, &p);

    if (e != OK)
        return e;
    assert_int_equal(receipt_open(out, view(&p.receipt), signed_signer(view(&p.receipt))), OK);
    assert_int_equal(queue_prove(&p, out, ref->number, &at), OK);
    queue_proof_fini(&p);
    return OK;
}

static void a_receipt_moves_the_batch_on_and_is_kept(void **state)
{
    struct school *s = *state;
    struct record_ref ref;
    struct receipt r;
    uint64_t sealed;

    put_rows(s, 1, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    ref = (struct record_ref){s->a->gen, 7};
    assert_int_equal(receipt_of(s, &ref, &r), ERR_NOT_FOUND);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS + 5000), OK);
    assert_int_equal(status(s).stored, 10);
    assert_int_equal(status(s).batches_open, 0);
    assert_int_equal(status(s).last_receipt_ms, TEST_NOW_MS + 5000);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS + DAY_MS), OK);
    assert_int_equal(status(s).archived, 10);
    /* A late copy of "stored" takes nothing back, neither the state nor the day from which the term runs (invariant 2).
     */
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS + 5000), OK);
    assert_int_equal(status(s).archived, 10);
    assert_int_equal(batch_at(s, 1).receipt_ms, TEST_NOW_MS + DAY_MS);
    assert_int_equal(receipt_of(s, &ref, &r), OK);
    assert_int_equal(r.sequence, 1);
    receipt_fini(&r);
    assert_verifies(s);
}

/* It was days on its way: what it says about this clock is nothing. */
static void a_receipt_from_a_file_does_not_set_the_clocks_offset(void **state)
{
    struct school *s = *state;
    struct batch_state b;
    struct record head = {.has_time = true};
    struct receipt r;
    struct buf object;
    uint64_t sealed;

    put_rows(s, 1, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    b = batch_at(s, 1);
    fill_receipt(s, &b, RECEIPT_STORED, TEST_NOW_MS - 20 * DAY_MS, &r);
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, s->hub), OK);
    assert_int_equal(queue_take_late_receipt(s->a, view(&object)), OK);
    buf_fini(&object);
    assert_int_equal(status(s).stored, 10);
    reopen(s);
    queue_stamp(s->a, &head);
    assert_false(head.has_offset);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS + 5000), OK);
    reopen(s);
    queue_stamp(s->a, &head);
    assert_true(head.has_offset);
    assert_int_equal(head.offset_ms, 5000);
}

static void a_foreign_or_forged_receipt_changes_nothing(void **state) /* invariant 6 */
{
    struct school *s = *state;
    struct batch_state b;
    struct receipt r;
    uint64_t sealed;

    put_rows(s, 1, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    b = batch_at(s, 1);
    fill_receipt(s, &b, RECEIPT_ARCHIVED, TEST_NOW_MS, &r);
    assert_int_equal(take(s, &r, s->root), ERR_AUTH); /* not the hub's key */
    (void)snprintf(r.participant, sizeof(r.participant), "ms");
    assert_int_equal(take(s, &r, s->hub), ERR_AUTH);
    assert_string_equal(err_text(), "the receipt is another participant's");
    fill_receipt(s, &b, RECEIPT_ARCHIVED, TEST_NOW_MS, &r);
    r.batch[0] ^= 1;
    assert_int_equal(take(s, &r, s->hub), ERR_AUTH);
    assert_string_equal(err_text(), "the receipt for batch 1 is about other bytes");
    fill_receipt(s, &b, RECEIPT_ARCHIVED, TEST_NOW_MS, &r);
    r.sequence = 2;
    assert_int_equal(take(s, &r, s->hub), ERR_NOT_FOUND); /* harmless */
    assert_int_equal(status(s).sealed, 10);
    assert_int_equal(status(s).stored + status(s).archived, 0);
}

static void count_event(void *ctx, int64_t wall_ms, const char *text)
{
    struct buf *out = ctx;

    (void)wall_ms;
    buf_printf(out, "%s\n", text);
}

static void refused_records_are_told_to_the_school(void **state) /* invariant 9 */
{
    struct school *s = *state;
    struct receipt_refusal refusal = {
        .number = 3,
        .why = {.reason = QUARANTINE_UNIT, .rule = RULE_UNIT, .field = "unit", .expected = "gp-branch", .text = "log"}};
    struct batch_state b;
    struct receipt r;
    struct buf told;
    uint64_t sealed;

    put_rows(s, 1, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    b = batch_at(s, 1);
    fill_receipt(s, &b, RECEIPT_STORED, TEST_NOW_MS, &r);
    r.verdicts[VERDICT_COUNTED] = 9;
    r.verdicts[VERDICT_QUARANTINED] = 1;
    r.refusal_count = 1;
    r.refusals = &refusal;
    assert_int_equal(take(s, &r, s->hub), OK);
    assert_int_equal(status(s).refused, 1);
    assert_int_equal(take(s, &r, s->hub), OK); /* the receipt again: told once */
    assert_int_equal(status(s).refused, 1);
    buf_init(&told, 4096);
    assert_int_equal(agent_each_event(s->a, true, count_event, &told), OK);
    assert_non_null(strstr(buf_cstr(&told), "the sender has no right to report about this unit: gp-branch."));
    assert_ptr_equal(strchr(buf_cstr(&told), '\n'), strrchr(buf_cstr(&told), '\n'));
    buf_reset(&told);
    assert_int_equal(agent_each_event(s->a, false, count_event, &told), OK);
    assert_int_equal(told.len, 0);
    buf_fini(&told);
    /* The hub went back, and judges anew. */
    assert_int_equal(queue_send_again(s->a, &b), OK);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS + 1), OK);
    assert_int_equal(status(s).refused, 0);
}

static void copies_go_30_days_after_archived_and_never_without(void **state) /* invariant 2 */
{
    struct school *s = *state;
    uint64_t sealed;
    uint64_t gone;

    for (unsigned i = 0; i < 3; i++) {
        put_rows(s, 1 + i * 10, 10);
        assert_int_equal(queue_seal(s->a, &sealed), OK);
    }
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 2, RECEIPT_STORED, TEST_NOW_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 0);
    clock_test_set(TEST_NOW_MS + 400 * DAY_MS); /* the PC's own clock destroys nothing */
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 0);
    assert_int_equal(receive(s, 3, RECEIPT_STORED, TEST_NOW_MS + 31 * DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 1);
    assert_int_equal(readable(s), 20);
    assert_verifies(s);
    assert_int_equal(receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS + 31 * DAY_MS), OK);
    assert_int_equal(receive(s, 3, RECEIPT_ARCHIVED, TEST_NOW_MS + 31 * DAY_MS), OK);
    put_rows(s, 31, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 4, RECEIPT_ARCHIVED, TEST_NOW_MS + 62 * DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 2);
    assert_int_equal(readable(s), 1);
    assert_int_equal(put_rows(s, 32, 1), 32); /* numbers are never used again */
    assert_verifies(s);
}

static enum err put_past(void *ctx, const struct queue_past *p)
{
    struct buf *out = ctx;

    buf_printf(out, "%s %s %s %llu\n", p->form, p->unit, p->period, (unsigned long long)p->ref.number);
    return OK;
}

/* What is destroyed leaves which it was, when, and the hub's signed word. */
static void a_summary_and_the_receipt_outlive_the_content(void **state)
{
    struct school *s = *state;
    struct queue_filter other = {"family", NULL, NULL};
    struct record_ref ref = {s->a->gen, 2};
    struct receipt r;
    struct buf past;
    uint64_t sealed;
    uint64_t gone;

    put_rows(s, 1, 3);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    put_rows(s, 4, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 2, RECEIPT_STORED, TEST_NOW_MS + 30 * DAY_MS - 1), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 0); /* one millisecond is missing */
    assert_int_equal(receive(s, 2, RECEIPT_STORED, TEST_NOW_MS + 30 * DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 1);
    buf_init(&past, 4096);
    assert_int_equal(queue_each_past(s->a, NULL, put_past, &past), OK);
    assert_string_equal(buf_cstr(&past), "grades-por gp P1 1\ngrades-por gp P1 2\ngrades-por gp P1 3\n");
    buf_reset(&past);
    assert_int_equal(queue_each_past(s->a, &other, put_past, &past), OK);
    assert_int_equal(past.len, 0);
    buf_fini(&past);
    assert_int_equal(receipt_of(s, &ref, &r), OK);
    assert_int_equal(r.state, RECEIPT_ARCHIVED);
    assert_int_equal(r.sequence, 1);
    receipt_fini(&r);
    assert_int_equal(readable(s), 1);
    assert_verifies(s);
}

/* The hub signs "archived" anew each time that it is asked: the 30 days count from the first. */
static void archived_said_again_does_not_begin_the_days_again(void **state)
{
    struct school *s = *state;
    uint64_t sealed;
    uint64_t gone;

    put_rows(s, 1, 3);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS + 30 * DAY_MS), OK);
    assert_int_equal(batch_at(s, 1).receipt_ms, TEST_NOW_MS);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS), OK); /* an old stick */
    assert_int_equal(batch_at(s, 1).life, BATCH_ARCHIVED);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 1);
}

/* A refused batch is never archived; without this the hub would say "archived" of all that follow, night after night.
 */
static void a_refused_batch_does_not_hold_up_what_is_archived(void **state)
{
    struct school *s = *state;
    struct queue_chain chain;
    uint64_t sealed;

    for (unsigned i = 0; i < 3; i++) {
        put_rows(s, 1 + i * 10, 10);
        assert_int_equal(queue_seal(s->a, &sealed), OK);
    }
    assert_int_equal(receive(s, 1, RECEIPT_REFUSED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 3, RECEIPT_STORED, TEST_NOW_MS), OK);
    assert_int_equal(queue_chain(s->a, &s->a->gen, &chain), OK);
    assert_int_equal(chain.archived, 2);
}

/* A receipt that comes again, or late, says nothing about this computer's clock today. */
static void only_the_newest_receipt_sets_the_clock(void **state)
{
    struct school *s = *state;
    struct buf offset;
    uint64_t sealed;

    put_rows(s, 1, 3);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS + 500), OK);
    clock_test_set(TEST_NOW_MS + 9 * DAY_MS);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS + 500), OK);
    buf_init(&offset, 8);
    assert_int_equal(agent_meta_get(s->a, NULL, "offset", &offset), OK);
    assert_int_equal(be64_get(offset.data), 500);
    buf_fini(&offset);
}

/* Invariant 4: the first batch was whole and would go; the second is damaged: nothing goes, and it is said. */
static void a_damaged_batch_stops_expiry_before_anything_is_gone(void **state)
{
    struct school *s = *state;
    struct store_txn *t = NULL;
    uint8_t key[CHUNK_KEY];
    uint64_t sealed;
    uint64_t gone;

    for (unsigned i = 0; i < 3; i++) {
        put_rows(s, 1 + i * 10, 10);
        assert_int_equal(queue_seal(s->a, &sealed), OK);
    }
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 3, RECEIPT_STORED, TEST_NOW_MS + 31 * DAY_MS), OK);
    page_key(key, &s->a->gen, 2);
    be32_put(key + PAGE_KEY, 0);
    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(store_delete(t, T_CHUNKS, bytes_of(key, sizeof(key))), OK);
    assert_int_equal(store_commit(t), OK);
    assert_int_equal(queue_expire(s->a, &gone), ERR_CORRUPT);
    assert_int_equal(readable(s), 30);
    assert_int_equal(batch_at(s, 1).life, BATCH_ARCHIVED);
}

static void the_last_page_goes_with_its_batch(void **state)
{
    struct school *s = *state;
    struct batch_state b;
    struct receipt r;
    uint64_t sealed;
    uint64_t gone;

    put_rows(s, 1, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    b = batch_at(s, 1);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    put_rows(s, 11, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    put_rows(s, 12, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    fill_receipt(s, &b, RECEIPT_STORED, TEST_NOW_MS, &r);
    assert_int_equal(receive(s, 3, RECEIPT_STORED, TEST_NOW_MS + 31 * DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 2);
    assert_int_equal(stored_pages(s), 1);
    assert_int_equal(readable(s), 1);
}

/* The term of a form is shorter than keep_days: then it holds, but never before 30 days after archived (invariant 2).
 */
static void a_forms_term_ends_a_copy_and_a_summary_stays(void **state)
{
    struct school *s = *state;
    struct buf past;
    uint64_t sealed;
    uint64_t gone;

    s->a->conf.keep_days = 36500;
    put_rows(s, 1, 10);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    put_rows(s, 11, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 2, RECEIPT_STORED, TEST_NOW_MS + 800 * DAY_MS), OK);
    for (size_t i = 0; i < s->a->form_count; i++)
        form_held(s->a, i)->retention_years = 0;
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 0); /* no term is given */
    for (size_t i = 0; i < s->a->form_count; i++)
        form_held(s->a, i)->retention_years = 3;
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 0); /* it is not over */
    for (size_t i = 0; i < s->a->form_count; i++)
        form_held(s->a, i)->retention_years = 1;
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 1); /* the other one is not archived */
    assert_int_equal(readable(s), 1);
    buf_init(&past, 4096);
    assert_int_equal(queue_each_past(s->a, NULL, put_past, &past), OK);
    assert_non_null(strstr(buf_cstr(&past), " 10\n"));
    buf_fini(&past);
    assert_verifies(s);
}

static void put_draft(struct school *s, const char *key)
{
    struct store_txn *t = NULL;

    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(store_put(t, T_DRAFTS, bytes_of(key, strlen(key)), bytes_of("locked", 6)), OK);
    assert_int_equal(store_commit(t), OK);
}

static uint64_t drafts(struct school *s)
{
    struct store_txn *t = NULL;
    uint64_t n;

    assert_int_equal(store_begin_read(s->a->store, &t), OK);
    n = store_count(t, T_DRAFTS);
    store_abort(t);
    return n;
}

/* Only of forms that say so, and only by the hub's time. */
static void drafts_go_when_their_period_is_over(void **state)
{
    struct school *s = *state;
    struct period p;
    char key[128];
    uint64_t sealed;
    uint64_t gone;
    int64_t over;

    assert_int_equal(calendar_find(s->a->calendar, NULL, "2020/21", &p), OK);
    over = ((int64_t)p.last + 1) * DAY_MS;
    (void)snprintf(key, sizeof(key), "%s|gp|%s", s->a->forms[0].object->name, p.id);
    put_draft(s, key);
    (void)snprintf(key, sizeof(key), "%s|gp|%s", s->a->forms[1].object->name, p.id);
    put_draft(s, key);
    form_held(s->a, 0)->drafts_end = true;
    put_rows(s, 1, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    clock_test_set(over + 400 * DAY_MS); /* the PC's own clock decides nothing */
    assert_int_equal(receive(s, 1, RECEIPT_STORED, over - DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(drafts(s), 2);
    put_rows(s, 2, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 2, RECEIPT_STORED, over), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(drafts(s), 1);
}

/* ---- two histories ---- */

static enum err feed(struct school *s, struct reconcile_plan *p, struct reconcile *r, bool *is_complete)
{
    struct buf object;
    enum err e;

    memcpy(r->district, s->directory.district, sizeof(r->district));
    (void)snprintf(r->participant, sizeof(r->participant), "gp");
    r->gen = s->a->gen;
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(reconcile_make(&object, r, s->hub), OK);
    e = reconcile_feed(p, view(&object), is_complete);
    buf_fini(&object);
    return e;
}

static void digest_of(struct school *s, uint64_t number, struct reconcile_item *out)
{
    struct record_ref ref = {s->a->gen, number};
    struct buf record;

    buf_init(&record, RECORD_MAX);
    assert_int_equal(queue_get(s->a, &ref, &record), OK);
    out->number = number;
    record_digest(out->digest, view(&record));
    buf_fini(&record);
}

static struct record_ref retract_number(struct school *s, uint64_t number)
{
    struct capture *c = grades(s);
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = "left", .target = {s->a->gen, number}};
    struct record_ref ref;

    assert_int_equal(capture_one(c, NULL, &deed, &ref), OK);
    capture_close(c);
    return ref;
}

static enum err find_target(void *ctx, const struct queue_submission *x)
{
    if (x->record->kind == RECORD_RETRACTION)
        *(struct record_ref *)ctx = x->record->target;
    return OK;
}

/* A restored copy: the hub holds 1 to 3 as we do, something else under 4 and 5; we have 4 to 7, where 7 retracts 5. */
static void a_restored_queue_gives_new_numbers_only_to_what_the_hub_lacks(void **state) /* invariant 3 */
{
    struct school *s = *state;
    struct generation old;
    struct reconcile_plan *p = NULL;
    struct reconcile_item items[5] = {{0}};
    struct reconcile r = {.last = 5,
                          .held_last_number = 5,
                          .held_last_sequence = 2,
                          .next_counter = 4,
                          .is_closed = true,
                          .count = 5,
                          .items = items};
    struct queue_filter any = {NULL, NULL, NULL};
    struct record_ref target = {{0, {0}}, 0};
    struct buf text;
    uint64_t dropped;
    uint64_t renumbered;
    uint64_t sealed;
    bool is_complete = false;

    put_rows(s, 1, 6);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(retract_number(s, 5).number, 7);
    old = s->a->gen;
    for (uint64_t n = 1; n <= 3; n++)
        digest_of(s, n, &items[n - 1]);
    for (uint64_t n = 4; n <= 5; n++)
        items[n - 1] = (struct reconcile_item){n, {(uint8_t)n}};
    assert_int_equal(reconcile_begin(&p, s->a, &old), OK);
    assert_int_equal(reconcile_next(p), 1);
    r.first = reconcile_next(p);
    assert_int_equal(feed(s, p, &r, &is_complete), OK);
    assert_true(is_complete);
    assert_int_equal(reconcile_finish(p, &dropped, &renumbered), OK);
    reconcile_free(p);
    assert_int_equal(dropped, 3);
    assert_int_equal(renumbered, 4);
    assert_int_equal(s->a->gen.counter, 4);
    buf_init(&text, 4096);
    assert_string_equal(all_submissions(s, &text), "new grades-por gp P1 p-1 1\nnew grades-por gp P1 p-2 2\n"
                                                   "new grades-por gp P1 p-3 3\nnew grades-por gp P1 p-4 1\n"
                                                   "new grades-por gp P1 p-5 2\nnew grades-por gp P1 p-6 3\n"
                                                   "retraction grades-por gp P1  4\n");
    buf_fini(&text);
    assert_int_equal(queue_each(s->a, &any, find_target, &target), OK);
    assert_int_equal(generation_compare(&target.gen, &s->a->gen), 0);
    assert_int_equal(target.number, 2); /* 5 is 2 now */
    assert_verifies(s);
    reopen(s);
    assert_int_equal(s->a->gen.counter, 4);
    assert_int_equal(status(s).waiting, 4);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    assert_verifies(s);
}

/* All that the hub holds of a generation that it closed. */
struct hub_page {
    struct reconcile_item items[8];
    struct reconcile r;
};

static void bring_together(struct school *s, const struct reconcile *r, uint64_t *dropped, uint64_t *renumbered)
{
    struct reconcile_plan *p = NULL;
    struct reconcile page = *r;
    bool is_complete = false;

    assert_int_equal(reconcile_begin(&p, s->a, &s->a->gen), OK);
    page.first = reconcile_next(p);
    assert_int_equal(feed(s, p, &page, &is_complete), OK);
    assert_true(is_complete);
    assert_int_equal(reconcile_finish(p, dropped, renumbered), OK);
    reconcile_free(p);
}

/* What was copied before it was numbered: the hub holds the same bytes under other numbers (invariant 3). */
static void what_the_hub_holds_under_another_number_gets_no_new_one(void **state)
{
    struct school *s = *state;
    struct reconcile_item items[2] = {{.number = 1}};
    struct reconcile r = {.first = 1,
                          .last = 2,
                          .held_last_number = 2,
                          .held_last_sequence = 1,
                          .next_counter = 2,
                          .is_closed = true,
                          .count = 2,
                          .items = items};
    uint64_t dropped, renumbered;

    put_rows(s, 1, 3);
    digest_of(s, 2, &items[0]);
    digest_of(s, 1, &items[1]);
    items[0].number = 1;
    items[1].number = 2;
    bring_together(s, &r, &dropped, &renumbered);
    assert_int_equal(dropped, 2);
    assert_int_equal(renumbered, 1);
    assert_verifies(s);
}

/* A restored copy: batches of 1 to 4, 5 to 7 and 8, of which the second has lost its receipt; 9 is not sealed yet.  The
 * hub holds 1 to 8. */
static void restore_copy(struct school *s, struct hub_page *hub)
{
    static const unsigned runs[] = {4, 3, 1};
    unsigned next = 1;
    uint64_t dropped, renumbered, sealed;

    for (size_t i = 0; i < 3; i++) {
        put_rows(s, next, runs[i]);
        next += runs[i];
        assert_int_equal(queue_seal(s->a, &sealed), OK);
    }
    put_rows(s, 9, 1);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS), OK);
    assert_int_equal(receive(s, 3, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    hub->r = (struct reconcile){.first = 1,
                                .last = 8,
                                .held_last_number = 8,
                                .held_last_sequence = 3,
                                .next_counter = 4,
                                .is_closed = true,
                                .count = 8,
                                .items = hub->items};
    for (uint64_t n = 1; n <= 8; n++)
        digest_of(s, n, &hub->items[n - 1]);
    bring_together(s, &hub->r, &dropped, &renumbered);
    assert_int_equal(dropped, 8);
    assert_int_equal(renumbered, 1);
    assert_int_equal(queue_expire(s->a, &sealed), OK);
}

static void on_difference(void *ctx, bool is_difference, const char *text)
{
    (void)ctx;
    (void)is_difference;
    fail_msg("%s", text);
}

/* `verify --with-hub` about that generation: how many are gone here after their time. */
static uint64_t compare_gone(struct school *s, const struct generation *gen, struct hub_page *hub)
{
    struct comparison *c = NULL;
    struct compare_counts counts = {0};
    struct buf object;
    bool is_complete = false;

    memcpy(hub->r.district, s->directory.district, sizeof(hub->r.district));
    (void)snprintf(hub->r.participant, sizeof(hub->r.participant), "gp");
    hub->r.gen = *gen;
    hub->r.first = 1;
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(reconcile_make(&object, &hub->r, s->hub), OK);
    assert_int_equal(comparison_new(&c, s->a, gen, on_difference, NULL), OK);
    assert_int_equal(comparison_feed(c, view(&object), &is_complete), OK);
    assert_true(is_complete);
    comparison_counts(c, &counts);
    comparison_free(c);
    buf_fini(&object);
    assert_int_equal(counts.differences, 0);
    assert_int_equal(counts.equal + counts.gone, hub->r.count);
    return counts.gone;
}

/* Invariant 2: what was recognised at the hub has no receipt here; it goes when something later is archived, and what
 * lies in a batch of its generation stays by that batch's own receipt. */
static void what_was_recognised_after_a_restore_goes_by_term(void **state)
{
    struct school *s = *state;
    struct generation old = s->a->gen;
    struct record_ref ref = {old, 7};
    struct hub_page hub;
    uint64_t sealed, gone;

    restore_copy(s, &hub);
    assert_int_equal(compare_gone(s, &old, &hub), 0);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS + DAY_MS), OK);
    put_rows(s, 10, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 2, RECEIPT_STORED, TEST_NOW_MS + 31 * DAY_MS - 1), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(readable(s), 10);
    assert_int_equal(receive(s, 2, RECEIPT_STORED, TEST_NOW_MS + 31 * DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(gone, 1);        /* the batch that was archived */
    assert_int_equal(readable(s), 6); /* 1 to 4, 8, and the newest */
    assert_int_equal(queue_find_past(s->a, &ref), OK);
    ref.number = 8;
    assert_int_equal(queue_find_past(s->a, &ref), ERR_NOT_FOUND);
    assert_verifies(s);
    assert_int_equal(compare_gone(s, &old, &hub), 3);
}

/* The hub may be one that was restored, and what was archived before says nothing of what it holds now. */
static void histories_that_meet_again_begin_the_days_again(void **state) /* invariant 2 */
{
    struct school *s = *state;
    struct record_ref ref = {s->a->gen, 7};
    struct reconcile nothing = {.last = 2, .next_counter = 6, .is_closed = true};
    struct hub_page hub;
    uint64_t sealed, gone, dropped, renumbered;

    restore_copy(s, &hub);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS + DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    put_rows(s, 10, 1);
    bring_together(s, &nothing, &dropped, &renumbered);
    assert_int_equal(renumbered, 1);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS + 31 * DAY_MS), OK);
    assert_int_equal(queue_expire(s->a, &gone), OK);
    assert_int_equal(queue_find_past(s->a, &ref), ERR_NOT_FOUND);
}

static void a_generation_that_the_hub_left_open_is_not_renumbered(void **state) /* invariant 3 */
{
    struct school *s = *state;
    struct reconcile_plan *p = NULL;
    struct reconcile r = {.first = 1, .last = 1, .next_counter = 2, .is_closed = false};
    bool is_complete = false;

    put_rows(s, 1, 2);
    assert_int_equal(reconcile_begin(&p, s->a, &s->a->gen), OK);
    assert_int_equal(feed(s, p, &r, &is_complete), ERR_AUTH);
    reconcile_free(p);
    assert_int_equal(s->a->gen.counter, 1);
    assert_int_equal(readable(s), 2);
}

static void what_is_archived_stays_out_of_reconciling(void **state)
{
    struct school *s = *state;
    struct reconcile_plan *p = NULL;
    struct reconcile r = {
        .first = 6, .last = 6, .held_last_number = 5, .held_last_sequence = 1, .next_counter = 2, .is_closed = true};
    uint64_t sealed;
    uint64_t dropped;
    uint64_t renumbered;
    bool is_complete = false;

    put_rows(s, 1, 5);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS), OK);
    put_rows(s, 6, 2);
    assert_int_equal(reconcile_begin(&p, s->a, &s->a->gen), OK);
    assert_int_equal(reconcile_next(p), 6);
    assert_int_equal(feed(s, p, &r, &is_complete), OK);
    assert_true(is_complete);
    assert_int_equal(reconcile_finish(p, &dropped, &renumbered), OK);
    reconcile_free(p);
    assert_int_equal(dropped, 0);
    assert_int_equal(renumbered, 2);
    assert_int_equal(readable(s), 7);
    assert_int_equal(status(s).archived, 5);
    assert_verifies(s);
}

/* A hub restored from an old copy, to a school whose copy is not archived: invariant 2. */
static void what_the_hub_lost_after_its_receipt_is_sent_again(void **state)
{
    struct school *s = *state;
    struct reconcile_plan *p = NULL;
    struct reconcile r = {.first = 1, .last = 1, .next_counter = 2, .is_closed = true};
    uint64_t sealed;
    uint64_t dropped;
    uint64_t renumbered;
    bool is_complete = false;

    put_rows(s, 1, 5);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(receive(s, 1, RECEIPT_STORED, TEST_NOW_MS), OK);
    put_rows(s, 6, 2);
    assert_int_equal(reconcile_begin(&p, s->a, &s->a->gen), OK);
    assert_int_equal(reconcile_next(p), 1);
    assert_int_equal(feed(s, p, &r, &is_complete), OK);
    assert_true(is_complete);
    assert_int_equal(reconcile_finish(p, &dropped, &renumbered), OK);
    reconcile_free(p);
    assert_int_equal(dropped, 0);
    assert_int_equal(renumbered, 7);
    assert_int_equal(readable(s), 7);
    assert_int_equal(status(s).waiting, 7);
    assert_verifies(s);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    assert_verifies(s);
}

/* ---- damage ---- */

static void damage(struct school *s, unsigned table)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t key_copy[64];
    uint8_t *copy;
    size_t len;

    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(store_cursor_open(t, table, &c), OK);
    assert_int_equal(store_seek(c, bytes_of("", 0), &key, &value), OK);
    copy = malloc(value.len);
    assert_non_null(copy);
    memcpy(copy, value.p, value.len);
    memcpy(key_copy, key.p, key.len);
    len = value.len;
    copy[len / 2] ^= 0x40;
    key.p = key_copy;
    store_cursor_close(c);
    assert_int_equal(store_put(t, table, key, bytes_of(copy, len)), OK);
    assert_int_equal(store_commit(t), OK);
    free(copy);
}

static void assert_verify_says(struct school *s, const char *what)
{
    char text[1024] = "";
    FILE *to = fmemopen(text, sizeof(text), "w");
    uint64_t bad = 0;

    assert_non_null(to);
    assert_int_equal(queue_verify(s->a, to, &bad), OK);
    (void)fclose(to);
    assert_true(bad > 0);
    assert_non_null(strstr(text, what));
}

static void verify_names_a_damaged_page(void **state)
{
    struct school *s = *state;

    put_rows(s, 1, 5);
    damage(s, T_PAGES);
    assert_verify_says(s, "the page of the queue from number 1 on is damaged\n");
}

static void verify_names_a_damaged_batch(void **state)
{
    struct school *s = *state;
    uint64_t sealed;

    put_rows(s, 1, 5);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    damage(s, T_CHUNKS);
    assert_verify_says(s, "batch 1: its bytes changed\n");
}

static void verify_names_a_key_that_does_not_open(void **state)
{
    struct school *s = *state;

    put_rows(s, 1, 5);
    damage(s, T_SEGMENTS);
    assert_verify_says(s, "a key of the queue does not open: keys/home.key is not the one of this home\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(committed_records_are_there_after_a_restart),
        TEST(without_commit_nothing_was_ever_there),
        TEST(pages_staged_in_earlier_transactions_vanish_with_their_writer),
        TEST(a_large_import_becomes_visible_as_a_whole),
        TEST(a_second_writer_waits_for_the_first),
        TEST(a_nearly_full_disk_refuses_and_keeps_what_was),
        TEST(a_full_map_refuses_the_whole_import_and_keeps_what_was),
        TEST(what_was_acknowledged_survives_kill_9),
        TEST(an_import_killed_half_way_leaves_nothing),
        TEST(a_reader_begins_inside_a_page),
        TEST(an_id_is_understood_in_every_length),
        TEST(the_current_submission_of_a_slot_is_the_last_that_nothing_names),
        TEST(a_batch_is_sealed_once_and_stays_the_same),
        TEST(sealing_while_records_are_staged_is_not_forgotten),
        TEST(two_that_seal_at_once_seal_nothing_twice),
        TEST(limits_of_the_settings_split_batches),
        TEST(parts_of_a_batch_make_the_whole),
        TEST(a_receipt_moves_the_batch_on_and_is_kept),
        TEST(a_receipt_from_a_file_does_not_set_the_clocks_offset),
        TEST(a_foreign_or_forged_receipt_changes_nothing),
        TEST(refused_records_are_told_to_the_school),
        TEST(a_summary_and_the_receipt_outlive_the_content),
        TEST(archived_said_again_does_not_begin_the_days_again),
        TEST(a_refused_batch_does_not_hold_up_what_is_archived),
        TEST(only_the_newest_receipt_sets_the_clock),
        TEST(copies_go_30_days_after_archived_and_never_without),
        TEST(a_damaged_batch_stops_expiry_before_anything_is_gone),
        TEST(the_last_page_goes_with_its_batch),
        TEST(a_forms_term_ends_a_copy_and_a_summary_stays),
        TEST(drafts_go_when_their_period_is_over),
        TEST(a_restored_queue_gives_new_numbers_only_to_what_the_hub_lacks),
        TEST(what_was_recognised_after_a_restore_goes_by_term),
        TEST(what_the_hub_holds_under_another_number_gets_no_new_one),
        TEST(histories_that_meet_again_begin_the_days_again),
        TEST(a_generation_that_the_hub_left_open_is_not_renumbered),
        TEST(what_is_archived_stays_out_of_reconciling),
        TEST(what_the_hub_lost_after_its_receipt_is_sent_again),
        TEST(verify_names_a_damaged_page),
        TEST(verify_names_a_damaged_batch),
        TEST(verify_names_a_key_that_does_not_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
