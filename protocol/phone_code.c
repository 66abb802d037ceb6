#include "protocol/phone_code.h"

#include "common/cli.h"
#include "protocol/keys_internal.h"

#include <string.h>

#define LETTERS     8u
#define BODY        (LETTERS - 1u)
#define MAC_BITS    25u
#define LETTER_BITS 5u
#define CONTEXT_MAX 512u

enum err phone_key(uint8_t out[KEY_BYTES], const struct key *own, const uint8_t other[KEY_BYTES],
                   const uint8_t history[KEY_BYTES], const uint8_t seal[KEY_BYTES])
{
    uint8_t shared[KEY_BYTES], both[2 * KEY_BYTES];
    enum err e = key_shared(shared, own, other);

    if (e == OK) {
        memcpy(both, history, KEY_BYTES);
        memcpy(both + KEY_BYTES, seal, KEY_BYTES);
        derive(out, shared, "svodka phone key v1", bytes_of(both, sizeof(both)));
    }
    wipe(shared, sizeof(shared));
    return e;
}

static uint32_t mac_of(const uint8_t key[KEY_BYTES], const struct phone_return *r, uint32_t count)
{
    const char *const parts[] = {r->participant, r->form, r->unit, r->period};
    uint8_t d[KEY_BYTES], numbers[8];
    struct buf b;

    buf_init(&b, CONTEXT_MAX); /* ids: each has a bound well below */
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        buf_put(&b, parts[i], strlen(parts[i]) + 1);
    be32_put(numbers, (uint32_t)r->day);
    be32_put(numbers + 4, count);
    buf_put(&b, numbers, sizeof(numbers));
    derive(d, key, "svodka phone code v1", bytes_of(b.data, b.len));
    buf_fini(&b);
    return be32_get(d) >> (32 - MAC_BITS);
}

static char check_of(const char letters[BODY])
{
    uint8_t d[DIGEST_BYTES];
    char out[2];

    digest_domain(d, "svodka phone check v1", bytes_of(letters, BODY));
    key_letters_put(out, d, 1);
    return out[0];
}

void phone_code_make(char out[PHONE_CODE_CHARS + 1], const uint8_t key[KEY_BYTES], const struct phone_return *r,
                     uint64_t count)
{
    uint32_t shown = count > PHONE_COUNT_MAX ? PHONE_COUNT_MAX : (uint32_t)count;
    uint64_t bits = (uint64_t)shown << MAC_BITS | mac_of(key, r, shown);
    uint8_t raw[8];
    char text[LETTERS + 2], letters[BODY];

    be64_put(raw, bits << (64 - BODY * LETTER_BITS));
    key_letters_put(text, raw, BODY); /* "ABCD-EFG" */
    memcpy(letters, text, 4);
    memcpy(letters + 4, text + 5, 3);
    memcpy(out, text, PHONE_CODE_CHARS - 1);
    out[PHONE_CODE_CHARS - 1] = check_of(letters);
    out[PHONE_CODE_CHARS] = '\0';
}

enum err phone_code_read(struct phone_code *out, const char *typed)
{
    char letters[LETTERS];
    uint64_t bits = 0;
    size_t count = 0;

    for (const char *p = typed; *p != '\0';) {
        char letter = '\0';
        size_t len = 1;

        if (strchr(" -\t", *p) == NULL) {
            len = key_letter_take(p, &letter);
            if (letter == '\0' || count == LETTERS)
                return err_set(ERR_MALFORMED,
                               _("the code has %u letters and digits in two groups of four, as "
                                 "svodka-agent waits shows it at the school"),
                               LETTERS);
            letters[count++] = letter;
        }
        p += len;
    }
    if (count != LETTERS)
        return err_set(ERR_MALFORMED, _("the code has %u letters and digits; %zu were typed"), LETTERS, count);
    if (check_of(letters) != letters[BODY])
        return err_set(ERR_AUTH, "%s", _("a letter of the code is wrong: have it read out once more"));
    for (size_t i = 0; i < BODY; i++)
        bits = bits << LETTER_BITS | key_letter_value(letters[i]);
    out->count = (uint32_t)(bits >> MAC_BITS);
    out->mac = (uint32_t)(bits & ((1u << MAC_BITS) - 1));
    return out->count > 0 ? OK : err_set(ERR_MALFORMED, "%s", _("the code says that nothing waits"));
}

bool phone_code_fits(const struct phone_code *c, const uint8_t key[KEY_BYTES], const struct phone_return *r)
{
    return mac_of(key, r, c->count) == c->mac;
}
