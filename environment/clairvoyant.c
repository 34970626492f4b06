#include "environment/clairvoyant.h"

#include "environment/drift_program.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

struct outcome {
    enum aft_code code;
    struct aft_error error;
};

struct aft_clairvoyant {
    int n;
    struct aft_clairvoyant_plan *plans; /* [n] */
};

struct planning {
    struct aft_drift_model model;
    const struct aft_motion_list *list;
    struct aft_clairvoyant_plan *plans;
    struct outcome *outcomes; /* [list->n] */
};

static void plan_motion(void *context, int task, int thread)
{
    (void)thread;
    struct planning *planning = context;
    struct outcome *outcome = &planning->outcomes[task];
    outcome->code = aft_drift_program_solve(&planning->plans[task], &planning->model,
                                            &planning->list->motions[task].motion, &outcome->error);
}

/* Control steps of a motion with its tail, as a trial counts them. */
static size_t steps_of(const struct aft_motion *motion, const struct aft_evaluation *evaluation)
{
    double control_s = evaluation->config->dt_s * evaluation->config->control_every;
    double length_s = motion->n > 0 ? (double)(motion->n - 1) * motion->dt_s : 0.0;
    size_t steps = (size_t)ceil((length_s + evaluation->tail_s) / control_s - 1e-9);
    return steps < AFT_CLAIRVOYANT_MAX_STEPS ? steps : AFT_CLAIRVOYANT_MAX_STEPS;
}

static enum aft_code allocate_plans(struct aft_clairvoyant *c, size_t *longest,
                                    const struct aft_evaluation *evaluation,
                                    const struct aft_motion_list *list, struct aft_error *error)
{
    *longest = 0;
    for (int i = 0; i < c->n; i++) {
        struct aft_clairvoyant_plan *plan = &c->plans[i];
        plan->n = steps_of(&list->motions[i].motion, evaluation);
        plan->command_n = calloc(plan->n + 1, sizeof *plan->command_n);
        if (plan->command_n == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "plan %d motions: out of memory", c->n);
        }
        *longest = plan->n > *longest ? plan->n : *longest;
    }
    return AFT_OK;
}

static enum aft_code run(struct planning *planning, const struct aft_evaluation *evaluation,
                         struct aft_error *error)
{
    int n = planning->list->n;
    planning->outcomes = calloc((size_t)n + 1, sizeof *planning->outcomes);
    if (planning->outcomes == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "plan %d motions: out of memory", n);
    }
    enum aft_code code = AFT_OK;
    aft_thread_pool_run(evaluation->pool, n, plan_motion, planning);
    for (int i = 0; i < n && code == AFT_OK; i++) {
        code = planning->outcomes[i].code;
        if (code != AFT_OK) {
            code = aft_fail(error, code, "bound of '%s': %s", planning->list->motions[i].name,
                            planning->outcomes[i].error.message);
        }
    }
    free(planning->outcomes);
    return code;
}

enum aft_code aft_clairvoyant_create(struct aft_clairvoyant **clairvoyant,
                                     const struct aft_evaluation *evaluation,
                                     const struct aft_motion_list *list, struct aft_error *error)
{
    size_t longest = 0;
    *clairvoyant = NULL;
    struct aft_clairvoyant *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "plan %d motions: out of memory", list->n);
    }
    c->n = list->n;
    c->plans = calloc((size_t)list->n + 1, sizeof *c->plans);
    enum aft_code code = c->plans != NULL ? allocate_plans(c, &longest, evaluation, list, error)
                                          : aft_fail(error, AFT_ERR_MEMORY,
                                                     "plan %d motions: out of memory", list->n);
    struct planning planning = {.list = list, .plans = c->plans};
    if (code == AFT_OK) {
        code = aft_drift_model_init(&planning.model, evaluation->config, longest, error);
    }
    if (code == AFT_OK) {
        code = run(&planning, evaluation, error);
        aft_drift_model_clear(&planning.model);
    }
    if (code != AFT_OK) {
        aft_clairvoyant_destroy(c);
        return code;
    }
    *clairvoyant = c;
    return AFT_OK;
}

void aft_clairvoyant_destroy(struct aft_clairvoyant *clairvoyant)
{
    if (clairvoyant == NULL) {
        return;
    }
    for (int i = 0; i < clairvoyant->n && clairvoyant->plans != NULL; i++) {
        free(clairvoyant->plans[i].command_n);
    }
    free(clairvoyant->plans);
    free(clairvoyant);
}

const struct aft_clairvoyant_plan *aft_clairvoyant_plan(const struct aft_clairvoyant *clairvoyant,
                                                        int motion)
{
    return &clairvoyant->plans[motion];
}

static enum aft_code play(void *self, int n, const struct aft_controller_view *views,
                          double *command_n, struct aft_error *error)
{
    const struct aft_clairvoyant *clairvoyant = self;
    for (int i = 0; i < n; i++) {
        if (views[i].motion >= clairvoyant->n) {
            return aft_fail(error, AFT_ERR_USAGE, "clairvoyant: motion %d is not one it planned",
                            views[i].motion);
        }
        const struct aft_clairvoyant_plan *plan = &clairvoyant->plans[views[i].motion];
        command_n[i] = views[i].step < plan->n ? plan->command_n[views[i].step] : 0.0;
    }
    return AFT_OK;
}

struct aft_controller aft_clairvoyant_controller(struct aft_clairvoyant *clairvoyant)
{
    return (struct aft_controller){
        .name = "clairvoyant", .device = AFT_DEVICE_CONFIGURED, .self = clairvoyant, .act = play};
}

double aft_clairvoyant_scale(double passive_drift, double drift, double bound_drift)
{
    double gain = passive_drift - bound_drift;
    return gain != 0.0 ? (passive_drift - drift) / gain : 0.0;
}
