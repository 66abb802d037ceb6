/* What is kept of erased submissions, what is left of a section, what lies beside an act, the extract of an act that is
 * to be done again, and a stored batch: first byte which of them.  What is taken gives the same bytes again. */
#include "hub/act.h"
#include "hub/erase_again.h"
#include "hub/ledger_stored.h"

#include <stdlib.h>
#include <string.h>

static void list(struct bytes in)
{
    struct erased_list l = {NULL, NULL, 0, 0};
    struct erased_list merged = {NULL, NULL, 0, 0};
    struct buf again;

    if (erased_get(&l, in) != OK)
        return;
    buf_init(&again, (4u << 20));
    erased_put(&again, &l);
    if (again.len != in.len || memcmp(again.data, in.p, in.len) != 0)
        abort();
    buf_reset(&again);
    for (uint32_t i = 0; i < l.record_count; i++) {
        if (erased_find(&l, l.records[i].number) != &l.records[i])
            abort();
        erased_vouch(&again, &l, &l.records[i]);
    }
    if (erased_merge(&merged, &l) != OK || merged.record_count != l.record_count)
        abort();
    erased_fini(&merged);
    erased_fini(&l);
    buf_fini(&again);
}

static enum err add(void *ctx, uint64_t number, struct bytes record)
{
    uint64_t *last = ctx;

    if (number <= *last || record.len == 0)
        abort();
    *last = number;
    return OK;
}

static enum err touched(void *ctx, const struct act_touched *s)
{
    (void)ctx;
    if (s->section >= BATCH_MAX_SECTIONS)
        abort();
    return OK;
}

static enum err cell(void *ctx, struct bytes key, const struct cell *c)
{
    struct cell_at at;

    (void)ctx;
    (void)c;
    if (cell_key_read(&at, key) != OK)
        abort();
    return OK;
}

static uint32_t index_of(const void *ctx, const char *id)
{
    (void)ctx;
    return id[0] == 's' ? (uint8_t)id[1] : UINT32_MAX;
}

static void extract(struct bytes in)
{
    struct erase_again a;

    memset(&a, 0, sizeof(a));
    if (erase_refs_read(&a, in, index_of, NULL) != OK) {
        if (a.refs != NULL || a.count != 0)
            abort();
        return;
    }
    for (size_t i = 0; i < a.count; i++)
        if (a.refs[i].number == 0 || a.refs[i].counter == 0 || a.refs[i].participant == UINT32_MAX ||
            (i > 0 && erase_ref_compare(&a.refs[i - 1], &a.refs[i]) > 0))
            abort();
    if (a.count > ERASE_REFS_MAX)
        abort();
    free(a.refs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data + 1, size > 0 ? size - 1 : 0);
    struct stored_batch s;
    uint64_t last = 0;

    if (size == 0)
        return 0;
    if (data[0] == 'l')
        list(in);
    else if (data[0] == 'r')
        (void)!residue_each(in, add, &last);
    else if (data[0] == 'a')
        (void)!act_beside_each(in, touched, cell, NULL);
    else if (data[0] == 'e')
        extract(in);
    else if (data[0] == 's' && stored_parse(&s, in) == OK)
        stored_fini(&s);
    return 0;
}
