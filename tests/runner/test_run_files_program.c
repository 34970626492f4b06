/* What `aftershock train` leaves in events.jsonl and heartbeat.json, through stops, kills,
 * retries and disks that do not take them. */
#include "report/heartbeat.h"
#include "tests/runner/run_files.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *path_of(const struct place *place, const char *name)
{
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.4000s/models/small/%s", place->folder, name);
    return path;
}

static void expect_ended(const struct place *place, const char *state, int exit_code)
{
    struct aft_json *heartbeat = heartbeat_read(place);
    assert_string_equal(aft_json_get_string(heartbeat, "state", ""), state);
    assert_int_equal(aft_json_get_integer(heartbeat, "exit_code", -1), exit_code);
    assert_int_equal(aft_heartbeat_liveness(heartbeat, (double)time(NULL)), AFT_LIVENESS_ENDED);
    aft_json_destroy(heartbeat);
}

/* The digest and the state's hash that the story tells are the archive's. */
static void expect_told_of(const struct story *story, const struct place *place, const char *name)
{
    const struct aft_json *saved = story_expect(story, "archive_saved", "path", name);
    char hash[AFT_SHA256_HEX_SIZE], digest[AFT_SHA256_HEX_SIZE] = "";
    struct stat status;
    program_state_hash(hash, place->folder, name);
    assert_string_equal(aft_json_get_string(saved, "training_state_sha256", ""), hash);
    FILE *file = fopen(path_of(place, name), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 1 - AFT_SHA256_HEX_SIZE, SEEK_END), 0);
    assert_int_equal(fread(digest, 1, AFT_SHA256_HEX_SIZE - 1, file), AFT_SHA256_HEX_SIZE - 1);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(aft_json_get_string(saved, "digest", ""), digest);
    assert_int_equal(stat(path_of(place, name), &status), 0);
    assert_int_equal(aft_json_get_integer(saved, "bytes", 0), status.st_size);
}

static void events__tell_a_whole_run(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    expect_exit(place, 0, NULL);
    story_read(&story, place, NULL);
    assert_int_equal(story_find(&story, "run_started", 0), 0);
    assert_int_equal(story_count(&story, "worker_started"), 1);
    assert_int_equal(story_count(&story, "stage_started"), 2);
    assert_int_equal(story_count(&story, "stage_completed"), 2);
    assert_int_equal(story_count(&story, "evaluation"), 4);
    assert_int_equal(story_find(&story, "run_ended", 0), story.n - 1);
    story_expect(&story, "run_ended", "outcome", "complete");
    expect_told_of(&story, place, "stage1_50kN.zip");
    expect_told_of(&story, place, "stage2_100kN.zip");
    expect_told_of(&story, place, "final_small.zip");
    const struct aft_json *began = story.lines[0];
    assert_string_equal(aft_json_string_value(aft_json_at(aft_json_get(began, "command"), 1), ""),
                        "train");
    assert_int_equal(aft_json_get_integer(began, "steps_total", 0), 48000);
    story_clear(&story);
    expect_ended(place, "complete", 0);
}

/* Starts, waits for a step of stage 2 and stops with the signal; gives the process's pid. */
static pid_t live(const struct place *place, const char *const *arguments, int number, int expected)
{
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, arguments);
    pid_t pid = program.pid;
    assert_true(program_await_step(&program, 2, 4000));
    assert_int_equal(kill(-program.pid, number), 0);
    assert_int_equal(program_wait(&program), expected);
    return pid;
}

static void tear_last_line(const struct place *place)
{
    struct stat status;
    const char *path = path_of(place, "events.jsonl");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size - 20), 0);
}

static void events__go_on_through_a_kill_a_torn_line_and_a_stop(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    pid_t killed = live(place, NULL, SIGKILL, 1000 + SIGKILL);
    struct aft_json *heartbeat = heartbeat_read(place);
    assert_int_equal(aft_json_get_integer(aft_json_get(heartbeat, "process"), "pid", 0), killed);
    assert_int_equal(aft_heartbeat_liveness(heartbeat, (double)time(NULL)), AFT_LIVENESS_DEAD);
    assert_true(aft_json_is_null(aft_json_get(heartbeat, "exit_code")));
    aft_json_destroy(heartbeat);
    tear_last_line(place);
    (void)live(place, NULL, SIGINT, 130);
    expect_ended(place, "interrupted", 130);
    expect_finish(place);
    expect_ended(place, "complete", 0);
    story_read(&story, place, NULL);
    assert_int_equal(story_count(&story, "run_started"), 1);
    assert_int_equal(story_count(&story, "run_resumed"), 2);
    assert_int_equal(story_count(&story, "run_ended"), 2); /* the killed process had no last word */
    story_expect(&story, "stop_requested", "signal", "SIGINT");
    story_expect(&story, "archive_saved", "kind", "interrupted");
    story_expect(&story, "run_ended", "outcome", "interrupted");
    const struct aft_json *resumed = story.lines[story_find(&story, "run_resumed", 0)];
    const struct aft_json *from = aft_json_get(resumed, "resumed_from");
    char hash[AFT_SHA256_HEX_SIZE];
    program_state_hash(hash, place->folder, "stage1_50kN.zip");
    assert_string_equal(aft_json_get_string(from, "path", ""), "stage1_50kN.zip");
    assert_string_equal(aft_json_get_string(from, "training_state_sha256", ""), hash);
    for (int i = 1; i < story.n; i++) {
        assert_string_equal(aft_json_get_string(story.lines[i], "run_id", ""),
                            aft_json_get_string(story.lines[0], "run_id", "-"));
    }
    story_clear(&story);
}

static void events__tell_of_a_lost_worker(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 4000));
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_int_equal(program_wait(&program), 0);
    story_read(&story, place, NULL);
    int lost = story_find(&story, "worker_lost", 0);
    assert_true(lost > 0);
    const struct aft_json *line = story.lines[lost];
    assert_true(aft_json_get_boolean(line, "retried", false));
    assert_non_null(strstr(aft_json_get_string(line, "reason", ""), "signal 9"));
    assert_int_equal(aft_json_get_integer(line, "stage", 0), 2);
    assert_true(aft_json_get_integer(line, "step", 0) >= 4000);
    assert_true(story_find(&story, "worker_started", lost) > lost);
    story_expect(&story, "archive_saved", "kind", "error");
    story_clear(&story);
}

static void events__tell_of_a_failure_in_the_end(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    const char *const arguments[] = {"--set", "stage 2.max_drift_ratio=0.001", "--set",
                                     "gate.max_attempts=2", NULL};
    expect_exit(place, 1, arguments);
    story_read(&story, place, NULL);
    assert_int_equal(story_count(&story, "gate_blocked"), 2);
    int first = story_find(&story, "gate_blocked", 0);
    int second = story_find(&story, "gate_blocked", first + 1);
    assert_true(aft_json_get_boolean(story.lines[first], "rolled_back", false));
    assert_false(aft_json_get_boolean(story.lines[second], "rolled_back", true));
    int again = story_find(&story, "stage_started", first);
    assert_int_equal(aft_json_get_integer(story.lines[again], "attempt", 0), 2);
    int lost = story_find(&story, "worker_lost", second);
    assert_true(lost > second);
    assert_false(aft_json_get_boolean(story.lines[lost], "retried", true));
    story_expect(&story, "run_ended", "outcome", "error");
    story_clear(&story);
    expect_ended(place, "error", 1);
}

static void events__tell_of_a_checkpoint_that_was_asked_for(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    const char *const latest[] = {"--resume", "latest", NULL};
    (void)live(place, NULL, SIGUSR2, 75);
    expect_ended(place, "checkpointed", 75);
    expect_exit(place, 0, latest);
    story_read(&story, place, NULL);
    story_expect(&story, "stop_requested", "signal", "SIGUSR2");
    story_expect(&story, "archive_saved", "kind", "checkpoint");
    const struct aft_json *resumed = story.lines[story_find(&story, "run_resumed", 0)];
    assert_string_equal(aft_json_get_string(aft_json_get(resumed, "resumed_from"), "kind", ""),
                        "checkpoint");
    story_clear(&story);
}

static void events__tell_of_an_archive_that_was_set_aside(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    expect_exit(place, 0, NULL);
    assert_int_equal(truncate(path_of(place, "stage2_100kN.zip"), 1000), 0);
    expect_exit(place, 0, NULL);
    story_read(&story, place, NULL);
    const struct aft_json *moved =
        story_expect(&story, "archive_set_aside", "path", "stage2_100kN.zip");
    assert_string_equal(aft_json_get_string(moved, "moved_to", ""), "stage2_100kN.zip.corrupt");
    assert_string_equal(aft_json_get_string(moved, "reason", ""), "corrupt");
    story_clear(&story);
}

/* A kill may come between the last stage's archive and the final one. */
static void events__tell_of_a_final_archive_that_was_missing(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    expect_exit(place, 0, NULL);
    delete_archive(place, "final_small.zip");
    expect_exit(place, 0, NULL);
    story_read(&story, place, NULL);
    assert_int_equal(story_count(&story, "run_ended"), 2);
    int resumed = story_find(&story, "run_resumed", 0);
    int saved = story_find(&story, "archive_saved", resumed);
    assert_string_equal(aft_json_get_string(story.lines[saved], "path", ""), "final_small.zip");
    story_clear(&story);
    expect_ended(place, "complete", 0);
}

static void expect_no_file(const struct place *place, const char *name)
{
    assert_int_equal(access(path_of(place, name), F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

static void run_files__are_begun_by_training_only(void **state)
{
    const struct place *place = *state;
    struct story story = {0};
    const char *const dry[] = {"--dry-run", NULL};
    const char *const fresh[] = {"--fresh", NULL};
    expect_exit(place, 0, dry);
    assert_false(program_has_file(place->folder, "models/small"));
    (void)live(place, NULL, SIGINT, 130);
    delete_archive(place, "events.jsonl");
    delete_archive(place, "heartbeat.json");
    expect_exit(place, 0, dry);
    expect_no_file(place, "events.jsonl");
    expect_no_file(place, "heartbeat.json");
    expect_finish(place); /* a folder of an earlier version begins them */
    story_read(&story, place, NULL);
    assert_int_equal(story_find(&story, "run_resumed", 0), 0);
    assert_int_equal(aft_json_get_integer(story.lines[0], "seq", 0), 1);
    expect_exit(place, 0, fresh);
    story_read(&story, place, "models/small.old-1");
    assert_int_equal(story_find(&story, "run_resumed", 0), 0);
    assert_true(program_has_file(place->folder, "models/small.old-1/heartbeat.json"));
    story_read(&story, place, NULL);
    assert_int_equal(story_find(&story, "run_started", 0), 0);
    assert_int_equal(aft_json_get_integer(story.lines[0], "seq", 0), 1);
    story_clear(&story);
}

static void make_run_folder(const struct place *place)
{
    char models[PATH_MAX];
    (void)snprintf(models, sizeof models, "%.4000s/models", place->folder);
    assert_int_equal(mkdir(models, 0777), 0);
    assert_int_equal(mkdir(path_of(place, ""), 0777), 0);
}

static void run_files__that_cannot_be_opened_stop_nothing(void **state)
{
    const struct place *place = *state;
    make_run_folder(place);
    assert_int_equal(mkdir(path_of(place, "events.jsonl"), 0777), 0);
    assert_int_equal(mkdir(path_of(place, "heartbeat.json"), 0777), 0);
    expect_finish(place);
    expect_said(place, "events.jsonl");
    expect_said(place, "training goes on without");
}

static void run_files__on_a_full_disk_stop_nothing(void **state)
{
    const struct place *place = *state;
    make_run_folder(place);
    assert_int_equal(symlink("/dev/full", path_of(place, "events.jsonl")), 0);
    expect_finish(place);
    expect_said(place, "events.jsonl': No space left on device; training goes on");
    expect_ended(place, "complete", 0);
}

static void run_status(struct aft_json **document, const struct place *place)
{
    static char text[1 << 18];
    char command[2 * PATH_MAX];
    (void)snprintf(command, sizeof command, "%s/aftershock status --json '%s'", AFT_BUILD_DIR,
                   path_of(place, ""));
    FILE *stream = popen(command, "r");
    assert_non_null(stream);
    size_t size = fread(text, 1, sizeof text, stream);
    assert_int_equal(pclose(stream), 0);
    assert_int_equal(aft_json_parse(document, text, size, "status", NULL), AFT_OK);
}

static void status__says_that_a_run_is_being_trained(void **state)
{
    const struct place *place = *state;
    struct program program;
    struct aft_json *document = NULL;
    const char *const endless[] = {"--set", "stage 2.timesteps=20000000", NULL};
    program_start_train(&program, place->folder, place->curriculum, endless);
    assert_true(program_await_step(&program, 2, 4000));
    run_status(&document, place);
    const struct aft_json *heartbeat = aft_json_get(document, "heartbeat");
    assert_string_equal(aft_json_get_string(document, "liveness", ""), "running");
    assert_int_equal(aft_json_get_integer(aft_json_get(heartbeat, "process"), "pid", 0),
                     program.pid);
    aft_json_destroy(document);
    assert_int_equal(kill(-program.pid, SIGKILL), 0);
    assert_int_equal(program_wait(&program), 1000 + SIGKILL);
    run_status(&document, place);
    assert_string_equal(aft_json_get_string(document, "liveness", ""), "dead");
    aft_json_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(events__tell_a_whole_run),
        IN_A_PLACE(events__go_on_through_a_kill_a_torn_line_and_a_stop),
        IN_A_PLACE(events__tell_of_a_lost_worker),
        IN_A_PLACE(events__tell_of_a_failure_in_the_end),
        IN_A_PLACE(events__tell_of_a_checkpoint_that_was_asked_for),
        IN_A_PLACE(events__tell_of_an_archive_that_was_set_aside),
        IN_A_PLACE(events__tell_of_a_final_archive_that_was_missing),
        IN_A_PLACE(run_files__are_begun_by_training_only),
        IN_A_PLACE(run_files__that_cannot_be_opened_stop_nothing),
        IN_A_PLACE(run_files__on_a_full_disk_stop_nothing),
        IN_A_PLACE(status__says_that_a_run_is_being_trained),
    };
    return cmocka_run_group_tests(tests, train_undisturbed, NULL);
}
