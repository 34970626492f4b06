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

#include "environment/config.h"

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

float aft_reward(const struct aft_reward_config *config, const struct aft_reward_terms *terms);

#endif
