#include "hub/registry_status.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/audit.h"
#include "hub/ledger.h"
#include "hub/registry_internal.h"
#include "hub/slot.h"

#include <string.h>

/* ---- how it stands ---- */

const struct signer *registry_signer_by_curve(const struct participant *p, const uint8_t curve[KEY_BYTES])
{
    for (size_t i = 0; i < p->signer_count; i++)
        if (memcmp(p->signers[i].curve, curve, KEY_BYTES) == 0)
            return &p->signers[i];
    return NULL;
}

const struct signer *registry_signer_by_key(const struct participant *p, const uint8_t sign[KEY_BYTES])
{
    for (size_t i = 0; i < p->signer_count; i++)
        if (memcmp(p->signers[i].sign, sign, KEY_BYTES) == 0)
            return &p->signers[i];
    return NULL;
}

bool registry_is_present(const struct participant *p, const struct signer *s)
{
    (void)p;
    return s == NULL || s->until_lsn == 0;
}

const struct signer *registry_reader(const struct participant *p)
{
    static const uint8_t none[KEY_BYTES];
    const struct signer *s = p->signer_count == 0 ? NULL : &p->signers[p->signer_count - 1];

    return s == NULL || s->until_lsn != 0 || memcmp(s->history, none, KEY_BYTES) == 0 ? NULL : s;
}

enum participant_state registry_standing(const struct participant *p, const struct signer *s)
{
    bool is_earlier = s != NULL && s->until_lsn != 0;
    bool gives_the_rest = is_earlier || p->state == PARTICIPANT_CLOSED;

    if (is_earlier && s->is_revoked)
        return PARTICIPANT_REVOKED;
    if (p->state == PARTICIPANT_HELD || p->state == PARTICIPANT_REVOKED)
        return p->state;
    if (gives_the_rest && s != NULL && s->is_finished)
        return PARTICIPANT_REVOKED;
    return gives_the_rest ? PARTICIPANT_CLOSED : p->state;
}

/* ---- changing it ---- */

static const char *state_word(enum participant_state s)
{
    switch (s) {
    case PARTICIPANT_INVITED: return _("it has not joined yet");
    case PARTICIPANT_ACTIVE: return _("it is active");
    case PARTICIPANT_HELD: return _("it is on hold already");
    case PARTICIPANT_REVOKED: return _("it is revoked already");
    case PARTICIPANT_CLOSED: return _("it is closed already");
    }
    return "";
}

static enum err find(struct hub *h, const struct status_word *w, struct participant **out)
{
    const char *names[256];
    const char *near;
    size_t count = 0;

    if ((*out = registry_find(h->registry, w->id)) != NULL)
        return OK;
    for (size_t i = 0; i < registry_count(h->registry) && count < sizeof(names) / sizeof(names[0]); i++)
        names[count++] = registry_at(h->registry, i)->id;
    near = cli_nearest(w->id, names, count);
    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no school \"%s\"; did you mean \"%s\"?"), w->id, near);
    return err_set(ERR_NOT_FOUND, _("there is no school \"%s\"; \"svodka-hub school list\" shows them"), w->id);
}

static enum err check_reason(const char *reason)
{
    if (reason != NULL && strlen(reason) <= REASON_MAX)
        return OK;
    return err_set(ERR_USAGE, _("--reason: words of at most %u bytes are expected"), REASON_MAX);
}

enum err registry_renew(struct hub *h, struct store_txn *t, struct participant *p)
{
    enum err e;

    p->grant.version++;
    p->grant.issued_ms = clock_wall_ms();
    p->grant.expires_ms = p->grant.issued_ms + REGISTRY_GRANT_DAYS * REGISTRY_DAY_MS;
    buf_reset(&p->grant_object);
    e = grant_make(&p->grant_object, &p->grant, h->sign);
    return e == OK ? registry_put(h, t, p) : e;
}

enum err registry_decide(struct hub *h, struct store_txn *t, struct participant *p, enum participant_deed deed,
                         const char *reason, const struct suspect_from *from, size_t from_count)
{
    enum err e = registry_renew(h, t, p);

    if (e == OK)
        e = signers_decide(h, t, p->id, p->index, deed, bytes_of(p->grant_object.data, p->grant_object.len), reason,
                           from, from_count);
    return e;
}

/* What the rest of the hub asks about, in one place. */
static enum err decide(struct hub *h, struct store_txn *t, struct participant *p, enum participant_deed deed,
                       const char *reason, const struct suspect_from *from, size_t from_count)
{
    enum err e = registry_decide(h, t, p, deed, reason, from, from_count);

    return e == OK ? hub_raise_definitions(t) : e;
}

enum err registry_hold(struct hub *h, struct store_txn *t, const struct status_word *w)
{
    struct participant *p;
    enum err e;

    if ((e = check_reason(w->reason)) != OK || (e = find(h, w, &p)) != OK)
        return e;
    if (p->state != PARTICIPANT_ACTIVE)
        return err_set(ERR_INVALID, _("school %s cannot be put on hold: %s"), p->id, state_word(p->state));
    p->state = PARTICIPANT_HELD;
    p->grant.status = GRANT_HELD;
    if ((e = decide(h, t, p, DEED_HELD, w->reason, NULL, 0)) == OK)
        e = hub_audit_do(h, t, w->who, AUDIT_SCHOOL_HOLD, p->id, "%s", "");
    return e;
}

enum err registry_release(struct hub *h, struct store_txn *t, const struct status_word *w)
{
    struct participant *p;
    enum err e = find(h, w, &p);

    if (e != OK)
        return e;
    if (p->state == PARTICIPANT_REVOKED)
        return err_set(ERR_INVALID,
                       _("school %s is revoked, and a revoked computer is not trusted again: give the school a new "
                         "invitation with \"svodka-hub school rekey %s\""),
                       p->id, p->id);
    if (p->state != PARTICIPANT_HELD)
        return err_set(ERR_INVALID, _("school %s is not on hold: %s"), p->id, state_word(p->state));
    p->state = p->enrolled_ms != 0 ? PARTICIPANT_ACTIVE : PARTICIPANT_INVITED;
    p->grant.status = GRANT_ACTIVE;
    if ((e = decide(h, t, p, DEED_RELEASED, "", NULL, 0)) == OK)
        e = hub_audit_do(h, t, w->who, AUDIT_SCHOOL_RELEASE, p->id, "%s", "");
    return e;
}

enum err registry_close(struct hub *h, struct store_txn *t, const struct status_word *w)
{
    struct participant *p;
    enum err e = find(h, w, &p);

    if (e != OK)
        return e;
    if (p->state == PARTICIPANT_CLOSED)
        return err_set(ERR_INVALID, _("school %s cannot be closed: %s"), p->id, state_word(p->state));
    if (p->state == PARTICIPANT_HELD)
        return err_set(ERR_INVALID,
                       _("school %s is on hold: release or revoke it first, so that it is known what "
                         "becomes of what it still sends"),
                       p->id);
    if (p->state == PARTICIPANT_REVOKED)
        return err_set(ERR_INVALID, _("school %s cannot be closed: %s"), p->id, state_word(p->state));
    p->state = PARTICIPANT_CLOSED;
    p->grant.status = GRANT_CLOSED;
    p->invite_used = true; /* an open invitation is void */
    if ((e = decide(h, t, p, DEED_CLOSED, "", NULL, 0)) == OK)
        e = hub_audit_do(h, t, w->who, AUDIT_SCHOOL_CLOSE, p->id, "%s", "");
    return e;
}

/* ---- revoke ---- */

struct marking {
    const struct revoke_from *from;
    struct suspect_from list[SUSPECT_FROM];
    size_t count;
    uint64_t batches;
    struct generation newest;
    bool has_newest;
};

/* Batches come in the order of generations and sequences: what is marked in a generation begins once. */
static enum err mark(struct marking *m, struct store_txn *t, const struct record_ref *at, uint64_t lsn)
{
    bool is_marked = false;
    int64_t wall_ms;
    enum err e = OK;

    if (m->from->since_ms != 0) {
        if ((e = ledger_time(t, lsn, &wall_ms)) != OK)
            return e;
        is_marked = wall_ms >= m->from->since_ms;
    } else {
        int order = generation_compare(&at->gen, &m->newest);

        is_marked = order > 0 || (order == 0 && at->number >= m->from->sequence);
    }
    if (!is_marked)
        return OK;
    m->batches++;
    if (m->count > 0 && generation_compare(&m->list[m->count - 1].gen, &at->gen) == 0)
        return OK;
    if (m->count == SUSPECT_FROM)
        return err_set(ERR_LIMIT, _("more than %u computers or restored copies are concerned: name a later moment"),
                       SUSPECT_FROM);
    m->list[m->count].gen = at->gen;
    m->list[m->count++].sequence = at->number;
    return OK;
}

static enum err each_batch(struct store_txn *t, uint32_t participant, struct marking *m,
                           enum err (*each)(struct marking *m, struct store_txn *t, const struct record_ref *at,
                                            uint64_t lsn))
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t from[4];
    enum err e = store_cursor_open(t, H_BATCHES, &c);

    if (e != OK)
        return e;
    be32_put(from, participant);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
         e == OK && key.len == PLACE_KEY_BYTES && value.len > 8 && memcmp(key.p, from, sizeof(from)) == 0;
         e = store_next(c, &key, &value)) {
        struct record_ref at = record_ref_get(key.p + 4);

        if ((e = each(m, t, &at, be64_get(value.p))) != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err note_newest(struct marking *m, struct store_txn *t, const struct record_ref *at, uint64_t lsn)
{
    (void)t;
    (void)lsn;
    m->newest = at->gen;
    m->has_newest = true;
    return OK;
}

static enum err find_suspects(struct store_txn *t, uint32_t participant, struct marking *m)
{
    enum err e = OK;

    if (m->from->sequence == 0 && m->from->since_ms == 0)
        return OK;
    if (m->from->since_ms == 0 && (e = each_batch(t, participant, m, note_newest)) != OK)
        return e;
    if (m->from->since_ms == 0 && !m->has_newest)
        return OK;
    return each_batch(t, participant, m, mark);
}

enum err registry_revoke(struct hub *h, struct store_txn *t, const struct status_word *w,
                         const struct revoke_from *from, uint64_t *suspects)
{
    struct marking m = {.from = from};
    struct participant *p;
    enum err e;

    *suspects = 0;
    if ((e = check_reason(w->reason)) != OK || (e = find(h, w, &p)) != OK)
        return e;
    if (p->state == PARTICIPANT_REVOKED)
        return err_set(ERR_INVALID, _("school %s cannot be revoked: %s"), p->id, state_word(p->state));
    if ((e = find_suspects(t, p->index, &m)) != OK)
        return e;
    p->state = PARTICIPANT_REVOKED;
    p->grant.status = GRANT_REVOKED;
    p->invite_used = true; /* an open invitation is void */
    if ((e = decide(h, t, p, DEED_REVOKED, w->reason, m.list, m.count)) != OK ||
        (e = hub_audit_do(h, t, w->who, AUDIT_SCHOOL_REVOKE, p->id, "doubtful=%llu", (unsigned long long)m.batches)) !=
            OK)
        return e;
    *suspects = m.batches;
    return OK;
}

enum err registry_finish(struct hub *h, struct store_txn *t, const char *id, const uint8_t sign[KEY_BYTES])
{
    struct participant *p = registry_find(h->registry, id);
    enum err e;

    if (p == NULL)
        return ERR_NOT_FOUND;
    if ((e = signers_decide(h, t, id, p->index, DEED_FINISHED, bytes_of(sign, KEY_BYTES), "", NULL, 0)) != OK ||
        (e = registry_read_signers(t, p)) != OK)
        return e;
    return hub_audit_do(h, t, id, AUDIT_SCHOOL_FINISH, id, "%s", "");
}
