/*
 * The reward of a control step, in terms of the passive building on the same
 * ground motion (c: controlled, p: passive; d: drift ratios):
 *
 *   clip{ drift (Σd_p² - Σd_c²)/(E N) - peak (Δpeak_c - Δpeak_p)/D_p, -1, 1 }
 *   - stroke max(0, (|s|/limit - 0.7)/0.3)²
 *   - saturation [|a| > 1] - force_rate (ΔF/F_limit)²
 *   - acceleration (Δpeak_c - Δpeak_p)/A_p of the floors' accelerations
 *
 * Σ runs over the control step's N_c substeps and all storeys, E is the mean
 * of Σ over storeys and N the number of substeps in an episode, D_p and A_p
 * the passive episode's largest drift ratio and floor acceleration, Δpeak the
 * growth of the largest value so far. An undamped building without drift would
 * earn `drift` in an episode; as good as passive earns 0.
 */
#ifndef AFT_ENVIRONMENT_REWARD_H
#define AFT_ENVIRONMENT_REWARD_H

#include "environment/clamp.h"
#include "environment/config.h"

#include <math.h>

struct aft_reward_terms {
    float squares, passive_squares; /* Σd² over the control step */
    float peak_growth, passive_peak_growth;
    float acceleration_growth_m_s2, passive_acceleration_growth_m_s2;
    float mean_squares;              /* E */
    float substeps;                  /* N */
    float largest_drift;             /* D_p */
    float largest_acceleration_m_s2; /* A_p; 0: not followed */
    float stroke_share;              /* |s|/limit, 0 without a limit */
    float force_change_share;        /* ΔF/F_limit */
    float action;                    /* as the policy gave it, not clipped */
};

/* Inline and without branches, so that a loop over environments becomes vector code. */
static inline float aft_reward(const struct aft_reward_config *config,
                               const struct aft_reward_terms *terms)
{
    float drift =
        (terms->passive_squares - terms->squares) / (terms->mean_squares * terms->substeps);
    float peak = (terms->peak_growth - terms->passive_peak_growth) / terms->largest_drift;
    float tracked = (float)config->drift * drift - (float)config->peak * peak;
    float reward = aft_clamp_f32(tracked, -1.0F, 1.0F);

    float beyond = aft_larger_f32(0.0F, (terms->stroke_share - 0.7F) / 0.3F);
    reward -= (float)config->stroke * beyond * beyond;
    reward -= fabsf(terms->action) > 1.0F ? (float)config->saturation : 0.0F;
    reward -= (float)config->force_rate * terms->force_change_share * terms->force_change_share;
    float growth = terms->acceleration_growth_m_s2 - terms->passive_acceleration_growth_m_s2;
    float jerked = (float)config->acceleration * growth / terms->largest_acceleration_m_s2;
    return reward - (terms->largest_acceleration_m_s2 > 0.0F ? jerked : 0.0F);
}

#endif
