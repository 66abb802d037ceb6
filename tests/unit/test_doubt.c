/* Counted parcels that are doubted since a revocation.  Taken out, all is as if they had come while their sender was on
 * hold; released again, as if they had never been taken out (invariants 3 and 5); each decision is whole or not at all
 * (invariant 4), and a replay of the journal finds the same, bit for bit (invariant 5). */
#include "hub/suspects.h"

#include "hub/act.h"
#include "hub/closing.h"
#include "hub/ledger_erase.h"
#include "hub/quarantine.h"
#include "hub/snapshot.h"
#include "hub/words.h"
#include "ledger_fixture.h"

#define GP 1u

/* ---- what is done ---- */

/* As a revocation marks them, but the school may go on. */
static void mark_doubtful(struct world *w, uint64_t sequence)
{
    const struct suspect_from from = {generation_of(1, 7), sequence};
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(signers_decide(w->hub, t, "gp", GP, DEED_REVOKED, bytes_of("", 0), "stolen", &from, 1));
    finish_txn(w, t);
}

enum look { LOOK_FIRST, LOOK_NOT };

static enum err decide(struct world *w, const char *which, bool is_kept, const char *word, enum look look,
                       struct doubt_outcome *out)
{
    struct suspect_list l = {.count = 0};
    struct doubt *d = NULL;
    struct store_txn *t;
    enum err e;

    memset(out, 0, sizeof(*out));
    MUST(store_begin_read(w->hub->store, &t));
    e = suspects_named(w->hub, t, GP, which, &l);
    if (e == OK)
        MUST(ledger_doubt_new(&d, w->hub->ledger, l.items, l.count));
    if (e == OK && look == LOOK_FIRST)
        MUST(ledger_doubt_look(d, t));
    store_abort(t);
    if (e != OK)
        return e;
    MUST(store_begin_write(w->hub->store, &t));
    e = is_kept ? suspects_keep(w->hub, t, "office:test", d, &l, word)
                : suspects_take_out(w->hub, t, "office:test", d, &l, word, out);
    e = ledger_end(w->hub->ledger, t, e);
    ledger_doubt_free(d);
    suspect_list_fini(&l);
    return e;
}

static struct doubt_outcome take_out(struct world *w, const char *which)
{
    struct doubt_outcome o;

    MUST(decide(w, which, false, "the computer was stolen", LOOK_FIRST, &o));
    return o;
}

static struct quarantine_list kept_apart(struct world *w)
{
    struct quarantine_filter f = {.waits = false};
    struct quarantine_list l;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(quarantine_find(w->hub, t, &f, &l));
    store_abort(t);
    return l;
}

static void release_run(struct world *w, struct quarantined *items, size_t count, uint64_t *counted)
{
    struct quarantine_outcome out = {.counted = 0};
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(quarantine_release(w->hub, t, "office:test", items, count, &out));
    finish_txn(w, t);
    *counted += out.counted;
}

static uint64_t release_all(struct world *w)
{
    struct quarantine_list l = kept_apart(w);
    uint64_t counted = 0;

    for (size_t from = 0, n = 0; from < l.count; from += n) {
        n = quarantine_run(&l, from);
        release_run(w, &l.items[from], n, &counted);
    }
    quarantine_list_fini(&l);
    return counted;
}

/* ---- what is seen ---- */

static struct cell mean(struct world *w)
{
    return cell_of(w, "grade_mean", "gp", "2020-09", "");
}

struct heard {
    struct notice_entry entries[64];
    unsigned count;
    char text[NOTICE_TEXT_MAX + 1];
};

static enum err hear(void *ctx, uint64_t serial, struct bytes object)
{
    struct heard *x = ctx;
    struct notice n;

    (void)serial;
    MUST(notice_open(&n, object, signed_signer(object)));
    for (uint32_t i = 0; i < n.entry_count; i++) {
        assert_true(x->count < COUNT(x->entries));
        x->entries[x->count++] = n.entries[i];
    }
    if (n.text[0] != '\0')
        (void)snprintf(x->text, sizeof(x->text), "%s", n.text);
    notice_fini(&n);
    return OK;
}

static struct heard listen(struct world *w, uint32_t participant)
{
    static struct heard x;
    struct store_txn *t;

    memset(&x, 0, sizeof(x));
    MUST(store_begin_read(w->hub->store, &t));
    MUST(words_each(w->hub, t, &(struct words_wanted){participant, 0, WORDS_AT_ONCE, SIGNED_FIGURES}, hear, &x));
    store_abort(t);
    return x;
}

/* ---- taken out, and back ---- */

static void what_is_taken_out_gives_its_place_back_and_a_later_one_stays(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5), grade(2, "boris", 6), grade(3, "vera", 7)};
    struct sub two[] = {grade(4, "anna", 15), correction(5, 2, "boris", 16), retraction(6, 3), grade(7, "gleb", 18)};
    struct sub three[] = {grade(8, "gleb", 9)};
    struct doubt_outcome o;
    struct quarantine_list l;
    struct heard x;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 3, 1, head, NULL);
    take_array(&w, two, 4, 2, head, NULL);
    mark_doubtful(&w, 2);
    take_array(&w, three, 1, 3, head, NULL);
    assert_int_equal(mean(&w).sum, (15 + 16 + 9) * 100);
    assert_int_equal(rows_of(&w, H_SUSPECTS), 1);
    o = take_out(&w, "all");
    assert_int_equal(o.taken, 4);
    assert_int_equal(o.stayed, 0);
    assert_int_equal(o.given_back, 3); /* anna's, boris's, vera's; gleb's later one stood there already */
    assert_int_equal(mean(&w).n, 4);
    assert_int_equal(mean(&w).sum, (5 + 6 + 7 + 9) * 100);
    assert_int_equal(rows_of(&w, H_SUSPECTS), 0);
    assert_int_equal(rows_of(&w, H_DEAD), 0);
    doubt_outcome_fini(&o);
    l = kept_apart(&w);
    assert_int_equal(l.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(l.items[i].why.reason, QUARANTINE_HELD);
        assert_string_equal(l.items[i].why.text, "the computer was stolen");
    }
    quarantine_list_fini(&l);
    assert_int_equal(verify_bad(&w), 0);
    /* The school hears of each, and why. */
    x = listen(&w, GP);
    assert_int_equal(x.count, 7);
    assert_string_equal(x.text, "the computer was stolen");
    for (unsigned i = 0; i < x.count; i++)
        assert_int_equal(x.entries[i].standing, x.entries[i].ref.number >= 4 ? STANDING_QUARANTINED : STANDING_COUNTED);
    /* And back. */
    assert_int_equal(release_all(&w), 3); /* gleb's is superseded */
    assert_int_equal(mean(&w).n, 3);
    assert_int_equal(mean(&w).sum, (15 + 16 + 9) * 100);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_place_that_nothing_else_ever_had_is_empty_for_whatever_comes(void **state)
{
    struct world w;
    struct sub old[] = {grade(1, "anna", 5)};
    struct sub one[] = {grade(2, "anna", 12)};
    struct doubt_outcome o;
    struct sealed first, second;

    (void)state;
    world_open(&w);
    seal_array(&w, old, 1, 1, NULL, &first);
    seal_array(&w, one, 1, 2, first.digest, &second);
    assert_int_equal(take(&w, &second, NULL), LEDGER_STORED);
    mark_doubtful(&w, 2);
    o = take_out(&w, "2");
    assert_int_equal(o.given_back, 0);
    doubt_outcome_fini(&o);
    assert_int_equal(rows_of(&w, H_CURRENT), 0);
    assert_int_equal(rows_of(&w, H_SLOTS), 0);
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    assert_int_equal(verify_bad(&w), 0);
    assert_int_equal(take(&w, &first, NULL), LEDGER_STORED); /* a smaller number, by a stick */
    assert_int_equal(mean(&w).sum, 500);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&first.bytes);
    buf_fini(&second.bytes);
    world_close(&w);
}

/* Two participants may speak about one unit. */
static void what_another_school_had_said_comes_back_and_it_is_told(void **state)
{
    struct world w;
    struct sub theirs[] = {grade(1, "anna", 5)};
    struct sub ours[] = {grade(1, "anna", 19)};
    struct doubt_outcome o;
    struct heard x;
    struct grant *g;
    uint8_t head[DIGEST_BYTES], other[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    g = &((struct participant *)(uintptr_t)w.of[0])->grant;
    (void)snprintf(g->units[1], sizeof(g->units[1]), "ms");
    theirs[0].school = 0;
    ours[0].school = 1;
    theirs[0].unit = ours[0].unit = "ms";
    take_array(&w, theirs, 1, 1, head, NULL);
    take_array(&w, ours, 1, 1, other, NULL); /* the greater participant stands there */
    assert_int_equal(cell_of(&w, "grade_mean", "ms", "2020-09", "").sum, 1900);
    {
        const struct suspect_from from = {generation_of(1, 7), 1};
        struct suspect_list l;
        struct doubt *d;
        struct store_txn *t;

        MUST(store_begin_write(w.hub->store, &t));
        MUST(signers_decide(w.hub, t, "ms", 2, DEED_REVOKED, bytes_of("", 0), "stolen", &from, 1));
        MUST(suspects_named(w.hub, t, 2, "all", &l));
        MUST(ledger_doubt_new(&d, w.hub->ledger, l.items, l.count));
        MUST(suspects_take_out(w.hub, t, "office:test", d, &l, "stolen", &o));
        finish_txn(&w, t);
        ledger_doubt_free(d);
        suspect_list_fini(&l);
        doubt_outcome_fini(&o);
    }
    assert_int_equal(cell_of(&w, "grade_mean", "ms", "2020-09", "").sum, 500);
    x = listen(&w, GP);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.entries[0].standing, STANDING_COUNTED);
    assert_string_equal(x.text, ""); /* why is the other school's affair */
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A correction of what waited in quarantine: when it is out, that waits for somebody's word again. */
static void what_a_doubted_one_had_corrected_in_quarantine_waits_again(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 8), correction(2, 1, "anna", 50)};
    struct sub two[] = {correction(3, 2, "anna", 15)};
    struct doubt_outcome o;
    struct quarantined q;
    struct heard x;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    assert_int_equal(mean(&w).sum, 800);
    take_array(&w, two, 1, 2, head, NULL);
    assert_int_equal(mean(&w).sum, 1500); /* the first is dead through the one that waits */
    mark_doubtful(&w, 2);
    o = take_out(&w, "2");
    doubt_outcome_fini(&o);
    assert_int_equal(mean(&w).sum, 800);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(ledger_quarantined(t, GP, &(struct record_ref){generation_of(1, 7), 2}, &q));
    store_abort(t);
    assert_true(quarantined_waits(&q));
    x = listen(&w, GP);
    assert_int_equal(x.entries[x.count - 1].ref.number, 1);
    assert_int_equal(x.entries[x.count - 1].standing, STANDING_COUNTED);
    assert_int_equal(x.entries[x.count - 3].ref.number, 2);
    assert_int_equal(x.entries[x.count - 3].standing, STANDING_QUARANTINED);
    assert_int_equal(x.entries[x.count - 3].why.reason, QUARANTINE_INVALID);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void what_is_kept_stays_counted_and_the_doubt_ends(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 12)};
    struct sub two[] = {grade(2, "boris", 13)};
    struct doubt_outcome o;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 1, 2, head, NULL);
    mark_doubtful(&w, 1);
    assert_int_equal(decide(&w, "2", true, "I asked the head", LOOK_NOT, &o), OK);
    assert_int_equal(rows_of(&w, H_SUSPECTS), 1);
    assert_int_equal(decide(&w, "2", false, "again", LOOK_NOT, &o), ERR_NOT_FOUND);
    assert_int_equal(mean(&w).n, 2);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
    assert_int_equal(decide(&w, "3", true, "", LOOK_NOT, &o), ERR_NOT_FOUND);
    assert_int_equal(decide(&w, "1.07010203/1", true, "", LOOK_NOT, &o), OK);
    assert_int_equal(decide(&w, "all", true, "", LOOK_NOT, &o), ERR_NOT_FOUND);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* Between looking and deciding the world goes on. */
static void what_comes_while_the_operator_looks_is_heeded(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5), grade(2, "boris", 6)};
    struct sub two[] = {grade(3, "anna", 15), correction(4, 2, "boris", 16)};
    struct sub three[] = {correction(5, 2, "boris", 3), grade(6, "anna", 4)};
    struct suspect_list l;
    struct doubt_outcome o;
    struct doubt *d;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    take_array(&w, two, 2, 2, head, NULL);
    mark_doubtful(&w, 2);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(suspects_named(w.hub, t, GP, "all", &l));
    MUST(ledger_doubt_new(&d, w.hub->ledger, l.items, l.count));
    MUST(ledger_doubt_look(d, t));
    store_abort(t);
    take_array(&w, three, 2, 3, head, NULL);
    assert_int_equal(mean(&w).sum, (4 + 3) * 100);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(suspects_take_out(w.hub, t, "office:test", d, &l, "why", &o));
    finish_txn(&w, t);
    assert_int_equal(o.given_back, 0);
    assert_int_equal(mean(&w).sum, (4 + 3) * 100);
    assert_int_equal(rows_of(&w, H_DEAD), 1);
    assert_int_equal(verify_bad(&w), 0);
    doubt_outcome_fini(&o);
    ledger_doubt_free(d);
    suspect_list_fini(&l);
    world_close(&w);
}

static void an_aborted_decision_leaves_nothing(void **state) /* invariant 4 */
{
    static const unsigned tables[] = {H_QUARANTINE, H_DEAD, H_CURRENT, H_SLOTS, H_CELLS, H_SUSPECTS, H_JOURNAL};
    struct world w;
    struct sub one[] = {grade(1, "anna", 5)};
    struct sub two[] = {grade(2, "anna", 15), retraction(3, 1)};
    struct suspect_list l;
    struct doubt_outcome o;
    struct doubt *d;
    struct store_txn *t;
    struct buf before, after;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    buf_init(&before, 1 << 22);
    buf_init(&after, 1 << 22);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 2, 2, head, NULL);
    mark_doubtful(&w, 2);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &before);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(suspects_named(w.hub, t, GP, "all", &l));
    MUST(ledger_doubt_new(&d, w.hub->ledger, l.items, l.count));
    MUST(suspects_take_out(w.hub, t, "office:test", d, &l, "why", &o));
    store_abort(t);
    ledger_aborted(w.hub->ledger);
    doubt_outcome_fini(&o);
    ledger_doubt_free(d);
    suspect_list_fini(&l);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    o = take_out(&w, "all");
    assert_int_equal(o.taken, 2);
    assert_int_equal(mean(&w).sum, 500);
    assert_int_equal(verify_bad(&w), 0);
    doubt_outcome_fini(&o);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

/* What a damaged batch had said is not known, so neither is what would count: nothing is decided. */
static void a_damaged_batch_stops_the_decision(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5)};
    struct sub two[] = {grade(2, "anna", 15)};
    struct doubt_outcome o;
    struct buf blob;
    struct bytes value;
    struct store_txn *t;
    struct suspect_list l;
    struct doubt *d;
    uint8_t head[DIGEST_BYTES], key[12] = {0};
    uint64_t lsn;

    (void)state;
    world_open(&w);
    buf_init(&blob, 1 << 20);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 1, 2, head, NULL);
    mark_doubtful(&w, 2);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(range_find(t, GP, &(struct record_ref){generation_of(1, 7), 1}, &lsn));
    be64_put(key, lsn);
    MUST(store_get(t, H_BLOBS, bytes_of(key, sizeof(key)), &value));
    buf_put(&blob, value.p, value.len);
    blob.data[blob.len - 1] ^= 1;
    MUST(store_put(t, H_BLOBS, bytes_of(key, sizeof(key)), bytes_of(blob.data, blob.len)));
    MUST(store_commit(t));
    ledger_forget(w.hub->ledger);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(suspects_named(w.hub, t, GP, "all", &l));
    MUST(ledger_doubt_new(&d, w.hub->ledger, l.items, l.count));
    assert_int_equal(ledger_doubt_look(d, t), ERR_CORRUPT);
    store_abort(t);
    ledger_doubt_free(d);
    suspect_list_fini(&l);
    assert_int_equal(decide(&w, "2", false, "why", LOOK_NOT, &o), ERR_CORRUPT);
    assert_int_equal(mean(&w).sum, 1500);
    assert_int_equal(rows_of(&w, H_SUSPECTS), 1);
    buf_fini(&blob);
    world_close(&w);
}

static void verify_sees_a_taking_out_that_nobody_decided(void **state) /* invariant 5 */
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5)};
    struct doubt_outcome o;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES], raw[PLACE_KEY_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 1, 1, head, NULL);
    mark_doubtful(&w, 1);
    o = take_out(&w, "all");
    doubt_outcome_fini(&o);
    assert_int_equal(verify_bad(&w), 0);
    MUST(store_begin_write(w.hub->store, &t));
    place_key_put(raw, GP, &(struct generation){1, {7, 1, 2, 3, 4, 5, 6, 7}}, 1);
    MUST(store_put(t, H_SUSPECTS, bytes_of(raw, sizeof(raw)), bytes_of("\0\0\0\0\0\0\0\1", 8)));
    MUST(store_commit(t));
    assert_int_equal(verify_bad(&w), 1);
    world_close(&w);
}

/* ---- erased ---- */

static struct act act;

static void erase(struct world *w, struct erase_order o)
{
    struct store_txn *t;

    o.by = "test";
    o.order = "No. 1";
    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_erase(w->hub, t, &o, false, &act));
    finish_txn(w, t);
    MUST(ledger_erase_keys(w->hub));
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
}

static void erase_row(struct world *w, const char *key)
{
    erase(w,
          (struct erase_order){.scope = ACT_RETURN, .form = "grades", .unit = "gp", .period = "2020-09", .key = key});
}

static void what_is_erased_stays_in_the_sums(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5)};
    struct sub two[] = {grade(2, "anna", 15), grade(3, "boris", 16)};
    struct doubt_outcome o;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 2, 2, head, NULL);
    erase_row(&w, "anna");
    mark_doubtful(&w, 2);
    o = take_out(&w, "2");
    assert_int_equal(o.taken, 1);
    assert_int_equal(o.stayed, 1);
    doubt_outcome_fini(&o);
    assert_int_equal(mean(&w).sum, 1500);
    assert_int_equal(mean(&w).n, 1);
    assert_int_equal(verify_bad(&w), 0);
    assert_int_equal(release_all(&w), 1);
    assert_int_equal(mean(&w).n, 2);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* The class of an earlier year is erased, and what it held of a place is gone: there is nothing to give that back to.
 */
static void what_had_replaced_something_erased_stays(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5), grade(2, "boris", 6)};
    struct sub two[] = {grade(3, "anna", 15), correction(4, 2, "gleb", 16), retraction(5, 1), grade(6, "dina", 17)};
    struct doubt_outcome o;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    clock_test_set(SOME_MS + INT64_C(366) * 86400000);
    take_array(&w, two, 4, 2, head, NULL);
    clock_test_set(SOME_MS + 2 * INT64_C(366) * 86400000);
    erase(&w, (struct erase_order){.scope = ACT_CLASS, .retention = "default", .year = 2020});
    assert_int_equal(mean(&w).sum, (15 + 16 + 17) * 100);
    mark_doubtful(&w, 2);
    o = take_out(&w, "2");
    assert_int_equal(o.taken, 1); /* dina's */
    assert_int_equal(o.stayed, 3);
    assert_int_equal(o.given_back, 0);
    doubt_outcome_fini(&o);
    assert_int_equal(mean(&w).sum, (15 + 16) * 100);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A replay meets what was erased after the decision. */
static void what_is_erased_after_it_was_given_back_or_taken_out_verifies(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 5), grade(2, "boris", 6)};
    struct sub two[] = {grade(3, "anna", 15), correction(4, 2, "boris", 16), grade(5, "dina", 17)};
    struct doubt_outcome o;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    take_array(&w, two, 3, 2, head, NULL);
    mark_doubtful(&w, 2);
    o = take_out(&w, "2");
    assert_int_equal(o.given_back, 2);
    doubt_outcome_fini(&o);
    assert_int_equal(mean(&w).sum, (5 + 6) * 100);
    erase_row(&w, "anna");
    assert_int_equal(mean(&w).sum, (5 + 6) * 100);
    assert_int_equal(verify_bad(&w), 0);
    clock_test_set(SOME_MS + 2 * INT64_C(366) * 86400000);
    erase(&w, (struct erase_order){.scope = ACT_CLASS, .retention = "default", .year = 2020});
    assert_int_equal(mean(&w).sum, (5 + 6) * 100);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* ---- closed ---- */

static void a_closed_period_keeps_its_snapshot_and_it_is_said(void **state)
{
    const struct closing_order order = {"2020-09", NULL, "office:olga", NULL, false, 0};
    struct snapshot_writer lines;
    struct world w;
    struct sub one[] = {grade(1, "anna", 5), grade(2, "boris", 6)};
    struct buf before, after;
    struct doubt_outcome o;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    one[1].period = "2020-10";
    take_array(&w, one, 2, 1, head, NULL);
    snapshot_writer_init(&lines);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(closing_close(w.hub, t, &order, &lines));
    finish_txn(&w, t);
    snapshot_writer_fini(&lines);
    dump_table(&w, H_PERIODS, &before);
    mark_doubtful(&w, 1);
    o = take_out(&w, "all");
    assert_int_equal(o.taken, 2);
    assert_int_equal(o.closed, 1);
    doubt_outcome_fini(&o);
    dump_table(&w, H_PERIODS, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

/* ---- any order ---- */

#define BATCHES 8u
#define EACH    6u

static uint64_t random_state;
static uint32_t roll(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % below;
}

/* Few pupils, so that they meet; one in three names another one, which may itself name one. */
static void make_subs(struct sub subs[BATCHES * EACH])
{
    for (uint32_t i = 0; i < BATCHES * EACH; i++) {
        static const char *const pupil[] = {"anna", "boris", "vera", "gleb"};
        uint32_t kind = i == 0 ? 0 : roll(5);
        int64_t value = roll(23); /* 21 and 22 break the form's rule */

        if (kind < 3)
            subs[i] = grade(i + 1, pupil[roll(4)], value);
        else if (kind == 3)
            subs[i] = correction(i + 1, 1 + roll(i), pupil[roll(4)], value);
        else
            subs[i] = retraction(i + 1, 1 + roll(i));
        subs[i].unit = roll(3) == 0 ? "gp2" : "gp";
    }
}

/* Slots are keyed by it: two hubs can be compared when they have the same. */
static void share_storage_key(struct world *w)
{
    static const uint8_t seed[32] = {7};

    key_free(w->hub->storage);
    w->hub->storage = NULL;
    MUST(key_from_seed(&w->hub->storage, KEY_SECRET, seed));
    slot_key_derive(&w->hub->ledger->slot_key, w->hub->storage);
    renew_intake(w);
}

static void dump_outcome(struct world *w, struct buf *out)
{
    static const unsigned tables[] = {H_DEAD, H_CURRENT, H_SLOTS, H_CELLS};
    struct quarantine_list l = kept_apart(w);
    uint8_t is_apart[BATCHES * EACH + 1] = {0}; /* the list itself is in the order of arrival */

    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(w, tables[i], out);
    for (size_t i = 0; i < l.count; i++)
        is_apart[l.items[i].ref.number] = 1;
    buf_put(out, is_apart, sizeof(is_apart));
    quarantine_list_fini(&l);
}

static void shuffle(uint32_t order[BATCHES])
{
    for (uint32_t i = 0; i < BATCHES; i++)
        order[i] = i;
    for (uint32_t i = BATCHES; i > 1; i--) {
        uint32_t j = roll(i);
        uint32_t swap = order[i - 1];

        order[i - 1] = order[j];
        order[j] = swap;
    }
}

/* Some of what is here, by its own numbering, out in one decision. */
static void take_out_some(struct world *w, const bool is_here[BATCHES], bool (*wanted)(uint32_t at, const void *ctx),
                          const void *ctx)
{
    const struct suspect_from all = {generation_of(1, 7), 1};
    struct suspect items[BATCHES];
    struct suspect_list l = {items, 0, BATCHES};
    struct doubt_outcome o;
    struct doubt *d;
    struct store_txn *t;

    for (uint32_t i = 0; i < BATCHES; i++)
        if (is_here[i] && wanted(i, ctx))
            items[l.count++] = (struct suspect){GP, generation_of(1, 7), i + 1, 0};
    if (l.count == 0)
        return;
    MUST(store_begin_write(w->hub->store, &t));
    MUST(signers_decide(w->hub, t, "gp", GP, DEED_REVOKED, bytes_of("", 0), "stolen", &all, 1));
    finish_txn(w, t);
    MUST(ledger_doubt_new(&d, w->hub->ledger, items, l.count));
    if (roll(2) == 0) {
        MUST(store_begin_read(w->hub->store, &t));
        MUST(ledger_doubt_look(d, t));
        store_abort(t);
    }
    MUST(store_begin_write(w->hub->store, &t));
    MUST(suspects_take_out(w->hub, t, "office:test", d, &l, "why", &o));
    finish_txn(w, t);
    doubt_outcome_fini(&o);
    ledger_doubt_free(d);
}

static bool by_chance(uint32_t at, const void *ctx)
{
    (void)at;
    (void)ctx;
    return roll(3) == 0;
}

static bool is_to_go(uint32_t at, const void *ctx)
{
    return ((const bool *)ctx)[at];
}

/* All, or all of some batches' (numbers follow from the batch), or some by chance. */
static void release_some(struct world *w, bool (*wanted)(uint32_t at, const void *ctx), const void *ctx, bool by_row)
{
    struct quarantine_list l = kept_apart(w);
    uint64_t counted = 0;

    for (size_t from = 0, n = 0; from < l.count; from += n) {
        size_t kept = 0;

        n = quarantine_run(&l, from);
        for (size_t i = 0; i < n; i++)
            if (wanted((uint32_t)((l.items[from + i].ref.number - 1) / EACH), ctx) && (!by_row || roll(2) == 0))
                l.items[from + kept++] = l.items[from + i];
        if (kept > 0)
            release_run(w, &l.items[from], kept, &counted);
    }
    quarantine_list_fini(&l);
}

static bool is_to_stay(uint32_t at, const void *ctx)
{
    return !((const bool *)ctx)[at];
}

/* Straight: what is to be out at the end came on hold.  Crooked: it came and counted, went out and came back, any
 * number of times, and is out at the end. */
static void play(struct world *w, const struct sub *subs, const bool is_out[BATCHES], bool is_crooked, struct buf *out)
{
    struct participant *gp;
    struct sealed s[BATCHES];
    bool is_here[BATCHES] = {false};
    uint32_t order[BATCHES];

    world_open(w);
    share_storage_key(w);
    gp = (struct participant *)(uintptr_t)w->of[0];
    for (uint32_t i = 0; i < BATCHES; i++)
        seal_array(w, &subs[(size_t)i * EACH], EACH, i + 1, i == 0 ? NULL : s[i - 1].digest, &s[i]);
    shuffle(order);
    for (uint32_t i = 0; i < BATCHES; i++) {
        gp->state = !is_crooked && is_out[order[i]] ? PARTICIPANT_HELD : PARTICIPANT_ACTIVE;
        assert_int_equal(take(w, &s[order[i]], NULL), LEDGER_STORED);
        is_here[order[i]] = true;
        if (is_crooked && roll(3) == 0)
            take_out_some(w, is_here, by_chance, NULL);
        if (is_crooked && roll(3) == 0)
            release_some(w, by_chance, NULL, true);
    }
    if (is_crooked) {
        take_out_some(w, is_here, is_to_go, is_out);
        release_some(w, is_to_stay, is_out, false);
    }
    assert_int_equal(verify_bad(w), 0);
    buf_reset(out);
    dump_outcome(w, out); /* what breaks a rule is on hold in the one, and apart for that rule in the other */
    for (uint32_t i = 0; i < BATCHES; i++)
        buf_fini(&s[i].bytes);
    world_close(w);
}

static void taken_out_in_any_order_it_is_as_if_it_had_come_on_hold(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        struct world w;
        struct sub subs[BATCHES * EACH];
        bool is_out[BATCHES];
        struct buf straight, crooked;

        random_state = seed * UINT64_C(0x9E3779B97F4A7C15);
        buf_init(&straight, 1 << 22);
        buf_init(&crooked, 1 << 22);
        make_subs(subs);
        for (uint32_t i = 0; i < BATCHES; i++)
            is_out[i] = seed % 4 != 0 && roll(3) == 0; /* each fourth: all is back at the end */
        play(&w, subs, is_out, false, &straight);
        play(&w, subs, is_out, true, &crooked);
        if (straight.len != crooked.len || memcmp(straight.data, crooked.data, straight.len) != 0)
            fail_msg("seed %llu: the two ledgers differ", (unsigned long long)seed);
        buf_fini(&straight);
        buf_fini(&crooked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_out_gives_its_place_back_and_a_later_one_stays),
        cmocka_unit_test(a_place_that_nothing_else_ever_had_is_empty_for_whatever_comes),
        cmocka_unit_test(what_another_school_had_said_comes_back_and_it_is_told),
        cmocka_unit_test(what_a_doubted_one_had_corrected_in_quarantine_waits_again),
        cmocka_unit_test(what_is_kept_stays_counted_and_the_doubt_ends),
        cmocka_unit_test(what_comes_while_the_operator_looks_is_heeded),
        cmocka_unit_test(an_aborted_decision_leaves_nothing),
        cmocka_unit_test(a_damaged_batch_stops_the_decision),
        cmocka_unit_test(verify_sees_a_taking_out_that_nobody_decided),
        cmocka_unit_test(what_is_erased_stays_in_the_sums),
        cmocka_unit_test(what_had_replaced_something_erased_stays),
        cmocka_unit_test(what_is_erased_after_it_was_given_back_or_taken_out_verifies),
        cmocka_unit_test(a_closed_period_keeps_its_snapshot_and_it_is_said),
        cmocka_unit_test(taken_out_in_any_order_it_is_as_if_it_had_come_on_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
