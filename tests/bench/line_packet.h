/* line_packet.h: what line_relay has to know of the packets that pass: flows of TCP, their payload, their addresses. */
#ifndef SVODKA_TESTS_LINE_PACKET_H
#define SVODKA_TESTS_LINE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_PACKET_MAX 2048u
#define LINE_FLOWS_MAX  256u
#define LINE_NAT_NET    UINT32_C(0x64400000) /* 100.64.0.0/16: what the far end sees, one address for each life */

enum line_way { LINE_UP, LINE_DOWN };

/* One direction of a connection. */
struct line_flow {
    uint32_t source, target, first; /* sequence number of its SYN */
    uint16_t source_port, target_port;
    uint32_t most; /* bytes of payload seen so far, each once */
    unsigned life; /* in which it began */
};

struct line_flows {
    struct line_flow flow[LINE_FLOWS_MAX];
    size_t count;
    uint64_t acked;      /* the most bytes of one connection that the far end has acknowledged to the near one */
    uint64_t payload[2]; /* by way: bytes of all flows, what is sent again not counted */
};

struct line_packet {
    uint8_t bytes[LINE_PACKET_MAX];
    size_t len;
};

bool packet_is_ip4(const struct line_packet *p);
/* Counts the packet's payload.  The flow it belongs to; NULL: not TCP, or its beginning was not seen. */
const struct line_flow *packet_count(struct line_flows *f, const struct line_packet *p, enum line_way way,
                                     unsigned life);
/* An address of the packet (offset 12: source, 16: target), and another in its place, checksums included. */
uint32_t packet_address(const struct line_packet *p, size_t offset);
void packet_set_address(struct line_packet *p, size_t offset, uint32_t address);

#endif
