/*
 * The same with the real environment: generated motions, noisy sensors, episodes
 * that end and start in every iteration, groups on two threads.
 */
#include "allocations.h"
#include "environment/environment.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SKIPPED = 77, ENVS = 48, STEPS = 60, BATCH = 480 };

static const struct aft_environment_config building = {
    .n_envs = ENVS,
    .dt_s = 0.02,
    .control_every = 2,
    .episode_s = 4.0,
    .building = {.floors = 12,
                 .floor_mass_kg = 33333.0,
                 .storey_stiffness_n_m = 6.01e7,
                 .storey_height_m = 3.0,
                 .damping_ratio = 0.015,
                 .device_mass_kg = 4000.0,
                 .device_stiffness_n_m = 105034.0,
                 .device_damping_n_s_m = 6296.0,
                 .stroke_m = 1.5,
                 .stop_stiffness_n_m = 1e6,
                 .stop_damping_n_s_m = 3e4},
    .actuator = {.force_limit_n = 50e3, .power_limit_w = 3e5},
    .motion = {.kind = AFT_MOTION_STOCHASTIC_SOURCE,
               .scaling = AFT_MOTION_TO_PGA,
               .pga_g = 0.25,
               .magnitude = 4.5,
               .distance_km = 2.6,
               .stress_drop_bar = 80.0,
               .kappa_s = 0.04,
               .stress_drop_sigma_ln = 0.3,
               .mix_fraction = 0.6,
               .mix_magnitude_min = 5.5,
               .mix_magnitude_max = 6.8,
               .mix_distance_km = 10.0},
    .sensors = {.n_acceleration_floors = 2,
                .acceleration_floors = {6, 12},
                .noise = 0.003,
                .bits = 16,
                .latency_steps = 1,
                .dropout = 0.01},
    .reward = {.drift = 10.0, .peak = 5.0, .stroke = 0.02},
    .seed = 3,
    .stage = 1};

struct training {
    struct aft_thread_pool *pool;
    struct aft_env env;
    struct aft_engine engine;
    struct aft_ppo *ppo;
};

static void expect_ok(enum aft_code code, const struct aft_error *error)
{
    if (code != AFT_OK) {
        fail_msg("%s", error->message);
    }
}

static void begin(struct training *training)
{
    struct aft_error error = {0};
    expect_ok(aft_thread_pool_create(&training->pool, 2, &error), &error);
    expect_ok(aft_environment_create(&training->env, &building, &error), &error);
    const struct aft_engine_config engine = {.network = {.obs_dim = training->env.obs_dim,
                                                         .action_dim = 1,
                                                         .n_hidden = 2,
                                                         .hidden = {64, 64},
                                                         .activation = AFT_TANH},
                                             .max_rows = ENVS,
                                             .max_batch = BATCH,
                                             .act_slots = 2,
                                             .device = "cpu",
                                             .pool = training->pool};
    const struct aft_ppo_config config = {.n_steps = STEPS,
                                          .batch_size = BATCH,
                                          .n_epochs = 2,
                                          .gamma = 0.985f,
                                          .gae_lambda = 0.95f,
                                          .clip_range = 0.2f,
                                          .vf_coef = 0.5f,
                                          .max_grad_norm = 0.5f,
                                          .adam_eps = 1e-5f,
                                          .normalize_advantage = true,
                                          .normalize_observation = true,
                                          .seed = 3,
                                          .stage = 1};
    expect_ok(aft_engine_open(&training->engine, "native", &engine, &error), &error);
    expect_ok(aft_ppo_create(&training->ppo, &config, &training->engine, &training->env,
                             training->pool, &error),
              &error);
    expect_ok(aft_ppo_begin(training->ppo, &error), &error);
}

static void end(struct training *training)
{
    aft_ppo_destroy(training->ppo);
    aft_engine_close(&training->engine);
    training->env.destroy(training->env.self);
    aft_thread_pool_destroy(training->pool);
}

static int iterate(struct training *training, int n)
{
    struct aft_error error = {0};
    const struct aft_ppo_schedule schedule = {5e-4f, 0.0f};
    struct aft_iteration iteration;
    int episodes = 0;
    for (int i = 0; i < n; i++) {
        expect_ok(aft_ppo_iterate(training->ppo, &schedule, &iteration, &error), &error);
        episodes += iteration.n_episodes;
    }
    return episodes;
}

static void training__allocates_nothing_after_the_first_iteration(void **state)
{
    (void)state;
    struct training training;
    long before_all = allocations();
    fixture_use_built_modules();
    begin(&training);
    assert_true(allocations() > before_all + 10); /* the counter works */
    (void)iterate(&training, 1);
    long before = allocations();
    int episodes = iterate(&training, 6);
    assert_int_equal(allocations() - before, 0);
    assert_true(episodes > ENVS); /* first episodes and whole ones */
    end(&training);
}

int main(void)
{
    if (!ALLOCATIONS_COUNTED) {
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training__allocates_nothing_after_the_first_iteration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
