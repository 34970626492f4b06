#include "fixtures.h"

#include "environment/ground_motion.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { N = 501 }; /* 10 s of 0.02 s */

static struct aft_motion_set *make(const struct aft_motion_config *config, uint32_t stage)
{
    struct aft_error error;
    struct aft_motion_set *set;
    struct aft_motion_context context = {
        .dt_s = 0.02, .t1_s = 1.2, .seed = 5, .stage = stage, .workers = 2};
    assert_ok(aft_motion_set_create(&set, config, &context, &error));
    return set;
}

/* Stage 1's motions without anything drawn but the noise and the sign. */
static struct aft_motion_config plain(void)
{
    struct aft_motion_config config = stage_1(1).motion;
    config.amplitude_scatter = 0.0;
    config.onset_max_s = 0.0;
    config.mix_fraction = 0.0;
    return config;
}

static double largest(const float *a, size_t n)
{
    double peak = 0.0;
    for (size_t i = 0; i < n; i++) {
        peak = fmax(peak, fabs((double)a[i]));
    }
    return peak;
}

static void episode__is_a_function_of_its_counters(void **state)
{
    (void)state;
    struct aft_motion_config config = stage_1(1).motion;
    struct aft_motion_set *set = make(&config, 1), *again = make(&config, 1),
                          *other = make(&config, 2);
    float a[N], b[N];
    aft_motion_episode(a, N, set, 3, 9);
    aft_motion_episode(b, N, set, 4, 9); /* disturb whatever could be remembered */
    assert_memory_not_equal(a, b, sizeof a);
    aft_motion_episode(b, N, set, 3, 10);
    assert_memory_not_equal(a, b, sizeof a);
    aft_motion_episode(b, N, other, 3, 9);
    assert_memory_not_equal(a, b, sizeof a);
    aft_motion_episode(b, N, set, 3, 9);
    assert_memory_equal(a, b, sizeof a);
    aft_motion_episode(b, N, again, 3, 9);
    assert_memory_equal(a, b, sizeof a);
    aft_motion_set_destroy(set);
    aft_motion_set_destroy(again);
    aft_motion_set_destroy(other);
}

static void episode__is_scaled_to_the_pga(void **state)
{
    (void)state;
    struct aft_motion_config config = plain();
    struct aft_motion_set *set = make(&config, 1);
    float a[N];
    int negative = 0;
    for (uint32_t i = 0; i < 40; i++) { /* M4.5 is shorter than the episode: all of it is there */
        aft_motion_episode(a, N, set, i, 0);
        assert_near(largest(a, N), 0.25 * AFT_GRAVITY_M_S2, 1e-5);
        for (size_t k = 0; k < N; k++) {
            negative += a[k] == (float)-largest(a, N);
        }
    }
    assert_between(negative, 8, 32);
    aft_motion_set_destroy(set);
}

static void episode__is_scaled_to_sa_of_the_first_period(void **state)
{
    (void)state;
    struct aft_motion_config config = plain();
    config.scaling = AFT_MOTION_TO_SA_T1;
    config.sa_t1_g = 0.2;
    struct aft_motion_set *set = make(&config, 1);
    float a[N];
    double d[N];
    aft_motion_episode(a, N, set, 1, 1);
    for (int i = 0; i < N; i++) {
        d[i] = a[i];
    }
    assert_near(aft_spectral_acceleration_m_s2(d, N, 0.02, 1.2, 0.05) / (0.2 * AFT_GRAVITY_M_S2),
                1.0, 1e-4);
    aft_motion_set_destroy(set);
}

static void episode__draws_amplitude_and_onset_within_their_ranges(void **state)
{
    (void)state;
    struct aft_motion_config config = plain();
    config.amplitude_scatter = 0.3;
    config.onset_max_s = 1.5;
    struct aft_motion_set *set = make(&config, 1);
    float a[N];
    double least = 9.0, most = 0.0, first = 99.0, last = 0.0;
    for (uint32_t i = 0; i < 300; i++) {
        aft_motion_episode(a, N, set, i, 2);
        double factor = largest(a, N) / (0.25 * AFT_GRAVITY_M_S2);
        int onset = 0;
        while (a[onset] == 0.0F) {
            onset++;
        }
        least = fmin(least, factor);
        most = fmax(most, factor);
        first = fmin(first, onset * 0.02);
        last = fmax(last, onset * 0.02);
    }
    assert_between(least, 0.7, 0.72);
    assert_between(most, 1.28, 1.3001);
    assert_between(first, 0.0, 0.05);
    assert_between(last, 1.4, 1.52);
    aft_motion_set_destroy(set);
}

static void episode__of_a_long_motion_covers_its_strong_part(void **state)
{
    (void)state;
    enum { WINDOW = 1001 };
    struct aft_motion_config config = plain();
    config.magnitude = 7.0; /* about 19 s, 9 s strong: fits into 20 s only with its weak ends cut */
    config.distance_km = 60.0;
    struct aft_motion_set *set = make(&config, 1);
    static float a[WINDOW];
    for (uint32_t i = 0; i < 20; i++) {
        struct aft_error error;
        struct aft_motion whole;
        struct aft_source source = {7.0, 60.0, 80.0, 0.04};
        struct aft_motion_summary summary;
        double part = 0.0, all = 0.0;
        assert_ok(aft_motion_from_source(&whole, &source, 0.02,
                                         aft_random_key(5, 1, AFT_RANDOM_MOTION),
                                         (const uint32_t[2]){i, 3}, &error));
        aft_motion_summarise(&summary, whole.acceleration_m_s2, whole.n, 0.02);
        assert_true(whole.n > WINDOW);
        double factor = 0.25 * AFT_GRAVITY_M_S2 / summary.pga_m_s2;
        aft_motion_episode(a, WINDOW, set, i, 3);
        for (size_t k = 0; k < whole.n; k++) {
            all += pow(factor * whole.acceleration_m_s2[k], 2.0);
            part += k < WINDOW ? pow((double)a[k], 2.0) : 0.0;
        }
        assert_between(part / all, 0.88, 1.0000001); /* 0.90, less the fade and the step's end */
        aft_motion_clear(&whole);
    }
    aft_motion_set_destroy(set);
}

static void episode__of_a_longer_motion_is_drawn_from_its_strong_part(void **state)
{
    (void)state;
    enum { WINDOW = 1001 };
    struct aft_motion_config config = plain();
    config.magnitude = 8.4;
    config.distance_km = 13.0;
    struct aft_motion_set *set = make(&config, 1);
    static float a[WINDOW], b[WINDOW];
    double least = 1e9, most = 0.0;
    int distinct = 0;
    for (uint32_t i = 0; i < 60; i++) {
        aft_motion_episode(a, WINDOW, set, i, 0);
        double power = 0.0;
        for (int k = 50; k < WINDOW; k++) {
            power += a[k] * (double)a[k] / WINDOW;
        }
        least = fmin(least, power);
        most = fmax(most, power);
        distinct += i > 0 && memcmp(a, b, sizeof a) != 0;
        memcpy(b, a, sizeof a);
        assert_true(fabsf(a[0]) < 0.05F); /* faded in */
    }
    assert_int_equal(distinct, 59);
    assert_true(least > 0.02); /* never the quiet beginning or end (PGA 2.45 m/s²) */
    aft_motion_set_destroy(set);
}

static void mix__draws_the_configured_share_of_other_magnitudes(void **state)
{
    (void)state;
    struct aft_motion_config config = plain();
    config.mix_fraction = 0.6;
    struct aft_motion_set *set = make(&config, 1);
    float a[N];
    int longer = 0;
    for (uint32_t i = 0; i < 400; i++) {
        aft_motion_episode(a, N, set, i, 0);
        longer += a[150] != 0.0F; /* M4.5 is over after 2.5 s */
    }
    assert_between(longer, 0.52 * 400, 0.68 * 400);
    aft_motion_set_destroy(set);
}

static void source_draw__scatters_lognormally_and_is_cut(void **state)
{
    (void)state;
    struct aft_motion_config scatter = {
        .stress_drop_sigma_ln = 0.5, .distance_sigma_ln = 0.2, .kappa_sigma_ln = 0.3};
    const struct aft_source median = {6.0, 10.0, 80.0, 0.04};
    struct aft_source drawn = aft_source_draw(&median, &scatter, (const double[3]){1.0, -1.0, 2.0});
    assert_near(drawn.stress_drop_bar, 80.0 * exp(0.5), 1e-9);
    assert_near(drawn.distance_km, 10.0 * exp(-0.2), 1e-9);
    assert_near(drawn.kappa_s, 0.04 * exp(0.6), 1e-12);
    drawn = aft_source_draw(&median, &scatter, (const double[3]){-9.0, 9.0, 0.0});
    assert_near(drawn.stress_drop_bar, 80.0 * exp(-1.5), 1e-9);
    assert_near(drawn.distance_km, 10.0 * exp(0.6), 1e-9);
}

static void held_out__sets_are_disjoint_scaled_and_repeatable(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_motion_config config = stage_1(1).motion;
    config.stress_drop_sigma_ln = 0.5;
    struct aft_motion_set *set = make(&config, 1);
    struct aft_motion a, b, c;
    assert_ok(aft_motion_held_out(&a, set, AFT_RANDOM_VALIDATION, 2, &error));
    assert_ok(aft_motion_held_out(&b, set, AFT_RANDOM_VALIDATION, 2, &error));
    assert_ok(aft_motion_held_out(&c, set, AFT_RANDOM_TEST_MOTION, 2, &error));
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, a.acceleration_m_s2, a.n, a.dt_s);
    assert_near(summary.pga_m_s2, 0.25 * AFT_GRAVITY_M_S2, 1e-9); /* no amplitude scatter */
    assert_true(a.n == b.n);
    assert_memory_equal(a.acceleration_m_s2, b.acceleration_m_s2, a.n * sizeof(double));
    assert_true(a.n != c.n || memcmp(a.acceleration_m_s2, c.acceleration_m_s2, a.n) != 0);
    aft_motion_clear(&a);
    aft_motion_clear(&b);
    aft_motion_clear(&c);
    aft_motion_set_destroy(set);
}

static void records__are_resampled_scaled_and_drawn(void **state)
{
    (void)state;
    struct aft_error error;
    char path[2][64];
    const char *paths[2] = {path[0], path[1]};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "/tmp/aft_motion_%d_%d.csv", (int)getpid(), i);
        FILE *file = fopen(path[i], "w");
        assert_non_null(file);
        fprintf(file, "# dt = 0.01, units of g\n");
        for (int k = 0; k <= 300; k++) {
            fprintf(file, "%.6f\n", 0.1 * sin(2.0 * M_PI * (1 + 2 * i) * k * 0.01));
        }
        fclose(file);
    }
    struct aft_motion_config config = plain();
    config.kind = AFT_MOTION_RECORDED;
    config.record_paths = paths;
    config.n_records = 2;
    struct aft_motion_set *set = make(&config, 1);
    assert_int_equal(aft_motion_set_records(set), 2);
    struct aft_motion motion;
    assert_ok(aft_motion_held_out(&motion, set, AFT_RANDOM_VALIDATION, 1, &error));
    assert_int_equal(motion.n, 151);
    aft_motion_clear(&motion);
    assert_int_equal(aft_motion_held_out(&motion, set, AFT_RANDOM_VALIDATION, 2, &error),
                     AFT_ERR_USAGE);
    float a[N];
    int second = 0;
    for (uint32_t i = 0; i < 100; i++) {
        aft_motion_episode(a, N, set, i, 0);
        assert_near(largest(a, N), 0.25 * AFT_GRAVITY_M_S2, 1e-4);
        int crossings = 0;
        for (int k = 20; k < 130; k++) {
            crossings += (a[k] < 0.0F) != (a[k + 1] < 0.0F);
        }
        second += crossings > 8;
    }
    assert_between(second, 30, 70);
    aft_motion_set_destroy(set);
    for (int i = 0; i < 2; i++) {
        (void)unlink(path[i]);
    }
}

static void set_create__reports_bad_records_and_settings(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_motion_set *set;
    struct aft_motion_context context = {.dt_s = 0.02, .t1_s = 1.2, .workers = 1};
    struct aft_motion_config config = plain();
    const char *path = "/nowhere/x.AT2";
    config.kind = AFT_MOTION_RECORDED;
    config.record_paths = &path;
    config.n_records = 1;
    assert_int_equal(aft_motion_set_create(&set, &config, &context, &error), AFT_ERR_MISSING);
    assert_null(set);
    config.n_records = 0;
    assert_int_equal(aft_motion_set_create(&set, &config, &context, &error), AFT_ERR_USAGE);
    config = plain();
    config.pga_g = 0.0;
    assert_int_equal(aft_motion_set_create(&set, &config, &context, &error), AFT_ERR_USAGE);
    config = plain();
    config.magnitude = 11.0;
    assert_int_equal(aft_motion_set_create(&set, &config, &context, &error), AFT_ERR_USAGE);
    config = plain();
    config.mix_fraction = 0.5;
    config.mix_magnitude_max = 5.0;
    assert_int_equal(aft_motion_set_create(&set, &config, &context, &error), AFT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(episode__is_a_function_of_its_counters),
        cmocka_unit_test(episode__is_scaled_to_the_pga),
        cmocka_unit_test(episode__is_scaled_to_sa_of_the_first_period),
        cmocka_unit_test(episode__draws_amplitude_and_onset_within_their_ranges),
        cmocka_unit_test(episode__of_a_long_motion_covers_its_strong_part),
        cmocka_unit_test(episode__of_a_longer_motion_is_drawn_from_its_strong_part),
        cmocka_unit_test(mix__draws_the_configured_share_of_other_magnitudes),
        cmocka_unit_test(source_draw__scatters_lognormally_and_is_cut),
        cmocka_unit_test(held_out__sets_are_disjoint_scaled_and_repeatable),
        cmocka_unit_test(records__are_resampled_scaled_and_drawn),
        cmocka_unit_test(set_create__reports_bad_records_and_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
