#include "agent/interview_internal.h"

#include "common/ask.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define BACK_WORD "<"
#define LAST_WORD "="

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
    buf_init_secret(&i->keep, INTERVIEW_KEEP);
    buf_init_secret(&i->last_keep, INTERVIEW_KEEP);
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
    buf_wipe(&i->last_keep);
    earlier_free(i->last);
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

struct value *interview_typed(struct interview *i, const struct place *p)
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

/* ---- taking an answer ---- */

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

/* "=": what it was last time; nothing of that is ever taken without it. */
static bool is_taken(struct interview *i, const struct place *p, const char *line, struct value *v)
{
    return strcmp(line, LAST_WORD) == 0 && interview_last(i, p, &i->keep, v);
}

/* Asks until there is an answer that the rules let stand. */
static enum err ask_place(struct interview *i, const struct place *p, enum answer *answer)
{
    char prompt[PROMPT_MAX];
    char line[ASK_LINE_SIZE];
    bool bad;
    bool warned;
    enum err e;

    interview_question(i, p);
    for (;;) {
        struct value before = *interview_typed(i, p);
        struct value v = before;

        interview_prompt(i, p, prompt);
        if ((e = ask_line(prompt, line, sizeof(line))) != OK)
            return e;
        if (strcmp(line, BACK_WORD) == 0) {
            *answer = ANSWER_BACK;
            return OK;
        }
        if (is_taken(i, p, line, &v)) {
            e = OK;
        } else if (line[0] != '\0' && (e = interview_parse(i, p, line, &v)) != OK) {
            if (e == ERR_NOMEM)
                return e;
            (void)fprintf(stderr, "  %s\n", err_text());
            continue;
        }
        *interview_typed(i, p) = v;
        if ((e = judge(i, p, &bad, &warned)) != OK)
            return e;
        if (!bad)
            break;
        *interview_typed(i, p) = before;
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

    interview_question(i, &p);
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
    interview_notes(i, field);
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
        interview_notes(i, field);
        e = complete(i);
    }
    return e;
}
