/* admission.h: who meets the hub now and who is told to come back when (SPEC.md 6.8).
 *
 * A hub has so many slots.  Who finds none is promised a moment of its own: the moments are as far apart as slots
 * become free, by how long meetings have taken lately, and the promise is remembered.  Who comes back when its moment
 * has come goes before everybody who comes for the first time; who comes earlier has gained nothing by it: it hears the
 * same moment again, and is let in only when there are more slots than those need whose moment is near.  A promise that
 * is not used is void a while after its moment, and the slot is anybody's.
 *
 * Pure: the caller says what time it is (monotonic) and how many slots there are and are taken.  One thread.  Memory is
 * bounded: one promise for each key, ADMISSION_MAX of them; beyond that moments are told and not remembered. */
#ifndef SVODKA_HUB_ADMISSION_H
#define SVODKA_HUB_ADMISSION_H

#include "protocol/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMISSION_MAX   20000u /* as many as there are keys on the allowlist (hub/ipc.h) */
#define ADMISSION_LEAST 5u     /* seconds: nobody is told less; */
#define ADMISSION_MOST  3600u  /* ... or more: who is promised a later moment asks again in between */

struct promise {
    uint8_t curve[KEY_BYTES];
    uint8_t broken; /* how often it came in time and there was no slot */
    int64_t at_ms;  /* its moment */
    int64_t until_ms;
};
struct admission {
    struct promise *promises; /* in no order */
    size_t count, cap;
    int64_t last_ms;    /* the latest moment promised to a newcomer */
    int64_t again_ms;   /* ... to one that had come in time */
    int64_t average_us; /* a meeting takes, lately */
};
void admission_init(struct admission *a);
void admission_fini(struct admission *a);
/* Somebody who is in no meeting wants one; `taken` of `slots` are.  0: now, and what it was promised is forgotten; else
 * the seconds after which it is to come back. */
uint32_t admission_ask(struct admission *a, const uint8_t curve[KEY_BYTES], uint32_t slots, size_t taken,
                       int64_t now_ms);
/* Has this one been promised a moment that has come? */
bool admission_is_due(struct admission *a, const uint8_t curve[KEY_BYTES], int64_t now_ms);
/* Nobody can meet for `least_s` seconds: when shall this one come back? */
uint32_t admission_put_off(struct admission *a, const uint8_t curve[KEY_BYTES], uint32_t slots, uint32_t least_s,
                           int64_t now_ms);
/* A meeting is over. */
void admission_ended(struct admission *a, int64_t took_ms);

#endif
