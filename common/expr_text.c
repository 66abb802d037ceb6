/* Functions over texts, and over lists of choice codes. */
#include "common/expr_internal.h"

#include "common/cli.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* All arguments as texts; `n` of them. */
static enum err texts(struct expr_run *r, const struct expr_val *args, uint32_t n, struct bytes *out)
{
    for (uint32_t i = 0; i < n; i++) {
        enum err e = expr_text(r, &args[i], &out[i]);

        if (e != OK)
            return e;
    }
    return OK;
}

static const uint8_t *find(struct bytes in, struct bytes what)
{
    if (what.len == 0)
        return in.p;
    return in.len < what.len ? NULL : memmem(in.p, in.len, what.p, what.len);
}

static bool same(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

enum err expr_fn_string(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s;
    enum err e = texts(r, args, count, &s);

    return e != OK ? e : expr_give_text(args, s);
}

enum err expr_fn_contains(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[2];
    enum err e = texts(r, args, count, s);

    return e != OK ? e : expr_give_boolean(args, find(s[0], s[1]) != NULL);
}

enum err expr_fn_starts_with(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[2];
    enum err e = texts(r, args, count, s);

    if (e != OK)
        return e;
    return expr_give_boolean(args, s[0].len >= s[1].len && same((struct bytes){s[0].p, s[1].len}, s[1]));
}

enum err expr_fn_ends_with(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[2];
    enum err e = texts(r, args, count, s);

    if (e != OK)
        return e;
    if (s[0].len < s[1].len)
        return expr_give_boolean(args, false);
    return expr_give_boolean(args, s[1].len == 0 || same((struct bytes){s[0].p + s[0].len - s[1].len, s[1].len}, s[1]));
}

enum err expr_fn_substring_before(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[2];
    const uint8_t *at;
    enum err e = texts(r, args, count, s);

    if (e != OK)
        return e;
    at = find(s[0], s[1]);
    return expr_give_text(args, (struct bytes){s[0].p, at == NULL || s[1].len == 0 ? 0 : (size_t)(at - s[0].p)});
}

enum err expr_fn_substring_after(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[2];
    const uint8_t *at;
    enum err e = texts(r, args, count, s);

    if (e != OK)
        return e;
    at = find(s[0], s[1]);
    if (at == NULL)
        return expr_give_text(args, (struct bytes){NULL, 0});
    if (s[1].len == 0)
        return expr_give_text(args, s[0]);
    return expr_give_text(args, (struct bytes){at + s[1].len, (size_t)(s[0].p + s[0].len - at) - s[1].len});
}

/* Bytes of the code point at p; what is not UTF-8 counts byte by byte. */
static size_t step(struct bytes s, size_t at)
{
    size_t n = 1;

    while (at + n < s.len && n < 4 && (s.p[at + n] & 0xC0u) == 0x80u)
        n++;
    return n;
}

static size_t count_points(struct bytes s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i += step(s, i))
        n++;
    return n;
}

static size_t offset_of(struct bytes s, size_t point)
{
    size_t i = 0;

    for (size_t n = 0; n < point && i < s.len; n++)
        i += step(s, i);
    return i;
}

/* A whole index between 0 and `length`; a negative one counts from the end, what is no number is 0. */
static size_t clip(double index, size_t points)
{
    double length = (double)points;

    index = isnan(index) ? 0 : trunc(index);
    if (index < 0)
        index += length;
    return (size_t)fmin(fmax(index, 0), length);
}

enum err expr_fn_substr(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s;
    size_t length, from, to, start, end;
    enum err e = texts(r, args, 1, &s);

    if (e != OK)
        return e;
    length = count_points(s);
    from = clip(expr_val_number(&args[1]), length);
    to = count > 2 ? clip(expr_val_number(&args[2]), length) : length;
    if (from >= to)
        return expr_give_text(args, (struct bytes){NULL, 0});
    start = offset_of(s, from);
    end = offset_of(s, to);
    return expr_give_text(args, (struct bytes){s.p + start, end - start});
}

enum err expr_fn_string_length(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s;
    enum err e = texts(r, args, count, &s);

    return e != OK ? e : expr_give_number(args, (double)count_points(s));
}

enum err expr_fn_normalize_space(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s;
    uint8_t *room;
    size_t n = 0;
    enum err e = texts(r, args, count, &s);

    if (e != OK)
        return e;
    s = expr_trim(s);
    if ((room = expr_room(r, s.len)) == NULL)
        return expr_arena_full();
    for (size_t i = 0; i < s.len; i++) {
        bool blank = s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r';

        if (!blank)
            room[n++] = s.p[i];
        else if (room[n - 1] != ' ') /* trimmed: the first is none */
            room[n++] = ' ';
    }
    return expr_give_text(args, (struct bytes){room, n});
}

/* Where the code point at s[at] stands in `from`, counted in code points; SIZE_MAX: nowhere. */
static size_t index_in(struct bytes from, struct bytes point)
{
    size_t n = 0;

    for (size_t i = 0; i < from.len; n++) {
        size_t len = step(from, i);

        if (same((struct bytes){from.p + i, len}, point))
            return n;
        i += len;
    }
    return SIZE_MAX;
}

enum err expr_fn_translate(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[3];
    struct bytes made = {NULL, 0};
    enum err e = texts(r, args, count, s);

    if (e != OK || (e = expr_spend(r, s[0].len * (s[1].len + s[2].len) / 64)) != OK)
        return e;
    for (size_t i = 0; i < s[0].len;) {
        struct bytes point = {s[0].p + i, step(s[0], i)};
        size_t found = index_in(s[1], point);
        uint8_t *room;

        i += point.len;
        if (found != SIZE_MAX) {
            size_t at = offset_of(s[2], found);

            point = (struct bytes){s[2].p + at, at < s[2].len ? step(s[2], at) : 0};
        }
        if ((room = expr_room(r, point.len)) == NULL)
            return expr_arena_full();
        if (point.len > 0)
            memcpy(room, point.p, point.len);
        made.p = made.p == NULL ? room : made.p;
        made.len += point.len;
    }
    return expr_give_text(args, made);
}

/* Appends to what grows at the end of the arena; a text that was just made there is in its place already. */
static enum err append(struct expr_run *r, struct bytes *made, struct bytes piece)
{
    uint8_t *room;

    if (made->p != NULL && piece.p == made->p + made->len) {
        made->len += piece.len;
        return OK;
    }
    if ((room = expr_room(r, piece.len)) == NULL)
        return expr_arena_full();
    if (piece.len > 0)
        memcpy(room, piece.p, piece.len);
    made->p = made->p == NULL ? room : made->p;
    made->len += piece.len;
    return OK;
}

static enum err join(struct expr_run *r, struct bytes separator, struct expr_val *args, uint32_t count,
                     struct expr_val *out)
{
    struct expr_walk w = {.r = r, .args = args, .count = count};
    struct bytes made = {NULL, 0};
    enum err e;

    if ((e = append(r, &made, (struct bytes){NULL, 0})) != OK) /* takes its place: `made` starts here */
        return e;
    for (bool first = true, more;; first = false) {
        struct expr_val v;
        struct bytes piece;
        size_t mark = expr_mark(r);

        /* The separator goes in before the value is made, so that the value lands behind it. */
        if (!first && (e = append(r, &made, separator)) != OK)
            return e;
        if ((e = expr_walk_next(&w, &v, &more)) != OK)
            return e;
        if (!more) {
            made.len -= first ? 0 : separator.len;
            expr_release(r, mark);
            break;
        }
        if ((e = expr_text(r, &v, &piece)) != OK || (e = append(r, &made, piece)) != OK)
            return e;
    }
    return expr_give_text(out, made);
}

enum err expr_fn_concat(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    return join(r, (struct bytes){NULL, 0}, args, count, args);
}

enum err expr_fn_join(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes separator;
    enum err e = texts(r, args, 1, &separator);

    return e != OK ? e : join(r, separator, args + 1, count - 1, args);
}

enum err expr_fn_boolean_from_string(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s;
    enum err e = texts(r, args, count, &s);

    if (e != OK)
        return e;
    return expr_give_boolean(args, (s.len == 1 && s.p[0] == '1') ||
                                       (s.len == 4 && strncasecmp((const char *)s.p, "true", 4) == 0));
}

/* A pattern that is not a literal is compiled for this one match. */
enum err expr_fn_regex(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct expr_regex *x = NULL;
    struct bytes s[2];
    char why[128];
    size_t at;
    bool matches = false;
    enum err e;

    if ((e = texts(r, args, count, s)) != OK)
        return e;
    e = expr_regex_new(&x, s[1], why, sizeof(why), &at);
    if (e == ERR_INVALID)
        return err_set(e, _("the regular expression is wrong at its character %zu: %s"), at + 1, why);
    if (e != OK)
        return e;
    e = expr_match(r, x, s[0], &matches);
    expr_regex_free(x);
    return e != OK ? e : expr_give_boolean(args, matches);
}

/* ---- choices ---- */

/* The next word of a blank-separated list, from *at on; len 0: none. */
static struct bytes next_word(struct bytes list, size_t *at)
{
    size_t from;

    while (*at < list.len && list.p[*at] == ' ')
        (*at)++;
    from = *at;
    while (*at < list.len && list.p[*at] != ' ')
        (*at)++;
    return (struct bytes){list.p + from, *at - from};
}

enum err expr_fn_selected(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes s[2], word;
    size_t at = 0;
    enum err e = texts(r, args, count, s);

    if (e != OK)
        return e;
    s[1] = expr_trim(s[1]);
    if (s[1].len == 0) /* as in both of ODK's engines: nothing is selected in nothing */
        return expr_give_boolean(args, s[0].len == 0);
    while ((word = next_word(s[0], &at)).len > 0)
        if (same(word, s[1]))
            return expr_give_boolean(args, true);
    return expr_give_boolean(args, false);
}

enum err expr_fn_count_selected(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes list;
    size_t at = 0;
    double n = 0;
    enum err e = texts(r, args, count, &list);

    if (e != OK)
        return e;
    while (next_word(list, &at).len > 0)
        n++;
    return expr_give_number(args, n);
}

enum err expr_fn_selected_at(struct expr_run *r, struct expr_val *args, uint32_t count)
{
    struct bytes list, word;
    size_t at = 0;
    double index = trunc(expr_val_number(&args[1]));
    enum err e = texts(r, args, 1, &list);

    (void)count;
    if (e != OK)
        return e;
    do
        word = next_word(list, &at);
    while (word.len > 0 && index-- > 0);
    return expr_give_text(args, index == -1 ? word : (struct bytes){NULL, 0});
}
