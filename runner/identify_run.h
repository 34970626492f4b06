/* Who a run is, for the files that tell of it: its id, its stages, how it was started and what
 * it goes on from. */
#ifndef AFT_RUNNER_IDENTIFY_RUN_H
#define AFT_RUNNER_IDENTIFY_RUN_H

#include "recovery/scan.h"
#include "report/run_identity.h"
#include "runner/archive_content.h"

/* folder: of the run; archives within it are named without it. */
enum aft_code aft_identify_run(struct aft_run_identity **identity,
                               const struct aft_run_record *record, const struct aft_plan *plan,
                               const char *folder, struct aft_error *error);

#endif
