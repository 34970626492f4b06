#include "base/file.h"
#include "base/json.h"
#include "events.h"
#include "report/observers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST_LINES = 4000 };

static char folder[64], path[96];
static struct aft_run_identity *run;
static struct aft_json *lines[MOST_LINES];
static int n_lines;

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_events_XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/events.jsonl", folder);
    run = aft_run_identity_create(2);
    (void)strcpy(run->run_id, "0123456789abcdef0123456789abcdef");
    (void)strcpy(run->name, "default");
    (void)strcpy(run->stages[1].name, "M5.7@100kN");
    (void)memset(run->stages[1].fingerprint, 'f', 64);
    run->stages[0].timesteps = 100;
    run->stages[1].timesteps = 200;
    run->about = aft_json_object();
    aft_json_set_string(run->about, "device", "cpu");
    return 0;
}

static void forget_lines(void)
{
    for (int i = 0; i < n_lines; i++) {
        aft_json_destroy(lines[i]);
    }
    n_lines = 0;
}

static int tear_down(void **state)
{
    (void)state;
    forget_lines();
    aft_run_identity_destroy(run);
    (void)unlink(path);
    (void)rmdir(folder);
    return 0;
}

static void write_events(const struct aft_event *events, size_t n)
{
    struct aft_observer observer;
    assert_int_equal(aft_events_jsonl_create(&observer, folder, run, NULL), AFT_OK);
    for (size_t i = 0; i < n; i++) {
        observer.on_event(observer.self, &events[i]);
    }
    observer.destroy(observer.self);
}

/* Every line must be an object, with a seq above the one before it, and end in a newline. */
static void read_lines(void)
{
    char *text = NULL;
    size_t size;
    int64_t seq = 0;
    forget_lines();
    assert_int_equal(aft_file_read(&text, &size, path, 1 << 24, NULL), AFT_OK);
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t length;
        assert_non_null(newline);
        length = (size_t)(newline - (text + at));
        assert_true(n_lines < MOST_LINES);
        assert_int_equal(aft_json_parse(&lines[n_lines], text + at, length, "line", NULL), AFT_OK);
        assert_true(aft_json_get_integer(lines[n_lines], "seq", 0) > seq);
        seq = aft_json_get_integer(lines[n_lines], "seq", 0);
        n_lines++;
        at += length + 1;
    }
    free(text);
}

static void append(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void assert_member(int line, const char *key, const char *expected)
{
    assert_string_equal(aft_json_get_string(lines[line], key, "(missing)"), expected);
}

static void events_jsonl__has_a_line_per_event_but_iterations_and_states(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(),
                                 event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_stage(AFT_EVENT_STAGE_BEGINS, 100), /* goes on: no line */
                                 event_iteration(1, 1000.5),
                                 event_state("publishing"),
                                 event_archive("stage", "stage2_100kN.zip"),
                                 event_ends(130, "stopped by SIGINT")};
    write_events(events, sizeof events / sizeof *events);
    read_lines();
    assert_int_equal(n_lines, 4);
    assert_member(0, "event", "run_started");
    assert_member(0, "run_id", run->run_id);
    assert_member(0, "device", "cpu");
    assert_int_equal(aft_json_get_integer(lines[0], "v", 0), 1);
    assert_int_equal(aft_json_get_integer(lines[0], "steps_total", 0), 300);
    assert_int_equal(aft_json_length(aft_json_get(lines[0], "stages")), 2);
    assert_true(aft_json_is_null(aft_json_get(lines[0], "resumed_from")));
    assert_int_equal(aft_json_get_integer(aft_json_get(lines[0], "process"), "pid", 0), getpid());
    assert_member(1, "event", "stage_started");
    assert_member(1, "fingerprint", run->stages[1].fingerprint);
    assert_member(1, "time", "1970-01-01T00:16:40.000Z");
    assert_int_equal(aft_json_get_integer(lines[1], "stage", 0), 2);
    assert_int_equal(aft_json_get_integer(lines[1], "total_steps", 0), 300000);
    assert_member(2, "event", "archive_saved");
    assert_member(2, "path", "stage2_100kN.zip");
    assert_member(2, "training_state_sha256",
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(aft_json_get_integer(lines[2], "bytes", 0), 45000);
    assert_member(3, "event", "run_ended");
    assert_member(3, "outcome", "interrupted");
    assert_int_equal(aft_json_get_integer(lines[3], "exit_code", 0), 130);
}

static void events_jsonl__says_what_a_run_goes_on_from(void **state)
{
    (void)state;
    struct aft_event begins = event_run_begins();
    run->resumed_from = aft_json_object();
    aft_json_set_string(run->resumed_from, "path", "stage1_50kN.zip");
    write_events(&begins, 1);
    read_lines();
    assert_member(0, "event", "run_resumed");
    assert_string_equal(aft_json_get_string(aft_json_get(lines[0], "resumed_from"), "path", ""),
                        "stage1_50kN.zip");
}

static void events_jsonl__has_null_for_what_is_not_known(void **state)
{
    (void)state;
    struct aft_event archive = event_archive("error", "stage2_ERROR_100kN.zip");
    archive.u.archive.score = (double)NAN;
    write_events(&archive, 1);
    read_lines();
    assert_true(aft_json_is_null(aft_json_get(lines[0], "score")));
}

/* A message that was cut within a letter, and control characters. */
static void events_jsonl__is_json_whatever_the_text(void **state)
{
    (void)state;
    struct aft_event events[] = {event_message(AFT_EVENT_INCIDENT, "half a letter: \xe2\x82"),
                                 event_message(AFT_EVENT_NOTICE, "\"\n\t\\\x01")};
    write_events(events, 2);
    read_lines();
    assert_int_equal(n_lines, 2);
    assert_member(1, "message", "\"\n\t\\\x01");
}

static void events_jsonl__goes_on_counting_in_the_next_process(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_ends(0, "All stages complete")};
    for (int life = 0; life < 3; life++) {
        write_events(events, 2);
    }
    read_lines();
    assert_int_equal(n_lines, 6);
    assert_int_equal(aft_json_get_integer(lines[5], "seq", 0), 6);
}

/* Whatever is left of the last line: every length of it. */
static void events_jsonl__mends_a_torn_last_line(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_message(AFT_EVENT_NOTICE, "one")};
    struct stat status;
    write_events(events, 1);
    assert_int_equal(stat(path, &status), 0);
    off_t first = status.st_size;
    write_events(&events[1], 1);
    assert_int_equal(stat(path, &status), 0);
    off_t second = status.st_size;
    for (off_t size = first; size <= second; size++) {
        assert_int_equal(truncate(path, size), 0);
        write_events(&events[1], 1);
        read_lines();
        assert_int_equal(n_lines, size == second ? 3 : 2);
        assert_int_equal(truncate(path, second), 0);
    }
}

static void events_jsonl__mends_zeros_and_lines_that_are_no_event(void **state)
{
    (void)state;
    struct aft_event event = event_message(AFT_EVENT_NOTICE, "one");
    static const char zeros[5000];
    write_events(&event, 1);
    append("{\"v\":1,\"se\0\0\0\n", 14);
    append(zeros, sizeof zeros);
    write_events(&event, 1);
    read_lines();
    assert_int_equal(n_lines, 2);
    assert_int_equal(aft_json_get_integer(lines[1], "seq", 0), 2);
}

static void events_jsonl__mends_a_first_line_that_is_torn(void **state)
{
    (void)state;
    struct aft_event event = event_message(AFT_EVENT_NOTICE, "one");
    append("{\"v\":1,\"seq\":1", 14);
    write_events(&event, 1);
    read_lines();
    assert_int_equal(n_lines, 1);
}

/* More than is looked at in one piece, without and with a torn end of that length. */
static void events_jsonl__finds_the_last_line_of_a_long_file(void **state)
{
    (void)state;
    static struct aft_event events[1500];
    static char torn[200000];
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        events[i] = event_message(AFT_EVENT_NOTICE, "a line of some length, as they are");
    }
    write_events(events, 1500);
    (void)memset(torn, 'x', sizeof torn);
    append(torn, sizeof torn);
    write_events(events, 1);
    read_lines();
    assert_int_equal(n_lines, 1501);
    assert_int_equal(aft_json_get_integer(lines[1500], "seq", 0), 1501);
}

static void events_jsonl__leaves_a_file_alone_that_is_not_its_own(void **state)
{
    (void)state;
    struct aft_observer observer;
    struct aft_error error;
    append("my notes\nof a run", 17);
    assert_int_equal(aft_events_jsonl_create(&observer, folder, run, &error), AFT_ERR_REFUSED);
    assert_non_null(strstr(error.message, "events.jsonl"));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 17);
}

static void events_jsonl__goes_on_when_the_disk_is_full(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/full", path), 0);
    struct aft_event events[] = {event_run_begins(), event_ends(0, "a")};
    write_events(events, 2);
}

static void events_jsonl__needs_a_folder(void **state)
{
    (void)state;
    struct aft_observer observer;
    struct aft_error error;
    assert_int_equal(aft_events_jsonl_create(&observer, "/nowhere", run, &error), AFT_ERR_MISSING);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_jsonl__has_a_line_per_event_but_iterations_and_states),
        TEST(events_jsonl__says_what_a_run_goes_on_from),
        TEST(events_jsonl__has_null_for_what_is_not_known),
        TEST(events_jsonl__is_json_whatever_the_text),
        TEST(events_jsonl__goes_on_counting_in_the_next_process),
        TEST(events_jsonl__mends_a_torn_last_line),
        TEST(events_jsonl__mends_zeros_and_lines_that_are_no_event),
        TEST(events_jsonl__mends_a_first_line_that_is_torn),
        TEST(events_jsonl__finds_the_last_line_of_a_long_file),
        TEST(events_jsonl__leaves_a_file_alone_that_is_not_its_own),
        TEST(events_jsonl__goes_on_when_the_disk_is_full),
        TEST(events_jsonl__needs_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
