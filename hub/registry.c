#include "hub/registry.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/audit.h"
#include "hub/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS     (INT64_C(86400) * 1000)
#define GRANT_DAYS 400
#define ENTRY_MAX  (256u << 10)
#define MAC_DOMAIN "svodka registry mac key v1"

struct registry {
    struct participant **items; /* by id */
    size_t count;
};

/* ---- H_PARTICIPANTS: id -> [index, state, grant object, mac key locked, invite curve, invited, expires, enrolled,
 *      used, last seen] ---- */

static enum err put_participant(struct hub *h, struct store_txn *t, const struct participant *p)
{
    struct buf value;
    struct buf locked;
    enum err e;

    buf_init(&value, ENTRY_MAX);
    buf_init(&locked, 256);
    e = lock_bytes(&locked, key_secret(h->storage), bytes_of(MAC_DOMAIN, sizeof(MAC_DOMAIN)),
                   bytes_of(p->mac_key, KEY_BYTES));
    if (e == OK) {
        mp_put_array(&value, 10);
        mp_put_uint(&value, p->index);
        mp_put_uint(&value, (uint64_t)p->state);
        mp_put_bin(&value, p->grant_object.data, p->grant_object.len);
        mp_put_bin(&value, locked.data, locked.len);
        mp_put_bin(&value, p->invite_curve, KEY_BYTES);
        mp_put_int(&value, p->invited_ms);
        mp_put_int(&value, p->invite_expires_ms);
        mp_put_int(&value, p->enrolled_ms);
        mp_put_bool(&value, p->invite_used);
        mp_put_int(&value, p->last_seen_ms);
        e = buf_status(&value);
    }
    if (e == OK)
        e = store_put(t, H_PARTICIPANTS, bytes_of(p->id, strlen(p->id)), bytes_of(value.data, value.len));
    buf_fini(&value);
    buf_fini(&locked);
    return e;
}

static void participant_free(struct participant *p)
{
    if (p == NULL)
        return;
    buf_fini(&p->grant_object);
    wipe(p->mac_key, sizeof(p->mac_key));
    free(p);
}

static enum err read_fields(struct hub *h, struct participant *p, struct bytes value)
{
    struct mp m = mp_of(value);
    struct buf mac;
    struct bytes object;
    struct bytes locked;
    enum err e;

    (void)mp_array(&m, 10, 32);
    p->index = (uint32_t)mp_uint(&m, UINT32_MAX);
    p->state = (enum participant_state)mp_uint(&m, PARTICIPANT_CLOSED);
    object = mp_bin(&m, SIGNED_MAX);
    locked = mp_bin(&m, 256);
    mp_bin_exact(&m, p->invite_curve, KEY_BYTES);
    p->invited_ms = mp_int(&m);
    p->invite_expires_ms = mp_int(&m);
    p->enrolled_ms = mp_int(&m);
    p->invite_used = mp_bool(&m);
    p->last_seen_ms = mp_int(&m);
    if (m.failed)
        return ERR_MALFORMED;
    buf_put(&p->grant_object, object.p, object.len);
    if ((e = buf_status(&p->grant_object)) != OK || (e = grant_open(&p->grant, object, key_public(h->sign))) != OK)
        return e;
    buf_init_secret(&mac, KEY_BYTES);
    e = unlock_bytes(&mac, key_secret(h->storage), bytes_of(MAC_DOMAIN, sizeof(MAC_DOMAIN)), locked);
    if (e == OK && mac.len == KEY_BYTES)
        memcpy(p->mac_key, mac.data, KEY_BYTES);
    else if (e == OK)
        e = ERR_MALFORMED;
    buf_wipe(&mac);
    return e;
}

static enum err read_participant(struct participant **out, struct hub *h, struct bytes key, struct bytes value)
{
    struct participant *p;
    enum err e;

    if (key.len == 0 || key.len > ID_MAX)
        return err_set(ERR_CORRUPT, "the hub's registry holds a participant without a proper id");
    if ((p = calloc(1, sizeof(*p))) == NULL)
        return ERR_NOMEM;
    memcpy(p->id, key.p, key.len);
    buf_init(&p->grant_object, SIGNED_MAX);
    if ((e = read_fields(h, p, value)) != OK) {
        if (e != ERR_NOMEM)
            e = err_set(ERR_CORRUPT, "the hub's registry entry of %s is damaged", p->id);
        participant_free(p);
        return e;
    }
    *out = p;
    return OK;
}

enum err registry_load_in(struct registry **out, struct hub *h, struct store_txn *t)
{
    struct registry *r = calloc(1, sizeof(*r));
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint64_t count = store_count(t, H_PARTICIPANTS);
    enum err e;

    if (r == NULL || (r->items = calloc((size_t)count + 1, sizeof(struct participant *))) == NULL) {
        free(r);
        return ERR_NOMEM;
    }
    if ((e = store_cursor_open(t, H_PARTICIPANTS, &c)) == OK) {
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && r->count < count;
             e = store_next(c, &key, &value)) {
            if ((e = read_participant(&r->items[r->count], h, key, value)) != OK)
                break;
            r->count++;
        }
        store_cursor_close(c);
    }
    if (e != OK && e != ERR_NOT_FOUND) {
        registry_free(r);
        return e;
    }
    *out = r;
    return OK;
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        participant_free(r->items[i]);
    free(r->items);
    free(r);
}

/* ---- looking up ---- */

size_t registry_count(const struct registry *r)
{
    return r->count;
}

const struct participant *registry_at(const struct registry *r, size_t i)
{
    return r->items[i];
}

static struct participant *find_id(const struct registry *r, const char *id)
{
    size_t low = 0;
    size_t high = r->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(r->items[mid]->id, id);

        if (order == 0)
            return r->items[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct participant *registry_by_id(const struct registry *r, const char *id)
{
    return find_id(r, id);
}

const struct participant *registry_by_index(const struct registry *r, uint32_t index)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i]->index == index)
            return r->items[i];
    return NULL;
}

const struct participant *registry_by_curve(const struct registry *r, const uint8_t curve[KEY_BYTES],
                                            bool *is_invitation)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct participant *p = r->items[i];

        *is_invitation = memcmp(p->invite_curve, curve, KEY_BYTES) == 0;
        if (*is_invitation || (p->enrolled_ms != 0 && memcmp(p->grant.curve_key, curve, KEY_BYTES) == 0))
            return p;
    }
    *is_invitation = false;
    return NULL;
}

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

static enum err fill_grant(struct grant *g, const struct hub *h, const struct school_add *a)
{
    enum err e = copy_id(g->participant, a->id, "school");

    if (e != OK)
        return e;
    if (strlen(a->name) == 0 || strlen(a->name) > NAME_MAX_BYTES)
        return err_set(ERR_INVALID, _("--name: a name of 1 to %u bytes is expected"), NAME_MAX_BYTES);
    if (a->unit_count > GRANT_MAX_UNITS || a->role_count > GRANT_MAX_ROLES)
        return err_set(ERR_LIMIT, _("at most %u units and %u roles for one participant"), GRANT_MAX_UNITS,
                       GRANT_MAX_ROLES);
    memcpy(g->district, h->district, sizeof(g->district));
    (void)snprintf(g->name, sizeof(g->name), "%s", a->name);
    g->version = 1;
    g->issued_ms = clock_wall_ms();
    g->expires_ms = g->issued_ms + GRANT_DAYS * DAY_MS;
    g->status = GRANT_ACTIVE;
    g->role_count = a->role_count > 0 ? (uint32_t)a->role_count : 1;
    e = fill_units(g, a);
    for (uint32_t i = 0; e == OK && i < g->role_count; i++)
        e = copy_id(g->roles[i], a->role_count > 0 ? a->roles[i] : "school", "role");
    return e;
}

static enum err journal(struct hub *h, struct store_txn *t, const struct participant *p, const char *what)
{
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, ENTRY_MAX);
    mp_put_cstr(&payload, p->id);
    mp_put_uint(&payload, p->index);
    mp_put_cstr(&payload, what);
    mp_put_bin(&payload, p->grant_object.data, p->grant_object.len);
    e = buf_status(&payload);
    if (e == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_PARTICIPANT, bytes_of(payload.data, payload.len), 4, &lsn);
    buf_fini(&payload);
    return e;
}

/* Everything the directory lists as current goes into the invitation, so that capture starts without a line. */
static enum err write_invitation(struct hub *h, struct store_txn *t, const struct participant *p, struct buf *out)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    enum err e = OK;

    if (inv == NULL)
        return ERR_NOMEM;
    memcpy(inv->code, p->code, sizeof(inv->code));
    inv->expires_ms = p->invite_expires_ms;
    inv->directory = bytes_of(h->directory_object.data, h->directory_object.len);
    inv->grant = bytes_of(p->grant_object.data, p->grant_object.len);
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

static enum err sign_and_put(struct hub *h, struct store_txn *t, struct participant *p, const char *what)
{
    enum err e;

    buf_reset(&p->grant_object);
    if ((e = grant_make(&p->grant_object, &p->grant, h->sign)) != OK || (e = put_participant(h, t, p)) != OK)
        return e;
    return journal(h, t, p, what);
}

/* By the store, not by memory: several may be added in one transaction. */
static enum err next_index(struct store_txn *t, uint32_t *out)
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

        (void)mp_array(&m, 10, 32);
        index = (uint32_t)mp_uint(&m, UINT32_MAX - 1);
        if (index >= *out)
            *out = index + 1;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err registry_add(struct hub *h, struct store_txn *t, const struct school_add *a, struct buf *invitation)
{
    struct participant *p;
    struct key *curve = NULL;
    int64_t days = a->valid_days > 0 ? a->valid_days : h->conf.invitation_days;
    enum err e = OK;

    if (find_id(h->registry, a->id) != NULL)
        return err_set(ERR_EXISTS, _("school '%s' is there already"), a->id);
    if ((p = calloc(1, sizeof(*p))) == NULL)
        return ERR_NOMEM;
    buf_init(&p->grant_object, SIGNED_MAX);
    if ((e = fill_grant(&p->grant, h, a)) != OK || (e = check_overlap(h->registry, &p->grant)) != OK)
        goto done;
    memcpy(p->id, p->grant.participant, sizeof(p->id));
    if ((e = next_index(t, &p->index)) != OK)
        goto done;
    p->state = PARTICIPANT_INVITED;
    p->invited_ms = clock_wall_ms();
    p->invite_expires_ms = p->invited_ms + days * DAY_MS;
    code_random(p->code);
    invitation_mac_key(p->mac_key, p->code, h->district);
    if ((e = invitation_curve(&curve, p->code, h->district)) != OK)
        goto done;
    memcpy(p->invite_curve, key_public(curve), KEY_BYTES);
    if ((e = sign_and_put(h, t, p, "invited")) == OK)
        e = write_invitation(h, t, p, invitation);
done:
    key_free(curve);
    wipe(p->code, sizeof(p->code));
    participant_free(p);
    return e;
}

/* ---- enrolling ---- */

static bool find_mac_key(void *ctx, const char *participant, uint8_t out[KEY_BYTES])
{
    const struct hub *h = ctx;
    const struct participant *p = find_id(h->registry, participant);

    if (p == NULL)
        return false;
    memcpy(out, p->mac_key, KEY_BYTES);
    return true;
}

static enum err open_request(struct enrol_request *out, struct hub *h, struct bytes sealed)
{
    enum err e = ERR_AUTH;

    for (size_t i = 0; i < h->seal_count && e == ERR_AUTH; i++)
        e = enrol_open(out, sealed, h->seal[i], find_mac_key, h);
    return e;
}

enum err registry_enrol(struct hub *h, struct store_txn *t, const char *participant, struct bytes sealed,
                        struct buf *grant_object, enum message_error *refusal)
{
    struct enrol_request request;
    struct participant *p;
    enum err e = open_request(&request, h, sealed);

    *refusal = MERR_ENROL;
    if (e != OK)
        return e;
    if (strcmp(request.participant, participant) != 0 || memcmp(request.district, h->district, 16) != 0)
        return err_set(ERR_AUTH, "the enrolment request names %s, its connection belongs to %s", request.participant,
                       participant);
    if ((p = find_id(h->registry, participant)) == NULL)
        return ERR_DENIED;
    if (p->invite_used) {
        if (memcmp(p->grant.sign_key, request.sign_key, KEY_BYTES) == 0 &&
            memcmp(p->grant.curve_key, request.curve_key, KEY_BYTES) == 0) { /* our answer was lost: give it again */
            buf_put(grant_object, p->grant_object.data, p->grant_object.len);
            return buf_status(grant_object);
        }
        *refusal = MERR_INVITATION_USED;
        return err_set(ERR_DENIED, "the invitation of %s was used already by another computer", participant);
    }
    if (clock_wall_ms() > p->invite_expires_ms) {
        *refusal = MERR_INVITATION_EXPIRED;
        return err_set(ERR_EXPIRED, "the invitation of %s has expired", participant);
    }
    memcpy(p->grant.sign_key, request.sign_key, KEY_BYTES);
    memcpy(p->grant.curve_key, request.curve_key, KEY_BYTES);
    p->grant.version++;
    p->grant.issued_ms = clock_wall_ms();
    p->grant.expires_ms = p->grant.issued_ms + GRANT_DAYS * DAY_MS;
    p->invite_used = true;
    p->state = PARTICIPANT_ACTIVE;
    p->enrolled_ms = p->grant.issued_ms;
    p->last_seen_ms = p->grant.issued_ms;
    if ((e = sign_and_put(h, t, p, "enrolled")) != OK)
        return e;
    if ((e = hub_audit_do(h, t, p->id, AUDIT_SCHOOL_ENROL, p->id, "fingerprint=%02x%02x%02x%02x", request.sign_key[0],
                          request.sign_key[1], request.sign_key[2], request.sign_key[3])) != OK)
        return e;
    buf_put(grant_object, p->grant_object.data, p->grant_object.len);
    return buf_status(grant_object);
}

enum err registry_sign_all(struct hub *h, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; i < h->registry->count && e == OK; i++) {
        struct participant *p = h->registry->items[i];

        p->grant.version++;
        p->grant.issued_ms = clock_wall_ms();
        p->grant.expires_ms = p->grant.issued_ms + GRANT_DAYS * DAY_MS;
        e = sign_and_put(h, t, p, "signed anew");
    }
    return e;
}

enum err registry_seen(struct hub *h, struct store_txn *t, const char *participant, int64_t wall_ms)
{
    struct participant *p = find_id(h->registry, participant);

    if (p == NULL)
        return ERR_NOT_FOUND;
    p->last_seen_ms = wall_ms;
    return put_participant(h, t, p);
}
