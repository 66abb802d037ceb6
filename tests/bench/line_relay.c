/* line_relay: a bad line between two network namespaces, in user space, for kernels without netem.
 *
 *   line_relay PROFILE NEAR FAR [KEY=VALUE]...    line_relay list
 *
 * Makes two TUN devices of these names (root), prints "ready" and carries IP packets between them until SIGTERM or
 * `limit`; whoever called moves the devices into namespaces and gives them addresses.  NEAR is the school's end, whose
 * packets go up.  A packet waits for its turn at `rate` in a queue of `queue` bytes (a full one drops it), may be lost,
 * and arrives `delay` later; some arrive twice, some `late` ms after those behind them.
 *
 * A line with a `life` is up for so long, then dead for `dead`; `cut` ends one life when
 * the far end has acknowledged so many bytes of one connection.  Each life the far end sees the school under another
 * address (100.64.0.N: route 100.64.0.0/16 to FAR), as behind a provider's NAT; packets of connections of an earlier
 * life are passed on with the new address (rebind: the far end answers with a reset) or vanish (silent).
 *
 * At the end it prints key=value lines: wire_up, wire_down (bytes of IP that entered, those sent again included),
 * payload_up, payload_down (of TCP, each byte once), lost, dropped (no room in the queue), lives. */
#include "common/clock.h"
#include "tests/bench/line_packet.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PENDING_MAX 4096u
#define MS          INT64_C(1000000)
#define SECOND      (1000 * MS)

enum nat { NAT_NONE, NAT_REBIND, NAT_SILENT };

struct line {
    const char *name, *what;
    int64_t rate[2];           /* bit/s, up and down; 0: no limit */
    int64_t delay[2];          /* ms */
    int64_t queue[2];          /* bytes */
    int64_t loss, twice, swap; /* of 1000 packets each way: lost, arriving twice, arriving late */
    int64_t late;              /* ms */
    int64_t life, dead;        /* ms; life 0: for ever */
    enum nat nat;
    int64_t cut;         /* bytes of one connection that the far end has; 0: none */
    int64_t seed, limit; /* limit: seconds */
};

static const struct line profiles[] = {
    {.name = "dsl",
     .what = "a city's DSL: 1 Mbit/s up, 8 down, 30 ms",
     .rate = {1000000, 8000000},
     .delay = {15, 15},
     .queue = {64000, 256000}},
    {.name = "vsat",
     .what = "a satellite: 512 kbit/s up, 2 Mbit/s down, 600 ms, 1 % lost",
     .rate = {512000, 2000000},
     .delay = {300, 300},
     .queue = {64000, 128000},
     .loss = 10},
    {.name = "gprs",
     .what = "GPRS: 9.6 kbit/s, 800 ms",
     .rate = {9600, 9600},
     .delay = {400, 400},
     .queue = {12000, 12000}},
    {.name = "edge",
     .what = "EDGE: 64 kbit/s, 300 ms, 5 % lost",
     .rate = {64000, 64000},
     .delay = {150, 150},
     .queue = {24000, 24000},
     .loss = 50},
    {.name = "radio",
     .what = "radio: 256 kbit/s, 100 ms, 20 % lost",
     .rate = {256000, 256000},
     .delay = {50, 50},
     .queue = {32000, 32000},
     .loss = 200},
    {.name = "far",
     .what = "round trips of 2 s, 128 kbit/s, 1 % lost",
     .rate = {128000, 128000},
     .delay = {1000, 1000},
     .queue = {48000, 48000},
     .loss = 10},
    {.name = "short",
     .what = "9.6 kbit/s, lives 30 s at a time, dead for 5 s, then another address: earlier connections vanish",
     .rate = {9600, 9600},
     .delay = {200, 200},
     .queue = {12000, 12000},
     .life = 30000,
     .dead = 5000,
     .nat = NAT_SILENT},
    {.name = "skew",
     .what = "64 kbit/s up, 1 Mbit/s down, 240 ms, 1 % lost, 5 % twice, 10 % late",
     .rate = {64000, 1000000},
     .delay = {200, 40},
     .queue = {24000, 128000},
     .loss = 10,
     .twice = 50,
     .swap = 100,
     .late = 60},
    {.name = "plain", .what = "no limits at all", .queue = {1000000, 1000000}}};

#define AT(member) offsetof(struct line, member)
static const struct {
    const char *key;
    size_t at;
} keys[] = {
    {"rate_up", AT(rate[0])},   {"rate_down", AT(rate[1])},   {"delay_up", AT(delay[0])}, {"delay_down", AT(delay[1])},
    {"queue_up", AT(queue[0])}, {"queue_down", AT(queue[1])}, {"loss", AT(loss)},         {"twice", AT(twice)},
    {"swap", AT(swap)},         {"late", AT(late)},           {"life", AT(life)},         {"dead", AT(dead)},
    {"cut", AT(cut)},           {"seed", AT(seed)},           {"limit", AT(limit)}};

struct pending {
    int64_t at_ns;
    uint64_t order; /* equal times: first come, first served */
    unsigned life;
    enum line_way way;
    struct line_packet packet;
};

struct relay {
    struct line line;
    int fd[2]; /* near, far */
    struct pending *pool;
    struct pending *heap[PENDING_MAX];
    size_t count;
    int64_t free_ns[2]; /* when the line has sent what stands in its queue */
    uint64_t order, random;
    struct line_flows flows;
    bool is_alive, is_cut;
    unsigned life;
    uint32_t near_address; /* the school's own, once it has spoken */
    int64_t turn_ns;       /* when this life ends, or the next begins */
    uint64_t wire[2], lost, dropped;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("line_relay: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

/* splitmix64 */
static uint64_t draw(struct relay *r)
{
    uint64_t z = (r->random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool happens(struct relay *r, int64_t of_thousand)
{
    return of_thousand > 0 && draw(r) % 1000 < (uint64_t)of_thousand;
}

/* ---- packets under way: a heap by the time they arrive ---- */

static bool is_sooner(const struct pending *a, const struct pending *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct relay *r, size_t a, size_t b)
{
    struct pending *kept = r->heap[a];

    r->heap[a] = r->heap[b];
    r->heap[b] = kept;
}

static void push(struct relay *r, const struct line_packet *p, enum line_way way, int64_t at_ns)
{
    struct pending *n;
    size_t i = r->count;

    if (r->count == PENDING_MAX) {
        r->dropped++;
        return;
    }
    n = r->heap[r->count++]; /* those behind `count` are free */
    n->at_ns = at_ns;
    n->order = r->order++;
    n->life = r->life;
    n->way = way;
    memcpy(n->packet.bytes, p->bytes, p->len);
    n->packet.len = p->len;
    for (; i > 0 && is_sooner(r->heap[i], r->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(r, i, (i - 1) / 2);
}

/* The soonest; stays valid until the next push(). */
static struct pending *pop(struct relay *r)
{
    size_t i = 0;

    swap(r, 0, --r->count);
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < r->count; child++)
            if (is_sooner(r->heap[child], r->heap[least]))
                least = child;
        if (least == i)
            return r->heap[r->count];
        swap(r, i, least);
        i = least;
    }
}

/* ---- the line ---- */

/* The far end's view of the school, or back.  False: nobody is behind this address any more. */
static bool translate(struct relay *r, struct line_packet *p, enum line_way way)
{
    uint32_t outside = LINE_NAT_NET + 1 + r->life;

    if (r->line.nat == NAT_NONE)
        return true;
    if (way == LINE_UP) {
        r->near_address = packet_address(p, 12);
        packet_set_address(p, 12, outside);
        return true;
    }
    if (packet_address(p, 16) != outside)
        return false;
    packet_set_address(p, 16, r->near_address);
    return true;
}

static void enter(struct relay *r, struct line_packet *p, enum line_way way, int64_t now)
{
    const struct line_flow *flow = packet_count(&r->flows, p, way, r->life);
    bool is_old = way == LINE_UP && r->line.nat == NAT_SILENT && flow != NULL && flow->life != r->life;
    int64_t begin = r->free_ns[way] > now ? r->free_ns[way] : now;
    int64_t arrival;

    r->wire[way] += p->len;
    if (!r->is_alive || is_old || !translate(r, p, way))
        return;
    if (r->line.rate[way] > 0) {
        if ((begin - now) * r->line.rate[way] / 8 / SECOND + (int64_t)p->len > r->line.queue[way]) {
            r->dropped++;
            return;
        }
        begin += (int64_t)p->len * 8 * SECOND / r->line.rate[way];
        r->free_ns[way] = begin;
    }
    if (happens(r, r->line.loss)) {
        r->lost++;
        return;
    }
    arrival = begin + r->line.delay[way] * MS;
    if (happens(r, r->line.swap))
        arrival += r->line.late * MS;
    push(r, p, way, arrival);
    if (happens(r, r->line.twice))
        push(r, p, way, arrival + 1 * MS);
}

static void die_for_a_while(struct relay *r, int64_t now)
{
    r->is_alive = false;
    r->turn_ns = now + r->line.dead * MS;
}

static void look_at_life(struct relay *r, int64_t now)
{
    if (r->is_alive && r->line.cut > 0 && !r->is_cut && r->flows.acked >= (uint64_t)r->line.cut) {
        r->is_cut = true;
        die_for_a_while(r, now);
    }
    if (r->turn_ns == 0 || now < r->turn_ns)
        return;
    if (r->is_alive) {
        die_for_a_while(r, now);
        return;
    }
    r->is_alive = true;
    r->life++;
    r->free_ns[LINE_UP] = r->free_ns[LINE_DOWN] = now;
    r->turn_ns = r->line.life > 0 ? now + r->line.life * MS : 0;
}

static void deliver(struct relay *r, int64_t now)
{
    while (r->count > 0 && r->heap[0]->at_ns <= now) {
        struct pending *n = pop(r);

        if (n->life != r->life || !r->is_alive) /* what was under way when the line died is gone */
            continue;
        /* A device that is down takes nothing. */
        if (write(r->fd[n->way == LINE_UP ? 1 : 0], n->packet.bytes, n->packet.len) < 0 && errno != EIO &&
            errno != EAGAIN)
            die("a packet cannot be handed on: %s", strerror(errno));
        look_at_life(r, now);
    }
}

static void receive(struct relay *r, enum line_way way, int64_t now)
{
    struct line_packet p;
    ssize_t n;

    while ((n = read(r->fd[way], p.bytes, sizeof(p.bytes))) > 0) {
        p.len = (size_t)n;
        if (packet_is_ip4(&p))
            enter(r, &p, way, now);
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EIO)
        die("no packet can be read: %s", strerror(errno));
}

static int wait_ms(const struct relay *r, int64_t now)
{
    int64_t next = r->count > 0 ? r->heap[0]->at_ns : INT64_MAX;

    if (r->turn_ns != 0 && r->turn_ns < next)
        next = r->turn_ns;
    if (next > now + SECOND)
        return 1000;
    return next <= now ? 0 : (int)((next - now + MS - 1) / MS);
}

static void run(struct relay *r)
{
    int64_t now = clock_mono_ns();
    int64_t until = now + r->line.limit * SECOND;

    r->is_alive = true;
    r->turn_ns = r->line.life > 0 ? now + r->line.life * MS : 0;
    while (stopped == 0 && now < until) {
        struct pollfd p[2] = {{r->fd[0], POLLIN, 0}, {r->fd[1], POLLIN, 0}};

        if (poll(p, 2, wait_ms(r, now)) < 0 && errno != EINTR)
            die("poll: %s", strerror(errno));
        now = clock_mono_ns();
        look_at_life(r, now);
        receive(r, LINE_UP, now);
        receive(r, LINE_DOWN, now);
        deliver(r, now);
    }
}

/* ---- beginning ---- */

static int open_tun(const char *device)
{
    struct ifreq want = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        die("/dev/net/tun: %s", strerror(errno));
    if (strlen(device) >= sizeof(want.ifr_name))
        die("'%s' is too long for a device", device);
    (void)snprintf(want.ifr_name, sizeof(want.ifr_name), "%s", device);
    if (ioctl(fd, TUNSETIFF, &want) != 0)
        die("the device %s: %s", device, strerror(errno));
    return fd;
}

static struct line find_profile(const char *name)
{
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return profiles[i];
    die("there is no line '%s'; see line_relay list", name);
}

static void take_setting(struct line *l, const char *text)
{
    static const char *const nats[] = {"none", "rebind", "silent"};
    const char *value = strchr(text, '=');
    char *end = NULL;
    long long n;

    if (value == NULL)
        die("KEY=VALUE is expected, not '%s'", text);
    n = strtoll(++value, &end, 10);
    for (size_t i = 0; i < sizeof(nats) / sizeof(nats[0]); i++)
        if (strncmp(text, "nat=", 4) == 0 && strcmp(value, nats[i]) == 0) {
            l->nat = (enum nat)i;
            return;
        }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strlen(keys[i].key) == (size_t)(value - text) - 1 && strncmp(keys[i].key, text, strlen(keys[i].key)) == 0 &&
            *value != '\0' && *end == '\0' && n >= 0) {
            *(int64_t *)(void *)((char *)l + keys[i].at) = n;
            return;
        }
    die("'%s': no such key, or not a number from 0 on", text);
}

static void print_figures(const struct relay *r)
{
    (void)printf("wire_up=%" PRIu64 "\nwire_down=%" PRIu64 "\npayload_up=%" PRIu64 "\npayload_down=%" PRIu64
                 "\nlost=%" PRIu64 "\ndropped=%" PRIu64 "\nlives=%u\n",
                 r->wire[0], r->wire[1], r->flows.payload[0], r->flows.payload[1], r->lost, r->dropped, r->life + 1);
}

static void prepare(struct relay *r)
{
    const struct sigaction on = {.sa_handler = stop};

    if ((r->pool = calloc(PENDING_MAX, sizeof(*r->pool))) == NULL)
        die("no memory");
    for (size_t i = 0; i < PENDING_MAX; i++)
        r->heap[i] = &r->pool[i];
    r->random = (uint64_t)r->line.seed;
    if (sigaction(SIGTERM, &on, NULL) != 0 || sigaction(SIGINT, &on, NULL) != 0)
        die("signals: %s", strerror(errno));
}

int main(int argc, char **argv)
{
    static struct relay r;

    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
            (void)printf("%s\t%s\n", profiles[i].name, profiles[i].what);
        return 0;
    }
    if (argc < 4)
        die("PROFILE NEAR FAR [KEY=VALUE]... is expected, or list");
    r.line = find_profile(argv[1]);
    r.line.seed = 1;
    r.line.limit = 3600;
    for (int i = 4; i < argc; i++)
        take_setting(&r.line, argv[i]);
    prepare(&r);
    r.fd[LINE_UP] = open_tun(argv[2]);
    r.fd[LINE_DOWN] = open_tun(argv[3]);
    (void)puts("ready");
    (void)fflush(stdout);
    run(&r);
    print_figures(&r);
    free(r.pool);
    return 0;
}
