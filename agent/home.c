#include "agent/home.h"

#include "agent/home_internal.h"
#include "agent/standing.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "protocol/answer.h"
#include "protocol/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const agent_tables[AGENT_TABLES + 1] = {
    [T_META] = "meta",           [T_PAGES] = "pages",     [T_SEGMENTS] = "segments",   [T_BATCHES] = "batches",
    [T_CHUNKS] = "chunks",       [T_OBJECTS] = "objects", [T_DRAFTS] = "drafts",       [T_EVENTS] = "events",
    [T_STANDINGS] = "standings", [T_PAST] = "past",       [T_QUESTIONS] = "questions", [T_SESSIONS] = "sessions",
    [T_FIGURES] = "figures"};

/* ---- T_META ---- */

enum err agent_meta_get(const struct agent *a, struct store_txn *t, const char *key, struct buf *out)
{
    struct store_txn *own = NULL;
    struct bytes v;
    enum err e = OK;

    if (t == NULL && (e = store_begin_read(a->store, &own)) != OK)
        return e;
    e = store_get(t != NULL ? t : own, T_META, bytes_of(key, strlen(key)), &v);
    buf_reset(out);
    if (e == OK) {
        buf_put(out, v.p, v.len);
        e = buf_status(out);
    }
    store_abort(own);
    return e;
}

enum err agent_meta_put(const struct agent *a, struct store_txn *t, const char *key, struct bytes value)
{
    struct store_txn *own = NULL;
    enum err e = OK;

    if (t == NULL && (e = store_begin_write(a->store, &own)) != OK)
        return e;
    e = store_put(t != NULL ? t : own, T_META, bytes_of(key, strlen(key)), value);
    if (own == NULL)
        return e;
    if (e == OK)
        return store_commit(own);
    store_abort(own);
    return e;
}

/* ---- locks ---- */

enum err agent_lock(const struct agent *a, const char *name, int *fd)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, a->dir, name);
    int f;

    if (e != OK)
        return e;
    f = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f < 0)
        return err_errno(errno == EACCES ? ERR_DENIED : ERR_IO, errno, "%s", path);
    if (flock(f, LOCK_EX | LOCK_NB) != 0) {
        e = errno == EWOULDBLOCK ? err_set(ERR_BUSY, _("another svodka-agent is at work in %s"), a->dir)
                                 : err_errno(ERR_IO, errno, "%s", path);
        close(f);
        return e;
    }
    *fd = f;
    return OK;
}

enum err agent_lock_wait(const struct agent *a, const char *name, int64_t ms, int *fd)
{
    int64_t until = clock_mono_ms() + ms;
    enum err e;

    while ((e = agent_lock(a, name, fd)) == ERR_BUSY && clock_mono_ms() < until)
        clock_sleep_ms(20);
    return e;
}

void agent_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* ---- opening ---- */

static enum err read_key(struct key **out, const struct agent *a, const char *file, enum key_kind kind)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, a->dir, file);

    if (e == OK && (e = key_read(out, path, kind)) == ERR_NOT_FOUND)
        e = err_set(e,
                    _("%s: the key file is missing (nothing was changed): put it back from the copy of this folder; if "
                      "there is none, ask the district office for a new invitation"),
                    path);
    return e;
}

static enum err load_signed(struct agent *a)
{
    struct buf v;
    struct buf root;
    enum err e;

    buf_init(&v, SIGNED_MAX);
    buf_init(&root, KEY_BYTES);
    if ((e = agent_meta_get(a, NULL, "root", &root)) != OK || root.len != KEY_BYTES ||
        (e = agent_meta_get(a, NULL, "directory", &v)) != OK) {
        e = err_set(ERR_CORRUPT,
                    _("%s: the store does not hold the hub's directory; it was not made by svodka-agent join"), a->dir);
        goto done;
    }
    a->directory = calloc(1, sizeof(*a->directory));
    a->grant = calloc(1, sizeof(*a->grant));
    if (a->directory == NULL || a->grant == NULL) {
        e = ERR_NOMEM;
        goto done;
    }
    if ((e = directory_open(a->directory, bytes_of(v.data, v.len), root.data)) == OK &&
        (e = agent_load_signers(a)) == OK && (e = agent_meta_get(a, NULL, "grant", &v)) == OK)
        e = grant_open(a->grant, bytes_of(v.data, v.len), agent_hub_signer(a, bytes_of(v.data, v.len)));
    if (e != OK && e != ERR_NOMEM)
        e = err_set(ERR_CORRUPT, _("%s: the stored directory or grant is damaged (%s)"), a->dir, err_text());
done:
    buf_fini(&v);
    buf_fini(&root);
    return e;
}

/* The three key files must be the ones that were made with this home. */
static enum err check_keys(const struct agent *a)
{
    struct buf locked;
    struct buf plain;
    const char *wrong = NULL;
    enum err e;

    buf_init(&locked, 256);
    buf_init_secret(&plain, (size_t)2 * KEY_BYTES);
    e = agent_meta_get(a, NULL, "keys", &locked);
    if (e == OK)
        e = unlock_bytes(&plain, key_secret(a->home_key), bytes_of("keys", 4), bytes_of(locked.data, locked.len));
    if (e == ERR_AUTH || (e == OK && plain.len != (size_t)2 * KEY_BYTES))
        wrong = "home.key";
    else if (e == OK && memcmp(plain.data, key_public(a->sign), KEY_BYTES) != 0)
        wrong = "sign.key";
    else if (e == OK && memcmp(plain.data + KEY_BYTES, key_public(a->curve), KEY_BYTES) != 0)
        wrong = "curve.key";
    else if (e == ERR_NOT_FOUND)
        e = err_set(ERR_CORRUPT, _("%s: the store does not say which keys belong to it"), a->dir);
    if (wrong != NULL)
        e = err_set(ERR_CORRUPT,
                    _("%s/keys/%s is not the key of this home; put back the file that was made with it (nothing was "
                      "changed)"),
                    a->dir, wrong);
    buf_fini(&locked);
    buf_fini(&plain);
    return e;
}

static enum err load_code(struct agent *a)
{
    struct buf locked;
    struct buf code;
    enum err e;

    buf_init(&locked, 256);
    buf_init_secret(&code, sizeof(a->code));
    e = agent_meta_get(a, NULL, "code", &locked);
    if (e == OK)
        e = unlock_bytes(&code, key_secret(a->home_key), bytes_of("code", 4), bytes_of(locked.data, locked.len));
    if (e == OK && code.len == sizeof(a->code))
        memcpy(a->code, code.data, sizeof(a->code));
    buf_fini(&locked);
    buf_wipe(&code);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err agent_forget_code(struct agent *a)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(a->store, &t);

    if (e != OK)
        return e;
    e = store_delete(t, T_META, bytes_of("code", 4));
    if (e == OK)
        return store_commit(t);
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err agent_read_generation(struct agent *a, struct store_txn *t)
{
    struct buf v;
    struct rd r;
    const uint8_t *tag;
    enum err e;

    buf_init(&v, 64);
    e = agent_meta_get(a, t, "generation", &v);
    r = rd_of(v.data, v.len);
    a->gen.counter = rd_u32(&r);
    tag = rd_bytes(&r, TAG_BYTES);
    if (tag != NULL)
        memcpy(a->gen.tag, tag, TAG_BYTES);
    if (e == OK && (r.failed || a->gen.counter == 0))
        e = err_set(ERR_CORRUPT, _("%s: the queue's generation is damaged"), a->dir);
    buf_fini(&v);
    return e;
}

static bool is_in(const char *dir, const char *name)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;

    return folder_path(path, dir, name) == OK && stat(path, &st) == 0;
}

static enum err no_home(const char *dir)
{
    if (is_in(dir, "keys/home.key")) /* which only an agent has */
        return err_set(ERR_NOT_FOUND,
                       _("%s/agent.yaml is missing; put it back, or make an empty file of this name: then every "
                         "setting has its default"),
                       dir);
    return err_set(ERR_NOT_FOUND,
                   _("%s is not the home of an agent (no agent.yaml in it); make one with: svodka-agent join "
                     "INVITATION --home %s"),
                   dir, dir);
}

static enum err no_part(const char *path)
{
    return err_set(ERR_NOT_FOUND, _("%s is missing (nothing was changed): put it back from a copy of the home"), path);
}

static enum err check_folder(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return no_part(path);
    if ((st.st_mode & 077) != 0)
        return err_set(ERR_DENIED, _("%s: other users of this computer may look into it; run: chmod 700 %s"), path,
                       path);
    return OK;
}

/* Before anything is read: what is missing, and what others may read. */
static enum err check_parts(const char *dir)
{
    char path[FOLDER_PATH_MAX];
    enum err e;

    if (!is_in(dir, "agent.yaml"))
        return no_home(dir);
    if ((e = check_folder(dir)) != OK || (e = folder_path(path, dir, "keys")) != OK || (e = check_folder(path)) != OK ||
        (e = folder_path(path, dir, "store")) != OK || (e = check_folder(path)) != OK ||
        (e = folder_path(path, dir, "store/data.mdb")) != OK)
        return e;
    return is_in(dir, "store/data.mdb") ? OK : no_part(path);
}

static enum err open_parts(struct agent *a)
{
    struct store_options o = {.tables = agent_tables, .must_exist = true};
    char path[FOLDER_PATH_MAX];
    enum err e;

    if ((e = check_parts(a->dir)) != OK || (e = agent_conf_load(&a->conf, a->dir)) != OK)
        return e;
    key_use_credentials(a->conf.keys_credentials);
    if ((e = read_key(&a->sign, a, "keys/sign.key", KEY_SIGN)) != OK ||
        (e = read_key(&a->curve, a, "keys/curve.key", KEY_CURVE)) != OK ||
        (e = read_key(&a->home_key, a, "keys/home.key", KEY_SECRET)) != OK ||
        (is_in(a->dir, "keys/seal.key") && (e = read_key(&a->history_key, a, "keys/seal.key", KEY_SEAL)) != OK) ||
        (e = folder_path(path, a->dir, "store")) != OK)
        return e;
    o.map_size = (uint64_t)a->conf.map_size;
    if ((e = store_open(&a->store, path, &o)) != OK || (e = load_signed(a)) != OK || (e = check_keys(a)) != OK ||
        (e = load_code(a)) != OK || (e = agent_read_generation(a, NULL)) != OK ||
        (e = builtin_forms_load(&a->builtin)) != OK)
        return e;
    return agent_load_objects(a);
}

enum err agent_open(struct agent **out, const char *dir)
{
    struct agent *a = calloc(1, sizeof(*a));
    enum err e;

    if (a == NULL)
        return ERR_NOMEM;
    buf_init(&a->old_signers, (size_t)AGENT_MAX_SIGNERS * KEY_BYTES);
    a->dir = strdup(dir);
    e = a->dir == NULL ? ERR_NOMEM : open_parts(a);
    if (e != OK) {
        agent_close(a);
        return e;
    }
    *out = a;
    return OK;
}

void agent_close(struct agent *a)
{
    if (a == NULL)
        return;
    agent_free_objects(a);
    builtin_forms_fini(&a->builtin);
    store_close(a->store);
    key_free(a->sign);
    key_free(a->curve);
    key_free(a->home_key);
    key_free(a->history_key);
    wipe(a->code, sizeof(a->code));
    buf_fini(&a->old_signers);
    free(a->directory);
    zone_free(a->conf.zone);
    free(a->grant);
    free(a->dir);
    free(a);
}

bool agent_is_stopped(const struct agent *a)
{
    return a->grant->status == GRANT_HELD || a->grant->status == GRANT_REVOKED;
}

bool agent_is_enrolled(const struct agent *a)
{
    return memcmp(a->grant->sign_key, key_public(a->sign), KEY_BYTES) == 0;
}

/* ---- events ---- */

enum err agent_tell_in(struct agent *a, struct store_txn *t, const char *text)
{
    return agent_tell_bytes_in(a, t, bytes_of(text, strlen(text)));
}

enum err agent_tell_bytes_in(struct agent *a, struct store_txn *t, struct bytes message)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    struct buf plain;
    struct buf locked;
    uint8_t id[8];
    uint64_t next = 1;
    enum err e = store_cursor_open(t, T_EVENTS, &c);

    if (e != OK)
        return e;
    if (store_last(c, &key, &value) == OK && key.len == 8)
        next = be64_get(key.p) + 1;
    store_cursor_close(c);
    be64_put(id, next);
    buf_init_secret(&plain, 4096);
    buf_init(&locked, 4096 + LOCK_OVERHEAD);
    buf_put_u64(&plain, (uint64_t)clock_wall_ms());
    buf_put(&plain, message.p, message.len);
    if ((e = buf_status(&plain)) == OK &&
        (e = lock_bytes(&locked, key_secret(a->home_key), bytes_of(id, 8), bytes_of(plain.data, plain.len))) == OK)
        e = store_put(t, T_EVENTS, bytes_of(id, 8), bytes_of(locked.data, locked.len));
    buf_wipe(&plain);
    buf_fini(&locked);
    return e;
}

void agent_tell(struct agent *a, const char *fmt, ...)
{
    struct store_txn *t = NULL;
    char text[2048];
    va_list ap;
    enum err e;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if ((e = store_begin_write(a->store, &t)) == OK) {
        if ((e = agent_tell_in(a, t, text)) == OK)
            e = store_commit(t);
        else
            store_abort(t);
    }
    if (e != OK)
        log_warning("could not keep a message for the school: %s (%s)", text, err_text());
}

enum err agent_each_event(struct agent *a, bool forget, void (*each)(void *ctx, int64_t wall_ms, const char *text),
                          void *ctx)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    char message[STANDING_MESSAGE];
    struct buf plain;
    enum err e = forget ? store_begin_write(a->store, &t) : store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    buf_init_secret(&plain, 8192);
    if ((e = store_cursor_open(t, T_EVENTS, &c)) == OK) {
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
            buf_reset(&plain);
            if (unlock_bytes(&plain, key_secret(a->home_key), key, value) != OK || plain.len < 8)
                continue;
            if (standing_message(a, bytes_of(plain.data + 8, plain.len - 8), message))
                each(ctx, (int64_t)be64_get(plain.data), message);
            else
                each(ctx, (int64_t)be64_get(plain.data), buf_cstr(&plain) + 8);
        }
        store_cursor_close(c);
    }
    buf_wipe(&plain);
    if (e == ERR_NOT_FOUND)
        e = OK;
    if (e == OK && forget && (e = store_clear(t, T_EVENTS)) == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}
