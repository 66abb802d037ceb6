/* What the hub signs and keeps beside its journal, and reads again after years, or out of a backup: first byte which of
 * them.  a: an act of erasure.  s: the head of a snapshot; l: its lines.  p: the head of a publication (its length as
 * u16 first), then the rest of its row; b: what lies beside it; m: its memory; r: its rows.  What is signed is signed
 * here, and digests are put right, so that the fuzzer gets past them. */
#include "hub/act.h"
#include "hub/key_ring.h"
#include "hub/publish_internal.h"
#include "hub/publish_store.h"
#include "hub/snapshot.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (1u << 20)

static struct hub *hub;

static void start(void)
{
    uint8_t seed[32];

    memset(seed, 'h', sizeof(seed));
    if (hub != NULL)
        return;
    if (keys_start() != OK || (hub = calloc(1, sizeof(*hub))) == NULL ||
        (hub->ring = calloc(1, sizeof(*hub->ring))) == NULL || key_from_seed(&hub->sign, KEY_SIGN, seed) != OK)
        abort();
}

static void sign(struct buf *out, enum signed_type type, struct bytes payload)
{
    if (signed_make(out, type, payload, hub->sign) != OK)
        buf_reset(out);
}

/* ---- acts, snapshots ---- */

/* What opens can be made again, and says the same then. */
static void act(struct bytes payload, struct buf *object, struct buf *again)
{
    static struct act a, b;

    sign(object, SIGNED_ACT, payload);
    if (act_open(&a, bytes_of(object->data, object->len), hub) != OK)
        return;
    if (act_make(again, &a, hub) != OK || act_open(&b, bytes_of(again->data, again->len), hub) != OK ||
        b.number != a.number || b.form_count != a.form_count || b.copy_count != a.copy_count ||
        strcmp(a.order, b.order) != 0)
        abort();
}

static void snapshot_head(struct bytes payload, struct buf *object)
{
    struct snapshot_head h;

    sign(object, SIGNED_SNAPSHOT, payload);
    if (snapshot_head_open(&h, bytes_of(object->data, object->len), hub) == OK && h.period[0] == '\0')
        abort();
}

static enum err add_line(void *ctx, const struct snapshot_line *l)
{
    return snapshot_add(ctx, l);
}

/* Lines that are read are written as they were. */
static void snapshot_lines(struct bytes in, struct buf *object, struct buf *again)
{
    struct snapshot_head h = {.length = in.len};
    struct snapshot_head made = {.length = 0};
    struct snapshot_writer w;
    struct mp m = mp_of(in);

    h.lines = mp_array(&m, 0, SIZE_MAX);
    digest(h.digest, in);
    snapshot_writer_init(&w);
    if (snapshot_read(&h, in, add_line, &w) == OK &&
        (snapshot_seal(&w, &made, hub, again, object) != OK || w.count != h.lines ||
         snapshot_read(&made, bytes_of(again->data, again->len), add_line, &w) != OK))
        abort();
    snapshot_writer_fini(&w);
}

/* ---- publications ---- */

static void publication_row(struct bytes in, struct buf *object, struct buf *value)
{
    struct rd r = rd_of(in.p, in.len);
    uint16_t len = rd_u16(&r);
    const uint8_t *head = rd_bytes(&r, len);
    struct publication_row row;
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    size_t left = rd_left(&r);

    if (head == NULL)
        return;
    sign(object, SIGNED_PUBLICATION, bytes_of(head, len));
    mp_put_array(value, 11);
    mp_put_int(value, 1);
    mp_put_bin(value, object->data, object->len);
    buf_put(value, rd_bytes(&r, left), left);
    if (publication_row_get(&row, bytes_of(key, sizeof(key)), bytes_of(value->data, value->len), hub) == OK &&
        (row.id != 1 || row.head.programme[0] == '\0' || row.object.len != object->len))
        abort();
}

static void publication_body(struct bytes in)
{
    struct publication_row row;
    struct publication_tables t;
    struct mp m = mp_of(in);

    memset(&row, 0, sizeof(row));
    digest(row.body, in);
    (void)mp_array(&m, 4, 4);
    (void)mp_bin(&m, PUBLICATION_BODY_MAX);
    digest(row.head.csv, mp_bin(&m, PUBLICATION_BODY_MAX));
    digest(row.head.json, mp_bin(&m, PUBLICATION_BODY_MAX));
    publication_tables_init(&t);
    if (publication_body_open(&t, &row, in) == OK && t.rows.len + t.csv.len + t.json.len + t.memory.len >= in.len)
        abort();
    publication_tables_fini(&t);
}

static void memory(struct bytes in)
{
    struct publication *p = calloc(1, sizeof(*p));
    struct publication_memory m = {.name = "quality 2020", .bytes = in};

    if (p == NULL)
        abort();
    if (memory_read(p, &m) == OK)
        for (uint32_t i = 0; i < p->g.kept_count; i++)
            if (p->g.kept[i].sum.first + p->g.kept[i].sum.count > p->g.term_count)
                abort();
    publication_free(p);
}

static enum err see_row(void *ctx, const char *const cells[PUBLICATION_COLUMNS])
{
    size_t *bytes = ctx;

    for (size_t k = 0; k < PUBLICATION_COLUMNS; k++)
        *bytes += strlen(cells[k]);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data + 1, size > 0 ? size - 1 : 0);
    struct buf one, two;
    size_t seen = 0;

    if (size == 0 || size > BYTES_MAX)
        return 0;
    start();
    buf_init(&one, (size_t)4 * BYTES_MAX);
    buf_init(&two, (size_t)4 * BYTES_MAX);
    switch (data[0]) {
    case 'a': act(in, &one, &two); break;
    case 's': snapshot_head(in, &one); break;
    case 'l': snapshot_lines(in, &one, &two); break;
    case 'p': publication_row(in, &one, &two); break;
    case 'b': publication_body(in); break;
    case 'm': memory(in); break;
    case 'r':
        if (publication_rows_each(in, see_row, &seen) == OK && seen > in.len)
            abort();
        break;
    default: break;
    }
    buf_fini(&two);
    buf_fini(&one);
    return 0;
}
