#include "fixtures.h"

#include "environment/plant.h"
#include "environment/stroke_guard.h"

static const struct aft_stroke_guard guard = {
    .reach = 0.9, .braking = 0.8, .stroke_m = 1.5, .force_limit_n = 150e3, .device_kg = 4000.0};

static void guard__lets_what_can_be_stopped_pass(void **state)
{
    (void)state;
    /* 2 · 0.8 · 150 kN / 4 t = 60 m/s²: at 0.6 m, 0.75 m are left for v² = 45. */
    double most = sqrt(45.0);
    assert_near(aft_stroke_guard_command(&guard, 0.6, most * 0.999, 7.0), 7.0, 0.0);
    assert_near(aft_stroke_guard_command(&guard, 0.6, most * 1.001, 7.0), -150e3, 0.0);
    assert_near(aft_stroke_guard_command(&guard, -0.6, -most * 1.001, 7.0), 150e3, 0.0);
}

static void guard__does_not_mind_the_way_back(void **state)
{
    (void)state;
    assert_near(aft_stroke_guard_command(&guard, 1.6, -9.0, 7.0), 7.0, 0.0);
    assert_near(aft_stroke_guard_command(&guard, -1.6, 9.0, 7.0), 7.0, 0.0);
    assert_near(aft_stroke_guard_command(&guard, 0.0, 9.0, 7.0), 7.0, 0.0);
}

static void guard__is_off_without_reach_or_limit(void **state)
{
    (void)state;
    struct aft_stroke_guard off = guard, free_stroke = guard;
    off.reach = 0.0;
    free_stroke.stroke_m = 0.0;
    assert_near(aft_stroke_guard_command(&off, 1.4, 9.0, 7.0), 7.0, 0.0);
    assert_near(aft_stroke_guard_command(&free_stroke, 1.4, 9.0, 7.0), 7.0, 0.0);
}

/* A mass that is always driven outward, on a building at rest. */
static double driven_stroke(const struct aft_environment_config *config, double reach)
{
    struct aft_error error;
    struct aft_plant *plant;
    struct aft_stroke_guard of_plant = aft_stroke_guard_of(config);
    double state[AFT_PLANT_MAX_COLUMNS] = {0.0}, largest = 0.0;
    struct aft_plant_forces forces = {0};
    of_plant.reach = reach;
    assert_ok(
        aft_plant_create(&plant, &config->building, &config->actuator, true, config->dt_s, &error));
    for (int i = 0; i < 1000; i++) {
        double stroke = aft_plant_stroke(plant, state, 1);
        double rate = aft_plant_stroke_rate(plant, state, 1);
        double wanted = rate >= 0.0 ? 150e3 : -150e3;
        double command = aft_stroke_guard_command(&of_plant, stroke, rate, wanted);
        for (int j = 0; j < config->control_every; j++) {
            aft_plant_step(plant, state, (const double[2]){0.0, 0.0}, command, &forces);
            largest = fmax(largest, fabs(aft_plant_stroke(plant, state, 1)));
        }
    }
    aft_plant_destroy(plant);
    return largest;
}

static void guard__keeps_the_mass_off_its_stop(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    config.actuator.force_limit_n = 150e3;
    assert_true(driven_stroke(&config, 0.0) > 1.5);
    assert_between(driven_stroke(&config, 0.92), 1.2, 1.5);
    assert_between(driven_stroke(&config, 0.6), 0.7, 1.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guard__lets_what_can_be_stopped_pass),
        cmocka_unit_test(guard__does_not_mind_the_way_back),
        cmocka_unit_test(guard__is_off_without_reach_or_limit),
        cmocka_unit_test(guard__keeps_the_mass_off_its_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
