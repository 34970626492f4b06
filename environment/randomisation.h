/*
 * Domain randomisation: how a training episode departs from what the
 * controllers are made for. Everything drawn is a function of (seed, stage,
 * environment, episode), so that it is no state. Evaluations do not use it.
 *
 * Noise, latency and dropout are each as configured in half of the episodes, and drawn
 * uniformly beyond that in the others: a policy that only ever met departures would
 * pay for them where there are none.
 *
 * Buildings are drawn from AFT_RANDOM_BUILDINGS variants of (seed, stage), which
 * cover ± stiffness and ± damping evenly (a Latin hypercube); environments of
 * one block of AFT_LANES have the same variant in the episode of the same number,
 * because a matrix product serves a whole block.
 */
#ifndef AFT_ENVIRONMENT_RANDOMISATION_H
#define AFT_ENVIRONMENT_RANDOMISATION_H

#include "base/error.h"
#include "base/random.h"
#include "environment/config.h"
#include "environment/plant_f32.h"

enum { AFT_RANDOM_BUILDINGS = 16, AFT_RANDOM_MAX_LATE_STEPS = 100 };

struct aft_randomisation { /* read-only after its creation */
    struct aft_randomisation_config config;
    struct aft_random_key episode_key, building_key;
    int most_late_steps; /* simulation steps */
    int n_variants;      /* 0: all buildings are the nominal one */
    struct aft_plant *exact[AFT_RANDOM_BUILDINGS];
    struct aft_plant_f32 *plants[AFT_RANDOM_BUILDINGS];
};

/* USAGE for figures out of range (noise and dropout 0…1, stiffness and damping
 * 0…0.9, latency 0…AFT_RANDOM_MAX_LATE_STEPS simulation steps). Clear it also after
 * a failure. */
enum aft_code aft_randomisation_init(struct aft_randomisation *randomisation,
                                     const struct aft_environment_config *config,
                                     struct aft_error *error);
void aft_randomisation_clear(struct aft_randomisation *randomisation);

/* By what the stiffness and the damping ratio of a variant are multiplied, less 1. */
struct aft_building_change {
    double stiffness, damping;
};
struct aft_building_change aft_randomisation_change(const struct aft_randomisation *randomisation,
                                                    int variant);

/* The variant in an episode: below n_variants, or 0. */
int aft_randomisation_variant(const struct aft_randomisation *randomisation, int env,
                              uint32_t episode);

struct aft_departure {    /* of an episode */
    float noise, dropout; /* beside the configured ones: 0 or up to the config's */
    uint32_t late_steps;  /* simulation steps that the command is late: 0…most_late_steps */
};
struct aft_departure aft_randomisation_departure(const struct aft_randomisation *randomisation,
                                                 int env, uint32_t episode);

#endif
