/*
 * `aftershock bench`: how fast this program is on this machine, beside what the
 * machine could do at best. Each subject has a file; what they share is here.
 *
 * A subject is measured in rounds. A round is one SGEMM at the machine's peak,
 * a burst of the subject's work, and SGEMM again: a machine that drifts (other
 * guests, temperature) slows all of them alike, and the fraction, the median
 * over the rounds of value / bound of the same round, stays what it is.
 */
#ifndef AFT_RUNNER_BENCH_BENCH_H
#define AFT_RUNNER_BENCH_BENCH_H

#include "base/error.h"
#include "base/thread_pool.h"
#include "curriculum/curriculum.h"
#include "runner/compute.h"
#include "runner/configure.h"
#include "trainer/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* --- machine.c: what the machine can do --- */

struct aft_bench_machine; /* matrices, OpenBLAS on one thread, a pool of threads */

enum aft_code aft_bench_machine_create(struct aft_bench_machine **machine, int threads, bool quick,
                                       struct aft_error *error);
void aft_bench_machine_destroy(struct aft_bench_machine *machine);

int aft_bench_machine_threads(const struct aft_bench_machine *machine); /* what "all" means */
const char *aft_bench_machine_name(const struct aft_bench_machine *machine);
const char *aft_bench_machine_blas(const struct aft_bench_machine *machine);
double aft_bench_machine_load(const struct aft_bench_machine *machine); /* before; NaN: unknown */
int aft_bench_machine_sgemm_size(const struct aft_bench_machine *machine);

/* GFLOP/s of square SGEMMs, one a thread at the same time: the sum over the threads. */
double aft_bench_sgemm_gflops(struct aft_bench_machine *machine, int threads);
/* GB/s of a[i] = b[i] + s c[i] over arrays beyond the caches, 24 bytes an element; 0: no memory. */
double aft_bench_memory_gb_s(struct aft_bench_machine *machine, int threads);

/* The first loaded library that is the reference BLAS (for the native engine: that its
 * products come from), written to path; false where there is none. */
bool aft_bench_reference_blas(const struct aft_bench_machine *machine, char *path, size_t size);

/* --- bench.c, measure.c: results, and how they come about --- */

struct aft_bench_result {
    const char *name; /* sgemm, memory, update, env_step, … */
    char network[48]; /* "64,64"; "": none */
    int batch, n_envs, threads;
    const char *variant;    /* NULL, or what else tells rows of one name apart */
    const char *curriculum; /* NULL, or the settings that were trained */
    const char *axis;       /* of --growth: "n_envs", "batch", "width"; else NULL */
    int size;               /* on that axis */
    const char *unit;       /* per second, or "ms" */
    double value, bound;    /* bound NaN: there is none that makes sense */
    double fraction;        /* of the bound's speed: value / bound, of a time bound / value */
    double spread;          /* (largest - least) / median over the rounds */
};

struct aft_bench {
    const struct aft_bench_options *options;
    struct aft_bench_machine *machine;
    int threads;
    int rounds;
    double burst_s;
    char engine[128]; /* as it describes itself */
    bool on_gpu;      /* SGEMM on the processor's cores bounds nothing then */
    bool warned_of_blas;
    int n_results, capacity;
    struct aft_bench_result *results;
    double began_s;
};

struct aft_bench_round { /* what a burst is told */
    double seconds;      /* to last about; at least one unit of work is done */
    double gflops;       /* single precision, of the threads used, in this round; NaN: not asked */
};
struct aft_bench_figure {
    double value, bound;
};

enum { AFT_BENCH_MAX_FIGURES = 2 };

struct aft_bench_subject {
    void *self;
    int n_figures;   /* of a burst; each is a result */
    bool arithmetic; /* rounds with SGEMM */
    enum aft_code (*burst)(void *self, const struct aft_bench_round *round,
                           struct aft_bench_figure *figures, struct aft_error *error);
};

/* Measures in rounds and adds the results, which are labelled already: [n_figures]. */
enum aft_code aft_bench_measure(struct aft_bench *bench, const struct aft_bench_subject *subject,
                                const struct aft_bench_result *labels, struct aft_error *error);

enum aft_code aft_bench_add(struct aft_bench *bench, const struct aft_bench_result *result,
                            struct aft_error *error);

bool aft_bench_stopped(void); /* a signal has asked for the end */
bool aft_bench_wants(const struct aft_bench *bench, enum aft_bench_part part);
double aft_bench_median(double *values, int n); /* sorts them */

/* --- engine.c --- */

struct aft_bench_model { /* a network in an engine, ready to act and to learn */
    struct aft_network network;
    struct aft_thread_pool *pool;
    struct aft_engine engine;
};

struct aft_bench_model_config {
    struct aft_network network;
    int max_rows, max_batch, threads;
};

enum aft_code aft_bench_model_open(struct aft_bench_model *model, const struct aft_bench *bench,
                                   const struct aft_bench_model_config *config,
                                   struct aft_error *error);
void aft_bench_model_close(struct aft_bench_model *model);

struct aft_network aft_bench_network(int obs_dim, const struct aft_int_list *hidden,
                                     enum aft_activation activation);
void aft_bench_name_network(char *text, size_t size, const struct aft_network *network);

/* Floating-point operations of both networks for one sample: 2 a weight forward; in an update
 * 6 (forward, gradient of the weight, gradient of the input), but 4 in the first layer. */
double aft_bench_forward_flop(const struct aft_network *network);
double aft_bench_update_flop(const struct aft_network *network);

/* --- the subjects; threads is 1 or what "all" means --- */

struct aft_bench_update { /* update.c */
    struct aft_int_list hidden;
    enum aft_activation activation;
    int batch, threads;
    const char *axis;
    int size;
};
enum aft_code aft_bench_measure_update(struct aft_bench *bench,
                                       const struct aft_bench_update *update,
                                       struct aft_error *error);

struct aft_bench_place { /* environment.c: stage 1 of stages.ini in so many environments */
    int n_envs, threads;
    const char *axis;
};
/* Two results: with the episodes that start anew, and of the steps without any. */
enum aft_code aft_bench_measure_env_step(struct aft_bench *bench,
                                         const struct aft_bench_place *place,
                                         struct aft_error *error);
enum aft_code aft_bench_measure_rollout(struct aft_bench *bench,
                                        const struct aft_bench_place *place,
                                        struct aft_error *error);
/* Of the building's step in double precision, which runs at half the SGEMM rate. */
double aft_bench_plant_flop(const struct aft_environment_config *config);

/* training.c: whole iterations of a stage */
enum aft_bench_curriculum { AFT_BENCH_STAGES, AFT_BENCH_V9_ADVANCED };
enum aft_code aft_bench_measure_training(struct aft_bench *bench, enum aft_bench_curriculum which,
                                         int threads, struct aft_error *error);

/* The curricula that the module carries, so that an installed program has them. */
const char *aft_bench_curriculum_name(enum aft_bench_curriculum which);
const char *aft_bench_curriculum_text(enum aft_bench_curriculum which, size_t *size);
enum aft_code aft_bench_curriculum_parse(struct aft_curriculum **curriculum,
                                         enum aft_bench_curriculum which, const char *override,
                                         struct aft_error *error);

enum aft_code aft_bench_measure_archive(struct aft_bench *bench, const char *folder,
                                        struct aft_error *error); /* archive.c */
enum aft_code aft_bench_measure_startup(struct aft_bench *bench, const char *folder,
                                        struct aft_error *error); /* startup.c */
enum aft_code aft_bench_measure_growth(struct aft_bench *bench,
                                       struct aft_error *error); /* growth.c */

/* --- report.c, growth.c --- */

void aft_bench_print_heading(const struct aft_bench *bench);
/* The results from first on, one thread and all side by side. */
void aft_bench_print_rows(const struct aft_bench *bench, int first);
enum aft_code aft_bench_print_json(const struct aft_bench *bench, struct aft_error *error);
enum aft_code aft_bench_write_csv(const struct aft_bench *bench, const char *path,
                                  struct aft_error *error);

void aft_bench_print_growth(const struct aft_bench *bench);
enum aft_code aft_bench_draw_growth(const struct aft_bench *bench, const char *path,
                                    struct aft_error *error);

#endif
