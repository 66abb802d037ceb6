#include "protocol/copy_code.h"

#include "common/cli.h"
#include "protocol/keys_internal.h"

#include <string.h>

#define SECRET_LETTERS 20u
#define SECRET_BYTES   13u /* 100 bits are used */
#define CHECK_LETTERS  4u
#define ALL_LETTERS    (SECRET_LETTERS + CHECK_LETTERS)
#define SECRET_CHARS   (SECRET_LETTERS + SECRET_LETTERS / 4 - 1)

struct letters {
    char text[ALL_LETTERS + 1]; /* without hyphens */
};

static enum err read_letters(struct letters *out, const char *typed)
{
    size_t count = 0;

    for (const char *p = typed; *p != '\0';) {
        char letter = '\0';
        size_t len;

        if (strchr(" -\t\r\n", *p) != NULL) {
            p++;
            continue;
        }
        len = key_letter_take(p, &letter);
        if (letter == '\0' || count == ALL_LETTERS)
            return err_set(
                ERR_MALFORMED,
                _("the recovery code has 24 letters and digits in six groups of four; compare what was typed "
                  "with the sheet"));
        out->text[count++] = letter;
        p += len;
    }
    if (count != ALL_LETTERS)
        return err_set(ERR_MALFORMED, _("the recovery code has 24 letters and digits; %zu were typed"), count);
    out->text[count] = '\0';
    return OK;
}

static void seed_of(uint8_t seed[KEY_BYTES], const struct letters *l)
{
    digest_domain(seed, "svodka copy code v1", bytes_of(l->text, SECRET_LETTERS));
}

static void check_of(char out[CHECK_LETTERS + 1], const uint8_t seed[KEY_BYTES], const uint8_t signer[KEY_BYTES])
{
    uint8_t d[KEY_BYTES];

    derive(d, seed, "svodka copy check v1", bytes_of(signer, KEY_BYTES));
    key_letters_put(out, d, CHECK_LETTERS);
    wipe(d, sizeof(d));
}

enum err copy_code_new(char out[COPY_CODE_CHARS + 1], struct key **key, const uint8_t signer[KEY_BYTES])
{
    uint8_t raw[SECRET_BYTES];
    uint8_t seed[KEY_BYTES];
    char secret[SECRET_CHARS + 1];
    struct letters l = {""};
    enum err e;

    random_bytes(raw, sizeof(raw));
    key_letters_put(secret, raw, SECRET_LETTERS);
    for (size_t i = 0, n = 0; secret[i] != '\0'; i++)
        if (secret[i] != '-')
            l.text[n++] = secret[i];
    seed_of(seed, &l);
    memcpy(out, secret, SECRET_CHARS);
    out[SECRET_CHARS] = '-';
    check_of(out + SECRET_CHARS + 1, seed, signer);
    e = key_from_seed(key, KEY_SEAL, seed);
    wipe(raw, sizeof(raw));
    wipe(seed, sizeof(seed));
    wipe(secret, sizeof(secret));
    wipe(&l, sizeof(l));
    return e;
}

enum err copy_code_open(struct key **key, const char *typed, const uint8_t signer[KEY_BYTES])
{
    uint8_t seed[KEY_BYTES];
    char check[CHECK_LETTERS + 1];
    struct letters l;
    enum err e = read_letters(&l, typed);

    if (e == OK) {
        seed_of(seed, &l);
        check_of(check, seed, signer);
        e = memcmp(check, l.text + SECRET_LETTERS, CHECK_LETTERS) == 0
                ? key_from_seed(key, KEY_SEAL, seed)
                : err_set(ERR_AUTH, _("the recovery code does not fit this copy: it was mistyped, or it is the code of "
                                      "another computer or of another copy"));
        wipe(seed, sizeof(seed));
        wipe(check, sizeof(check));
    }
    wipe(&l, sizeof(l));
    return e;
}
