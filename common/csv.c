#include "common/csv.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES (256u << 10)

/* A cell inside its row: offsets from the row's first byte, because the window moves under a row while it grows. */
struct span {
    size_t at;
    size_t len;
};

struct csv {
    FILE *from;
    off_t origin; /* where the caller's file stood */
    uint8_t delimiter;
    enum csv_encoding encoding;
    size_t max_cell;
    enum err failed; /* sticky: reading cannot go on */

    /* The window: win[row..pos) is the row so far, win[pos..end) not looked at yet, win[end] a zero that stops scans.
     */
    uint8_t *win;
    size_t cap;     /* without the stopping zero */
    size_t touched; /* what was ever read into it ends here */
    size_t row, pos, end;
    uint64_t shifted; /* bytes of the file before win[0] */
    bool at_eof;
    uint32_t line;

    uint32_t row_line;
    uint32_t count;
    struct span *spans;  /* of the row, CSV_MAX_COLUMNS */
    struct bytes *cells; /* the same, handed out */
    struct buf text;     /* the row's cells converted from Windows-1251 */

    uint8_t stops_plain[256];  /* delimiter, CR, LF, zero */
    uint8_t stops_quoted[256]; /* quote, CR, LF, zero */
};

/* ---- opening ---- */

static enum err rewind_file(struct csv *c)
{
    if (fseeko(c->from, c->origin, SEEK_SET) != 0)
        return err_errno(ERR_IO, errno, _("the CSV file must be a regular file"));
    return OK;
}

/* How many bytes were added at `end` of the window. */
static size_t read_window(struct csv *c, size_t end, size_t cap)
{
    size_t len = fread(c->win + end, 1, cap - end, c->from);

    if (c->touched < end + len)
        c->touched = end + len;
    return len;
}

static enum err read_some(struct csv *c, size_t kept, size_t *len)
{
    *len = kept + read_window(c, kept, WINDOW_BYTES);
    if (ferror(c->from))
        return err_errno(ERR_IO, errno, _("the CSV file cannot be read"));
    return OK;
}

static enum err is_utf8_file(struct csv *c, bool *yes)
{
    size_t kept = 0;

    *yes = true;
    for (;;) {
        size_t len;
        size_t bad;
        enum err e = read_some(c, kept, &len);

        if (e != OK || len == 0)
            return e;
        bad = utf8_first_bad(c->win, len);
        /* Up to three bytes at the end may be a character cut by the window: they go in front of the next bytes. */
        if (len - bad > 3 || (len == kept && bad < len)) {
            *yes = false;
            return OK;
        }
        kept = len - bad;
        memmove(c->win, c->win + bad, kept);
    }
}

/* Cyrillic in UTF-8 is D0 or D1 and a byte 80..BF; in Windows-1251 these are "Р" or "С" before a letter that Russian
 * does not have.  Where such pairs make up most of what is not ASCII, the file is UTF-8 with a damaged place, and
 * reading it as Windows-1251 would import rubbish without a word. */
static enum err is_damaged_utf8_file(struct csv *c, bool *yes)
{
    uint64_t high = 0;
    uint64_t paired = 0;
    uint8_t before = 0;

    for (;;) {
        size_t len;
        enum err e = read_some(c, 0, &len);

        if (e != OK)
            return e;
        if (len == 0)
            break;
        for (size_t i = 0; i < len; i++) {
            uint8_t b = c->win[i];

            high += b >> 7;
            if ((before == 0xD0 || before == 0xD1) && (b & 0xC0u) == 0x80u)
                paired += 2;
            before = b;
        }
    }
    *yes = paired > high / 2;
    return OK;
}

static enum err find_encoding(struct csv *c)
{
    bool yes;
    enum err e = is_utf8_file(c, &yes);

    if (e == OK)
        e = rewind_file(c);
    if (e == OK && !yes) {
        e = is_damaged_utf8_file(c, &yes);
        if (e == OK)
            e = rewind_file(c);
    }
    c->encoding = yes ? CSV_UTF8 : CSV_CP1251;
    return e;
}

/* The most frequent of the usual three outside quotes in the first line that is not empty; `;` wins a tie, because
 * it is what a Russian Excel writes and commas also stand inside numbers and headings. */
static uint8_t find_delimiter(const uint8_t *p, size_t len)
{
    static const uint8_t usual[] = {';', ',', '\t'};
    size_t seen[sizeof(usual)] = {0};
    size_t best = 0;
    bool in_quotes = false;
    size_t i = 0;

    while (i < len && (p[i] == '\n' || p[i] == '\r'))
        i++;
    for (; i < len && (in_quotes || (p[i] != '\n' && p[i] != '\r')); i++) {
        if (p[i] == '"')
            in_quotes = !in_quotes;
        for (size_t k = 0; k < sizeof(usual) && !in_quotes; k++)
            seen[k] += p[i] == usual[k];
    }
    for (size_t k = 1; k < sizeof(usual); k++)
        if (seen[k] > seen[best])
            best = k;
    return usual[best];
}

static enum err refuse_other_files(const uint8_t *p, size_t len)
{
    if (len >= 2 && (memcmp(p, "\xFF\xFE", 2) == 0 || memcmp(p, "\xFE\xFF", 2) == 0))
        return err_set(ERR_MALFORMED, _("the file is in UTF-16 (\"Unicode text\"); save it as \"CSV UTF-8\""));
    if (len >= 4 && (memcmp(p, "PK\x03\x04", 4) == 0 || memcmp(p, "\xD0\xCF\x11\xE0", 4) == 0))
        return err_set(
            ERR_MALFORMED,
            _("the file is a workbook and no CSV: import takes it with --xlsx; or save it as \"CSV UTF-8\""));
    return OK;
}

static bool more(struct csv *c);

static enum err look_at_start(struct csv *c, const struct csv_options *o)
{
    const uint8_t bom[] = {0xEF, 0xBB, 0xBF};
    enum err e;

    if (!more(c) && c->failed != OK)
        return c->failed;
    e = refuse_other_files(c->win, c->end);
    if (e != OK)
        return e;
    if (c->end >= sizeof(bom) && memcmp(c->win, bom, sizeof(bom)) == 0) {
        c->pos = sizeof(bom);
        c->encoding = CSV_UTF8;
    }
    if (o->delimiter == 0)
        c->delimiter = find_delimiter(c->win + c->pos, c->end - c->pos);
    return OK;
}

static enum err allocate(struct csv *c)
{
    c->cap = WINDOW_BYTES;
    c->win = malloc(c->cap + 1);
    c->spans = malloc(CSV_MAX_COLUMNS * sizeof(*c->spans));
    c->cells = malloc(CSV_MAX_COLUMNS * sizeof(*c->cells));
    if (c->win == NULL || c->spans == NULL || c->cells == NULL)
        return err_set(ERR_NOMEM, _("not enough memory"));
    c->win[0] = 0;
    return OK;
}

enum err csv_open(struct csv **out, FILE *from, const struct csv_options *o)
{
    struct csv *c;
    enum err e;

    if (o->delimiter == '"' || o->delimiter == '\r' || o->delimiter == '\n' || (o->delimiter & 0x80) != 0)
        return err_set(ERR_USAGE, _("the delimiter must be one ASCII character other than a quote or a line end"));
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return err_set(ERR_NOMEM, _("not enough memory"));
    c->from = from;
    c->delimiter = (uint8_t)o->delimiter;
    c->encoding = o->encoding;
    c->max_cell = o->max_cell != 0 ? o->max_cell : CSV_MAX_CELL;
    c->line = 1;
    buf_init_secret(&c->text, 3 * (c->max_cell + CSV_MAX_ROW)); /* a Windows-1251 byte takes at most three in UTF-8 */
    e = allocate(c);
    if (e == OK && c->encoding == CSV_ENCODING_AUTO) {
        c->origin = ftello(from);
        e = c->origin < 0 ? err_errno(ERR_IO, errno, _("the CSV file must be a regular file")) : find_encoding(c);
    }
    if (e == OK)
        e = look_at_start(c, o);
    if (e != OK) {
        csv_close(c);
        return e;
    }
    c->stops_plain[c->delimiter] = c->stops_plain['\r'] = c->stops_plain['\n'] = c->stops_plain[0] = 1;
    c->stops_quoted['"'] = c->stops_quoted['\r'] = c->stops_quoted['\n'] = c->stops_quoted[0] = 1;
    *out = c;
    return OK;
}

void csv_close(struct csv *c)
{
    if (c == NULL)
        return;
    buf_wipe(&c->text);
    free(c->cells);
    free(c->spans);
    if (c->win != NULL)
        explicit_bzero(c->win, c->touched); /* pupils' rows */
    free(c->win);
    free(c);
}

char csv_delimiter(const struct csv *c)
{
    return (char)c->delimiter;
}

enum csv_encoding csv_encoding_found(const struct csv *c)
{
    return c->encoding;
}

uint64_t csv_offset(const struct csv *c)
{
    return c->shifted + c->pos;
}

/* ---- the window ---- */

static bool grow_window(struct csv *c)
{
    uint8_t *grown;
    size_t cap = c->cap * 2;

    if (c->end > c->max_cell + CSV_MAX_ROW) {
        c->failed =
            err_set(ERR_LIMIT, _("line %u: the row is longer than %zu bytes"), c->row_line, c->max_cell + CSV_MAX_ROW);
        return false;
    }
    grown = malloc(cap + 1); /* not realloc(): what is left behind must not keep pupils' rows */
    if (grown == NULL) {
        c->failed = err_set(ERR_NOMEM, _("not enough memory"));
        return false;
    }
    memcpy(grown, c->win, c->end);
    explicit_bzero(c->win, c->touched);
    free(c->win);
    c->win = grown;
    c->cap = cap;
    return true;
}

/* True when a byte stands at win[pos]; reads on when the window is used up.  False at the end, or with `failed`. */
static bool more(struct csv *c)
{
    if (c->pos < c->end)
        return true;
    if (c->at_eof || c->failed != OK)
        return false;
    memmove(c->win, c->win + c->row, c->end - c->row);
    c->shifted += c->row;
    c->pos -= c->row;
    c->end -= c->row;
    c->row = 0;
    if (c->end == c->cap && !grow_window(c))
        return false;
    c->end += read_window(c, c->end, c->cap);
    c->win[c->end] = 0;
    if (ferror(c->from)) {
        c->failed = err_errno(ERR_IO, errno, _("the CSV file cannot be read"));
        return false;
    }
    c->at_eof = c->pos == c->end;
    return !c->at_eof;
}

/* ---- one row ---- */

static enum err cell_too_long(struct csv *c)
{
    return c->failed = err_set(ERR_LIMIT, _("line %u, column %u: the cell is longer than %zu bytes"), c->row_line,
                               c->count + 1, c->max_cell);
}

static enum err zero_byte(struct csv *c)
{
    return c->failed = err_set(ERR_MALFORMED, _("line %u, column %u: a zero byte; the file is not text"), c->line,
                               c->count + 1);
}

static enum err plain_cell(struct csv *c)
{
    size_t at = c->pos - c->row;

    do {
        const uint8_t *p = c->win + c->pos;

        while (!c->stops_plain[*p])
            p++;
        c->pos = (size_t)(p - c->win);
        if (c->pos - c->row - at > c->max_cell)
            return cell_too_long(c);
    } while (c->pos == c->end && more(c));
    if (c->failed != OK)
        return c->failed;
    if (c->pos < c->end && c->win[c->pos] == 0)
        return zero_byte(c);
    c->spans[c->count] = (struct span){at, c->pos - c->row - at};
    return OK;
}

/* Copies the run of ordinary characters at `pos` down to `*to`: doubled quotes leave a gap behind them. */
static void keep_run(struct csv *c, size_t *to)
{
    const uint8_t *from = c->win + c->pos;
    const uint8_t *p = from;
    size_t len;

    while (!c->stops_quoted[*p])
        p++;
    len = (size_t)(p - from);
    if (c->win + c->row + *to != from)
        memmove(c->win + c->row + *to, from, len);
    *to += len;
    c->pos += len;
}

/* The character at `pos`, a line end or the second of two quotes, belongs to the cell. */
static void keep_one(struct csv *c, size_t *to, bool is_first)
{
    uint8_t b = c->win[c->pos++];

    if (b == '\r' || (b == '\n' && (is_first || c->win[c->row + *to - 1] != '\r')))
        c->line++;
    c->win[c->row + (*to)++] = b;
}

static enum err quoted_cell(struct csv *c)
{
    uint32_t opened = c->line;
    size_t at = c->pos - c->row + 1;
    size_t to = at;

    c->pos++;
    while (more(c)) {
        keep_run(c, &to);
        if (to - at > c->max_cell)
            return cell_too_long(c);
        if (c->pos == c->end)
            continue;
        if (c->win[c->pos] == 0)
            return zero_byte(c);
        if (c->win[c->pos] == '"') {
            c->pos++;
            if (!more(c) || c->win[c->pos] != '"') {
                c->spans[c->count] = (struct span){at, to - at};
                return c->failed;
            }
        }
        keep_one(c, &to, to == at);
    }
    if (c->failed != OK)
        return c->failed;
    return c->failed = err_set(ERR_MALFORMED, _("line %u, column %u: the quote opened here is never closed"), opened,
                               c->count + 1);
}

/* Steps over what stands between cells; `*again` when another cell of the row follows. */
static enum err end_cell(struct csv *c, bool *again)
{
    uint8_t b;

    *again = false;
    if (!more(c))
        return c->failed;
    b = c->win[c->pos];
    if (b != c->delimiter && b != '\r' && b != '\n')
        return c->failed = err_set(ERR_MALFORMED,
                                   _("line %u, column %u: text after a closing quote; a quote inside a quoted cell "
                                     "must be written twice"),
                                   c->line, c->count);
    c->pos++;
    if (b == c->delimiter) {
        *again = true;
        return OK;
    }
    c->line++;
    if (b == '\r' && more(c) && c->win[c->pos] == '\n')
        c->pos++;
    return c->failed;
}

static enum err read_row(struct csv *c)
{
    bool again;

    c->row = c->pos;
    c->row_line = c->line;
    c->count = 0;
    if (!more(c))
        return c->failed != OK ? c->failed : ERR_NOT_FOUND;
    do {
        enum err e;

        if (c->count == CSV_MAX_COLUMNS)
            return c->failed = err_set(ERR_LIMIT, _("line %u: more than %u columns"), c->row_line, CSV_MAX_COLUMNS);
        e = more(c) && c->win[c->pos] == '"' ? quoted_cell(c) : plain_cell(c);
        if (e != OK)
            return e;
        c->count++;
        e = end_cell(c, &again);
        if (e != OK)
            return e;
    } while (again);
    return OK;
}

/* ---- from bytes to UTF-8 ---- */

static bool is_ascii(const uint8_t *p, size_t len)
{
    uint64_t word;
    uint8_t rest = 0;

    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            return false;
    }
    while (len-- > 0)
        rest |= *p++;
    return rest < 0x80;
}

/* The line on which byte `at` of cell `i` stands: a quoted cell before it may hold line ends. */
static uint32_t line_inside_row(const struct csv *c, uint32_t i, size_t at)
{
    uint32_t line = c->row_line;

    for (uint32_t k = 0; k <= i; k++) {
        const uint8_t *cell = c->win + c->row + c->spans[k].at;
        size_t len = k < i ? c->spans[k].len : at;

        for (size_t b = 0; b < len; b++)
            line += cell[b] == '\r' || (cell[b] == '\n' && (b == 0 || cell[b - 1] != '\r'));
    }
    return line;
}

static enum err bad_encoding(struct csv *c, uint32_t i, size_t at)
{
    uint32_t line = line_inside_row(c, i, at);

    if (c->encoding == CSV_CP1251)
        return c->failed = err_set(
                   ERR_MALFORMED,
                   _("line %u, column %u: a byte that Windows-1251 does not have; save the file as \"CSV UTF-8\""),
                   line, i + 1);
    return c->failed = err_set(ERR_MALFORMED,
                               _("line %u, column %u: the text is not valid UTF-8; save the file as \"CSV UTF-8\""),
                               line, i + 1);
}

static enum err convert_cp1251(struct csv *c)
{
    const uint8_t *row = c->win + c->row;
    const uint8_t *at;

    buf_reset(&c->text);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct span *s = &c->spans[i];
        size_t before = c->text.len;

        if (utf8_put_cp1251(&c->text, row + s->at, s->len) != OK) {
            const uint8_t *bad = memchr(row + s->at, 0x98, s->len);

            return bad != NULL ? bad_encoding(c, i, (size_t)(bad - row) - s->at) : (c->failed = ERR_NOMEM);
        }
        c->cells[i].len = c->text.len - before;
    }
    if (buf_status(&c->text) != OK)
        return c->failed = err_set(ERR_NOMEM, _("not enough memory"));
    at = c->text.data;
    for (uint32_t i = 0; i < c->count; i++) {
        c->cells[i].p = at;
        at += c->cells[i].len;
    }
    return OK;
}

static enum err decode_row(struct csv *c)
{
    const uint8_t *row = c->win + c->row;
    bool ascii = is_ascii(row, c->pos - c->row);

    if (!ascii && c->encoding == CSV_CP1251)
        return convert_cp1251(c);
    for (uint32_t i = 0; i < c->count; i++) {
        c->cells[i] = (struct bytes){row + c->spans[i].at, c->spans[i].len};
        if (!ascii) {
            size_t good = utf8_first_bad(c->cells[i].p, c->cells[i].len);

            if (good != c->cells[i].len)
                return bad_encoding(c, i, good);
        }
    }
    return OK;
}

static bool is_blank_cell(const struct bytes *cell)
{
    size_t i = 0;

    while (i < cell->len) {
        if (cell->p[i] == ' ' || cell->p[i] == '\t')
            i++;
        else if (i + 1 < cell->len && cell->p[i] == 0xC2 && cell->p[i + 1] == 0xA0) /* no-break space */
            i += 2;
        else
            return false;
    }
    return true;
}

static bool is_blank_row(const struct csv *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (!is_blank_cell(&c->cells[i]))
            return false;
    return true;
}

enum err csv_next(struct csv *c, struct csv_row *row)
{
    enum err e;

    if (c->failed != OK)
        return c->failed;
    do {
        e = read_row(c);
        if (e == OK)
            e = decode_row(c);
        if (e != OK)
            return e;
    } while (is_blank_row(c));
    row->line = c->row_line;
    row->count = c->count;
    row->cells = c->cells;
    row->faults = NULL;
    row->spread = NULL;
    return OK;
}

/* ---- writing ---- */

/* A spreadsheet takes a cell that begins so for a formula. */
static bool begins_formula(char c)
{
    return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r';
}

void csv_put_cell(struct buf *out, char delimiter, const char *text, size_t len, bool neutralise)
{
    bool is_formula = neutralise && len > 0 && begins_formula(text[0]);
    bool needs_quotes = len > 0 && (text[0] == ' ' || text[len - 1] == ' ');
    size_t from = 0;

    for (size_t i = 0; i < len && !needs_quotes; i++)
        needs_quotes = text[i] == delimiter || text[i] == '"' || text[i] == '\r' || text[i] == '\n';
    if (needs_quotes)
        buf_put_u8(out, '"');
    if (is_formula)
        buf_put_u8(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '"')
            continue;
        buf_put(out, text + from, i + 1 - from);
        from = i; /* the quote once more, with what follows */
    }
    buf_put(out, text + from, len - from);
    if (needs_quotes)
        buf_put_u8(out, '"');
}
