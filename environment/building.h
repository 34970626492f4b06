/*
 * The shear building: one horizontal degree of freedom a floor, Rayleigh
 * damping, and on the roof a mass driver on a spring and a dashpot.
 *
 * Coordinates are displacements relative to the ground, floors from the lowest
 * up, the device last. Equation of motion:
 *     M x'' + C x' + K x = e u - M 1 a_g
 * where u (N) is the force between roof and device: +u on the device, -u on
 * the roof; a_g is the ground's acceleration (m/s²).
 * Matrices are row-major [dof][dof].
 */
#ifndef AFT_ENVIRONMENT_BUILDING_H
#define AFT_ENVIRONMENT_BUILDING_H

#include "base/error.h"
#include "environment/config.h"

#include <stdbool.h>

enum { AFT_BUILDING_MAX_DOF = AFT_BUILDING_MAX_FLOORS + 1 };

struct aft_building {
    int floors;
    int dof; /* floors, and one more with the device */
    bool has_device;
    double mass_kg[AFT_BUILDING_MAX_DOF];
    double storey_n_m[AFT_BUILDING_MAX_FLOORS]; /* stiffness of each storey */
    double storey_height_m;
    double mass_damping_1_s;    /* Rayleigh: C = mass_damping M + stiffness_damping K, … */
    double stiffness_damping_s; /* … of the structure without the device */
    double device_n_m, device_n_s_m;
};

/* Checks the figures (USAGE) and finds Rayleigh's two coefficients from the
 * bare structure's first two periods; a single floor has stiffness damping only. */
enum aft_code aft_building_init(struct aft_building *building,
                                const struct aft_building_config *config, bool with_device,
                                struct aft_error *error);

void aft_building_stiffness(double *k, const struct aft_building *building);
void aft_building_damping(double *c, const struct aft_building *building);

/* Undamped circular frequencies (rad/s, ascending, [dof]); shapes, if not NULL,
 * is [dof][dof], one mode a row, with unit modal mass. */
enum aft_code aft_building_modes(double *omega, double *shapes, const struct aft_building *building,
                                 struct aft_error *error);

/* First period of the bare structure, s. */
enum aft_code aft_building_first_period(double *period_s, const struct aft_building_config *config,
                                        struct aft_error *error);

/* z' = a z + b_force u + b_ground a_g, z = [x, x'] of 2 dof. */
void aft_building_state_space(double *a, double *b_force, double *b_ground,
                              const struct aft_building *building);

/* Absolute accelerations (m/s²) of all floors in state z, whose entries are
 * stride apart, while force_n acts between roof and device. */
void aft_building_floor_accelerations(double *acceleration_m_s2,
                                      const struct aft_building *building, const double *z,
                                      int stride, double force_n);

#endif
