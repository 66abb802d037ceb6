#include "common/zip_in.h"

#include "common/cli.h"
#include "common/late_zip.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define END_SIZE     22u /* of the end record, without its comment */
#define END_SEARCH   (END_SIZE + 65535u)
#define LOCATOR      20u /* of ZIP64, in front of the end record */
#define NAME_LONGEST 512u

struct zip_in {
    zip_t *zip;
    zip_int64_t count;
    bool is_encrypted;
};

struct zip_part {
    zip_file_t *file;
    uint64_t offset, size;
    uint64_t max;
};

static enum err damaged(void)
{
    return err_set(ERR_MALFORMED, "%s",
                   _("the file is damaged or was not copied to its end: open it in your spreadsheet program, save it "
                     "again and take the new file"));
}

static enum err too_many(void)
{
    return err_set(ERR_LIMIT, _("the file is packed from more than %u parts, which no table needs"),
                   ZIP_IN_MAX_ENTRIES);
}

/* Any end record that libzip could settle for must name few entries: it makes room for all of them at once. */
static enum err check_ends(struct bytes b)
{
    size_t from = b.len > END_SEARCH ? b.len - END_SEARCH : 0;
    bool found = false;

    for (size_t i = from; i + END_SIZE <= b.len; i++) {
        const uint8_t *p = b.p + i;

        if (memcmp(p, "PK\5\6", 4) != 0)
            continue;
        found = true;
        if ((uint32_t)(p[10] | p[11] << 8) > ZIP_IN_MAX_ENTRIES || (uint32_t)(p[8] | p[9] << 8) > ZIP_IN_MAX_ENTRIES ||
            (i >= LOCATOR && memcmp(p - LOCATOR, "PK\6\7", 4) == 0))
            return too_many();
    }
    return found ? OK : damaged();
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Programs differ in which of two entries with one name they read. */
static enum err check_names(struct zip_in *z)
{
    const char **names = calloc((size_t)z->count + 1, sizeof(*names));
    enum err e = OK;

    if (names == NULL)
        return ERR_NOMEM;
    for (zip_int64_t i = 0; i < z->count && e == OK; i++) {
        zip_stat_t st;

        from_zip.zip_stat_init(&st);
        if (from_zip.zip_stat_index(z->zip, (zip_uint64_t)i, 0, &st) != 0 || st.name == NULL)
            e = damaged();
        else if (strlen(st.name) > NAME_LONGEST)
            e = err_set(ERR_LIMIT, "%s", _("the file is packed with names that no spreadsheet program gives"));
        else
            z->is_encrypted = z->is_encrypted || st.encryption_method != ZIP_EM_NONE;
        names[i] = st.name;
    }
    if (e == OK)
        qsort(names, (size_t)z->count, sizeof(*names), by_name);
    for (zip_int64_t i = 1; i < z->count && e == OK; i++)
        if (strcasecmp(names[i - 1], names[i]) == 0)
            e = err_set(ERR_MALFORMED, "%s",
                        _("the file holds two parts of one name, which no spreadsheet program writes: save it again"));
    free(names);
    return e;
}

static enum err open_zip(struct zip_in *z, struct bytes bytes)
{
    zip_source_t *source;
    zip_error_t error;

    from_zip.zip_error_init(&error);
    source = from_zip.zip_source_buffer_create(bytes.p, bytes.len, 0, &error);
    if (source != NULL && (z->zip = from_zip.zip_open_from_source(source, ZIP_RDONLY, &error)) == NULL)
        from_zip.zip_source_free(source);
    from_zip.zip_error_fini(&error);
    if (source == NULL)
        return ERR_NOMEM;
    if (z->zip == NULL)
        return damaged();
    z->count = from_zip.zip_get_num_entries(z->zip, 0);
    if (z->count <= 0)
        return damaged();
    return z->count > ZIP_IN_MAX_ENTRIES ? too_many() : check_names(z);
}

enum err zip_in_open(struct zip_in **out, struct bytes bytes)
{
    struct zip_in *z;
    enum err e;

    if (bytes.len > ZIP_IN_MAX_BYTES)
        return err_set(ERR_LIMIT, _("the file has more than %u MiB"), ZIP_IN_MAX_BYTES >> 20);
    if ((e = check_ends(bytes)) != OK || (e = late_zip()) != OK)
        return e;
    if ((z = calloc(1, sizeof(*z))) == NULL)
        return ERR_NOMEM;
    if ((e = open_zip(z, bytes)) != OK) {
        zip_in_close(z);
        return e;
    }
    *out = z;
    return OK;
}

void zip_in_close(struct zip_in *z)
{
    if (z == NULL)
        return;
    if (z->zip != NULL)
        from_zip.zip_discard(z->zip);
    free(z);
}

bool zip_in_has(const struct zip_in *z, const char *name)
{
    return from_zip.zip_name_locate(z->zip, name, ZIP_FL_NOCASE) >= 0;
}

bool zip_in_is_encrypted(const struct zip_in *z)
{
    return z->is_encrypted;
}

enum err zip_part_open(struct zip_part **out, struct zip_in *z, const char *name)
{
    zip_int64_t at = from_zip.zip_name_locate(z->zip, name, ZIP_FL_NOCASE);
    struct zip_part *p;
    zip_stat_t st;

    if (at < 0)
        return err_set(ERR_NOT_FOUND, _("the file has no part \"%.100s\""), name);
    from_zip.zip_stat_init(&st);
    if (from_zip.zip_stat_index(z->zip, (zip_uint64_t)at, 0, &st) != 0)
        return damaged();
    if ((p = calloc(1, sizeof(*p))) == NULL)
        return ERR_NOMEM;
    p->size = st.size;
    p->max = ZIP_IN_FREE + ZIP_IN_MAX_RATIO * (st.comp_size < ZIP_IN_MAX_BYTES ? st.comp_size : ZIP_IN_MAX_BYTES);
    if (p->max > ZIP_IN_MAX_PART)
        p->max = ZIP_IN_MAX_PART;
    if ((p->file = from_zip.zip_fopen_index(z->zip, (zip_uint64_t)at, 0)) == NULL) {
        free(p);
        return damaged();
    }
    *out = p;
    return OK;
}

void zip_part_close(struct zip_part *p)
{
    if (p == NULL)
        return;
    (void)from_zip.zip_fclose(p->file);
    free(p);
}

enum err zip_part_read(struct zip_part *p, void *to, size_t size, size_t *got)
{
    zip_int64_t n = from_zip.zip_fread(p->file, to, size);

    if (n < 0)
        return damaged();
    p->offset += (uint64_t)n;
    if (p->offset > p->max)
        return err_set(ERR_LIMIT, "%s",
                       _("the file unpacks to far more than its size allows; no table does that, so it is not read"));
    *got = (size_t)n;
    return OK;
}

uint64_t zip_part_offset(const struct zip_part *p)
{
    return p->offset;
}

uint64_t zip_part_size(const struct zip_part *p)
{
    return p->size;
}
