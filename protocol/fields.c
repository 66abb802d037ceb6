#include "protocol/fields.h"

size_t fields_begin(struct mp *m, size_t known)
{
    size_t count = mp_array(m, known, FIELDS_MAX);

    return m->failed ? 0 : count - known;
}

void fields_end(struct mp *m, size_t unknown)
{
    mp_skip(m, unknown);
}

uint64_t fields_u64(struct mp *m, uint64_t min, uint64_t max)
{
    uint64_t v = mp_uint(m, max);

    if (v < min) {
        m->failed = true;
        return 0;
    }
    return v;
}

uint32_t fields_u32(struct mp *m, uint32_t min, uint32_t max)
{
    return (uint32_t)fields_u64(m, min, max);
}

int64_t fields_time(struct mp *m)
{
    int64_t ms = mp_int(m);

    if (ms < TIME_MIN_MS || ms > TIME_MAX_MS) {
        m->failed = true;
        return 0;
    }
    return ms;
}

void fields_id(struct mp *m, char out[ID_MAX + 1])
{
    mp_text(m, out, 1, ID_MAX);
    if (!m->failed && !id_is_valid(out))
        m->failed = true;
}

void fields_generation(struct mp *m, struct generation *out)
{
    out->counter = fields_u32(m, 1, UINT32_MAX);
    mp_bin_exact(m, out->tag, TAG_BYTES);
}

void fields_put_generation(struct buf *b, const struct generation *g)
{
    mp_put_uint(b, g->counter);
    mp_put_bin(b, g->tag, TAG_BYTES);
}

uint32_t fields_ranges(struct mp *m, struct number_range *out, uint32_t max)
{
    size_t elements = mp_array(m, 0, (size_t)max * 2);
    uint64_t above = 0; /* the last number taken */

    if (elements % 2 != 0)
        m->failed = true;
    for (size_t i = 0; i < elements / 2 && !m->failed; i++) {
        uint64_t first = fields_u64(m, 1, UINT64_MAX);
        uint64_t count = fields_u64(m, 1, UINT64_MAX);

        if (m->failed || first <= above || count - 1 > UINT64_MAX - first) {
            m->failed = true;
            break;
        }
        above = first + (count - 1);
        out[i].first = first;
        out[i].count = count;
    }
    return m->failed ? 0 : (uint32_t)(elements / 2);
}

void fields_put_ranges(struct buf *b, const struct number_range *ranges, uint32_t count)
{
    mp_put_array(b, (size_t)count * 2);
    for (uint32_t i = 0; i < count; i++) {
        mp_put_uint(b, ranges[i].first);
        mp_put_uint(b, ranges[i].count);
    }
}

enum err fields_done(const struct mp *m, const char *what)
{
    if (mp_done(m))
        return OK;
    return err_set(ERR_MALFORMED, "%s: its fields do not follow the format (protocol/SPEC.md, sections 5 to 8)", what);
}
