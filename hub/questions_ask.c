/* The operator's word: a question, or that a return is accepted, with what is said of it to the school. */
#include "hub/questions.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/decode.h"
#include "hub/home_internal.h"
#include "hub/words.h"

#include <string.h>

#define KEY_MAX         ((size_t)4 * FORM_MAX_TEXT)
#define LISTENERS_BYTES (1u << 20)

/* ---- whom ---- */

static bool speaks(const struct participant *p, const struct form *f, const char *unit)
{
    return p != NULL && p->state != PARTICIPANT_CLOSED && grant_allows(&p->grant, f->role, unit);
}

/* Who sent it, if that one still may; else the first who may.  NULL: nobody. */
static const struct participant *speaker(const struct hub *h, const struct form *f, const char *unit,
                                         const struct participant *sender)
{
    if (speaks(sender, f, unit))
        return sender;
    for (size_t i = 0; i < registry_count(h->registry); i++)
        if (speaks(registry_at(h->registry, i), f, unit))
            return registry_at(h->registry, i);
    return NULL;
}

/* ---- about which submission ---- */

struct look {
    const struct form *form;
    const char *key; /* NULL: the newest of all */
    struct decoder *decoder;
    struct buf text;
    bool has_found;
    uint32_t participant;
    struct record_ref ref;
    uint64_t lsn;
};

static enum err key_of(struct look *l, const struct submission *s)
{
    const struct form *f;
    struct record r;
    enum err e = decoder_read(l->decoder, s->record, &r, &f);

    buf_reset(&l->text);
    if (e == OK && f->key >= 0)
        value_format(&l->text, &f->fields[f->key], &r.values[f->key]);
    return e == OK ? buf_status(&l->text) : err_prefix(ERR_CORRUPT, "a current submission");
}

static enum err look_at(void *ctx, const struct submission *s)
{
    struct look *l = ctx;
    enum err e;

    if (l->key != NULL) {
        if (s->erased != NULL)
            return OK;
        if ((e = key_of(l, s)) != OK)
            return e;
        if (strcmp(buf_cstr(&l->text), l->key) != 0)
            return OK;
    }
    if (l->has_found && (s->lsn < l->lsn || (s->lsn == l->lsn && record_ref_compare(&s->ref, &l->ref) < 0)))
        return OK;
    l->has_found = true;
    l->participant = s->participant;
    l->ref = s->ref;
    l->lsn = s->lsn;
    return OK;
}

/* The key as records hold it: a choice may be named by its label. */
static enum err read_key(const struct form *f, const char *typed, struct buf *out)
{
    struct value v;
    struct buf keep;
    enum err e;

    if (f->key < 0)
        return err_set(ERR_INVALID, _("the form \"%s\" has no keyed rows: leave out --key"), f->id);
    buf_init(&keep, FORM_MAX_BYTES);
    if ((e = value_parse(&v, &f->fields[f->key], typed, strlen(typed), &keep)) == OK)
        value_format(out, &f->fields[f->key], &v);
    else
        e = err_prefix(e, "--key");
    buf_fini(&keep);
    return e;
}

static enum err check_field(const struct form *f, const char *field)
{
    const char *names[FORM_MAX_FIELDS];
    const char *near;

    if (form_find_field(f, field, strlen(field)) >= 0)
        return OK;
    for (uint32_t i = 0; i < f->field_count; i++)
        names[i] = f->fields[i].name;
    near = cli_nearest(field, names, f->field_count);
    if (near == NULL)
        return err_set(ERR_INVALID, _("the form \"%s\" has no field \"%.80s\""), f->id, field);
    return err_set(ERR_INVALID, _("the form \"%s\" has no field \"%.80s\"; did you mean \"%s\"?"), f->id, field, near);
}

static enum err find_target(struct hub *h, struct store_txn *t, const struct question_ask *a, struct question *q)
{
    struct look l = {.form = a->form};
    struct buf key;
    enum err e = OK;

    if (a->form->mode == FORM_ANSWERS && (a->key != NULL || a->field != NULL))
        return err_set(ERR_INVALID,
                       _("the answers to \"%s\" are anonymous: ask about all of them, without --key and --field"),
                       a->form->id);
    if (a->field != NULL && (e = check_field(a->form, a->field)) != OK)
        return e;
    buf_init(&key, KEY_MAX);
    buf_init(&l.text, KEY_MAX);
    if ((a->key == NULL || (e = read_key(a->form, a->key, &key)) == OK) && (e = decoder_new(&l.decoder, h)) == OK) {
        l.key = a->key != NULL ? buf_cstr(&key) : NULL;
        e = ledger_each_standing(h->ledger, t, a->form->id, a->unit, a->period, look_at, &l);
    }
    decoder_free(l.decoder);
    if (e == OK && !l.has_found && a->key != NULL)
        e = err_set(ERR_NOT_FOUND, _("form %s of %s for %s has no row \"%.80s\" here"), a->form->id, a->unit, a->period,
                    a->key);
    q->scope = a->key != NULL || a->form->mode == FORM_RECORD ? SCOPE_SUBMISSION : SCOPE_RETURN;
    q->has_target = l.has_found;
    q->target_participant = l.participant;
    q->target = l.ref;
    buf_fini(&l.text);
    buf_fini(&key);
    return e;
}

/* ---- the word ---- */

static enum err say(struct hub *h, struct store_txn *t, const struct question *q, enum notice_kind kind)
{
    struct notice n = {.hub_ms = q->asked_ms, .kind = kind, .has_about = true};
    struct notice_return *r = &n.about;
    uint64_t serial;
    struct buf body;
    enum err e;

    memcpy(r->form, q->form, sizeof(r->form));
    memcpy(r->unit, q->unit, sizeof(r->unit));
    memcpy(r->period, q->period, sizeof(r->period));
    memcpy(r->field, q->field, sizeof(r->field));
    r->question = q->number;
    r->has_due = q->has_due;
    r->due = q->due;
    r->scope = (unsigned)q->scope;
    r->has_target = q->has_target && q->target_participant == q->participant;
    r->target = q->target;
    utf8_copy(n.text, sizeof(n.text), q->text);
    buf_init(&body, SIGNED_MAX);
    notice_put_body(&body, &n);
    if ((e = buf_status(&body)) == OK)
        e = words_add(h, t, q->participant, WORD_NOTICE, bytes_of(body.data, body.len), &serial);
    buf_fini(&body);
    return e;
}

static enum err count_up(void *ctx, const struct question *q)
{
    *(uint64_t *)ctx = q->number;
    return OK;
}

enum err questions_ask(struct hub *h, struct store_txn *t, const struct question_ask *a, struct question *out)
{
    const struct participant *to;
    uint64_t last = 0;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = find_target(h, t, a, out)) != OK || (e = questions_each(t, count_up, &last)) != OK)
        return e;
    to = speaker(h, a->form, a->unit, out->has_target ? registry_by_index(h->registry, out->target_participant) : NULL);
    if (to == NULL)
        return err_set(ERR_NOT_FOUND, _("nobody has the right to send form %s about %s: there is nobody to ask"),
                       a->form->id, a->unit);
    out->number = last + 1;
    out->participant = to->index;
    out->has_due = a->has_due;
    out->due = a->due;
    if (a->field != NULL)
        utf8_copy(out->field, sizeof(out->field), a->field);
    e = returns_decide(h, t, WORD_QUESTIONED, a->form->id, a->unit, a->period, a->by, a->text, out);
    return e == OK ? say(h, t, out, NOTICE_QUESTION) : e;
}

/* ---- acceptance ---- */

/* Who was asked about the return, and is to be told: participants' indexes. */
struct listeners {
    const struct question *about;
    struct buf to; /* u32 each */
};

static void add_listener(struct listeners *l, uint32_t participant)
{
    for (size_t at = 0; at < l->to.len; at += 4)
        if (be32_get(l->to.data + at) == participant)
            return;
    buf_put_u32(&l->to, participant);
}

static enum err note_asked(void *ctx, const struct question *q)
{
    struct listeners *l = ctx;

    if (q->accepted_lsn == 0 && strcmp(q->form, l->about->form) == 0 && strcmp(q->unit, l->about->unit) == 0 &&
        strcmp(q->period, l->about->period) == 0)
        add_listener(l, q->participant);
    return buf_status(&l->to);
}

/* The newest submission of the return, and who speaks for it; nobody may be there to be told. */
static enum err find_speaker(struct hub *h, struct store_txn *t, struct question *q, struct listeners *l)
{
    const struct question_ask about = {.form = hub_form_by_id(h, q->form), .unit = q->unit, .period = q->period};
    const struct participant *to;
    enum err e;

    if (about.form == NULL)
        return OK;
    if ((e = find_target(h, t, &about, q)) != OK)
        return e;
    to = speaker(h, about.form, q->unit, q->has_target ? registry_by_index(h->registry, q->target_participant) : NULL);
    if (to != NULL)
        add_listener(l, to->index);
    return buf_status(&l->to);
}

static enum err tell(struct hub *h, struct store_txn *t, struct question *q, const struct listeners *l)
{
    enum err e = OK;

    for (size_t at = 0; e == OK && at < l->to.len; at += 4) {
        const struct participant *p = registry_by_index(h->registry, be32_get(l->to.data + at));

        if (p == NULL || p->state == PARTICIPANT_CLOSED)
            continue;
        q->participant = p->index;
        e = say(h, t, q, NOTICE_ACCEPTED);
    }
    return e;
}

enum err questions_accept(struct hub *h, struct store_txn *t, const char *form, const char *unit, const char *period,
                          const char *by)
{
    struct question q = {.number = 0};
    struct listeners l = {.about = &q};
    struct return_decision d;
    enum err e;

    utf8_copy(q.form, sizeof(q.form), form);
    utf8_copy(q.unit, sizeof(q.unit), unit);
    utf8_copy(q.period, sizeof(q.period), period);
    buf_init(&l.to, LISTENERS_BYTES);
    if ((e = questions_each(t, note_asked, &l)) == OK && (e = find_speaker(h, t, &q, &l)) == OK &&
        (e = returns_decide(h, t, WORD_ACCEPTED, form, unit, period, by, "", NULL)) == OK &&
        (e = returns_decision(t, form, unit, period, &d)) == OK) {
        q.scope = SCOPE_RETURN;
        q.asked_ms = d.wall_ms;
        e = tell(h, t, &q, &l);
    }
    buf_fini(&l.to);
    return e;
}
