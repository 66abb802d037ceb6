#include "protocol/six_words.h"

#include <stdio.h>
#include <string.h>

#define WORDS 6u

struct sound {
    char cyrillic[3], latin[3];
};

/* No two sounds of a set are written alike in either alphabet, and the sets keep out what nobody wants to read to a
 * head teacher over the telephone.  The order is part of the protocol. */
static const struct sound first[16] = {{"б", "b"}, {"в", "v"},  {"г", "g"},  {"д", "d"}, {"з", "z"}, {"к", "k"},
                                       {"л", "l"}, {"м", "m"},  {"н", "n"},  {"п", "p"}, {"р", "r"}, {"т", "t"},
                                       {"ф", "f"}, {"ц", "ts"}, {"ч", "ch"}, {"ш", "sh"}};
static const struct sound second[16] = {{"б", "b"},  {"в", "v"},  {"д", "d"},  {"ж", "zh"}, {"л", "l"}, {"м", "m"},
                                        {"н", "n"},  {"п", "p"},  {"р", "r"},  {"с", "s"},  {"т", "t"}, {"ф", "f"},
                                        {"х", "kh"}, {"ц", "ts"}, {"ч", "ch"}, {"ш", "sh"}};
static const struct sound vowel[4] = {{"а", "a"}, {"е", "e"}, {"и", "i"}, {"о", "o"}};

static const char *spelling(const struct sound *s, bool is_cyrillic)
{
    return is_cyrillic ? s->cyrillic : s->latin;
}

void six_words(char out[SIX_WORDS_MAX], const uint8_t d[DIGEST_BYTES], bool is_cyrillic)
{
    size_t at = 0;

    for (size_t w = 0; w < WORDS; w++) {
        /* Twelve bits, from the most significant on: every two words take three bytes. */
        const uint8_t *p = d + w / 2 * 3;
        unsigned bits = w % 2 == 0 ? (unsigned)p[0] << 4 | p[1] >> 4 : (unsigned)(p[1] & 15u) << 8 | p[2];
        int n = snprintf(out + at, SIX_WORDS_MAX - at, "%s%s%s%s%s", w > 0 ? " " : "",
                         spelling(&first[bits >> 8], is_cyrillic), spelling(&vowel[bits >> 6 & 3u], is_cyrillic),
                         spelling(&second[bits >> 2 & 15u], is_cyrillic), spelling(&vowel[bits & 3u], is_cyrillic));

        at += n > 0 ? (size_t)n : 0;
    }
}
