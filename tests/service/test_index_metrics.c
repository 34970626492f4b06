/* progress.csv, hand-written: curves, and a file that is cut back, rewritten and replaced. */
#include "tests/service/index_place.h"

#include <math.h>

enum { STEP = 800 };

/* The value of column "a" in a row; "b" is empty but in every tenth. */
static double value_of(int row, double scale)
{
    return scale * sin(0.01 * row);
}

static void write_rows(const struct place *place, const char *mode, int from, int to, double scale)
{
    char path[PATH_MAX];
    place_path(path, place, "r", "progress.csv");
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    if (from == 0) {
        (void)fputs("a,time/total_timesteps,b\n", file);
    }
    for (int i = from; i < to; i++) {
        (void)fprintf(file, "%.9g,%d,", value_of(i, scale), STEP * (i + 1));
        (void)fprintf(file, i % 10 == 0 ? "%d\n" : "\n", i);
    }
    assert_int_equal(fclose(file), 0);
}

static struct aft_json *metrics_of(const struct place *place, const char *name, double from,
                                   double to, int points)
{
    struct aft_json *metrics;
    const struct aft_metrics_query query = {
        .names = &name, .n_names = name != NULL, .from = from, .to = to, .points = points};
    assert_int_equal(aft_index_metrics(&metrics, place->view, "r", &query, NULL), AFT_OK);
    return metrics;
}

static const struct aft_json *axis(const struct aft_json *metrics, const char *name,
                                   const char *which)
{
    return aft_json_get(aft_json_get(aft_json_get(metrics, "series"), name), which);
}

static double number_at(const struct aft_json *array, size_t i)
{
    struct aft_json *object = aft_json_object();
    aft_json_set(object, "x", aft_json_copy(aft_json_at(array, i)));
    double number = aft_json_get_real(object, "x", (double)NAN);
    aft_json_destroy(object);
    return number;
}

/* All rows up to `same` are of the first scale, those behind it of the second. */
static void expect_rows(const struct place *place, int rows, int same, double before, double after)
{
    struct aft_json *metrics = metrics_of(place, "a", -1e300, 1e300, 20000);
    const struct aft_json *x = axis(metrics, "a", "x"), *y = axis(metrics, "a", "y");
    assert_int_equal(aft_json_get_integer(metrics, "rows", -1), rows);
    assert_int_equal(aft_json_length(x), rows);
    for (int i = 0; i < rows; i++) {
        char text[40];
        (void)snprintf(text, sizeof text, "%.9g", value_of(i, i < same ? before : after));
        assert_true(number_at(x, (size_t)i) == STEP * (i + 1.0));
        assert_true(number_at(y, (size_t)i) == strtod(text, NULL));
    }
    aft_json_destroy(metrics);
}

static void metrics__grow_with_the_file(void **state)
{
    struct place *place = *state;
    const int ends[] = {1, 2, 495, 496, 497, 992, 1500};
    int rows = 0;
    place_write(place, "r", "events.jsonl", "w", "");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        write_rows(place, rows == 0 ? "w" : "a", rows, ends[i], 1);
        rows = ends[i];
        place_refresh(place);
        expect_rows(place, rows, rows, 1, 1);
    }
    place_close_index(place);
    write_rows(place, "a", rows, 1600, 1);
    place_refresh(place);
    expect_rows(place, 1600, 1600, 1, 1);
}

static void metrics__go_back_with_a_file_that_was_cut_back(void **state)
{
    struct place *place = *state;
    place_write(place, "r", "events.jsonl", "w", "");
    const int cuts[] = {1499, 1400, 993, 992, 991, 600, 496, 100, 1, 0};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char path[PATH_MAX];
        place_path(path, place, "r", "progress.csv");
        write_rows(place, "w", 0, 1500, 1);
        place_refresh(place);
        write_rows(place, "w", 0, cuts[i], 1); /* the same file, so far the same */
        if (i % 2 == 0) {
            place_refresh(place); /* seen cut back, or only when it has grown again */
        }
        if (cuts[i] == 0) {
            write_rows(place, "w", 0, 1600, 3);
        } else {
            write_rows(place, "a", cuts[i], 1600, 3);
        }
        place_refresh(place);
        expect_rows(place, 1600, cuts[i], 1, 3);
    }
}

/* Steps that are trained again, bit for bit, differ in the times at a row's beginning alone. */
static void metrics__rows_that_were_written_again_may_end_as_before(void **state)
{
    struct place *place = *state;
    static const char rest[] =
        ",0.1234567,0.1234567,0.1234567,0.1234567,0.1234567,0.1234567,"
        "0.1234567,0.1234567,0.1234567,0.1234567,0.1234567,0.1234567\n";
    const char *seconds[] = {"1.5", "2.5"};
    place_write(place, "r", "events.jsonl", "w", "");
    for (size_t i = 0; i < 2; i++) {
        place_write(place, "r", "progress.csv", "w",
                    "time/total_timesteps,a,c,d,e,f,g,h,i,j,k,l,m,n\n800,");
        place_write(place, "r", "progress.csv", "a", seconds[i]);
        place_write(place, "r", "progress.csv", "a", rest);
        place_refresh(place);
        struct aft_json *metrics = metrics_of(place, "a", -1e300, 1e300, 1000);
        assert_int_equal(aft_json_get_integer(metrics, "rows", -1), 1);
        assert_true(number_at(axis(metrics, "a", "y"), 0) == strtod(seconds[i], NULL));
        aft_json_destroy(metrics);
    }
}

static void metrics__torn_and_odd_rows_do_no_harm(void **state)
{
    struct place *place = *state;
    place_write(place, "r", "events.jsonl", "w", "");
    write_rows(place, "w", 0, 3, 1);
    place_write(place, "r", "progress.csv", "a", "0.5,32");
    place_refresh(place);
    expect_rows(place, 3, 3, 1, 1);
    place_write(place, "r", "progress.csv", "a",
                "00,\nno,step,here\n\n,,,,,\n1e999,4000,-inf\nnan,4800\n0x10,5600,7,8,9\n"
                "1.5e-3,6400,\n-12345678901234567890,7200,\n1e-300,8000,\n");
    place_refresh(place);
    struct aft_json *metrics = metrics_of(place, "a", 3200, 1e300, 100);
    const struct aft_json *y = axis(metrics, "a", "y");
    const double expected[] = {0.5, NAN, NAN, 16, 1.5e-3, -12345678901234567890.0, 1e-300};
    assert_int_equal(aft_json_length(y), 7);
    for (size_t i = 0; i < 7; i++) {
        double number = number_at(y, i);
        assert_true(number == expected[i] || (isnan(number) && isnan(expected[i])));
    }
    aft_json_destroy(metrics);
}

static void metrics__file_without_steps_is_a_problem(void **state)
{
    struct place *place = *state;
    place_write(place, "r", "events.jsonl", "w", "");
    place_write(place, "r", "progress.csv", "w", "a,b,c\n1,2,3\n");
    place_refresh(place);
    struct aft_json *summary = place_summary(place, "r"), *metrics;
    assert_non_null(strstr(aft_json_get_string(summary, "problem", ""), "time/total_timesteps"));
    aft_json_destroy(summary);
    metrics = metrics_of(place, "a", 0, 1e9, 100);
    assert_int_equal(aft_json_get_integer(metrics, "rows", -1), 0);
    assert_int_equal(aft_json_length(aft_json_get(metrics, "available")), 0);
    assert_int_equal(aft_json_length(axis(metrics, "a", "x")), 0);
    aft_json_destroy(metrics);
    write_rows(place, "w", 0, 5, 1);
    place_refresh(place);
    expect_rows(place, 5, 5, 1, 1);
    summary = place_summary(place, "r");
    assert_true(aft_json_is_null(aft_json_get(summary, "problem")));
    aft_json_destroy(summary);
}

static void metrics__many_points_are_fewer_with_every_extreme(void **state)
{
    struct place *place = *state;
    enum { ROWS = 5000, POINTS = 100, PARTS = POINTS / 2 };
    place_write(place, "r", "events.jsonl", "w", "");
    write_rows(place, "w", 0, ROWS, 1);
    place_refresh(place);
    double from = 700.5 * STEP, to = 4200.5 * STEP;
    struct aft_json *metrics = metrics_of(place, "a", from, to, POINTS);
    const struct aft_json *x = axis(metrics, "a", "x"), *y = axis(metrics, "a", "y");
    size_t n = aft_json_length(x);
    assert_true(n <= POINTS && n >= PARTS);
    double lowest[PARTS], highest[PARTS], got_lowest[PARTS], got_highest[PARTS];
    for (int i = 0; i < PARTS; i++) {
        lowest[i] = got_lowest[i] = INFINITY;
        highest[i] = got_highest[i] = -INFINITY;
    }
    for (int i = 0; i < ROWS; i++) {
        double step = STEP * (i + 1.0);
        char text[40];
        (void)snprintf(text, sizeof text, "%.9g", value_of(i, 1));
        if (step >= from && step <= to) {
            int part = (int)((step - from) / (to - from) * PARTS);
            lowest[part] = fmin(lowest[part], strtod(text, NULL));
            highest[part] = fmax(highest[part], strtod(text, NULL));
        }
    }
    for (size_t i = 0; i < n; i++) {
        double step = number_at(x, i);
        assert_true(step >= from && step <= to);
        assert_true(i == 0 || step > number_at(x, i - 1));
        int part = (int)((step - from) / (to - from) * PARTS);
        got_lowest[part] = fmin(got_lowest[part], number_at(y, i));
        got_highest[part] = fmax(got_highest[part], number_at(y, i));
    }
    assert_memory_equal(lowest, got_lowest, sizeof lowest);
    assert_memory_equal(highest, got_highest, sizeof highest);
    aft_json_destroy(metrics);

    metrics = metrics_of(place, NULL, 0, 0, 0); /* what there is */
    assert_int_equal(aft_json_length(aft_json_get(metrics, "available")), 3);
    assert_int_equal(aft_json_length(aft_json_get(metrics, "series")), 0);
    assert_true(aft_json_get_real(metrics, "first", 0) == STEP);
    assert_true(aft_json_get_real(metrics, "last", 0) == (double)STEP * ROWS);
    aft_json_destroy(metrics);
    metrics = metrics_of(place, "b", 9e9, 1e10, POINTS); /* a range with nothing in it */
    assert_int_equal(aft_json_length(axis(metrics, "b", "x")), 0);
    aft_json_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(metrics__grow_with_the_file),
        IN_A_PLACE(metrics__go_back_with_a_file_that_was_cut_back),
        IN_A_PLACE(metrics__rows_that_were_written_again_may_end_as_before),
        IN_A_PLACE(metrics__torn_and_odd_rows_do_no_harm),
        IN_A_PLACE(metrics__file_without_steps_is_a_problem),
        IN_A_PLACE(metrics__many_points_are_fewer_with_every_extreme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
