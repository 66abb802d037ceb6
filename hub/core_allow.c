#include "hub/core_meeting_internal.h"

#include "hub/registry_status.h"

#include <stdio.h>
#include <string.h>

/* ---- the allowlist: each participant's key, and each invitation's (a used one must be told that it is) ---- */

static enum ipc_standing standing_of(const struct participant *p, const struct signer *k)
{
    switch (registry_standing(p, k)) {
    case PARTICIPANT_HELD: return IPC_STANDING_HELD;
    case PARTICIPANT_REVOKED: return IPC_STANDING_REVOKED;
    case PARTICIPANT_INVITED:
    case PARTICIPANT_ACTIVE:
    case PARTICIPANT_CLOSED: break;
    }
    return registry_is_present(p, k) ? IPC_STANDING_GOOD : IPC_STANDING_EARLIER;
}

static enum err send_allow(struct core *c, const struct participant *p, const uint8_t curve[KEY_BYTES],
                           const uint8_t *sign, enum ipc_standing standing, bool is_invitation)
{
    struct ipc_packet packet = {.type = IPC_ALLOW};
    struct ipc_allow *a = &packet.as.allow;

    a->serial = c->allow_serial;
    a->is_invitation = is_invitation;
    a->standing = standing;
    memcpy(a->curve, curve, KEY_BYTES);
    if (sign != NULL)
        memcpy(a->sign, sign, KEY_BYTES);
    (void)snprintf(a->participant, sizeof(a->participant), "%s", p->id);
    return ipc_link_send(c->gateway, &packet);
}

/* All its computers: an earlier one may give what it still has, and must be told that it was replaced. */
static enum err allow_participant(struct core *c, const struct participant *p)
{
    enum err e = OK;

    for (size_t i = 0; i < p->signer_count && e == OK; i++) {
        const struct signer *k = &p->signers[i];

        e = send_allow(c, p, k->curve, k->sign, standing_of(p, k), false);
    }
    /* Batches come over an invitation's connection, too, once the participant is enrolled. */
    if (e == OK && p->state != PARTICIPANT_CLOSED)
        e = send_allow(c, p, p->invite_curve, p->enrolled_ms != 0 ? p->grant.sign_key : NULL,
                       p->invite_used ? standing_of(p, NULL) : IPC_STANDING_GOOD, true);
    return e;
}

enum err core_send_allowlist(struct core *c)
{
    struct ipc_packet end = {.type = IPC_ALLOW_END};
    enum err e = OK;

    if (c->gateway == NULL)
        return OK;
    c->allow_serial++;
    for (size_t i = 0; i < registry_count(c->hub->registry) && e == OK; i++)
        e = allow_participant(c, registry_at(c->hub->registry, i));
    end.as.serial = c->allow_serial;
    return e == OK ? ipc_link_send(c->gateway, &end) : e;
}
