#include "agent/import_internal.h"

#include "common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROW_MAX (16u << 20)

struct refused_rows {
    const char *path;
    char delimiter;
    struct buf headings; /* until there is a file */
    struct buf line;
    FILE *file; /* NULL: no row was refused yet */
};

enum err refused_rows_new(struct refused_rows **out, const char *path, char delimiter)
{
    struct refused_rows *x;

    if (access(path, F_OK) == 0)
        return err_set(ERR_EXISTS, _("%s: the file exists already; name a new one for the refused rows"), path);
    if ((x = calloc(1, sizeof(*x))) == NULL)
        return ERR_NOMEM;
    x->path = path;
    x->delimiter = delimiter;
    buf_init_secret(&x->headings, ROW_MAX);
    buf_init_secret(&x->line, ROW_MAX);
    *out = x;
    return OK;
}

/* As it stood: what goes back into the same spreadsheet must not change on the way. */
static void put_row(struct buf *out, char delimiter, const struct csv_row *row)
{
    for (uint32_t i = 0; i < row->count; i++) {
        if (i > 0)
            buf_put_u8(out, (uint8_t)delimiter);
        csv_put_cell(out, delimiter, (const char *)row->cells[i].p, row->cells[i].len, false);
    }
    buf_put_str(out, "\r\n");
}

static bool is_ascii(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] >= 0x80)
            return false;
    return true;
}

void refused_rows_heading(struct refused_rows *x, const struct csv_row *row)
{
    put_row(&x->headings, x->delimiter, row);
}

static enum err cannot_write(const struct refused_rows *x)
{
    return err_errno(errno == ENOSPC ? ERR_FULL : ERR_IO, errno, _("%s: the refused rows cannot be written"), x->path);
}

static enum err put_bytes(struct refused_rows *x, const struct buf *b)
{
    enum err e = buf_status(b);

    if (e == OK && fwrite(b->data, 1, b->len, x->file) != b->len)
        e = cannot_write(x);
    return e;
}

static enum err create(struct refused_rows *x)
{
    int fd = open(x->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return cannot_write(x);
    if ((x->file = fdopen(fd, "w")) == NULL) {
        close(fd);
        return cannot_write(x);
    }
    /* A spreadsheet takes Cyrillic without this mark for Windows-1251. */
    if (!is_ascii(&x->headings) && fputs("\xEF\xBB\xBF", x->file) < 0)
        return cannot_write(x);
    return put_bytes(x, &x->headings);
}

enum err refused_rows_add(struct refused_rows *x, const struct csv_row *row)
{
    enum err e = x->file != NULL ? OK : create(x);

    if (e != OK)
        return e;
    buf_reset(&x->line);
    put_row(&x->line, x->delimiter, row);
    return put_bytes(x, &x->line);
}

enum err refused_rows_finish(struct refused_rows *x)
{
    if (x->file == NULL)
        return OK;
    if (fflush(x->file) != 0 || fsync(fileno(x->file)) != 0)
        return cannot_write(x);
    return OK;
}

void refused_rows_close(struct refused_rows *x, bool keep)
{
    if (x == NULL)
        return;
    if (x->file != NULL) {
        (void)fclose(x->file);
        if (!keep)
            (void)unlink(x->path);
    }
    buf_wipe(&x->headings);
    buf_wipe(&x->line);
    free(x);
}
