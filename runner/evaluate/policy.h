/*
 * A trained policy out of an archive, ours or one that Stable-Baselines3 saved:
 * weights, normaliser, and the curriculum that it was trained with, ready to act
 * in an evaluation. Stable-Baselines3's archives carry no curriculum: that comes
 * from a file, and the policy counts as the result of its last stage.
 */
#ifndef AFT_RUNNER_EVALUATE_POLICY_H
#define AFT_RUNNER_EVALUATE_POLICY_H

#include "base/thread_pool.h"
#include "curriculum/curriculum.h"
#include "recovery/archive.h"
#include "trainer/engine.h"
#include "trainer/normaliser.h"

struct aft_trained_policy {
    struct aft_archive *archive;
    struct aft_curriculum *curriculum; /* with the run's overrides, then the caller's */
    struct aft_thread_pool *pool;
    struct aft_network network;
    struct aft_engine engine;
    struct aft_normaliser normaliser; /* not enabled for a model of Stable-Baselines3 */
    int obs_dim, stage;               /* stage: the archive's, from 1 */
    float *normalised;                /* scratch of a batch */
};

struct aft_policy_source {
    const char *path, *engine, *device;
    int threads;
    const char *curriculum_path;  /* of an archive that carries none; NULL: stages.ini */
    const char *const *overrides; /* "SECTION.KEY=VALUE" */
    int n_overrides;
};

/* CORRUPT or REFUSED for an archive that is not sound; USAGE for overrides or a curriculum
 * with a mistake, or sensors that do not make the observation the policy was trained on
 * (REFUSED for Stable-Baselines3's). */
enum aft_code aft_trained_policy_open(struct aft_trained_policy *policy,
                                      const struct aft_policy_source *source,
                                      struct aft_error *error);
void aft_trained_policy_close(struct aft_trained_policy *policy);

/* An aft_policy_function; policy is a struct aft_trained_policy. */
enum aft_code aft_trained_policy_act(void *policy, int n, const float *obs, float *actions,
                                     struct aft_error *error);

#endif
