/*
 * Training episodes of the controlled building: what the parts of the
 * implementation share (building_env.c: interface and creation; episode_start.c;
 * episode_step.c; building_env_state.c).
 *
 * Environments live in blocks of AFT_LANES, structure of arrays, and a control
 * step works on a whole block in place. While an episode goes on, the passive
 * building of the same environment's next episode is moved on a step, too, in
 * the same way, so that its reference is there when the episode starts.
 *
 * Invariants:
 *  1. What environment i does depends on its own lane and on (seed, stage, i,
 *     episode, step) only: lanes never mix, and a lane's arithmetic does not
 *     depend on its place or on how many lanes are in use.
 *  2. Ground motions, passive references and what an episode departs by are
 *     functions of (seed, stage, i, episode): they are no state and are made
 *     again by import_state. How far the next reference has come shows nowhere.
 *  3. Nothing is allocated after creation.
 *  4. Lanes outside a range are neither read nor written by a call on that
 *     range, except those past the last environment, which stand still.
 */
#ifndef AFT_ENVIRONMENT_BUILDING_ENV_H
#define AFT_ENVIRONMENT_BUILDING_ENV_H

#include "environment/environment.h"
#include "environment/ground_motion.h"
#include "environment/observation.h"
#include "environment/observer.h"
#include "environment/passive_reference.h"
#include "environment/plant_f32.h"
#include "environment/randomisation.h"

enum { AFT_MAX_EPISODES = 1 << 30 };
enum {
    AFT_METRIC_PEAK,
    AFT_METRIC_RMS,
    AFT_METRIC_STROKE,
    AFT_METRIC_FORCE,
    AFT_METRIC_POWER,
    AFT_N_METRICS
};

struct aft_scenario {                 /* of one episode; the arrays belong to the environment */
    float *ground_m_s2;               /* [steps * substeps + 1] */
    struct aft_passive_step *passive; /* [steps] */
};

struct aft_episode_lanes { /* rows of four bytes a lane */
    /* state */
    uint32_t number[AFT_LANES], step[AFT_LANES];
    float peak[AFT_LANES], peak_acceleration_m_s2[AFT_LANES];
    float stroke_m[AFT_LANES], peak_force_n[AFT_LANES], peak_power_w[AFT_LANES];
    float squares[AFT_LANES], passive_squares[AFT_LANES];
    float actuator_n[AFT_LANES];
    /* what the episode departs by */
    float extra_noise[AFT_LANES], extra_dropout[AFT_LANES];
    uint32_t late_steps[AFT_LANES], variant[AFT_LANES];
    /* of the episode's passive reference */
    float mean_squares[AFT_LANES], largest_drift[AFT_LANES], largest_acceleration_m_s2[AFT_LANES];
    /* of the next episode's reference */
    uint32_t prepared[AFT_LANES]; /* control steps */
    uint32_t next_variant[AFT_LANES];
};

/* A block, or the lanes of one that a range covers only a part of: then the rows
 * are a copy, in which the other lanes stand still. */
struct aft_block {
    int first;    /* environment of lane 0 */
    int from, to; /* lanes from … to - 1 take part */
    struct aft_episode_lanes *episode;
    float *state, *passive_state; /* [columns][AFT_LANES] */
    float *memory;                /* [n_memory][AFT_LANES] */
    float *late_n;                /* [most_late_steps][AFT_LANES]: the last commands, a ring … */
                                  /* … by simulation step of the episode */
};

struct aft_building_env {
    struct aft_environment_config config;
    int n_envs, n_blocks;
    int steps, substeps; /* control steps an episode, simulation steps each */
    struct aft_plant *exact;
    struct aft_plant_f32 *plant;
    struct aft_randomisation randomisation;
    struct aft_motion_set *motions;
    struct aft_sensors sensors;
    struct aft_observer *observer; /* of the sensors; may be NULL */
    struct aft_random_key sensor_key;
    struct aft_episode_lanes *episodes; /* [n_blocks] */
    float *rows;                        /* [n_blocks][block_rows][AFT_LANES] */
    struct aft_scenario *now, *next;    /* [n_envs], into the two below */
    float *ground_m_s2;                 /* [2 n_envs][steps * substeps + 1] */
    struct aft_passive_step *passive;   /* [2 n_envs][steps] */
    float *silence;                     /* [steps * substeps + 1] zeros */
};

/* First episodes end at different times, so that not all environments start anew in one step. */
uint32_t aft_episode_limit(const struct aft_building_env *self, int env, uint32_t number);

/* Of an episode, by its variant. */
static inline const struct aft_plant_f32 *aft_plant_of(const struct aft_building_env *self,
                                                       uint32_t variant)
{
    return self->randomisation.n_variants > 0 ? self->randomisation.plants[variant] : self->plant;
}

/* Whole, in place. */
struct aft_block aft_block_at(const struct aft_building_env *self, int block);

/* episode_start.c: for all lanes that take part, but for lane j alone in start_next. */
void aft_episodes_reset(struct aft_building_env *self, const struct aft_block *block, float *obs);
void aft_episode_start_next(struct aft_building_env *self, const struct aft_block *block, int j,
                            float *obs);
/* Makes the scenarios of episodes that go on, after their state was set. */
void aft_episodes_resume(struct aft_building_env *self, const struct aft_block *block);
/* Moves the next episodes' references on by one control step. */
void aft_episodes_prepare(struct aft_building_env *self, const struct aft_block *block);

/* episode_step.c: one control step of all lanes that take part. */
enum aft_code aft_episodes_step(struct aft_building_env *self, const struct aft_block *block,
                                const float *actions, const struct aft_env_step *out,
                                struct aft_error *error);

/* building_env_state.c: three functions of the interface (base/env.h). */
size_t aft_building_env_state_size(const void *self);
void aft_building_env_export(const void *self, void *bytes);
enum aft_code aft_building_env_import(void *self, const void *bytes, size_t size,
                                      struct aft_error *error);

#endif
