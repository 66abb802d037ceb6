#include "common/form.h"

#include "common/cli.h"

static void put_choices(struct buf *out, const struct form_field *f, const struct value *v)
{
    bool is_first = true;

    for (uint32_t i = 0; i < f->choices->count; i++) {
        const struct choice *c = &f->choices->items[i];
        const char *label = cli_pick(c->label_ru, c->label_en);

        if (f->type == VALUE_SELECT_ONE ? v->as.i != (int64_t)i : i >= 64 || (v->as.set >> i & 1) == 0)
            continue;
        buf_printf(out, "%s%s", is_first ? "" : ", ", label != NULL ? label : c->code);
        is_first = false;
    }
}

static void put_decimal(struct buf *out, const struct form_field *f, const struct value *v)
{
    struct buf number;

    buf_init_secret(&number, 64);
    value_format(&number, f, v);
    cli_localise(&number);
    buf_put_str(out, buf_cstr(&number));
    buf_fini(&number);
}

static void put_present(struct buf *out, const struct form_field *f, const struct value *v)
{
    switch (f->type) {
    case VALUE_BOOLEAN: buf_put_str(out, v->as.i != 0 ? _("yes") : _("no")); break;
    case VALUE_SELECT_ONE:
    case VALUE_SELECT_MULTIPLE: put_choices(out, f, v); break;
    case VALUE_DECIMAL: put_decimal(out, f, v); break;
    case VALUE_REPEAT:
        buf_printf(out, ngettext("%u row", "%u rows", v->as.rows.rows), (unsigned)v->as.rows.rows);
        break;
    case VALUE_INTEGER:
    case VALUE_DATE:
    case VALUE_TEXT: value_format(out, f, v); break;
    }
}

void value_show(struct buf *out, const struct form_field *f, const struct value *v)
{
    switch (v->state) {
    case VALUE_PRESENT: put_present(out, f, v); break;
    case VALUE_NOT_KNOWN: buf_put_str(out, _("not known")); break;
    case VALUE_NOT_APPLICABLE: buf_put_str(out, _("does not apply")); break;
    case VALUE_NOT_ASKED:
    case VALUE_MISSING: break;
    }
}
