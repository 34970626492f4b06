#include "fixtures.h"

#include "environment/passive_reference.h"

enum { STEPS = 100, SUBSTEPS = 3, N = STEPS * SUBSTEPS };

static const float silence[N + 1];
static struct aft_plant *exact;
static struct aft_plant_f32 *plant;
static float ground[AFT_LANES][N + 1];
static struct aft_passive_step made[AFT_LANES][STEPS];

static int set_up(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_building_config building = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = 50e3};
    building.stroke_m = 0.3; /* so that some devices reach it */
    return aft_plant_create(&exact, &building, &actuator, true, 0.02, &error) != AFT_OK ||
           aft_plant_f32_create(&plant, exact, &error) != AFT_OK;
}

static int tear_down(void **state)
{
    (void)state;
    aft_plant_f32_destroy(plant);
    aft_plant_destroy(exact);
    return 0;
}

/* Lane j starts j control steps after lane 0. */
static void make_all(void)
{
    static _Alignas(64) float rows[AFT_PLANT_MAX_COLUMNS][AFT_LANES];
    uint32_t done[AFT_LANES];
    struct aft_passive_lanes lanes = {.state = rows[0], .done = done};
    memset(rows, 0, sizeof rows);
    for (int j = 0; j < AFT_LANES; j++) {
        done[j] = STEPS;
        lanes.ground_m_s2[j] = ground[j];
        lanes.step[j] = made[j];
        lanes.plant[j] = plant;
    }
    for (int i = 0; i < STEPS + AFT_LANES; i++) {
        if (i < AFT_LANES) {
            done[i] = 0;
            for (int row = 0; row < exact->columns; row++) {
                rows[row][i] = 0.0F;
            }
        }
        aft_passive_reference_advance(&lanes, STEPS, SUBSTEPS, silence);
    }
    for (int j = 0; j < AFT_LANES; j++) {
        assert_int_equal(done[j], STEPS);
    }
}

static void expect_general_simulation(int lane)
{
    double z[2 * 13 + 2] = {0.0}, total = 0.0, largest = 0.0, largest_acceleration = 0.0;
    double step_squares = 0.0;
    struct aft_plant_forces forces = {0};
    for (int i = 0; i < N; i++) {
        const double pair[2] = {ground[lane][i], ground[lane][i + 1]};
        aft_plant_step(exact, z, pair, 0.0, &forces);
        step_squares = i % SUBSTEPS == 0 ? 0.0 : step_squares;
        for (int k = 0; k < 12; k++) {
            double ratio = (z[k] - (k > 0 ? z[k - 1] : 0.0)) / 3.0;
            step_squares += ratio * ratio;
            total += ratio * ratio;
            largest = fmax(largest, fabs(ratio));
        }
        if (i % SUBSTEPS == SUBSTEPS - 1) {
            double floors[12];
            const struct aft_passive_step *step = &made[lane][i / SUBSTEPS];
            aft_building_floor_accelerations(floors, &exact->building, z, 1, forces.contact_n);
            for (int k = 0; k < 12; k++) {
                largest_acceleration = fmax(largest_acceleration, fabs(floors[k]));
            }
            assert_near(step->squares, step_squares, 1e-3 * largest * largest);
            assert_near(step->peak, largest, 1e-5 * largest);
            assert_near(step->peak_acceleration_m_s2, largest_acceleration,
                        1e-4 * largest_acceleration);
        }
    }
    struct aft_passive_summary summary = aft_passive_reference_summary(made[lane], STEPS, SUBSTEPS);
    assert_near(summary.mean_squares / (total / N), 1.0, 1e-4);
    assert_near(summary.largest_drift / largest, 1.0, 1e-5);
}

static void reference__holds_the_uncontrolled_devices_response(void **state)
{
    (void)state;
    for (int j = 0; j < AFT_LANES; j++) {
        for (int i = 0; i <= N; i++) {
            ground[j][i] = (0.2F + 0.3F * (float)j) * sinf((0.08F + 0.01F * (float)j) * (float)i) *
                           (i < N / 2 ? 1.0F : 0.2F);
        }
    }
    make_all();
    for (int j = 0; j < AFT_LANES; j++) {
        expect_general_simulation(j);
    }
}

static void reference__of_silence_can_be_divided_by(void **state)
{
    (void)state;
    memset(ground, 0, sizeof ground);
    make_all();
    struct aft_passive_summary summary = aft_passive_reference_summary(made[3], STEPS, SUBSTEPS);
    assert_true(summary.mean_squares > 0.0F && summary.largest_drift > 0.0F);
    assert_true(made[3][STEPS - 1].peak == 0.0F && made[3][STEPS - 1].squares == 0.0F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference__holds_the_uncontrolled_devices_response),
        cmocka_unit_test(reference__of_silence_can_be_divided_by),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
