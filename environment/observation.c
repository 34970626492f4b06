#include "environment/observation.h"

#include "base/random_lanes.h"
#include "base/simd.h"
#include "environment/clamp.h"
#include "environment/observation_units.h"
#include "environment/observer.h"

#include <math.h>
#include <string.h>

static const float leak_time_s = 2.0F;
static const uint32_t dropout_draws = 0x80000000U; /* beside the noise in one key */
enum { MAX_LATENCY_STEPS = AFT_SENSOR_MAX_LATENCY_STEPS, MAX_BITS = 32 };
enum { MAX_CHANNELS = AFT_OBSERVATION_MAX_CHANNELS };

/* Channels in order: n floors, ground, stroke, stroke's rate, m drifts, m rates. */
static int ground_channel(const struct aft_sensors *s)
{
    return s->config.n_acceleration_floors;
}

static int stroke_channel(const struct aft_sensors *s)
{
    return s->config.n_acceleration_floors + 1;
}

static int drift_channel(const struct aft_sensors *s)
{
    return s->config.n_acceleration_floors + 3;
}

/* Memory in order: the latest latency_steps + 1 measurements, the newest first, then
 * the integrals, the peak, the onset. */
static ptrdiff_t integrals_at(const struct aft_sensors *s)
{
    return (ptrdiff_t)s->n_channels * (s->config.latency_steps + 1);
}

static ptrdiff_t peak_at(const struct aft_sensors *s)
{
    return integrals_at(s) + s->config.n_acceleration_floors;
}

static ptrdiff_t onset_at(const struct aft_sensors *s)
{
    return peak_at(s) + 1;
}

/* Without an observer and a nominal controller. */
static int plain_obs_dim(const struct aft_sensor_config *config)
{
    return 2 * config->n_acceleration_floors + 1 + 2 * config->n_drift_storeys + 2 + 4;
}

int aft_sensors_obs_dim(const struct aft_environment_config *config)
{
    int dim = plain_obs_dim(&config->sensors);
    if (config->sensors.observer) { /* drifts and rates instead of integrals */
        dim += 2 * aft_observer_storeys(&config->building) - config->sensors.n_acceleration_floors;
    }
    return dim + (config->nominal.enabled ? 1 : 0);
}

static enum aft_code check_places(const int *place, int n, int floors, const char *name,
                                  struct aft_error *error)
{
    if (n < 0 || n > AFT_SENSOR_MAX_CHANNELS) {
        return aft_fail(error, AFT_ERR_USAGE, "sensors: %d %s, expected 0 to %d", n, name,
                        AFT_SENSOR_MAX_CHANNELS);
    }
    for (int i = 0; i < n; i++) {
        if (place[i] < 1 || place[i] > floors) {
            return aft_fail(error, AFT_ERR_USAGE, "sensors: %s names %d, expected 1 to %d", name,
                            place[i], floors);
        }
    }
    return AFT_OK;
}

static enum aft_code check_config(const struct aft_sensor_config *config, int floors,
                                  struct aft_error *error)
{
    enum aft_code code = check_places(config->acceleration_floors, config->n_acceleration_floors,
                                      floors, "acceleration_floors", error);
    if (code == AFT_OK) {
        code = check_places(config->drift_storeys, config->n_drift_storeys, floors, "drift_storeys",
                            error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (!(config->noise >= 0.0) || !isfinite(config->noise) || !(config->dropout >= 0.0) ||
        !(config->dropout <= 1.0) || config->bits < 0 || config->bits > MAX_BITS ||
        config->latency_steps < 0 || config->latency_steps > MAX_LATENCY_STEPS ||
        !(config->accelerometer_range_m_s2 > 0.0) || !(config->guard_reach >= 0.0) ||
        !(config->guard_reach <= 1.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "sensors: noise %g, dropout %g, %d bits, latency %d steps, accelerometers' "
                        "range %g m/s2, guard's reach %g: expected 0 or more, 0 to 1, 0 to %d, 0 "
                        "to %d, above 0, 0 to 1",
                        config->noise, config->dropout, config->bits, config->latency_steps,
                        config->accelerometer_range_m_s2, config->guard_reach, MAX_BITS,
                        MAX_LATENCY_STEPS);
    }
    return AFT_OK;
}

static void set_full_scales(struct aft_sensors *s, double stroke_m)
{
    int m = s->config.n_drift_storeys;
    for (int i = 0; i <= ground_channel(s); i++) {
        s->full_scale[i] = (float)s->config.accelerometer_range_m_s2;
    }
    s->full_scale[stroke_channel(s)] = stroke_m > 0.0 ? (float)(1.5 * stroke_m) : 3.0F;
    s->full_scale[stroke_channel(s) + 1] = 10.0F;
    for (int i = 0; i < m; i++) {
        s->full_scale[drift_channel(s) + i] = 0.05F;
        s->full_scale[drift_channel(s) + m + i] = 0.5F;
    }
}

static struct aft_stroke_guard guard_of(const struct aft_sensor_config *config,
                                        const struct aft_plant *plant)
{
    const struct aft_building *building = &plant->building;
    bool usable = plant->actuator.force_limit_n > 0.0 && plant->stop.limit_m > 0.0;
    return (struct aft_stroke_guard){
        .reach = usable ? config->guard_reach : 0.0,
        .braking = 0.8,
        .stroke_m = plant->stop.limit_m,
        .force_limit_n = plant->actuator.force_limit_n,
        .device_kg = building->mass_kg[building->dof - 1],
    };
}

enum aft_code aft_sensors_init(struct aft_sensors *sensors, const struct aft_sensor_config *config,
                               const struct aft_plant *plant, double control_dt_s,
                               struct aft_error *error)
{
    enum aft_code code = check_config(config, plant->building.floors, error);
    if (code != AFT_OK) {
        return code;
    }
    *sensors = (struct aft_sensors){.config = *config};
    sensors->n_channels = config->n_acceleration_floors + 3 + 2 * config->n_drift_storeys;
    sensors->n_memory = (int)onset_at(sensors) + 1;
    sensors->obs_dim = plain_obs_dim(config);
    sensors->draws = ((uint64_t)sensors->n_channels + 3) / 4 * 4;
    sensors->control_dt_s = (float)control_dt_s;
    sensors->leak = expf(-(float)control_dt_s / leak_time_s);
    sensors->force_limit_n = (float)plant->actuator.force_limit_n;
    sensors->guard = guard_of(config, plant);
    set_full_scales(sensors, plant->stop.limit_m);
    for (int i = 0; i < sensors->n_channels; i++) {
        sensors->unit[i] = ldexpf(sensors->full_scale[i], 1 - config->bits);
        sensors->per_unit[i] = 1.0F / sensors->unit[i];
    }
    float noise = (float)config->noise * sensors->full_scale[ground_channel(sensors)];
    sensors->onset_threshold_m_s2 = fmaxf(0.1F, 5.0F * noise);
    return AFT_OK;
}

enum aft_code aft_sensors_assist(struct aft_sensors *sensors, struct aft_observer **observer,
                                 const struct aft_environment_config *config,
                                 struct aft_error *error)
{
    *observer = NULL;
    sensors->obs_dim = aft_sensors_obs_dim(config);
    if (!config->sensors.observer) {
        return config->nominal.enabled
                   ? aft_fail(error, AFT_ERR_USAGE,
                              "a nominal controller needs an observer to know the state from")
                   : AFT_OK;
    }
    struct aft_sensors nominal = *sensors;
    nominal.config.dropout = config->sensors.dropout; /* what the filter is made for */
    enum aft_code code = aft_observer_create(observer, config, &nominal, error);
    if (code == AFT_OK) {
        sensors->observer = *observer;
        sensors->observer_at = sensors->n_memory;
        sensors->n_memory += aft_observer_memory(*observer);
        sensors->n_storeys = aft_observer_storeys(&config->building);
        sensors->nominal = config->nominal.enabled;
    }
    return code;
}

void aft_sensors_reset(const struct aft_sensors *sensors, float *memory)
{
    memset(memory, 0, (size_t)sensors->n_memory * sizeof *memory);
    memory[onset_at(sensors)] = -1.0F;
}

void aft_sensors_sense(float *channels, const struct aft_sensors *sensors,
                       const struct aft_plant *plant, const double *state, int stride,
                       const double ground_and_force[2])
{
    const struct aft_sensor_config *config = &sensors->config;
    const double *rate = state + (ptrdiff_t)plant->building.dof * stride;
    double floors[AFT_BUILDING_MAX_FLOORS], per_height = 1.0 / plant->building.storey_height_m;
    if (config->n_acceleration_floors > 0) {
        aft_building_floor_accelerations(floors, &plant->building, state, stride,
                                         ground_and_force[1]);
    }
    for (int i = 0; i < config->n_acceleration_floors; i++) {
        channels[i] = (float)floors[config->acceleration_floors[i] - 1];
    }
    channels[ground_channel(sensors)] = (float)ground_and_force[0];
    channels[stroke_channel(sensors)] = (float)aft_plant_stroke(plant, state, stride);
    channels[stroke_channel(sensors) + 1] = (float)aft_plant_stroke_rate(plant, state, stride);
    float *drift = channels + drift_channel(sensors);
    for (int i = 0; i < config->n_drift_storeys; i++) {
        ptrdiff_t top = (ptrdiff_t)(config->drift_storeys[i] - 1) * stride, foot = top - stride;
        bool ground_floor = config->drift_storeys[i] == 1;
        drift[i] = (float)((state[top] - (ground_floor ? 0.0 : state[foot])) * per_height);
        drift[config->n_drift_storeys + i] =
            (float)((rate[top] - (ground_floor ? 0.0 : rate[foot])) * per_height);
    }
}

/*
 * What follows works on n lanes: entry (row, lane) is at [row * n + lane]. n is 1
 * for one environment and AFT_LANES for a block of them, known where it is called.
 */
struct truth {                                /* what a control step measures */
    const float *channels;                    /* [n_channels][n] */
    const float *noise;                       /* [n_channels][n] standard normal, or NULL */
    const double *lots;                       /* [n_channels][n] uniform, or NULL */
    const uint32_t *step;                     /* [n] */
    const float *extra_noise, *extra_dropout; /* [n], beside the configured ones, or NULL */
};

static inline void measure_channel(float *value, const float *last, const struct aft_sensors *s,
                                   int channel, const struct truth *truth, int n)
{
    float full = s->full_scale[channel], unit = s->unit[channel], per_unit = s->per_unit[channel];
    float deviation = (float)s->config.noise * full, dropout = (float)s->config.dropout;
    ptrdiff_t row = (ptrdiff_t)channel * n;
    for (int j = 0; j < n; j++) {
        value[j] = truth->channels[row + j];
    }
    for (int j = 0; j < n && truth->noise != NULL; j++) {
        value[j] += deviation * truth->noise[row + j];
    }
    for (int j = 0; j < n && truth->extra_noise != NULL; j++) {
        value[j] += truth->extra_noise[j] * full * truth->noise[row + j];
    }
    for (int j = 0; j < n && s->config.bits > 0; j++) {
        value[j] = unit * rintf(aft_clamp_f32(value[j], -full, full) * per_unit);
    }
    for (int j = 0; j < n && truth->lots != NULL; j++) {
        float extra = truth->extra_dropout != NULL ? truth->extra_dropout[j] : 0.0F;
        value[j] = (float)truth->lots[row + j] < dropout + extra ? last[j] : value[j];
    }
}

/* One measurement in at the front, the oldest out. */
static inline void take_in(float *memory, const struct aft_sensors *s, const struct truth *truth,
                           int n)
{
    float value[MAX_CHANNELS * AFT_LANES];
    size_t size = (size_t)s->n_channels * (size_t)n;
    for (int i = 0; i < s->n_channels; i++) {
        measure_channel(value + i * n, memory + i * n, s, i, truth, n);
    }
    if (s->config.latency_steps > 0) {
        memmove(memory + size, memory, (size_t)s->config.latency_steps * size * sizeof *memory);
    }
    memcpy(memory, value, size * sizeof *memory);
}

/* What has arrived: zeros (as after reset) before the first has. */
static inline const float *arrived(const struct aft_sensors *s, const float *memory, int n)
{
    return memory + (ptrdiff_t)s->n_channels * s->config.latency_steps * n;
}

static inline void integrate(float *memory, const struct aft_sensors *s, const float *now, int n)
{
    float *integral = memory + integrals_at(s) * n;
    for (int i = 0; i < s->config.n_acceleration_floors; i++) {
        for (int j = 0; j < n; j++) {
            integral[i * n + j] = s->leak * integral[i * n + j] + s->control_dt_s * now[i * n + j];
        }
    }
}

static inline void watch(float *memory, const struct aft_sensors *s, const float *now,
                         const uint32_t *step, int n)
{
    float *peak = memory + peak_at(s) * n, *onset = memory + onset_at(s) * n;
    bool drifts = s->config.n_drift_storeys > 0;
    const float *watched = drifts ? now + (ptrdiff_t)drift_channel(s) * n : now;
    int channels = drifts ? s->config.n_drift_storeys : s->config.n_acceleration_floors;
    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < n; j++) {
            peak[j] = aft_larger_f32(fabsf(watched[i * n + j]), peak[j]);
        }
    }
    const float *ground = now + (ptrdiff_t)ground_channel(s) * n;
    for (int j = 0; j < n; j++) {
        bool starts = (onset[j] < 0.0F) & (fabsf(ground[j]) > s->onset_threshold_m_s2);
        onset[j] = starts ? (float)step[j] : onset[j];
    }
}

static inline void measure(float *memory, const struct aft_sensors *s, const struct truth *truth,
                           int n)
{
    take_in(memory, s, truth, n);
    const float *now = arrived(s, memory, n);
    if (s->observer == NULL) {
        integrate(memory, s, now, n);
    }
    watch(memory, s, now, truth->step, n);
}

/* rows of obs = rows of from times the factor; the next free row of obs. */
static inline float *put(float *obs, const float *from, int rows, float factor, int n)
{
    for (int i = 0; i < rows * n; i++) {
        obs[i] = from[i] * factor;
    }
    return obs + (ptrdiff_t)rows * n;
}

/* The result `row` of the observer. */
static inline const float *estimate(const struct aft_sensors *s, const float *memory, int row,
                                    int n)
{
    return memory + (ptrdiff_t)(s->observer_at + row) * n;
}

static inline const float *observed_stroke(const struct aft_sensors *s, const float *memory, int n)
{
    return s->observer != NULL ? estimate(s, memory, AFT_OBSERVER_STROKE, n)
                               : arrived(s, memory, n) + (ptrdiff_t)stroke_channel(s) * n;
}

static inline float *put_peak(float *obs, const struct aft_sensors *s, const float *memory, int n)
{
    if (s->observer != NULL) {
        return put(obs, estimate(s, memory, AFT_OBSERVER_PEAK_DRIFT, n), 1, 1.0F / peak_drift_unit,
                   n);
    }
    float unit = s->config.n_drift_storeys > 0 ? peak_drift_unit : peak_floor_unit_m_s2;
    return put(obs, memory + peak_at(s) * n, 1, 1.0F / unit, n);
}

static inline float *put_history(float *obs, const struct aft_sensors *s, const float *memory,
                                 int n)
{
    if (s->observer == NULL) {
        int floors = s->config.n_acceleration_floors;
        return put(obs, memory + integrals_at(s) * n, floors, 1.0F / integral_unit_m_s, n);
    }
    const float *drift = estimate(s, memory, AFT_OBSERVER_DRIFTS, n);
    obs = put(obs, drift, s->n_storeys, 1.0F / drift_unit, n);
    return put(obs, drift + (ptrdiff_t)s->n_storeys * n, s->n_storeys, 1.0F / drift_rate_unit_1_s,
               n);
}

static inline void observe(float *obs, const struct aft_sensors *s, const float *memory,
                           const float *force_n, const uint32_t *step, int n)
{
    const float *now = arrived(s, memory, n), *onset = memory + onset_at(s) * n;
    const float *drift = now + (ptrdiff_t)drift_channel(s) * n;
    const float *stroke = observed_stroke(s, memory, n);
    int floors = s->config.n_acceleration_floors, storeys = s->config.n_drift_storeys;
    float limit = s->force_limit_n;
    obs = put(obs, now, floors, 1.0F / floor_unit_m_s2, n);
    obs = put(obs, now + (ptrdiff_t)ground_channel(s) * n, 1, 1.0F / ground_unit_m_s2, n);
    obs = put_history(obs, s, memory, n);
    obs = put(obs, drift, storeys, 1.0F / drift_unit, n);
    obs = put(obs, drift + (ptrdiff_t)storeys * n, storeys, 1.0F / drift_rate_unit_1_s, n);
    obs = put(obs, stroke, 1, 1.0F / stroke_unit_m, n);
    obs = put(obs, stroke + n, 1, 1.0F / stroke_rate_unit_m_s, n);
    obs = put(obs, force_n, 1, limit > 0.0F ? 1.0F / limit : 0.0F, n);
    for (int j = 0; j < n; j++) {
        obs[j] = limit / force_limit_unit_n;
    }
    obs = put_peak(obs + n, s, memory, n);
    for (int j = 0; j < n; j++) {
        float since_s = ((float)step[j] - onset[j]) * s->control_dt_s;
        since_s = onset[j] < 0.0F ? 0.0F : since_s;
        obs[j] = aft_clamp_f32(since_s * (1.0F / onset_unit_s), 0.0F, onset_most);
    }
    if (s->nominal) {
        (void)put(obs + n, estimate(s, memory, AFT_OBSERVER_NOMINAL, n), 1, 1.0F, n);
    }
}

struct aft_guard_limits aft_sensors_guard(const struct aft_sensors *sensors)
{
    const struct aft_stroke_guard *guard = &sensors->guard;
    struct aft_guard_limits limits = {(float)(guard->reach * guard->stroke_m), 0.0F};
    if (guard->reach > 0.0) {
        limits.s2_per_m = (float)(0.5 * guard->device_kg / (guard->braking * guard->force_limit_n));
    }
    return limits;
}

/* shares: actions in, commands out */
static inline void command(float *shares, const struct aft_sensors *s, const float *memory, int n)
{
    const float *stroke = observed_stroke(s, memory, n), *rate = stroke + n;
    const float *nominal = s->nominal ? estimate(s, memory, AFT_OBSERVER_NOMINAL, n) : NULL;
    struct aft_guard_limits guard = aft_sensors_guard(s);
    for (int j = 0; j < n && nominal != NULL; j++) {
        shares[j] = aft_clamp_f32(nominal[j] + shares[j], -1.0F, 1.0F);
    }
    for (int j = 0; j < n && guard.reach_m > 0.0F; j++) {
        bool beyond = fabsf(stroke[j]) + rate[j] * rate[j] * guard.s2_per_m > guard.reach_m;
        bool outward = stroke[j] * rate[j] > 0.0F;
        float brake = rate[j] > 0.0F ? -1.0F : 1.0F;
        shares[j] = (beyond & outward) ? brake : shares[j];
    }
}

float aft_sensors_command(const struct aft_sensors *sensors, const float *memory, float action)
{
    command(&action, sensors, memory, 1);
    return action;
}

const float *aft_sensors_arrived(const struct aft_sensors *sensors, const float *memory)
{
    return arrived(sensors, memory, 1);
}

void aft_sensors_measure(const struct aft_sensors *sensors, float *memory,
                         const struct aft_sensed *sensed, const struct aft_sensor_stream *stream)
{
    float noise[MAX_CHANNELS];
    double lots[MAX_CHANNELS];
    struct truth truth = {.channels = sensed->channels, .step = &sensed->step};
    size_t n = (size_t)sensors->n_channels;
    uint64_t first = sensed->step * sensors->draws;
    truth.extra_noise = stream->extra_noise > 0.0F ? &stream->extra_noise : NULL;
    truth.extra_dropout = stream->extra_dropout > 0.0F ? &stream->extra_dropout : NULL;
    if (sensors->config.noise > 0.0 || truth.extra_noise != NULL) {
        aft_random_normal_f32(noise, n, stream->key, stream->high, stream->middle, first);
        truth.noise = noise;
    }
    if (sensors->config.dropout > 0.0 || truth.extra_dropout != NULL) {
        aft_random_uniform(lots, n, stream->key, stream->high, stream->middle | dropout_draws,
                           first);
        truth.lots = lots;
    }
    measure(memory, sensors, &truth, 1);
    if (sensors->observer != NULL) {
        aft_observer_step(sensors->observer, memory + sensors->observer_at,
                          arrived(sensors, memory, 1), sensed->actuator_n);
    }
}

void aft_sensors_observe(float *obs, const struct aft_sensors *sensors, const float *memory,
                         const struct aft_sensed *sensed)
{
    observe(obs, sensors, memory, &sensed->actuator_n, &sensed->step, 1);
}

/* aft_sensors_sense, for lanes. */
static inline void sense_lanes(float *channels, const struct aft_sensors *s,
                               const struct aft_plant *plant, const struct aft_sensor_lanes *lanes)
{
    int floors = s->config.n_acceleration_floors, storeys = s->config.n_drift_storeys;
    float per_height = (float)(1.0 / plant->building.storey_height_m);
    ptrdiff_t device = plant->device_row, roof = plant->roof_row, dof = plant->building.dof;
    for (int i = 0; i < floors; i++) {
        memcpy(channels + i * AFT_LANES,
               lanes->floor_m_s2 + (s->config.acceleration_floors[i] - 1) * AFT_LANES,
               AFT_LANES * sizeof *channels);
    }
    memcpy(channels + ground_channel(s) * AFT_LANES, lanes->ground_m_s2,
           AFT_LANES * sizeof *channels);
    for (int rate = 0; rate <= 1; rate++) {
        const float *x = lanes->state + rate * dof * AFT_LANES;
        float *stroke = channels + (stroke_channel(s) + rate) * AFT_LANES;
        for (int j = 0; j < AFT_LANES; j++) {
            stroke[j] = device < 0 ? 0.0F : x[device * AFT_LANES + j] - x[roof * AFT_LANES + j];
        }
        float *drift = channels + (drift_channel(s) + rate * storeys) * AFT_LANES;
        for (int i = 0; i < storeys; i++, drift += AFT_LANES) {
            const float *top = x + (s->config.drift_storeys[i] - 1) * AFT_LANES;
            float moves = s->config.drift_storeys[i] > 1 ? 1.0F : 0.0F;
            const float *foot = s->config.drift_storeys[i] > 1 ? top - AFT_LANES : top;
            for (int j = 0; j < AFT_LANES; j++) {
                drift[j] = (top[j] - moves * foot[j]) * per_height;
            }
        }
    }
}

static void fill_noise(float *noise, const struct aft_sensors *s,
                       const struct aft_sensor_lanes *lanes)
{
    struct aft_random_place place;
    int blocks = (int)(s->draws / 4);
    for (int j = 0; j < AFT_LANES; j++) {
        place.high[j] = lanes->high[j];
        place.middle[j] = lanes->middle[j];
        place.index[j] = lanes->step[j] * (uint32_t)blocks;
    }
    aft_random_normal_lanes(noise, blocks, *lanes->key, &place);
}

static void fill_lots(double *lots, const struct aft_sensors *s,
                      const struct aft_sensor_lanes *lanes)
{
    double one[MAX_CHANNELS];
    for (int j = 0; j < AFT_LANES; j++) {
        aft_random_uniform(one, (size_t)s->n_channels, *lanes->key, lanes->high[j],
                           lanes->middle[j] | dropout_draws, lanes->step[j] * s->draws);
        for (int i = 0; i < s->n_channels; i++) {
            lots[i * AFT_LANES + j] = one[i];
        }
    }
}

static inline void step_lanes(float *obs, float *memory, const struct aft_sensors *sensors,
                              const struct aft_plant *plant, const struct aft_sensor_lanes *lanes)
{
    float channels[MAX_CHANNELS * AFT_LANES], noise[(MAX_CHANNELS + 3) * AFT_LANES];
    double lots[MAX_CHANNELS * AFT_LANES];
    struct truth truth = {.channels = channels,
                          .step = lanes->step,
                          .extra_noise = lanes->extra_noise,
                          .extra_dropout = lanes->extra_dropout};
    sense_lanes(channels, sensors, plant, lanes);
    if (sensors->config.noise > 0.0 || lanes->extra_noise != NULL) {
        fill_noise(noise, sensors, lanes);
        truth.noise = noise;
    }
    if (sensors->config.dropout > 0.0 || lanes->extra_dropout != NULL) {
        fill_lots(lots, sensors, lanes);
        truth.lots = lots;
    }
    measure(memory, sensors, &truth, AFT_LANES);
    if (sensors->observer != NULL) {
        aft_observer_step_lanes(sensors->observer,
                                memory + (ptrdiff_t)sensors->observer_at * AFT_LANES,
                                arrived(sensors, memory, AFT_LANES), lanes->actuator_n);
    }
    observe(obs, sensors, memory, lanes->actuator_n, lanes->step, AFT_LANES);
}

AFT_SIMD_FUNCTION(aft_sensors_step_lanes,
                  (float *obs, float *memory, const struct aft_sensors *sensors,
                   const struct aft_plant *plant, const struct aft_sensor_lanes *lanes),
                  step_lanes, (obs, memory, sensors, plant, lanes))

static inline void command_lanes(float *shares, const struct aft_sensors *sensors,
                                 const float *memory)
{
    command(shares, sensors, memory, AFT_LANES);
}

AFT_SIMD_FUNCTION(aft_sensors_command_lanes,
                  (float *shares, const struct aft_sensors *sensors, const float *memory),
                  command_lanes, (shares, sensors, memory))
