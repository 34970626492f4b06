/* Which runs there are, and their state, by hand-written heartbeats. */
#include "tests/service/index_place.h"

#include <signal.h>
#include <sys/wait.h>

static struct aft_process self(void)
{
    struct aft_process process;
    aft_process_self(&process);
    return process;
}

static void index__tells_a_run_s_state_by_its_heartbeat(void **state)
{
    struct place *place = *state;
    struct aft_process here = self(), gone = self(), elsewhere = self();
    gone.start_ticks++; /* another process had this pid */
    (void)snprintf(elsewhere.boot_id, sizeof elsewhere.boot_id, "another");
    const char *on = "\"state\": \"training\", \"exit_code\": null,";
    double now = place_now();
    place_write_heartbeat(place, "running", &here, now, on);
    place_write_heartbeat(place, "silent", &here, now - 60, on);
    place_write_heartbeat(place, "far", &elsewhere, now, on);
    place_write_heartbeat(place, "far-silent", &elsewhere, now - 60, on);
    place_write_heartbeat(place, "died", &gone, now, on);
    place_write_heartbeat(place, "complete", &gone, now - 9000,
                          "\"state\": \"complete\", \"exit_code\": 0,");
    place_write_heartbeat(place, "failed", &gone, now - 9000,
                          "\"state\": \"error\", \"exit_code\": 1,");
    place_write(place, "unknown", "stage1_50kN.zip", "w", "not an archive");
    place_refresh(place);
    place_expect_state(place, "running", "running");
    place_expect_state(place, "silent", "silent");
    place_expect_state(place, "far", "running");
    place_expect_state(place, "far-silent", "silent");
    place_expect_state(place, "died", "died");
    place_expect_state(place, "complete", "complete");
    place_expect_state(place, "failed", "failed");
    place_expect_state(place, "unknown", "unknown");

    struct aft_json *far = place_summary(place, "far"), *near = place_summary(place, "running");
    assert_false(aft_json_get_boolean(far, "here", true));
    assert_true(aft_json_get_boolean(near, "here", false));
    assert_string_equal(aft_json_get_string(near, "phase", ""), "training");
    aft_json_destroy(far);
    aft_json_destroy(near);
}

static void index__takes_no_copy_of_a_run_for_the_run_itself(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX], copy[PATH_MAX];
    struct aft_process here = self();
    place_write_heartbeat(place, "run", &here, place_now(), "\"exit_code\": null,");
    place_path(path, place, "run", "heartbeat.json");
    place_path(copy, place, "copy", "heartbeat.json");
    assert_int_equal(link(path, copy), 0);
    place_refresh(place);
    place_expect_state(place, "run", "running");
    place_expect_state(place, "copy", "died");
}

static void index__knows_at_the_next_refresh_that_a_process_was_killed(void **state)
{
    struct place *place = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct aft_process process = self();
        place_write_heartbeat(place, "killed", &process, place_now(), "\"exit_code\": null,");
        (void)!write(ends[1], "x", 1);
        for (;;) {
            (void)pause();
        }
    }
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    place_refresh(place);
    place_expect_state(place, "killed", "running");
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    place_refresh(place);
    place_expect_state(place, "killed", "died");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void index__forgets_a_run_whose_folder_is_gone(void **state)
{
    struct place *place = *state;
    struct aft_process here = self();
    char path[PATH_MAX], other[PATH_MAX];
    place_write_heartbeat(place, "one", &here, place_now(), "\"exit_code\": 0,");
    place_write_heartbeat(place, "two", &here, place_now(), "\"exit_code\": 0,");
    place_refresh(place);
    assert_true(place_has_run(place, "one"));
    (void)snprintf(path, sizeof path, "%s/one", place->models);
    (void)snprintf(other, sizeof other, "%s/renamed", place->models);
    assert_int_equal(rename(path, other), 0);
    place_refresh(place);
    assert_false(place_has_run(place, "one"));
    assert_true(place_has_run(place, "two"));
    assert_true(place_has_run(place, "renamed"));
}

static void index__takes_only_folders_with_a_run_in_them(void **state)
{
    struct place *place = *state;
    struct aft_process here = self();
    char path[PATH_MAX], outside[PATH_MAX / 2];
    place_write_heartbeat(place, "run", &here, place_now(), "\"exit_code\": 0,");
    place_write_heartbeat(place, ".hidden", &here, place_now(), "\"exit_code\": 0,");
    place_write_heartbeat(place, "not\xffutf8", &here, place_now(), "\"exit_code\": 0,");
    place_write_heartbeat(place, "two\nlines", &here, place_now(), "\"exit_code\": 0,");
    place_write_heartbeat(place, "quote\"'<b>&;", &here, place_now(), "\"exit_code\": 0,");
    place_write(place, "notes", "README.md", "w", "nothing");
    (void)snprintf(path, sizeof path, "%s/file", place->models);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(outside, sizeof outside, "%s/outside", place->folder);
    (void)snprintf(path, sizeof path, "%s/link", place->models);
    assert_int_equal(mkdir(outside, 0777), 0);
    assert_int_equal(symlink(outside, path), 0);
    (void)snprintf(path, sizeof path, "%s/heartbeat.json", outside);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    place_refresh(place);

    struct aft_json *runs;
    assert_int_equal(aft_index_runs(&runs, place->view, NULL), AFT_OK);
    assert_int_equal(aft_json_length(aft_json_get(runs, "runs")), 2);
    assert_true(place_has_run(place, "run"));
    assert_true(place_has_run(place, "quote\"'<b>&;"));
    aft_json_destroy(runs);
}

static void index__lists_the_run_that_was_active_last_first(void **state)
{
    struct place *place = *state;
    struct aft_process here = self();
    double now = place_now();
    place_write_heartbeat(place, "a", &here, now - 200, "\"exit_code\": 0,");
    place_write_heartbeat(place, "b", &here, now - 100, "\"exit_code\": 0,");
    place_write_heartbeat(place, "c", &here, now - 300, "\"exit_code\": 0,");
    place_refresh(place);
    struct aft_json *runs;
    assert_int_equal(aft_index_runs(&runs, place->view, NULL), AFT_OK);
    const struct aft_json *list = aft_json_get(runs, "runs");
    const char *const order[] = {"b", "a", "c"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(aft_json_get_string(aft_json_at(list, i), "id", ""), order[i]);
    }
    aft_json_destroy(runs);
}

static bool is_verified(const struct place *place, const char *id)
{
    struct aft_json *run = place_run(place, id);
    const struct aft_json *archive = aft_json_at(aft_json_get(run, "checkpoint_paths"), 0);
    assert_non_null(archive);
    bool verified = strcmp(aft_json_get_string(archive, "reason", ""), "not verified yet") != 0;
    aft_json_destroy(run);
    return verified;
}

static void index__verifies_a_run_s_archive_though_another_has_very_many(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 400; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "stage1_step%d.zip", i);
        place_write(place, "many", name, "w", "not an archive");
    }
    place_write(place, "one", "stage1_50kN.zip", "w", "not an archive");
    place_refresh(place);
    place_refresh(place);
    assert_true(is_verified(place, "one"));
}

static void index__survives_heartbeats_of_any_shape(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "7",
        "{\"v\": 1}",
        "{\"v\": 2}",
        "{\"v\": 1, \"exit_code\": {}}",
        "{\"v\": 1, \"time\": 5, \"process\": [1], \"state\": {}, \"step\": \"x\", \"run\": 3}",
        "{\"v\": 1, \"time\": \"9999999999999\", \"step\": 1e308, \"total_steps\": -5,"
        " \"exit_code\": null, \"interval_s\": \"no\", \"process\": {\"pid\": \"x\"}}",
        "{\"v\": 1, \"run\": \"\xff\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        place_write(place, "odd", "heartbeat.json", "w", texts[i]);
        place_refresh(place);
        struct aft_json *run = place_run(place, "odd");
        assert_true(aft_json_is_null(aft_json_get(run, "step")));
        aft_json_destroy(run);
    }
    struct aft_json *summary = place_summary(place, "odd"); /* the last cannot be read */
    assert_non_null(strstr(aft_json_get_string(summary, "problem", ""), "heartbeat.json"));
    aft_json_destroy(summary);

    char path[PATH_MAX];
    place_path(path, place, "odd", "heartbeat.json");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    place_path(path, place, "odd", "events.jsonl");
    assert_int_equal(mkfifo(path, 0666), 0); /* nothing waits for it */
    place_path(path, place, "odd", "progress.csv");
    assert_int_equal(mkdir(path, 0777), 0);
    place_refresh(place);
    summary = place_summary(place, "odd");
    assert_non_null(strstr(aft_json_get_string(summary, "problem", ""), "not a regular file"));
    aft_json_destroy(summary);
}

struct heard {
    int changed, events, metrics, removed;
    char last[64];
};

static void hear_change(void *context, const char *id, const struct aft_json *summary)
{
    struct heard *heard = context;
    heard->changed++;
    assert_string_equal(aft_json_get_string(summary, "id", ""), id);
}

static void hear_event(void *context, const char *id, const struct aft_json *event)
{
    struct heard *heard = context;
    (void)id;
    heard->events++;
    (void)snprintf(heard->last, sizeof heard->last, "%s", aft_json_get_string(event, "event", ""));
}

static void hear_metrics(void *context, const char *id, int64_t total_steps)
{
    struct heard *heard = context;
    (void)id;
    heard->metrics = (int)total_steps;
}

static void hear_removal(void *context, const char *id)
{
    struct heard *heard = context;
    heard->removed++;
    assert_string_equal(id, "run");
}

static void index__tells_its_listener_what_is_new(void **state)
{
    struct place *place = *state;
    struct aft_process here = self();
    struct heard heard = {0};
    const struct aft_index_listener listener = {&heard, hear_change, hear_event, hear_metrics,
                                                hear_removal};
    place_refresh_for(place, &listener);
    place_write_heartbeat(place, "run", &here, place_now(), "\"exit_code\": null,");
    place_write(place, "run", "events.jsonl", "w", "{\"v\":1,\"event\":\"notice\"}\n");
    place_write(place, "run", "progress.csv", "w", "time/total_timesteps\n800\n1600\n");
    place_refresh_for(place, &listener);
    assert_int_equal(heard.changed, 1);
    assert_int_equal(heard.events, 1);
    assert_int_equal(heard.metrics, 1600);

    place_refresh_for(place, &listener); /* nothing new */
    assert_int_equal(heard.changed + heard.events, 2);

    place_write(place, "run", "events.jsonl", "a", "{\"v\":1,\"event\":\"incident\"}\n{\"v\":1");
    place_write(place, "run", "progress.csv", "a", "2400\n");
    place_refresh_for(place, &listener);
    assert_int_equal(heard.events, 2);
    assert_string_equal(heard.last, "incident");
    assert_int_equal(heard.metrics, 2400);

    char path[PATH_MAX], away[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/run", place->models);
    (void)snprintf(away, sizeof away, "%s/away", place->folder);
    assert_int_equal(rename(path, away), 0);
    place_refresh_for(place, &listener);
    assert_int_equal(heard.removed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(index__tells_a_run_s_state_by_its_heartbeat),
        IN_A_PLACE(index__takes_no_copy_of_a_run_for_the_run_itself),
        IN_A_PLACE(index__knows_at_the_next_refresh_that_a_process_was_killed),
        IN_A_PLACE(index__forgets_a_run_whose_folder_is_gone),
        IN_A_PLACE(index__takes_only_folders_with_a_run_in_them),
        IN_A_PLACE(index__lists_the_run_that_was_active_last_first),
        IN_A_PLACE(index__verifies_a_run_s_archive_though_another_has_very_many),
        IN_A_PLACE(index__survives_heartbeats_of_any_shape),
        IN_A_PLACE(index__tells_its_listener_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
