/* zip_edit.h: a copy of a ZIP archive with some of its parts replaced or added; all others are taken over as they are
 * packed.  libzip stops here and at zip_in.h.  For archives that zip_in_open() has taken: it is what bounds them.
 * Nothing is written to the disk. */
#ifndef SVODKA_COMMON_ZIP_EDIT_H
#define SVODKA_COMMON_ZIP_EDIT_H

#include "common/buf.h"

struct zip_edit;

/* `archive` is lent until zip_edit_close().  ERR_MALFORMED: libzip does not read it. */
MUST_CHECK enum err zip_edit_open(struct zip_edit **out, struct bytes archive);
void zip_edit_close(struct zip_edit *z); /* NULL does nothing */
/* Copies `part`.  Names are compared without regard to the case of ASCII letters. */
MUST_CHECK enum err zip_edit_put(struct zip_edit *z, const char *name, struct bytes part);
/* Appends the new archive; afterwards the edit can only be closed.  The same content gives the same bytes. */
MUST_CHECK enum err zip_edit_finish(struct zip_edit *z, struct buf *out);

#endif
