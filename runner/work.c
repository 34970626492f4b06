/* The worker: attaches to its keeper, opens the engine, and trains stage after stage. */
#include "runner/work.h"

#include "environment/environment.h"
#include "recovery/worker.h"
#include "runner/configure.h"
#include "runner/launch.h"
#include "runner/worker_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first state of all: new weights, nothing counted. */
static enum aft_code begin_fresh(struct aft_worker_run *run, struct aft_error *error)
{
    const struct aft_stage *first = &run->curriculum->stages[0];
    struct aft_training_header header = {
        .obs_dim = run->network.obs_dim,
        .action_dim = run->network.action_dim,
        .parameter_count = aft_network_parameter_count(&run->network),
        .counters = {.stage = 1},
        .n_scores = run->curriculum->n_stages,
    };
    aft_forget_scores(&header);
    aft_forget_completed(&header);
    run->state_capacity = aft_training_state_size(&header);
    void *bytes = calloc(1, run->state_capacity);
    if (bytes == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "begin training: no memory");
    }
    memcpy(bytes, &header, sizeof header);
    aft_training_state_lay_out(&run->state, bytes);
    struct aft_network_init init = {
        .orthogonal = first->ppo.ortho_init,
        .output_gain = first->ppo.output_gain,
        .log_std = first->ppo.log_std_init,
    };
    struct aft_random_key key = aft_random_key(run->curriculum->run.seed, 0, AFT_RANDOM_WEIGHTS);
    if (aft_network_initialise(run->state.parameters, &run->network, &init, key) != AFT_OK) {
        return aft_fail(error, AFT_ERR_MEMORY, "initialise the weights: no memory");
    }
    return AFT_OK;
}

static enum aft_code begin_from_snapshot(struct aft_worker_run *run, struct aft_error *error)
{
    void *bytes = NULL;
    size_t capacity = 0;
    struct aft_snapshot_info info;
    enum aft_code code = aft_snapshot_copy(run->region, &bytes, &capacity, &info, error);
    if (code == AFT_OK) {
        code = aft_training_state_view(&run->state, bytes, info.size, error);
    }
    if (code != AFT_OK) {
        free(bytes);
        return code;
    }
    run->state_capacity = capacity;
    run->history_length = info.history_length;
    if (run->state.header->obs_dim != run->network.obs_dim ||
        run->state.header->parameter_count != aft_network_parameter_count(&run->network)) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "go on from snapshot: it is of another network or other sensors");
    }
    run->state.header->n_scores = run->curriculum->n_stages;
    return AFT_OK;
}

static enum aft_code open_engine(struct aft_worker_run *run, struct aft_error *error)
{
    struct aft_engine_config config = {
        .network = run->network,
        .act_slots = aft_thread_pool_threads(run->pool),
        .device = run->curriculum->run.device,
        .tf32 = run->curriculum->run.tf32,
        .pool = run->pool,
    };
    for (int i = 0; i < run->curriculum->n_stages; i++) {
        const struct aft_stage *stage = &run->curriculum->stages[i];
        int n_envs = stage->environment.n_envs;
        config.max_rows = n_envs > config.max_rows ? n_envs : config.max_rows;
        config.max_batch =
            stage->ppo.batch_size > config.max_batch ? stage->ppo.batch_size : config.max_batch;
    }
    return aft_engine_open(&run->engine, run->curriculum->run.engine, &config, error);
}

/* A mistake that only shows when a later stage is set up is found before the first one
 * has cost hours. */
static enum aft_code try_every_environment(const struct aft_worker_run *run,
                                           struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    for (int stage = 1; stage <= run->curriculum->n_stages && code == AFT_OK; stage++) {
        struct aft_stage_environment setup;
        struct aft_env env = {0};
        code = aft_configure_environment(&setup, run->curriculum, stage, error);
        if (code == AFT_OK) {
            code = aft_environment_create(&env, &setup.config, error);
        }
        if (code == AFT_OK) {
            env.destroy(env.self);
        }
        aft_stage_environment_clear(&setup);
    }
    return code;
}

static enum aft_code prepare(struct aft_worker_run *run, struct aft_error *error)
{
    struct aft_stage_environment setup;
    enum aft_code code = aft_configure_environment(&setup, run->curriculum, 1, error);
    if (code != AFT_OK) {
        return code;
    }
    run->network = aft_network_of_settings(&run->curriculum->stages[0].ppo,
                                           aft_environment_obs_dim(&setup.config));
    aft_stage_environment_clear(&setup);
    code = try_every_environment(run, error);
    if (code != AFT_OK) {
        return code;
    }
    code = aft_thread_pool_create(&run->pool, run->curriculum->run.threads, error);
    if (code == AFT_OK) {
        code = open_engine(run, error);
    }
    if (code == AFT_OK) {
        code = aft_snapshot_sequence(run->region) == 0 ? begin_fresh(run, error)
                                                       : begin_from_snapshot(run, error);
    }
    if (code == AFT_OK) {
        code = aft_worker_run_import(run, error);
    }
    if (code == AFT_OK) {
        struct aft_training_header *header = run->state.header;
        run->engine.use->describe(run->engine.self, header->engine, sizeof header->engine);
        run->trained_before_s = header->trained_s;
        run->steps_before = header->counters.total_steps;
    }
    return code;
}

static void tell_engine(const struct aft_worker_run *run)
{
    struct aft_event event = aft_worker_event(run, AFT_EVENT_WORKER_BEGINS);
    struct aft_event_worker *told = &event.u.worker;
    (void)snprintf(told->engine, sizeof told->engine, "%s", run->state.header->engine);
    told->pid = getpid();
    told->attempt = run->state.header->attempt;
    told->threads = aft_thread_pool_threads(run->pool);
    aft_events_put(run->region, &event);
}

static enum aft_code train(struct aft_worker_run *run, int last_stage, struct aft_error *error)
{
    enum aft_code code = prepare(run, error);
    if (code != AFT_OK) {
        return code;
    }
    tell_engine(run);
    const struct aft_training_header *header = run->state.header;
    int stage = (int)header->counters.stage + (header->stage_complete ? 1 : 0);
    for (; stage <= last_stage && code == AFT_OK; stage++) {
        code = aft_train_stage(run, stage, error);
    }
    return code;
}

static void clear(struct aft_worker_run *run)
{
    aft_engine_close(&run->engine);
    aft_thread_pool_destroy(run->pool);
    free(run->state.header);
}

int aft_work(int argc, char **argv)
{
    struct aft_error error = {0};
    struct aft_worker_link link;
    struct aft_launch launch;
    if (aft_worker_attach(&link, argc, argv, &error) != AFT_OK) {
        (void)fprintf(stderr, "aftershock: %s\n", error.message);
        return 1;
    }
    enum aft_code code = aft_launch_read(&launch, link.launch_fd, &error);
    if (code == AFT_OK) {
        struct aft_worker_run run = {
            .curriculum = launch.curriculum, .region = link.region, .began_s = aft_monotonic_s()};
        aft_reference_scores_read(&run.references, &launch.references);
        code = train(&run, launch.last_stage, &error);
        clear(&run);
    }
    aft_worker_announce(link.region, code == AFT_OK ? AFT_ANNOUNCED_END : AFT_ANNOUNCED_FAILURE,
                        &error);
    aft_launch_clear(&launch);
    aft_worker_detach(&link);
    return code == AFT_OK ? 0 : 1;
}
