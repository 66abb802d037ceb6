#include "agent/sync_internal.h"

#include "agent/word.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SVODKA_VERSION
#define SVODKA_VERSION "0.1.0"
#endif
#define ROUNDS_MAX 8u /* generations begun, or orders repeated, in one meeting */

void meeting_progress(struct meeting *m)
{
    m->progress_ms = clock_mono_ms();
}

struct sent *meeting_find_sent(struct meeting *m, uint64_t sequence)
{
    for (size_t i = m->sent_count; i-- > 0;)
        if (m->sent[i].sequence == sequence)
            return &m->sent[i];
    return NULL;
}

enum err meeting_send(struct meeting *m, const struct message *out)
{
    return link_send(m->link, out);
}

/* ---- what comes ---- */

/* Frames and objects that cannot be believed change nothing; a hub that sends several is left. */
static enum err disbelieve(struct meeting *m, const char *what)
{
    log_warning("sync: %s cannot be believed and is dropped: %s", what, err_text());
    if (++m->bad < BAD_MAX)
        return OK;
    return err_set(ERR_MALFORMED, _("the hub's answers cannot be read; nothing was changed"));
}

/* Refused by its content, or by our own disk? */
static bool is_about_content(enum err e)
{
    return e == ERR_AUTH || e == ERR_MALFORMED || e == ERR_LIMIT || e == ERR_INVALID;
}

static void count_receipt(struct meeting *m, const struct receipt *r)
{
    struct sent *s = generation_compare(&r->gen, &m->gen) == 0 ? meeting_find_sent(m, r->sequence) : NULL;

    m->out->receipts++;
    if (r->state == RECEIPT_REFUSED)
        m->out->refused_batches++;
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        m->out->verdicts[i] += r->verdicts[i];
    if (s != NULL) {
        s->has_receipt = true;
        if (s->end > m->acked_total)
            m->acked_total = s->end;
        line_acked(&m->line, m->acked_total, clock_mono_ms());
    }
}

static enum err take_receipt(struct meeting *m, struct bytes object)
{
    struct receipt r;
    enum err e = queue_take_receipt(m->a, object);

    if (e == ERR_NOT_FOUND)
        return OK; /* of a batch that is not here any more */
    if (is_about_content(e))
        return disbelieve(m, "a receipt");
    if (e != OK)
        return e;
    if ((e = receipt_open(&r, object, m->a->directory->hub_sign)) != OK)
        return e;
    count_receipt(m, &r);
    receipt_fini(&r);
    meeting_progress(m);
    return OK;
}

/* Words stand by themselves, too: they may come in any state. */
static enum err take_word(struct meeting *m, struct bytes object)
{
    uint64_t before;
    uint64_t after;
    enum err e;

    if ((e = agent_words_held(m->a, NULL, &before)) != OK)
        return e;
    e = agent_take_word(m->a, object);
    m->words++;
    m->word_bytes += object.len;
    m->word_left = m->word_left || e != OK;
    if (e == ERR_NOT_FOUND || e == ERR_VERSION) {
        log_notice("sync: %s", err_text());
        return OK; /* it comes again */
    }
    if (is_about_content(e))
        return disbelieve(m, "a word of the hub");
    if (e != OK || (e = agent_words_held(m->a, NULL, &after)) != OK)
        return e;
    m->out->words += after > before;
    meeting_progress(m);
    return OK;
}

static enum err take_page(struct meeting *m, struct bytes object)
{
    enum err e;

    if ((m->plan == NULL && (m->compare == NULL || m->compare->now == NULL)) || m->plan_complete)
        return OK;
    e = m->plan != NULL ? reconcile_feed(m->plan, object, &m->plan_complete)
                        : comparison_feed(m->compare->now, object, &m->plan_complete);
    if (is_about_content(e))
        return disbelieve(m, "the hub's list of what it holds");
    if (e == OK) {
        m->plan_moved = true;
        meeting_progress(m);
    }
    return e;
}

static void take_ack(struct meeting *m, const struct msg_ack *ack)
{
    struct sent *s = m->is_open ? meeting_find_sent(m, ack->sequence) : NULL;
    int64_t position;

    if (s == NULL)
        return;
    position = s->base + (int64_t)ack->offset;
    m->credit = ack->credit;
    if (position > m->sent_total || position <= m->acked_total)
        return;
    m->acked_total = position;
    line_acked(&m->line, position, clock_mono_ms());
    meeting_progress(m);
}

static enum err take_welcome(struct meeting *m, const struct msg_welcome *w)
{
    enum err e = OK;

    if (m->has_welcome)
        return OK;
    m->welcome = *w;
    m->welcome.directory = m->welcome.grant = bytes_of(NULL, 0);
    m->has_welcome = true;
    m->is_open = w->go == WELCOME_GO;
    m->credit = w->credit;
    meeting_progress(m);
    if (w->directory.len > 0) {
        if ((e = agent_take_directory(m->a, w->directory)) == OK)
            m->out->new_directory = true;
        else if (is_about_content(e) || e == ERR_VERSION)
            e = disbelieve(m, "the hub's directory");
    }
    if (e == OK && w->grant.len > 0) {
        if ((e = agent_take_grant(m->a, w->grant)) == OK)
            m->out->new_grant = true;
        else if (is_about_content(e) || e == ERR_VERSION || e == ERR_DENIED)
            e = disbelieve(m, "the hub's grant");
    }
    return e;
}

static enum err take_error(struct meeting *m, const struct msg_error *error)
{
    m->error = *error;
    m->has_error = true;
    log_notice("sync: the hub says: %s: %s", message_error_name(error->code), error->text);
    return err_set(ERR_DENIED, "%s: %s", message_error_name(error->code), error->text);
}

static enum err act(struct meeting *m, const struct message *in)
{
    switch (in->type) {
    case MSG_WELCOME: return take_welcome(m, &in->as.welcome);
    case MSG_ACK: take_ack(m, &in->as.ack); return OK;
    case MSG_RECEIPT: return take_receipt(m, in->as.signed_object);
    case MSG_RECONCILE_REPLY: return take_page(m, in->as.signed_object);
    case MSG_OBJECT:
        if (m->is_open)
            meeting_take_object(m, &in->as.object);
        return OK;
    case MSG_WORD: return take_word(m, in->as.signed_object);
    case MSG_BYE: m->has_bye = true; return OK;
    case MSG_ERROR: return take_error(m, &in->as.error);
    case MSG_HELLO:
    case MSG_CHUNK:
    case MSG_RECONCILE:
    case MSG_GET: break;
    }
    return OK; /* not a hub's to send: ignored */
}

enum err meeting_pump(struct meeting *m, int64_t wait_ms)
{
    struct bytes frame;
    enum err e = link_receive(m->link, wait_ms, &frame);

    if (e == ERR_NOT_FOUND) {
        if (clock_mono_ms() - m->progress_ms > m->a->conf.progress_ms)
            return err_set(ERR_NET, _("the hub has been silent for %lld s; the next attempt goes on from there"),
                           (long long)m->a->conf.progress_ms / 1000);
        return OK;
    }
    if (e != OK)
        return e;
    e = message_decode(&m->message, frame);
    if (e == ERR_VERSION)
        return OK; /* of a later hub: ignored */
    if (e != OK)
        return disbelieve(m, "a message");
    e = act(m, &m->message);
    if (e == OK && m->has_bye)
        return err_set(ERR_NET, _("the hub ended the meeting; the rest goes the next time"));
    return e;
}

/* ---- HELLO ---- */

static enum err put_offers(const struct agent *a, struct msg_hello *h, uint64_t receipted)
{
    struct batch_state b;
    enum err e;

    for (e = queue_batch(a, &h->gen, receipted + 1, &b); e == OK && h->offer_count < HELLO_MAX_OFFERS;
         e = queue_batch(a, &h->gen, b.sequence + 1, &b)) {
        struct offer *o = &h->offers[h->offer_count];

        if (b.life != BATCH_SEALED)
            continue;
        o->sequence = b.sequence;
        o->length = b.length;
        memcpy(o->digest, b.digest, DIGEST_BYTES);
        h->offer_count++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* What has no receipt in all other generations. */
static enum err count_elsewhere(const struct agent *a, const struct generation *gen, uint64_t *out)
{
    struct generation *list = malloc(QUEUE_MAX_GENERATIONS * sizeof(*list));
    size_t count = 0;
    enum err e = list == NULL ? ERR_NOMEM : queue_generations(a, list, QUEUE_MAX_GENERATIONS, &count);

    *out = 0;
    for (size_t i = 0; i < count && e == OK; i++) {
        struct queue_chain chain;

        if (generation_compare(&list[i], gen) == 0)
            continue;
        if ((e = queue_chain(a, &list[i], &chain)) == OK)
            *out += chain.waiting_records;
    }
    free(list);
    return e;
}

enum err sync_hello(const struct agent *a, const struct generation *gen, struct bytes enrol, struct msg_hello *h)
{
    struct queue_chain chain;
    enum err e = queue_chain(a, gen, &chain);

    if (e != OK)
        return e;
    h->version_min = MESSAGE_VERSION_MIN;
    h->version_max = MESSAGE_VERSION_MAX;
    memcpy(h->district, a->directory->district, sizeof(h->district));
    (void)snprintf(h->participant, sizeof(h->participant), "%s", a->grant->participant);
    h->gen = *gen;
    (void)snprintf(h->software, sizeof(h->software), "svodka-agent %s", SVODKA_VERSION);
    h->agent_ms = clock_wall_ms();
    h->directory_version = a->directory->version;
    h->grant_version = a->grant->version;
    h->first_held = chain.first_held;
    h->last_sealed = chain.last_sealed;
    h->receipted = chain.receipted;
    h->archived = chain.archived;
    memcpy(h->head, chain.head, DIGEST_BYTES);
    h->waiting_bytes = chain.waiting_bytes;
    h->waiting_records = chain.waiting_records;
    h->enrol = enrol;
    h->takes_words = h->says_elsewhere = h->says_known = true;
    h->words_known = SIGNED_FIGURES;
    if ((e = agent_words_held(a, NULL, &h->words_held)) != OK ||
        (e = count_elsewhere(a, gen, &h->waiting_elsewhere)) != OK)
        return e;
    return put_offers(a, h, chain.receipted);
}

enum err meeting_greet(struct meeting *m)
{
    struct message *out = calloc(1, sizeof(*out));
    int64_t until = clock_mono_ms() + m->a->conf.handshake_ms;
    enum err e;

    if (out == NULL)
        return ERR_NOMEM;
    out->type = MSG_HELLO;
    m->has_welcome = m->is_open = m->word_left = false;
    m->words = 0;
    m->word_bytes = 0;
    m->sent_count = 0;
    m->sent_total = m->acked_total = 0;
    line_greeted(&m->line);
    if ((e = sync_hello(m->a, &m->gen, bytes_of(m->enrol.data, m->over_invitation ? m->enrol.len : 0),
                        &out->as.hello)) == OK)
        e = meeting_send(m, out);
    free(out);
    meeting_progress(m);
    while (e == OK && !m->has_welcome) {
        if (clock_mono_ms() > until)
            return err_set(ERR_NET, _("the hub does not answer the greeting"));
        e = meeting_pump(m, STEP_MS);
    }
    if (e == OK && m->over_invitation && !agent_is_enrolled(m->a))
        e = err_set(ERR_AUTH, _("the hub's answer to the invitation is not for this computer's keys"));
    if (e == OK && m->over_invitation && !m->out->joined) {
        m->out->joined = true;
        log_notice("sync: the district has let this computer join as %s", m->a->grant->participant);
    }
    return e;
}

/* ---- words ---- */

enum err meeting_wait_for_words(struct meeting *m, bool *more)
{
    uint64_t held;
    enum err e;

    *more = false;
    while ((e = agent_words_held(m->a, NULL, &held)) == OK && held < m->welcome.last_word && !m->word_left) {
        if (m->words >= WORDS_AT_ONCE || m->word_bytes >= WORDS_BYTES) {
            *more = true;
            return OK;
        }
        if ((e = meeting_pump(m, STEP_MS)) != OK)
            return e;
    }
    return e;
}

/* ---- RECONCILE (SPEC.md section 7) ---- */

enum err meeting_ask_page(struct meeting *m, const struct generation *gen, uint64_t from)
{
    struct message out = {.type = MSG_RECONCILE};
    enum err e;

    out.as.reconcile.gen = *gen;
    out.as.reconcile.from = from;
    m->plan_moved = false;
    e = meeting_send(m, &out);
    meeting_progress(m);
    while (e == OK && !m->plan_moved)
        e = meeting_pump(m, STEP_MS);
    return e;
}

static enum err ask_pages(struct meeting *m)
{
    enum err e = OK;

    m->plan_complete = false;
    while (e == OK && !m->plan_complete)
        e = meeting_ask_page(m, &m->gen, reconcile_next(m->plan));
    return e;
}

static enum err reconcile(struct meeting *m)
{
    uint64_t dropped = 0;
    uint64_t renumbered = 0;
    uint64_t sealed = 0;
    enum err e = reconcile_begin(&m->plan, m->a, &m->gen);

    if (e == OK)
        e = ask_pages(m);
    if (e == OK && generation_compare(&m->gen, &m->a->gen) != 0)
        e = queue_seal(m->a, &sealed); /* nothing of the current generation may stay behind unsealed */
    if (e == OK)
        e = reconcile_finish(m->plan, &dropped, &renumbered);
    reconcile_free(m->plan);
    m->plan = NULL;
    m->out->sealed += sealed;
    if (e != OK)
        return e;
    m->out->reconciled++;
    m->out->already_there += dropped;
    m->out->renumbered += renumbered;
    log_notice("sync: two histories met: %llu submissions were at the hub already, %llu got new numbers",
               (unsigned long long)dropped, (unsigned long long)renumbered);
    e = queue_seal(m->a, &sealed);
    m->out->sealed += sealed;
    return e;
}

/* ---- a lost sealing key (SPEC.md 7.6) ---- */

/* What the directory or a receipt of this meeting says can never be opened is sealed again, and greeted with anew. */
static enum err seal_again(struct meeting *m, bool *again)
{
    uint64_t records = 0;
    uint64_t sealed = 0;
    enum err e = queue_reseal(m->a, &records);

    if (e != OK || records == 0 || agent_is_stopped(m->a))
        return e;
    *again = true;
    e = queue_seal(m->a, &sealed);
    m->out->sealed += sealed;
    return e;
}

/* ---- the meeting ---- */

/* *again: the list of generations has changed, or the hub asks for another HELLO. */
static enum err meet_generation(struct meeting *m, bool *again)
{
    bool was_stopped = agent_is_stopped(m->a);
    uint64_t sealed = 0;
    enum err e = meeting_greet(m);

    if (e != OK)
        return e;
    if (was_stopped && !agent_is_stopped(m->a)) { /* released: what waited goes at once */
        *again = true;
        e = queue_seal(m->a, &sealed);
        m->out->sealed += sealed;
        return e;
    }
    if (m->welcome.go == WELCOME_RECONCILE) {
        *again = true;
        return reconcile(m);
    }
    if (m->welcome.go == WELCOME_LATER)
        return OK;
    if ((e = seal_again(m, again)) != OK || *again)
        return e;
    if ((e = meeting_fetch(m)) != OK || (e = meeting_deliver(m)) != OK ||
        (e = meeting_wait_for_words(m, &m->more_words)) != OK)
        return e;
    if (m->words > 0 && (e = meeting_fetch(m)) != OK) /* forms that the history needs */
        return e;
    if ((e = seal_again(m, again)) != OK)
        return e;
    *again = *again || m->more_words;
    return OK;
}

/* Errors after which the same meeting goes on with another HELLO. */
static bool goes_on(struct meeting *m, enum err e)
{
    if (e != ERR_DENIED || !m->has_error)
        return false;
    if (m->error.code == MERR_SEQUENCE || (m->error.code == MERR_ORDER && m->orders++ == 0)) {
        m->has_error = false;
        return true;
    }
    return false;
}

enum err meeting_run(struct meeting *m)
{
    struct generation *list = malloc(QUEUE_MAX_GENERATIONS * sizeof(*list));
    bool again = true;
    enum err e = list == NULL ? ERR_NOMEM : OK;

    for (unsigned round = 0; again && e == OK; round++) {
        size_t count = 0;

        if (round == ROUNDS_MAX) {
            e = err_set(ERR_NET, _("the hub and this computer do not agree on what was sent; the next meeting goes on "
                                   "with it"));
            break;
        }
        if (m->more_words) /* each time some came: that is progress */
            round = 0;
        again = m->more_words = false;
        e = queue_generations(m->a, list, QUEUE_MAX_GENERATIONS, &count);
        for (size_t i = 0; i < count && e == OK && !again && m->welcome.go != WELCOME_LATER; i++) {
            m->gen = list[i];
            e = meet_generation(m, &again);
            if (goes_on(m, e)) {
                again = true;
                e = OK;
            }
        }
    }
    free(list);
    return e;
}
