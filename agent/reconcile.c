#include "agent/queue_internal.h"

#include "agent/session.h"
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SPEC.md section 7.  The plan collects what the hub holds from the first number on that is not in an archived batch (a
 * hub that was restored from an old copy may have lost what it had receipted); then, in one transaction, what the hub
 * lacks moves into a new generation.  What it holds under the same number stays where it is (the school's own history);
 * what it holds under another number goes, being there already. */

struct held {
    struct reconcile_item item;
    bool used;
};

struct reconcile_plan {
    struct agent *a;
    struct generation gen;
    uint64_t from, next;
    uint64_t held_last_number;
    bool has_page;
    uint32_t next_counter;
    struct held *held; /* sorted by digest when complete */
    size_t count, cap;
};

/* Where a record of the old generation went. */
struct move {
    uint64_t old_number, new_number;
    bool is_old; /* the hub holds it in the old generation, under another number */
};

enum err reconcile_begin(struct reconcile_plan **out, struct agent *a, const struct generation *gen)
{
    struct reconcile_plan *p = calloc(1, sizeof(*p));
    struct batch_state b;
    enum err e;

    if (p == NULL)
        return ERR_NOMEM;
    p->a = a;
    p->gen = *gen;
    p->from = 1;
    p->next_counter = gen->counter + 1;
    for (e = queue_batch(a, gen, 0, &b); e == OK; e = queue_batch(a, gen, b.sequence + 1, &b)) {
        if (p->from == 1)
            p->from = b.first_number; /* older ones were archived, and expired */
        if (b.life != BATCH_ARCHIVED)
            break;
        p->from = b.last_number + 1;
    }
    if (e != OK && e != ERR_NOT_FOUND) {
        free(p);
        return e;
    }
    p->next = p->from;
    *out = p;
    return OK;
}

uint64_t reconcile_next(const struct reconcile_plan *p)
{
    return p->next;
}

void reconcile_from_first(struct reconcile_plan *p)
{
    p->next = 1;
}

void reconcile_free(struct reconcile_plan *p)
{
    if (p == NULL)
        return;
    free(p->held);
    free(p);
}

static enum err keep_items(struct reconcile_plan *p, const struct reconcile *r)
{
    if (p->count + r->count > p->cap) {
        size_t cap = (p->count + r->count) * 2;
        struct held *grown = realloc(p->held, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        p->held = grown;
        p->cap = cap;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        p->held[p->count].item = r->items[i];
        p->held[p->count++].used = false;
    }
    return OK;
}

enum err reconcile_feed(struct reconcile_plan *p, struct bytes object, bool *is_complete)
{
    struct reconcile r;
    enum err e = reconcile_open(&r, object, p->a->directory->hub_sign);

    if (e != OK)
        return e;
    if (memcmp(r.district, p->a->directory->district, sizeof(r.district)) != 0 ||
        strcmp(r.participant, p->a->grant->participant) != 0 || generation_compare(&r.gen, &p->gen) != 0 ||
        r.first != p->next)
        e = err_set(ERR_AUTH, _("the hub's answer about what it holds is not about this queue"));
    else if (p->has_page && r.held_last_number != p->held_last_number)
        e = err_set(ERR_AUTH, _("the hub's answer about what it holds changed from page to page"));
    else if (!r.is_closed)
        e = err_set(ERR_AUTH, _("the hub has not closed the old queue: nothing may get new numbers yet"));
    else if ((e = keep_items(p, &r)) == OK) {
        p->held_last_number = r.held_last_number;
        p->has_page = true;
        if (r.next_counter > p->next_counter)
            p->next_counter = r.next_counter;
        *is_complete = r.last >= r.held_last_number || r.held_last_number < p->from;
        p->next = r.last + 1;
    }
    reconcile_fini(&r);
    return e;
}

static int by_digest(const void *a, const void *b)
{
    const struct held *x = a;
    const struct held *y = b;
    int order = memcmp(x->item.digest, y->item.digest, RECORD_DIGEST_BYTES);

    if (order != 0)
        return order;
    return x->item.number < y->item.number ? -1 : x->item.number > y->item.number;
}

/* The hub's copy of these bytes: under this very number if there is one, else under any. */
static struct held *find_held(struct reconcile_plan *p, uint64_t number, struct bytes record)
{
    struct held key = {.item = {.number = 0}};
    struct held *any = NULL;
    size_t low = 0;
    size_t high = p->count;

    record_digest(key.item.digest, record);
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (by_digest(&p->held[mid], &key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < p->count && memcmp(p->held[low].item.digest, key.item.digest, RECORD_DIGEST_BYTES) == 0; low++) {
        if (p->held[low].item.number == number && !p->held[low].used)
            return &p->held[low];
        if (!p->held[low].used)
            any = &p->held[low];
    }
    return any;
}

struct mover {
    struct reconcile_plan *p;
    struct store_txn *t;
    struct page_maker stay, go;
    struct gen_row fresh;
    struct move *moves;
    size_t move_count, move_cap;
    uint64_t dropped, renumbered;
    bool begins; /* the fresh generation becomes the current one */
};

static enum err note_move(struct mover *m, uint64_t old_number, uint64_t new_number, bool is_old)
{
    if (m->move_count == m->move_cap) {
        size_t cap = m->move_cap == 0 ? 256 : m->move_cap * 2;
        struct move *grown = realloc(m->moves, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        m->moves = grown;
        m->move_cap = cap;
    }
    m->moves[m->move_count].old_number = old_number;
    m->moves[m->move_count].new_number = new_number;
    m->moves[m->move_count++].is_old = is_old;
    return OK;
}

static const struct move *find_move(const struct mover *m, uint64_t old_number)
{
    for (size_t low = 0, high = m->move_count; low < high;) {
        size_t mid = low + (high - low) / 2;

        if (m->moves[mid].old_number == old_number)
            return &m->moves[mid];
        if (m->moves[mid].old_number < old_number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* A correction or retraction of a record that moved names its new place. */
static enum err retarget(struct mover *m, struct bytes record, struct buf *out)
{
    struct record_space *space = NULL;
    struct record r;
    const struct move *move;
    const struct form *form;
    enum err e = record_decode_head(&r, record);

    buf_reset(out);
    if (e != OK)
        return e;
    move = r.kind == RECORD_NEW || generation_compare(&r.target.gen, &m->p->gen) != 0 ? NULL
                                                                                      : find_move(m, r.target.number);
    if (move == NULL) {
        buf_put(out, record.p, record.len);
        return buf_status(out);
    }
    if ((form = agent_form_by_digest(m->p->a, r.form)) == NULL)
        return err_set(ERR_NOT_FOUND, _("the form of a correction is not held any more"));
    if ((e = record_space_new(&space)) != OK)
        return e;
    if ((e = record_decode(&r, space, record, form)) == OK) {
        r.target.gen = move->is_old ? m->p->gen : m->fresh.gen;
        r.target.number = move->new_number;
        e = record_encode(out, &r, form);
    }
    record_space_free(space);
    return e;
}

static enum err put_into(struct page_maker *pages, struct store_txn *t, uint64_t number, struct bytes record)
{
    size_t bytes;
    enum err e = OK;

    if (!page_maker_fits(pages, number, record.len))
        e = page_maker_flush(pages, t, &bytes);
    if (e == OK)
        page_maker_add(pages, number, record);
    return e;
}

/* The hub holds it under another number: it goes. */
static enum err note_found(struct mover *m, uint64_t number, struct bytes record, uint64_t held_number)
{
    struct record_ref as = {m->p->gen, held_number};
    enum err e = session_found(m->p->a, m->t, record, &as);

    return e == OK ? note_move(m, number, held_number, true) : e;
}

/* An answer that waits in a session. */
static bool find_waiting(void *ctx, struct bytes record, struct record_ref *as)
{
    struct mover *m = ctx;
    struct held *h = find_held(m->p, 0, record);

    if (h == NULL)
        return false;
    h->used = true;
    m->dropped++;
    *as = (struct record_ref){m->p->gen, h->item.number};
    return true;
}

static enum err move_one(struct mover *m, uint64_t number, struct bytes record, struct buf *scratch)
{
    struct held *h = find_held(m->p, number, record);
    enum err e;

    if (h != NULL) {
        h->used = true;
        m->dropped++;
        if (h->item.number == number)
            return put_into(&m->stay, m->t, number, record);
        return note_found(m, number, record, h->item.number);
    }
    if ((e = retarget(m, record, scratch)) != OK)
        return e;
    m->fresh.end++;
    m->renumbered++;
    if ((e = note_move(m, number, m->fresh.end, false)) != OK)
        return e;
    return put_into(&m->go, m->t, m->fresh.end, bytes_of(scratch->data, scratch->len));
}

/* One page out, its records to where they belong. */
static enum err move_page(struct mover *m, const uint8_t key_in[PAGE_KEY], struct page *page, uint64_t end,
                          struct buf *scratch)
{
    struct page_walk w = page_walk_of(page);
    struct bytes record;
    uint64_t number;
    enum err e = store_delete(m->t, T_PAGES, bytes_of(key_in, PAGE_KEY));

    while (e == OK && page_next(&w, &number, &record)) {
        if (number > end)
            break;
        e = number < m->p->from ? put_into(&m->stay, m->t, number, record) : move_one(m, number, record, scratch);
    }
    if (e == OK && w.rd.failed)
        e = err_set(ERR_CORRUPT, _("the page of the queue from number %llu on is damaged"),
                    (unsigned long long)page->first);
    return e;
}

/* The key of the page in which number `from` stands, or of the first one after it. */
static enum err first_page(const struct mover *m, uint8_t out[PAGE_KEY])
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(m->t, T_PAGES, &c);

    if (e != OK)
        return e;
    page_key(out, &m->p->gen, m->p->from + 1);
    if (store_seek_before(c, bytes_of(out, PAGE_KEY), &key, &value) == OK && key.len == PAGE_KEY &&
        memcmp(key.p, out, GEN_BYTES) == 0)
        memcpy(out, key.p, PAGE_KEY);
    else
        page_key(out, &m->p->gen, m->p->from);
    store_cursor_close(c);
    return OK;
}

static enum err move_pages(struct mover *m, uint64_t end)
{
    struct page page = {.first = 0};
    struct buf scratch;
    uint8_t key[PAGE_KEY];
    size_t bytes;
    uint64_t last_done = 0;
    enum err e = first_page(m, key);

    buf_init_secret(&page.plain, RECORD_MAX + 4096);
    buf_init_secret(&scratch, RECORD_MAX + 4096);
    while (e == OK && (e = page_find(m->p->a, m->t, key, false, &page)) == OK && page.first <= end &&
           page.first > last_done) {
        last_done = page.first;
        if ((e = move_page(m, key, &page, end, &scratch)) != OK)
            break;
        /* A page that stays is written under its first number: never beyond the one just read. */
        if ((e = page_maker_flush(&m->stay, m->t, &bytes)) != OK)
            break;
        page_key(key, &m->p->gen, page.first + 1);
        if (m->stay.last >= page.first)
            page_key(key, &m->p->gen, m->stay.last + 1);
    }
    if (e == OK || e == ERR_NOT_FOUND)
        e = page_maker_flush(&m->go, m->t, &bytes);
    buf_wipe(&page.plain);
    buf_wipe(&scratch);
    return e;
}

static bool any_moved(const struct mover *m, uint64_t first, uint64_t last)
{
    size_t low = 0;
    size_t high = m->move_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (m->moves[mid].old_number < first)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->move_count && m->moves[low].old_number <= last;
}

/* Of the old generation only batches stay that the hub receipted as held and of which nothing moved: it holds them.
 * What it holds besides stays as records without a batch.  The greatest batch that stayed is the generation's head. */
static enum err close_old(struct mover *m, struct gen_row *old)
{
    struct batch_state b;
    uint64_t next = 0;
    enum err e;

    old->sealed = old->end;
    old->sequence = 0;
    memset(old->head, 0, sizeof(old->head));
    while ((e = batch_row_at(m->t, &m->p->gen, next, &b, NULL)) == OK) {
        next = b.sequence + 1;
        if (b.life == BATCH_SEALED || b.life == BATCH_REFUSED || any_moved(m, b.first_number, b.last_number)) {
            if ((e = batch_delete(m->t, &b)) != OK)
                return e;
            continue;
        }
        old->sequence = b.sequence;
        memcpy(old->head, b.digest, DIGEST_BYTES);
    }
    return e == ERR_NOT_FOUND ? gen_row_put(m->t, old) : e;
}

static enum err tell(struct mover *m)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   _("The district already held newer work of this school than this computer did (a restored copy, or "
                     "two computers with the same data). Nothing is lost: %llu submissions were there already, %llu "
                     "are sent under new numbers."),
                   (unsigned long long)m->dropped, (unsigned long long)m->renumbered);
    return agent_tell_in(m->p->a, m->t, text);
}

static enum err begin_generation(struct mover *m)
{
    uint8_t generation[GEN_BYTES];
    enum err e = gen_row_put(m->t, &m->fresh);

    if (e != OK)
        return e;
    gen_put(generation, &m->fresh.gen);
    return agent_meta_put(m->p->a, m->t, "generation", bytes_of(generation, sizeof(generation)));
}

/* An older generation moves behind the current one, in which then nothing may be left unsealed. */
static enum err check_current(struct mover *m)
{
    struct gen_row row;
    enum err e = gen_row_get(m->t, &m->p->a->gen, &row);

    if (e == OK && row.sealed < row.end)
        e = err_set(ERR_BUSY, _("something was queued meanwhile; the next meeting goes on with this"));
    return e;
}

static enum err finish_in(struct mover *m)
{
    struct agent *a = m->p->a;
    bool is_newest = generation_compare(&a->gen, &m->p->gen) == 0;
    struct gen_row old;
    enum err e;

    m->fresh.gen.counter = m->p->next_counter > a->gen.counter ? m->p->next_counter : a->gen.counter + 1;
    m->go.gen = m->fresh.gen;
    if ((e = gen_row_get(m->t, &m->p->gen, &old)) != OK || (e = move_pages(m, old.end)) != OK ||
        (e = session_meet(a, m->t, find_waiting, m)) != OK || (e = close_old(m, &old)) != OK ||
        (e = leftover_begin_again(m->t, NULL)) != OK)
        return e;
    m->begins = is_newest || m->renumbered > 0;
    if (m->begins && ((!is_newest && (e = check_current(m)) != OK) || (e = begin_generation(m)) != OK))
        return e;
    return tell(m);
}

enum err reconcile_finish(struct reconcile_plan *p, uint64_t *dropped, uint64_t *renumbered)
{
    struct mover m = {.p = p};
    int lock = -1;
    enum err e;

    if (p->count > 0)
        qsort(p->held, p->count, sizeof(*p->held), by_digest);
    random_bytes(m.fresh.gen.tag, TAG_BYTES);
    page_maker_init(&m.stay, p->a, &p->gen);
    page_maker_init(&m.go, p->a, &m.fresh.gen);
    if ((e = agent_lock_wait(p->a, "queue.lock", 30000, &lock)) == OK &&
        (e = store_begin_write(p->a->store, &m.t)) == OK) {
        e = agent_read_generation(p->a, m.t);
        if (e == OK && (e = finish_in(&m)) == OK)
            e = store_commit(m.t);
        else
            store_abort(m.t);
    }
    if (e == OK) {
        if (m.begins)
            p->a->gen = m.fresh.gen;
        *dropped = m.dropped;
        *renumbered = m.renumbered;
    }
    agent_unlock(lock);
    page_maker_fini(&m.stay);
    page_maker_fini(&m.go);
    free(m.moves);
    return e;
}
