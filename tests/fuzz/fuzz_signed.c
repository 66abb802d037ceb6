/* Payloads of signed objects: first byte the type, the rest is signed here, so that the fuzzer gets past the
 * signature.  The root's and the hub's key come from constant seeds; so do those in the corpus. */
#include "protocol/directory.h"
#include "protocol/figures.h"
#include "protocol/history.h"
#include "protocol/notice.h"
#include "protocol/receipt.h"

#include <stdlib.h>
#include <string.h>

static struct key *root, *hub, *own;

static struct key *key_of(uint8_t letter)
{
    uint8_t seed[32];
    struct key *k;

    memset(seed, letter, sizeof(seed));
    if (key_from_seed(&k, KEY_SIGN, seed) != OK)
        abort();
    return k;
}

static void start(void)
{
    if (root != NULL)
        return;
    if (keys_start() != OK)
        abort();
    root = key_of('r');
    hub = key_of('h');
    if (key_generate(&own, KEY_SEAL) != OK)
        abort();
}

static void open_directory(struct bytes object)
{
    static struct directory d;
    uint8_t key[KEY_BYTES];

    if (directory_open(&d, object, key_public(root)) != OK)
        return;
    if (directory_current_seal_key(&d, key) == OK && d.seal_key_count == 0)
        abort();
    if (d.object_count > 0 && directory_find_object(&d, d.objects[d.object_count - 1].digest) == NULL)
        abort();
}

/* What opens can be made again. */
static void open_grant(struct bytes object, struct buf *again)
{
    static struct grant g;

    if (grant_open(&g, object, key_public(hub)) == OK && grant_make(again, &g, hub) != OK)
        abort();
}

static void open_receipt(struct bytes object, struct buf *again)
{
    struct receipt r;

    if (receipt_open(&r, object, key_public(hub)) == OK && receipt_make(again, &r, hub) != OK)
        abort();
    receipt_fini(&r);
}

static void open_reconcile(struct bytes object, struct buf *again)
{
    struct reconcile r;

    if (reconcile_open(&r, object, key_public(hub)) == OK && reconcile_make(again, &r, hub) != OK)
        abort();
    reconcile_fini(&r);
}

static void open_notice(struct bytes object, struct buf *again)
{
    struct notice n;
    struct word_head h;
    enum signed_type type;

    if (notice_open(&n, object, key_public(hub)) == OK &&
        (notice_make(again, &n, hub) != OK || word_open_head(&h, &type, object, key_public(hub)) != OK ||
         h.serial != n.head.serial))
        abort();
    notice_fini(&n);
}

/* Its batch comes from outside, too; the keys inside do not open, as the fuzzer cannot seal. */
static void open_history(struct bytes object)
{
    struct history h;
    struct word_head head;
    enum signed_type type;

    if (history_open(&h, object, key_public(hub), own) == OK &&
        (word_open_head(&head, &type, object, key_public(hub)) != OK || head.serial != h.head.serial ||
         h.section_count > BATCH_MAX_SECTIONS))
        abort();
    history_fini(&h);
}

/* Here the bytes are what is sealed, too: what is read can be written again, and reads alike. */
static void open_figures(struct bytes payload, struct bytes object, struct buf *again)
{
    struct figures f;
    struct buf plain;

    buf_init(&plain, FIGURES_PLAIN_MAX);
    if (figures_open(&f, &plain, object, key_public(hub), own) == OK)
        abort(); /* nobody has sealed it */
    if (figures_read(&f, payload) == OK && figures_write(again, &f) != OK)
        abort();
    figures_fini(&f);
    buf_fini(&plain);
}

static void open_any(enum signed_type type, struct bytes payload, struct bytes object, struct buf *again)
{
    struct certificate c;

    switch (type) {
    case SIGNED_CERTIFICATE: (void)!certificate_open(&c, object, key_public(root)); break;
    case SIGNED_DIRECTORY: open_directory(object); break;
    case SIGNED_GRANT: open_grant(object, again); break;
    case SIGNED_RECEIPT: open_receipt(object, again); break;
    case SIGNED_RECONCILE: open_reconcile(object, again); break;
    case SIGNED_ENROL: break; /* fuzz_enrol */
    case SIGNED_SNAPSHOT:
    case SIGNED_CHECKPOINT: break;
    case SIGNED_HISTORY: open_history(object); break;
    case SIGNED_NOTICE: open_notice(object, again); break;
    case SIGNED_FIGURES: open_figures(payload, object, again); break;
    case SIGNED_PUBLICATION:
    case SIGNED_AUDIT:
    case SIGNED_ACT:
    case SIGNED_BACKUP: break; /* never come to an agent */
    case SIGNED_BUNDLE: break; /* fuzz_bundle */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf object, again;
    enum signed_type type;

    if (size == 0 || data[0] < SIGNED_CERTIFICATE ||
        (data[0] > SIGNED_RECONCILE && data[0] != SIGNED_NOTICE && data[0] != SIGNED_HISTORY &&
         data[0] != SIGNED_FIGURES))
        return 0;
    start();
    type = (enum signed_type)data[0];
    buf_init(&object, SIGNED_MAX);
    buf_init(&again, SIGNED_MAX);
    if (signed_make(&object, type, bytes_of(data + 1, size - 1), type == SIGNED_CERTIFICATE ? root : hub) == OK)
        open_any(type, bytes_of(data + 1, size - 1), bytes_of(object.data, object.len), &again);
    buf_fini(&object);
    buf_fini(&again);
    return 0;
}
