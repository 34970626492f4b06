/*
 * Keeps the mass off its end stop: where it moves outward too fast to be
 * stopped in what is left of the stroke, the actuator brakes with all it has,
 *     |s| + v²/(2 braking F/m) > reach · limit,  s v > 0.
 */
#ifndef AFT_ENVIRONMENT_STROKE_GUARD_H
#define AFT_ENVIRONMENT_STROKE_GUARD_H

#include "environment/config.h"

struct aft_stroke_guard {
    double reach;   /* share of the stroke limit that may be used; 0: no guard */
    double braking; /* share of F/m that braking is counted on for: building and spring take some */
    double stroke_m, force_limit_n, device_kg; /* stroke_m 0: no guard */
};

/* reach 0.92 and braking 0.8, for this plant. */
struct aft_stroke_guard aft_stroke_guard_of(const struct aft_environment_config *config);

/* The command, or full braking instead. */
double aft_stroke_guard_command(const struct aft_stroke_guard *guard, double stroke_m,
                                double rate_m_s, double command_n);

#endif
