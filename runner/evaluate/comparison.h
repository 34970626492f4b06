/*
 * Controllers side by side on the motions of one stage: who takes part, on
 * which motions, and the response of each to each.
 */
#ifndef AFT_RUNNER_EVALUATE_COMPARISON_H
#define AFT_RUNNER_EVALUATE_COMPARISON_H

#include "environment/clairvoyant.h"
#include "environment/evaluation.h"
#include "environment/feedback.h"
#include "environment/reference_tuning.h"
#include "runner/compute.h"
#include "runner/configure.h"
#include "runner/evaluate/policy.h"

/* In the order of every table. */
enum aft_compared {
    AFT_COMPARED_UNCONTROLLED,
    AFT_COMPARED_PASSIVE,
    AFT_COMPARED_PASSIVE_TUNED,
    AFT_COMPARED_LQR,
    AFT_COMPARED_LQG,
    AFT_COMPARED_CLAIRVOYANT,
    AFT_COMPARED_BASELINE, /* another archive's policy */
    AFT_COMPARED_POLICY,
    AFT_N_COMPARED
};

const char *aft_compared_name(enum aft_compared who);

/* A bit for each name in a list such as "lqr,lqg"; the policy, and uncontrolled and passive, which
 * the ratios are to, always take part. NULL: all but clairvoyant and baseline. USAGE for a name
 * that is none. */
enum aft_code aft_compared_parse(unsigned *who, const char *list, struct aft_error *error);

struct aft_compared_policies {
    struct aft_trained_policy *policy;
    struct aft_trained_policy
        *baseline; /* of another archive, on the policy's sensors; NULL: none */
};

struct aft_comparison {
    const struct aft_stage *stage;      /* borrowed, as is the policy */
    struct aft_stage_environment setup; /* the stage's, with the evaluation's seed and scaling */
    struct aft_evaluation evaluation;   /* nominal */
    struct aft_motion_list motions;
    char title[160]; /* "32 unseen M4.5 motions, PGA 0.25 g" */
    double first_period_s;
    unsigned who; /* bits of enum aft_compared */
    struct aft_reference_parameters tuned;
    struct aft_feedback *lqr, *lqg;
    struct aft_clairvoyant *clairvoyant; /* NULL where not in who */
    struct aft_policy_controller policy, baseline;
    struct aft_controller controllers[AFT_N_COMPARED];
    struct aft_response *responses; /* [motions.n][AFT_N_COMPARED], zeros where not in who */
};

static inline bool aft_comparison_has(const struct aft_comparison *comparison,
                                      enum aft_compared who)
{
    return (comparison->who >> (unsigned)who & 1U) != 0;
}

static inline const struct aft_response *
aft_comparison_response(const struct aft_comparison *comparison, int motion, enum aft_compared who)
{
    return &comparison->responses[motion * (int)AFT_N_COMPARED + (int)who];
}

/* The least peak drift ratio that can be reached on a motion; clairvoyant takes part. */
static inline double aft_comparison_bound(const struct aft_comparison *comparison, int motion)
{
    return aft_clairvoyant_plan(comparison->clairvoyant, motion)->bound_drift;
}

/* Makes the motions of the stage (counted from 1), tunes the reference controllers (which
 * takes seconds and is said on stderr), and computes every response. Clear it in any case. */
enum aft_code aft_comparison_run(struct aft_comparison *comparison,
                                 const struct aft_compared_policies *policies, int stage,
                                 const struct aft_evaluate_options *options,
                                 struct aft_error *error);
void aft_comparison_clear(struct aft_comparison *comparison);

/* The same controllers in one case of robustness.h: responses is [motions.n][AFT_N_COMPARED],
 * and only those whose bit is in who are computed. */
enum aft_code aft_comparison_respond(struct aft_response *responses,
                                     const struct aft_comparison *comparison, unsigned who,
                                     const struct aft_robustness *robustness,
                                     struct aft_error *error);

#endif
