#include "hub/excuse.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/home_internal.h"
#include "hub/returns_internal.h"
#include "hub/words.h"

#include <string.h>

#define ELEMENTS     8u
#define ROW_ELEMENTS (ELEMENTS + 2u)
#define VALUE_MAX    4096u
#define BODY_MAX     (8u << 10)
#define KEY_MAX      (RETURN_KEY_MAX + 2u)
#define KEY_DECISION 'd'
#define KEY_CALL     'c'

const char *excuse_kind_name(enum excuse_kind k)
{
    switch (k) {
    case EXCUSE_WAIVER: return "waiver";
    case EXCUSE_EXTENSION: return "extension";
    case EXCUSE_CALL: return "call";
    case EXCUSE_NONE: break;
    }
    return "";
}

const char *excuse_kind_word(enum excuse_kind k)
{
    switch (k) {
    case EXCUSE_WAIVER: return _("waived");
    case EXCUSE_EXTENSION: return _("extended");
    case EXCUSE_CALL: return _("waiting at the school");
    case EXCUSE_NONE: break;
    }
    return "";
}

/* ---- bytes: the entry's payload, and the same with lsn and time in the store ---- */

static void put_elements(struct buf *b, const struct excuse *x)
{
    mp_put_uint(b, (uint64_t)x->kind);
    mp_put_cstr(b, x->form);
    mp_put_cstr(b, x->unit);
    mp_put_cstr(b, x->period);
    mp_put_int(b, x->day);
    mp_put_uint(b, x->count);
    mp_put_cstr(b, x->by);
    mp_put_cstr(b, x->reason);
}

static void read_elements(struct excuse *x, struct mp *m)
{
    int64_t day;

    memset(x, 0, sizeof(*x));
    x->kind = (enum excuse_kind)mp_uint(m, EXCUSE_CALL);
    mp_text(m, x->form, 1, FORM_NAME_MAX);
    mp_text(m, x->unit, 1, ID_MAX);
    mp_text(m, x->period, 1, PERIOD_ID_MAX);
    day = mp_int(m);
    x->count = mp_uint(m, INT64_MAX);
    mp_text(m, x->by, 0, RETURN_BY_MAX);
    mp_text(m, x->reason, 0, RETURN_TEXT_MAX);
    if (x->kind < EXCUSE_WAIVER || day < INT32_MIN || day > INT32_MAX)
        m->failed = true;
    x->day = (int32_t)day;
}

static struct bytes key_of(uint8_t raw[KEY_MAX], bool is_call, const char *form, const char *unit, const char *period)
{
    size_t len = return_key(raw, form, unit, period);

    if (len == 0)
        return bytes_of(raw, 0);
    raw[len] = is_call ? KEY_CALL : KEY_DECISION;
    raw[len + 1] = 0;
    return bytes_of(raw, len + 2);
}

static struct bytes key_of_excuse(uint8_t raw[KEY_MAX], const struct excuse *x)
{
    return key_of(raw, x->kind == EXCUSE_CALL, x->form, x->unit, x->period);
}

static enum err read_row(struct bytes value, struct excuse *out)
{
    struct mp m = mp_of(value);

    (void)mp_array(&m, ROW_ELEMENTS, 32);
    read_elements(out, &m);
    out->lsn = mp_uint(&m, UINT64_MAX);
    out->wall_ms = mp_int(&m);
    return m.failed ? err_set(ERR_CORRUPT, "what the office decided about a return is damaged") : OK;
}

/* What the entry says, done: by the living hub and by a replay alike. */
static enum err store(struct store_txn *t, const struct excuse *x)
{
    uint8_t raw[KEY_MAX];
    struct bytes key = key_of_excuse(raw, x);
    struct buf value;
    enum err e;

    if (x->kind == EXCUSE_NONE)
        return store_delete(t, H_EXCUSES, key);
    buf_init(&value, VALUE_MAX);
    mp_put_array(&value, ROW_ELEMENTS);
    put_elements(&value, x);
    mp_put_uint(&value, x->lsn);
    mp_put_int(&value, x->wall_ms);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_EXCUSES, key, bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

/* ---- deciding ---- */

/* Whoever may send the form about the unit; a school learns its new day from that. */
static enum err tell(struct hub *h, struct store_txn *t, const struct excuse *x)
{
    const struct form *f = hub_form_by_id(h, x->form);
    struct notice n = {.hub_ms = x->wall_ms, .kind = NOTICE_EXCUSED, .has_about = true};
    struct buf body;
    uint64_t serial;
    enum err e = OK;

    if (x->kind == EXCUSE_CALL || f == NULL)
        return OK;
    if (x->kind == EXCUSE_NONE)
        n.kind = NOTICE_EXCUSE_ENDED;
    utf8_copy(n.text, sizeof(n.text), x->reason);
    memcpy(n.about.form, x->form, sizeof(n.about.form));
    memcpy(n.about.unit, x->unit, sizeof(n.about.unit));
    memcpy(n.about.period, x->period, sizeof(n.about.period));
    n.about.scope = SCOPE_RETURN;
    n.about.has_due = x->kind == EXCUSE_EXTENSION;
    n.about.due = x->day;
    buf_init(&body, BODY_MAX);
    notice_put_body(&body, &n);
    if ((e = buf_status(&body)) == OK)
        for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++) {
            const struct participant *p = registry_at(h->registry, i);

            if (p->state != PARTICIPANT_CLOSED && grant_allows(&p->grant, f->role, x->unit))
                e = words_add(h, t, p->index, WORD_NOTICE, bytes_of(body.data, body.len), &serial);
        }
    buf_fini(&body);
    return e;
}

enum err excuse_decide(struct hub *h, struct store_txn *t, struct excuse *x)
{
    struct excuse held;
    struct buf payload;
    enum err e;

    if (x->kind == EXCUSE_NONE && (e = excuse_get(t, false, x->form, x->unit, x->period, &held)) != OK)
        return e;
    buf_init(&payload, VALUE_MAX);
    put_elements(&payload, x);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_EXCUSE, bytes_of(payload.data, payload.len), ELEMENTS, &x->lsn);
    buf_fini(&payload);
    if (e == OK && (e = ledger_time(t, x->lsn, &x->wall_ms)) == OK && (e = store(t, x)) == OK)
        e = tell(h, t, x);
    return e;
}

enum err excuse_replay(struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m, size_t elements)
{
    struct excuse x;
    enum err e;

    read_elements(&x, m);
    if (m->failed || elements < ELEMENTS)
        return err_set(ERR_MALFORMED, "a decision about a return that is not here is damaged");
    x.lsn = lsn;
    x.wall_ms = wall_ms;
    e = store(t, &x);
    return e == ERR_NOT_FOUND ? err_set(ERR_MALFORMED, "it takes back what was never decided") : e;
}

/* ---- reading ---- */

enum err excuse_get(struct store_txn *t, bool is_call, const char *form, const char *unit, const char *period,
                    struct excuse *out)
{
    uint8_t raw[KEY_MAX];
    struct bytes key = key_of(raw, is_call, form, unit, period);
    struct bytes value;
    enum err e = key.len == 0 ? ERR_NOT_FOUND : store_get(t, H_EXCUSES, key, &value);

    return e == OK ? read_row(value, out) : e;
}

struct walk {
    enum err (*each)(void *ctx, const struct excuse *x);
    void *ctx;
};

static enum err visit(void *ctx, struct bytes key, struct bytes value)
{
    const struct walk *w = ctx;
    struct excuse x;
    enum err e = read_row(value, &x);

    (void)key;
    return e == OK ? w->each(w->ctx, &x) : e;
}

enum err excuse_each(struct store_txn *t, enum err (*each)(void *ctx, const struct excuse *x), void *ctx)
{
    struct walk w = {each, ctx};

    return hub_each_row(t, H_EXCUSES, visit, &w);
}
