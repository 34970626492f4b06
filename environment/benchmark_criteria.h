/*
 * A controlled response measured against another one (uncontrolled or
 * passive), with the criteria and numbers of the benchmark buildings: Ohtori,
 * Christenson, Spencer & Dyke 2004, J. Eng. Mech. 130(4), 366, after Spencer,
 * Christenson & Dyke 1998 (Proc. 2nd World Conf. on Structural Control). There
 * the denominators are the uncontrolled building's. Smaller is better, 1 is
 * "as good as the reference".
 *
 * Left out: J7-J10 (ductility, dissipated energy, plastic hinges: this plant is
 * elastic) and J15-J17 (numbers of devices and sensors, computation).
 * ||x|| is the root of the mean square over time.
 */
#ifndef AFT_ENVIRONMENT_BENCHMARK_CRITERIA_H
#define AFT_ENVIRONMENT_BENCHMARK_CRITERIA_H

#include "environment/building.h"
#include "environment/response.h"

struct aft_criteria {
    double j1_peak_drift;        /* max |d_i|/h_i over storeys and time */
    double j2_peak_acceleration; /* max |a_i|, absolute, over floors and time */
    double j3_peak_base_shear;   /* max |Σ m_i a_i|: here what the first storey carries */
    double j4_normed_drift;      /* max over storeys of ||d_i||/h_i */
    double j5_normed_acceleration;
    double j6_normed_base_shear;
    double j11_force;        /* max |u| / weight of the structure */
    double j12_stroke;       /* max |stroke| / the reference's max roof displacement */
    double j13_power;        /* max power / (the reference's max roof speed × weight) */
    double j14_normed_power; /* mean power drawn / the same */
};

/* A ratio whose denominator is 0 is 0 where its numerator is, too, otherwise infinite. */
struct aft_criteria aft_criteria_of(const struct aft_response *response,
                                    const struct aft_response *reference,
                                    const struct aft_building_config *building);

#endif
