/* The index of a run that build/aftershock trained. */
#include "tests/runner/program.h"
#include "tests/service/index_place.h"

#include <fcntl.h>
#include <math.h>
#include <sys/wait.h>

/* Runs a command in the place's folder with build/aftershock as `aftershock`; its exit code. */
static int shell(const struct place *place, const char *command)
{
    char line[3 * PATH_MAX];
    (void)snprintf(line, sizeof line,
                   "cd '%s' && PATH='%s':\"$PATH\" && { %s; } </dev/null >output 2>&1",
                   place->folder, AFT_BUILD_DIR, command);
    int status = system(line); /* NOLINT: the commands are this file's, or what it checks */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void train(const struct place *place, const char *const *arguments)
{
    char path[PATH_MAX];
    program_write_curriculum(path, place->folder, "small.ini");
    assert_int_equal(program_train(place->folder, path, arguments), 0);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct aft_json *archive_named(const struct aft_json *archives, const char *name)
{
    for (size_t i = 0; i < aft_json_length(archives); i++) {
        const struct aft_json *archive = aft_json_at(archives, i);
        if (strcmp(aft_json_get_string(archive, "name", ""), name) == 0) {
            return archive;
        }
    }
    fail_msg("no archive %s", name);
    return NULL;
}

static void expect_text(const struct aft_json *object, const char *member, const char *expected)
{
    assert_string_equal(aft_json_get_string(object, member, "(none)"), expected);
}

static void expect_integer(const struct aft_json *object, const char *member, int64_t expected)
{
    assert_true(aft_json_get_integer(object, member, INT64_MIN) == expected);
}

static void expect_digest(const struct place *place, const struct aft_json *archive)
{
    char path[PATH_MAX], digest[65] = "";
    (void)snprintf(path, sizeof path, "%s/%s", place->models,
                   aft_json_get_string(archive, "path", ""));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, -64, SEEK_END), 0);
    assert_int_equal(fread(digest, 1, 64, file), 64);
    assert_int_equal(fclose(file), 0);
    expect_text(archive, "sha256", digest);
}

static void index__knows_a_whole_run(void **state)
{
    struct place *place = *state;
    train(place, NULL);
    place_refresh(place);
    struct aft_json *run = place_run(place, "small");
    expect_text(run, "state", "complete");
    expect_text(run, "name", "small");
    expect_integer(run, "completed_stages", 2);
    expect_integer(run, "stages_total", 2);
    expect_integer(run, "total_steps", 48000);
    expect_integer(run, "seed", 7);
    expect_integer(run, "exit_code", 0);
    assert_true(aft_json_get_boolean(run, "here", false));
    assert_true(aft_json_is_null(aft_json_get(run, "problem")));

    const struct aft_json *archives = aft_json_get(run, "checkpoint_paths");
    expect_integer(run, "checkpoint_count", (int64_t)aft_json_length(archives));
    for (size_t i = 0; i < aft_json_length(archives); i++) {
        assert_true(aft_json_get_boolean(aft_json_at(archives, i), "valid", false));
        expect_digest(place, aft_json_at(archives, i));
    }
    const struct aft_json *stage2 = archive_named(archives, "stage2_100kN.zip");
    expect_text(stage2, "kind", "stage");
    expect_text(stage2, "path", "small/stage2_100kN.zip");
    expect_integer(stage2, "timestep", 24000);
    expect_integer(stage2, "total_steps", 48000);

    const struct aft_json *stages = aft_json_get(run, "stages");
    assert_int_equal(aft_json_length(stages), 2);
    expect_text(aft_json_at(stages, 1), "state", "complete");
    assert_true(aft_json_get_real(aft_json_at(stages, 1), "score", (double)NAN) ==
                aft_json_get_real(stage2, "score", 0));
    assert_int_equal(aft_json_length(aft_json_get(run, "evaluations")), 2);
    const struct aft_json *settings = aft_json_get(run, "settings");
    expect_integer(settings, "environment.n_envs", 16);
    expect_integer(settings, "stage 2.timesteps", 24000);
    assert_true(aft_json_get_real(settings, "stage 2.magnitude", 0) == 5.7);
    const struct aft_json *sessions = aft_json_get(run, "sessions");
    assert_int_equal(aft_json_length(sessions), 1);
    expect_text(aft_json_at(sessions, 0), "outcome", "complete");
    aft_json_destroy(run);
}

static void index__resume_commands_can_be_pasted(void **state)
{
    struct place *place = *state;
    train(place, WORDS("--stop-after-stage", "1"));
    place_refresh(place);
    struct aft_json *run = place_run(place, "small");
    expect_text(run, "state", "stage_reached");
    expect_text(aft_json_at(aft_json_get(run, "stages"), 1), "state", "waiting");
    const struct aft_json *stage1 =
        archive_named(aft_json_get(run, "checkpoint_paths"), "stage1_50kN.zip");
    char elsewhere[PATH_MAX];
    (void)snprintf(elsewhere, sizeof elsewhere, "cd / && { %s; }",
                   aft_json_get_string(stage1, "resume_command", "false"));
    assert_int_equal(shell(place, elsewhere), 0);
    aft_json_destroy(run);

    place_refresh(place);
    run = place_run(place, "small");
    const struct aft_json *session = aft_json_at(
        aft_json_get(run, "sessions"), aft_json_length(aft_json_get(run, "sessions")) - 1);
    const struct aft_json *from = aft_json_get(session, "resumed_from");
    assert_non_null(from);
    assert_non_null(strstr(aft_json_get_string(from, "path", ""), "stage1_50kN.zip"));
    aft_json_destroy(run);
}

/* As `--fresh` does with the old run's folder. */
static void index__resume_command_of_a_run_that_was_renamed_leaves_others_alone(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX], moved[PATH_MAX];
    train(place, WORDS("--stop-after-stage", "1"));
    (void)snprintf(path, sizeof path, "%s/small", place->models);
    (void)snprintf(moved, sizeof moved, "%s/small.old-1", place->models);
    assert_int_equal(rename(path, moved), 0);
    train(place, WORDS("--stop-after-stage", "1"));
    place_refresh(place);
    struct aft_json *run = place_run(place, "small.old-1");
    assert_int_equal(shell(place, aft_json_get_string(run, "resume_command", "false")), 0);
    aft_json_destroy(run);
    place_refresh(place);
    place_expect_state(place, "small", "stage_reached");
    place_expect_state(place, "small.old-1", "complete");
}

static void index__compares_settings_of_runs(void **state)
{
    struct place *place = *state;
    train(place, WORDS("--stop-after-stage", "1"));
    train(place, WORDS("--stop-after-stage", "1", "--run-name", "other", "--set", "ppo.gamma=0.5"));
    place_refresh(place);
    struct aft_json *run;
    assert_int_equal(aft_index_run(&run, place->view, "small", "other", NULL), AFT_OK);
    const struct aft_json *difference = aft_json_get(run, "difference");
    assert_int_equal(aft_json_length(difference), 1);
    expect_text(aft_json_at(difference, 0), "key", "ppo.gamma");
    assert_true(aft_json_get_real(aft_json_at(difference, 0), "other", 0) == 0.5);
    aft_json_destroy(run);
    assert_int_equal(aft_index_run(&run, place->view, "small", "nobody", NULL), AFT_ERR_MISSING);
    assert_null(run);
}

static void index__sees_archives_come_go_and_break(void **state)
{
    struct place *place = *state;
    train(place, NULL);
    place_refresh(place);
    char path[PATH_MAX], other[PATH_MAX];
    place_path(path, place, "small", "stage2_100kN.zip");
    place_path(other, place, "small", "stage2_100kN.zip.corrupt");
    FILE *file = fopen(path, "r+b"); /* in place: the file's size stays, and its folder's time */
    assert_non_null(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    assert_int_equal(fputc('#', file), '#');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(path, other), 0);
    place_path(path, place, "small", "best_model.zip");
    assert_int_equal(unlink(path), 0);
    place_refresh(place);
    struct aft_json *models;
    assert_int_equal(aft_index_models(&models, place->view, "small", NULL), AFT_OK);
    const struct aft_json *archives = aft_json_get(models, "checkpoints");
    expect_integer(models, "checkpoint_count", 3);
    expect_text(models, "latest_checkpoint", "small/final_small.zip");
    const struct aft_json *broken = archive_named(archives, "stage2_100kN.zip.corrupt");
    assert_false(aft_json_get_boolean(broken, "valid", true));
    assert_true(aft_json_get_boolean(broken, "set_aside", false));
    assert_true(aft_json_is_null(aft_json_get(broken, "resume_command")));
    assert_string_not_equal(aft_json_get_string(broken, "reason", ""), "");
    aft_json_destroy(models);
    struct aft_json *summary = place_summary(place, "small");
    expect_integer(summary, "completed_stages", 1);
    aft_json_destroy(summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(index__knows_a_whole_run),
        IN_A_PLACE(index__resume_commands_can_be_pasted),
        IN_A_PLACE(index__resume_command_of_a_run_that_was_renamed_leaves_others_alone),
        IN_A_PLACE(index__compares_settings_of_runs),
        IN_A_PLACE(index__sees_archives_come_go_and_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
