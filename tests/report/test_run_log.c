#include "base/file.h"
#include "events.h"
#include "report/observers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_log_XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/run.log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)rmdir(folder);
    return 0;
}

static void write_log(const struct aft_event *events, size_t n)
{
    struct aft_observer log;
    assert_int_equal(aft_run_log_create(&log, folder, NULL), AFT_OK);
    for (size_t i = 0; i < n; i++) {
        log.on_event(log.self, &events[i]);
    }
    log.destroy(log.self);
}

static void assert_log(const char *expected)
{
    char *text = NULL;
    size_t size;
    assert_int_equal(aft_file_read(&text, &size, path, 1 << 20, NULL), AFT_OK);
    assert_string_equal(text, expected);
    free(text);
}

static void run_log__writes_a_dated_line_per_event_but_iterations(void **state)
{
    (void)state;
    struct aft_event events[] = {event_message(AFT_EVENT_INCIDENT, "worker:\nsignal 11"),
                                 event_iteration(1, 1000), event_ends(0, "All stages complete")};
    write_log(events, 3);
    assert_log(
        "1970-01-01T00:16:42Z ERROR [stage 2 step 8000] worker: signal 11\n"
        "1970-01-01T00:16:43Z INFO  All stages complete\n");
}

static void run_log__appends_to_what_is_there(void **state)
{
    (void)state;
    struct aft_event event = event_ends(143, "stopped by SIGTERM");
    write_log(&event, 1);
    write_log(&event, 1);
    assert_log(
        "1970-01-01T00:16:43Z WARN  stopped by SIGTERM (exit code 143)\n"
        "1970-01-01T00:16:43Z WARN  stopped by SIGTERM (exit code 143)\n");
}

static void run_log__goes_on_when_the_disk_is_full(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/full", path), 0);
    struct aft_event events[] = {event_ends(0, "a"), event_ends(0, "b")};
    write_log(events, 2);
}

static void run_log__needs_a_folder(void **state)
{
    (void)state;
    struct aft_observer log;
    struct aft_error error;
    assert_int_equal(aft_run_log_create(&log, "/nowhere", &error), AFT_ERR_MISSING);
    assert_non_null(strstr(error.message, "run.log"));
}

static void event_stream__tells_every_observer_in_order(void **state)
{
    (void)state;
    struct aft_event_stream stream = {0};
    struct aft_observer log;
    assert_int_equal(aft_run_log_create(&log, folder, NULL), AFT_OK);
    aft_event_subscribe(&stream, log);
    assert_int_equal(aft_run_log_create(&log, folder, NULL), AFT_OK);
    aft_event_subscribe(&stream, log);
    struct aft_event event = event_ends(0, "done");
    aft_event_publish(&stream, &event);
    aft_event_tick(&stream);
    aft_event_stream_clear(&stream);
    assert_int_equal(stream.n, 0);
    assert_log("1970-01-01T00:16:43Z INFO  done\n1970-01-01T00:16:43Z INFO  done\n");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run_log__writes_a_dated_line_per_event_but_iterations),
        TEST(run_log__appends_to_what_is_there),
        TEST(run_log__goes_on_when_the_disk_is_full),
        TEST(run_log__needs_a_folder),
        TEST(event_stream__tells_every_observer_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
