/* Semantics of ODK Collect: the pattern must match the whole text.  Patterns come from form authors and texts from
 * everywhere, so that both compiling and matching are bounded; no JIT, so that limits mean the same on every PC. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "common/expr_internal.h"

#include "common/cli.h"

#include <pcre2.h>
#include <stdlib.h>

#define MATCH_LIMIT    200000u
#define DEPTH_LIMIT    20000u
#define HEAP_LIMIT_KIB 8192u
#define NESTING_LIMIT  50u

struct expr_regex {
    pcre2_code *code;
};

struct expr_matcher {
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

static void explain(int code, char *why, size_t size)
{
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, size) < 0 && size > 0)
        why[0] = '\0';
}

enum err expr_regex_new(struct expr_regex **out, struct bytes pattern, char *why, size_t why_size, size_t *at)
{
    const uint32_t options =
        PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF;
    const uint8_t nothing = 0;
    struct expr_regex *x;
    pcre2_compile_context *limits;
    int code = 0;

    *at = 0;
    if ((x = calloc(1, sizeof(*x))) == NULL)
        return err_set(ERR_NOMEM, _("no memory for a regular expression"));
    if ((limits = pcre2_compile_context_create(NULL)) == NULL)
        goto free_regex;
    (void)pcre2_set_max_pattern_length(limits, EXPR_MAX_PATTERN); /* these two cannot fail */
    (void)pcre2_set_parens_nest_limit(limits, NESTING_LIMIT);
    x->code = pcre2_compile(pattern.len > 0 ? pattern.p : &nothing, pattern.len, options, &code, at, limits);
    pcre2_compile_context_free(limits);
    if (x->code == NULL) {
        explain(code, why, why_size);
        free(x);
        return ERR_INVALID;
    }
    *out = x;
    return OK;
free_regex:
    free(x);
    return err_set(ERR_NOMEM, _("no memory for a regular expression"));
}

void expr_regex_free(struct expr_regex *x)
{
    if (x == NULL)
        return;
    pcre2_code_free(x->code);
    free(x);
}

enum err expr_matcher_new(struct expr_matcher **out)
{
    struct expr_matcher *m;

    if ((m = calloc(1, sizeof(*m))) == NULL)
        return err_set(ERR_NOMEM, _("no memory for a regular expression"));
    m->limits = pcre2_match_context_create(NULL);
    m->data = pcre2_match_data_create(1, NULL);
    if (m->limits == NULL || m->data == NULL) {
        expr_matcher_free(m);
        return err_set(ERR_NOMEM, _("no memory for a regular expression"));
    }
    (void)pcre2_set_match_limit(m->limits, MATCH_LIMIT); /* these three cannot fail */
    (void)pcre2_set_depth_limit(m->limits, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(m->limits, HEAP_LIMIT_KIB);
    *out = m;
    return OK;
}

void expr_matcher_free(struct expr_matcher *m)
{
    if (m == NULL)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->limits);
    free(m);
}

enum err expr_regex_test(const struct expr_regex *x, struct expr_matcher *m, struct bytes text, bool *out)
{
    const uint8_t nothing = 0;
    char why[128];
    int rc = pcre2_match(x->code, text.len > 0 ? text.p : &nothing, text.len, 0, 0, m->data, m->limits);

    *out = rc >= 0;
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return OK;
    explain(rc, why, sizeof(why));
    return err_set(ERR_INVALID, _("a regular expression took too long on this text (%s): make the pattern simpler"),
                   why);
}
