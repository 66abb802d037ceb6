/* breakdown.h: the parts of an indicator in words of the forms: "sex=F" is "Пол: девочка". */
#ifndef SVODKA_HUB_BREAKDOWN_H
#define SVODKA_HUB_BREAKDOWN_H

#include "hub/programme.h"

/* Appends what "name=code;name=code" means to people, in their language: the label of the field of one of the
 * programme's forms and of the choice, or of the class; what no form knows stands as it is. */
void breakdown_put(struct buf *out, const struct programme *p, const struct indicator *i, const char *breakdown);
/* The breakdown without the line's own part, where the indicator's name says that; a loan of `breakdown`. */
const char *breakdown_to_say(const struct programme *p, const struct indicator *i, const char *breakdown);
/* The same for a reader elsewhere, in that language. */
enum breakdown_language { BREAKDOWN_OURS, BREAKDOWN_RU, BREAKDOWN_EN };
void breakdown_put_in(struct buf *out, const struct programme *p, const struct indicator *i, const char *breakdown,
                      enum breakdown_language l);

#endif
