/* progress.csv: one row per iteration, for Stable-Baselines3's users' plotting scripts. Scores of
 * an evaluation stand in the row of the iteration before it. */
#include "base/error.h"
#include "report/iteration_figures.h"
#include "report/observers.h"
#include "report/step_table.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_SIZE = 4096, CELL_SIZE = 40 };

#define VALIDATION(NAME, MEMBER)                                                                   \
    {                                                                                              \
        "control/validation_" NAME, offsetof(struct aft_event_evaluation, MEMBER)                  \
    }
static const struct {
    const char *name;
    size_t offset;
} validations[] = {
    /* of the stage that is trained; empty but where an evaluation followed the iteration */
    VALIDATION("score", score),
    VALIDATION("peak_drift_to_passive", peak_drift_to_passive),
    VALIDATION("rms_drift_to_passive", rms_drift_to_passive),
    VALIDATION("lqr_peak_drift_to_passive", lqr_peak_to_passive),
    VALIDATION("lqr_rms_drift_to_passive", lqr_rms_to_passive),
    VALIDATION("lqg_peak_drift_to_passive", lqg_peak_to_passive),
    VALIDATION("lqg_rms_drift_to_passive", lqg_rms_to_passive),
};
enum { N_VALIDATIONS = sizeof validations / sizeof *validations };

struct figures {
    int n;
    struct aft_figure list[AFT_MAX_FIGURES + N_VALIDATIONS];
};

struct progress_csv {
    struct aft_step_table table;
    struct aft_event iteration; /* of the last row that this process wrote; type 0: none */
    struct aft_event_evaluation validation; /* of that iteration's policy; of_stage 0: none */
};

static struct figures figures_of_row(const struct progress_csv *csv)
{
    struct figures figures;
    figures.n = aft_iteration_figures(figures.list, &csv->iteration);
    for (int i = 0; i < N_VALIDATIONS; i++) {
        struct aft_figure *figure = &figures.list[figures.n++];
        *figure = (struct aft_figure){.real = (double)NAN};
        (void)snprintf(figure->name, sizeof figure->name, "%s", validations[i].name);
        if (csv->validation.of_stage > 0) {
            memcpy(&figure->real, (const char *)&csv->validation + validations[i].offset,
                   sizeof figure->real);
        }
    }
    return figures;
}

static void write_header(struct aft_step_table *table, const struct figures *figures)
{
    for (int i = 0; i < figures->n; i++) {
        aft_step_table_add_column(table, figures->list[i].name);
    }
    aft_step_table_write_header(table, NULL);
}

/* Empty where there is no such figure, or it is not known. */
static void print_cell(char cell[CELL_SIZE], const struct figures *figures, const char *column)
{
    cell[0] = '\0';
    for (int i = 0; i < figures->n; i++) {
        const struct aft_figure *figure = &figures->list[i];
        if (strcmp(figure->name, column) != 0) {
            continue;
        }
        if (figure->whole) {
            (void)snprintf(cell, CELL_SIZE, "%" PRId64, figure->integer);
        } else if (isfinite(figure->real)) {
            (void)snprintf(cell, CELL_SIZE, "%.9g", figure->real);
        }
        return;
    }
}

/* Below the header, which is written first where there is none. */
static void write_row(struct aft_step_table *table, const struct figures *figures,
                      int64_t total_step)
{
    char row[ROW_SIZE];
    size_t used = 0;
    if (table->n_columns == 0) {
        write_header(table, figures);
    }
    if (table->n_columns == 0) {
        return;
    }
    for (int i = 0; i < table->n_columns; i++) {
        char cell[CELL_SIZE];
        print_cell(cell, figures, table->columns[i]);
        used += (size_t)snprintf(row + used, sizeof row - used, "%s%s", i ? "," : "", cell);
    }
    row[used++] = '\n';
    aft_step_table_write(table, row, used, total_step);
}

/* An evaluation comes stage by stage after its iteration; with the last one the row is written
 * again. */
static void take_evaluation(struct progress_csv *csv, const struct aft_event *event)
{
    const struct aft_event_evaluation *evaluation = &event->u.evaluation;
    int64_t last = csv->table.last_step;
    if (csv->iteration.type != AFT_EVENT_ITERATION || event->total_step != last ||
        csv->iteration.total_step != last || csv->table.n_columns == 0 ||
        !aft_append_file_is_regular(&csv->table.file)) {
        return;
    }
    if (evaluation->of_stage == csv->iteration.stage) {
        csv->validation = *evaluation;
    }
    if (isfinite(evaluation->score) && csv->validation.of_stage > 0) {
        csv->validation.score = evaluation->score;
        struct figures figures = figures_of_row(csv);
        aft_step_table_return_to(&csv->table, last);
        write_row(&csv->table, &figures, last);
    }
}

static void take_iteration(struct progress_csv *csv, const struct aft_event *event)
{
    struct aft_step_table *table = &csv->table;
    csv->iteration = *event;
    csv->validation = (struct aft_event_evaluation){.of_stage = 0};
    struct figures figures = figures_of_row(csv);
    if (event->total_step <= table->last_step) {
        aft_step_table_return_to(table, event->total_step);
    }
    write_row(table, &figures, event->total_step);
}

static void on_event(void *self, const struct aft_event *event)
{
    if (event->type == AFT_EVENT_EVALUATION) {
        take_evaluation(self, event);
    } else if (event->type == AFT_EVENT_ITERATION) {
        take_iteration(self, event);
    }
}

static void destroy(void *self)
{
    struct progress_csv *csv = self;
    aft_step_table_close(&csv->table);
    free(csv);
}

enum aft_code aft_progress_csv_create(struct aft_observer *observer, const char *folder,
                                      int64_t keep_total_step, struct aft_error *error)
{
    struct progress_csv *csv = calloc(1, sizeof *csv);
    if (!csv) {
        return aft_fail(error, AFT_ERR_MEMORY, "open progress.csv in '%s': out of memory", folder);
    }
    enum aft_code code = aft_step_table_open(&csv->table, folder, "progress.csv", AFT_TOTAL_STEPS,
                                             keep_total_step, error);
    if (code != AFT_OK) {
        free(csv);
        return code;
    }
    *observer = (struct aft_observer){.self = csv, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
