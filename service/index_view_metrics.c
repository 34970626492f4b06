/* Curves out of the chunks of a run's metrics. */
#include "service/downsample.h"
#include "service/index_parts.h"
#include "service/index_view_parts.h"

#include "report/iteration_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct curves { /* what is asked of a run's metrics */
    struct aft_database *database;
    int64_t key;
    int step_column;
    double first, last, from, to; /* from and to: finite, within first and last */
    int points;
    bool all; /* no more than `points` rows are in the range: all are given */
};

static struct aft_json *available_columns(struct curves *curves)
{
    struct aft_json *names = aft_json_array();
    struct aft_query *query = aft_query(
        curves->database, "SELECT number, name FROM metric_columns WHERE run = ? ORDER BY number");
    aft_query_put_integer(query, curves->key);
    while (aft_query_next(query)) {
        const char *name = aft_query_text(query, 1);
        if (name != NULL && strcmp(name, AFT_TOTAL_STEPS) == 0) {
            curves->step_column = (int)aft_query_integer(query, 0);
        }
        aft_json_append(names, aft_json_string(name));
    }
    return names;
}

/* How many rows there are; 0: no range either. */
static int64_t find_range(struct curves *curves)
{
    struct aft_query *query = aft_query(
        curves->database, "SELECT SUM(rows), MIN(low), MAX(high) FROM metric_chunks WHERE run = ?");
    int64_t rows = 0;
    aft_query_put_integer(query, curves->key);
    if (aft_query_next(query)) {
        rows = aft_query_integer(query, 0);
        curves->first = aft_query_real(query, 1);
        curves->last = aft_query_real(query, 2);
    }
    aft_query_done(query);
    return rows;
}

/* Numbers of that column, chunk by chunk in the order of the file, of chunks that have steps in
 * the range. */
static struct aft_query *chunks_of(const struct curves *curves, const char *sql, int64_t column)
{
    struct aft_query *query = aft_query(curves->database, sql);
    aft_query_put_integer(query, curves->key);
    aft_query_put_integer(query, column);
    aft_query_put_real(query, curves->from);
    aft_query_put_real(query, curves->to);
    return query;
}

#define CHUNKS                                                                                     \
    "SELECT numbers, rows, low, high FROM metric_chunks JOIN metric_values USING(run, chunk) "     \
    "WHERE run = ?1 AND number = ?2 AND high >= ?3 AND low <= ?4 ORDER BY chunk"
/* Two statements, for steps and values are read side by side. */
static const char step_chunks[] = CHUNKS;
static const char value_chunks[] = CHUNKS " /* values */";

static const double *numbers_of(size_t *n, const struct aft_query *query)
{
    const void *bytes = aft_query_bytes(query, 0, n);
    *n /= sizeof(double);
    return bytes;
}

static bool in_range(const struct curves *curves, double step)
{
    return step >= curves->from && step <= curves->to;
}

/* Rows in the range; it stops to count beyond the limit. */
static int64_t count_rows(const struct curves *curves, int64_t limit)
{
    struct aft_query *query = chunks_of(curves, step_chunks, curves->step_column);
    int64_t count = 0;
    while (count <= limit && aft_query_next(query)) {
        size_t n;
        const double *steps = numbers_of(&n, query);
        for (size_t i = 0; i < n; i++) {
            count += in_range(curves, steps[i]);
        }
    }
    aft_query_done(query);
    return count;
}

struct sink {                          /* where a curve's points go */
    struct aft_downsample *downsample; /* NULL: all of them are kept */
    struct aft_point *points;
    size_t n, capacity;
};

static void take_chunk(struct sink *sink, const struct curves *curves, const double *steps,
                       const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sink->downsample != NULL) {
            aft_downsample_add(sink->downsample, steps[i], values[i]);
        } else if (in_range(curves, steps[i]) && sink->n < sink->capacity) {
            sink->points[sink->n++] = (struct aft_point){steps[i], values[i]};
        }
    }
}

static void read_curve(struct sink *sink, const struct curves *curves, int64_t column)
{
    struct aft_query *steps = chunks_of(curves, step_chunks, curves->step_column);
    struct aft_query *values = chunks_of(curves, value_chunks, column);
    while (aft_query_next(steps) && aft_query_next(values)) {
        size_t n_steps, n_values;
        const double *x = numbers_of(&n_steps, steps), *y = numbers_of(&n_values, values);
        if (n_steps == n_values) {
            take_chunk(sink, curves, x, y, n_steps);
        }
    }
    aft_query_done(steps);
    aft_query_done(values);
    if (sink->downsample != NULL) {
        sink->n = aft_downsample_points(sink->points, sink->downsample);
    }
}

static struct aft_json *curve_document(const struct sink *sink)
{
    struct aft_json *curve = aft_json_object(), *x = aft_json_array(), *y = aft_json_array();
    for (size_t i = 0; i < sink->n; i++) {
        double step = sink->points[i].x;
        bool whole = step == floor(step) && fabs(step) < 9e15;
        aft_json_append(x, whole ? aft_json_integer((int64_t)step) : aft_json_real(step));
        aft_json_append(y, aft_json_real(sink->points[i].y));
    }
    aft_json_set(curve, "x", x);
    aft_json_set(curve, "y", y);
    return curve;
}

/* NULL when memory is short. */
static struct aft_json *curve_of(const struct curves *curves, int64_t column)
{
    struct sink sink = {.capacity = (size_t)curves->points + 1};
    struct aft_json *document = NULL;
    sink.points = calloc(sink.capacity, sizeof *sink.points);
    if (!curves->all) {
        sink.downsample = aft_downsample_create(curves->from, curves->to, curves->points / 2);
    }
    if (sink.points != NULL && (curves->all || sink.downsample != NULL)) {
        read_curve(&sink, curves, column);
        document = curve_document(&sink);
    }
    aft_downsample_destroy(sink.downsample);
    free(sink.points);
    return document;
}

/* -1 where there is none of that name. */
static int64_t column_of(const struct aft_json *available, const char *name)
{
    for (size_t i = 0; i < aft_json_length(available); i++) {
        if (strcmp(aft_json_string_value(aft_json_at(available, i), ""), name) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

static struct aft_json *empty_curve(void)
{
    const struct sink none = {.n = 0};
    return curve_document(&none);
}

/* A range that is not a number is the whole one. */
static void limit_range(struct curves *curves, const struct aft_metrics_query *query)
{
    curves->from = query->from > curves->first ? query->from : curves->first;
    curves->to = query->to < curves->last ? query->to : curves->last;
    curves->points = query->points < AFT_INDEX_MAX_POINTS ? query->points : AFT_INDEX_MAX_POINTS;
    curves->points = curves->points > 2 ? curves->points : 2;
    curves->all = count_rows(curves, curves->points) <= curves->points;
}

static struct aft_json *series_of(struct curves *curves, int64_t rows,
                                  const struct aft_json *available,
                                  const struct aft_metrics_query *query)
{
    struct aft_json *series = aft_json_object();
    int n = query->n_names < AFT_INDEX_MAX_SERIES ? query->n_names : AFT_INDEX_MAX_SERIES;
    if (n > 0 && rows > 0) {
        limit_range(curves, query);
    }
    for (int i = 0; i < n; i++) {
        int64_t column = column_of(available, query->names[i]);
        bool has = rows > 0 && column >= 0 && curves->from <= curves->to;
        aft_json_set(series, query->names[i], has ? curve_of(curves, column) : empty_curve());
    }
    return series;
}

enum aft_code aft_index_metrics(struct aft_json **metrics, struct aft_index_view *view,
                                const char *id, const struct aft_metrics_query *query,
                                struct aft_error *error)
{
    *metrics = NULL;
    aft_database_begin(view->database);
    struct curves curves = {.database = view->database, .key = aft_view_key(view, id)};
    if (curves.key == 0) {
        return aft_view_fail_missing(view, id, error);
    }
    struct aft_json *available = available_columns(&curves);
    int64_t rows = find_range(&curves);
    *metrics = aft_json_object();
    aft_json_set_real(*metrics, "first", rows > 0 ? curves.first : (double)NAN);
    aft_json_set_real(*metrics, "last", rows > 0 ? curves.last : (double)NAN);
    aft_json_set_integer(*metrics, "rows", rows);
    aft_json_set(*metrics, "series", series_of(&curves, rows, available, query));
    aft_json_set(*metrics, "available", available);
    return aft_view_end(metrics, view, error);
}
