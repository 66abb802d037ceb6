#include "agent/door.h"

#include "agent/sync.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS   60000
#define HANDSHAKE_MS 120000
#define SILENCE_MS   120000
#define PARTING_MS   5000
#define AT_ONCE      4u /* unanswered GETs */

/* Where something stands in `keep`, which may still move. */
struct place {
    size_t at, len;
};

struct visit {
    struct link *link;
    const struct ticket *ticket;
    struct buf *keep;
    struct message in;
    struct directory directory;
    struct grant grant;
    uint8_t root[KEY_BYTES];
    struct place directory_at, grant_at, objects_at[DIRECTORY_MAX_FORMS];
    uint32_t object_count;
    /* The objects that are wanted, by their place in the directory; what was asked for, and what is here. */
    uint32_t wanted[DIRECTORY_MAX_FORMS], wanted_count;
    uint32_t ask_next, ask_offset, get_next;
};

/* ---- messages ---- */

static enum err receive(struct visit *v)
{
    int64_t until = clock_mono_ms() + SILENCE_MS;
    struct bytes frame;
    enum err e;

    do {
        int64_t left = until - clock_mono_ms();

        if (left <= 0)
            return err_set(ERR_NET, _("the hub does not answer the greeting"));
        if ((e = link_receive(v->link, left, &frame)) == OK)
            e = message_decode(&v->in, frame);
    } while (e == ERR_NOT_FOUND || e == ERR_VERSION); /* nothing yet, or of a later hub */
    if (e == OK && v->in.type == MSG_ERROR)
        return sync_explain(&v->in.as.error);
    return e;
}

static void part(struct visit *v)
{
    const struct message bye = {.type = MSG_BYE};
    int64_t until = clock_mono_ms() + PARTING_MS;
    struct bytes frame;

    if (link_send(v->link, &bye) != OK)
        return;
    while (clock_mono_ms() < until) {
        enum err e = link_receive(v->link, until - clock_mono_ms(), &frame);

        if (e != OK || (message_decode(&v->in, frame) == OK && v->in.type == MSG_BYE))
            return;
    }
}

static enum err keep_bytes(struct visit *v, struct bytes b, struct place *where)
{
    where->at = v->keep->len;
    where->len = b.len;
    buf_put(v->keep, b.p, b.len);
    return buf_status(v->keep);
}

/* ---- who the hub is ---- */

static enum err greet(struct visit *v)
{
    struct message *out = calloc(1, sizeof(*out));
    struct msg_hello *h;
    enum err e;

    if (out == NULL)
        return ERR_NOMEM;
    out->type = MSG_HELLO;
    h = &out->as.hello;
    h->version_min = MESSAGE_VERSION_MIN;
    h->version_max = MESSAGE_VERSION_MAX;
    (void)snprintf(h->participant, sizeof(h->participant), "%s", HELLO_NOBODY);
    h->gen.counter = 1;
    random_bytes(h->gen.tag, sizeof(h->gen.tag));
    (void)snprintf(h->software, sizeof(h->software), "svodka-agent %s", SVODKA_VERSION);
    h->agent_ms = clock_wall_ms();
    if ((e = link_send(v->link, out)) == OK)
        e = receive(v);
    free(out);
    if (e == OK && v->in.type != MSG_WELCOME)
        e = err_set(ERR_MALFORMED, _("the hub's answers cannot be read; nothing was changed"));
    if (e == OK && v->in.as.welcome.go == WELCOME_LATER)
        e = err_set(ERR_BUSY, _("the hub is busy and asks to come back in %u s"), v->in.as.welcome.later_seconds);
    return e;
}

static enum err not_the_one(void)
{
    return err_set(ERR_AUTH, _("the hub that answers is not the one of this fingerprint; nothing was kept. Compare the "
                               "fingerprint and the address with the sheet, and call the district office."));
}

/* Nothing is kept or used before the whole chain hangs on the fingerprint that a person typed from paper. */
static enum err take_identity(struct visit *v, const struct msg_welcome *w)
{
    uint8_t print[FINGERPRINT_BYTES];
    enum err e = directory_named_root(v->root, w->directory);

    if (e == ERR_NOMEM)
        return e;
    if (e == OK)
        fingerprint_bytes(print, v->root);
    if (e != OK || !fingerprint_equal(print, v->ticket->print) ||
        directory_open(&v->directory, w->directory, v->root) != OK ||
        grant_open(&v->grant, w->grant, v->directory.hub_sign) != OK ||
        memcmp(v->grant.district, v->directory.district, DISTRICT_BYTES) != 0)
        return not_the_one();
    if (v->ticket->participant[0] != '\0' && strcmp(v->ticket->participant, v->grant.participant) != 0)
        return err_set(ERR_AUTH, _("the code belongs to %s (%s), and the sheet says %s; call the district office"),
                       v->grant.name, v->grant.participant, v->ticket->participant);
    if ((e = keep_bytes(v, w->directory, &v->directory_at)) == OK)
        e = keep_bytes(v, w->grant, &v->grant_at);
    return e;
}

/* ---- objects ---- */

static void choose(struct visit *v)
{
    size_t room = v->keep->max - v->keep->len;

    for (uint32_t i = 0; i < v->directory.object_count; i++) {
        const struct directory_object *o = &v->directory.objects[i];

        if (!o->is_current || o->size > room)
            continue;
        room -= o->size;
        v->wanted[v->wanted_count++] = i;
    }
}

static const struct directory_object *wanted(const struct visit *v, uint32_t n)
{
    return &v->directory.objects[v->wanted[n]];
}

static enum err ask_more(struct visit *v, uint32_t *unanswered)
{
    enum err e = OK;

    while (e == OK && *unanswered < AT_ONCE && v->ask_next < v->wanted_count) {
        const struct directory_object *o = wanted(v, v->ask_next);
        struct message out = {.type = MSG_GET};

        memcpy(out.as.get.digest, o->digest, DIGEST_BYTES);
        out.as.get.offset = v->ask_offset;
        e = link_send(v->link, &out);
        ++*unanswered;
        v->ask_offset += CHUNK_MAX;
        if (v->ask_offset >= o->size) {
            v->ask_next++;
            v->ask_offset = 0;
        }
    }
    return e;
}

static enum err take_piece(struct visit *v, const struct msg_object *piece)
{
    const struct directory_object *o = wanted(v, v->get_next);
    struct place *where = &v->objects_at[v->object_count];

    if (where->len == 0)
        where->at = v->keep->len;
    if (!digest_equal(piece->digest, o->digest) || piece->total != o->size || piece->offset != where->len ||
        piece->data.len == 0)
        return err_set(ERR_MALFORMED, _("the hub does not give what its directory lists; nothing was kept"));
    buf_put(v->keep, piece->data.p, piece->data.len);
    where->len += piece->data.len;
    if (where->len == o->size) {
        v->get_next++;
        v->object_count++;
    }
    return buf_status(v->keep);
}

static enum err fetch(struct visit *v)
{
    uint32_t unanswered = 0;
    enum err e = OK;

    choose(v);
    while (e == OK && v->get_next < v->wanted_count) {
        if ((e = ask_more(v, &unanswered)) != OK || (e = receive(v)) != OK)
            break;
        if (v->in.type != MSG_OBJECT)
            continue;
        unanswered--;
        e = take_piece(v, &v->in.as.object);
    }
    return e;
}

/* ---- a visit ---- */

static struct bytes loan(const struct visit *v, struct place where)
{
    return bytes_of(v->keep->data + where.at, where.len);
}

static enum err conclude(const struct visit *v, struct invitation *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->code, v->ticket->code, sizeof(out->code));
    memcpy(out->root, v->root, KEY_BYTES);
    out->expires_ms = v->ticket->expires_ms;
    out->directory = loan(v, v->directory_at);
    out->grant = loan(v, v->grant_at);
    for (uint32_t i = 0; i < v->object_count; i++)
        out->objects[out->object_count++] = loan(v, v->objects_at[i]);
    return invitation_check(out);
}

static enum err open_door(struct visit *v, const char *url, const struct key *door, const struct key *code,
                          const volatile sig_atomic_t *cancelled)
{
    const struct link_options o = {.url = url,
                                   .server_key = key_public(door),
                                   .curve = code,
                                   .connect_ms = CONNECT_MS,
                                   .handshake_ms = HANDSHAKE_MS,
                                   .cancelled = cancelled};
    enum err e = link_open(&v->link, &o);

    if (e == ERR_DENIED)
        return err_set(e,
                       _("the hub does not know this code: compare it with the sheet letter by letter. A newer sheet "
                         "makes an older one worthless."));
    if (e == ERR_MALFORMED)
        return err_set(e,
                       _("%s: no door of this fingerprint there: compare the address and the fingerprint with the "
                         "sheet"),
                       url);
    return e;
}

static enum err visit(struct invitation *out, struct buf *keep, const struct ticket *t, const char *url,
                      const struct key *door, const struct key *code, const volatile sig_atomic_t *cancelled)
{
    struct visit *v = calloc(1, sizeof(*v));
    enum err e;

    if (v == NULL)
        return ERR_NOMEM;
    v->ticket = t;
    v->keep = keep;
    buf_reset(keep);
    if ((e = open_door(v, url, door, code, cancelled)) == OK && (e = greet(v)) == OK &&
        (e = take_identity(v, &v->in.as.welcome)) == OK && (e = fetch(v)) == OK && (e = conclude(v, out)) == OK)
        part(v);
    link_close(v->link);
    free(v);
    return e;
}

enum err door_fetch(struct invitation *out, struct buf *keep, const struct ticket *t,
                    const volatile sig_atomic_t *cancelled)
{
    struct key *door = NULL, *code = NULL;
    enum err e = door_key(&door, t->print);

    if (e == OK)
        e = invitation_curve(&code, t->code, t->print);
    if (e == OK)
        e = err_set(ERR_USAGE, _("the address of the hub is missing"));
    for (uint32_t i = 0; i < t->door_count && (i == 0 || e == ERR_NET || e == ERR_MALFORMED); i++)
        if (door != NULL && code != NULL && (e = visit(out, keep, t, t->doors[i], door, code, cancelled)) != OK)
            log_info("join: %s: %s", t->doors[i], err_text());
    key_free(door);
    key_free(code);
    if (e != OK) {
        wipe(out, sizeof(*out));
        buf_wipe(keep);
    }
    return e;
}
