#include "runner/run_result.h"

#include "base/path.h"
#include "recovery/scan.h"
#include "runner/archive_curriculum.h"
#include "runner/train_seeds.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *aft_figure_key(enum aft_figure figure)
{
    static const char *const keys[AFT_FIGURES] = {
        [AFT_FIGURE_PEAK] = "peak_drift_to_passive",  [AFT_FIGURE_RMS] = "rms_drift_to_passive",
        [AFT_FIGURE_WORST] = "worst_peak_to_passive", [AFT_FIGURE_STROKE] = "stroke_max_m",
        [AFT_FIGURE_POWER] = "power_max_w",
    };
    return keys[figure];
}

static enum aft_code no_memory(struct aft_error *error, const char *path)
{
    return aft_fail(error, AFT_ERR_MEMORY, "read '%s': out of memory", path);
}

static enum aft_code leave_out(struct aft_run_results *results, const char *path,
                               const char *reason, struct aft_error *error)
{
    size_t n = (size_t)results->n_left_out + 1;
    struct aft_left_out *list = realloc(results->left_out, n * sizeof *list);
    if (list == NULL) {
        return no_memory(error, path);
    }
    results->left_out = list;
    (void)snprintf(list[n - 1].path, sizeof list[n - 1].path, "%s", path);
    (void)snprintf(list[n - 1].reason, sizeof list[n - 1].reason, "%s", reason);
    results->n_left_out++;
    return AFT_OK;
}

static void clear_stage(struct aft_stage_result *result)
{
    free(result->figures);
    aft_json_destroy(result->settings);
}

static void clear_run(struct aft_run_result *run)
{
    for (int i = 0; i < run->n_stages; i++) {
        clear_stage(&run->stages[i]);
    }
    free(run->stages);
}

void aft_run_results_clear(struct aft_run_results *results)
{
    for (int i = 0; i < results->n; i++) {
        clear_run(&results->runs[i]);
    }
    free(results->runs);
    free(results->left_out);
    *results = (struct aft_run_results){0};
}

/* Not part of the settings that training is held to, but scores depend on them. */
static void add_evaluation(struct aft_json *settings, const struct aft_archive *archive)
{
    struct aft_curriculum *curriculum = NULL;
    struct aft_error ignored;
    if (aft_curriculum_of_archive(&curriculum, archive, NULL, 0, &ignored) != AFT_OK) {
        return;
    }
    aft_json_set_integer(settings, "evaluation.motions", curriculum->evaluation.motions);
    aft_json_set_real(settings, "evaluation.tail_s", curriculum->evaluation.tail_s);
    aft_curriculum_destroy(curriculum);
}

static enum aft_code read_figures(struct aft_stage_result *result, const struct aft_json *scores,
                                  struct aft_error *error)
{
    int n = (int)aft_json_length(scores);
    result->figures = calloc((size_t)n + 1, sizeof *result->figures);
    if (result->figures == NULL) {
        return no_memory(error, result->path);
    }
    result->n_figures = n;
    for (int i = 0; i < n; i++) {
        for (int f = 0; f < AFT_FIGURES; f++) {
            result->figures[i].figure[f] = aft_json_get_real(
                aft_json_at(scores, (size_t)i), aft_figure_key((enum aft_figure)f), NAN);
        }
    }
    return AFT_OK;
}

static enum aft_code read_stage(struct aft_stage_result *result, const struct aft_archive *archive,
                                const char *path, struct aft_error *error)
{
    const struct aft_json *manifest = aft_archive_manifest(archive);
    const struct aft_archive_counters *counters = aft_archive_counters(archive);
    const struct aft_json *settings = aft_json_get(manifest, "settings");
    *result = (struct aft_stage_result){
        .stage = (int)counters->stage,
        .steps = counters->steps,
        .total_steps = counters->total_steps,
        .score = aft_json_get_real(manifest, "score", NAN),
        .trained_s = aft_json_get_real(manifest, "trained_s", NAN),
        .settings = aft_json_is_object(settings) ? aft_json_copy(settings) : aft_json_object(),
    };
    (void)snprintf(result->path, sizeof result->path, "%s", path);
    (void)snprintf(result->name, sizeof result->name, "%s",
                   aft_json_get_string(manifest, "stage_name", ""));
    add_evaluation(result->settings, archive);
    return read_figures(result, aft_json_get(manifest, "scores"), error);
}

/* NAME of NAME-seed<k>, if k is the run's seed: what --seeds names its runs. */
static void name_group(struct aft_run_result *run)
{
    char suffix[48];
    (void)snprintf(suffix, sizeof suffix, AFT_SEED_SUFFIX "%" PRIu64, run->seed);
    size_t length = strlen(run->name), tail = strlen(suffix);
    bool of_seeds = length > tail && strcmp(run->name + length - tail, suffix) == 0;
    (void)snprintf(run->group, sizeof run->group, "%.*s", (int)(of_seeds ? length - tail : length),
                   run->name);
}

static void name_run(struct aft_run_result *run, const struct aft_json *manifest)
{
    (void)snprintf(run->name, sizeof run->name, "%s",
                   aft_json_get_string(manifest, "run", "(no name)"));
    run->seed = (uint64_t)aft_json_get_integer(manifest, "seed", 0);
    run->stages_total = (int)aft_json_get_integer(manifest, "stages_total", 0);
    name_group(run);
}

/* Into its place by number; a second archive of the same stage is left out. */
static enum aft_code insert_stage(struct aft_run_results *results, struct aft_run_result *run,
                                  struct aft_stage_result *result, struct aft_error *error)
{
    int at = run->n_stages;
    if (aft_run_stage(run, result->stage) != NULL) {
        enum aft_code code =
            leave_out(results, result->path, "another archive is of the same stage", error);
        clear_stage(result);
        return code;
    }
    size_t n = (size_t)run->n_stages + 1;
    struct aft_stage_result *list = realloc(run->stages, n * sizeof *list);
    if (list == NULL) {
        clear_stage(result);
        return no_memory(error, run->path);
    }
    run->stages = list;
    for (; at > 0 && list[at - 1].stage > result->stage; at--) {
        list[at] = list[at - 1];
    }
    list[at] = *result;
    run->n_stages++;
    return AFT_OK;
}

static enum aft_code add_archive(struct aft_run_results *results, struct aft_run_result *run,
                                 const char *path, struct aft_error *error)
{
    struct aft_archive *archive = NULL;
    struct aft_error reason;
    struct aft_stage_result result;
    enum aft_code code = aft_archive_open(&archive, path, &reason);
    if (code != AFT_OK) {
        return leave_out(results, path, reason.message, error);
    }
    int64_t stage = aft_archive_counters(archive)->stage;
    if (stage < 1 || stage > AFT_MAX_STAGES) {
        aft_archive_close(archive);
        return leave_out(results, path, "it is of a stage that no curriculum has", error);
    }
    code = read_stage(&result, archive, path, error);
    if (code == AFT_OK) {
        name_run(run, aft_archive_manifest(archive));
        code = insert_stage(results, run, &result, error);
    } else {
        clear_stage(&result);
    }
    aft_archive_close(archive);
    return code;
}

static void take_best(struct aft_run_result *run, double score, int stage)
{
    if (isfinite(score) && !(score <= run->best_score)) {
        run->best_score = score;
        run->best_stage = stage;
    }
}

static enum aft_code read_entry(struct aft_run_results *results, struct aft_run_result *run,
                                const struct aft_scan_entry *entry, struct aft_error *error)
{
    bool is_stage = aft_scan_is_stage_archive(entry);
    if (entry->set_aside ||
        (!is_stage && entry->kind != AFT_ARCHIVE_BEST && entry->kind != AFT_ARCHIVE_FINAL)) {
        return AFT_OK;
    }
    if (!entry->valid) {
        return leave_out(results, entry->path, entry->reason, error);
    }
    take_best(run, entry->score, entry->stage);
    return is_stage ? add_archive(results, run, entry->path, error) : AFT_OK;
}

static enum aft_code read_folder(struct aft_run_results *results, struct aft_run_result *run,
                                 struct aft_error *error)
{
    struct aft_scan scan;
    enum aft_code code = aft_scan_folder(&scan, run->path, error);
    if (code != AFT_OK) {
        return code;
    }
    for (int i = 0; i < scan.n && code == AFT_OK; i++) {
        code = read_entry(results, run, &scan.entries[i], error);
    }
    aft_scan_clear(&scan);
    (void)snprintf(run->label, sizeof run->label, "%s", run->name);
    run->has_result = run->n_stages > 0 && run->n_stages == run->stages_total;
    if (code == AFT_OK && run->n_stages == 0) {
        code = leave_out(results, run->path, "no sound archive of a complete stage", error);
    }
    return code;
}

static enum aft_code read_file(struct aft_run_results *results, struct aft_run_result *run,
                               struct aft_error *error)
{
    enum aft_code code = add_archive(results, run, run->path, error);
    run->has_result = run->n_stages > 0;
    if (run->has_result) {
        (void)snprintf(run->label, sizeof run->label, "%s/%.*s", run->name,
                       (int)(sizeof run->label - sizeof run->name - 1), aft_path_name(run->path));
        take_best(run, run->stages[0].score, run->stages[0].stage);
    }
    return code;
}

enum aft_code aft_run_results_add(struct aft_run_results *results, const char *path,
                                  struct aft_error *error)
{
    struct stat status;
    struct aft_run_result run = {.best_score = NAN};
    if (strlen(path) >= sizeof run.path || stat(path, &status) != 0) {
        return aft_fail_errno(error, "read '%s'", path);
    }
    (void)snprintf(run.path, sizeof run.path, "%s", path);
    enum aft_code code = S_ISDIR(status.st_mode) ? read_folder(results, &run, error)
                                                 : read_file(results, &run, error);
    if (code != AFT_OK || run.n_stages == 0) {
        clear_run(&run);
        return code;
    }
    struct aft_run_result *list = realloc(results->runs, ((size_t)results->n + 1) * sizeof *list);
    if (list == NULL) {
        clear_run(&run);
        return no_memory(error, path);
    }
    results->runs = list;
    results->runs[results->n++] = run;
    return AFT_OK;
}

const struct aft_stage_result *aft_run_stage(const struct aft_run_result *run, int stage)
{
    for (int i = 0; i < run->n_stages; i++) {
        if (run->stages[i].stage == stage) {
            return &run->stages[i];
        }
    }
    return NULL;
}

const struct aft_stage_result *aft_run_final(const struct aft_run_result *run)
{
    return run->has_result ? &run->stages[run->n_stages - 1] : NULL;
}

double aft_stage_figure(const struct aft_stage_result *result, int stage, enum aft_figure figure)
{
    return result != NULL && stage >= 1 && stage <= result->n_figures
               ? result->figures[stage - 1].figure[figure]
               : NAN;
}
