/* What a file is that is no .xlsx: each kind with what to do about it. */
#include "common/xlsx_read_internal.h"

#include "common/cli.h"

#include <string.h>

static bool begins(struct bytes b, const char *with, size_t len)
{
    return b.len >= len && memcmp(b.p, with, len) == 0;
}

/* ASCII letters as the two-byte characters of Microsoft's containers. */
static bool has_wide(struct bytes b, const char *text)
{
    char wide[64];
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        wide[2 * i] = text[i];
        wide[2 * i + 1] = '\0';
    }
    return memmem(b.p, b.len, wide, 2 * len) != NULL;
}

enum err book_judge_bytes(struct bytes b)
{
    if (b.len == 0)
        return err_set(ERR_MALFORMED, "%s", _("the file is empty"));
    if (begins(b, "PK\3\4", 4))
        return OK;
    if (begins(b, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8)) {
        if (has_wide(b, "EncryptedPackage"))
            return err_set(ERR_MALFORMED, "%s",
                           _("the workbook is locked with a password: open it in your spreadsheet program and save it "
                             "without one"));
        return err_set(ERR_MALFORMED, "%s",
                       _("this is a workbook of old Excel (.xls): open it and save it as \"Excel workbook (.xlsx)\""));
    }
    if (begins(b, "PK", 2))
        return err_set(ERR_MALFORMED, "%s", _("the file is an archive without a workbook in it"));
    return err_set(
        ERR_MALFORMED, "%s",
        _("this is no workbook (.xlsx), whatever its name says: open it in your spreadsheet program and save "
          "it as \"Excel workbook (.xlsx)\"; a CSV file is imported with --csv"));
}

enum err book_judge_parts(const struct zip_in *z)
{
    if (zip_in_is_encrypted(z))
        return err_set(ERR_MALFORMED, "%s",
                       _("the file is locked with a password: save the workbook without one, and not in an archive"));
    if (zip_in_has(z, "xl/vbaProject.bin"))
        return err_set(ERR_MALFORMED, "%s",
                       _("the workbook has macros (.xlsm): save it as \"Excel workbook (.xlsx)\", which has none"));
    if (zip_in_has(z, "xl/workbook.bin"))
        return err_set(ERR_MALFORMED, "%s",
                       _("this is a binary workbook (.xlsb): save it as \"Excel workbook (.xlsx)\""));
    if (zip_in_has(z, "mimetype") && zip_in_has(z, "content.xml"))
        return err_set(ERR_MALFORMED, "%s",
                       _("this is an OpenDocument file (.ods): save it as \"Excel workbook (.xlsx)\""));
    if (zip_in_has(z, "word/document.xml"))
        return err_set(ERR_MALFORMED, "%s",
                       _("this is a text document (.docx), not a workbook: copy its table into a spreadsheet and save "
                         "that as .xlsx"));
    if (!zip_in_has(z, "[Content_Types].xml"))
        return err_set(ERR_MALFORMED, "%s", _("the file is an archive without a workbook in it"));
    return OK;
}
