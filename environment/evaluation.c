#include "environment/evaluation.h"

#include "environment/clamp.h"
#include "environment/ground_motion.h"
#include "environment/observation.h"
#include "environment/response.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trial { /* the policy's building on one motion */
    struct aft_motion motion;
    size_t steps; /* control steps with the tail */
    double actuator_n;
    struct aft_response_meter meter;
};

struct evaluation {
    const struct aft_environment_config *config;
    enum aft_random_purpose purpose;
    double tail_s;
    int n;
    struct aft_plant *plant, *bare;
    struct aft_motion_set *motions;
    struct aft_sensors sensors;
    struct trial *trials;          /* [n] */
    struct aft_plant_lanes *lanes; /* [blocks of AFT_LANES] */
    float *memory;                 /* [n][sensors.n_memory] */
    float *obs, *actions;          /* [n][obs_dim], [n] */
};

static int blocks_of(int n)
{
    return (n + AFT_LANES - 1) / AFT_LANES;
}

static double ground_at(const struct aft_motion *motion, size_t i)
{
    return i < motion->n ? motion->acceleration_m_s2[i] : 0.0;
}

static void clear(struct evaluation *e)
{
    for (int i = 0; e->trials != NULL && i < e->n; i++) {
        aft_motion_clear(&e->trials[i].motion);
    }
    aft_plant_destroy(e->plant);
    aft_plant_destroy(e->bare);
    aft_motion_set_destroy(e->motions);
    free(e->trials);
    free(e->lanes);
    free(e->memory);
    free(e->obs);
    free(e->actions);
}

static enum aft_code make_plants(struct evaluation *e, struct aft_error *error)
{
    const struct aft_environment_config *config = e->config;
    struct aft_motion_context context = {
        .dt_s = config->dt_s, .seed = config->seed, .stage = config->stage, .workers = 1};
    if (config->control_every < 1 || !(e->tail_s >= 0.0 && e->tail_s <= 3600.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "evaluation: control_every %d, tail %g s: expected 1 or more, 0 to 3600",
                        config->control_every, e->tail_s);
    }
    enum aft_code code = aft_plant_create(&e->plant, &config->building, &config->actuator, true,
                                          config->dt_s, error);
    if (code == AFT_OK) {
        code = aft_plant_create(&e->bare, &config->building, &config->actuator, false, config->dt_s,
                                error);
    }
    if (code == AFT_OK) {
        code = aft_sensors_init(&e->sensors, &config->sensors, e->plant,
                                config->dt_s * config->control_every, error);
    }
    if (code == AFT_OK) {
        code = aft_building_first_period(&context.t1_s, &config->building, error);
    }
    return code == AFT_OK ? aft_motion_set_create(&e->motions, &config->motion, &context, error)
                          : code;
}

static enum aft_code allocate(struct evaluation *e, struct aft_error *error)
{
    size_t n = (size_t)e->n, blocks = (size_t)blocks_of(e->n);
    e->trials = calloc(n, sizeof *e->trials);
    e->lanes = aligned_alloc(_Alignof(struct aft_plant_lanes), blocks * sizeof *e->lanes);
    e->memory = calloc(n * (size_t)e->sensors.n_memory, sizeof *e->memory);
    e->obs = calloc(n * (size_t)e->sensors.obs_dim, sizeof *e->obs);
    e->actions = calloc(n, sizeof *e->actions);
    if (e->trials == NULL || e->lanes == NULL || e->memory == NULL || e->obs == NULL ||
        e->actions == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "evaluate %d motions: out of memory", e->n);
    }
    memset(e->lanes, 0, blocks * sizeof *e->lanes);
    return AFT_OK;
}

static enum aft_code make_trials(struct evaluation *e, struct aft_error *error)
{
    double control_s = e->config->dt_s * e->config->control_every;
    for (int i = 0; i < e->n; i++) {
        struct trial *trial = &e->trials[i];
        enum aft_code code =
            aft_motion_held_out(&trial->motion, e->motions, e->purpose, (uint32_t)i, error);
        if (code != AFT_OK) {
            return code;
        }
        double length_s = (double)(trial->motion.n - 1) * trial->motion.dt_s + e->tail_s;
        trial->steps = (size_t)ceil(length_s / control_s - 1e-9);
        aft_sensors_reset(&e->sensors, e->memory + (size_t)i * (size_t)e->sensors.n_memory);
    }
    return AFT_OK;
}

/* A building without control through a trial's motion. */
static struct aft_response respond(const struct aft_plant *plant, const struct trial *trial,
                                   int substeps)
{
    double state[AFT_PLANT_MAX_COLUMNS] = {0.0};
    struct aft_plant_forces forces = {0.0, 0.0, 0.0};
    struct aft_response_meter meter = {0};
    size_t steps = trial->steps * (size_t)substeps;
    for (size_t i = 0; i < steps; i++) {
        const double ground[2] = {ground_at(&trial->motion, i), ground_at(&trial->motion, i + 1)};
        aft_plant_step(plant, state, ground, 0.0, &forces);
        aft_response_note(&meter, plant, state, 1, &forces);
    }
    return aft_response_result(&meter, plant);
}

static void observe(struct evaluation *e, size_t step)
{
    struct aft_random_key key =
        aft_random_key(e->config->seed, e->config->stage, AFT_RANDOM_SENSOR);
    for (int i = 0; i < e->n; i++) {
        float channels[AFT_OBSERVATION_MAX_CHANNELS];
        struct aft_plant_lanes *lanes = &e->lanes[i / AFT_LANES];
        int j = i % AFT_LANES;
        /* Training episodes use the middle counters below 2^30. */
        struct aft_sensor_stream stream = {key, (uint32_t)i, 0x40000000U + (uint32_t)e->purpose};
        float *memory = e->memory + (size_t)i * (size_t)e->sensors.n_memory;
        const double ground_and_force[2] = {
            ground_at(&e->trials[i].motion, step * (size_t)e->config->control_every),
            lanes->forces[j].actuator_n + lanes->forces[j].contact_n};
        aft_sensors_sense(channels, &e->sensors, e->plant, lanes->state[0] + j, AFT_LANES,
                          ground_and_force);
        aft_sensors_measure(&e->sensors, memory, channels, &stream, (uint32_t)step);
        aft_sensors_observe(e->obs + (size_t)i * (size_t)e->sensors.obs_dim, &e->sensors, memory,
                            lanes->forces[j].actuator_n, (uint32_t)step);
    }
}

static enum aft_code command(struct evaluation *e, struct aft_error *error)
{
    for (int i = 0; i < e->n; i++) {
        float action = e->actions[i];
        if (!isfinite(action)) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "evaluation, motion %d: the action is not finite", i);
        }
        action = aft_clamp_f32(action, -1.0F, 1.0F);
        e->lanes[i / AFT_LANES].command_n[i % AFT_LANES] =
            action * e->config->actuator.force_limit_n;
    }
    return AFT_OK;
}

static void simulate(struct evaluation *e, size_t step)
{
    for (int substep = 0; substep < e->config->control_every; substep++) {
        size_t at = step * (size_t)e->config->control_every + (size_t)substep;
        for (int i = 0; i < e->n; i++) {
            struct aft_plant_lanes *lanes = &e->lanes[i / AFT_LANES];
            lanes->ground_start_m_s2[i % AFT_LANES] = ground_at(&e->trials[i].motion, at);
            lanes->ground_end_m_s2[i % AFT_LANES] = ground_at(&e->trials[i].motion, at + 1);
        }
        for (int block = 0; block < blocks_of(e->n); block++) {
            aft_plant_step_lanes(e->plant, &e->lanes[block]);
        }
        for (int i = 0; i < e->n; i++) {
            struct aft_plant_lanes *lanes = &e->lanes[i / AFT_LANES];
            int j = i % AFT_LANES;
            if (step < e->trials[i].steps) {
                aft_response_note(&e->trials[i].meter, e->plant, lanes->state[0] + j, AFT_LANES,
                                  &lanes->forces[j]);
            }
        }
    }
}

static enum aft_code run_policy(struct evaluation *e, aft_policy_function act, void *policy,
                                struct aft_error *error)
{
    size_t longest = 0;
    for (int i = 0; i < e->n; i++) {
        longest = e->trials[i].steps > longest ? e->trials[i].steps : longest;
    }
    for (size_t step = 0; step < longest; step++) {
        observe(e, step);
        enum aft_code code = act(policy, e->n, e->obs, e->actions, error);
        if (code == AFT_OK) {
            code = command(e, error);
        }
        if (code != AFT_OK) {
            return code;
        }
        simulate(e, step);
    }
    return AFT_OK;
}

static enum aft_code report(struct aft_motion_evaluation *results, const struct evaluation *e,
                            struct aft_error *error)
{
    for (int i = 0; i < e->n; i++) {
        const struct trial *trial = &e->trials[i];
        struct aft_motion_summary summary;
        aft_motion_summarise(&summary, trial->motion.acceleration_m_s2, trial->motion.n,
                             trial->motion.dt_s);
        results[i] = (struct aft_motion_evaluation){
            .pga_g = summary.pga_m_s2 / AFT_GRAVITY_M_S2,
            .duration_s = (double)(trial->motion.n - 1) * trial->motion.dt_s,
            .uncontrolled = respond(e->bare, trial, e->config->control_every),
            .passive = respond(e->plant, trial, e->config->control_every),
            .policy = aft_response_result(&trial->meter, e->plant),
        };
        if (!isfinite(results[i].policy.rms_drift) || !isfinite(results[i].passive.rms_drift)) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "evaluation, motion %d: the building's state is not finite", i);
        }
    }
    return AFT_OK;
}

enum aft_code aft_evaluate_policy(struct aft_motion_evaluation *results, int n, int *done,
                                  const struct aft_environment_config *config,
                                  enum aft_random_purpose purpose, double tail_s,
                                  aft_policy_function act, void *policy, struct aft_error *error)
{
    struct evaluation e = {.config = config, .purpose = purpose, .tail_s = tail_s};
    *done = 0;
    enum aft_code code = make_plants(&e, error);
    if (code == AFT_OK && n > 0) {
        int records = aft_motion_set_records(e.motions);
        e.n = records > 0 && records < n ? records : n;
        code = allocate(&e, error);
        if (code == AFT_OK) {
            code = make_trials(&e, error);
        }
        if (code == AFT_OK) {
            code = run_policy(&e, act, policy, error);
        }
        if (code == AFT_OK) {
            code = report(results, &e, error);
        }
    }
    *done = code == AFT_OK ? e.n : 0;
    clear(&e);
    return code;
}
