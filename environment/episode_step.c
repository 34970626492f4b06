/* One control step of a block of environments. */
#include "base/lanes.h"
#include "base/simd.h"
#include "environment/building_env.h"
#include "environment/clamp.h"
#include "environment/mixed_plants.h"
#include "environment/observer.h"
#include "environment/reward.h"

#include <math.h>
#include <string.h>

enum { MAX_OBS = 4 * AFT_SENSOR_MAX_CHANNELS + 2 * AFT_OBSERVER_MAX_STOREYS + 8 }; /* whole fours */

struct control_step { /* a step in the making, rows by lane */
    float action[AFT_LANES];
    struct aft_lane_forces forces;
    struct aft_lane_response response;
    float acting_n[AFT_LANES]; /* all that acts between roof and device */
    float floor_m_s2[AFT_BUILDING_MAX_FLOORS * AFT_LANES], largest_floor_m_s2[AFT_LANES];
    float passive_squares[AFT_LANES];
    float reward[AFT_LANES];
    float obs[MAX_OBS * AFT_LANES], obs_by_env[AFT_LANES * MAX_OBS];
};

static enum aft_code take_actions(struct control_step *step, const struct aft_building_env *self,
                                  const struct aft_block *block, const float *actions,
                                  struct aft_error *error)
{
    float shares[AFT_LANES];
    memset(step->action, 0, sizeof step->action);
    memcpy(step->action + block->from, actions + block->first + block->from,
           (size_t)(block->to - block->from) * sizeof *actions);
    for (int j = 0; j < AFT_LANES; j++) {
        if (!isfinite(step->action[j])) {
            return aft_fail(error, AFT_ERR_NUMERIC, "environment %d: the action is not finite",
                            block->first + j);
        }
        shares[j] = aft_clamp_f32(step->action[j], -1.0F, 1.0F);
    }
    aft_sensors_command_lanes(shares, &self->sensors, block->memory);
    for (int j = 0; j < AFT_LANES; j++) {
        step->forces.command_n[j] = shares[j] * self->plant->force_limit_n;
        step->forces.actuator_n[j] = block->episode->actuator_n[j];
    }
    return AFT_OK;
}

/* The commands of one simulation step by those that reach the actuators in it. */
static void delay(float *command_n, const struct aft_building_env *self,
                  const struct aft_block *block, int substep)
{
    uint32_t most = (uint32_t)self->randomisation.most_late_steps;
    for (int j = 0; j < AFT_LANES; j++) {
        uint32_t late = block->episode->late_steps[j];
        uint32_t at = block->episode->step[j] * (uint32_t)self->substeps + (uint32_t)substep;
        float *heard_n = &block->late_n[(at + most - late) % most * AFT_LANES + (uint32_t)j];
        float given_n = command_n[j];
        command_n[j] = late > 0 ? *heard_n : given_n;
        block->late_n[at % most * AFT_LANES + (uint32_t)j] = given_n;
    }
}

static void add_response(struct aft_lane_response *all, const struct aft_lane_response *now)
{
    for (int j = 0; j < AFT_LANES; j++) {
        all->squares[j] += now->squares[j];
        all->peak[j] = aft_larger_f32(now->peak[j], all->peak[j]);
        all->stroke_m[j] = aft_larger_f32(now->stroke_m[j], all->stroke_m[j]);
        all->force_n[j] = aft_larger_f32(now->force_n[j], all->force_n[j]);
        all->power_w[j] = aft_larger_f32(now->power_w[j], all->power_w[j]);
    }
}

/* A control step in which commands arrive late. */
static void simulate_late(struct control_step *step, const struct aft_building_env *self,
                          const struct aft_block *block,
                          const struct aft_plant_f32 *const plant[AFT_LANES],
                          const float *const ground_m_s2[AFT_LANES])
{
    const struct aft_lane_forces given = step->forces;
    step->response = (struct aft_lane_response){.squares = {0.0F}};
    for (int i = 0; i < self->substeps; i++) {
        struct aft_lane_response now;
        const float *ground[AFT_LANES];
        for (int j = 0; j < AFT_LANES; j++) {
            ground[j] = ground_m_s2[j] + i;
        }
        memcpy(step->forces.command_n, given.command_n, sizeof given.command_n);
        delay(step->forces.command_n, self, block, i);
        aft_mixed_plants_control_step(&now, plant, block->state, &step->forces, ground, 1);
        add_response(&step->response, &now);
    }
}

static void simulate(struct control_step *step, const struct aft_building_env *self,
                     const struct aft_block *block)
{
    const float *ground[AFT_LANES];
    const struct aft_plant_f32 *plant[AFT_LANES];
    for (int j = 0; j < AFT_LANES; j++) {
        bool used = j >= block->from && j < block->to;
        plant[j] = aft_plant_of(self, block->episode->variant[used ? j : block->from]);
        ground[j] = used ? self->now[block->first + j].ground_m_s2 +
                               (size_t)block->episode->step[j] * (size_t)self->substeps
                         : self->silence;
    }
    if (self->randomisation.most_late_steps > 0) {
        simulate_late(step, self, block, plant, ground);
    } else {
        aft_mixed_plants_control_step(&step->response, plant, block->state, &step->forces, ground,
                                      self->substeps);
    }
    for (int j = 0; j < AFT_LANES; j++) {
        step->acting_n[j] = step->forces.actuator_n[j] + step->forces.contact_n[j];
    }
    aft_mixed_plants_accelerations(step->floor_m_s2, step->largest_floor_m_s2, plant, block->state,
                                   step->acting_n);
}

static enum aft_code check_finite(const struct control_step *step, const struct aft_block *block,
                                  struct aft_error *error)
{
    for (int j = block->from; j < block->to; j++) {
        if (!isfinite(step->response.squares[j]) || !isfinite(step->response.stroke_m[j])) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "environment %d, episode %u, step %u: the building's state is not "
                            "finite",
                            block->first + j, block->episode->number[j], block->episode->step[j]);
        }
    }
    return AFT_OK;
}

static void read_passive(struct control_step *step, const struct aft_building_env *self,
                         const struct aft_block *block)
{
    memset(step->passive_squares, 0, sizeof step->passive_squares);
    for (int j = block->from; j < block->to; j++) {
        uint32_t t = block->episode->step[j];
        step->passive_squares[j] = self->now[block->first + j].passive[t].squares;
    }
}

static inline struct aft_reward_terms terms_of(const struct control_step *step,
                                               const struct aft_building_env *self,
                                               const struct aft_episode_lanes *episode, int j)
{
    float limit_n = self->plant->force_limit_n;
    float peak = aft_larger_f32(episode->peak[j], step->response.peak[j]);
    float floor = aft_larger_f32(episode->peak_acceleration_m_s2[j], step->largest_floor_m_s2[j]);
    return (struct aft_reward_terms){
        .squares = step->response.squares[j],
        .peak_growth = peak - episode->peak[j],
        .acceleration_growth_m_s2 = floor - episode->peak_acceleration_m_s2[j],
        .mean_squares = episode->mean_squares[j],
        .substeps = (float)self->steps * (float)self->substeps,
        .largest_drift = episode->largest_drift[j],
        .largest_acceleration_m_s2 = episode->largest_acceleration_m_s2[j],
        .stroke_share = step->response.stroke_m[j] / self->plant->limit_m,
        .force_share = limit_n > 0.0F ? step->forces.actuator_n[j] / limit_n : 0.0F,
        .force_change_share =
            limit_n > 0.0F ? (step->forces.actuator_n[j] - episode->actuator_n[j]) / limit_n : 0.0F,
        .action = step->action[j],
    };
}

/* The rewards of a step, and the episodes' figures brought up to date. */
static inline void settle_lanes(struct control_step *step, const struct aft_building_env *self,
                                struct aft_episode_lanes *episode)
{
    for (int j = 0; j < AFT_LANES; j++) {
        struct aft_reward_terms terms = terms_of(step, self, episode, j);
        step->reward[j] = aft_reward(&self->config.reward, &terms);
        episode->squares[j] += terms.squares;
        episode->passive_squares[j] += step->passive_squares[j];
    }
    const struct aft_lane_response *now = &step->response;
    for (int j = 0; j < AFT_LANES; j++) {
        episode->peak[j] = aft_larger_f32(episode->peak[j], now->peak[j]);
        episode->peak_acceleration_m_s2[j] =
            aft_larger_f32(episode->peak_acceleration_m_s2[j], step->largest_floor_m_s2[j]);
        episode->stroke_m[j] = aft_larger_f32(episode->stroke_m[j], now->stroke_m[j]);
        episode->peak_force_n[j] = aft_larger_f32(episode->peak_force_n[j], now->force_n[j]);
        episode->peak_power_w[j] = aft_larger_f32(episode->peak_power_w[j], now->power_w[j]);
        episode->actuator_n[j] = step->forces.actuator_n[j];
        episode->step[j]++;
    }
}

static void settle(struct control_step *step, const struct aft_building_env *self,
                   struct aft_episode_lanes *episode);
AFT_SIMD_FUNCTION(settle,
                  (struct control_step * step, const struct aft_building_env *self,
                   struct aft_episode_lanes *episode),
                  settle_lanes, (step, self, episode))

/* Rows past obs_dim are whatever they are, and go nowhere. */
static void observe(struct control_step *step, const struct aft_building_env *self,
                    const struct aft_block *block)
{
    const struct aft_randomisation_config *random = &self->randomisation.config;
    uint32_t env[AFT_LANES];
    for (int j = 0; j < AFT_LANES; j++) {
        env[j] = (uint32_t)(block->first + j);
    }
    struct aft_sensor_lanes lanes = {
        .key = &self->sensor_key,
        .high = env,
        .middle = block->episode->number,
        .step = block->episode->step,
        .floor_m_s2 = step->floor_m_s2,
        .state = block->state,
        .ground_m_s2 = block->state + (ptrdiff_t)(self->plant->n_states + 1) * AFT_LANES,
        .actuator_n = step->forces.actuator_n,
        .extra_noise = random->noise > 0.0 ? block->episode->extra_noise : NULL,
        .extra_dropout = random->dropout > 0.0 ? block->episode->extra_dropout : NULL,
    };
    aft_sensors_step_lanes(step->obs, block->memory, &self->sensors, self->exact, &lanes);
    for (int i = 0; i < self->sensors.obs_dim; i += 4) {
        for (int j = 0; j < AFT_LANES; j += 4) {
            aft_transpose4(step->obs_by_env + j * MAX_OBS + i, MAX_OBS,
                           step->obs + i * AFT_LANES + j);
        }
    }
}

static void fill_metrics(float *metrics, const struct aft_building_env *self,
                         const struct aft_block *block, int j)
{
    const struct aft_episode_lanes *episode = block->episode;
    const struct aft_passive_step *passive = self->now[block->first + j].passive;
    /* A first episode may be cut before the motion: a share of the whole stands for what is not yet
     * there. */
    float peak =
        aft_larger_f32(passive[episode->step[j] - 1].peak, 0.1F * episode->largest_drift[j]);
    float all = episode->mean_squares[j] * (float)self->steps * (float)self->substeps;
    metrics[AFT_METRIC_PEAK] = episode->peak[j] / peak;
    metrics[AFT_METRIC_RMS] =
        sqrtf(episode->squares[j] / aft_larger_f32(episode->passive_squares[j], 0.01F * all));
    metrics[AFT_METRIC_STROKE] = episode->stroke_m[j];
    metrics[AFT_METRIC_FORCE] = episode->peak_force_n[j];
    metrics[AFT_METRIC_POWER] = episode->peak_power_w[j];
}

static void hand_out(const struct control_step *step, struct aft_building_env *self,
                     const struct aft_block *block, int j, const struct aft_env_step *out)
{
    size_t env = (size_t)(block->first + j), dim = (size_t)self->sensors.obs_dim;
    bool ends = block->episode->step[j] >=
                aft_episode_limit(self, block->first + j, block->episode->number[j]);
    float *obs = (ends ? out->final_obs : out->obs) + env * dim;
    memcpy(obs, step->obs_by_env + (ptrdiff_t)j * MAX_OBS, dim * sizeof *obs);
    out->reward[env] = step->reward[j];
    out->terminated[env] = 0;
    out->truncated[env] = ends;
    if (ends) {
        fill_metrics(out->metrics + env * AFT_N_METRICS, self, block, j);
        aft_episode_start_next(self, block, j, out->obs);
    }
}

enum aft_code aft_episodes_step(struct aft_building_env *self, const struct aft_block *block,
                                const float *actions, const struct aft_env_step *out,
                                struct aft_error *error)
{
    struct control_step step;
    enum aft_code code = take_actions(&step, self, block, actions, error);
    if (code != AFT_OK) {
        return code;
    }
    simulate(&step, self, block);
    code = check_finite(&step, block, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_episodes_prepare(self, block);
    read_passive(&step, self, block);
    settle(&step, self, block->episode);
    observe(&step, self, block);
    for (int j = block->from; j < block->to; j++) {
        hand_out(&step, self, block, j, out);
    }
    return AFT_OK;
}
