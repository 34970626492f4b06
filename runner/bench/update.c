/*
 * The update phase of PPO, driven as trainer/ppo.c drives it: the orders of all
 * epochs are drawn, the samples are loaded, and each epoch is one call.
 */
#include "base/random.h"
#include "runner/bench/bench.h"
#include "runner/worker_run.h"
#include "trainer/shuffle.h"

#include <math.h>
#include <stdlib.h>

enum { OBS_DIM = 8, LEAST_SAMPLES = 4096, EPOCHS = 6, QUICK_EPOCHS = 2 };

struct update {
    struct aft_bench_model model;
    struct aft_shuffle shuffle;
    struct aft_samples samples;
    float *memory; /* of the samples */
    struct aft_update_stats *stats;
    int batch;
    uint32_t iteration;
    double flop; /* of a sample */
};

/* A rollout's worth of samples that the policy itself might have drawn. */
static enum aft_code make_samples(struct update *update, int n, struct aft_error *error)
{
    const struct aft_engine_interface *use = update->model.engine.use;
    size_t count = (size_t)n;
    float *memory = calloc(count * (OBS_DIM + 6), sizeof *memory);
    update->memory = memory;
    update->stats = calloc(count / (size_t)update->batch + 1, sizeof *update->stats);
    if (memory == NULL || update->stats == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "make samples: out of memory");
    }
    float *obs = memory, *actions = obs + count * OBS_DIM, *log_probs = actions + count;
    float *values = log_probs + count, *advantages = values + count, *returns = advantages + count;
    float *noise = returns + count;
    struct aft_random_key key = aft_random_key(1, 0, AFT_RANDOM_ACTION_NOISE);
    aft_random_normal_f32(obs, count * OBS_DIM, key, 0, 0, 0);
    aft_random_normal_f32(advantages, count, key, 0, 1, 0);
    aft_random_normal_f32(noise, count, key, 0, 2, 0);
    aft_random_normal_f32(returns, count, key, 0, 3, 0);
    update->samples = (struct aft_samples){n, obs, actions, log_probs, values, advantages, returns};
    return use->act(update->model.engine.self, 0, n, obs, noise, actions, log_probs, values, error);
}

static enum aft_code iterate(struct update *update, struct aft_error *error)
{
    /* A rate so small that the weights stay where they are: the arithmetic is the same. */
    static const struct aft_update_config config = {
        .learning_rate = 1e-7f,
        .clip_range = 0.2f,
        .vf_coef = 0.5f,
        .max_grad_norm = 0.5f,
        .adam_beta1 = 0.9f,
        .adam_beta2 = 0.999f,
        .adam_eps = 1e-5f,
        .normalize_advantage = true,
    };
    const struct aft_engine *engine = &update->model.engine;
    size_t n = (size_t)update->samples.n;
    aft_shuffle_draw(&update->shuffle, update->model.pool,
                     aft_random_key(1, 0, AFT_RANDOM_MINIBATCH_ORDER), update->iteration++);
    enum aft_code code = engine->use->load_samples(engine->self, &update->samples, error);
    for (size_t epoch = 0; epoch < (size_t)update->shuffle.n_epochs && code == AFT_OK; epoch++) {
        const struct aft_minibatches minibatches = {&update->shuffle.order[epoch * n],
                                                    update->samples.n, update->batch};
        int done = 0;
        code =
            engine->use->update(engine->self, &minibatches, &config, update->stats, &done, error);
    }
    return code;
}

static enum aft_code burst(void *self, const struct aft_bench_round *round,
                           struct aft_bench_figure *figures, struct aft_error *error)
{
    struct update *update = self;
    double begin = aft_monotonic_s(), elapsed = 0, samples = 0;
    do {
        enum aft_code code = iterate(update, error);
        if (code != AFT_OK) {
            return code;
        }
        samples += (double)update->samples.n * update->shuffle.n_epochs;
        elapsed = aft_monotonic_s() - begin;
    } while (elapsed < round->seconds && !aft_bench_stopped());
    figures[0] = (struct aft_bench_figure){samples / elapsed, 1e9 * round->gflops / update->flop};
    return AFT_OK;
}

static void clear(struct update *update)
{
    aft_bench_model_close(&update->model);
    aft_shuffle_clear(&update->shuffle);
    free(update->memory);
    free(update->stats);
}

enum aft_code aft_bench_measure_update(struct aft_bench *bench,
                                       const struct aft_bench_update *config,
                                       struct aft_error *error)
{
    int n = config->batch > LEAST_SAMPLES ? config->batch : LEAST_SAMPLES;
    const struct aft_bench_model_config model = {
        .network = aft_bench_network(OBS_DIM, &config->hidden, config->activation),
        .max_rows = n,
        .max_batch = config->batch,
        .threads = config->threads,
    };
    struct update update = {.batch = config->batch, .flop = aft_bench_update_flop(&model.network)};
    struct aft_bench_result label = {.name = "update",
                                     .batch = config->batch,
                                     .threads = config->threads,
                                     .axis = config->axis,
                                     .size = config->size,
                                     .unit = "samples/s"};
    aft_bench_name_network(label.network, sizeof label.network, &model.network);
    enum aft_code code = aft_bench_model_open(&update.model, bench, &model, error);
    if (code == AFT_OK) {
        code = make_samples(&update, n, error);
    }
    if (code == AFT_OK) {
        code = aft_shuffle_init(&update.shuffle, n, bench->options->quick ? QUICK_EPOCHS : EPOCHS,
                                error);
    }
    if (code == AFT_OK) {
        const struct aft_bench_subject subject = {&update, 1, true, burst};
        code = aft_bench_measure(bench, &subject, &label, error);
    }
    clear(&update);
    return code;
}
