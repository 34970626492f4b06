/* A native engine with random weights, and a minibatch for it: what its tests are done to. */
#ifndef AFT_TESTS_TRAINER_ENGINE_SUBJECT_H
#define AFT_TESTS_TRAINER_ENGINE_SUBJECT_H

#include "fixture.h"

#include <stddef.h>

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

enum { N_SHAPES = 6 };
extern const struct shape SHAPES[N_SHAPES];

void create_subject(struct subject *subject, const struct shape *shape);
void destroy_subject(struct subject *subject);

/* clip 0.2 and 0.15, … */
struct aft_update_config update_config(void);

/* One update on the whole minibatch. */
enum aft_code update(struct subject *subject, const struct aft_update_config *config,
                     struct aft_update_stats *stats);

/* What the engine has; the caller frees out->parameters, which holds the moments too. */
void export_into(struct subject *subject, struct aft_engine_state *out);

struct aft_random_key test_key(void);
void assert_near(double actual, double expected, double tolerance);

#endif
