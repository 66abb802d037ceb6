/* late_zip.h: libzip, opened when the first workbook is (late.h); for zip_*.c alone. */
#ifndef SVODKA_COMMON_LATE_ZIP_H
#define SVODKA_COMMON_LATE_ZIP_H

#include "common/err.h"

#include <zip.h>

struct late_zip {
    __typeof__(&zip_close) zip_close;
    __typeof__(&zip_discard) zip_discard;
    __typeof__(&zip_error_code_zip) zip_error_code_zip;
    __typeof__(&zip_error_fini) zip_error_fini;
    __typeof__(&zip_error_init) zip_error_init;
    __typeof__(&zip_error_set) zip_error_set;
    __typeof__(&zip_error_strerror) zip_error_strerror;
    __typeof__(&zip_fclose) zip_fclose;
    __typeof__(&zip_file_add) zip_file_add;
    __typeof__(&zip_file_replace) zip_file_replace;
    __typeof__(&zip_file_set_dostime) zip_file_set_dostime;
    __typeof__(&zip_fopen_index) zip_fopen_index;
    __typeof__(&zip_fread) zip_fread;
    __typeof__(&zip_get_error) zip_get_error;
    __typeof__(&zip_get_num_entries) zip_get_num_entries;
    __typeof__(&zip_name_locate) zip_name_locate;
    __typeof__(&zip_open_from_source) zip_open_from_source;
    __typeof__(&zip_set_file_compression) zip_set_file_compression;
    __typeof__(&zip_source_buffer) zip_source_buffer;
    __typeof__(&zip_source_buffer_create) zip_source_buffer_create;
    __typeof__(&zip_source_close) zip_source_close;
    __typeof__(&zip_source_error) zip_source_error;
    __typeof__(&zip_source_free) zip_source_free;
    __typeof__(&zip_source_keep) zip_source_keep;
    __typeof__(&zip_source_open) zip_source_open;
    __typeof__(&zip_source_read) zip_source_read;
    __typeof__(&zip_stat_index) zip_stat_index;
    __typeof__(&zip_stat_init) zip_stat_init;
};

extern struct late_zip from_zip; /* filled by the first late_zip() that said OK */

MUST_CHECK enum err late_zip(void);

#endif
