/* Rules 2 and 3: where training starts when it is not right after a complete stage. */
#ifndef AFT_RECOVERY_PLAN_START_H
#define AFT_RECOVERY_PLAN_START_H

#include "recovery/scan.h"

#include <stdio.h>

/* A valid state in the middle of a stage: checkpoint, INTERRUPTED or ERROR. */
bool aft_plan_is_mid_stage(const struct aft_scan_entry *entry);

/* Whether rule 2 may continue from it: of the next stage, from today's stage
 * before it, with today's settings. */
bool aft_plan_can_continue(const struct aft_scan_entry *entry, const struct aft_plan *plan,
                           const struct aft_stage_expectation *stages);

/* Rule 2: of those the one with the most steps; NULL where there is none. */
const struct aft_scan_entry *aft_plan_find_latest(const struct aft_plan *plan,
                                                  const struct aft_scan *scan,
                                                  const struct aft_stage_expectation *stages);

/* Rule 3: the plan starts at request->archive, or the report says why it cannot (false). */
bool aft_plan_start_at(struct aft_plan *plan, const struct aft_scan *scan,
                       const struct aft_stage_expectation *stages,
                       const struct aft_plan_request *request, FILE *report);

#endif
