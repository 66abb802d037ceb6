/* xlsx_target.h: what the targets of workbooks share.  Included by the one file of a target. */
#ifndef SVODKA_TESTS_FUZZ_XLSX_TARGET_H
#define SVODKA_TESTS_FUZZ_XLSX_TARGET_H

#include "common/xlsx_read.h"
#include "tests/fuzz/zip_pack.h"

#include <stdlib.h>

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

/* A copy of the bytes as a workbook; NULL: the reader refuses them. */
static struct xlsx_book *open_book(struct bytes bytes)
{
    struct xlsx_book *b = NULL;
    void *copy = malloc(bytes.len + 1);

    REQUIRE(copy != NULL);
    if (bytes.len > 0)
        memcpy(copy, bytes.p, bytes.len);
    return xlsx_book_open(&b, copy, bytes.len) == OK ? b : NULL;
}

#endif
