#include "protocol/notice.h"

#include "protocol/fields.h"
#include "protocol/refusal.h"

#include <stdlib.h>
#include <string.h>

#define BODY_FIELDS   4u
#define NOTICE_FIELDS (WORD_HEAD_FIELDS + BODY_FIELDS)
#define ENTRY_FIELDS  9u
#define ABOUT_FIELDS  8u
#define TARGET_FIELDS 3u

/* ---- any word ---- */

void word_head_put(struct buf *b, const struct word_head *h)
{
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_cstr(b, h->participant);
    mp_put_uint(b, h->serial);
    mp_put_uint(b, h->previous);
}

void word_head_read(struct mp *m, struct word_head *out)
{
    mp_bin_exact(m, out->district, sizeof(out->district));
    fields_id(m, out->participant);
    out->serial = fields_u64(m, 1, UINT64_MAX);
    out->previous = fields_u64(m, 0, out->serial == 0 ? 0 : out->serial - 1);
}

enum err word_open_head(struct word_head *out, enum signed_type *type, struct bytes object,
                        const uint8_t hub_sign[KEY_BYTES])
{
    struct bytes payload;
    struct mp m;
    uint8_t named = object.len < SIGNED_OVERHEAD ? 0 : object.p[5];
    enum err e;

    memset(out, 0, sizeof(*out));
    if (object.len >= SIGNED_OVERHEAD && named != SIGNED_NOTICE && named != SIGNED_HISTORY && named != SIGNED_FIGURES)
        return err_set(ERR_VERSION, "word: signed objects of type %u are none that this program knows", named);
    *type = object.len < SIGNED_OVERHEAD ? SIGNED_NOTICE : (enum signed_type)named;
    if ((e = signed_open(&payload, object, *type, hub_sign)) != OK)
        return e;
    m = mp_of(payload);
    (void)fields_begin(&m, WORD_HEAD_FIELDS);
    word_head_read(&m, out);
    if (!m.failed)
        return OK;
    memset(out, 0, sizeof(*out));
    return err_set(ERR_MALFORMED, "word: does not begin with district, participant, serial and previous serial");
}

/* ---- notices ---- */

void notice_fini(struct notice *n)
{
    free(n->entries);
    memset(n, 0, sizeof(*n));
}

static void put_entry(struct buf *b, const struct notice_entry *at)
{
    mp_put_array(b, ENTRY_FIELDS + (at->act != 0 ? 1 : 0));
    fields_put_generation(b, &at->ref.gen);
    mp_put_uint(b, at->ref.number);
    mp_put_uint(b, at->standing);
    mp_put_uint(b, (uint64_t)at->why.reason);
    mp_put_cstr(b, at->why.text);
    refusal_put_detail(b, &at->why);
    if (at->act != 0)
        mp_put_uint(b, at->act);
}

static void put_about(struct buf *b, const struct notice_return *r)
{
    mp_put_array(b, ABOUT_FIELDS);
    mp_put_cstr(b, r->form);
    mp_put_cstr(b, r->unit);
    mp_put_cstr(b, r->period);
    mp_put_uint(b, r->question);
    mp_put_cstr(b, r->field);
    if (r->has_due)
        mp_put_int(b, r->due);
    else
        mp_put_nil(b);
    mp_put_uint(b, r->scope);
    if (!r->has_target) {
        mp_put_nil(b);
        return;
    }
    mp_put_array(b, TARGET_FIELDS);
    fields_put_generation(b, &r->target.gen);
    mp_put_uint(b, r->target.number);
}

void notice_put_body(struct buf *b, const struct notice *n)
{
    mp_put_int(b, n->hub_ms);
    mp_put_uint(b, n->kind);
    mp_put_cstr(b, n->text);
    mp_put_array(b, n->entry_count);
    for (uint32_t i = 0; i < n->entry_count; i++)
        put_entry(b, &n->entries[i]);
    if (n->has_about)
        put_about(b, &n->about);
}

static void read_entry(struct mp *m, struct notice_entry *at)
{
    size_t unknown = fields_begin(m, ENTRY_FIELDS);

    fields_generation(m, &at->ref.gen);
    at->ref.number = fields_u64(m, 1, INT64_MAX);
    at->standing = fields_u32(m, 0, UINT8_MAX);
    at->why.reason = (enum quarantine_reason)fields_u32(m, 0, UINT8_MAX);
    mp_text(m, at->why.text, 0, RECEIPT_TEXT_MAX);
    refusal_read_detail(m, &at->why);
    if (unknown > 0) { /* came later */
        at->act = fields_u64(m, 0, INT64_MAX);
        unknown--;
    }
    fields_end(m, unknown);
}

static void read_about(struct mp *m, struct notice_return *r)
{
    size_t unknown = fields_begin(m, ABOUT_FIELDS);
    int64_t due;

    mp_text(m, r->form, 1, FORM_NAME_MAX);
    fields_id(m, r->unit);
    mp_text(m, r->period, 1, sizeof(r->period) - 1);
    r->question = fields_u64(m, 0, INT64_MAX);
    mp_text(m, r->field, 0, FORM_NAME_MAX);
    r->has_due = !mp_nil(m);
    if (r->has_due) {
        due = mp_int(m);
        if (due < INT32_MIN || due > INT32_MAX)
            m->failed = true;
        r->due = (int32_t)due;
    }
    r->scope = fields_u32(m, 1, UINT8_MAX);
    r->has_target = !mp_nil(m);
    if (r->has_target) {
        (void)mp_array(m, TARGET_FIELDS, TARGET_FIELDS);
        fields_generation(m, &r->target.gen);
        r->target.number = fields_u64(m, 1, INT64_MAX);
    }
    fields_end(m, unknown);
}

static enum err read_notice(struct notice *out, struct bytes payload)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, NOTICE_FIELDS);
    size_t count;

    word_head_read(&m, &out->head);
    out->hub_ms = fields_time(&m);
    out->kind = fields_u32(&m, 1, UINT8_MAX);
    mp_text(&m, out->text, 0, NOTICE_TEXT_MAX);
    count = mp_array(&m, 0, NOTICE_MAX_ENTRIES);
    if (count > 0 && (out->entries = calloc(count, sizeof(*out->entries))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && !m.failed; i++)
        read_entry(&m, &out->entries[i]);
    out->entry_count = (uint32_t)count;
    if (unknown > 0) { /* notices of before have none */
        out->has_about = !mp_nil(&m);
        if (out->has_about)
            read_about(&m, &out->about);
        unknown--;
    }
    fields_end(&m, unknown);
    return fields_done(&m, "notice");
}

static size_t elements_of(struct bytes body)
{
    struct mp m = mp_of(body);
    size_t count = 0;

    for (; !m.failed && m.p < m.end; count++)
        mp_skip(&m, 1);
    return count;
}

enum err notice_make_of(struct buf *out, const struct word_head *h, struct bytes body, const struct key *hub_sign)
{
    struct bytes payload;
    struct notice again;
    struct buf b;
    enum err e;

    memset(&again, 0, sizeof(again));
    buf_init(&b, SIGNED_MAX);
    mp_put_array(&b, WORD_HEAD_FIELDS + elements_of(body));
    word_head_put(&b, h);
    buf_put(&b, body.p, body.len);
    payload = bytes_of(b.data, b.len);
    if ((e = buf_status(&b)) == OK) {
        e = read_notice(&again, payload); /* one that nobody can read would stop all that follow it */
        notice_fini(&again);
        if (e == ERR_MALFORMED)
            e = err_prefix(ERR_INVALID, "a notice that nobody could read");
    }
    if (e == OK)
        e = signed_make(out, SIGNED_NOTICE, payload, hub_sign);
    buf_fini(&b);
    return e;
}

enum err notice_make(struct buf *out, const struct notice *n, const struct key *hub_sign)
{
    struct buf body;
    enum err e;

    if (n->entry_count > NOTICE_MAX_ENTRIES)
        return err_set(ERR_LIMIT, "notice to %s: at most %u submissions", n->head.participant, NOTICE_MAX_ENTRIES);
    buf_init(&body, SIGNED_MAX);
    notice_put_body(&body, n);
    if ((e = buf_status(&body)) == OK)
        e = notice_make_of(out, &n->head, bytes_of(body.data, body.len), hub_sign);
    buf_fini(&body);
    return e;
}

enum err notice_open(struct notice *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES])
{
    struct bytes payload;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_NOTICE, hub_sign)) != OK)
        return e;
    if ((e = read_notice(out, payload)) != OK)
        notice_fini(out);
    return e;
}

const char *standing_name(unsigned standing)
{
    static const char *const names[] = {"counted",  "superseded", "duplicate", "quarantined",
                                        "rejected", "erased",     "corrected"};

    return standing < sizeof(names) / sizeof(names[0]) ? names[standing] : "other"; /* a later hub's word */
}
