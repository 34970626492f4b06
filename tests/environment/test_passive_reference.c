#include "fixtures.h"

#include "environment/passive_reference.h"

enum { STEPS = 100, SUBSTEPS = 3, N = STEPS * SUBSTEPS };

static void reference__holds_the_uncontrolled_devices_response(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_building_config building = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = 50e3};
    struct aft_plant *plant;
    float ground[N + 1], squares[STEPS], peak[STEPS], acceleration[STEPS];
    struct aft_passive_reference reference = {squares, peak, acceleration, 0.0F, 0.0F};
    assert_ok(aft_plant_create(&plant, &building, &actuator, true, 0.02, &error));
    for (int i = 0; i <= N; i++) {
        ground[i] = 3.0F * sinf(0.1F * (float)i) * (i < N / 2 ? 1.0F : 0.2F);
    }
    aft_passive_reference_fill(&reference, plant, ground, STEPS, SUBSTEPS);

    double z[2 * 13 + 2] = {0.0}, total = 0.0, largest = 0.0, largest_acceleration = 0.0;
    struct aft_plant_forces forces = {0};
    for (int i = 0; i < N; i++) {
        static double step_squares;
        const double pair[2] = {ground[i], ground[i + 1]};
        aft_plant_step(plant, z, pair, 0.0, &forces);
        step_squares = i % SUBSTEPS == 0 ? 0.0 : step_squares;
        for (int k = 0; k < 12; k++) {
            double ratio = (z[k] - (k > 0 ? z[k - 1] : 0.0)) / 3.0;
            step_squares += ratio * ratio;
            total += ratio * ratio;
            largest = fmax(largest, fabs(ratio));
        }
        if (i % SUBSTEPS == SUBSTEPS - 1) {
            double floors[12];
            aft_building_floor_accelerations(floors, &plant->building, z, 1, forces.contact_n);
            for (int k = 0; k < 12; k++) {
                largest_acceleration = fmax(largest_acceleration, fabs(floors[k]));
            }
            assert_near(squares[i / SUBSTEPS], step_squares, 1e-6 * step_squares + 1e-30);
            assert_near(peak[i / SUBSTEPS], largest, 1e-6 * largest + 1e-30);
            assert_near(acceleration[i / SUBSTEPS], largest_acceleration,
                        1e-6 * largest_acceleration + 1e-30);
        }
    }
    assert_near(reference.mean_squares / (total / N), 1.0, 1e-6);
    assert_near(reference.largest_drift / largest, 1.0, 1e-6);
    aft_plant_destroy(plant);
}

static void reference__of_silence_can_be_divided_by(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_building_config building = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = 50e3};
    struct aft_plant *plant;
    float ground[N + 1] = {0.0F}, squares[STEPS], peak[STEPS];
    struct aft_passive_reference reference = {squares, peak, NULL, 0.0F, 0.0F};
    assert_ok(aft_plant_create(&plant, &building, &actuator, true, 0.02, &error));
    aft_passive_reference_fill(&reference, plant, ground, STEPS, SUBSTEPS);
    assert_true(reference.mean_squares > 0.0F && reference.largest_drift > 0.0F);
    assert_true(peak[STEPS - 1] == 0.0F && squares[STEPS - 1] == 0.0F);
    aft_plant_destroy(plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference__holds_the_uncontrolled_devices_response),
        cmocka_unit_test(reference__of_silence_can_be_divided_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
