#include "report/heartbeat.h"

#include "events.h"
#include "report/observers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];
static struct aft_run_identity *run;
static struct aft_json *document;

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_heartbeat_XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/heartbeat.json", folder);
    run = aft_run_identity_create(2);
    (void)strcpy(run->run_id, "0123456789abcdef0123456789abcdef");
    (void)strcpy(run->stages[1].name, "M5.7@100kN");
    run->stages[0].timesteps = 300000;
    run->stages[1].timesteps = 200000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aft_json_destroy(document);
    document = NULL;
    aft_run_identity_destroy(run);
    (void)unlink(path);
    (void)rmdir(folder);
    return 0;
}

static void tell(const struct aft_observer *observer, struct aft_event event)
{
    observer->on_event(observer->self, &event);
}

static void look(void)
{
    aft_json_destroy(document);
    assert_int_equal(aft_heartbeat_read(&document, folder, NULL), AFT_OK);
}

static struct aft_observer begin(void)
{
    struct aft_observer observer;
    assert_int_equal(aft_heartbeat_create(&observer, folder, run, NULL), AFT_OK);
    tell(&observer, event_run_begins());
    return observer;
}

static void assert_state(const char *expected)
{
    look();
    assert_string_equal(aft_json_get_string(document, "state", ""), expected);
}

static void heartbeat__follows_states_and_says_how_it_ended(void **state)
{
    (void)state;
    struct aft_observer observer = begin();
    assert_state("starting");
    assert_true(aft_json_is_null(aft_json_get(document, "stage")));
    assert_true(aft_json_is_null(aft_json_get(document, "last_archive")));
    assert_int_equal(aft_json_get_integer(document, "steps_total", 0), 500000);
    tell(&observer, event_stage(AFT_EVENT_STAGE_BEGINS, 0));
    tell(&observer, event_iteration(1, 1000));
    tell(&observer, event_state("training"));
    assert_state("training");
    assert_int_equal(aft_json_get_integer(document, "stage", 0), 2);
    assert_string_equal(aft_json_get_string(document, "stage_name", ""), "M5.7@100kN");
    assert_int_equal(aft_json_get_integer(document, "step", 0), 8000);
    assert_int_equal(aft_json_get_integer(document, "stage_timesteps", 0), 200000);
    assert_int_equal(aft_json_get_integer(document, "total_steps", 0), 308000);
    assert_true(aft_json_is_null(aft_json_get(document, "exit_code")));
    tell(&observer, event_archive("interrupted", "stage2_INTERRUPTED_100kN.zip"));
    tell(&observer, event_ends(130, "stopped by SIGINT"));
    assert_state("interrupted");
    assert_int_equal(aft_json_get_integer(document, "exit_code", 0), 130);
    assert_string_equal(aft_json_get_string(document, "message", ""), "stopped by SIGINT");
    assert_string_equal(aft_json_get_string(aft_json_get(document, "last_archive"), "path", ""),
                        "stage2_INTERRUPTED_100kN.zip");
    assert_int_equal(aft_heartbeat_liveness(document, (double)time(NULL) + 1e6),
                     AFT_LIVENESS_ENDED);
    observer.destroy(observer.self);
}

/* 8000 steps in each iteration, which take 4 s, then 2 s. */
static void heartbeat__has_the_rate_of_the_last_seconds(void **state)
{
    (void)state;
    static const double times[] = {1000, 1004, 1008, 1010, 1012, 1014};
    struct aft_observer observer = begin();
    for (int i = 0; i < 3; i++) {
        tell(&observer, event_iteration(i + 1, times[i]));
    }
    tell(&observer, event_state("training"));
    look();
    assert_float_equal(aft_json_get_real(document, "steps_per_s", 0), 2000, 1e-9);
    for (int i = 3; i < 6; i++) {
        tell(&observer, event_iteration(i + 1, times[i]));
    }
    tell(&observer, event_state("publishing"));
    look();
    assert_float_equal(aft_json_get_real(document, "steps_per_s", 0), 4000, 1e-9);
    observer.destroy(observer.self);
}

static void heartbeat__runs_then_is_silent(void **state)
{
    (void)state;
    struct aft_observer observer = begin();
    double now = (double)time(NULL);
    look();
    double interval = aft_json_get_real(document, "interval_s", 0);
    assert_true(interval > 0);
    assert_int_equal(aft_heartbeat_liveness(document, now), AFT_LIVENESS_RUNNING);
    assert_int_equal(aft_heartbeat_liveness(document, now + 3 * interval + 60),
                     AFT_LIVENESS_SILENT);
    observer.destroy(observer.self);
}

static void heartbeat__of_a_killed_process_is_dead_at_once(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        (void)begin();
        (void)raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    look();
    assert_int_equal(aft_json_get_integer(aft_json_get(document, "process"), "pid", 0), child);
    assert_int_equal(aft_heartbeat_liveness(document, (double)time(NULL)), AFT_LIVENESS_DEAD);
}

/* The same pid, but a process that began at another time; then one of another machine. */
static void heartbeat__knows_a_stranger_with_the_same_pid(void **state)
{
    (void)state;
    struct aft_process process;
    aft_process_self(&process);
    assert_int_equal(aft_process_presence(&process), AFT_PROCESS_RUNS);
    process.start_ticks++;
    assert_int_equal(aft_process_presence(&process), AFT_PROCESS_GONE);
    (void)strcpy(process.boot_id, "another boot");
    assert_int_equal(aft_process_presence(&process), AFT_PROCESS_ELSEWHERE);
}

static void heartbeat__that_cannot_be_written_stops_nothing(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path, 0777), 0);
    struct aft_observer observer = begin(); /* a folder is in its place */
    tell(&observer, event_ends(0, "All stages complete"));
    observer.destroy(observer.self);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary is left */
    assert_int_equal(mkdir(folder, 0777), 0);
}

static void heartbeat__that_is_none_is_not_believed(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "[]", "{\"v\": 2}", "{\"v\": 1} more"};
    struct aft_json *read;
    assert_int_equal(aft_heartbeat_read(&read, folder, NULL), AFT_ERR_MISSING);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(texts[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(aft_heartbeat_read(&read, folder, NULL), AFT_ERR_CORRUPT);
        assert_null(read);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heartbeat__follows_states_and_says_how_it_ended),
        TEST(heartbeat__has_the_rate_of_the_last_seconds),
        TEST(heartbeat__runs_then_is_silent),
        TEST(heartbeat__of_a_killed_process_is_dead_at_once),
        TEST(heartbeat__knows_a_stranger_with_the_same_pid),
        TEST(heartbeat__that_cannot_be_written_stops_nothing),
        TEST(heartbeat__that_is_none_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
