/* record_internal.h: what the two directions of record.h share. */
#ifndef SVODKA_PROTOCOL_RECORD_INTERNAL_H
#define SVODKA_PROTOCOL_RECORD_INTERNAL_H

#include "common/cli.h"
#include "protocol/record.h"

#define PERIOD_BYTES_MAX 32u

/* The head's elements, in their order. */
enum record_element {
    ELEMENT_VERSION,
    ELEMENT_FORM,
    ELEMENT_UNIT,
    ELEMENT_PERIOD,
    ELEMENT_FILLED_ON,
    ELEMENT_MADE,
    ELEMENT_OFFSET,
    ELEMENT_ENTERED_BY,
    ELEMENT_SOURCE,
    ELEMENT_KIND,
    ELEMENT_TARGET,
    ELEMENT_REASON,
    ELEMENT_TAG,
    ELEMENT_ORDINAL,
    ELEMENT_REMARKS
};

bool period_id_is_valid(const char *id); /* [A-Za-z0-9_./-]{1,32} */

#endif
