#include "protocol/builtin.h"

#include "protocol/answer.h"

#include <string.h>

static const struct text {
    const char *id, *yaml;
} texts[BUILTIN_FORMS] = {
    [BUILTIN_ANSWER] = {ANSWER_FORM, answer_yaml},
};

enum err builtin_forms_load(struct builtin_forms *out)
{
    enum err e = OK;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < BUILTIN_FORMS && e == OK; i++)
        e = form_load(&out->forms[i], texts[i].id, texts[i].yaml, strlen(texts[i].yaml), NULL);
    return e;
}

void builtin_forms_fini(struct builtin_forms *b)
{
    for (size_t i = 0; i < BUILTIN_FORMS; i++)
        form_free(b->forms[i]);
    memset(b, 0, sizeof(*b));
}

const struct form *builtin_form_by_digest(const struct builtin_forms *b, const uint8_t digest[FORM_DIGEST_BYTES])
{
    for (size_t i = 0; i < BUILTIN_FORMS; i++)
        if (memcmp(b->forms[i]->digest, digest, FORM_DIGEST_BYTES) == 0)
            return b->forms[i];
    return NULL;
}

const struct form *builtin_form_by_id(const struct builtin_forms *b, const char *id)
{
    for (size_t i = 0; i < BUILTIN_FORMS; i++)
        if (strcmp(b->forms[i]->id, id) == 0)
            return b->forms[i];
    return NULL;
}

bool builtin_is(const struct form *f, enum builtin which)
{
    return f->source.len == strlen(texts[which].yaml) &&
           memcmp(f->source.p, texts[which].yaml, f->source.len) == 0;
}

bool builtin_is_any(const struct form *f)
{
    for (enum builtin i = 0; i < BUILTIN_FORMS; i++)
        if (builtin_is(f, i))
            return true;
    return false;
}

bool builtin_has_id(const char *id)
{
    for (size_t i = 0; i < BUILTIN_FORMS; i++)
        if (strcmp(texts[i].id, id) == 0)
            return true;
    return false;
}

enum err builtin_period(const struct form *f, const struct calendar *c, const char *text, struct period *out)
{
    return builtin_is_any(f) ? calendar_find(c, NULL, text, out) : form_period(f, c, text, out);
}
