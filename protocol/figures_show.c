#include "protocol/figures_show.h"

#include "common/cli.h"

#include <string.h>

const char *figures_hidden_word(const char *class_code)
{
    if (strcmp(class_code, "low") == 0)
        return _("low (number hidden)");
    if (strcmp(class_code, "middle") == 0)
        return _("middle (number hidden)");
    if (strcmp(class_code, "high") == 0)
        return _("high (number hidden)");
    return strcmp(class_code, "fewer-than-5") == 0 ? _("fewer than 5") : _("hidden");
}
