/* What is in the records is looked at by tests/runner/check_metrics.py; here, which there are. */
#include "base/file.h"
#include "events.h"
#include "report/event_file.h"
#include "report/observers.h"

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static glob_t found;

static void look(void)
{
    char pattern[128];
    (void)snprintf(pattern, sizeof pattern, "%s/events.out.tfevents.*", folder);
    globfree(&found);
    int code = glob(pattern, 0, NULL, &found);
    assert_true(code == 0 || code == GLOB_NOMATCH);
}

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_events_XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    look();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        (void)remove(found.gl_pathv[i]);
    }
    globfree(&found);
    (void)memset(&found, 0, sizeof found);
    (void)rmdir(folder);
    return 0;
}

static struct aft_observer open_board(int64_t keep)
{
    struct aft_observer board;
    struct aft_error error;
    if (aft_tensorboard_create(&board, folder, keep, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return board;
}

static void publish(struct aft_observer *board, int64_t iteration)
{
    struct aft_event event = event_iteration(iteration, 1000);
    board->on_event(board->self, &event);
}

static void write_iterations(int64_t keep, int64_t first, int64_t last)
{
    struct aft_observer board = open_board(keep);
    for (int64_t i = first; i <= last; i++) {
        publish(&board, i);
    }
    board.destroy(board.self);
}

static int64_t step_of(int64_t iteration)
{
    return 300000 + 8000 * iteration;
}

static uint64_t varint(const unsigned char **at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7fU) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

/* The steps of all records that hold the text, over the files in order; returns their number. */
static int steps_with(int64_t *steps, int capacity, const char *text)
{
    int n = 0;
    look();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *bytes;
        size_t size;
        assert_int_equal(aft_file_read(&bytes, &size, found.gl_pathv[i], 1 << 24, NULL), AFT_OK);
        for (size_t at = 0; at < size;) {
            uint64_t length;
            memcpy(&length, bytes + at, 8);
            const unsigned char *event = (const unsigned char *)bytes + at + 12;
            assert_int_equal(event[0], 0x09); /* wall_time, a double */
            assert_int_equal(event[9], 0x10); /* step, a varint */
            const unsigned char *step = event + 10;
            if (memmem(event, length, text, strlen(text)) != NULL) {
                assert_true(n < capacity);
                steps[n++] = (int64_t)varint(&step);
            }
            at += 12 + length + 4;
            assert_true(at <= size);
        }
        free(bytes);
    }
    return n;
}

static void expect_iterations(int n)
{
    int64_t steps[64];
    assert_int_equal(steps_with(steps, 64, "train/approx_kl"), n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(steps[i], step_of(i + 1));
    }
}

static void event_files__hold_every_iteration_once_over_resumes(void **state)
{
    (void)state;
    write_iterations(0, 1, 5);
    write_iterations(step_of(3), 4, 6);
    write_iterations(step_of(2), 3, 7);
    expect_iterations(7);
    assert_int_equal(found.gl_pathc, 2); /* of the second nothing was left */
    write_iterations(0, 1, 2);
    expect_iterations(2);
    assert_int_equal(found.gl_pathc, 1);
}

static void event_files__tell_readers_what_to_forget(void **state)
{
    (void)state;
    int64_t steps[8];
    write_iterations(0, 1, 2);
    write_iterations(step_of(2), 3, 3);
    assert_int_equal(steps_with(steps, 8, "\x3a\x02\x08\x01"), 2); /* session_log {status START} */
    assert_int_equal(steps[0], 1);
    assert_int_equal(steps[1], step_of(2) + 1);
}

/* TensorBoard reads files in the order of their names, whatever the clocks said. */
static void event_files__sort_in_the_order_of_their_beginning(void **state)
{
    (void)state;
    for (int i = 1; i <= 12; i++) {
        write_iterations(step_of(i - 1), i, i); /* well within a second */
    }
    expect_iterations(12);
    assert_int_equal(found.gl_pathc, 12);
}

static void event_files__lose_a_record_torn_at_many_lengths(void **state)
{
    (void)state;
    write_iterations(0, 1, 1);
    struct stat one;
    look();
    assert_int_equal(stat(found.gl_pathv[0], &one), 0);
    (void)remove(found.gl_pathv[0]);
    write_iterations(0, 1, 2);
    char *bytes;
    size_t size;
    look();
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    assert_int_equal(aft_file_read(&bytes, &size, path, 1 << 24, NULL), AFT_OK);
    for (size_t cut = (size_t)one.st_size; cut < size; cut += 5) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, cut, file), cut);
        assert_int_equal(fclose(file), 0);
        write_iterations(step_of(1), 2, 2);
        expect_iterations(2);
        (void)remove(found.gl_pathv[1]);
    }
    free(bytes);
}

static void event_files__of_others_are_left_alone(void **state)
{
    (void)state;
    char path[128];
    char *bytes;
    size_t size;
    (void)snprintf(path, sizeof path, "%s/events.out.tfevents.5.elsewhere", folder);
    assert_int_equal(aft_file_publish(path, "not of ours", 11, NULL), AFT_OK);
    write_iterations(0, 1, 1);
    assert_int_equal(aft_file_read(&bytes, &size, path, 1 << 20, NULL), AFT_OK);
    assert_int_equal(size, 11);
    free(bytes);
}

/* Here a folder; a process of the superuser's reads any file. */
static void event_files__that_cannot_be_read_are_left_out_alone(void **state)
{
    (void)state;
    char path[128];
    write_iterations(0, 1, 3);
    (void)snprintf(path, sizeof path, "%s/events.out.tfevents.0000000001.host.1.0", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    write_iterations(step_of(2), 3, 5);
    assert_int_equal(rmdir(path), 0);
    expect_iterations(5);
}

static void publish_evaluation(struct aft_observer *board, int64_t step)
{
    for (int stage = 1; stage <= 2; stage++) {
        struct aft_event event = event_evaluation();
        event.total_step = step;
        event.u.evaluation.of_stage = stage;
        event.u.evaluation.n_stages = 2;
        board->on_event(board->self, &event);
    }
}

/* A kill between a stage's last iteration and its archive: the evaluation is made again. */
static void event_files__hold_an_evaluation_once_that_was_made_twice(void **state)
{
    (void)state;
    int64_t steps[8];
    struct aft_observer board = open_board(0);
    publish(&board, 1);
    publish_evaluation(&board, step_of(1));
    board.destroy(board.self);
    board = open_board(step_of(1));
    publish_evaluation(&board, step_of(1));
    publish(&board, 2);
    publish_evaluation(&board, step_of(2));
    board.destroy(board.self);
    assert_int_equal(steps_with(steps, 8, "eval/mean_reward"), 2);
    assert_int_equal(steps[0], step_of(1));
    assert_int_equal(steps[1], step_of(2));
    assert_int_equal(steps_with(steps, 8, "eval/rms_drift_to_passive/stage2"), 2);
}

static void event_files__gather_the_news_of_a_step(void **state)
{
    (void)state;
    int64_t steps[8];
    struct aft_observer board = open_board(step_of(0));
    struct aft_event event = event_run_begins();
    board.on_event(board.self, &event);
    publish(&board, 1);
    event = event_message(AFT_EVENT_INCIDENT, "the worker was lost");
    board.on_event(board.self, &event);
    publish(&board, 2);
    publish(&board, 3);
    event = event_message(AFT_EVENT_INCIDENT, "and lost again");
    board.on_event(board.self, &event);
    event = event_ends(1, "training failed");
    board.on_event(board.self, &event);
    board.destroy(board.self);
    assert_int_equal(steps_with(steps, 8, "run/events"), 2);
    assert_int_equal(steps[0], step_of(1)); /* how it began, and the first incident */
    assert_int_equal(steps[1], step_of(3));
    assert_int_equal(steps_with(steps, 8, "the worker was lost"), 1);
    assert_int_equal(steps_with(steps, 8, "training failed"), 1);
}

static void event_files__go_on_when_there_is_no_space(void **state)
{
    (void)state;
    struct rlimit before, limit;
    struct stat status;
    struct aft_observer board = open_board(0);
    publish(&board, 1);
    look();
    assert_int_equal(stat(found.gl_pathv[0], &status), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)status.st_size + 20;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    publish(&board, 2); /* one warning on standard error, and no part of a record */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    publish(&board, 3);
    board.destroy(board.self);
    (void)signal(SIGXFSZ, handler);
    int64_t steps[4];
    assert_int_equal(steps_with(steps, 4, "train/approx_kl"), 2);
    assert_int_equal(steps[1], step_of(3));
}

static void event_files__that_cannot_be_made_stop_nothing(void **state)
{
    (void)state;
    struct aft_observer board = open_board(0);
    assert_int_equal(rmdir(folder), 0);
    publish(&board, 1); /* one warning on standard error */
    publish(&board, 2);
    publish_evaluation(&board, step_of(2));
    board.destroy(board.self);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(event_files__hold_every_iteration_once_over_resumes),
        TEST(event_files__tell_readers_what_to_forget),
        TEST(event_files__sort_in_the_order_of_their_beginning),
        TEST(event_files__lose_a_record_torn_at_many_lengths),
        TEST(event_files__of_others_are_left_alone),
        TEST(event_files__that_cannot_be_read_are_left_out_alone),
        TEST(event_files__hold_an_evaluation_once_that_was_made_twice),
        TEST(event_files__gather_the_news_of_a_step),
        TEST(event_files__go_on_when_there_is_no_space),
        TEST(event_files__that_cannot_be_made_stop_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
