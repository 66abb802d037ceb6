#include "agent/terms.h"

#include "agent/queue_internal.h"
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS     INT64_C(86400000)
#define DRAFTS_MAX 10000u /* looked at in one go */
#define KEY_MAX    (FORM_NAME_MAX + ID_MAX + PERIOD_ID_MAX + 3u)

/* ---- terms ---- */

bool terms_form_is_over(const struct form *f, int32_t received, int32_t today)
{
    return f->retention_years > 0 &&
           today >= date_from_civil(school_year_of(received) + 1 + (int)f->retention_years, 9, 1);
}

/* Calls `each` for the batch's records that are still here. */
static enum err each_record(const struct agent *a, struct store_txn *t, const struct batch_state *b,
                            enum err (*each)(void *ctx, uint64_t number, const struct record *r), void *ctx)
{
    struct page page = {.first = 0};
    uint64_t from = 0;
    enum err e = OK;

    buf_init(&page.plain, RECORD_MAX + PAGE_PLAIN);
    while (e == OK && from <= b->last_number) {
        struct page_walk w;
        struct bytes bytes;
        uint64_t number;
        uint8_t key[PAGE_KEY];

        page_key(key, &b->gen, from);
        if ((e = page_find(a, t, key, false, &page)) != OK)
            break;
        w = page_walk_of(&page);
        while (e == OK && page_next(&w, &number, &bytes)) {
            struct record r;

            if (number < b->first_number || number > b->last_number)
                continue;
            if ((e = record_decode_head(&r, bytes)) == OK)
                e = each(ctx, number, &r);
        }
        from = page.first + 1;
    }
    buf_wipe(&page.plain);
    return e == ERR_NOT_FOUND ? OK : e;
}

struct judging {
    const struct agent *a;
    int32_t received, today;
    bool is_over;
};

static enum err judge(void *ctx, uint64_t number, const struct record *r)
{
    struct judging *j = ctx;
    const struct form *f = agent_form_by_digest(j->a, r->form);

    (void)number;
    j->is_over |= f != NULL && terms_form_is_over(f, j->received, j->today);
    return OK;
}

enum err terms_are_over(const struct agent *a, struct store_txn *t, const struct batch_state *b, int64_t now,
                        bool *are_over)
{
    struct judging j = {a, (int32_t)(b->receipt_ms / DAY_MS), (int32_t)(now / DAY_MS), false};
    enum err e = each_record(a, t, b, judge, &j);

    *are_over = j.is_over;
    return e;
}

/* ---- drafts ---- */

/* "form|unit|period" (draft.c) */
static bool draft_is_over(const struct agent *a, struct bytes key, int32_t today)
{
    char text[KEY_MAX + 1];
    char *period;
    char *unit;
    const struct form *form;
    struct period p;

    if (key.len > KEY_MAX)
        return false;
    memcpy(text, key.p, key.len);
    text[key.len] = '\0';
    if ((unit = strchr(text, '|')) == NULL || (period = strrchr(text, '|')) == unit)
        return false;
    *unit = '\0';
    for (size_t i = 0; i < a->form_count; i++)
        if (strcmp(a->forms[i].object->name, text) == 0 && (form = agent_form_at(a, i)) != NULL && form->drafts_end)
            return calendar_find(a->calendar, NULL, period + 1, &p) == OK && today > p.last;
    return false;
}

enum err terms_drop_drafts(const struct agent *a, struct store_txn *t, int64_t now, uint64_t *dropped)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    struct buf gone;
    struct rd r;
    enum err e = now == 0 ? ERR_NOT_FOUND : store_cursor_open(t, T_DRAFTS, &c);

    *dropped = 0;
    buf_init(&gone, (size_t)DRAFTS_MAX * (KEY_MAX + 4));
    if (e == OK)
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
            if (draft_is_over(a, key, (int32_t)(now / DAY_MS))) {
                buf_put_u32(&gone, (uint32_t)key.len);
                buf_put(&gone, key.p, key.len);
            }
    store_cursor_close(c);
    e = e == ERR_NOT_FOUND ? buf_status(&gone) : e;
    r = rd_of(gone.data, gone.len);
    while (e == OK && rd_left(&r) > 0) {
        uint32_t len = rd_u32(&r);

        if ((e = store_delete(t, T_DRAFTS, bytes_of(rd_bytes(&r, len), len))) == OK)
            ++*dropped;
    }
    buf_fini(&gone);
    return e;
}
