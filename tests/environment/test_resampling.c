#include "fixtures.h"

#include "environment/resampling.h"

enum { N_IN = 8000 };
static double in[N_IN], out[4 * N_IN];

static double largest_error(double f_hz, double dt_in, double dt_out, double gain)
{
    for (int i = 0; i < N_IN; i++) {
        in[i] = sin(2.0 * M_PI * f_hz * i * dt_in);
    }
    size_t n = aft_resampled_length(N_IN, dt_in, dt_out);
    aft_resample(out, dt_out, in, N_IN, dt_in);
    double error = 0.0;
    for (size_t i = n / 4; i < 3 * n / 4; i++) { /* away from the ends */
        error = fmax(error, fabs(out[i] - gain * sin(2.0 * M_PI * f_hz * (double)i * dt_out)));
    }
    return error;
}

static void resample__keeps_what_the_coarse_grid_can_hold(void **state)
{
    (void)state;
    assert_true(largest_error(1.0, 0.005, 0.02, 1.0) < 1e-3);
    assert_true(largest_error(12.0, 0.005, 0.02, 1.0) < 1e-3);
    assert_true(largest_error(20.0, 0.005, 0.02, 1.0) < 2e-3);  /* 0.40 of the rate */
    assert_true(largest_error(10.0, 0.01, 0.0123, 1.0) < 1e-3); /* no simple ratio */
}

static void resample__removes_what_it_cannot(void **state)
{
    (void)state;
    assert_true(largest_error(26.0, 0.005, 0.02, 0.0) < 1e-3);
    assert_true(largest_error(45.0, 0.005, 0.02, 0.0) < 1e-3);
    assert_true(largest_error(80.0, 0.005, 0.02, 0.0) < 1e-3);
}

static void resample__interpolates_to_finer_steps(void **state)
{
    (void)state;
    assert_true(largest_error(3.0, 0.02, 0.005, 1.0) < 1e-3);
    assert_true(largest_error(15.0, 0.02, 0.005, 1.0) < 1e-3);
}

static void resample__at_equal_steps_copies(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        in[i] = sin(7.0 * i);
    }
    assert_int_equal(aft_resampled_length(50, 0.02, 0.02), 50);
    aft_resample(out, 0.02, in, 50, 0.02);
    assert_memory_equal(in, out, 50 * sizeof *in);
}

static void length__ends_where_the_record_does(void **state)
{
    (void)state;
    assert_int_equal(aft_resampled_length(0, 0.005, 0.02), 0);
    assert_int_equal(aft_resampled_length(1, 0.005, 0.02), 1);
    assert_int_equal(aft_resampled_length(401, 0.005, 0.02), 101);
    assert_int_equal(aft_resampled_length(404, 0.005, 0.02), 101);
    assert_int_equal(aft_resampled_length(101, 0.02, 0.005), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resample__keeps_what_the_coarse_grid_can_hold),
        cmocka_unit_test(resample__removes_what_it_cannot),
        cmocka_unit_test(resample__interpolates_to_finer_steps),
        cmocka_unit_test(resample__at_equal_steps_copies),
        cmocka_unit_test(length__ends_where_the_record_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
