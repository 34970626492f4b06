/*
 * The torch engine over many minibatches: a call with all of an epoch does what a
 * call for each does, and what stops an epoch stops it there, though on CUDA the
 * decision is the device's and the caller hears of it at the end.
 *
 * Each test runs on the CPU, on the CPU in CUDA's way ("resident") and on CUDA,
 * where a minibatch is recorded at its fourth run: they go on for longer.
 *
 * Exit 77 (skipped) where the build has no torch engine.
 */
#include "torch_problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 200, BATCH = 48, MINIBATCHES = 5 }; /* the last one holds 8 */

static const struct loss_case EPOCH = {"an epoch", SAMPLES, 0.1F, 0.15F, 0.02F, 0.5F, true};

/* An order that names every sample once; another one for every turn. */
static void shuffle(uint32_t *order, unsigned turn)
{
    const unsigned steps[] = {1, 3, 7, 9, 11, 13}; /* prime to 200 */
    for (unsigned i = 0; i < SAMPLES; i++) {
        order[i] = (i * steps[turn % 6] + turn) % SAMPLES;
    }
}

static enum aft_code run(struct subject *subject, const struct problem *problem,
                         const uint32_t *order, int n, struct aft_update_stats *stats, int *done,
                         struct aft_error *error)
{
    const struct aft_minibatches minibatches = {order, n, BATCH};
    return subject->use->update(subject->self, &minibatches, &problem->config, stats, done, error);
}

static void load(struct subject *subject, const struct problem *problem)
{
    assert_int_equal(subject->use->load_samples(subject->self, &problem->batch, NULL), AFT_OK);
}

/* The first `count` minibatches of an epoch, a call for each. */
static void run_singly(struct subject *subject, const struct problem *problem,
                       const uint32_t *order, int count, struct aft_update_stats *stats)
{
    for (int k = 0; k < count; k++) {
        int first = k * BATCH, done = 0;
        int n = SAMPLES - first < BATCH ? SAMPLES - first : BATCH;
        assert_int_equal(run(subject, problem, order + first, n, &stats[k], &done, NULL), AFT_OK);
        assert_int_equal(done, 1);
    }
}

static void assert_same_stats(const struct aft_update_stats *a, const struct aft_update_stats *b)
{
    assert_true(a->policy_loss == b->policy_loss && a->value_loss == b->value_loss &&
                a->entropy_loss == b->entropy_loss && a->loss == b->loss &&
                a->approx_kl == b->approx_kl && a->clip_fraction == b->clip_fraction &&
                a->grad_norm == b->grad_norm && a->stopped == b->stopped);
}

static void assert_same_engines(struct subject *a, struct subject *b, size_t count)
{
    struct aft_engine_state states[2] = {export_new(a, count), export_new(b, count)};
    float *gradients[2] = {array(count, sizeof(float)), array(count, sizeof(float))};
    assert_same_state(&states[0], &states[1], count);
    assert_int_equal(a->use->gradient(a->self, gradients[0], NULL), AFT_OK);
    assert_int_equal(b->use->gradient(b->self, gradients[1], NULL), AFT_OK);
    assert_memory_equal(gradients[0], gradients[1], count * sizeof(float));
    for (int i = 0; i < 2; i++) {
        free_state(&states[i]);
        free(gradients[i]);
    }
}

/* Two engines that must do the same: `a` by whole epochs. */
struct pair {
    struct problem *problem;
    struct subject a, b;
    uint32_t order[SAMPLES];
};

static struct pair open_pair(const char *device_a, const char *device_b, int network)
{
    struct pair pair = {.problem = open_problem(&networks[network], &EPOCH)};
    pair.problem->config.learning_rate = 2e-3F;
    pair.a = start(torch_module, pair.problem, device_a);
    pair.b = start(torch_module, pair.problem, device_b);
    load(&pair.a, pair.problem);
    load(&pair.b, pair.problem);
    return pair;
}

static void close_pair(struct pair *pair)
{
    close_subject(&pair->a);
    close_subject(&pair->b);
    close_problem(pair->problem);
}

static void torch_epoch__equals_its_minibatches_one_by_one(void **device)
{
    for (int network = 0; network < N_NETWORKS; network++) {
        struct pair pair = open_pair(*device, *device, network);
        for (unsigned epoch = 0; epoch < 6; epoch++) {
            struct aft_update_stats together[MINIBATCHES], singly[MINIBATCHES];
            int done = 0;
            shuffle(pair.order, epoch);
            pair.problem->config.learning_rate *= 0.9F; /* as a schedule does */
            pair.problem->config.ent_coef *= 0.9F;
            assert_int_equal(run(&pair.a, pair.problem, pair.order, SAMPLES, together, &done, NULL),
                             AFT_OK);
            assert_int_equal(done, MINIBATCHES);
            run_singly(&pair.b, pair.problem, pair.order, MINIBATCHES, singly);
            for (int k = 0; k < MINIBATCHES; k++) {
                assert_same_stats(&together[k], &singly[k]);
            }
        }
        assert_same_engines(&pair.a, &pair.b, pair.problem->count);
        struct aft_engine_state end = export_new(&pair.a, pair.problem->count);
        assert_int_equal(end.adam_step, 6 * MINIBATCHES);
        free_state(&end);
        close_pair(&pair);
    }
}

/* On the CPU the two ways of one engine, to the bit. */
static void torch_epoch__is_the_same_resident_or_not(void **state)
{
    (void)state;
    for (int network = 0; network < N_NETWORKS; network++) {
        struct pair pair = open_pair("resident", "cpu", network);
        struct aft_update_stats stats[2][MINIBATCHES];
        int done[2];
        for (unsigned epoch = 0; epoch < 3; epoch++) {
            shuffle(pair.order, epoch);
            assert_int_equal(
                run(&pair.a, pair.problem, pair.order, SAMPLES, stats[0], &done[0], NULL), AFT_OK);
            assert_int_equal(
                run(&pair.b, pair.problem, pair.order, SAMPLES, stats[1], &done[1], NULL), AFT_OK);
            assert_same_stats(&stats[0][MINIBATCHES - 1], &stats[1][MINIBATCHES - 1]);
        }
        assert_same_engines(&pair.a, &pair.b, pair.problem->count);
        close_pair(&pair);
    }
}

/* The samples that the order names, laid out in its order. */
static void permute(struct problem *to, const struct problem *from, const uint32_t *order)
{
    int obs_dim = from->network->obs_dim, action_dim = from->network->action_dim;
    for (int i = 0; i < SAMPLES; i++) {
        int k = (int)order[i];
        memcpy(to->obs + i * obs_dim, from->obs + k * obs_dim, (size_t)obs_dim * sizeof(float));
        memcpy(to->actions + i * action_dim, from->actions + k * action_dim,
               (size_t)action_dim * sizeof(float));
        to->log_probs[i] = from->log_probs[k];
        to->values[i] = from->values[k];
        to->advantages[i] = from->advantages[k];
        to->returns[i] = from->returns[k];
    }
}

static void torch_epoch__takes_the_samples_that_the_order_names(void **device)
{
    struct pair pair = open_pair(*device, *device, 1);
    struct problem *sorted = open_problem(&networks[1], &EPOCH);
    struct aft_update_stats stats[MINIBATCHES];
    uint32_t identity[SAMPLES];
    int done = 0;
    shuffle(identity, 0);
    shuffle(pair.order, 5);
    permute(sorted, pair.problem, pair.order);
    load(&pair.b, sorted);
    assert_int_equal(run(&pair.a, pair.problem, pair.order, SAMPLES, stats, &done, NULL), AFT_OK);
    assert_int_equal(run(&pair.b, pair.problem, identity, SAMPLES, stats, &done, NULL), AFT_OK);
    assert_same_engines(&pair.a, &pair.b, pair.problem->count);
    close_problem(sorted);
    close_pair(&pair);
}

/* A limit between the divergences of minibatch `stop` and of those before it. */
static float limit_before(const struct pair *pair, const char *device, int stop)
{
    struct subject free_run = start(torch_module, pair->problem, device);
    struct aft_update_stats stats[MINIBATCHES];
    double most = 0.0;
    load(&free_run, pair->problem);
    run_singly(&free_run, pair->problem, pair->order, stop + 1, stats);
    close_subject(&free_run);
    for (int k = 0; k < stop; k++) {
        most = fmax(most, stats[k].approx_kl);
    }
    assert_true(stats[stop].approx_kl > 1.001 * most);
    return (float)(0.5 * (most + stats[stop].approx_kl));
}

static void torch_epoch__stops_where_the_kl_limit_is_passed(void **device)
{
    enum { STOP = 3 };
    struct pair pair = open_pair(*device, *device, 0);
    struct aft_update_stats together[MINIBATCHES] = {{0}}, singly[MINIBATCHES] = {{0}};
    int done = 0;
    shuffle(pair.order, 1);
    for (int i = STOP * BATCH; i < (STOP + 1) * BATCH; i++) {
        pair.problem->log_probs[pair.order[i]] -= 0.5F; /* as if the policy had moved away */
    }
    load(&pair.a, pair.problem);
    load(&pair.b, pair.problem);
    pair.problem->config.learning_rate = 3e-4F;
    pair.problem->config.kl_limit = limit_before(&pair, *device, STOP);
    assert_int_equal(run(&pair.a, pair.problem, pair.order, SAMPLES, together, &done, NULL),
                     AFT_OK);
    assert_int_equal(done, STOP + 1);
    run_singly(&pair.b, pair.problem, pair.order, STOP + 1, singly);
    for (int k = 0; k <= STOP; k++) {
        assert_int_equal(together[k].stopped, k == STOP);
        assert_same_stats(&together[k], &singly[k]);
    }
    assert_same_engines(&pair.a, &pair.b, pair.problem->count);
    struct aft_engine_state end = export_new(&pair.a, pair.problem->count);
    assert_int_equal(end.adam_step, STOP);
    free_state(&end);
    pair.problem->config.kl_limit = 0.0F; /* a stop is of its own call only */
    assert_int_equal(run(&pair.a, pair.problem, pair.order, SAMPLES, together, &done, NULL),
                     AFT_OK);
    assert_int_equal(done, MINIBATCHES);
    close_pair(&pair);
}

static void torch_epoch__keeps_what_came_before_a_loss_that_is_not_finite(void **device)
{
    enum { BAD = 2 };
    struct pair pair = open_pair(*device, *device, 0);
    struct aft_update_stats stats[MINIBATCHES];
    struct aft_error error = {0};
    int done = 0;
    shuffle(pair.order, 2);
    /* where every minibatch has been recorded already */
    for (int epoch = 0; epoch < 4; epoch++) {
        assert_int_equal(run(&pair.a, pair.problem, pair.order, SAMPLES, stats, &done, NULL),
                         AFT_OK);
        run_singly(&pair.b, pair.problem, pair.order, MINIBATCHES, stats);
    }
    pair.problem->returns[pair.order[BAD * BATCH + 5]] = NAN;
    load(&pair.a, pair.problem);
    load(&pair.b, pair.problem);
    assert_int_equal(run(&pair.a, pair.problem, pair.order, SAMPLES, stats, &done, &error),
                     AFT_ERR_NUMERIC);
    assert_int_equal(error.code, AFT_ERR_NUMERIC);
    assert_int_equal(done, BAD);
    run_singly(&pair.b, pair.problem, pair.order, BAD, stats);
    struct aft_engine_state a = export_new(&pair.a, pair.problem->count);
    struct aft_engine_state b = export_new(&pair.b, pair.problem->count);
    assert_same_state(&a, &b, pair.problem->count);
    assert_int_equal(a.adam_step, 4 * MINIBATCHES + BAD);
    free_state(&a);
    free_state(&b);
    close_pair(&pair);
}

/* Fewer samples, more, and fewer again: what was loaded before leaves no trace. */
static void torch_samples__are_those_loaded_last(void **device)
{
    const int sizes[] = {BATCH, SAMPLES, 2 * BATCH};
    struct pair pair = open_pair(*device, *device, 1);
    struct aft_update_stats stats[MINIBATCHES];
    uint32_t order[SAMPLES];
    shuffle(order, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int done = 0;
        close_subject(&pair.b);
        pair.b = start(torch_module, pair.problem, *device);
        struct aft_engine_state now = export_new(&pair.a, pair.problem->count);
        assert_int_equal(pair.b.use->import_state(pair.b.self, &now, NULL), AFT_OK);
        free_state(&now);
        pair.problem->batch.n = sizes[i];
        pair.problem->obs[0] += 0.5F;
        pair.problem->returns[sizes[i] - 1] += 0.5F;
        load(&pair.a, pair.problem);
        load(&pair.b, pair.problem);
        assert_int_equal(run(&pair.a, pair.problem, order, sizes[i], stats, &done, NULL), AFT_OK);
        assert_int_equal(run(&pair.b, pair.problem, order, sizes[i], stats, &done, NULL), AFT_OK);
        assert_int_equal(done, (sizes[i] + BATCH - 1) / BATCH);
        assert_same_engines(&pair.a, &pair.b, pair.problem->count);
    }
    close_pair(&pair);
}

/* What a rollout does step by step: the same bits however often it has been asked before. */
static void torch_act__repeats_bit_for_bit(void **device)
{
    struct pair pair = open_pair(*device, *device, 1);
    const struct aft_network *network = pair.problem->network;
    float random[SAMPLES * MAX_DIM], first[3][SAMPLES * MAX_DIM] = {{0}},
                                                        again[3][SAMPLES * MAX_DIM] = {{0}};
    uint64_t seed = 5;
    for (int i = 0; i < SAMPLES * network->action_dim; i++) {
        random[i] = noise(&seed);
    }
    for (int step = 0; step < 6; step++) {
        float(*out)[SAMPLES * MAX_DIM] = step == 0 ? first : again;
        assert_int_equal(torch_module->act(pair.a.self, 0, SAMPLES, pair.problem->obs, random,
                                           out[0], out[1], out[2], NULL),
                         AFT_OK);
        assert_true(step == 0 || memcmp(first, again, sizeof first) == 0);
    }
    pair.problem->obs[3] += 1.0F; /* what is asked is what was given last */
    assert_int_equal(torch_module->act(pair.a.self, 0, SAMPLES, pair.problem->obs, random, again[0],
                                       again[1], again[2], NULL),
                     AFT_OK);
    assert_true(again[2][0] != first[2][0]);
    assert_memory_equal(again[2] + 1, first[2] + 1, (SAMPLES - 1) * sizeof(float));
    close_pair(&pair);
}

#define TESTS_ON(device)                                                                           \
    TEST_ON(device, torch_epoch__equals_its_minibatches_one_by_one),                               \
        TEST_ON(device, torch_epoch__takes_the_samples_that_the_order_names),                      \
        TEST_ON(device, torch_epoch__stops_where_the_kl_limit_is_passed),                          \
        TEST_ON(device, torch_epoch__keeps_what_came_before_a_loss_that_is_not_finite),            \
        TEST_ON(device, torch_samples__are_those_loaded_last),                                     \
        TEST_ON(device, torch_act__repeats_bit_for_bit)

int main(void)
{
    const struct CMUnitTest on_cpu[] = {
        TESTS_ON("cpu"),
        TESTS_ON("resident"),
        cmocka_unit_test(torch_epoch__is_the_same_resident_or_not),
    };
    const struct CMUnitTest on_gpu[] = {TESTS_ON("cuda")};
    int status = load_modules();
    if (status != 0) {
        return status;
    }
    int failed = cmocka_run_group_tests(on_cpu, NULL, NULL);
    return failed + (cuda_usable ? cmocka_run_group_tests(on_gpu, NULL, NULL) : skip_cuda());
}
