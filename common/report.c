#include "common/report.h"

#include "common/buf.h"
#include "common/cli.h"
#include "common/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX   1000u
#define VALUE_POINTS  60u
#define TEXT_MAX      4096u
#define LINE_SIZE     ((size_t)16 * TEXT_MAX)
#define REPLACEMENT   "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS      "\xE2\x80\xA6"
#define ELLIPSIS_SIZE 3u

struct kept {
    struct finding finding;
    uint8_t *strings; /* all its strings, in one block */
};

struct report {
    struct kept *kept;
    size_t count, cap, max;
    size_t errors, warnings; /* added */
    size_t kept_warnings;
    size_t shown;             /* of those kept; 0: all */
    const char *file, *sheet; /* of findings that name none */
    const char *(*label)(const void *ctx, const char *field);
    const void *label_ctx;
};

enum err report_new(struct report **out, size_t max_findings)
{
    struct report *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return err_set(ERR_NOMEM, _("There is not enough memory for a list of mistakes."));
    r->max = max_findings == 0 ? DEFAULT_MAX : max_findings;
    *out = r;
    return OK;
}

void report_free(struct report *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        free(r->kept[i].strings);
    free(r->kept);
    free(r);
}

void report_set_file(struct report *r, const char *file)
{
    r->file = file;
}

void report_set_sheet(struct report *r, const char *sheet)
{
    r->sheet = sheet;
}

void report_set_labels(struct report *r, const char *(*label)(const void *ctx, const char *field), const void *ctx)
{
    r->label = label;
    r->label_ctx = ctx;
}

void report_cell_name(char out[REPORT_CELL_MAX], uint32_t column, uint32_t line)
{
    char letters[8];
    size_t at = sizeof(letters) - 1;

    letters[at] = '\0';
    for (; column > 0; column = (column - 1) / 26)
        letters[--at] = (char)('A' + (column - 1) % 26);
    (void)snprintf(out, REPORT_CELL_MAX, "%s%u", letters + at, line);
}

/* Length of the printable character at s, or 0 for a control character, or for a byte that is no UTF-8 (then *is_bad).
 * Input is quoted in reports, and a terminal obeys control characters. */
static size_t printable(const char *s, size_t left, bool *is_bad)
{
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

    *is_bad = n > left || !utf8_is_valid(s, n);
    if (*is_bad || c < 0x20 || c == 0x7F || (c == 0xC2 && (unsigned char)s[1] < 0xA0))
        return 0;
    return n;
}

/* Appends at most `max_points` characters of `s` and a NUL; what is cut ends in an ellipsis, which counts. */
static void put_clean(struct buf *out, const char *s, size_t max_points)
{
    size_t len = strlen(s);
    size_t points = 0;
    size_t before_last = out->len;

    for (size_t at = 0; at < len; points++) {
        bool is_bad;
        size_t n = printable(s + at, len - at, &is_bad);

        if (points == max_points) {
            out->len = before_last;
            buf_put(out, ELLIPSIS, ELLIPSIS_SIZE);
            break;
        }
        before_last = out->len;
        if (n > 0) {
            buf_put(out, s + at, n);
            at += n;
        } else {
            if (is_bad)
                buf_put_str(out, REPLACEMENT);
            else if ((unsigned char)s[at] >= 0x80) /* a two-byte control character */
                at++;
            if (!is_bad)
                buf_put_u8(out, ' ');
            at++;
        }
    }
    buf_put_u8(out, 0);
}

/* Copies `f` with `text`; every string is clean afterwards.  False: no memory. */
static bool copy_finding(struct kept *kept, const struct finding *f, const char *text)
{
    struct finding *copy = &kept->finding;
    size_t file_at, field_at, value_at, expected_at, sheet_at, label_at;
    struct buf block;

    buf_init(&block, LINE_SIZE);
    put_clean(&block, text, TEXT_MAX);
    file_at = block.len;
    put_clean(&block, f->file != NULL ? f->file : "", TEXT_MAX / 4);
    field_at = block.len;
    put_clean(&block, f->field != NULL ? f->field : "", TEXT_MAX / 16);
    value_at = block.len;
    put_clean(&block, f->value != NULL ? f->value : "", VALUE_POINTS);
    expected_at = block.len;
    put_clean(&block, f->expected != NULL ? f->expected : "", TEXT_MAX / 4);
    sheet_at = block.len;
    put_clean(&block, f->sheet != NULL ? f->sheet : "", TEXT_MAX / 16);
    label_at = block.len;
    put_clean(&block, f->label != NULL ? f->label : "", TEXT_MAX / 16);
    if (block.failed) {
        buf_fini(&block);
        return false;
    }
    kept->strings = block.data;
    *copy = *f;
    copy->text = (const char *)block.data;
    copy->file = f->file != NULL ? copy->text + file_at : NULL;
    copy->field = f->field != NULL ? copy->text + field_at : NULL;
    copy->value = f->value != NULL ? copy->text + value_at : NULL;
    copy->expected = f->expected != NULL ? copy->text + expected_at : NULL;
    copy->sheet = f->sheet != NULL ? copy->text + sheet_at : NULL;
    copy->label = f->label != NULL ? copy->text + label_at : NULL;
    return true;
}

static void put_sheet(struct buf *out, const struct finding *f)
{
    char cell[REPORT_CELL_MAX];

    if (f->file != NULL)
        buf_put_str(out, ": ");
    if (f->line == 0) {
        buf_printf(out, _("sheet \"%s\""), f->sheet);
    } else if (f->column == 0) {
        buf_printf(out, _("sheet \"%s\", row %u"), f->sheet, f->line);
    } else {
        report_cell_name(cell, f->column, f->line);
        buf_printf(out, _("sheet \"%s\", cell %s"), f->sheet, cell);
    }
}

/* "FILE:LINE:COLUMN: " as far as it is known. */
static void put_place(struct buf *out, const struct finding *f)
{
    if (f->file != NULL)
        buf_put_str(out, f->file);
    if (f->sheet != NULL) {
        put_sheet(out, f);
        if (f->label != NULL)
            buf_printf(out, _(", \"%s\""), f->label);
        buf_put_str(out, ": ");
        if (f->field != NULL && f->label == NULL)
            buf_printf(out, "%s: ", f->field);
        return;
    }
    if (f->line > 0)
        buf_printf(out, "%s%u", f->file != NULL ? ":" : "", f->line);
    if (f->line > 0 && f->column > 0)
        buf_printf(out, ":%u", f->column);
    if (out->len > 0)
        buf_put_str(out, ": ");
    if (f->field != NULL)
        buf_printf(out, "%s: ", f->field);
}

static void put_line(struct buf *out, const struct finding *f)
{
    const char *value = f->value;

    put_place(out, f);
    if (f->is_warning && value != NULL)
        buf_printf(out, _("warning: %s (found: %s)"), f->text, value);
    else if (f->is_warning)
        buf_printf(out, _("warning: %s"), f->text);
    else if (value != NULL)
        buf_printf(out, _("%s (found: %s)"), f->text, value);
    else
        buf_put_str(out, f->text);
}

static void say_only(const struct finding *f, const char *text)
{
    struct kept copy;
    struct buf line;

    if (!copy_finding(&copy, f, text)) {
        (void)err_set(ERR_INVALID, "%s", text);
        return;
    }
    buf_init(&line, LINE_SIZE);
    put_line(&line, &copy.finding);
    (void)err_set(ERR_INVALID, "%s", buf_cstr(&line));
    buf_fini(&line);
    free(copy.strings);
}

/* A warning makes room for an error: what stops the work must be among what is shown. */
static void drop_last_warning(struct report *r)
{
    size_t i = r->count;

    while (i > 0 && !r->kept[i - 1].finding.is_warning)
        i--;
    if (i == 0)
        return;
    free(r->kept[i - 1].strings);
    memmove(&r->kept[i - 1], &r->kept[i], (r->count - i) * sizeof(r->kept[0]));
    r->count--;
    r->kept_warnings--;
}

static bool make_room(struct report *r, bool is_warning)
{
    struct kept *grown;
    size_t cap;

    if (r->count == r->max) {
        if (is_warning || r->kept_warnings == 0)
            return false;
        drop_last_warning(r);
    }
    if (r->count < r->cap)
        return true;
    cap = r->cap == 0 ? 16 : r->cap * 2;
    if (cap > r->max)
        cap = r->max;
    if ((grown = realloc(r->kept, cap * sizeof(*grown))) == NULL)
        return false;
    r->kept = grown;
    r->cap = cap;
    return true;
}

static void add(struct report *r, const struct finding *f, const char *text)
{
    if (!make_room(r, f->is_warning) || !copy_finding(&r->kept[r->count], f, text))
        return;
    r->kept_warnings += f->is_warning;
    r->count++;
}

void report_add(struct report *r, const struct finding *f, const char *fmt, ...)
{
    struct finding whole = *f;
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    if (r == NULL) {
        say_only(f, text);
        return;
    }
    if (f->is_warning)
        r->warnings++;
    else
        r->errors++;
    if (whole.file == NULL)
        whole.file = r->file;
    if (whole.sheet == NULL)
        whole.sheet = r->sheet;
    if (whole.label == NULL && whole.sheet != NULL && whole.field != NULL && r->label != NULL)
        whole.label = r->label(r->label_ctx, whole.field);
    add(r, &whole, text);
}

size_t report_errors(const struct report *r)
{
    return r->errors;
}

size_t report_warnings(const struct report *r)
{
    return r->warnings;
}

size_t report_kept(const struct report *r)
{
    return r->count;
}

const struct finding *report_at(const struct report *r, size_t i)
{
    return i < r->count ? &r->kept[i].finding : NULL;
}

void report_set_shown(struct report *r, size_t shown)
{
    r->shown = shown;
}

void report_print(const struct report *r, FILE *to)
{
    size_t shown = r->shown != 0 && r->shown < r->count ? r->shown : r->count;
    size_t more = r->errors + r->warnings - shown;
    struct buf line;

    buf_init(&line, LINE_SIZE);
    for (size_t i = 0; i < shown; i++) {
        buf_reset(&line);
        put_line(&line, &r->kept[i].finding);
        (void)fprintf(to, "%s\n", buf_cstr(&line));
    }
    buf_fini(&line);
    if (more > 0)
        (void)fprintf(to, ngettext("... and %zu more like these.", "... and %zu more like these.", more), more);
    if (more > 0)
        (void)fputc('\n', to);
}
