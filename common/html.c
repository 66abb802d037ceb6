#include "common/html.h"

void html_put(struct buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        switch (*c) {
        case '<': buf_put_str(out, "&lt;"); break;
        case '>': buf_put_str(out, "&gt;"); break;
        case '&': buf_put_str(out, "&amp;"); break;
        case '"': buf_put_str(out, "&quot;"); break;
        case '\'': buf_put_str(out, "&#39;"); break;
        default: buf_put_u8(out, ((uint8_t)*c < 0x20 && *c != '\n') || *c == 0x7F ? (uint8_t)' ' : (uint8_t)*c);
        }
}
