/*
 * monitor.csv: one row per finished episode, in the format of
 * stable_baselines3.common.monitor.Monitor, which load_results and the plotting
 * scripts read: a JSON comment, then r (return), l (length), t (seconds since
 * t_start), and columns of our own. Readers sort by t, so it grows from row to
 * row, over resumes too. The rows of an iteration are written at once.
 */
#include "base/error.h"
#include "base/json.h"
#include "report/observers.h"
#include "report/step_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_SIZE = 4096 };
static const char step_column[] = "total_timesteps";
static const double CLOCK_STEP_S = 1e-6; /* t has six decimals */

struct monitor_csv {
    struct aft_step_table table;
    double t_start, last_t; /* t_start: when the run began, or the first episode ended */
    char *rows;             /* of the iteration that is being told of */
    size_t size, capacity;
    int64_t first_step, last_step; /* of these rows */
};

static void write_header(struct monitor_csv *csv, const struct aft_event *event)
{
    static const char *const names[] = {"r", "l", "t", step_column, "stage"};
    char comment[AFT_TABLE_LINE_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        aft_step_table_add_column(&csv->table, names[i]);
    }
    for (int i = 0; i < event->u.episode.n_metrics && i < AFT_EVENT_MAX_METRICS; i++) {
        aft_step_table_add_column(&csv->table, event->u.episode.metric_names[i]);
    }
    if (csv->t_start == 0) {
        csv->t_start = event->unix_time;
    }
    (void)snprintf(comment, sizeof comment, "#{\"t_start\": %.6f, \"env_id\": \"aftershock\"}\n",
                   csv->t_start);
    aft_step_table_write_header(&csv->table, comment);
}

/* Empty where the event has no such figure, or it is not known. */
static void print_cell(char cell[40], const struct monitor_csv *csv, const struct aft_event *event,
                       const char *column)
{
    const struct aft_event_episode *episode = &event->u.episode;
    double number = (double)NAN;
    if (strcmp(column, "r") == 0) {
        number = episode->reward;
    }
    for (int i = 0; i < episode->n_metrics && i < AFT_EVENT_MAX_METRICS; i++) {
        if (strcmp(column, episode->metric_names[i]) == 0) {
            number = episode->metrics[i];
        }
    }
    cell[0] = '\0';
    if (strcmp(column, "l") == 0) {
        (void)snprintf(cell, 40, "%" PRId64, episode->length);
    } else if (strcmp(column, "t") == 0) {
        (void)snprintf(cell, 40, "%.6f", csv->last_t);
    } else if (strcmp(column, step_column) == 0) {
        (void)snprintf(cell, 40, "%" PRId64, event->total_step);
    } else if (strcmp(column, "stage") == 0) {
        (void)snprintf(cell, 40, "%d", event->stage);
    } else if (isfinite(number)) {
        (void)snprintf(cell, 40, "%.9g", number);
    }
}

static void keep_row(struct monitor_csv *csv, const char *row, size_t size)
{
    if (csv->size + size > csv->capacity) {
        size_t capacity = 2 * (csv->size + size);
        char *grown = realloc(csv->rows, capacity);
        if (grown == NULL) {
            csv->table.file.lines_lost++;
            return;
        }
        csv->rows = grown;
        csv->capacity = capacity;
    }
    memcpy(csv->rows + csv->size, row, size);
    csv->size += size;
}

static void note_episode(struct monitor_csv *csv, const struct aft_event *event)
{
    char row[ROW_SIZE];
    size_t used = 0;
    if (csv->size == 0) {
        csv->first_step = event->total_step;
    }
    csv->last_step = event->total_step;
    csv->last_t = fmax(event->unix_time - csv->t_start, csv->last_t + CLOCK_STEP_S);
    for (int i = 0; i < csv->table.n_columns; i++) {
        char cell[40];
        print_cell(cell, csv, event, csv->table.columns[i]);
        used += (size_t)snprintf(row + used, sizeof row - used, "%s%s", i ? "," : "", cell);
    }
    row[used++] = '\n';
    keep_row(csv, row, used);
}

static void write_rows(struct monitor_csv *csv)
{
    if (csv->size == 0) {
        return;
    }
    if (csv->first_step <= csv->table.last_step) {
        aft_step_table_return_to(&csv->table, csv->first_step);
    }
    aft_step_table_write(&csv->table, csv->rows, csv->size, csv->last_step);
    csv->size = 0;
}

static void on_event(void *self, const struct aft_event *event)
{
    struct monitor_csv *csv = self;
    if (event->type == AFT_EVENT_RUN_BEGINS && csv->t_start == 0) {
        csv->t_start = event->unix_time;
    }
    if (event->type == AFT_EVENT_ITERATION) {
        write_rows(csv);
        return;
    }
    if (event->type != AFT_EVENT_EPISODE) {
        return;
    }
    if (csv->table.n_columns == 0) {
        write_header(csv, event);
    }
    if (csv->table.n_columns > 0) {
        note_episode(csv, event);
    }
}

static void destroy(void *self)
{
    struct monitor_csv *csv = self;
    aft_step_table_close(&csv->table);
    free(csv->rows);
    free(csv);
}

/* The clock of a file that is gone on with. */
static void read_clock(struct monitor_csv *csv)
{
    struct aft_json *header = NULL;
    const char *comment = csv->table.comment;
    const char *t = aft_step_table_cell(&csv->table, csv->table.last_row, "t");
    if (comment[0] == '#' &&
        aft_json_parse(&header, comment + 1, strlen(comment + 1), "monitor.csv", NULL) == AFT_OK) {
        csv->t_start = aft_json_get_real(header, "t_start", 0);
        aft_json_destroy(header);
    }
    csv->last_t = t != NULL ? strtod(t, NULL) : 0;
}

enum aft_code aft_monitor_csv_create(struct aft_observer *observer, const char *folder,
                                     int64_t keep_total_step, struct aft_error *error)
{
    struct monitor_csv *csv = calloc(1, sizeof *csv);
    if (!csv) {
        return aft_fail(error, AFT_ERR_MEMORY, "open monitor.csv in '%s': out of memory", folder);
    }
    enum aft_code code = aft_step_table_open(&csv->table, folder, "monitor.csv", step_column,
                                             keep_total_step, error);
    if (code != AFT_OK) {
        free(csv);
        return code;
    }
    read_clock(csv);
    *observer = (struct aft_observer){.self = csv, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
