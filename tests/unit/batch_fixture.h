/* batch_fixture.h: keys, a maker and a small batch for the tests of batches. */
#ifndef SVODKA_TESTS_BATCH_FIXTURE_H
#define SVODKA_TESTS_BATCH_FIXTURE_H

#include "protocol/batch.h"
#include "protocol/batch_internal.h"
#include "tests/unit/record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct key *sign, *other_sign, *seal, *other_seal;
static struct form any_form;
static struct batch_maker *maker;
static struct buf record, out;
static uint64_t draws;

static inline int batch_start(void **state)
{
    (void)state;
    any_form = fixture_form();
    buf_init(&record, RECORD_MAX + 100);
    buf_init(&out, 1u << 20);
    if (keys_start() != OK || key_generate(&sign, KEY_SIGN) != OK || key_generate(&other_sign, KEY_SIGN) != OK ||
        key_generate(&seal, KEY_SEAL) != OK || key_generate(&other_seal, KEY_SEAL) != OK)
        return -1;
    return batch_maker_new(&maker, NULL) == OK ? 0 : -1;
}

static inline int batch_stop(void **state)
{
    (void)state;
    key_free(sign);
    key_free(other_sign);
    key_free(seal);
    key_free(other_seal);
    batch_maker_free(maker);
    batch_maker_free(NULL);
    batch_plain_free(NULL);
    buf_fini(&record);
    buf_fini(&out);
    return 0;
}

/* ---- help ---- */

static inline struct bytes view(const struct buf *b)
{
    return (struct bytes){b->data, b->len};
}

static inline struct batch_seal sealing(void)
{
    struct batch_seal s = {.participant = "school-07", .gen = {1, {0xab, 1}}, .sequence = 1, .sign = sign};

    memset(s.district, 0xd1, sizeof(s.district));
    memcpy(s.seal_to, key_public(seal), KEY_BYTES);
    s.closed_ms = 1600000000000;
    return s;
}

static inline void add_random(uint64_t number, const char *retention)
{
    struct fixture_space space;
    struct record r = fixture_record(&any_form, &space, &draws);

    buf_reset(&record);
    assert_int_equal(record_encode(&record, &r, &any_form), OK);
    assert_int_equal(batch_maker_add(maker, number, retention, view(&record)), OK);
}

/* A record with `len` bytes that do not pack.  No form has such a value: a batch does not ask for the form. */
static inline void put_noise(size_t len)
{
    static uint8_t noise[RECORD_MAX];

    random_bytes(noise, len);
    buf_reset(&record);
    mp_put_array(&record, RECORD_HEAD + 1);
    mp_put_uint(&record, 1);
    mp_put_bin(&record, any_form.digest, sizeof(any_form.digest));
    for (unsigned i = 2; i < RECORD_HEAD; i++)
        mp_put_nil(&record);
    mp_put_bin(&record, noise, len);
}

static inline void seal_all(void)
{
    struct batch_seal s = sealing();
    uint32_t taken = 0;

    buf_reset(&out);
    assert_int_equal(batch_maker_seal(maker, &s, &out, &taken), OK);
    assert_int_equal(taken, batch_maker_count(maker));
}

/* A small batch of two sections into `out`; the same size every time. */
static inline void make_small(void)
{
    draws = 42;
    batch_maker_reset(maker);
    add_random(1, "default");
    add_random(2, "long");
    add_random(3, "default");
    seal_all();
}

/* All that the hub does with a batch. */
static inline enum err receive(struct bytes batch, const struct key *signer, const struct key *recipient,
                               struct batch_plain **p)
{
    struct batch_header h;
    struct section_keys keys;
    enum err e = batch_parse(&h, batch);

    if (e != OK)
        return e;
    if ((e = batch_verify(&h, batch, key_public(signer))) == OK &&
        (e = batch_section_keys(&keys, &h, batch, recipient)) == OK)
        e = batch_open(p, &h, batch, &keys, ~0u);
    batch_header_fini(&h);
    return e;
}

static inline enum err try_receive(struct bytes batch)
{
    struct batch_plain *p = NULL;
    enum err e = receive(batch, sign, seal, &p);

    batch_plain_free(p);
    return e;
}

static inline void sign_again(const struct key *by)
{
    uint8_t signature[SIGNATURE_BYTES];
    size_t len = out.len - SIGNATURE_BYTES;

    assert_int_equal(key_sign(by, BATCH_DOMAIN, (struct bytes){out.data, len}, (struct bytes){NULL, 0}, signature), OK);
    memcpy(out.data + len, signature, sizeof(signature));
}

#endif
