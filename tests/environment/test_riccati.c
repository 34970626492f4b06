#include "fixtures.h"

#include "environment/riccati.h"

/* x = a² x/(1 + g x) + q:  g x² + (1 - a² - g q) x - q = 0 */
static double scalar(double a, double g, double q)
{
    double b = 1.0 - a * a - g * q;
    return (-b + sqrt(b * b + 4.0 * g * q)) / (2.0 * g);
}

static void riccati__of_a_scalar_is_the_quadratics_root(void **state)
{
    (void)state;
    struct aft_error error;
    const double a[] = {0.5, 0.99, 1.0, 1.7}, g[] = {0.01, 1.0, 50.0}, q[] = {1e-3, 1.0, 30.0};
    for (int i = 0; i < 4 * 3 * 3; i++) {
        double x = 0.0, expected = scalar(a[i / 9], g[i / 3 % 3], q[i % 3]);
        assert_ok(aft_riccati_solve(&x, &a[i / 9], &g[i / 3 % 3], &q[i % 3], 1, &error));
        assert_near(x / expected, 1.0, 1e-10);
    }
}

/* A random walk of variance q a step, measured with variance r: the prediction's
 * variance is (q + sqrt(q² + 4 q r))/2. */
static void riccati__gives_a_random_walks_kalman_covariance(void **state)
{
    (void)state;
    struct aft_error error;
    const double a = 1.0, q = 0.3, r = 2.0, g = 1.0 / r;
    double p = 0.0;
    assert_ok(aft_riccati_solve(&p, &a, &g, &q, 1, &error));
    assert_near(p, 0.5 * (q + sqrt(q * q + 4.0 * q * r)), 1e-12);
}

/* Two states, unstable. Expected: 200 steps of x ← aᵀxa - aᵀxb (r + bᵀxb)⁻¹ bᵀxa + q,
 * made symmetric after each, in plain Python, b = (0.5, 1), r = 0.7. */
static void riccati__stabilises_what_is_unstable(void **state)
{
    (void)state;
    struct aft_error error;
    const double a[] = {1.1, 0.3, -0.2, 0.95}, q[] = {2.0, 0.5, 0.5, 1.0};
    const double g[] = {0.25 / 0.7, 0.5 / 0.7, 0.5 / 0.7, 1.0 / 0.7};
    const double expected[] = {6.346067022770165, 0.43283505327561334, 0.43283505327561334,
                               1.420347589814559};
    double x[4] = {0.0}, residual = 1.0;
    assert_ok(aft_riccati_solve(x, a, g, q, 2, &error));
    for (int i = 0; i < 4; i++) {
        assert_near(x[i], expected[i], 1e-9);
    }
    assert_ok(aft_riccati_residual(&residual, x, a, g, q, 2, &error));
    assert_true(residual < 1e-12);
    x[0] *= 1.001;
    assert_ok(aft_riccati_residual(&residual, x, a, g, q, 2, &error));
    assert_true(residual > 1e-5);
}

static void riccati__refuses_what_cannot_be_stabilised(void **state)
{
    (void)state;
    struct aft_error error;
    const double a = 1.2, g = 0.0, q = 1.0;
    double x = 0.0;
    assert_int_equal(aft_riccati_solve(&x, &a, &g, &q, 1, &error), AFT_ERR_NUMERIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(riccati__of_a_scalar_is_the_quadratics_root),
        cmocka_unit_test(riccati__gives_a_random_walks_kalman_covariance),
        cmocka_unit_test(riccati__stabilises_what_is_unstable),
        cmocka_unit_test(riccati__refuses_what_cannot_be_stabilised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
