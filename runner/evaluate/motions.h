/* Which motions an evaluation of a stage is on, from what the command line asks for. */
#ifndef AFT_RUNNER_EVALUATE_MOTIONS_H
#define AFT_RUNNER_EVALUATE_MOTIONS_H

#include "environment/motion_list.h"
#include "runner/compute.h"

/* Records, then generated motions of a given magnitude; where neither is asked for, unseen
 * motions of the stage. config is the stage's; its seed and scaling become the evaluation's. */
enum aft_code aft_evaluation_motions(struct aft_motion_list *list,
                                     struct aft_environment_config *config,
                                     const struct aft_evaluate_options *options,
                                     struct aft_error *error);

/* "32 unseen M4.5 motions, PGA 0.25 g" */
void aft_evaluation_title(char *title, size_t size, const struct aft_motion_list *list,
                          const struct aft_environment_config *config,
                          const struct aft_evaluate_options *options);

#endif
