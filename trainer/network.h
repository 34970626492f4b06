/*
 * The actor-critic network: two separate multilayer perceptrons over the same
 * observation, a Gaussian policy with a state-independent log standard
 * deviation, and a scalar value. All parameters are one flat float vector, in
 * Stable-Baselines3's order:
 *   log_std [action_dim]
 *   mlp_extractor.policy_net.{0,2,…}.weight [out][in], .bias [out]
 *   mlp_extractor.value_net.{0,2,…}.weight, .bias
 *   action_net.weight [action_dim][hidden], .bias
 *   value_net.weight [1][hidden], .bias
 * Weights are row-major [out][in], as in torch.nn.Linear.
 */
#ifndef AFT_TRAINER_NETWORK_H
#define AFT_TRAINER_NETWORK_H

#include "base/error.h"
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>

enum { AFT_NETWORK_MAX_HIDDEN = 8, AFT_NETWORK_MAX_TENSORS = 4 * AFT_NETWORK_MAX_HIDDEN + 5 };

enum aft_activation { AFT_TANH, AFT_RELU };

struct aft_network {
    int obs_dim;
    int action_dim;
    int n_hidden;
    int hidden[AFT_NETWORK_MAX_HIDDEN];
    enum aft_activation activation;
};

struct aft_network_tensor {
    char name[64];
    int n_dims;    /* 1 or 2 */
    int dims[2];   /* [out], or [out][in] */
    size_t offset; /* into the flat vector, in floats */
    size_t count;
};

int aft_network_tensor_count(const struct aft_network *network);
/* index is 0…count-1, in Stable-Baselines3's order */
void aft_network_tensor(struct aft_network_tensor *tensor, const struct aft_network *network,
                        int index);
size_t aft_network_parameter_count(const struct aft_network *network);

struct aft_network_init {
    bool orthogonal; /* as SB3: gain √2 hidden, 1 value, output_gain action; biases 0.
                      * Otherwise torch.nn.Linear's uniform ±1/√fan_in */
    double output_gain;
    double log_std;
};
/* Fills the flat vector; a function of the key alone. Orthogonal matrices by
 * QR of a Gaussian matrix with R's diagonal made positive (Saxe et al. 2014).
 * The only failure is AFT_ERR_MEMORY. */
enum aft_code aft_network_initialise(float *parameters, const struct aft_network *network,
                                     const struct aft_network_init *init,
                                     struct aft_random_key key);

#endif
