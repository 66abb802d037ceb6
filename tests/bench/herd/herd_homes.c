#include "tests/bench/herd/herd.h"

#include "agent/enrolment.h"

#include <dlfcn.h>
#include <sodium.h>

static size_t present = SIZE_MAX; /* the school whose code runs in this process */

void school_name(char out[32], size_t i)
{
    (void)snprintf(out, 32, "school-%zu", i + 1);
}

void school_home(char out[128], size_t i)
{
    (void)snprintf(out, 128, "%s/%zu", herd->dir, i + 1);
}

void school_enter(size_t i)
{
    present = i;
}

/* libzmq speaks IPv6 and writes 127.0.0.1 as ::ffff:127.0.0.1. */
static struct sockaddr_in6 mapped(uint32_t address, int port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    const uint32_t in_order = htonl(address);

    memset(a.sin6_addr.s6_addr + 10, 0xff, 2);
    memcpy(a.sin6_addr.s6_addr + 12, &in_order, sizeof(in_order));
    return a;
}

/* Each school comes from another address, 127.0.1.1 and on; some by the line of herd->line_port. */
int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    const struct sockaddr_in6 hub = mapped(INADDR_LOOPBACK, herd->port);
    struct sockaddr_in6 a;
    const int yes = 1;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "connect");
    if (present == SIZE_MAX || to->sa_family != AF_INET6 || len < sizeof(hub) || memcmp(to, &hub, sizeof(hub)) != 0)
        return real(fd, to, len);
    a = mapped(INADDR_LOOPBACK + 256 + (uint32_t)(present % 250) + 256 * (uint32_t)(present / 250), 0);
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        at_fault("bind: %s", strerror(errno));
    a = herd->line_port != 0 && present % LINE_PART == 0 ? mapped(INADDR_LOOPBACK, herd->line_port) : hub;
    return real(fd, (const struct sockaddr *)&a, sizeof(a));
}

/* ---- homes ---- */

/* Codes are stretched for whoever might try them out; thousands of homes are made faster without.  Nothing that happens
 * in the night is changed by it. */
int crypto_pwhash_argon2id(unsigned char *const out, unsigned long long out_len, const char *const code,
                           unsigned long long code_len, const unsigned char *const salt, unsigned long long ops,
                           size_t memory, int algorithm)
{
    (void)ops;
    (void)memory;
    (void)algorithm;
    return crypto_generichash(out, (size_t)out_len, (const unsigned char *)code, code_len, salt,
                              crypto_pwhash_argon2id_SALTBYTES);
}

static void write_conf(const char *home)
{
    char path[160];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/agent.yaml", home);
    if ((f = fopen(path, "a")) == NULL ||
        fprintf(f, "store.map_size: 16M\n%s", herd->is_small ? "sync.retry_first: 1s\n" : "") < 0 || fclose(f) != 0)
        at_fault("agent.yaml cannot be written");
}

/* What a stick does: the request to the office, the grant back. */
static void join(struct hub *h, struct store_txn *t, struct agent *a, const char *id)
{
    struct buf request, grant;
    struct enrolment x = {.participant = id, .from = "herd", .grant = &grant};

    buf_init(&request, ENROL_MAX);
    buf_init(&grant, SIGNED_MAX);
    MUST(enrolment_request(a, &request));
    x.sealed = bytes_of(request.data, request.len);
    MUST(registry_enrol(h, t, &x));
    MUST(agent_take_grant(a, bytes_of(grant.data, grant.len)));
    buf_fini(&request);
    buf_fini(&grant);
}

void school_invite(struct hub *h, struct store_txn *t, size_t i, struct buf *invitation)
{
    char id[32];
    const struct school_add add = {.id = id, .name = id};

    school_name(id, i);
    buf_init(invitation, INVITATION_MAX);
    MUST(registry_add(h, t, &add, invitation));
}

void school_make(struct hub *h, struct store_txn *t, size_t i, const struct buf *invitation, unsigned submissions)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct agent *a = NULL;
    struct buf keep;
    char id[32], home[128];

    assert_non_null(inv);
    school_name(id, i);
    school_home(home, i);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(inv, &keep, bytes_of(invitation->data, invitation->len)));
    MUST(agent_create(home, inv));
    write_conf(home);
    MUST(agent_open(&a, home));
    join(h, t, a, id);
    if (submissions > 0)
        add_marks(a, 1, submissions);
    agent_close(a);
    buf_wipe(&keep);
    free(inv);
}
