#include "base/file.h"
#include "csv_file.h"
#include "events.h"
#include "report/observers.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct csv_file file;

static int set_up(void **state)
{
    (void)state;
    csv_file_open(&file, "progress.csv");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    csv_file_close(&file);
    return 0;
}

static struct aft_observer open_csv(int64_t keep)
{
    struct aft_observer csv;
    struct aft_error error;
    if (aft_progress_csv_create(&csv, file.folder, keep, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return csv;
}

static void publish(struct aft_observer *csv, int64_t iteration)
{
    struct aft_event event = event_iteration(iteration, 1000);
    csv->on_event(csv->self, &event);
}

static void write_iterations(int64_t keep, int64_t first, int64_t last)
{
    struct aft_observer csv = open_csv(keep);
    for (int64_t i = first; i <= last; i++) {
        publish(&csv, i);
    }
    csv.destroy(csv.self);
}

/* The cell of a column in the row, counted from 1. */
static void get_cell(char out[64], const char *column, int row)
{
    const char *text = csv_file_read(&file), *line = text;
    size_t length = strlen(column);
    int place = 0;
    for (const char *name = text;
         strncmp(name, column, length) != 0 || (name[length] != ',' && name[length] != '\n');
         place++) {
        name += strcspn(name, ",\n");
        assert_int_equal(*name, ',');
        name++;
    }
    for (; row > 0; row--) {
        line = strchr(line, '\n') + 1;
    }
    for (; place > 0; place--) {
        line = strchr(line, ',') + 1;
    }
    (void)snprintf(out, 64, "%.*s", (int)strcspn(line, ",\n"), line);
}

static void progress_csv__has_sb3_columns_and_ours(void **state)
{
    (void)state;
    static const char *const columns[] = {
        "time/iterations",
        "time/total_timesteps",
        "time/time_elapsed",
        "time/fps",
        "rollout/ep_rew_mean",
        "rollout/ep_len_mean",
        "train/approx_kl",
        "train/clip_fraction",
        "train/clip_range",
        "train/entropy_loss",
        "train/explained_variance",
        "train/learning_rate",
        "train/loss",
        "train/policy_gradient_loss",
        "train/std",
        "train/value_loss",
        "train/n_updates",
        "train/ent_coef",
        "stage/number",
        "stage/attempt",
        "stage/step",
        "control/peak_drift_to_passive",
    };
    char cell[64];
    write_iterations(0, 1, 1);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        get_cell(cell, columns[i], 1);
    }
    get_cell(cell, "time/total_timesteps", 1);
    assert_string_equal(cell, "308000");
    get_cell(cell, "stage/step", 1);
    assert_string_equal(cell, "8000");
    get_cell(cell, "stage/attempt", 1);
    assert_string_equal(cell, "3");
    get_cell(cell, "train/approx_kl", 1);
    assert_string_equal(cell, "0.0123456789");
    get_cell(cell, "control/peak_drift_to_passive", 1);
    assert_string_equal(cell, "0.875");
}

static void progress_csv__leaves_a_cell_empty_for_an_unknown_figure(void **state)
{
    (void)state;
    char cell[64];
    write_iterations(0, 1, 1);
    get_cell(cell, "rollout/ep_rew_mean", 1);
    assert_string_equal(cell, "");
}

static void progress_csv__writes_one_row_per_iteration_as_it_happens(void **state)
{
    (void)state;
    struct aft_observer csv = open_csv(0);
    publish(&csv, 1);
    assert_int_equal(csv_file_lines(&file), 2);
    struct aft_event other = event_evaluation();
    csv.on_event(csv.self, &other);
    publish(&csv, 2);
    assert_int_equal(csv_file_lines(&file), 3);
    csv.destroy(csv.self);
}

static void progress_csv__has_an_evaluations_scores_in_its_iterations_row(void **state)
{
    (void)state;
    char cell[64];
    struct aft_observer csv = open_csv(0);
    publish(&csv, 1);
    publish(&csv, 2);
    struct aft_event own = event_evaluation(), last = event_evaluation();
    struct aft_event iteration = event_iteration(2, 1000);
    own.total_step = last.total_step = iteration.total_step;
    own.u.evaluation.of_stage = iteration.stage;
    own.u.evaluation.score = NAN;
    own.u.evaluation.lqg_peak_to_passive = NAN; /* not known */
    last.u.evaluation.of_stage = iteration.stage + 1;
    last.u.evaluation.peak_drift_to_passive = 0.9;
    csv.on_event(csv.self, &own);
    get_cell(cell, "control/validation_score", 2);
    assert_string_equal(cell, ""); /* the evaluation goes on */
    csv.on_event(csv.self, &last);
    publish(&csv, 3);
    csv.destroy(csv.self);
    assert_int_equal(csv_file_lines(&file), 4);
    static const char *const expected[][2] = {
        {"control/validation_score", "-0.75"},
        {"control/validation_peak_drift_to_passive", "0.714"},
        {"control/validation_lqr_peak_drift_to_passive", "0.68"},
        {"control/validation_lqr_rms_drift_to_passive", "0.47"},
        {"control/validation_lqg_peak_drift_to_passive", ""},
        {"time/iterations", "2"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        get_cell(cell, expected[i][0], 2);
        assert_string_equal(cell, expected[i][1]);
    }
    for (int row = 1; row <= 3; row += 2) {
        get_cell(cell, "control/validation_score", row);
        assert_string_equal(cell, "");
    }
}

/* The iteration's evaluation, after which its row is written again. */
static void evaluate(struct aft_observer *csv, int64_t iteration)
{
    struct aft_event evaluation = event_evaluation();
    evaluation.total_step = event_iteration(iteration, 1000).total_step;
    evaluation.stage = evaluation.u.evaluation.of_stage = 2;
    csv->on_event(csv->self, &evaluation);
}

/* A process that the kernel ends, by SIGXFSZ, as soon as it writes beyond the size. */
static void evaluate_and_be_killed(struct aft_observer *csv, int64_t iteration, off_t size)
{
    struct rlimit none = {0}, limit = {(rlim_t)size, (rlim_t)size};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        evaluate(csv, iteration);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXFSZ);
}

static void progress_csv__loses_no_row_to_a_kill_while_one_is_written_again(void **state)
{
    (void)state;
    char cell[64];
    struct stat before;
    struct aft_observer csv = open_csv(0);
    publish(&csv, 1);
    assert_int_equal(stat(file.path, &before), 0);
    publish(&csv, 2);
    for (off_t size = 0; size <= before.st_size; size += before.st_size / 3) {
        evaluate_and_be_killed(&csv, 2, size);
        assert_int_equal(csv_file_lines(&file), 3);
        get_cell(cell, "time/iterations", 2);
        assert_string_equal(cell, "2");
    }
    evaluate(&csv, 2);
    csv.destroy(csv.self);
    assert_int_equal(csv_file_lines(&file), 3);
    get_cell(cell, "control/validation_score", 2);
    assert_string_equal(cell, "-0.75");
    assert_int_equal(aft_file_sweep_temporaries(file.folder, NULL, NULL), AFT_OK);
}

static void progress_csv__keeps_a_row_that_cannot_be_written_again(void **state)
{
    (void)state;
    char cell[64];
    struct rlimit before, limit;
    struct stat status;
    struct aft_observer csv = open_csv(0);
    publish(&csv, 1);
    assert_int_equal(stat(file.path, &status), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)status.st_size;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    evaluate(&csv, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    publish(&csv, 2);
    csv.destroy(csv.self);
    assert_int_equal(csv_file_lines(&file), 3);
    get_cell(cell, "time/iterations", 1);
    assert_string_equal(cell, "1");
    get_cell(cell, "control/validation_score", 1);
    assert_string_equal(cell, "");
}

static void progress_csv__goes_on_after_a_resume_without_a_doubled_step(void **state)
{
    (void)state;
    write_iterations(0, 1, 5);
    write_iterations(300000 + 2 * 8000, 3, 4);
    assert_int_equal(csv_file_lines(&file), 5);
    char cell[64];
    get_cell(cell, "time/iterations", 2);
    assert_string_equal(cell, "2");
    get_cell(cell, "time/iterations", 3);
    assert_string_equal(cell, "3");
}

static void progress_csv__rolls_back_when_a_worker_starts_again(void **state)
{
    (void)state;
    struct aft_observer csv = open_csv(0);
    for (int64_t i = 1; i <= 4; i++) {
        publish(&csv, i);
    }
    publish(&csv, 3); /* from an earlier snapshot */
    publish(&csv, 4);
    publish(&csv, 5);
    csv.destroy(csv.self);
    assert_int_equal(csv_file_lines(&file), 6);
    char cell[64];
    get_cell(cell, "time/iterations", 5);
    assert_string_equal(cell, "5");
}

static void progress_csv__drops_a_row_torn_by_a_kill(void **state)
{
    (void)state;
    write_iterations(0, 1, 3);
    struct stat status;
    assert_int_equal(stat(file.path, &status), 0);
    assert_int_equal(truncate(file.path, status.st_size - 5), 0);
    write_iterations(INT64_MAX, 3, 3);
    assert_int_equal(csv_file_lines(&file), 4);
    char cell[64];
    get_cell(cell, "time/iterations", 3);
    assert_string_equal(cell, "3");
}

static void progress_csv__survives_every_torn_length(void **state)
{
    (void)state;
    write_iterations(0, 1, 2);
    struct stat status;
    assert_int_equal(stat(file.path, &status), 0);
    for (off_t size = status.st_size; size >= 0; size--) {
        (void)unlink(file.path);
        write_iterations(0, 1, 2);
        assert_int_equal(truncate(file.path, size), 0);
        write_iterations(INT64_MAX, 9, 9);
        char cell[64];
        get_cell(cell, "time/iterations", csv_file_lines(&file) - 1);
        assert_string_equal(cell, "9");
    }
}

static void progress_csv__keeps_the_header_of_an_earlier_version(void **state)
{
    (void)state;
    static const char old[] = "time/total_timesteps,gone,train/loss\n100,7,0.5\n";
    assert_int_equal(aft_file_publish(file.path, old, sizeof old - 1, NULL), AFT_OK);
    write_iterations(100, 1, 1);
    assert_string_equal(csv_file_read(&file),
                        "time/total_timesteps,gone,train/loss\n100,7,0.5\n308000,,0\n");
}

static void progress_csv__refuses_a_file_that_is_not_its_own(void **state)
{
    (void)state;
    static const char other[] = "name,grade\nA,1\n";
    assert_int_equal(aft_file_publish(file.path, other, sizeof other - 1, NULL), AFT_OK);
    struct aft_observer csv;
    struct aft_error error;
    assert_int_equal(aft_progress_csv_create(&csv, file.folder, 0, &error), AFT_ERR_REFUSED);
    assert_string_equal(csv_file_read(&file), other);
}

static void progress_csv__goes_on_when_the_disk_is_full(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/full", file.path), 0);
    write_iterations(0, 1, 3); /* one warning on standard error, and no failure */
}

static void progress_csv__leaves_no_part_of_a_row_that_did_not_fit(void **state)
{
    (void)state;
    write_iterations(0, 1, 1);
    struct stat status;
    assert_int_equal(stat(file.path, &status), 0);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)status.st_size + 20;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct aft_observer csv = open_csv(INT64_MAX);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    publish(&csv, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    publish(&csv, 3); /* there is space again */
    csv.destroy(csv.self);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(csv_file_lines(&file), 3);
    char cell[64];
    get_cell(cell, "time/iterations", 2);
    assert_string_equal(cell, "3");
}

static void progress_csv__begins_anew_where_it_was_deleted(void **state)
{
    (void)state;
    char cell[64];
    struct aft_observer csv = open_csv(0);
    publish(&csv, 1);
    publish(&csv, 2);
    assert_int_equal(unlink(file.path), 0);
    evaluate(&csv, 2); /* writes the row of its iteration again */
    publish(&csv, 3);
    csv.destroy(csv.self);
    assert_int_equal(csv_file_lines(&file), 3);
    get_cell(cell, "time/iterations", 1);
    assert_string_equal(cell, "2");
    get_cell(cell, "control/validation_score", 1);
    assert_string_equal(cell, "-0.75");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(progress_csv__has_sb3_columns_and_ours),
        TEST(progress_csv__leaves_a_cell_empty_for_an_unknown_figure),
        TEST(progress_csv__writes_one_row_per_iteration_as_it_happens),
        TEST(progress_csv__has_an_evaluations_scores_in_its_iterations_row),
        TEST(progress_csv__loses_no_row_to_a_kill_while_one_is_written_again),
        TEST(progress_csv__keeps_a_row_that_cannot_be_written_again),
        TEST(progress_csv__goes_on_after_a_resume_without_a_doubled_step),
        TEST(progress_csv__rolls_back_when_a_worker_starts_again),
        TEST(progress_csv__drops_a_row_torn_by_a_kill),
        TEST(progress_csv__survives_every_torn_length),
        TEST(progress_csv__keeps_the_header_of_an_earlier_version),
        TEST(progress_csv__refuses_a_file_that_is_not_its_own),
        TEST(progress_csv__goes_on_when_the_disk_is_full),
        TEST(progress_csv__leaves_no_part_of_a_row_that_did_not_fit),
        TEST(progress_csv__begins_anew_where_it_was_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
