/*
 * What the tuned LQR and LQG reach on the held-out motions of each stage: a
 * function of the settings alone, so it is found once for a run. The worker finds
 * it, the keeper keeps it in the run's folder as references.json and puts it into
 * manifests; every worker, a retried one too, reads it there.
 */
#ifndef AFT_RUNNER_REFERENCE_SCORES_H
#define AFT_RUNNER_REFERENCE_SCORES_H

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "curriculum/settings.h"

#include <limits.h>
#include <stdbool.h>

struct aft_reference_score { /* means over the motions, to passive; NaN: not known */
    double lqr_peak_to_passive, lqr_rms_to_passive;
    double lqg_peak_to_passive, lqg_rms_to_passive;
};

struct aft_reference_scores {
    struct aft_reference_score stages[AFT_MAX_STAGES];
};

struct aft_reference_file {
    char path[PATH_MAX];
    int n; /* stages; 0: scores are not asked for */
    char keys[AFT_MAX_STAGES][AFT_SHA256_HEX_SIZE];
};

void aft_reference_scores_forget(struct aft_reference_scores *scores);
bool aft_reference_score_known(const struct aft_reference_score *score);

/* The four numbers under the names that manifests have; null where not known. */
void aft_reference_score_set(struct aft_json *object, const struct aft_reference_score *score);
/* And back. */
struct aft_reference_score aft_reference_score_get(const struct aft_json *object);

/* What a stage's score depends on, as 64 hex digits: the fingerprint of its settings, and
 * [evaluation]. */
void aft_reference_key(char key[AFT_SHA256_HEX_SIZE], const char *fingerprint,
                       const struct aft_evaluation_settings *evaluation);

/* Of the file's stages those whose keys are as they are today; anything else, a
 * missing or damaged file included, is not known. */
void aft_reference_scores_read(struct aft_reference_scores *scores,
                               const struct aft_reference_file *file);
/* Publishes the file. */
enum aft_code aft_reference_scores_write(const struct aft_reference_scores *scores,
                                         const struct aft_reference_file *file,
                                         struct aft_error *error);

#endif
