/* programme_define.c: definitions as people read them in `explain`, and the digests over them.
 *
 * A variable's text names its cells for ever: its form may never change without all cells being built anew. */
#include "hub/programme_internal.h"

#include "protocol/keys.h"
#include "protocol/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFINITION_MAX ((size_t)1 << 20)

static char *finish(struct loader *l, struct buf *b)
{
    char *text = b->failed ? NULL : strdup(buf_cstr(b));

    if (text == NULL)
        l->e = b->over_max ? ERR_LIMIT : ERR_NOMEM;
    buf_fini(b);
    return text;
}

/* ---- variables ---- */

static void put_quoted(struct buf *b, const char *key, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(b, " %s=\"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_put_u8(b, '"');
        buf_put_u8(b, (uint8_t)*text);
    }
    buf_put_u8(b, '"');
}

static void put_time(struct buf *b, enum variable_time time, unsigned years)
{
    static const char *const names[] = {"",       "same", "state",      "ended",  "last",
                                        "within", "flow", "cumulative", "rolling"};

    if (time == TIME_ROLLING)
        buf_printf(b, " time=\"rolling %u\"", years);
    else if (time != TIME_DEFAULT)
        put_quoted(b, "time", names[time]);
}

static void put_clause(struct buf *b, const struct variable_clause *c)
{
    put_quoted(b, "form", c->form);
    put_quoted(b, "rows", c->rows);
    put_quoted(b, "where", c->where);
    put_quoted(b, "key", c->key);
    put_time(b, c->time, c->years);
    if (c->municipality_only)
        buf_put_str(b, " level=\"municipality\"");
}

void load_variable_definition(struct loader *l, struct variable *v)
{
    static const char *const kinds[] = {"sum", "values", "keys", "pairs", "relations"};
    uint8_t whole[DIGEST_BYTES];
    struct buf b;

    buf_init(&b, DRAFT_TEXT_MAX);
    buf_put_str(&b, kinds[v->kind]);
    for (uint32_t c = 0; c < v->clause_count; c++) {
        if (v->clause_count > 1)
            buf_printf(&b, " %s %u:", c > 0 && v->clauses[c].group == v->clauses[c - 1].group ? "or" : "group",
                       v->clauses[c].group + 1);
        put_clause(&b, &v->clauses[c]);
    }
    put_quoted(&b, "value", v->value);
    if (v->places > 0)
        buf_printf(&b, " places=\"%u\"", v->places);
    put_quoted(&b, "within", v->within);
    put_quoted(&b, "order", v->order);
    put_quoted(&b, "partner", v->partner);
    for (uint32_t i = 0; i < v->by_count; i++)
        put_quoted(&b, "by", v->by[i]);
    if (v->both_ends)
        buf_put_str(&b, " both_ends=\"true\"");
    if (v->absent_is_zero)
        buf_put_str(&b, " absent=\"0\"");
    if ((v->definition = finish(l, &b)) == NULL)
        return;
    digest_domain(whole, "svodka variable v1", bytes_of(v->definition, strlen(v->definition)));
    memcpy(v->digest, whole, sizeof(v->digest));
}

/* ---- indicators ---- */

struct word {
    const char *key, *ru, *en;
};

/* In this order; keys of kinds first. */
static const struct word kind_words[] = {{"form", "форма", "form"},
                                         {"rows", "строки", "rows"},
                                         {"where", "среди", "where"},
                                         {"condition", "условие", "condition"},
                                         {"value", "значение", "value"},
                                         {"numerator", "числитель", "numerator"},
                                         {"denominator", "знаменатель", "denominator"},
                                         {"times", "множитель", "times"},
                                         {"items", "вопросы", "items"},
                                         {"scale", "шкала", "scale"},
                                         {"positive", "положительные ответы", "positive"},
                                         {"reversed", "обратные вопросы", "reversed"},
                                         {"together", "все вопросы вместе", "together"},
                                         {"of", "по показателю", "of"},
                                         {"against", "против", "against"},
                                         {"as", "как", "as"},
                                         {"among", "среди организаций", "among"},
                                         {"components", "составляющие", "components"},
                                         {"missing", "без составляющей", "missing"},
                                         {"classes", "классы", "classes"},
                                         {"group", "группа", "group"},
                                         {"last", "последних периодов", "last"},
                                         {"at_least", "не менее", "at_least"},
                                         {"at_most", "не более", "at_most"},
                                         {"observed", "наблюдалось не менее", "observed"},
                                         {"done", "выполнено", "done"},
                                         {"excluded", "исключено", "excluded"},
                                         {"plan", "план", "plan"},
                                         {"breakdown", "в разрезе", "breakdown"},
                                         {"places", "знаков", "places"},
                                         {NULL, NULL, NULL}};
static const struct word common_words[] = {{"period", "период", "period"},    {"level", "уровень", "level"},
                                           {"rollup", "свод", "rollup"},      {"weight", "вес", "weight"},
                                           {"units", "организации", "units"}, {"align", "совмещение", "align"},
                                           {"minimum", "минимум", "minimum"}, {NULL, NULL, NULL}};

/* As it would be written on one line. */
static void put_node(struct buf *b, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR) {
        for (size_t i = 0; i < n->len; i++)
            buf_put_u8(b, strchr("\n\r\t", n->text[i]) != NULL ? ' ' : (uint8_t)n->text[i]);
        return;
    }
    buf_put_u8(b, n->kind == YAML_SEQUENCE ? '[' : '{');
    for (uint32_t i = 0; i < n->count; i++) {
        if (i > 0)
            buf_put_str(b, ", ");
        if (n->kind == YAML_MAPPING)
            buf_printf(b, "%s: ", n->pairs[i].key->text);
        put_node(b, n->kind == YAML_MAPPING ? n->pairs[i].value : n->items[i]);
    }
    buf_put_u8(b, n->kind == YAML_SEQUENCE ? ']' : '}');
}

static void put_words(struct buf *b, const struct word *words, const struct yaml_node *own,
                      const struct yaml_node *first, bool russian)
{
    for (size_t i = 0; words[i].key != NULL; i++) {
        const struct yaml_node *n = yaml_get(own, words[i].key);

        if (n == NULL && first != NULL)
            n = yaml_get(first, words[i].key);
        if (n == NULL)
            continue;
        buf_printf(b, "; %s: ", russian ? words[i].ru : words[i].en);
        put_node(b, n);
    }
}

static char *definition(struct loader *l, const struct draft *d, bool russian)
{
    const struct yaml_node *inherited = NULL;
    char from[11], to[11];
    struct buf b;

    for (size_t n = 0; n < d->index && inherited == NULL; n++)
        if (strcmp(l->drafts[n].i->id, d->i->id) == 0)
            inherited = l->drafts[n].at;
    buf_init(&b, DEFINITION_MAX);
    buf_printf(&b, "%s %s", russian ? "вид" : "kind", indicator_kind_names[d->i->kind]);
    put_words(&b, kind_words, d->keys.k.at, NULL, russian);
    put_words(&b, common_words, d->at, inherited, russian);
    if (d->i->valid_from > DATE_MIN || d->i->valid_to < DATE_MAX) {
        date_format(from, d->i->valid_from);
        date_format(to, d->i->valid_to);
        buf_printf(&b, "; %s: %s – %s", russian ? "действует" : "valid", d->i->valid_from > DATE_MIN ? from : "...",
                   d->i->valid_to < DATE_MAX ? to : "...");
    }
    return finish(l, &b);
}

/* Numbers of parameters and definitions of variables are part of what an indicator means. */
static void put_formula(struct buf *b, const struct loader *l, const struct formula *f)
{
    mp_put_cstr(b, f->source == NULL ? "" : f->source);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reference *r = &f->references[i];
        uint64_t bits;

        memcpy(&bits, &r->number, sizeof(bits));
        if (r->what == REFERENCE_PARAMETER)
            mp_put_uint(b, bits);
        else if (r->what == REFERENCE_VARIABLE && r->index < l->prog->variable_count)
            mp_put_bin(b, l->prog->variables[r->index]->digest, VARIABLE_DIGEST_BYTES);
    }
}

static void put_linear(struct buf *b, const struct loader *l, const struct linear *f)
{
    mp_put_uint(b, f->count);
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->terms[i].variable >= l->prog->variable_count) /* it has mistakes, and nothing comes of it */
            continue;
        mp_put_bin(b, l->prog->variables[f->terms[i].variable]->digest, VARIABLE_DIGEST_BYTES);
        mp_put_uint(b, (uint64_t)f->terms[i].stat);
        mp_put_int(b, f->terms[i].coefficient);
    }
}

static void set_digest(struct loader *l, struct indicator *i)
{
    uint8_t whole[DIGEST_BYTES];
    struct buf b;

    buf_init(&b, 4 * DEFINITION_MAX);
    mp_put_cstr(&b, l->prog->id);
    mp_put_cstr(&b, i->id);
    mp_put_cstr(&b, i->part);
    mp_put_cstr(&b, i->definition_en);
    put_linear(&b, l, &i->numerator);
    put_linear(&b, l, &i->denominator);
    put_linear(&b, l, &i->answers);
    put_formula(&b, l, &i->weight);
    put_formula(&b, l, &i->units);
    put_formula(&b, l, &i->condition);
    put_formula(&b, l, &i->among);
    put_formula(&b, l, &i->group);
    put_formula(&b, l, &i->value);
    for (uint32_t n = 0; n < i->component_count; n++) {
        uint64_t bits;

        memcpy(&bits, &i->components[n].weight, sizeof(bits));
        mp_put_uint(&b, bits);
    }
    for (uint32_t n = 0; n < i->class_count; n++)
        put_formula(&b, l, &i->classes[n].condition);
    if (b.failed)
        l->e = b.over_max ? ERR_LIMIT : ERR_NOMEM;
    digest_domain(whole, "svodka indicator v2", bytes_of(b.data, b.len));
    memcpy(i->digest, whole, sizeof(i->digest));
    buf_fini(&b);
}

void load_definition(struct loader *l, struct draft *d)
{
    d->i->definition_ru = definition(l, d, true);
    d->i->definition_en = definition(l, d, false);
    if (d->i->definition_ru != NULL && d->i->definition_en != NULL)
        set_digest(l, d->i);
}
