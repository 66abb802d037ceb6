/* programme_complain.c: mistakes with their place, and what every part of the loader needs to read. */
#include "hub/programme_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_MAX      512u
#define NUMBER_MAX_PLACES 15u   /* that many digits a double keeps */
#define TOLD_MAX          4096u /* as many mistakes as nobody reads; after them some may come twice */

/* ---- memory ---- */

void *loader_alloc(struct loader *l, size_t count, size_t size)
{
    void *p = l->e == OK ? calloc(count + 1, size) : NULL; /* never nothing: NULL means that it failed */

    if (p == NULL)
        l->e = ERR_NOMEM;
    return p;
}

bool loader_grow(struct loader *l, void **items, size_t count, size_t *cap, size_t size)
{
    size_t wanted = *cap == 0 ? 16 : *cap * 2;
    void *grown;

    if (l->e != OK)
        return false;
    if (count < *cap)
        return true;
    if ((grown = reallocarray(*items, wanted, size)) == NULL) {
        l->e = ERR_NOMEM;
        return false;
    }
    *items = grown;
    *cap = wanted;
    return true;
}

const char *loader_text(struct loader *l, const char *text)
{
    struct programme *p = l->prog;
    char **grown = l->e == OK ? reallocarray(p->texts, p->text_count + 1, sizeof(*grown)) : NULL;

    if (grown != NULL)
        p->texts = grown;
    if (grown == NULL || (p->texts[p->text_count] = strdup(text)) == NULL) {
        l->e = ERR_NOMEM;
        return NULL;
    }
    return p->texts[p->text_count++];
}

/* ---- mistakes ---- */

/* A later definition of an indicator takes over the nodes of the first, and would repeat its mistakes. */
struct told {
    const struct yaml_node *at;
    uint32_t column;
    char begins[96]; /* field and sentence, as far as it takes to tell two apart */
};

static bool was_told(struct loader *l, const struct yaml_node *at, uint32_t column, const char *field, const char *text)
{
    struct told fresh = {.at = at, .column = column};

    (void)snprintf(fresh.begins, sizeof(fresh.begins), "%s: %s", field != NULL ? field : "", text);
    for (size_t i = 0; i < l->told_count; i++)
        if (l->told[i].at == at && l->told[i].column == column && strcmp(l->told[i].begins, fresh.begins) == 0)
            return true;
    if (l->told_count < TOLD_MAX && loader_grow(l, (void **)&l->told, l->told_count, &l->told_cap, sizeof(*l->told)))
        l->told[l->told_count++] = fresh;
    return false;
}

void loader_complain(struct loader *l, const struct source *s, const struct yaml_node *at, const char *field,
                     const char *fmt, ...)
{
    char text[SENTENCE_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    text[utf8_first_bad(text, strlen(text))] = '\0'; /* what vsnprintf() cut through */
    if (!was_told(l, at, 0, field, text))
        yaml_complain(s->doc, at, field, l->r, "%s", text);
}

uint32_t loader_text_column(const struct pack_file *f, const struct yaml_node *n)
{
    const uint8_t *p = f->bytes;
    const uint8_t *end = p + f->len;

    if (n->kind != YAML_SCALAR)
        return 0;
    for (uint32_t line = 1; line < n->line && p != NULL; line++) {
        p = memchr(p, '\n', (size_t)(end - p));
        p = p == NULL ? NULL : p + 1;
    }
    if (p == NULL)
        return 0;
    if (n->line == 1 && end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    for (uint32_t column = 1; column < n->column && p < end; column++)
        for (p++; p < end && (*p & 0xC0u) == 0x80u; p++)
            ;
    for (uint32_t quotes = 0; quotes < 2; quotes++)
        if ((size_t)(end - p) > quotes && n->len <= (size_t)(end - p) - quotes &&
            memcmp(p + quotes, n->text, n->len) == 0)
            return n->column + quotes;
    return 0;
}

void loader_complain_expr(struct loader *l, const struct source *s, const struct yaml_node *at, const char *id,
                          const char *key, const struct expr_error *error)
{
    struct finding f = {.file = s->file->name, .line = at->line, .column = at->column, .field = id};
    uint32_t column = loader_text_column(s->file, at);

    if (at->is_refused || was_told(l, at, error->column, key, error->text))
        return;
    if (column > 0 && error->column > 0) {
        f.column = column + error->column - 1;
        report_add(l->r, &f, "%s: %s", key, error->text);
    } else {
        report_add(l->r, &f, _("%s, character %u of the expression: %s"), key, error->column, error->text);
    }
}

/* ---- reading ---- */

const char *loader_scalar(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key)
{
    if (n == NULL)
        return NULL;
    if (n->kind == YAML_SCALAR && n->len > 0)
        return n->text;
    loader_complain(l, s, n, key, "%s", _("a text is expected"));
    return NULL;
}

/* Digits after the point, so that 0.1 becomes 1 / 10: the nearest double there is. */
static unsigned places_of(const char *text)
{
    const char *point = strchr(text, '.');
    size_t places = point == NULL ? 0 : strlen(point + 1);

    return places > NUMBER_MAX_PLACES ? NUMBER_MAX_PLACES : (unsigned)places;
}

bool loader_number(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key, double *out)
{
    double power = 1;
    int64_t scaled;
    unsigned places;

    if (n->kind == YAML_SCALAR && !n->is_quoted && strchr(n->text, ',') == NULL) {
        places = places_of(n->text);
        if (decimal_parse(&scaled, n->text, n->len, places) == OK) {
            while (places-- > 0)
                power *= 10;
            *out = (double)scaled / power;
            return true;
        }
    }
    loader_complain(l, s, n, key, _("a number is expected, such as 5 or 0.25, with at most %u places, without quotes"),
                    NUMBER_MAX_PLACES);
    return false;
}

static const char *const reserved[] = {"municipality", "previous", "last_year", "last_known", "base", "n",     "min",
                                       "max",          "mean",     "median",    "q25",        "q75",  "range", "rose",
                                       "fell",         "num",      "den",       "param",      NULL};

bool loader_is_id(const char *id)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";
    size_t len = strlen(id);

    return len > 0 && len <= FORM_NAME_MAX && strchr(first, id[0]) != NULL && strspn(id, rest) == len;
}

bool loader_check_id(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key)
{
    if (n->kind != YAML_SCALAR || !loader_is_id(n->text)) {
        loader_complain(l, s, n, key,
                        _("an id is expected: at most %u Latin letters, digits and _ - beginning with a letter or _"),
                        FORM_NAME_MAX);
        return false;
    }
    for (size_t i = 0; reserved[i] != NULL; i++)
        if (strcmp(n->text, reserved[i]) == 0) {
            loader_complain(l, s, n, key, _("\"%s\" has a meaning of its own in expressions; choose another id"),
                            n->text);
            return false;
        }
    return true;
}

uint32_t loader_words(struct loader *l, const struct source *s, const struct yaml_node *n, const char *key,
                      const struct yaml_node **out, uint32_t max)
{
    uint32_t count = n->kind == YAML_SEQUENCE ? n->count : 1;

    if (n->kind == YAML_MAPPING || count == 0) {
        loader_complain(l, s, n, key, "%s", _("a text or a list of texts is expected"));
        return 0;
    }
    if (count > max) {
        loader_complain(l, s, n, key, _("%u are too many: at most %u are expected"), count, max);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = n->kind == YAML_SEQUENCE ? n->items[i] : n;
        if (loader_scalar(l, s, out[i], key) == NULL)
            return 0;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(out[i]->text, out[j]->text) == 0) {
                loader_complain(l, s, out[i], key, "%s", _("this stands here twice"));
                return 0;
            }
    }
    return count;
}
