/*
 * Generated motions against a published ground-motion model: Boore, Stewart,
 * Seyhan & Atkinson 2014, "NGA-West2 equations for predicting PGA, PGV, and 5 %
 * damped PSA for shallow crustal earthquakes", Earthquake Spectra 30, 1057-1085
 * ("BSSA14"). Its median is evaluated here from the paper's equations (1) to (8)
 * and table of coefficients: unspecified mechanism, no regional correction, no
 * basin term, Vs30 = 620 m/s, which is that of the generator's rock.
 */
#include "fixtures.h"

#include "environment/ground_motion.h"

#include <stdlib.h>

enum measure { PGA, SA_02, SA_10, MEASURES };
static const char *const measure_name[MEASURES] = {"PGA", "Sa(0.2 s)", "Sa(1 s)"};
static const double period_s[MEASURES] = {0.0, 0.2, 1.0};

struct coefficients {
    double e0, e4, e5, e6, hinge;    /* magnitude */
    double c1, c2, c3, h;            /* distance */
    double slope, limit_m_s, f4, f5; /* site: c, Vc, and the non-linear part */
};

static const struct coefficients bssa14[MEASURES] = {
    [PGA] = {0.4473, 1.431, 0.05053, -0.1662, 5.5, -1.134, 0.1917, -0.008088, 4.5, -0.6, 1500.0,
             -0.15, -0.00701},
    [SA_02] = {1.3255, 1.1349, -0.11096, -0.15852, 5.92, -1.0607, 0.14489, -0.007717, 4.61,
               -0.68762, 1392.61, -0.24658, -0.00614},
    [SA_10] = {0.3932, 1.5004, -0.18983, 0.17895, 6.2, -1.193, 0.10248, -0.00121, 5.74, -1.05,
               1109.95, -0.10521, -0.00844},
};

/* ln of the median on rock of 760 m/s, in g. R is the model's own distance,
 * sqrt(Rjb² + h²), which is that of a point source. */
static double on_reference_rock(const struct coefficients *c, double magnitude, double r_km)
{
    double m = magnitude - c->hinge;
    double source = c->e0 + (m <= 0.0 ? c->e4 * m + c->e5 * m * m : c->e6 * m);
    return source + (c->c1 + c->c2 * (magnitude - 4.5)) * log(r_km) + c->c3 * (r_km - 1.0);
}

static double model_median_g(enum measure measure, double magnitude, double r_km, double rock_pga_g,
                             double vs30_m_s)
{
    const struct coefficients *c = &bssa14[measure];
    double linear = c->slope * log(fmin(vs30_m_s, c->limit_m_s) / 760.0);
    double f2 = c->f4 * (exp(c->f5 * (fmin(vs30_m_s, 760.0) - 360.0)) - exp(c->f5 * 400.0));
    double nonlinear = f2 * log((rock_pga_g + 0.1) / 0.1);
    return exp(on_reference_rock(c, magnitude, r_km) + linear + nonlinear);
}

/* With the Joyner-Boore distance, as the model is used. */
static double joyner_boore_median_g(enum measure measure, double magnitude, double rjb_km,
                                    double vs30_m_s)
{
    double rock = exp(on_reference_rock(&bssa14[PGA], magnitude, hypot(rjb_km, bssa14[PGA].h)));
    return model_median_g(measure, magnitude, hypot(rjb_km, bssa14[measure].h), rock, vs30_m_s);
}

/* Rows of the table that OpenQuake's implementation is verified with
 * (openquake/hazardlib/tests/gsim/data/BSSA2014/BSSA_2014_NOSOF_MEAN.csv): the
 * equations stand here as they do there. */
static void model__gives_the_values_of_its_verification_table(void **state)
{
    (void)state;
    static const struct {
        double magnitude, rjb_km, vs30_m_s, median_g[MEASURES];
    } rows[] = {
        {5.0, 20.0, 760.0, {0.0287552, 0.0523752, 0.00568346}},
        {5.0, 50.0, 600.0, {0.0102678, 0.0201807, 0.00256177}},
        {6.0, 20.0, 600.0, {0.10851, 0.28728, 0.0577488}},
        {6.0, 50.0, 760.0, {0.0351373, 0.0935009, 0.0174808}},
        {7.0, 20.0, 760.0, {0.144087, 0.330584, 0.0971904}},
        {7.0, 50.0, 600.0, {0.0719817, 0.162739, 0.0522842}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int m = 0; m < MEASURES; m++) {
            double median_g = joyner_boore_median_g((enum measure)m, rows[i].magnitude,
                                                    rows[i].rjb_km, rows[i].vs30_m_s);
            assert_near(median_g / rows[i].median_g[m], 1.0, 1e-5);
        }
    }
}

enum { SEEDS = 200 };

/* Geometric means over the seeds: what a model's median is of lognormal values. */
static void generate(double geometric_mean_g[MEASURES], double magnitude, double distance_km)
{
    struct aft_source source = {magnitude, distance_km, 80.0, 0.04};
    struct aft_random_key key = aft_random_key(5, 0, AFT_RANDOM_USER_MOTION);
    double sum[MEASURES] = {0.0};
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct aft_error error;
        struct aft_motion motion;
        struct aft_motion_summary summary;
        assert_ok(
            aft_motion_from_source(&motion, &source, 0.01, key, (const uint32_t[2]){i, 0}, &error));
        aft_motion_summarise(&summary, motion.acceleration_m_s2, motion.n, motion.dt_s);
        sum[PGA] += log(summary.pga_m_s2 / AFT_GRAVITY_M_S2);
        for (int m = SA_02; m < MEASURES; m++) {
            sum[m] += log(aft_spectral_acceleration_m_s2(motion.acceleration_m_s2, motion.n,
                                                         motion.dt_s, period_s[m], 0.05) /
                          AFT_GRAVITY_M_S2);
        }
        aft_motion_clear(&motion);
    }
    for (int m = 0; m < MEASURES; m++) {
        geometric_mean_g[m] = exp(sum[m] / SEEDS);
    }
}

/* Over the model: at the same distance R. docs/ground-motion.md has the table that
 * this prints. */
static void compare(double ratio[MEASURES], double magnitude, double r_km)
{
    double made_g[MEASURES];
    double rock_pga_g = exp(on_reference_rock(&bssa14[PGA], magnitude, r_km));
    generate(made_g, magnitude, r_km);
    print_message("M%.1f %3.0f km", magnitude, r_km);
    for (int m = 0; m < MEASURES; m++) {
        double model_g = model_median_g((enum measure)m, magnitude, r_km, rock_pga_g, 620.0);
        ratio[m] = made_g[m] / model_g;
        print_message("   %s %.4f / %.4f g = %.2f", measure_name[m], made_g[m], model_g, ratio[m]);
    }
    print_message("\n");
}

/*
 * A point source with one stress drop and one crust is not the model: the factor 2
 * is what is claimed of every value between M5 and M7 and 10 and 50 km. Of the means
 * over these, 30 %; at 1 s 50 %, because a source with one corner is known to give too
 * much around a second (Atkinson & Silva 1997, Bull. Seism. Soc. Am. 87, 97). All are
 * wide of the scatter of 200 motions (3 %).
 */
static void motions__agree_with_the_model_within_a_factor_of_two(void **state)
{
    (void)state;
    static const double magnitude[] = {5.0, 5.5, 6.0, 6.5, 7.0}, r_km[] = {10.0, 20.0, 30.0, 50.0};
    static const double bias[MEASURES] = {1.3, 1.3, 1.5};
    enum { N = 5 * 4 };
    double sum[MEASURES] = {0.0};
    for (int i = 0; i < N; i++) {
        double ratio[MEASURES];
        compare(ratio, magnitude[i / 4], r_km[i % 4]);
        for (int m = 0; m < MEASURES; m++) {
            assert_between(ratio[m], 0.5, 2.0);
            sum[m] += log(ratio[m]) / N;
        }
    }
    for (int m = 0; m < MEASURES; m++) {
        print_message("mean ratio of %s: %.2f\n", measure_name[m], exp(sum[m]));
        assert_between(exp(sum[m]), 1.0 / bias[m], bias[m]);
    }
}

/* Near a large fault the model saturates and a point source does not: stages at such
 * distances are stress tests, and say so. */
static void motions__near_a_large_source_are_stronger_than_the_models(void **state)
{
    (void)state;
    double ratio[MEASURES];
    compare(ratio, 7.4, 8.7);
    for (int m = 0; m < MEASURES; m++) {
        assert_true(ratio[m] > 1.5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model__gives_the_values_of_its_verification_table),
        cmocka_unit_test(motions__agree_with_the_model_within_a_factor_of_two),
        cmocka_unit_test(motions__near_a_large_source_are_stronger_than_the_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
