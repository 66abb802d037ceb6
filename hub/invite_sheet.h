/* invite_sheet.h: the invitation on paper: one page that says who is invited to what, the fingerprint, the one-time
 * code, until when, what to do and whom to call, and a QR code of the ticket's line (ticket.h).  Russian or English by
 * the language of the program.  As secret as the code in it. */
#ifndef SVODKA_HUB_INVITE_SHEET_H
#define SVODKA_HUB_INVITE_SHEET_H

#include "protocol/ticket.h"

#define SHEET_MAX (256u << 10)

enum sheet_form {
    SHEET_HTML,  /* one A4 page; no scripts, nothing from elsewhere, the code as an inline drawing */
    SHEET_TEXT,  /* for a file: dark squares as blocks */
    SHEET_SCREEN /* for a terminal, whatever its colours */
};
/* By the name's end: .html, .htm or .txt; "-" is the screen.  ERR_USAGE. */
MUST_CHECK enum err invite_sheet_form(enum sheet_form *out, const char *file);
/* Appends the sheet.  ERR_INVALID, ERR_LIMIT: the ticket cannot be written as one line. */
/* The same into a file, 0600, that must not exist yet; the screen: nothing is written. */
MUST_CHECK enum err invite_sheet_write(const char *file, const struct ticket *t, enum sheet_form form);
MUST_CHECK enum err invite_sheet_put(struct buf *out, const struct ticket *t, enum sheet_form form);

#endif
