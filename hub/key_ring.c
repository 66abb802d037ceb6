#include "hub/key_ring.h"

#include "common/cli.h"
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define META_KEY   "keys"
#define RING_BYTES (256u << 10)
#define KEY_FIELDS 9u

/* ---- the row: [[key...]..., stage, version, listen, announce] ---- */

enum err ring_encode(struct buf *b, const struct key_ring *r)
{
    mp_put_array(b, 5);
    mp_put_array(b, r->count);
    for (size_t i = 0; i < r->count; i++) {
        const struct ring_key *k = &r->keys[i];

        mp_put_array(b, KEY_FIELDS);
        mp_put_uint(b, (uint64_t)k->kind);
        mp_put_uint(b, (uint64_t)k->state);
        mp_put_bin(b, k->public_half, KEY_BYTES);
        mp_put_uint(b, (uint64_t)k->year);
        mp_put_uint(b, k->ordinal);
        mp_put_int(b, k->since_ms);
        mp_put_int(b, k->until_ms);
        mp_put_uint(b, k->version);
        mp_put_bin(b, k->certificate, k->certificate_len);
    }
    mp_put_uint(b, (uint64_t)r->curve.stage);
    mp_put_uint(b, r->curve.version);
    mp_put_cstr(b, r->curve.listen);
    mp_put_cstr(b, r->curve.announce);
    return buf_status(b);
}

static void get_key(struct mp *m, struct ring_key *k)
{
    struct bytes certificate;

    (void)mp_array(m, KEY_FIELDS, 32);
    k->kind = (enum ring_kind)mp_uint(m, RING_CURVE);
    k->state = (enum ring_state)mp_uint(m, RING_NEXT);
    mp_bin_exact(m, k->public_half, KEY_BYTES);
    k->year = (int32_t)mp_uint(m, 9999);
    k->ordinal = (uint32_t)mp_uint(m, UINT32_MAX);
    k->since_ms = mp_int(m);
    k->until_ms = mp_int(m);
    k->version = mp_uint(m, UINT64_MAX);
    certificate = mp_bin(m, RING_CERTIFICATE_MAX);
    if (m->failed || k->kind == 0) {
        m->failed = true;
        return;
    }
    if (certificate.len > 0)
        memcpy(k->certificate, certificate.p, certificate.len);
    k->certificate_len = certificate.len;
}

enum err ring_decode(struct key_ring *out, struct bytes value)
{
    struct mp m = mp_of(value);

    memset(out, 0, sizeof(*out));
    (void)mp_array(&m, 5, 5);
    out->count = mp_array(&m, 0, RING_MAX);
    for (size_t i = 0; i < out->count && !m.failed; i++)
        get_key(&m, &out->keys[i]);
    out->curve.stage = (enum curve_stage)mp_uint(&m, CURVE_SWITCHED);
    out->curve.version = mp_uint(&m, UINT64_MAX);
    mp_text(&m, out->curve.listen, 0, ENDPOINT_MAX);
    mp_text(&m, out->curve.announce, 0, ENDPOINT_MAX);
    if (mp_done(&m))
        return OK;
    memset(out, 0, sizeof(*out));
    return err_set(ERR_MALFORMED, "the list of the hub's keys is damaged");
}

/* Nobody who can only write into the store makes a signing key of his own count. */
static enum err check_certificates(const struct key_ring *r, const uint8_t root[KEY_BYTES],
                                   const uint8_t district[DISTRICT_BYTES])
{
    for (size_t i = 0; i < r->count; i++) {
        const struct ring_key *k = &r->keys[i];
        struct certificate c;

        if (k->kind == RING_SIGN &&
            (certificate_open(&c, bytes_of(k->certificate, k->certificate_len), root) != OK ||
             memcmp(c.hub_sign, k->public_half, KEY_BYTES) != 0 || memcmp(c.district, district, DISTRICT_BYTES) != 0))
            return err_set(ERR_CORRUPT,
                           _("the list of the hub's keys names a signing key that the root did not certify"));
    }
    return OK;
}

enum err ring_load(struct key_ring *out, struct store_txn *t, const uint8_t root[KEY_BYTES],
                   const uint8_t district[DISTRICT_BYTES])
{
    struct bytes value;
    enum err e = store_get(t, H_META, bytes_of(META_KEY, strlen(META_KEY)), &value);

    if (e != OK)
        return e;
    if ((e = ring_decode(out, value)) != OK)
        return err_set(ERR_CORRUPT, "%s", err_text());
    return check_certificates(out, root, district);
}

enum err ring_store(const struct key_ring *r, struct store_txn *t)
{
    struct buf value;
    enum err e;

    buf_init(&value, RING_BYTES);
    if ((e = ring_encode(&value, r)) == OK)
        e = store_put(t, H_META, bytes_of(META_KEY, strlen(META_KEY)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

/* ---- keys ---- */

enum err ring_add(struct key_ring *r, enum ring_kind kind, enum ring_state state, const uint8_t public_half[KEY_BYTES],
                  int64_t now_ms, struct ring_key **out)
{
    struct ring_key *k;

    if (r->count == RING_MAX)
        return err_set(ERR_LIMIT, _("this hub has had %u keys; it takes no more"), RING_MAX);
    for (size_t i = 0; i < r->count && state == RING_CURRENT; i++)
        if (r->keys[i].kind == kind && r->keys[i].state == RING_CURRENT) {
            r->keys[i].state = RING_OLD;
            r->keys[i].until_ms = now_ms;
        }
    k = &r->keys[r->count++];
    memset(k, 0, sizeof(*k));
    k->kind = kind;
    k->state = state;
    memcpy(k->public_half, public_half, KEY_BYTES);
    k->since_ms = now_ms;
    if (out != NULL)
        *out = k;
    return OK;
}

struct ring_key *ring_find(struct key_ring *r, enum ring_kind kind, const uint8_t public_half[KEY_BYTES])
{
    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].kind == kind && memcmp(r->keys[i].public_half, public_half, KEY_BYTES) == 0)
            return &r->keys[i];
    return NULL;
}

static const struct ring_key *in_state(const struct key_ring *r, enum ring_kind kind, enum ring_state state)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].kind == kind && r->keys[i].state == state)
            return &r->keys[i];
    return NULL;
}

const struct ring_key *ring_current(const struct key_ring *r, enum ring_kind kind)
{
    return in_state(r, kind, RING_CURRENT);
}

const struct ring_key *ring_next(const struct key_ring *r)
{
    return in_state(r, RING_CURVE, RING_NEXT);
}

static bool is_newer(const struct ring_key *a, const struct ring_key *b)
{
    return a->year > b->year || (a->year == b->year && a->ordinal > b->ordinal);
}

void ring_settle_seal(struct key_ring *r)
{
    struct ring_key *newest = NULL;

    for (size_t i = 0; i < r->count; i++) {
        struct ring_key *k = &r->keys[i];

        if (k->kind != RING_SEAL || (k->state != RING_CURRENT && k->state != RING_OLD))
            continue;
        k->state = RING_OLD;
        if (newest == NULL || is_newer(k, newest))
            newest = k;
    }
    if (newest == NULL)
        return;
    newest->state = RING_CURRENT;
    newest->until_ms = 0;
    newest->version = 0;
}

uint32_t ring_next_ordinal(const struct key_ring *r, int32_t year)
{
    uint32_t greatest = 0;

    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].kind == RING_SEAL && r->keys[i].year == year && r->keys[i].ordinal > greatest)
            greatest = r->keys[i].ordinal;
    return greatest + 1;
}

/* ---- names ---- */

static bool take_digits(const char **at, size_t least, size_t most, uint32_t *out)
{
    size_t count = strspn(*at, "0123456789");

    if (count < least || count > most)
        return false;
    *out = 0;
    for (size_t i = 0; i < count; i++)
        *out = *out * 10 + (uint32_t)((*at)[i] - '0');
    *at += count;
    return true;
}

/* "2026" or "2026-2" */
static bool take_name(const char **at, int32_t *year, uint32_t *ordinal)
{
    uint32_t number;

    if (!take_digits(at, 4, 4, &number))
        return false;
    *year = (int32_t)number;
    *ordinal = 1;
    if (**at != '-')
        return true;
    (*at)++;
    return take_digits(at, 1, 4, ordinal) && *ordinal >= 2;
}

enum err ring_named(struct key_ring *r, const char *name, struct ring_key **out)
{
    const char *at = name;
    int32_t year;
    uint32_t ordinal;

    if (!take_name(&at, &year, &ordinal) || *at != '\0')
        return err_set(ERR_USAGE,
                       _("\"%s\": the first year of a school year is expected, such as 2026, or 2026-2 for the "
                         "second key of that year"),
                       name);
    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].kind == RING_SEAL && r->keys[i].year == year && r->keys[i].ordinal == ordinal) {
            *out = &r->keys[i];
            return OK;
        }
    return err_set(ERR_NOT_FOUND, _("there is no sealing key %s; svodka-hub key list shows all"), name);
}

void ring_file(char out[RING_FILE_MAX], const struct ring_key *k)
{
    switch (k->kind) {
    case RING_SIGN: (void)snprintf(out, RING_FILE_MAX, "sign.key"); return;
    case RING_CURVE: (void)snprintf(out, RING_FILE_MAX, k->state == RING_NEXT ? "curve-next.key" : "curve.key"); return;
    case RING_SEAL: break;
    }
    if (k->ordinal > 1)
        (void)snprintf(out, RING_FILE_MAX, "seal-%04d-%u.key", k->year, k->ordinal);
    else
        (void)snprintf(out, RING_FILE_MAX, "seal-%04d.key", k->year);
}

bool ring_seal_file(const char *name, int32_t *year, uint32_t *ordinal)
{
    if (strncmp(name, "seal-", 5) != 0)
        return false;
    name += 5;
    return take_name(&name, year, ordinal) && strcmp(name, ".key") == 0;
}

/* ---- homes from before ---- */

enum err ring_begin(struct key_ring *r, const struct directory *d, struct bytes certificate)
{
    struct certificate c;
    struct ring_key *k = NULL;
    enum err e;

    memset(r, 0, sizeof(*r));
    if (certificate.len > RING_CERTIFICATE_MAX)
        return err_set(ERR_CORRUPT, "the certificate of the hub's signing key is damaged");
    if ((e = certificate_open(&c, certificate, d->root)) != OK ||
        (e = ring_add(r, RING_SIGN, RING_CURRENT, d->hub_sign, c.from_ms, &k)) != OK)
        return e;
    memcpy(k->certificate, certificate.p, certificate.len);
    k->certificate_len = certificate.len;
    if (d->endpoint_count > 0 &&
        (e = ring_add(r, RING_CURVE, RING_CURRENT, d->endpoints[0].curve, c.from_ms, NULL)) != OK)
        return e;
    for (uint32_t i = 0; i < d->seal_key_count; i++) {
        if ((e = ring_add(r, RING_SEAL, RING_CURRENT, d->seal_keys[i].key, c.from_ms, &k)) != OK)
            return e;
        k->year = d->seal_keys[i].school_year;
        k->ordinal = ring_next_ordinal(r, k->year);
        if (d->seal_keys[i].state == SEAL_LOST)
            k->state = RING_LOST;
    }
    ring_settle_seal(r);
    return OK;
}

void ring_subject(char out[RING_SUBJECT], const struct ring_key *k)
{
    if (k->kind != RING_SEAL)
        (void)snprintf(out, RING_SUBJECT, "%s", k->kind == RING_SIGN ? "sign" : "curve");
    else if (k->ordinal > 1)
        (void)snprintf(out, RING_SUBJECT, "seal %d-%u", (int)k->year, k->ordinal);
    else
        (void)snprintf(out, RING_SUBJECT, "seal %d", (int)k->year);
}
