#include "agent/import_internal.h"

#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST 512u /* bytes of a cell that is looked at */

/* How such rows begin, folded. */
static const char *const usual[] = {"итого", "всего", "итог", "total", "grand total", "totals"};
#define USUAL (sizeof(usual) / sizeof(usual[0]))

struct totals {
    const struct import_map *map;
    struct buf folded;
    bool may_begin[256]; /* bytes that a suspicious cell can begin with: most cells are done after one look */
};

static void note_beginning(struct totals *t, const char *folded)
{
    uint8_t first = (uint8_t)folded[0];

    t->may_begin[first] = true;
    if (first >= 'a' && first <= 'z')
        t->may_begin[first - 'a' + 'A'] = true;
    if (first >= 0x80) /* a capital letter may have another first byte */
        memset(t->may_begin + 0x80, true, 0x80);
}

enum err totals_new(struct totals **out, const struct import_map *m)
{
    struct totals *t = calloc(1, sizeof(*t));
    const char *own;

    if (t == NULL)
        return ERR_NOMEM;
    t->map = m;
    buf_init_secret(&t->folded, (size_t)8 * LONGEST);
    for (size_t i = 0; i < USUAL; i++)
        note_beginning(t, usual[i]);
    for (size_t i = 0; (own = import_map_total(m, i)) != NULL; i++)
        note_beginning(t, own);
    *out = t;
    return OK;
}

void totals_free(struct totals *t)
{
    if (t == NULL)
        return;
    buf_wipe(&t->folded);
    free(t);
}

/* The whole cell, or followed by something that is no letter or digit: "Итого:", "Всего по школе". */
static bool begins_with(const char *folded, const char *word)
{
    size_t len = strlen(word);

    return strncmp(folded, word, len) == 0 && (folded[len] == '\0' || strchr(" :.,-=(", folded[len]) != NULL);
}

enum totals_verdict totals_judge(struct totals *t, const struct csv_row *row, uint32_t *cell)
{
    const struct bytes *c = row->cells;
    const char *own;
    uint32_t i = 0;

    while (i < row->count && c[i].len == 0)
        i++;
    *cell = i;
    if (i == row->count || c[i].len > LONGEST || (!t->may_begin[c[i].p[0]] && c[i].p[0] != ' '))
        return TOTALS_NO;
    buf_reset(&t->folded);
    if (utf8_put_folded(&t->folded, c[i].p, c[i].len) != OK)
        return TOTALS_NO;
    for (size_t k = 0; (own = import_map_total(t->map, k)) != NULL; k++)
        if (begins_with(buf_cstr(&t->folded), own))
            return TOTALS_SKIP;
    for (size_t k = 0; k < USUAL; k++)
        if (begins_with(buf_cstr(&t->folded), usual[k]))
            return TOTALS_SUSPECT;
    return TOTALS_NO;
}
