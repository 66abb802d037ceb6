/* Which indicators are about the district alone. */
#include "hub/evaluate_internal.h"

#include <string.h>

static bool is_about_district(const struct reads *r)
{
    bool any = false;

    for (size_t v = 0; v < r->p->variable_count; v++) {
        const struct variable *of = r->p->variables[v];

        for (uint32_t c = 0; r->variables[v] && c < of->clause_count; c++) {
            const struct form *f = reads_form(r->p, of->clauses[c].form);

            if (f == NULL || !f->is_about_district)
                return false;
            any = true;
        }
    }
    return any;
}

enum err reads_mark_district(struct evaluation *e, struct programme_view *v)
{
    struct reads r;
    enum err err = reads_init(&r, v->p);

    if (err == OK && (v->is_of_district = arena_alloc(e, v->p->indicator_count + 1)) == NULL)
        err = ERR_NOMEM;
    for (uint32_t i = 0; i < v->p->indicator_count && err == OK; i++) {
        reads_find(&r, i);
        v->is_of_district[i] = is_about_district(&r);
    }
    reads_fini(&r);
    return err;
}
