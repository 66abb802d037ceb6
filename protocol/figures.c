#include "protocol/figures.h"

#include "protocol/fields.h"

#include <stdlib.h>
#include <string.h>

#define SEAL_DOMAIN   "svodka figures seal v1"
#define WORD_FIELDS   (WORD_HEAD_FIELDS + 2u)
#define PLAIN_FIELDS  14u
#define LINE_FIELDS   12u
#define CELL_FIELDS   10u
#define SEAL_OVERHEAD 72u
#define PERIOD_MAX    32u

void figures_fini(struct figures *f)
{
    free(f->lines);
    free(f->texts);
    memset(f, 0, sizeof(*f));
}

/* ---- writing ---- */

static void put_cell(struct buf *b, bool has, const struct figures_cell *c)
{
    if (!has) {
        mp_put_nil(b);
        return;
    }
    mp_put_array(b, CELL_FIELDS);
    mp_put_uint(b, c->state);
    mp_put_cstr(b, c->class_code);
    mp_put_cstr(b, c->value);
    mp_put_cstr(b, c->numerator);
    mp_put_cstr(b, c->denominator);
    mp_put_cstr(b, c->target);
    if (c->has_rounded)
        mp_put_int(b, c->rounded);
    else
        mp_put_nil(b);
    mp_put_uint(b, c->reached);
    mp_put_uint(b, c->reported);
    mp_put_uint(b, c->expected);
}

static void put_line(struct buf *b, const struct figures_line *l)
{
    mp_put_array(b, LINE_FIELDS);
    mp_put_cstr(b, l->indicator);
    mp_put_cstr(b, l->name_ru);
    mp_put_cstr(b, l->name_en);
    mp_put_cstr(b, l->breakdown);
    mp_put_cstr(b, l->part_ru);
    mp_put_cstr(b, l->part_en);
    mp_put_cstr(b, l->measure_ru);
    mp_put_cstr(b, l->measure_en);
    mp_put_uint(b, l->shown);
    mp_put_uint(b, l->is_yes_no ? 1 : 0);
    put_cell(b, l->has_own, &l->own);
    put_cell(b, l->has_district, &l->district);
}

enum err figures_write(struct buf *out, const struct figures *f)
{
    struct figures again;
    size_t before = out->len;
    enum err e;

    mp_put_array(out, PLAIN_FIELDS);
    mp_put_uint(out, f->publication);
    mp_put_int(out, f->published_ms);
    mp_put_uint(out, f->state);
    mp_put_cstr(out, f->remark);
    mp_put_cstr(out, f->programme);
    mp_put_cstr(out, f->title_ru);
    mp_put_cstr(out, f->title_en);
    mp_put_cstr(out, f->period);
    mp_put_cstr(out, f->label_ru);
    mp_put_cstr(out, f->label_en);
    mp_put_cstr(out, f->unit);
    mp_put_uint(out, f->part);
    mp_put_uint(out, f->parts);
    mp_put_array(out, f->line_count);
    for (uint32_t i = 0; i < f->line_count; i++)
        put_line(out, &f->lines[i]);
    if ((e = buf_status(out)) != OK)
        return e;
    /* One that nobody could read would stop all words behind it. */
    e = figures_read(&again, bytes_of(out->data + before, out->len - before));
    figures_fini(&again);
    return e == ERR_MALFORMED ? err_prefix(ERR_INVALID, "figures that nobody could read") : e;
}

/* ---- reading ---- */

/* Texts are copied behind each other: every one of them had at least a byte of head, which now is its NUL. */
struct reading {
    struct mp m;
    char *at;
};

static const char *take_text(struct reading *r, size_t min, size_t max)
{
    struct bytes s = mp_str(&r->m, max);
    char *text = r->at;

    if (!r->m.failed && (s.len < min || (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)))
        r->m.failed = true;
    if (r->m.failed)
        return "";
    if (s.len > 0)
        memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    r->at += s.len + 1;
    return text;
}

static void read_cell(struct reading *r, bool *has, struct figures_cell *c)
{
    size_t unknown;

    *has = !mp_nil(&r->m);
    if (!*has)
        return;
    unknown = fields_begin(&r->m, CELL_FIELDS);
    c->state = fields_u32(&r->m, 0, UINT8_MAX);
    c->class_code = take_text(r, 0, FIGURES_CLASS_MAX);
    c->value = take_text(r, 0, FIGURES_TEXT_MAX);
    c->numerator = take_text(r, 0, FIGURES_TEXT_MAX);
    c->denominator = take_text(r, 0, FIGURES_TEXT_MAX);
    c->target = take_text(r, 0, FIGURES_TEXT_MAX);
    c->has_rounded = !mp_nil(&r->m);
    c->rounded = c->has_rounded ? mp_int(&r->m) : 0;
    c->reached = fields_u32(&r->m, 0, UINT8_MAX);
    c->reported = fields_u32(&r->m, 0, UINT32_MAX);
    c->expected = fields_u32(&r->m, 0, UINT32_MAX);
    fields_end(&r->m, unknown);
    if (c->state == FIGURES_HIDDEN &&
        (c->value[0] != '\0' || c->numerator[0] != '\0' || c->denominator[0] != '\0' || c->has_rounded))
        r->m.failed = true;
}

static void read_line(struct reading *r, struct figures_line *l)
{
    size_t unknown = fields_begin(&r->m, LINE_FIELDS);

    l->indicator = take_text(r, 1, FORM_NAME_MAX);
    l->name_ru = take_text(r, 0, FIGURES_NAME_MAX);
    l->name_en = take_text(r, 0, FIGURES_NAME_MAX);
    l->breakdown = take_text(r, 0, FIGURES_PART_MAX);
    l->part_ru = take_text(r, 0, FIGURES_NAME_MAX);
    l->part_en = take_text(r, 0, FIGURES_NAME_MAX);
    l->measure_ru = take_text(r, 0, FIGURES_UNIT_MAX);
    l->measure_en = take_text(r, 0, FIGURES_UNIT_MAX);
    l->shown = fields_u32(&r->m, 0, 9);
    l->is_yes_no = fields_u32(&r->m, 0, 1) == 1;
    read_cell(r, &l->has_own, &l->own);
    read_cell(r, &l->has_district, &l->district);
    fields_end(&r->m, unknown);
}

static void read_head(struct reading *r, struct figures *f)
{
    f->publication = fields_u64(&r->m, 1, INT64_MAX);
    f->published_ms = fields_time(&r->m);
    f->state = fields_u32(&r->m, 0, UINT8_MAX);
    f->remark = take_text(r, 0, NOTICE_TEXT_MAX);
    f->programme = take_text(r, 1, FORM_NAME_MAX);
    f->title_ru = take_text(r, 0, FIGURES_NAME_MAX);
    f->title_en = take_text(r, 0, FIGURES_NAME_MAX);
    f->period = take_text(r, 1, PERIOD_MAX);
    f->label_ru = take_text(r, 0, FIGURES_LABEL_MAX);
    f->label_en = take_text(r, 0, FIGURES_LABEL_MAX);
    f->unit = take_text(r, 0, ID_MAX);
    f->part = fields_u32(&r->m, 1, FIGURES_MAX_PARTS);
    f->parts = fields_u32(&r->m, f->part, FIGURES_MAX_PARTS);
}

static enum err read_plain(struct figures *out, struct bytes plain)
{
    struct reading r = {.m = mp_of(plain)};
    size_t unknown, count;

    if (plain.len > FIGURES_PLAIN_MAX)
        return err_set(ERR_MALFORMED, "figures: more than a part may hold");
    if ((out->texts = malloc(plain.len + 1)) == NULL)
        return ERR_NOMEM;
    r.at = out->texts;
    unknown = fields_begin(&r.m, PLAIN_FIELDS);
    read_head(&r, out);
    count = mp_array(&r.m, 0, FIGURES_MAX_LINES);
    if (count > 0 && (out->lines = calloc(count, sizeof(*out->lines))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && !r.m.failed; i++)
        read_line(&r, &out->lines[i]);
    out->line_count = (uint32_t)count;
    fields_end(&r.m, unknown);
    return fields_done(&r.m, "figures");
}

enum err figures_read(struct figures *out, struct bytes plain)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = read_plain(out, plain)) != OK)
        figures_fini(out);
    return e;
}

/* ---- the word ---- */

enum err figures_make(struct buf *out, const struct word_head *h, int64_t hub_ms, struct bytes plain,
                      const uint8_t to[KEY_BYTES], const struct key *hub_sign)
{
    struct buf payload, sealed;
    uint8_t serial[8];
    enum err e;

    be64_put(serial, h->serial);
    buf_init(&payload, SIGNED_MAX);
    buf_init(&sealed, FIGURES_PLAIN_MAX + SEAL_OVERHEAD);
    if ((e = seal_small(&sealed, to, SEAL_DOMAIN, bytes_of(serial, sizeof(serial)), plain)) == OK) {
        mp_put_array(&payload, WORD_FIELDS);
        word_head_put(&payload, h);
        mp_put_int(&payload, hub_ms);
        mp_put_bin(&payload, sealed.data, sealed.len);
        if ((e = buf_status(&payload)) == OK)
            e = signed_make(out, SIGNED_FIGURES, bytes_of(payload.data, payload.len), hub_sign);
    }
    buf_fini(&sealed);
    buf_fini(&payload);
    return e;
}

enum err figures_open(struct figures *out, struct buf *plain, struct bytes object, const uint8_t hub_sign[KEY_BYTES],
                      const struct key *own)
{
    struct word_head h;
    struct bytes payload, sealed;
    uint8_t serial[8];
    size_t before = plain->len, unknown;
    struct mp m;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_FIGURES, hub_sign)) != OK)
        return e;
    m = mp_of(payload);
    unknown = fields_begin(&m, WORD_FIELDS);
    word_head_read(&m, &h);
    (void)fields_time(&m);
    sealed = mp_bin(&m, FIGURES_PLAIN_MAX + SEAL_OVERHEAD);
    fields_end(&m, unknown);
    if ((e = fields_done(&m, "figures")) != OK)
        return e;
    be64_put(serial, h.serial);
    if ((e = open_small(plain, own, SEAL_DOMAIN, bytes_of(serial, sizeof(serial)), sealed)) != OK)
        return e;
    return figures_read(out, bytes_of(plain->data + before, plain->len - before));
}
