/* Fields as people call them. */
#include "common/form.h"
#include "common/utf8.h"

#include <string.h>

#define FOLDED_MAX ((size_t)4 * FORM_MAX_TEXT)

static bool folds_to(const char *text, const struct buf *folded)
{
    struct buf b;
    bool is_same;

    buf_init(&b, FOLDED_MAX);
    is_same = utf8_put_folded(&b, text, strlen(text)) == OK && b.len == folded->len &&
              memcmp(b.data, folded->data, b.len) == 0;
    buf_fini(&b);
    return is_same;
}

static bool is_label_of(const struct form_field *f, const struct buf *folded)
{
    return folds_to(f->label_ru, folded) || folds_to(f->label_en, folded);
}

static int32_t find_folded(const struct form *f, const struct buf *folded)
{
    int32_t found = -1;

    for (uint32_t i = 0; i < f->field_count; i++)
        if (folds_to(f->fields[i].name, folded))
            return (int32_t)i;
    for (uint32_t i = 0; i < f->field_count; i++)
        if (is_label_of(&f->fields[i], folded))
            found = found == -1 ? (int32_t)i : FORM_FIELD_SEVERAL;
    return found;
}

int32_t form_find_field_said(const struct form *f, const char *text, size_t len)
{
    int32_t found = form_find_field(f, text, len);
    struct buf folded;

    buf_init(&folded, FOLDED_MAX);
    if (found < 0 && len <= FOLDED_MAX / 4 && utf8_put_folded(&folded, text, len) == OK && folded.len > 0)
        found = find_folded(f, &folded);
    buf_fini(&folded);
    return found;
}
