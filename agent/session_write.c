#include "agent/session_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* What becomes of a session in one transaction with what goes into the queue. */
struct change {
    struct agent *a;
    struct session *s;
    struct session_pool rest; /* goes on waiting */
    struct buf gone;          /* digests of what goes into the queue */
    const uint8_t *mark;      /* NULL: none */
};

static void change_init(struct change *x, struct agent *a, struct session *s)
{
    *x = (struct change){.a = a, .s = s};
    session_pool_init(&x->rest);
    buf_init(&x->gone, (size_t)SESSION_ANSWERS_MAX * RECORD_DIGEST_BYTES);
}

static void change_fini(struct change *x)
{
    session_pool_fini(&x->rest);
    buf_fini(&x->gone);
}

static enum err write_change(void *ctx, struct store_txn *t)
{
    struct change *x = ctx;
    uint8_t raw[ROW_KEY_MAX];
    enum err e = session_row_put(x->a, t, x->s);

    if (e == OK)
        e = session_block_put(x->a, t, x->s->id, &x->rest);
    for (size_t i = 0; e == OK && i < x->gone.len; i += RECORD_DIGEST_BYTES)
        e = store_put(t, T_SESSIONS, session_key(raw, ROW_ANSWER, x->s->id, x->gone.data + i), bytes_of("", 0));
    if (e == OK && x->mark != NULL)
        e = store_put(t, T_SESSIONS, session_key(raw, ROW_MARK, x->s->id, x->mark), bytes_of("", 0));
    if (e == OK && x->s->word.state != SESSION_OPEN)
        e = session_rows_drop(t, ROW_MARK, x->s->id);
    return e;
}

/* The first `count` of the answers in a random order go, the others stay. */
static enum err stage(struct change *x, struct queue_writer *w, const struct session_pool *p, uint32_t count)
{
    uint8_t digest[RECORD_DIGEST_BYTES];
    struct bytes *records = NULL;
    uint64_t number;
    enum err e = session_pool_shuffled(p, &records);

    for (uint32_t i = 0; e == OK && i < p->count; i++) {
        if (i >= count) {
            e = session_pool_add(&x->rest, records[i]);
            continue;
        }
        record_digest(digest, records[i]);
        buf_put(&x->gone, digest, sizeof(digest));
        e = queue_writer_add(w, records[i], &number);
    }
    free(records);
    x->s->kept = x->rest.count;
    return e == OK ? buf_status(&x->gone) : e;
}

enum err session_read_again(const struct agent *a, struct session *s)
{
    struct store_txn *t = NULL;
    struct session now;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = session_row_get(a, t, s->id, &now)) == OK)
        *s = now;
    store_abort(t);
    return e == ERR_NOT_FOUND ? err_set(e, _("there is no session \"%s\" any more"), s->word.name) : e;
}

static enum err read_waiting(const struct agent *a, const struct session *s, struct session_pool *p)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    e = session_block_get(a, t, s->id, p);
    store_abort(t);
    return e;
}

static enum err refuse_state(const struct session *s)
{
    if (s->word.state == SESSION_WITHDRAWN)
        return err_set(ERR_DENIED, _("the session \"%s\" was withdrawn: open another one"), s->word.name);
    return err_set(ERR_DENIED, _("the session \"%s\" is closed: open another one"), s->word.name);
}

enum err session_say(struct agent *a, struct queue_writer *w, const struct session *s, const struct session_by *by)
{
    struct capture_options o = {
        .form = a->builtin.forms[BUILTIN_SESSION], .unit = s->unit, .period = s->period, .entered_by = by->entered_by};
    char key[SESSION_KEY_MAX + 1];
    struct value values[SESSION_FIELDS];
    struct capture *c = NULL;
    uint64_t number;
    enum err e;

    session_word_write(&s->word, key, values);
    if ((e = capture_open(&c, a, &o)) == OK && (e = capture_judge(c, values, false, NULL, by->report)) == OK)
        e = capture_put(c, w, values, NULL, &number);
    capture_close(c);
    return e;
}

/* ---- open, close ---- */

static bool has_control(const char *text)
{
    while (*text != '\0' && (unsigned char)*text >= 0x20 && *text != 0x7f)
        text++;
    return *text != '\0';
}

static enum err check_name(const struct agent *a, const struct session *s)
{
    struct session_filter f = {s->word.form, s->unit, s->period, s->word.name, false};
    struct session other;
    enum err e;

    if (has_control(s->word.name) || has_control(s->word.group))
        return err_set(ERR_USAGE, "%s", _("a name has no line ends or tabs"));
    if ((e = session_find(a, &f, &other)) == ERR_NOT_FOUND)
        return OK;
    if (e != OK)
        return e;
    return err_set(ERR_EXISTS, _("there is a session \"%s\" already (%s); give this one another name"), s->word.name,
                   session_state_word(other.word.state));
}

enum err session_open(struct agent *a, struct session *s, const struct session_by *by)
{
    struct queue_writer *w = NULL;
    struct change x;
    enum err e = queue_writer_open(&w, a);

    change_init(&x, a, s);
    random_bytes(s->id, sizeof(s->id));
    s->word.state = SESSION_OPEN;
    s->word.entered = s->kept = 0;
    if (e == OK && (e = check_name(a, s)) == OK && (e = session_say(a, w, s, by)) == OK)
        e = queue_writer_commit_with(w, write_change, &x);
    queue_writer_close(w);
    change_fini(&x);
    return e;
}

static enum err close_in(struct change *x, struct queue_writer *w, const struct session_by *by)
{
    struct session_pool p;
    enum err e;

    session_pool_init(&p);
    if ((e = session_read_again(x->a, x->s)) == OK && x->s->word.state != SESSION_OPEN)
        e = refuse_state(x->s);
    if (e == OK && (e = read_waiting(x->a, x->s, &p)) == OK && (e = stage(x, w, &p, p.count)) == OK) {
        x->s->word.state = SESSION_CLOSED;
        e = session_say(x->a, w, x->s, by);
    }
    session_pool_fini(&p);
    return e;
}

enum err session_close(struct agent *a, struct session *s, const struct session_by *by)
{
    struct queue_writer *w = NULL;
    struct change x;
    enum err e = queue_writer_open(&w, a);

    change_init(&x, a, s);
    if (e == OK && (e = close_in(&x, w, by)) == OK)
        e = queue_writer_commit_with(w, write_change, &x);
    queue_writer_close(w);
    change_fini(&x);
    return e;
}

/* ---- answers ---- */

static enum err check_mark(const struct agent *a, const struct session *s, const uint8_t *mark)
{
    uint8_t raw[ROW_KEY_MAX];
    struct store_txn *t = NULL;
    struct bytes value;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    e = store_get(t, T_SESSIONS, session_key(raw, ROW_MARK, s->id, mark), &value);
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e == OK ? ERR_EXISTS : e;
}

static enum err put_in(struct change *x, struct queue_writer *w, struct session_pool *p, bool again)
{
    struct session *s = x->s;
    uint32_t fresh = p->count;
    enum err e = session_read_again(x->a, s);

    if (e != OK)
        return e;
    if (s->word.state != SESSION_OPEN)
        return refuse_state(s);
    if (x->mark != NULL && !again && (e = check_mark(x->a, s, x->mark)) != OK)
        return e;
    if (s->word.entered + (uint64_t)fresh > SESSION_ANSWERS_MAX)
        return err_set(ERR_LIMIT, _("the session \"%s\" would have more than %u answers: open another one"),
                       s->word.name, SESSION_ANSWERS_MAX);
    if ((e = read_waiting(x->a, s, p)) != OK)
        return e;
    s->word.entered += fresh;
    return stage(x, w, p, p->count - p->count % SESSION_BLOCK);
}

enum err session_put(struct agent *a, struct session *s, struct session_pool *p, const uint8_t mark[SESSION_MARK_BYTES],
                     bool again)
{
    struct queue_writer *w = NULL;
    struct change x;
    enum err e = queue_writer_open(&w, a);

    change_init(&x, a, s);
    x.mark = mark;
    if (e == OK && (e = put_in(&x, w, p, again)) == OK)
        e = queue_writer_commit_with(w, write_change, &x);
    queue_writer_close(w);
    change_fini(&x);
    return e;
}
