#include "agent/import_marked.h"

#include "common/cli.h"
#include "common/xlsx_mark.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define TEXT_MAX  (4u << 20)
#define COPY_MAX  (XLSX_READ_MAX_BYTES + (16u << 20))
#define NAMES_MAX 100u /* copies beside a workbook that somebody has saved */
#define EXTENSION ".xlsx"

/* ---- what is wrong, in its cell ---- */

struct marks {
    struct xlsx_mark *items;
    uint32_t count;
    struct buf text;
};

static void put_finding(struct buf *out, const struct finding *f)
{
    if (f->value != NULL && f->value[0] != '\0')
        buf_printf(out, _("%s (found: %s)"), f->text, f->value);
    else
        buf_put_str(out, f->text);
    buf_put_u8(out, 0);
}

/* A mistake that names a row alone is told in the row's first cell. */
static enum err list_marks(struct marks *m, const struct xlsx_book *b, const struct report *r)
{
    size_t *at = calloc(XLSX_MARK_MAX, sizeof(*at));
    enum err e;

    if ((m->items = calloc(XLSX_MARK_MAX, sizeof(*m->items))) == NULL || at == NULL) {
        free(at);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < report_kept(r) && m->count < XLSX_MARK_MAX; i++) {
        const struct finding *f = report_at(r, i);
        int32_t sheet = f->sheet != NULL ? xlsx_book_find_sheet(b, f->sheet) : -1;

        if (f->is_warning || sheet < 0 || f->line == 0)
            continue;
        at[m->count] = m->text.len;
        m->items[m->count++] =
            (struct xlsx_mark){.sheet = (uint32_t)sheet, .row = f->line, .column = f->column > 0 ? f->column : 1};
        put_finding(&m->text, f);
    }
    e = buf_status(&m->text);
    for (uint32_t i = 0; i < m->count && e == OK; i++)
        m->items[i].text = (const char *)m->text.data + at[i];
    free(at);
    return e;
}

/* ---- where to ---- */

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len > n && strncasecmp(text + len - n, end, n) == 0;
}

/* "DIR/NAME-errors.xlsx", "DIR/NAME-errors-2.xlsx"; a copy of a copy has the same names. */
static enum err name_copy(const char *path, unsigned n, char out[MARKED_PATH_MAX])
{
    const char *word = _("-errors");
    char number[16] = "";
    size_t len = strlen(path);
    int written;

    if (ends_with(path, len, EXTENSION))
        len -= sizeof(EXTENSION) - 1;
    if (ends_with(path, len, word))
        len -= strlen(word);
    if (n > 1)
        (void)snprintf(number, sizeof(number), "-%u", n);
    if (strcmp(path, "-") == 0) { /* standard input has no folder of its own */
        path = "svodka";
        len = strlen(path);
    }
    written = len < MARKED_PATH_MAX
                  ? snprintf(out, MARKED_PATH_MAX, "%.*s%s%s" EXTENSION, (int)len, path, word, number)
                  : -1;
    return written > 0 && (unsigned)written < MARKED_PATH_MAX ? OK : err_set(ERR_LIMIT, _("%s: the name is too long"), path);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Is the file a copy that we may write anew?  What cannot be read is not one. */
static bool is_marked_copy(const char *path)
{
    struct xlsx_book *b = NULL;
    bool is_ours = false;
    void *bytes = NULL;
    size_t len = 0;

    if (cli_read_file(path, COPY_MAX, &bytes, &len) != OK || xlsx_book_open(&b, bytes, len) != OK)
        return false;
    if (xlsx_mark_is_ours(b, &is_ours) != OK)
        is_ours = false;
    xlsx_book_close(b);
    return is_ours;
}

static enum err write_to(const char *to, const char *path, const struct buf *copy)
{
    struct stat st;
    bool is_there = lstat(to, &st) == 0;

    if (is_there && (is_same_file(to, path) || !S_ISREG(st.st_mode) || !is_marked_copy(to)))
        return err_set(ERR_EXISTS,
                       _("%s: there is a file of this name that is not an untouched copy with marks; it is not "
                         "overwritten"),
                       to);
    return cli_write_file(to, copy->data, copy->len, 0600, is_there);
}

static enum err write_copy(const char *path, const char *wanted, const struct buf *copy, char out[MARKED_PATH_MAX])
{
    enum err e = ERR_EXISTS;

    if (wanted != NULL) {
        if (strlen(wanted) >= MARKED_PATH_MAX)
            return err_set(ERR_LIMIT, _("%s: the name is too long"), wanted);
        memcpy(out, wanted, strlen(wanted) + 1);
        return write_to(out, path, copy);
    }
    for (unsigned n = 1; n <= NAMES_MAX && e == ERR_EXISTS; n++)
        if ((e = name_copy(path, n, out)) == OK)
            e = write_to(out, path, copy);
    return e;
}

enum err marked_write(struct xlsx_book *b, const char *path, const char *wanted, const struct report *r,
                      char out[MARKED_PATH_MAX])
{
    struct marks m = {.count = 0};
    struct buf copy;
    enum err e;

    buf_init_secret(&m.text, TEXT_MAX);
    buf_init_secret(&copy, COPY_MAX);
    if ((e = list_marks(&m, b, r)) == OK)
        e = m.count == 0 ? ERR_NOT_FOUND : xlsx_mark(b, m.items, m.count, &copy);
    if (e == OK)
        e = write_copy(path, wanted, &copy, out);
    free(m.items);
    buf_wipe(&m.text);
    buf_wipe(&copy);
    return e;
}
