/* The native engine over many minibatches, and on any number of threads. */
#include "engine_subject.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
        cmocka_unit_test(update__takes_the_minibatches_of_an_epoch_in_turn),
        cmocka_unit_test(update__takes_no_minibatch_after_the_one_that_stopped),
        cmocka_unit_test(update__has_the_same_bits_over_a_whole_epoch_with_any_number_of_threads),
        cmocka_unit_test(update__keeps_what_came_before_a_loss_that_is_not_finite),
        cmocka_unit_test(update__has_the_same_bits_with_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
