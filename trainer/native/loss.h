/*
 * The PPO loss (Schulman et al. 2017, equations 7 and 9) and its gradient with
 * respect to the networks' outputs, over one block of samples. The means are
 * over the whole minibatch: `inverse_n` is 1 / its number of samples.
 */
#ifndef AFT_TRAINER_NATIVE_LOSS_H
#define AFT_TRAINER_NATIVE_LOSS_H

#include "trainer/engine.h"
#include "trainer/native/native.h"

struct aft_gaussian { /* of one policy evaluation */
    int action_dim;
    const float *log_std;     /* [action_dim] */
    const float *inverse_std; /* [action_dim], exp(-log_std) */
};
/* Writes inverse_std for the log_std given. */
struct aft_gaussian aft_gaussian_init(int action_dim, const float *log_std, float *inverse_std);

/* log N(actions; mean, exp(log_std)), summed over the action, [rows] */
void aft_gaussian_log_probs(const struct aft_gaussian *gaussian, int rows, const float *actions,
                            const float *mean, float *log_probs);

struct aft_policy_loss {
    struct aft_gaussian gaussian;
    float clip_range;
    float inverse_n;
    float advantage_mean, advantage_scale; /* A = (advantage - mean) * scale */
};
/* Fills d_mean [rows][action_dim], adds to d_log_std [action_dim] and to the sums. */
void aft_policy_loss_gradient(const struct aft_policy_loss *loss, int rows,
                              const struct aft_samples *samples, const float *mean, float *d_mean,
                              float *d_log_std, struct aft_native_sums *sums);

struct aft_value_loss {
    float clip_range; /* 0: not clipped */
    float inverse_n;
    float coefficient;
};
/* Fills d_value [rows], adds to the sums. */
void aft_value_loss_gradient(const struct aft_value_loss *loss, int rows,
                             const struct aft_samples *samples, const float *value, float *d_value,
                             struct aft_native_sums *sums);

#endif
