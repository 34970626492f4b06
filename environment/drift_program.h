/*
 * The linear program of one motion (clairvoyant.h says which): its rounds of
 * cutting planes, and the bound that its multipliers prove.
 */
#ifndef AFT_ENVIRONMENT_DRIFT_PROGRAM_H
#define AFT_ENVIRONMENT_DRIFT_PROGRAM_H

#include "environment/clairvoyant.h"
#include "environment/plant.h"

struct aft_drift_model {     /* shared by all motions; read-only once made */
    struct aft_plant *plant; /* without power limit and stop; owned */
    int outputs;             /* drift ratio of each storey, then the stroke */
    int substeps;            /* simulation steps to a control step */
    double stroke_limit_m;   /* 0: none */
    size_t samples;          /* simulation steps that pulse covers */
    double *pulse;           /* [outputs][samples + 1]: after the start of one control step's
                              * command of the whole force limit */
};

/* For motions of up to n control steps. */
enum aft_code aft_drift_model_init(struct aft_drift_model *model,
                                   const struct aft_environment_config *config, size_t n,
                                   struct aft_error *error);
void aft_drift_model_clear(struct aft_drift_model *model);

/* plan->n control steps; command_n has room for them. Fills everything else of the plan. */
enum aft_code aft_drift_program_solve(struct aft_clairvoyant_plan *plan,
                                      const struct aft_drift_model *model,
                                      const struct aft_motion *motion, struct aft_error *error);

#endif
