/* xml_in.h: elements and text out of one part of an archive, as it is unpacked.  expat stops here.
 *
 * A document type declaration ends the reading, so there are no entities but XML's own five; depth, attributes and the
 * length of what is not text are bounded.  Names come without their namespace. */
#ifndef SVODKA_COMMON_XML_IN_H
#define SVODKA_COMMON_XML_IN_H

#include "common/zip_in.h"

#define XML_IN_MAX_DEPTH      64u
#define XML_IN_MAX_ATTRIBUTES 128u
#define XML_IN_MAX_TOKEN      (1u << 20) /* bytes of one tag, comment or instruction */

/* Each may be NULL.  What is not OK ends the reading with it. */
struct xml_in_calls {
    enum err (*start)(void *ctx, const char *name, const char *const *attributes);
    enum err (*end)(void *ctx, const char *name);
    enum err (*text)(void *ctx, const char *text, size_t len); /* in pieces, not NUL-terminated */
};

struct xml_in;
/* Takes `part`, on failure too. */
MUST_CHECK enum err xml_in_open(struct xml_in **out, struct zip_part *part, const struct xml_in_calls *calls,
                                void *ctx);
void xml_in_close(struct xml_in *x); /* NULL does nothing */
/* Reads until a call has asked for a pause (OK) or the document is over (ERR_NOT_FOUND).  ERR_MALFORMED, ERR_LIMIT. */
MUST_CHECK enum err xml_in_run(struct xml_in *x);
/* From inside start() or end(): xml_in_run() returns after this call. */
void xml_in_pause(struct xml_in *x);
const struct zip_part *xml_in_part(const struct xml_in *x);
/* From inside start() or end(): which bytes of the part the tag takes, [*from, *to).  The end of an element that is one
 * tag (<a/>) takes none: *from and *to are what follows it. */
void xml_in_span(const struct xml_in *x, uint64_t *from, uint64_t *to);

/* Opens, reads to the end and closes. */
MUST_CHECK enum err xml_in_whole(struct zip_in *z, const char *name, const struct xml_in_calls *calls, void *ctx);

/* The value of an attribute without a namespace, or of one inside any namespace (r:id); NULL: there is none. */
const char *xml_in_attribute(const char *const *attributes, const char *name);
const char *xml_in_qualified(const char *const *attributes, const char *name);

#endif
