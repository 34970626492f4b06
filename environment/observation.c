#include "environment/observation.h"

#include "environment/clamp.h"

#include <math.h>
#include <string.h>

static const float leak_time_s = 2.0F, force_unit_n = 150e3F, onset_unit_s = 10.0F;
static const uint32_t dropout_draws = 0x80000000U; /* beside the noise in one key */
enum { MAX_LATENCY_STEPS = 100, MAX_BITS = 32 };

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

/* Memory in order: the ring of measurements, each channel's last, integrals, peak, onset. */
static float *last_values(const struct aft_sensors *s, float *memory)
{
    return memory + (ptrdiff_t)s->n_channels * (s->config.latency_steps + 1);
}

static ptrdiff_t integrals_at(const struct aft_sensors *s)
{
    return (ptrdiff_t)s->n_channels * (s->config.latency_steps + 2);
}

static ptrdiff_t peak_at(const struct aft_sensors *s)
{
    return integrals_at(s) + s->config.n_acceleration_floors;
}

static ptrdiff_t onset_at(const struct aft_sensors *s)
{
    return peak_at(s) + 1;
}

int aft_sensors_obs_dim(const struct aft_sensor_config *config)
{
    return 2 * config->n_acceleration_floors + 1 + 2 * config->n_drift_storeys + 2 + 4;
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
        config->latency_steps < 0 || config->latency_steps > MAX_LATENCY_STEPS) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "sensors: noise %g, dropout %g, %d bits, latency %d steps: expected 0 or "
                        "more, 0 to 1, 0 to %d, 0 to %d",
                        config->noise, config->dropout, config->bits, config->latency_steps,
                        MAX_BITS, MAX_LATENCY_STEPS);
    }
    return AFT_OK;
}

static void set_full_scales(struct aft_sensors *s, double stroke_m)
{
    int n = s->config.n_acceleration_floors, m = s->config.n_drift_storeys;
    for (int i = 0; i < n; i++) {
        s->full_scale[i] = 40.0F;
    }
    s->full_scale[ground_channel(s)] = 20.0F;
    s->full_scale[stroke_channel(s)] = stroke_m > 0.0 ? (float)(1.5 * stroke_m) : 3.0F;
    s->full_scale[stroke_channel(s) + 1] = 10.0F;
    for (int i = 0; i < m; i++) {
        s->full_scale[drift_channel(s) + i] = 0.05F;
        s->full_scale[drift_channel(s) + m + i] = 0.5F;
    }
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
    sensors->obs_dim = aft_sensors_obs_dim(config);
    sensors->n_memory = (int)onset_at(sensors) + 1;
    sensors->draws = ((uint64_t)sensors->n_channels + 3) / 4 * 4;
    sensors->control_dt_s = (float)control_dt_s;
    sensors->leak = expf(-(float)control_dt_s / leak_time_s);
    sensors->force_limit_n = (float)plant->actuator.force_limit_n;
    set_full_scales(sensors, plant->stop.limit_m);
    for (int i = 0; i < sensors->n_channels; i++) {
        sensors->unit[i] = ldexpf(sensors->full_scale[i], 1 - config->bits);
    }
    float noise = (float)config->noise * sensors->full_scale[ground_channel(sensors)];
    sensors->onset_threshold_m_s2 = fmaxf(0.1F, 5.0F * noise);
    return AFT_OK;
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

/* value is [n_channels]: what the converter makes of it. */
static void convert(float *value, const struct aft_sensors *sensors)
{
    for (int i = 0; i < sensors->n_channels; i++) {
        float full = sensors->full_scale[i];
        float unit = sensors->unit[i];
        value[i] = unit * rintf(aft_clamp_f32(value[i], -full, full) / unit);
    }
}

static void add_noise(float *value, const struct aft_sensors *sensors,
                      const struct aft_sensor_stream *stream, uint32_t step)
{
    float noise[AFT_OBSERVATION_MAX_CHANNELS];
    size_t n = (size_t)sensors->n_channels;
    aft_random_normal_f32(noise, n, stream->key, stream->high, stream->middle,
                          step * sensors->draws);
    for (size_t i = 0; i < n; i++) {
        value[i] += (float)sensors->config.noise * sensors->full_scale[i] * noise[i];
    }
}

/* Channels that drop out repeat their last value. */
static void drop_out(float *value, const float *last, const struct aft_sensors *sensors,
                     const struct aft_sensor_stream *stream, uint32_t step)
{
    double lot[AFT_OBSERVATION_MAX_CHANNELS];
    size_t n = (size_t)sensors->n_channels;
    aft_random_uniform(lot, n, stream->key, stream->high, stream->middle | dropout_draws,
                       step * sensors->draws);
    for (size_t i = 0; i < n; i++) {
        value[i] = lot[i] < sensors->config.dropout ? last[i] : value[i];
    }
}

/* One measurement into the ring. */
static void take_in(const struct aft_sensors *sensors, float *memory, const float *channels,
                    const struct aft_sensor_stream *stream, uint32_t step)
{
    const struct aft_sensor_config *config = &sensors->config;
    size_t n = (size_t)sensors->n_channels;
    float *slot = memory + step % (uint32_t)(config->latency_steps + 1) * n;
    float *last = last_values(sensors, memory);
    memcpy(slot, channels, n * sizeof *slot);
    if (config->noise > 0.0) {
        add_noise(slot, sensors, stream, step);
    }
    if (config->bits > 0) {
        convert(slot, sensors);
    }
    if (config->dropout > 0.0) {
        drop_out(slot, last, sensors, stream, step);
        memcpy(last, slot, n * sizeof *last);
    }
}

const float *aft_sensors_arrived(const struct aft_sensors *sensors, const float *memory,
                                 uint32_t step)
{
    uint32_t slots = (uint32_t)sensors->config.latency_steps + 1;
    return memory + (size_t)((step + 1) % slots) * (size_t)sensors->n_channels;
}

void aft_sensors_measure(const struct aft_sensors *sensors, float *memory, const float *channels,
                         const struct aft_sensor_stream *stream, uint32_t step)
{
    take_in(sensors, memory, channels, stream, step);
    const float *now = aft_sensors_arrived(sensors, memory, step);
    float *integral = memory + integrals_at(sensors), *peak = memory + peak_at(sensors);
    for (int i = 0; i < sensors->config.n_acceleration_floors; i++) {
        integral[i] = sensors->leak * integral[i] + sensors->control_dt_s * now[i];
    }
    bool drifts = sensors->config.n_drift_storeys > 0;
    const float *watched = drifts ? now + drift_channel(sensors) : now;
    int n = drifts ? sensors->config.n_drift_storeys : sensors->config.n_acceleration_floors;
    for (int i = 0; i < n; i++) {
        *peak = aft_larger_f32(fabsf(watched[i]), *peak);
    }
    float *onset = memory + onset_at(sensors);
    if (*onset < 0.0F && fabsf(now[ground_channel(sensors)]) > sensors->onset_threshold_m_s2) {
        *onset = (float)step;
    }
}

void aft_sensors_observe(float *obs, const struct aft_sensors *sensors, const float *memory,
                         double force_n, uint32_t step)
{
    const float *now = aft_sensors_arrived(sensors, memory, step),
                *drift = now + drift_channel(sensors);
    int n = sensors->config.n_acceleration_floors, m = sensors->config.n_drift_storeys, k = 0;
    for (int i = 0; i < n; i++) {
        obs[k++] = now[i] / 2.0F;
    }
    obs[k++] = now[ground_channel(sensors)];
    for (int i = 0; i < n; i++) {
        obs[k++] = memory[integrals_at(sensors) + i] / 0.3F;
    }
    for (int i = 0; i < m; i++) {
        obs[k++] = drift[i] / 0.002F;
    }
    for (int i = 0; i < m; i++) {
        obs[k++] = drift[m + i] / 0.01F;
    }
    obs[k++] = now[stroke_channel(sensors)] / 0.5F;
    obs[k++] = now[stroke_channel(sensors) + 1] / 2.5F;
    float limit = sensors->force_limit_n, onset = memory[onset_at(sensors)];
    obs[k++] = limit > 0.0F ? (float)force_n / limit : 0.0F;
    obs[k++] = limit / force_unit_n;
    obs[k++] = memory[peak_at(sensors)] / (m > 0 ? 0.01F : 5.0F);
    float since_s = onset < 0.0F ? 0.0F : ((float)step - onset) * sensors->control_dt_s;
    obs[k] = aft_clamp_f32(since_s / onset_unit_s, 0.0F, 2.0F);
}
