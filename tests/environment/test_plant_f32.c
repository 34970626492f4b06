/* plant_f32.h against plant.h, over whole generated motions. */
#include "fixtures.h"

#include "base/simd.h"
#include "environment/ground_motion.h"
#include "environment/plant_f32.h"

#include <stdlib.h>

enum { SUBSTEPS = 2 };

struct figures {
    double peak, squares, stroke, force, power;
};

struct trial { /* one motion, an own one a lane, in both precisions */
    struct aft_plant *exact;
    struct aft_plant_f32 *plant;
    size_t steps;
    float *ground[AFT_LANES];
    int contacts;
};

static void make_trial(struct trial *trial, double magnitude, double pga_g,
                       const struct aft_actuator_config *actuator)
{
    struct aft_error error;
    struct aft_building_config building = slender12();
    struct aft_source source = {magnitude, 10.0, 80.0, 0.04};
    struct aft_random_key key = aft_random_key(4, 2, AFT_RANDOM_USER_MOTION);
    *trial = (struct trial){.steps = SIZE_MAX};
    assert_ok(aft_plant_create(&trial->exact, &building, actuator, true, 0.02, &error));
    assert_ok(aft_plant_f32_create(&trial->plant, trial->exact, &error));
    for (uint32_t j = 0; j < AFT_LANES; j++) {
        struct aft_motion motion;
        struct aft_motion_config scaling = {.scaling = AFT_MOTION_TO_PGA, .pga_g = pga_g};
        const uint32_t stream[2] = {j, 0};
        assert_ok(aft_motion_from_source(&motion, &source, 0.02, key, stream, &error));
        double factor =
            aft_motion_factor(&scaling, 1.2, motion.acceleration_m_s2, motion.n, motion.dt_s);
        trial->ground[j] = calloc(motion.n + 1000, sizeof(float));
        assert_non_null(trial->ground[j]);
        for (size_t i = 0; i < motion.n; i++) {
            trial->ground[j][i] = (float)(factor * motion.acceleration_m_s2[i]);
        }
        size_t steps = (motion.n + 990) / SUBSTEPS;
        trial->steps = steps < trial->steps ? steps : trial->steps;
        aft_motion_clear(&motion);
    }
}

static void clear_trial(struct trial *trial)
{
    for (int j = 0; j < AFT_LANES; j++) {
        free(trial->ground[j]);
    }
    aft_plant_f32_destroy(trial->plant);
    aft_plant_destroy(trial->exact);
}

static float command(const struct trial *trial, size_t step, int lane)
{
    return (float)trial->exact->actuator.force_limit_n *
           sinf(0.19F * (float)step + 0.7F * (float)lane);
}

static void run_f32(struct figures figures[AFT_LANES], const struct trial *trial, int driven)
{
    static _Alignas(64) float state[AFT_PLANT_MAX_COLUMNS][AFT_LANES];
    struct aft_lane_forces forces = {{0.0F}, {0.0F}, {0.0F}};
    memset(state, 0, sizeof state);
    memset(figures, 0, AFT_LANES * sizeof *figures);
    for (size_t t = 0; t < trial->steps; t++) {
        const float *ground[AFT_LANES];
        struct aft_lane_response now;
        for (int j = 0; j < AFT_LANES; j++) {
            ground[j] = trial->ground[j] + t * SUBSTEPS;
            forces.command_n[j] = driven ? command(trial, t, j) : 0.0F;
        }
        aft_plant_f32_control_step(&now, trial->plant, state[0], &forces, ground, SUBSTEPS);
        for (int j = 0; j < AFT_LANES; j++) {
            figures[j].peak = fmax(figures[j].peak, (double)now.peak[j]);
            figures[j].squares += (double)now.squares[j];
            figures[j].stroke = fmax(figures[j].stroke, (double)now.stroke_m[j]);
            figures[j].force = fmax(figures[j].force, (double)now.force_n[j]);
            figures[j].power = fmax(figures[j].power, (double)now.power_w[j]);
        }
    }
}

static struct figures run_exact(struct trial *trial, int lane, int driven)
{
    double z[AFT_PLANT_MAX_COLUMNS] = {0.0};
    struct aft_plant_forces forces = {0};
    struct figures figures = {0};
    for (size_t i = 0; i < trial->steps * SUBSTEPS; i++) {
        const double pair[2] = {trial->ground[lane][i], trial->ground[lane][i + 1]};
        struct aft_drift drift;
        aft_plant_step(trial->exact, z, pair, driven ? command(trial, i / SUBSTEPS, lane) : 0.0F,
                       &forces);
        aft_plant_drift(&drift, trial->exact, z);
        figures.peak = fmax(figures.peak, drift.peak);
        figures.squares += drift.sum_squares;
        figures.stroke = fmax(figures.stroke, fabs(aft_plant_stroke(trial->exact, z, 1)));
        figures.force = fmax(figures.force, fabs(forces.actuator_n));
        figures.power = fmax(figures.power, forces.power_w);
        trial->contacts += forces.contact_n != 0.0;
    }
    return figures;
}

static void expect_agreement(struct trial *trial, int driven)
{
    struct figures single[AFT_LANES];
    run_f32(single, trial, driven);
    for (int j = 0; j < AFT_LANES; j++) {
        struct figures exact = run_exact(trial, j, driven);
        assert_near(single[j].peak / exact.peak, 1.0, 1e-4);
        assert_near(sqrt(single[j].squares / exact.squares), 1.0, 1e-4);
        assert_near(single[j].stroke / exact.stroke, 1.0, 1e-4);
        assert_near(single[j].force, exact.force, 1e-4 * exact.force);
        assert_near(single[j].power, exact.power, 1e-4 * exact.power);
    }
}

static const struct aft_actuator_config small = {.force_limit_n = 50e3, .power_limit_w = 3e5};
static const struct aft_actuator_config large = {
    .force_limit_n = 150e3, .power_limit_w = 3e5, .lag_s = 0.03};

static void single_precision__follows_the_exact_plant(void **state)
{
    (void)state;
    struct trial trial;
    make_trial(&trial, 4.5, 0.25, &small);
    expect_agreement(&trial, 0);
    expect_agreement(&trial, 1);
    clear_trial(&trial);
}

static void single_precision__follows_it_through_contact_with_the_end_stop(void **state)
{
    (void)state;
    struct trial trial;
    make_trial(&trial, 7.8, 0.9, &large);
    expect_agreement(&trial, 0);
    expect_agreement(&trial, 1);
    assert_true(trial.contacts > 100);
    clear_trial(&trial);
}

static void single_precision__has_the_same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    struct figures portable[AFT_LANES], vector[AFT_LANES];
    for (int level = AFT_SIMD_PORTABLE; level <= AFT_SIMD_AVX512; level++) {
        struct trial trial;
        aft_simd_limit((enum aft_simd)level);
        make_trial(&trial, 7.0, 0.9, &large);
        run_f32(level == AFT_SIMD_PORTABLE ? portable : vector, &trial, 1);
        clear_trial(&trial);
        if (level > AFT_SIMD_PORTABLE) {
            assert_memory_equal(portable, vector, sizeof vector);
        }
    }
}

static void accelerations__are_those_of_the_exact_building(void **state)
{
    (void)state;
    static _Alignas(64) float rows[AFT_PLANT_MAX_COLUMNS][AFT_LANES];
    float floors[12][AFT_LANES], force[AFT_LANES], largest[AFT_LANES];
    struct trial trial;
    make_trial(&trial, 4.5, 0.25, &small);
    for (int i = 0; i < 26; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            rows[i][j] = 0.01F * sinf((float)(7 * i + 3 * j));
        }
    }
    for (int j = 0; j < AFT_LANES; j++) {
        force[j] = 1e4F * (float)j;
    }
    aft_plant_f32_accelerations(floors[0], largest, trial.plant, rows[0], force);
    for (int j = 0; j < AFT_LANES; j++) {
        double z[26], exact[12];
        for (int i = 0; i < 26; i++) {
            z[i] = (double)rows[i][j];
        }
        aft_building_floor_accelerations(exact, &trial.exact->building, z, 1, (double)force[j]);
        float expected = 0.0F;
        for (int i = 0; i < 12; i++) {
            assert_near(floors[i][j], exact[i], 1e-4);
            expected = fmaxf(expected, fabsf(floors[i][j]));
        }
        assert_true(largest[j] == expected);
    }
    clear_trial(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_precision__follows_the_exact_plant),
        cmocka_unit_test(single_precision__follows_it_through_contact_with_the_end_stop),
        cmocka_unit_test(accelerations__are_those_of_the_exact_building),
        cmocka_unit_test(single_precision__has_the_same_bits_on_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
