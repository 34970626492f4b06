/*
 * Training episodes of the controlled building: a batch of environments as
 * structure of arrays, stepped AFT_LANES at a time.
 *
 * Invariants:
 *  1. What environment i does depends on its own columns and on (seed, stage, i,
 *     episode, step) only: lanes never mix, and a lane's arithmetic does not
 *     depend on its place or on how many lanes are in use.
 *  2. ground and the passive reference are functions of (seed, stage, i,
 *     episode): they are no state and are made again by import_state.
 *  3. Nothing is allocated after creation.
 */
#include "environment/environment.h"

#include "environment/clamp.h"
#include "environment/ground_motion.h"
#include "environment/observation.h"
#include "environment/passive_reference.h"
#include "environment/plant.h"
#include "environment/reward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ENVS = 1 << 20, MAX_STEPS = 1 << 20, MAX_EPISODES = 1 << 30, MAX_SUBSTEPS = 1000 };
enum { STATE_MAGIC = 0x41465445, STATE_VERSION = 1 };
enum { METRIC_PEAK, METRIC_RMS, METRIC_STROKE, METRIC_FORCE, METRIC_POWER, N_METRICS };

static const char *const metric_names[N_METRICS] = {"peak_drift_to_passive", "rms_drift_to_passive",
                                                    "stroke_m", "peak_force_n", "peak_power_w"};

struct episode { /* of one environment; exported as it is, so it has no padding */
    uint32_t number, step;
    float peak, peak_acceleration_m_s2;
    float stroke_m, peak_force_n, peak_power_w;
    float reserved;
    double squares, passive_squares;
    double actuator_n;
};

struct building_env {
    struct aft_environment_config config;
    int n_envs, steps, substeps; /* control steps an episode, simulation steps each */
    bool follows_acceleration;
    struct aft_plant *plant;
    struct aft_motion_set *motions;
    struct aft_sensors sensors;
    struct aft_random_key sensor_key;
    double *state;                            /* [n_states][n_envs] */
    struct episode *episodes;                 /* [n_envs] */
    float *memory;                            /* [n_envs][sensors.n_memory] */
    float *ground_m_s2;                       /* [n_envs][steps * substeps + 1] */
    float *passive;                           /* [n_envs][3 or 2][steps] */
    struct aft_passive_reference *references; /* [n_envs], into passive */
};

struct control_step { /* what a control step did, by lane */
    double squares[AFT_LANES], peak[AFT_LANES];
    double stroke_m[AFT_LANES], force_n[AFT_LANES], power_w[AFT_LANES];
};

int aft_environment_obs_dim(const struct aft_environment_config *config)
{
    return aft_sensors_obs_dim(&config->sensors);
}

static float *ground_of(const struct building_env *self, int env)
{
    return self->ground_m_s2 + (size_t)env * ((size_t)self->steps * (size_t)self->substeps + 1);
}

static float *memory_of(const struct building_env *self, int env)
{
    return self->memory + (size_t)env * (size_t)self->sensors.n_memory;
}

/* First episodes end at different times, so that not all environments start anew in one step. */
static uint32_t episode_limit(const struct building_env *self, int env, uint32_t number)
{
    if (number > 0) {
        return (uint32_t)self->steps;
    }
    int64_t limit = (int64_t)self->steps * (env + 1) / self->n_envs;
    return limit > 0 ? (uint32_t)limit : 1;
}

static void make_scenario(struct building_env *self, int env)
{
    float *ground = ground_of(self, env);
    aft_motion_episode(ground, (size_t)self->steps * (size_t)self->substeps + 1, self->motions,
                       (uint32_t)env, self->episodes[env].number);
    aft_passive_reference_fill(&self->references[env], self->plant, ground, self->steps,
                               self->substeps);
}

/* Measures the state of an environment and writes its observation. */
static void observe(struct building_env *self, int env, const double *state, int stride,
                    double force_n, float *obs)
{
    float channels[AFT_OBSERVATION_MAX_CHANNELS];
    const struct episode *episode = &self->episodes[env];
    struct aft_sensor_stream stream = {self->sensor_key, (uint32_t)env, episode->number};
    double ground = ground_of(self, env)[(size_t)episode->step * (size_t)self->substeps];
    aft_sensors_sense(channels, &self->sensors, self->plant, state, stride,
                      (const double[2]){ground, force_n});
    aft_sensors_measure(&self->sensors, memory_of(self, env), channels, &stream, episode->step);
    aft_sensors_observe(obs, &self->sensors, memory_of(self, env), episode->actuator_n,
                        episode->step);
}

static void start_episode(struct building_env *self, int env, uint32_t number, float *obs)
{
    self->episodes[env] = (struct episode){.number = number};
    for (int i = 0; i < self->plant->n_states; i++) {
        self->state[(size_t)i * (size_t)self->n_envs + (size_t)env] = 0.0;
    }
    aft_sensors_reset(&self->sensors, memory_of(self, env));
    make_scenario(self, env);
    observe(self, env, self->state + env, self->n_envs, 0.0,
            obs + (size_t)env * (size_t)self->sensors.obs_dim);
}

static enum aft_code check_range(const struct building_env *self, int first, int count,
                                 struct aft_error *error)
{
    if (first < 0 || count < 0 || first > self->n_envs - count) {
        return aft_fail(error, AFT_ERR_USAGE, "environments %d to %d: there are %d", first,
                        first + count - 1, self->n_envs);
    }
    return AFT_OK;
}

static enum aft_code env_reset(void *self_, int first, int count, float *obs,
                               struct aft_error *error)
{
    struct building_env *self = self_;
    enum aft_code code = check_range(self, first, count, error);
    for (int i = first; i < first + count && code == AFT_OK; i++) {
        start_episode(self, i, 0, obs);
    }
    return code;
}

static void load_lanes(struct aft_plant_lanes *lanes, const struct building_env *self, int first,
                       int count)
{
    for (int i = 0; i < self->plant->n_states; i++) {
        const double *row = self->state + (size_t)i * (size_t)self->n_envs + (size_t)first;
        memcpy(lanes->state[i], row, (size_t)count * sizeof *row);
        for (int j = count; j < AFT_LANES; j++) {
            lanes->state[i][j] = 0.0;
        }
    }
    for (int j = 0; j < AFT_LANES; j++) {
        double actuator_n = j < count ? self->episodes[first + j].actuator_n : 0.0;
        lanes->forces[j] = (struct aft_plant_forces){actuator_n, 0.0, 0.0};
        lanes->ground_start_m_s2[j] = lanes->ground_end_m_s2[j] = lanes->command_n[j] = 0.0;
    }
}

static void store_lanes(const struct aft_plant_lanes *lanes, struct building_env *self, int first,
                        int count)
{
    for (int i = 0; i < self->plant->n_states; i++) {
        double *row = self->state + (size_t)i * (size_t)self->n_envs + (size_t)first;
        memcpy(row, lanes->state[i], (size_t)count * sizeof *row);
    }
}

static enum aft_code load_commands(struct aft_plant_lanes *lanes, const struct building_env *self,
                                   int first, int count, const float *actions,
                                   struct aft_error *error)
{
    for (int j = 0; j < count; j++) {
        float action = actions[first + j];
        if (!isfinite(action)) {
            return aft_fail(error, AFT_ERR_NUMERIC, "environment %d: the action is not finite",
                            first + j);
        }
        action = aft_clamp_f32(action, -1.0F, 1.0F);
        lanes->command_n[j] = action * self->config.actuator.force_limit_n;
    }
    return AFT_OK;
}

static void note_step(struct control_step *done, const struct building_env *self,
                      const struct aft_plant_lanes *lanes)
{
    double squares[AFT_LANES], peak[AFT_LANES];
    aft_plant_drift_lanes(squares, peak, self->plant, lanes);
    for (int j = 0; j < AFT_LANES; j++) {
        double stroke = fabs(aft_plant_stroke(self->plant, lanes->state[0] + j, AFT_LANES));
        double force = fabs(lanes->forces[j].actuator_n), power = lanes->forces[j].power_w;
        done->squares[j] += squares[j];
        done->peak[j] = aft_larger(peak[j], done->peak[j]);
        done->stroke_m[j] = aft_larger(stroke, done->stroke_m[j]);
        done->force_n[j] = aft_larger(force, done->force_n[j]);
        done->power_w[j] = aft_larger(power, done->power_w[j]);
    }
}

/* The substeps of one control step, for the environments in the lanes. */
static void simulate(struct control_step *done, struct aft_plant_lanes *lanes,
                     const struct building_env *self, int first, int count)
{
    *done = (struct control_step){0};
    const float *ground[AFT_LANES] = {NULL};
    for (int j = 0; j < count; j++) {
        ground[j] = ground_of(self, first + j) +
                    (size_t)self->episodes[first + j].step * (size_t)self->substeps;
    }
    for (int i = 0; i < self->substeps; i++) {
        for (int j = 0; j < count; j++) {
            lanes->ground_start_m_s2[j] = ground[j][i];
            lanes->ground_end_m_s2[j] = ground[j][i + 1];
        }
        aft_plant_step_lanes(self->plant, lanes);
        note_step(done, self, lanes);
    }
}

static void fill_metrics(float *metrics, const struct building_env *self, int env)
{
    const struct episode *episode = &self->episodes[env];
    const struct aft_passive_reference *passive = &self->references[env];
    /* A first episode may be cut before the motion: a share of the whole stands for what is not yet
     * there. */
    float peak = aft_larger_f32(passive->peak[episode->step - 1], 0.1F * passive->largest_drift);
    double all = (double)passive->mean_squares * self->steps * self->substeps;
    metrics[METRIC_PEAK] = episode->peak / peak;
    metrics[METRIC_RMS] =
        (float)sqrt(episode->squares / aft_larger(episode->passive_squares, 0.01 * all));
    metrics[METRIC_STROKE] = episode->stroke_m;
    metrics[METRIC_FORCE] = episode->peak_force_n;
    metrics[METRIC_POWER] = episode->peak_power_w;
}

struct lane { /* one environment of a control step */
    const struct control_step *done;
    const struct aft_plant_lanes *lanes;
    int j;
    float action;
};

static void follow_acceleration(struct aft_reward_terms *terms, struct building_env *self, int env,
                                const struct lane *lane)
{
    struct episode *episode = &self->episodes[env];
    const struct aft_passive_reference *passive = &self->references[env];
    const struct aft_plant_forces *forces = &lane->lanes->forces[lane->j];
    const float *peaks = passive->peak_acceleration_m_s2;
    float now = (float)aft_largest_floor_acceleration_m_s2(
        self->plant, lane->lanes->state[0] + lane->j, AFT_LANES,
        forces->actuator_n + forces->contact_n);
    float peak = aft_larger_f32(episode->peak_acceleration_m_s2, now);
    uint32_t t = episode->step;
    terms->acceleration_growth_m_s2 = peak - episode->peak_acceleration_m_s2;
    terms->passive_acceleration_growth_m_s2 = peaks[t] - (t > 0 ? peaks[t - 1] : 0.0F);
    terms->largest_acceleration_m_s2 = peaks[self->steps - 1];
    episode->peak_acceleration_m_s2 = peak;
}

/* The reward of a step, and the episode's figures brought up to date. */
static float settle(struct building_env *self, int env, const struct lane *lane)
{
    struct episode *episode = &self->episodes[env];
    const struct aft_passive_reference *passive = &self->references[env];
    const struct control_step *done = lane->done;
    int j = lane->j;
    uint32_t t = episode->step;
    double limit_m = self->plant->stop.limit_m, limit_n = self->config.actuator.force_limit_n;
    double force_n = lane->lanes->forces[j].actuator_n;
    float peak = aft_larger_f32(episode->peak, (float)done->peak[j]);
    struct aft_reward_terms terms = {
        .squares = (float)done->squares[j],
        .passive_squares = passive->sum_squares[t],
        .peak_growth = peak - episode->peak,
        .passive_peak_growth = passive->peak[t] - (t > 0 ? passive->peak[t - 1] : 0.0F),
        .mean_squares = passive->mean_squares,
        .substeps = (float)self->steps * (float)self->substeps,
        .largest_drift = passive->largest_drift,
        .stroke_share = limit_m > 0.0 ? (float)(done->stroke_m[j] / limit_m) : 0.0F,
        .force_change_share =
            limit_n > 0.0 ? (float)((force_n - episode->actuator_n) / limit_n) : 0.0F,
        .action = lane->action,
    };
    if (self->follows_acceleration) {
        follow_acceleration(&terms, self, env, lane);
    }
    episode->peak = peak;
    episode->squares += terms.squares;
    episode->passive_squares += terms.passive_squares;
    episode->actuator_n = force_n;
    episode->stroke_m = aft_larger_f32(episode->stroke_m, (float)done->stroke_m[j]);
    episode->peak_force_n = aft_larger_f32(episode->peak_force_n, (float)done->force_n[j]);
    episode->peak_power_w = aft_larger_f32(episode->peak_power_w, (float)done->power_w[j]);
    episode->step++;
    return aft_reward(&self->config.reward, &terms);
}

static void finish_env(struct building_env *self, int env, const struct lane *lane,
                       const struct aft_env_step *out)
{
    size_t dim = (size_t)self->sensors.obs_dim, at = (size_t)env;
    const struct aft_plant_forces *forces = &lane->lanes->forces[lane->j];
    out->reward[env] = settle(self, env, lane);
    uint32_t number = self->episodes[env].number;
    bool ends = self->episodes[env].step >= episode_limit(self, env, number);
    out->terminated[env] = 0;
    out->truncated[env] = ends;
    observe(self, env, lane->lanes->state[0] + lane->j, AFT_LANES,
            forces->actuator_n + forces->contact_n, (ends ? out->final_obs : out->obs) + at * dim);
    if (ends) {
        fill_metrics(out->metrics + at * N_METRICS, self, env);
        start_episode(self, env, (number + 1) % MAX_EPISODES, out->obs);
    }
}

static enum aft_code step_lanes(struct building_env *self, int first, int count,
                                const float *actions, const struct aft_env_step *out,
                                struct aft_error *error)
{
    struct aft_plant_lanes lanes;
    struct control_step done;
    load_lanes(&lanes, self, first, count);
    enum aft_code code = load_commands(&lanes, self, first, count, actions, error);
    if (code != AFT_OK) {
        return code;
    }
    simulate(&done, &lanes, self, first, count);
    for (int j = 0; j < count; j++) {
        if (!isfinite(done.squares[j]) || !isfinite(done.stroke_m[j])) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "environment %d, episode %u, step %u: the building's state is not "
                            "finite",
                            first + j, self->episodes[first + j].number,
                            self->episodes[first + j].step);
        }
    }
    store_lanes(&lanes, self, first, count);
    for (int j = 0; j < count; j++) {
        struct lane lane = {&done, &lanes, j, actions[first + j]};
        finish_env(self, first + j, &lane, out);
    }
    return AFT_OK;
}

static enum aft_code env_step(void *self_, int first, int count, const float *actions,
                              const struct aft_env_step *out, struct aft_error *error)
{
    struct building_env *self = self_;
    enum aft_code code = check_range(self, first, count, error);
    int end = first + count;
    for (int i = first; i < end && code == AFT_OK; i += AFT_LANES) {
        int n = end - i < AFT_LANES ? end - i : AFT_LANES;
        code = step_lanes(self, i, n, actions, out, error);
    }
    return code;
}

/* --- state: a head, then for each environment its episode, its column, its sensors --- */

struct state_head {
    uint32_t magic, version;
    uint32_t n_envs, n_states, n_memory, steps;
};

static struct state_head head_of(const struct building_env *self)
{
    return (struct state_head){STATE_MAGIC,
                               STATE_VERSION,
                               (uint32_t)self->n_envs,
                               (uint32_t)self->plant->n_states,
                               (uint32_t)self->sensors.n_memory,
                               (uint32_t)self->steps};
}

static size_t env_bytes(const struct building_env *self)
{
    return sizeof(struct episode) + (size_t)self->plant->n_states * sizeof(double) +
           (size_t)self->sensors.n_memory * sizeof(float);
}

static size_t env_state_size(const void *self_)
{
    const struct building_env *self = self_;
    return sizeof(struct state_head) + (size_t)self->n_envs * env_bytes(self);
}

static void env_export_state(const void *self_, void *bytes)
{
    const struct building_env *self = self_;
    struct state_head head = head_of(self);
    char *at = bytes;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    for (int env = 0; env < self->n_envs; env++) {
        memcpy(at, &self->episodes[env], sizeof self->episodes[env]);
        at += sizeof self->episodes[env];
        for (int i = 0; i < self->plant->n_states; i++, at += sizeof(double)) {
            memcpy(at, &self->state[(size_t)i * (size_t)self->n_envs + (size_t)env],
                   sizeof(double));
        }
        size_t memory = (size_t)self->sensors.n_memory * sizeof(float);
        memcpy(at, memory_of(self, env), memory);
        at += memory;
    }
}

static bool finite_doubles(const char *bytes, int n)
{
    bool finite = true;
    for (int i = 0; i < n; i++) {
        double value;
        memcpy(&value, bytes + (size_t)i * sizeof value, sizeof value);
        finite = finite && isfinite(value);
    }
    return finite;
}

static bool finite_floats(const char *bytes, int n)
{
    bool finite = true;
    for (int i = 0; i < n; i++) {
        float value;
        memcpy(&value, bytes + (size_t)i * sizeof value, sizeof value);
        finite = finite && isfinite(value);
    }
    return finite;
}

static bool episode_is_sound(const struct building_env *self, int env, const char *bytes)
{
    struct episode e;
    memcpy(&e, bytes, sizeof e);
    bool finite = isfinite(e.peak) && isfinite(e.peak_acceleration_m_s2) && isfinite(e.stroke_m) &&
                  isfinite(e.peak_force_n) && isfinite(e.peak_power_w) && isfinite(e.squares) &&
                  isfinite(e.passive_squares) && isfinite(e.actuator_n);
    return finite && e.number < MAX_EPISODES && e.step < episode_limit(self, env, e.number);
}

static enum aft_code check_state(const struct building_env *self, const char *bytes, size_t size,
                                 struct aft_error *error)
{
    struct state_head head, expected = head_of(self);
    if (size != env_state_size(self)) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "import the environments' state: %zu bytes, expected %zu", size,
                        env_state_size(self));
    }
    memcpy(&head, bytes, sizeof head);
    if (memcmp(&head, &expected, sizeof head) != 0) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "import the environments' state: it belongs to other settings");
    }
    const char *at = bytes + sizeof head;
    for (int env = 0; env < self->n_envs; env++, at += env_bytes(self)) {
        const char *column = at + sizeof(struct episode);
        const char *memory = column + (size_t)self->plant->n_states * sizeof(double);
        if (!episode_is_sound(self, env, at) || !finite_doubles(column, self->plant->n_states) ||
            !finite_floats(memory, self->sensors.n_memory)) {
            return aft_fail(error, AFT_ERR_CORRUPT,
                            "import the environments' state: environment %d: a value that cannot "
                            "be",
                            env);
        }
    }
    return AFT_OK;
}

static enum aft_code env_import_state(void *self_, const void *bytes, size_t size,
                                      struct aft_error *error)
{
    struct building_env *self = self_;
    enum aft_code code = check_state(self, bytes, size, error);
    if (code != AFT_OK) {
        return code;
    }
    const char *at = (const char *)bytes + sizeof(struct state_head);
    for (int env = 0; env < self->n_envs; env++) {
        memcpy(&self->episodes[env], at, sizeof self->episodes[env]);
        at += sizeof self->episodes[env];
        for (int i = 0; i < self->plant->n_states; i++, at += sizeof(double)) {
            memcpy(&self->state[(size_t)i * (size_t)self->n_envs + (size_t)env], at,
                   sizeof(double));
        }
        size_t memory = (size_t)self->sensors.n_memory * sizeof(float);
        memcpy(memory_of(self, env), at, memory);
        at += memory;
        make_scenario(self, env);
    }
    return AFT_OK;
}

/* --- creation --- */

static void env_destroy(void *self_)
{
    struct building_env *self = self_;
    if (self == NULL) {
        return;
    }
    aft_plant_destroy(self->plant);
    aft_motion_set_destroy(self->motions);
    free(self->state);
    free(self->episodes);
    free(self->memory);
    free(self->ground_m_s2);
    free(self->passive);
    free(self->references);
    free(self);
}

static enum aft_code set_steps(struct building_env *self, struct aft_error *error)
{
    const struct aft_environment_config *config = &self->config;
    if (config->n_envs < 1 || config->n_envs > MAX_ENVS) {
        return aft_fail(error, AFT_ERR_USAGE, "environment: n_envs is %d, expected 1 to %d",
                        config->n_envs, MAX_ENVS);
    }
    if (config->control_every < 1 || config->control_every > MAX_SUBSTEPS) {
        return aft_fail(error, AFT_ERR_USAGE, "environment: control_every is %d, expected 1 to %d",
                        config->control_every, MAX_SUBSTEPS);
    }
    double steps = round(config->episode_s / (config->dt_s * config->control_every));
    if (!(steps >= 1.0 && steps * config->control_every <= MAX_STEPS)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "environment: an episode of %g s has %g control steps, expected 1 or more "
                        "and at most %d simulation steps",
                        config->episode_s, steps, MAX_STEPS);
    }
    self->n_envs = config->n_envs;
    self->steps = (int)steps;
    self->substeps = config->control_every;
    self->follows_acceleration = config->reward.acceleration != 0.0;
    return AFT_OK;
}

static enum aft_code allocate(struct building_env *self, struct aft_error *error)
{
    size_t n = (size_t)self->n_envs, steps = (size_t)self->steps;
    size_t rows = self->follows_acceleration ? 3 : 2;
    self->state = calloc(n * (size_t)self->plant->n_states, sizeof *self->state);
    self->episodes = calloc(n, sizeof *self->episodes);
    self->memory = calloc(n * (size_t)self->sensors.n_memory, sizeof *self->memory);
    self->ground_m_s2 = calloc(n * (steps * (size_t)self->substeps + 1), sizeof(float));
    self->passive = calloc(n * rows * steps, sizeof *self->passive);
    self->references = calloc(n, sizeof *self->references);
    if (self->state == NULL || self->episodes == NULL || self->memory == NULL ||
        self->ground_m_s2 == NULL || self->passive == NULL || self->references == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create %d environments: out of memory",
                        self->n_envs);
    }
    for (size_t i = 0; i < n; i++) {
        float *base = self->passive + i * rows * steps;
        self->references[i].sum_squares = base;
        self->references[i].peak = base + steps;
        self->references[i].peak_acceleration_m_s2 =
            self->follows_acceleration ? base + 2 * steps : NULL;
    }
    return AFT_OK;
}

static enum aft_code make_motions(struct building_env *self, struct aft_error *error)
{
    const struct aft_environment_config *config = &self->config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct aft_motion_context context = {.dt_s = config->dt_s,
                                         .seed = config->seed,
                                         .stage = config->stage,
                                         .workers =
                                             cores < self->n_envs ? (int)cores : self->n_envs};
    enum aft_code code = aft_building_first_period(&context.t1_s, &config->building, error);
    return code == AFT_OK ? aft_motion_set_create(&self->motions, &config->motion, &context, error)
                          : code;
}

static enum aft_code build(struct building_env *self, struct aft_error *error)
{
    const struct aft_environment_config *config = &self->config;
    enum aft_code code = set_steps(self, error);
    if (code == AFT_OK) {
        code = aft_plant_create(&self->plant, &config->building, &config->actuator, true,
                                config->dt_s, error);
    }
    if (code == AFT_OK) {
        code = aft_sensors_init(&self->sensors, &config->sensors, self->plant,
                                config->dt_s * config->control_every, error);
    }
    if (code == AFT_OK) {
        code = make_motions(self, error);
    }
    self->config.motion.record_paths = NULL; /* borrowed until here */
    self->sensor_key = aft_random_key(config->seed, config->stage, AFT_RANDOM_SENSOR);
    return code == AFT_OK ? allocate(self, error) : code;
}

enum aft_code aft_environment_create(struct aft_env *env,
                                     const struct aft_environment_config *config,
                                     struct aft_error *error)
{
    *env = (struct aft_env){0};
    struct building_env *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create environments: out of memory");
    }
    self->config = *config;
    enum aft_code code = build(self, error);
    if (code != AFT_OK) {
        env_destroy(self);
        return code;
    }
    *env = (struct aft_env){.self = self,
                            .n_envs = self->n_envs,
                            .obs_dim = self->sensors.obs_dim,
                            .action_dim = 1,
                            .n_metrics = N_METRICS,
                            .metric_names = metric_names,
                            .reset = env_reset,
                            .step = env_step,
                            .state_size = env_state_size,
                            .export_state = env_export_state,
                            .import_state = env_import_state,
                            .destroy = env_destroy};
    return AFT_OK;
}
