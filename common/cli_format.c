#include "common/cli.h"

#include "common/buf.h"
#include "common/clock.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_EVERY_MS 100

void cli_format_count(char *out, size_t size, uint64_t n)
{
    char digits[24];
    char grouped[32];
    char mark = cli_is_russian() ? ' ' : ',';
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    size_t to = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            grouped[to++] = mark;
        grouped[to++] = digits[i];
    }
    grouped[to] = '\0';
    (void)snprintf(out, size, "%s", grouped);
}

static time_t seconds_of(int64_t wall_ms)
{
    return (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
}

/* Months stand here and not in the catalogue: a Russian date needs the genitive, which "May" alone cannot tell. */
static const char *month_name(int month)
{
    static const char *const ru[12] = {"января", "февраля", "марта",    "апреля",  "мая",    "июня",
                                       "июля",   "августа", "сентября", "октября", "ноября", "декабря"};
    static const char *const en[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    return (cli_is_russian() ? ru : en)[month];
}

void cli_format_time(char *out, size_t size, int64_t wall_ms)
{
    time_t seconds = seconds_of(wall_ms);
    struct tm tm;

    if (localtime_r(&seconds, &tm) == NULL) {
        (void)snprintf(out, size, "?");
        return;
    }
    (void)snprintf(out, size, "%d %s %d, %02d:%02d", tm.tm_mday, month_name(tm.tm_mon), tm.tm_year + 1900, tm.tm_hour,
                   tm.tm_min);
}

void cli_format_date(char *out, size_t size, int32_t day)
{
    time_t seconds = (time_t)day * 86400;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL)
        (void)snprintf(out, size, "?");
    else
        (void)snprintf(out, size, "%d %s %d", tm.tm_mday, month_name(tm.tm_mon), tm.tm_year + 1900);
}

void cli_format_minute(char *out, size_t size, int64_t wall_ms)
{
    time_t seconds = seconds_of(wall_ms);
    struct tm local;

    if (localtime_r(&seconds, &local) == NULL || strftime(out, size, "%Y-%m-%d %H:%M", &local) == 0)
        out[0] = '\0';
}

void cli_format_day(char *out, size_t size, int64_t wall_ms)
{
    char text[40];

    cli_format_minute(text, sizeof(text), wall_ms);
    text[strcspn(text, " ")] = '\0';
    (void)snprintf(out, size, "%s", text);
}

void cli_format_utc(char *out, size_t size, int64_t wall_ms)
{
    time_t seconds = seconds_of(wall_ms);
    struct tm utc;

    if (gmtime_r(&seconds, &utc) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        out[0] = '\0';
}

void cli_format_bytes(char *out, size_t size, uint64_t bytes)
{
    static const char *const ru[] = {"Б", "КБ", "МБ", "ГБ", "ТБ"};
    static const char *const en[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    const char *const *units = cli_is_russian() ? ru : en;
    unsigned unit = 0;
    uint64_t tenths;

    while (unit < 4 && (bytes >> (10 * unit)) >= 1000) /* 1000 KiB read better as 1.0 MiB */
        unit++;
    if (unit == 0) {
        (void)snprintf(out, size, "%" PRIu64 " %s", bytes, units[0]);
        return;
    }
    tenths = ((bytes >> (10 * (unit - 1))) * 10 + 512) >> 10;
    (void)snprintf(out, size, "%" PRIu64 "%c%" PRIu64 " %s", tenths / 10, cli_is_russian() ? ',' : '.', tenths % 10,
                   units[unit]);
}

/* ---- progress ---- */

static int64_t shown_at_ms; /* of the line that stands on the terminal; 0: none does */

void cli_progress(const char *what, uint64_t done, uint64_t total)
{
    int64_t now = clock_mono_ms();

    if ((shown_at_ms != 0 && now - shown_at_ms < PROGRESS_EVERY_MS) || isatty(STDERR_FILENO) == 0)
        return;
    shown_at_ms = now;
    if (total > 0)
        (void)fprintf(stderr, "\r%s %u %%\033[K", what,
                      (unsigned)((double)(done < total ? done : total) * 100 / (double)total));
    else
        (void)fprintf(stderr, "\r%s\033[K", what);
    (void)fflush(stderr);
}

void cli_progress_end(void)
{
    if (shown_at_ms != 0) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
    shown_at_ms = 0;
}

void cli_localise(struct buf *number)
{
    for (size_t i = 0; cli_is_russian() && i < number->len; i++)
        if (number->data[i] == '.')
            number->data[i] = ',';
}
