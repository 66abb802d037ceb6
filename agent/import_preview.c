#include "agent/import_internal.h"

#include "agent/local_book.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_SHOWN 12u /* changed fields of a row; of a form that is filled in once PREVIEW_SHOWN */
#define VALUE_POINTS 60u
#define TEXT_MAX     (1u << 20)

/* Rows of one kind. */
struct kind {
    uint64_t count, told;
    struct buf lines;
};

struct import_preview {
    struct agent *a;
    const struct capture *capture;
    const struct form *form;
    bool many_units;
    struct current_rows current;
    struct book old_codes; /* of a table about one unit */
    struct kind fresh, changed, gone, renamed;
    uint64_t taken, same, stood;
    uint8_t table[DIGEST_BYTES]; /* of the rows so far */
    struct buf key, text, record;
    struct record_space *space;
};

enum err import_preview_new(struct import_preview **out, struct agent *a, const struct capture *c, bool many_units)
{
    struct import_preview *p = calloc(1, sizeof(*p));
    enum err e;

    if (p == NULL)
        return ERR_NOMEM;
    if ((e = record_space_new(&p->space)) != OK) {
        free(p);
        return e;
    }
    p->a = a;
    p->capture = c;
    p->form = capture_form(c);
    p->many_units = many_units;
    buf_init_secret(&p->fresh.lines, TEXT_MAX);
    buf_init_secret(&p->changed.lines, TEXT_MAX);
    buf_init_secret(&p->gone.lines, TEXT_MAX);
    buf_init_secret(&p->renamed.lines, TEXT_MAX);
    buf_init_secret(&p->key, ROW_KEY_MAX);
    buf_init_secret(&p->text, TEXT_MAX);
    buf_init_secret(&p->record, RECORD_MAX);
    *out = p;
    return OK;
}

void import_preview_free(struct import_preview *p)
{
    if (p == NULL)
        return;
    current_rows_fini(&p->current);
    book_fini(&p->old_codes);
    record_space_free(p->space);
    buf_wipe(&p->fresh.lines);
    buf_wipe(&p->changed.lines);
    buf_wipe(&p->gone.lines);
    buf_wipe(&p->renamed.lines);
    buf_wipe(&p->key);
    buf_wipe(&p->text);
    buf_wipe(&p->record);
    free(p);
}

enum err import_preview_begin(struct import_preview *p)
{
    char name[BOOK_NAME_MAX];
    enum err e = OK;

    current_rows_fini(&p->current);
    book_fini(&p->old_codes);
    if (p->form->key >= 0 && !p->many_units)
        e = book_read(p->a, NULL, book_of_old_codes(name, p->form->id, capture_unit(p->capture)), &p->old_codes);
    return e == OK ? current_rows_read(&p->current, p->a, p->capture, p->many_units) : e;
}

const struct current_rows *import_preview_current(const struct import_preview *p)
{
    return &p->current;
}

void import_preview_digest(const struct import_preview *p, uint8_t out[DIGEST_BYTES])
{
    memcpy(out, p->table, sizeof(p->table));
}

/* Of the rows before, this one's unit and what it says. */
static void add_to_table(struct import_preview *p, const char *unit, const uint8_t says[ROW_DIGEST])
{
    uint8_t in[DIGEST_BYTES + ROW_DIGEST + ID_MAX + 1] = {0};

    memcpy(in, p->table, DIGEST_BYTES);
    memcpy(in + DIGEST_BYTES, says, ROW_DIGEST);
    memcpy(in + DIGEST_BYTES + ROW_DIGEST, unit, strnlen(unit, ID_MAX));
    digest(p->table, bytes_of(in, sizeof(in)));
}

/* ---- values in words ---- */

/* Cut, and without what a terminal would obey. */
static void put_short(struct buf *out, struct bytes text)
{
    uint32_t points = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];

        if ((c & 0xC0) != 0x80 && points++ == VALUE_POINTS) {
            buf_put_str(out, "…");
            return;
        }
        if (c == 0xC2 && i + 1 < text.len && text.p[i + 1] < 0xA0) {
            buf_put_u8(out, ' ');
            i++;
        } else {
            buf_put_u8(out, c < 0x20 || c == 0x7F ? (uint8_t)' ' : c);
        }
    }
}

static const char *label_of(const struct choice *c)
{
    const char *ru = c->label_ru != NULL ? c->label_ru : c->label_en != NULL ? c->label_en : c->code;

    return cli_pick(ru, c->label_en != NULL ? c->label_en : ru);
}

static void put_present(struct import_preview *p, const struct form_field *f, const struct value *v, struct buf *out)
{
    bool is_first = true;

    switch (f->type) {
    case VALUE_BOOLEAN: buf_put_str(out, v->as.i != 0 ? _("yes") : _("no")); return;
    case VALUE_SELECT_ONE: buf_put_str(out, label_of(&f->choices->items[v->as.i])); return;
    case VALUE_SELECT_MULTIPLE:
        for (uint32_t i = 0; i < f->choices->count; i++)
            if ((v->as.set >> i & 1) != 0) {
                buf_printf(out, "%s%s", is_first ? "" : ", ", label_of(&f->choices->items[i]));
                is_first = false;
            }
        return;
    case VALUE_REPEAT: buf_printf(out, _("rows: %u"), v->as.rows.rows); return;
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_TEXT:
    case VALUE_DATE: break;
    }
    buf_reset(&p->text);
    value_format(&p->text, f, v);
    put_short(out, bytes_of(p->text.data, p->text.len));
}

static void put_value(struct import_preview *p, const struct form_field *f, const struct value *v, struct buf *out)
{
    switch (v->state) {
    case VALUE_PRESENT: put_present(p, f, v, out); break;
    case VALUE_NOT_KNOWN: buf_put_str(out, _("not known")); break;
    case VALUE_NOT_APPLICABLE: buf_put_str(out, _("does not apply")); break;
    case VALUE_NOT_ASKED:
    case VALUE_MISSING: buf_put_str(out, "—"); break;
    }
}

/* ---- rows ---- */

static bool is_once(const struct import_preview *p)
{
    return p->form->mode == FORM_RECORD && !p->many_units;
}

/* What a person knows the row by; "" for a form that is filled in once. */
static void put_name(struct import_preview *p, const struct form *f, const char *unit, const struct value *values,
                     struct buf *out)
{
    if (p->many_units)
        buf_printf(out, "%s%s", unit, f->key >= 0 ? ", " : "");
    if (f->key >= 0)
        put_value(p, &f->fields[f->key], &values[f->key], out);
}

static bool tell(struct kind *k)
{
    return k->count++ < PREVIEW_SHOWN && ++k->told > 0;
}

static enum err add_named(struct import_preview *p, struct kind *k, const struct form *f, const char *unit,
                          const struct value *values, const char *after)
{
    if (!tell(k) || (f->key < 0 && !p->many_units))
        return OK;
    buf_put_str(&k->lines, "  ");
    put_name(p, f, unit, values, &k->lines);
    buf_printf(&k->lines, "%s\n", after);
    return buf_status(&k->lines);
}

static enum err add_fresh(struct import_preview *p, const char *unit, const struct value *values)
{
    const struct book_entry *old = NULL;

    if (p->old_codes.count > 0) {
        buf_reset(&p->text);
        value_format(&p->text, &p->form->fields[p->form->key], &values[p->form->key]);
        old = p->text.failed ? NULL : book_find(&p->old_codes, buf_cstr(&p->text));
    }
    if (old != NULL && tell(&p->renamed))
        buf_printf(&p->renamed.lines, "  %s → %s\n", old->code, old->who);
    return add_named(p, &p->fresh, p->form, unit, values, "");
}

/* The submission that stands, decoded; valid until the next one.  ERR_NOT_FOUND: its form's version is not held. */
static enum err load(struct import_preview *p, const struct record_ref *ref, struct record *r, const struct form **f)
{
    enum err e;

    buf_reset(&p->record);
    if ((e = queue_get(p->a, ref, &p->record)) != OK ||
        (e = record_decode_head(r, bytes_of(p->record.data, p->record.len))) != OK)
        return e;
    if ((*f = agent_form_by_digest(p->a, r->form)) == NULL)
        return ERR_NOT_FOUND;
    return record_decode(r, p->space, bytes_of(p->record.data, p->record.len), *f);
}

static bool says_same(struct import_preview *p, const struct form_field *f, const struct value *v,
                      const struct form_field *was, const struct value *w)
{
    size_t middle;

    buf_reset(&p->text);
    value_format(&p->text, f, v);
    middle = p->text.len;
    if (was != NULL)
        value_format(&p->text, was, w);
    return !p->text.failed && p->text.len == 2 * middle &&
           (middle == 0 || memcmp(p->text.data, p->text.data + middle, middle) == 0);
}

static void put_change(struct import_preview *p, const struct form_field *f, const struct value *v,
                       const struct form_field *was, const struct value *w, struct buf *out)
{
    buf_printf(out, "%s: ", cli_pick(f->label_ru, f->label_en));
    if (was != NULL)
        put_value(p, was, w, out);
    else
        buf_put_str(out, "—");
    buf_put_str(out, " → ");
    put_value(p, f, v, out);
}

/* Each field that says something else. */
static void put_changes(struct import_preview *p, const struct form *old, const struct value *was,
                        const struct value *values, struct buf *out)
{
    uint32_t most = is_once(p) ? PREVIEW_SHOWN : FIELDS_SHOWN;
    const char *before = is_once(p) ? "  " : "";
    const char *between = is_once(p) ? "\n  " : "; ";
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->form->field_count; i++) {
        const struct form_field *f = &p->form->fields[i];
        int32_t k = form_same_field(f, old->fields, old->field_count);
        const struct form_field *of = k >= 0 ? &old->fields[k] : NULL;
        const struct value *w = k >= 0 ? &was[k] : NULL;

        if (says_same(p, f, &values[i], of, w) || count++ >= most)
            continue;
        buf_put_str(out, count == 1 ? before : between);
        put_change(p, f, &values[i], of, w, out);
    }
    if (count > most) {
        buf_put_str(out, between);
        buf_printf(out, _("… and %u more"), count - most);
    }
    buf_put_u8(out, '\n');
}

static enum err add_changed(struct import_preview *p, const struct current_row *row, const struct value *values)
{
    struct buf *out = &p->changed.lines;
    const struct form *old = NULL;
    struct record r;
    enum err e;

    if (!tell(&p->changed))
        return OK;
    if ((e = load(p, &row->ref, &r, &old)) != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if (!is_once(p)) {
        buf_put_str(out, "  ");
        put_name(p, p->form, capture_unit(p->capture), values, out);
        buf_put_str(out, ": ");
    }
    put_changes(p, old, r.values, values, out);
    return buf_status(out);
}

enum err import_preview_row(struct import_preview *p, const struct value *values)
{
    const char *unit = capture_unit(p->capture);
    struct current_row *row;
    uint8_t says[ROW_DIGEST];
    struct bytes key;
    enum err e;

    p->taken++;
    if ((e = row_digest(says, p->form, p->form, values, &p->text)) != OK)
        return e;
    add_to_table(p, unit, says);
    if (p->form->mode == FORM_ANSWERS) {
        p->fresh.count++;
        return OK;
    }
    key = row_key(p->form, values, unit, &p->key);
    if ((e = buf_status(&p->key)) != OK)
        return e;
    if ((row = current_rows_find(&p->current, key)) == NULL)
        return add_fresh(p, unit, values);
    row->is_in_table = true;
    if (memcmp(row->values, says, sizeof(says)) != 0)
        return add_changed(p, row, values);
    p->same++;
    return OK;
}

/* ---- what is not in the table ---- */

enum err import_preview_end(struct import_preview *p, const struct import_units *units)
{
    enum err e = OK;

    current_rows_sort(&p->current);
    for (size_t i = 0; i < p->current.count && e == OK; i++) {
        const struct current_row *row = &p->current.items[i];
        const struct form *f = NULL;
        struct record r;

        if (units != NULL && !import_units_named(units, row->unit))
            continue; /* the table says nothing about that unit */
        p->stood++;
        if (row->is_in_table)
            continue;
        if (p->gone.count >= PREVIEW_SHOWN)
            p->gone.count++;
        else if ((e = load(p, &row->ref, &r, &f)) == OK)
            e = add_named(p, &p->gone, f, row->unit, r.values, "?");
        else if (e == ERR_NOT_FOUND) {
            p->gone.count++;
            e = OK;
        }
    }
    return e;
}

/* ---- told ---- */

static void print_kind(const struct kind *k, FILE *to)
{
    if (k->lines.len > 0)
        (void)fwrite(k->lines.data, 1, k->lines.len, to);
    if (k->lines.len > 0 && k->count > k->told) {
        (void)fputs("  ", to);
        (void)fprintf(to, _("… and %u more"), (unsigned)(k->count - k->told));
        (void)fputc('\n', to);
    }
}

static void print_about(const struct import_preview *p, FILE *to)
{
    const struct period *period = capture_period(p->capture);

    (void)fprintf(to, "%s, ", cli_pick(p->form->title_ru, p->form->title_en));
    if (!p->many_units)
        (void)fprintf(to, "%s, ", capture_unit(p->capture));
    (void)fprintf(to, "%s\n", cli_pick(period->label_ru, period->label_en));
}

static void print_once(const struct import_preview *p, FILE *to)
{
    if (p->fresh.count > 0)
        (void)fprintf(to, "%s\n", _("It has not been filled in on this computer before."));
    else if (p->changed.count > 0)
        (void)fprintf(to, "%s\n", _("Changed answers (what stands here → what the table says):"));
    else
        (void)fprintf(to, "%s\n", _("All answers are as they stand here already."));
    print_kind(&p->changed, to);
}

static void print_renamed(const struct import_preview *p, FILE *to)
{
    if (p->renamed.count == 0)
        return;
    (void)fprintf(to, "%s\n",
                  _("These codes were replaced on this computer, and the table enters them anew. If it is older than "
                    "that, put the present code into it:"));
    print_kind(&p->renamed, to);
}

static const char *what_becomes(bool is_replace)
{
    return is_replace ? _("ended? They will be retracted") : _("ended? They stay as they are; --replace retracts them");
}

void import_preview_print(const struct import_preview *p, bool is_replace, FILE *to)
{
    print_about(p, to);
    if (p->form->mode == FORM_ANSWERS) {
        (void)fprintf(to, _("New answers: %llu\n"), (unsigned long long)p->fresh.count);
        return;
    }
    if (is_once(p)) {
        print_once(p, to);
        return;
    }
    (void)fprintf(to, _("New rows: %llu\n"), (unsigned long long)p->fresh.count);
    print_kind(&p->fresh, to);
    print_renamed(p, to);
    (void)fprintf(to, _("Changed rows: %llu\n"), (unsigned long long)p->changed.count);
    print_kind(&p->changed, to);
    (void)fprintf(to, _("No longer in the table: %llu"), (unsigned long long)p->gone.count);
    if (p->gone.count > 0)
        (void)fprintf(to, " (%s)", what_becomes(is_replace));
    (void)fputc('\n', to);
    print_kind(&p->gone, to);
    (void)fprintf(to, _("As they were: %llu\n"), (unsigned long long)p->same);
    (void)fprintf(to, _("Rows in the table: %llu, was: %llu\n"), (unsigned long long)p->taken,
                  (unsigned long long)p->stood);
}

void import_preview_summary(const struct import_preview *p, bool is_replace, FILE *to)
{
    print_renamed(p, to);
    if (p->stood == 0) /* nothing to compare with */
        return;
    (void)fprintf(
        to,
        _("Rows in the table: %llu, was: %llu; new: %llu, changed: %llu, as they were: %llu, no longer in the "
          "table: %llu"),
        (unsigned long long)p->taken, (unsigned long long)p->stood, (unsigned long long)p->fresh.count,
        (unsigned long long)p->changed.count, (unsigned long long)p->same, (unsigned long long)p->gone.count);
    if (p->gone.count > 0)
        (void)fprintf(to, " (%s)", what_becomes(is_replace));
    (void)fputc('\n', to);
}
