#include "fixtures.h"

#include "environment/end_stop.h"

static const struct aft_end_stop stop = {
    .limit_m = 1.5, .stiffness_n_m = 1e6, .damping_n_s_m = 3e4};
static const struct aft_end_stop springy = {.limit_m = 1.5, .stiffness_n_m = 1e6};

struct mass { /* 4 t that nothing but the stop holds */
    double s_m, v_m_s;
};

static const double mass_kg = 4000.0;

static double advance(struct mass *mass, const struct aft_end_stop *at, double dt)
{
    double compliance = 0.5 * dt * dt / mass_kg;
    double force = aft_end_stop_force(at, mass->s_m, mass->s_m + dt * mass->v_m_s, compliance, dt);
    mass->s_m += dt * mass->v_m_s + compliance * force;
    mass->v_m_s += dt * force / mass_kg;
    return force;
}

struct rebound {
    double depth_m, speed_m_s;
};

static struct rebound bounce(const struct aft_end_stop *at, double speed, double dt)
{
    struct mass mass = {1.4, speed};
    struct rebound rebound = {0.0, 0.0};
    while (mass.s_m > 1.3) {
        advance(&mass, at, dt);
        rebound.depth_m = fmax(rebound.depth_m, mass.s_m - at->limit_m);
    }
    rebound.speed_m_s = -mass.v_m_s;
    return rebound;
}

static void end_stop__does_nothing_inside_the_stroke(void **state)
{
    (void)state;
    assert_true(aft_end_stop_force(&stop, -1.4, 1.5, 1e-7, 0.02) == 0.0);
    const struct aft_end_stop none = {0.0, 1e6, 3e4};
    assert_true(aft_end_stop_force(&none, 5.0, 6.0, 1e-7, 0.02) == 0.0);
}

static void end_stop__without_a_dashpot_gives_all_energy_back(void **state)
{
    (void)state;
    const double exact_depth = 2.0 * sqrt(mass_kg / 1e6);
    struct rebound coarse = bounce(&springy, 2.0, 0.02);
    assert_near(coarse.speed_m_s, 2.0, 1e-6);
    assert_near(coarse.depth_m, exact_depth, 0.03 * exact_depth);
}

static void end_stop__never_pulls_and_never_makes_energy(void **state)
{
    (void)state;
    for (double speed = 0.05; speed < 9.0; speed *= 1.37) {
        struct mass mass = {1.4 + 0.013 * speed, speed};
        double least = 1e9;
        for (int i = 0; i < 400; i++) { /* to and fro between both stops */
            double penetration = fmax(0.0, fabs(mass.s_m) - stop.limit_m);
            double energy = 0.5 * mass_kg * mass.v_m_s * mass.v_m_s +
                            0.5 * stop.stiffness_n_m * penetration * penetration;
            assert_true(energy <= least * (1.0 + 1e-9));
            least = energy;
            double side = mass.s_m;
            double force = advance(&mass, &stop, 0.02);
            assert_true(force == 0.0 || (force < 0.0) == (side > 0.0));
        }
        assert_true(fabs(mass.v_m_s) < 0.75 * speed);
    }
}

static void end_stop__is_close_to_a_step_64_times_finer(void **state)
{
    (void)state;
    for (double speed = 0.5; speed < 5.0; speed *= 2.0) {
        struct rebound coarse = bounce(&stop, speed, 0.02), fine = bounce(&stop, speed, 0.02 / 64);
        assert_near(coarse.depth_m / fine.depth_m, 1.0, 0.03);
        assert_near(coarse.speed_m_s / fine.speed_m_s, 1.0, 0.02);
    }
}

/* A linear half cycle of spring and dashpot from the surface, while it pushes. */
static void end_stop__with_fine_steps_gives_the_closed_form(void **state)
{
    (void)state;
    const double w = sqrt(1e6 / mass_kg), zeta = 3e4 / (2.0 * sqrt(1e6 * mass_kg));
    const double wd = w * sqrt(1.0 - zeta * zeta), speed = 2.0;
    double at_peak = atan2(wd, zeta * w) / wd; /* velocity 0 */
    double depth = speed / wd * exp(-zeta * w * at_peak) * sin(wd * at_peak);
    struct rebound fine = bounce(&stop, speed, 0.02 / 256);
    assert_near(fine.depth_m / depth, 1.0, 1e-3);
    double leaves = atan2(2.0 * zeta * sqrt(1.0 - zeta * zeta), 2.0 * zeta * zeta - 1.0) / wd;
    double rebound =
        speed * exp(-zeta * w * leaves) * (zeta * w / wd * sin(wd * leaves) - cos(wd * leaves));
    assert_near(fine.speed_m_s / rebound, 1.0, 2e-3);
}

static void end_stop__is_the_same_on_both_sides(void **state)
{
    (void)state;
    double plus = aft_end_stop_force(&stop, 1.49, 1.53, 5e-8, 0.02);
    double minus = aft_end_stop_force(&stop, -1.49, -1.53, 5e-8, 0.02);
    assert_true(plus < -1e3);
    assert_true(plus == -minus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_stop__does_nothing_inside_the_stroke),
        cmocka_unit_test(end_stop__without_a_dashpot_gives_all_energy_back),
        cmocka_unit_test(end_stop__never_pulls_and_never_makes_energy),
        cmocka_unit_test(end_stop__is_close_to_a_step_64_times_finer),
        cmocka_unit_test(end_stop__with_fine_steps_gives_the_closed_form),
        cmocka_unit_test(end_stop__is_the_same_on_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
