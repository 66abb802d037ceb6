#include "protocol/enrol.h"

#include "protocol/fields.h"

#include <string.h>

#define MAC_DOMAIN     "svodka enrol mac v1"
#define SEAL_DOMAIN    "svodka enrol seal v1"
#define REQUEST_FIELDS 6u
#define OUTER_FIELDS   2u /* the request's bytes, and the MAC over exactly these bytes */
#define REQUEST_MAX    2048u

static void put_request(struct buf *b, const struct enrol_request *r)
{
    mp_put_array(b, REQUEST_FIELDS + (r->has_history_key ? 1 : 0));
    mp_put_bin(b, r->district, DISTRICT_BYTES);
    mp_put_cstr(b, r->participant);
    mp_put_bin(b, r->sign_key, KEY_BYTES);
    mp_put_bin(b, r->curve_key, KEY_BYTES);
    mp_put_bin(b, r->nonce, sizeof(r->nonce));
    mp_put_int(b, r->made_ms);
    if (r->has_history_key)
        mp_put_bin(b, r->history_key, KEY_BYTES);
}

static enum err read_request(struct enrol_request *out, struct bytes request)
{
    struct mp m = mp_of(request);
    size_t unknown = fields_begin(&m, REQUEST_FIELDS);

    mp_bin_exact(&m, out->district, DISTRICT_BYTES);
    fields_id(&m, out->participant);
    mp_bin_exact(&m, out->sign_key, KEY_BYTES);
    mp_bin_exact(&m, out->curve_key, KEY_BYTES);
    mp_bin_exact(&m, out->nonce, sizeof(out->nonce));
    out->made_ms = fields_time(&m);
    out->has_history_key = unknown > 0;
    if (out->has_history_key) {
        mp_bin_exact(&m, out->history_key, KEY_BYTES);
        unknown--;
    }
    fields_end(&m, unknown);
    return fields_done(&m, "enrolment request");
}

/* The MACed and signed request, still readable, into `out`. */
static enum err make_signed(struct buf *out, struct enrol_request *r, const struct key *sign,
                            const uint8_t mac_key[KEY_BYTES])
{
    struct enrol_request again;
    uint8_t mac[KEY_BYTES];
    struct buf request, outer;
    enum err e;

    buf_init(&request, REQUEST_MAX);
    buf_init(&outer, ENROL_MAX);
    put_request(&request, r);
    if ((e = buf_status(&request)) != OK)
        goto done;
    if (read_request(&again, bytes_of(request.data, request.len)) != OK) {
        e = err_prefix(ERR_INVALID, "a request that no hub could read");
        goto done;
    }
    digest(r->digest, bytes_of(request.data, request.len));
    derive(mac, mac_key, MAC_DOMAIN, bytes_of(request.data, request.len));
    mp_put_array(&outer, OUTER_FIELDS);
    mp_put_bin(&outer, request.data, request.len);
    mp_put_bin(&outer, mac, sizeof(mac));
    if ((e = buf_status(&outer)) == OK)
        e = signed_make(out, SIGNED_ENROL, bytes_of(outer.data, outer.len), sign);
done:
    buf_fini(&outer);
    buf_fini(&request);
    return e;
}

enum err enrol_make(struct buf *out, struct enrol_request *r, const struct key *sign, const uint8_t mac_key[KEY_BYTES],
                    const uint8_t seal_to[KEY_BYTES])
{
    struct bytes nothing = {NULL, 0};
    struct buf plain;
    enum err e;

    if (key_kind(sign) != KEY_SIGN || !digest_equal(key_public(sign), r->sign_key))
        return err_set(ERR_INVALID, "enrolment request: it must be signed by the key it names");
    buf_init(&plain, ENROL_MAX);
    if ((e = make_signed(&plain, r, sign, mac_key)) == OK)
        e = seal_small(out, seal_to, SEAL_DOMAIN, nothing, bytes_of(plain.data, plain.len));
    buf_fini(&plain);
    return e;
}

/* Signature by the key that the request itself names, then the code's MAC: the one proves that the sender holds the
 * key, the other that the hub invited it. */
static enum err check_request(struct enrol_request *out, struct bytes object,
                              bool (*find_mac_key)(void *ctx, const char *participant, uint8_t out[KEY_BYTES]),
                              void *ctx)
{
    uint8_t mac[KEY_BYTES], mac_key[KEY_BYTES], right[KEY_BYTES];
    struct bytes payload, request;
    struct mp m;
    size_t unknown;
    enum err e;

    if ((e = signed_open(&payload, object, SIGNED_ENROL, NULL)) != OK)
        return e;
    m = mp_of(payload);
    unknown = fields_begin(&m, OUTER_FIELDS);
    request = mp_bin(&m, REQUEST_MAX);
    mp_bin_exact(&m, mac, sizeof(mac));
    fields_end(&m, unknown);
    if ((e = fields_done(&m, "enrolment request")) != OK || (e = read_request(out, request)) != OK)
        return e;
    if (!digest_equal(signed_signer(object), out->sign_key))
        return err_set(ERR_AUTH, "enrolment request of %s: signed by another key than it names", out->participant);
    if (!find_mac_key(ctx, out->participant, mac_key))
        return err_set(ERR_DENIED, "enrolment request of %s: no invitation is open for it", out->participant);
    digest(out->digest, request);
    derive(right, mac_key, MAC_DOMAIN, request);
    e = digest_equal(right, mac)
            ? OK
            : err_set(ERR_AUTH, "enrolment request of %s: made with another code", out->participant);
    wipe(mac_key, sizeof(mac_key));
    wipe(right, sizeof(right));
    return e;
}

enum err enrol_open(struct enrol_request *out, struct bytes sealed, const struct key *seal,
                    bool (*find_mac_key)(void *ctx, const char *participant, uint8_t out[KEY_BYTES]), void *ctx)
{
    struct bytes nothing = {NULL, 0};
    struct buf plain;
    enum err e;

    memset(out, 0, sizeof(*out));
    if (sealed.len > ENROL_MAX)
        return err_set(ERR_LIMIT, "enrolment request: %zu bytes, the limit is %u", sealed.len, ENROL_MAX);
    buf_init(&plain, ENROL_MAX);
    if ((e = open_small(&plain, seal, SEAL_DOMAIN, nothing, sealed)) == OK)
        e = check_request(out, bytes_of(plain.data, plain.len), find_mac_key, ctx);
    buf_fini(&plain);
    if (e != OK)
        memset(out, 0, sizeof(*out));
    return e;
}

void enrol_transcript(uint8_t out[DIGEST_BYTES], const uint8_t root[KEY_BYTES], const struct enrol_request *r)
{
    uint8_t both[KEY_BYTES + DIGEST_BYTES];

    memcpy(both, root, KEY_BYTES);
    memcpy(both + KEY_BYTES, r->digest, DIGEST_BYTES);
    digest_domain(out, "svodka words v1", bytes_of(both, sizeof(both)));
}
