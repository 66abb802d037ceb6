#include "tests/fault/year/year.h"

#include "common/value.h"
#include "hub/nights.h"

#define COLUMNS     13u
#define LINE_BYTES  4096u
#define STATE       2u
#define SILENT_DAYS 11u

uint64_t nights_missed, nights_explained, nights_kept;
int64_t down_ms_in_night;

void night_begins(void)
{
    for (size_t i = 0; i < school_count; i++) {
        struct school *s = &schools[i];

        s->came_before = s->came;
        s->came = false;
        s->could_ms = 0;
        s->could_at_moment = false;
        s->could_since_ms = 0;
        s->clock_jumped = s->clock_jumped && s->came_before; /* until it has come once */
        school_look(s);
    }
    down_ms_in_night = 0;
}

/* ---- what `svodka-hub night` says ---- */

static struct school *school_named(const char *id)
{
    for (size_t i = 0; i < school_count; i++)
        if (strcmp(schools[i].id, id) == 0)
            return &schools[i];
    return NULL;
}

static void split(char *line, char *cells[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        cells[i] = line;
        line += strcspn(line, i + 1 < COLUMNS ? ",\n" : "\n");
        if (*line != '\0')
            *line++ = '\0';
    }
}

static void check_school(const struct school *s, const char *date, char *const cells[COLUMNS])
{
    bool came = strcmp(cells[STATE], "came") == 0;
    int64_t silent = (true_ms - s->welcomed_ms) / DAY;

    if (came != s->came)
        at_fault("night to %s: %s is said to have \"%s\" (seen last %lld min ago), and %s", date, s->id, cells[STATE],
                 (long long)((true_ms - s->welcomed_ms) / MINUTE), s->came ? "came" : "did not");
    if (came) {
        nights_kept++;
        return;
    }
    nights_missed++;
    if (strcmp(cells[STATE], "silent") != 0)
        at_fault("night to %s: %s did not come, and is \"%s\"", date, s->id, cells[STATE]);
    if (strtoll(cells[SILENT_DAYS], NULL, 10) != silent || cells[SILENT_DAYS][0] == '\0')
        at_fault("night to %s: %s is silent for %s days instead of %lld", date, s->id, cells[SILENT_DAYS],
                 (long long)silent);
    nights_explained++;
}

static void ask_hub(const char *date)
{
    char line[LINE_BYTES];
    char *cells[COLUMNS];
    size_t seen = 0;
    size_t down = 0;
    FILE *f = hub_night(date);

    if (fgets(line, sizeof(line), f) == NULL)
        at_fault("svodka-hub night says nothing");
    while (fgets(line, sizeof(line), f) != NULL) {
        split(line, cells);
        if (cells[0][0] == '\0') {
            down += strcmp(cells[STATE], "hub-down") == 0;
            continue;
        }
        if (school_named(cells[0]) == NULL)
            at_fault("night to %s: nobody is called %s", date, cells[0]);
        check_school(school_named(cells[0]), date, cells);
        seen++;
    }
    (void)fclose(f);
    if (seen != school_count)
        at_fault("night to %s: %zu schools of %zu are shown", date, seen, school_count);
    if (down_ms_in_night >= 12 * MINUTE && down == 0)
        at_fault("night to %s: the hub was down for %lld min, and nothing is said", date,
                 (long long)(down_ms_in_night / MINUTE));
    if (down_ms_in_night == 0 && down > 0)
        at_fault("night to %s: the hub was not down, and is said to have been", date);
}

/* ---- who could have come, has ---- */

static void check_chances(const struct school *s, const char *date)
{
    if (s->came)
        return;
    if (s->could_at_moment)
        at_fault("night to %s: %s had computer, line and hub at its moment, and did not come", date, s->id);
    if (s->could_ms > 6 * HOUR && !s->came_before && s->days == NULL && !s->clock_jumped)
        at_fault("night to %s: %s could have come for %lld min, had not come the night before, and did not", date,
                 s->id, (long long)(s->could_ms / MINUTE));
}

void night_ends(void)
{
    int32_t day = night_of(true_ms - MINUTE);
    char date[11];

    date_format(date, day);
    ask_hub(date);
    for (size_t i = 0; i < school_count; i++) {
        school_look(&schools[i]);
        check_chances(&schools[i], date);
    }
}
