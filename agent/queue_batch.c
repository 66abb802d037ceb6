#include "agent/queue_internal.h"

#include "agent/standing.h"
#include "common/cli.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- sealing ---- */

struct sealer {
    struct agent *a;
    struct batch_maker *maker;
    struct queue_reader *reader;
    struct buf bytes;
    struct gen_row row;
    const struct form *form; /* of the last record */
    uint64_t *numbers;       /* of what is in the maker */
    uint32_t count;
    struct queue_item held; /* did not fit into the last batch */
    bool has_held;
};

static enum err sealer_new(struct sealer **out, struct agent *a)
{
    struct batch_limits limits = {(size_t)a->conf.batch_sealed, (size_t)a->conf.batch_plain,
                                  (size_t)a->conf.batch_records};
    struct sealer *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return ERR_NOMEM;
    s->a = a;
    buf_init(&s->bytes, BATCH_MAX_SEALED);
    s->numbers = malloc(BATCH_MAX_RECORDS * sizeof(*s->numbers));
    e = s->numbers == NULL ? ERR_NOMEM : batch_maker_new(&s->maker, &limits);
    if (e != OK) {
        free(s->numbers);
        free(s);
        return e;
    }
    *out = s;
    return OK;
}

static void sealer_free(struct sealer *s)
{
    queue_reader_close(s->reader);
    batch_maker_free(s->maker);
    buf_fini(&s->bytes);
    free(s->numbers);
    free(s);
}

/* The retention class of a record's form.  A form that is no longer held goes under "default". */
static enum err retention_of(struct sealer *s, struct bytes record, const char **out)
{
    struct record head;
    enum err e = record_decode_head(&head, record);

    if (e != OK)
        return err_prefix(ERR_CORRUPT, _("a submission in the queue"));
    if (s->form == NULL || memcmp(s->form->digest, head.form, FORM_DIGEST_BYTES) != 0)
        s->form = agent_form_by_digest(s->a, head.form);
    *out = s->form != NULL ? s->form->retention : "default";
    return OK;
}

static enum err add_item(struct sealer *s, const struct queue_item *item)
{
    const char *retention = NULL;
    enum err e = retention_of(s, item->record, &retention);

    if (e == OK)
        e = batch_maker_add(s->maker, item->ref.number, retention, item->record);
    if (e == OK)
        s->numbers[s->count++] = item->ref.number;
    return e;
}

static enum err restart_reader(struct sealer *s)
{
    struct record_ref from = {s->row.gen, s->row.sealed + 1};

    queue_reader_close(s->reader);
    s->reader = NULL;
    s->has_held = false;
    return queue_reader_open(&s->reader, s->a, &from);
}

/* Fills the maker from the queue.  ERR_NOT_FOUND: nothing waits. */
static enum err fill(struct sealer *s)
{
    enum err e = OK;

    batch_maker_reset(s->maker);
    s->count = 0;
    if (s->has_held && (e = add_item(s, &s->held)) != OK)
        return e;
    s->has_held = false;
    while (s->count < BATCH_MAX_RECORDS && (e = queue_reader_next(s->reader, &s->held)) == OK) {
        if (generation_compare(&s->held.ref.gen, &s->row.gen) != 0 || s->held.ref.number > s->row.end) {
            e = ERR_NOT_FOUND;
            break;
        }
        if ((e = add_item(s, &s->held)) != OK)
            break;
    }
    if (e == ERR_FULL && s->count > 0) {
        s->has_held = true; /* its bytes stay valid until the reader's next step */
        return OK;
    }
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    return s->count > 0 ? OK : ERR_NOT_FOUND;
}

static enum err put_chunks(struct store_txn *t, const struct batch_state *b, const struct buf *bytes)
{
    uint8_t key[CHUNK_KEY];
    enum err e = OK;

    page_key(key, &b->gen, b->sequence);
    for (uint32_t i = 0; (size_t)i * AGENT_CHUNK_BYTES < bytes->len && e == OK; i++) {
        size_t at = (size_t)i * AGENT_CHUNK_BYTES;
        size_t len = bytes->len - at < AGENT_CHUNK_BYTES ? bytes->len - at : AGENT_CHUNK_BYTES;

        be32_put(key + PAGE_KEY, i);
        e = store_put(t, T_CHUNKS, bytes_of(key, sizeof(key)), bytes_of(bytes->data + at, len));
    }
    return e;
}

/* Chunks, row and the queue's state in one transaction: sealed once, or not yet. */
static enum err store_batch(struct sealer *s, const struct batch_state *b)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    enum err e = store_begin_write(s->a->store, &t);

    if (e != OK)
        return e;
    store_use_reserve(t); /* sending is the way out of a full store */
    if ((e = gen_row_get(t, &b->gen, &row)) == OK && row.sequence != s->row.sequence)
        e = err_set(ERR_BUSY, _("another program sealed a batch of this queue at the same time"));
    row.sealed = b->last_number;
    row.sequence = b->sequence;
    memcpy(row.head, b->digest, DIGEST_BYTES);
    if (e != OK || (e = put_chunks(t, b, &s->bytes)) != OK || (e = batch_row_put(t, b, bytes_of("", 0))) != OK ||
        (e = gen_row_put(t, &row)) != OK) {
        store_abort(t);
        return e;
    }
    if ((e = store_commit(t)) == OK)
        s->row = row;
    return e;
}

static enum err seal_one(struct sealer *s)
{
    struct batch_seal seal = {.participant = s->a->grant->participant,
                              .gen = s->row.gen,
                              .sequence = s->row.sequence + 1,
                              .sign = s->a->sign,
                              .closed_ms = clock_wall_ms()};
    struct batch_state b = {.gen = s->row.gen, .sequence = s->row.sequence + 1, .life = BATCH_SEALED};
    uint32_t taken = 0;
    enum err e;

    memcpy(seal.district, s->a->directory->district, sizeof(seal.district));
    memcpy(seal.previous, s->row.head, DIGEST_BYTES);
    if ((e = directory_current_seal_key(s->a->directory, seal.seal_to)) != OK)
        return e;
    buf_reset(&s->bytes);
    if ((e = batch_maker_seal(s->maker, &seal, &s->bytes, &taken)) != OK)
        return e;
    memcpy(b.seal_key, seal.seal_to, KEY_BYTES);
    b.first_number = s->numbers[0];
    b.last_number = s->numbers[taken - 1];
    b.records = taken;
    b.length = (uint32_t)s->bytes.len;
    b.sealed_ms = seal.closed_ms;
    batch_digest(b.digest, bytes_of(s->bytes.data, s->bytes.len));
    if ((e = store_batch(s, &b)) != OK)
        return e;
    return taken < s->count ? restart_reader(s) : OK;
}

enum err queue_seal(struct agent *a, uint64_t *sealed)
{
    struct sealer *s = NULL;
    struct store_txn *t = NULL;
    enum err e;

    *sealed = 0;
    if ((e = store_begin_read(a->store, &t)) != OK)
        return e;
    e = agent_read_generation(a, t);
    if (e == OK && (e = sealer_new(&s, a)) == OK)
        e = gen_row_get(t, &a->gen, &s->row);
    store_abort(t);
    if (e == OK && s->row.sealed < s->row.end) {
        e = restart_reader(s);
        while (e == OK && (e = fill(s)) == OK && (e = seal_one(s)) == OK)
            (*sealed)++;
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    if (s != NULL)
        sealer_free(s);
    return e;
}

/* ---- looking at batches ---- */

enum err queue_batch(const struct agent *a, const struct generation *gen, uint64_t from, struct batch_state *out)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    e = batch_row_at(t, gen, from, out, NULL);
    store_abort(t);
    return e;
}

enum err queue_batch_bytes(const struct agent *a, const struct batch_state *b, uint32_t offset, uint32_t len,
                           struct buf *out)
{
    struct store_txn *t = NULL;
    uint8_t key[CHUNK_KEY];
    uint64_t end = (uint64_t)offset + len < b->length ? (uint64_t)offset + len : b->length;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    page_key(key, &b->gen, b->sequence);
    for (uint64_t at = offset; at < end && e == OK;) {
        uint64_t inside = at % AGENT_CHUNK_BYTES;
        struct bytes chunk;
        uint64_t take;

        be32_put(key + PAGE_KEY, (uint32_t)(at / AGENT_CHUNK_BYTES));
        e = store_get(t, T_CHUNKS, bytes_of(key, sizeof(key)), &chunk);
        if (e != OK || chunk.len <= inside) {
            e = err_set(ERR_CORRUPT, _("batch %llu is not whole any more"), (unsigned long long)b->sequence);
            break;
        }
        take = chunk.len - inside < end - at ? chunk.len - inside : end - at;
        buf_put(out, chunk.p + inside, (size_t)take);
        at += take;
    }
    store_abort(t);
    return e == OK ? buf_status(out) : e;
}

enum err queue_generations(const struct agent *a, struct generation *out, size_t max, size_t *count)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    struct batch_state b;
    bool has_current = false;
    enum err e = store_begin_read(a->store, &t);

    *count = 0;
    if (e != OK)
        return e;
    for (e = gen_row_next(t, NULL, &row); e == OK && *count + 1 < max; e = gen_row_next(t, &row.gen, &row)) {
        bool is_open = generation_compare(&row.gen, &a->gen) == 0;
        enum err found = batch_row_at(t, &row.gen, 0, &b, NULL);

        for (; found == OK && !is_open; found = batch_row_at(t, &row.gen, b.sequence + 1, &b, NULL))
            is_open = b.life != BATCH_ARCHIVED;
        has_current = has_current || generation_compare(&row.gen, &a->gen) == 0;
        if (is_open)
            out[(*count)++] = row.gen;
    }
    if (!has_current && *count < max) /* nothing was queued in it yet */
        out[(*count)++] = a->gen;
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* One batch's part in queue_chain(); the two flags say whether all before it were receipted, and archived. */
static void chain_batch(struct queue_chain *out, const struct batch_state *b, bool *receipted, bool *archived)
{
    if (out->first_held == 0)
        out->first_held = b->sequence;
    if (b->life == BATCH_SEALED) {
        out->waiting_bytes += b->length;
        out->waiting_records += b->records;
    }
    if (*receipted && b->life == BATCH_SEALED) {
        out->receipted = b->sequence - 1;
        *receipted = false;
    }
    /* What was refused is never archived; it must not keep the hub saying so of all that follow. */
    if (*archived && b->life != BATCH_ARCHIVED && b->life != BATCH_REFUSED) {
        out->archived = b->sequence - 1;
        *archived = false;
    }
}

enum err queue_chain(const struct agent *a, const struct generation *gen, struct queue_chain *out)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    struct batch_state b;
    bool receipted = true;
    bool archived = true;
    enum err e = store_begin_read(a->store, &t);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    if ((e = gen_row_get(t, gen, &row)) == OK) {
        out->last_sealed = row.sequence;
        memcpy(out->head, row.head, DIGEST_BYTES);
        out->receipted = out->archived = row.sequence;
        out->waiting_records = row.end - row.sealed;
        for (e = batch_row_at(t, gen, 0, &b, NULL); e == OK; e = batch_row_at(t, gen, b.sequence + 1, &b, NULL))
            chain_batch(out, &b, &receipted, &archived);
    }
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err queue_send_again(struct agent *a, const struct batch_state *b)
{
    struct store_txn *t = NULL;
    struct batch_state now;
    enum err e = store_begin_write(a->store, &t);

    if (e != OK)
        return e;
    if ((e = batch_row_at(t, &b->gen, b->sequence, &now, NULL)) == OK && now.sequence == b->sequence) {
        now.life = BATCH_SEALED;
        now.receipt_ms = 0;
        /* What the hub had said of its submissions went with the batch; it judges them anew. */
        if ((e = batch_row_put(t, &now, bytes_of("", 0))) == OK && (e = leftover_begin_again(t, NULL)) == OK &&
            (e = standing_forget(a, t, &b->gen, now.first_number, now.last_number)) == OK)
            return store_commit(t);
    }
    store_abort(t);
    return e;
}

static void count_batch(struct queue_status *out, const struct batch_state *b)
{
    switch (b->life) {
    case BATCH_SEALED:
        out->sealed += b->records;
        out->waiting_bytes += b->length;
        out->batches_open++;
        break;
    case BATCH_STORED: out->stored += b->records; break;
    case BATCH_ARCHIVED: out->archived += b->records; break;
    case BATCH_REFUSED: out->refused += b->records; break;
    }
    if (b->receipt_ms > out->last_receipt_ms)
        out->last_receipt_ms = b->receipt_ms;
}

enum err queue_status(const struct agent *a, struct queue_status *out)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct gen_row row;
    struct bytes key;
    struct bytes value;
    struct standing_counts said;
    enum err e = store_begin_read(a->store, &t);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    if ((e = gen_row_get(t, &a->gen, &row)) == OK && (e = store_cursor_open(t, T_BATCHES, &c)) == OK) {
        out->waiting = row.end - row.sealed;
        out->last_number = row.end;
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
            struct batch_state b;

            if ((e = batch_row_read(&b, key, value, NULL)) != OK)
                break;
            count_batch(out, &b);
        }
        store_cursor_close(c);
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    if (e == OK && (e = standing_count(a, t, &said)) == OK) {
        out->refused += said.quarantined;
        out->rejected = said.rejected;
        out->erased = said.erased;
    }
    store_abort(t);
    return e;
}
