/*
 * LQR and LQG, tuned on a few of a stage's training motions, on the held-out
 * motions that the policy is scored on. It costs seconds of a processor for each
 * stage, as much as many iterations: so fewer motions are tuned on, and a shorter
 * tail, than `aftershock evaluate` takes.
 */
#ifndef AFT_RUNNER_REFERENCE_EVALUATION_H
#define AFT_RUNNER_REFERENCE_EVALUATION_H

#include "environment/evaluation.h"
#include "runner/reference_scores.h"

/* evaluation and list are those of the policy; its config is the stage's, with seed 0. */
enum aft_code aft_reference_evaluate(struct aft_reference_score *score,
                                     const struct aft_evaluation *evaluation,
                                     const struct aft_motion_list *list, struct aft_error *error);

#endif
