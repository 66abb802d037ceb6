#include "hub/slot.h"

#include "protocol/reconcile.h"

#include <string.h>

#define SLOT_DOMAIN     "svodka slot v1"
#define SLOT_KEY_DOMAIN "svodka slot key v1"
#define FLAG_DEAD       1u
#define FLAG_FROZEN     2u

/* What stands for a row's key, so that keys of different types never meet. */
enum key_mark { MARK_RECORD = 'r', MARK_ANSWER = 'a', MARK_INTEGER = 'i', MARK_TEXT = 't', MARK_CHOICE = 'c' };
#define MARK_EMPTY 'e'

#define CONTEXT_MAX (FORM_NAME_MAX + 1u + ID_MAX + 1u + 33u + 1u + FORM_MAX_TEXT)

struct context {
    uint8_t bytes[CONTEXT_MAX];
    size_t len;
};

/* What does not fit cannot come: record_decode() bounds every text. */
static void add(struct context *c, const void *bytes, size_t len)
{
    if (len > CONTEXT_MAX - c->len)
        len = CONTEXT_MAX - c->len;
    if (len > 0)
        memcpy(c->bytes + c->len, bytes, len);
    c->len += len;
}

static void add_mark(struct context *c, char mark)
{
    add(c, &mark, 1);
}

static void add_text(struct context *c, const char *text)
{
    add(c, text, strlen(text) + 1);
}

void slot_key_derive(struct slot_key *out, const struct key *storage)
{
    derive(out->bytes, key_secret(storage), SLOT_KEY_DOMAIN, bytes_of("", 0));
}

void slot_key_fini(struct slot_key *k)
{
    wipe(k, sizeof(*k));
}

/* A choice is its code and not its index: a later version of the form may list the choices in another order. */
static void add_row_key(struct context *c, const struct form *f, const struct record *r)
{
    const struct form_field *field;
    const struct value *v;
    uint8_t raw[8];

    if (f->key < 0 || (uint32_t)f->key >= r->value_count || r->values[f->key].state != VALUE_PRESENT) {
        add_mark(c, MARK_EMPTY);
        return;
    }
    field = &f->fields[f->key];
    v = &r->values[f->key];
    if (field->type == VALUE_TEXT) {
        add_mark(c, MARK_TEXT);
        add(c, v->as.text.p, v->as.text.len);
    } else if (field->type == VALUE_SELECT_ONE && field->choices != NULL && v->as.i >= 0 &&
               v->as.i < (int64_t)field->choices->count) {
        add_mark(c, MARK_CHOICE);
        add_text(c, field->choices->items[v->as.i].code);
    } else {
        add_mark(c, MARK_INTEGER);
        be64_put(raw, (uint64_t)v->as.i);
        add(c, raw, sizeof(raw));
    }
}

static void add_itself(struct context *c, uint32_t participant, struct bytes record)
{
    uint8_t raw[4 + RECORD_DIGEST_BYTES];

    add_mark(c, MARK_ANSWER);
    be32_put(raw, participant);
    record_digest(raw + 4, record);
    add(c, raw, sizeof(raw));
}

void slot_of(uint8_t out[SLOT_BYTES], const struct slot_key *k, const struct form *f, uint32_t participant,
             struct bytes record, const struct record *r)
{
    struct context c; /* not cleared: 4 KiB, and only what was added is read */
    uint8_t whole[KEY_BYTES];

    c.len = 0;
    add_text(&c, f->id);
    add_text(&c, r->unit);
    add_text(&c, r->period);
    switch (f->mode) {
    case FORM_RECORD: add_mark(&c, MARK_RECORD); break;
    case FORM_ROWS: add_row_key(&c, f, r); break;
    case FORM_ANSWERS: add_itself(&c, participant, record); break;
    }
    derive(whole, k->bytes, SLOT_DOMAIN, bytes_of(c.bytes, c.len));
    memcpy(out, whole, SLOT_BYTES);
}

void place_key_put(uint8_t out[PLACE_KEY_BYTES], uint32_t participant, const struct generation *gen, uint64_t number)
{
    struct record_ref ref = {*gen, number};

    be32_put(out, participant);
    record_ref_put(out + 4, &ref);
}

void slot_current_put(uint8_t out[SLOT_CURRENT_BYTES], const struct slot_current *c)
{
    be32_put(out, c->participant);
    record_ref_put(out + 4, &c->ref);
    be64_put(out + 24, c->lsn);
    be32_put(out + 32, c->row);
    out[36] = (uint8_t)((c->is_dead ? FLAG_DEAD : 0u) | (c->is_frozen ? FLAG_FROZEN : 0u));
}

enum err slot_current_get(struct slot_current *out, struct bytes in)
{
    if (in.len != SLOT_CURRENT_BYTES || (in.p[36] & ~(FLAG_DEAD | FLAG_FROZEN)) != 0)
        return err_set(ERR_CORRUPT, "ledger: an entry of the current submissions is damaged");
    out->participant = be32_get(in.p);
    out->ref = record_ref_get(in.p + 4);
    out->lsn = be64_get(in.p + 24);
    out->row = be32_get(in.p + 32);
    out->is_dead = (in.p[36] & FLAG_DEAD) != 0;
    out->is_frozen = (in.p[36] & FLAG_FROZEN) != 0;
    return OK;
}

int slot_compare(uint32_t participant_a, const struct record_ref *a, uint32_t participant_b, const struct record_ref *b)
{
    if (participant_a != participant_b) /* who stands in for others comes before them all */
        return (participant_a ^ PARTICIPANT_STANDS_IN) < (participant_b ^ PARTICIPANT_STANDS_IN) ? -1 : 1;
    return record_ref_compare(a, b);
}

static size_t put_part(uint8_t *out, size_t at, const char *text, size_t max)
{
    size_t len = strnlen(text, max);

    memcpy(out + at, text, len);
    out[at + len] = 0;
    return at + len + 1;
}

size_t slot_list_key(uint8_t out[SLOT_LIST_KEY_MAX], const char *form_id, const char *unit, const char *period,
                     const uint8_t slot[SLOT_BYTES])
{
    size_t at = put_part(out, 0, form_id, FORM_NAME_MAX);

    at = put_part(out, at, unit, ID_MAX);
    at = put_part(out, at, period, 32);
    memcpy(out + at, slot, SLOT_BYTES);
    return at + SLOT_BYTES;
}

/* The text at *at, with its NUL; NULL when it does not end before `end`. */
static const char *take_part(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
    const char *text = (const char *)*at;

    if (nul == NULL)
        return NULL;
    *at = nul + 1;
    return text;
}

enum err slot_list_read(struct slot_list_entry *out, struct bytes key)
{
    const uint8_t *at = key.p;
    const uint8_t *end = key.p + (key.len < SLOT_BYTES ? 0 : key.len - SLOT_BYTES);

    out->form_id = take_part(&at, end);
    out->unit = out->form_id == NULL ? NULL : take_part(&at, end);
    out->period = out->unit == NULL ? NULL : take_part(&at, end);
    if (out->period == NULL || at != end)
        return err_set(ERR_CORRUPT, "ledger: an entry of the list of slots is damaged");
    out->slot = at;
    out->group_len = (size_t)(at - key.p);
    return OK;
}
