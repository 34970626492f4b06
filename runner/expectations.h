/* What the start-up scan is to expect of each stage of a curriculum, as it is today. */
#ifndef AFT_RUNNER_EXPECTATIONS_H
#define AFT_RUNNER_EXPECTATIONS_H

#include "base/error.h"
#include "curriculum/curriculum.h"
#include "recovery/scan.h"

struct aft_expectations {
    int n;                                /* stages of the curriculum */
    struct aft_stage_expectation *stages; /* [n]; their settings belong to this struct */
};

/* Fails where a record file of the curriculum cannot be read. */
enum aft_code aft_expectations_make(struct aft_expectations *expectations,
                                    const struct aft_curriculum *curriculum,
                                    struct aft_error *error);
void aft_expectations_clear(struct aft_expectations *expectations);

#endif
