#include "hub/registry_internal.h"

#include "hub/ledger.h"

#include <stdlib.h>
#include <string.h>

#define MAC_DOMAIN   "svodka registry mac key v1"
#define FIELDS_FIRST 10u /* of the first version; later ones stand after them */
#define FIELDS       14u

/* ---- H_PARTICIPANTS: id -> [index, state, grant object, mac key locked, invite curve, invited, expires, enrolled,
 *      used, last seen; wrong tries, joined from, transcript (empty: none), words compared] ---- */

enum err registry_put(struct hub *h, struct store_txn *t, const struct participant *p)
{
    struct buf value;
    struct buf locked;
    enum err e;

    buf_init(&value, REGISTRY_ENTRY_MAX);
    buf_init(&locked, 256);
    e = lock_bytes(&locked, key_secret(h->storage), bytes_of(MAC_DOMAIN, sizeof(MAC_DOMAIN)),
                   bytes_of(p->mac_key, KEY_BYTES));
    if (e == OK) {
        mp_put_array(&value, FIELDS);
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
        mp_put_uint(&value, p->tries);
        mp_put_cstr(&value, p->joined_from);
        mp_put_bin(&value, p->transcript, p->has_transcript ? DIGEST_BYTES : 0);
        mp_put_int(&value, p->words_ms);
        e = buf_status(&value);
    }
    if (e == OK)
        e = store_put(t, H_PARTICIPANTS, bytes_of(p->id, strlen(p->id)), bytes_of(value.data, value.len));
    buf_fini(&value);
    buf_fini(&locked);
    return e;
}

void participant_free(struct participant *p)
{
    if (p == NULL)
        return;
    signers_free(p->signers, p->signer_count);
    buf_fini(&p->grant_object);
    wipe(p->mac_key, sizeof(p->mac_key));
    free(p);
}

/* Of an invitation's use: not there in an entry of the first version. */
static void read_use(struct participant *p, struct mp *m)
{
    struct bytes transcript;

    p->tries = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_text(m, p->joined_from, 0, REGISTRY_FROM_MAX);
    transcript = mp_bin(m, DIGEST_BYTES);
    p->words_ms = mp_int(m);
    p->has_transcript = transcript.len == DIGEST_BYTES;
    if (p->has_transcript)
        memcpy(p->transcript, transcript.p, DIGEST_BYTES);
}

static enum err read_fields(struct hub *h, struct participant *p, struct bytes value)
{
    struct mp m = mp_of(value);
    struct buf mac;
    struct bytes object;
    struct bytes locked;
    size_t count = mp_array(&m, FIELDS_FIRST, 32);
    enum err e;

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
    if (count >= FIELDS)
        read_use(p, &m);
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

enum err registry_read_signers(struct store_txn *t, struct participant *p)
{
    struct signer *list;
    size_t count;
    enum err e = signers_load(t, p->index, &list, &count);

    if (e != OK)
        return e;
    signers_free(p->signers, p->signer_count);
    p->signers = list;
    p->signer_count = count;
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
    if (e == ERR_NOT_FOUND)
        e = OK;
    for (size_t i = 0; i < r->count && e == OK; i++)
        e = registry_read_signers(t, r->items[i]);
    if (e != OK) {
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

struct participant *registry_find(const struct registry *r, const char *id)
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
    return registry_find(r, id);
}

const struct participant *registry_by_index(const struct registry *r, uint32_t index)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i]->index == index)
            return r->items[i];
    return NULL;
}

static bool has_curve(const struct participant *p, const uint8_t curve[KEY_BYTES])
{
    bool found = p->enrolled_ms != 0 && memcmp(p->grant.curve_key, curve, KEY_BYTES) == 0;

    for (size_t i = 0; i < p->signer_count && !found; i++)
        found = memcmp(p->signers[i].curve, curve, KEY_BYTES) == 0;
    return found;
}

const struct participant *registry_by_curve(const struct registry *r, const uint8_t curve[KEY_BYTES],
                                            bool *is_invitation)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct participant *p = r->items[i];

        *is_invitation = memcmp(p->invite_curve, curve, KEY_BYTES) == 0;
        if (*is_invitation || has_curve(p, curve))
            return p;
    }
    *is_invitation = false;
    return NULL;
}

/* ---- meetings ---- */

enum err registry_seen(struct hub *h, struct store_txn *t, const char *participant, int64_t wall_ms)
{
    struct participant *p = registry_find(h->registry, participant);

    if (p == NULL)
        return ERR_NOT_FOUND;
    p->last_seen_ms = wall_ms;
    return registry_put(h, t, p);
}
