/* From a form to the periods that it is due in. */
#include "common/form.h"

enum err form_period(const struct form *f, const struct calendar *c, const char *text, struct period *out)
{
    return calendar_find_in(c, f->all_series, f->series_count, text, out);
}
