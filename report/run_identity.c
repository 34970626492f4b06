#include "report/run_identity.h"

#include <stdlib.h>

struct aft_run_identity *aft_run_identity_create(int n_stages)
{
    struct aft_run_identity *identity = calloc(1, sizeof *identity);
    if (!identity) {
        return NULL;
    }
    identity->n_stages = n_stages;
    identity->stages = calloc((size_t)n_stages, sizeof *identity->stages);
    if (!identity->stages) {
        free(identity);
        return NULL;
    }
    return identity;
}

void aft_run_identity_destroy(struct aft_run_identity *identity)
{
    if (identity) {
        aft_json_destroy(identity->resumed_from);
        aft_json_destroy(identity->about);
        free(identity->stages);
        free(identity);
    }
}

int64_t aft_run_identity_steps(const struct aft_run_identity *identity)
{
    int64_t steps = 0;
    for (int i = 0; i < identity->n_stages; i++) {
        steps += identity->stages[i].timesteps;
    }
    return steps;
}

const struct aft_run_stage_identity *aft_run_identity_stage(const struct aft_run_identity *identity,
                                                            int stage)
{
    return stage >= 1 && stage <= identity->n_stages ? &identity->stages[stage - 1] : NULL;
}
