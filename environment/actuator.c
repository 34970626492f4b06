#include "environment/actuator.h"

#include "environment/clamp.h"

#include <math.h>

double aft_actuator_lag_share(const struct aft_actuator_config *config, double dt_s)
{
    return config->lag_s > 0.0 ? -expm1(-dt_s / config->lag_s) : 1.0;
}

double aft_actuator_force(const struct aft_actuator_config *config, double lag_share,
                          double previous_n, double command_n)
{
    double target = aft_clamp(command_n, -config->force_limit_n, config->force_limit_n);
    if (lag_share >= 1.0) {
        return target;
    }
    return previous_n + lag_share * (target - previous_n);
}

double aft_actuator_limit_power(const struct aft_actuator_config *config, double force_n,
                                double free_move_m, double compliance_m_n, double dt_s)
{
    if (config->power_limit_w <= 0.0) {
        return force_n;
    }
    double work = config->power_limit_w * dt_s;
    if (force_n * (free_move_m + compliance_m_n * force_n) <= work) {
        return force_n;
    }
    /* The roots of compliance u² + free_move u - limit dt = 0, one on each side of 0. */
    double root = sqrt(free_move_m * free_move_m + 4.0 * compliance_m_n * work);
    double q = -0.5 * (free_move_m + copysign(root, free_move_m));
    double a = q / compliance_m_n, b = -work / q;
    return aft_clamp(force_n, fmin(a, b), fmax(a, b));
}
