/* The samples of a rollout in an epoch's random order, so that every minibatch
 * is a contiguous slice. */
#ifndef AFT_TRAINER_SHUFFLE_H
#define AFT_TRAINER_SHUFFLE_H

#include "trainer/rollout.h"

#include <stdint.h>

struct aft_shuffle {
    int n; /* samples */
    int obs_dim, action_dim, n_epochs;
    uint32_t *order;      /* [n_epochs][n] */
    float *obs, *actions; /* [n][…] in the order of the present epoch */
    float *log_probs, *values, *advantages, *returns;
};

enum aft_code aft_shuffle_create(struct aft_shuffle **shuffle, const struct aft_rollout *rollout,
                                 int n_epochs, struct aft_error *error);
void aft_shuffle_destroy(struct aft_shuffle *shuffle);

/* Draws the orders of all epochs of an iteration. */
void aft_shuffle_draw(struct aft_shuffle *shuffle, struct aft_thread_pool *pool,
                      struct aft_random_key key, uint32_t iteration);

struct aft_shuffle_source {
    const struct aft_rollout *rollout;
    const float *advantages, *returns; /* [n] */
};
/* Copies all samples in the order of an epoch. */
void aft_shuffle_gather(struct aft_shuffle *shuffle, struct aft_thread_pool *pool,
                        const struct aft_shuffle_source *source, int epoch);

/* Samples first … first + n - 1, borrowed until the next gather. */
struct aft_minibatch aft_shuffle_minibatch(const struct aft_shuffle *shuffle, int first, int n);

#endif
