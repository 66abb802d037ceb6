/* A sheet's line, as it is typed or read by a camera: what is read can be written, and is then read as the same.  And a
 * code that was read out over the telephone. */
#include "protocol/phone_code.h"
#include "protocol/ticket.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ticket t, again;
    struct phone_code heard;
    struct buf line;
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (phone_code_read(&heard, text) == OK && (heard.count == 0 || heard.count > PHONE_COUNT_MAX))
        abort();
    if (ticket_read(&t, text) == OK) {
        buf_init(&line, TICKET_MAX + 1);
        /* It may become longer than a line may be: what was a sign is three letters then. */
        if (ticket_write(&line, &t) == OK &&
            (ticket_read(&again, buf_cstr(&line)) != OK || memcmp(&again, &t, sizeof(t)) != 0))
            abort();
        buf_fini(&line);
    }
    free(text);
    return 0;
}
