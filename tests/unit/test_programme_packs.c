/* The packs that are shipped load without a word, and each has every indicator of its catalogue, under its id. */
#include "hub/programme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct shipped {
    const char *name, *prefix;
    unsigned indicators;
} packs[] = {{"klin", "KLN", 50},
             {"abinsky", "ABN", 34},
             {"veshkaima", "VSH", 42},
             {"zhigalovo", "ZHG", 76},
             {"korolyov", "KOR", 58}};

static struct programme *load_shipped(const char *name)
{
    struct programme *p = NULL;
    struct calendar *calendar;
    struct report *r;
    struct pack pack = {NULL, 0};
    char dir[256];

    (void)snprintf(dir, sizeof(dir), "%s/configs/programmes/%s", SVODKA_SOURCE_DIR, name);
    assert_int_equal(report_new(&r, 500), OK);
    assert_int_equal(calendar_new(&calendar), OK);
    if (pack_read_dir(&pack, dir, r) != OK || programme_load(&p, &pack, calendar, r) != OK) {
        report_print(r, stderr);
        fail_msg("the pack %s is refused: %s", name, err_text());
    }
    if (report_kept(r) > 0)
        report_print(r, stderr);
    assert_int_equal(report_kept(r), 0);
    pack_free(&pack);
    calendar_free(calendar);
    report_free(r);
    return p;
}

static void every_indicator_of_the_catalogue_is_in_its_pack(void **state)
{
    unsigned all = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(packs); i++) {
        struct programme *p = load_shipped(packs[i].name);

        for (unsigned n = 1; n <= packs[i].indicators; n++) {
            char id[16];
            bool is_there = false;

            (void)snprintf(id, sizeof(id), "%s-%02u", packs[i].prefix, n);
            for (size_t k = 0; k < p->indicator_count && !is_there; k++)
                is_there = strcmp(p->indicators[k]->id, id) == 0 && !p->indicators[k]->is_hidden;
            if (!is_there)
                fail_msg("%s has no %s", packs[i].name, id);
            all++;
        }
        programme_free(p);
    }
    assert_int_equal(all, 260);
}

/* Nobody is shown a number without a name in his language, or a share without its unit of measure. */
static void every_indicator_is_named_in_both_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(packs); i++) {
        struct programme *p = load_shipped(packs[i].name);

        for (size_t k = 0; k < p->indicator_count; k++) {
            const struct indicator *x = p->indicators[k];

            if (!x->is_hidden &&
                (x->name_ru == x->name_en || strcmp(x->name_ru, x->name_en) == 0 || x->unit_ru[0] == '\0'))
                fail_msg("%s %s: name or unit of measure is missing in a language", x->id, x->part);
        }
        programme_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_indicator_of_the_catalogue_is_in_its_pack),
                                       cmocka_unit_test(every_indicator_is_named_in_both_languages)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
