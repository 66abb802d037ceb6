#include "hub/audit.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/utf8.h"
#include "hub/home_internal.h"
#include "hub/key_ring.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* H_AUDIT: number u64 -> entry.  H_AUDIT_HEADS: number u64 -> signed head; signer's public key 32 -> the root's
 * certificate of it, for every key that ever signed here: heads outlive the key. */

/* ---- appending ---- */

/* The newest entry: its number and digest; none: 0 and the start. */
static enum err tail(struct hub *h, struct store_txn *t, uint64_t *number, uint8_t digest_out[DIGEST_BYTES])
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    enum err e = store_cursor_open(t, H_AUDIT, &c);

    *number = 0;
    audit_start(digest_out, h->district);
    if (e != OK)
        return e;
    if ((e = store_last(c, &key, &value)) == OK && key.len == 8) {
        *number = be64_get(key.p);
        audit_entry_digest(digest_out, *number, value);
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err audit_last(struct store_txn *t, uint64_t *number)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    enum err e = store_cursor_open(t, H_AUDIT, &c);

    *number = 0;
    if (e != OK)
        return e;
    if ((e = store_last(c, &key, &value)) == OK && key.len == 8)
        *number = be64_get(key.p);
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put_head(struct hub *h, struct store_txn *t, uint64_t number, const uint8_t digest_in[DIGEST_BYTES])
{
    struct audit_head head = {.number = number, .wall_ms = clock_wall_ms()};
    struct bytes signer = bytes_of(key_public(h->sign), KEY_BYTES);
    struct bytes certificate;
    struct buf object;
    uint8_t key[8];
    enum err e;

    memcpy(head.district, h->district, sizeof(head.district));
    memcpy(head.digest, digest_in, DIGEST_BYTES);
    be64_put(key, number);
    buf_init(&object, AUDIT_HEAD_MAX);
    if ((e = audit_head_make(&object, &head, h->sign)) == OK)
        e = store_put(t, H_AUDIT_HEADS, bytes_of(key, sizeof(key)), bytes_of(object.data, object.len));
    if (e == OK && (e = store_get(t, H_AUDIT_HEADS, signer, &certificate)) == ERR_NOT_FOUND) {
        const struct ring_key *r = ring_find(h->ring, RING_SIGN, signer.p);

        e = r == NULL ? err_set(ERR_CORRUPT, "%s: the signing key has no certificate", h->dir)
                      : store_put(t, H_AUDIT_HEADS, signer, bytes_of(r->certificate, r->certificate_len));
    }
    buf_fini(&object);
    return e;
}

static enum err append(struct hub *h, struct store_txn *t, struct audit_entry *entry)
{
    uint8_t digest_of[DIGEST_BYTES];
    struct buf value;
    uint8_t key[8];
    enum err e = tail(h, t, &entry->number, entry->before);

    if (e != OK)
        return e;
    entry->number++;
    entry->wall_ms = clock_wall_ms();
    be64_put(key, entry->number);
    buf_init(&value, AUDIT_ENTRY_MAX);
    if ((e = audit_entry_encode(&value, entry)) == OK)
        e = store_put(t, H_AUDIT, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    if (e == OK && entry->number % AUDIT_SIGN_EVERY == 0) {
        audit_entry_digest(digest_of, entry->number, bytes_of(value.data, value.len));
        e = put_head(h, t, entry->number, digest_of);
    }
    buf_fini(&value);
    return e;
}

/* Text that is cut inside a character, or never was text, ends before the mistake; control characters become blanks. */
static void tidy(char *text, bool keeps_lines)
{
    text[utf8_first_bad(text, strlen(text))] = '\0';
    for (char *p = text; *p != '\0'; p++)
        if (((unsigned char)*p < 0x20 && !(keeps_lines && *p == '\n')) || *p == 0x7F)
            *p = ' ';
}

static void fill(struct audit_entry *entry, const char *who, enum audit_action a, const char *subject)
{
    memset(entry, 0, sizeof(*entry));
    (void)snprintf(entry->who, sizeof(entry->who), "%s", who[0] != '\0' ? who : "?");
    (void)snprintf(entry->code, sizeof(entry->code), "%s", audit_code(a));
    (void)snprintf(entry->subject, sizeof(entry->subject), "%s", subject != NULL ? subject : "");
    tidy(entry->who, false);
    tidy(entry->subject, false);
}

enum err hub_audit_do(struct hub *h, struct store_txn *t, const char *who, enum audit_action a, const char *subject,
                      const char *fmt, ...)
{
    struct audit_entry entry;
    va_list ap;

    fill(&entry, who, a, subject);
    va_start(ap, fmt);
    (void)vsnprintf(entry.detail, sizeof(entry.detail), fmt, ap);
    va_end(ap);
    tidy(entry.detail, true);
    return append(h, t, &entry);
}

enum err audit_sign(struct hub *h, struct store_txn *t)
{
    uint8_t digest_of[DIGEST_BYTES], key[8];
    struct bytes head;
    uint64_t number;
    enum err e = tail(h, t, &number, digest_of);

    if (e != OK || number == 0)
        return e;
    be64_put(key, number);
    e = store_get(t, H_AUDIT_HEADS, bytes_of(key, sizeof(key)), &head);
    return e == ERR_NOT_FOUND ? put_head(h, t, number, digest_of) : e;
}

enum err audit_is_signed(struct store_txn *t, bool *is_signed)
{
    struct bytes head;
    uint64_t number;
    uint8_t key[8];
    enum err e = audit_last(t, &number);

    *is_signed = true;
    if (e != OK || number == 0)
        return e;
    be64_put(key, number);
    e = store_get(t, H_AUDIT_HEADS, bytes_of(key, sizeof(key)), &head);
    *is_signed = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- walking ---- */

struct heads {
    struct store_cursor *c;
    bool has_one;
    uint64_t number;
    struct bytes object;
};

/* On to the next head; rows of certificates are passed over. */
static enum err take_head(struct heads *s, enum err found, struct bytes key, struct bytes value)
{
    while (found == OK && key.len != 8)
        found = store_next(s->c, &key, &value);
    s->has_one = found == OK;
    if (found == OK) {
        s->number = be64_get(key.p);
        s->object = value;
    }
    return found == ERR_NOT_FOUND ? OK : found;
}

static enum err next_head(struct heads *s)
{
    struct bytes key = {NULL, 0}, value = {NULL, 0};
    enum err e = store_next(s->c, &key, &value);

    return take_head(s, e, key, value);
}

static enum err first_head(struct heads *s, const uint8_t from[8])
{
    struct bytes key = {NULL, 0}, value = {NULL, 0};
    enum err e = store_seek(s->c, bytes_of(from, 8), &key, &value);

    return take_head(s, e, key, value);
}

static enum err walk_certificates(struct store_txn *t, audit_each each, void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    enum err told = OK;
    enum err e = store_cursor_open(t, H_AUDIT_HEADS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && told == OK; e = store_next(c, &key, &value))
        if (key.len == KEY_BYTES)
            told = each(ctx, AUDIT_ROW_CERTIFICATE, 0, value);
    store_cursor_close(c);
    if (told != OK)
        return told;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err tell_heads(struct heads *s, uint64_t before, audit_each each, void *ctx)
{
    enum err e = OK;

    while (e == OK && s->has_one && s->number < before)
        if ((e = each(ctx, AUDIT_ROW_HEAD, s->number, s->object)) == OK)
            e = next_head(s);
    return e;
}

static enum err walk_entries(struct store_cursor *c, const uint8_t from[8], struct heads *s, audit_each each, void *ctx)
{
    struct bytes key, value;
    enum err told = OK;
    enum err e;

    for (e = store_seek(c, bytes_of(from, 8), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        uint64_t number = key.len == 8 ? be64_get(key.p) : 0;

        if ((told = tell_heads(s, number, each, ctx)) != OK || (told = each(ctx, AUDIT_ROW_ENTRY, number, value)) != OK)
            return told;
    }
    return e != ERR_NOT_FOUND ? e : tell_heads(s, UINT64_MAX, each, ctx);
}

enum err audit_walk(struct store_txn *t, uint64_t from, audit_each each, void *ctx)
{
    struct store_cursor *c = NULL;
    struct heads s = {.c = NULL};
    uint8_t key[8];
    enum err e = walk_certificates(t, each, ctx);

    be64_put(key, from);
    if (e == OK && (e = store_cursor_open(t, H_AUDIT, &c)) == OK &&
        (e = store_cursor_open(t, H_AUDIT_HEADS, &s.c)) == OK && (e = first_head(&s, key)) == OK)
        e = walk_entries(c, key, &s, each, ctx);
    store_cursor_close(s.c);
    store_cursor_close(c);
    return e;
}
