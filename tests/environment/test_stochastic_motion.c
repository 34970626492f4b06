#include "fixtures.h"

#include "environment/ground_motion.h"

#include <stdlib.h>

static const double stage_distance_km[4] = {2.6, 5.1, 8.7, 13.0};
static const double stage_magnitude[4] = {4.5, 5.7, 7.4, 8.4};
static const double stage_pga_g[4] = {0.25, 0.35, 0.75, 0.90};

static struct aft_source source_of(double magnitude, double distance_km)
{
    return (struct aft_source){magnitude, distance_km, 80.0, 0.04};
}

static struct aft_motion motion_of(const struct aft_source *source, double dt_s, uint32_t index)
{
    struct aft_error error;
    struct aft_motion motion;
    struct aft_random_key key = aft_random_key(11, 0, AFT_RANDOM_USER_MOTION);
    assert_ok(
        aft_motion_from_source(&motion, source, dt_s, key, (const uint32_t[2]){index, 0}, &error));
    return motion;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void pga__has_the_published_medians(void **state)
{
    (void)state;
    enum { N = 101 };
    for (int stage = 0; stage < 4; stage++) {
        struct aft_source source = source_of(stage_magnitude[stage], stage_distance_km[stage]);
        double pga[N];
        for (uint32_t i = 0; i < N; i++) {
            struct aft_motion motion = motion_of(&source, 0.01, i);
            struct aft_motion_summary summary;
            aft_motion_summarise(&summary, motion.acceleration_m_s2, motion.n, motion.dt_s);
            pga[i] = summary.pga_m_s2 / AFT_GRAVITY_M_S2;
            aft_motion_clear(&motion);
        }
        qsort(pga, N, sizeof *pga, by_size);
        assert_near(pga[N / 2] / stage_pga_g[stage], 1.0, 0.10);
    }
}

/* Goertzel's sum: |∫ a e^(-i2πft) dt|². */
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

static void spectrum__of_many_motions_is_the_sources(void **state)
{
    (void)state;
    enum { N = 200, FREQUENCIES = 6 };
    const double f[FREQUENCIES] = {0.3, 0.8, 1.5, 3.0, 7.0, 15.0};
    struct aft_source source = source_of(6.0, 20.0);
    double power[FREQUENCIES] = {0.0};
    for (uint32_t i = 0; i < N; i++) {
        struct aft_motion motion = motion_of(&source, 0.02, i);
        for (int k = 0; k < FREQUENCIES; k++) {
            power[k] += power_at(&motion, f[k]) / N;
        }
        aft_motion_clear(&motion);
    }
    for (int k = 0; k < FREQUENCIES; k++) { /* the mean of N exponentials: 7 % in power */
        assert_near(sqrt(power[k]) / aft_source_amplitude_m_s(&source, f[k]), 1.0, 0.11);
    }
}

/* Worked by hand from the formulas of the header (M 6, 10 km, 1 Hz). */
static void amplitude__matches_a_calculation_by_hand(void **state)
{
    (void)state;
    struct aft_source source = source_of(6.0, 10.0);
    double moment = 1.1220184543e25; /* 10^25.05 */
    double corner = 17.15e6 * pow(80.0 / moment, 1.0 / 3.0);
    assert_near(corner, 0.3301, 0.0005);
    assert_near(aft_source_corner_hz(&source), corner, 1e-9);
    double c = 0.55 * 0.707 * 2.0 / (4.0 * 3.14159265358979 * 2.8 * 42.875) * 1e-20;
    double shape = 39.4784176 / (1.0 + 1.0 / (corner * corner));
    double path = exp(-3.14159265358979 * 10.0 / (180.0 * 3.5));
    double kappa = exp(-3.14159265358979 * 0.04);
    double share = log(1.0 / 0.84) / log(1.25 / 0.84);
    double site = 1.58 * pow(1.74 / 1.58, share);
    double expected_cm_s = c * moment * shape * 0.1 * path * kappa * site;
    assert_near(aft_source_amplitude_m_s(&source, 1.0) / (0.01 * expected_cm_s), 1.0, 1e-6);
}

static void amplitude__is_cut_at_low_frequencies(void **state)
{
    (void)state;
    struct aft_source source = source_of(8.4, 10.0);
    double slope =
        aft_source_amplitude_m_s(&source, 0.01) / aft_source_amplitude_m_s(&source, 0.02);
    assert_true(slope < 0.05); /* f^6 below the cut, f^2 above */
}

static void window__peaks_at_a_fifth_and_ends_at_five_percent(void **state)
{
    (void)state;
    assert_near(aft_source_window(0.2 * 7.0, 7.0), 1.0, 1e-12);
    assert_near(aft_source_window(7.0, 7.0), 0.05, 1e-12);
    assert_true(aft_source_window(0.0, 7.0) == 0.0 && aft_source_window(7.001, 7.0) == 0.0);
    for (double t = 0.01; t < 7.0; t += 0.01) {
        assert_true(aft_source_window(t, 7.0) <= 1.0 + 1e-12);
    }
}

static void duration__grows_as_measured(void **state)
{
    (void)state;
    struct aft_source small = source_of(4.5, 2.6), large = source_of(8.4, 13.0);
    assert_between(aft_source_duration_s(&small), 1.0, 3.0);
    assert_between(aft_source_window_length_s(&large), 90.0, 105.0); /* "about 96 s" */
    double significant = 0.0;
    for (uint32_t i = 0; i < 20; i++) {
        struct aft_motion motion = motion_of(&small, 0.02, i);
        struct aft_motion_summary summary;
        aft_motion_summarise(&summary, motion.acceleration_m_s2, motion.n, motion.dt_s);
        significant += summary.significant_s / 20.0;
        aft_motion_clear(&motion);
    }
    assert_between(significant, 0.4, 0.8); /* "within 0.7 s" */
}

static void generate__is_a_function_of_its_stream_not_of_the_workspace(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_stochastic *fitting, *larger;
    struct aft_source source = source_of(6.0, 10.0);
    struct aft_random_key key = aft_random_key(3, 2, AFT_RANDOM_MOTION);
    static double a[4096], b[65536], c[4096];
    size_t n_a, n_b, n_c;
    assert_ok(aft_stochastic_create(&fitting, aft_source_duration_s(&source), 0.02, &error));
    assert_ok(aft_stochastic_create(&larger, 200.0, 0.02, &error));
    aft_stochastic_generate(a, &n_a, fitting, &source, key, (const uint32_t[2]){5, 6});
    aft_stochastic_generate(b, &n_b, larger, &source, key, (const uint32_t[2]){5, 6});
    aft_stochastic_generate(c, &n_c, fitting, &source, key, (const uint32_t[2]){5, 7});
    assert_true(n_a == n_b && n_a == n_c);
    assert_memory_equal(a, b, n_a * sizeof *a);
    assert_memory_not_equal(a, c, n_a * sizeof *a);
    aft_stochastic_destroy(fitting);
    aft_stochastic_destroy(larger);
}

static void from_source__rejects_impossible_sources(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_motion motion;
    struct aft_random_key key = aft_random_key(1, 0, AFT_RANDOM_USER_MOTION);
    const struct aft_source bad[] = {{12.0, 10.0, 80.0, 0.04}, {5.0, 0.0, 80.0, 0.04},
                                     {5.0, 10.0, -1.0, 0.04},  {5.0, 10.0, 80.0, NAN},
                                     {NAN, 10.0, 80.0, 0.04},  {10.0, 10.0, 1e-9, 0.04}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            aft_motion_from_source(&motion, &bad[i], 0.02, key, (const uint32_t[2]){0, 0}, &error),
            AFT_ERR_USAGE);
        aft_motion_clear(&motion);
    }
    struct aft_source good = source_of(5.0, 10.0);
    assert_int_equal(
        aft_motion_from_source(&motion, &good, 0.0, key, (const uint32_t[2]){0, 0}, &error),
        AFT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pga__has_the_published_medians),
        cmocka_unit_test(spectrum__of_many_motions_is_the_sources),
        cmocka_unit_test(amplitude__matches_a_calculation_by_hand),
        cmocka_unit_test(amplitude__is_cut_at_low_frequencies),
        cmocka_unit_test(window__peaks_at_a_fifth_and_ends_at_five_percent),
        cmocka_unit_test(duration__grows_as_measured),
        cmocka_unit_test(generate__is_a_function_of_its_stream_not_of_the_workspace),
        cmocka_unit_test(from_source__rejects_impossible_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
