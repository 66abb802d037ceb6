/* Intake: what is refused as a whole, what is quarantined record by record, and why (invariants 6 and 9). */
#include "ledger_fixture.h"

#include "common/form_rule.h"

static void refused(struct world *w, int school, struct bytes batch, enum err e, enum message_error why)
{
    struct prepared *p = NULL;
    enum message_error refusal = MERR_INTERNAL;
    enum err got = intake_prepare(w->intake, w->of[school], batch, &p, &refusal);

    if (got != e || refusal != why)
        fail_msg("%s (%s), refusal %s", err_name(got), err_text(), message_error_name(refusal));
    assert_null(p);
}

static void foreign_forged_and_damaged_batches_are_refused_whole(void **state)
{
    static uint8_t large[BATCH_MAX_SEALED + 1];
    struct world w;
    struct sub subs[] = {grade(1, "anna", 12)};
    struct participant *p;
    struct sealed s;
    uint8_t saved;

    (void)state;
    world_open(&w);
    seal_array(&w, subs, 1, 1, NULL, &s);
    refused(&w, 0, bytes_of(large, sizeof(large)), ERR_LIMIT, MERR_LIMIT);
    refused(&w, 0, bytes_of(large, 100), ERR_MALFORMED, MERR_MALFORMED);
    refused(&w, 0, bytes_of("", 0), ERR_MALFORMED, MERR_MALFORMED);
    refused(&w, 1, sealed_bytes(&s), ERR_AUTH, MERR_UNKNOWN);
    saved = s.bytes.data[4];
    s.bytes.data[4] = 9;
    refused(&w, 0, sealed_bytes(&s), ERR_VERSION, MERR_VERSION);
    s.bytes.data[4] = saved;
    s.bytes.data[s.bytes.len - 1] ^= 1;
    refused(&w, 0, sealed_bytes(&s), ERR_AUTH, MERR_SIGNATURE);
    s.bytes.data[s.bytes.len - 1] ^= 1;
    w.hub->district[0] ^= 1;
    refused(&w, 0, sealed_bytes(&s), ERR_AUTH, MERR_UNKNOWN);
    w.hub->district[0] ^= 1;
    p = (struct participant *)(uintptr_t)w.of[0];
    p->grant.sign_key[0] ^= 1;
    refused(&w, 0, sealed_bytes(&s), ERR_AUTH, MERR_SIGNATURE);
    memset(p->grant.sign_key, 0, KEY_BYTES);
    refused(&w, 0, sealed_bytes(&s), ERR_DENIED, MERR_UNKNOWN);
    memcpy(p->grant.sign_key, key_public(w.sign[0]), KEY_BYTES);
    p->state = PARTICIPANT_INVITED;
    refused(&w, 0, sealed_bytes(&s), ERR_DENIED, MERR_UNKNOWN);
    p->state = PARTICIPANT_ACTIVE;
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    buf_fini(&s.bytes);
    world_close(&w);
}

struct refusals {
    uint32_t count;
    struct receipt_refusal items[16];
};

static void take_refusals(struct world *w, const struct sealed *s, struct refusals *out)
{
    struct prepared *p = prepare(w, s);
    enum ledger_outcome outcome;
    struct store_txn *t;
    struct receipt r;
    struct buf object;

    buf_init(&object, SIGNED_MAX);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_apply(w->hub->ledger, t, p, &object, &outcome));
    finish_txn(w, t);
    MUST(receipt_open(&r, bytes_of(object.data, object.len), key_public(w->hub->sign)));
    assert_true(r.refusal_count <= COUNT(out->items));
    out->count = r.refusal_count;
    memcpy(out->items, r.refusals, r.refusal_count * sizeof(*out->items));
    receipt_fini(&r);
    buf_fini(&object);
    prepared_free(p);
}

static void each_mistake_is_quarantined_alone_with_its_reason(void **state)
{
    static const enum quarantine_reason expected[] = {QUARANTINE_INVALID, QUARANTINE_UNIT,  QUARANTINE_PERIOD,
                                                      QUARANTINE_PERIOD,  QUARANTINE_ROLE,  QUARANTINE_TARGET,
                                                      QUARANTINE_TARGET,  QUARANTINE_TARGET};
    struct world w;
    struct sub subs[] = {grade(1, "ok", 12), grade(2, "a", 21),   grade(3, "b", 1), grade(4, "c", 1),
                         grade(5, "d", 1),   grade(6, "e", 1),    grade(7, "f", 1), retraction(8, 8),
                         retraction(9, 10),  grade(10, "ok2", 10)};
    struct refusals r;
    struct sealed s;

    (void)state;
    world_open(&w);
    subs[2].unit = "ms";
    subs[3].period = "1x";
    subs[4].period = "2020/21"; /* of another series */
    subs[5].form = "ledgerbook";
    subs[6].form = "poll";
    subs[6].kind = RECORD_CORRECTION;
    subs[6].target = (struct record_ref){subs[6].gen, 1};
    seal_array(&w, subs, COUNT(subs), 1, NULL, &s);
    take_refusals(&w, &s, &r);
    assert_int_equal(r.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(r.items[i].number, i + 2);
        assert_int_equal(r.items[i].why.reason, expected[i]);
        assert_true(strlen(r.items[i].why.text) > 10);
    }
    assert_non_null(strstr(r.items[0].why.text, "grade"));
    assert_null(strstr(r.items[0].why.text, "21")); /* an answer never lies in clear in store and receipt */
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 2);
    assert_int_equal(rows_of(&w, H_QUARANTINE), COUNT(expected));
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

static void a_period_of_any_of_the_forms_series_counts(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "", 30), grade(2, "", 40), grade(3, "", 50)};
    struct refusals r;
    struct sealed s;

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < COUNT(subs); i++)
        subs[i].form = "card"; /* due in months and school years */
    subs[1].period = "2020/21";
    subs[2].period = "2020"; /* of neither */
    seal_array(&w, subs, COUNT(subs), 1, NULL, &s);
    take_refusals(&w, &s, &r);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.items[0].number, 3);
    assert_int_equal(r.items[0].why.reason, QUARANTINE_PERIOD);
    assert_int_equal(r.items[0].why.rule, RULE_SERIES);
    assert_string_equal(r.items[0].why.expected, "month, school_year");
    assert_string_equal(r.items[0].why.text,
                        "period: the calendar has no such period in the series of the form: month, school_year");
    assert_int_equal(cell_of(&w, "places", "gp", "2020-09", "").sum, 30);
    assert_int_equal(cell_of(&w, "places", "gp", "2020/21", "").sum, 40);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

static void who_may_speak_for_every_unit_is_heard_about_any(void **state) /* invariant 6 */
{
    struct world w;
    struct sub subs[] = {grade(1, "", 30), grade(2, "", 40), grade(3, "", 50), grade(4, "a", 12)};
    struct refusals r;
    struct participant *office;
    struct sealed s;

    (void)state;
    world_open(&w);
    office = (struct participant *)(uintptr_t)w.of[1];
    (void)snprintf(office->grant.units[0], sizeof(office->grant.units[0]), GRANT_ALL_UNITS);
    (void)snprintf(office->grant.roles[office->grant.role_count++], sizeof(office->grant.roles[0]), "office");
    for (size_t i = 0; i < COUNT(subs); i++)
        subs[i].school = 1;
    subs[0].form = "card";
    subs[0].unit = "m1008"; /* that no grant names */
    subs[1].form = subs[2].form = "ledgerbook";
    subs[1].unit = UNIT_DISTRICT;
    subs[2].unit = "m1008"; /* but the book is about the district */
    subs[3].unit = "m1009";
    seal_array(&w, subs, COUNT(subs), 1, NULL, &s);
    take_refusals(&w, &s, &r);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.items[0].number, 3);
    assert_int_equal(r.items[0].why.reason, QUARANTINE_UNIT);
    assert_int_equal(r.items[0].why.rule, RULE_UNIT_DISTRICT);
    assert_string_equal(r.items[0].why.text, "unit: the form is about one unit alone: district");
    assert_int_equal(cell_of(&w, "places", "m1008", "2020-09", "").sum, 30);
    assert_int_equal(cell_of(&w, "pupils", "m1009", "2020-09", "level=high").n, 1);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

static void who_enters_for_others_says_so_with_each_record(void **state) /* invariant 6 */
{
    struct world w;
    struct sub subs[] = {grade(1, "", 30), grade(2, "", 40), grade(3, "", 3), grade(4, "", 50)};
    struct refusals r;
    struct participant *office;
    struct sealed s;

    (void)state;
    world_open(&w);
    office = (struct participant *)(uintptr_t)w.of[1];
    (void)snprintf(office->grant.units[0], sizeof(office->grant.units[0]), GRANT_ALL_UNITS);
    office->grant.role_count = 0;
    office->grant.behalf_count = 1;
    (void)snprintf(office->grant.behalf[0], sizeof(office->grant.behalf[0]), "school");
    for (size_t i = 0; i < COUNT(subs); i++) {
        subs[i].school = 1;
        subs[i].form = "card";
        subs[i].unit = "m1008";
        subs[i].source = SOURCE_PAPER;
    }
    subs[1].source = SOURCE_OWN; /* it has no word of its own about a school */
    subs[2].form = "poll";       /* and none in a survey */
    subs[3].form = "ledgerbook"; /* nor for the office, for which it does not stand in */
    subs[3].unit = UNIT_DISTRICT;
    seal_array(&w, subs, COUNT(subs), 1, NULL, &s);
    take_refusals(&w, &s, &r);
    assert_int_equal(r.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(r.items[i].number, i + 2);
        assert_int_equal(r.items[i].why.reason, QUARANTINE_ROLE);
        assert_int_equal(r.items[i].why.rule, RULE_ROLE);
    }
    assert_int_equal(cell_of(&w, "places", "m1008", "2020-09", "").sum, 30);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

static void a_held_participants_batch_is_kept_for_the_operator(void **state)
{
    static const enum participant_state states[] = {PARTICIPANT_HELD, PARTICIPANT_REVOKED};
    struct world w;
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < COUNT(states); i++) {
        struct sub subs[] = {grade(2 * i + 1, "a", 12), grade(2 * i + 2, "b", 12)};
        struct refusals r;
        struct sealed s;

        ((struct participant *)(uintptr_t)w.of[0])->state = states[i];
        seal_array(&w, subs, 2, i + 1, i == 0 ? NULL : head, &s);
        take_refusals(&w, &s, &r);
        assert_int_equal(r.count, 2);
        assert_int_equal(r.items[1].why.reason, QUARANTINE_HELD);
        memcpy(head, s.digest, DIGEST_BYTES);
        buf_fini(&s.bytes);
    }
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* Closed is not distrusted: what it had is its last word. */
static void a_closed_participants_batch_is_judged_like_any_other(void **state)
{
    struct sub one[] = {grade(1, "a", 12)};
    struct world w;
    uint64_t v[VERDICT_COUNT];
    uint8_t head[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    ((struct participant *)(uintptr_t)w.of[0])->state = PARTICIPANT_CLOSED;
    take_array(&w, one, 1, 1, head, v);
    assert_int_equal(v[VERDICT_COUNTED], 1);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* Seals with a form that the hub does not know, and with bytes that no form could have given. */
static void seal_raw(const struct world *w, const struct bytes *records, size_t count, uint64_t sequence,
                     const uint8_t *previous, struct sealed *out)
{
    struct batch_maker *m;
    struct batch_seal s = {.participant = "gp",
                           .gen = generation_of(1, 7),
                           .sequence = sequence,
                           .sign = w->sign[0],
                           .closed_ms = SOME_MS};
    uint32_t taken;

    MUST(batch_maker_new(&m, NULL));
    for (size_t i = 0; i < count; i++)
        MUST(batch_maker_add(m, i + 1, "default", records[i]));
    memcpy(s.district, w->hub->district, sizeof(s.district));
    if (previous != NULL)
        memcpy(s.previous, previous, DIGEST_BYTES);
    memcpy(s.seal_to, key_public(w->hub->seal[0]), KEY_BYTES);
    buf_init(&out->bytes, BATCH_MAX_SEALED);
    MUST(batch_maker_seal(m, &s, &out->bytes, &taken));
    assert_int_equal(taken, count);
    out->school = 0;
    batch_digest(out->digest, sealed_bytes(out));
    batch_maker_free(m);
}

static void unknown_forms_and_malformed_records_are_quarantined(void **state)
{
    struct world w;
    struct sub sub = grade(1, "anna", 5);
    struct bytes records[3];
    struct refusals r;
    struct sealed s;
    struct buf good;
    struct buf unknown;
    struct buf bad;

    (void)state;
    world_open(&w);
    buf_init(&good, RECORD_MAX);
    buf_init(&unknown, RECORD_MAX);
    buf_init(&bad, RECORD_MAX);
    sub_encode(&w, &sub, &good);
    buf_put(&unknown, good.data, good.len);
    unknown.data[10] ^= 1; /* inside the form's digest */
    mp_put_array(&bad, RECORD_HEAD);
    mp_put_uint(&bad, 1);
    mp_put_bin(&bad, hub_form_by_id(w.hub, "grades")->digest, FORM_DIGEST_BYTES);
    for (unsigned i = 2; i < RECORD_HEAD; i++)
        mp_put_nil(&bad);
    records[0] = bytes_of(good.data, good.len);
    records[1] = bytes_of(unknown.data, unknown.len);
    records[2] = bytes_of(bad.data, bad.len);
    seal_raw(&w, records, 3, 1, NULL, &s);
    take_refusals(&w, &s, &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.items[0].why.reason, QUARANTINE_UNKNOWN_FORM);
    assert_int_equal(r.items[1].why.reason, QUARANTINE_MALFORMED);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&good);
    buf_fini(&unknown);
    buf_fini(&bad);
    buf_fini(&s.bytes);
    world_close(&w);
}

/* Replaces the sealed bytes by noise and signs again, as a school with a broken program would. */
static void break_and_sign(const struct world *w, struct sealed *s)
{
    struct batch_header h;
    size_t body = s->bytes.len - SIGNATURE_BYTES;

    s->bytes.data[body - 20] ^= 1;
    MUST(batch_parse(&h, sealed_bytes(s)));
    MUST(key_sign(w->sign[0], "svodka batch v1", bytes_of(s->bytes.data, body), bytes_of("", 0), s->bytes.data + body));
    MUST(batch_verify(&h, sealed_bytes(s), key_public(w->sign[0])));
    batch_header_fini(&h);
    batch_digest(s->digest, sealed_bytes(s));
}

static void an_unreadable_batch_is_kept_and_a_readable_copy_counts(void **state)
{
    struct world w;
    struct sub subs[] = {grade(1, "anna", 12), grade(2, "boris", 8)};
    struct sub all[] = {grade(1, "anna", 12), grade(2, "boris", 8), retraction(3, 1)};
    struct sealed s;
    struct sealed again;
    struct sealed third;
    struct refusals r;
    uint64_t v[VERDICT_COUNT] = {0};

    (void)state;
    world_open(&w);
    seal_array(&w, subs, 2, 1, NULL, &s);
    break_and_sign(&w, &s);
    take_refusals(&w, &s, &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.items[0].why.reason, QUARANTINE_UNREADABLE);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 2);
    assert_int_equal(rows_of(&w, H_RANGES), 0);
    assert_int_equal(verify_bad(&w), 0);
    seal_array(&w, all, 3, 2, s.digest, &again);
    assert_int_equal(take(&w, &again, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_COUNTED], 2);
    assert_int_equal(v[VERDICT_SUPERSEDED], 1);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "").n, 1);
    seal_array(&w, subs, 2, 3, again.digest, &third);
    break_and_sign(&w, &third);
    assert_int_equal(take(&w, &third, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_QUARANTINED], 2);
    assert_int_equal(rows_of(&w, H_QUARANTINE), 0);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    buf_fini(&again.bytes);
    buf_fini(&third.bytes);
    world_close(&w);
}

/* 1,500 refusals: the receipt names 1,024 of them and counts all. */
static void more_refusals_than_a_receipt_names_are_counted(void **state)
{
    enum { MANY = 1500 };
    static struct sub subs[MANY];
    static const struct sub *at[MANY];
    struct world w;
    struct sealed s;
    uint64_t v[VERDICT_COUNT] = {0};

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < MANY; i++) {
        subs[i] = grade(i + 1, "x", 50);
        at[i] = &subs[i];
    }
    seal(&w, at, MANY, 1, NULL, &s);
    assert_int_equal(take(&w, &s, v), LEDGER_STORED);
    assert_int_equal(v[VERDICT_QUARANTINED], MANY);
    assert_int_equal(rows_of(&w, H_QUARANTINE), MANY);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&s.bytes);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_forged_and_damaged_batches_are_refused_whole),
        cmocka_unit_test(each_mistake_is_quarantined_alone_with_its_reason),
        cmocka_unit_test(a_period_of_any_of_the_forms_series_counts),
        cmocka_unit_test(who_may_speak_for_every_unit_is_heard_about_any),
        cmocka_unit_test(who_enters_for_others_says_so_with_each_record),
        cmocka_unit_test(a_held_participants_batch_is_kept_for_the_operator),
        cmocka_unit_test(a_closed_participants_batch_is_judged_like_any_other),
        cmocka_unit_test(unknown_forms_and_malformed_records_are_quarantined),
        cmocka_unit_test(an_unreadable_batch_is_kept_and_a_readable_copy_counts),
        cmocka_unit_test(more_refusals_than_a_receipt_names_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
