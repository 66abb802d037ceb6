#include "hub/core_meeting_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "hub/archive.h"
#include "hub/audit.h"
#include "hub/registry_status.h"
#include "hub/returns.h"
#include "hub/words.h"

#include <string.h>

#define SEEN_EVERY_MS    60000
#define RECEIPTS_AT_ONCE 1024u /* unasked, in one meeting */

/* A computer that is held or revoked may give what it has, up to a limit: it is kept for the operator's word.  Its own
 * word about when that was sealed is worth nothing, so what counts is what has no receipt yet (SPEC.md 6.5). */
static bool is_full(struct greeting *g)
{
    bool is_full = true; /* when it is not known */

    if (core_room_for_held(g->c, g->from, g->by, 1, &is_full) != OK)
        log_warning("core: what is kept of %s: %s", g->from->id, err_text());
    return is_full;
}

static void refuse_standing(struct greeting *g, enum message_error *code, const char **text)
{
    enum participant_state s = registry_standing(g->from, g->by);

    if ((s != PARTICIPANT_HELD && s != PARTICIPANT_REVOKED) || (!g->is_invitation && !is_full(g)))
        return;
    *code = s == PARTICIPANT_HELD ? MERR_HELD : MERR_REVOKED;
    *text = s == PARTICIPANT_HELD ? "this participant is on hold" : "this computer is revoked";
}

void core_turn_away(const struct greeting *g, enum message_error code, const char *text)
{
    if (g->from != NULL)
        core_nights_refused(g->c, g->from->index, code);
    core_error(g->c, g->connection, code, 0, text);
}

/* True: answered with an error. */
static bool refuse(struct greeting *g)
{
    const struct msg_hello *h = g->hello;
    enum message_error code = 0;
    const char *text = "";

    if (memcmp(h->district, g->c->hub->district, sizeof(h->district)) != 0) {
        code = MERR_UNKNOWN;
        text = "this hub is another district's";
    } else if (g->from == NULL || strcmp(h->participant, g->from->id) != 0) {
        code = MERR_UNKNOWN;
        text = "this key does not belong to this participant";
    } else if (g->is_invitation && g->hello->enrol.len == 0) {
        code = g->from->invite_used ? MERR_INVITATION_USED : MERR_ENROL;
        text = g->from->invite_used ? "this invitation has been used" : "a request to join is expected";
    }
    if (code == 0 && (!g->is_invitation || g->from->invite_used)) /* an open invitation is the operator's newest word */
        refuse_standing(g, &code, &text);
    if (code == 0)
        return false;
    log_notice("core: %s turned away: %s", h->participant, text);
    core_turn_away(g, code, text);
    return true;
}

/* Two histories?  The cases of SPEC.md 7.2 in their order: *differs, and *all_done for a closed generation of which the
 * agent has nothing left. */
static enum err held_differs(struct greeting *g, struct store_txn *t, uint64_t sequence,
                             const uint8_t expected[DIGEST_BYTES], bool *is_held, bool *differs)
{
    uint8_t held[DIGEST_BYTES];
    enum err e = ledger_batch(t, g->from->index, &g->hello->gen, sequence, held, NULL);

    *is_held = e == OK;
    *differs = e == OK && memcmp(held, expected, DIGEST_BYTES) != 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err check_known(struct greeting *g, struct store_txn *t, const struct ledger_chain *chain, bool *differs)
{
    const struct msg_hello *h = g->hello;
    bool is_held;
    enum err e = OK;

    *differs = chain->held_last > h->last_sealed;
    if (!*differs && h->last_sealed > 0)
        e = held_differs(g, t, h->last_sealed, h->head, &is_held, differs);
    for (uint32_t i = 0; i < h->offer_count && !*differs && e == OK; i++)
        e = held_differs(g, t, h->offers[i].sequence, h->offers[i].digest, &is_held, differs);
    return e;
}

static enum err check_history(struct greeting *g, struct store_txn *t, const struct ledger_chain *chain, bool *differs,
                              bool *all_done)
{
    const struct msg_hello *h = g->hello;
    bool is_held = true;
    enum err e = OK;

    *differs = *all_done = false;
    if (chain->is_closed) {
        if (h->last_sealed > 0)
            e = held_differs(g, t, h->last_sealed, h->head, &is_held, differs);
        *all_done = e == OK && !*differs && is_held && h->waiting_records == 0;
        *differs = !*all_done;
        return e;
    }
    if (chain->held_last > 0)
        return check_known(g, t, chain, differs);
    return registry_is_present(g->from, g->by)
               ? ledger_begins_anew(t, g->from->index, &h->gen, g->from->grant.sign_key, differs)
               : OK;
}

/* Durable before the agent sees a page of it: from here on no copy of this generation can have anything new counted, so
 * what the hub lacks may get new numbers without any chance of being counted under both (invariant 3). */
enum err core_close_generation(struct core *c, const struct participant *from, const struct generation *gen)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(c->hub->store, &t);

    if (e != OK)
        return e;
    if ((e = ledger_close_generation(c->hub->ledger, t, from->index, gen)) == OK)
        e = hub_audit_do(c->hub, t, from->id, AUDIT_SCHOOL_HISTORIES, from->id, "generation=%u", gen->counter);
    return ledger_end(c->hub->ledger, t, e);
}

/* Words are for the school's present computer alone: one that is not believed learns nothing from them. */
static bool gets_words(const struct greeting *g)
{
    return g->hello->takes_words && registry_is_present(g->from, g->by) &&
           registry_standing(g->from, g->by) != PARTICIPANT_REVOKED;
}

static void fill_fields(struct greeting *g, struct msg_welcome *w, const struct ledger_chain *chain)
{
    const struct hub *hub = g->c->hub;

    w->version = g->hello->version_max < MESSAGE_VERSION_MAX ? g->hello->version_max : MESSAGE_VERSION_MAX;
    w->hub_ms = clock_wall_ms();
    w->next_sequence = chain->next_sequence;
    w->held_last = chain->held_last;
    w->gap_count = chain->gap_count < WELCOME_MAX_GAPS ? chain->gap_count : WELCOME_MAX_GAPS;
    memcpy(w->gaps, chain->gaps, w->gap_count * sizeof(w->gaps[0]));
    w->credit = (uint32_t)hub->conf.credit;
    w->chunk = (uint32_t)hub->conf.chunk;
    if (hub->directory->version > g->hello->directory_version)
        w->directory = bytes_of(hub->directory_object.data, hub->directory_object.len);
    if (!registry_is_present(g->from, g->by)) {
        if (g->by->farewell_version > g->hello->grant_version)
            w->grant = bytes_of(g->by->farewell.data, g->by->farewell.len);
    } else if (g->from->grant.version > g->hello->grant_version)
        w->grant = bytes_of(g->from->grant_object.data, g->from->grant_object.len);
}

static enum err fill_welcome(struct greeting *g, struct msg_welcome *w)
{
    struct store_txn *t = NULL;
    struct ledger_chain chain;
    bool differs = false;
    bool all_done = false;
    enum err e = store_begin_read(g->c->hub->store, &t);

    if (e != OK)
        return e;
    if ((e = ledger_chain(t, g->from->index, &g->hello->gen, &chain)) == OK)
        e = check_history(g, t, &chain, &differs, &all_done);
    if (e == OK && gets_words(g))
        e = words_last(t, g->from->index, &w->last_word);
    store_abort(t);
    if (e != OK)
        return e;
    if (differs && !chain.is_closed)
        log_notice("core: %s holds another history than the hub, or an old message of it came late", g->from->id);
    core_tell(g->c, g->connection, g->from->index, differs && !chain.is_closed ? &g->hello->gen : NULL);
    if (all_done) {
        chain.next_sequence = chain.held_last + 1;
        chain.gap_count = 0;
    }
    w->go = differs ? WELCOME_RECONCILE : WELCOME_GO;
    fill_fields(g, w, &chain);
    return OK;
}

static enum err send_receipt(void *ctx, uint64_t sequence, struct bytes receipt)
{
    struct greeting *g = ctx;
    struct message m = {.type = MSG_RECEIPT};
    struct buf fresh;
    enum err e;

    (void)sequence;
    buf_init(&fresh, SIGNED_MAX);
    if ((e = hub_receipt_now(g->c->hub, receipt, &fresh, &m.as.signed_object)) == OK)
        core_send(g->c, g->connection, &m);
    buf_fini(&fresh);
    g->receipts++;
    return e;
}

/* Of batches that the agent has no receipt for: it was lost on its way.  Then of those that have become archived. */
static void send_receipts(struct greeting *g)
{
    const struct hub *hub = g->c->hub;
    struct store_txn *t = NULL;
    enum err e;

    if (store_begin_read(hub->store, &t) != OK)
        return;
    e = ledger_each_receipt(t, g->from->index, &g->hello->gen, g->hello->receipted, RECEIPTS_AT_ONCE, send_receipt, g);
    if (e == OK && g->receipts < RECEIPTS_AT_ONCE)
        e = archive_each_receipt(hub, t, g->from->index, &g->hello->gen, g->hello->archived,
                                 RECEIPTS_AT_ONCE - g->receipts, send_receipt, g);
    if (e != OK)
        log_warning("core: receipts of %s: %s", g->from->id, err_text());
    store_abort(t);
}

static enum err send_word(void *ctx, uint64_t serial, struct bytes object)
{
    struct greeting *g = ctx;
    struct message m = {.type = MSG_WORD};

    (void)serial;
    m.as.signed_object = object;
    core_send(g->c, g->connection, &m);
    g->word_bytes += object.len;
    return g->word_bytes < WORDS_BYTES ? OK : ERR_CANCELLED;
}

/* What was decided since, after the receipts. */
static void send_words(struct greeting *g)
{
    struct hub *h = g->c->hub;
    struct store_txn *t = NULL;
    enum err e;

    if (!gets_words(g))
        return;
    if ((e = words_raise(h, g->from->index, g->hello->words_held)) == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = words_each(
            h, t, &(struct words_wanted){g->from->index, g->hello->words_held, WORDS_AT_ONCE, g->hello->words_known},
            send_word, g);
    if (e != OK && e != ERR_CANCELLED)
        log_warning("core: words to %s: %s", g->from->id, err_text());
    store_abort(t);
}

/* Its words held are all of them, whatever type: nothing stood in their place. */
static bool says_words(const struct greeting *g)
{
    return gets_words(g) && g->hello->words_known >= SIGNED_FIGURES;
}

/* What waits there: should the meeting end early, the office sees that it is on its way. */
static enum err note_greeting(const struct greeting *g, struct store_txn *t, int64_t now)
{
    const struct msg_hello *h = g->hello;
    struct greeting_note n = {.wall_ms = now,
                              .gen = h->gen,
                              .last_sealed = h->last_sealed,
                              .bytes = h->waiting_bytes,
                              .records = h->waiting_records,
                              .directory_version = h->directory_version,
                              .receipted = h->receipted};

    enum err e = greeting_put(t, g->from->index, &n);

    if (e == OK && says_words(g))
        e = words_note_held(t, g->from->index, h->words_held);
    return e;
}

/* Which keys it knows decides when an old one may go (docs/keys.md); which words it has is shown to the office. */
static bool knows_more(const struct greeting *g)
{
    struct greeting_note n = {.directory_version = 0};
    struct store_txn *t = NULL;
    uint64_t held = UINT64_MAX;

    if (store_begin_read(g->c->hub->store, &t) != OK)
        return false;
    if (greeting_get(t, g->from->index, &n) != OK)
        n.directory_version = 0;
    if (words_noted(t, g->from->index, &held) != OK)
        held = UINT64_MAX;
    store_abort(t);
    return g->hello->directory_version > n.directory_version || (says_words(g) && g->hello->words_held > held);
}

/* An earlier computer, or one of a closed school, says that nothing waits there any more: what comes later is kept
 * apart.  Only an agent that knows of all its generations can say so. */
static enum err finish(struct greeting *g)
{
    const struct msg_hello *h = g->hello;
    struct core *c = g->c;
    struct store_txn *t = NULL;
    enum err e;

    if (g->by == NULL || g->by->is_finished || registry_standing(g->from, g->by) != PARTICIPANT_CLOSED ||
        !h->says_elsewhere || h->waiting_records > 0 || h->waiting_elsewhere > 0 || h->offer_count > 0)
        return OK;
    workers_drain(c->workers);
    if ((e = store_begin_write(c->hub->store, &t)) != OK)
        return e;
    if ((e = ledger_end(c->hub->ledger, t, registry_finish(c->hub, t, g->from->id, g->by->sign))) != OK)
        return core_reload(c) == OK ? e : ERR_INTERNAL;
    log_notice("core: a computer of %s has given all it had", g->from->id);
    return core_send_allowlist(c);
}

static void note_seen(struct greeting *g)
{
    struct store_txn *t = NULL;
    int64_t now = clock_wall_ms();

    if (now - g->from->last_seen_ms < SEEN_EVERY_MS && !knows_more(g))
        return;
    workers_drain(g->c->workers);
    if (store_begin_write(g->c->hub->store, &t) != OK)
        return;
    if (registry_seen(g->c->hub, t, g->from->id, now) != OK || note_greeting(g, t, now) != OK)
        store_abort(t);
    else if (store_commit(t) != OK)
        log_warning("core: the time of the meeting with %s could not be kept", g->from->id);
}

enum err core_hello(struct core *c, const struct ipc_frame *f, const struct msg_hello *h)
{
    struct greeting g = {.c = c, .connection = f->connection, .hello = h, .peer = f->peer};
    struct message m = {.type = MSG_WELCOME};
    enum err e;

    g.from = registry_by_curve(c->hub->registry, f->curve, &g.is_invitation);
    if (g.from != NULL && !g.is_invitation)
        g.by = registry_signer_by_curve(g.from, f->curve);
    if (g.from != NULL && g.is_invitation && message_hello_is_asking(h)) {
        core_answer_asking(&g);
        return OK;
    }
    if (refuse(&g))
        return OK;
    if (g.is_invitation) {
        if ((e = core_enrol(&g)) != OK)
            return OK; /* answered */
        g.from = registry_by_id(c->hub->registry, h->participant);
    }
    if ((e = fill_welcome(&g, &m.as.welcome)) != OK) {
        log_error("core: the ledger cannot be read: %s", err_text());
        core_error(c, f->connection, MERR_BUSY, BUSY_SECONDS, "the hub cannot read its ledger");
        return OK;
    }
    core_send(c, f->connection, &m);
    core_nights_met(c, g.from->index);
    if (m.as.welcome.go == WELCOME_GO) {
        send_receipts(&g);
        send_words(&g);
    }
    note_seen(&g);
    if ((e = finish(&g)) != OK)
        log_warning("core: that a computer of %s has given all could not be kept: %s", h->participant, err_text());
    return OK;
}
