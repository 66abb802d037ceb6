#include "tests/fault/year/year.h"

#include "hub/core_internal.h"
#include "hub/gateway_internal.h"
#include "hub/lease.h"

#include <sys/epoll.h>

#define LISTENS     15u /* an epoll event of operator.sock; 16 and more are operators */
#define COMMAND_MS  20
#define OUTPUT_NAME "night.csv"

char hub_home[128];
bool hub_is_up, core_is_away;

static struct core core;
static struct gateway *gate;
static struct ipc_link *gateway_end; /* of the link to the core */

/* ---- between gateway and core ---- */

bool gateway_send_frame(struct gateway *g, struct route to, struct bytes frame)
{
    (void)g;
    line_answer(to.number, frame);
    return true;
}

bool gateway_send(struct gateway *g, struct route to, const struct message *m)
{
    buf_reset(&g->out);
    MUST(message_encode(&g->out, m));
    return gateway_send_frame(g, to, bytes_of(g->out.data, g->out.len));
}

bool gateway_tell_core(struct gateway *g, const struct ipc_packet *p)
{
    (void)g;
    switch (p->type) {
    case IPC_MEETING: MUST(core_meeting(&core, &p->as.frame)); return true;
    case IPC_BATCH: MUST(core_batch(&core, &p->as.frame)); return true;
    case IPC_SPOOLED: MUST(core_spooled(&core, &p->as.spooled)); return true;
    case IPC_CLOSED:
    case IPC_STATUS: return true;
    case IPC_LIMITS:
    case IPC_ALLOW:
    case IPC_ALLOW_END:
    case IPC_KEY:
    case IPC_REPLY: break;
    }
    at_fault("the gateway said what only the core may say");
    return false;
}

static void take_reply(struct gateway *g, const struct ipc_reply *r)
{
    if (r->part == 0)
        buf_reset(&g->assembly);
    buf_put(&g->assembly, r->frame.p, r->frame.len);
    MUST(buf_status(&g->assembly));
    if (r->part + 1 == r->parts)
        meeting_reply(g, r->connection, bytes_of(g->assembly.data, g->assembly.len));
}

static void take_packet(struct gateway *g, const struct ipc_packet *p)
{
    switch (p->type) {
    case IPC_LIMITS: g->limits = p->as.limits; return;
    case IPC_ALLOW: MUST(allow_add(&g->coming, &p->as.allow)); return;
    case IPC_ALLOW_END:
        allow_sort(&g->coming);
        allow_fini(&g->allowed);
        g->allowed = g->coming;
        memset(&g->coming, 0, sizeof(g->coming));
        return;
    case IPC_REPLY: take_reply(g, &p->as.reply); return;
    case IPC_KEY: return;
    case IPC_MEETING:
    case IPC_BATCH:
    case IPC_SPOOLED:
    case IPC_CLOSED:
    case IPC_STATUS: break;
    }
    at_fault("the core said what only the gateway may say");
}

void gateway_read_core(struct gateway *g)
{
    static struct ipc_packet p;

    do {
        if (ipc_link_wants_write(core.gateway))
            MUST(ipc_link_flush(core.gateway));
        while (ipc_link_receive(gateway_end, &p) == OK)
            take_packet(g, &p);
    } while (ipc_link_wants_write(core.gateway));
}

/* ---- starting and stopping ---- */

void hub_make(void)
{
    static const char *const urls[] = {"tcp://127.0.0.1:7890"};
    const struct hub_init init = {.name = "District", .listen = urls, .listen_count = 1};
    char path[160];
    FILE *f;

    clock_of(0);
    MUST(hub_create(hub_home, &init));
    (void)snprintf(path, sizeof(path), "%s/hub.yaml", hub_home);
    if ((f = fopen(path, "a")) == NULL || fputs("gateway.slots: 1\nnight.keep_days: 36500\n", f) < 0 || fclose(f) != 0)
        at_fault("hub.yaml cannot be written");
}

static void open_gateway(void)
{
    gate = calloc(1, sizeof(*gate));
    assert_non_null(gate);
    gate->home = hub_home;
    gate->is_listening = gate->has_core = true;
    admission_init(&gate->admission);
    buf_init(&gate->out, MESSAGE_MAX_DOWN);
    buf_init(&gate->assembly, MESSAGE_MAX_DOWN);
    frame_init(&gate->routing);
    frame_init(&gate->payload);
    MUST(spool_open(&gate->spool, hub_home, 1u << 30, 14));
    MUST(core_send_limits(&core));
    MUST(core_send_allowlist(&core));
    gateway_read_core(gate);
    gate->has_limits = true;
}

static void listen_for(int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = LISTENS};

    assert_int_equal(epoll_ctl(core.epoll, EPOLL_CTL_ADD, fd, &ev), 0);
}

void hub_start(void)
{
    int fds[2];

    clock_of(0);
    memset(&core, 0, sizeof(core));
    core.signals = core.gateway_listen = core.operator_listen = -1;
    for (size_t i = 0; i < CORE_MAX_OPERATORS; i++)
        core.operators[i] = -1;
    core.gateway_user = (uid_t)-1;
    core.started_ms = clock_mono_ms();
    MUST(hub_open(&core.hub, hub_home, HUB_CORE));
    core.epoll = epoll_create1(EPOLL_CLOEXEC);
    MUST(workers_start(&core.workers, core.hub));
    MUST(lease_listen(hub_home, &core.operator_listen));
    listen_for(core.operator_listen);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    MUST(ipc_link_new(&core.gateway, fds[0]));
    MUST(ipc_link_new(&gateway_end, fds[1]));
    open_gateway();
    core_keys(&core);
    hub_is_up = true;
    core_is_away = false;
    core_nights(&core);
    gateway_read_core(gate);
}

void hub_stop(void)
{
    clock_of(0);
    gate->has_core = false;
    while (gate->meeting_count > 0)
        meeting_end(gate, gate->meetings[0]);
    free(gate->meetings);
    admission_fini(&gate->admission);
    spool_close(gate->spool);
    allow_fini(&gate->allowed);
    buf_fini(&gate->out);
    buf_fini(&gate->assembly);
    frame_fini(&gate->routing);
    frame_fini(&gate->payload);
    free(gate);
    gate = NULL;
    MUST(core_commit_done(&core));
    core_nights_fini(&core);
    workers_stop(core.workers);
    ipc_link_free(core.gateway);
    ipc_link_free(gateway_end);
    for (size_t i = 0; i < CORE_MAX_OPERATORS; i++)
        if (core.operators[i] >= 0)
            close(core.operators[i]);
    close(core.operator_listen);
    close(core.epoll);
    hub_close(core.hub, false);
    hub_is_up = false;
}

/* ---- at work ---- */

void hub_works(void)
{
    clock_of(0);
    if (workers_pending(core.workers) > 0)
        MUST(core_commit_done(&core));
    gateway_read_core(gate);
    meeting_send_acks(gate);
}

void hub_tick(void)
{
    if (!hub_is_up)
        return;
    clock_of(0);
    meeting_sweep(gate);
    core_keys(&core);
    core_nights(&core);
    store_maintain(core.hub->store);
    gateway_read_core(gate);
}

bool hub_knows(const uint8_t curve[KEY_BYTES])
{
    return allow_find(&gate->allowed, curve) != NULL;
}

void hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m)
{
    struct incoming in = {.from = {0, connection}};
    struct buf b;

    buf_init(&b, MESSAGE_MAX_UP);
    MUST(message_encode(&b, m));
    clock_of(0);
    memcpy(in.curve, curve, KEY_BYTES);
    (void)snprintf(in.peer, sizeof(in.peer), "127.0.0.1");
    in.frame = bytes_of(b.data, b.len);
    gate->has_core = !core_is_away;
    meeting_frame(gate, &in);
    buf_fini(&b);
}

/* ---- a command beside the running core ---- */

static void serve_operators(void)
{
    struct epoll_event events[16];
    int n = epoll_wait(core.epoll, events, 16, COMMAND_MS);

    for (int i = 0; i < n; i++)
        if (events[i].data.u64 == LISTENS)
            core_operator_accept(&core);
        else if (events[i].data.u64 > LISTENS)
            core_operator_readable(&core, (size_t)(events[i].data.u64 - 16));
}

FILE *hub_night(const char *date)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub";
    char night[] = "night", format[] = "--format", csv[] = "csv", home[] = "--home", day[16], path[160];
    char *argv[] = {program, night, day, format, csv, home, hub_home, NULL};
    int status = 0;
    pid_t pid;
    FILE *f;

    clock_of(0);
    (void)snprintf(day, sizeof(day), "%s", date);
    (void)snprintf(path, sizeof(path), "%s/" OUTPUT_NAME, hub_home);
    (void)remove(path);
    if ((pid = fork()) == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
            _exit(126);
        (void)execv(program, argv);
        _exit(127);
    }
    assert_true(pid > 0);
    if (hub_is_up)
        while (waitpid(pid, &status, WNOHANG) == 0)
            serve_operators();
    else
        assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || (f = fopen(path, "r")) == NULL)
        at_fault("svodka-hub night %s failed", date);
    return f;
}

uint64_t hub_counted(void)
{
    struct ledger_totals totals;
    struct store_txn *t;

    MUST(store_begin_read(core.hub->store, &t));
    MUST(ledger_totals(t, &totals));
    store_abort(t);
    return totals.counted;
}

void hub_must_verify(void)
{
    uint64_t bad = 1;

    MUST(ledger_verify(core.hub, stderr, &bad));
    if (bad != 0)
        at_fault("the hub does not verify");
}
