/*
 * `aftershock` with archives that Stable-Baselines3 saved: rule 3 of where training
 * resumes, evaluate, inspect, and what each refuses.
 */
#include "command.h"
#include "recovery/archive.h"
#include "tests/runner/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define HERE AFT_SOURCE_DIR "/tests/sb3/"
#define BUILDING HERE "fixtures/building.zip"

static char folder[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    program_make_folder(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    program_remove_folder(folder);
    return 0;
}

static int train(const char *const *arguments)
{
    return program_train(folder, HERE "building.ini", arguments);
}

static void expect(int found, int wanted, const char *said)
{
    if (found != wanted || !program_said(folder, said)) {
        program_show_output(folder);
        fail_msg("exit code %d, expected %d and '%s'", found, wanted, said);
    }
}

static void read_counters(struct aft_archive_counters *counters, const char *name)
{
    char path[PATH_MAX];
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    assert_true(snprintf(path, sizeof path, "%.3900s/models/small/%s", folder, name) < PATH_MAX);
    if (aft_archive_open(&archive, path, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    *counters = *aft_archive_counters(archive);
    assert_null(aft_json_get_string(aft_archive_manifest(archive), "parent", NULL));
    aft_archive_close(archive);
}

/* What the fixture's own text says SB3 counted. */
static int64_t fixture_figure(const char *key)
{
    char line[2048];
    size_t length = strlen(key);
    int64_t figure = -1;
    FILE *file = fopen(HERE "fixtures/building.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            figure = strtoll(line + length, NULL, 10);
        }
    }
    (void)fclose(file);
    assert_true(figure > 0);
    return figure;
}

static void rule3__sb3_archive_begins_the_first_stage_and_its_counters_go_on(void **state)
{
    (void)state;
    const char *const one[] = {"--resume", BUILDING, "--stop-after-stage", "1", NULL};
    struct aft_archive_counters counters;
    expect(train(one), 0, "Will resume from Stage 1/2");
    assert_true(program_said(folder, "RESUMING FROM CHECKPOINT"));
    assert_true(program_said(folder, "Stable-Baselines3 2.3.2 saved it"));
    read_counters(&counters, "stage1_50kN.zip");
    assert_int_equal(counters.stage, 1);
    assert_int_equal(counters.steps, 1600);
    assert_int_equal(counters.total_steps, fixture_figure("num_timesteps") + 1600);
    assert_true(counters.updates > 0);
    assert_int_equal(counters.adam_step, fixture_figure("adam_step") + counters.updates);
}

static void rule3__sb3_archive_begins_the_first_stage_that_is_not_complete(void **state)
{
    (void)state;
    const char *const first[] = {"--stop-after-stage", "1", NULL};
    const char *const with[] = {"--resume", BUILDING, NULL};
    struct aft_archive_counters counters;
    char before[AFT_SHA256_HEX_SIZE], after[AFT_SHA256_HEX_SIZE];
    expect(train(first), 0, "No checkpoints found");
    program_state_hash(before, folder, "stage1_50kN.zip");
    expect(train(with), 0, "Will resume from Stage 2/2");
    program_state_hash(after, folder, "stage1_50kN.zip");
    assert_string_equal(before, after);
    read_counters(&counters, "stage2_100kN.zip");
    assert_int_equal(counters.stage, 2);
    assert_int_equal(counters.total_steps, fixture_figure("num_timesteps") + 1600);
    expect(train(with), 0, "All stages complete");
}

static void rule3__sb3_archive_is_a_beginning_with_the_same_end(void **state)
{
    (void)state;
    const char *const one[] = {"--resume", BUILDING, "--stop-after-stage", "1", NULL};
    const char *const again[] = {"--resume",   BUILDING,    "--stop-after-stage",
                                 "1",          "--threads", "1",
                                 "--run-name", "again",     NULL};
    char hash[AFT_SHA256_HEX_SIZE], hash_again[AFT_SHA256_HEX_SIZE];
    expect(train(one), 0, "Stopped after stage 1");
    expect(train(again), 0, "Stopped after stage 1");
    program_hash_of(hash, folder, "models/small/stage1_50kN.zip");
    program_hash_of(hash_again, folder, "models/again/stage1_50kN.zip");
    assert_string_equal(hash, hash_again);
}

static void rule3__refuses_a_model_that_the_curriculum_contradicts(void **state)
{
    (void)state;
    const char *const cases[][3] = {
        {"environment.acceleration_floors=6", "fixtures/building.zip", "observes 11 values"},
        {"ppo.network=8,16", "fixtures/building.zip", "its network is 8,8 tanh"},
        {"ppo.activation=relu", "fixtures/building.zip", "8,8 relu"},
        {"ppo.normalize_observation=true", "fixtures/building.zip", "has no statistics"},
        {"stage 2.normalize_observation=true", "fixtures/building.zip", "stage 2 normalises"},
        {"run.seed=7", "fixtures/list.zip", "observes 5 values, the curriculum's sensors make 11"},
        {"run.seed=7", "fixtures/refused-a2c.zip", "no PPO model"},
        {"run.seed=7", "fixtures/refused-cnn.zip", "images?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, HERE "%s", cases[i][1]);
        const char *const arguments[] = {"--resume", path, "--set", cases[i][0], NULL};
        const char *const dry[] = {"--resume", path, "--set", cases[i][0], "--dry-run", NULL};
        expect(train(arguments), 3, cases[i][2]);
        expect(train(dry), 3, cases[i][2]);
        assert_false(program_has_file(folder, "models/small/stage1_50kN.zip"));
    }
    const char *const missing[] = {"--resume", HERE "fixtures/none.zip", NULL};
    expect(train(missing), 2, "no such file");
}

static void in_a_run_folder__sb3_archive_is_not_believed(void **state)
{
    (void)state;
    char path[PATH_MAX], command[3 * PATH_MAX];
    (void)snprintf(path, sizeof path, "%.3900s/models", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    (void)snprintf(path, sizeof path, "%.3900s/models/small", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    (void)snprintf(command, sizeof command, "cp " BUILDING " %.3900s/models/small/stage1_50kN.zip",
                   folder);
    assert_int_equal(system(command), 0); /* fixed text and a temporary path of our making */
    expect(train(NULL), 3, "stage1_50kN.zip");
    assert_true(program_has_file(folder, "models/small/stage1_50kN.zip"));
}

static void inspect__shows_the_model(void **state)
{
    (void)state;
    const struct outcome *text = run("inspect " BUILDING);
    assert_int_equal(text->code, 0);
    assert_non_null(strstr(text->out, "valid Stable-Baselines3 archive"));
    assert_non_null(strstr(text->out, "mlp_extractor.policy_net.0.weight"));
    const struct outcome *outcome = run("inspect --json " BUILDING);
    assert_int_equal(outcome->code, 0);
    struct aft_json *document = parse_output(outcome);
    const struct aft_json *model = aft_json_get(document, "stable_baselines3");
    assert_true(aft_json_get_boolean(document, "valid", false));
    assert_true(aft_json_is_null(aft_json_get(document, "manifest")));
    assert_string_equal(aft_json_get_string(model, "version", ""), "2.3.2");
    assert_string_equal(aft_json_get_string(model, "activation", ""), "tanh");
    assert_int_equal(aft_json_get_integer(model, "observations", 0), 11);
    assert_int_equal(aft_json_get_integer(model, "num_timesteps", 0),
                     fixture_figure("num_timesteps"));
    aft_json_destroy(document);
    outcome = run("inspect " HERE "fixtures/refused-sac.zip");
    assert_int_equal(outcome->code, 3);
    assert_non_null(strstr(outcome->err, "sac"));
    assert_int_equal(run("verify " BUILDING)->code, 3); /* without a digest nothing is verified */
}

static void evaluate__judges_a_model_in_the_curriculum_it_is_given(void **state)
{
    (void)state;
    const struct outcome *outcome = run("evaluate " BUILDING " --curriculum " HERE
                                        "building.ini "
                                        "--motions-per-stage 2 --controllers policy --json");
    assert_int_equal(outcome->code, 0);
    struct aft_json *document = parse_output(outcome);
    const struct aft_json *motions = aft_json_get(document, "motions");
    assert_int_equal(aft_json_length(motions), 4); /* two of each of both stages */
    const struct aft_json *controllers = aft_json_get(aft_json_at(motions, 0), "controllers");
    const struct aft_json *policy = aft_json_get(controllers, "policy");
    assert_true(aft_json_get_real(policy, "peak_drift_ratio", 0) > 0);
    assert_true(aft_json_get_real(policy, "peak_force_n", 0) > 0);
    aft_json_destroy(document);
}

static void evaluate__says_what_it_lacks(void **state)
{
    (void)state;
    const struct outcome *outcome = run_in(folder, "evaluate " BUILDING);
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "--curriculum"));
    outcome = run_in(folder, "evaluate " BUILDING " --curriculum none.ini");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "none.ini"));
    outcome = run("evaluate " HERE "fixtures/relu.zip --curriculum " HERE "building.ini");
    assert_int_equal(outcome->code, 3);
    assert_non_null(strstr(outcome->err, "observes 5 values, these sensors make 11"));
    outcome = run("evaluate " HERE "fixtures/refused-dict.zip --curriculum " HERE "building.ini");
    assert_int_equal(outcome->code, 3);
}

static void export__writes_a_model_for_a_stage_of_the_curriculum_it_is_given(void **state)
{
    (void)state;
    const struct outcome *outcome =
        run("export " BUILDING " --curriculum " HERE "building.ini --format csource -o -");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "#define POLICY_FORCE_LIMIT_N 1.00000000e+05F"));
    outcome = run("export " BUILDING " --curriculum " HERE
                  "building.ini --stage 1 --format csource -o -");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "#define POLICY_FORCE_LIMIT_N 5.00000000e+04F"));
    outcome = run("export " BUILDING " --curriculum " HERE "building.ini --stage 3 -o none.c");
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "2 stages"));
    outcome =
        run("export " HERE "fixtures/refused-a2c.zip --curriculum " HERE "building.ini -o none.c");
    assert_int_equal(outcome->code, 3);
}

static void archives_of_ours__keep_to_their_curriculum(void **state)
{
    (void)state;
    char arguments[2 * PATH_MAX];
    const char *const one[] = {"--stop-after-stage", "1", NULL};
    expect(train(one), 0, "stage 1");
    (void)snprintf(
        arguments, sizeof arguments,
        "evaluate %.3900s/models/small/stage1_50kN.zip --curriculum " HERE "building.ini", folder);
    const struct outcome *outcome = run(arguments);
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "carries its own"));
    (void)snprintf(arguments, sizeof arguments,
                   "export %.3900s/models/small/stage1_50kN.zip --format csource -o - "
                   "--curriculum " HERE "building.ini",
                   folder);
    outcome = run(arguments);
    assert_int_equal(outcome->code, 2);
    assert_non_null(strstr(outcome->err, "carries its own"));
}

static void evaluate__sets_a_model_against_an_archive_of_ours(void **state)
{
    (void)state;
    char arguments[2 * PATH_MAX];
    const char *const one[] = {"--stop-after-stage", "1", NULL};
    expect(train(one), 0, "stage 1");
    (void)snprintf(arguments, sizeof arguments,
                   "evaluate " BUILDING " --curriculum " HERE
                   "building.ini --stage 1 --against "
                   "%.3900s/models/small/stage1_50kN.zip --motions-per-stage 2 --json "
                   "--controllers policy,baseline",
                   folder);
    const struct outcome *outcome = run(arguments);
    assert_int_equal(outcome->code, 0);
    struct aft_json *document = parse_output(outcome);
    const struct aft_json *motion = aft_json_at(aft_json_get(document, "motions"), 0);
    const struct aft_json *controllers = aft_json_get(motion, "controllers");
    assert_true(aft_json_is_object(aft_json_get(controllers, "policy")));
    assert_true(aft_json_is_object(aft_json_get(controllers, "baseline")));
    aft_json_destroy(document);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(rule3__sb3_archive_begins_the_first_stage_and_its_counters_go_on),
        IN_FOLDER(rule3__sb3_archive_begins_the_first_stage_that_is_not_complete),
        IN_FOLDER(rule3__sb3_archive_is_a_beginning_with_the_same_end),
        IN_FOLDER(rule3__refuses_a_model_that_the_curriculum_contradicts),
        IN_FOLDER(in_a_run_folder__sb3_archive_is_not_believed),
        IN_FOLDER(inspect__shows_the_model),
        IN_FOLDER(evaluate__judges_a_model_in_the_curriculum_it_is_given),
        IN_FOLDER(evaluate__says_what_it_lacks),
        cmocka_unit_test(export__writes_a_model_for_a_stage_of_the_curriculum_it_is_given),
        IN_FOLDER(archives_of_ours__keep_to_their_curriculum),
        IN_FOLDER(evaluate__sets_a_model_against_an_archive_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
