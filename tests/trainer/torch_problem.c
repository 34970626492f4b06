#include "torch_problem.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct aft_network networks[N_NETWORKS] = {
    {.obs_dim = 8, .action_dim = 1, .n_hidden = 2, .hidden = {64, 64}, .activation = AFT_TANH},
    {.obs_dim = 11, .action_dim = 3, .n_hidden = 3, .hidden = {32, 32, 32}, .activation = AFT_RELU},
};

const struct loss_case cases[N_CASES] = {
    {"first pass, nothing clipped", 256, 0.0F, 0.0F, 0.0F, 0.0F, false},
    {"ratios clipped, values not", 256, 0.6F, 0.0F, 0.02F, 0.5F, true},
    {"ratios and values clipped", 96, 0.6F, 0.15F, 0.02F, 0.5F, true},
    {"one sample, never normalised", 1, 0.1F, 0.15F, 0.01F, 0.5F, true},
};

/* ---- the modules ---- */

const struct aft_engine_interface *torch_module, *native_module;
bool cuda_usable;

enum aft_code create(struct subject *subject, const struct aft_engine_interface *use,
                     const struct aft_network *network, const char *device, struct aft_error *error)
{
    bool resident = strcmp(device, "resident") == 0;
    struct aft_engine_config config = {.network = *network,
                                       .max_rows = MAX_SAMPLES,
                                       .max_batch = MAX_SAMPLES,
                                       .act_slots = 1,
                                       .device = resident ? "cpu" : device};
    subject->use = use;
    subject->self = NULL;
    (void)setenv("AFTERSHOCK_TORCH_RESIDENT", resident ? "1" : "0", 1);
    return use->create(&subject->self, &config, error);
}

struct subject open_subject(const struct aft_engine_interface *use,
                            const struct aft_network *network, const char *device)
{
    struct subject subject;
    struct aft_error error = {0};
    if (create(&subject, use, network, device, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return subject;
}

void close_subject(struct subject *subject)
{
    subject->use->destroy(subject->self);
}

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

static void torch_engine__runs_on_cuda(void **state)
{
    (void)state;
    print_message("  no usable CUDA device here: the tests above ran on the CPU only\n");
    skip();
}

int skip_cuda(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(torch_engine__runs_on_cuda)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

bool on_cuda(const char *device)
{
    return strncmp(device, "cuda", 4) == 0;
}

int load_modules(void)
{
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
    return 0;
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

double reference_log_prob(const double *log_std, const double *mean, const float *action, int dims)
{
    double sum = 0.0;
    for (int i = 0; i < dims; i++) {
        double z = ((double)action[i] - mean[i]) / exp(log_std[i]);
        sum += -0.5 * z * z - log_std[i] - 0.5 * log(2.0 * M_PI);
    }
    return sum;
}

/* mean and value of one sample */
double reference_sample(double *mean, const struct aft_network *network, const double *parameters,
                        const float *obs)
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

struct aft_update_stats reference_loss(const struct aft_network *network, const double *parameters,
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

/* in (-1, 1), by Knuth's 64-bit linear congruential generator */
float noise(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (float)((double)(*seed >> 40) / 8388608.0 - 1.0);
}

void *array(size_t count, size_t size)
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

struct problem *open_problem(const struct aft_network *network, const struct loss_case *kind)
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

void close_problem(struct problem *problem)
{
    free(problem->parameters);
    free(problem->m);
    free(problem->v);
    free(problem->exact);
    free(problem);
}

struct aft_engine_state state_of(struct problem *problem, int64_t step)
{
    return (struct aft_engine_state){problem->parameters, problem->m, problem->v, step};
}

/* An engine that holds the problem's parameters and zero moments. */
struct subject start(const struct aft_engine_interface *use, struct problem *problem,
                     const char *device)
{
    struct subject subject = open_subject(use, problem->network, device);
    struct aft_engine_state state = state_of(problem, 0);
    assert_int_equal(use->import_state(subject.self, &state, NULL), AFT_OK);
    return subject;
}

/* One update on all samples together, in their order. */
enum aft_code try_update(struct subject *subject, const struct problem *problem,
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

struct aft_update_stats update(struct subject *subject, const struct problem *problem)
{
    struct aft_update_stats stats;
    struct aft_error error = {0};
    if (try_update(subject, problem, &stats, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return stats;
}

struct aft_engine_state export_new(struct subject *subject, size_t count)
{
    struct aft_engine_state state = {array(count, sizeof(float)), array(count, sizeof(float)),
                                     array(count, sizeof(float)), -1};
    assert_int_equal(subject->use->export_state(subject->self, &state, NULL), AFT_OK);
    return state;
}

void free_state(struct aft_engine_state *state)
{
    free(state->parameters);
    free(state->adam_m);
    free(state->adam_v);
}

void assert_same_state(const struct aft_engine_state *a, const struct aft_engine_state *b,
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

double largest(const float *a, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i]));
    }
    return most;
}

void assert_near(const char *what, size_t i, double a, double b, double relative, double absolute)
{
    if (!(fabs(a - b) <= relative * fabs(b) + absolute)) {
        fail_msg("%s[%zu]: %.9g, expected %.9g", what, i, a, b);
    }
}

void assert_all_near(const char *what, const float *a, const float *b, size_t n, double relative,
                     double absolute)
{
    for (size_t i = 0; i < n; i++) {
        assert_near(what, i, (double)a[i], (double)b[i], relative, absolute);
    }
}

void assert_gradient_near(const float *a, const float *b, size_t n)
{
    assert_all_near("gradient", a, b, n, 1e-4, 2e-6 * largest(b, n));
}

void assert_stats_near(const struct aft_update_stats *a, const struct aft_update_stats *b)
{
    assert_near("policy_loss", 0, a->policy_loss, b->policy_loss, 1e-5, 2e-6);
    assert_near("value_loss", 0, a->value_loss, b->value_loss, 1e-5, 2e-6);
    assert_near("entropy_loss", 0, a->entropy_loss, b->entropy_loss, 1e-6, 1e-6);
    assert_near("loss", 0, a->loss, b->loss, 1e-5, 2e-6);
    assert_near("approx_kl", 0, a->approx_kl, b->approx_kl, 1e-5, 1e-6);
    assert_near("clip_fraction", 0, a->clip_fraction, b->clip_fraction, 1e-6, 0.0);
    assert_int_equal(a->stopped, b->stopped);
}

void for_every_problem(const char *device, problem_test test)
{
    for (size_t n = 0; n < N_NETWORKS; n++) {
        for (size_t c = 0; c < N_CASES; c++) {
            struct problem *problem = open_problem(&networks[n], &cases[c]);
            print_message("  network %zu, %s\n", n + 1, cases[c].name);
            test(problem, device);
            close_problem(problem);
        }
    }
}
