/* What is read of a key's copies: the typed sheet, the locked root, the recovery key, the ring in the store. */
#include "hub/key_ring.h"
#include "hub/recovery.h"
#include "hub/root_key.h"
#include "protocol/key_paper.h"

#include <stdlib.h>
#include <string.h>

static void try_paper(const char *text, size_t len)
{
    static const uint8_t zeros[KEY_BYTES];
    uint8_t seed[KEY_BYTES] = {0};
    char *copy = malloc(len + 1);

    if (copy == NULL)
        return;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (paper_read(seed, copy) != OK && memcmp(seed, zeros, sizeof(zeros)) != 0)
        abort(); /* no half of a key stays behind */
    free(copy);
}

static void try_ring(struct bytes in)
{
    struct key_ring *r = calloc(1, sizeof(*r));
    struct buf again;

    if (r != NULL && ring_decode(r, in) == OK) {
        buf_init(&again, 1 << 20);
        if (r->count > RING_MAX || ring_encode(&again, r) != OK)
            abort();
        ring_settle_seal(r);
        buf_fini(&again);
    }
    free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t district[16];
    static const uint8_t root[KEY_BYTES];
    uint8_t key[KEY_BYTES];
    struct root_locked l;
    const char *text = (const char *)data + 1;

    if (size < 1)
        return 0;
    switch (data[0]) {
    case 'p': try_paper(text, size - 1); break;
    case 'l':
        if (root_locked_parse(&l, text, size - 1) == OK && (l.ops > ROOT_OPS_MAX || l.mem > ROOT_MEM_MAX))
            abort();
        break;
    case 'r':
        if (recovery_parse(key, text, size - 1, root, district) == OK)
            abort(); /* by a key of zeros */
        break;
    default: try_ring(bytes_of(data + 1, size - 1)); break;
    }
    return 0;
}
