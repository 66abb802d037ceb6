#include "common/form_internal.h"
#include "common/utf8.h"

#include <string.h>

static uint32_t hash_of(const char *text, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)text[i]) * 16777619u;
    return h;
}

enum err index_init(struct text_index *ix, struct pool *p, size_t capacity)
{
    size_t slots = 8;

    while (slots < capacity * 2) /* at least half of the slots stay free, so that a search ends */
        slots *= 2;
    ix->slots = pool_array(p, slots, sizeof(*ix->slots));
    ix->mask = (uint32_t)(slots - 1);
    return ix->slots == NULL ? ERR_NOMEM : OK;
}

/* The slot that holds the text, or the free one where it belongs. */
static struct index_slot *slot_of(const struct text_index *ix, const char *text, size_t len, uint32_t hash)
{
    for (uint32_t i = hash & ix->mask;; i = (i + 1) & ix->mask) {
        struct index_slot *s = &ix->slots[i];

        if (s->text == NULL || (s->hash == hash && s->len == len && memcmp(s->text, text, len) == 0))
            return s;
    }
}

int32_t index_add(struct text_index *ix, const char *text, size_t len, int32_t value)
{
    uint32_t hash = hash_of(text, len);
    struct index_slot *s = slot_of(ix, text, len, hash);

    if (s->text == NULL)
        *s = (struct index_slot){text, (uint32_t)len, hash, value};
    return s->value;
}

void index_add_or_blur(struct text_index *ix, const char *text, size_t len, int32_t value)
{
    uint32_t hash = hash_of(text, len);
    struct index_slot *s = slot_of(ix, text, len, hash);

    if (s->text == NULL)
        *s = (struct index_slot){text, (uint32_t)len, hash, value};
    else if (s->value != value)
        s->value = INDEX_AMBIGUOUS;
}

int32_t index_find(const struct text_index *ix, const char *text, size_t len)
{
    const struct index_slot *s = slot_of(ix, text, len, hash_of(text, len));

    return s->text == NULL ? INDEX_NONE : s->value;
}

/* As it is and folded: what is typed with care is found without folding it. */
static enum err add_word(struct form_choice_index *ix, struct pool *p, struct buf *folded, const char *word,
                         int32_t value)
{
    char *copy;
    enum err e;

    if (word == NULL)
        return OK;
    index_add_or_blur(&ix->words, word, strlen(word), value);
    buf_reset(folded);
    if ((e = utf8_put_folded(folded, word, strlen(word))) != OK || folded->failed)
        return folded->failed ? buf_status(folded) : e;
    if ((copy = pool_text(p, folded->data, folded->len)) == NULL)
        return ERR_NOMEM;
    index_add_or_blur(&ix->words, copy, folded->len, value);
    return OK;
}

enum err choice_index_new(struct form_choice_index **out, struct pool *p, const struct choice_list *list)
{
    struct form_choice_index *ix = pool_alloc(p, sizeof(*ix));
    struct buf folded;
    enum err e;

    if (ix == NULL || index_init(&ix->codes, p, list->count) != OK ||
        index_init(&ix->words, p, (size_t)list->count * 6) != OK)
        return ERR_NOMEM;
    buf_init(&folded, FORM_MAX_BYTES);
    e = OK;
    for (uint32_t i = 0; i < list->count && e == OK; i++) {
        const struct choice *c = &list->items[i];

        (void)index_add(&ix->codes, c->code, strlen(c->code), (int32_t)i);
        if ((e = add_word(ix, p, &folded, c->code, (int32_t)i)) == OK &&
            (e = add_word(ix, p, &folded, c->label_ru, (int32_t)i)) == OK)
            e = add_word(ix, p, &folded, c->label_en, (int32_t)i);
    }
    buf_fini(&folded);
    *out = ix;
    return e;
}
