#include "trainer/advantage.h"

#include <stddef.h>

void aft_advantage_estimate(float *advantages, float *returns,
                            const struct aft_advantage_input *input)
{
    size_t n_envs = (size_t)input->n_envs;
    float decay = input->gamma * input->gae_lambda;
    for (int t = input->n_steps - 1; t >= 0; t--) {
        bool last = t == input->n_steps - 1;
        for (size_t i = 0; i < n_envs; i++) {
            size_t at = (size_t)t * n_envs + i;
            float next_value = last ? input->last_values[i] : input->values[at + n_envs];
            float next_advantage = last ? 0.0f : advantages[at + n_envs];
            if (input->truncated[at]) {
                next_value = input->final_values[at];
            }
            if (input->terminated[at]) {
                next_value = 0.0f;
            }
            if (input->truncated[at] || input->terminated[at]) {
                next_advantage = 0.0f;
            }
            float delta = input->rewards[at] + input->gamma * next_value - input->values[at];
            advantages[at] = delta + decay * next_advantage;
            returns[at] = advantages[at] + input->values[at];
        }
    }
}
