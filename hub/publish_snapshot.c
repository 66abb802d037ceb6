#include "hub/publish_snapshot.h"

#include "common/cli.h"
#include "hub/snapshot_take.h"

#include <string.h>

/* Both are written down in the snapshot's own form and compared byte for byte. */
struct comparing {
    const char *programme;
    struct snapshot_writer frozen, living;
    struct buf target;
    size_t at; /* in the frozen lines: all before it are the same */
    bool differs;
    char name[256];
};

static enum err take_frozen(void *ctx, const struct snapshot_line *l)
{
    struct comparing *c = ctx;

    return strcmp(l->programme, c->programme) == 0 ? snapshot_add(&c->frozen, l) : OK;
}

static enum err take_living(void *ctx, const struct indicator_line *l)
{
    struct comparing *c = ctx;
    struct snapshot_line line;
    enum err e;

    if (c->differs)
        return OK;
    buf_reset(&c->living.lines);
    snapshot_line_of(&line, l, &c->target);
    if ((e = snapshot_add(&c->living, &line)) != OK)
        return e;
    c->differs = c->frozen.lines.len - c->at < c->living.lines.len ||
                 memcmp(c->frozen.lines.data + c->at, c->living.lines.data, c->living.lines.len) != 0;
    if (c->differs)
        (void)snprintf(c->name, sizeof(c->name), "%s%s%s%s%s", line.indicator, line.breakdown[0] != '\0' ? " " : "",
                       line.breakdown, line.unit[0] != '\0' ? ", " : "", line.unit);
    c->at += c->living.lines.len;
    return OK;
}

enum err snapshot_is_living(struct hub *h, struct store_txn *t, struct evaluation *e, const struct programme *p,
                            const struct period *period)
{
    const struct indicator_query q = {.programme = p->id, .period = period->id, .level = -1};
    struct comparing c = {.programme = p->id};
    enum err err;

    snapshot_writer_init(&c.frozen);
    snapshot_writer_init(&c.living);
    buf_init(&c.target, SNAPSHOT_TEXT_MAX);
    if ((err = snapshot_each(h, t, period->id, "", NULL, take_frozen, &c)) == OK &&
        (err = evaluation_lines(e, &q, take_living, &c)) == OK && (c.differs || c.at != c.frozen.lines.len))
        err = err_set(ERR_INVALID,
                      _("%s: what was frozen when the period %s was closed is not what is there now (%s): something "
                        "came late, or the programme changed; open the period again and close it"),
                      p->id, period->id, c.name[0] != '\0' ? c.name : _("lines are missing"));
    buf_fini(&c.target);
    snapshot_writer_fini(&c.living);
    snapshot_writer_fini(&c.frozen);
    return err;
}
