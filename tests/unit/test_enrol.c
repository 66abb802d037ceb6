/* Enrolment request: only who holds the code and the new key gets in (invariant 6). */
#include "protocol/enrol.h"

#include "tests/unit/protocol_fixture.h"

struct hub_side {
    struct fixture *f;
    uint8_t mac_key[KEY_BYTES];
    bool is_invited;
};

static bool find_mac_key(void *ctx, const char *participant, uint8_t out[KEY_BYTES])
{
    const struct hub_side *h = ctx;

    assert_string_equal(participant, "gp");
    memcpy(out, h->mac_key, KEY_BYTES);
    return h->is_invited;
}

static void start(struct hub_side *h, struct enrol_request *r, struct fixture *f)
{
    memset(r, 0, sizeof(*r));
    memset(r->district, 0xD1, sizeof(r->district));
    strcpy(r->participant, "gp");
    memcpy(r->sign_key, key_public(f->school), KEY_BYTES);
    memset(r->curve_key, 0xCC, KEY_BYTES);
    memset(r->nonce, 0x55, sizeof(r->nonce));
    r->made_ms = 1600000000000;
    h->f = f;
    h->is_invited = true;
    invitation_mac_key(h->mac_key, "ABCD-EFGH-JKMN", r->district);
}

static enum err open_it(struct hub_side *h, struct bytes sealed, struct enrol_request *out)
{
    return enrol_open(out, sealed, h->f->seal, find_mac_key, h);
}

static void a_request_opens_as_it_was_made(void **state)
{
    struct enrol_request r, again;
    struct hub_side h;
    struct buf b;

    start(&h, &r, *state);
    buf_init(&b, ENROL_MAX);
    assert_int_equal(enrol_make(&b, &r, h.f->school, h.mac_key, key_public(h.f->seal)), OK);
    assert_in_range(b.len, 300, 600);
    assert_int_equal(open_it(&h, buf_view(&b), &again), OK);
    assert_memory_equal(r.district, again.district, sizeof(r.district));
    assert_string_equal(again.participant, "gp");
    assert_memory_equal(r.sign_key, again.sign_key, KEY_BYTES);
    assert_memory_equal(r.curve_key, again.curve_key, KEY_BYTES);
    assert_memory_equal(r.nonce, again.nonce, sizeof(r.nonce));
    assert_int_equal(r.made_ms, again.made_ms);
    assert_memory_equal(r.digest, again.digest, DIGEST_BYTES); /* so both screens show the same words */
    buf_fini(&b);
}

static bool opens(void *ctx, struct bytes sealed)
{
    struct enrol_request out;
    bool opened = open_it(ctx, sealed, &out) == OK;

    if (!opened)
        assert_int_equal(out.participant[0], 0);
    return opened;
}

static void a_damaged_request_never_opens(void **state)
{
    struct enrol_request r;
    struct hub_side h;
    struct buf b;

    start(&h, &r, *state);
    buf_init(&b, ENROL_MAX);
    assert_int_equal(enrol_make(&b, &r, h.f->school, h.mac_key, key_public(h.f->seal)), OK);
    refuse_damage(buf_view(&b), opens, &h);
    buf_fini(&b);
}

static void a_wrong_code_an_unknown_participant_and_a_foreign_hub_are_told_apart(void **state)
{
    struct key *other = key_of(KEY_SEAL, 'o');
    struct enrol_request r, out;
    struct hub_side h;
    struct buf b;

    start(&h, &r, *state);
    buf_init(&b, ENROL_MAX);
    assert_int_equal(enrol_make(&b, &r, h.f->school, h.mac_key, key_public(h.f->seal)), OK);
    h.is_invited = false;
    assert_int_equal(open_it(&h, buf_view(&b), &out), ERR_DENIED);
    h.is_invited = true;
    h.mac_key[0] ^= 1;
    assert_int_equal(open_it(&h, buf_view(&b), &out), ERR_AUTH);
    assert_non_null(strstr(err_text(), "another code"));
    h.mac_key[0] ^= 1;
    assert_int_equal(enrol_open(&out, buf_view(&b), other, find_mac_key, &h), ERR_AUTH);
    key_free(other);
    buf_fini(&b);
}

/* Someone who knows the code asks for another's public key: without its secret there is no signature by it. */
static void a_request_must_be_signed_by_the_key_it_names(void **state)
{
    struct bytes payload, nothing = {NULL, 0};
    struct enrol_request r, out;
    struct hub_side h;
    struct buf plain, stolen, sealed;

    start(&h, &r, *state);
    buf_init(&plain, ENROL_MAX);
    buf_init(&stolen, ENROL_MAX);
    buf_init(&sealed, ENROL_MAX);
    assert_int_equal(enrol_make(&sealed, &r, h.f->hub, h.mac_key, key_public(h.f->seal)), ERR_INVALID);
    assert_int_equal(enrol_make(&sealed, &r, h.f->seal, h.mac_key, key_public(h.f->seal)), ERR_INVALID);
    assert_int_equal(enrol_make(&sealed, &r, h.f->school, h.mac_key, key_public(h.f->seal)), OK);
    assert_int_equal(open_small(&plain, h.f->seal, "svodka enrol seal v1", nothing, buf_view(&sealed)), OK);
    assert_int_equal(signed_open(&payload, buf_view(&plain), SIGNED_ENROL, NULL), OK);
    assert_int_equal(signed_make(&stolen, SIGNED_ENROL, payload, h.f->hub), OK);
    buf_reset(&sealed);
    assert_int_equal(seal_small(&sealed, key_public(h.f->seal), "svodka enrol seal v1", nothing, buf_view(&stolen)),
                     OK);
    assert_int_equal(open_it(&h, buf_view(&sealed), &out), ERR_AUTH);
    assert_non_null(strstr(err_text(), "another key than it names"));
    buf_fini(&plain);
    buf_fini(&stolen);
    buf_fini(&sealed);
}

/* The request array as a later agent might write it, MACed, signed and sealed as it must be. */
static enum err open_reshaped(struct hub_side *h, struct enrol_request *r, int inner_extra, int outer_extra)
{
    struct bytes payload, inner, nothing = {NULL, 0};
    struct buf sealed, plain, request, outer, reshaped;
    struct enrol_request out;
    uint8_t mac[KEY_BYTES];
    struct mp m;
    enum err e;

    buf_init(&sealed, ENROL_MAX);
    buf_init(&plain, ENROL_MAX);
    buf_init(&request, ENROL_MAX);
    buf_init(&outer, ENROL_MAX);
    buf_init(&reshaped, ENROL_MAX);
    assert_int_equal(enrol_make(&sealed, r, h->f->school, h->mac_key, key_public(h->f->seal)), OK);
    assert_int_equal(open_small(&plain, h->f->seal, "svodka enrol seal v1", nothing, buf_view(&sealed)), OK);
    assert_int_equal(signed_open(&payload, buf_view(&plain), SIGNED_ENROL, NULL), OK);
    m = mp_of(payload);
    assert_int_equal(mp_array(&m, 2, 2), 2);
    inner = mp_bin(&m, ENROL_MAX);
    reshape(&request, inner, inner_extra);
    derive(mac, h->mac_key, "svodka enrol mac v1", buf_view(&request));
    mp_put_array(&outer, 2);
    mp_put_bin(&outer, request.data, request.len);
    mp_put_bin(&outer, mac, sizeof(mac));
    reshape(&reshaped, buf_view(&outer), outer_extra);
    buf_reset(&plain);
    buf_reset(&sealed);
    assert_int_equal(signed_make(&plain, SIGNED_ENROL, buf_view(&reshaped), h->f->school), OK);
    assert_int_equal(seal_small(&sealed, key_public(h->f->seal), "svodka enrol seal v1", nothing, buf_view(&plain)),
                     OK);
    e = open_it(h, buf_view(&sealed), &out);
    buf_fini(&sealed);
    buf_fini(&plain);
    buf_fini(&request);
    buf_fini(&outer);
    buf_fini(&reshaped);
    return e;
}

static void what_a_later_agent_adds_is_skipped(void **state)
{
    struct enrol_request r;
    struct hub_side h;

    start(&h, &r, *state);
    assert_int_equal(open_reshaped(&h, &r, 0, 0), OK); /* of an agent of an earlier year: without a history key */
    r.has_history_key = true;
    assert_int_equal(open_reshaped(&h, &r, 0, 0), OK);
    assert_int_equal(open_reshaped(&h, &r, 3, 3), OK);
    assert_int_equal(open_reshaped(&h, &r, 25, 30), OK);
    assert_int_equal(open_reshaped(&h, &r, 26, 0), ERR_MALFORMED);
    assert_int_equal(open_reshaped(&h, &r, 0, 31), ERR_MALFORMED);
    assert_int_equal(open_reshaped(&h, &r, -2, 0), ERR_MALFORMED);
    assert_int_equal(open_reshaped(&h, &r, 0, -1), ERR_MALFORMED);
}

static void requests_are_bounded(void **state)
{
    uint8_t *big = calloc(1, ENROL_MAX + 1);
    struct bytes sealed = {big, ENROL_MAX + 1};
    struct enrol_request r, out;
    struct hub_side h;
    struct buf b;

    start(&h, &r, *state);
    assert_int_equal(open_it(&h, sealed, &out), ERR_LIMIT);
    sealed.len = 0;
    assert_int_equal(open_it(&h, sealed, &out), ERR_AUTH);
    buf_init(&b, ENROL_MAX);
    r.participant[0] = '\0';
    assert_int_equal(enrol_make(&b, &r, h.f->school, h.mac_key, key_public(h.f->seal)), ERR_INVALID);
    free(big);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_opens_as_it_was_made),
        cmocka_unit_test(a_damaged_request_never_opens),
        cmocka_unit_test(a_wrong_code_an_unknown_participant_and_a_foreign_hub_are_told_apart),
        cmocka_unit_test(a_request_must_be_signed_by_the_key_it_names),
        cmocka_unit_test(what_a_later_agent_adds_is_skipped),
        cmocka_unit_test(requests_are_bounded),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
