/* test_own_history.c: what a school sent from its earlier computer comes back to the new one: believed only from the
 * hub and only when it is sealed to this computer (invariant 6), each submission once and under its own number (3),
 * none lost in between whatever the order (2), and never sent again. */
#include "agent/own_history.h"

#include "agent/aside.h"
#include "agent/capture.h"
#include "agent/own_return.h"
#include "agent/queue.h"
#include "agent/standing.h"
#include "agent/word.h"
#include "agent_fixture.h"

/* The computer that is gone. */
struct past {
    struct school *s;
    struct key *sign;
    struct generation gen;
    uint64_t serial;
};

static void past_new(struct past *p, struct school *s)
{
    memset(p, 0, sizeof(*p));
    p->s = s;
    p->gen.counter = 1;
    memset(p->gen.tag, 9, TAG_BYTES);
    assert_int_equal(key_generate(&p->sign, KEY_SIGN), OK);
    enrol(s);
}

static void past_free(struct past *p)
{
    key_free(p->sign);
}

static void encode_row(const struct past *p, uint64_t number, struct buf *out)
{
    const struct form *f = agent_form(p->s->a, "grades-por");
    struct value values[8];
    struct record r = {.filled_on = 18518, .has_time = true, .made_ms = TEST_NOW_MS};
    char key[24];

    memset(values, 0, sizeof(values));
    (void)snprintf(key, sizeof(key), "p-%llu", (unsigned long long)number);
    for (uint32_t i = 0; i < f->field_count; i++)
        values[i].state = VALUE_MISSING;
    values[0] = (struct value){.state = VALUE_PRESENT, .as.text = bytes_of(key, strlen(key))};
    values[1] = (struct value){.state = VALUE_PRESENT, .as.i = (int64_t)(number % 21)};
    values[2] = (struct value){.state = VALUE_PRESENT, .as.i = 1};
    memcpy(r.form, f->digest, sizeof(r.form));
    (void)snprintf(r.unit, sizeof(r.unit), "gp");
    (void)snprintf(r.period, sizeof(r.period), "P1");
    memset(r.tag, 3, sizeof(r.tag));
    r.ordinal = (uint32_t)number;
    r.values = values;
    r.value_count = f->field_count;
    buf_reset(out);
    assert_int_equal(record_encode(out, &r, f), OK);
}

/* A batch with these numbers, as the old computer sealed it. */
static void seal_numbers(struct past *p, const char *participant, const uint64_t *numbers, size_t count,
                         struct buf *out)
{
    struct batch_seal seal = {
        .participant = participant, .gen = p->gen, .sequence = 1, .sign = p->sign, .closed_ms = TEST_NOW_MS};
    struct batch_maker *m;
    struct buf record;
    uint32_t taken;

    buf_init(&record, RECORD_MAX);
    assert_int_equal(batch_maker_new(&m, NULL), OK);
    for (size_t i = 0; i < count; i++) {
        encode_row(p, numbers[i], &record);
        assert_int_equal(batch_maker_add(m, numbers[i], "default", view(&record)), OK);
    }
    memcpy(seal.district, p->s->directory.district, sizeof(seal.district));
    memcpy(seal.seal_to, key_public(p->s->seal), KEY_BYTES);
    buf_init(out, BATCH_MAX_SEALED);
    assert_int_equal(batch_maker_seal(m, &seal, out, &taken), OK);
    assert_int_equal(taken, count);
    batch_maker_free(m);
    buf_fini(&record);
}

struct page {
    const uint8_t *to;      /* NULL: this computer's key */
    const struct key *sign; /* NULL: the hub's */
    bool is_erased;
    struct history_apart apart[2];
    uint32_t apart_count;
};

/* The word as the hub makes it. */
static void make_page(struct past *p, const struct buf *batch, const struct page *x, struct buf *out)
{
    struct history h = {.hub_ms = TEST_NOW_MS, .batch = view(batch), .apart_count = x->apart_count};
    struct history_apart apart[2];
    struct batch_header header;

    assert_int_equal(batch_parse(&header, h.batch), OK);
    assert_int_equal(batch_section_keys(&h.keys, &header, h.batch, p->s->seal), OK);
    h.section_count = header.section_count;
    h.section_mask = x->is_erased ? 0 : (1u << header.section_count) - 1u;
    batch_header_fini(&header);
    memcpy(apart, x->apart, sizeof(apart));
    h.apart = apart;
    memcpy(h.head.district, p->s->directory.district, sizeof(h.head.district));
    (void)snprintf(h.head.participant, sizeof(h.head.participant), "gp");
    h.head.serial = p->serial + 1;
    h.head.previous = p->serial;
    buf_init(out, SIGNED_MAX);
    assert_int_equal(history_make(out, &h, x->to != NULL ? x->to : key_public(p->s->a->history_key),
                                  x->sign != NULL ? x->sign : p->s->hub),
                     OK);
    wipe(&h.keys, sizeof(h.keys));
}

static enum err give_batch(struct past *p, const struct buf *batch, struct page x)
{
    struct buf word;
    enum err e;

    make_page(p, batch, &x, &word);
    e = agent_take_word(p->s->a, view(&word));
    if (e == OK)
        p->serial++;
    buf_fini(&word);
    return e;
}

static enum err give(struct past *p, const uint64_t *numbers, size_t count, struct page x)
{
    struct buf batch;
    enum err e;

    seal_numbers(p, "gp", numbers, count, &batch);
    e = give_batch(p, &batch, x);
    buf_fini(&batch);
    return e;
}

static enum err give_run(struct past *p, uint64_t first, uint64_t last)
{
    uint64_t numbers[4096];
    size_t count = 0;

    for (uint64_t n = first; n <= last; n++)
        numbers[count++] = n;
    return give(p, numbers, count, (struct page){.to = NULL});
}

/* Every number from `first` to `last` is here once, whole and received. */
static void assert_run(struct past *p, uint64_t first, uint64_t last)
{
    struct queue_reader *r = NULL;
    struct queue_item item;
    struct buf expected, found;
    uint64_t next = first;

    buf_init(&expected, RECORD_MAX);
    buf_init(&found, RECORD_MAX);
    assert_int_equal(queue_reader_open(&r, p->s->a, NULL), OK);
    while (queue_reader_next(r, &item) == OK) {
        if (generation_compare(&item.ref.gen, &p->gen) != 0)
            continue;
        assert_int_equal(item.ref.number, next);
        assert_int_equal(item.state, RECORD_STORED);
        encode_row(p, next, &expected);
        assert_int_equal(item.record.len, expected.len);
        assert_memory_equal(item.record.p, expected.data, expected.len);
        next++;
    }
    assert_int_equal(next, last + 1);
    queue_reader_close(r);
    for (uint64_t n = first; n <= last; n++) { /* and by its number */
        struct record_ref ref = {p->gen, n};

        buf_reset(&found);
        assert_int_equal(queue_get(p->s->a, &ref, &found), OK);
        encode_row(p, n, &expected);
        assert_memory_equal(found.data, expected.data, expected.len);
    }
    buf_fini(&expected);
    buf_fini(&found);
}

static void assert_verifies(const struct agent *a)
{
    uint64_t bad = 1;

    assert_int_equal(queue_verify(a, stderr, &bad), OK);
    assert_int_equal(bad, 0);
}

/* ---- */

static void what_comes_back_is_received_whole_and_never_sent(void **state)
{
    struct past p;
    uint64_t sealed;
    struct generation list[8];
    size_t count;

    past_new(&p, *state);
    assert_int_equal(give_run(&p, 1, 700), OK); /* several pages of the store */
    assert_int_equal(give_run(&p, 701, 900), OK);
    assert_run(&p, 1, 900);
    assert_verifies(p.s->a);
    assert_int_equal(queue_seal(p.s->a, &sealed), OK);
    assert_int_equal(sealed, 0);
    assert_int_equal(queue_generations(p.s->a, list, 8, &count), OK);
    assert_int_equal(count, 1); /* nobody greets for it */
    assert_int_equal(generation_compare(&list[0], &p.s->a->gen), 0);
    reopen(p.s);
    assert_run(&p, 1, 900);
    assert_verifies(p.s->a);
    past_free(&p);
}

/* Sticks come in any order, and what was sealed again has the same numbers. */
static void pages_in_any_order_and_over_each_other_lose_and_double_nothing(void **state)
{
    static const uint64_t outer[] = {1, 2, 3, 400, 401, 402};
    struct past p;

    past_new(&p, *state);
    assert_int_equal(give(&p, outer, 6, (struct page){.to = NULL}), OK);
    assert_int_equal(give_run(&p, 200, 399), OK); /* inside the page that holds 3 and 400 */
    assert_int_equal(give_run(&p, 4, 250), OK);   /* over it */
    assert_int_equal(give_run(&p, 403, 1500), OK);
    assert_int_equal(give_run(&p, 350, 450), OK);
    assert_run(&p, 1, 1500);
    assert_verifies(p.s->a);
    past_free(&p);
}

static void collect(void *ctx, int64_t wall_ms, const char *text)
{
    (void)wall_ms;
    buf_printf(ctx, "%s\n", text);
}

static enum err count_one(void *ctx, const struct queue_submission *s)
{
    (void)s;
    ++*(unsigned *)ctx;
    return OK;
}

static unsigned count_submissions(struct school *s)
{
    const struct queue_filter any = {NULL, NULL, NULL};
    unsigned count = 0;

    assert_int_equal(queue_each(s->a, &any, count_one, &count), OK);
    return count;
}

static bool page_opens(void *ctx, struct bytes object)
{
    const struct past *p = ctx;
    struct history h;
    bool opened = history_open(&h, object, key_public(p->s->hub), p->s->a->history_key) == OK;

    history_fini(&h);
    return opened;
}

static void only_the_hub_gives_history_and_only_to_this_computer(void **state) /* invariant 6 */
{
    static const uint64_t one[] = {1};
    struct past p;
    struct key *other_sign, *other_seal;
    struct buf batch, word;
    uint64_t held;

    past_new(&p, *state);
    assert_int_equal(key_generate(&other_sign, KEY_SIGN), OK);
    assert_int_equal(key_generate(&other_seal, KEY_SEAL), OK);
    assert_int_equal(give(&p, one, 1, (struct page){.sign = other_sign}), ERR_AUTH);
    seal_numbers(&p, "ms", one, 1, &batch); /* another school's */
    assert_int_equal(give_batch(&p, &batch, (struct page){.to = NULL}), ERR_AUTH);
    batch.data[batch.len - 1] ^= 1; /* not signed by the key it names */
    assert_int_equal(give_batch(&p, &batch, (struct page){.to = NULL}), ERR_AUTH);
    buf_fini(&batch);
    assert_int_equal(agent_words_held(p.s->a, NULL, &held), OK);
    assert_int_equal(held, 0);
    /* Keys for one batch open no other. */
    seal_numbers(&p, "gp", one, 1, &batch);
    make_page(&p, &batch, &(struct page){.to = NULL}, &word);
    assert_true(page_opens(&p, view(&word)));
    for (size_t bit = 0; bit < word.len * 8; bit += 7) {
        word.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (page_opens(&p, view(&word)))
            fail_msg("opened with bit %zu flipped", bit);
        word.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < word.len; len++)
        assert_false(page_opens(&p, bytes_of(word.data, len)));
    buf_fini(&word);
    buf_fini(&batch);
    key_free(other_sign);
    key_free(other_seal);
    past_free(&p);
}

/* Without its key a page blocks nothing: it waits, sealed, and is taken when the key is there (invariants 2, 6, 9). */
static void what_no_key_here_opens_is_put_aside_and_later_words_go_on(void **state)
{
    static const uint64_t one[] = {1, 2}, two[] = {3};
    struct past p;
    struct key *kept, *other;
    struct buf text;
    uint64_t held, waiting, given_up;

    past_new(&p, *state);
    buf_init(&text, 1 << 16);
    kept = p.s->a->history_key;
    assert_int_equal(give(&p, one, 2, (struct page){.to = key_public(kept)}), OK);
    p.s->a->history_key = NULL;
    assert_int_equal(give(&p, two, 1, (struct page){.to = key_public(kept)}), OK);
    assert_int_equal(key_generate(&other, KEY_SEAL), OK);
    p.s->a->history_key = other; /* another one helps as little */
    p.gen.tag[0] = 10;
    assert_int_equal(give(&p, two, 1, (struct page){.to = key_public(kept)}), OK);
    assert_int_equal(agent_words_held(p.s->a, NULL, &held), OK);
    assert_int_equal(held, 3);
    assert_int_equal(aside_count(p.s->a, &waiting, &given_up), OK);
    assert_int_equal(waiting, 2);
    assert_int_equal(given_up, 0);
    assert_int_equal(agent_each_event(p.s->a, true, collect, &text), OK);
    assert_non_null(strstr(buf_cstr(&text), "keys/seal.key"));
    assert_null(strstr(strstr(buf_cstr(&text), "keys/seal.key") + 1, "keys/seal.key")); /* once */
    assert_int_equal(aside_take(p.s->a), OK);
    assert_int_equal(aside_count(p.s->a, &waiting, &given_up), OK);
    assert_int_equal(waiting, 2);
    /* A word that comes after it is taken. */
    p.s->a->history_key = kept;
    p.gen.tag[0] = 11;
    assert_int_equal(give(&p, two, 1, (struct page){.to = NULL}), OK);
    assert_int_equal(count_submissions(p.s), 3);
    assert_int_equal(aside_take(p.s->a), OK);
    assert_int_equal(count_submissions(p.s), 5);
    assert_int_equal(aside_count(p.s->a, &waiting, &given_up), OK);
    assert_int_equal(waiting, 0);
    assert_int_equal(aside_take(p.s->a), OK);
    assert_int_equal(count_submissions(p.s), 5);
    assert_verifies(p.s->a);
    key_free(other);
    buf_fini(&text);
    past_free(&p);
}

static void put_aside_of_size(struct past *p, uint64_t serial, size_t len)
{
    struct buf big;
    struct store_txn *t;

    buf_init(&big, SIGNED_MAX);
    for (size_t i = 0; i < len; i++)
        buf_put_u8(&big, 0);
    assert_int_equal(store_begin_write(p->s->a->store, &t), OK);
    assert_int_equal(aside_put(p->s->a, t, serial, view(&big)), OK);
    assert_int_equal(store_commit(t), OK);
    buf_fini(&big);
}

static void what_is_too_much_to_put_aside_is_given_up_in_words(void **state)
{
    struct past p;
    struct buf text;
    uint64_t waiting, given_up;

    past_new(&p, *state);
    buf_init(&text, 1 << 16);
    for (uint64_t i = 0; i < ASIDE_MAX_BYTES / SIGNED_MAX + 2; i++)
        put_aside_of_size(&p, i + 1, SIGNED_MAX);
    put_aside_of_size(&p, 1000, 1);
    assert_int_equal(aside_count(p.s->a, &waiting, &given_up), OK);
    assert_int_equal(waiting, ASIDE_MAX_BYTES / SIGNED_MAX);
    assert_int_equal(given_up, 3);
    assert_int_equal(agent_each_event(p.s->a, true, collect, &text), OK);
    assert_non_null(strstr(buf_cstr(&text), "is left out"));
    assert_null(strstr(strstr(buf_cstr(&text), "is left out") + 1, "is left out"));
    buf_fini(&text);
    past_free(&p);
}

static void what_was_erased_or_sent_from_here_changes_nothing(void **state)
{
    static const uint64_t some[] = {1, 2, 3};
    struct past p;
    struct key *gone;
    struct buf text;

    past_new(&p, *state);
    buf_init(&text, 4096);
    assert_int_equal(give(&p, some, 3, (struct page){.is_erased = true}), OK);
    assert_string_equal(all_submissions(p.s, &text), "");
    gone = p.sign;
    p.sign = p.s->a->sign; /* its own parcel, given back to it */
    assert_int_equal(give(&p, some, 3, (struct page){.to = NULL}), OK);
    assert_string_equal(all_submissions(p.s, &text), "");
    p.sign = gone;
    assert_verifies(p.s->a);
    buf_fini(&text);
    past_free(&p);
}

static void what_is_kept_apart_is_told(void **state)
{
    static const uint64_t some[] = {1, 2, 3};
    struct past p;
    struct standing_row row;
    struct record_ref ref;

    past_new(&p, *state);
    assert_int_equal(
        give(&p, some, 3, (struct page){.apart = {{2, STANDING_QUARANTINED, QUARANTINE_INVALID}}, .apart_count = 1}),
        OK);
    ref = (struct record_ref){p.gen, 2};
    assert_int_equal(standing_get(p.s->a, NULL, &ref, &row), OK);
    assert_int_equal(row.standing, STANDING_QUARANTINED);
    assert_int_equal(row.why.reason, QUARANTINE_INVALID);
    ref.number = 3;
    assert_int_equal(standing_get(p.s->a, NULL, &ref, &row), ERR_NOT_FOUND);
    past_free(&p);
}

static void the_current_submission_may_be_one_of_the_old_computers(void **state)
{
    const struct queue_filter slot = {"grades-por", "gp", NULL};
    struct past p;
    struct record_ref ref;

    past_new(&p, *state);
    p.s->a->gen.counter = 17;
    assert_int_equal(give_run(&p, 1, 20), OK);
    assert_int_equal(queue_find_current(p.s->a, &slot, "p-7", &ref), OK);
    assert_int_equal(ref.number, 7);
    assert_int_equal(generation_compare(&ref.gen, &p.gen), 0);
    past_free(&p);
}

/* ---- its end ---- */

#define DAY_MS INT64_C(86400000)

/* This computer sends something of its own: the batch's number. */
static uint64_t send_one(struct school *s, const char *key)
{
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    struct capture *c = NULL;
    struct queue_writer *w = NULL;
    struct queue_chain chain;
    struct value values[8];
    uint64_t number, sealed;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    for (uint32_t i = 0; i < capture_form(c)->field_count; i++)
        values[i] = (struct value){.state = VALUE_MISSING};
    values[0] = (struct value){.state = VALUE_PRESENT, .as.text = bytes_of(key, strlen(key))};
    values[1] = (struct value){.state = VALUE_PRESENT, .as.i = 11};
    values[2] = (struct value){.state = VALUE_PRESENT, .as.i = 2};
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    assert_int_equal(capture_judge(c, values, false, NULL, NULL), OK);
    assert_int_equal(capture_put(c, w, values, NULL, &number), OK);
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    capture_close(c);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(sealed, 1);
    assert_int_equal(queue_chain(s->a, &s->a->gen, &chain), OK);
    return chain.last_sealed;
}

static void receive(struct school *s, uint64_t sequence, enum receipt_state state, int64_t hub_ms)
{
    struct batch_state b;
    struct receipt r = {.state = state, .hub_ms = hub_ms, .ledger_number = 40 + sequence, .directory_version = 1};
    struct buf object;

    assert_int_equal(queue_batch(s->a, &s->a->gen, sequence, &b), OK);
    r.gen = b.gen;
    r.sequence = b.sequence;
    r.verdicts[VERDICT_COUNTED] = b.records;
    memcpy(r.district, s->directory.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    memcpy(r.batch, b.digest, sizeof(r.batch));
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, s->hub), OK);
    assert_int_equal(queue_take_receipt(s->a, view(&object)), OK);
    buf_fini(&object);
}

static void expire(struct school *s)
{
    uint64_t batches;

    assert_int_equal(queue_expire(s->a, &batches), OK);
}

/* Something new is sent and received: the hub's time goes on. */
static void pass_time(struct school *s, const char *key, int64_t hub_ms)
{
    receive(s, send_one(s, key), RECEIPT_STORED, hub_ms);
    expire(s);
}

static uint64_t rows_of(const struct past *p, unsigned table)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct bytes key, value;
    uint64_t count = 0;

    assert_int_equal(store_begin_read(p->s->a->store, &t), OK);
    assert_int_equal(store_cursor_open(t, table, &c), OK);
    while (store_next(c, &key, &value) == OK)
        count += key.len >= 4 + TAG_BYTES && memcmp(key.p + 4, p->gen.tag, TAG_BYTES) == 0;
    store_cursor_close(c);
    store_abort(t);
    return count;
}

static enum err count_past(void *ctx, const struct queue_past *x)
{
    assert_string_equal(x->form, "grades-por");
    (*(uint64_t *)ctx)++;
    return OK;
}

static uint64_t summaries(struct school *s)
{
    uint64_t count = 0;

    assert_int_equal(queue_each_past(s->a, NULL, count_past, &count), OK);
    return count;
}

/* Nothing of the earlier computer's is left but which submissions they were; its keys are gone (invariant 9). */
static void assert_gone(struct past *p, uint64_t count)
{
    struct record_ref ref = {p->gen, count};

    assert_int_equal(rows_of(p, T_PAGES), 0);
    assert_int_equal(rows_of(p, T_SEGMENTS), 0);
    assert_int_equal(rows_of(p, T_STANDINGS), 0);
    assert_int_equal(summaries(p->s), count);
    assert_int_equal(queue_find_past(p->s->a, &ref), OK);
    assert_verifies(p->s->a);
}

/* Nobody signs what cannot be looked at. */
static void assert_cannot_be_marked(struct school *s, uint64_t gone)
{
    struct return_marking m = {.state = COVER_COMPLETE, .reason = "as it was"};
    struct own_return *r = NULL;
    bool is_new = true;

    assert_int_equal(own_return_read(&r, s->a, agent_form(s->a, "grades-por"), "gp", "P1"), OK);
    assert_int_equal(r->past, gone);
    assert_false(r->is_changed);
    assert_int_equal(own_return_mark(s->a, r, &m, &is_new), ERR_ERASED);
    assert_false(is_new);
    own_return_free(r);
}

/* Invariant 2: the hub's journal is archived from its beginning on, so a batch that was sealed after the history was
 * here and is archived shows that the history is, too; one that was sealed before shows nothing. */
static void history_goes_30_days_after_something_later_is_archived(void **state)
{
    static const uint64_t apart[] = {701};
    struct past p;
    struct school *s = *state;

    past_new(&p, s);
    s->a->conf.keep_days = 40;
    assert_int_equal(send_one(s, "a"), 1);
    assert_int_equal(give_run(&p, 1, 700), OK); /* several pages */
    assert_int_equal(
        give(&p, apart, 1, (struct page){.apart = {{701, STANDING_QUARANTINED, QUARANTINE_INVALID}}, .apart_count = 1}),
        OK);
    expire(s); /* the hub never said what time it is */
    receive(s, 1, RECEIPT_ARCHIVED, TEST_NOW_MS);
    expire(s);
    pass_time(s, "b", TEST_NOW_MS + 39 * DAY_MS);
    clock_test_set(TEST_NOW_MS + 900 * DAY_MS); /* the PC's own clock destroys nothing */
    expire(s);
    assert_run(&p, 1, 701);
    receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS + 100 * DAY_MS);
    pass_time(s, "c", TEST_NOW_MS + 140 * DAY_MS - 1);
    assert_run(&p, 1, 701); /* one millisecond is missing */
    assert_int_equal(summaries(s), 1);
    pass_time(s, "d", TEST_NOW_MS + 140 * DAY_MS);
    assert_int_equal(rows_of(&p, T_PAST), 701);
    assert_int_equal(rows_of(&p, T_PAGES) + rows_of(&p, T_SEGMENTS) + rows_of(&p, T_STANDINGS), 0);
    assert_verifies(s->a);
    reopen(s);
    assert_verifies(s->a);
    assert_cannot_be_marked(s, 703); /* those two of its own that are archived, too */
    past_free(&p);
}

static void what_comes_later_and_a_hub_that_went_back_begin_the_days_again(void **state) /* invariant 2 */
{
    struct batch_state b;
    struct past p;
    struct school *s = *state;

    past_new(&p, s);
    assert_int_equal(give_run(&p, 1, 10), OK);
    pass_time(s, "a", TEST_NOW_MS);
    (void)send_one(s, "b");
    receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS + DAY_MS);
    expire(s);
    assert_int_equal(give_run(&p, 11, 20), OK); /* not known to be archived */
    pass_time(s, "c", TEST_NOW_MS + 40 * DAY_MS);
    assert_run(&p, 1, 20);
    (void)send_one(s, "d");
    receive(s, 4, RECEIPT_ARCHIVED, TEST_NOW_MS + 41 * DAY_MS);
    expire(s);
    assert_int_equal(queue_batch(s->a, &s->a->gen, 3, &b), OK);
    assert_int_equal(queue_send_again(s->a, &b), OK); /* restored from an older backup: does it hold the history? */
    pass_time(s, "e", TEST_NOW_MS + 90 * DAY_MS);
    assert_run(&p, 1, 20);
    (void)send_one(s, "f");
    receive(s, 6, RECEIPT_ARCHIVED, TEST_NOW_MS + 91 * DAY_MS);
    expire(s);
    pass_time(s, "g", TEST_NOW_MS + 121 * DAY_MS);
    assert_int_equal(rows_of(&p, T_PAGES) + rows_of(&p, T_SEGMENTS), 0);
    assert_int_equal(rows_of(&p, T_PAST), 20);
    past_free(&p);
}

/* Filled in in September 2020, for one year: until 31 August 2022. */
static void a_forms_term_ends_what_came_back(void **state)
{
    const int64_t over = INT64_C(1661990400) * 1000; /* 1 September 2022 */
    struct past p;
    struct school *s = *state;

    past_new(&p, s);
    s->a->conf.keep_days = 36500;
    for (size_t i = 0; i < s->a->form_count; i++)
        form_held(s->a, i)->retention_years = 1;
    assert_int_equal(give_run(&p, 1, 700), OK);
    pass_time(s, "a", TEST_NOW_MS);
    (void)send_one(s, "b");
    receive(s, 2, RECEIPT_ARCHIVED, TEST_NOW_MS + DAY_MS);
    expire(s);
    pass_time(s, "c", over - DAY_MS);
    assert_run(&p, 1, 700);
    pass_time(s, "d", over);
    assert_gone(&p, 700);
    assert_int_equal(give_run(&p, 701, 710), OK); /* over already, but never before 30 days */
    pass_time(s, "e", over + DAY_MS);
    receive(s, send_one(s, "f"), RECEIPT_ARCHIVED, over + DAY_MS);
    expire(s);
    pass_time(s, "g", over + 31 * DAY_MS - 1);
    assert_run(&p, 701, 710);
    pass_time(s, "h", over + 31 * DAY_MS);
    assert_int_equal(rows_of(&p, T_PAGES), 0);
    past_free(&p);
}

/* The paper that was signed before still belongs to it. */
static void a_return_that_came_back_has_the_digest_it_had(void **state)
{
    uint8_t digests[20][RECORD_DIGEST_BYTES], expected[DIGEST_BYTES];
    struct own_return *r = NULL;
    struct buf record;
    struct past p;

    past_new(&p, *state);
    buf_init(&record, RECORD_MAX);
    for (uint64_t n = 1; n <= 20; n++) {
        encode_row(&p, n, &record);
        record_digest(digests[n - 1], view(&record));
    }
    return_digest(expected, digests, 20);
    assert_int_equal(give_run(&p, 11, 20), OK);
    assert_int_equal(give_run(&p, 1, 10), OK);
    assert_int_equal(own_return_read(&r, p.s->a, agent_form(p.s->a, "grades-por"), "gp", "P1"), OK);
    assert_int_equal(r->rows, 20);
    assert_memory_equal(r->digest, expected, DIGEST_BYTES);
    own_return_free(r);
    buf_fini(&record);
    past_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_comes_back_is_received_whole_and_never_sent, school_open, school_close),
        cmocka_unit_test_setup_teardown(pages_in_any_order_and_over_each_other_lose_and_double_nothing, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(only_the_hub_gives_history_and_only_to_this_computer, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(what_no_key_here_opens_is_put_aside_and_later_words_go_on, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(what_is_too_much_to_put_aside_is_given_up_in_words, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_was_erased_or_sent_from_here_changes_nothing, school_open, school_close),
        cmocka_unit_test_setup_teardown(what_is_kept_apart_is_told, school_open, school_close),
        cmocka_unit_test_setup_teardown(the_current_submission_may_be_one_of_the_old_computers, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(history_goes_30_days_after_something_later_is_archived, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(what_comes_later_and_a_hub_that_went_back_begin_the_days_again, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(a_forms_term_ends_what_came_back, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_return_that_came_back_has_the_digest_it_had, school_open, school_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
