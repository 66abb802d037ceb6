#include "common/zip_edit.h"

#include "common/cli.h"
#include "common/late_zip.h"

#include <stdlib.h>
#include <string.h>

#define DOS_DAY 0x21u /* 1 January 1980, the first that ZIP knows */
#define CHUNK   16384u

struct zip_edit {
    zip_source_t *archive; /* becomes the new one when `zip` is closed */
    zip_t *zip;            /* NULL: finished */
};

static enum err failed(zip_error_t *error)
{
    enum err e =
        from_zip.zip_error_code_zip(error) == ZIP_ER_MEMORY
            ? ERR_NOMEM
            : err_set(ERR_MALFORMED, _("the workbook cannot be packed anew (%s)"), from_zip.zip_error_strerror(error));

    from_zip.zip_error_fini(error);
    return e;
}

enum err zip_edit_open(struct zip_edit **out, struct bytes archive)
{
    struct zip_edit *z;
    zip_error_t error;
    enum err e = late_zip();

    if (e != OK)
        return e;
    if ((z = calloc(1, sizeof(*z))) == NULL)
        return ERR_NOMEM;
    from_zip.zip_error_init(&error);
    if ((z->archive = from_zip.zip_source_buffer_create(archive.p, archive.len, 0, &error)) != NULL) {
        from_zip.zip_source_keep(z->archive); /* for ourselves: the other hold is zip's */
        if ((z->zip = from_zip.zip_open_from_source(z->archive, 0, &error)) == NULL)
            from_zip.zip_source_free(z->archive);
    }
    if (z->zip == NULL) {
        zip_edit_close(z);
        return failed(&error);
    }
    from_zip.zip_error_fini(&error);
    *out = z;
    return OK;
}

void zip_edit_close(struct zip_edit *z)
{
    if (z == NULL)
        return;
    if (z->zip != NULL)
        from_zip.zip_discard(z->zip);
    if (z->archive != NULL)
        from_zip.zip_source_free(z->archive);
    free(z);
}

static enum err zip_failed(struct zip_edit *z)
{
    zip_error_t error;

    from_zip.zip_error_init(&error);
    from_zip.zip_error_set(&error, from_zip.zip_error_code_zip(from_zip.zip_get_error(z->zip)), 0);
    return failed(&error);
}

/* Takes `source`, on failure too; *at: where the part is, or becomes one. */
static bool put_source(struct zip_edit *z, const char *name, zip_source_t *source, zip_int64_t *at)
{
    bool is_there;

    *at = from_zip.zip_name_locate(z->zip, name, ZIP_FL_NOCASE);
    is_there = *at >= 0;
    if (is_there ? from_zip.zip_file_replace(z->zip, (zip_uint64_t)*at, source, 0) == 0
                 : (*at = from_zip.zip_file_add(z->zip, name, source, ZIP_FL_ENC_UTF_8)) >= 0)
        return true;
    from_zip.zip_source_free(source);
    return false;
}

enum err zip_edit_put(struct zip_edit *z, const char *name, struct bytes part)
{
    void *copy = NULL; /* of nothing libzip would free nothing */
    zip_source_t *source;
    zip_int64_t at;

    if (part.len > 0 && (copy = malloc(part.len)) == NULL)
        return ERR_NOMEM;
    if (part.len > 0)
        memcpy(copy, part.p, part.len);
    if ((source = from_zip.zip_source_buffer(z->zip, copy, part.len, 1)) == NULL) {
        free(copy);
        return zip_failed(z);
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the source frees the copy */
    if (!put_source(z, name, source, &at) ||
        from_zip.zip_file_set_dostime(z->zip, (zip_uint64_t)at, 0, DOS_DAY, 0) != 0 ||
        from_zip.zip_set_file_compression(z->zip, (zip_uint64_t)at, ZIP_CM_DEFLATE, 0) != 0)
        return zip_failed(z);
    return OK;
}

static enum err take_out(zip_source_t *from, struct buf *out)
{
    uint8_t chunk[CHUNK];
    zip_int64_t n;

    if (from_zip.zip_source_open(from) != 0)
        return failed(from_zip.zip_source_error(from));
    while ((n = from_zip.zip_source_read(from, chunk, sizeof(chunk))) > 0)
        buf_put(out, chunk, (size_t)n);
    (void)from_zip.zip_source_close(from);
    explicit_bzero(chunk, sizeof(chunk));
    return n < 0 ? failed(from_zip.zip_source_error(from)) : buf_status(out);
}

enum err zip_edit_finish(struct zip_edit *z, struct buf *out)
{
    if (from_zip.zip_close(z->zip) != 0)
        return zip_failed(z);
    z->zip = NULL;
    return take_out(z->archive, out);
}
