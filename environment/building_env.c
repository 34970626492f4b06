/* The interface of the training environments (base/env.h), and their creation. */
#include "environment/building_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ENVS = 1 << 20, MAX_STEPS = 1 << 20, MAX_SUBSTEPS = 1000 };
enum {
    MAX_BLOCK_ROWS = 2 * AFT_PLANT_MAX_COLUMNS +
                     AFT_OBSERVATION_MAX_CHANNELS * (AFT_SENSOR_MAX_LATENCY_STEPS + 1) +
                     AFT_SENSOR_MAX_CHANNELS + 2 + AFT_OBSERVER_MAX_MEMORY +
                     AFT_RANDOM_MAX_LATE_STEPS
};

static const char *const metric_names[AFT_N_METRICS] = {
    "peak_drift_to_passive", "rms_drift_to_passive", "stroke_m", "peak_force_n", "peak_power_w"};

int aft_environment_obs_dim(const struct aft_environment_config *config)
{
    return aft_sensors_obs_dim(config);
}

static size_t block_rows(const struct aft_building_env *self)
{
    return (size_t)(2 * self->plant->columns + self->sensors.n_memory +
                    self->randomisation.most_late_steps);
}

static struct aft_block block_of(const struct aft_building_env *self, float *rows,
                                 struct aft_episode_lanes *episode, int first)
{
    size_t columns = (size_t)self->plant->columns;
    float *memory = rows + 2 * columns * AFT_LANES;
    return (struct aft_block){.first = first,
                              .from = 0,
                              .to = AFT_LANES,
                              .episode = episode,
                              .state = rows,
                              .passive_state = rows + columns * AFT_LANES,
                              .memory = memory,
                              .late_n = memory + (ptrdiff_t)self->sensors.n_memory * AFT_LANES};
}

struct aft_block aft_block_at(const struct aft_building_env *self, int block)
{
    int first = block * AFT_LANES, left = self->n_envs - first;
    struct aft_block whole =
        block_of(self, self->rows + (size_t)block * block_rows(self) * AFT_LANES,
                 &self->episodes[block], first);
    whole.to = left < AFT_LANES ? left : AFT_LANES;
    return whole;
}

uint32_t aft_episode_limit(const struct aft_building_env *self, int env, uint32_t number)
{
    if (number > 0) {
        return (uint32_t)self->steps;
    }
    int64_t limit = (int64_t)self->steps * (env + 1) / self->n_envs;
    return limit > 0 ? (uint32_t)limit : 1;
}

/* What is done with the lanes of a range that are in one block. */
struct call {
    const float *actions; /* NULL: episodes begin */
    bool next;            /* and they are the next ones, not the first */
    float *obs;
    const struct aft_env_step *out;
};

static enum aft_code do_block(struct aft_building_env *self, const struct aft_block *block,
                              const struct call *call, struct aft_error *error)
{
    if (call->next) {
        for (int j = block->from; j < block->to; j++) {
            aft_episode_start_next(self, block, j, call->obs);
        }
        return AFT_OK;
    }
    if (call->actions == NULL) {
        aft_episodes_reset(self, block, call->obs);
        return AFT_OK;
    }
    return aft_episodes_step(self, block, call->actions, call->out, error);
}

/* Lanes from … to - 1 of some rows of four bytes a lane. */
static void copy_lanes(void *to, const void *from, size_t rows, const struct aft_block *part)
{
    size_t at = (size_t)part->from * 4, size = (size_t)(part->to - part->from) * 4;
    for (size_t i = 0; i < rows; i++, at += (size_t)4 * AFT_LANES) {
        memcpy((char *)to + at, (const char *)from + at, size);
    }
}

/* On a copy: other threads may be at work on the block's other lanes. */
static enum aft_code do_part(struct aft_building_env *self, const struct aft_block *whole,
                             const int lanes[2], const struct call *call, struct aft_error *error)
{
    _Alignas(64) float rows[MAX_BLOCK_ROWS * AFT_LANES];
    struct aft_episode_lanes episode = {.number = {0}};
    size_t n = block_rows(self), episode_rows = sizeof episode / sizeof(float[AFT_LANES]);
    struct aft_block part = block_of(self, rows, &episode, whole->first);
    part.from = lanes[0];
    part.to = lanes[1];
    memset(rows, 0, n * AFT_LANES * sizeof *rows);
    for (int j = 0; j < AFT_LANES; j++) {
        episode.prepared[j] = (uint32_t)self->steps;
    }
    copy_lanes(rows, whole->state, n, &part);
    copy_lanes(&episode, whole->episode, episode_rows, &part);
    enum aft_code code = do_block(self, &part, call, error);
    copy_lanes(whole->state, rows, n, &part);
    copy_lanes(whole->episode, &episode, episode_rows, &part);
    return code;
}

static enum aft_code do_range(struct aft_building_env *self, int first, int count,
                              const struct call *call, struct aft_error *error)
{
    int end = first + count;
    if (first < 0 || count < 0 || first > self->n_envs - count) {
        return aft_fail(error, AFT_ERR_USAGE, "environments %d to %d: there are %d", first, end - 1,
                        self->n_envs);
    }
    enum aft_code code = AFT_OK;
    for (int env = first; env < end && code == AFT_OK;) {
        struct aft_block block = aft_block_at(self, env / AFT_LANES);
        int to = end - block.first < block.to ? end - block.first : block.to;
        const int lanes[2] = {env - block.first, to};
        bool whole = lanes[0] == 0 && to == block.to;
        code =
            whole ? do_block(self, &block, call, error) : do_part(self, &block, lanes, call, error);
        env = block.first + to;
    }
    return code;
}

static enum aft_code env_reset(void *self, int first, int count, float *obs,
                               struct aft_error *error)
{
    const struct call call = {.obs = obs};
    return do_range(self, first, count, &call, error);
}

enum aft_code aft_environment_begin_next(struct aft_env *env, int first, int count, float *obs,
                                         struct aft_error *error)
{
    const struct call call = {.next = true, .obs = obs};
    return do_range(env->self, first, count, &call, error);
}

static enum aft_code env_step(void *self, int first, int count, const float *actions,
                              const struct aft_env_step *out, struct aft_error *error)
{
    const struct call call = {.actions = actions, .out = out};
    return do_range(self, first, count, &call, error);
}

/* --- creation --- */

static void env_destroy(void *self_)
{
    struct aft_building_env *self = self_;
    if (self == NULL) {
        return;
    }
    aft_observer_destroy(self->observer);
    aft_randomisation_clear(&self->randomisation);
    aft_plant_f32_destroy(self->plant);
    aft_plant_destroy(self->exact);
    aft_motion_set_destroy(self->motions);
    free(self->episodes);
    free(self->rows);
    free(self->now);
    free(self->next);
    free(self->ground_m_s2);
    free(self->passive);
    free(self->silence);
    free(self);
}

static enum aft_code set_steps(struct aft_building_env *self, struct aft_error *error)
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
    self->n_blocks = (config->n_envs + AFT_LANES - 1) / AFT_LANES;
    self->steps = (int)steps;
    self->substeps = config->control_every;
    return AFT_OK;
}

/* A multiple of a vector's size, zeroed. */
static float *lanes_memory(size_t rows)
{
    size_t size = rows * AFT_LANES * sizeof(float);
    float *memory = aligned_alloc(64, size);
    if (memory != NULL) {
        memset(memory, 0, size);
    }
    return memory;
}

static void lay_out(struct aft_building_env *self)
{
    size_t n = (size_t)self->n_envs, steps = (size_t)self->steps;
    size_t samples = steps * (size_t)self->substeps + 1;
    for (size_t i = 0; i < n; i++) {
        self->now[i] = (struct aft_scenario){self->ground_m_s2 + 2 * i * samples,
                                             self->passive + 2 * i * steps};
        self->next[i] = (struct aft_scenario){self->ground_m_s2 + (2 * i + 1) * samples,
                                              self->passive + (2 * i + 1) * steps};
    }
    for (int block = 0; block < self->n_blocks; block++) {
        for (int j = 0; j < AFT_LANES; j++) {
            self->episodes[block].prepared[j] = (uint32_t)self->steps;
        }
    }
}

static enum aft_code allocate(struct aft_building_env *self, struct aft_error *error)
{
    size_t n = (size_t)self->n_envs, blocks = (size_t)self->n_blocks, steps = (size_t)self->steps;
    size_t samples = steps * (size_t)self->substeps + 1;
    self->rows = lanes_memory(blocks * block_rows(self));
    self->episodes = calloc(blocks, sizeof *self->episodes);
    self->now = calloc(n, sizeof *self->now);
    self->next = calloc(n, sizeof *self->next);
    self->ground_m_s2 = calloc(2 * n * samples, sizeof(float));
    self->passive = calloc(2 * n * steps, sizeof *self->passive);
    self->silence = calloc(samples, sizeof(float));
    if (self->rows == NULL || self->episodes == NULL || self->now == NULL || self->next == NULL ||
        self->ground_m_s2 == NULL || self->passive == NULL || self->silence == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create %d environments: out of memory",
                        self->n_envs);
    }
    lay_out(self);
    return AFT_OK;
}

static enum aft_code make_motions(struct aft_building_env *self, struct aft_error *error)
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

static enum aft_code make_plants(struct aft_building_env *self, struct aft_error *error)
{
    const struct aft_environment_config *config = &self->config;
    enum aft_code code = aft_plant_create(&self->exact, &config->building, &config->actuator, true,
                                          config->dt_s, error);
    if (code == AFT_OK) {
        code = aft_plant_f32_create(&self->plant, self->exact, error);
    }
    return code == AFT_OK ? aft_randomisation_init(&self->randomisation, config, error) : code;
}

static enum aft_code build(struct aft_building_env *self, struct aft_error *error)
{
    const struct aft_environment_config *config = &self->config;
    enum aft_code code = set_steps(self, error);
    if (code == AFT_OK) {
        code = make_plants(self, error);
    }
    if (code == AFT_OK) {
        code = aft_sensors_init(&self->sensors, &config->sensors, self->exact,
                                config->dt_s * config->control_every, error);
    }
    if (code == AFT_OK) {
        code = aft_sensors_assist(&self->sensors, &self->observer, config, error);
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
    struct aft_building_env *self = calloc(1, sizeof *self);
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
                            .n_metrics = AFT_N_METRICS,
                            .metric_names = metric_names,
                            .reset = env_reset,
                            .step = env_step,
                            .state_size = aft_building_env_state_size,
                            .export_state = aft_building_env_export,
                            .import_state = aft_building_env_import,
                            .destroy = env_destroy};
    return AFT_OK;
}
