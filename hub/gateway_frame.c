#include "hub/gateway_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

void frame_init(struct frame *f)
{
    memset(f, 0, sizeof(*f));
    buf_init(&f->bytes, MESSAGE_MAX_UP);
}

void frame_fini(struct frame *f)
{
    buf_fini(&f->bytes);
}

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from == NULL ? "" : from);
}

/* What libzmq hands over is copied once and not touched again where it lies (see tests/tsan.supp). */
static void zmq_frame_copy(struct frame *f, zmq_msg_t *m)
{
    const char *user = zmq_msg_gets(m, "User-Id");

    buf_reset(&f->bytes);
    buf_put(&f->bytes, zmq_msg_data(m), zmq_msg_size(m));
    f->has_more = zmq_msg_more(m) != 0;
    f->has_user = user != NULL;
    copy_text(f->user, sizeof(f->user), user);
    copy_text(f->peer, sizeof(f->peer), zmq_msg_gets(m, "Peer-Address"));
}

enum err frame_receive(struct frame *f, void *socket)
{
    zmq_msg_t m;
    enum err e = ERR_NOT_FOUND;
    int n;

    (void)zmq_msg_init(&m);
    do
        n = zmq_msg_recv(&m, socket, ZMQ_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        zmq_frame_copy(f, &m);
        e = buf_status(&f->bytes);
    }
    (void)zmq_msg_close(&m);
    return e;
}

uint16_t frame_event(void *monitor)
{
    struct frame f;
    uint16_t event = 0;

    frame_init(&f);
    if (frame_receive(&f, monitor) == OK && f.bytes.len >= 6) {
        memcpy(&event, f.bytes.data, sizeof(event));
        if (frame_receive(&f, monitor) != OK)
            event = 0;
    }
    frame_fini(&f);
    return event;
}
