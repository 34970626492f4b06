/* Stepping the building: alone, and in rollouts with a policy. */
#include "environment/environment.h"

#include "base/random.h"
#include "runner/bench/bench.h"
#include "runner/worker_run.h"
#include "trainer/normaliser.h"
#include "trainer/rollout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 32, ACTION_SETS = 16, MAX_TASKS = 1024, WANTED_SAMPLES = 16000, MOST_STEPS = 250 };

double aft_bench_plant_flop(const struct aft_environment_config *config)
{
    const struct aft_building_config *building = &config->building;
    double states = 2.0 * (building->floors + (building->device_mass_kg > 0));
    /* The matrix with two columns for the ground, and the column of the force. */
    return config->control_every * 2.0 * states * (states + 3.0);
}

struct place { /* the environments of stage 1 of stages.ini */
    struct aft_curriculum *curriculum;
    struct aft_stage_environment setup;
    struct aft_env env;
    double plant_flop;
};

static enum aft_code open_place(struct place *place, int n_envs, struct aft_error *error)
{
    memset(place, 0, sizeof *place);
    enum aft_code code =
        aft_bench_curriculum_parse(&place->curriculum, AFT_BENCH_STAGES, NULL, error);
    if (code == AFT_OK) {
        code = aft_configure_environment(&place->setup, place->curriculum, 1, error);
    }
    if (code == AFT_OK) {
        place->setup.config.n_envs = n_envs;
        place->plant_flop = aft_bench_plant_flop(&place->setup.config);
        code = aft_environment_create(&place->env, &place->setup.config, error);
    }
    return code;
}

static void close_place(struct place *place)
{
    if (place->env.destroy != NULL) {
        place->env.destroy(place->env.self);
    }
    aft_stage_environment_clear(&place->setup);
    aft_curriculum_destroy(place->curriculum);
}

/* --- env_step --- */

struct stepping {
    struct place place;
    struct aft_thread_pool *pool;
    int tasks;
    float *actions; /* [ACTION_SETS][n_envs] */
    float *rows;    /* obs, final_obs, reward, metrics */
    uint8_t *ends;  /* terminated, truncated */
    struct aft_env_step out;
    struct steps_of_task { /* of a burst */
        double steps, steps_within, seconds_within;
        enum aft_code code;
        struct aft_error error;
    } done[MAX_TASKS];
};

static bool any_ended(const struct aft_env_step *out, int first, int end)
{
    int ended = 0;
    for (int i = first; i < end; i++) {
        ended += out->truncated[i] + out->terminated[i];
    }
    return ended > 0;
}

/* Some steps of a share of the environments. Calls in which no episode ended are timed for
 * themselves too. */
static void step_task(void *context, int task, int thread)
{
    struct stepping *stepping = context;
    const struct aft_env *env = &stepping->place.env;
    struct steps_of_task *done = &stepping->done[task];
    int first = (int)((int64_t)env->n_envs * task / stepping->tasks);
    int end = (int)((int64_t)env->n_envs * (task + 1) / stepping->tasks);
    double before = aft_monotonic_s();
    (void)thread;
    for (int call = 0; call < CALLS && first < end && done->code == AFT_OK; call++) {
        const float *actions = &stepping->actions[(ptrdiff_t)(call % ACTION_SETS) * env->n_envs];
        done->code =
            env->step(env->self, first, end - first, actions, &stepping->out, &done->error);
        double now = aft_monotonic_s();
        if (!any_ended(&stepping->out, first, end)) {
            done->steps_within += end - first;
            done->seconds_within += now - before;
        }
        done->steps += end - first;
        before = now;
    }
}

static enum aft_code sum_up(struct stepping *stepping, struct steps_of_task *sum,
                            struct aft_error *error)
{
    memset(sum, 0, sizeof *sum);
    for (int i = 0; i < stepping->tasks; i++) {
        const struct steps_of_task *done = &stepping->done[i];
        if (done->code != AFT_OK) {
            *error = done->error;
            return done->code;
        }
        sum->steps += done->steps;
        sum->steps_within += done->steps_within;
        sum->seconds_within += done->seconds_within;
    }
    return AFT_OK;
}

static enum aft_code step_burst(void *self, const struct aft_bench_round *round,
                                struct aft_bench_figure *figures, struct aft_error *error)
{
    struct stepping *stepping = self;
    struct steps_of_task sum;
    memset(stepping->done, 0, sizeof stepping->done);
    double begin = aft_monotonic_s(), elapsed = 0;
    do {
        aft_thread_pool_run(stepping->pool, stepping->tasks, step_task, stepping);
        elapsed = aft_monotonic_s() - begin;
    } while (elapsed < round->seconds && !aft_bench_stopped());
    enum aft_code code = sum_up(stepping, &sum, error);
    /* Where every call had an end in it, there is nothing else to be said. */
    double within = sum.seconds_within > 0 ? stepping->tasks * sum.steps_within / sum.seconds_within
                                           : sum.steps / elapsed;
    double bound = 1e9 * round->gflops / stepping->place.plant_flop;
    figures[0] = (struct aft_bench_figure){sum.steps / elapsed, bound};
    figures[1] = (struct aft_bench_figure){within, bound};
    return code;
}

static enum aft_code prepare_stepping(struct stepping *stepping, struct aft_error *error)
{
    const struct aft_env *env = &stepping->place.env;
    size_t n = (size_t)env->n_envs, dim = (size_t)env->obs_dim;
    stepping->actions = calloc(ACTION_SETS * n, sizeof *stepping->actions);
    stepping->rows = calloc(n * (2 * dim + 1 + (size_t)env->n_metrics), sizeof *stepping->rows);
    stepping->ends = calloc(2 * n, 1);
    if (stepping->actions == NULL || stepping->rows == NULL || stepping->ends == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "step environments: out of memory");
    }
    aft_random_normal_f32(stepping->actions, ACTION_SETS * n,
                          aft_random_key(1, 0, AFT_RANDOM_ACTION_NOISE), 0, 0, 0);
    float *obs = stepping->rows, *final_obs = obs + n * dim, *reward = final_obs + n * dim;
    stepping->out = (struct aft_env_step){
        obs, final_obs, reward, stepping->ends, stepping->ends + n, reward + n};
    return env->reset(env->self, 0, env->n_envs, obs, error);
}

enum aft_code aft_bench_measure_env_step(struct aft_bench *bench,
                                         const struct aft_bench_place *place,
                                         struct aft_error *error)
{
    struct aft_bench_result labels[2] = {{.name = "env_step",
                                          .n_envs = place->n_envs,
                                          .threads = place->threads,
                                          .axis = place->axis,
                                          .size = place->n_envs,
                                          .unit = "steps/s"}};
    labels[1] = labels[0];
    labels[1].variant = "without resets";
    struct stepping *stepping = calloc(1, sizeof *stepping);
    if (stepping == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "step environments: out of memory");
    }
    stepping->tasks = place->threads < MAX_TASKS ? place->threads : MAX_TASKS;
    enum aft_code code = open_place(&stepping->place, place->n_envs, error);
    if (code == AFT_OK) {
        code = aft_thread_pool_create(&stepping->pool, place->threads, error);
    }
    if (code == AFT_OK) {
        code = prepare_stepping(stepping, error);
    }
    if (code == AFT_OK) {
        const struct aft_bench_subject subject = {stepping, 2, true, step_burst};
        code = aft_bench_measure(bench, &subject, labels, error);
    }
    aft_thread_pool_destroy(stepping->pool);
    close_place(&stepping->place);
    free(stepping->actions);
    free(stepping->rows);
    free(stepping->ends);
    free(stepping);
    return code;
}

/* --- rollout --- */

struct collecting {
    struct place place;
    struct aft_bench_model model;
    struct aft_rollout *rollout;
    struct aft_normaliser normaliser;
    struct aft_rollout_at at;
    double samples; /* of a rollout */
};

static enum aft_code collect_burst(void *self, const struct aft_bench_round *round,
                                   struct aft_bench_figure *figures, struct aft_error *error)
{
    struct collecting *c = self;
    double begin = aft_monotonic_s(), elapsed = 0, steps = 0;
    do {
        enum aft_code code = aft_rollout_collect(c->rollout, &c->normaliser, &c->at, error);
        if (code != AFT_OK) {
            return code;
        }
        c->at.iteration++;
        c->at.steps_before += (int64_t)c->samples;
        steps += c->samples;
        elapsed = aft_monotonic_s() - begin;
    } while (elapsed < round->seconds && !aft_bench_stopped());
    double step_s =
        (c->place.plant_flop + aft_bench_forward_flop(&c->model.network)) / (1e9 * round->gflops);
    figures[0] = (struct aft_bench_figure){steps / elapsed, 1.0 / step_s};
    return AFT_OK;
}

/* As long as stage 1's, but shorter where very many environments step. */
static int rollout_steps(int n_envs)
{
    int steps = WANTED_SAMPLES / n_envs;
    return steps > MOST_STEPS ? MOST_STEPS : steps > 4 ? steps : 4;
}

static enum aft_code prepare_collecting(struct collecting *c, const struct aft_bench *bench,
                                        const struct aft_bench_place *place,
                                        struct aft_error *error)
{
    static const struct aft_int_list hidden = {2, {64, 64}};
    enum aft_code code = open_place(&c->place, place->n_envs, error);
    if (code != AFT_OK) {
        return code;
    }
    const struct aft_bench_model_config model = {
        .network = aft_bench_network(c->place.env.obs_dim, &hidden, AFT_TANH),
        .max_rows = place->n_envs,
        .max_batch = 64,
        .threads = place->threads,
    };
    int n_steps = rollout_steps(place->n_envs);
    c->samples = (double)n_steps * place->n_envs;
    c->at.noise = aft_random_key(1, 1, AFT_RANDOM_ACTION_NOISE);
    code = aft_bench_model_open(&c->model, bench, &model, error);
    if (code == AFT_OK) {
        code = aft_normaliser_init(&c->normaliser, c->place.env.obs_dim, true, error);
    }
    if (code == AFT_OK) {
        code = aft_rollout_create(&c->rollout, n_steps, &c->model.engine, &c->place.env,
                                  c->model.pool, error);
    }
    return code == AFT_OK ? aft_rollout_reset(c->rollout, error) : code;
}

enum aft_code aft_bench_measure_rollout(struct aft_bench *bench,
                                        const struct aft_bench_place *place,
                                        struct aft_error *error)
{
    struct collecting c = {.samples = 0};
    struct aft_bench_result label = {.name = "rollout",
                                     .n_envs = place->n_envs,
                                     .threads = place->threads,
                                     .axis = place->axis,
                                     .size = place->n_envs,
                                     .unit = "steps/s"};
    enum aft_code code = prepare_collecting(&c, bench, place, error);
    if (code == AFT_OK) {
        const struct aft_bench_subject subject = {&c, 1, true, collect_burst};
        aft_bench_name_network(label.network, sizeof label.network, &c.model.network);
        code = aft_bench_measure(bench, &subject, &label, error);
    }
    aft_rollout_destroy(c.rollout);
    aft_normaliser_clear(&c.normaliser);
    aft_bench_model_close(&c.model);
    close_place(&c.place);
    return code;
}
