#include "hub/intake.h"

#include "common/form_rule.h"
#include "common/utf8.h"
#include "hub/decode.h"
#include "hub/ledger_internal.h"
#include "hub/prepared.h"
#include "hub/registry_status.h"
#include "protocol/builtin.h"
#include "protocol/cover.h"
#include "protocol/record_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX ((sizeof(struct refusal) + (size_t)8) * RECEIPT_MAX_REFUSALS)

struct intake {
    const struct hub *hub;
    struct decoder *decoder;
    struct form_checker *checker;
    struct variable_eval *eval;
    struct slot_key slot_key;
    struct refusal why; /* of the record at hand, once it is refused */
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
    holes_free(p->holes);
    buf_fini(&p->stored);
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

/* The present computer's key, or that of one before it. */
static bool is_signer(const struct participant *from, const uint8_t sign[KEY_BYTES])
{
    return digest_equal(sign, from->grant.sign_key) || registry_signer_by_key(from, sign) != NULL;
}

/* Who it is for and from.  Computers that are held, revoked or were replaced are let through: what they signed is kept
 * for the operator's word. */
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
    if (from->state == PARTICIPANT_INVITED || (digest_equal(from->grant.sign_key, no_key) && from->signer_count == 0))
        return refuse_batch(refusal, MERR_UNKNOWN, err_set(ERR_DENIED, "%s has not joined yet", from->id));
    if (!is_signer(from, b->sign_key))
        return refuse_batch(refusal, MERR_SIGNATURE,
                            err_set(ERR_AUTH, "the batch is signed by another key than that of %s", from->id));
    *seal = seal_key_of(h, b->seal_key); /* NULL: lost */
    return OK;
}

static enum err copy_batch(struct prepared *p, struct bytes batch)
{
    buf_init(&p->batch, BATCH_MAX_SEALED);
    buf_put(&p->batch, batch.p, batch.len);
    p->length = (uint32_t)batch.len;
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
    p->state = registry_standing(from, registry_signer_by_key(from, p->header.sign_key));
    if ((e = batch_verify(&p->header, batch_bytes(p), p->header.sign_key)) != OK)
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
    buf_init(&p->stored, STORED_MAX);
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

static void put_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text) + 1);
}

enum err prepared_note(struct prepared *p, struct prepared_record *r, const struct refusal *why)
{
    r->text = (uint32_t)p->texts.len;
    buf_put_u8(&p->texts, (uint8_t)why->rule);
    put_text(&p->texts, why->field);
    put_text(&p->texts, why->expected);
    put_text(&p->texts, why->text);
    return buf_status(&p->texts);
}

void prepared_why(const struct prepared *p, const struct prepared_record *r, struct refusal *out)
{
    const char *at;

    memset(out, 0, sizeof(*out));
    out->reason = (enum quarantine_reason)r->reason;
    if (r->text == PREPARED_NO_TEXT)
        return;
    out->rule = p->texts.data[r->text];
    at = (const char *)p->texts.data + r->text + 1;
    utf8_copy(out->field, sizeof(out->field), at);
    at += strlen(at) + 1;
    utf8_copy(out->expected, sizeof(out->expected), at);
    utf8_copy(out->text, sizeof(out->text), at + strlen(at) + 1);
}

/* What is wrong, in codes and names; the text is for the log, and so in English. */
static void explain(struct refusal *out, unsigned rule, const char *field, const char *expected)
{
    char sentence[RECEIPT_TEXT_MAX + 1];
    char text[REFUSAL_FIELD_MAX + sizeof(sentence) + 3];

    out->rule = rule;
    utf8_copy(out->field, sizeof(out->field), field);
    utf8_copy(out->expected, sizeof(out->expected), expected);
    form_rule_say(sentence, sizeof(sentence), rule, out->expected, true);
    (void)snprintf(text, sizeof(text), "%s%s%s", out->field, out->field[0] == '\0' ? "" : ": ", sentence);
    utf8_copy(out->text, sizeof(out->text), text);
}

static enum err refuse_record(struct prepared *p, struct prepared_record *r, enum quarantine_reason reason,
                              const struct refusal *why)
{
    r->reason = (uint8_t)reason;
    r->text = PREPARED_NO_TEXT;
    return p->refused++ >= RECEIPT_MAX_REFUSALS ? OK : prepared_note(p, r, why);
}

static enum err refuse_with(struct prepared *p, struct prepared_record *r, enum quarantine_reason reason,
                            const char *text)
{
    struct refusal why = {.rule = RULE_NONE};

    utf8_copy(why.text, sizeof(why.text), text);
    return refuse_record(p, r, reason, &why);
}

/* Whose form it is; or, of what is no survey, who enters for its units: then each record must say so, judge_source().
 */
static bool may_send(const struct grant *g, const struct form *f)
{
    return builtin_is_any(f) || grant_allows(g, f->role, NULL) ||
           (f->mode != FORM_ANSWERS && grant_stands_in(g, f->role));
}

/* Rights and period are the same for all submissions of one place: judged once a batch. */
static enum quarantine_reason judge_place(const struct hub *h, const struct participant *from, const struct place *at,
                                          struct refusal *why)
{
    char series[CALENDAR_JOINED_MAX];
    struct period period;

    if (!may_send(&from->grant, at->form)) {
        explain(why, RULE_ROLE, "", at->form->role);
        return QUARANTINE_ROLE;
    }
    if (!grant_allows(&from->grant, NULL, at->unit)) {
        explain(why, RULE_UNIT, "unit", at->unit);
        return QUARANTINE_UNIT;
    }
    if (at->form->is_about_district && strcmp(at->unit, UNIT_DISTRICT) != 0) {
        explain(why, RULE_UNIT_DISTRICT, "unit", UNIT_DISTRICT);
        return QUARANTINE_UNIT;
    }
    if (builtin_period(at->form, h->calendar, at->period, &period) != OK || strcmp(period.id, at->period) != 0) {
        calendar_join(series, at->form->all_series, at->form->series_count);
        explain(why, RULE_SERIES, "period", series);
        return QUARANTINE_PERIOD;
    }
    return (enum quarantine_reason)0;
}

/* The calendar's search for an unknown period costs much: made again only for the refusals that are kept. */
#define NOTE_GOOD 1u
static enum quarantine_reason judge_rights(const struct intake *i, const struct participant *from,
                                           const struct prepared *p, struct place *at, struct refusal *why)
{
    if (at->note == NOTE_GOOD)
        return (enum quarantine_reason)0;
    if (at->note == 0 || p->refused < RECEIPT_MAX_REFUSALS)
        at->note = NOTE_GOOD + (uint32_t)judge_place(i->hub, from, at, why);
    return (enum quarantine_reason)(at->note - NOTE_GOOD);
}

/* Nobody can say which anonymous answer is whose, so none is corrected; a school takes all of a session back. */
static bool is_final(const struct form *f, const struct record *r)
{
    return f->mode == FORM_ANSWERS && r->kind == RECORD_CORRECTION;
}

/* Who may send a form may say how its return stands. */
static enum quarantine_reason judge_cover(const struct hub *h, const struct participant *from, const struct record *r,
                                          struct refusal *why)
{
    const char *role = NULL;
    struct cover c;

    if (!cover_read(&c, r->values, r->value_count)) {
        explain(why, RULE_NONE, "", "");
        return QUARANTINE_INVALID;
    }
    for (size_t k = 0; k < h->form_count; k++) {
        const struct form *f = h->forms[k];

        if (strlen(f->id) != c.of.len || memcmp(f->id, c.of.p, c.of.len) != 0)
            continue;
        role = f->role;
        if (grant_allows(&from->grant, role, NULL) || (source_is_behalf(r->source) && may_send(&from->grant, f)))
            return (enum quarantine_reason)0;
    }
    explain(why, RULE_ROLE, "form", role != NULL ? role : "");
    return role != NULL ? QUARANTINE_ROLE : QUARANTINE_UNKNOWN_FORM;
}

static bool target_is_possible(const struct form *f, const struct record *r, const struct record_ref *own)
{
    return r->kind == RECORD_NEW || (!is_final(f, r) && record_ref_compare(&r->target, own) < 0);
}

/* The first mistake, without the value that was found: the words go into the store and into the receipt, which are not
 * sealed, and answers are never in clear there. */
static enum err say_mistake(struct intake *i, const struct form *f, const struct record *r, struct refusal *why)
{
    struct report *report;
    enum err e = report_new(&report, 0);

    if (e != OK)
        return e;
    explain(why, RULE_NONE, "", "");
    e = form_check(f, i->checker, r->values, r->value_count, r->filled_on, NULL, report);
    for (size_t k = 0; k < report_kept(report); k++) {
        const struct finding *at = report_at(report, k);

        if (at->is_warning)
            continue;
        explain(why, at->rule, at->field == NULL ? "" : at->field, at->expected == NULL ? "" : at->expected);
        break;
    }
    report_free(report);
    return e == ERR_NOMEM ? e : OK;
}

/* Who enters for others says so with each record. */
static enum quarantine_reason judge_source(const struct participant *from, const struct form *f, const struct record *r,
                                           struct refusal *why)
{
    if (builtin_is_any(f) || source_is_behalf(r->source) || grant_allows(&from->grant, f->role, NULL))
        return (enum quarantine_reason)0;
    explain(why, RULE_ROLE, "", f->role);
    return QUARANTINE_ROLE;
}

/* *reason 0: it may count. */
static enum err judge(struct intake *i, const struct participant *from, const struct prepared *p,
                      const struct record_ref *own, const struct form *f, const struct record *r, uint32_t place,
                      enum quarantine_reason *reason, struct refusal *why)
{
    enum err e = OK;

    *reason = judge_rights(i, from, p, places_at(cell_sums_places(p->sums), place), why);
    if (*reason == 0 && from->grant.behalf_count > 0)
        *reason = judge_source(from, f, r, why);
    if (*reason != 0)
        return OK;
    if (!target_is_possible(f, r, own)) {
        explain(why, is_final(f, r) ? RULE_FINAL : RULE_ORDER, "", "");
        *reason = QUARANTINE_TARGET;
        return OK;
    }
    if (r->kind != RECORD_RETRACTION)
        e = form_check(f, i->checker, r->values, r->value_count, r->filled_on, NULL, NULL);
    if (e == OK && r->kind != RECORD_RETRACTION && builtin_is(f, BUILTIN_COVER))
        *reason = judge_cover(i->hub, from, r, why);
    if (e == OK || e == ERR_NOMEM)
        return e;
    if (p->refused < RECEIPT_MAX_REFUSALS && (e = say_mistake(i, f, r, why)) != OK)
        return e;
    *reason = QUARANTINE_INVALID;
    return OK;
}

/* What a refused one would replace, if it says so: it matters once that one itself is replaced. */
static void take_target(struct prepared_record *at, const struct record_ref *own, struct bytes bytes)
{
    struct record r;

    at->kind = RECORD_NEW;
    if (at->reason == QUARANTINE_TARGET || !record_names_earlier(bytes, own, &r))
        return;
    at->kind = (uint8_t)r.kind;
    at->target = r.target;
}

/* A submission that counts as far as intake can tell: its slot and what it adds. */
static enum err take_in(struct intake *i, struct prepared *p, struct prepared_record *at, struct bytes bytes,
                        const struct form *f, const struct record *r)
{
    at->kind = (uint8_t)r->kind;
    at->target = r->target;
    if (r->kind == RECORD_RETRACTION)
        return OK;
    slot_of(at->slot, &i->slot_key, f, p->participant, bytes, r);
    p->value_count++;
    return cell_sums_record(p->sums, i->eval, at->place, r, 1);
}

static enum err judge_bytes(struct intake *i, const struct participant *from, struct prepared *p,
                            struct prepared_record *at, struct bytes bytes, bool is_replay)
{
    struct record_ref own = {p->header.gen, at->number};
    enum quarantine_reason reason = (enum quarantine_reason)0;
    const struct form *f;
    struct record r;
    bool is_new;
    enum err e = decoder_read(i->decoder, bytes, &r, &f);

    if (e == ERR_NOMEM || (e != OK && is_replay))
        return e;
    if (e != OK)
        return refuse_with(p, at, e == ERR_NOT_FOUND ? QUARANTINE_UNKNOWN_FORM : QUARANTINE_MALFORMED, err_text());
    if ((e = places_index(cell_sums_places(p->sums), f, r.unit, r.period, &at->place, &is_new)) != OK)
        return e;
    if (!is_replay && (e = judge(i, from, p, &own, f, &r, at->place, &reason, &i->why)) != OK)
        return e;
    return reason != 0 ? refuse_record(p, at, reason, &i->why) : take_in(i, p, at, bytes, f, &r);
}

/* What stayed of a submission whose content was erased: its slot, and what it corrected. */
static enum err take_erased(struct intake *i, struct prepared *p, struct prepared_record *at)
{
    const struct erased_record *r = p->holes == NULL ? NULL : erased_find(&p->holes->list, at->number);
    const struct erased_place *where = r != NULL && r->is_readable ? &p->holes->list.places[r->place] : NULL;
    const struct form *f = where == NULL ? NULL : hub_form(i->hub, where->form);
    bool is_new;
    enum err e;

    if (f == NULL)
        return err_set(ERR_CORRUPT, "what stayed of an erased submission is damaged");
    if ((e = places_index(cell_sums_places(p->sums), f, where->unit, where->period, &at->place, &is_new)) != OK)
        return e;
    at->is_erased = true;
    at->kind = (uint8_t)r->kind;
    at->target = r->target;
    if (r->kind == RECORD_RETRACTION)
        return OK;
    memcpy(at->slot, r->slot, SLOT_BYTES);
    p->value_count++;
    return OK;
}

/* Number of the row, and its bytes; len 0: they were erased. */
static struct bytes row_of(const struct prepared *p, uint32_t row, uint64_t *number)
{
    uint32_t index;

    if (p->holes == NULL)
        return batch_plain_record(p->plain, row, number, NULL);
    *number = holes_number(p->holes, row);
    return plain_find_row(p->plain, *number, &index) == OK ? batch_plain_record(p->plain, index, NULL, NULL)
                                                           : bytes_of("", 0);
}

struct bytes prepared_row(const struct prepared *p, uint32_t row)
{
    uint64_t number;

    return row_of(p, row, &number);
}

static enum err judge_all(struct intake *i, const struct participant *from, struct prepared *p,
                          const struct prepared_verdicts *v)
{
    bool is_held = prepared_is_held(p);

    for (uint32_t row = 0; row < p->count; row++) {
        struct prepared_record *at = &p->records[row];
        struct bytes bytes = row_of(p, row, &at->number);
        enum err e;

        if (v != NULL && v->reasons[row] != 0) {
            at->reason = v->reasons[row]; /* its words, if there are any, are the caller's to note */
            at->text = PREPARED_NO_TEXT;
            e = OK;
        } else if (v == NULL && is_held)
            e = refuse_with(p, at, QUARANTINE_HELD, "the participant is held or revoked; the operator decides");
        else if (bytes.len == 0)
            e = take_erased(i, p, at);
        else
            e = judge_bytes(i, from, p, at, bytes, v != NULL && !v->are_judged);
        if (e != OK)
            return err_prefix(e, "submission %llu", (unsigned long long)at->number);
        if (at->reason != 0)
            take_target(at, &(struct record_ref){p->header.gen, at->number}, bytes);
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
            if ((e = refuse_with(p, &p->records[row], QUARANTINE_UNREADABLE, text)) != OK)
                return e;
        }
    return OK;
}

/* The receipt's word about every single record. */
static enum err put_tree(struct prepared *p)
{
    struct record_tree tree;
    enum err e;

    if (p->plain == NULL || p->holes != NULL) /* of a batch that is not whole any more the receipt alone knows it */
        return OK;
    if ((e = record_tree_init(&tree, p->count)) != OK)
        return e;
    for (uint32_t row = 0; row < p->count; row++) {
        uint8_t real[DIGEST_BYTES];
        uint64_t number;
        uint32_t section;

        digest(real, batch_plain_record(p->plain, row, &number, &section));
        record_tree_leaf(tree.nodes[row], number, real);
    }
    record_tree_build(&tree);
    record_tree_root(&tree, p->tree);
    record_tree_fini(&tree);
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

static enum err judge_opened(struct intake *i, const struct participant *from, struct prepared *p, enum err opened,
                             const struct prepared_verdicts *v)
{
    enum err e;

    p->is_unreadable = opened != OK;
    p->count = opened == OK ? batch_plain_count(p->plain) : (uint32_t)count_numbers(&p->header);
    if (opened == OK && p->holes != NULL)
        p->count += p->holes->list.record_count;
    if (p->count > BATCH_MAX_RECORDS || p->count != count_numbers(&p->header))
        return err_set(ERR_MALFORMED, "the batch does not hold the numbers that its header names");
    if (v != NULL && v->count != p->count)
        return err_set(ERR_CORRUPT, "the journal has %u verdicts for a batch of %u records", v->count, p->count);
    if ((p->records = calloc(p->count + 1u, sizeof(*p->records))) == NULL)
        return ERR_NOMEM;
    e = opened == OK ? judge_all(i, from, p, v) : refuse_all(p, err_text());
    if (e == OK)
        e = put_tree(p);
    return e == OK ? order_by_slot(p) : e;
}

static enum err open_and_judge(struct intake *i, const struct participant *from, struct prepared *p)
{
    enum err opened;

    batch_digest(p->digest, batch_bytes(p));
    opened = batch_open(&p->plain, &p->header, batch_bytes(p), &p->keys, ~0u);
    return opened == ERR_NOMEM ? opened : judge_opened(i, from, p, opened, NULL);
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
    else if ((e = open_and_judge(i, from, p)) != OK) {
        *refusal = e == ERR_MALFORMED ? MERR_MALFORMED : MERR_INTERNAL;
        goto free_prepared;
    }
    *out = p;
    return OK;

free_prepared:
    prepared_free(p);
    return e;
}

/* Nothing of it could be read when it came: so it stays, also when there is nothing left to try it on. */
static bool was_unreadable(const struct prepared_verdicts *v)
{
    for (uint32_t row = 0; row < v->count; row++)
        if (v->reasons[row] != QUARANTINE_UNREADABLE)
            return false;
    return v->count > 0;
}

static enum err open_stored(struct prepared *p, struct stored_opened *o, const struct prepared_verdicts *v)
{
    enum err e;

    if (was_unreadable(v) && (!v->are_judged || !o->is_whole)) /* even if this program could read it */
        return err_set(ERR_AUTH, "the batch did not open");
    e = batch_open_parts(&p->plain, &p->header, o->parts);
    return e == OK && !o->is_whole ? holes_new(&p->holes, &o->erased, &p->header) : e;
}

enum err intake_replay(struct intake *i, const struct participant *from, struct bytes stored,
                       const struct stored_batch *s, struct stored_opened *o, const uint8_t digest[DIGEST_BYTES],
                       const struct prepared_verdicts *v, struct prepared **out)
{
    struct prepared *p;
    enum err opened;
    enum err e = new_prepared(&p, i->hub, from);

    if (e != OK)
        return e;
    p->state = v->state;
    p->grant_version = v->grant_version;
    memcpy(p->digest, digest, DIGEST_BYTES);
    buf_put(&p->stored, stored.p, stored.len);
    if ((e = buf_status(&p->stored)) != OK || (e = batch_parse_clear(&p->header, s->clear)) != OK)
        goto free_prepared;
    p->length = (uint32_t)(s->clear.len + s->signature.len);
    for (uint32_t k = 0; k < p->header.section_count; k++)
        p->length += p->header.sections[k].sealed_len;
    opened = open_stored(p, o, v);
    e = opened == ERR_NOMEM ? opened : judge_opened(i, from, p, opened, v);
    if (e != OK)
        goto free_prepared;
    *out = p;
    return OK;

free_prepared:
    prepared_free(p);
    return e;
}
