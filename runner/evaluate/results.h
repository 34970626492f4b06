/* All that an evaluation found, and the forms in which it is told. */
#ifndef AFT_RUNNER_EVALUATE_RESULTS_H
#define AFT_RUNNER_EVALUATE_RESULTS_H

#include "base/json.h"
#include "runner/evaluate/figures.h"
#include "runner/evaluate/robust_cases.h"

#include <stdio.h>

struct aft_evaluation_results {
    const struct aft_evaluate_options *options;
    const struct aft_trained_policy *policy, *baseline; /* baseline: may be NULL */
    char engine[128];
    int n_stages;
    struct aft_comparison *stages;           /* [n_stages] */
    struct aft_evaluation_summary *by_stage; /* [n_stages] */
    struct aft_evaluation_summary all;
    struct aft_robust_result *robustness; /* [n_stages][AFT_N_ROBUST_CASES]; NULL: not asked for */
};

/* The cases of one stage: [AFT_N_ROBUST_CASES]. */
static inline struct aft_robust_result *
aft_evaluation_robustness(const struct aft_evaluation_results *results, int stage)
{
    return results->robustness + (size_t)stage * AFT_N_ROBUST_CASES;
}

/* The caller destroys it. docs/evaluation.md has the keys. */
struct aft_json *aft_evaluation_json(const struct aft_evaluation_results *results);

/* One row a motion and controller. */
void aft_evaluation_csv(FILE *out, const struct aft_evaluation_results *results);

/* For people: at most 100 columns. */
void aft_evaluation_table(FILE *out, const struct aft_evaluation_results *results);

/* The sentence of the policy and one that it is paired with (figures.h), "" where one is
 * missing. Also in the page. */
void aft_evaluation_verdict(char *text, size_t size, const struct aft_evaluation_summary *summary,
                            enum aft_compared with);

/* One HTML page (report/html_report.h); the caller frees *text. */
enum aft_code aft_evaluation_page(char **text, size_t *size,
                                  const struct aft_evaluation_results *results,
                                  struct aft_error *error);

#endif
