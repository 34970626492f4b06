/* The library's environments beside the ones that the trainer makes of the same curriculum:
 * the same bits, over the ends of episodes. */
#include "aftershock/aftershock.h"
#include "curriculum/curriculum.h"
#include "environment/environment.h"
#include "runner/configure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CURRICULUM AFT_SOURCE_DIR "/stages.ini"

enum { N = 37, MAX_OBS = 64, MAX_METRICS = AFT_ENV_MAX_METRICS };

/* [environment] n_envs is N: the length of first episodes depends on it. */
static const char *const settings[] = {"environment.n_envs=37", "environment.episode_s=2",
                                       "run.seed=11"};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

struct arrays {
    float obs[N * MAX_OBS], final_obs[N * MAX_OBS], reward[N], metrics[N * MAX_METRICS];
    uint8_t terminated[N], truncated[N];
};

static void assert_same(const struct arrays *ours, const struct arrays *trainers, int obs_dim,
                        int n_metrics)
{
    size_t row = (size_t)obs_dim, figures = (size_t)n_metrics;
    assert_memory_equal(ours->obs, trainers->obs, N * row * sizeof(float));
    assert_memory_equal(ours->reward, trainers->reward, sizeof ours->reward);
    assert_memory_equal(ours->terminated, trainers->terminated, N);
    assert_memory_equal(ours->truncated, trainers->truncated, N);
    for (size_t i = 0; i < N; i++) {
        if (ours->truncated[i]) {
            assert_memory_equal(ours->final_obs + i * row, trainers->final_obs + i * row,
                                row * sizeof(float));
            assert_memory_equal(ours->metrics + i * figures, trainers->metrics + i * figures,
                                figures * sizeof(float));
        }
    }
}

static void make_trainers(struct aft_env *env, int stage)
{
    struct aft_error error;
    struct aft_curriculum *curriculum;
    struct aft_stage_environment setup;
    if (aft_curriculum_load(&curriculum, CURRICULUM, settings, N_SETTINGS, &error) != AFT_OK ||
        aft_configure_environment(&setup, curriculum, stage, &error) != AFT_OK ||
        aft_environment_create(env, &setup.config, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    aft_stage_environment_clear(&setup);
    aft_curriculum_destroy(curriculum);
}

static struct aftershock *make_ours(int stage)
{
    struct aftershock *building;
    struct aftershock_error error;
    struct aftershock_options options = AFTERSHOCK_OPTIONS;
    options.stage = stage;
    options.threads = 2;
    options.n_settings = N_SETTINGS;
    options.settings = settings;
    if (aftershock_create(&building, CURRICULUM, &options, &error) != AFTERSHOCK_OK) {
        fail_msg("%s", error.message);
    }
    return building;
}

static void step_both(struct aftershock *building, struct aft_env *env, struct arrays *ours,
                      struct arrays *trainers, int step)
{
    float actions[N];
    for (int i = 0; i < N; i++) {
        actions[i] = 1.5F * sinf(0.3F * (float)(step * (i + 1))); /* clipped at times */
    }
    const struct aftershock_results results = {.size = sizeof results,
                                               .n_envs = N,
                                               .obs_dim = env->obs_dim,
                                               .n_metrics = env->n_metrics,
                                               .obs = ours->obs,
                                               .final_obs = ours->final_obs,
                                               .reward = ours->reward,
                                               .terminated = ours->terminated,
                                               .truncated = ours->truncated,
                                               .metrics = ours->metrics};
    const struct aft_env_step out = {trainers->obs,        trainers->final_obs, trainers->reward,
                                     trainers->terminated, trainers->truncated, trainers->metrics};
    assert_int_equal(aftershock_step(building, actions, N, &results, NULL), AFTERSHOCK_OK);
    assert_int_equal(env->step(env->self, 0, N, actions, &out, NULL), AFT_OK);
    assert_same(ours, trainers, env->obs_dim, env->n_metrics);
}

static void compare(int stage)
{
    struct arrays *ours = calloc(1, sizeof *ours), *trainers = calloc(1, sizeof *trainers);
    assert_non_null(ours);
    assert_non_null(trainers);
    struct aft_env env;
    make_trainers(&env, stage);
    struct aftershock *building = make_ours(stage);
    assert_int_equal(aftershock_obs_dim(building), env.obs_dim);
    assert_in_range(env.obs_dim, 1, MAX_OBS);
    size_t n_obs = (size_t)N * (size_t)env.obs_dim;
    assert_int_equal(aftershock_reset(building, ours->obs, n_obs, NULL), AFTERSHOCK_OK);
    assert_int_equal(env.reset(env.self, 0, N, trainers->obs, NULL), AFT_OK);
    assert_memory_equal(ours->obs, trainers->obs, n_obs * sizeof(float));
    for (int step = 0; step < 120; step++) { /* an episode is 50 steps */
        step_both(building, &env, ours, trainers, step);
    }
    aftershock_close(&building);
    env.destroy(env.self);
    free(ours);
    free(trainers);
}

static void library__steps_bit_for_bit_as_the_trainers_environment(void **state)
{
    (void)state;
    compare(1);
    compare(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library__steps_bit_for_bit_as_the_trainers_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
