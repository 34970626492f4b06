/*
 * From a stage's effective settings to what environment and trainer are made
 * from. The layers do not know the curriculum; this is the one translation.
 */
#ifndef AFT_RUNNER_CONFIGURE_H
#define AFT_RUNNER_CONFIGURE_H

#include "base/error.h"
#include "curriculum/curriculum.h"
#include "environment/config.h"
#include "trainer/ppo.h"

/* An environment config and the record paths that it borrows. */
struct aft_stage_environment {
    struct aft_environment_config config;
    char **record_paths;
    int n_records;
};

/* stage counts from 1. */
enum aft_code aft_configure_environment(struct aft_stage_environment *environment,
                                        const struct aft_curriculum *curriculum, int stage,
                                        struct aft_error *error);
void aft_stage_environment_clear(struct aft_stage_environment *environment);

struct aft_ppo_config aft_configure_ppo(const struct aft_curriculum *curriculum, int stage);

/* Learning rate and entropy coefficient after that many of the stage's steps. */
struct aft_ppo_schedule aft_schedule_at(const struct aft_stage *stage, int64_t steps);

#endif
