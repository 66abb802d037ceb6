/* test_registry_life.c: the life of a participant after it joined: hold, release, revoke, close, a new computer.  What
 * is not believed any more is kept and not counted, what is believed counts wherever it comes from and whenever (2, 3),
 * and the journal alone tells it all again (5, 6). */
#include "tests/unit/ledger_fixture.h"

#include "common/cli.h"
#include "hub/audit.h"
#include "hub/key_change.h"
#include "hub/registry_status.h"

static struct world w;

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* ---- the operator ---- */

static enum err end_txn(struct store_txn *t, enum err e)
{
    if (e == OK)
        finish_txn(&w, t);
    else {
        store_abort(t);
        ledger_aborted(w.hub->ledger);
    }
    MUST(hub_reload(w.hub, NULL));
    renew_intake(&w);
    return e;
}

static enum err say(enum err (*word)(struct hub *h, struct store_txn *t, const struct status_word *w), const char *id,
                    const char *reason)
{
    const struct status_word said = {id, "office:test", reason};
    struct store_txn *t;

    MUST(store_begin_write(w.hub->store, &t));
    return end_txn(t, word(w.hub, t, &said));
}

static enum err revoke_from(const char *id, uint64_t sequence, int64_t since_ms, uint64_t *suspects)
{
    const struct status_word said = {id, "office:test", "stolen"};
    const struct revoke_from from = {sequence, since_ms};
    struct store_txn *t;

    MUST(store_begin_write(w.hub->store, &t));
    return end_txn(t, registry_revoke(w.hub, t, &said, &from, suspects));
}

static enum err revoke_it(const char *id)
{
    uint64_t suspects;

    return revoke_from(id, 0, 0, &suspects);
}

static const struct participant *school(const char *id)
{
    return registry_by_id(w.hub->registry, id);
}

/* ---- computers ---- */

struct computer {
    struct key *sign, *curve;
    struct generation gen;
    uint64_t sequence, number;
    uint8_t head[DIGEST_BYTES];
    struct invitation invitation;
    struct buf keep;
};

static void read_invitation(struct computer *c, const struct buf *text)
{
    buf_init(&c->keep, INVITATION_MAX);
    MUST(invitation_read(&c->invitation, &c->keep, bytes_of(text->data, text->len)));
}

static enum err join(struct computer *c, const char *id, struct grant *g)
{
    struct enrol_request r = {.made_ms = SOME_MS};
    uint8_t mac[KEY_BYTES];
    struct buf request, grant;
    struct enrolment x = {.participant = id, .from = "127.0.0.1", .grant = &grant};
    struct store_txn *t;
    enum err e;

    memcpy(r.district, w.hub->district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "%s", id);
    memcpy(r.sign_key, key_public(c->sign), KEY_BYTES);
    memcpy(r.curve_key, key_public(c->curve), KEY_BYTES);
    random_bytes(r.nonce, sizeof(r.nonce));
    invitation_mac_key(mac, c->invitation.code, w.hub->district);
    buf_init(&request, ENROL_MAX);
    buf_init(&grant, SIGNED_MAX);
    MUST(enrol_make(&request, &r, c->sign, mac, key_public(w.hub->seal[0])));
    MUST(store_begin_write(w.hub->store, &t));
    x.sealed = bytes_of(request.data, request.len);
    e = end_txn(t, registry_enrol(w.hub, t, &x));
    if (e == OK && g != NULL)
        MUST(grant_open(g, bytes_of(grant.data, grant.len), key_public(w.hub->sign)));
    buf_fini(&request);
    buf_fini(&grant);
    return e;
}

/* Makes keys; the queue begins where the invitation says. */
static void computer_new(struct computer *c, const struct buf *text, uint8_t tag)
{
    struct grant *g = calloc(1, sizeof(*g));

    memset(c, 0, sizeof(*c));
    MUST(key_generate(&c->sign, KEY_SIGN));
    MUST(key_generate(&c->curve, KEY_CURVE));
    read_invitation(c, text);
    MUST(grant_open(g, c->invitation.grant, key_public(w.hub->sign)));
    c->gen = generation_of(g->first_counter > 0 ? g->first_counter : 1, tag);
    free(g);
}

static void computer_free(struct computer *c)
{
    key_free(c->sign);
    key_free(c->curve);
    buf_fini(&c->keep);
}

static void add_and_join(struct computer *c, const char *id)
{
    struct school_add a = {.id = id, .name = id};
    struct store_txn *t;
    struct buf text;

    buf_init(&text, INVITATION_MAX);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_add(w.hub, t, &a, &text)));
    computer_new(c, &text, 1);
    MUST(join(c, id, NULL));
    buf_fini(&text);
}

static enum err rekey_it(const char *id, bool is_lost, struct buf *text)
{
    const struct status_word said = {id, "office:test", "stolen"};
    const struct rekey r = {.is_lost = is_lost};
    struct store_txn *t;

    buf_init(text, INVITATION_MAX);
    MUST(store_begin_write(w.hub->store, &t));
    return end_txn(t, registry_rekey(w.hub, t, &said, &r, text, NULL));
}

static void rekeyed(struct computer *c, const char *id, bool is_lost)
{
    struct buf text;

    MUST(rekey_it(id, is_lost, &text));
    computer_new(c, &text, 2);
    buf_fini(&text);
}

/* The next batch of a computer: one grade of a pupil. */
static void seal_next(struct computer *c, const char *id, const char *pupil, int64_t value, struct sealed *out)
{
    struct sub s = grade(++c->number, pupil, value);
    struct key *kept = w.sign[0];

    s.gen = c->gen;
    s.unit = id;
    w.of[0] = school(id);
    w.sign[0] = c->sign;
    seal_array(&w, &s, 1, c->sequence + 1, c->sequence == 0 ? NULL : c->head, out);
    w.sign[0] = kept;
    memcpy(c->head, out->digest, DIGEST_BYTES);
    c->sequence++;
}

/* Takes a batch, from wherever it came; its one verdict. */
static enum verdict verdict_of(const struct sealed *s, const char *id)
{
    uint64_t v[VERDICT_COUNT] = {0};

    w.of[0] = school(id);
    assert_int_equal(take(&w, s, v), LEDGER_STORED);
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        if (v[i] > 0)
            return (enum verdict)i;
    fail_msg("no verdict");
    return VERDICT_COUNT;
}

static enum verdict send_next(struct computer *c, const char *id, const char *pupil, int64_t value)
{
    struct sealed s;
    enum verdict v;

    seal_next(c, id, pupil, value, &s);
    v = verdict_of(&s, id);
    buf_fini(&s.bytes);
    return v;
}

static uint64_t pupils(const char *unit)
{
    return cell_of(&w, "pupils", unit, "2020-09", "level=high").n +
           cell_of(&w, "pupils", unit, "2020-09", "level=low").n;
}

static uint64_t grant_version(const char *id)
{
    return school(id)->grant.version;
}

/* ---- hold, release, close ---- */

static void a_hold_keeps_apart_and_a_release_lets_count_again(void **state)
{
    struct computer c;
    struct stands s;
    struct store_txn *t;
    uint64_t version;

    (void)state;
    add_and_join(&c, "s1");
    assert_int_equal(send_next(&c, "s1", "anna", 12), VERDICT_COUNTED);
    version = grant_version("s1");
    assert_int_equal(say(registry_hold, "s1", "the head asked"), OK);
    assert_int_equal(school("s1")->state, PARTICIPANT_HELD);
    assert_int_equal(school("s1")->grant.status, GRANT_HELD);
    assert_int_equal(grant_version("s1"), version + 1);
    assert_int_equal(send_next(&c, "s1", "boris", 12), VERDICT_QUARANTINED);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(signers_stands(t, school("s1")->index, &s));
    store_abort(t);
    assert_int_equal(s.state, STANDS_HELD);
    assert_string_equal(s.reason, "the head asked");
    assert_int_equal(s.since_ms, SOME_MS);
    assert_int_equal(say(registry_release, "s1", ""), OK);
    assert_int_equal(school("s1")->state, PARTICIPANT_ACTIVE);
    assert_int_equal(grant_version("s1"), version + 2);
    assert_int_equal(send_next(&c, "s1", "vera", 12), VERDICT_COUNTED);
    assert_int_equal(verify_bad(&w), 0);
    computer_free(&c);
}

static void what_cannot_be_done_is_said_in_words(void **state)
{
    struct computer c;
    struct buf text;

    (void)state;
    add_and_join(&c, "school-1");
    assert_int_equal(say(registry_hold, "school-2", "x"), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "did you mean \"school-1\""));
    assert_int_equal(say(registry_release, "school-1", ""), ERR_INVALID);
    assert_non_null(strstr(err_text(), "it is active"));
    assert_int_equal(revoke_it("school-1"), OK);
    assert_int_equal(revoke_it("school-1"), ERR_INVALID);
    assert_int_equal(say(registry_release, "school-1", ""), ERR_INVALID);
    assert_non_null(strstr(err_text(), "school rekey school-1"));
    assert_int_equal(say(registry_hold, "school-1", "x"), ERR_INVALID);
    assert_int_equal(say(registry_close, "school-1", ""), ERR_INVALID);
    computer_free(&c);

    add_and_join(&c, "school-3");
    assert_int_equal(say(registry_close, "school-3", ""), OK);
    assert_int_equal(say(registry_close, "school-3", ""), ERR_INVALID);
    assert_non_null(strstr(err_text(), "it is closed already"));
    assert_int_equal(rekey_it("school-3", false, &text), ERR_INVALID);
    buf_fini(&text);
    assert_int_equal(verify_bad(&w), 0);
    computer_free(&c);
}

static void a_closed_school_gives_what_it_has_and_then_nothing(void **state)
{
    struct computer c;
    struct store_txn *t;

    (void)state;
    add_and_join(&c, "s1");
    assert_int_equal(say(registry_close, "s1", ""), OK);
    assert_int_equal(send_next(&c, "s1", "anna", 12), VERDICT_COUNTED);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_finish(w.hub, t, "s1", key_public(c.sign))));
    assert_int_equal(send_next(&c, "s1", "boris", 12), VERDICT_QUARANTINED);
    assert_int_equal(pupils("s1"), 1);
    assert_int_equal(verify_bad(&w), 0);
    computer_free(&c);
}

/* ---- revoke ---- */

static void what_a_revoked_computer_sends_is_kept_and_not_counted(void **state)
{
    struct computer c;
    struct signer s;
    struct sealed late;
    struct store_txn *t;

    (void)state;
    add_and_join(&c, "s1");
    assert_int_equal(send_next(&c, "s1", "anna", 12), VERDICT_COUNTED);
    seal_next(&c, "s1", "boris", 12, &late); /* before, as it says; nobody can know */
    assert_int_equal(revoke_it("s1"), OK);
    assert_int_equal(school("s1")->grant.status, GRANT_REVOKED);
    assert_int_equal(verdict_of(&late, "s1"), VERDICT_QUARANTINED);
    assert_int_equal(pupils("s1"), 1);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(signer_get(t, school("s1")->index, key_public(c.sign), &s));
    store_abort(t);
    assert_int_equal(s.held_bytes, late.bytes.len);
    signer_fini(&s);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&late.bytes);
    computer_free(&c);
}

static enum err count_one(void *ctx, const struct suspect *s)
{
    uint64_t *list = ctx;

    list[++list[0]] = s->sequence;
    return OK;
}

static void count_suspects(const char *id, uint64_t list[8])
{
    struct store_txn *t;

    memset(list, 0, 8 * sizeof(*list));
    MUST(store_begin_read(w.hub->store, &t));
    MUST(suspects_each(t, school(id)->index, count_one, list));
    store_abort(t);
}

static void parcels_from_a_number_or_a_day_on_are_marked_as_doubtful(void **state)
{
    struct computer one, two;
    uint64_t list[8];
    uint64_t marked;

    (void)state;
    add_and_join(&one, "s1");
    add_and_join(&two, "s2");
    for (unsigned i = 0; i < 3; i++) {
        clock_test_set(SOME_MS + (int64_t)i * INT64_C(86400000));
        assert_int_equal(send_next(&one, "s1", i == 0 ? "anna" : i == 1 ? "boris" : "vera", 12), VERDICT_COUNTED);
        assert_int_equal(send_next(&two, "s2", i == 0 ? "anna" : i == 1 ? "boris" : "vera", 12), VERDICT_COUNTED);
    }
    assert_int_equal(revoke_from("s1", 2, 0, &marked), OK);
    assert_int_equal(marked, 2);
    assert_int_equal(revoke_from("s2", 0, SOME_MS + 2 * INT64_C(86400000), &marked), OK);
    assert_int_equal(marked, 1);
    count_suspects("s1", list);
    assert_int_equal(list[0], 2);
    assert_int_equal(list[1], 2);
    assert_int_equal(list[2], 3);
    count_suspects("s2", list);
    assert_int_equal(list[0], 1);
    assert_int_equal(list[1], 3);
    assert_int_equal(pupils("s1"), 3); /* marked, not taken away: that is the operator's next word */
    assert_int_equal(verify_bad(&w), 0);
    clock_test_set(SOME_MS);
    computer_free(&one);
    computer_free(&two);
}

/* ---- a new computer ---- */

static void a_new_computer_begins_above_all_numbers_of_the_old_one(void **state)
{
    struct computer old, fresh;
    struct grant *g = calloc(1, sizeof(*g));

    (void)state;
    add_and_join(&old, "s1");
    old.gen = generation_of(5, 1);
    assert_int_equal(send_next(&old, "s1", "anna", 12), VERDICT_COUNTED);
    rekeyed(&fresh, "s1", false);
    assert_true(fresh.gen.counter > old.gen.counter);
    assert_int_equal(send_next(&old, "s1", "boris", 12), VERDICT_COUNTED); /* until the new one is there */
    MUST(join(&fresh, "s1", g));
    assert_memory_equal(g->sign_key, key_public(fresh.sign), KEY_BYTES);
    assert_int_equal(g->status, GRANT_ACTIVE);
    assert_int_equal(send_next(&fresh, "s1", "vera", 12), VERDICT_COUNTED);
    assert_int_equal(pupils("s1"), 3);
    assert_int_equal(verify_bad(&w), 0);
    free(g);
    computer_free(&old);
    computer_free(&fresh);
}

/* An old stick after a new PC: its parcels count, as they would have before, and an older word never replaces the newer
 * one; order does not matter. */
static void an_old_stick_after_a_new_computer_counts_and_replaces_nothing(void **state)
{
    struct computer old, fresh;
    struct sealed stick[2];

    (void)state;
    add_and_join(&old, "s1");
    seal_next(&old, "s1", "anna", 12, &stick[0]);
    seal_next(&old, "s1", "boris", 12, &stick[1]);
    rekeyed(&fresh, "s1", false);
    MUST(join(&fresh, "s1", NULL));
    assert_int_equal(send_next(&fresh, "s1", "anna", 2), VERDICT_COUNTED); /* typed again from paper */
    assert_int_equal(verdict_of(&stick[0], "s1"), VERDICT_SUPERSEDED);
    assert_int_equal(verdict_of(&stick[1], "s1"), VERDICT_COUNTED);
    assert_int_equal(take(&w, &stick[1], NULL), LEDGER_AGAIN);
    assert_int_equal(pupils("s1"), 2);
    assert_int_equal(cell_of(&w, "pupils", "s1", "2020-09", "level=low").n, 1);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&stick[0].bytes);
    buf_fini(&stick[1].bytes);
    computer_free(&old);
    computer_free(&fresh);
}

static void an_old_computer_that_was_stolen_is_kept_apart_while_the_new_one_counts(void **state)
{
    struct computer old, fresh;
    struct grant *g = calloc(1, sizeof(*g));
    const struct signer *s;
    bool is_invitation;

    (void)state;
    add_and_join(&old, "s1");
    assert_int_equal(send_next(&old, "s1", "anna", 12), VERDICT_COUNTED);
    rekeyed(&fresh, "s1", true);
    assert_int_equal(school("s1")->state, PARTICIPANT_REVOKED);
    assert_int_equal(send_next(&old, "s1", "thief", 2), VERDICT_QUARANTINED);
    MUST(join(&fresh, "s1", NULL));
    assert_int_equal(school("s1")->state, PARTICIPANT_ACTIVE);
    assert_int_equal(send_next(&old, "s1", "thief", 2), VERDICT_QUARANTINED);
    assert_int_equal(send_next(&fresh, "s1", "boris", 12), VERDICT_COUNTED);
    assert_int_equal(pupils("s1"), 2);
    /* Its line is known still, and it is told. */
    assert_ptr_equal(registry_by_curve(w.hub->registry, key_public(old.curve), &is_invitation), school("s1"));
    assert_false(is_invitation);
    s = registry_signer_by_curve(school("s1"), key_public(old.curve));
    assert_non_null(s);
    assert_false(registry_is_present(school("s1"), s));
    assert_int_equal(registry_standing(school("s1"), s), PARTICIPANT_REVOKED);
    MUST(grant_open(g, bytes_of(s->farewell.data, s->farewell.len), key_public(w.hub->sign)));
    assert_int_equal(g->status, GRANT_REVOKED);
    assert_memory_equal(g->sign_key, key_public(old.sign), KEY_BYTES);
    assert_int_equal(verify_bad(&w), 0);
    free(g);
    computer_free(&old);
    computer_free(&fresh);
}

static void a_hold_is_on_the_school_and_outlives_its_computer(void **state)
{
    struct computer old, fresh;
    struct grant *g = calloc(1, sizeof(*g));

    (void)state;
    add_and_join(&old, "s1");
    rekeyed(&fresh, "s1", false);
    assert_int_equal(say(registry_hold, "s1", "x"), OK);
    MUST(join(&fresh, "s1", g));
    assert_int_equal(g->status, GRANT_HELD);
    assert_int_equal(send_next(&fresh, "s1", "anna", 12), VERDICT_QUARANTINED);
    assert_int_equal(send_next(&old, "s1", "boris", 12), VERDICT_QUARANTINED);
    assert_int_equal(say(registry_release, "s1", ""), OK);
    assert_int_equal(send_next(&fresh, "s1", "vera", 12), VERDICT_COUNTED);
    assert_int_equal(send_next(&old, "s1", "gleb", 12), VERDICT_COUNTED);
    assert_int_equal(verify_bad(&w), 0);
    free(g);
    computer_free(&old);
    computer_free(&fresh);
}

static void an_invitation_is_void_after_revoke_close_or_another_one(void **state)
{
    struct computer first, second;
    struct school_add a = {.id = "s1", .name = "s1"};
    struct store_txn *t;
    struct buf text;

    (void)state;
    buf_init(&text, INVITATION_MAX);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_add(w.hub, t, &a, &text)));
    computer_new(&first, &text, 1);
    buf_fini(&text);
    assert_int_equal(revoke_it("s1"), OK);
    assert_int_equal(join(&first, "s1", NULL), ERR_DENIED);
    rekeyed(&second, "s1", false);
    assert_int_equal(join(&first, "s1", NULL), ERR_AUTH); /* the code is another one now */
    MUST(join(&second, "s1", NULL));
    assert_int_equal(school("s1")->state, PARTICIPANT_ACTIVE);
    assert_int_equal(verify_bad(&w), 0);
    computer_free(&first);
    computer_free(&second);
}

/* ---- the journal ---- */

static void a_row_of_the_registry_that_the_journal_does_not_tell_is_found(void **state)
{
    static const unsigned tables[] = {H_SIGNERS, H_STANDING};
    struct computer c;

    (void)state;
    add_and_join(&c, "s1");
    assert_int_equal(verify_bad(&w), 0);
    for (size_t i = 0; i < COUNT(tables); i++) {
        struct store_cursor *cursor;
        struct store_txn *t;
        struct bytes key, value;
        struct buf k;

        MUST(store_begin_write(w.hub->store, &t));
        MUST(store_cursor_open(t, tables[i], &cursor));
        MUST(store_last(cursor, &key, &value));
        buf_init(&k, 64);
        buf_put(&k, key.p, key.len);
        store_cursor_close(cursor);
        MUST(store_delete(t, tables[i], bytes_of(k.data, k.len)));
        MUST(store_commit(t));
        buf_fini(&k);
        assert_int_equal(verify_bad(&w), i + 1);
    }
    computer_free(&c);
}

/* ---- the audit ---- */

static uint64_t entries(void)
{
    struct store_txn *t;
    uint64_t last;

    MUST(store_begin_read(w.hub->store, &t));
    MUST(audit_last(t, &last));
    store_abort(t);
    return last;
}

/* One entry more than `before`, and it says this. */
static void one_entry(uint64_t *before, const char *code, const char *who, const char *detail)
{
    struct audit_entry e;
    struct store_txn *t;
    struct bytes value;
    uint8_t key[8];

    assert_int_equal(entries(), *before + 1);
    ++*before;
    be64_put(key, *before);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(store_get(t, H_AUDIT, bytes_of(key, sizeof(key)), &value));
    MUST(audit_entry_decode(&e, *before, value));
    store_abort(t);
    assert_string_equal(e.code, code);
    assert_string_equal(e.who, who);
    assert_string_equal(e.subject, "s1");
    assert_string_equal(e.detail, detail);
}

static void wrong_try(void)
{
    struct store_txn *t;

    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_wrong_try(w.hub, t, "s1")));
}

static void each_decision_has_one_entry_that_names_no_reason_and_a_refusal_none(void **state)
{
    struct computer c, second;
    struct store_txn *t;
    struct buf text;
    uint64_t n;

    (void)state;
    add_and_join(&c, "s1");
    assert_int_equal(send_next(&c, "s1", "anna", 12), VERDICT_COUNTED);
    n = entries();
    MUST(say(registry_hold, "s1", "Anna's computer"));
    one_entry(&n, "school.hold", "office:test", "");
    assert_int_equal(say(registry_hold, "s1", "again"), ERR_INVALID);
    MUST(say(registry_release, "s1", ""));
    one_entry(&n, "school.release", "office:test", "");
    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_words_match(w.hub, t, "s1", "office:test")));
    one_entry(&n, "school.words", "office:test", "");
    MUST(revoke_from("s1", 1, 0, &(uint64_t){0}));
    one_entry(&n, "school.revoke", "office:test", "doubtful=1");
    MUST(rekey_it("s1", true, &text));
    one_entry(&n, "school.rekey", "office:test", "");
    wrong_try();
    one_entry(&n, "school.try", "s1", "number=1");
    for (unsigned i = 0; i < 3; i++)
        wrong_try();
    n += 3;
    wrong_try();
    one_entry(&n, "school.lock", "s1", "number=5");
    wrong_try(); /* locked: not counted */
    assert_int_equal(entries(), n);
    buf_fini(&text);
    MUST(rekey_it("s1", false, &text));
    one_entry(&n, "school.rekey", "office:test", "");
    computer_new(&second, &text, 2);
    buf_fini(&text);
    assert_int_equal(join(&second, "s1", NULL), OK);
    assert_int_equal(entries(), ++n);
    MUST(say(registry_close, "s1", ""));
    one_entry(&n, "school.close", "office:test", "");
    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_finish(w.hub, t, "s1", key_public(second.sign))));
    one_entry(&n, "school.finish", "s1", "");
    assert_int_equal(verify_bad(&w), 0);
    computer_free(&second);
    computer_free(&c);
}

/* ---- a sealing key is retired ---- */

struct behind_of {
    const char *id;
    enum key_behind_why why;
    unsigned count;
};

static enum err count_behind(void *ctx, const char *id, const char *name, enum key_behind_why why)
{
    struct behind_of *b = ctx;

    (void)name;
    b->count += strcmp(id, b->id) == 0 && why == b->why;
    return OK;
}

/* Is the school named for that reason when the key that was current in that time is to go? */
static unsigned is_waited_for(const char *id, enum key_behind_why why, int64_t since_ms, int64_t until_ms)
{
    const struct ring_key k = {
        .kind = RING_SEAL, .state = RING_OLD, .since_ms = since_ms, .until_ms = until_ms, .version = 1};
    struct behind_of b = {id, why, 0};
    struct store_txn *t;

    MUST(store_begin_read(w.hub->store, &t));
    MUST(key_behind_retired(w.hub, t, &k, count_behind, &b));
    store_abort(t);
    return b.count;
}

static void finish(const char *id, const struct computer *c)
{
    struct store_txn *t;

    MUST(store_begin_write(w.hub->store, &t));
    MUST(end_txn(t, registry_finish(w.hub, t, id, key_public(c->sign))));
}

static bool lies_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void open_again(enum hub_access access)
{
    char home[128];

    (void)snprintf(home, sizeof(home), "%s/hub", w.dir);
    intake_free(w.intake);
    w.intake = NULL;
    hub_close(w.hub, false);
    w.hub = NULL;
    MUST(hub_open(&w.hub, home, access));
}

/* Power loss, or kill -9, between the decision and the last of the file: the hub opens, and ends what was begun. */
static void what_is_left_of_a_retired_key_goes_when_the_hub_is_opened(void **state)
{
    static const uint8_t zeros[64];
    struct key_change c = {.h = w.hub, .who = "test"};
    struct ring_key *old;
    char path[160];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/hub/keys/seal-2020.key", w.dir);
    MUST(store_begin_write(w.hub->store, &c.t));
    MUST(key_change_seal(&c, 2020, NULL));
    assert_non_null(old = ring_find(w.hub->ring, RING_SEAL, key_public(w.hub->seal[0])));
    MUST(key_change_retire(&c, old));
    finish_txn(&w, c.t); /* and no key_change_done() */
    assert_true(lies_there(path));
    open_again(HUB_READ);
    assert_true(lies_there(path)); /* who only reads changes nothing */
    open_again(HUB_WRITE);
    assert_false(lies_there(path));
    MUST(cli_write_file(path, zeros, sizeof(zeros), 0600, false)); /* overwritten, and not gone */
    open_again(HUB_READ);
    open_again(HUB_CORE);
    assert_false(lies_there(path));
}

/* Nothing that a school signed is thrown away before its time (invariant 2): a key waits for what may be sealed to it.
 */
static void a_key_waits_for_closed_replaced_and_revoked_computers(void **state)
{
    const int64_t day = INT64_C(86400000);
    struct computer closed, old, fresh, stolen;

    (void)state;
    add_and_join(&closed, "s1");
    add_and_join(&old, "s2");
    add_and_join(&stolen, "s3");
    clock_test_set(SOME_MS + 10 * day);
    assert_int_equal(say(registry_close, "s1", ""), OK);
    rekeyed(&fresh, "s2", false);
    MUST(join(&fresh, "s2", NULL));
    assert_int_equal(revoke_it("s3"), OK);
    assert_int_equal(is_waited_for("s1", BEHIND_CLOSED, SOME_MS - day, SOME_MS + 20 * day), 1);
    assert_int_equal(is_waited_for("s2", BEHIND_EARLIER, SOME_MS - day, SOME_MS + 20 * day), 1);
    assert_int_equal(is_waited_for("s3", BEHIND_REVOKED, SOME_MS - day, SOME_MS + 20 * day), 1);
    /* A key that was over before they joined, and one that was made after the replaced computer had gone. */
    assert_int_equal(is_waited_for("s1", BEHIND_CLOSED, SOME_MS - 9 * day, SOME_MS - day), 0);
    assert_int_equal(is_waited_for("s2", BEHIND_EARLIER, SOME_MS - 9 * day, SOME_MS - day), 0);
    assert_int_equal(is_waited_for("s2", BEHIND_EARLIER, SOME_MS + 11 * day, SOME_MS + 20 * day), 0);
    /* They have said that nothing waits there. */
    finish("s1", &closed);
    finish("s2", &old);
    assert_int_equal(is_waited_for("s1", BEHIND_CLOSED, SOME_MS - day, SOME_MS + 20 * day), 0);
    assert_int_equal(is_waited_for("s2", BEHIND_EARLIER, SOME_MS - day, SOME_MS + 20 * day), 0);
    assert_int_equal(is_waited_for("s2", BEHIND_NEVER, SOME_MS - day, SOME_MS + 20 * day), 1); /* the new one */
    computer_free(&closed);
    computer_free(&old);
    computer_free(&fresh);
    computer_free(&stolen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hold_keeps_apart_and_a_release_lets_count_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_cannot_be_done_is_said_in_words, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_closed_school_gives_what_it_has_and_then_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_a_revoked_computer_sends_is_kept_and_not_counted, open_world, close_world),
        cmocka_unit_test_setup_teardown(parcels_from_a_number_or_a_day_on_are_marked_as_doubtful, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_new_computer_begins_above_all_numbers_of_the_old_one, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(an_old_stick_after_a_new_computer_counts_and_replaces_nothing, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(an_old_computer_that_was_stolen_is_kept_apart_while_the_new_one_counts,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_hold_is_on_the_school_and_outlives_its_computer, open_world, close_world),
        cmocka_unit_test_setup_teardown(an_invitation_is_void_after_revoke_close_or_another_one, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_row_of_the_registry_that_the_journal_does_not_tell_is_found, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(each_decision_has_one_entry_that_names_no_reason_and_a_refusal_none, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_key_waits_for_closed_replaced_and_revoked_computers, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_is_left_of_a_retired_key_goes_when_the_hub_is_opened, open_world,
                                        close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
