/*
 * A building in steps of dt: the exact linear step, then the forces between
 * roof and device that depend on the step itself (actuator limits, end stop),
 * all held over the step. Double precision.
 *
 * Two forms of the same step with the same bits: AFT_LANES environments at
 * once (structure of arrays, [row][lane]), and one alone.
 */
#ifndef AFT_ENVIRONMENT_PLANT_H
#define AFT_ENVIRONMENT_PLANT_H

#include "environment/actuator.h"
#include "environment/building.h"
#include "environment/end_stop.h"
#include "environment/plant_kernel.h"

enum {
    AFT_PLANT_MAX_ROWS = 2 * AFT_BUILDING_MAX_DOF + AFT_KERNEL_ROWS,
    AFT_PLANT_MAX_COLUMNS = 2 * AFT_BUILDING_MAX_DOF + 2,
    AFT_PLANT_MAX_PADDED = 2 * AFT_BUILDING_MAX_DOF + AFT_KERNEL_COLUMN,
};

struct aft_plant { /* read-only after its creation */
    struct aft_building building;
    struct aft_actuator_config actuator;
    struct aft_end_stop stop;
    double dt_s;
    double lag_share;
    int n_states;             /* 2 dof: displacements, then velocities */
    int columns;              /* n_states + 2: the ground at the step's start and end */
    int rows, padded;         /* n_states, padded for the kernels with zeros */
    int device_row, roof_row; /* displacements; -1 and the roof's without a device */
    double compliance_m_n;    /* stroke at a step's end per newton held over it */
    double *by_row;           /* [rows][columns] */
    double *by_column;        /* [columns][padded] */
    double *by_force;         /* [rows] */
    const struct aft_plant_kernel *kernel;
};

enum aft_code aft_plant_create(struct aft_plant **plant, const struct aft_building_config *building,
                               const struct aft_actuator_config *actuator, bool with_device,
                               double dt_s, struct aft_error *error);
void aft_plant_destroy(struct aft_plant *plant);

/* What acts in a step. actuator_n goes in as the last step's and comes out as
 * this one's; power_w is the step's mean, positive where the actuator drives. */
struct aft_plant_forces {
    double actuator_n, contact_n, power_w;
};

/* Steps one: state has n_states entries and room for two more, which are
 * overwritten; command_n is the force asked for. */
void aft_plant_step(const struct aft_plant *plant, double *state, const double ground_m_s2[2],
                    double command_n, struct aft_plant_forces *forces);

struct aft_plant_lanes { /* working memory of a step of AFT_LANES environments */
    _Alignas(64) double state[AFT_PLANT_MAX_COLUMNS][AFT_LANES]; /* n_states rows in use */
    _Alignas(64) double next[AFT_PLANT_MAX_ROWS][AFT_LANES];
    double ground_start_m_s2[AFT_LANES], ground_end_m_s2[AFT_LANES];
    double command_n[AFT_LANES];
    struct aft_plant_forces forces[AFT_LANES];
};

void aft_plant_step_lanes(const struct aft_plant *plant, struct aft_plant_lanes *lanes);

/* Sum over the storeys of drift ratio², and the largest |drift ratio|. */
struct aft_drift {
    double sum_squares, peak;
};
void aft_plant_drift(struct aft_drift *drift, const struct aft_plant *plant, const double *state);
void aft_plant_drift_lanes(double sum_squares[AFT_LANES], double peak[AFT_LANES],
                           const struct aft_plant *plant, const struct aft_plant_lanes *lanes);

/* Stroke (m) or, with n_states/2 added to the rows, its rate. 0 without a device. */
double aft_plant_stroke(const struct aft_plant *plant, const double *state, int stride);
double aft_plant_stroke_rate(const struct aft_plant *plant, const double *state, int stride);

#endif
