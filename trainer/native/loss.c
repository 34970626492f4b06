#include "trainer/native/loss.h"

#include <math.h>

static const float HALF_LOG_TWO_PI = 0.918938533204672742f;

static float clamp(float x, float low, float high)
{
    return x < low ? low : (x > high ? high : x);
}

struct aft_gaussian aft_gaussian_init(int action_dim, const float *log_std, float *inverse_std)
{
    for (int k = 0; k < action_dim; k++) {
        inverse_std[k] = expf(-log_std[k]);
    }
    return (struct aft_gaussian){action_dim, log_std, inverse_std};
}

static float log_prob(const struct aft_gaussian *gaussian, const float *action, const float *mean)
{
    float sum = 0.0f;
    for (int k = 0; k < gaussian->action_dim; k++) {
        float z = (action[k] - mean[k]) * gaussian->inverse_std[k];
        sum += -0.5f * (z * z) - gaussian->log_std[k] - HALF_LOG_TWO_PI;
    }
    return sum;
}

void aft_gaussian_log_probs(const struct aft_gaussian *gaussian, int rows, const float *actions,
                            const float *mean, float *log_probs)
{
    for (int i = 0; i < rows; i++) {
        int at = i * gaussian->action_dim;
        log_probs[i] = log_prob(gaussian, &actions[at], &mean[at]);
    }
}

/* Of one sample; returns dL/d log_prob. */
static float surrogate_gradient(const struct aft_policy_loss *loss, float log_ratio,
                                float advantage, struct aft_native_sums *sums)
{
    float ratio = expf(log_ratio);
    float clipped = clamp(ratio, 1.0f - loss->clip_range, 1.0f + loss->clip_range);
    float plain_gain = advantage * ratio, clipped_gain = advantage * clipped;
    bool unclipped = !(plain_gain > clipped_gain); /* true for NaN, which must go on */
    sums->policy += -(double)(unclipped ? plain_gain : clipped_gain);
    sums->kl += ((double)ratio - 1.0) - (double)log_ratio;
    sums->clipped += fabsf(ratio - 1.0f) > loss->clip_range ? 1.0 : 0.0;
    return unclipped ? -plain_gain * loss->inverse_n : 0.0f;
}

void aft_policy_loss_gradient(const struct aft_policy_loss *loss, int rows,
                              const struct aft_samples *samples, const float *mean, float *d_mean,
                              float *d_log_std, struct aft_native_sums *sums)
{
    int n_actions = loss->gaussian.action_dim;
    const float *action = samples->actions, *mu = mean;
    for (int i = 0; i < rows; i++, action += n_actions, mu += n_actions, d_mean += n_actions) {
        float advantage = (samples->advantages[i] - loss->advantage_mean) * loss->advantage_scale;
        float log_ratio = log_prob(&loss->gaussian, action, mu) - samples->log_probs[i];
        float d_log_prob = surrogate_gradient(loss, log_ratio, advantage, sums);
        for (int k = 0; k < n_actions; k++) {
            float inverse_std = loss->gaussian.inverse_std[k];
            float z = (action[k] - mu[k]) * inverse_std;
            d_mean[k] = d_log_prob * (z * inverse_std);
            d_log_std[k] += d_log_prob * (z * z - 1.0f);
        }
    }
}

void aft_value_loss_gradient(const struct aft_value_loss *loss, int rows,
                             const struct aft_samples *samples, const float *value, float *d_value,
                             struct aft_native_sums *sums)
{
    for (int i = 0; i < rows; i++) {
        float prediction = value[i];
        bool inside = true;
        if (loss->clip_range > 0.0f) {
            float change = value[i] - samples->values[i];
            prediction = samples->values[i] + clamp(change, -loss->clip_range, loss->clip_range);
            inside = !(fabsf(change) > loss->clip_range);
        }
        float error = prediction - samples->returns[i];
        sums->value += (double)error * (double)error;
        d_value[i] = inside ? 2.0f * loss->coefficient * loss->inverse_n * error : 0.0f;
    }
}
