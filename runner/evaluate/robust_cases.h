/*
 * The policy and LQG where plant and sensors are not what they were made for:
 * the cases of --robustness, each against the passive building in the same case.
 */
#ifndef AFT_RUNNER_EVALUATE_ROBUST_CASES_H
#define AFT_RUNNER_EVALUATE_ROBUST_CASES_H

#include "report/statistics.h"
#include "runner/evaluate/comparison.h"

enum { AFT_N_ROBUST_CASES = 9, AFT_N_ROBUST = 2 };

struct aft_robust_case {
    const char *key;         /* "latency" */
    const char *description; /* "60 ms later" */
    struct aft_robustness change;
};
extern const struct aft_robust_case aft_robust_cases[AFT_N_ROBUST_CASES];
extern const enum aft_compared aft_robust_who[AFT_N_ROBUST]; /* lqg, policy */

struct aft_robust_result { /* to the passive building in the same case; n 0: took no part */
    struct aft_statistics peak_drift[AFT_N_ROBUST], rms_drift[AFT_N_ROBUST];
};

/* results is [AFT_N_ROBUST_CASES]. */
enum aft_code aft_robust_run(struct aft_robust_result *results,
                             const struct aft_comparison *comparison, struct aft_error *error);

#endif
