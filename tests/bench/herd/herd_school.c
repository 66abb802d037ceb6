#include "tests/bench/herd/herd.h"

#include "agent/enrolment.h"

#include <dlfcn.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define RUDE_MS 200

static pid_t workers[WORKERS + 1];
static size_t worker_count;
static size_t present = SIZE_MAX; /* the school whose code runs in this process */

void school_name(char out[32], size_t i)
{
    (void)snprintf(out, 32, "school-%zu", i + 1);
}

void school_home(char out[128], size_t i)
{
    (void)snprintf(out, 128, "%s/%zu", herd->dir, i + 1);
}

/* Each school comes from another address, 127.0.1.1 and on. */
int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_in from = {.sin_family = AF_INET};
    const int yes = 1;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "connect");
    if (present != SIZE_MAX && to->sa_family == AF_INET) {
        from.sin_addr.s_addr =
            htonl(INADDR_LOOPBACK + 256 + (uint32_t)(present % 250) + 256 * (uint32_t)(present / 250));
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
        (void)bind(fd, (const struct sockaddr *)&from, sizeof(from));
    }
    return real(fd, to, len);
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

void school_make(struct hub *h, struct store_txn *t, size_t i, const struct buf *invitation)
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
    if (!herd->schools[i].is_rude)
        add_marks(a, 1, SUBMISSIONS);
    agent_close(a);
    buf_wipe(&keep);
    free(inv);
}

/* ---- their nights ---- */

/* What svodka-agent run does when a moment has come. */
static void knock(struct school *s, size_t i)
{
    struct schedule_state st = {.next_ms = 0};
    struct sync_result r;
    struct agent *a = NULL;
    int64_t began_ms = clock_mono_ms();
    char home[128];

    present = i;
    school_home(home, i);
    MUST(agent_open(&a, home));
    if (s->attempts++ == 0)
        s->first_ms = began_ms;
    if (schedule_pass(a, &r, &st) == OK && r.outcome == SYNC_COMPLETE && r.left == 0) {
        s->meeting_ms = clock_mono_ms() - began_ms;
        if (s->done_ms == 0)
            s->done_ms = clock_mono_ms();
    } else if (r.outcome == SYNC_LATER)
        s->put_off++;
    else if (r.outcome == SYNC_UNREACHABLE || r.outcome == SYNC_NO_HUB)
        s->lost++;
    else
        at_fault("%s: a pass ended in %d: %s", home, (int)r.outcome, err_text());
    s->next_ms = s->is_rude ? clock_wall_ms() + RUDE_MS : st.next_ms;
    agent_close(a);
}

/* Of every `step`-th school from `from` on. */
static struct school *first_of(size_t from, size_t step, bool rude)
{
    struct school *first = NULL;

    for (size_t i = from; i < herd->count; i += step) {
        struct school *s = &herd->schools[i];

        if (s->is_rude == rude && (rude || s->done_ms == 0) && (first == NULL || s->next_ms < first->next_ms))
            first = s;
    }
    return first;
}

static _Noreturn void live(size_t from, size_t step, bool rude)
{
    struct school *s;

    while (!(rude && herd->is_over) && (s = first_of(from, step, rude)) != NULL) {
        int64_t left = s->next_ms - clock_wall_ms();

        if (left > 0)
            clock_sleep_ms(left < 200 ? left : 200);
        else
            knock(s, (size_t)(s - herd->schools));
    }
    _exit(0);
}

static void start_worker(size_t from, size_t step, bool rude)
{
    pid_t pid = fork();

    if (pid < 0)
        at_fault("fork: %s", strerror(errno));
    if (pid == 0) {
        /* Schools are elsewhere: their work here takes nothing from the hub. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || setpriority(PRIO_PROCESS, 0, 10) != 0)
            _exit(126);
        live(from, step, rude);
    }
    workers[worker_count++] = pid;
}

/* The rude ones have one process for all of them, which never rests. */
void schools_start(void)
{
    int64_t now = clock_wall_ms() + 1000;
    size_t count = herd->count - herd->rude;

    for (size_t i = 0; i < herd->count; i++)
        herd->schools[i].next_ms = now + (int64_t)(herd_chance() % (uint64_t)(herd->window_ms + 1));
    herd->workers = count < WORKERS ? count : WORKERS;
    for (size_t w = 0; w < herd->workers; w++)
        start_worker(w, herd->workers, false);
    if (herd->rude > 0)
        start_worker(0, 1, true);
}

size_t schools_done(void)
{
    size_t done = 0;

    for (size_t i = 0; i < herd->count; i++)
        done += !herd->schools[i].is_rude && herd->schools[i].done_ms != 0;
    return done;
}

bool schools_end(void)
{
    bool is_well = true;
    int status;

    herd->is_over = true;
    for (size_t i = 0; i < worker_count; i++)
        if (waitpid(workers[i], &status, 0) != workers[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            is_well = false;
    return is_well;
}
