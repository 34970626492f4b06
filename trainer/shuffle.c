#include "trainer/shuffle.h"

#include <stdlib.h>

enum aft_code aft_shuffle_init(struct aft_shuffle *shuffle, int n, int n_epochs,
                               struct aft_error *error)
{
    *shuffle = (struct aft_shuffle){.n = n, .n_epochs = n_epochs};
    shuffle->order = malloc((size_t)n_epochs * (size_t)n * sizeof *shuffle->order);
    if (shuffle->order == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "shuffle %d epochs of %d samples: out of memory",
                        n_epochs, n);
    }
    return AFT_OK;
}

void aft_shuffle_clear(struct aft_shuffle *shuffle)
{
    free(shuffle->order);
    shuffle->order = NULL;
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
