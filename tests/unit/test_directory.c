/* Directory and grant: only the root's chain is believed (invariant 6), a later hub's additions do no harm, and no
 * date ever stops anything (invariant 2). */
#include "protocol/directory.h"

#include "tests/unit/protocol_fixture.h"

static enum err open_heap(const struct fixture *f, struct bytes object, struct directory **out)
{
    *out = calloc(1, sizeof(**out));
    assert_non_null(*out);
    return directory_open(*out, object, key_public(f->root));
}

static void a_directory_opens_as_it_was_made(void **state)
{
    struct fixture *f = *state;
    struct directory *d;

    assert_int_equal(open_heap(f, buf_view(&f->directory_object), &d), OK);
    assert_memory_equal(d->district, f->directory.district, sizeof(d->district));
    assert_string_equal(d->name, f->directory.name);
    assert_int_equal(d->version, 7);
    assert_int_equal(d->issued_ms, f->directory.issued_ms);
    assert_int_equal(d->expires_ms, f->directory.expires_ms);
    assert_memory_equal(d->root, key_public(f->root), KEY_BYTES);
    assert_memory_equal(d->hub_sign, key_public(f->hub), KEY_BYTES);
    assert_int_equal(d->endpoint_count, 1);
    assert_string_equal(d->endpoints[0].url, "tcp://hub.example:5570");
    assert_memory_equal(d->endpoints[0].curve, f->directory.endpoints[0].curve, KEY_BYTES);
    assert_int_equal(d->seal_key_count, 1);
    assert_int_equal(d->seal_keys[0].school_year, 2020);
    assert_int_equal(d->object_count, 1);
    assert_string_equal(d->objects[0].name, "social-passport");
    assert_string_equal(d->objects[0].version, "2020.1");
    assert_int_equal(d->objects[0].size, strlen(FORM_TEXT));
    assert_true(d->objects[0].is_current);
    free(d);
}

static bool directory_opens(void *ctx, struct bytes object)
{
    struct directory *d;
    bool opened = open_heap(ctx, object, &d) == OK;

    if (!opened)
        for (size_t i = 0; i < sizeof(*d); i++)
            assert_int_equal(((const uint8_t *)d)[i], 0);
    free(d);
    return opened;
}

static void a_damaged_directory_never_opens(void **state)
{
    struct fixture *f = *state;

    refuse_damage(buf_view(&f->directory_object), directory_opens, f);
}

static bool certificate_opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct certificate c;

    return certificate_open(&c, object, key_public(f->root)) == OK;
}

static void a_certificate_opens_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct certificate c;
    struct buf b;

    assert_int_equal(certificate_open(&c, buf_view(&f->certificate), key_public(f->root)), OK);
    assert_memory_equal(c.hub_sign, key_public(f->hub), KEY_BYTES);
    assert_memory_equal(c.district, f->directory.district, DISTRICT_BYTES);
    assert_int_equal(c.from_ms, 1);
    assert_int_equal(c.until_ms, 2);
    refuse_damage(buf_view(&f->certificate), certificate_opens, f);
    buf_init(&b, SIGNED_MAX);
    resign(&b, buf_view(&f->certificate), SIGNED_CERTIFICATE, f->root, 28);
    assert_int_equal(certificate_open(&c, buf_view(&b), key_public(f->root)), OK);
    resign(&b, buf_view(&f->certificate), SIGNED_CERTIFICATE, f->root, 29);
    assert_int_equal(certificate_open(&c, buf_view(&b), key_public(f->root)), ERR_MALFORMED);
    resign(&b, buf_view(&f->certificate), SIGNED_CERTIFICATE, f->root, -1);
    assert_int_equal(certificate_open(&c, buf_view(&b), key_public(f->root)), ERR_MALFORMED);
    assert_int_equal(certificate_make(&b, f->root, f->directory.district, key_public(f->hub), 3, 2), ERR_INVALID);
    buf_fini(&b);
}

static void a_directory_of_another_root_is_refused(void **state)
{
    struct fixture *f = *state;
    struct directory *d = calloc(1, sizeof(*d));

    assert_int_equal(directory_open(d, buf_view(&f->directory_object), key_public(f->school)), ERR_AUTH);
    free(d);
}

/* A hub key that the root never certified, with the real hub's certificate inside. */
static void a_directory_signed_by_an_uncertified_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct directory *d;
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(directory_make(&b, &f->directory, buf_view(&f->certificate), f->school), ERR_AUTH);
    resign(&b, buf_view(&f->directory_object), SIGNED_DIRECTORY, f->school, 0);
    assert_int_equal(open_heap(f, buf_view(&b), &d), ERR_AUTH);
    free(d);
    buf_fini(&b);
}

static void a_certificate_of_another_district_is_refused(void **state)
{
    struct fixture *f = *state;
    struct directory *d = calloc(1, sizeof(*d));
    struct buf b;

    *d = f->directory;
    d->district[0] ^= 1;
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(directory_make(&b, d, buf_view(&f->certificate), f->hub), ERR_AUTH);
    assert_int_equal(b.len, 0);
    free(d);
    buf_fini(&b);
}

static void what_a_later_hub_adds_at_the_end_is_skipped(void **state)
{
    struct fixture *f = *state;
    struct directory *d;
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    for (int extra = 1; extra <= 23; extra++) {
        resign(&b, buf_view(&f->directory_object), SIGNED_DIRECTORY, f->hub, extra);
        assert_int_equal(open_heap(f, buf_view(&b), &d), OK);
        assert_int_equal(d->object_count, 1);
        free(d);
    }
    resign(&b, buf_view(&f->directory_object), SIGNED_DIRECTORY, f->hub, 24); /* 33 in all */
    assert_int_equal(open_heap(f, buf_view(&b), &d), ERR_MALFORMED);
    free(d);
    resign(&b, buf_view(&f->directory_object), SIGNED_DIRECTORY, f->hub, -1);
    assert_int_equal(open_heap(f, buf_view(&b), &d), ERR_MALFORMED);
    free(d);
    buf_fini(&b);
}

/* A directory as a hub of a later year might write it: other transports, states and kinds, longer entries. */
static void put_later_directory(struct buf *b, const struct fixture *f)
{
    static const uint8_t zeros[32];

    mp_put_array(b, 9);
    mp_put_bin(b, f->directory.district, DISTRICT_BYTES);
    mp_put_cstr(b, "Later");
    mp_put_uint(b, 8);
    mp_put_int(b, -1);
    mp_put_int(b, 0);
    mp_put_bin(b, f->certificate.data, f->certificate.len);
    mp_put_array(b, 2);
    mp_put_array(b, 2);
    mp_put_cstr(b, "quic://hub.example:1");
    mp_put_bin(b, zeros, 32);
    mp_put_array(b, 3);
    mp_put_cstr(b, "tcp://10.0.0.1:5570");
    mp_put_bin(b, zeros, 32);
    mp_put_cstr(b, "new field");
    mp_put_array(b, 2);
    mp_put_array(b, 3);
    mp_put_bin(b, zeros, 32);
    mp_put_uint(b, 2031);
    mp_put_uint(b, 3);
    mp_put_array(b, 4);
    mp_put_bin(b, zeros, 32);
    mp_put_uint(b, 2030);
    mp_put_uint(b, 0);
    mp_put_nil(b);
    mp_put_array(b, 2);
    for (unsigned kind = 5; kind >= 3; kind -= 2) {
        mp_put_array(b, kind == 3 ? 7 : 6);
        mp_put_bin(b, zeros, 32);
        mp_put_uint(b, kind);
        mp_put_cstr(b, "x");
        mp_put_cstr(b, "");
        mp_put_uint(b, 1);
        mp_put_bool(b, false);
        if (kind == 3)
            mp_put_array(b, 0);
    }
}

static void unknown_transports_states_and_kinds_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct directory *d;
    struct buf payload, b;

    buf_init(&payload, SIGNED_MAX);
    buf_init(&b, SIGNED_MAX);
    put_later_directory(&payload, f);
    assert_int_equal(signed_make(&b, SIGNED_DIRECTORY, buf_view(&payload), f->hub), OK);
    assert_int_equal(open_heap(f, buf_view(&b), &d), OK);
    assert_int_equal(d->endpoint_count, 1);
    assert_string_equal(d->endpoints[0].url, "tcp://10.0.0.1:5570");
    assert_int_equal(d->seal_key_count, 1);
    assert_int_equal(d->seal_keys[0].school_year, 2030);
    assert_int_equal(d->object_count, 1);
    assert_int_equal(d->objects[0].kind, OBJECT_MAP);
    free(d);
    buf_fini(&payload);
    buf_fini(&b);
}

static struct directory *full_directory(const struct fixture *f)
{
    struct directory *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    *d = f->directory;
    memset(d->name, 'n', NAME_MAX_BYTES);
    d->endpoint_count = DIRECTORY_MAX_ENDPOINTS;
    d->seal_key_count = DIRECTORY_MAX_SEAL_KEYS;
    d->object_count = DIRECTORY_MAX_FORMS;
    for (uint32_t i = 0; i < d->endpoint_count; i++) {
        memset(d->endpoints[i].url, 'u', ENDPOINT_MAX);
        memcpy(d->endpoints[i].url, "tcp://", 6);
    }
    for (uint32_t i = 0; i < d->seal_key_count; i++) {
        d->seal_keys[i].school_year = (int32_t)(2000 + i);
        d->seal_keys[i].state = i < 9 ? SEAL_CURRENT : SEAL_LOST;
        d->seal_keys[i].key[0] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < d->object_count; i++) {
        d->objects[i] = d->objects[0];
        memset(d->objects[i].name, 'o', FORM_NAME_MAX);
        memset(d->objects[i].version, 'v', 32);
        d->objects[i].size = DIRECTORY_OBJECT_MAX;
        d->objects[i].digest[0] = (uint8_t)i;
    }
    return d;
}

static void a_directory_full_to_every_limit_opens(void **state)
{
    struct fixture *f = *state;
    struct directory *d = full_directory(f), *again;
    uint8_t key[KEY_BYTES];
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(directory_make(&b, d, buf_view(&f->certificate), f->hub), OK);
    assert_int_equal(open_heap(f, buf_view(&b), &again), OK);
    assert_int_equal(again->object_count, DIRECTORY_MAX_FORMS);
    assert_int_equal(again->endpoint_count, DIRECTORY_MAX_ENDPOINTS);
    assert_int_equal(again->seal_key_count, DIRECTORY_MAX_SEAL_KEYS);
    assert_int_equal(strlen(again->endpoints[7].url), ENDPOINT_MAX);
    assert_int_equal(directory_current_seal_key(again, key), OK); /* 2008: later ones are lost */
    assert_int_equal(key[0], 8);
    assert_ptr_equal(directory_find_object(again, d->objects[255].digest), &again->objects[255]);
    d->objects[255].digest[1] ^= 1;
    assert_null(directory_find_object(again, d->objects[255].digest));
    again->seal_key_count = 0;
    assert_int_equal(directory_current_seal_key(again, key), ERR_NOT_FOUND);
    free(again);
    free(d);
    buf_fini(&b);
}

static void expect_make(const struct fixture *f, const struct directory *d, enum err want)
{
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(directory_make(&b, d, buf_view(&f->certificate), f->hub), want);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void a_directory_over_a_limit_is_never_signed(void **state)
{
    struct fixture *f = *state;
    struct directory *d = full_directory(f);

    d->object_count++;
    expect_make(f, d, ERR_LIMIT);
    *d = f->directory;
    d->endpoint_count = DIRECTORY_MAX_ENDPOINTS + 1;
    expect_make(f, d, ERR_LIMIT);
    *d = f->directory;
    d->seal_key_count = DIRECTORY_MAX_SEAL_KEYS + 1;
    expect_make(f, d, ERR_LIMIT);
    *d = f->directory;
    d->version = 0;
    expect_make(f, d, ERR_INVALID);
    *d = f->directory;
    strcpy(d->name, "\xD0"); /* half a letter */
    expect_make(f, d, ERR_INVALID);
    *d = f->directory;
    d->objects[0].size = DIRECTORY_OBJECT_MAX + 1;
    expect_make(f, d, ERR_INVALID);
    *d = f->directory;
    d->objects[0].kind = (enum object_kind)5;
    expect_make(f, d, ERR_INVALID);
    *d = f->directory;
    strcpy(d->endpoints[0].url, "udp://x:1");
    expect_make(f, d, ERR_INVALID);
    *d = f->directory;
    d->expires_ms = INT64_MAX;
    expect_make(f, d, ERR_INVALID);
    *d = f->directory;
    memcpy(d->root, key_public(f->school), KEY_BYTES);
    expect_make(f, d, ERR_AUTH);
    free(d);
}

/* ---- grants ---- */

static void a_grant_opens_as_it_was_made(void **state)
{
    struct fixture *f = *state;
    struct grant *g = calloc(1, sizeof(*g));
    struct buf b;

    assert_int_equal(grant_open(g, buf_view(&f->grant_object), key_public(f->hub)), OK);
    assert_memory_equal(g, &f->grant, sizeof(*g));
    assert_false(grant_has_keys(g));
    memset(g->sign_key, 1, KEY_BYTES);
    memset(g->curve_key, 2, KEY_BYTES);
    g->status = GRANT_CLOSED;
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(grant_make(&b, g, f->hub), OK);
    memset(g, 0xff, sizeof(*g));
    assert_int_equal(grant_open(g, buf_view(&b), key_public(f->hub)), OK);
    assert_true(grant_has_keys(g));
    assert_int_equal(g->status, GRANT_CLOSED);
    free(g);
    buf_fini(&b);
}

static bool grant_opens(void *ctx, struct bytes object)
{
    struct fixture *f = ctx;
    struct grant *g = calloc(1, sizeof(*g));
    bool opened = grant_open(g, object, key_public(f->hub)) == OK;

    if (!opened)
        assert_int_equal(g->participant[0], 0);
    free(g);
    return opened;
}

static void a_damaged_grant_never_opens(void **state)
{
    struct fixture *f = *state;

    refuse_damage(buf_view(&f->grant_object), grant_opens, f);
    assert_false(grant_opens(f, buf_view(&f->directory_object)));
}

static void what_a_later_hub_adds_to_a_grant_is_skipped(void **state)
{
    struct fixture *f = *state;
    struct grant *g = calloc(1, sizeof(*g));
    struct buf whole;
    struct buf b;

    *g = f->grant;
    g->first_counter = 17;
    g->behalf_count = 1;
    strcpy(g->behalf[0], "centre");
    buf_init(&whole, SIGNED_MAX);
    assert_int_equal(grant_make(&whole, g, f->hub), OK);
    buf_init(&b, SIGNED_MAX);
    resign(&b, buf_view(&whole), SIGNED_GRANT, f->hub, 1);
    assert_true(grant_opens(f, buf_view(&b)));
    resign(&b, buf_view(&whole), SIGNED_GRANT, f->hub, 19);
    assert_true(grant_opens(f, buf_view(&b)));
    assert_int_equal(grant_open(g, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(g->first_counter, 17);
    assert_true(grant_stands_in(g, "centre"));
    resign(&b, buf_view(&whole), SIGNED_GRANT, f->hub, 20);
    assert_false(grant_opens(f, buf_view(&b)));
    resign(&b, buf_view(&f->grant_object), SIGNED_GRANT, f->hub, -1);
    assert_false(grant_opens(f, buf_view(&b)));
    free(g);
    buf_fini(&whole);
    buf_fini(&b);
}

static void a_grant_gives_these_roles_about_these_units_and_no_others(void **state)
{
    struct fixture *f = *state;

    assert_true(grant_allows(&f->grant, "school", "gp"));
    assert_true(grant_allows(&f->grant, "school", "gp-branch"));
    assert_true(grant_allows(&f->grant, "school", NULL));
    assert_true(grant_allows(&f->grant, NULL, "gp"));
    assert_false(grant_allows(&f->grant, "office", "gp"));
    assert_false(grant_allows(&f->grant, "school", "other"));
    assert_false(grant_allows(&f->grant, "", ""));
    assert_false(grant_allows(&f->grant, "schoo", "gp"));
    assert_false(grant_stands_in(&f->grant, "school"));
}

static void expect_grant(const struct fixture *f, const struct grant *g, enum err want)
{
    struct buf b;

    buf_init(&b, SIGNED_MAX);
    assert_int_equal(grant_make(&b, g, f->hub), want);
    buf_fini(&b);
}

static void who_enters_for_others_has_no_right_of_their_own(void **state) /* invariant 6 */
{
    struct fixture *f = *state;
    struct grant *g = calloc(1, sizeof(*g));
    struct buf b;

    *g = f->grant;
    g->behalf_count = 1;
    strcpy(g->behalf[0], "centre");
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(grant_make(&b, g, f->hub), OK);
    assert_int_equal(grant_open(g, buf_view(&b), key_public(f->hub)), OK);
    assert_int_equal(g->first_counter, 1); /* which is what a home begins with anyway */
    assert_true(grant_stands_in(g, "centre"));
    assert_false(grant_allows(g, "centre", "gp"));
    assert_false(grant_stands_in(g, "school"));
    buf_fini(&b);
    strcpy(g->behalf[0], g->roles[0]); /* it speaks for itself there */
    expect_grant(f, g, ERR_INVALID);
    g->behalf_count = GRANT_MAX_ROLES + 1;
    expect_grant(f, g, ERR_LIMIT);
    free(g);
}

static void a_grant_may_be_about_every_unit(void **state) /* invariant 6 */
{
    struct fixture *f = *state;
    struct grant *g = calloc(1, sizeof(*g));
    struct grant *opened = calloc(1, sizeof(*opened));
    struct buf b;

    *g = f->grant;
    g->unit_count = 1;
    strcpy(g->units[0], GRANT_ALL_UNITS);
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(grant_make(&b, g, f->hub), OK);
    assert_int_equal(grant_open(opened, bytes_of(b.data, b.len), key_public(f->hub)), OK);
    assert_true(grant_is_of_all_units(opened));
    assert_true(grant_allows(opened, "school", "whoever"));
    assert_true(grant_allows(opened, NULL, UNIT_DISTRICT));
    assert_false(grant_allows(opened, "office", "whoever"));
    assert_false(grant_is_of_all_units(&f->grant));
    buf_fini(&b);
    /* Among others it would be one unit that nobody can name. */
    g->unit_count = 2;
    expect_grant(f, g, ERR_INVALID);
    strcpy(g->units[0], "gp");
    strcpy(g->units[1], GRANT_ALL_UNITS);
    expect_grant(f, g, ERR_INVALID);
    g->unit_count = 1;
    strcpy(g->units[0], "**");
    expect_grant(f, g, ERR_INVALID);
    free(g);
    free(opened);
}

static void a_grant_is_signed_up_to_its_limits_only(void **state)
{
    struct fixture *f = *state;
    struct grant *g = calloc(1, sizeof(*g));

    *g = f->grant;
    g->role_count = GRANT_MAX_ROLES;
    g->unit_count = GRANT_MAX_UNITS;
    for (uint32_t i = 0; i < g->role_count; i++)
        memset(g->roles[i], 'r', 32);
    for (uint32_t i = 0; i < g->unit_count; i++)
        memset(g->units[i], 'u', ID_MAX);
    expect_grant(f, g, OK);
    g->unit_count++;
    expect_grant(f, g, ERR_LIMIT);
    g->unit_count--;
    g->role_count++;
    expect_grant(f, g, ERR_LIMIT);
    *g = f->grant;
    strcpy(g->units[1], "no blanks");
    expect_grant(f, g, ERR_INVALID);
    *g = f->grant;
    g->status = (enum grant_status)4;
    expect_grant(f, g, ERR_INVALID);
    *g = f->grant;
    g->sign_key[0] = 1; /* one key without the other */
    expect_grant(f, g, ERR_INVALID);
    *g = f->grant;
    g->participant[0] = '\0';
    expect_grant(f, g, ERR_INVALID);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_opens_as_it_was_made),
        cmocka_unit_test(a_damaged_directory_never_opens),
        cmocka_unit_test(a_certificate_opens_whole_or_not_at_all),
        cmocka_unit_test(a_directory_of_another_root_is_refused),
        cmocka_unit_test(a_directory_signed_by_an_uncertified_key_is_refused),
        cmocka_unit_test(a_certificate_of_another_district_is_refused),
        cmocka_unit_test(what_a_later_hub_adds_at_the_end_is_skipped),
        cmocka_unit_test(unknown_transports_states_and_kinds_are_left_out),
        cmocka_unit_test(a_directory_full_to_every_limit_opens),
        cmocka_unit_test(a_directory_over_a_limit_is_never_signed),
        cmocka_unit_test(a_grant_opens_as_it_was_made),
        cmocka_unit_test(a_damaged_grant_never_opens),
        cmocka_unit_test(what_a_later_hub_adds_to_a_grant_is_skipped),
        cmocka_unit_test(a_grant_gives_these_roles_about_these_units_and_no_others),
        cmocka_unit_test(who_enters_for_others_has_no_right_of_their_own),
        cmocka_unit_test(who_enters_for_others_has_no_right_of_their_own),
        cmocka_unit_test(a_grant_may_be_about_every_unit),
        cmocka_unit_test(a_grant_is_signed_up_to_its_limits_only),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
