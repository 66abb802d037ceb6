#include "common/zip_edit.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define DOS_DAY 0x21u /* 1 January 1980, the first that ZIP knows */
#define CHUNK   16384u

struct zip_edit {
    zip_source_t *archive; /* becomes the new one when `zip` is closed */
    zip_t *zip;            /* NULL: finished */
};

static enum err failed(zip_error_t *error)
{
    enum err e = zip_error_code_zip(error) == ZIP_ER_MEMORY
                     ? ERR_NOMEM
                     : err_set(ERR_MALFORMED, _("the workbook cannot be packed anew (%s)"), zip_error_strerror(error));

    zip_error_fini(error);
    return e;
}

enum err zip_edit_open(struct zip_edit **out, struct bytes archive)
{
    struct zip_edit *z = calloc(1, sizeof(*z));
    zip_error_t error;

    if (z == NULL)
        return ERR_NOMEM;
    zip_error_init(&error);
    if ((z->archive = zip_source_buffer_create(archive.p, archive.len, 0, &error)) != NULL) {
        zip_source_keep(z->archive); /* for ourselves: the other hold is zip's */
        if ((z->zip = zip_open_from_source(z->archive, 0, &error)) == NULL)
            zip_source_free(z->archive);
    }
    if (z->zip == NULL) {
        zip_edit_close(z);
        return failed(&error);
    }
    zip_error_fini(&error);
    *out = z;
    return OK;
}

void zip_edit_close(struct zip_edit *z)
{
    if (z == NULL)
        return;
    if (z->zip != NULL)
        zip_discard(z->zip);
    if (z->archive != NULL)
        zip_source_free(z->archive);
    free(z);
}

static enum err zip_failed(struct zip_edit *z)
{
    zip_error_t error;

    zip_error_init(&error);
    zip_error_set(&error, zip_error_code_zip(zip_get_error(z->zip)), 0);
    return failed(&error);
}

enum err zip_edit_put(struct zip_edit *z, const char *name, struct bytes part)
{
    zip_int64_t at = zip_name_locate(z->zip, name, ZIP_FL_NOCASE);
    void *copy = malloc(part.len + 1);
    zip_source_t *source;

    if (copy == NULL)
        return ERR_NOMEM;
    if (part.len > 0)
        memcpy(copy, part.p, part.len);
    if ((source = zip_source_buffer(z->zip, copy, part.len, 1)) == NULL) {
        free(copy);
        return zip_failed(z);
    }
    if (at >= 0 && zip_file_replace(z->zip, (zip_uint64_t)at, source, 0) != 0)
        at = -2;
    else if (at < 0 && (at = zip_file_add(z->zip, name, source, ZIP_FL_ENC_UTF_8)) < 0)
        at = -2;
    if (at == -2) {
        zip_source_free(source);
        return zip_failed(z);
    }
    if (zip_file_set_dostime(z->zip, (zip_uint64_t)at, 0, DOS_DAY, 0) != 0 ||
        zip_set_file_compression(z->zip, (zip_uint64_t)at, ZIP_CM_DEFLATE, 0) != 0)
        return zip_failed(z);
    return OK;
}

static enum err take_out(zip_source_t *from, struct buf *out)
{
    uint8_t chunk[CHUNK];
    zip_int64_t n;

    if (zip_source_open(from) != 0)
        return failed(zip_source_error(from));
    while ((n = zip_source_read(from, chunk, sizeof(chunk))) > 0)
        buf_put(out, chunk, (size_t)n);
    (void)zip_source_close(from);
    explicit_bzero(chunk, sizeof(chunk));
    return n < 0 ? failed(zip_source_error(from)) : buf_status(out);
}

enum err zip_edit_finish(struct zip_edit *z, struct buf *out)
{
    if (zip_close(z->zip) != 0)
        return zip_failed(z);
    z->zip = NULL;
    return take_out(z->archive, out);
}
