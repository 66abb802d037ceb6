/* The cursor on hostile bytes: every reader, and what it accepts as a whole must be canonical: written again from its
 * parts it gives the same bytes. */
#include "protocol/mp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct mp *m, struct buf *out)
{
    switch (mp_peek(m)) {
    case MP_NIL:
        if (mp_nil(m))
            mp_put_nil(out);
        break;
    case MP_FALSE:
    case MP_TRUE: mp_put_bool(out, mp_bool(m)); break;
    case MP_UINT: mp_put_uint(out, mp_uint(m, UINT64_MAX)); break;
    case MP_NEGATIVE: mp_put_int(out, mp_int(m)); break;
    case MP_STR: {
        struct bytes s = mp_str(m, SIZE_MAX);

        mp_put_str(out, (const char *)s.p, s.len);
        break;
    }
    case MP_BIN: {
        struct bytes s = mp_bin(m, SIZE_MAX);

        mp_put_bin(out, s.p, s.len);
        break;
    }
    case MP_STATE: mp_put_state(out, mp_state(m)); break;
    case MP_ARRAY: {
        size_t n = mp_array(m, 0, SIZE_MAX);

        mp_put_array(out, n);
        while (n-- > 0 && !m->failed)
            write_again(m, out);
        break;
    }
    case MP_BAD: m->failed = true; break;
    }
}

/* Readers that are asked for what is not there. */
static void read_wrongly(struct bytes in)
{
    struct mp m = mp_of(in);
    char text[9];
    uint8_t bin[8];

    for (unsigned i = 0; i < 16 && !m.failed; i++) {
        struct mp copy = m;

        mp_text(&copy, text, 1, 8);
        copy = m;
        mp_bin_exact(&copy, bin, sizeof(bin));
        copy = m;
        (void)mp_array(&copy, 1, 3);
        copy = m;
        (void)mp_int(&copy);
        (void)mp_next(&m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct mp m = mp_of(in);
    struct buf out;

    (void)mp_any(&m);
    if (mp_done(&m)) {
        buf_init(&out, size + 1);
        m = mp_of(in);
        write_again(&m, &out);
        if (!mp_done(&m) || out.len != size || memcmp(out.data, data, size) != 0)
            abort();
        buf_fini(&out);
    }
    read_wrongly(in);
    return 0;
}
