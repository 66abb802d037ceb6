/* Packets between gateway and core: whatever is decoded is within its bounds and encodes to the same bytes again. */
#include "hub/ipc.h"

#include <stdlib.h>
#include <string.h>

static void check_loan(struct bytes loan, const uint8_t *data, size_t size)
{
    if (loan.len > 0 && (loan.p < data || loan.p + loan.len > data + size))
        abort();
}

static void check(const struct ipc_packet *p, const uint8_t *data, size_t size)
{
    switch (p->type) {
    case IPC_LIMITS:
        if (p->as.limits.listener_count > IPC_LISTENERS || p->as.limits.credit > CREDIT_MAX ||
            p->as.limits.chunk > CHUNK_MAX)
            abort();
        break;
    case IPC_ALLOW:
        if (strnlen(p->as.allow.participant, ID_MAX + 1) > ID_MAX)
            abort();
        break;
    case IPC_REPLY:
        if (p->as.reply.part >= p->as.reply.parts || p->as.reply.frame.len > IPC_PART)
            abort();
        check_loan(p->as.reply.frame, data, size);
        break;
    case IPC_MEETING:
    case IPC_BATCH:
        if (p->as.frame.bytes.len > MESSAGE_MAX_UP || strnlen(p->as.frame.peer, IPC_PEER_MAX + 1) > IPC_PEER_MAX)
            abort();
        check_loan(p->as.frame.bytes, data, size);
        break;
    case IPC_SPOOLED:
        if (p->as.spooled.length > BATCH_MAX_SEALED)
            abort();
        break;
    case IPC_ALLOW_END:
    case IPC_CLOSED:
    case IPC_STATUS: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipc_packet p;
    struct buf again;

    if (ipc_decode(&p, bytes_of(data, size)) != OK)
        return 0;
    check(&p, data, size);
    buf_init(&again, IPC_MAX_PACKET + 64);
    if (ipc_encode(&again, &p) != OK)
        abort();
    if (again.len != size || memcmp(again.data, data, size) != 0)
        abort();
    buf_fini(&again);
    return 0;
}
