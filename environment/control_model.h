/*
 * The linear building as a controller's model sees it: one step is a control
 * step, the command is held over it (zero-order hold), and the actuator's force
 * is a state, because the lag makes it one and the accelerometers feel it:
 *     z(k+1) = phi z(k) + command u(k) + ground_start g(k) + ground_end g(k+1)
 * with z = [displacements, velocities, force]; force and command u are shares of
 * the force limit. It is the plant's own exact discretisation, composed over the
 * simulation steps of a control step (ground acceleration linear over the whole
 * of it), without limits and stop.
 */
#ifndef AFT_ENVIRONMENT_CONTROL_MODEL_H
#define AFT_ENVIRONMENT_CONTROL_MODEL_H

#include "base/error.h"
#include "environment/building.h"
#include "environment/config.h"

enum { AFT_CONTROL_MAX_STATES = 2 * AFT_BUILDING_MAX_DOF + 1 };

struct aft_control_model {
    struct aft_building building;
    double step_s, force_limit_n;
    double stroke_limit_m; /* 0: none */
    int n;                 /* states: 2 dof + 1 */
    double *phi;           /* [n][n], row-major */
    double *command;       /* [n] */
    double *held_force;    /* [n - 1]: were the force itself held over the step */
    double *ground_start;  /* [n] */
    double *ground_end;    /* [n] */
};

/* USAGE for what a plant refuses, and for a force limit of 0. */
enum aft_code aft_control_model_create(struct aft_control_model **model,
                                       const struct aft_environment_config *config,
                                       struct aft_error *error);
void aft_control_model_destroy(struct aft_control_model *model);

#endif
