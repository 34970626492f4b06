#include "fixtures.h"

#include "environment/clairvoyant.h"
#include "environment/control_model.h"
#include "environment/feedback.h"
#include "environment/matrix.h"

#include <stdlib.h>

static struct aft_motion_list motions_of(const struct aft_environment_config *config, int n)
{
    struct aft_error error;
    struct aft_motion_list list = {0};
    assert_ok(aft_motion_list_add_held_out(&list, config, AFT_RANDOM_TEST_MOTION, n, &error));
    return list;
}

static struct aft_clairvoyant *plan(const struct aft_environment_config *config,
                                    const struct aft_motion_list *list, double tail_s)
{
    struct aft_error error;
    struct aft_clairvoyant *clairvoyant;
    struct aft_evaluation evaluation = {.config = config, .tail_s = tail_s};
    assert_ok(aft_clairvoyant_create(&clairvoyant, &evaluation, list, &error));
    return clairvoyant;
}

static double bound_of(const struct aft_environment_config *config,
                       const struct aft_motion_list *list)
{
    struct aft_clairvoyant *clairvoyant = plan(config, list, 5.0);
    double bound = aft_clairvoyant_plan(clairvoyant, 0)->bound_drift;
    aft_clairvoyant_destroy(clairvoyant);
    return bound;
}

/* Peak drift of one controller on the first motion; the response is kept if asked for. */
static double simulate(const struct aft_environment_config *config,
                       const struct aft_motion_list *list, const struct aft_controller *controller,
                       struct aft_response *response)
{
    struct aft_error error;
    struct aft_response own[8], *results = response != NULL ? response : own;
    struct aft_evaluation evaluation = {.config = config, .tail_s = 5.0};
    assert_true(list->n <= 8);
    assert_ok(aft_evaluate(results, &evaluation, list, controller, 1, &error));
    return results[0].peak_drift_ratio;
}

static void bound__without_force_is_the_passive_response(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_controller passive = aft_controller_passive();
    config.actuator.force_limit_n = 0.0;
    struct aft_motion_list list = motions_of(&config, 1);
    double peak = simulate(&config, &list, &passive, NULL);
    assert_near(bound_of(&config, &list) / peak, 1.0, 1e-6);
    aft_motion_list_clear(&list);
}

static void bound__is_near_zero_for_one_storey_and_a_huge_force(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_controller passive = aft_controller_passive();
    config.building = uniform(1, 1e5, 1e6, 0.02); /* 2 s, long against the hold */
    config.building.stroke_m = 0.0;
    config.sensors.n_acceleration_floors = config.sensors.n_drift_storeys = 0;
    config.actuator = (struct aft_actuator_config){.force_limit_n = 1e7};
    struct aft_motion_list list = motions_of(&config, 1);
    double peak = simulate(&config, &list, &passive, NULL);
    assert_between(bound_of(&config, &list) / peak, 0.0, 0.02);
    config.building.stroke_m = 0.02; /* the stroke is what is short now */
    assert_between(bound_of(&config, &list) / peak, 0.05, 0.95);
    aft_motion_list_clear(&list);
}

static void bound__falls_with_the_limits_of_force_and_stroke(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_motion_list list = motions_of(&config, 1);
    double last = HUGE_VAL;
    for (double force_n = 5e3; force_n < 1e5; force_n *= 3.0) {
        config.actuator.force_limit_n = force_n;
        double bound = bound_of(&config, &list);
        assert_true(bound > 0.0 && bound < last);
        last = bound;
    }
    last = HUGE_VAL;
    for (double stroke_m = 0.1; stroke_m < 0.5; stroke_m *= 1.5) {
        config.building.stroke_m = stroke_m;
        double bound = bound_of(&config, &list);
        assert_true(bound > 0.0 && bound < last);
        last = bound;
    }
    aft_motion_list_clear(&list);
}

enum { STEPS = 3, FIGURES = 2 * STEPS, UNKNOWNS = STEPS + 1, LIMITS = 2 * (FIGURES + STEPS) };

struct dense { /* row · [commands, peak] <= limit */
    double row[LIMITS][UNKNOWNS], limit[LIMITS];
};

/* One storey over STEPS steps of the control model, a pulse at a time: drift ratio, stroke. */
static void figures_of(double *figures, const struct aft_control_model *model, const double *ground,
                       int pulse_at)
{
    double z[5] = {0}, next[5];
    assert_int_equal(model->n, 5); /* two displacements, two velocities, the force */
    for (int k = 0; k < STEPS; k++) {
        for (int i = 0; i < 5; i++) {
            next[i] = (k == pulse_at ? model->command[i] : 0.0) +
                      (ground != NULL ? model->ground_start[i] * ground[k] +
                                            model->ground_end[i] * ground[k + 1]
                                      : 0.0);
            for (int j = 0; j < 5; j++) {
                next[i] += model->phi[i * 5 + j] * z[j];
            }
        }
        memcpy(z, next, sizeof z);
        figures[2 * k] = z[0] / model->building.storey_height_m;
        figures[2 * k + 1] = z[1] - z[0];
    }
}

static void fill_dense(struct dense *dense, const struct aft_control_model *model,
                       const double *ground)
{
    double idle[FIGURES], pulse[STEPS][FIGURES];
    memset(dense, 0, sizeof *dense);
    figures_of(idle, model, ground, -1);
    for (int k = 0; k < STEPS; k++) {
        figures_of(pulse[k], model, NULL, k);
    }
    for (int i = 0; i < LIMITS; i++) {
        double side = i % 2 == 0 ? 1.0 : -1.0;
        int f = i / 2;
        if (f >= FIGURES) {
            dense->row[i][f - FIGURES] = side;
            dense->limit[i] = 1.0;
            continue;
        }
        for (int k = 0; k < STEPS; k++) {
            dense->row[i][k] = side * pulse[k][f];
        }
        dense->row[i][STEPS] = f % 2 == 0 ? -1.0 : 0.0;
        dense->limit[i] = (f % 2 == 0 ? 0.0 : model->stroke_limit_m) - side * idle[f];
    }
}

/* The peak where the four limits hold with equality, if the others hold there too. */
static double peak_of_vertex(const struct dense *dense, const int chosen[UNKNOWNS])
{
    struct aft_error error;
    double a[UNKNOWNS][UNKNOWNS], b[UNKNOWNS], x[UNKNOWNS];
    for (int i = 0; i < UNKNOWNS; i++) {
        memcpy(a[i], dense->row[chosen[i]], sizeof a[i]);
        b[i] = dense->limit[chosen[i]];
    }
    if (aft_matrix_solve(x, a[0], b, UNKNOWNS, 1, &error) != AFT_OK) {
        return HUGE_VAL;
    }
    for (int i = 0; i < LIMITS; i++) {
        double value = 0.0;
        for (int j = 0; j < UNKNOWNS; j++) {
            value += dense->row[i][j] * x[j];
        }
        if (!(value <= dense->limit[i] + 1e-9)) {
            return HUGE_VAL;
        }
    }
    return x[STEPS];
}

static double best_vertex(const struct dense *dense)
{
    double best = HUGE_VAL;
    for (int a = 0; a < LIMITS; a++) {
        for (int b = a + 1; b < LIMITS; b++) {
            for (int c = b + 1; c < LIMITS; c++) {
                for (int d = c + 1; d < LIMITS; d++) {
                    best = fmin(best, peak_of_vertex(dense, (int[UNKNOWNS]){a, b, c, d}));
                }
            }
        }
    }
    return best;
}

/* Against all vertices of the same program, written densely from another model of the plant. */
static void bound__is_the_best_vertex_of_a_small_program(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    struct aft_control_model *model;
    struct dense dense;
    double ground[STEPS + 1] = {0.0, 3.0, -2.0, -2.5};
    struct aft_listed_motion listed = {.name = "small", .motion = {ground, STEPS + 1, 0.2, false}};
    struct aft_motion_list list = {&listed, 1, 1};
    config.building = uniform(1, 33333.0, 2e6, 0.02);
    config.dt_s = 0.2;
    config.control_every = 1;
    config.actuator = (struct aft_actuator_config){.force_limit_n = 15e3, .lag_s = 0.05};
    const double stroke_m[] = {100.0, 0.11, 0.1};
    double last = 0.0;
    for (int i = 0; i < 3; i++) {
        config.building.stroke_m = stroke_m[i];
        assert_ok(aft_control_model_create(&model, &config, &error));
        fill_dense(&dense, model, ground);
        double best = best_vertex(&dense);
        struct aft_clairvoyant *clairvoyant = plan(&config, &list, 0.0);
        const struct aft_clairvoyant_plan *found = aft_clairvoyant_plan(clairvoyant, 0);
        assert_int_equal(found->n, STEPS);
        assert_true(best > last * (1.0 + 1e-4));
        assert_between(found->bound_drift / best, 1.0 - 3e-4, 1.0 + 1e-9);
        assert_between(found->planned_drift / best, 1.0 - 1e-5, 1.0 + 3e-4);
        last = best;
        aft_clairvoyant_destroy(clairvoyant);
        aft_control_model_destroy(model);
    }
}

static void plan__is_what_the_plant_does_within_its_limits(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_response responses[4];
    config.actuator.power_limit_w = 0.0;
    config.actuator.lag_s = 0.03;
    config.building.stroke_m = 0.3;
    struct aft_motion_list list = motions_of(&config, 4);
    struct aft_clairvoyant *clairvoyant = plan(&config, &list, 5.0);
    struct aft_controller controller = aft_clairvoyant_controller(clairvoyant);
    assert_string_equal(controller.name, "clairvoyant");
    simulate(&config, &list, &controller, responses);
    for (int i = 0; i < list.n; i++) {
        const struct aft_clairvoyant_plan *found = aft_clairvoyant_plan(clairvoyant, i);
        double planned = found->planned_drift;
        assert_near(responses[i].peak_drift_ratio / planned, 1.0, 1e-6);
        assert_between(found->bound_drift / planned, 1.0 - 1e-3, 1.0);
        assert_near(found->stroke_m, 0.3, 1e-9);
        assert_true(responses[i].stroke_m <= 0.3 * (1.0 + 2e-6));
        assert_true(responses[i].peak_force_n <= config.actuator.force_limit_n * (1.0 + 1e-6));
    }
    aft_clairvoyant_destroy(clairvoyant);
    aft_motion_list_clear(&list);
}

/* Weights and guard of stages 1 and 2 as in test_feedback.c. */
static void bound__is_below_what_lqr_reaches(void **state)
{
    (void)state;
    const struct aft_feedback_parameters parameters = {
        .weights = {.stroke = 0.006, .control = 1e-3},
        .guard_reach = 0.92,
        .guard_braking = 0.8,
        .noise = {.ground_m_s2 = 0.1, .force_share = 0.02}};
    struct aft_error error;
    struct aft_feedback *feedback;
    struct aft_response lqr[3], passive[3], played[3];
    for (int stage = 1; stage <= 2; stage++) {
        struct aft_environment_config config = stage_1(1);
        config.motion.magnitude = stage == 1 ? 4.5 : 5.7;
        config.motion.pga_g = stage == 1 ? 0.25 : 0.35;
        config.actuator.force_limit_n = 50e3 * stage;
        struct aft_motion_list list = motions_of(&config, 3);
        struct aft_controller none = aft_controller_passive();
        struct aft_clairvoyant *clairvoyant = plan(&config, &list, 5.0);
        struct aft_controller player = aft_clairvoyant_controller(clairvoyant);
        assert_ok(aft_feedback_create(&feedback, &config, &parameters, false, &error));
        struct aft_controller controller = aft_feedback_controller(feedback);
        simulate(&config, &list, &controller, lqr);
        simulate(&config, &list, &none, passive);
        simulate(&config, &list, &player, played);
        for (int i = 0; i < 3; i++) {
            double bound = aft_clairvoyant_plan(clairvoyant, i)->bound_drift;
            assert_true(bound < lqr[i].peak_drift_ratio);
            assert_true(bound <= played[i].peak_drift_ratio);
            assert_true(lqr[i].peak_drift_ratio < passive[i].peak_drift_ratio);
        }
        aft_feedback_destroy(feedback);
        aft_clairvoyant_destroy(clairvoyant);
        aft_motion_list_clear(&list);
    }
}

static void plan__widens_a_stroke_that_no_force_keeps(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    config.building.stroke_m = 0.01;
    config.actuator.force_limit_n = 100.0;
    struct aft_motion_list list = motions_of(&config, 1);
    struct aft_clairvoyant *clairvoyant = plan(&config, &list, 1.0);
    const struct aft_clairvoyant_plan *found = aft_clairvoyant_plan(clairvoyant, 0);
    assert_between(found->stroke_m, 0.02, 0.3);
    assert_true(found->bound_drift > 0.0 && found->bound_drift <= found->planned_drift);
    aft_clairvoyant_destroy(clairvoyant);
    aft_motion_list_clear(&list);
}

static void plan__does_not_depend_on_threads(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_thread_pool *pool;
    struct aft_clairvoyant *alone, *shared;
    struct aft_environment_config config = stage_1(1);
    struct aft_motion_list list = motions_of(&config, 4);
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 5.0};
    assert_ok(aft_thread_pool_create(&pool, 4, &error));
    assert_ok(aft_clairvoyant_create(&alone, &evaluation, &list, &error));
    evaluation.pool = pool;
    assert_ok(aft_clairvoyant_create(&shared, &evaluation, &list, &error));
    for (int i = 0; i < list.n; i++) {
        const struct aft_clairvoyant_plan *a = aft_clairvoyant_plan(alone, i);
        const struct aft_clairvoyant_plan *b = aft_clairvoyant_plan(shared, i);
        assert_true(a->bound_drift == b->bound_drift && a->n == b->n);
        assert_memory_equal(a->command_n, b->command_n, a->n * sizeof *a->command_n);
    }
    aft_clairvoyant_destroy(alone);
    aft_clairvoyant_destroy(shared);
    aft_thread_pool_destroy(pool);
    aft_motion_list_clear(&list);
}

static void plan__handles_quiet_ground_and_other_lists(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 1.0};
    double ground[50] = {0.0};
    struct aft_listed_motion quiet = {.name = "quiet", .motion = {ground, 50, 0.02, false}};
    struct aft_motion_list list = {&quiet, 1, 1};
    struct aft_motion_list longer = motions_of(&config, 2);
    struct aft_clairvoyant *clairvoyant = plan(&config, &list, 1.0);
    struct aft_controller controller = aft_clairvoyant_controller(clairvoyant);
    struct aft_response responses[2];
    assert_true(aft_clairvoyant_plan(clairvoyant, 0)->bound_drift == 0.0);
    assert_true(aft_clairvoyant_plan(clairvoyant, 0)->planned_drift == 0.0);
    assert_int_equal(aft_evaluate(responses, &evaluation, &longer, &controller, 1, &error),
                     AFT_ERR_USAGE);
    aft_clairvoyant_destroy(clairvoyant);
    config.building.floors = 0;
    assert_int_equal(aft_clairvoyant_create(&clairvoyant, &evaluation, &longer, &error),
                     AFT_ERR_USAGE);
    assert_null(clairvoyant);
    aft_clairvoyant_destroy(NULL);
    aft_motion_list_clear(&longer);
}

static void scale__runs_from_passive_to_the_bound(void **state)
{
    (void)state;
    assert_near(aft_clairvoyant_scale(0.01, 0.01, 0.002), 0.0, 1e-15);
    assert_near(aft_clairvoyant_scale(0.01, 0.002, 0.002), 1.0, 1e-15);
    assert_near(aft_clairvoyant_scale(0.01, 0.012, 0.002), -0.25, 1e-12);
    assert_true(aft_clairvoyant_scale(0.01, 0.01, 0.01) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound__without_force_is_the_passive_response),
        cmocka_unit_test(bound__is_near_zero_for_one_storey_and_a_huge_force),
        cmocka_unit_test(bound__falls_with_the_limits_of_force_and_stroke),
        cmocka_unit_test(bound__is_the_best_vertex_of_a_small_program),
        cmocka_unit_test(bound__is_below_what_lqr_reaches),
        cmocka_unit_test(plan__is_what_the_plant_does_within_its_limits),
        cmocka_unit_test(plan__widens_a_stroke_that_no_force_keeps),
        cmocka_unit_test(plan__does_not_depend_on_threads),
        cmocka_unit_test(plan__handles_quiet_ground_and_other_lists),
        cmocka_unit_test(scale__runs_from_passive_to_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
