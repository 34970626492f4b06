#include "environment/kalman.h"

#include "environment/matrix.h"
#include "environment/riccati.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const double smallest_share = 1e-6; /* of a channel's full scale: R must be invertible */

static enum aft_code check(const struct aft_kalman_noise *noise, struct aft_error *error)
{
    if (!(noise->ground_m_s2 >= 0.0) || !(noise->force_share >= 0.0) ||
        !(noise->floor_share >= 0.0) ||
        !isfinite(noise->ground_m_s2 + noise->force_share + noise->floor_share)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "Kalman filter: noise of the ground %g m/s2, of the force %g, of the "
                        "channels %g: expected 0 or more",
                        noise->ground_m_s2, noise->force_share, noise->floor_share);
    }
    return AFT_OK;
}

static enum aft_code allocate(struct aft_kalman *k, struct aft_error *error)
{
    size_t n = (size_t)k->n, m = (size_t)k->n_outputs;
    size_t square = n * n, wide = m * (n + 1);
    k->phi = calloc(3 * square + 2 * wide + 2 * n * m, sizeof *k->phi);
    if (k->phi == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Kalman filter: out of memory");
    }
    k->covariance = k->phi + square;
    k->phi_columns = k->covariance + square;
    k->output = k->phi_columns + square;
    k->output_columns = k->output + wide;
    k->gain = k->output_columns + wide;
    k->gain_columns = k->gain + n * m;
    return AFT_OK;
}

/* Row `output` gets factor (z[upper] - z[lower]); lower is -1 for the ground. */
static void set_difference(double *row, int upper, int lower, double factor)
{
    row[upper] += factor;
    if (lower >= 0) {
        row[lower] -= factor;
    }
}

/* Absolute accelerations are linear in state and force, and free of the ground's. */
static void fill_accelerations(struct aft_kalman *k)
{
    const struct aft_sensor_config *sensors = &k->sensors.config;
    const struct aft_building *building = &k->model->building;
    int columns = k->n + 1;
    for (int j = 0; j < columns; j++) {
        double unit[2 * AFT_BUILDING_MAX_DOF + 1] = {0.0}, floors[AFT_BUILDING_MAX_FLOORS];
        unit[j] = 1.0;
        aft_building_floor_accelerations(floors, building, unit, 1,
                                         j == k->n ? k->model->force_limit_n : 0.0);
        for (int i = 0; i < sensors->n_acceleration_floors; i++) {
            k->output[i * columns + j] = floors[sensors->acceleration_floors[i] - 1];
        }
    }
}

/* The channels' order is observation.h's, the ground's left out. */
static void fill_output(struct aft_kalman *k)
{
    const struct aft_sensor_config *sensors = &k->sensors.config;
    const struct aft_building *building = &k->model->building;
    int columns = k->n + 1, dof = building->dof, floors = building->floors;
    int m = sensors->n_drift_storeys;
    double *row = k->output + (ptrdiff_t)sensors->n_acceleration_floors * columns;
    fill_accelerations(k);
    set_difference(row, floors, floors - 1, 1.0);
    set_difference(row + columns, dof + floors, dof + floors - 1, 1.0);
    for (int i = 0; i < m; i++) {
        int storey = sensors->drift_storeys[i] - 1;
        double factor = 1.0 / building->storey_height_m;
        set_difference(row + (ptrdiff_t)(2 + i) * columns, storey, storey - 1, factor);
        set_difference(row + (ptrdiff_t)(2 + m + i) * columns, dof + storey,
                       storey > 0 ? dof + storey - 1 : -1, factor);
    }
    for (int i = 0; i < k->n_outputs; i++) {
        k->channel[i] = i < k->ground ? i : i + 1;
    }
}

/* Variance of a channel's noise. */
static double variance_of(const struct aft_kalman *k, int channel, double floor_share)
{
    double full = (double)k->sensors.full_scale[channel];
    double unit = k->sensors.config.bits > 0 ? (double)k->sensors.unit[channel] : 0.0;
    double noise = k->sensors.config.noise * full;
    double floor = fmax(floor_share, smallest_share) * full;
    return noise * noise + unit * unit / 12.0 + floor * floor;
}

/* The ground's noise counts where a step ends and where the next begins; that it is
 * the same noise in both is left out. */
static void fill_process(double *q, const struct aft_kalman *k,
                         const struct aft_kalman_noise *noise)
{
    const struct aft_control_model *model = k->model;
    double ground = variance_of(k, k->ground, 0.0) + noise->ground_m_s2 * noise->ground_m_s2;
    double force = noise->force_share * noise->force_share;
    int n = k->n;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            q[i * n + j] = ground * (model->ground_start[i] * model->ground_start[j] +
                                     model->ground_end[i] * model->ground_end[j]) +
                           force * model->held_force[i] * model->held_force[j];
        }
    }
}

/* c [outputs][n] without the force's column, and g = cᵀ r⁻¹ c */
static void fill_information(double *g, double *c, const struct aft_kalman *k,
                             const double *variance)
{
    int n = k->n;
    for (int o = 0; o < k->n_outputs; o++) {
        memcpy(c + (ptrdiff_t)o * n, k->output + (ptrdiff_t)o * (n + 1), (size_t)n * sizeof *c);
        const double *row = c + (ptrdiff_t)o * n;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                g[i * n + j] += row[i] * row[j] / variance[o];
            }
        }
    }
}

/* gain = p cᵀ (c p cᵀ + r)⁻¹, through its transpose: both inner factors are symmetric. */
static enum aft_code fill_gain(struct aft_kalman *k, const double *c, const double *variance,
                               struct aft_error *error)
{
    int n = k->n, m = k->n_outputs;
    size_t wide = (size_t)n * (size_t)m;
    double *work = calloc(3 * wide + (size_t)m * (size_t)m, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Kalman filter: out of memory");
    }
    double *cp = work, *transposed = work + wide, *solved = work + 2 * wide, *s = work + 3 * wide;
    aft_matrix_multiply(cp, c, k->covariance, (struct aft_shape){m, n, n});
    aft_matrix_transpose(transposed, c, m, n);
    aft_matrix_multiply(s, cp, transposed, (struct aft_shape){m, n, m});
    for (int i = 0; i < m; i++) {
        s[i * m + i] += variance[i];
    }
    enum aft_code code = aft_matrix_solve(solved, s, cp, m, n, error);
    if (code == AFT_OK) {
        aft_matrix_transpose(k->gain, solved, m, n);
    }
    free(work);
    return code;
}

static enum aft_code design(struct aft_kalman *k, const struct aft_kalman_noise *noise,
                            struct aft_error *error)
{
    int n = k->n, model_n = k->model->n;
    size_t size = (size_t)n * (size_t)n;
    double variance[AFT_OBSERVATION_MAX_CHANNELS];
    double *work = calloc(3 * size + (size_t)k->n_outputs * (size_t)n, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Kalman filter: out of memory");
    }
    double *transposed = work, *g = work + size, *q = work + 2 * size, *c = work + 3 * size;
    for (int i = 0; i < n; i++) {
        memcpy(k->phi + (ptrdiff_t)i * n, k->model->phi + (ptrdiff_t)i * model_n,
               (size_t)n * sizeof *k->phi);
    }
    fill_output(k);
    for (int i = 0; i < k->n_outputs; i++) {
        variance[i] = variance_of(k, k->channel[i], noise->floor_share);
    }
    fill_process(q, k, noise);
    fill_information(g, c, k, variance);
    aft_matrix_transpose(transposed, k->phi, n, n);
    enum aft_code code = aft_riccati_solve(k->covariance, transposed, g, q, n, error);
    if (code == AFT_OK) {
        code = fill_gain(k, c, variance, error);
    }
    aft_matrix_transpose(k->phi_columns, k->phi, n, n);
    aft_matrix_transpose(k->output_columns, k->output, k->n_outputs, n + 1);
    aft_matrix_transpose(k->gain_columns, k->gain, n, k->n_outputs);
    free(work);
    return code;
}

enum aft_code aft_kalman_create(struct aft_kalman **kalman, const struct aft_control_model *model,
                                const struct aft_sensors *sensors,
                                const struct aft_kalman_noise *noise, struct aft_error *error)
{
    *kalman = NULL;
    enum aft_code code = check(noise, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_kalman *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Kalman filter: out of memory");
    }
    made->model = model;
    made->sensors = *sensors;
    made->n = model->n - 1;
    made->n_outputs = sensors->n_channels - 1;
    made->ground = sensors->config.n_acceleration_floors;
    code = allocate(made, error);
    if (code == AFT_OK) {
        code = design(made, noise, error);
    }
    if (code != AFT_OK) {
        aft_kalman_destroy(made);
        return code;
    }
    *kalman = made;
    return AFT_OK;
}

void aft_kalman_destroy(struct aft_kalman *kalman)
{
    if (kalman != NULL) {
        free(kalman->phi);
        free(kalman);
    }
}

/* What a motion's filter remembers: the state and the ground at the time of the
 * last measurement, the forces of the control steps since (a ring), and the last
 * values of the outputs. */
struct remembered {
    double *state, *ground, *force, *last;
};

static struct remembered parts_of(const struct aft_kalman *k, double *memory)
{
    double *force = memory + k->n + 1;
    return (struct remembered){memory, memory + k->n, force,
                               force + k->sensors.config.latency_steps + 1};
}

size_t aft_kalman_memory(const struct aft_kalman *kalman)
{
    return (size_t)(kalman->n + kalman->sensors.config.latency_steps + 2 + kalman->n_outputs);
}

/* y += factor column */
static void add_column(double *y, const double *column, double factor, int n)
{
    for (int i = 0; i < n; i++) {
        y[i] += factor * column[i];
    }
}

/* state over one control step, force_share held, the ground from start to end. */
static void predict(double *state, const struct aft_kalman *k, double force_share,
                    const double ground_m_s2[2])
{
    const struct aft_control_model *model = k->model;
    double next[AFT_CONTROL_MAX_STATES] = {0.0};
    add_column(next, model->held_force, force_share, k->n);
    add_column(next, model->ground_start, ground_m_s2[0], k->n);
    add_column(next, model->ground_end, ground_m_s2[1], k->n);
    for (int j = 0; j < k->n; j++) {
        add_column(next, k->phi_columns + (ptrdiff_t)j * k->n, state[j], k->n);
    }
    memcpy(state, next, (size_t)k->n * sizeof *state);
}

static void correct(const struct aft_kalman *k, const struct remembered *r, const float *measured,
                    double force_share)
{
    double expected[AFT_OBSERVATION_MAX_CHANNELS] = {0.0};
    int n = k->n, m = k->n_outputs;
    bool drops = k->sensors.config.dropout > 0.0;
    for (int j = 0; j < n; j++) {
        add_column(expected, k->output_columns + (ptrdiff_t)j * m, r->state[j], m);
    }
    add_column(expected, k->output_columns + (ptrdiff_t)n * m, force_share, m);
    for (int o = 0; o < m; o++) {
        double y = (double)measured[k->channel[o]];
        double innovation = drops && y == r->last[o] ? 0.0 : y - expected[o];
        r->last[o] = y;
        add_column(r->state, k->gain_columns + (ptrdiff_t)o * n, innovation, n);
    }
}

void aft_kalman_estimate(double *z, const struct aft_kalman *kalman, double *memory,
                         const float *measured, double actuator_n, size_t step)
{
    struct remembered r = parts_of(kalman, memory);
    size_t late = (size_t)kalman->sensors.config.latency_steps, slots = late + 1;
    size_t n = (size_t)kalman->n;
    r.force[step % slots] = actuator_n / kalman->model->force_limit_n;
    memset(z, 0, n * sizeof *z);
    z[n] = r.force[step % slots];
    if (step < late) { /* nothing has arrived: at rest, as far as is known */
        return;
    }
    double ground = (double)measured[kalman->ground], force = r.force[(step + 1) % slots];
    if (step > late) {
        predict(r.state, kalman, force, (const double[2]){*r.ground, ground});
    }
    correct(kalman, &r, measured, force);
    *r.ground = ground;
    memcpy(z, r.state, n * sizeof *z);
    for (size_t i = 1; i <= late; i++) {
        predict(z, kalman, r.force[(step + 1 + i) % slots],
                (const double[2]){i == 1 ? ground : 0.0, 0.0});
    }
}
