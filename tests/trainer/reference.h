/*
 * The network, the PPO loss and Adam once more, in double precision and as
 * plainly as can be: what the engines are checked against.
 */
#ifndef AFT_TESTS_TRAINER_REFERENCE_H
#define AFT_TESTS_TRAINER_REFERENCE_H

#include "trainer/engine.h"

/* Means [action_dim] and value of one observation. */
void reference_forward(const struct aft_network *network, const double *parameters,
                       const float *obs, double *mean, double *value);

double reference_log_prob(const struct aft_network *network, const double *parameters,
                          const float *action, const double *mean);

/* stats->grad_norm is left 0. */
void reference_loss(const struct aft_network *network, const double *parameters,
                    const struct aft_samples *minibatch, const struct aft_update_config *config,
                    struct aft_update_stats *stats);

/* By central differences; parameters are restored. */
void reference_gradient(const struct aft_network *network, double *parameters,
                        const struct aft_samples *minibatch, const struct aft_update_config *config,
                        double *gradient);

struct reference_adam {
    double *parameters, *m, *v;
    int step;
};
/* Clips by the norm as torch does, then one step of torch.optim.Adam. */
void reference_adam_step(struct reference_adam *adam, const double *gradient, size_t count,
                         const struct aft_update_config *config);

#endif
