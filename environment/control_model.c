#include "environment/control_model.h"

#include "environment/actuator.h"
#include "environment/discretisation.h"
#include "environment/matrix.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What the state after some simulation steps is made of: columns of [2 dof][…]. */
enum { FROM_FORCE, FROM_COMMAND, FROM_HELD, FROM_GROUND_START, FROM_GROUND_END, N_INPUTS };

static enum aft_code check(const struct aft_environment_config *config, struct aft_error *error)
{
    double limit_n = config->actuator.force_limit_n;
    if (!(config->dt_s > 0.0) || !isfinite(config->dt_s) || config->control_every < 1 ||
        !(limit_n > 0.0) || !isfinite(limit_n) || !(config->actuator.lag_s >= 0.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "model of the building: step %g s times %d, force limit %g N, lag %g s: "
                        "expected steps and limit above 0, lag 0 or more",
                        config->dt_s, config->control_every, limit_n, config->actuator.lag_s);
    }
    return AFT_OK;
}

static enum aft_code allocate(struct aft_control_model *model, struct aft_error *error)
{
    size_t n = (size_t)model->n;
    model->phi = calloc(n * n + 4 * n, sizeof *model->phi);
    if (model->phi == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "model of the building: out of memory");
    }
    model->command = model->phi + n * n;
    model->held_force = model->command + n;
    model->ground_start = model->held_force + n;
    model->ground_end = model->ground_start + n;
    return AFT_OK;
}

/* One simulation step: sum [ns][ns + N_INPUTS] goes on by phi, and the inputs of
 * this step are added. share holds each input's part in this step's force and
 * in the ground's acceleration at its start and end. */
struct step_inputs {
    double force[N_INPUTS], ground_start[N_INPUTS], ground_end[N_INPUTS];
};

static void compose(double *sum, double *next, const struct aft_discrete_system *step, int ns,
                    const struct step_inputs *inputs)
{
    int columns = ns + N_INPUTS;
    aft_matrix_multiply(next, step->phi, sum, (struct aft_shape){ns, ns, columns});
    for (int i = 0; i < ns; i++) {
        for (int j = 0; j < N_INPUTS; j++) {
            next[i * columns + ns + j] += step->force[i] * inputs->force[j] +
                                          step->ground_start[i] * inputs->ground_start[j] +
                                          step->ground_end[i] * inputs->ground_end[j];
        }
    }
    memcpy(sum, next, (size_t)(ns * columns) * sizeof *sum);
}

/* Simulation step i of m; kept is the share of the force that a step of lag leaves. */
static struct step_inputs inputs_of(int i, int m, double kept, double limit_n)
{
    struct step_inputs inputs = {{0}, {0}, {0}};
    double before = pow(kept, i + 1);
    inputs.force[FROM_FORCE] = limit_n * before;
    inputs.force[FROM_COMMAND] = limit_n * (1.0 - before);
    inputs.force[FROM_HELD] = limit_n;
    inputs.ground_start[FROM_GROUND_START] = 1.0 - (double)i / m;
    inputs.ground_start[FROM_GROUND_END] = (double)i / m;
    inputs.ground_end[FROM_GROUND_START] = 1.0 - (double)(i + 1) / m;
    inputs.ground_end[FROM_GROUND_END] = (double)(i + 1) / m;
    return inputs;
}

static void lay_out(struct aft_control_model *model, const double *sum, double kept_force)
{
    int n = model->n, ns = n - 1, columns = ns + N_INPUTS;
    for (int i = 0; i < ns; i++) {
        const double *row = sum + (ptrdiff_t)i * columns, *input = row + ns;
        memcpy(model->phi + (ptrdiff_t)i * n, row, (size_t)ns * sizeof *row);
        model->phi[(ptrdiff_t)i * n + ns] = input[FROM_FORCE];
        model->command[i] = input[FROM_COMMAND];
        model->held_force[i] = input[FROM_HELD];
        model->ground_start[i] = input[FROM_GROUND_START];
        model->ground_end[i] = input[FROM_GROUND_END];
    }
    model->phi[(ptrdiff_t)ns * n + ns] = kept_force;
    model->command[ns] = 1.0 - kept_force;
}

static enum aft_code fill(struct aft_control_model *model,
                          const struct aft_environment_config *config, struct aft_error *error)
{
    int ns = model->n - 1, m = config->control_every;
    size_t square = (size_t)ns * (size_t)ns, wide = square + (size_t)ns * N_INPUTS;
    double *work = calloc(2 * square + 5 * (size_t)ns + 2 * wide, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "model of the building: out of memory");
    }
    double *a = work, *vectors = work + 2 * square, *sum = vectors + 5 * (ptrdiff_t)ns;
    double *next = sum + wide;
    aft_building_state_space(a, vectors, vectors + ns, &model->building);
    struct aft_continuous_system continuous = {ns, a, vectors, vectors + ns};
    struct aft_discrete_system step = {work + square, vectors + 2 * (ptrdiff_t)ns,
                                       vectors + 3 * (ptrdiff_t)ns, vectors + 4 * (ptrdiff_t)ns};
    enum aft_code code = aft_discretise(&step, &continuous, config->dt_s, error);
    if (code == AFT_OK) {
        double kept = 1.0 - aft_actuator_lag_share(&config->actuator, config->dt_s);
        for (int i = 0; i < ns; i++) {
            sum[i * (ns + N_INPUTS) + i] = 1.0;
        }
        for (int i = 0; i < m; i++) {
            struct step_inputs inputs = inputs_of(i, m, kept, model->force_limit_n);
            compose(sum, next, &step, ns, &inputs);
        }
        lay_out(model, sum, pow(kept, m));
    }
    free(work);
    return code;
}

enum aft_code aft_control_model_create(struct aft_control_model **model,
                                       const struct aft_environment_config *config,
                                       struct aft_error *error)
{
    *model = NULL;
    enum aft_code code = check(config, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_control_model *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "model of the building: out of memory");
    }
    made->step_s = config->dt_s * config->control_every;
    made->force_limit_n = config->actuator.force_limit_n;
    made->stroke_limit_m = config->building.stroke_m;
    code = aft_building_init(&made->building, &config->building, true, error);
    made->n = 2 * made->building.dof + 1;
    if (code == AFT_OK) {
        code = allocate(made, error);
    }
    if (code == AFT_OK) {
        code = fill(made, config, error);
    }
    if (code != AFT_OK) {
        aft_control_model_destroy(made);
        return code;
    }
    *model = made;
    return AFT_OK;
}

void aft_control_model_destroy(struct aft_control_model *model)
{
    if (model != NULL) {
        free(model->phi);
        free(model);
    }
}
