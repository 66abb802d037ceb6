/* closing_internal.h: shared by closing.c (reading) and closing_decide.c (deciding, replaying). */
#ifndef SVODKA_HUB_CLOSING_INTERNAL_H
#define SVODKA_HUB_CLOSING_INTERNAL_H

#include "hub/closing.h"

#define CLOSING_ELEMENTS 9u
/* Key in H_PERIODS: period 0 group 0. */
#define CLOSING_KEY_MAX (PERIOD_ID_MAX + 1u + FORM_NAME_MAX + 1u)
/* Its length; 0: a name is too long to have been stored. */
size_t closing_key(uint8_t out[CLOSING_KEY_MAX], const char *period, const char *group);

#endif
