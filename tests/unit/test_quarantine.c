/* The operator's word about what is kept apart.  Nothing in quarantine is lost or holds up what follows (invariants 2
 * and 9), what is let out counts once and as if it had been right from the beginning (invariants 3 and 5), each
 * decision is whole or not at all (invariant 4), and a replay of the journal finds the same, bit for bit (invariant 5).
 */
#include "hub/quarantine.h"

#include "common/form_rule.h"
#include "hub/withdrawn.h"
#include "hub/words.h"
#include "ledger_fixture.h"

/* ---- what the schools hear ---- */

struct heard {
    struct notice_entry entries[64];
    unsigned kinds[64];
    unsigned count;
};

static enum err hear(void *ctx, uint64_t serial, struct bytes object)
{
    struct heard *x = ctx;
    struct notice n;

    (void)serial;
    MUST(notice_open(&n, object, signed_signer(object)));
    for (uint32_t i = 0; i < n.entry_count; i++) {
        assert_true(x->count < COUNT(x->entries));
        x->kinds[x->count] = n.kind;
        x->entries[x->count++] = n.entries[i];
    }
    notice_fini(&n);
    return OK;
}

static struct heard listen(struct world *w)
{
    static struct heard x;
    struct store_txn *t;

    memset(&x, 0, sizeof(x));
    MUST(store_begin_read(w->hub->store, &t));
    MUST(words_each(w->hub, t, &(struct words_wanted){1, 0, WORDS_AT_ONCE, SIGNED_FIGURES}, hear, &x));
    store_abort(t);
    return x;
}

/* ---- decisions ---- */

static void has_unit(struct world *w, const char *unit, bool has)
{
    struct grant *g = &((struct participant *)(uintptr_t)w->of[0])->grant;

    g->unit_count = has ? 2 : 1;
    (void)snprintf(g->units[1], sizeof(g->units[1]), "%s", unit);
}

static struct quarantine_list waiting(struct world *w)
{
    struct quarantine_filter f = {.waits = true};
    struct quarantine_list l;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(quarantine_find(w->hub, t, &f, &l));
    store_abort(t);
    return l;
}

static struct quarantine_outcome release_some(struct world *w, struct quarantined *items, size_t count)
{
    struct quarantine_outcome out = {.counted = 0};
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(quarantine_release(w->hub, t, "office:test", items, count, &out));
    finish_txn(w, t);
    return out;
}

static struct quarantine_outcome release_all(struct world *w)
{
    struct quarantine_outcome all = {.counted = 0};
    struct quarantine_list l = waiting(w);

    for (size_t from = 0, n = 0; from < l.count; from += n) {
        struct quarantine_outcome out;

        n = quarantine_run(&l, from);
        out = release_some(w, &l.items[from], n);
        all.counted += out.counted;
        all.superseded += out.superseded;
        all.stayed += out.stayed;
        all.last = out.last;
    }
    quarantine_list_fini(&l);
    return all;
}

static struct quarantined named(struct world *w, const char *id)
{
    struct quarantined q;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(quarantine_named(w->hub, t, id, &q));
    store_abort(t);
    return q;
}

static enum err reject(struct world *w, const char *id, const char *word)
{
    struct quarantined q = named(w, id);
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w->hub->store, &t));
    e = quarantine_reject(w->hub, t, "office:test", &q, word);
    if (e == OK) {
        finish_txn(w, t);
    } else {
        store_abort(t);
        ledger_aborted(w->hub->ledger);
    }
    return e;
}

static uint64_t pupils(struct world *w, const char *unit)
{
    return cell_of(w, "pupils", unit, "2020-09", "").n;
}

static struct sub grade_of(uint64_t number, const char *unit, const char *pupil, int64_t value)
{
    struct sub s = grade(number, pupil, value);

    s.unit = unit;
    return s;
}

static uint64_t quarantined_now(struct world *w)
{
    struct ledger_totals totals;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(ledger_totals(t, &totals));
    store_abort(t);
    return totals.quarantined;
}

/* ---- release ---- */

static void what_waits_for_a_right_counts_once_it_is_given(void **state)
{
    struct world w;
    struct sub one[] = {grade_of(1, "gp2", "anna", 12), grade(2, "boris", 5), grade_of(3, "gp2", "vera", 3)};
    struct sub two[] = {grade(4, "gleb", 7)};
    struct quarantine_outcome out;
    struct heard x;
    uint8_t head[DIGEST_BYTES];
    uint64_t v[VERDICT_COUNT];

    (void)state;
    world_open(&w);
    has_unit(&w, "gp2", false);
    take_array(&w, one, 3, 1, head, v);
    assert_int_equal(v[VERDICT_QUARANTINED], 2);
    take_array(&w, two, 1, 2, head, v); /* what is kept apart never holds up what follows */
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(pupils(&w, "gp"), 2);
    assert_int_equal(pupils(&w, "gp2"), 0);
    out = release_all(&w); /* nothing has changed: nothing is written, nothing told */
    assert_int_equal(out.stayed, 2);
    assert_int_equal(listen(&w).count, 0);
    has_unit(&w, "gp2", true);
    out = release_all(&w);
    assert_int_equal(out.counted, 2);
    assert_int_equal(out.stayed, 0);
    assert_int_equal(pupils(&w, "gp2"), 2);
    assert_int_equal(cell_of(&w, "grade_mean", "gp2", "2020-09", "").sum, 1500);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
    assert_int_equal(release_all(&w).counted, 0); /* once */
    assert_int_equal(pupils(&w, "gp2"), 2);
    x = listen(&w);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.kinds[0], NOTICE_RELEASED);
    assert_int_equal(x.entries[0].ref.number, 1);
    assert_int_equal(x.entries[0].standing, STANDING_COUNTED);
    assert_int_equal(x.entries[1].ref.number, 3);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void what_does_not_pass_stays_with_its_new_reason_per_field(void **state)
{
    struct world w;
    struct sub one[] = {grade_of(1, "gp2", "anna", 12), grade_of(2, "gp2", "boris", 50)};
    struct quarantine_outcome out;
    struct quarantined q;
    struct heard x;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    has_unit(&w, "gp2", false);
    take_array(&w, one, 2, 1, head, NULL);
    has_unit(&w, "gp2", true);
    out = release_all(&w);
    assert_int_equal(out.counted, 1);
    assert_int_equal(out.stayed, 1);
    q = named(&w, "2");
    assert_int_equal(q.why.reason, QUARANTINE_INVALID);
    assert_int_equal(q.why.rule, RULE_CONSTRAINT);
    assert_string_equal(q.why.field, "grade");
    assert_string_equal(q.why.expected, ". >= 0 and . <= 20");
    assert_null(strstr(q.why.text, "50")); /* an answer never lies in clear */
    x = listen(&w);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.entries[1].standing, STANDING_QUARANTINED);
    assert_int_equal(x.entries[1].why.rule, RULE_CONSTRAINT);
    assert_string_equal(x.entries[1].why.field, "grade");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void what_a_held_sender_sealed_counts_by_the_operators_word(void **state) /* invariant 6 */
{
    static const enum participant_state states[] = {PARTICIPANT_HELD, PARTICIPANT_REVOKED};

    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        struct world w;
        struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 50)};
        struct quarantine_outcome out;
        uint8_t head[DIGEST_BYTES];

        world_open(&w);
        ((struct participant *)(uintptr_t)w.of[0])->state = states[i];
        take_array(&w, one, 2, 1, head, NULL);
        assert_int_equal(named(&w, "1").why.reason, QUARANTINE_HELD);
        assert_int_equal(pupils(&w, "gp"), 0);
        out = release_all(&w);
        assert_int_equal(out.counted, 1);
        assert_int_equal(out.stayed, 1); /* the form judges it all the same */
        assert_int_equal(pupils(&w, "gp"), 1);
        assert_int_equal(verify_bad(&w), 0);
        world_close(&w);
    }
}

static void a_form_that_is_loaded_later_lets_its_records_count(void **state)
{
    static const char yaml[] = "programme: extra\nversion: \"1\"\ntitle: Extra\n"
                               "indicators:\n  - {id: clubs, name: Clubs, form: clubs, kind: sum, value: \"${n}\"}\n";
    static const char form_yaml[] = "form: clubs\nversion: \"1\"\ntitle: Clubs\nmode: record\nrole: school\n"
                                    "period: month\n"
                                    "survey:\n  - {type: integer, name: n, label: N, required: true}\n";
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)yaml, sizeof(yaml) - 1},
        {(char *)(uintptr_t) "forms/clubs.yaml", (void *)(uintptr_t)form_yaml, sizeof(form_yaml) - 1}};
    struct world w, other;
    struct sub one[] = {grade(1, "", 30)};
    struct quarantine_outcome out;
    struct sealed s;
    struct store_txn *t;

    (void)state;
    world_open(&other); /* a school of another hub, say, whose form this one does not have yet */
    world_open(&w);
    MUST(store_begin_write(other.hub->store, &t));
    load_pack(&other, t, files, 2);
    finish_txn(&other, t);
    MUST(hub_reload(other.hub, NULL));
    memcpy(other.hub->district, w.hub->district, sizeof(w.hub->district));
    key_free(other.hub->seal[0]);
    other.hub->seal[0] = w.hub->seal[0];
    key_free(other.sign[0]);
    other.sign[0] = w.sign[0];
    other.of[0] = w.of[0];
    one[0].form = "clubs";
    seal_array(&other, one, 1, 1, NULL, &s);
    other.hub->seal[0] = NULL;
    other.sign[0] = NULL;
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    assert_int_equal(named(&w, "1").why.reason, QUARANTINE_UNKNOWN_FORM);
    MUST(store_begin_write(w.hub->store, &t));
    load_pack(&w, t, files, 2);
    finish_txn(&w, t);
    MUST(hub_reload(w.hub, NULL));
    join_schools(&w);
    renew_intake(&w);
    out = release_all(&w);
    assert_int_equal(out.counted, 1);
    assert_int_equal(cell_of(&w, "clubs", "gp", "2020-09", "").sum, 30);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
    world_close(&other);
}

/* A pack without the form "card", and without the indicator over it. */
static void load_without_card(struct world *w)
{
    static const char yaml[] = "programme: quality\nversion: \"2\"\ntitle: Quality\n"
                               "indicators:\n  - {id: pupils, name: Pupils, form: grades, kind: count}\n";
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)yaml, sizeof(yaml) - 1},
        {(char *)(uintptr_t) "forms/grades.yaml", (void *)(uintptr_t)grades_yaml, sizeof(grades_yaml) - 1}};
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    load_pack(w, t, files, 2);
    finish_txn(w, t);
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
}

static enum err since(struct world *w, const char *form, int64_t *ms)
{
    struct store_txn *t;
    enum err e;

    MUST(store_begin_read(w->hub->store, &t));
    e = withdrawn_since(t, form, ms);
    store_abort(t);
    return e;
}

static void a_withdrawn_form_still_accepts_what_waited_and_is_marked(void **state)
{
    struct world w;
    struct sub waits[] = {grade(1, "", 30), grade(2, "anna", 5)};
    struct sealed s;
    struct store_txn *t;
    uint64_t v[VERDICT_COUNT];
    int64_t ms;

    (void)state;
    world_open(&w);
    waits[0].form = "card";
    seal_array(&w, waits, 2, 1, NULL, &s); /* filled in while the form was asked for */
    assert_int_equal(since(&w, "card", &ms), ERR_NOT_FOUND);
    clock_test_set(SOME_MS + 5000);
    load_without_card(&w);
    assert_int_equal(since(&w, "card", &ms), OK);
    assert_int_equal(ms, SOME_MS + 5000);
    assert_int_equal(since(&w, "grades", &ms), ERR_NOT_FOUND);
    for (uint32_t i = 0; i < w.hub->directory->object_count; i++)
        if (strcmp(w.hub->directory->objects[i].name, "card") == 0)
            assert_false(w.hub->directory->objects[i].is_current); /* listed, not offered */
    assert_int_equal(take(&w, &s, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_COUNTED], 2);
    assert_int_equal(verify_bad(&w), 0);
    clock_test_set(SOME_MS + 9000);
    load_without_card(&w); /* loaded again: withdrawn since the first time */
    assert_int_equal(since(&w, "card", &ms), OK);
    assert_int_equal(ms, SOME_MS + 5000);
    MUST(store_begin_write(w.hub->store, &t));
    load_programme(&w, t, programme_yaml);
    finish_txn(&w, t);
    assert_int_equal(since(&w, "card", &ms), ERR_NOT_FOUND); /* offered once more */
    buf_fini(&s.bytes);
    world_close(&w);
}

/* As a hub with an older program left it: stored, nothing of it could be read. */
static void take_unreadable(struct world *w, const struct sealed *s)
{
    struct prepared *p = prepare(w, s);
    enum ledger_outcome outcome;
    struct store_txn *t;
    struct buf receipt;

    batch_plain_free(p->plain);
    p->plain = NULL;
    p->is_unreadable = true;
    p->value_count = 0;
    cell_sums_reset(p->sums);
    memset(p->tree, 0, sizeof(p->tree));
    for (uint32_t row = 0; row < p->count; row++)
        p->records[row].reason = QUARANTINE_UNREADABLE;
    buf_init(&receipt, SIGNED_MAX);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_apply(w->hub->ledger, t, p, &receipt, &outcome));
    finish_txn(w, t);
    assert_int_equal(outcome, LEDGER_STORED);
    buf_fini(&receipt);
    prepared_free(p);
}

static void an_unreadable_batch_is_opened_whole_when_it_can_be(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 12), grade(2, "boris", 50), grade(3, "vera", 8)};
    struct sub two[] = {grade(3, "vera", 8), retraction(4, 1)};
    struct quarantine_outcome out;
    struct sealed s;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    seal_array(&w, one, 3, 1, NULL, &s);
    take_unreadable(&w, &s);
    memcpy(head, s.digest, DIGEST_BYTES);
    assert_int_equal(rows_of(&w, H_RANGES), 0);
    assert_int_equal(verify_bad(&w), 0);   /* also when this program can read it */
    take_array(&w, two, 2, 2, head, NULL); /* a readable copy of one of them, and a retraction of another */
    assert_int_equal(pupils(&w, "gp"), 1);
    assert_int_equal(quarantined_now(&w), 1); /* 1 was retracted, 3 came readable, 2 waits */
    {
        struct quarantine_filter f = {.reason = QUARANTINE_UNREADABLE};
        struct quarantine_list l;
        struct store_txn *t;

        MUST(store_begin_read(w.hub->store, &t));
        MUST(quarantine_find(w.hub, t, &f, &l));
        store_abort(t);
        assert_int_equal(l.count, 2);
        out = release_some(&w, l.items, l.count);
        quarantine_list_fini(&l);
    }
    assert_int_equal(out.counted, 0);
    assert_int_equal(out.superseded, 1);
    assert_int_equal(out.stayed, 1);
    assert_int_equal(named(&w, "2").why.reason, QUARANTINE_INVALID);
    assert_int_equal(pupils(&w, "gp"), 1);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

static void a_second_content_of_a_number_never_gets_out(void **state) /* invariant 3 */
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 12)};
    struct sub two[] = {grade(1, "anna", 13), grade(2, "boris", 5)};
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 1, 1, head, NULL);
    take_array(&w, two, 2, 2, head, NULL);
    assert_int_equal(named(&w, "1").why.reason, QUARANTINE_CONFLICT);
    assert_int_equal(release_all(&w).stayed, 1);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 1700);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void an_aborted_release_leaves_nothing(void **state) /* invariant 4 */
{
    static const unsigned tables[] = {H_META,    H_JOURNAL, H_BLOBS, H_BATCHES,    H_RANGES, H_DEAD,
                                      H_CURRENT, H_SLOTS,   H_CELLS, H_QUARANTINE, H_WORDS};
    struct world w;
    struct sub one[] = {grade_of(1, "gp2", "anna", 12), grade(2, "anna", 5)};
    struct quarantine_outcome out = {.counted = 0};
    struct quarantine_list l;
    struct store_txn *t;
    struct buf before, after;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    buf_init(&before, 1 << 24);
    buf_init(&after, 1 << 24);
    has_unit(&w, "gp2", false);
    take_array(&w, one, 2, 1, head, NULL);
    has_unit(&w, "gp2", true);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &before);
    l = waiting(&w);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(quarantine_release(w.hub, t, "office:test", l.items, l.count, &out));
    assert_int_equal(out.counted, 1);
    store_abort(t);
    ledger_aborted(w.hub->ledger);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(release_all(&w).counted, 1);
    assert_int_equal(verify_bad(&w), 0);
    quarantine_list_fini(&l);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

/* ---- corrected, rejected ---- */

static void a_correction_of_what_waits_counts_and_is_told(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 50), grade(2, "boris", 5)};
    struct sub two[] = {correction(3, 1, "anna", 15)};
    struct sub three[] = {grade(4, "vera", 99), correction(5, 4, "vera", 9), retraction(6, 2)};
    struct quarantined q;
    struct heard x;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    assert_int_equal(quarantined_now(&w), 1);
    take_array(&w, two, 1, 2, head, NULL);
    assert_int_equal(quarantined_now(&w), 0);
    q = named(&w, "1");
    assert_true(q.is_corrected);
    assert_false(quarantined_waits(&q));
    assert_int_equal(q.by.number, 3);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2000);
    take_array(&w, three, 3, 3, head, NULL); /* also within one batch; the retraction is of what counts: no word */
    x = listen(&w);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.kinds[0], NOTICE_CORRECTED);
    assert_int_equal(x.entries[0].ref.number, 1);
    assert_int_equal(x.entries[0].standing, STANDING_CORRECTED);
    assert_int_equal(x.entries[1].ref.number, 4);
    assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 2400);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A correction that waits changes nothing; once the school corrects it in turn, what it was to replace is replaced,
 * though their rows have another key: nobody is counted twice (invariant 3). */
static void what_a_replaced_correction_was_to_replace_is_replaced(void **state)
{
    struct world w;
    struct sub one[] = {grade(1, "ana", 12), correction(2, 1, "anna", 50), correction(3, 2, "Anna", 14)};
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    for (size_t k = 0; k < COUNT(orders); k++) {
        struct sealed s[3];

        world_open(&w);
        for (size_t i = 0; i < 3; i++)
            seal_array(&w, &one[i], 1, i + 1, i == 0 ? NULL : s[i - 1].digest, &s[i]);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(take(&w, &s[orders[k][i]], NULL), LEDGER_STORED);
        assert_int_equal(pupils(&w, "gp"), 1);
        assert_int_equal(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum, 1400);
        assert_int_equal(rows_of(&w, H_DEAD), 2);
        assert_int_equal(verify_bad(&w), 0);
        for (size_t i = 0; i < 3; i++)
            buf_fini(&s[i].bytes);
        world_close(&w);
    }
    world_open(&w); /* and in one batch */
    {
        uint8_t head[DIGEST_BYTES];

        take_array(&w, one, 3, 1, head, NULL);
    }
    assert_int_equal(pupils(&w, "gp"), 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void what_is_rejected_stays_out_for_good_and_is_told_why(void **state)
{
    struct world w;
    struct sub one[] = {grade_of(1, "gp2", "anna", 12), grade_of(2, "gp2", "boris", 5)};
    struct quarantined q;
    struct heard x;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    has_unit(&w, "gp2", false);
    take_array(&w, one, 2, 1, head, NULL);
    assert_int_equal(reject(&w, "1", ""), ERR_INVALID);
    assert_int_equal(reject(&w, "gp/1/1", "Класс передан другой школе"), OK);
    assert_int_equal(reject(&w, "1", "again"), ERR_EXISTS);
    q = named(&w, "1");
    assert_false(quarantined_waits(&q));
    assert_string_equal(q.word, "Класс передан другой школе");
    assert_int_equal(quarantined_now(&w), 1);
    has_unit(&w, "gp2", true);
    assert_int_equal(release_all(&w).counted, 1); /* the other one */
    assert_int_equal(pupils(&w, "gp2"), 1);
    x = listen(&w);
    assert_int_equal(x.count, 2);
    assert_int_equal(x.kinds[0], NOTICE_REJECTED);
    assert_int_equal(x.entries[0].standing, STANDING_REJECTED);
    assert_string_equal(x.entries[0].why.text, "Класс передан другой школе");
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* A receipt names 1,024; the others are told in words. */
static void refusals_beyond_the_receipts_are_told_in_words(void **state)
{
    enum { MANY = RECEIPT_MAX_REFUSALS + 3 };
    static struct sub subs[MANY];
    static const struct sub *at[MANY];
    struct world w;
    struct sealed s;
    struct heard x;

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < MANY; i++) {
        subs[i] = grade(i + 1, "x", 50);
        at[i] = &subs[i];
    }
    seal(&w, at, MANY, 1, NULL, &s);
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    x = listen(&w);
    assert_int_equal(x.count, 3);
    assert_int_equal(x.kinds[0], NOTICE_HELD);
    assert_int_equal(x.entries[0].ref.number, RECEIPT_MAX_REFUSALS + 1);
    assert_int_equal(x.entries[2].why.reason, QUARANTINE_INVALID);
    assert_int_equal(release_all(&w).stayed, MANY);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

/* ---- any order ---- */

static uint64_t random_state;

static uint32_t roll(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % below);
}

#define BATCHES 6u
#define EACH    8u

/* Three units' worth of new submissions, corrections and retractions of earlier ones. */
static void make_subs(struct sub subs[BATCHES * EACH])
{
    for (uint32_t i = 0; i < BATCHES * EACH; i++) {
        static const char *const pupil[] = {"anna", "boris", "vera", "gleb"};
        const char *unit = roll(2) == 0 ? "gp" : "gp2";
        uint32_t kind = i == 0 ? 0 : roll(4);

        if (kind < 2)
            subs[i] = grade_of(i + 1, unit, pupil[roll(4)], roll(20));
        else if (kind == 2)
            subs[i] = correction(i + 1, 1 + roll(i), pupil[roll(4)], roll(20));
        else
            subs[i] = retraction(i + 1, 1 + roll(i));
        subs[i].unit = unit;
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

    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(w, tables[i], out);
}

static void release_random(struct world *w)
{
    struct quarantine_list l = waiting(w);

    for (size_t from = 0, n = 0; from < l.count; from += n) {
        size_t kept = 0;

        n = quarantine_run(&l, from);
        for (size_t i = 0; i < n; i++)
            if (roll(2) == 0)
                l.items[from + kept++] = l.items[from + i];
        if (kept > 0)
            (void)release_some(w, &l.items[from], kept);
    }
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

/* All that are not rejected, corrected ones too. */
static struct quarantine_list all_of(struct world *w)
{
    struct quarantine_filter f = {.waits = false};
    struct quarantine_list l;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(quarantine_find(w->hub, t, &f, &l));
    store_abort(t);
    return l;
}

/* What was put aside for want of a right and let out later, in any order and amid corrections and retractions, leaves
 * the same dead, slots and cells as if the right had been there from the beginning. */
static void released_in_any_order_it_is_as_if_the_right_had_always_been_there(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct world w;
        struct sub subs[BATCHES * EACH];
        struct sealed s[BATCHES];
        uint32_t order[BATCHES];
        struct buf straight, crooked;

        print_message("seed %llu\n", (unsigned long long)seed);
        random_state = seed * UINT64_C(0x9E3779B97F4A7C15);
        buf_init(&straight, 1 << 22);
        buf_init(&crooked, 1 << 22);
        make_subs(subs);
        for (int is_crooked = 0; is_crooked < 2; is_crooked++) {
            world_open(&w);
            share_storage_key(&w);
            for (uint32_t i = 0; i < BATCHES; i++)
                seal_array(&w, &subs[(size_t)i * EACH], EACH, i + 1, i == 0 ? NULL : s[i - 1].digest, &s[i]);
            shuffle(order);
            for (uint32_t i = 0; i < BATCHES; i++) {
                if (is_crooked != 0)
                    has_unit(&w, "gp2", roll(3) == 0);
                assert_int_equal(take(&w, &s[order[i]], NULL), LEDGER_STORED);
                if (is_crooked != 0 && roll(2) == 0)
                    release_random(&w);
            }
            has_unit(&w, "gp2", true);
            {
                struct quarantine_list l = all_of(&w);

                for (size_t from = 0, n = 0; from < l.count; from += n) {
                    n = quarantine_run(&l, from);
                    (void)release_some(&w, &l.items[from], n);
                }
                quarantine_list_fini(&l);
            }
            assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
            dump_outcome(&w, is_crooked != 0 ? &crooked : &straight);
            assert_int_equal(verify_bad(&w), 0);
            for (uint32_t i = 0; i < BATCHES; i++)
                buf_fini(&s[i].bytes);
            world_close(&w);
        }
        assert_int_equal(straight.len, crooked.len);
        assert_memory_equal(straight.data, crooked.data, straight.len);
        buf_fini(&straight);
        buf_fini(&crooked);
    }
}

static void verify_sees_a_quarantine_that_nobody_decided(void **state) /* invariant 5 */
{
    struct world w;
    struct sub one[] = {grade(1, "anna", 50), grade(2, "boris", 51)};
    struct quarantined q;
    struct store_txn *t;
    uint8_t head[DIGEST_BYTES];
    uint8_t raw[PLACE_KEY_BYTES];

    (void)state;
    world_open(&w);
    take_array(&w, one, 2, 1, head, NULL);
    assert_int_equal(reject(&w, "1", "no"), OK);
    assert_int_equal(verify_bad(&w), 0);
    q = named(&w, "1");
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_delete(t, H_QUARANTINE, place_key(raw, 1, &q.ref.gen, 1)));
    MUST(store_commit(t));
    assert_int_equal(verify_bad(&w), 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_for_a_right_counts_once_it_is_given),
        cmocka_unit_test(what_does_not_pass_stays_with_its_new_reason_per_field),
        cmocka_unit_test(what_a_held_sender_sealed_counts_by_the_operators_word),
        cmocka_unit_test(a_form_that_is_loaded_later_lets_its_records_count),
        cmocka_unit_test(a_withdrawn_form_still_accepts_what_waited_and_is_marked),
        cmocka_unit_test(an_unreadable_batch_is_opened_whole_when_it_can_be),
        cmocka_unit_test(a_second_content_of_a_number_never_gets_out),
        cmocka_unit_test(an_aborted_release_leaves_nothing),
        cmocka_unit_test(a_correction_of_what_waits_counts_and_is_told),
        cmocka_unit_test(what_a_replaced_correction_was_to_replace_is_replaced),
        cmocka_unit_test(what_is_rejected_stays_out_for_good_and_is_told_why),
        cmocka_unit_test(refusals_beyond_the_receipts_are_told_in_words),
        cmocka_unit_test(released_in_any_order_it_is_as_if_the_right_had_always_been_there),
        cmocka_unit_test(verify_sees_a_quarantine_that_nobody_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
