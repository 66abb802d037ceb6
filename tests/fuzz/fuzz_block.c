/* Blocks from outside: what unfolds must be canonical records that fold and unfold to the same bytes. */
#include "protocol/block.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROWS  300u
#define MAX_PLAIN (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct unfolded {
    struct buf bytes, ends, numbers;
    uint32_t count;
};

static void unfolded_init(struct unfolded *u)
{
    buf_init(&u->bytes, MAX_PLAIN + BLOCK_MAX_ROW + 1);
    buf_init(&u->ends, MAX_ROWS * 4);
    buf_init(&u->numbers, MAX_ROWS * 8);
    u->count = 0;
}

static void unfolded_fini(struct unfolded *u)
{
    buf_fini(&u->bytes);
    buf_fini(&u->ends);
    buf_fini(&u->numbers);
}

static enum err unfold(struct unfolded *u, struct bytes block)
{
    struct block_rows rows = {&u->bytes, &u->ends, &u->numbers};
    struct rd in = rd_of(block.p, block.len);

    unfolded_init(u);
    return block_decode(&in, &rows, MAX_ROWS, MAX_PLAIN, &u->count);
}

static void fold(const struct unfolded *u, struct buf *out)
{
    struct block_maker *m;
    size_t measured;
    uint32_t start = 0;

    if (block_maker_new(&m) != OK)
        abort();
    for (uint32_t i = 0; i < u->count; i++) {
        uint32_t end;
        uint64_t number;

        memcpy(&end, u->ends.data + i * sizeof(end), sizeof(end));
        memcpy(&number, u->numbers.data + i * sizeof(number), sizeof(number));
        if (block_maker_add(m, number, (struct bytes){u->bytes.data + start, end - start}) != OK)
            abort();
        start = end;
    }
    if (block_maker_measure(m, u->count, &measured) != OK || block_maker_encode(m, u->count, out) != OK ||
        measured != out->len)
        abort();
    block_maker_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unfolded first;
    struct unfolded second;
    struct buf folded;

    if (unfold(&first, (struct bytes){data, size}) == OK) {
        buf_init(&folded, 64u << 20);
        fold(&first, &folded);
        if (unfold(&second, (struct bytes){folded.data, folded.len}) != OK || second.count != first.count ||
            second.bytes.len != first.bytes.len || memcmp(first.bytes.data, second.bytes.data, first.bytes.len) != 0 ||
            memcmp(first.numbers.data, second.numbers.data, first.numbers.len) != 0)
            abort();
        unfolded_fini(&second);
        buf_fini(&folded);
    }
    unfolded_fini(&first);
    return 0;
}
