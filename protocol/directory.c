#include "protocol/directory.h"

#include "protocol/fields.h"

#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_FIELDS 4u
#define CERTIFICATE_MAX    1024u
#define DIRECTORY_FIELDS   9u
#define ENDPOINT_FIELDS    2u
#define SEAL_KEY_FIELDS    3u
#define OBJECT_FIELDS      6u
#define SCHEME             "tcp://"

/* ---- the root's certificate ---- */

enum err certificate_make(struct buf *out, const struct key *root, const uint8_t district[DISTRICT_BYTES],
                          const uint8_t hub_sign[KEY_BYTES], int64_t from_ms, int64_t until_ms)
{
    struct bytes payload;
    struct buf b;
    enum err e;

    if (from_ms < TIME_MIN_MS || until_ms > TIME_MAX_MS || from_ms > until_ms)
        return err_set(ERR_INVALID, "certificate: its time begins after it ends, or is out of range");
    buf_init(&b, CERTIFICATE_MAX);
    mp_put_array(&b, CERTIFICATE_FIELDS);
    mp_put_bin(&b, district, DISTRICT_BYTES);
    mp_put_bin(&b, hub_sign, KEY_BYTES);
    mp_put_int(&b, from_ms);
    mp_put_int(&b, until_ms);
    payload = bytes_of(b.data, b.len);
    if ((e = buf_status(&b)) == OK)
        e = signed_make(out, SIGNED_CERTIFICATE, payload, root);
    buf_fini(&b);
    return e;
}

enum err certificate_open(struct certificate *out, struct bytes object, const uint8_t root[KEY_BYTES])
{
    struct bytes payload;
    struct mp m;
    size_t unknown;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_CERTIFICATE, root)) != OK)
        return e;
    m = mp_of(payload);
    unknown = fields_begin(&m, CERTIFICATE_FIELDS);
    mp_bin_exact(&m, out->district, DISTRICT_BYTES);
    mp_bin_exact(&m, out->hub_sign, KEY_BYTES);
    out->from_ms = fields_time(&m);
    out->until_ms = fields_time(&m);
    fields_end(&m, unknown);
    if (!m.failed && out->from_ms > out->until_ms)
        m.failed = true;
    if ((e = fields_done(&m, "certificate")) != OK)
        memset(out, 0, sizeof(*out));
    return e;
}

/* ---- writing ---- */

static void put_endpoints(struct buf *b, const struct directory *d)
{
    mp_put_array(b, d->endpoint_count);
    for (uint32_t i = 0; i < d->endpoint_count; i++) {
        mp_put_array(b, ENDPOINT_FIELDS);
        mp_put_cstr(b, d->endpoints[i].url);
        mp_put_bin(b, d->endpoints[i].curve, KEY_BYTES);
    }
}

static void put_seal_keys(struct buf *b, const struct directory *d)
{
    mp_put_array(b, d->seal_key_count);
    for (uint32_t i = 0; i < d->seal_key_count; i++) {
        mp_put_array(b, SEAL_KEY_FIELDS);
        mp_put_bin(b, d->seal_keys[i].key, KEY_BYTES);
        mp_put_int(b, d->seal_keys[i].school_year);
        mp_put_uint(b, d->seal_keys[i].state);
    }
}

static void put_objects(struct buf *b, const struct directory *d)
{
    mp_put_array(b, d->object_count);
    for (uint32_t i = 0; i < d->object_count; i++) {
        const struct directory_object *o = &d->objects[i];

        mp_put_array(b, OBJECT_FIELDS);
        mp_put_bin(b, o->digest, DIGEST_BYTES);
        mp_put_uint(b, o->kind);
        mp_put_cstr(b, o->name);
        mp_put_cstr(b, o->version);
        mp_put_uint(b, o->size);
        mp_put_bool(b, o->is_current);
    }
}

static void put_directory(struct buf *b, const struct directory *d, struct bytes certificate)
{
    mp_put_array(b, DIRECTORY_FIELDS);
    mp_put_bin(b, d->district, DISTRICT_BYTES);
    mp_put_cstr(b, d->name);
    mp_put_uint(b, d->version);
    mp_put_int(b, d->issued_ms);
    mp_put_int(b, d->expires_ms);
    mp_put_bin(b, certificate.p, certificate.len);
    put_endpoints(b, d);
    put_seal_keys(b, d);
    put_objects(b, d);
}

/* ---- reading ---- */

static void read_endpoints(struct mp *m, struct directory *out)
{
    size_t count = mp_array(m, 0, DIRECTORY_MAX_ENDPOINTS);

    for (size_t i = 0; i < count && !m->failed; i++) {
        struct directory_endpoint *p = &out->endpoints[out->endpoint_count];
        size_t unknown = fields_begin(m, ENDPOINT_FIELDS);

        mp_text(m, p->url, 1, ENDPOINT_MAX);
        mp_bin_exact(m, p->curve, KEY_BYTES);
        fields_end(m, unknown);
        if (!m->failed && strncmp(p->url, SCHEME, strlen(SCHEME)) == 0)
            out->endpoint_count++;
        else
            memset(p, 0, sizeof(*p));
    }
}

static void read_seal_keys(struct mp *m, struct directory *out)
{
    size_t count = mp_array(m, 0, DIRECTORY_MAX_SEAL_KEYS);

    for (size_t i = 0; i < count && !m->failed; i++) {
        struct directory_seal_key *k = &out->seal_keys[out->seal_key_count];
        size_t unknown = fields_begin(m, SEAL_KEY_FIELDS);
        uint32_t state;

        mp_bin_exact(m, k->key, KEY_BYTES);
        k->school_year = (int32_t)fields_u32(m, 1, 9999);
        state = fields_u32(m, 0, UINT8_MAX);
        fields_end(m, unknown);
        if (!m->failed && state <= SEAL_LOST) {
            k->state = (enum seal_key_state)state;
            out->seal_key_count++;
        } else {
            memset(k, 0, sizeof(*k));
        }
    }
}

static void read_objects(struct mp *m, struct directory *out)
{
    size_t count = mp_array(m, 0, DIRECTORY_MAX_FORMS);

    for (size_t i = 0; i < count && !m->failed; i++) {
        struct directory_object *o = &out->objects[out->object_count];
        size_t unknown = fields_begin(m, OBJECT_FIELDS);
        uint32_t kind;

        mp_bin_exact(m, o->digest, DIGEST_BYTES);
        kind = fields_u32(m, 1, UINT8_MAX);
        mp_text(m, o->name, 1, FORM_NAME_MAX);
        mp_text(m, o->version, 0, sizeof(o->version) - 1);
        o->size = fields_u32(m, 1, DIRECTORY_OBJECT_MAX);
        o->is_current = mp_bool(m);
        fields_end(m, unknown);
        if (!m->failed && kind <= OBJECT_DUE) {
            o->kind = (enum object_kind)kind;
            out->object_count++;
        } else {
            memset(o, 0, sizeof(*o));
        }
    }
}

/* `certificate` becomes a loan from the payload. */
static enum err read_directory(struct directory *out, struct bytes payload, struct bytes *certificate)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, DIRECTORY_FIELDS);

    mp_bin_exact(&m, out->district, DISTRICT_BYTES);
    mp_text(&m, out->name, 1, NAME_MAX_BYTES);
    out->version = fields_u64(&m, 1, UINT64_MAX);
    out->issued_ms = fields_time(&m);
    out->expires_ms = fields_time(&m);
    *certificate = mp_bin(&m, CERTIFICATE_MAX);
    read_endpoints(&m, out);
    read_seal_keys(&m, out);
    read_objects(&m, out);
    fields_end(&m, unknown);
    return fields_done(&m, "directory");
}

/* The certificate must be root's word about this very signer and district. */
static enum err check_certificate(struct directory *d, struct bytes certificate, const uint8_t root[KEY_BYTES],
                                  const uint8_t signer[KEY_BYTES])
{
    struct certificate c;
    enum err e;

    if ((e = certificate_open(&c, certificate, root)) != OK)
        return err_prefix(e, "directory");
    if (!digest_equal(c.hub_sign, signer))
        return err_set(ERR_AUTH, "directory: signed by another key than the one the district's root certified");
    if (memcmp(c.district, d->district, DISTRICT_BYTES) != 0)
        return err_set(ERR_AUTH, "directory: its certificate is for another district");
    memcpy(d->root, root, KEY_BYTES);
    memcpy(d->hub_sign, signer, KEY_BYTES);
    return OK;
}

enum err directory_open(struct directory *out, struct bytes object, const uint8_t root[KEY_BYTES])
{
    struct bytes payload, certificate;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_DIRECTORY, NULL)) != OK)
        return e;
    if ((e = read_directory(out, payload, &certificate)) != OK)
        goto clear;
    if ((e = check_certificate(out, certificate, root, signed_signer(object))) != OK)
        goto clear;
    return OK;
clear:
    memset(out, 0, sizeof(*out));
    return e;
}

enum err directory_named_root(uint8_t out[KEY_BYTES], struct bytes object)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct bytes payload, certificate;
    const uint8_t *root = NULL;
    enum err e = d == NULL ? ERR_NOMEM : signed_open(&payload, object, SIGNED_DIRECTORY, NULL);

    if (e == OK && (e = read_directory(d, payload, &certificate)) == OK && (root = signed_signer(certificate)) == NULL)
        e = err_set(ERR_MALFORMED, "directory: its certificate is too short");
    if (e == OK)
        memcpy(out, root, KEY_BYTES);
    free(d);
    return e;
}

/* What is signed is read back first by the same reader that all agents have: nothing they would refuse goes out. */
static enum err read_back(const struct directory *d, struct bytes payload, const struct key *hub_sign)
{
    struct directory *again = calloc(1, sizeof(*again));
    struct bytes certificate;
    enum err e;

    if (again == NULL)
        return ERR_NOMEM;
    if (read_directory(again, payload, &certificate) != OK)
        e = err_prefix(ERR_INVALID, "a directory that nobody could read");
    else if (again->endpoint_count != d->endpoint_count || again->seal_key_count != d->seal_key_count ||
             again->object_count != d->object_count)
        e = err_set(ERR_INVALID, "directory: an endpoint is not tcp://, or a key state or object kind is unknown");
    else
        e = check_certificate(again, certificate, d->root, key_public(hub_sign));
    free(again);
    return e;
}

enum err directory_make(struct buf *out, const struct directory *d, struct bytes certificate,
                        const struct key *hub_sign)
{
    struct bytes payload;
    struct buf b;
    enum err e;

    if (d->endpoint_count > DIRECTORY_MAX_ENDPOINTS || d->seal_key_count > DIRECTORY_MAX_SEAL_KEYS ||
        d->object_count > DIRECTORY_MAX_FORMS)
        return err_set(ERR_LIMIT, "directory: at most %u endpoints, %u sealing keys and %u objects",
                       DIRECTORY_MAX_ENDPOINTS, DIRECTORY_MAX_SEAL_KEYS, DIRECTORY_MAX_FORMS);
    buf_init(&b, SIGNED_MAX);
    put_directory(&b, d, certificate);
    payload = bytes_of(b.data, b.len);
    if ((e = buf_status(&b)) == OK && (e = read_back(d, payload, hub_sign)) == OK)
        e = signed_make(out, SIGNED_DIRECTORY, payload, hub_sign);
    buf_fini(&b);
    return e;
}

const struct directory_object *directory_find_object(const struct directory *d, const uint8_t digest[DIGEST_BYTES])
{
    for (uint32_t i = 0; i < d->object_count; i++)
        if (memcmp(d->objects[i].digest, digest, DIGEST_BYTES) == 0)
            return &d->objects[i];
    return NULL;
}

enum err directory_current_seal_key(const struct directory *d, uint8_t out[KEY_BYTES])
{
    const struct directory_seal_key *best = NULL;

    for (uint32_t i = 0; i < d->seal_key_count; i++) {
        const struct directory_seal_key *k = &d->seal_keys[i];

        if (k->state == SEAL_CURRENT && (best == NULL || k->school_year > best->school_year))
            best = k;
    }
    if (best == NULL)
        return err_set(ERR_NOT_FOUND, "directory: the hub has no current sealing key");
    memcpy(out, best->key, KEY_BYTES);
    return OK;
}
