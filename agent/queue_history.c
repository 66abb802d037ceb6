#include "agent/queue_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* Records of another computer's generation, given back by the hub: pages without a batch, which stand for "received".
 * Pages are found by their first numbers, so none may lie inside another: those that a new run touches are taken apart
 * and written anew with it. */

#define KEPT_BYTES ((size_t)BATCH_MAX_UNPACKED + (64u << 20))
#define KEPT_LIST  ((size_t)256 << 20)

struct kept {
    uint64_t number;
    size_t at; /* in `bytes` */
    uint32_t len;
};

struct merger {
    struct agent *a;
    struct store_txn *t;
    struct generation gen;
    uint64_t first, last; /* of the run that comes */
    struct buf bytes;     /* records of the pages that were taken apart */
    struct buf list;      /* struct kept, ascending */
    struct page page;
    struct page_maker out;
};

static enum err keep_page(struct merger *m, bool *touches)
{
    struct page_walk w = page_walk_of(&m->page);
    size_t bytes_before = m->bytes.len;
    size_t list_before = m->list.len;
    struct bytes record;
    uint64_t number = m->page.first;

    while (page_next(&w, &number, &record)) {
        struct kept k = {number, m->bytes.len, (uint32_t)record.len};

        buf_put(&m->bytes, record.p, record.len);
        buf_put(&m->list, &k, sizeof(k));
    }
    if (w.rd.failed)
        return err_set(ERR_CORRUPT, _("the page of the queue from number %llu on is damaged"),
                       (unsigned long long)m->page.first);
    *touches = number >= m->first;
    if (!*touches) { /* it ends before: it stays as it is */
        m->bytes.len = bytes_before;
        m->list.len = list_before;
    }
    return *touches && buf_status(&m->list) != OK ? buf_status(&m->list) : buf_status(&m->bytes);
}

static enum err take_apart(struct merger *m)
{
    uint8_t key[PAGE_KEY];
    bool touches = false;
    enum err e;

    page_key(key, &m->gen, m->first);
    e = page_find(m->a, m->t, key, true, &m->page);
    if (e == OK && (e = keep_page(m, &touches)) == OK && touches)
        e = store_delete(m->t, T_PAGES, bytes_of(key, sizeof(key)));
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    page_key(key, &m->gen, m->first);
    while ((e = page_find(m->a, m->t, key, false, &m->page)) == OK && m->page.first <= m->last)
        if ((e = keep_page(m, &touches)) != OK || (e = store_delete(m->t, T_PAGES, bytes_of(key, sizeof(key)))) != OK)
            return e;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put(struct merger *m, uint64_t number, struct bytes record)
{
    size_t bytes;
    enum err e = OK;

    if (!page_maker_fits(&m->out, number, record.len))
        e = page_maker_flush(&m->out, m->t, &bytes);
    if (e == OK)
        page_maker_add(&m->out, number, record);
    return e;
}

/* Both in the order of their numbers; what is here already stays. */
static enum err merge(struct merger *m, const struct batch_plain *plain)
{
    const struct kept *kept = (const struct kept *)(const void *)m->list.data;
    size_t kept_count = m->list.len / sizeof(*kept);
    uint32_t count = batch_plain_count(plain);
    size_t k = 0;
    uint32_t i = 0;
    size_t bytes;
    enum err e = OK;

    while (e == OK && (k < kept_count || i < count)) {
        struct bytes record = bytes_of(NULL, 0);
        uint64_t number = UINT64_MAX;

        if (i < count)
            record = batch_plain_record(plain, i, &number, NULL);
        if (k < kept_count && kept[k].number <= number) {
            i += kept[k].number == number;
            e = put(m, kept[k].number, bytes_of(m->bytes.data + kept[k].at, kept[k].len));
            k++;
        } else {
            e = put(m, number, record);
            i++;
        }
    }
    return e == OK ? page_maker_flush(&m->out, m->t, &bytes) : e;
}

/* A generation that was here before we had it back is not ours to number: nothing is queued or sealed in it. */
static enum err note_generation(struct merger *m)
{
    struct gen_row row;
    enum err e = gen_row_get(m->t, &m->gen, &row);

    if (e != OK)
        return e;
    if (m->last > row.end)
        row.end = m->last;
    row.sealed = row.end;
    return gen_row_put(m->t, &row);
}

enum err queue_put_history(struct agent *a, struct store_txn *t, const struct generation *gen,
                           const struct batch_plain *plain)
{
    struct merger m = {.a = a, .t = t, .gen = *gen};
    uint32_t count = batch_plain_count(plain);
    enum err e;

    if (count == 0)
        return OK;
    (void)batch_plain_record(plain, 0, &m.first, NULL);
    (void)batch_plain_record(plain, count - 1, &m.last, NULL);
    buf_init(&m.bytes, KEPT_BYTES);
    buf_init(&m.list, KEPT_LIST);
    buf_init(&m.page.plain, RECORD_MAX + 4096);
    page_maker_init(&m.out, a, gen);
    if ((e = take_apart(&m)) == OK && (e = merge(&m, plain)) == OK)
        e = note_generation(&m);
    if (e == OK)
        e = leftover_begin_again(t, gen);
    page_maker_fini(&m.out);
    buf_wipe(&m.page.plain);
    buf_wipe(&m.bytes);
    buf_fini(&m.list);
    return e;
}
