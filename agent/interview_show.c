/* What a question looks like, and what a typed line means. */
#include "agent/interview_internal.h"

#include "common/ask.h"
#include "common/cli.h"

#include <string.h>

#define CLEAR_WORD "?-"

/* ---- showing a question ---- */

static bool has_numeric_code(const struct choice_list *l)
{
    for (uint32_t k = 0; k < l->count; k++)
        if (l->items[k].code[0] >= '0' && l->items[k].code[0] <= '9')
            return true;
    return false;
}

/* Choices by number; by code where codes are numbers themselves, so that "2" means one thing only. */
static void show_choices(const struct form_field *f)
{
    bool by_code = has_numeric_code(f->choices);

    for (uint32_t k = 0; k < f->choices->count; k++) {
        const struct choice *c = &f->choices->items[k];
        const char *label = cli_pick(c->label_ru, c->label_en);

        if (by_code)
            (void)fprintf(stderr, "  %s  %s\n", c->code, label != NULL ? label : c->code);
        else
            (void)fprintf(stderr, "  %u. %s\n", k + 1, label != NULL ? label : c->code);
    }
}

void interview_notes(struct interview *i, uint32_t before)
{
    for (uint32_t k = 0; k < i->form->note_count; k++) {
        const struct form_note *n = &i->form->notes[k];
        struct expr_env env = {.values = i->scratch, .count = i->form->field_count};
        bool applies = true;

        if (n->before != before)
            continue;
        if (n->relevant != NULL && expr_test(n->relevant, i->arena, &env, &applies) != OK)
            applies = true;
        if (applies)
            (void)fprintf(stderr, "\n%s\n", cli_pick(n->text_ru, n->text_en));
    }
}

void interview_question(struct interview *i, const struct place *p)
{
    const struct form_field *f = p->field;
    const char *group = cli_pick(f->group_ru, f->group_en);
    const char *hint = cli_pick(f->hint_ru, f->hint_en);

    if (!p->in_row && group != NULL && (i->group == NULL || strcmp(group, i->group) != 0))
        (void)fprintf(stderr, "\n== %s ==\n", group);
    if (!p->in_row)
        i->group = group;
    (void)fprintf(stderr, "\n%s%s\n", cli_pick(f->label_ru, f->label_en), f->is_required ? " *" : "");
    if (hint != NULL)
        (void)fprintf(stderr, "  %s\n", hint);
    if (f->choices != NULL)
        show_choices(f);
    if (f->allows_unknown)
        (void)fprintf(stderr, "  %s\n", _("?unknown: not known"));
    if (f->allows_inapplicable)
        (void)fprintf(stderr, "  %s\n", _("?na: does not apply"));
    interview_show_last(i, p);
}

/* What the line expects, with the present answer in brackets. */
void interview_prompt(struct interview *i, const struct place *p, char out[PROMPT_MAX])
{
    const struct value *v = interview_typed(i, p);
    const char *what = p->field->type == VALUE_BOOLEAN           ? _("yes or no")
                       : p->field->type == VALUE_DATE            ? _("date, for example 2020-09-01")
                       : p->field->type == VALUE_SELECT_MULTIPLE ? _("one or several, with commas")
                                                                 : "";
    struct buf text;

    buf_init_secret(&text, (size_t)4 * FORM_MAX_TEXT);
    value_format(&text, p->field, v);
    if (text.len > 0)
        (void)snprintf(out, PROMPT_MAX, "%s%s[%.120s]:", what, what[0] != '\0' ? " " : "", buf_cstr(&text));
    else
        (void)snprintf(out, PROMPT_MAX, "%s:", what);
    buf_wipe(&text);
}

/* ---- taking an answer ---- */

/* "2" for the second choice, as shown; false: not such a number. */
static bool choice_number(const struct form_field *f, const char *text, size_t len, uint32_t *out)
{
    uint32_t n = 0;

    if (f->choices == NULL || len == 0 || len > 5 || has_numeric_code(f->choices))
        return false;
    for (size_t k = 0; k < len; k++) {
        if (text[k] < '0' || text[k] > '9')
            return false;
        n = n * 10 + (uint32_t)(text[k] - '0');
    }
    *out = n - 1;
    return n >= 1 && n <= f->choices->count;
}

/* A list of choices with numbers among them, as codes. */
static void numbers_to_codes(const struct form_field *f, const char *line, char out[ASK_LINE_SIZE])
{
    size_t used = 0;

    while (*line != '\0') {
        size_t len = strcspn(line, " ,;");
        uint32_t n;
        const char *piece = line;
        size_t piece_len = len;

        if (choice_number(f, line, len, &n)) {
            piece = f->choices->items[n].code;
            piece_len = strlen(piece);
        }
        if (used + piece_len + 2 > ASK_LINE_SIZE)
            break;
        memcpy(out + used, piece, piece_len);
        used += piece_len;
        line += len;
        if (*line != '\0')
            out[used++] = *line++;
    }
    out[used] = '\0';
}

enum err interview_parse(struct interview *i, const struct place *p, const char *line, struct value *out)
{
    char codes[ASK_LINE_SIZE];

    if (strcmp(line, CLEAR_WORD) == 0) {
        *out = (struct value){.state = VALUE_MISSING};
        return OK;
    }
    if (p->field->choices != NULL && !has_numeric_code(p->field->choices)) {
        numbers_to_codes(p->field, line, codes);
        line = codes;
    }
    return value_parse(out, p->field, line, strlen(line), &i->keep);
}
