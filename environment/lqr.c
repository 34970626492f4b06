#include "environment/lqr.h"

#include "environment/matrix.h"
#include "environment/riccati.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double drift_unit = 0.005;

static bool sound(double weight)
{
    return weight >= 0.0 && isfinite(weight);
}

static enum aft_code check(const struct aft_lqr_weights *weights, struct aft_error *error)
{
    if (!sound(weights->drift_rate) || !sound(weights->stroke) || !sound(weights->stroke_rate) ||
        !sound(weights->control) || weights->control <= 0.0) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "LQR: weights of drift rate %g, stroke %g, stroke rate %g, control %g: "
                        "expected 0 or more, control above 0",
                        weights->drift_rate, weights->stroke, weights->stroke_rate,
                        weights->control);
    }
    return AFT_OK;
}

/* q += weight (z[upper] - z[lower])²; lower is -1 for the ground. */
static void add_difference(double *q, int n, int upper, int lower, double weight)
{
    q[upper * n + upper] += weight;
    if (lower >= 0) {
        q[lower * n + lower] += weight;
        q[upper * n + lower] -= weight;
        q[lower * n + upper] -= weight;
    }
}

static void fill_cost(double *q, const struct aft_control_model *model,
                      const struct aft_lqr_weights *weights, double omega)
{
    const struct aft_building *building = &model->building;
    int n = model->n, dof = building->dof, floors = building->floors;
    double unit_m = drift_unit * building->storey_height_m;
    double limit_m = model->stroke_limit_m > 0.0 ? model->stroke_limit_m : 1.0;
    double drift = 1.0 / (floors * unit_m * unit_m), stroke = weights->stroke / (limit_m * limit_m);
    double per_rate = 1.0 / (omega * omega);
    double stroke_rate = weights->stroke_rate / (limit_m * limit_m);
    for (int i = 0; i < floors; i++) {
        add_difference(q, n, i, i - 1, drift);
        add_difference(q, n, dof + i, i > 0 ? dof + i - 1 : -1,
                       drift * weights->drift_rate * per_rate);
    }
    add_difference(q, n, floors, floors - 1, stroke);
    add_difference(q, n, dof + floors, dof + floors - 1, stroke_rate * per_rate);
}

/* gain = bᵀ x phi / (control + bᵀ x b) */
static void gain_of(double *gain, const double *x, const struct aft_control_model *model,
                    double control)
{
    int n = model->n;
    double weighted[AFT_CONTROL_MAX_STATES], scale = control;
    aft_matrix_multiply(weighted, model->command, x, (struct aft_shape){1, n, n});
    for (int i = 0; i < n; i++) {
        scale += weighted[i] * model->command[i];
    }
    aft_matrix_multiply(gain, weighted, model->phi, (struct aft_shape){1, n, n});
    for (int i = 0; i < n; i++) {
        gain[i] /= scale;
    }
}

enum aft_code aft_lqr_gain(double *gain, const struct aft_control_model *model,
                           const struct aft_lqr_weights *weights, struct aft_error *error)
{
    int n = model->n;
    size_t size = (size_t)n * (size_t)n;
    double omega[AFT_BUILDING_MAX_DOF] = {0.0};
    enum aft_code code = check(weights, error);
    if (code == AFT_OK) {
        code = aft_building_modes(omega, NULL, &model->building, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    double *work = calloc(3 * size, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "LQR: out of memory");
    }
    double *x = work, *g = work + size, *q = work + 2 * size;
    fill_cost(q, model, weights, omega[0]);
    aft_matrix_multiply(g, model->command, model->command, (struct aft_shape){n, 1, n});
    for (size_t i = 0; i < size; i++) {
        g[i] /= weights->control;
    }
    code = aft_riccati_solve(x, model->phi, g, q, n, error);
    if (code == AFT_OK) {
        gain_of(gain, x, model, weights->control);
    }
    free(work);
    return code;
}
