#include "protocol/grant.h"

#include "protocol/fields.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define GRANT_FIELDS 11u
#define ROLE_MAX     32u

static void put_roles(struct buf *b, const char (*roles)[ROLE_MAX + 1], uint32_t count)
{
    mp_put_array(b, count);
    for (uint32_t i = 0; i < count; i++)
        mp_put_cstr(b, roles[i]);
}

static uint32_t read_roles(struct mp *m, char (*roles)[ROLE_MAX + 1])
{
    uint32_t count = (uint32_t)mp_array(m, 0, GRANT_MAX_ROLES);

    for (uint32_t i = 0; i < count && !m->failed; i++)
        mp_text(m, roles[i], 1, ROLE_MAX);
    return count;
}

static bool is_listed(const char (*roles)[ROLE_MAX + 1], uint32_t count, const char *role)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(roles[i], role) == 0)
            return true;
    return false;
}

/* Nobody enters on another's behalf what it may say itself. */
static void check_behalf(struct mp *m, const struct grant *g)
{
    for (uint32_t i = 0; i < g->behalf_count && !m->failed; i++)
        m->failed = is_listed(g->roles, g->role_count, g->behalf[i]);
}

static void put_grant(struct buf *b, const struct grant *g)
{
    uint32_t more = g->behalf_count > 0 ? 2 : g->first_counter > 0 ? 1 : 0; /* only where they say something */

    mp_put_array(b, GRANT_FIELDS + more);
    mp_put_bin(b, g->district, DISTRICT_BYTES);
    mp_put_cstr(b, g->participant);
    mp_put_cstr(b, g->name);
    mp_put_uint(b, g->version);
    mp_put_int(b, g->issued_ms);
    mp_put_int(b, g->expires_ms);
    mp_put_uint(b, g->status);
    mp_put_bin(b, g->sign_key, KEY_BYTES);
    mp_put_bin(b, g->curve_key, KEY_BYTES);
    put_roles(b, g->roles, g->role_count);
    mp_put_array(b, g->unit_count);
    for (uint32_t i = 0; i < g->unit_count; i++)
        mp_put_cstr(b, g->units[i]);
    if (more > 0)
        mp_put_uint(b, g->first_counter > 0 ? g->first_counter : 1);
    if (more > 1)
        put_roles(b, g->behalf, g->behalf_count);
}

/* A list of ids, or the one entry that stands for all of them. */
static void read_units(struct mp *m, struct grant *out)
{
    out->unit_count = (uint32_t)mp_array(m, 0, GRANT_MAX_UNITS);
    for (uint32_t i = 0; i < out->unit_count && !m->failed; i++) {
        mp_text(m, out->units[i], 1, ID_MAX);
        if (!m->failed && !id_is_valid(out->units[i]) && !grant_is_of_all_units(out))
            m->failed = true;
    }
}

static enum err read_grant(struct grant *out, struct bytes payload)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, GRANT_FIELDS);

    mp_bin_exact(&m, out->district, DISTRICT_BYTES);
    fields_id(&m, out->participant);
    mp_text(&m, out->name, 1, NAME_MAX_BYTES);
    out->version = fields_u64(&m, 1, UINT64_MAX);
    out->issued_ms = fields_time(&m);
    out->expires_ms = fields_time(&m);
    out->status = (enum grant_status)fields_u32(&m, GRANT_ACTIVE, GRANT_CLOSED);
    mp_bin_exact(&m, out->sign_key, KEY_BYTES);
    mp_bin_exact(&m, out->curve_key, KEY_BYTES);
    out->role_count = read_roles(&m, out->roles);
    read_units(&m, out);
    if (unknown > 0) {
        out->first_counter = fields_u32(&m, 1, UINT32_MAX);
        unknown--;
    }
    if (unknown > 0) {
        out->behalf_count = read_roles(&m, out->behalf);
        check_behalf(&m, out);
        unknown--;
    }
    fields_end(&m, unknown);
    /* Both keys or none. */
    if (!m.failed && sodium_is_zero(out->sign_key, KEY_BYTES) != sodium_is_zero(out->curve_key, KEY_BYTES))
        m.failed = true;
    return fields_done(&m, "grant");
}

/* As with the directory: nothing goes out that an agent would refuse. */
static enum err read_back(struct bytes payload)
{
    struct grant *again = calloc(1, sizeof(*again));
    enum err e;

    if (again == NULL)
        return ERR_NOMEM;
    if ((e = read_grant(again, payload)) != OK)
        e = err_prefix(ERR_INVALID, "a grant that nobody could read");
    free(again);
    return e;
}

enum err grant_make(struct buf *out, const struct grant *g, const struct key *hub_sign)
{
    struct bytes payload;
    struct buf b;
    enum err e;

    if (g->role_count > GRANT_MAX_ROLES || g->behalf_count > GRANT_MAX_ROLES || g->unit_count > GRANT_MAX_UNITS)
        return err_set(ERR_LIMIT, "grant of %s: at most %u roles and %u units", g->participant, GRANT_MAX_ROLES,
                       GRANT_MAX_UNITS);
    buf_init(&b, SIGNED_MAX);
    put_grant(&b, g);
    payload = bytes_of(b.data, b.len);
    if ((e = buf_status(&b)) == OK && (e = read_back(payload)) == OK)
        e = signed_make(out, SIGNED_GRANT, payload, hub_sign);
    buf_fini(&b);
    return e;
}

enum err grant_open(struct grant *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES])
{
    struct bytes payload;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_GRANT, hub_sign)) != OK)
        return e;
    if ((e = read_grant(out, payload)) != OK)
        memset(out, 0, sizeof(*out));
    return e;
}

bool grant_allows(const struct grant *g, const char *role, const char *unit)
{
    bool role_is_granted = role == NULL || is_listed(g->roles, g->role_count, role);
    bool unit_is_granted = unit == NULL || grant_is_of_all_units(g);

    for (uint32_t i = 0; i < g->unit_count && !unit_is_granted; i++)
        unit_is_granted = strcmp(g->units[i], unit) == 0;
    return role_is_granted && unit_is_granted;
}

bool grant_stands_in(const struct grant *g, const char *role)
{
    return is_listed(g->behalf, g->behalf_count, role);
}

bool grant_is_of_all_units(const struct grant *g)
{
    return g->unit_count == 1 && strcmp(g->units[0], GRANT_ALL_UNITS) == 0;
}

bool grant_has_keys(const struct grant *g)
{
    return !sodium_is_zero(g->sign_key, KEY_BYTES) && !sodium_is_zero(g->curve_key, KEY_BYTES);
}
