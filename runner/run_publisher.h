/*
 * The keeper's hooks: publishes a run's archives under their names and tells
 * the observers what happens.
 */
#ifndef AFT_RUNNER_RUN_PUBLISHER_H
#define AFT_RUNNER_RUN_PUBLISHER_H

#include "recovery/keeper.h"
#include "report/event.h"
#include "runner/archive_content.h"

#include <limits.h>

struct aft_run_publisher {
    struct aft_run_record record;
    char folder[PATH_MAX];           /* models/<run> */
    struct aft_event_stream *events; /* borrowed */
    char last_path[PATH_MAX];        /* of the archive published last; "" */
    int64_t stage, stage_step, total_step; /* where training is, for events of the keeper */
    double stage_began_s;
    int64_t cleared_stage;           /* whose other archives were moved out of the way */
};

/* Hooks whose context is the publisher. */
struct aft_keeper_hooks aft_run_publisher_hooks(struct aft_run_publisher *publisher);

/* Tells the observers something of the keeper's own. */
void aft_run_publisher_tell(struct aft_run_publisher *publisher, enum aft_event_type type,
                            const char *text);

#endif
