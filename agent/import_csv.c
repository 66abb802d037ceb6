#include "agent/import.h"

#include "common/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct csv_source {
    struct import_source rows;
    FILE *file;
    struct csv *csv;
};

static enum err next_row(void *ctx, struct csv_row *row)
{
    struct csv_source *s = ctx;

    return csv_next(s->csv, row);
}

static uint64_t offset(void *ctx)
{
    struct csv_source *s = ctx;

    return csv_offset(s->csv);
}

static enum err open_file(struct csv_source *s, const char *path)
{
    struct stat st;

    s->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (s->file == NULL)
        return err_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, _("%s: cannot be opened"), path);
    if (fstat(fileno(s->file), &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(ERR_IO, _("%s: not a file; the CSV must be in a file"), path);
    s->rows.size = (uint64_t)st.st_size;
    return OK;
}

enum err csv_source_open(struct csv_source **out, const char *path, const struct csv_options *o)
{
    struct csv_source *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return ERR_NOMEM;
    s->rows = (struct import_source){.name = path, .ctx = s, .next = next_row, .offset = offset};
    if ((e = open_file(s, path)) == OK && (e = csv_open(&s->csv, s->file, o)) != OK)
        e = err_prefix(e, "%s", path);
    if (e != OK) {
        csv_source_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void csv_source_close(struct csv_source *s)
{
    if (s == NULL)
        return;
    csv_close(s->csv);
    if (s->file != NULL && s->file != stdin)
        (void)fclose(s->file);
    free(s);
}

struct import_source *csv_source_rows(struct csv_source *s)
{
    return &s->rows;
}

char csv_source_delimiter(const struct csv_source *s)
{
    return csv_delimiter(s->csv);
}
