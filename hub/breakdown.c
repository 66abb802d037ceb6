#include "hub/breakdown.h"

#include "common/cli.h"

#include <string.h>

/* The field of that name whose choices have the code; or, of a field without choices, the field. */
static const struct form_field *find_in(const struct form_field *fields, uint32_t count, const char *name, size_t len,
                                        const char *code, size_t code_len)
{
    const struct form_field *found = NULL;

    for (uint32_t i = 0; i < count && found == NULL; i++) {
        const struct form_field *f = &fields[i];

        if (f->type == VALUE_REPEAT)
            found = find_in(f->columns, f->column_count, name, len, code, code_len);
        else if (strlen(f->name) == len && memcmp(f->name, name, len) == 0 &&
                 (f->choices == NULL || choice_find(f->choices, code, code_len) >= 0))
            found = f;
    }
    return found;
}

static const struct form_field *find_field(const struct programme *p, const char *name, size_t len, const char *code,
                                           size_t code_len)
{
    const struct form_field *found = NULL;

    for (size_t i = 0; i < p->form_count && found == NULL; i++)
        found = find_in(p->forms[i]->fields, p->forms[i]->field_count, name, len, code, code_len);
    return found;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

/* Texts are written with %3B for what separates parts. */
static void put_code(struct buf *out, const char *code, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = code[i] == '%' && i + 2 < len ? hex_digit(code[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_digit(code[i + 2]);

        if (low < 0) {
            buf_put_u8(out, (uint8_t)code[i]);
            continue;
        }
        buf_put_u8(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
}

/* As cli_pick(), but in a language that is not the reader's at this moment. */
static const char *pick(enum breakdown_language l, const char *ru, const char *en)
{
    const char *first = l == BREAKDOWN_RU ? ru : en;

    if (l == BREAKDOWN_OURS)
        return cli_pick(ru, en);
    return first != NULL ? first : l == BREAKDOWN_RU ? en : ru;
}

static bool put_class(struct buf *out, const struct indicator *i, const char *code, size_t len,
                      enum breakdown_language l)
{
    for (uint32_t k = 0; k < i->class_count; k++)
        if (strlen(i->classes[k].code) == len && memcmp(i->classes[k].code, code, len) == 0) {
            buf_put_str(out, pick(l, i->classes[k].name_ru, i->classes[k].name_en));
            return true;
        }
    return false;
}

static void put_one(struct buf *out, const struct programme *p, const struct indicator *i, const char *pair, size_t len,
                    enum breakdown_language l)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - pair);
    const char *code = equals == NULL ? pair + len : equals + 1;
    size_t code_len = len - (size_t)(code - pair);
    const struct form_field *f;

    if (i->kind == KIND_CLASS && name_len == 5 && memcmp(pair, "class", 5) == 0 && put_class(out, i, code, code_len, l))
        return;
    if ((f = find_field(p, pair, name_len, code, code_len)) == NULL) {
        buf_put(out, pair, name_len);
        buf_put_str(out, equals == NULL ? "" : ": ");
        put_code(out, code, code_len);
        return;
    }
    buf_printf(out, "%s: ", pick(l, f->label_ru, f->label_en));
    if (f->choices != NULL) {
        const struct choice *c = &f->choices->items[choice_find(f->choices, code, code_len)];
        const char *label = pick(l, c->label_ru, c->label_en);

        buf_put_str(out, label != NULL ? label : c->code);
    } else if (f->type == VALUE_BOOLEAN)
        buf_put_str(out, code_len == 4 ? pick(l, "да", "yes") : pick(l, "нет", "no"));
    else
        put_code(out, code, code_len);
}

void breakdown_put(struct buf *out, const struct programme *p, const struct indicator *i, const char *breakdown)
{
    breakdown_put_in(out, p, i, breakdown, BREAKDOWN_OURS);
}

void breakdown_put_in(struct buf *out, const struct programme *p, const struct indicator *i, const char *breakdown,
                      enum breakdown_language l)
{
    while (*breakdown != '\0') {
        size_t len = strcspn(breakdown, ";");

        put_one(out, p, i, breakdown, len, l);
        breakdown += len;
        if (*breakdown == ';') {
            buf_put_str(out, "; ");
            breakdown++;
        }
    }
}

/* Does the name alone say which of the lines with this id it is? */
static bool is_named_apart(const struct programme *p, const struct indicator *i)
{
    const char *name = cli_pick(i->name_ru, i->name_en);

    for (size_t k = 0; k < p->indicator_count; k++) {
        const struct indicator *other = p->indicators[k];

        if (strcmp(other->id, i->id) == 0 && strcmp(other->part, i->part) != 0 &&
            strcmp(cli_pick(other->name_ru, other->name_en), name) == 0)
            return false;
    }
    return true;
}

const char *breakdown_to_say(const struct programme *p, const struct indicator *i, const char *breakdown)
{
    size_t own = strlen(i->part);

    if (own == 0 || strncmp(breakdown, i->part, own) != 0 || !is_named_apart(p, i))
        return breakdown;
    return breakdown[own] == ';' ? breakdown + own + 1 : breakdown + own;
}
