#include "engine_subject.h"

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

const struct shape SHAPES[N_SHAPES] = {
    {{3, 1, 2, {16, 12}, AFT_TANH}, 33, 1}, {{3, 2, 2, {16, 12}, AFT_TANH}, 20, 2},
    {{5, 1, 1, {17}, AFT_RELU}, 64, 1},     {{4, 3, 3, {9, 8, 7}, AFT_RELU}, 30, 1},
    {{3, 1, 2, {8, 8}, AFT_TANH}, 300, 3}, /* several blocks */
    {{3, 1, 2, {6, 5}, AFT_TANH}, 1, 1},
};
struct aft_random_key test_key(void)
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

void create_subject(struct subject *subject, const struct shape *shape)
{
    memset(subject, 0, sizeof *subject);
    open_subject(subject, shape);
    load_weights(subject);
    fill_minibatch(subject, shape->n);
}

void destroy_subject(struct subject *subject)
{
    aft_engine_close(&subject->engine);
    aft_thread_pool_destroy(subject->pool);
    free(subject->floats);
    free(subject->parameters);
    free(subject->samples);
}

struct aft_update_config update_config(void)
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

enum aft_code update(struct subject *subject, const struct aft_update_config *config,
                     struct aft_update_stats *stats)
{
    return fixture_update(&subject->engine, &subject->minibatch, config, stats);
}

void assert_near(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%.9g, not %.9g to within %g", actual, expected, tolerance);
    }
}

void export_into(struct subject *subject, struct aft_engine_state *out)
{
    struct aft_error error = {0};
    out->parameters = calloc(3 * subject->count, sizeof(float));
    assert_non_null(out->parameters);
    out->adam_m = out->parameters + subject->count;
    out->adam_v = out->adam_m + subject->count;
    assert_int_equal(subject->engine.use->export_state(subject->engine.self, out, &error), AFT_OK);
}
