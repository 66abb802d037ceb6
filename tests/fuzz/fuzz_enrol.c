/* Enrolment requests.  First byte modulo 3: 0: the rest is the sealed request as it comes; 1: the signed payload; 2:
 * the request inside, given its MAC here.  Keys come from constant seeds. */
#include "protocol/enrol.h"

#include <stdlib.h>
#include <string.h>

static struct key *seal, *sign;
static uint8_t mac_key[KEY_BYTES];

static struct key *key_of(enum key_kind kind, uint8_t letter)
{
    uint8_t seed[32];
    struct key *k;

    memset(seed, letter, sizeof(seed));
    if (key_from_seed(&k, kind, seed) != OK)
        abort();
    return k;
}

static void start(void)
{
    static const uint8_t district[DISTRICT_BYTES];

    if (seal != NULL)
        return;
    if (keys_start() != OK)
        abort();
    seal = key_of(KEY_SEAL, 's');
    sign = key_of(KEY_SIGN, 'g');
    invitation_mac_key(mac_key, "ABCD-EFGH-JKMN", district);
}

static bool find_mac_key(void *ctx, const char *participant, uint8_t out[KEY_BYTES])
{
    (void)ctx;
    memcpy(out, mac_key, KEY_BYTES);
    return participant[0] != 'x';
}

static void open_it(struct bytes sealed)
{
    struct enrol_request r;

    if (enrol_open(&r, sealed, seal, find_mac_key, NULL) == OK && !id_is_valid(r.participant))
        abort();
}

static void put_maced(struct buf *payload, struct bytes request)
{
    uint8_t mac[KEY_BYTES];

    derive(mac, mac_key, "svodka enrol mac v1", request);
    mp_put_array(payload, 2);
    mp_put_bin(payload, request.p, request.len);
    mp_put_bin(payload, mac, sizeof(mac));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf payload, object, sealed;

    if (size == 0 || size > ENROL_MAX)
        return 0;
    start();
    if (data[0] % 3 == 0) {
        open_it(bytes_of(data + 1, size - 1));
        return 0;
    }
    buf_init(&payload, 2 * ENROL_MAX);
    buf_init(&object, 2 * ENROL_MAX);
    buf_init(&sealed, 2 * ENROL_MAX);
    if (data[0] % 3 == 1)
        buf_put(&payload, data + 1, size - 1);
    else
        put_maced(&payload, bytes_of(data + 1, size - 1));
    if (signed_make(&object, SIGNED_ENROL, bytes_of(payload.data, payload.len), sign) == OK &&
        seal_small(&sealed, key_public(seal), "svodka enrol seal v1", bytes_of(NULL, 0),
                   bytes_of(object.data, object.len)) == OK)
        open_it(bytes_of(sealed.data, sealed.len));
    buf_fini(&payload);
    buf_fini(&object);
    buf_fini(&sealed);
    return 0;
}
