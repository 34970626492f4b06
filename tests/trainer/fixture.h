/* A whole small training, for tests: pool, native engine, pendulums, PPO. */
#ifndef AFT_TESTS_TRAINER_FIXTURE_H
#define AFT_TESTS_TRAINER_FIXTURE_H

#include "pendulum.h"
#include "trainer/ppo.h"

struct fixture_options {
    int threads;
    int n_envs, n_steps, batch_size, n_epochs;
    int n_hidden, width;
    enum aft_activation activation;
    float target_kl;
    bool adaptive;
    bool in_lockstep; /* the engine says that it is not concurrent */
    int nan_at_step;
    uint64_t seed;
};
extern const struct fixture_options FIXTURE_DEFAULTS;

struct fixture {
    struct aft_thread_pool *pool;
    struct aft_engine engine;
    struct aft_engine_interface lockstep; /* a copy with another `concurrent` */
    struct aft_env env;
    struct aft_ppo *ppo;
    size_t parameter_count;
};

/* Modules are looked for in the build folder of the tests. Fails the test on an error. */
void fixture_use_built_modules(void);
void fixture_create(struct fixture *fixture, const struct fixture_options *options);
void fixture_destroy(struct fixture *fixture);

/* One update on all samples together, in their order; stats may be NULL. */
enum aft_code fixture_update(struct aft_engine *engine, const struct aft_samples *samples,
                             const struct aft_update_config *config,
                             struct aft_update_stats *stats);

/* Iterations at a fixed schedule (1e-3, entropy 0.01); fails the test on an error. */
void fixture_iterate(struct fixture *fixture, int n, struct aft_iteration *last);

/* Everything that training is a function of: engine, PPO, environments, normaliser. */
struct fixture_state {
    size_t size;
    unsigned char *bytes;
};
struct fixture_state fixture_export(struct fixture *fixture);
void fixture_import(struct fixture *fixture, const struct fixture_state *state);
void fixture_assert_equal_states(const struct fixture_state *a, const struct fixture_state *b);
void fixture_state_clear(struct fixture_state *state);

#endif
