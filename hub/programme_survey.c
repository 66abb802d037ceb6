/* programme_survey.c: survey: sums over the items of a questionnaire, written as expressions over its answers.
 *
 * An answer counts as given when it lies on the scale; a reversed item is turned (from + to - x) before anything is
 * asked about it.  With the answers of one sheet:
 *   share            positive answers          / given answers
 *   share, together  1 when all are positive   / 1 when all are given
 *   mean, index      sum of given answers      / given answers
 * Only sheets with at least one given answer are looked at, so that the n of the sums counts exactly those. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCALE_MIN (-100)
#define SCALE_MAX 100

enum survey_as { AS_SHARE, AS_MEAN, AS_INDEX };
static const char *const as_names[] = {"share", "mean", "index", NULL};

/* Of a questionnaire whose answers go from no to yes; 0, hard to say, lies outside. */
#define SCALE_USUAL_FROM 1
#define SCALE_USUAL_TO   4

struct scale_keys {
    int64_t from, to;
};
static const struct yaml_key scale_table[] = {
    {"from", YAML_WANT_INTEGER, true, offsetof(struct scale_keys, from), SCALE_MIN, SCALE_MAX, NULL},
    {"to", YAML_WANT_INTEGER, true, offsetof(struct scale_keys, to), SCALE_MIN, SCALE_MAX, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

struct survey {
    struct loader *l;
    struct draft *d;
    enum survey_as as;
    struct scale_keys scale;
    const struct yaml_node *items[LIST_MAX];
    bool is_reversed[LIST_MAX];
    uint32_t item_count;
    bool is_positive[SCALE_MAX - SCALE_MIN + 1]; /* by value - SCALE_MIN */
};

/* ---- reading ---- */

static bool is_item(const struct form *f, const struct yaml_node *n)
{
    int32_t at = form_find_field(f, n->text, n->len);

    return at >= 0 && (f->fields[at].type == VALUE_SELECT_ONE || f->fields[at].type == VALUE_INTEGER);
}

static bool read_items(struct survey *s, const struct form *f)
{
    const struct kind_keys *k = &s->d->keys.k;
    const struct yaml_node *reversed[LIST_MAX];
    uint32_t count = 0;
    bool good = true;

    s->item_count = loader_words(s->l, &s->l->programme, k->items, "items", s->items, LIST_MAX);
    for (uint32_t i = 0; i < s->item_count; i++)
        if (!is_item(f, s->items[i])) {
            loader_complain(s->l, &s->l->programme, s->items[i], "items",
                            _("a field of form %s is expected: select_one or integer"), f->id);
            good = false;
        }
    if (k->reversed != NULL)
        count = loader_words(s->l, &s->l->programme, k->reversed, "reversed", reversed, LIST_MAX);
    for (uint32_t r = 0; r < count; r++) {
        uint32_t i = 0;

        while (i < s->item_count && strcmp(s->items[i]->text, reversed[r]->text) != 0)
            i++;
        if (i < s->item_count) {
            s->is_reversed[i] = true;
            continue;
        }
        loader_complain(s->l, &s->l->programme, reversed[r], "reversed", "%s", _("one of the items is expected"));
        good = false;
    }
    return good && s->item_count > 0;
}

static bool read_scale(struct survey *s)
{
    const struct yaml_node *n = s->d->keys.k.scale;

    s->scale = (struct scale_keys){SCALE_USUAL_FROM, SCALE_USUAL_TO};
    if (n == NULL)
        return true;
    if (!yaml_read(s->l->programme.doc, n, scale_table, &s->scale, s->l->r))
        return false;
    if (s->scale.from < s->scale.to)
        return true;
    loader_complain(s->l, &s->l->programme, n, "scale", "%s", _("expected from below to"));
    return false;
}

static bool read_positive(struct survey *s)
{
    const struct yaml_node *n = s->d->keys.k.positive;
    const struct yaml_node *words[SCALE_MAX - SCALE_MIN + 1];
    uint32_t count = n == NULL ? 0 : loader_words(s->l, &s->l->programme, n, "positive", words, SCALE_MAX - SCALE_MIN);

    if (s->as != AS_SHARE || n == NULL) {
        if ((n != NULL) == (s->as == AS_SHARE))
            return true;
        loader_complain(s->l, &s->l->programme, n != NULL ? n : s->d->at, "positive",
                        n != NULL ? _("positive values are of as: share alone") : _("as: share needs this key"));
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t value;

        if (decimal_parse(&value, words[i]->text, words[i]->len, 0) != OK || value < s->scale.from ||
            value > s->scale.to) {
            loader_complain(s->l, &s->l->programme, words[i], "positive", "%s", _("a value of the scale is expected"));
            return false;
        }
        s->is_positive[value - SCALE_MIN] = true;
    }
    return count > 0;
}

/* ---- expressions ---- */

static void put_given(const struct survey *s, struct buf *out, uint32_t item)
{
    buf_printf(out, "${%s} >= %lld and ${%s} <= %lld", s->items[item]->text, (long long)s->scale.from,
               s->items[item]->text, (long long)s->scale.to);
}

/* Runs of positive values, turned for a reversed item. */
static void put_positive(const struct survey *s, struct buf *out, uint32_t item)
{
    const char *name = s->items[item]->text;
    const char * or = "";

    for (int64_t low = s->scale.from; low <= s->scale.to; low++) {
        int64_t high = low;
        int64_t a;
        int64_t b;

        if (!s->is_positive[low - SCALE_MIN])
            continue;
        while (high < s->scale.to && s->is_positive[high + 1 - SCALE_MIN])
            high++;
        a = s->is_reversed[item] ? s->scale.from + s->scale.to - high : low;
        b = s->is_reversed[item] ? s->scale.from + s->scale.to - low : high;
        buf_printf(out, "%s${%s} >= %lld and ${%s} <= %lld", or, name, (long long)a, name, (long long)b);
        or = " or ";
        low = high;
    }
}

static void put_number(const struct survey *s, struct buf *out, uint32_t item)
{
    if (s->is_reversed[item])
        buf_printf(out, "%lld - ${%s}", (long long)s->scale.from + (long long)s->scale.to, s->items[item]->text);
    else
        buf_printf(out, "${%s}", s->items[item]->text);
}

typedef void (*put_item)(const struct survey *s, struct buf *out, uint32_t item);

/* if(condition of an item, what it gives, 0) + ...; `gives` NULL: 1. */
static void put_sum(const struct survey *s, struct buf *out, put_item condition, put_item gives)
{
    for (uint32_t i = 0; i < s->item_count; i++) {
        buf_put_str(out, i > 0 ? " + if(" : "if(");
        condition(s, out, i);
        buf_put_str(out, ", ");
        if (gives != NULL)
            gives(s, out, i);
        else
            buf_put_str(out, "1");
        buf_put_str(out, ", 0)");
    }
}

static void put_joined(const struct survey *s, struct buf *out, put_item condition, const char *word)
{
    for (uint32_t i = 0; i < s->item_count; i++) {
        buf_put_str(out, i > 0 ? word : "(");
        buf_put_str(out, "(");
        condition(s, out, i);
        buf_put_str(out, ")");
    }
    buf_put_str(out, ")");
}

static const char *finish(struct loader *l, struct buf *b)
{
    const char *text = NULL;

    if (b->failed)
        l->e = ERR_NOMEM;
    else
        text = loader_text(l, buf_cstr(b));
    buf_fini(b);
    return text;
}

/* ---- variables ---- */

/* `value` NULL: each sheet counts one.  -1: told. */
static int32_t add_variable(struct survey *s, const char *suffix, const char *given_word, const char *value)
{
    struct variable *v = make_variable(s->l, s->d, suffix);
    struct buf where;

    if (v == NULL)
        return -1;
    buf_init(&where, DRAFT_TEXT_MAX);
    if (v->clauses[0].where != NULL)
        buf_printf(&where, "(%s) and ", v->clauses[0].where);
    put_joined(s, &where, put_given, given_word);
    v->clauses[0].where = finish(s->l, &where);
    v->value = value;
    return loader_add_generated(s->l, v, s->d->keys.k.at);
}

static const char *sum_text(struct survey *s, put_item condition, put_item gives)
{
    struct buf b;

    buf_init(&b, DRAFT_TEXT_MAX);
    put_sum(s, &b, condition, gives);
    return finish(s->l, &b);
}

static void make_together(struct survey *s)
{
    struct indicator *i = s->d->i;
    struct buf b;
    int32_t both, sheets;

    buf_init(&b, DRAFT_TEXT_MAX);
    buf_put_str(&b, "if(");
    put_joined(s, &b, put_positive, " and ");
    buf_put_str(&b, ", 1, 0)");
    both = add_variable(s, "", " and ", finish(s->l, &b));
    sheets = both < 0 ? -1 : add_variable(s, "/sheets", " or ", NULL);
    if (sheets < 0)
        return;
    (void)linear_one(s->l, (uint32_t)both, STAT_VALUE, &i->numerator);
    (void)linear_one(s->l, (uint32_t)both, STAT_N, &i->denominator);
    (void)linear_one(s->l, (uint32_t)sheets, STAT_N, &i->answers);
}

static void make_each(struct survey *s)
{
    struct indicator *i = s->d->i;
    int32_t sum, given;

    sum = add_variable(s, "", " or ",
                       s->as == AS_SHARE ? sum_text(s, put_positive, NULL) : sum_text(s, put_given, put_number));
    given = sum < 0 ? -1 : add_variable(s, "/given", " or ", sum_text(s, put_given, NULL));
    if (given < 0)
        return;
    (void)linear_one(s->l, (uint32_t)sum, STAT_VALUE, &i->numerator);
    (void)linear_one(s->l, (uint32_t)given, STAT_VALUE, &i->denominator);
}

void make_survey(struct loader *l, struct draft *d)
{
    struct survey s = {.l = l, .d = d};
    const struct kind_keys *k = &d->keys.k;
    const struct form *f = loader_need_form(l, &l->programme, yaml_get(k->at, "form"), k->form);
    int as = make_as(l, d, as_names, AS_SHARE);
    struct variable *alone = make_variable(l, d, "");
    bool good = alone != NULL && f != NULL && as >= 0;

    if (good)
        good = loader_check_variable(l, alone, k->at); /* `where` by itself: nothing in it may reach out of it */
    variable_free(alone);
    s.as = as < 0 ? AS_SHARE : (enum survey_as)as;
    good = read_scale(&s) && good;
    good = good && read_items(&s, f);
    good = good && read_positive(&s);
    if (good && k->together && s.as != AS_SHARE) {
        loader_complain(l, &l->programme, yaml_get(k->at, "together"), "together", "%s",
                        _("answers are looked at together by as: share alone"));
        good = false;
    }
    if (!good)
        return;
    d->i->times = s.as == AS_SHARE ? 100 : 1;
    if (s.as == AS_SHARE && d->i->unit_ru[0] == '\0' && d->i->unit_en[0] == '\0')
        d->i->unit_ru = d->i->unit_en = "%";
    if (s.as == AS_INDEX) {
        d->i->minus = (double)s.scale.from;
        d->i->times = 100.0 / (double)(s.scale.to - s.scale.from);
    }
    if (k->together)
        make_together(&s);
    else
        make_each(&s);
}
