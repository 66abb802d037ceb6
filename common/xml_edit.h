/* xml_edit.h: a part of an archive with other tags and texts in some places; all the rest stays byte for byte.  Whoever
 * edits goes through the part with xml_in's calls, from its beginning to its end, and copies up to where he is. */
#ifndef SVODKA_COMMON_XML_EDIT_H
#define SVODKA_COMMON_XML_EDIT_H

#include "common/xml_in.h"

#define XML_EDIT_MAX        (64u << 20) /* of the part, and of what it becomes */
#define XML_EDIT_PREFIX_MAX 32u

struct xml_edit {
    struct zip_in *zip;
    const char *part;
    struct buf in, out;
    size_t at;                        /* so much of `in` is in `out`, or is left out of it */
    struct xml_in *xml;               /* while it is gone through */
    char prefix[XML_EDIT_PREFIX_MAX]; /* of the names of its elements, with the colon; "": none */
};

/* Reads the part; its name is lent.  ERR_NOT_FOUND: there is none; ERR_MALFORMED: it is not UTF-8, or cannot be edited;
 * ERR_LIMIT: it is too large.  xml_edit_close() follows in any case. */
MUST_CHECK enum err xml_edit_open(struct xml_edit *x, struct zip_in *zip, const char *part);
void xml_edit_close(struct xml_edit *x);
/* Goes through the part; it may be gone through several times, but copied only once. */
MUST_CHECK enum err xml_edit_run(struct xml_edit *x, const struct xml_in_calls *calls, void *ctx);

/* The tag at hand, as it stands in the part. */
struct bytes xml_edit_tag(const struct xml_edit *x);
/* `<a/>`: its end comes at once, and takes no bytes. */
bool xml_edit_is_closed(struct bytes tag);
/* True at the end of such an element. */
bool xml_edit_at_closed_end(const struct xml_edit *x);

/* Copies what stands before the tag at hand; what stands before its end; nothing up to its end. */
void xml_edit_copy_before(struct xml_edit *x);
void xml_edit_copy_after(struct xml_edit *x);
void xml_edit_drop(struct xml_edit *x);
/* Copies the rest. */
MUST_CHECK enum err xml_edit_finish(struct xml_edit *x);

/* An attribute to be set; value NULL: to be left out.  Names as they are written, without a prefix. */
struct xml_attribute {
    const char *name, *value;
};
/* Appends a tag with other attributes; `open`: it is not closed any more. */
void xml_edit_put_tag(struct buf *out, struct bytes tag, const struct xml_attribute *set, size_t count, bool open);
/* Copies up to the tag at hand, and that with other attributes. */
void xml_edit_change(struct xml_edit *x, const struct xml_attribute *set, size_t count);
/* The same with an element that is one tag: it becomes two, with `content` between them. */
void xml_edit_fill(struct xml_edit *x, const struct xml_attribute *set, size_t count, struct bytes content);

#endif
