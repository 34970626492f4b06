#include "fixtures.h"

#include "environment/plant.h"

static const struct aft_actuator_config unlimited = {.force_limit_n = 1e9};

static struct aft_plant *make(const struct aft_building_config *building,
                              const struct aft_actuator_config *actuator, bool with_device,
                              double dt_s)
{
    struct aft_error error;
    struct aft_plant *plant;
    assert_ok(aft_plant_create(&plant, building, actuator, with_device, dt_s, &error));
    return plant;
}

/* A single storey of 2 s and 5 %. */
static struct aft_building_config single(void)
{
    double omega = M_PI, mass = 1000.0;
    return uniform(1, mass, mass * omega * omega, 0.05);
}

static void free_vibration__decays_by_the_damping_ratio(void **state)
{
    (void)state;
    struct aft_building_config config = single();
    double damped_period = 2.0 / sqrt(1.0 - 0.05 * 0.05);
    struct aft_plant *plant = make(&config, &unlimited, false, damped_period / 64.0);
    double z[2 + 2] = {1.0, 0.0};
    const double ground[2] = {0.0, 0.0};
    struct aft_plant_forces forces = {0};
    for (int cycle = 1; cycle <= 5; cycle++) {
        for (int i = 0; i < 64; i++) {
            aft_plant_step(plant, z, ground, 0.0, &forces);
        }
        double decrement = 2.0 * M_PI * 0.05 / sqrt(1.0 - 0.05 * 0.05);
        assert_near(z[0], exp(-decrement * cycle), 1e-10);
        assert_near(z[1], 0.0, 1e-9);
    }
    aft_plant_destroy(plant);
}

static void step_of_ground_acceleration__gives_the_closed_form(void **state)
{
    (void)state;
    struct aft_building_config config = single();
    const double dt = 0.02, zeta = 0.05, w = M_PI, a = 1.7;
    double wd = w * sqrt(1.0 - zeta * zeta);
    struct aft_plant *plant = make(&config, &unlimited, false, dt);
    double z[2 + 2] = {0.0, 0.0};
    const double ground[2] = {a, a};
    struct aft_plant_forces forces = {0};
    for (int i = 1; i <= 500; i++) {
        aft_plant_step(plant, z, ground, 0.0, &forces);
        double t = i * dt;
        double e = exp(-zeta * w * t);
        double exact = -a / (w * w) * (1.0 - e * (cos(wd * t) + zeta * w / wd * sin(wd * t)));
        assert_near(z[0], exact, 1e-12);
        assert_near(z[1], -a * e * sin(wd * t) / wd, 1e-12);
    }
    aft_plant_destroy(plant);
}

/* Duhamel's integral over one linear piece of the input, by Gauss-Legendre. */
static double duhamel_piece(double t, double from, double dt, const double a[2])
{
    static const double x[5] = {-0.9061798459386640, -0.5384693101056831, 0.0, 0.5384693101056831,
                                0.9061798459386640};
    static const double weight[5] = {0.2369268850561891, 0.4786286704993665, 0.5688888888888889,
                                     0.4786286704993665, 0.2369268850561891};
    const double zeta = 0.05, w = M_PI, wd = M_PI * sqrt(1.0 - 0.05 * 0.05);
    double sum = 0.0;
    for (int i = 0; i < 5; i++) {
        double share = 0.5 + 0.5 * x[i], tau = from + share * dt;
        double input = a[0] + share * (a[1] - a[0]);
        sum += weight[i] * input * exp(-zeta * w * (t - tau)) * sin(wd * (t - tau));
    }
    return -0.5 * dt * sum / wd;
}

static void piecewise_linear_ground__gives_duhamels_integral(void **state)
{
    (void)state;
    enum { N = 200 };
    const double dt = 0.05;
    struct aft_building_config config = single();
    struct aft_plant *plant = make(&config, &unlimited, false, dt);
    double z[2 + 2] = {0.0, 0.0}, ground[N + 1];
    for (int i = 0; i <= N; i++) {
        ground[i] = sin(12.9898 * i * i) * 3.0; /* anything irregular */
    }
    struct aft_plant_forces forces = {0};
    for (int k = 1; k <= N; k++) {
        aft_plant_step(plant, z, ground + k - 1, 0.0, &forces);
        double exact = 0.0;
        for (int i = 0; i < k; i++) {
            exact += duhamel_piece(k * dt, i * dt, dt, ground + i);
        }
        assert_near(z[0], exact, 1e-9);
    }
    aft_plant_destroy(plant);
}

static double energy_j(const struct aft_plant *plant, const double *z)
{
    enum { MAX = AFT_BUILDING_MAX_DOF };
    static double k[MAX * MAX];
    const struct aft_building *b = &plant->building;
    int dof = b->dof;
    double energy = 0.0;
    aft_building_stiffness(k, b);
    for (int i = 0; i < dof; i++) {
        energy += 0.5 * b->mass_kg[i] * z[dof + i] * z[dof + i];
        for (int j = 0; j < dof; j++) {
            energy += 0.5 * z[i] * k[i * dof + j] * z[j];
        }
    }
    return energy;
}

static double dissipation_w(const struct aft_plant *plant, const double *z)
{
    enum { MAX = AFT_BUILDING_MAX_DOF };
    static double c[MAX * MAX];
    int dof = plant->building.dof;
    double power = 0.0;
    aft_building_damping(c, &plant->building);
    for (int i = 0; i < dof; i++) {
        for (int j = 0; j < dof; j++) {
            power += z[dof + i] * c[i * dof + j] * z[dof + j];
        }
    }
    return power;
}

static double ground_input_w(const struct aft_plant *plant, const double *z, double ground)
{
    double power = 0.0;
    for (int i = 0; i < plant->building.dof; i++) {
        power -= plant->building.mass_kg[i] * ground * z[plant->building.dof + i];
    }
    return power;
}

/* Input = kinetic + strain + dissipated + what the actuator takes out. */
static void energy__balances_with_ground_motion_and_force(void **state)
{
    (void)state;
    const double dt = 0.0005;
    struct aft_building_config config = slender12();
    config.stroke_m = 0.0;
    struct aft_plant *plant = make(&config, &unlimited, true, dt);
    double z[2 * 13 + 2] = {0.0}, input = 0.0, lost = 0.0, work = 0.0, largest = 0.0;
    struct aft_plant_forces forces = {0};
    for (int i = 0; i < 20000; i++) {
        double t = i * dt;
        const double ground[2] = {2.0 * sin(5.0 * t), 2.0 * sin(5.0 * (t + dt))};
        double before_input = ground_input_w(plant, z, ground[0]);
        double before_lost = dissipation_w(plant, z);
        aft_plant_step(plant, z, ground, 2e4 * sin(4.0 * t), &forces);
        input += 0.5 * dt * (before_input + ground_input_w(plant, z, ground[1]));
        lost += 0.5 * dt * (before_lost + dissipation_w(plant, z));
        work += dt * forces.power_w;
        largest = fmax(largest, energy_j(plant, z));
    }
    assert_true(largest > 1e4 && fabs(work) > 1e3 && lost > 1e3);
    assert_near((energy_j(plant, z) + lost - input - work) / largest, 0.0, 2e-5);
    aft_plant_destroy(plant);
}

static void power_limit__holds_in_every_step_and_leaves_braking_free(void **state)
{
    (void)state;
    struct aft_building_config config = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = 150e3, .power_limit_w = 1e5};
    struct aft_plant *plant = make(&config, &actuator, true, 0.02);
    double z[2 * 13 + 2] = {0.0}, most_driving = 0.0, most_braking = 0.0;
    bool limited = false;
    struct aft_plant_forces forces = {0};
    const double ground[2] = {0.0, 0.0};
    for (int i = 0; i < 2000; i++) {
        double command = (i / 25) % 2 == 0 ? 150e3 : -150e3;
        double before = aft_plant_stroke(plant, z, 1);
        aft_plant_step(plant, z, ground, command, &forces);
        double moved = aft_plant_stroke(plant, z, 1) - before;
        assert_near(forces.power_w, forces.actuator_n * moved / 0.02, 1e-3);
        most_driving = fmax(most_driving, forces.power_w);
        most_braking = fmax(most_braking, -forces.power_w);
        limited = limited || fabs(forces.actuator_n) < 149e3;
    }
    assert_true(limited);
    assert_between(most_driving, 0.99e5, 1.0000001e5);
    assert_true(most_braking > 1.5e5);
    aft_plant_destroy(plant);
}

static void lag__approaches_the_command_exponentially(void **state)
{
    (void)state;
    struct aft_building_config config = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = 40e3, .lag_s = 0.05};
    struct aft_plant *plant = make(&config, &actuator, true, 0.02);
    double z[2 * 13 + 2] = {0.0};
    struct aft_plant_forces forces = {0};
    const double ground[2] = {0.0, 0.0};
    for (int i = 1; i <= 20; i++) {
        aft_plant_step(plant, z, ground, 70e3, &forces); /* beyond the limit */
        assert_near(forces.actuator_n, 40e3 * (1.0 - exp(-i * 0.02 / 0.05)), 1e-6);
    }
    aft_plant_destroy(plant);
}

static void kernels__of_all_processors_give_the_same_bits(void **state)
{
    (void)state;
    struct aft_building_config config = slender12();
    struct aft_plant *plant = make(&config, &unlimited, true, 0.02);
    static double x[AFT_PLANT_MAX_COLUMNS][AFT_LANES];
    static double expected[AFT_PLANT_MAX_ROWS][AFT_LANES], got[AFT_PLANT_MAX_ROWS][AFT_LANES];
    for (int i = 0; i < plant->columns; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            x[i][j] = sin(1.0 + 17.0 * i + 3.0 * j) * pow(10.0, (i * 7 + j) % 5 - 2);
        }
    }
    int variants = 0;
    const struct aft_plant_kernel *kernel;
    aft_plant_kernel(0)->lanes(expected[0], plant->by_row, plant->rows, plant->columns, x[0]);
    for (; (kernel = aft_plant_kernel(variants)) != NULL; variants++) {
        kernel->lanes(got[0], plant->by_row, plant->rows, plant->columns, x[0]);
        assert_memory_equal(got, expected, (size_t)plant->rows * sizeof got[0]);
        for (int j = 0; j < AFT_LANES; j++) {
            double column[AFT_PLANT_MAX_COLUMNS], y[AFT_PLANT_MAX_PADDED];
            for (int i = 0; i < plant->columns; i++) {
                column[i] = x[i][j];
            }
            kernel->one(y, plant->by_column, plant->padded, plant->columns, column);
            for (int i = 0; i < plant->n_states; i++) {
                assert_memory_equal(&y[i], &expected[i][j], sizeof y[i]);
            }
        }
    }
    assert_true(variants >= 1);
    aft_plant_destroy(plant);
}

static void lanes__step_as_one_building_does_bit_for_bit(void **state)
{
    (void)state;
    struct aft_building_config config = slender12();
    struct aft_actuator_config actuator = {150e3, 3e5, 0.03};
    struct aft_plant *plant = make(&config, &actuator, true, 0.02);
    static struct aft_plant_lanes lanes;
    static double z[AFT_LANES][AFT_PLANT_MAX_COLUMNS];
    struct aft_plant_forces forces[AFT_LANES] = {{0}};
    double hit = 0.0;
    memset(&lanes, 0, sizeof lanes);
    memset(z, 0, sizeof z);
    for (int step = 0; step < 600; step++) {
        double squares[AFT_LANES], peak[AFT_LANES];
        for (int j = 0; j < AFT_LANES; j++) {
            lanes.ground_start_m_s2[j] = 6.0 * sin(0.1 * step * (1 + j));
            lanes.ground_end_m_s2[j] = 6.0 * sin(0.1 * (step + 1) * (1 + j));
            lanes.command_n[j] = 1.6e5 * sin(0.105 * step + j);
        }
        aft_plant_step_lanes(plant, &lanes);
        aft_plant_drift_lanes(squares, peak, plant, &lanes);
        for (int j = 0; j < AFT_LANES; j++) {
            const double ground[2] = {lanes.ground_start_m_s2[j], lanes.ground_end_m_s2[j]};
            struct aft_drift drift;
            aft_plant_step(plant, z[j], ground, lanes.command_n[j], &forces[j]);
            aft_plant_drift(&drift, plant, z[j]);
            hit = fmax(hit, fabs(forces[j].contact_n));
            assert_memory_equal(&forces[j], &lanes.forces[j], sizeof forces[j]);
            assert_memory_equal(&drift.sum_squares, &squares[j], sizeof(double));
            assert_memory_equal(&drift.peak, &peak[j], sizeof(double));
            for (int i = 0; i < plant->n_states; i++) {
                assert_memory_equal(&z[j][i], &lanes.state[i][j], sizeof(double));
            }
        }
    }
    assert_true(hit > 1e4); /* the end stop took part */
    aft_plant_destroy(plant);
}

static double roof_at_10_s(double dt)
{
    struct aft_building_config config = slender12();
    struct aft_plant *plant = make(&config, &unlimited, true, dt);
    double z[2 * 13 + 2] = {0.0};
    struct aft_plant_forces forces = {0};
    for (int i = 0; i < (int)lround(10.0 / dt); i++) {
        const double ground[2] = {2.0 * sin(20.0 * i * dt), 2.0 * sin(20.0 * (i + 1) * dt)};
        aft_plant_step(plant, z, ground, 0.0, &forces);
    }
    double roof = z[11];
    aft_plant_destroy(plant);
    return roof;
}

/* Only the input's interpolation is inexact: the error falls with dt². */
static void refining_the_step__converges_with_second_order(void **state)
{
    (void)state;
    double exact = roof_at_10_s(0.000625);
    double coarse = fabs(roof_at_10_s(0.02) - exact), fine = fabs(roof_at_10_s(0.01) - exact);
    assert_true(coarse > 1e-8);
    assert_between(coarse / fine, 3.7, 4.3);
}

static void drift__is_the_difference_of_neighbours_over_the_height(void **state)
{
    (void)state;
    struct aft_building_config config = uniform(3, 1e4, 1e7, 0.02);
    config.storey_height_m = 4.0;
    struct aft_plant *plant = make(&config, &unlimited, false, 0.02);
    const double z[6] = {0.04, 0.02, 0.10, 0.0, 0.0, 0.0};
    struct aft_drift drift;
    aft_plant_drift(&drift, plant, z);
    assert_near(drift.peak, 0.02, 1e-15);
    assert_near(drift.sum_squares, 0.01 * 0.01 + 0.005 * 0.005 + 0.02 * 0.02, 1e-15);
    aft_plant_destroy(plant);
}

static void create__rejects_impossible_actuators(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_plant *plant;
    struct aft_building_config config = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = -1.0};
    assert_int_equal(aft_plant_create(&plant, &config, &actuator, true, 0.02, &error),
                     AFT_ERR_USAGE);
    assert_null(plant);
    assert_int_equal(aft_plant_create(&plant, &config, &unlimited, true, 0.0, &error),
                     AFT_ERR_USAGE);
    assert_int_equal(aft_plant_create(&plant, &config, &unlimited, true, NAN, &error),
                     AFT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_vibration__decays_by_the_damping_ratio),
        cmocka_unit_test(step_of_ground_acceleration__gives_the_closed_form),
        cmocka_unit_test(piecewise_linear_ground__gives_duhamels_integral),
        cmocka_unit_test(energy__balances_with_ground_motion_and_force),
        cmocka_unit_test(power_limit__holds_in_every_step_and_leaves_braking_free),
        cmocka_unit_test(lag__approaches_the_command_exponentially),
        cmocka_unit_test(kernels__of_all_processors_give_the_same_bits),
        cmocka_unit_test(lanes__step_as_one_building_does_bit_for_bit),
        cmocka_unit_test(refining_the_step__converges_with_second_order),
        cmocka_unit_test(drift__is_the_difference_of_neighbours_over_the_height),
        cmocka_unit_test(create__rejects_impossible_actuators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
