#include "environment/stroke_guard.h"

#include <math.h>

struct aft_stroke_guard aft_stroke_guard_of(const struct aft_environment_config *config)
{
    return (struct aft_stroke_guard){.reach = 0.92,
                                     .braking = 0.8,
                                     .stroke_m = config->building.stroke_m,
                                     .force_limit_n = config->actuator.force_limit_n,
                                     .device_kg = config->building.device_mass_kg};
}

double aft_stroke_guard_command(const struct aft_stroke_guard *guard, double stroke_m,
                                double rate_m_s, double command_n)
{
    if (guard->reach * guard->stroke_m <= 0.0 || stroke_m * rate_m_s <= 0.0) {
        return command_n;
    }
    double braking_m_s2 = guard->braking * guard->force_limit_n / guard->device_kg;
    double needed_m = fabs(stroke_m) + rate_m_s * rate_m_s / (2.0 * braking_m_s2);
    return needed_m > guard->reach * guard->stroke_m ? -copysign(guard->force_limit_n, rate_m_s)
                                                     : command_n;
}
