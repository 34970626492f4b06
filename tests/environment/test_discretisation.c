#include "fixtures.h"

#include "environment/discretisation.h"

static void exponential__of_a_rotation_is_the_rotation(void **state)
{
    (void)state;
    struct aft_error error;
    for (double angle = 0.1; angle < 400.0; angle *= 7.0) { /* also past the scaling threshold */
        const double a[4] = {0.0, -angle, angle, 0.0};
        double e[4];
        assert_ok(aft_matrix_exponential(e, a, 2, &error));
        assert_near(e[0], cos(angle), 1e-12 * (1.0 + angle));
        assert_near(e[1], -sin(angle), 1e-12 * (1.0 + angle));
        assert_near(e[2], sin(angle), 1e-12 * (1.0 + angle));
        assert_near(e[3], cos(angle), 1e-12 * (1.0 + angle));
    }
}

static void exponential__of_a_nilpotent_matrix_is_its_finite_series(void **state)
{
    (void)state;
    struct aft_error error;
    const double a[9] = {0.0, 2.0, 3.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0};
    const double exact[9] = {1.0, 2.0, 7.0, 0.0, 1.0, 4.0, 0.0, 0.0, 1.0};
    double e[9];
    assert_ok(aft_matrix_exponential(e, a, 3, &error));
    for (int i = 0; i < 9; i++) {
        assert_near(e[i], exact[i], 1e-13);
    }
}

static void exponential__refuses_what_is_not_finite(void **state)
{
    (void)state;
    struct aft_error error;
    const double a[1] = {NAN};
    double e[1];
    assert_int_equal(aft_matrix_exponential(e, a, 1, &error), AFT_ERR_NUMERIC);
}

/* x' = -r x + u + a(t): everything in closed form. */
static void discretise__is_exact_for_a_first_order_system(void **state)
{
    (void)state;
    struct aft_error error;
    const double r = 3.0, dt = 0.7;
    const double a[1] = {-r}, b[1] = {1.0};
    double phi, force, start, end;
    struct aft_continuous_system continuous = {1, a, b, b};
    struct aft_discrete_system discrete = {&phi, &force, &start, &end};
    assert_ok(aft_discretise(&discrete, &continuous, dt, &error));
    double decay = exp(-r * dt), held = (1.0 - decay) / r;
    double ramp = (dt - held) / (r * dt); /* response to an input growing from 0 to 1 */
    assert_near(phi, decay, 1e-14);
    assert_near(force, held, 1e-14);
    assert_near(end, ramp, 1e-14);
    assert_near(start, held - ramp, 1e-14);
}

static void discretise__two_half_steps_make_a_whole_one(void **state)
{
    (void)state;
    struct aft_error error;
    const double a[4] = {0.0, 1.0, -25.0, -0.3}, b[2] = {0.0, -1.0};
    double phi[4], force[2], start[2], end[2], phi_2[4], force_2[2], start_2[2], end_2[2];
    struct aft_continuous_system continuous = {2, a, b, b};
    struct aft_discrete_system whole = {phi, force, start, end};
    struct aft_discrete_system half = {phi_2, force_2, start_2, end_2};
    assert_ok(aft_discretise(&whole, &continuous, 0.1, &error));
    assert_ok(aft_discretise(&half, &continuous, 0.05, &error));
    double z[2] = {0.3, -1.1}, u = 2.0, from = 1.5, to = -0.5, middle = 0.5;
    double one[2], two[2], mid[2];
    for (int i = 0; i < 2; i++) {
        one[i] = phi[2 * i] * z[0] + phi[2 * i + 1] * z[1] + force[i] * u + start[i] * from +
                 end[i] * to;
        mid[i] = phi_2[2 * i] * z[0] + phi_2[2 * i + 1] * z[1] + force_2[i] * u +
                 start_2[i] * from + end_2[i] * middle;
    }
    for (int i = 0; i < 2; i++) {
        two[i] = phi_2[2 * i] * mid[0] + phi_2[2 * i + 1] * mid[1] + force_2[i] * u +
                 start_2[i] * middle + end_2[i] * to;
        assert_near(one[i], two[i], 1e-13);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential__of_a_rotation_is_the_rotation),
        cmocka_unit_test(exponential__of_a_nilpotent_matrix_is_its_finite_series),
        cmocka_unit_test(exponential__refuses_what_is_not_finite),
        cmocka_unit_test(discretise__is_exact_for_a_first_order_system),
        cmocka_unit_test(discretise__two_half_steps_make_a_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
