#include "hub/snapshot.h"

#include "common/cli.h"
#include "hub/closing.h"

#include <string.h>

#define LINE_ELEMENTS 27u
#define HEAD_ELEMENTS 10u
#define HEAD_MAX      1024u
#define WIDE_BYTES    16u
#define PLACES_MAX    18u

/* ---- numbers of 128 bits: an integer where it fits, else 16 bytes of two's complement ---- */

static bool is_narrow(snapshot_int v)
{
    return v >= INT64_MIN && v <= INT64_MAX;
}

static void put_wide(struct buf *b, snapshot_int v)
{
    uint8_t raw[WIDE_BYTES];

    if (is_narrow(v)) {
        mp_put_int(b, (int64_t)v);
        return;
    }
    be64_put(raw, (uint64_t)((unsigned __int128)v >> 64));
    be64_put(raw + 8, (uint64_t)(unsigned __int128)v);
    mp_put_bin(b, raw, sizeof(raw));
}

static snapshot_int read_wide(struct mp *m)
{
    uint8_t raw[WIDE_BYTES] = {0};
    snapshot_int v;

    if (mp_peek(m) != MP_BIN)
        return mp_int(m);
    mp_bin_exact(m, raw, sizeof(raw));
    v = (snapshot_int)((unsigned __int128)be64_get(raw) << 64 | be64_get(raw + 8));
    if (is_narrow(v))
        m->failed = true; /* every number has one form */
    return v;
}

/* ---- lines ---- */

void snapshot_writer_init(struct snapshot_writer *w)
{
    buf_init(&w->lines, SNAPSHOT_MAX);
    w->count = 0;
}

void snapshot_writer_fini(struct snapshot_writer *w)
{
    buf_fini(&w->lines);
}

enum err snapshot_add(struct snapshot_writer *w, const struct snapshot_line *l)
{
    struct buf *b = &w->lines;

    mp_put_array(b, LINE_ELEMENTS);
    mp_put_cstr(b, l->programme);
    mp_put_cstr(b, l->version);
    mp_put_cstr(b, l->indicator);
    mp_put_cstr(b, l->part);
    mp_put_bin(b, l->definition, SNAPSHOT_DIGEST_BYTES);
    mp_put_bool(b, l->is_municipality);
    mp_put_cstr(b, l->unit);
    mp_put_cstr(b, l->breakdown);
    mp_put_bool(b, l->is_ok);
    put_wide(b, l->value);
    mp_put_bool(b, l->has_fraction);
    mp_put_bool(b, l->has_denominator);
    put_wide(b, l->numerator);
    put_wide(b, l->denominator);
    mp_put_uint(b, l->places);
    mp_put_uint(b, l->n);
    mp_put_uint(b, l->reported);
    mp_put_uint(b, l->expected);
    mp_put_uint(b, l->excluded);
    mp_put_cstr(b, l->target);
    mp_put_cstr(b, l->target_status);
    mp_put_cstr(b, l->unit_ru);
    mp_put_cstr(b, l->unit_en);
    mp_put_uint(b, l->shown);
    mp_put_cstr(b, l->why_not);
    mp_put_cstr(b, l->used);
    mp_put_uint(b, (l->is_reweighted ? 1u : 0u) | (uint64_t)l->class_index << 1);
    w->count++;
    return buf_status(b);
}

/* Texts are NUL-terminated for the caller: a copy of each in `texts`, of one line at a time. */
static void read_text(struct mp *m, struct buf *texts, size_t offsets[], size_t *count)
{
    struct bytes s = mp_str(m, SNAPSHOT_TEXT_MAX);

    if (s.len > 0 && memchr(s.p, 0, s.len) != NULL)
        m->failed = true;
    offsets[(*count)++] = texts->len;
    buf_put(texts, s.p, s.len);
    buf_put_u8(texts, 0);
}

#define LINE_TEXTS 12u

/* The texts' places first: the buffer may move while it grows. */
static void read_line(struct mp *m, struct snapshot_line *l, struct buf *texts)
{
    const char **const at[LINE_TEXTS] = {&l->programme, &l->version,   &l->indicator, &l->part,
                                         &l->unit,      &l->breakdown, &l->target,    &l->target_status,
                                         &l->unit_ru,   &l->unit_en,   &l->why_not,   &l->used};
    size_t offsets[LINE_TEXTS];
    size_t count = 0;
    uint64_t flags;

    buf_reset(texts);
    (void)mp_array(m, LINE_ELEMENTS, 32);
    for (unsigned i = 0; i < 4; i++)
        read_text(m, texts, offsets, &count);
    mp_bin_exact(m, l->definition, SNAPSHOT_DIGEST_BYTES);
    l->is_municipality = mp_bool(m);
    read_text(m, texts, offsets, &count);
    read_text(m, texts, offsets, &count);
    l->is_ok = mp_bool(m);
    l->value = read_wide(m);
    l->has_fraction = mp_bool(m);
    l->has_denominator = mp_bool(m);
    l->numerator = read_wide(m);
    l->denominator = read_wide(m);
    l->places = (unsigned)mp_uint(m, PLACES_MAX);
    l->n = mp_uint(m, UINT64_MAX);
    l->reported = mp_uint(m, UINT64_MAX);
    l->expected = mp_uint(m, UINT64_MAX);
    l->excluded = mp_uint(m, UINT64_MAX);
    for (unsigned i = 0; i < 4; i++)
        read_text(m, texts, offsets, &count);
    l->shown = (unsigned)mp_uint(m, PLACES_MAX);
    read_text(m, texts, offsets, &count);
    read_text(m, texts, offsets, &count);
    flags = mp_uint(m, (uint64_t)UINT32_MAX << 1 | 1u);
    l->is_reweighted = (flags & 1u) != 0;
    l->class_index = (uint32_t)(flags >> 1);
    for (unsigned i = 0; i < LINE_TEXTS && !texts->failed; i++)
        *at[i] = (const char *)texts->data + offsets[i];
    if (texts->failed)
        m->failed = true;
}

/* ---- the head ---- */

static void put_head(struct buf *b, const struct snapshot_head *head, const struct hub *h)
{
    mp_put_array(b, HEAD_ELEMENTS);
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_cstr(b, head->period);
    mp_put_cstr(b, head->group);
    mp_put_int(b, head->wall_ms);
    mp_put_uint(b, head->head_lsn);
    mp_put_uint(b, head->lines);
    mp_put_uint(b, head->length);
    mp_put_bin(b, head->digest, DIGEST_BYTES);
    mp_put_bool(b, head->is_forced);
    mp_put_uint(b, head->missing);
}

enum err snapshot_seal(const struct snapshot_writer *w, struct snapshot_head *head, const struct hub *h,
                       struct buf *list, struct buf *object)
{
    size_t from = list->len;
    struct buf payload;
    enum err e;

    mp_put_array(list, (size_t)w->count);
    buf_put(list, w->lines.data, w->lines.len);
    if ((e = buf_status(list)) != OK)
        return e;
    head->lines = w->count;
    head->length = list->len - from;
    digest(head->digest, bytes_of(list->data + from, (size_t)head->length));
    buf_init(&payload, HEAD_MAX);
    put_head(&payload, head, h);
    if ((e = buf_status(&payload)) == OK)
        e = signed_make(object, SIGNED_SNAPSHOT, bytes_of(payload.data, payload.len), h->sign);
    buf_fini(&payload);
    return e;
}

enum err snapshot_head_open(struct snapshot_head *out, struct bytes object, const struct hub *h)
{
    uint8_t district[DISTRICT_BYTES];
    struct bytes payload;
    struct mp m;
    enum err e = signed_open(&payload, object, SIGNED_SNAPSHOT, hub_signer(h, object));

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    m = mp_of(payload);
    (void)mp_array(&m, HEAD_ELEMENTS, 32);
    mp_bin_exact(&m, district, sizeof(district));
    mp_text(&m, out->period, 1, PERIOD_ID_MAX);
    mp_text(&m, out->group, 0, FORM_NAME_MAX);
    out->wall_ms = mp_int(&m);
    out->head_lsn = mp_uint(&m, UINT64_MAX);
    out->lines = mp_uint(&m, UINT64_MAX);
    out->length = mp_uint(&m, SNAPSHOT_MAX + 8u);
    mp_bin_exact(&m, out->digest, DIGEST_BYTES);
    out->is_forced = mp_bool(&m);
    out->missing = mp_uint(&m, UINT64_MAX);
    if (m.failed)
        return err_set(ERR_MALFORMED, "the head of a snapshot is damaged");
    if (memcmp(district, h->district, sizeof(district)) != 0)
        return err_set(ERR_AUTH, "the snapshot is of another district");
    return OK;
}

/* ---- reading ---- */

enum err snapshot_read(const struct snapshot_head *head, struct bytes list,
                       enum err (*each)(void *ctx, const struct snapshot_line *l), void *ctx)
{
    uint8_t found[DIGEST_BYTES];
    struct mp m = mp_of(list);
    struct buf texts;
    size_t count;
    enum err e = OK;

    digest(found, list);
    if (list.len != head->length || !digest_equal(found, head->digest))
        return err_set(ERR_CORRUPT, _("the snapshot of %s is not the one that was signed; run svodka-hub verify"),
                       head->period);
    count = mp_array(&m, 0, SIZE_MAX);
    buf_init(&texts, (size_t)LINE_TEXTS * (SNAPSHOT_TEXT_MAX + 1));
    for (size_t i = 0; i < count && e == OK && !m.failed; i++) {
        struct snapshot_line l = {.places = 0};

        read_line(&m, &l, &texts);
        if (!m.failed)
            e = each(ctx, &l);
    }
    buf_fini(&texts);
    if (e == OK && (!mp_done(&m) || count != head->lines))
        e = err_set(ERR_CORRUPT, _("the snapshot of %s cannot be read; run svodka-hub verify"), head->period);
    return e;
}

struct only {
    struct closing found;
    const char *period;
    unsigned groups;
};

static enum err find_only(void *ctx, const struct closing *c)
{
    struct only *o = ctx;

    if (strcmp(c->period, o->period) == 0) {
        o->found = *c;
        o->groups++;
    }
    return OK;
}

static enum err find_closing(struct store_txn *t, const char *period, const char *group, struct closing *out)
{
    struct only o = {.period = period};
    enum err e = closing_get(t, period, group == NULL ? "" : group, out);

    if (e != ERR_NOT_FOUND || group != NULL)
        return e;
    if ((e = closing_each(t, find_only, &o)) != OK)
        return e;
    if (o.groups != 1)
        return o.groups == 0
                   ? err_set(ERR_NOT_FOUND, _("the period %s was never closed"), period)
                   : err_set(ERR_NOT_FOUND, _("of the period %s only groups are closed; name one of them"), period);
    *out = o.found;
    return OK;
}

enum err snapshot_each(struct hub *h, struct store_txn *t, const char *period, const char *group,
                       struct snapshot_head *head_out, enum err (*each)(void *ctx, const struct snapshot_line *l),
                       void *ctx)
{
    struct snapshot_head head;
    struct closing c;
    struct buf list;
    enum err e = find_closing(t, period, group, &c);

    if (e == ERR_NOT_FOUND && group != NULL)
        e = err_set(e, _("the period %s was never closed for the group %s"), period, group);
    if (e != OK || (e = snapshot_head_open(&head, c.head, h)) != OK)
        return e;
    if (head_out != NULL)
        *head_out = head;
    buf_init(&list, SNAPSHOT_MAX + 16u);
    if ((e = ledger_beside(t, c.snapshot_lsn, &list)) == OK)
        e = snapshot_read(&head, bytes_of(list.data, list.len), each, ctx);
    buf_fini(&list);
    return e;
}
