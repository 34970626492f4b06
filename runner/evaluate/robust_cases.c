#include "runner/evaluate/robust_cases.h"

#include "runner/evaluate/figures.h"

#include <stdlib.h>
#include <string.h>

const struct aft_robust_case aft_robust_cases[AFT_N_ROBUST_CASES] = {
    {"nominal", "as it was made for", {.noise_share = 0}},
    {"noise", "10 % of each channel's passive RMS as noise", {.noise_share = 0.1}},
    {"latency", "commands 60 ms later", {.extra_latency_s = 0.06}},
    {"dropout", "8 % of the samples lost", {.dropout = 0.08}},
    {"together",
     "noise, latency and dropout",
     {.noise_share = 0.1, .extra_latency_s = 0.06, .dropout = 0.08}},
    {"stiffer", "storeys 15 % stiffer", {.stiffness_change = 0.15}},
    {"softer", "storeys 15 % softer", {.stiffness_change = -0.15}},
    {"more_damping", "30 % more structural damping", {.damping_change = 0.3}},
    {"less_damping", "30 % less structural damping", {.damping_change = -0.3}},
};

const enum aft_compared aft_robust_who[AFT_N_ROBUST] = {AFT_COMPARED_LQG, AFT_COMPARED_POLICY};

struct scratch {
    struct aft_response *responses; /* [motions][AFT_N_COMPARED] */
    double *values;                 /* [motions] */
};

static enum aft_code ratios(struct aft_statistics *result, const struct scratch *scratch,
                            int motions, enum aft_compared who, enum aft_figure figure,
                            struct aft_error *error)
{
    for (int i = 0; i < motions; i++) {
        const struct aft_response *row = scratch->responses + (ptrdiff_t)i * AFT_N_COMPARED;
        scratch->values[i] = aft_ratio(aft_figure_of(&row[who], figure),
                                       aft_figure_of(&row[AFT_COMPARED_PASSIVE], figure));
    }
    return aft_statistics_of(result, scratch->values, NULL, (size_t)motions, AFT_BOOTSTRAP_SEED,
                             error);
}

static enum aft_code run_case(struct aft_robust_result *result, const struct scratch *scratch,
                              const struct aft_comparison *comparison,
                              const struct aft_robust_case *robust_case, struct aft_error *error)
{
    unsigned who = 1U << AFT_COMPARED_PASSIVE;
    for (int c = 0; c < AFT_N_ROBUST; c++) {
        who |= comparison->who & 1U << (unsigned)aft_robust_who[c];
    }
    enum aft_code code =
        aft_comparison_respond(scratch->responses, comparison, who, &robust_case->change, error);
    for (int c = 0; c < AFT_N_ROBUST && code == AFT_OK; c++) {
        enum aft_compared one = aft_robust_who[c];
        if (!aft_comparison_has(comparison, one)) {
            continue;
        }
        code = ratios(&result->peak_drift[c], scratch, comparison->motions.n, one,
                      AFT_FIGURE_PEAK_DRIFT, error);
        if (code == AFT_OK) {
            code = ratios(&result->rms_drift[c], scratch, comparison->motions.n, one,
                          AFT_FIGURE_RMS_DRIFT, error);
        }
    }
    return code;
}

enum aft_code aft_robust_run(struct aft_robust_result *results,
                             const struct aft_comparison *comparison, struct aft_error *error)
{
    size_t motions = (size_t)comparison->motions.n;
    struct scratch scratch = {
        .responses = calloc(motions * AFT_N_COMPARED + 1, sizeof *scratch.responses),
        .values = calloc(motions + 1, sizeof *scratch.values),
    };
    enum aft_code code = AFT_OK;
    memset(results, 0, AFT_N_ROBUST_CASES * sizeof *results);
    if (scratch.responses == NULL || scratch.values == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "evaluate robustness: out of memory");
    }
    for (int i = 0; i < AFT_N_ROBUST_CASES && code == AFT_OK; i++) {
        code = run_case(&results[i], &scratch, comparison, &aft_robust_cases[i], error);
    }
    free(scratch.responses);
    free(scratch.values);
    return code;
}
