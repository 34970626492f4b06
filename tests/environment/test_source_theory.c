/*
 * The mean Fourier spectrum of generated motions against Brune's ω² source,
 * written here in SI units and from the radius of the circular crack, so that it
 * shares neither a formula nor a unit with the generator.
 */
#include "fixtures.h"

#include "environment/ground_motion.h"

#include <stdlib.h>

enum { SEEDS = 400, FREQUENCIES = 12 };

static const double frequency_hz[FREQUENCIES] = {0.15, 0.25, 0.4, 0.6, 1.0, 1.5,
                                                 2.5,  4.0,  6.0, 9.0, 14., 20.};

struct theory {
    double plateau_m_s; /* of the displacement spectrum at the site, path and site aside */
    double corner_hz;
};

static struct theory brune(double magnitude, double distance_km, double stress_drop_bar)
{
    const double density_kg_m3 = 2800.0, velocity_m_s = 3500.0;
    const double radiation = 0.55, free_surface = 2.0, partition = 0.707;
    double moment_n_m = pow(10.0, 1.5 * magnitude + 9.05);
    double stress_drop_pa = 1e5 * stress_drop_bar;
    double radius_m = cbrt(7.0 / 16.0 * moment_n_m / stress_drop_pa);
    double distance_m = 1000.0 * fmin(distance_km, sqrt(40.0 * distance_km));
    return (struct theory){
        .plateau_m_s = radiation * free_surface * partition * moment_n_m /
                       (4.0 * M_PI * density_kg_m3 * pow(velocity_m_s, 3.0) * distance_m),
        .corner_hz = 2.34 * velocity_m_s / (2.0 * M_PI * radius_m),
    };
}

/* Boore & Joyner 1997, table 4: generic rock, log-log between the points. */
static double site(double f_hz)
{
    static const double at[] = {.09, .16, .51, .84, 1.25, 2.26, 3.17, 6.05, 16.6, 61.2};
    static const double by[] = {1.10, 1.18, 1.42, 1.58, 1.74, 2.06, 2.25, 2.58, 3.13, 4.00};
    size_t i = 1;
    while (at[i] < f_hz) {
        i++;
    }
    double share = log10(f_hz / at[i - 1]) / log10(at[i] / at[i - 1]);
    return pow(10.0, (1.0 - share) * log10(by[i - 1]) + share * log10(by[i]));
}

/* What path and site make of a spectrum: Q = 180 f^0.45, κ = 0.04 s, and the low cut. */
static double path_and_site(double f_hz, double distance_km)
{
    double q = 180.0 * pow(f_hz, 0.45);
    double anelastic = exp(-M_PI * f_hz * (distance_km / 3.5) / q);
    return anelastic * exp(-M_PI * 0.04 * f_hz) * site(f_hz) / sqrt(1.0 + pow(0.05 / f_hz, 8.0));
}

static double theory_m_s(double f_hz, double magnitude, double distance_km, double stress_drop_bar)
{
    struct theory source = brune(magnitude, distance_km, stress_drop_bar);
    double omega = 2.0 * M_PI * f_hz, ratio = f_hz / source.corner_hz;
    return omega * omega * source.plateau_m_s / (1.0 + ratio * ratio) *
           path_and_site(f_hz, distance_km);
}

/* |∫ a e^(-i2πft) dt|² of the motion. */
static double power_at(const struct aft_motion *motion, double f_hz)
{
    double re = 0.0, im = 0.0;
    for (size_t i = 0; i < motion->n; i++) {
        double phase = 2.0 * M_PI * f_hz * (double)i * motion->dt_s;
        re += motion->acceleration_m_s2[i] * cos(phase);
        im += motion->acceleration_m_s2[i] * sin(phase);
    }
    return (re * re + im * im) * motion->dt_s * motion->dt_s;
}

struct spectrum { /* over the seeds: the mean power, and the standard error of that mean */
    double power[FREQUENCIES], error[FREQUENCIES];
};

static struct spectrum mean_spectrum(const struct aft_source *source)
{
    struct spectrum s = {{0.0}, {0.0}};
    struct aft_random_key key = aft_random_key(77, 0, AFT_RANDOM_USER_MOTION);
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct aft_error error;
        struct aft_motion motion;
        assert_ok(
            aft_motion_from_source(&motion, source, 0.02, key, (const uint32_t[2]){i, 0}, &error));
        for (int k = 0; k < FREQUENCIES; k++) {
            double power = power_at(&motion, frequency_hz[k]);
            s.power[k] += power / SEEDS;
            s.error[k] += power * power / SEEDS;
        }
        aft_motion_clear(&motion);
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        s.error[k] = sqrt((s.error[k] - s.power[k] * s.power[k]) / (SEEDS - 1));
    }
    return s;
}

/* Four standard errors of the mean: 20 % of the power, 10 % of the amplitude. */
static void check_spectrum(double magnitude, double distance_km, double stress_drop_bar)
{
    struct aft_source source = {magnitude, distance_km, stress_drop_bar, 0.04};
    struct spectrum s = mean_spectrum(&source);
    for (int k = 0; k < FREQUENCIES; k++) {
        double amplitude = theory_m_s(frequency_hz[k], magnitude, distance_km, stress_drop_bar);
        double theory = amplitude * amplitude;
        assert_true(s.error[k] < 0.08 * s.power[k]);
        if (fabs(s.power[k] - theory) > 4.0 * s.error[k]) {
            fail_msg("M%g at %g km, %g Hz: power %g (+-%g), theory %g", magnitude, distance_km,
                     frequency_hz[k], s.power[k], s.error[k], theory);
        }
    }
}

static void mean_spectrum__is_that_of_brunes_source(void **state)
{
    (void)state;
    check_spectrum(4.5, 10.0, 80.0);
    check_spectrum(6.0, 20.0, 80.0);
    check_spectrum(7.0, 30.0, 80.0);
}

static void mean_spectrum__follows_stress_drop_and_spreading_beyond_40_km(void **state)
{
    (void)state;
    check_spectrum(6.0, 20.0, 160.0);
    check_spectrum(6.5, 90.0, 80.0);
}

/* The plateau of the displacement spectrum and the level of the acceleration
 * spectrum beyond the corner, measured on motions, path and site taken out;
 * the corner is where the two asymptotes meet. */
static void measure(double *plateau_m_s, double *corner_hz, double magnitude, double distance_km)
{
    struct aft_source source = {magnitude, distance_km, 80.0, 0.04};
    struct spectrum s = mean_spectrum(&source);
    double displacement = 0.0, acceleration = 0.0;
    for (int k = 0; k < 2; k++) { /* 0.15 and 0.25 Hz; 14 and 20 Hz */
        double low = frequency_hz[k], high = frequency_hz[FREQUENCIES - 1 - k];
        double omega = 2.0 * M_PI * low;
        displacement += 0.5 * s.power[k] / pow(omega * omega * path_and_site(low, distance_km), 2);
        acceleration +=
            0.5 * s.power[FREQUENCIES - 1 - k] / pow(path_and_site(high, distance_km), 2);
    }
    *plateau_m_s = sqrt(displacement);
    *corner_hz = sqrt(sqrt(acceleration) / *plateau_m_s) / (2.0 * M_PI);
}

/* Hanks & Kanamori: 1.5 decades of moment a unit of magnitude; a constant stress
 * drop: half a decade of corner frequency. The asymptotes are reached to a few per
 * cent at these frequencies, the means to 4 %. */
static void moment_and_corner__scale_with_magnitude(void **state)
{
    (void)state;
    double plateau[3], corner[3];
    const double magnitude[3] = {3.6, 4.3, 5.0};
    for (int i = 0; i < 3; i++) {
        struct theory expected = brune(magnitude[i], 10.0, 80.0);
        measure(&plateau[i], &corner[i], magnitude[i], 10.0);
        assert_near(plateau[i] / expected.plateau_m_s, 1.0, 0.12);
        assert_near(corner[i] / expected.corner_hz, 1.0, 0.12);
    }
    for (int i = 1; i < 3; i++) {
        double step = magnitude[i] - magnitude[i - 1];
        assert_near(log10(plateau[i] / plateau[i - 1]) / step, 1.5, 0.08);
        assert_near(log10(corner[i] / corner[i - 1]) / step, -0.5, 0.08);
    }
}

static void corner__is_that_of_brunes_crack(void **state)
{
    (void)state;
    for (int tenths = 30; tenths < 90; tenths += 5) {
        double magnitude = 0.1 * tenths;
        struct aft_source source = {magnitude, 20.0, 80.0, 0.04};
        double expected = brune(magnitude, 20.0, 80.0).corner_hz;
        assert_near(aft_source_corner_hz(&source) / expected, 1.0, 0.002); /* 4.9e6 is rounded */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_spectrum__is_that_of_brunes_source),
        cmocka_unit_test(mean_spectrum__follows_stress_drop_and_spreading_beyond_40_km),
        cmocka_unit_test(moment_and_corner__scale_with_magnitude),
        cmocka_unit_test(corner__is_that_of_brunes_crack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
