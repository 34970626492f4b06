/*
 * The state of training as bytes: what a snapshot holds and, less the network
 * and its moments (which stand in policy.pth and policy.optimizer.pth), what
 * an archive's state.bin holds. Little-endian, in this order:
 *   header | parameters f32[P] | adam_m f32[P] | adam_v f32[P]
 *   | normaliser mean f64[obs_dim] | variance f64[obs_dim]
 *   | the stage's beginning, within a stage that has a gate: mean, variance,
 *     parameters, adam_m, adam_v | trainer's bytes
 * state.bin has the beginning too: it stands in no other member.
 */
#ifndef AFT_RUNNER_TRAINING_STATE_H
#define AFT_RUNNER_TRAINING_STATE_H

#include "base/env.h"
#include "base/error.h"
#include "curriculum/settings.h"
#include "recovery/archive.h"
#include "trainer/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AFT_TRAINING_STATE_VERSION = 2 }; /* 2: attempts and the stage's beginning */

struct aft_stage_score { /* a policy on the held-out motions of one stage */
    double peak_drift_to_passive, rms_drift_to_passive; /* means; NaN: not evaluated */
    double worst_peak_to_passive, stroke_max_m, power_max_w, uncontrolled_peak_to_passive;
};

struct aft_stage_attempt { /* one that was judged by the stage's gate */
    int32_t reason;        /* enum aft_gate_reason */
    int32_t stage;         /* whose score decided, counted from 1 */
    double score, limit;   /* that one's peak_drift_to_passive; NaN: none */
    double learning_rate_scale;
};

struct aft_training_header {
    uint64_t magic;
    uint32_t version;
    int32_t obs_dim, action_dim;
    int32_t stage_complete; /* 1: the stage's last state, evaluated */
    struct aft_archive_counters counters;
    uint64_t parameter_count; /* P */
    uint64_t trainer_size;    /* bytes of aft_ppo_export_state; 0 at the end of a stage */
    double normaliser_count;
    double trained_s;  /* wall time over the run, for people */
    double score;      /* minus the mean of the peak ratios; NaN: not evaluated */
    int32_t n_scores;  /* stages of the curriculum */
    int32_t n_metrics; /* of an episode in the history */
    char metric_names[AFT_ENV_MAX_METRICS][32];
    struct aft_stage_score scores[AFT_MAX_STAGES];
    char engine[128];   /* which engine, BLAS and processor computed this */
    int32_t attempt;    /* at the stage, counted from 1; the counters' steps are of this one */
    int32_t n_attempts; /* judged so far; the last is this one once it is complete or blocked */
    double learning_rate_scale; /* of this attempt; 1 in the first */
    struct aft_stage_attempt attempts[AFT_MAX_ATTEMPTS];
    double completed[AFT_MAX_STAGES]; /* each stage's peak_drift_to_passive when it was completed;
                                       * NaN: not known */
    uint64_t beginning_count;         /* P where the stage's beginning is kept, else 0 */
    int64_t beginning_adam_step;
    double beginning_normaliser_count;
};

struct aft_training_state { /* pointers into one buffer */
    struct aft_training_header *header;
    float *parameters, *adam_m, *adam_v;
    double *mean, *variance;
    double *beginning_mean, *beginning_variance; /* NULL where no beginning is kept */
    float *beginning_parameters, *beginning_m, *beginning_v;
    unsigned char *trainer;
};

size_t aft_training_state_size(const struct aft_training_header *header);

/* Lays the pointers over a buffer whose header is filled in. */
void aft_training_state_lay_out(struct aft_training_state *state, void *bytes);

/* The same over bytes from outside: CORRUPT unless magic and size agree, REFUSED where the
 * layout is of another version. */
enum aft_code aft_training_state_view(struct aft_training_state *state, void *bytes, size_t size,
                                      struct aft_error *error);

/* state.bin: the state less parameters and moments. The caller frees *bytes. */
enum aft_code aft_training_state_pack(void **bytes, size_t *size,
                                      const struct aft_training_state *state,
                                      struct aft_error *error);
/* And back, with an archive's tensors in SB3's order; fails like aft_training_state_view. The
 * caller frees *bytes. */
enum aft_code aft_training_state_unpack(void **bytes, size_t *size, const void *packed,
                                        size_t packed_size,
                                        const struct aft_archive_tensor *tensors, int n_tensors,
                                        struct aft_error *error);

/* The scores of completed stages are not known: they are of another run, or there are none. */
void aft_forget_completed(struct aft_training_header *header);

/* The network of a curriculum, for an observation of that length. */
struct aft_network aft_network_of_settings(const struct aft_ppo_settings *ppo, int obs_dim);

#endif
