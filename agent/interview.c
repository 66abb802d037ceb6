#include "agent/interview.h"

#include "common/ask.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX   (4u << 20)
#define PROMPT_MAX 512u
#define CLEAR_WORD "?-"
#define BACK_WORD  "<"

struct interview {
    struct capture *c;
    const struct form *form;
    struct value *values;  /* as typed */
    struct value *scratch; /* completed: what applies now */
    struct value **rows;   /* of each repeat, FORM_MAX_ROWS rows grown as needed; owned */
    char **remarks;        /* of each field; owned */
    uint32_t *asked;       /* fields asked so far, for going back */
    uint32_t asked_count;
    const char *group; /* heading shown last */
    struct expr_arena *arena;
    struct buf keep; /* texts */
};

/* Where an answer goes: a field, or a cell of a repeat's row. */
struct place {
    const struct form_field *field;
    uint32_t top;  /* top-level field */
    uint32_t row;  /* of a repeat */
    uint32_t cell; /* column */
    bool in_row;
};

enum answer { ANSWER_GIVEN, ANSWER_BACK };

enum err interview_new(struct interview **out, struct capture *c, const struct value *values)
{
    struct interview *i = calloc(1, sizeof(*i));
    size_t count = capture_form(c)->field_count;
    enum err e;

    if (i == NULL)
        return ERR_NOMEM;
    i->c = c;
    i->form = capture_form(c);
    buf_init_secret(&i->keep, KEEP_MAX);
    i->values = calloc(count + 1, sizeof(*i->values));
    i->scratch = calloc(count + 1, sizeof(*i->scratch));
    i->rows = calloc(count + 1, sizeof(struct value *));
    i->remarks = calloc(count + 1, sizeof(char *));
    i->asked = calloc(count + 1, sizeof(*i->asked));
    e = i->values == NULL || i->scratch == NULL || i->rows == NULL || i->remarks == NULL || i->asked == NULL
            ? ERR_NOMEM
            : expr_arena_new(&i->arena, 0);
    if (e != OK) {
        interview_free(i);
        return e;
    }
    memcpy(i->values, values, count * sizeof(*values));
    *out = i;
    return OK;
}

static void drop_remark(struct interview *i, uint32_t field)
{
    if (i->remarks[field] != NULL)
        wipe(i->remarks[field], strlen(i->remarks[field]));
    free(i->remarks[field]);
    i->remarks[field] = NULL;
}

void interview_free(struct interview *i)
{
    if (i == NULL)
        return;
    for (uint32_t k = 0; k < i->form->field_count; k++) {
        if (i->rows != NULL)
            free(i->rows[k]);
        if (i->remarks != NULL)
            drop_remark(i, k);
    }
    expr_arena_free(i->arena);
    free(i->rows);
    free(i->remarks);
    free(i->asked);
    free(i->values);
    free(i->scratch);
    buf_wipe(&i->keep);
    free(i);
}

struct value *interview_values(struct interview *i)
{
    return i->values;
}

uint32_t interview_remarks(const struct interview *i, struct record_remark *out)
{
    uint32_t count = 0;

    for (uint32_t k = 0; k < i->form->field_count; k++)
        if (i->remarks[k] != NULL && i->scratch[k].state == VALUE_PRESENT)
            out[count++] = (struct record_remark){k, bytes_of(i->remarks[k], strlen(i->remarks[k]))};
    return count;
}

/* ---- what applies, and what is wrong ---- */

static enum err complete(struct interview *i)
{
    memcpy(i->scratch, i->values, i->form->field_count * sizeof(*i->values));
    return capture_complete(i->c, i->scratch);
}

static const struct value *completed(const struct interview *i, const struct place *p)
{
    const struct value *v = &i->scratch[p->top];

    if (!p->in_row)
        return v;
    return &v->as.rows.cells[(size_t)p->row * v->as.rows.columns + p->cell];
}

static struct value *typed(struct interview *i, const struct place *p)
{
    if (!p->in_row)
        return &i->values[p->top];
    return &i->rows[p->top][(size_t)p->row * i->form->fields[p->top].column_count + p->cell];
}

/* As the findings name it. */
static void place_path(const struct interview *i, const struct place *p, char out[2 * FORM_NAME_MAX + 32])
{
    if (p->in_row)
        (void)snprintf(out, 2 * FORM_NAME_MAX + 32, "%s[%u].%s", i->form->fields[p->top].name, p->row + 1,
                       p->field->name);
    else
        (void)snprintf(out, 2 * FORM_NAME_MAX + 32, "%s", p->field->name);
}

/* Shows what the rules say about this one answer; the rest of the form is not filled in yet. */
static enum err judge(struct interview *i, const struct place *p, bool *bad, bool *warned)
{
    char path[2 * FORM_NAME_MAX + 32];
    struct report *r = NULL;
    enum err e = report_new(&r, 0);

    *bad = *warned = false;
    if (e != OK)
        return e;
    memcpy(i->scratch, i->values, i->form->field_count * sizeof(*i->values));
    e = capture_judge(i->c, i->scratch, true, NULL, r);
    place_path(i, p, path);
    for (size_t k = 0; k < report_kept(r); k++) {
        const struct finding *f = report_at(r, k);

        if (f->field == NULL || strcmp(f->field, path) != 0)
            continue;
        (void)fprintf(stderr, "  %s\n", f->text);
        *bad = *bad || !f->is_warning;
        *warned = *warned || f->is_warning;
    }
    report_free(r);
    return e == ERR_INVALID ? OK : e;
}

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

static void show_notes(struct interview *i, uint32_t before)
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

static void show_question(struct interview *i, const struct place *p)
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
}

/* What the line expects, with the present answer in brackets. */
static void make_prompt(struct interview *i, const struct place *p, char out[PROMPT_MAX])
{
    const struct value *v = typed(i, p);
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

static enum err parse_line(struct interview *i, const struct place *p, const char *line, struct value *out)
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

static enum err ask_remark(struct interview *i, const struct place *p)
{
    char line[RECORD_REMARK_MAX + 1];
    enum err e = ask_line(_("If it is right, say why (Enter: no remark):"), line, sizeof(line));

    if (e != OK)
        return e;
    drop_remark(i, p->top);
    if (line[0] != '\0' && (i->remarks[p->top] = strdup(line)) == NULL)
        return ERR_NOMEM;
    return OK;
}

/* Asks until there is an answer that the rules let stand. */
static enum err ask_place(struct interview *i, const struct place *p, enum answer *answer)
{
    char prompt[PROMPT_MAX];
    char line[ASK_LINE_SIZE];
    bool bad;
    bool warned;
    enum err e;

    show_question(i, p);
    for (;;) {
        struct value before = *typed(i, p);
        struct value v = before;

        make_prompt(i, p, prompt);
        if ((e = ask_line(prompt, line, sizeof(line))) != OK)
            return e;
        if (strcmp(line, BACK_WORD) == 0) {
            *answer = ANSWER_BACK;
            return OK;
        }
        if (line[0] != '\0' && (e = parse_line(i, p, line, &v)) != OK) {
            if (e == ERR_NOMEM)
                return e;
            (void)fprintf(stderr, "  %s\n", err_text());
            continue;
        }
        *typed(i, p) = v;
        if ((e = judge(i, p, &bad, &warned)) != OK)
            return e;
        if (!bad)
            break;
        *typed(i, p) = before;
    }
    *answer = ANSWER_GIVEN;
    return warned ? ask_remark(i, p) : OK;
}

/* ---- repeats ---- */

/* Room for one more row, empty. */
static enum err add_row(struct interview *i, uint32_t top)
{
    struct value_rows *rows = &i->values[top].as.rows;
    uint32_t columns = i->form->fields[top].column_count;
    uint32_t count = i->values[top].state == VALUE_PRESENT ? rows->rows : 0;
    struct value *grown = reallocarray(i->rows[top], (size_t)(count + 1) * columns, sizeof(*grown));

    if (grown == NULL)
        return ERR_NOMEM;
    if (i->rows[top] == NULL && count > 0) /* rows that were there before the interview */
        memcpy(grown, rows->cells, (size_t)count * columns * sizeof(*grown));
    for (uint32_t k = 0; k < columns; k++)
        grown[(size_t)count * columns + k] = (struct value){.state = VALUE_MISSING};
    i->rows[top] = grown;
    i->values[top] = (struct value){.state = VALUE_PRESENT, .as.rows = {grown, count + 1, columns}};
    return OK;
}

static void drop_last_row(struct interview *i, uint32_t top)
{
    struct value_rows *rows = &i->values[top].as.rows;

    if (--rows->rows == 0)
        i->values[top] = (struct value){.state = VALUE_MISSING};
}

/* The columns of the row added last; ANSWER_BACK: the row is given up. */
static enum err ask_row(struct interview *i, uint32_t top, enum answer *answer)
{
    const struct form_field *f = &i->form->fields[top];
    struct place p = {.top = top, .row = i->values[top].as.rows.rows - 1, .in_row = true};
    enum err e;

    (void)fprintf(stderr, _("\n%s, row %u\n"), cli_pick(f->label_ru, f->label_en), p.row + 1);
    *answer = ANSWER_GIVEN;
    for (p.cell = 0; p.cell < f->column_count; p.cell++) {
        p.field = &f->columns[p.cell];
        if ((e = complete(i)) != OK)
            return e;
        if (p.field->is_calculated || p.field->is_read_only || completed(i, &p)->state == VALUE_NOT_ASKED)
            continue;
        if ((e = ask_place(i, &p, answer)) != OK || *answer == ANSWER_BACK)
            return e;
    }
    return OK;
}

static enum err ask_rows(struct interview *i, uint32_t top, enum answer *answer)
{
    const struct form_field *f = &i->form->fields[top];
    struct place p = {.field = f, .top = top};
    char question[PROMPT_MAX];
    enum err e;

    show_question(i, &p);
    for (;;) {
        uint32_t count = i->values[top].state == VALUE_PRESENT ? i->values[top].as.rows.rows : 0;
        bool more = false;
        bool bad;
        bool warned;

        (void)snprintf(question, sizeof(question),
                       ngettext("%u row so far. Another one?", "%u rows so far. Another one?", count), count);
        if ((e = ask_yes_no(question, &more)) != OK)
            return e;
        if (more && count < FORM_MAX_ROWS) {
            if ((e = add_row(i, top)) != OK || (e = ask_row(i, top, answer)) != OK)
                return e;
            if (*answer == ANSWER_BACK)
                drop_last_row(i, top);
            continue;
        }
        if ((e = judge(i, &p, &bad, &warned)) != OK)
            return e;
        if (!bad)
            break;
    }
    *answer = ANSWER_GIVEN;
    return OK;
}

/* ---- the whole form ---- */

static void offer_default(struct interview *i, uint32_t field)
{
    const struct form_field *f = &i->form->fields[field];

    if (i->values[field].state == VALUE_MISSING && f->default_value != NULL)
        i->values[field] = *f->default_value;
}

/* Asks one field, if it applies; *next is the one to go to. */
static enum err ask_field(struct interview *i, uint32_t field, uint32_t *next, bool *was_asked)
{
    const struct form_field *f = &i->form->fields[field];
    struct place p = {.field = f, .top = field};
    enum answer answer;
    enum err e = complete(i);

    *next = field + 1;
    *was_asked = false;
    if (e != OK)
        return e;
    show_notes(i, field);
    if (i->scratch[field].state == VALUE_NOT_ASKED || f->is_calculated || f->is_read_only)
        return OK;
    offer_default(i, field);
    *was_asked = true;
    e = f->type == VALUE_REPEAT ? ask_rows(i, field, &answer) : ask_place(i, &p, &answer);
    if (e != OK)
        return e;
    if (answer == ANSWER_GIVEN)
        i->asked[i->asked_count++] = field;
    else
        *next = i->asked_count > 0 ? i->asked[--i->asked_count] : field;
    return OK;
}

enum err interview_run(struct interview *i, uint32_t from,
                       enum err (*saved)(void *ctx, const struct value *values, uint32_t next), void *ctx)
{
    uint32_t field = from < i->form->field_count ? from : 0;
    enum err e = OK;

    i->asked_count = 0;
    for (uint32_t k = 0; k < field; k++) /* "<" leads to what was answered before */
        if (i->values[k].state != VALUE_MISSING && !i->form->fields[k].is_calculated)
            i->asked[i->asked_count++] = k;
    while (e == OK && field < i->form->field_count) {
        bool was_asked;
        uint32_t next;

        e = ask_field(i, field, &next, &was_asked);
        if (e == OK && was_asked && saved != NULL)
            e = saved(ctx, i->values, next);
        field = next;
    }
    if (e == OK) {
        show_notes(i, field);
        e = complete(i);
    }
    return e;
}
