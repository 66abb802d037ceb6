/* Receipt files: the armour with a good check is put round the fuzzer's array, so that it gets to the certificates,
 * receipts and paths; the whole text is tried as it is, too. */
#include "protocol/armour.h"
#include "protocol/proof.h"

#include <stdlib.h>
#include <string.h>

static const struct armour kind = {
    .name = "receipt", .domain = "svodka receipt file v1", .wrong = "no receipt", .max = PROOF_TEXT_MAX};

static enum err each(void *ctx, const struct receipt *r, const struct proof_record *at)
{
    unsigned *told = ctx;

    if (r->participant[0] == '\0' || at->index >= at->count || at->path_len > RECORD_TREE_PATH_MAX)
        abort();
    (*told)++;
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char root[] = "MS8V-DKMF-D2QZ-SHVM-M43W-A8EV-X08B-7JG5"; /* of the seed 01 x 32 (SPEC.md 5.10) */
    static int started;
    struct buf text;
    unsigned told = 0;

    if (!started && keys_start() != OK)
        return 0;
    started = 1;
    buf_init(&text, PROOF_TEXT_MAX);
    if (proof_check(bytes_of(data, size), root, each, &told) != OK && told > 0)
        abort(); /* nothing of a file that is not believed is told */
    told = 0;
    if (armour_write(&text, &kind, bytes_of("", 0), bytes_of(data, size)) == OK &&
        proof_check(bytes_of(text.data, text.len), root, each, &told) != OK && told > 0)
        abort();
    buf_fini(&text);
    return 0;
}
