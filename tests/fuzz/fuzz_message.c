/* Frames of a meeting.  What decodes must encode again, and mean the same. */
#include "protocol/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message m;
    struct buf first, second;

    if (message_decode(&m, bytes_of(data, size)) != OK)
        return 0;
    buf_init(&first, MESSAGE_MAX_DOWN);
    buf_init(&second, MESSAGE_MAX_DOWN);
    if (message_encode(&first, &m) != OK || message_decode(&m, bytes_of(first.data, first.len)) != OK ||
        message_encode(&second, &m) != OK)
        abort();
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
        abort();
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
