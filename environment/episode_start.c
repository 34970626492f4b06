/* How an episode of an environment starts: its ground motion, its passive reference, and the
 * first observation. */
#include "environment/building_env.h"

#include <string.h>

static size_t samples(const struct aft_building_env *self)
{
    return (size_t)self->steps * (size_t)self->substeps + 1;
}

static void set_column(float *rows, int n, int j, float value)
{
    for (int i = 0; i < n; i++) {
        rows[(size_t)i * AFT_LANES + (size_t)j] = value;
    }
}

/* Starts to prepare episode `number` of a lane. */
static void begin_scenario(struct aft_building_env *self, const struct aft_block *block, int j,
                           uint32_t number)
{
    int env = block->first + j;
    aft_motion_episode(self->next[env].ground_m_s2, samples(self), self->motions, (uint32_t)env,
                       number);
    set_column(block->passive_state, self->plant->columns, j, 0.0F);
    block->episode->prepared[j] = 0;
    block->episode->next_variant[j] =
        (uint32_t)aft_randomisation_variant(&self->randomisation, env, number);
}

void aft_episodes_prepare(struct aft_building_env *self, const struct aft_block *block)
{
    struct aft_passive_lanes lanes = {.state = block->passive_state,
                                      .done = block->episode->prepared};
    uint32_t steps = (uint32_t)self->steps;
    bool idle = true;
    for (int j = 0; j < AFT_LANES; j++) {
        bool used = j >= block->from && j < block->to;
        lanes.ground_m_s2[j] = used ? self->next[block->first + j].ground_m_s2 : self->silence;
        lanes.step[j] = used ? self->next[block->first + j].passive : NULL;
        lanes.plant[j] = aft_plant_of(self, block->episode->next_variant[j]);
        idle = idle && block->episode->prepared[j] >= steps;
    }
    if (!idle) {
        aft_passive_reference_advance(&lanes, self->steps, self->substeps, self->silence);
    }
}

/* The scenario that was prepared becomes the episode's. */
static void take_scenario(struct aft_building_env *self, const struct aft_block *block, int j)
{
    struct aft_episode_lanes *episode = block->episode;
    int env = block->first + j;
    while (episode->prepared[j] < (uint32_t)self->steps) { /* first episodes are short */
        aft_episodes_prepare(self, block);
    }
    struct aft_scenario taken = self->next[env];
    self->next[env] = self->now[env];
    self->now[env] = taken;
    struct aft_passive_summary summary =
        aft_passive_reference_summary(taken.passive, self->steps, self->substeps);
    bool follows = self->config.reward.acceleration != 0.0;
    episode->mean_squares[j] = summary.mean_squares;
    episode->largest_drift[j] = summary.largest_drift;
    episode->largest_acceleration_m_s2[j] =
        follows ? taken.passive[self->steps - 1].peak_acceleration_m_s2 : 0.0F;
}

/* What episode `number` departs by. */
static void depart(struct aft_building_env *self, const struct aft_block *block, int j,
                   uint32_t number)
{
    struct aft_episode_lanes *episode = block->episode;
    int env = block->first + j;
    struct aft_departure departure = aft_randomisation_departure(&self->randomisation, env, number);
    episode->extra_noise[j] = departure.noise;
    episode->extra_dropout[j] = departure.dropout;
    episode->late_steps[j] = departure.late_steps;
    episode->variant[j] = (uint32_t)aft_randomisation_variant(&self->randomisation, env, number);
}

static void clear_episode(struct aft_episode_lanes *episode, int j, uint32_t number)
{
    episode->number[j] = number;
    episode->step[j] = 0;
    episode->peak[j] = episode->peak_acceleration_m_s2[j] = 0.0F;
    episode->stroke_m[j] = episode->peak_force_n[j] = episode->peak_power_w[j] = 0.0F;
    episode->squares[j] = episode->passive_squares[j] = 0.0F;
    episode->actuator_n[j] = 0.0F;
}

/* Of a building at rest: the ground is all there is to measure. */
static void observe_first(struct aft_building_env *self, const struct aft_block *block, int j,
                          float *obs)
{
    enum {
        MAX_MEMORY = AFT_OBSERVATION_MAX_CHANNELS * (AFT_SENSOR_MAX_LATENCY_STEPS + 2) +
                     AFT_OBSERVER_MAX_MEMORY
    };
    float memory[MAX_MEMORY], channels[AFT_OBSERVATION_MAX_CHANNELS] = {0.0F};
    int env = block->first + j;
    struct aft_sensor_stream stream = {.key = self->sensor_key,
                                       .high = (uint32_t)env,
                                       .middle = block->episode->number[j],
                                       .extra_noise = block->episode->extra_noise[j],
                                       .extra_dropout = block->episode->extra_dropout[j]};
    channels[self->sensors.config.n_acceleration_floors] = self->now[env].ground_m_s2[0];
    aft_sensors_reset(&self->sensors, memory);
    const struct aft_sensed sensed = {.channels = channels};
    aft_sensors_measure(&self->sensors, memory, &sensed, &stream);
    aft_sensors_observe(obs + (size_t)env * (size_t)self->sensors.obs_dim, &self->sensors, memory,
                        &sensed);
    for (int i = 0; i < self->sensors.n_memory; i++) {
        block->memory[(size_t)i * AFT_LANES + (size_t)j] = memory[i];
    }
}

/* The prepared scenario is that of episode `number`. */
static void start_episode(struct aft_building_env *self, const struct aft_block *block, int j,
                          uint32_t number, float *obs)
{
    take_scenario(self, block, j);
    clear_episode(block->episode, j, number);
    depart(self, block, j, number);
    set_column(block->state, self->plant->columns, j, 0.0F);
    set_column(block->late_n, self->randomisation.most_late_steps, j, 0.0F);
    observe_first(self, block, j, obs);
    begin_scenario(self, block, j, (number + 1) % AFT_MAX_EPISODES);
}

void aft_episode_start_next(struct aft_building_env *self, const struct aft_block *block, int j,
                            float *obs)
{
    uint32_t number = (block->episode->number[j] + 1) % AFT_MAX_EPISODES;
    start_episode(self, block, j, number, obs);
}

void aft_episodes_reset(struct aft_building_env *self, const struct aft_block *block, float *obs)
{
    for (int j = block->from; j < block->to; j++) {
        begin_scenario(self, block, j, 0);
    }
    for (int j = block->from; j < block->to; j++) {
        start_episode(self, block, j, 0, obs);
    }
}

void aft_episodes_resume(struct aft_building_env *self, const struct aft_block *block)
{
    for (int j = block->from; j < block->to; j++) {
        begin_scenario(self, block, j, block->episode->number[j]);
    }
    for (int j = block->from; j < block->to; j++) {
        take_scenario(self, block, j);
        depart(self, block, j, block->episode->number[j]);
    }
    for (int j = block->from; j < block->to; j++) {
        begin_scenario(self, block, j, (block->episode->number[j] + 1) % AFT_MAX_EPISODES);
    }
}
