/* What events.jsonl and heartbeat.json say of a run beside its events. */
#ifndef AFT_REPORT_RUN_IDENTITY_H
#define AFT_REPORT_RUN_IDENTITY_H

#include "base/json.h"

#include <stdint.h>

struct aft_run_stage_identity {
    char name[64];
    int64_t timesteps;
    char fingerprint[65]; /* of its settings */
};

struct aft_run_identity {
    char run_id[64];
    char name[64];
    int n_stages;
    struct aft_run_stage_identity *stages; /* [n_stages] */
    struct aft_json *resumed_from;         /* { path, kind, stage, … }; NULL: a fresh start */
    struct aft_json *about; /* further members of run_started: command, versions, device, … */
};

/* A new one whose stages are zeroed; NULL when memory is short. Destroying it also destroys the
 * documents that have been given to it. */
struct aft_run_identity *aft_run_identity_create(int n_stages);
void aft_run_identity_destroy(struct aft_run_identity *identity);

/* Steps that the curriculum asks for, over all stages. */
int64_t aft_run_identity_steps(const struct aft_run_identity *identity);
/* Of that stage, counted from 1; NULL where there is none. */
const struct aft_run_stage_identity *aft_run_identity_stage(const struct aft_run_identity *identity,
                                                            int stage);

#endif
