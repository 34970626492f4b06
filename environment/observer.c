#include "environment/observer.h"

#include "base/simd.h"
#include "environment/clamp.h"
#include "environment/control_model.h"
#include "environment/kalman.h"
#include "environment/lqr.h"
#include "environment/plant_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct aft_kalman_noise filter_noise = {
    .ground_m_s2 = 0.3, .force_share = 0.02, .floor_share = 0.005};

enum {
    MAX_STATES = 2 * AFT_BUILDING_MAX_DOF,
    MAX_OUTPUTS = AFT_OBSERVATION_MAX_CHANNELS,
    PANEL = AFT_KERNEL_ROWS_F32,
    MAX_ROWS = (MAX_STATES + PANEL - 1) / PANEL * PANEL,
};

struct panels { /* a matrix as the kernel takes it */
    int rows, columns;
    float *values; /* [rows padded][columns] */
};

struct aft_observer {
    const struct aft_plant_kernel *kernel;
    int n, dof, floors; /* states of the filter: 2 dof */
    int n_outputs, ground, latency;
    bool drops;
    int channel[MAX_OUTPUTS];
    struct panels predict; /* [n][n + 2]: of the state, the force, the ground at the start */
    struct panels output;  /* [n_outputs][n + 1] */
    struct panels correct; /* [n][n_outputs] */
    float ground_end[MAX_STATES];
    float gain[MAX_STATES + 1]; /* of the nominal controller; zeros without one */
    float per_height_1_m, force_limit_n;
    int n_storeys, storey[AFT_OBSERVER_MAX_STOREYS]; /* from 0 */
};

int aft_observer_storeys(const struct aft_building_config *building)
{
    return building->floors < AFT_OBSERVER_MAX_STOREYS ? building->floors
                                                       : AFT_OBSERVER_MAX_STOREYS;
}

/* Memory in order: the results, the state, the ground, the forces since the latest
 * measurement (the oldest first), and the outputs' last values. */
static int state_at(const struct aft_observer *o)
{
    return AFT_OBSERVER_DRIFTS + 2 * o->n_storeys;
}

static int ground_at(const struct aft_observer *o)
{
    return state_at(o) + o->n;
}

static int forces_at(const struct aft_observer *o)
{
    return ground_at(o) + 1;
}

static int last_at(const struct aft_observer *o)
{
    return forces_at(o) + o->latency + 1;
}

int aft_observer_memory(const struct aft_observer *observer)
{
    return last_at(observer) + (observer->drops ? observer->n_outputs : 0);
}

static bool make_panels(struct panels *panels, int rows, int columns)
{
    int padded = (rows + PANEL - 1) / PANEL * PANEL;
    panels->rows = padded;
    panels->columns = columns;
    panels->values = calloc((size_t)padded * (size_t)columns, sizeof *panels->values);
    return panels->values != NULL;
}

static void set_entry(struct panels *panels, int row, int column, double value)
{
    ptrdiff_t first = (ptrdiff_t)(row - row % PANEL) * panels->columns;
    panels->values[first + (ptrdiff_t)column * PANEL + row % PANEL] = (float)value;
}

static enum aft_code fill_matrices(struct aft_observer *o, const struct aft_kalman *kalman,
                                   struct aft_error *error)
{
    const struct aft_control_model *model = kalman->model;
    int n = o->n, outputs = o->n_outputs;
    if (!make_panels(&o->predict, n, n + 2) || !make_panels(&o->output, outputs, n + 1) ||
        !make_panels(&o->correct, n, outputs)) {
        return aft_fail(error, AFT_ERR_MEMORY, "create an observer: out of memory");
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            set_entry(&o->predict, i, j, kalman->phi[i * n + j]);
        }
        set_entry(&o->predict, i, n, model->held_force[i]);
        set_entry(&o->predict, i, n + 1, model->ground_start[i]);
        o->ground_end[i] = (float)model->ground_end[i];
        for (int k = 0; k < outputs; k++) {
            set_entry(&o->correct, i, k, kalman->gain[i * outputs + k]);
        }
    }
    for (int k = 0; k < outputs; k++) {
        o->channel[k] = kalman->channel[k];
        for (int j = 0; j <= n; j++) {
            set_entry(&o->output, k, j, kalman->output[k * (n + 1) + j]);
        }
    }
    return AFT_OK;
}

static enum aft_code fill_nominal(struct aft_observer *o, const struct aft_control_model *model,
                                  const struct aft_nominal_config *nominal, struct aft_error *error)
{
    double gain[AFT_CONTROL_MAX_STATES];
    const struct aft_lqr_weights weights = {.drift_rate = nominal->drift_rate,
                                            .stroke = nominal->stroke,
                                            .stroke_rate = nominal->stroke_rate,
                                            .control = nominal->control};
    if (!nominal->enabled) {
        return AFT_OK;
    }
    enum aft_code code = aft_lqr_gain(gain, model, &weights, error);
    for (int i = 0; i < model->n && code == AFT_OK; i++) {
        o->gain[i] = (float)gain[i];
    }
    return code;
}

static void fill_sizes(struct aft_observer *o, const struct aft_environment_config *config,
                       const struct aft_kalman *kalman)
{
    const struct aft_sensor_config *sensors = &kalman->sensors.config;
    const struct aft_building *building = &kalman->model->building;
    o->n = kalman->n;
    o->n_outputs = kalman->n_outputs;
    o->ground = kalman->ground;
    o->latency = sensors->latency_steps;
    o->drops = sensors->dropout > 0.0;
    o->dof = building->dof;
    o->floors = building->floors;
    o->per_height_1_m = (float)(1.0 / building->storey_height_m);
    o->force_limit_n = (float)kalman->model->force_limit_n;
    o->n_storeys = aft_observer_storeys(&config->building);
    for (int i = 0; i < o->n_storeys; i++) {
        o->storey[i] = (i + 1) * o->floors / o->n_storeys - 1;
    }
}

enum aft_code aft_observer_create(struct aft_observer **observer,
                                  const struct aft_environment_config *config,
                                  const struct aft_sensors *sensors, struct aft_error *error)
{
    struct aft_control_model *model = NULL;
    struct aft_kalman *kalman = NULL;
    *observer = NULL;
    struct aft_observer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create an observer: out of memory");
    }
    made->kernel = aft_plant_kernel(0);
    enum aft_code code = aft_control_model_create(&model, config, error);
    if (code == AFT_OK) {
        code = aft_kalman_create(&kalman, model, sensors, &filter_noise, error);
    }
    if (code == AFT_OK) {
        fill_sizes(made, config, kalman);
        code = fill_matrices(made, kalman, error);
    }
    if (code == AFT_OK) {
        code = fill_nominal(made, model, &config->nominal, error);
    }
    aft_kalman_destroy(kalman);
    aft_control_model_destroy(model);
    if (code != AFT_OK) {
        aft_observer_destroy(made);
        return code;
    }
    *observer = made;
    return AFT_OK;
}

void aft_observer_destroy(struct aft_observer *observer)
{
    if (observer != NULL) {
        free(observer->predict.values);
        free(observer->output.values);
        free(observer->correct.values);
        free(observer);
    }
}

int aft_observer_storey(const struct aft_observer *observer, int index)
{
    return observer->storey[index] + 1;
}

/* panels as rows */
static void unfold(float *rows, const struct panels *panels, int n_rows)
{
    for (int i = 0; i < n_rows; i++) {
        ptrdiff_t first = (ptrdiff_t)(i - i % PANEL) * panels->columns + i % PANEL;
        for (int j = 0; j < panels->columns; j++) {
            rows[(ptrdiff_t)i * panels->columns + j] = panels->values[first + (ptrdiff_t)j * PANEL];
        }
    }
}

enum aft_code aft_observer_model_create(struct aft_observer_model *model,
                                        const struct aft_observer *observer,
                                        struct aft_error *error)
{
    size_t n = (size_t)observer->n, outputs = (size_t)observer->n_outputs;
    *model = (struct aft_observer_model){
        .n = observer->n,
        .dof = observer->dof,
        .floors = observer->floors,
        .n_outputs = observer->n_outputs,
        .ground = observer->ground,
        .latency = observer->latency,
        .drops = observer->drops,
        .per_height_1_m = observer->per_height_1_m,
        .force_limit_n = observer->force_limit_n,
    };
    model->predict =
        calloc(n * (n + 2) + outputs * (n + 1) + n * outputs + n + (n + 1), sizeof *model->predict);
    if (model->predict == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "describe an observer: out of memory");
    }
    model->output = model->predict + n * (n + 2);
    model->correct = model->output + outputs * (n + 1);
    model->ground_end = model->correct + n * outputs;
    model->gain = model->ground_end + n;
    unfold(model->predict, &observer->predict, observer->n);
    unfold(model->output, &observer->output, observer->n_outputs);
    unfold(model->correct, &observer->correct, observer->n);
    memcpy(model->ground_end, observer->ground_end, n * sizeof *model->ground_end);
    memcpy(model->gain, observer->gain, (n + 1) * sizeof *model->gain);
    return AFT_OK;
}

void aft_observer_model_clear(struct aft_observer_model *model)
{
    free(model->predict);
    memset(model, 0, sizeof *model);
}

static inline void multiply(float *y, const struct aft_observer *o, const struct panels *a,
                            const float *x)
{
    o->kernel->lanes_f32(y, a->values, a->rows, a->columns, x);
}

static inline void copy_rows(float *to, const float *from, int rows)
{
    memcpy(to, from, (size_t)rows * AFT_LANES * sizeof *to);
}

/* state has room for two more rows: the force, and the ground at the start of the step. */
static inline void predict(float *next, const struct aft_observer *o, float *state,
                           const float *force, const float *ground)
{
    copy_rows(state + (ptrdiff_t)o->n * AFT_LANES, force, 1);
    copy_rows(state + (ptrdiff_t)(o->n + 1) * AFT_LANES, ground, 1);
    multiply(next, o, &o->predict, state);
}

/* The state at the time of the measurement, from its prediction (with room for one more
 * row, the force). A channel that
 * repeats its last value where channels drop out is not believed. */
static inline void correct(float *state, const struct aft_observer *o, float *memory,
                           const float *arrived, const float *force)
{
    float expected[(MAX_OUTPUTS + PANEL) * AFT_LANES];
    float innovation[MAX_OUTPUTS * AFT_LANES], change[MAX_ROWS * AFT_LANES];
    float *last = memory + (ptrdiff_t)last_at(o) * AFT_LANES;
    copy_rows(state + (ptrdiff_t)o->n * AFT_LANES, force, 1);
    multiply(expected, o, &o->output, state);
    for (int k = 0; k < o->n_outputs; k++) {
        const float *y = arrived + (ptrdiff_t)o->channel[k] * AFT_LANES;
        float *e = innovation + k * AFT_LANES;
        for (int j = 0; j < AFT_LANES; j++) {
            e[j] = y[j] - expected[k * AFT_LANES + j];
        }
        for (int j = 0; j < AFT_LANES && o->drops; j++) {
            e[j] = y[j] == last[k * AFT_LANES + j] ? 0.0F : e[j];
            last[k * AFT_LANES + j] = y[j];
        }
    }
    multiply(change, o, &o->correct, innovation);
    for (int i = 0; i < o->n * AFT_LANES; i++) {
        state[i] += change[i];
    }
}

static inline void show_stroke(const struct aft_observer *o, float *memory, const float *z)
{
    const float *roof = z + (ptrdiff_t)(o->floors - 1) * AFT_LANES;
    for (int rate = 0; rate <= 1; rate++, roof += (ptrdiff_t)o->dof * AFT_LANES) {
        float *stroke = memory + (AFT_OBSERVER_STROKE + rate) * AFT_LANES;
        for (int j = 0; j < AFT_LANES; j++) {
            stroke[j] = roof[AFT_LANES + j] - roof[j];
        }
    }
}

static inline void show_peak(const struct aft_observer *o, float *memory, const float *z)
{
    float *peak = memory + AFT_OBSERVER_PEAK_DRIFT * AFT_LANES;
    for (int i = 0; i < o->floors; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            float below = i > 0 ? z[(i - 1) * AFT_LANES + j] : 0.0F;
            float drift = fabsf(z[i * AFT_LANES + j] - below) * o->per_height_1_m;
            peak[j] = aft_larger_f32(drift, peak[j]);
        }
    }
}

/* of displacements, or of velocities */
static inline void show_drifts(const struct aft_observer *o, float *drift, const float *x)
{
    for (int k = 0; k < o->n_storeys; k++, drift += AFT_LANES) {
        const float *top = x + (ptrdiff_t)o->storey[k] * AFT_LANES;
        for (int j = 0; j < AFT_LANES; j++) {
            float below = o->storey[k] > 0 ? top[j - AFT_LANES] : 0.0F;
            drift[j] = (top[j] - below) * o->per_height_1_m;
        }
    }
}

static inline void show_nominal(const struct aft_observer *o, float *memory, const float *z,
                                const float *force)
{
    float share[AFT_LANES];
    for (int j = 0; j < AFT_LANES; j++) {
        share[j] = -o->gain[o->n] * force[j];
    }
    for (int i = 0; i < o->n; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            share[j] -= o->gain[i] * z[i * AFT_LANES + j];
        }
    }
    for (int j = 0; j < AFT_LANES; j++) {
        memory[AFT_OBSERVER_NOMINAL * AFT_LANES + j] = aft_clamp_f32(share[j], -1.0F, 1.0F);
    }
}

static inline void show(const struct aft_observer *o, float *memory, const float *z,
                        const float *force)
{
    float *drift = memory + AFT_OBSERVER_DRIFTS * AFT_LANES;
    show_nominal(o, memory, z, force);
    show_stroke(o, memory, z);
    show_peak(o, memory, z);
    show_drifts(o, drift, z);
    show_drifts(o, drift + (ptrdiff_t)o->n_storeys * AFT_LANES, z + (ptrdiff_t)o->dof * AFT_LANES);
}

/* The estimate of now from that of the measurement's time: with the forces since,
 * and the ground's acceleration taken as zero after its last sample. */
static inline void step_lanes(const struct aft_observer *o, float *memory, const float *arrived,
                              const float *actuator_n)
{
    float room[2][(MAX_ROWS + 2) * AFT_LANES];
    float *z = room[0], *next = room[1];
    static const float silence[AFT_LANES] = {0.0F};
    const float *ground = arrived + (ptrdiff_t)o->ground * AFT_LANES;
    float *state = memory + (ptrdiff_t)state_at(o) * AFT_LANES;
    float *before = memory + (ptrdiff_t)ground_at(o) * AFT_LANES;
    float *forces = memory + (ptrdiff_t)forces_at(o) * AFT_LANES;
    memmove(forces, forces + AFT_LANES, (size_t)o->latency * AFT_LANES * sizeof *forces);
    float *latest = forces + (ptrdiff_t)o->latency * AFT_LANES;
    for (int j = 0; j < AFT_LANES; j++) {
        latest[j] = actuator_n[j] / o->force_limit_n;
    }
    if (o->latency == 0) {
        copy_rows(next, state, o->n);
        predict(z, o, next, latest, before);
    } else { /* made when the last measurement came */
        copy_rows(z, state, o->n);
    }
    for (int i = 0; i < o->n; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            z[i * AFT_LANES + j] += o->ground_end[i] * ground[j];
        }
    }
    correct(z, o, memory, arrived, forces);
    copy_rows(before, ground, 1);
    for (int i = 1; i <= o->latency; i++) {
        predict(next, o, z, forces + (ptrdiff_t)i * AFT_LANES, i == 1 ? ground : silence);
        float *estimated = next;
        next = z;
        z = estimated;
        if (i == 1) {
            copy_rows(state, z, o->n);
        }
    }
    if (o->latency == 0) {
        copy_rows(state, z, o->n);
    }
    show(o, memory, z, latest);
}

AFT_SIMD_FUNCTION(aft_observer_step_lanes,
                  (const struct aft_observer *observer, float *memory, const float *arrived,
                   const float *actuator_n),
                  step_lanes, (observer, memory, arrived, actuator_n))

void aft_observer_step(const struct aft_observer *observer, float *memory, const float *arrived,
                       float actuator_n)
{
    float lanes[AFT_OBSERVER_MAX_MEMORY * AFT_LANES] = {0.0F},
                                          channels[(MAX_OUTPUTS + 1) * AFT_LANES] = {0.0F};
    float force[AFT_LANES] = {actuator_n};
    int rows = aft_observer_memory(observer);
    for (int i = 0; i < rows; i++) {
        lanes[i * AFT_LANES] = memory[i];
    }
    for (int i = 0; i <= observer->n_outputs; i++) {
        channels[i * AFT_LANES] = arrived[i];
    }
    aft_observer_step_lanes(observer, lanes, channels, force);
    for (int i = 0; i < rows; i++) {
        memory[i] = lanes[i * AFT_LANES];
    }
}
