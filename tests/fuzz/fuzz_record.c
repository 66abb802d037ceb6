/* Records from outside: whatever is accepted must be written as the same bytes again. */
#include "protocol/record.h"

#include "tests/unit/record_fixture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record_space *space;
    struct form form = fixture_form();
    struct record head;
    struct record r;
    struct buf out;

    if (space == NULL && record_space_new(&space) != OK)
        abort();
    if (record_decode(&r, space, (struct bytes){data, size}, &form) == OK) {
        buf_init(&out, RECORD_MAX);
        if (record_decode_head(&head, (struct bytes){data, size}) != OK || head.value_count != r.value_count ||
            record_encode(&out, &r, &form) != OK || out.len != size || memcmp(out.data, data, size) != 0)
            abort();
        buf_fini(&out);
    }
    (void)record_decode_head(&head, (struct bytes){data, size});
    return 0;
}
