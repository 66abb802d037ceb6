#include "hub/intake.h"

#include "common/cli.h"
#include "hub/decode.h"
#include "hub/prepared.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX ((RECEIPT_TEXT_MAX + (size_t)2) * RECEIPT_MAX_REFUSALS)

struct intake {
    const struct hub *hub;
    struct decoder *decoder;
    struct form_checker *checker;
    struct variable_eval *eval;
    struct slot_key slot_key;
};

enum err intake_new(struct intake **out, const struct hub *h)
{
    struct intake *i = calloc(1, sizeof(*i));
    enum err e;

    if (i == NULL)
        return ERR_NOMEM;
    i->hub = h;
    slot_key_derive(&i->slot_key, h->storage);
    if ((e = decoder_new(&i->decoder, h)) != OK || (e = form_checker_new(&i->checker)) != OK ||
        (e = variable_eval_new(&i->eval, h, NULL, NULL)) != OK) {
        intake_free(i);
        return e;
    }
    *out = i;
    return OK;
}

void intake_free(struct intake *i)
{
    if (i == NULL)
        return;
    variable_eval_free(i->eval);
    form_checker_free(i->checker);
    decoder_free(i->decoder);
    slot_key_fini(&i->slot_key);
    free(i);
}

void prepared_free(struct prepared *p)
{
    if (p == NULL)
        return;
    batch_header_fini(&p->header);
    batch_plain_free(p->plain);
    cell_sums_free(p->sums);
    buf_wipe(&p->texts); /* a reason may repeat a value */
    buf_fini(&p->batch);
    free(p->records);
    free(p->by_slot);
    wipe(p, sizeof(*p));
    free(p);
}

/* ---- before opening: refused as a whole ---- */

static enum err refuse_batch(enum message_error *refusal, enum message_error why, enum err e)
{
    *refusal = e == ERR_NOMEM ? MERR_INTERNAL : why;
    return e;
}

static enum message_error why_not_parsed(enum err e)
{
    if (e == ERR_VERSION)
        return MERR_VERSION;
    return e == ERR_LIMIT ? MERR_LIMIT : MERR_MALFORMED;
}

static const struct key *seal_key_of(const struct hub *h, const uint8_t public_half[KEY_BYTES])
{
    for (size_t k = 0; k < h->seal_count; k++)
        if (digest_equal(key_public(h->seal[k]), public_half))
            return h->seal[k];
    return NULL;
}

/* Who it is for and from.  Participants that are held, revoked or closed are let through: what they signed is kept for
 * the operator's word. */
static enum err check_header(const struct hub *h, const struct participant *from, const struct batch_header *b,
                             const struct key **seal, enum message_error *refusal)
{
    static const uint8_t no_key[KEY_BYTES];

    if (memcmp(b->district, h->district, sizeof(b->district)) != 0)
        return refuse_batch(refusal, MERR_UNKNOWN, err_set(ERR_AUTH, "the batch is for another district"));
    if (strcmp(b->participant, from->id) != 0)
        return refuse_batch(
            refusal, MERR_UNKNOWN,
            err_set(ERR_AUTH, "the batch says it is from %s, but %s brought it", b->participant, from->id));
    if (from->state == PARTICIPANT_INVITED || digest_equal(from->grant.sign_key, no_key))
        return refuse_batch(refusal, MERR_UNKNOWN, err_set(ERR_DENIED, "%s has not joined yet", from->id));
    if (!digest_equal(b->sign_key, from->grant.sign_key))
        return refuse_batch(refusal, MERR_SIGNATURE,
                            err_set(ERR_AUTH, "the batch is signed by another key than that of %s", from->id));
    *seal = seal_key_of(h, b->seal_key); /* NULL: lost */
    return OK;
}

static enum err copy_batch(struct prepared *p, struct bytes batch)
{
    buf_init(&p->batch, BATCH_MAX_SEALED);
    buf_put(&p->batch, batch.p, batch.len);
    return buf_status(&p->batch);
}

static struct bytes batch_bytes(const struct prepared *p)
{
    return bytes_of(p->batch.data, p->batch.len);
}

static enum err accept_batch(const struct intake *i, const struct participant *from, struct bytes batch,
                             struct prepared *p, enum message_error *refusal)
{
    const struct key *seal = NULL;
    enum err e;

    if (batch.len > BATCH_MAX_SEALED)
        return refuse_batch(
            refusal, MERR_LIMIT,
            err_set(ERR_LIMIT, "a batch of %zu bytes, at most %u are allowed", batch.len, BATCH_MAX_SEALED));
    if ((e = copy_batch(p, batch)) != OK)
        return refuse_batch(refusal, MERR_INTERNAL, e);
    if ((e = batch_parse(&p->header, batch_bytes(p))) != OK)
        return refuse_batch(refusal, why_not_parsed(e), e);
    if ((e = check_header(i->hub, from, &p->header, &seal, refusal)) != OK)
        return e;
    if ((e = batch_verify(&p->header, batch_bytes(p), from->grant.sign_key)) != OK)
        return refuse_batch(refusal, MERR_SIGNATURE, e);
    p->is_unopenable = seal == NULL;
    if (seal != NULL && (e = batch_section_keys(&p->keys, &p->header, batch_bytes(p), seal)) != OK)
        return refuse_batch(refusal, MERR_SIGNATURE, e);
    return OK;
}

/* ---- after opening: judged record by record ---- */

static enum err new_prepared(struct prepared **out, const struct hub *h, const struct participant *from)
{
    struct prepared *p = calloc(1, sizeof(*p));
    enum err e;

    if (p == NULL)
        return ERR_NOMEM;
    buf_init(&p->batch, BATCH_MAX_SEALED);
    buf_init_secret(&p->texts, TEXTS_MAX);
    p->definitions_serial = h->definitions_serial;
    p->participant = from->index;
    memcpy(p->participant_id, from->id, sizeof(p->participant_id));
    p->state = from->state;
    p->grant_version = from->grant.version;
    if ((e = cell_sums_new(&p->sums)) != OK) {
        prepared_free(p);
        return e;
    }
    *out = p;
    return OK;
}

/* Cut at a whole code point. */
static size_t text_len(const char *text)
{
    size_t len = strlen(text);

    if (len <= RECEIPT_TEXT_MAX)
        return len;
    len = RECEIPT_TEXT_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xC0u) == 0x80u)
        len--;
    return len;
}

static enum err refuse_record(struct prepared *p, struct prepared_record *r, enum quarantine_reason why,
                              const char *text)
{
    r->reason = (uint8_t)why;
    r->text = PREPARED_NO_TEXT;
    if (p->refused++ >= RECEIPT_MAX_REFUSALS)
        return OK;
    r->text = (uint32_t)p->texts.len;
    buf_put(&p->texts, text, text_len(text));
    buf_put_u8(&p->texts, 0);
    return buf_status(&p->texts);
}

/* Rights and period are the same for all submissions of one place: judged once a batch. */
static enum quarantine_reason judge_place(const struct hub *h, const struct participant *from, const struct place *at)
{
    char series[CALENDAR_JOINED_MAX];
    struct period period;

    if (!grant_allows(&from->grant, at->form->role, NULL)) {
        (void)err_set(ERR_DENIED, _("form %s: it is filled in by the role %s, which %s does not have"), at->form->id,
                      at->form->role, from->id);
        return QUARANTINE_ROLE;
    }
    if (!grant_allows(&from->grant, NULL, at->unit)) {
        (void)err_set(ERR_DENIED, _("unit %s: %s has no right to report about it"), at->unit, from->id);
        return QUARANTINE_UNIT;
    }
    if (at->form->is_about_district && strcmp(at->unit, UNIT_DISTRICT) != 0) {
        (void)err_set(ERR_DENIED, _("unit %s: the form %s is about the unit %s alone"), at->unit, at->form->id,
                      UNIT_DISTRICT);
        return QUARANTINE_UNIT;
    }
    if (form_period(at->form, h->calendar, at->period, &period) != OK || strcmp(period.id, at->period) != 0) {
        calendar_join(series, at->form->all_series, at->form->series_count);
        (void)err_set(ERR_NOT_FOUND, _("period %s: the calendar has no such period in the series %s of the form %s"),
                      at->period, series, at->form->id);
        return QUARANTINE_PERIOD;
    }
    return (enum quarantine_reason)0;
}

/* The calendar's words about an unknown period cost much: said again only for the refusals that are kept. */
#define NOTE_GOOD 1u
static enum quarantine_reason judge_rights(const struct intake *i, const struct participant *from,
                                           const struct prepared *p, struct place *at)
{
    if (at->note == NOTE_GOOD)
        return (enum quarantine_reason)0;
    if (at->note == 0 || p->refused < RECEIPT_MAX_REFUSALS)
        at->note = NOTE_GOOD + (uint32_t)judge_place(i->hub, from, at);
    return (enum quarantine_reason)(at->note - NOTE_GOOD);
}

static bool target_is_possible(const struct form *f, const struct record *r, const struct record_ref *own)
{
    return r->kind == RECORD_NEW || (f->mode != FORM_ANSWERS && record_ref_compare(&r->target, own) < 0);
}

/* The first mistake as "FIELD: TEXT", without the value that was found: the words go into the store and into the
 * receipt, which are not sealed, and answers are never in clear there. */
static enum err say_mistake(struct intake *i, const struct form *f, const struct record *r)
{
    struct report *report;
    enum err e = report_new(&report, 0);

    if (e != OK)
        return e;
    e = form_check(f, i->checker, r->values, r->value_count, r->filled_on, NULL, report);
    (void)err_set(ERR_INVALID, _("the answers do not fit the form %s"), f->id);
    for (size_t k = 0; k < report_kept(report); k++) {
        const struct finding *at = report_at(report, k);

        if (at->is_warning)
            continue;
        (void)err_set(ERR_INVALID, "%s: %s", at->field == NULL ? f->id : at->field, at->text);
        break;
    }
    report_free(report);
    return e == ERR_NOMEM ? e : OK;
}

/* *why 0: it may count.  What is found wrong stands in err_text(). */
static enum err judge(struct intake *i, const struct participant *from, const struct prepared *p,
                      const struct record_ref *own, const struct form *f, const struct record *r, uint32_t place,
                      enum quarantine_reason *why)
{
    enum err e = OK;

    *why = judge_rights(i, from, p, places_at(cell_sums_places(p->sums), place));
    if (*why != 0)
        return OK;
    if (!target_is_possible(f, r, own)) {
        (void)err_set(ERR_INVALID, f->mode == FORM_ANSWERS ? _("anonymous answers are neither corrected nor retracted")
                                                           : _("the target does not stand before this submission"));
        *why = QUARANTINE_TARGET;
        return OK;
    }
    if (r->kind != RECORD_RETRACTION)
        e = form_check(f, i->checker, r->values, r->value_count, r->filled_on, NULL, NULL);
    if (e == OK || e == ERR_NOMEM)
        return e;
    if (p->refused < RECEIPT_MAX_REFUSALS && (e = say_mistake(i, f, r)) != OK)
        return e;
    *why = QUARANTINE_INVALID;
    return OK;
}

/* A submission that counts as far as intake can tell: its slot and what it adds. */
static enum err take_in(struct intake *i, struct prepared *p, struct prepared_record *at, const struct record_ref *own,
                        const struct form *f, const struct record *r)
{
    at->kind = (uint8_t)r->kind;
    at->target = r->target;
    if (r->kind == RECORD_RETRACTION)
        return OK;
    slot_of(at->slot, &i->slot_key, f, p->participant, own, r);
    p->value_count++;
    return cell_sums_record(p->sums, i->eval, at->place, r, 1);
}

static enum err judge_bytes(struct intake *i, const struct participant *from, struct prepared *p,
                            struct prepared_record *at, struct bytes bytes, bool is_replay)
{
    struct record_ref own = {p->header.gen, at->number};
    enum quarantine_reason why = (enum quarantine_reason)0;
    const struct form *f;
    struct record r;
    bool is_new;
    enum err e = decoder_read(i->decoder, bytes, &r, &f);

    if (e == ERR_NOMEM || (e != OK && is_replay))
        return e;
    if (e != OK)
        return refuse_record(p, at, e == ERR_NOT_FOUND ? QUARANTINE_UNKNOWN_FORM : QUARANTINE_MALFORMED, err_text());
    if ((e = places_index(cell_sums_places(p->sums), f, r.unit, r.period, &at->place, &is_new)) != OK)
        return e;
    if (!is_replay && (e = judge(i, from, p, &own, f, &r, at->place, &why)) != OK)
        return e;
    return why != 0 ? refuse_record(p, at, why, err_text()) : take_in(i, p, at, &own, f, &r);
}

static enum err judge_all(struct intake *i, const struct participant *from, struct prepared *p,
                          const struct prepared_verdicts *v)
{
    bool is_held = p->state != PARTICIPANT_ACTIVE;

    for (uint32_t row = 0; row < p->count; row++) {
        struct prepared_record *at = &p->records[row];
        uint32_t section;
        struct bytes bytes = batch_plain_record(p->plain, row, &at->number, &section);
        enum err e;

        if (v != NULL && v->reasons[row] != 0)
            e = refuse_record(p, at, (enum quarantine_reason)v->reasons[row], "");
        else if (v == NULL && is_held)
            e = refuse_record(p, at, QUARANTINE_HELD, "the participant is held or revoked; the operator decides");
        else
            e = judge_bytes(i, from, p, at, bytes, v != NULL);
        if (e != OK)
            return err_prefix(e, "submission %llu", (unsigned long long)at->number);
    }
    return OK;
}

/* Nothing of the batch can be read, although its signature is good: all its numbers are quarantined. */
static enum err refuse_all(struct prepared *p, const char *text)
{
    uint32_t row = 0;

    for (uint32_t k = 0; k < p->header.range_count; k++)
        for (uint64_t n = 0; n < p->header.ranges[k].count; n++, row++) {
            enum err e;

            p->records[row].number = p->header.ranges[k].first + n;
            if ((e = refuse_record(p, &p->records[row], QUARANTINE_UNREADABLE, text)) != OK)
                return e;
        }
    return OK;
}

static uint64_t count_numbers(const struct batch_header *b)
{
    uint64_t sum = 0;

    for (uint32_t k = 0; k < b->range_count; k++)
        if (__builtin_add_overflow(sum, b->ranges[k].count, &sum))
            return UINT64_MAX;
    return sum;
}

/* ---- order by slot: the ledger's writer has no time for it ---- */

struct slot_order {
    uint64_t head; /* of the digest */
    uint32_t row;
};

/* Equal heads are equal slots but for one chance in 2^64 a pair; sort_equal_heads() settles those. */
static int compare_heads(const void *a, const void *b)
{
    const struct slot_order *x = a;
    const struct slot_order *y = b;

    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

/* Insertion sort of a run of equal heads by the rest of the digest; rows (so numbers) stay ascending in one slot. */
static void sort_equal_heads(const struct prepared *p, struct slot_order *run, uint32_t count)
{
    for (uint32_t k = 1; k < count; k++)
        for (uint32_t m = k;
             m > 0 && memcmp(p->records[run[m - 1].row].slot, p->records[run[m].row].slot, SLOT_BYTES) > 0; m--) {
            struct slot_order swap = run[m];

            run[m] = run[m - 1];
            run[m - 1] = swap;
        }
}

static enum err order_by_slot(struct prepared *p)
{
    struct slot_order *order = malloc((p->value_count + 1u) * sizeof(*order));
    uint32_t n = 0;

    p->by_slot = malloc((p->value_count + 1u) * sizeof(*p->by_slot));
    if (order == NULL || p->by_slot == NULL) {
        free(order);
        return ERR_NOMEM;
    }
    for (uint32_t row = 0; row < p->count; row++)
        if (p->records[row].reason == 0 && p->records[row].kind != RECORD_RETRACTION)
            order[n++] = (struct slot_order){be64_get(p->records[row].slot), row};
    qsort(order, n, sizeof(*order), compare_heads);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && order[to].head == order[from].head;)
            to++;
        sort_equal_heads(p, &order[from], to - from);
    }
    for (uint32_t k = 0; k < n; k++)
        p->by_slot[k] = order[k].row;
    free(order);
    return OK;
}

/* ---- together ---- */

static enum err open_and_judge(struct intake *i, const struct participant *from, struct prepared *p,
                               const struct prepared_verdicts *v)
{
    enum err opened;
    enum err e;

    batch_digest(p->digest, batch_bytes(p));
    opened = batch_open(&p->plain, &p->header, batch_bytes(p), &p->keys, ~0u);
    if (opened == ERR_NOMEM)
        return opened;
    p->count = opened == OK ? batch_plain_count(p->plain) : (uint32_t)count_numbers(&p->header);
    if (p->count > BATCH_MAX_RECORDS || p->count != count_numbers(&p->header))
        return err_set(ERR_MALFORMED, "the batch does not hold the numbers that its header names");
    if (v != NULL && v->count != p->count)
        return err_set(ERR_CORRUPT, "the journal has %u verdicts for a batch of %u records", v->count, p->count);
    if ((p->records = calloc(p->count + 1u, sizeof(*p->records))) == NULL)
        return ERR_NOMEM;
    e = opened == OK ? judge_all(i, from, p, v) : refuse_all(p, err_text());
    return e == OK ? order_by_slot(p) : e;
}

enum err intake_prepare(struct intake *i, const struct participant *from, struct bytes batch, struct prepared **out,
                        enum message_error *refusal)
{
    struct prepared *p;
    enum err e = new_prepared(&p, i->hub, from);

    if (e != OK)
        return refuse_batch(refusal, MERR_INTERNAL, e);
    if ((e = accept_batch(i, from, batch, p, refusal)) != OK)
        goto free_prepared;
    if (p->is_unopenable)
        batch_digest(p->digest, batch_bytes(p));
    else if ((e = open_and_judge(i, from, p, NULL)) != OK) {
        *refusal = e == ERR_MALFORMED ? MERR_MALFORMED : MERR_INTERNAL;
        goto free_prepared;
    }
    *out = p;
    return OK;

free_prepared:
    prepared_free(p);
    return e;
}

enum err intake_replay(struct intake *i, const struct participant *from, struct bytes batch,
                       const struct section_keys *keys, const struct prepared_verdicts *v, struct prepared **out)
{
    struct prepared *p;
    enum err e = new_prepared(&p, i->hub, from);

    if (e != OK)
        return e;
    p->state = v->state;
    p->grant_version = v->grant_version;
    if ((e = copy_batch(p, batch)) != OK || (e = batch_parse(&p->header, batch_bytes(p))) != OK)
        goto free_prepared;
    p->keys = *keys;
    if ((e = open_and_judge(i, from, p, v)) != OK)
        goto free_prepared;
    *out = p;
    return OK;

free_prepared:
    prepared_free(p);
    return e;
}
