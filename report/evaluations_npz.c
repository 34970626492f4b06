/*
 * evaluations.npz: what stable_baselines3.common.callbacks.EvalCallback leaves,
 * written anew, atomically, at every evaluation. A "result" is minus the
 * policy's peak drift over the passive device's on one held-out motion, so that
 * more is better, as with rewards.
 */
#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "report/npz.h"
#include "report/observers.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_STAGES = 64, MAX_MOTIONS = MAX_STAGES * AFT_EVENT_MAX_RESULTS };
static const size_t size_limit = (size_t)1 << 30;

struct stage_figure { /* a mean or an extreme over one stage's motions */
    const char *name;
    size_t offset;
};
#define FIGURE(MEMBER)                                                                             \
    {                                                                                              \
#MEMBER, offsetof(struct aft_event_evaluation, MEMBER)                                     \
    }
static const struct stage_figure stage_figures[] = {
    FIGURE(peak_drift_to_passive), FIGURE(rms_drift_to_passive),
    FIGURE(worst_peak_to_passive), FIGURE(uncontrolled_peak_to_passive),
    FIGURE(stroke_max_m),          FIGURE(power_max_w),
    FIGURE(lqr_peak_to_passive), /* NaN: not known */
    FIGURE(lqr_rms_to_passive),    FIGURE(lqg_peak_to_passive),
    FIGURE(lqg_rms_to_passive),
};
enum { N_FIGURES = sizeof stage_figures / sizeof *stage_figures };

struct evaluation { /* one row of every array */
    int64_t timesteps, stage, attempt;
    size_t n_motions, n_stages;
    double *results;        /* [n_motions] */
    int64_t *lengths;       /* [n_motions] control steps */
    int64_t *motion_stages; /* [n_motions] whose motions they are */
    double *figures;        /* [N_FIGURES][n_stages] */
};

struct evaluations {
    char path[PATH_MAX];
    bool mentioned; /* that it could not be written */
    int n, capacity;
    struct evaluation *rows;
    struct evaluation next; /* as its events arrive; room for all there may be */
};

static void clear(struct evaluation *row)
{
    free(row->results);
    free(row->lengths);
    free(row->motion_stages);
    free(row->figures);
    *row = (struct evaluation){0};
}

static bool make(struct evaluation *row, size_t n_motions, size_t n_stages)
{
    *row = (struct evaluation){.n_motions = n_motions, .n_stages = n_stages};
    row->results = calloc(n_motions + 1, sizeof *row->results);
    row->lengths = calloc(n_motions + 1, sizeof *row->lengths);
    row->motion_stages = calloc(n_motions + 1, sizeof *row->motion_stages);
    row->figures = calloc(N_FIGURES * n_stages + 1, sizeof *row->figures);
    if (!row->results || !row->lengths || !row->motion_stages || !row->figures) {
        clear(row);
        return false;
    }
    return true;
}

/* Takes the row over. */
static bool append(struct evaluations *all, struct evaluation *row)
{
    if (all->n == all->capacity) {
        int capacity = all->capacity > 0 ? 2 * all->capacity : 16;
        struct evaluation *grown = realloc(all->rows, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            clear(row);
            return false;
        }
        all->rows = grown;
        all->capacity = capacity;
    }
    all->rows[all->n++] = *row;
    *row = (struct evaluation){0};
    return true;
}

/* Rows beyond the step go; returns how many. */
static int keep_to(struct evaluations *all, int64_t step)
{
    int before = all->n;
    while (all->n > 0 && all->rows[all->n - 1].timesteps > step) {
        clear(&all->rows[--all->n]);
    }
    return before - all->n;
}

/* Minus the mean over the stages: the score that best_model.zip follows. */
static double score_of(const struct evaluation *row)
{
    double sum = 0;
    for (size_t i = 0; i < row->n_stages; i++) {
        sum += row->figures[i]; /* the first figure is the peak */
    }
    return -sum / (double)row->n_stages;
}

/* The arrays of the file: fixed places for what is in every row, then the figures. */
enum { TIMESTEPS, RESULTS, LENGTHS, STAGES, ATTEMPTS, SCORES, MOTION_STAGES, FIRST_FIGURE };
enum { N_ARRAYS = FIRST_FIGURE + N_FIGURES };

struct columns {
    struct aft_npz_array arrays[N_ARRAYS];
    void *data[N_ARRAYS];
};

static void name_arrays(struct aft_npz_array arrays[N_ARRAYS])
{
    static const char *const names[FIRST_FIGURE] = {"timesteps", "results", "ep_lengths",   "stage",
                                                    "attempt",   "score",   "motion_stages"};
    for (int i = 0; i < N_ARRAYS; i++) {
        const char *name = i < FIRST_FIGURE ? names[i] : stage_figures[i - FIRST_FIGURE].name;
        (void)snprintf(arrays[i].name, sizeof arrays[i].name, "%s", name);
        arrays[i].whole = i < FIRST_FIGURE && i != RESULTS && i != SCORES;
    }
}

static void clear_columns(struct columns *columns)
{
    for (int i = 0; i < N_ARRAYS; i++) {
        free(columns->data[i]);
    }
}

static bool make_columns(struct columns *columns, const struct evaluations *all)
{
    size_t n = (size_t)all->n, motions = 0, stages = 0;
    for (int i = 0; i < all->n; i++) {
        motions = motions > all->rows[i].n_motions ? motions : all->rows[i].n_motions;
        stages = stages > all->rows[i].n_stages ? stages : all->rows[i].n_stages;
    }
    memset(columns, 0, sizeof *columns);
    name_arrays(columns->arrays);
    bool made = true;
    for (int i = 0; i < N_ARRAYS; i++) {
        struct aft_npz_array *array = &columns->arrays[i];
        bool of_motions = i == RESULTS || i == LENGTHS;
        array->n_dims = of_motions || i >= FIRST_FIGURE ? 2 : 1;
        array->dims[0] = i == MOTION_STAGES ? motions : n;
        array->dims[1] = array->n_dims == 1 ? 1 : of_motions ? motions : stages;
        columns->data[i] = calloc(array->dims[0] * array->dims[1] + 1, 8);
        array->data = columns->data[i];
        made = made && array->data != NULL;
    }
    return made;
}

/* Where a row is shorter than the longest, the rest is NaN (0 where numbers are whole). */
static void fill_row(double *to, size_t width, const double *from, size_t n)
{
    for (size_t i = 0; i < width; i++) {
        to[i] = i < n ? from[i] : (double)NAN;
    }
}

static void fill_columns(struct columns *columns, const struct evaluations *all)
{
    size_t motions = columns->arrays[RESULTS].dims[1];
    size_t stages = columns->arrays[FIRST_FIGURE].dims[1];
    for (int i = 0; i < all->n; i++) {
        const struct evaluation *row = &all->rows[i];
        size_t at = (size_t)i;
        ((int64_t *)columns->data[TIMESTEPS])[i] = row->timesteps;
        ((int64_t *)columns->data[STAGES])[i] = row->stage;
        ((int64_t *)columns->data[ATTEMPTS])[i] = row->attempt;
        ((double *)columns->data[SCORES])[i] = score_of(row);
        fill_row((double *)columns->data[RESULTS] + at * motions, motions, row->results,
                 row->n_motions);
        memcpy((int64_t *)columns->data[LENGTHS] + at * motions, row->lengths,
               row->n_motions * sizeof *row->lengths);
        for (size_t k = 0; k < N_FIGURES; k++) {
            fill_row((double *)columns->data[FIRST_FIGURE + k] + at * stages, stages,
                     row->figures + k * row->n_stages, row->n_stages);
        }
    }
    const struct evaluation *last = &all->rows[all->n - 1];
    memcpy(columns->data[MOTION_STAGES], last->motion_stages,
           last->n_motions * sizeof *last->motion_stages);
}

static enum aft_code publish(const struct evaluations *all, struct aft_error *error)
{
    struct columns columns;
    void *bytes = NULL;
    size_t size = 0;
    enum aft_code code = AFT_OK;
    if (all->n == 0) {
        return unlink(all->path) == 0 ? AFT_OK : aft_fail_errno(error, "remove '%s'", all->path);
    }
    if (make_columns(&columns, all)) {
        fill_columns(&columns, all);
        code = aft_npz_build(&bytes, &size, columns.arrays, N_ARRAYS, error);
    } else {
        code = aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", all->path);
    }
    if (code == AFT_OK) {
        code = aft_file_publish(all->path, bytes, size, error);
    }
    clear_columns(&columns);
    free(bytes);
    return code;
}

static void begin(struct evaluation *next)
{
    next->n_motions = next->n_stages = 0;
}

/* An evaluation begins with stage 1's motions; one before that was given up leaves nothing. */
static void note_results(struct evaluation *next, const struct aft_event_motion_results *results)
{
    if (results->stage == 1 && results->first == 0) {
        begin(next);
    }
    for (int i = 0; i < results->n && i < AFT_EVENT_RESULTS && next->n_motions < MAX_MOTIONS; i++) {
        next->results[next->n_motions] = -results->peak_drift_to_passive[i];
        next->lengths[next->n_motions] = results->lengths[i];
        next->motion_stages[next->n_motions++] = results->stage;
    }
}

/* The figures stand [N_FIGURES][MAX_STAGES] while they are gathered. */
static void note_stage(struct evaluation *next, const struct aft_event_evaluation *evaluation)
{
    if (next->n_stages == MAX_STAGES) {
        return;
    }
    for (size_t k = 0; k < N_FIGURES; k++) {
        memcpy(&next->figures[k * MAX_STAGES + next->n_stages],
               (const char *)evaluation + stage_figures[k].offset, sizeof(double));
    }
    next->n_stages++;
}

static bool keep_next(struct evaluations *all, const struct aft_event *event)
{
    const struct evaluation *next = &all->next;
    struct evaluation row;
    if (!make(&row, next->n_motions, next->n_stages)) {
        return false;
    }
    row.timesteps = event->total_step;
    row.stage = event->stage;
    row.attempt = event->u.evaluation.attempt;
    memcpy(row.results, next->results, row.n_motions * sizeof *row.results);
    memcpy(row.lengths, next->lengths, row.n_motions * sizeof *row.lengths);
    memcpy(row.motion_stages, next->motion_stages, row.n_motions * sizeof *row.motion_stages);
    for (size_t k = 0; k < N_FIGURES; k++) {
        memcpy(row.figures + k * row.n_stages, next->figures + k * MAX_STAGES,
               row.n_stages * sizeof *row.figures);
    }
    (void)keep_to(all, event->total_step - 1); /* the same state may be evaluated again */
    return append(all, &row);
}

static void mention(struct evaluations *all, const struct aft_error *error)
{
    if (!all->mentioned) {
        (void)fprintf(stderr, "warning: %s; training goes on\n", error->message);
    }
    all->mentioned = true;
}

static void on_event(void *self, const struct aft_event *event)
{
    struct evaluations *all = self;
    struct aft_error error;
    if (event->type == AFT_EVENT_MOTION_RESULTS) {
        note_results(&all->next, &event->u.motion_results);
    }
    if (event->type != AFT_EVENT_EVALUATION) {
        return;
    }
    note_stage(&all->next, &event->u.evaluation);
    if (event->u.evaluation.of_stage < event->u.evaluation.n_stages) {
        return;
    }
    if (!keep_next(all, event)) {
        (void)aft_fail(&error, AFT_ERR_MEMORY, "extend '%s': out of memory", all->path);
        mention(all, &error);
    } else if (publish(all, &error) != AFT_OK) {
        mention(all, &error);
    }
    begin(&all->next);
}

static void destroy(void *self)
{
    struct evaluations *all = self;
    (void)keep_to(all, INT64_MIN);
    clear(&all->next);
    free(all->rows);
    free(all);
}

/* Reads the array; all of its kind have as many rows as the first. */
static enum aft_code find(struct aft_npz_array found[N_ARRAYS], int i, const void *bytes,
                          size_t size, struct aft_error *error)
{
    struct aft_npz_array expected[N_ARRAYS] = {0};
    name_arrays(expected);
    enum aft_code code = aft_npz_find(&found[i], bytes, size, expected[i].name, error);
    if (code == AFT_ERR_MISSING && i > FIRST_FIGURE) {
        return AFT_OK; /* of an earlier version, which did not have it */
    }
    if (code != AFT_OK) {
        return code;
    }
    size_t rows = i == MOTION_STAGES ? found[RESULTS].dims[1] : found[TIMESTEPS].dims[0];
    size_t width = i == RESULTS || i == LENGTHS ? found[RESULTS].dims[1]
                   : i >= FIRST_FIGURE          ? found[FIRST_FIGURE].dims[1]
                                                : 1;
    if (found[i].whole != expected[i].whole || found[i].dims[0] != rows ||
        found[i].dims[1] != width || width > MAX_MOTIONS) {
        return aft_fail(error, AFT_ERR_CORRUPT, "its array '%s' does not fit", expected[i].name);
    }
    return AFT_OK;
}

static const void *row_of(const struct aft_npz_array *array, size_t row)
{
    return (const char *)array->data + 8 * row * array->dims[1];
}

/* How many numbers stand before those that only fill the row. */
static size_t known(const struct aft_npz_array *array, size_t row)
{
    size_t n = array->dims[1];
    for (; n > 0; n--) {
        double number;
        memcpy(&number, (const char *)row_of(array, row) + 8 * (n - 1), 8);
        if (!isnan(number)) {
            break;
        }
    }
    return n;
}

static bool read_row(struct evaluations *all, const struct aft_npz_array found[N_ARRAYS], size_t at)
{
    struct evaluation row;
    size_t motions = known(&found[RESULTS], at), stages = known(&found[FIRST_FIGURE], at);
    if (!make(&row, motions, stages)) {
        return false;
    }
    memcpy(&row.timesteps, row_of(&found[TIMESTEPS], at), 8);
    memcpy(&row.stage, row_of(&found[STAGES], at), 8);
    memcpy(&row.attempt, row_of(&found[ATTEMPTS], at), 8);
    memcpy(row.results, row_of(&found[RESULTS], at), 8 * motions);
    memcpy(row.lengths, row_of(&found[LENGTHS], at), 8 * motions);
    memcpy(row.motion_stages, found[MOTION_STAGES].data, 8 * motions);
    for (size_t k = 0; k < N_FIGURES; k++) {
        const struct aft_npz_array *figure = &found[FIRST_FIGURE + k];
        for (size_t i = 0; i < stages && figure->data == NULL; i++) {
            row.figures[k * stages + i] = (double)NAN;
        }
        if (figure->data != NULL) {
            memcpy(row.figures + k * stages, row_of(figure, at), 8 * stages);
        }
    }
    return append(all, &row);
}

static enum aft_code read_all(struct evaluations *all, const void *bytes, size_t size,
                              struct aft_error *error)
{
    struct aft_npz_array found[N_ARRAYS] = {0};
    enum aft_code code = AFT_OK;
    for (int i = 0; i < N_ARRAYS && code == AFT_OK; i++) {
        code = find(found, i, bytes, size, error);
    }
    for (size_t i = 0; code == AFT_OK && i < found[TIMESTEPS].dims[0]; i++) {
        if (!read_row(all, found, i)) {
            code = aft_fail(error, AFT_ERR_MEMORY, "out of memory");
        }
    }
    return code;
}

/* Goes on with the file that is there. One that is not ours is left alone. */
static enum aft_code go_on(struct evaluations *all, int64_t keep_total_step,
                           struct aft_error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    struct aft_error cause;
    enum aft_code code = aft_file_read(&bytes, &size, all->path, size_limit, &cause);
    if (code == AFT_ERR_MISSING) {
        return AFT_OK;
    }
    if (code != AFT_OK) {
        return aft_fail(error, code, "%s", cause.message);
    }
    code = read_all(all, bytes, size, &cause);
    free(bytes);
    if (code != AFT_OK) {
        return aft_fail(error, AFT_ERR_REFUSED, "continue '%.300s': %.150s", all->path,
                        cause.message);
    }
    return keep_to(all, keep_total_step) > 0 ? publish(all, error) : AFT_OK;
}

enum aft_code aft_evaluations_npz_create(struct aft_observer *observer, const char *folder,
                                         int64_t keep_total_step, struct aft_error *error)
{
    struct evaluations *all = calloc(1, sizeof *all);
    if (!all || !make(&all->next, MAX_MOTIONS, MAX_STAGES)) {
        free(all);
        return aft_fail(error, AFT_ERR_MEMORY, "open evaluations.npz in '%s': out of memory",
                        folder);
    }
    begin(&all->next);
    enum aft_code code = aft_path_join(all->path, folder, "evaluations.npz", error);
    if (code == AFT_OK) {
        code = go_on(all, keep_total_step, error);
    }
    if (code != AFT_OK) {
        destroy(all);
        return code;
    }
    *observer = (struct aft_observer){.self = all, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
