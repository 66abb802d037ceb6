/* protect_lp.c: linear programs, solved by Clp. */
#include "common/cli.h"
#include "common/late.h"
#include "hub/protect_internal.h"

#include <Clp_C_Interface.h>
#include <math.h>
#include <stdlib.h>

/* Only a publication needs the solver (late.h). */
static struct {
    __typeof__(&Clp_chgColumnLower) Clp_chgColumnLower;
    __typeof__(&Clp_chgColumnUpper) Clp_chgColumnUpper;
    __typeof__(&Clp_chgObjCoefficients) Clp_chgObjCoefficients;
    __typeof__(&Clp_deleteModel) Clp_deleteModel;
    __typeof__(&Clp_dual) Clp_dual;
    __typeof__(&Clp_getColSolution) Clp_getColSolution;
    __typeof__(&Clp_loadProblem) Clp_loadProblem;
    __typeof__(&Clp_newModel) Clp_newModel;
    __typeof__(&Clp_numberIterations) Clp_numberIterations;
    __typeof__(&Clp_objectiveValue) Clp_objectiveValue;
    __typeof__(&Clp_primal) Clp_primal;
    __typeof__(&Clp_scaling) Clp_scaling;
    __typeof__(&Clp_setLogLevel) Clp_setLogLevel;
    __typeof__(&Clp_setMaximumIterations) Clp_setMaximumIterations;
    __typeof__(&Clp_setNumberIterations) Clp_setNumberIterations;
    __typeof__(&Clp_setOptimizationDirection) Clp_setOptimizationDirection;
    __typeof__(&Clp_status) Clp_status;
} from_clp;

static const struct late_function functions[] = {
    LATE(from_clp, Clp_chgColumnLower),
    LATE(from_clp, Clp_chgColumnUpper),
    LATE(from_clp, Clp_chgObjCoefficients),
    LATE(from_clp, Clp_deleteModel),
    LATE(from_clp, Clp_dual),
    LATE(from_clp, Clp_getColSolution),
    LATE(from_clp, Clp_loadProblem),
    LATE(from_clp, Clp_newModel),
    LATE(from_clp, Clp_numberIterations),
    LATE(from_clp, Clp_objectiveValue),
    LATE(from_clp, Clp_primal),
    LATE(from_clp, Clp_scaling),
    LATE(from_clp, Clp_setLogLevel),
    LATE(from_clp, Clp_setMaximumIterations),
    LATE(from_clp, Clp_setNumberIterations),
    LATE(from_clp, Clp_setOptimizationDirection),
    LATE(from_clp, Clp_status),
};

static enum err open_clp(void)
{
    static struct late_library library = {.file = SVODKA_SONAME_CLP,
                                          .package = "coinor-libclp1",
                                          .functions = functions,
                                          .count = sizeof(functions) / sizeof(functions[0])};

    return late_open(&library);
}

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
    enum err e = open_clp();
    struct lp *l;

    if (e != OK)
        return e;
    if ((l = calloc(1, sizeof(*l))) == NULL)
        return ERR_NOMEM;
    l->model = from_clp.Clp_newModel();
    if (l->model == NULL) {
        free(l);
        return ERR_NOMEM;
    }
    from_clp.Clp_setLogLevel(l->model, 0); /* it would write to standard output */
    from_clp.Clp_loadProblem(l->model, (int)s->cols, (int)s->rows, s->start, s->index, s->coef, s->col_lo, s->col_hi,
                             NULL, s->row_lo, s->row_hi);
    from_clp.Clp_scaling(l->model, 0); /* nearly all coefficients are 1 */
    from_clp.Clp_setOptimizationDirection(l->model, -1.0);
    l->is_fresh = true;
    *out = l;
    return OK;
}

void lp_free(struct lp *l)
{
    if (l == NULL)
        return;
    from_clp.Clp_deleteModel(l->model);
    free(l);
}

void lp_set_columns(struct lp *l, const double *col_lo, const double *col_hi)
{
    from_clp.Clp_chgColumnLower(l->model, col_lo);
    from_clp.Clp_chgColumnUpper(l->model, col_hi);
    l->is_fresh = true;
}

const double *lp_solution(const struct lp *l)
{
    return from_clp.Clp_getColSolution(l->model);
}

/* Between two objectives the basis stays possible and the primal method goes on from it; after new bounds the dual
 * method mends it.  Whoever of the two gives up is followed by the other. */
static enum err run(struct protect *p, struct lp *l, bool is_dual)
{
    int left = p->iterations_left > INT32_MAX ? INT32_MAX : (int)p->iterations_left;
    int used;

    if (left <= 0)
        return err_set(ERR_LIMIT, _("protecting the publication takes more steps than allowed; nothing is published"));
    from_clp.Clp_setNumberIterations(l->model, 0);
    from_clp.Clp_setMaximumIterations(l->model, left);
    (void)(is_dual ? from_clp.Clp_dual(l->model, 0) : from_clp.Clp_primal(l->model, 0));
    used = from_clp.Clp_numberIterations(l->model);
    p->iterations_left -= used < 0 || (uint64_t)used > p->iterations_left ? p->iterations_left : (uint64_t)used;
    p->linear_programs++;
    return protect_check_time(p);
}

enum err lp_maximise(struct protect *p, struct lp *l, const double *objective, double *value)
{
    enum err e;
    int status;

    from_clp.Clp_chgObjCoefficients(l->model, objective);
    if ((e = run(p, l, l->is_fresh)) != OK)
        return e;
    status = from_clp.Clp_status(l->model);
    if (status != CLP_OPTIMAL && status != CLP_INFEASIBLE) {
        if ((e = run(p, l, !l->is_fresh)) != OK)
            return e;
        status = from_clp.Clp_status(l->model);
    }
    l->is_fresh = false;
    if (status == CLP_INFEASIBLE)
        return ERR_NOT_FOUND;
    if (status != CLP_OPTIMAL)
        return err_set(ERR_LIMIT, _("protecting the publication: the linear solver gave up; nothing is published"));
    *value = from_clp.Clp_objectiveValue(l->model);
    return OK;
}
