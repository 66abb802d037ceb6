/* form_change.h: what a new version of a form may change (docs/forms.md).  A field is its name within the form id, a
 * choice its code, for ever: else one series of numbers would speak about two things. */
#ifndef SVODKA_HUB_FORM_CHANGE_H
#define SVODKA_HUB_FORM_CHANGE_H

#include "common/form.h"

/* `fresh` beside all versions that were loaded before (`known`; those of other form ids are left out).  `file` is the
 * form's file as messages name it.  Mistakes: the version's name was used for other content; mode or key changed; a
 * field changed its type or places; a choice changed its meaning.  Warnings: a choice was reworded; a field is gone.
 * Everything goes to `r`; ERR_INVALID if there was a mistake, ERR_NOMEM. */
MUST_CHECK enum err form_change_check(const struct form *fresh, const struct form *const *known, size_t count,
                                      const char *file, struct report *r);

#endif
