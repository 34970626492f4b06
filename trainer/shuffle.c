#include "trainer/shuffle.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 512 }; /* samples that one task copies */

enum aft_code aft_shuffle_create(struct aft_shuffle **out, const struct aft_rollout *rollout,
                                 int n_epochs, struct aft_error *error)
{
    *out = NULL;
    struct aft_shuffle *shuffle = calloc(1, sizeof *shuffle);
    size_t n = (size_t)rollout->n_steps * (size_t)rollout->n_envs;
    if (shuffle != NULL) {
        shuffle->n = (int)n;
        shuffle->obs_dim = rollout->obs_dim;
        shuffle->action_dim = rollout->action_dim;
        shuffle->n_epochs = n_epochs;
        shuffle->order = malloc((size_t)n_epochs * n * sizeof *shuffle->order);
        shuffle->obs = malloc(n * (size_t)rollout->obs_dim * sizeof(float));
        shuffle->actions = malloc(n * (size_t)rollout->action_dim * sizeof(float));
        shuffle->log_probs = malloc(n * sizeof(float));
        shuffle->values = malloc(n * sizeof(float));
        shuffle->advantages = malloc(n * sizeof(float));
        shuffle->returns = malloc(n * sizeof(float));
    }
    if (shuffle == NULL || shuffle->order == NULL || shuffle->obs == NULL ||
        shuffle->actions == NULL || shuffle->log_probs == NULL || shuffle->values == NULL ||
        shuffle->advantages == NULL || shuffle->returns == NULL) {
        aft_shuffle_destroy(shuffle);
        return aft_fail(error, AFT_ERR_MEMORY, "make room for %zu samples: out of memory", n);
    }
    *out = shuffle;
    return AFT_OK;
}

void aft_shuffle_destroy(struct aft_shuffle *shuffle)
{
    if (shuffle == NULL) {
        return;
    }
    free(shuffle->order);
    free(shuffle->obs);
    free(shuffle->actions);
    free(shuffle->log_probs);
    free(shuffle->values);
    free(shuffle->advantages);
    free(shuffle->returns);
    free(shuffle);
}

struct draw {
    struct aft_shuffle *shuffle;
    struct aft_random_key key;
    uint32_t iteration;
};

static void draw_task(void *context, int epoch, int thread)
{
    (void)thread;
    struct draw *draw = context;
    uint32_t n = (uint32_t)draw->shuffle->n;
    aft_random_permutation(&draw->shuffle->order[(size_t)epoch * n], n, draw->key, draw->iteration,
                           (uint32_t)epoch);
}

void aft_shuffle_draw(struct aft_shuffle *shuffle, struct aft_thread_pool *pool,
                      struct aft_random_key key, uint32_t iteration)
{
    struct draw draw = {shuffle, key, iteration};
    aft_thread_pool_run(pool, shuffle->n_epochs, draw_task, &draw);
}

struct gather {
    struct aft_shuffle *shuffle;
    const struct aft_shuffle_source *source;
    int epoch;
};

static void gather_task(void *context, int task, int thread)
{
    (void)thread;
    struct gather *gather = context;
    struct aft_shuffle *to = gather->shuffle;
    const struct aft_rollout *from = gather->source->rollout;
    const uint32_t *order = &to->order[(size_t)gather->epoch * (size_t)to->n];
    size_t obs_dim = (size_t)to->obs_dim, action_dim = (size_t)to->action_dim;
    int first = task * CHUNK, end = first + CHUNK < to->n ? first + CHUNK : to->n;
    for (int row = first; row < end; row++) {
        size_t i = (size_t)row, at = order[i];
        memcpy(&to->obs[i * obs_dim], &from->obs[at * obs_dim], obs_dim * sizeof(float));
        memcpy(&to->actions[i * action_dim], &from->actions[at * action_dim],
               action_dim * sizeof(float));
        to->log_probs[i] = from->log_probs[at];
        to->values[i] = from->values[at];
        to->advantages[i] = gather->source->advantages[at];
        to->returns[i] = gather->source->returns[at];
    }
}

void aft_shuffle_gather(struct aft_shuffle *shuffle, struct aft_thread_pool *pool,
                        const struct aft_shuffle_source *source, int epoch)
{
    struct gather gather = {shuffle, source, epoch};
    aft_thread_pool_run(pool, (shuffle->n + CHUNK - 1) / CHUNK, gather_task, &gather);
}

struct aft_minibatch aft_shuffle_minibatch(const struct aft_shuffle *shuffle, int first, int n)
{
    size_t at = (size_t)first;
    return (struct aft_minibatch){
        .n = n,
        .obs = &shuffle->obs[at * (size_t)shuffle->obs_dim],
        .actions = &shuffle->actions[at * (size_t)shuffle->action_dim],
        .log_probs = &shuffle->log_probs[at],
        .values = &shuffle->values[at],
        .advantages = &shuffle->advantages[at],
        .returns = &shuffle->returns[at],
    };
}
