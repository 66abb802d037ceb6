/* publish --told and --withdraw: what schools were told of what was published for them, and that it holds no more. */
#include "hub/cmd_publish.h"

#include "common/utf8.h"
#include "hub/commands.h"
#include "hub/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct listing {
    struct table *table;
    enum table_format format;
};

static const char *state_of(const struct figures_told *x, enum table_format f)
{
    bool is_text = f == TABLE_TEXT;

    if (x->is_taken_back)
        return x->is_received ? (is_text ? _("withdrawn, and it knows that") : "withdrawn")
                              : (is_text ? _("withdrawn, on its way") : "withdrawing");
    if (x->is_received)
        return is_text ? _("received") : "received";
    if (x->to->state == PARTICIPANT_INVITED)
        return is_text ? _("waits until it joins") : "not-joined";
    return is_text ? _("on its way") : "waiting";
}

static enum err put_told(void *ctx, const struct figures_told *x)
{
    const struct listing *l = ctx;
    char id[24], when[64];
    const char *of = x->unit;
    const char *cells[] = {x->to->id, x->to->grant.name,     x->row->head.programme, x->row->head.period, of, id,
                           when,      state_of(x, l->format)};

    if (x->unit[0] == '\0' && l->format == TABLE_TEXT)
        cells[4] = _("the district alone");
    (void)snprintf(id, sizeof(id), "%" PRIu64, x->row->id);
    command_time(when, sizeof(when), x->row->wall_ms, l->format);
    return table_row(l->table, cells);
}

enum err publish_told(struct hub *h, enum table_format f)
{
    const struct table_column columns[] = {
        {"school", _("School"), TABLE_LEFT, false},       {"name", _("Name"), TABLE_LEFT, false},
        {"programme", _("Programme"), TABLE_LEFT, false}, {"period", _("Period"), TABLE_LEFT, false},
        {"unit", _("Figures of"), TABLE_LEFT, false},     {"number", _("Publication"), TABLE_RIGHT, true},
        {"published", _("Published"), TABLE_LEFT, false}, {"state", _("State"), TABLE_LEFT, false}};
    struct listing l = {.format = f};
    struct store_txn *t = NULL;
    enum err e = table_new(&l.table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = store_begin_read(h->store, &t)) == OK)
        e = figures_each_told(h, t, put_told, &l);
    store_abort(t);
    return command_print(l.table, f, e);
}

void publish_say_told(uint64_t told)
{
    if (told > 0)
        (void)fprintf(stderr,
                      ngettext("%llu school gets it with the next meeting or file (svodka-hub publish --told).\n",
                               "%llu schools get it with the next meeting or file (svodka-hub publish --told).\n",
                               (unsigned long)told),
                      (unsigned long long)told);
}

void publish_say_late(const struct units *late, bool is_for_schools)
{
    (void)fprintf(stderr, _("Not in it, because they came after the period was closed:"));
    for (size_t i = 0; i < units_count(late); i++)
        (void)fprintf(stderr, "%s %s", i > 0 ? "," : "", units_at(late, i));
    (void)fprintf(stderr, ".\n");
    if (is_for_schools)
        (void)fprintf(stderr, "%s\n", _("They get the district's values, without values of their own."));
}

enum err publish_tell(struct hub *h, const struct figures_order *o)
{
    struct store_txn *t = NULL;
    uint64_t told = 0;
    enum err e = command_begin(h, &t);

    if (e == OK)
        e = figures_tell(h, t, o, true, &told);
    if ((e = command_finish(h, t, e)) == OK)
        publish_say_told(told);
    return e;
}

enum err publish_withdraw(struct hub *h, const struct figures_order *o, const char *reason)
{
    struct store_txn *t = NULL;
    uint64_t told = 0;
    char who[80];
    enum err e;

    if (reason == NULL || reason[0] == '\0')
        return err_set(ERR_USAGE, _("say why it is withdrawn, for the schools: --reason TEXT"));
    if (strlen(reason) > NOTICE_TEXT_MAX || !utf8_is_valid(reason, strlen(reason)))
        return err_set(ERR_USAGE, _("--reason: at most %u bytes (half as many Russian letters)"), NOTICE_TEXT_MAX);
    command_user(who, sizeof(who));
    if ((e = command_begin(h, &t)) == OK && (e = figures_take_back(h, t, o, reason, &told)) == OK)
        e = hub_audit_do(h, t, who, AUDIT_PUBLISH_WITHDRAW, o->programme == NULL ? "" : o->programme,
                         "period=%s\nschool=%s", o->period, o->unit == NULL ? "" : o->unit);
    if (e == ERR_NOT_FOUND)
        e = err_set(e, _("no school was told anything that was published of %s; svodka-hub publish --told"), o->period);
    if ((e = command_finish(h, t, e)) == OK)
        (void)printf(ngettext("%llu school is told that it holds no more, with the next meeting or file.\n",
                              "%llu schools are told that it holds no more, with the next meeting or file.\n",
                              (unsigned long)told),
                     (unsigned long long)told);
    return e;
}
