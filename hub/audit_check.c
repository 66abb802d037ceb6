#include "hub/audit.h"

#include "common/cli.h"
#include "hub/home_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNERS_MAX 64u /* signing keys of one hub in its life */

struct audit_check {
    uint8_t district[DISTRICT_BYTES], root[KEY_BYTES];
    void (*say)(void *ctx, const char *text);
    void *ctx;
    uint8_t signers[SIGNERS_MAX][KEY_BYTES];
    size_t signer_count;
    uint64_t next;                 /* the number that comes now */
    uint8_t before[DIGEST_BYTES];  /* what it must hold */
    bool knows_before;             /* false after a gap */
    uint8_t current[DIGEST_BYTES]; /* digest of entry next - 1 */
    bool owes_head;                /* entry next - 1 must be followed by one */
    uint64_t beyond;               /* a head says that so many entries existed */
    int64_t beyond_ms;
    struct audit_totals totals;
};

static void fault(struct audit_check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fault(struct audit_check *c, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->totals.bad++;
    c->say(c->ctx, text);
}

enum err audit_check_new(struct audit_check **out, const uint8_t district[DISTRICT_BYTES],
                         const uint8_t root[KEY_BYTES], void (*say)(void *ctx, const char *text), void *ctx)
{
    struct audit_check *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return ERR_NOMEM;
    memcpy(c->district, district, DISTRICT_BYTES);
    memcpy(c->root, root, KEY_BYTES);
    c->say = say;
    c->ctx = ctx;
    c->next = 1;
    c->knows_before = true;
    audit_start(c->before, district);
    *out = c;
    return OK;
}

static void take_certificate(struct audit_check *c, struct bytes object)
{
    struct certificate cert;

    if (certificate_open(&cert, object, c->root) != OK)
        fault(c, _("audit: a certificate of a signing key is not by this hub's root key"));
    else if (memcmp(cert.district, c->district, DISTRICT_BYTES) != 0)
        fault(c, _("audit: a certificate of a signing key is of another district"));
    else if (c->signer_count < SIGNERS_MAX)
        memcpy(c->signers[c->signer_count++], cert.hub_sign, KEY_BYTES);
}

static void check_head_is_there(struct audit_check *c)
{
    if (c->owes_head)
        fault(c, _("audit: the signed head of entry %llu is missing"), (unsigned long long)c->next - 1);
    c->owes_head = false;
}

static void say_gap(struct audit_check *c, uint64_t number)
{
    if (number == c->next + 1)
        fault(c, _("audit: entry %llu is missing"), (unsigned long long)c->next);
    else
        fault(c, _("audit: entries %llu to %llu are missing"), (unsigned long long)c->next,
              (unsigned long long)number - 1);
    c->knows_before = false;
}

static void take_entry(struct audit_check *c, uint64_t number, struct bytes value)
{
    struct audit_entry e;

    check_head_is_there(c);
    if (number < c->next) {
        fault(c, _("audit: entry %llu stands where entry %llu is expected"), (unsigned long long)number,
              (unsigned long long)c->next);
        return;
    }
    if (number > c->next)
        say_gap(c, number);
    c->totals.entries++;
    c->next = number + 1;
    audit_entry_digest(c->current, number, value);
    if (audit_entry_decode(&e, number, value) != OK)
        fault(c, _("audit: entry %llu cannot be read: %s"), (unsigned long long)number, err_text());
    else if (c->knows_before && !digest_equal(e.before, c->before))
        fault(c,
              number == 1 ? _("audit: entry %llu is not the first one of this hub's audit")
                          : _("audit: entry %llu does not follow from the one before it: that one, or this one, "
                              "was altered"),
              (unsigned long long)number);
    memcpy(c->before, c->current, DIGEST_BYTES);
    c->knows_before = true;
    c->owes_head = number % AUDIT_SIGN_EVERY == 0;
}

static bool is_signer(const struct audit_check *c, const uint8_t *key)
{
    for (size_t i = 0; key != NULL && i < c->signer_count; i++)
        if (memcmp(c->signers[i], key, KEY_BYTES) == 0)
            return true;
    return false;
}

static void take_head(struct audit_check *c, uint64_t number, struct bytes object)
{
    struct audit_head h;
    char when[64];

    c->totals.heads++;
    if (!is_signer(c, signed_signer(object)) || audit_head_open(&h, object, NULL) != OK || h.number != number ||
        memcmp(h.district, c->district, DISTRICT_BYTES) != 0) {
        fault(c, _("audit: the head of entry %llu is not signed by this hub"), (unsigned long long)number);
        c->owes_head = c->owes_head && number + 1 != c->next;
        return;
    }
    cli_format_time(when, sizeof(when), h.wall_ms);
    if (number >= c->next) {
        if (number > c->beyond) {
            c->beyond = number;
            c->beyond_ms = h.wall_ms;
        }
        return;
    }
    if (number + 1 != c->next) /* its entry is in a gap that was named */
        return;
    c->owes_head = false;
    if (!digest_equal(h.digest, c->current)) {
        fault(c, _("audit: entry %llu is not what was signed on %s: an entry after %llu was altered"),
              (unsigned long long)number, when, (unsigned long long)c->totals.signed_number);
        return;
    }
    c->totals.signed_number = number;
    c->totals.signed_ms = h.wall_ms;
    memcpy(c->totals.signed_digest, h.digest, DIGEST_BYTES);
}

enum err audit_check_row(void *check, enum audit_row kind, uint64_t number, struct bytes bytes)
{
    struct audit_check *c = check;

    switch (kind) {
    case AUDIT_ROW_CERTIFICATE: take_certificate(c, bytes); break;
    case AUDIT_ROW_ENTRY: take_entry(c, number, bytes); break;
    case AUDIT_ROW_HEAD: take_head(c, number, bytes); break;
    }
    return OK;
}

void audit_check_end(struct audit_check *c, struct audit_totals *out)
{
    char when[64];

    check_head_is_there(c);
    if (c->beyond >= c->next) {
        cli_format_time(when, sizeof(when), c->beyond_ms);
        fault(c, _("audit: the end is missing: entries %llu to %llu, signed on %s"), (unsigned long long)c->next,
              (unsigned long long)c->beyond, when);
    }
    *out = c->totals;
    free(c);
}

enum err audit_verify(struct hub *h, void (*say)(void *ctx, const char *text), void *ctx, struct audit_totals *out)
{
    struct audit_check *c = NULL;
    struct store_txn *t = NULL;
    enum err e = audit_check_new(&c, h->district, h->root, say, ctx);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    if ((e = store_begin_read(h->store, &t)) == OK)
        e = audit_walk(t, 0, audit_check_row, c);
    store_abort(t);
    audit_check_end(c, out);
    return e;
}
