#include "environment/robustness.h"

#include <stdbool.h>

static bool within(double value, double low, double high)
{
    return value >= low && value <= high;
}

enum aft_code aft_robustness_apply(struct aft_environment_config *changed,
                                   const struct aft_environment_config *config,
                                   const struct aft_robustness *robustness, struct aft_error *error)
{
    const struct aft_robustness *r = robustness;
    if (!within(r->noise_share, 0.0, 10.0) || !within(r->extra_latency_s, 0.0, 10.0) ||
        !within(r->dropout, 0.0, 1.0) || !within(r->stiffness_change, -0.9, 10.0) ||
        !within(r->damping_change, -0.9, 10.0)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "robustness: noise %g, latency %g s, dropout %g, stiffness %+g, damping "
                        "%+g: expected 0 to 10, 0 to 10, 0 to 1, -0.9 to 10 twice",
                        r->noise_share, r->extra_latency_s, r->dropout, r->stiffness_change,
                        r->damping_change);
    }
    *changed = *config;
    changed->building.storey_stiffness_n_m *= 1.0 + r->stiffness_change;
    changed->building.damping_ratio *= 1.0 + r->damping_change;
    if (r->dropout > changed->sensors.dropout) {
        changed->sensors.dropout = r->dropout;
    }
    return AFT_OK;
}
