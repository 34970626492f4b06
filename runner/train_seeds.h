/* `aftershock train --seeds N`: the same curriculum for one seed after another. */
#ifndef AFT_RUNNER_TRAIN_SEEDS_H
#define AFT_RUNNER_TRAIN_SEEDS_H

#include "runner/train.h"

/* What a run's name ends with: run NAME with seed 3 is the run NAME-seed3. */
#define AFT_SEED_SUFFIX "-seed"

enum { AFT_MOST_SEEDS = 1000 };

/*
 * Trains the curriculum for the seeds s … s+n-1, where s is the curriculum's, each as
 * a run of its own, NAME-seed<k>, with all that a run has: aft_run_train, one after
 * another. Seeds that are complete are so by what is in their folders, so the same
 * call goes on where the last one ended.
 *
 * Returns the exit code of the program: 0 once all are complete. The first seed that
 * does not come to 0 ends the call with its code, and so does a signal: 128 + its
 * number (SIGUSR2: AFT_EXIT_CHECKPOINTED), also between two seeds; no further seed is
 * begun then. options->resume_path must be NULL.
 */
int aft_run_train_seeds(const struct aft_train_options *options, int n);

#endif
