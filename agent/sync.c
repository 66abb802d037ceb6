#include "agent/sync.h"

#include "agent/aside.h"
#include "agent/enrolment.h"
#include "agent/sync_internal.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Set by a signal handler; a pass looks at it several times a second. */
static volatile sig_atomic_t cancelled;

void sync_cancel(void)
{
    cancelled = 1;
}

/* ---- one endpoint ---- */

static void part(struct meeting *m)
{
    const struct message bye = {.type = MSG_BYE};
    int64_t until = clock_mono_ms() + PARTING_MS;

    m->has_error = false;
    if (m->has_bye || meeting_send(m, &bye) != OK)
        return;
    while (!m->has_bye && clock_mono_ms() < until && !m->has_error) {
        meeting_progress(m);
        if (meeting_pump(m, STEP_MS) != OK && !m->has_bye && !m->has_error)
            return;
    }
}

enum err sync_explain(const struct msg_error *error)
{
    switch (error->code) {
    case MERR_VERSION:
        return err_set(ERR_DENIED, _("the hub speaks a newer language than this program: install its new version"));
    case MERR_UNKNOWN:
        return err_set(ERR_DENIED, _("the hub does not know this school, or is another district's (%s)"), error->text);
    case MERR_REVOKED:
        return err_set(ERR_DENIED, _("the district has withdrawn this computer's right to send; what you enter is kept "
                                     "here; call the district office"));
    case MERR_HELD:
        return err_set(ERR_DENIED, _("the district has put this school's submissions on hold; what you enter is kept "
                                     "here; call the district office"));
    case MERR_INVITATION_USED:
        return err_set(ERR_DENIED, _("this invitation was used by another computer; ask the district office for a new "
                                     "one"));
    case MERR_INVITATION_EXPIRED:
        return err_set(ERR_DENIED, _("this invitation has expired; ask the district office for a new one"));
    case MERR_INVITATION_LOCKED:
        return err_set(ERR_DENIED, _("this invitation is locked: a wrong code was tried five times; ask the district "
                                     "office for a new one"));
    case MERR_ENROL:
        return err_set(ERR_DENIED, _("the hub does not accept this invitation; ask the district office for a new one"));
    case MERR_BUSY: return err_set(ERR_BUSY, _("the hub is busy and asks to come back in %u s"), error->seconds);
    case MERR_ROOM:
        return err_set(ERR_BUSY,
                       _("the hub has no room on its disk for more; nothing is lost, what waits goes when the district "
                         "office has made room; the next try is in %u s"),
                       error->seconds);
    case MERR_MALFORMED:
    case MERR_ORDER:
    case MERR_SIGNATURE:
    case MERR_SEQUENCE:
    case MERR_LIMIT:
    case MERR_INTERNAL: break;
    }
    return err_set(ERR_DENIED, _("the hub refused what was sent: %s (%s)"), message_error_name(error->code),
                   error->text);
}

static enum err conclude(struct meeting *m, enum err e)
{
    struct sync_result *out = m->out;

    if (e == ERR_DENIED && m->has_error) {
        struct msg_error error = m->error;

        part(m);
        out->refusal = error.code;
        out->outcome = error.code == MERR_BUSY || error.code == MERR_ROOM ? SYNC_LATER : SYNC_REFUSED;
        out->later_seconds = out->outcome == SYNC_LATER ? error.seconds : 0;
        return sync_explain(&error);
    }
    if (e == OK && m->has_welcome && m->welcome.go == WELCOME_LATER) {
        part(m);
        out->outcome = SYNC_LATER;
        out->later_seconds = m->welcome.later_seconds;
        return err_set(ERR_BUSY, _("the hub is busy and asks to come back in %u s"), out->later_seconds);
    }
    if (e == OK && agent_is_stopped(m->a)) {
        const struct msg_error error = {
            .code = m->a->grant->status == GRANT_HELD ? MERR_HELD : MERR_REVOKED}; /* by its signed word */

        part(m);
        out->refusal = error.code;
        out->outcome = SYNC_REFUSED;
        return sync_explain(&error);
    }
    if (e == OK || e == ERR_MALFORMED) {
        char text[SYNC_TEXT];

        (void)snprintf(text, sizeof(text), "%s", err_text());
        part(m);
        if (e != OK)
            (void)err_set(e, "%s", text);
    }
    out->outcome = e == OK ? SYNC_COMPLETE : e == ERR_NET || e == ERR_MALFORMED ? SYNC_UNREACHABLE : SYNC_FAILED;
    return e;
}

static enum err open_link(struct meeting *m, const struct directory_endpoint *at, const struct key *invitation)
{
    struct link_options o = {.url = at->url,
                             .proxy = m->a->conf.proxy,
                             .server_key = at->curve,
                             .curve = m->over_invitation ? invitation : m->a->curve,
                             .connect_ms = m->a->conf.connect_ms,
                             .handshake_ms = m->a->conf.handshake_ms,
                             .cancelled = &cancelled};
    enum err e = link_open(&m->link, &o);

    m->out->outcome = e == ERR_DENIED      ? SYNC_KEY_REFUSED
                      : e == ERR_MALFORMED ? SYNC_NO_HUB
                      : e == ERR_NET       ? SYNC_UNREACHABLE
                                           : SYNC_FAILED;
    return e;
}

/* ---- what is known of the line, from one meeting to the next ---- */

#define LINE_KEY "line"

static int64_t known_rate(const struct agent *a)
{
    int64_t rate = 0;
    struct buf v;

    buf_init(&v, 8);
    if (agent_meta_get(a, NULL, LINE_KEY, &v) == OK && v.len == 8)
        rate = (int64_t)(be64_get(v.data) & INT64_MAX);
    buf_fini(&v);
    return rate;
}

/* Written when the next meeting would begin otherwise with it: a night without news costs the disk nothing.  Nothing
 * depends on it, so that it cannot be written is no failure of the meeting. */
static void keep_rate(struct agent *a, struct line *l, bool is_lost)
{
    struct line before;
    uint8_t raw[8];

    if (is_lost)
        line_lost(l);
    line_init(&before, known_rate(a));
    if ((l->rate == 0) == (before.rate == 0) && line_chunk(&before, CHUNK_MAX) == line_chunk(l, CHUNK_MAX))
        return;
    be64_put(raw, (uint64_t)l->rate);
    if (agent_meta_put(a, NULL, LINE_KEY, bytes_of(raw, sizeof(raw))) != OK)
        log_info("sync: what the line can carry is not remembered: %s", err_text());
}

static enum err meet_at(struct agent *a, const struct directory_endpoint *at, const struct key *invitation,
                        struct compare_run *compare, uint64_t most, struct sync_result *out)
{
    struct meeting *m = calloc(1, sizeof(*m));
    enum err e = OK;

    if (m == NULL)
        return ERR_NOMEM;
    m->a = a;
    m->out = out;
    m->compare = compare;
    m->most = most;
    m->over_invitation = invitation != NULL;
    m->tokens_ms = clock_mono_ms();
    line_init(&m->line, known_rate(a));
    buf_init(&m->enrol, ENROL_MAX);
    if (m->over_invitation && (e = enrolment_request(a, &m->enrol)) != OK)
        out->outcome = SYNC_FAILED;
    if (e == OK && (e = open_link(m, at, invitation)) == OK)
        e = conclude(m, compare != NULL ? meeting_compare(m) : meeting_run(m));
    link_close(m->link);
    if (m->has_welcome) {
        char text[SYNC_TEXT];

        (void)snprintf(text, sizeof(text), "%s", err_text());
        keep_rate(a, &m->line, e == ERR_NET);
        if (e != OK)
            (void)err_set(e, "%s", text);
    }
    reconcile_free(m->plan);
    buf_fini(&m->enrol);
    buf_fini(&m->object.bytes);
    free(m->sent);
    free(m);
    return e;
}

/* ---- all endpoints ---- */

static bool has_key(const struct directory_endpoint *list, uint32_t count, const uint8_t curve[KEY_BYTES])
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(list[i].curve, curve, KEY_BYTES) == 0)
            return true;
    return false;
}

uint32_t sync_addresses(const struct agent *a, struct directory_endpoint list[SYNC_ADDRESSES_MAX])
{
    const struct directory *d = a->directory;
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->endpoint_count && a->conf.address[0] != '\0'; i++)
        if (!has_key(list, count, d->endpoints[i].curve)) {
            memcpy(list[count].curve, d->endpoints[i].curve, KEY_BYTES);
            (void)snprintf(list[count++].url, sizeof(list[0].url), "%s", a->conf.address);
        }
    for (uint32_t i = 0; i < d->endpoint_count; i++)
        list[count++] = d->endpoints[i];
    return count;
}

/* Which of two failures tells a person more. */
static int weight(enum sync_outcome o)
{
    switch (o) {
    case SYNC_UNREACHABLE: return 1;
    case SYNC_NO_HUB: return 2;
    case SYNC_KEY_REFUSED: return 3;
    case SYNC_REFUSED: return 4;
    case SYNC_COMPLETE:
    case SYNC_LATER:
    case SYNC_LOCKED:
    case SYNC_FAILED: break;
    }
    return 5;
}

static bool tries_next(const struct sync_result *out)
{
    return out->outcome == SYNC_UNREACHABLE || out->outcome == SYNC_NO_HUB || out->outcome == SYNC_KEY_REFUSED ||
           (out->outcome == SYNC_REFUSED && out->refusal == MERR_UNKNOWN);
}

enum err sync_endpoints(struct agent *a, const struct key *invitation, struct compare_run *compare, uint64_t most,
                        struct sync_result *out)
{
    struct directory_endpoint list[SYNC_ADDRESSES_MAX]; /* a new directory may come in the meeting */
    uint32_t count = sync_addresses(a, list);
    enum sync_outcome worst = SYNC_UNREACHABLE;
    enum message_error refusal = 0;
    enum err e = err_set(ERR_NET, _("the district's directory names no address of its hub"));
    enum err kept = e;
    char text[SYNC_TEXT];

    (void)snprintf(text, sizeof(text), "%s", err_text());
    out->outcome = SYNC_UNREACHABLE;
    for (uint32_t i = 0; i < count; i++) {
        e = meet_at(a, &list[i], invitation, compare, most, out);
        if (!tries_next(out))
            return e;
        log_info("sync: %s: %s", list[i].url, err_text());
        if (i == 0 || weight(out->outcome) > weight(worst)) {
            worst = out->outcome;
            refusal = out->refusal;
            kept = e;
            (void)snprintf(text, sizeof(text), "%s", err_text());
        }
    }
    out->outcome = worst;
    out->refusal = refusal;
    return err_set(kept, "%s", text);
}

static enum err count_left(const struct agent *a, struct sync_result *out)
{
    struct queue_status s;
    enum err e = queue_status(a, &s);

    if (e == OK)
        out->left = s.batches_open;
    return e;
}

static enum err locked_pass(struct agent *a, uint64_t most, struct sync_result *out)
{
    struct key *invitation = NULL;
    uint64_t again;
    char text[SYNC_TEXT];
    enum err e;

    out->outcome = SYNC_FAILED;
    /* Without a sealing key there is still something to hear: perhaps the directory that names one.  With a full store
     * what is sealed already must go, and the receipts make room. */
    if ((e = queue_reseal(a, &again)) != OK)
        return e;
    if (agent_is_stopped(a)) /* what the district would only put aside stays here, until it says otherwise */
        e = OK;
    else if ((e = queue_seal(a, &out->sealed)) == ERR_NOT_FOUND || e == ERR_FULL)
        log_warning("sync: nothing can be sealed: %s", err_text());
    else if (e != OK)
        return e;
    if (!agent_is_enrolled(a)) {
        uint8_t print[FINGERPRINT_BYTES];

        fingerprint_bytes(print, a->directory->root);
        if (a->code[0] == '\0')
            return err_set(ERR_DENIED, _("this computer has not joined a district, and its invitation is gone"));
        if ((e = invitation_curve(&invitation, a->code, print)) != OK)
            return e;
    }
    e = sync_endpoints(a, invitation, NULL, most, out);
    key_free(invitation);
    (void)snprintf(text, sizeof(text), "%s", err_text());
    if (e == OK)
        e = queue_expire(a, &out->expired);
    if (count_left(a, out) != OK)
        log_warning("sync: %s", err_text());
    return e == OK ? OK : err_set(e, "%s", text);
}

enum err sync_once(struct agent *a, struct sync_result *out)
{
    return sync_once_within(a, UINT64_MAX, out);
}

enum err sync_once_within(struct agent *a, uint64_t most, struct sync_result *out)
{
    int lock = -1;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = agent_lock(a, "sync.lock", &lock)) != OK) {
        out->outcome = e == ERR_BUSY ? SYNC_LOCKED : SYNC_FAILED;
        return e;
    }
    if ((e = aside_take(a)) == OK)
        e = locked_pass(a, most, out);
    else
        out->outcome = SYNC_FAILED;
    agent_unlock(lock);
    return e;
}

/* ---- results between processes ---- */

#define RESULT_NUMBERS (sizeof(struct result_numbers) / sizeof(uint64_t))
struct result_numbers {
    uint64_t outcome, refusal, later_seconds, joined, sealed, batches, records, bytes, resumed, resumed_sequence;
    uint64_t resumed_offset, receipts, counted, superseded, duplicate, quarantined, refused_batches, objects;
    uint64_t new_directory, new_grant, reconciled, already_there, renumbered, left, expired, words, limited;
};

enum err sync_result_encode(struct buf *out, const struct sync_result *r, const char *text)
{
    const struct result_numbers n = {(uint64_t)r->outcome,
                                     (uint64_t)r->refusal,
                                     r->later_seconds,
                                     r->joined,
                                     r->sealed,
                                     r->batches,
                                     r->records,
                                     r->bytes,
                                     r->resumed,
                                     r->resumed_sequence,
                                     r->resumed_offset,
                                     r->receipts,
                                     r->verdicts[VERDICT_COUNTED],
                                     r->verdicts[VERDICT_SUPERSEDED],
                                     r->verdicts[VERDICT_DUPLICATE],
                                     r->verdicts[VERDICT_QUARANTINED],
                                     r->refused_batches,
                                     r->objects,
                                     r->new_directory,
                                     r->new_grant,
                                     r->reconciled,
                                     r->already_there,
                                     r->renumbered,
                                     r->left,
                                     r->expired,
                                     r->words,
                                     r->limited};
    uint64_t list[RESULT_NUMBERS];

    memcpy(list, &n, sizeof(list));
    mp_put_array(out, RESULT_NUMBERS + 1);
    for (size_t i = 0; i < RESULT_NUMBERS; i++)
        mp_put_uint(out, list[i]);
    mp_put_str(out, text, strnlen(text, SYNC_TEXT - 1));
    return buf_status(out);
}

enum err sync_result_decode(struct sync_result *out, char text[SYNC_TEXT], struct bytes in)
{
    struct mp m = mp_of(in);
    struct result_numbers n;
    uint64_t list[RESULT_NUMBERS] = {0};

    (void)mp_array(&m, RESULT_NUMBERS + 1, RESULT_NUMBERS + 1);
    for (size_t i = 0; i < RESULT_NUMBERS; i++)
        list[i] = mp_uint(&m, UINT64_MAX);
    mp_text(&m, text, 0, SYNC_TEXT - 1);
    memcpy(&n, list, sizeof(n));
    if (!mp_done(&m) || n.outcome > SYNC_FAILED || n.refusal > MERR_LAST)
        return err_set(ERR_MALFORMED, _("an answer of the running svodka-agent cannot be read"));
    *out = (struct sync_result){.outcome = (enum sync_outcome)n.outcome,
                                .refusal = (enum message_error)n.refusal,
                                .later_seconds = (uint32_t)n.later_seconds,
                                .joined = n.joined != 0,
                                .sealed = n.sealed,
                                .batches = n.batches,
                                .records = n.records,
                                .bytes = n.bytes,
                                .resumed = n.resumed,
                                .resumed_sequence = n.resumed_sequence,
                                .resumed_offset = (uint32_t)n.resumed_offset,
                                .receipts = n.receipts,
                                .verdicts = {n.counted, n.superseded, n.duplicate, n.quarantined},
                                .refused_batches = n.refused_batches,
                                .words = n.words,
                                .objects = n.objects,
                                .new_directory = n.new_directory != 0,
                                .new_grant = n.new_grant != 0,
                                .reconciled = n.reconciled,
                                .already_there = n.already_there,
                                .renumbered = n.renumbered,
                                .left = n.left,
                                .expired = n.expired,
                                .limited = n.limited != 0};
    return OK;
}
