#include "fixtures.h"

#include "environment/building.h"
#include "environment/motion_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static double pga_g(const struct aft_motion *motion)
{
    struct aft_motion_summary summary;
    aft_motion_summarise(&summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
    return summary.pga_m_s2 / AFT_GRAVITY_M_S2;
}

static void list__holds_whole_scaled_motions_of_a_set(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    struct aft_motion_list list = {0};
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_TEST_MOTION, 3, &error));
    config.motion.magnitude = 6.5;
    config.motion.pga_g = 0.4;
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_VALIDATION, 2, &error));
    assert_int_equal(list.n, 5);
    assert_string_equal(list.motions[0].name, "M4.5 #1");
    assert_string_equal(list.motions[4].name, "M6.5 #2");
    for (int i = 0; i < list.n; i++) {
        assert_near(pga_g(&list.motions[i].motion), i < 3 ? 0.25 : 0.4, 1e-9);
        assert_near(list.motions[i].motion.dt_s, config.dt_s, 0.0);
    }
    assert_true(list.motions[4].motion.n > 2 * list.motions[0].motion.n);
    aft_motion_list_clear(&list);
    assert_int_equal(list.n, 0);
}

static void list__sets_of_different_purpose_or_seed_differ(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    struct aft_motion_list list = {0};
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_TEST_MOTION, 1, &error));
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_VALIDATION, 1, &error));
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_MOTION, 1, &error));
    config.seed++;
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_TEST_MOTION, 1, &error));
    config.seed--;
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_TEST_MOTION, 1, &error));
    for (int i = 1; i < 4; i++) {
        assert_true(list.motions[i].motion.acceleration_m_s2[30] !=
                    list.motions[0].motion.acceleration_m_s2[30]);
    }
    assert_memory_equal(list.motions[4].motion.acceleration_m_s2,
                        list.motions[0].motion.acceleration_m_s2,
                        list.motions[0].motion.n * sizeof(double));
    aft_motion_list_clear(&list);
}

static void list__scales_records_as_asked(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    char path[] = "/tmp/aftershock-record-XXXXXX";
    const char *const paths[] = {path};
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    (void)fprintf(file, "# dt = 0.02, in g\n");
    for (int i = 0; i < 500; i++) {
        (void)fprintf(file, "%.9f\n", 0.1 * sin(0.11 * i) * sin(0.0063 * i));
    }
    assert_int_equal(fclose(file), 0);
    struct aft_motion_list list = {0};
    config.motion.sa_t1_g = 0.3;
    for (enum aft_motion_scaling scaling = AFT_MOTION_TO_PGA; scaling <= AFT_MOTION_UNSCALED;
         scaling++) {
        config.motion.scaling = scaling;
        assert_ok(aft_motion_list_add_records(&list, &config, paths, 1, &error));
    }
    (void)unlink(path);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.motions[0].name, path + sizeof "/tmp/" - 1);
    const struct aft_motion *sa = &list.motions[AFT_MOTION_TO_SA_T1].motion;
    double t1_s = 0.0;
    assert_ok(aft_building_first_period(&t1_s, &config.building, &error));
    assert_near(pga_g(&list.motions[AFT_MOTION_TO_PGA].motion), 0.25, 1e-9);
    assert_near(pga_g(&list.motions[AFT_MOTION_UNSCALED].motion), 0.1, 1e-3);
    assert_near(aft_spectral_acceleration_m_s2(sa->acceleration_m_s2, sa->n, sa->dt_s, t1_s, 0.05) /
                    AFT_GRAVITY_M_S2,
                0.3, 1e-9);
    assert_int_equal(aft_motion_list_add_records(&list, &config, paths, 1, &error),
                     AFT_ERR_MISSING);
    assert_int_equal(list.n, 3);
    aft_motion_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list__holds_whole_scaled_motions_of_a_set),
        cmocka_unit_test(list__sets_of_different_purpose_or_seed_differ),
        cmocka_unit_test(list__scales_records_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
