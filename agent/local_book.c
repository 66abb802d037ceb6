#include "agent/local_book.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "protocol/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_PREFIX "book/"
#define KEY_SIZE   (sizeof(KEY_PREFIX) + BOOK_NAME_MAX)
#define PLAIN_MAX  ((size_t)BOOK_ENTRIES_MAX * (BOOK_CODE_MAX + BOOK_WHO_MAX + 8u) + 16u)
#define FOLDED_MAX ((size_t)8 * BOOK_WHO_MAX)

const char *book_of_form(char out[BOOK_NAME_MAX], const char *form, const char *unit)
{
    (void)snprintf(out, BOOK_NAME_MAX, "rows/%s/%s", form, unit); /* neither may hold a slash */
    return out;
}

const char *book_of_old_codes(char out[BOOK_NAME_MAX], const char *form, const char *unit)
{
    (void)snprintf(out, BOOK_NAME_MAX, "old/%s/%s", form, unit);
    return out;
}

static const char *key_of(char out[KEY_SIZE], const char *name)
{
    (void)snprintf(out, KEY_SIZE, KEY_PREFIX "%s", name);
    return out;
}

/* ---- as bytes ---- */

static bool decode(struct book *b, struct bytes plain)
{
    struct mp m = mp_of(plain);
    size_t count = mp_array(&m, 0, BOOK_ENTRIES_MAX);

    b->items = calloc(count + 1, sizeof(*b->items));
    for (size_t i = 0; b->items != NULL && i < count; i++) {
        (void)mp_array(&m, 2, 2);
        mp_text(&m, b->items[i].code, 1, BOOK_CODE_MAX);
        mp_text(&m, b->items[i].who, 1, BOOK_WHO_MAX);
    }
    b->count = count;
    return mp_done(&m);
}

static void encode(struct buf *out, const struct book *b)
{
    mp_put_array(out, b->count);
    for (size_t i = 0; i < b->count; i++) {
        mp_put_array(out, 2);
        mp_put_cstr(out, b->items[i].code);
        mp_put_cstr(out, b->items[i].who);
    }
}

enum err book_read(const struct agent *a, struct store_txn *t, const char *name, struct book *out)
{
    char key[KEY_SIZE];
    struct buf locked, plain;
    enum err e;

    *out = (struct book){0};
    buf_init(&locked, PLAIN_MAX + LOCK_OVERHEAD);
    buf_init_secret(&plain, PLAIN_MAX);
    (void)key_of(key, name);
    if ((e = agent_meta_get(a, t, key, &locked)) == OK &&
        (e = unlock_bytes(&plain, key_secret(a->home_key), bytes_of(key, strlen(key)),
                          bytes_of(locked.data, locked.len))) == OK &&
        !decode(out, bytes_of(plain.data, plain.len)))
        e = out->items == NULL ? ERR_NOMEM : ERR_CORRUPT;
    buf_fini(&locked);
    buf_wipe(&plain);
    if (e == OK || e == ERR_NOT_FOUND)
        return OK;
    book_fini(out);
    return e == ERR_AUTH || e == ERR_CORRUPT ? err_set(ERR_CORRUPT, _("the list of codes \"%s\" is damaged"), name) : e;
}

void book_fini(struct book *b)
{
    if (b->items != NULL)
        wipe(b->items, b->count * sizeof(*b->items));
    free(b->items);
    *b = (struct book){0};
}

static enum err book_write(const struct agent *a, struct store_txn *t, const char *name, const struct book *b)
{
    char key[KEY_SIZE];
    struct buf locked, plain;
    enum err e;

    buf_init(&locked, PLAIN_MAX + LOCK_OVERHEAD);
    buf_init_secret(&plain, PLAIN_MAX);
    encode(&plain, b);
    (void)key_of(key, name);
    if ((e = buf_status(&plain)) == OK && (e = lock_bytes(&locked, key_secret(a->home_key), bytes_of(key, strlen(key)),
                                                          bytes_of(plain.data, plain.len))) == OK)
        e = agent_meta_put(a, t, key, bytes_of(locked.data, locked.len));
    buf_fini(&locked);
    buf_wipe(&plain);
    return e;
}

enum err book_change(const struct agent *a, const char *name, enum err (*change)(void *ctx, struct book *b), void *ctx)
{
    struct store_txn *t = NULL;
    struct book b;
    enum err e = store_begin_write(a->store, &t);

    if (e != OK)
        return e;
    if ((e = book_read(a, t, name, &b)) == OK && (e = change(ctx, &b)) == OK)
        e = book_write(a, t, name, &b);
    book_fini(&b);
    if (e == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

/* ---- entries ---- */

struct book_entry *book_find(const struct book *b, const char *code)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->items[i].code, code) == 0)
            return &b->items[i];
    return NULL;
}

static bool fold(struct buf *out, const char *text)
{
    buf_init_secret(out, FOLDED_MAX);
    return utf8_put_folded(out, text, strlen(text)) == OK;
}

struct book_entry *book_find_who(const struct book *b, const char *who)
{
    struct book_entry *found = NULL;
    struct buf wanted, other;
    bool is_one = true;

    if (fold(&wanted, who))
        for (size_t i = 0; i < b->count; i++) {
            if (fold(&other, b->items[i].who) && strcmp(buf_cstr(&wanted), buf_cstr(&other)) == 0) {
                is_one = found == NULL;
                found = &b->items[i];
            }
            buf_wipe(&other);
        }
    buf_wipe(&wanted);
    return is_one ? found : NULL;
}

static bool is_line(const char *text, size_t max)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return false;
    return len > 0 && len <= max && text[0] != ' ' && text[len - 1] != ' ' && utf8_is_valid(text, len);
}

static enum err make_room(struct book *b, const char *code, struct book_entry **out)
{
    struct book_entry *grown;
    size_t at = 0;

    if (b->count >= BOOK_ENTRIES_MAX)
        return err_set(ERR_LIMIT, _("the list has %u codes already; no more fit"), BOOK_ENTRIES_MAX);
    if ((grown = calloc(b->count + 2, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    while (at < b->count && strverscmp(b->items[at].code, code) < 0)
        at++;
    if (b->count > 0) {
        memcpy(grown, b->items, at * sizeof(*grown));
        memcpy(grown + at + 1, b->items + at, (b->count - at) * sizeof(*grown));
        wipe(b->items, b->count * sizeof(*b->items));
    }
    free(b->items);
    b->items = grown;
    b->count++;
    *out = &grown[at];
    return OK;
}

enum err book_put(struct book *b, const char *code, const char *who)
{
    struct book_entry *entry = book_find(b, code);
    enum err e;

    if (!is_line(code, BOOK_CODE_MAX))
        return err_set(ERR_INVALID, _("\"%.80s\" cannot be a code: 1 to %u bytes were expected"), code, BOOK_CODE_MAX);
    if (!is_line(who, BOOK_WHO_MAX))
        return err_set(ERR_INVALID, _("a name of 1 to %u bytes was expected (half as many Russian letters)"),
                       BOOK_WHO_MAX);
    if (entry == NULL && (e = make_room(b, code, &entry)) != OK)
        return e;
    utf8_copy(entry->code, sizeof(entry->code), code);
    utf8_copy(entry->who, sizeof(entry->who), who);
    return OK;
}

void book_drop(struct book *b, const char *code)
{
    struct book_entry *entry = book_find(b, code);

    if (entry == NULL)
        return;
    /* `code` may stand in the entry itself: it is not looked at any more */
    memmove(entry, entry + 1, (size_t)(b->items + b->count - entry - 1) * sizeof(*entry));
    b->count--;
    wipe(&b->items[b->count], sizeof(*b->items));
}

void book_free_code(const struct book *b, char letter, char out[BOOK_CODE_MAX + 1])
{
    unsigned n = 0;

    do
        (void)snprintf(out, BOOK_CODE_MAX + 1, "%c%u", letter, ++n);
    while (book_find(b, out) != NULL);
}
