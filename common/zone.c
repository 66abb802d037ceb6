#include "common/zone.h"

#include "common/cli.h"
#include "common/folder.h"
#include "common/value.h"
#include "common/zone_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FOLDER       "/usr/share/zoneinfo"
#define DAY_S        INT64_C(86400)
#define HEADER_BYTES 44u
#define TYPE_BYTES   6u
#define CHANGES_MAX  4000u
#define TYPES_MAX    256u
#define OFFSET_MAX   (26 * 3600) /* RFC 8536 3.2 allows less */
#define RULE_MAX     128u
#define NAME_MAX_LEN 64u
#define SECOND_MIN   (-(INT64_C(1) << 59)) /* "since ever" in some files */
#define SECOND_MAX   (INT64_C(1) << 59)
#define DATES_END    (INT64_C(1) << 36) /* beyond all dates: no calculation with days overflows */

/* ---- the file ---- */

struct counts {
    uint32_t utc, standard, leap, changes, types, chars;
};

static enum err malformed(void)
{
    return err_set(ERR_MALFORMED, _("this is no file of the time zone database that can be read"));
}

static bool read_header(struct bytes file, size_t at, struct counts *c)
{
    const uint8_t *p = file.p + at;

    if (at > file.len || file.len - at < HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    *c = (struct counts){.utc = be32_get(p + 20),
                         .standard = be32_get(p + 24),
                         .leap = be32_get(p + 28),
                         .changes = be32_get(p + 32),
                         .types = be32_get(p + 36),
                         .chars = be32_get(p + 40)};
    return c->utc <= TYPES_MAX && c->standard <= TYPES_MAX && c->leap <= TYPES_MAX && c->changes <= CHANGES_MAX &&
           c->types >= 1 && c->types <= TYPES_MAX && c->chars <= ZONE_FILE_MAX;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->changes * (time_bytes + 1) + (size_t)c->types * TYPE_BYTES + c->chars + c->leap * (time_bytes + 4) +
           c->standard + c->utc;
}

static bool read_offset(const uint8_t *types, uint32_t i, int32_t *out)
{
    *out = (int32_t)be32_get(types + (size_t)i * TYPE_BYTES);
    return *out >= -OFFSET_MAX && *out <= OFFSET_MAX;
}

static bool read_changes(struct zone *z, const uint8_t *p, const struct counts *c)
{
    const uint8_t *which = p + (size_t)c->changes * 8;
    const uint8_t *types = which + c->changes;

    if (!read_offset(types, 0, &z->before) || (z->changes = calloc(c->changes + 1, sizeof(*z->changes))) == NULL)
        return false;
    z->count = c->changes;
    for (uint32_t i = 0; i < c->changes; i++) {
        struct zone_change *to = &z->changes[i];

        to->at = (int64_t)be64_get(p + (size_t)i * 8);
        if (to->at < SECOND_MIN || to->at > SECOND_MAX || (i > 0 && to->at <= to[-1].at) || which[i] >= c->types ||
            !read_offset(types, which[i], &to->offset))
            return false;
    }
    return true;
}

/* What follows the second block: a line. */
static bool read_rule(struct zone *z, struct bytes tail)
{
    char text[RULE_MAX];

    if (tail.len < 2 || tail.len > RULE_MAX || tail.p[0] != '\n' || tail.p[tail.len - 1] != '\n' ||
        memchr(tail.p, '\0', tail.len) != NULL)
        return false;
    memcpy(text, tail.p + 1, tail.len - 2);
    text[tail.len - 2] = '\0';
    return text[0] == '\0' || zone_rule_read(&z->rule, text);
}

enum err zone_decode(struct zone **out, struct bytes file)
{
    struct zone *z = calloc(1, sizeof(*z));
    struct counts c;
    size_t at = HEADER_BYTES;
    bool is_good = z != NULL && file.len <= ZONE_FILE_MAX && read_header(file, 0, &c);

    if (is_good) { /* the first block has 32 bits: for older programs */
        at += block_bytes(&c, 4);
        is_good = read_header(file, at, &c);
        at += HEADER_BYTES;
    }
    if (is_good && (is_good = block_bytes(&c, 8) <= file.len - at) &&
        (is_good = read_changes(z, file.p + at, &c)) == true) {
        at += block_bytes(&c, 8);
        is_good = read_rule(z, bytes_of(file.p + at, file.len - at));
    }
    if (!is_good) {
        zone_free(z);
        return malformed();
    }
    *out = z;
    return OK;
}

void zone_free(struct zone *z)
{
    if (z != NULL)
        free(z->changes);
    free(z);
}

/* A name may become a path: letters, digits, + - _ and single slashes inside. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_LEN || name[0] == '/' || name[len - 1] == '/' || strstr(name, "//") != NULL)
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/") == len;
}

enum err zone_open(struct zone **out, const char *name)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;
    void *file = NULL;
    size_t len = 0;
    enum err e;

    if (stat(FOLDER "/UTC", &st) != 0)
        return err_set(ERR_NOT_FOUND, _("this system has no time zones in %s: install tzdata"), FOLDER);
    if (!is_name(name) || folder_path(path, FOLDER, name) != OK || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(
            ERR_INVALID,
            _("\"%.64s\" is no time zone that this system knows; expected is a name such as "
              "Europe/Kaliningrad, Europe/Moscow, Europe/Samara, Asia/Yekaterinburg, Asia/Omsk, "
              "Asia/Krasnoyarsk, Asia/Irkutsk, Asia/Yakutsk, Asia/Vladivostok, Asia/Magadan, Asia/Kamchatka"),
            name);
    if ((e = cli_read_file(path, ZONE_FILE_MAX, &file, &len)) == OK)
        e = zone_decode(out, bytes_of(file, len));
    free(file);
    return e;
}

/* ---- using it ---- */

static int32_t offset_at(const struct zone *z, int64_t second)
{
    size_t low = 0;
    size_t high = z->count; /* how many changes are not after it */

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (z->changes[middle].at <= second)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->count && z->rule.is_there)
        return zone_rule_offset(&z->rule, second);
    return low == 0 ? z->before : z->changes[low - 1].offset;
}

static int64_t bounded(int64_t second)
{
    return second > DATES_END ? DATES_END : second < -DATES_END ? -DATES_END : second;
}

static int64_t floor_to(int64_t n, int64_t step)
{
    return n / step - (n % step < 0 ? 1 : 0);
}

struct zone_time zone_at(const struct zone *z, int64_t wall_ms)
{
    int64_t second = bounded(floor_to(wall_ms, 1000));
    time_t then = (time_t)second;
    struct tm tm;

    if (z != NULL)
        second += offset_at(z, second);
    else if (localtime_r(&then, &tm) != NULL)
        second += tm.tm_gmtoff;
    return (struct zone_time){.day = (int32_t)floor_to(second, DAY_S),
                              .minute = (int32_t)((second - floor_to(second, DAY_S) * DAY_S) / 60)};
}

static int64_t moment_here(int32_t day, int32_t minute)
{
    struct tm tm = {.tm_hour = minute / 60, .tm_min = minute % 60, .tm_isdst = -1};

    date_to_civil(day, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (int64_t)mktime(&tm) * 1000;
}

int64_t zone_moment(const struct zone *z, int32_t day, int32_t minute)
{
    int64_t shown = bounded(day * DAY_S + minute * INT64_C(60));
    int32_t earlier, later;

    if (z == NULL)
        return moment_here(day, minute);
    earlier = offset_at(z, shown - DAY_S);
    later = offset_at(z, shown + DAY_S);
    if (offset_at(z, shown - earlier) != earlier && offset_at(z, shown - later) == later)
        return (shown - later) * 1000;
    return (shown - earlier) * 1000; /* also what is left out: earlier < later, so it comes as much later */
}
