#include "agent/sync_internal.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>
#include <string.h>

#define RECEIPTS_AT_ONCE 1024u /* that a hub sends unasked */

/* ---- sync.max_rate: a bucket that one second fills ---- */

static int64_t wait_for_tokens(struct meeting *m, uint32_t len)
{
    double rate = (double)m->a->conf.max_rate;
    double room = rate > len ? rate : len;
    int64_t now = clock_mono_ms();

    if (m->a->conf.max_rate == 0)
        return 0;
    m->tokens += rate * (double)(now - m->tokens_ms) / 1000.0;
    m->tokens_ms = now;
    if (m->tokens > room)
        m->tokens = room;
    return m->tokens >= len ? 0 : (int64_t)(((double)len - m->tokens) * 1000.0 / rate) + 1;
}

/* Waits until `len` more bytes may leave: within credit and rate.  Reads what comes meanwhile. */
static enum err wait_for_room(struct meeting *m, const struct sent *s, uint32_t len)
{
    uint64_t sequence = s->sequence;
    enum err e = OK;

    while (e == OK) {
        const struct sent *now = meeting_find_sent(m, sequence);
        int64_t wait = wait_for_tokens(m, len);
        bool has_credit = m->sent_total + len - m->acked_total <= line_window(&m->line, m->credit);

        if (now == NULL || now->has_receipt || (has_credit && wait == 0))
            return OK;
        /* With credit only the rate holds us back: that is no silence of the hub's. */
        if (has_credit)
            meeting_progress(m);
        e = meeting_pump(m, has_credit && wait < STEP_MS ? wait : STEP_MS);
    }
    return e;
}

/* ---- one batch ---- */

static enum err remember(struct meeting *m, const struct batch_state *b, uint32_t offset)
{
    if (m->sent_count == m->sent_cap) {
        size_t cap = m->sent_cap == 0 ? 16 : m->sent_cap * 2;
        struct sent *grown = realloc(m->sent, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        m->sent = grown;
        m->sent_cap = cap;
    }
    m->sent[m->sent_count++] = (struct sent){b->sequence, m->sent_total - offset, m->sent_total, false};
    return OK;
}

static uint32_t resume_at(struct meeting *m, const struct batch_state *b)
{
    const struct msg_welcome *w = &m->welcome;

    if (w->resume_sequence != b->sequence || !digest_equal(w->resume_digest, b->digest) || w->resume_offset == 0 ||
        w->resume_offset >= b->length)
        return 0;
    log_notice("sync: resumed batch %llu at offset %u", (unsigned long long)b->sequence, w->resume_offset);
    m->out->resumed++;
    m->out->resumed_sequence = b->sequence;
    m->out->resumed_offset = w->resume_offset;
    return w->resume_offset;
}

static uint32_t chunk_size(const struct meeting *m)
{
    uint32_t most = m->welcome.chunk < (uint32_t)m->a->conf.chunk ? m->welcome.chunk : (uint32_t)m->a->conf.chunk;
    uint32_t size = line_chunk(&m->line, most);

    return size < m->credit || m->credit == 0 ? size : m->credit;
}

static enum err send_chunk(struct meeting *m, const struct batch_state *b, uint32_t offset, const struct buf *data)
{
    struct message out = {.type = MSG_CHUNK};
    enum err e;

    out.as.chunk.sequence = b->sequence;
    memcpy(out.as.chunk.digest, b->digest, DIGEST_BYTES);
    out.as.chunk.total = b->length;
    out.as.chunk.offset = offset;
    out.as.chunk.data = bytes_of(data->data, data->len);
    if ((e = meeting_send(m, &out)) != OK)
        return e;
    m->tokens -= (double)data->len;
    m->sent_total += (int64_t)data->len;
    line_sent(&m->line, m->sent_total, clock_mono_ms());
    m->out->bytes += data->len;
    return OK;
}

/* *is_over: no more of it may be sent in this pass; what the hub has of it stays there, and is not waited for. */
static enum err send_batch(struct meeting *m, const struct batch_state *b, bool *is_over)
{
    uint32_t offset = resume_at(m, b);
    struct sent *s;
    struct buf data;
    enum err e = remember(m, b, offset);

    buf_init(&data, CHUNK_MAX);
    while (e == OK && offset < b->length) {
        uint32_t size = chunk_size(m);
        uint32_t len = size < b->length - offset ? size : b->length - offset;

        if (len > m->most - m->out->bytes) {
            *is_over = m->out->limited = true;
            m->sent_count--;
            break;
        }
        s = meeting_find_sent(m, b->sequence);
        if ((e = wait_for_room(m, s, len)) != OK)
            break;
        s = meeting_find_sent(m, b->sequence);
        if (s->has_receipt) /* the hub had it from elsewhere: enough of it */
            break;
        buf_reset(&data);
        if ((e = queue_batch_bytes(m->a, b, offset, len, &data)) != OK || (e = send_chunk(m, b, offset, &data)) != OK)
            break;
        offset += len;
        s->end = m->sent_total;
        if ((e = meeting_pump(m, 0)) != OK)
            break;
    }
    buf_fini(&data);
    if (e == OK && !*is_over) {
        m->out->batches++;
        m->out->records += b->records;
    }
    return e;
}

/* ---- which ---- */

static bool is_wanted(const struct msg_welcome *w, uint64_t sequence)
{
    if (sequence > w->held_last)
        return sequence >= w->next_sequence;
    for (uint32_t i = 0; i < w->gap_count; i++)
        if (sequence >= w->gaps[i].first && sequence - w->gaps[i].first < w->gaps[i].count)
            return true;
    return false;
}

static enum err wait_for_receipts(struct meeting *m)
{
    enum err e = OK;

    while (e == OK) {
        bool all = true;

        for (size_t i = 0; i < m->sent_count && all; i++)
            all = m->sent[i].has_receipt;
        if (all)
            return OK;
        e = meeting_pump(m, STEP_MS);
    }
    return e;
}

/* What the hub holds and we have no receipt for: it sends that unasked, and before anything else. */
static enum err wait_for_lost_receipts(struct meeting *m)
{
    struct queue_chain chain;
    enum err e = OK;

    while (e == OK && (e = queue_chain(m->a, &m->gen, &chain)) == OK) {
        struct batch_state b;
        bool is_owed = false;

        for (e = queue_batch(m->a, &m->gen, chain.receipted + 1, &b); e == OK && !is_owed;
             e = queue_batch(m->a, &m->gen, b.sequence + 1, &b))
            is_owed = b.life == BATCH_SEALED && !is_wanted(&m->welcome, b.sequence);
        if (e != OK && e != ERR_NOT_FOUND)
            return e;
        if (!is_owed || m->out->receipts >= RECEIPTS_AT_ONCE) /* the rest in the next meeting */
            return OK;
        e = meeting_pump(m, STEP_MS);
    }
    return e;
}

enum err meeting_deliver(struct meeting *m)
{
    struct batch_state b;
    bool is_over = false;
    enum err found;
    enum err e = OK;

    for (found = queue_batch(m->a, &m->gen, 0, &b); found == OK && e == OK && !is_over;
         found = queue_batch(m->a, &m->gen, b.sequence + 1, &b)) {
        if (!is_wanted(&m->welcome, b.sequence))
            continue;
        if (b.life != BATCH_SEALED) {
            log_notice("sync: the hub does not hold batch %llu any more; it is sent again",
                       (unsigned long long)b.sequence);
            if ((e = queue_send_again(m->a, &b)) != OK)
                break;
        }
        e = send_batch(m, &b, &is_over);
    }
    if (e == OK && found != OK && found != ERR_NOT_FOUND)
        e = found;
    if (e == OK)
        e = wait_for_receipts(m);
    return e == OK ? wait_for_lost_receipts(m) : e;
}
