#include "agent/aside.h"

#include "agent/figures.h"
#include "agent/own_history.h"
#include "common/cli.h"
#include "common/log.h"

#include <string.h>

/* T_META: "aside/" serial u64 -> the word as it came.  "aside-given-up" -> how many, u64. */

#define PREFIX       "aside/"
#define GIVEN_UP_KEY "aside-given-up"
#define KEY_BYTES_OF (sizeof(PREFIX) - 1 + 8)

static struct bytes key_of(uint8_t raw[KEY_BYTES_OF], uint64_t serial)
{
    memcpy(raw, PREFIX, sizeof(PREFIX) - 1);
    be64_put(raw + sizeof(PREFIX) - 1, serial);
    return bytes_of(raw, KEY_BYTES_OF);
}

static bool is_row(struct bytes key)
{
    return key.len == KEY_BYTES_OF && memcmp(key.p, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static bool is_figures(struct bytes object)
{
    return object.len >= SIGNED_OVERHEAD && object.p[5] == SIGNED_FIGURES;
}

static enum err measure(struct store_txn *t, uint64_t *count, uint64_t *bytes)
{
    struct store_cursor *c;
    uint8_t raw[KEY_BYTES_OF];
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_META, &c);

    *count = *bytes = 0;
    if (e != OK)
        return e;
    for (e = store_seek(c, key_of(raw, 0), &key, &value); e == OK && is_row(key); e = store_next(c, &key, &value)) {
        ++*count;
        *bytes += value.len;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err given_up(const struct agent *a, struct store_txn *t, uint64_t *count)
{
    struct buf v;
    enum err e;

    buf_init(&v, 8);
    e = agent_meta_get(a, t, GIVEN_UP_KEY, &v);
    *count = e == OK && v.len == 8 ? be64_get(v.data) : 0;
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err give_up(struct agent *a, struct store_txn *t)
{
    uint64_t count;
    uint8_t raw[8];
    enum err e = given_up(a, t, &count);

    if (e == OK && count == 0)
        e = agent_tell_in(
            a, t,
            _("More of this school's earlier work came than can be put aside here; what comes from now on "
              "is left out, and none of it is lost at the district. To have it here, ask the district for "
              "a new invitation (\"svodka-hub school rekey\") and join with it in a new folder."));
    be64_put(raw, count + 1);
    return e == OK ? agent_meta_put(a, t, GIVEN_UP_KEY, bytes_of(raw, sizeof(raw))) : e;
}

enum err aside_put(struct agent *a, struct store_txn *t, uint64_t serial, struct bytes object)
{
    uint8_t raw[KEY_BYTES_OF];
    uint64_t count, bytes;
    enum err e = measure(t, &count, &bytes);

    if (e != OK)
        return e;
    if (object.len > ASIDE_MAX_BYTES - (bytes < ASIDE_MAX_BYTES ? bytes : ASIDE_MAX_BYTES))
        return give_up(a, t);
    if (count == 0 && is_figures(object))
        e = agent_tell_in(a, t,
                          _("The district has published this school's indicators, but they are sealed to a key that is "
                            "not here (keys/seal.key). They are put aside. Put that file back from a copy of this "
                            "folder, or ask the district for a new invitation."));
    else if (count == 0)
        e = agent_tell_in(
            a, t,
            _("The district gives back what this school sent from its earlier computer, but it is sealed "
              "to a key that is not here (keys/seal.key). It is put aside, and nothing else waits for it. "
              "Put that file back from a copy of this folder: it is then taken at the next meeting. If "
              "there is no copy, ask the district for a new invitation."));
    return e == OK ? store_put(t, T_META, key_of(raw, serial), object) : e;
}

enum err aside_count(const struct agent *a, uint64_t *waiting, uint64_t *given_up_out)
{
    struct store_txn *t;
    uint64_t bytes;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = measure(t, waiting, &bytes)) == OK)
        e = given_up(a, t, given_up_out);
    store_abort(t);
    return e;
}

/* ---- taking ---- */

/* The first one, copied.  ERR_NOT_FOUND: none waits. */
static enum err first(const struct agent *a, uint64_t *serial, struct buf *object)
{
    struct store_cursor *c = NULL;
    struct store_txn *t;
    uint8_t raw[KEY_BYTES_OF];
    struct bytes key;
    struct bytes value;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = store_cursor_open(t, T_META, &c)) == OK && (e = store_seek(c, key_of(raw, 0), &key, &value)) == OK) {
        if (!is_row(key)) {
            e = ERR_NOT_FOUND;
        } else {
            *serial = be64_get(key.p + sizeof(PREFIX) - 1);
            buf_reset(object);
            buf_put(object, value.p, value.len);
            e = buf_status(object);
        }
    }
    store_cursor_close(c);
    store_abort(t);
    return e;
}

static enum err take_one(struct agent *a, uint64_t serial, struct bytes object)
{
    const uint8_t *signer =
        agent_hub_signer(a, object); /* it was verified when it came; the hub's key may be another */
    struct own_page *p = NULL;
    struct own_figures *x = NULL;
    struct store_txn *t = NULL;
    uint8_t raw[KEY_BYTES_OF];
    enum err e = is_figures(object) ? own_figures_open(&x, a, object, signer) : own_page_open(&p, a, object, signer);

    /* Sealed to this school by its district, and about something else: it would never be taken. */
    bool is_useless = e == ERR_AUTH || e == ERR_MALFORMED || e == ERR_LIMIT || e == ERR_VERSION;

    if (is_useless)
        log_warning("what the district gave back and was put aside cannot be used: %s", err_text());
    else if (e != OK)
        return e;
    if ((e = store_begin_write(a->store, &t)) == OK) {
        if (!is_useless)
            e = x != NULL ? own_figures_take(a, t, x) : own_page_take(a, t, p);
        if (is_useless || e == OK)
            e = store_delete(t, T_META, key_of(raw, serial));
        if (e == OK)
            e = store_commit(t);
        else
            store_abort(t);
    }
    own_page_free(p);
    own_figures_free(x);
    return e;
}

enum err aside_take(struct agent *a)
{
    struct buf object;
    uint64_t serial;
    enum err e = OK;

    if (a->history_key == NULL)
        return OK;
    buf_init(&object, SIGNED_MAX);
    while ((e = first(a, &serial, &object)) == OK && (e = take_one(a, serial, bytes_of(object.data, object.len))) == OK)
        ;
    buf_fini(&object);
    return e == ERR_NOT_FOUND ? OK : e; /* none is left, or this key is not the one */
}
