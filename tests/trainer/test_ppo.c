/* trainer/ppo.h: whole iterations. */
#include "fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct fixture_state train(const struct fixture_options *options, int iterations,
                                  struct aft_iteration *last)
{
    struct fixture fixture;
    fixture_create(&fixture, options);
    fixture_iterate(&fixture, iterations, last);
    struct fixture_state state = fixture_export(&fixture);
    fixture_destroy(&fixture);
    return state;
}

static void ppo_iterate__has_the_same_bits_with_any_number_of_threads(void **state)
{
    (void)state;
    struct fixture_options options = FIXTURE_DEFAULTS;
    options.n_envs = 21;
    options.batch_size = 300;
    struct fixture_state one = train(&options, 6, NULL);
    for (options.threads = 2; options.threads <= 3; options.threads++) {
        struct fixture_state more = train(&options, 6, NULL);
        fixture_assert_equal_states(&one, &more);
        fixture_state_clear(&more);
    }
    fixture_state_clear(&one);
}

/* At every boundary between iterations, so that episodes are cut anywhere. */
static void ppo_import_state__goes_on_bit_for_bit(void **state)
{
    (void)state;
    struct fixture_options options = FIXTURE_DEFAULTS;
    options.adaptive = true;
    struct fixture_state expected = train(&options, 10, NULL);
    for (int boundary = 0; boundary < 10; boundary += 3) {
        struct fixture_state middle = train(&options, boundary, NULL);
        struct fixture fixture;
        struct fixture_options other = options;
        other.threads = 2;
        fixture_create(&fixture, &other);
        fixture_iterate(&fixture, 1, NULL); /* must leave no trace */
        fixture_import(&fixture, &middle);
        fixture_iterate(&fixture, 10 - boundary, NULL);
        struct fixture_state end = fixture_export(&fixture);
        fixture_assert_equal_states(&expected, &end);
        fixture_destroy(&fixture);
        fixture_state_clear(&middle);
        fixture_state_clear(&end);
    }
    fixture_state_clear(&expected);
}

static void ppo_import_state__refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct fixture fixture;
    struct aft_error error;
    fixture_create(&fixture, &FIXTURE_DEFAULTS);
    size_t size = aft_ppo_state_size(fixture.ppo);
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    aft_ppo_export_state(fixture.ppo, bytes);
    assert_int_equal(aft_ppo_import_state(fixture.ppo, bytes, size - 1, &error), AFT_ERR_CORRUPT);
    bytes[0] ^= 1;
    assert_int_equal(aft_ppo_import_state(fixture.ppo, bytes, size, &error), AFT_ERR_CORRUPT);
    free(bytes);
    fixture_destroy(&fixture);
}

static void ppo_iterate__counts_steps_updates_and_episodes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct aft_iteration iteration;
    fixture_create(&fixture, &FIXTURE_DEFAULTS);
    fixture_iterate(&fixture, 4, &iteration); /* 4 x 50 steps: all six episodes end */
    assert_int_equal(iteration.n_episodes, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(iteration.episodes[i].length, PENDULUM_STEPS);
        assert_int_equal(iteration.episodes[i].step, 4 * 50 * 6);
        assert_true(iteration.episodes[i].total_reward < -10.0f);
    }
    assert_int_equal(iteration.updates, 3 * 5);
    assert_int_equal(iteration.epochs, 3);
    struct aft_ppo_counters counters = aft_ppo_counters(fixture.ppo);
    assert_int_equal(counters.iterations, 4);
    assert_int_equal(counters.steps, 4 * 50 * 6);
    assert_int_equal(counters.episodes, 6);
    assert_int_equal(counters.updates, 4 * 3 * 5);
    assert_true(fabs(iteration.std - 1.0) < 0.1);
    assert_true(fabs(iteration.learning_rate - 1e-3) < 1e-9);
    fixture_destroy(&fixture);
}

static void ppo_iterate__stops_updates_at_the_target_kl(void **state)
{
    (void)state;
    struct fixture_options options = FIXTURE_DEFAULTS;
    struct aft_iteration iteration;
    options.n_epochs = 20;
    options.target_kl = 1e-4f;
    struct fixture_state end = train(&options, 1, &iteration);
    assert_true(iteration.updates >= 1 && iteration.updates < 100);
    assert_true(iteration.epochs < 20);
    fixture_state_clear(&end);
}

static void ppo_iterate__adapts_the_learning_rate(void **state)
{
    (void)state;
    struct fixture_options options = FIXTURE_DEFAULTS;
    struct aft_iteration iteration;
    options.adaptive = true;
    struct fixture_state end = train(&options, 2, &iteration);
    assert_true(iteration.learning_rate >= 1e-5 && iteration.learning_rate <= 1.001e-2);
    assert_true(fabs(iteration.learning_rate - 1e-3) > 1e-5);
    fixture_state_clear(&end);
}

static void ppo_iterate__reports_an_observation_that_is_not_finite(void **state)
{
    (void)state;
    const struct aft_ppo_schedule schedule = {1e-3f, 0.0f};
    for (int lockstep = 0; lockstep < 2; lockstep++) {
        struct fixture_options options = FIXTURE_DEFAULTS;
        struct aft_iteration iteration;
        struct aft_error error = {0};
        struct fixture fixture;
        options.nan_at_step = 60; /* in the second rollout */
        options.in_lockstep = lockstep == 1;
        fixture_create(&fixture, &options);
        fixture_iterate(&fixture, 1, NULL);
        assert_int_equal(aft_ppo_iterate(fixture.ppo, &schedule, &iteration, &error),
                         AFT_ERR_NUMERIC);
        assert_int_equal(error.code, AFT_ERR_NUMERIC);
        assert_int_equal(aft_ppo_counters(fixture.ppo).iterations, 1);
        fixture_destroy(&fixture);
    }
}

static void ppo_act_mean__is_the_policy_without_noise_or_trace(void **state)
{
    (void)state;
    enum { ROWS = 20 }; /* more than there are environments */
    struct fixture fixture;
    struct aft_error error;
    float obs[ROWS * PENDULUM_OBS], actions[ROWS], one;
    fixture_create(&fixture, &FIXTURE_DEFAULTS);
    fixture_iterate(&fixture, 2, NULL);
    struct fixture_state before = fixture_export(&fixture);
    for (int i = 0; i < ROWS * PENDULUM_OBS; i++) {
        obs[i] = sinf((float)i);
    }
    assert_int_equal(aft_ppo_act_mean(fixture.ppo, ROWS, obs, actions, &error), AFT_OK);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(aft_ppo_act_mean(fixture.ppo, 1, &obs[i * PENDULUM_OBS], &one, &error),
                         AFT_OK);
        assert_float_equal(actions[i], one, 1e-6f);
    }
    struct fixture_state after = fixture_export(&fixture);
    fixture_assert_equal_states(&before, &after);
    fixture_state_clear(&before);
    fixture_state_clear(&after);
    fixture_destroy(&fixture);
}

/* An engine that takes one call at a time sees the same rollouts, but for the
 * rounding of products of another size. */
static void ppo_iterate__does_the_same_in_lockstep(void **state)
{
    (void)state;
    struct fixture_options options = FIXTURE_DEFAULTS;
    struct aft_iteration groups, lockstep;
    struct fixture_state a = train(&options, 4, &groups);
    options.in_lockstep = true;
    options.threads = 2;
    struct fixture_state b = train(&options, 4, &lockstep);
    assert_true(fabs(groups.reward_mean - lockstep.reward_mean) < 0.005);
    assert_true(fabs(lockstep.value_loss / groups.value_loss - 1.0) < 0.05);
    assert_int_equal(groups.n_episodes, lockstep.n_episodes);
    fixture_state_clear(&a);
    fixture_state_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ppo_iterate__has_the_same_bits_with_any_number_of_threads),
        cmocka_unit_test(ppo_import_state__goes_on_bit_for_bit),
        cmocka_unit_test(ppo_import_state__refuses_what_does_not_fit),
        cmocka_unit_test(ppo_iterate__counts_steps_updates_and_episodes),
        cmocka_unit_test(ppo_iterate__stops_updates_at_the_target_kl),
        cmocka_unit_test(ppo_iterate__adapts_the_learning_rate),
        cmocka_unit_test(ppo_iterate__reports_an_observation_that_is_not_finite),
        cmocka_unit_test(ppo_act_mean__is_the_policy_without_noise_or_trace),
        cmocka_unit_test(ppo_iterate__does_the_same_in_lockstep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
