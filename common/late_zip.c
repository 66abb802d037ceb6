#include "common/late_zip.h"

#include "common/late.h"

struct late_zip from_zip;

static const struct late_function functions[] = {
    LATE(from_zip, zip_close),
    LATE(from_zip, zip_discard),
    LATE(from_zip, zip_error_code_zip),
    LATE(from_zip, zip_error_fini),
    LATE(from_zip, zip_error_init),
    LATE(from_zip, zip_error_set),
    LATE(from_zip, zip_error_strerror),
    LATE(from_zip, zip_fclose),
    LATE(from_zip, zip_file_add),
    LATE(from_zip, zip_file_replace),
    LATE(from_zip, zip_file_set_dostime),
    LATE(from_zip, zip_fopen_index),
    LATE(from_zip, zip_fread),
    LATE(from_zip, zip_get_error),
    LATE(from_zip, zip_get_num_entries),
    LATE(from_zip, zip_name_locate),
    LATE(from_zip, zip_open_from_source),
    LATE(from_zip, zip_set_file_compression),
    LATE(from_zip, zip_source_buffer),
    LATE(from_zip, zip_source_buffer_create),
    LATE(from_zip, zip_source_close),
    LATE(from_zip, zip_source_error),
    LATE(from_zip, zip_source_free),
    LATE(from_zip, zip_source_keep),
    LATE(from_zip, zip_source_open),
    LATE(from_zip, zip_source_read),
    LATE(from_zip, zip_stat_index),
    LATE(from_zip, zip_stat_init),
};

enum err late_zip(void)
{
    static struct late_library library = {.file = SVODKA_SONAME_ZIP,
                                          .package = "libzip4",
                                          .functions = functions,
                                          .count = sizeof(functions) / sizeof(functions[0])};

    return late_open(&library);
}
