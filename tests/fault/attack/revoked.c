/* Somebody with the keys of a participant that was revoked. */
#include "tests/fault/attack/attack.h"

const struct attack revoked_attacks[] = {{NULL, NULL, NULL}};
