#include "protocol/record.h"

#include "protocol/record_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int generation_compare(const struct generation *a, const struct generation *b)
{
    if (a->counter != b->counter)
        return a->counter < b->counter ? -1 : 1;
    return memcmp(a->tag, b->tag, TAG_BYTES);
}

const char *source_name(enum record_source s)
{
    switch (s) {
    case SOURCE_OWN: return "own";
    case SOURCE_PAPER: return "paper";
    case SOURCE_PHONE: return "phone";
    case SOURCE_IMPORT: return "imported";
    }
    return "";
}

bool source_is_behalf(enum record_source s)
{
    return s == SOURCE_PAPER || s == SOURCE_PHONE;
}

int record_ref_compare(const struct record_ref *a, const struct record_ref *b)
{
    int order = generation_compare(&a->gen, &b->gen);

    if (order != 0)
        return order;
    return a->number < b->number ? -1 : a->number > b->number;
}

void record_ref_put(uint8_t out[RECORD_REF_BYTES], const struct record_ref *r)
{
    be32_put(out, r->gen.counter);
    memcpy(out + 4, r->gen.tag, TAG_BYTES);
    be64_put(out + 4 + TAG_BYTES, r->number);
}

struct record_ref record_ref_get(const uint8_t in[RECORD_REF_BYTES])
{
    struct record_ref r;

    r.gen.counter = be32_get(in);
    memcpy(r.gen.tag, in + 4, TAG_BYTES);
    r.number = be64_get(in + 4 + TAG_BYTES);
    return r;
}

static bool is_in(char c, const char *extra)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(extra, c) != NULL);
}

static bool is_name(const char *s, const char *extra, size_t max)
{
    size_t len = 0;

    while (len <= max && is_in(s[len], extra))
        len++;
    return len >= 1 && len <= max && s[len] == '\0';
}

bool id_is_valid(const char *id)
{
    return is_name(id, "_-", ID_MAX);
}

bool period_id_is_valid(const char *id)
{
    return is_name(id, "_./-", PERIOD_BYTES_MAX);
}

/* ---- ids as people write them ---- */

void record_id_format(char *out, const char *participant, const struct record_ref *r)
{
    const uint8_t *t = r->gen.tag;

    (void)snprintf(out, RECORD_ID_TEXT, "%.32s/%" PRIu32 ".%02x%02x%02x%02x/%" PRIu64, participant, r->gen.counter,
                   t[0], t[1], t[2], t[3], r->number);
}

/* Decimal digits without a leading zero, 1 to `max`; *p moves behind them. */
static bool take_number(const char **p, uint64_t max, uint64_t *out)
{
    const char *at = *p;
    uint64_t v = 0;

    if (*at < '1' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned d = (unsigned)(*at - '0');

        if (v > (max - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *p = at;
    *out = v;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ".5f3a9c0e" */
static bool take_tag(const char **p, uint8_t tag4[4])
{
    for (size_t i = 0; i < 4; i++) {
        int high = hex_digit((*p)[1 + 2 * i]);
        int low = high < 0 ? -1 : hex_digit((*p)[2 + 2 * i]);

        if (low < 0)
            return false;
        tag4[i] = (uint8_t)(high * 16 + low);
    }
    *p += 9;
    return true;
}

static bool take_generation(const char **p, struct record_id_text *out)
{
    uint64_t counter;

    if (!take_number(p, UINT32_MAX, &counter))
        return false;
    out->counter = (uint32_t)counter;
    if (**p == '.') {
        if (!take_tag(p, out->tag4))
            return false;
        out->has_tag = true;
    }
    return *(*p)++ == '/';
}

static bool take_participant(const char **p, struct record_id_text *out)
{
    size_t len = strcspn(*p, "/");

    if (len > ID_MAX)
        return false;
    memcpy(out->participant, *p, len);
    *p += len + 1;
    return id_is_valid(out->participant);
}

enum err record_id_parse(struct record_id_text *out, const char *text)
{
    struct record_id_text id = {0};
    const char *p = text;
    size_t slashes = 0;
    bool is_good;

    for (const char *at = text; *at != '\0'; at++)
        slashes += *at == '/';
    is_good = slashes <= 2 && (slashes < 2 || take_participant(&p, &id)) && (slashes < 1 || take_generation(&p, &id)) &&
              take_number(&p, INT64_MAX, &id.number) && *p == '\0';
    if (!is_good)
        return err_set(ERR_MALFORMED,
                       _("\"%.80s\" is not the id of a submission; ids look like school-07/1.5f3a9c0e/17, 1/17 or 17"),
                       text);
    *out = id;
    return OK;
}
