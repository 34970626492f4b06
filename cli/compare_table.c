#include "cli/compare_table.h"

#include "recovery/plan_report.h"
#include "report/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_LABEL = 20, MOST_LABEL = 44 };

/* The figures that have a column; all are in the JSON document. */
static const struct {
    enum aft_figure figure;
    const char *name;
} shown[] = {{AFT_FIGURE_PEAK, "peak"},
             {AFT_FIGURE_RMS, "rms"},
             {AFT_FIGURE_WORST, "worst"},
             {AFT_FIGURE_STROKE, "stroke"}};
enum { N_SHOWN = sizeof shown / sizeof shown[0] };

static int label_width(const struct aft_run_results *results)
{
    int width = LEAST_LABEL;
    for (int i = 0; i < results->n; i++) {
        int length = (int)strnlen(results->runs[i].label, MOST_LABEL);
        width = length > width ? length : width;
    }
    return width;
}

static void print_number(double number, int width)
{
    if (isfinite(number)) {
        (void)printf(" %*.3f", width, number);
    } else {
        (void)printf(" %*s", width, "-");
    }
}

static void print_runs(const struct aft_run_results *results, int width)
{
    static const struct aft_column result = {.quantity = AFT_RESULT_SCORE};
    (void)printf("%-*s %10s %7s %8s %8s %13s %12s\n", width, "run", "seed", "stages", "result",
                 "best", "steps", "trained");
    for (int i = 0; i < results->n; i++) {
        const struct aft_run_result *run = &results->runs[i];
        const struct aft_stage_result *last = &run->stages[run->n_stages - 1];
        char stages[32], steps[AFT_TEXT_NUMBER], trained[AFT_TEXT_NUMBER];
        (void)snprintf(stages, sizeof stages, "%d/%d", run->n_stages, run->stages_total);
        (void)printf("%-*s %10" PRIu64 " %7s", width, run->label, run->seed, stages);
        print_number(aft_run_value(run, &result), 8);
        print_number(run->best_score, 8);
        (void)printf(" %13s %12s\n", aft_text_count(steps, last->total_steps),
                     aft_text_duration(trained, last->trained_s));
    }
    (void)printf(
        "result, best: scores, minus the mean peak drift to passive over all stages' held-out\n"
        "motions; of the last stage's result, and the best of the run\n");
}

static void print_stage(const struct aft_run_results *results, int stage, int width)
{
    (void)printf("\nStage %d %s\n%-*s |%s at the end of the stage %s|%s in the result\n", stage,
                 aft_run_stage_name(results, stage), width, "", "        ", "      ", "");
    (void)printf("%-*s |", width, "run");
    for (int half = 0; half < 2; half++) {
        for (int f = 0; f < N_SHOWN; f++) {
            (void)printf(" %7s", shown[f].name);
        }
        (void)printf(half == 0 ? "   score |" : "\n");
    }
    for (int i = 0; i < results->n; i++) {
        const struct aft_run_result *run = &results->runs[i];
        struct aft_column column = {.quantity = AFT_STAGE_AT_END, .stage = stage};
        (void)printf("%-*s |", width, run->label);
        for (int f = 0; f < N_SHOWN; f++) {
            column.figure = shown[f].figure;
            print_number(aft_run_value(run, &column), 7);
        }
        column.quantity = AFT_STAGE_SCORE;
        print_number(aft_run_value(run, &column), 7);
        (void)printf(" |");
        column.quantity = AFT_STAGE_IN_RESULT;
        for (int f = 0; f < N_SHOWN; f++) {
            column.figure = shown[f].figure;
            print_number(aft_run_value(run, &column), 7);
        }
        (void)printf("\n");
    }
}

static enum aft_code print_summary(const struct aft_run_group *group, const char *label,
                                   const struct aft_column *column, struct aft_error *error)
{
    struct aft_seed_summary s;
    enum aft_code code = aft_run_group_summary(&s, group, column, error);
    if (code != AFT_OK || s.n == 0) {
        return code;
    }
    (void)printf("  %-34s %5zu", label, s.n);
    print_number(s.mean, 8);
    print_number(s.sd, 8);
    print_number(s.iqm, 8);
    print_number(s.iqm_low, 9);
    print_number(s.iqm_high, 8);
    print_number(s.least, 8);
    print_number(s.greatest, 8);
    (void)printf("\n");
    return code;
}

static enum aft_code print_stage_summary(const struct aft_run_group *group, int stage,
                                         struct aft_error *error)
{
    static const struct {
        enum aft_quantity quantity;
        const char *when;
    } times[] = {{AFT_STAGE_AT_END, "at its end"}, {AFT_STAGE_IN_RESULT, "in the result"}};
    enum aft_code code = AFT_OK;
    for (size_t t = 0; t < sizeof times / sizeof times[0]; t++) {
        for (int f = 0; f < N_SHOWN && code == AFT_OK; f++) {
            char label[64];
            struct aft_column column = {times[t].quantity, stage, shown[f].figure};
            (void)snprintf(label, sizeof label, "stage %d %s, %s", stage, shown[f].name,
                           times[t].when);
            code = print_summary(group, label, &column, error);
        }
    }
    return code;
}

static enum aft_code print_group(const struct aft_run_group *group, int stages,
                                 struct aft_error *error)
{
    const struct aft_column result = {.quantity = AFT_RESULT_SCORE};
    const struct aft_column best = {.quantity = AFT_BEST_SCORE};
    (void)printf("\n%s: %d seeds\n  %-34s %5s %8s %8s %8s %18s %8s %8s\n", group->name, group->n,
                 "", "n", "mean", "sd", "IQM", "95 % of the IQM", "min", "max");
    enum aft_code code = print_summary(group, "score of the result", &result, error);
    if (code == AFT_OK) {
        code = print_summary(group, "best score", &best, error);
    }
    for (int stage = 1; stage <= stages && code == AFT_OK; stage++) {
        code = print_stage_summary(group, stage, error);
    }
    return code;
}

static void print_difference(const struct aft_run_results *results,
                             const struct aft_setting_difference *difference)
{
    (void)printf("  stage %d %s:", difference->stage, difference->key);
    for (int i = 0; i < results->n; i++) {
        const struct aft_run_result *run = &results->runs[i];
        if (aft_run_stage(run, difference->stage) != NULL) {
            (void)printf("  %s ", run->label);
            aft_plan_print_setting(stdout, aft_run_setting(run, difference));
        }
    }
    (void)printf("\n");
}

enum aft_code aft_compare_print_tables(const struct aft_run_results *results,
                                       const struct aft_run_comparison *comparison,
                                       struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    int width = label_width(results);
    if (results->n == 0) {
        return AFT_OK;
    }
    print_runs(results, width);
    for (int stage = 1; stage <= comparison->stages; stage++) {
        print_stage(results, stage, width);
    }
    (void)printf(
        "peak, rms: mean drift to passive on the stage's held-out motions; worst: the largest\n"
        "peak of one motion; stroke: the largest, in m\n");
    for (int i = 0; i < comparison->n_groups && code == AFT_OK; i++) {
        code = print_group(&comparison->groups[i], comparison->stages, error);
    }
    if (comparison->n_differences > 0) {
        (void)printf("\nSettings that differ\n");
    }
    for (int i = 0; i < comparison->n_differences; i++) {
        print_difference(results, &comparison->differences[i]);
    }
    return code;
}
