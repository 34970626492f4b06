/* aftershock compare: runs beside each other, and statistics over their seeds. */
#include "cli/compare_table.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* They fill one bool. */
static const struct aft_option options[] = {
    {.name = "json",
     .help = "one JSON document on standard output: runs, groups, differences, left_out",
     .kind = AFT_FLAG},
    {0},
};

static struct aft_json *figures_json(const struct aft_run_result *run, enum aft_quantity quantity,
                                     int stage)
{
    struct aft_json *object = aft_json_object();
    for (int f = 0; f < AFT_FIGURES; f++) {
        struct aft_column column = {quantity, stage, (enum aft_figure)f};
        aft_json_set_real(object, aft_figure_key(column.figure), aft_run_value(run, &column));
    }
    return object;
}

static struct aft_json *stage_json(const struct aft_run_result *run,
                                   const struct aft_stage_result *stage)
{
    struct aft_json *object = aft_json_object();
    aft_json_set_integer(object, "stage", stage->stage);
    aft_json_set_string(object, "name", stage->name);
    aft_json_set_string(object, "path", stage->path);
    aft_json_set_integer(object, "steps", stage->steps);
    aft_json_set_integer(object, "total_steps", stage->total_steps);
    aft_json_set_real(object, "trained_s", stage->trained_s);
    aft_json_set_real(object, "score", stage->score);
    aft_json_set(object, "at_end", figures_json(run, AFT_STAGE_AT_END, stage->stage));
    aft_json_set(object, "in_result", figures_json(run, AFT_STAGE_IN_RESULT, stage->stage));
    return object;
}

static struct aft_json *run_json(const struct aft_run_result *run)
{
    struct aft_json *object = aft_json_object(), *stages = aft_json_array();
    const struct aft_column result = {.quantity = AFT_RESULT_SCORE};
    aft_json_set_string(object, "path", run->path);
    aft_json_set_string(object, "run", run->name);
    aft_json_set_string(object, "label", run->label);
    aft_json_set_string(object, "group", run->group);
    aft_json_set_integer(object, "seed", (int64_t)run->seed);
    aft_json_set_integer(object, "stages_total", run->stages_total);
    aft_json_set_boolean(object, "complete", run->has_result);
    aft_json_set_real(object, "result_score", aft_run_value(run, &result));
    aft_json_set_real(object, "best_score", run->best_score);
    aft_json_set_integer(object, "best_stage", run->best_stage);
    for (int i = 0; i < run->n_stages; i++) {
        aft_json_append(stages, stage_json(run, &run->stages[i]));
    }
    aft_json_set(object, "stages", stages);
    return object;
}

/* NULL where memory is short, which the document then reports. */
static struct aft_json *summary_json(const struct aft_run_group *group,
                                     const struct aft_column *column)
{
    struct aft_seed_summary summary;
    struct aft_error error;
    if (aft_run_group_summary(&summary, group, column, &error) != AFT_OK) {
        return NULL;
    }
    struct aft_json *object = aft_json_object(), *interval = aft_json_array();
    aft_json_set_integer(object, "n", (int64_t)summary.n);
    aft_json_set_real(object, "mean", summary.mean);
    aft_json_set_real(object, "sd", summary.sd);
    aft_json_set_real(object, "iqm", summary.iqm);
    aft_json_append(interval, aft_json_real(summary.iqm_low));
    aft_json_append(interval, aft_json_real(summary.iqm_high));
    aft_json_set(object, "iqm_ci95", interval);
    aft_json_set_real(object, "min", summary.least);
    aft_json_set_real(object, "max", summary.greatest);
    return object;
}

static struct aft_json *summaries_json(const struct aft_run_group *group,
                                       enum aft_quantity quantity, int stage)
{
    struct aft_json *object = aft_json_object();
    for (int f = 0; f < AFT_FIGURES; f++) {
        struct aft_column column = {quantity, stage, (enum aft_figure)f};
        aft_json_set(object, aft_figure_key(column.figure), summary_json(group, &column));
    }
    return object;
}

static struct aft_json *group_json(const struct aft_run_group *group, int n_stages)
{
    static const struct {
        const char *key;
        struct aft_column column;
    } of_run[] = {{"result_score", {.quantity = AFT_RESULT_SCORE}},
                  {"best_score", {.quantity = AFT_BEST_SCORE}},
                  {"trained_s", {.quantity = AFT_TRAINED_S}}};
    struct aft_json *object = aft_json_object(), *seeds = aft_json_array();
    struct aft_json *stages = aft_json_array();
    aft_json_set_string(object, "name", group->name);
    for (int i = 0; i < group->n; i++) {
        aft_json_append(seeds, aft_json_integer((int64_t)group->runs[i]->seed));
    }
    aft_json_set(object, "seeds", seeds);
    for (size_t i = 0; i < sizeof of_run / sizeof of_run[0]; i++) {
        aft_json_set(object, of_run[i].key, summary_json(group, &of_run[i].column));
    }
    for (int stage = 1; stage <= n_stages; stage++) {
        const struct aft_column score = {.quantity = AFT_STAGE_SCORE, .stage = stage};
        struct aft_json *item = aft_json_object();
        aft_json_set_integer(item, "stage", stage);
        aft_json_set(item, "score", summary_json(group, &score));
        aft_json_set(item, "at_end", summaries_json(group, AFT_STAGE_AT_END, stage));
        aft_json_set(item, "in_result", summaries_json(group, AFT_STAGE_IN_RESULT, stage));
        aft_json_append(stages, item);
    }
    aft_json_set(object, "stages", stages);
    return object;
}

static struct aft_json *difference_json(const struct aft_run_results *results,
                                        const struct aft_setting_difference *difference)
{
    struct aft_json *object = aft_json_object(), *values = aft_json_array();
    aft_json_set_integer(object, "stage", difference->stage);
    aft_json_set_string(object, "key", difference->key);
    for (int i = 0; i < results->n; i++) { /* one for each run, in their order */
        const struct aft_json *value = aft_run_setting(&results->runs[i], difference);
        aft_json_append(values, value ? aft_json_copy(value) : aft_json_null());
    }
    aft_json_set(object, "values", values);
    return object;
}

static enum aft_code print_json(const struct aft_run_results *results,
                                const struct aft_run_comparison *comparison,
                                struct aft_error *error)
{
    struct aft_json *document = aft_json_object(), *runs = aft_json_array();
    struct aft_json *groups = aft_json_array(), *differences = aft_json_array();
    struct aft_json *left_out = aft_json_array();
    for (int i = 0; i < results->n; i++) {
        aft_json_append(runs, run_json(&results->runs[i]));
    }
    for (int i = 0; i < comparison->n_groups; i++) {
        aft_json_append(groups, group_json(&comparison->groups[i], comparison->stages));
    }
    for (int i = 0; i < comparison->n_differences; i++) {
        aft_json_append(differences, difference_json(results, &comparison->differences[i]));
    }
    for (int i = 0; i < results->n_left_out; i++) {
        struct aft_json *item = aft_json_object();
        aft_json_set_string(item, "path", results->left_out[i].path);
        aft_json_set_string(item, "reason", results->left_out[i].reason);
        aft_json_append(left_out, item);
    }
    aft_json_set(document, "runs", runs);
    aft_json_set(document, "groups", groups);
    aft_json_set(document, "differences", differences);
    aft_json_set(document, "left_out", left_out);
    enum aft_code code = aft_json_print(stdout, document, error);
    aft_json_destroy(document);
    return code;
}

static enum aft_code read_and_print(struct aft_run_results *results, char **paths, int n, bool json,
                                    struct aft_error *error)
{
    struct aft_run_comparison comparison;
    for (int i = 0; i < n; i++) {
        enum aft_code code = aft_run_results_add(results, paths[i], error);
        if (code != AFT_OK) {
            return code;
        }
    }
    enum aft_code code = aft_run_comparison_make(&comparison, results, error);
    if (code != AFT_OK) {
        return code;
    }
    code = json ? print_json(results, &comparison, error)
                : aft_compare_print_tables(results, &comparison, error);
    aft_run_comparison_clear(&comparison);
    return code;
}

static int compare(char **paths, int n, bool json)
{
    struct aft_run_results results = {0};
    struct aft_error error;
    struct stat status;
    for (int i = 0; i < n; i++) {
        if (stat(paths[i], &status) != 0) {
            return aft_usage_error(&aft_command_compare, "'%s': %s", paths[i], strerror(errno));
        }
    }
    enum aft_code code = read_and_print(&results, paths, n, json, &error);
    int exit_code = results.n_left_out > 0 ? AFT_EXIT_REFUSED : AFT_EXIT_OK;
    if (code != AFT_OK) {
        exit_code = aft_report_failure(&aft_command_compare, &error);
    }
    for (int i = 0; i < results.n_left_out; i++) {
        (void)fprintf(stderr, "aftershock compare: left out: %s: %s\n", results.left_out[i].path,
                      results.left_out[i].reason);
    }
    aft_run_results_clear(&results);
    return exit_code;
}

static int run(int argc, char **argv)
{
    bool json = false;
    int code;
    if (!aft_options_parse(&code, &json, &aft_command_compare, argc, argv)) {
        return code;
    }
    if (optind >= argc) {
        return aft_usage_error(&aft_command_compare, "expected run folders or archives");
    }
    return compare(argv + optind, argc - optind, json);
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "RUN is a run's folder, or one archive. Prints the scores that the archives carry: "
              "for each stage peak and rms drift to passive and stroke, at the stage's end and in "
              "the run's result, steps and wall time. Nothing is simulated, nothing is changed. "
              "Runs of one name and of different seeds (NAME-seed<k>, as 'train --seeds' names "
              "them, count as NAME) are put together: mean, standard deviation, interquartile "
              "mean with its 95 % bootstrap interval, least and greatest. Settings in which the "
              "runs differ are listed. What cannot be verified is named, and left out."},
    {0},
};
static const struct aft_entry exit_codes[] = {{"0", "done"},
                                              {"1", "a folder cannot be read"},
                                              {"2", "bad usage, or a path that does not exist"},
                                              {"3", "something was left out; the rest is printed"},
                                              {0}};
static const struct aft_entry examples[] = {
    {"aftershock compare models/default-seed*", ""},
    {"aftershock compare models/*/final_*.zip --json | jq '.groups[].result_score'", ""},
    {0},
};

const struct aft_command aft_command_compare = {
    .name = "compare",
    .summary = "runs beside each other, and statistics over their seeds",
    .synopsis = "[--json] RUN...",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
