/* The native engine against the double-precision reference. */
#include "fixture.h"
#include "reference.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An engine, its weights in double, and a minibatch whose old policy differs. */
struct subject {
    struct aft_thread_pool *pool;
    struct aft_engine engine;
    struct aft_network network;
    size_t count;
    float *floats; /* parameters, m, v */
    double *parameters;
    struct aft_samples minibatch;
    float *samples;
};

struct shape {
    struct aft_network network;
    int n;
    int threads;
};

static const struct shape SHAPES[] = {
    {{3, 1, 2, {16, 12}, AFT_TANH}, 33, 1}, {{3, 2, 2, {16, 12}, AFT_TANH}, 20, 2},
    {{5, 1, 1, {17}, AFT_RELU}, 64, 1},     {{4, 3, 3, {9, 8, 7}, AFT_RELU}, 30, 1},
    {{3, 1, 2, {8, 8}, AFT_TANH}, 300, 3}, /* several blocks */
    {{3, 1, 2, {6, 5}, AFT_TANH}, 1, 1},
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

static struct aft_random_key test_key(void)
{
    return aft_random_key(42, 1, AFT_RANDOM_SENSOR);
}

static void open_subject(struct subject *subject, const struct shape *shape)
{
    struct aft_error error = {0};
    fixture_use_built_modules();
    assert_int_equal(aft_thread_pool_create(&subject->pool, shape->threads, &error), AFT_OK);
    const struct aft_engine_config config = {
        .network = shape->network,
        .max_rows = shape->n,
        .max_batch = shape->n,
        .act_slots = 2,
        .device = "cpu",
        .pool = subject->pool,
    };
    if (aft_engine_open(&subject->engine, "native", &config, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    subject->network = shape->network;
    subject->count = aft_network_parameter_count(&shape->network);
    subject->floats = calloc(3 * subject->count, sizeof(float));
    subject->parameters = calloc(subject->count, sizeof(double));
    assert_non_null(subject->floats);
    assert_non_null(subject->parameters);
}

static void load_weights(struct subject *subject)
{
    struct aft_error error = {0};
    const struct aft_network_init init = {true, 0.5, -0.3};
    float *p = subject->floats;
    size_t count = subject->count;
    assert_int_equal(aft_network_initialise(p, &subject->network, &init, test_key()), AFT_OK);
    for (size_t i = 0; i < count; i++) { /* no bias left at 0 */
        p[i] += 0.05f * sinf((float)i);
        subject->parameters[i] = (double)p[i];
    }
    struct aft_engine_state state = {p, p + count, p + 2 * count, 0};
    assert_int_equal(subject->engine.use->import_state(subject->engine.self, &state, &error),
                     AFT_OK);
}

/* Ratios spread over about exp(±0.5); values and returns over some ± 0.5. */
static void fill_minibatch(struct subject *subject, int n)
{
    size_t rows = (size_t)n, obs = (size_t)subject->network.obs_dim;
    size_t actions = (size_t)subject->network.action_dim, total = rows * (obs + actions + 4);
    float *x = malloc(total * sizeof *x);
    assert_non_null(x);
    aft_random_normal_f32(x, total, test_key(), 1, 2, 0);
    float *log_probs = x + rows * (obs + actions);
    subject->samples = x;
    subject->minibatch = (struct aft_samples){
        n,
        x,
        x + rows * obs,
        log_probs,
        log_probs + rows,
        log_probs + 2 * rows,
        log_probs + 3 * rows,
    };
    for (size_t i = 0; i < rows; i++) {
        double mean[8], value;
        reference_forward(&subject->network, subject->parameters, &x[i * obs], mean, &value);
        double exact = reference_log_prob(&subject->network, subject->parameters,
                                          &subject->minibatch.actions[i * actions], mean);
        log_probs[i] = (float)(exact + 0.3 * (double)log_probs[i]);
        log_probs[rows + i] = (float)(value + 0.2 * (double)log_probs[rows + i]);
    }
}

static void create_subject(struct subject *subject, const struct shape *shape)
{
    memset(subject, 0, sizeof *subject);
    open_subject(subject, shape);
    load_weights(subject);
    fill_minibatch(subject, shape->n);
}

static void destroy_subject(struct subject *subject)
{
    aft_engine_close(&subject->engine);
    aft_thread_pool_destroy(subject->pool);
    free(subject->floats);
    free(subject->parameters);
    free(subject->samples);
}

/* clip 0.2 and 0.15, … */
static struct aft_update_config update_config(void)
{
    return (struct aft_update_config){
        .learning_rate = 1e-3f,
        .clip_range = 0.2f,
        .clip_range_vf = 0.15f,
        .ent_coef = 0.02f,
        .vf_coef = 0.5f,
        .max_grad_norm = 0.5f,
        .adam_beta1 = 0.9f,
        .adam_beta2 = 0.999f,
        .adam_eps = 1e-5f,
        .normalize_advantage = true,
    };
}

/* One update on the whole minibatch. */
static enum aft_code update(struct subject *subject, const struct aft_update_config *config,
                            struct aft_update_stats *stats)
{
    return fixture_update(&subject->engine, &subject->minibatch, config, stats);
}

static void assert_near(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%.9g, not %.9g to within %g", actual, expected, tolerance);
    }
}

static void check_stats(const struct aft_update_stats *stats, const struct aft_update_stats *exact,
                        const struct shape *shape)
{
    assert_near(stats->policy_loss, exact->policy_loss, 2e-5);
    assert_near(stats->value_loss, exact->value_loss, 2e-5);
    assert_near(stats->entropy_loss, exact->entropy_loss, 1e-5);
    assert_near(stats->loss, exact->loss, 3e-5);
    assert_near(stats->approx_kl, exact->approx_kl, 1e-5);
    assert_near(stats->clip_fraction, exact->clip_fraction, 1e-9);
    if (shape->n > 16) { /* both branches of the loss are at work */
        assert_true(stats->clip_fraction > 0.1 && stats->clip_fraction < 0.9);
    }
}

static void check_gradient(const struct shape *shape, const struct aft_update_config *config)
{
    struct subject subject;
    struct aft_update_stats stats, exact;
    struct aft_error error = {0};
    create_subject(&subject, shape);
    float *gradient = malloc(subject.count * sizeof *gradient);
    double *expected = malloc(subject.count * sizeof *expected), norm = 0.0;
    assert_non_null(gradient);
    assert_non_null(expected);
    reference_loss(&subject.network, subject.parameters, &subject.minibatch, config, &exact);
    reference_gradient(&subject.network, subject.parameters, &subject.minibatch, config, expected);
    const struct aft_engine *engine = &subject.engine;
    assert_int_equal(update(&subject, config, &stats), AFT_OK);
    assert_int_equal(engine->use->gradient(engine->self, gradient, &error), AFT_OK);
    check_stats(&stats, &exact, shape);
    for (size_t i = 0; i < subject.count; i++) {
        assert_near((double)gradient[i], expected[i], 3e-6 + 2e-5 * fabs(expected[i]));
        norm += expected[i] * expected[i];
    }
    assert_near(stats.grad_norm, sqrt(norm), 1e-5 * (1.0 + sqrt(norm)));
    free(gradient);
    free(expected);
    destroy_subject(&subject);
}

static void update__has_the_gradient_of_finite_differences(void **state)
{
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        struct aft_update_config config = update_config();
        check_gradient(&SHAPES[i], &config);
    }
}

static void update__has_the_gradient_without_clipped_values(void **state)
{
    (void)state;
    struct aft_update_config config = update_config();
    config.clip_range_vf = 0.0f;
    config.normalize_advantage = false;
    config.ent_coef = 0.0f;
    check_gradient(&SHAPES[0], &config);
    check_gradient(&SHAPES[2], &config);
}

static void update__follows_ten_adam_steps_of_the_reference(void **state)
{
    (void)state;
    for (int s = 0; s < 3; s++) {
        struct subject subject;
        struct aft_error error = {0};
        create_subject(&subject, &SHAPES[s]);
        struct aft_update_config config = update_config();
        double *room = calloc(3 * subject.count, sizeof *room);
        assert_non_null(room);
        double *gradient = room + 2 * subject.count;
        struct reference_adam adam = {subject.parameters, room, room + subject.count, 0};
        for (int k = 0; k < 10; k++) {
            reference_gradient(&subject.network, subject.parameters, &subject.minibatch, &config,
                               gradient);
            reference_adam_step(&adam, gradient, subject.count, &config);
            assert_int_equal(update(&subject, &config, NULL), AFT_OK);
        }
        float *p = subject.floats;
        struct aft_engine_state out = {p, p + subject.count, p + 2 * subject.count, 0};
        assert_int_equal(subject.engine.use->export_state(subject.engine.self, &out, &error),
                         AFT_OK);
        assert_int_equal(out.adam_step, 10);
        for (size_t i = 0; i < subject.count; i++) {
            assert_near((double)p[i], subject.parameters[i], 2e-5);
            assert_near((double)out.adam_m[i], room[i], 1e-5);
        }
        free(room);
        destroy_subject(&subject);
    }
}

static void act__equals_the_reference(void **state)
{
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) {
        struct subject subject;
        struct aft_error error = {0};
        create_subject(&subject, &SHAPES[s]);
        int n = SHAPES[s].n, dim = subject.network.action_dim;
        size_t total = (size_t)(n * dim);
        float *noise = malloc(total * sizeof *noise), *actions = malloc(total * sizeof *actions);
        float *log_probs = malloc((size_t)n * sizeof *log_probs);
        float *values = malloc((size_t)n * sizeof *values);
        aft_random_normal_f32(noise, total, test_key(), 3, 0, 0);
        const float *obs = subject.minibatch.obs;
        assert_int_equal(subject.engine.use->act(subject.engine.self, 1, n, obs, noise, actions,
                                                 log_probs, values, &error),
                         AFT_OK);
        for (int i = 0; i < n; i++) {
            double mean[8], value;
            reference_forward(&subject.network, subject.parameters,
                              &obs[i * subject.network.obs_dim], mean, &value);
            assert_near((double)values[i], value, 1e-5);
            for (int k = 0; k < dim; k++) {
                double std = exp(subject.parameters[k]);
                assert_near((double)actions[i * dim + k],
                            mean[k] + std * (double)noise[i * dim + k], 1e-5);
            }
            assert_near(
                (double)log_probs[i],
                reference_log_prob(&subject.network, subject.parameters, &actions[i * dim], mean),
                2e-5);
        }
        free(noise);
        free(actions);
        free(log_probs);
        free(values);
        destroy_subject(&subject);
    }
}

static void act__gives_the_means_without_noise(void **state)
{
    (void)state;
    struct subject subject;
    struct aft_error error = {0};
    create_subject(&subject, &SHAPES[1]);
    float actions[2], value;
    double mean[8], exact;
    assert_int_equal(subject.engine.use->act(subject.engine.self, 0, 1, subject.minibatch.obs, NULL,
                                             actions, NULL, NULL, &error),
                     AFT_OK);
    reference_forward(&subject.network, subject.parameters, subject.minibatch.obs, mean, &exact);
    assert_near((double)actions[0], mean[0], 1e-6);
    assert_near((double)actions[1], mean[1], 1e-6);
    assert_int_equal(subject.engine.use->values(subject.engine.self, 0, 1, subject.minibatch.obs,
                                                &value, &error),
                     AFT_OK);
    assert_near((double)value, exact, 1e-5);
    assert_int_equal(subject.engine.use->act(subject.engine.self, 2, 1, subject.minibatch.obs, NULL,
                                             actions, NULL, NULL, &error),
                     AFT_ERR_USAGE);
    destroy_subject(&subject);
}

static void export_into(struct subject *subject, struct aft_engine_state *out)
{
    struct aft_error error = {0};
    out->parameters = calloc(3 * subject->count, sizeof(float));
    assert_non_null(out->parameters);
    out->adam_m = out->parameters + subject->count;
    out->adam_v = out->adam_m + subject->count;
    assert_int_equal(subject->engine.use->export_state(subject->engine.self, out, &error), AFT_OK);
}

static void update__changes_nothing_when_the_loss_is_not_finite(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct subject subject;
        struct aft_engine_state before, after;
        create_subject(&subject, &SHAPES[0]);
        float *poisoned[] = {(float *)(uintptr_t)subject.minibatch.obs,
                             (float *)(uintptr_t)subject.minibatch.returns,
                             (float *)(uintptr_t)subject.minibatch.log_probs};
        poisoned[kind][7] = kind == 2 ? -INFINITY : NAN;
        struct aft_update_config config = update_config();
        export_into(&subject, &before);
        assert_int_equal(update(&subject, &config, NULL), AFT_ERR_NUMERIC);
        export_into(&subject, &after);
        assert_memory_equal(before.parameters, after.parameters, 3 * subject.count * sizeof(float));
        assert_int_equal(before.adam_step, after.adam_step);
        free(before.parameters);
        free(after.parameters);
        destroy_subject(&subject);
    }
}

static void update__stops_beyond_the_kl_limit(void **state)
{
    (void)state;
    struct subject subject;
    struct aft_engine_state before, after;
    struct aft_update_stats stats;
    create_subject(&subject, &SHAPES[0]);
    struct aft_update_config config = update_config();
    config.kl_limit = 1e-3f;
    export_into(&subject, &before);
    assert_int_equal(update(&subject, &config, &stats), AFT_OK);
    export_into(&subject, &after);
    assert_true(stats.stopped);
    assert_memory_equal(before.parameters, after.parameters, 3 * subject.count * sizeof(float));
    config.kl_limit = 1e3f;
    assert_int_equal(update(&subject, &config, &stats), AFT_OK);
    assert_false(stats.stopped);
    free(before.parameters);
    free(after.parameters);
    destroy_subject(&subject);
}

/* Sample i of one minibatch is sample order[i] of the rollout. */
static void pick_samples(struct aft_samples *to, const struct aft_samples *from,
                         const struct aft_network *network, const uint32_t *order, int n)
{
    size_t obs = (size_t)network->obs_dim, actions = (size_t)network->action_dim;
    size_t rows = (size_t)n, width = obs + actions + 4;
    float *x = malloc(rows * width * sizeof *x);
    assert_non_null(x);
    float *columns = x + rows * (obs + actions);
    *to = (struct aft_samples){
        n, x, x + rows * obs, columns, columns + rows, columns + 2 * rows, columns + 3 * rows};
    for (size_t i = 0; i < rows; i++) {
        memcpy(x + i * obs, from->obs + order[i] * obs, obs * sizeof *x);
        memcpy(x + rows * obs + i * actions, from->actions + order[i] * actions,
               actions * sizeof *x);
        columns[i] = from->log_probs[order[i]];
        columns[rows + i] = from->values[order[i]];
        columns[2 * rows + i] = from->advantages[order[i]];
        columns[3 * rows + i] = from->returns[order[i]];
    }
}

/* 33 samples in minibatches of 10, 10, 10 and 3: one call, and four. */
static void update__takes_the_minibatches_of_an_epoch_in_turn(void **state)
{
    (void)state;
    enum { N = 33, SIZE = 10, COUNT = 4 };
    struct subject at_once, one_by_one;
    struct aft_error error = {0};
    struct aft_update_stats stats[COUNT], alone;
    struct aft_engine_state a, b;
    uint32_t order[N];
    int done = 0;
    const struct aft_update_config config = update_config();
    create_subject(&at_once, &SHAPES[0]);
    create_subject(&one_by_one, &SHAPES[0]);
    for (uint32_t i = 0; i < N; i++) {
        order[i] = (i * 7 + 3) % N;
    }
    const struct aft_minibatches epoch = {order, N, SIZE};
    struct aft_engine *engine = &at_once.engine;
    assert_int_equal(engine->use->load_samples(engine->self, &at_once.minibatch, &error), AFT_OK);
    assert_int_equal(engine->use->update(engine->self, &epoch, &config, stats, &done, &error),
                     AFT_OK);
    assert_int_equal(done, COUNT);
    for (int k = 0; k < COUNT; k++) {
        struct aft_samples picked;
        int left = N - k * SIZE;
        pick_samples(&picked, &one_by_one.minibatch, &one_by_one.network, &order[k * SIZE],
                     left < SIZE ? left : SIZE);
        assert_int_equal(fixture_update(&one_by_one.engine, &picked, &config, &alone), AFT_OK);
        assert_memory_equal(&alone, &stats[k], sizeof alone);
        free((float *)(uintptr_t)picked.obs);
    }
    export_into(&at_once, &a);
    export_into(&one_by_one, &b);
    assert_memory_equal(a.parameters, b.parameters, 3 * at_once.count * sizeof(float));
    free(a.parameters);
    free(b.parameters);
    destroy_subject(&at_once);
    destroy_subject(&one_by_one);
}

/* The first minibatch is within the limit, the second, of samples that the policy is
 * far from, is not; the third is not taken. */
static void update__takes_no_minibatch_after_the_one_that_stopped(void **state)
{
    (void)state;
    enum { SIZE = 11, COUNT = 3 };
    struct subject subject;
    struct aft_error error = {0};
    struct aft_update_stats stats[COUNT];
    struct aft_engine_state out;
    uint32_t order[COUNT * SIZE];
    int done = 0;
    create_subject(&subject, &SHAPES[0]);
    for (uint32_t i = 0; i < COUNT * SIZE; i++) {
        order[i] = i;
    }
    float *log_probs = (float *)(uintptr_t)subject.minibatch.log_probs;
    for (int i = SIZE; i < 2 * SIZE; i++) {
        log_probs[i] -= 3.0f;
    }
    struct aft_update_config config = update_config();
    config.kl_limit = 1.0f;
    const struct aft_minibatches epoch = {order, COUNT * SIZE, SIZE};
    struct aft_engine *engine = &subject.engine;
    assert_int_equal(engine->use->load_samples(engine->self, &subject.minibatch, &error), AFT_OK);
    assert_int_equal(engine->use->update(engine->self, &epoch, &config, stats, &done, &error),
                     AFT_OK);
    assert_int_equal(done, 2);
    assert_false(stats[0].stopped);
    assert_true(stats[1].stopped);
    export_into(&subject, &out);
    assert_int_equal(out.adam_step, 1);
    free(out.parameters);
    destroy_subject(&subject);
}

/* A ratio that overflows: the loss is finite by its definition, the divergence infinite. */
static void update__stops_at_an_infinite_divergence_or_refuses_it(void **state)
{
    (void)state;
    struct subject subject;
    struct aft_update_stats stats;
    struct aft_engine_state before, after;
    create_subject(&subject, &SHAPES[0]);
    ((float *)(uintptr_t)subject.minibatch.log_probs)[3] = -200.0f;
    ((float *)(uintptr_t)subject.minibatch.advantages)[3] = 3.0f;
    struct aft_update_config config = update_config();
    export_into(&subject, &before);
    config.kl_limit = 1.0f;
    assert_int_equal(update(&subject, &config, &stats), AFT_OK);
    assert_true(stats.stopped && isfinite(stats.loss) && isinf(stats.approx_kl));
    config.kl_limit = 0.0f;
    assert_int_equal(update(&subject, &config, &stats), AFT_ERR_NUMERIC);
    export_into(&subject, &after);
    assert_memory_equal(before.parameters, after.parameters, 3 * subject.count * sizeof(float));
    free(before.parameters);
    free(after.parameters);
    destroy_subject(&subject);
}

/* Finite, and yet Adam's second moment would overflow. */
static void update__refuses_a_gradient_that_it_cannot_square(void **state)
{
    (void)state;
    struct subject subject;
    struct aft_engine_state before, after;
    create_subject(&subject, &SHAPES[0]);
    ((float *)(uintptr_t)subject.minibatch.returns)[3] = 1e23f;
    struct aft_update_config config = update_config();
    config.clip_range_vf = 0.0f;
    config.max_grad_norm = 0.0f;
    export_into(&subject, &before);
    assert_int_equal(update(&subject, &config, NULL), AFT_ERR_NUMERIC);
    export_into(&subject, &after);
    assert_memory_equal(before.parameters, after.parameters, 3 * subject.count * sizeof(float));
    free(before.parameters);
    free(after.parameters);
    destroy_subject(&subject);
}

/* Minibatches of several blocks, so that one net is a minibatch ahead of the other. */
static void update__has_the_same_bits_over_a_whole_epoch_with_any_number_of_threads(void **state)
{
    (void)state;
    enum { N = 2500, SIZE = 1100, COUNT = 3 };
    struct aft_engine_state first = {0};
    uint32_t *order = calloc(N, sizeof *order);
    assert_non_null(order);
    for (uint32_t i = 0; i < N; i++) {
        order[i] = (i * 7 + 3) % N;
    }
    for (int threads = 1; threads <= 3; threads++) {
        const struct shape shape = {{21, 1, 2, {64, 64}, AFT_TANH}, N, threads};
        struct subject subject;
        struct aft_error error = {0};
        struct aft_update_stats stats[COUNT];
        struct aft_engine_state out;
        int done = 0;
        create_subject(&subject, &shape);
        const struct aft_update_config config = update_config();
        const struct aft_minibatches epoch = {order, N, SIZE};
        struct aft_engine *engine = &subject.engine;
        assert_int_equal(engine->use->load_samples(engine->self, &subject.minibatch, &error),
                         AFT_OK);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(
                engine->use->update(engine->self, &epoch, &config, stats, &done, &error), AFT_OK);
            assert_int_equal(done, COUNT);
        }
        export_into(&subject, &out);
        if (threads == 1) {
            first = out;
        } else {
            assert_memory_equal(first.parameters, out.parameters,
                                3 * subject.count * sizeof(float));
            free(out.parameters);
        }
        destroy_subject(&subject);
    }
    free(first.parameters);
    free(order);
}

/* The second of three minibatches fails; the engine can be used again. */
static void update__keeps_what_came_before_a_loss_that_is_not_finite(void **state)
{
    (void)state;
    enum { N = 300, SIZE = 100 };
    const struct shape shape = {{3, 1, 2, {8, 8}, AFT_TANH}, N, 3};
    struct subject subject;
    struct aft_error error = {0};
    struct aft_update_stats stats[3];
    struct aft_engine_state out;
    uint32_t order[N];
    int done = 0;
    create_subject(&subject, &shape);
    for (uint32_t i = 0; i < N; i++) {
        order[i] = i;
    }
    float *returns = (float *)(uintptr_t)subject.minibatch.returns, kept = returns[150];
    const struct aft_update_config config = update_config();
    const struct aft_minibatches epoch = {order, N, SIZE};
    struct aft_engine *engine = &subject.engine;
    for (int round = 1; round <= 20; round++) {
        returns[150] = NAN;
        assert_int_equal(engine->use->load_samples(engine->self, &subject.minibatch, &error),
                         AFT_OK);
        assert_int_equal(engine->use->update(engine->self, &epoch, &config, stats, &done, &error),
                         AFT_ERR_NUMERIC);
        assert_int_equal(done, 1);
        returns[150] = kept;
        assert_int_equal(engine->use->update(engine->self, &epoch, &config, stats, &done, &error),
                         AFT_OK);
        assert_int_equal(done, 3);
        export_into(&subject, &out);
        assert_int_equal(out.adam_step, 4 * round);
        free(out.parameters);
    }
    destroy_subject(&subject);
}

static void import_state__gives_back_what_was_exported(void **state)
{
    (void)state;
    struct subject subject;
    struct aft_error error = {0};
    struct aft_engine_state first, second;
    create_subject(&subject, &SHAPES[3]);
    struct aft_update_config config = update_config();
    assert_int_equal(update(&subject, &config, NULL), AFT_OK);
    export_into(&subject, &first);
    assert_int_equal(subject.engine.use->import_state(subject.engine.self, &first, &error), AFT_OK);
    export_into(&subject, &second);
    assert_memory_equal(first.parameters, second.parameters, 3 * subject.count * sizeof(float));
    first.adam_v[0] = NAN;
    assert_int_equal(subject.engine.use->import_state(subject.engine.self, &first, &error),
                     AFT_ERR_NUMERIC);
    free(first.parameters);
    free(second.parameters);
    destroy_subject(&subject);
}

/* Shapes on both sides of the engine's choice of row blocks, many of them. */
static void update__has_the_same_bits_with_any_number_of_threads(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {{22, 1, 2, {64, 64}, AFT_TANH}, 1000, 1},
        {{8, 2, 2, {200, 160}, AFT_RELU}, 700, 1},
    };
    for (size_t s = 0; s < 2; s++) {
        struct aft_engine_state first = {0};
        for (int threads = 1; threads <= 3; threads++) {
            struct subject subject;
            struct aft_engine_state out;
            struct shape shape = shapes[s];
            shape.threads = threads;
            create_subject(&subject, &shape);
            struct aft_update_config config = update_config();
            for (int k = 0; k < 3; k++) {
                assert_int_equal(update(&subject, &config, NULL), AFT_OK);
            }
            export_into(&subject, &out);
            if (threads == 1) {
                first = out;
            } else {
                assert_memory_equal(first.parameters, out.parameters,
                                    3 * subject.count * sizeof(float));
                free(out.parameters);
            }
            destroy_subject(&subject);
        }
        free(first.parameters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update__has_the_gradient_of_finite_differences),
        cmocka_unit_test(update__has_the_gradient_without_clipped_values),
        cmocka_unit_test(update__follows_ten_adam_steps_of_the_reference),
        cmocka_unit_test(act__equals_the_reference),
        cmocka_unit_test(act__gives_the_means_without_noise),
        cmocka_unit_test(update__takes_the_minibatches_of_an_epoch_in_turn),
        cmocka_unit_test(update__takes_no_minibatch_after_the_one_that_stopped),
        cmocka_unit_test(update__stops_at_an_infinite_divergence_or_refuses_it),
        cmocka_unit_test(update__refuses_a_gradient_that_it_cannot_square),
        cmocka_unit_test(update__has_the_same_bits_over_a_whole_epoch_with_any_number_of_threads),
        cmocka_unit_test(update__keeps_what_came_before_a_loss_that_is_not_finite),
        cmocka_unit_test(update__changes_nothing_when_the_loss_is_not_finite),
        cmocka_unit_test(update__stops_beyond_the_kl_limit),
        cmocka_unit_test(import_state__gives_back_what_was_exported),
        cmocka_unit_test(update__has_the_same_bits_with_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
