#include "agent/questions_internal.h"

#include "agent/standing.h"
#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX    4096u
#define ROW_FIELDS   12u
#define KEY_QUESTION 'q' /* then the number, u64 */
#define KEY_ACCEPTED 'a' /* then form 0 unit 0 period 0 */
#define KEY_MAX      QUESTIONS_KEY_MAX
#define LIST_MAX     100000u
#define ACCEPTED_MAX (8u + RECORD_REF_BYTES)

/* ---- rows ---- */

static struct bytes number_key(uint8_t raw[KEY_MAX], uint64_t number)
{
    raw[0] = KEY_QUESTION;
    be64_put(raw + 1, number);
    return bytes_of(raw, 9);
}

struct bytes questions_return_key(uint8_t raw[KEY_MAX], char letter, const char *form, const char *unit,
                                  const char *period)
{
    int n = snprintf((char *)raw, KEY_MAX, "%c%s%c%s%c%s", letter, form, '\0', unit, '\0', period);

    return bytes_of(raw, n > 0 && (size_t)n < KEY_MAX ? (size_t)n : 0);
}

enum err questions_put_locked(const struct agent *a, struct store_txn *t, struct bytes key, const struct buf *plain)
{
    struct buf locked;
    enum err e = buf_status(plain);

    buf_init(&locked, PLAIN_MAX + LOCK_OVERHEAD);
    if (e == OK && (e = lock_bytes(&locked, key_secret(a->home_key), key, bytes_of(plain->data, plain->len))) == OK)
        e = store_put(t, T_QUESTIONS, key, bytes_of(locked.data, locked.len));
    buf_fini(&locked);
    return e;
}

static enum err damaged(enum err e)
{
    return e == OK || e == ERR_NOMEM ? e : err_set(ERR_CORRUPT, _("a question of the district is damaged"));
}

static enum err put_question(const struct agent *a, struct store_txn *t, const struct asked *q)
{
    const struct notice_return *r = &q->about;
    uint8_t raw[KEY_MAX];
    struct buf b;
    enum err e;

    buf_init_secret(&b, PLAIN_MAX);
    mp_put_array(&b, ROW_FIELDS);
    mp_put_int(&b, q->asked_ms);
    mp_put_cstr(&b, q->text);
    mp_put_cstr(&b, r->form);
    mp_put_cstr(&b, r->unit);
    mp_put_cstr(&b, r->period);
    mp_put_cstr(&b, r->field);
    mp_put_bool(&b, r->has_due);
    mp_put_int(&b, r->due);
    mp_put_uint(&b, r->scope);
    mp_put_bool(&b, r->has_target);
    record_ref_put(raw, &r->target);
    mp_put_bin(&b, raw, r->has_target ? RECORD_REF_BYTES : 0);
    mp_put_uint(&b, r->question);
    e = questions_put_locked(a, t, number_key(raw, r->question), &b);
    buf_wipe(&b);
    return e;
}

static bool parse_question(struct bytes plain, struct asked *q)
{
    struct notice_return *r = &q->about;
    struct mp m = mp_of(plain);
    struct bytes target;

    memset(q, 0, sizeof(*q));
    (void)mp_array(&m, ROW_FIELDS, ROW_FIELDS);
    q->asked_ms = mp_int(&m);
    mp_text(&m, q->text, 0, NOTICE_TEXT_MAX);
    mp_text(&m, r->form, 1, FORM_NAME_MAX);
    mp_text(&m, r->unit, 1, ID_MAX);
    mp_text(&m, r->period, 1, PERIOD_ID_MAX);
    mp_text(&m, r->field, 0, FORM_NAME_MAX);
    r->has_due = mp_bool(&m);
    r->due = (int32_t)mp_int(&m);
    r->scope = (unsigned)mp_uint(&m, UINT8_MAX);
    r->has_target = mp_bool(&m);
    target = mp_bin(&m, RECORD_REF_BYTES);
    r->question = mp_uint(&m, INT64_MAX);
    if (!mp_done(&m) || (r->has_target && target.len != RECORD_REF_BYTES))
        return false;
    if (r->has_target)
        r->target = record_ref_get(target.p);
    return true;
}

static enum err read_question(const struct agent *a, struct bytes key, struct bytes value, struct asked *q)
{
    struct buf plain;
    enum err e;

    buf_init_secret(&plain, PLAIN_MAX);
    e = unlock_bytes(&plain, key_secret(a->home_key), key, value);
    if (e == OK && !parse_question(bytes_of(plain.data, plain.len), q))
        e = ERR_CORRUPT;
    buf_wipe(&plain);
    return damaged(e);
}

/* ---- taking ---- */

static enum err get_question(const struct agent *a, struct store_txn *t, uint64_t number, struct asked *q)
{
    uint8_t raw[KEY_MAX];
    struct bytes key = number_key(raw, number);
    struct bytes value;
    enum err e = store_get(t, T_QUESTIONS, key, &value);

    return e == OK ? read_question(a, key, value, q) : e;
}

static enum err take_question(struct agent *a, struct store_txn *t, const struct notice *n)
{
    struct asked held;
    struct asked q = {.asked_ms = n->hub_ms, .about = n->about};
    enum err e = get_question(a, t, n->about.question, &held);

    if (e == OK && held.asked_ms >= n->hub_ms) /* a hub that went back says all of it again */
        return OK;
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_CORRUPT)
        return e;
    utf8_copy(q.text, sizeof(q.text), n->text);
    if ((e = put_question(a, t, &q)) == OK)
        e = standing_tell_question(a, t, n->about.question);
    return e;
}

/* Which questions it settles follows from the times (settle()), so that nothing depends on what comes first. */
static enum err take_acceptance(struct agent *a, struct store_txn *t, const struct notice *n)
{
    const struct notice_return *r = &n->about;
    uint8_t raw[KEY_MAX], ref[RECORD_REF_BYTES];
    struct acceptance held;
    struct buf plain;
    enum err e = return_accepted(a, t, r->form, r->unit, r->period, &held);

    if (e == OK && held.wall_ms >= n->hub_ms)
        return OK;
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_CORRUPT)
        return e;
    buf_init(&plain, ACCEPTED_MAX);
    buf_put_u64(&plain, (uint64_t)n->hub_ms);
    record_ref_put(ref, &r->target);
    buf_put(&plain, ref, r->has_target ? sizeof(ref) : 0);
    if ((e = questions_put_locked(a, t, questions_return_key(raw, KEY_ACCEPTED, r->form, r->unit, r->period),
                                  &plain)) == OK)
        e = standing_tell_accepted(a, t, r);
    buf_fini(&plain);
    return e;
}

enum err questions_take(struct agent *a, struct store_txn *t, const struct notice *n)
{
    return n->kind == NOTICE_ACCEPTED ? take_acceptance(a, t, n) : n->about.question != 0 ? take_question(a, t, n) : OK;
}

enum err return_accepted(const struct agent *a, struct store_txn *t, const char *form, const char *unit,
                         const char *period, struct acceptance *out)
{
    struct store_txn *own = NULL;
    uint8_t raw[KEY_MAX];
    struct bytes key = questions_return_key(raw, KEY_ACCEPTED, form, unit, period);
    struct bytes value;
    struct buf plain;
    enum err e = OK;

    if (t == NULL && (e = store_begin_read(a->store, &own)) != OK)
        return e;
    memset(out, 0, sizeof(*out));
    buf_init(&plain, ACCEPTED_MAX);
    if ((e = store_get(t != NULL ? t : own, T_QUESTIONS, key, &value)) == OK) {
        e = unlock_bytes(&plain, key_secret(a->home_key), key, value);
        if (e == OK && plain.len != 8 && plain.len != ACCEPTED_MAX)
            e = ERR_CORRUPT;
        if (e == OK) {
            out->wall_ms = (int64_t)be64_get(plain.data);
            out->has_target = plain.len == ACCEPTED_MAX;
        }
        if (e == OK && out->has_target)
            out->target = record_ref_get(plain.data + 8);
        e = damaged(e);
    }
    buf_fini(&plain);
    store_abort(own);
    return e;
}

/* ---- listing ---- */

void asked_list_fini(struct asked_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].key);
        free(l->items[i].old_value);
        free(l->items[i].new_value);
        free(l->items[i].remark);
    }
    free(l->items);
    memset(l, 0, sizeof(*l));
}

static enum err add(struct asked_list *l, const struct asked *q)
{
    struct asked *at;

    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
        struct asked *grown;

        if (l->count >= LIST_MAX)
            return err_set(ERR_LIMIT, _("more than %u questions of the district"), LIST_MAX);
        if ((grown = realloc(l->items, cap * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    at = &l->items[l->count++];
    *at = *q;
    at->key = strdup("");
    at->old_value = strdup("");
    at->new_value = strdup("");
    at->remark = strdup("");
    return at->key == NULL || at->old_value == NULL || at->new_value == NULL || at->remark == NULL ? ERR_NOMEM : OK;
}

/* The office accepted the return after it had asked. */
static enum err settle(const struct agent *a, struct store_txn *t, struct asked *q)
{
    struct acceptance at;
    enum err e = return_accepted(a, t, q->about.form, q->about.unit, q->about.period, &at);

    q->is_accepted = e == OK && q->asked_ms <= at.wall_ms;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err read_all(const struct agent *a, struct asked_list *l)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct bytes key, value;
    struct asked q;
    uint8_t raw[KEY_MAX];
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = store_cursor_open(t, T_QUESTIONS, &c)) == OK)
        for (e = store_seek(c, number_key(raw, 0), &key, &value); e == OK && key.len == 9 && key.p[0] == KEY_QUESTION;
             e = store_next(c, &key, &value))
            if ((e = read_question(a, key, value, &q)) != OK || (e = settle(a, t, &q)) != OK || (e = add(l, &q)) != OK)
                break;
    store_cursor_close(c);
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err questions_list(const struct agent *a, struct asked_list *out)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = read_all(a, out)) == OK && out->count > 0)
        e = asked_follow(a, out);
    if (e != OK)
        asked_list_fini(out);
    return e;
}

/* ---- for people ---- */

const char *asked_state_name(enum asked_state s)
{
    static const char *const names[] = {"open", "checked", "corrected", "accepted"};

    return names[s];
}

const char *asked_state_word(enum asked_state s)
{
    switch (s) {
    case ASKED_OPEN: return _("waits for your answer");
    case ASKED_CHECKED: return _("answered: checked, correct");
    case ASKED_CORRECTED: return _("corrected by you");
    case ASKED_ACCEPTED: return _("accepted by the district");
    }
    return "";
}

void asked_name(const struct agent *a, const struct notice_return *r, char out[ASKED_NAME])
{
    const struct form *f = agent_form(a, r->form);
    struct period period;
    bool has_period = f != NULL && form_period(f, a->calendar, r->period, &period) == OK;
    char text[2 * ASKED_NAME];

    (void)snprintf(text, sizeof(text), "%s, %s, %s", f == NULL ? r->form : cli_pick(f->title_ru, f->title_en), r->unit,
                   has_period ? cli_pick(period.label_ru, period.label_en) : r->period);
    utf8_copy(out, ASKED_NAME, text);
}

void asked_field(const struct agent *a, const struct notice_return *r, char out[ASKED_NAME])
{
    const struct form *f = r->field[0] == '\0' ? NULL : agent_form(a, r->form);
    int32_t i = f == NULL ? -1 : form_find_field(f, r->field, strlen(r->field));

    utf8_copy(out, ASKED_NAME, i < 0 ? r->field : cli_pick(f->fields[i].label_ru, f->fields[i].label_en));
}

void asked_message(const struct agent *a, uint64_t number, char *out, size_t size)
{
    struct store_txn *t = NULL;
    char name[ASKED_NAME], field[ASKED_NAME], due[11];
    struct asked q;
    enum err e = store_begin_read(a->store, &t);

    out[0] = '\0';
    if (e == OK)
        e = get_question(a, t, number, &q);
    store_abort(t);
    if (e != OK)
        return;
    asked_name(a, &q.about, name);
    asked_field(a, &q.about, field);
    if (field[0] != '\0')
        utf8_copy(name + strlen(name), sizeof(name) - strlen(name), ": ");
    utf8_copy(name + strlen(name), sizeof(name) - strlen(name), field);
    date_format(due, q.about.due);
    if (q.about.has_due)
        (void)snprintf(out, size,
                       _("The district asks about %s (question %llu): %s Answer until %s: svodka-agent "
                         "questions shows how."),
                       name, (unsigned long long)number, q.text, due);
    else
        (void)snprintf(out, size,
                       _("The district asks about %s (question %llu): %s svodka-agent questions shows how "
                         "to answer."),
                       name, (unsigned long long)number, q.text);
}

void accepted_message(const struct agent *a, const struct notice_return *r, char *out, size_t size)
{
    char name[ASKED_NAME];

    asked_name(a, r, name);
    (void)snprintf(out, size, _("%s: the district has accepted it."), name);
}
