/*
 * What a run starts from: the snapshot region, sized for the curriculum, and in
 * it the state of the archive that the plan chose.
 */
#ifndef AFT_RUNNER_RUN_START_H
#define AFT_RUNNER_RUN_START_H

#include "base/error.h"
#include "recovery/scan.h"
#include "recovery/snapshot.h"
#include "runner/run_publisher.h"

#include <stdint.h>

enum aft_code aft_run_region_create(struct aft_snapshot_region **region,
                                    const struct aft_curriculum *curriculum,
                                    struct aft_error *error);

/* Seals the plan's start as the snapshot that the first worker goes on from, and
 * tells the publisher of its lineage. *total_step is the run's steps so far.
 * Without a start (a fresh run) it draws a run id. */
enum aft_code aft_run_start_load(struct aft_snapshot_region *region,
                                 struct aft_run_publisher *publisher, const struct aft_plan *plan,
                                 int64_t *total_step, struct aft_error *error);

#endif
