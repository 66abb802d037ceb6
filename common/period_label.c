/* Reads the labels of the predefined series as people type them: «1 четверть 2020/21», «II полугодие 2020-2021 уч. г.»,
 * «сентябрь 2020 г.», "Q1 2020", "school year 2020/21".
 *
 * The text is folded and cut into numbers and words; their order does not matter.  A school year is written with both
 * its years, a calendar year with one: that alone tells «1 quarter 2020/21» from "1 quarter 2020", and a word that says
 * otherwise («1 четверть 2020») makes the label refused rather than guessed. */
#include "common/period_internal.h"

#include "common/utf8.h"

#include <string.h>

#define MAX_LABEL  200u /* bytes that are looked at */
#define MAX_FOLDED 4096u
#define MAX_WORD   32u

enum meaning {
    WORD_IGNORED,
    WORD_NUMBER, /* value: the ordinal */
    WORD_MONTH,  /* value: 1 to 12 */
    WORD_QUARTER,
    WORD_SCHOOL_QUARTER,   /* четверть */
    WORD_CALENDAR_QUARTER, /* квартал */
    WORD_HALF,
    WORD_YEAR,
    WORD_SCHOOL,
    WORD_CALENDAR
};

static const struct {
    const char *text;
    enum meaning meaning;
    int value;
} words[] = {
    {"четверть", WORD_SCHOOL_QUARTER, 0},
    {"четверти", WORD_SCHOOL_QUARTER, 0},
    {"четв", WORD_SCHOOL_QUARTER, 0},
    {"квартал", WORD_CALENDAR_QUARTER, 0},
    {"квартала", WORD_CALENDAR_QUARTER, 0},
    {"кв", WORD_CALENDAR_QUARTER, 0},
    {"quarter", WORD_QUARTER, 0},
    {"q", WORD_QUARTER, 0},
    {"полугодие", WORD_HALF, 0},
    {"полугодия", WORD_HALF, 0},
    {"half", WORD_HALF, 0},
    {"h", WORD_HALF, 0},
    {"год", WORD_YEAR, 0},
    {"года", WORD_YEAR, 0},
    {"г", WORD_YEAR, 0},
    {"year", WORD_YEAR, 0},
    {"учебный", WORD_SCHOOL, 0},
    {"учебного", WORD_SCHOOL, 0},
    {"уч", WORD_SCHOOL, 0},
    {"школьный", WORD_SCHOOL, 0},
    {"school", WORD_SCHOOL, 0},
    {"academic", WORD_SCHOOL, 0},
    {"календарный", WORD_CALENDAR, 0},
    {"календарного", WORD_CALENDAR, 0},
    {"calendar", WORD_CALENDAR, 0},
    {"i", WORD_NUMBER, 1},
    {"ii", WORD_NUMBER, 2},
    {"iii", WORD_NUMBER, 3},
    {"iv", WORD_NUMBER, 4},
    {"первая", WORD_NUMBER, 1},
    {"первый", WORD_NUMBER, 1},
    {"первое", WORD_NUMBER, 1},
    {"вторая", WORD_NUMBER, 2},
    {"второй", WORD_NUMBER, 2},
    {"второе", WORD_NUMBER, 2},
    {"третья", WORD_NUMBER, 3},
    {"третий", WORD_NUMBER, 3},
    {"четвертая", WORD_NUMBER, 4},
    {"четвёртая", WORD_NUMBER, 4},
    {"четвертый", WORD_NUMBER, 4},
    {"четвёртый", WORD_NUMBER, 4},
    {"first", WORD_NUMBER, 1},
    {"second", WORD_NUMBER, 2},
    {"third", WORD_NUMBER, 3},
    {"fourth", WORD_NUMBER, 4},
    {"январь", WORD_MONTH, 1},
    {"января", WORD_MONTH, 1},
    {"january", WORD_MONTH, 1},
    {"jan", WORD_MONTH, 1},
    {"февраль", WORD_MONTH, 2},
    {"февраля", WORD_MONTH, 2},
    {"february", WORD_MONTH, 2},
    {"feb", WORD_MONTH, 2},
    {"март", WORD_MONTH, 3},
    {"марта", WORD_MONTH, 3},
    {"march", WORD_MONTH, 3},
    {"mar", WORD_MONTH, 3},
    {"апрель", WORD_MONTH, 4},
    {"апреля", WORD_MONTH, 4},
    {"april", WORD_MONTH, 4},
    {"apr", WORD_MONTH, 4},
    {"май", WORD_MONTH, 5},
    {"мая", WORD_MONTH, 5},
    {"may", WORD_MONTH, 5},
    {"июнь", WORD_MONTH, 6},
    {"июня", WORD_MONTH, 6},
    {"june", WORD_MONTH, 6},
    {"jun", WORD_MONTH, 6},
    {"июль", WORD_MONTH, 7},
    {"июля", WORD_MONTH, 7},
    {"july", WORD_MONTH, 7},
    {"jul", WORD_MONTH, 7},
    {"август", WORD_MONTH, 8},
    {"августа", WORD_MONTH, 8},
    {"august", WORD_MONTH, 8},
    {"aug", WORD_MONTH, 8},
    {"сентябрь", WORD_MONTH, 9},
    {"сентября", WORD_MONTH, 9},
    {"september", WORD_MONTH, 9},
    {"sep", WORD_MONTH, 9},
    {"sept", WORD_MONTH, 9},
    {"октябрь", WORD_MONTH, 10},
    {"октября", WORD_MONTH, 10},
    {"october", WORD_MONTH, 10},
    {"oct", WORD_MONTH, 10},
    {"ноябрь", WORD_MONTH, 11},
    {"ноября", WORD_MONTH, 11},
    {"november", WORD_MONTH, 11},
    {"nov", WORD_MONTH, 11},
    {"декабрь", WORD_MONTH, 12},
    {"декабря", WORD_MONTH, 12},
    {"december", WORD_MONTH, 12},
    {"dec", WORD_MONTH, 12},
    /* endings of ordinals and prepositions */
    {"я", WORD_IGNORED, 0},
    {"й", WORD_IGNORED, 0},
    {"е", WORD_IGNORED, 0},
    {"ая", WORD_IGNORED, 0},
    {"ый", WORD_IGNORED, 0},
    {"ое", WORD_IGNORED, 0},
    {"st", WORD_IGNORED, 0},
    {"nd", WORD_IGNORED, 0},
    {"rd", WORD_IGNORED, 0},
    {"th", WORD_IGNORED, 0},
    {"за", WORD_IGNORED, 0},
    {"of", WORD_IGNORED, 0},
};

/* What the text said so far; 0 = not said. */
struct said {
    int year;
    bool is_span; /* 2020/21: a school year */
    int ordinal;
    int month;
    bool quarter, half, school, calendar;
};

/* A thing may be said once. */
static bool say(int *what, int value)
{
    if (*what != 0)
        return false;
    *what = value;
    return true;
}

static bool take_word(struct said *s, const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(words[i].text, word, len) != 0 || words[i].text[len] != '\0')
            continue;
        switch (words[i].meaning) {
        case WORD_IGNORED: break;
        case WORD_NUMBER: return say(&s->ordinal, words[i].value);
        case WORD_MONTH: return say(&s->month, words[i].value);
        case WORD_SCHOOL_QUARTER: s->quarter = s->school = true; break;
        case WORD_CALENDAR_QUARTER: s->quarter = s->calendar = true; break;
        case WORD_QUARTER: s->quarter = true; break;
        case WORD_HALF: s->half = true; break;
        case WORD_YEAR: break;
        case WORD_SCHOOL: s->school = true; break;
        case WORD_CALENDAR: s->calendar = true; break;
        }
        return true;
    }
    return false;
}

/* Digits from *at, which moves past them; 0 when there are none or more than four. */
static size_t read_number(const char **at, int *out)
{
    size_t n = 0;

    for (*out = 0; **at >= '0' && **at <= '9'; n++, (*at)++)
        if (n < 4)
            *out = *out * 10 + (**at - '0');
    return n <= 4 ? n : 0;
}

/* '/', '-' or a dash. */
static size_t dash_length(const char *at)
{
    if (*at == '/' || *at == '-')
        return 1;
    return strncmp(at, "–", strlen("–")) == 0 || strncmp(at, "—", strlen("—")) == 0 ? strlen("–") : 0;
}

/* After the first year of 2020/21, 2020-2021 or 20/21: moves past the second when it is the next one. */
static bool take_second_year(const char **at, int first)
{
    size_t dash = dash_length(*at);
    const char *after = *at + dash;
    int second;
    size_t digits;

    if (dash == 0)
        return false;
    digits = read_number(&after, &second);
    if (!(digits == 4 && second == first + 1) && !(digits == 2 && second == (first + 1) % 100))
        return false;
    *at = after;
    return true;
}

static bool take_number(struct said *s, const char **at)
{
    int n;
    size_t digits = read_number(at, &n);

    if (digits == 4) {
        s->is_span = take_second_year(at, n) || s->is_span;
        return say(&s->year, n);
    }
    if (digits == 2 && take_second_year(at, n)) { /* 20/21 */
        s->is_span = true;
        return say(&s->year, n >= YEAR_FIRST % 100 ? 1900 + n : 2000 + n);
    }
    return digits > 0 && digits <= 2 && n > 0 && say(&s->ordinal, n);
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || ((unsigned char)c & 0x80u) != 0;
}

/* Punctuation that may stand anywhere. */
static size_t separator_length(const char *at)
{
    static const char *const wide[] = {"«", "»", "–", "—", "\xC2\xA0"};

    if (strchr(" .,()/-\"", *at) != NULL)
        return 1;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (strncmp(at, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    return 0;
}

static bool listen(struct said *s, const char *at)
{
    while (*at != '\0') {
        size_t n = separator_length(at);

        if (n > 0)
            at += n;
        else if (*at >= '0' && *at <= '9') {
            if (!take_number(s, &at))
                return false;
        } else {
            while (is_word_byte(at[n]) && separator_length(at + n) == 0)
                n++;
            if (n == 0 || n > MAX_WORD || !take_word(s, at, n))
                return false;
            at += n;
        }
    }
    return true;
}

/* Words to a period, refused where they disagree. */
static bool understand(struct slot *out, const struct said *s)
{
    int parts = 0;

    *out = (struct slot){.year = s->year, .part = s->ordinal};
    if (s->year < YEAR_FIRST || (s->is_span && s->calendar) || (!s->is_span && s->school) ||
        s->quarter + s->half + (s->month != 0) > 1)
        return false;
    if (s->quarter) {
        out->grain = s->is_span ? GRAIN_SCHOOL_QUARTER : GRAIN_CALENDAR_QUARTER;
        parts = 4;
    } else if (s->half && s->is_span) {
        out->grain = GRAIN_SCHOOL_HALF_YEAR;
        parts = 2;
    } else if (s->month != 0 && s->ordinal == 0) {
        out->grain = GRAIN_MONTH;
        out->year += s->is_span && s->month < 9 ? 1 : 0; /* March of 2020/21 is that of 2021 */
        out->part = s->month;
        parts = 12;
    } else if (!s->half && s->month == 0 && s->ordinal == 0) {
        out->grain = s->is_span ? GRAIN_SCHOOL_YEAR : GRAIN_CALENDAR_YEAR;
        out->part = 1;
        parts = 1;
    }
    return out->part >= 1 && out->part <= parts && out->year <= YEAR_LAST;
}

bool slot_from_label(struct slot *out, const char *text)
{
    size_t len = strnlen(text, MAX_LABEL + 1);
    struct said s = {0};
    struct buf folded;
    bool is_clear = false;

    if (len > MAX_LABEL)
        return false;
    buf_init(&folded, MAX_FOLDED);
    if (utf8_put_folded(&folded, text, len) == OK && !folded.failed)
        is_clear = listen(&s, buf_cstr(&folded)) && understand(out, &s);
    buf_fini(&folded);
    return is_clear;
}
