/* form_value.c: one answer as text, in both directions. */
#include "common/form_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <string.h>
#include <strings.h>

#define KEEP_ALIGNMENT ((size_t)16)
#define CHOICE_LIST    640u /* bytes of them */
#define NAMED_CHOICES  8u   /* of a list, in "one of ... was expected" */
#define NEAR_CHOICES   200u /* longest list that "did you mean" looks through */

/* ---- memory ---- */

void *keep_alloc(struct buf *keep, size_t size)
{
    size_t room = keep->max < FORM_KEEP_MAX ? keep->max : FORM_KEEP_MAX;
    size_t len = keep->len;
    size_t at = (len + KEEP_ALIGNMENT - 1) & ~(KEEP_ALIGNMENT - 1);

    if (keep->cap <= room && len < room) /* once, so that loans into it never move */
        (void)buf_reserve(keep, room - len);
    if (keep->failed) {
        (void)err_set(ERR_NOMEM, _("no memory for the answers"));
        return NULL;
    }
    if (at > room || size > room - at || keep->cap < at + size) {
        (void)err_set(ERR_LIMIT, _("the answers take more than %zu bytes together"), room);
        return NULL;
    }
    (void)buf_grow(keep, at + size - len); /* there is room: what is never given out is never touched, nor wiped */
    return keep->data + at;
}

/* After keep_alloc() gave nothing. */
static enum err keep_error(const struct buf *keep)
{
    return keep->failed ? ERR_NOMEM : ERR_LIMIT;
}

/* ---- texts ---- */

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
}

static bool is_plain_ascii(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7E)
            return false;
    return true;
}

static const char *bytes_mistake(const uint8_t *text, size_t len)
{
    if (len > FORM_MAX_TEXT)
        return _("the text is too long: at most 4,000 bytes (2,000 Russian letters) were expected");
    if (is_plain_ascii(text, len))
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (is_control(text[i]))
            return _("the text holds a control character: letters, digits and signs were expected");
    return utf8_is_valid(text, len) ? NULL : _("the text is not UTF-8");
}

const char *value_text_mistake(const uint8_t *text, size_t len)
{
    const char *mistake = bytes_mistake(text, len);

    if (mistake != NULL || is_plain_ascii(text, len) || utf8_is_nfc(text, len))
        return mistake;
    return _("the text is not in Unicode's composed form (NFC)");
}

enum err value_keep_text(struct value *out, const char *text, size_t len, struct buf *keep)
{
    const char *mistake = bytes_mistake((const uint8_t *)text, len);
    struct buf nfc;
    uint8_t *copy;
    enum err e = OK;

    *out = (struct value){.state = VALUE_MISSING};
    if (mistake != NULL)
        return err_set(ERR_INVALID, "%s", mistake);
    if (len == 0)
        return OK;
    buf_init(&nfc, 4 * (size_t)FORM_MAX_TEXT);
    if (!is_plain_ascii((const uint8_t *)text, len) && !utf8_is_nfc(text, len)) {
        if ((e = utf8_put_nfc(&nfc, text, len)) != OK || (e = buf_status(&nfc)) != OK)
            goto free_nfc;
        text = (const char *)nfc.data;
        len = nfc.len;
        if ((mistake = bytes_mistake((const uint8_t *)text, len)) != NULL) { /* a few texts grow */
            e = err_set(ERR_INVALID, "%s", mistake);
            goto free_nfc;
        }
    }
    if ((copy = keep_alloc(keep, len)) == NULL) {
        e = keep_error(keep);
        goto free_nfc;
    }
    memcpy(copy, text, len);
    *out = (struct value){.state = VALUE_PRESENT, .as.text = {copy, len}};
free_nfc:
    buf_fini(&nfc);
    return e;
}

/* Blanks at either end, the no-break space of spreadsheets included. */
static void trim(const char **text, size_t *len)
{
    for (;;) {
        if (*len > 0 && strchr(" \t\r\n", **text) != NULL && **text != '\0') {
            ++*text;
            --*len;
        } else if (*len > 1 && memcmp(*text, "\xC2\xA0", 2) == 0) {
            *text += 2;
            *len -= 2;
        } else {
            break;
        }
    }
    for (;;) {
        if (*len > 0 && (*text)[*len - 1] != '\0' && strchr(" \t\r\n", (*text)[*len - 1]) != NULL)
            --*len;
        else if (*len > 1 && memcmp(*text + *len - 2, "\xC2\xA0", 2) == 0)
            *len -= 2;
        else
            break;
    }
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* ---- booleans and choices ---- */

/* The boolean, or -1.  Every usual spelling stands here, so that nothing needs folding. */
static int parse_boolean(const char *text, size_t len)
{
    static const char *const words[2][11] = {
        {"no", "0", "нет", "Нет", "НЕТ", "false", "ложь", "Ложь", "ЛОЖЬ", NULL, NULL},
        {"yes", "1", "да", "Да", "ДА", "true", "истина", "Истина", "ИСТИНА", NULL, NULL},
    };

    for (int v = 0; v < 2; v++)
        for (const char *const *w = words[v]; *w != NULL; w++)
            if (strlen(*w) == len && strncasecmp(text, *w, len) == 0)
                return v;
    return -1;
}

int32_t field_choice(const struct form_field *f, const char *code, size_t len)
{
    return f->choice_index != NULL ? index_find(&f->choice_index->codes, code, len)
                                   : choice_find(f->choices, code, len);
}

/* By code, or by a label or code that is the same when folded. */
static int32_t find_choice(const struct form_field *f, const char *text, size_t len)
{
    int32_t number = field_choice(f, text, len);
    struct buf folded;

    if (number >= 0 || f->choice_index == NULL)
        return number;
    if ((number = index_find(&f->choice_index->words, text, len)) >= 0)
        return number;
    buf_init(&folded, 4 * (size_t)FORM_MAX_TEXT);
    if (len <= FORM_MAX_TEXT && utf8_is_valid(text, len) && utf8_put_folded(&folded, text, len) == OK && !folded.failed)
        number = index_find(&f->choice_index->words, (const char *)folded.data, folded.len);
    buf_fini(&folded);
    return number;
}

static const char *near_choice(const struct form_field *f, const char *text, size_t len)
{
    const char *codes[NEAR_CHOICES];
    char typed[FORM_NAME_MAX + 1];

    if (f->choices->count > NEAR_CHOICES || len > FORM_NAME_MAX)
        return NULL;
    memcpy(typed, text, len);
    typed[len] = '\0';
    for (uint32_t i = 0; i < f->choices->count; i++)
        codes[i] = f->choices->items[i].code;
    return cli_nearest(typed, codes, f->choices->count);
}

/* A person knows a choice by its label, a file may have its code.  False: no room for it. */
static bool name_choice(struct buf *out, const struct choice *c)
{
    const char *label = cli_pick(c->label_ru, c->label_en);
    bool has_label = label != NULL && strcmp(label, c->code) != 0;

    if (out->len + strlen(c->code) + (has_label ? strlen(label) : 0) + strlen(",  ()") > CHOICE_LIST)
        return false;
    buf_printf(out, "%s%s", out->len > 0 ? ", " : "", c->code);
    if (has_label)
        buf_printf(out, " (%s)", label);
    return true;
}

enum err refuse_choice(const struct form_field *f, const char *text, size_t len)
{
    const char *near = near_choice(f, text, len);
    struct buf list;
    uint32_t i = 0;
    enum err e;

    if (f->choice_index != NULL && index_find(&f->choice_index->words, text, len) == INDEX_AMBIGUOUS)
        return err_set(ERR_INVALID, _("several choices have this label: expected a code of the list \"%s\""),
                       f->choices->name);
    if (near != NULL)
        return err_set(ERR_INVALID, _("no such choice in the list \"%s\"; did you mean \"%s\"?"), f->choices->name,
                       near);
    buf_init(&list, CHOICE_LIST + 1);
    while (i < f->choices->count && i < NAMED_CHOICES && name_choice(&list, &f->choices->items[i]))
        i++;
    if (i < f->choices->count)
        e = err_set(ERR_INVALID, _("no such choice: expected a code of the list \"%s\", such as %s"), f->choices->name,
                    buf_cstr(&list));
    else
        e = err_set(ERR_INVALID, _("no such choice: expected one of %s"), buf_cstr(&list));
    buf_fini(&list);
    return e;
}

static enum err parse_select_one(struct value *out, const struct form_field *f, const char *text, size_t len)
{
    int32_t number = find_choice(f, text, len);

    if (number < 0)
        return refuse_choice(f, text, len);
    *out = (struct value){.state = VALUE_PRESENT, .as.i = number};
    return OK;
}

/* One or several choices, separated by the given characters. */
static enum err parse_set(uint64_t *set, const struct form_field *f, const char *text, size_t len,
                          const char *separators)
{
    const char *end = text + len;

    while (text < end) {
        const char *piece = text;
        size_t n;
        int32_t number;
        enum err e;

        while (text < end && (*text == '\0' || strchr(separators, *text) == NULL))
            text++;
        n = (size_t)(text - piece);
        text++;
        trim(&piece, &n);
        if (n == 0)
            continue;
        number = find_choice(f, piece, n);
        if (number >= 0 && number < (int32_t)VALUE_MAX_CHOICES_MULTIPLE)
            *set |= UINT64_C(1) << number;
        else if (strchr(separators, ' ') != NULL)
            return refuse_choice(f, piece, n);
        else if ((e = parse_set(set, f, piece, n, " \t\r\n")) != OK) /* labels may hold blanks, codes never do */
            return e;
    }
    return OK;
}

/* ---- a value ---- */

static enum err parse_number(struct value *out, const struct form_field *f, const char *text, size_t len)
{
    int64_t scaled;
    enum err e = decimal_parse(&scaled, text, len, f->places);

    if (e != OK)
        return e == ERR_NOMEM ? e : ERR_INVALID;
    if (scaled < f->min || scaled > f->max)
        return err_set(ERR_INVALID, _("the number is too large: at most 15 digits were expected"));
    *out = (struct value){.state = VALUE_PRESENT, .as.i = scaled};
    return OK;
}

static enum err parse_present(struct value *out, const struct form_field *f, const char *text, size_t len,
                              struct buf *keep)
{
    struct value v = {.state = VALUE_PRESENT};
    int32_t days;

    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: return parse_number(out, f, text, len);
    case VALUE_TEXT: return value_keep_text(out, text, len, keep);
    case VALUE_DATE:
        if (date_parse_local(&days, text, len) != OK)
            return ERR_INVALID;
        v.as.i = days;
        break;
    case VALUE_BOOLEAN:
        if ((v.as.i = parse_boolean(text, len)) < 0)
            return err_set(ERR_INVALID, _("expected yes or no"));
        break;
    case VALUE_SELECT_ONE: return parse_select_one(out, f, text, len);
    case VALUE_SELECT_MULTIPLE:
        if (parse_set(&v.as.set, f, text, len, ",;") != OK)
            return ERR_INVALID;
        if (v.as.set == 0)
            v.state = VALUE_MISSING;
        break;
    case VALUE_REPEAT: return rows_from_json(out, f, text, len, keep);
    }
    *out = v;
    return OK;
}

enum err value_parse(struct value *out, const struct form_field *f, const char *text, size_t len, struct buf *keep)
{
    *out = (struct value){.state = VALUE_MISSING};
    trim(&text, &len);
    if (len == 0)
        return OK;
    if (text[0] == '?') {
        if (is_word(text, len, "?unknown"))
            out->state = VALUE_NOT_KNOWN;
        else if (is_word(text, len, "?na"))
            out->state = VALUE_NOT_APPLICABLE;
        if (out->state != VALUE_MISSING)
            return OK;
    }
    return parse_present(out, f, text, len, keep);
}

static void format_present(struct buf *out, const struct form_field *f, const struct value *v)
{
    char date[11];
    bool is_first = true;

    switch (f->type) {
    case VALUE_INTEGER: decimal_format(out, v->as.i, 0); break;
    case VALUE_DECIMAL: decimal_format(out, v->as.i, f->places); break;
    case VALUE_TEXT: buf_put(out, v->as.text.p, v->as.text.len); break;
    case VALUE_DATE:
        date_format(date, v->as.i < DATE_MIN || v->as.i > DATE_MAX ? DATE_MAX + 1 : (int32_t)v->as.i);
        buf_put_str(out, date);
        break;
    case VALUE_BOOLEAN: buf_put_str(out, v->as.i != 0 ? "true" : "false"); break;
    case VALUE_SELECT_ONE:
        if (v->as.i >= 0 && v->as.i < f->choices->count)
            buf_put_str(out, f->choices->items[v->as.i].code);
        break;
    case VALUE_SELECT_MULTIPLE:
        for (uint32_t i = 0; i < f->choices->count && i < VALUE_MAX_CHOICES_MULTIPLE; i++) {
            if ((v->as.set >> i & 1) == 0)
                continue;
            if (!is_first)
                buf_put_u8(out, ' ');
            is_first = false;
            buf_put_str(out, f->choices->items[i].code);
        }
        break;
    case VALUE_REPEAT: rows_to_json(out, f, v); break;
    }
}

void value_format(struct buf *out, const struct form_field *f, const struct value *v)
{
    switch (v->state) {
    case VALUE_PRESENT: format_present(out, f, v); break;
    case VALUE_NOT_KNOWN: buf_put_str(out, "?unknown"); break;
    case VALUE_NOT_APPLICABLE: buf_put_str(out, "?na"); break;
    case VALUE_NOT_ASKED:
    case VALUE_MISSING: break;
    }
}

bool value_carry(struct value *out, const struct form_field *f, const struct form_field *of, const struct value *v,
                 struct buf *keep)
{
    struct buf text;
    bool fits;

    buf_init_secret(&text, FORM_KEEP_MAX);
    value_format(&text, of, v);
    fits = buf_status(&text) == OK && text.len > 0 && value_parse(out, f, buf_cstr(&text), text.len, keep) == OK;
    buf_wipe(&text);
    return fits && out->state != VALUE_MISSING;
}
