/* Closing a period and opening it again: decisions of the journal, and their replay. */
#include "hub/closing_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/snapshot.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_ELEMENTS 8u
#define PAYLOAD_MAX      16384u

enum action { ACTION_CLOSE = 1, ACTION_REOPEN = 2 };

/* ---- the entry's payload: action, period, group, by, reason, forced, missing, head ---- */

static void put_payload(struct buf *b, enum action action, const struct closing *c)
{
    mp_put_uint(b, (uint64_t)action);
    mp_put_cstr(b, c->period);
    mp_put_cstr(b, c->group);
    mp_put_cstr(b, c->by);
    mp_put_cstr(b, c->reason);
    mp_put_bool(b, c->is_forced);
    mp_put_uint(b, c->missing);
    mp_put_bin(b, c->head.p, action == ACTION_CLOSE ? c->head.len : 0);
}

static enum err read_payload(struct closing *c, struct mp *m, size_t elements, enum action *action)
{
    memset(c, 0, sizeof(*c));
    *action = (enum action)mp_uint(m, ACTION_REOPEN);
    mp_text(m, c->period, 1, PERIOD_ID_MAX);
    mp_text(m, c->group, 0, FORM_NAME_MAX);
    mp_text(m, c->by, 0, RETURN_BY_MAX);
    mp_text(m, c->reason, 0, CLOSING_REASON_MAX);
    c->is_forced = mp_bool(m);
    c->missing = mp_uint(m, UINT64_MAX);
    c->head = mp_bin(m, SIGNED_MAX);
    if (m->failed || elements < PAYLOAD_ELEMENTS || *action == 0)
        return err_set(ERR_MALFORMED, "the entry about a closed period is damaged");
    return OK;
}

/* ---- the row ---- */

static enum err put_row(struct store_txn *t, const struct closing *c)
{
    uint8_t raw[CLOSING_KEY_MAX];
    size_t len = closing_key(raw, c->period, c->group);
    struct buf value;
    enum err e;

    buf_init(&value, PAYLOAD_MAX);
    mp_put_array(&value, CLOSING_ELEMENTS);
    mp_put_bool(&value, c->is_closed);
    mp_put_uint(&value, c->lsn);
    mp_put_int(&value, c->wall_ms);
    mp_put_cstr(&value, c->by);
    mp_put_cstr(&value, c->reason);
    mp_put_bool(&value, c->is_forced);
    mp_put_uint(&value, c->missing);
    mp_put_uint(&value, c->snapshot_lsn);
    mp_put_bin(&value, c->head.p, c->head.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_PERIODS, bytes_of(raw, len), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

/* What an entry makes of the row.  Opening again keeps the last snapshot readable. */
static enum err apply(struct store_txn *t, enum action action, struct closing *c)
{
    struct closing before;
    struct buf head;
    enum err e;

    c->is_closed = action == ACTION_CLOSE;
    if (c->is_closed) {
        c->snapshot_lsn = c->lsn;
        return put_row(t, c);
    }
    if ((e = closing_get(t, c->period, c->group, &before)) != OK)
        return e == ERR_NOT_FOUND ? err_set(ERR_MALFORMED, "a period is opened again that was never closed") : e;
    c->snapshot_lsn = before.snapshot_lsn;
    buf_init(&head, SIGNED_MAX); /* a copy: the loan ends with the write */
    buf_put(&head, before.head.p, before.head.len);
    c->head = bytes_of(head.data, head.len);
    if ((e = buf_status(&head)) == OK)
        e = put_row(t, c);
    buf_fini(&head);
    return e;
}

/* ---- deciding ---- */

static enum err fill(struct closing *c, const struct closing_order *o)
{
    const char *const from[] = {o->period, o->group == NULL ? "" : o->group, o->by, o->reason == NULL ? "" : o->reason};
    char *const to[] = {c->period, c->group, c->by, c->reason};
    const size_t most[] = {PERIOD_ID_MAX, FORM_NAME_MAX, RETURN_BY_MAX, CLOSING_REASON_MAX};

    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < 4; i++) {
        size_t len = strlen(from[i]);

        if (len > most[i])
            return err_set(ERR_LIMIT, _("the text is longer than %u bytes"), (unsigned)most[i]);
        memcpy(to[i], from[i], len + 1);
    }
    c->is_forced = o->is_forced;
    c->missing = o->missing;
    return OK;
}

static enum err check_open(struct store_txn *t, const struct closing_order *o)
{
    const char *group = o->group == NULL ? "" : o->group;
    uint64_t lsn;
    bool is_closed;
    enum err e = closing_is_closed(t, o->period, group, &is_closed, &lsn);

    if (e == OK && is_closed)
        return err_set(ERR_EXISTS, _("the period %s is closed already"), o->period);
    return e;
}

static enum err journal(struct hub *h, struct store_txn *t, enum action action, struct closing *c, struct bytes beside)
{
    struct buf payload;
    enum err e;

    buf_init(&payload, PAYLOAD_MAX);
    put_payload(&payload, action, c);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide_with(h->ledger, t, JOURNAL_PERIOD, bytes_of(payload.data, payload.len), PAYLOAD_ELEMENTS,
                               beside, &c->lsn);
    buf_fini(&payload);
    if (e == OK && (e = ledger_time(t, c->lsn, &c->wall_ms)) == OK)
        e = apply(t, action, c);
    return e;
}

enum err closing_close(struct hub *h, struct store_txn *t, const struct closing_order *o,
                       const struct snapshot_writer *lines)
{
    struct snapshot_head head = {.wall_ms = clock_wall_ms(), .is_forced = o->is_forced, .missing = o->missing};
    struct closing c;
    struct buf list, object;
    enum err e = fill(&c, o);

    if (e != OK || (e = check_open(t, o)) != OK || (e = ledger_last(t, &head.head_lsn)) != OK)
        return e;
    memcpy(head.period, c.period, sizeof(head.period));
    memcpy(head.group, c.group, sizeof(head.group));
    buf_init(&list, SNAPSHOT_MAX + 16u);
    buf_init(&object, SIGNED_MAX);
    if ((e = snapshot_seal(lines, &head, h, &list, &object)) == OK) {
        c.head = bytes_of(object.data, object.len);
        e = journal(h, t, ACTION_CLOSE, &c, bytes_of(list.data, list.len));
    }
    buf_fini(&object);
    buf_fini(&list);
    return e;
}

enum err closing_reopen(struct hub *h, struct store_txn *t, const struct closing_order *o)
{
    struct closing before, c;
    enum err e = fill(&c, o);

    if (e != OK)
        return e;
    e = closing_get(t, c.period, c.group, &before);
    if (e == ERR_NOT_FOUND || (e == OK && !before.is_closed))
        return err_set(ERR_NOT_FOUND, _("the period %s is not closed"), c.period);
    return e == OK ? journal(h, t, ACTION_REOPEN, &c, bytes_of("", 0)) : e;
}

/* ---- the ledger's replay ---- */

enum err closing_replay(struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m, size_t elements,
                        bool *has_snapshot)
{
    struct closing c;
    enum action action;
    enum err e = read_payload(&c, m, elements, &action);

    *has_snapshot = e == OK && action == ACTION_CLOSE;
    if (e != OK)
        return e;
    c.lsn = lsn;
    c.wall_ms = wall_ms;
    return apply(t, action, &c);
}

static enum err pass(void *ctx, const struct snapshot_line *l)
{
    (void)ctx;
    (void)l;
    return OK;
}

/* From the entry itself: the row knows only the last one. */
enum err closing_check(struct hub *h, struct store_txn *t, uint64_t lsn)
{
    struct snapshot_head head;
    struct closing c;
    enum action action;
    struct buf list;
    struct mp m;
    size_t elements;
    enum err e = ledger_payload(t, lsn, &m, &elements);

    if (e != OK || (e = read_payload(&c, &m, elements, &action)) != OK ||
        (e = snapshot_head_open(&head, c.head, h)) != OK)
        return e;
    if (strcmp(head.period, c.period) != 0 || strcmp(head.group, c.group) != 0)
        return err_set(ERR_CORRUPT, "the snapshot's head is of another period");
    buf_init(&list, SNAPSHOT_MAX + 16u);
    if ((e = ledger_beside(t, lsn, &list)) == OK)
        e = snapshot_read(&head, bytes_of(list.data, list.len), pass, NULL);
    buf_fini(&list);
    return e;
}
