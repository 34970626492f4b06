#include "reference.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { WIDEST = 512 };

static const double PI = 3.14159265358979323846;

/* A layer's weights [out][in] and then its biases; returns what follows them. */
static const double *linear(const double *parameters, int out, int in, const double *x, double *y)
{
    const double *bias = parameters + (size_t)out * (size_t)in;
    for (int i = 0; i < out; i++) {
        double sum = bias[i];
        for (int j = 0; j < in; j++) {
            sum += parameters[i * in + j] * x[j];
        }
        y[i] = sum;
    }
    return bias + out;
}

/* The hidden layers; returns what follows their parameters. */
static const double *hidden_layers(const struct aft_network *network, const double *parameters,
                                   const float *obs, double *x)
{
    double y[WIDEST];
    int in = network->obs_dim;
    for (int i = 0; i < in; i++) {
        x[i] = (double)obs[i];
    }
    for (int l = 0; l < network->n_hidden; l++) {
        int out = network->hidden[l];
        assert(in <= WIDEST && out <= WIDEST);
        parameters = linear(parameters, out, in, x, y);
        for (int i = 0; i < out; i++) {
            x[i] = network->activation == AFT_TANH ? tanh(y[i]) : fmax(y[i], 0.0);
        }
        in = out;
    }
    return parameters;
}

/* In Stable-Baselines3's order: log_std, policy_net, value_net, action_net, value head. */
void reference_forward(const struct aft_network *network, const double *parameters,
                       const float *obs, double *mean, double *value)
{
    double policy[WIDEST], critic[WIDEST];
    int last = network->hidden[network->n_hidden - 1];
    parameters += network->action_dim;
    parameters = hidden_layers(network, parameters, obs, policy);
    parameters = hidden_layers(network, parameters, obs, critic);
    parameters = linear(parameters, network->action_dim, last, policy, mean);
    (void)linear(parameters, 1, last, critic, value);
}

double reference_log_prob(const struct aft_network *network, const double *parameters,
                          const float *action, const double *mean)
{
    double sum = 0.0;
    for (int k = 0; k < network->action_dim; k++) {
        double std = exp(parameters[k]);
        double z = ((double)action[k] - mean[k]) / std;
        sum += -0.5 * z * z - log(std) - 0.5 * log(2.0 * PI);
    }
    return sum;
}

static void advantage_moments(const struct aft_samples *minibatch, double *mean, double *divisor)
{
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < minibatch->n; i++) {
        sum += (double)minibatch->advantages[i];
    }
    *mean = sum / minibatch->n;
    for (int i = 0; i < minibatch->n; i++) {
        squares += pow((double)minibatch->advantages[i] - *mean, 2.0);
    }
    *divisor = sqrt(squares / (minibatch->n - 1)) + 1e-8;
}

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

void reference_loss(const struct aft_network *network, const double *parameters,
                    const struct aft_samples *minibatch, const struct aft_update_config *config,
                    struct aft_update_stats *stats)
{
    double shift = 0.0, divisor = 1.0, clip = (double)config->clip_range;
    double clip_vf = (double)config->clip_range_vf;
    memset(stats, 0, sizeof *stats);
    if (config->normalize_advantage && minibatch->n > 1) {
        advantage_moments(minibatch, &shift, &divisor);
    }
    for (int i = 0; i < minibatch->n; i++) {
        double mean[WIDEST], value, old_value = (double)minibatch->values[i];
        reference_forward(network, parameters, &minibatch->obs[i * network->obs_dim], mean, &value);
        double log_ratio = reference_log_prob(network, parameters,
                                              &minibatch->actions[i * network->action_dim], mean) -
                           (double)minibatch->log_probs[i];
        double ratio = exp(log_ratio);
        double advantage = ((double)minibatch->advantages[i] - shift) / divisor;
        stats->policy_loss -=
            fmin(advantage * ratio, advantage * clamp(ratio, 1.0 - clip, 1.0 + clip));
        if (clip_vf > 0.0) {
            value = old_value + clamp(value - old_value, -clip_vf, clip_vf);
        }
        stats->value_loss += pow(value - (double)minibatch->returns[i], 2.0);
        stats->approx_kl += (ratio - 1.0) - log_ratio;
        stats->clip_fraction += fabs(ratio - 1.0) > clip;
    }
    for (int k = 0; k < network->action_dim; k++) {
        stats->entropy_loss -= 0.5 * log(2.0 * PI * exp(1.0)) + parameters[k];
    }
    stats->policy_loss /= minibatch->n;
    stats->value_loss /= minibatch->n;
    stats->approx_kl /= minibatch->n;
    stats->clip_fraction /= minibatch->n;
    stats->loss = stats->policy_loss + (double)config->ent_coef * stats->entropy_loss +
                  (double)config->vf_coef * stats->value_loss;
}

void reference_gradient(const struct aft_network *network, double *parameters,
                        const struct aft_samples *minibatch, const struct aft_update_config *config,
                        double *gradient)
{
    const double step = 1e-6;
    for (size_t i = 0; i < aft_network_parameter_count(network); i++) {
        struct aft_update_stats above, below;
        double kept = parameters[i];
        parameters[i] = kept + step;
        reference_loss(network, parameters, minibatch, config, &above);
        parameters[i] = kept - step;
        reference_loss(network, parameters, minibatch, config, &below);
        parameters[i] = kept;
        gradient[i] = (above.loss - below.loss) / (2.0 * step);
    }
}

void reference_adam_step(struct reference_adam *adam, const double *gradient, size_t count,
                         const struct aft_update_config *config)
{
    double squares = 0.0, beta1 = (double)config->adam_beta1, beta2 = (double)config->adam_beta2;
    for (size_t i = 0; i < count; i++) {
        squares += gradient[i] * gradient[i];
    }
    double coefficient = (double)config->max_grad_norm / (sqrt(squares) + 1e-6);
    if (config->max_grad_norm <= 0.0f || coefficient > 1.0) {
        coefficient = 1.0;
    }
    adam->step++;
    for (size_t i = 0; i < count; i++) {
        double g = coefficient * gradient[i];
        adam->m[i] = beta1 * adam->m[i] + (1.0 - beta1) * g;
        adam->v[i] = beta2 * adam->v[i] + (1.0 - beta2) * g * g;
        double m = adam->m[i] / (1.0 - pow(beta1, adam->step));
        double v = adam->v[i] / (1.0 - pow(beta2, adam->step));
        adam->parameters[i] -=
            (double)config->learning_rate * m / (sqrt(v) + (double)config->adam_eps);
    }
}
