#include "agent/queue_internal.h"

#include "common/cli.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Batches given up (SPEC.md 7.6): T_META "u" | counter u32 | tag 8 | first sequence u64 -> last sequence u64. */
#define GIVEN_KEY (1u + GEN_BYTES + 8u)

static void given_key(uint8_t out[GIVEN_KEY], const struct generation *g, uint64_t first)
{
    out[0] = 'u';
    gen_put(out + 1, g);
    be64_put(out + 1 + GEN_BYTES, first);
}

uint64_t queue_given_up(struct store_txn *t, const struct generation *g, uint64_t first)
{
    uint8_t key[GIVEN_KEY];
    struct bytes value;

    given_key(key, g, first);
    return store_get(t, T_META, bytes_of(key, sizeof(key)), &value) == OK && value.len == 8 ? be64_get(value.p) : 0;
}

/* ---- which ---- */

/* Rows from before do not name it; it stands in the batch's clear header. */
static enum err seal_key_of(const struct agent *a, const struct batch_state *b, uint8_t out[KEY_BYTES])
{
    static const uint8_t unknown[KEY_BYTES];
    struct batch_header *h;
    struct buf bytes;
    enum err e;

    memcpy(out, b->seal_key, KEY_BYTES);
    if (memcmp(out, unknown, KEY_BYTES) != 0)
        return OK;
    if ((h = calloc(1, sizeof(*h))) == NULL)
        return ERR_NOMEM;
    buf_init(&bytes, BATCH_MAX_SEALED);
    if ((e = queue_batch_bytes(a, b, 0, b->length, &bytes)) == OK &&
        (e = batch_parse(h, bytes_of(bytes.data, bytes.len))) == OK)
        memcpy(out, h->seal_key, KEY_BYTES);
    else if (e != ERR_NOMEM)
        e = ERR_CORRUPT;
    batch_header_fini(h);
    free(h);
    buf_fini(&bytes);
    return e;
}

static const struct directory_seal_key *find_key(const struct directory *d, const uint8_t key[KEY_BYTES])
{
    for (uint32_t i = 0; i < d->seal_key_count; i++)
        if (memcmp(d->seal_keys[i].key, key, KEY_BYTES) == 0)
            return &d->seal_keys[i];
    return NULL;
}

/* Refused because no key of the hub's opens it. */
static bool is_unreadable(const struct agent *a, struct bytes object)
{
    struct receipt r;
    bool is;

    if (receipt_open(&r, object, agent_hub_signer(a, object)) != OK)
        return false;
    is = r.state == RECEIPT_REFUSED && r.refusal_count > 0 && r.refusals[0].reason == QUARANTINE_UNREADABLE;
    receipt_fini(&r);
    return is;
}

/* Does what this batch holds have to be sealed to another key? */
static enum err is_closed_for_ever(const struct agent *a, const struct batch_state *b, struct bytes receipt,
                                   const uint8_t current[KEY_BYTES], bool *out)
{
    const struct directory_seal_key *k;
    uint8_t key[KEY_BYTES];
    enum err e;

    *out = false;
    if (b->life == BATCH_ARCHIVED || (e = seal_key_of(a, b, key)) == ERR_CORRUPT)
        return OK; /* a batch that is damaged here is another matter (6.7, SIGNATURE) */
    if (e != OK)
        return e;
    if (memcmp(key, current, KEY_BYTES) == 0)
        return OK; /* there is no other one yet */
    k = find_key(a->directory, key);
    *out = k == NULL ? b->life == BATCH_SEALED : k->state == SEAL_LOST;
    if (b->life == BATCH_REFUSED && is_unreadable(a, receipt))
        *out = true;
    return OK;
}

/* The first of the generation that has to be; ERR_NOT_FOUND: none. */
static enum err find_first(const struct agent *a, struct store_txn *t, const uint8_t current[KEY_BYTES],
                           struct batch_state *out)
{
    struct bytes receipt;
    bool is_it = false;
    enum err e;

    for (e = batch_row_at(t, &a->gen, 0, out, &receipt); e == OK;
         e = batch_row_at(t, &a->gen, out->sequence + 1, out, &receipt))
        if ((e = is_closed_for_ever(a, out, receipt, current, &is_it)) != OK || is_it)
            break;
    return e;
}

/* ---- giving up ---- */

static enum err tell(struct agent *a, struct store_txn *t, uint64_t records)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   _("The district has lost a key. %llu submissions are sealed and sent to it again, under the same "
                     "numbers; nothing is lost, and nothing is counted twice."),
                   (unsigned long long)records);
    return agent_tell_in(a, t, text);
}

/* From the first one on all go, so that numbers keep rising with sequences: the records wait again.  Sequence and head
 * stay, because no sequence is ever used twice. */
static enum err give_up(struct agent *a, struct store_txn *t, const struct batch_state *first, uint64_t *records)
{
    struct batch_state b = *first;
    struct gen_row row;
    uint8_t key[GIVEN_KEY];
    uint8_t last[8];
    enum err e = gen_row_get(t, &a->gen, &row);

    for (; e == OK; e = batch_row_at(t, &a->gen, b.sequence + 1, &b, NULL)) {
        *records += b.records;
        if ((e = batch_delete(t, &b)) != OK)
            return e;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    row.sealed = first->first_number - 1;
    given_key(key, &a->gen, first->sequence);
    be64_put(last, row.sequence);
    if ((e = gen_row_put(t, &row)) != OK ||
        (e = store_put(t, T_META, bytes_of(key, sizeof(key)), bytes_of(last, sizeof(last)))) != OK)
        return e;
    return tell(a, t, *records);
}

enum err queue_reseal(struct agent *a, uint64_t *records)
{
    uint8_t current[KEY_BYTES];
    struct batch_state first;
    struct store_txn *t = NULL;
    enum err e;

    *records = 0;
    if (directory_current_seal_key(a->directory, current) != OK)
        return OK; /* what there is waits for one */
    if ((e = store_begin_read(a->store, &t)) != OK)
        return e;
    if ((e = agent_read_generation(a, t)) == OK)
        e = find_first(a, t, current, &first);
    store_abort(t);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = store_begin_write(a->store, &t)) != OK)
        return e;
    store_use_reserve(t);
    if ((e = give_up(a, t, &first, records)) != OK) {
        store_abort(t);
        return e;
    }
    log_notice(
        "queue: batches from %llu on are given up: the hub has lost their key; %llu submissions are sealed again",
        (unsigned long long)first.sequence, (unsigned long long)*records);
    return store_commit(t);
}
