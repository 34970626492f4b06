#include "base/file.h"
#include "command.h"
#include "fixture.h"
#include "runner/expectations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char curriculum[] =
    "[run]\nname = small\n"
    "[stage M4.5@50kN]\ntimesteps = 2048\n"
    "[stage M5.7@100kN]\ntimesteps = 2048\n";

#ifdef AFT_SANITIZED
static const double quick_s = 2;
#else
static const double quick_s = 0.2; /* 50 ms are promised; a busy machine gets more */
#endif

static char folder[PATH_MAX], run_folder[PATH_MAX + 16];

static void arguments_of(char out[2 * PATH_MAX], const char *format)
{
    (void)snprintf(out, 2 * PATH_MAX, format, run_folder);
}

static const struct outcome *run_on_folder(const char *format)
{
    char arguments[2 * PATH_MAX];
    arguments_of(arguments, format);
    return run_in(folder, arguments);
}

/* A stage archive with today's settings of that stage. */
static void write_stage(int stage, const char *name)
{
    struct aft_curriculum *read = NULL;
    struct aft_expectations expected;
    struct aft_error error;
    struct fixture fixture;
    size_t size;
    if (aft_curriculum_parse(&read, curriculum, sizeof curriculum - 1, "stages.ini", NULL, 0,
                             &error) != AFT_OK ||
        aft_expectations_make(&expected, read, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    fixture_init(&fixture, 64);
    fixture.content.counters.stage = stage;
    fixture.members[0] =
        (struct aft_archive_member){"curriculum.ini", curriculum, sizeof curriculum - 1};
    struct aft_json *manifest = aft_json_object();
    aft_json_set_string(manifest, "run_id", "test-run");
    aft_json_set_string(manifest, "run", "small");
    aft_json_set_integer(manifest, "stage", stage);
    aft_json_set_string(manifest, "fingerprint", expected.stages[stage - 1].fingerprint);
    aft_json_set(manifest, "settings", aft_json_copy(expected.stages[stage - 1].settings));
    aft_json_set_real(manifest, "score", -0.75);
    fixture.content.manifest = manifest;
    char *bytes = fixture_build(&fixture, &size);
    fixture_write(run_folder, name, bytes, size);
    free(bytes);
    aft_json_destroy(manifest);
    fixture_clear(&fixture);
    aft_expectations_clear(&expected);
    aft_curriculum_destroy(read);
}

static void damage(const char *name)
{
    char path[2 * PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", run_folder, name);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
    (void)fputc(byte ^ 1, file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    fixture_make_folder(folder);
    (void)snprintf(run_folder, sizeof run_folder, "%s/models", folder);
    assert_int_equal(mkdir(run_folder, 0777), 0);
    (void)snprintf(run_folder, sizeof run_folder, "%s/models/small", folder);
    assert_int_equal(mkdir(run_folder, 0777), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove_folder(folder);
    return 0;
}

static void inspect__prints_manifest_tensors_and_hashes(void **state)
{
    (void)state;
    write_stage(1, "stage1_50kN.zip");
    const struct outcome *outcome = run_on_folder("inspect %s/stage1_50kN.zip");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "valid stage archive"));
    assert_non_null(strstr(outcome->out, "mlp_extractor.policy_net.0.weight    64 x 5"));
    assert_non_null(strstr(outcome->out, "policy.pth"));
    assert_non_null(strstr(outcome->out, "training_state_sha256"));
    assert_true(outcome->seconds < quick_s);
}

static void inspect__answers_in_json(void **state)
{
    (void)state;
    write_stage(1, "stage1_50kN.zip");
    const struct outcome *outcome = run_on_folder("inspect --json %s/stage1_50kN.zip");
    assert_int_equal(outcome->code, 0);
    struct aft_json *document = parse_output(outcome);
    assert_true(aft_json_get_boolean(document, "valid", false));
    assert_string_equal(aft_json_get_string(document, "reason", "-"), "");
    assert_int_equal(strlen(aft_json_get_string(document, "weights_sha256", "")), 64);
    assert_int_equal(strlen(aft_json_get_string(document, "training_state_sha256", "")), 64);
    assert_string_equal(aft_json_get_string(aft_json_get(document, "manifest"), "run", ""),
                        "small");
    const struct aft_json *members = aft_json_get(document, "members");
    assert_true(aft_json_length(members) >= 6);
    for (size_t i = 0; i < aft_json_length(members); i++) {
        assert_int_equal(strlen(aft_json_get_string(aft_json_at(members, i), "sha256", "")), 64);
    }
    aft_json_destroy(document);
}

static void inspect__says_why_an_archive_is_not_valid(void **state)
{
    (void)state;
    write_stage(1, "stage1_50kN.zip");
    damage("stage1_50kN.zip");
    const struct outcome *outcome = run_on_folder("inspect %s/stage1_50kN.zip");
    assert_int_equal(outcome->code, 3);
    assert_int_equal(count_lines(outcome->err), 1);
    outcome = run_on_folder("inspect --json %s/stage1_50kN.zip");
    assert_int_equal(outcome->code, 3);
    struct aft_json *document = parse_output(outcome);
    assert_false(aft_json_get_boolean(document, "valid", true));
    assert_true(strlen(aft_json_get_string(document, "reason", "")) > 0);
    assert_true(aft_json_is_null(aft_json_get(document, "manifest")));
    aft_json_destroy(document);
}

static void verify__tells_sound_archives_from_bad_ones(void **state)
{
    (void)state;
    write_stage(1, "stage1_50kN.zip");
    write_stage(2, "stage2_100kN.zip");
    const struct outcome *outcome = run_on_folder("verify %s");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "2 sound, 0 bad"));
    damage("stage2_100kN.zip");
    outcome = run_on_folder("verify %s");
    assert_int_equal(outcome->code, 3);
    assert_non_null(strstr(outcome->out, "1 sound, 1 bad"));
    outcome = run_on_folder("verify --json %1$s/stage1_50kN.zip %1$s/stage2_100kN.zip");
    assert_int_equal(outcome->code, 3);
    struct aft_json *list = parse_output(outcome);
    assert_int_equal(aft_json_length(list), 2);
    assert_true(aft_json_get_boolean(aft_json_at(list, 0), "valid", false));
    assert_false(aft_json_get_boolean(aft_json_at(list, 1), "valid", true));
    aft_json_destroy(list);
    assert_int_equal(run_on_folder("verify %s/stage1_50kN.zip")->code, 0);
}

static void check_status(const char *format, int total, int last, int next, const char *plan)
{
    const struct outcome *outcome = run_on_folder(format);
    if (outcome->code != 0) {
        fail_msg("code %d: %s", outcome->code, outcome->err);
    }
    assert_true(outcome->seconds < quick_s);
    struct aft_json *document = parse_output(outcome);
    assert_string_equal(aft_json_get_string(document, "run", ""), "small");
    assert_int_equal(aft_json_get_integer(document, "stages_total", -1), total);
    assert_int_equal(aft_json_get_integer(document, "last_completed_stage", -1), last);
    assert_int_equal(aft_json_get_integer(document, "next_stage", -1), next);
    assert_int_equal(aft_json_get_integer(document, "next_step", -1), next < 0 ? -1 : 0);
    const char *sentence = aft_json_get_string(document, "plan", "");
    const char *report = aft_json_get_string(document, "report", "");
    if (!strstr(sentence, plan) && !strstr(report, plan)) {
        fail_msg("the plan is '%s'\n%s", sentence, report);
    }
    aft_json_destroy(document);
}

static void status__follows_a_run_from_start_to_end(void **state)
{
    (void)state;
    write_text(folder, "stages.ini", curriculum);
    check_status("status --json", 2, 0, 1, "No checkpoints found - starting fresh training");
    write_stage(1, "stage1_50kN.zip");
    check_status("status --json", 2, 1, 2, "Will resume from Stage 2/2");
    check_status("status --json %s", 2, 1, 2, "RESUMING FROM CHECKPOINT");
    write_stage(2, "stage2_100kN.zip");
    check_status("status --json", 2, 2, -1, "All stages complete");
}

static void status__takes_the_curriculum_from_the_archive_where_there_is_no_other(void **state)
{
    (void)state;
    write_stage(1, "stage1_50kN.zip");
    check_status("status --json %s", 2, 1, 2, "Will resume from Stage 2/2");
    write_text(folder, "stages.ini", "[run]\nname = other\n[stage M5@50kN]\ntimesteps = 10\n");
    check_status("status --json %s", 2, 1, 2, "Will resume from Stage 2/2");
    check_status("status --json --run-name small --set run.seed=1", 1, 1, -1, "Refused");
}

static void status__applies_set_to_the_curriculum_of_the_archive_too(void **state)
{
    (void)state;
    write_stage(1, "stage1_50kN.zip");
    check_status("status --json %s --set run.seed=77", 2, 1, -1, "Refused");
    const struct outcome *outcome = run_on_folder("status %s --set ppo.nosuch=1");
    assert_int_equal(outcome->code, 2);
    assert_int_equal(count_lines(outcome->err), 1);
    assert_non_null(strstr(outcome->err, "--set ppo.nosuch=1: unknown key"));
}

static void status__lists_archives_with_their_scores(void **state)
{
    (void)state;
    write_text(folder, "stages.ini", curriculum);
    write_stage(1, "stage1_50kN.zip");
    write_stage(2, "stage2_100kN.zip");
    damage("stage2_100kN.zip");
    const struct outcome *outcome = run_on_folder("status %s");
    assert_int_equal(outcome->code, 0);
    assert_non_null(strstr(outcome->out, "1 of 2 stages complete"));
    assert_non_null(strstr(outcome->out, "stage1_50kN.zip"));
    assert_non_null(strstr(outcome->out, "-0.750  valid"));
    assert_non_null(strstr(outcome->out, "BAD: "));
    assert_non_null(strstr(outcome->out, "Will resume from Stage 2/2"));
}

/* Its process is of another machine, if of any. */
static void status__prints_nothing_of_a_heartbeat_that_steers_the_terminal(void **state)
{
    (void)state;
    write_text(folder, "stages.ini", curriculum);
    write_text(run_folder, "heartbeat.json",
               "{\"v\": 1, \"time\": \"then\\u001b[1A\", \"state\": \"tr\\u009b2Jaining\", "
               "\"interval_s\": 1, \"exit_code\": null, \"process\": {\"pid\": 7, "
               "\"host\": \"node\\u001b]0;x\\u0007\\n\", \"boot_id\": \"other\"}}");
    const struct outcome *outcome = run_in(folder, "status");
    assert_int_equal(outcome->code, 0);
    if (strstr(outcome->out, "process 7 on node?]0;x??, tr??2Jaining; last word at then?[1A\n") ==
        NULL) {
        fail_msg("%s", outcome->out);
    }
}

static void status__counts_one_stage_as_one(void **state)
{
    (void)state;
    write_text(folder, "stages.ini", "[run]\nname = small\n[stage M4.5@50kN]\ntimesteps = 2048\n");
    const struct outcome *outcome = run_in(folder, "status");
    assert_non_null(strstr(outcome->out, "0 of 1 stage complete"));
}

static void status__reports_a_mistake_in_the_curriculum(void **state)
{
    (void)state;
    write_text(folder, "stages.ini", "[run]\nname = small\nsede = 1\n");
    const struct outcome *outcome = run_in(folder, "status");
    assert_int_equal(outcome->code, 2);
    assert_int_equal(count_lines(outcome->err), 1);
    assert_non_null(strstr(outcome->err, "stages.ini:3"));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inspect__prints_manifest_tensors_and_hashes),
        TEST(inspect__answers_in_json),
        TEST(inspect__says_why_an_archive_is_not_valid),
        TEST(verify__tells_sound_archives_from_bad_ones),
        TEST(status__follows_a_run_from_start_to_end),
        TEST(status__takes_the_curriculum_from_the_archive_where_there_is_no_other),
        TEST(status__applies_set_to_the_curriculum_of_the_archive_too),
        TEST(status__lists_archives_with_their_scores),
        TEST(status__prints_nothing_of_a_heartbeat_that_steers_the_terminal),
        TEST(status__counts_one_stage_as_one),
        TEST(status__reports_a_mistake_in_the_curriculum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
