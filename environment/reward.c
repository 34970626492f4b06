#include "environment/reward.h"

#include "environment/clamp.h"

#include <math.h>

float aft_reward(const struct aft_reward_config *config, const struct aft_reward_terms *terms)
{
    float drift =
        (terms->passive_squares - terms->squares) / (terms->mean_squares * terms->substeps);
    float peak = (terms->peak_growth - terms->passive_peak_growth) / terms->largest_drift;
    float tracked = (float)config->drift * drift - (float)config->peak * peak;
    float reward = aft_clamp_f32(tracked, -1.0F, 1.0F);

    float beyond = aft_larger_f32(0.0F, (terms->stroke_share - 0.7F) / 0.3F);
    reward -= (float)config->stroke * beyond * beyond;
    if (fabsf(terms->action) > 1.0F) {
        reward -= (float)config->saturation;
    }
    reward -= (float)config->force_rate * terms->force_change_share * terms->force_change_share;
    if (terms->largest_acceleration_m_s2 > 0.0F) {
        reward -= (float)config->acceleration *
                  (terms->acceleration_growth_m_s2 - terms->passive_acceleration_growth_m_s2) /
                  terms->largest_acceleration_m_s2;
    }
    return reward;
}
