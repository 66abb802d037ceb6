#include "hub/gateway_internal.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static struct meeting **bucket_of(struct gateway *g, uint32_t number)
{
    return &g->buckets[number % MEETING_BUCKETS];
}

/* Each ROUTER numbers its own connections: the same number at another one is somebody else. */
static struct meeting *find(struct gateway *g, struct route from)
{
    struct meeting *m = *bucket_of(g, from.number);

    while (m != NULL && (m->route.number != from.number || m->route.socket != from.socket))
        m = m->next;
    return m;
}

static struct meeting *find_connection(struct gateway *g, uint64_t connection)
{
    struct meeting *m = *bucket_of(g, (uint32_t)connection);

    while (m != NULL && m->connection != connection)
        m = m->next;
    return m;
}

static struct meeting *find_participant(struct gateway *g, const char *participant)
{
    for (size_t i = 0; i < g->meeting_count; i++)
        if (strcmp(g->meetings[i]->participant, participant) == 0)
            return g->meetings[i];
    return NULL;
}

static struct meeting *add(struct gateway *g, const struct incoming *in, const char *participant)
{
    struct meeting **bucket = bucket_of(g, in->from.number);
    struct meeting *m;

    if (g->meeting_count == g->meeting_cap) {
        size_t cap = g->meeting_cap == 0 ? 64 : g->meeting_cap * 2;
        void *grown = realloc(g->meetings, cap * sizeof(struct meeting *));

        if (grown == NULL)
            return NULL;
        g->meetings = grown;
        g->meeting_cap = cap;
    }
    if ((m = calloc(1, sizeof(*m))) == NULL)
        return NULL;
    m->connection = ++g->serial << 32 | in->from.number;
    m->route = in->from;
    memcpy(m->curve, in->curve, KEY_BYTES);
    (void)snprintf(m->participant, sizeof(m->participant), "%s", participant);
    (void)snprintf(m->peer, sizeof(m->peer), "%s", in->peer);
    m->started_ms = clock_mono_ms();
    m->next = *bucket;
    *bucket = m;
    m->place = g->meeting_count;
    g->meetings[g->meeting_count++] = m;
    return m;
}

static void forget(struct gateway *g, struct meeting *m)
{
    struct meeting **at = bucket_of(g, m->route.number);
    struct meeting *last = g->meetings[--g->meeting_count];

    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    g->meetings[m->place] = last;
    last->place = m->place;
    free(m);
}

void meeting_end(struct gateway *g, struct meeting *m)
{
    struct ipc_packet p = {.type = IPC_CLOSED, .as.connection = m->connection};
    int64_t took = clock_mono_ms() - m->started_ms;

    admission_ended(&g->admission, took);
    log_info("gateway: the meeting with %s is over after %lld ms", m->participant, (long long)took);
    forget(g, m);
    if (g->has_core)
        (void)gateway_tell_core(g, &p);
}

/* ---- answers ---- */

void meeting_error(struct gateway *g, struct route to, struct meeting *m, enum message_error code, uint32_t seconds,
                   const char *text)
{
    struct message out = {.type = MSG_ERROR};

    out.as.error.code = code;
    out.as.error.seconds = seconds;
    (void)snprintf(out.as.error.text, sizeof(out.as.error.text), "%s", text);
    if (m != NULL)
        gateway_refused(g, "%s (%s): %s: %s", m->participant, m->peer, message_error_name(code), text);
    else /* what is in hand came from there */
        gateway_refused(g, "%s: %s: %s", g->payload.peer, message_error_name(code), text);
    (void)gateway_send(g, to, &out);
    /* ORDER alone may be followed by a better message in the same meeting: a HELLO. */
    if (m != NULL && code != MERR_ORDER)
        meeting_end(g, m);
    else if (m != NULL && m->state == MEETING_OPEN)
        m->is_quiet = true;
}

static void say_bye(struct gateway *g, struct route to)
{
    const struct message bye = {.type = MSG_BYE};

    (void)gateway_send(g, to, &bye);
}

/* While the core is away: not all of them are to come in the same moment after that. */
static uint32_t put_off(struct gateway *g, const uint8_t curve[KEY_BYTES])
{
    return admission_put_off(&g->admission, curve, g->limits.slots, AWAY_SECONDS, clock_mono_ms());
}

void meeting_end_all(struct gateway *g)
{
    while (g->meeting_count > 0) {
        struct meeting *m = g->meetings[0];

        meeting_error(g, m->route, m, MERR_BUSY, put_off(g, m->curve), "the hub is being restarted");
    }
}

void meeting_sweep(struct gateway *g)
{
    int64_t now = clock_mono_ms();

    for (size_t i = g->meeting_count; i-- > 0;) {
        struct meeting *m = g->meetings[i];
        bool is_long = now - m->started_ms > MEETING_MAX_MS;

        if (!is_long && now - m->last_ms <= MEETING_IDLE_MS)
            continue;
        log_notice("gateway: %s (%s) %s: its meeting is ended", m->participant, m->peer,
                   is_long ? "has been here for two hours" : "has been silent for five minutes");
        say_bye(g, m->route);
        meeting_end(g, m);
        if (i > g->meeting_count)
            i = g->meeting_count;
    }
}

/* ---- HELLO ---- */

static void say_later(struct gateway *g, const struct incoming *in, const struct msg_hello *h, uint32_t seconds)
{
    struct message out = {.type = MSG_WELCOME};
    struct msg_welcome *w = &out.as.welcome;

    w->version = MESSAGE_VERSION_MAX;
    w->go = WELCOME_LATER;
    w->later_seconds = seconds;
    w->hub_ms = clock_wall_ms();
    log_info("gateway: %s (%s): no slot of %u is free for it; it comes back in %u s", h->participant, in->peer,
             g->limits.slots, w->later_seconds);
    (void)gateway_send(g, in->from, &out);
}

static void begin(struct meeting *m, const struct msg_hello *h, enum ipc_standing standing)
{
    m->state = MEETING_WAITING;
    m->standing = standing;
    m->gen = h->gen;
    m->offer_count = h->offer_count;
    memcpy(m->offers, h->offers, sizeof(m->offers));
    m->sequence = 0;
    m->total = m->offset = m->unacked = 0;
    m->gets = 0;
    m->owes_ack = m->is_handed_on = m->was_resumed = m->is_quiet = false;
}

static void forward(struct gateway *g, const struct meeting *m, struct bytes frame)
{
    struct ipc_packet p = {.type = IPC_MEETING};

    p.as.frame.connection = m->connection;
    memcpy(p.as.frame.curve, m->curve, KEY_BYTES);
    (void)snprintf(p.as.frame.peer, sizeof(p.as.frame.peer), "%s", m->peer);
    p.as.frame.bytes = frame;
    (void)gateway_tell_core(g, &p);
}

/* A promise is kept also when all slots are taken for long: by whoever has been here longest, beyond its turn.  What it
 * was sending goes on next time where it stopped. */
static void end_longest(struct gateway *g)
{
    struct meeting *longest = NULL;

    for (size_t i = 0; i < g->meeting_count; i++)
        if (longest == NULL || g->meetings[i]->started_ms < longest->started_ms)
            longest = g->meetings[i];
    if (longest != NULL && clock_mono_ms() - longest->started_ms > (int64_t)g->limits.turn_ms)
        meeting_error(g, longest->route, longest, MERR_BUSY, put_off(g, longest->curve),
                      "others wait: it goes on from here");
}

static void take_hello(struct gateway *g, const struct incoming *in, struct meeting *m, const struct ipc_allow *who,
                       const struct msg_hello *h)
{
    const bool is_asking = who->is_invitation && message_hello_is_asking(h); /* it knows its code and nothing else */
    struct meeting *before;
    uint32_t later = 0;

    if (!is_asking && memcmp(h->district, g->limits.district, sizeof(h->district)) != 0) {
        meeting_error(g, in->from, m, MERR_UNKNOWN, 0, "this hub is another district's");
        return;
    }
    if (!is_asking && strcmp(h->participant, who->participant) != 0) {
        meeting_error(g, in->from, m, MERR_UNKNOWN, 0, "this key does not belong to this participant");
        return;
    }
    if (m != NULL && m->state == MEETING_WAITING) {
        meeting_error(g, in->from, m, MERR_ORDER, 0, "another HELLO before WELCOME");
        return;
    }
    /* One meeting for each participant: what it left behind on a lost line ends here.  But an invitation, which may lie
     * about for years, and a computer that was replaced or stolen end no meeting of the one that is there now. */
    while (m == NULL && (before = find_participant(g, who->participant)) != NULL) {
        if ((who->is_invitation || who->standing != IPC_STANDING_GOOD) &&
            memcmp(before->curve, in->curve, KEY_BYTES) != 0) {
            meeting_error(g, in->from, NULL, MERR_BUSY, AWAY_SECONDS, "this participant is in a meeting");
            return;
        }
        meeting_end(g, before);
    }
    if (!g->has_core) {
        meeting_error(g, in->from, m, MERR_BUSY, put_off(g, in->curve), "the hub is being restarted");
        return;
    }
    if (m == NULL && g->meeting_count >= g->limits.slots && admission_is_due(&g->admission, in->curve, clock_mono_ms()))
        end_longest(g);
    if (m == NULL)
        later = admission_ask(&g->admission, in->curve, g->limits.slots, g->meeting_count, clock_mono_ms());
    if (later > 0) {
        say_later(g, in, h, later);
        return;
    }
    if (m == NULL && (m = add(g, in, who->participant)) == NULL) {
        meeting_error(g, in->from, NULL, MERR_BUSY, AWAY_SECONDS, "the hub is short of memory");
        return;
    }
    begin(m, h, who->standing);
    m->last_ms = clock_mono_ms();
    forward(g, m, in->frame);
}

/* ---- the other messages ---- */

static void take_get(struct gateway *g, const struct incoming *in, struct meeting *m)
{
    if (m->is_quiet)
        return;
    if (m->state != MEETING_OPEN)
        meeting_error(g, in->from, m, MERR_ORDER, 0, "GET before WELCOME");
    else if (m->gets >= MEETING_GETS)
        meeting_error(g, in->from, m, MERR_LIMIT, 0, "more than 16 GETs unanswered");
    else {
        m->gets++;
        forward(g, m, in->frame);
    }
}

static void take_reconcile(struct gateway *g, const struct incoming *in, struct meeting *m)
{
    if (m->state == MEETING_WAITING)
        meeting_error(g, in->from, m, MERR_ORDER, 0, "RECONCILE before WELCOME");
    else
        forward(g, m, in->frame);
}

static bool has_joined(const struct ipc_allow *who)
{
    static const uint8_t zeros[KEY_BYTES];

    return memcmp(who->sign, zeros, sizeof(zeros)) != 0;
}

static void take_chunk(struct gateway *g, const struct incoming *in, struct meeting *m, const struct ipc_allow *who,
                       const struct msg_chunk *c)
{
    if (m->is_quiet)
        return;
    if (!has_joined(who)) {
        meeting_error(g, in->from, m, MERR_ORDER, 0, "CHUNK before joining");
        return;
    }
    if (m->state != MEETING_OPEN)
        meeting_error(g, in->from, m, MERR_ORDER, 0, "CHUNK before WELCOME");
    else
        chunk_take(g, m, c);
}

static void take_unreadable(struct gateway *g, const struct incoming *in, struct meeting *m, enum err e)
{
    if (e == ERR_VERSION && g->message.type == MSG_HELLO) {
        meeting_error(g, in->from, m, MERR_VERSION, 0, "no common version of the protocol");
        return;
    }
    if (e == ERR_VERSION) { /* a newer agent's message: ignored, within reason */
        g->ignored++;
        if (m != NULL && ++m->unknown > MEETING_UNKNOWN)
            meeting_error(g, in->from, m, MERR_LIMIT, 0, "too many messages of unknown types");
        return;
    }
    meeting_error(g, in->from, m, e == ERR_LIMIT ? MERR_LIMIT : MERR_MALFORMED, 0, err_text());
}

/* The core says goodbye, so that nothing that it was about to send, receipts above all, is overtaken by it. */
static void take_bye(struct gateway *g, const struct incoming *in, struct meeting *m)
{
    if (m == NULL)
        say_bye(g, in->from);
    else
        forward(g, m, in->frame);
}

static bool is_worse(enum ipc_standing before, enum ipc_standing now)
{
    return now > IPC_STANDING_EARLIER && now != before;
}

/* Held or revoked in the middle of a meeting: it is over.  The next HELLO begins one under the new word. */
static void take_fallen(struct gateway *g, const struct incoming *in, struct meeting *m, enum ipc_standing now)
{
    meeting_error(g, in->from, m, now == IPC_STANDING_HELD ? MERR_HELD : MERR_REVOKED, 0,
                  now == IPC_STANDING_HELD ? "this participant was put on hold" : "this computer was revoked");
}

static void take_known(struct gateway *g, const struct incoming *in, struct meeting *m, const struct ipc_allow *who)
{
    const struct message *msg = &g->message;

    if (msg->type == MSG_HELLO) {
        take_hello(g, in, m, who, &msg->as.hello);
        return;
    }
    if (msg->type == MSG_BYE) {
        take_bye(g, in, m);
        return;
    }
    if (m == NULL) {
        meeting_error(g, in->from, NULL, MERR_ORDER, 0, "HELLO comes first");
        return;
    }
    if (is_worse(m->standing, who->standing)) { /* decided meanwhile: nothing of this message is taken */
        take_fallen(g, in, m, who->standing);
        return;
    }
    switch (msg->type) {
    case MSG_CHUNK: take_chunk(g, in, m, who, &msg->as.chunk); return;
    case MSG_GET: take_get(g, in, m); return;
    case MSG_RECONCILE: take_reconcile(g, in, m); return;
    case MSG_HELLO:
    case MSG_BYE:
    case MSG_WELCOME:
    case MSG_ACK:
    case MSG_RECEIPT:
    case MSG_RECONCILE_REPLY:
    case MSG_WORD:
    case MSG_OBJECT:
    case MSG_ERROR: break;
    }
    meeting_error(g, in->from, m, MERR_ORDER, 0, "this message is the hub's to send");
}

/* The key was good at the handshake; a connection lives long, so it is looked up again for every message. */
static void take_revoked(struct gateway *g, const struct incoming *in, struct meeting *m)
{
    int64_t now = clock_mono_ms();

    if (now - g->revoked_ms >= REVOKED_MINUTE_MS) { /* stragglers over the weeks are no flood */
        g->revoked_ms = now;
        g->revoked = 0;
    }
    if (g->revoked++ == 0 || m != NULL)
        log_notice("gateway: %s: its key is not allowed any more", in->peer);
    meeting_error(g, in->from, m, MERR_REVOKED, 0, "this key is not allowed any more");
    if (g->revoked >= REVOKED_PATIENCE) {
        g->failed = err_set(ERR_DENIED, "connections with revoked keys go on talking: the gateway starts afresh");
        g->stopping = true;
    }
}

void meeting_frame(struct gateway *g, const struct incoming *in)
{
    const struct ipc_allow *who = allow_find(&g->allowed, in->curve);
    struct meeting *m = find(g, in->from);
    enum err e;

    /* A routing number names a connection; the key says who speaks (invariant 6). */
    if (m != NULL && memcmp(m->curve, in->curve, KEY_BYTES) != 0) {
        meeting_end(g, m);
        m = NULL;
    }
    if (who == NULL || (m != NULL && strcmp(m->participant, who->participant) != 0)) {
        take_revoked(g, in, m);
        return;
    }
    if (m != NULL)
        m->last_ms = clock_mono_ms();
    if (in->is_multipart) {
        g->ignored++;
        meeting_error(g, in->from, m, MERR_MALFORMED, 0, "a message of more than one frame");
        return;
    }
    e = message_decode(&g->message, in->frame);
    if (e != OK)
        take_unreadable(g, in, m, e);
    else
        take_known(g, in, m, who);
}

/* ---- from the core ---- */

static void welcome(struct gateway *g, struct meeting *m, struct bytes frame)
{
    struct message *msg = &g->message;
    bool was_sent;

    if (msg->as.welcome.go == WELCOME_GO) {
        m->state = MEETING_OPEN;
        chunk_resume(g, m, &msg->as.welcome);
        was_sent = gateway_send(g, m->route, msg);
    } else {
        m->state = MEETING_ASKED;
        was_sent = gateway_send_frame(g, m->route, frame);
    }
    if (!was_sent || msg->as.welcome.go == WELCOME_LATER)
        meeting_end(g, m);
}

void meeting_reply(struct gateway *g, uint64_t connection, struct bytes frame)
{
    struct meeting *m = find_connection(g, connection);
    struct message *msg = &g->message;

    if (m == NULL)
        return; /* it left meanwhile; what was stored for it is told at its next HELLO */
    if (message_decode(msg, frame) != OK) {
        log_error("gateway: an answer of the core cannot be read: %s", err_text());
        return;
    }
    if (msg->type == MSG_WELCOME) {
        welcome(g, m, frame);
        return;
    }
    if (msg->type == MSG_OBJECT && m->gets > 0)
        m->gets--;
    if (!gateway_send_frame(g, m->route, frame)) {
        log_info("gateway: %s (%s) is gone, or takes nothing", m->participant, m->peer);
        meeting_end(g, m);
        return;
    }
    if (msg->type == MSG_ERROR && msg->as.error.code == MERR_SEQUENCE) {
        m->state = MEETING_ASKED;
        m->is_quiet = true;
    } else if (msg->type == MSG_BYE || (msg->type == MSG_ERROR && msg->as.error.code != MERR_ORDER))
        meeting_end(g, m);
}
