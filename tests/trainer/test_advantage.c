/* trainer/advantage.h against values worked out by hand. */
#include "trainer/advantage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { T = 3 };
static const float TOLERANCE = 1e-6f;

/* One environment: gamma 0.5, lambda 0.5; rewards 1 2 3, values 1 2 4, then 8. */
struct one_env {
    uint8_t terminated[T], truncated[T];
    float final_values[T];
    float expected[T];
};

static void check(const struct one_env *scenario)
{
    const float rewards[T] = {1, 2, 3}, values[T] = {1, 2, 4}, last[1] = {8};
    const struct aft_advantage_input input = {
        .n_steps = T,
        .n_envs = 1,
        .gamma = 0.5f,
        .gae_lambda = 0.5f,
        .rewards = rewards,
        .values = values,
        .final_values = scenario->final_values,
        .last_values = last,
        .terminated = scenario->terminated,
        .truncated = scenario->truncated,
    };
    float advantages[T], returns[T];
    aft_advantage_estimate(advantages, returns, &input);
    for (int t = 0; t < T; t++) {
        assert_float_equal(advantages[t], scenario->expected[t], TOLERANCE);
        assert_float_equal(returns[t], scenario->expected[t] + values[t], TOLERANCE);
    }
}

/* delta = 1 + 1 - 1, 2 + 2 - 2, 3 + 4 - 4 = 1, 2, 3; A_t = delta + A_{t+1} / 4 */
static void advantage__sums_discounted_errors(void **state)
{
    (void)state;
    const struct one_env scenario = {.expected = {1.6875f, 2.75f, 3.0f}};
    check(&scenario);
}

/* Step 1 terminates: delta_1 = 2 - 2 = 0, nothing carried over from step 2. */
static void advantage__stops_where_the_task_terminated(void **state)
{
    (void)state;
    const struct one_env scenario = {
        .terminated = {0, 1, 0}, .final_values = {0, 99, 0}, .expected = {1.0f, 0.0f, 3.0f}};
    check(&scenario);
}

/* Step 1 is cut with value 10 behind it: delta_1 = 2 + 5 - 2 = 5. */
static void advantage__bootstraps_where_a_limit_truncated(void **state)
{
    (void)state;
    const struct one_env scenario = {
        .truncated = {0, 1, 0}, .final_values = {0, 10, 0}, .expected = {2.25f, 5.0f, 3.0f}};
    check(&scenario);
}

/* In the last step the end decides too, not the next episode's first value. */
static void advantage__looks_at_ends_in_the_last_step(void **state)
{
    (void)state;
    const struct one_env terminated = {.terminated = {0, 0, 1},
                                       .expected = {1.4375f, 1.75f, -1.0f}};
    check(&terminated);
    const struct one_env truncated = {
        .truncated = {0, 0, 1}, .final_values = {0, 0, 2}, .expected = {1.5f, 2.0f, 0.0f}};
    check(&truncated);
}

static void advantage__keeps_environments_apart(void **state)
{
    (void)state;
    const float rewards[4] = {1, 0, 1, 0}, values[4] = {0}, last[2] = {0, 4};
    const float final_values[4] = {0};
    const uint8_t never[4] = {0}, truncated[4] = {0, 1, 0, 0};
    const struct aft_advantage_input input = {
        .n_steps = 2,
        .n_envs = 2,
        .gamma = 0.5f,
        .gae_lambda = 1.0f,
        .rewards = rewards,
        .values = values,
        .final_values = final_values,
        .last_values = last,
        .terminated = never,
        .truncated = truncated,
    };
    const float expected[4] = {1.5f, 0.0f, 1.0f, 2.0f};
    float advantages[4], returns[4];
    aft_advantage_estimate(advantages, returns, &input);
    for (int i = 0; i < 4; i++) {
        assert_float_equal(advantages[i], expected[i], TOLERANCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advantage__sums_discounted_errors),
        cmocka_unit_test(advantage__stops_where_the_task_terminated),
        cmocka_unit_test(advantage__bootstraps_where_a_limit_truncated),
        cmocka_unit_test(advantage__looks_at_ends_in_the_last_step),
        cmocka_unit_test(advantage__keeps_environments_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
