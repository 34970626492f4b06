#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct fixture_options FIXTURE_DEFAULTS = {
    .threads = 1,
    .n_envs = 6,
    .n_steps = 50,
    .batch_size = 64,
    .n_epochs = 3,
    .n_hidden = 2,
    .width = 24,
    .activation = AFT_TANH,
    .seed = 5,
};

static void expect_ok(enum aft_code code, const struct aft_error *error)
{
    if (code != AFT_OK) {
        fail_msg("code %d: %s", (int)code, error->message);
    }
}

void fixture_use_built_modules(void)
{
    assert_int_equal(setenv("AFTERSHOCK_MODULE_DIR", AFT_BUILD_DIR "/modules", 1), 0);
}

static bool never_concurrent(const void *self)
{
    (void)self;
    return false;
}

static struct aft_engine_config engine_config(const struct fixture_options *options,
                                              struct aft_thread_pool *pool)
{
    struct aft_engine_config config = {
        .network = {.obs_dim = PENDULUM_OBS,
                    .action_dim = PENDULUM_ACTIONS,
                    .n_hidden = options->n_hidden,
                    .activation = options->activation},
        .max_rows = options->n_envs,
        .max_batch = options->batch_size,
        .act_slots = options->threads,
        .device = "cpu",
        .pool = pool,
    };
    for (int l = 0; l < options->n_hidden; l++) {
        config.network.hidden[l] = options->width;
    }
    return config;
}

static struct aft_engine_state state_on(float *floats, size_t count, int64_t step)
{
    return (struct aft_engine_state){floats, floats + count, floats + 2 * count, step};
}

static void open_engine(struct fixture *fixture, const struct fixture_options *options)
{
    struct aft_error error = {0};
    struct aft_engine_config config = engine_config(options, fixture->pool);
    expect_ok(aft_engine_open(&fixture->engine, "native", &config, &error), &error);
    fixture->parameter_count = aft_network_parameter_count(&config.network);
    float *floats = calloc(3 * fixture->parameter_count, sizeof *floats);
    assert_non_null(floats);
    const struct aft_network_init init = {true, 0.01, 0.0};
    assert_int_equal(aft_network_initialise(floats, &config.network, &init,
                                            aft_random_key(options->seed, 1, AFT_RANDOM_WEIGHTS)),
                     AFT_OK);
    struct aft_engine_state state = state_on(floats, fixture->parameter_count, 0);
    expect_ok(fixture->engine.use->import_state(fixture->engine.self, &state, &error), &error);
    free(floats);
    if (options->in_lockstep) {
        fixture->lockstep = *fixture->engine.use;
        fixture->lockstep.concurrent = never_concurrent;
        fixture->engine.use = &fixture->lockstep;
    }
}

void fixture_create(struct fixture *fixture, const struct fixture_options *options)
{
    struct aft_error error = {0};
    memset(fixture, 0, sizeof *fixture);
    fixture_use_built_modules();
    expect_ok(aft_thread_pool_create(&fixture->pool, options->threads, &error), &error);
    open_engine(fixture, options);
    const struct pendulum_options pendulums = {options->n_envs, options->seed,
                                               options->nan_at_step};
    expect_ok(pendulum_create(&fixture->env, &pendulums, &error), &error);
    const struct aft_ppo_config config = {
        .n_steps = options->n_steps,
        .batch_size = options->batch_size,
        .n_epochs = options->n_epochs,
        .gamma = 0.9f,
        .gae_lambda = 0.95f,
        .clip_range = 0.2f,
        .vf_coef = 0.5f,
        .max_grad_norm = 0.5f,
        .target_kl = options->target_kl,
        .adam_eps = 1e-5f,
        .normalize_advantage = true,
        .normalize_observation = true,
        .adaptive = options->adaptive,
        .desired_kl = 0.01f,
        .seed = options->seed,
        .stage = 1,
    };
    expect_ok(aft_ppo_create(&fixture->ppo, &config, &fixture->engine, &fixture->env, fixture->pool,
                             &error),
              &error);
    expect_ok(aft_ppo_begin(fixture->ppo, &error), &error);
}

void fixture_destroy(struct fixture *fixture)
{
    aft_ppo_destroy(fixture->ppo);
    fixture->env.destroy(fixture->env.self);
    aft_engine_close(&fixture->engine);
    aft_thread_pool_destroy(fixture->pool);
}

enum aft_code fixture_update(struct aft_engine *engine, const struct aft_samples *samples,
                             const struct aft_update_config *config, struct aft_update_stats *stats)
{
    struct aft_update_stats own;
    struct aft_error error = {0};
    uint32_t *order = calloc((size_t)samples->n, sizeof *order);
    assert_non_null(order);
    for (int i = 0; i < samples->n; i++) {
        order[i] = (uint32_t)i;
    }
    const struct aft_minibatches whole = {order, samples->n, samples->n};
    int done;
    enum aft_code code = engine->use->load_samples(engine->self, samples, &error);
    if (code == AFT_OK) {
        code = engine->use->update(engine->self, &whole, config, stats == NULL ? &own : stats,
                                   &done, &error);
    }
    assert_true(code != AFT_OK || done == 1);
    free(order);
    return code;
}

void fixture_iterate(struct fixture *fixture, int n, struct aft_iteration *last)
{
    const struct aft_ppo_schedule schedule = {.learning_rate = 1e-3f, .ent_coef = 0.01f};
    struct aft_iteration own;
    struct aft_error error = {0};
    for (int i = 0; i < n; i++) {
        expect_ok(aft_ppo_iterate(fixture->ppo, &schedule, last == NULL ? &own : last, &error),
                  &error);
    }
}

struct fixture_state fixture_export(struct fixture *fixture)
{
    struct aft_error error = {0};
    size_t floats = 3 * fixture->parameter_count * sizeof(float);
    size_t ppo = aft_ppo_state_size(fixture->ppo);
    size_t doubles = (2 * PENDULUM_OBS + 1) * sizeof(double);
    struct fixture_state state = {.size = floats + sizeof(int64_t) + ppo + doubles};
    state.bytes = calloc(1, state.size);
    float *copy = malloc(floats);
    assert_non_null(state.bytes);
    assert_non_null(copy);
    struct aft_engine_state engine = state_on(copy, fixture->parameter_count, 0);
    expect_ok(fixture->engine.use->export_state(fixture->engine.self, &engine, &error), &error);
    memcpy(state.bytes, copy, floats);
    memcpy(state.bytes + floats, &engine.adam_step, sizeof engine.adam_step);
    aft_ppo_export_state(fixture->ppo, state.bytes + floats + sizeof(int64_t));
    double moments[2 * PENDULUM_OBS + 1];
    struct aft_normaliser_state normaliser = {moments, moments + PENDULUM_OBS, 0.0};
    aft_ppo_export_normaliser(fixture->ppo, &normaliser);
    moments[2 * PENDULUM_OBS] = normaliser.count;
    memcpy(state.bytes + state.size - doubles, moments, doubles);
    free(copy);
    return state;
}

void fixture_import(struct fixture *fixture, const struct fixture_state *state)
{
    struct aft_error error = {0};
    size_t floats = 3 * fixture->parameter_count * sizeof(float);
    size_t ppo = aft_ppo_state_size(fixture->ppo);
    float *copy = malloc(floats);
    assert_non_null(copy);
    memcpy(copy, state->bytes, floats);
    struct aft_engine_state engine = state_on(copy, fixture->parameter_count, 0);
    memcpy(&engine.adam_step, state->bytes + floats, sizeof engine.adam_step);
    expect_ok(fixture->engine.use->import_state(fixture->engine.self, &engine, &error), &error);
    expect_ok(
        aft_ppo_import_state(fixture->ppo, state->bytes + floats + sizeof(int64_t), ppo, &error),
        &error);
    double moments[2 * PENDULUM_OBS + 1];
    memcpy(moments, state->bytes + state->size - sizeof moments, sizeof moments);
    const struct aft_normaliser_state normaliser = {moments, moments + PENDULUM_OBS,
                                                    moments[2 * PENDULUM_OBS]};
    aft_ppo_import_normaliser(fixture->ppo, &normaliser);
    free(copy);
}

void fixture_assert_equal_states(const struct fixture_state *a, const struct fixture_state *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->bytes, b->bytes, a->size);
}

void fixture_state_clear(struct fixture_state *state)
{
    free(state->bytes);
    state->bytes = NULL;
}
