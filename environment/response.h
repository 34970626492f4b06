/* The figures of one building's response to one motion, gathered step by step. */
#ifndef AFT_ENVIRONMENT_RESPONSE_H
#define AFT_ENVIRONMENT_RESPONSE_H

#include "environment/plant.h"

/*
 * Over the whole of a simulation, its tail included. RMS: the root of the mean
 * square over time. Accelerations are absolute. Drift is a storey's drift
 * divided by its height.
 */
struct aft_response {
    double duration_s;
    double peak_drift_ratio;        /* over storeys and time */
    double rms_drift;               /* root of the mean over storeys and time of drift² */
    double peak_roof_m, rms_roof_m; /* displacement relative to the ground */
    double peak_roof_m_s;           /* speed relative to the ground */
    double peak_roof_acc_g, peak_floor_acc_g;
    double rms_floor_acc_g;                     /* root of the mean over floors and time */
    double peak_base_shear_n, rms_base_shear_n; /* what the first storey carries, its damping too */
    double stroke_m;                            /* largest |stroke| */
    double peak_speed_m_s;                      /* largest |stroke rate| */
    double peak_force_n, rms_force_n;           /* of the actuator */
    double peak_power_w;    /* largest mean power of a step, positive where it drives */
    double energy_j;        /* drawn: the integral of the power where it is positive */
    double braking_j;       /* taken from the mass: of its negative part, as a positive number */
    double saturated_share; /* of the steps whose command is at the force limit or beyond */
    int peak_drift_storey, peak_acc_floor; /* from 1; 0 where nothing moved */
    /* The distribution over the height, from the lowest; [floors], zeros above. */
    double storey_peak_drift[AFT_BUILDING_MAX_FLOORS];
    double storey_rms_drift[AFT_BUILDING_MAX_FLOORS];
    double floor_peak_acc_g[AFT_BUILDING_MAX_FLOORS];
    double floor_rms_acc_g[AFT_BUILDING_MAX_FLOORS];
};

struct aft_response_meter {     /* zeros at the start */
    struct aft_response so_far; /* peaks; sums of squares where the result has an RMS */
    long steps, saturated;
};

/* Takes the state after a step in (entries stride apart), the forces that acted
 * over the step, and the force that was asked for. */
void aft_response_note(struct aft_response_meter *meter, const struct aft_plant *plant,
                       const double *state, int stride, const struct aft_plant_forces *forces,
                       double command_n);

struct aft_response aft_response_result(const struct aft_response_meter *meter,
                                        const struct aft_plant *plant);

#endif
