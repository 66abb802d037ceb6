#include "common/xlsx_write_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUFFIX ".xlsx"

/* ---- failing once ---- */

void xlsx_fail(struct xlsx *x, enum err e)
{
    if (x->failed != OK)
        return;
    x->failed = e;
    (void)snprintf(x->why, sizeof(x->why), "%s", err_text());
}

bool xlsx_is_usable(const struct xlsx_sheet *s)
{
    return s != NULL && s->x->failed == OK;
}

static enum err from_lxw(lxw_error e)
{
    switch ((int)e) {
    case LXW_NO_ERROR: return OK;
    case LXW_ERROR_MEMORY_MALLOC_FAILED: return err_set(ERR_NOMEM, _("no memory for a workbook"));
    case LXW_ERROR_CREATING_XLSX_FILE:
    case LXW_ERROR_CREATING_TMPFILE:
    case LXW_ERROR_READING_TMPFILE:
    case LXW_ERROR_ZIP_FILE_OPERATION:
    case LXW_ERROR_ZIP_FILE_ADD:
    case LXW_ERROR_ZIP_CLOSE:
        return err_set(ERR_IO, _("the workbook could not be put together: %s"), from_xlsx.lxw_strerror(e));
    default: return err_set(ERR_LIMIT, _("Excel does not take this: %s"), from_xlsx.lxw_strerror(e));
    }
}

void xlsx_check(struct xlsx *x, lxw_error e)
{
    if (e != LXW_NO_ERROR)
        xlsx_fail(x, from_lxw(e));
}

bool xlsx_is_inside(struct xlsx_sheet *s, uint32_t row, uint32_t column)
{
    if (row < XLSX_MAX_ROWS && column < XLSX_MAX_COLUMNS)
        return true;
    xlsx_fail(s->x,
              err_set(ERR_LIMIT, _("the sheet \"%s\" would have more than the %u rows and %u columns that Excel takes"),
                      s->name, XLSX_MAX_ROWS, XLSX_MAX_COLUMNS));
    return false;
}

/* ---- a workbook and its sheets ---- */

static enum err open_book(struct xlsx *x, const char *title, int32_t day)
{
    lxw_workbook_options options = {0};
    lxw_doc_properties properties = {0};
    char *copy;

    if ((x->fd = memfd_create("workbook", MFD_CLOEXEC)) < 0)
        return err_errno(ERR_IO, errno, _("no room for a workbook"));
    (void)snprintf(x->tmp, sizeof(x->tmp), "/proc/self/fd/%d", x->fd);
    if ((x->book = from_xlsx.workbook_new_opt(x->tmp, &options)) == NULL || (copy = strdup(title)) == NULL)
        return err_set(ERR_NOMEM, _("no memory for a workbook"));
    properties.title = copy;
    properties.created = (time_t)day * 86400 + 43200; /* noon: the same day in every zone that has schools */
    (void)from_xlsx.workbook_set_properties(x->book,
                                            &properties); /* copies; without it the title is missing, nothing else */
    free(copy);
    return OK;
}

enum err xlsx_new(struct xlsx **out, const char *title, int32_t day)
{
    enum err e = late_xlsx();
    struct xlsx *x;

    if (e != OK)
        return e;
    if ((x = calloc(1, sizeof(*x))) == NULL)
        return ERR_NOMEM;
    x->fd = -1;
    buf_init_secret(&x->text, (size_t)4 * XLSX_MAX_TEXT + 16);
    if ((e = open_book(x, title, day)) != OK) {
        xlsx_free(x);
        return e;
    }
    *out = x;
    return OK;
}

void xlsx_free(struct xlsx *x)
{
    if (x == NULL)
        return;
    for (uint32_t i = 0; i < x->sheet_count; i++) {
        buf_fini(&x->sheets[i]->widths);
        buf_fini(&x->sheets[i]->kinds);
        free(x->sheets[i]);
    }
    buf_fini(&x->text);
    if (x->book != NULL)
        from_xlsx.lxw_workbook_free(x->book);
    if (x->fd >= 0)
        (void)close(x->fd);
    free(x);
}

size_t xlsx_units(const char *text, size_t len)
{
    size_t units = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        units += (c & 0xC0) != 0x80 ? (c >= 0xF0 ? 2U : 1U) : 0U;
    }
    return units;
}

/* The longest beginning of at most `units` UTF-16 units, in bytes. */
size_t xlsx_cut(const char *text, size_t units)
{
    size_t len = strlen(text);

    while (len > 0 && xlsx_units(text, len) > units)
        do
            len--;
        while (len > 0 && ((uint8_t)text[len] & 0xC0) == 0x80);
    return len;
}

static bool is_taken(const struct xlsx *x, const char *name)
{
    bool taken = false;

    for (uint32_t i = 0; i < x->sheet_count && !taken; i++) {
        struct buf a, b;

        buf_init(&a, 1024);
        buf_init(&b, 1024);
        taken = utf8_put_folded(&a, name, strlen(name)) != OK ||
                utf8_put_folded(&b, x->sheets[i]->name, strlen(x->sheets[i]->name)) != OK ||
                strcmp(buf_cstr(&a), buf_cstr(&b)) == 0;
        buf_fini(&a);
        buf_fini(&b);
    }
    return taken;
}

/* What Excel refuses becomes a dash; no apostrophe at either end, never empty. */
static void clean_name(char *name)
{
    for (char *p = name; *p != '\0'; p++) {
        if (strchr("[]:*?/\\", *p) != NULL)
            *p = '-';
        else if ((uint8_t)*p < 0x20 || *p == 0x7F)
            *p = ' ';
        if (*p == '\'' && (p == name || p[1] == '\0'))
            *p = '-';
    }
}

static bool choose_name(struct xlsx_sheet *s, const char *wanted)
{
    char clean[sizeof(s->name)];
    char tail[16] = "";

    utf8_copy(clean, sizeof(clean), wanted[0] != '\0' ? wanted : "-");
    for (unsigned n = 2; n < XLSX_MAX_SHEETS + 2; n++) {
        size_t len;

        clean[xlsx_cut(clean, XLSX_MAX_SHEET_NAME)] = '\0';
        len = xlsx_cut(clean, XLSX_MAX_SHEET_NAME - strlen(tail));
        (void)snprintf(s->name, sizeof(s->name), "%.*s%s", (int)len, clean, tail);
        clean_name(s->name);
        if (!is_taken(s->x, s->name))
            return true;
        (void)snprintf(tail, sizeof(tail), " (%u)", n);
    }
    return false;
}

struct xlsx_sheet *xlsx_sheet(struct xlsx *x, const char *name)
{
    struct xlsx_sheet *s;

    if (x->failed != OK)
        return NULL;
    if (x->sheet_count == XLSX_MAX_SHEETS) {
        xlsx_fail(x, err_set(ERR_LIMIT, _("a workbook has at most %u sheets"), XLSX_MAX_SHEETS));
        return NULL;
    }
    if ((s = calloc(1, sizeof(*s))) == NULL) {
        xlsx_fail(x, err_set(ERR_NOMEM, _("no memory for a workbook")));
        return NULL;
    }
    s->x = x;
    buf_init(&s->widths, XLSX_MAX_COLUMNS * sizeof(double));
    buf_init(&s->kinds, XLSX_MAX_COLUMNS);
    if (!choose_name(s, name) || (s->sheet = from_xlsx.workbook_add_worksheet(x->book, s->name)) == NULL) {
        free(s);
        xlsx_fail(x, err_set(ERR_LIMIT, _("Excel does not take a sheet of the name \"%s\""), name));
        return NULL;
    }
    x->sheets[x->sheet_count++] = s;
    return s;
}

const char *xlsx_sheet_name(const struct xlsx_sheet *s)
{
    return s != NULL ? s->name : "";
}

/* ---- to the file ---- */

static enum err end_book(struct xlsx *x)
{
    lxw_workbook *book = x->book;

    if (x->failed == OK)
        xlsx_hide(x->lists);
    for (uint32_t i = 0; i < x->sheet_count; i++)
        xlsx_set_columns(x->sheets[i]);
    if (x->failed != OK)
        return err_set(x->failed, "%s", x->why);
    x->book = NULL;
    return from_lxw(from_xlsx.workbook_close(book));
}

static enum err read_back(struct xlsx *x, void **bytes, size_t *len)
{
    off_t size = lseek(x->fd, 0, SEEK_END);
    ssize_t got;

    if (size < 0)
        return err_errno(ERR_IO, errno, _("no room for a workbook"));
    if ((uint64_t)size > XLSX_MAX_BYTES)
        return err_set(ERR_LIMIT, _("the workbook would be larger than %u MiB"), XLSX_MAX_BYTES >> 20);
    if ((*bytes = malloc((size_t)size + 1)) == NULL)
        return ERR_NOMEM;
    for (*len = 0; *len < (size_t)size; *len += (size_t)got)
        if ((got = pread(x->fd, (char *)*bytes + *len, (size_t)size - *len, (off_t)*len)) <= 0)
            return err_errno(ERR_IO, errno, _("no room for a workbook"));
    return OK;
}

enum err xlsx_save(struct xlsx *x, const char *path, bool may_exist)
{
    size_t name = strlen(path);
    void *bytes = NULL;
    size_t len = 0;
    enum err e;

    if (name < sizeof(SUFFIX) || strcasecmp(path + name - (sizeof(SUFFIX) - 1), SUFFIX) != 0)
        return err_set(ERR_USAGE, _("%s: the name of a workbook must end in .xlsx"), path);
    if ((e = end_book(x)) == OK && (e = read_back(x, &bytes, &len)) == OK)
        e = cli_write_file(path, bytes, len, 0600, may_exist);
    free(bytes);
    return e;
}
