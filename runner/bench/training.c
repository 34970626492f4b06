/* Whole iterations of a stage, rollout and update, through aft_ppo as the worker trains. */
#include "environment/environment.h"
#include "runner/bench/bench.h"
#include "runner/training_state.h"
#include "runner/worker_run.h"
#include "trainer/ppo.h"

#include <math.h>

struct training {
    struct aft_curriculum *curriculum;
    const struct aft_stage *stage;
    struct aft_stage_environment setup;
    struct aft_env env;
    struct aft_bench_model model;
    struct aft_ppo *ppo;
};

/* One after the other: the bound of a step is that of the rollout's and the updates' arithmetic. */
static double bound_of(const struct training *training, double gflops)
{
    const struct aft_network *network = &training->model.network;
    double flop = 2.0 * aft_bench_plant_flop(&training->setup.config) +
                  aft_bench_forward_flop(network) +
                  training->stage->ppo.n_epochs * aft_bench_update_flop(network);
    return 1e9 * gflops / flop;
}

static enum aft_code burst(void *self, const struct aft_bench_round *round,
                           struct aft_bench_figure *figures, struct aft_error *error)
{
    struct training *training = self;
    int64_t first = aft_ppo_counters(training->ppo).steps;
    double begin = aft_monotonic_s(), elapsed = 0;
    do {
        const struct aft_ppo_schedule schedule = aft_schedule_at(training->stage, 0);
        struct aft_iteration iteration;
        enum aft_code code = aft_ppo_iterate(training->ppo, &schedule, &iteration, error);
        if (code != AFT_OK) {
            return code;
        }
        elapsed = aft_monotonic_s() - begin;
    } while (elapsed < round->seconds && !aft_bench_stopped());
    double steps = (double)(aft_ppo_counters(training->ppo).steps - first);
    figures[0] = (struct aft_bench_figure){steps / elapsed, bound_of(training, round->gflops)};
    return AFT_OK;
}

static enum aft_code open_model(struct training *training, const struct aft_bench *bench,
                                int threads, struct aft_error *error)
{
    const struct aft_stage *stage = training->stage;
    const struct aft_bench_model_config config = {
        .network = aft_network_of_settings(&stage->ppo, training->env.obs_dim),
        .max_rows = training->env.n_envs,
        .max_batch = stage->ppo.batch_size,
        .threads = threads,
    };
    return aft_bench_model_open(&training->model, bench, &config, error);
}

static enum aft_code prepare(struct training *training, const struct aft_bench *bench,
                             enum aft_bench_curriculum which, int threads, struct aft_error *error)
{
    /* An iteration of the first project's settings takes seconds: a rollout of an eighth. */
    const char *shorter =
        bench->options->quick && which == AFT_BENCH_V9_ADVANCED ? "stage 1.n_steps=256" : NULL;
    enum aft_code code = aft_bench_curriculum_parse(&training->curriculum, which, shorter, error);
    if (code != AFT_OK) {
        return code;
    }
    training->stage = &training->curriculum->stages[0];
    code = aft_configure_environment(&training->setup, training->curriculum, 1, error);
    if (code == AFT_OK) {
        code = aft_environment_create(&training->env, &training->setup.config, error);
    }
    if (code == AFT_OK) {
        code = open_model(training, bench, threads, error);
    }
    if (code == AFT_OK) {
        const struct aft_ppo_config config = aft_configure_ppo(training->curriculum, 1);
        code = aft_ppo_create(&training->ppo, &config, &training->model.engine, &training->env,
                              training->model.pool, error);
    }
    return code == AFT_OK ? aft_ppo_begin(training->ppo, error) : code;
}

enum aft_code aft_bench_measure_training(struct aft_bench *bench, enum aft_bench_curriculum which,
                                         int threads, struct aft_error *error)
{
    struct training training = {.stage = NULL};
    struct aft_bench_result label = {.name = "train",
                                     .curriculum = aft_bench_curriculum_name(which),
                                     .threads = threads,
                                     .unit = "steps/s"};
    enum aft_code code = prepare(&training, bench, which, threads, error);
    if (code == AFT_OK) {
        const struct aft_bench_subject subject = {&training, 1, true, burst};
        label.batch = training.stage->ppo.batch_size;
        label.n_envs = training.env.n_envs;
        aft_bench_name_network(label.network, sizeof label.network, &training.model.network);
        code = aft_bench_measure(bench, &subject, &label, error);
    }
    aft_ppo_destroy(training.ppo);
    aft_bench_model_close(&training.model);
    if (training.env.destroy != NULL) {
        training.env.destroy(training.env.self);
    }
    aft_stage_environment_clear(&training.setup);
    aft_curriculum_destroy(training.curriculum);
    return code;
}
