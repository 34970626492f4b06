/*
 * The torch engine: its loss and gradient against a double-precision reference
 * written out here (finite differences), its Adam against the textbook, and all
 * of it against the native engine, which is how either is known to be right.
 * Every test runs on the CPU, on the CPU in CUDA's way ("resident"), and on a
 * CUDA device where one can be used.
 *
 * Exit 77 (skipped) where the build has no torch engine.
 */
#include "torch_problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- *state is the device ---- */

static double partial_derivative(struct problem *problem, size_t i)
{
    const double step = 1e-6, centre = problem->exact[i];
    double loss[2];
    for (int side = 0; side < 2; side++) {
        problem->exact[i] = centre + (side == 0 ? step : -step);
        loss[side] =
            reference_loss(problem->network, problem->exact, &problem->batch, &problem->config)
                .loss;
    }
    problem->exact[i] = centre;
    return (loss[0] - loss[1]) / (2.0 * step);
}

static void check_against_reference(struct problem *problem, const char *device)
{
    struct subject subject = start(torch_module, problem, device);
    float *gradient = array(problem->count, sizeof(float));
    struct aft_update_stats stats = update(&subject, problem);
    struct aft_update_stats expected =
        reference_loss(problem->network, problem->exact, &problem->batch, &problem->config);
    assert_stats_near(&stats, &expected);
    assert_int_equal(subject.use->gradient(subject.self, gradient, NULL), AFT_OK);
    double most = largest(gradient, problem->count), squares = 0.0;
    for (size_t i = 0; i < problem->count; i++) {
        squares += (double)gradient[i] * (double)gradient[i];
        /* every log_std, then every layer: 61 is prime to the layers' widths */
        if (i < 4 || i % 61 == 0 || i + 4 > problem->count) {
            assert_near("gradient", i, (double)gradient[i], partial_derivative(problem, i), 1e-4,
                        2e-6 * most);
        }
    }
    assert_near("grad_norm", 0, stats.grad_norm, sqrt(squares), 1e-5, 0.0);
    free(gradient);
    close_subject(&subject);
}

static void torch_update__has_the_reference_loss_and_gradient(void **state)
{
    for_every_problem(*state, check_against_reference);
}

/* Kingma & Ba 2015, after torch.nn.utils.clip_grad_norm_, in double precision. */
static void check_adam(struct problem *problem, const char *device)
{
    struct subject subject = start(torch_module, problem, device);
    float *gradient = array(problem->count, sizeof(float));
    double *m = array(problem->count, sizeof(double)), *v = array(problem->count, sizeof(double));
    for (int step = 1; step <= 10; step++) {
        double norm = update(&subject, problem).grad_norm;
        double limit = (double)problem->config.max_grad_norm;
        double clip = limit > 0.0 ? fmin(1.0, limit / (norm + 1e-6)) : 1.0;
        assert_int_equal(subject.use->gradient(subject.self, gradient, NULL), AFT_OK);
        for (size_t i = 0; i < problem->count; i++) {
            double g = clip * (double)gradient[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            problem->exact[i] -= 3e-4 * (m[i] / (1.0 - pow(0.9, step))) /
                                 (sqrt(v[i] / (1.0 - pow(0.999, step))) + 1e-5);
        }
    }
    struct aft_engine_state end = export_new(&subject, problem->count);
    assert_int_equal(end.adam_step, 10);
    for (size_t i = 0; i < problem->count; i++) {
        /* 0.999 as a float makes 1 - beta2 wrong by 1.3e-5; ten roundings of weights near 0.25 */
        assert_near("m", i, (double)end.adam_m[i], m[i], 1e-5, 1e-9);
        assert_near("v", i, (double)end.adam_v[i], v[i], 5e-5, 1e-15);
        assert_near("parameter", i, (double)end.parameters[i], problem->exact[i], 0.0, 3e-7);
    }
    free_state(&end);
    free(gradient);
    free(m);
    free(v);
    close_subject(&subject);
}

static void torch_update__takes_ten_textbook_adam_steps(void **state)
{
    for_every_problem(*state, check_adam);
}

static void need_native(void)
{
    if (native_module == NULL) {
        print_message("  no native engine in this build\n");
        skip();
    }
}

/* The two engines' gradients differ by roundings, and Adam divides a gradient by
 * its own size: where it is all rounding, a weight may move by up to the learning
 * rate either way. eps (1e-5) holds that down to the gradient's error over eps;
 * ten steps of 3e-4 may then differ by 1e-5 for gradients wrong by 1e-8. */
static void check_against_native(struct problem *problem, const char *device)
{
    struct subject torch = start(torch_module, problem, device);
    struct subject native = start(native_module, problem, "cpu");
    float *gradients[2] = {array(problem->count, sizeof(float)),
                           array(problem->count, sizeof(float))};
    for (int step = 0; step < 10; step++) {
        struct aft_update_stats a = update(&torch, problem), b = update(&native, problem);
        if (step == 0) {
            assert_stats_near(&a, &b);
            assert_near("grad_norm", 0, a.grad_norm, b.grad_norm, 1e-5, 0.0);
            assert_int_equal(torch.use->gradient(torch.self, gradients[0], NULL), AFT_OK);
            assert_int_equal(native.use->gradient(native.self, gradients[1], NULL), AFT_OK);
            assert_gradient_near(gradients[0], gradients[1], problem->count);
        }
    }
    struct aft_engine_state a = export_new(&torch, problem->count);
    struct aft_engine_state b = export_new(&native, problem->count);
    assert_int_equal(a.adam_step, b.adam_step);
    double most_m = largest(b.adam_m, problem->count), most_v = largest(b.adam_v, problem->count);
    assert_all_near("m", a.adam_m, b.adam_m, problem->count, 1e-3, 1e-5 * most_m);
    assert_all_near("v", a.adam_v, b.adam_v, problem->count, 1e-3, 1e-6 * most_v);
    assert_all_near("parameter", a.parameters, b.parameters, problem->count, 0.0, 1e-5);
    free_state(&a);
    free_state(&b);
    free(gradients[0]);
    free(gradients[1]);
    close_subject(&torch);
    close_subject(&native);
}

static void torch_update__agrees_with_native_for_ten_steps(void **state)
{
    need_native();
    for_every_problem(*state, check_against_native);
}

struct actions {
    float actions[MAX_SAMPLES * MAX_DIM], log_probs[MAX_SAMPLES], values[MAX_SAMPLES];
};

static struct actions act(const struct aft_engine_interface *use, struct problem *problem,
                          const char *device, const float *random)
{
    struct subject subject = start(use, problem, device);
    struct actions out = {{0}, {0}, {0}};
    assert_int_equal(use->act(subject.self, 0, problem->batch.n, problem->obs, random, out.actions,
                              out.log_probs, out.values, NULL),
                     AFT_OK);
    close_subject(&subject);
    return out;
}

static void check_actions(const struct problem *problem, const struct actions *got,
                          const float *random)
{
    int dims = problem->network->action_dim;
    for (int i = 0; i < problem->batch.n; i++) {
        double mean[MAX_DIM], log_prob = 0.0;
        double value = reference_sample(mean, problem->network, problem->exact,
                                        problem->obs + i * problem->network->obs_dim);
        for (int k = 0; k < dims; k++) {
            double z = random == NULL ? 0.0 : (double)random[i * dims + k];
            double action = mean[k] + z * exp(problem->exact[k]);
            log_prob -= 0.5 * z * z + problem->exact[k] + 0.5 * log(2.0 * M_PI);
            assert_near("action", (size_t)(i * dims + k), (double)got->actions[i * dims + k],
                        action, 1e-5, 3e-6);
        }
        assert_near("log_prob", (size_t)i, (double)got->log_probs[i], log_prob, 1e-5, 1e-5);
        assert_near("value", (size_t)i, (double)got->values[i], value, 1e-5, 3e-6);
    }
}

static void check_act(struct problem *problem, const char *device)
{
    size_t n = (size_t)problem->batch.n;
    float *random = array(n * MAX_DIM, sizeof(float)), values[MAX_SAMPLES];
    uint64_t seed = 7;
    for (size_t i = 0; i < n * MAX_DIM; i++) {
        random[i] = 1.5F * noise(&seed);
    }
    for (int sampled = 0; sampled < 2; sampled++) {
        const float *use = sampled ? random : NULL;
        struct actions got = act(torch_module, problem, device, use);
        check_actions(problem, &got, use);
        if (native_module != NULL) {
            struct actions other = act(native_module, problem, "cpu", use);
            check_actions(problem, &other, use);
        }
        struct subject subject = start(torch_module, problem, device);
        assert_int_equal(
            torch_module->values(subject.self, 0, problem->batch.n, problem->obs, values, NULL),
            AFT_OK);
        assert_memory_equal(values, got.values, n * sizeof(float));
        /* log_probs and values may be left out */
        float alone[MAX_SAMPLES * MAX_DIM];
        assert_int_equal(torch_module->act(subject.self, 0, problem->batch.n, problem->obs, use,
                                           alone, NULL, NULL, NULL),
                         AFT_OK);
        assert_memory_equal(alone, got.actions,
                            n * (size_t)problem->network->action_dim * sizeof(float));
        close_subject(&subject);
    }
    free(random);
}

static void torch_act__gives_reference_actions_and_values(void **state)
{
    for_every_problem(*state, check_act);
}

static void check_round_trip(struct problem *problem, const char *device)
{
    uint64_t seed = 99;
    for (size_t i = 0; i < problem->count; i++) {
        problem->m[i] = 1e-30F * noise(&seed);
        problem->v[i] = fabsf(noise(&seed));
    }
    problem->parameters[0] = -0.0F;
    problem->m[1] = 1e-42F; /* not normalised */
    struct subject subject = open_subject(torch_module, problem->network, device);
    struct aft_engine_state in = state_of(problem, 5000000000);
    assert_int_equal(torch_module->import_state(subject.self, &in, NULL), AFT_OK);
    struct aft_engine_state out = export_new(&subject, problem->count);
    assert_same_state(&in, &out, problem->count);
    free_state(&out);
    close_subject(&subject);
}

static void torch_state__round_trips_bit_for_bit(void **state)
{
    for_every_problem(*state, check_round_trip);
}

/* Five updates, the state moved to a new engine, five more: the bits of ten in one go. On
 * CUDA the first few of an engine are not recorded, so recorded ones meet others here. */
static void check_repeats(struct problem *problem, const char *device)
{
    struct aft_engine_state ends[2];
    for (int run = 0; run < 2; run++) {
        struct subject subject = start(torch_module, problem, device);
        for (int i = 0; i < 10; i++) {
            (void)update(&subject, problem);
            if (run == 1 && i == 4) {
                struct aft_engine_state middle = export_new(&subject, problem->count);
                close_subject(&subject);
                subject = open_subject(torch_module, problem->network, device);
                assert_int_equal(torch_module->import_state(subject.self, &middle, NULL), AFT_OK);
                free_state(&middle);
            }
        }
        ends[run] = export_new(&subject, problem->count);
        close_subject(&subject);
    }
    assert_same_state(&ends[0], &ends[1], problem->count);
    free_state(&ends[0]);
    free_state(&ends[1]);
}

static void torch_update__repeats_bit_for_bit_across_a_restart(void **state)
{
    for_every_problem(*state, check_repeats);
}

static void torch_update__refuses_what_is_not_finite_and_keeps_its_state(void **device)
{
    struct problem *problem = open_problem(&networks[0], &cases[2]);
    struct subject subject = start(torch_module, problem, *device);
    (void)update(&subject, problem);
    struct aft_engine_state before = export_new(&subject, problem->count);
    float *poisons[] = {&problem->obs[9], &problem->actions[3], &problem->advantages[5],
                        &problem->returns[7]};
    const float bad[] = {NAN, INFINITY};
    for (size_t i = 0; i < 2 * sizeof poisons / sizeof *poisons; i++) {
        float *poison = poisons[i / 2], good = *poison;
        struct aft_error error = {0};
        struct aft_update_stats stats;
        *poison = bad[i % 2];
        enum aft_code code = try_update(&subject, problem, &stats, &error);
        /* tanh saturates: an infinite observation may still give a finite loss */
        if (i != 1 || code != AFT_OK) {
            assert_int_equal(code, AFT_ERR_NUMERIC);
            assert_int_equal(error.code, AFT_ERR_NUMERIC);
            struct aft_engine_state after = export_new(&subject, problem->count);
            assert_same_state(&before, &after, problem->count);
            free_state(&after);
        }
        *poison = good;
    }
    free_state(&before);
    close_subject(&subject);
    close_problem(problem);
}

static void torch_update__stops_beyond_the_kl_limit(void **device)
{
    struct problem *problem = open_problem(&networks[1], &cases[1]);
    struct subject subject = start(torch_module, problem, *device);
    struct aft_engine_state before = export_new(&subject, problem->count);
    double kl = reference_loss(problem->network, problem->exact, &problem->batch, &problem->config)
                    .approx_kl;
    problem->config.kl_limit = (float)(0.99 * kl);
    struct aft_update_stats stats = update(&subject, problem);
    struct aft_engine_state after = export_new(&subject, problem->count);
    assert_true(stats.stopped);
    assert_near("approx_kl", 0, stats.approx_kl, kl, 1e-5, 0.0);
    assert_same_state(&before, &after, problem->count);
    free_state(&after);
    problem->config.kl_limit = (float)(1.01 * kl);
    stats = update(&subject, problem);
    after = export_new(&subject, problem->count);
    assert_false(stats.stopped);
    assert_int_equal(after.adam_step, 1);
    free_state(&after);
    free_state(&before);
    close_subject(&subject);
    close_problem(problem);
}

static void torch_engine__says_what_it_is(void **device)
{
    struct subject subject = open_subject(torch_module, &networks[0], *device);
    char text[128], start_of[64];
    torch_module->describe(subject.self, text, sizeof text);
    print_message("  %s\n", text);
    assert_int_equal(strncmp(text, "torch ", 6), 0);
    (void)snprintf(start_of, sizeof start_of, ", %s", on_cuda(*device) ? "cuda" : "cpu");
    assert_non_null(strstr(text, start_of));
    assert_false(torch_module->concurrent(subject.self));
    assert_string_equal(torch_module->name, "torch");
    torch_module->describe(subject.self, text, 8);
    assert_true(strlen(text) < 8);
    close_subject(&subject);
}

static void torch_create__refuses_what_it_cannot_do(void **device)
{
    struct subject subject;
    struct aft_error error = {0};
    (void)device;
    const char *wrong[] = {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda:999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(create(&subject, torch_module, &networks[0], wrong[i], &error),
                         AFT_ERR_USAGE);
        assert_null(subject.self);
    }
    assert_int_equal(create(&subject, torch_module, &networks[0], "cuda:101", &error),
                     AFT_ERR_MISSING);
    if (!cuda_usable) {
        assert_int_equal(create(&subject, torch_module, &networks[0], "cuda", &error),
                         AFT_ERR_MISSING);
        assert_non_null(strstr(error.message, "CUDA device"));
    }
    struct aft_network empty = {.obs_dim = 0, .action_dim = 1};
    assert_int_equal(create(&subject, torch_module, &empty, "cpu", &error), AFT_ERR_USAGE);
    subject = open_subject(torch_module, &networks[0], "auto");
    float obs[8] = {0}, values[1];
    assert_int_equal(torch_module->values(subject.self, 0, MAX_SAMPLES + 1, obs, values, &error),
                     AFT_ERR_USAGE);
    close_subject(&subject);
}

/* The parameters after five updates. */
static struct aft_engine_state five_updates(struct problem *problem, const char *device, bool tf32)
{
    struct aft_engine_config config = {.network = *problem->network,
                                       .max_rows = MAX_SAMPLES,
                                       .max_batch = MAX_SAMPLES,
                                       .device = on_cuda(device) ? "cuda" : "cpu",
                                       .tf32 = tf32};
    struct subject subject = {torch_module, NULL};
    assert_int_equal(torch_module->create(&subject.self, &config, NULL), AFT_OK);
    struct aft_engine_state state = state_of(problem, 0);
    assert_int_equal(torch_module->import_state(subject.self, &state, NULL), AFT_OK);
    char text[256], after[256];
    torch_module->describe(subject.self, text, sizeof text);
    assert_int_equal(strstr(text, "TF32") != NULL, tf32 && on_cuda(device));
    for (int i = 0; i < 5; i++) {
        (void)update(&subject, problem);
    }
    /* where CUDA graphs were given up, this says so */
    torch_module->describe(subject.self, after, sizeof after);
    assert_string_equal(after, text);
    state = export_new(&subject, problem->count);
    close_subject(&subject);
    return state;
}

static void torch_tf32__changes_nothing_on_the_cpu_and_little_on_cuda(void **device)
{
    struct problem *problem = open_problem(&networks[0], &cases[1]);
    struct aft_engine_state exact = five_updates(problem, *device, false);
    struct aft_engine_state tf32 = five_updates(problem, *device, true);
    if (on_cuda(*device)) { /* each step moves a weight by at most about the learning rate */
        assert_all_near("parameter", tf32.parameters, exact.parameters, problem->count, 0.0, 3e-3);
    } else {
        assert_same_state(&tf32, &exact, problem->count);
    }
    free_state(&tf32);
    free_state(&exact);
    close_problem(problem);
}

#define TESTS_ON(device)                                                                           \
    TEST_ON(device, torch_update__has_the_reference_loss_and_gradient),                            \
        TEST_ON(device, torch_update__takes_ten_textbook_adam_steps),                              \
        TEST_ON(device, torch_update__agrees_with_native_for_ten_steps),                           \
        TEST_ON(device, torch_act__gives_reference_actions_and_values),                            \
        TEST_ON(device, torch_state__round_trips_bit_for_bit),                                     \
        TEST_ON(device, torch_update__repeats_bit_for_bit_across_a_restart),                       \
        TEST_ON(device, torch_update__refuses_what_is_not_finite_and_keeps_its_state),             \
        TEST_ON(device, torch_update__stops_beyond_the_kl_limit),                                  \
        TEST_ON(device, torch_tf32__changes_nothing_on_the_cpu_and_little_on_cuda),                \
        TEST_ON(device, torch_engine__says_what_it_is)

int main(void)
{
    const struct CMUnitTest on_cpu[] = {
        TEST_ON("cpu", torch_create__refuses_what_it_cannot_do),
        TESTS_ON("cpu"),
        TESTS_ON("resident"),
    };
    const struct CMUnitTest on_gpu[] = {TESTS_ON("cuda")};
    int status = load_modules();
    if (status != 0) {
        return status;
    }
    int failed = cmocka_run_group_tests(on_cpu, NULL, NULL);
    return failed + (cuda_usable ? cmocka_run_group_tests(on_gpu, NULL, NULL) : skip_cuda());
}
