#include "hub/proposals.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/decode.h"
#include "hub/programme.h"
#include "hub/soft_values.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX     ((size_t)4 * FORM_MAX_TEXT)
#define FINDINGS_MAX 200u

struct finder {
    struct hub *h;
    struct store_txn *t;
    struct decoder *decoder;
    struct form_checker *checker;
    struct soft_values *soft; /* of the form in hand; NULL: it compares nothing */
    struct proposal_list *list;
    const struct form *current; /* the form's newest version: what a question names */
    struct buf text;
    size_t first; /* in the list, of the submission in hand */
};

static void proposal_fini(struct proposal *p)
{
    free(p->key);
    free(p->value);
    free(p->remark);
    free(p->text);
}

void proposal_list_fini(struct proposal_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        proposal_fini(&l->items[i]);
    free(l->items);
    memset(l, 0, sizeof(*l));
}

static enum err add(struct proposal_list *l, struct proposal **out)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 32 : 2 * l->cap;
        struct proposal *grown;

        if (l->count >= PROPOSALS_MAX)
            return err_set(ERR_LIMIT, _("more than %u values are unlikely: name a form, a unit or a period"),
                           PROPOSALS_MAX);
        if ((grown = realloc(l->items, cap * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    *out = &l->items[l->count++];
    memset(*out, 0, sizeof(**out));
    return OK;
}

/* A number that a person can type, and that does not shift when something arrives. */
static uint64_t number_of(const struct proposal *p)
{
    uint8_t raw[4 + RECORD_REF_BYTES + FORM_NAME_MAX];
    uint8_t d[DIGEST_BYTES];
    size_t len = strlen(p->field);

    be32_put(raw, p->participant);
    record_ref_put(raw + 4, &p->ref);
    memcpy(raw + 4 + RECORD_REF_BYTES, p->field, len);
    digest(d, bytes_of(raw, 4 + RECORD_REF_BYTES + len));
    return be64_get(d) % 999999 + 1;
}

static char *text_of(struct finder *x, const struct form *f, int32_t field, const struct record *r)
{
    buf_reset(&x->text);
    if (field >= 0)
        value_format(&x->text, &f->fields[field], &r->values[field]);
    return buf_status(&x->text) == OK ? strdup(buf_cstr(&x->text)) : NULL;
}

static char *remark_on(const struct record *r, int32_t field)
{
    for (uint32_t i = 0; i < r->remark_count; i++)
        if ((int32_t)r->remarks[i].field == field)
            return strndup((const char *)r->remarks[i].text.p, r->remarks[i].text.len);
    return strdup("");
}

/* Of a cell of a repeat, the repeat. */
static int32_t field_of(const struct form *f, const char *named)
{
    for (uint32_t i = 0; named != NULL && i < f->field_count; i++) {
        size_t len = strlen(f->fields[i].name);

        if (strncmp(f->fields[i].name, named, len) == 0 &&
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", named[len]) == NULL)
            return (int32_t)i;
        if (strcmp(f->fields[i].name, named) == 0)
            return (int32_t)i;
    }
    return -1;
}

/* Several cells of one repeat: one proposal, all that is said of them once. */
static bool is_same(const struct proposal *p, const struct submission *s, const char *field)
{
    return p->participant == s->participant && record_ref_compare(&p->ref, &s->ref) == 0 &&
           strcmp(p->field, field) == 0;
}

static enum err say_more(struct proposal *p, const char *text)
{
    size_t len = strlen(p->text), more = strlen(text);
    char *grown;

    if (strstr(p->text, text) != NULL || len > TEXT_MAX)
        return OK;
    if ((grown = realloc(p->text, len + 1 + more + 1)) == NULL)
        return ERR_NOMEM;
    grown[len] = ' ';
    memcpy(grown + len + 1, text, more + 1);
    p->text = grown;
    return OK;
}

static enum err propose(struct finder *x, const struct submission *s, const struct record *r, const struct form *f,
                        const struct finding *at)
{
    int32_t field = field_of(f, at->field);
    const char *name = field >= 0 ? f->fields[field].name : "";
    struct proposal *p = NULL;
    enum err e;

    for (size_t i = x->list->count; i > x->first; i--)
        if (is_same(&x->list->items[i - 1], s, name))
            return say_more(&x->list->items[i - 1], at->text);
    if ((e = add(x->list, &p)) != OK)
        return e;
    p->form = x->current;
    memcpy(p->unit, r->unit, sizeof(p->unit));
    memcpy(p->period, r->period, sizeof(p->period));
    p->participant = s->participant;
    p->ref = s->ref;
    utf8_copy(p->field, sizeof(p->field), name);
    p->number = number_of(p);
    p->key = text_of(x, f, f->key, r);
    p->value = text_of(x, f, field, r);
    p->remark = remark_on(r, field);
    p->text = strdup(at->text);
    return p->key == NULL || p->value == NULL || p->remark == NULL || p->text == NULL ? ERR_NOMEM : OK;
}

static enum err judge(void *ctx, const struct submission *s)
{
    struct finder *x = ctx;
    const struct value *with = NULL;
    struct report *report = NULL;
    const struct form *f;
    struct record r;
    enum err e = decoder_read(x->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "a current submission");
    if ((e = soft_values_find(x->soft, f, &r, &with)) != OK || (e = report_new(&report, FINDINGS_MAX)) != OK)
        return e;
    form_checker_compare(x->checker, f, with);
    e = form_check(f, x->checker, r.values, r.value_count, r.filled_on, NULL, report);
    if (e == ERR_INVALID || e == ERR_LIMIT)
        e = OK; /* it was accepted when it came; what it was judged by then is another matter */
    x->first = x->list->count;
    for (size_t i = 0; e == OK && i < report_kept(report); i++)
        if (report_at(report, i)->is_warning)
            e = propose(x, s, &r, f, report_at(report, i));
    report_free(report);
    return e;
}

static bool was_seen(const struct hub *h, size_t programme, size_t form)
{
    const char *id = h->programmes[programme]->forms[form]->id;

    for (size_t p = 0; p < programme; p++)
        for (size_t i = 0; i < h->programmes[p]->form_count; i++)
            if (strcmp(h->programmes[p]->forms[i]->id, id) == 0)
                return true;
    return false;
}

/* The ledger is not asked while it tells of submissions: what they are compared with is read before. */
static enum err find_in_form(struct finder *x, const struct proposal_filter *f)
{
    const char *id = x->current->id;
    enum err e = soft_values_read(&x->soft, x->h, x->t, id, f->unit, f->period);

    if (e == OK)
        e = ledger_each_current(x->h->ledger, x->t, id, f->unit, f->period, judge, x);
    soft_values_free(x->soft);
    x->soft = NULL;
    return e;
}

static enum err find_all(struct finder *x, const struct proposal_filter *f)
{
    const struct hub *h = x->h;
    enum err e = OK;

    for (size_t p = 0; p < h->programme_count; p++)
        for (size_t i = 0; e == OK && i < h->programmes[p]->form_count; i++) {
            const char *id = h->programmes[p]->forms[i]->id;

            if ((f->form != NULL && strcmp(f->form, id) != 0) || was_seen(h, p, i))
                continue;
            x->current = hub_form_by_id(h, id);
            /* Nobody can be asked about an anonymous answer. */
            if (x->current->mode != FORM_ANSWERS)
                e = find_in_form(x, f);
        }
    return e;
}

/* ---- what needs no question any more ---- */

static enum err mark_asked(void *ctx, const struct question *q)
{
    struct proposal_list *l = ctx;

    for (size_t i = 0; q->has_target && i < l->count; i++) {
        struct proposal *p = &l->items[i];

        if (p->participant == q->target_participant && record_ref_compare(&p->ref, &q->target) == 0 &&
            (q->field[0] == '\0' || strcmp(p->field, q->field) == 0))
            p->number = 0;
    }
    return OK;
}

static enum err is_accepted(struct hub *h, struct store_txn *t, const struct proposal *p, bool *out)
{
    struct return_decision d;
    struct return_facts facts;
    enum err e = returns_decision(t, p->form->id, p->unit, p->period, &d);

    *out = false;
    if (e != OK || d.word != WORD_ACCEPTED)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = returns_facts(h, t, p->form->id, p->unit, p->period, &facts)) == OK)
        *out = memcmp(facts.mark, d.mark, RETURN_MARK_BYTES) == 0;
    return e;
}

static bool same_return(const struct proposal *a, const struct proposal *b)
{
    return a->form == b->form && strcmp(a->unit, b->unit) == 0 && strcmp(a->period, b->period) == 0;
}

static enum err drop_settled(struct hub *h, struct store_txn *t, struct proposal_list *l)
{
    bool accepted = false;
    size_t kept = 0;
    enum err e = questions_each(t, mark_asked, l);

    for (size_t i = 0; e == OK && i < l->count; i++) {
        if (i == 0 || !same_return(&l->items[i - 1], &l->items[i]))
            e = is_accepted(h, t, &l->items[i], &accepted);
        if (accepted)
            l->items[i].number = 0;
    }
    for (size_t i = 0; e == OK && i < l->count; i++) {
        struct proposal p = l->items[i];

        if (p.number != 0) {
            l->items[i] = l->items[kept];
            l->items[kept++] = p;
        }
    }
    while (e == OK && l->count > kept)
        proposal_fini(&l->items[--l->count]);
    return e;
}

enum err proposals_find(struct hub *h, struct store_txn *t, const struct proposal_filter *f, bool all,
                        struct proposal_list *out)
{
    struct finder x = {.h = h, .t = t, .list = out};
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init(&x.text, TEXT_MAX);
    if ((e = decoder_new(&x.decoder, h)) == OK && (e = form_checker_new(&x.checker)) == OK)
        e = find_all(&x, f);
    if (e == OK && !all)
        e = drop_settled(h, t, out);
    decoder_free(x.decoder);
    form_checker_free(x.checker);
    buf_fini(&x.text);
    if (e != OK)
        proposal_list_fini(out);
    return e;
}
