#include "hub/publish_snapshot.h"

#include "common/cli.h"
#include "hub/snapshot_take.h"
#include "hub/units.h"

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

static enum err compare(struct hub *h, struct store_txn *t, struct evaluation *e, const struct programme *p,
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
    snapshot_writer_fini(&c.frozen);
    snapshot_writer_fini(&c.living);
    buf_fini(&c.target);
    return err;
}

/* ---- who came after it was closed ---- */

struct newcomers {
    struct units *frozen, *late;
};

static enum err note_frozen(void *ctx, const struct snapshot_line *l)
{
    struct newcomers *n = ctx;

    return l->unit[0] == '\0' ? OK : units_put(n->frozen, l->unit);
}

static enum err note_living(void *ctx, const struct indicator_line *l)
{
    struct newcomers *n = ctx;

    return l->unit[0] == '\0' || units_has(n->frozen, l->unit) ? OK : units_put(n->late, l->unit);
}

/* Of all programmes, because one may have lines of the district alone. */
static enum err find_late(struct hub *h, struct store_txn *t, struct evaluation *e, const struct period *period,
                          struct units **late)
{
    const struct indicator_query q = {.period = period->id, .level = -1};
    struct newcomers n = {NULL, NULL};
    enum err err = units_new(&n.frozen);

    if (err == OK && (err = units_new(&n.late)) == OK &&
        (err = snapshot_each(h, t, period->id, "", NULL, note_frozen, &n)) == OK)
        err = evaluation_lines(e, &q, note_living, &n);
    units_free(n.frozen);
    if (err == OK)
        *late = n.late;
    else
        units_free(n.late);
    return err;
}

/* Whoever is left out wrongly would be missed in a value, or among those that are expected: every line is compared. */
static enum err look_without(struct evaluation **out, struct units **late, struct hub *h, struct store_txn *t,
                             const struct programme *p, const struct period *period)
{
    char why[1024];
    struct evaluation *rest = NULL;
    struct units *left = NULL;
    enum err err;

    (void)snprintf(why, sizeof(why), "%s", err_text());
    if ((err = find_late(h, t, *out, period, &left)) != OK)
        return err;
    if (units_count(left) == 0)
        err = err_set(ERR_INVALID, "%s", why);
    else if ((err = evaluation_new_without(&rest, h, t, NULL, left)) == OK)
        err = compare(h, t, rest, p, period);
    if (err != OK) {
        evaluation_free(rest);
        units_free(left);
        return err;
    }
    evaluation_free(*out);
    *out = rest;
    *late = left;
    return OK;
}

enum err snapshot_evaluation(struct evaluation **out, struct units **late, struct hub *h, struct store_txn *t,
                             const struct programme *p, const struct period *period)
{
    struct evaluation *e = NULL;
    enum err err = evaluation_new(&e, h, t, NULL);

    *late = NULL;
    if (err == OK && (err = compare(h, t, e, p, period)) == ERR_INVALID)
        err = look_without(&e, late, h, t, p, period);
    if (err == OK)
        *out = e;
    else
        evaluation_free(e);
    return err;
}
