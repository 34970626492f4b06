/*
 * What the torch engine's tests share: the modules, problems (parameters and a
 * minibatch, always the same), the loss in double precision, comparisons.
 */
#ifndef AFT_TESTS_TRAINER_TORCH_PROBLEM_H
#define AFT_TESTS_TRAINER_TORCH_PROBLEM_H

#include "trainer/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MAX_SAMPLES = 256, MAX_DIM = 16, MAX_WIDTH = 64 };

enum { N_NETWORKS = 2, N_CASES = 4 };
extern const struct aft_network networks[N_NETWORKS];

/* A kind of minibatch: what of the loss is at work. */
struct loss_case {
    const char *name;
    int n;
    float ratio_spread; /* of the log ratio between the old and the new policy */
    float clip_range_vf, ent_coef, max_grad_norm;
    bool normalize;
};
extern const struct loss_case cases[N_CASES];

/* ---- the modules ---- */

extern const struct aft_engine_interface *torch_module, *native_module; /* NULL: not built */
extern bool cuda_usable;

/* Loads the modules. 0, or what the program must exit with: 77 where there is no torch engine. */
int load_modules(void);

struct subject {
    const struct aft_engine_interface *use;
    void *self;
};

bool on_cuda(const char *device);

/* Says that there is no CUDA device to run on; 0. */
int skip_cuda(void);

#define TEST_ON(device, function)                                                                  \
    {                                                                                              \
        device " " #function, function, NULL, NULL, device                                         \
    }

/* device: "resident" is the CPU in CUDA's way, see torch_engine.cpp */
enum aft_code create(struct subject *subject, const struct aft_engine_interface *use,
                     const struct aft_network *network, const char *device,
                     struct aft_error *error);
struct subject open_subject(const struct aft_engine_interface *use,
                            const struct aft_network *network, const char *device);
void close_subject(struct subject *subject);

/* ---- problems ---- */

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
float noise(uint64_t *seed);
void *array(size_t count, size_t size);
struct problem *open_problem(const struct aft_network *network, const struct loss_case *kind);
void close_problem(struct problem *problem);
struct aft_engine_state state_of(struct problem *problem, int64_t step);
/* An engine that holds the problem's parameters and zero moments. */
struct subject start(const struct aft_engine_interface *use, struct problem *problem,
                     const char *device);
/* One update on all samples together, in their order. */
enum aft_code try_update(struct subject *subject, const struct problem *problem,
                         struct aft_update_stats *stats, struct aft_error *error);
struct aft_update_stats update(struct subject *subject, const struct problem *problem);
struct aft_engine_state export_new(struct subject *subject, size_t count);
void free_state(struct aft_engine_state *state);

typedef void (*problem_test)(struct problem *problem, const char *device);
void for_every_problem(const char *device, problem_test test);

/* ---- the reference, in double precision ---- */

/* mean and value of one sample */
double reference_sample(double *mean, const struct aft_network *network, const double *parameters,
                        const float *obs);
double reference_log_prob(const double *log_std, const double *mean, const float *action, int dims);
struct aft_update_stats reference_loss(const struct aft_network *network, const double *parameters,
                                       const struct aft_samples *batch,
                                       const struct aft_update_config *config);

/* ---- comparisons ---- */

void assert_same_state(const struct aft_engine_state *a, const struct aft_engine_state *b,
                       size_t count);
double largest(const float *a, size_t n);
void assert_near(const char *what, size_t i, double a, double b, double relative, double absolute);
void assert_all_near(const char *what, const float *a, const float *b, size_t n, double relative,
                     double absolute);
void assert_gradient_near(const float *a, const float *b, size_t n);
void assert_stats_near(const struct aft_update_stats *a, const struct aft_update_stats *b);

#endif
