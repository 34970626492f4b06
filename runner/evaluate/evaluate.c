/* aftershock evaluate: the policy beside the reference controllers, stage by stage. */
#include "runner/compute.h"
#include "runner/evaluate/results.h"
#include "runner/exit_code.h"
#include "runner/output_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The stages to evaluate: the one asked for, or all up to the archive's. */
static enum aft_code choose_stages(int *first, int *n, const struct aft_trained_policy *policy,
                                   const struct aft_evaluate_options *options,
                                   struct aft_error *error)
{
    *first = 1;
    *n = policy->stage;
    if (options->stage == 0) {
        return AFT_OK;
    }
    *first = options->stage;
    *n = 1;
    if (options->stage > policy->curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_USAGE, "--stage %d: the archive's curriculum has %d",
                        options->stage, policy->curriculum->n_stages);
    }
    return AFT_OK;
}

static enum aft_code allocate(struct aft_evaluation_results *results, int n,
                              struct aft_error *error)
{
    size_t stages = (size_t)n;
    results->stages = calloc(stages, sizeof *results->stages);
    results->by_stage = calloc(stages, sizeof *results->by_stage);
    if (results->options->robustness) {
        results->robustness = calloc(stages * AFT_N_ROBUST_CASES, sizeof *results->robustness);
    }
    if (results->stages == NULL || results->by_stage == NULL ||
        (results->options->robustness && results->robustness == NULL)) {
        return aft_fail(error, AFT_ERR_MEMORY, "evaluate %d stages: out of memory", n);
    }
    return AFT_OK;
}

static enum aft_code evaluate(struct aft_evaluation_results *results,
                              const struct aft_compared_policies *policies, struct aft_error *error)
{
    int first = 0, n = 0;
    enum aft_code code = choose_stages(&first, &n, policies->policy, results->options, error);
    if (code == AFT_OK) {
        code = allocate(results, n, error);
    }
    for (int i = 0; i < n && code == AFT_OK; i++) {
        struct aft_comparison *comparison = &results->stages[i];
        results->n_stages = i + 1;
        code = aft_comparison_run(comparison, policies, first + i, results->options, error);
        if (code == AFT_OK) {
            code = aft_summarise(&results->by_stage[i], comparison, 1, error);
        }
        if (code == AFT_OK && results->robustness != NULL) {
            code = aft_robust_run(aft_evaluation_robustness(results, i), comparison, error);
        }
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): aft_run_evaluate clears the results */
    return code == AFT_OK ? aft_summarise(&results->all, results->stages, n, error) : code;
}

static void warn_of_statistics(const struct aft_trained_policy *policy)
{
    const struct aft_sb3_model *model =
        policy != NULL ? aft_archive_sb3_model(policy->archive) : NULL;
    if (model != NULL && model->vec_normalize) {
        (void)fprintf(stderr,
                      "note: the model was trained within a VecNormalize; if that "
                      "normalised observations, it is judged without\n");
    }
}

static void warn_of_units(const struct aft_evaluation_results *results)
{
    const struct aft_motion_list *list = &results->stages[0].motions;
    for (int i = 0; i < list->n; i++) {
        if (list->motions[i].motion.units_assumed) {
            (void)fprintf(stderr, "note: '%s' names no unit; its numbers are taken as g\n",
                          list->motions[i].name);
        }
    }
}

static enum aft_code write_csv(const struct aft_evaluation_results *results, const char *path,
                               struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", path);
    }
    aft_evaluation_csv(out, results);
    enum aft_code code = fclose(out) == 0
                             ? aft_output_file_write(path, text, size, error)
                             : aft_fail(error, AFT_ERR_MEMORY, "write '%s': out of memory", path);
    free(text);
    return code;
}

static enum aft_code write_page(const struct aft_evaluation_results *results, const char *path,
                                struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    enum aft_code code = aft_evaluation_page(&text, &size, results, error);
    if (code == AFT_OK) {
        code = aft_output_file_write(path, text, size, error);
    }
    free(text);
    return code;
}

static enum aft_code report(const struct aft_evaluation_results *results, struct aft_error *error)
{
    const struct aft_evaluate_options *options = results->options;
    enum aft_code code = AFT_OK;
    warn_of_statistics(results->policy);
    warn_of_statistics(results->baseline);
    warn_of_units(results);
    if (options->csv_path != NULL) {
        code = write_csv(results, options->csv_path, error);
    }
    if (code == AFT_OK && options->report_path != NULL) {
        code = write_page(results, options->report_path, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (!options->json) {
        aft_evaluation_table(stdout, results);
        return AFT_OK;
    }
    struct aft_json *document = aft_evaluation_json(results);
    code = aft_json_print(stdout, document, error);
    aft_json_destroy(document);
    return code;
}

static void clear(struct aft_evaluation_results *results)
{
    for (int i = 0; i < results->n_stages; i++) {
        aft_comparison_clear(&results->stages[i]);
    }
    free(results->stages);
    free(results->by_stage);
    free(results->robustness);
}

static void close_policies(const struct aft_compared_policies *policies)
{
    aft_trained_policy_close(policies->policy);
    if (policies->baseline != NULL) {
        aft_trained_policy_close(policies->baseline);
    }
}

static bool same_list(const struct aft_int_list *a, const struct aft_int_list *b)
{
    return a->n == b->n && memcmp(a->value, b->value, (size_t)a->n * sizeof *a->value) == 0;
}

/* The key of [environment] in which the policies' observations or commands differ in kind, or
 * NULL: one that is fed with the other's would be judged for what it never learned. */
static const char *different_key(const struct aft_trained_policy *one,
                                 const struct aft_trained_policy *other)
{
    const struct aft_environment_settings *a = &one->curriculum->stages[0].environment;
    const struct aft_environment_settings *b = &other->curriculum->stages[0].environment;
    return !same_list(&a->acceleration_floors, &b->acceleration_floors) ? "acceleration_floors"
           : !same_list(&a->drift_storeys, &b->drift_storeys)           ? "drift_storeys"
           : a->observer != b->observer                                 ? "observer"
           : a->nominal != b->nominal                                   ? "nominal"
           : a->accelerometer_range_g != b->accelerometer_range_g       ? "accelerometer_range_g"
                                                                        : NULL;
}

static enum aft_code check_baseline(const struct aft_compared_policies *policies,
                                    const struct aft_policy_source *source, const char *against,
                                    struct aft_error *error)
{
    int mine = policies->policy->obs_dim, others = policies->baseline->obs_dim;
    const char *key = different_key(policies->policy, policies->baseline);
    if (key != NULL) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "--against '%.150s': its environment.%s is not that of '%.150s'", against,
                        key, source->path);
    }
    return others == mine
               ? AFT_OK
               : aft_fail(error, AFT_ERR_USAGE,
                          "--against '%.150s': its policy observes %d numbers, and that of "
                          "'%.150s' %d",
                          against, others, source->path, mine);
}

/* The other archive's policy acts on the first one's sensors, with its nominal controller. */
static enum aft_code open_policies(struct aft_compared_policies *policies,
                                   const struct aft_policy_source *source, const char *against,
                                   struct aft_error *error)
{
    struct aft_trained_policy *baseline = policies->baseline;
    struct aft_policy_source other = *source;
    enum aft_code code = aft_trained_policy_open(policies->policy, source, error);
    policies->baseline = NULL;
    if (code != AFT_OK || against == NULL) {
        return code;
    }
    other.path = against;
    code = aft_trained_policy_open(baseline, &other, error);
    if (code == AFT_OK) {
        policies->baseline = baseline;
        code = check_baseline(policies, source, against, error);
    }
    if (code != AFT_OK) {
        close_policies(policies);
    }
    return code;
}

static bool carries_no_curriculum(const struct aft_trained_policy *policy)
{
    return policy != NULL && aft_archive_sb3_model(policy->archive) != NULL;
}

static enum aft_code check_curriculum_is_wanted(const struct aft_evaluate_options *options,
                                                const struct aft_compared_policies *policies,
                                                struct aft_error *error)
{
    if (options->curriculum_path == NULL || carries_no_curriculum(policies->policy) ||
        carries_no_curriculum(policies->baseline)) {
        return AFT_OK;
    }
    return aft_fail(error, AFT_ERR_USAGE,
                    "--curriculum: '%.150s' carries its own; --set changes settings of it",
                    options->archive);
}

/* --controllers with a mistake; the baseline takes part by --against alone. */
static enum aft_code check_controllers(const struct aft_evaluate_options *options,
                                       struct aft_error *error)
{
    unsigned who = 0;
    enum aft_code code = aft_compared_parse(&who, options->controllers, error);
    if (code == AFT_OK && (who >> AFT_COMPARED_BASELINE & 1U) != 0 && options->against == NULL) {
        code = aft_fail(error, AFT_ERR_USAGE,
                        "--controllers '%s': baseline is the archive of --against, and there is "
                        "none",
                        options->controllers);
    }
    return code;
}

int aft_run_evaluate(const struct aft_evaluate_options *options)
{
    struct aft_error error = {0};
    struct aft_trained_policy policy, baseline;
    struct aft_compared_policies policies = {&policy, &baseline};
    struct aft_evaluation_results results = {.options = options, .policy = &policy};
    const struct aft_policy_source source = {
        .path = options->archive,
        .curriculum_path = options->curriculum_path,
        .engine = options->engine,
        .device = options->device,
        .threads = options->threads,
        .overrides = options->overrides,
        .n_overrides = options->n_overrides,
    };
    enum aft_code code = check_controllers(options, &error);
    if (code == AFT_OK) {
        code = open_policies(&policies, &source, options->against, &error);
    }
    if (code == AFT_OK) {
        policy.engine.use->describe(policy.engine.self, results.engine, sizeof results.engine);
        results.baseline = policies.baseline;
        code = check_curriculum_is_wanted(options, &policies, &error);
        if (code == AFT_OK) {
            code = evaluate(&results, &policies, &error);
        }
        if (code == AFT_OK) {
            code = report(&results, &error);
        }
        clear(&results);
        close_policies(&policies);
    }
    if (code != AFT_OK) {
        (void)fprintf(stderr, "aftershock evaluate: %s\n", error.message);
    }
    return aft_exit_code_of(code);
}
