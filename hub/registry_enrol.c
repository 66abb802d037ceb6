#include "hub/registry_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/audit.h"
#include "hub/figures.h"
#include "hub/own_history.h"
#include "hub/registry_status.h"

#include <stdio.h>
#include <string.h>

#define MAPPED "::ffff:" /* how a socket for both kinds of addresses says an IPv4 one */

bool registry_is_locked(const struct participant *p)
{
    return !p->invite_used && p->tries >= REGISTRY_TRIES;
}

/* ---- opening ---- */

struct lookup {
    const struct hub *hub;
    bool was_asked; /* the request is sealed to this hub, and whole: what is left to go wrong is the code */
};

static bool find_mac_key(void *ctx, const char *participant, uint8_t out[KEY_BYTES])
{
    struct lookup *l = ctx;
    const struct participant *p = registry_by_id(l->hub->registry, participant);

    if (p == NULL)
        return false;
    l->was_asked = true;
    memcpy(out, p->mac_key, KEY_BYTES);
    return true;
}

static enum err open_request(struct enrol_request *out, struct hub *h, struct enrolment *x)
{
    struct lookup l = {h, false};
    enum err e = ERR_AUTH;

    for (size_t i = 0; i < h->seal_count && e == ERR_AUTH && !l.was_asked; i++)
        e = enrol_open(out, x->sealed, h->seal[i], find_mac_key, &l);
    x->is_wrong_code = e == ERR_AUTH && l.was_asked;
    return e;
}

/* ---- judging ---- */

static enum err refuse(struct enrolment *x, enum message_error refusal, enum err e)
{
    x->refusal = refusal;
    return e;
}

static enum err locked(struct enrolment *x)
{
    return refuse(
        x, MERR_INVITATION_LOCKED,
        err_set(ERR_DENIED, "the invitation of %s is locked after %u wrong tries", x->participant, REGISTRY_TRIES));
}

static bool is_same(const struct participant *p, const struct enrol_request *r)
{
    return memcmp(p->grant.sign_key, r->sign_key, KEY_BYTES) == 0 &&
           memcmp(p->grant.curve_key, r->curve_key, KEY_BYTES) == 0;
}

static enum err bind(struct hub *h, struct store_txn *t, struct participant *p, const struct enrol_request *r,
                     const struct enrolment *x)
{
    const char *from = x->from;
    char print[FINGERPRINT_CHARS + 1];
    enum err e = registry_supersede(h, t, p);

    if (e != OK)
        return e;
    memcpy(p->grant.sign_key, r->sign_key, KEY_BYTES);
    memcpy(p->grant.curve_key, r->curve_key, KEY_BYTES);
    p->invite_used = true;
    p->enrolled_ms = p->last_seen_ms = clock_wall_ms();
    if (p->state != PARTICIPANT_HELD) { /* a hold is on the school, not on its computer */
        p->state = PARTICIPANT_ACTIVE;
        p->grant.status = GRANT_ACTIVE;
    }
    if (strncmp(from, MAPPED, strlen(MAPPED)) == 0)
        from += strlen(MAPPED);
    (void)snprintf(p->joined_from, sizeof(p->joined_from), "%s", from);
    enrol_transcript(p->transcript, h->root, r);
    p->has_transcript = true;
    p->words_ms = 0;
    if ((e = registry_decide(h, t, p, DEED_ENROLLED, "", NULL, 0)) != OK ||
        (r->has_history_key && (e = registry_take_history_key(h, t, p, r->history_key)) != OK) ||
        (e = registry_read_signers(t, p)) != OK || (e = own_history_add_all(h, t, p)) != OK ||
        (e = figures_tell_newcomer(h, t, p)) != OK)
        return e;
    fingerprint(print, r->sign_key);
    return hub_audit_do(h, t, x->who != NULL ? x->who : p->id, AUDIT_SCHOOL_ENROL, p->id, "fingerprint=%s\nfile=%s",
                        print, strcmp(from, REGISTRY_FROM_FILE) == 0 ? "yes" : "");
}

/* The request is genuine: made with the code of this participant's invitation. */
static enum err judge(struct hub *h, struct store_txn *t, struct participant *p, const struct enrol_request *r,
                      struct enrolment *x)
{
    if (p->state == PARTICIPANT_CLOSED || (p->state == PARTICIPANT_REVOKED && p->invite_used))
        return refuse(x, MERR_REVOKED, err_set(ERR_DENIED, "%s is revoked or closed", p->id));
    if (p->invite_used) {
        x->was_known = is_same(p, r);
        return x->was_known
                   ? OK
                   : refuse(x, MERR_INVITATION_USED,
                            err_set(ERR_DENIED, "the invitation of %s was used already by another computer", p->id));
    }
    if (clock_wall_ms() > p->invite_expires_ms)
        return refuse(x, MERR_INVITATION_EXPIRED, err_set(ERR_EXPIRED, "the invitation of %s has expired", p->id));
    return bind(h, t, p, r, x);
}

enum err registry_enrol(struct hub *h, struct store_txn *t, struct enrolment *x)
{
    struct participant *p = registry_find(h->registry, x->participant);
    struct enrol_request request;
    enum err e;

    x->refusal = MERR_ENROL;
    x->is_wrong_code = x->was_known = false;
    if (p == NULL)
        return err_set(ERR_DENIED, "%s is not known here", x->participant);
    if (registry_is_locked(p))
        return locked(x); /* before anything is opened: who tries on learns nothing */
    if ((e = open_request(&request, h, x)) != OK)
        return e;
    if (strcmp(request.participant, x->participant) != 0 || memcmp(request.district, h->district, DISTRICT_BYTES) != 0)
        return err_set(ERR_AUTH, "the enrolment request names %s, it came under the invitation of %s",
                       request.participant, x->participant);
    if ((e = judge(h, t, p, &request, x)) != OK)
        return e;
    buf_put(x->grant, p->grant_object.data, p->grant_object.len);
    return buf_status(x->grant);
}

/* ---- wrong tries, and words that were compared ---- */

enum err registry_wrong_try(struct hub *h, struct store_txn *t, const char *participant)
{
    struct participant *p = registry_find(h->registry, participant);
    enum err e;

    if (p == NULL || p->invite_used || registry_is_locked(p))
        return OK;
    p->tries++;
    if ((e = hub_audit_do(h, t, p->id, registry_is_locked(p) ? AUDIT_SCHOOL_LOCK : AUDIT_SCHOOL_TRY, p->id, "number=%u",
                          p->tries)) != OK)
        return e;
    return registry_is_locked(p) ? registry_sign(h, t, p, "locked") : registry_put(h, t, p);
}

enum err registry_words_match(struct hub *h, struct store_txn *t, const char *participant, const char *who)
{
    struct participant *p = registry_find(h->registry, participant);
    enum err e;

    if (p == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no school '%s'; svodka-hub school list shows all"), participant);
    if (!p->has_transcript)
        return err_set(ERR_INVALID,
                       _("there are no words to compare with %s: it has not joined yet, or joined before the "
                         "hub kept them"),
                       participant);
    p->words_ms = clock_wall_ms();
    if ((e = hub_audit_do(h, t, who, AUDIT_SCHOOL_WORDS, p->id, "%s", "")) != OK)
        return e;
    return registry_put(h, t, p);
}
