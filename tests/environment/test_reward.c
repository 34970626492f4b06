#include "fixtures.h"

#include "environment/reward.h"

static const struct aft_reward_config weights = {.drift = 10.0,
                                                 .peak = 5.0,
                                                 .stroke = 0.02,
                                                 .saturation = 0.001,
                                                 .force_rate = 0.1,
                                                 .acceleration = 2.0,
                                                 .force = 0.3};

/* A step in which nothing moves. */
static struct aft_reward_terms still(void)
{
    return (struct aft_reward_terms){
        .mean_squares = 2e-6F, .substeps = 1000.0F, .largest_drift = 0.004F};
}

static void reward__of_no_drift_is_zero(void **state)
{
    (void)state;
    struct aft_reward_terms terms = still();
    assert_true(aft_reward(&weights, &terms) == 0.0F);
}

/* The passive building: Σd² adds up to E N over the episode, the peak to D_p. */
static void reward__of_a_passive_episode_is_minus_both_weights(void **state)
{
    (void)state;
    double sum = 0.0;
    for (int step = 0; step < 500; step++) {
        struct aft_reward_terms terms = still();
        terms.squares = 2.0F * 2e-6F; /* of two substeps */
        terms.peak_growth = 0.004F / 500.0F;
        sum += (double)aft_reward(&weights, &terms);
    }
    assert_near(sum, -15.0, 1e-4);
}

static void reward__of_drift_is_normalised_by_the_episode(void **state)
{
    (void)state;
    struct aft_reward_terms terms = still();
    terms.squares = 1e-6F;
    assert_near(aft_reward(&weights, &terms), -10.0 * 1e-6 / (2e-6 * 1000.0), 1e-7);
}

static void reward__of_a_growing_peak_is_in_passive_peaks(void **state)
{
    (void)state;
    struct aft_reward_terms terms = still();
    terms.peak_growth = 5e-4F;
    assert_near(aft_reward(&weights, &terms), -5.0 * 5e-4 / 0.004, 1e-6);
}

static void reward__of_drift_and_peak_is_at_least_minus_one(void **state)
{
    (void)state;
    struct aft_reward_terms terms = still();
    terms.peak_growth = 1.0F;
    assert_near(aft_reward(&weights, &terms), -1.0, 0.0);
}

static void reward__punishes_stroke_beyond_70_percent(void **state)
{
    (void)state;
    struct aft_reward_terms terms = still();
    terms.stroke_share = 0.7F;
    assert_true(aft_reward(&weights, &terms) == 0.0F);
    terms.stroke_share = 1.0F;
    assert_near(aft_reward(&weights, &terms), -0.02, 1e-7);
    terms.stroke_share = 1.3F;
    assert_near(aft_reward(&weights, &terms), -0.08, 1e-6);
}

static void reward__punishes_saturation_force_force_rate_and_acceleration(void **state)
{
    (void)state;
    struct aft_reward_terms terms = still();
    terms.action = 1.0F;
    assert_true(aft_reward(&weights, &terms) == 0.0F);
    terms.action = -1.01F;
    assert_near(aft_reward(&weights, &terms), -0.001, 1e-9);
    terms = still();
    terms.force_share = -0.5F;
    assert_near(aft_reward(&weights, &terms), -0.3 * 0.25, 1e-7);
    terms.force_share = 0.0F;
    terms.force_change_share = -0.5F;
    assert_near(aft_reward(&weights, &terms), -0.1 * 0.25, 1e-8);
    terms = still();
    terms.acceleration_growth_m_s2 = 1.0F;
    assert_true(aft_reward(&weights, &terms) == 0.0F); /* not followed */
    terms.largest_acceleration_m_s2 = 4.0F;
    assert_near(aft_reward(&weights, &terms), -2.0 * 1.0 / 4.0, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reward__of_no_drift_is_zero),
        cmocka_unit_test(reward__of_a_passive_episode_is_minus_both_weights),
        cmocka_unit_test(reward__of_drift_is_normalised_by_the_episode),
        cmocka_unit_test(reward__of_a_growing_peak_is_in_passive_peaks),
        cmocka_unit_test(reward__of_drift_and_peak_is_at_least_minus_one),
        cmocka_unit_test(reward__punishes_stroke_beyond_70_percent),
        cmocka_unit_test(reward__punishes_saturation_force_force_rate_and_acceleration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
