/* Invitations.  First byte even: the rest is the text; odd: the rest is the array inside, which is put into a text
 * with the right check here. */
#include "protocol/invitation.h"

#include <sodium.h>
#include <stdlib.h>

static void put_text(struct buf *text, struct bytes array)
{
    uint8_t sum[DIGEST_BYTES];
    char check[17], line[77];

    buf_put_str(text, "svodka invitation 1\n\n");
    for (size_t at = 0; at < array.len; at += 57) {
        size_t len = array.len - at < 57 ? array.len - at : 57;

        buf_put_str(text, sodium_bin2base64(line, sizeof(line), array.p + at, len, sodium_base64_VARIANT_ORIGINAL));
        buf_put_str(text, "\n");
    }
    digest_domain(sum, "svodka invitation v1", array);
    buf_printf(text, "svodka end %s\n", sodium_bin2hex(check, sizeof(check), sum, 8));
}

/* What is read can be written and read again. */
static void read_it(struct bytes text, int depth)
{
    static struct invitation i;
    struct buf keep, again;

    buf_init(&keep, INVITATION_MAX);
    buf_init(&again, INVITATION_MAX);
    if (invitation_read(&i, &keep, text) == OK && depth == 0) {
        if (invitation_write(&again, &i, "hub", "school") != OK)
            abort();
        read_it(bytes_of(again.data, again.len), 1);
    }
    buf_fini(&keep);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    struct buf text;

    if (size == 0 || (!started && keys_start() != OK))
        return 0;
    started = 1;
    if (data[0] % 2 == 0) {
        read_it(bytes_of(data + 1, size - 1), 0);
        return 0;
    }
    buf_init(&text, INVITATION_MAX);
    put_text(&text, bytes_of(data + 1, size - 1));
    read_it(bytes_of(text.data, text.len), 0);
    buf_fini(&text);
    return 0;
}
