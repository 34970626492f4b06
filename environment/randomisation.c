#include "environment/randomisation.h"

#include "environment/robustness.h"

#include <math.h>

enum { NOISE, DROPOUT, LATENCY, DRAWS };

static bool within(double value, double low, double high)
{
    return value >= low && value <= high;
}

static enum aft_code check(const struct aft_randomisation_config *config, double dt_s,
                           struct aft_error *error)
{
    if (!within(config->noise, 0.0, 1.0) || !within(config->dropout, 0.0, 1.0) ||
        !within(config->latency_s, 0.0, dt_s * (AFT_RANDOM_MAX_LATE_STEPS + 0.49)) ||
        !within(config->stiffness, 0.0, 0.9) || !within(config->damping, 0.0, 0.9)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "randomisation: noise %g, dropout %g, latency %g s, stiffness %g, damping "
                        "%g: expected 0 to 1 twice, at most %d steps of %g s, 0 to 0.9 twice",
                        config->noise, config->dropout, config->latency_s, config->stiffness,
                        config->damping, AFT_RANDOM_MAX_LATE_STEPS, dt_s);
    }
    return AFT_OK;
}

struct aft_building_change aft_randomisation_change(const struct aft_randomisation *randomisation,
                                                    int variant)
{
    uint32_t damping[AFT_RANDOM_BUILDINGS];
    aft_random_permutation(damping, AFT_RANDOM_BUILDINGS, randomisation->building_key, UINT32_MAX,
                           0);
    double level = (2.0 * variant + 1.0) / AFT_RANDOM_BUILDINGS - 1.0;
    double other = (2.0 * damping[variant] + 1.0) / AFT_RANDOM_BUILDINGS - 1.0;
    return (struct aft_building_change){randomisation->config.stiffness * level,
                                        randomisation->config.damping * other};
}

static enum aft_code make_variant(struct aft_randomisation *randomisation, int variant,
                                  const struct aft_environment_config *config,
                                  struct aft_error *error)
{
    struct aft_environment_config changed;
    struct aft_building_change change = aft_randomisation_change(randomisation, variant);
    const struct aft_robustness robustness = {.stiffness_change = change.stiffness,
                                              .damping_change = change.damping};
    enum aft_code code = aft_robustness_apply(&changed, config, &robustness, error);
    if (code == AFT_OK) {
        code = aft_plant_create(&randomisation->exact[variant], &changed.building,
                                &changed.actuator, true, changed.dt_s, error);
    }
    return code == AFT_OK ? aft_plant_f32_create(&randomisation->plants[variant],
                                                 randomisation->exact[variant], error)
                          : code;
}

enum aft_code aft_randomisation_init(struct aft_randomisation *randomisation,
                                     const struct aft_environment_config *config,
                                     struct aft_error *error)
{
    const struct aft_randomisation_config *wanted = &config->randomisation;
    *randomisation = (struct aft_randomisation){
        .config = *wanted,
        .episode_key = aft_random_key(config->seed, config->stage, AFT_RANDOM_DEPARTURE),
        .building_key = aft_random_key(config->seed, config->stage, AFT_RANDOM_BUILDING)};
    enum aft_code code = check(wanted, config->dt_s, error);
    if (code != AFT_OK) {
        return code;
    }
    randomisation->most_late_steps = (int)lrint(wanted->latency_s / config->dt_s);
    if (wanted->stiffness == 0.0 && wanted->damping == 0.0) {
        return AFT_OK;
    }
    randomisation->n_variants = AFT_RANDOM_BUILDINGS;
    for (int i = 0; i < AFT_RANDOM_BUILDINGS && code == AFT_OK; i++) {
        code = make_variant(randomisation, i, config, error);
    }
    return code;
}

void aft_randomisation_clear(struct aft_randomisation *randomisation)
{
    for (int i = 0; i < AFT_RANDOM_BUILDINGS; i++) {
        aft_plant_f32_destroy(randomisation->plants[i]);
        aft_plant_destroy(randomisation->exact[i]);
    }
    *randomisation = (struct aft_randomisation){.n_variants = 0};
}

int aft_randomisation_variant(const struct aft_randomisation *randomisation, int env,
                              uint32_t episode)
{
    uint32_t words[4];
    if (randomisation->n_variants == 0) {
        return 0;
    }
    aft_random_words(words, randomisation->building_key, (uint32_t)(env / AFT_LANES), episode, 0);
    return (int)(words[0] % (uint32_t)randomisation->n_variants);
}

/* Of a lot in [0, 1): half of them come to nothing, the others are spread over it anew. */
static double beyond_half(double lot)
{
    return lot < 0.5 ? 0.0 : 2.0 * lot - 1.0;
}

struct aft_departure aft_randomisation_departure(const struct aft_randomisation *randomisation,
                                                 int env, uint32_t episode)
{
    const struct aft_randomisation_config *config = &randomisation->config;
    double lot[DRAWS];
    aft_random_uniform(lot, DRAWS, randomisation->episode_key, (uint32_t)env, episode, 0);
    return (struct aft_departure){
        .noise = (float)(config->noise * beyond_half(lot[NOISE])),
        .dropout = (float)(config->dropout * beyond_half(lot[DROPOUT])),
        .late_steps = (uint32_t)(beyond_half(lot[LATENCY]) * (randomisation->most_late_steps + 1)),
    };
}
