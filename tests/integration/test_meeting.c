/* Meetings between the real agent code and the real programs of the hub. */
#include "agent/run.h"
#include "agent/schedule.h"
#include "tests/integration/meeting_fixture.h"

#include <poll.h>
#include <pthread.h>

/* ---- set up: one hub for all tests of a group, schools of their own ---- */

static int begin_hub(void **state)
{
    struct district *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    district_new(d, "gateway.slots: 2\ngateway.chunk: 4K\ngateway.credit: 16K\n");
    district_start(d);
    *state = d;
    return 0;
}

static int end_hub(void **state)
{
    district_free(*state);
    free(*state);
    return 0;
}

static void sync_ok(struct agent *a, struct sync_result *r)
{
    enum err e = sync_once(a, r);

    if (e != OK)
        fail_msg("sync_once: %s: %s", err_name(e), err_text());
    assert_int_equal(r->outcome, SYNC_COMPLETE);
}

static void must_say(const char *part)
{
    if (strstr(err_text(), part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, err_text());
}

/* ---- the way it should be ---- */

/* Invariants 1, 3, 4, 5. */
static void the_first_meeting_enrols_and_delivers_and_the_second_finds_nothing(void **state)
{
    struct district *d = *state;
    struct agent *a = school_join(d, 0, "gp");
    struct sync_result r;
    struct ledger_totals totals;

    add_marks(a, 1, 300);
    sync_ok(a, &r);
    assert_true(r.joined);
    assert_true(agent_is_enrolled(a));
    assert_int_equal(a->code[0], '\0');
    assert_int_equal(r.records, 300);
    assert_int_equal(r.batches, 1);
    assert_int_equal(r.receipts, 1);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 300);
    assert_int_equal(r.left, 0);
    sync_ok(a, &r);
    assert_false(r.joined);
    assert_int_equal(r.batches + r.receipts + r.objects, 0);
    totals = held_by(d);
    assert_int_equal(totals.records, 300);
    assert_int_equal(totals.counted, 300);
    assert_hub_verifies(d);
    assert_school_verifies(a);
    agent_close(a);
}

static void several_batches_go_in_one_meeting(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    struct ledger_totals before = held_by(d);
    struct sync_result r;

    a->conf.batch_records = 100;
    add_marks(a, 1000, 450);
    sync_ok(a, &r);
    assert_int_equal(r.batches, 5);
    assert_int_equal(r.receipts, 5);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 450);
    assert_int_equal(held_by(d).counted, before.counted + 450);
    agent_close(a);
}

/* The form of the directory that the school lacks is fetched, whole and by its digest. */
static void objects_that_the_school_lacks_are_fetched(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    struct store_txn *t;
    struct sync_result r;

    MUST(store_begin_write(a->store, &t));
    MUST(store_clear(t, T_OBJECTS));
    MUST(store_commit(t));
    agent_close(a);
    a = school_open(d, "gp");
    assert_null(agent_form(a, "marks"));
    sync_ok(a, &r);
    assert_int_equal(r.objects, a->directory->object_count);
    assert_non_null(agent_form(a, "marks"));
    agent_close(a);
}

static void a_limited_rate_is_kept(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    int64_t began;
    struct sync_result r;

    add_marks(a, 2000, 1000);
    a->conf.max_rate = 30000;
    began = clock_mono_ms();
    sync_ok(a, &r);
    assert_int_equal(r.records, 1000);
    assert_true(r.bytes > 15000);
    /* The first second's worth of tokens is not there at the beginning. */
    assert_true(clock_mono_ms() - began >= (int64_t)(r.bytes * 1000 / 30000) - 200);
    agent_close(a);
}

/* Half a batch stays at the hub, and another night goes on from there; nothing is sent twice. */
static void a_night_sends_no_more_than_it_may_and_the_next_one_goes_on(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    uint64_t before = held_by(d).counted;
    uint64_t resumed = 0;
    struct schedule_state s;
    struct sync_result r;
    unsigned nights = 0;

    add_marks(a, 4000, 1000);
    for (int64_t most = 10000;; most += 10000) { /* each time as if another night had begun */
        a->conf.max_night = most;
        MUST(schedule_pass(a, &r, &s));
        assert_int_equal(r.outcome, SYNC_COMPLETE);
        assert_true((int64_t)r.bytes <=
                    10000 + a->conf.chunk); /* what was left of the night before was less than a chunk */
        assert_true(s.night_bytes <= (uint64_t)most);
        assert_int_equal(s.failures, 0);
        assert_true(r.limited == (r.left > 0));
        resumed += r.resumed;
        if (!r.limited)
            break;
        assert_true(s.night_bytes > (uint64_t)(most - a->conf.chunk));
        MUST(schedule_pass(a, &r, &s)); /* the same night once more: nothing */
        assert_true(r.limited && r.bytes < (uint64_t)a->conf.chunk);
        nights++;
        assert_true(nights < 50);
    }
    assert_true(nights > 1);
    assert_int_equal(resumed, nights);
    assert_int_equal(held_by(d).counted, before + 1000);
    agent_close(a);
}

/* ---- who is not let in, and how that is told ---- */

/* Invariant 6. */
static void a_wrong_key_is_refused_with_a_clear_word_and_may_come_back(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    struct key *own = a->curve;
    struct key *other;
    struct sync_result r;

    MUST(key_generate(&other, KEY_CURVE));
    a->curve = other;
    assert_int_equal(sync_once(a, &r), ERR_DENIED);
    assert_int_equal(r.outcome, SYNC_KEY_REFUSED);
    must_say("the hub does not know this computer's key");
    a->curve = own;
    key_free(other);
    sync_ok(a, &r);
    agent_close(a);
}

struct impostor {
    int fd, port;
    const char *says; /* NULL: says nothing and closes */
    pthread_t thread;
};

static void *pose(void *arg)
{
    struct impostor *p = arg;
    char request[1024];
    int c = accept(p->fd, NULL, NULL);

    if (c < 0)
        return NULL;
    if (p->says != NULL && (read(c, request, sizeof(request)) < 0 || write(c, p->says, strlen(p->says)) < 0))
        (void)fprintf(stderr, "impostor: %s\n", strerror(errno));
    close(c);
    return NULL;
}

static void impostor_start(struct impostor *p, const char *says)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);

    p->says = says;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(p->fd, 4), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &len), 0);
    p->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, pose, p), 0);
}

static void impostor_end(struct impostor *p)
{
    (void)pthread_join(p->thread, NULL);
    close(p->fd);
}

static void point_at(struct agent *a, int port)
{
    a->directory->endpoint_count = 1;
    (void)snprintf(a->directory->endpoints[0].url, sizeof(a->directory->endpoints[0].url), "tcp://127.0.0.1:%d", port);
}

static void something_else_on_the_port_is_told_as_such(void **state)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nServer: portal\r\nContent-Length: 0\r\n\r\n";
    struct agent *a = school_open(*state, "gp");
    struct impostor p;
    int64_t began = clock_mono_ms();
    struct sync_result r;

    impostor_start(&p, http);
    point_at(a, p.port);
    assert_int_equal(sync_once(a, &r), ERR_MALFORMED);
    assert_int_equal(r.outcome, SYNC_NO_HUB);
    must_say("something else than a hub answers at 127.0.0.1:");
    impostor_end(&p);
    impostor_start(&p, NULL);
    point_at(a, p.port);
    assert_int_equal(sync_once(a, &r), ERR_MALFORMED);
    must_say("something else than a hub answers");
    impostor_end(&p);
    assert_true(clock_mono_ms() - began < 20000); /* at once, not after a deadline */
    agent_close(a);
}

static void a_port_that_is_silent_is_told_after_the_deadline(void **state)
{
    struct agent *a = school_open(*state, "gp");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sync_result r;

    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    point_at(a, ntohs(at.sin_port));
    a->conf.handshake_ms = 300;
    assert_int_equal(sync_once(a, &r), ERR_MALFORMED);
    must_say("is silent");
    close(fd);
    agent_close(a);
}

static void a_hub_that_is_down_is_told(void **state)
{
    struct agent *a = school_open(*state, "gp");
    int64_t began = clock_mono_ms();
    struct sync_result r;

    point_at(a, free_port());
    assert_int_equal(sync_once(a, &r), ERR_NET);
    assert_int_equal(r.outcome, SYNC_UNREACHABLE);
    must_say("cannot be reached");
    assert_true(clock_mono_ms() - began < 10000);
    (void)snprintf(a->directory->endpoints[0].url, sizeof(a->directory->endpoints[0].url),
                   "tcp://no-such-host.invalid:4000");
    a->conf.connect_ms = 5000;
    assert_int_equal(sync_once(a, &r), ERR_NET);
    must_say("cannot be reached");
    agent_close(a);
}

static void the_next_address_is_tried_when_one_is_dead(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    struct directory_endpoint real = a->directory->endpoints[0];
    struct sync_result r;

    point_at(a, free_port());
    a->directory->endpoints[1] = real;
    a->directory->endpoint_count = 2;
    sync_ok(a, &r);
    agent_close(a);
}

/* Neither does a school take another hub for its own, nor does a hub take another district's school. */
static void a_hub_of_another_district_is_refused(void **state)
{
    struct agent *a = school_open(*state, "gp");
    struct district other;
    struct sync_result r;
    struct agent *b;

    district_new(&other, "");
    district_start(&other);
    point_at(a, other.port);
    assert_int_equal(sync_once(a, &r), ERR_MALFORMED);
    must_say("another hub than this school's");
    /* With that hub's key it is the school that is not known. */
    b = school_join(&other, 1, "ms");
    memcpy(a->directory->endpoints[0].curve, b->directory->endpoints[0].curve, KEY_BYTES);
    assert_int_equal(sync_once(a, &r), ERR_DENIED);
    assert_int_equal(r.outcome, SYNC_KEY_REFUSED);
    agent_close(b);
    agent_close(a);
    district_free(&other);
}

static void an_invitation_opens_for_one_computer_only(void **state)
{
    struct district *d = *state;
    struct agent *thief = school_join(d, 0, "thief");
    struct ledger_totals before = held_by(d);
    struct sync_result r;

    add_marks(thief, 1, 5);
    assert_int_equal(sync_once(thief, &r), ERR_DENIED);
    assert_int_equal(r.outcome, SYNC_REFUSED);
    assert_int_equal(r.refusal, MERR_INVITATION_USED);
    must_say("used by another computer");
    assert_int_equal(held_by(d).records, before.records);
    agent_close(thief);
}

/* ---- slots ---- */

/* Invariant 8. */
static void later_is_said_and_obeyed_when_all_slots_are_taken(void **state)
{
    struct district *d = *state;
    struct agent *gp = school_open(d, "gp");
    struct agent *ms = school_join(d, 1, "ms");
    struct client first;
    struct sync_result r;
    char command[160];

    sync_ok(ms, &r);
    assert_true(r.joined);
    end_program(&d->gateway, SIGTERM);
    end_program(&d->core, SIGTERM);
    (void)snprintf(command, sizeof(command), "sed -i 's/slots: 2/slots: 1/' %s/hub.yaml", d->home);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own folder */
    district_start(d);
    client_open(&first, d, gp, gp->curve, NULL);
    client_greet(&first, gp);
    assert_int_equal(sync_once(ms, &r), ERR_BUSY);
    assert_int_equal(r.outcome, SYNC_LATER);
    assert_in_range(r.later_seconds, 1, 3600);
    must_say("asks to come back");
    client_send(&first, &(struct message){.type = MSG_BYE});
    client_expect(&first, MSG_BYE);
    sync_ok(ms, &r);
    client_close(&first);
    agent_close(gp);
    agent_close(ms);
}

/* ---- the agent that stays ---- */

static pid_t start_run(const struct district *d, const char *home)
{
    char program[] = SVODKA_BINARY_DIR "/agent/svodka-agent";
    char word[] = "run";
    char option[] = "--home";
    char dir[128];
    char *argv[] = {program, word, option, dir, NULL};

    (void)snprintf(dir, sizeof(dir), "%s/%s", d->dir, home);
    return start_program(d, argv, -1);
}

static void run_makes_a_pass_when_asked_and_there_is_one_run_only(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    pid_t first;
    pid_t second;
    int status = 0;
    int64_t until = clock_mono_ms() + START_MS;
    char text[SYNC_TEXT];
    struct sync_result r;
    uint64_t before;

    add_marks(a, 5000, 10);
    sync_ok(a, &r); /* nothing is missed: `run` would wait for the night */
    add_marks(a, 5010, 7);
    first = start_run(d, "gp");
    while (run_ask(a->dir, &r, text) == ERR_NOT_FOUND) {
        assert_true(clock_mono_ms() < until);
        clock_sleep_ms(10);
    }
    assert_int_equal(r.outcome, SYNC_COMPLETE);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 7);
    add_marks(a, 5020, 3); /* what is urgent needs no night, and nobody who waits for the end */
    before = held_by(d).counted;
    MUST(schedule_urgent(a));
    MUST(run_nudge(a->dir));
    while (held_by(d).counted < before + 3) {
        assert_true(clock_mono_ms() < until);
        clock_sleep_ms(10);
    }
    second = start_run(d, "gp");
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    end_program(&first, SIGTERM);
    agent_close(a);
}

/* ---- serve ---- */

static long read_ready(const struct district *d)
{
    char path[128];
    long pid = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/run/ready", d->home);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld", &pid) != 1) /* NOLINT(cert-err34-c): our own file */
        pid = 0;
    (void)fclose(f);
    return pid;
}

static void wait_ready(const struct district *d, bool is_ready)
{
    int64_t until = clock_mono_ms() + START_MS;

    while ((read_ready(d) != 0) != is_ready) {
        assert_true(clock_mono_ms() < until);
        clock_sleep_ms(5);
    }
}

/* Children of a process whose name begins so; 0: none. */
static pid_t child_named(pid_t parent, const char *name)
{
    char path[64];
    char comm[32];
    pid_t found = 0;
    long pid;
    FILE *list;

    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)parent, (long)parent);
    list = fopen(path, "r");
    assert_non_null(list);
    while (fscanf(list, "%ld", &pid) == 1) { /* NOLINT(cert-err34-c): the kernel's file */
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
        f = fopen(path, "r");
        if (f != NULL && fgets(comm, sizeof(comm), f) != NULL && strncmp(comm, name, strlen(name)) == 0)
            found = (pid_t)pid;
        if (f != NULL)
            (void)fclose(f);
    }
    (void)fclose(list);
    return found;
}

static void serve_starts_again_what_dies_and_leaves_no_orphan(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub";
    char word[] = "serve";
    char option[] = "--home";
    char *argv[] = {program, word, option, d->home, NULL};
    struct sync_result r;
    pid_t serve;
    pid_t second;
    pid_t gateway;
    pid_t core;
    int status = 0;

    district_stop(d);
    serve = start_program(d, argv, -1);
    wait_ready(d, true);
    assert_int_equal(read_ready(d), serve);
    sync_ok(a, &r);
    gateway = child_named(serve, "svodka-hub-gat");
    assert_true(gateway > 0);
    assert_int_equal(kill(gateway, SIGKILL), 0);
    wait_ready(d, false);
    wait_ready(d, true);
    sync_ok(a, &r);
    second = start_program(d, argv, -1);
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(read_ready(d), serve);
    gateway = child_named(serve, "svodka-hub-gat");
    core = child_named(serve, "svodka-hub");
    assert_true(gateway > 0 && core > 0);
    end_program(&serve, SIGTERM);
    assert_int_equal(kill(gateway, 0), -1);
    assert_int_equal(kill(core, 0), -1);
    assert_int_equal(read_ready(d), 0);
    district_start(d);
    agent_close(a);
}

/* At the end of everything. */
static void the_hub_verifies_after_all_of_this(void **state)
{
    struct agent *a = school_open(*state, "gp");

    assert_hub_verifies(*state);
    assert_school_verifies(a);
    agent_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_meeting_enrols_and_delivers_and_the_second_finds_nothing),
        cmocka_unit_test(several_batches_go_in_one_meeting),
        cmocka_unit_test(objects_that_the_school_lacks_are_fetched),
        cmocka_unit_test(a_limited_rate_is_kept),
        cmocka_unit_test(a_night_sends_no_more_than_it_may_and_the_next_one_goes_on),
        cmocka_unit_test(a_wrong_key_is_refused_with_a_clear_word_and_may_come_back),
        cmocka_unit_test(something_else_on_the_port_is_told_as_such),
        cmocka_unit_test(a_port_that_is_silent_is_told_after_the_deadline),
        cmocka_unit_test(a_hub_that_is_down_is_told),
        cmocka_unit_test(the_next_address_is_tried_when_one_is_dead),
        cmocka_unit_test(a_hub_of_another_district_is_refused),
        cmocka_unit_test(an_invitation_opens_for_one_computer_only),
        cmocka_unit_test(later_is_said_and_obeyed_when_all_slots_are_taken),
        cmocka_unit_test(run_makes_a_pass_when_asked_and_there_is_one_run_only),
        cmocka_unit_test(serve_starts_again_what_dies_and_leaves_no_orphan),
        cmocka_unit_test(the_hub_verifies_after_all_of_this),
    };

    return cmocka_run_group_tests_name("meeting", tests, begin_hub, end_hub);
}
