/* fuzz_due.c: any text as a pack's calendar.yaml, and what its rules say about some periods; any bytes as the lines of
 * a snapshot. */
#include "common/due.h"
#include "hub/snapshot.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char form_yaml[] = "form: marks\nversion: \"1\"\ntitle: M\nmode: record\nrole: school\n"
                                "period: [school_quarter, school_year, month]\n"
                                "survey:\n  - {type: integer, name: n, label: N, required: true}\n";

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum err count_period(void *ctx, const struct period *p, const struct due_days *d)
{
    (void)p;
    must(d->opens <= d->late_until);
    ++*(unsigned *)ctx;
    return OK;
}

static void try_rule(const struct due_rule *r, struct form *f, const struct calendar *c)
{
    static const char *const periods[] = {"2020/21", "2020/21-Q1", "2019/20-Q4", "2020-02", "2020-12"};
    int32_t today = date_from_civil(2020, 11, 1);
    unsigned count = 0;

    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        struct due_days d;
        struct period p;

        must(calendar_find(c, NULL, periods[i], &p) == OK);
        if (due_rule_days(r, f, &p, &d)) /* loading has tried these out */
            must(d.opens <= d.due && d.due <= d.late_until);
    }
    must(due_rule_each(r, f, c, today, today, count_period, &count) == OK);
}

static enum err see_line(void *ctx, const struct snapshot_line *l)
{
    *(size_t *)ctx += strlen(l->indicator) + strlen(l->used);
    return OK;
}

/* With the digest of whatever came: what the signature keeps out otherwise. */
static void try_snapshot(const uint8_t *data, size_t size)
{
    struct snapshot_head head = {.period = "2020", .length = size};
    size_t seen = 0;

    digest(head.digest, bytes_of(data, size));
    if (size > 0 && (data[0] & 0xF0) == 0x90)
        head.lines = data[0] & 0x0F;
    (void)!snapshot_read(&head, bytes_of(data, size), see_line, &seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct due_rules *rules = NULL;
    struct calendar *c = NULL;
    struct form *forms[1] = {NULL};
    struct report *r = NULL;
    struct due_scope scope;
    enum err e;

    must(calendar_new(&c) == OK && report_new(&r, 20) == OK &&
         form_load(&forms[0], "marks.yaml", form_yaml, sizeof(form_yaml) - 1, NULL) == OK);
    scope = (struct due_scope){c, forms, 1};
    e = due_rules_read(&rules, "calendar.yaml", data, size, &scope, r);
    must((e == OK) == (report_errors(r) == 0));
    for (size_t i = 0; e == OK && i < due_rules_count(rules); i++)
        try_rule(due_rules_at(rules, i), forms[0], c);
    due_rules_free(rules);
    report_free(r);
    form_free(forms[0]);
    calendar_free(c);
    try_snapshot(data, size);
    return 0;
}
