/*
 * The plant in single precision, AFT_LANES buildings at a time: what training
 * episodes are simulated with. Drifts and stroke over whole motions are those of
 * plant.h within 1e-4 of their peaks (tests/environment/test_plant_f32.c);
 * evaluation uses plant.h. The end stop's equation is solved in double precision.
 *
 * Rows are [AFT_LANES]; what a lane does depends on its own column only and has
 * the same bits on every processor.
 */
#ifndef AFT_ENVIRONMENT_PLANT_F32_H
#define AFT_ENVIRONMENT_PLANT_F32_H

#include "environment/plant.h"

struct aft_plant_f32 {             /* read-only after its creation */
    const struct aft_plant *exact; /* borrowed */
    int n_states;
    int columns; /* n_states + 2: the ground at the step's start and end */
    int rows;    /* n_states, padded for the kernel */
    float dt_s, lag_share, force_limit_n;
    float work_limit_j; /* of one step; 0: none */
    float compliance_m_n;
    float limit_m; /* of the stroke; infinite without a stop */
    float per_height_1_m;
    float storey_n_m[AFT_BUILDING_MAX_FLOORS], per_mass_1_kg[AFT_BUILDING_MAX_FLOORS];
    float *panels;   /* the matrix [rows][columns], as the kernel takes it */
    float *by_force; /* [rows] */
};

enum aft_code aft_plant_f32_create(struct aft_plant_f32 **plant, const struct aft_plant *exact,
                                   struct aft_error *error);
void aft_plant_f32_destroy(struct aft_plant_f32 *plant);

struct aft_lane_forces { /* actuator_n goes in as the last step's */
    float command_n[AFT_LANES], actuator_n[AFT_LANES], contact_n[AFT_LANES];
};

struct aft_lane_response {    /* over a control step */
    float squares[AFT_LANES]; /* Σ over substeps and storeys of drift ratio² */
    float peak[AFT_LANES];    /* largest |drift ratio| */
    float stroke_m[AFT_LANES], force_n[AFT_LANES]; /* largest |…| */
    float power_w[AFT_LANES];                      /* largest, of driving */
};

/* `substeps` steps with one command. state is [columns][AFT_LANES]; its last row
 * is the ground's acceleration at the end. ground[j] holds substeps + 1 samples. */
void aft_plant_f32_control_step(struct aft_lane_response *response,
                                const struct aft_plant_f32 *plant, float *state,
                                struct aft_lane_forces *forces,
                                const float *const ground_m_s2[AFT_LANES], int substeps);

/* Absolute accelerations [floors][AFT_LANES] while force_n acts between roof and
 * device, and the largest |acceleration| of any floor. */
void aft_plant_f32_accelerations(float *acceleration_m_s2, float largest_m_s2[AFT_LANES],
                                 const struct aft_plant_f32 *plant, const float *state,
                                 const float force_n[AFT_LANES]);

#endif
