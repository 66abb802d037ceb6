#include "hub/home_internal.h"

#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/withdrawn.h"

#include <stdlib.h>
#include <string.h>

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

enum object_kind hub_kind_of_file(const char *name)
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

        e = put_object(t, hub_kind_of_file(f->name), bytes_of(f->bytes, f->len), d);
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

enum err hub_each_row(struct store_txn *t, unsigned table, row_visit each, void *ctx)
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

enum err hub_read_programme(struct store_txn *t, struct bytes value, struct pack *out)
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
    if (e == OK && (e = hub_read_programme(t, value, out)) != OK)
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
        e = hub_read_programme(v->t, value, &pack);
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
    if ((e = hub_read_programme(v->t, value, &pack)) == OK && (e = programme_periods(&pack, v->calendar, NULL)) != OK)
        e = err_prefix(ERR_CORRUPT, "the stored programme %.*s", (int)key.len, (const char *)key.p);
    pack_free(&pack);
    return e;
}

/* Periods first, of all programmes: a form may be due in a series of another programme than its own. */
static enum err add_periods(struct calendar *calendar, struct store_txn *t, const char *except)
{
    struct period_visit v = {t, calendar, except};

    return hub_each_row(t, H_PROGRAMMES, visit_periods, &v);
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
        (e = hub_each_row(t, H_OBJECTS, visit_form, &v)) != OK ||
        (e = hub_each_row(t, H_PROGRAMMES, load_programme, &v)) != OK) {
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
