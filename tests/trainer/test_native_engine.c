/* The native engine against the double-precision reference. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update__has_the_gradient_of_finite_differences),
        cmocka_unit_test(update__has_the_gradient_without_clipped_values),
        cmocka_unit_test(update__follows_ten_adam_steps_of_the_reference),
        cmocka_unit_test(act__equals_the_reference),
        cmocka_unit_test(act__gives_the_means_without_noise),
        cmocka_unit_test(update__stops_at_an_infinite_divergence_or_refuses_it),
        cmocka_unit_test(update__refuses_a_gradient_that_it_cannot_square),
        cmocka_unit_test(update__changes_nothing_when_the_loss_is_not_finite),
        cmocka_unit_test(update__stops_beyond_the_kl_limit),
        cmocka_unit_test(import_state__gives_back_what_was_exported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
