#include "hub/variables_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define CODE_KEY_DOMAIN "svodka code key v1"
#define CODE_DOMAIN     "svodka code v1"
#define CONTEXT_MAX     (128u << 10) /* twice what an expression's texts may take */
#define BY_TEXT_MAX     64u
#define VALUE_LIMIT     9.0e15 /* a scaled value beyond it is not exact in a double: no answer */

/* Half up as the decimal digits show it: 0.285 lies a hair below in binary and is still 0.29 with two places, as in
 * any recomputation with decimals.  The slack is a few units in the last place of the double, and never much. */
static double round_half_up(double x)
{
    double down = floor(x);
    double slack;

    if (x == down)
        return x;
    slack = fmin(4 * DBL_EPSILON * fabs(x), 0.001);
    return x - down - 0.5 >= -slack ? down + 1 : down;
}

bool variable_round(double x, double scale, i128 *out)
{
    if (isnan(x))
        return false;
    x = round_half_up(x * scale);
    if (!(fabs(x) < VALUE_LIMIT))
        return false;
    *out = (i128)x;
    return true;
}

/* ---- parts ---- */

void part_put(struct part *p, const void *bytes, size_t len)
{
    if (len > sizeof(p->bytes) - p->len) {
        p->failed = true;
        return;
    }
    if (len > 0)
        memcpy(p->bytes + p->len, bytes, len);
    p->len += len;
}

void part_put_i32(struct part *p, int32_t x)
{
    uint8_t raw[4];

    be32_put(raw, (uint32_t)x ^ (UINT32_C(1) << 31));
    part_put(p, raw, sizeof(raw));
}

void part_put_i64(struct part *p, int64_t x)
{
    uint8_t raw[8];

    be64_put(raw, (uint64_t)x ^ (UINT64_C(1) << 63));
    part_put(p, raw, sizeof(raw));
}

static void put_text(struct part *p, const char *text)
{
    part_put(p, text, strlen(text));
}

static void put_integer(struct part *p, int64_t x)
{
    char digits[20];
    size_t n = sizeof(digits);
    uint64_t u = x < 0 ? -(uint64_t)x : (uint64_t)x;

    do
        digits[--n] = (char)('0' + (int)(u % 10));
    while ((u /= 10) != 0);
    if (x < 0)
        digits[--n] = '-';
    part_put(p, digits + n, sizeof(digits) - n);
}

/* What separates parts, and what cannot be shown in a line, is written %3B: no two combinations of answers have one
 * name, whatever a school types. */
static void put_escaped(struct part *p, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        const char escape[] = {'%', hex[c >> 4], hex[c & 15u]};

        if (c == ';' || c == '%' || c < 0x20 || c == 0x7F)
            part_put(p, escape, sizeof(escape));
        else
            part_put(p, &c, 1);
    }
}

enum err part_put_code(struct part *p, const char *name, const struct form_field *field, const struct value *v)
{
    put_text(p, name);
    put_text(p, "=");
    switch (field->type) {
    case VALUE_TEXT:
        if (v->as.text.len > BY_TEXT_MAX)
            return err_set(ERR_LIMIT, "%s: a text of %zu bytes, at most %u are allowed in `by`", name, v->as.text.len,
                           BY_TEXT_MAX);
        put_escaped(p, v->as.text);
        break;
    case VALUE_SELECT_ONE:
        if (v->as.i < 0 || field->choices == NULL || v->as.i >= (int64_t)field->choices->count)
            return err_set(ERR_INVALID, "%s: there is no such choice", name);
        put_text(p, field->choices->items[v->as.i].code);
        break;
    case VALUE_BOOLEAN: put_text(p, v->as.i != 0 ? "true" : "false"); break;
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_DATE:
    case VALUE_SELECT_MULTIPLE:
    case VALUE_REPEAT: put_integer(p, v->as.i); break; /* the others were refused when the code was compiled */
    }
    return OK;
}

/* ---- codes ---- */

void code_digests_init(struct code_digests *d, const struct key *storage)
{
    derive(d->key, key_secret(storage), CODE_KEY_DOMAIN, bytes_of("", 0));
    buf_init_secret(&d->context, CONTEXT_MAX);
}

void code_digests_fini(struct code_digests *d)
{
    wipe(d->key, sizeof(d->key));
    buf_wipe(&d->context);
}

enum err code_digest(struct code_digests *d, enum code_digest_of of, const char *unit, const char *other,
                     struct bytes text, uint8_t out[PART_KEY_BYTES])
{
    uint8_t whole[KEY_BYTES];
    enum err e;

    buf_reset(&d->context);
    buf_put_u8(&d->context, (uint8_t)of);
    buf_put(&d->context, unit, strlen(unit) + 1);
    if (other != NULL)
        buf_put(&d->context, other, strlen(other) + 1);
    buf_put(&d->context, text.p, text.len);
    if ((e = buf_status(&d->context)) != OK)
        return e;
    derive(whole, d->key, CODE_DOMAIN, bytes_of(d->context.data, d->context.len));
    memcpy(out, whole, PART_KEY_BYTES);
    return OK;
}
