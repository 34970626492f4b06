/* The random order in which each epoch takes the samples of a rollout. */
#ifndef AFT_TRAINER_SHUFFLE_H
#define AFT_TRAINER_SHUFFLE_H

#include "base/error.h"
#include "base/random.h"
#include "base/thread_pool.h"

#include <stdint.h>

struct aft_shuffle {
    int n; /* samples */
    int n_epochs;
    uint32_t *order; /* [n_epochs][n], each row a permutation of 0…n-1 */
};

enum aft_code aft_shuffle_init(struct aft_shuffle *shuffle, int n, int n_epochs,
                               struct aft_error *error);
void aft_shuffle_clear(struct aft_shuffle *shuffle);

/* Draws the orders of all epochs of an iteration. */
void aft_shuffle_draw(struct aft_shuffle *shuffle, struct aft_thread_pool *pool,
                      struct aft_random_key key, uint32_t iteration);

#endif
