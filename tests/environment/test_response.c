#include "fixtures.h"

#include "environment/benchmark_criteria.h"
#include "environment/response_spectrum.h"

enum { FLOORS = 2, N_STATES = 6 };

/* Two floors of 30 t on 20 MN/m, undamped, storeys of 3 m. */
static struct aft_plant *small_plant(const struct aft_building_config *building)
{
    struct aft_error error;
    struct aft_plant *plant;
    struct aft_actuator_config actuator = {.force_limit_n = 1000.0};
    assert_ok(aft_plant_create(&plant, building, &actuator, true, 0.02, &error));
    return plant;
}

static struct aft_building_config two_floors(void)
{
    struct aft_building_config building = uniform(FLOORS, 30e3, 2e7, 0.0);
    building.device_stiffness_n_m = 0.0;
    building.device_damping_n_s_m = 0.0;
    return building;
}

/* Displacements (m) and speeds of floor 1, floor 2 and the device in two steps. */
static const double first[N_STATES] = {0.003, 0.0099, 0.5, 0.0, 0.2, 1.7};
static const double second[N_STATES] = {-0.006, -0.006, -0.3, 0.0, -0.4, 0.1};

static struct aft_response respond(const struct aft_plant *plant)
{
    struct aft_response_meter meter = {0};
    struct aft_plant_forces drive = {.actuator_n = 800.0, .power_w = 1200.0};
    struct aft_plant_forces brake = {.actuator_n = -600.0, .power_w = -900.0};
    aft_response_note(&meter, plant, first, 1, &drive, 1000.0);
    aft_response_note(&meter, plant, second, 1, &brake, -600.0);
    return aft_response_result(&meter, plant);
}

static void response__has_figures_worked_out_by_hand(void **state)
{
    (void)state;
    struct aft_building_config building = two_floors();
    struct aft_plant *plant = small_plant(&building);
    struct aft_response r = respond(plant);
    /* drift ratios: 0.001 and 0.0023, then -0.002 and 0 */
    assert_near(r.duration_s, 0.04, 1e-15);
    assert_near(r.peak_drift_ratio, 0.0023, 1e-15);
    assert_int_equal(r.peak_drift_storey, 2);
    assert_near(r.storey_peak_drift[0], 0.002, 1e-15);
    assert_near(r.storey_peak_drift[1], 0.0023, 1e-15);
    assert_near(r.storey_rms_drift[0], sqrt((1e-6 + 4e-6) / 2.0), 1e-15);
    assert_near(r.storey_rms_drift[1], sqrt(5.29e-6 / 2.0), 1e-15);
    assert_near(r.rms_drift, sqrt((1e-6 + 4e-6 + 5.29e-6) / 4.0), 1e-15);
    assert_near(r.storey_peak_drift[2], 0.0, 0.0);
    assert_near(r.peak_roof_m, 0.0099, 1e-15);
    assert_near(r.rms_roof_m, sqrt((98.01e-6 + 36e-6) / 2.0), 1e-15);
    assert_near(r.peak_roof_m_s, 0.4, 1e-15);
    /* base shear 2e7 x1; floor 1: (k (x2 - x1) - k x1)/m, floor 2: (-k (x2 - x1) - u)/m */
    assert_near(r.peak_base_shear_n, 0.006 * 2e7, 1e-6);
    assert_near(r.rms_base_shear_n, 2e7 * sqrt((9e-6 + 36e-6) / 2.0), 1e-6);
    double floor1[2] = {(0.0069 - 0.003) * 2e7 / 30e3, 0.006 * 2e7 / 30e3};
    double floor2[2] = {(-0.0069 * 2e7 - 800.0) / 30e3, 600.0 / 30e3};
    assert_near(r.floor_peak_acc_g[0], floor1[1] / AFT_GRAVITY_M_S2, 1e-12);
    assert_near(r.peak_floor_acc_g, -floor2[0] / AFT_GRAVITY_M_S2, 1e-12);
    assert_near(r.peak_roof_acc_g, -floor2[0] / AFT_GRAVITY_M_S2, 1e-12);
    assert_int_equal(r.peak_acc_floor, 2);
    double mean = (floor1[0] * floor1[0] + floor1[1] * floor1[1] + floor2[0] * floor2[0] +
                   floor2[1] * floor2[1]) /
                  4.0;
    assert_near(r.rms_floor_acc_g, sqrt(mean) / AFT_GRAVITY_M_S2, 1e-12);
    aft_plant_destroy(plant);
}

static void response__tells_driving_from_braking(void **state)
{
    (void)state;
    struct aft_building_config building = two_floors();
    struct aft_plant *plant = small_plant(&building);
    struct aft_response r = respond(plant);
    assert_near(r.stroke_m, 0.4901, 1e-15);
    assert_near(r.peak_speed_m_s, 1.5, 1e-15);
    assert_near(r.peak_force_n, 800.0, 0.0);
    assert_near(r.rms_force_n, sqrt((640e3 + 360e3) / 2.0), 1e-9);
    assert_near(r.peak_power_w, 1200.0, 0.0);
    assert_near(r.energy_j, 1200.0 * 0.02, 1e-12);
    assert_near(r.braking_j, 900.0 * 0.02, 1e-12);
    assert_near(r.saturated_share, 0.5, 0.0);
    aft_plant_destroy(plant);
}

static void response__power_is_positive_where_the_actuator_drives(void **state)
{
    (void)state;
    struct aft_building_config building = two_floors();
    struct aft_plant *plant = small_plant(&building);
    double z[N_STATES + 2] = {0.0};
    struct aft_plant_forces forces = {0};
    struct aft_response_meter driving = {0}, braking = {0};
    for (int i = 0; i < 50; i++) { /* from rest: the force moves the mass its own way */
        aft_plant_step(plant, z, (const double[2]){0.0, 0.0}, 500.0, &forces);
        aft_response_note(&driving, plant, z, 1, &forces, 500.0);
    }
    struct aft_response drive = aft_response_result(&driving, plant);
    for (int i = 0; i < 20; i++) {
        aft_plant_step(plant, z, (const double[2]){0.0, 0.0}, -500.0, &forces);
        aft_response_note(&braking, plant, z, 1, &forces, -500.0);
    }
    struct aft_response brake = aft_response_result(&braking, plant);
    /* u s, all of it driven: the mass alone, 500 N on 4 t for 1 s, and little of the roof */
    assert_near(drive.energy_j / (500.0 * 0.5 * 500.0 / 4000.0), 1.0, 0.2);
    assert_near(drive.braking_j, 0.0, 1e-12);
    assert_true(brake.braking_j > 0.0);
    assert_near(brake.energy_j, 0.0, 1e-12);
    aft_plant_destroy(plant);
}

static void criteria__are_ratios_worked_out_by_hand(void **state)
{
    (void)state;
    struct aft_building_config building = two_floors();
    struct aft_response u = {.duration_s = 10.0,
                             .peak_drift_ratio = 0.01,
                             .peak_floor_acc_g = 0.5,
                             .peak_base_shear_n = 2e5,
                             .rms_base_shear_n = 5e4,
                             .peak_roof_m = 0.2,
                             .peak_roof_m_s = 0.8,
                             .storey_rms_drift = {0.002, 0.003},
                             .floor_rms_acc_g = {0.05, 0.1}};
    struct aft_response c = {.duration_s = 10.0,
                             .peak_drift_ratio = 0.006,
                             .peak_floor_acc_g = 0.6,
                             .peak_base_shear_n = 1e5,
                             .rms_base_shear_n = 2e4,
                             .stroke_m = 1.2,
                             .peak_force_n = 50e3,
                             .peak_power_w = 3e5,
                             .energy_j = 2e5,
                             .storey_rms_drift = {0.0024, 0.001},
                             .floor_rms_acc_g = {0.03, 0.09}};
    double weight_n = 2.0 * 30e3 * AFT_GRAVITY_M_S2;
    struct aft_criteria j = aft_criteria_of(&c, &u, &building);
    assert_near(j.j1_peak_drift, 0.6, 1e-12);
    assert_near(j.j2_peak_acceleration, 1.2, 1e-12);
    assert_near(j.j3_peak_base_shear, 0.5, 1e-12);
    assert_near(j.j4_normed_drift, 0.8, 1e-12); /* each building's own worst storey */
    assert_near(j.j5_normed_acceleration, 0.9, 1e-12);
    assert_near(j.j6_normed_base_shear, 0.4, 1e-12);
    assert_near(j.j11_force, 50e3 / weight_n, 1e-12);
    assert_near(j.j12_stroke, 6.0, 1e-12);
    assert_near(j.j13_power, 3e5 / (0.8 * weight_n), 1e-12);
    assert_near(j.j14_normed_power, 2e4 / (0.8 * weight_n), 1e-12);
}

static void criteria__stand_a_reference_at_rest(void **state)
{
    (void)state;
    struct aft_building_config building = two_floors();
    struct aft_response rest = {0}, moved = {.peak_drift_ratio = 1e-3};
    assert_near(aft_criteria_of(&rest, &rest, &building).j1_peak_drift, 0.0, 0.0);
    assert_true(isinf(aft_criteria_of(&moved, &rest, &building).j1_peak_drift));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(response__has_figures_worked_out_by_hand),
        cmocka_unit_test(response__tells_driving_from_braking),
        cmocka_unit_test(response__power_is_positive_where_the_actuator_drives),
        cmocka_unit_test(criteria__are_ratios_worked_out_by_hand),
        cmocka_unit_test(criteria__stand_a_reference_at_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
