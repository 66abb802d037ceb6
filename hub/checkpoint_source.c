#include "hub/checkpoint_source.h"

#include "hub/cells.h"

struct passing {
    enum err (*each)(void *to, const char *unit, const char *period, struct bytes part, const struct cell *c);
    void *to;
};

static enum err pass_cell(void *ctx, struct bytes key, struct bytes cell)
{
    const struct passing *p = ctx;
    struct cell_at at;
    struct cell c;
    enum err e = cell_key_read(&at, key);

    if (e == OK)
        e = cell_get(&c, cell);
    return e == OK ? p->each(p->to, at.unit, at.period, at.part, &c) : e;
}

static enum err each_cell(void *ctx, const uint8_t digest_in[VARIABLE_DIGEST_BYTES],
                          enum err (*each)(void *to, const char *unit, const char *period, struct bytes part,
                                           const struct cell *c),
                          void *to)
{
    const struct checkpoint_view *v = ctx;
    struct passing p = {each, to};

    return checkpoint_each(v->t, &v->mark, bytes_of(digest_in, VARIABLE_DIGEST_BYTES), pass_cell, &p);
}

enum err checkpoint_source(struct checkpoint_view *view, struct store_txn *t, int32_t day, struct cell_source *out)
{
    enum err e;

    view->t = t;
    if ((e = checkpoint_at(t, day, &view->mark)) != OK)
        return e;
    out->each_cell = each_cell;
    out->ctx = view;
    return OK;
}
