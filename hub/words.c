#include "hub/words.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/utf8.h"
#include "hub/figures.h"
#include "hub/home_internal.h"
#include "hub/own_history.h"
#include "hub/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR_KEY    "words-floor" /* u64: new serials are above it */
#define KEY_LEN      12u           /* participant index u32 | serial u64 */
#define RESTART_STEP (UINT64_C(1) << 32)

static struct bytes word_key(uint8_t raw[KEY_LEN], uint32_t participant, uint64_t serial)
{
    be32_put(raw, participant);
    be64_put(raw + 4, serial);
    return bytes_of(raw, KEY_LEN);
}

static bool is_of(struct bytes key, uint32_t participant)
{
    return key.len == KEY_LEN && be32_get(key.p) == participant;
}

static enum err floor_get(struct store_txn *t, uint64_t *out)
{
    struct bytes value;
    enum err e = hub_meta_get(t, FLOOR_KEY, &value);

    *out = 0;
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e == OK && value.len != 8)
        return err_set(ERR_CORRUPT, "the place from which words are numbered is damaged");
    if (e == OK)
        *out = be64_get(value.p);
    return e;
}

/* Greatest serial at or below `upto`; 0: none. */
static enum err last_upto(struct store_txn *t, uint32_t participant, uint64_t upto, uint64_t *serial)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[KEY_LEN + 1];
    enum err e = store_cursor_open(t, H_WORDS, &c);

    *serial = 0;
    if (e != OK)
        return e;
    (void)word_key(raw, participant, upto);
    raw[KEY_LEN] = 0; /* the least key above */
    e = store_seek_before(c, bytes_of(raw, sizeof(raw)), &key, &value);
    if (e == OK && is_of(key, participant))
        *serial = be64_get(key.p + 4);
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err words_last(struct store_txn *t, uint32_t participant, uint64_t *serial)
{
    return last_upto(t, participant, UINT64_MAX, serial);
}

static enum err put_word(struct store_txn *t, uint32_t participant, uint64_t serial, enum word_kind kind,
                         struct bytes content)
{
    uint8_t raw[KEY_LEN];
    struct buf value;
    enum err e;

    buf_init(&value, SIGNED_MAX);
    buf_put_u8(&value, (uint8_t)kind);
    buf_put(&value, content.p, content.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_WORDS, word_key(raw, participant, serial), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err words_add(struct hub *h, struct store_txn *t, uint32_t participant, enum word_kind kind, struct bytes content,
                   uint64_t *serial)
{
    uint64_t last;
    uint64_t least;
    enum err e;

    (void)h;
    if ((e = words_last(t, participant, &last)) != OK || (e = floor_get(t, &least)) != OK)
        return e;
    *serial = (last > least ? last : least) + 1;
    return put_word(t, participant, *serial, kind, content);
}

enum err words_notice(struct hub *h, struct store_txn *t, uint32_t participant, enum notice_kind kind, const char *text,
                      const struct notice_entry *entries, size_t count)
{
    size_t at = 0;
    enum err e = OK;

    if (count == 0 && text[0] == '\0')
        return OK;
    do {
        struct notice n = {.hub_ms = clock_wall_ms(), .kind = kind};
        uint64_t serial;
        struct buf body;

        utf8_copy(n.text, sizeof(n.text), text);
        n.entry_count = (uint32_t)(count - at < NOTICE_MAX_ENTRIES ? count - at : NOTICE_MAX_ENTRIES);
        if (n.entry_count > 0) {
            if ((n.entries = calloc(n.entry_count, sizeof(*n.entries))) == NULL)
                return ERR_NOMEM;
            memcpy(n.entries, entries + at, n.entry_count * sizeof(*n.entries));
        }
        at += n.entry_count;
        buf_init(&body, SIGNED_MAX);
        notice_put_body(&body, &n);
        if ((e = buf_status(&body)) == OK)
            e = words_add(h, t, participant, WORD_NOTICE, bytes_of(body.data, body.len), &serial);
        buf_fini(&body);
        notice_fini(&n);
    } while (e == OK && at < count);
    return e;
}

/* ---- leaving ---- */

/* In the place of a word that this computer cannot take, so that those behind it come through. */
static enum err make_newer(struct hub *h, struct buf *out, const struct word_head *head)
{
    struct notice n = {.head = *head, .hub_ms = clock_wall_ms(), .kind = NOTICE_NEWER};

    utf8_copy(n.text, sizeof(n.text),
              _("The district has something for this school that this program cannot show: ask for a newer "
                "svodka-agent, then ask the office to publish it again."));
    return notice_make(out, &n, h->sign);
}

/* What is made of a word's content when it leaves. */
static enum err make_word(struct hub *h, struct store_txn *t, const struct participant *who, struct buf *out,
                          enum word_kind kind, const struct word_head *head, struct bytes content)
{
    switch (kind) {
    case WORD_FIGURES: {
        enum err e = figures_make_word(h, t, who, head, content, out);

        return e == ERR_NOT_FOUND ? make_newer(h, out, head)
                                  : e; /* its computer has no key that it could be sealed to */
    }
    case WORD_NOTICE: return notice_make_of(out, head, content, h->sign);
    case WORD_HISTORY: {
        enum err e = own_history_make(h, t, who, head, content, out);
        struct notice erased = {.head = *head, .hub_ms = clock_wall_ms(), .kind = NOTICE_ERASED};

        /* What was erased meanwhile comes back to nobody; the next word has its place all the same. */
        return e == ERR_ERASED ? notice_make(out, &erased, h->sign) : e;
    }
    }
    return err_set(ERR_CORRUPT, "word %llu to %s is of an unknown kind", (unsigned long long)head->serial,
                   head->participant);
}

enum err words_each(struct hub *h, struct store_txn *t, const struct words_wanted *w,
                    enum err (*each)(void *ctx, uint64_t serial, struct bytes object), void *ctx)
{
    const struct participant *who = registry_by_index(h->registry, w->participant);
    struct store_cursor *c = NULL;
    struct word_head head = {.serial = 0};
    struct bytes key;
    struct bytes value;
    struct buf object;
    uint8_t raw[KEY_LEN];
    unsigned left = w->most;
    enum err e;

    if (who == NULL)
        return err_set(ERR_NOT_FOUND, "participant number %u is not registered", w->participant);
    if (w->above == UINT64_MAX)
        return OK;
    if ((e = last_upto(t, w->participant, w->above, &head.previous)) != OK)
        return e;
    memcpy(head.district, h->district, sizeof(head.district));
    memcpy(head.participant, who->id, sizeof(head.participant));
    if ((e = store_cursor_open(t, H_WORDS, &c)) != OK)
        return e;
    buf_init(&object, SIGNED_MAX);
    for (e = store_seek(c, word_key(raw, w->participant, w->above + 1), &key, &value);
         e == OK && left > 0 && is_of(key, w->participant); e = store_next(c, &key, &value), left--) {
        head.serial = be64_get(key.p + 4);
        buf_reset(&object);
        if (value.len == 0)
            e = err_set(ERR_CORRUPT, "word %llu to %s is damaged", (unsigned long long)head.serial, who->id);
        else if (value.p[0] > WORD_HISTORY && value.p[0] > w->known)
            e = make_newer(h, &object, &head);
        else
            e = make_word(h, t, who, &object, (enum word_kind)value.p[0], &head, bytes_of(value.p + 1, value.len - 1));
        if (e != OK || (e = each(ctx, head.serial, bytes_of(object.data, object.len))) != OK)
            break;
        head.previous = head.serial;
    }
    buf_fini(&object);
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err words_each_stored(struct store_txn *t, uint32_t participant,
                           enum err (*each)(void *ctx, uint64_t serial, enum word_kind kind, struct bytes content),
                           void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[KEY_LEN];
    enum err e = store_cursor_open(t, H_WORDS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, word_key(raw, participant, 0), &key, &value); e == OK && is_of(key, participant);
         e = store_next(c, &key, &value))
        if (value.len > 0 && (e = each(ctx, be64_get(key.p + 4), (enum word_kind)value.p[0],
                                       bytes_of(value.p + 1, value.len - 1))) != OK)
            break;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- what a school says that it has ---- */

static const char *held_key(char raw[32], uint32_t participant)
{
    (void)snprintf(raw, 32, "words-held/%u", participant);
    return raw;
}

enum err words_noted(struct store_txn *t, uint32_t participant, uint64_t *held)
{
    struct bytes value;
    char raw[32];
    enum err e = hub_meta_get(t, held_key(raw, participant), &value);

    *held = e == OK && value.len == 8 ? be64_get(value.p) : 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err words_note_held(struct store_txn *t, uint32_t participant, uint64_t held)
{
    uint64_t before;
    uint8_t value[8];
    char raw[32];
    enum err e = words_noted(t, participant, &before);

    if (e != OK || held <= before)
        return e;
    be64_put(value, held);
    return hub_meta_put(t, held_key(raw, participant), bytes_of(value, sizeof(value)));
}

/* ---- a hub that went back ---- */

/* First word at or above `from`, copied: the table is about to change. */
static enum err take_word(struct store_txn *t, uint32_t participant, uint64_t from, uint64_t *serial, struct buf *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[KEY_LEN];
    enum err e = store_cursor_open(t, H_WORDS, &c);

    if (e != OK)
        return e;
    buf_reset(out);
    if ((e = store_seek(c, word_key(raw, participant, from), &key, &value)) == OK && !is_of(key, participant))
        e = ERR_NOT_FOUND;
    if (e == OK) {
        *serial = be64_get(key.p + 4);
        buf_put(out, value.p, value.len);
        e = buf_status(out);
    }
    store_cursor_close(c);
    return e;
}

/* `last`: of what was said; 0: nothing to raise. */
static enum err find_raised(struct store_txn *t, uint32_t participant, uint64_t held, uint64_t *last)
{
    uint64_t least;
    enum err e;

    if ((e = words_last(t, participant, last)) != OK || (e = floor_get(t, &least)) != OK)
        return e;
    if (least >= held || *last >= held || held > UINT64_MAX - *last - 1)
        *last = 0;
    return OK;
}

static enum err raise_upto(struct store_txn *t, uint32_t participant, uint64_t held, uint64_t last)
{
    uint64_t at = 0;
    uint64_t next;
    struct buf word;
    uint8_t raw[KEY_LEN];
    enum err e = OK;

    buf_init(&word, SIGNED_MAX);
    for (next = held + 1; e == OK && (e = take_word(t, participant, at, &at, &word)) == OK && at <= last; at++) {
        if ((e = store_delete(t, H_WORDS, word_key(raw, participant, at))) == OK)
            e = store_put(t, H_WORDS, word_key(raw, participant, next++), bytes_of(word.data, word.len));
    }
    buf_fini(&word);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err words_raise(struct hub *h, uint32_t participant, uint64_t held)
{
    struct store_txn *t = NULL;
    uint64_t last = 0;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    e = find_raised(t, participant, held, &last);
    store_abort(t);
    if (e != OK || last == 0)
        return e;
    if ((e = store_begin_write(h->store, &t)) != OK)
        return e;
    if ((e = find_raised(t, participant, held, &last)) == OK && last != 0) /* words may have been added since */
        e = raise_upto(t, participant, held, last);
    if (e == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

enum err words_restart(struct store_txn *t)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint64_t greatest = 0;
    uint8_t raw[8];
    enum err e = floor_get(t, &greatest);

    if (e != OK || (e = store_cursor_open(t, H_WORDS, &c)) != OK)
        return e;
    while ((e = store_next(c, &key, &value)) == OK)
        if (key.len == KEY_LEN && be64_get(key.p + 4) > greatest)
            greatest = be64_get(key.p + 4);
    store_cursor_close(c);
    if (e != ERR_NOT_FOUND)
        return e;
    be64_put(raw, (greatest / RESTART_STEP + 1) * RESTART_STEP);
    return hub_meta_put(t, FLOOR_KEY, bytes_of(raw, sizeof(raw)));
}
