/* fuzz_utf8.c: normal forms stay what they are, and whatever is put out is UTF-8. */
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(struct buf *once, struct buf *twice, enum err (*put)(struct buf *, const void *, size_t),
                  const uint8_t *data, size_t size)
{
    buf_reset(once);
    buf_reset(twice);
    if (put(once, data, size) != OK) {
        must(once->len == 0);
        return;
    }
    must(utf8_is_valid(once->data, once->len) && utf8_is_nfc(once->data, once->len));
    must(put(twice, once->data, once->len) == OK && twice->len == once->len);
    must(once->len == 0 || memcmp(once->data, twice->data, once->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once;
    struct buf twice;
    char *text;

    buf_init(&once, 1u << 20);
    buf_init(&twice, 1u << 20);
    if (size > 4096)
        return 0;
    check(&once, &twice, utf8_put_nfc, data, size);
    must((utf8_put_nfc(&twice, data, size) == OK) == utf8_is_valid(data, size));
    check(&once, &twice, utf8_put_folded, data, size);
    buf_reset(&once);
    if (utf8_put_cp1251(&once, data, size) == OK)
        must(utf8_is_valid(once.data, once.len) && utf8_is_nfc(once.data, once.len) &&
             utf8_count(once.data, once.len) == size);
    if ((text = malloc(size + 1)) != NULL) {
        memcpy(text, data, size);
        text[size] = '\0';
        must(utf8_width(text) <= 2 * size);
    }
    free(text);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
