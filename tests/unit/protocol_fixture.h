/* protocol_fixture.h: keys, a small district and a few bytes' worth of mischief for the tests of signed objects and
 * messages. */
#ifndef SVODKA_TESTS_PROTOCOL_FIXTURE_H
#define SVODKA_TESTS_PROTOCOL_FIXTURE_H

#include "protocol/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FORM_TEXT "form: social-passport\n"

struct fixture {
    struct key *root, *hub, *seal, *school;
    struct directory directory; /* one of everything */
    struct grant grant;
    struct buf certificate, directory_object, grant_object;
};

static inline struct bytes buf_view(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

static inline struct key *key_of(enum key_kind kind, uint8_t letter)
{
    uint8_t seed[32];
    struct key *k = NULL;

    memset(seed, letter, sizeof(seed));
    assert_int_equal(key_from_seed(&k, kind, seed), OK);
    return k;
}

static inline void fill_directory(struct directory *d, const struct fixture *f)
{
    struct bytes form = {(const uint8_t *)FORM_TEXT, strlen(FORM_TEXT)};

    memset(d, 0, sizeof(*d));
    memset(d->district, 0xD1, sizeof(d->district));
    strcpy(d->name, "Отдел образования");
    d->version = 7;
    d->issued_ms = 1600000000000;
    d->expires_ms = 1600000000001; /* long past: nobody minds */
    memcpy(d->root, key_public(f->root), KEY_BYTES);
    memcpy(d->hub_sign, key_public(f->hub), KEY_BYTES);
    d->endpoint_count = 1;
    strcpy(d->endpoints[0].url, "tcp://hub.example:5570");
    memset(d->endpoints[0].curve, 0xC1, KEY_BYTES);
    d->seal_key_count = 1;
    memcpy(d->seal_keys[0].key, key_public(f->seal), KEY_BYTES);
    d->seal_keys[0].school_year = 2020;
    d->object_count = 1;
    digest(d->objects[0].digest, form);
    d->objects[0].kind = OBJECT_FORM;
    strcpy(d->objects[0].name, "social-passport");
    strcpy(d->objects[0].version, "2020.1");
    d->objects[0].size = (uint32_t)form.len;
    d->objects[0].is_current = true;
}

static inline void fill_grant(struct grant *g)
{
    memset(g, 0, sizeof(*g));
    memset(g->district, 0xD1, sizeof(g->district));
    strcpy(g->participant, "gp");
    strcpy(g->name, "Гимназия № 1");
    g->version = 3;
    g->issued_ms = 1600000000000;
    g->expires_ms = 1700000000000;
    g->role_count = 1;
    strcpy(g->roles[0], "school");
    g->unit_count = 2;
    strcpy(g->units[0], "gp");
    strcpy(g->units[1], "gp-branch");
}

static inline int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_int_equal(keys_start(), OK);
    f->root = key_of(KEY_SIGN, 'r');
    f->hub = key_of(KEY_SIGN, 'h');
    f->seal = key_of(KEY_SEAL, 's');
    f->school = key_of(KEY_SIGN, 'g');
    fill_directory(&f->directory, f);
    fill_grant(&f->grant);
    buf_init(&f->certificate, SIGNED_MAX);
    buf_init(&f->directory_object, SIGNED_MAX);
    buf_init(&f->grant_object, SIGNED_MAX);
    assert_int_equal(certificate_make(&f->certificate, f->root, f->directory.district, key_public(f->hub), 1, 2), OK);
    assert_int_equal(directory_make(&f->directory_object, &f->directory, buf_view(&f->certificate), f->hub), OK);
    assert_int_equal(grant_make(&f->grant_object, &f->grant, f->hub), OK);
    *state = f;
    return 0;
}

static inline int fixture_close(void **state)
{
    struct fixture *f = *state;

    buf_fini(&f->certificate);
    buf_fini(&f->directory_object);
    buf_fini(&f->grant_object);
    key_free(f->root);
    key_free(f->hub);
    key_free(f->seal);
    key_free(f->school);
    free(f);
    return 0;
}

/* The array `in` with `extra` more elements of several types at its end (or, negative, without its last ones). */
static inline void reshape(struct buf *out, struct bytes in, int extra)
{
    struct mp m = mp_of(in);
    size_t count = mp_array(&m, 0, 64);
    size_t keep = extra < 0 ? count - (size_t)-extra : count;
    struct bytes body = {m.p, 0};

    mp_skip(&m, keep);
    assert_false(m.failed);
    body.len = (size_t)(m.p - body.p);
    mp_put_array(out, (size_t)((int)count + extra));
    mp_put_raw(out, body);
    for (int i = 0; i < extra; i++) {
        if (i % 3 == 0) {
            mp_put_cstr(out, "из будущего");
        } else if (i % 3 == 1) {
            mp_put_array(out, 2);
            mp_put_nil(out);
            mp_put_int(out, -5);
        } else {
            mp_put_bool(out, true);
        }
    }
    assert_false(out->failed);
}

/* What a later version might sign: the payload of `object` with `extra` elements more or fewer. */
static inline void resign(struct buf *out, struct bytes object, enum signed_type type, const struct key *sign,
                          int extra)
{
    struct bytes payload;
    struct buf reshaped;

    assert_int_equal(signed_open(&payload, object, type, NULL), OK);
    buf_init(&reshaped, SIGNED_MAX);
    reshape(&reshaped, payload, extra);
    buf_reset(out);
    assert_int_equal(signed_make(out, type, buf_view(&reshaped), sign), OK);
    buf_fini(&reshaped);
}

/* Runs `opens` on every truncation and on every single flipped bit of `object`; none may open.  Each attempt gets a
 * heap block of exactly its size, so that the sanitizer sees a byte read too far. */
static inline void refuse_damage(struct bytes object, bool (*opens)(void *ctx, struct bytes damaged), void *ctx)
{
    for (size_t len = 0; len < object.len; len++) {
        uint8_t *cut = malloc(len + 1); /* one more: malloc(0) may be NULL */
        struct bytes damaged = {cut + 1, len};

        assert_non_null(cut);
        memcpy(cut + 1, object.p, len);
        if (opens(ctx, damaged))
            fail_msg("opened after %zu of %zu bytes", len, object.len);
        free(cut);
    }
    for (size_t bit = 0; bit < object.len * 8; bit++) {
        uint8_t *copy = malloc(object.len);
        struct bytes damaged = {copy, object.len};

        assert_non_null(copy);
        memcpy(copy, object.p, object.len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (opens(ctx, damaged))
            fail_msg("opened with bit %zu flipped", bit);
        free(copy);
    }
}

#endif
