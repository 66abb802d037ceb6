/* fuzz_period.c: any text as a period, a date, a decimal, and as a pack's calendar. */
#include "common/clock.h"
#include "common/period.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void fuzz_value(const char *text, size_t len)
{
    struct buf b;
    int32_t days = 0;
    int64_t scaled = 0;
    char back[11];

    if (date_parse_local(&days, text, len) == OK) {
        must(days >= DATE_MIN && days <= DATE_MAX);
        date_format(back, days);
        if (len == 10 && text[4] == '-')
            must(memcmp(back, text, 10) == 0 && date_parse(&days, text, len) == OK);
    } else
        must(date_parse(&days, text, len) != OK);
    buf_init(&b, 100);
    for (unsigned places = 0; places <= VALUE_MAX_PLACES; places++) {
        int64_t again = 0;

        if (decimal_parse(&scaled, text, len, places) != OK)
            continue;
        buf_reset(&b);
        decimal_format(&b, scaled, places);
        must(decimal_parse(&again, buf_cstr(&b), b.len, places) == OK && again == scaled);
    }
    buf_fini(&b);
}

/* What is found is found again by its id, and lies where the calendar says. */
static void check_period(const struct calendar *c, const struct period *p)
{
    struct period q;

    must(p->first <= p->last && calendar_has_series(c, p->series));
    must(calendar_find(c, p->series, p->id, &q) == OK && strcmp(q.id, p->id) == 0);
    must(calendar_on(c, p->series, p->first, &q) == OK && strcmp(q.id, p->id) == 0);
    must(calendar_step(c, p, 0, &q) == OK && strcmp(q.id, p->id) == 0);
    if (calendar_step(c, p, 1, &q) == OK) {
        must(q.first > p->last);
        must(calendar_step(c, &q, -1, &q) == OK && strcmp(q.id, p->id) == 0);
    }
}

/* In any series, and in one that the text itself chooses. */
static void fuzz_find(const struct calendar *c, const char *text, size_t len)
{
    size_t count;
    const char *const *names = calendar_series(c, &count);
    const char *series = names[len % count];
    struct period p;

    if (calendar_find(c, NULL, text, &p) == OK)
        check_period(c, &p);
    if (calendar_find(c, series, text, &p) == OK) {
        must(strcmp(p.series, series) == 0);
        check_period(c, &p);
    }
}

static void fuzz_pack(struct calendar *c, const char *text, size_t len)
{
    struct report *r = NULL;
    struct yaml_doc *d = NULL;

    must(report_new(&r, 20) == OK);
    if (yaml_parse(&d, "fuzz.yaml", text, len, r) == OK) {
        bool is_good = calendar_read(c, d, yaml_root(d), r);

        must(is_good == (report_errors(r) == 0));
        if (is_good && yaml_root(d)->count > 0)
            for (uint32_t i = 0; i < yaml_root(d)->count; i++) {
                const struct yaml_node *series = yaml_root(d)->items[i];
                const struct yaml_node *periods = yaml_get(series, "periods");

                for (uint32_t k = 0; k < periods->count; k++) {
                    struct period p;

                    must(calendar_find(c, yaml_get(series, "series")->text, yaml_get(periods->items[k], "id")->text,
                                       &p) == OK);
                    check_period(c, &p);
                }
            }
    }
    yaml_free(d);
    report_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct calendar *c = NULL;
    char *text = malloc(size + 1);

    must(text != NULL && calendar_new(&c) == OK);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    clock_test_set(INT64_C(1617235200000));
    fuzz_value(text, size);
    fuzz_pack(c, text, size);
    fuzz_find(c, text, size);
    calendar_free(c);
    free(text);
    return 0;
}
