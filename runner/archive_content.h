/*
 * Archives from training states, and back: what the keeper puts into a run's
 * archives (manifest, SB3's settings, state.bin, history.csv, curriculum.ini).
 */
#ifndef AFT_RUNNER_ARCHIVE_CONTENT_H
#define AFT_RUNNER_ARCHIVE_CONTENT_H

#include "base/digest.h"
#include "base/error.h"
#include "curriculum/curriculum.h"
#include "recovery/keeper.h"
#include "runner/expectations.h"
#include "runner/reference_scores.h"
#include "runner/training_state.h"

#include <stddef.h>

struct aft_lineage { /* where a state comes from */
    char run_id[33]; /* 32 hex digits, drawn when a run starts fresh */
    char
        parent[AFT_SHA256_HEX_SIZE]; /* training_state_sha256 of the previous stage's archive; "" */
};

struct aft_run_record { /* what the keeper knows of the run beside the state */
    const struct aft_curriculum *curriculum;
    const struct aft_expectations *expectations;
    const char *const *overrides; /* `--set` and the like, applied to the curriculum's text */
    int n_overrides;
    struct aft_lineage lineage;
    struct aft_reference_scores references; /* as far as they are known */
    int64_t checkpoint_order;    /* of the next checkpoint: counts them in the order of writing */
    struct aft_json *recoveries; /* array of { stage, step, unix_time, reason } */
};

/* The archive's bytes, which the caller frees, and its training_state_sha256. */
enum aft_code aft_archive_of_state(char **bytes, size_t *size, char state_hash[AFT_SHA256_HEX_SIZE],
                                   const struct aft_run_record *record, enum aft_archive_kind kind,
                                   const struct aft_sealed_state *sealed, const char *reason,
                                   struct aft_error *error);

/* The manifest of such an archive, for comparing lineages. The caller destroys it. */
struct aft_json *aft_manifest_of_lineage(const struct aft_run_record *record,
                                         const struct aft_training_header *header);

/* The training state in an archive (archive_state.h), and where it comes from: "" where the
 * archive does not say. */
enum aft_code aft_state_of_archive(void **bytes, size_t *size, struct aft_lineage *lineage,
                                   const struct aft_archive *archive, struct aft_error *error);

/* Puts the archive's history.csv back into the region; *length counts its episodes. */
enum aft_code aft_history_of_archive(struct aft_snapshot_region *region, size_t *length,
                                     const struct aft_archive *archive, struct aft_error *error);

#endif
