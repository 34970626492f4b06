/*
 * PPO with the native engine swings the pendulum up. An untrained policy has a
 * mean return of about -120; -25 means that the pendulum stands for most of
 * the episode whatever the start.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ITERATIONS = 60 };

static void ppo__swings_the_pendulum_up(void **state)
{
    (void)state;
    struct fixture_options options = FIXTURE_DEFAULTS;
    options.seed = 1;
    options.threads = 2;
    options.n_envs = 16;
    options.n_steps = 200;
    options.batch_size = 160;
    options.n_epochs = 10;
    options.width = 64;
    struct fixture fixture;
    struct aft_iteration iteration;
    double first = 0.0, last = 0.0;
    fixture_create(&fixture, &options);
    for (int k = 0; k < ITERATIONS; k++) { /* an iteration holds one episode of each */
        double sum = 0.0;
        fixture_iterate(&fixture, 1, &iteration);
        assert_int_equal(iteration.n_episodes, 16);
        for (int i = 0; i < 16; i++) {
            sum += (double)iteration.episodes[i].total_reward / 16;
        }
        first = k == 0 ? sum : first;
        last += k >= ITERATIONS - 10 ? sum / 10 : 0.0;
    }
    print_message("mean return: first rollout %.1f, last ten %.1f\n", first, last);
    assert_true(first < -80.0);
    assert_true(last > -25.0);
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ppo__swings_the_pendulum_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
