/* protect_lp.c: linear programs, solved by Clp. */
#include "common/cli.h"
#include "hub/protect_internal.h"

#include <Clp_C_Interface.h>
#include <math.h>
#include <stdlib.h>

struct lp {
    Clp_Simplex *model;
    bool is_fresh;
};

enum clp_status { CLP_OPTIMAL = 0, CLP_INFEASIBLE = 1 };

double lp_slack(int64_t slack)
{
    return slack == OPEN ? HUGE_VAL : slack == -OPEN ? -HUGE_VAL : (double)slack;
}

double lp_within(int64_t dev, int64_t box)
{
    return (double)(dev > box ? box : dev < -box ? -box : dev);
}

enum err lp_new(struct lp **out, const struct lp_shape *s)
{
    struct lp *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return ERR_NOMEM;
    l->model = Clp_newModel();
    if (l->model == NULL) {
        free(l);
        return ERR_NOMEM;
    }
    Clp_setLogLevel(l->model, 0); /* it would write to standard output */
    Clp_loadProblem(l->model, (int)s->cols, (int)s->rows, s->start, s->index, s->coef, s->col_lo, s->col_hi, NULL,
                    s->row_lo, s->row_hi);
    Clp_scaling(l->model, 0); /* nearly all coefficients are 1 */
    Clp_setOptimizationDirection(l->model, -1.0);
    l->is_fresh = true;
    *out = l;
    return OK;
}

void lp_free(struct lp *l)
{
    if (l == NULL)
        return;
    Clp_deleteModel(l->model);
    free(l);
}

void lp_set_columns(struct lp *l, const double *col_lo, const double *col_hi)
{
    Clp_chgColumnLower(l->model, col_lo);
    Clp_chgColumnUpper(l->model, col_hi);
    l->is_fresh = true;
}

const double *lp_solution(const struct lp *l)
{
    return Clp_getColSolution(l->model);
}

/* Between two objectives the basis stays possible and the primal method goes on from it; after new bounds the dual
 * method mends it.  Whoever of the two gives up is followed by the other. */
static enum err run(struct protect *p, struct lp *l, bool is_dual)
{
    int left = p->iterations_left > INT32_MAX ? INT32_MAX : (int)p->iterations_left;
    int used;

    if (left <= 0)
        return err_set(ERR_LIMIT, _("protecting the publication takes more steps than allowed; nothing is published"));
    Clp_setNumberIterations(l->model, 0);
    Clp_setMaximumIterations(l->model, left);
    (void)(is_dual ? Clp_dual(l->model, 0) : Clp_primal(l->model, 0));
    used = Clp_numberIterations(l->model);
    p->iterations_left -= used < 0 || (uint64_t)used > p->iterations_left ? p->iterations_left : (uint64_t)used;
    p->linear_programs++;
    return protect_check_time(p);
}

enum err lp_maximise(struct protect *p, struct lp *l, const double *objective, double *value)
{
    enum err e;
    int status;

    Clp_chgObjCoefficients(l->model, objective);
    if ((e = run(p, l, l->is_fresh)) != OK)
        return e;
    status = Clp_status(l->model);
    if (status != CLP_OPTIMAL && status != CLP_INFEASIBLE) {
        if ((e = run(p, l, !l->is_fresh)) != OK)
            return e;
        status = Clp_status(l->model);
    }
    l->is_fresh = false;
    if (status == CLP_INFEASIBLE)
        return ERR_NOT_FOUND;
    if (status != CLP_OPTIMAL)
        return err_set(ERR_LIMIT, _("protecting the publication: the linear solver gave up; nothing is published"));
    *value = Clp_objectiveValue(l->model);
    return OK;
}
