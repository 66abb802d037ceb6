#include "hub/registry_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/backup.h"
#include "hub/ledger.h"
#include "hub/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- adding ---- */

static enum err check_overlap_with(const struct participant *there, const struct grant *fresh, const char *role)
{
    if (grant_is_of_all_units(fresh) && there->grant.unit_count > 0 && grant_allows(&there->grant, role, NULL))
        return err_set(ERR_INVALID, _("every unit: %s speaks already for some in the role %s"), there->id, role);
    for (uint32_t u = 0; u < fresh->unit_count; u++)
        if (grant_allows(&there->grant, role, fresh->units[u]))
            return err_set(ERR_INVALID, _("unit %s: %s speaks for it already in the role %s"), fresh->units[u],
                           there->id, role);
    return OK;
}

/* One voice for each unit and role: else a school would be counted twice. */
static enum err check_overlap(const struct registry *r, const struct grant *fresh)
{
    enum err e = OK;

    for (size_t i = 0; i < r->count && e == OK; i++)
        for (uint32_t k = 0; k < fresh->role_count && e == OK && r->items[i]->state != PARTICIPANT_CLOSED; k++)
            e = check_overlap_with(r->items[i], fresh, fresh->roles[k]);
    return e;
}

static enum err copy_id(char out[ID_MAX + 1], const char *id, const char *what)
{
    if (!id_is_valid(id))
        return err_set(ERR_INVALID, _("%s '%s': 1 to %u letters A-Z a-z, digits, '-' and '_' are expected"), what, id,
                       ID_MAX);
    (void)snprintf(out, ID_MAX + 1, "%s", id);
    return OK;
}

/* What it reports about: as asked, else its own id. */
static enum err fill_units(struct grant *g, const struct school_add *a)
{
    enum err e = OK;

    if (a->unit_count == 0 && strcmp(a->id, UNIT_DISTRICT) == 0)
        return err_set(ERR_INVALID, _("the unit %s is the municipality itself; if that is meant, say --unit %s"),
                       UNIT_DISTRICT, UNIT_DISTRICT);
    g->unit_count = a->unit_count > 0 ? (uint32_t)a->unit_count : 1;
    for (uint32_t i = 0; e == OK && i < g->unit_count; i++) {
        const char *unit = a->unit_count > 0 ? a->units[i] : a->id;

        if (strcmp(unit, GRANT_ALL_UNITS) != 0)
            e = copy_id(g->units[i], unit, "unit");
        else if (a->unit_count == 1)
            (void)snprintf(g->units[0], sizeof(g->units[0]), "%s", GRANT_ALL_UNITS);
        else
            e = err_set(ERR_INVALID, _("the unit %s means every unit, so it stands alone"), GRANT_ALL_UNITS);
    }
    return e;
}

/* Whose forms it fills in: as asked, else a school's; who enters for others needs none of its own. */
static enum err fill_roles(struct grant *g, const struct school_add *a)
{
    enum err e = OK;

    g->role_count = (uint32_t)a->role_count + (a->role_count + a->behalf_count == 0 ? 1 : 0);
    g->behalf_count = (uint32_t)a->behalf_count;
    for (uint32_t i = 0; e == OK && i < g->role_count; i++)
        e = copy_id(g->roles[i], a->role_count > 0 ? a->roles[i] : "school", "role");
    for (uint32_t i = 0; e == OK && i < g->behalf_count; i++) {
        e = copy_id(g->behalf[i], a->behalf[i], "role");
        if (e == OK && grant_allows(g, a->behalf[i], NULL))
            e = err_set(ERR_INVALID, _("role %s: it is either one's own or entered on behalf of others"), a->behalf[i]);
    }
    return e;
}

static enum err fill_grant(struct grant *g, const struct hub *h, const struct school_add *a)
{
    enum err e = copy_id(g->participant, a->id, "school");

    if (e != OK)
        return e;
    if (strlen(a->name) == 0 || strlen(a->name) > NAME_MAX_BYTES)
        return err_set(ERR_INVALID, _("--name: a name of 1 to %u bytes is expected"), NAME_MAX_BYTES);
    if (a->unit_count > GRANT_MAX_UNITS || a->role_count > GRANT_MAX_ROLES || a->behalf_count > GRANT_MAX_ROLES)
        return err_set(ERR_LIMIT, _("at most %u units and %u roles for one participant"), GRANT_MAX_UNITS,
                       GRANT_MAX_ROLES);
    memcpy(g->district, h->district, sizeof(g->district));
    (void)snprintf(g->name, sizeof(g->name), "%s", a->name);
    g->version = 1;
    g->issued_ms = clock_wall_ms();
    g->expires_ms = g->issued_ms + REGISTRY_GRANT_DAYS * REGISTRY_DAY_MS;
    g->status = GRANT_ACTIVE;
    e = fill_units(g, a);
    return e == OK ? fill_roles(g, a) : e;
}

static struct bytes object_of(const struct participant *p)
{
    return bytes_of(p->grant_object.data, p->grant_object.len);
}

/* Everything the directory lists as current goes into the invitation, so that capture starts without a line. */
enum err registry_invitation(struct hub *h, struct store_txn *t, const struct participant *p, struct bytes grant,
                             struct buf *out)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    enum err e = OK;

    if (inv == NULL)
        return ERR_NOMEM;
    memcpy(inv->code, p->code, sizeof(inv->code));
    inv->expires_ms = p->invite_expires_ms;
    inv->directory = bytes_of(h->directory_object.data, h->directory_object.len);
    inv->grant = grant;
    memcpy(inv->root, h->root, KEY_BYTES);
    for (uint32_t i = 0; i < h->directory->object_count && e == OK; i++) {
        enum object_kind kind;

        if (!h->directory->objects[i].is_current)
            continue;
        if ((e = hub_object(t, h->directory->objects[i].digest, &kind, &inv->objects[inv->object_count])) == OK)
            inv->object_count++;
    }
    if (e == OK)
        e = invitation_write(out, inv, h->conf.name, p->grant.name);
    wipe(inv->code, sizeof(inv->code));
    free(inv);
    return e;
}

enum err registry_sign(struct hub *h, struct store_txn *t, struct participant *p, const char *what)
{
    enum err e;

    buf_reset(&p->grant_object);
    if ((e = grant_make(&p->grant_object, &p->grant, h->sign)) != OK || (e = registry_put(h, t, p)) != OK)
        return e;
    return signers_journal(h, t, p->id, p->index, what, object_of(p));
}

/* By the store, not by memory: several may be added in one transaction. */
static enum err next_index(struct store_txn *t, bool stands_in, uint32_t *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, H_PARTICIPANTS, &c);

    *out = 1;
    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        struct mp m = mp_of(value);
        uint32_t index;

        (void)mp_array(&m, 1, 32);
        index = (uint32_t)mp_uint(&m, UINT32_MAX - 1) & ~PARTICIPANT_STANDS_IN;
        if (index >= *out)
            *out = index + 1;
    }
    store_cursor_close(c);
    if (stands_in)
        *out |= PARTICIPANT_STANDS_IN;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- the code, and what is made of it ---- */

enum err registry_new_code(struct hub *h, struct participant *p, int64_t days)
{
    struct key *curve = NULL;
    uint8_t print[FINGERPRINT_BYTES];
    enum err e;

    code_random(p->code);
    fingerprint_bytes(print, h->root);
    if ((e = invitation_curve(&curve, p->code, print)) != OK)
        return e;
    memcpy(p->invite_curve, key_public(curve), KEY_BYTES);
    key_free(curve);
    invitation_mac_key(p->mac_key, p->code, h->district);
    p->invited_ms = clock_wall_ms();
    p->invite_expires_ms = p->invited_ms + (days > 0 ? days : h->conf.invitation_days) * REGISTRY_DAY_MS;
    p->invite_used = false;
    p->tries = 0;
    return OK;
}

void registry_ticket(const struct hub *h, const struct participant *p, struct ticket *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->code, p->code, sizeof(out->code));
    fingerprint_bytes(out->print, h->root);
    if (hub_door(h, out->doors[0]))
        out->door_count = 1;
    memcpy(out->participant, p->id, sizeof(out->participant));
    memcpy(out->name, p->grant.name, sizeof(out->name));
    (void)snprintf(out->hub, sizeof(out->hub), "%s", h->conf.name);
    (void)snprintf(out->phone, sizeof(out->phone), "%s", h->conf.telephone == NULL ? "" : h->conf.telephone);
    out->expires_ms = p->invite_expires_ms;
    out->role_count = p->grant.role_count;
    memcpy(out->roles, p->grant.roles, sizeof(out->roles));
    out->unit_count = p->grant.unit_count;
    memcpy(out->units, p->grant.units, sizeof(out->units));
}

enum err registry_add(struct hub *h, struct store_txn *t, const struct school_add *a, struct buf *invitation)
{
    struct participant *p;
    enum err e = OK;

    if (registry_find(h->registry, a->id) != NULL)
        return err_set(ERR_EXISTS,
                       _("school '%s' is there already; when its invitation was lost, give it another one: svodka-hub "
                         "school invite %s"),
                       a->id, a->id);
    if ((p = calloc(1, sizeof(*p))) == NULL)
        return ERR_NOMEM;
    buf_init(&p->grant_object, SIGNED_MAX);
    if ((e = fill_grant(&p->grant, h, a)) != OK || (e = check_overlap(h->registry, &p->grant)) != OK)
        goto done;
    memcpy(p->id, p->grant.participant, sizeof(p->id));
    p->state = PARTICIPANT_INVITED;
    if ((e = next_index(t, p->grant.behalf_count > 0, &p->index)) == OK &&
        (e = registry_new_code(h, p, a->valid_days)) == OK && (e = registry_sign(h, t, p, "invited")) == OK)
        e = registry_invitation(h, t, p, object_of(p), invitation);
    if (e == OK && a->ticket != NULL)
        registry_ticket(h, p, a->ticket);
done:
    wipe(p->code, sizeof(p->code));
    participant_free(p);
    return e;
}

enum err registry_invite(struct hub *h, struct store_txn *t, const char *id, int64_t days, struct buf *invitation,
                         struct ticket *ticket)
{
    struct participant *p = registry_find(h->registry, id);
    enum err e;

    if (p == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no school '%s'; svodka-hub school list shows all"), id);
    if (p->enrolled_ms != 0)
        return err_set(ERR_EXISTS,
                       _("school '%s' has joined already; a new computer needs new keys: svodka-hub school rekey %s"),
                       id, id);
    if (p->state == PARTICIPANT_CLOSED)
        return err_set(ERR_DENIED, _("school '%s' is closed"), id);
    p->grant.version++;
    p->grant.issued_ms = clock_wall_ms();
    p->grant.expires_ms = p->grant.issued_ms + REGISTRY_GRANT_DAYS * REGISTRY_DAY_MS;
    if ((e = registry_new_code(h, p, days)) == OK && (e = registry_sign(h, t, p, "invited again")) == OK)
        e = registry_invitation(h, t, p, object_of(p), invitation);
    if (e == OK && ticket != NULL)
        registry_ticket(h, p, ticket);
    wipe(p->code, sizeof(p->code));
    return e;
}

/* ---- all of them ---- */

enum err registry_sign_all(struct hub *h, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; i < h->registry->count && e == OK; i++) {
        struct participant *p = h->registry->items[i];

        p->grant.version++;
        p->grant.issued_ms = clock_wall_ms();
        p->grant.expires_ms = p->grant.issued_ms + REGISTRY_GRANT_DAYS * REGISTRY_DAY_MS;
        e = registry_sign(h, t, p, "signed anew");
    }
    return e;
}

enum err registry_reissue(struct hub *h, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; e == OK && i < h->registry->count; i++) {
        struct participant *p = h->registry->items[i];

        p->grant.version = backup_version_after(p->grant.version);
        p->grant.issued_ms = clock_wall_ms();
        p->grant.expires_ms = p->grant.issued_ms + REGISTRY_GRANT_DAYS * REGISTRY_DAY_MS;
        e = registry_sign(h, t, p, "reissued");
    }
    return e;
}
