#include "runner/run_comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double aft_run_value(const struct aft_run_result *run, const struct aft_column *column)
{
    const struct aft_stage_result *result = aft_run_final(run);
    const struct aft_stage_result *stage = aft_run_stage(run, column->stage);
    switch (column->quantity) {
    case AFT_RESULT_SCORE:
        return result != NULL ? result->score : NAN;
    case AFT_BEST_SCORE:
        return run->best_score;
    case AFT_TRAINED_S:
        return result != NULL ? result->trained_s : NAN;
    case AFT_STAGE_SCORE:
        return stage != NULL ? stage->score : NAN;
    case AFT_STAGE_AT_END:
        return aft_stage_figure(stage, column->stage, column->figure);
    default:
        return aft_stage_figure(result, column->stage, column->figure);
    }
}

/* The runs of that one's name into the group; false where a seed is there twice. */
static bool gather(struct aft_run_group *group, const struct aft_run_results *results, int first)
{
    group->name = results->runs[first].group;
    for (int i = first; i < results->n; i++) {
        const struct aft_run_result *run = &results->runs[i];
        if (strcmp(run->group, group->name) != 0) {
            continue;
        }
        for (int j = 0; j < group->n; j++) {
            if (group->runs[j]->seed == run->seed) {
                return false;
            }
        }
        group->runs[group->n++] = run;
    }
    return group->n > 1;
}

static bool is_first_of_its_name(const struct aft_run_results *results, int index)
{
    for (int i = 0; i < index; i++) {
        if (strcmp(results->runs[i].group, results->runs[index].group) == 0) {
            return false;
        }
    }
    return true;
}

static enum aft_code find_groups(struct aft_run_comparison *comparison,
                                 const struct aft_run_results *results, struct aft_error *error)
{
    size_t n = (size_t)results->n;
    comparison->groups = calloc(n + 1, sizeof *comparison->groups);
    if (comparison->groups == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "compare runs: out of memory");
    }
    for (int i = 0; i < results->n; i++) {
        struct aft_run_group group = {.runs = calloc(n, sizeof *group.runs)};
        if (group.runs == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "compare runs: out of memory");
        }
        if (is_first_of_its_name(results, i) && gather(&group, results, i)) {
            comparison->groups[comparison->n_groups++] = group;
        } else {
            free(group.runs);
        }
    }
    return AFT_OK;
}

/* The first run with that stage whose settings have the key; NULL: none before `end`. */
static const struct aft_run_result *first_with(const struct aft_run_results *results, int end,
                                               const struct aft_setting_difference *of)
{
    for (int i = 0; i < end; i++) {
        if (aft_run_setting(&results->runs[i], of) != NULL) {
            return &results->runs[i];
        }
    }
    return NULL;
}

static bool differs(const struct aft_run_results *results,
                    const struct aft_setting_difference *setting)
{
    const struct aft_run_result *first = first_with(results, results->n, setting);
    for (int i = 0; i < results->n; i++) {
        const struct aft_json *value = aft_run_setting(&results->runs[i], setting);
        bool has_stage = aft_run_stage(&results->runs[i], setting->stage) != NULL;
        if (has_stage &&
            (value == NULL || !aft_json_equal(value, aft_run_setting(first, setting)))) {
            return true;
        }
    }
    return false;
}

static enum aft_code add_difference(struct aft_run_comparison *comparison,
                                    const struct aft_setting_difference *difference,
                                    struct aft_error *error)
{
    size_t n = (size_t)comparison->n_differences + 1;
    struct aft_setting_difference *list = realloc(comparison->differences, n * sizeof *list);
    if (list == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "compare settings: out of memory");
    }
    comparison->differences = list;
    list[comparison->n_differences++] = *difference;
    return AFT_OK;
}

/* Each key is looked at once: at the first run that has it. */
static enum aft_code compare_settings(struct aft_run_comparison *comparison,
                                      const struct aft_run_results *results, int stage, int run,
                                      struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    const struct aft_stage_result *own = aft_run_stage(&results->runs[run], stage);
    size_t n = own != NULL ? aft_json_length(own->settings) : 0;
    for (size_t i = 0; i < n && code == AFT_OK; i++) {
        const struct aft_json *value;
        struct aft_setting_difference setting = {stage, aft_json_key_at(own->settings, i, &value)};
        if (strcmp(setting.key, "run.seed") != 0 && first_with(results, run, &setting) == NULL &&
            differs(results, &setting)) {
            code = add_difference(comparison, &setting, error);
        }
    }
    return code;
}

enum aft_code aft_run_comparison_make(struct aft_run_comparison *comparison,
                                      const struct aft_run_results *results,
                                      struct aft_error *error)
{
    *comparison = (struct aft_run_comparison){0};
    for (int i = 0; i < results->n; i++) {
        const struct aft_run_result *run = &results->runs[i];
        int last = run->stages[run->n_stages - 1].stage;
        comparison->stages = last > comparison->stages ? last : comparison->stages;
    }
    enum aft_code code = find_groups(comparison, results, error);
    for (int stage = 1; stage <= comparison->stages; stage++) {
        for (int run = 0; run < results->n && code == AFT_OK; run++) {
            code = compare_settings(comparison, results, stage, run, error);
        }
    }
    if (code != AFT_OK) {
        aft_run_comparison_clear(comparison);
    }
    return code;
}

void aft_run_comparison_clear(struct aft_run_comparison *comparison)
{
    for (int i = 0; i < comparison->n_groups; i++) {
        free(comparison->groups[i].runs);
    }
    free(comparison->groups);
    free(comparison->differences);
    *comparison = (struct aft_run_comparison){0};
}

enum aft_code aft_run_group_summary(struct aft_seed_summary *summary,
                                    const struct aft_run_group *group,
                                    const struct aft_column *column, struct aft_error *error)
{
    double *values = calloc((size_t)group->n, sizeof *values);
    if (values == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "compare runs: out of memory");
    }
    for (int i = 0; i < group->n; i++) {
        values[i] = aft_run_value(group->runs[i], column);
    }
    enum aft_code code = aft_seed_summary_of(summary, values, (size_t)group->n, error);
    free(values);
    return code;
}

const struct aft_json *aft_run_setting(const struct aft_run_result *run,
                                       const struct aft_setting_difference *difference)
{
    const struct aft_stage_result *stage = aft_run_stage(run, difference->stage);
    return stage != NULL ? aft_json_get(stage->settings, difference->key) : NULL;
}

const char *aft_run_stage_name(const struct aft_run_results *results, int stage)
{
    for (int i = 0; i < results->n; i++) {
        const struct aft_stage_result *result = aft_run_stage(&results->runs[i], stage);
        if (result != NULL) {
            return result->name;
        }
    }
    return "";
}
