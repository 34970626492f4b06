/*
 * The best passive device, clipped LQR and clipped LQG that a search on
 * training motions finds for a stage: what a policy is compared with. A weak
 * opponent proves nothing, so each gets its own search. Deterministic, free of
 * the number of threads; a caller may store the result.
 */
#ifndef AFT_ENVIRONMENT_REFERENCE_TUNING_H
#define AFT_ENVIRONMENT_REFERENCE_TUNING_H

#include "environment/evaluation.h"
#include "environment/feedback.h"
#include "environment/passive_tuning.h"

struct aft_tuned_feedback {
    struct aft_feedback_parameters parameters;
    /* On the training motions, to the configured passive device: mean over motions of
     * (peak drift ratio + RMS drift)/2, and 10 (stroke/S - 0.97) where the largest
     * stroke is beyond 97 % of its limit S. Smaller is better. */
    double objective;
    double peak_to_passive, rms_to_passive; /* means of both parts */
    double stroke_m;                        /* the largest */
    int points;                             /* parameter sets that were tried */
};

struct aft_reference_parameters { /* plain data */
    struct aft_passive_parameters passive;
    struct aft_tuned_feedback lqr, lqg;
};

struct aft_reference_search {                    /* zeros but for config: the defaults */
    const struct aft_environment_config *config; /* the stage's, nominal */
    int motions;   /* training motions of the stage (AFT_RANDOM_MOTION), or its records; 0: 8 */
    double tail_s; /* 0: 20 s */
    struct aft_thread_pool *pool; /* borrowed; NULL: one thread */
};

/* At least 40 points of control and stroke weights each, then of the guard and
 * of the filter around the best. USAGE where there is no force to control with. */
enum aft_code aft_reference_tune(struct aft_reference_parameters *parameters,
                                 const struct aft_reference_search *search,
                                 struct aft_error *error);

#endif
