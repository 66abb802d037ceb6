#include "agent/home_internal.h"

#include "common/cli.h"
#include "common/folder.h"

#include <stdlib.h>
#include <string.h>

static const char conf_text[] = "# Settings of this agent; every key is described in docs/agent-yaml.md.\n"
                                "sync.window: \"01:00-05:00\"\n";

static enum err make_key(const char *dir, const char *file, enum key_kind kind, struct key **out)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, file);

    if (e == OK && (e = key_generate(out, kind)) == OK)
        e = key_write(*out, path, file);
    return e;
}

static enum err put_code(struct agent *a, struct store_txn *t, const struct invitation *inv)
{
    struct buf locked;
    enum err e;

    buf_init(&locked, 256);
    e = lock_bytes(&locked, key_secret(a->home_key), bytes_of("code", 4), bytes_of(inv->code, sizeof(inv->code)));
    if (e == OK)
        e = agent_meta_put(a, t, "code", bytes_of(locked.data, locked.len));
    buf_fini(&locked);
    return e;
}

/* Which keys belong to this home: a file restored from elsewhere is noticed before anything is written with it. */
static enum err put_keys(struct agent *a, struct store_txn *t)
{
    uint8_t plain[2 * KEY_BYTES];
    struct buf locked;
    enum err e;

    memcpy(plain, key_public(a->sign), KEY_BYTES);
    memcpy(plain + KEY_BYTES, key_public(a->curve), KEY_BYTES);
    buf_init(&locked, 256);
    e = lock_bytes(&locked, key_secret(a->home_key), bytes_of("keys", 4), bytes_of(plain, sizeof(plain)));
    if (e == OK)
        e = agent_meta_put(a, t, "keys", bytes_of(locked.data, locked.len));
    buf_fini(&locked);
    return e;
}

static enum object_kind kind_in(const struct directory *d, const uint8_t dg[DIGEST_BYTES])
{
    for (uint32_t i = 0; i < d->object_count; i++)
        if (memcmp(d->objects[i].digest, dg, DIGEST_BYTES) == 0)
            return d->objects[i].kind;
    return OBJECT_MAP;
}

static enum err put_objects(struct store_txn *t, const struct invitation *inv, const struct directory *d)
{
    struct buf value;
    enum err e = OK;

    buf_init(&value, SIGNED_MAX + 1);
    for (uint32_t i = 0; i < inv->object_count && e == OK; i++) {
        uint8_t dg[DIGEST_BYTES];

        digest(dg, inv->objects[i]);
        buf_reset(&value);
        buf_put_u8(&value, (uint8_t)kind_in(d, dg));
        buf_put(&value, inv->objects[i].p, inv->objects[i].len);
        if ((e = buf_status(&value)) == OK)
            e = store_put(t, T_OBJECTS, bytes_of(dg, sizeof(dg)), bytes_of(value.data, value.len));
    }
    buf_fini(&value);
    return e;
}

/* Where the queue's numbering begins: 1, or for a school whose earlier computer is gone, above all that this one may
 * have used. */
static enum err first_counter(const struct invitation *inv, const struct directory *d, uint32_t *out)
{
    struct grant *g = calloc(1, sizeof(*g));
    enum err e;

    if (g == NULL)
        return ERR_NOMEM;
    if ((e = grant_open(g, inv->grant, d->hub_sign)) == OK)
        *out = g->first_counter > 0 ? g->first_counter : 1;
    free(g);
    return e;
}

static enum err fill_store(struct agent *a, const struct invitation *inv, const struct directory *d)
{
    struct store_txn *t = NULL;
    uint8_t generation[4 + TAG_BYTES];
    uint32_t counter;
    enum err e = first_counter(inv, d, &counter);

    if (e != OK || (e = store_begin_write(a->store, &t)) != OK)
        return e;
    be32_put(generation, counter);
    random_bytes(generation + 4, TAG_BYTES);
    if ((e = agent_meta_put(a, t, "root", bytes_of(inv->root, KEY_BYTES))) != OK ||
        (e = agent_meta_put(a, t, "directory", inv->directory)) != OK ||
        (e = agent_meta_put(a, t, "grant", inv->grant)) != OK ||
        (e = agent_meta_put(a, t, "generation", bytes_of(generation, sizeof(generation)))) != OK ||
        (e = put_code(a, t, inv)) != OK || (e = put_keys(a, t)) != OK || (e = put_objects(t, inv, d)) != OK) {
        store_abort(t);
        return e;
    }
    return store_commit(t);
}

static enum err create_in(struct agent *a, const struct invitation *inv)
{
    struct store_options o = {.tables = agent_tables};
    struct directory *d = calloc(1, sizeof(*d));
    char path[FOLDER_PATH_MAX];
    enum err e;

    if (d == NULL)
        return ERR_NOMEM;
    if ((e = directory_open(d, inv->directory, inv->root)) != OK ||
        (e = folder_path(path, a->dir, "agent.yaml")) != OK ||
        (e = cli_write_file(path, conf_text, sizeof(conf_text) - 1, 0600, false)) != OK ||
        (e = folder_make(a->dir, "keys")) != OK || (e = make_key(a->dir, "keys/sign.key", KEY_SIGN, &a->sign)) != OK ||
        (e = make_key(a->dir, "keys/curve.key", KEY_CURVE, &a->curve)) != OK ||
        (e = make_key(a->dir, "keys/home.key", KEY_SECRET, &a->home_key)) != OK ||
        (e = make_key(a->dir, "keys/seal.key", KEY_SEAL, &a->history_key)) != OK ||
        (e = folder_path(path, a->dir, "store")) != OK || (e = store_open(&a->store, path, &o)) != OK)
        goto done;
    e = fill_store(a, inv, d);
done:
    free(d);
    return e;
}

/* ---- invited again ---- */

static enum err check_same(const struct agent *a, const struct invitation *inv)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct grant *g = calloc(1, sizeof(*g));
    enum err e = d == NULL || g == NULL ? ERR_NOMEM : directory_open(d, inv->directory, inv->root);

    if (e == OK)
        e = grant_open(g, inv->grant, d->hub_sign);
    if (e == OK && agent_is_enrolled(a))
        e = err_set(ERR_EXISTS, _("%s belongs to %s and has joined already; a new computer needs a folder of its own"),
                    a->dir, a->grant->name);
    else if (e == OK && (!digest_equal(inv->root, a->directory->root) ||
                         memcmp(d->district, a->directory->district, DISTRICT_BYTES) != 0 ||
                         strcmp(g->participant, a->grant->participant) != 0))
        e = err_set(ERR_AUTH, _("%s belongs to %s (%s); this invitation is another's, and needs a folder of its own"),
                    a->dir, a->grant->name, a->grant->participant);
    free(g);
    free(d);
    return e;
}

static enum err forget(struct store_txn *t, const char *key)
{
    enum err e = store_delete(t, T_META, bytes_of(key, strlen(key)));

    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put_new_code(struct agent *a, const struct invitation *inv)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(a->store, &t);

    if (e != OK)
        return e;
    if ((e = put_code(a, t, inv)) != OK || (e = forget(t, "enrolment")) != OK || (e = forget(t, "transcript")) != OK) {
        store_abort(t);
        return e;
    }
    return store_commit(t);
}

enum err agent_invited_again(struct agent *a, const struct invitation *inv)
{
    enum err e = check_same(a, inv);

    if (e == OK && strcmp(a->code, inv->code) == 0) /* the one that it was made from */
        return err_set(ERR_EXISTS, _("%s exists and is not empty; choose another folder"), a->dir);
    if (e == OK && (e = agent_take_directory(a, inv->directory)) == ERR_VERSION)
        e = OK; /* the one that is held is newer */
    if (e == OK && (e = agent_take_grant(a, inv->grant)) == ERR_VERSION)
        e = err_set(ERR_VERSION, _("this invitation is older than the one that this folder was made with"));
    if (e == OK && (e = put_new_code(a, inv)) == OK)
        memcpy(a->code, inv->code, sizeof(a->code));
    return e;
}

enum err agent_create(const char *dir, const struct invitation *inv)
{
    char fresh[FOLDER_PATH_MAX];
    struct agent *a;
    enum err e = folder_begin(fresh, dir);

    if (e != OK)
        return e;
    a = calloc(1, sizeof(*a));
    if (a == NULL || (a->dir = strdup(fresh)) == NULL)
        e = ERR_NOMEM;
    else
        e = create_in(a, inv);
    agent_close(a);
    if (e == OK)
        e = folder_finish(fresh, dir);
    if (e != OK)
        folder_remove(fresh);
    return e;
}
