#include "agent/standing.h"

#include "agent/excused.h"
#include "agent/figures.h"
#include "agent/questions.h"
#include "agent/queue.h"
#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

#define ROW_FIELDS (4u + REFUSAL_DETAIL_FIELDS)
#define PLAIN_MAX  2048u
#define DAY_MS     INT64_C(86400000)

static struct bytes key_of(uint8_t raw[RECORD_REF_BYTES], const struct record_ref *ref)
{
    record_ref_put(raw, ref);
    return bytes_of(raw, RECORD_REF_BYTES);
}

/* ---- rows ---- */

static bool parse_row(struct bytes in, struct standing_row *out)
{
    struct mp m = mp_of(in);
    size_t fields;

    memset(out, 0, sizeof(*out));
    fields = mp_array(&m, ROW_FIELDS, ROW_FIELDS + 1);
    out->standing = (unsigned)mp_uint(&m, UINT8_MAX);
    out->hub_ms = mp_int(&m);
    out->why.reason = (enum quarantine_reason)mp_uint(&m, UINT8_MAX);
    mp_text(&m, out->why.text, 0, RECEIPT_TEXT_MAX);
    refusal_read_detail(&m, &out->why);
    if (fields > ROW_FIELDS)
        out->act = mp_uint(&m, UINT64_MAX);
    return mp_done(&m);
}

static enum err read_row(const struct agent *a, struct bytes key, struct bytes value, struct standing_row *out)
{
    struct buf plain;
    enum err e;

    buf_init(&plain, PLAIN_MAX);
    memset(out, 0, sizeof(*out));
    if ((e = unlock_bytes(&plain, key_secret(a->home_key), key, value)) == OK &&
        !parse_row(bytes_of(plain.data, plain.len), out))
        e = ERR_CORRUPT;
    buf_wipe(&plain);
    return e == OK || e == ERR_NOMEM ? e
                                     : err_set(ERR_CORRUPT, _("what the district said about a submission is damaged"));
}

static void put_row(struct buf *b, const struct standing_row *row)
{
    mp_put_array(b, ROW_FIELDS + (row->act != 0 ? 1 : 0));
    mp_put_uint(b, row->standing);
    mp_put_int(b, row->hub_ms);
    mp_put_uint(b, (uint64_t)row->why.reason);
    mp_put_cstr(b, row->why.text);
    refusal_put_detail(b, &row->why);
    if (row->act != 0)
        mp_put_uint(b, row->act);
}

enum err standing_get(const struct agent *a, struct store_txn *t, const struct record_ref *ref,
                      struct standing_row *out)
{
    struct store_txn *own = NULL;
    uint8_t raw[RECORD_REF_BYTES];
    struct bytes key = key_of(raw, ref);
    struct bytes value;
    enum err e = OK;

    if (t == NULL && (e = store_begin_read(a->store, &own)) != OK)
        return e;
    if ((e = store_get(t != NULL ? t : own, T_STANDINGS, key, &value)) == OK)
        e = read_row(a, key, value, out);
    store_abort(own);
    return e;
}

enum err standing_put(const struct agent *a, struct store_txn *t, const struct record_ref *ref,
                      const struct standing_row *row)
{
    uint8_t raw[RECORD_REF_BYTES];
    struct bytes key = key_of(raw, ref);
    struct standing_row held;
    struct buf plain, locked;
    enum err e = standing_get(a, t, ref, &held);

    if (e == OK && held.hub_ms > row->hub_ms)
        return OK;
    if (e != OK && e != ERR_NOT_FOUND && e != ERR_CORRUPT)
        return e;
    buf_init(&plain, PLAIN_MAX);
    buf_init(&locked, PLAIN_MAX + LOCK_OVERHEAD);
    put_row(&plain, row);
    if ((e = buf_status(&plain)) == OK &&
        (e = lock_bytes(&locked, key_secret(a->home_key), key, bytes_of(plain.data, plain.len))) == OK)
        e = store_put(t, T_STANDINGS, key, bytes_of(locked.data, locked.len));
    buf_wipe(&plain);
    buf_fini(&locked);
    return e;
}

/* First row of the generation from number `first` on; `raw` becomes its key. */
static enum err first_row(const struct agent *a, struct store_txn *t, const struct generation *gen, uint64_t first,
                          uint8_t raw[RECORD_REF_BYTES], struct standing_row *row)
{
    struct record_ref from = {*gen, first};
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_STANDINGS, &c);

    if (e != OK)
        return e;
    if ((e = store_seek(c, key_of(raw, &from), &key, &value)) == OK) {
        if (key.len != RECORD_REF_BYTES)
            e = ERR_NOT_FOUND;
        else if ((e = read_row(a, key, value, row)) == OK || e == ERR_CORRUPT) {
            memcpy(raw, key.p, RECORD_REF_BYTES);
            e = OK; /* what cannot be read is no reason to keep it */
        }
    }
    store_cursor_close(c);
    return e;
}

enum err standing_forget(const struct agent *a, struct store_txn *t, const struct generation *gen, uint64_t first,
                         uint64_t last)
{
    uint8_t raw[RECORD_REF_BYTES];
    struct standing_row row;
    enum err e;

    while ((e = first_row(a, t, gen, first, raw, &row)) == OK) {
        struct record_ref ref = record_ref_get(raw);

        if (generation_compare(&ref.gen, gen) != 0 || ref.number > last)
            return OK;
        if (row.standing != STANDING_ERASED && (e = store_delete(t, T_STANDINGS, bytes_of(raw, sizeof(raw)))) != OK)
            return e;
        first = ref.number + 1;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err standing_count(const struct agent *a, struct store_txn *t, struct standing_counts *out)
{
    struct store_cursor *c = NULL;
    struct standing_row row;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, T_STANDINGS, &c);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    while ((e = store_next(c, &key, &value)) == OK && (e = read_row(a, key, value, &row)) == OK) {
        out->quarantined += row.standing == STANDING_QUARANTINED;
        out->rejected += row.standing == STANDING_REJECTED;
        out->erased += row.standing == STANDING_ERASED;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static bool is_same_act(const struct standing_act *at, const struct standing_row *row)
{
    return at->act == row->act && at->hub_ms / DAY_MS == row->hub_ms / DAY_MS;
}

/* Kept in the order of time; the oldest gives way. */
static void note_act(struct standing_act *acts, size_t *count, const struct standing_row *row)
{
    size_t at = *count;

    for (size_t i = 0; i < *count; i++)
        if (is_same_act(&acts[i], row)) {
            acts[i].submissions++;
            return;
        }
    while (at > 0 && acts[at - 1].hub_ms > row->hub_ms)
        at--;
    if (*count == STANDING_ACTS_MAX) {
        if (at == 0)
            return;
        memmove(acts, acts + 1, (at - 1) * sizeof(*acts));
        at--;
    } else {
        memmove(acts + at + 1, acts + at, (*count - at) * sizeof(*acts));
        ++*count;
    }
    acts[at] = (struct standing_act){row->act, row->hub_ms, 1};
}

enum err standing_acts(const struct agent *a, struct standing_act out[STANDING_ACTS_MAX], size_t *count)
{
    struct store_txn *t = NULL;
    struct store_cursor *c = NULL;
    struct standing_row row;
    struct bytes key;
    struct bytes value;
    enum err e = store_begin_read(a->store, &t);

    *count = 0;
    if (e != OK)
        return e;
    if ((e = store_cursor_open(t, T_STANDINGS, &c)) == OK)
        while ((e = store_next(c, &key, &value)) == OK && (e = read_row(a, key, value, &row)) == OK)
            if (row.standing == STANDING_ERASED)
                note_act(out, count, &row);
    store_cursor_close(c);
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- for people ---- */

const char *standing_word(unsigned standing)
{
    switch (standing) {
    case STANDING_COUNTED: return _("counted");
    case STANDING_SUPERSEDED: return _("replaced by a later one");
    case STANDING_DUPLICATE: return _("was there already");
    case STANDING_QUARANTINED: return _("kept apart");
    case STANDING_REJECTED: return _("rejected");
    case STANDING_ERASED: return _("destroyed at the district");
    case STANDING_CORRECTED: return _("corrected by you");
    default: return _("changed by the district");
    }
}

/* What the school reads about records that the hub keeps apart. */
static const char *reason_text(enum quarantine_reason r)
{
    switch (r) {
    case QUARANTINE_UNKNOWN_FORM: return _("the district does not know this version of the form");
    case QUARANTINE_MALFORMED: return _("the district could not read it");
    case QUARANTINE_INVALID: return _("it breaks a rule of the form");
    case QUARANTINE_UNIT: return _("your school may not report about this unit");
    case QUARANTINE_ROLE: return _("this form is filled in by others");
    case QUARANTINE_PERIOD: return _("the form is not collected for this period");
    case QUARANTINE_UNREADABLE: return _("the district could not decrypt it");
    case QUARANTINE_TARGET: return _("it corrects or withdraws something that cannot be changed");
    case QUARANTINE_HELD: return _("your school's submissions are on hold at the district");
    case QUARANTINE_CONFLICT: return _("the district holds another submission under the same number");
    case QUARANTINE_ERASED: return _("what it is about has been erased at the district; it is not counted again");
    }
    return _("the district did not accept it");
}

void standing_why(char out[STANDING_TEXT], const struct standing_row *row, const struct form *f)
{
    bool is_known = row->why.reason <= QUARANTINE_CONFLICT;

    out[0] = '\0';
    if (row->standing == STANDING_ERASED && row->act != 0) {
        char day[16];

        cli_format_day(day, sizeof(day), row->hub_ms);
        (void)snprintf(out, STANDING_TEXT, _("under act No. %llu on %s"), (unsigned long long)row->act, day);
    } else if (row->why.reason == 0)
        utf8_copy(out, STANDING_TEXT, row->why.text);
    else if (row->why.rule != 0 || !is_known) /* a log's sentence only where we have none of our own */
        refusal_say(out, STANDING_TEXT, &row->why, f);
    if (row->why.reason != 0 && out[0] == '\0')
        utf8_copy(out, STANDING_TEXT, reason_text(row->why.reason));
}

static void put_name(struct buf *out, const struct agent *a, struct bytes record, const struct form **form)
{
    struct record_space *space = NULL;
    struct period period;
    struct record r;

    if (record_decode_head(&r, record) != OK || (*form = agent_form_by_digest(a, r.form)) == NULL)
        return;
    buf_printf(out, "%s, %s", cli_pick((*form)->title_ru, (*form)->title_en), r.unit);
    if (form_period(*form, a->calendar, r.period, &period) == OK)
        buf_printf(out, ", %s", cli_pick(period.label_ru, period.label_en));
    else
        buf_printf(out, ", %s", r.period);
    if ((*form)->key < 0 || r.kind == RECORD_RETRACTION || record_space_new(&space) != OK)
        return;
    if (record_decode(&r, space, record, *form) == OK) {
        buf_put_str(out, ", ");
        queue_key_text(out, *form, r.values);
    }
    record_space_free(space);
}

void submission_name(const struct agent *a, const struct record_ref *ref, char *out, size_t size,
                     const struct form **form)
{
    char id[RECORD_ID_TEXT];
    struct buf record, name;

    *form = NULL;
    buf_init(&record, RECORD_MAX);
    buf_init(&name, 64u << 10);
    record_id_format(id, a->grant->participant, ref);
    if (queue_get(a, ref, &record) == OK)
        put_name(&name, a, bytes_of(record.data, record.len), form);
    if (name.len > 0 && !name.failed) {
        char title[300];

        utf8_copy(title, sizeof(title), buf_cstr(&name));
        (void)snprintf(out, size, "%s (%s)", title, id);
    } else {
        (void)snprintf(out, size, "%s", id);
    }
    buf_wipe(&record);
    buf_wipe(&name);
}

static void say(char *out, size_t size, const char *name, const struct standing_row *row, const char *why)
{
    switch (row->standing) {
    case STANDING_COUNTED: (void)snprintf(out, size, _("%s: the district counts it now."), name); return;
    case STANDING_QUARANTINED:
        (void)snprintf(out, size, _("%s: the district keeps it apart and does not count it: %s."), name, why);
        return;
    case STANDING_REJECTED: (void)snprintf(out, size, _("%s: the district will not count it: %s."), name, why); return;
    case STANDING_ERASED:
        (void)snprintf(
            out, size,
            _("%s: its content is destroyed at the district%s%s, because its time was over or somebody asked "
              "for it. It is no loss: that it was received stays proved."),
            name, why[0] == '\0' ? "" : " ", why);
        return;
    default: (void)snprintf(out, size, "%s: %s.", name, standing_word(row->standing)); return;
    }
}

/* ---- messages: a letter that no text begins with, then what it is about ---- */

#define MESSAGE_STANDING 1u
#define MESSAGE_MORE     2u
#define MESSAGE_TEXT     3u
#define MESSAGE_QUESTION 4u
#define MESSAGE_ACCEPTED 5u
#define MESSAGE_EXCUSED  6u

enum err standing_tell(struct agent *a, struct store_txn *t, const struct record_ref *ref,
                       const struct standing_row *row)
{
    uint8_t raw[RECORD_REF_BYTES];
    struct buf b;
    enum err e;

    record_ref_put(raw, ref);
    buf_init(&b, PLAIN_MAX);
    buf_put_u8(&b, MESSAGE_STANDING);
    buf_put(&b, raw, sizeof(raw));
    put_row(&b, row);
    if ((e = buf_status(&b)) == OK)
        e = agent_tell_bytes_in(a, t, bytes_of(b.data, b.len));
    buf_wipe(&b);
    return e;
}

enum err standing_tell_more(struct agent *a, struct store_txn *t, uint64_t more)
{
    uint8_t raw[9] = {MESSAGE_MORE};

    be64_put(raw + 1, more);
    return more == 0 ? OK : agent_tell_bytes_in(a, t, bytes_of(raw, sizeof(raw)));
}

enum err standing_tell_text(struct agent *a, struct store_txn *t, const char *text)
{
    struct buf b;
    enum err e;

    if (text[0] == '\0')
        return OK;
    buf_init(&b, PLAIN_MAX);
    buf_put_u8(&b, MESSAGE_TEXT);
    buf_put_str(&b, text);
    if ((e = buf_status(&b)) == OK)
        e = agent_tell_bytes_in(a, t, bytes_of(b.data, b.len));
    buf_wipe(&b);
    return e;
}

enum err standing_tell_question(struct agent *a, struct store_txn *t, uint64_t number)
{
    uint8_t raw[9] = {MESSAGE_QUESTION};

    be64_put(raw + 1, number);
    return agent_tell_bytes_in(a, t, bytes_of(raw, sizeof(raw)));
}

/* Form, unit and period, each with a 0 behind it. */
static enum err tell_return(struct agent *a, struct store_txn *t, uint8_t code, const struct notice_return *r)
{
    struct buf b;
    enum err e;

    buf_init(&b, PLAIN_MAX);
    buf_put_u8(&b, code);
    buf_put(&b, r->form, strlen(r->form) + 1);
    buf_put(&b, r->unit, strlen(r->unit) + 1);
    buf_put(&b, r->period, strlen(r->period) + 1);
    if ((e = buf_status(&b)) == OK)
        e = agent_tell_bytes_in(a, t, bytes_of(b.data, b.len));
    buf_fini(&b);
    return e;
}

enum err standing_tell_accepted(struct agent *a, struct store_txn *t, const struct notice_return *r)
{
    return tell_return(a, t, MESSAGE_ACCEPTED, r);
}

enum err standing_tell_excused(struct agent *a, struct store_txn *t, const struct notice_return *r)
{
    return tell_return(a, t, MESSAGE_EXCUSED, r);
}

static bool read_part(struct rd *r, char *out, size_t size)
{
    size_t len = strnlen((const char *)r->p, rd_left(r));

    if (len == rd_left(r) || len >= size)
        return false;
    memcpy(out, rd_bytes(r, len + 1), len + 1);
    return true;
}

static void say_return(const struct agent *a, struct rd *r,
                       void (*put)(const struct agent *a, const struct notice_return *r, char *out, size_t size),
                       char out[STANDING_MESSAGE])
{
    struct notice_return at;

    memset(&at, 0, sizeof(at));
    out[0] = '\0';
    if (read_part(r, at.form, sizeof(at.form)) && read_part(r, at.unit, sizeof(at.unit)) &&
        read_part(r, at.period, sizeof(at.period)))
        put(a, &at, out, STANDING_MESSAGE);
}

static void say_standing(const struct agent *a, struct rd *r, char out[STANDING_MESSAGE])
{
    const uint8_t *raw = rd_bytes(r, RECORD_REF_BYTES);
    struct bytes rest = bytes_of(r->p, rd_left(r));
    const struct form *form;
    struct standing_row row;
    struct record_ref ref;
    char name[400];
    char why[STANDING_TEXT];

    out[0] = '\0';
    if (raw == NULL || !parse_row(rest, &row))
        return;
    ref = record_ref_get(raw);
    submission_name(a, &ref, name, sizeof(name), &form);
    standing_why(why, &row, form);
    say(out, STANDING_MESSAGE, name, &row, why);
}

bool standing_message(const struct agent *a, struct bytes event, char out[STANDING_MESSAGE])
{
    struct rd r = rd_of(event.p, event.len);
    uint64_t more;

    switch (rd_u8(&r)) {
    case MESSAGE_STANDING: say_standing(a, &r, out); return true;
    case MESSAGE_MORE:
        more = rd_u64(&r);
        (void)snprintf(out, STANDING_MESSAGE,
                       ngettext("The same letter of the district is about %llu submission more: svodka-agent history "
                                "shows it.",
                                "The same letter of the district is about %llu submissions more: svodka-agent history "
                                "shows them.",
                                (unsigned long)more),
                       (unsigned long long)more);
        return true;
    case MESSAGE_TEXT:
        (void)snprintf(out, STANDING_MESSAGE, _("The district writes: %.*s"), (int)rd_left(&r), (const char *)r.p);
        return true;
    case MESSAGE_QUESTION: asked_message(a, rd_u64(&r), out, STANDING_MESSAGE); return true;
    case MESSAGE_ACCEPTED: say_return(a, &r, accepted_message, out); return true;
    case MESSAGE_EXCUSED: say_return(a, &r, excused_message, out); return true;
    case STANDING_FIGURES: figures_message(bytes_of(r.p, rd_left(&r)), out, STANDING_MESSAGE); return true;
    default: return false;
    }
}
