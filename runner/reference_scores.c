#include "runner/reference_scores.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METHOD = 1 }; /* of finding them: another one makes what is on disk void */
static const size_t size_limit = (size_t)1 << 20;

static const char lqr_peak[] = "lqr_peak_drift_to_passive", lqr_rms[] = "lqr_rms_drift_to_passive";
static const char lqg_peak[] = "lqg_peak_drift_to_passive", lqg_rms[] = "lqg_rms_drift_to_passive";

static const struct aft_reference_score unknown = {NAN, NAN, NAN, NAN};

void aft_reference_scores_forget(struct aft_reference_scores *scores)
{
    for (int i = 0; i < AFT_MAX_STAGES; i++) {
        scores->stages[i] = unknown;
    }
}

bool aft_reference_score_known(const struct aft_reference_score *score)
{
    return isfinite(score->lqr_peak_to_passive) && isfinite(score->lqr_rms_to_passive) &&
           isfinite(score->lqg_peak_to_passive) && isfinite(score->lqg_rms_to_passive);
}

void aft_reference_score_set(struct aft_json *object, const struct aft_reference_score *score)
{
    aft_json_set_real(object, lqr_peak, score->lqr_peak_to_passive);
    aft_json_set_real(object, lqr_rms, score->lqr_rms_to_passive);
    aft_json_set_real(object, lqg_peak, score->lqg_peak_to_passive);
    aft_json_set_real(object, lqg_rms, score->lqg_rms_to_passive);
}

struct aft_reference_score aft_reference_score_get(const struct aft_json *object)
{
    const struct aft_reference_score score = {aft_json_get_real(object, lqr_peak, (double)NAN),
                                              aft_json_get_real(object, lqr_rms, (double)NAN),
                                              aft_json_get_real(object, lqg_peak, (double)NAN),
                                              aft_json_get_real(object, lqg_rms, (double)NAN)};
    return aft_reference_score_known(&score) ? score : unknown;
}

void aft_reference_key(char key[AFT_SHA256_HEX_SIZE], const char *fingerprint,
                       const struct aft_evaluation_settings *evaluation)
{
    char text[AFT_SHA256_HEX_SIZE + 128];
    int length = snprintf(text, sizeof text, "%d %s %d %.17g", METHOD, fingerprint,
                          evaluation->motions, evaluation->tail_s);
    aft_sha256_hex(text, (size_t)length, key);
}

void aft_reference_scores_read(struct aft_reference_scores *scores,
                               const struct aft_reference_file *file)
{
    struct aft_error ignored;
    struct aft_json *document = NULL;
    char *bytes = NULL;
    size_t size = 0;
    aft_reference_scores_forget(scores);
    if (file->n > 0 && aft_file_read(&bytes, &size, file->path, size_limit, &ignored) == AFT_OK &&
        aft_json_parse(&document, bytes, size, file->path, &ignored) == AFT_OK) {
        const struct aft_json *stages = aft_json_get(document, "stages");
        for (int i = 0; i < file->n; i++) {
            const struct aft_json *stage = aft_json_at(stages, (size_t)i);
            if (strcmp(aft_json_get_string(stage, "key", ""), file->keys[i]) == 0) {
                scores->stages[i] = aft_reference_score_get(stage);
            }
        }
    }
    aft_json_destroy(document);
    free(bytes);
}

enum aft_code aft_reference_scores_write(const struct aft_reference_scores *scores,
                                         const struct aft_reference_file *file,
                                         struct aft_error *error)
{
    struct aft_json *document = aft_json_object(), *stages = aft_json_array();
    char *text = NULL;
    size_t size = 0;
    for (int i = 0; i < file->n; i++) {
        struct aft_json *stage = aft_json_object();
        aft_json_set_integer(stage, "stage", i + 1);
        aft_json_set_string(stage, "key", file->keys[i]);
        aft_reference_score_set(stage, &scores->stages[i]);
        aft_json_append(stages, stage);
    }
    aft_json_set(document, "stages", stages);
    enum aft_code code = aft_json_write(&text, &size, document, true, error);
    if (code == AFT_OK) {
        code = aft_file_publish(file->path, text, size, error);
    }
    aft_json_destroy(document);
    free(text);
    return code;
}
