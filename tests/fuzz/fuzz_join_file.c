/* Files of joining without a line.  First byte modulo 4: 0, 1: the rest is the text of a request or an answer; 2, 3: it
 * is the array inside, which is put into a text with the right check here. */
#include "protocol/armour.h"
#include "protocol/join_file.h"

#include <stdlib.h>
#include <string.h>

static void read_request(struct bytes text)
{
    struct join_request r, twice;
    struct buf keep, again, keep_again;

    buf_init(&keep, JOIN_REQUEST_MAX);
    buf_init(&keep_again, JOIN_REQUEST_MAX);
    buf_init(&again, JOIN_REQUEST_MAX);
    if (join_request_read(&r, &keep, text) == OK) {
        if (join_request_write(&again, &r, "school", "hub") != OK ||
            join_request_read(&twice, &keep_again, bytes_of(again.data, again.len)) != OK ||
            strcmp(r.participant, twice.participant) != 0 || r.sealed.len != twice.sealed.len)
            abort();
    }
    buf_fini(&keep);
    buf_fini(&keep_again);
    buf_fini(&again);
}

static void read_answer(struct bytes text)
{
    struct join_grant g, twice;
    struct buf keep, again, keep_again;

    buf_init(&keep, JOIN_GRANT_MAX);
    buf_init(&keep_again, JOIN_GRANT_MAX);
    buf_init(&again, JOIN_GRANT_MAX);
    if (join_grant_read(&g, &keep, text) == OK) {
        if (join_grant_write(&again, &g, "school", "hub") != OK ||
            join_grant_read(&twice, &keep_again, bytes_of(again.data, again.len)) != OK ||
            g.directory.len != twice.directory.len || g.grant.len != twice.grant.len)
            abort();
    }
    buf_fini(&keep);
    buf_fini(&keep_again);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct armour kinds[2] = {{"request", "svodka request file v1", "no", JOIN_REQUEST_MAX},
                                           {"grant", "svodka grant file v1", "no", JOIN_GRANT_MAX}};
    static int started;
    struct bytes rest;
    struct buf text;

    if (size == 0 || (!started && keys_start() != OK))
        return 0;
    started = 1;
    rest = bytes_of(data + 1, size - 1);
    buf_init(&text, JOIN_GRANT_MAX);
    if (data[0] % 4 < 2)
        buf_put(&text, rest.p, rest.len);
    else if (armour_write(&text, &kinds[data[0] % 2], bytes_of(NULL, 0), rest) != OK)
        buf_reset(&text);
    if (data[0] % 2 == 0)
        read_request(bytes_of(text.data, text.len));
    else
        read_answer(bytes_of(text.data, text.len));
    buf_fini(&text);
    return 0;
}
