/* Credit and "come back later", as the agent keeps them (SPEC.md 6.4): its own meeting code against a hub that says
 * what a script tells it, without sockets and under a clock of its own.  Invariant 2: whatever the hub grants or takes
 * back, nothing is lost, and nobody sends more than was granted. */
#include "agent_fixture.h"

#include "agent/link.h"
#include "agent/sync.h"

#define ROWS  1500u /* some 60 KB in one batch: no repetition to compress */
#define CHUNK 8192u
#define INBOX 8u
#define QUIET 5 /* rounds in which a hub that granted nothing says nothing */

/* What the hub grants, one after another: in WELCOME, then in each ACK; the last one stays. */
struct script {
    uint32_t go, later;
    uint32_t credits[8];
    size_t count;
};

/* The hub's end. */
static struct {
    const struct script *script;
    struct school *school;
    struct buf inbox[INBOX], given;
    size_t first, waiting;
    size_t step;               /* of the script */
    int quiet;                 /* rounds left before it grants again */
    uint64_t position, acked;  /* bytes of chunks received; told */
    uint64_t most_ahead, over; /* most bytes beyond an ACK; of them more than was granted */
    uint64_t while_nothing;    /* bytes that came while the credit was 0 */
    uint64_t sequence, total;  /* of the batch under way */
    uint8_t digest[DIGEST_BYTES];
    unsigned meetings, batches;
    int64_t now_ms;
} hub;

struct link {
    int unused;
};

static void say(const struct message *m)
{
    struct buf *b = &hub.inbox[(hub.first + hub.waiting++) % INBOX];

    assert_true(hub.waiting <= INBOX);
    buf_init(b, MESSAGE_MAX_DOWN);
    assert_int_equal(message_encode(b, m), OK);
}

static uint32_t granted(void)
{
    return hub.script->credits[hub.step];
}

static void say_welcome(void)
{
    struct message m = {.type = MSG_WELCOME};
    struct msg_welcome *w = &m.as.welcome;

    hub.meetings++;
    w->version = MESSAGE_VERSION_MAX;
    w->go = (enum welcome_go)hub.script->go;
    w->later_seconds = hub.script->later;
    w->hub_ms = TEST_NOW_MS;
    w->next_sequence = 1;
    w->credit = granted();
    w->chunk = w->go == WELCOME_GO ? CHUNK : 0;
    say(&m);
}

static void say_ack(void)
{
    struct message m = {.type = MSG_ACK};

    if (hub.step + 1 < hub.script->count)
        hub.step++;
    m.as.ack.sequence = hub.sequence;
    m.as.ack.offset = (uint32_t)hub.position;
    m.as.ack.credit = granted();
    hub.acked = hub.position;
    hub.quiet = granted() == 0 ? QUIET : 0;
    say(&m);
}

static void say_receipt(void)
{
    struct message m = {.type = MSG_RECEIPT};
    struct receipt r = {
        .gen = hub.school->a->gen, .sequence = hub.sequence, .state = RECEIPT_STORED, .hub_ms = TEST_NOW_MS};
    struct buf object;

    memcpy(r.district, hub.school->grant.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "%s", hub.school->grant.participant);
    memcpy(r.batch, hub.digest, DIGEST_BYTES);
    r.ledger_number = hub.sequence;
    r.verdicts[VERDICT_COUNTED] = ROWS;
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, hub.school->hub), OK);
    m.as.signed_object = view(&object);
    say(&m);
    buf_fini(&object);
    hub.batches++;
}

static void take_chunk(const struct msg_chunk *c)
{
    uint64_t ahead;

    assert_true(c->data.len <= CHUNK);
    assert_int_equal(c->offset, hub.position);
    hub.sequence = c->sequence;
    hub.total = c->total;
    memcpy(hub.digest, c->digest, DIGEST_BYTES);
    if (granted() == 0)
        hub.while_nothing += c->data.len;
    hub.position += c->data.len;
    ahead = hub.position - hub.acked;
    hub.most_ahead = ahead > hub.most_ahead ? ahead : hub.most_ahead;
    if (ahead > granted())
        hub.over += ahead - granted();
    if (hub.position == hub.total)
        say_receipt();
    else if (ahead >= granted() / 2)
        say_ack();
}

/* ---- the agent's line is the script ---- */

enum err link_open(struct link **out, const struct link_options *o)
{
    (void)o;
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? ERR_NOMEM : OK;
}

void link_close(struct link *l)
{
    free(l);
}

enum err link_send(struct link *l, const struct message *m)
{
    struct message bye = {.type = MSG_BYE};

    (void)l;
    if (m->type == MSG_HELLO)
        say_welcome();
    else if (m->type == MSG_CHUNK)
        take_chunk(&m->as.chunk);
    else if (m->type == MSG_BYE)
        say(&bye);
    return OK;
}

enum err link_receive(struct link *l, int64_t wait_ms, struct bytes *frame)
{
    (void)l;
    hub.now_ms += hub.waiting > 0 ? 20 : wait_ms > 0 ? wait_ms : 0;
    clock_test_set(hub.now_ms);
    clock_test_set_mono(hub.now_ms);
    if (hub.waiting == 0 && hub.quiet > 0 && --hub.quiet == 0)
        say_ack();
    if (hub.waiting == 0)
        return ERR_NOT_FOUND;
    buf_fini(&hub.given);
    hub.given = hub.inbox[hub.first];
    hub.first = (hub.first + 1) % INBOX;
    hub.waiting--;
    *frame = view(&hub.given);
    return OK;
}

/* ---- the tests ---- */

/* With a reason each that nothing compresses. */
static void submit(struct school *s)
{
    struct capture *c = open_capture(s, "grades-por", "P1");
    struct queue_writer *w = NULL;
    uint8_t noise[DIGEST_BYTES];
    char reason[2 * DIGEST_BYTES + 1];
    uint64_t number;

    assert_int_equal(queue_writer_open(&w, s->a), OK);
    for (unsigned i = 0; i < ROWS; i++) {
        struct capture_deed deed = {.kind = RECORD_RETRACTION, .target = {{1, {0}}, 1}, .reason = reason};

        digest(noise, bytes_of(&i, sizeof(i)));
        for (size_t j = 0; j < DIGEST_BYTES; j++)
            (void)snprintf(reason + 2 * j, 3, "%02x", noise[j]);
        assert_int_equal(capture_put(c, w, NULL, &deed, &number), OK);
    }
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    capture_close(c);
}

static int begin(void **state)
{
    (void)school_open(state);
    memset(&hub, 0, sizeof(hub));
    hub.school = *state;
    hub.now_ms = TEST_NOW_MS;
    clock_test_set_mono(hub.now_ms);
    enrol(hub.school);
    submit(hub.school);
    return 0;
}

static int end(void **state)
{
    while (hub.waiting > 0) {
        buf_fini(&hub.inbox[hub.first]);
        hub.first = (hub.first + 1) % INBOX;
        hub.waiting--;
    }
    buf_fini(&hub.given);
    return school_close(state);
}

static void meet(const struct script *script, enum sync_outcome expected)
{
    struct sync_result r;
    enum err e;

    hub.script = script;
    e = sync_once(hub.school->a, &r);
    if (r.outcome != expected)
        fail_msg("outcome %d instead of %d: %s", (int)r.outcome, (int)expected, e == OK ? "" : err_text());
}

static uint64_t unconfirmed(void)
{
    struct queue_status st;

    assert_int_equal(queue_status(hub.school->a, &st), OK);
    return st.waiting + st.sealed;
}

static void an_agent_sends_no_more_than_was_granted(void **state)
{
    static const struct script small = {.go = WELCOME_GO, .credits = {CHUNK}, .count = 1};

    (void)state;
    meet(&small, SYNC_COMPLETE);
    assert_int_equal(hub.batches, 1);
    assert_true(hub.total > 4 * CHUNK);
    assert_int_equal(hub.over, 0);
    assert_int_equal(unconfirmed(), 0);
}

/* A hub under a herd takes credit back in the middle of a batch, then grants nothing for a while, then a little. */
static void credit_that_is_taken_back_is_obeyed_and_nothing_is_lost(void **state)
{
    static const struct script less = {
        .go = WELCOME_GO, .credits = {4 * CHUNK, 2 * CHUNK, 0, CHUNK, 0, CHUNK}, .count = 6};

    (void)state;
    meet(&less, SYNC_COMPLETE);
    assert_int_equal(hub.batches, 1);
    assert_int_equal(hub.step, 5); /* all of it was played */
    assert_int_equal(hub.while_nothing, 0);
    assert_int_equal(hub.over, 0);
    assert_int_equal(unconfirmed(), 0);
}

/* Nothing is granted from the first word on: it waits, within its patience, and keeps everything. */
static void a_hub_that_grants_nothing_gets_nothing_and_takes_nothing_away(void **state)
{
    static const struct script nothing = {.go = WELCOME_GO, .credits = {0}, .count = 1};

    (void)state;
    meet(&nothing, SYNC_UNREACHABLE);
    assert_int_equal(hub.position, 0);
    assert_int_equal(unconfirmed(), ROWS);
}

static void come_back_later_sends_nothing_and_says_when(void **state)
{
    static const struct script later = {.go = WELCOME_LATER, .later = 300, .credits = {CHUNK}, .count = 1};
    struct sync_result r;

    (void)state;
    hub.script = &later;
    assert_int_equal(sync_once(hub.school->a, &r), ERR_BUSY);
    assert_int_equal(r.outcome, SYNC_LATER);
    assert_int_equal(r.later_seconds, 300);
    assert_int_equal(hub.position, 0);
    assert_int_equal(hub.meetings, 1);
    assert_int_equal(unconfirmed(), ROWS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_agent_sends_no_more_than_was_granted),
        TEST(credit_that_is_taken_back_is_obeyed_and_nothing_is_lost),
        TEST(a_hub_that_grants_nothing_gets_nothing_and_takes_nothing_away),
        TEST(come_back_later_sends_nothing_and_says_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
