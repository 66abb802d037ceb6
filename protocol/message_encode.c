#include "protocol/message.h"

#include "protocol/fields.h"
#include "protocol/message_fields.h"

/* Opens the frame's array; the type is its first field. */
static void put_type(struct buf *b, size_t fields, enum message_type type)
{
    mp_put_array(b, fields);
    mp_put_uint(b, type);
}

static void put_loan(struct buf *b, struct bytes loan)
{
    mp_put_bin(b, loan.p, loan.len);
}

/* Each of the later fields stands behind the one before it. */
static unsigned hello_more(const struct msg_hello *h)
{
    if (!h->takes_words)
        return 0;
    if (!h->says_elsewhere)
        return HELLO_WORDS;
    return h->says_known ? HELLO_KNOWN : HELLO_ELSEWHERE;
}

static void put_hello(struct buf *b, const struct msg_hello *h)
{
    put_type(b, HELLO_FIELDS + hello_more(h), MSG_HELLO);
    mp_put_uint(b, h->version_min);
    mp_put_uint(b, h->version_max);
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_cstr(b, h->participant);
    fields_put_generation(b, &h->gen);
    mp_put_cstr(b, h->software);
    mp_put_int(b, h->agent_ms);
    mp_put_uint(b, h->directory_version);
    mp_put_uint(b, h->grant_version);
    mp_put_uint(b, h->first_held);
    mp_put_uint(b, h->last_sealed);
    mp_put_uint(b, h->receipted);
    mp_put_uint(b, h->archived);
    mp_put_bin(b, h->head, DIGEST_BYTES);
    mp_put_uint(b, h->waiting_bytes);
    mp_put_uint(b, h->waiting_records);
    mp_put_array(b, h->offer_count);
    for (uint32_t i = 0; i < h->offer_count; i++) {
        mp_put_array(b, OFFER_FIELDS);
        mp_put_uint(b, h->offers[i].sequence);
        mp_put_uint(b, h->offers[i].length);
        mp_put_bin(b, h->offers[i].digest, DIGEST_BYTES);
    }
    put_loan(b, h->enrol);
    if (h->takes_words)
        mp_put_uint(b, h->words_held);
    if (h->takes_words && h->says_elsewhere)
        mp_put_uint(b, h->waiting_elsewhere);
    if (hello_more(h) == HELLO_KNOWN)
        mp_put_uint(b, h->words_known);
}

static void put_welcome(struct buf *b, const struct msg_welcome *w)
{
    put_type(b, WELCOME_FIELDS + (w->last_word > 0 ? WELCOME_WORDS : 0), MSG_WELCOME);
    mp_put_uint(b, w->version);
    mp_put_uint(b, w->go);
    mp_put_uint(b, w->later_seconds);
    mp_put_int(b, w->hub_ms);
    mp_put_uint(b, w->next_sequence);
    mp_put_uint(b, w->held_last);
    fields_put_ranges(b, w->gaps, w->gap_count);
    mp_put_uint(b, w->resume_sequence);
    mp_put_uint(b, w->resume_offset);
    mp_put_bin(b, w->resume_digest, DIGEST_BYTES);
    mp_put_uint(b, w->credit);
    mp_put_uint(b, w->chunk);
    put_loan(b, w->directory);
    put_loan(b, w->grant);
    if (w->last_word > 0)
        mp_put_uint(b, w->last_word);
}

static void put_chunk(struct buf *b, const struct msg_chunk *c)
{
    put_type(b, CHUNK_FIELDS, MSG_CHUNK);
    mp_put_uint(b, c->sequence);
    mp_put_bin(b, c->digest, DIGEST_BYTES);
    mp_put_uint(b, c->total);
    mp_put_uint(b, c->offset);
    put_loan(b, c->data);
}

static void put_ack(struct buf *b, const struct msg_ack *a)
{
    put_type(b, ACK_FIELDS, MSG_ACK);
    mp_put_uint(b, a->sequence);
    mp_put_uint(b, a->offset);
    mp_put_uint(b, a->credit);
}

static void put_reconcile(struct buf *b, const struct msg_reconcile *r)
{
    put_type(b, RECONCILE_FIELDS, MSG_RECONCILE);
    fields_put_generation(b, &r->gen);
    mp_put_uint(b, r->from);
}

static void put_get(struct buf *b, const struct msg_get *g)
{
    put_type(b, GET_FIELDS, MSG_GET);
    mp_put_bin(b, g->digest, DIGEST_BYTES);
    mp_put_uint(b, g->offset);
}

static void put_object(struct buf *b, const struct msg_object *o)
{
    put_type(b, OBJECT_FIELDS, MSG_OBJECT);
    mp_put_bin(b, o->digest, DIGEST_BYTES);
    mp_put_uint(b, o->total);
    mp_put_uint(b, o->offset);
    put_loan(b, o->data);
}

static void put_error(struct buf *b, const struct msg_error *e)
{
    put_type(b, ERROR_FIELDS, MSG_ERROR);
    mp_put_uint(b, e->code);
    mp_put_uint(b, e->seconds);
    mp_put_cstr(b, e->text);
}

static enum err put_message(struct buf *b, const struct message *m)
{
    switch (m->type) {
    case MSG_HELLO: put_hello(b, &m->as.hello); break;
    case MSG_WELCOME: put_welcome(b, &m->as.welcome); break;
    case MSG_CHUNK: put_chunk(b, &m->as.chunk); break;
    case MSG_ACK: put_ack(b, &m->as.ack); break;
    case MSG_RECEIPT:
    case MSG_RECONCILE_REPLY:
    case MSG_WORD:
        put_type(b, SIGNED_FIELDS, m->type);
        put_loan(b, m->as.signed_object);
        break;
    case MSG_RECONCILE: put_reconcile(b, &m->as.reconcile); break;
    case MSG_GET: put_get(b, &m->as.get); break;
    case MSG_OBJECT: put_object(b, &m->as.object); break;
    case MSG_BYE: put_type(b, BYE_FIELDS, MSG_BYE); break;
    case MSG_ERROR: put_error(b, &m->as.error); break;
    }
    return buf_status(b);
}

enum err message_encode(struct buf *out, const struct message *m)
{
    size_t start = out->len;
    struct message again;
    enum err e;

    if (m->type < MSG_HELLO || m->type > MSG_WORD)
        return err_set(ERR_INTERNAL, "message: there is no type %u", (unsigned)m->type);
    if ((m->type == MSG_HELLO && m->as.hello.offer_count > HELLO_MAX_OFFERS) ||
        (m->type == MSG_WELCOME && m->as.welcome.gap_count > WELCOME_MAX_GAPS))
        return err_set(ERR_INVALID, "%s: more offers or gaps than fit", message_type_name(m->type));
    if ((e = put_message(out, m)) != OK)
        goto undo;
    /* The peer's reader is ours: what it would refuse never leaves. */
    if (message_decode(&again, bytes_of(out->data + start, out->len - start)) != OK) {
        e = err_prefix(ERR_INVALID, "a message that nobody could read");
        goto undo;
    }
    return OK;
undo:
    out->len = start;
    return e;
}
