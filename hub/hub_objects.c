#include "hub/home_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/withdrawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS              (INT64_C(86400) * 1000)
#define PROGRAMME_MAX_FILES 1000u
#define CALENDAR_FILE       "calendar.yaml"

/* ---- objects ---- */

/* Value: kind u8 | bytes. */
static enum err put_object(struct store_txn *t, enum object_kind kind, struct bytes bytes, uint8_t digest_out[32])
{
    struct buf value;
    enum err e;

    digest(digest_out, bytes);
    buf_init(&value, SIGNED_MAX);
    buf_put_u8(&value, (uint8_t)kind);
    buf_put(&value, bytes.p, bytes.len);
    e = buf_status(&value);
    if (e == OK)
        e = store_put(t, H_OBJECTS, bytes_of(digest_out, DIGEST_BYTES), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err hub_object(struct store_txn *t, const uint8_t digest_in[32], enum object_kind *kind, struct bytes *out)
{
    struct bytes value;
    enum err e = store_get(t, H_OBJECTS, bytes_of(digest_in, DIGEST_BYTES), &value);

    if (e != OK)
        return e;
    if (value.len < 1)
        return err_set(ERR_CORRUPT, "an object of the hub's store is empty");
    *kind = (enum object_kind)value.p[0];
    *out = bytes_of(value.p + 1, value.len - 1);
    return OK;
}

/* What only the hub reads is kept like the other files of the pack, but never travels. */
#define OBJECT_PROGRAMME ((enum object_kind)9)

static enum object_kind kind_of_file(const char *name)
{
    if (strncmp(name, "forms/", 6) == 0)
        return OBJECT_FORM;
    if (strncmp(name, "maps/", 5) == 0)
        return OBJECT_MAP;
    if (strcmp(name, CALENDAR_FILE) == 0)
        return OBJECT_DUE;
    return strcmp(name, "periods.yaml") == 0 || strcmp(name, "shared/periods.yaml") == 0 ? OBJECT_CALENDAR
                                                                                         : OBJECT_PROGRAMME;
}

/* H_PROGRAMMES: programme id -> [version, [[file name, digest]...]]. */
static enum err put_programme(struct store_txn *t, const struct pack *p, const struct programme *prog,
                              struct buf *payload)
{
    struct buf value;
    enum err e = OK;

    buf_init(&value, 1 << 20);
    mp_put_array(&value, 2);
    mp_put_cstr(&value, prog->version);
    mp_put_array(&value, p->count);
    for (size_t i = 0; i < p->count && e == OK; i++) {
        const struct pack_file *f = &p->files[i];
        uint8_t d[DIGEST_BYTES];

        e = put_object(t, kind_of_file(f->name), bytes_of(f->bytes, f->len), d);
        mp_put_array(&value, 2);
        mp_put_cstr(&value, f->name);
        mp_put_bin(&value, d, sizeof(d));
    }
    if (e == OK)
        e = buf_status(&value);
    if (e == OK)
        e = store_put(t, H_PROGRAMMES, bytes_of(prog->id, strlen(prog->id)), bytes_of(value.data, value.len));
    if (e == OK) {
        mp_put_cstr(payload, prog->id);
        mp_put_raw(payload, bytes_of(value.data, value.len));
        e = buf_status(payload);
    }
    buf_fini(&value);
    return e;
}

enum err hub_definitions_version(struct store_txn *t, uint64_t *out)
{
    struct bytes v;
    enum err e = hub_meta_get(t, "definitions", &v);

    *out = e == OK && v.len == 8 ? be64_get(v.p) : 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err hub_raise_definitions(struct store_txn *t)
{
    uint64_t version;
    uint8_t raw[8];
    enum err e = hub_definitions_version(t, &version);

    be64_put(raw, version + 1);
    return e == OK ? hub_meta_put(t, "definitions", bytes_of(raw, sizeof(raw))) : e;
}

enum err hub_add_programme(struct hub *h, struct store_txn *t, const struct pack *p, const struct programme *prog)
{
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, 1 << 20);
    e = put_programme(t, p, prog, &payload);
    if (e == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_PROGRAMME, bytes_of(payload.data, payload.len), 2, &lsn);
    if (e == OK)
        e = hub_raise_definitions(t);
    if (e == OK && (e = hub_issue_directory(h, t)) == OK)
        e = withdrawn_note(h, t);
    buf_fini(&payload);
    return e;
}

/* ---- loading ---- */

/* Calls `each` for every row of a table.  The end of the table is OK; an error of `each` ends the walk and is returned
 * as it is, "not found" included: it must never be taken for the end. */
typedef enum err (*row_visit)(void *ctx, struct bytes key, struct bytes value);

static enum err each_row(struct store_txn *t, unsigned table, row_visit each, void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err visited = OK;
    enum err e = store_cursor_open(t, table, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        if ((visited = each(ctx, key, value)) != OK)
            break;
    store_cursor_close(c);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* A pack as it lies in the store: file names and bytes copied. */
static enum err read_programme(struct store_txn *t, struct bytes value, struct pack *out)
{
    struct mp m = mp_of(value);
    size_t count;
    enum err e = OK;

    (void)mp_array(&m, 2, 32);
    mp_skip(&m, 1);
    count = mp_array(&m, 1, PROGRAMME_MAX_FILES);
    out->files = calloc(count > 0 ? count : 1, sizeof(*out->files));
    if (out->files == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && e == OK && !m.failed; i++) {
        struct pack_file *f = &out->files[i];
        enum object_kind kind;
        struct bytes name;
        struct bytes bytes = {NULL, 0};
        uint8_t d[DIGEST_BYTES];

        (void)mp_array(&m, 2, 32);
        name = mp_str(&m, 4096);
        mp_bin_exact(&m, d, sizeof(d));
        if (m.failed)
            break;
        if ((e = hub_object(t, d, &kind, &bytes)) != OK) {
            if (e == ERR_NOT_FOUND)
                e = err_set(ERR_CORRUPT, "%.*s of a programme is missing from the hub's store: restore a backup",
                            (int)name.len, (const char *)name.p);
            break;
        }
        out->count++;
        f->name = strndup((const char *)name.p, name.len);
        f->bytes = malloc(bytes.len + 1);
        f->len = bytes.len;
        if (f->name == NULL || f->bytes == NULL)
            return ERR_NOMEM;
        memcpy(f->bytes, bytes.p, bytes.len);
    }
    if (e == OK && m.failed)
        e = err_set(ERR_CORRUPT, "a programme in the hub's store is damaged");
    return e;
}

enum err hub_pack(struct store_txn *t, const char *programme, struct pack *out)
{
    struct bytes value;
    enum err e = store_get(t, H_PROGRAMMES, bytes_of(programme, strlen(programme)), &value);

    memset(out, 0, sizeof(*out));
    if (e == OK && (e = read_programme(t, value, out)) != OK)
        pack_free(out);
    return e;
}

static enum err grow_list(void **list, size_t count, size_t item)
{
    void *grown;

    if ((count & (count - 1)) != 0)
        return OK;
    grown = realloc(*list, (count == 0 ? 1 : count * 2) * item);
    if (grown == NULL)
        return ERR_NOMEM;
    *list = grown;
    return OK;
}

struct load_visit {
    struct definitions *definitions;
    struct store_txn *t;
};

enum err hub_pack_due(struct due_rules **out, const struct pack *p, struct form *const *forms, size_t form_count,
                      const struct calendar *calendar, struct report *r)
{
    struct due_scope scope = {calendar, forms, form_count};

    *out = NULL;
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->files[i].name, CALENDAR_FILE) == 0)
            return due_rules_read(out, CALENDAR_FILE, p->files[i].bytes, p->files[i].len, &scope, r);
    return OK;
}

/* Takes the programme and its rules. */
static enum err add_programme(struct definitions *d, struct programme *prog, struct due_rules *due)
{
    enum err e = grow_list((void **)&d->programmes, d->programme_count, sizeof(struct programme *));

    if (e == OK)
        e = grow_list((void **)&d->due, d->programme_count, sizeof(struct due_rules *));
    if (e != OK) {
        due_rules_free(due);
        programme_free(prog);
        return e;
    }
    d->due[d->programme_count] = due;
    d->programmes[d->programme_count++] = prog;
    return OK;
}

static enum err load_programme(void *ctx, struct bytes key, struct bytes value)
{
    struct load_visit *v = ctx;
    struct definitions *d = v->definitions;
    struct pack pack = {NULL, 0};
    struct programme *prog = NULL;
    struct due_rules *due = NULL;
    struct report *r = NULL;
    enum err e = report_new(&r, 20);

    if (e == OK)
        e = read_programme(v->t, value, &pack);
    if (e == OK && (e = programme_load(&prog, &pack, d->calendar, r)) == OK)
        e = hub_pack_due(&due, &pack, prog->forms, prog->form_count, d->calendar, r);
    if (e != OK && report_errors(r) > 0 && report_kept(r) > 0)
        e = err_set(ERR_CORRUPT, "a stored programme does not load any more: %s:%u: %s", report_at(r, 0)->file,
                    report_at(r, 0)->line, report_at(r, 0)->text);
    if (e == OK)
        e = add_programme(d, prog, due);
    else
        programme_free(prog);
    (void)key;
    pack_free(&pack);
    report_free(r);
    return e;
}

struct period_visit {
    struct store_txn *t;
    struct calendar *calendar;
    const char *except; /* programme id, or NULL */
};

static enum err visit_periods(void *ctx, struct bytes key, struct bytes value)
{
    struct period_visit *v = ctx;
    struct pack pack = {NULL, 0};
    enum err e;

    if (v->except != NULL && key.len == strlen(v->except) && memcmp(key.p, v->except, key.len) == 0)
        return OK;
    if ((e = read_programme(v->t, value, &pack)) == OK && (e = programme_periods(&pack, v->calendar, NULL)) != OK)
        e = err_prefix(ERR_CORRUPT, "the stored programme %.*s", (int)key.len, (const char *)key.p);
    pack_free(&pack);
    return e;
}

/* Periods first, of all programmes: a form may be due in a series of another programme than its own. */
static enum err add_periods(struct calendar *calendar, struct store_txn *t, const char *except)
{
    struct period_visit v = {t, calendar, except};

    return each_row(t, H_PROGRAMMES, visit_periods, &v);
}

enum err hub_calendar(struct store_txn *t, const char *except, struct calendar **out)
{
    struct calendar *c = NULL;
    enum err e = calendar_new(&c);

    if (e == OK && (e = add_periods(c, t, except)) != OK)
        calendar_free(c);
    if (e == OK)
        *out = c;
    return e;
}

static enum err load_form(struct definitions *d, struct bytes source)
{
    struct report *r = NULL;
    struct form *f = NULL;
    enum err e = report_new(&r, 5);

    if (e == OK && (e = form_load(&f, "form", source.p, source.len, r)) != OK && report_kept(r) > 0)
        e = err_set(ERR_CORRUPT, "a stored form does not load any more: line %u: %s", report_at(r, 0)->line,
                    report_at(r, 0)->text);
    if (e == OK && (e = grow_list((void **)&d->forms, d->form_count, sizeof(struct form *))) == OK)
        d->forms[d->form_count++] = f;
    else
        form_free(f);
    report_free(r);
    return e;
}

static enum err visit_form(void *ctx, struct bytes key, struct bytes value)
{
    struct load_visit *v = ctx;

    (void)key;
    if (value.len < 2 || value.p[0] != OBJECT_FORM)
        return OK;
    return load_form(v->definitions, bytes_of(value.p + 1, value.len - 1));
}

static enum err load_directory(struct definitions *d, struct hub *h, struct store_txn *t)
{
    struct bytes object;
    enum err e = hub_meta_get(t, "directory", &object);

    if (e != OK)
        return err_set(ERR_CORRUPT, "%s: the store has no directory in it", h->dir);
    if ((d->directory = calloc(1, sizeof(*d->directory))) == NULL)
        return ERR_NOMEM;
    buf_put(&d->directory_object, object.p, object.len);
    if ((e = buf_status(&d->directory_object)) != OK || (e = directory_open(d->directory, object, h->root)) != OK)
        return e;
    if (memcmp(d->directory->hub_sign, key_public(h->sign), KEY_BYTES) != 0)
        return err_set(ERR_CORRUPT, "%s: the directory is not signed by the signing key that the store names", h->dir);
    return OK;
}

enum err definitions_load(struct definitions *out, struct hub *h, struct store_txn *t)
{
    struct definitions d = {0};
    struct load_visit v = {&d, t};
    enum err e;

    buf_init(&d.directory_object, SIGNED_MAX);
    if ((e = load_directory(&d, h, t)) != OK || (e = hub_calendar(t, NULL, &d.calendar)) != OK ||
        (e = each_row(t, H_OBJECTS, visit_form, &v)) != OK ||
        (e = each_row(t, H_PROGRAMMES, load_programme, &v)) != OK) {
        definitions_fini(&d);
        return e;
    }
    *out = d;
    return OK;
}

void definitions_fini(struct definitions *d)
{
    for (size_t i = 0; i < d->programme_count; i++) {
        due_rules_free(d->due[i]);
        programme_free(d->programmes[i]);
    }
    for (size_t i = 0; i < d->form_count; i++)
        form_free(d->forms[i]);
    free(d->programmes);
    free(d->due);
    free(d->forms);
    calendar_free(d->calendar);
    free(d->directory);
    buf_fini(&d->directory_object);
    memset(d, 0, sizeof(*d));
}

/* ---- the directory ---- */

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
        enum object_kind kind = kind_of_file(f->name);
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
    if ((e = read_programme(v->t, value, &pack)) == OK)
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
    enum err e = each_row(t, H_PROGRAMMES, list_programme, &v);

    return e == OK ? each_row(t, H_OBJECTS, list_older_form, &v) : e;
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
    if ((e = hub_certificate(h, &certificate)) != OK ||
        (e = directory_make(&object, d, certificate, h->sign)) != OK || (e = ring_store(h->ring, t)) != OK)
        goto done;
    be64_put(version, d->version);
    if ((e = hub_meta_put(t, "directory-version", bytes_of(version, sizeof(version)))) == OK)
        e = hub_meta_put(t, "directory", bytes_of(object.data, object.len));
done:
    buf_fini(&object);
    free(d);
    return e;
}
