/* builtin_target.h: what the targets of the built-in forms share.  Included by the one file of a target. */
#ifndef SVODKA_TESTS_FUZZ_BUILTIN_TARGET_H
#define SVODKA_TESTS_FUZZ_BUILTIN_TARGET_H

#include "protocol/builtin.h"
#include "protocol/record.h"

#include <stdlib.h>

/* The bytes as a record of that form; false: they are none, or one that has no values. */
static bool target_record(struct record *out, const struct form **form, enum builtin which, struct bytes in)
{
    static struct builtin_forms forms;
    static struct record_space *space;

    if (space == NULL && (builtin_forms_load(&forms) != OK || record_space_new(&space) != OK))
        abort();
    *form = forms.forms[which];
    return record_decode(out, space, in, *form) == OK && out->kind != RECORD_RETRACTION;
}

#endif
