/*
 * Archives: zips that stable_baselines3.PPO.load opens, with a manifest and a
 * digest that let a reader believe them. Built in memory, published durably,
 * read back and verified before anyone calls them saved.
 *
 * An archive carries named tensors, named runs of bytes and a manifest; what
 * they mean is the runner's business. docs/archives.md describes the format.
 */
#ifndef AFT_RECOVERY_ARCHIVE_H
#define AFT_RECOVERY_ARCHIVE_H

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AFT_ARCHIVE_FORMAT_VERSION = 1, AFT_ARCHIVE_MAX_TENSORS = 64, AFT_ARCHIVE_MAX_LAYERS = 8 };
#define AFT_ARCHIVE_SIZE_LIMIT ((size_t)1 << 30) /* larger files are refused unread */

enum aft_archive_kind {
    AFT_ARCHIVE_STAGE,
    AFT_ARCHIVE_FINAL,
    AFT_ARCHIVE_BEST,
    AFT_ARCHIVE_INTERRUPTED,
    AFT_ARCHIVE_ERROR,
    AFT_ARCHIVE_CHECKPOINT,
    AFT_ARCHIVE_UNKNOWN,
    AFT_ARCHIVE_SB3, /* saved by Stable-Baselines3; no manifest of ours states it */
};
const char *aft_archive_kind_name(enum aft_archive_kind kind); /* "stage", "interrupted", … */
enum aft_archive_kind aft_archive_kind_of_name(const char *name);

struct aft_archive_tensor {
    char name[64];
    int n_dims; /* 0…2 */
    int64_t dims[2];
    size_t count;         /* product of the dims */
    const float *value;   /* [count], and Adam's first and second moment; */
    const float *exp_avg; /* NULL in an archive without optimizer state */
    const float *exp_avg_sq;
};

struct aft_archive_counters { /* in the manifest under "counters", and in training_state_sha256 */
    int64_t stage;            /* counts from 1 */
    int64_t steps;            /* within the stage */
    int64_t total_steps;      /* over the run; SB3's num_timesteps */
    int64_t iterations, episodes,
        updates;       /* within the stage; updates are Adam steps of the stage */
    int64_t adam_step; /* Adam steps over the run */
};

/* What SB3's `data` member needs beside the tensors. */
struct aft_archive_sb3 {
    int obs_dim, action_dim;
    int n_layers, layers[AFT_ARCHIVE_MAX_LAYERS];
    bool relu; /* otherwise tanh */
    double log_std_init;
    bool ortho_init;
    int n_envs, n_steps, batch_size, n_epochs;
    double gamma, gae_lambda, ent_coef, vf_coef, max_grad_norm, learning_rate, adam_eps;
    double clip_range, clip_range_vf, target_kl; /* the last two: 0 is None */
    bool normalize_advantage;
    int64_t total_timesteps; /* planned over the run */
    uint64_t seed;
};

struct aft_archive_member { /* an additional run of bytes, such as state.bin */
    const char *name;
    const void *bytes;
    size_t size;
};

struct aft_archive_content {
    enum aft_archive_kind kind;
    struct aft_archive_counters counters;
    struct aft_archive_sb3 sb3;
    int n_tensors;
    const struct aft_archive_tensor *tensors; /* in SB3's order */
    const struct aft_json *manifest;          /* an object, borrowed: what the writer is told;
                                               * it adds format, kind, counters, members,
                                               * weights_sha256, training_state_sha256 */
    int n_members;
    const struct aft_archive_member *members;
};

/* The whole archive in memory; the caller frees *bytes. */
enum aft_code aft_archive_build(char **bytes, size_t *size,
                                const struct aft_archive_content *content, struct aft_error *error);

/* Publishes the bytes under path (aft_file_publish), reads the file back, and
 * verifies it in full. Only AFT_OK means saved. */
enum aft_code aft_archive_publish(const char *path, const void *bytes, size_t size,
                                  struct aft_error *error);

/* weights_sha256: over every tensor's float32 little-endian bytes, in order.
 * training_state_sha256: the same bytes, then exp_avg of every tensor, then
 * exp_avg_sq of every tensor, then the counters stage, steps, total_steps,
 * iterations, episodes, updates, adam_step as 64-bit little-endian integers. */
void aft_archive_weights_sha256(char hex[AFT_SHA256_HEX_SIZE],
                                const struct aft_archive_tensor *tensors, int n);
void aft_archive_state_sha256(char hex[AFT_SHA256_HEX_SIZE],
                              const struct aft_archive_tensor *tensors, int n,
                              const struct aft_archive_counters *counters);

struct aft_archive; /* an archive that has been read and fully verified */

struct aft_sb3_model { /* what an archive saved by Stable-Baselines3 says of its PPO model */
    char version[32];  /* of Stable-Baselines3 */
    int obs_dim, action_dim;
    int n_layers, layers[AFT_ARCHIVE_MAX_LAYERS]; /* hidden, of policy and value network alike */
    bool relu;                                    /* otherwise tanh */
    int64_t num_timesteps;
    bool vec_normalize; /* trained within a VecNormalize, whose statistics are in no archive */
};

/* Reads and verifies: digest over the file, structure of the zip, manifest and
 * its version, every SHA-256 and CRC, pickles, all weights and moments finite,
 * hashes of weights and state. Failure is AFT_ERR_CORRUPT (with the reason),
 * AFT_ERR_REFUSED for a format version of the future, or IO. */
enum aft_code aft_archive_open(struct aft_archive **archive, const char *path,
                               struct aft_error *error);
enum aft_code aft_archive_open_bytes(struct aft_archive **archive, const void *bytes, size_t size,
                                     const char *what, struct aft_error *error);
void aft_archive_close(struct aft_archive *archive);

/* Also one that Stable-Baselines3 2.x saved, where the file is none of ours: kind
 * AFT_ARCHIVE_SB3, without a manifest (NULL); its counters are 0 but for total_steps
 * and adam_step, and without optimizer state its moments are NULL. Such a file has no
 * digest: zip, CRCs, shapes and finite numbers are what can be checked. REFUSED, with
 * the reason, for a model that does not fit: docs/stable-baselines3.md lists them. */
enum aft_code aft_archive_open_any(struct aft_archive **archive, const char *path,
                                   struct aft_error *error);

/* All borrowed until close. */
enum aft_archive_kind aft_archive_kind(const struct aft_archive *archive);
const struct aft_json *aft_archive_manifest(const struct aft_archive *archive);
const struct aft_archive_counters *aft_archive_counters(const struct aft_archive *archive);
int aft_archive_tensors(const struct aft_archive *archive,
                        const struct aft_archive_tensor **tensors);
/* NULL for an archive of ours. */
const struct aft_sb3_model *aft_archive_sb3_model(const struct aft_archive *archive);
const char *aft_archive_weights_hash(const struct aft_archive *archive);
const char *aft_archive_state_hash(const struct aft_archive *archive);
int aft_archive_member_count(const struct aft_archive *archive);
/* hex is the member's SHA-256; false when there is no such index */
bool aft_archive_member_at(const struct aft_archive *archive, int index,
                           struct aft_archive_member *member, char hex[AFT_SHA256_HEX_SIZE]);
/* NULL when there is none of that name. A NUL follows the bytes. */
const void *aft_archive_member(const struct aft_archive *archive, const char *name, size_t *size);

#endif
