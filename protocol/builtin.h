/* builtin.h: the forms that both programs bring with them, listed in no directory (SPEC.md section 3.2).  Their
 * submissions travel, are counted and kept as all others; but no programme asks for them, and each belongs to a return
 * of another form: its unit and period are that return's. */
#ifndef SVODKA_PROTOCOL_BUILTIN_H
#define SVODKA_PROTOCOL_BUILTIN_H

#include "common/form.h"

/* A further one is a file as answer.c, a line here and a line in builtin.c. */
enum builtin { BUILTIN_ANSWER, BUILTIN_FORMS };

struct builtin_forms {
    struct form *forms[BUILTIN_FORMS];
};
/* builtin_forms_fini(), on failure too. */
MUST_CHECK enum err builtin_forms_load(struct builtin_forms *out);
void builtin_forms_fini(struct builtin_forms *b);

/* NULL: none of them. */
const struct form *builtin_form_by_digest(const struct builtin_forms *b, const uint8_t digest[FORM_DIGEST_BYTES]);
const struct form *builtin_form_by_id(const struct builtin_forms *b, const char *id);
/* This very one, by its bytes; any of them. */
bool builtin_is(const struct form *f, enum builtin which);
bool builtin_is_any(const struct form *f);
/* No form of a programme may have this id. */
bool builtin_has_id(const char *id);
/* The period that a submission of a form may be about: one of the form's series; of a form of these any of the
 * calendar, as of the return that it belongs to. */
MUST_CHECK enum err builtin_period(const struct form *f, const struct calendar *c, const char *text,
                                   struct period *out);

#endif
