#include "hub/home_internal.h"

#include "common/clock.h"
#include "hub/programme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)

/* The directory: what every school may know of the hub, signed anew when any of it changes. */

static bool is_listed(const struct directory *d, const uint8_t digest_in[32])
{
    for (uint32_t i = 0; i < d->object_count; i++)
        if (memcmp(d->objects[i].digest, digest_in, DIGEST_BYTES) == 0)
            return true;
    return false;
}

static enum err list_object(struct directory *d, const uint8_t digest_in[32], enum object_kind kind, const char *name,
                            const char *version, size_t size, bool is_current)
{
    struct directory_object *o;

    if (is_listed(d, digest_in))
        return OK;
    if (d->object_count == DIRECTORY_MAX_FORMS)
        return err_set(ERR_LIMIT, "the directory lists at most %u forms, maps and calendars", DIRECTORY_MAX_FORMS);
    o = &d->objects[d->object_count++];
    memcpy(o->digest, digest_in, DIGEST_BYTES);
    o->kind = kind;
    (void)snprintf(o->name, sizeof(o->name), "%s", name);
    (void)snprintf(o->version, sizeof(o->version), "%s", version);
    o->size = (uint32_t)size;
    o->is_current = is_current;
    return OK;
}

/* "maps/grades.yaml" -> "grades" */
static void base_name(char out[FORM_NAME_MAX + 1], const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *dot;

    slash = slash == NULL ? file : slash + 1;
    dot = strrchr(slash, '.');
    (void)snprintf(out, FORM_NAME_MAX + 1, "%.*s", (int)(dot == NULL ? strlen(slash) : (size_t)(dot - slash)), slash);
}

static enum err list_pack(struct directory *d, const char *id, const struct pack *pack)
{
    enum err e = OK;

    for (size_t i = 0; i < pack->count && e == OK; i++) {
        const struct pack_file *f = &pack->files[i];
        enum object_kind kind = hub_kind_of_file(f->name);
        char name[FORM_NAME_MAX + 1];
        uint8_t dg[DIGEST_BYTES];
        struct form *form = NULL;

        digest(dg, bytes_of(f->bytes, f->len));
        base_name(name, f->name);
        if (kind == OBJECT_FORM) {
            if ((e = form_load(&form, f->name, f->bytes, f->len, NULL)) == OK)
                e = list_object(d, dg, kind, form->id, form->version, f->len, true);
            form_free(form);
        } else if (kind != OBJECT_PROGRAMME) {
            e = list_object(d, dg, kind, kind == OBJECT_CALENDAR || kind == OBJECT_DUE ? id : name, "", f->len, true);
        }
    }
    return e;
}

struct list_visit {
    struct directory *directory;
    struct store_txn *t;
};

static enum err list_programme(void *ctx, struct bytes key, struct bytes value)
{
    struct list_visit *v = ctx;
    struct pack pack = {NULL, 0};
    char id[FORM_NAME_MAX + 1];
    enum err e;

    (void)snprintf(id, sizeof(id), "%.*s", (int)key.len, (const char *)key.p);
    if ((e = hub_read_programme(v->t, value, &pack)) == OK)
        e = list_pack(v->directory, id, &pack);
    pack_free(&pack);
    return e;
}

static enum err list_older_form(void *ctx, struct bytes key, struct bytes value)
{
    struct list_visit *v = ctx;
    struct form *form = NULL;
    enum err e;

    if (value.len < 2 || value.p[0] != OBJECT_FORM || is_listed(v->directory, key.p))
        return OK;
    if ((e = form_load(&form, "form", value.p + 1, value.len - 1, NULL)) == OK)
        e = list_object(v->directory, key.p, OBJECT_FORM, form->id, form->version, value.len - 1, false);
    form_free(form);
    return e;
}

/* Current forms, maps and calendars first; then every older form: still acceptable, no longer offered. */
static enum err list_objects(struct directory *d, struct store_txn *t)
{
    struct list_visit v = {d, t};
    enum err e = hub_each_row(t, H_PROGRAMMES, list_programme, &v);

    return e == OK ? hub_each_row(t, H_OBJECTS, list_older_form, &v) : e;
}

static void add_endpoint(struct directory *d, const char *url, const uint8_t curve[KEY_BYTES])
{
    struct directory_endpoint *at = &d->endpoints[d->endpoint_count];

    if (d->endpoint_count == DIRECTORY_MAX_ENDPOINTS)
        return;
    (void)snprintf(at->url, sizeof(at->url), "%s", url);
    memcpy(at->curve, curve, KEY_BYTES);
    d->endpoint_count++;
}

/* The usual addresses first; while the transport's key changes, the address that has the next one after them. */
static void fill_endpoints(struct directory *d, const struct hub *h)
{
    const char *const *urls = h->conf.announce_count > 0 ? h->conf.announce : h->conf.listen;
    size_t count = h->conf.announce_count > 0 ? h->conf.announce_count : h->conf.listen_count;
    const struct curve_change *change = &h->ring->curve;
    const struct ring_key *next = ring_next(h->ring);

    d->endpoint_count = 0;
    if (change->stage != CURVE_STILL && count == DIRECTORY_MAX_ENDPOINTS)
        count--; /* one of them makes room for as long as it takes */
    for (size_t i = 0; i < count; i++)
        add_endpoint(d, urls[i], h->curve);
    if (change->stage != CURVE_STILL)
        add_endpoint(d, change->announce, next != NULL ? next->public_half : h->curve);
}

static void add_seal_keys(struct directory *d, const struct key_ring *ring, enum ring_state from,
                          enum seal_key_state to)
{
    for (size_t i = ring->count; i-- > 0 && d->seal_key_count < DIRECTORY_MAX_SEAL_KEYS;) {
        const struct ring_key *r = &ring->keys[i];
        struct directory_seal_key *k = &d->seal_keys[d->seal_key_count];

        if (r->kind != RING_SEAL || r->state != from)
            continue;
        memcpy(k->key, r->public_half, KEY_BYTES);
        k->school_year = r->year;
        k->state = to;
        d->seal_key_count++;
    }
}

/* The newest first, should there ever be more than the directory lists. */
static void fill_seal_keys(struct directory *d, const struct hub *h)
{
    d->seal_key_count = 0;
    add_seal_keys(d, h->ring, RING_CURRENT, SEAL_CURRENT);
    add_seal_keys(d, h->ring, RING_OLD, SEAL_OLD);
    add_seal_keys(d, h->ring, RING_LOST, SEAL_LOST);
}

static enum err next_version(struct store_txn *t, uint64_t *version)
{
    struct bytes v;
    enum err e = hub_meta_get(t, "directory-version", &v);

    *version = e == OK && v.len == 8 ? be64_get(v.p) + 1 : 1;
    return e == ERR_NOT_FOUND ? OK : e;
}

bool hub_directory_is_stale(const struct hub *h)
{
    const struct directory *d = h->directory;
    struct directory *wanted;
    bool is_stale;

    if (strcmp(d->name, h->conf.name) != 0 || h->has_strangers ||
        clock_wall_ms() > d->issued_ms + h->conf.directory_days * DAY_MS / 2)
        return true;
    if ((wanted = calloc(1, sizeof(*wanted))) == NULL)
        return false; /* the next one who asks issues it */
    fill_endpoints(wanted, h);
    is_stale = wanted->endpoint_count != d->endpoint_count;
    for (uint32_t i = 0; i < d->endpoint_count && !is_stale; i++)
        is_stale = strcmp(wanted->endpoints[i].url, d->endpoints[i].url) != 0 ||
                   memcmp(wanted->endpoints[i].curve, d->endpoints[i].curve, KEY_BYTES) != 0;
    free(wanted);
    return is_stale;
}

/* From which directory on a key is not the current one any more: who knows that one has moved past it. */
static void note_version(struct key_ring *ring, uint64_t version)
{
    for (size_t i = 0; i < ring->count; i++) {
        struct ring_key *r = &ring->keys[i];

        if (r->state != RING_CURRENT && r->state != RING_NEXT && r->version == 0)
            r->version = version;
        if (r->state != RING_CURRENT && r->state != RING_NEXT && r->until_ms == 0)
            r->until_ms = clock_wall_ms();
    }
    if (ring->curve.stage != CURVE_STILL && ring->curve.version == 0)
        ring->curve.version = version;
}

enum err hub_certificate(const struct hub *h, struct bytes *out)
{
    const struct ring_key *r = ring_current(h->ring, RING_SIGN);

    if (r == NULL)
        return err_set(ERR_CORRUPT, "%s: the store names no signing key", h->dir);
    *out = bytes_of(r->certificate, r->certificate_len);
    return OK;
}

enum err hub_issue_directory(struct hub *h, struct store_txn *t)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct bytes certificate;
    struct buf object;
    uint8_t version[8];
    enum err e;

    if (d == NULL)
        return ERR_NOMEM;
    buf_init(&object, SIGNED_MAX);
    memcpy(d->district, h->district, sizeof(d->district));
    memcpy(d->root, h->root, KEY_BYTES);
    memcpy(d->hub_sign, key_public(h->sign), KEY_BYTES);
    (void)snprintf(d->name, sizeof(d->name), "%s", h->conf.name);
    d->issued_ms = clock_wall_ms();
    d->expires_ms = d->issued_ms + h->conf.directory_days * DAY_MS;
    if ((e = hub_keys_adopt(h, t)) != OK || (e = next_version(t, &d->version)) != OK || (e = list_objects(d, t)) != OK)
        goto done;
    fill_seal_keys(d, h);
    fill_endpoints(d, h);
    note_version(h->ring, d->version);
    if ((e = hub_certificate(h, &certificate)) != OK || (e = directory_make(&object, d, certificate, h->sign)) != OK ||
        (e = ring_store(h->ring, t)) != OK)
        goto done;
    be64_put(version, d->version);
    if ((e = hub_meta_put(t, "directory-version", bytes_of(version, sizeof(version)))) == OK)
        e = hub_meta_put(t, "directory", bytes_of(object.data, object.len));
done:
    buf_fini(&object);
    free(d);
    return e;
}
