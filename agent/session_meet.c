#include "agent/session_internal.h"

#include <string.h>

/* Answers that waited in a copy of this home, and that the original has sent: the hub's number is where they are. */
static enum err meet_one(struct agent *a, struct store_txn *t, struct session *s,
                         bool (*find)(void *ctx, struct bytes record, struct record_ref *as), void *ctx)
{
    uint8_t raw[ROW_KEY_MAX];
    uint8_t digest[RECORD_DIGEST_BYTES];
    uint8_t value[RECORD_REF_BYTES];
    struct session_pool held, rest;
    struct bytes record;
    struct record_ref as;
    size_t at = 0;
    enum err e;

    session_pool_init(&held);
    session_pool_init(&rest);
    e = session_block_get(a, t, s->id, &held);
    while (e == OK && session_pool_next(&held, &at, &record)) {
        if (!find(ctx, record, &as)) {
            e = session_pool_add(&rest, record);
            continue;
        }
        record_digest(digest, record);
        record_ref_put(value, &as);
        e = store_put(t, T_SESSIONS, session_key(raw, ROW_ANSWER, s->id, digest), bytes_of(value, sizeof(value)));
    }
    if (e == OK && rest.count != held.count) {
        s->kept = rest.count;
        if ((e = session_block_put(a, t, s->id, &rest)) == OK)
            e = session_row_put(a, t, s);
    }
    session_pool_fini(&held);
    session_pool_fini(&rest);
    return e;
}

enum err session_meet(struct agent *a, struct store_txn *t,
                      bool (*find)(void *ctx, struct bytes record, struct record_ref *as), void *ctx)
{
    struct session s;
    enum err e;

    for (e = session_row_next(a, t, NULL, &s); e == OK; e = session_row_next(a, t, s.id, &s))
        if (s.kept > 0 && (e = meet_one(a, t, &s, find, ctx)) != OK)
            break;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err session_found(struct agent *a, struct store_txn *t, struct bytes record, const struct record_ref *as)
{
    uint8_t raw[ROW_KEY_MAX];
    uint8_t digest[RECORD_DIGEST_BYTES];
    uint8_t ref[RECORD_REF_BYTES];
    struct bytes value;
    struct session s;
    enum err e;

    record_digest(digest, record);
    record_ref_put(ref, as);
    for (e = session_row_next(a, t, NULL, &s); e == OK; e = session_row_next(a, t, s.id, &s)) {
        struct bytes key = session_key(raw, ROW_ANSWER, s.id, digest);

        if ((e = store_get(t, T_SESSIONS, key, &value)) == OK)
            return store_put(t, T_SESSIONS, key, bytes_of(ref, sizeof(ref)));
        if (e != ERR_NOT_FOUND)
            break;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}
