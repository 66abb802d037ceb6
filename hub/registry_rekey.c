#include "common/cli.h"
#include "common/clock.h"
#include "hub/audit.h"
#include "hub/ledger.h"
#include "hub/registry_internal.h"
#include "hub/registry_status.h"

#include <stdlib.h>
#include <string.h>

/* Restored copies of the old computer may begin a few generations more before the new one is there: it begins above
 * them, so that what it says is the later word. */
#define COUNTER_LEAP 16u

/* ---- the invitation ---- */

static enum err first_counter(struct store_txn *t, const struct participant *p, uint32_t *out)
{
    uint32_t greatest = 0;
    enum err e = ledger_max_counter(t, p->index, &greatest);

    if (e == OK && greatest > UINT32_MAX - COUNTER_LEAP)
        e = err_set(ERR_LIMIT, _("school %s has used up its numbers"), p->id);
    *out = greatest + COUNTER_LEAP;
    return e;
}

enum err registry_invitation_grant(struct hub *h, struct store_txn *t, const struct participant *p, struct buf *out)
{
    struct grant *g;
    enum err e;

    if (p->enrolled_ms == 0) {
        buf_put(out, p->grant_object.data, p->grant_object.len);
        return buf_status(out);
    }
    if ((g = malloc(sizeof(*g))) == NULL)
        return ERR_NOMEM;
    *g = p->grant;
    g->status = p->state == PARTICIPANT_HELD ? GRANT_HELD : GRANT_ACTIVE;
    memset(g->sign_key, 0, sizeof(g->sign_key));
    memset(g->curve_key, 0, sizeof(g->curve_key));
    if ((e = first_counter(t, p, &g->first_counter)) == OK)
        e = grant_make(out, g, h->sign);
    free(g);
    return e;
}

static enum err check_state(const struct participant *p)
{
    if (p->state == PARTICIPANT_CLOSED)
        return err_set(ERR_INVALID,
                       _("school %s is closed; invite it again under another id with \"svodka-hub school "
                         "add\""),
                       p->id);
    return OK;
}

static enum err invite(struct hub *h, struct store_txn *t, struct participant *p, const struct rekey *r,
                       struct buf *invitation, struct ticket *ticket)
{
    struct buf grant;
    enum err e;

    buf_init(&grant, SIGNED_MAX);
    if ((e = registry_new_code(h, p, r->valid_days)) == OK && (e = registry_invitation_grant(h, t, p, &grant)) == OK &&
        (e = signers_decide(h, t, p->id, p->index, DEED_REKEYED, bytes_of(grant.data, grant.len), "", NULL, 0)) == OK &&
        (e = registry_renew(h, t, p)) == OK) /* above the invitation's: the next one replaces both */
        e = registry_invitation(h, t, p, bytes_of(grant.data, grant.len), invitation);
    if (e == OK && ticket != NULL)
        registry_ticket(h, p, ticket);
    buf_fini(&grant);
    wipe(p->code, sizeof(p->code));
    return e;
}

enum err registry_rekey(struct hub *h, struct store_txn *t, const struct status_word *w, const struct rekey *r,
                        struct buf *invitation, struct ticket *ticket)
{
    const struct revoke_from nothing = {0, 0};
    struct participant *p = registry_find(h->registry, w->id);
    uint64_t suspects;
    enum err e;

    if (p == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no school \"%s\"; \"svodka-hub school list\" shows them"), w->id);
    if ((e = check_state(p)) != OK)
        return e;
    if (r->is_lost && p->state != PARTICIPANT_REVOKED && p->enrolled_ms != 0 &&
        (e = registry_revoke(h, t, w, &nothing, &suspects)) != OK)
        return e;
    if ((e = invite(h, t, p, r, invitation, ticket)) != OK)
        return e;
    return hub_audit_do(h, t, w->who, AUDIT_SCHOOL_REKEY, p->id, "%s", "");
}

/* ---- the new computer is there ---- */

enum err registry_supersede(struct hub *h, struct store_txn *t, struct participant *p)
{
    struct grant *g;
    struct buf last;
    enum err e;

    if (p->enrolled_ms == 0)
        return OK;
    if ((g = malloc(sizeof(*g))) == NULL)
        return ERR_NOMEM;
    buf_init(&last, SIGNED_MAX);
    p->grant.version++;
    *g = p->grant;
    g->status = GRANT_REVOKED;
    g->issued_ms = clock_wall_ms();
    if ((e = grant_make(&last, g, h->sign)) == OK)
        e = signers_decide(h, t, p->id, p->index, DEED_SUPERSEDED, bytes_of(last.data, last.len), "", NULL, 0);
    if (e == OK)
        e = hub_raise_definitions(t); /* what the old one sends is judged otherwise from here on */
    buf_fini(&last);
    free(g);
    return e;
}

enum err registry_take_history_key(struct hub *h, struct store_txn *t, const struct participant *p,
                                   const uint8_t key[KEY_BYTES])
{
    return signers_decide(h, t, p->id, p->index, DEED_HISTORY_KEY, bytes_of(key, KEY_BYTES), "", NULL, 0);
}
