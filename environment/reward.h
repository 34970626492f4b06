/*
 * The reward of a control step, in units of the passive building on the same
 * ground motion (d: drift ratios):
 *
 *   max{ -drift Σd²/(E N) - peak Δpeak/D_p, -1 }
 *   - stroke max(0, (|s|/limit - 0.7)/0.3)²
 *   - saturation [|a| > 1] - force (F/F_limit)² - force_rate (ΔF/F_limit)²
 *   - acceleration Δpeak/A_p of the floors' accelerations
 *
 * Σ runs over the control step's substeps and all storeys, E is the passive
 * episode's mean of Σ over substeps and N the number of substeps in an episode,
 * D_p and A_p the passive episode's largest drift ratio and floor acceleration,
 * Δpeak the growth of the largest value so far. A building without drift earns 0
 * in an episode, the passive one -(drift + peak).
 *
 * A force that is held costs drift nothing: the device's spring balances it. Without its
 * own term a policy may keep the mass pushed aside long after the shaking.
 *
 * What the passive building does at a step is left out on purpose: no action
 * changes it, the policy cannot see it, and where control is good it would be
 * most of the variance of the returns.
 */
#ifndef AFT_ENVIRONMENT_REWARD_H
#define AFT_ENVIRONMENT_REWARD_H

#include "environment/clamp.h"
#include "environment/config.h"

#include <math.h>

struct aft_reward_terms {
    float squares;                   /* Σd² over the control step */
    float peak_growth;               /* Δpeak of the drift ratio */
    float acceleration_growth_m_s2;  /* of the floors' accelerations */
    float mean_squares;              /* E */
    float substeps;                  /* N */
    float largest_drift;             /* D_p */
    float largest_acceleration_m_s2; /* A_p; 0: not followed */
    float stroke_share;              /* |s|/limit, 0 without a limit */
    float force_share;               /* F/F_limit */
    float force_change_share;        /* ΔF/F_limit */
    float action;                    /* as the policy gave it, not clipped */
};

/* Inline and without branches, so that a loop over environments becomes vector code. */
static inline float aft_reward(const struct aft_reward_config *config,
                               const struct aft_reward_terms *terms)
{
    float drift = terms->squares / (terms->mean_squares * terms->substeps);
    float peak = terms->peak_growth / terms->largest_drift;
    float tracked = -(float)config->drift * drift - (float)config->peak * peak;
    float reward = aft_larger_f32(-1.0F, tracked);

    float beyond = aft_larger_f32(0.0F, (terms->stroke_share - 0.7F) / 0.3F);
    reward -= (float)config->stroke * beyond * beyond;
    reward -= fabsf(terms->action) > 1.0F ? (float)config->saturation : 0.0F;
    reward -= (float)config->force * terms->force_share * terms->force_share;
    reward -= (float)config->force_rate * terms->force_change_share * terms->force_change_share;
    float jerked = (float)config->acceleration * terms->acceleration_growth_m_s2 /
                   terms->largest_acceleration_m_s2;
    return reward - (terms->largest_acceleration_m_s2 > 0.0F ? jerked : 0.0F);
}

#endif
