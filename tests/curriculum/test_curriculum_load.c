/* Curricula that are right: values, defaults, presets, inheritance, overrides. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void load__fills_defaults(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(STAGE, NULL);
    assert_string_equal(c->path, "t.ini");
    assert_string_equal(c->text, STAGE);
    assert_string_equal(c->run.name, "default");
    assert_int_equal(c->run.seed, 1);
    assert_false(c->run.tf32);
    assert_string_equal(c->run.engine, "auto");
    assert_string_equal(c->run.device, "auto");
    assert_int_equal(c->building.floors, 12);
    assert_true(c->building.floor_mass_kg == 33333.0);
    assert_true(c->building.storey_stiffness_n_m == 6.01e7);
    assert_true(c->building.stroke_m == 1.5);
    assert_true(c->actuator.power_limit_w == 3e5);
    assert_int_equal(c->recovery.resume, AFT_RESUME_STAGE);
    assert_int_equal(c->recovery.retries, 3);
    assert_int_equal(c->evaluation.motions, 32);
    assert_int_equal(c->n_stages, 1);
    const struct aft_stage *stage = &c->stages[0];
    assert_int_equal(stage->number, 1);
    assert_string_equal(stage->name, "M4.5@50kN");
    assert_int_equal(stage->timesteps, 1000);
    assert_true(stage->motion.pga_g == 0.35);
    assert_int_equal(stage->environment.acceleration_floors.n, 3);
    assert_int_equal(stage->environment.acceleration_floors.value[2], 12);
    assert_int_equal(stage->ppo.network.n, 2);
    assert_int_equal(stage->ppo.network.value[1], 64);
    assert_true(stage->ppo.gamma == 0.985);
    assert_true(stage->ppo.final_learning_rate == stage->ppo.learning_rate);
    assert_true(stage->ppo.ortho_init);
    assert_false(stage->ppo.adaptive);
    aft_curriculum_destroy(c);
}

static void load__reads_every_type(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(
        "[run]\nname = a.B-c_9\nseed = 9_000_000_000\ndevice = cuda:1\n"
        "[ppo]\nnetwork = 32 , 16,8\nactivation = relu\n"
        "ortho_init = no\nadaptive = true\nadam_eps = 1E-8\n"
        "batch_size = 1e3\nlog_std_init = -1\n"
        "[environment]\ndrift_storeys = none\n"
        "[stage M7@0.15MN]\ntimesteps = 1.5e6\n",
        NULL);
    assert_string_equal(c->run.name, "a.B-c_9");
    assert_true(c->run.seed == 9000000000u);
    assert_string_equal(c->run.device, "cuda:1");
    const struct aft_ppo_settings *ppo = &c->stages[0].ppo;
    assert_int_equal(ppo->network.n, 3);
    assert_int_equal(ppo->network.value[0], 32);
    assert_int_equal(ppo->network.value[2], 8);
    assert_int_equal(ppo->activation, AFT_ACTIVATION_RELU);
    assert_false(ppo->ortho_init);
    assert_true(ppo->adaptive);
    assert_true(ppo->adam_eps == 1e-8);
    assert_int_equal(ppo->batch_size, 1000);
    assert_true(ppo->log_std_init == -1.0);
    assert_int_equal(c->stages[0].environment.drift_storeys.n, 0);
    assert_int_equal(c->stages[0].timesteps, 1500000);
    assert_string_equal(c->stages[0].force_label, "150kN");
    aft_curriculum_destroy(c);
}

static void load__gives_each_stage_its_gate(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(STAGE, NULL);
    assert_true(c->stages[0].gate.max_drift_ratio == 0.0);
    assert_true(c->stages[0].gate.forget_tolerance == 0.0);
    assert_true(c->stages[0].gate.retry_learning_rate_factor == 0.5);
    assert_int_equal(c->stages[0].gate.max_attempts, 3);
    aft_curriculum_destroy(c);
    c = load("[gate]\nmax_drift_ratio = 0.9\nforget_tolerance = -1\n" STAGE
             "[stage M5.7@100kN]\ntimesteps = 1\nmax_drift_ratio = 0\nforget_tolerance = 0.05\n",
             "gate.max_attempts=2");
    assert_true(c->stages[0].gate.max_drift_ratio == 0.9);
    assert_true(c->stages[0].gate.forget_tolerance == -1.0);
    assert_true(c->stages[1].gate.max_drift_ratio == 0.0);
    assert_true(c->stages[1].gate.forget_tolerance == 0.05);
    assert_int_equal(c->stages[1].gate.max_attempts, 2);
    aft_curriculum_destroy(c);
}

static void load__keeps_the_file_order_and_equal_names_of_stages(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(
        "[stage M8.4@150kN]\ntimesteps = 1\n"
        "[stage M4.5@50kN]\ntimesteps = 2\n"
        "[stage M4.5@50kN]\ntimesteps = 3\n",
        "stage 3.timesteps=4");
    assert_int_equal(c->n_stages, 3);
    assert_string_equal(c->stages[0].name, "M8.4@150kN");
    assert_int_equal(c->stages[1].timesteps, 2);
    assert_int_equal(c->stages[2].number, 3);
    assert_int_equal(c->stages[2].timesteps, 4);
    aft_curriculum_destroy(c);
}

static void stage__inherits_sections_wherever_they_stand(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(
        "[stage M4.5@50kN]\ntimesteps = 1\ngamma = 0.9\npga_g = 0.2\n"
        "[stage M5.7@100kN]\ntimesteps = 1\nn_envs = 32\n"
        "[ppo]\ngamma = 0.99\nn_epochs = 3\n",
        NULL);
    assert_true(c->stages[0].ppo.gamma == 0.9);
    assert_true(c->stages[1].ppo.gamma == 0.99);
    assert_int_equal(c->stages[0].ppo.n_epochs, 3);
    assert_true(c->stages[0].motion.pga_g == 0.2);
    assert_true(c->stages[1].motion.pga_g == 0.35);
    assert_int_equal(c->stages[0].environment.n_envs, 64);
    assert_int_equal(c->stages[1].environment.n_envs, 32);
    aft_curriculum_destroy(c);
}

static void preset__sets_the_plant_and_keys_change_it_in_any_order(void **state)
{
    (void)state;
    struct aft_curriculum *c =
        load("[building]\nstroke_m = 2\npreset = seed12\ndamping_ratio = 0.02\n" STAGE, NULL);
    assert_true(c->building.floor_mass_kg == 2.0e5);
    assert_true(c->building.storey_stiffness_n_m == 2.0e7);
    assert_true(c->building.device_stiffness_n_m == 50e3);
    assert_true(c->building.device_damping_n_s_m == 2000.0);
    assert_true(c->building.device_mass_kg == 4000.0);
    assert_int_equal(c->building.soft_storey, 8);
    assert_true(c->building.soft_storey_factor == 0.6);
    assert_true(c->building.stroke_m == 2.0);
    assert_true(c->building.damping_ratio == 0.02);
    aft_curriculum_destroy(c);
    c = load("[building]\npreset = seed12\nfloor_mass_kg = 1e5\n" STAGE,
             "building.preset=slender12");
    assert_true(c->building.floor_mass_kg == 1e5);
    assert_true(c->building.storey_stiffness_n_m == 6.01e7);
    aft_curriculum_destroy(c);
    c = load("[building]\npreset = seed12\nhysteresis = none\n" STAGE, NULL);
    assert_true(c->building.stroke_m == 0.0);
    aft_curriculum_destroy(c);
}

static void episodes__is_another_name_of_motions(void **state)
{
    (void)state;
    struct aft_curriculum *c = load("[evaluation]\nepisodes = 7\n" STAGE, NULL);
    assert_int_equal(c->evaluation.motions, 7);
    aft_curriculum_destroy(c);
    c = load("[evaluation]\nmotions = 7\n" STAGE, "evaluation.episodes=9");
    assert_int_equal(c->evaluation.motions, 9);
    aft_curriculum_destroy(c);
}

static void rates__follow_and_change_linearly_by_default(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(
        "[ppo]\nlearning_rate = 3e-4\nent_coef = 0.02\n"
        "[stage M4.5@50kN]\ntimesteps = 1\nlearning_rate = 1e-4\n"
        "[stage M4.5@60kN]\ntimesteps = 1\nfinal_learning_rate = 1e-5\n"
        "[stage M4.5@70kN]\ntimesteps = 1\nfinal_ent_coef = 0.01\n",
        NULL);
    assert_true(c->stages[0].ppo.final_learning_rate == 1e-4);
    assert_int_equal(c->stages[0].ppo.lr_schedule, AFT_SCHEDULE_CONSTANT);
    assert_int_equal(c->stages[1].ppo.lr_schedule, AFT_SCHEDULE_LINEAR);
    assert_int_equal(c->stages[1].ppo.ent_schedule, AFT_SCHEDULE_CONSTANT);
    assert_true(c->stages[1].ppo.final_learning_rate == 1e-5);
    assert_int_equal(c->stages[2].ppo.lr_schedule, AFT_SCHEDULE_CONSTANT);
    assert_int_equal(c->stages[2].ppo.ent_schedule, AFT_SCHEDULE_LINEAR);
    assert_true(c->stages[2].ppo.final_ent_coef == 0.01);
    aft_curriculum_destroy(c);
}

static void rates__take_the_schedule_that_is_given(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(
        "[ppo]\nlr_schedule = cosine\nfinal_learning_rate = 1e-5\nent_coef = 0.02\n"
        "final_ent_coef = 0.01\n"
        "[stage M4.5@50kN]\ntimesteps = 1\n"
        "[stage M4.5@60kN]\ntimesteps = 1\nent_schedule = linear\n"
        "[stage M4.5@70kN]\ntimesteps = 1\nlr_schedule = constant\n",
        NULL);
    assert_int_equal(c->stages[0].ppo.lr_schedule, AFT_SCHEDULE_COSINE);
    assert_int_equal(c->stages[0].ppo.ent_schedule, AFT_SCHEDULE_COSINE);
    assert_int_equal(c->stages[1].ppo.ent_schedule, AFT_SCHEDULE_LINEAR);
    assert_int_equal(c->stages[2].ppo.lr_schedule, AFT_SCHEDULE_CONSTANT);
    assert_true(c->stages[2].ppo.final_learning_rate == 5e-4);
    assert_int_equal(c->stages[2].ppo.ent_schedule, AFT_SCHEDULE_LINEAR);
    aft_curriculum_destroy(c);
}

static const char two_stages[] =
    "[ppo]\ngamma = 0.99\n"
    "[stage M4.5@50kN]\ntimesteps = 1\n"
    "[stage M5.7@100kN]\ntimesteps = 2\ngamma = 0.95\n";

static void override__of_a_section_yields_to_what_a_stage_says(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(two_stages, "ppo.gamma=0.9");
    assert_true(c->stages[0].ppo.gamma == 0.9);
    assert_true(c->stages[1].ppo.gamma == 0.95);
    aft_curriculum_destroy(c);
}

static void override__of_a_stage_is_by_number_or_by_name(void **state)
{
    (void)state;
    struct aft_curriculum *c = load(two_stages, "stage 2.gamma=0.8");
    assert_true(c->stages[1].ppo.gamma == 0.8);
    aft_curriculum_destroy(c);
    c = load(two_stages, "stage M5.7@100kN.timesteps=1e5");
    assert_int_equal(c->stages[0].timesteps, 1);
    assert_int_equal(c->stages[1].timesteps, 100000);
    aft_curriculum_destroy(c);
    c = load(two_stages, "run.name=with.dots");
    assert_string_equal(c->run.name, "with.dots");
    aft_curriculum_destroy(c);
}

static void override__that_comes_last_wins(void **state)
{
    (void)state;
    static const char *const overrides[] = {"run.seed=2", "ppo.gamma=0.9", "run.seed=3"};
    struct aft_curriculum *c = NULL;
    put_text("t.ini", "[run]\nseed = 1\n" STAGE);
    assert_int_equal(aft_curriculum_load(&c, "t.ini", overrides, 3, NULL), AFT_OK);
    assert_int_equal(c->run.seed, 3);
    assert_true(c->stages[0].ppo.gamma == 0.9);
    aft_curriculum_destroy(c);
}

static void shipped__stages_ini_loads(void **state)
{
    (void)state;
    static const char *const labels[] = {"50kN", "100kN", "150kN", "150kN"};
    static const double pga_g[] = {0.25, 0.35, 0.75, 0.90};
    struct aft_curriculum *c = NULL;
    struct aft_error error = {0};
    if (aft_curriculum_load(&c, AFT_SOURCE_DIR "/stages.ini", NULL, 0, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(c->n_stages, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(c->stages[i].force_label, labels[i]);
        assert_true(c->stages[i].motion.pga_g == pga_g[i]);
        assert_true(c->stages[i].motion.mix_fraction == 0.3);
        assert_int_equal(c->stages[i].ppo.lr_schedule, AFT_SCHEDULE_LINEAR);
    }
    aft_curriculum_destroy(c);
}

static void shipped__v9_advanced_is_the_first_projects(void **state)
{
    (void)state;
    static const struct {
        int64_t timesteps;
        int n_steps, batch_size, n_epochs;
        double lr, final_lr, ent, final_ent;
    } expected[] = {
        {300000, 2048, 256, 10, 3e-4, 3e-4, 0.025, 0.025},
        {300000, 4096, 512, 12, 3e-4, 2e-4, 0.015, 0.015},
        {400000, 8192, 512, 15, 2e-4, 1e-4, 0.008, 0.003},
        {400000, 8192, 512, 20, 1e-4, 5e-5, 0.005, 0.001},
    };
    struct aft_curriculum *c = NULL;
    struct aft_error error = {0};
    if (aft_curriculum_load(&c, AFT_SOURCE_DIR "/curriculum/examples/v9_advanced.ini", NULL, 0,
                            &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(c->n_stages, 4);
    assert_true(c->building.floor_mass_kg == 2.0e5);
    for (int i = 0; i < 4; i++) {
        const struct aft_ppo_settings *ppo = &c->stages[i].ppo;
        assert_int_equal(c->stages[i].timesteps, expected[i].timesteps);
        assert_int_equal(c->stages[i].environment.n_envs, 4);
        assert_int_equal(ppo->network.n, 3);
        assert_int_equal(ppo->network.value[2], 256);
        assert_int_equal(ppo->activation, AFT_ACTIVATION_RELU);
        assert_int_equal(ppo->n_steps, expected[i].n_steps);
        assert_int_equal(ppo->batch_size, expected[i].batch_size);
        assert_int_equal(ppo->n_epochs, expected[i].n_epochs);
        assert_true(ppo->learning_rate == expected[i].lr);
        assert_true(ppo->final_learning_rate == expected[i].final_lr);
        assert_true(ppo->ent_coef == expected[i].ent);
        assert_true(ppo->final_ent_coef == expected[i].final_ent);
        assert_int_equal(ppo->lr_schedule, AFT_SCHEDULE_COSINE);
        assert_true(ppo->gamma == 0.99 && ppo->gae_lambda == 0.95 && ppo->clip_range == 0.2);
        assert_true(ppo->clip_range_vf == 0.15 && ppo->max_grad_norm == 0.5);
    }
    aft_curriculum_destroy(c);
}

static void load__takes_well_under_a_millisecond(void **state)
{
    (void)state;
    enum { TIMES = 200 };
    struct timespec begin;
    struct timespec end;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int i = 0; i < TIMES; i++) {
        struct aft_curriculum *c = NULL;
        assert_int_equal(aft_curriculum_load(&c, AFT_SOURCE_DIR "/stages.ini", NULL, 0, NULL),
                         AFT_OK);
        aft_curriculum_destroy(c);
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    double each_s =
        ((double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec)) /
        TIMES;
    print_message("loading stages.ini takes %.0f microseconds\n", 1e6 * each_s);
#ifndef AFT_SANITIZED
    assert_true(each_s < 1e-3);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(load__fills_defaults),
        TEST(load__reads_every_type),
        TEST(load__gives_each_stage_its_gate),
        TEST(load__keeps_the_file_order_and_equal_names_of_stages),
        TEST(stage__inherits_sections_wherever_they_stand),
        TEST(preset__sets_the_plant_and_keys_change_it_in_any_order),
        TEST(episodes__is_another_name_of_motions),
        TEST(rates__follow_and_change_linearly_by_default),
        TEST(rates__take_the_schedule_that_is_given),
        TEST(override__of_a_section_yields_to_what_a_stage_says),
        TEST(override__of_a_stage_is_by_number_or_by_name),
        TEST(override__that_comes_last_wins),
        TEST(shipped__stages_ini_loads),
        TEST(shipped__v9_advanced_is_the_first_projects),
        TEST(load__takes_well_under_a_millisecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
