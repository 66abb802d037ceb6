#include "agent/enrolment.h"

#include "common/cli.h"
#include "common/clock.h"
#include "protocol/join_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- made once ---- */

static enum err make_request(struct agent *a, struct buf *out, uint8_t transcript[DIGEST_BYTES])
{
    struct enrol_request r = {.made_ms = clock_wall_ms()};
    uint8_t mac[KEY_BYTES];
    uint8_t seal_to[KEY_BYTES];
    enum err e = directory_current_seal_key(a->directory, seal_to);

    if (e != OK)
        return e;
    memcpy(r.district, a->directory->district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "%s", a->grant->participant);
    memcpy(r.sign_key, key_public(a->sign), KEY_BYTES);
    memcpy(r.curve_key, key_public(a->curve), KEY_BYTES);
    random_bytes(r.nonce, sizeof(r.nonce));
    r.has_history_key = a->history_key != NULL;
    if (r.has_history_key)
        memcpy(r.history_key, key_public(a->history_key), KEY_BYTES);
    invitation_mac_key(mac, a->code, a->directory->district);
    if ((e = enrol_make(out, &r, a->sign, mac, seal_to)) == OK)
        enrol_transcript(transcript, a->directory->root, &r);
    wipe(mac, sizeof(mac));
    return e;
}

enum err enrolment_request(struct agent *a, struct buf *out)
{
    uint8_t transcript[DIGEST_BYTES];
    enum err e = agent_meta_get(a, NULL, "enrolment", out);

    if (e != ERR_NOT_FOUND)
        return e;
    buf_reset(out);
    if (a->code[0] == '\0')
        return err_set(ERR_DENIED, _("this computer has not joined a district, and its invitation is gone"));
    /* The words first: a request without them would stay without them. */
    if ((e = make_request(a, out, transcript)) == OK &&
        (e = agent_meta_put(a, NULL, "transcript", bytes_of(transcript, sizeof(transcript)))) == OK)
        e = agent_meta_put(a, NULL, "enrolment", bytes_of(out->data, out->len));
    return e;
}

enum err enrolment_words(const struct agent *a, char out[SIX_WORDS_MAX])
{
    struct buf transcript;
    enum err e;

    buf_init(&transcript, DIGEST_BYTES);
    e = agent_meta_get(a, NULL, "transcript", &transcript);
    if (e == OK && transcript.len != DIGEST_BYTES)
        e = ERR_NOT_FOUND;
    if (e == OK)
        six_words(out, transcript.data, cli_is_russian());
    buf_fini(&transcript);
    return e;
}

/* ---- as files ---- */

enum err enrolment_write(struct agent *a, struct buf *text)
{
    struct join_request r = {.sealed = {NULL, 0}};
    struct buf sealed;
    enum err e;

    if (agent_is_enrolled(a))
        return err_set(ERR_EXISTS, _("this computer has joined the district already: nothing has to be asked for"));
    buf_init(&sealed, ENROL_MAX);
    e = enrolment_request(a, &sealed);
    if (e == ERR_NOT_FOUND)
        e = err_set(e, _("the invitation names no key that a request could be sealed to; ask the district office for a "
                         "new invitation"));
    if (e == OK) {
        memcpy(r.district, a->directory->district, sizeof(r.district));
        (void)snprintf(r.participant, sizeof(r.participant), "%s", a->grant->participant);
        r.sealed = bytes_of(sealed.data, sealed.len);
        e = join_request_write(text, &r, a->grant->name, a->directory->name);
    }
    buf_fini(&sealed);
    return e;
}

static enum err check_grant(const struct agent *a, const struct grant *g)
{
    if (memcmp(g->district, a->directory->district, sizeof(g->district)) != 0 ||
        strcmp(g->participant, a->grant->participant) != 0)
        return err_set(ERR_AUTH, _("this answer is for %s (%s), and this computer belongs to %s"), g->name,
                       g->participant, a->grant->participant);
    if (!grant_has_keys(g))
        return err_set(ERR_AUTH, _("this is not yet the answer to a request: nobody has joined by it"));
    return agent_check_grant_keys(a, g);
}

/* The chain from our root key down to our own keys, before anything is kept. */
static enum err check_answer(const struct agent *a, const struct join_grant *answer, struct directory *d,
                             struct grant *g)
{
    enum err e = directory_open(d, answer->directory, a->directory->root);

    if (e == OK)
        e = grant_open(g, answer->grant, d->hub_sign);
    if (e == ERR_AUTH)
        return err_set(e, _("this answer does not come from the district that invited this computer"));
    return e == OK ? check_grant(a, g) : e;
}

static enum err keep_answer(struct agent *a, const struct join_grant *answer, const struct directory *d,
                            const struct grant *g, bool *was_known)
{
    enum err e = OK;

    if (d->version > a->directory->version)
        e = agent_take_directory(a, answer->directory);
    if (e != OK)
        return e;
    *was_known = agent_is_enrolled(a) && g->version <= a->grant->version;
    if (*was_known)
        return OK;
    if (!digest_equal(d->hub_sign, a->directory->hub_sign))
        return err_set(ERR_VERSION,
                       _("this answer is old: the district has changed its keys since; ask for a new one"));
    return agent_take_grant(a, answer->grant);
}

enum err enrolment_take(struct agent *a, struct bytes text, bool *was_known)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct grant *g = calloc(1, sizeof(*g));
    struct join_grant answer;
    struct buf keep;
    enum err e = d == NULL || g == NULL ? ERR_NOMEM : OK;

    *was_known = false;
    buf_init(&keep, JOIN_GRANT_MAX);
    if (e == OK && (e = join_grant_read(&answer, &keep, text)) == OK && (e = check_answer(a, &answer, d, g)) == OK)
        e = keep_answer(a, &answer, d, g, was_known);
    buf_fini(&keep);
    free(d);
    free(g);
    return e;
}
