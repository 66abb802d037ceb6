#include "agent/sync_internal.h"

#include "common/log.h"

#include <string.h>

static enum err ask(struct meeting *m, const struct directory_object *o, uint32_t offset)
{
    struct message out = {.type = MSG_GET};

    memcpy(out.as.get.digest, o->digest, DIGEST_BYTES);
    out.as.get.offset = offset;
    return meeting_send(m, &out);
}

void meeting_take_object(struct meeting *m, const struct msg_object *o)
{
    struct fetching *f = &m->object;

    if (!f->is_active || !digest_equal(o->digest, f->digest))
        return;
    meeting_progress(m);
    if (o->total == 0 || o->total != f->total || o->offset != f->bytes.len || o->data.len == 0) {
        f->is_missing = true; /* the hub does not have it now, or not as its directory says: the next meeting */
        return;
    }
    buf_put(&f->bytes, o->data.p, o->data.len);
}

/* The pieces come in the order in which they are asked for. */
static enum err fetch(struct meeting *m, const struct directory_object *o)
{
    struct fetching *f = &m->object;
    uint32_t asked = 0;
    enum err e = OK;

    buf_reset(&f->bytes);
    f->is_active = true;
    f->is_missing = false;
    f->total = o->size;
    memcpy(f->digest, o->digest, DIGEST_BYTES);
    while (e == OK && !f->is_missing && f->bytes.len < f->total) {
        while (e == OK && asked < f->total && asked - f->bytes.len < GETS_AT_ONCE * (size_t)CHUNK_MAX) {
            e = ask(m, o, asked);
            asked = f->total - asked > CHUNK_MAX ? asked + CHUNK_MAX : f->total;
        }
        if (e == OK)
            e = meeting_pump(m, STEP_MS);
    }
    f->is_active = false;
    if (e == OK && !f->is_missing && (e = buf_status(&f->bytes)) == OK) {
        if ((e = agent_take_object(m->a, o->digest, bytes_of(f->bytes.data, f->bytes.len))) == OK)
            m->out->objects++;
        else if (e == ERR_INVALID)
            f->is_missing = true;
    }
    if (f->is_missing) {
        log_warning("sync: the hub does not give %s %s now", o->name, o->version);
        return OK;
    }
    return e;
}

enum err meeting_fetch(struct meeting *m)
{
    struct directory_object o;
    size_t skipped = 0;
    enum err e;

    buf_init(&m->object.bytes, DIRECTORY_OBJECT_MAX);
    while ((e = agent_missing_object(m->a, skipped, &o)) == OK) {
        if ((e = fetch(m, &o)) != OK)
            break;
        if (m->object.is_missing)
            skipped++;
    }
    buf_fini(&m->object.bytes);
    return e == ERR_NOT_FOUND ? OK : e;
}
