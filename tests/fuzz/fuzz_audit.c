/* The audit's bytes: first byte 0: an entry; 1: the payload of a head, signed here so that the fuzzer gets past the
 * signature; 2: an exported file, its digest put right so that the rows are reached, all of it checked. */
#include "hub/audit.h"

#include <stdlib.h>
#include <string.h>

static struct key *hub;

static void start(void)
{
    uint8_t seed[32];

    memset(seed, 'h', sizeof(seed));
    if (hub == NULL && (keys_start() != OK || key_from_seed(&hub, KEY_SIGN, seed) != OK))
        abort();
}

/* What decodes can be made again, byte for byte unless a later version added fields. */
static void entry(struct bytes in)
{
    struct audit_entry e, again;
    struct buf b;

    if (audit_entry_decode(&e, 1, in) != OK)
        return;
    buf_init(&b, AUDIT_ENTRY_MAX);
    if (audit_entry_encode(&b, &e) != OK || audit_entry_decode(&again, 1, bytes_of(b.data, b.len)) != OK ||
        memcmp(&e, &again, sizeof(e)) != 0)
        abort();
    buf_reset(&b);
    audit_put_detail(&b, e.detail);
    buf_fini(&b);
}

static void head(struct bytes payload)
{
    struct audit_head h;
    struct buf b, again;

    buf_init(&b, SIGNED_MAX);
    buf_init(&again, SIGNED_MAX);
    if (signed_make(&b, SIGNED_AUDIT, payload, hub) == OK &&
        audit_head_open(&h, bytes_of(b.data, b.len), key_public(hub)) == OK && audit_head_make(&again, &h, hub) != OK)
        abort();
    buf_fini(&b);
    buf_fini(&again);
}

static void say(void *ctx, const char *text)
{
    (void)ctx;
    if (text[0] == '\0')
        abort();
}

static void file(struct bytes in)
{
    struct audit_file_head h;
    struct audit_totals n;
    struct audit_check *c = NULL;
    struct buf b;

    buf_init(&b, 1u << 20);
    buf_put(&b, in.p, in.len);
    if (b.len >= DIGEST_BYTES)
        digest(b.data + b.len - DIGEST_BYTES, bytes_of(b.data, b.len - DIGEST_BYTES));
    if (buf_status(&b) == OK && audit_file_read(&h, bytes_of(b.data, b.len), NULL, NULL) == OK) {
        if (audit_check_new(&c, h.district, h.root, say, NULL) != OK)
            abort();
        (void)!audit_file_read(&h, bytes_of(b.data, b.len), audit_check_row, c);
        audit_check_end(c, &n);
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in;

    if (size < 1)
        return 0;
    start();
    in = bytes_of(data + 1, size - 1);
    if (data[0] == 0)
        entry(in);
    else if (data[0] == 1)
        head(in);
    else
        file(in);
    return 0;
}
