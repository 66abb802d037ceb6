#include "protocol/message.h"

#include "protocol/fields.h"
#include "protocol/message_fields.h"

#include <string.h>

/* Every reader below comes after the array's head and the type; the caller skips unknown fields and checks the end. */

static void read_offers(struct mp *m, struct msg_hello *h)
{
    size_t count = mp_array(m, 0, HELLO_MAX_OFFERS);
    uint64_t above = 0;

    for (size_t i = 0; i < count && !m->failed; i++) {
        struct offer *o = &h->offers[i];
        size_t unknown = fields_begin(m, OFFER_FIELDS);

        o->sequence = fields_u64(m, 1, UINT64_MAX);
        o->length = fields_u32(m, 1, BATCH_MAX_SEALED);
        mp_bin_exact(m, o->digest, DIGEST_BYTES);
        fields_end(m, unknown);
        if (o->sequence <= above || o->sequence > h->last_sealed)
            m->failed = true;
        above = o->sequence;
    }
    h->offer_count = (uint32_t)count;
}

/* The first two numbers keep their place in all versions.  False: no version in common, the rest is not read. */
static bool read_versions(struct mp *m, struct msg_hello *h)
{
    h->version_min = fields_u32(m, 1, UINT32_MAX);
    h->version_max = fields_u32(m, 1, UINT32_MAX);
    if (h->version_min > h->version_max)
        m->failed = true;
    return m->failed || (h->version_min <= MESSAGE_VERSION_MAX && h->version_max >= MESSAGE_VERSION_MIN);
}

/* Returns how many of the `more` fields behind the known ones it has read. */
static size_t read_hello(struct mp *m, struct msg_hello *h, size_t more)
{
    mp_bin_exact(m, h->district, sizeof(h->district));
    fields_id(m, h->participant);
    fields_generation(m, &h->gen);
    mp_text(m, h->software, 0, sizeof(h->software) - 1);
    h->agent_ms = fields_time(m);
    h->directory_version = fields_u64(m, 0, UINT64_MAX);
    h->grant_version = fields_u64(m, 0, UINT64_MAX);
    h->first_held = fields_u64(m, 0, UINT64_MAX);
    h->last_sealed = fields_u64(m, h->first_held, UINT64_MAX);
    h->receipted = fields_u64(m, 0, h->last_sealed);
    h->archived = fields_u64(m, 0, h->receipted);
    mp_bin_exact(m, h->head, DIGEST_BYTES);
    h->waiting_bytes = fields_u64(m, 0, UINT64_MAX);
    h->waiting_records = fields_u64(m, 0, UINT64_MAX);
    read_offers(m, h);
    h->enrol = mp_bin(m, ENROL_MAX);
    h->takes_words = more >= HELLO_WORDS;
    if (!h->takes_words)
        return 0;
    h->words_held = fields_u64(m, 0, UINT64_MAX);
    h->words_known = SIGNED_HISTORY; /* of agents of before */
    h->says_elsewhere = more >= HELLO_ELSEWHERE;
    if (!h->says_elsewhere)
        return HELLO_WORDS;
    h->waiting_elsewhere = fields_u64(m, 0, UINT64_MAX);
    h->says_known = more >= HELLO_KNOWN;
    if (!h->says_known)
        return HELLO_ELSEWHERE;
    h->words_known = fields_u32(m, SIGNED_HISTORY, UINT8_MAX);
    return HELLO_KNOWN;
}

static size_t read_welcome(struct mp *m, struct msg_welcome *w, size_t more)
{
    w->version = fields_u32(m, MESSAGE_VERSION_MIN, MESSAGE_VERSION_MAX);
    w->go = (enum welcome_go)fields_u32(m, WELCOME_GO, WELCOME_RECONCILE);
    w->later_seconds = fields_u32(m, 0, LATER_MAX_SECONDS);
    w->hub_ms = fields_time(m);
    w->next_sequence = fields_u64(m, w->go == WELCOME_GO ? 1 : 0, UINT64_MAX);
    w->held_last = fields_u64(m, 0, UINT64_MAX);
    w->gap_count = fields_ranges(m, w->gaps, WELCOME_MAX_GAPS);
    w->resume_sequence = fields_u64(m, 0, UINT64_MAX);
    w->resume_offset = fields_u32(m, 0, BATCH_MAX_SEALED);
    mp_bin_exact(m, w->resume_digest, DIGEST_BYTES);
    w->credit = fields_u32(m, 0, CREDIT_MAX);
    w->chunk = fields_u32(m, w->go == WELCOME_GO ? 1 : 0, CHUNK_MAX);
    w->directory = mp_bin(m, SIGNED_MAX);
    w->grant = mp_bin(m, SIGNED_MAX);
    if (!m->failed && w->gap_count > 0) {
        const struct number_range *last = &w->gaps[w->gap_count - 1];

        if (w->gaps[0].first < w->next_sequence || last->first + (last->count - 1) >= w->held_last)
            m->failed = true;
    }
    if (more < WELCOME_WORDS)
        return 0;
    w->last_word = fields_u64(m, 0, UINT64_MAX);
    return WELCOME_WORDS;
}

static void read_chunk(struct mp *m, struct msg_chunk *c)
{
    c->sequence = fields_u64(m, 1, UINT64_MAX);
    mp_bin_exact(m, c->digest, DIGEST_BYTES);
    c->total = fields_u32(m, 1, BATCH_MAX_SEALED);
    c->offset = fields_u32(m, 0, BATCH_MAX_SEALED);
    c->data = mp_bin(m, CHUNK_MAX);
    if (c->data.len == 0 || c->offset > c->total || c->data.len > c->total - c->offset)
        m->failed = true;
}

static void read_ack(struct mp *m, struct msg_ack *a)
{
    a->sequence = fields_u64(m, 1, UINT64_MAX);
    a->offset = fields_u32(m, 0, BATCH_MAX_SEALED);
    a->credit = fields_u32(m, 0, CREDIT_MAX);
}

static void read_signed(struct mp *m, struct bytes *object)
{
    *object = mp_bin(m, SIGNED_MAX);
    if (object->len < SIGNED_OVERHEAD)
        m->failed = true;
}

static void read_reconcile(struct mp *m, struct msg_reconcile *r)
{
    fields_generation(m, &r->gen);
    r->from = fields_u64(m, 1, UINT64_MAX);
}

static void read_get(struct mp *m, struct msg_get *g)
{
    mp_bin_exact(m, g->digest, DIGEST_BYTES);
    g->offset = fields_u32(m, 0, DIRECTORY_OBJECT_MAX - 1);
}

/* A piece has at least one byte; only the answer "I do not have it" has none. */
static void read_object(struct mp *m, struct msg_object *o)
{
    mp_bin_exact(m, o->digest, DIGEST_BYTES);
    o->total = fields_u32(m, 0, DIRECTORY_OBJECT_MAX);
    o->offset = fields_u32(m, 0, DIRECTORY_OBJECT_MAX);
    o->data = mp_bin(m, CHUNK_MAX);
    if (o->offset > o->total || o->data.len > o->total - o->offset || (o->data.len == 0) != (o->total == 0))
        m->failed = true;
}

static void read_error(struct mp *m, struct msg_error *e)
{
    uint32_t code = fields_u32(m, 1, UINT32_MAX);

    e->code = code <= MERR_LAST ? (enum message_error)code : MERR_INTERNAL; /* a later hub's word */
    e->seconds = fields_u32(m, 0, LATER_MAX_SECONDS);
    mp_text(m, e->text, 0, RECEIPT_TEXT_MAX);
}

/* False: the type is not known. */
static bool fields_of(uint64_t type, size_t *known, size_t *max_bytes)
{
    *max_bytes = MESSAGE_MAX_DOWN;
    switch (type) {
    case MSG_HELLO: *known = HELLO_FIELDS; break;
    case MSG_CHUNK: *known = CHUNK_FIELDS; break;
    case MSG_RECONCILE: *known = RECONCILE_FIELDS; break;
    case MSG_GET: *known = GET_FIELDS; break;
    case MSG_BYE: *known = BYE_FIELDS; break;
    case MSG_WELCOME: *known = WELCOME_FIELDS; return true;
    case MSG_ACK: *known = ACK_FIELDS; return true;
    case MSG_RECEIPT:
    case MSG_RECONCILE_REPLY:
    case MSG_WORD: *known = SIGNED_FIELDS; return true;
    case MSG_OBJECT: *known = OBJECT_FIELDS; return true;
    case MSG_ERROR: *known = ERROR_FIELDS; return true;
    default: return false; /* a number from outside, not one of our enum */
    }
    *max_bytes = MESSAGE_MAX_UP;
    return true;
}

static size_t read_fields(struct mp *m, struct message *out, size_t more)
{
    size_t taken = 0;

    switch (out->type) {
    case MSG_HELLO: taken = read_hello(m, &out->as.hello, more); break;
    case MSG_WELCOME: taken = read_welcome(m, &out->as.welcome, more); break;
    case MSG_CHUNK: read_chunk(m, &out->as.chunk); break;
    case MSG_ACK: read_ack(m, &out->as.ack); break;
    case MSG_RECEIPT:
    case MSG_RECONCILE_REPLY:
    case MSG_WORD: read_signed(m, &out->as.signed_object); break;
    case MSG_RECONCILE: read_reconcile(m, &out->as.reconcile); break;
    case MSG_GET: read_get(m, &out->as.get); break;
    case MSG_OBJECT: read_object(m, &out->as.object); break;
    case MSG_BYE: break;
    case MSG_ERROR: read_error(m, &out->as.error); break;
    }
    return taken;
}

enum err message_decode(struct message *out, struct bytes in)
{
    struct mp m = mp_of(in);
    size_t count, known, max_bytes;
    uint64_t type;

    memset(out, 0, sizeof(*out));
    if (in.len > MESSAGE_MAX_DOWN)
        return err_set(ERR_LIMIT, "message: %zu bytes, the limit is %u", in.len, MESSAGE_MAX_DOWN);
    count = mp_array(&m, 1, FIELDS_MAX);
    type = mp_uint(&m, UINT32_MAX);
    if (m.failed)
        return err_set(ERR_MALFORMED, "message: is not an array of 1 to %u fields that begins with a type", FIELDS_MAX);
    if (!fields_of(type, &known, &max_bytes))
        return err_set(ERR_VERSION, "message: type %u is not known to this program", (unsigned)type);
    out->type = (enum message_type)type;
    if (in.len > max_bytes)
        return err_set(ERR_LIMIT, "%s: %zu bytes, the limit is %zu", message_type_name(out->type), in.len, max_bytes);
    if (type == MSG_HELLO && !read_versions(&m, &out->as.hello))
        return err_set(ERR_VERSION, "HELLO: speaks versions %u to %u, this program %u to %u", out->as.hello.version_min,
                       out->as.hello.version_max, MESSAGE_VERSION_MIN, MESSAGE_VERSION_MAX);
    if (count < known)
        return err_set(ERR_MALFORMED, "%s: has %zu fields, at least %zu expected", message_type_name(out->type), count,
                       known);
    known += read_fields(&m, out, count - known);
    mp_skip(&m, count - known);
    return fields_done(&m, message_type_name(out->type));
}
