/*
 * Stages of numbered tasks in a few lanes, run in one go by the threads of a
 * pool. A lane's next stage opens as soon as its last task is done, which costs
 * a fraction of a microsecond, where a run of the pool costs several. A thread
 * prefers the same lane in every stage, so that a lane's data stay in one
 * core's caches, and helps the others when its own has nothing left.
 *
 * As with the pool, which thread runs a task varies: what a task computes must
 * depend on its lane, stage and number only.
 */
#ifndef AFT_BASE_TASK_LANES_H
#define AFT_BASE_TASK_LANES_H

#include "base/error.h"
#include "base/thread_pool.h"

enum { AFT_TASK_LANES_MAX = 4 };

struct aft_task_lanes;

struct aft_task_lanes_work {
    void *context;
    void (*task)(void *context, int lane, int task);
    /* Called by one thread when a lane's stage is done, with all that its tasks
     * wrote visible. It opens the lane's next stage, or another's, or finishes. */
    void (*next)(void *context, struct aft_task_lanes *lanes, int lane);
};

/* The pool is borrowed; NULL: one thread. */
enum aft_code aft_task_lanes_create(struct aft_task_lanes **lanes, int n_lanes,
                                    struct aft_thread_pool *pool, struct aft_error *error);
void aft_task_lanes_destroy(struct aft_task_lanes *lanes);

/* Opens a stage of n > 0 tasks in a lane that has none. For `next`, and before a run. */
void aft_task_lanes_open(struct aft_task_lanes *lanes, int lane, int n);
/* No lane may have an unfinished task. For `next`. */
void aft_task_lanes_finish(struct aft_task_lanes *lanes);

/* Returns when `next` has finished the run. Not reentrant. */
void aft_task_lanes_run(struct aft_task_lanes *lanes, const struct aft_task_lanes_work *work);

#endif
