#include "fixtures.h"

#include "environment/plant.h"
#include "environment/response_spectrum.h"

#include <stdlib.h>

static void spectral_acceleration__of_a_long_sine_is_the_amplification(void **state)
{
    (void)state;
    enum { N = 40000 };
    static double a[N];
    const double dt = 0.005, f = 1.0, zeta = 0.05;
    for (int i = 0; i < N; i++) { /* faded in and out, so that no transient adds */
        double t = i * dt, edge = fmin(t, N * dt - t);
        double fade = edge < 80.0 ? 0.5 - 0.5 * cos(M_PI * edge / 80.0) : 1.0;
        a[i] = fade * sin(2.0 * M_PI * f * t);
    }
    for (double period = 0.4; period < 3.0; period *= 1.3) {
        double r = f * period; /* forcing over natural frequency */
        double gain = 1.0 / sqrt(pow(1.0 - r * r, 2.0) + pow(2.0 * zeta * r, 2.0));
        double sa = aft_spectral_acceleration_m_s2(a, N, dt, period, zeta);
        assert_near(sa / gain, 1.0, 0.003);
    }
}

static void spectral_acceleration__agrees_with_the_plants_step(void **state)
{
    (void)state;
    struct aft_error error;
    enum { N = 400 };
    double a[N + 200], w = 2.0 * M_PI / 0.7, z[2 + 2] = {0.0, 0.0}, peak = 0.0;
    struct aft_building_config config = uniform(1, 1.0, w * w, 0.05);
    struct aft_actuator_config actuator = {.force_limit_n = 0.0};
    struct aft_plant *plant;
    struct aft_plant_forces forces = {0};
    assert_ok(aft_plant_create(&plant, &config, &actuator, false, 0.02, &error));
    for (int i = 0; i < N + 200; i++) {
        a[i] = i < N ? sin(78.233 * i * i) : 0.0;
    }
    for (int i = 0; i + 1 < N + 36; i++) {
        aft_plant_step(plant, z, a + i, 0.0, &forces);
        peak = fmax(peak, fabs(z[0]));
    }
    assert_near(aft_spectral_acceleration_m_s2(a, N, 0.02, 0.7, 0.05) / (w * w * peak), 1.0, 1e-11);
    aft_plant_destroy(plant);
}

static void spectral_acceleration__of_a_stiff_oscillator_is_the_pga(void **state)
{
    (void)state;
    double a[200];
    for (int i = 0; i < 200; i++) {
        a[i] = 2.0 * sin(0.1 * i);
    }
    assert_near(aft_spectral_acceleration_m_s2(a, 200, 0.02, 0.01, 0.05), 2.0, 0.02);
}

static void summary__of_a_constant_and_of_a_triangle_is_exact(void **state)
{
    (void)state;
    double a[101];
    for (int i = 0; i <= 100; i++) {
        a[i] = -3.0;
    }
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, a, 101, 0.01);
    assert_near(summary.pga_m_s2, 3.0, 0.0);
    assert_near(summary.arias_m_s, M_PI / (2.0 * 9.80665) * 9.0, 1e-12);
    assert_in_range(summary.strong_first, 5, 6);
    assert_in_range(summary.strong_last, 95, 96);
    assert_near(summary.significant_s, 0.90, 0.0101);
    const double triangle[3] = {0.0, 1.0, 0.0};
    aft_motion_summarise(&summary, triangle, 3, 0.5);
    assert_near(summary.arias_m_s, M_PI / (2.0 * 9.80665) / 3.0, 1e-12);
}

static void summary__of_silence_is_zero(void **state)
{
    (void)state;
    const double a[4] = {0.0, 0.0, 0.0, 0.0};
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, a, 4, 0.01);
    assert_true(summary.pga_m_s2 == 0.0 && summary.arias_m_s == 0.0);
    assert_true(summary.strong_first == 0 && summary.strong_last == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectral_acceleration__of_a_long_sine_is_the_amplification),
        cmocka_unit_test(spectral_acceleration__agrees_with_the_plants_step),
        cmocka_unit_test(spectral_acceleration__of_a_stiff_oscillator_is_the_pga),
        cmocka_unit_test(summary__of_a_constant_and_of_a_triangle_is_exact),
        cmocka_unit_test(summary__of_silence_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
