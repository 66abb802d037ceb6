/* seeded.h: one seed for what happens and for all keys, so that it repeats everything.  For one source file of a test
 * program. */
#ifndef SVODKA_TESTS_FAULT_SEEDED_H
#define SVODKA_TESTS_FAULT_SEEDED_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

static uint64_t seeded_lives, seeded_keys;

/* splitmix64 */
static uint64_t seeded_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const char *seeded_name(void)
{
    return "seeded";
}

static uint32_t seeded_word(void)
{
    return (uint32_t)seeded_next(&seeded_keys);
}

static void seeded_fill(void *const out, const size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)seeded_next(&seeded_keys);
}

/* Before keys_start(): libsodium's numbers are these from now on.  0, or -1. */
static inline int seeded_start(uint64_t seed)
{
    static struct randombytes_implementation seeded = {
        .implementation_name = seeded_name, .random = seeded_word, .buf = seeded_fill};

    seeded_lives = seed;
    seeded_keys = ~seed;
    return randombytes_set_implementation(&seeded);
}

#endif
