#include "fixtures.h"

#include "base/simd.h"
#include "environment/environment.h"

#include <pthread.h>
#include <stdlib.h>

/* Every allocation of the program goes through here (linked with --wrap). */
static int allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

enum { MAX_ENVS = 40, MAX_OBS = 96, MAX_METRICS = 8 };

struct rig { /* an environment and everything that it writes */
    struct aft_env env;
    float obs[MAX_ENVS * MAX_OBS], final_obs[MAX_ENVS * MAX_OBS];
    float reward[MAX_ENVS], metrics[MAX_ENVS * MAX_METRICS];
    uint8_t terminated[MAX_ENVS], truncated[MAX_ENVS];
    float actions[MAX_ENVS];
};

static struct aft_env_step out_of(struct rig *rig)
{
    return (struct aft_env_step){rig->obs,        rig->final_obs, rig->reward,
                                 rig->terminated, rig->truncated, rig->metrics};
}

static struct rig *make(const struct aft_environment_config *config)
{
    struct aft_error error;
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_ok(aft_environment_create(&rig->env, config, &error));
    assert_int_equal(rig->env.obs_dim, aft_environment_obs_dim(config));
    assert_ok(rig->env.reset(rig->env.self, 0, rig->env.n_envs, rig->obs, &error));
    return rig;
}

static void drop(struct rig *rig)
{
    rig->env.destroy(rig->env.self);
    free(rig);
}

static void step(struct rig *rig, int first, int count)
{
    struct aft_error error;
    struct aft_env_step out = out_of(rig);
    assert_ok(rig->env.step(rig->env.self, first, count, rig->actions, &out, &error));
}

static void act(struct rig *rig, int k)
{
    for (int i = 0; i < rig->env.n_envs; i++) {
        rig->actions[i] = 1.3F * sinf(0.21F * (float)k + (float)i);
    }
}

/* Everything on: noise, conversion, dropout, latency, randomisation of all that. */
static struct aft_environment_config rough(int n_envs)
{
    struct aft_environment_config config = stage_1(n_envs);
    config.sensors.observer = true;
    config.sensors.guard_reach = 0.3;
    config.nominal = (struct aft_nominal_config){true, 0.1, 0.01, 0.0, 0.001};
    config.sensors.noise = 0.003;
    config.sensors.bits = 16;
    config.sensors.dropout = 0.05;
    config.sensors.latency_steps = 2;
    config.actuator.lag_s = 0.03;
    config.randomisation = (struct aft_randomisation_config){0.002, 0.1, 0.1, 0.15, 0.3};
    config.reward.acceleration = 0.5;
    config.reward.force_rate = 0.01;
    return config;
}

static void step__without_force_is_exactly_the_passive_building(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(20);
    config.reward.acceleration = 1.0;
    config.reward.stroke = 0.0; /* the passive device moves far, too */
    config.motion.pga_g = 0.5;
    struct rig *rig = make(&config);
    int ended = 0;
    for (int k = 0; k < 320; k++) {
        step(rig, 0, 20);
        for (int i = 0; i < 20; i++) {
            assert_true(rig->reward[i] <= 0.0F);
            if (rig->truncated[i]) {
                ended++;
            }
            if (rig->truncated[i] && k >= 150) {
                assert_near(rig->metrics[i * 5], 1.0, 0.0);
                assert_near(rig->metrics[i * 5 + 1], 1.0, 1e-6);
                assert_true(rig->metrics[i * 5 + 2] > 0.01F && rig->metrics[i * 5 + 3] == 0.0F);
            }
        }
    }
    assert_true(ended >= 40);
    drop(rig);
}

static void step__with_any_force_earns_something(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(4);
    struct rig *rig = make(&config);
    double sum = 0.0;
    for (int k = 0; k < 200; k++) {
        act(rig, k);
        step(rig, 0, 4);
        for (int i = 0; i < 4; i++) {
            assert_true(isfinite(rig->reward[i]) && rig->reward[i] >= -1.2F);
            sum += fabs((double)rig->reward[i]);
        }
    }
    assert_true(sum > 1.0);
    drop(rig);
}

static void episodes__are_truncated_staggered_and_start_anew(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(30); /* 150 control steps an episode */
    struct rig *rig = make(&config);
    int ended[MAX_ENVS] = {0}, most_at_once = 0;
    int last[MAX_ENVS] = {0};
    for (int k = 1; k <= 600; k++) {
        int now = 0;
        step(rig, 0, 30);
        for (int i = 0; i < 30; i++) {
            assert_int_equal(rig->terminated[i], 0);
            if (!rig->truncated[i]) {
                continue;
            }
            now++;
            assert_int_equal(k - last[i], ended[i] == 0 ? 5 * (i + 1) : 150);
            last[i] = k;
            ended[i]++;
            if (k > 150) { /* past the onset, not cut short */
                assert_memory_not_equal(rig->obs + i * 21, rig->final_obs + i * 21,
                                        21 * sizeof(float));
            }
            assert_near(rig->obs[i * 21 + 20], 0.0, 0.0); /* no motion seen yet */
        }
        most_at_once = now > most_at_once ? now : most_at_once;
    }
    assert_int_equal(most_at_once, 1);
    drop(rig);
}

static void expect_same(const struct rig *a, const struct rig *b)
{
    size_t n = (size_t)a->env.n_envs, dim = (size_t)a->env.obs_dim;
    assert_memory_equal(a->obs, b->obs, n * dim * sizeof(float));
    assert_memory_equal(a->final_obs, b->final_obs, n * dim * sizeof(float));
    assert_memory_equal(a->reward, b->reward, n * sizeof(float));
    assert_memory_equal(a->metrics, b->metrics, n * 5 * sizeof(float));
    assert_memory_equal(a->truncated, b->truncated, n);
}

static void step__gives_the_same_bits_in_any_range(void **state)
{
    (void)state;
    struct aft_environment_config config = rough(37);
    struct rig *whole = make(&config), *parts = make(&config);
    const int cuts[] = {0, 1, 4, 5, 13, 29, 37};
    for (int k = 0; k < 200; k++) {
        act(whole, k);
        act(parts, k);
        step(whole, 0, 37);
        for (int c = 5; c >= 0; c--) {
            step(parts, cuts[c], cuts[c + 1] - cuts[c]);
        }
        expect_same(whole, parts);
    }
    drop(whole);
    drop(parts);
}

static void step__of_an_environment_does_not_depend_on_the_number_of_others(void **state)
{
    (void)state;
    struct aft_environment_config config = rough(37);
    struct rig *many = make(&config);
    config.n_envs = 1; /* its first episode is not cut, so compare the first 3 steps of env 0 */
    struct rig *one = make(&config);
    for (int k = 0; k < 3; k++) {
        act(many, k);
        act(one, k);
        step(many, 0, 37);
        step(one, 0, 1);
        assert_memory_equal(many->obs, one->obs, (size_t)one->env.obs_dim * sizeof(float));
        assert_memory_equal(many->reward, one->reward, sizeof(float));
    }
    drop(many);
    drop(one);
}

static void step__gives_the_same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    struct aft_environment_config config = rough(20);
    struct rig *rigs[AFT_SIMD_AVX512 + 1];
    for (int level = AFT_SIMD_PORTABLE; level <= AFT_SIMD_AVX512; level++) {
        aft_simd_limit((enum aft_simd)level);
        rigs[level] = make(&config);
        for (int k = 0; k < 170; k++) {
            act(rigs[level], k);
            step(rigs[level], 0, 20);
        }
        expect_same(rigs[0], rigs[level]);
    }
    for (int level = AFT_SIMD_PORTABLE; level <= AFT_SIMD_AVX512; level++) {
        drop(rigs[level]);
    }
}

struct half {
    struct rig *rig;
    int first, count;
};

static void *run_half(void *context)
{
    struct half *half = context;
    for (int k = 0; k < 200; k++) {
        struct aft_error error;
        struct aft_env_step out = out_of(half->rig);
        for (int i = half->first; i < half->first + half->count; i++) {
            half->rig->actions[i] = 1.3F * sinf(0.21F * (float)k + (float)i);
        }
        if (half->rig->env.step(half->rig->env.self, half->first, half->count, half->rig->actions,
                                &out, &error) != AFT_OK) {
            return half;
        }
    }
    return NULL;
}

static void step__allocates_nothing(void **state)
{
    (void)state;
    struct aft_environment_config config = rough(5);
    struct rig *rig = make(&config);
    assert_true(allocations > 0);
    allocations = 0;
    for (int k = 0; k < 320; k++) { /* episodes end and start in it */
        act(rig, k);
        step(rig, 0, 5);
    }
    assert_int_equal(allocations, 0);
    drop(rig);
}

static void step__may_run_on_disjoint_ranges_at_one_time(void **state)
{
    (void)state;
    struct aft_environment_config config = rough(21);
    struct rig *alone = make(&config), *together = make(&config);
    for (int k = 0; k < 200; k++) {
        act(alone, k);
        step(alone, 0, 21);
    }
    struct half halves[3] = {{together, 0, 5}, {together, 5, 10}, {together, 15, 6}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_half, &halves[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_memory_equal(alone->obs, together->obs,
                        21U * (size_t)alone->env.obs_dim * sizeof(float));
    assert_memory_equal(alone->reward, together->reward, 21 * sizeof(float));
    drop(alone);
    drop(together);
}

static void state__goes_on_bit_for_bit_in_another_process(void **state)
{
    (void)state;
    struct aft_environment_config config = rough(9);
    struct rig *first = make(&config);
    size_t size = first->env.state_size(first->env.self);
    char *bytes = malloc(size), *again = malloc(size);
    assert_true(bytes != NULL && again != NULL);
    for (int at = 0; at < 5; at++) { /* mid-episode, and around episode ends */
        for (int k = 0; k < 67; k++) {
            act(first, k);
            step(first, 0, 9);
        }
        first->env.export_state(first->env.self, bytes);
        struct rig *second = make(&config); /* as a new process would */
        struct aft_error error;
        assert_ok(second->env.import_state(second->env.self, bytes, size, &error));
        second->env.export_state(second->env.self, again);
        assert_memory_equal(bytes, again, size);
        memcpy(second->final_obs, first->final_obs, sizeof first->final_obs);
        memcpy(second->metrics, first->metrics, sizeof first->metrics);
        for (int k = 0; k < 170; k++) {
            act(first, 1000 + k);
            act(second, 1000 + k);
            step(first, 0, 9);
            step(second, 0, 9);
            expect_same(first, second);
        }
        drop(second);
    }
    free(bytes);
    free(again);
    drop(first);
}

static void import_state__refuses_what_cannot_be_and_changes_nothing(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = rough(3);
    struct rig *rig = make(&config);
    size_t size = rig->env.state_size(rig->env.self);
    char *before = malloc(size), *bad = malloc(size + 8), *after = malloc(size);
    assert_true(before != NULL && bad != NULL && after != NULL);
    for (int k = 0; k < 20; k++) {
        act(rig, k);
        step(rig, 0, 3);
    }
    rig->env.export_state(rig->env.self, before);
    memset(bad, 0, size + 8);
    memcpy(bad, before, size);
    assert_int_equal(rig->env.import_state(rig->env.self, bad, size - 1, &error), AFT_ERR_CORRUPT);
    assert_int_equal(rig->env.import_state(rig->env.self, bad, size + 8, &error), AFT_ERR_CORRUPT);
    bad[8] ^= 1; /* number of environments */
    assert_int_equal(rig->env.import_state(rig->env.self, bad, size, &error), AFT_ERR_CORRUPT);
    memcpy(bad, before, size);
    const uint32_t far = 0x0fffffff;
    memcpy(bad + 24 + 4, &far, sizeof far); /* step of the first episode */
    assert_int_equal(rig->env.import_state(rig->env.self, bad, size, &error), AFT_ERR_CORRUPT);
    for (size_t at = size - 4; at > size - 40; at -= 4) { /* sensors' memory of the last */
        const float nan_value = NAN;
        memcpy(bad, before, size);
        memcpy(bad + at, &nan_value, sizeof nan_value);
        assert_int_equal(rig->env.import_state(rig->env.self, bad, size, &error), AFT_ERR_CORRUPT);
    }
    const float infinite = INFINITY;
    memcpy(bad, before, size);
    memcpy(bad + 24 + 40, &infinite, sizeof infinite); /* first displacement */
    assert_int_equal(rig->env.import_state(rig->env.self, bad, size, &error), AFT_ERR_CORRUPT);
    rig->env.export_state(rig->env.self, after);
    assert_memory_equal(before, after, size);
    free(before);
    free(bad);
    free(after);
    drop(rig);
}

static void step__reports_a_state_that_is_not_finite(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(2);
    struct rig *rig = make(&config);
    size_t size = rig->env.state_size(rig->env.self);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    const float huge = 1e30F;
    rig->env.export_state(rig->env.self, bytes);
    memcpy(bytes + 24 + 40, &huge, sizeof huge); /* finite, but its square is not */
    assert_ok(rig->env.import_state(rig->env.self, bytes, size, &error));
    struct aft_env_step out = out_of(rig);
    assert_int_equal(rig->env.step(rig->env.self, 0, 2, rig->actions, &out, &error),
                     AFT_ERR_NUMERIC);
    assert_non_null(strstr(error.message, "environment 0"));
    free(bytes);
    drop(rig);
}

static void step__refuses_actions_that_are_not_finite_and_clips_large_ones(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(2);
    struct rig *rig = make(&config), *clipped = make(&config);
    struct aft_env_step out = out_of(rig);
    rig->actions[1] = NAN;
    assert_int_equal(rig->env.step(rig->env.self, 0, 2, rig->actions, &out, &error),
                     AFT_ERR_NUMERIC);
    rig->actions[0] = rig->actions[1] = 7.0F;
    clipped->actions[0] = clipped->actions[1] = 1.0F;
    step(rig, 0, 2);
    step(clipped, 0, 2);
    assert_memory_equal(rig->obs, clipped->obs, 2U * (size_t)rig->env.obs_dim * sizeof(float));
    assert_near(rig->reward[0] - clipped->reward[0], -0.001, 1e-6);
    drop(rig);
    drop(clipped);
}

static void create__reports_wrong_settings(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_env env;
    struct aft_environment_config config = stage_1(0);
    assert_int_equal(aft_environment_create(&env, &config, &error), AFT_ERR_USAGE);
    config = stage_1(1);
    config.control_every = 0;
    assert_int_equal(aft_environment_create(&env, &config, &error), AFT_ERR_USAGE);
    config = stage_1(1);
    config.episode_s = 0.0;
    assert_int_equal(aft_environment_create(&env, &config, &error), AFT_ERR_USAGE);
    config = stage_1(1);
    config.dt_s = NAN;
    assert_int_equal(aft_environment_create(&env, &config, &error), AFT_ERR_USAGE);
    config = stage_1(1);
    config.sensors.acceleration_floors[0] = 99;
    assert_int_equal(aft_environment_create(&env, &config, &error), AFT_ERR_USAGE);
    assert_null(env.self);
}

static void metrics__report_stroke_force_and_power_within_the_limits(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(6);
    config.actuator.power_limit_w = 4e4;
    struct rig *rig = make(&config);
    int ended = 0;
    for (int k = 0; k < 310; k++) {
        for (int i = 0; i < 6; i++) { /* push along the measured speed */
            rig->actions[i] = rig->obs[i * 21 + 16] > 0.0F ? 1.0F : -1.0F;
        }
        step(rig, 0, 6);
        for (int i = 0; i < 6 && k >= 150; i++) {
            if (rig->truncated[i]) {
                const float *m = rig->metrics + i * 5;
                ended++;
                assert_between(m[2], 0.3, 1.9);
                assert_between(m[3], 2e4, 50e3 + 1.0);
                assert_between(m[4], 3.9e4, 4.0001e4);
            }
        }
    }
    assert_true(ended >= 6);
    drop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__without_force_is_exactly_the_passive_building),
        cmocka_unit_test(step__with_any_force_earns_something),
        cmocka_unit_test(episodes__are_truncated_staggered_and_start_anew),
        cmocka_unit_test(step__gives_the_same_bits_in_any_range),
        cmocka_unit_test(step__gives_the_same_bits_on_every_instruction_set),
        cmocka_unit_test(step__of_an_environment_does_not_depend_on_the_number_of_others),
        cmocka_unit_test(step__allocates_nothing),
        cmocka_unit_test(step__may_run_on_disjoint_ranges_at_one_time),
        cmocka_unit_test(state__goes_on_bit_for_bit_in_another_process),
        cmocka_unit_test(import_state__refuses_what_cannot_be_and_changes_nothing),
        cmocka_unit_test(step__reports_a_state_that_is_not_finite),
        cmocka_unit_test(step__refuses_actions_that_are_not_finite_and_clips_large_ones),
        cmocka_unit_test(create__reports_wrong_settings),
        cmocka_unit_test(metrics__report_stroke_force_and_power_within_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
