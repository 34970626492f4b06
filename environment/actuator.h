/*
 * The force motor between roof and device: a first-order lag, a limit of the
 * force, and a limit of the power it can put in. A force held over a step does
 * the work u (s1 - s0), the stroke's ends s0 and s1; s1 is linear in u, so the
 * limit holds exactly for every step's mean power. Braking (u against the
 * motion) is free.
 */
#ifndef AFT_ENVIRONMENT_ACTUATOR_H
#define AFT_ENVIRONMENT_ACTUATOR_H

#include "environment/config.h"

/* Share of the way to the commanded force that a step covers: 1 without lag. */
double aft_actuator_lag_share(const struct aft_actuator_config *config, double dt_s);

/* The force after lag and force limit. */
double aft_actuator_force(const struct aft_actuator_config *config, double lag_share,
                          double previous_n, double command_n);

/* The force after the power limit. free_move_m is the stroke's change over the
 * step without force, compliance_m_n > 0 what each newton adds. */
double aft_actuator_limit_power(const struct aft_actuator_config *config, double force_n,
                                double free_move_m, double compliance_m_n, double dt_s);

#endif
