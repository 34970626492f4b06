#include "environment/plant.h"

#include "environment/clamp.h"
#include "environment/discretisation.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static int padded_to(int n, int unit)
{
    return (n + unit - 1) / unit * unit;
}

static void set_sizes(struct aft_plant *plant)
{
    plant->n_states = 2 * plant->building.dof;
    plant->columns = plant->n_states + 2;
    plant->rows = padded_to(plant->n_states, AFT_KERNEL_ROWS);
    plant->padded = padded_to(plant->n_states, AFT_KERNEL_COLUMN);
    plant->roof_row = plant->building.floors - 1;
    plant->device_row = plant->building.has_device ? plant->building.floors : -1;
}

static enum aft_code allocate(struct aft_plant *plant, struct aft_error *error)
{
    size_t rows = (size_t)plant->rows, columns = (size_t)plant->columns;
    plant->by_row = calloc(rows * columns, sizeof(double));
    /* A vector load that crosses a cache line costs two. */
    size_t size = (size_t)plant->padded * columns * sizeof(double);
    plant->by_column = aligned_alloc(64, size);
    plant->by_force = calloc(rows, sizeof(double));
    if (plant->by_row == NULL || plant->by_column == NULL || plant->by_force == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create a plant: out of memory");
    }
    memset(plant->by_column, 0, size);
    return AFT_OK;
}

static void lay_out(struct aft_plant *plant, const struct aft_discrete_system *discrete)
{
    int n = plant->n_states, columns = plant->columns;
    for (int i = 0; i < n; i++) {
        double *row = plant->by_row + (ptrdiff_t)i * columns;
        memcpy(row, discrete->phi + (ptrdiff_t)i * n, (size_t)n * sizeof *row);
        row[n] = discrete->ground_start[i];
        row[n + 1] = discrete->ground_end[i];
        plant->by_force[i] = discrete->force[i];
        for (int j = 0; j < columns; j++) {
            plant->by_column[(ptrdiff_t)j * plant->padded + i] = row[j];
        }
    }
    if (plant->device_row >= 0) {
        plant->compliance_m_n =
            plant->by_force[plant->device_row] - plant->by_force[plant->roof_row];
    }
}

static enum aft_code fill_matrices(struct aft_plant *plant, struct aft_error *error)
{
    size_t n = (size_t)plant->n_states;
    double *work = calloc(2 * n * n + 5 * n, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create a plant: out of memory");
    }
    double *a = work, *vectors = work + 2 * n * n;
    aft_building_state_space(a, vectors, vectors + n, &plant->building);
    struct aft_continuous_system continuous = {plant->n_states, a, vectors, vectors + n};
    struct aft_discrete_system discrete = {work + n * n, vectors + 2 * n, vectors + 3 * n,
                                           vectors + 4 * n};
    enum aft_code code = aft_discretise(&discrete, &continuous, plant->dt_s, error);
    if (code == AFT_OK) {
        lay_out(plant, &discrete);
    }
    free(work);
    return code;
}

static enum aft_code check_actuator(const struct aft_actuator_config *actuator, double dt_s,
                                    struct aft_error *error)
{
    if (!(dt_s > 0.0) || !isfinite(dt_s)) {
        return aft_fail(error, AFT_ERR_USAGE, "plant: dt_s is %g, expected a number above 0", dt_s);
    }
    if (!(actuator->force_limit_n >= 0.0) || !(actuator->power_limit_w >= 0.0) ||
        !(actuator->lag_s >= 0.0) || !isfinite(actuator->force_limit_n)) {
        return aft_fail(
            error, AFT_ERR_USAGE,
            "actuator: force limit %g N, power limit %g W, lag %g s: expected 0 or more",
            actuator->force_limit_n, actuator->power_limit_w, actuator->lag_s);
    }
    return AFT_OK;
}

enum aft_code aft_plant_create(struct aft_plant **plant, const struct aft_building_config *building,
                               const struct aft_actuator_config *actuator, bool with_device,
                               double dt_s, struct aft_error *error)
{
    *plant = NULL;
    enum aft_code code = check_actuator(actuator, dt_s, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_plant *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create a plant: out of memory");
    }
    made->actuator = *actuator;
    made->stop = (struct aft_end_stop){building->stroke_m, building->stop_stiffness_n_m,
                                       building->stop_damping_n_s_m};
    made->dt_s = dt_s;
    made->lag_share = aft_actuator_lag_share(actuator, dt_s);
    made->kernel = aft_plant_kernel(0);
    code = aft_building_init(&made->building, building, with_device, error);
    if (code == AFT_OK) {
        set_sizes(made);
        code = allocate(made, error);
    }
    if (code == AFT_OK) {
        code = fill_matrices(made, error);
    }
    if (code != AFT_OK) {
        aft_plant_destroy(made);
        return code;
    }
    *plant = made;
    return AFT_OK;
}

void aft_plant_destroy(struct aft_plant *plant)
{
    if (plant != NULL) {
        free(plant->by_row);
        free(plant->by_column);
        free(plant->by_force);
        free(plant);
    }
}

static double between(const struct aft_plant *plant, const double *state, int stride, int offset)
{
    if (plant->device_row < 0) {
        return 0.0;
    }
    return state[(ptrdiff_t)(plant->device_row + offset) * stride] -
           state[(ptrdiff_t)(plant->roof_row + offset) * stride];
}

double aft_plant_stroke(const struct aft_plant *plant, const double *state, int stride)
{
    return between(plant, state, stride, 0);
}

double aft_plant_stroke_rate(const struct aft_plant *plant, const double *state, int stride)
{
    return between(plant, state, stride, plant->building.dof);
}

/* The forces of a step that would take the stroke from start_m to free_m without them. */
static double settle_forces(const struct aft_plant *plant, double start_m, double free_m,
                            double command_n, struct aft_plant_forces *forces)
{
    double compliance = plant->compliance_m_n, dt_s = plant->dt_s;
    double force =
        aft_actuator_force(&plant->actuator, plant->lag_share, forces->actuator_n, command_n);
    force = aft_actuator_limit_power(&plant->actuator, force, free_m - start_m, compliance, dt_s);
    double pushed = free_m + compliance * force;
    double contact = aft_end_stop_force(&plant->stop, start_m, pushed, compliance, dt_s);
    forces->actuator_n = force;
    forces->contact_n = contact;
    forces->power_w = force * (pushed + compliance * contact - start_m) / dt_s;
    return force + contact;
}

void aft_plant_step(const struct aft_plant *plant, double *state, const double ground_m_s2[2],
                    double command_n, struct aft_plant_forces *forces)
{
    double next[AFT_PLANT_MAX_PADDED], force = 0.0;
    int n = plant->n_states;
    state[n] = ground_m_s2[0];
    state[n + 1] = ground_m_s2[1];
    plant->kernel->one(next, plant->by_column, plant->padded, plant->columns, state);
    if (plant->device_row >= 0) {
        force = settle_forces(plant, aft_plant_stroke(plant, state, 1),
                              aft_plant_stroke(plant, next, 1), command_n, forces);
    }
    for (int i = 0; i < n; i++) {
        state[i] = next[i] + plant->by_force[i] * force;
    }
}

void aft_plant_step_lanes(const struct aft_plant *plant, struct aft_plant_lanes *lanes)
{
    double force[AFT_LANES] = {0.0};
    int n = plant->n_states;
    memcpy(lanes->state[n], lanes->ground_start_m_s2, sizeof lanes->ground_start_m_s2);
    memcpy(lanes->state[n + 1], lanes->ground_end_m_s2, sizeof lanes->ground_end_m_s2);
    plant->kernel->lanes(lanes->next[0], plant->by_row, plant->rows, plant->columns,
                         lanes->state[0]);
    for (int j = 0; j < AFT_LANES && plant->device_row >= 0; j++) {
        force[j] = settle_forces(plant, aft_plant_stroke(plant, lanes->state[0] + j, AFT_LANES),
                                 aft_plant_stroke(plant, lanes->next[0] + j, AFT_LANES),
                                 lanes->command_n[j], &lanes->forces[j]);
    }
    for (int i = 0; i < n; i++) {
        double by_force = plant->by_force[i];
        for (int j = 0; j < AFT_LANES; j++) {
            lanes->state[i][j] = lanes->next[i][j] + by_force * force[j];
        }
    }
}

void aft_plant_drift(struct aft_drift *drift, const struct aft_plant *plant, const double *state)
{
    double per_height = 1.0 / plant->building.storey_height_m, below = 0.0;
    double sum = 0.0, peak = 0.0;
    for (int i = 0; i < plant->building.floors; i++) {
        double ratio = (state[i] - below) * per_height;
        below = state[i];
        sum += ratio * ratio;
        peak = aft_larger(fabs(ratio), peak);
    }
    *drift = (struct aft_drift){sum, peak};
}

void aft_plant_drift_lanes(double sum_squares[AFT_LANES], double peak[AFT_LANES],
                           const struct aft_plant *plant, const struct aft_plant_lanes *lanes)
{
    double per_height = 1.0 / plant->building.storey_height_m;
    double below[AFT_LANES] = {0.0};
    memset(sum_squares, 0, AFT_LANES * sizeof *sum_squares);
    memset(peak, 0, AFT_LANES * sizeof *peak);
    for (int i = 0; i < plant->building.floors; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            double ratio = (lanes->state[i][j] - below[j]) * per_height;
            below[j] = lanes->state[i][j];
            sum_squares[j] += ratio * ratio;
            peak[j] = aft_larger(fabs(ratio), peak[j]);
        }
    }
}
