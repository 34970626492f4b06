#include "report/seed_summary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct aft_seed_summary summary_of(const double *values, size_t n)
{
    struct aft_seed_summary summary;
    struct aft_error error;
    assert_int_equal(aft_seed_summary_of(&summary, values, n, &error), AFT_OK);
    return summary;
}

/* By hand: deviations from 3 are -2 -1 0 1 2, their squares sum to 10. */
static void summary__of_five_values_is_that_worked_out_by_hand(void **state)
{
    (void)state;
    const double values[] = {5.0, 1.0, 4.0, 2.0, 3.0};
    struct aft_seed_summary s = summary_of(values, 5);
    assert_int_equal(s.n, 5);
    assert_true(fabs(s.mean - 3.0) < 1e-12 && fabs(s.sd - sqrt(2.5)) < 1e-12);
    assert_true(fabs(s.iqm - 3.0) < 1e-12); /* of 2 3 4 */
    assert_true(s.iqm_low > 1.0 && s.iqm_low < 3.0 && s.iqm_high > 3.0 && s.iqm_high < 5.0);
    assert_true(s.least < 1.5 && s.greatest > 4.5);
}

static void summary__leaves_out_what_is_not_finite(void **state)
{
    (void)state;
    const double values[] = {NAN, -0.7, INFINITY, -0.5};
    struct aft_seed_summary s = summary_of(values, 4);
    assert_int_equal(s.n, 2);
    assert_true(fabs(s.mean + 0.6) < 1e-12 && fabs(s.sd - sqrt(0.02)) < 1e-12);
    assert_true(fabs(s.least + 0.7) < 1e-12 && fabs(s.greatest + 0.5) < 1e-12);
}

static void summary__of_one_value_has_no_deviation_and_of_none_nothing(void **state)
{
    (void)state;
    const double values[] = {2.0, NAN};
    struct aft_seed_summary one = summary_of(values, 1), none = summary_of(values + 1, 1);
    assert_true(one.n == 1 && fabs(one.mean - 2.0) < 1e-12 && isnan(one.sd));
    assert_true(none.n == 0 && isnan(none.mean) && isnan(none.iqm) && isnan(none.least));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary__of_five_values_is_that_worked_out_by_hand),
        cmocka_unit_test(summary__leaves_out_what_is_not_finite),
        cmocka_unit_test(summary__of_one_value_has_no_deviation_and_of_none_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
