/* Files from a stick: whatever is read stays within its bounds, a list that verifies agrees with the parts, and reading
 * ends.  First byte 0: the rest is a file as it stands.  Else: a file whose digests and list are made right, so that
 * the fuzzer gets past them: first byte 1 or 2 the direction, then parts as kind, length u16, bytes. */
#include "protocol/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct key *sign_key;
static char path[64];
static int memory = -1;

static void start(void)
{
    uint8_t seed[32] = {7};

    if (sign_key != NULL)
        return;
    memory = memfd_create("bundle", MFD_CLOEXEC);
    if (memory < 0 || keys_start() != OK || key_from_seed(&sign_key, KEY_SIGN, seed) != OK)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
}

static void put_digest(struct buf *b, struct bytes part)
{
    uint8_t d[DIGEST_BYTES];

    digest(d, part);
    buf_put(b, d, sizeof(d));
}

/* The parts of the input, with right digests and a right list. */
static void make(struct buf *out, const uint8_t *data, size_t size)
{
    struct rd rd = rd_of(data + 1, size - 1);
    struct buf list, object;
    uint8_t head[12] = {'S', 'V', 'D', 'U', 1, data[0], 0, 0, 0, 0, 0, 0};
    uint8_t district[16] = {0};
    uint32_t count = 0;

    buf_init(&list, 1 << 20);
    buf_init(&object, SIGNED_MAX);
    buf_put(out, head, sizeof(head));
    while (rd_left(&rd) >= 4 && count < 1000) {
        uint8_t kind = rd_u8(&rd);
        uint16_t len = rd_u16(&rd);
        const uint8_t *p = rd_bytes(&rd, len <= rd_left(&rd) ? len : rd_left(&rd));
        size_t real = p == NULL ? 0 : (size_t)(rd.p - p);

        if (real == 0 || kind == 0 || kind == BUNDLE_LIST)
            break;
        buf_put_u8(out, kind);
        buf_put_u32(out, (uint32_t)real);
        buf_put(out, p, real);
        put_digest(out, bytes_of(p, real));
        mp_put_array(&list, 3);
        mp_put_uint(&list, kind);
        mp_put_uint(&list, real);

        count++;
        {
            uint8_t d[DIGEST_BYTES];

            digest(d, bytes_of(p, real));
            mp_put_bin(&list, d, sizeof(d));
        }
    }
    be32_put(out->data + 8, count + 1);
    {
        struct buf payload;
        uint8_t d[DIGEST_BYTES];

        buf_init(&payload, SIGNED_MAX);
        digest(d, bytes_of(out->data, 12));
        mp_put_array(&payload, 7);
        mp_put_uint(&payload, data[0]);
        memset(district, 0xD1, sizeof(district));
        mp_put_bin(&payload, district, sizeof(district));
        mp_put_cstr(&payload, "gp");
        mp_put_uint(&payload, 1);
        mp_put_int(&payload, 1);
        mp_put_bin(&payload, d, sizeof(d));
        mp_put_array(&payload, count);
        mp_put_raw(&payload, bytes_of(list.data, list.len));
        if (signed_make(&object, SIGNED_BUNDLE, bytes_of(payload.data, payload.len), sign_key) != OK)
            abort();
        buf_fini(&payload);
    }
    buf_put_u8(out, BUNDLE_LIST);
    buf_put_u32(out, (uint32_t)object.len);
    buf_put(out, object.data, object.len);
    put_digest(out, bytes_of(object.data, object.len));
    buf_fini(&list);
    buf_fini(&object);
}

static void look(const struct bundle_part *p)
{
    static struct bundle_held held;
    struct bundle_holdings h;

    if (p->bytes.len == 0 || p->bytes.len > BUNDLE_PART_MAX)
        abort();
    if (bundle_holdings_get(&h, p->bytes) == OK && h.gap_count > WELCOME_MAX_GAPS)
        abort();
    if (bundle_held_get(&held, p->bytes) == OK && held.count > DIRECTORY_MAX_FORMS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle_reader *r;
    struct bundle_about about;
    struct bundle_part p;
    enum bundle_state s = BUNDLE_PART;
    struct buf made;
    uint32_t steps = 0;

    if (size < 2)
        return 0;
    start();
    buf_init(&made, 16 << 20);
    if (data[0] == 0)
        buf_put(&made, data + 1, size - 1);
    else
        make(&made, data, size);
    if (ftruncate(memory, 0) != 0 || pwrite(memory, made.data, made.len, 0) != (ssize_t)made.len)
        abort();
    buf_fini(&made);
    if (bundle_open(&r, path, true, BUNDLE_DEFAULT_MAX) != OK)
        return 0;
    while (s == BUNDLE_PART || s == BUNDLE_DAMAGED) {
        if (bundle_read(r, &p, &s) != OK || steps++ > BUNDLE_MAX_PARTS)
            abort();
        if (s == BUNDLE_PART)
            look(&p);
    }
    if (s == BUNDLE_END && bundle_check(r, key_public(sign_key), &about) == OK &&
        (about.direction != bundle_direction(r) || strnlen(about.participant, ID_MAX + 1) > ID_MAX))
        abort();
    else if (s == BUNDLE_END && (data[0] == BUNDLE_UP || data[0] == BUNDLE_DOWN) &&
             bundle_check(r, key_public(sign_key), &about) != OK)
        abort();
    bundle_close(r);
    return 0;
}
