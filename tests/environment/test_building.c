#include "fixtures.h"

#include "environment/building.h"

static void modes__match_the_closed_form_of_a_uniform_building(void **state)
{
    (void)state;
    struct aft_error error;
    enum { N = 9 };
    const double k = 4.0e7, m = 5.0e4;
    struct aft_building_config config = uniform(N, m, k, 0.02);
    struct aft_building building;
    double omega[N];
    assert_ok(aft_building_init(&building, &config, false, &error));
    assert_ok(aft_building_modes(omega, NULL, &building, &error));
    for (int i = 1; i <= N; i++) {
        double exact = 2.0 * sqrt(k / m) * sin((2 * i - 1) * M_PI / (2.0 * (2 * N + 1)));
        assert_near(omega[i - 1] / exact, 1.0, 1e-10);
    }
}

static void modes__have_unit_modal_mass_and_diagonalise_the_stiffness(void **state)
{
    (void)state;
    struct aft_error error;
    enum { N = 13 };
    struct aft_building_config config = slender12();
    struct aft_building building;
    double omega[N], shapes[N * N], k[N * N];
    assert_ok(aft_building_init(&building, &config, true, &error));
    assert_ok(aft_building_modes(omega, shapes, &building, &error));
    aft_building_stiffness(k, &building);
    for (int a = 0; a < N; a++) {
        for (int b = 0; b < N; b++) {
            double mass = 0.0, stiffness = 0.0;
            for (int i = 0; i < N; i++) {
                mass += shapes[a * N + i] * building.mass_kg[i] * shapes[b * N + i];
                for (int j = 0; j < N; j++) {
                    stiffness += shapes[a * N + i] * k[i * N + j] * shapes[b * N + j];
                }
            }
            assert_near(mass, a == b ? 1.0 : 0.0, 1e-10);
            assert_near(stiffness / (omega[N - 1] * omega[N - 1]),
                        a == b ? omega[a] * omega[a] / (omega[N - 1] * omega[N - 1]) : 0.0, 1e-10);
        }
    }
}

static void first_period__is_that_of_the_two_presets(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_building_config slender = slender12(), seed = seed12();
    double period_s;
    assert_ok(aft_building_first_period(&period_s, &slender, &error));
    assert_near(period_s, 1.2, 0.02);
    assert_ok(aft_building_first_period(&period_s, &seed, &error));
    assert_near(period_s, 5.1, 0.1);
}

static void damping__gives_modes_1_and_2_the_ratio(void **state)
{
    (void)state;
    struct aft_error error;
    enum { N = 12 };
    struct aft_building_config config = slender12();
    struct aft_building building;
    double omega[N], shapes[N * N], c[N * N];
    assert_ok(aft_building_init(&building, &config, false, &error));
    assert_ok(aft_building_modes(omega, shapes, &building, &error));
    aft_building_damping(c, &building);
    for (int mode = 0; mode < 3; mode++) {
        double modal = 0.0;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                modal += shapes[mode * N + i] * c[i * N + j] * shapes[mode * N + j];
            }
        }
        double ratio = modal / (2.0 * omega[mode]);
        if (mode < 2) {
            assert_near(ratio, 0.015, 1e-12);
        } else {
            assert_true(ratio > 0.015);
        }
    }
}

static void floor_accelerations__agree_with_the_equation_of_motion(void **state)
{
    (void)state;
    struct aft_error error;
    enum { DOF = 13, N = 2 * DOF };
    struct aft_building_config config = slender12();
    struct aft_building building;
    double a[N * N], b_force[N], b_ground[N], z[N], floors[12];
    assert_ok(aft_building_init(&building, &config, true, &error));
    aft_building_state_space(a, b_force, b_ground, &building);
    for (int i = 0; i < N; i++) {
        z[i] = sin(1.0 + 3.0 * i) * (i < DOF ? 0.01 : 0.1);
    }
    const double force_n = 3.3e4;
    aft_building_floor_accelerations(floors, &building, z, 1, force_n);
    for (int i = 0; i < 12; i++) { /* relative acceleration + ground's = absolute */
        double absolute = b_force[DOF + i] * force_n;
        for (int j = 0; j < N; j++) {
            absolute += a[(DOF + i) * N + j] * z[j];
        }
        assert_near(floors[i], absolute, 1e-9);
    }
    assert_near(b_force[N - 1], 1.0 / 4000.0, 1e-15);
    assert_near(b_force[N - 2], -1.0 / 33333.0, 1e-15);
}

static void init__rejects_impossible_figures(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_building building;
    struct aft_building_config config = slender12();
    config.floors = 0;
    assert_int_equal(aft_building_init(&building, &config, true, &error), AFT_ERR_USAGE);
    config.floors = AFT_BUILDING_MAX_FLOORS + 1;
    assert_int_equal(aft_building_init(&building, &config, true, &error), AFT_ERR_USAGE);
    config = slender12();
    config.storey_stiffness_n_m = -1.0;
    assert_int_equal(aft_building_init(&building, &config, true, &error), AFT_ERR_USAGE);
    assert_non_null(strstr(error.message, "storey_stiffness_n_m"));
    config = slender12();
    config.floor_mass_kg = NAN;
    assert_int_equal(aft_building_init(&building, &config, true, &error), AFT_ERR_USAGE);
    config = slender12();
    config.soft_storey = 13;
    assert_int_equal(aft_building_init(&building, &config, true, &error), AFT_ERR_USAGE);
    config = slender12();
    config.device_mass_kg = 0.0;
    assert_int_equal(aft_building_init(&building, &config, true, &error), AFT_ERR_USAGE);
    assert_int_equal(aft_building_init(&building, &config, false, &error), AFT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes__match_the_closed_form_of_a_uniform_building),
        cmocka_unit_test(modes__have_unit_modal_mass_and_diagonalise_the_stiffness),
        cmocka_unit_test(first_period__is_that_of_the_two_presets),
        cmocka_unit_test(damping__gives_modes_1_and_2_the_ratio),
        cmocka_unit_test(floor_accelerations__agree_with_the_equation_of_motion),
        cmocka_unit_test(init__rejects_impossible_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
