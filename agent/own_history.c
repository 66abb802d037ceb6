#include "agent/own_history.h"

#include "agent/queue.h"
#include "agent/standing.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define WANT_KEY "want/"
#define TOLD_KEY "history-told"

struct own_page {
    struct history page;
    struct batch_header header;
    bool has_header;
    struct batch_plain *plain;
};

void own_page_free(struct own_page *p)
{
    if (p == NULL)
        return;
    batch_plain_free(p->plain);
    if (p->has_header)
        batch_header_fini(&p->header);
    history_fini(&p->page);
    free(p);
}

static enum err open_batch(struct own_page *p, const struct agent *a)
{
    enum err e = batch_parse(&p->header, p->page.batch);

    if (e != OK)
        return e;
    p->has_header = true;
    if (memcmp(p->header.district, a->directory->district, sizeof(p->header.district)) != 0 ||
        strcmp(p->header.participant, a->grant->participant) != 0)
        return err_set(ERR_AUTH, _("the district gave back what is not this school's own"));
    if ((e = batch_verify(&p->header, p->page.batch, p->header.sign_key)) != OK)
        return e;
    return batch_open(&p->plain, &p->header, p->page.batch, &p->page.keys, p->page.section_mask);
}

static enum err no_key(void)
{
    return err_set(ERR_NOT_FOUND, _("this computer has no key for what the district gives back (keys/seal.key)"));
}

enum err own_page_open(struct own_page **out, const struct agent *a, struct bytes object,
                       const uint8_t hub_sign[KEY_BYTES])
{
    struct own_page *p;
    enum err e;

    if (a->history_key == NULL)
        return no_key();
    if ((p = calloc(1, sizeof(*p))) == NULL)
        return ERR_NOMEM;
    e = history_open(&p->page, object, hub_sign, a->history_key);
    if (e == ERR_AUTH) /* the signature is good: it is the seal */
        e = no_key();
    if (e != OK || (e = open_batch(p, a)) != OK) {
        own_page_free(p);
        return e;
    }
    *out = p;
    return OK;
}

/* ---- forms ---- */

static struct bytes want_key(uint8_t raw[sizeof(WANT_KEY) - 1 + DIGEST_BYTES], const uint8_t form[DIGEST_BYTES])
{
    memcpy(raw, WANT_KEY, sizeof(WANT_KEY) - 1);
    memcpy(raw + sizeof(WANT_KEY) - 1, form, DIGEST_BYTES);
    return bytes_of(raw, sizeof(WANT_KEY) - 1 + DIGEST_BYTES);
}

enum err own_history_wants(struct store_txn *t, const uint8_t form[DIGEST_BYTES], bool *is_wanted)
{
    uint8_t raw[sizeof(WANT_KEY) - 1 + DIGEST_BYTES];
    struct bytes value;
    enum err e = store_get(t, T_META, want_key(raw, form), &value);

    *is_wanted = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err want_forms(const struct agent *a, struct store_txn *t, const struct batch_plain *plain)
{
    uint8_t last[DIGEST_BYTES] = {0};
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < batch_plain_count(plain); i++) {
        uint8_t raw[sizeof(WANT_KEY) - 1 + DIGEST_BYTES];
        struct record r;

        if (record_decode_head(&r, batch_plain_record(plain, i, NULL, NULL)) != OK ||
            memcmp(r.form, last, DIGEST_BYTES) == 0)
            continue;
        memcpy(last, r.form, DIGEST_BYTES);
        if (agent_form_by_digest(a, r.form) == NULL)
            e = store_put(t, T_META, want_key(raw, r.form), bytes_of("", 0));
    }
    return e;
}

/* ---- taking ---- */

static enum err put_apart(struct agent *a, struct store_txn *t, const struct own_page *p)
{
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < p->page.apart_count; i++) {
        const struct history_apart *at = &p->page.apart[i];
        struct record_ref ref = {p->header.gen, at->number};
        struct standing_row row = {
            .standing = at->standing, .hub_ms = p->page.hub_ms, .why = {.reason = (enum quarantine_reason)at->reason}};

        e = standing_put(a, t, &ref, &row);
    }
    return e;
}

static enum err tell_once(struct agent *a, struct store_txn *t)
{
    struct buf v;
    enum err e;

    buf_init(&v, 8);
    e = agent_meta_get(a, t, TOLD_KEY, &v);
    buf_fini(&v);
    if (e != ERR_NOT_FOUND)
        return e;
    if ((e = agent_meta_put(a, t, TOLD_KEY, bytes_of("1", 1))) != OK)
        return e;
    return agent_tell_in(a, t,
                         _("The district gives back what this school sent from its earlier computer. \"svodka-agent "
                           "history\" shows it; it can be corrected from here and is not sent again."));
}

/* Of this computer's own work nothing is lacking. */
static bool is_ours(const struct agent *a, const struct own_page *p)
{
    return digest_equal(p->header.sign_key, key_public(a->sign));
}

enum err own_page_take(struct agent *a, struct store_txn *t, const struct own_page *p)
{
    enum err e;

    if (is_ours(a, p))
        return OK;
    if ((e = queue_put_history(a, t, &p->header.gen, p->plain)) != OK || (e = put_apart(a, t, p)) != OK ||
        (e = want_forms(a, t, p->plain)) != OK)
        return e;
    return tell_once(a, t);
}
