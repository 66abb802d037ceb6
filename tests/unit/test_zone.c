/* test_zone.c: time zones by name, beside the process's own; compared with what the C library says of the same zone. */
#include "common/zone.h"

#include "common/cli.h"
#include "common/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MINUTE_MS    INT64_C(60000)
#define HOUR_MS      (60 * MINUTE_MS)
#define DAY_MS       (24 * HOUR_MS)

static void be_in(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static struct zone *open_zone(const char *name)
{
    struct zone *z = NULL;
    enum err e = zone_open(&z, name);

    if (e != OK)
        fail_msg("%s: %s: %s", name, err_name(e), err_text());
    return z;
}

static int32_t day_of(const char *text)
{
    int32_t day = 0;

    assert_int_equal(date_parse(&day, text, strlen(text)), OK);
    return day;
}

/* The eleven zones of Russia, and others: with summer time north and south, at midnight, by half an hour, with Friday
 * prayers' rules, with winter time said the other way round; also beyond the last change that the files list. */
static void every_zone_says_what_the_c_library_says(void **state)
{
    static const char *const names[] = {
        "Europe/Kaliningrad", "Europe/Moscow",  "Europe/Samara",    "Asia/Yekaterinburg",  "Asia/Omsk",
        "Asia/Krasnoyarsk",   "Asia/Irkutsk",   "Asia/Yakutsk",     "Asia/Vladivostok",    "Asia/Magadan",
        "Asia/Kamchatka",     "Europe/Berlin",  "Europe/Dublin",    "America/New_York",    "America/Havana",
        "Asia/Beirut",        "Asia/Jerusalem", "Australia/Sydney", "Australia/Lord_Howe", "America/Santiago",
        "Africa/Casablanca",  "Asia/Kathmandu", "Pacific/Chatham",  "America/Nuuk",        "UTC"};
    struct zone *zones[COUNT(names)];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        zones[i] = open_zone(names[i]);
    for (size_t i = 0; i < COUNT(names); i++) {
        be_in(names[i]);
        for (int64_t at = -30 * 365 * DAY_MS; at < 110 * 365 * DAY_MS; at += 7 * HOUR_MS * 13 + 59 * MINUTE_MS) {
            struct zone_time here = zone_at(NULL, at);
            struct zone_time there = zone_at(zones[i], at);

            if (here.day != there.day || here.minute != there.minute)
                fail_msg("%s at %lld: %d %d instead of %d %d", names[i], (long long)at, there.day, there.minute,
                         here.day, here.minute);
        }
    }
    be_in("UTC");
    for (size_t i = 0; i < COUNT(names); i++)
        zone_free(zones[i]);
}

/* Each minute around the changes of a year, and what a clock shows goes back to a moment that shows it. */
static void a_moment_and_what_clocks_show_go_together(void **state)
{
    static const char *const names[] = {"Europe/Berlin", "America/Havana", "Asia/Yekaterinburg", "Australia/Lord_Howe"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct zone *z = open_zone(names[i]);
        int64_t from = (int64_t)day_of("2021-01-01") * DAY_MS;
        unsigned left_out = 0;

        for (int32_t day = day_of("2021-01-01"); day <= day_of("2021-12-31"); day++)
            for (int32_t minute = 0; minute < ZONE_DAY_MIN; minute += 15) {
                int64_t at = zone_moment(z, day, minute);
                struct zone_time shown = zone_at(z, at);

                assert_true(at > from - DAY_MS);
                if (shown.day == day && shown.minute == minute)
                    continue;
                /* Left out when clocks were put on: it comes later by just that. */
                assert_true(shown.day == day && shown.minute > minute && shown.minute <= minute + 60);
                left_out++;
            }
        assert_int_equal(left_out, i == 2 ? 0 : i == 3 ? 2 : 4);
        zone_free(z);
    }
}

static void a_minute_that_comes_twice_is_the_first_one(void **state)
{
    struct zone *z = open_zone("Europe/Berlin");
    int32_t day = day_of("2021-10-31");

    (void)state;
    assert_true(zone_moment(z, day, 150) == (int64_t)day * DAY_MS + 30 * MINUTE_MS); /* 02:30 summer time */
    assert_true(zone_moment(z, day, 180) == (int64_t)day * DAY_MS + 2 * HOUR_MS);
    zone_free(z);
}

static void an_unknown_name_is_told_with_names_that_are_known(void **state)
{
    static const char *const wrong[] = {
        "Asia/Ekaterinburg", "",    "Asia",          "/etc/passwd", "../../../etc/passwd",
        "Europe//Moscow",    "МСК", "Europe/Moscow/"};
    struct zone *z = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(zone_open(&z, wrong[i]), ERR_INVALID);
        assert_null(z);
        assert_non_null(strstr(err_text(), "Asia/Yekaterinburg"));
    }
}

/* Cut anywhere, or with any byte changed, a file is refused or read; nothing else happens. */
static void a_damaged_file_is_refused_whole(void **state)
{
    void *file = NULL;
    uint8_t *copy;
    size_t len = 0;
    struct zone *z = NULL;

    (void)state;
    assert_int_equal(cli_read_file("/usr/share/zoneinfo/Europe/Berlin", ZONE_FILE_MAX, &file, &len), OK);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(zone_decode(&z, bytes_of(file, cut)), ERR_MALFORMED);
    copy = malloc(len);
    assert_non_null(copy);
    for (size_t at = 0; at < len; at++) {
        memcpy(copy, file, len);
        copy[at] ^= 0x55;
        if (zone_decode(&z, bytes_of(copy, len)) == OK) {
            (void)zone_at(z, INT64_MAX);
            (void)zone_at(z, INT64_MIN);
            (void)zone_moment(z, DATE_MAX, 1439);
            zone_free(z);
        }
    }
    free(copy);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_zone_says_what_the_c_library_says),
        cmocka_unit_test(a_moment_and_what_clocks_show_go_together),
        cmocka_unit_test(a_minute_that_comes_twice_is_the_first_one),
        cmocka_unit_test(an_unknown_name_is_told_with_names_that_are_known),
        cmocka_unit_test(a_damaged_file_is_refused_whole),
    };

    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
