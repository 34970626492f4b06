/*
 * The torch engine: its loss and gradient against a double-precision reference
 * written out here (finite differences), its Adam against the textbook, and all
 * of it against the native engine, which is how either is known to be right.
 * Every test runs on the CPU and, where one can be used, on a CUDA device.
 *
 * Exit 77 (skipped) where the build has no torch engine.
 */
#include "trainer/engine.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_SAMPLES = 256, MAX_DIM = 16, MAX_WIDTH = 64 };

static const struct aft_network networks[] = {
    {.obs_dim = 8, .action_dim = 1, .n_hidden = 2, .hidden = {64, 64}, .activation = AFT_TANH},
    {.obs_dim = 11, .action_dim = 3, .n_hidden = 3, .hidden = {32, 32, 32}, .activation = AFT_RELU},
};

/* A kind of minibatch: what of the loss is at work. */
struct loss_case {
    const char *name;
    int n;
    float ratio_spread; /* of the log ratio between the old and the new policy */
    float clip_range_vf, ent_coef, max_grad_norm;
    bool normalize;
};

static const struct loss_case cases[] = {
    {"first pass, nothing clipped", 256, 0.0F, 0.0F, 0.0F, 0.0F, false},
    {"ratios clipped, values not", 256, 0.6F, 0.0F, 0.02F, 0.5F, true},
    {"ratios and values clipped", 96, 0.6F, 0.15F, 0.02F, 0.5F, true},
    {"one sample, never normalised", 1, 0.1F, 0.15F, 0.01F, 0.5F, true},
};

/* ---- the modules ---- */

static const struct aft_engine_interface *torch_module, *native_module;
static bool cuda_usable;

struct subject {
    const struct aft_engine_interface *use;
    void *self;
};

static const struct aft_engine_interface *load_module(const char *path)
{
    void *module = access(path, R_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (module == NULL) {
        return NULL;
    }
    aft_engine_module_function get;
    *(void **)&get = dlsym(module, "aft_engine_module");
    return get == NULL ? NULL : get();
}

static enum aft_code create(struct subject *subject, const struct aft_engine_interface *use,
                            const struct aft_network *network, const char *device,
                            struct aft_error *error)
{
    struct aft_engine_config config = {.network = *network,
                                       .max_rows = MAX_SAMPLES,
                                       .max_batch = MAX_SAMPLES,
                                       .act_slots = 1,
                                       .device = device};
    subject->use = use;
    subject->self = NULL;
    return use->create(&subject->self, &config, error);
}

static struct subject open_subject(const struct aft_engine_interface *use,
                                   const struct aft_network *network, const char *device)
{
    struct subject subject;
    struct aft_error error = {0};
    if (create(&subject, use, network, device, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return subject;
}

static void close_subject(struct subject *subject)
{
    subject->use->destroy(subject->self);
}

/* ---- the reference, in double precision ---- */

struct layout { /* offsets into the flat vector, as trainer/network.h orders it */
    size_t policy, value, policy_output, value_output, count;
};

static struct layout layout_of(const struct aft_network *network)
{
    struct layout layout;
    size_t in = (size_t)network->obs_dim, hidden = 0;
    for (int i = 0; i < network->n_hidden; i++) {
        size_t out = (size_t)network->hidden[i];
        hidden += out * (in + 1);
        in = out;
    }
    layout.policy = (size_t)network->action_dim;
    layout.value = layout.policy + hidden;
    layout.policy_output = layout.value + hidden;
    layout.value_output = layout.policy_output + (size_t)network->action_dim * (in + 1);
    layout.count = layout.value_output + in + 1;
    return layout;
}

/* out = weights in + bias; returns what follows the layer in the flat vector */
static const double *reference_layer(double *out, int n_out, const double *in, int n_in,
                                     const double *weights)
{
    const double *bias = weights + (size_t)n_out * (size_t)n_in;
    for (int o = 0; o < n_out; o++) {
        out[o] = bias[o];
        for (int i = 0; i < n_in; i++) {
            out[o] += weights[o * n_in + i] * in[i];
        }
    }
    return bias + n_out;
}

static void reference_forward(double *out, int n_out, const struct aft_network *network,
                              const double *hidden, const double *output, const float *obs)
{
    double now[MAX_WIDTH], next[MAX_WIDTH];
    int width = network->obs_dim;
    for (int i = 0; i < width; i++) {
        now[i] = (double)obs[i];
    }
    for (int layer = 0; layer < network->n_hidden; layer++) {
        hidden = reference_layer(next, network->hidden[layer], now, width, hidden);
        width = network->hidden[layer];
        for (int i = 0; i < width; i++) {
            bool relu = network->activation == AFT_RELU;
            now[i] = relu ? fmax(next[i], 0.0) : tanh(next[i]);
        }
    }
    (void)reference_layer(out, n_out, now, width, output);
}

static double reference_log_prob(const double *log_std, const double *mean, const float *action,
                                 int dims)
{
    double sum = 0.0;
    for (int i = 0; i < dims; i++) {
        double z = ((double)action[i] - mean[i]) / exp(log_std[i]);
        sum += -0.5 * z * z - log_std[i] - 0.5 * log(2.0 * M_PI);
    }
    return sum;
}

/* mean and value of one sample */
static double reference_sample(double *mean, const struct aft_network *network,
                               const double *parameters, const float *obs)
{
    struct layout layout = layout_of(network);
    double value;
    reference_forward(mean, network->action_dim, network, parameters + layout.policy,
                      parameters + layout.policy_output, obs);
    reference_forward(&value, 1, network, parameters + layout.value,
                      parameters + layout.value_output, obs);
    return value;
}

static void reference_advantages(double *advantages, const struct aft_samples *batch,
                                 bool normalize)
{
    double mean = 0.0, squares = 0.0;
    for (int i = 0; i < batch->n; i++) {
        mean += (double)batch->advantages[i] / batch->n;
    }
    for (int i = 0; i < batch->n; i++) {
        squares += pow((double)batch->advantages[i] - mean, 2.0);
    }
    for (int i = 0; i < batch->n; i++) {
        advantages[i] = (double)batch->advantages[i];
        if (normalize && batch->n > 1) {
            advantages[i] = (advantages[i] - mean) / (sqrt(squares / (batch->n - 1)) + 1e-8);
        }
    }
}

static void reference_add_sample(struct aft_update_stats *stats, const struct aft_network *network,
                                 const double *parameters, const struct aft_samples *batch,
                                 const struct aft_update_config *config, int i, double advantage)
{
    double mean[MAX_DIM];
    int dims = network->action_dim;
    double n = batch->n, clip = (double)config->clip_range;
    double value = reference_sample(mean, network, parameters, batch->obs + i * network->obs_dim);
    double log_ratio = reference_log_prob(parameters, mean, batch->actions + i * dims, dims) -
                       (double)batch->log_probs[i];
    double ratio = exp(log_ratio);
    double clipped = fmin(fmax(ratio, 1.0 - clip), 1.0 + clip);
    stats->policy_loss -= fmin(ratio * advantage, clipped * advantage) / n;
    stats->approx_kl += (ratio - 1.0 - log_ratio) / n;
    stats->clip_fraction += (fabs(ratio - 1.0) > clip ? 1.0 : 0.0) / n;
    double old = (double)batch->values[i], limit = (double)config->clip_range_vf;
    if (limit > 0.0) {
        value = old + fmin(fmax(value - old, -limit), limit);
    }
    stats->value_loss += pow(value - (double)batch->returns[i], 2.0) / n;
}

static struct aft_update_stats reference_loss(const struct aft_network *network,
                                              const double *parameters,
                                              const struct aft_samples *batch,
                                              const struct aft_update_config *config)
{
    struct aft_update_stats stats = {0};
    double advantages[MAX_SAMPLES];
    reference_advantages(advantages, batch, config->normalize_advantage);
    for (int i = 0; i < batch->n; i++) {
        reference_add_sample(&stats, network, parameters, batch, config, i, advantages[i]);
    }
    for (int i = 0; i < network->action_dim; i++) {
        stats.entropy_loss -= parameters[i] + 0.5 + 0.5 * log(2.0 * M_PI);
    }
    stats.loss = stats.policy_loss + (double)config->ent_coef * stats.entropy_loss +
                 (double)config->vf_coef * stats.value_loss;
    return stats;
}

/* ---- problems: parameters and a minibatch, always the same ---- */

struct problem {
    const struct aft_network *network;
    size_t count;
    float *parameters, *m, *v;
    double *exact; /* parameters as doubles */
    struct aft_samples batch;
    float obs[MAX_SAMPLES * MAX_DIM], actions[MAX_SAMPLES * MAX_DIM];
    float log_probs[MAX_SAMPLES], values[MAX_SAMPLES];
    float advantages[MAX_SAMPLES], returns[MAX_SAMPLES];
    struct aft_update_config config;
};

/* in (-1, 1), by Knuth's 64-bit linear congruential generator */
static float noise(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (float)((double)(*seed >> 40) / 8388608.0 - 1.0);
}

static void *array(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static void fill_sample(struct problem *problem, const struct loss_case *kind, int i,
                        uint64_t *seed)
{
    const struct aft_network *network = problem->network;
    double mean[MAX_DIM];
    int dims = network->action_dim;
    float *obs = problem->obs + i * network->obs_dim, *action = problem->actions + i * dims;
    for (int k = 0; k < network->obs_dim; k++) {
        obs[k] = 2.0F * noise(seed);
    }
    double value = reference_sample(mean, network, problem->exact, obs);
    for (int k = 0; k < dims; k++) {
        action[k] = (float)mean[k] + noise(seed);
    }
    problem->log_probs[i] = (float)reference_log_prob(problem->exact, mean, action, dims) +
                            kind->ratio_spread * noise(seed);
    problem->values[i] = (float)value + 0.3F * noise(seed);
    problem->advantages[i] = 0.3F + 2.0F * noise(seed);
    problem->returns[i] = problem->values[i] + problem->advantages[i];
}

static struct problem *open_problem(const struct aft_network *network, const struct loss_case *kind)
{
    struct problem *problem = array(1, sizeof *problem);
    uint64_t seed = 20240229;
    problem->network = network;
    problem->count = layout_of(network).count;
    problem->parameters = array(problem->count, sizeof(float));
    problem->m = array(problem->count, sizeof(float));
    problem->v = array(problem->count, sizeof(float));
    problem->exact = array(problem->count, sizeof(double));
    for (size_t i = 0; i < problem->count; i++) {
        problem->parameters[i] = 0.25F * noise(&seed);
        problem->exact[i] = (double)problem->parameters[i];
    }
    for (int i = 0; i < kind->n; i++) {
        fill_sample(problem, kind, i, &seed);
    }
    problem->batch = (struct aft_samples){
        kind->n,         problem->obs,        problem->actions, problem->log_probs,
        problem->values, problem->advantages, problem->returns};
    problem->config = (struct aft_update_config){.learning_rate = 3e-4F,
                                                 .clip_range = 0.2F,
                                                 .clip_range_vf = kind->clip_range_vf,
                                                 .ent_coef = kind->ent_coef,
                                                 .vf_coef = 0.5F,
                                                 .max_grad_norm = kind->max_grad_norm,
                                                 .adam_beta1 = 0.9F,
                                                 .adam_beta2 = 0.999F,
                                                 .adam_eps = 1e-5F,
                                                 .normalize_advantage = kind->normalize};
    return problem;
}

static void close_problem(struct problem *problem)
{
    free(problem->parameters);
    free(problem->m);
    free(problem->v);
    free(problem->exact);
    free(problem);
}

static struct aft_engine_state state_of(struct problem *problem, int64_t step)
{
    return (struct aft_engine_state){problem->parameters, problem->m, problem->v, step};
}

/* An engine that holds the problem's parameters and zero moments. */
static struct subject start(const struct aft_engine_interface *use, struct problem *problem,
                            const char *device)
{
    struct subject subject = open_subject(use, problem->network, device);
    struct aft_engine_state state = state_of(problem, 0);
    assert_int_equal(use->import_state(subject.self, &state, NULL), AFT_OK);
    return subject;
}

/* One update on all samples together, in their order. */
static enum aft_code try_update(struct subject *subject, const struct problem *problem,
                                struct aft_update_stats *stats, struct aft_error *error)
{
    int n = problem->batch.n, done = 0;
    uint32_t *order = array((size_t)n, sizeof *order);
    for (int i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    const struct aft_minibatches whole = {order, n, n};
    assert_int_equal(subject->use->load_samples(subject->self, &problem->batch, error), AFT_OK);
    enum aft_code code =
        subject->use->update(subject->self, &whole, &problem->config, stats, &done, error);
    assert_int_equal(done, code == AFT_OK);
    free(order);
    return code;
}

static struct aft_update_stats update(struct subject *subject, const struct problem *problem)
{
    struct aft_update_stats stats;
    struct aft_error error = {0};
    if (try_update(subject, problem, &stats, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return stats;
}

static struct aft_engine_state export_new(struct subject *subject, size_t count)
{
    struct aft_engine_state state = {array(count, sizeof(float)), array(count, sizeof(float)),
                                     array(count, sizeof(float)), -1};
    assert_int_equal(subject->use->export_state(subject->self, &state, NULL), AFT_OK);
    return state;
}

static void free_state(struct aft_engine_state *state)
{
    free(state->parameters);
    free(state->adam_m);
    free(state->adam_v);
}

static void assert_same_state(const struct aft_engine_state *a, const struct aft_engine_state *b,
                              size_t count)
{
    assert_memory_equal(a->parameters, b->parameters, count * sizeof(float));
    assert_memory_equal(a->adam_m, b->adam_m, count * sizeof(float));
    assert_memory_equal(a->adam_v, b->adam_v, count * sizeof(float));
    assert_int_equal(a->adam_step, b->adam_step);
}

/* ---- comparisons ----
 * One single-precision sum of a few hundred terms is off by some 1e-6 of its
 * largest partial sums. An entry of a gradient may be a small difference of
 * such sums, so it is held to 1e-4 of itself or 2e-6 of the largest entry,
 * whichever is more (on the CPU a fifth of it is enough; CUDA sums in another order).
 * A wrong term in the loss is off by far more than that. */

static double largest(const float *a, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i]));
    }
    return most;
}

static void assert_near(const char *what, size_t i, double a, double b, double relative,
                        double absolute)
{
    if (!(fabs(a - b) <= relative * fabs(b) + absolute)) {
        fail_msg("%s[%zu]: %.9g, expected %.9g", what, i, a, b);
    }
}

static void assert_all_near(const char *what, const float *a, const float *b, size_t n,
                            double relative, double absolute)
{
    for (size_t i = 0; i < n; i++) {
        assert_near(what, i, (double)a[i], (double)b[i], relative, absolute);
    }
}

static void assert_gradient_near(const float *a, const float *b, size_t n)
{
    assert_all_near("gradient", a, b, n, 1e-4, 2e-6 * largest(b, n));
}

static void assert_stats_near(const struct aft_update_stats *a, const struct aft_update_stats *b)
{
    assert_near("policy_loss", 0, a->policy_loss, b->policy_loss, 1e-5, 2e-6);
    assert_near("value_loss", 0, a->value_loss, b->value_loss, 1e-5, 2e-6);
    assert_near("entropy_loss", 0, a->entropy_loss, b->entropy_loss, 1e-6, 1e-6);
    assert_near("loss", 0, a->loss, b->loss, 1e-5, 2e-6);
    assert_near("approx_kl", 0, a->approx_kl, b->approx_kl, 1e-5, 1e-6);
    assert_near("clip_fraction", 0, a->clip_fraction, b->clip_fraction, 1e-6, 0.0);
    assert_int_equal(a->stopped, b->stopped);
}

/* ---- tests; *state is the device ---- */

typedef void (*problem_test)(struct problem *problem, const char *device);

static void for_every_problem(const char *device, problem_test test)
{
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            struct problem *problem = open_problem(&networks[n], &cases[c]);
            print_message("  network %zu, %s\n", n + 1, cases[c].name);
            test(problem, device);
            close_problem(problem);
        }
    }
}

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

/* Three updates, the state moved to a new engine, three more: the bits of six in one go. */
static void check_repeats(struct problem *problem, const char *device)
{
    struct aft_engine_state ends[2];
    for (int run = 0; run < 2; run++) {
        struct subject subject = start(torch_module, problem, device);
        for (int i = 0; i < 6; i++) {
            (void)update(&subject, problem);
            if (run == 1 && i == 2) {
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
    (void)snprintf(start_of, sizeof start_of, ", %s", (const char *)*device);
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

static void torch_engine__runs_on_cuda(void **state)
{
    (void)state;
    print_message("  no usable CUDA device here: the tests above ran on the CPU only\n");
    skip();
}

#define TEST_ON(device, function)                                                                  \
    {                                                                                              \
        device " " #function, function, NULL, NULL, device                                         \
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
        TEST_ON(device, torch_engine__says_what_it_is)

int main(void)
{
    const struct CMUnitTest on_cpu[] = {
        TEST_ON("cpu", torch_create__refuses_what_it_cannot_do),
        TESTS_ON("cpu"),
    };
    const struct CMUnitTest on_cuda[] = {TESTS_ON("cuda")};
    const struct CMUnitTest without_cuda[] = {cmocka_unit_test(torch_engine__runs_on_cuda)};
    torch_module = load_module(AFT_BUILD_DIR "/modules/aftershock_torch.so");
    if (torch_module == NULL) {
        const char *cause = dlerror();
        (void)printf("no torch engine: %s\n", cause == NULL ? "not built" : cause);
        return cause == NULL ? 77 : 1; /* a module that does not load is a failure */
    }
    native_module = load_module(AFT_BUILD_DIR "/modules/aftershock_native.so");
    struct subject subject;
    if (create(&subject, torch_module, &networks[0], "cuda", NULL) == AFT_OK) {
        cuda_usable = true;
        close_subject(&subject);
    }
    int failed = cmocka_run_group_tests(on_cpu, NULL, NULL);
    return failed + (cuda_usable ? cmocka_run_group_tests(on_cuda, NULL, NULL)
                                 : cmocka_run_group_tests(without_cuda, NULL, NULL));
}
