#include "common/expr_internal.h"

#include "common/cli.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t expr_name_length(const char *s, size_t len)
{
    size_t n = 0;

    if (len == 0 || !is_name_start(s[0]))
        return 0;
    while (n < len && (is_name_start(s[n]) || is_digit(s[n]) || s[n] == '.' || s[n] == '-'))
        n++;
    return n;
}

static struct bytes slice(const struct expr_lexer *l, size_t from, size_t to)
{
    return (struct bytes){(const uint8_t *)l->source + from, to - from};
}

static void bad(struct expr_lexer *l, size_t at, const char *why)
{
    l->token = (struct expr_token){.kind = TOKEN_BAD, .at = at, .why = why};
}

static char peek(const struct expr_lexer *l, size_t ahead)
{
    return l->next + ahead < l->len ? l->source[l->next + ahead] : '\0';
}

static void take(struct expr_lexer *l, enum expr_token_kind kind, size_t len)
{
    l->token = (struct expr_token){.kind = kind, .at = l->next, .text = slice(l, l->next, l->next + len)};
    l->next += len;
}

static void lex_number(struct expr_lexer *l)
{
    size_t end = l->next;

    while (end < l->len && is_digit(l->source[end]))
        end++;
    if (end < l->len && l->source[end] == '.')
        end++;
    while (end < l->len && is_digit(l->source[end]))
        end++;
    take(l, TOKEN_NUMBER, end - l->next);
    l->token.number = expr_text_decimal(l->token.text.p, l->token.text.len);
}

static void lex_string(struct expr_lexer *l)
{
    const char *start = l->source + l->next + 1;
    const char *end = memchr(start, l->source[l->next], l->len - l->next - 1);
    size_t at = l->next;

    if (end == NULL) {
        bad(l, at, _("this quote is never closed"));
        return;
    }
    l->next = (size_t)(end - l->source) + 1;
    l->token = (struct expr_token){.kind = TOKEN_STRING, .at = at, .text = slice(l, at + 1, l->next - 1)};
}

static void lex_field(struct expr_lexer *l)
{
    size_t at = l->next;
    size_t from = at + 2;
    size_t to;

    while (from < l->len && is_blank(l->source[from]))
        from++;
    to = from + expr_name_length(l->source + from, l->len - from);
    l->next = to;
    while (l->next < l->len && is_blank(l->source[l->next]))
        l->next++;
    if (to == from || l->next == l->len || l->source[l->next] != '}') {
        bad(l, at, _("a field is written as ${name}, its name of Latin letters, digits, \"_\", \".\" and \"-\""));
        return;
    }
    l->next++;
    l->token = (struct expr_token){.kind = TOKEN_FIELD, .at = at, .text = slice(l, from, to)};
}

/* A function's name may have a prefix: jr:choice-name. */
static void lex_name(struct expr_lexer *l)
{
    size_t end = l->next + expr_name_length(l->source + l->next, l->len - l->next);

    if (end + 1 < l->len && l->source[end] == ':')
        end += expr_name_length(l->source + end + 1, l->len - end - 1) + 1;
    take(l, TOKEN_NAME, end - l->next);
}

/* What people write who know other languages, or whose word processor was helpful. */
static const char *hint(const char *s, size_t len)
{
    static const struct {
        const char *found;
        const char *why;
    } table[] = {
        {"&", N_("\"&\" is not an operator: write \"and\"")},
        {"|", N_("\"|\" is not an operator here: write \"or\"")},
        {"!", N_("\"!\" is not an operator: write not(...) or \"!=\"")},
        {"%", N_("\"%\" is not an operator: write \"mod\" for a remainder, or divide by 100")},
        {"/", N_("\"/\" is not an operator: write \"div\" to divide, and ${name} instead of a path")},
        {"^", N_("\"^\" is not an operator: write pow(x, n)")},
        {"$", N_("a field is written as ${name}, its name of Latin letters, digits, \"_\", \".\" and \"-\"")},
        {"[", N_("\"[...]\" is not supported: use indexed-repeat(), or a column with a condition")},
        {"≤", N_("\"≤\" is not an operator: write \"<=\"")},
        {"≥", N_("\"≥\" is not an operator: write \">=\"")},
        {"≠", N_("\"≠\" is not an operator: write \"!=\"")},
        {"×", N_("\"×\" is not an operator: write \"*\"")},
        {"÷", N_("\"÷\" is not an operator: write \"div\"")},
        {"−", N_("this dash is not a minus sign: write \"-\"")},
        {"–", N_("this dash is not a minus sign: write \"-\"")},
        {"—", N_("this dash is not a minus sign: write \"-\"")},
        {"«", N_("texts stand in straight quotes: 'text' or \"text\"")},
        {"»", N_("texts stand in straight quotes: 'text' or \"text\"")},
        {"“", N_("texts stand in straight quotes: 'text' or \"text\"")},
        {"”", N_("texts stand in straight quotes: 'text' or \"text\"")},
        {"‘", N_("texts stand in straight quotes: 'text' or \"text\"")},
        {"’", N_("texts stand in straight quotes: 'text' or \"text\"")},
        {"„", N_("texts stand in straight quotes: 'text' or \"text\"")},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strlen(table[i].found) <= len && memcmp(table[i].found, s, strlen(table[i].found)) == 0)
            return _(table[i].why);
    return _("this character means nothing in an expression");
}

static void lex_comparison(struct expr_lexer *l)
{
    char c = peek(l, 0);
    char second = peek(l, 1);

    if (c == '=' && second == '=')
        bad(l, l->next, _("\"==\" is not an operator: write \"=\""));
    else if (c == '<' && second == '>')
        bad(l, l->next, _("\"<>\" is not an operator: write \"!=\""));
    else if (c == '=')
        take(l, TOKEN_EQUAL, 1);
    else if (c == '!' && second == '=')
        take(l, TOKEN_UNEQUAL, 2);
    else if (c == '<')
        take(l, second == '=' ? TOKEN_LESS_EQUAL : TOKEN_LESS, second == '=' ? 2 : 1);
    else if (c == '>')
        take(l, second == '=' ? TOKEN_GREATER_EQUAL : TOKEN_GREATER, second == '=' ? 2 : 1);
    else
        bad(l, l->next, hint(l->source + l->next, l->len - l->next));
}

void expr_lex(struct expr_lexer *l)
{
    char c;

    if (l->token.kind == TOKEN_BAD)
        return;
    while (l->next < l->len && is_blank(l->source[l->next]))
        l->next++;
    c = peek(l, 0);
    if (l->next == l->len)
        take(l, TOKEN_END, 0);
    else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1))))
        lex_number(l);
    else if (is_name_start(c))
        lex_name(l);
    else if (c == '\'' || c == '"')
        lex_string(l);
    else if (c == '$' && peek(l, 1) == '{')
        lex_field(l);
    else if (c == '.')
        take(l, peek(l, 1) == '.' ? TOKEN_PARENT : TOKEN_SELF, peek(l, 1) == '.' ? 2 : 1);
    else if (c == '(')
        take(l, TOKEN_OPEN, 1);
    else if (c == ')')
        take(l, TOKEN_CLOSE, 1);
    else if (c == ',')
        take(l, TOKEN_COMMA, 1);
    else if (c == '+')
        take(l, TOKEN_PLUS, 1);
    else if (c == '-')
        take(l, TOKEN_MINUS, 1);
    else if (c == '*')
        take(l, TOKEN_STAR, 1);
    else
        lex_comparison(l);
}
