#include "hub/key_change.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "hub/audit.h"
#include "hub/key_destroy.h"
#include "hub/ledger.h"
#include "hub/registry.h"
#include "hub/returns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS           (INT64_C(86400) * 1000)
#define CERTIFICATE_DAYS 3650

static enum err path_of(char out[FOLDER_PATH_MAX], const struct hub *h, const char *file)
{
    char name[sizeof("keys/") + RING_FILE_MAX];

    (void)snprintf(name, sizeof(name), "keys/%s", file);
    return folder_path(out, h->dir, name);
}

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* A file of that name that was left behind by a change that never came to its end holds a key that nobody was told. */
static enum err make_file(struct key_change *c, const char *file, enum key_kind kind, const char *name,
                          bool may_replace, struct key **out)
{
    char path[FOLDER_PATH_MAX];
    enum err e = path_of(path, c->h, file);

    if (e != OK)
        return e;
    if (may_replace && is_there(path) && unlink(path) != 0)
        return err_errno(ERR_IO, errno, "%s", path);
    if ((e = key_generate(out, kind)) != OK || (e = key_write(*out, path, name)) != OK)
        return e;
    (void)snprintf(c->written, sizeof(c->written), "%s", path);
    return OK;
}

/* JOURNAL_KEY: what, kind, public half, school year, which of it. */
static enum err journal(struct key_change *c, const char *what, const struct ring_key *k)
{
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, 1024);
    mp_put_cstr(&payload, what);
    mp_put_uint(&payload, (uint64_t)k->kind);
    mp_put_bin(&payload, k->public_half, KEY_BYTES);
    mp_put_uint(&payload, (uint64_t)k->year);
    mp_put_uint(&payload, k->ordinal);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(c->h->ledger, c->t, JOURNAL_KEY, bytes_of(payload.data, payload.len), 5, &lsn);
    buf_fini(&payload);
    return e;
}

/* What was done to key `k`, in the journal's words; step: 1 to 3 of a change of the transport key. */
struct change_word {
    const char *text;
    enum audit_action action;
    const char *step;
};

static enum err audit(struct key_change *c, const struct change_word *w, const struct ring_key *k)
{
    char subject[RING_SUBJECT], print[FINGERPRINT_CHARS + 1];

    ring_subject(subject, k);
    fingerprint(print, k->public_half);
    return hub_audit_do(c->h, c->t, c->who, w->action, subject, "step=%s\nfingerprint=%s", w->step, print);
}

static enum err conclude(struct key_change *c, struct change_word w, const struct ring_key *k)
{
    enum err e = hub_issue_directory(c->h, c->t);

    if (e == OK)
        e = journal(c, w.text, k);
    if (e == OK)
        e = audit(c, &w, k);
    return e;
}

/* ---- signing ---- */

static enum err certify(struct key_change *c, const struct key *root, const struct key *fresh, struct ring_key **out)
{
    struct buf certificate;
    int64_t now = clock_wall_ms();
    enum err e;

    buf_init(&certificate, RING_CERTIFICATE_MAX);
    e = certificate_make(&certificate, root, c->h->district, key_public(fresh), now, now + CERTIFICATE_DAYS * DAY_MS);
    if (e == OK)
        e = ring_add(c->h->ring, RING_SIGN, RING_CURRENT, key_public(fresh), now, out);
    if (e == OK) {
        memcpy((*out)->certificate, certificate.data, certificate.len);
        (*out)->certificate_len = certificate.len;
    }
    buf_fini(&certificate);
    return e;
}

enum err key_change_sign(struct key_change *c, const struct key *root)
{
    struct key *fresh = NULL;
    struct ring_key *k = NULL;
    enum err e;

    if (memcmp(key_public(root), c->h->root, KEY_BYTES) != 0)
        return err_set(ERR_INVALID, _("this root key is another district's"));
    if ((e = make_file(c, "sign-next.key", KEY_SIGN, "hub signing", true, &fresh)) != OK ||
        (e = certify(c, root, fresh, &k)) != OK) {
        key_free(fresh);
        return e;
    }
    key_free(
        c->h->sign); /* from here on everything is signed by the new one; a failure is a reload away from the old */
    c->h->sign = fresh;
    if ((e = conclude(c, (struct change_word){"new signing key", AUDIT_KEY_ROTATE, ""}, k)) != OK)
        return e;
    return registry_sign_all(c->h, c->t);
}

/* ---- sealing ---- */

enum err key_change_seal(struct key_change *c, int32_t year, struct ring_key **out)
{
    struct key *fresh = NULL;
    struct ring_key *k = NULL;
    struct ring_key name = {.kind = RING_SEAL, .year = year, .ordinal = ring_next_ordinal(c->h->ring, year)};
    char file[RING_FILE_MAX];
    enum err e;

    ring_file(file, &name);
    if ((e = make_file(c, file, KEY_SEAL, file, false, &fresh)) == OK)
        e = ring_add(c->h->ring, RING_SEAL, RING_OLD, key_public(fresh), clock_wall_ms(), &k);
    key_free(fresh);
    if (e != OK)
        return e;
    k->year = year;
    k->ordinal = name.ordinal;
    ring_settle_seal(c->h->ring);
    if (out != NULL)
        *out = k;
    return conclude(c, (struct change_word){"new sealing key", AUDIT_KEY_ROTATE, ""}, k);
}

/* Nothing is given up that is there and in order. */
static enum err check_is_lost(const struct hub *h, const struct ring_key *k)
{
    char path[FOLDER_PATH_MAX];
    char file[RING_FILE_MAX];
    struct key *there = NULL;
    bool is_right;
    enum err e;

    ring_file(file, k);
    if ((e = path_of(path, h, file)) != OK)
        return e;
    if (!is_there(path))
        return OK;
    e = key_read(&there, path, KEY_SEAL);
    if (e == ERR_DENIED || e == ERR_NOMEM)
        return e;
    is_right = e == OK && memcmp(key_public(there), k->public_half, KEY_BYTES) == 0;
    key_free(there);
    if (is_right)
        return err_set(
            ERR_EXISTS,
            _("%s is there and in order: nothing is lost. For a key that may have been stolen, make a new one: "
              "svodka-hub key rotate seal"),
            path);
    return err_set(ERR_EXISTS, _("%s lies there and is not this key: move it away first"), path);
}

enum err key_change_lost(struct key_change *c, struct ring_key *k)
{
    bool was_current = k->state == RING_CURRENT;
    int32_t year = k->year;
    enum err e;

    if (k->state != RING_CURRENT && k->state != RING_OLD)
        return err_set(ERR_INVALID, _("the sealing key %d-%u is lost or destroyed already"), (int)k->year, k->ordinal);
    if ((e = check_is_lost(c->h, k)) != OK)
        return e;
    k->state = RING_LOST;
    if ((e = conclude(c, (struct change_word){"sealing key lost", AUDIT_KEY_LOST, ""}, k)) != OK || !was_current)
        return e;
    return key_change_seal(c, year, NULL);
}

enum err key_change_retire(struct key_change *c, struct ring_key *k)
{
    char file[RING_FILE_MAX];
    enum err e;

    if (k->state == RING_CURRENT)
        return err_set(ERR_INVALID, _("the sealing key %d-%u is the one that schools use now"), (int)k->year,
                       k->ordinal);
    if (k->state != RING_OLD && k->state != RING_LOST)
        return err_set(ERR_INVALID, _("the sealing key %d-%u is destroyed already"), (int)k->year, k->ordinal);
    ring_file(file, k);
    if ((e = path_of(c->destroy, c->h, file)) != OK)
        return e;
    for (size_t i = 0; i < c->h->seal_count; i++) /* else it would be taken for one that was found */
        if (memcmp(key_public(c->h->seal[i]), k->public_half, KEY_BYTES) == 0) {
            key_free(c->h->seal[i]);
            c->h->seal[i] = c->h->seal[--c->h->seal_count];
            c->h->seal_year[i] = c->h->seal_year[c->h->seal_count];
            c->h->seal_ordinal[i] = c->h->seal_ordinal[c->h->seal_count];
            break;
        }
    k->state = RING_ERASED;
    return conclude(c, (struct change_word){"sealing key destroyed", AUDIT_KEY_DESTROY, ""}, k);
}

/* ---- transport ---- */

static enum err check_stage(const struct hub *h, enum curve_stage expected)
{
    static const char *const next[] = {
        N_("first comes: svodka-hub key rotate curve --listen URL"),
        N_("a change of the transport key is under way; next comes: svodka-hub key rotate curve --switch"),
        N_("a change of the transport key is under way; next comes: svodka-hub key rotate curve --finish")};

    if (h->ring->curve.stage == expected)
        return OK;
    return err_set(ERR_INVALID, "%s", _(next[h->ring->curve.stage]));
}

static enum err check_address(const struct hub *h, const char *listen, const char *announce)
{
    const char *const *told = h->conf.announce_count > 0 ? h->conf.announce : h->conf.listen;
    size_t told_count = h->conf.announce_count > 0 ? h->conf.announce_count : h->conf.listen_count;

    if (!hub_url_is_valid(listen) || !hub_url_is_valid(announce))
        return err_set(ERR_INVALID, _("%.200s: tcp://HOST:PORT is expected"),
                       hub_url_is_valid(listen) ? announce : listen);
    if (hub_url_is_wildcard(announce))
        return err_set(ERR_INVALID,
                       _("%s: schools cannot connect to such an address; say with --announce which one they use"),
                       announce);
    for (size_t i = 0; i < h->conf.listen_count; i++)
        if (strcmp(h->conf.listen[i], listen) == 0)
            return err_set(ERR_INVALID, _("%s is listened at already; another port is expected"), listen);
    for (size_t i = 0; i < told_count; i++)
        if (strcmp(told[i], announce) == 0)
            return err_set(ERR_INVALID, _("%s is told to schools already; another port is expected"), announce);
    return OK;
}

enum err key_change_curve_begin(struct key_change *c, const char *listen, const char *announce)
{
    struct curve_change *change = &c->h->ring->curve;
    struct ring_key *k = NULL;
    struct key *fresh = NULL;
    enum err e;

    if ((e = check_stage(c->h, CURVE_STILL)) != OK || (e = check_address(c->h, listen, announce)) != OK)
        return e;
    if ((e = make_file(c, "curve-next.key", KEY_CURVE, "transport", true, &fresh)) == OK)
        e = ring_add(c->h->ring, RING_CURVE, RING_NEXT, key_public(fresh), clock_wall_ms(), &k);
    key_free(fresh);
    if (e != OK)
        return e;
    change->stage = CURVE_BOTH;
    change->version = 0; /* that of the directory which now follows */
    (void)snprintf(change->listen, sizeof(change->listen), "%s", listen);
    (void)snprintf(change->announce, sizeof(change->announce), "%s", announce);
    return conclude(c, (struct change_word){"next transport key, at a second address", AUDIT_KEY_ROTATE, "1"}, k);
}

enum err key_change_curve_switch(struct key_change *c)
{
    struct key_ring *ring = c->h->ring;
    struct ring_key *next = NULL;
    enum err e = check_stage(c->h, CURVE_BOTH);

    if (e != OK)
        return e;
    for (size_t i = 0; i < ring->count; i++) {
        struct ring_key *k = &ring->keys[i];

        if (k->kind == RING_CURVE && k->state == RING_NEXT)
            next = k;
        else if (k->kind == RING_CURVE && k->state == RING_CURRENT)
            k->state = RING_OLD;
    }
    if (next == NULL)
        return err_set(ERR_CORRUPT, "the store names no next transport key");
    next->state = RING_CURRENT;
    memcpy(c->h->curve, next->public_half, KEY_BYTES);
    ring->curve.stage = CURVE_SWITCHED;
    ring->curve.version = 0;
    return conclude(c, (struct change_word){"new transport key at all addresses", AUDIT_KEY_ROTATE, "2"}, next);
}

enum err key_change_curve_finish(struct key_change *c)
{
    const struct ring_key *now = ring_current(c->h->ring, RING_CURVE);
    enum err e = check_stage(c->h, CURVE_SWITCHED);

    if (e != OK)
        return e;
    memset(&c->h->ring->curve, 0, sizeof(c->h->ring->curve));
    return conclude(c, (struct change_word){"the second address is closed", AUDIT_KEY_ROTATE, "3"}, now);
}

/* ---- afterwards ---- */

static void take_name(const struct hub *h, const char *from_file, const char *to_file)
{
    char from[FOLDER_PATH_MAX];
    char to[FOLDER_PATH_MAX];

    if (path_of(from, h, from_file) == OK && path_of(to, h, to_file) == OK && is_there(from) && rename(from, to) != 0)
        log_warning(_("%s could not take its name: %s"), from, strerror(errno));
}

static void destroy_file(const char *path)
{
    if (key_file_destroy(path) != OK)
        log_warning(_("%s could not be deleted: %s; delete it"), path, err_text());
}

void key_change_done(struct key_change *c)
{
    char path[FOLDER_PATH_MAX];

    if (path_of(path, c->h, "sign-next.key") == OK && strcmp(c->written, path) == 0)
        take_name(c->h, "sign-next.key", "sign.key");
    if (c->h->ring->curve.stage == CURVE_SWITCHED)
        take_name(c->h, "curve-next.key", "curve.key");
    if (c->destroy[0] != '\0')
        destroy_file(c->destroy);
}

void key_change_undo(struct key_change *c)
{
    if (c->written[0] != '\0')
        destroy_file(c->written);
}
