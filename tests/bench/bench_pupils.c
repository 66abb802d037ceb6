/* bench_pupils: rows like those of the data set "Student Performance", as many as wanted.
 *
 *   bench_pupils student-por.csv COUNT SEED > rows.csv
 *
 * Each column is drawn by itself from the values found in that column, never a whole row, so that the rows are as hard
 * to pack as real ones and no pupil of the data set comes back.  A first column `pupil` numbers the rows.  The same
 * seed gives the same rows everywhere. */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS  33u
#define ROWS_MAX 2000u
#define CELL_MAX 24u

static char heading[COLUMNS][CELL_MAX];
static char cells[COLUMNS][ROWS_MAX][CELL_MAX];
static size_t rows;

/* splitmix64 */
static uint64_t draw(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void bad_line(const char *path)
{
    (void)fprintf(stderr, "bench_pupils: %s: %u short columns are expected in every line\n", path, COLUMNS);
    exit(1);
}

/* The cells of one line; quotes are dropped, no cell of the data set has a semicolon in it. */
static void split(const char *line, char out[COLUMNS][CELL_MAX], const char *path)
{
    size_t column = 0;
    size_t len = 0;

    for (const char *c = line; *c != '\0'; c++) {
        if (*c == '"' || *c == '\r' || *c == '\n')
            continue;
        if (*c == ';') {
            out[column++][len] = '\0';
            len = 0;
        } else {
            out[column][len++] = *c;
        }
        if (column == COLUMNS || len == CELL_MAX)
            bad_line(path);
    }
    out[column][len] = '\0';
    if (column != COLUMNS - 1)
        bad_line(path);
}

static void read_data(const char *path)
{
    char line[1024];
    char row[COLUMNS][CELL_MAX];
    FILE *f = fopen(path, "re");

    if (f == NULL || fgets(line, sizeof(line), f) == NULL) {
        (void)fprintf(stderr, "bench_pupils: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    split(line, heading, path);
    while (rows < ROWS_MAX && fgets(line, sizeof(line), f) != NULL) {
        split(line, row, path);
        for (size_t i = 0; i < COLUMNS; i++)
            memcpy(cells[i][rows], row[i], CELL_MAX);
        rows++;
    }
    (void)fclose(f);
    if (rows == 0) {
        (void)fprintf(stderr, "bench_pupils: %s: no rows in it\n", path);
        exit(1);
    }
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n;

    errno = 0;
    n = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0') {
        (void)fprintf(stderr, "bench_pupils: '%s': a number is expected\n", text);
        exit(2);
    }
    return n;
}

int main(int argc, char **argv)
{
    uint64_t count;
    uint64_t seed;

    if (argc != 4) {
        (void)fprintf(stderr, "usage: bench_pupils student-por.csv COUNT SEED > rows.csv\n");
        return 2;
    }
    count = number(argv[2]);
    seed = number(argv[3]);
    read_data(argv[1]);
    (void)fputs("pupil", stdout);
    for (size_t i = 0; i < COLUMNS; i++)
        (void)printf(";%s", heading[i]);
    (void)putchar('\n');
    for (uint64_t n = 1; n <= count; n++) {
        (void)printf("%" PRIu64, n);
        for (size_t i = 0; i < COLUMNS; i++) {
            (void)putchar(';');
            (void)fputs(cells[i][draw(&seed) % rows], stdout);
        }
        (void)putchar('\n');
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "bench_pupils: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}
