/* html.h: text in a page of HTML. */
#ifndef SVODKA_COMMON_HTML_H
#define SVODKA_COMMON_HTML_H

#include "common/buf.h"

/* Appends UTF-8 text so that none of it is markup, also inside an attribute in quotes; control characters but line
 * breaks become blanks. */
void html_put(struct buf *out, const char *text);

#endif
