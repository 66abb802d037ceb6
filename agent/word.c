#include "agent/word.h"

#include "agent/aside.h"
#include "agent/excused.h"
#include "agent/figures.h"
#include "agent/own_history.h"
#include "agent/questions.h"
#include "agent/standing.h"
#include "common/cli.h"
#include "common/utf8.h"

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

static struct standing_row row_of(const struct notice *n, const struct notice_entry *at)
{
    struct standing_row row = {at->standing, n->hub_ms, at->why, at->act};

    if (row.why.reason == 0 && row.why.text[0] == '\0') /* the operator's words are about all of them */
        utf8_copy(row.why.text, sizeof(row.why.text), n->text);
    return row;
}

static enum err apply_notice(struct agent *a, struct store_txn *t, const void *notice)
{
    const struct notice *n = notice;
    uint32_t most = n->kind == NOTICE_ERASED ? STANDING_TOLD_ERASED : STANDING_TOLD;
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < n->entry_count; i++) {
        struct standing_row row = row_of(n, &n->entries[i]);

        e = standing_put(a, t, &n->entries[i].ref, &row);
        if (e == OK && i < most)
            e = standing_tell(a, t, &n->entries[i].ref, &row);
    }
    if (e == OK && n->entry_count > most)
        e = standing_tell_more(a, t, n->entry_count - most);
    if (e == OK && n->has_about && (n->kind == NOTICE_QUESTION || n->kind == NOTICE_ACCEPTED))
        return questions_take(a, t, n);
    if (e == OK && n->has_about && (n->kind == NOTICE_EXCUSED || n->kind == NOTICE_EXCUSE_ENDED))
        return excused_take(a, t, n);
    return e == OK ? standing_tell_text(a, t, n->text) : e;
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

/* A word that was opened, and what it does; `object` alone: it is put aside. */
struct opened {
    struct bytes object;
    enum err (*apply)(struct agent *a, struct store_txn *t, const void *content);
    const void *content;
};

/* Once, in its place, and that it is held in the same transaction. */
static enum err take_opened(struct agent *a, const struct word_head *h, const struct opened *o)
{
    struct store_txn *t = NULL;
    bool is_new = false;
    enum err e = store_begin_write(a->store, &t);

    if (e == OK && (e = check_place(a, t, h, &is_new)) == OK && is_new &&
        (e = o->apply != NULL ? o->apply(a, t, o->content) : aside_put(a, t, h->serial, o->object)) == OK)
        e = put_held(a, t, h->serial);
    if (e == OK && is_new)
        return store_commit(t);
    store_abort(t);
    return e;
}

static enum err apply_page(struct agent *a, struct store_txn *t, const void *page)
{
    return own_page_take(a, t, page);
}

static enum err apply_figures(struct agent *a, struct store_txn *t, const void *figures)
{
    return own_figures_take(a, t, figures);
}

static enum err take_notice(struct agent *a, const struct word_head *h, struct bytes object)
{
    struct notice n;
    enum err e = notice_open(&n, object, a->directory->hub_sign);

    if (e != OK)
        return e;
    e = take_opened(a, h, &(struct opened){object, apply_notice, &n});
    notice_fini(&n);
    return e;
}

/* ERR_NOT_FOUND at opening, here and below: this computer has no key for it. */
static enum err take_history(struct agent *a, const struct word_head *h, struct bytes object)
{
    struct own_page *p = NULL;
    enum err e = own_page_open(&p, a, object, a->directory->hub_sign);

    if (e == OK || e == ERR_NOT_FOUND)
        e = take_opened(a, h, &(struct opened){object, e == OK ? apply_page : NULL, p});
    own_page_free(p);
    return e;
}

static enum err take_figures(struct agent *a, const struct word_head *h, struct bytes object)
{
    struct own_figures *x = NULL;
    enum err e = own_figures_open(&x, a, object, a->directory->hub_sign);

    if (e == OK || e == ERR_NOT_FOUND)
        e = take_opened(a, h, &(struct opened){object, e == OK ? apply_figures : NULL, x});
    own_figures_free(x);
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
    if (type == SIGNED_FIGURES)
        return take_figures(a, &h, object);
    return type == SIGNED_NOTICE ? take_notice(a, &h, object) : take_history(a, &h, object);
}
