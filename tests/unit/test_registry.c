/* test_registry.c: who may sign, and about what: invited once, bound to one computer's keys, never two voices for one
 * unit (invariants 3 and 6). */
#include "tests/unit/ledger_fixture.h"

#include "hub/registry.h"

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

static enum err try_add(const struct school_add *a, struct buf *text)
{
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w.hub->store, &t));
    buf_init(text, INVITATION_MAX);
    e = registry_add(w.hub, t, a, text);
    if (e == OK)
        finish_txn(&w, t);
    else {
        store_abort(t);
        ledger_aborted(w.hub->ledger);
    }
    MUST(hub_reload(w.hub, NULL));
    return e;
}

static enum err add(const struct school_add *a)
{
    struct buf text;
    enum err e = try_add(a, &text);

    buf_fini(&text);
    return e;
}

/* What a school's computer does with an invitation. */
struct computer {
    struct key *sign, *curve, *invite;
    uint8_t mac[KEY_BYTES];
    struct buf request;
};

static void computer_open(struct computer *c, const char *code, const char *participant)
{
    struct enrol_request r = {.made_ms = SOME_MS};
    uint8_t print[FINGERPRINT_BYTES];

    memset(c, 0, sizeof(*c));
    MUST(key_generate(&c->sign, KEY_SIGN));
    MUST(key_generate(&c->curve, KEY_CURVE));
    fingerprint_bytes(print, w.hub->root);
    MUST(invitation_curve(&c->invite, code, print));
    invitation_mac_key(c->mac, code, w.hub->district);
    memcpy(r.district, w.hub->district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "%s", participant);
    memcpy(r.sign_key, key_public(c->sign), KEY_BYTES);
    memcpy(r.curve_key, key_public(c->curve), KEY_BYTES);
    random_bytes(r.nonce, sizeof(r.nonce));
    buf_init(&c->request, ENROL_MAX);
    MUST(enrol_make(&c->request, &r, c->sign, c->mac, key_public(w.hub->seal[0])));
}

static void computer_close(struct computer *c)
{
    key_free(c->sign);
    key_free(c->curve);
    key_free(c->invite);
    buf_fini(&c->request);
}

static bool was_wrong_code; /* of the last enrol() */

static enum err enrol(const struct computer *c, const char *participant, struct buf *grant, enum message_error *refusal)
{
    struct enrolment x = {.participant = participant,
                          .sealed = bytes_of(c->request.data, c->request.len),
                          .from = "192.0.2.7",
                          .grant = grant};
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w.hub->store, &t));
    buf_init(grant, SIGNED_MAX);
    e = registry_enrol(w.hub, t, &x);
    *refusal = x.refusal;
    was_wrong_code = x.is_wrong_code;
    if (e == OK)
        finish_txn(&w, t);
    else {
        store_abort(t);
        ledger_aborted(w.hub->ledger);
    }
    return e;
}

/* Invites a school and gives its code. */
static void invite(const char *id, int64_t days, char code[15])
{
    struct school_add a = {.id = id, .name = "Школа", .valid_days = days};
    struct invitation inv;
    struct buf keep, text;

    assert_int_equal(try_add(&a, &text), OK);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(&inv, &keep, bytes_of(text.data, text.len)));
    memcpy(code, inv.code, 15);
    buf_fini(&keep);
    buf_fini(&text);
}

/* ---- adding ---- */

static void an_invitation_holds_all_that_a_school_needs_without_a_line(void **state)
{
    struct school_add a = {.id = "lyceum-7", .name = "Лицей № 7", .valid_days = 3};
    const struct participant *p;
    struct invitation inv;
    struct grant *g = calloc(1, sizeof(*g));
    struct buf keep, text;

    (void)state;
    assert_int_equal(try_add(&a, &text), OK);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(&inv, &keep, bytes_of(text.data, text.len)));
    assert_memory_equal(inv.root, w.hub->root, KEY_BYTES);
    assert_int_equal(inv.object_count, 4); /* the four forms of the fixture's programme */
    assert_int_equal(inv.expires_ms, SOME_MS + 3 * INT64_C(86400000));
    MUST(grant_open(g, inv.grant, key_public(w.hub->sign)));
    assert_false(grant_has_keys(g));
    assert_true(grant_allows(g, "school", "lyceum-7"));
    p = registry_by_id(w.hub->registry, "lyceum-7");
    assert_non_null(p);
    assert_int_equal(p->state, PARTICIPANT_INVITED);
    assert_int_equal(p->index, 3);
    assert_string_equal(p->code, ""); /* the hub keeps only keys derived from it */
    assert_ptr_equal(registry_by_index(w.hub->registry, 3), p);
    assert_null(registry_by_index(w.hub->registry, 4));
    free(g);
    buf_fini(&keep);
    buf_fini(&text);
}

static void a_school_is_refused_with_what_was_expected(void **state)
{
    static const char *const taken[] = {"gp2"};
    static const char *const bad_unit[] = {"школа"};
    static const char *const office[] = {"office"};
    char long_name[NAME_MAX_BYTES + 2];
    struct school_add a = {.id = "gp", .name = "Again"};

    (void)state;
    assert_int_equal(add(&a), ERR_EXISTS);
    a.id = "no blanks";
    assert_int_equal(add(&a), ERR_INVALID);
    assert_non_null(strstr(err_text(), "no blanks"));
    a.id = "new";
    a.name = "";
    assert_int_equal(add(&a), ERR_INVALID);
    memset(long_name, 'x', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    a.name = long_name;
    assert_int_equal(add(&a), ERR_INVALID);
    a.name = "New";
    a.units = bad_unit;
    a.unit_count = 1;
    assert_int_equal(add(&a), ERR_INVALID);
    a.unit_count = GRANT_MAX_UNITS + 1;
    assert_int_equal(add(&a), ERR_LIMIT);
    /* One voice for each unit and role (invariant 3). */
    a.units = taken;
    a.unit_count = 1;
    assert_int_equal(add(&a), ERR_INVALID);
    assert_non_null(strstr(err_text(), "gp2"));
    assert_null(registry_by_id(w.hub->registry, "new"));
    /* Another role may speak about the same unit. */
    a.roles = office;
    a.role_count = 1;
    assert_int_equal(add(&a), OK);
}

static void who_speaks_for_every_unit_is_alone_in_its_role(void **state) /* invariant 3 */
{
    static const char *const all[] = {"*"};
    static const char *const all_and_one[] = {"*", "gp"};
    static const char *const one[] = {"new"};
    static const char *const office[] = {"office"};
    struct school_add a = {.id = "office", .name = "Office", .units = all, .unit_count = 1};

    (void)state;
    assert_int_equal(add(&a), ERR_INVALID); /* gp and ms are schools */
    assert_non_null(strstr(err_text(), "every unit: gp speaks already for some in the role school"));
    a.roles = office;
    a.role_count = 1;
    a.units = all_and_one;
    a.unit_count = 2;
    assert_int_equal(add(&a), ERR_INVALID);
    assert_non_null(strstr(err_text(), "means every unit, so it stands alone"));
    a.units = all;
    a.unit_count = 1;
    assert_int_equal(add(&a), OK);
    a.id = "second";
    assert_int_equal(add(&a), ERR_INVALID);
    assert_non_null(strstr(err_text(), "every unit: office speaks already"));
    a.units = one;
    assert_int_equal(add(&a), ERR_INVALID);
    assert_non_null(strstr(err_text(), "unit new: office speaks for it already in the role office"));
    a.roles = NULL; /* a school */
    a.role_count = 0;
    assert_int_equal(add(&a), OK);
    /* Nobody becomes the municipality by the way. */
    a.id = UNIT_DISTRICT;
    a.unit_count = 0;
    assert_int_equal(add(&a), ERR_INVALID);
    assert_non_null(strstr(err_text(), "is the municipality itself"));
}

/* ---- enrolling ---- */

static void the_first_meeting_binds_the_computers_keys(void **state)
{
    const struct participant *p;
    struct grant *g = calloc(1, sizeof(*g));
    enum message_error refusal;
    bool is_invitation = false;
    struct computer c;
    struct buf grant;
    char code[15];

    (void)state;
    invite("s1", 14, code);
    computer_open(&c, code, "s1");
    p = registry_by_curve(w.hub->registry, key_public(c.invite), &is_invitation);
    assert_non_null(p);
    assert_true(is_invitation);
    assert_null(registry_by_curve(w.hub->registry, key_public(c.curve), &is_invitation));
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), OK);
    MUST(grant_open(g, bytes_of(grant.data, grant.len), key_public(w.hub->sign)));
    assert_memory_equal(g->sign_key, key_public(c.sign), KEY_BYTES);
    assert_int_equal(g->version, 2);
    MUST(hub_reload(w.hub, NULL)); /* as stored */
    p = registry_by_curve(w.hub->registry, key_public(c.curve), &is_invitation);
    assert_non_null(p);
    assert_false(is_invitation);
    assert_int_equal(p->state, PARTICIPANT_ACTIVE);
    assert_string_equal(p->id, "s1");
    /* A used code still gets an answer, not silence. */
    assert_non_null(registry_by_curve(w.hub->registry, key_public(c.invite), &is_invitation));
    assert_true(is_invitation);
    free(g);
    buf_fini(&grant);
    computer_close(&c);
}

static void a_lost_answer_is_given_again_and_another_computer_is_not_let_in(void **state)
{
    enum message_error refusal;
    struct computer one, two;
    struct buf first, second;
    char code[15];

    (void)state;
    invite("s1", 14, code);
    computer_open(&one, code, "s1");
    computer_open(&two, code, "s1");
    assert_int_equal(enrol(&one, "s1", &first, &refusal), OK);
    assert_int_equal(enrol(&one, "s1", &second, &refusal), OK);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    buf_fini(&second);
    assert_int_equal(enrol(&two, "s1", &second, &refusal), ERR_DENIED);
    assert_int_equal(refusal, MERR_INVITATION_USED);
    assert_non_null(strstr(err_text(), "s1"));
    buf_fini(&first);
    buf_fini(&second);
    computer_close(&one);
    computer_close(&two);
}

static void an_expired_invitation_and_a_wrong_code_are_refused(void **state)
{
    enum message_error refusal;
    struct computer c;
    struct buf grant;
    char code[15];

    (void)state;
    invite("s1", 1, code);
    computer_open(&c, code, "s1");
    clock_test_set(SOME_MS + INT64_C(86400001));
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), ERR_EXPIRED);
    assert_int_equal(refusal, MERR_INVITATION_EXPIRED);
    clock_test_set(SOME_MS);
    buf_fini(&grant);
    computer_close(&c);

    computer_open(&c, "0000-0000-0000", "s1");
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), ERR_AUTH);
    assert_int_equal(refusal, MERR_ENROL);
    buf_fini(&grant);
    computer_close(&c);

    computer_open(&c, code, "nobody");
    assert_int_equal(enrol(&c, "nobody", &grant, &refusal), ERR_DENIED);
    buf_fini(&grant);
    computer_close(&c);
}

static enum err wrong_try(const char *id)
{
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w.hub->store, &t));
    e = registry_wrong_try(w.hub, t, id);
    if (e == OK)
        finish_txn(&w, t);
    else
        store_abort(t);
    MUST(hub_reload(w.hub, NULL)); /* what counts is what is stored */
    return e;
}

static void five_wrong_codes_lock_an_invitation_for_the_right_one_too(void **state)
{
    enum message_error refusal;
    struct computer wrong, right;
    struct buf grant;
    char code[15];

    (void)state;
    invite("s1", 14, code);
    computer_open(&wrong, "0000-0000-0000", "s1");
    computer_open(&right, code, "s1");
    for (unsigned i = 1; i <= REGISTRY_TRIES; i++) {
        assert_int_equal(enrol(&wrong, "s1", &grant, &refusal), ERR_AUTH);
        assert_int_equal(refusal, MERR_ENROL);
        assert_true(was_wrong_code);
        buf_fini(&grant);
        assert_false(registry_is_locked(registry_by_id(w.hub->registry, "s1")));
        assert_int_equal(wrong_try("s1"), OK);
        assert_int_equal(registry_by_id(w.hub->registry, "s1")->tries, i);
    }
    assert_true(registry_is_locked(registry_by_id(w.hub->registry, "s1")));
    assert_int_equal(enrol(&right, "s1", &grant, &refusal), ERR_DENIED);
    assert_int_equal(refusal, MERR_INVITATION_LOCKED);
    assert_false(was_wrong_code);
    buf_fini(&grant);
    assert_int_equal(wrong_try("s1"), OK); /* more of them change nothing */
    assert_int_equal(registry_by_id(w.hub->registry, "s1")->tries, REGISTRY_TRIES);
    assert_int_equal(registry_by_id(w.hub->registry, "s1")->state, PARTICIPANT_INVITED);
    computer_close(&wrong);
    computer_close(&right);
}

/* Junk that was never sealed to this hub is nobody's try: else anybody could lock a school out. */
static void junk_and_used_invitations_count_no_tries(void **state)
{
    enum message_error refusal;
    struct computer c;
    struct buf grant;
    char code[15];

    (void)state;
    invite("s1", 14, code);
    computer_open(&c, code, "s1");
    c.request.data[40] ^= 1;
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), ERR_AUTH);
    assert_false(was_wrong_code);
    buf_fini(&grant);
    c.request.data[40] ^= 1;
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), OK);
    buf_fini(&grant);
    assert_string_equal(registry_by_id(w.hub->registry, "s1")->joined_from, "192.0.2.7");
    for (unsigned i = 0; i < 2 * REGISTRY_TRIES; i++)
        assert_int_equal(wrong_try("s1"), OK);
    assert_int_equal(registry_by_id(w.hub->registry, "s1")->tries, 0);
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), OK); /* the lost answer again */
    buf_fini(&grant);
    computer_close(&c);
}

static enum err invite_again(const char *id, struct ticket *ticket)
{
    struct store_txn *t;
    struct buf text;
    enum err e;

    MUST(store_begin_write(w.hub->store, &t));
    buf_init(&text, INVITATION_MAX);
    e = registry_invite(w.hub, t, id, 3, &text, ticket);
    if (e == OK)
        finish_txn(&w, t);
    else {
        store_abort(t);
        ledger_aborted(w.hub->ledger);
    }
    MUST(hub_reload(w.hub, NULL));
    buf_fini(&text);
    return e;
}

static void a_new_invitation_replaces_the_old_one_until_the_school_has_joined(void **state)
{
    enum message_error refusal;
    struct computer old, fresh;
    struct ticket ticket;
    struct buf grant;
    char code[15];

    (void)state;
    invite("s1", 14, code);
    for (unsigned i = 0; i < REGISTRY_TRIES; i++)
        assert_int_equal(wrong_try("s1"), OK);
    assert_int_equal(invite_again("s1", &ticket), OK);
    assert_string_not_equal(ticket.code, code);
    assert_string_equal(ticket.participant, "s1");
    assert_int_equal(ticket.expires_ms, SOME_MS + 3 * INT64_C(86400000));
    assert_int_equal(registry_by_id(w.hub->registry, "s1")->tries, 0);
    assert_int_equal(registry_by_id(w.hub->registry, "s1")->grant.version, 2);
    computer_open(&old, code, "s1");
    computer_open(&fresh, ticket.code, "s1");
    assert_int_equal(enrol(&old, "s1", &grant, &refusal), ERR_AUTH);
    buf_fini(&grant);
    assert_int_equal(enrol(&fresh, "s1", &grant, &refusal), OK);
    buf_fini(&grant);
    assert_int_equal(invite_again("s1", &ticket), ERR_EXISTS);
    assert_non_null(strstr(err_text(), "rekey"));
    assert_int_equal(invite_again("nobody", &ticket), ERR_NOT_FOUND);
    computer_close(&old);
    computer_close(&fresh);
}

static void words_are_ticked_off_once_there_are_any(void **state)
{
    enum message_error refusal;
    const struct participant *p;
    struct store_txn *t;
    struct computer c;
    struct buf grant;
    char code[15];

    (void)state;
    invite("s1", 14, code);
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(registry_words_match(w.hub, t, "s1", "office:test"), ERR_INVALID);
    assert_int_equal(registry_words_match(w.hub, t, "nobody", "office:test"), ERR_NOT_FOUND);
    store_abort(t);
    computer_open(&c, code, "s1");
    assert_int_equal(enrol(&c, "s1", &grant, &refusal), OK);
    buf_fini(&grant);
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(registry_words_match(w.hub, t, "s1", "office:test"), OK);
    finish_txn(&w, t);
    MUST(hub_reload(w.hub, NULL));
    p = registry_by_id(w.hub->registry, "s1");
    assert_int_equal(p->words_ms, SOME_MS);
    assert_true(p->has_transcript);
    computer_close(&c);
}

/* What a hub of before wrote: ten fields. */
static void an_entry_of_the_first_version_is_read(void **state)
{
    struct store_txn *t;
    struct bytes value;
    struct buf copy;
    struct mp m;

    (void)state;
    buf_init(&copy, 1 << 20);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_get(t, H_PARTICIPANTS, bytes_of("ms", 2), &value));
    m = mp_of(value);
    assert_int_equal(mp_array(&m, 14, 14), 14);
    mp_skip(&m, 10);
    assert_false(m.failed);
    buf_put(&copy, value.p, (size_t)(m.p - value.p));
    assert_int_equal(copy.data[0], 0x9e);
    copy.data[0] = 0x9a;
    MUST(store_put(t, H_PARTICIPANTS, bytes_of("ms", 2), bytes_of(copy.data, copy.len)));
    MUST(hub_reload(w.hub, t));
    assert_int_equal(registry_by_id(w.hub->registry, "ms")->tries, 0);
    assert_string_equal(registry_by_id(w.hub->registry, "ms")->joined_from, "");
    assert_false(registry_by_id(w.hub->registry, "ms")->has_transcript);
    store_abort(t);
    buf_fini(&copy);
}

/* A school with a good code of its own asks to become another one (invariant 6). */
static void a_request_under_anothers_connection_is_refused(void **state)
{
    enum message_error refusal;
    struct computer c;
    struct buf grant;
    char code[15], other[15];

    (void)state;
    invite("s1", 14, code);
    invite("s2", 14, other);
    computer_open(&c, code, "s1");
    assert_int_equal(enrol(&c, "s2", &grant, &refusal), ERR_AUTH);
    assert_non_null(strstr(err_text(), "s2"));
    assert_int_equal(registry_by_id(w.hub->registry, "s2")->state, PARTICIPANT_INVITED);
    buf_fini(&grant);
    computer_close(&c);
}

/* ---- keeping ---- */

static void the_last_meeting_is_remembered(void **state)
{
    struct store_txn *t;

    (void)state;
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(registry_seen(w.hub, t, "gp", SOME_MS + 5000), OK);
    assert_int_equal(registry_seen(w.hub, t, "nobody", SOME_MS), ERR_NOT_FOUND);
    finish_txn(&w, t);
    MUST(hub_reload(w.hub, NULL));
    assert_int_equal(registry_by_id(w.hub->registry, "gp")->last_seen_ms, SOME_MS + 5000);
}

static void the_key_of_a_code_is_locked_in_the_store(void **state)
{
    const struct participant *p = registry_by_id(w.hub->registry, "gp");
    struct store_txn *t;
    struct bytes value;

    (void)state;
    MUST(store_begin_read(w.hub->store, &t));
    MUST(store_get(t, H_PARTICIPANTS, bytes_of("gp", 2), &value));
    assert_null(memmem(value.p, value.len, p->mac_key, KEY_BYTES));
    store_abort(t);
}

static void a_damaged_entry_is_named_and_nothing_is_loaded(void **state)
{
    const struct registry *before = w.hub->registry;
    struct store_txn *t;
    struct bytes value;
    struct buf copy;

    (void)state;
    buf_init(&copy, 1 << 20);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_get(t, H_PARTICIPANTS, bytes_of("ms", 2), &value));
    buf_put(&copy, value.p, value.len);
    copy.data[copy.len / 2] ^= 1; /* inside the signed grant */
    MUST(store_put(t, H_PARTICIPANTS, bytes_of("ms", 2), bytes_of(copy.data, copy.len)));
    assert_int_equal(hub_reload(w.hub, t), ERR_CORRUPT);
    assert_non_null(strstr(err_text(), "ms"));
    assert_ptr_equal(w.hub->registry, before);
    MUST(store_put(t, H_PARTICIPANTS, bytes_of("ms", 2), bytes_of("\xc0", 1)));
    assert_int_equal(hub_reload(w.hub, t), ERR_CORRUPT);
    store_abort(t);
    buf_fini(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_invitation_holds_all_that_a_school_needs_without_a_line, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_school_is_refused_with_what_was_expected, open_world, close_world),
        cmocka_unit_test_setup_teardown(who_speaks_for_every_unit_is_alone_in_its_role, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_first_meeting_binds_the_computers_keys, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_lost_answer_is_given_again_and_another_computer_is_not_let_in, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(an_expired_invitation_and_a_wrong_code_are_refused, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_request_under_anothers_connection_is_refused, open_world, close_world),
        cmocka_unit_test_setup_teardown(five_wrong_codes_lock_an_invitation_for_the_right_one_too, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(junk_and_used_invitations_count_no_tries, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_new_invitation_replaces_the_old_one_until_the_school_has_joined, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(words_are_ticked_off_once_there_are_any, open_world, close_world),
        cmocka_unit_test_setup_teardown(an_entry_of_the_first_version_is_read, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_last_meeting_is_remembered, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_key_of_a_code_is_locked_in_the_store, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_damaged_entry_is_named_and_nothing_is_loaded, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
