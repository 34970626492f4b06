#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "report/statistics.h"

#include <math.h>

static void assert_close(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.12g, expected %.12g +- %g", value, expected, tolerance);
    }
}

static struct aft_statistics of(const double *values, const int *stratum, size_t n, uint64_t seed)
{
    struct aft_error error;
    struct aft_statistics s;
    if (aft_statistics_of(&s, values, stratum, n, seed, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return s;
}

static void statistics__cut_a_quarter_off_each_end(void **state)
{
    (void)state;
    const double values[] = {100.0, 2.0, 3.0, -50.0, 4.0, 5.0, 6.0, 7.0, 9.0};
    struct aft_statistics s = of(values, NULL, 9, 1);
    assert_int_equal(s.n, 9);
    assert_close(s.mean, 86.0 / 9.0, 1e-12);
    assert_close(s.iqm, (3.0 + 4.0 + 5.0 + 6.0 + 7.0) / 5.0, 1e-12); /* 9/4 = 2 are cut */
    assert_close(s.worst, 100.0, 0.0);
    assert_true(s.mean_low < s.mean && s.mean < s.mean_high);
    assert_true(s.iqm_low < s.iqm && s.iqm < s.iqm_high);
}

/* Of many normal numbers the interval is mean ± 1.96 s/sqrt(n). */
static void statistics__interval_is_the_normal_one(void **state)
{
    (void)state;
    enum { N = 400 };
    double values[N], mean = 0.0, square = 0.0;
    aft_random_normal(values, N, aft_random_key(3, 0, AFT_RANDOM_TEST_MOTION), 0, 0, 0);
    for (int i = 0; i < N; i++) {
        mean += values[i] / N;
        square += values[i] * values[i] / N;
    }
    double half = 1.96 * sqrt((square - mean * mean) / N);
    struct aft_statistics s = of(values, NULL, N, 1);
    assert_close(s.mean, mean, 1e-12);
    assert_close((s.mean_low - mean) / half, -1.0, 0.08);
    assert_close((s.mean_high - mean) / half, 1.0, 0.08);
}

/* Two sets that differ much, each alike within: only a resample that keeps their
 * sizes says so. */
static void statistics__resample_within_the_sets(void **state)
{
    (void)state;
    const double values[] = {1.0, 10.0, 1.0, 10.0, 1.0, 10.0, 10.0, 1.0};
    const int stratum[] = {7, -2, 7, -2, 7, -2, -2, 7};
    struct aft_statistics kept = of(values, stratum, 8, 1), mixed = of(values, NULL, 8, 1);
    assert_close(kept.mean_low, 5.5, 1e-12);
    assert_close(kept.mean_high, 5.5, 1e-12);
    assert_true(mixed.mean_high - mixed.mean_low > 4.0);
}

static void statistics__are_a_function_of_values_and_seed(void **state)
{
    (void)state;
    const double values[] = {0.3, 0.9, 0.5, 0.6, 0.75, 0.81},
                 again[] = {0.81, 0.9, 0.3, 0.5, 0.75, 0.6};
    struct aft_statistics a = of(values, NULL, 6, 1), b = of(again, NULL, 6, 1);
    struct aft_statistics c = of(values, NULL, 6, 2);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.mean_low != c.mean_low || a.mean_high != c.mean_high);
    assert_close(a.mean_low, c.mean_low, 0.05);
}

static void statistics__of_one_value_are_that_value(void **state)
{
    (void)state;
    const double value = 0.7;
    struct aft_statistics s = of(&value, NULL, 1, 1);
    assert_close(s.mean_low, 0.7, 0.0);
    assert_close(s.iqm_high, 0.7, 0.0);
}

static void statistics__refuse_what_has_no_mean(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_statistics s;
    const double values[] = {1.0, NAN};
    assert_int_equal(aft_statistics_of(&s, values, NULL, 0, 1, &error), AFT_ERR_USAGE);
    assert_int_equal(aft_statistics_of(&s, values, NULL, 2, 1, &error), AFT_ERR_USAGE);
    assert_string_equal(error.message, "statistics: value 1 is nan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics__cut_a_quarter_off_each_end),
        cmocka_unit_test(statistics__interval_is_the_normal_one),
        cmocka_unit_test(statistics__resample_within_the_sets),
        cmocka_unit_test(statistics__are_a_function_of_values_and_seed),
        cmocka_unit_test(statistics__of_one_value_are_that_value),
        cmocka_unit_test(statistics__refuse_what_has_no_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
