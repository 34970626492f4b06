/*
 * Generalised advantage estimation (Schulman et al. 2016, equation 16):
 *   delta_t = r_t + gamma V(s_{t+1}) - V(s_t)
 *   A_t     = delta_t + gamma lambda A_{t+1}
 * Where an episode ended in step t nothing is carried over from t + 1, and
 * V(s_{t+1}) is 0 if it terminated, or the value of its final observation if a
 * time limit cut it. All arrays are [n_steps][n_envs] but last_values [n_envs].
 */
#ifndef AFT_TRAINER_ADVANTAGE_H
#define AFT_TRAINER_ADVANTAGE_H

#include <stdbool.h>
#include <stdint.h>

struct aft_advantage_input {
    int n_steps, n_envs;
    float gamma, gae_lambda;
    const float *rewards;
    const float *values;
    const float *final_values; /* read where truncated */
    const float *last_values;  /* of the observations after the last step */
    const uint8_t *terminated, *truncated;
};

/* One pass backwards; returns = advantages + values, the value net's target. */
void aft_advantage_estimate(float *advantages, float *returns,
                            const struct aft_advantage_input *input);

#endif
