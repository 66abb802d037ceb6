/* What agent/link.c is to the agent: one connection, here to the hub in this process. */
#include "agent/link.h"
#include "tests/fault/year/year.h"

#define INBOX_MAX   4096u
#define ROUND_TRIP  120
#define BREAK_AFTER 12u /* frames: somewhere in the meeting */
#define CURVE_BYTES 42u /* a frame's head, "MESSAGE", the nonce, a flag and the MAC */

struct link {
    uint32_t number;
    struct school *school;
    uint8_t curve[KEY_BYTES];
    unsigned frames_left; /* until the line dies; UINT32_MAX: it does not */
    struct buf inbox[INBOX_MAX];
    size_t first, count;
    struct buf given; /* the loan */
};

static struct link *open_link; /* at most one at a time: what answers to others say is lost on the way */
static uint32_t last_number;

static enum err no_line(void)
{
    return err_set(ERR_NET, "there is no line");
}

enum err link_open(struct link **out, const struct link_options *o)
{
    struct school *s = speaking;
    struct link *l;

    if (s == NULL)
        at_fault("an agent opens a line, and nobody knows which one");
    time_passes(ROUND_TRIP * 5);
    if (!s->has_line || !hub_is_up) {
        time_passes(o->connect_ms / 4);
        clock_of(s->clock_error_ms);
        return no_line();
    }
    clock_of(s->clock_error_ms);
    if (!hub_knows(key_public(o->curve)))
        return err_set(ERR_DENIED, "the hub does not know this key");
    l = calloc(1, sizeof(*l));
    assert_non_null(l);
    l->number = ++last_number;
    l->school = s;
    memcpy(l->curve, key_public(o->curve), KEY_BYTES);
    l->frames_left = s->line_breaks ? (unsigned)(chance() % BREAK_AFTER) : UINT32_MAX;
    s->line_breaks = false;
    s->wire_bytes = 0;
    open_link = l;
    *out = l;
    return OK;
}

void link_close(struct link *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++)
        buf_fini(&l->inbox[(l->first + i) % INBOX_MAX]);
    buf_fini(&l->given);
    open_link = NULL;
    free(l);
}

static bool has_died(struct link *l)
{
    if (l->frames_left == 0)
        return true;
    if (l->frames_left != UINT32_MAX)
        l->frames_left--;
    return false;
}

static void count_sent(struct link *l, const struct message *m)
{
    struct buf b;

    buf_init(&b, MESSAGE_MAX_UP);
    MUST(message_encode(&b, m));
    l->school->wire_bytes += b.len + CURVE_BYTES;
    buf_fini(&b);
}

/* As a program of an earlier year says it. */
static void take_fields_off(struct message *m, unsigned lacks)
{
    if (m->type != MSG_HELLO)
        return;
    m->as.hello.says_known &= lacks < 1;
    m->as.hello.says_elsewhere &= lacks < 2;
    m->as.hello.takes_words &= lacks < 3;
}

enum err link_send(struct link *l, const struct message *m)
{
    struct message said = *m;

    if (has_died(l))
        return no_line();
    take_fields_off(&said, l->school->hello_lacks);
    count_sent(l, &said);
    hub_hears(l->number, l->curve, &said);
    if (l->school->line_repeats && chance() % 3 == 0)
        hub_hears(l->number, l->curve, &said);
    hub_works();
    clock_of(l->school->clock_error_ms);
    return OK;
}

/* The hub let it in and said so, whether that arrives or not; LATER is the gateway's word alone. */
static void note_welcome(struct school *s, struct bytes frame)
{
    struct mp m = mp_of(frame);
    uint64_t type, go;

    (void)mp_array(&m, 1, 64);
    type = mp_uint(&m, UINT64_MAX);
    if (m.failed || type != MSG_WELCOME)
        return;
    (void)mp_uint(&m, UINT64_MAX);
    go = mp_uint(&m, UINT64_MAX);
    if (m.failed || go == WELCOME_LATER)
        return;
    s->came = true;
    s->welcomed_ms = true_ms;
    s->meetings++;
}

static struct buf *answer_at(struct link *l, size_t i)
{
    return &l->inbox[(l->first + i) % INBOX_MAX];
}

static void put_answer(struct link *l, struct bytes frame)
{
    struct buf *b = answer_at(l, l->count++);

    if (l->count == INBOX_MAX)
        at_fault("the hub said more than a line holds");
    buf_init(b, MESSAGE_MAX_DOWN);
    buf_put(b, frame.p, frame.len);
    MUST(buf_status(b));
}

/* The last one comes before the one before it. */
static void put_last_first(struct link *l)
{
    struct buf *a = answer_at(l, l->count - 2);
    struct buf *b = answer_at(l, l->count - 1);
    struct buf between = *a;

    *a = *b;
    *b = between;
}

void line_answer(uint32_t connection, struct bytes frame)
{
    struct link *l = open_link;

    if (l == NULL || l->number != connection)
        return;
    note_welcome(l->school, frame);
    l->school->wire_bytes += frame.len + CURVE_BYTES;
    put_answer(l, frame);
    if (!l->school->line_repeats)
        return;
    if (chance() % 3 == 0)
        put_answer(l, frame);
    if (l->count >= 2 && chance() % 4 == 0)
        put_last_first(l);
}

enum err link_receive(struct link *l, int64_t wait_ms, struct bytes *frame)
{
    time_passes(l->count > 0 ? ROUND_TRIP : wait_ms > 0 ? wait_ms : 0);
    if (l->count == 0 && wait_ms > 0)
        hub_works();
    clock_of(l->school->clock_error_ms);
    if (l->count == 0)
        return ERR_NOT_FOUND;
    if (has_died(l))
        return no_line();
    buf_fini(&l->given);
    l->given = l->inbox[l->first];
    l->first = (l->first + 1) % INBOX_MAX;
    l->count--;
    *frame = bytes_of(l->given.data, l->given.len);
    return OK;
}
