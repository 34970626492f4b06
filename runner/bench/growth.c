/*
 * How the cost of an environment step and of a sample grows: over the number
 * of environments, the size of a minibatch, the width of the network and the
 * number of threads; as tables and as a picture.
 */
#include "report/svg_plot.h"
#include "runner/bench/bench.h"
#include "runner/output_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_COUNTS = 12, /* of threads: 1, 2, 4 … and all */
    MAX_POINTS = 16,
    TABLES = 4,
    LEAST_ENVS = 1,
    MOST_ENVS = 4096,
    LEAST_BATCH = 32,
    MOST_BATCH = 8192,
    LEAST_WIDTH = 32,
    MOST_WIDTH = 1024,
    BATCH_OF_WIDTHS = 256,
};

static const struct table {
    const char *name, *axis, *title, *cost, *size;
} tables[TABLES] = {
    {"env_step", "n_envs", "Environment step, resets included", "ns per step", "environments"},
    {"rollout", "n_envs", "Rollout with a 64,64 policy", "ns per step", "environments"},
    {"update", "batch", "Update of a 64,64 network", "ns per sample", "samples of a minibatch"},
    {"update", "width", "Update of two hidden layers, batch 256", "ns per sample",
     "width of the layers"},
};

static int thread_counts(int counts[MAX_COUNTS], int all)
{
    int n = 0;
    for (int threads = 1; threads < all && n < MAX_COUNTS - 1; threads *= 2) {
        counts[n++] = threads;
    }
    counts[n++] = all;
    return n;
}

/* --- measuring --- */

static enum aft_code measure_places(struct aft_bench *bench, int threads, int factor,
                                    struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    for (int n = LEAST_ENVS; n <= MOST_ENVS && code == AFT_OK; n *= factor) {
        const struct aft_bench_place place = {n, threads, "n_envs"};
        if (aft_bench_wants(bench, AFT_BENCH_ENV_STEP)) {
            code = aft_bench_measure_env_step(bench, &place, error);
        }
        if (code == AFT_OK && aft_bench_wants(bench, AFT_BENCH_ROLLOUT)) {
            code = aft_bench_measure_rollout(bench, &place, error);
        }
    }
    return code;
}

static enum aft_code measure_updates(struct aft_bench *bench, int threads, int factor,
                                     struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    for (int n = LEAST_BATCH; n <= MOST_BATCH && code == AFT_OK; n *= factor) {
        const struct aft_bench_update update = {{2, {64, 64}}, AFT_TANH, n, threads, "batch", n};
        code = aft_bench_measure_update(bench, &update, error);
    }
    for (int n = LEAST_WIDTH; n <= MOST_WIDTH && code == AFT_OK; n *= factor) {
        const struct aft_bench_update update = {{2, {n, n}}, AFT_TANH, BATCH_OF_WIDTHS,
                                                threads,     "width",  n};
        code = aft_bench_measure_update(bench, &update, error);
    }
    return code;
}

enum aft_code aft_bench_measure_growth(struct aft_bench *bench, struct aft_error *error)
{
    int counts[MAX_COUNTS], n = thread_counts(counts, bench->threads);
    enum aft_code code = AFT_OK;
    for (int i = 0; i < n && code == AFT_OK; i++) {
        code = measure_places(bench, counts[i], 4, error);
        if (code == AFT_OK && aft_bench_wants(bench, AFT_BENCH_UPDATE)) {
            code = measure_updates(bench, counts[i], bench->options->quick ? 4 : 2, error);
        }
    }
    return code;
}

/* --- tables --- */

static const struct aft_bench_result *find(const struct aft_bench *bench, const struct table *table,
                                           int size, int threads)
{
    for (int i = 0; i < bench->n_results; i++) {
        const struct aft_bench_result *result = &bench->results[i];
        if (result->axis != NULL && strcmp(result->axis, table->axis) == 0 &&
            strcmp(result->name, table->name) == 0 && result->variant == NULL &&
            result->size == size && result->threads == threads) {
            return result;
        }
    }
    return NULL;
}

/* The sizes of a table that were measured on one thread, ascending. */
static int sizes_of(int sizes[MAX_POINTS], const struct aft_bench *bench, const struct table *table)
{
    int n = 0;
    for (int size = 1; size <= MOST_BATCH && n < MAX_POINTS; size *= 2) {
        if (find(bench, table, size, 1) != NULL) {
            sizes[n++] = size;
        }
    }
    return n;
}

static void print_head(const struct aft_bench *bench, const struct table *table, const int *counts,
                       int n)
{
    bool markdown = bench->options->format == AFT_BENCH_MARKDOWN;
    char heading[32];
    (void)printf(markdown ? "\n**%s**, %s\n\n| %s |" : "\n%s, %s\n%24s", table->title, table->cost,
                 table->size);
    for (int i = 0; i < n; i++) {
        (void)snprintf(heading, sizeof heading, "%d thread%s", counts[i], counts[i] > 1 ? "s" : "");
        (void)printf(markdown ? " %s | of bound |" : " %12s of bound", heading);
    }
    (void)printf("\n");
    if (markdown) {
        (void)printf("|--:|");
        for (int i = 0; i < n; i++) {
            (void)printf("--:|--:|");
        }
        (void)printf("\n");
    }
}

static void print_table(const struct aft_bench *bench, const struct table *table)
{
    bool markdown = bench->options->format == AFT_BENCH_MARKDOWN;
    int counts[MAX_COUNTS], n = thread_counts(counts, bench->threads);
    int sizes[MAX_POINTS], n_sizes = sizes_of(sizes, bench, table);
    if (n_sizes > 0) {
        print_head(bench, table, counts, n);
    }
    for (int i = 0; i < n_sizes; i++) {
        (void)printf(markdown ? "| %d |" : "%24d", sizes[i]);
        for (int k = 0; k < n; k++) {
            const struct aft_bench_result *result = find(bench, table, sizes[i], counts[k]);
            double cost = result != NULL ? 1e9 / result->value : (double)NAN;
            double share = result != NULL ? 100 * result->fraction : (double)NAN;
            (void)printf(markdown ? " %.0f | %.1f %% |" : " %12.0f %6.1f %%", cost, share);
        }
        (void)printf("\n");
    }
}

void aft_bench_print_growth(const struct aft_bench *bench)
{
    for (int i = 0; i < TABLES; i++) {
        print_table(bench, &tables[i]);
    }
}

/* --- the picture --- */

struct drawing {
    struct aft_svg_panel panels[TABLES];
    int n_panels;
    struct lines {
        struct aft_svg_series series[2 * MAX_COUNTS]; /* cost and bound, by threads */
        char names[2 * MAX_COUNTS][32];
        double size[MAX_POINTS], cost[2 * MAX_COUNTS][MAX_POINTS];
    } lines[TABLES];
};

static void add_points(struct lines *lines, const struct aft_bench *bench,
                       const struct table *table, int threads, int at)
{
    int sizes[MAX_POINTS], n = sizes_of(sizes, bench, table), number = at / 2;
    for (int i = 0; i < n; i++) {
        const struct aft_bench_result *result = find(bench, table, sizes[i], threads);
        lines->size[i] = sizes[i];
        lines->cost[at][i] = result != NULL ? 1e9 / result->value : (double)NAN;
        lines->cost[at + 1][i] = result != NULL ? 1e9 / result->bound : (double)NAN;
    }
    (void)snprintf(lines->names[at], sizeof lines->names[at], "%d thread%s", threads,
                   threads > 1 ? "s" : "");
    (void)snprintf(lines->names[at + 1], sizeof lines->names[at + 1], "bound, %d", threads);
    for (int k = at; k < at + 2; k++) {
        lines->series[k] = (struct aft_svg_series){.name = lines->names[k],
                                                   .x = lines->size,
                                                   .y = lines->cost[k],
                                                   .n = (size_t)n,
                                                   .colour = number,
                                                   .dashed = k > at,
                                                   .markers = k == at};
    }
}

static void add_panel(struct drawing *drawing, const struct aft_bench *bench,
                      const struct table *table)
{
    int counts[MAX_COUNTS], n = thread_counts(counts, bench->threads);
    int sizes[MAX_POINTS];
    struct lines *lines = &drawing->lines[drawing->n_panels];
    if (sizes_of(sizes, bench, table) == 0) {
        return;
    }
    for (int i = 0; i < n; i++) {
        add_points(lines, bench, table, counts[i], 2 * i);
    }
    drawing->panels[drawing->n_panels++] =
        (struct aft_svg_panel){.title = table->title,
                               .x = {.label = table->size, .logarithmic = true},
                               .y = {.label = table->cost, .logarithmic = true},
                               .series = lines->series,
                               .n_series = 2 * n};
}

enum aft_code aft_bench_draw_growth(const struct aft_bench *bench, const char *path,
                                    struct aft_error *error)
{
    struct drawing *drawing = calloc(1, sizeof *drawing);
    char *text = NULL;
    size_t size = 0;
    if (drawing == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "draw '%s': out of memory", path);
    }
    for (int i = 0; i < TABLES; i++) {
        add_panel(drawing, bench, &tables[i]);
    }
    const struct aft_svg_plot plot = {
        .title = aft_bench_machine_name(bench->machine),
        .panels = drawing->panels,
        .n_panels = drawing->n_panels,
    };
    enum aft_code code = aft_svg_draw(&text, &size, &plot, error);
    if (code == AFT_OK) {
        code = aft_output_file_write(path, text, size, error);
    }
    free(text);
    free(drawing);
    return code;
}
