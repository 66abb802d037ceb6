#include "agent/word.h"

#include "agent/own_history.h"
#include "agent/standing.h"
#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_KEY "words-held"

enum err agent_words_held(const struct agent *a, struct store_txn *t, uint64_t *serial)
{
    struct buf v;
    enum err e;

    buf_init(&v, 8);
    e = agent_meta_get(a, t, HELD_KEY, &v);
    if (e == OK && v.len != 8)
        e = err_set(ERR_CORRUPT, _("%s: the number of the district's last word is damaged"), a->dir);
    *serial = e == OK ? be64_get(v.data) : 0;
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- notices ---- */

/* An opened notice and what a person is told about it. */
struct telling {
    struct notice notice;
    struct standing_news news;
};

static struct standing_row row_of(const struct notice *n, const struct notice_entry *at)
{
    struct standing_row row = {at->standing, n->hub_ms, at->why};

    if (row.why.reason == 0 && row.why.text[0] == '\0') /* the operator's words are about all of them */
        utf8_copy(row.why.text, sizeof(row.why.text), n->text);
    return row;
}

static enum err prepare_notice(const struct agent *a, struct bytes object, struct telling **out)
{
    struct telling *x = calloc(1, sizeof(*x));
    enum err e;

    if (x == NULL)
        return ERR_NOMEM;
    if ((e = notice_open(&x->notice, object, a->directory->hub_sign)) != OK) {
        free(x);
        return e;
    }
    for (uint32_t i = 0; i < x->notice.entry_count && i < STANDING_TOLD; i++) {
        struct standing_row row = row_of(&x->notice, &x->notice.entries[i]);

        standing_tell(a, &x->news, &x->notice.entries[i].ref, &row);
    }
    if (x->notice.entry_count > STANDING_TOLD)
        standing_tell_more(&x->news, x->notice.entry_count - STANDING_TOLD);
    *out = x;
    return OK;
}

static enum err apply_notice(struct agent *a, struct store_txn *t, const struct telling *x)
{
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < x->notice.entry_count; i++) {
        struct standing_row row = row_of(&x->notice, &x->notice.entries[i]);

        e = standing_put(a, t, &x->notice.entries[i].ref, &row);
    }
    for (unsigned i = 0; e == OK && i < x->news.count; i++)
        e = agent_tell_in(a, t, x->news.texts[i]);
    if (e == OK && x->notice.text[0] != '\0') {
        char text[NOTICE_TEXT_MAX + 100];

        (void)snprintf(text, sizeof(text), _("The district writes: %s"), x->notice.text);
        e = agent_tell_in(a, t, text);
    }
    return e;
}

static void free_telling(struct telling *x)
{
    if (x == NULL)
        return;
    notice_fini(&x->notice);
    free(x);
}

/* ---- any word ---- */

static enum err check_place(const struct agent *a, struct store_txn *t, const struct word_head *h, bool *is_new)
{
    uint64_t held;
    enum err e = agent_words_held(a, t, &held);

    *is_new = e == OK && h->serial > held;
    if (*is_new && h->previous > held)
        return err_set(ERR_NOT_FOUND, _("a word of the district was left for later: one before it has not come yet"));
    return e;
}

static enum err put_held(struct agent *a, struct store_txn *t, uint64_t serial)
{
    uint8_t raw[8];

    be64_put(raw, serial);
    return agent_meta_put(a, t, HELD_KEY, bytes_of(raw, sizeof(raw)));
}

static enum err take_notice(struct agent *a, const struct word_head *h, struct bytes object)
{
    struct telling *x = NULL;
    struct store_txn *t = NULL;
    bool is_new = false;
    enum err e = prepare_notice(a, object, &x);

    if (e != OK || (e = store_begin_write(a->store, &t)) != OK)
        goto done;
    if ((e = check_place(a, t, h, &is_new)) == OK && is_new && (e = apply_notice(a, t, x)) == OK)
        e = put_held(a, t, h->serial);
    if (e == OK && is_new)
        e = store_commit(t);
    else
        store_abort(t);
done:
    free_telling(x);
    return e;
}

static enum err take_history(struct agent *a, const struct word_head *h, struct bytes object)
{
    struct own_page *p = NULL;
    struct store_txn *t = NULL;
    bool is_new = false;
    enum err e = own_page_open(&p, a, object);

    if (e != OK || (e = store_begin_write(a->store, &t)) != OK)
        goto done;
    if ((e = check_place(a, t, h, &is_new)) == OK && is_new && (e = own_page_take(a, t, p)) == OK)
        e = put_held(a, t, h->serial);
    if (e == OK && is_new)
        e = store_commit(t);
    else
        store_abort(t);
done:
    own_page_free(p);
    return e;
}

enum err agent_take_word(struct agent *a, struct bytes object)
{
    struct word_head h;
    enum signed_type type;
    bool is_new;
    enum err e = word_open_head(&h, &type, object, a->directory->hub_sign);

    if (e != OK)
        return e;
    if (memcmp(h.district, a->directory->district, sizeof(h.district)) != 0 ||
        strcmp(h.participant, a->grant->participant) != 0)
        return err_set(ERR_AUTH, _("a word of the district is for another participant"));
    if ((e = check_place(a, NULL, &h, &is_new)) != OK || !is_new)
        return e;
    return type == SIGNED_NOTICE ? take_notice(a, &h, object) : take_history(a, &h, object);
}
