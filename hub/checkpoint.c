/* Making a checkpoint: two cursors in one read transaction, over the cells and over their history, walk side by side;
 * what differs is written in transactions of its own. */
#include "hub/checkpoint_internal.h"

#include "common/cli.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

#define RUN_KEY     "checkpoint-run" /* token of the one that is being made: an older one finds another's and ends */
#define TOKEN_BYTES 16u
#define STEP_LOOKS  20000u /* entries of one step */
#define STEP_PUTS   4000u

struct side {
    struct store_cursor *cursor;
    struct bytes key, value;
    bool has;
};

struct checkpoint {
    struct hub *hub;
    struct checkpoint_mark mark;
    int32_t previous; /* day of the checkpoint before; -1: none */
    uint8_t token[TOKEN_BYTES];
    struct store_txn *cut; /* everything is read in it: one moment for all cells */
    struct side cells, history;
    struct store_txn *t; /* of the step, begun at its first write */
    unsigned looks, puts;
};

static struct bytes run_key(void)
{
    return bytes_of(RUN_KEY, sizeof(RUN_KEY) - 1);
}

/* ---- cursors ---- */

static enum err step_side(struct side *s, enum err e)
{
    s->has = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err next(struct checkpoint *c, struct side *s)
{
    c->looks++;
    return step_side(s, store_next(s->cursor, &s->key, &s->value));
}

static enum err open_side(struct side *s, struct store_txn *t, unsigned table)
{
    enum err e = store_cursor_open(t, table, &s->cursor);

    return e == OK ? step_side(s, store_seek(s->cursor, bytes_of("", 0), &s->key, &s->value)) : e;
}

/* ---- beginning ---- */

static enum err check_day(struct store_txn *t, int32_t day, int32_t *previous)
{
    struct checkpoint_mark last;
    char text[11];
    enum err e = mark_last(t, &last);

    *previous = -1;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    date_format(text, last.day);
    if (last.day == day)
        return err_set(ERR_EXISTS, _("the checkpoint of %s stands already"), text);
    if (last.day > day)
        return err_set(ERR_INVALID,
                       _("the newest checkpoint is of %s, a later day than the clock says; if it was wrong then: "
                         "svodka-hub checkpoint "
                         "--forget-later"),
                       text);
    *previous = last.day;
    return OK;
}

static enum err take_token(struct checkpoint *c)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(c->hub->store, &t);

    if (e != OK)
        return e;
    random_bytes(c->token, sizeof(c->token));
    if ((e = check_day(t, c->mark.day, &c->previous)) == OK)
        e = store_put(t, H_META, run_key(), bytes_of(c->token, sizeof(c->token)));
    if (e == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

enum err checkpoint_begin(struct checkpoint **out, struct hub *h, int32_t day)
{
    struct checkpoint *c;
    enum err e;

    if (day < 0)
        return err_set(ERR_INVALID, _("the clock says a day before 1970: is it wrong?"));
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return ERR_NOMEM;
    c->hub = h;
    c->mark.day = day;
    c->mark.wall_ms = clock_wall_ms();
    if ((e = take_token(c)) != OK || (e = store_begin_read(h->store, &c->cut)) != OK ||
        (e = ledger_last(c->cut, &c->mark.head_lsn)) != OK || (e = open_side(&c->cells, c->cut, H_CELLS)) != OK ||
        (e = open_side(&c->history, c->cut, H_HISTORY)) != OK) {
        checkpoint_free(c);
        return e;
    }
    *out = c;
    return OK;
}

void checkpoint_free(struct checkpoint *c)
{
    if (c == NULL)
        return;
    store_abort(c->t);
    store_cursor_close(c->cells.cursor);
    store_cursor_close(c->history.cursor);
    store_abort(c->cut);
    free(c);
}

const struct checkpoint_mark *checkpoint_result(const struct checkpoint *c)
{
    return &c->mark;
}

/* ---- writing ---- */

/* Only while no newer one has begun. */
static enum err begin_write(struct checkpoint *c)
{
    struct bytes held;
    enum err e;

    if (c->t != NULL)
        return OK;
    if ((e = store_begin_write(c->hub->store, &c->t)) != OK)
        return e;
    e = store_get(c->t, H_META, run_key(), &held);
    if (e == OK && held.len == TOKEN_BYTES && memcmp(held.p, c->token, TOKEN_BYTES) == 0)
        return OK;
    return e == OK || e == ERR_NOT_FOUND ? err_set(ERR_BUSY, _("another checkpoint has begun; this one ends")) : e;
}

static enum err commit(struct checkpoint *c)
{
    struct store_txn *t = c->t;

    c->t = NULL;
    return t == NULL ? OK : store_commit(t);
}

static enum err put(struct checkpoint *c, struct bytes cell, struct bytes value)
{
    uint8_t raw[STORE_KEY_MAX];
    size_t len = history_key(raw, cell, c->mark.day);
    enum err e;

    if (len == 0)
        return err_set(ERR_LIMIT, "the key of a cell has %zu bytes, a checkpoint has room for %u", cell.len,
                       CHECKPOINT_KEY_MAX);
    if ((e = begin_write(c)) != OK || (e = store_put(c->t, H_HISTORY, bytes_of(raw, len), value)) != OK)
        return e;
    history_fold(c->mark.digest, bytes_of(raw, len), value);
    c->mark.changed++;
    c->puts++;
    return OK;
}

/* Left by one that never counted, at a time when the clock said a later day. */
static enum err drop(struct checkpoint *c, struct bytes key)
{
    enum err e = begin_write(c);

    if (e == OK)
        e = store_delete(c->t, H_HISTORY, key);
    c->puts++;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- one cell ---- */

/* The history of one cell: *newest is its value before today (empty: none, or gone); entries that no checkpoint covers
 * yet go under the digest.  *today: what an unfinished one wrote under today's day, if anything. */
struct past {
    struct bytes newest, today;
    bool has_today;
};

static enum err read_past(struct checkpoint *c, struct bytes cell, struct past *out)
{
    struct bytes of;
    int32_t day;
    enum err e = OK;

    memset(out, 0, sizeof(*out));
    while (e == OK && c->history.has) {
        if ((e = history_key_read(c->history.key, &of, &day)) != OK)
            return e;
        if (bytes_compare(of, cell) != 0)
            return OK;
        if (day > c->mark.day)
            e = drop(c, c->history.key);
        else if (day == c->mark.day) {
            out->today = c->history.value;
            out->has_today = true;
        } else {
            out->newest = c->history.value;
            if (day > c->previous)
                history_fold(c->mark.digest, c->history.key, c->history.value);
        }
        if (e == OK)
            e = next(c, &c->history);
    }
    return e;
}

/* `value` empty: the cell is gone. */
static enum err settle(struct checkpoint *c, struct bytes cell, struct bytes value, const struct past *past)
{
    uint8_t raw[STORE_KEY_MAX];

    if (!past->has_today)
        return bytes_compare(past->newest, value) == 0 ? OK : put(c, cell, value);
    if (bytes_compare(past->today, value) != 0)
        return put(c, cell, value); /* what stood there was of an earlier moment */
    history_fold(c->mark.digest, bytes_of(raw, history_key(raw, cell, c->mark.day)), value);
    c->mark.changed++;
    return OK;
}

static enum err one_cell(struct checkpoint *c)
{
    struct bytes of = {NULL, 0};
    struct past past = {.has_today = false};
    int32_t day;
    int order = !c->history.has ? -1 : 1;
    enum err e = OK;

    if (c->history.has && (e = history_key_read(c->history.key, &of, &day)) != OK)
        return e;
    if (c->cells.has && c->history.has)
        order = bytes_compare(c->cells.key, of);
    if (order < 0) {
        c->mark.cells++;
        e = put(c, c->cells.key, c->cells.value);
        return e == OK ? next(c, &c->cells) : e;
    }
    if ((e = read_past(c, of, &past)) != OK)
        return e;
    if (order > 0)
        return settle(c, of, bytes_of(NULL, 0), &past);
    c->mark.cells++;
    e = settle(c, of, c->cells.value, &past);
    return e == OK ? next(c, &c->cells) : e;
}

/* ---- a step ---- */

static enum err finish(struct checkpoint *c)
{
    enum err e = begin_write(c);

    if (e == OK && (e = store_delete(c->t, H_META, run_key())) == OK)
        e = mark_write(c->hub, c->t, &c->mark);
    if (e == OK && (e = commit(c)) == OK)
        ledger_committed(c->hub->ledger);
    else
        ledger_aborted(c->hub->ledger);
    return e;
}

enum err checkpoint_step(struct checkpoint *c, bool *done)
{
    enum err e = OK;

    *done = false;
    c->looks = c->puts = 0;
    while (e == OK && (c->cells.has || c->history.has) && c->looks < STEP_LOOKS && c->puts < STEP_PUTS)
        e = one_cell(c);
    if (e == OK && !c->cells.has && !c->history.has) {
        e = finish(c);
        *done = e == OK;
    } else if (e == OK)
        e = commit(c);
    if (e != OK && c->t != NULL) {
        store_abort(c->t);
        c->t = NULL;
    }
    return e;
}
