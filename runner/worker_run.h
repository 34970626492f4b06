/*
 * A worker's training: the engine and the state that pass from stage to stage,
 * and the loop over one stage. Everything that outlives the worker goes through
 * the snapshot region.
 */
#ifndef AFT_RUNNER_WORKER_RUN_H
#define AFT_RUNNER_WORKER_RUN_H

#include "base/thread_pool.h"
#include "curriculum/curriculum.h"
#include "recovery/snapshot.h"
#include "report/event.h"
#include "runner/reference_scores.h"
#include "runner/training_state.h"
#include "trainer/engine.h"
#include "trainer/ppo.h"

struct aft_worker_run {
    const struct aft_curriculum *curriculum;
    struct aft_snapshot_region *region;
    struct aft_thread_pool *pool;
    struct aft_engine engine;
    struct aft_network network;
    struct aft_training_state state; /* as it is sealed next; its buffer grows with the trainer's */
    size_t state_capacity;
    struct aft_reference_scores references; /* found so far */
    bool references_sought[AFT_MAX_STAGES]; /* in this process, with success or without */
    size_t history_length;                  /* episodes of the stage */
    double began_s;                         /* monotonic clock: when this process began … */
    double trained_before_s;                /* … and the run's training time before it */
    int64_t steps_before;                   /* the run's steps then */
};

/* Trains the stage (counted from 1) until it has passed its gate and is published: from its
 * first step, or from the middle where the state is of this stage and not complete. */
enum aft_code aft_train_stage(struct aft_worker_run *run, int stage, struct aft_error *error);

/* The state's weights and moments become the engine's. */
enum aft_code aft_worker_run_import(struct aft_worker_run *run, struct aft_error *error);

/* Makes room for a trainer state of that size behind the header. */
enum aft_code aft_worker_run_reserve(struct aft_worker_run *run, size_t trainer_size,
                                     struct aft_error *error);

/* An event of the run's, stamped with where training is. */
struct aft_event aft_worker_event(const struct aft_worker_run *run, enum aft_event_type type);

/* The policy on held-out motions of every stage of the curriculum: fills the header's scores
 * and score, and tells of each. */
enum aft_code aft_evaluate_stages(struct aft_worker_run *run, struct aft_ppo *ppo,
                                  struct aft_error *error);

/* Not evaluated: every score is NaN. */
void aft_forget_scores(struct aft_training_header *header);

double aft_monotonic_s(void);

#endif
