#include "hub/home_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "hub/audit.h"
#include "hub/key_destroy.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- files ---- */

static enum err no_key(const char *dir, const char *name)
{
    return err_set(ERR_NOT_FOUND,
                   _("%s/%s: the key file is missing (nothing was changed): put it back from the recovery copy"), dir,
                   name);
}

enum err hub_wrong_key(const struct hub *h, const char *file)
{
    return err_set(ERR_INVALID,
                   _("%s/%s is not the key of this hub (nothing was changed): put the right one back from the recovery "
                     "copy"),
                   h->dir, file);
}

static enum err key_path(char out[FOLDER_PATH_MAX], const struct hub *h, const char *file)
{
    char name[sizeof("keys/") + RING_FILE_MAX];

    (void)snprintf(name, sizeof(name), "keys/%s", file);
    return folder_path(out, h->dir, name);
}

static enum err read_key(struct key **out, const struct hub *h, const char *file, enum key_kind kind)
{
    char path[FOLDER_PATH_MAX];
    char dir[FOLDER_PATH_MAX];
    enum err e = key_path(path, h, file);

    if (e == OK && (e = key_read(out, path, kind)) == ERR_NOT_FOUND && (e = folder_path(dir, h->dir, "keys")) == OK)
        e = no_key(dir, file);
    return e;
}

/* The file must hold the key whose public half the schools were told. */
static enum err read_expected(struct key **out, const struct hub *h, const char *file, enum key_kind kind,
                              const uint8_t expected[KEY_BYTES])
{
    char name[sizeof("keys/") + RING_FILE_MAX];
    struct key *k = NULL;
    enum err e = read_key(&k, h, file, kind);

    if (e != OK)
        return e;
    if (memcmp(key_public(k), expected, KEY_BYTES) != 0) {
        key_free(k);
        (void)snprintf(name, sizeof(name), "keys/%s", file);
        return hub_wrong_key(h, name);
    }
    *out = k;
    return OK;
}

/* A key that is replaced is written as NAME-next.key first, then the store says that it is the one, then it takes the
 * name: whoever comes in between finds it here, and ends what was begun. */
static enum err read_or_finish(struct key **out, const struct hub *h, const char *file, const char *next,
                               enum key_kind kind, const uint8_t expected[KEY_BYTES])
{
    char from[FOLDER_PATH_MAX];
    char to[FOLDER_PATH_MAX];
    struct key *k = NULL;
    struct stat st;
    enum err e;

    if ((e = key_path(from, h, next)) != OK || (e = key_path(to, h, file)) != OK)
        return e;
    if (stat(from, &st) == 0 && key_read(&k, from, kind) == OK && memcmp(key_public(k), expected, KEY_BYTES) == 0) {
        *out = k;
        if (rename(from, to) != 0)
            log_warning(_("%s could not take its name: %s"), from, strerror(errno));
        return OK;
    }
    key_free(k);
    return read_expected(out, h, file, kind, expected);
}

/* ---- sealing keys ---- */

static enum err keep_seal(struct hub_keys *out, const struct hub *h, struct key *k, int32_t year, uint32_t ordinal)
{
    if (out->seal_count == HUB_MAX_SEAL_KEYS) {
        key_free(k);
        return err_set(ERR_LIMIT, _("%s/keys: more than %u sealing keys"), h->dir, HUB_MAX_SEAL_KEYS);
    }
    out->seal[out->seal_count] = k;
    out->seal_ordinal[out->seal_count] = ordinal;
    out->seal_year[out->seal_count++] = year;
    return OK;
}

static enum err missing_seal(const struct ring_key *r, const char *file)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "%s", err_text());
    return err_set(ERR_NOT_FOUND,
                   r->ordinal > 1 ? _("%s; if there is no copy of %s any more: svodka-hub key lost seal %d-%u")
                                  : _("%s; if there is no copy of %s any more: svodka-hub key lost seal %d"),
                   text, file, (int)r->year, r->ordinal);
}

/* What the schools may seal to, or have sealed to, must be there. */
static enum err read_told(struct hub_keys *out, const struct hub *h)
{
    enum err e = OK;

    for (size_t i = 0; i < out->ring->count && e == OK; i++) {
        const struct ring_key *r = &out->ring->keys[i];
        char file[RING_FILE_MAX];
        struct key *k = NULL;

        if (r->kind != RING_SEAL || (r->state != RING_CURRENT && r->state != RING_OLD))
            continue;
        ring_file(file, r);
        e = read_expected(&k, h, file, KEY_SEAL, r->public_half);
        if (e == OK)
            e = keep_seal(out, h, k, r->year, r->ordinal);
        else if (h->access == HUB_KEYS && e != ERR_NOMEM)
            e = OK; /* that is what the command came for */
        else if (e == ERR_NOT_FOUND)
            e = missing_seal(r, file);
    }
    return e;
}

static const struct ring_key *find_year(const struct key_ring *ring, int32_t year, uint32_t ordinal)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].kind == RING_SEAL && ring->keys[i].year == year && ring->keys[i].ordinal == ordinal)
            return &ring->keys[i];
    return NULL;
}

/* It was retired, and whoever destroyed it was killed, or lost power: done now, by whoever may write here. */
static enum err destroy_rest(const struct hub *h, const char *file)
{
    char path[FOLDER_PATH_MAX];
    enum err e = key_path(path, h, file);

    if (e != OK)
        return e;
    if (h->access != HUB_READ && key_file_destroy(path) == OK)
        log_notice(_("keys/%s was retired; what was left of it is destroyed now"), file);
    else
        log_warning(_("keys/%s was retired, and should not lie there any more: delete it"), file);
    return OK;
}

/* Files that the ring does not name: the store is older than they are (a backup), or a lost one was found.  They open
 * what was sealed to them, and the next directory says so. */
static enum err read_stranger(struct hub_keys *out, const struct hub *h, const char *file, int32_t year,
                              uint32_t ordinal)
{
    char name[sizeof("keys/") + RING_FILE_MAX];
    struct key *k = NULL;
    const struct ring_key *r = find_year(out->ring, year, ordinal);
    enum err e = read_key(&k, h, file, KEY_SEAL);

    if (e == ERR_MALFORMED && r != NULL && r->state == RING_ERASED) /* half destroyed */
        return destroy_rest(h, file);
    if (e != OK)
        return h->access == HUB_KEYS ? OK : e;
    r = ring_find(out->ring, RING_SEAL, key_public(k));
    if (r != NULL && r->state != RING_LOST) {
        key_free(k);
        return r->state == RING_ERASED ? destroy_rest(h, file) : OK;
    }
    if (r == NULL && find_year(out->ring, year, ordinal) != NULL) {
        key_free(k);
        (void)snprintf(name, sizeof(name), "keys/%s", file);
        return hub_wrong_key(h, name);
    }
    out->has_strangers = true;
    return keep_seal(out, h, k, year, ordinal);
}

static enum err read_strangers(struct hub_keys *out, const struct hub *h)
{
    char dir[FOLDER_PATH_MAX];
    DIR *d;
    enum err e = folder_path(dir, h->dir, "keys");

    if (e != OK)
        return e;
    if ((d = opendir(dir)) == NULL)
        return err_errno(ERR_IO, errno, "%s", dir);
    for (struct dirent *f; e == OK && (f = readdir(d)) != NULL;) {
        struct ring_key name = {.kind = RING_SEAL};
        char file[RING_FILE_MAX];
        const struct ring_key *r;

        if (!ring_seal_file(f->d_name, &name.year, &name.ordinal))
            continue;
        ring_file(file, &name);
        if (strcmp(file, f->d_name) != 0) /* "seal-2026-02.key" */
            continue;
        r = find_year(out->ring, name.year, name.ordinal);
        if (r == NULL || (r->state != RING_CURRENT && r->state != RING_OLD))
            e = read_stranger(out, h, file, name.year, name.ordinal);
    }
    closedir(d);
    if (e == OK && out->seal_count == 0 && h->access != HUB_KEYS)
        e = err_set(ERR_NOT_FOUND, _("%s: no sealing key (seal-YEAR.key): put it back from the recovery copy"), dir);
    return e;
}

/* ---- all of them ---- */

static enum err load_ring(struct key_ring *ring, const struct hub *h, struct store_txn *t)
{
    struct directory *d = NULL;
    struct bytes certificate;
    struct bytes object;
    enum err e = ring_load(ring, t, h->root, h->district);

    if (e != ERR_NOT_FOUND)
        return e;
    if ((e = hub_meta_get(t, "directory", &object)) != OK || (e = hub_meta_get(t, "certificate", &certificate)) != OK)
        return err_set(ERR_CORRUPT, "%s: the store has no directory in it", h->dir);
    if ((d = calloc(1, sizeof(*d))) == NULL)
        return ERR_NOMEM;
    if ((e = directory_open(d, object, h->root)) == OK)
        e = ring_begin(ring, d, certificate);
    free(d);
    return e;
}

/* The secret half of a transport key is the gateway's business. */
static enum err read_curve(struct hub_keys *out, const struct hub *h)
{
    const struct ring_key *now = ring_current(out->ring, RING_CURVE);
    const struct ring_key *next = ring_next(out->ring);
    struct key *k = NULL;
    enum err e = OK;

    if (now != NULL) {
        e = read_or_finish(&k, h, "curve.key", "curve-next.key", KEY_CURVE, now->public_half);
        memcpy(out->curve, now->public_half, KEY_BYTES);
        key_free(k);
    }
    if (e == OK && next != NULL) {
        k = NULL;
        e = read_expected(&k, h, "curve-next.key", KEY_CURVE, next->public_half);
        key_free(k);
    }
    return e;
}

enum err hub_keys_read(struct hub_keys *out, const struct hub *h, struct store_txn *t)
{
    const struct ring_key *sign;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((out->ring = calloc(1, sizeof(*out->ring))) == NULL)
        return ERR_NOMEM;
    if ((e = load_ring(out->ring, h, t)) != OK)
        goto fail;
    if ((sign = ring_current(out->ring, RING_SIGN)) == NULL) {
        e = err_set(ERR_CORRUPT, "%s: the store names no signing key", h->dir);
        goto fail;
    }
    if ((e = read_or_finish(&out->sign, h, "sign.key", "sign-next.key", KEY_SIGN, sign->public_half)) != OK ||
        (e = read_curve(out, h)) != OK || (e = read_told(out, h)) != OK || (e = read_strangers(out, h)) != OK)
        goto fail;
    return OK;
fail:
    hub_keys_fini(out);
    return e;
}

void hub_keys_fini(struct hub_keys *k)
{
    key_free(k->sign);
    for (size_t i = 0; i < k->seal_count; i++)
        key_free(k->seal[i]);
    free(k->ring);
    memset(k, 0, sizeof(*k));
}

static enum err note_found(struct hub *h, struct store_txn *t, const struct ring_key *k)
{
    char subject[RING_SUBJECT], print[FINGERPRINT_CHARS + 1];

    ring_subject(subject, k);
    fingerprint(print, k->public_half);
    return hub_audit_do(h, t, "core", AUDIT_KEY_FOUND, subject, "fingerprint=%s", print);
}

enum err hub_keys_adopt(struct hub *h, struct store_txn *t)
{
    enum err e = OK;

    for (size_t i = 0; i < h->seal_count && e == OK; i++) {
        struct ring_key *r = ring_find(h->ring, RING_SEAL, key_public(h->seal[i]));

        if (r == NULL) {
            if ((e = ring_add(h->ring, RING_SEAL, RING_OLD, key_public(h->seal[i]), clock_wall_ms(), &r)) != OK)
                return e;
            r->year = h->seal_year[i];
            r->ordinal = h->seal_ordinal[i];
            e = note_found(h, t, r);
        } else if (r->state == RING_LOST) {
            r->state = RING_OLD;
            e = note_found(h, t, r);
        }
    }
    ring_settle_seal(h->ring);
    h->has_strangers = false;
    return e;
}

void hub_keys_swap(struct hub *h, struct hub_keys *k)
{
    struct hub_keys was;

    memset(&was, 0, sizeof(was));
    was.sign = h->sign;
    memcpy(was.seal, h->seal, sizeof(was.seal));
    memcpy(was.seal_year, h->seal_year, sizeof(was.seal_year));
    memcpy(was.seal_ordinal, h->seal_ordinal, sizeof(was.seal_ordinal));
    was.seal_count = h->seal_count;
    memcpy(was.curve, h->curve, KEY_BYTES);
    was.ring = h->ring;
    was.has_strangers = h->has_strangers;
    h->sign = k->sign;
    memcpy(h->seal, k->seal, sizeof(h->seal));
    memcpy(h->seal_year, k->seal_year, sizeof(h->seal_year));
    memcpy(h->seal_ordinal, k->seal_ordinal, sizeof(h->seal_ordinal));
    h->seal_count = k->seal_count;
    memcpy(h->curve, k->curve, KEY_BYTES);
    h->ring = k->ring;
    h->has_strangers = k->has_strangers;
    *k = was;
}

enum err hub_keys_begin(struct hub *h)
{
    char dir[FOLDER_PATH_MAX];
    struct stat st;
    enum err e = folder_path(dir, h->dir, "keys");

    if (e != OK)
        return e;
    if (stat(dir, &st) != 0)
        return err_set(ERR_NOT_FOUND,
                       _("%s is missing (nothing was changed): put the keys back from the recovery copy"), dir);
    if ((st.st_mode & 077) != 0)
        return err_set(ERR_DENIED, _("%s: others may look into the folder of the keys; run: chmod 700 %s"), dir, dir);
    return read_key(&h->storage, h, "storage.key", KEY_SECRET);
}

void hub_storage_mark(const struct hub *h, uint8_t mark[DIGEST_BYTES])
{
    derive(mark, key_secret(h->storage), "svodka storage key mark", bytes_of(h->district, sizeof(h->district)));
}

const uint8_t *hub_signer(const struct hub *h, struct bytes object)
{
    const uint8_t *signer = signed_signer(object);
    const struct ring_key *r = signer == NULL ? NULL : ring_find(h->ring, RING_SIGN, signer);

    return r != NULL ? r->public_half : key_public(h->sign);
}

enum err hub_receipt_now(const struct hub *h, struct bytes stored, struct buf *scratch, struct bytes *out)
{
    const uint8_t *signer = hub_signer(h, stored);
    struct bytes payload;
    enum err e;

    *out = stored;
    if (memcmp(signer, key_public(h->sign), KEY_BYTES) == 0)
        return OK;
    if ((e = signed_open(&payload, stored, SIGNED_RECEIPT, signer)) != OK)
        return e;
    buf_reset(scratch);
    if ((e = signed_make(scratch, SIGNED_RECEIPT, payload, h->sign)) == OK)
        *out = bytes_of(scratch->data, scratch->len);
    return e;
}
