#include "tests/bench/line_packet.h"

#include <netinet/in.h>

#define TCP_SYN 0x02u
#define TCP_ACK 0x10u

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

bool packet_is_ip4(const struct line_packet *p)
{
    return p->len >= 20 && p->bytes[0] >> 4 == 4 && get16(p->bytes + 2) <= p->len;
}

static size_t header_bytes(const struct line_packet *p)
{
    return (size_t)(p->bytes[0] & 0x0fu) * 4;
}

/* The TCP header, or NULL. */
static const uint8_t *tcp_of(const struct line_packet *p)
{
    size_t at = header_bytes(p);

    if (p->bytes[9] != IPPROTO_TCP || at < 20 || p->len < at + 20)
        return NULL;
    return p->bytes + at;
}

/* ---- flows ---- */

static struct line_flow *flow_of(struct line_flows *f, const struct line_packet *p, const uint8_t *tcp)
{
    for (size_t i = f->count; i-- > 0;) { /* a port that is used again: the later flow */
        struct line_flow *w = &f->flow[i];

        if (w->source == packet_address(p, 12) && w->target == packet_address(p, 16) && w->source_port == get16(tcp) &&
            w->target_port == get16(tcp + 2))
            return w;
    }
    return NULL;
}

/* The near end may have another address by now; its port it keeps. */
static void count_acked(struct line_flows *f, const struct line_packet *p, const uint8_t *tcp)
{
    for (size_t i = f->count; i-- > 0;) {
        const struct line_flow *w = &f->flow[i];
        uint32_t acked = get32(tcp + 8) - w->first - 1;

        if (w->target != packet_address(p, 12) || w->target_port != get16(tcp) || w->source_port != get16(tcp + 2))
            continue;
        if ((tcp[13] & TCP_ACK) != 0 && acked <= w->most && acked > f->acked)
            f->acked = acked;
        return;
    }
}

const struct line_flow *packet_count(struct line_flows *f, const struct line_packet *p, enum line_way way,
                                     unsigned life)
{
    const uint8_t *tcp = tcp_of(p);
    struct line_flow *w = tcp != NULL ? flow_of(f, p, tcp) : NULL;
    uint32_t sequence;
    size_t headers;
    uint32_t end;

    if (tcp == NULL)
        return NULL;
    if (way == LINE_DOWN)
        count_acked(f, p, tcp);
    sequence = get32(tcp + 4);
    if ((tcp[13] & TCP_SYN) != 0 && (w == NULL || w->first != sequence) && f->count < LINE_FLOWS_MAX) {
        w = &f->flow[f->count++];
        *w = (struct line_flow){.source = packet_address(p, 12),
                                .target = packet_address(p, 16),
                                .first = sequence,
                                .source_port = (uint16_t)get16(tcp),
                                .target_port = (uint16_t)get16(tcp + 2),
                                .life = life};
    }
    if (w != NULL && (tcp[13] & TCP_SYN) != 0) /* sent again, it is a beginning all the same */
        w->life = life;
    if (w == NULL || (tcp[13] & TCP_SYN) != 0)
        return w;
    headers = header_bytes(p) + (size_t)(tcp[12] >> 4) * 4;
    if (get16(p->bytes + 2) <= headers)
        return w;
    end = sequence - w->first - 1 + (uint32_t)(get16(p->bytes + 2) - headers);
    if (end > w->most && end < UINT32_MAX / 2) {
        f->payload[way] += end - w->most;
        w->most = end;
    }
    return w;
}

/* ---- addresses ---- */

uint32_t packet_address(const struct line_packet *p, size_t offset)
{
    return get32(p->bytes + offset);
}

/* RFC 1624: the checksum at `at` after 16 bits of what it covers have changed. */
static void update(uint8_t *at, uint32_t before, uint32_t after)
{
    uint32_t sum = (~get16(at) & 0xffffu) + (~before & 0xffffu) + after;

    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    put16(at, ~sum & 0xffffu);
}

void packet_set_address(struct line_packet *p, size_t offset, uint32_t address)
{
    const uint8_t *tcp = tcp_of(p);
    uint8_t *sum = tcp != NULL ? p->bytes + header_bytes(p) + 16 : NULL;

    for (unsigned i = 0; i < 2; i++) {
        uint8_t *at = p->bytes + offset + (size_t)2 * i;
        uint32_t after = i == 0 ? address >> 16 : address & 0xffffu;

        update(p->bytes + 10, get16(at), after);
        if (sum != NULL)
            update(sum, get16(at), after);
        put16(at, after);
    }
}
