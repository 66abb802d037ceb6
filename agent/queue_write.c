#include "agent/queue_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_BYTES (3u << 19) /* a transaction stays this small, so that the agent's memory does */
#define WAIT_MS     30000

struct queue_writer {
    struct agent *a;
    int lock;
    struct store_txn *txn;
    struct page_maker pages;
    struct gen_row row;
    uint64_t next;
    size_t staged;   /* bytes in the open transaction */
    bool has_staged; /* earlier transactions hold pages that are not yet part of the queue */
    bool failed;
};

/* Pages beyond the end were staged by a writer that never committed. */
static enum err drop_staged(struct store_txn *t, const struct gen_row *row)
{
    struct store_cursor *c = NULL;
    uint8_t from[PAGE_KEY];
    struct bytes key;
    struct bytes value;
    enum err e;

    for (;;) {
        uint8_t found[PAGE_KEY];

        if ((e = store_cursor_open(t, T_PAGES, &c)) != OK)
            return e;
        page_key(from, &row->gen, row->end + 1);
        e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
        if (e == OK && (key.len != PAGE_KEY || memcmp(key.p, from, GEN_BYTES) != 0))
            e = ERR_NOT_FOUND;
        if (e == OK)
            memcpy(found, key.p, PAGE_KEY);
        store_cursor_close(c);
        if (e == OK)
            e = store_delete(t, T_PAGES, bytes_of(found, PAGE_KEY));
        if (e != OK)
            return e == ERR_NOT_FOUND ? OK : e;
    }
}

static enum err check_room(const struct agent *a)
{
    struct store_usage u;
    enum err e = store_usage(a->store, &u);

    if (e == OK && u.disk_free_bytes < (uint64_t)a->conf.disk_reserve)
        e = err_set(ERR_FULL,
                    _("the disk is nearly full: %llu MiB are left and %llu MiB are kept in reserve; free some space, "
                      "then try again. Nothing of this was stored, what was stored before is safe"),
                    (unsigned long long)(u.disk_free_bytes >> 20), (unsigned long long)(a->conf.disk_reserve >> 20));
    return e;
}

static enum err begin(struct queue_writer *w)
{
    enum err e;

    if (w->txn != NULL)
        return OK;
    w->staged = 0;
    if ((e = check_room(w->a)) != OK)
        return e;
    return store_begin_write(w->a->store, &w->txn);
}

enum err queue_writer_open(struct queue_writer **out, struct agent *a)
{
    struct queue_writer *w = calloc(1, sizeof(*w));
    enum err e;

    if (w == NULL)
        return ERR_NOMEM;
    w->a = a;
    w->lock = -1;
    page_maker_init(&w->pages, a, &a->gen);
    if ((e = agent_lock_wait(a, "queue.lock", WAIT_MS, &w->lock)) != OK || (e = begin(w)) != OK ||
        (e = agent_read_generation(a, w->txn)) != OK || (e = gen_row_get(w->txn, &a->gen, &w->row)) != OK ||
        (e = drop_staged(w->txn, &w->row)) != OK) {
        queue_writer_close(w);
        return e;
    }
    w->pages.gen = a->gen;
    w->next = w->row.end + 1;
    *out = w;
    return OK;
}

static enum err flush(struct queue_writer *w)
{
    size_t bytes;
    enum err e = begin(w);

    if (e == OK)
        e = page_maker_flush(&w->pages, w->txn, &bytes);
    if (e != OK)
        return e;
    w->staged += bytes;
    if (w->staged < STAGE_BYTES)
        return OK;
    e = store_commit(w->txn); /* durable, but beyond the end: not yet part of the queue */
    w->txn = NULL;
    w->has_staged = true;
    return e;
}

enum err queue_writer_add(struct queue_writer *w, struct bytes record, uint64_t *number)
{
    enum err e = OK;

    if (w->failed)
        return err_set(ERR_FULL, _("an earlier record could not be stored"));
    if (record.len == 0 || record.len > RECORD_MAX)
        return err_set(ERR_LIMIT, "a submission of %zu bytes; at most %u are possible", record.len, RECORD_MAX);
    if (!page_maker_fits(&w->pages, w->next, record.len) && (e = flush(w)) != OK) {
        w->failed = true;
        return e;
    }
    page_maker_add(&w->pages, w->next, record);
    *number = w->next++;
    return OK;
}

enum err queue_writer_commit(struct queue_writer *w)
{
    return queue_writer_commit_with(w, NULL, NULL);
}

enum err queue_writer_commit_with(struct queue_writer *w, enum err (*with)(void *ctx, struct store_txn *t), void *ctx)
{
    size_t bytes;
    enum err e = w->failed ? err_set(ERR_FULL, _("an earlier record could not be stored")) : begin(w);

    if (e == OK)
        e = page_maker_flush(&w->pages, w->txn, &bytes);
    /* Read anew: while records were staged, a sync may have sealed what was queued before. */
    if (e == OK && (e = gen_row_get(w->txn, &w->pages.gen, &w->row)) == OK) {
        w->row.end = w->next - 1;
        e = gen_row_put(w->txn, &w->row);
    }
    if (e == OK && with != NULL)
        e = with(ctx, w->txn);
    if (e != OK) {
        store_abort(w->txn);
        w->txn = NULL;
        w->failed = true;
        return e;
    }
    e = store_commit(w->txn);
    w->txn = NULL;
    w->failed = e != OK;
    w->has_staged = w->has_staged && e != OK;
    return e;
}

/* Gives the disk its room back at once; where that fails, the next writer does it. */
static void forget_staged(struct queue_writer *w)
{
    struct store_txn *t = NULL;

    if (store_begin_write(w->a->store, &t) != OK)
        return;
    store_use_reserve(t);
    if (drop_staged(t, &w->row) != OK)
        store_abort(t);
    else if (store_commit(t) == OK)
        w->has_staged = false;
}

void queue_writer_close(struct queue_writer *w)
{
    if (w == NULL)
        return;
    store_abort(w->txn);
    if (w->has_staged) {
        char said[1024]; /* why there was no commit: the caller's to tell */

        (void)snprintf(said, sizeof(said), "%s", err_text());
        forget_staged(w);
        (void)err_set(OK, "%s", said);
    }
    page_maker_fini(&w->pages);
    agent_unlock(w->lock);
    free(w);
}

/* Once a process run: its tag, and what the last receipt said about this PC's clock. */
static void begin_run(struct agent *a)
{
    struct buf offset;

    random_bytes(a->run_tag, TAG_BYTES);
    buf_init(&offset, 8);
    a->has_offset = agent_meta_get(a, NULL, "offset", &offset) == OK && offset.len == 8;
    if (a->has_offset)
        a->offset_ms = (int64_t)be64_get(offset.data);
    buf_fini(&offset);
}

void queue_stamp(struct agent *a, struct record *r)
{
    if (a->run_tag_used == 0)
        begin_run(a);
    memcpy(r->tag, a->run_tag, TAG_BYTES);
    r->ordinal = a->run_tag_used++;
    r->has_time = true;
    r->made_ms = clock_wall_ms();
    r->has_offset = a->has_offset;
    r->offset_ms = a->offset_ms;
}
