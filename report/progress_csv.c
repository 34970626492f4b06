/*
 * progress.csv: one row per iteration, for Stable-Baselines3's users' plotting
 * scripts. Columns are found by name: a file begun by an earlier process (or an
 * earlier version) keeps its header, and rows are written to fit it.
 */
#include "base/error.h"
#include "base/file.h"
#include "report/append_file.h"
#include "report/observers.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_COLUMNS = 64, MAX_COLUMN_NAME = 64, ROW_SIZE = 4096 };
static const size_t size_limit = (size_t)1 << 30;
static const char total_column[] = "time/total_timesteps";

struct progress_csv {
    struct aft_append_file file;
    int n_columns; /* 0: the header is still to be written */
    char columns[MAX_COLUMNS][MAX_COLUMN_NAME];
    int64_t last_total;         /* of the last row; -1 where there is none */
    struct aft_event iteration; /* of the last row that this process wrote; type 0: none */
    struct aft_event_evaluation validation; /* of that iteration's policy; of_stage 0: none */
};

struct cell {
    bool whole;
    int64_t integer;
    double real;
};

struct field { /* a column that is a plain number of the iteration */
    const char *name;
    size_t offset;
    bool whole;
};
#define REAL(NAME, MEMBER)                                                                         \
    {                                                                                              \
        NAME, offsetof(struct aft_event_iteration, MEMBER), false                                  \
    }
#define WHOLE(NAME, MEMBER)                                                                        \
    {                                                                                              \
        NAME, offsetof(struct aft_event_iteration, MEMBER), true                                   \
    }
static const struct field fields[] = {
    WHOLE("time/iterations", iterations),
    REAL("time/time_elapsed", time_elapsed_s),
    REAL("time/fps", fps),
    REAL("time/rollout_s", rollout_s),
    REAL("time/update_s", update_s),
    WHOLE("rollout/episodes", episodes),
    REAL("rollout/ep_rew_mean", ep_rew_mean),
    REAL("rollout/ep_len_mean", ep_len_mean),
    REAL("train/approx_kl", approx_kl),
    REAL("train/clip_fraction", clip_fraction),
    REAL("train/clip_range", clip_range),
    REAL("train/entropy_loss", entropy_loss),
    REAL("train/explained_variance", explained_variance),
    REAL("train/learning_rate", learning_rate),
    REAL("train/loss", loss),
    REAL("train/policy_gradient_loss", policy_gradient_loss),
    REAL("train/std", std),
    REAL("train/value_loss", value_loss),
    WHOLE("train/n_updates", updates),
    REAL("train/ent_coef", ent_coef),
    REAL("train/grad_norm", grad_norm),
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

#define VALIDATION(NAME, MEMBER)                                                                   \
    {                                                                                              \
        "control/validation_" NAME, offsetof(struct aft_event_evaluation, MEMBER), false           \
    }
static const struct field validations[] = {
    /* of the stage that is trained; empty but where an evaluation followed the iteration */
    VALIDATION("score", score),
    VALIDATION("peak_drift_to_passive", peak_drift_to_passive),
    VALIDATION("rms_drift_to_passive", rms_drift_to_passive),
    VALIDATION("lqr_peak_drift_to_passive", lqr_peak_to_passive),
    VALIDATION("lqr_rms_drift_to_passive", lqr_rms_to_passive),
    VALIDATION("lqg_peak_drift_to_passive", lqg_peak_to_passive),
    VALIDATION("lqg_rms_drift_to_passive", lqg_rms_to_passive),
};
enum { N_VALIDATIONS = sizeof validations / sizeof validations[0] };

static bool find_validation(struct cell *cell, const struct aft_event_evaluation *validation,
                            const char *column)
{
    for (int i = 0; i < N_VALIDATIONS && validation->of_stage > 0; i++) {
        if (strcmp(column, validations[i].name) == 0) {
            *cell = (struct cell){.whole = false};
            memcpy(&cell->real, (const char *)validation + validations[i].offset,
                   sizeof cell->real);
            return true;
        }
    }
    return false;
}

/* False where the row has nothing in such a column. */
static bool find_cell(struct cell *cell, const struct progress_csv *csv, const char *column)
{
    const struct aft_event *event = &csv->iteration;
    const struct aft_event_iteration *iteration = &event->u.iteration;
    *cell = (struct cell){.whole = true};
    if (strcmp(column, total_column) == 0) {
        return cell->integer = event->total_step, true;
    }
    if (strcmp(column, "stage/number") == 0) {
        return cell->integer = event->stage, true;
    }
    if (strcmp(column, "stage/step") == 0) {
        return cell->integer = event->stage_step, true;
    }
    for (int i = 0; i < N_FIELDS; i++) {
        if (strcmp(column, fields[i].name) != 0) {
            continue;
        }
        const char *place = (const char *)iteration + fields[i].offset;
        cell->whole = fields[i].whole;
        if (cell->whole) {
            memcpy(&cell->integer, place, sizeof cell->integer);
        } else {
            memcpy(&cell->real, place, sizeof cell->real);
        }
        return true;
    }
    if (strncmp(column, "control/", 8) != 0) {
        return false;
    }
    for (int i = 0; i < iteration->n_metrics && i < AFT_EVENT_MAX_METRICS; i++) {
        if (strcmp(column + 8, iteration->metric_names[i]) == 0) {
            *cell = (struct cell){.real = iteration->metrics[i]};
            return true;
        }
    }
    return find_validation(cell, &csv->validation, column);
}

static void add_column(struct progress_csv *csv, const char *name, size_t length)
{
    if (csv->n_columns == MAX_COLUMNS) {
        return;
    }
    char *column = csv->columns[csv->n_columns++];
    if (length >= MAX_COLUMN_NAME) {
        length = MAX_COLUMN_NAME - 1;
    }
    memcpy(column, name, length);
    column[length] = '\0';
}

static void write_header(struct progress_csv *csv, const struct aft_event_iteration *iteration)
{
    static const char *const places[] = {total_column, "stage/number", "stage/step"};
    csv->n_columns = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        add_column(csv, places[i], strlen(places[i]));
    }
    for (int i = 0; i < N_FIELDS; i++) {
        add_column(csv, fields[i].name, strlen(fields[i].name));
    }
    for (int i = 0; i < iteration->n_metrics && i < AFT_EVENT_MAX_METRICS; i++) {
        char name[MAX_COLUMN_NAME];
        (void)snprintf(name, sizeof name, "control/%s", iteration->metric_names[i]);
        add_column(csv, name, strlen(name));
    }
    for (int i = 0; i < N_VALIDATIONS; i++) {
        add_column(csv, validations[i].name, strlen(validations[i].name));
    }
    char header[MAX_COLUMNS * (MAX_COLUMN_NAME + 1) + 1];
    size_t used = 0;
    for (int i = 0; i < csv->n_columns; i++) {
        used += (size_t)snprintf(header + used, sizeof header - used, "%s%s", i ? "," : "",
                                 csv->columns[i]);
    }
    header[used++] = '\n';
    int64_t lost = csv->file.lines_lost;
    aft_append_file_write(&csv->file, header, used);
    if (csv->file.lines_lost != lost) {
        csv->n_columns = 0; /* tried again with the next row */
    }
}

static void write_row(struct progress_csv *csv)
{
    char row[ROW_SIZE];
    size_t used = 0;
    for (int i = 0; i < csv->n_columns; i++) {
        struct cell cell;
        char text[40] = "";
        if (find_cell(&cell, csv, csv->columns[i])) {
            if (cell.whole) {
                (void)snprintf(text, sizeof text, "%" PRId64, cell.integer);
            } else if (isfinite(cell.real)) {
                (void)snprintf(text, sizeof text, "%.9g", cell.real);
            }
        }
        used += (size_t)snprintf(row + used, sizeof row - used, "%s%s", i ? "," : "", text);
    }
    row[used++] = '\n';
    aft_append_file_write(&csv->file, row, used);
    csv->last_total = csv->iteration.total_step;
}

static void read_header(struct progress_csv *csv, const char *line, size_t length)
{
    csv->n_columns = 0;
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n')) {
        length--;
    }
    for (size_t start = 0; start <= length;) {
        const char *comma = memchr(line + start, ',', length - start);
        size_t end = comma ? (size_t)(comma - line) : length;
        add_column(csv, line + start, end - start);
        start = end + 1;
    }
}

/* The row's time/total_timesteps; -1 where it has none. */
static int64_t total_of_row(const struct progress_csv *csv, const char *line, size_t length)
{
    const char *cell = line, *end = line + length;
    for (int i = 0; i < csv->n_columns && cell; i++) {
        if (strcmp(csv->columns[i], total_column) == 0) {
            char *rest = NULL;
            long long total = strtoll(cell, &rest, 10);
            return rest != cell && rest <= end && total >= 0 ? (int64_t)total : -1;
        }
        cell = memchr(cell, ',', (size_t)(end - cell));
        cell = cell ? cell + 1 : NULL;
    }
    return -1;
}

/* Moves the lines that stay to the front of text; returns their size. What goes:
 * rows beyond keep_total, rows without a count, and a line without a newline.
 * *moved tells whether a line that stays had one before it that goes. */
static size_t keep_rows(struct progress_csv *csv, char *text, size_t size, int64_t keep_total,
                        bool *moved)
{
    size_t kept = 0;
    bool first = true;
    *moved = false;
    csv->last_total = -1;
    for (size_t start = 0; start < size;) {
        const char *newline = memchr(text + start, '\n', size - start);
        if (!newline) {
            break;
        }
        size_t length = (size_t)(newline - (text + start)) + 1;
        bool keep = true;
        if (first) {
            read_header(csv, text + start, length);
            first = false;
        } else {
            int64_t total = total_of_row(csv, text + start, length);
            keep = total >= 0 && total <= keep_total;
            if (keep) {
                csv->last_total = total;
            }
        }
        if (keep) {
            *moved = *moved || kept != start;
            memmove(text + kept, text + start, length);
            kept += length;
        }
        start += length;
    }
    return kept;
}

static bool has_column(const struct progress_csv *csv, const char *name)
{
    for (int i = 0; i < csv->n_columns; i++) {
        if (strcmp(csv->columns[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static enum aft_code trim(struct progress_csv *csv, int64_t keep_total, struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    struct aft_error cause;
    enum aft_code code = aft_file_read(&text, &size, csv->file.path, size_limit, &cause);
    if (code == AFT_ERR_MISSING) {
        return AFT_OK;
    }
    if (code != AFT_OK) {
        return aft_fail(error, code, "%s", cause.message);
    }
    bool moved;
    size_t kept = keep_rows(csv, text, size, keep_total, &moved);
    if (csv->n_columns > 0 && !has_column(csv, total_column)) {
        /* not a file of ours: never rewritten */
        code = aft_fail(error, AFT_ERR_REFUSED, "continue '%s': it has no column %s",
                        csv->file.path, total_column);
    } else if (kept != size && !moved) { /* only the end goes: needs no space on the disk */
        if (truncate(csv->file.path, (off_t)kept) != 0) {
            code = aft_fail_errno(error, "shorten '%s'", csv->file.path);
        }
    } else if (kept != size) {
        code = aft_file_publish(csv->file.path, text, kept, error);
    }
    free(text);
    return code;
}

/* A worker was started again from an earlier state: its rows replace the later ones. */
static void roll_back(struct progress_csv *csv, int64_t keep_total)
{
    struct aft_error error;
    if (trim(csv, keep_total, &error) == AFT_OK &&
        aft_append_file_reopen(&csv->file, &error) == AFT_OK) {
        return;
    }
    if (csv->file.lines_lost++ == 0) {
        (void)fprintf(stderr, "warning: %s; training goes on\n", error.message);
    }
    csv->last_total = keep_total;
}

/* An evaluation comes stage by stage after its iteration; with the last one the row is written
 * again. */
static void take_evaluation(struct progress_csv *csv, const struct aft_event *event)
{
    const struct aft_event_evaluation *evaluation = &event->u.evaluation;
    if (csv->iteration.type != AFT_EVENT_ITERATION || event->total_step != csv->last_total ||
        csv->iteration.total_step != csv->last_total || csv->n_columns == 0 ||
        !aft_append_file_is_regular(&csv->file)) {
        return;
    }
    if (evaluation->of_stage == csv->iteration.stage) {
        csv->validation = *evaluation;
    }
    if (isfinite(evaluation->score) && csv->validation.of_stage > 0) {
        csv->validation.score = evaluation->score;
        roll_back(csv, csv->last_total - 1);
        write_row(csv);
    }
}

static void on_event(void *self, const struct aft_event *event)
{
    struct progress_csv *csv = self;
    if (event->type == AFT_EVENT_EVALUATION) {
        take_evaluation(csv, event);
    }
    if (event->type != AFT_EVENT_ITERATION) {
        return;
    }
    csv->iteration = *event;
    csv->validation = (struct aft_event_evaluation){.of_stage = 0};
    if (event->total_step <= csv->last_total) {
        roll_back(csv, event->total_step - 1);
    }
    if (csv->n_columns == 0) {
        write_header(csv, &event->u.iteration);
    }
    if (csv->n_columns == 0) {
        return;
    }
    write_row(csv);
}

static void destroy(void *self)
{
    struct progress_csv *csv = self;
    if (csv->file.lines_lost > 1) {
        (void)fprintf(stderr, "warning: '%s' lacks %" PRId64 " lines that could not be written\n",
                      csv->file.path, csv->file.lines_lost);
    }
    aft_append_file_close(&csv->file);
    free(csv);
}

enum aft_code aft_progress_csv_create(struct aft_observer *observer, const char *folder,
                                      int64_t keep_total_step, struct aft_error *error)
{
    struct progress_csv *csv = calloc(1, sizeof *csv);
    if (!csv) {
        return aft_fail(error, AFT_ERR_MEMORY, "open progress.csv in '%s': out of memory", folder);
    }
    csv->last_total = -1;
    enum aft_code code = aft_append_file_open(&csv->file, folder, "progress.csv", error);
    if (code == AFT_OK && aft_append_file_is_regular(&csv->file)) {
        code = trim(csv, keep_total_step, error);
        if (code == AFT_OK) {
            code = aft_append_file_reopen(&csv->file, error);
        }
    }
    if (code != AFT_OK) {
        aft_append_file_close(&csv->file);
        free(csv);
        return code;
    }
    *observer = (struct aft_observer){.self = csv, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
