#include "tests/bench/herd/herd.h"

#include <sys/mman.h>

struct herd *herd;
static uint64_t state_of;

void herd_begin(uint64_t seed)
{
    int version[3];

    zmq_version(&version[0], &version[1], &version[2]); /* so that it is loaded once, not in each process */
    herd = mmap(NULL, sizeof(*herd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (herd == MAP_FAILED)
        exit(1);
    herd->seed = seed;
    state_of = seed;
}

void herd_chance_begin(uint64_t seed)
{
    state_of = seed;
}

_Noreturn void at_fault(const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "%s: seed %llu: ", program_invocation_short_name, (unsigned long long)herd->seed);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(1);
}

uint64_t herd_chance(void)
{
    uint64_t z = state_of += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void herd_make_hub(const char *lines)
{
    char listen[64];
    const char *const urls[] = {listen};
    struct hub_init init = {.name = "Region", .listen = urls, .listen_count = 1};
    struct district d = {.home = ""};

    (void)snprintf(herd->home, sizeof(herd->home), "%s/hub", herd->dir);
    herd->port = free_port();
    (void)snprintf(listen, sizeof(listen), "tcp://127.0.0.1:%d", herd->port);
    MUST(hub_create(herd->home, &init));
    (void)snprintf(d.home, sizeof(d.home), "%s", herd->home);
    add_conf(&d, lines);
}

void herd_make_schools(unsigned submissions)
{
    static struct buf invitations[SCHOOL_MAX];
    struct store_txn *t;
    struct hub *h;

    MUST(hub_open(&h, herd->home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    load_programme(h, t);
    MUST(hub_reload(h, t));
    for (size_t i = 0; i < herd->count; i++)
        school_invite(h, t, i, &invitations[i]);
    MUST(hub_reload(h, t)); /* once for all: it takes its time with so many */
    for (size_t i = 0; i < herd->count; i++) {
        herd->schools[i].is_rude = i >= herd->count - herd->rude;
        school_make(h, t, i, &invitations[i], herd->schools[i].is_rude ? 0 : submissions);
        buf_fini(&invitations[i]);
    }
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, false);
}
