#include "protocol/batch.h"

#include "protocol/batch_internal.h"
#include "protocol/block.h"
#include "protocol/fields.h"
#include "protocol/keys_internal.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define MAX_BLOCKS 128u /* forms and lengths of records in one batch; one more begins the next batch */

/* zstd: level 3 with a window of 128 KiB and tables of 64 KiB: packing takes 1.0 MiB instead of 3.5, and the columns of
 * a class register come out smaller, because fewer chance matches are taken for real ones. */
#define ZSTD_LEVEL      3
#define ZSTD_WINDOW_LOG 17
#define ZSTD_HASH_LOG   14
#define ZSTD_CHAIN_LOG  14
/* A column at least this long gets a zstd block of its own, and with it an entropy table that fits it. */
#define FLUSH_FROM 1024u

/* Most bytes of a header's fields beside ranges and sections, and of a section beside its class's name. */
#define FIXED_HEADER   256u
#define SECTION_HEADER 20u
/* Bytes in memory from which on a batch tells how well the next one will pack. */
#define LEARN_FROM (64u << 10)

struct block {
    struct block_maker *maker;
    uint32_t section;
    uint32_t elements; /* of each record */
    uint8_t form[DIGEST_BYTES];
    uint32_t take; /* records that go into the batch being sealed */
};

struct batch_maker {
    struct batch_limits limits;
    struct block blocks[MAX_BLOCKS]; /* those past block_count keep an empty maker, or NULL */
    uint32_t block_count;
    struct batch_section sections[BATCH_MAX_SECTIONS]; /* retention only; lengths while sealing */
    uint32_t section_count;
    struct number_range ranges[BATCH_MAX_RANGES]; /* records' from below, voids' from above */
    uint32_t range_count, void_count;
    uint64_t last; /* greatest number used, void or not */
    uint32_t count;
    size_t unpacked;           /* canonical bytes of all records */
    size_t packed_of, held_of; /* of an earlier batch: how well it packed; 0: not known */
    struct buf part;           /* one column */
    uint8_t *packed;           /* max_sealed bytes: all sections, compressed */
    size_t packed_touched;     /* none at or past it was ever written */
    ZSTD_CCtx *zstd;
};

static size_t limit_of(size_t asked, size_t most)
{
    return asked == 0 || asked > most ? most : asked;
}

enum err batch_maker_new(struct batch_maker **out, const struct batch_limits *l)
{
    struct batch_maker *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return err_set(ERR_NOMEM, "no memory to make batches");
    m->limits.max_sealed = limit_of(l == NULL ? 0 : l->max_sealed, BATCH_MAX_SEALED);
    m->limits.max_plain = limit_of(l == NULL ? 0 : l->max_plain, BATCH_MAX_PLAIN);
    m->limits.max_records = limit_of(l == NULL ? 0 : l->max_records, BATCH_MAX_RECORDS);
    buf_init_secret(&m->part, BATCH_MAX_UNPACKED);
    m->packed = malloc(m->limits.max_sealed);
    m->zstd = ZSTD_createCCtx();
    if (m->packed == NULL || m->zstd == NULL) {
        batch_maker_free(m);
        return err_set(ERR_NOMEM, "no memory to make batches");
    }
    *out = m;
    return OK;
}

void batch_maker_free(struct batch_maker *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < MAX_BLOCKS; i++)
        block_maker_free(m->blocks[i].maker);
    buf_wipe(&m->part);
    if (m->packed != NULL)
        wipe(m->packed, m->packed_touched);
    free(m->packed);
    ZSTD_freeCCtx(m->zstd);
    free(m);
}

void batch_maker_reset(struct batch_maker *m)
{
    for (uint32_t i = 0; i < m->block_count; i++)
        block_maker_reset(m->blocks[i].maker);
    m->block_count = m->section_count = 0;
    m->range_count = m->void_count = m->count = 0;
    m->last = 0;
    m->unpacked = 0;
}

uint32_t batch_maker_count(const struct batch_maker *m)
{
    return m->count;
}

uint64_t batch_maker_last_number(const struct batch_maker *m)
{
    return m->range_count == 0 ? 0 : m->ranges[m->range_count - 1].first + m->ranges[m->range_count - 1].count - 1;
}

/* ---- adding ---- */

static size_t held(const struct batch_maker *m)
{
    size_t sum = 0;

    for (uint32_t i = 0; i < m->block_count; i++)
        sum += block_maker_plain_len(m->blocks[i].maker);
    return sum;
}

static enum err full(void)
{
    return err_set(ERR_FULL, "the batch is full");
}

static bool has_room(const struct batch_maker *m, size_t len)
{
    size_t plain = held(m) + len;

    if (m->count == 0)
        return true;
    if (m->count >= m->limits.max_records || plain > m->limits.max_plain || m->unpacked + len > BATCH_MAX_UNPACKED)
        return false;
    return m->held_of == 0 || (uint64_t)plain * m->packed_of / m->held_of < m->limits.max_sealed / 1024 * 1004;
}

static enum err find_section(struct batch_maker *m, const char *retention, uint32_t *index)
{
    for (*index = 0; *index < m->section_count; ++*index)
        if (strcmp(m->sections[*index].retention, retention) == 0)
            return OK;
    if (!retention_is_valid(retention))
        return err_set(ERR_INVALID, "\"%.80s\" is not the name of a retention class", retention);
    return m->section_count == BATCH_MAX_SECTIONS ? full() : OK;
}

/* Blocks are told apart by the form's digest and the number of elements. */
static enum err find_block(struct batch_maker *m, uint32_t section, struct bytes record, uint32_t *index)
{
    struct mp in = mp_of(record);
    uint32_t elements = (uint32_t)mp_array(&in, RECORD_HEAD, BLOCK_MAX_COLUMNS);
    uint8_t form[DIGEST_BYTES];
    struct block *b;
    enum err e;

    (void)mp_uint(&in, UINT64_MAX);
    mp_bin_exact(&in, form, sizeof(form));
    if (in.failed)
        return err_set(ERR_MALFORMED, "this is not a record: it does not begin with a version and a form's digest");
    for (*index = 0; *index < m->block_count; ++*index) {
        b = &m->blocks[*index];
        if (b->section == section && b->elements == elements && memcmp(b->form, form, sizeof(form)) == 0)
            return OK;
    }
    if (*index == MAX_BLOCKS)
        return full();
    b = &m->blocks[*index];
    if (b->maker == NULL && (e = block_maker_new(&b->maker)) != OK)
        return e;
    b->section = section;
    b->elements = elements;
    memcpy(b->form, form, sizeof(form));
    return OK;
}

static enum err check_number(const struct batch_maker *m, uint64_t first, uint64_t count)
{
    if (first <= m->last || count == 0 || first > INT64_MAX || count - 1 > INT64_MAX - first)
        return err_set(ERR_INVALID, "number %llu does not follow %llu in a batch", (unsigned long long)first,
                       (unsigned long long)m->last);
    return OK;
}

/* Voids lie at the end of the array, the first one last. */
static struct number_range *void_at(struct batch_maker *m, uint32_t i)
{
    return &m->ranges[BATCH_MAX_RANGES - 1 - i];
}

static bool range_follows(const struct number_range *r, uint64_t first)
{
    return r->first + r->count == first;
}

enum err batch_maker_add(struct batch_maker *m, uint64_t number, const char *retention, struct bytes record)
{
    struct number_range *r = m->range_count == 0 ? NULL : &m->ranges[m->range_count - 1];
    bool is_next = r != NULL && range_follows(r, number);
    uint32_t section = 0;
    uint32_t block = 0;
    enum err e = check_number(m, number, 1);

    if (e != OK)
        return e;
    if (record.len > RECORD_MAX)
        return err_set(ERR_LIMIT, "a record of %zu bytes; at most %u are allowed", record.len, RECORD_MAX);
    if (!has_room(m, record.len) || (!is_next && m->range_count + m->void_count == BATCH_MAX_RANGES))
        return full();
    if ((e = find_section(m, retention, &section)) != OK || (e = find_block(m, section, record, &block)) != OK ||
        (e = block_maker_add(m->blocks[block].maker, number, record)) != OK)
        return e;
    if (section == m->section_count) {
        memset(&m->sections[section], 0, sizeof(m->sections[section]));
        memcpy(m->sections[section].retention, retention, strlen(retention) + 1);
        m->section_count++;
    }
    if (block == m->block_count)
        m->block_count++;
    if (is_next)
        r->count++;
    else
        m->ranges[m->range_count++] = (struct number_range){number, 1};
    m->last = number;
    m->count++;
    m->unpacked += record.len;
    return OK;
}

enum err batch_maker_void(struct batch_maker *m, uint64_t first, uint64_t count)
{
    enum err e = check_number(m, first, count);

    if (e != OK)
        return e;
    if (m->void_count > 0 && range_follows(void_at(m, m->void_count - 1), first)) {
        void_at(m, m->void_count - 1)->count += count;
    } else {
        if (m->range_count + m->void_count == BATCH_MAX_RANGES)
            return full();
        *void_at(m, m->void_count++) = (struct number_range){first, count};
    }
    m->last = first + (count - 1);
    return OK;
}

/* ---- packing ---- */

/* The first `take` records as they pack. */
struct packing {
    uint32_t take;
    uint64_t last;            /* number of the last record taken; all taken: UINT64_MAX */
    struct batch_header head; /* its ranges are owned */
    size_t plain_len, packed_len;
    size_t room; /* for packed_len */
    bool fits;
};

static uint64_t number_at(const struct batch_maker *m, uint32_t index)
{
    for (uint32_t i = 0; i < m->range_count; i++) {
        if (index < m->ranges[i].count)
            return m->ranges[i].first + index;
        index -= (uint32_t)m->ranges[i].count;
    }
    return 0;
}

static enum err take_ranges(struct batch_maker *m, struct packing *p)
{
    struct batch_header *h = &p->head;
    uint64_t next = p->take == m->count ? UINT64_MAX : number_at(m, p->take);
    uint32_t left = p->take;

    h->ranges = malloc((m->range_count + m->void_count + 1) * sizeof(*h->ranges));
    if (h->ranges == NULL)
        return err_set(ERR_NOMEM, "no memory to seal a batch");
    for (uint32_t i = 0; left > 0; i++) {
        struct number_range r = m->ranges[i];

        r.count = r.count < left ? r.count : left;
        left -= (uint32_t)r.count;
        h->ranges[h->range_count++] = r;
    }
    for (uint32_t i = 0; i < m->void_count && void_at(m, i)->first < next; i++)
        h->ranges[h->range_count + h->void_count++] = *void_at(m, i);
    p->last = p->take == m->count ? UINT64_MAX : next - 1;
    return OK;
}

/* How much of each block and section goes, and how long it is before zstd. */
static enum err measure(struct batch_maker *m, struct packing *p)
{
    enum err e;

    for (uint32_t i = 0; i < m->section_count; i++)
        m->sections[i].records = m->sections[i].plain_len = m->sections[i].packed_len = 0;
    for (uint32_t i = 0; i < m->block_count; i++) {
        struct block *b = &m->blocks[i];
        struct batch_section *s = &m->sections[b->section];
        size_t len = 0;

        b->take = block_maker_count_to(b->maker, p->last);
        if (b->take == 0)
            continue;
        if ((e = block_maker_measure(b->maker, b->take, &len)) != OK)
            return e;
        s->records += b->take;
        s->plain_len += (uint32_t)len;
        p->plain_len += len;
    }
    return OK;
}

static enum err from_zstd(size_t code)
{
    if (!ZSTD_isError(code))
        return OK;
    return err_set(ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(code));
}

static enum err begin_frame(struct batch_maker *m, size_t plain_len)
{
    static const struct {
        ZSTD_cParameter name;
        int value;
    } parameters[] = {
        {ZSTD_c_compressionLevel, ZSTD_LEVEL}, {ZSTD_c_windowLog, ZSTD_WINDOW_LOG},
        {ZSTD_c_hashLog, ZSTD_HASH_LOG},       {ZSTD_c_chainLog, ZSTD_CHAIN_LOG},
        {ZSTD_c_contentSizeFlag, 1},           {ZSTD_c_checksumFlag, 0}}; /* the sealing is a better one */
    enum err e = from_zstd(ZSTD_CCtx_reset(m->zstd, ZSTD_reset_session_and_parameters));

    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]) && e == OK; i++)
        e = from_zstd(ZSTD_CCtx_setParameter(m->zstd, parameters[i].name, parameters[i].value));
    return e == OK ? from_zstd(ZSTD_CCtx_setPledgedSrcSize(m->zstd, plain_len)) : e;
}

/* A block is packed into the room itself, and given up where it does not become smaller: what zstd writes may end a
 * block's length behind what it counts. */
static void touch_packed(struct batch_maker *m, size_t pos)
{
    size_t end = pos + ZSTD_CStreamOutSize();

    if (end > m->limits.max_sealed)
        end = m->limits.max_sealed;
    if (m->packed_touched < end)
        m->packed_touched = end;
}

/* When the room ends, packing goes on over what it wrote, only to learn how much it is. */
static enum err compress(struct batch_maker *m, struct packing *p, ZSTD_outBuffer *out, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {m->part.data, m->part.len, 0};
    enum err e;
    size_t left;

    do {
        size_t before = out->pos;

        left = ZSTD_compressStream2(m->zstd, out, &in, end);
        touch_packed(m, ZSTD_isError(left) ? out->size : out->pos);
        if ((e = from_zstd(left)) != OK)
            return e;
        p->packed_len += out->pos - before;
        if (out->pos == out->size)
            out->pos = 0;
    } while (in.pos < in.size || (end != ZSTD_e_continue && left > 0));
    p->fits = p->packed_len <= p->room;
    return OK;
}

static enum err pack_block(struct batch_maker *m, struct packing *p, const struct block *b, ZSTD_outBuffer *out)
{
    enum err e = OK;

    for (uint32_t part = 0; part < block_maker_parts(b->maker) && e == OK; part++) {
        buf_reset(&m->part);
        if ((e = block_maker_encode_part(b->maker, b->take, part, &m->part)) == OK)
            e = compress(m, p, out, m->part.len >= FLUSH_FROM ? ZSTD_e_flush : ZSTD_e_continue);
    }
    return e;
}

static enum err pack_section(struct batch_maker *m, struct packing *p, uint32_t section, ZSTD_outBuffer *out)
{
    struct batch_section *s = &m->sections[section];
    size_t before = p->packed_len;
    enum err e = begin_frame(m, s->plain_len);

    for (uint32_t i = 0; i < m->block_count && e == OK; i++)
        if (m->blocks[i].section == section && m->blocks[i].take > 0)
            e = pack_block(m, p, &m->blocks[i], out);
    buf_reset(&m->part);
    if (e == OK)
        e = compress(m, p, out, ZSTD_e_end);
    s->packed_len = (uint32_t)(p->packed_len - before);
    return e;
}

static enum err pack_sections(struct batch_maker *m, struct packing *p)
{
    ZSTD_outBuffer out = {m->packed, m->limits.max_sealed, 0};
    enum err e = OK;

    for (uint32_t i = 0; i < m->section_count && e == OK; i++) {
        if (m->sections[i].records == 0)
            continue;
        e = pack_section(m, p, i, &out);
        m->sections[i].sealed_len = (uint32_t)section_sealed_len(m->sections[i].packed_len);
        p->head.sections[p->head.section_count++] = m->sections[i];
    }
    return e;
}

/* Most bytes of a batch beside its packed records.  *header: those of them that stand in the header. */
static size_t overhead(struct batch_maker *m, const struct packing *p, size_t *header)
{
    size_t sections = m->section_count;
    size_t chunks = m->limits.max_sealed / BATCH_CHUNK + sections;

    buf_reset(&m->part);
    fields_put_ranges(&m->part, p->head.ranges, p->head.range_count);
    fields_put_ranges(&m->part, p->head.ranges + p->head.range_count, p->head.void_count);
    *header = FIXED_HEADER + m->part.len + sections * (RETENTION_MAX + SECTION_HEADER);
    return BATCH_FIXED_BYTES + *header + sections * STREAM_HEADER_BYTES + chunks * STREAM_CHUNK_EXTRA + SIGNATURE_BYTES;
}

/* How many to try next, after so many did not fit: in proportion, a little less, always fewer. */
static uint32_t fewer(const struct batch_maker *m, const struct packing *p)
{
    uint64_t share = 500;
    uint64_t take;

    if (p->packed_len > 0)
        share = (uint64_t)p->room * 985 / p->packed_len;
    else if (p->plain_len > 0)
        share = (uint64_t)m->limits.max_plain * 985 / p->plain_len;
    take = p->take * (share > 985 ? 985 : share) / 1000;
    return take < 1 ? 1 : (uint32_t)take;
}

/* Packs the first p->take records; p->fits tells whether they fit into a batch. */
static enum err pack(struct batch_maker *m, struct packing *p)
{
    size_t header;
    size_t extra;
    enum err e = take_ranges(m, p);

    if (e != OK)
        return e;
    extra = overhead(m, p, &header);
    if (extra >= m->limits.max_sealed || header > BATCH_MAX_HEADER)
        return OK;
    p->room = m->limits.max_sealed - extra;
    if ((e = measure(m, p)) != OK || (p->plain_len > m->limits.max_plain && p->take > 1))
        return e;
    p->fits = true;
    return pack_sections(m, p);
}

static enum err pack_most(struct batch_maker *m, struct packing *p)
{
    uint32_t take = m->count;

    for (;;) {
        enum err e;

        memset(p, 0, sizeof(*p));
        p->take = take;
        e = pack(m, p);
        if (e == OK && !p->fits && take <= 1)
            e = err_set(ERR_LIMIT, "not even one record fits into a batch of %zu bytes", m->limits.max_sealed);
        if (e == OK && p->fits)
            return OK;
        batch_header_fini(&p->head);
        if (e != OK)
            return e;
        take = fewer(m, p);
    }
}

/* ---- sealing ---- */

static enum err check_seal(const struct batch_seal *s)
{
    static const uint8_t zeros[DIGEST_BYTES];

    if (!id_is_valid(s->participant) || s->gen.counter == 0 || s->sequence == 0 || s->sequence > INT64_MAX ||
        key_kind(s->sign) != KEY_SIGN || (memcmp(s->previous, zeros, DIGEST_BYTES) == 0) != (s->sequence == 1))
        return err_set(ERR_INTERNAL, "a batch was to be sealed with a wrong participant, generation, sequence or key");
    return OK;
}

static void fill_head(struct batch_header *h, const struct batch_seal *s, const struct key *ephemeral)
{
    h->version = BATCH_VERSION;
    h->suite = SUITE_1;
    memcpy(h->district, s->district, sizeof(h->district));
    memcpy(h->participant, s->participant, strlen(s->participant) + 1);
    h->gen = s->gen;
    h->sequence = s->sequence;
    memcpy(h->previous, s->previous, DIGEST_BYTES);
    memcpy(h->sign_key, key_public(s->sign), KEY_BYTES);
    memcpy(h->seal_key, s->seal_to, KEY_BYTES);
    memcpy(h->ephemeral, key_public(ephemeral), KEY_BYTES);
    h->closed_ms = s->closed_ms; /* informative: a clock that is out of its mind must not make an unreadable batch */
    if (h->closed_ms < TIME_MIN_MS || h->closed_ms > TIME_MAX_MS)
        h->closed_ms = 0;
}

static enum err seal_sections(const struct batch_maker *m, const struct packing *p, const struct batch_seal *s,
                              const uint8_t shared[KEY_BYTES], size_t start, struct buf *out)
{
    const uint8_t *packed = m->packed;
    size_t clear_len = out->len - start;
    uint8_t key[KEY_BYTES];
    enum err e = OK;

    for (uint32_t i = 0; i < p->head.section_count && e == OK; i++) {
        size_t len = p->head.sections[i].packed_len;

        section_key(key, shared, i, (struct bytes){out->data + start, clear_len});
        e = section_seal(out, key,
                         s->stream_headers == NULL ? NULL : s->stream_headers + (size_t)i * STREAM_HEADER_BYTES,
                         (struct bytes){packed, len});
        packed += len;
    }
    wipe(key, sizeof(key));
    return e;
}

static enum err write_batch(const struct batch_maker *m, struct packing *p, const struct batch_seal *s,
                            const struct key *ephemeral, struct buf *out)
{
    size_t start = out->len;
    uint8_t shared[KEY_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    enum err e = key_shared(shared, ephemeral, s->seal_to);

    if (e != OK)
        return e;
    fill_head(&p->head, s, ephemeral);
    if ((e = batch_header_put(out, &p->head)) == OK)
        e = seal_sections(m, p, s, shared, start, out);
    if (e == OK)
        e = key_sign(s->sign, BATCH_DOMAIN, (struct bytes){out->data + start, out->len - start},
                     (struct bytes){NULL, 0}, signature);
    if (e == OK) {
        buf_put(out, signature, sizeof(signature));
        e = buf_status(out) == OK ? OK : err_set(buf_status(out), "no room for a sealed batch");
    }
    wipe(shared, sizeof(shared));
    if (e != OK)
        out->len = start;
    return e;
}

/* Small batches say little about large ones. */
static void learn(struct batch_maker *m, const struct packing *p)
{
    size_t plain = m->count == 0 ? 0 : (size_t)((uint64_t)held(m) * p->take / m->count);

    if (plain < LEARN_FROM)
        return;
    m->packed_of = p->packed_len;
    m->held_of = plain;
}

enum err batch_maker_seal(struct batch_maker *m, const struct batch_seal *s, struct buf *out, uint32_t *taken)
{
    const struct key *ephemeral = s->ephemeral;
    struct key *fresh = NULL;
    struct packing p;
    enum err e = check_seal(s);

    if (e != OK)
        return e;
    if (m->count == 0 && m->void_count == 0)
        return err_set(ERR_INTERNAL, "an empty batch was to be sealed");
    if (ephemeral == NULL) {
        if ((e = key_generate(&fresh, KEY_SEAL)) != OK)
            return e;
        ephemeral = fresh;
    }
    if ((e = pack_most(m, &p)) != OK)
        goto free_key;
    if ((e = write_batch(m, &p, s, ephemeral, out)) == OK) {
        *taken = p.take;
        learn(m, &p);
    }
    batch_header_fini(&p.head);
free_key:
    key_free(fresh);
    return e;
}
