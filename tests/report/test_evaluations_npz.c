#include "base/file.h"
#include "events.h"
#include "report/npz.h"
#include "report/observers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];
static char *contents;
static size_t size;

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_npz_XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/evaluations.npz", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)remove(path);
    assert_int_equal(rmdir(folder), 0); /* no temporary was left */
    free(contents);
    contents = NULL;
    return 0;
}

static struct aft_observer open_npz(int64_t keep)
{
    struct aft_observer npz;
    struct aft_error error;
    if (aft_evaluations_npz_create(&npz, folder, keep, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return npz;
}

/* An evaluation on so many motions of each of the stages; motion i of stage s has ratio
 * 0.1 s + 0.01 i. */
static void publish(struct aft_observer *npz, int64_t step, int stages, int motions)
{
    for (int s = 1; s <= stages; s++) {
        for (int first = 0; first < motions; first += AFT_EVENT_RESULTS) {
            struct aft_event event = {.type = AFT_EVENT_MOTION_RESULTS, .total_step = step};
            struct aft_event_motion_results *results = &event.u.motion_results;
            results->stage = s;
            results->first = first;
            results->n = motions - first < AFT_EVENT_RESULTS ? motions - first : AFT_EVENT_RESULTS;
            for (int i = 0; i < results->n; i++) {
                results->peak_drift_to_passive[i] = 0.1 * s + 0.01 * (first + i);
                results->lengths[i] = 100 * s + first + i;
            }
            npz->on_event(npz->self, &event);
        }
        struct aft_event event = event_evaluation();
        event.total_step = step;
        event.u.evaluation.of_stage = s;
        event.u.evaluation.n_stages = stages;
        event.u.evaluation.attempt = 2;
        event.u.evaluation.peak_drift_to_passive = 0.5 * s;
        npz->on_event(npz->self, &event);
    }
}

static struct aft_npz_array find(const char *name)
{
    struct aft_npz_array array;
    struct aft_error error;
    free(contents);
    contents = NULL;
    assert_int_equal(aft_file_read(&contents, &size, path, 1 << 20, NULL), AFT_OK);
    if (aft_npz_find(&array, contents, size, name, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return array;
}

static double real_at(const struct aft_npz_array *array, size_t i)
{
    double number;
    memcpy(&number, (const char *)array->data + 8 * i, 8);
    return number;
}

static void expect_steps(const int64_t *expected, size_t n)
{
    struct aft_npz_array steps = find("timesteps");
    assert_true(steps.whole);
    assert_int_equal(steps.dims[0], n);
    assert_memory_equal(steps.data, expected, 8 * n);
}

static void evaluations_npz__has_a_row_per_evaluation(void **state)
{
    (void)state;
    const int64_t steps[] = {100, 200};
    struct aft_observer npz = open_npz(0);
    publish(&npz, 100, 2, 3);
    publish(&npz, 200, 2, 3);
    npz.destroy(npz.self);
    expect_steps(steps, 2);
    struct aft_npz_array results = find("results");
    assert_true(results.n_dims == 2 && results.dims[0] == 2 && results.dims[1] == 6);
    assert_float_equal(real_at(&results, 0), -0.1, 1e-12);
    assert_float_equal(real_at(&results, 11), -0.22, 1e-12);
    struct aft_npz_array lengths = find("ep_lengths");
    int64_t length;
    memcpy(&length, (const char *)lengths.data + 8 * 4, 8);
    assert_int_equal(length, 201);
    struct aft_npz_array scores = find("score");
    assert_float_equal(real_at(&scores, 1), -0.75, 1e-12);
    struct aft_npz_array peaks = find("peak_drift_to_passive");
    assert_true(peaks.dims[0] == 2 && peaks.dims[1] == 2);
    assert_float_equal(real_at(&peaks, 3), 1.0, 1e-12);
}

static void evaluations_npz__goes_on_after_a_resume_without_a_doubled_step(void **state)
{
    (void)state;
    const int64_t kept[] = {100, 200}, steps[] = {100, 200, 250};
    struct aft_observer npz = open_npz(0);
    publish(&npz, 100, 2, 3);
    publish(&npz, 200, 2, 3);
    publish(&npz, 300, 2, 3);
    npz.destroy(npz.self);
    npz = open_npz(200);
    expect_steps(kept, 2);    /* at once, not at the next evaluation */
    publish(&npz, 200, 2, 3); /* the same state, evaluated again */
    publish(&npz, 250, 2, 3);
    npz.destroy(npz.self);
    expect_steps(steps, 3);
    struct aft_npz_array results = find("results");
    assert_float_equal(real_at(&results, 17), -0.22, 1e-12);
}

static void evaluations_npz__goes_when_training_begins_anew(void **state)
{
    (void)state;
    struct stat status;
    struct aft_observer npz = open_npz(0);
    publish(&npz, 100, 1, 1);
    npz.destroy(npz.self);
    npz = open_npz(0);
    assert_int_not_equal(stat(path, &status), 0);
    npz.destroy(npz.self);
}

/* [evaluation] motions was changed, or a stage appended: shorter rows are filled with NaN. */
static void evaluations_npz__takes_rows_of_other_lengths(void **state)
{
    (void)state;
    struct aft_observer npz = open_npz(0);
    publish(&npz, 100, 1, 2);
    publish(&npz, 200, 2, 2);
    npz.destroy(npz.self);
    for (int resumed = 0; resumed < 2; resumed++) {
        struct aft_npz_array results = find("results");
        assert_true(results.dims[0] == 2 && results.dims[1] == 4);
        assert_true(isfinite(real_at(&results, 1)) && isnan(real_at(&results, 2)));
        assert_float_equal(real_at(&results, 7), -0.21, 1e-12);
        struct aft_npz_array scores = find("score");
        assert_float_equal(real_at(&scores, 0), -0.5, 1e-12);
        npz = open_npz(250 - 50 * resumed);
        publish(&npz, 300, 2, 2);
        npz.destroy(npz.self);
        npz = open_npz(200);
        npz.destroy(npz.self);
    }
}

static void evaluations_npz__goes_on_with_a_file_that_lacks_a_figure(void **state)
{
    (void)state;
    static const char *const names[] = {"timesteps",
                                        "results",
                                        "ep_lengths",
                                        "stage",
                                        "attempt",
                                        "score",
                                        "peak_drift_to_passive",
                                        "rms_drift_to_passive",
                                        "motion_stages"};
    enum { N = sizeof names / sizeof *names };
    struct aft_npz_array arrays[N];
    void *bytes;
    struct aft_observer npz = open_npz(0);
    publish(&npz, 100, 2, 3);
    npz.destroy(npz.self);
    (void)find("timesteps"); /* reads the file */
    for (int i = 0; i < N; i++) {
        assert_int_equal(aft_npz_find(&arrays[i], contents, size, names[i], NULL), AFT_OK);
        (void)snprintf(arrays[i].name, sizeof arrays[i].name, "%s", names[i]);
    }
    assert_int_equal(aft_npz_build(&bytes, &size, arrays, N, NULL), AFT_OK);
    assert_int_equal(aft_file_publish(path, bytes, size, NULL), AFT_OK);
    free(bytes);
    npz = open_npz(100);
    publish(&npz, 200, 2, 3);
    npz.destroy(npz.self);
    struct aft_npz_array strokes = find("stroke_max_m");
    assert_int_equal(strokes.dims[0], 2);
    assert_true(isnan(real_at(&strokes, 1)));
    assert_float_equal(real_at(&strokes, 2), 1.2, 1e-12);
    struct aft_npz_array rms = find("rms_drift_to_passive");
    assert_float_equal(real_at(&rms, 0), 0.75, 1e-12);
}

static void evaluations_npz__tells_of_no_more_motions_than_events_may_carry(void **state)
{
    (void)state;
    struct aft_observer npz = open_npz(0);
    publish(&npz, 100, 2, AFT_EVENT_MAX_RESULTS);
    npz.destroy(npz.self);
    struct aft_npz_array results = find("results");
    assert_int_equal(results.dims[1], 2 * AFT_EVENT_MAX_RESULTS);
}

static void evaluations_npz__leaves_a_file_of_others_alone(void **state)
{
    (void)state;
    const int64_t steps[] = {7};
    const struct aft_npz_array array = {"timesteps", true, 1, {1, 1}, steps};
    void *bytes;
    struct aft_observer npz;
    struct aft_error error;
    assert_int_equal(aft_npz_build(&bytes, &size, &array, 1, NULL), AFT_OK);
    assert_int_equal(aft_file_publish(path, bytes, size, NULL), AFT_OK);
    free(bytes);
    assert_int_equal(aft_evaluations_npz_create(&npz, folder, 0, &error), AFT_ERR_REFUSED);
    expect_steps(steps, 1);
}

static void evaluations_npz__goes_on_where_it_cannot_be_written(void **state)
{
    (void)state;
    struct aft_observer npz = open_npz(0);
    assert_int_equal(mkdir(path, 0777), 0);
    publish(&npz, 100, 1, 1); /* one warning on standard error, and no failure */
    publish(&npz, 200, 1, 1);
    assert_int_equal(rmdir(path), 0);
    publish(&npz, 300, 1, 1);
    npz.destroy(npz.self);
    const int64_t steps[] = {100, 200, 300};
    expect_steps(steps, 3); /* what could not be written before was kept */
}

static void evaluations_npz__keeps_nothing_of_an_evaluation_that_was_given_up(void **state)
{
    (void)state;
    const int64_t steps[] = {200};
    struct aft_observer npz = open_npz(0);
    struct aft_event event = {.type = AFT_EVENT_MOTION_RESULTS, .total_step = 100};
    event.u.motion_results.stage = 1;
    event.u.motion_results.n = 3;
    npz.on_event(npz.self, &event);
    event = event_evaluation();
    event.u.evaluation.n_stages = 2;
    npz.on_event(npz.self, &event); /* stage 2's never comes */
    publish(&npz, 200, 2, 3);
    npz.destroy(npz.self);
    expect_steps(steps, 1);
    assert_int_equal(find("results").dims[1], 6);
    assert_int_equal(find("peak_drift_to_passive").dims[1], 2);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evaluations_npz__has_a_row_per_evaluation),
        TEST(evaluations_npz__goes_on_after_a_resume_without_a_doubled_step),
        TEST(evaluations_npz__goes_when_training_begins_anew),
        TEST(evaluations_npz__takes_rows_of_other_lengths),
        TEST(evaluations_npz__goes_on_with_a_file_that_lacks_a_figure),
        TEST(evaluations_npz__tells_of_no_more_motions_than_events_may_carry),
        TEST(evaluations_npz__leaves_a_file_of_others_alone),
        TEST(evaluations_npz__goes_on_where_it_cannot_be_written),
        TEST(evaluations_npz__keeps_nothing_of_an_evaluation_that_was_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
